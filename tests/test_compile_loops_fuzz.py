"""Programs with loops, made up at random: compiled with loops they give what they give eagerly, to the last few bits.

What such programs have brought to light stands below, each reduced to what matters.
"""

import ast
import copy
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as tg
from tests.loop_programs import arguments, scope, written
from tests.test_fuzz import PARTS, fuzz
from tinygrad_edu.compiler import programs
from tinygrad_edu.transforms.trees import tree_leaves

EVERYTHING = tuple(range(10))
ROLLED = programs.rolled


def second(f):
    def derivative(*args):
        def along(v, W):
            dv, dW = tg.grad(lambda v, W: f(args[0], v, W, *args[3:])[0], argnums=(0, 1))(v, W)
            return np.sum(np.sin(dv)) + np.sum(dW**2)

        return tg.grad(along, argnums=(0, 1))(args[1], args[2])

    return derivative


def jacobian(f):
    def derivative(*args):
        def outputs(v):
            total, _ = f(args[0], v, *args[2:])
            return np.stack([total, 2 * total])

        return tg.jacobian(outputs)(args[1])

    return derivative


OF_FLOATS = {
    "value": lambda f: f,
    "gradient": lambda f: tg.value_and_grad(f, argnums=EVERYTHING, has_aux=True),
    "gradient for some": lambda f: tg.value_and_grad(f, argnums=(1, 2, 5), has_aux=True),
    "second": second,
    "jacobian": jacobian,
}
TRANSFORMS = {
    "float64": list(OF_FLOATS),
    "float32": ["value", "gradient"],
    "complex128": ["value"],
    "int64": ["value"],
}


def assert_same(found, expected, rtol):
    found, expected = list(tree_leaves(found)), list(tree_leaves(expected))
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        a, b = np.asarray(a), np.asarray(b)
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        if np.all(np.isfinite(b)):
            np.testing.assert_allclose(a, b, rtol=0, atol=rtol * max(1.0, np.max(np.abs(b), initial=0)))
        else:  # what becomes of an overflow depends on the order
            assert not np.all(np.isfinite(a))


def types(result):
    return list(map(type, tree_leaves(result)))


def alone(source):
    """The function that a source defines."""
    names: dict = {}
    exec(source, names)
    last = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)][-1]
    return names[last.name], len(last.args.args)


def without_loops(f, args, monkeypatch):
    """What the program gives that has all rounds one after the other."""
    with monkeypatch.context() as patch:
        patch.setattr(programs, "rolled", lambda order, outputs, *rest: list(outputs))
        return tg.compile(f)(*args)


def check(text, dtype, transform, python, seed, monkeypatch, target="numpy"):
    """Whether a program gives compiled what it gives eagerly: run once and again, and from its source alone."""
    names = scope(dtype)
    exec(text, names)
    f, args = OF_FLOATS[transform](names["program"]), arguments(seed, dtype, python)
    rtol = 2e-4 if dtype == "float32" else 1e-9 if transform == "second" or target == "jax" else 1e-11
    with np.errstate(all="ignore"):
        expected, kept = f(*copy.deepcopy(args)), copy.deepcopy(args)
        compiled = tg.compile(f, target=target)
        first = compiled(*args)
        assert_same(first, expected, rtol)
        if target == "jax":
            return
        assert types(first) == types(expected) or types(first) == types(without_loops(f, args, monkeypatch))
        as_it_was = copy.deepcopy(first)
        other = arguments(seed + 1, dtype, python)
        assert_same(compiled(*other), f(*copy.deepcopy(other)), rtol)
        assert_same(compiled(*args), expected, rtol)
        run, count = alone(compiled.source)
        if count == len(args):
            assert_same(run(*args), expected, rtol)
        assert_same(first, as_it_was, 0)
        assert_same(args, kept, 0)


kinds = st.one_of(
    *(
        st.tuples(st.just(dtype), st.sampled_from(of), st.booleans())
        for dtype, of in [*TRANSFORMS.items(), ("float64", list(OF_FLOATS))]
    )
)


@pytest.fixture
def patched():
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@PARTS
@fuzz(60, 625)
@given(st.integers(0, 2**32 - 1), kinds)
def test_a_program_with_loops_gives_compiled_what_it_gives_eagerly(part, seed, kind):
    dtype, transform, python = kind
    with pytest.MonkeyPatch.context() as patch:
        check(written(random.Random(seed), dtype), dtype, transform, python, seed, patch)


@PARTS
@fuzz(4, 30)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["value", "gradient"]))
def test_on_jax_it_gives_the_same(part, seed, transform):
    pytest.importorskip("jax")
    with pytest.MonkeyPatch.context() as patch:
        check(written(random.Random(seed), "float64"), "float64", transform, False, seed, patch, target="jax")


# --- what has come to light ---------------------------------------------------------------------------------------------------

RNG = np.random.default_rng(0)
VECTOR, MATRIX, ROWS = RNG.uniform(0, 1, 3), RNG.uniform(0, 0.4, (3, 3)), RNG.normal(size=(24, 3))
NUMBERS = [0.3, -0.1, 0.7, 0.2, 0.5, -0.4]


