"""Many numbers to one: along given axes, or all of them.

The entries know `axis` and `keepdims`. NumPy's other options (`where`, `initial`, `dtype`) are written in terms of them.
"""

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple
from numpy.typing import DTypeLike

from tinygrad_edu.primitives.broadcasting import as_dtype, broadcast_to, converted
from tinygrad_edu.primitives.exact import with_numbers_of
from tinygrad_edu.primitives.primitive import Primitive, case
from tinygrad_edu.primitives.scans import cumprod
from tinygrad_edu.primitives.table import composition, operation

AXES = [
    case((3, 4)), case((3, 4), axis=0), case((3, 4), axis=-1, keepdims=True),
    case((2, 3, 4), axis=(0, 2)), case(()), case((3,), axis=()),
]  # fmt: skip


def put_back(reduced: Any, x: Any, axis: Any, keepdims: Any) -> Any:
    """Give a reduction of `x` length-one axes where it removed axes, so that it broadcasts against `x`."""
    # NumPy lets a single number, which has no axes, be reduced along axis 0.
    return reduced if axis is None or keepdims or x.ndim == 0 else np.expand_dims(reduced, axis)


def _axes_last(ndim: int, axis: Any) -> tuple[tuple[int, ...], int]:
    """The order of axes in which those to be reduced come last, and how many remain."""
    reduced = tuple(range(ndim)) if axis is None or ndim == 0 else normalize_axis_tuple(axis, ndim)
    kept = tuple(i for i in range(ndim) if i not in reduced)
    return kept + reduced, len(kept)


def reduced_shape(shape: tuple[int, ...], axis: Any, keepdims: bool) -> tuple[int, ...]:
    """The shape of the result of a reduction."""
    order, kept = _axes_last(len(shape), axis)
    if keepdims:
        return tuple(length if i in order[:kept] else 1 for i, length in enumerate(shape))
    return tuple(shape[i] for i in order[:kept])


def gathered(x: Any, axis: Any) -> Any:
    """What a reduction over `axis` puts together, side by side along the last axis."""
    order, kept = _axes_last(x.ndim, axis)
    shape = tuple(x.shape[i] for i in order)
    in_order = x if order == tuple(range(x.ndim)) else np.transpose(x, order)
    return np.reshape(in_order, (*shape[:kept], math.prod(shape[kept:])))


def _spread(flat: Any, shape: tuple[int, ...], axis: Any) -> Any:
    """The opposite of `gathered`."""
    order, _ = _axes_last(len(shape), axis)
    in_order = np.reshape(flat, tuple(shape[i] for i in order))
    return in_order if order == tuple(range(len(shape))) else np.transpose(in_order, tuple(np.argsort(order)))


# --- the entries -------------------------------------------------------------------------------------------------------------


def _sum(x: Any, axis: Any = None, keepdims: Any = False) -> Any:
    return np.add.reduce(x, axis=axis, keepdims=keepdims)


def _sum_vjp(g: Any, out: Any, x: Any, axis: Any = None, keepdims: Any = False) -> Any:
    return broadcast_to(put_back(g, x, axis, keepdims), shape=x.shape)


def _mean(x: Any, axis: Any = None, keepdims: Any = False) -> Any:
    if x.dtype.itemsize < 4 or x.dtype.char == "F":  # NumPy adds half-precision numbers in single precision, and divides in double
        return np.mean(x, axis=axis, keepdims=keepdims)
    total = np.add.reduce(x, axis=axis, keepdims=keepdims)
    return total / (x.size / (total.size or 1))


def _mean_vjp(g: Any, out: Any, x: Any, axis: Any = None, keepdims: Any = False) -> Any:
    return _sum_vjp(g * (out.size / (x.size or 1)), out, x, axis, keepdims)


def _prod(x: Any, axis: Any = None, keepdims: Any = False) -> Any:
    return np.multiply.reduce(x, axis=axis, keepdims=keepdims)


def _products_before(x: Any) -> Any:
    """Along the last axis: for each element the product of those before it."""
    one = np.ones((*x.shape[:-1], 1), x.dtype)
    return np.concatenate([one, cumprod(x, axis=-1)], axis=-1)[..., :-1]


def _prod_vjp(g: Any, out: Any, x: Any, axis: Any = None, keepdims: Any = False) -> Any:
    """The product of all others: of those before and those after. Unlike out / x it is right where elements are zero."""
    elements = gathered(x, axis)
    others = _products_before(elements) * _products_before(elements[..., ::-1])[..., ::-1]
    return put_back(g, x, axis, keepdims) * _spread(others, x.shape, axis)


def _max(x: Any, axis: Any = None, keepdims: Any = False) -> Any:
    return np.maximum.reduce(x, axis=axis, keepdims=keepdims)


def _min(x: Any, axis: Any = None, keepdims: Any = False) -> Any:
    return np.minimum.reduce(x, axis=axis, keepdims=keepdims)


