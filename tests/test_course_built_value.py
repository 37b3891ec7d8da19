"""What the reader of lesson 8 builds is right, and the lesson shows it as it stands here."""

import ast
import inspect
import re
from pathlib import Path

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.course.exercises import built_value
from tinygrad_edu.course.exercises.built_value import Value

COURSE = Path(__file__).parents[1] / "course"
OPERATIONS = [
    lambda u, v: u + v,
    lambda u, v: u - v,
    lambda u, v: 3 - u * v,
    lambda u, v: u / (v * v + 1) - 2 / (u * u + 3),
    lambda u, v: -(u**3) + 0.5 * v,
    lambda u, v: (v.tanh() - 1).exp() - u / 4,
]


def random_formula(seed, numbers):
    chance, pool = np.random.default_rng(seed), [*numbers]
    for _ in range(8):
        u, v = chance.integers(len(pool), size=2)
        pool.append(OPERATIONS[chance.integers(len(OPERATIONS))](pool[u], pool[v]).tanh())
    return sum(pool)


@pytest.mark.parametrize("seed", range(20))
def test_the_gradients_of_a_random_formula_are_those_of_tinygrad_edu(seed):
    start = np.random.default_rng(seed).normal(size=3)
    ours, theirs = [Value(x) for x in start], [tg.Value(x) for x in start]
    formula, expected = random_formula(seed, ours), random_formula(seed, theirs)
    formula.backward()
    expected.backward()
    assert formula.data == pytest.approx(expected.item(), rel=1e-12)
    assert [value.grad for value in ours] == pytest.approx([float(value.grad) for value in theirs], rel=1e-10, abs=1e-12)


def test_two_backward_passes_add_up_also_over_the_same_graph():
    theta = Value(3.0)
    loss = 0.5 * (8.0 - theta * 2.0) ** 2
    loss.backward()
    loss.backward()
    assert (loss.data, theta.grad) == (2.0, -8.0)


def test_a_chain_of_a_hundred_thousand_has_a_gradient():
    value = start = Value(1.0)
    for _ in range(100_000):
        value = value + 1.0
    value.backward()
    assert start.grad == 1.0


@pytest.mark.parametrize("language", ["", ".zh-CN"])
def test_the_lesson_shows_the_whole_class_as_it_stands_here(language):
    lesson = (COURSE / f"08_build_a_value{language}.md").read_text("utf-8")
    cells = re.findall(r"```\{code-cell\} python\n(.*?)\n```", lesson, re.DOTALL)
    (shown,) = [cell for cell in cells if "def gradients(self)" in cell]
    kept = inspect.getsource(built_value).removeprefix(f'"""{built_value.__doc__}"""')
    assert ast.dump(ast.parse(shown)) == ast.dump(ast.parse(kept))
