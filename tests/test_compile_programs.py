"""Programs made up at random: compiled they give what they give eagerly, in value, shape, dtype, gradient and second derivative."""

from unittest import mock

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tinygrad_edu as tg
from tests.profile import EXHAUSTIVE
from tinygrad_edu.compiler import blocks, rewriting
from tinygrad_edu.transforms.trees import tree_leaves

# name: (how many operands, what is computed). Every operation takes operands of any shapes that broadcast, and keeps numbers small.
OPERATIONS = {
    "add": (2, lambda a, b: a + b),
    "subtract": (2, lambda a, b: a - b),
    "multiply": (2, lambda a, b: 0.5 * (a * b)),
    "divide": (2, lambda a, b: a / (b * b + 1)),
    "divide by a number": (1, lambda a: a / 4),
    "number minus": (1, lambda a: 2 - a),
    "negative": (1, lambda a: -a),
    "negative twice": (1, lambda a: -np.negative(a)),
    "square": (1, lambda a: a**2 / 4),
    "times itself": (1, lambda a: a * a * 0.25),
    "plus itself": (1, lambda a: a + a),
    "tanh": (1, np.tanh),
    "exp of minus the square": (1, lambda a: np.exp(-(a**2))),
    "sigmoid": (1, tg.sigmoid),
    "relu": (1, tg.relu),
    "maximum": (2, np.maximum),
    "where": (2, lambda a, b: np.where(a > b, a, b * 2)),
    "masked": (2, lambda a, b: (a < b) * a),
    "sum": (1, np.sum),
    "mean": (1, np.mean),
    "sum over the last axis": (1, lambda a: np.sum(a, axis=-1) if np.ndim(a) else a),
    "mean over the first axis": (1, lambda a: np.mean(a, axis=0, keepdims=True) if np.ndim(a) else a),
    "transpose": (1, lambda a: np.transpose(a)),
    "outer product": (2, lambda a, b: np.reshape(a, (-1, 1)) * np.reshape(b, (1, -1)) * 0.25),
    "matrix product": (2, lambda a, b: np.reshape(a, (-1, 1)) @ np.reshape(b, (1, -1)) * 0.25),
    "inner product": (1, lambda a: np.reshape(a, -1) @ np.reshape(a, -1) * 0.125),
    "first element": (1, lambda a: np.reshape(a, -1)[0]),
    "some elements twice": (1, lambda a: np.reshape(a, -1)[np.array([0, 0, -1])]),
    "reversed": (1, lambda a: np.reshape(a, -1)[::-1]),
    "neighbours": (1, lambda a: np.reshape(a, -1)[1:] * np.reshape(a, -1)[:-1] if np.size(a) > 1 else a),
    "the last times the first": (1, lambda a: np.reshape(a, -1)[-1] * np.reshape(a, -1)[0] * 0.25),
    "running sums": (1, lambda a: np.cumsum(a) / np.size(a)),
    "side by side": (2, lambda a, b: np.concatenate([np.reshape(a, -1), np.reshape(b, -1)])[: np.size(a)]),
    "one above the other": (1, lambda a: np.stack([a, -a])[1]),
    "deviations from rows": (1, lambda a: a - np.mean(a, axis=0) if np.ndim(a) else a),
    "multiples in a row": (1, lambda a: a * np.arange(np.size(a)).reshape(np.shape(a))),
    "nothing where negative": (1, lambda a: (a > 0) * a - 0.5 * (a < 0)),
    "stop_gradient": (1, tg.stop_gradient),
    "like ones": (1, lambda a: np.ones_like(a) * a),
    "standardized": (1, lambda a: (a - np.mean(a)) / np.sqrt(np.mean((a - np.mean(a)) ** 2) + 1)),
    "smallest": (1, np.min),
    "softmax": (1, lambda a: np.exp(a - np.max(a)) / np.sum(np.exp(a - np.max(a)))),
    "softmax of rows": (1, lambda a: tg.softmax(a) if np.ndim(a) else a),
    "logarithms of softmax": (1, lambda a: tg.log_softmax(a) / 4 if np.ndim(a) else a),
    "gradient of another program": (1, lambda a: tg.grad(lambda b: np.sum(np.sin(b) * b))(a)),
}
SHAPES = [(), (3,), (2, 3), (2, 1), (1, 3)]
LARGEST = 40

steps = st.lists(st.tuples(st.sampled_from(sorted(OPERATIONS)), st.integers(0, 99), st.integers(0, 99)), min_size=1, max_size=8)
shapes = st.lists(st.sampled_from(SHAPES), min_size=1, max_size=3)
kinds = st.lists(st.sampled_from(["float32", "float64", "python"]), min_size=3, max_size=3)


def program(steps):
    """A function of arrays that does the steps, each on results of earlier ones; it returns the last result and the sum of all."""

    def everything(*arguments):
        results = list(arguments)
        for name, first, second in steps:
            arity, operation = OPERATIONS[name]
            operands = [results[first % len(results)], results[second % len(results)]][:arity]
            try:
                shape = np.broadcast_shapes(*(np.shape(x) for x in operands))
            except ValueError:
                continue
            if np.prod(shape, dtype=int) <= 6 or arity == 1:
                results.append(operation(*operands))
        return sum(np.sum(np.sin(result)) for result in results), results[-1]

    return everything


def drawn(seed, shapes, kinds):
    rng = np.random.default_rng(seed)
    arguments = []
    for shape, kind in zip(shapes, kinds, strict=False):
        x = np.round(rng.uniform(-2, 2, shape), 2)
        arguments.append(float(x) if kind == "python" and shape == () else np.asarray(x, kind if kind != "python" else float)[()])
    return arguments


