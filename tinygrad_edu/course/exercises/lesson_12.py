"""The exercises of lesson 12: training without a library, Adam, and a small project."""

from __future__ import annotations

from typing import Any

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu.course.exercise import Exercise, Function, Gradient, Number, Program
from tinygrad_edu.languages import Text
from tinygrad_edu.testing.answers import called, check_callable, numbers


def trained(X, t, w, eta, steps):
    for _ in range(steps):
        gradient = X.T @ (X @ w - t) / len(t)
        w = w - eta * gradient
    return w


def trained_uphill(X, t, w, eta, steps):
    for _ in range(steps):
        w = w + eta * X.T @ (X @ w - t) / len(t)
    return w


def trained_without_mean(X, t, w, eta, steps):
    for _ in range(steps):
        w = w - eta * X.T @ (X @ w - t)
    return w


def trained_twice_as_fast(X, t, w, eta, steps):
    return trained(X, t, w, 2 * eta, steps)


def trained_once(X, t, w, eta, steps):
    return trained(X, t, w, eta, 1)


def trained_too_long(X, t, w, eta, steps):
    return trained(X, t, w, eta, steps + 1)


def _regression(rng: np.random.Generator) -> tuple[Any, ...]:
    X = rng.normal(size=(8, 3))
    return X, X @ rng.normal(size=3) + 0.1 * rng.normal(size=8), rng.normal(size=3), 0.1, int(rng.integers(2, 6))


def network_loss(W, b, v, c, X, t):
    z = np.tanh(X @ W + b) @ v + c
    return tg.nn.binary_cross_entropy_with_logits(z, t)


def network_gradient(W, b, v, c, X, t):
    H = np.tanh(X @ W + b)
    z = H @ v + c
    d_z = (1 / (1 + np.exp(-z)) - t) / len(t)
    d_A = d_z[:, None] * v * (1 - H**2)
    return X.T @ d_A


def network_gradient_without_slope(W, b, v, c, X, t):
    z = np.tanh(X @ W + b) @ v + c
    d_z = (1 / (1 + np.exp(-z)) - t) / len(t)
    return X.T @ (d_z[:, None] * v)


def _network() -> tuple[Any, ...]:
    rng = np.random.default_rng(12)
    return (
        rng.normal(size=(2, 4)),
        rng.normal(size=4),
        rng.normal(size=4),
        0.3,
        rng.normal(size=(6, 2)),
        np.array([0, 1, 1, 0, 1, 0]),
    )


def adam_step(theta, g, m, s, k, eta):
    m = 0.9 * m + 0.1 * g
    s = 0.999 * s + 0.001 * g**2
    m_hat = m / (1 - 0.9**k)
    s_hat = s / (1 - 0.999**k)
    return theta - eta * m_hat / (np.sqrt(s_hat) + 1e-8), m, s


def adam_uncorrected(theta, g, m, s, k, eta):
    m = 0.9 * m + 0.1 * g
    s = 0.999 * s + 0.001 * g**2
    return theta - eta * m / (np.sqrt(s) + 1e-8), m, s


def adam_without_root(theta, g, m, s, k, eta):
    _, m, s = adam_step(theta, g, m, s, k, eta)
    return theta - eta * m / (1 - 0.9**k) / (s / (1 - 0.999**k) + 1e-8), m, s


def adam_returning_corrected(theta, g, m, s, k, eta):
    theta, m, s = adam_step(theta, g, m, s, k, eta)
    return theta, m / (1 - 0.9**k), s / (1 - 0.999**k)


def adam_uphill(theta, g, m, s, k, eta):
    return adam_step(theta, g, m, s, k, -eta)


def adam_without_epsilon(theta, g, m, s, k, eta):
    _, m, s = adam_step(theta, g, m, s, k, eta)
    return theta - eta * (m / (1 - 0.9**k)) / np.sqrt(s / (1 - 0.999**k)), m, s


def adam_with_epsilon_in_the_root(theta, g, m, s, k, eta):
    _, m, s = adam_step(theta, g, m, s, k, eta)
    return theta - eta * (m / (1 - 0.9**k)) / np.sqrt(s / (1 - 0.999**k) + 1e-8), m, s


def _adam(rng: np.random.Generator) -> tuple[Any, ...]:
    """Now and then all gradients so far are tiny, so that 10⁻⁸ counts."""
    size = rng.choice([1.0, 1e-8])
    g, m, s = size * rng.normal(size=3), size * rng.normal(size=3), size**2 * rng.uniform(0.1, 1, 3)
    return rng.normal(size=3), g, m, s, int(rng.integers(1, 20)), 0.01


