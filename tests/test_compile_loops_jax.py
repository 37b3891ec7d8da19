"""On JAX a loop is jax.lax.scan, forward and backward."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.repeating import CASES
from tests.test_compile_loops import EXAMPLES, agree, body
from tests.test_compile_repetition import total

pytest.importorskip("jax")

every_example = pytest.mark.parametrize("name", ["recurrent network", "LSTM", "unrolled descent", "Horner", "power iteration"])


def compiled(name, rounds):
    example = EXAMPLES[name]
    function, arguments = example.make(rounds)
    step = tg.compile(tg.value_and_grad(function, argnums=example.wrt), target="jax")
    return step, step(*arguments), example.by_hand(rounds)(*arguments)


@every_example
def test_the_gradient_on_jax_is_the_one_derived_by_hand(name):
    step, (value, gradients), (expected, expected_gradients) = compiled(name, 200)
    agree((value, *gradients), (expected, *expected_gradients))
    assert body(step.source) == body(compiled(name, 70)[0].source)
    assert step.source.count("jax.lax.scan") == 2


def test_a_thousand_rounds_take_no_more_lines_than_a_hundred():
    def loss(w, xs):
        h = np.zeros(3)
        for x in xs:
            h = np.tanh(w * h + x)
        return np.sum(h)

    sources = []
    for rounds in (100, 1000):
        xs = np.random.default_rng(0).normal(size=(rounds, 3))
        step = tg.value_and_grad(loss)
        on_jax = tg.compile(step, target="jax")
        agree(on_jax(0.5, xs), step(0.5, xs))
        sources.append(on_jax.source)
    assert body(sources[0]) == body(sources[1])


ON_JAX = [
    "the states with the first one", "the states from the end to the first one", "two rounds ago", "states one after the other",
    "columns from the end", "epochs in batches", "a language model", "pieces without order",
    "epochs backward and from the second row",
]  # fmt: skip


@pytest.mark.parametrize("name", ON_JAX)
def test_a_loop_gives_on_jax_what_it_gives_without_it(name):
    function, arguments = CASES[name]
    arguments = [x(40) if callable(x) else x for x in arguments]
    step = tg.value_and_grad(lambda *arguments: total(function(40, *arguments)), argnums=tuple(range(len(arguments))))
    compiled = tg.compile(step, target="jax")
    value, gradients = compiled(*arguments)
    expected, expected_gradients = step(*arguments)
    agree((value, *gradients), (expected, *expected_gradients))
    assert "jax.lax.scan" in compiled.source
