"""What the reader of lessons 8 and 9 builds is right, and the lessons show it as it stands in the package."""

import ast
import inspect
import re
from pathlib import Path

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.course.exercises import built_engine, built_value

COURSE = Path(__file__).parents[1] / "course"
WHOLE = [
    ("08_build_a_value", built_value, "def gradients(self)"),
    ("09_build_arrays", built_engine, "def history(output)"),
]
OF_NUMBERS = [
    lambda u, v: u + v,
    lambda u, v: u - v,
    lambda u, v: 3 - u * v,
    lambda u, v: u / (v * v + 1) - 2 / (u * u + 3),
    lambda u, v: -(u**3) + 0.5 * v,
    lambda u, v: (v.tanh() - 1).exp() - u / 4,
]
OF_ARRAYS = [
    lambda u, v: u + v,
    lambda u, v: 1 - u * v,
    lambda u, v: u / (v * v + 1) - v,
    lambda u, v: np.log(u * u + 1) * -v,
    lambda u, v: np.exp(np.tanh(v)) - u**3,
    lambda u, v: (v * v + 0.5) ** np.tanh(u),
]


def random_formula(seed, operations, start, tanh):
    chance, pool = np.random.default_rng(seed), [*start]
    for _ in range(8):
        u, v = chance.integers(len(pool), size=2)
        pool.append(tanh(operations[chance.integers(len(operations))](pool[u], pool[v])))
    return pool


@pytest.mark.parametrize("seed", range(20))
def test_the_gradients_of_a_random_formula_of_numbers_are_those_of_tinygrad_edu(seed):
    start = np.random.default_rng(seed).normal(size=3)
    ours, theirs = [built_value.Value(x) for x in start], [tg.Value(x) for x in start]
    formula, expected = (sum(random_formula(seed, OF_NUMBERS, each, lambda x: x.tanh())) for each in (ours, theirs))
    formula.backward()
    expected.backward()
    assert formula.data == pytest.approx(expected.item(), rel=1e-12)
    assert [value.grad for value in ours] == pytest.approx([float(value.grad) for value in theirs], rel=1e-10, abs=1e-12)


@pytest.mark.parametrize("seed", range(20))
def test_the_gradients_of_a_random_formula_of_arrays_are_those_of_tinygrad_edu(seed):
    start = [np.random.default_rng(seed).normal(size=shape) for shape in ((4, 3), (3,), (4, 1), ())]
    ours, theirs = [built_engine.Value(x) for x in start], [tg.Value(x) for x in start]
    for values in (ours, theirs):
        sum(np.sum(each) for each in random_formula(seed, OF_ARRAYS, values, np.tanh)).backward()
    for value, expected in zip(ours, theirs, strict=True):
        assert np.shape(value.grad) == value.shape
        np.testing.assert_allclose(value.grad, expected.grad, rtol=1e-9, atol=1e-11)


def test_matrix_products_are_differentiated_as_in_tinygrad_edu():
    rng = np.random.default_rng(0)
    start = [rng.normal(size=shape) for shape in ((2, 4), (4,), (4, 1))]
    X = rng.normal(size=(5, 2))

    def loss(W, b, V):
        return np.sum((np.tanh(X @ W + b) @ V).T ** 2)

    ours = [built_engine.Value(x) for x in start]
    loss(*ours).backward()
    for value, expected in zip(ours, tg.grad(loss, (0, 1, 2))(*start), strict=True):
        np.testing.assert_allclose(value.grad, expected, rtol=1e-12)


@pytest.mark.parametrize("f", [lambda x: x**3, np.tanh, lambda x: np.exp(-x * x) / x, lambda x: np.log(1 + x**2), lambda x: 3 * x])
def test_derivatives_of_any_order_are_those_of_tinygrad_edu(f):
    ours, theirs = f, f
    for _ in range(3):
        ours, theirs = built_engine.grad(ours), tg.grad(theirs)
        assert float(ours(0.7)) == pytest.approx(float(theirs(0.7)), rel=1e-9, abs=1e-12)


def test_the_same_array_given_to_two_inputs_is_not_changed_for_both():
    a, b = built_engine.Value([1.0, 2.0]), built_engine.Value([3.0, 4.0])
    np.sum((a + b) + a * 10).backward()
    assert a.grad.tolist() == [11.0, 11.0]
    assert b.grad.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("function", [np.sin, np.linalg.inv, np.add.reduce])
def test_what_has_no_rule_is_refused(function):
    with pytest.raises(TypeError):
        function(built_engine.Value([[1.0, 2.0], [3.0, 5.0]]))


def test_two_backward_passes_add_up_also_over_the_same_graph():
    theta = built_value.Value(3.0)
    loss = 0.5 * (8.0 - theta * 2.0) ** 2
    loss.backward()
    loss.backward()
    assert (loss.data, theta.grad) == (2.0, -8.0)


def test_a_chain_of_a_hundred_thousand_has_a_gradient():
    value = start = built_value.Value(1.0)
    for _ in range(100_000):
        value = value + 1.0
    value.backward()
    assert start.grad == 1.0


@pytest.mark.parametrize("language", ["", ".zh-CN"])
@pytest.mark.parametrize(("name", "module", "mark"), WHOLE)
def test_the_lesson_shows_the_whole_as_it_stands_in_the_package(language, name, module, mark):
    lesson = (COURSE / f"{name}{language}.md").read_text("utf-8")
    cells = re.findall(r"```\{code-cell\} python\n(.*?)\n```", lesson, re.DOTALL)
    shown = [cell for cell in cells if mark in cell][-1]
    kept = inspect.getsource(module).removeprefix(f'"""{module.__doc__}"""')
    assert ast.dump(ast.parse(shown)) == ast.dump(ast.parse(kept))
