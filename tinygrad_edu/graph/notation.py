"""What a notation of formulas is, and how names, numbers and arrays are written as text and as LaTeX: short, six digits each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from tinygrad_edu.escaping import in_latex
from tinygrad_edu.graph.graph import LETTERS
from tinygrad_edu.graph.terms import Term

# How tightly a form binds: whoever needs a tighter one puts brackets around it.
# OPEN is a product that ends in a function without brackets, as \ln w: what is multiplied to its right would seem to be inside.
COMPARISON, SUM, OPEN, PRODUCT, POWER, ATOM = range(6)

FRACTIONS = {0.5: "½", 0.25: "¼", 0.75: "¾"}
"""Fractions that are signs of their own in text."""
_LARGEST_DENOMINATOR = 10_000


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


def fraction(x: Any) -> Fraction | None:
    """A number between 0 and 1 as a fraction, where its digits do not say it as well: that of an average, or a half.

    >>> fraction(1 / 3), fraction(2 / 7), fraction(0.125), fraction(0.1)
    (Fraction(1, 3), Fraction(2, 7), Fraction(1, 8), None)
    """
    value = float(x)
    if not 0 < value < 1 or (value not in FRACTIONS and value == float(f"{value:.2g}")):
        return None
    found = Fraction(value).limit_denominator(_LARGEST_DENOMINATOR)
    is_it = float(found) == value and (found.numerator == 1 or value != float(f"{value:.6g}"))
    return found if is_it else None


# --- names and numbers -------------------------------------------------------------------------------------------------------

GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "zeta": "ζ", "eta": "η", "theta": "θ", "iota": "ι",
    "kappa": "κ", "lambda": "λ", "lam": "λ", "mu": "μ", "nu": "ν", "xi": "ξ", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ",
    "phi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω",
}  # fmt: skip
_GREEK_COMMANDS = {letter: f"\\{word}" for word, letter in GREEK.items() if word != "lam"}
_MOST_NUMBERS = 8  # of a larger array only the beginning is written


def number_text(x: Any) -> str:
    """A number to six digits, with a true minus sign.

    >>> number_text(-4.0)
    '−4'
    """
    value = np.asarray(x).item()
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, complex):
        return (f"({value:.6g})" if value.real else f"{value.imag:.6g}j").replace("-", "−")
    return f"{value + 0.0:.6g}".replace("-", "−")


def array_text(data: Any, number: Callable[[Any], str] = number_text) -> str:
    """A number, a short array, or the beginning of a long one with its shape.

    >>> array_text(np.zeros((200, 3)))
    '[[0, 0, …], [0, 0, …], …] (200, 3)'
    """
    array = np.asarray(data)
    if array.size <= _MOST_NUMBERS:
        return _nested(array, array.size, number)
    return f"{_nested(array, 2, number)} {array.shape}"


def _nested(array: Any, most: int, number: Callable[[Any], str]) -> str:
    if array.ndim == 0:
        return number(array)
    shown = [_nested(part, 3 if array.ndim == 1 or most > 3 else most, number) for part in array[: max(most, 2)]]
    return f"[{', '.join(shown)}{', …' if len(array) > len(shown) else ''}]"


def name_text(name: str) -> str:
    """A name as it is printed: `theta` as θ, `W1` and `W_1` as W₁, and `d_theta`, what a gradient is called in programs, as ∂L/∂θ.

    The numbers of what has no name, such as `v1`, stay as they are.
    """
    if _is_gradient(name):
        return f"∂L/∂{name_text(name[2:])}"
    stem, number = _with_index(name)
    is_number_of_nameless = stem in LETTERS.values() and name == stem + number
    return name if number and is_number_of_nameless else GREEK.get(stem, stem) + number.translate(_SUBSCRIPTS)


def _is_gradient(name: str) -> bool:
    return name.startswith("d_") and name[2:3].isalpha()


def _with_index(name: str) -> tuple[str, str]:
    """`W1` or `W_1` as W and 1; what does not end in a number, or is no name without it, has no index."""
    stem = name.rstrip("0123456789")
    number = name[len(stem) :]
    stem = stem.removesuffix("_") if number else stem
    return (stem, number) if stem.isidentifier() else (name, "")


_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


# --- as LaTeX ----------------------------------------------------------------------------------------------------------------


def number_latex(x: Any) -> str:
    """A number to six digits: `3 \\times 10^{-5}`."""
    value = np.asarray(x).item()
    if isinstance(value, bool):
        return rf"\mathrm{{{value}}}"
    if isinstance(value, complex):
        sign = "-" if value.imag < 0 else "+"
        return rf"\left({number_latex(value.real)} {sign} {number_latex(abs(value.imag))} \, \mathrm{{i}}\right)"
    mantissa, _, exponent = f"{value + 0.0:.6g}".partition("e")
    if not np.isfinite(value):
        return {"nan": r"\mathrm{nan}", "inf": r"\infty", "-inf": r"-\infty"}[mantissa]
    return rf"{mantissa} \times 10^{{{int(exponent)}}}" if exponent else mantissa


def array_latex(data: Any) -> str:
    """A number or an array, abbreviated as in `array_text`."""
    form = array_text(data, number_latex).replace("…", r"\ldots ")
    return form.replace("] (", r"]\ (")  # before the shape


def name_latex(name: str) -> str:
    """A name: Greek letters as such, `w1` with an index, `d_w` as a quotient, and anything longer upright."""
    if _is_gradient(name):
        return rf"\frac{{\partial L}}{{\partial {name_latex(name[2:])}}}"
    stem, number = _with_index(name)
    command = _GREEK_COMMANDS.get(GREEK.get(stem, stem))
    if command is None:
        command = in_latex(stem) if len(stem) == 1 and stem.isalpha() else rf"\mathrm{{{in_latex(stem)}}}"
    return f"{command}_{{{number}}}" if number else command