def spirals(count: int, seed: int = 0) -> tuple[Any, Any]:
    """Points of three spirals, one inside of the other: X of shape (count, 2), and labels 0, 1, 2 of shape (count,)."""
    rng = np.random.default_rng(seed)
    t = np.arange(count) % 3
    radius = 3 * np.sqrt(rng.uniform(0.03, 1, count))
    angle = 1.8 * radius + t * 2 * np.pi / 3
    return np.c_[radius * np.cos(angle), radius * np.sin(angle)] + 0.1 * rng.normal(size=(count, 2)), t


def learn(X, t):
    model = tg.nn.Sequential(tg.nn.Linear(2, 32, rng=0), tg.nn.Tanh(), tg.nn.Linear(32, 3, rng=1))
    optimizer = tg.optim.SGD(lr=0.3, momentum=0.9)
    data = tg.data.batches(X, t, batch_size=32)
    tg.training.fit(model, tg.nn.softmax_cross_entropy, optimizer, data, epochs=150, compile=True)

    def predict(X):
        return np.argmax(model(X).numpy(), axis=1)

    return predict


def try_learning(answer: Any) -> Text | None:
    """How well what was learned from 300 points does on 300 others."""
    check_callable(answer, ["X", "t"])
    (X, t), (X_test, t_test) = spirals(300, seed=12), spirals(300, seed=13)
    predict = called(answer, (X, t))
    if not callable(predict):
        return Text(
            "learn(X, t) must return a function, predict, but returns something else.",
            "learn(X, t) 应返回一个函数 predict，却返回了别的东西。",
        )
    told = numbers(called(predict, (X_test,)), t_test)
    if told.shape != t_test.shape:
        return Text(
            f"predict(X) must return a label for each row, of shape (300,), but returns shape {told.shape}: "
            "take np.argmax(..., axis=1).",
            f"predict(X) 应为每一行返回一个标签，形状是 (300,)，却返回了形状 {told.shape}。用 np.argmax(..., axis=1)。",
        )
    right = float(np.mean(told == t_test))
    if right >= 0.95:
        return None
    seen = float(np.mean(numbers(called(predict, (X,)), t) == t))
    shares = f"{right:.0%}"
    if right < 0.45:
        return Text(
            f"{shares} of the new points are right; guessing gives 33%. Does the loss fall? See lesson 11.",
            f"新的点答对 {shares}，乱猜也有 33%。损失下降了吗？参看第 11 课。",
        )
    if seen > right + 0.1:
        return Text(
            f"{shares} of the new points are right, but {seen:.0%} of those learned from: it learns them by heart. "
            "Take a smaller model, or stop earlier.",
            f"新的点答对 {shares}，学过的点却有 {seen:.0%}：这是死记硬背。换小一点的模型，或早点停下。",
        )
    if right < 0.75:
        return Text(
            f"{shares} of the new points are right. That is about what straight lines can do: "
            "add a hidden layer, or train it for longer.",
            f"新的点答对 {shares}，与几条直线的水平差不多：加一个隐藏层，或者训练得久一些。",
        )
    return Text(
        f"{shares} of the new points are right. You are nearly there: more epochs, more hidden neurons, momentum or Adam.",
        f"新的点答对 {shares}。快了：多训练几个 epoch，多加些隐藏神经元，用动量或 Adam。",
    )


