"""Reductions, scans, statistics, differences and ufunc methods: the numbers are NumPy's, the derivatives those of differences."""

import warnings
from functools import reduce

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import DetachError, IndexingError, ShapeError, UnsupportedError
from tinygrad_edu.primitives.table import TABLE
from tinygrad_edu.testing import check_grads

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 3, 4))
W = RNG.uniform(0.5, 2.0, size=(2, 3, 4))
MASK = RNG.uniform(size=X.shape) < 0.6
MASK[:, :2, 0] = True  # along every axis at least two
MASK[0, :, :2] = True
MASK[1, 2, 1:] = True
HOLES = np.zeros(X.shape, bool)
HOLES[0, 1, 2] = HOLES[1, 2, 0] = True
POSITIONS = np.array([0.0, 0.3, 1.0, 1.9])

AXES = [{}, {"axis": 0}, {"axis": -1, "keepdims": True}, {"axis": (0, 2)}, {"axis": None, "keepdims": True}, {"axis": ()}]
PLAIN = ["sum", "mean", "prod", "max", "min", "amax", "amin", "ptp", "var", "std", "average", "median"]
WITHOUT_NAN = ["nansum", "nanmean", "nanprod", "nanmax", "nanmin", "nanvar", "nanstd", "nanmedian"]


def check(f, *args, order=2, values_only=False):
    """The result, or each of several, is NumPy's in value, shape and dtype; and the derivatives are right."""
    for dtype in (np.float64, np.float32):
        arrays = [x.astype(dtype) for x in args]
        got, wanted = f(*map(Value, arrays)), f(*arrays)
        for result, expected in zip(*((got, wanted) if isinstance(wanted, tuple) else ([got], [wanted])), strict=True):
            assert isinstance(result, Value)
            assert (result.shape, result.dtype) == (np.shape(expected), np.asarray(expected).dtype)
            error = 40 * max(np.finfo(dtype).eps, np.finfo(result.dtype).eps)
            np.testing.assert_allclose(result.numpy(), expected, rtol=error, atol=error)
    if not values_only:
        check_grads(lambda *xs: _one(f(*xs)), args, order)


def _one(results):
    return np.concatenate([np.ravel(x) for x in results]) if isinstance(results, tuple) else results


# --- reductions --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", AXES, ids=str)
@pytest.mark.parametrize("name", PLAIN + WITHOUT_NAN)
def test_a_reduction_over_any_axes(name, options):
    if options.get("axis") == () and name in ("var", "std", "nanvar", "nanstd", "ptp", "median", "nanmedian", "average"):
        return  # of single numbers: constants, of no interest, or refused by NumPy
    check(lambda x: getattr(np, name)(x, **options), X)


@pytest.mark.parametrize("options", AXES[:-1], ids=str)
@pytest.mark.parametrize("name", WITHOUT_NAN)
def test_a_reduction_that_leaves_out_nan(name, options):
    check(lambda x: getattr(np, name)(np.where(HOLES, np.nan, x), **options), X)


@pytest.mark.parametrize("name", ["sum", "mean", "prod", "var", "std", "nansum", "nanmean", "nanprod", "nanvar", "nanstd"])
def test_a_reduction_of_selected_elements_or_in_another_dtype(name):
    function = getattr(np, name)
    for options in AXES[:-1]:
        check(lambda x: function(x, where=MASK, **options), X)  # noqa: B023
    check(lambda x: function(x, axis=1, where=[[[True], [False], [True]]]), X)
    check(lambda x: function(x, axis=1, dtype=np.float64), X)
    check(lambda x: function(x, 1, np.float32), X, values_only=True)
    with pytest.raises(UnsupportedError, match="whole numbers"):
        function(Value(X), dtype=int)


@pytest.mark.parametrize("name", ["sum", "prod", "max", "min", "amax", "amin", "nansum", "nanprod", "nanmax", "nanmin"])
def test_a_reduction_with_an_initial_number(name):
    function = getattr(np, name)
    check(lambda x: function(x, axis=1, initial=0.3), X)
    check(lambda x: function(x, axis=(0, 1), initial=0.3, where=MASK, keepdims=True), X)
    check(lambda x: function(x, axis=0, initial=0.3), X[:0])
    check(lambda x, first: function(x, initial=first), X, np.array(0.2)) if name == "sum" else None


