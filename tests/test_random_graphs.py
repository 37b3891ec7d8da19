"""A race against a naive twin: graphs that grow at random, in the engine and in a version too simple to be wrong.

The twin is forward mode. Each of its numbers is written out with its derivative with respect to every leaf, and every operation
says in one line what becomes of both. It shares no code with the engine and no idea with reverse mode.
"""

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

import tinygrad_edu as tg
from tinygrad_edu.engine.value import Value

LENGTH = 3  # every array in these graphs has so many elements, or is a single number
NUMBERS = st.floats(-2, 2, allow_subnormal=False).map(lambda x: round(x, 3))


class Twin:
    """An array, and for each leaf element by which it may have been influenced, the derivative of the array."""

    def __init__(self, data, slopes):
        self.data = np.asarray(data, dtype=float)
        self.slopes = slopes  # {(leaf number, element): array of the shape of data}

    def apply(self, data, slope):
        return Twin(data, {key: slope(tangent) for key, tangent in self.slopes.items()})

    def combine(self, other, data, slope):
        zero, other_zero = np.zeros(self.data.shape), np.zeros(other.data.shape)
        return Twin(
            data,
            {key: slope(self.slopes.get(key, zero), other.slopes.get(key, other_zero)) for key in self.slopes | other.slopes},
        )


def leaf_twin(number, data):
    data = np.asarray(data, dtype=float)
    slopes = {}
    for element in np.ndindex(data.shape):
        unit = np.zeros(data.shape)
        unit[element] = 1.0
        slopes[number, element] = unit
    return Twin(data, slopes)


# name: (the engine's operation, the twin's numbers, the twin's slope given numbers x and tangent dx)
UNARY = {
    "tanh": (np.tanh, np.tanh, lambda x, dx: dx / np.cosh(x) ** 2),
    "sin": (np.sin, np.sin, lambda x, dx: np.cos(x) * dx),
    "exp of minus the square": (lambda v: np.exp(-(v**2)), lambda x: np.exp(-x * x), lambda x, dx: -2 * x * np.exp(-x * x) * dx),
    "negative": (lambda v: -v, lambda x: -x, lambda x, dx: -dx),
    "relu": (lambda v: v.relu(), lambda x: x * (x > 0), lambda x, dx: dx * (x > 0)),
    "absolute": (abs, abs, lambda x, dx: np.sign(x) * dx),
    "1 / (1 + x²)": (lambda v: 1 / (1 + v * v), lambda x: 1 / (1 + x * x), lambda x, dx: -2 * x * dx / (1 + x * x) ** 2),
    "sum": (np.sum, np.sum, lambda x, dx: np.sum(dx)),
    "mean": (np.mean, np.mean, lambda x, dx: np.sum(dx) / np.size(x)),
    "repeat to three": (
        lambda v: np.broadcast_to(v, (LENGTH,)),
        lambda x: x + np.zeros(LENGTH),
        lambda x, dx: dx + np.zeros(LENGTH),
    ),
    "reverse": (lambda v: v[::-1] if v.ndim else v + 0.0, lambda x: np.flip(x), lambda x, dx: np.flip(dx)),
    "first twice and last": (
        lambda v: v[np.array([0, 0, -1])] if v.ndim else v + 0.0,
        lambda x: np.array([x[0], x[0], x[-1]]) if x.ndim else x,
        lambda x, dx: np.array([dx[0], dx[0], dx[-1]]) if x.ndim else dx,
    ),
    "stop_gradient": (tg.stop_gradient, lambda x: x, lambda x, dx: 0 * dx),
}
BINARY = {
    "add": (lambda v, w: v + w, lambda x, y: x + y, lambda x, dx, y, dy: dx + dy),
    "subtract": (lambda v, w: v - w, lambda x, y: x - y, lambda x, dx, y, dy: dx - dy),
    "multiply": (lambda v, w: 0.5 * (v * w), lambda x, y: x * y / 2, lambda x, dx, y, dy: (dx * y + x * dy) / 2),
    "divide": (
        lambda v, w: v / (w * w + 1),
        lambda x, y: x / (y * y + 1),
        lambda x, dx, y, dy: dx / (y * y + 1) - x * 2 * y * dy / (y * y + 1) ** 2,
    ),
    "where": (
        lambda v, w: np.where(v > w, v, w * 2),
        lambda x, y: np.array(x * (x > y) + 2 * y * (x <= y)),
        lambda x, dx, y, dy: dx * (x > y) + 2 * dy * (x <= y),
    ),
    "inner product": (
        lambda v, w: np.sum(v * w) * 0.25,
        lambda x, y: np.sum(x * y) / 4,
        lambda x, dx, y, dy: np.sum(dx * y + x * dy) / 4,
    ),
}


