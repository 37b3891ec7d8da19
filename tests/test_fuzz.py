"""Programs made up at random, of single numbers and arrays, integers, indices, stacks and matrices, computed in every way there is.

Eagerly they give what NumPy gives, to the last bit; compiled the same; and the first and second derivatives are PyTorch's.
Where numbers of Python's stand beside arrays of every dtype, values and dtypes are NumPy's, too.
"""

import operator
from importlib import import_module
from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import tinygrad_edu as tg
from tests.profile import EXHAUSTIVE
from tinygrad_edu.transforms import matrices
from tinygrad_edu.transforms.trees import tree_leaves

torch = import_module("torch") if find_spec("torch") else None

LARGEST = 24
"""How many numbers a result may have and still be computed with."""


def flat(x):
    return x.reshape(-1) if hasattr(x, "reshape") else np.reshape(x, -1)


def length(x):
    return int(np.prod(tuple(x.shape), dtype=int)) if hasattr(x, "shape") else 1


def axes(x):
    return len(tuple(x.shape)) if hasattr(x, "shape") else 0


def matrix(xp, x):
    """A matrix far from singular, made of the first numbers."""
    v = flat(x)[np.arange(4) % length(x)].reshape(2, 2)
    return 0.25 * xp.tanh(v) + (torch.eye(2, dtype=torch.float64) if xp is torch else np.eye(2))


def symmetric(xp, x):
    a = matrix(xp, x)
    return a @ a.T + (torch.tensor if xp is torch else np.array)([[1.0, 0.0], [0.0, 3.0]])


