"""The same numbers in another arrangement."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_edu.primitive import Jointly, Primitive, case, composition, operation

reshape: Primitive = operation(
    lambda x, shape: np.reshape(x, shape),
    lambda g, out, x, shape: reshape(g, shape=x.shape),
    name="reshape", numpy=[np.reshape], cases=[case((2, 6), shape=(3, 4)), case((6,), shape=(2, -1)), case((1,), shape=())],
)  # fmt: skip


def _transpose(x: Any, axes: Sequence[int] | None = None) -> Any:
    return np.transpose(x, axes)


def _transpose_vjp(g: Any, out: Any, x: Any, axes: Sequence[int] | None = None) -> Any:
    # argsort inverts a permutation: it says where each axis has gone.
    return transpose(g, axes=None if axes is None else tuple(np.argsort(np.asarray(axes) % x.ndim)))


transpose: Primitive = operation(
    _transpose, _transpose_vjp,
    name="transpose", numpy=[np.transpose], latex="{{{0}}}^T",
    cases=[case((2, 3)), case((2, 3, 4), axes=(2, 0, 1)), case((2, 3, 4), axes=(-1, 0, 1)), case((3,))],
)  # fmt: skip

expand_dims = operation(
    lambda x, axis: np.expand_dims(x, axis),
    lambda g, out, x, axis: reshape(g, shape=x.shape),
    name="expand_dims", numpy=[np.expand_dims], latex="{0}", cases=[case((2, 3), axis=1), case((3,), axis=(0, -1))],
)  # fmt: skip


def _join(*arrays: Any, axis: int | None = 0) -> Any:
    return np.concatenate(arrays, axis=axis)


def _join_vjp(g: Any, out: Any, *arrays: Any, axis: int | None = 0) -> list[Any]:
    """For each array the slice of `g` that holds it."""
    ends = np.cumsum([a.size if axis is None else a.shape[axis] for a in arrays])
    before = () if axis is None else (slice(None),) * (axis % arrays[0].ndim)
    parts = [g[(*before, slice(int(end - length), int(end)))] for end, length in zip(ends, np.diff(ends, prepend=0), strict=True)]
    return parts if axis is not None else [reshape(part, shape=a.shape) for part, a in zip(parts, arrays, strict=True)]


concatenate = operation(
    _join, Jointly(_join_vjp),
    name="concatenate", code="np.concatenate([{inputs}], axis={axis})",
    cases=[case((2, 3), (1, 3)), case((2, 3), (2, 2), (2, 1), axis=-1), case((2,), (2, 2), axis=None)],
)  # fmt: skip


@composition(np.concatenate)
def _concatenate(arrays: Sequence[Any], axis: int | None = 0) -> Any:
    return concatenate(*arrays, axis=axis)


@composition(np.stack)
def _stack(arrays: Sequence[Any], axis: int = 0) -> Any:
    return concatenate(*(np.expand_dims(a, axis) for a in arrays), axis=axis)
