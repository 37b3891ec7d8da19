"""Differences between neighbours: slopes and areas of sampled curves. All are compositions."""

from typing import Any

import numpy as np

from tinygrad_edu.primitives.broadcasting import as_dtype, as_float
from tinygrad_edu.primitives.indexing import along
from tinygrad_edu.primitives.shaping import as_operand
from tinygrad_edu.primitives.table import composition


def _part(x: Any, axis: int, start: int | None, stop: int | None) -> Any:
    """The elements from `start` to `stop` along an axis."""
    return along(x, axis, slice(start, stop))


def _aligned(x: Any, ndim: int, axis: int) -> Any:
    """Numbers along one axis, such as sample points, with length-one axes where the data have others."""
    return np.reshape(x, tuple(-1 if i == axis % ndim else 1 for i in range(ndim)))


# --- differences -------------------------------------------------------------------------------------------------------------


@composition(np.diff)
def _diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    a = as_operand(a)
    if n < 0:
        raise ValueError(f"the order of the difference must be at least 0, but is {n}")
    if n == 0:
        return a
    ends = [None if end is None else _as_end(as_operand(end), a.shape, axis) for end in (prepend, append)]
    a = np.concatenate([part for part in (ends[0], a, ends[1]) if part is not None], axis=axis)
    for _ in range(min(n, a.shape[axis])):  # of more differences than elements nothing is left
        after, before = _part(a, axis, 1, None), _part(a, axis, None, -1)
        a = np.not_equal(after, before) if a.dtype.kind == "b" else after - before
    return a


def _as_end(end: Any, shape: tuple[int, ...], axis: int) -> Any:
    """What goes before or after the data. A single number stands for a layer of such numbers."""
    if end.ndim:
        return end
    layer = list(shape)
    layer[axis] = 1
    return np.broadcast_to(end, tuple(layer))


@composition(np.ediff1d)
def _ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    ary = as_operand(ary)
    parts = [to_begin, np.diff(np.ravel(ary)), to_end]
    return np.concatenate([as_dtype(np.ravel(part), ary.dtype) for part in parts if part is not None])


# --- areas -------------------------------------------------------------------------------------------------------------------


@composition(np.trapezoid)
def _trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    y = as_operand(y)
    if x is not None:
        x = as_operand(x)
        dx = np.diff(x, axis=axis) if x.ndim > 1 else _aligned(np.diff(x), y.ndim, axis)
    return np.sum(dx * (_part(y, axis, 1, None) + _part(y, axis, None, -1)) / 2, axis=axis)


# --- slopes ------------------------------------------------------------------------------------------------------------------


@composition(np.gradient)
def _gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    f = as_operand(f)
    axes = tuple(range(f.ndim)) if axis is None else (axis,) if np.ndim(axis) == 0 else tuple(axis)
    if len(varargs) not in (0, 1, len(axes)):
        raise TypeError(f"np.gradient takes no spacing, one, or one for each of its {len(axes)} axes, but got {len(varargs)}")
    if edge_order not in (1, 2):
        raise ValueError(f"edge_order must be 1 or 2, but is {edge_order}")
    spacings = varargs if len(varargs) == len(axes) else (varargs or (1.0,)) * len(axes)
    slopes = tuple(_slope(f, spacing, along, edge_order) for spacing, along in zip(spacings, axes, strict=True))
    return slopes[0] if len(slopes) == 1 else slopes


def _slope(f: Any, spacing: Any, axis: int, edge_order: int) -> Any:
    """The slope of the parabola through each element and its two neighbours; at the ends that of a line, or of the parabola.

    `spacing` is the distance of the sample points, or an array of their positions. Written as NumPy computes it.
    """
    f = as_float(f)
    length = f.shape[axis]
    if length <= edge_order:
        raise ValueError(f"a slope of edge_order={edge_order} needs more than {edge_order} elements along axis {axis}")
    if np.ndim(spacing) != 0:
        if len(spacing) != length:
            raise ValueError(f"there are {len(spacing)} sample points for {length} elements along axis {axis}")
        spacing = _evenly_spaced(np.diff(as_float(as_operand(spacing))))
    if np.ndim(spacing) == 0:
        inner = (_part(f, axis, 2, None) - _part(f, axis, None, -2)) / (2.0 * spacing)
        first_gap = last_gap = spacing
    else:
        first_gap, last_gap = spacing[0], spacing[-1]
        inner = _weighted(f, axis, [_aligned(x, f.ndim, axis) for x in _middle(spacing[:-1], spacing[1:])])
    if edge_order == 1:
        first = (_part(f, axis, 1, 2) - _part(f, axis, None, 1)) / first_gap
        last = (_part(f, axis, -1, None) - _part(f, axis, -2, -1)) / last_gap
    else:
        start, end = _at_the_ends(spacing)
        first, last = _weighted(_part(f, axis, None, 3), axis, start), _weighted(_part(f, axis, -3, None), axis, end)
    return as_dtype(np.concatenate([first, inner, last], axis=axis), f.dtype)


def _evenly_spaced(gaps: Any) -> Any:
    """The first gap, if all are known to be equal."""
    is_known = not hasattr(gaps, "__record_primitive__")
    return gaps[0] if is_known and np.all(gaps == gaps[0]) else gaps


def _at_the_ends(spacing: Any) -> tuple[list[Any], list[Any]]:
    """The weights of the first three elements, and of the last three."""
    if np.ndim(spacing) != 0:
        return _start(spacing[:1], spacing[1:2]), _end(spacing[-2:-1], spacing[-1:])
    try:
        return [-1.5 / spacing, 2.0 / spacing, -0.5 / spacing], [0.5 / spacing, -2.0 / spacing, 1.5 / spacing]
    except ZeroDivisionError as error:
        raise ValueError("edge_order=2 needs a spacing other than 0") from error


def _weighted(f: Any, axis: int, weights: list[Any]) -> Any:
    """Three neighbours, each with its weight."""
    a, b, c = weights
    return a * _part(f, axis, None, -2) + b * _part(f, axis, 1, -1) + c * _part(f, axis, 2, None)


# The weights of the three for the slope of a parabola at each of them, by the gaps before and after the middle one.
def _start(before: Any, after: Any) -> list[Any]:
    both = before + after
    return [-(2.0 * before + after) / (before * both), both / (before * after), -before / (after * both)]


def _middle(before: Any, after: Any) -> list[Any]:
    both = before + after
    return [-after / (before * both), (after - before) / (before * after), before / (after * both)]


def _end(before: Any, after: Any) -> list[Any]:
    both = before + after
    return [after / (before * both), -both / (before * after), (2.0 * after + before) / (after * both)]
