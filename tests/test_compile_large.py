"""Large constants and long sums in compiled functions: nobody writes them out whole, nor makes something yet larger."""

import tracemalloc

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.graph.source import is_written_briefly

RNG = np.random.default_rng(0)
FLOATS = RNG.normal(size=1_000_000)
POSITIONS = RNG.integers(0, 100, 100_000)
MASK = RNG.random(100_000) > 0.5
LONG, SHORT = np.arange(100_000.0), np.arange(100.0)

LARGE = {
    "a million numbers": (lambda x: x * FLOATS, 2.0),
    "a tall matrix": (lambda x: FLOATS.reshape(-1, 2)[:50_000] @ x, np.ones(2)),
    "integers far apart": (lambda x: x * np.array([0, 3, 10**11]), np.ones(3)),
    "the smallest and the largest integer": (lambda x: x * np.array([-(2**63), 0, 2**63 - 1]), np.ones(3)),
    "positions": (lambda x: np.sum(x[POSITIONS] ** 2), SHORT),
    "positions in a list": (lambda x: np.take(x, POSITIONS.tolist()), SHORT),
    "a mask": (lambda x: np.sum(x[MASK] ** 2), LONG),
    "pairs of positions": (lambda x: x[POSITIONS[:1000], POSITIONS[1000:2000]], np.outer(SHORT, SHORT)),
    "numbers of repetitions": (lambda x: np.repeat(x, POSITIONS[:100]), SHORT),
}


@pytest.fixture
def peak():
    """How many bytes were in use at most since the test began."""
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()


@pytest.mark.parametrize("target", ["numpy", "jax"])
@pytest.mark.parametrize(("function", "x"), LARGE.values(), ids=LARGE)
def test_a_large_constant_is_passed_to_the_program_and_not_written_into_it(function, x, target):
    if target == "jax":
        pytest.importorskip("jax")
    for f in (function, tg.grad(lambda x: np.sum(function(x) ** 2))):
        compiled = tg.compile(f, target=target)
        np.testing.assert_allclose(compiled(x), f(x), rtol=1e-12)
        assert max(len(compiled.source), len(compiled.optimized_source)) < 3_000


@pytest.mark.parametrize(("function", "x"), LARGE.values(), ids=LARGE)
def test_no_more_memory_is_taken_than_a_few_times_the_constants(function, x, peak):
    tg.compile(function)(x)
    assert peak() < 100e6


def test_what_is_written_briefly_is_found_without_making_it(peak):
    huge = 10**11
    assert not is_written_briefly(np.array([0, 3, huge]))
    assert not is_written_briefly(np.array([huge, huge + 1, huge + 3]))
    assert not is_written_briefly(np.zeros((50_000, 2)))
    assert not is_written_briefly(np.array([[1.0, 0.0], [0.0, 2.0]]))
    assert not is_written_briefly(np.array([[0.0, 1.0], [1.0, 0.0]]))
    assert not is_written_briefly(np.array([2**63 - 1, -(2**63), -(2**63) + 1]))
    assert is_written_briefly(np.arange(huge, huge + 3))
    assert is_written_briefly(np.eye(3, dtype=np.int8))
    assert is_written_briefly(np.zeros((0, 7)))
    assert peak() < 10e6


def test_the_same_positions_are_passed_once():
    compiled = tg.compile(lambda x: x[POSITIONS] * x[POSITIONS.copy()] + np.sin(x)[POSITIONS])
    compiled(SHORT)
    assert "constant_2" not in compiled.source
    scope = {}
    exec(compiled.source, scope)
    np.testing.assert_allclose(scope["function"](SHORT, POSITIONS), SHORT[POSITIONS] ** 2 + np.sin(SHORT)[POSITIONS])


@pytest.mark.parametrize("target", ["numpy", "jax"])
def test_a_result_that_is_also_part_of_a_sum_stays_whole(target):
    if target == "jax":
        pytest.importorskip("jax")

    def padded(x, y):
        p, q = np.pad(x, (0, 1)), np.pad(y, (1, 0))
        return p, p + q

    p, total = tg.compile(padded, target=target)(np.array([1.0, 2.0]), np.array([30.0, 40.0]))
    np.testing.assert_array_equal(p, [1.0, 2.0, 0.0])
    np.testing.assert_array_equal(total, [1.0, 32.0, 40.0])


def test_the_rounds_of_a_loop_on_large_arrays_run_in_blocks_and_keep_only_what_the_way_back_needs():
    def loss(W, xs, h):
        total = 0.0
        for x in xs:
            h = np.tanh(W @ h + x)
            total = total + np.sum(h**2)
        return total

    W, xs, h = 0.3 * np.eye(4), RNG.normal(size=(30, 4, 20_000)), RNG.normal(size=(4, 20_000))
    gradient = tg.value_and_grad(loss, argnums=(0, 1, 2))
    compiled = tg.compile(gradient)
    (value, gradients), (expected, exact) = compiled(W, xs, h), gradient(W, xs, h)
    assert "slice(start, start + " in compiled.optimized_source
    assert value == pytest.approx(expected, rel=1e-12)
    for ours, theirs in zip(gradients, exact, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-11)
    tracemalloc.start()
    try:
        compiled(W, xs, h)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # Of each round the state and its square, besides the gradient for xs; all that is computed would be seven arrays a round.
    assert most < 4 * xs.nbytes
