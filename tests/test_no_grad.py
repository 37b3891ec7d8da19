"""no_grad is a mode of the thread and of the async task, and always ends."""

import asyncio
import threading

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import GradientError


def _is_recorded():
    return (Value(1.0) * 2.0).requires_grad


@pytest.mark.parametrize(
    "compute", [lambda w: w * 2, lambda w: 2 - w, lambda w: w @ w, lambda w: np.exp(w), lambda w: w[0], lambda w: w.sum(), tg.relu]
)
def test_nothing_is_recorded_under_no_grad(compute):
    w = Value([1.0, 2.0])
    with tg.no_grad():
        result = compute(w)
    assert not result.requires_grad
    assert result.primitive is None
    assert list(result.parents) == list(result.inputs) == []
    assert compute(w).requires_grad


def test_no_grad_nests_and_ends_with_its_block():
    with tg.no_grad():
        with tg.no_grad():
            assert not _is_recorded()
        assert not _is_recorded()
    assert _is_recorded()


def test_no_grad_ends_after_an_error():
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), tg.no_grad():
            _ = 1 / 0
        assert _is_recorded()


def test_no_grad_is_a_decorator():
    @tg.no_grad()
    def evaluate(fails):
        if fails:
            raise KeyError
        return _is_recorded()

    assert evaluate(False) is False
    assert evaluate(False) is False
    with pytest.raises(KeyError):
        evaluate(True)
    assert _is_recorded()


def test_a_leaf_made_under_no_grad_still_requires_a_gradient_afterwards():
    with tg.no_grad():
        w = Value(3.0)
    (w * w).backward()
    assert w.grad == 6.0


def test_backward_from_what_was_computed_under_no_grad_says_why_it_cannot():
    with tg.no_grad():
        loss = Value(3.0) * 2
    with pytest.raises(GradientError, match=r"requires no gradient.*under no_grad\(\)"):
        loss.backward()


def test_a_recorded_loss_can_be_differentiated_under_no_grad():
    w = Value(3.0)
    loss = w * w
    with tg.no_grad():
        loss.backward()
    assert w.grad == 6.0


def test_no_grad_in_one_thread_does_not_concern_another():
    inside, done = threading.Event(), threading.Event()
    seen = {}

    def evaluating():
        with tg.no_grad():
            inside.set()
            done.wait(10)
            seen["evaluating"] = _is_recorded()

    def training():
        inside.wait(10)
        seen["training"] = _is_recorded()
        done.set()

    threads = [threading.Thread(target=evaluating), threading.Thread(target=training)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {"evaluating": False, "training": True}


def test_no_grad_in_one_async_task_does_not_concern_another():
    async def evaluating():
        with tg.no_grad():
            seen = []
            for _ in range(3):
                await asyncio.sleep(0)
                seen.append(_is_recorded())
            return seen

    async def training():
        seen = []
        for _ in range(3):
            await asyncio.sleep(0)
            seen.append(_is_recorded())
        return seen

    async def both():
        return await asyncio.gather(evaluating(), training(), evaluating())

    assert asyncio.run(both()) == [[False] * 3, [True] * 3, [False] * 3]


def test_threads_that_differentiate_at_the_same_time_do_not_disturb_each_other():
    wrong = []

    def work(number):
        for _ in range(200):
            w = Value(float(number))
            loss = np.tanh(w) * w
            loss.backward()
            if not np.isclose(w.grad, np.tanh(number) + number / np.cosh(number) ** 2, rtol=1e-12):
                wrong.append((number, w.grad))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_one_object_serves_several_blocks_and_functions():
    quietly = tg.no_grad()
    w = tg.Value(2.0)
    for _ in range(2):
        with quietly:
            assert not (w * w).requires_grad
    double = quietly(lambda x: 2 * x)
    assert not double(w).requires_grad
    assert (w * w).requires_grad
