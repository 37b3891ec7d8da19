"""What compiling costs, counted in function calls: it grows with the program, and no faster."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.counting import calls
from tinygrad_edu.compiler import numpy_programs

UNARY = [np.sin, np.cos, np.tanh, np.arctan, np.exp, np.sinh]


def different(count):
    """A loss of so many operations that no loop is made of."""
    kinds = np.random.default_rng(0).integers(0, 12, count)

    def loss(x, w):
        y, z = x, w
        for kind in kinds:
            new = UNARY[kind](0.3 * y) if kind < 6 else y * z if kind < 8 else y + z if kind < 10 else y / (2 + z**2)
            y, z = new, y
        return np.sum(y * z)

    return loss, (np.linspace(0.1, 1, 5), np.linspace(1, 2, 5))


def elements(count):
    """A loss of the elements of a vector, one by one, of which no loop is made."""
    kinds = np.random.default_rng(1).integers(0, len(UNARY), count)

    def loss(x):
        total = 0.0
        for number, kind in enumerate(kinds):
            total = total + UNARY[kind](x[number])
        return total

    return loss, (np.linspace(0.1, 1, count),)


def in_a_loop(count):
    """The sum of a vector, one by one."""
    return lambda x: sum(x[number] for number in range(count)), (np.linspace(0.1, 1, count),)


def in_any_order(count):
    """The same in an order that only a list can tell."""
    order = np.random.default_rng(2).permutation(count).tolist()
    return lambda x: sum(x[number] * 2.0 for number in order), (np.linspace(0.1, 1, count),)


def cost(program, count):
    """Calls of functions that compiling takes. (The first time that a function is compiled more is looked up, and kept.)"""
    loss, arguments = program(count)
    gradient = tg.value_and_grad(loss, tuple(range(len(arguments))))
    tg.compile(gradient)(*arguments)
    compiled = tg.compile(gradient)
    return calls(lambda: compiled(*arguments))


@pytest.mark.filterwarnings("ignore:overflow")
@pytest.mark.parametrize(("program", "most"), [(different, 8_600), (elements, 10_400), (in_a_loop, 600), (in_any_order, 4_500)])
def test_compiling_twice_as_many_operations_takes_twice_as_long(program, most):
    once, twice = cost(program, 500), cost(program, 1000)
    assert twice < 2.1 * once
    assert twice - once < 500 * most


@pytest.fixture
def written(monkeypatch):
    """The emitters that have written a program."""
    emitters = []
    emitted = numpy_programs.RewrittenRun.emitted
    monkeypatch.setattr(numpy_programs.RewrittenRun, "emitted", lambda run, kind: emitters.append(kind) or emitted(run, kind))
    return emitters


@pytest.mark.parametrize(
    ("f", "arguments", "times"),
    [
        (lambda x, y: np.sin(x * y) / (1 + x**2), (1.5, 2.5), 1),
        (lambda x, y: np.sin(x * y) / (1 + x**2), (np.ones(299), np.ones(299)), 1),
        (lambda x, y: np.sin(x * y) / (1 + x**2), (np.ones(300), np.ones(300)), 2),
        (lambda x, y: x @ y, (np.ones((3, 3)), np.ones((3, 2))), 1),
        (lambda x, y: np.sum(x * y), (np.ones(3), np.ones(3)), 2),
        (lambda x, y: x * y + np.array([1.0, 2.0, 3.0]), (np.ones(3), np.ones(3)), 2),
        (lambda x, y: np.sqrt(x * y), (2.0, 3.0), 1),
        (lambda x, y: (x * y) ** 0.5, (2.0, 3.0), 2),  # of Python's, which would be complex for a negative one
        (lambda x, y: sum(x ** (0.5 * k) for k in range(1, 40)) * y, (np.ones(2), np.ones(2)), 2),
    ],
)
def test_a_program_that_is_fast_as_it_is_read_is_written_once(written, f, arguments, times):
    compiled = tg.compile(f)
    np.testing.assert_allclose(compiled(*arguments), f(*arguments), rtol=1e-14)
    assert len(written) == times
    if times == 1:
        assert compiled.source == compiled.optimized_source
