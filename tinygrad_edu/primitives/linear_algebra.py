"""Products of matrices and vectors."""

import math
import operator
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from tinygrad_edu.primitives.broadcasting import cast
from tinygrad_edu.primitives.exact import with_numbers_of
from tinygrad_edu.primitives.primitive import Primitive, Rule, case
from tinygrad_edu.primitives.shaping import as_operand, reshape, transpose
from tinygrad_edu.primitives.stacking import aligned
from tinygrad_edu.primitives.table import composition, operation


def transposed(x: Any) -> Any:
    """The matrices of a stack, each transposed."""
    return x.T if x.ndim == 2 else np.transpose(x, (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))


def conjugate(x: Any) -> Any:
    """Complex numbers conjugated; real ones as they are, at no cost."""
    return np.conjugate(x) if x.dtype.kind == "c" else x


def _at(a: Any, b: Any) -> Any:
    """a @ b. For two matrices np.dot computes the same, and begins sooner, which counts where they are small."""
    return np.dot(a, b) if a.ndim == b.ndim == 2 else a @ b


# For matrices the rules are g @ b.T and a.T @ g. A vector is a matrix with one row (on the left) or one column (on the right)
# whose length-one axis NumPy drops; the rules put it back.
def _matmul_vjp_left(g: Any, out: Any, a: Any, b: Any) -> Any:
    if b.ndim == 1:
        return g[..., None] * b if a.ndim > 1 else g * b
    if a.ndim == 1:
        return (b @ g[..., None])[..., 0]
    return _at(g, transposed(b))


def _matmul_vjp_right(g: Any, out: Any, a: Any, b: Any) -> Any:
    if a.ndim == 1:
        return a[:, None] * g[..., None, :] if b.ndim > 1 else g * a
    if b.ndim == 1:
        return (g[..., None, :] @ a)[..., 0, :]
    return _at(transposed(a), g)


def _matmul_stacks(are_stacks: Sequence[bool], a: Any, b: Any) -> Any:
    """Matrices are multiplied side by side. A stack of vectors is a matrix: each row of it is multiplied."""
    ndims = [x.ndim - is_stack for x, is_stack in zip((a, b), are_stacks, strict=True)]
    if 1 not in ndims:
        a, b = (aligned(x, max(ndims)) if is_stack else x for x, is_stack in zip((a, b), are_stacks, strict=True))
        return a @ b
    if all(are_stacks) or max(ndims) > 2:
        return NotImplemented
    if are_stacks[1] and ndims[1] == 1:
        return b @ transposed(a) if ndims[0] == 2 else b @ a
    return a @ b


matmul = operation(
    operator.matmul,
    _matmul_vjp_left,
    _matmul_vjp_right,
    shapes="the last axis of the left operand must be as long as the last but one of the right (its only one, for a vector)",
    on_stacks=_matmul_stacks,
    name="matmul", result="product", numpy=[np.matmul, np.linalg.matmul], code="{0} @ {1}", latex=r"{0} {1}",
    cases=[
        case((2, 3), (3, 4)), case((3,), (3,)), case((2, 3), (3,)), case((3,), (3, 2)), case((5, 2, 3), (3,)),
        case((3,), (5, 3, 2)), case((5, 2, 3), (3, 4)), case((5, 1, 2, 3), (6, 3, 4)), case((2, 0), (0, 3)),
    ],
)  # fmt: skip


# --- other ways to say which axes meet ---------------------------------------------------------------------------------------


