"""Choosing among elements: by a condition, by position, by order."""

from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from tinygrad_edu.errors import UnsupportedError
from tinygrad_edu.primitives import elementwise
from tinygrad_edu.primitives.broadcasting import cast
from tinygrad_edu.primitives.indexing import add_at, along, take
from tinygrad_edu.primitives.shaping import Function, as_operand
from tinygrad_edu.primitives.table import TABLE, composition

_KEEPS_SHAPE = "Write np.where(condition, x, 0.0), which keeps the shape."
_DIFFERENT = "How many are different depends on the numbers. Write np.sort(x), which keeps equal ones, side by side."
TABLE.instead.update(
    {
        np.compress: f"How many are chosen depends on the numbers. {_KEEPS_SHAPE}",
        np.extract: f"How many are chosen depends on the numbers. {_KEEPS_SHAPE}",
        np.trim_zeros: "How many zeros there are at the ends depends on the numbers. Leave them in.",
        np.unique: _DIFFERENT,
        np.unique_values: _DIFFERENT,
        np.bincount: "How long the result is depends on what is counted. Write np.sum(w * (x == np.arange(n)[:, None]), axis=1).",
    }
)

# --- by a condition ----------------------------------------------------------------------------------------------------------


@composition(np.where, calling=elementwise.where)
def _where(condition: Any, x: Any = None, y: Any = None, /) -> Any:
    if x is None and y is None:
        return np.nonzero(condition)
    if x is None or y is None:
        raise ValueError("np.where takes a condition alone, or a condition and both alternatives")
    return elementwise.where(condition, x, y)


@composition(np.select)
def _select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Any:
    if len(condlist) != len(choicelist) or not condlist:
        raise ValueError(f"np.select takes as many choices as conditions, but got {len(choicelist)} and {len(condlist)}")
    if any(as_operand(condition).dtype != bool for condition in condlist):
        raise TypeError("np.select takes conditions that are arrays of booleans")
    choices = _operands(choicelist)
    chosen = default
    for condition, choice in zip(reversed(condlist), reversed(choices), strict=True):  # the first that holds has the last word
        chosen = np.where(condition, choice, chosen)
    dtype = np.result_type(default, *choices)
    return chosen if chosen.dtype == dtype else np.astype(chosen, dtype)


def _operands(choices: Sequence[Any]) -> list[Any]:
    """Lists as arrays. Single numbers stay what they are, since they do not raise the precision of arrays."""
    return [as_operand(choice) if np.ndim(choice) else choice for choice in choices]


@composition(np.compress)
def _compress(condition: Any, a: Any, axis: int | None = None) -> Any:
    if np.ndim(condition) != 1:
        raise ValueError("np.compress takes a condition with one axis")
    return np.take(a, np.flatnonzero(condition), axis)


@composition(np.extract)
def _extract(condition: Any, arr: Any) -> Any:
    return take(arr, np.flatnonzero(condition))


@composition(np.trim_zeros)
def _trim_zeros(filt: Any, trim: str = "fb") -> Any:
    if filt.ndim != 1 or not {*trim.lower()} <= {*"fb"}:
        raise ValueError(f"np.trim_zeros of a Value takes a vector, and trim='f', 'b' or 'fb', not {filt.shape} and {trim!r}")
    nonzero = np.flatnonzero(filt)
    first, last = (int(nonzero[0]), int(nonzero[-1])) if nonzero.size else (len(filt), -1)
    return filt[first if "f" in trim.lower() else 0 : last + 1 if "b" in trim.lower() else len(filt)]


# --- by position -------------------------------------------------------------------------------------------------------------


def _in_range(indices: Any, n: int, mode: str) -> Any:
    """Integers that an index takes, from those that the `mode` of `np.take` allows."""
    if mode == "raise":
        return indices
    if mode not in ("wrap", "clip"):
        raise ValueError(f"mode must be 'raise', 'wrap' or 'clip', not {mode!r}")
    return indices % n if mode == "wrap" else np.clip(indices, 0, n - 1)