@pytest.mark.parametrize("name", ["var", "std", "nanvar", "nanstd"])
def test_the_spread_with_fewer_degrees_of_freedom_or_a_given_mean(name):
    function = getattr(np, name)
    check(lambda x: function(x, axis=1, ddof=1), X)
    check(lambda x: function(x, axis=(0, 2), correction=1.5, keepdims=True), X)
    check(lambda x: function(x, axis=1, mean=np.mean(x, axis=1, keepdims=True)), X)
    check(lambda x, mean: function(x, mean=mean), X, np.array(0.1), values_only=True)
    assert tg.grad(lambda x: function(x))(np.full(3, 2.0)).tolist() == [0, 0, 0]


@pytest.mark.parametrize("name", [*PLAIN, *WITHOUT_NAN])
def test_a_reduction_of_a_single_number(name):
    if name not in ("var", "std", "nanvar", "nanstd", "ptp"):
        assert tg.grad(getattr(np, name))(3.0) == 1.0
    if name in ("sum", "prod", "max", "min", "nansum", "nanprod", "nanmax", "nanmin"):
        check(lambda x: getattr(np, name)(x, axis=0), np.array(3.0), order=1)


@pytest.mark.parametrize("name", ["sum", "prod", "max", "ptp", "var", "nansum", "nanmax"])
def test_a_reduction_along_an_axis_of_arrays_without_elements(name):
    check(lambda x: getattr(np, name)(x, axis=1), X[:0], values_only=True)
    x = Value(X[:0])
    getattr(np, name)(x, axis=1).backward(np.ones((0, 4)))
    assert x.grad.shape == (0, 3, 4)


def test_the_largest_of_nothing_is_refused():
    with pytest.raises(ShapeError, match="zero-size array"):
        np.max(Value(np.zeros((0, 3))), axis=0)
    with pytest.raises(ValueError, match="needs initial="):
        np.max(Value(X), where=MASK)
    with pytest.raises(IndexingError, match="axis 5 is out of bounds"):
        np.sum(Value(X), axis=5)


@pytest.mark.parametrize("name", ["max", "nanmax", "min", "nanmin"])
def test_tied_extrema_share_equally_along_every_axis(name):
    x = Value([[1.0, 1.0, 0.0], [1.0, 0.0, 0.0]] if name.endswith("max") else [[-1.0, -1.0, 0.0], [-1.0, 0.0, 0.0]])
    getattr(np, name)(x, axis=1).sum().backward()
    np.testing.assert_array_equal(x.grad, [[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]])
    x.grad = None
    getattr(np, name)(x).backward()
    np.testing.assert_array_equal(x.grad * 3, [[1, 1, 0], [1, 0, 0]])


def test_nothing_but_nan_gives_nan_and_no_gradient():
    x = Value([[np.nan, np.nan], [1.0, np.nan]])
    for name in ("nanmax", "nanmin"):
        x.grad = None
        result = getattr(np, name)(x, axis=1)
        np.testing.assert_array_equal(result.numpy(), [np.nan, 1.0])
        result.sum().backward()
        np.testing.assert_array_equal(x.grad, [[0.0, 0.0], [1.0, 0.0]])


# --- products with zeros, scans ----------------------------------------------------------------------------------------------

ZEROS = [[2.0, 0.0, 3.0], [0.0, 2.0, 0.0], [0.0, 0.0, 0.0], [5.0], [0.0], [1.0, 2.0, 0.0, 3.0, 0.0, 4.0, 5.0]]


@pytest.mark.parametrize("data", ZEROS, ids=str)
@pytest.mark.parametrize("name", ["prod", "cumprod"])
def test_products_with_zeros_are_differentiated_to_third_order(name, data):
    check_grads(getattr(np, name), (np.array(data),), order=3)
    check_grads(lambda x: getattr(np, name)(x, axis=0), (np.stack([data, np.ones(len(data))], axis=1),))


