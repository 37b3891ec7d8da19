"""The sources of the lecture's losses are, to the letter, what one derives by hand; and each runs without the package."""

import subprocess
import sys
from textwrap import dedent
from unittest import mock

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.compiler import blocks

X = np.array([1.0, 0.38, 1.2, 1.6, 0.8])
T = np.array([0.73, 0.22, 0.83, 1.28, 0.69])


def statements(compiled):
    """The lines of the function, without the docstring."""
    text = compiled.source
    return text[text.rindex('"""') + 3 :].strip("\n")


def test_the_lectures_loss_is_the_residual_the_loss_and_the_gradient():
    def loss(theta, x, t):
        residual = (t - theta * x).named("residual")
        return 0.5 * residual**2

    compiled = tg.compile(tg.value_and_grad(loss))
    assert compiled(3.0, 2.0, 8.0) == (2.0, -4.0)
    assert compiled.source == dedent('''\
        import numpy as np


        def loss(theta, x, t):
            """loss, recorded for theta a Python float; x a Python float; t a Python float."""
            residual = t - theta * x
            loss = 0.5 * residual ** 2
            d_theta = -residual * x
            return loss, d_theta
        ''')


def test_the_gradient_alone_is_the_lectures_formula():
    compiled = tg.compile(tg.grad(lambda theta, x, t: 0.5 * (t - theta * x) ** 2))
    assert compiled(3.0, 2.0, 8.0) == -4.0
    assert statements(compiled) == dedent("""\
        d_theta = (theta * x - t) * x
            return d_theta""").replace("d_theta =", "    d_theta =", 1)


def test_the_perceptron_is_minus_the_error_times_the_input():
    def perceptron(w, b, x, t):
        logit = (x @ w + b).named("logit")
        error = (t - tg.step(logit)).named("error")
        return -error * logit

    compiled = tg.compile(tg.value_and_grad(perceptron, argnums=(0, 1)))
    loss, (d_w, d_b) = compiled(np.array([1.0, 1.0]), 0.0, np.array([1.5, -3.0]), 1.0)
    assert (loss, d_w.tolist(), d_b) == (1.5, [-1.5, 3.0], -1.0)
    assert (
        statements(compiled)
        == """\
    logit = x @ w + b
    error = t - np.heaviside(logit, 0)
    perceptron = -error * logit
    d_w = -error * x
    d_b = -error
    return perceptron, (d_w, d_b)"""
    )


def test_the_mean_squared_error_on_five_points_has_a_mean_for_a_gradient():
    def loss(theta, x, t):
        residual = (t - theta * x).named("residual")
        return np.mean(0.5 * residual**2)

    compiled = tg.compile(tg.value_and_grad(loss))
    value, gradient = compiled(3.0, X, T)
    np.testing.assert_allclose(value, np.mean(0.5 * (T - 3 * X) ** 2), rtol=1e-15)
    np.testing.assert_allclose(gradient, np.mean((3 * X - T) * X), rtol=1e-15)
    assert (
        statements(compiled)
        == """\
    residual = t - theta * x
    loss = 0.5 * np.mean(residual ** 2)
    d_theta = -np.mean(residual * x)
    return loss, d_theta"""
    )


def test_the_second_derivative_of_the_lectures_loss_is_the_square_of_x():
    compiled = tg.compile(tg.hessian(lambda theta, x, t: 0.5 * (t - theta * x) ** 2))
    assert compiled(3.0, 2.0, 8.0) == 4.0
    assert statements(compiled).split("\n")[0].endswith("= x ** 2")


def test_logistic_regression_is_prediction_minus_target():
    def loss(w, X, t):
        logits = (X @ w).named("logits")
        return np.sum(tg.softplus(logits) - t * logits)

    compiled = tg.compile(tg.value_and_grad(loss))
    rng = np.random.default_rng(0)
    compiled(rng.normal(size=3), rng.normal(size=(8, 3)), rng.normal(size=8))
    assert (
        statements(compiled)
        == """\
    logits = X @ w  # (8,)
    loss = np.sum(np.logaddexp(logits, 0) - t * logits)
    d_w = (sigmoid(logits) - t) @ X
    return loss, d_w"""
    )


def test_a_whole_training_step_returns_new_parameters():
    def step(params, x, t, learning_rate):
        def loss(params):
            return np.mean((t - params["w"] * x - params["b"]) ** 2)

        gradient = tg.grad(loss)(params)
        return {name: params[name] - learning_rate * gradient[name] for name in params}

    params = {"w": 3.0, "b": 0.5}
    compiled = tg.compile(step)
    new = compiled(params, X, T, 0.1)
    expected = step(params, X, T, 0.1)
    assert new == pytest.approx(expected, rel=1e-14)
    assert "params_w" in compiled.source


