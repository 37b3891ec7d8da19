"""What runs on plain arrays compiles as it is written, or is refused without blame for lines that nobody wrote."""

from collections import OrderedDict

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.errors import DataError, TracingError

X = np.array([1.5, 2.5, 0.5])
MATRIX = np.array([[2.0, 1.0], [0.5, 3.0]])


def marked(w):
    s = np.zeros_like(w)
    s[0] = 1.0
    return s * w**2


def marked_in_part(w):
    s = np.ones_like(w)
    s[1:] = 5.0
    return s * w**2


def filled_up(w):
    s = np.empty_like(w)
    s[:] = 2.0
    return s * w**2


WORK = {
    "zeros": (marked, X),
    "ones": (marked_in_part, X),
    "empty": (filled_up, X),
    "whole numbers": (lambda x: x.astype(int), X),
    "whole numbers of a width": (lambda x: x.astype(np.int8) * 2, X),
    "truth": (lambda x: x.astype(bool), X),
    "positions": (lambda x: x[np.floor(x).astype(int)] ** 2, X),
    "a position": (lambda x: x[np.floor(x[0]).astype(int)] ** 2, X),
    "a table": (lambda x: (x * 10)[np.floor(x).astype(int)] * x, X),
    "a list": (lambda numbers: numbers[0] * numbers[1] ** 2, [1.0, 2.0]),
    "lists in lists": (lambda numbers: np.stack(numbers[0]) * numbers[1][0], [[1.0, 2.0], [3.0]]),
    "slopes of whole numbers": (np.gradient, np.array([1, 4, 9])),
}


@pytest.mark.parametrize("target", ["numpy", "jax"])
@pytest.mark.parametrize(("function", "x"), WORK.values(), ids=WORK)
def test_what_runs_on_arrays_compiles(function, x, target):
    if target == "jax":
        pytest.importorskip("jax")
    compiled, eager = tg.compile(function, target=target)(x), function(x)
    np.testing.assert_allclose(compiled, eager, rtol=1e-12)
    assert np.shape(compiled) == np.shape(eager)
    assert np.asarray(compiled).dtype == np.asarray(eager).dtype


@pytest.mark.parametrize("function", [marked, marked_in_part, filled_up])
def test_the_gradient_of_what_is_marked_by_an_array_of_ones_is_the_eager_one(function):
    gradient = tg.grad(lambda w: np.sum(function(w)))
    np.testing.assert_array_equal(tg.compile(gradient)(X), gradient(X))


def test_positions_that_are_computed_let_the_gradient_pass_to_what_they_choose():
    gradient = tg.compile(tg.grad(lambda x: np.sum(x[np.floor(x).astype(int)] ** 2)))
    np.testing.assert_array_equal(gradient(X), [2 * 1.5, 2 * 2.5, 2 * 0.5])


def test_a_traced_number_is_not_written_into_an_array_in_silence():
    def stored(w):
        s = np.zeros_like(w)
        s[0] = w[0]
        return s * w

    with pytest.raises(TracingError):
        tg.compile(stored)(X)


REFUSED = {
    "det": (tg.hessian(np.linalg.det), MATRIX),
    "eig": (tg.grad(lambda a: np.sum(np.abs(np.linalg.eig(a)[1]) ** 2 * np.arange(4.0).reshape(2, 2))), MATRIX),
    "eigvals": (tg.grad(lambda a: np.sum(np.abs(np.linalg.eigvals(a)) ** 2)), MATRIX),
}


@pytest.mark.parametrize(("function", "x"), REFUSED.values(), ids=REFUSED)
def test_where_an_operation_goes_different_ways_it_says_so_and_blames_no_if(function, x):
    function(x)
    with pytest.raises(TracingError, match="an operation or its derivative goes different ways") as caught:
        tg.compile(function)(x)
    assert "np.where" not in str(caught.value)
    assert "if, while" not in str(caught.value)


@pytest.mark.parametrize("index", [np.array([0, 2]), 1])
def test_an_array_with_a_position_that_is_an_argument_is_refused_with_what_works(index):
    table = np.array([10.0, 20.0, 30.0])
    with pytest.raises(TracingError, match=r"Write tg\.Value\(array, requires_grad=False\)\[value\]"):
        tg.compile(lambda i: table[i])(index)
    np.testing.assert_array_equal(tg.compile(lambda i: tg.Value(table, requires_grad=False)[i])(index), table[index])


def nested(leaf, depth):
    tree = leaf
    for _ in range(depth):
        tree = [tree]
    return tree


@pytest.mark.parametrize("depth", [300, 1_000, 100_000])
def test_trees_that_are_too_deep_for_a_program_are_refused_where_they_enter_or_leave(depth):
    with pytest.raises(DataError, match="x is nested more than 50 deep"):
        tg.compile(lambda x: x)(nested(1.0, depth))
    with pytest.raises(DataError, match="shape is nested more than 50 deep"):
        tg.compile(lambda x, shape: x, static=("shape",))(1.0, nested(1, depth))
    with pytest.raises(DataError, match="what the function returned is nested more than 50 deep"):
        tg.compile(lambda x: nested(x, depth))(1.0)


@pytest.mark.parametrize("target", ["numpy", "jax"])
def test_trees_may_be_fifty_deep(target):
    if target == "jax":
        pytest.importorskip("jax")
    compiled = tg.compile(lambda x: [nested(x[0] * 2, 49), {"w": nested(OrderedDict(v=x[1]), 47)}], target=target)
    assert compiled([1.0, 3.0]) == [nested(2.0, 49), {"w": nested(OrderedDict(v=3.0), 47)}]
    assert tg.compile(lambda x: x, target=target)(nested(1.0, 50)) == nested(1.0, 50)


def test_a_list_that_contains_itself_is_refused_where_it_enters_or_leaves():
    cycle = [1.0]
    cycle.append(cycle)
    with pytest.raises(DataError, match=r"x\[1\] is what contains it"):
        tg.compile(lambda x: x[0])(cycle)
    with pytest.raises(DataError, match=r"what the function returned\[1\] is what contains it"):
        tg.compile(lambda x: cycle)(1.0)
