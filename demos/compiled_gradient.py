"""The gradient as source: what one would derive by hand, what is generated, and how fast it is."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from rich.syntax import Syntax

import tinygrad_edu as tg
from demos.stage import BLUE, GREEN, GREY, Stage, Text

TITLE = Text("The gradient as NumPy source", "把梯度写成 NumPy 源代码")
ORDER = 6

NAMES = {"one sample": "一个样本", "five points": "五个点", "perceptron": "感知机", "logistic": "逻辑回归", "network": "神经网络"}


def squared(theta: Any, x: Any, t: Any) -> Any:
    """The lecture's loss."""
    return 0.5 * (t - theta * x) ** 2


def mean_squared(theta: Any, x: Any, t: Any) -> Any:
    """The same, averaged over a dataset."""
    return np.mean(0.5 * (t - theta * x) ** 2)


def perceptron(w: Any, b: Any, X: Any, t: Any) -> Any:
    """The perceptron criterion of a batch."""
    z = X @ w + b
    return -np.sum((t - tg.step(z)) * z)


def logistic(w: Any, X: Any, t: Any) -> Any:
    """The mean cross entropy of a logistic regression, for labels 0 and 1."""
    z = X @ w
    return np.mean(np.logaddexp(0.0, z) - t * z)


def network(params: Any, X: Any, t: Any) -> Any:
    """The mean squared error of a network with one hidden layer."""
    hidden = np.tanh(X @ params["W1"] + params["b1"])
    return np.mean((hidden @ params["W2"] - t) ** 2)


# The derivations by hand, as one would program them.


def squared_by_hand(theta: float, x: float, t: float) -> tuple[Any, Any]:
    """dL/dθ = −(t − θx)·x"""
    residual = t - theta * x
    return 0.5 * residual**2, -residual * x


def mean_squared_by_hand(theta: float, x: Any, t: Any) -> tuple[Any, Any]:
    """dL/dθ = −mean((t − θx)·x)"""
    residual = t - theta * x
    return 0.5 * np.mean(residual**2), -np.mean(residual * x)


def perceptron_by_hand(w: Any, b: Any, X: Any, t: Any) -> tuple[Any, Any]:
    """dL/dw = −(t − y)·X, for y = step(Xw + b) is a constant"""
    z = X @ w + b
    error = t - np.heaviside(z, 0)
    return -np.sum(error * z), -error @ X


def logistic_by_hand(w: Any, X: Any, t: Any) -> tuple[Any, Any]:
    """dL/dw = (σ(Xw) − t)·X / n"""
    z = X @ w
    return np.mean(np.logaddexp(0.0, z) - t * z), (np.exp(-np.logaddexp(0.0, -z)) - t) @ X / len(t)


def network_by_hand(params: Any, X: Any, t: Any) -> tuple[Any, Any]:
    """dL/dy = 2(y − t)/n; dL/dz = dL/dy W₂ᵀ ∘ (1 − h²); dL/dW₂ = hᵀ dL/dy; dL/dW₁ = Xᵀ dL/dz; dL/db₁ = Σ dL/dz"""
    hidden = np.tanh(X @ params["W1"] + params["b1"])
    residual = hidden @ params["W2"] - t
    d_output = 2 * residual / residual.size
    d_hidden = d_output @ params["W2"].T * (1 - hidden**2)
    gradients = {"W1": X.T @ d_hidden, "b1": d_hidden.sum(axis=0), "W2": hidden.T @ d_output}
    return np.mean(residual**2), gradients


