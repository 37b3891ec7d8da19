"""Several arrays to one, and one to several."""

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple
from numpy.typing import DTypeLike

from tinygrad_edu.errors import DataError, ShapeError
from tinygrad_edu.primitives.broadcasting import broadcast_to
from tinygrad_edu.primitives.indexing import along
from tinygrad_edu.primitives.primitive import Jointly, case
from tinygrad_edu.primitives.shaping import Function, as_operand, reshape
from tinygrad_edu.primitives.table import composition, operation

# --- joining -----------------------------------------------------------------------------------------------------------------


def _join(*arrays: Any, axis: int | None = 0) -> Any:
    return np.concatenate(arrays, axis=axis)


def _join_vjp(g: Any, out: Any, *arrays: Any, axis: int | None = 0) -> list[Any]:
    """For each array the slice of `g` that holds it."""
    ends = np.cumsum([np.size(a) if axis is None else a.shape[axis] for a in arrays])
    before = () if axis is None else (slice(None),) * (axis % arrays[0].ndim)
    parts = [g[(*before, slice(int(end - length), int(end)))] for end, length in zip(ends, np.diff(ends, prepend=0), strict=True)]
    return parts if axis is not None else [reshape(part, shape=np.shape(a)) for part, a in zip(parts, arrays, strict=True)]


concatenate = operation(
    _join, Jointly(_join_vjp),
    shapes="the arrays must agree in every axis but the one they are joined along",
    name="concatenate", result="joined", code="np.concatenate([{inputs}], axis={axis})",
    cases=[
        case((2, 3), (1, 3)), case((2, 3), (2, 2), (2, 1), axis=-1), case((2,), (2, 2), axis=None), case((0, 2), (3, 2)),
        case((), (2,), axis=None),
    ],
)  # fmt: skip


@composition(np.concatenate)
def _concatenate(arrays: Sequence[Any], axis: int | None = 0, *, dtype: DTypeLike | None = None) -> Any:
    joined = concatenate(*arrays, axis=axis)
    return joined if dtype is None or joined.dtype == dtype else np.astype(joined, dtype)


def _pile(*arrays: Any, axis: int) -> Any:
    return np.stack([np.asarray(a) for a in arrays], axis=axis)


def _pile_vjp(g: Any, out: Any, *arrays: Any, axis: int) -> list[Any]:
    """For each array the slice of `g` that it became."""
    return [g[(*(slice(None),) * axis, position) if axis else position] for position in range(len(arrays))]


stack = operation(
    _pile, Jointly(_pile_vjp),
    name="stack", result="joined", code="np.stack([{inputs}], axis={axis})",
    cases=[case((), (), axis=0), case((2, 3), (2, 3), axis=0), case((2,), (2,), (2,), axis=1), case((0, 2), (0, 2), axis=1)],
)  # fmt: skip


@composition(np.stack)
def _stack(arrays: Sequence[Any], axis: int = 0, *, dtype: DTypeLike | None = None) -> Any:
    arrays = list(arrays)
    shapes = dict.fromkeys(np.shape(a) for a in arrays)
    if len(shapes) != 1:
        raise ValueError(f"np.stack needs arrays of one shape, but got {', '.join(map(str, shapes)) or 'no arrays'}")
    stacked = stack(*arrays, axis=normalize_axis_index(axis, len(next(iter(shapes))) + 1))
    return stacked if dtype is None or stacked.dtype == dtype else np.astype(stacked, dtype)


_MOST_AXES = 64
"""How many axes an array of NumPy's may have."""


def array(nested: Any, dtype: DTypeLike | None = None) -> Any:
    """An array of nested lists of numbers, arrays and Values, as `np.array` makes one of numbers. The gradient goes to each Value.

    Parameters
    ----------
    nested: lists or tuples, as deep as the array shall have axes, of parts of one shape. Arrays bring axes of their own.
    dtype: by default the one that NumPy promotes the parts to.

    Returns
    -------
    A Value if a part is one, else an array.

    Raises
    ------
    ShapeError: if parts differ in shape; it names the places. Also for lists that are nested more than 64 deep.
    DataError: if a part is not made of numbers.

    >>> import tinygrad_edu as tg
    >>> rotation = lambda angle: tg.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    >>> tg.jacobian(rotation)(0.0)
    array([[ 0., -1.],
           [ 1., -0.]])
    """
    built = np.copy(_built(nested, ()))
    if built.dtype.kind not in "fiubc":
        raise DataError(f"tg.array is made of numbers, arrays and Values, but the parts have dtype {built.dtype}.")
    return built if dtype is None or built.dtype == dtype else np.astype(built, dtype)


