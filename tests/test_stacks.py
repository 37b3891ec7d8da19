"""Many inputs at once: for every entry of the table the same as one after the other, and so for the rows of a Jacobian."""

from itertools import product

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.primitives import stacking
from tinygrad_edu.primitives.stacking import applied_to_stacks, one_by_one, takes_stacks
from tinygrad_edu.primitives.table import TABLE
from tinygrad_edu.testing import in_real_numbers, samples
from tinygrad_edu.transforms import matrices
from tinygrad_edu.transforms.trees import tree_leaves

COUNT = 3
ENTRIES = pytest.mark.parametrize("entry", list(TABLE), ids=lambda entry: entry.name)
DIFFERENTIABLE = pytest.mark.parametrize("entry", [e for e in TABLE if e.is_differentiable], ids=lambda entry: entry.name)


def all_at_once_and_one_by_one(entry):
    """For each case of an operation, and each choice of inputs that are stacks: what both ways give."""
    for drawn in zip(*(samples(entry, seed) for seed in range(COUNT)), strict=True):
        for are_stacks in product([True, False], repeat=len(drawn[0].inputs)):
            if any(are_stacks):
                several = zip(*(sample.inputs for sample in drawn), strict=True)
                inputs = [np.stack(x) if is_stack else x[0] for x, is_stack in zip(several, are_stacks, strict=True)]
                call = entry, inputs, are_stacks, drawn[0].params
                yield applied_to_stacks(*call), one_by_one(*call)


