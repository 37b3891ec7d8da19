"""Transforms of functions: what they compute, what they take and return, and what they refuse."""

import functools
import gc
import threading
import weakref

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.engine.mode import RECORDING, current_mode
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import DataError

A = np.array([[1.0, 2.0, 3.0], [0.0, -1.0, 4.0]])
V = np.array([2.0, 3.0, 5.0])


def quadratic(x):
    return np.sum(x[:, None] * np.arange(1.0, 10.0).reshape(3, 3) * x)


# --- grad and value_and_grad -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("argnums", "expected"), [(0, 3.0), (1, 2.0), (-1, 2.0), ((1, 0), (2.0, 3.0)), ((-2,), (3.0,)), ((), ())])
def test_argnums_chooses_the_arguments(argnums, expected):
    value, gradient = tg.value_and_grad(lambda x, y: x * y, argnums)(2.0, 3.0)
    assert value == 6.0
    assert gradient == expected
    assert isinstance(gradient, tuple) == isinstance(argnums, tuple)
    assert tg.grad(lambda x, y: x * y, argnums)(2.0, 3.0) == expected


def test_keyword_arguments_are_passed_on_and_count_as_constants():
    assert tg.grad(lambda x, *, scale=1.0: scale * x**2)(3.0, scale=10.0) == 60.0


def test_has_aux_returns_what_the_function_returns_besides_as_plain_arrays():
    def loss(x):
        residual = x - 1.0
        return np.sum(residual**2), {"residual": residual, "note": "not a number"}

    (value, aux), gradient = tg.value_and_grad(loss, has_aux=True)(V)
    assert value == 21.0
    assert type(aux["residual"]) is np.ndarray
    np.testing.assert_array_equal(aux["residual"], V - 1)
    assert aux["note"] == "not a number"
    also, same = tg.grad(loss, has_aux=True)(V)
    np.testing.assert_array_equal(also, gradient)
    np.testing.assert_array_equal(same["residual"], aux["residual"])


def test_has_aux_asks_for_a_pair():
    with pytest.raises(DataError, match=r"<lambda> must return a pair \(result, aux\), but returned Value"):
        tg.grad(lambda x: x * 2, has_aux=True)(1.0)


def test_integers_count_as_float64_and_float32_stays():
    assert tg.grad(lambda n: n**2)(3).dtype == np.float64
    assert tg.grad(lambda n: np.sum(n**2))(np.arange(3)).dtype == np.float64
    value, gradient = tg.value_and_grad(lambda x: np.sum(x**2))(np.ones(3, np.float32))
    assert value.dtype == gradient.dtype == np.float32
    value, slope = tg.jvp(lambda x: x**2, np.ones(3, np.float32), V)
    assert value.dtype == slope.dtype == np.float32
    assert tg.jacobian(lambda x: x**2)(np.ones(3, np.float32)).dtype == np.float32
    assert tg.hessian(lambda x: np.sum(x**3))(np.ones(3, np.float32)).dtype == np.float32
    assert tg.jacobian(lambda x: x)(np.ones(0, np.float32)).dtype == np.float32


def test_a_gradient_may_be_given_in_every_precision_of_mixed_arguments():
    low, high = tg.grad(lambda a, b: np.sum(a * b), (0, 1))(np.ones(2, np.float32), np.ones(2))
    assert (low.dtype, high.dtype) == (np.float32, np.float64)


def test_elementwise_grad_is_the_derivative_at_each_element():
    np.testing.assert_allclose(tg.elementwise_grad(np.tanh)(A), 1 - np.tanh(A) ** 2, rtol=1e-14)
    np.testing.assert_array_equal(tg.elementwise_grad(lambda x, y: x * y, argnums=1)(A, A + 1), A)
    np.testing.assert_allclose(tg.elementwise_grad(tg.elementwise_grad(np.sin))(V), -np.sin(V), rtol=1e-14)


# --- products with the Jacobian ----------------------------------------------------------------------------------------------


