"""The engine that lesson 9 builds, as it stands there at the end: arrays, broadcasting, a table of rules, higher derivatives."""

from itertools import count

import numpy as np

next_serial = count().__next__
TABLE = {}  # type: ignore[var-annotated]  # a learner writes no types


class Operation:
    def __init__(self, forward, *rules):
        self.forward, self.rules = forward, rules
        TABLE[forward] = self

    def __call__(self, *inputs, **options):
        if not any(isinstance(x, Value) for x in inputs):
            return self.forward(*inputs, **options)
        inputs = tuple(x if isinstance(x, Value) else np.asarray(x, float) for x in inputs)
        return Value(self.forward(*map(numbers, inputs), **options), self, inputs, options)


class Value(np.lib.mixins.NDArrayOperatorsMixin):
    def __init__(self, data, operation=None, inputs=(), options=None):
        self.data = np.array(data, dtype=float)
        self.operation, self.inputs, self.options = operation, inputs, options or {}
        self.grad = 0.0
        self.serial = next_serial()

    __eq__, __hash__ = object.__eq__, object.__hash__  # each is its own key in a dictionary

    def __repr__(self):
        return f"Value({self.data})"

    shape = property(lambda self: self.data.shape)
    T = property(lambda self: np.transpose(self))

    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        if ufunc not in TABLE or method != "__call__" or options:
            return NotImplemented
        return TABLE[ufunc](*inputs)

    def __array_function__(self, function, types, inputs, options):
        return TABLE[function](*inputs, **options) if function in TABLE else NotImplemented

    def backward(self):
        for value, gradient in gradients(self).items():
            value.grad = value.grad + gradient


def numbers(x):
    return x.data if isinstance(x, Value) else x


def sum_back(g, shape):
    g = np.sum(g, axis=tuple(range(g.ndim - len(shape))))
    stretched = tuple(i for i, length in enumerate(shape) if length == 1)
    return np.sum(g, axis=stretched, keepdims=True)


Operation(np.add, lambda g, out, a, b: g, lambda g, out, a, b: g)
Operation(np.subtract, lambda g, out, a, b: g, lambda g, out, a, b: -g)
Operation(np.multiply, lambda g, out, a, b: g * b, lambda g, out, a, b: g * a)
Operation(np.divide, lambda g, out, a, b: g / b, lambda g, out, a, b: -g * a / b**2)
Operation(
    np.power,
    lambda g, out, a, n: g * n * a ** (n - 1),
    lambda g, out, a, n: g * out * np.log(a),
)
Operation(np.negative, lambda g, out, a: -g)
Operation(np.exp, lambda g, out, a: g * out)
Operation(np.log, lambda g, out, a: g / a)
Operation(np.tanh, lambda g, out, a: g * (1 - out**2))
Operation(np.matmul, lambda g, out, a, b: g @ b.T, lambda g, out, a, b: a.T @ g)
Operation(np.transpose, lambda g, out, a: g.T)
Operation(np.sum, lambda g, out, a: np.broadcast_to(g, shape=a.shape))
unbroadcast = Operation(sum_back, lambda g, out, x, shape: np.broadcast_to(g, shape=x.shape))
Operation(np.broadcast_to, lambda g, out, x, shape: unbroadcast(g, shape=x.shape))


def history(output):
    found, to_visit = {output}, [output]
    while to_visit:
        for source in to_visit.pop().inputs:
            if isinstance(source, Value) and source not in found:
                found.add(source)
                to_visit.append(source)
    return sorted(found, key=lambda value: value.serial, reverse=True)


def gradients(output, again=False):
    start = np.ones(output.shape)
    found = {output: Value(start) if again else start}
    for node in history(output):
        if node.operation is None:
            continue
        out, inputs = node, node.inputs
        if not again:
            out, inputs = node.data, [numbers(x) for x in inputs]
        for source, rule in zip(node.inputs, node.operation.rules):  # noqa: B905 (a learner's zip)
            if isinstance(source, Value):
                part = rule(found[node], out, *inputs, **node.options)
                part = unbroadcast(part, shape=source.shape)
                found[source] = found[source] + part if source in found else part
    return found


def grad(f):
    def derivative(x):
        at = x if isinstance(x, Value) else Value(x)
        found = gradients(f(at), again=True).get(at, Value(np.zeros(at.shape)))
        return found if at is x else found.data

    return derivative
