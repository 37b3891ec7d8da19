"""Checks of single arguments: is it a number in its range, a flag, a text?

They know neither Values nor what the argument is for, only its name.
"""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

import numpy as np

from tinygrad_edu.errors import DataError
from tinygrad_edu.messages import shortened


def number(name: str, given: Any, *, at_least: float = -math.inf, above: float = -math.inf, below: float = math.inf) -> float:
    """`given` as a Python float, if it is a finite number in the range.

    >>> number("lr", 1, at_least=0)
    1.0
    """
    finite = isinstance(given, Real) and not isinstance(given, bool) and math.isfinite(given)
    if finite and at_least <= given and above < given < below:
        return float(given)
    bounds = [
        text
        for text, bound in ((f"at least {at_least:g}", at_least), (f"above {above:g}", above), (f"below {below:g}", below))
        if math.isfinite(bound)
    ]
    raise DataError(f"{name} must be a finite number {' and '.join(bounds)}".rstrip() + f", but is {shortened(given)}.")


def whole_number(name: str, given: Any, *, at_least: int) -> int:
    """`given` as a Python int, if it is a whole number in the range.

    >>> whole_number("batch_size", 32, at_least=1)
    32
    """
    if isinstance(given, Integral) and not isinstance(given, bool) and int(given) >= at_least:
        return int(given)
    raise DataError(f"{name} must be a whole number of at least {at_least}, but is {shortened(given)}.")


def flag(name: str, given: Any) -> bool:
    """`given` as a Python bool, if it is True or False. Text such as "no" would count as true.

    >>> flag("requires_grad", True)
    True
    """
    if isinstance(given, bool | np.bool_):
        return bool(given)
    raise DataError(f"{name} must be True or False, but is {shortened(given)}.")


def text(name: str, given: Any) -> str:
    """`given`, if it is text.

    >>> text("name", "theta")
    'theta'
    """
    if isinstance(given, str):
        return given
    raise DataError(f"{name} must be text, but is {shortened(given)}.")