class GraphRace(RuleBasedStateMachine):
    """Leaves are made, rebound and cleared; nodes are computed and differentiated; both versions must agree throughout."""

    nodes = Bundle("nodes")

    def __init__(self):
        super().__init__()
        self.computed = []
        self.leaves = []  # [engine's Value, the twin's numbers, the twin's accumulated gradient or None]

    @initialize(target=nodes, data=st.lists(NUMBERS, min_size=LENGTH, max_size=LENGTH))
    def first_leaf(self, data):
        return self.make_leaf(data)

    @rule(target=nodes, data=NUMBERS | st.lists(NUMBERS, min_size=LENGTH, max_size=LENGTH))
    def new_leaf(self, data):
        return self.make_leaf(data)

    def make_leaf(self, data):
        value = Value(data)
        self.leaves.append([value, np.array(data, dtype=float), None])
        return len(self.leaves) - 1

    def both(self, node):
        """A node as the engine's Value and its twin. A leaf is noted by its number, since its numbers may have been rebound."""
        return (self.leaves[node][0], leaf_twin(node, self.leaves[node][1])) if isinstance(node, int) else node

    @rule(target=nodes, data=NUMBERS)
    def constant(self, data):
        return Value(data, requires_grad=False), Twin(data, {})

    @rule(target=nodes, name=st.sampled_from(sorted(UNARY)), node=nodes)
    def apply_to_one(self, name, node):
        operation, numbers, slope = UNARY[name]
        value, twin = self.both(node)
        return self.made(operation(value), twin.apply(numbers(twin.data), lambda dx: slope(twin.data, dx)))

    @rule(target=nodes, name=st.sampled_from(sorted(BINARY)), left=nodes, right=nodes)
    def apply_to_two(self, name, left, right):
        operation, numbers, slope = BINARY[name]
        (v, x), (w, y) = self.both(left), self.both(right)
        shape = numbers(x.data, y.data).shape
        result = x.combine(y, numbers(x.data, y.data), lambda dx, dy: slope(x.data, dx, y.data, dy) + np.zeros(shape))
        return self.made(operation(v, w), result)

    def made(self, value, twin):
        self.computed.append((value, twin))
        return value, twin

    @rule(target=nodes, node=nodes)
    def detach(self, node):
        value, twin = self.both(node)
        return value.detach(), Twin(twin.data, {})

    @rule(target=nodes, name=st.sampled_from(sorted(UNARY)), node=nodes)
    def apply_under_no_grad(self, name, node):
        value, twin = self.both(node)
        with tg.no_grad():
            return UNARY[name][0](value), Twin(UNARY[name][1](twin.data), {})

    @rule(number=st.integers(0, 100), data=NUMBERS)
    def rebind(self, number, data):
        """What was computed before keeps the numbers that it saw."""
        leaf = self.leaves[number % len(self.leaves)]
        leaf[1] = np.full(leaf[1].shape, data)
        leaf[0].data = leaf[1]

    @rule(number=st.integers(0, 100))
    def read(self, number):
        value, data, _ = self.leaves[number % len(self.leaves)]
        np.testing.assert_array_equal(value.data, data)

    @rule(number=st.integers(0, 100))
    def clear_gradient(self, number):
        leaf = self.leaves[number % len(self.leaves)]
        leaf[0].grad = leaf[2] = None

    @rule(node=nodes, times=st.integers(1, 2), cotangent=NUMBERS)
    def differentiate(self, node, times, cotangent):
        value, twin = self.both(node)
        if not value.requires_grad:
            return
        start = cotangent * np.arange(1.0, 1 + twin.data.size).reshape(twin.data.shape)
        for _ in range(times):
            value.backward(start)
            influenced = {key[0] for key in twin.slopes}
            for number in influenced:
                leaf = self.leaves[number]
                gradient = np.zeros(leaf[1].shape)
                for (of, element), tangent in twin.slopes.items():
                    if of == number:
                        gradient[element] = np.sum(start * tangent)
                leaf[2] = gradient if leaf[2] is None else leaf[2] + gradient

    @rule(node=nodes)
    def values_agree(self, node):
        value, twin = self.both(node)
        np.testing.assert_allclose(value.numpy(), twin.data, rtol=1e-10, atol=1e-12)
        assert value.shape == twin.data.shape

    def teardown(self):
        """Whatever has not been differentiated yet is now."""
        for node in self.computed:
            self.differentiate(node, 1, 1.0)
            self.values_agree(node)
        self.gradients_agree()

    @invariant()
    def gradients_agree(self):
        for value, data, gradient in self.leaves:
            if gradient is None:
                assert value.grad is None or not np.any(value.grad)
            else:
                got = np.zeros(data.shape) if value.grad is None else value.grad
                np.testing.assert_allclose(got, gradient, rtol=1e-9, atol=1e-10)


TestGraphRace = GraphRace.TestCase
TestGraphRace.settings = settings(max_examples=300, stateful_step_count=30, deadline=None)