@composition(np.take)
def _take(a: Any, indices: Any, axis: int | None = None, *, mode: str = "raise") -> Any:
    a, indices = as_operand(a), as_operand(indices)
    if not indices.size:
        indices = indices.astype(np.intp)
    if indices.dtype.kind not in "iub":
        raise TypeError(f"np.take needs integers to choose by, not {indices.dtype}")
    if indices.dtype != np.intp:
        indices = cast(indices, dtype=np.dtype(np.intp))
    if axis is None:
        return take(a, _in_range(indices, a.size, mode))
    return along(a, axis, _in_range(indices, a.shape[normalize_axis_index(axis, a.ndim)], mode)[()])


@composition(np.take_along_axis)
def _take_along_axis(arr: Any, indices: Any, axis: int | None = -1) -> Any:
    if axis is None:
        return take(arr, indices)
    if arr.ndim != np.ndim(indices):
        raise ValueError(f"np.take_along_axis needs indices with as many axes as the array, {arr.ndim}, not {np.ndim(indices)}")
    n = arr.shape[normalize_axis_index(axis, arr.ndim)]
    out_of_bounds = np.any((indices < -n) | (indices >= n))
    if not hasattr(out_of_bounds, "__record_primitive__") and out_of_bounds:  # of indices that are recorded nobody can say
        raise IndexError(f"np.take_along_axis got an index that is out of bounds for axis {axis} with length {n}")
    return _along_axis(arr, indices % max(n, 1), axis)


def _along_axis(x: Any, indices: Any, axis: int) -> Any:
    """By positions in the flattened array: the indices say how far to go along their axis, and along the others nothing changes."""
    steps: list[Any] = list(np.indices(x.shape, sparse=True))
    steps[axis] = indices
    strides = np.cumprod((1, *x.shape[:0:-1]))[::-1].tolist()
    return take(x, sum(step * stride for step, stride in zip(steps, strides, strict=True)))


@composition(np.bincount)
def _bincount(x: Any, /, weights: Any = None, minlength: int = 0) -> Any:
    if weights is None:
        raise UnsupportedError(
            "np.bincount has no derivative here for the numbers that it counts, only for their weights. Count plain integers "
            "(value.detach().numpy().astype(int)), or make it an operation of your own with tg.primitive(forward, *rules)."
        )
    x = np.asarray(x)
    if x.ndim != 1 or x.shape != np.shape(weights) or np.any(x < 0):
        raise ValueError("np.bincount takes a vector of numbers from 0, and one weight for each")
    return add_at(np.astype(weights, np.float64), x, shape=(max(int(np.max(x, initial=-1)) + 1, minlength),))


@composition(np.choose)
def _choose(a: Any, choices: Sequence[Any], *, mode: str = "raise") -> Any:
    choices = _operands(choices)
    n = len(choices)
    chosen, *alternatives = np.broadcast_arrays(a, *choices)
    if mode == "raise" and np.any((chosen < 0) | (chosen >= n)):
        raise ValueError(f"np.choose got a number that none of the {n} choices has")
    return np.take_along_axis(np.stack(alternatives, dtype=np.result_type(*choices)), _in_range(chosen, n, mode)[None], 0)[0]


# --- by order ----------------------------------------------------------------------------------------------------------------
# A sorted element passes its gradient on to where it came from.


@composition(np.sort)
def _sort(a: Any, axis: int | None = -1, kind: Any = None, *, stable: bool | None = None) -> Any:
    if axis is None:
        a, axis = np.ravel(a), 0
    if kind == "stable" and stable is None:  # the older of two ways to say it, which JAX does not know
        kind, stable = None, True
    return _along_axis(a, np.argsort(a, axis, kind=kind, stable=stable), axis)


@composition(np.partition)
def _partition(a: Any, kth: Any, axis: int | None = -1, kind: Any = "introselect") -> Any:
    if axis is None:
        a, axis = np.ravel(a), 0
    return _along_axis(a, np.argpartition(a, kth, axis, kind=kind), axis)