@pytest.mark.parametrize("data", ZEROS, ids=str)
def test_products_with_zeros_are_those_of_pytorch(data):
    torch = pytest.importorskip("torch")
    for ours, theirs in ((np.prod, torch.prod), (np.cumprod, lambda t: torch.cumprod(t, 0))):
        x, tensor = Value(data), torch.tensor(data, dtype=torch.float64, requires_grad=True)
        ours(x).sum().backward()
        theirs(tensor).sum().backward()
        np.testing.assert_allclose(x.grad, tensor.grad.numpy(), rtol=1e-15)


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
@pytest.mark.parametrize("name", ["cumsum", "cumprod", "nancumsum", "nancumprod"])
def test_a_running_sum_or_product(name, axis):
    check(lambda x: getattr(np, name)(x, axis=axis), X)
    check(lambda x: getattr(np, name)(x, axis, np.float64), X)
    if name.startswith("nan"):
        check(lambda x: getattr(np, name)(np.where(HOLES, np.nan, x), axis=axis), X)


@pytest.mark.skipif(not hasattr(np, "cumulative_sum"), reason="came with NumPy 2.1")
@pytest.mark.parametrize("name", ["cumulative_sum", "cumulative_prod"])
def test_a_running_sum_or_product_may_begin_with_that_of_nothing(name):
    for axis in (0, 1, -1):
        check(lambda x: getattr(np, name)(x, axis=axis, include_initial=True), X)  # noqa: B023
    check(lambda x: getattr(np, name)(x), X[0, 0])
    with pytest.raises(ValueError, match="the axis must be given"):
        getattr(np, name)(Value(X))


@pytest.mark.parametrize("f", [np.prod, np.cumprod, np.cumsum, np.max], ids=lambda f: f.__name__)
def test_gradients_of_long_arrays_take_little_more_than_linear_time_and_memory(f):
    x = Value(np.full(200_000, 1.0))
    f(x).sum().backward()
    assert x.grad.shape == x.shape
    assert np.all(np.isfinite(x.grad))


# --- averages and quantiles --------------------------------------------------------------------------------------------------


def test_the_weighted_average():
    check(lambda x, w: np.average(x, weights=w), X, W)
    check(lambda x, w: np.average(x, axis=1, weights=w, keepdims=True), X, W[0, :, 0])
    check(lambda x, w: np.average(x, axis=1, weights=w, returned=True), X, W)
    np.testing.assert_array_equal(np.average(Value(X), axis=1, returned=True)[1], np.full((2, 4), 3.0))
    check(lambda x: np.average(x, axis=-1, weights=[1, 2, 3, 4]), X)
    check(lambda w: np.average([1.0, 2.0, 4.0], weights=w), W[0, :, 0])
    with pytest.raises(ValueError, match=r"weights of shape \(4,\) belong neither"):
        np.average(Value(X), axis=1, weights=np.ones(4))


METHODS = [
    "inverted_cdf", "averaged_inverted_cdf", "closest_observation", "interpolated_inverted_cdf", "hazen", "weibull", "linear",
    "median_unbiased", "normal_unbiased", "lower", "higher", "midpoint", "nearest",
]  # fmt: skip


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ["quantile", "nanquantile"])
def test_a_quantile_by_every_method(name, method):
    function = getattr(np, name)
    check(lambda x: function(x, 0.37, method=method), X)
    check(lambda x: function(x, 0.37, axis=1, method=method, keepdims=True), X)
    check(lambda x: function(x, [0.0, 0.37, 1.0], axis=(0, 2), method=method), X)


@pytest.mark.parametrize("name", ["percentile", "nanpercentile"])
def test_percentiles(name):
    check(lambda x: getattr(np, name)(x, 30), X)
    check(lambda x: getattr(np, name)(x, [[10, 20.5], [50, 99]], axis=0, keepdims=True), X)