# Functions of xp, which is NumPy or PyTorch, and of operands that are floats: single numbers or arrays of any shape.
ONE = {
    "negative": lambda xp, a: -a,
    "square": lambda xp, a: a**2 / 4,
    "cube": lambda xp, a: a**3 / 8,
    "times itself": lambda xp, a: a * a * 0.25,
    "plus itself": lambda xp, a: a + a,
    "half": lambda xp, a: a / 2,
    "number minus": lambda xp, a: 2 - a,
    "number over": lambda xp, a: 1 / (a * a + 1),
    "a power of two": lambda xp, a: 2.0 ** (a / 2),
    "tanh": lambda xp, a: xp.tanh(a),
    "sin": lambda xp, a: xp.sin(a),
    "exp": lambda xp, a: xp.exp(-(a**2)),
    "log": lambda xp, a: xp.log(a * a + 1),
    "sqrt": lambda xp, a: xp.sqrt(a * a + 1),
    "absolute": lambda xp, a: abs(a),
    "at least zero": lambda xp, a: xp.maximum(torch.zeros((), dtype=torch.float64), a) if xp is torch else np.maximum(0.0, a),
    "at most one": lambda xp, a: xp.minimum(a, torch.ones((), dtype=torch.float64)) if xp is torch else np.minimum(a, 1),
    "softplus": lambda xp, a: xp.logaddexp(torch.zeros((), dtype=torch.float64), a) if xp is torch else np.logaddexp(0, a),
    "clipped": lambda xp, a: xp.clip(a, -1, 1),
    "positive part": lambda xp, a: xp.where(a > 0, a, 0.5 * a),
    "masked": lambda xp, a: (a > 0.1) * a,
    "relu": lambda xp, a: torch.relu(a) if xp is torch else tg.relu(a),
    "sigmoid": lambda xp, a: torch.sigmoid(a) if xp is torch else tg.sigmoid(a),
    "softmax": lambda xp, a: torch.softmax(flat(a), 0) if xp is torch else tg.softmax(flat(a)),
    "logsumexp": lambda xp, a: torch.logsumexp(flat(a), 0) / 4 if xp is torch else tg.logsumexp(flat(a)) / 4,
    "sum": lambda xp, a: xp.sum(a),
    "mean": lambda xp, a: xp.mean(a),
    "mean over the first axis": lambda xp, a: xp.mean(a, 0) if axes(a) else a,
    "sum over the last axis": lambda xp, a: xp.sum(a, -1) if axes(a) else a,
    "deviations": lambda xp, a: a - xp.mean(a),
    "largest": lambda xp, a: a.max() if xp is torch else np.max(a),
    "smallest of rows": lambda xp, a: (torch.amin(a, -1) if xp is torch else np.min(a, axis=-1)) if axes(a) else a,
    "product": lambda xp, a: xp.prod(xp.tanh(a)),
    "running sums": lambda xp, a: xp.cumsum(flat(a), 0) / length(a),
    "sorted": lambda xp, a: torch.sort(flat(a)).values if xp is torch else np.sort(flat(a)),
    "transpose": lambda xp, a: a.permute(tuple(range(axes(a) - 1, -1, -1))) if xp is torch else np.transpose(a),
    "first": lambda xp, a: flat(a)[0],
    "last": lambda xp, a: a[-1] if axes(a) else a,
    "inner": lambda xp, a: a[..., 0] if axes(a) else a,
    "every other": lambda xp, a: flat(a)[::2],
    "all but the first": lambda xp, a: flat(a)[1:] if length(a) > 1 else a,
    "neighbours": lambda xp, a: flat(a)[1:] * flat(a)[:-1] if length(a) > 1 else a,
    "new axis in front": lambda xp, a: a[None] if axes(a) in (1, 2) else a,
    "new axis behind": lambda xp, a: a[..., None] if axes(a) in (1, 2) else a,
    "some twice": lambda xp, a: flat(a)[np.array([0, 0, -1])],
    "reversed": lambda xp, a: xp.flip(flat(a), (0,)),
    "turned round": lambda xp, a: xp.roll(flat(a), 1),
    "stacked with its negative": lambda xp, a: xp.stack([a, -a]),
    "repeated": lambda xp, a: xp.broadcast_to(a, (2, *a.shape)) if axes(a) in (1, 2) else a,
    "differences": lambda xp, a: xp.diff(flat(a)) if length(a) > 1 else a,
    "determinant": lambda xp, a: xp.linalg.det(matrix(xp, a)),
    "inverse": lambda xp, a: xp.linalg.inv(matrix(xp, a)),
    "log determinant": lambda xp, a: xp.linalg.slogdet(matrix(xp, a))[1],
    "cholesky": lambda xp, a: xp.linalg.cholesky(symmetric(xp, a)),
    "eigenvalues": lambda xp, a: xp.linalg.eigvalsh(symmetric(xp, a)),
    "length": lambda xp, a: xp.linalg.norm(flat(a) + 3.0),
    "transposed product": lambda xp, a: (matrix(xp, a) @ matrix(xp, -a)).T,
}
TWO = {
    "add": lambda xp, a, b: a + b,
    "subtract": lambda xp, a, b: a - b,
    "multiply": lambda xp, a, b: 0.5 * (a * b),
    "divide": lambda xp, a, b: a / (b * b + 1),
    "power": lambda xp, a, b: (a * a + 1) ** (xp.tanh(b)),
    "maximum": lambda xp, a, b: xp.maximum(a, b),
    "where": lambda xp, a, b: xp.where(a > b, a, b * 2),
    "hypot": lambda xp, a, b: xp.hypot(a + 3.0, b),
}
ANY_TWO = {  # operands that need not broadcast
    "outer product": lambda xp, a, b: flat(a)[:, None] * flat(b)[None] / 4,
    "joined": lambda xp, a, b: xp.concatenate([flat(a), flat(b)]),
    "solved": lambda xp, a, b: xp.linalg.solve(matrix(xp, a), flat(b)[np.arange(2) % length(b)]),
    "matrix product": lambda xp, a, b: matrix(xp, a) @ matrix(xp, b),
    "stack times matrix, transposed": lambda xp, a, b: (
        torch.permute(xp.stack([matrix(xp, a), matrix(xp, b)]) @ matrix(xp, b), (2, 1, 0))
        if xp is torch
        else (xp.stack([matrix(xp, a), matrix(xp, b)]) @ matrix(xp, b)).T
    ),
    "ones times a number": lambda xp, a, b: (torch.ones(2, dtype=torch.float64) if xp is torch else np.ones(2)) * flat(a)[0],
}
WITH_INTEGERS = {
    "times integers": lambda xp, a, k: a * k,
    "integers over": lambda xp, a, k: k / (a * a + 1),
    "over integers": lambda xp, a, k: a / (k * k + 1),
    "plus integers": lambda xp, a, k: a + k,
    "less halves of integers": lambda xp, a, k: a - (k.double() if xp is torch else k) / 2,
    "power of integers": lambda xp, a, k: (a * a + 1) ** (k % 3),
    "where integers are even": lambda xp, a, k: xp.where(k % 2 == 0, a, -a),
}
AT_INTEGERS = {
    "at integers": lambda xp, a, k: flat(a)[k % length(a)],
    "rows at integers": lambda xp, a, k: a[k % int(a.shape[0])] if axes(a) == 2 and axes(k) < 2 else a,
}
INTEGERS = {
    "doubled": lambda k: 2 * k,
    "plus one": lambda k: k + 1,
    "negative": lambda k: -k,
    "squared": lambda k: k * k % 7,
    "halved": lambda k: k // 2,
    "remainder": lambda k: k % 3,
}

