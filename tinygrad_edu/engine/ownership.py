"""Who may write to an array: what comes from the user is checked and copied, and in-place changes of recorded data are noticed.

The record of an operation keeps the arrays that the operation saw, and they must stay as they were until the backward pass.
So a Value never hands out an array that may have been recorded. On the first read of `.data` the user gets a copy to read and
write, the Value goes on with that copy, and a `Loan` remembers what the record keeps. A backward pass asks the loan whether the
user has written to the copy since.

An array that nobody else has needs no copy. Python knows: it counts who refers to an array, and a view of it does.
"""

from __future__ import annotations

from collections.abc import Callable
from sys import getrefcount
from typing import Any
from weakref import ref

import numpy as np

from tinygrad_edu.engine.messages import shortened
from tinygrad_edu.errors import DataError, GradientError, TinygradError
from tinygrad_edu.primitives.primitive import Primitive

Array = np.ndarray[Any, np.dtype[Any]]
_LOAN_VALUE_AND_CALL, _DICT_AND_CALL = 3, 2
"""So many refer to an array that the user does not have, while they are counted: getrefcount() is one of them."""


class Loan:
    """An array in the user's hands, and the versions of it that were recorded.

    Whether it was written to is looked up as long as the user has it. Of a user who has read `w.data` in passing that is once.

    >>> recorded = np.zeros(2)
    >>> loan = Loan(recorded)
    >>> loan.lend()[0] = 5.0
    >>> loan.was_changed_since(recorded)
    True
    >>> loan.was_changed_since(loan.snapshot())
    False
    """

    __slots__ = ("_array", "_is_out", "_snapshot", "_snapshots")

    def __init__(self, recorded: Array) -> None:
        self._array = recorded.copy(order="K")
        self._is_out, self._snapshot = False, recorded
        # Weak, so that a snapshot goes with the last graph that recorded it.
        self._snapshots = [ref(recorded)]

    def lend(self) -> Array:
        """The array, for the Value and for the user."""
        self._is_out = True
        return self._array

    def snapshot(self) -> Array:
        """What to record: the array as it is now, out of the user's reach."""
        if self._is_out:
            self._is_out = getrefcount(self._array) > _LOAN_VALUE_AND_CALL
            if not _identical(self._array, self._snapshot):
                self._snapshot = self._array.copy(order="K")
                self._snapshots = [*(alive for alive in self._snapshots if alive() is not None), ref(self._snapshot)]
        return self._snapshot

    def covers(self, recorded: Array) -> bool:
        """Whether this is a recorded version of the lent array, and not of data that was rebound since."""
        return any(snapshot() is recorded for snapshot in self._snapshots)

    def was_changed_since(self, recorded: Array) -> bool:
        """Whether the user has written to the array after `recorded` was."""
        return self.snapshot() is not recorded and self.covers(recorded) and not _identical(self._snapshot, recorded)


def _identical(a: Array, b: Array) -> bool:
    """Whether two arrays of one dtype have the same bits: another sign of a zero is a change, and a NaN that stayed is none."""
    bits = f"{'u' if a.itemsize <= 8 else 'V'}{a.itemsize}"
    return np.array_equal(a.view(bits), b.view(bits))


def is_unshared(arrays: dict[Any, Any], key: Any) -> bool:
    """Whether what is under the key is an array that nobody else has, or sees a part of, so that it may be written to."""
    is_alone = type(arrays[key]) is np.ndarray and getrefcount(arrays[key]) == _DICT_AND_CALL
    return is_alone and (flags := arrays[key].flags).owndata and flags.writeable


def own(arrays: dict[Any, Any], key: Any) -> Any:
    """The array under the key, as one that nobody else has: itself, or else a copy, which takes its place."""
    if not is_unshared(arrays, key):
        arrays[key] = arrays[key].copy()
    return arrays[key]


