"""The exercises of lesson 2: the loss."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.course.exercise import Exercise, Function, Number
from tinygrad_edu.languages import Text


def my_loss(theta, x, t):
    y = theta * x
    return 0.5 * (t - y) ** 2


def my_mean_loss(theta, xs, ts):
    losses = 0.5 * (ts - theta * xs) ** 2
    return np.mean(losses)


def my_coefficients(x, t, q):
    # t - y = (t - q) - θx: as without a bias, with t - q in place of t
    return 0.5 * x**2, -(t - q) * x, 0.5 * (t - q) ** 2


def _numbers(rng: np.random.Generator) -> tuple[Any, ...]:
    return tuple(rng.uniform(-3, 3, 3).round(2).tolist())


def _a_dataset(rng: np.random.Generator) -> tuple[Any, ...]:
    return rng.uniform(0.2, 1.5), rng.uniform(0.2, 2.0, 4).round(2), rng.uniform(0.2, 2.0, 4).round(2)


EXERCISES: tuple[Exercise, ...] = (
    Function(
        "2.1",
        Text("The loss of a sample", "一个样本的损失"),
        solution=my_loss,
        arguments=_numbers,
        hints=(
            Text(
                "Three steps: the output y = θx, the error t − y, half of its square.",
                "分三步：输出 y = θx，误差 t − y，平方的一半。",
            ),
            Text("In Python the square of u is u**2, and θx is theta * x.", "在 Python 里，u 的平方是 u**2，θx 是 theta * x。"),
            Text("return 0.5 * (t - theta * x) ** 2", "return 0.5 * (t - theta * x) ** 2"),
        ),
        mistakes=(
            (
                lambda theta, x, t: (t - theta * x) ** 2,
                Text("The square is right; half of it is asked for.", "平方对了，还要取一半。"),
            ),
            (
                lambda theta, x, t: 0.5 * (t - theta * x),
                Text("That is half of the error. It must be squared.", "这是误差的一半，还要平方。"),
            ),
            (
                lambda theta, x, t: (0.5 * (t - theta * x)) ** 2,
                Text("The ½ has been squared, too: it belongs outside of the square.", "½ 也被平方了：它应该在平方的外面。"),
            ),
            (
                lambda theta, x, t: 0.5 * abs(t - theta * x),
                Text("The size of the error is not its square.", "误差的大小不是误差的平方。"),
            ),
            (
                lambda theta, x, t: 0.5 * (t**2 - (theta * x) ** 2),
                Text("The square of a difference is not the difference of the squares.", "差的平方不等于平方的差。"),
            ),
            (lambda theta, x, t: 0.5 * (t - theta) ** 2, Text("θ is not the output: y = θx.", "θ 不是输出：y = θx。")),
        ),
    ),
    Number(
        "2.2",
        Text("Expand one", "展开一个"),
        right=lambda: np.array([4.5, -18.0, 18.0]),
        hints=(
            Text(
                "L(θ) = ½(6 − 3θ)². First expand the square, then halve each term.",
                "L(θ) = ½(6 − 3θ)²。先展开平方，再把每一项取一半。",
            ),
            Text("(6 − 3θ)² = 36 − 36θ + 9θ². And now half of it.", "(6 − 3θ)² = 36 − 36θ + 9θ²。再取一半。"),
        ),
        solution=Text(
            "½(6 − 3θ)² = ½(9θ² − 36θ + 36) = 4.5θ² − 18θ + 18, so (a, b, c) = (4.5, −18, 18)",
            "½(6 − 3θ)² = ½(9θ² − 36θ + 36) = 4.5θ² − 18θ + 18，所以 (a, b, c) = (4.5, −18, 18)",
        ),
        mistakes=(
            (
                lambda: np.array([9.0, -36.0, 36.0]),
                Text("That is (t − y)². Every term is to be halved.", "这是 (t − y)²。每一项都要取一半。"),
            ),
            (
                lambda: np.array([4.5, 18.0, 18.0]),
                Text("The middle term has a minus: (a − b)² = a² − 2ab + b².", "中间一项是负的：(a − b)² = a² − 2ab + b²。"),
            ),
            (
                lambda: np.array([4.5, -9.0, 18.0]),
                Text(
                    "The middle term of the square is −2ty. Half of it is −ty = −tx·θ.",
                    "平方展开的中间一项是 −2ty，取一半是 −ty = −tx·θ。",
                ),
            ),
            (
                lambda: np.array([4.5, -36.0, 18.0]),
                Text("The middle term has not been halved: −2ty becomes −ty.", "中间一项没有取一半：−2ty 应变成 −ty。"),
            ),
            (
                lambda: np.array([18.0, -18.0, 4.5]),
                Text(
                    "The order is turned round: a stands in front of θ², and is made of x.", "顺序反了：a 是 θ² 的系数，由 x 得来。"
                ),
            ),
        ),
    ),
    Number(
        "2.3",
        Text("Where is the lowest point?", "最低点在哪里"),
        right=lambda: 5 / -2,
        hints=(
            Text("The loss is smallest where the error is 0.", "误差为 0 的地方，损失最小。"),
            Text("5 − θ · (−2) = 0. Solve it for θ; mind the sign.", "5 − θ · (−2) = 0。解出 θ，注意符号。"),
        ),
        solution=Text("θ* = t / x = 5 / (−2) = −2.5", "θ* = t / x = 5 / (−2) = −2.5"),
        mistakes=(
            (lambda: -2 / 5, Text("That is x / t. Solve t − θx = 0 for θ.", "这是 x / t。请由 t − θx = 0 解出 θ。")),
            (lambda: 0.0, Text("0 is the smallest loss. Which weight has it?", "0 是最小的损失。哪个权重的损失是它？")),
            (lambda: -10.0, Text("That is tx. Divide: θ* = t / x.", "这是 tx。应该相除：θ* = t / x。")),
        ),
    ),
    Number(
        "2.4",
        Text("Predict: three times the error", "预测：三倍的误差"),
        right=lambda: 9,
        hints=(
            Text("What becomes of (−3u)² when you multiply it out?", "把 (−3u)² 乘开是什么？"),
            Text("The losses are ½ · 0.04 and ½ · 0.36.", "两个损失是 ½ · 0.04 和 ½ · 0.36。"),
        ),
        solution=Text("(−3u)² = 9u²: nine times; 0.18 / 0.02 = 9", "(−3u)² = 9u²：9 倍；0.18 / 0.02 = 9"),
        mistakes=(
            (lambda: 3, Text("The error is three times as large, but the loss squares it.", "误差是三倍，但损失要平方。")),
            (lambda: -3, Text("The error is −3 times as large, but the loss squares it.", "误差是 −3 倍，但损失要平方。")),
            (lambda: -9, Text("A square is not negative.", "平方不会是负数。")),
            (lambda: 6, Text("3 is to be squared, not doubled.", "3 要平方，不是乘 2。")),
            (lambda: 4.5, Text("The ½ stands in both losses, and cancels.", "两个损失里都有 ½，相除时约掉了。")),
        ),
    ),
    Function(
        "2.5",
        Text("The loss of a dataset", "数据集的损失"),
        solution=my_mean_loss,
        arguments=_a_dataset,
        hints=(
            Text("0.5 * (ts - theta * xs) ** 2 has one loss for each sample.", "0.5 * (ts - theta * xs) ** 2 是每个样本的损失。"),
            Text(
                "np.mean of an array is the sum of its numbers, divided by how many there are.",
                "np.mean 求数组的平均：总和除以个数。",
            ),
        ),
        mistakes=(
            (
                lambda theta, xs, ts: np.sum(0.5 * (ts - theta * xs) ** 2),
                Text("That is the sum of the losses. Divide by the number of samples.", "这是损失之和，还要除以样本数。"),
            ),
            (
                lambda theta, xs, ts: np.mean((ts - theta * xs) ** 2),
                Text("The mean of the squares is right; half of it is asked for.", "平方的平均对了，还要取一半。"),
            ),
            (
                lambda theta, xs, ts: 0.5 * np.mean(ts - theta * xs) ** 2,
                Text(
                    "First the mean, then the square: so the errors cancel. First square, then take the mean.",
                    "先平均再平方，误差就互相抵消了。应该先平方，再平均。",
                ),
            ),
        ),
    ),
    Function(
        "2.6",
        Text("Expand another model", "展开另一个模型"),
        solution=my_coefficients,
        arguments=_numbers,
        hints=(
            Text(
                "The error is t − (θx + q) = (t − q) − θx. Set brackets as here.",
                "误差是 t − (θx + q) = (t − q) − θx。照这样加括号。",
            ),
            Text(
                "(t − q) is a known number. In the expansion of ½(t − θx)² it takes the place of t.",
                "(t − q) 是已知数。在 ½(t − θx)² 的展开式里，用它代替 t。",
            ),
            Text("a = ½x², b = −(t − q)x. And c is the loss at θ = 0.", "a = ½x²，b = −(t − q)x。c 就是 θ = 0 时的损失。"),
        ),
        mistakes=(
            (
                lambda x, t, q: (0.5 * x**2, -t * x, 0.5 * t**2),
                Text("These are the numbers without a bias: q is missing.", "这是没有偏置时的系数：漏了 q。"),
            ),
            (
                lambda x, t, q: (0.5 * x**2, -(t + q) * x, 0.5 * (t + q) ** 2),
                Text("The sign of q: t − (θx + q) = t − θx − q.", "q 的符号：t − (θx + q) = t − θx − q。"),
            ),
            (
                lambda x, t, q: (0.5 * x**2, (t - q) * x, 0.5 * (t - q) ** 2),
                Text("The middle term has a minus: b = −(t − q)x.", "中间一项是负的：b = −(t − q)x。"),
            ),
            (
                lambda x, t, q: (0.5 * x**2, -t * x, 0.5 * t**2 + q),
                Text(
                    "The loss is not moved up by q: the output is. Put y = θx + q into ½(t − y)².",
                    "加 q 的是输出，不是损失。请把 y = θx + q 代入 ½(t − y)²。",
                ),
            ),
            (
                lambda x, t, q: (0.5 * x**2, -(t - q) * x, 0.5 * t**2),
                Text(
                    "a and b are right. In c, q is missing: at θ = 0 the error is t − q.",
                    "a 和 b 对了。c 里漏了 q：θ = 0 时误差是 t − q。",
                ),
            ),
        ),
    ),
)