KINDS = {"one": ONE, "two": TWO, "any two": ANY_TWO, "with integers": WITH_INTEGERS, "at integers": AT_INTEGERS, "whole": INTEGERS}
FUNCTIONS = {name: (kind, f) for kind, table in KINDS.items() for name, f in table.items()}
steps = st.lists(st.tuples(st.sampled_from(sorted(FUNCTIONS)), st.integers(0, 99), st.integers(0, 99)), min_size=1, max_size=7)
SHAPES = [(), (), (1,), (3,), (2, 3), (2, 1), (1, 3), (2, 1, 2)]
INTEGER_SHAPES = [(), (3,), (1,)]
programs = st.tuples(
    steps,
    st.lists(st.sampled_from(SHAPES), min_size=1, max_size=3),
    st.sampled_from(INTEGER_SHAPES),
    st.integers(0, 2**32 - 1),
    st.booleans(),
)


def program(steps, xp=np):
    """A function of floats and integers that does the steps, each on earlier results; it returns one number and all results.

    It closes over the functions of its steps alone: what a function uses is looked at when it is compiled.
    """
    done = [(*FUNCTIONS[name], first, second) for name, first, second in steps]

    def everything(floats, integers):
        floats, integers = list(floats), [integers]
        for kind, f, first, second in done:
            a, b, k = floats[first % len(floats)], floats[second % len(floats)], integers[second % len(integers)]
            if kind == "whole":
                integers.append(f(integers[first % len(integers)]))
            elif kind == "one":
                floats.append(f(xp, a))
            elif kind in ("at integers", "with integers"):
                if kind == "at integers" or broadcasts(a, k):
                    floats.append(f(xp, a, k))
            elif kind == "any two" or broadcasts(a, b):
                floats.append(f(xp, a, b))
            if length(floats[-1]) > LARGEST or not length(floats[-1]):
                floats.pop()
        return sum(xp.sum(xp.sin(result)) for result in floats), floats

    return everything


def broadcasts(a, b):
    try:
        np.broadcast_shapes(tuple(np.shape(a)), tuple(np.shape(b)))
    except ValueError:
        return False
    return True


def drawn(shapes, integer_shape, seed, python):
    rng = np.random.default_rng(seed)
    floats = [np.round(rng.uniform(-2, 2, shape), 2)[()] for shape in shapes]
    integers = rng.integers(-3, 6, integer_shape)
    if python:
        floats = [float(x) if x.shape == () else x for x in floats]
        integers = int(integers) if integer_shape == () else integers
    return floats, integers


def assert_same(found, expected, rtol=0.0):
    found, expected = list(tree_leaves(found)), list(tree_leaves(expected))
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        a, b = np.asarray(a), np.asarray(b)
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol)


PARTS = pytest.mark.parametrize("part", range(8 if EXHAUSTIVE else 1))  # each draws programs of its own


