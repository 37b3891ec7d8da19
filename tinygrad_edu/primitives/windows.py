"""Windows that slide over an axis, and the opposite: adding them up where they overlap. Convolution and pooling consist of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from tinygrad_edu.primitives.indexing import ZEROS
from tinygrad_edu.primitives.primitive import Primitive, case
from tinygrad_edu.primitives.table import composition, operation


def _windows(x: Any, width: int, axis: int, step: int = 1, dilation: int = 1) -> Any:
    views = np.lib.stride_tricks.sliding_window_view(x, (width - 1) * dilation + 1, axis)
    return views[(slice(None),) * axis + (slice(None, None, step), ..., slice(None, None, dilation))]


def _overlap_add(g: Any, axis: int, length: int, step: int = 1, dilation: int = 1) -> Any:
    shape = (*g.shape[:axis], length, *g.shape[axis + 1 : -1])
    out = np.zeros_like(g[..., 0], shape=shape)  # which lies in memory as g does
    last = step * (g.shape[axis] - 1)
    for start in range(0, dilation * g.shape[-1], dilation):
        out[(slice(None),) * axis + (slice(start, start + last + 1, step),)] += g[..., start // dilation]
    return out


def _at(count: str, width: str) -> str:
    """The index of the elements of each window, as it is written for JAX's arrays, of which there are no views."""
    return f"(slice(None),) * {{axis}} + ({{step}} * np.arange({count})[:, None] + {{dilation}} * np.arange({width}),)"


# Windows of some width along an axis, one after each step, as a new last axis. Each takes every so-manieth element.
windows: Primitive = operation(
    _windows,
    lambda g, out, x, width, axis, step=1, dilation=1: overlap_add(
        g, axis=axis, length=x.shape[axis], step=step, dilation=dilation
    ),
    name="windows", shapes="a window must not be wider than the axis is long",
    jax="np.moveaxis({0}["
    + _at("({0}.shape[{axis}] - ({width} - 1) * {dilation} - 1) // {step} + 1", "{width}")
    + "], {axis} + 1, -1)",
    latex=r"\operatorname{{windows}} {0}",
    cases=[
        case((5,), width=2, axis=0), case((2, 6), width=3, axis=1, step=2), case((6, 2), width=2, axis=0, dilation=3),
        case((2, 7, 2), width=2, axis=1, step=2, dilation=2), case((3,), width=3, axis=0),
    ],
)  # fmt: skip

# The opposite: the windows are added up along an axis of the given length.
overlap_add: Primitive = operation(
    _overlap_add,
    lambda g, out, x, axis, length, step=1, dilation=1: windows(g, width=x.shape[-1], axis=axis, step=step, dilation=dilation)[
        (slice(None),) * axis + (slice(x.shape[axis]),)
    ],
    name="overlap_add", result="spread",
    jax=ZEROS.replace("{shape}", "(*{0}.shape[:{axis}], {length}, *{0}.shape[{axis} + 1 : -1])")
    + ".at["
    + _at("{0}.shape[{axis}]", "{0}.shape[-1]")
    + "].add(np.moveaxis({0}, -1, {axis} + 1))",
    latex=r"\operatorname{{overlap-add}} {0}",
    cases=[
        case((4, 2), axis=0, length=5), case((2, 2, 3), axis=1, length=6, step=2), case((3, 2, 2), axis=0, length=6, dilation=3),
        case((2, 3, 2, 2), axis=1, length=7, step=2, dilation=2),
    ],
)  # fmt: skip


@composition(np.lib.stride_tricks.sliding_window_view)
def _sliding_window_view(x: Any, window_shape: Any, axis: Any = None, *, subok: bool = False, writeable: bool = False) -> Any:
    np.lib.stride_tricks.sliding_window_view(np.broadcast_to(0.0, x.shape), window_shape, axis)  # NumPy's checks
    widths = (window_shape,) if np.ndim(window_shape) == 0 else tuple(window_shape)
    axes = range(x.ndim) if axis is None else normalize_axis_tuple(axis, x.ndim, allow_duplicate=True)
    for width, each in zip(widths, axes, strict=True):
        x = windows(x, width=int(width), axis=each)
    return x
