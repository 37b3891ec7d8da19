"""The exercises of lesson 6: the perceptron, one sample."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.course.exercise import Exercise, Function, Gradient, Number, Program, written_numbers
from tinygrad_edu.languages import Text
from tinygrad_edu.primitives.elementwise import step

X, T, ETA = np.array([1.5, -3.0]), 1, 0.1


def perceptron_loss(w, b, x, t):
    z = x @ w + b
    return -(t - step(z)) * z


def update(w, b, x, t, eta):
    y = 1.0 if x @ w + b > 0 else 0.0
    return w + eta * (t - y) * x, b + eta * (t - y)


def _with_turned_sign(w, b, x, t, eta):
    return update(w, b, x, t, -eta)


def _with_still_bias(w, b, x, t, eta):
    return update(w, b, x, t, eta)[0], b


def _without_x(w, b, x, t, eta):
    new = update(w, b, x, t, eta)[1]
    return w + (new - b), new


def _without_eta(w, b, x, t, eta):
    return update(w, b, x, t, 1.0)


def _with_logit(w, b, x, t, eta):
    missing = t - (x @ w + b)
    return w + eta * missing * x, b + eta * missing


def _yes_at_zero(w, b, x, t, eta):
    y = 1.0 if x @ w + b >= 0 else 0.0
    return w + eta * (t - y) * x, b + eta * (t - y)


def _sample(rng: np.random.Generator) -> tuple[Any, ...]:
    """Small whole numbers, so that some logits are 0."""
    w, x = rng.integers(-2, 3, (2, 2)).astype(float)
    return w, float(rng.integers(-2, 3)), x, int(rng.integers(0, 2)), float(rng.uniform(0.1, 0.5))


def grad_w(w, b, x, t):
    y = 1.0 if x @ w + b > 0 else 0.0
    return -(t - y) * x


def updates_needed(w: Any, b: Any, eta: Any) -> int:
    """How many updates it takes until the answer to the lecture's sample is right."""
    count = 0
    while is_wrong(w, b):
        w, b = update(w, b, X, T, eta)
        count += 1
    return count


def is_wrong(w: Any, b: Any) -> bool:
    return bool(w @ X + b <= 0)


def try_start(answer: Any) -> Text | None:
    """Whether the perceptron needs five updates from there."""
    w = written_numbers(answer, np.zeros(2))
    if not (np.abs(w) <= 100).all():
        return Text("Two numbers are needed, w1 and w2, none of them beyond 100.", "需要两个数 w1 和 w2，绝对值都不超过 100。")
    count = updates_needed(w, 0.0, ETA)
    if count == 5:
        return None
    z = w @ X
    return Text(f"There z = {z:.4g}, and it takes {count} updates, not five.", f"这里 z = {z:.4g}，需要 {count} 次更新，不是五次。")


