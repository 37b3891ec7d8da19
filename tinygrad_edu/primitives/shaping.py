"""The same numbers in another arrangement."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple
from numpy.typing import DTypeLike

from tinygrad_edu.errors import DataError, UnsupportedError
from tinygrad_edu.primitives.broadcasting import broadcast_to, cast
from tinygrad_edu.primitives.indexing import take
from tinygrad_edu.primitives.primitive import Primitive, case
from tinygrad_edu.primitives.table import composition, operation

Function = Callable[..., Any]
_function: Function


def as_operand(x: Any) -> Any:
    """Numbers, lists and tables as arrays, for compositions that ask for the shape and for elements. Values stay."""
    if hasattr(x, "__record_primitive__"):
        return x
    try:
        return np.asanyarray(x)
    except RuntimeError as error:  # a PyTorch tensor with a gradient, say
        raise DataError(f"a {type(x).__name__} forms no array here: {error}") from error


# --- shapes ------------------------------------------------------------------------------------------------------------------


def _reshape(x: Any, shape: Any, order: str = "C", copy: bool | None = None) -> Any:
    if order not in ("C", "F"):
        raise ValueError(f"order must be 'C' or 'F', but is {order!r}: the others ask how the numbers happen to lie in memory")
    return np.reshape(x, shape) if order == "C" else np.reshape(x, shape, order="F")


reshape: Primitive = operation(
    _reshape,
    lambda g, out, x, shape, order="C", copy=None: reshape(g, shape=x.shape, order=order),
    shapes="the new shape must hold as many numbers as the old one",
    name="reshape", result="reshaped", numpy=[np.reshape],
    cases=[
        case((2, 6), shape=(3, 4)), case((6,), shape=(2, -1)), case((1,), shape=()), case((2, 3), shape=6),
        case((2, 6), shape=(3, 4), order="F"), case((0, 3), shape=(3, 0, 2)),
    ],
)  # fmt: skip

# Stacks and reductions use it at every step, so that it is not written as a reshape.
expand_dims = operation(
    lambda x, axis: np.expand_dims(x, axis),
    lambda g, out, x, axis: reshape(g, shape=x.shape),
    name="expand_dims", numpy=[np.expand_dims], latex="{0}", cases=[case((2, 3), axis=1), case((3,), axis=(0, -1))],
)  # fmt: skip


def reshaped_like(function: Function, x: Any, *args: Any, **kwargs: Any) -> Any:
    """What `function` does to x where it only adds or drops axes of length one: NumPy is asked for the new shape."""
    stand_in = broadcast_to(0.0, shape=x.shape)  # of that shape, but without memory
    return reshape(x, shape=function(stand_in, *args, **kwargs).shape)


@composition(np.squeeze)
def _squeeze(a: Any, axis: int | Sequence[int] | None = None) -> Any:
    return reshaped_like(np.squeeze, a, axis)


@composition(np.ravel)
def _ravel(a: Any, order: str = "C") -> Any:
    return reshape(a, shape=-1, order=order)


def _each(function: Function) -> Function:
    """For functions of any number of arrays that treat each by itself."""

    def composed(*arys: Any) -> Any:
        results = tuple(reshaped_like(function, as_operand(x)) for x in arys)
        return results if len(results) != 1 else results[0]

    return composed


for _function in (np.atleast_1d, np.atleast_2d, np.atleast_3d):
    composition(_function)(_each(_function))


@composition(np.broadcast_arrays)
def _broadcast_arrays(*args: Any, subok: bool = False) -> tuple[Any, ...]:
    arrays = [as_operand(x) for x in args]
    shape = np.broadcast_shapes(*(x.shape for x in arrays))
    return tuple(x if x.shape == shape else broadcast_to(x, shape=shape) for x in arrays)


# --- the order of axes -------------------------------------------------------------------------------------------------------


def _transpose(x: Any, axes: Sequence[int] | None = None) -> Any:
    return np.transpose(x, axes)


def _transpose_vjp(g: Any, out: Any, x: Any, axes: Sequence[int] | None = None) -> Any:
    # argsort inverts a permutation: it says where each axis has gone.
    return transpose(g, axes=None if axes is None else tuple(np.argsort(np.asarray(axes) % x.ndim)))


transpose: Primitive = operation(
    _transpose, _transpose_vjp,
    name="transpose", result="transposed", numpy=[np.transpose], latex="{{{0}}}^T",
    cases=[case((2, 3)), case((2, 3, 4), axes=(2, 0, 1)), case((2, 3, 4), axes=(-1, 0, 1)), case((3,))],
)  # fmt: skip


def _permuting(function: Function) -> Function:
    """For functions that only change the order of axes."""

    def composed(a: Any, *args: Any, **kwargs: Any) -> Any:
        # Axis k of this stand-in has length k, so that the shape which NumPy makes of it is the permutation.
        stand_in = np.empty(range(a.ndim))
        return transpose(a, axes=function(stand_in, *args, **kwargs).shape)

    return composed


for _function in (np.moveaxis, np.swapaxes, np.rollaxis, np.matrix_transpose, np.linalg.matrix_transpose):
    composition(_function)(_permuting(_function))


# --- the order of elements ---------------------------------------------------------------------------------------------------


@composition(np.flip)
def _flip(m: Any, axis: int | Sequence[int] | None = None) -> Any:
    flipped = range(m.ndim) if axis is None else normalize_axis_tuple(axis, m.ndim)
    return m if m.ndim == 0 else m[tuple(slice(None, None, -1 if i in flipped else None) for i in range(m.ndim))]


@composition(np.fliplr)
def _fliplr(m: Any) -> Any:
    return m[:, ::-1]


@composition(np.flipud)
def _flipud(m: Any) -> Any:
    return m[::-1]


@composition(np.rot90)
def _rot90(m: Any, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Any:
    np.rot90(broadcast_to(0.0, shape=m.shape), k, axes)  # NumPy's checks of the arguments
    for _ in range(k % 4):
        m = np.flip(np.swapaxes(m, *axes), axes[0])  # a quarter turn is two reflections
    return m


# An entry of its own, because two slices joined for each axis would copy everything twice in each direction.
roll: Primitive = operation(
    lambda x, shift, axis=None: np.roll(x, shift, axis),
    lambda g, out, x, shift, axis=None: roll(g, shift=np.negative(shift).tolist(), axis=axis),
    name="roll", numpy=[np.roll],
    cases=[
        case((5,), shift=2), case((2, 3), shift=-1), case((2, 3), shift=4, axis=1), case((2, 3, 2), shift=(1, -2), axis=(0, 1)),
        case((2, 3), shift=1, axis=(0, 1)), case((0, 2), shift=1, axis=0),
    ],
)  # fmt: skip


# --- repetition --------------------------------------------------------------------------------------------------------------
# A number that is repeated is broadcast along a new axis, which is then merged with its neighbour: both directions are fast.


@composition(np.tile)
def _tile(A: Any, reps: Any) -> Any:
    repeats = (reps,) if np.ndim(reps) == 0 else tuple(reps)
    ndim = max(A.ndim, len(repeats))
    repeats = (1,) * (ndim - len(repeats)) + repeats
    shape = (1,) * (ndim - A.ndim) + A.shape
    pairs = list(zip(repeats, shape, strict=True))
    lengths = [length for repeat, n in pairs for length in (repeat, n)]
    separated = reshape(A, shape=[length for n in shape for length in (1, n)])
    return reshape(broadcast_to(separated, shape=tuple(lengths)), shape=[repeat * n for repeat, n in pairs])


@composition(np.repeat)
def _repeat(a: Any, repeats: Any, axis: int | None = None) -> Any:
    if axis is None:
        a, axis = np.ravel(a), 0
    (axis,) = normalize_axis_tuple(axis, a.ndim)
    before, n, after = a.shape[:axis], a.shape[axis], a.shape[axis + 1 :]
    if np.size(repeats) != 1:
        return np.take(a, np.repeat(np.arange(n), repeats), axis)
    times = np.asarray(repeats).item()
    separated = reshape(a, shape=(*before, n, 1, *after))
    return reshape(broadcast_to(separated, shape=(*before, n, times, *after)), shape=(*before, n * times, *after))


def _picking(function: Function) -> Function:
    """For functions that only pick elements: applied to the positions, they say which."""

    def composed(x: Any, *args: Any, **kwargs: Any) -> Any:
        return take(x, function(np.arange(x.size).reshape(x.shape), *args, **kwargs))

    return composed


composition(np.resize)(_picking(np.resize))


# --- copies ------------------------------------------------------------------------------------------------------------------


@composition(np.copy)
def _copy(a: Any, order: str = "K", subok: bool = False) -> Any:
    return a if a.dtype.kind == "b" else +a


# What a record that keeps how constants were found, such as the one that is compiled, notes for whole numbers made of others.
WHOLE = Primitive(lambda x, dtype: np.asarray(x).astype(dtype)[()], None, name="whole", code="{0}.astype({dtype})")


@composition(np.astype)
def _astype(x: Any, dtype: DTypeLike, /, *, copy: bool = True) -> Any:
    kind = np.dtype(dtype).kind
    if kind not in "fc" and x.dtype.kind in "fc":
        raise UnsupportedError(
            f"np.astype cannot make {np.dtype(dtype)} of a Value, since only floating-point numbers have a derivative. "
            "For plain numbers without a gradient, write value.numpy().astype(dtype)."
        )
    return cast(x + 0j if kind == "c" and x.dtype.kind != "c" else x, dtype=np.dtype(dtype))


@composition(np.full_like)
def _full_like(a: Any, fill_value: Any, dtype: DTypeLike | None = None, *, shape: Any = None) -> Any:
    if not hasattr(fill_value, "__record_primitive__"):
        return np.full(a.shape if shape is None else shape, fill_value, a.dtype if dtype is None else dtype)
    zeros = np.zeros_like(a, dtype=dtype, shape=shape)
    beyond = range(np.ndim(fill_value) - np.ndim(zeros))  # first axes that NumPy leaves off if they are of length one
    filled = zeros + np.broadcast_to(np.squeeze(fill_value, tuple(beyond)) if beyond else fill_value, zeros.shape)
    return filled if filled.dtype == zeros.dtype else np.astype(filled, zeros.dtype)