@ENTRIES
def test_a_stack_of_inputs_gives_what_they_give_one_by_one(entry):
    for at_once, singly in all_at_once_and_one_by_one(entry):
        if at_once is NotImplemented:
            continue
        assert (at_once.shape, at_once.dtype) == (singly.shape, singly.dtype)
        np.testing.assert_allclose(at_once, singly, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", ["roll", "dot", "convolve", "lstsq", "linspace"])
def test_the_test_above_notices_an_operation_that_is_mistaken_for_one_that_takes_stacks(name, monkeypatch):
    monkeypatch.setattr(stacking, "takes_stacks", lambda *_: True)
    with pytest.raises((AssertionError, ValueError, TypeError, IndexError)):
        test_a_stack_of_inputs_gives_what_they_give_one_by_one(TABLE.entries[name])


def test_what_ignores_its_axis_is_found_out():
    """It gives an array of the right shape, but of the wrong numbers."""
    wrong = tg.primitive(lambda x, axis=0: np.cumsum(x, 0), lambda g, out, x, axis=0: g, name="wrong")
    wrong.cases = TABLE.entries["cumsum"].cases
    assert takes_stacks(TABLE.entries["cumsum"], (True,), False)
    assert not takes_stacks(wrong, (True,), False)
    assert applied_to_stacks(wrong, [np.ones((2, 3, 4))], [True], {"axis": 0}) is NotImplemented


def test_most_entries_of_the_table_take_stacks():
    """Those that do not are no part of most gradients, and would be noticed here if they became many."""
    results = {entry.name: [at_once for at_once, _ in all_at_once_and_one_by_one(entry)] for entry in TABLE}
    taken = [name for name, each in results.items() if not any(result is NotImplemented for result in each)]
    assert len(taken) > 0.85 * len(results)


def test_an_operation_that_states_no_cases_is_not_taken_for_more_than_it_is():
    """It looks as if it worked element by element, but looks at all elements."""
    centred = tg.primitive(lambda x: x - np.mean(x), lambda g, out, x: g - np.mean(g), name="centred")
    assert applied_to_stacks(centred, [np.ones((2, 3))], [True], {}) is NotImplemented


# --- Jacobians ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def row_by_row(monkeypatch):
    """A function that computes another one as if all rows were few."""

    def compute(f, *args):
        with monkeypatch.context() as context:
            context.setattr(matrices, "_FEW", np.inf)
            return f(*args)

    return compute


@pytest.fixture
def at_once(monkeypatch):
    """Also two rows, and one, are computed at once."""
    monkeypatch.setattr(matrices, "_FEW", 0)


def jacobians(entry):
    """For each case of an operation the Jacobian of a function with few outputs, that of one with many, and its arguments."""
    for sample in samples(entry):
        given = [position for position, has_rule in enumerate(sample.has_rule) if has_rule]
        arguments = [sample.inputs[position] for position in given]
        f = called_with(entry, sample, given)
        for function in (f, lambda *xs, f=f: np.stack([f(*xs), f(*(2 * x for x in xs)), f(*xs) ** 2])):
            yield tg.jacobian(function, tuple(range(len(given)))), arguments


def called_with(entry, sample, given):
    """The operation as a function of the inputs that have a rule."""

    def f(*xs):
        inputs = list(sample.inputs)
        for position, x in zip(given, xs, strict=True):
            inputs[position] = x
        return in_real_numbers(entry(*inputs, **sample.params))

    return f


@DIFFERENTIABLE
def test_the_jacobian_of_an_operation_is_the_same_at_once_and_row_by_row(entry, at_once, row_by_row):
    with np.errstate(all="ignore"):  # twice an input may be outside of the domain
        for jacobian, arguments in jacobians(entry):
            expected = row_by_row(jacobian, *arguments)
            for got, wanted in zip(jacobian(*arguments), expected, strict=True):
                assert (got.shape, got.dtype) == (wanted.shape, wanted.dtype)
                np.testing.assert_allclose(got, wanted, rtol=1e-10, atol=1e-12)


@DIFFERENTIABLE
def test_the_compiled_jacobian_of_an_operation_is_the_same(entry, at_once, row_by_row):
    with np.errstate(all="ignore"):
        for jacobian, arguments in list(jacobians(entry))[:4]:
            for got, wanted in zip(tg.compile(jacobian)(*arguments), row_by_row(jacobian, *arguments), strict=True):
                assert (np.shape(got), np.asarray(got).dtype) == (wanted.shape, wanted.dtype)
                np.testing.assert_allclose(got, wanted, rtol=1e-9, atol=1e-11)


RNG = np.random.default_rng(0)
X, CLASSES = RNG.normal(size=(7, 4)), np.array([0, 2, 1, 1, 0, 2, 2])


def picked(W, X, classes):
    """Logits of which some are picked by positions that are data."""
    logits = np.tanh(X @ W)
    return logits[np.arange(len(classes)), classes]


@pytest.mark.parametrize("target", ["numpy", "jax"])
@pytest.mark.parametrize(
    "transform", [tg.jacobian, lambda f: tg.hessian(lambda *args: np.sum(f(*args) ** 2))], ids=["first", "second"]
)
def test_positions_that_are_arguments_pick_from_all_rows_at_once(transform, target, row_by_row):
    W = RNG.normal(size=(4, 3))
    expected = row_by_row(transform(picked), W, X, CLASSES)
    compiled = tg.compile(transform(picked), target=target)
    np.testing.assert_allclose(compiled(W, X, CLASSES), expected, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(transform(picked)(W, X, CLASSES), expected, rtol=1e-9, atol=1e-11)
    assert "for " not in compiled.source[compiled.source.rindex('"""') :]


def several_trees(params, x):
    h = np.tanh(x @ params["W"] + params["b"])
    return {"h": h, "total": np.sum(h) * params["c"], "float": np.float32(2) * x}


@pytest.mark.parametrize("most", [1, 60, 500, 2000, 10**9])
@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("rows", [1, 30])
def test_what_is_too_much_for_the_memory_is_computed_piece_by_piece(most, compiled, rows, monkeypatch, row_by_row):
    arguments = {"W": RNG.normal(size=(4, 3)), "b": np.ones(3), "c": 2.0}, RNG.normal(size=(rows, 4)).astype(np.float32)
    jacobian = tg.jacobian(several_trees, (0, 1))
    expected = list(tree_leaves(row_by_row(jacobian, *arguments)))
    monkeypatch.setattr(matrices, "_MOST", most)
    got = list(tree_leaves((tg.compile(jacobian) if compiled else jacobian)(*arguments)))
    assert [(x.shape, x.dtype) for x in got] == [(x.shape, x.dtype) for x in expected]
    for part, wanted in zip(got, expected, strict=True):
        np.testing.assert_allclose(part, wanted, rtol=1e-5 if part.dtype == np.float32 else 1e-12, atol=1e-7)


def test_a_third_derivative_is_computed_at_once_in_each_of_its_jacobians():
    x = np.linspace(0.5, 1.5, 6)
    third = tg.jacobian(tg.hessian(lambda x: np.sum(x**4) + np.prod(x)))(x)
    places = np.indices((6, 6, 6))
    distinct = (places[0] != places[1]) & (places[1] != places[2]) & (places[0] != places[2])
    others = np.prod(x) / (x[:, None, None] * x[:, None] * x)
    expected = np.where(distinct, others, 0.0)
    expected[np.arange(6), np.arange(6), np.arange(6)] = 24 * x
    np.testing.assert_allclose(third, expected, rtol=1e-12, atol=1e-13)


# --- what is left to one row after the other ---------------------------------------------------------------------------------

N = 6
A = RNG.normal(size=(N, N))


def test_a_rule_of_the_users_that_asks_for_the_signs_of_the_gradient_sees_each_row():
    """Guided backpropagation lets pass what is positive; of several rows each has signs of its own."""
    guided = tg.primitive(lambda x: 2 * x, lambda g, out, x: 2 * np.where(g > 0, g, 0.0), name="guided")
    for compute in (tg.jacobian, lambda f: tg.compile(tg.jacobian(f))):
        np.testing.assert_allclose(compute(lambda x: A @ guided(x))(np.ones(N)), 2 * np.maximum(A, 0), rtol=1e-14)


def test_a_rule_of_the_users_may_be_made_for_arrays_alone():
    def backward(g, out, x):
        gradient = np.zeros(N)
        gradient[:] = g * 3
        return gradient

    tripled = tg.primitive(lambda x: 3 * x, backward, name="tripled")
    np.testing.assert_allclose(tg.jacobian(lambda x: A @ tripled(x))(np.ones(N)), 3 * A, rtol=1e-14)


def test_a_hook_sees_row_after_row():
    seen = []
    np.testing.assert_array_equal(tg.jacobian(lambda x: A @ tg.on_gradient(x, seen.append))(np.ones(N)), A)
    np.testing.assert_array_equal(seen, A)


def test_a_parameter_that_the_function_gives_new_data_has_the_gradients_of_the_old_ones():
    w = tg.Value(np.full(N, 2.0))

    def f(x):
        y = A @ (w * x)
        w.data = np.zeros(N)
        return y

    np.testing.assert_allclose(tg.jacobian(f)(np.ones(N)), 2 * A, rtol=1e-14)


def test_an_anomaly_is_found_in_the_row_where_it_is():
    with tg.detect_anomaly(), pytest.raises(tg.errors.AnomalyError, match="sqrt"), np.errstate(divide="ignore"):
        tg.jacobian(lambda x: A @ np.sqrt(x))(np.zeros(N))


def test_what_takes_no_stacks_is_applied_one_by_one_and_in_a_program_row_by_row(row_by_row):
    jacobian = tg.jacobian(lambda x: np.convolve(x, np.tanh(x)))
    x = np.linspace(-1, 1, N)
    expected = row_by_row(jacobian, x)
    compiled = tg.compile(jacobian)
    np.testing.assert_allclose(jacobian(x), expected, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(compiled(x), expected, rtol=1e-12, atol=1e-14)
    assert "for i in range(6):" in compiled.source


@pytest.mark.parametrize(
    "pick", [lambda x: np.sort(x)[[-1, 2, 2]], lambda x: np.take(np.outer(x, x), [[-1, 3], [0, -36]]), np.median]
)
def test_positions_from_the_end_are_those_of_each_array_in_a_stack(pick, at_once, row_by_row):
    jacobian = tg.jacobian(lambda x: x[:2] * np.ravel(pick(x))[:2])
    x = np.sin(np.arange(6.0))
    expected = row_by_row(jacobian, x)
    np.testing.assert_allclose(jacobian(x), expected, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(tg.compile(jacobian)(x), expected, rtol=1e-12, atol=1e-14)


# --- sources -----------------------------------------------------------------------------------------------------------------


def statements(compiled):
    return compiled.source[compiled.source.rindex('"""') + 4 :].rstrip()


def test_the_hessian_of_rosenbrocks_function_is_written_without_a_loop():
    def rosenbrock(x):
        return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    compiled = tg.compile(tg.hessian(rosenbrock))
    x = np.linspace(0.5, 1.5, 10)
    expected = np.diag(1200 * x**2 - 400 * np.append(x[1:], 0) + 202) - 400 * (np.diag(x[:-1], 1) + np.diag(x[:-1], -1))
    expected[0, 0], expected[-1, -1] = expected[0, 0] - 200, 200
    np.testing.assert_allclose(compiled(x), expected, rtol=1e-12)
    assert (
        statements(compiled)
        == """\
    part = x[:-1]  # (9,)
    d_product = constant_3 - 2 * constant_2 * part
    d_x = np.array(constant)
    d_x[:, :-1] += constant_2 * (400.0 * (part ** 2 - x[1:])) - 400.0 * d_product * part
    d_x[:, 1:] += 200.0 * d_product
    return d_x"""
    )


def test_the_jacobian_of_a_network_is_written_as_for_one_row():
    def network(W, X):
        h = np.tanh(X @ W)
        return 2 * h

    compiled = tg.compile(tg.jacobian(network))
    h = np.tanh(X @ np.ones((4, 3)))
    np.testing.assert_allclose(
        compiled(np.ones((4, 3)), X), np.einsum("nj,ni,jk->njik", 2 - 2 * h**2, X, np.eye(3)), rtol=1e-12, atol=1e-14
    )
    assert (
        statements(compiled)
        == """\
    h = np.tanh(X @ W)  # (7, 3)
    transposed = np.transpose(2 * (X @ constant) * (1 - h ** 2), axes=(1, 2, 0))  # (7, 3, 12)
    reshaped = np.reshape(transposed, (7, 3, 4, 3))  # (7, 3, 4, 3)
    return np.array(reshaped)"""
    )


def test_vectors_in_a_stack_are_the_rows_of_a_matrix():
    def residuals(w):
        z = X @ w
        return np.tanh(z)

    compiled = tg.compile(tg.hessian(lambda w: np.sum(residuals(w))))
    h = np.tanh(X @ np.ones(4))
    np.testing.assert_allclose(compiled(np.ones(4)), -2 * X.T * h * (1 - h**2) @ X, rtol=1e-12, atol=1e-14)
    assert (
        statements(compiled)
        == """\
    z = constant_2 @ w  # (7,)
    residuals = np.tanh(z)  # (7,)
    d_w = constant * residuals * (1 - residuals ** 2) @ constant_2
    return d_w"""
    )


def test_each_line_of_a_jacobian_comes_from_the_operation_whose_derivative_it_is():
    def residuals(w):
        h = np.tanh(A @ w)
        return np.sqrt(1 + h**2)

    compiled = tg.compile(tg.jacobian(residuals))
    compiled(np.ones(N))
    print(compiled.source, compiled.lines)
    first = residuals.__code__.co_firstlineno
    assert {line - first for _, line in compiled.lines} == {1, 2}