def test_a_pullback_gives_a_tuple_and_may_be_called_again():
    value, pullback = tg.vjp(lambda m, v: m @ v, A, V)
    np.testing.assert_array_equal(value, A @ V)
    for u in (np.array([1.0, 0.0]), np.array([-2.0, 0.5])):
        for_m, for_v = pullback(u)
        np.testing.assert_array_equal(for_m, np.outer(u, V))
        np.testing.assert_array_equal(for_v, u @ A)


def test_vjp_returns_aux_as_third():
    value, pullback, aux = tg.vjp(lambda x: (x**2, x), 3.0, has_aux=True)
    assert (value, aux, pullback(1.0)) == (9.0, 3.0, (6.0,))


def test_jvp_is_the_derivative_in_a_direction():
    value, slope = tg.jvp(lambda m, v: m @ v, (A, V), (np.ones((2, 3)), np.array([0.0, 1.0, 0.0])))
    np.testing.assert_array_equal(value, A @ V)
    np.testing.assert_array_equal(slope, [12.0, 9.0])


def test_one_argument_need_not_be_wrapped_in_a_tuple():
    assert tg.jvp(np.sin, 0.0, 2.0) == tg.jvp(np.sin, (0.0,), (2.0,)) == (0.0, 2.0)
    assert tg.hvp(lambda x: x**3, 2.0, 1.0) == 12.0
    assert tg.hvp(lambda x: x**3, (2.0,), (1.0,)) == (12.0,)


def test_linearize_calls_the_function_once_for_any_number_of_tangents():
    calls = []

    def f(x):
        calls.append(x)
        return np.sin(x) * x

    value, push_forward = tg.linearize(f, V)
    for tangent in (np.ones(3), -V, np.zeros(3), np.eye(3)[1]):
        np.testing.assert_allclose(push_forward(tangent), (np.cos(V) * V + np.sin(V)) * tangent, rtol=1e-14)
    np.testing.assert_array_equal(value, np.sin(V) * V)
    assert len(calls) == 1


@pytest.mark.parametrize("transform", [tg.grad, tg.value_and_grad])
def test_a_gradient_calls_the_function_once(transform):
    calls = []
    transform(lambda x: calls.append(1) or np.sum(x**2))(V)
    assert calls == [1]


# --- all derivatives ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("matrix", [A, A.T], ids=["fewer outputs than inputs", "more outputs than inputs"])
def test_the_jacobian_of_a_linear_map_is_its_matrix(matrix):
    np.testing.assert_array_equal(tg.jacobian(lambda x: matrix @ x)(np.ones(matrix.shape[1])), matrix)


@pytest.mark.parametrize(("rows", "columns"), [(2, 5), (5, 2)])
def test_the_jacobian_takes_the_shorter_way(rows, columns):
    applied = []
    probe = tg.primitive(lambda x: x * 1.0, lambda g, out, x: applied.append(isinstance(g, Value)) or g * 1.0, name="probe")
    tg.jacobian(lambda x: np.ones((rows, columns)) @ probe(x))(np.ones(columns))
    assert applied == ([False] * rows if rows < columns else [True])


def test_the_shape_of_a_jacobian_is_that_of_the_output_followed_by_that_of_the_argument():
    assert tg.jacobian(lambda x: np.sum(x, axis=1))(np.ones((2, 3))).shape == (2, 2, 3)
    assert tg.jacobian(lambda x: np.multiply.outer(x, x))(np.ones(3)).shape == (3, 3, 3)
    assert tg.jacobian(lambda x: x * V)(2.0).shape == (3,)
    assert tg.jacobian(np.sum)(V).shape == (3,)
    assert tg.jacobian(np.sin)(0.0) == 1.0
    assert tg.jacobian(lambda x: x)(np.ones(0)).shape == (0, 0)
    assert tg.jacobian(lambda x: np.sum(x) * np.ones(3))(np.ones((2, 0))).shape == (3, 2, 0)
    assert tg.jacobian(lambda x: x[:0])(np.ones(3)).shape == (0, 3)


