"""Wrong answers to the exercises of lesson 8, each with a part of what is to be said of it."""

import inspect
import math

import numpy as np

from tinygrad_edu.course.exercises import built_value, lesson_08
from tinygrad_edu.course.exercises.built_value import Value

SOURCE = inspect.getsource(built_value)
RECURSION = """def history(self):
        found = set()

        def visit(node):
            found.add(node)
            for source, _ in node.made_from:
                if source not in found:
                    visit(source)

        visit(self)
        return sorted(found, key=lambda value: value.serial, reverse=True)"""
FOUND_FIRST = """def history(self):
        order = [self]
        for node in order:
            order.extend(source for source in dict.fromkeys(source for source, _ in node.made_from) if source not in order)
        return order"""
IN_GRAD = """def backward(self):
        self.grad += 1.0
        for node in self.history():
            for source, local in node.made_from:
                source.grad += node.grad * local
"""


def but(old, new):
    """The class of the lesson with one thing changed."""
    assert old in SOURCE
    names = {}
    exec(SOURCE.replace(old, new), names)
    return names["Value"]


def method(name):
    """The source of a method, from its `def` on."""
    return inspect.getsource(getattr(Value, name)).strip()


def step(result, slope_a, slope_b):
    """A division that remembers these local derivatives."""
    return lambda a, b: Value(result(a.data, b.data), ((a, slope_a(a.data, b.data)), (b, slope_b(a.data, b.data))))


def quotient(a, b):
    return a / b


def by_a(a, b):
    return 1 / b


def walk(output, combine):
    """Along every path."""
    found = {}

    def visit(node, slope):
        found[node] = combine(found.get(node, 0.0), slope)
        for source, local in node.made_from:
            visit(source, slope * local)

    visit(output, 1.0)
    return found


def in_the_order_found(output):
    found, to_visit = {output: 1.0}, [output]
    for node in to_visit:
        for source, local in node.made_from:
            if source not in found:
                to_visit.append(source)
            found[source] = found.get(source, 0.0) + found[node] * local
    return found


def by_recursion(output):
    nodes = set()

    def visit(node):
        nodes.add(node)
        for source, _ in node.made_from:
            if source not in nodes:
                visit(source)

    visit(output)
    return chain_rule(output, nodes, {output: 1.0})


def chain_rule(output, nodes, found):
    for node in sorted(nodes, key=lambda value: value.serial, reverse=True):
        for source, local in node.made_from:
            found[source] = found.get(source, 0.0) + found[node] * local
    return found


def into_grad(output):
    """What is found is added to grad, and told from there."""
    right = lesson_08.my_gradients(output)
    for value, gradient in right.items():
        value.grad += gradient
    return {value: value.grad for value in right} | {output: 1.0}


def adding_local_derivatives(output):
    right = lesson_08.my_gradients(output)
    return {value: 1.0 + (value is not output) for value in right}


def without_the_output(output):
    return {value: gradient for value, gradient in lesson_08.my_gradients(output).items() if value is not output}


def leaves_alone(output):
    return {value: gradient for value, gradient in lesson_08.my_gradients(output).items() if value is output or not value.made_from}


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


