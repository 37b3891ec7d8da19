"""What a run reads and writes at places: inputs and results of the program that the user's function does not mention.

A running mean is read before the program runs and written after it, and a mask is drawn anew for each call.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.engine.value import Value, constant_of
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.primitives.broadcasting import cast
from tinygrad_edu.primitives.elementwise import stop_gradient
from tinygrad_edu.transforms.places import Place


class Placing:
    """Stands for the places during a run.

    read_at: for each Value that stands for what is read at a place, the place.
    written: what is written at the end to each place that was written to.
    """

    def __init__(self) -> None:
        self.read_at: dict[Value, Place] = {}
        self.written: dict[Place, Value] = {}
        self._present: dict[Place, Value] = {}

    def read(self, place: Place) -> Any:
        """A Value that stands for it, or what the run has written there before."""
        if place not in self._present:
            self._present[place] = constant_of(np.asarray(place.like)[()], place.name)
            self.read_at[self._present[place]] = place
        return self._present[place]

    def write(self, place: Place, new: Any) -> None:
        """From now on it is what is there. As where nothing is recorded no gradient passes."""
        if np.shape(new) != np.shape(place.like):
            raise ShapeError(f"{place.name} has shape {np.shape(place.like)}, but got an array of shape {np.shape(new)}.")
        value = stop_gradient(new if isinstance(new, Value) else Value(new, requires_grad=False))
        dtype = np.asarray(place.like).dtype
        self._present[place] = self.written[place] = value if value.dtype == dtype else cast(value, dtype=dtype)
