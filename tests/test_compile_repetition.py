"""Where a recorded program repeats itself it becomes a loop, whatever goes in, is carried and comes out."""

import re
from functools import cache

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.repeating import CASES, rows
from tinygrad_edu.compiler import programs

FEW, MANY = 40, 120


def total(tree):
    """A number that depends on all numbers of a result."""
    if isinstance(tree, dict):
        tree = list(tree.values())
    return sum(map(total, tree)) if isinstance(tree, tuple | list) else np.sum(tree**2)


def made(name, count):
    """A function for a number of rounds, the gradient of what it returns, and its arguments."""
    function, arguments = CASES[name]
    arguments = [x(count) if callable(x) else x for x in arguments]
    return (
        lambda *arguments: function(count, *arguments),
        tg.value_and_grad(lambda *arguments: total(function(count, *arguments)), argnums=tuple(range(len(arguments)))),
        arguments,
    )


@cache
def step(name, count):
    """The compiled gradient of an example, which has run once, and what it has returned."""
    _, gradient, arguments = made(name, count)
    compiled = tg.compile(gradient)
    return compiled, compiled(*arguments)


def same(actual, expected, *, types=False):
    """Check that two results are equal up to rounding."""
    if isinstance(expected, dict):
        assert list(actual) == list(expected)
        actual, expected = list(actual.values()), list(expected.values())
    if isinstance(expected, tuple | list):
        for a, b in zip(actual, expected, strict=True):
            same(a, b, types=types)
        return
    if types:
        assert type(actual) is type(expected)
        assert getattr(actual, "dtype", None) == getattr(expected, "dtype", None)
    rounding = 1e-5 if np.asarray(expected).dtype == np.float32 else 1e-12
    size = np.max(np.abs(expected), initial=0)
    np.testing.assert_allclose(actual, expected, rtol=rounding, atol=rounding * size)


def body(source):
    """What stands below the docstring, where each number is the same."""
    return re.sub(r"\d+", "0", source.split('"""')[2]).strip().splitlines()


every_case = pytest.mark.parametrize("name", CASES)


@every_case
def test_a_compiled_loop_gives_the_gradient_that_the_function_gives_as_it_is(name):
    _, gradient, arguments = made(name, FEW)
    same(step(name, FEW)[1], gradient(*arguments))


@every_case
def test_a_compiled_loop_gives_the_results_of_the_types_that_the_function_gives_as_it_is(name):
    function, _, arguments = made(name, FEW)
    compiled = tg.compile(function)
    for _ in range(2):
        same(compiled(*arguments), function(*arguments), types=True)


@every_case
def test_a_loop_gives_what_the_unrolled_program_gives(name, monkeypatch):
    _, rolled = step(name, FEW)
    monkeypatch.setattr(programs, "rolled", lambda order, outputs, *_: list(outputs))
    _, gradient, arguments = made(name, FEW)
    compiled = tg.compile(gradient)
    same(rolled, compiled(*arguments), types=True)
    assert not any(line.lstrip().startswith("for ") for line in body(compiled.source))


@every_case
def test_the_source_has_loops_and_does_not_depend_on_the_number_of_rounds(name):
    few, many = (body(step(name, count)[0].source) for count in (FEW, MANY))
    assert few == many
    assert sum(line.lstrip().startswith("for ") for line in few) >= 2


def plain(x, X):
    return np.sum(np.sin(x) * np.cos(x) + np.exp(x) / np.tanh(x + 3) + np.log(x**2 + 1) + np.sqrt(x**2 + 2))


def of_three_rounds(x, X):
    for row in X[:3]:
        x = np.tanh(np.sin(x) * row + np.cos(x) / (2 + np.exp(row)) + row**2 * x)
    return np.sum(x)


def without_order(x, X):
    for number in range(12):
        x = (np.sin if number in (0, 3, 4, 9) else np.cos)(x) * X[number**2 % 12]
    return np.sum(x)


def of_operations_made_anew(x, X):
    for number in range(12):
        own = tg.primitive(lambda x, number=number: np.sin(x) * number, lambda g, out, x, number=number: g * number * np.cos(x))
        x = own(x * X[number])
    return np.sum(x)


@pytest.mark.parametrize("function", [plain, of_three_rounds, without_order, of_operations_made_anew])
def test_what_does_not_repeat_itself_stays_as_it_is(function):
    arguments = rows(3), rows(12, 3, seed=1)
    step = tg.value_and_grad(function, argnums=(0, 1))
    compiled = tg.compile(step)
    same(compiled(*arguments), step(*arguments))
    assert not any(line.lstrip().startswith("for ") for line in body(compiled.source))


@pytest.mark.parametrize("x", [3, np.int64(3), np.int8(3), np.arange(3), np.arange(3, dtype=np.int32)], ids=repr)
def test_whole_numbers_stay_whole_from_round_to_round(x):
    def function(x):
        for number in range(40):
            x = x * 3 % 7 + number % 2
        return x

    compiled = tg.compile(function)
    same(compiled(x), function(x), types=True)
    assert "for " in compiled.source
