"""The exercises of lesson 1: learning from examples."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.course.exercise import Exercise, Function, Number, Program, written_numbers
from tinygrad_edu.languages import Text


def errors(theta, xs, ts):
    return ts - theta * xs


def step_neuron(x, w, b):
    z = w @ x + b
    return 1.0 if z > 0 else 0.0


def _a_dataset(rng: np.random.Generator) -> tuple[Any, ...]:
    return rng.uniform(0.2, 1.5), rng.uniform(0.2, 2.0, 4).round(2), rng.uniform(0.2, 2.0, 4).round(2)


def _small_whole_numbers(rng: np.random.Generator) -> tuple[Any, ...]:
    """So that z is exactly 0 now and then."""
    x, w, b = rng.integers(-1, 2, 2), rng.integers(-1, 2, 2), rng.integers(-1, 2)
    return x.astype(float), w.astype(float), float(b)


def _says_and(answer: Any) -> Text | None:
    w1, w2, b = written_numbers(answer, np.zeros(3))
    for x1, x2 in ((0, 0), (0, 1), (1, 0), (1, 1)):
        z = w1 * x1 + w2 * x2 + b
        y, t = int(z > 0), int(x1 == 1 and x2 == 1)
        if y != t:
            return Text(
                f"For the inputs ({x1}, {x2}) the sum is z = {z:g}, so that the neuron says {y}; it should say {t}.",
                f"输入为 ({x1}, {x2}) 时，z = {z:g}，神经元回答 {y}，应回答 {t}。",
            )
    return None


EXERCISES: tuple[Exercise, ...] = (
    Number(
        "1.1",
        Text("One error by hand", "手算一个误差"),
        right=lambda: 1.28 - 0.5 * 1.6,
        hints=(
            Text("First compute what the model says: y = θx.", "先算模型的输出：y = θx。"),
            Text(
                "y = 0.5 · 1.6 = 0.8. How much is missing from it, if the truth is 1.28?",
                "y = 0.5 · 1.6 = 0.8。真实值是 1.28，还差多少？",
            ),
        ),
        solution=Text("t − y = 1.28 − 0.5 · 1.6 = 1.28 − 0.8 = 0.48", "t − y = 1.28 − 0.5 · 1.6 = 1.28 − 0.8 = 0.48"),
        mistakes=(
            (lambda: 0.5 * 1.6, Text("That is the output y. The error is t − y.", "这是输出 y。误差是 t − y。")),
            (
                lambda: 0.5 * 1.28,
                Text("That is θt. The weight belongs to the input: y = θx.", "这是 θt。权重要乘的是输入：y = θx。"),
            ),
            (
                lambda: 1.28 - 1.6,
                Text("That is t − x. The input passes through the model first: y = θx.", "这是 t − x。输入要先经过模型：y = θx。"),
            ),
        ),
    ),
    Function(
        "1.2",
        Text("All errors at once", "一次算出所有误差"),
        solution=errors,
        arguments=_a_dataset,
        hints=(
            Text("A number times an array multiplies every number of the array.", "一个数乘一个数组，会乘到数组的每个数上。"),
            Text("All outputs are theta * xs. Subtract them from the truths.", "所有输出是 theta * xs。用真实值减去它。"),
        ),
        mistakes=(
            (
                lambda theta, xs, ts: theta * xs - ts,
                Text(
                    "That is y − t. The error is what is missing from the output: t − y.",
                    "这是 y − t。误差是输出还差多少：t − y。",
                ),
            ),
            (
                lambda theta, xs, ts: np.abs(ts - theta * xs),
                Text(
                    "The sizes are right, but an error has a sign, too: no absolute value here.",
                    "大小对了，但误差还有正负：这里不取绝对值。",
                ),
            ),
            (
                lambda theta, xs, ts: theta * xs,
                Text("These are the outputs. Subtract them from ts.", "这些是输出。还要用 ts 减去它们。"),
            ),
        ),
    ),
    Number(
        "1.3",
        Text("The weight for one sample", "适合一个样本的权重"),
        right=lambda: 2 / 2.5,
        hints=(
            Text("Exactly right means that the output is the truth: θx = t.", "恰好正确，就是输出等于真实值：θx = t。"),
            Text("Divide both sides of θ · 2.5 = 2 by 2.5.", "把 θ · 2.5 = 2 的两边除以 2.5。"),
        ),
        solution=Text("θx = t, so θ = t / x = 2 / 2.5 = 0.8", "θx = t，所以 θ = t / x = 2 / 2.5 = 0.8"),
        mistakes=(
            (
                lambda: 2.5 / 2,
                Text(
                    "That is x / t: kilograms for a litre. The weight says litres for a kilogram.",
                    "这是 x / t，每升要多少千克。权重是每千克出多少升。",
                ),
            ),
            (lambda: 2.5 * 2, Text("That is x · t. Solve θx = t for θ.", "这是 x · t。请由 θx = t 解出 θ。")),
            (lambda: 2 - 2.5, Text("That is t − x. The model multiplies: θx = t.", "这是 t − x。模型做的是乘法：θx = t。")),
        ),
    ),
    Function(
        "1.4",
        Text("A neuron with a step", "带阶跃函数的神经元"),
        solution=step_neuron,
        arguments=_small_whole_numbers,
        hints=(
            Text(
                "The sum of all inputs times their weights is w @ x. What is added to it?",
                "所有输入乘以各自的权重再相加，是 w @ x。还要加上什么？",
            ),
            Text("z = w @ x + b. Then an `if`: 1 where z > 0.", "z = w @ x + b。然后用 `if`：z > 0 时是 1。"),
            Text("The last line is: return 1.0 if z > 0 else 0.0", "最后一行是：return 1.0 if z > 0 else 0.0"),
        ),
        mistakes=(
            (
                lambda x, w, b: float(w @ x + b >= 0),
                Text("Almost: where z is exactly 0 the answer is 0. Write z > 0.", "差一点：z 恰好为 0 时应回答 0。请写 z > 0。"),
            ),
            (lambda x, w, b: float(w @ x > 0), Text("The bias b is missing from the sum.", "求和时漏了偏置 b。")),
            (lambda x, w, b: w @ x + b, Text("That is z. It still has to pass through the step.", "这是 z，还要经过阶跃函数。")),
            (lambda x, w, b: float(w @ x + b < 0), Text("Turned round: 1 belongs where z > 0.", "反了：z > 0 时才是 1。")),
        ),
    ),
    Program(
        "1.5",
        Text("A neuron that says and", "会说“与”的神经元"),
        trial=_says_and,
        hints=(
            Text("For the inputs (0, 0) the sum is z = b. It must not exceed 0.", "输入 (0, 0) 时 z = b，不能大于 0。"),
            Text(
                "Let both weights be 1. One input alone then gives z = 1 + b, both give z = 2 + b. Which b separates them?",
                "令两个权重都是 1。只有一个输入为 1 时 z = 1 + b，两个都为 1 时 z = 2 + b。哪个 b 能把它们分开？",
            ),
            Text(
                "1 + b must be at most 0, and 2 + b above it: b between −2 and −1.",
                "1 + b 不能大于 0，2 + b 要大于 0：b 在 −2 与 −1 之间。",
            ),
        ),
        solution=Text(
            "w1 = 1, w2 = 1, b = −1.5: the sums are −1.5, −0.5, −0.5 and 0.5; only the last one exceeds 0.",
            "w1 = 1，w2 = 1，b = −1.5：四种输入的 z 是 −1.5、−0.5、−0.5、0.5，只有最后一个大于 0。",
        ),
    ),
)
