"""Optimizers: the formulas of PyTorch, and what they demand of their parameters."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.errors import DataError, GradientError

CONFIGURATIONS = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "weight_decay": 0.3}),
    ("SGD", {"lr": 0.1, "momentum": 0.9}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    ("SGD", {"lr": 0.1, "momentum": 0.5, "nesterov": True, "weight_decay": 0.3}),
    ("SGD", {"lr": 0.0, "momentum": 0.5}),
    ("Adam", {}),
    ("Adam", {"lr": 0.05}),
    ("Adam", {"lr": 0.05, "betas": (0.5, 0.7), "eps": 1e-3}),
    ("Adam", {"lr": 0.05, "betas": (0.0, 0.0), "eps": 1e-3, "weight_decay": 0.2}),
]
ALL = [
    lambda params, **settings: tg.optim.SGD(params, **{"lr": 0.1, **settings}),
    lambda params, **settings: tg.optim.Adam(params, **{"lr": 0.1, **settings}),
]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("name", "settings"), CONFIGURATIONS)
def test_twenty_steps_end_where_pytorch_ends(name, settings, dtype):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    starts = [rng.normal(size=shape).astype(dtype) for shape in ((3, 2), (4,), ())]
    ours = [tg.Value(start) for start in starts]
    theirs = [torch.tensor(start, requires_grad=True) for start in starts]
    our_optimizer = getattr(tg.optim, name)(ours, **settings)
    their_optimizer = getattr(torch.optim, name)(theirs, **settings)
    for step in range(20):
        our_optimizer.zero_grad()
        their_optimizer.zero_grad()
        for position, (p, q) in enumerate(zip(ours, theirs, strict=True)):
            if step == 5 and position == 1:
                continue  # a parameter without a gradient in this step
            gradient = rng.normal(size=p.shape).astype(dtype)
            p.grad, q.grad = gradient, torch.tensor(gradient)
        our_optimizer.step()
        their_optimizer.step()
    for p, q in zip(ours, theirs, strict=True):
        assert p.dtype == dtype
        np.testing.assert_allclose(
            p.data, q.detach().numpy(), rtol=1e-12 if dtype == "float64" else 2e-5, atol=1e-6 * (dtype != "float64")
        )


@pytest.mark.parametrize("make", ALL)
def test_a_parameter_without_a_gradient_stays_where_it_is(make):
    moved, still = tg.Value([1.0, 2.0]), tg.Value([3.0])
    optimizer = make([moved, still], weight_decay=0.5)
    moved.grad = np.ones(2)
    optimizer.step()
    assert (moved.data != [1.0, 2.0]).all()
    assert still.data == [3.0]


@pytest.mark.parametrize("make", ALL)
def test_zero_grad_forgets_the_gradients(make):
    w = tg.Value([1.0, 2.0])
    (w * w).sum().backward()
    make([w]).zero_grad()
    assert w.grad is None


@pytest.mark.parametrize("make", ALL)
def test_a_step_does_not_change_a_gradient_that_was_recorded_before_it(make):
    w, v = tg.Value([2.0, 3.0]), tg.Value([5.0, 7.0])
    held = w.data
    loss = (w * v).sum()
    w.grad = np.ones(2)
    make([w]).step()
    w.grad = None
    loss.backward()
    np.testing.assert_array_equal(v.grad, [2.0, 3.0])
    np.testing.assert_array_equal(held, [2.0, 3.0])


def test_the_velocity_is_not_the_array_of_the_gradient():
    w = tg.Value([0.0])
    optimizer = tg.optim.SGD([w], lr=1.0, momentum=0.5)
    w.grad = np.ones(1)
    optimizer.step()
    w.grad[...] = 0.0
    optimizer.step()
    np.testing.assert_allclose(w.data, [-1.5])


def test_the_learning_rate_may_be_changed_between_steps():
    w = tg.Value(0.0)
    optimizer = tg.optim.SGD([w], lr=1.0)
    w.grad = 1.0
    optimizer.step()
    optimizer.lr = 0.25
    optimizer.step()
    assert float(w) == -1.25


def test_float32_stays_float32_under_a_double_precision_learning_rate():
    w = tg.Value(np.ones(3, np.float32))
    optimizer = tg.optim.Adam([w], lr=np.float64(0.1))
    for _ in range(3):
        (w * w).sum().backward()
        optimizer.step()
    assert w.dtype == np.float32


@pytest.mark.parametrize("make", ALL)
def test_a_generator_of_parameters_is_fine(make):
    assert len(make(tg.Value(float(i)) for i in range(3)).params) == 3


def test_sgd_follows_the_lecture_as_it_diverges():
    theta = tg.Value(3.0)
    optimizer = tg.optim.SGD([theta], lr=1.0)
    seen = []
    for _ in range(3):
        optimizer.zero_grad()
        loss = 0.5 * (8.0 - theta * 2.0) ** 2
        loss.backward()
        seen.append((float(theta), float(loss), float(theta.grad)))
        optimizer.step()
    assert seen == [(3, 2, -4), (7, 18, 12), (-5, 162, -36)]
    assert float(theta) == 31


W = tg.Value(1.0, name="w")


@pytest.mark.parametrize("make", ALL)
@pytest.mark.parametrize(
    ("params", "error", "words"),
    [
        ([], DataError, "params is empty"),
        (W, DataError, r"write \[value\]"),
        (3.0, DataError, "must be a list of Values"),
        ([W, 2.0], DataError, r"params\[1\] must be a Value, but is 2.0"),
        ({"w": W}, DataError, r"params\[0\] must be a Value, but is 'w'"),
        ([W, tg.Value(2.0), W], DataError, "'w' of shape .* twice"),
        ([W * 2], GradientError, "computed by 'multiply'"),
        ([tg.Value(1.0, requires_grad=False)], GradientError, "requires no gradient"),
    ],
)
def test_what_cannot_be_trained_is_refused(make, params, error, words):
    with pytest.raises(error, match=words):
        make(params)


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("SGD", {"lr": -0.1}, "lr must be a finite number at least 0, but is -0.1"),
        ("SGD", {"lr": float("nan")}, "lr must be a finite number"),
        ("SGD", {"lr": "0.1"}, "lr must be a finite number"),
        ("SGD", {"lr": True}, "lr must be a finite number"),
        ("SGD", {"lr": 0.1, "momentum": -1}, "momentum must be"),
        ("SGD", {"lr": 0.1, "weight_decay": -1}, "weight_decay must be"),
        ("SGD", {"lr": 0.1, "nesterov": True}, "momentum is 0"),
        ("Adam", {"lr": -0.1}, "lr must be"),
        ("Adam", {"betas": (1.0, 0.9)}, r"betas\[0\] must be a finite number at least 0 and below 1, but is 1.0"),
        ("Adam", {"betas": (0.9, -0.1)}, r"betas\[1\] must be"),
        ("Adam", {"betas": 0.9}, "betas must be two numbers"),
        ("Adam", {"eps": -1e-8}, "eps must be"),
    ],
)
def test_settings_out_of_range_are_refused_with_the_range(name, settings, words):
    with pytest.raises(DataError, match=words):
        getattr(tg.optim, name)([W], **settings)


# --- the formulas, by hand -----------------------------------------------------------------------------------------------------

START = np.array([1.0, -2.0, 0.5])
GRADIENTS = np.array([[0.5, -1.0, 2.0], [0.25, 3.0, -1.0], [-4.0, 0.0, 0.125]])


def after_three_steps(make, **settings):
    w = tg.Value(START)
    optimizer = make([w], **settings)
    for gradient in GRADIENTS:
        w.grad = gradient.copy()
        optimizer.step()
    return w.data


@pytest.mark.parametrize("weight_decay", [0.0, 0.25])
@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("momentum", [0.5, 1.0])
def test_sgd_with_momentum_moves_along_what_is_left_of_the_velocity(momentum, nesterov, weight_decay):
    w, velocity = START, 0
    for gradient in GRADIENTS:
        g = gradient + weight_decay * w
        velocity = momentum * velocity + g
        w = w - 0.1 * (g + momentum * velocity if nesterov else velocity)
    moved = after_three_steps(tg.optim.SGD, lr=0.1, momentum=momentum, nesterov=nesterov, weight_decay=weight_decay)
    np.testing.assert_allclose(moved, w, rtol=1e-14)


@pytest.mark.parametrize(("beta1", "beta2", "eps"), [(0.9, 0.999, 1e-8), (0.5, 0.75, 0.25), (0.0, 0.0, 1e-3)])
@pytest.mark.parametrize("weight_decay", [0.0, 0.25])
def test_adam_divides_the_mean_of_the_gradients_by_the_root_of_the_mean_of_their_squares(beta1, beta2, eps, weight_decay):
    w, m, v = START, 0, 0
    for k, gradient in enumerate(GRADIENTS, start=1):
        g = gradient + weight_decay * w
        m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g * g
        w = w - 0.1 * (m / (1 - beta1**k)) / (np.sqrt(v / (1 - beta2**k)) + eps)
    moved = after_three_steps(tg.optim.Adam, lr=0.1, betas=(beta1, beta2), eps=eps, weight_decay=weight_decay)
    np.testing.assert_allclose(moved, w, rtol=1e-13)


def test_adam_without_settings_is_that_of_the_paper():
    paper = {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.0}
    np.testing.assert_array_equal(after_three_steps(tg.optim.Adam), after_three_steps(tg.optim.Adam, **paper))


def test_sgd_without_settings_is_plain_gradient_descent():
    np.testing.assert_allclose(after_three_steps(tg.optim.SGD, lr=0.1), START - 0.1 * GRADIENTS.sum(0), rtol=1e-14)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("SGD", {"lr": 0}), ("SGD", {"lr": 1, "momentum": 2}), ("SGD", {"lr": 1, "weight_decay": 2}),
        ("Adam", {"betas": [0, 0]}), ("Adam", {"eps": 0}), ("Adam", {"lr": 0, "weight_decay": 0}),
    ],
)  # fmt: skip
def test_settings_at_the_ends_of_their_ranges_are_taken(name, settings):
    getattr(tg.optim, name)([W], **settings)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"betas": (0.9, 1.0)}, r"betas\[1\] must be a finite number at least 0 and below 1, but is 1.0"),
        ({"betas": (-0.1, 0.9)}, r"betas\[0\] must be"),
        ({"betas": (0.9, 0.9, 0.9)}, "betas must be two numbers"),
        ({"betas": {0.9, 0.99}}, "betas must be two numbers"),
        ({"weight_decay": -0.5}, "weight_decay must be a finite number at least 0, but is -0.5"),
    ],
)
def test_each_setting_of_adam_has_its_own_message(settings, words):
    with pytest.raises(DataError, match=words):
        tg.optim.Adam([W], **settings)
