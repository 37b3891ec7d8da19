"""Buffers: the arrays that belong to the state of a module and have no gradient, such as the running mean of `BatchNorm`.

They are places, so that a compiled function reads and writes them at each call.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tinygrad_edu.errors import DataError, ShapeError
from tinygrad_edu.transforms.places import Place, read, write


class Buffers:
    """The arrays by their names. Copies of a module that stand for it share them with it."""

    __slots__ = ("arrays",)

    def __init__(self) -> None:
        self.arrays: dict[str, Any] = {}

    def add(self, name: str, array: Any) -> None:
        """A new one, of which it keeps a copy."""
        if array.dtype.kind not in "fiub":
            raise DataError(f"{name} is an array of {array.dtype}, but a module keeps arrays of numbers. Put it into a tuple.")
        self.arrays[name] = np.array(array)

    def read(self, name: str) -> Any:
        """The array itself, or what stands for it while a function is being compiled."""
        return read(self._place(name))

    def write(self, name: str, new: Any) -> None:
        """Other numbers, of the same shape, or those of a Value."""
        write(self._place(name), new)

    def put(self, name: str, new: Any) -> None:
        """Other numbers, of the same shape."""
        old, array = self.arrays[name], np.asarray(new)
        if array.shape != old.shape:
            raise ShapeError(f"the buffer {name} has shape {old.shape}, but got an array of shape {array.shape}.")
        if not np.can_cast(array.dtype, old.dtype, "same_kind"):
            raise DataError(f"the buffer {name} has dtype {old.dtype}, but got {array.dtype}, which would be rounded to it.")
        self.arrays[name] = np.array(array, old.dtype)

    def _place(self, name: str) -> Place:
        return Place(self, name, lambda: self.arrays[name], partial(self.put, name), self.arrays[name])
