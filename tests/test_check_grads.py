"""The tester, tested: check_grads must find small errors of every kind, and must not cry wolf."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.errors import DataError, GradientCheckError
from tinygrad_edu.testing import check_grads, check_operation

RNG = np.random.default_rng(7)

RIGHT_SIN = tg.primitive(np.sin, lambda g, out, x: g * np.cos(x), name="right_sin")

WRONG_RULES = {
    "a factor of 1.001": lambda g, out, x: g * np.cos(x) * 1.001,
    "a factor of 0.999": lambda g, out, x: g * np.cos(x) * 0.999,
    "a turned sign": lambda g, out, x: -g * np.cos(x),
    "the cotangent forgotten": lambda g, out, x: np.cos(x),
    "the cotangent squared": lambda g, out, x: g * g * np.cos(x),
    "a constant term": lambda g, out, x: g * (np.cos(x) + 0.001),
    "zero": lambda g, out, x: np.zeros_like(x),
    "sine for cosine": lambda g, out, x: g * np.sin(x),
}


@pytest.mark.parametrize("rule", WRONG_RULES.values(), ids=WRONG_RULES)
@pytest.mark.parametrize("shape", [(), (3,), (100, 100)], ids=str)
def test_a_wrong_rule_is_found(rule, shape):
    wrong = tg.primitive(np.sin, rule, name="wrong")
    with pytest.raises(GradientCheckError):
        check_grads(lambda x: wrong(x), (RNG.uniform(-2, 2, shape),), order=1)


@pytest.mark.parametrize("shape", [(), (3,), (100, 100)], ids=str)
def test_the_right_rule_passes(shape):
    check_grads(lambda x: RIGHT_SIN(x), (RNG.uniform(-2, 2, shape),), order=2)


@pytest.mark.parametrize("element", [(0, 0), (57, 3), (99, 99)], ids=str)
def test_one_element_of_ten_thousand_wrong_by_a_thousandth_is_found(element):
    factors = np.ones((100, 100))
    factors[element] = 1.001
    wrong = tg.primitive(np.sin, lambda g, out, x: g * np.cos(x) * factors, name="wrong")
    with pytest.raises(GradientCheckError):
        check_grads(lambda x: wrong(x), (RNG.uniform(-1, 1, (100, 100)),), order=1)


@pytest.mark.parametrize("factor", [1.001, 0.999, -1.0, 0.0])
def test_an_error_that_shows_in_the_second_derivative_only_is_found_at_order_two(factor):
    derivative = tg.primitive(np.cos, lambda g, out, x: -factor * g * np.sin(x), name="derivative")
    wrong = tg.primitive(np.sin, lambda g, out, x: g * derivative(x), name="wrong")
    x = RNG.uniform(0.5, 1, 4)
    check_grads(lambda x: wrong(x), (x,), order=1)
    with pytest.raises(GradientCheckError, match="the gradient of <lambda> for argument 0"):
        check_grads(lambda x: wrong(x), (x,), order=2)


def test_a_rule_that_hides_its_dependence_on_the_input_is_found_at_order_two():
    wrong = tg.primitive(np.sin, lambda g, out, x: g * tg.stop_gradient(np.cos(x)), name="wrong")
    check_grads(lambda x: wrong(x), (1.0,), order=1)
    with pytest.raises(GradientCheckError, match="no gradient arrives"):
        check_grads(lambda x: wrong(x), (1.0,), order=2)


@pytest.mark.parametrize(
    ("base", "exponent"),
    [
        (lambda g, out, a, b: g * b * a ** (b - 1.001), lambda g, out, a, b: g * out * np.log(a)),
        (lambda g, out, a, b: g * (b - 1) * a ** (b - 1), lambda g, out, a, b: g * out * np.log(a)),
        (lambda g, out, a, b: g * b * a ** (b - 1), lambda g, out, a, b: g * out * np.log(a) * 1.001),
        (lambda g, out, a, b: g * b * a ** (b - 1), lambda g, out, a, b: g * out * np.log(np.abs(a) + 0.001)),
        (lambda g, out, a, b: g * b * a ** (b - 1), lambda g, out, a, b: g * 0.0),
    ],
    ids=["exponent off by 0.001", "exponent off by one", "exponent rule by a factor", "logarithm shifted", "exponent rule zero"],
)
def test_a_wrong_rule_of_a_power_is_found(base, exponent):
    wrong = tg.primitive(lambda a, b: a**b, base, exponent, name="wrong_power")
    with pytest.raises(GradientCheckError):
        check_grads(lambda a, b: wrong(a, b), (RNG.uniform(0.5, 3, 5), RNG.uniform(-2, 3, 5)), order=1)


@pytest.mark.parametrize("position", [0, 1, 2])
def test_the_message_names_the_argument_whose_rule_is_wrong(position):
    factors = [1.0, 1.0, 1.0]
    factors[position] = 1.001
    f = tg.primitive(
        lambda a, b, c: a * b + c,
        lambda g, out, a, b, c: g * b * factors[0],
        lambda g, out, a, b, c: g * a * factors[1],
        lambda g, out, a, b, c: g * factors[2],
    )

    def model(weights, inputs, bias):
        return f(weights, inputs, bias)

    name = ["weights", "inputs", "bias"][position]
    with pytest.raises(GradientCheckError, match=rf"model with respect to argument {position} \('{name}'\) is wrong") as caught:
        check_grads(model, (2.0, 3.0, 4.0), order=1)
    assert "it is 1.001 times what it should be" in str(caught.value)
    assert "relative error 1.0e-03, allowed 1.0e-08" in str(caught.value)
    assert "<u, J v>" in str(caught.value)
    assert "<J^T u, v>" in str(caught.value)


def test_the_message_says_where_in_the_argument_the_error_is():
    factors = np.array([[1.0, 1.0, 1.0], [1.0, 1.001, 1.0]])
    wrong = tg.primitive(np.sin, lambda g, out, x: g * np.cos(x) * factors, name="wrong")
    with pytest.raises(GradientCheckError, match=r"the largest error is at \[1, 1\] of argument 0"):
        check_grads(lambda x: wrong(x), (np.full((2, 3), 0.3),), order=1)


def test_the_message_says_what_kind_of_error_it_is():
    turned = tg.primitive(lambda x: x @ x, lambda g, out, x: (g @ x.T + x.T @ g).T, name="turned")
    with pytest.raises(GradientCheckError, match=r"\n    It is transposed\."):
        check_grads(lambda x: np.sum(turned(x) * np.arange(9.0).reshape(3, 3)), (np.arange(9.0).reshape(3, 3) % 4,), order=1)
    lacking = tg.primitive(lambda x: x**3, lambda g, out, x: g * 3 * x, name="lacking")
    with pytest.raises(GradientCheckError, match=r"\n    The factor argument 0 \('x'\) is missing\."):
        check_grads(lambda x: lacking(x), (np.array([0.3, 0.7, 1.9]),), order=1)


def test_the_message_says_when_the_sign_is_turned_round():
    wrong = tg.primitive(np.negative, lambda g, out, x: g, name="wrong")
    with pytest.raises(GradientCheckError, match="its sign is turned round"):
        check_grads(lambda x: wrong(x), (1.0,))


def test_a_detached_argument_is_found():
    with pytest.raises(GradientCheckError, match="no gradient arrives"):
        check_grads(lambda x: np.sin(x.detach()), (1.0,))


SMOOTH = {
    "large numbers": (lambda x: np.sin(x), (np.array([1e4, -3e5, 2.0]),)),
    "small numbers": (lambda x: np.log(x), (np.array([1e-6, 3e-5]),)),
    "tiny and moderate numbers together": (lambda x: np.exp(x) * x, (np.array([1e-9, 1.0, -3.0]),)),
    "steep": (lambda x: np.exp(30 * x), (np.array([0.5, -1.0]),)),
    "flat by cancellation": (lambda x: (np.exp(x) / np.sum(np.exp(x))).sum(), (np.array([1.0, 2.0, 3.0]),)),
    "a large offset": (lambda x: 1e6 + np.sin(x), (1.0,)),
    "a large output": (lambda x: 1e200 * np.sin(x), (1.0,)),
    "a small output": (lambda x: 1e-200 * np.sin(x), (1.0,)),
    "a kink close by": (lambda x: np.abs(x) * x, (np.array([1e-3, -2e-3, 1.0]),)),
    "the end of the domain close by": (lambda x: np.sqrt(x), (np.array([1e-3, 1.0]),)),
    "a jump close by": (lambda x: np.floor(x) + x, (np.array([0.999, 2.5]),)),
    "a constant": (lambda x: x * 0 + 3, (np.array([1.0, 2.0]),)),
    "an argument that is not used": (lambda x, y: x * 2, (1.0, 2.0)),
    "the argument itself": (lambda x: x, (np.array([1.0, 2.0]),)),
    "nothing at all": (lambda x: np.sum(x * x), (np.zeros((0, 3)),)),
    "an array as a result": (lambda x: np.ones(3), (1.0,)),
    "an integer as an argument": (lambda x: x**3, (2,)),
    "a deep chain": (lambda x: sum(np.sin(x * i) for i in range(1, 200)), (0.7,)),
}


@pytest.mark.parametrize(("f", "args"), SMOOTH.values(), ids=SMOOTH)
def test_a_right_gradient_raises_no_alarm(f, args):
    check_grads(f, args)


def test_a_right_gradient_raises_no_alarm_whatever_the_random_directions():
    for seed in range(50):
        x = np.random.default_rng(seed).normal(size=(4, 5))
        check_grads(lambda x: np.tanh(x @ x.T) * np.maximum(x[:, :4], 0.1), (x,), order=1, seed=seed)


def test_the_third_derivative_can_be_checked():
    check_grads(lambda x: np.exp(x) * np.sin(x), (np.array([0.3, 1.0]),), order=3)


@pytest.mark.parametrize("f", [tg.relu, np.sign, tg.step], ids=["relu", "sign", "step"])
def test_a_point_where_there_is_no_derivative_is_reported(f):
    with pytest.raises(GradientCheckError, match=r"kink|do not settle"):
        check_grads(lambda x: f(x), (0.0,), order=1)


def test_a_function_outside_of_its_domain_is_reported():
    with (
        np.errstate(invalid="ignore"),
        pytest.raises(GradientCheckError, match="not finite here"),
    ):
        check_grads(lambda x: np.log(x), (-1.0,))


def test_a_random_function_is_reported():
    rng = np.random.default_rng(0)
    with pytest.raises(GradientCheckError, match="two different results"):
        check_grads(lambda x: x * rng.normal(), (1.0,))


@pytest.mark.parametrize("dtype", [np.float32, np.float16, bool, "<U1"])
def test_an_argument_that_is_not_in_double_precision_is_refused(dtype):
    with pytest.raises(DataError, match=r"argument 1 has dtype .*float64"):
        check_grads(lambda x, y: x, (1.0, np.ones(2).astype(dtype)))


def test_args_that_are_no_tuple_are_refused():
    with pytest.raises(DataError, match=r"args must be a tuple .* write \(x,\)"):
        check_grads(lambda x: x, np.ones(3))


def test_an_order_below_one_is_refused():
    with pytest.raises(DataError, match="order must be a whole number of at least 1 and at most 10, but is 0"):
        check_grads(lambda x: x, (1.0,), order=0)


def test_a_failed_check_is_an_assertion_error():
    with pytest.raises(AssertionError):
        check_grads(lambda x: x.detach(), (1.0,))


def test_an_operation_with_a_wrong_rule_for_its_second_input_is_found():
    wrong = tg.primitive(np.multiply, lambda g, out, a, b: g * b, lambda g, out, a, b: g * a * 1.001, name="wrong_product")
    with pytest.raises(GradientCheckError, match=r"(?s)'wrong_product' on inputs of shape \(\), \(\): .*argument 1"):
        check_operation(wrong)
