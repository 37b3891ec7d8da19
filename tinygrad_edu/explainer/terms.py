"""Formulas: what was recorded, as trees that can be simplified and written down.

A term knows the operations of the table by what they are called with, and a little algebra: factors of one, products of numbers,
choices that are already made. It knows no derivative.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from tinygrad_edu.compiler import nodes
from tinygrad_edu.engine.value import Value
from tinygrad_edu.graph.graph import Node
from tinygrad_edu.graph.source import numpy_function
from tinygrad_edu.primitives import arithmetic, elementwise
from tinygrad_edu.primitives.primitive import Primitive

_LARGEST, _DEEPEST = 2000, 60
"""How many operations and operands a formula may have, in all and one within the other, that is read at all."""
_MOST_RECORDED = 1000
"""How many Values a record may have that a formula is looked for in: most of them may be special cases, which are left out."""


@dataclass(frozen=True)
class Symbol:
    """A name that stands for a node of the graph, or for an incoming gradient."""

    name: str
    size = depth = 1


@dataclass(frozen=True, eq=False)
class Literal:
    """A number, or an array of numbers, that is written into the formula."""

    value: Any
    size = depth = 1

    @property
    def number(self) -> float | None:
        """The number, if it is a single one."""
        return float(self.value) if np.ndim(self.value) == 0 and not np.iscomplexobj(self.value) else None


@dataclass(frozen=True, eq=False)
class Applied:
    """An operation applied to terms."""

    primitive: Primitive
    operands: tuple[Term, ...]
    params: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def size(self) -> int:
        """How many operations and operands it has."""
        return 1 + sum(operand.size for operand in self.operands)

    @cached_property
    def depth(self) -> int:
        """How many of them are one within the other."""
        return 1 + max((operand.depth for operand in self.operands), default=0)


Term = Symbol | Literal | Applied


def term_of(node: Node) -> Term:
    """A node as it is written where it is used: its name, or its number."""
    return Literal(node.data) if node.is_number else Symbol(node.name)


def definition(node: Node) -> Term:
    """The operation that a result came from, applied to its operands as they are written."""
    return Applied(node.primitive, tuple(term_of(operand) for operand in node.operands), node.params)


def recorded_term(x: Any, shapes: Mapping[str, tuple[int, ...]]) -> Term | None:
    """What was recorded from named Values, as a term; None for one that is too large to be read.

    Where a parameter is one of the given shapes, it is written like that. Special cases that an equation sets apart, such as that
    of a ** b where b is 0, are left out unless it is met.
    """
    if not isinstance(x, Value):
        return Literal(x)
    found = dict.fromkeys([x])
    values = [x]
    for value in values:  # which grows while it is walked
        new = [parent for parent in value.parents if parent is not None and parent not in found]
        found |= dict.fromkeys(new)
        values += new
        if len(values) > _MOST_RECORDED:
            return None
    terms: dict[Value, Term | None] = {}
    for value in sorted(found, key=lambda value: value.serial):
        terms[value] = _term_of_result(value, terms, shapes)
    return terms[x]


def _term_of_result(value: Value, terms: Mapping[Value, Term | None], shapes: Mapping[str, tuple[int, ...]]) -> Term | None:
    """The term of a Value whose parents have theirs."""
    if value.primitive is None:
        return Symbol(value.name) if value.name else Literal(value.data)
    pairs = zip(value.parents, value.inputs, strict=True)
    operands = [Literal(seen) if parent is None else terms[parent] for parent, seen in pairs]
    if value.primitive is elementwise.where and _sets_apart(value.parents[0]) and not np.any(value.inputs[0]):
        return operands[2]
    readable = tuple(operand for operand in operands if operand is not None)
    params = {key: _shape_of_input(value, shapes) for key, value in (value.params or {}).items()}
    term = Applied(value.primitive, readable, params)
    if len(readable) < len(operands) or term.size > _LARGEST or term.depth > _DEEPEST:
        return None
    return simplified(term)


def _sets_apart(condition: Value | None) -> bool:
    """Whether a condition is an equation, or demands one among others: almost no numbers meet it."""
    if condition is None or condition.primitive is None:
        return False
    function = numpy_function(condition.primitive)
    if function not in (np.bitwise_and, np.logical_and):
        return function is np.equal
    demands = zip(condition.parents, condition.inputs, strict=True)
    return any(_sets_apart(demand) if demand is not None else not np.any(seen) for demand, seen in demands)


def program_term(node: nodes.Node) -> Term:
    """What the compiler made of a formula, as a term."""
    if node.name:
        return Symbol(node.name)
    if node.primitive is None:
        return Literal(node.value)
    return Applied(node.primitive, tuple(map(program_term, node.inputs)), node.params)


def names(term: Term) -> set[str]:
    """The names that occur in a formula."""
    return {term.name} if isinstance(term, Symbol) else set().union(*map(names, getattr(term, "operands", ())))


def operations(term: Term) -> set[Primitive]:
    """The operations that occur in a formula."""
    return {term.primitive}.union(*map(operations, term.operands)) if isinstance(term, Applied) else set()


def _shape_of_input(value: Any, shapes: Mapping[str, tuple[int, ...]]) -> Any:
    if type(value) is tuple and value:
        for name, shape in shapes.items():
            if value == shape:
                return ast.Attribute(ast.Name(name), "shape")
    return value


# --- algebra -----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Product:
    """A number times some factors, divided by others: what a chain of factors comes to."""

    coefficient: float
    factors: tuple[Term, ...] = ()
    divisors: tuple[Term, ...] = ()

    def times(self, other: Product) -> Product:
        """The product of both, with equal factors cancelled."""
        factors, divisors = [*self.factors, *other.factors], [*self.divisors, *other.divisors]
        for divisor in tuple(divisors):
            if isinstance(divisor, Symbol) and divisor in factors:
                factors.remove(divisor)
                divisors.remove(divisor)
        return Product(self.coefficient * other.coefficient, tuple(factors), tuple(divisors))

    @property
    def term(self) -> Term:
        """As a term: the number first, where it is not one."""
        numerator = _multiplied(self.factors)
        if numerator is None:
            numerator = Literal(self.coefficient)
        elif self.coefficient == -1:
            numerator = Applied(arithmetic.negative, (numerator,))
        elif self.coefficient != 1:
            numerator = Applied(arithmetic.multiply, (Literal(self.coefficient), numerator))
        denominator = _multiplied(self.divisors)
        return numerator if denominator is None else Applied(arithmetic.divide, (numerator, denominator))


def _multiplied(factors: Sequence[Term]) -> Term | None:
    if not factors:
        return None
    result = factors[0]
    for factor in factors[1:]:
        result = Applied(arithmetic.multiply, (result, factor))
    return result


def product(term: Term) -> Product:
    """A term as a product of a number and factors."""
    if isinstance(term, Literal) and term.number is not None:
        return Product(term.number)
    if isinstance(term, Applied):
        if term.primitive is arithmetic.multiply:
            return product(term.operands[0]).times(product(term.operands[1]))
        if term.primitive is arithmetic.negative:
            return Product(-1.0).times(product(term.operands[0]))
        if term.primitive is arithmetic.divide:
            above, below = (product(operand) for operand in term.operands)
            if below.coefficient != 0:
                return above.times(Product(1 / below.coefficient, below.divisors, below.factors))
    return Product(1.0, (term,))


def simplified(term: Term) -> Term:
    """The term without factors of one, first powers, and choices whose outcome is known. Its operands are simple already."""
    if not isinstance(term, Applied):
        return term
    first, *others = term.operands or (Literal(None),)
    second = others[0] if others else None
    if term.primitive is arithmetic.multiply and second is not None:
        if _is(first, 1):
            return second
        if _is(second, 1):
            return first
    if second is not None and (
        (term.primitive in (arithmetic.power, arithmetic.divide) and _is(second, 1))
        or (term.primitive in (arithmetic.add, arithmetic.subtract) and _is(second, 0))
    ):
        return first
    if term.primitive is elementwise.where and isinstance(first, Literal) and np.size(first.value) == 1:
        return term.operands[1 if np.all(first.value) else 2]
    return term


def _is(term: Term, number: float) -> bool:
    return isinstance(term, Literal) and np.ndim(term.value) == 0 and bool(term.value == number)
