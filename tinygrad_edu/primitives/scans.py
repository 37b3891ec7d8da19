"""Running sums and products: for each element the sum (product) of all elements up to it."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from tinygrad_edu.primitives.broadcasting import as_dtype
from tinygrad_edu.primitives.indexing import along
from tinygrad_edu.primitives.primitive import Primitive, case
from tinygrad_edu.primitives.table import composition, operation

ALONG = [case((4,), axis=0), case((3, 4), axis=0), case((2, 5, 2), axis=-2), case((0, 3), axis=0), case((1,), axis=0)]


def _cumsum_vjp(g: Any, out: Any, x: Any, axis: int) -> Any:
    """An element counts in every sum from its own place on."""
    return np.flip(cumsum(np.flip(g, axis), axis=axis), axis)


def _moved(x: Any, by: int, axis: int, fill: float) -> Any:
    """The elements moved towards the end by some places (towards the beginning if negative), and `fill` where none comes."""
    kept = along(x, axis, slice(None, -by) if by > 0 else slice(-by, None))
    shape = list(x.shape)
    shape[axis] -= kept.shape[axis]
    padding = np.full(shape, fill, x.dtype)
    return np.concatenate([padding, kept] if by > 0 else [kept, padding], axis=axis)


def _cumprod_vjp(g: Any, out: Any, x: Any, axis: int) -> Any:
    """xₖ is multiplied by all elements before it, and what comes of that counts in every product from its own place on.

    With later = gₖ + xₖ₊₁gₖ₊₁ + xₖ₊₁xₖ₊₂gₖ₊₂ + … that is x₀⋯xₖ₋₁ · later. No division, so zeros do no harm. The sums double
    in length each round: first gₖ alone, then two terms, then four.
    """
    later, step, reach = g, _moved(x, -1, axis, 0.0), 1
    while reach < x.shape[axis]:
        later = later + step * _moved(later, -reach, axis, 0.0)
        step = step * _moved(step, -reach, axis, 0.0)
        reach *= 2
    return _moved(out, 1, axis, 1.0) * later


cumsum = operation(
    lambda x, axis: np.cumsum(x, axis=axis),
    _cumsum_vjp,
    name="cumsum", numpy=[np.cumsum], cases=ALONG,
)  # fmt: skip
cumprod = operation(
    lambda x, axis: np.cumprod(x, axis=axis),
    _cumprod_vjp,
    name="cumprod", numpy=[np.cumprod], cases=ALONG,
)  # fmt: skip


def _scan(entry: Primitive) -> Callable[..., Any]:
    def numpy_scan(a: Any, axis: int | None = None, dtype: DTypeLike | None = None) -> Any:
        a = as_dtype(a, dtype)
        return entry(np.ravel(a), axis=axis or 0) if axis is None or not np.ndim(a) else entry(a, axis=axis)

    return numpy_scan


def _standard_scan(scan: Any, start: float) -> Callable[..., Any]:
    """The Array API's form, which may begin with the sum (product) of nothing."""

    def standard_scan(x: Any, /, *, axis: int | None = None, dtype: DTypeLike | None = None, include_initial: bool = False) -> Any:
        if axis is None:
            if x.ndim != 1:
                raise ValueError(f"for an array of {x.ndim} axes the axis must be given")
            axis = 0
        scanned = scan(x, axis=axis, dtype=dtype)
        if not include_initial:
            return scanned
        shape = list(x.shape)
        shape[axis] = 1
        return np.concatenate([np.full(shape, start, scanned.dtype), scanned], axis=axis)

    return standard_scan


composition(np.cumsum, calling=cumsum)(_scan(cumsum))
composition(np.cumprod, calling=cumprod)(_scan(cumprod))
if hasattr(np, "cumulative_sum"):  # since NumPy 2.1
    composition(np.cumulative_sum)(_standard_scan(np.cumsum, 0.0))
    composition(np.cumulative_prod)(_standard_scan(np.cumprod, 1.0))