def test_quantiles_that_leave_out_nan():
    for axis in (0, 1, None):
        check(lambda x: np.nanquantile(np.where(HOLES, np.nan, x), [0.2, 0.5], axis=axis), X)  # noqa: B023
        check(lambda x: np.nanpercentile(np.where(HOLES, np.nan, x), 60, axis=axis), X)  # noqa: B023


def test_weighted_quantiles():
    check(lambda x: np.quantile(x, 0.3, axis=1, weights=W, method="inverted_cdf"), X)
    check(lambda x: np.quantile(x, [0.3, 0.6], axis=1, weights=W[0, :, 0], method="inverted_cdf"), X)


def test_quantiles_of_data_with_nan_or_infinities():
    with_nan, infinite = Value([1.0, np.nan, 2.0]), Value([1.0, np.inf, np.inf, -np.inf])
    assert np.isnan(np.median(with_nan).item())
    assert np.nanmedian(with_nan).item() == 1.5
    assert np.quantile(infinite, 1).item() == np.inf
    with np.errstate(invalid="ignore"):
        assert np.isnan(np.quantile(infinite, 1 / 3).item())  # NumPy multiplies by zero the way from 1 to infinity
    assert np.median(Value([0.0, np.inf, np.inf, np.inf])).item() == np.inf


def test_the_median_moves_with_the_element_or_the_two_in_the_middle():
    for data, expected in [([3.0, 1.0, 2.0], [0, 0, 1]), ([4.0, 1.0, 2.0, 3.0], [0, 0, 0.5, 0.5])]:
        np.testing.assert_array_equal(tg.grad(np.median)(np.array(data)), expected)


def test_a_quantile_is_not_differentiated_with_respect_to_its_level():
    with pytest.raises(DetachError):
        np.quantile(X, Value(0.5))
    with pytest.raises(ValueError, match="range"):
        np.quantile(Value(X), 2.0)


def test_covariance_and_correlation():
    x, y, w = X[0], X[1], W[0, 0]
    check(lambda x: np.cov(x), x)
    check(lambda x, y: np.cov(x, y, rowvar=False, bias=True), x, y)
    check(lambda x, y: np.cov(x, y), x[0], y[0])
    check(lambda x, w: np.cov(x, ddof=0, fweights=[1, 2, 3, 1], aweights=w), x, w)
    check(lambda x: np.corrcoef(x), x)
    check(lambda x, y: np.corrcoef(x, y), x[0], y[0])
    assert np.corrcoef(Value(x[0])).item() == 1.0


# --- differences -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_differences_between_neighbours(n):
    check(lambda x: np.diff(x, n), X)
    check(lambda x, before: np.diff(x, n=n, axis=1, prepend=before, append=0.5), X, W[:, :2])


def test_differences_along_one_axis():
    check(lambda x: np.ediff1d(x), X)
    check(lambda x, end: np.ediff1d(x, to_begin=1.0, to_end=end), X, W[0, 0])


def test_the_area_by_trapezoids():
    check(lambda y: np.trapezoid(y, dx=0.3), X)
    check(lambda y, x: np.trapezoid(y, x), X, POSITIONS)
    check(lambda y, x: np.trapezoid(y, x, axis=1), X, np.cumsum(W, axis=1))


@pytest.mark.parametrize("edge_order", [1, 2])
def test_the_slope_of_sampled_curves(edge_order):
    f = RNG.normal(size=(3, 4, 5))
    check(lambda f: np.gradient(f, edge_order=edge_order), f)
    check(lambda f: np.gradient(f, 0.3, axis=-1, edge_order=edge_order), f)
    check(lambda f: np.gradient(f, 2.0, POSITIONS, axis=(2, 1), edge_order=edge_order), f)
    check(lambda f, x: np.gradient(f, x, axis=1, edge_order=edge_order), f, POSITIONS)
    check(lambda f: np.gradient(f, edge_order=edge_order), f[0, 0, : edge_order + 1])
    with pytest.raises(ValueError, match=f"needs more than {edge_order} elements"):
        np.gradient(Value(f[0, 0, :edge_order]), edge_order=edge_order)