def fuzz(by_default, exhaustive):
    """How many programs each part tries."""
    return settings(max_examples=exhaustive if EXHAUSTIVE else by_default, deadline=None, suppress_health_check=list(HealthCheck))


@PARTS
@fuzz(300, 2500)
@given(programs)
def test_a_program_of_values_gives_what_numpy_gives_to_the_last_bit(part, drawing):
    steps, *rest = drawing
    floats, integers = drawn(*rest)
    values = [tg.Value(x) for x in floats]
    _, results = program(steps)(values, integers)
    _, expected = program(steps)([np.asarray(x)[()] for x in floats], integers)
    assert_same([x.numpy() for x in results], expected)


@pytest.mark.skipif(torch is None, reason="could not import 'torch'")
@PARTS
@fuzz(300, 2500)
@given(programs)
@example(([("cholesky", 0, 0), ("absolute", 1, 0)], [()], (), 0, False))
def test_its_first_and_second_derivatives_are_pytorchs(part, drawing):
    steps, *rest = drawing
    floats, integers = drawn(*rest)
    tensors = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in floats]
    total, _ = program(steps, torch)(tensors, torch.as_tensor(integers))
    directions = [torch.cos(x).detach() for x in tensors]
    gradients = torch.autograd.grad(total, tensors, create_graph=True, allow_unused=True)
    along = sum((torch.sum(g * d) for g, d in zip(gradients, directions, strict=True) if g is not None), torch.zeros(()))
    curved = torch.autograd.grad(along, tensors, allow_unused=True) if along.requires_grad else [None] * len(tensors)

    def f(floats):
        return program(steps)(floats, integers)[0]

    found, product = tg.grad(f)(floats), tg.hvp(f, floats, [np.cos(x) for x in floats])
    for mine, theirs in zip(found, gradients, strict=True):
        assert_pytorchs(mine, theirs if theirs is None else theirs.detach())
    has_kinks = "absolute" in {name for name, _, _ in steps}  # at 0, where the second derivative is NaN, and PyTorch says 0
    for mine, theirs in zip(product, curved, strict=True):
        assert_pytorchs(mine, np.where(np.isnan(mine), mine, theirs) if has_kinks and theirs is not None else theirs)


def assert_pytorchs(mine, theirs):
    expected = np.zeros(np.shape(mine)) if theirs is None else np.asarray(theirs)
    np.testing.assert_allclose(mine, expected, rtol=1e-8, atol=1e-8 * max(1.0, np.max(np.abs(expected), initial=0)))


@PARTS
@fuzz(300, 2500)
@given(programs)
def test_compiled_it_is_the_same_in_value_gradient_and_second_derivative(part, drawing):
    steps, *rest = drawing
    floats, integers = drawn(*rest)
    f = program(steps)
    plain = [np.asarray(x)[()] for x in floats]
    assert_same(tg.compile(f)(floats, integers), f(plain, integers), rtol=1e-11)

    def derivatives(floats, integers):
        def total(floats):
            return f(floats, integers)[0]

        if "determinant" in {name for name, _, _ in steps}:  # whose second derivative asks for numbers, and is refused
            return tg.value_and_grad(total)(floats)
        return tg.value_and_grad(total)(floats), tg.hvp(total, floats, [np.cos(x) for x in floats])

    assert_same(tg.compile(derivatives)(floats, integers), derivatives(floats, integers), rtol=1e-8)


@PARTS
@fuzz(60, 1000)
@given(programs)
def test_its_jacobian_and_its_hessian_are_the_same_at_once_and_row_by_row(part, drawing):
    steps, *rest = drawing
    floats, integers = drawn(*rest)
    f = program(steps)

    def derivatives(floats, integers):
        second = tg.hessian(lambda floats: f(floats, integers)[0])
        return tg.jacobian(lambda floats: f(floats, integers)[1])(floats), second(floats)

    with pytest.MonkeyPatch.context() as context, np.errstate(all="ignore"):
        context.setattr(matrices, "_FEW", np.inf)
        expected = derivatives(floats, integers)
        context.setattr(matrices, "_FEW", 0)
        assert_same(derivatives(floats, integers), expected, rtol=1e-8)
        if "determinant" not in {name for name, _, _ in steps}:
            assert_same(tg.compile(derivatives)(floats, integers), expected, rtol=1e-8)