def test_a_small_constant_array_is_written_where_it_is_needed_and_a_larger_one_in_front():
    small, larger = np.array([0.5, 1.5]), np.linspace(0.0, 1.0, 30)
    compiled = tg.compile(lambda theta: np.sum(theta * small) + np.sum(theta * larger))
    expected = compiled(2.0)
    assert "np.array([0.5, 1.5])" in statements(compiled)
    assert "\nconstant = np.array([0.0, " in compiled.source
    assert run_alone(compiled.source, "function(2.0)") == [expected]


def test_a_large_constant_array_becomes_a_parameter_of_the_source():
    large = np.linspace(0.0, 1.0, 100)
    compiled = tg.compile(lambda theta: np.sum(theta * large))
    assert compiled(2.0) == pytest.approx(100.0)
    assert "def function(theta, constant):" in compiled.source


def run_alone(source, call):
    """What a call of a source prints in a process that cannot import the package."""
    program = f"import sys\nsys.modules['tinygrad_edu'] = None\n{source}\nprint(*np.ravel({call}))"
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return [float(number) for number in done.stdout.split()]


def test_a_source_runs_in_a_process_that_has_numpy_only():
    def loss(theta, x, t):
        return 0.5 * (t - theta * x) ** 2

    compiled = tg.compile(tg.value_and_grad(loss))
    compiled(3.0, 2.0, 8.0)
    assert run_alone(compiled.source, "loss(3.0, 2.0, 8.0)") == [2.0, -4.0]


def test_a_source_brings_the_functions_along_that_numpy_does_not_have():
    def loss(w):
        return np.sum(tg.sigmoid(w) ** 2)

    compiled = tg.compile(tg.grad(loss))
    expected = compiled(np.array([0.5, -1.0]))
    assert "def sigmoid(x):" in compiled.source
    np.testing.assert_allclose(run_alone(compiled.source, "loss(np.array([0.5, -1.0]))"), expected, rtol=1e-14)


def test_gradients_of_parts_are_added_in_their_places():
    def rosenbrock(x):
        return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    compiled = tg.compile(tg.grad(rosenbrock))
    x = np.array([-1.2, 1.0, 0.5])
    np.testing.assert_allclose(compiled(x), tg.grad(rosenbrock)(x), rtol=1e-14)
    assert (
        statements(compiled)
        == """\
    part = x[:-1]  # (2,)
    difference = x[1:] - part ** 2  # (2,)
    d_x = np.zeros(3)
    d_x[:-1] = 2.0 * (part - 1) - 400.0 * difference * part
    d_x[1:] += 200.0 * difference
    return d_x"""
    )


def test_single_elements_are_named_after_their_places_and_their_gradients_put_there():
    compiled = tg.compile(tg.grad(lambda x: x[0] ** 2 * x[1] + np.sin(x[1])))
    np.testing.assert_allclose(compiled(np.array([2.0, 0.5])), [2.0, 4.0 + np.cos(0.5)], rtol=1e-14)
    assert (
        statements(compiled)
        == """\
    x_1 = x[1]
    x_0 = x[0]
    d_x = np.zeros(2)
    d_x[1] = np.cos(x_1) + x_0 ** 2
    d_x[0] = 2 * x_1 * x_0
    return d_x"""
    )


def test_softmax_cross_entropy_is_the_probabilities_less_one_at_the_right_classes():
    def loss(W, X, classes):
        logits = (X @ W).named("logits")
        return np.mean(tg.logsumexp(logits, axis=1) - logits[np.arange(len(classes)), classes])

    compiled = tg.compile(tg.grad(loss))
    rng = np.random.default_rng(0)
    W, X, classes = rng.normal(size=(4, 3)), rng.normal(size=(8, 4)), np.array([0, 1, 2, 0, 1, 2, 0, 1])
    np.testing.assert_allclose(compiled(W, X, classes), tg.grad(loss)(W, X, classes), rtol=1e-13)
    lines = statements(compiled).split("\n")
    assert "    d_logits[np.arange(8), classes] -= 0.125" in lines
    assert lines[-2] == "    d_W = X.T @ d_logits"


