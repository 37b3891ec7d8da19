"""What a notation of formulas is: how names, numbers, arrays and terms are written in it, and what stands between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tinygrad_edu.graph.terms import Term

# How tightly a form binds: whoever needs a tighter one puts brackets around it.
# OPEN is a product that ends in a function without brackets, as \ln w: what is multiplied to its right would seem to be inside.
COMPARISON, SUM, OPEN, PRODUCT, POWER, ATOM = range(6)

FRACTIONS = {0.5: ("½", r"\frac{1}{2}"), 0.25: ("¼", r"\frac{1}{4}"), 0.75: ("¾", r"\frac{3}{4}")}


@dataclass(frozen=True)
class Notation:
    """A way to write mathematics.

    name, number, array: how these are written.
    term: how a formula is written, given how tightly it has to bind.
    brackets, quotient: with `{}` in the place of what is in them.
    minus, times, d, partial: the signs of these.
    """

    name: Callable[[str], str]
    number: Callable[[Any], str]
    array: Callable[[Any], str]
    term: Callable[[Term, int], str]
    brackets: str
    quotient: str
    minus: str
    times: str
    d: str
    partial: str

    def product(self, factors: list[str]) -> str:
        """Factors, in brackets where they begin with a sign."""
        return self.times.join(map(self.factor, factors))

    def factor(self, form: str) -> str:
        """A factor, or a later part of a sum, in brackets if it begins with a sign."""
        return self.brackets.format(form) if form.startswith(self.minus) else form
