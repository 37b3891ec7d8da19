"""Where a derivative does not exist, the convention of PyTorch and JAX holds; where a second one does not, it is NaN and not 0."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.engine.value import Value


def gradient(f, *data):
    leaves = [Value(x) for x in data]
    f(*leaves).sum().backward()
    return [leaf.grad for leaf in leaves]


KINKS = {
    "relu at 0": (tg.relu, [0.0], [0.0]),
    "relu at -0": (tg.relu, [-0.0], [0.0]),
    "relu beside 0": (tg.relu, [[-1e-300, 1e-300]], [[0.0, 1.0]]),
    "the method relu at 0": (lambda x: x.relu(), [[0.0, 1.0]], [[0.0, 1.0]]),
    "absolute value at 0": (abs, [[0.0, -0.0, -2.0]], [[0.0, 0.0, -1.0]]),
    "sign": (np.sign, [[0.0, -3.0, 3.0]], [[0.0, 0.0, 0.0]]),
    "step": (tg.step, [[0.0, -3.0, 3.0]], [[0.0, 0.0, 0.0]]),
    "floor at an integer": (np.floor, [[1.0, 1.5]], [[0.0, 0.0]]),
    "ceil at an integer": (np.ceil, [[1.0, 1.5]], [[0.0, 0.0]]),
    "maximum of equals": (np.maximum, [2.0, 2.0], [0.5, 0.5]),
    "minimum of equals": (np.minimum, [2.0, 2.0], [0.5, 0.5]),
    "maximum with zero, as in hinge": (lambda x: np.maximum(0.0, x), [[0.0, 1.0]], [[0.5, 1.0]]),
    "max, no tie": (np.max, [[1.0, 3.0, 2.0]], [[0.0, 1.0, 0.0]]),
    "max, two tie": (np.max, [[3.0, 1.0, 3.0]], [[0.5, 0.0, 0.5]]),
    "max, all tie": (np.max, [np.zeros((2, 2))], [np.full((2, 2), 0.25)]),
    "max along an axis, one row ties": (lambda x: np.max(x, axis=1), [[[1.0, 1.0], [1.0, 2.0]]], [[[0.5, 0.5], [0.0, 1.0]]]),
    "min, two tie": (np.min, [[3.0, 1.0, 1.0]], [[0.0, 0.5, 0.5]]),
    "clip on its bounds": (lambda x: np.clip(x, -1.0, 1.0), [[-2.0, -1.0, 0.0, 1.0, 2.0]], [[0.0, 1.0, 1.0, 1.0, 0.0]]),
    "the method clip": (lambda x: x.clip(-1.0, 1.0), [[-2.0, -1.0, 0.0, 1.0, 2.0]], [[0.0, 1.0, 1.0, 1.0, 0.0]]),
    "0 ** 0": (lambda x: x**0, [0.0], [0.0]),
    "0 ** 0.0 with both differentiated": (lambda x, y: x**y, [0.0, 0.0], [0.0, 0.0]),
    "0 ** 1": (lambda x: x**1, [0.0], [1.0]),
    "0 ** 2": (lambda x: x**2, [0.0], [0.0]),
    "0 ** 2.0 with both differentiated": (lambda x, y: x**y, [0.0, 2.0], [0.0, 0.0]),
    "a negative base": (lambda x: x**3, [-2.0], [12.0]),
    "sigmoid far out": (tg.sigmoid, [[-1000.0, 0.0, 1000.0]], [[0.0, 0.25, 0.0]]),
    "softplus far out": (tg.softplus, [[-1000.0, 0.0, 1000.0]], [[0.0, 0.5, 1.0]]),
    "logaddexp far out": (np.logaddexp, [1000.0, -1000.0], [1.0, 0.0]),
    "where does not mix in the branch not taken": (lambda x: np.where(x.data > 0, np.log(np.where(x.data > 0, x, 1.0)), 0.0),
                                                    [[0.0, 2.0]], [[0.0, 0.5]]),
}  # fmt: skip


@pytest.mark.parametrize(("f", "data", "expected"), KINKS.values(), ids=KINKS)
def test_the_gradient_at_a_kink_is_the_convention(f, data, expected):
    for got, wanted in zip(gradient(f, *data), expected, strict=True):
        np.testing.assert_array_equal(got, wanted)


def _norm(ord=None, power=1):
    return lambda x: np.linalg.norm(x, ord) ** power


# A function of two numbers, where it is looked at, its gradient there, and its second derivatives. NaN may be infinite as well.
NAN = np.full((2, 2), np.nan)
SECOND = {
    "exp(-‖x‖²)": (lambda x: np.exp(-(np.linalg.norm(x) ** 2)), [0, 0], [0, 0], NAN),
    "exp(-‖x‖²) without a root": (lambda x: np.exp(-np.sum(x**2)), [0, 0], [0, 0], -2 * np.eye(2)),
    "norm": (_norm(), [0, 0], [0, 0], NAN),
    "square of the norm": (_norm(power=2), [0, 0], [0, 0], NAN),
    "square of the norm 1": (_norm(1, 2), [0, 0], [0, 0], NAN),
    "square of the largest size": (_norm(np.inf, 2), [0, 0], [0, 0], NAN),
    "norm 1.5, squared": (_norm(1.5, 2), [0, 0], [0, 0], NAN),
    "norm 1.5 beside zero": (_norm(1.5, 1.5), [0, 1], [0, 1.5], [[np.nan, 0], [np.nan, 0.75]]),
    "norm 3": (_norm(3), [0, 0], [0, 0], NAN),
    "norm 0.5": (_norm(0.5), [0, 0], [0, 0], NAN),
    "norm -1": (_norm(-1), [0, 0], [0, 0], NAN),
    "Frobenius norm": (lambda x: np.linalg.norm(np.diag(x)) ** 2, [0, 0], [0, 0], NAN),
    "one norm of several": (lambda x: np.sum(np.linalg.norm(np.stack([x, x + 1]), axis=0) ** 2), [0, 0], [2, 2], 4 * np.eye(2)),
    "hypot": (lambda x: np.hypot(x[0], x[1]) ** 2, [0, 0], [0, 0], NAN),
    "hypot of one zero": (lambda x: np.hypot(x[0], x[1]), [0, 2], [0, 1], [[0.5, 0], [0, 0]]),
    "std of a constant": (lambda x: np.std(x) ** 2, [3, 3], [0, 0], NAN),
    "var of a constant": (np.var, [3, 3], [0, 0], [[0.5, -0.5], [-0.5, 0.5]]),
    "var of complex numbers that are equal": (lambda x: np.var(x + 1j * x), [3, 3], [0, 0], [[1, -1], [-1, 1]]),
    "std of single numbers": (lambda x: np.sum(np.std(np.stack([x]), axis=0) ** 2), [3, 4], [0, 0], np.zeros((2, 2))),
    "nanstd of single numbers": (lambda x: np.nanstd(np.stack([x, [np.nan] * 2]), axis=0).sum(), [3, 4], [0, 0], np.zeros((2, 2))),
    "length of a complex number": (lambda x: np.abs(x[0] + 1j * x[1]) ** 2, [0, 0], [0, 0], NAN),
    "absolute value": (lambda x: np.sum(np.abs(x) ** 2), [0, 3], [0, 6], [[np.nan, 0], [np.nan, 2]]),
    "size by copysign": (lambda x: np.sum(np.copysign(x, 1.0) ** 2), [0, 3], [0, 6], [[np.nan, 0], [np.nan, 2]]),
    "log(1 + exp(-|x|))": (lambda x: np.sum(np.log1p(np.exp(-np.abs(x)))), [0, 0], [0, 0], NAN),
    "softplus": (lambda x: np.sum(tg.softplus(x)), [0, 0], [0.5, 0.5], np.eye(2) / 4),
    "direction": (lambda x: np.arctan2(x[0], x[1]), [0, 0], [0, 0], NAN),
    "angle": (lambda x: np.angle(x[0] + 1j * x[1]), [0, 0], [0, 0], NAN),
    "square root": (lambda x: np.sum(np.sqrt(x)), [0, 0], [np.inf, np.inf], NAN),
    "cube root": (lambda x: np.sum(np.cbrt(x)), [0, 0], [np.inf, np.inf], NAN),
    "arcsine at its end": (lambda x: np.sum(np.arcsin(x)), [1, 1], [np.inf, np.inf], NAN),
    "power 1.5": (lambda x: np.sum(x**1.5), [0, 0], [0, 0], NAN),
    "powers 0 and 2": (lambda x: np.sum(x ** np.array([0.0, 2.0])), [0, 0], [0, 0], [[0, 0], [0, 2]]),
    "powers 1 and 3": (lambda x: np.sum(x ** np.array([1.0, 3.0])), [0, 0], [1, 0], [[0, 0], [0, 0]]),
    "0 ** 0 of base and exponent": (lambda x: x[0] ** x[1], [0, 0], [0, 0], NAN),
    "0 ** 1 of base and exponent": (lambda x: x[0] ** x[1], [0, 1], [1, 0], NAN),
    "0 ** 2 of base and exponent": (lambda x: x[0] ** x[1], [0, 2], [0, 0], [[2, 0], [0, 0]]),
    "2 ** 0 of base and exponent": (lambda x: x[0] ** x[1], [2, 0], [0, np.log(2)], [[0, 0.5], [0.5, np.log(2) ** 2]]),
    "1 ** 2 of base and exponent": (lambda x: x[0] ** x[1], [1, 2], [2, 0], [[2, 1], [1, 0]]),
    "relu, which is what was chosen": (lambda x: np.sum(tg.relu(x) ** 2), [0, 1], [0, 2], [[0, 0], [0, 2]]),
    "maximum, which is what was chosen": (lambda x: np.sum(np.maximum(x, 0.0)), [0, 1], [0.5, 1], np.zeros((2, 2))),
}  # fmt: skip


@pytest.mark.parametrize(("f", "x", "gradient", "hessian"), SECOND.values(), ids=SECOND)
def test_a_second_derivative_that_does_not_exist_is_no_finite_number(f, x, gradient, hessian):
    x = np.array(x, dtype=float)
    with np.errstate(all="ignore"):
        compute = [tg.grad(f), tg.hessian(f), tg.compile(tg.grad(f)), tg.compile(tg.hessian(f))]
        first, second, compiled_first, compiled_second = (function(x) for function in compute)
    for got in (first, compiled_first):
        np.testing.assert_array_equal(got, gradient)
    for got in (second, compiled_second):
        np.testing.assert_allclose(np.where(np.isinf(got), np.nan, got), hessian, rtol=1e-14, atol=1e-15)


def test_the_slope_of_a_length_in_a_direction_is_zero_where_it_has_a_corner_and_not_nan():
    for f in (np.linalg.norm, lambda x: np.hypot(x[0], x[1]), np.std, lambda x: np.sum(np.abs(x))):
        assert tg.jvp(f, np.zeros(2), np.ones(2)) == (0.0, 0.0)


def test_what_comes_back_through_a_corner_is_not_stopped_if_it_is_infinite():
    with np.errstate(all="ignore"):
        assert np.all(np.isnan(tg.grad(lambda x: np.log(np.linalg.norm(x)))(np.zeros(2))))


def test_x_ln_y_has_no_second_derivative_at_zero():
    xlogy = pytest.importorskip("scipy.special").xlogy
    np.testing.assert_array_equal(tg.grad(lambda x: xlogy(x, x))(0.0), 0.0)
    with np.errstate(all="ignore"):
        assert np.isnan(tg.hessian(lambda x: xlogy(x, x))(0.0))
    np.testing.assert_array_equal(tg.hessian(lambda x: xlogy(x[0], x[1]))(np.array([0.0, 2.0])), [[0, 0.5], [0.5, 0]])


@pytest.mark.parametrize("target", ["numpy", "jax"])
@pytest.mark.parametrize(
    ("x", "value", "gradient"),
    [
        ([-np.inf] * 4, -np.inf, [0.25] * 4),
        ([-np.inf, 0.0], 0.0, [0, 1]),
        ([np.inf, 0.0, np.inf], np.inf, [0.5, 0, 0.5]),
        ([np.inf, -np.inf], np.inf, [1, 0]),
    ],
)
def test_infinities_share_the_gradient_of_logsumexp_equally_on_every_target(target, x, value, gradient):
    if target == "jax":
        pytest.importorskip("jax")
    eager = tg.value_and_grad(tg.logsumexp)
    for function in (eager, tg.compile(eager, target=target)):
        got, slope = function(np.array(x))
        np.testing.assert_array_equal(got, value)
        np.testing.assert_array_equal(slope, gradient)


def test_the_step_is_one_above_zero_and_zero_elsewhere():
    np.testing.assert_array_equal(tg.step(np.array([-1.0, -0.0, 0.0, 1e-300, 2.0])), [0, 0, 0, 1, 1])


def test_the_conventions_are_those_of_pytorch():
    torch = pytest.importorskip("torch")
    x = np.array([-1.0, 0.0, 1.0, 1.0])
    pairs = [
        (tg.relu, torch.relu),
        (np.abs, torch.abs),
        (np.sign, torch.sign),
        (np.max, torch.amax),
        (np.min, torch.amin),
        (lambda v: np.maximum(v, 1.0), lambda t: torch.maximum(t, torch.ones_like(t))),
        (lambda v: np.clip(v, -1.0, 1.0), lambda t: torch.clamp(t, -1.0, 1.0)),
    ]
    for ours, theirs in pairs:
        t = torch.tensor(x, requires_grad=True)
        theirs(t).sum().backward()
        np.testing.assert_array_equal(gradient(ours, x)[0], t.grad.numpy())
