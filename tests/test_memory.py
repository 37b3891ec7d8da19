"""Memory comes back at once, with the garbage collector switched off: nothing refers to itself in a circle."""

import gc
import tracemalloc
import weakref

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import InPlaceError, ShapeError
from tinygrad_edu.primitives.table import TABLE
from tinygrad_edu.testing import in_real_numbers, samples


@pytest.fixture(autouse=True, scope="module")
def no_garbage_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def test_a_graph_goes_with_its_loss():
    w = Value(np.ones(3))
    inner = w * 2
    loss = np.sum(np.exp(inner))
    witness = weakref.ref(inner)
    del inner
    loss.backward()
    assert witness() is not None
    del loss
    assert witness() is None


def test_a_graph_goes_with_its_loss_when_it_was_never_differentiated():
    w = Value(np.ones(3))
    loss = (w * 2).sum()
    witness = weakref.ref(loss)
    del loss
    assert witness() is None


def test_leaves_go_when_nothing_refers_to_them():
    w = Value(np.ones(3))
    witness = weakref.ref(w)
    (w * w).sum().backward()
    del w
    assert witness() is None


def test_reading_and_rebinding_data_makes_no_cycle():
    w = Value(np.ones(3))
    w.data[0] = 2.0
    loss = (w * w).sum()
    w.data = np.zeros(3)
    loss.backward()
    witnesses = [weakref.ref(w), weakref.ref(loss)]
    del w, loss
    assert [witness() for witness in witnesses] == [None, None]


@pytest.mark.parametrize("entry", [e for e in TABLE if e.is_differentiable], ids=lambda entry: entry.name)
def test_no_operation_makes_a_cycle_forward_backward_or_to_second_order(entry):
    for sample in samples(entry):
        values = [Value(x) if rule else x for x, rule in zip(sample.inputs, sample.has_rule, strict=True)]
        result = in_real_numbers(entry(*values, **sample.params))
        result.sum().backward()
        witnesses = [weakref.ref(value) for value in [result, *values] if isinstance(value, Value)]
        del values, result
        assert all(witness() is None for witness in witnesses)


def test_a_gradient_of_a_gradient_leaves_nothing_behind():
    witnesses = []

    def f(x):
        witnesses.append(weakref.ref(x))
        y = np.exp(x) * x
        witnesses.append(weakref.ref(y))
        return y

    tg.grad(tg.grad(f))(1.0)
    assert [witness() for witness in witnesses] == [None] * len(witnesses)


def test_a_thousand_training_steps_need_no_more_memory_than_ten():
    w = Value(np.zeros(1000))

    def train(steps):
        for _ in range(steps):
            w.grad = None
            ((w - 1.0) ** 2).sum().backward()
            w.data -= 0.1 * w.grad

    train(10)
    tracemalloc.start()
    train(10)
    few = tracemalloc.get_traced_memory()[0]
    train(1000)
    many = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert many - few < 8_000  # less than one array


def test_a_backward_pass_keeps_no_gradient_of_what_was_computed_on_the_way():
    w = Value(np.ones(1000))
    losses = [(w * i).sum() for i in range(20)]
    tracemalloc.start()
    for loss in losses:
        loss.backward()
    kept = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert kept < 2 * 8_000  # w.grad, and no second array


def test_an_in_place_error_leaves_nothing_behind():
    w = Value(np.ones(3))
    w.data[0] = 2.0
    loss = (w * w).sum()
    w.data[0] = 3.0
    with pytest.raises(InPlaceError):
        loss.backward()
    witness = weakref.ref(loss)
    del loss
    assert witness() is None


def test_a_shape_error_leaves_nothing_behind():
    w = Value(np.ones(3))
    witness = weakref.ref(w)
    try:
        w + np.ones(2)
    except ShapeError as error:
        error.__traceback__ = None  # an exception holds on to the frames that it came through
        error.__cause__ = None
    del w
    assert witness() is None


def test_an_operator_is_one_object_to_the_garbage_collector():
    w, x = Value(2.0), Value(3.0)
    gc.collect()
    before = len(gc.get_objects())
    results = [w * x for _ in range(1000)]
    assert len(gc.get_objects()) - before <= 1000 + 10
    assert results[0].parents == (w, x)
    assert results[0].inputs == (2.0, 3.0)