@composition(np.tensordot, np.linalg.tensordot)
def _tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    a, b = as_operand(a), as_operand(b)
    if np.ndim(axes) == 0:
        axes = range(a.ndim - axes, a.ndim), range(axes)
    summed_a, summed_b = (normalize_axis_tuple(axis, x.ndim) for axis, x in zip(axes, (a, b), strict=True))
    lengths = [a.shape[axis] for axis in summed_a]
    if lengths != [b.shape[axis] for axis in summed_b]:
        raise ValueError(f"np.tensordot sums over axes of equal length, not {summed_a} of {a.shape} with {summed_b} of {b.shape}")
    kept_a = [axis for axis in range(a.ndim) if axis not in summed_a]
    kept_b = [axis for axis in range(b.ndim) if axis not in summed_b]
    left, right = [a.shape[axis] for axis in kept_a], [b.shape[axis] for axis in kept_b]
    # One product of matrices: all kept axes of a are its rows, all of b its columns.
    rows = reshape(transpose(a, axes=(*kept_a, *summed_a)), shape=(math.prod(left), math.prod(lengths)))
    columns = reshape(transpose(b, axes=(*summed_b, *kept_b)), shape=(math.prod(lengths), math.prod(right)))
    return reshape(rows @ columns, shape=(*left, *right))


def _contraction_vjps(second_axis: int) -> tuple[Rule, Rule]:
    """The rules of a product that sums over the last axis of its first factor and an axis (-1 or -2) of its second one."""

    def left(g: Any, out: Any, a: Any, b: Any) -> Any:
        rest = b.ndim - 1
        kept = [i for i in range(b.ndim) if i != (b.ndim + second_axis if b.ndim > 1 else 0)]
        return np.tensordot(g, b, (range(g.ndim - rest, g.ndim), kept))

    def right(g: Any, out: Any, a: Any, b: Any) -> Any:
        summed = np.tensordot(a, g, (range(a.ndim - 1), range(a.ndim - 1)))  # the axis of the sum comes first
        return summed if b.ndim == 1 else np.moveaxis(summed, 0, second_axis)

    return left, right


# NumPy adds up in an order of its own where there are more than two axes; all else is a product of matrices.
dot: Primitive = operation(
    lambda a, b: np.dot(a, b), *_contraction_vjps(-2),
    name="dot", numpy=[np.dot], latex=r"{0} {1}",
    cases=[case((2, 2, 3), (3,)), case((2, 3), (2, 3, 2)), case((3,), (2, 3, 2)), case((2, 3), (3, 2)), case((3,), (3,))],
)  # fmt: skip
inner: Primitive = operation(
    lambda a, b: np.inner(a, b), *_contraction_vjps(-1),
    name="inner", numpy=[np.inner], latex=r"{0} {1}^T",
    cases=[case((2, 2, 3), (3,)), case((2, 3), (2, 2, 3)), case((3,), (2, 2, 3)), case((2, 3), (2, 3)), case((3,), (3,))],
)  # fmt: skip


def _as_numpys(x: Any) -> Any:
    """A number that does not give way to the dtype of arrays, even if it was Python's."""
    return cast(x, dtype=x.dtype) if x.ndim == 0 and x.dtype in (float, int) and hasattr(x, "__record_primitive__") else x


def _contraction(entry: Primitive, is_along_last: bool) -> Callable[..., Any]:
    def composed(a: Any, b: Any) -> Any:
        a, b = as_operand(a), as_operand(b)
        if a.ndim == 0 or b.ndim == 0:
            return _as_numpys(a) * _as_numpys(b)
        if a.ndim > 2 or b.ndim > 2:
            return entry(a, b)
        return a @ b.T if is_along_last else a @ b

    return composed


composition(np.dot, calling=dot)(_contraction(dot, is_along_last=False))
composition(np.inner, calling=inner)(_contraction(inner, is_along_last=True))


@composition(np.outer)
def _outer(a: Any, b: Any) -> Any:
    return np.ravel(a)[:, None] * np.ravel(b)


@composition(np.linalg.outer)
def _linalg_outer(x1: Any, x2: Any, /) -> Any:
    if np.ndim(x1) != 1 or np.ndim(x2) != 1:
        raise ValueError(f"np.linalg.outer takes vectors, not arrays of shape {np.shape(x1)} and {np.shape(x2)}")
    return np.outer(x1, x2)


@composition(np.vdot)
def _vdot(a: Any, b: Any, /) -> Any:
    return conjugate(np.ravel(a)) @ np.ravel(b)


