"""What an operation is: one entry of the op table, pure data.

An entry states its forward function, one derivative rule for each input, how it is printed, and where it can be tested.
This module knows NumPy and nothing of Values. It only knows that some operand may want to handle a call itself, and lets it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

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
class Jointly:
    """The rules of an operation with any number of inputs, or whose gradients are computed together: one that returns all."""

    rule: Rule

    def applied(self, g: Any, out: Any, inputs: Sequence[Any], params: Mapping[str, Any]) -> list[Rule]:
        """A rule for each input that has only to hand out what was computed here, once for all of them."""
        return [partial(_computed_before, gradient) for gradient in self.rule(g, out, *inputs, **params)]


def _computed_before(gradient: Any, g: Any, out: Any) -> Any:
    return gradient


@dataclass(frozen=True, eq=False)
class Primitive:
    """One operation: forward, one rule an input, printed forms, domain.

    Fields
    ------
    name: the operation's name, e.g. `"tanh"`.
    forward: `forward(*arrays, **params) -> array`.
    vjps: for each input its `Rule` (the vector-Jacobian product), or None where the input has no derivative (a mask, say).
    numpy: the NumPy functions that this entry differentiates.
    code: how a call is written in NumPy; `{0}`, `{1}` stand for the inputs. Empty: `np.name(inputs, params)`.
    jax: how it is written where `np` is `jax.numpy`, whose arrays cannot be changed in place. Empty: the same.
    latex: how it is written in mathematics, likewise.
    domain: for each input (the last one counts for the rest) where the operation is smooth, which is where tests draw from: an
        open interval, or a function that makes a valid input of one with elements in (-1, 1).
    cases: the shapes and parameters to test with. Empty: the operation works element by element and takes any shapes.
    form_of: the entry that this is a form of, if it is one: an index, say, of which some positions are inputs, too.

    Calling an entry applies it: to arrays it is its forward function, to Values it also records itself.

    >>> square = Primitive("square", lambda x: x * x, (lambda g, out, x: g * 2 * x,))
    >>> square(3.0)
    9.0
    """

    name: str
    forward: Callable[..., Any]
    vjps: tuple[Rule | None, ...] | Jointly
    numpy: tuple[Callable[..., Any], ...] = ()
    code: str = ""
    jax: str = ""
    latex: str = ""
    domain: tuple[Domain, ...] = ()
    cases: tuple[Case, ...] = ()
    form_of: Primitive | None = None

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
    def is_differentiable(self) -> bool:
        """Whether a gradient can pass back to any input."""
        return not isinstance(self.vjps, tuple) or any(rule is not None for rule in self.vjps)

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """The names of what `forward` takes besides its input arrays, in order."""
        names = list(inspect.signature(self.forward).parameters)
        return tuple(names[1 if not isinstance(self.vjps, tuple) else len(self.vjps) :])

    def bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
        """The inputs and the parameters of a call in NumPy's manner, where parameters may be given by position: `np.sum(x, 0)`."""
        if kwargs and isinstance(self.forward, np.ufunc):
            raise TypeError("its rules know nothing of options")
        if not isinstance(self.vjps, tuple):
            return args, kwargs
        if len(args) < len(self.vjps) and kwargs and self.numpy:  # np.sum(a=x): an input by the name that NumPy gives it
            names = list(inspect.signature(self.numpy[0]).parameters)[len(args) : len(self.vjps)]
            args += tuple(kwargs[name] for name in names if name in kwargs)
            kwargs = {name: value for name, value in kwargs.items() if name not in names}
        inputs, positional = args[: len(self.vjps)], args[len(self.vjps) :]
        return inputs, {**dict(zip(self.parameters, positional, strict=False)), **kwargs}


@dataclass(frozen=True)
class Table:
    """The op table: every entry by name, and what each of NumPy's functions is differentiated by.

    `functions` also holds the compositions: NumPy functions that are differentiated because they are written
    in terms of entries, and need no rule of their own.
    """

    entries: dict[str, Primitive] = field(default_factory=dict)
    functions: dict[Callable[..., Any], Callable[..., Any]] = field(default_factory=dict)

    def add(self, entry: Primitive) -> Primitive:
        """Add an entry; a second one of the same name is a mistake."""
        if entry.name in self.entries:
            raise ValueError(f"the op table already has an entry named {entry.name!r}")
        self.entries[entry.name] = entry
        for function in entry.numpy:
            self.functions[function] = entry
        return entry

    def __iter__(self) -> Iterator[Primitive]:
        return iter(self.entries.values())


TABLE = Table()


def operation(
    forward: Callable[..., Any],
    *vjps: Rule | Jointly | None,
    name: str = "",
    numpy: Iterable[Callable[..., Any]] = (),
    code: str = "",
    jax: str = "",
    latex: str = "",
    domain: tuple[Domain, ...] = (),
    cases: Iterable[Case] = (),
) -> Primitive:
    """Add an operation to the table: the forward function, one rule an input, and the fields of `Primitive`.

    A NumPy ufunc given as `forward` is also the NumPy function that the entry differentiates.
    """
    rules: Any = vjps[0] if len(vjps) == 1 and isinstance(vjps[0], Jointly) else vjps
    is_ufunc = isinstance(forward, np.ufunc)
    return TABLE.add(
        Primitive(
            name=name or forward.__name__,
            forward=forward,
            vjps=rules,
            numpy=(forward,) if is_ufunc else tuple(numpy),
            code=code,
            jax=jax,
            latex=latex,
            domain=domain,
            cases=tuple(cases),
        )
    )


def composition(*functions: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Differentiate NumPy functions by writing them in terms of others: the decorated function takes their arguments."""

    def register(composed: Callable[..., Any]) -> Callable[..., Any]:
        for function in functions:
            TABLE.functions[function] = composed
        return composed

    return register


def numpy_name(function: Callable[..., Any]) -> str:
    """A function of NumPy's as it is written in Python.

    >>> numpy_name(np.linalg.inv), numpy_name(np.add), numpy_name(np.add.reduce)
    ('np.linalg.inv', 'np.add', 'np.add.reduce')
    """
    if isinstance(ufunc := getattr(function, "__self__", None), np.ufunc):
        return f"np.{ufunc.__name__}.{function.__name__}"
    return f"{getattr(function, '__module__', None) or 'numpy'}.{function.__name__}".replace("numpy", "np", 1)
