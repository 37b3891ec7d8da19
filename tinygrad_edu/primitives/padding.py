"""Values around an array: every mode of `np.pad` that depends on the numbers in a differentiable way."""

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu.primitives.exact import with_numbers_of
from tinygrad_edu.primitives.indexing import scatter
from tinygrad_edu.primitives.table import composition

_STATISTICS: dict[str, Callable[..., Any]] = {"mean": np.mean, "maximum": np.max, "minimum": np.min, "median": np.median}
_MODES = {"constant", "edge", "reflect", "symmetric", "wrap", "linear_ramp", *_STATISTICS}


@composition(np.pad)
def _pad(array: Any, pad_width: Any, mode: str = "constant", **options: Any) -> Any:
    if array.dtype.kind not in "fc":
        widths = _pairs(pad_width, array.ndim) or pad_width  # a single number has none
        return with_numbers_of(np.pad)(_pad)(array, widths, mode, **options)
    if mode not in _MODES:
        raise ValueError(f"np.pad of a Value takes the modes {', '.join(sorted(_MODES))}, not {mode!r}")
    try:
        np.pad(np.zeros((1,) * array.ndim), pad_width, mode, **options)  # type: ignore[call-overload]  # NumPy's checks
    except AssertionError as error:  # which it does not make of a dict
        raise ValueError("a dict as pad_width has axes as keys, and a number or a pair of numbers for each") from error
    widths = _pairs(pad_width, array.ndim)
    if mode == "constant":
        return _pad_with_constants(array, widths, options.get("constant_values", 0))
    for axis, (before, after) in enumerate(widths):
        if before or after:
            array = np.moveaxis(_pad_first_axis(np.moveaxis(array, axis, 0), before, after, mode, axis, options), 0, axis)
    return array


def _pairs(given: Any, ndim: int) -> list[tuple[Any, Any]]:
    """What is to be done before and after each axis, from one of the short forms that `np.pad` takes."""
    if isinstance(given, dict):
        pairs: Any = np.zeros((ndim, 2), int)
        for axis, pair in given.items():
            pairs[axis] = pair
    else:
        pairs = np.broadcast_to(np.asarray(given), (ndim, 2))
    return [tuple(pair) for pair in pairs.tolist()]


def _pad_with_constants(x: Any, widths: list[tuple[int, int]], constants: Any) -> Any:
    shape = tuple(before + n + after for n, (before, after) in zip(x.shape, widths, strict=True))
    inside = tuple(slice(before, before + n) for n, (before, _) in zip(x.shape, widths, strict=True))
    padded = scatter(x, index=inside, shape=shape)  # zeros around an array are what slicing does backward
    if not np.any(constants):
        return padded
    return padded + np.pad(np.zeros(x.shape, x.dtype), widths, constant_values=constants)


def _pad_first_axis(x: Any, before: int, after: int, mode: str, axis: int, options: dict[str, Any]) -> Any:
    """Padded along the first axis, which was the given axis of the whole array."""
    ndim = x.ndim
    if mode in _STATISTICS:
        first, last = _pairs(options.get("stat_length"), ndim)[axis]
        statistic = _STATISTICS[mode]
        start = statistic(x if first is None else x[:first], axis=0, keepdims=True)
        end = statistic(x if last is None else x[max(len(x) - last, 0) :], axis=0, keepdims=True)
        return _around(x, before, after, start, end)
    if mode == "linear_ramp":
        given = options.get("end_values", 0)
        first, last = (
            np.asarray(end)[()] if np.size(given) <= 2 else end for end in _pairs(given, ndim)[axis]
        )  # as NumPy has them
        rise = np.linspace(first, x[0], before, endpoint=False, dtype=x.dtype)
        fall = np.linspace(last, x[-1], after, endpoint=False, dtype=x.dtype)[::-1]
        return np.concatenate([rise, x, fall])
    if options.get("reflect_type", "even") == "odd":
        return _reflect_through_ends(x, before, after, distance=1 if mode == "reflect" else 0)
    return np.take(x, np.pad(np.arange(len(x)), (before, after), mode), axis=0)  # type: ignore[call-overload]


def _around(x: Any, before: int, after: int, start: Any, end: Any) -> Any:
    """`start` and `end` have one row, which is repeated."""
    rows = x.shape[1:]
    return np.concatenate([np.broadcast_to(start, (before, *rows)), x, np.broadcast_to(end, (after, *rows))])


def _reflect_through_ends(x: Any, before: int, after: int, distance: int) -> Any:
    """Turned by half a turn about each end: 2·end - x, beginning at that distance from the end, as far as x reaches; and again."""
    if len(x) == 1:
        return _around(x, before, after, x, x)
    while before or after:
        start, end = min(before, len(x) - distance), min(after, len(x) - distance)
        left = 2 * x[:1] - x[distance : distance + start][::-1]
        right = 2 * x[-1:] - x[len(x) - distance - end : len(x) - distance][::-1]
        x, before, after = np.concatenate([left, x, right]), before - start, after - end
    return x
