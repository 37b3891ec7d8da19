"""Gradients that come together at one Value: added in place where nobody else has the array, and right wherever somebody has."""

from sys import getrefcount

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.engine import backpropagation
from tinygrad_edu.engine.ownership import Loan, is_unshared, own
from tinygrad_edu.engine.value import Value
from tinygrad_edu.primitives import indexing
from tinygrad_edu.primitives.table import TABLE
from tinygrad_edu.testing import samples


def test_python_counts_who_refers_to_an_array_as_ownership_thinks_it_does():
    arrays = {0: np.zeros(3)}
    count = getrefcount(arrays[0])  # by itself: an assertion holds on to what it shows
    assert count == 2
    assert is_unshared(arrays, 0)
    for see in (lambda x: x, lambda x: x[1:], memoryview, lambda x: [x]):
        other = see(arrays[0])
        assert not is_unshared(arrays, 0), other
        del other
    assert is_unshared(arrays, 0)


@pytest.mark.parametrize("shared", [np.broadcast_to(1.0, (3,)), np.zeros(4)[1:], np.frombuffer(bytearray(24))])
def test_what_is_part_of_something_else_is_copied_before_it_is_written_to(shared):
    arrays = {0: shared}
    del shared
    assert own(arrays, 0).flags.owndata
    assert own(arrays, 0) is arrays[0]


def test_an_array_that_cannot_be_written_to_is_copied():
    arrays = {0: np.zeros(3)}
    arrays[0].flags.writeable = False
    own(arrays, 0)[0] = 1.0


# --- reading parts -----------------------------------------------------------------------------------------------------------


def elements_written(monkeypatch, f, x):
    """How many elements the backward pass of a function makes or adds to, for what was read by an index."""
    written = []
    scattered, added = indexing.scatter.forward, indexing.index.adds

    def scattering(g, index, shape):
        written.append(np.prod(shape))
        return scattered(g, index, shape)

    def adding(total, g, x, index):
        written.append(np.size(g))
        added(total, g, x, index)

    value = Value(x)
    result = f(value)
    with monkeypatch.context() as patch:
        patch.setattr(indexing.scatter, "forward", scattering)
        patch.setattr(indexing.index, "adds", adding)
        result.backward()
    return sum(written), value.grad


def squares_of_parts(x):
    total = 0.0
    for i in range(len(x)):
        total = total + np.sum(x[i] ** 2)
    return total


@pytest.mark.parametrize("shape", [(40,), (40, 30)])
def test_what_is_read_a_part_at_a_time_is_written_to_as_often_as_it_has_elements(monkeypatch, shape):
    x = np.random.default_rng(0).normal(size=shape)
    written, gradient = elements_written(monkeypatch, squares_of_parts, x)
    np.testing.assert_array_equal(gradient, 2 * x)
    assert written <= 2 * x.size  # once all of it, and then each part but the first


INDICES = [
    1, -1, slice(1, None), slice(None, None, -2), ..., None, (..., 2), (slice(None), 1), (1, 2), np.array([0, 0, 2]), [1, 1],
    (np.array([[0], [2]]), np.array([1, 1])), np.array([True, False, True]), (np.array([True, False, True]), 0), np.array([], int),
]  # fmt: skip


@pytest.mark.parametrize("first", INDICES, ids=str)
@pytest.mark.parametrize("second", INDICES, ids=str)
def test_parts_that_overlap_add_up(first, second):
    x = np.arange(12.0).reshape(3, 4)
    value = Value(x)
    np.add(np.sum(value[first] * 2.0), np.sum(3.0 * value[second])).backward()
    expected = np.zeros_like(x)
    np.add.at(expected, first, 2.0)
    np.add.at(expected, second, 3.0)
    np.testing.assert_array_equal(value.grad, expected)