def test_a_jacobian_of_several_arguments_is_a_tuple():
    for_x, for_y = tg.jacobian(lambda x, y: x * y, (0, 1))(V, 2.0)
    np.testing.assert_array_equal(for_x, 2 * np.eye(3))
    np.testing.assert_array_equal(for_y, V)


def test_the_hessian_of_a_quadratic_form_is_its_matrix_and_its_transpose():
    matrix = np.arange(1.0, 10.0).reshape(3, 3)
    np.testing.assert_array_equal(tg.hessian(quadratic)(V), matrix + matrix.T)


def test_a_hessian_of_several_arguments_has_a_block_for_each_pair():
    (xx, xy), (yx, yy) = tg.hessian(lambda x, y: np.sum(x**2) * y**3, (0, 1))(V, 2.0)
    np.testing.assert_array_equal(xx, 16 * np.eye(3))
    np.testing.assert_array_equal(xy, 24 * V)
    np.testing.assert_array_equal(yx, 24 * V)
    assert yy == 12 * np.sum(V**2)


# --- independence ------------------------------------------------------------------------------------------------------------


CONSTANT = [lambda x: 3.0, lambda x: A, tg.stop_gradient, lambda x: Value(x.numpy() * 2, requires_grad=False), np.sign]


@pytest.mark.parametrize("constant", CONSTANT)
def test_an_output_that_does_not_depend_on_the_argument_has_zero_derivatives(constant):
    output = np.asarray(constant(Value(V, requires_grad=False)))
    np.testing.assert_array_equal(tg.grad(lambda x: np.sum(constant(x)))(V), np.zeros(3))
    np.testing.assert_array_equal(tg.jacobian(constant)(V), np.zeros((*output.shape, 3)))
    np.testing.assert_array_equal(tg.hessian(lambda x: np.sum(constant(x)))(V), np.zeros((3, 3)))
    np.testing.assert_array_equal(tg.hvp(lambda x: np.sum(constant(x)), V, V), np.zeros(3))
    value, slope = tg.jvp(constant, V, V)
    np.testing.assert_array_equal(value, output)
    np.testing.assert_array_equal(slope, np.zeros(output.shape))
    np.testing.assert_array_equal(tg.vjp(constant, V)[1](np.ones(output.shape))[0], np.zeros(3))


def test_an_output_that_depends_on_one_argument_only_has_zero_derivatives_for_the_other():
    np.testing.assert_array_equal(tg.grad(lambda x, y: y**2, (0, 1))(V, 3.0)[0], np.zeros(3))
    assert tg.jvp(lambda x, y: y**2, (1.0, 3.0), (100.0, 1.0)) == (9.0, 6.0)


def test_outputs_may_be_the_arguments_themselves():
    np.testing.assert_array_equal(tg.jacobian(lambda x: (x, x))(V), (np.eye(3), np.eye(3)))
    np.testing.assert_array_equal(tg.vjp(lambda x: (x, x), V)[1]((V, 10 * V))[0], 11 * V)
    assert tg.jvp(lambda x: x, 2.0, 3.0) == (2.0, 3.0)


def test_the_same_array_as_two_arguments_has_two_gradients():
    for_a, for_b = tg.grad(lambda a, b: np.sum(a**2 * b), (0, 1))(V, V)
    np.testing.assert_array_equal(for_a, 2 * V * V)
    np.testing.assert_array_equal(for_b, V**2)


# --- what goes in and out ----------------------------------------------------------------------------------------------------


def all_results(x):
    """What every transform returns at x, from a function that returns an array and numbers."""
    value, pullback = tg.vjp(np.sin, x)
    slope, push_forward = tg.linearize(np.sin, x)
    return {
        "grad": tg.grad(lambda x: np.sum(np.sin(x)))(x),
        "value_and_grad": tg.value_and_grad(lambda x: np.sum(np.sin(x)))(x),
        "elementwise_grad": tg.elementwise_grad(np.sin)(x),
        "vjp": (value, pullback(x)),
        "linearize": (slope, push_forward(x)),
        "jvp": tg.jvp(np.sin, x, x),
        "jacobian": tg.jacobian(np.sin)(x),
        "hessian": tg.hessian(lambda x: np.sum(np.sin(x)))(x),
        "hvp": tg.hvp(lambda x: np.sum(np.sin(x)), x, x),
    }


