"""A large argument is copied to what the call before has left, if nobody has it any more; what somebody has stays as it is."""

import threading
import weakref

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.transforms.tracing import Copies

LARGE = 50_000


@pytest.fixture
def gradient():
    return tg.grad(lambda x: np.sum(x * x))


def test_a_large_argument_is_copied_to_what_the_call_before_has_left():
    copies = Copies()
    witness = weakref.ref(copies.of("x", np.zeros(LARGE)))
    again = copies.of("x", np.ones(LARGE))
    assert witness() is again
    np.testing.assert_array_equal(again, np.ones(LARGE))
    part = again[1:]
    del again
    assert copies.of("x", np.zeros(LARGE)) is not witness()
    np.testing.assert_array_equal(part, np.ones(LARGE - 1))


def test_a_small_argument_leaves_nothing():
    copies = Copies()
    witness = weakref.ref(copies.of("x", np.zeros(3)))
    assert witness() is None


@pytest.mark.parametrize(
    "other",
    [
        np.ones(LARGE + 1), np.ones((LARGE, 1)), np.ones(LARGE, np.float32), np.ones(2 * LARGE)[::2], np.ones(LARGE)[::-1],
        np.ones((10, LARGE)).T, np.broadcast_to(3.0, LARGE), np.ones(3), np.ones(LARGE, int),
    ],
    ids=lambda x: f"{np.shape(x)} {getattr(x, 'strides', '')} {np.asarray(x).dtype}",
)  # fmt: skip
def test_an_argument_of_another_form_comes_between(gradient, other):
    x = np.arange(float(LARGE))
    for argument in (x, other, x, other):
        found = gradient(argument)
        np.testing.assert_array_equal(found, 2 * argument)
        assert found.dtype == (argument.dtype if argument.dtype.kind == "f" else np.float64)


KEPT = {
    "itself": lambda x: x, "a result": lambda x: x * 2.0, "a part": lambda x: x[1:], "a constant": lambda x: x.detach(),
    "a constant view": lambda x: x.T.detach(),
}  # fmt: skip


@pytest.mark.parametrize("keep", KEPT.values(), ids=KEPT)
def test_what_the_function_has_kept_stays_as_it_was(keep):
    kept = []

    def f(x):
        kept.append(keep(x))
        return np.sum(x * x)

    gradient = tg.grad(f)
    arguments = [np.full(LARGE, float(i)) for i in range(3)]
    for argument in arguments:
        gradient(argument)
    for argument, value in zip(arguments, kept, strict=True):
        np.testing.assert_array_equal(value.numpy(), keep(tg.Value(argument)).numpy())


def test_a_record_of_an_earlier_call_can_still_be_differentiated():
    kept = []

    def f(x):
        kept.append((x, np.sum(x**3)))
        return kept[-1][1]

    gradient = tg.grad(f)
    for i in range(3):
        gradient(np.full(LARGE, float(i)))
    for i, (x, loss) in enumerate(kept):
        loss.backward()
        np.testing.assert_array_equal(x.grad, np.full(LARGE, 3.0 * i * i))


def test_a_function_that_calls_its_own_gradient_has_an_array_for_each():
    def f(x, depth=2):
        if depth:
            inner = gradient(np.full(LARGE, 10.0 * depth), depth - 1)
            np.testing.assert_array_equal(tg.stop_gradient(inner).numpy(), np.full(LARGE, 20.0 * depth))
        return np.sum(x * x)

    gradient = tg.grad(f)
    np.testing.assert_array_equal(gradient(np.full(LARGE, 3.0)), np.full(LARGE, 6.0))


def test_threads_that_differentiate_the_same_function_have_different_arrays(gradient):
    failures = []

    def work(number):
        for i in range(20):
            argument = np.full(LARGE, float(number * 100 + i))
            if not np.array_equal(gradient(argument), 2 * argument):
                failures.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_two_large_arguments_and_a_tree_of_them_have_an_array_each():
    x, y = np.full(LARGE, 2.0), np.full(LARGE, 3.0)
    gradient = tg.grad(lambda p, q: np.sum(p["a"] * p["b"][0] * q), argnums=(0, 1))
    for _ in range(3):
        d_p, d_q = gradient({"a": x, "b": [y]}, x)
        np.testing.assert_array_equal(d_p["a"], y * x)
        np.testing.assert_array_equal(d_p["b"][0], x * x)
        np.testing.assert_array_equal(d_q, x * y)


def test_an_argument_that_is_changed_while_the_function_runs_does_not_alter_the_gradient():
    x = np.full(LARGE, 2.0)

    def f(y):
        result = np.sum(y * y)
        x[...] = 100.0
        return result

    gradient = tg.grad(f)
    np.testing.assert_array_equal(gradient(x), np.full(LARGE, 4.0))
    np.testing.assert_array_equal(gradient(x), np.full(LARGE, 200.0))
