"""The exercises of lesson 3: the gradient."""

from __future__ import annotations

import numpy as np

from tinygrad_edu.course.exercise import Exercise, Gradient, Number
from tinygrad_edu.languages import Text


def loss(theta, x, t):
    return 0.5 * (t - theta * x) ** 2


def loss_gradient(theta, x, t):
    y = theta * x
    return (y - t) * x


def size_of_error(theta, x, t):
    return np.abs(t - theta * x)


def size_gradient(theta, x, t):
    return -np.sign(t - theta * x) * x


def loss_with_bias(theta, b, x, t):
    y = theta * x + b
    return 0.5 * (t - y) ** 2


def bias_gradient(theta, b, x, t):
    y = theta * x + b
    return y - t


def loss_of_square(theta, x, t):
    y = theta**2 * x
    return 0.5 * (t - y) ** 2


def square_gradient(theta, x, t):
    y = theta**2 * x
    return (y - t) * 2 * theta * x


EXERCISES: tuple[Exercise, ...] = (
    Number(
        "3.1",
        Text("A difference quotient by hand", "手算一个差商"),
        right=lambda: (loss(6, 2, 8) - loss(5, 2, 8)) / 1,
        hints=(
            Text("Compute two losses: L(5) = ½(8 − 10)² and L(6).", "先算两个损失：L(5) = ½(8 − 10)²，还有 L(6)。"),
            Text(
                "L(5) = 2 and L(6) = ½(8 − 12)² = 8. Now the difference, divided by h = 1.",
                "L(5) = 2，L(6) = ½(8 − 12)² = 8。求差，再除以 h = 1。",
            ),
        ),
        solution=Text(
            "(L(6) − L(5)) / 1 = (8 − 2) / 1 = 6. The derivative is (10 − 8) · 2 = 4; the quotient is 2h = 2 larger.",
            "(L(6) − L(5)) / 1 = (8 − 2) / 1 = 6。导数是 (10 − 8) · 2 = 4；差商大了 2h = 2。",
        ),
        mistakes=(
            (
                lambda: 4,
                Text(
                    "That is the derivative at 5, which the quotient approaches as h shrinks.",
                    "这是 5 处的导数，h 趋于 0 时差商才趋近它。",
                ),
            ),
            (lambda: 8, Text("That is L(6). Subtract L(5), then divide by h.", "这是 L(6)。还要减去 L(5)，再除以 h。")),
            (lambda: 10, Text("The losses are subtracted, not added.", "两个损失要相减，不是相加。")),
        ),
    ),
    Gradient(
        "3.2",
        Text("The gradient of the loss", "损失的梯度"),
        f=loss,
        arguments=(3.0, 2.0, 8.0),
        hints=(
            Text(
                "Call the error u = t − θx. What is the derivative of ½u² by u?", "把误差记作 u = t − θx。½u² 对 u 的导数是什么？"
            ),
            Text("It is u. Multiply it by the derivative of u = t − θx by θ.", "是 u。再乘以 u = t − θx 对 θ 的导数。"),
            Text("That one is −x. So the gradient is (t − θx)·(−x).", "它是 −x。所以梯度是 (t − θx)·(−x)。"),
        ),
        solution=loss_gradient,
    ),
    Gradient(
        "3.3",
        Text("The size of the error", "误差的大小"),
        f=size_of_error,
        arguments=(5.0, 2.0, 8.0),
        hints=(
            Text(
                "|u| is u where u is positive, and −u where it is negative. So its slope is 1 or −1.",
                "u 为正时 |u| 就是 u，为负时是 −u，所以斜率是 1 或 −1。",
            ),
            Text(
                "The slope of |u| is np.sign(u). By the chain rule, multiply it by the derivative of u = t − θx.",
                "|u| 的斜率是 np.sign(u)。按链式法则，再乘以 u = t − θx 的导数。",
            ),
            Text("np.sign(t - theta * x) times −x", "np.sign(t - theta * x) 乘以 −x"),
        ),
        solution=size_gradient,
    ),
    Gradient(
        "3.4",
        Text("With a bias", "带偏置"),
        f=loss_with_bias,
        arguments=(3.0, 0.5, 2.0, 8.0),
        argnum=1,
        hints=(
            Text("Again u = t − y, and the derivative of ½u² by u is u.", "同样令 u = t − y，½u² 对 u 的导数是 u。"),
            Text("u = t − θx − b. If b grows by h, how much does u change?", "u = t − θx − b。b 增大 h，u 变化多少？"),
            Text(
                "By −h: the derivative of u by b is −1. So the gradient is −(t − y), with y = θx + b.",
                "变化 −h，所以 u 对 b 的导数是 −1。梯度是 −(t − y)，其中 y = θx + b。",
            ),
        ),
        solution=bias_gradient,
    ),
    Gradient(
        "3.5",
        Text("Another way to write the weight", "权重的另一种写法"),
        f=loss_of_square,
        arguments=(1.5, 2.0, 8.0),
        hints=(
            Text(
                "Call the weight w = θ². You know the derivative of the loss by w from exercise 3.2.",
                "把权重记作 w = θ²。损失对 w 的导数，练习 3.2 已经求过。",
            ),
            Text(
                "The chain has one more stage, w = θ². Its derivative by θ is a further factor.",
                "链条多了一步 w = θ²，它对 θ 的导数是多出来的因子。",
            ),
            Text("(θ²x − t)·x, times 2θ", "(θ²x − t)·x，再乘 2θ"),
        ),
        solution=square_gradient,
    ),
    Number(
        "3.6",
        Text("Predict with the slope", "用斜率预测"),
        right=lambda: loss_gradient(7, 2, 8) * -0.01,
        hints=(
            Text("First the gradient at θ = 7: (y − t)x.", "先求 θ = 7 处的梯度：(y − t)x。"),
            Text(
                "It is 12: the loss changes 12 times as much as θ. And θ changes by −0.01.",
                "它是 12：损失的变化是 θ 的变化的 12 倍。而 θ 的变化是 −0.01。",
            ),
        ),
        solution=Text(
            "The gradient is (14 − 8) · 2 = 12, so the prediction is 12 · (−0.01) = −0.12. "
            "The true change is −0.1198: over such a short way the curve is almost its tangent.",
            "梯度是 (14 − 8) · 2 = 12，所以预测是 12 · (−0.01) = −0.12。真正的变化是 −0.1198：这么短的一段，曲线与切线几乎重合。",
        ),
        mistakes=(
            (
                lambda: loss(6.99, 2, 8) - loss(7, 2, 8),
                Text(
                    "That is the true change. The slope predicts a number near to it.",
                    "这是真正的变化。斜率预测的是一个与它接近的数。",
                ),
            ),
            (lambda: 12, Text("That is the gradient. Multiply it by the change of θ.", "这是梯度。还要乘以 θ 的变化。")),
            (
                lambda: 0.12,
                Text(
                    "The sign: the gradient is positive, so that the loss falls when θ becomes smaller.",
                    "符号不对：梯度为正，θ 减小时损失也减小。",
                ),
            ),
        ),
    ),
)
