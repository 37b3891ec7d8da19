"""What an operation is: one entry of the op table, pure data.

An entry states its forward function, one derivative rule for each input, how it is printed, and where it can be tested.
This module knows NumPy and nothing of Values. It only knows that some operand may want to handle a call itself, and lets it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import count, islice
from typing import Any, Self, TypeAlias, cast

import numpy as np

from tinygrad_edu.errors import DataError
from tinygrad_edu.escaping import one_line

Rule = Callable[..., Any]
"""`rule(g, out, *inputs, **params)`: the gradient for one input, given the gradient `g` of the output `out`.

A rule is an ordinary NumPy formula. It is given arrays to get numbers and Values to get a graph that can be differentiated again.
It may return the shape that NumPy's broadcasting led to; whoever called it sums that back to the shape of the input.
"""


Domain = tuple[float, float] | Callable[[Any], Any]


@dataclass(frozen=True)
class Case:
    """One way to call an operation in a test: the shapes of its inputs, and its parameters."""

    shapes: tuple[tuple[int, ...], ...]
    params: Mapping[str, Any]


def case(*shapes: tuple[int, ...], **params: Any) -> Case:
    """`case((3, 4), axis=0)`: inputs of these shapes, with these parameters."""
    return Case(shapes, params)


@dataclass(frozen=True)
class EachInput:
    """The rules of an operation with any number of inputs: one, which is told by `position` for which input it is asked."""

    rule: Rule

    def __iter__(self) -> Iterator[Rule]:
        return (partial(self.rule, position=position) for position in count())


@dataclass(frozen=True)
class Jointly:
    """The same where the gradients are computed together: one rule, which returns them all."""

    rule: Rule

    def __iter__(self) -> Iterator[Rule]:
        """Rules for one step back: the first that is called computes all gradients, the others hand out what it has found."""
        found: list[Any] = []
        return (partial(_one_of, self.rule, found, position) for position in count())

    def given(self, inputs: Sequence[Any], params: Mapping[str, Any]) -> Iterator[Rule]:
        """The same, where the rules know the inputs and ask only for g and out: for n inputs n short calls."""
        computed = partial(_all_of, self.rule, [], inputs, params)
        return (lambda g, out, at=at: computed(g, out)[at] for at in count())


def _one_of(rule: Rule, found: list[Any], position: int, g: Any, out: Any, /, *inputs: Any, **params: Any) -> Any:
    return _all_of(rule, found, inputs, params, g, out)[position]


def _all_of(rule: Rule, found: list[Any], inputs: Sequence[Any], params: Mapping[str, Any], g: Any, out: Any) -> list[Any]:
    if not found:
        found.extend(rule(g, out, *inputs, **params))
    return found


Rules: TypeAlias = tuple[Rule | None, ...] | EachInput | Jointly


class Primitive:
    """One operation: forward, one rule an input, printed forms, domain.

    Parameters
    ----------
    forward: `forward(*arrays, **params) -> array`. A ufunc of NumPy's is also the function that this entry differentiates.
    vjps: for each input its `Rule` (the vector-Jacobian product), or None where the input has no derivative (a mask, say); for
        any number of inputs `EachInput` or `Jointly`. All of these are iterated over, and give a rule for each input.
    name: the operation's name, e.g. `"tanh"`. Empty: that of `forward`.
    numpy: the NumPy functions that this entry differentiates.
    code: how a call is written in NumPy; `{0}`, `{1}` stand for the inputs. Empty: `np.name(inputs, params)`.
    jax: how it is written where `np` is `jax.numpy`, whose arrays cannot be changed in place. Empty: the same.
    latex: how it is written in mathematics, likewise.
    result: what its result is called in a program where nobody gave it a name, e.g. `"total"`. Empty: as the operation.
    shapes: what the shapes of its inputs have to do, which a message says where they do not. Empty: where there are no cases, they
        broadcast.
    domain: for each input (the last one counts for the rest) where the operation is smooth, which is where tests draw from: an
        open interval, or a function that makes a valid input of one with elements in (-1, 1).
    cases: the shapes and parameters to test with. Empty: the operation works element by element and takes any shapes.
    reduces: the ufunc whose reduction it is, if it is one: that of a sum is `np.add`, that of a maximum `np.maximum`.
    form_of: the entry that this is a form of, if it is one: an index, say, of which some positions are inputs, too.
    on_stacks: `on_stacks(are_stacks, *inputs, **params)`, how it is applied to many inputs at once (`stacking`), if it does not do
        with its parameter `axis`, `axes` or `shape` moved by one. For each input it is told whether it is a stack; what it does not
        know how to do is NotImplemented.
    adds: for an operation whose gradient is zero but for a part, as that of an index is: `adds(total, g, *inputs, **params)` adds
        what its rule says to an array in place. So the rows of an array that are read one by one do not cost an array of the full
        size each.

    Calling an entry applies it: to arrays it is its forward function, to Values it also records itself.

    >>> square = Primitive(lambda x: x * x, lambda g, out, x: g * 2 * x, name="square")
    >>> square(3.0)
    9.0
    """

    def __init__(
        self,
        forward: Callable[..., Any],
        *vjps: Rule | EachInput | Jointly | None,
        name: str = "",
        numpy: Iterable[Callable[..., Any]] = (),
        code: str = "",
        jax: str = "",
        latex: str = "",
        result: str = "",
        shapes: str = "",
        domain: tuple[Domain, ...] = (),
        cases: Iterable[Case] = (),
        reduces: np.ufunc | None = None,
        form_of: Primitive | None = None,
        on_stacks: Callable[..., Any] | None = None,
        adds: Callable[..., None] | None = None,
    ) -> None:
        is_for_any_number = len(vjps) == 1 and isinstance(vjps[0], EachInput | Jointly)
        self.forward, self.vjps = forward, cast(Rules, vjps[0] if is_for_any_number else vjps)
        self.name: str = name or getattr(forward, "__name__", "")
        self.numpy = (forward,) if isinstance(forward, np.ufunc) else tuple(numpy)
        self.code, self.jax, self.latex, self.result, self.shapes = code, jax, latex, result, shapes
        self.domain, self.cases, self.reduces, self.form_of = domain, tuple(cases), reduces, form_of
        self.on_stacks, self.adds = on_stacks, adds
        # What `help` and `inspect` read of a function: what the forward function says, which takes the same arguments.
        told = {attribute: getattr(forward, attribute, None) for attribute in ("__module__", "__doc__")}
        vars(self).update(told, __name__=self.name, __qualname__=self.name, __wrapped__=forward)

    def but(self, **other: Any) -> Self:
        """The same with other fields."""
        fields = {name: getattr(self, name) for name in _FIELDS} | other
        forward, vjps = fields.pop("forward"), fields.pop("vjps")
        return type(self)(forward, *(vjps if isinstance(vjps, tuple) else (vjps,)), **fields)

    def __get__(self, owner: Any, kind: Any = None) -> Primitive:
        """Itself, as an attribute of a class. (What has this method is a routine for `help`, and not an object of some class.)"""
        return self

    def __call__(self, *inputs: Any, **params: Any) -> Any:
        for operand in inputs:
            record = getattr(operand, "__record_primitive__", None)
            if record is not None:
                return record(self, inputs, params)
        try:
            return self.forward(*inputs, **params)
        except OverflowError as error:  # an integer with hundreds of digits
            raise DataError(f"{self.name!r} failed: {error}") from error

    def __repr__(self) -> str:
        return f"<primitive {one_line(self.name)}>"

    @cached_property
    def arity(self) -> int | None:
        """How many inputs it takes; None for any number."""
        return len(self.vjps) if isinstance(self.vjps, tuple) else None

    def rules(self, inputs: int) -> list[Rule | None]:
        """For each of so many inputs its rule, or None. They serve one step back: ask again for another."""
        return list(islice(self.vjps, inputs))

    @cached_property
    def is_differentiable(self) -> bool:
        """Whether a gradient can pass back to any input."""
        return self.arity is None or any(rule is not None for rule in self.rules(self.arity))

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """The names of what `forward` takes besides its input arrays, in order."""
        names = list(inspect.signature(self.forward).parameters)
        return tuple(names[1 if self.arity is None else self.arity :])

    def domain_of(self, position: int, usual: tuple[float, float]) -> tuple[tuple[float, float], Callable[[Any], Any]]:
        """From which interval to draw the elements of an input, the usual one by default; and what makes a valid input of them."""
        domain = self.domain[min(position, len(self.domain) - 1)] if self.domain else usual
        return (domain, lambda x: x) if isinstance(domain, tuple) else ((-1.0, 1.0), domain)

    def bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
        """The inputs and the parameters of a call in NumPy's manner, where parameters may be given by position: `np.sum(x, 0)`."""
        if kwargs and isinstance(self.forward, np.ufunc):
            raise TypeError("its rules know nothing of options")
        if self.arity in (None, len(args)):
            return args, kwargs
        if len(args) < self.arity and kwargs and self.numpy:  # np.sum(a=x): an input by the name that NumPy gives it
            names = list(inspect.signature(self.numpy[0]).parameters)[len(args) : self.arity]
            args += tuple(kwargs[name] for name in names if name in kwargs)
            kwargs = {name: value for name, value in kwargs.items() if name not in names}
        inputs, positional = args[: self.arity], args[self.arity :]
        return inputs, {**dict(zip(self.parameters, positional, strict=False)), **kwargs}


_FIELDS = tuple(inspect.signature(Primitive).parameters)
