"""Checks of single arguments: is it a number in its range, a function?

They know neither Values nor what the argument is for, only its name.
"""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

from tinygrad_edu.engine.messages import shortened
from tinygrad_edu.errors import DataError


def number(name: str, given: Any, *, at_least: float = -math.inf, above: float = -math.inf, below: float = math.inf) -> float:
    """`given` as a Python float, if it is a finite number in the range.

    >>> number("lr", 1, at_least=0)
    1.0
    """
    value = _as_float(given) if isinstance(given, Real) and not isinstance(given, bool) else math.nan
    if math.isfinite(value) and at_least <= value and above < value < below:
        return value
    bounds = [
        text
        for text, bound in ((f"at least {at_least:g}", at_least), (f"above {above:g}", above), (f"below {below:g}", below))
        if math.isfinite(bound)
    ]
    raise DataError(f"{name} must be a finite number {' and '.join(bounds)}".rstrip() + f", but is {shortened(given)}.")


def _as_float(given: Any) -> float:
    try:
        return float(given)
    except OverflowError:  # of an integer with hundreds of digits
        return math.inf


def whole_number(name: str, given: Any, *, at_least: int, at_most: int | None = None) -> int:
    """`given` as a Python int, if it is a whole number in the range.

    >>> whole_number("batch_size", 32, at_least=1)
    32
    """
    is_whole = isinstance(given, Integral) and not isinstance(given, bool)
    if is_whole and int(given) >= at_least and (at_most is None or int(given) <= at_most):
        return int(given)
    bounds = f"at least {at_least}" + (f" and at most {at_most}" if at_most is not None else "")
    raise DataError(f"{name} must be a whole number of {bounds}, but is {shortened(given)}.")


def check_function(taker: str, f: Any) -> None:
    """What a transform takes is a function. The taker is the transform as the user writes it: `tg.grad`."""
    if not callable(f):
        raise DataError(f"{taker} takes a function, but got {shortened(f)}. Give it the function itself, f and not f(x).")