@composition(np.vecdot, np.linalg.vecdot)
def _vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    rows, columns = (np.moveaxis(as_operand(x), axis, -1) for x in (x1, x2))
    return (conjugate(rows)[..., None, :] @ columns[..., None])[..., 0, 0]


if hasattr(np, "matvec"):  # since NumPy 2.2

    @composition(np.matvec)
    def _matvec(x1: Any, x2: Any, /) -> Any:
        return (x1 @ as_operand(x2)[..., None])[..., 0]

    @composition(np.vecmat)
    def _vecmat(x1: Any, x2: Any, /) -> Any:
        x1, x2 = as_operand(x1), as_operand(x2)
        is_complex = "c" in (x1.dtype.kind, x2.dtype.kind)  # which NumPy adds up in another order
        return with_numbers_of(np.vecmat)(_product)(x1, x2) if is_complex else _product(x1, x2)

    def _product(x1: Any, x2: Any) -> Any:
        return (conjugate(x1)[..., None, :] @ x2)[..., 0, :]


@composition(np.kron)
def _kron(a: Any, b: Any) -> Any:
    a, b = as_operand(a), as_operand(b)
    ndim = max(a.ndim, b.ndim)
    rows, columns = ((1,) * (ndim - x.ndim) + x.shape for x in (a, b))
    # Each axis of a gets one of b behind it; after the product both become one.
    blocks = reshape(a, shape=[length for n in rows for length in (n, 1)])
    inside = reshape(b, shape=[length for n in columns for length in (1, n)])
    return reshape(blocks * inside, shape=[m * n for m, n in zip(rows, columns, strict=True)])


@composition(np.cross)
def _cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Any:
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = np.moveaxis(as_operand(a), axisa, -1), np.moveaxis(as_operand(b), axisb, -1)
    lengths = a.shape[-1], b.shape[-1]
    if not {*lengths} <= {2, 3}:
        raise ValueError(f"np.cross takes vectors with three components (or two), not with {lengths[0]} and {lengths[1]}")
    a, b = (x if x.shape[-1] == 3 else np.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, 1)]) for x in (a, b))
    # Rolled by one and by two, all three components stand where they are needed.
    product = np.roll(a, -1, -1) * np.roll(b, -2, -1) - np.roll(a, -2, -1) * np.roll(b, -1, -1)
    return product[..., 2] if lengths == (2, 2) else np.moveaxis(product, -1, axisc)


@composition(np.linalg.cross)
def _linalg_cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    if np.shape(x1)[axis] != 3 or np.shape(x2)[axis] != 3:
        raise ValueError(f"np.linalg.cross takes vectors with three components, not {np.shape(x1)} and {np.shape(x2)}")
    return np.cross(x1, x2, axis=axis)


# --- several matrices --------------------------------------------------------------------------------------------------------


@composition(np.linalg.multi_dot)
def _multi_dot(arrays: Sequence[Any]) -> Any:
    factors = [as_operand(x) for x in arrays]
    if len(factors) < 2:
        raise ValueError("np.linalg.multi_dot takes two or more arrays")
    first, last = factors[0], factors[-1]
    if first.ndim == 1:
        factors[0] = first[None, :]
    if last.ndim == 1:
        factors[-1] = last[:, None]
    if any(x.ndim != 2 for x in factors):
        raise ValueError("np.linalg.multi_dot takes matrices; only the first and the last may be vectors")
    lengths = [factors[0].shape[0], *(x.shape[1] for x in factors)]

    @cache
    def cheapest(start: int, end: int) -> tuple[int, int]:
        """The multiplications it takes to multiply the factors from start to end, and after which of them to divide."""
        if start == end:
            return 0, start
        return min(
            (cheapest(start, k)[0] + cheapest(k + 1, end)[0] + lengths[start] * lengths[k + 1] * lengths[end + 1], k)
            for k in range(start, end)
        )

    def product(start: int, end: int) -> Any:
        if start == end:
            return factors[start]
        k = cheapest(start, end)[1]
        return product(start, k) @ product(k + 1, end)

    result = product(0, len(factors) - 1)
    return result[(0 if first.ndim == 1 else slice(None), 0 if last.ndim == 1 else slice(None))]