EXERCISES: tuple[Exercise, ...] = (
    Number(
        "6.1",
        Text("One update by hand", "手算一次更新"),
        right=lambda: np.array([0.0, 1.5, -0.5]),
        hints=(
            Text("First the logit: z = 1·2 + 1·(−1) + 0. Is it above 0?", "先算 logit：z = 1·2 + 1·(−1) + 0。它大于 0 吗？"),
            Text("z = 1, so y = 1, and the error is t − y = 0 − 1 = −1.", "z = 1，所以 y = 1，误差是 t − y = 0 − 1 = −1。"),
            Text(
                "Add 0.5 · (−1) · x = (−1, 0.5) to w, and 0.5 · (−1) = −0.5 to b.",
                "w 加上 0.5 · (−1) · x = (−1, 0.5)，b 加上 0.5 · (−1) = −0.5。",
            ),
        ),
        solution=Text(
            "z = 1, y = 1, t − y = −1. So w = (1, 1) − 0.5·(2, −1) = (0, 1.5) and b = 0 − 0.5 = −0.5.",
            "z = 1，y = 1，t − y = −1。所以 w = (1, 1) − 0.5·(2, −1) = (0, 1.5)，b = 0 − 0.5 = −0.5。",
        ),
        mistakes=(
            (
                lambda: np.array([2.0, 0.5, 0.5]),
                Text(
                    "The update goes the wrong way: t − y is 0 − 1 = −1 here, so that η·x is taken away.",
                    "更新的方向反了：这里 t − y = 0 − 1 = −1，应该减去 η·x。",
                ),
            ),
            (
                lambda: np.array([0.0, 1.5, 0.0]),
                Text("w is right. b has to be updated, too: b + η(t − y).", "w 对了。b 也要更新：b + η(t − y)。"),
            ),
            (
                lambda: np.array([-1.0, 2.0, -1.0]),
                Text("The learning rate is missing: η = 0.5.", "漏了学习率 η = 0.5。"),
            ),
            (
                lambda: np.array([0.5, 0.5, -0.5]),
                Text(
                    "Each weight is changed by its own input: η(t − y)·x1 and η(t − y)·x2.",
                    "每个权重的变化要乘以它自己的输入：η(t − y)·x1 和 η(t − y)·x2。",
                ),
            ),
            (
                lambda: np.array([1.0, 1.0, 0.0]),
                Text(
                    "Nothing has changed. But z = 1 gives y = 1, and t = 0: the answer is wrong.",
                    "什么也没有变。可是 z = 1 时 y = 1，而 t = 0：答案是错的，需要更新。",
                ),
            ),
        ),
    ),
    Function(
        "6.2",
        Text("The update as a function", "把更新写成函数"),
        solution=update,
        arguments=_sample,
        hints=(
            Text(
                "The logit is x @ w + b; the output y is 1 where it is above 0, else 0.",
                "logit 是 x @ w + b；它大于 0 时输出 y 为 1，否则为 0。",
            ),
            Text(
                "Both updates use the same error t - y. The one for w is multiplied by x, that for b is not.",
                "两个更新用同一个误差 t - y：w 的更新要乘以 x，b 的不用。",
            ),
            Text(
                "return w + eta * (t - y) * x, b + eta * (t - y)",
                "return w + eta * (t - y) * x, b + eta * (t - y)",
            ),
        ),
        mistakes=(
            (
                _with_turned_sign,
                Text(
                    "The weights go the wrong way. The gradient is −(t − y)x, and the step takes it away: w + η(t − y)x.",
                    "方向反了。梯度是 −(t − y)x，更新要减去梯度：w + η(t − y)x。",
                ),
            ),
            (_with_still_bias, Text("w is right, but b has stayed as it was.", "w 对了，但 b 没有更新。")),
            (_without_x, Text("The update of w lacks the factor x.", "w 的更新缺少因子 x。")),
            (_without_eta, Text("The learning rate eta is missing.", "漏了学习率 eta。")),
            (
                _with_logit,
                Text(
                    "The error is t − y with the output y, 0 or 1, and not with the logit z.",
                    "误差是 t − y，其中 y 是输出（0 或 1），不是 logit z。",
                ),
            ),
            (
                _yes_at_zero,
                Text(
                    "Nearly: where z is exactly 0 the step function is 0, so the output is 1 only where z > 0.",
                    "差一点：z 恰好为 0 时阶跃函数等于 0，只有 z > 0 时输出才是 1。",
                ),
            ),
        ),
    ),
    Gradient(
        "6.3",
        Text("The gradient for w", "对 w 的梯度"),
        f=perceptron_loss,
        arguments=(np.array([1.0, 1.0]), -0.5, np.array([1.5, -2.0]), T),
        others=(
            (np.array([1.0, 1.0]), 1.5, np.array([0.5, -1.0]), 0),  # without b the answer would be no
            (np.array([1.0, -1.0]), -5.0, np.array([1.0, -1.0]), 1),  # and here yes
            (np.array([1.0, 1.0]), 0.5, np.array([1.0, 1.0]), 1),
            (np.array([1.0, 1.0]), 0.0, np.array([1.0, -1.0]), 1),  # z is exactly 0
        ),
        hints=(
            Text(
                "The loss is −(t − y)·z with z = x @ w + b. What is the derivative of z by w?",
                "损失是 −(t − y)·z，其中 z = x @ w + b。z 对 w 的导数是什么？",
            ),
            Text("y is a constant: it is 1 where x @ w + b > 0, else 0.", "y 视为常数：x @ w + b > 0 时为 1，否则为 0。"),
            Text(
                "y = 1.0 if x @ w + b > 0 else 0.0, and then return -(t - y) * x.",
                "先写 y = 1.0 if x @ w + b > 0 else 0.0，再 return -(t - y) * x。",
            ),
        ),
        solution=grad_w,
        mistakes=(
            (
                lambda w, b, x, t: -(t - (x @ w + b)) * x,
                Text(
                    "The error is t − y with the output y, 0 or 1, and not with the logit z.",
                    "误差是 t − y，用输出 y（0 或 1），不是 logit z。",
                ),
            ),
            (
                lambda w, b, x, t: -(t - step(x @ w)) * x,
                Text("The bias b is missing from the logit.", "logit 里漏了偏置 b。"),
            ),
            (
                lambda w, b, x, t: -(t - (x @ w + b >= 0)) * x,
                Text("Nearly: where z is exactly 0 the output is 0. Write z > 0.", "差一点：z 恰好为 0 时输出是 0。请写 z > 0。"),
            ),
            (lambda w, b, x, t: -t * x, Text("The output y is missing from t − y.", "t − y 里漏了输出 y。")),
        ),
    ),
    Number(
        "6.4",
        Text("One update is enough", "一次更新就够"),
        right=lambda: 1.5 / 12.25,
        hints=(
            Text(
                "By how much does one update raise the logit of this sample? See the end of 6.5.",
                "一次更新使这个样本的 logit 升高多少？见 6.5 节的末尾。",
            ),
            Text(
                "By η(x·x + 1) = η · 12.25. The logit starts at −1.5 and must come above 0.",
                "升高 η(x·x + 1) = η · 12.25。logit 从 −1.5 开始，要升到 0 以上。",
            ),
            Text("−1.5 + 12.25·η > 0.", "−1.5 + 12.25·η > 0。"),
        ),
        solution=Text(
            "−1.5 + 12.25·η > 0 holds where η > 1.5 / 12.25 = 0.1224.", "−1.5 + 12.25·η > 0，即 η > 1.5 / 12.25 = 0.1224。"
        ),
        mistakes=(
            (
                lambda: 1.5 / 11.25,
                Text("The bias is updated, too: that gives the + 1 in x·x + 1.", "偏置也会更新，x·x + 1 中的 1 就是这么来的。"),
            ),
            (lambda: 12.25 / 1.5, Text("Upside down: η must be larger than 1.5 / 12.25.", "分子分母颠倒了：应是 1.5 / 12.25。")),
            (
                lambda: 2 / 12.25,
                Text(
                    "That is the bound of a parabola. Here there is none: ask when −1.5 + 12.25·η exceeds 0.",
                    "这是抛物线的界限。这里没有抛物线：要问 −1.5 + 12.25·η 何时大于 0。",
                ),
            ),
            (
                lambda: 1.5,
                Text("So far is it to go; one update goes η · 12.25.", "这是需要走的距离，而一次更新走 η · 12.25。"),
            ),
        ),
    ),
    Program(
        "6.5",
        Text("A start that takes longer", "需要更多步的起点"),
        trial=try_start,
        hints=(
            Text(
                "Each update raises the logit by 1.225. Where must it begin, if five are needed?",
                "每次更新使 logit 升高 1.225。要用五次，它应从哪里开始？",
            ),
            Text(
                "After four updates it is still at 0 or below, after five it is above 0: −6.125 < z ≤ −4.9 at the start.",
                "四次之后仍然不大于 0，五次之后大于 0：开始时 −6.125 < z ≤ −4.9。",
            ),
            Text(
                "z = 1.5·w1 − 3·w2. With w1 = 0 and w2 = 1.8, for instance, it is −5.4.",
                "z = 1.5·w1 − 3·w2。例如 w1 = 0、w2 = 1.8 时，z = −5.4。",
            ),
        ),
        solution=Text(
            "Five updates are needed where −6.125 < 1.5·w1 − 3·w2 ≤ −4.9: [0, 1.8] has −5.4.",
            "−6.125 < 1.5·w1 − 3·w2 ≤ −4.9 时需要五次更新，例如 [0, 1.8]，z = −5.4。",
        ),
    ),
)
