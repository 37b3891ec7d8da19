"""Rules as formulas: a rule is called with named Values in place of arrays, and what that leaves is read.

No derivative is written down here, nor who wants to know it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import cached_property, partial
from io import StringIO
from itertools import islice
from operator import attrgetter
from typing import Any

import numpy as np

from tinygrad_edu.engine.conversions import numbers_of
from tinygrad_edu.engine.hooks import Hook
from tinygrad_edu.engine.mode import InMode, Watch
from tinygrad_edu.engine.value import Value, constant_of
from tinygrad_edu.graph.graph import parents_of
from tinygrad_edu.graph.reaching import reached
from tinygrad_edu.graph.source import numpy_function
from tinygrad_edu.graph.terms import Applied, Literal, Symbol, Term, simplified
from tinygrad_edu.primitives import elementwise
from tinygrad_edu.primitives.primitive import Jointly, Primitive
from tinygrad_edu.primitives.table import TABLE

_LARGEST, _DEEPEST = 2000, 60
"""How many operations and operands a formula may have, in all and one within the other, that is read at all."""
_MOST_VALUES = 1000
"""From how many Values a formula may be read: most of them may be special cases, which are left out."""

Shapes = Mapping[str, tuple[int, ...]]
"""The shapes of the named Values in a formula. Where a parameter is just that, it is written `x.shape`."""


class Everything(Watch):
    """The mode in which also what requires no gradient is recorded, such as the comparison in the rule of a maximum.

    takes_numbers: whether the numbers of what was `given` have left it, so that with other ones the rule may go another way.
    """

    records_constants = True

    def __init__(self, given: Collection[Any] = ()) -> None:
        self._given = given
        self.takes_numbers = False

    def see_numbers(self, value: Any, taken: str, advice: str = "") -> None:
        """Numbers of the rule's own are the same each time."""
        self.takes_numbers = self.takes_numbers or value is None or value.primitive is not None or value in self._given


def attempted(primitive: Primitive, function: Callable[..., Any], *arguments: Any) -> Any:
    """What a function of an operation gives for some arguments and with the operation's parameters.

    Where a function of the user's raises an exception, that is what is given: it may be made for plain arrays, or refuse other
    numbers than those that it has met. Of an entry of the table it is let through.
    """
    try:
        return function(*arguments)
    except Exception as error:
        if TABLE.entries.get(primitive.name) is primitive:
            raise
        return error


# --- from Values to terms ----------------------------------------------------------------------------------------------------


def behind(x: Any, known: Collection[Value] = ()) -> Iterator[Value]:
    """A Value and those that it was computed from, as far as nothing is known of them; the nearest first."""
    return reached([x], lambda value: () if value in known else parents_of(value))


Made = Callable[[Value, tuple[Any, ...], Mapping[str, Any]], Any]
"""What becomes of a computed Value, given the terms of its parents, and its parameters."""


def term_of_value(x: Any, shapes: Shapes, made: Made) -> Any:
    """What was computed from named Values, as a term."""
    if not isinstance(x, Value):
        return Literal(x)
    terms: dict[Value, Any] = {}
    for value in sorted(behind(x), key=attrgetter("serial")):
        if value.primitive is None:
            terms[value] = Symbol(value.name, value.shape) if value.name else Literal(numbers_of(value))
        else:
            pairs = zip(value.parents, value.inputs, strict=True)
            operands = tuple(Literal(seen) if parent is None else terms[parent] for parent, seen in pairs)
            params = {key: _shape_of_input(param, shapes) for key, param in (value.params or {}).items()}
            terms[value] = made(value, operands, params)
    return terms[x]


def _as_computed(value: Value, operands: tuple[Any, ...], params: Mapping[str, Any]) -> Term:
    assert value.primitive is not None
    return Applied(value.primitive, operands, params, value.shape)


def _simplest(value: Value, operands: tuple[Any, ...], params: Mapping[str, Any]) -> Term | None:
    """The operation, simplified; None if it is too large to be read.

    Special cases that an equation sets apart, such as that of a ** b where b is 0, are left out unless it is met.
    """
    if value.primitive is elementwise.where and _sets_apart(value.parents[0]) and not np.any(value.inputs[0]):
        chosen: Term | None = operands[2]
        return chosen
    term = _as_computed(value, operands, params)
    return None if None in operands or max(term.size / _LARGEST, term.depth / _DEEPEST) > 1 else simplified(term)


def formula(x: Any, shapes: Shapes) -> Term | None:
    """What was computed from named Values as a term, simplified; None if it is too large to be read."""
    if isinstance(x, Value) and len(list(islice(behind(x), _MOST_VALUES + 1))) > _MOST_VALUES:
        return None
    term: Term | None = term_of_value(x, shapes, _simplest)
    return term