@pytest.mark.parametrize("entry", [entry for entry in TABLE if entry.adds], ids=lambda entry: entry.name)
def test_what_is_added_in_place_is_what_the_rule_says(entry):
    for sample in samples(entry):
        out = entry.forward(*sample.inputs, **sample.params)
        g = np.random.default_rng(0).normal(size=np.shape(out))
        total = np.ones(np.shape(sample.inputs[0]))
        entry.adds(total, g, *sample.inputs, **sample.params)
        np.testing.assert_allclose(total, 1 + entry.rules(1)[0](g, out, *sample.inputs, **sample.params), rtol=1e-15)


def test_a_single_number_is_read_several_times():
    x = Value(3.0)
    np.sum(x[None] * 2 + x[...] * x[None]).backward()
    assert x.grad == 8.0


def test_parts_are_added_in_double_and_in_single_precision_and_in_complex_middles():
    x = Value([1.0, 2.0], dtype=np.float32)
    (x[0] * x[0] + x[1]).backward()
    assert x.grad.dtype == np.float32
    np.testing.assert_array_equal(x.grad, [2, 1])
    z = Value([1.0, 2.0])
    w = z * 1j
    np.real(w[0] * w[1] + w[0]).backward()
    np.testing.assert_array_equal(z.grad, [-2, -1])


def test_parts_have_right_higher_derivatives():
    np.testing.assert_array_equal(tg.hessian(lambda x: x[0] ** 2 * x[1] + x[1] * x[2])(np.array([1.0, 2.0, 3.0])), [
        [4, 2, 0], [2, 0, 1], [0, 1, 0],
    ])  # fmt: skip


# --- whole arrays ------------------------------------------------------------------------------------------------------------


def test_a_gradient_that_two_have_is_not_added_to_in_place():
    a, b = Value([1.0, 2.0]), Value([3.0, 4.0])
    inner = a + b  # hands one array to both
    np.sum(inner + a * 5.0 + a[:1] * 7.0).backward()
    np.testing.assert_array_equal(a.grad, [20, 6])
    np.testing.assert_array_equal(b.grad, [1, 1])


def test_a_gradient_that_a_rule_keeps_for_itself_is_not_added_to_in_place():
    kept = np.array([2.0, 2.0])
    doubled = tg.primitive(lambda x: 2 * x, lambda g, out, x: kept, name="doubled")
    x = Value([1.0, 2.0])
    np.sum(doubled(x) + x * 3.0 + x[:1] * 4.0).backward()
    np.testing.assert_array_equal(x.grad, [13, 5])
    x.grad[...] = 100.0
    np.testing.assert_array_equal(kept, [2, 2])
    y = Value([1.0, 2.0])
    np.sum(doubled(y)).backward()
    y.grad[...] = 100.0
    np.testing.assert_array_equal(kept, [2, 2])


def test_a_gradient_that_a_hook_has_seen_and_kept_is_not_added_to_in_place():
    seen = []
    x = Value([1.0, 2.0])
    inner = x * 1.0
    inner.register_hook(seen.append)
    x.register_hook(seen.append)
    np.sum(inner + x * x).backward()
    x.grad[...] = 100.0
    np.testing.assert_array_equal(seen, [[1, 1], [3, 5]])


def test_the_gradient_that_a_backward_pass_starts_from_is_not_added_to_in_place():
    start = np.array([1.0, 1.0])
    x = np.array([1.0, 2.0])
    _, pull_back = tg.vjp(lambda x: (x, x[:1] * 2), x)
    np.testing.assert_array_equal(pull_back((start, np.ones(1)))[0], [3, 1])
    np.testing.assert_array_equal(start, [1, 1])
    constant = Value(start, requires_grad=False)
    np.testing.assert_array_equal(pull_back((constant, np.ones(1)))[0], [3, 1])
    np.testing.assert_array_equal(constant.data, [1, 1])


def test_gradients_of_many_uses_are_added_up_in_one_array(monkeypatch):
    answers = []

    def noted(arrays, key):
        answers.append(is_unshared(arrays, key))
        return answers[-1]

    monkeypatch.setattr(backpropagation, "is_unshared", noted)
    x = Value([1.0, 2.0])
    sum((x * float(i) for i in range(10)), start=0.0).backward(np.ones(2))
    np.testing.assert_array_equal(x.grad, [45, 45])
    assert answers == 9 * [True]


