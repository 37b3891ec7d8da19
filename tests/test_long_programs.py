"""Five thousand operations through every reader, or a hundred thousand with EXHAUSTIVE=1: nothing recurses over them.

Such a program of one kind is enough for each reader: the work grows with the length. The other kinds are shorter.
"""

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.counting import calls
from tests.profile import EXHAUSTIVE
from tinygrad_edu.errors import UnsupportedError

LENGTH = 100_000 if EXHAUSTIVE else 5_000
MIDDLING = 15_000 if EXHAUSTIVE else 1_500  # beyond the thousand calls that Python nests
P = np.array([0.5, 0.1])


def recurrence(p, length):
    """An argument that is indexed again and again: its gradient is one long sum of parts at two places."""
    h = 0.1
    for _ in range(length // 4):
        h = np.tanh(h * p[0] + p[1])
    return h


def one_after_the_other(p, length):
    h = p
    for _ in range(length // 2):
        h = np.tanh(h) + 0.5
    return np.sum(h)


def long_sum(p, length):
    total = p * 1.5
    for _ in range(length):
        total = total + p
    return np.sum(total)


def many_ways(p, length):
    """Two to the length paths lead back."""
    h = p[0]
    for _ in range(length // 2):
        h = (h + h) * 0.5
    return h


def side_by_side(p, length):
    """A sum of whole arrays and of parts."""
    q = np.concatenate([p, p])
    return sum(np.sum(q[k % 3 : k % 3 + 2] * p) for k in range(length // 4))


def checkpointed(p, length):
    """The rule of one operation that is as long as a program."""
    return np.sum(tg.checkpoint(lambda h: one_after_the_other(h, length))(p) * p)


PROGRAMS = [recurrence, one_after_the_other, long_sum, many_ways, side_by_side]


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_long_program_is_compiled_with_its_gradient(program):
    step = tg.value_and_grad(lambda p: program(p, LENGTH if program is recurrence else MIDDLING))
    compiled = tg.compile(step)
    for p in (P, P / 2):
        value, gradient = compiled(p)
        eager_value, eager_gradient = step(p)
        np.testing.assert_allclose(value, eager_value, rtol=1e-9)
        np.testing.assert_allclose(gradient, eager_gradient, rtol=1e-9)


def test_the_readable_source_of_a_long_program_runs():
    compiled = tg.compile(tg.grad(lambda p: recurrence(p, 2 * MIDDLING)))
    gradient = compiled(P)
    scope = {}
    exec(compiled.source, scope)
    np.testing.assert_allclose(scope["function"](P), gradient, rtol=1e-9)
    assert max(map(len, compiled.source.splitlines())) < 1_000


@pytest.mark.parametrize("program", [*PROGRAMS, checkpointed])
def test_a_long_program_is_explained_and_drawn(program):
    result = program(tg.Value(P, name="p"), LENGTH if program is one_after_the_other else MIDDLING).named("L")
    explanation = tg.explain(result)
    for text in (str(explanation), explanation.to_latex(), str(explanation.whole), explanation.whole.to_latex()):
        assert "p" in text
    drawing = tg.draw(result)
    assert drawing.dot.startswith("digraph {")
    assert drawing.mermaid.startswith("flowchart TD")


def test_a_page_of_a_long_program_is_refused_with_how_long_it_is():
    result = recurrence(tg.Value(P, name="p"), LENGTH)
    with pytest.raises(UnsupportedError, match="shows at most 120 operations"):
        tg.explain(result).to_html()


@pytest.mark.parametrize("program", [recurrence, long_sum])
def test_the_work_grows_with_the_length_and_no_faster(program):
    def work(length):
        result = program(tg.Value(P, name="p"), length)
        explanation = tg.explain(result).whole
        return str(explanation), tg.draw(result).dot, tg.compile(tg.grad(lambda p: program(p, length)))(P)

    work(100)
    assert calls(lambda: work(600)) < 3 * calls(lambda: work(300))
