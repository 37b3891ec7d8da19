"""One weight: the gradient derived twice, the steps that run away, and why."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

import tinygrad_edu as tg
from demos.stage import BLUE, GREEN, GREY, ORANGE, RED, Stage, Text
from tinygrad_edu.errors import DivergenceError

TITLE = Text("Gradient descent on one weight, y = θx", "单个权重的梯度下降，y = θx")
ORDER = 1

X, T = 2.0, 8.0


def run(stage: Stage) -> None:
    """Show the demo."""
    two_derivations(stage)
    running_away(stage)
    parabola(stage)


def loss_of(theta: Any) -> Any:
    """L(θ) = ½ (t − θx)², of a number, an array or a Value."""
    return 0.5 * (T - theta * X) ** 2


def two_derivations(stage: Stage) -> None:
    """The chain rule, the expanded polynomial and autodiff, side by side."""
    stage.heading("Two derivations by hand, and autodiff", "两种手工推导，与自动微分")
    stage.say(
        "L(θ) = ½(t − y)², y = θx, x = 2, t = 8.\n"
        "Chain rule: dL/dθ = dL/d(t−y) · d(t−y)/dθ = (t − y)·(−x).\n"
        "Expanded:   L = ½x²θ² − txθ + ½t², so dL/dθ = x²θ − tx.",
        "L(θ) = ½(t − y)²，y = θx，x = 2，t = 8。\n"
        "链式法则：dL/dθ = dL/d(t−y) · d(t−y)/dθ = (t − y)·(−x)。\n"
        "先展开：  L = ½x²θ² − txθ + ½t²，所以 dL/dθ = x²θ − tx。",
    )
    rows = []
    for number in (3.0, 7.0, -5.0, 4.0):
        theta = tg.Value(number, name="theta")
        y = theta * X
        loss = 0.5 * (T - y) ** 2
        loss.backward()
        rows.append([number, y.item(), loss.item(), (T - y.item()) * -X, X**2 * number - T * X, theta.grad])
    stage.table(["θ", "y", "L", "(t − y)·(−x)", "x²θ − tx", stage.text("autodiff", "自动微分")], rows)
    _, _, _, chain_rule, expanded, autodiff = zip(*rows, strict=True)
    stage.agree(stage.text("autodiff = chain rule", "自动微分 = 链式法则"), autodiff, chain_rule, 0.0)
    stage.agree(stage.text("autodiff = expanded polynomial", "自动微分 = 展开式"), autodiff, expanded, 0.0)


def running_away(stage: Stage) -> None:
    """The lecture's three steps at η = 1."""
    stage.heading("η = 1 runs away", "η = 1 会发散")
    theta = tg.Value(3.0, name="theta")
    optimizer = tg.optim.SGD([theta], lr=1.0)
    rows = []
    for step in (1, 2, 3):
        before = theta.item()
        optimizer.zero_grad()
        loss = loss_of(theta)
        loss.backward()
        optimizer.step()
        rows.append([str(step), before, before * X, loss.item(), theta.grad, theta.item(), before - T / X, theta.item() - T / X])
    after = stage.text("after", "之后")
    stage.table([stage.text("step", "步"), "θ", "y", "L", "dL/dθ", "θ − η·dL/dθ", "θ − 4", f"θ − 4 {after}"], rows)
    stage.agree(
        stage.text("the lecture's numbers", "与课件的数一致"),
        [row[1:6] for row in rows],
        [[3, 6, 2, -4, 7], [7, 14, 18, 12, -5], [-5, -10, 162, -36, 31]],
        0.0,
    )
    stage.say(
        "The minimum is at θ* = t/x = 4. A step multiplies the distance θ − θ* by 1 − ηx² = 1 − 1·4 = −3, so it triples "
        "and changes sides: −1, 3, −9, 27. It shrinks exactly when 0 < η < 2/x² = 0.5, and vanishes in one step "
        "at η = 1/x² = 0.25.",
        "最小值在 θ* = t/x = 4。每一步把距离 θ − θ* 乘以 1 − ηx² = 1 − 1·4 = −3：变为三倍并换边，−1, 3, −9, 27。"
        "只有 0 < η < 2/x² = 0.5 时距离才会缩小；η = 1/x² = 0.25 时一步到位。",
    )
    try:
        tg.models.LinearRegression(learning_rate=1.0, fit_intercept=False, init=(3.0, 0.0)).fit([[X]], [T])
    except DivergenceError as error:
        stage.say(f"A model refuses to go on: {error}", f"模型会停下来并说明原因：{error}")
        what = stage.text("its largest stable η is 2/x²", "它给出的最大稳定 η 是 2/x²")
        stage.agree(what, error.largest_stable_learning_rate, 2 / X**2, 1e-12)
    else:
        stage.failures.append("the divergence was not noticed")


def parabola(stage: Stage) -> None:
    """The loss with the steps on it, at three learning rates."""
    stage.heading("The same parabola at three learning rates", "同一条抛物线，三种学习率")
    figure = Figure(figsize=(10.5, 3.8), layout="constrained")
    panels = figure.subplots(1, 3, sharey=True)
    start, step_count = 1.0, 6
    learning_rates = {
        0.52: (stage.label("diverges", "发散"), RED),
        0.03: (stage.label("slow", "太慢"), ORANGE),
        0.2: (stage.label("good", "合适"), GREEN),
    }
    for axes, (eta, (verdict, colour)) in zip(panels, learning_rates.items(), strict=True):
        thetas = descend(start, eta, step_count)
        curve = np.linspace(-0.6, 8.6, 300)
        axes.plot(curve, loss_of(curve), color=GREY, zorder=1)
        axes.plot(thetas, [loss_of(theta) for theta in thetas], "o-", color=colour, markersize=5, linewidth=1.2, zorder=2)
        axes.plot(start, loss_of(start), "o", color=BLUE, markersize=8, zorder=3)
        axes.annotate(
            stage.label("start", "起点"), (start, loss_of(start)), (-9, -4), textcoords="offset points", ha="right", color=BLUE
        )
        axes.axvline(T / X, color=GREY, linestyle=":", linewidth=1)
        axes.annotate("θ* = 4", (T / X, 10), xytext=(4, 0), textcoords="offset points", color=GREY)
        axes.set(xlabel="θ", xlim=(-0.9, 8.9), ylim=(-2, 44))
        factor = f"{1 - eta * X**2:.3g}".replace("-", "−")
        each = stage.label(f"error × {factor} at each step", f"每一步误差 × {factor}")
        axes.set_title(f"η = {eta}: {verdict}\n{each}")
    panels[0].set_ylabel(stage.label("loss ½(t − θx)²", "损失 ½(t − θx)²"))
    stage.save(figure, "gradient_descent")
    for eta in learning_rates:
        predicted = T / X + (start - T / X) * (1 - eta * X**2) ** step_count
        stage.agree(f"η = {eta}: θ₆ = θ* + (θ₀ − θ*)(1 − ηx²)⁶", descend(start, eta, step_count)[-1], predicted, 1e-12)


def descend(start: float, eta: float, step_count: int) -> list[float]:
    """The values of θ, the first one included."""
    theta = tg.Value(start)
    optimizer = tg.optim.SGD([theta], lr=eta)
    path = [start]
    for _ in range(step_count):
        optimizer.zero_grad()
        loss_of(theta).backward()
        optimizer.step()
        path.append(theta.item())
    return path
