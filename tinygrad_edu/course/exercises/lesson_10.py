"""The exercises of lesson 10: a network by hand, its parameters, and the gradients of tanh and softmax."""

from __future__ import annotations

from typing import Any

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu.course.exercise import Exercise, Function, Gradient, Number, Program, written_numbers
from tinygrad_edu.languages import Text
from tinygrad_edu.primitives.elementwise import step
from tinygrad_edu.testing.answers import RefusedError

_CORNERS = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
_EQUAL = np.array([1, 0, 0, 1])
_SHAPES = {"W": (2, 2), "b": (2,), "v": (2,), "c": ()}


def try_equality(answer: Any) -> Text | None:
    """What is wrong with a network that should answer 1 where both inputs are equal."""
    if not isinstance(answer, tuple | list) or len(answer) != 4:
        return Text("The answer has four parts: (W, b, v, c).", "答案有四部分：(W, b, v, c)。")
    parts = []
    for (name, shape), part in zip(_SHAPES.items(), answer, strict=True):
        try:
            parts.append(written_numbers(part, np.zeros(shape)))
        except RefusedError as refusal:
            return Text(f"Of {name}: {refusal.finding.en}", f"{name}：{refusal.finding.zh}")
    W, b, v, c = parts
    outputs = step(step(_CORNERS @ W + b) @ v + c)
    if np.array_equal(outputs, 1 - _EQUAL):
        return Text(
            "This is XOR, which answers 1 where the inputs differ. Turn it round: take −v, and choose c anew.",
            "这是 XOR，它在两个输入不同时回答 1。把它反过来：取 −v，再重新选 c。",
        )
    for x, h, y, t in zip(_CORNERS, step(_CORNERS @ W + b), outputs, _EQUAL, strict=True):
        if y != t:
            seen = f"h = {h.tolist()}, h·v + c = {float(h @ v + c):g}"
            return Text(
                f"For x = {x.tolist()} it answers {y:.0f} instead of {t}: {seen}.",
                f"x = {x.tolist()} 时回答 {y:.0f}，应为 {t}：{seen}。",
            )
    return None


def loss_of_tanh(w, v, x, t):
    h = np.tanh(w * x)
    return 0.5 * (t - v * h) ** 2


def gradient_of_tanh(w, v, x, t):
    h = np.tanh(w * x)
    return -(t - v * h) * v * (1 - h**2) * x


def softmax_loss(W, X, T):
    return -np.mean(np.sum(T * tg.log_softmax(X @ W, axis=1), axis=1))


def softmax_gradient(W, X, T):
    P = tg.softmax(X @ W, axis=1)
    return X.T @ (P - T) / len(X)


def stable_softmax(z):
    e = np.exp(z - np.max(z))
    return e / np.sum(e)


def plain_softmax(z):
    with np.errstate(over="ignore", invalid="ignore"):
        e = np.exp(z)
        return e / np.sum(e)


def shifted_softmax(z):
    e = np.exp(z - np.max(z))
    with np.errstate(over="ignore"):
        return e / np.sum(np.exp(z))


def shifted_exponentials(z):
    return np.exp(z - np.max(z))


def _softmax_arguments() -> tuple[Any, ...]:
    rng = np.random.default_rng(10)
    return rng.normal(size=(4, 3)), rng.normal(size=(5, 4)), np.eye(3, dtype=int)[[0, 2, 1, 1, 0]]