def assert_same(compiled, eager, rtol=1e-12):
    compiled, eager = list(tree_leaves(compiled)), list(tree_leaves(eager))
    assert len(compiled) == len(eager)
    for a, b in zip(compiled, eager, strict=True):
        a, b = np.asarray(a), np.asarray(b)
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol)


RANDOM_PROGRAMS = settings(max_examples=500 if EXHAUSTIVE else 60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@RANDOM_PROGRAMS
@given(steps, shapes, st.integers(0, 2**32 - 1), st.booleans())
def test_a_compiled_program_computes_what_it_computes_eagerly(steps, shapes, seed, python):
    arguments = drawn(seed, shapes, ["python" if python else "float64"] * 3)
    f = program(steps)
    assert_same(tg.compile(f)(*arguments), f(*(np.asarray(x)[()] for x in arguments)))


@RANDOM_PROGRAMS
@given(steps, shapes, st.integers(0, 2**32 - 1), st.booleans())
def test_its_gradient_is_the_eager_one(steps, shapes, seed, python):
    arguments = drawn(seed, shapes, ["python" if python else "float64"] * 3)
    gradient = tg.value_and_grad(program(steps), tuple(range(len(arguments))), has_aux=True)
    assert_same(tg.compile(gradient)(*arguments), gradient(*arguments))


@RANDOM_PROGRAMS
@given(steps, shapes, st.integers(0, 2**32 - 1))
def test_its_second_derivative_is_the_eager_one(steps, shapes, seed):
    arguments = drawn(seed, shapes, ["float64"] * 3)
    f = program(steps)

    def curvature(*arguments):
        return tg.hvp(lambda *x: f(*x)[0], arguments, tuple(np.cos(x) for x in arguments))

    assert_same(tg.compile(curvature)(*arguments), curvature(*arguments), rtol=1e-11)


@RANDOM_PROGRAMS
@given(steps, shapes, st.integers(0, 2**32 - 1), kinds)
def test_its_dtypes_are_the_eager_ones_for_any_mixture_of_precisions(steps, shapes, seed, kinds):
    arguments = drawn(seed, shapes, kinds)
    gradient = tg.value_and_grad(program(steps), 0, has_aux=True)
    assert_same(tg.compile(gradient)(*arguments), gradient(*arguments), rtol=2e-4)


@settings(RANDOM_PROGRAMS, max_examples=50 if EXHAUSTIVE else 10)  # each is compiled by JAX, which takes its time
@given(steps, shapes, st.integers(0, 2**32 - 1), kinds)
def test_on_jax_it_is_the_same_in_value_dtype_and_gradient(steps, shapes, seed, kinds):
    arguments = drawn(seed, shapes, kinds)
    gradient = tg.value_and_grad(program(steps), 0, has_aux=True)
    rtol = 2e-4 if "float32" in kinds else 1e-12
    assert_same(tg.compile(gradient, target="jax")(*arguments), gradient(*arguments), rtol=rtol)


@RANDOM_PROGRAMS
@given(steps, shapes, st.integers(0, 2**32 - 1))
def test_a_program_is_right_for_other_numbers_than_it_was_recorded_for_and_leaves_its_arguments_alone(steps, shapes, seed):
    gradient = tg.value_and_grad(program(steps), has_aux=True)
    compiled = tg.compile(gradient)
    first = compiled(*drawn(seed, shapes, ["float64"] * 3))
    kept = [np.array(x) for x in tree_leaves(first)]
    arguments = drawn(seed + 1, shapes, ["float64"] * 3)
    before = [np.array(x) for x in arguments]
    second = compiled(*arguments)
    assert_same(second, gradient(*arguments))
    for argument, old in zip(arguments, before, strict=True):
        np.testing.assert_array_equal(argument, old)
    for result in tree_leaves(second):
        if isinstance(result, np.ndarray):
            result += 1.0  # which changes neither the arguments nor an earlier result nor a later one
    for argument, old in zip(arguments, before, strict=True):
        np.testing.assert_array_equal(argument, old)
    for result, old in zip(tree_leaves(first), kept, strict=True):
        np.testing.assert_array_equal(result, old)
    assert_same(compiled(*arguments), gradient(*arguments))


@RANDOM_PROGRAMS
@given(steps, shapes, st.integers(0, 2**32 - 1))
def test_run_in_blocks_of_one_number_it_gives_the_same(steps, shapes, seed):
    arguments = drawn(seed, shapes, ["float64"] * 3)
    gradient = tg.value_and_grad(program(steps), tuple(range(len(arguments))), has_aux=True)
    with mock.patch.object(blocks, "BLOCK", 1), mock.patch.object(rewriting, "WORTH_EXPANDING", 0):
        compiled = tg.compile(gradient)
        result = compiled(*arguments)
    assert_same(result, gradient(*arguments))
    scope = {}
    exec(compiled.optimized_source, scope)
    assert_same(scope["everything"](*arguments), result, rtol=1e-14)


@RANDOM_PROGRAMS
@given(steps, shapes, st.integers(0, 2**32 - 1))
def test_its_source_gives_the_same_when_it_is_run_alone(steps, shapes, seed):
    arguments = drawn(seed, shapes, ["float64"] * 3)
    compiled = tg.compile(tg.value_and_grad(program(steps), has_aux=True))
    expected = compiled(*arguments)
    scope = {}
    exec(compiled.source, scope)
    assert_same(scope["everything"](*arguments), expected, rtol=1e-14)


def test_a_number_is_not_multiplied_with_a_mask_before_the_mask_is_multiplied_with_what_it_masks():
    gradient = tg.value_and_grad(lambda a, b: ((a / 2.0) < b) * (a / 2.0))
    assert_same(tg.compile(gradient)(np.float32(1.5), np.float32(2.5)), gradient(np.float32(1.5), np.float32(2.5)), rtol=1e-6)