def assert_compiled(f, *args):
    expected, compiled = f(*copy.deepcopy(args)), tg.compile(f)
    assert_same(compiled(*args), expected, 1e-11)
    assert_same(alone(compiled.source)[0](*args), expected, 1e-11)
    assert "    for " in compiled.source


def test_constants_are_taken_one_after_the_other_beside_every_other_row():
    def f(h, X):
        for i in range(6):
            h = np.tanh(h * X[2 * i] + NUMBERS[i] * X[2 * i + 1])
        return h

    assert_compiled(f, VECTOR, ROWS)
    assert_compiled(tg.grad(lambda h, X: np.sum(f(h, X)), argnums=(0, 1)), VECTOR, ROWS)
    assert_compiled(lambda h, X: f(h, X[::-1]), VECTOR, ROWS)


def test_a_sum_of_parts_that_is_kept_in_a_list_has_another_name_than_the_list():
    def f(v, w):
        for _ in range(7):
            w = np.maximum(np.concatenate([abs(v)[::-1], (2 * w)[:1]]), 0.1)
        return np.sum(w) / 4

    assert_compiled(tg.grad(lambda v, w: np.sum(np.sin(tg.grad(f)(v, w)))), VECTOR, VECTOR)


def test_what_a_loop_begins_with_is_no_further_round_of_it():
    def f(W, v, vs):
        h, total = W @ v, np.zeros(3)
        for i in range(6):
            h = np.tanh(np.sin(np.cos(h)) + 0.5)
            total = total + W @ vs[i]
        return np.tanh(np.sin(np.cos(h)) + 0.5), total

    assert_compiled(f, MATRIX, VECTOR, list(ROWS[:6]))


def test_two_sums_that_are_carried_and_then_added_have_each_a_name():
    def f(v, W):
        h = v
        for _ in range(7):
            t = np.maximum((h + h) @ W, 0.1)
            h = np.maximum(W.T @ t, 0.1)
        return np.sum(h * h / 2) + np.sum(h)

    def along(v, W):
        dv, dW = tg.grad(f, argnums=(0, 1))(v, W)
        return np.sum(np.sin(dv)) + np.sum(dW * dW)

    expected = tg.grad(along, argnums=(0, 1))(VECTOR, MATRIX)
    scale = np.max(np.abs(expected[1]))
    compiled = tg.compile(tg.grad(along, argnums=(0, 1)))
    assert_same([d / scale for d in compiled(VECTOR, MATRIX)], [d / scale for d in expected], 1e-11)


def test_some_of_a_list_of_pythons_whole_numbers_is_stacked():
    def f(n):
        numbers = []
        for _ in range(7):
            n = -(n % 3) % 5 % 11
            numbers.append(n)
        return np.stack(numbers)[:3], np.stack(numbers[3:])

    assert_compiled(f, 4)


@pytest.mark.parametrize("k", [1, 2])
def test_a_vector_times_an_outer_product_is_a_vector(k):
    def f(v, w):
        return v @ (k * np.outer(v, w)), (k * np.outer(v, w)) @ v

    assert_same(tg.compile(f)(VECTOR, ROWS[0]), f(VECTOR, ROWS[0]), 1e-11)


def test_whole_numbers_of_pythons_have_any_number_of_digits_in_a_loop_too():
    def f(n):
        for p in (101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157):
            n = n * p + p % 7
        return n

    compiled = tg.compile(f)
    assert compiled(3) == f(3) > 2**64
    assert "    for " in compiled.source


def test_numbers_of_pythons_stay_pythons_in_a_loop():
    def f(x):
        for number in (0.3, 0.1, 0.7, 0.2, 0.5, 0.9, 0.4, 0.6, 0.25, 0.35):
            x = x * number + (x - number) / 2
        return x

    compiled = tg.compile(f)
    assert compiled(0.5) == pytest.approx(f(0.5), rel=1e-11)
    assert type(compiled(0.5)) is float
    assert "    for " in compiled.source


def test_an_array_without_axes_is_not_added_to_in_place():
    def f(s, xs):
        first = np.where(s > 0.1, s, 0.5 * s)
        h, total = s, first
        for i in range(7):
            h = np.tanh(np.sin(h) * xs[i])
            total = total + h
        return total, first * 2 + 1

    def g(s, xs):
        h, total = xs[0], s
        for i in range(7):
            h = np.tanh(np.sin(h) * xs[i])
            total = total + h
        return total, s * 2

    assert_compiled(f, 0.5, VECTOR.repeat(3))
    s = np.array(0.5)
    assert_compiled(g, s, VECTOR.repeat(3))
    assert s == 0.5
    assert types(tg.compile(f)(0.5, VECTOR.repeat(3))) == [np.float64, np.float64]


def test_what_is_put_back_in_reverse_order_is_not_made_zero_before():
    def f(v):
        h, numbers, states = v, [], []
        for _ in range(6):
            t = np.sum(h) / 4
            h = np.cos(h[::-1])
            numbers.append(-t)
            states.append(h)
        return np.sum(np.concatenate(states)[::-1][:3]), np.stack(numbers)[:3]

    assert_compiled(tg.value_and_grad(f, has_aux=True), VECTOR)
