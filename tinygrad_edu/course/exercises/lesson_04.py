"""The exercises of lesson 4: a step of gradient descent."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.course.exercise import Exercise, Function, Number
from tinygrad_edu.languages import Text


def new_weight(theta, x, t, eta):
    gradient = (theta * x - t) * x
    return theta - eta * gradient


def train(theta, x, t, eta, steps):
    for _ in range(steps):
        gradient = (theta * x - t) * x
        theta = theta - eta * gradient
    return theta


def one_gradient_only(theta, x, t, eta, steps):
    return theta - steps * eta * (theta * x - t) * x


def _numbers(rng: np.random.Generator) -> tuple[Any, ...]:
    return (*rng.uniform(-3, 3, 3).round(2).tolist(), round(rng.uniform(0.05, 0.5), 2))


def _a_training(rng: np.random.Generator) -> tuple[Any, ...]:
    return (*rng.uniform(-2, 2, 3).round(2).tolist(), round(rng.uniform(0.05, 0.3), 2), int(rng.integers(2, 7)))


EXERCISES: tuple[Exercise, ...] = (
    Number(
        "4.1",
        Text("One step by hand", "手算一步"),
        right=lambda: new_weight(1, 2, 8, 0.1),
        hints=(
            Text(
                "Four lines as in section 4.1: y, loss, gradient, new weight. The loss is not needed.",
                "像 4.1 节那样四行：输出、损失、梯度、新的权重。其实用不到损失。",
            ),
            Text(
                "y = 2, and the gradient is (2 − 8) · 2 = −12. Subtract 0.1 times that.",
                "y = 2，梯度是 (2 − 8) · 2 = −12。减去它的 0.1 倍。",
            ),
        ),
        solution=Text("θ − η·grad = 1 − 0.1 · (−12) = 2.2", "θ − η·grad = 1 − 0.1 · (−12) = 2.2"),
        mistakes=(
            (
                lambda: -0.2,
                Text(
                    "The gradient has been added. It is subtracted: minus times minus is plus.",
                    "梯度是要减去的，却加上了：减负数等于加正数。",
                ),
            ),
            (lambda: 13, Text("The learning rate is missing: take 0.1 times the gradient.", "漏了学习率：要取梯度的 0.1 倍。")),
            (lambda: 1.6, Text("The factor x is missing from the gradient: (y − t)x.", "梯度里漏了因子 x：(y − t)x。")),
            (lambda: -12, Text("That is the gradient. Now the update.", "这是梯度。接着更新权重。")),
            (lambda: 1.2, Text("That is by how much θ grows. Where does it land?", "这是 θ 增大了多少。它落在哪里？")),
        ),
    ),
    Function(
        "4.2",
        Text("Program the step", "把一步写成程序"),
        solution=new_weight,
        arguments=_numbers,
        hints=(
            Text("The gradient is (y − t)x, with y = θx.", "梯度是 (y − t)x，其中 y = θx。"),
            Text("return theta - eta * gradient", "return theta - eta * gradient"),
        ),
        mistakes=(
            (
                lambda theta, x, t, eta: theta + eta * (theta * x - t) * x,
                Text("This goes uphill: the gradient is subtracted.", "这是往上坡走：应该减去梯度。"),
            ),
            (
                lambda theta, x, t, eta: theta - (theta * x - t) * x,
                Text("The learning rate eta is missing.", "漏了学习率 eta。"),
            ),
            (
                lambda theta, x, t, eta: theta - eta * (theta * x - t),
                Text("The factor x is missing from the gradient.", "梯度里漏了因子 x。"),
            ),
            (
                lambda theta, x, t, eta: eta * (theta * x - t) * x,
                Text("That is how far the step goes. Subtract it from theta.", "这是一步走多远。还要用 theta 减去它。"),
            ),
            (
                lambda theta, x, t, eta: theta - eta * 0.5 * (t - theta * x) ** 2,
                Text("That subtracts the loss. Subtract the gradient.", "这里减的是损失。要减的是梯度。"),
            ),
        ),
    ),
    Number(
        "4.3",
        Text("The bound of another sample", "另一个样本的界限"),
        right=lambda: 2 / 5**2,
        hints=(
            Text(
                "The truth t does not matter here. Which formula of section 4.3 has only x in it?",
                "真实值 t 在这里不起作用。4.3 节的哪个公式里只有 x？",
            ),
            Text("0 < η < 2/x²", "0 < η < 2/x²"),
        ),
        solution=Text("2/x² = 2/25 = 0.08", "2/x² = 2/25 = 0.08"),
        mistakes=(
            (
                lambda: 1 / 25,
                Text("With that one a single step arrives. The bound is twice as large.", "这个学习率一步到位。界限是它的两倍。"),
            ),
            (lambda: 2 / 5, Text("That is 2/x. The factor is 1 − ηx², with the square.", "这是 2/x。倍数是 1 − ηx²，x 要平方。")),
            (lambda: 0.5, Text("That is the bound for x = 2. Here x = 5.", "这是 x = 2 的界限。这里 x = 5。")),
            (lambda: 25 / 2, Text("Turned over: the larger x, the smaller the bound.", "上下颠倒了：x 越大，界限越小。")),
        ),
    ),
    Number(
        "4.4",
        Text("Halve the distance", "让距离减半"),
        right=lambda: 0.5 / 4,
        hints=(
            Text("Which factor halves a distance and leaves its sign?", "哪个倍数使距离减半，又不改变正负号？"),
            Text("1 − ηx² = ½, with x² = 4. Solve it for η.", "1 − ηx² = ½，其中 x² = 4。解出 η。"),
        ),
        solution=Text("1 − 4η = ½, so 4η = ½ and η = 0.125", "1 − 4η = ½，所以 4η = ½，η = 0.125"),
        mistakes=(
            (
                lambda: 1.5 / 4,
                Text(
                    "This has the factor −½: the distance is halved, but the sides change.", "这时倍数是 −½：距离减半了，但换了边。"
                ),
            ),
            (
                lambda: 0.25,
                Text("With that one a single step arrives: the factor is 0, not ½.", "这个学习率一步到位：倍数是 0，不是 ½。"),
            ),
            (lambda: 0.5, Text("That is the bound, where the steps swing for ever.", "这是界限，取这个值会永远摆动。")),
        ),
    ),
    Number(
        "4.5",
        Text("How many steps?", "要走多少步"),
        right=lambda: next(k for k in range(100) if (1 - 0.1 * 2**2) ** k < 0.01),
        hints=(
            Text(
                "The factor is 1 − 0.1 · 4 = 0.6. After k steps the distance is 0.6ᵏ.",
                "倍数是 1 − 0.1 · 4 = 0.6。走 k 步后距离是 0.6ᵏ。",
            ),
            Text("for k in range(15): print(k, 0.6**k)", "for k in range(15): print(k, 0.6**k)"),
        ),
        solution=Text(
            "0.6⁹ = 0.01008 is still above 0.01, and 0.6¹⁰ = 0.00605 is below: 10 steps",
            "0.6⁹ = 0.01008 仍大于 0.01，0.6¹⁰ = 0.00605 小于 0.01：10 步",
        ),
        mistakes=(
            (lambda: 9, Text("Almost: 0.6⁹ = 0.01008 is still above 0.01.", "差一点：0.6⁹ = 0.01008，仍大于 0.01。")),
            (lambda: np.log(0.01) / np.log(0.6), Text("Steps are whole numbers: round up.", "步数是整数：请向上取整。")),
            (
                lambda: 11,
                Text("Almost: the distance was below 0.01 one step before.", "差一点：再早一步，距离就已经小于 0.01 了。"),
            ),
            (
                lambda: 2,
                Text("That would be the factor 0.1. It is 1 − ηx² = 0.6.", "那是倍数为 0.1 的情形。倍数是 1 − ηx² = 0.6。"),
            ),
        ),
    ),
    Function(
        "4.6",
        Text("A training loop", "训练循环"),
        solution=train,
        arguments=_a_training,
        hints=(
            Text(
                "for _ in range(steps): and in it the two lines of exercise 4.2.",
                "for _ in range(steps):，循环里是练习 4.2 的两行。",
            ),
            Text(
                "Write the new weight over the old one: theta = theta - eta * gradient.",
                "用新的权重覆盖旧的：theta = theta - eta * gradient。",
            ),
            Text(
                "The gradient must be computed inside of the loop, and `return theta` stands after it.",
                "梯度要在循环里面算，`return theta` 写在循环后面。",
            ),
        ),
        mistakes=(
            (
                one_gradient_only,
                Text(
                    "The gradient has been computed once, at the beginning. It changes with θ: compute it in every step.",
                    "梯度只在开头算了一次。它随 θ 而变：每一步都要重新算。",
                ),
            ),
            (
                lambda theta, x, t, eta, steps: new_weight(theta, x, t, eta),
                Text(
                    "Only one step has been taken. Does `return` stand inside of the loop?",
                    "只走了一步。`return` 是不是写在循环里面了？",
                ),
            ),
            (
                lambda theta, x, t, eta, steps: train(theta, x, t, -eta, steps),
                Text("This goes uphill: the gradient is subtracted.", "这是往上坡走：应该减去梯度。"),
            ),
            (
                lambda theta, x, t, eta, steps: train(theta, x, t, eta, steps - 1),
                Text("One step is missing.", "少走了一步。"),
            ),
            (
                lambda theta, x, t, eta, steps: train(theta, x, t, eta, steps + 1),
                Text("That is one step too many.", "多走了一步。"),
            ),
        ),
    ),
)