WRONG = {
    "8.1": [
        ([7, 19], "a is also added alone", "a 还单独加了一次"),
        ((8, 14), "In ab it stands, too.", "它在 ab 里也出现"),
        (np.array([8, 5]), "It stands in b², too.", "它在 b² 里也出现"),
        ([-8, -19], "The sign is turned.", "符号反了"),
        ([8], "It has shape (1,)", "形状是 (1,)"),
    ],
    "8.2": [
        (lambda x: -sigmoid(x) * (1 - sigmoid(x)), "The sign is turned", "符号反了"),
        (lambda x: 2 * sigmoid(x) * (1 - sigmoid(x)), "The factor ½ is missing", "因子 ½"),
        (
            lambda x: -1 / (1 + np.exp(-x)) ** 2,
            "The factor −exp(−x) is missing: it is −1 times the derivative of exp(−x) by −x.",
            "导数的 −1 倍",
        ),
        (lambda x: 0.221712873293, "right at the given point only", "只在"),
    ],
    "8.3": [
        (step(quotient, by_a, lambda a, b: a / b**2), "has its sign turned", "符号反了"),
        (step(quotient, by_a, lambda a, b: -1 / b**2), "the factor a is missing", "还缺因子 a"),
        (step(quotient, by_a, lambda a, b: -a / b), "the exponent of the derivative", "指数是 −2"),
        (step(quotient, by_a, lambda a, b: 0.0), "should be −a/b² = −0.666667", "应该是 −a/b² = −0.666667"),
        (step(quotient, lambda a, b: b, lambda a, b: -a / b**2), "the local derivative for a is 3", "对 a 的局部导数是 3"),
        (step(lambda a, b: a * b, by_a, by_a), "has the data 18; it should be 2.", "data 是 18，应该是 2"),
        (lambda a, b: a / b, "should be one step", "应该是一步"),
        (lambda a, b: a.data / b.data, "should return a Value, but returned 2.0", "应该返回一个 Value"),
        (lambda a, b: None, "`return` is missing", "缺少 `return`"),
    ],
    "8.4": [
        (lambda a: a if a.data > 0 else 0.0, "should return a Value, but returned 0.0", "却返回了 0.0"),
        (lambda a: Value(max(a.data, 0.0)), "has forgotten a", "忘记了 a"),
        (lambda a: Value(max(a.data, 0.0), ((a, 1.0),)), "stays 0.", "一直是 0"),
        (lambda a: Value(max(a.data, 0.0), ((a, max(a.data, 0.0)),)), "moves as much.", "跟着动同样多"),
        (lambda a: Value(abs(a.data), ((a, 1.0),)), "has the data 2; it should be 0.", "data 是 2，应该是 0"),
    ],
    "8.5": [
        (lambda output: walk(output, lambda old, new: new), "do not overwrite".capitalize(), "不要覆盖"),
        (lambda output: walk(output, lambda old, new: old + new), "goes along every path", "逐条走路径"),
        (in_the_order_found, "The order is wrong", "顺序错了"),
        (by_recursion, "RecursionError", "RecursionError"),
        (into_grad, "begin with a new, empty dictionary", "新的空字典"),
        (adding_local_derivatives, "multiply the local derivatives", "局部导数相乘"),
        (without_the_output, "The derivative of the output by itself is 1", "输出对它自己的导数是 1"),
        (leaves_alone, "has no entry for ab", "没有 ab 这一项"),
        (lambda output: -12.0, "should return a dictionary", "应该返回一个字典"),
        (lambda output: ..., "Not answered yet", "还没有作答"),
    ],
    "8.6": [
        (Value(3), "Give check the class itself", "把类本身交给 check"),
        (but("__radd__, __rmul__ = __add__, __mul__", "__radd__ = __add__"), "for __rmul__", "__rmul__"),
        (but("return as_value(other) - self", "return self - other"), "8 - a at a = 3 gives −5", "8 - a 得到 −5"),
        (but("self + -as_value(other)", "self + as_value(other) * -2"), "a - b at a = 3, b = 2 gives −1", "应该是 1"),
        (but("((self, 1.0), (other, 1.0))", "((self, 1.0), (other, -1.0))"), "The sign is turned.", "符号反了"),
        (but("self * as_value(other) ** -1", "self * as_value(other) ** -2"), "a / b at", "a / b"),
        (but("1 - result**2", "1 - result"), "a.tanh() at a = 0.5: the gradient of a", "a.tanh() 在"),
        (but("n * self.data ** (n - 1)", "n * self.data ** n"), "a ** 3 at a = 2: the gradient of a is 24", "a 的梯度是 24"),
        (but("def exp(self)", "def exponential(self)"), "a.exp() at a = 0.5 fails", "a.exp() 出错"),
        (but("found.get(source, 0.0) + found[node] * local", "found[node] * local"), "should be added to 4", "应该相加得 4"),
        (but("value.grad += gradient", "value.grad = gradient"), "the user zeroes", "清零由使用者来做"),
        (but(method("backward"), IN_GRAD), "kept their old sums", "旧的累加值"),
        (but(method("history"), RECURSION), "RecursionError", "RecursionError"),
        (but(method("history"), FOUND_FIRST), "The order is wrong", "顺序错了"),
        (
            but("other = as_value(other)\n        return Value(self.data + ", "return Value(self.data + "),
            "a + 1 at a = 3 fails",
            "出错",
        ),
    ],
}


def newest_first(output):
    """Every value passes on what has come to it, the newest first."""
    values, to_visit = {output}, [output]
    while to_visit:
        for source, _ in to_visit.pop().made_from:
            if source not in values:
                values.add(source)
                to_visit.append(source)
    slopes = dict.fromkeys(values, 0.0)
    slopes[output] = 1.0
    for value in sorted(values, key=lambda each: -each.serial):
        for source, local in value.made_from:
            slopes[source] += slopes[value] * local
    return slopes


class Number:
    """With a function for each operation that passes the gradient on."""

    def __init__(self, data, inputs=(), passing=lambda gradient: ()):
        self.data, self.inputs, self.passing, self.grad = data, inputs, passing, 0.0

    def __add__(self, other):
        other = other if isinstance(other, Number) else Number(other)
        return Number(self.data + other.data, (self, other), lambda gradient: (gradient, gradient))

    def __mul__(self, other):
        other = other if isinstance(other, Number) else Number(other)
        return Number(self.data * other.data, (self, other), lambda gradient: (gradient * other.data, gradient * self.data))

    def __pow__(self, n):
        return Number(self.data**n, (self,), lambda gradient: (gradient * n * self.data ** (n - 1),))

    def exp(self):
        return Number(math.exp(self.data), (self,), lambda gradient: (gradient * math.exp(self.data),))

    def tanh(self):
        return Number(math.tanh(self.data), (self,), lambda gradient: (gradient / math.cosh(self.data) ** 2,))

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + other * -1

    def __rsub__(self, other):
        return self * -1 + other

    def __truediv__(self, other):
        return self * other**-1

    def __rtruediv__(self, other):
        return self**-1 * other

    __radd__, __rmul__ = __add__, __mul__

    def backward(self):
        order, is_done, stack = [], set(), [(self, False)]
        while stack:
            node, is_left = stack.pop()
            if is_left:
                order.append(node)
            elif node not in is_done:
                is_done.add(node)
                stack.append((node, True))
                stack.extend((each, False) for each in node.inputs)
        gradients = {self: 1.0}
        for node in reversed(order):
            node.grad += gradients[node]
            for each, part in zip(node.inputs, node.passing(gradients[node]), strict=False):
                gradients[each] = gradients.get(each, 0.0) + part


RIGHT = {
    "8.1": (8, 19),
    "8.2": lambda x: math.exp(-x) / (1 + math.exp(-x)) ** 2,
    "8.3": lambda a, b: Value(a.data / b.data, ((a, 1 / b.data), (b, -a.data / b.data**2))),
    "8.4": lambda a: Value(a.data, ((a, 1.0),)) if a.data > 0 else Value(0.0, ((a, 0.0),)),
    "8.5": newest_first,
    "8.6": Number,
}
