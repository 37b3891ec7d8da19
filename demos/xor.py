"""XOR: why one neuron cannot learn it (1958, 1969), and how back-propagation through a hidden layer does (1986)."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import tinygrad_edu as tg
from demos.stage import BLUE, GREEN, GREY, Stage, Text

TITLE = Text("XOR: one neuron, then a network", "异或：从一个神经元到网络")
ORDER = 20

X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
T = np.array([0, 1, 1, 0])
SHOWN = [0, 20, 35, 300]  # epochs after which the boundary is drawn


def run(stage: Stage) -> None:
    """Show the demo."""
    one_neuron(stage)
    network(stage)


def one_neuron(stage: Stage) -> None:
    """The perceptron, which can only draw a line."""
    stage.heading("One neuron (Rosenblatt, 1958)", "一个神经元（Rosenblatt，1958）")
    stage.say(
        "t = 1 where exactly one of x₁, x₂ is 1. A line would need b ≤ 0, w₁ + b > 0, w₂ + b > 0 and w₁ + w₂ + b ≤ 0. The two in "
        "the middle add up to w₁ + w₂ + 2b > 0; with the last one that gives b > 0, against the first. No line does it "
        "(Minsky & Papert, 1969), and the perceptron goes round in circles.",
        "x₁、x₂ 中恰好有一个为 1 时 t = 1。若有这样的直线，则 b ≤ 0，w₁ + b > 0，w₂ + b > 0，w₁ + w₂ + b ≤ 0。中间两式相加得 "
        "w₁ + w₂ + 2b > 0，再由最后一式得 b > 0，与第一式矛盾。没有这样的直线（Minsky & Papert，1969），感知机只会原地打转。",
    )
    model = tg.models.Perceptron(learning_rate=1.0, max_epochs=6, tol=0.9, shuffle=False, batch_size=1)
    for _ in range(model.max_epochs):
        model.partial_fit(X, T)
    steps = model.history_.steps
    ends = [steps[4 * epoch + 3] for epoch in range(model.max_epochs)]
    mistakes = [sum(step.mistakes for step in steps[4 * epoch : 4 * epoch + 4]) for epoch in range(model.max_epochs)]
    stage.table(
        [stage.text("pass", "遍"), "w", "b", stage.text("mistakes", "错误数")],
        [
            [str(number), end.new_weights, end.new_bias, str(count)]
            for number, (end, count) in enumerate(zip(ends, mistakes, strict=True), 1)
        ],
    )
    stage.agree(stage.text("passes without a mistake", "没有错误的遍数"), mistakes.count(0), 0, 0)
    w, b = np.meshgrid(np.arange(-2, 2.25, 0.25), np.arange(-2, 2.25, 0.25))
    right = max(np.mean((X @ [w1, w2] + b1 > 0) == T) for w1, w2 in zip(w.ravel(), w.T.ravel(), strict=True) for b1 in np.unique(b))
    stage.agree(stage.text("the best that any line on a grid does", "网格上所有直线的最好成绩"), right, 0.75, 0)


def network(stage: Stage) -> None:
    """Two inputs, four hidden neurons, one output: the boundary as it forms."""
    stage.heading("A hidden layer (Rumelhart, Hinton & Williams, 1986)", "加上一个隐藏层（Rumelhart、Hinton 与 Williams，1986）")
    module = tg.nn.Sequential(tg.nn.Linear(2, 4, rng=3), tg.nn.Tanh(), tg.nn.Linear(4, 1, rng=4))
    optimizer = tg.optim.SGD(module.parameters(), lr=0.5, momentum=0.9)
    stage.say(str(module), str(module))
    figure = Figure(figsize=(12, 3.4), layout="constrained")
    panels = dict(zip(SHOWN, figure.subplots(1, len(SHOWN), sharey=True), strict=True))
    rows = []
    for epoch in range(SHOWN[-1] + 1):
        logits = module(X)[:, 0]
        loss = tg.nn.binary_cross_entropy_with_logits(logits, T)
        if epoch in panels:
            rows.append([str(epoch), loss.item(), tg.sigmoid(logits.numpy()).round(3)])
            boundary(stage, panels[epoch], module, epoch, loss.item())
        optimizer.zero_grad()
        loss.backward()
        if epoch == 0:
            by_hand(stage, module)
        optimizer.step()
    stage.table([stage.text("epoch", "轮"), stage.text("loss", "损失"), "P(t = 1)"], rows)
    stage.agree(stage.text("P(t = 1) = t", "P(t = 1) = t"), tg.sigmoid(module(X)[:, 0].numpy()), T, 0.02)
    panels[0].set_ylabel("$x_2$")
    panels[0].legend(loc="upper left", fontsize=8)
    stage.save(figure, "xor")


def by_hand(stage: Stage, module: tg.nn.Sequential) -> None:
    """Back-propagation, written out once, against what `backward` found."""
    W, b, V, c = (parameter.numpy() for parameter in module.parameters())
    h = np.tanh(X @ W.T + b)
    d_z = (1 / (1 + np.exp(-(h @ V.T + c))) - T[:, None]) / 4
    d_a = (d_z @ V) * (1 - h**2)
    found = [parameter.grad for parameter in module.parameters()]
    for name, ours, theirs in zip(
        ["dL/dW", "dL/db", "dL/dV", "dL/dc"], found, [d_a.T @ X, d_a.sum(axis=0), d_z.T @ h, d_z.sum(axis=0)], strict=True
    ):
        stage.agree(stage.text(f"{name} = by hand", f"{name} = 手工推导"), ours, theirs, 1e-12)


def boundary(stage: Stage, axes: Axes, module: tg.nn.Sequential, epoch: int, loss: float) -> None:
    """The probability of t = 1 over the plane, and the line where it is ½."""
    x1, x2 = np.meshgrid(np.linspace(-0.5, 1.5, 120), np.linspace(-0.5, 1.5, 120))
    with tg.no_grad():
        logits = module(np.column_stack([x1.ravel(), x2.ravel()])).numpy()
    probability = tg.sigmoid(logits).reshape(x1.shape)
    axes.contourf(x1, x2, probability, levels=np.linspace(0, 1, 11), cmap="Blues", alpha=0.6)
    axes.contour(x1, x2, probability, levels=[0.5], colors=[GREY], linewidths=1.8)
    for label, marker, colour in ((1, "^", BLUE), (0, "o", GREEN)):
        axes.plot(*X[label == T].T, marker, color=colour, markeredgecolor="white", markersize=10, label=f"t = {label}")
    when = stage.label(f"after {epoch} epochs", f"{epoch} 轮之后") if epoch else stage.label("at the start", "开始时")
    axes.set_title(f"{when}\n" + stage.label(f"loss {loss:.3f}", f"损失 {loss:.3f}"), fontsize=10)
    axes.set(xlabel="$x_1$", aspect="equal")
