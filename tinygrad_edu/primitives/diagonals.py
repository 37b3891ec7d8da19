"""Diagonals and triangles of matrices."""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from tinygrad_edu.errors import ShapeError
from tinygrad_edu.primitives.broadcasting import like
from tinygrad_edu.primitives.indexing import scatter
from tinygrad_edu.primitives.table import composition


def _positions(rows: int, columns: int, offset: int) -> tuple[Any, Any]:
    """The rows and columns of the elements on a diagonal, which `offset` moves to the right."""
    steps = np.arange(max(min(rows + min(offset, 0), columns - max(offset, 0)), 0))
    return steps - min(offset, 0), steps + max(offset, 0)


@composition(np.diagonal)
def _diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    matrices = np.moveaxis(a, (axis1, axis2), (-2, -1))
    rows, columns = matrices.shape[-2:]
    return matrices[(..., *_positions(rows, columns, offset))]


@composition(np.diag)
def _diag(v: Any, k: int = 0) -> Any:
    if v.ndim == 2:
        return np.diagonal(v, k)
    if v.ndim != 1:
        raise ValueError(f"np.diag takes a vector or a matrix, not an array of shape {v.shape}")
    n = len(v) + abs(k)
    return scatter(v, index=_positions(n, n, k), shape=(n, n))


@composition(np.diagflat)
def _diagflat(v: Any, k: int = 0) -> Any:
    return np.diag(np.ravel(v), k)


@composition(np.trace)
def _trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: DTypeLike | None = None) -> Any:
    diagonal = np.diagonal(a, offset, axis1, axis2)
    return np.sum(diagonal if dtype is None else np.astype(diagonal, dtype), axis=-1)


@composition(np.linalg.diagonal)
def _linalg_diagonal(x: Any, /, *, offset: int = 0) -> Any:
    return np.diagonal(x, offset, -2, -1)


@composition(np.linalg.trace)
def _linalg_trace(x: Any, /, *, offset: int = 0, dtype: DTypeLike | None = None) -> Any:
    return np.trace(x, offset, -2, -1, dtype)


@composition(np.tril)
def _tril(m: Any, k: int = 0) -> Any:
    return np.where(_lower(m, k), m, like(0.0, m))


@composition(np.triu)
def _triu(m: Any, k: int = 0) -> Any:
    return np.where(_lower(m, k - 1), like(0.0, m), m)


def _lower(m: Any, k: int) -> Any:
    return np.tri(m.shape[-2] if m.ndim > 1 else len(m), m.shape[-1], k, bool)


def fill_diagonal(x: Any, value: Any, wrap: bool = False) -> Any:
    """What `np.fill_diagonal(x, value, wrap)` would make of x, as a new array: x itself is not changed.

    Parameters
    ----------
    x: an array with two axes, or with more of equal length.
    value: a number, or an array whose elements are used in turn, from the first again if they run out.
    wrap: whether the diagonal of a tall matrix begins again below its end.

    Raises
    ------
    ShapeError: if `x` has fewer than two axes, or more of them that differ in length.

    >>> fill_diagonal(np.ones((2, 3)), [5.0, 7.0])
    array([[5., 1., 1.],
           [1., 7., 1.]])
    """
    shape = np.shape(x)
    if len(shape) < 2 or (len(shape) > 2 and len(set(shape)) > 1):
        raise ShapeError(f"tg.fill_diagonal takes an array with two axes, or more of equal length, but got one of shape {shape}.")
    mask = np.zeros(shape, bool)
    np.fill_diagonal(mask, True, wrap)
    return np.where(mask, scatter(np.resize(value, np.count_nonzero(mask)), index=mask, shape=mask.shape), x)
