"""Formulas as syntax trees, which can be simplified and written down.

A term knows the operations of the table by what they are called with, and a little algebra: factors of one, products of numbers,
choices that are already made. It knows no derivative.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, reduce
from typing import Any

import numpy as np

from tinygrad_edu.graph.graph import Node
from tinygrad_edu.primitives import arithmetic, elementwise
from tinygrad_edu.primitives.primitive import Primitive


@dataclass(frozen=True)
class Symbol:
    """A name that stands for a node of the graph, or for an incoming gradient; with the shape of what it stands for."""

    name: str
    shape: tuple[int, ...] = ()
    size = depth = 1


@dataclass(frozen=True, eq=False)
class Literal:
    """A number, or an array of numbers, that is written into the formula."""

    value: Any
    size = depth = 1

    @property
    def shape(self) -> tuple[int, ...]:
        """The lengths of the axes."""
        return np.shape(self.value)

    @property
    def number(self) -> float | None:
        """The number, if it is a single one."""
        return float(self.value) if np.ndim(self.value) == 0 and not np.iscomplexobj(self.value) else None


@dataclass(frozen=True, eq=False)
class Applied:
    """An operation applied to terms; with the shape of the result, which says how its signs are written."""

    primitive: Primitive
    operands: tuple[Term, ...]
    params: Mapping[str, Any] = field(default_factory=dict)
    shape: tuple[int, ...] = ()

    @cached_property
    def size(self) -> int:
        """How many operations and operands it has."""
        return 1 + sum(operand.size for operand in self.operands)

    @cached_property
    def depth(self) -> int:
        """How many of them are one within the other."""
        return 1 + max((operand.depth for operand in self.operands), default=0)

    @property
    def keeps_numbers(self) -> bool:
        """Whether it changes no number, and is not written: a cast, a new axis, or a repetition along one."""
        return self.primitive.latex == "{0}"

    @property
    def is_of_arrays(self) -> bool:
        """Whether no operand is a single number."""
        return all(operand.shape for operand in self.operands)

    @property
    def count(self) -> int:
        """Of how many numbers each of the result is made, in a sum or a mean."""
        return math.prod(self.operands[0].shape) // max(math.prod(self.shape), 1)


Term = Symbol | Literal | Applied


@dataclass(frozen=True, kw_only=True)
class Derivative(Symbol):
    """The derivative of one thing with respect to another: a symbol that is written as their quotient."""

    of: Term
    wrt: Term


def is_number(term: Term) -> bool:
    """Whether a term is a single number that is written out."""
    return isinstance(term, Literal) and term.number is not None


def term_of(node: Node) -> Term:
    """A node as it is written where it is used: its name, or its number."""
    return Literal(node.data) if node.is_number else Symbol(node.name, node.shape)


def definition(node: Node) -> Term:
    """The operation that a result came from, applied to its operands as they are written."""
    return Applied(node.primitive, tuple(term_of(operand) for operand in node.operands), node.params, node.shape)


def names(term: Term) -> set[str]:
    """The names that occur in a formula."""
    return {term.name} if isinstance(term, Symbol) else set().union(*map(names, getattr(term, "operands", ())))


def operations(term: Term) -> set[Primitive]:
    """The operations that occur in a formula."""
    return {term.primitive}.union(*map(operations, term.operands)) if isinstance(term, Applied) else set()


def substituted(term: Term, terms: Mapping[str, Term], made: Callable[[Applied], Term] = lambda term: term) -> Term:
    """The formula with terms in the place of names. `made` says what becomes of an operation on them."""
    if isinstance(term, Symbol):
        return terms.get(term.name, term)
    if not isinstance(term, Applied):
        return term
    operands = tuple(substituted(operand, terms, made) for operand in term.operands)
    is_same = all(new is old for new, old in zip(operands, term.operands, strict=True))
    return term if is_same else made(Applied(term.primitive, operands, term.params, term.shape))


# --- algebra -----------------------------------------------------------------------------------------------------------------


def evaluated(term: Applied) -> Term:
    """The term in its simplest form; as a number, if it is applied to nothing but numbers. Its operands are simple already."""
    numbers = [operand.value for operand in term.operands if isinstance(operand, Literal)]
    if len(numbers) < len(term.operands):
        return simplified(term)
    with np.errstate(all="ignore"):
        return Literal(term.primitive.forward(*numbers, **term.params))


def simplified(term: Term) -> Term:
    """The term without factors of one, first powers, and choices whose outcome is known. Its operands are simple already."""
    if not isinstance(term, Applied) or not term.operands:
        return term
    first, *others = term.operands
    if term.primitive is elementwise.where and isinstance(first, Literal) and np.size(first.value) == 1:
        return others[0 if np.all(first.value) else 1]
    if term.primitive is arithmetic.multiply and _is(first, 1):
        return others[0]
    neutral = _NEUTRAL.get(term.primitive)
    return first if neutral is not None and _is(others[0], neutral) else term


def number_first(term: Applied) -> Term:
    """A product with its number before the other factor."""
    if term.primitive is arithmetic.multiply and is_number(term.operands[1]) and not is_number(term.operands[0]):
        return Applied(term.primitive, term.operands[::-1], term.params, term.shape)
    return term


_NEUTRAL = {arithmetic.multiply: 1, arithmetic.power: 1, arithmetic.divide: 1, arithmetic.add: 0, arithmetic.subtract: 0}
"""The second operands that change nothing."""


def _is(term: Term, number: float) -> bool:
    return isinstance(term, Literal) and np.ndim(term.value) == 0 and bool(term.value == number)


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
        if not self.factors:
            numerator: Term = Literal(self.coefficient)
        elif self.coefficient == -1:
            numerator = Applied(arithmetic.negative, (reduce(_times, self.factors),))
        else:
            numerator = simplified(_times(Literal(self.coefficient), reduce(_times, self.factors)))
        return Applied(arithmetic.divide, (numerator, reduce(_times, self.divisors))) if self.divisors else numerator


def _times(a: Term, b: Term) -> Term:
    return Applied(arithmetic.multiply, (a, b))


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