def flat(result):
    return [leaf for part in result for leaf in flat(part)] if isinstance(result, tuple) else [result]


@pytest.mark.parametrize("argument", [V, 2.0, 2, np.float64(2.0), Value(V, requires_grad=False)])
def test_plain_arrays_and_numbers_come_out_at_the_outermost_level(argument):
    for name, result in all_results(argument).items():
        assert all(type(leaf) in (np.ndarray, np.float64) for leaf in flat(result)), name


def test_values_come_out_when_a_value_that_requires_a_gradient_was_given():
    for name, result in all_results(Value(V)).items():
        assert all(isinstance(leaf, Value) for leaf in flat(result)), name


def test_a_gradient_of_a_given_value_can_be_differentiated_by_backward():
    x = Value(2.0)
    (tg.grad(lambda x: x**3)(x) + tg.grad(lambda y, k: k * y**3)(1.0, k=x)).backward()
    assert x.grad == 12.0 + 3.0


def test_values_come_out_within_a_function_that_is_differentiated():
    kinds = []

    def outer(x):
        kinds.append(type(tg.grad(lambda y: y**2)(3.0)))
        return x**2

    tg.grad(outer)(1.0)
    assert kinds == [Value]


def test_a_result_is_the_callers_own_writable_array():
    constant, argument = np.ones(3), V.copy()

    def f(x):
        return x, x, constant, x * 1.0

    value, pullback = tg.vjp(f, argument)
    cotangents = tuple(np.full(3, 7.0) for _ in range(4))
    slopes = tg.jvp(f, argument, argument)[1]
    jacobians = tg.jacobian(f)(argument)
    results = [*value, *pullback(cotangents), *pullback(cotangents), *slopes, *jacobians]
    for position, result in enumerate(results):
        assert result.flags.writeable
        others = [*results[:position], *results[position + 1 :], argument, constant, *cotangents]
        assert not any(np.shares_memory(result, other) for other in others)
    expected = pullback(cotangents)[0].copy()
    for result in results:
        result[...] = np.nan
    np.testing.assert_array_equal(pullback(cotangents)[0], expected)
    np.testing.assert_array_equal(argument, V)
    np.testing.assert_array_equal(constant, np.ones(3))


def test_writing_to_an_argument_afterwards_changes_nothing_that_was_recorded():
    x = V.copy()
    _, pullback = tg.vjp(lambda x: x**2, x)
    _, push_forward = tg.linearize(lambda x: x**2, x)
    x[...] = np.nan
    np.testing.assert_array_equal(pullback(np.ones(3))[0], 2 * V)
    np.testing.assert_array_equal(push_forward(np.ones(3)), 2 * V)


def test_names_that_the_user_did_not_give_are_not_given_to_the_users_values():
    x, u, w = Value(2.0), Value(1.0), Value(5.0)
    tg.vjp(lambda y: y, x)[1](u)
    tg.value_and_grad(lambda y: w)(x)
    assert (x.name, u.name, w.name) == (None, None, None)


def test_a_function_keeps_its_name_and_may_be_any_callable():
    def loss(x):
        """What it costs."""
        return x**2

    assert (tg.grad(loss).__name__, tg.hessian(loss).__doc__) == ("loss", "What it costs.")
    assert tg.grad(functools.partial(lambda k, x: k * x**2, 3.0))(2.0) == 12.0
    assert tg.grad(np.exp)(0.0) == 1.0
    assert tg.grad(np.sum)(V).tolist() == [1.0, 1.0, 1.0]


