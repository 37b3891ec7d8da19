"""Norms of vectors and matrices, and condition numbers.

At zero, where a norm has a corner, the gradient is zero, as in PyTorch, and the second derivative is NaN.
"""

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from tinygrad_edu.primitives.broadcasting import as_dtype, as_float, cast
from tinygrad_edu.primitives.elementwise import POSITIVE, corner, direction
from tinygrad_edu.primitives.primitive import Primitive, case
from tinygrad_edu.primitives.reductions import put_back, reduced_shape
from tinygrad_edu.primitives.shaping import as_operand
from tinygrad_edu.primitives.table import composition, operation


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


def _euclidean(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.linalg.norm(x, axis=axis, keepdims=keepdims)


def _euclidean_vjp(g: Any, out: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """A norm grows in the direction of x / ‖x‖."""
    conjugated = np.conjugate(x) if x.dtype.kind == "c" else x
    return put_back(g, x, axis, keepdims) * direction(conjugated, put_back(out, x, axis, keepdims))


euclidean: Primitive = operation(
    _euclidean, _euclidean_vjp,
    name="norm", numpy=[np.linalg.norm], latex=r"\left\|{0}\right\|", domain=POSITIVE,
    cases=[case((3,)), case((2, 3)), case((2, 3), axis=0), case((2, 3, 2), axis=(0, 2), keepdims=True), case(())],
)  # fmt: skip


@composition(np.linalg.vector_norm)
def _vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    x = as_float(as_operand(x))
    axes = tuple(range(x.ndim)) if axis is None else normalize_axis_tuple(axis, x.ndim)
    rest = tuple(i for i in range(x.ndim) if i not in axes)
    # Those to be reduced are put together, as NumPy does, which decides in which order it adds them up.
    in_order = x if axes + rest == tuple(range(x.ndim)) else np.transpose(x, axes + rest)
    flat = x if len(axes) == 1 else np.reshape(in_order, (-1, *(x.shape[i] for i in rest)))
    norm = _norm_of_vectors(flat, axes[0] if len(axes) == 1 else 0, ord)
    return np.reshape(norm, reduced_shape(x.shape, axes, keepdims)) if keepdims else norm


def _norm_of_vectors(x: Any, axis: int, ord: Any) -> Any:
    if ord is None or ord == 2:
        return euclidean(x, axis=axis)
    size = np.abs(x)
    if ord == np.inf:
        return np.max(size, axis=axis)
    if ord == -np.inf:
        return np.min(size, axis=axis)
    if ord == 0:
        return np.sum(np.sign(size), axis=axis)  # how many are not zero; the derivative is zero
    if ord == 1:
        return np.sum(size, axis=axis)
    if isinstance(ord, str):
        raise ValueError(f"ord={ord!r} is a norm of matrices, not of vectors")
    total = np.sum(size**ord if ord >= 2 else power_of_length(size, exponent=ord), axis=axis)
    return power_of_length(total, exponent=np.reciprocal(ord, dtype=total.dtype))


@composition(np.linalg.matrix_norm)
def _matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    norm = _norm_of_matrices(x, ord)
    return norm[..., None, None] if keepdims else norm


def _norm_of_matrices(x: Any, ord: Any) -> Any:
    x = as_float(x)
    if ord is None or ord == "fro":
        return euclidean(x, axis=(-2, -1))
    if ord in (1, -1, np.inf, -np.inf):
        sums = np.sum(np.abs(x), axis=-2 if abs(ord) == 1 else -1)
        return np.max(sums, axis=-1) if ord > 0 else np.min(sums, axis=-1)
    if ord in (2, -2, "nuc"):
        singular_values = np.linalg.svd(x, compute_uv=False)
        if ord == "nuc":
            return np.sum(singular_values, axis=-1)
        return np.max(singular_values, axis=-1) if ord > 0 else np.min(singular_values, axis=-1)
    raise ValueError(f"ord={ord!r} is not a norm of matrices; there are 'fro', 'nuc', 1, -1, 2, -2, inf and -inf")


@composition(np.linalg.norm, calling=euclidean)
def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    x = as_operand(x)
    axes = tuple(range(x.ndim)) if axis is None else normalize_axis_tuple(axis, x.ndim)
    if ord is None or (ord == 2 and len(axes) == 1) or (ord == "fro" and x.ndim == 2 and axis is None):
        return euclidean(as_float(x), axis=axis, keepdims=keepdims)
    if len(axes) == 1:
        norm = _norm_of_vectors(as_float(x), axes[0], ord)
    elif len(axes) == 2:
        norm = _norm_of_matrices(np.moveaxis(x, axes, (-2, -1)), ord)
    else:
        raise ValueError(f"a norm is taken over one axis or two, not over {len(axes)}")
    return np.expand_dims(norm, axes) if keepdims else norm


@composition(np.linalg.cond)
def _cond(x: Any, p: Any = None) -> Any:
    x = as_float(as_operand(x))
    if p is None or p in (2, -2):
        singular_values = np.linalg.svd(x, compute_uv=False)
        largest, smallest = singular_values[..., 0], singular_values[..., -1]
        return smallest / largest if p == -2 else largest / smallest
    inverse = np.linalg.inv(cast(x, dtype=np.result_type(x.dtype, np.float64)))  # in double precision
    norm = _norm_of_matrices(x, p)
    return as_dtype(norm * _norm_of_matrices(inverse, p), norm.dtype)
