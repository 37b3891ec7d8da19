"""The exercises of lesson 7: the perceptron, four samples to convergence."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.course.exercise import Exercise, Function, Gradient, Number, Program, written_numbers
from tinygrad_edu.languages import Text
from tinygrad_edu.primitives.elementwise import step

X = np.array([[1.0, 1.0], [-1.0, 1.0], [-1.0, -0.5], [-1.0, 1.5]])
T = np.array([0, 1, 0, 1])
TRUTHS = np.array([[0, 1, 1], [1, 0, 0], [0, 1, 1], [1, 0, 1]])


def perceptron_loss(w, b, X, t):
    z = X @ w + b
    return np.sum(-(t - step(z)) * z)


def batch_gradient(w, b, X, t):
    y = np.where(X @ w + b > 0, 1.0, 0.0)
    return X.T @ (y - t)


def layer_gradient(W, b, X, T):
    Y = np.where(X @ W + b > 0, 1.0, 0.0)
    return X.T @ (Y - T)


def train(w, b, X, t, eta):
    updates = 0
    while True:
        y = np.where(X @ w + b > 0, 1.0, 0.0)
        if np.all(y == t):
            return w, b, updates
        w = w - eta * X.T @ (y - t)
        b = b - eta * np.sum(y - t)
        updates += 1


def _counting_the_last_look(w, b, X, t, eta):
    w, b, updates = train(w, b, X, t, eta)
    return w, b, updates + 1


def _with_the_mean(w, b, X, t, eta):
    return train(w, b, X, t, eta / len(X))


def _one_update_only(w, b, X, t, eta):
    y = np.where(X @ w + b > 0, 1.0, 0.0)
    return w - eta * X.T @ (y - t), b - eta * np.sum(y - t), 1


def _one_sample_at_a_time(w, b, X, t, eta):
    updates = 0
    while np.any(np.where(X @ w + b > 0, 1.0, 0.0) != t):
        for i in range(len(X)):
            error = t[i] - (1.0 if X[i] @ w + b > 0 else 0.0)
            w, b = w + eta * error * X[i], b + eta * error
            updates += error != 0
    return w, b, int(updates)


def _yes_at_zero(w, b, X, t, eta):
    updates = 0
    while True:
        y = np.where(X @ w + b >= 0, 1.0, 0.0)
        if np.all(y == t):
            return w, b, updates
        w, b = w - eta * X.T @ (y - t), b - eta * np.sum(y - t)
        updates += 1


def _separable(rng: np.random.Generator) -> tuple[Any, ...]:
    """Points on both sides of a line, not close to it, with whole numbers, so that logits of 0 occur."""
    while True:
        points, normal, bias = rng.integers(-3, 4, (4, 2)).astype(float), rng.normal(size=2), rng.normal()
        logits = points @ normal + bias
        if np.abs(logits).min() > 0.4:
            return rng.integers(-2, 3, 2).astype(float), float(rng.integers(-1, 2)), points, (logits > 0).astype(float), 0.5


def try_far_start(answer: Any) -> Text | None:
    """Whether more than 20 updates are needed from there."""
    numbers = written_numbers(answer, np.zeros(3))
    if not (np.abs(numbers) <= 10).all():
        return Text(
            "Three numbers are needed, w1, w2 and b, none of them beyond 10.", "需要三个数 w1、w2 和 b，绝对值都不超过 10。"
        )
    updates = train(numbers[:2], numbers[2], X, T, 0.25)[2]
    if updates > 20:
        return None
    return Text(f"From there it takes {updates} updates.", f"从这里出发需要 {updates} 次更新。")


EXERCISES: tuple[Exercise, ...] = (
    Number(
        "7.1",
        Text("Logits by hand", "手算 logit"),
        right=lambda: X @ np.array([-1.0, 0.5]) + 0.25,
        hints=(
            Text(
                "One logit for each row of X: the row times w, number by number, added up, and then b.",
                "X 的每一行有一个 logit：这一行与 w 对应相乘，加起来，再加 b。",
            ),
            Text("The first one: 1 · (−1) + 1 · 0.5 + 0.25.", "第一个：1 · (−1) + 1 · 0.5 + 0.25。"),
            Text(
                "The first one is −0.25, and the second one (−1) · (−1) + 1 · 0.5 + 0.25 = 1.75.",
                "第一个是 −0.25，第二个是 (−1) · (−1) + 1 · 0.5 + 0.25 = 1.75。",
            ),
        ),
        solution=Text(
            "X @ w + b = [−0.25, 1.75, 1, 2], from −1 + 0.5, 1 + 0.5, 1 − 0.25 and 1 + 0.75, each plus 0.25.",
            "X @ w + b = [−0.25, 1.75, 1, 2]：−1 + 0.5、1 + 0.5、1 − 0.25、1 + 0.75，各加 0.25。",
        ),
        mistakes=(
            (lambda: X @ np.array([-1.0, 0.5]), Text("The bias b = 0.25 is missing.", "漏了偏置 b = 0.25。")),
            (
                lambda: np.array([0.0, 1.0, 1.0, 1.0]),
                Text(
                    "These are the outputs. The logits are the numbers before the step function.",
                    "这些是输出。logit 是经过阶跃函数之前的数。",
                ),
            ),
            (
                lambda: np.array([-0.25, 1.75, 1.0, 1.75]),
                Text(
                    "The fourth sample is (−1, 1.5); (−1, 1) is the slide's misprint.",
                    "第四个样本是 (−1, 1.5)；(−1, 1) 是课件印错的。",
                ),
            ),
        ),
    ),
    Gradient(
        "7.2",
        Text("The gradient over a batch", "一个 batch 的梯度"),
        f=perceptron_loss,
        arguments=(np.array([1.0, 1.0]), 0.1, X, T),
        others=(
            (np.array([1.0, 1.0]), -1.5, X, T),  # here b decides
            (np.array([-1.0, 0.2]), 1.0, X, T),
            (np.array([1.0, 1.0]), 0.0, X, T),  # z is exactly 0 for one of them
        ),
        hints=(
            Text(
                "First the outputs: y is 1 where X @ w + b is above 0, else 0. They count as constants.",
                "先算输出：X @ w + b 大于 0 时 y 为 1，否则为 0。求导时 y 视为常数。",
            ),
            Text(
                "Each sample gives (y_i − t_i)·x_i, and these are added up over the samples. The samples are the rows of X.",
                "每个样本给出 (y_i − t_i)·x_i，对所有样本相加。样本是 X 的行。",
            ),
            Text(
                "The sum over the rows is a product with the transposed matrix: X.T @ (y - t).",
                "对各行求和，就是与转置矩阵相乘：X.T @ (y - t)。",
            ),
        ),
        solution=batch_gradient,
        mistakes=(
            (
                lambda w, b, X, t: X.T @ (X @ w + b - t),
                Text(
                    "The error is y − t with the outputs y, 0 or 1, and not with the logits z.",
                    "误差是 y − t，用输出 y（0 或 1），不是 logit z。",
                ),
            ),
            (
                lambda w, b, X, t: X.T @ (step(X @ w) - t),
                Text("The bias b is missing from the logits.", "logit 里漏了偏置 b。"),
            ),
            (
                lambda w, b, X, t: X.T @ ((X @ w + b >= 0) - t),
                Text("Nearly: where z is exactly 0 the output is 0. Write z > 0.", "差一点：z 恰好为 0 时输出是 0。请写 z > 0。"),
            ),
            (lambda w, b, X, t: -(X.T @ t), Text("The outputs y are missing from y − t.", "y − t 里漏了输出 y。")),
        ),
    ),
    Gradient(
        "7.3",
        Text("Three perceptrons at once", "三个感知机一起算"),
        f=perceptron_loss,
        arguments=(np.array([[1.0, -0.5, 0.3], [1.0, 0.7, -0.2]]), np.array([0.1, -0.2, 0.3]), X, TRUTHS),
        others=((np.array([[1.0, -0.5, 0.3], [1.0, 0.7, -0.2]]), np.zeros(3), X, TRUTHS),),  # one z is exactly 0
        hints=(
            Text(
                "Nothing is new: a column of W is one perceptron. What is the gradient for it? See exercise 7.2.",
                "没有新东西：W 的一列就是一个感知机。它的梯度是什么？见练习 7.2。",
            ),
            Text(
                "X has shape (4, 2), Y - T has shape (4, 3), and the gradient must have that of W, (2, 3).",
                "X 的形状是 (4, 2)，Y - T 的形状是 (4, 3)，而梯度的形状必须和 W 一样，是 (2, 3)。",
            ),
            Text("X.T @ (Y - T): (2, 4) times (4, 3) is (2, 3).", "X.T @ (Y - T)：(2, 4) 乘 (4, 3) 得 (2, 3)。"),
        ),
        solution=layer_gradient,
        mistakes=(
            (
                lambda W, b, X, T: X.T @ (X @ W + b - T),
                Text(
                    "The error is Y − T with the outputs Y, 0 or 1, and not with the logits.",
                    "误差是 Y − T，用输出 Y（0 或 1），不是 logit。",
                ),
            ),
            (
                lambda W, b, X, T: X.T @ (step(X @ W) - T),
                Text("The biases b are missing from the logits.", "logit 里漏了偏置 b。"),
            ),
            (
                lambda W, b, X, T: X.T @ ((X @ W + b >= 0) - T),
                Text(
                    "Nearly: where a logit is exactly 0 the output is 0. Write > 0.",
                    "差一点：logit 恰好为 0 时输出是 0。请写 > 0。",
                ),
            ),
        ),
    ),
    Function(
        "7.4",
        Text("Until all are right", "直到全部正确"),
        solution=train,
        arguments=_separable,
        hints=(
            Text(
                "Nobody knows how many rounds: while True. In it compute y, then ask whether all are right: np.all(y == t).",
                "循环次数事先不知道，用 while True。循环里先算 y，再看是否全部正确：np.all(y == t)。",
            ),
            Text(
                "If all are right: return w, b, updates. Else update both, and add 1 to updates.",
                "全部正确就 return w, b, updates；否则更新 w 和 b，updates 加 1。",
            ),
            Text(
                "The updates: w = w - eta * X.T @ (y - t) and b = b - eta * np.sum(y - t).",
                "更新公式：w = w - eta * X.T @ (y - t)，b = b - eta * np.sum(y - t)。",
            ),
        ),
        mistakes=(
            (
                _counting_the_last_look,
                Text(
                    "One too many: the last look, at which all are right, is no update.",
                    "多数了一次：最后一次检查时全部正确，并没有更新。",
                ),
            ),
            (
                _with_the_mean,
                Text(
                    "The gradients are averaged over the samples. Here they are summed.",
                    "这里把各样本的梯度取了平均，题目要求相加。",
                ),
            ),
            (
                _one_update_only,
                Text(
                    "That is a single update. Repeat until all are right; there may also be nothing to do at all.",
                    "这只更新了一次。应重复到全部正确为止；也可能一次都不用更新。",
                ),
            ),
            (
                _one_sample_at_a_time,
                Text(
                    "Here w moves after every single sample. A step uses all samples at the same w and b.",
                    "这里每看一个样本就更新一次 w。题目要求一步用上全部样本，它们面对同样的 w 和 b。",
                ),
            ),
            (
                _yes_at_zero,
                Text(
                    "Nearly: where the logit is exactly 0 the output is 0, not 1.", "差一点：logit 恰好为 0 时，输出是 0，不是 1。"
                ),
            ),
        ),
    ),
    Program(
        "7.5",
        Text("A long way", "很长的路"),
        trial=try_far_start,
        hints=(
            Text(
                "The size of an update does not depend on how large w is. So where should one begin?",
                "一次更新的大小与 w 的大小无关。那么应该从哪里出发？",
            ),
            Text(
                "Far away, on the wrong side: with a large w1 above 0, where the solution has one below 0.",
                "从很远、方向相反的地方出发：解的 w1 是负的，就取一个很大的正的 w1。",
            ),
            Text("[10, 0, 0], for instance.", "例如 [10, 0, 0]。"),
        ),
        solution=Text(
            "[10, 0, 0], for instance. An update has the same size however large w is, so from far away it takes many.",
            "例如 [10, 0, 0]。无论 w 多大，一次更新的大小都一样，所以从远处出发要更新很多次。",
        ),
    ),
    Number(
        "7.6",
        Text("Can a line do it?", "一条直线够不够？"),
        right=lambda: np.array([True, True, False, True]),
        hints=(
            Text("Draw the four corners of a square, and mark those with a 1.", "画出正方形的四个顶点，标出真实值为 1 的那些。"),
            Text(
                "A line can always cut off a single corner. Which list has neither one 1 nor one 0?",
                "一条直线总能切下一个角。哪一组既不是只有一个 1，也不是只有一个 0？",
            ),
            Text("In the third list the two ones lie across from each other, see 7.7.", "第三组的两个 1 在对角上，见 7.7 节。"),
        ),
        solution=Text(
            "[True, True, False, True]. In 1, 2 and 4 one corner differs from the other three, and a line cuts it off. 3 is XOR.",
            "[True, True, False, True]。1、2、4 都只有一个角与另外三个不同，直线可以把它切下来；3 是 XOR。",
        ),
        mistakes=(
            (
                lambda: np.array([True, True, True, True]),
                Text("One of the four cannot be separated: see 7.7.", "四组中有一组不能分开，见 7.7 节。"),
            ),
            (
                lambda: np.array([True, True, False, False]),
                Text(
                    "Look at 4 again: only (1, 0) has the truth 0. Can a line cut off this corner?",
                    "再看看 4：只有 (1, 0) 的真实值是 0。能不能用直线切下这个角？",
                ),
            ),
            (
                lambda: np.array([False, False, True, False]),
                Text("Turned round: True where a line can separate.", "反了：能用直线分开的才写 True。"),
            ),
        ),
    ),
)
