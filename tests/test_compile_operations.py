"""Every operation of the table, compiled: what it computes, its gradient and its second derivative are those of the eager run."""

import warnings
from itertools import islice

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.profile import EXHAUSTIVE
from tinygrad_edu.primitives.table import TABLE
from tinygrad_edu.testing.operations import in_real_numbers, samples
from tinygrad_edu.transforms.trees import tree_leaves

ENTRIES = pytest.mark.parametrize("entry", [pytest.param(entry, id=entry.name) for entry in TABLE])
DIFFERENTIABLE = pytest.mark.parametrize(
    "entry", [pytest.param(entry, id=entry.name) for entry in TABLE if entry.is_differentiable]
)
TARGETS = pytest.mark.parametrize("target", ["numpy", "jax"])


def tried(entry, target):
    """The samples of an entry. JAX, which takes its time to compile, gets one, or all with EXHAUSTIVE=1."""
    found = samples(entry)
    return found if target == "numpy" or EXHAUSTIVE else islice(found, 1)


def assert_same(compiled, eager):
    compiled, eager = list(tree_leaves(compiled)), list(tree_leaves(eager))
    assert len(compiled) == len(eager)
    for a, b in zip(compiled, eager, strict=True):
        a, b = np.asarray(a), np.asarray(b)
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)


def called(entry, sample):
    def function(*inputs):
        return entry(*inputs, **sample.params)

    return function


def weighted_sum(entry, sample):
    """A number that depends on every element of the result, as a function of the inputs that have a rule."""

    def total(*differentiated):
        remaining = iter(differentiated)
        inputs = [next(remaining) if has_rule else x for x, has_rule in zip(sample.inputs, sample.has_rule, strict=True)]
        result = in_real_numbers(entry(*inputs, **sample.params))
        return np.sum(result * np.reshape(np.linspace(1.0, 2.0, result.size), result.shape))

    return total, [x for x, has_rule in zip(sample.inputs, sample.has_rule, strict=True) if has_rule]


def directional_second_derivative(f):
    def curvature(*inputs):
        return tg.hvp(f, inputs, tuple(np.ones_like(x) for x in inputs))

    return curvature


@pytest.mark.parametrize(
    ("entry", "target"),
    [pytest.param(entry, "numpy", id=f"{entry.name}-numpy") for entry in TABLE]
    + [pytest.param(entry, "jax", id=f"{entry.name}-jax") for entry in TABLE if not entry.is_differentiable],  # the others: below
)
def test_a_compiled_operation_gives_what_it_gives_eagerly(entry, target):
    for sample in tried(entry, target):
        compiled = tg.compile(called(entry, sample), target)
        assert_same(compiled(*sample.inputs), entry.forward(*sample.inputs, **sample.params))


@TARGETS
@DIFFERENTIABLE
def test_the_compiled_gradient_of_an_operation_is_the_eager_one(entry, target):
    for sample in tried(entry, target):
        total, inputs = weighted_sum(entry, sample)
        gradient = tg.value_and_grad(total, tuple(range(len(inputs))))
        assert_same(tg.compile(gradient, target)(*inputs), gradient(*inputs))


@DIFFERENTIABLE
def test_the_compiled_second_derivative_of_an_operation_is_the_eager_one(entry):
    for sample in samples(entry):
        total, inputs = weighted_sum(entry, sample)
        curvature = directional_second_derivative(total)
        assert_same(tg.compile(curvature)(*inputs), curvature(*inputs))


@TARGETS
@DIFFERENTIABLE
def test_a_compiled_operation_keeps_single_precision(entry, target):
    for sample in tried(entry, target):
        if "dtype" in sample.params:
            continue  # an operation that is there to change the dtype
        total, inputs = weighted_sum(entry, sample)
        gradient = tg.grad(total, tuple(range(len(inputs))))
        single = [np.asarray(x, np.float32) for x in inputs]
        for a, b in zip(tg.compile(gradient, target)(*single), gradient(*single), strict=True):
            assert (np.shape(a), np.asarray(a).dtype) == (np.shape(b), np.float32)
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4 * np.max(np.abs(b), initial=0.0))


@ENTRIES
def test_the_source_of_a_compiled_operation_runs_with_numpy_alone(entry):
    for sample in samples(entry):
        compiled = tg.compile(called(entry, sample))
        expected = compiled(*sample.inputs)
        scope = {}
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            exec(compiled.source, scope)
        assert_same(scope["function"](*sample.inputs), expected)
