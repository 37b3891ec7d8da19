"""What was written for micrograd runs as it is, and what it got wrong is right."""

import random

import numpy as np
import pytest

import tinygrad_edu as tg
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


class Neuron:
    """A neuron of single numbers, as it is written for micrograd: of Python's lists, sums and loops."""

    def __init__(self, inputs, rng, is_linear=False):
        self.w = [Value(rng.uniform(-1, 1)) for _ in range(inputs)]
        self.b = Value(0)
        self.is_linear = is_linear

    def __call__(self, x):
        total = sum((w * each for w, each in zip(self.w, x, strict=True)), self.b)
        return total if self.is_linear else total.relu()

    def parameters(self):
        return [*self.w, self.b]


class Layer:
    def __init__(self, inputs, outputs, rng, is_linear=False):
        self.neurons = [Neuron(inputs, rng, is_linear) for _ in range(outputs)]

    def __call__(self, x):
        outputs = [neuron(x) for neuron in self.neurons]
        return outputs[0] if len(outputs) == 1 else outputs

    def parameters(self):
        return [parameter for neuron in self.neurons for parameter in neuron.parameters()]


class MLP:
    def __init__(self, inputs, sizes, rng):
        ends = zip([inputs, *sizes], sizes, strict=False)
        self.layers = [Layer(n, m, rng, is_linear=k == len(sizes) - 1) for k, (n, m) in enumerate(ends)]

    def __call__(self, x):
        for layer in self.layers:
            x = layer(x)
        return x

    def parameters(self):
        return [parameter for layer in self.layers for parameter in layer.parameters()]


def test_a_network_of_single_neurons_has_the_gradients_of_the_same_network_of_layers_and_learns():
    model = MLP(3, [4, 1], random.Random(0))
    samples, targets = (
        np.array([[2.0, 3.0, -1.0], [3.0, -1.0, 0.5], [0.5, 1.0, 1.0], [1.0, 1.0, -1.0]]),
        np.array([1.0, -1.0, -1.0, 1.0]),
    )
    hidden, output = tg.nn.Linear(3, 4), tg.nn.Linear(4, 1)
    for linear, layer in zip((hidden, output), model.layers, strict=True):
        linear.weight.data = [[w.item() for w in neuron.w] for neuron in layer.neurons]
        linear.bias.data = [neuron.b.item() for neuron in layer.neurons]
    network = tg.nn.Sequential(hidden, tg.relu, output)

    def loss():
        return sum((model(x) - t) ** 2 for x, t in zip(samples.tolist(), targets.tolist(), strict=True))

    loss().backward()
    np.sum((network(samples)[:, 0] - targets) ** 2).backward()
    for linear, layer in zip((hidden, output), model.layers, strict=True):
        np.testing.assert_allclose([[w.grad for w in neuron.w] for neuron in layer.neurons], linear.weight.grad, rtol=1e-12)
        np.testing.assert_allclose([neuron.b.grad for neuron in layer.neurons], linear.bias.grad, rtol=1e-12)
    first = loss().data
    for _ in range(30):
        total = loss()
        for p in model.parameters():
            p.grad = 0.0
        total.backward()
        for p in model.parameters():
            p.data += -0.02 * p.grad
    assert loss().data < 0.2 * first