EXERCISES: tuple[Exercise, ...] = (
    Function(
        "12.1",
        Text("Training without a library", "不用库来训练"),
        solution=trained,
        arguments=_regression,
        hints=(
            Text(
                "The gradient of one sample is (y − t)x. With arrays, y = X @ w.",
                "一个样本的梯度是 (y − t)x。写成数组，y = X @ w。",
            ),
            Text("The mean of it over the samples is X.T @ (X @ w - t) / len(t).", "对样本求平均就是 X.T @ (X @ w - t) / len(t)。"),
            Text("In a loop: w = w - eta * X.T @ (X @ w - t) / len(t).", "循环里写：w = w - eta * X.T @ (X @ w - t) / len(t)。"),
        ),
        mistakes=(
            (trained_uphill, Text("It goes uphill: subtract η times the gradient.", "方向反了，损失会上升：应减去 η 乘梯度。")),
            (trained_without_mean, Text("The mean is missing: divide the gradient by n.", "缺少求平均：梯度要除以 n。")),
            (trained_twice_as_fast, Text("The steps are twice too long: the ½ cancels the 2.", "每步大了一倍：½ 与 2 约掉了。")),
            (
                trained_once,
                Text(
                    "It returns after the first step. Is `return` inside of the loop?",
                    "只走了一步就返回了。`return` 是不是写进了循环里？",
                ),
            ),
            (trained_too_long, Text("It makes one step too many.", "多走了一步。")),
        ),
    ),
    Gradient(
        "12.2",
        Text("Back through the hidden layer", "反向穿过隐藏层"),
        f=network_loss,
        arguments=_network(),
        hints=(
            Text("Begin at the logits: dL/dz = (σ(z) − t)/n, of shape (n,).", "从 logit 开始：dL/dz = (σ(z) − t)/n，形状是 (n,)。"),
            Text(
                "Each hidden neuron gets its share by its weight in v: dL/dH = dL/dz[:, None] * v, of shape (n, hidden).",
                "每个隐藏神经元按它在 v 中的权重分得一份：dL/dH = dL/dz[:, None] * v，形状是 (n, 隐藏数)。",
            ),
            Text("Through tanh: times 1 − H². Then X.T @ of it.", "穿过 tanh：乘以 1 − H²。最后左乘 X.T。"),
        ),
        solution=network_gradient,
        mistakes=(
            (
                network_gradient_without_slope,
                Text(
                    "The derivative of tanh is missing: times 1 − H², before the product with X.",
                    "缺少 tanh 的导数：与 X 相乘之前，先乘以 1 − H²。",
                ),
            ),
        ),
    ),
    Number(
        "12.3",
        Text("Single precision", "单精度"),
        right=lambda: int(np.float32(2**24) + np.float32(1)),
        hints=(
            Text("Single precision has 24 binary digits.", "单精度有 24 位二进制有效数字。"),
            Text("16777217 needs 25 of them. Run the line.", "16777217 需要 25 位。运行那一行试试。"),
        ),
        solution=Text(
            "16777216: the sum is rounded back. In double precision this happens at 2⁵³.",
            "16777216：和被舍入回去了。双精度要到 2⁵³ 才会这样。",
        ),
        mistakes=(
            (
                lambda: 2**24 + 1,
                Text(
                    "That is right in double precision. 25 binary digits do not fit into 24.",
                    "双精度下是这样。但 25 位二进制数放不进 24 位。",
                ),
            ),
        ),
    ),
    Function(
        "12.4",
        Text("Adam", "Adam 优化器"),
        solution=adam_step,
        arguments=_adam,
        hints=(
            Text("Write the formulas from top to bottom, a line of code for each.", "把公式从上到下逐个写成代码。"),
            Text(
                "Keep m and s as they are; m̂ and ŝ are new names for the corrected ones.",
                "m 和 s 保持原样；修正后的用新名字，如 m_hat、s_hat。",
            ),
            Text("theta - eta * m_hat / (np.sqrt(s_hat) + 1e-8), m, s.", "theta - eta * m_hat / (np.sqrt(s_hat) + 1e-8), m, s。"),
        ),
        mistakes=(
            (
                adam_uncorrected,
                Text(
                    "The correction is missing: divide m by 1 − 0.9ᵏ and s by 1 − 0.999ᵏ.",
                    "缺少修正：m 要除以 1 − 0.9ᵏ，s 要除以 1 − 0.999ᵏ。",
                ),
            ),
            (adam_without_root, Text("The root of ŝ is missing.", "缺少对 ŝ 开方。")),
            (
                adam_returning_corrected,
                Text(
                    "Return m and s themselves. The corrected ones are for this step only.",
                    "应返回 m 和 s 本身。修正后的值只用于这一步。",
                ),
            ),
            (adam_uphill, Text("It goes uphill: subtract.", "方向反了：应当相减。")),
            (
                adam_without_epsilon,
                Text(
                    "10⁻⁸ is missing. It keeps steps short where all gradients so far are tiny.",
                    "缺少 10⁻⁸。梯度一直极小时，它使步子不至于太大。",
                ),
            ),
            (
                adam_with_epsilon_in_the_root,
                Text("10⁻⁸ is added to the root, not under it.", "10⁻⁸ 加在根号外面，不在根号里面。"),
            ),
        ),
    ),
    Program(
        "12.5",
        Text("A project: three spirals", "小项目：三条螺线"),
        trial=try_learning,
        hints=(
            Text(
                "A hidden layer of 32 neurons with tanh, and three outputs, is enough.",
                "一个隐藏层，32 个 tanh 神经元，三个输出，就够了。",
            ),
            Text(
                "Train it as the digits of lesson 10: softmax_cross_entropy, SGD with momentum, batches of 32.",
                "像第 10 课的数字那样训练：softmax_cross_entropy，带动量的 SGD，每批 32 个样本。",
            ),
            Text(
                "150 epochs with lr=0.3 and momentum=0.9; predict is np.argmax(model(X).numpy(), axis=1).",
                "lr=0.3，momentum=0.9，训练 150 个 epoch；predict 就是 np.argmax(model(X).numpy(), axis=1)。",
            ),
        ),
        solution=learn,
    ),
)