def test_transforms_differentiate_the_losses_of_models():
    X, t = np.array([[0.0, 1.0], [2.0, -1.0], [1.0, 1.0]]), np.array([1.0, 0.0, 1.0])
    w = np.array([0.3, -0.7])
    probability = 1 / (1 + np.exp(-(X @ w)))

    def loss(w):
        return tg.nn.binary_cross_entropy_with_logits(X @ w, t)

    np.testing.assert_allclose(tg.grad(loss)(w), X.T @ (probability - t) / 3, rtol=1e-13)
    curvature = X.T @ np.diag(probability * (1 - probability)) @ X / 3
    np.testing.assert_allclose(tg.hessian(loss)(w), curvature, rtol=1e-13)
    np.testing.assert_allclose(tg.hvp(loss, w, t[:2]), curvature @ t[:2], rtol=1e-13)


# --- modes -------------------------------------------------------------------------------------------------------------------


def test_transforms_work_where_nothing_is_recorded():
    with tg.no_grad():
        for name, result in all_results(Value(V)).items():
            assert all(type(leaf) is np.ndarray or np.ndim(leaf) == 0 for leaf in flat(result)), name
            for plain, expected in zip(flat(result), flat(all_results(V)[name]), strict=True):
                np.testing.assert_array_equal(plain, expected)
        assert not (Value(1.0) * 2).requires_grad


def test_no_grad_within_the_function_cuts_it_off():
    def f(x):
        with tg.no_grad():
            cut = x**2
        return cut * x

    assert tg.grad(f)(3.0) == 9.0


@pytest.mark.parametrize("transform", [tg.grad, tg.value_and_grad, tg.jacobian, tg.hessian, tg.elementwise_grad])
def test_an_error_in_the_function_leaves_the_modes_as_they_were(transform):
    def failing(x):
        raise KeyError("a mistake of the user's")

    for mode in (tg.no_grad, tg.detect_anomaly):
        with pytest.raises(KeyError), mode():
            transform(failing)(2.0)
        assert current_mode() is RECORDING
    assert type(tg.grad(lambda x: x**2)(3.0)) is np.float64


def test_threads_differentiate_without_disturbing_each_other():
    started, results = threading.Barrier(4), {}

    def work(k):
        def f(x):
            started.wait(timeout=10)
            return x * tg.grad(lambda y: k * x * y**2)(3.0)

        results[k] = tg.value_and_grad(f)(2.0)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {k: (24.0 * k, 24.0 * k) for k in range(4)}
    assert all(type(gradient) is np.float64 for _, gradient in results.values())


@pytest.mark.parametrize(
    "transform", [tg.grad, tg.hessian, lambda f: lambda x: tg.jvp(f, x, x), lambda f: lambda x: tg.hvp(f, x, x)]
)
def test_nothing_is_left_behind_for_the_garbage_collector(transform):
    seen = []

    def f(x):
        seen.append(weakref.ref(x))
        return np.sum(np.exp(x) * x)

    gc.collect()
    gc.disable()
    try:
        transform(f)(V)
        assert [ref() for ref in seen] == [None]
    finally:
        gc.enable()


@pytest.mark.parametrize(
    ("transform", "expected"),
    [
        (tg.grad, 12.0), (tg.value_and_grad, (18.0, 12.0)), (tg.jacobian, 12.0), (tg.hessian, 4.0),
    ],
    ids=lambda x: getattr(x, "__name__", ""),
)  # fmt: skip
def test_without_argnums_the_derivative_is_that_for_the_first_argument(transform, expected):
    assert transform(lambda x, y: x**2 * y)(3.0, 2.0) == expected


def test_the_rule_for_a_constant_is_not_asked_whether_it_is_an_array_or_a_value():
    asked = []

    def rule(g, out, x, y):
        asked.append(y)
        return g * x

    product = tg.primitive(lambda x, y: x * y, lambda g, out, x, y: g * y, rule, name="product")
    for constant in (np.float64(3.0), Value(3.0, requires_grad=False)):
        x = Value(2.0)
        product(x, constant).backward()
        assert x.grad == tg.grad(lambda x, y=constant: product(x, y))(2.0) == 3.0
    assert asked == []
    product(Value(2.0), y := Value(3.0)).backward()
    assert (y.grad, asked) == (2.0, [3.0])