def test_a_gradient_that_a_transform_returns_is_the_callers_own():
    kept = np.array([2.0, 2.0])
    doubled = tg.primitive(lambda x: 2 * x, lambda g, out, x: kept, name="doubled")
    x, y = np.ones(2), np.ones(2)
    for f in (lambda x, y: x.sum() + y.sum(), lambda x, y: (x + y).sum(), lambda x, y: doubled(x).sum(), lambda x, y: y[0]):
        found = [*tg.grad(f, argnums=(0, 1))(x, y), *tg.vjp(f, x, y)[1](1.0)]
        for number, gradient in enumerate(found):
            assert gradient.flags.owndata
            assert gradient.flags.writeable
            assert not any(np.shares_memory(gradient, other) for other in (*found[:number], kept, x, y))


def test_a_gradient_is_returned_as_the_rule_made_it():
    addresses = []

    def noted(g, out, x):
        gradient = g * 2
        addresses.append(gradient.ctypes.data)
        return gradient

    doubled = tg.primitive(lambda x: 2 * x, noted, name="doubled")
    gradient = tg.grad(lambda x: doubled(x).sum())(np.ones(2))
    assert gradient.ctypes.data == addresses[0]
    x = Value(np.ones(2))
    doubled(x).sum().backward()
    assert x.grad.ctypes.data == addresses[1]


# --- what the user has read --------------------------------------------------------------------------------------------------


@pytest.fixture
def compared(monkeypatch):
    """Which arrays loans compare."""
    compared = []
    identical = Loan.snapshot.__globals__["_identical"]

    def noted(a, b):
        compared.append(id(a))
        return identical(a, b)

    monkeypatch.setitem(Loan.snapshot.__globals__, "_identical", noted)
    return compared


def test_numbers_that_were_read_in_passing_are_compared_once(compared):
    w = Value([1.0, 2.0])
    w.data.sum()
    for _ in range(5):
        np.sum(w * 2).backward()
    assert len(compared) == 1
    w.data[0] = 5.0
    for _ in range(5):
        np.sum(w * w).backward()
    assert len(compared) == 2
    np.testing.assert_array_equal(w.grad, [60, 30])


def test_numbers_that_the_user_has_in_hand_are_compared_at_every_use(compared):
    w = Value([1.0, 2.0])
    for see in (lambda x: x, lambda x: x[1:], memoryview, lambda x: [x]):
        alias = see(w.data)
        del compared[:]
        for _ in range(5):
            w * 2
        assert len(compared) == 5, alias


def test_numbers_that_were_never_read_are_never_compared(compared):
    w = Value([1.0, 2.0])
    np.sum(w * w).backward()
    assert not compared


def test_a_change_by_a_hand_that_lets_go_afterwards_is_noticed():
    w = Value([1.0, 2.0])
    alias = w.data
    loss = np.sum(w * w)
    alias[0] = 5.0
    del alias
    with pytest.raises(tg.errors.InPlaceError):
        loss.backward()
    later = np.sum(w * w)
    later.backward()
    np.testing.assert_array_equal(w.grad, [10, 4])
    with pytest.raises(tg.errors.InPlaceError):
        loss.backward()


def test_a_sign_of_zero_that_was_changed_in_place_is_noticed():
    w = Value([0.0, 1.0])
    with np.errstate(divide="ignore"):
        loss = np.sum(1 / w)
        w.data[0] = -0.0
        with pytest.raises(tg.errors.InPlaceError):
            loss.backward()


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_a_change_is_noticed_in_every_precision_and_order_and_a_nan_is_none(dtype):
    w = Value(np.asfortranarray([[np.nan, 2.0], [3.0, 4.0]]), dtype=dtype)
    loss = np.sum(w[1] * w[1])
    _ = w.data
    loss.backward()
    np.testing.assert_array_equal(w.grad, [[0, 0], [6, 8]])
    assert w.data.flags.f_contiguous
    w.data[1, 0] = 5
    with pytest.raises(tg.errors.InPlaceError):
        loss.backward()
