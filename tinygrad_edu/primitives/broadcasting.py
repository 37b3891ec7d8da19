"""Repeating an array along axes, and the opposite: each is the other's derivative."""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from tinygrad_edu.primitives.primitive import Primitive, case
from tinygrad_edu.primitives.stacking import aligned
from tinygrad_edu.primitives.table import operation


def _broadcast_to(x: Any, shape: tuple[int, ...]) -> Any:
    x = np.asarray(x)
    if x.ndim == 0 and type(shape) is tuple:
        # What np.broadcast_to makes, a view that repeats one number, at a tenth of the time.
        return np.ndarray(shape, x.dtype, x, strides=(0,) * len(shape))
    return np.broadcast_to(x, shape)


def repeated_axes(shape: tuple[int, ...], of: tuple[int, ...]) -> tuple[int, ...]:
    """The axes along which broadcasting has repeated an array of the shape `of`, or which it has added, to get to a shape."""
    extra = len(shape) - len(of)
    return tuple([axis for axis, length in enumerate(shape) if axis < extra or length != of[axis - extra]])


def _sum_to(x: Any, shape: tuple[int, ...]) -> Any:
    if x.shape[1:] == shape:  # as a bias has been added to the rows of a matrix
        return np.add.reduce(x, axis=0)
    axes = repeated_axes(x.shape, shape)
    summed = np.add.reduce(x, axis=axes[0] if len(axes) == 1 else axes)  # one axis is faster than a tuple of one
    return summed if summed.shape == shape else summed.reshape(shape)


def _sum_stack_to(_: Any, x: Any, shape: tuple[int, ...]) -> Any:
    summed = np.sum(x, axis=tuple(axis + 1 for axis in repeated_axes(x.shape[1:], shape)))
    return summed if summed.shape[1:] == shape else np.reshape(summed, (len(x), *shape))


broadcast_to: Primitive = operation(
    _broadcast_to,
    lambda g, out, x, shape: sum_to(g, shape=x.shape),
    name="broadcast_to", result="repeated", numpy=[np.broadcast_to], latex="{0}",
    on_stacks=lambda _, x, shape: broadcast_to(aligned(x, len(shape)), shape=(len(x), *shape)),
    cases=[case((1, 3), shape=(2, 4, 3)), case((), shape=(2, 3)), case((3,), shape=(3,))],
)  # fmt: skip

# The inverse of broadcasting: sums over the axes along which an array of the given shape would be repeated.
sum_to: Primitive = operation(
    _sum_to,
    lambda g, out, x, shape: broadcast_to(g, shape=x.shape),
    name="sum_to", code="{0}.sum(axis=...).reshape({shape})", latex=r"\sum {0}",
    on_stacks=_sum_stack_to, cases=[case((2, 4, 3), shape=(1, 3)), case((2, 3), shape=()), case((3,), shape=(3,))],
)  # fmt: skip

cast: Primitive = operation(
    lambda x, dtype: x.astype(dtype),
    lambda g, out, x, dtype: g,  # whoever called the rule casts it back
    name="cast", result="converted", code="{0}.astype({dtype})", latex="{0}", cases=[case((2, 3), dtype=np.float64)],
)  # fmt: skip


def as_float(x: Any) -> Any:
    """Whole numbers as floating-point numbers, where NumPy, too, begins with that."""
    return x if x.dtype.kind in "fc" else cast(x, dtype=np.dtype(float))


def like(number: float, x: Any) -> Any:
    """A number that does not make floating-point numbers of an array of whole ones."""
    return number if x.dtype.kind in "fc" else x.dtype.type(number)


def converted(x: Any, dtype: np.dtype[Any]) -> Any:
    """What is put among numbers of a dtype, as NumPy converts it."""
    if hasattr(x, "__record_primitive__"):
        return x if x.dtype == dtype else cast(x, dtype=dtype)
    return np.asarray(x).astype(dtype)[()]


def as_dtype(x: Any, dtype: DTypeLike | None) -> Any:
    """What a reduction with `dtype=` computes in."""
    if dtype is None or x.dtype == dtype:
        return x
    if np.dtype(dtype).kind not in "fc" and x.dtype.kind in "fc":
        raise TypeError(f"dtype={np.dtype(dtype)} would round to whole numbers, which have no derivative")
    return cast(x, dtype=np.dtype(dtype))