EXERCISES: tuple[Exercise, ...] = (
    Program(
        "10.1",
        Text("Where both are equal", "两个输入相等时"),
        trial=try_equality,
        hints=(
            Text(
                "Keep the hidden neurons of 10.2, or and and. In the plane of h₁, h₂ the four samples lie on three places.",
                "保留 10.2 的两个隐藏神经元：“或”和“与”。在 h₁、h₂ 平面上，四个样本落在三个位置。",
            ),
            Text(
                "The place (1, 0) must get 0; (0, 0) and (1, 1) must get 1. What does −h₁ + h₂ give at each of the three?",
                "(1, 0) 处应得 0，(0, 0) 和 (1, 1) 处应得 1。−h₁ + h₂ 在这三处各是多少？",
            ),
            Text(
                "It gives 0, −1 and 0. So v = (−1, 1), and c must lie between 0 and 1.",
                "(0, 0)、(1, 0)、(1, 1) 处分别是 0、−1、0。所以 v = (−1, 1)，c 在 0 与 1 之间。",
            ),
        ),
        solution=Text(
            "W = [[1, 1], [1, 1]], b = [−0.5, −1.5] (or, and), v = [−1, 1], c = 0.5. There are others.",
            "W = [[1, 1], [1, 1]]，b = [−0.5, −1.5]（或、与），v = [−1, 1]，c = 0.5。答案不止这一组。",
        ),
    ),
    Number(
        "10.2",
        Text("How many parameters?", "有多少个参数？"),
        right=lambda: 64 * 128 + 128 + 128 * 10 + 10,
        hints=(
            Text(
                "Each of the 128 hidden neurons has a weight for each of the 64 points.",
                "128 个隐藏神经元各有 64 个权重，每个像素一个。",
            ),
            Text(
                "Each neuron has one bias, too: 128 in the first layer, 10 in the second.",
                "每个神经元还有一个偏置：第一层 128 个，第二层 10 个。",
            ),
            Text("64·128 + 128 + 128·10 + 10.", "64·128 + 128 + 128·10 + 10。"),
        ),
        solution=Text(
            "64·128 + 128 + 128·10 + 10 = 9610. ReLU has none. model prints the same.",
            "64·128 + 128 + 128·10 + 10 = 9610。ReLU 没有参数。打印 model 可以看到同样的数。",
        ),
        mistakes=(
            (lambda: 64 * 128 + 128 * 10, Text("The biases are missing, one for each neuron.", "漏了偏置：每个神经元一个。")),
            (lambda: 64 * 128 + 128, Text("This is the first layer alone.", "这只是第一层。")),
            (lambda: 128 * 10 + 10, Text("This is the last layer alone.", "这只是最后一层。")),
            (
                lambda: 64 * 128 + 64 + 128 * 10 + 128,
                Text("A bias belongs to an output of a layer, not to an input.", "偏置属于一层的输出，不属于输入。"),
            ),
            (lambda: 128 + 10, Text("This is the number of neurons, or of biases.", "这是神经元（也就是偏置）的个数。")),
        ),
    ),
    Gradient(
        "10.3",
        Text("Through a tanh", "穿过 tanh"),
        f=loss_of_tanh,
        arguments=(0.4, 1.5, 0.8, 1.2),
        hints=(
            Text(
                "Go back one step at a time: from L to y = vh, to h, to a = wx, to w.",
                "一步一步往回走：从 L 到 y = vh，到 h，到 a = wx，到 w。",
            ),
            Text(
                "dL/dy = −(t − y), dy/dh = v, da/dw = x. One factor is left.",
                "dL/dy = −(t − y)，dy/dh = v，da/dw = x。还差一个因子。",
            ),
            Text("dh/da = 1 − h². Multiply all four.", "dh/da = 1 − h²。四个因子相乘。"),
        ),
        solution=gradient_of_tanh,
    ),
    Gradient(
        "10.4",
        Text("Softmax regression", "softmax 回归"),
        f=softmax_loss,
        arguments=_softmax_arguments(),
        hints=(
            Text(
                "For the logits of one sample the gradient is p − t, and the mean divides by n.",
                "对一个样本的 logit，梯度是 p − t；求平均还要除以 n。",
            ),
            Text(
                "So dL/dZ = (P − T)/n, of shape (n, classes). W has shape (inputs, classes): which product with X has this shape?",
                "所以 dL/dZ = (P − T)/n，形状是 (n, 类别数)。W 的形状是 (输入数, 类别数)：它与 X 怎样相乘才得到这个形状？",
            ),
            Text("X.T @ (P - T) / len(X).", "X.T @ (P - T) / len(X)。"),
        ),
        solution=softmax_gradient,
    ),
    Function(
        "10.5",
        Text("A softmax for large numbers", "适用于大数的 softmax"),
        solution=stable_softmax,
        arguments=lambda rng: (rng.normal(size=4) * 10 ** rng.uniform(-1, 4),),
        hints=(
            Text(
                "What becomes of the probabilities if the same number is added to all logits?",
                "所有 logit 都加上同一个数，概率会怎样变？",
            ),
            Text(
                "Nothing: e^(z + a) = e^a · e^z, and e^a cancels in the quotient. Choose a so that no exponent is above 0.",
                "不变：e^(z + a) = e^a · e^z，分子分母的 e^a 约掉了。选一个 a，使指数都不大于 0。",
            ),
            Text(
                "a = −max z: e = np.exp(z - np.max(z)), then divide by its sum.",
                "a = −max z：e = np.exp(z - np.max(z))，再除以它的和。",
            ),
        ),
        mistakes=(
            (
                plain_softmax,
                Text(
                    "For large logits exp gives ∞, and ∞/∞ is NaN. Subtract the largest logit first.",
                    "logit 很大时 exp 得到 ∞，而 ∞/∞ 是 NaN。先减去最大的 logit。",
                ),
            ),
            (
                shifted_softmax,
                Text(
                    "The sum in the denominator must have the same shifted logits as the numerator.",
                    "分母的和里也要用减过的 logit，与分子一致。",
                ),
            ),
            (shifted_exponentials, Text("They do not add up to 1: divide by the sum.", "它们的和不是 1：还要除以总和。")),
        ),
    ),
)
