"""Who may write to an array: how an in-place change of recorded data is noticed.

The record of an operation keeps the arrays that the operation saw, and they must stay as they were until the backward pass.
So a Value never hands out an array that may have been recorded. On the first read of `.data` the user gets a copy to read and
write, the Value goes on with that copy, and a `Loan` remembers what the record keeps. A backward pass asks the loan whether the
user has written to the copy since.
"""

from __future__ import annotations

from typing import Any
from weakref import ref

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


class Loan:
    """An array in the user's hands, and the versions of it that were recorded.

    >>> recorded = np.zeros(2)
    >>> loan = Loan(recorded)
    >>> loan.array[0] = 5.0
    >>> loan.was_changed_since(recorded)
    True
    >>> loan.was_changed_since(loan.snapshot())
    False
    """

    __slots__ = ("_snapshot", "_snapshots", "array")

    def __init__(self, recorded: Array) -> None:
        self.array = recorded.copy()
        self._snapshot = recorded
        # Weak, so that a snapshot goes with the last graph that recorded it.
        self._snapshots = [ref(recorded)]

    def snapshot(self) -> Array:
        """What to record: the array as it is now, out of the user's reach."""
        if not _identical(self.array, self._snapshot):
            self._snapshot = self.array.copy()
            self._snapshots = [alive for alive in self._snapshots if alive() is not None]
            self._snapshots.append(ref(self._snapshot))
        return self._snapshot

    def covers(self, recorded: Array) -> bool:
        """Whether this is a recorded version of the lent array, and not of data that was rebound since."""
        return any(snapshot() is recorded for snapshot in self._snapshots)

    def was_changed_since(self, recorded: Array) -> bool:
        """Whether the user has written to the array after `recorded` was."""
        return self.covers(recorded) and not _identical(self.array, recorded)


def _identical(a: Array, b: Array) -> bool:
    return np.array_equal(a, b, equal_nan=True)