def _extremum_vjp(g: Any, out: Any, x: Any, axis: Any = None, keepdims: Any = False) -> Any:
    """The gradient goes to the largest (smallest) element; where several are equal they share it equally."""
    winners = x == put_back(out, x, axis, keepdims)
    return winners * put_back(g, x, axis, keepdims) / np.sum(winners, axis=axis, keepdims=True)


sum = operation(_sum, _sum_vjp, name="sum", result="total", numpy=[np.sum], latex=r"\sum {0}", cases=AXES, reduces=np.add)
mean = operation(_mean, _mean_vjp, name="mean", numpy=[np.mean], latex=r"\frac{{1}}{{{count}}} \sum {0}", cases=AXES)
prod = operation(_prod, _prod_vjp, name="prod", numpy=[np.prod], latex=r"\prod {0}", cases=AXES, reduces=np.multiply)
max = operation(_max, _extremum_vjp, name="max", numpy=[np.max], latex=r"\max {0}", cases=AXES, reduces=np.maximum)
min = operation(_min, _extremum_vjp, name="min", numpy=[np.min], latex=r"\min {0}", cases=AXES, reduces=np.minimum)


# --- NumPy's functions with all their options --------------------------------------------------------------------------------


def _selected(x: Any, where: Any, neutral: Any) -> Any:
    """`x` with a number that does not count in the place of what is left out."""
    return x if where is True else np.where(where, x, neutral)


def _entry_unless_selected(entry: Primitive) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The composition is for options that the entry does not know: NumPy has its own order for what is selected or put first."""

    def decorate(composed: Callable[..., Any]) -> Callable[..., Any]:
        exact = with_numbers_of(entry.numpy[0])(composed)

        def reduction(a: Any, axis: Any = None, dtype: DTypeLike | None = None, *, keepdims: bool = False, **options: Any) -> Any:
            is_plain = options.get("where", True) is True and options.get("initial") is None
            if is_plain and (dtype is None or a.dtype.kind in "fc"):  # whole numbers are added up in the dtype that is asked for
                return entry(as_dtype(a, dtype), axis=axis, keepdims=keepdims)
            return exact(a, axis, dtype, keepdims=keepdims, **options)

        return reduction

    return decorate


def count(x: Any, axis: Any, keepdims: bool, where: Any) -> Any:
    """How many elements a reduction with `where=` puts together."""
    precision = np.finfo(x.dtype).dtype if x.dtype.kind in "fc" else np.dtype(float)
    return _sum(np.broadcast_to(where, x.shape).astype(precision), axis, keepdims)


def _with_options(entry: Primitive, neutral: float, combine: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    @_entry_unless_selected(entry)
    def numpy_reduction(
        a: Any,
        axis: Any = None,
        dtype: DTypeLike | None = None,
        *,
        keepdims: bool = False,
        initial: Any = None,
        where: Any = True,
    ) -> Any:
        reduced = entry(_selected(as_dtype(a, dtype), where, neutral), axis=axis, keepdims=keepdims)
        return reduced if initial is None else combine(initial, reduced)

    return numpy_reduction


composition(np.sum, calling=sum)(_with_options(sum, 0.0, operator.add))
composition(np.prod, calling=prod)(_with_options(prod, 1.0, operator.mul))


@composition(np.mean, calling=mean)
@_entry_unless_selected(mean)
def _numpy_mean(a: Any, axis: Any = None, dtype: DTypeLike | None = None, *, keepdims: bool = False, where: Any = True) -> Any:
    a = as_dtype(a, dtype)
    return sum(_selected(a, where, 0.0), axis=axis, keepdims=keepdims) / count(a, axis, keepdims, where)


def _extremum(entry: Primitive, choose: Any, worst: float) -> Callable[..., Any]:
    def numpy_extremum(a: Any, axis: Any = None, *, keepdims: bool = False, initial: Any = None, where: Any = True) -> Any:
        if initial is None:
            if where is not True:
                raise ValueError(f"np.{entry.name} with where= needs initial=, the result where nothing is selected")
            return entry(a, axis=axis, keepdims=keepdims)
        if a.size == 0:
            return initial + sum(a, axis=axis, keepdims=keepdims)  # the sum of nothing is zero
        initial = converted(initial, a.dtype)
        worst_of_its_kind = worst if a.dtype.kind in "fc" else initial  # whole numbers stay whole
        return choose(entry(_selected(a, where, worst_of_its_kind), axis=axis, keepdims=keepdims), initial)

    return numpy_extremum


composition(np.max, np.amax, calling=max)(_extremum(max, np.maximum, -np.inf))
composition(np.min, np.amin, calling=min)(_extremum(min, np.minimum, np.inf))


@composition(np.ptp)
def _ptp(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return max(a, axis=axis, keepdims=keepdims) - min(a, axis=axis, keepdims=keepdims)