def test_the_gradient_of_differences_is_added_up_without_detours():
    compiled = tg.compile(tg.grad(lambda x: np.sum(np.diff(x) ** 2)))
    x = np.array([1.0, 3.0, 2.0])
    assert compiled(x).tolist() == [-4.0, 6.0, -2.0]
    assert (
        statements(compiled)
        == """\
    difference = x[1:] - x[:-1]  # (2,)
    d_x = np.zeros(3)
    d_x[:-1] = -2.0 * difference
    d_x[1:] += 2.0 * difference
    return d_x"""
    )


def test_places_that_are_named_twice_are_added_to_twice():
    compiled = tg.compile(tg.grad(lambda x: np.sum(x[np.array([0, 0, 2])] ** 2)))
    assert compiled(np.array([1.0, 2.0, 3.0])).tolist() == [4.0, 0.0, 6.0]
    assert "np.add.at(d_x, np.array([0, 0, 2]), " in compiled.source
    assert run_alone(compiled.source, "function(np.array([1.0, 2.0, 3.0]))") == [4.0, 0.0, 6.0]


def test_places_that_were_computed_are_told_apart_by_what_else_is_in_the_index():
    def f(x, i):
        return np.sum(x[i, 0] ** 2 * np.arange(3.0)) + np.sum(x[i, 1] ** 3 * np.arange(3.0)) + np.sum(x[i] * x[:, i])

    gradient = tg.grad(f)
    x, i = np.arange(9.0).reshape(3, 3), np.array([0, 2, 1])
    np.testing.assert_allclose(tg.compile(gradient)(x, i), gradient(x, i), rtol=1e-14)


def test_products_transposed_again_and_again_are_simplified_in_proportion_to_their_number():
    def f(x):
        a = x[:, None]
        for _ in range(25):
            a = (a @ a.T).T * 0.1
        return a

    compiled = tg.compile(f)
    np.testing.assert_allclose(compiled(np.ones(3)), f(np.ones(3)), rtol=1e-12)
    assert len(compiled.source.splitlines()) < 100


def test_a_place_counted_from_the_end_is_the_same_place():
    compiled = tg.compile(tg.grad(lambda x: x[2] * x[0] + x[-1] ** 2))
    assert compiled(np.array([1.0, 2.0, 3.0])).tolist() == [3.0, 0.0, 7.0]


def test_results_in_a_dict_are_called_what_they_are_called_there():
    def step(params, gradient, learning_rate):
        return {name: params[name] - learning_rate * gradient[name] for name in params}

    compiled = tg.compile(step)
    compiled({"w": np.ones(3), "b": 0.5}, {"w": np.ones(3), "b": 1.0}, 0.1)
    assert "    w = params_w - learning_rate * gradient_w\n" in compiled.source


def test_an_array_that_begins_as_zeros_is_made_where_nobody_else_sees_it():
    def loss(x, base):
        return np.sum(x * base) + np.sum(x[1:] ** 2)

    compiled = tg.compile(tg.grad(loss))
    base = np.ones(3)
    assert compiled(np.array([1.0, 2.0, 3.0]), base).tolist() == [1.0, 5.0, 7.0]
    assert base.tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("block", [1, 32768])
def test_a_result_is_not_what_parts_are_added_to(block):
    def f(x, g):
        y = np.exp(x)
        return y, y + tg.grad(lambda v: np.sum(v[1:] * g[1:]))(x)

    with mock.patch.object(blocks, "BLOCK", block):
        first, second = tg.compile(f)(np.zeros(3), np.ones(3))
    assert (first.tolist(), second.tolist()) == ([1.0, 1.0, 1.0], [1.0, 2.0, 2.0])


def test_ranges_and_identity_matrices_are_written_briefly():
    compiled = tg.compile(lambda x: np.sum(x * np.arange(100.0).astype(int)) + np.trace(np.eye(50) * x[0]))
    assert compiled(np.ones(100)) == 4950.0 + 50.0
    assert "np.arange(100)" in compiled.source
    assert "np.eye(50)" in compiled.source


def test_shapes_are_noted_where_the_line_does_not_tell_them():
    def loss(W, X, t):
        hidden = np.tanh(X @ W).named("hidden")
        scaled = np.exp(hidden).named("scaled")
        return np.mean((np.sum(scaled, axis=1) - t) ** 2)

    compiled = tg.compile(tg.value_and_grad(loss))
    compiled(np.ones((4, 3)), np.ones((8, 4)), np.ones(8))
    assert "    hidden = np.tanh(X @ W)  # (8, 3)\n" in compiled.source
    assert "    scaled = np.exp(hidden)\n" in compiled.source


# --- the forms of constants, of sums in place, and of what is written to be fast -------------------------------------------------