def run(stage: Stage) -> None:
    """Show the demo."""
    rng = np.random.default_rng(0)
    five = np.array([1.0, 0.38, 1.2, 1.6, 0.8]), np.array([0.73, 0.22, 0.83, 1.28, 0.69])
    four = np.array([[1, 1], [-1, 1], [-1, -0.5], [-1, 1.5]]), np.array([0.0, 1.0, 0.0, 1.0])
    samples = rng.normal(size=(2000, 20))
    params = {"W1": rng.normal(size=(2, 16)), "b1": np.zeros(16), "W2": rng.normal(size=(16, 1))}
    cases: dict[str, tuple[Callable[..., Any], Callable[..., Any], tuple[Any, ...]]] = {
        "one sample": (squared, squared_by_hand, (3.0, 2.0, 8.0)),
        "five points": (mean_squared, mean_squared_by_hand, (3.0, *five)),
        "perceptron": (perceptron, perceptron_by_hand, (np.ones(2), 0.0, *four)),
        "logistic": (logistic, logistic_by_hand, (rng.normal(size=20), samples, (samples[:, 0] > 0).astype(float))),
        "network": (network, network_by_hand, (params, rng.normal(size=(100, 2)), rng.normal(size=(100, 1)))),
    }
    ratios = {}
    for name, (loss, by_hand, arguments) in cases.items():
        stage.heading(name, NAMES[name])
        eager = tg.value_and_grad(loss)
        compiled = tg.compile(eager)
        result = compiled(*arguments)
        stage.say(f"by hand: {by_hand.__doc__}", f"手算：{by_hand.__doc__}")
        program = "\n".join(compiled.source.strip().splitlines()[2:]).strip()
        stage.console.print(Syntax(program, "python", theme="ansi_light", background_color="default", word_wrap=True))
        stage.agree(stage.text("compiled = by hand", "编译结果 = 手算"), flat(result), flat(by_hand(*arguments)), 1e-12)
        stage.agree(stage.text("compiled = eager", "编译结果 = 即时计算"), flat(result), flat(eager(*arguments)), 1e-12)
        ratios[name] = race([by_hand, compiled, eager], arguments)
    stage.heading("The race, as multiples of the time by hand", "速度，以手写代码的时间为 1")
    stage.table(
        [stage.text("loss", "损失"), stage.text("compiled", "编译"), stage.text("eager", "即时")],
        [[stage.text(name, NAMES[name]), f"{compiled:.2f}", f"{eager:.1f}"] for name, (_, compiled, eager) in ratios.items()],
        Text("Medians; they vary with the machine.", "中位数，因机器而异。"),
    )
    picture(stage, ratios)


def flat(tree: Any) -> np.ndarray:
    """All numbers of a result, one after the other; those of a dict in the order of its keys."""
    if isinstance(tree, dict):
        tree = [tree[key] for key in sorted(tree)]
    return np.concatenate([flat(part) for part in tree]) if isinstance(tree, list | tuple) else np.ravel(tree)


def race(contenders: list[Callable[..., Any]], arguments: tuple[Any, ...]) -> list[float]:
    """The median time of each, as a multiple of that of the first; they run in turns."""
    times: list[list[float]] = [[] for _ in contenders]
    for _ in range(200):
        for contender, own in zip(contenders, times, strict=True):
            start = time.perf_counter()
            for _ in range(10):
                contender(*arguments)
            own.append(time.perf_counter() - start)
    medians = [statistics.median(own) for own in times]
    return [median / medians[0] for median in medians]


def picture(stage: Stage, ratios: dict[str, list[float]]) -> None:
    """The race: how far each is from the time by hand, on a scale of factors."""
    figure = Figure(figsize=(8.5, 3.6), layout="constrained")
    axes = figure.subplots()
    places = np.arange(len(ratios))
    contenders = (0.15, 2, stage.label("eager", "即时"), BLUE), (-0.15, 1, stage.label("compiled", "编译"), GREEN)
    for shift, position, label, colour in contenders:
        found = [ratio[position] for ratio in ratios.values()]
        axes.hlines(places + shift, 1.0, found, color=colour, linewidth=2, alpha=0.5)
        axes.plot(found, places + shift, "o", color=colour, label=label)
        for ratio, place in zip(found, places + shift, strict=True):
            side = (8, "left") if ratio >= 1 else (-8, "right")
            axes.annotate(
                f"{ratio:.2g}", (ratio, place), (side[0], 0), textcoords="offset points", ha=side[1], va="center", fontsize=9
            )
    by_hand = stage.label("by hand", "手写")
    axes.axvline(1.0, color=GREY, linestyle="--", linewidth=1.2, label=by_hand)
    low, high = (limit([ratio for own in ratios.values() for ratio in own]) for limit in (min, max))
    title = stage.label("loss and gradient: time as a multiple of that by hand", "损失与梯度：时间是手写代码的几倍")
    axes.set(xscale="log", xlim=(low / 1.6, high * 1.6), title=title)
    axes.xaxis.set_major_formatter("{x:g}×")
    axes.set_yticks(places, [stage.label(name, NAMES[name]) for name in ratios])
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    figure.legend(ncols=3, loc="outside lower center")
    stage.save(figure, "compiled_gradient")
