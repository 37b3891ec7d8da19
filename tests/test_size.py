"""Graphs of a million nodes: no recursion anywhere, and time in proportion to the number of nodes."""

import gc
import time

import numpy as np
import pytest

from tinygrad_edu.engine.value import Value


@pytest.fixture
def timed():
    """A stopwatch that the garbage collector does not disturb."""
    gc.disable()
    yield time.process_time
    gc.enable()


def _chain(length):
    x = Value(1.0)
    y = x
    for _ in range(length):
        y = y + 1.0
    return x, y


def test_a_chain_of_a_million_nodes_is_built_differentiated_and_deleted():
    x, y = _chain(1_000_000)
    y.backward()
    assert y.item() == 1_000_001
    assert x.grad == 1.0
    del y  # with a destructor that recurses this would overflow the stack


def test_a_chain_of_a_million_products_is_differentiated():
    x = y = Value(1.0 + 1e-6)
    for _ in range(999_999):
        y = y * x
    y.backward()
    np.testing.assert_allclose(y.item(), (1.0 + 1e-6) ** 1_000_000, rtol=1e-9)
    np.testing.assert_allclose(x.grad, 1_000_000 * (1.0 + 1e-6) ** 999_999, rtol=1e-9)


def test_a_chain_of_arrays_a_hundred_thousand_long_is_differentiated_and_deleted():
    x = y = Value(np.ones(3))
    for _ in range(100_000):
        y = -y
    y.sum().backward()
    np.testing.assert_array_equal(x.grad, [1, 1, 1])
    del y


def test_a_leaf_used_half_a_million_times_is_differentiated():
    x = Value(2.0)
    total = x * 0.0
    for _ in range(250_000):
        total = total + x * x
    total.backward()
    assert x.grad == 1_000_000.0


def test_a_hundred_thousand_values_joined_into_one_array_are_differentiated():
    leaves = [Value(float(i)) for i in range(100_000)]
    (np.stack(leaves) ** 2).sum().backward()
    assert all(leaf.grad == 2.0 * i for i, leaf in enumerate(leaves))


def test_a_hundred_thousand_leaves_under_one_sum_are_differentiated():
    leaves = [Value(1.0) for _ in range(100_000)]
    sum(leaf * 2.0 for leaf in leaves).backward()
    assert all(leaf.grad == 2.0 for leaf in leaves)


def test_a_graph_with_two_to_the_thousand_paths_is_walked_once():
    x = y = Value(1.0)
    for _ in range(1000):
        y = (y + y) * 0.5
    y.backward()
    assert x.grad == 1.0


@pytest.mark.parametrize("part", ["forward", "backward", "deletion"])
def test_time_grows_in_proportion_to_the_number_of_nodes(part, timed):
    def seconds(length):
        start = timed()
        _, y = _chain(length)
        built = timed()
        y.backward()
        done = timed()
        del y
        deleted = timed()
        return {"forward": built - start, "backward": done - built, "deletion": deleted - done}[part]

    short = min(seconds(20_000) for _ in range(3))
    long = min(seconds(200_000) for _ in range(3))
    # Ten times as long takes ten times the time. The margin is for caches; quadratic growth would give a hundred.
    assert long < 30 * short


def test_an_error_deep_in_a_graph_is_raised_without_recursion():
    w = Value([1.0])
    y = w
    _ = w.data
    for _ in range(100_000):
        y = y * 1.0
    w.data[0] = 2.0
    with pytest.raises(RuntimeError, match="changed in place"):
        y.backward()
