"""Curves that are given by numbers: polynomials by coefficients, polygons by points, piecewise functions by their pieces."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from tinygrad_edu.primitive import composition
from tinygrad_edu.primitives.indexing import scatter, take
from tinygrad_edu.primitives.shaping import as_operand


@composition(np.polyval)
def _polyval(p: Any, x: Any) -> Any:
    x = as_operand(x)
    y = np.zeros_like(x)
    for coefficient in as_operand(p):  # Horner's scheme
        y = y * x + coefficient
    return y


@composition(np.vander)
def _vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    exponents = np.arange(len(x) if N is None else N)
    return x[:, None] ** (exponents if increasing else exponents[::-1])


@composition(np.linspace)
def _linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: DTypeLike | None = None,
    axis: int = 0,
) -> Any:
    way = as_operand(stop) - as_operand(start)
    steps = np.linspace(0.0, 1.0, num, endpoint)
    points = start + way * np.reshape(steps, (-1, *(1,) * way.ndim))
    points = np.moveaxis(points if dtype is None else np.astype(points, dtype), 0, axis)
    return (points, way / (num - 1 if endpoint else num)) if retstep else points


@composition(np.interp)
def _interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: float | None = None) -> Any:
    x, xp, fp = as_operand(x), as_operand(xp), as_operand(fp)
    if xp.ndim != 1 or xp.shape != fp.shape or not xp.size:
        raise ValueError(f"np.interp takes the points as two vectors of equal length, not as {xp.shape} and {fp.shape}")
    if period is not None:
        x, xp = x % abs(period), xp % abs(period)
        order = np.argsort(xp)
        xp, fp = take(xp, order), take(fp, order)
        xp, fp = np.concatenate([xp[-1:] - abs(period), xp, xp[:1] + abs(period)]), np.concatenate([fp[-1:], fp, fp[:1]])
        left = right = None
    below = fp[0] if left is None else left
    above = fp[-1] if right is None else right
    if len(xp) == 1:
        inside = fp[0]
    else:
        start = np.clip(np.searchsorted(xp, x, side="right") - 1, 0, len(xp) - 2)
        x0, y0 = take(xp, start), take(fp, start)
        inside = y0 + (take(fp, start + 1) - y0) / (take(xp, start + 1) - x0) * (x - x0)
    return np.where(x < xp[0], below, np.where(x > xp[-1], above, inside))


@composition(np.piecewise)
def _piecewise(x: Any, condlist: Any, funclist: Sequence[Any], *args: Any, **kw: Any) -> Any:
    conditions = _conditions(condlist, x)
    if len(funclist) == len(conditions) + 1:  # the last function is for what no condition holds for
        conditions.append(~np.any(conditions, axis=0))
    if len(funclist) != len(conditions):
        raise ValueError(f"np.piecewise takes a function for each of the {len(conditions)} conditions, but got {len(funclist)}")
    y = np.zeros_like(x)
    for condition, function in zip(conditions, funclist, strict=True):  # where two conditions hold, the later one counts
        if np.any(condition):
            piece = scatter(function(x[condition], *args, **kw), index=condition, shape=x.shape) if callable(function) else function
            y = np.where(condition, piece, y)
    return y


def _conditions(condlist: Any, x: Any) -> list[Any]:
    """One condition may be given without a list."""
    alone = np.ndim(condlist) == 0 or (x.ndim > 0 and np.ndim(condlist[0]) == 0)
    return [np.asarray(condition, bool) for condition in ([condlist] if alone else condlist)]