@PARTS
@fuzz(8, 30)
@given(programs)
def test_on_jax_it_is_the_same_in_value_and_gradient(part, drawing):
    steps, *rest = drawing
    floats, integers = drawn(*rest)
    gradient = tg.value_and_grad(program(steps), has_aux=True)
    assert_same(tg.compile(gradient, target="jax")(floats, integers), gradient(floats, integers), rtol=1e-9)


# --- numbers of Python's beside arrays of every dtype -------------------------------------------------------------------------

OF_ONE = {
    "negative": operator.neg,
    "absolute": abs,
    "cube": lambda a: a**3,
    "root": lambda a: abs(a) ** 0.5,
    "inverse": lambda a: (abs(a) + 1.0) ** -1,
    "times itself": lambda a: a * a,
    "NumPy's negative": np.negative,
    "NumPy's absolute": np.absolute,
    "NumPy's square": np.square,
    "NumPy's root": lambda a: np.sqrt(abs(a)),
    "exp": lambda a: np.exp(-abs(a)),
    "sum": np.sum,
    "mean": np.mean,
    "flat": lambda a: np.reshape(a, -1),
    "stacked": lambda a: np.stack([a, a]),
    "repeated": lambda a: np.broadcast_to(a, (2, *np.shape(a))),
}
OF_TWO = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "power": lambda a, b: (abs(a) + 1) ** b,
    "NumPy's add": np.add,
    "NumPy's multiply": np.multiply,
    "NumPy's divide": np.divide,
    "maximum": np.maximum,
    "hypot": np.hypot,
    "joined": lambda a, b: np.concatenate([np.reshape(a, -1), np.reshape(b, -1)]),
}
OF_WHAT_IS_GIVEN = {  # and not of results, whose last bit would decide
    "less": operator.lt,
    "equal": operator.eq,
    "floor divide": operator.floordiv,
    "remainder": operator.mod,
    "and": operator.and_,
    "or": operator.or_,
    "NumPy's greater": np.greater,
    "NumPy's exclusive or": np.bitwise_xor,
    "where": lambda a, b: np.where(a > b, a, b),
    "where not zero": lambda a, b: np.where(b, a, 2),
    "clipped": lambda a, b: np.clip(a, 0, b),
}
MIXING = OF_ONE | OF_TWO | OF_WHAT_IS_GIVEN
PYTHONS = ["float", "int", "bool"]
DTYPES = ["float64", "float32", "float16", "complex128", "complex64", "int64", "int32", "int8", "uint8", "bool_"]
NUMBERS = [0, 1, 2, -1, 3, 7, 100, 300, -200, 0.0, -0.0, 1.0, 2.0, 0.5, -0.25, 0.1, 1e-3, True, False]
mixtures = st.tuples(
    st.lists(st.tuples(st.sampled_from(sorted(MIXING)), st.integers(0, 99), st.integers(0, 99)), min_size=1, max_size=6),
    st.lists(st.tuples(st.sampled_from(2 * PYTHONS + DTYPES), st.sampled_from([(), (3,), (2, 3), (1,)])), min_size=1, max_size=3),
    st.lists(st.sampled_from(NUMBERS), min_size=1, max_size=3),
    st.integers(0, 2**32 - 2),
    st.booleans(),
)


def mixed(kinds, seed):
    """Arguments of Python's types and NumPy's."""
    rng = np.random.default_rng(seed)
    for kind, shape in kinds:
        x = rng.uniform(-2, 2, shape) if kind in ("float", *DTYPES[:5]) else rng.integers(0 if kind[0] in "bu" else -3, 6, shape)
        if kind in PYTHONS:
            yield {"float": float, "int": int, "bool": bool}[kind](np.flip(x).flat[0])
        else:
            yield np.asarray(x > 2 if kind == "bool_" else x * (1 + 1j) if kind[0] == "c" else x).astype(kind)[()]


