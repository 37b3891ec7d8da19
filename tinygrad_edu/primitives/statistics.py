"""Averages, spreads and quantiles, and the forms of reductions that leave out NaN. All are compositions.

A quantile is an element of the data, or lies between two neighbours of the sorted data, and moves with them.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple
from numpy.typing import DTypeLike

from tinygrad_edu.primitives.broadcasting import as_dtype, cast
from tinygrad_edu.primitives.elementwise import root, squares
from tinygrad_edu.primitives.exact import of_numpy, with_numbers_of
from tinygrad_edu.primitives.reductions import count, gathered, reduced_shape
from tinygrad_edu.primitives.shaping import as_operand
from tinygrad_edu.primitives.table import composition

# --- mean and spread ---------------------------------------------------------------------------------------------------------


@composition(np.var)
def _var(
    a: Any,
    axis: Any = None,
    dtype: DTypeLike | None = None,
    *,
    ddof: float = 0,
    keepdims: bool = False,
    where: Any = True,
    mean: Any = None,
    correction: float | None = None,
) -> Any:
    a = as_dtype(a, dtype)
    if mean is None:
        mean = np.mean(a, axis=axis, keepdims=True, where=where)
    deviation = np.where(where, a - mean, 0.0) if where is not True else a - mean
    freedom = count(a, axis, keepdims, where) - (ddof if correction is None else correction)
    return np.sum(squares(deviation), axis=axis, keepdims=keepdims, where=where) / np.maximum(freedom, 0)


@composition(np.std)
def _std(
    a: Any,
    axis: Any = None,
    dtype: DTypeLike | None = None,
    *,
    keepdims: bool = False,
    where: Any = True,
    mean: Any = None,
    **options: Any,
) -> Any:
    """√var; where nothing varies its derivative is taken as zero, as in PyTorch."""
    variance = np.var(a, axis, dtype, keepdims=keepdims, where=where, mean=mean, **options)
    is_never_alone = mean is not None or (where is True and a.size != variance.size)
    return _root(variance, False if is_never_alone else count(a, axis, keepdims, where) == 1)


def _root(variance: Any, is_alone: Any) -> Any:
    """Of a single number the deviation is zero whatever it is, and has no corner."""
    if is_alone is False:
        return root(variance)
    return np.where(is_alone, variance, root(np.where(is_alone, 1.0, variance)))


@composition(np.average)
def _average(a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: bool = False) -> Any:
    a = as_operand(a)
    if weights is None:
        average = np.mean(a, axis=axis, keepdims=keepdims)
        total = average.dtype.type(a.size / (average.size or 1))
    else:
        weights = _aligned(as_operand(weights), a, axis)
        dtype = np.result_type(a.dtype, weights.dtype, *([] if a.dtype.kind in "fc" else [np.float64]))
        total = np.sum(weights if weights.dtype == dtype else cast(weights, dtype=dtype), axis=axis, keepdims=keepdims)
        products = a * weights if {a.dtype, weights.dtype} & {dtype} else cast(a, dtype=dtype) * weights
        average = np.sum(products, axis=axis, keepdims=keepdims) / total
    return (average, np.broadcast_to(total, average.shape)) if returned else average


def _aligned(weights: Any, a: Any, axis: Any) -> Any:
    """Weights in the shape of the data; they may be given for the axes of the average only."""
    if weights.shape != a.shape:
        axes = normalize_axis_tuple(axis, a.ndim) if axis is not None else ()
        if weights.shape != tuple(a.shape[i] for i in axes):
            raise ValueError(f"weights of shape {weights.shape} belong neither to data of shape {a.shape} nor to axis {axis}")
        in_order = np.transpose(weights, np.argsort(axes))
        weights = np.expand_dims(in_order, tuple(i for i in range(a.ndim) if i not in axes))
    return np.broadcast_to(weights, a.shape)


@composition(np.cov)
def _cov(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: float | None = None,
    fweights: Any = None,
    aweights: Any = None,
    *,
    dtype: DTypeLike | None = None,
) -> Any:
    given = [as_operand(x) for x in (m, y) if x is not None]
    x = np.concatenate([np.atleast_2d(x) if rowvar or x.ndim < 2 else x.T for x in given])
    x = as_dtype(x, dtype or np.result_type(x.dtype, np.float64))
    ddof = (0 if bias else 1) if ddof is None else ddof
    weights = np.ones(x.shape[1])
    for counts in (fweights, aweights):
        weights = weights if counts is None else weights * as_operand(counts)
    total = np.sum(weights, dtype=np.finfo(x.dtype).dtype)
    freedom = total - ddof * (1 if aweights is None else np.sum(weights * aweights) / total)
    deviation = x - np.average(x, axis=1, weights=weights, keepdims=True)
    weighted = deviation if fweights is aweights is None else deviation * weights
    turned = weighted.T if weighted.dtype.kind != "c" else np.conjugate(weighted.T)
    return np.squeeze(deviation @ turned * (1 / freedom))


@composition(np.corrcoef)
def _corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: DTypeLike | None = None) -> Any:
    covariance = np.cov(x, y, rowvar, dtype=dtype)
    if covariance.ndim == 0:
        return covariance / covariance
    deviation = np.sqrt(np.diagonal(covariance))
    correlation = covariance / deviation[:, None] / deviation
    if correlation.dtype.kind != "c":  # rounding may lead out of [-1, 1]
        return np.clip(correlation, -1, 1)
    return np.clip(np.real(correlation), -1, 1) + 1j * np.clip(np.imag(correlation), -1, 1)


# --- quantiles ---------------------------------------------------------------------------------------------------------------

_WITHOUT_NAN = (np.nanmedian, np.nanquantile, np.nanpercentile)


def _between_ranks(find: Callable[..., Any], a: Any, axis: Any, keepdims: bool, precision: Any = None) -> Any:
    """NumPy finds the quantile of the ranks 0, 1, 2, ... by whatever method; a rank of 2.5 is halfway from element 2 to 3."""
    elements = gathered(a, axis)
    order = np.argsort(elements, axis=-1)  # NaN comes last
    ranks = np.arange(float(elements.shape[-1]))
    columns = np.ravel(find(ranks)) + np.zeros((*elements.shape[:-1], 1))
    result = _at_ranks(as_dtype(elements, precision), order, columns)
    has_nan = np.any(np.isnan(elements), axis=-1, keepdims=True)
    result = np.where(has_nan, _at_ranks(elements, order, np.full_like(columns, elements.shape[-1] - 1.0)), result)
    return np.reshape(np.moveaxis(result, -1, 0), np.shape(find(ranks)) + reduced_shape(a.shape, axis, keepdims))


def _at_ranks(elements: Any, order: Any, ranks: Any) -> Any:
    """Along the last axis the elements at the given places in their order, or in between."""
    below = np.floor(ranks).astype(np.intp)
    fraction = (ranks - below).astype(elements.dtype)
    result = np.take_along_axis(elements, np.take_along_axis(order, below, -1), -1)
    if not hasattr(fraction, "__record_primitive__") and not np.any(fraction):
        return result
    above = np.take_along_axis(elements, np.take_along_axis(order, below + (fraction > 0), -1), -1)
    share = np.where(fraction > 0, fraction, 0.5)  # half of the same element twice, which may be infinite
    return (1 - share) * result + share * above


def _between_some_ranks(find: partial[Any], a: Any, axis: Any, keepdims: bool, precision: Any, weights: Any = None) -> Any:
    """The same where elements are left out, being NaN, or weighted, so that the ranks are found for each row on its own."""
    elements = gathered(a, axis)
    options = {} if weights is None else {"weights": gathered(_aligned(np.asarray(weights), a, axis), axis)}
    options |= find.keywords
    order = np.argsort(elements, axis=-1)
    ranks = np.where(np.isnan(elements), np.nan, np.argsort(order, axis=-1))
    rank = of_numpy(find.func, "", ("a", *options), ("a",))(ranks, **options)
    rank = np.where(np.isnan(rank), elements.shape[-1] - 1, rank)
    kept = elements.shape[:-1]
    of_q = rank.shape[: rank.ndim - len(kept)]
    columns = np.moveaxis(np.reshape(rank, (math.prod(of_q), *kept)), 0, -1)
    result = _at_ranks(as_dtype(elements, precision), order, columns)
    return np.reshape(np.moveaxis(result, -1, 0), of_q + reduced_shape(a.shape, axis, keepdims))


def _quantile(function: Callable[..., Any]) -> Callable[..., Any]:
    @with_numbers_of(function)
    def exact(a: Any, q: Any, axis: Any = None, *, method: str = "linear", keepdims: bool = False, weights: Any = None) -> Any:
        a, find = as_operand(a), partial(function, q=q if isinstance(q, float | int) else np.asarray(q), method=method)
        precision = find(np.zeros(1, a.dtype)).dtype
        if weights is None and function not in _WITHOUT_NAN:
            return _between_ranks(find, a, axis, keepdims, precision)
        return _between_some_ranks(partial(find, axis=-1), a, axis, keepdims, precision, weights)

    def numpy_quantile(a: Any, q: Any, axis: Any = None, *, overwrite_input: bool = False, **options: Any) -> Any:
        if options.get("weights") is not None:
            options["weights"] = as_operand(options["weights"])
        return exact(a, q if isinstance(q, float | int) else np.asarray(q), axis, **options)

    return numpy_quantile


def _median(function: Callable[..., Any]) -> Callable[..., Any]:
    @with_numbers_of(function)
    def exact(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
        if function in _WITHOUT_NAN:
            return _between_some_ranks(partial(function, axis=-1), a, axis, keepdims, None)
        return _between_ranks(function, a, axis, keepdims)

    def numpy_median(a: Any, axis: Any = None, *, overwrite_input: bool = False, keepdims: bool = False) -> Any:
        return exact(a, axis, keepdims=keepdims)

    return numpy_median


_QUANTILES: list[Callable[..., Any]] = [np.quantile, np.percentile, np.nanquantile, np.nanpercentile]
for _function in _QUANTILES:
    composition(_function)(_quantile(_function))
composition(np.median)(_median(np.median))
composition(np.nanmedian)(_median(np.nanmedian))


# --- without NaN -------------------------------------------------------------------------------------------------------------


def _nan_as(neutral: float, function: Callable[..., Any]) -> Callable[..., Any]:
    """NaN counts as a number that makes no difference."""

    def without_nan(a: Any, axis: Any = None, *args: Any, **options: Any) -> Any:
        if a.dtype.kind not in "fc":
            return function(a, axis, *args, **options)
        return function(np.where(np.isnan(a), neutral, a), axis, *args, **options)

    return without_nan


@composition(np.nanmean)
def _nanmean(a: Any, axis: Any = None, dtype: DTypeLike | None = None, *, keepdims: bool = False, where: Any = True) -> Any:
    if a.dtype.kind not in "fc":
        return np.mean(a, axis, dtype, keepdims=keepdims, where=where)
    a = as_dtype(a, dtype)
    present = np.logical_and(where, np.logical_not(np.isnan(a)))
    return np.nansum(a, axis, keepdims=keepdims, where=where) / count(a, axis, keepdims, present)


@composition(np.nanvar)
def _nanvar(
    a: Any,
    axis: Any = None,
    dtype: DTypeLike | None = None,
    *,
    ddof: float = 0,
    keepdims: bool = False,
    where: Any = True,
    mean: Any = None,
    correction: float | None = None,
) -> Any:
    a, ddof = as_dtype(a, dtype), ddof if correction is None else correction
    if a.dtype.kind not in "fc":
        return np.var(a, axis, ddof=ddof, keepdims=keepdims, where=where, **({} if mean is None else {"mean": mean}))
    unknown = np.isnan(a)
    if mean is None:
        mean = np.nanmean(a, axis, keepdims=True, where=where)
    deviation = np.where(unknown, 0.0, a - mean)
    square = deviation**2 if deviation.dtype.kind != "c" else np.real(deviation * np.conjugate(deviation))
    freedom = count(a, axis, keepdims, np.logical_and(where, np.logical_not(unknown))) - ddof
    return np.sum(square, axis=axis, keepdims=keepdims, where=where) / np.where(freedom > 0, freedom, np.nan)


@composition(np.nanstd)
def _nanstd(
    a: Any,
    axis: Any = None,
    dtype: DTypeLike | None = None,
    *,
    keepdims: bool = False,
    where: Any = True,
    mean: Any = None,
    **options: Any,
) -> Any:
    variance = np.nanvar(a, axis, dtype, keepdims=keepdims, where=where, **({} if mean is None else {"mean": mean}), **options)
    present = np.logical_and(where, np.logical_not(np.isnan(a)))
    return _root(variance, count(a, axis, keepdims, present) == 1 if mean is None else False)


def _nan_loses(function: Callable[..., Any], worst: float) -> Callable[..., Any]:
    """NaN is chosen only where there is nothing else."""

    def without_nan(a: Any, axis: Any = None, *, keepdims: bool = False, initial: Any = None, where: Any = True) -> Any:
        if a.dtype.kind not in "fc":
            return function(a, axis, keepdims=keepdims, initial=initial, where=where)
        unknown = np.isnan(a)
        chosen = function(np.where(unknown, worst, a), axis, keepdims=keepdims, initial=initial, where=where)
        return chosen if initial is not None else np.where(np.all(unknown, axis=axis, keepdims=keepdims), np.nan, chosen)

    return without_nan


composition(np.nansum)(_nan_as(0.0, np.sum))
composition(np.nanprod)(_nan_as(1.0, np.prod))
composition(np.nancumsum)(_nan_as(0.0, np.cumsum))
composition(np.nancumprod)(_nan_as(1.0, np.cumprod))
composition(np.nanmax)(_nan_loses(np.max, -np.inf))
composition(np.nanmin)(_nan_loses(np.min, np.inf))
