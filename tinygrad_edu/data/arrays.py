"""What data are made of: arrays with one sample in each row, as many in one as in the other."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.engine.messages import described, shortened
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import DataError, ShapeError

Array = np.ndarray[Any, np.dtype[Any]]


def checked_arrays(given: tuple[Any, ...]) -> list[Array]:
    """The arrays, as arrays of numbers of equal and positive length.

    Raises
    ------
    DataError: if there are none, or one is not made of numbers.
    ShapeError: if one is a single number or empty, or their lengths differ.
    """
    if not given:
        raise DataError("there are no data: give the samples and their targets, as in batches(X, t).")
    arrays = [_checked(position, x) for position, x in enumerate(given)]
    lengths = [len(array) for array in arrays]
    if len(set(lengths)) > 1:
        raise ShapeError(
            f"the arrays have {' and '.join(map(str, lengths))} rows, but each row is a sample, and every sample needs its target: "
            "the lengths must be equal."
        )
    return arrays


def _checked(position: int, x: Any) -> Array:
    if isinstance(x, Value):
        raise DataError(f"data are plain arrays, but array {position} is {described(x)}; write value.numpy().")
    try:
        array = np.asarray(x)
    except (ValueError, TypeError, RuntimeError) as error:
        raise DataError(f"array {position} of the data does not form an array: {error}") from error
    if isinstance(x, np.ma.MaskedArray):
        raise DataError(f"array {position} of the data is masked, and the mask would be lost; leave the masked samples out.")
    if array.dtype.kind not in "fiubc":
        raise DataError(f"array {position} of the data must be made of numbers, but has dtype {array.dtype}: {shortened(x)}")
    if array.ndim == 0 or not len(array):
        raise ShapeError(f"array {position} of the data has shape {array.shape}; it needs one row a sample, and at least one.")
    return array