@composition(np.unique)
def _unique(
    ar: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: None = None,
    *,
    equal_nan: bool = True,
) -> Any:
    """Each of several equal elements once: the gradient goes to the one that comes first."""
    if axis is not None:
        raise UnsupportedError("np.unique of a Value compares single elements: leave out axis=.")
    flat = np.ravel(ar)
    order = np.argsort(flat, kind="stable")
    in_order = take(flat, order)
    before, after = in_order[:-1], in_order[1:]
    is_new = np.not_equal(before, after) & ~(equal_nan & np.isnan(before) & np.isnan(after))
    starts = np.flatnonzero(np.concatenate([np.ones(min(flat.size, 1), bool), is_new]))
    results = [take(flat, order[starts])]
    if return_index:
        results.append(order[starts])
    counts = np.diff(np.append(starts, flat.size))
    if return_inverse:
        inverse = np.empty(flat.size, np.intp)
        inverse[order] = np.repeat(np.arange(len(starts)), counts)
        results.append(inverse.reshape(ar.shape))
    if return_counts:
        results.append(counts)
    return results[0] if len(results) == 1 else tuple(results)


@composition(np.unique_values)
def _unique_values(x: Any, /) -> Any:
    """In ascending order. That of NumPy is not defined."""
    return np.unique(x, equal_nan=False)


@composition(np.histogram)
def _histogram(a: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None) -> tuple[Any, Any]:
    """The weights that fall between two edges, added up. How often numbers do has no derivative by the numbers."""
    if weights is None or any(hasattr(x, "__record_primitive__") for x in (a, bins)):
        raise UnsupportedError(
            "np.histogram has no derivative for the numbers that it counts, only for their weights: "
            "np.histogram(x.detach().numpy(), bins, weights=w)."
        )
    a = np.ravel(a)
    edges = np.histogram_bin_edges(a, bins, range)
    inside = np.flatnonzero((a >= edges[0]) & (a <= edges[-1]))
    places = np.minimum(np.searchsorted(edges, a[inside], side="right") - 1, len(edges) - 2)  # the last bin has both of its ends
    sums = add_at(take(weights, inside), places, shape=(len(edges) - 1,))
    return (sums / np.diff(edges) / np.sum(sums) if density else sums), edges


# --- what is refused: to write in place, and what else others differentiate ----------------------------------------------------


def _refuse(function: Function, why: str) -> None:
    def refuse(*args: Any, **kwargs: Any) -> NoReturn:
        raise UnsupportedError(f"np.{function.__name__} {why}.")

    composition(function)(refuse)


_IN_PLACE: dict[Function, str] = {
    np.copyto: "np.where(mask, new, old); or np.broadcast_to(value, shape) in place of np.full(shape, value) and np.full_like",
    np.putmask: "np.where(mask, new, old)",
    np.place: "np.where(mask, new, old)",
    np.put: "np.where(mask, new, old), with mask[indices] = True",
    np.put_along_axis: "np.where(mask, new, old), with np.put_along_axis(mask, indices, True, axis)",
    np.fill_diagonal: "np.where(np.eye(n, dtype=bool), new, old)",
}
_INSTEAD: dict[Function, str] = {
    np.sort_complex: "np.take(x, np.argsort(x.detach().numpy()))",
    np.union1d: "np.unique(np.concatenate([x, y]))",
    np.intersect1d: "x[np.isin(x, y)]",
    np.setdiff1d: "x[~np.isin(x, y)]",
    np.setxor1d: "np.concatenate([x[~np.isin(x, y)], y[~np.isin(y, x)]])",
    np.histogram2d: "np.bincount(numbers of the cells, weights)",
    np.histogramdd: "np.bincount(numbers of the cells, weights)",
    np.histogram_bin_edges: "np.linspace(np.min(x), np.max(x), bins + 1)",
    np.unique_all: "np.unique(x, True, True, True)",
    np.unique_counts: "np.unique(x, return_counts=True)",
    np.unique_inverse: "np.unique(x, return_inverse=True)",
}

for _function, _instead in _IN_PLACE.items():
    _refuse(
        _function,
        "writes into an array, which would destroy what was recorded, or lose the gradient of what is written. "
        f"Make a new Value: {_instead}",
    )
for _function, _instead in _INSTEAD.items():
    _refuse(_function, f"has no derivative here. Write {_instead}")
