"""Whether a state fits a module: arrays by their names. What a module is, is not known here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_edu.engine.conversions import numbers_of
from tinygrad_edu.engine.messages import shortened
from tinygrad_edu.errors import DataError, ShapeError

Array = np.ndarray[Any, np.dtype[Any]]


def fitting_arrays(kind: str, own: Mapping[str, Any], state: Any) -> dict[str, Array]:
    """The arrays of a state, if each of them can take the place of one of a module's own.

    Parameters
    ----------
    kind: what the module is called in an error.
    own: its Values and arrays, by their names; one that occurs twice has two.
    state: what is to be taken over.

    Raises
    ------
    DataError: if something is missing, was not expected, is not made of numbers, or has two names and differs under them.
    ShapeError: if something has another shape.

    >>> fitting_arrays("Line", {"theta": np.zeros(2)}, {"theta": [3.0, 4.0]})
    {'theta': array([3., 4.])}
    """
    if not isinstance(state, Mapping):
        raise DataError(f"load_state_dict takes what state_dict gave, arrays by their names, but got {shortened(state)}.")
    arrays = {name: np.asarray(numbers_of(state[name])) for name in own if name in state}
    last_names = {id(x): name for name, x in own.items()}
    complaints = [f"{name} is missing" for name in own if name not in state]
    complaints += [f"{name} is not expected" for name in state if name not in own]
    for name, array in arrays.items():
        dtype = np.asarray(numbers_of(own[name])).dtype
        other = last_names[id(own[name])]
        if array.dtype.kind not in "fiub":
            complaints.append(f"{name} is made of {array.dtype}, not of numbers")
        elif not np.can_cast(array.dtype, dtype, "same_kind"):
            complaints.append(f"{name} is made of {array.dtype}, which would be rounded to {dtype}")
        elif other in arrays and other != name and not _are_same(array, arrays[other]):
            complaints.append(f"{name} and {other} are the same here, but differ there")
    wrong = {name: x.shape for name, x in arrays.items() if x.shape != np.shape(own[name])}
    if complaints or wrong:
        error = DataError if complaints else ShapeError
        complaints += [f"{name} has shape {shape}, but should have {np.shape(own[name])}" for name, shape in wrong.items()]
        raise error(f"this state does not fit {kind}: {'; '.join(complaints)}. Nothing was loaded.")
    return arrays


def _are_same(x: Array, y: Array) -> bool:
    """Whether the numbers are, where NaN is the same as NaN."""
    return bool(x.shape == y.shape and np.all((x == y) | ((x != x) & (y != y))))
