"""Where a derivative does not exist, the convention of PyTorch and JAX holds."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.value import Value


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
