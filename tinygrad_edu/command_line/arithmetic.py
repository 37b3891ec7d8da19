"""What the operators, the lists and the functions of a formula compute: as in Python and NumPy, but within bounds.

It knows nothing of how a formula is written.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu.errors import DataError, ShapeError

MOST_NUMBERS = 10**7
"""A part of a formula that makes more of them is a mistake."""

EXACT = 2.0**53  # up to there a number of 64 bits tells whole numbers apart


def of_numbers(operation: Callable[..., Any]) -> Callable[..., Any]:
    """The operation. Of single numbers it is that of 64 bits, so that 9 ** 9 ** 9 is infinite, and takes no time; what is whole
    stays so, for an axis or an index."""

    def result(*items: Any) -> Any:
        operands = [operand(item) for item in items]
        if not all(isinstance(x, int | float | np.integer | np.floating | np.bool_) for x in operands):
            return _measured(operation(*operands))
        if operation in (operator.and_, operator.or_, operator.invert):
            return operation(*map(_truth, operands))
        number = operation(*map(np.float64, operands))
        is_whole = operation is not operator.truediv and all(isinstance(x, int | np.integer) for x in operands)
        return int(number) if is_whole and abs(number) <= EXACT else number.item()

    return result


def _truth(x: Any) -> np.bool_:
    if not isinstance(x, bool | np.bool_):
        raise DataError("&, | and ~ are for conditions, as in (0 < x) & (x < 1).")
    return np.bool_(x)


def operand(x: Any) -> Any:
    """What stands at an operator. Lists are arrays there, and whole numbers, which could overflow, are others."""
    array = tg.array([*x]) if isinstance(x, list | tuple) else x
    return array.astype(np.float64) if isinstance(array, np.ndarray) and array.dtype.kind in "iu" else array


def listed(*items: Any) -> Any:
    """A list as an array, if it is one; of arrays of different shapes it stays a list, for `concatenate`."""
    try:
        return operand(items) if items else np.zeros(0)
    except ShapeError:
        return [*items]


def index(at: Any) -> Any:
    """What stands in brackets. Whole numbers in a list are positions."""
    if isinstance(at, tuple):
        return tuple(map(index, at))
    is_whole = isinstance(at, np.ndarray) and at.dtype.kind == "f" and np.all(at % 1 == 0)
    return at.astype(np.int64) if is_whole else at


def limited(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function. It takes no whole numbers alone, which could overflow."""

    def result(*items: Any, **named: Any) -> Any:
        is_whole = isinstance(function, np.ufunc) and all(isinstance(x, int | np.integer) for x in items)
        return _measured(function(*(map(float, items) if is_whole else items), **named))

    return result


def _measured(made: Any) -> Any:
    """What was made, if it is not beyond all measure."""
    if (size := getattr(made, "size", 0)) > MOST_NUMBERS:
        raise DataError(f"this makes {size} numbers; more than {MOST_NUMBERS} are too many.")
    return made
