"""Norms of vectors and matrices, and condition numbers.

All are compositions. At zero, where a norm has a corner, the gradient is zero, as in PyTorch.
"""

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from tinygrad_edu.primitive import composition


def _power(x: Any, exponent: float) -> Any:
    """x ** exponent of what is not negative, with the gradient 0 at 0, where a root is vertical."""
    is_zero = x == 0
    return np.where(is_zero, 0.0 if exponent > 0 else np.inf, np.where(is_zero, 1.0, x) ** exponent)


def _squares(x: Any) -> Any:
    return x**2 if x.dtype.kind != "c" else np.real(x) ** 2 + np.imag(x) ** 2


@composition(np.linalg.vector_norm)
def _vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    if axis is None:
        norm = _vector_norm(x.reshape(-1), axis=0, ord=ord)
        return norm.reshape((1,) * x.ndim) if keepdims else norm
    if ord is None or ord == 2:
        return _power(np.sum(_squares(x), axis=axis, keepdims=keepdims), 1 / 2)
    size = np.abs(x)
    if ord == np.inf:
        return np.max(size, axis=axis, keepdims=keepdims)
    if ord == -np.inf:
        return np.min(size, axis=axis, keepdims=keepdims)
    if ord == 0:
        return np.sum(np.sign(size), axis=axis, keepdims=keepdims)  # how many are not zero; the derivative is zero
    if ord == 1:
        return np.sum(size, axis=axis, keepdims=keepdims)
    if isinstance(ord, str):
        raise ValueError(f"ord={ord!r} is a norm of matrices, not of vectors")
    powers = size**ord if ord >= 2 else _power(size, ord)
    return _power(np.sum(powers, axis=axis, keepdims=keepdims), 1 / ord)


@composition(np.linalg.matrix_norm)
def _matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    norm = _norm_of_matrices(x, ord)
    return norm[..., None, None] if keepdims else norm


def _norm_of_matrices(x: Any, ord: Any) -> Any:
    if ord is None or ord == "fro":
        return _power(np.sum(_squares(x), axis=(-2, -1)), 1 / 2)
    if ord in (1, -1, np.inf, -np.inf):
        sums = np.sum(np.abs(x), axis=-2 if abs(ord) == 1 else -1)
        return np.max(sums, axis=-1) if ord > 0 else np.min(sums, axis=-1)
    if ord in (2, -2, "nuc"):
        singular_values = np.linalg.svd(x, compute_uv=False)
        if ord == "nuc":
            return np.sum(singular_values, axis=-1)
        return np.max(singular_values, axis=-1) if ord > 0 else np.min(singular_values, axis=-1)
    raise ValueError(f"ord={ord!r} is not a norm of matrices; there are 'fro', 'nuc', 1, -1, 2, -2, inf and -inf")


@composition(np.linalg.norm)
def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    if axis is None and (ord is None or x.ndim == 1):
        return _vector_norm(x, keepdims=keepdims, ord=2 if ord is None else ord)
    axes = tuple(range(x.ndim)) if axis is None else normalize_axis_tuple(axis, x.ndim)
    if len(axes) == 1:
        return _vector_norm(x, axis=axes[0], keepdims=keepdims, ord=2 if ord is None else ord)
    if len(axes) != 2:
        raise ValueError(f"a norm is taken over one axis or two, not over {len(axes)}")
    norm = _norm_of_matrices(np.moveaxis(x, axes, (-2, -1)), ord)
    return np.expand_dims(norm, axes) if keepdims else norm


@composition(np.linalg.cond)
def _cond(x: Any, p: Any = None) -> Any:
    if p is None or p in (2, -2):
        singular_values = np.linalg.svd(x, compute_uv=False)
        largest, smallest = singular_values[..., 0], singular_values[..., -1]
        return smallest / largest if p == -2 else largest / smallest
    return _norm_of_matrices(x, p) * _norm_of_matrices(np.linalg.inv(x), p)
