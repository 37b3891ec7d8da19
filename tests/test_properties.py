"""What holds for every operation on any inputs, with inputs that hypothesis looks for."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinygrad_edu.engine.value import Value
from tinygrad_edu.primitives.table import TABLE
from tinygrad_edu.testing import in_real_numbers
from tinygrad_edu.testing.strategies import inputs_of, operations

PROPERTY = settings(max_examples=300, deadline=None)


def _recorded(entry, sample):
    values = [Value(x) if rule else x for x, rule in zip(sample.inputs, sample.has_rule, strict=True)]
    return in_real_numbers(entry(*values, **sample.params)), [value for value in values if isinstance(value, Value)]


def _gradients(result, leaves, cotangent):
    for leaf in leaves:
        leaf.grad = None
    result.backward(cotangent)
    return [leaf.grad for leaf in leaves]


@PROPERTY
@given(st.data())
def test_a_gradient_has_the_shape_and_dtype_of_its_value_and_is_the_users_own(data):
    entry = data.draw(operations())
    result, leaves = _recorded(entry, data.draw(inputs_of(entry)))
    for leaf, gradient in zip(leaves, _gradients(result, leaves, np.ones(result.shape)), strict=True):
        assert gradient.shape == leaf.shape
        assert gradient.dtype == leaf.dtype
        assert gradient.ndim == 0 or gradient.flags.writeable


@PROPERTY
@given(st.data())
def test_a_gradient_is_linear_in_the_cotangent(data):
    entry = data.draw(operations())
    result, leaves = _recorded(entry, data.draw(inputs_of(entry)))
    rng = np.random.default_rng(0)
    u, v = rng.normal(size=(2, *result.shape))
    of_sum = _gradients(result, leaves, 3.0 * u + v)
    for together, of_u, of_v in zip(of_sum, _gradients(result, leaves, u), _gradients(result, leaves, v), strict=True):
        np.testing.assert_allclose(together, 3.0 * of_u + of_v, rtol=1e-9, atol=1e-12)


@PROPERTY
@given(st.data())
def test_a_computation_is_repeated_to_the_last_bit(data):
    entry = data.draw(operations())
    sample = data.draw(inputs_of(entry))
    results = []
    for _ in range(2):
        result, leaves = _recorded(entry, sample)
        results.append([result.numpy(), *_gradients(result, leaves, np.ones(result.shape))])
    for first, second in zip(*results, strict=True):
        np.testing.assert_array_equal(first, second)


@PROPERTY
@given(st.data())
def test_the_gradient_of_a_broadcast_input_is_the_sum_over_its_repetitions(data):
    entry = data.draw(operations().filter(lambda entry: not entry.cases))
    sample = data.draw(inputs_of(entry))
    result, leaves = _recorded(entry, sample)
    repeated = [np.broadcast_to(x, result.shape) for x in sample.inputs]
    spelt_out = [Value(x) if rule else x for x, rule in zip(repeated, sample.has_rule, strict=True)]
    expected = entry(*spelt_out, **sample.params)
    # NumPy's loops for repeated and for contiguous memory may differ in the last digits.
    np.testing.assert_allclose(result.numpy(), expected.numpy(), rtol=1e-14, atol=1e-300)
    u = np.linspace(1.0, 2.0, result.size).reshape(result.shape)
    full = _gradients(expected, [x for x in spelt_out if isinstance(x, Value)], u)
    for gradient, leaf, repetitions in zip(_gradients(result, leaves, u), leaves, full, strict=True):
        extra = repetitions.ndim - leaf.ndim
        axes = tuple(i for i in range(repetitions.ndim) if i < extra or leaf.shape[i - extra] != repetitions.shape[i])
        np.testing.assert_allclose(gradient, repetitions.sum(axis=axes).reshape(leaf.shape), rtol=1e-12, atol=1e-12)


# --- every pair of shapes ----------------------------------------------------------------------------------------------------

SHAPES = [(), (1,), (3,), (1, 1), (2, 1), (1, 3), (2, 3), (4, 1, 1), (4, 2, 3), (0,), (0, 3), (2, 0), (0, 1)]


def _broadcast(*shapes):
    """The shape that they broadcast to, or None."""
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        return None


BINARY = [entry for entry in TABLE if not entry.cases and entry.arity == 2 and None not in entry.rules(2)]


@pytest.mark.parametrize("entry", BINARY, ids=lambda entry: entry.name)
def test_every_pair_of_shapes_either_broadcasts_with_right_gradients_or_is_an_error(entry):
    rng = np.random.default_rng(0)
    for a, b in product(SHAPES, SHAPES):
        x, y = Value(rng.uniform(0.5, 2, a)), Value(rng.uniform(0.5, 2, b))
        shape = _broadcast(a, b)
        if shape is None:
            with pytest.raises(ValueError, match=f"'{entry.name}' failed"):
                entry(x, y)
            continue
        result = entry(x, y)
        assert result.shape == shape
        result.backward(np.ones(shape))
        for leaf in (x, y):
            assert leaf.grad.shape == leaf.shape
        for got, rule, leaf in zip((x.grad, y.grad), entry.vjps, (x, y), strict=True):
            full = rule(np.ones(shape), result.numpy(), x.numpy(), y.numpy()) * np.ones(shape)
            padded = (1,) * (len(shape) - leaf.ndim) + leaf.shape
            axes = tuple(axis for axis, (own, length) in enumerate(zip(padded, shape, strict=True)) if own != length)
            np.testing.assert_allclose(got, full.sum(axis=axes).reshape(leaf.shape), rtol=1e-13)


def test_every_shape_of_a_condition_broadcasts_against_every_pair_of_choices():
    for condition, a, b in product(SHAPES[:7], repeat=3):
        shape = _broadcast(condition, a, b)
        if shape is None:
            continue
        mask = np.arange(np.prod(condition)).reshape(condition) % 2 == 0
        x, y = Value(np.ones(a)), Value(np.ones(b))
        result = np.where(mask, x, y)
        assert result.shape == shape
        result.backward(np.ones(shape))
        assert x.grad.sum() + y.grad.sum() == np.prod(shape)
        assert (x.grad.shape, y.grad.shape) == (a, b)
