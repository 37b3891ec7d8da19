"""The methods of NumPy's two-argument functions: `np.add.reduce`, `np.maximum.accumulate`, `np.multiply.outer`.

Every ufunc of two arguments that is differentiated gets them, so this module is imported last. `.at` is not differentiated, since
it writes in place.
"""

from collections.abc import Callable, Sequence
from functools import reduce
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from tinygrad_edu.primitives.broadcasting import as_dtype
from tinygrad_edu.primitives.exact import with_numbers_of
from tinygrad_edu.primitives.indexing import along
from tinygrad_edu.primitives.reductions import gathered, reduced_shape
from tinygrad_edu.primitives.shaping import as_operand
from tinygrad_edu.primitives.special import logsumexp
from tinygrad_edu.primitives.table import TABLE, composition


@with_numbers_of(np.logaddexp.reduce)
def _logaddexp_reduce(array: Any, axis: Any, *, keepdims: bool = False) -> Any:
    return logsumexp(array, axis=axis, keepdims=keepdims)


# What these reduce to has a name of its own, and the same options; but it reduces all axes unless told otherwise.
REDUCTIONS: dict[np.ufunc, Callable[..., Any]] = {
    np.add: np.sum, np.multiply: np.prod, np.maximum: np.max, np.minimum: np.min, np.fmax: np.nanmax, np.fmin: np.nanmin,
    np.logaddexp: _logaddexp_reduce,
}  # fmt: skip
SCANS: dict[np.ufunc, Callable[..., Any]] = {np.add: np.cumsum, np.multiply: np.cumprod}

# f(f(a, b), c) = f(a, f(b, c)), so stretches of results can be put together in any way.
ASSOCIATIVE = {np.maximum, np.minimum, np.fmax, np.fmin, np.hypot, np.logaddexp, np.logaddexp2}


def _exactly(ufunc: np.ufunc, method: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return with_numbers_of(getattr(ufunc, method), jax=f"np.frompyfunc(np.{ufunc.__name__}, 2, 1).{method}")


def _outer(ufunc: np.ufunc) -> Callable[..., Any]:
    def outer(a: Any, b: Any) -> Any:
        a, b = as_operand(a), as_operand(b)
        return ufunc(np.reshape(a, a.shape + (1,) * b.ndim), b)

    return outer


def _reduce(ufunc: np.ufunc) -> Callable[..., Any]:
    def reduce_as(array: Any, axis: Any = 0, dtype: DTypeLike | None = None, **options: Any) -> Any:
        return REDUCTIONS[ufunc](as_dtype(array, dtype), axis, **options)

    def reduce_by_halves(array: Any, axis: Any = 0, dtype: DTypeLike | None = None, *, keepdims: bool = False) -> Any:
        x = gathered(as_dtype(array, dtype), axis)
        if x.shape[-1] == 0:
            return ufunc.identity + np.sum(array, axis, keepdims=keepdims)  # the sum of nothing is zero
        while (length := x.shape[-1]) > 1:
            pairs = ufunc(x[..., : length // 2], x[..., length // 2 : length // 2 * 2])
            x = np.concatenate([pairs, x[..., -1:]], axis=-1) if length % 2 else pairs
        return np.reshape(x, reduced_shape(array.shape, axis, keepdims))

    def reduce_in_turn(array: Any, axis: int = 0, dtype: DTypeLike | None = None, *, keepdims: bool = False) -> Any:
        x = as_dtype(array, dtype)
        result = reduce(ufunc, (along(x, axis, i) for i in range(x.shape[axis])))
        return np.expand_dims(result, axis) if keepdims else result

    if ufunc in REDUCTIONS:
        return reduce_as
    return _exactly(ufunc, "reduce")(reduce_by_halves) if ufunc in ASSOCIATIVE else reduce_in_turn


def _accumulate(ufunc: np.ufunc) -> Callable[..., Any]:
    def accumulate_as(array: Any, axis: int = 0, dtype: DTypeLike | None = None) -> Any:
        return SCANS[ufunc](array, axis, dtype)

    def accumulate_by_doubling(array: Any, axis: int = 0, dtype: DTypeLike | None = None) -> Any:
        x, reach = as_dtype(array, dtype), 1
        while reach < x.shape[axis]:  # each element stands for the last 1, 2, 4, ... elements
            joined = ufunc(along(x, axis, slice(None, -reach)), along(x, axis, slice(reach, None)))
            x = np.concatenate([along(x, axis, slice(None, reach)), joined], axis=axis)
            reach *= 2
        return x

    def accumulate_in_turn(array: Any, axis: int = 0, dtype: DTypeLike | None = None) -> Any:
        x = as_dtype(array, dtype)
        return np.stack(list(accumulate((along(x, axis, i) for i in range(x.shape[axis])), ufunc)), axis=axis)

    if ufunc in SCANS:
        return accumulate_as
    return _exactly(ufunc, "accumulate")(accumulate_by_doubling) if ufunc in ASSOCIATIVE else accumulate_in_turn


def _reduceat(ufunc: np.ufunc) -> Callable[..., Any]:
    def reduceat(array: Any, indices: Sequence[int], axis: int = 0, dtype: DTypeLike | None = None) -> Any:
        """From each index to the next one; only the element there, if the next one is not larger."""
        x, starts = as_dtype(array, dtype), np.asarray(indices).tolist()
        ends = [*starts[1:], x.shape[axis]]
        parts = [
            ufunc.reduce(along(x, axis, slice(i, j)), axis) if i < j else along(x, axis, i)
            for i, j in zip(starts, ends, strict=True)
        ]
        return np.stack(parts, axis=axis)

    exact = _exactly(ufunc, "reduceat")(reduceat)
    return lambda array, indices, axis=0, dtype=None: exact(array, np.asarray(indices), axis, dtype)


for _ufunc in [f for f in TABLE.functions if isinstance(f, np.ufunc) and f.signature is None and "dd->d" in f.types]:
    composition(_ufunc.reduce)(_reduce(_ufunc))
    composition(_ufunc.accumulate)(_accumulate(_ufunc))
    composition(_ufunc.outer)(_outer(_ufunc))
    composition(_ufunc.reduceat)(_reduceat(_ufunc))
