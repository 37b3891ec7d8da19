"""NumPy's functions, called in all the ways in which they are differentiated, compiled: value and gradient are the eager ones."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tests import test_numpy_products as products
from tests import test_numpy_selection as selection
from tests import test_numpy_shaping as shaping
from tests.profile import sampled
from tinygrad_edu.errors import TracingError, UnsupportedError
from tinygrad_edu.transforms.trees import tree_leaves

# What these do depends on the numbers: where zeros are cut off, and whether numbers are negative.
DECIDING = ("np.trim_zeros",)
# Options that jax.numpy lacks.
NOT_FOR_JAX = ("np.partition(x, [0, 4], None)",)
CALLS = [(family.function, parameters) for family in (products, selection, shaping) for parameters in family.calls(family.TABLE)]
TRIED = [
    pytest.param(function, *parameters.values, target, id=f"{parameters.id}-{target}")
    for target, calls in (("numpy", CALLS), ("jax", sampled(CALLS, 100)))  # JAX takes its time to compile
    for function, parameters in calls
]
TARGETS = pytest.mark.parametrize("target", ["numpy", "jax"])


def weighted(function):
    """The sum of the sines of what a function returns, each with a weight of its own."""

    def total(*arguments):
        results = [np.real(result) for result in tree_leaves(function(*arguments))]
        return sum(np.sum(np.sin(x) * np.reshape(np.arange(1.0, x.size + 1), x.shape)) for x in results)

    return total


@pytest.mark.parametrize(("function", "call", "shapes", "target"), TRIED)
def test_a_compiled_call_gives_the_value_and_the_gradient_of_the_eager_one(function, call, shapes, target):
    arguments = tuple(np.random.default_rng(0).uniform(-2, 2, shape) for shape in shapes)
    gradient = tg.value_and_grad(weighted(function(call)), tuple(range(len(shapes))))
    compiled = tg.compile(gradient, target)
    if call.startswith(DECIDING):
        with pytest.raises(TracingError):
            compiled(*arguments)
        return
    if target == "jax" and call.startswith(NOT_FOR_JAX):
        with pytest.raises(UnsupportedError, match=r"JAX cannot run total: .* jax\.numpy lacks"):
            compiled(*arguments)
        return
    for found, expected in zip(tree_leaves(compiled(*arguments)), tree_leaves(gradient(*arguments)), strict=True):
        assert (np.shape(found), np.asarray(found).dtype) == (np.shape(expected), np.float64)
        np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-12)


@TARGETS
@pytest.mark.parametrize("axis", [None, 0, 1])
@pytest.mark.parametrize("q", [0.3, [0.0, 0.25, 1.0]])
def test_quantiles_are_compiled_and_see_nan(q, axis, target):
    x = np.random.default_rng(0).normal(size=(4, 6))
    for function in (lambda x: np.quantile(x, q, axis=axis), lambda x: np.median(x, axis=axis, keepdims=True)):
        compiled = tg.compile(function, target)
        np.testing.assert_allclose(compiled(x), function(x), rtol=1e-14)
        with_nan = np.where(np.arange(6) == 2, np.nan, x)
        np.testing.assert_allclose(compiled(with_nan), function(with_nan), rtol=1e-14)


@pytest.mark.parametrize("function", [np.nanmedian, lambda x: np.quantile(x, 0.5, weights=np.arange(3.0), method="inverted_cdf")])
def test_the_gradient_of_quantiles_of_some_of_the_elements_is_compiled(function):
    x = np.array([1.0, 4.0, 2.0])
    assert tg.compile(function)(x) == function(x)
    np.testing.assert_array_equal(tg.compile(tg.grad(function))(x), [0.0, 0.0, 1.0])