def _built(part: Any, place: tuple[int, ...]) -> Any:
    """The part of an array that stands in a place."""
    if isinstance(part, np.ma.MaskedArray):
        raise DataError("tg.array was given a masked array and would lose its mask; fill it first (data.filled(0.0)).")
    if not isinstance(part, list | tuple):
        return part
    if len(place) >= _MOST_AXES:
        raise ShapeError(f"tg.array was given lists that are nested more than {_MOST_AXES} deep, or a list that contains itself.")
    parts = [_built(inner, (*place, position)) for position, inner in enumerate(part)]
    shapes = [np.shape(inner) for inner in parts]
    for position, shape in enumerate(shapes):
        if shape != shapes[0]:
            first, other = (repr([*place, at])[1:-1].replace(", ", "][") for at in (0, position))
            raise ShapeError(
                "the parts of an array have one shape, but in tg.array(lists) "
                f"lists[{other}] has shape {shape} and lists[{first}] has shape {shapes[0]}."
            )
    return stack(*parts, axis=0) if parts else np.zeros(0)


@composition(np.vstack)
def _vstack(tup: Sequence[Any], *, dtype: DTypeLike | None = None) -> Any:
    return np.concatenate([np.atleast_2d(a) for a in tup], dtype=dtype)


@composition(np.hstack)
def _hstack(tup: Sequence[Any], *, dtype: DTypeLike | None = None) -> Any:
    arrays = [np.atleast_1d(a) for a in tup]
    return np.concatenate(arrays, axis=0 if arrays and arrays[0].ndim == 1 else 1, dtype=dtype)


@composition(np.dstack)
def _dstack(tup: Sequence[Any]) -> Any:
    return np.concatenate([np.atleast_3d(a) for a in tup], axis=2)


@composition(np.column_stack)
def _column_stack(tup: Sequence[Any]) -> Any:
    return np.concatenate([a if np.ndim(a) > 1 else reshape(as_operand(a), shape=(-1, 1)) for a in tup], axis=1)


@composition(np.append)
def _append(arr: Any, values: Any, axis: int | None = None) -> Any:
    if axis is None:
        arr, values, axis = np.ravel(arr), np.ravel(values), 0
    return np.concatenate([arr, values], axis=axis)


@composition(np.block)
def _block(arrays: Any) -> Any:
    depth = _depth(arrays)
    ndim = max(depth, max((np.ndim(a) for a in _leaves(arrays)), default=0))

    def join(part: Any, level: int) -> Any:
        """The innermost lists are joined along the last axis, the lists around them along the last but one, ..."""
        if level:
            return np.concatenate([join(inner, level - 1) for inner in part], axis=-level)
        return _with_axes(as_operand(part), ndim)

    return join(arrays, depth) if depth else np.copy(arrays)


def _depth(arrays: Any) -> int:
    if isinstance(arrays, tuple):
        raise TypeError("np.block takes lists of arrays; a tuple may stand neither for a list nor for an array")
    if not isinstance(arrays, list):
        return 0
    depths = {_depth(part) for part in arrays}
    if len(depths) != 1:
        raise ValueError("np.block takes lists that are equally deep, and none that is empty")
    return 1 + depths.pop()


def _leaves(arrays: Any) -> list[Any]:
    return [leaf for part in arrays for leaf in _leaves(part)] if isinstance(arrays, list) else [arrays]


def _with_axes(x: Any, ndim: int) -> Any:
    """With axes of length one in front, up to the given number of axes."""
    return x if x.ndim >= ndim else reshape(x, shape=(1,) * (ndim - x.ndim) + x.shape)


@composition(np.apply_along_axis)
def _apply_along_axis(func1d: Function, axis: int, arr: Any, *args: Any, **kwargs: Any) -> Any:
    axis = normalize_axis_index(axis, arr.ndim)
    rows = np.moveaxis(arr, axis, -1)
    results = [func1d(rows[at], *args, **kwargs) for at in np.ndindex(rows.shape[:-1])]
    if not results:
        raise ValueError("np.apply_along_axis needs a row at least to apply the function to")
    joined = np.reshape(np.stack(results), (*rows.shape[:-1], *np.shape(results[0])))
    own = np.ndim(results[0])  # the axes of a result stand where the axis was
    return np.moveaxis(joined, range(joined.ndim - own, joined.ndim), range(axis, axis + own))


