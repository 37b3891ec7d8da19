"""The exercises of lesson 11: NaNs found and avoided, curvature, first weights, and a loop unrolled."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.course.exercise import Exercise, Function, Gradient, Number, Program
from tinygrad_edu.engine.messages import name_of
from tinygrad_edu.engine.value import Value
from tinygrad_edu.languages import Text
from tinygrad_edu.testing.answers import called, check_callable
from tinygrad_edu.transforms.gradients import elementwise_grad


def try_name(answer: Any) -> Text | None:
    """Whether it is the operation whose gradient becomes NaN."""
    name = name_of(answer) if callable(answer) else str(answer).strip("'\" ").lower().removeprefix("np.")
    if name == "sqrt":
        return None
    if name == "log":
        return Text(
            "The logarithm is fine: 1 + d is 1 here, and its slope 1/(1 + d) is 1.",
            "对数没有问题：这里 1 + d 等于 1，斜率 1/(1 + d) 是 1。",
        )
    if name in ("sum", "power", "square", "subtract", "−", "-"):
        return Text(
            "It gets NaN from the operation behind it. Which one is the first that the backward pass makes NaN?",
            "它的 NaN 是从后面的运算传来的。反向传播中最先出现 NaN 的是哪一个？",
        )
    return Text(
        "It is another one. Put puzzle(w, c).backward() into a block `with tg.detect_anomaly():` and read the error.",
        "不是它。把 puzzle(w, c).backward() 放进 `with tg.detect_anomaly():` 里，读一读错误信息。",
    )


def stable_loss(z, t):
    return np.mean(t * np.logaddexp(0, -z) + (1 - t) * np.logaddexp(0, z))


def naive_loss(z, t):
    with np.errstate(all="ignore"):
        p = 1 / (1 + np.exp(-z))
        return -np.mean(t * np.log(p) + (1 - t) * np.log(1 - p))


def clipped_loss(z, t, tiny=1e-12):
    with np.errstate(over="ignore"):
        p = np.clip(1 / (1 + np.exp(-z)), tiny, 1 - tiny)
    return -np.mean(t * np.log(p) + (1 - t) * np.log(1 - p))


def summed_loss(z, t):
    return np.sum(t * np.logaddexp(0, -z) + (1 - t) * np.logaddexp(0, z))


def exchanged_loss(z, t):
    return np.mean(t * np.logaddexp(0, z) + (1 - t) * np.logaddexp(0, -z))


def x_log_x(x):
    inside = np.where(x > 0, x, 1.0)
    return np.where(x > 0, x * np.log(inside), 0.0)


def try_x_log_x(answer: Any) -> Text | None:
    """Whether value and gradient are right, at 0, too."""
    x = np.array([0.0, 0.5, 1.0, 3.0])
    right = np.array([0.0, 0.5 * np.log(0.5), 0.0, 3 * np.log(3.0)])
    check_callable(answer, ["x"])
    with np.errstate(all="ignore"):
        values = called(answer, (Value(x),))
        got = values.numpy() if isinstance(values, Value) else np.asarray(values)
        if np.isnan(got).any():
            return Text(f"For x = {x} the values are {got}.", f"x = {x} 时，函数值是 {got}。")
        if got.shape != right.shape or not np.allclose(got, right):
            return Text(f"For x = {x} the values are {got} instead of {right}.", f"x = {x} 时，函数值是 {got}，应为 {right}。")
        slopes = elementwise_grad(answer)(x)
    if not np.isfinite(slopes[0]):
        return Text(
            f"The values are right, but the slope at 0 is {slopes[0]}: the branch that is not chosen is computed, too. "
            "Replace the input of the logarithm where it is 0.",
            f"函数值都对，但 0 处的斜率是 {slopes[0]}：没有选中的分支也会计算。在 x 为 0 处，要先把对数的输入换掉。",
        )
    expected = 1 + np.log(x[1:])
    if not np.allclose(slopes[1:], expected):
        return Text(
            f"For x = {x[1:]} the slopes are {slopes[1:]} instead of {expected}.",
            f"x = {x[1:]} 时，斜率是 {slopes[1:]}，应为 {expected}。",
        )
    return None


_HESSIAN = np.array([[1.0, 1.0], [1.0, 10.0]])


def _curvature(which: int) -> float:
    return float(np.linalg.eigvalsh(_HESSIAN)[which])


def loop_loss(u, w, x1, x2, t):
    h1 = np.tanh(u * x1)
    h2 = np.tanh(w * h1 + u * x2)
    return 0.5 * (t - h2) ** 2


def loop_gradient(u, w, x1, x2, t):
    h1 = np.tanh(u * x1)
    h2 = np.tanh(w * h1 + u * x2)
    d_a2 = -(t - h2) * (1 - h2**2)
    d_a1 = d_a2 * w * (1 - h1**2)
    return d_a2 * x2 + d_a1 * x1


def gradient_of_the_last_round(u, w, x1, x2, t):
    h1 = np.tanh(u * x1)
    h2 = np.tanh(w * h1 + u * x2)
    return -(t - h2) * (1 - h2**2) * x2


def gradient_through_one_tanh(u, w, x1, x2, t):
    h1 = np.tanh(u * x1)
    h2 = np.tanh(w * h1 + u * x2)
    return -(t - h2) * (1 - h2**2) * (x2 + w * x1)


EXERCISES: tuple[Exercise, ...] = (
    Program(
        "11.1",
        Text("Which operation?", "是哪个运算？"),
        trial=try_name,
        hints=(
            Text(
                "Write `with tg.detect_anomaly():` and, inside of it, puzzle(w, c).backward().",
                "写 `with tg.detect_anomaly():`，在里面调用 puzzle(w, c).backward()。",
            ),
            Text(
                "Here w = c, so that the distance d is 0. Which of the functions has no slope at 0?",
                "这里 w = c，所以距离 d 是 0。哪个函数在 0 处没有斜率？",
            ),
            Text(
                'The root: 1/(2√0) is infinite, and what arrives there is 0. "sqrt".',
                '平方根：1/(2√0) 是无穷大，而传到那里的梯度是 0。"sqrt"。',
            ),
        ),
        solution=Text(
            "sqrt: its slope at 0 is infinite, and dL/dd = ln(1 + d) + d/(1 + d) = 0 there, so that 0·∞ = NaN.",
            "sqrt：它在 0 处的斜率是无穷大，而那里 dL/dd = ln(1 + d) + d/(1 + d) = 0，于是 0·∞ = NaN。",
        ),
    ),
    Function(
        "11.2",
        Text("A loss without NaN", "不出 NaN 的损失"),
        solution=stable_loss,
        arguments=lambda rng: (rng.normal(size=5) * 10 ** rng.uniform(-1, 4), rng.integers(0, 2, 5)),
        hints=(
            Text("−ln p = ln(1 + e⁻ᶻ), and −ln(1 − p) = ln(1 + eᶻ).", "−ln p = ln(1 + e⁻ᶻ)，−ln(1 − p) = ln(1 + eᶻ)。"),
            Text(
                "np.logaddexp(a, b) computes ln(eᵃ + eᵇ) without overflow; and 1 = e⁰.",
                "np.logaddexp(a, b) 计算 ln(eᵃ + eᵇ)，不会溢出；而 1 = e⁰。",
            ),
            Text(
                "t * np.logaddexp(0, -z) + (1 - t) * np.logaddexp(0, z), and the mean of it.",
                "t * np.logaddexp(0, -z) + (1 - t) * np.logaddexp(0, z)，再求平均。",
            ),
        ),
        mistakes=(
            (
                naive_loss,
                Text(
                    "For large logits p is rounded to 0 or 1, and the logarithm of 0 is −∞.",
                    "logit 很大时 p 舍入成 0 或 1，而 0 的对数是 −∞。",
                ),
            ),
            (
                clipped_loss,
                Text(
                    "Clipping p hides the NaN, but the loss stops growing there and has no slope: the worst samples teach nothing.",
                    "截断 p 只是掩盖了 NaN：损失到那里就不再增长，也没有斜率，错得最厉害的样本反而学不到东西。",
                ),
            ),
            (summed_loss, Text("This is the sum. Divide by the number of samples.", "这是和，还要除以样本数。")),
            (exchanged_loss, Text("t and 1 − t are exchanged.", "t 与 1 − t 弄反了。")),
        ),
    ),
    Program(
        "11.3",
        Text("x ln x", "x ln x"),
        trial=try_x_log_x,
        hints=(
            Text(
                "np.where(x > 0, x * np.log(x), 0.0) has the right values. Why not the right slope?",
                "np.where(x > 0, x * np.log(x), 0.0) 的值是对的。斜率为什么不对？",
            ),
            Text(
                "The logarithm must never see 0. Give it another number where x is 0.",
                "不能让对数碰到 0。在 x 为 0 处给它另一个数。",
            ),
            Text(
                "inside = np.where(x > 0, x, 1.0), then np.where(x > 0, x * np.log(inside), 0.0).",
                "inside = np.where(x > 0, x, 1.0)，然后 np.where(x > 0, x * np.log(inside), 0.0)。",
            ),
        ),
        solution=x_log_x,
    ),
    Number(
        "11.4",
        Text("The largest learning rate", "最大的学习率"),
        right=lambda: 2 / _curvature(-1),
        hints=(
            Text("The bound is 2/λ, with the largest eigenvalue λ of the Hessian.", "界限是 2/λ，λ 是海森矩阵最大的特征值。"),
            Text(
                "np.linalg.eigvalsh gives all eigenvalues in ascending order.", "np.linalg.eigvalsh 给出全部特征值，从小到大排列。"
            ),
            Text(
                "2 / np.linalg.eigvalsh([[1.0, 1.0], [1.0, 10.0]])[-1].", "2 / np.linalg.eigvalsh([[1.0, 1.0], [1.0, 10.0]])[-1]。"
            ),
        ),
        solution=Text(
            "λ = (11 + √85)/2 ≈ 10.11, so that 2/λ ≈ 0.1978.",
            "λ = (11 + √85)/2 ≈ 10.11，所以 2/λ ≈ 0.1978。",
        ),
        mistakes=(
            (
                lambda: 0.2,
                Text(
                    "2/10 looks along the axis of w₂ only. Between the axes the loss is curved a little more.",
                    "2/10 只看了 w₂ 轴方向。两轴之间的某个方向，损失弯得更厉害一些。",
                ),
            ),
            (
                lambda: 1 / _curvature(-1),
                Text(
                    "1/λ is the best rate along this direction; the bound is twice as large.",
                    "1/λ 是这个方向上最好的学习率；界限是它的两倍。",
                ),
            ),
            (lambda: _curvature(-1), Text("This is λ itself. The bound is 2/λ.", "这是 λ 本身，界限是 2/λ。")),
            (
                lambda: 2 / _curvature(0),
                Text(
                    "This is 2 over the smallest curvature. The largest one sets the bound.",
                    "这是 2 除以最小的曲率。决定界限的是最大的曲率。",
                ),
            ),
        ),
    ),
    Number(
        "11.5",
        Text("First weights", "初始权重"),
        right=lambda: np.sqrt(2 / 256),
        hints=(
            Text("The factor for each layer is s√(n/2).", "每层的因子是 s√(n/2)。"),
            Text("It should be 1.", "它应当等于 1。"),
            Text("s = √(2/n) with n = 256.", "s = √(2/n)，n = 256。"),
        ),
        solution=Text("√(2/256) = 1/√128 ≈ 0.0884.", "√(2/256) = 1/√128 ≈ 0.0884。"),
        mistakes=(
            (
                lambda: 1 / 16,
                Text(
                    "√(1/n) is for tanh; relu lets half of the gradients pass only.",
                    "√(1/n) 适用于 tanh；relu 只让一半的梯度通过。",
                ),
            ),
            (lambda: 2 / 256, Text("This is the variance. The standard deviation is its root.", "这是方差，标准差是它的平方根。")),
            (lambda: np.sqrt(2 / 64), Text("This is for 64 inputs, as in the lesson.", "这是课文里 64 个输入的情形。")),
        ),
    ),
    Gradient(
        "11.6",
        Text("Two rounds of a loop", "循环的两轮"),
        f=loop_loss,
        arguments=(0.7, 0.9, 0.8, -0.6, 0.5),
        hints=(
            Text(
                "Call a₂ = w h₁ + u x₂ and a₁ = u x₁. First find dL/da₂, as in exercise 10.3.",
                "记 a₂ = w h₁ + u x₂，a₁ = u x₁。先求 dL/da₂，与练习 10.3 一样。",
            ),
            Text(
                "dL/da₂ = −(t − h₂)(1 − h₂²). By way of h₁ it goes on: dL/da₁ = dL/da₂ · w · (1 − h₁²).",
                "dL/da₂ = −(t − h₂)(1 − h₂²)。经过 h₁ 继续往回：dL/da₁ = dL/da₂ · w · (1 − h₁²)。",
            ),
            Text(
                "u is in a₂ with x₂ and in a₁ with x₁: dL/du = dL/da₂ · x₂ + dL/da₁ · x₁.",
                "u 在 a₂ 中乘以 x₂，在 a₁ 中乘以 x₁：dL/du = dL/da₂ · x₂ + dL/da₁ · x₁。",
            ),
        ),
        solution=loop_gradient,
        mistakes=(
            (
                gradient_of_the_last_round,
                Text(
                    "The path through h₁ is missing: u is used in the first round, too.",
                    "缺少经过 h₁ 的那条路径：第一轮也用到了 u。",
                ),
            ),
            (
                gradient_through_one_tanh,
                Text(
                    "The derivative of the first tanh, 1 − h₁², is missing on the path through h₁.",
                    "经过 h₁ 的路径上，缺少第一个 tanh 的导数 1 − h₁²。",
                ),
            ),
        ),
    ),
)
