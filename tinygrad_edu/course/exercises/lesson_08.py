"""The exercises of lesson 8, which builds a number that knows its derivatives."""

import numpy as np

from tinygrad_edu.course.exercise import Gradient, Number, Program
from tinygrad_edu.course.exercises.built_value import Value, as_value
from tinygrad_edu.course.exercises.trials_08 import try_class, try_divide, try_gradients, try_relu
from tinygrad_edu.languages import Text


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def sigmoid_slope(x):
    result = 1 / (1 + np.exp(-x))
    return result * (1 - result)


def divide(a, b):
    return Value(a.data / b.data, ((a, 1 / b.data), (b, -a.data / b.data**2)))


def relu(a):
    slope = 1.0 if a.data > 0 else 0.0
    return Value(a.data * slope, ((a, slope),))


def my_gradients(output):
    nodes, to_visit = {output}, [output]
    while to_visit:
        for source, _ in to_visit.pop().made_from:
            if source not in nodes:
                nodes.add(source)
                to_visit.append(source)
    found = {output: 1.0}
    for node in sorted(nodes, key=lambda value: value.serial, reverse=True):
        for source, local in node.made_from:
            found[source] = found.get(source, 0.0) + found[node] * local
    return found


EXERCISES = (
    Number(
        "8.1",
        Text("Two paths by hand", "手算两条路径"),
        right=lambda: np.array([8.0, 19.0]),
        hints=(
            Text(
                "Write down every place where a stands, and every place where b stands. Each place is a path.",
                "把出现 a 的每个地方、出现 b 的每个地方都写下来。每个地方就是一条路径。",
            ),
            Text(
                "a stands in ab (local derivative b) and alone (1). b stands in ab (local derivative a) and in b² (local "
                "derivative 2b).",
                "a 出现在 ab 里（局部导数 b），又单独出现（局部导数 1）；b 出现在 ab 里（局部导数 a），又出现在 b² "
                "里（局部导数 2b）。",
            ),
            Text("Add: b + 1 and a + 2b, at a = 5, b = 7.", "相加：b + 1 和 a + 2b，取 a = 5，b = 7。"),
        ),
        solution=Text(
            "dz/da = b + 1 = 8 and dz/db = a + 2b = 5 + 14 = 19: [8, 19]",
            "dz/da = b + 1 = 8，dz/db = a + 2b = 5 + 14 = 19：[8, 19]",
        ),
        mistakes=(
            (
                lambda: np.array([7.0, 19.0]),
                Text(
                    "For a you followed only the path through ab. a is also added alone: a path with slope 1.",
                    "对 a 你只走了经过 ab 的路径。a 还单独加了一次：那条路径的斜率是 1。",
                ),
            ),
            (
                lambda: np.array([1.0, 19.0]),
                Text(
                    "For a you followed only the last path. The contribution b of the product must be added.",
                    "对 a 你只走了最后一条路径，还要加上乘积那一份贡献 b。",
                ),
            ),
            (
                lambda: np.array([8.0, 14.0]),
                Text(
                    "For b you followed only the path through b². In ab it stands, too.",
                    "对 b 你只走了经过 b² 的路径。它在 ab 里也出现。",
                ),
            ),
            (
                lambda: np.array([8.0, 5.0]),
                Text(
                    "For b you followed only the path through ab. It stands in b², too.",
                    "对 b 你只走了经过 ab 的路径。它在 b² 里也出现。",
                ),
            ),
            (lambda: np.array([8.0, 12.0]), Text("The local derivative of b² is 2b, and not b.", "b² 的局部导数是 2b，不是 b。")),
            (
                lambda: np.array([19.0, 8.0]),
                Text("The numbers are right, but the first one belongs to a.", "数是对的，但第一个应该是对 a 的。"),
            ),
        ),
    ),
    Gradient(
        "8.2",
        Text("The local derivative of the sigmoid", "sigmoid 的局部导数"),
        f=sigmoid,
        arguments=(0.7,),
        argnum=0,
        hints=(
            Text(
                "Go in small steps: u = −x, v = e^u, w = 1 + v, σ = 1/w. Write the local derivative of each step.",
                "一步一步来：u = −x，v = e^u，w = 1 + v，σ = 1/w。写出每一步的局部导数。",
            ),
            Text(
                "They are −1, v, 1 and −1/w². The product is v/w² = e^(−x) / (1 + e^(−x))².",
                "它们是 −1、v、1 和 −1/w²，乘积是 v/w² = e^(−x) / (1 + e^(−x))²。",
            ),
            Text(
                "With σ = 1/w and 1 − σ = v/w this is σ(1 − σ). Use np.exp for the exponential function.",
                "因为 σ = 1/w，1 − σ = v/w，所以乘积就是 σ(1 − σ)。指数函数用 np.exp。",
            ),
        ),
        solution=sigmoid_slope,
    ),
    Program(
        "8.3",
        Text("Division as an operation of its own", "把除法写成一步运算"),
        trial=try_divide,
        hints=(
            Text(
                "As in multiply: the first argument of Value is the result, the second holds the pairs (input, local derivative).",
                "和 multiply 一样：Value 的第一个参数是结果，第二个参数是若干二元组（输入, 局部导数）。",
            ),
            Text(
                "With b fixed, a/b is a times 1/b. With a fixed, a/b is a · b⁻¹, whose derivative is −a · b⁻².",
                "b 不动时，a/b 是 a 乘以 1/b；a 不动时，a/b 是 a · b⁻¹，导数是 −a · b⁻²。",
            ),
            Text(
                "return Value(a.data / b.data, ((a, 1 / b.data), (b, ...))) with −a/b² in place of the dots",
                "return Value(a.data / b.data, ((a, 1 / b.data), (b, ...)))，把点换成 −a/b²",
            ),
        ),
        solution=divide,
    ),
    Program(
        "8.4",
        Text("relu", "relu"),
        trial=try_relu,
        hints=(
            Text(
                "There are two cases: the result is a.data, or it is 0. What does it change by if a moves a little, in each?",
                "分两种情况：结果是 a.data，或者是 0。在每种情况下，a 动一点点，结果动多少？",
            ),
            Text(
                "The result moves as a does, or not at all: the local derivative is 1.0 or 0.0.",
                "结果要么跟着 a 一起动，要么完全不动：局部导数是 1.0 或 0.0。",
            ),
            Text(
                "slope = 1.0 if a.data > 0 else 0.0, and the result is a.data * slope. Remember the pair (a, slope).",
                "slope = 1.0 if a.data > 0 else 0.0，结果是 a.data * slope。记住二元组 (a, slope)。",
            ),
        ),
        solution=relu,
    ),
    Program(
        "8.5",
        Text("The chain rule from memory", "默写链式法则"),
        trial=try_gradients,
        hints=(
            Text(
                "Two parts: first collect all Values that the output was made from, each once; then go through them, newest first.",
                "分两部分：先把输出由哪些 Value 算出来的收集起来，每个一次；再从最新的开始逐个处理。",
            ),
            Text(
                "Collect with a set of what was found and a list of what is to be visited: while to_visit: node = "
                "to_visit.pop() ...",
                "收集时用一个集合记录已经找到的，用一个列表记录待访问的：while to_visit: node = to_visit.pop() ……",
            ),
            Text(
                "sorted(nodes, key=lambda value: value.serial, reverse=True) gives the order. Start with found = {output: 1.0}.",
                "sorted(nodes, key=lambda value: value.serial, reverse=True) 给出顺序。从 found = {output: 1.0} 开始。",
            ),
            Text(
                "For each pair (source, local) of a node: found[source] = found.get(source, 0.0) + found[node] * local",
                "对一个节点的每个二元组 (source, local)：found[source] = found.get(source, 0.0) + found[node] * local",
            ),
        ),
        solution=my_gradients,
    ),
    Program(
        "8.6",
        Text("The class from memory", "默写整个类"),
        trial=try_class,
        hints=(
            Text(
                "Grow it as the lesson did: __init__, +, ·, then as_value and the r-methods, powers, exp, tanh, then −, /, "
                "then backward.",
                "照这一课的顺序长出来：__init__、+、·，再是 as_value 和带 r 的方法、幂、exp、tanh，然后是 −、/，最后是 backward。",
            ),
            Text(
                "After each operation compare its gradient with a difference quotient. check tells you the first operation "
                "that fails.",
                "每写一个运算，就拿差商对一遍梯度。check 会告诉你第一个出错的运算。",
            ),
            Text(
                "backward is the answer of 8.5, and then value.grad += gradient for each entry of the dictionary.",
                "backward 就是 8.5 的答案，再对字典里的每一项做 value.grad += gradient。",
            ),
        ),
        solution=(
            Value,
            as_value,
            Text(
                "# above it: import math, from itertools import count, and\nnext_serial = count().__next__",
                "# 前面还有：import math、from itertools import count，以及\nnext_serial = count().__next__",
            ),
        ),
    ),
)
