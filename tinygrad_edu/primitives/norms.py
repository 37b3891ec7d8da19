"""Norms of vectors and matrices, and condition numbers.

At zero, where a norm has a corner, the gradient is zero, as in PyTorch, and the second derivative is NaN.
"""

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from tinygrad_edu.primitive import Primitive, case, composition, operation
from tinygrad_edu.primitives.elementwise import POSITIVE, corner, root, squares


def _power(x: Any, exponent: float) -> Any:
    with np.errstate(divide="ignore"):  # a negative power of zero is infinite
        return x**exponent


def _power_vjp(g: Any, out: Any, x: Any, exponent: float) -> Any:
    slope = np.where(x == 0, 0.0, exponent * np.where(x == 0, 1.0, x) ** (exponent - 1))
    return g * corner(slope, x)


# Of what is not negative, such as a length: as for a root, its derivative at zero is taken as zero.
power_of_length: Primitive = operation(
    _power, _power_vjp,
    name="power_of_length", code="{0} ** {exponent}", latex="{{{0}}}^{{{exponent}}}", domain=POSITIVE,
    cases=[case((), exponent=0.5), case((3,), exponent=1.5), case((2, 3), exponent=-1)],
)  # fmt: skip


@composition(np.linalg.vector_norm)
def _vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    if axis is None:
        norm = _vector_norm(x.reshape(-1), axis=0, ord=ord)
        return norm.reshape((1,) * x.ndim) if keepdims else norm
    if ord is None or ord == 2:
        return root(np.sum(squares(x), axis=axis, keepdims=keepdims))
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
    powers = size**ord if ord >= 2 else power_of_length(size, exponent=ord)
    return power_of_length(np.sum(powers, axis=axis, keepdims=keepdims), exponent=1 / ord)


@composition(np.linalg.matrix_norm)
def _matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    norm = _norm_of_matrices(x, ord)
    return norm[..., None, None] if keepdims else norm


def _norm_of_matrices(x: Any, ord: Any) -> Any:
    if ord is None or ord == "fro":
        return root(np.sum(squares(x), axis=(-2, -1)))
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