def own_data(data: Any, dtype: Any = None) -> Any:
    """A copy of `data` as a floating-point array, or as a NumPy scalar if it is a single number."""
    if hasattr(data, "__record_primitive__"):
        raise DataError("this is a Value already; use .detach() for a constant with its numbers, or .numpy() for a plain array.")
    if dtype is not None and np.dtype(dtype).kind != "f":
        raise DataError(f"only floating-point numbers can be differentiated, but dtype={np.dtype(dtype)} was asked for.")
    if isinstance(data, np.ma.MaskedArray):
        raise DataError("a masked array would lose its mask; fill it first (data.filled(0.0)).")
    array = _formed(np.array, data, "the data do not form an array")
    if array.dtype.kind not in "fiub":
        raise DataError(f"a Value is made of real numbers, but the data have dtype {array.dtype}: {shortened(data)}")
    array = array.astype(dtype or (array.dtype if array.dtype.kind == "f" else np.float64), copy=False)
    return array[()] if array.ndim == 0 else array


def own_integer(data: int) -> Any:
    """A Python integer as a floating-point number."""
    try:
        return np.float64(data)
    except OverflowError as error:
        raise DataError(f"the number {shortened(data)} is too large for a floating-point number.") from error


def constant_operand(x: Any, primitive: Primitive, kept: bool) -> Any:
    """An operand that is not a Value as an array or NumPy scalar. What the record may keep is copied: the user can write to `x`."""
    if type(x) is np.ndarray and x.ndim and x.dtype.kind in "fiubc":
        return x.copy(order="K") if kept else x
    if isinstance(x, np.ma.MaskedArray):
        raise DataError(f"{primitive.name!r} was given a masked array and would lose its mask; fill it first (data.filled(0.0)).")
    array = _formed(np.array if kept else np.asarray, x, f"{primitive.name!r} was given a {type(x).__name__} that forms no array")
    if array.dtype.kind not in "fiubc":
        raise DataError(f"{primitive.name!r} takes Values, arrays and numbers, but got {type(x).__name__}: {shortened(x)}")
    return array if array.ndim else array[()]


def _formed(make: Callable[[Any], Array], x: Any, complaint: str) -> Array:
    try:
        return make(x)
    except (ValueError, TypeError, RuntimeError, RecursionError) as error:  # RuntimeError: a PyTorch tensor with a gradient
        if isinstance(error, TinygradError):
            raise
        raise DataError(f"{complaint}: {error}") from error


def check_gradient(x: Any, who: str, advice: str, may_be_complex: bool) -> None:
    """Raise a GradientError if what a user's function returned is no gradient, with `advice` where it is nothing like one.

    >>> check_gradient("3", "the rule of 'cube'", "Return a number.", may_be_complex=False)
    Traceback (most recent call last):
        ...
    tinygrad_edu.errors.GradientError: the rule of 'cube' returned '3', a str, which is no gradient. Return a number.
    """
    is_number = isinstance(x, np.ndarray | np.generic | float | int | complex)
    kind = np.asarray(x).dtype.kind if is_number else x.dtype.kind if hasattr(x, "__record_primitive__") else "O"
    if kind not in "fciub":
        raise GradientError(f"{who} returned {shortened(x)}, a {type(x).__name__}, which is no gradient. {advice}")
    if isinstance(x, np.ma.MaskedArray):
        raise GradientError(f"{who} returned a masked array, whose mask would be lost. Let it return gradient.filled(0.0).")
    if kind == "c" and not may_be_complex:
        raise GradientError(
            f"{who} returned a complex gradient, although what it belongs to is real. Its imaginary part would be lost: let it "
            "return a real one."
        )


def own_index(index: Any) -> Any:
    """An index that the record may keep: arrays and lists in it are copied."""
    if type(index) is tuple:
        return tuple(own_index(part) for part in index)
    if hasattr(index, "__record_primitive__"):
        raise DataError("a Value is made of floating-point numbers and cannot be an index; use an array of integers or booleans.")
    try:
        if isinstance(index, list) and not np.size(index):
            return np.array(index, np.intp)
        return np.array(index) if isinstance(index, np.ndarray | list) else index
    except ValueError as error:
        raise DataError(f"the index {shortened(index)} forms no array: {error}") from error