@composition(np.linalg.matrix_power)
def _matrix_power(a: Any, n: int) -> Any:
    exponent = operator.index(n)
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise np.linalg.LinAlgError(f"np.linalg.matrix_power takes square matrices, not an array of shape {a.shape}")
    if exponent == 0:
        return np.zeros_like(a) + np.eye(a.shape[-1], dtype=a.dtype)
    square = a if exponent > 0 else np.linalg.inv(a)
    if abs(exponent) == 3:
        return square @ square @ square
    power = None
    for bit in reversed(f"{abs(exponent):b}"):  # a^13 = a^8 · a^4 · a, since 13 is 1101 in binary
        if bit == "1":
            power = square if power is None else power @ square
        exponent = abs(exponent) >> 1
        if exponent:
            square = square @ square
    return power


# --- sliding products --------------------------------------------------------------------------------------------------------


def _slid_back(g: Any, x: Any, other: Any, mode: str) -> Any:
    """Moving the other one back over the gradient undoes the slide: what x[i] was multiplied with is it at all its places.

    Where only whole overlaps counted, the longer one had ends that the shorter one did not reach with all of itself.
    """
    return np.convolve(other[::-1], g, "full" if mode == "valid" and len(x) >= len(other) else "valid")


# An entry of its own, because as a composition it would hold a copy of a for each element of v.
convolve: Primitive = operation(
    lambda a, v, mode="full": np.convolve(a, v, mode),
    lambda g, out, a, v, mode="full": _slid_back(g, a, v, mode),
    lambda g, out, a, v, mode="full": _slid_back(g, v, a, mode),
    name="convolve", numpy=[np.convolve], latex="{0} * {1}",
    cases=[
        case((5,), (3,)), case((2,), (4,)), case((1,), (1,)),
        case((5,), (3,), mode="valid"), case((2,), (4,), mode="valid"), case((3,), (3,), mode="valid"),
    ],
)  # fmt: skip

# JAX makes floating-point numbers of whole ones, which do not hold all of them: there the rows of products are added up, each
# moved on by one more.
_CONVOLVE_WHOLE = Primitive(
    np.convolve, None, None, name="convolve", code="np.convolve({0}, {1})",
    jax="(lambda a, v: np.sum(np.pad(np.outer(a, v), ((0, 0), (0, a.size))).ravel()[: -a.size].reshape(a.size, -1), 0))({0}, {1})",
)  # fmt: skip


@composition(np.convolve, calling=convolve)
def _convolve(a: Any, v: Any, mode: str = "full") -> Any:
    a, v = np.atleast_1d(a), np.atleast_1d(v)
    are_whole = np.result_type(a.dtype, v.dtype).kind not in "fc"
    if mode == "valid" and not are_whole:
        return convolve(a, v, mode=mode)
    full = _CONVOLVE_WHOLE(a, v) if are_whole else convolve(a, v)
    if mode == "full":
        return full
    if mode not in ("same", "valid"):
        raise ValueError(f"np.convolve takes mode='full', 'same' or 'valid', not {mode!r}")
    shorter, longer = sorted((len(a), len(v)))
    length = longer if mode == "same" else longer - shorter + 1
    start = (len(full) - length) // 2
    return full[start : start + length]


@composition(np.correlate)
def _correlate(a: Any, v: Any, mode: str = "valid") -> Any:
    a, v = np.atleast_1d(a), np.atleast_1d(v)
    if len(a) < len(v):
        return conjugate(np.correlate(v, a, mode))[::-1]  # type: ignore[call-overload]  # which end 'same' cuts more from
    return np.convolve(a, conjugate(v)[::-1], mode)  # type: ignore[call-overload]