def _sets_apart(condition: Value | None) -> bool:
    """Whether a condition is an equation, or demands one among others: almost no numbers meet it."""
    if condition is None or condition.primitive is None:
        return False
    function = numpy_function(condition.primitive)
    if function not in (np.bitwise_and, np.logical_and):
        return function is np.equal
    demands = zip(condition.parents, condition.inputs, strict=True)
    return any(_sets_apart(demand) if demand is not None else not np.any(seen) for demand, seen in demands)


def _shape_of_input(param: Any, shapes: Shapes) -> Any:
    if type(param) is tuple and param and all(type(length) is int for length in param):  # and no index, which may hold arrays
        for name, shape in shapes.items():
            if param == shape:
                return ast.Attribute(ast.Name(name), "shape")
    return param


# --- rules -------------------------------------------------------------------------------------------------------------------

ARRIVING = "\0"
"""The name of the gradient that a rule is given: a Value of the user's may be called g."""


@dataclass(frozen=True, eq=False)
class RuleReading:
    """One call of a rule with named Values.

    g, out, inputs: what it was given; numbers that are written into formulas stay numbers.
    shapes: those that may be said by the name of the Value that has them.
    given: the Values among these.
    gradient: what it returned, a Value, or numbers that depend on none; an exception where a rule of the user's own raised it.
    takes_numbers: whether it looked at the numbers, so that the formula is that of these numbers alone.
    """

    g: Value
    out: Value
    inputs: Sequence[Any]
    shapes: Shapes
    given: Collection[Value]
    gradient: Any
    takes_numbers: bool

    @property
    def error(self) -> Exception | None:
        """Why there is no formula."""
        return self.gradient if isinstance(self.gradient, Exception) else None

    @property
    def data(self) -> Any:
        """The numbers that were returned."""
        return numbers_of(self.gradient) if isinstance(self.gradient, Value) else self.gradient

    @cached_property
    def term(self) -> Term | None:
        """The formula, simplified, in which the gradient that arrives is called `ARRIVING`. None if it cannot be read."""
        return None if self.error else formula(self.gradient, self.shapes)

    @property
    def as_computed(self) -> Term:
        """The formula of just what was computed."""
        term: Term = term_of_value(self.gradient, self.shapes, _as_computed)
        return term

    @cached_property
    def holds_for_all_numbers(self) -> bool:
        """Whether it is the same with other numbers: it asked for none, and used no Values but those that it was given."""
        if self.error or self.takes_numbers:
            return False
        leaves = (value for value in self._computed_from if value.primitive is None)
        return all(value in self.given or value.serial > self.g.serial for value in leaves)

    @cached_property
    def looks_at_gradient(self) -> bool:
        """Whether the gradient went into it, even if it then came to nothing."""
        return any(value is self.g for value in self._computed_from)

    @property
    def _computed_from(self) -> Iterator[Value]:
        return behind(self.gradient) if isinstance(self.gradient, Value) else iter(())


class RuleReader:
    """Reads what the rules of one result do with a gradient of ones. Where there is no rule, no gradient arrives: it is 0.

    All of them are given the same Values, and serve one step back: what computes all gradients together does it once.
    """

    def __init__(self, primitive: Primitive, out: Value, inputs: Sequence[Any], params: Mapping[str, Any], shapes: Shapes) -> None:
        self._primitive, self._out, self._inputs, self._params, self._shapes = primitive, out, inputs, params, shapes
        self._g = constant_of(np.ones(out.shape, out.dtype)[()], ARRIVING)
        self._given = {x for x in (self._g, out, *inputs) if isinstance(x, Value)}
        self._rules = primitive.rules(len(inputs))
        self._together = Everything(self._given) if isinstance(primitive.vjps, Jointly) else None

    def reading(self, position: int) -> RuleReading:
        """What the rule for an input does."""
        rule, everything = self._rules[position], self._together or Everything(self._given)
        with InMode(everything), np.errstate(all="ignore"):
            called = rule and partial(rule, **self._params)
            gradient = attempted(self._primitive, called, self._g, self._out, *self._inputs) if called else 0.0
        takes_numbers = everything.takes_numbers
        return RuleReading(self._g, self._out, self._inputs, self._shapes, self._given, gradient, takes_numbers)


def read_hook(hook: Hook, gradient: Any) -> RuleReading:
    """What a function that sees a gradient makes of it. It is called once more for it; what it prints has been seen already."""
    g = constant_of(gradient, ARRIVING)
    everything = Everything({g})
    with InMode(everything), np.errstate(all="ignore"), redirect_stdout(StringIO()):
        try:
            answer = hook.answer(g)
        except Exception as error:  # it is the user's, and may be made for plain arrays
            answer = error
    return RuleReading(g, g, (), {}, {g}, answer, everything.takes_numbers)