@pytest.mark.parametrize(("count", "where"), [(16, "inside"), (17, "in front"), (64, "in front"), (65, "passed")])
def test_how_many_numbers_a_constant_has_says_where_it_is_written(count, where):
    numbers = np.arange(float(count)) ** 2
    compiled = tg.compile(lambda theta: np.sum(theta * numbers))
    assert compiled(2.0) == 2.0 * numbers.sum()
    before, body = compiled.source.split("def function(")
    places = {"inside": "np.array([0.0, 1.0, 4.0" in body, "in front": "constant = np.array([" in before}
    assert places == {"inside": where == "inside", "in front": where == "in front"}
    assert body.startswith("theta, constant)") == (where == "passed")


def first_squared(weights):
    """The gradient for y of weights * y and the square of the first element, as a function of y."""
    return tg.grad(lambda y: np.sum(weights * y) + y[0] ** 2)


@pytest.mark.parametrize(
    ("function", "lines"),
    [
        pytest.param(
            lambda x, y: (c := np.cos(y), first_squared(c)(x)),
            ["weights = np.cos(y)", "d_x = np.array(weights)", "d_x[0] += 2.0 * x[0]", "return weights, d_x"],
            id="a result",
        ),
        pytest.param(
            lambda x, y: first_squared(c := np.cos(y))(x) * c,
            ["c = np.cos(y)", "d_x = np.array(c)", "d_x[0] += 2.0 * x[0]", "result = d_x * c", "return result"],
            id="what is used again",
        ),
        pytest.param(
            lambda x, y: first_squared(y)(x), ["d_x = np.array(y)", "d_x[0] += 2.0 * x[0]", "return d_x"], id="an argument"
        ),
        pytest.param(
            lambda x, y: first_squared(y[::-1])(x),
            ["d_x = np.array(y[::-1])", "d_x[0] += 2.0 * x[0]", "return d_x"],
            id="a view",
        ),
        pytest.param(
            lambda x, y: first_squared(np.cos(y))(x), ["d_x = np.cos(y)", "d_x[0] += 2.0 * x[0]", "return d_x"], id="new memory"
        ),
    ],
)
def test_a_part_is_added_in_place_to_memory_that_nobody_else_looks_at(function, lines):
    compiled = tg.compile(function)
    x, y = np.array([1.0, 2.0, 3.0]), np.array([0.5, 0.25, 2.0])
    np.testing.assert_allclose(compiled(x, y), function(x, y), rtol=1e-14)
    assert y.tolist() == [0.5, 0.25, 2.0]
    assert [line.strip() for line in statements(compiled).split("\n")] == lines


def test_the_memory_of_what_a_loop_over_blocks_has_left_is_added_to():
    compiled = tg.compile(tg.grad(lambda y: np.sum(np.sin(y) * np.exp(y)) + y[0] ** 2))
    y = np.linspace(0.0, 1.0, 100_000)
    expected = (np.sin(y) + np.cos(y)) * np.exp(y)
    np.testing.assert_allclose(compiled(y)[1:], expected[1:], rtol=1e-13)
    assert "d_y[0] += 2.0 * y[0]" in compiled.optimized_source


def test_a_negative_part_is_subtracted():
    compiled = tg.compile(tg.grad(lambda x: -np.sum(x[:2] ** 3) - np.sum(x[1:] ** 2)))
    assert compiled(np.array([1.0, 2.0, 3.0])).tolist() == [-3.0, -16.0, -6.0]
    lines = ["d_x = np.zeros(3)", "d_x[1:] = -2.0 * x[1:]", "d_x[:2] -= 3.0 * x[:2] ** 2", "return d_x"]
    assert [line.strip() for line in statements(compiled).split("\n")] == lines


def test_a_negative_byte_wraps_around_before_it_is_added():
    gradient = tg.grad(lambda x, m: np.sum(x**2) + np.sum(x[1:] * -m))
    x, m = np.array([1.0, 2.0, 3.0]), np.array([1, 2], np.uint8)
    compiled = tg.compile(gradient)
    assert gradient(x, m).tolist() == compiled(x, m).tolist() == [2.0, 259.0, 260.0]


@pytest.mark.parametrize(
    ("function", "fast"),
    [
        (tg.relu, "np.maximum(x, 0.0)"),
        (tg.sigmoid, "np.where(x < 0.0, exp, 1.0) / (1.0 + exp)"),
        (tg.softplus, "np.maximum(x, 0.0) + (np.log(total) + (exp - (total - 1.0)) / total)"),
    ],
)
def test_what_is_faster_for_large_arrays_is_computed_so_from_two_thousand_numbers_on(function, fast):
    for count in (1999, 2000):
        compiled = tg.compile(lambda x: function(x))
        x = np.linspace(-3.0, 3.0, count)
        np.testing.assert_allclose(compiled(x), function(x), rtol=1e-14, atol=1e-15)
        assert (f"= {fast}\n" in compiled.optimized_source) == (count == 2000)
        assert fast not in statements(compiled)


