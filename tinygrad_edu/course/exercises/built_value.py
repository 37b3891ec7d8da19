"""The class that lesson 8 builds, as it stands there at the end: a number that knows its derivatives."""

import math
from itertools import count

next_serial = count().__next__  # gives 0, 1, 2, ...


class Value:
    def __init__(self, data, made_from=()):
        self.data = float(data)
        self.made_from = made_from  # pairs (input, local derivative)
        self.grad = 0.0
        self.serial = next_serial()

    def __repr__(self):
        return f"Value({self.data:g})"

    def __add__(self, other):
        other = as_value(other)
        return Value(self.data + other.data, ((self, 1.0), (other, 1.0)))

    def __mul__(self, other):
        other = as_value(other)
        return Value(self.data * other.data, ((self, other.data), (other, self.data)))

    __radd__, __rmul__ = __add__, __mul__

    def __pow__(self, n):
        return Value(self.data**n, ((self, n * self.data ** (n - 1)),))

    def exp(self):
        result = math.exp(self.data)
        return Value(result, ((self, result),))

    def tanh(self):
        result = math.tanh(self.data)
        return Value(result, ((self, 1 - result**2),))

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + -as_value(other)

    def __rsub__(self, other):
        return as_value(other) - self

    def __truediv__(self, other):
        return self * as_value(other) ** -1

    def __rtruediv__(self, other):
        return as_value(other) / self

    def history(self):
        found, to_visit = {self}, [self]
        while to_visit:
            for source, _ in to_visit.pop().made_from:
                if source not in found:
                    found.add(source)
                    to_visit.append(source)
        return sorted(found, key=lambda value: value.serial, reverse=True)

    def gradients(self):
        found = {self: 1.0}
        for node in self.history():  # newest first
            for source, local in node.made_from:
                found[source] = found.get(source, 0.0) + found[node] * local
        return found

    def backward(self):
        for value, gradient in self.gradients().items():
            value.grad += gradient


def as_value(x):
    return x if isinstance(x, Value) else Value(x)