@composition(np.apply_over_axes)
def _apply_over_axes(func: Function, a: Any, axes: int | Sequence[int]) -> Any:
    for axis in normalize_axis_tuple(axes, a.ndim):
        result = func(a, axis)
        a = result if result.ndim == a.ndim else np.expand_dims(result, axis)
    return a


@composition(np.meshgrid)
def _meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> tuple[Any, ...]:
    if indexing not in ("xy", "ij"):
        raise ValueError(f"np.meshgrid takes indexing='xy' or 'ij', not {indexing!r}")
    places = list(range(len(xi)))
    if indexing == "xy":
        places[:2] = places[1::-1]  # the first two coordinates change places
    open_grid = [
        reshape(as_operand(x), shape=[-1 if axis == place else 1 for axis in range(len(xi))])
        for x, place in zip(xi, places, strict=True)
    ]
    return tuple(open_grid) if sparse else tuple(np.broadcast_arrays(*open_grid))


# --- into the middle, and out of it ------------------------------------------------------------------------------------------


def _positions(given: Any) -> Any:
    """Where to insert, delete or split. A Value is no position, and says so."""
    for part in given if isinstance(given, list | tuple) else [given]:
        if hasattr(part, "__record_primitive__"):
            operator.index(part)
    return given


@composition(np.insert)
def _insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Any:
    arr, values = as_operand(arr), as_operand(values)
    if axis is None:
        arr, axis = np.ravel(arr), 0
    axis, obj = normalize_axis_index(axis, arr.ndim), _positions(obj)
    n = arr.shape[axis]
    values = _with_axes(values if values.dtype == arr.dtype else np.astype(values, arr.dtype), arr.ndim)
    if not isinstance(obj, slice) and np.ndim(obj) == 0:
        values = np.moveaxis(values, 0, axis)  # one place: the values are a subarray there, as in arr[:, obj] = values
    # Joined end to end first; what NumPy's insertion does to the positions then gives the order.
    count = np.insert(np.arange(n), obj, np.zeros(values.shape[axis], int)).size - n
    inserted = broadcast_to(values, shape=(*arr.shape[:axis], count, *arr.shape[axis + 1 :]))
    order = np.insert(np.arange(n), obj, n + np.arange(count))
    return np.take(np.concatenate([arr, inserted], axis=axis), order, axis)


@composition(np.delete)
def _delete(arr: Any, obj: Any, axis: int | None = None) -> Any:
    arr = as_operand(arr)
    kept = np.delete(np.arange(arr.size if axis is None else arr.shape[axis]), _positions(obj))
    return np.take(arr, kept, axis)


# --- splitting ---------------------------------------------------------------------------------------------------------------


def _splitting(function: Function) -> Function:
    """For both ways to split: NumPy splits the positions along the axis, and every part of those is a slice."""

    def composed(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
        ary = as_operand(ary)
        axis = normalize_axis_index(axis, ary.ndim)
        sections = _positions(indices_or_sections)
        if np.ndim(sections) == 0 and sections == 0:
            raise ValueError("an array is split into one part or more, not into 0")
        parts = function(np.arange(ary.shape[axis]), sections)
        slices = [slice(int(part[0]), int(part[-1]) + 1) if part.size else slice(0) for part in parts]
        return [along(ary, axis, part) for part in slices]

    return composed


for _split in (np.split, np.array_split):
    composition(_split)(_splitting(_split))


@composition(np.vsplit)
def _vsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    normalize_axis_index(1, ary.ndim)  # at least two axes
    return np.split(ary, indices_or_sections)


@composition(np.hsplit)
def _hsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    return np.split(ary, indices_or_sections, axis=1 if ary.ndim > 1 else 0)


@composition(np.dsplit)
def _dsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    return np.split(ary, indices_or_sections, axis=2)


if hasattr(np, "unstack"):  # since NumPy 2.1

    @composition(np.unstack)
    def _unstack(x: Any, /, *, axis: int = 0) -> tuple[Any, ...]:
        return tuple(np.moveaxis(x, axis, 0))