def test_spacings_that_do_not_fit_are_refused():
    with pytest.raises(TypeError, match="no spacing, one, or one for each of its 3 axes, but got 2"):
        np.gradient(Value(X), 1.0, 2.0)
    with pytest.raises(ValueError, match="3 sample points for 4 elements"):
        np.gradient(Value(X), np.arange(3.0), axis=2)
    with pytest.raises(ValueError, match="a spacing other than 0"), np.errstate(divide="ignore", invalid="ignore"):
        np.gradient(Value(X), 0, axis=2, edge_order=2)


@pytest.mark.parametrize("spacing", [0, 0.0, -0.0, False])
def test_without_spacing_slopes_are_infinite(spacing):
    with np.errstate(divide="ignore", invalid="ignore"):
        np.testing.assert_array_equal(np.gradient(Value(X[0, 0]), spacing).numpy(), np.gradient(X[0, 0], spacing))


# --- methods of ufuncs -------------------------------------------------------------------------------------------------------

UFUNCS = [f for f in TABLE.functions if isinstance(f, np.ufunc) and f.signature is None and "dd->d" in f.types]


def _reduces_several_axes(ufunc):
    try:
        return ufunc.reduce(W, axis=(0, 2)).shape == (3,)
    except ValueError:  # the order of the axes would make a difference
        return False


NAMED = pytest.mark.parametrize("ufunc", UFUNCS, ids=lambda f: f.__name__)


@NAMED
def test_reduce(ufunc):
    check(lambda x: ufunc.reduce(x), W)
    check(lambda x: ufunc.reduce(x, 1, keepdims=True), W)
    check(lambda x: ufunc.reduce(x, axis=1, dtype=np.float64), W)


@NAMED
def test_reduce_applies_the_function_from_left_to_right(ufunc):
    # NumPy itself is no oracle: its np.power.reduce([2.0, 3.0, 2.0]) is 4.0 in version 2.4 on some processors.
    result = ufunc.reduce(Value(W[0, 0]))
    np.testing.assert_allclose(result.numpy(), reduce(ufunc, W[0, 0]), rtol=1e-14)


@pytest.mark.parametrize("ufunc", [f for f in UFUNCS if _reduces_several_axes(f)], ids=lambda f: f.__name__)
def test_reduce_over_several_axes_or_over_nothing(ufunc):
    check(lambda x: ufunc.reduce(x, axis=(0, 2)), W)
    check(lambda x: ufunc.reduce(x, axis=None, keepdims=True), W)
    check(lambda x: ufunc.reduce(x, axis=1), W[:0], values_only=True)
    if ufunc.identity is not None or ufunc in (np.logaddexp, np.logaddexp2):
        check(lambda x: ufunc.reduce(x), W[:0], values_only=True)


@NAMED
def test_accumulate(ufunc):
    for axis in (0, 1, -1):
        check(lambda x: ufunc.accumulate(x, axis), W[..., :3])  # noqa: B023


@NAMED
def test_outer(ufunc):
    check(lambda a, b: ufunc.outer(a, b), W[0, :, 0], W[1, 1:, :2])
    check(lambda a: ufunc.outer(a, 2.0), W[0, 0])
    check(lambda b: ufunc.outer([1.5, 2.5], b), np.array(0.7))


def test_every_elementwise_operation_of_two_arguments_has_the_methods():
    assert {np.add, np.hypot, np.float_power, np.fmod, np.mod, np.floor_divide} <= {*UFUNCS}
    for ufunc in UFUNCS:
        for method in (ufunc.reduce, ufunc.accumulate, ufunc.outer):
            arguments = (Value(W), Value(W)) if method.__name__ == "outer" else (Value(W),)
            assert isinstance(method(*arguments), Value)


def test_the_method_that_writes_in_place_is_refused_by_name():
    with pytest.raises(UnsupportedError, match=r"np\.add\.at has no derivative"):
        np.add.at(Value(X), [0], 1.0)


def test_the_running_maximum_of_a_long_series_is_fast():
    x = Value(np.arange(20_000.0))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.maximum.accumulate(x).sum().backward()
    np.testing.assert_array_equal(x.grad, np.ones(20_000))