def done(steps, constants, arguments):
    """The steps that NumPy does with these arguments, with results that are neither many nor huge, and all numbers."""
    numbers, possible = [*arguments, *constants], []
    given = len(numbers)
    for name, first, second in steps:
        among = given if name in OF_WHAT_IS_GIVEN else len(numbers)
        operands = (first % among,) if name in OF_ONE else (first % among, second % among)
        try:
            result = MIXING[name](*(numbers[operand] for operand in operands))
            is_moderate = np.size(result) <= LARGEST and np.all(np.abs(np.asarray(result, complex)) < 1e4)
        except (TypeError, ValueError, ArithmeticError):
            continue
        if is_moderate and type(result) is not complex:
            possible.append((MIXING[name], operands))
            numbers.append(result)
    return possible, numbers


def mixture(steps, constants, returns_all):
    """A function that does the steps. It closes over the functions of its steps alone."""

    def function(*arguments):
        numbers = [*arguments, *constants]
        for f, operands in steps:
            numbers.append(f(*(numbers[operand] for operand in operands)))
        return numbers[len(arguments) + len(constants) :] if returns_all else numbers[-1]

    return function


def assert_same_kinds(found, expected, numbers):
    """The same dtypes, arrays where there are arrays, and values that differ by roundings of the largest, least precise number."""
    found, expected = list(tree_leaves(found)), list(tree_leaves(expected))
    scale = max(np.max(np.abs(np.asarray(x, complex))) for x in (*numbers, *expected))
    dtypes = [np.asarray(x).dtype for x in (*numbers, *expected)]
    error = 100 * max((float(np.finfo(dtype).eps) for dtype in dtypes if dtype.kind in "fc"), default=0.0)
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        assert isinstance(a, np.ndarray) == isinstance(b, np.ndarray) or np.ndim(a) == 0
        a, b = np.asarray(a), np.asarray(b)
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        within = (error, error * scale) if b.dtype.kind in "fc" else (0, 0)
        np.testing.assert_allclose(a, b, *within)


@PARTS
@fuzz(300, 2500)
@given(mixtures)
@example(([("NumPy's greater", 0, 1), ("NumPy's add", 2, 2)], [("float", ())], [1], 0, False))
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_numbers_of_pythons_beside_arrays_of_every_dtype_are_compiled_to_what_numpy_makes_of_them(part, drawing):
    steps, kinds, constants, seed, returns_all = drawing
    first, second = list(mixed(kinds, seed)), list(mixed(kinds, seed + 1))
    possible, numbers = done(steps, constants, first)
    if possible:
        f = mixture(possible, constants, returns_all)
        compiled = tg.compile(f)
        assert_same_kinds(compiled(*first), f(*first), numbers)
        again, numbers = done(steps, constants, second)  # which the program was not recorded with
        if again == possible:
            assert_same_kinds(compiled(*second), f(*second), numbers)


@PARTS
@fuzz(300, 2500)
@given(mixtures)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_beside_values_they_give_what_numpy_gives_and_gradients_have_the_dtype_of_their_arguments(part, drawing):
    steps, kinds, constants, seed, _ = drawing
    arguments = list(mixed(kinds, seed))
    floats = [position for position, x in enumerate(arguments) if isinstance(x, np.floating | np.ndarray) and x.dtype.kind == "f"]
    possible, numbers = done(steps, constants, arguments)
    if not floats or not possible:
        return
    f = mixture(possible, constants, True)
    results = f(*(tg.Value(x) if position in floats else x for position, x in enumerate(arguments)))
    assert_same_kinds([x.numpy() if isinstance(x, tg.Value) else x for x in results], f(*arguments), numbers)
    total = lambda *arguments: sum(np.sum(np.real(np.tanh(x))) for x in f(*arguments))  # noqa: E731
    gradient = tg.grad(total, argnums=tuple(floats))
    expected = gradient(*arguments)
    assert [(x.shape, x.dtype) for x in expected] == [(arguments[at].shape, arguments[at].dtype) for at in floats]
    assert_same_kinds(tg.compile(gradient)(*arguments), expected, numbers)
