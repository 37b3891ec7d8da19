"""Every NumPy function that is differentiated, compiled: first and second derivatives are the eager ones, or refused."""

import re

import numpy as np
import pytest

import tinygrad_edu as tg
from tests import numpy_calls
from tests.profile import sampled
from tests.test_numpy_grid import arguments_of
from tinygrad_edu.errors import TinygradError, TracingError
from tinygrad_edu.testing.operations import in_real_numbers
from tinygrad_edu.transforms.trees import tree_leaves

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
CALLS = [(call, shapes) for call, shapes in numpy_calls.calls() if not call.startswith("np.imag")]


def total_of(call):
    """A number that depends on all floating-point numbers that a call gives."""
    f = numpy_calls.function(call)

    def total(*arguments):
        parts = [in_real_numbers(x) for x in tree_leaves(f(*arguments)) if getattr(x, "dtype", np.dtype(bool)).kind in "fc"]
        return sum(np.sum(x**2 * np.reshape(np.linspace(1.0, 2.0, x.size), x.shape)) for x in parts)

    return total


def curvature_of(call):
    return lambda *x: tg.hvp(total_of(call), x, tuple(np.ones_like(part) for part in x))


def gradient_of(call):
    return lambda *x: tg.grad(total_of(call), tuple(range(len(x))))(*x)


@pytest.mark.parametrize("derivative", [gradient_of, curvature_of], ids=["first", "second"])
@pytest.mark.parametrize("part", range(4))
def test_a_compiled_derivative_is_the_eager_one_or_refused_by_the_name_of_the_users_function(derivative, part):
    refused = {}
    for call, shapes in sampled(CALLS, 240)[part::4]:
        f, arguments = derivative(call), arguments_of(call, shapes, ["float64"] * len(shapes))
        try:
            expected = f(*arguments)
        except (TinygradError, TypeError, ValueError, IndexError, ArithmeticError):  # it has none
            continue
        try:
            got = tg.compile(f)(*arguments)
        except TracingError as error:
            refused[call] = str(error)
            continue
        for a, b in zip(tree_leaves(got), tree_leaves(expected), strict=True):
            size = np.max(np.abs(b), initial=1.0, where=np.isfinite(b))
            np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-8 * size, err_msg=f"{call}, shapes {shapes}")
    for call, words in refused.items():
        name = re.search(r"np(\.\w+)+", call)[0]
        assert f"but {name}() would make it depend on the numbers" in words, call


def test_the_gradient_of_a_convolution_with_whole_overlaps_is_another_one():
    gradient = tg.compile(tg.grad(lambda kernel, x: np.sum(np.convolve(x, kernel, "valid") ** 2)))
    x, kernel = np.arange(5.0), np.array([1.0, -2.0])
    np.testing.assert_allclose(gradient(kernel, x), tg.grad(lambda k: np.sum((x[1:] * k[0] + x[:-1] * k[1]) ** 2))(kernel))
    assert "np.convolve(x[::-1], 2.0 * np.convolve(x, kernel, mode='valid'), mode='valid')" in gradient.source


def test_the_gradient_of_the_solution_of_equations_for_a_vector_makes_no_matrix_of_the_vector():
    gradient = tg.compile(tg.grad(lambda a, b: np.sum(np.linalg.solve(a, b) ** 2), (0, 1)))
    a, b = np.array([[2.0, 1.0], [0.5, 3.0]]), np.array([1.0, -2.0])
    d_a, d_b = gradient(a, b)
    x = np.linalg.inv(a) @ b
    np.testing.assert_allclose(d_b, np.linalg.inv(a).T @ (2 * x))
    np.testing.assert_allclose(d_a, -np.outer(d_b, x))
    assert "reshape" not in gradient.source
    assert "np.linalg.solve(a.T, " in gradient.source


def test_what_is_needed_anyway_is_transposed_and_not_computed_again_in_transposes():
    def f(W, Q, X):
        K = X @ W
        return np.sum((Q @ K.T) ** 2)

    gradient = tg.compile(tg.grad(f, (0, 1)))
    W, Q, X = np.array([[0.5, 1.0], [0.25, -1.0]]), np.array([[1.0, 2.0]]), np.array([[1.0, -1.0], [2.0, 0.5], [0.0, 3.0]])
    d_W, d_Q = gradient(W, Q, X)
    np.testing.assert_allclose(d_W, 2 * X.T @ (X @ W @ Q.T) @ Q)
    np.testing.assert_allclose(d_Q, 2 * Q @ (X @ W).T @ X @ W)
    assert "K = X @ W" in gradient.source
    assert "W.T @ X.T" not in gradient.source


def test_a_product_with_an_outer_product_is_one_with_a_vector():
    def f(A, y):
        inverse = np.linalg.inv(A)
        return y @ inverse @ y

    gradient = tg.compile(tg.grad(f))
    A, y = np.array([[2.0, 1.0], [0.5, 3.0]]), np.array([1.0, -2.0])
    inverse = np.linalg.inv(A)
    np.testing.assert_allclose(gradient(A, y), -np.outer(inverse.T @ y, inverse @ y))
    assert "d_A = -(inverse.T @ y)[:, None] * (y @ inverse.T)" in gradient.source


def test_a_vector_as_a_column_is_as_short_as_a_name_for_it():
    gradient = tg.compile(tg.grad(lambda W, U, b, x, y: np.sum(np.tanh(W @ x + U @ y + b)), (0, 1, 2)))
    gradient(np.ones((2, 3)), np.ones((2, 2)), np.ones(2), np.ones(3), np.ones(2))
    assert "[:, None] * x\n" in gradient.source
    assert "[:, None] * y\n" in gradient.source