@pytest.mark.parametrize(
    ("function", "form"),
    [
        (lambda x: 2.5 * x + np.float64(3), "2.5 * x + 3.0"),
        (lambda x: x * np.full(3, 2.5), "2.5 * x"),
        (lambda x: x + np.full(3, np.int64(4)), "x + 4"),
    ],
)
def test_a_number_is_written_as_one_of_pythons_where_all_have_double_precision(function, form):
    compiled = tg.compile(function)
    x = np.array([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(compiled(x), function(x))
    assert statements(compiled).split("\n")[0].endswith(f" = {form}")


@pytest.mark.parametrize(
    ("function", "form"),
    [
        (lambda X: X - np.sum(X, axis=0, keepdims=True), "X - np.sum(X, axis=0)"),
        (lambda X: X - np.mean(X, axis=0, keepdims=True), "X - np.mean(X, axis=0)"),
        (lambda X: X - np.sum(X, axis=(0, 1), keepdims=True), "X - np.sum(X)"),
        (lambda X: X - np.sum(X, axis=1, keepdims=True), "X - np.sum(X, axis=1, keepdims=True)"),
        (lambda X: np.sum(X, axis=(0, 1)), "np.sum(X)"),
        (lambda X: np.sum(X, axis=-1), "np.sum(X, axis=1)"),
        (lambda X: np.sum(X, axis=(1,), keepdims=True), "np.sum(X, axis=1, keepdims=True)"),
        (lambda X: np.sum(X, axis=0, keepdims=False), "np.sum(X, axis=0)"),
        (lambda X: np.sum(X[None] * X[:, None], axis=(0, 2)), "np.sum(X * X[:, None], axis=(0, 2))"),
    ],
)
def test_a_reduction_is_written_with_the_parameters_that_it_needs(function, form):
    compiled = tg.compile(function)
    X = np.array([[1.0, 2.0], [4.0, 8.0], [16.0, 32.0]])
    np.testing.assert_array_equal(compiled(X), function(X))
    assert f" = {form}" in statements(compiled)
    assert statements(compiled).split("\n")[0].split(" = ")[1].split("  #")[0] == form


# --- signs and memory that must not be touched ---------------------------------------------------------------------------------

BYTES = {
    "in a sum": (lambda x, m: x + -m * x, "x + -m * x"),
    "where it is added in place": (lambda x, m: np.pad(x, (0, 1)) + np.pad(-m * x, (1, 0)), "result[1:] += -m * x"),
    "beside what goes to the same place": (
        lambda x, m: np.pad(x, (0, 1)) + np.pad(x * x, (1, 0)) + np.pad(-m * x, (1, 0)),
        "result[1:] += x ** 2 + -m * x",
    ),
}


@pytest.mark.parametrize(("function", "form"), BYTES.values(), ids=BYTES)
def test_a_negative_byte_keeps_its_sign_where_it_meets_numbers_of_another_precision(function, form):
    x, m = np.array([1.0, 2.0]), np.array([1, 2], np.uint8)
    compiled = tg.compile(function)
    np.testing.assert_array_equal(compiled(x, m), function(x, m))
    assert form in compiled.source


def test_the_memory_of_what_has_a_name_is_not_added_to():
    compiled = tg.compile(lambda x, y: first_squared(np.cos(y).named("weights"))(x))
    np.testing.assert_allclose(compiled(np.ones(3), np.zeros(3)), [3.0, 1.0, 1.0])
    lines = ["weights = np.cos(y)", "d_x = np.array(weights)", "d_x[0] += 2.0 * x[0]", "return d_x"]
    assert [line.strip() for line in statements(compiled).split("\n")] == lines


def test_the_memory_of_an_array_that_a_loop_has_filled_is_added_to_without_a_copy():
    compiled = tg.compile(lambda x, y: first_squared(np.sin(y) * np.exp(y))(x))
    y = np.linspace(0.0, 1.0, 100_000)
    expected = np.sin(y) * np.exp(y)
    expected[0] += 2.0 * 3.0
    np.testing.assert_allclose(compiled(np.full(y.shape, 3.0), y), expected, rtol=1e-13)
    assert "for start in range(" in compiled.optimized_source
    assert "np.array(" not in compiled.optimized_source
