"""Sums of products as one writes them down in the end: with like terms collected, and what they have in common before the brackets.

It knows sums, products, quotients and whole powers, and takes everything else for a factor as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

from tinygrad_edu.graph.terms import Applied, Literal, Symbol, Term
from tinygrad_edu.primitives import arithmetic

LONGEST = 40
"""Sums of more operations and operands than this are left as they are."""


@dataclass
class Monomial:
    """A number times powers of some factors.

    powers: for the key of each factor its exponent, in the order in which they are written.
    """

    coefficient: float
    powers: dict[Any, int] = field(default_factory=dict)

    def times(self, other: Monomial) -> Monomial:
        """The product of both."""
        powers = dict(self.powers)
        for key, exponent in other.powers.items():
            powers[key] = powers.get(key, 0) + exponent
        return Monomial(self.coefficient * other.coefficient, {key: n for key, n in powers.items() if n})

    def to_the(self, exponent: int) -> Monomial:
        """A power of it."""
        return Monomial(self.coefficient**exponent, {key: n * exponent for key, n in self.powers.items() if exponent})

    def without(self, common: Mapping[Any, int]) -> Monomial:
        """What is left when these powers are taken out; what is left of a power comes last."""
        left = {key: n - common.get(key, 0) for key, n in self.powers.items()}
        whole = {key: n for key, n in left.items() if key not in common}
        return Monomial(self.coefficient, whole | {key: n for key, n in left.items() if key in common and n})


def collected(term: Term) -> Iterator[Term]:
    """A sum with like terms collected, and then with what they have in common before the brackets; nothing, where nothing is.

    >>> from tinygrad_edu.graph.text_notation import text
    >>> x, theta, t = map(Symbol, ("x", "theta", "t"))
    >>> def times(*factors):
    ...     return reduce(lambda a, b: Applied(arithmetic.multiply, (a, b)), factors)
    >>> square = Applied(arithmetic.power, (x, Literal(2)))
    >>> found = collected(Applied(arithmetic.subtract, (times(Literal(0.5), square, Literal(2), theta), times(t, x))))
    >>> [text(term) for term in found]
    ['x²·θ − t·x', 'x·(θ·x − t)']
    """
    if term.size > LONGEST:
        return
    factors: dict[Any, Term] = {}
    parts = list(_summands(term, Monomial(1.0), factors))
    sums: dict[Any, Monomial] = {}
    for part in parts:
        key = frozenset(part.powers.items())
        sums[key] = Monomial(part.coefficient + (sums[key].coefficient if key in sums else 0.0), part.powers)
    terms = [part for part in sums.values() if part.coefficient]
    common = {key: min(part.powers.get(key, 0) for part in terms) for key in (terms[0].powers if terms else ())}
    common = {key: n for key, n in common.items() if n > 0}
    if len(terms) < len(parts) or (common and len(terms) > 1):
        yield _sum(terms, factors)
    if common and len(terms) > 1:
        before, rest = _product(Monomial(1.0, common), factors), _sum([part.without(common) for part in terms], factors)
        yield _times(before, next(collected(rest), rest))


def _summands(term: Term, factor: Monomial, factors: dict[Any, Term]) -> Iterator[Monomial]:
    """The summands of a term times a factor."""
    if isinstance(term, Applied) and term.primitive in _SIGNS:
        for operand, sign in zip(term.operands, _SIGNS[term.primitive], strict=True):
            yield from _summands(operand, factor.times(Monomial(sign)), factors)
    else:
        yield factor.times(_monomial(term, factors))


_SIGNS = {arithmetic.add: (1.0, 1.0), arithmetic.subtract: (1.0, -1.0), arithmetic.negative: (-1.0,)}


def _monomial(term: Term, factors: dict[Any, Term]) -> Monomial:
    if isinstance(term, Literal) and term.number is not None:
        return Monomial(term.number)
    if isinstance(term, Applied):
        if term.primitive is arithmetic.negative:
            return Monomial(-1.0).times(_monomial(term.operands[0], factors))
        if term.primitive is arithmetic.multiply:
            return reduce(Monomial.times, (_monomial(operand, factors) for operand in term.operands))
        if term.primitive is arithmetic.divide:
            above, below = (_monomial(operand, factors) for operand in term.operands)
            if below.coefficient:
                return above.times(below.to_the(-1))
        if term.primitive is arithmetic.power and isinstance(term.operands[1], Literal):
            base, exponent = _monomial(term.operands[0], factors), term.operands[1].number
            if exponent is not None and exponent.is_integer() and abs(exponent) < LONGEST and (base.coefficient or exponent >= 0):
                return base.to_the(int(exponent))
    key = _key(term)
    factors.setdefault(key, term)
    return Monomial(1.0, {key: 1})


def _key(term: Term) -> Any:
    """What is equal for equal terms."""
    if isinstance(term, Symbol):
        return term.name
    if isinstance(term, Literal):
        return repr(term.value)
    return (term.primitive, tuple(map(_key, term.operands)), repr(term.params))


def _sum(terms: Iterable[Monomial], factors: Mapping[Any, Term]) -> Term:
    """The sum, which begins with what has no minus sign, where there is such."""
    first, *rest = sorted(terms, key=lambda part: part.coefficient < 0) or [Monomial(0.0)]
    total = _product(first, factors)
    for part in rest:
        sign, way = (arithmetic.subtract, -1.0) if part.coefficient < 0 else (arithmetic.add, 1.0)
        total = Applied(sign, (total, _product(Monomial(way).times(part), factors)))
    return total


def _product(part: Monomial, factors: Mapping[Any, Term]) -> Term:
    above = [_power(factors[key], n) for key, n in part.powers.items() if n > 0]
    below = [_power(factors[key], -n) for key, n in part.powers.items() if n < 0]
    size = abs(part.coefficient)
    numbers = [Literal(size)] if size != 1 or not above else []
    numerator = reduce(_times, [*numbers, *above])
    signed = Applied(arithmetic.negative, (numerator,)) if part.coefficient < 0 else numerator
    return Applied(arithmetic.divide, (signed, reduce(_times, below))) if below else signed


def _power(factor: Term, exponent: int) -> Term:
    return factor if exponent == 1 else Applied(arithmetic.power, (factor, Literal(exponent)))


def _times(a: Term, b: Term) -> Term:
    return Applied(arithmetic.multiply, (a, b))
