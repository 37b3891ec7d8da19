"""What was written for micrograd runs as it is, and what it got wrong is right."""

import numpy as np
import pytest

from tinygrad_edu.engine.value import Value


def test_the_example_of_micrograds_readme_gives_its_numbers():
    a = Value(-4.0)
    b = Value(2.0)
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    assert f"{g.data:.4f}" == "24.7041"
    g.backward()
    assert f"{a.grad:.4f}" == "138.8338"
    assert f"{b.grad:.4f}" == "645.5773"


def test_a_value_can_be_made_of_an_integer():
    a = Value(-4)
    assert a.dtype == np.float64
    (a * a).backward()
    assert a.grad == -8.0


def test_an_augmented_assignment_makes_a_new_value():
    c = first = Value(3.0)
    c += c + 1
    assert first.item() == 3.0
    assert c.item() == 7.0
    c.backward()
    assert first.grad == 2.0


@pytest.mark.parametrize(
    ("expression", "gradient"),
    [
        (lambda f: 10.0 / f, -2.5), (lambda f: 10 / f, -2.5), (lambda f: f**2, 4.0), (lambda f: f**-1, -0.25),
        (lambda f: f / 4, 0.25),
        (lambda f: 2**f, 4 * np.log(2)), (lambda f: 1 - f, -1.0), (lambda f: -f, -1.0), (lambda f: +f, 1.0), (lambda f: f - 1, 1.0),
        (lambda f: f.relu(), 1.0), (lambda f: sum([f, f, f]), 3.0), (lambda f: f * f * f, 12.0), (lambda f: 7 % f, -3.0),
        (lambda f: 7 // f, 0.0), (lambda f: f % 1.5, 1.0), (lambda f: abs(-f), 1.0), (lambda f: f.exp(), np.exp(2)),
        (lambda f: f.tanh(), 1 / np.cosh(2) ** 2), (lambda f: f.log(), 0.5), (lambda f: f**0.5, 0.5 / np.sqrt(2)),
    ],
)  # fmt: skip
def test_an_operator_with_numbers_has_the_gradient_known_from_calculus(expression, gradient):
    f = Value(2.0)
    expression(f).backward()
    np.testing.assert_allclose(f.grad, gradient, rtol=1e-14)


def test_a_second_backward_adds_the_right_gradient_and_not_what_is_left_of_the_first():
    # micrograd keeps gradients on inner nodes from one pass to the next, and gets 96 here in place of 32.
    x = Value(2.0)
    y = x * x
    z = y * y
    z.backward()
    assert x.grad == 32.0
    x.grad = None
    z.backward()
    assert x.grad == 32.0


def test_backward_twice_gives_exactly_twice_the_gradient():
    rng = np.random.default_rng(0)
    w, x = Value(rng.normal(size=(3, 4))), rng.normal(size=(5, 3))
    loss = np.sum(np.tanh(x @ w) ** 2)
    loss.backward()
    once = w.grad
    loss.backward()
    np.testing.assert_array_equal(w.grad, 2 * once)


def test_losses_that_share_a_part_of_their_graphs_add_their_gradients():
    w = Value([1.0, 2.0])
    shared = np.exp(w)
    first, second = shared.sum(), (shared * shared).sum()
    first.backward()
    np.testing.assert_allclose(w.grad, np.exp([1, 2]), rtol=1e-15)
    second.backward()
    np.testing.assert_allclose(w.grad, np.exp([1, 2]) + 2 * np.exp([2, 4]), rtol=1e-15)


def test_the_sum_of_two_losses_has_the_sum_of_their_gradients():
    together, apart = Value([1.0, 2.0]), Value([1.0, 2.0])

    def losses(w):
        shared = np.sin(w)
        return (shared * w).sum(), (shared / w).mean()

    sum(losses(together)).backward()
    for loss in losses(apart):
        loss.backward()
    np.testing.assert_allclose(together.grad, apart.grad, rtol=1e-15)


def test_a_value_used_several_times_in_one_operation_collects_every_contribution():
    x = Value(3.0)
    (x * x + x / x + x**x).backward()
    np.testing.assert_allclose(x.grad, 6 + 27 * (np.log(3) + 1), rtol=1e-14)


def test_only_leaves_keep_a_gradient():
    x = Value(2.0)
    y = x * x
    (y * 3).backward()
    assert y.grad is None
    assert x.grad == 12.0


def test_backward_from_a_leaf_gives_it_the_gradient_one():
    x = Value(2.0)
    x.backward()
    assert x.grad == 1.0


def test_what_requires_no_gradient_gets_none():
    w, x = Value(2.0), Value(3.0, requires_grad=False)
    (w * x).backward()
    assert x.grad is None
    assert w.grad == 3.0
