"""The five points: all of them at once, one at a time, a few at a time."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

import tinygrad_edu as tg
from demos.stage import BLUE, GREEN, ORANGE, Stage, Text

TITLE = Text("Linear regression on the five points", "五个点上的线性回归")
ORDER = 2

COLUMN, T = tg.data.five_points()
X = COLUMN[:, 0]
EPOCHS = 30
BATCHES = {"full batch": (None, BLUE), "mini-batch of 2": (2, GREEN), "SGD": (1, ORANGE)}

NAMES = {"full batch": "全批量", "mini-batch of 2": "小批量（2）", "SGD": "随机梯度下降"}


def run(stage: Stage) -> None:
    """Show the demo."""
    closed_form = np.sum(X * T) / np.sum(X**2)
    stage.heading("Steps and epochs", "step 与 epoch")
    stage.say(
        "The model is y = θx, the loss the mean of ½(t − y)². A step computes one gradient and updates θ once; an epoch has "
        "passed when every sample was used once. So five samples make one step an epoch in a full batch, three in batches of "
        "two, five in SGD.",
        "模型 y = θx，损失是 ½(t − y)² 的平均。计算一次梯度并更新一次 θ 叫一个 step；每个样本都用过一次叫一个 epoch。"
        "所以五个样本：全批量每个 epoch 一步，每批两个时三步，SGD 时五步。",
    )
    models = {
        name: tg.models.LinearRegression(
            learning_rate=0.3, max_epochs=EPOCHS, batch_size=size, fit_intercept=False, init=(0.0, 0.0), tol=0.0
        ).fit(COLUMN, T)
        for name, (size, _) in BATCHES.items()
    }
    stage.table(
        [stage.text("batch", "批"), stage.text("steps an epoch", "每 epoch 步数"), stage.text("steps", "总步数"), "θ", "θ − θ*"],
        [
            [stage.text(name, NAMES[name]), str(steps // EPOCHS), str(steps), theta, theta - closed_form]
            for name, steps, theta in ((name, model.history_.step_count, model.coef_[0]) for name, model in models.items())
        ],
        Text(
            f"θ* = Σxt / Σx² = {closed_form:.10f}. With one sample at a time θ keeps moving about it: each pulls to its t/x.",
            f"θ* = Σxt / Σx² = {closed_form:.10f}。每次只用一个样本时，θ 在 θ* 附近来回，因为每个样本都把它拉向自己的 t/x。",
        ),
    )
    full = models["full batch"]
    rate = 1 - full.learning_rate * np.mean(X**2)
    stage.agree(
        stage.text("full batch: θ − θ* = −θ*(1 − η·mean x²)^steps", "全批量：θ − θ* = −θ*(1 − η·mean x²)^步数"),
        full.coef_[0] - closed_form, -closed_form * rate**EPOCHS, 1e-12,
    )  # fmt: skip
    to_the_end = tg.models.LinearRegression(learning_rate=1.0, fit_intercept=False, tol=1e-13).fit(COLUMN, T)
    stage.agree(stage.text("fitted to the end: θ = Σxt / Σx²", "训练到底：θ = Σxt / Σx²"), to_the_end.coef_[0], closed_form, 1e-12)
    stage.agree(
        stage.text("largest stable η = 2 / mean x²", "最大稳定 η = 2 / mean x²"),
        full.largest_stable_learning_rate(COLUMN), 2 / np.mean(X**2), 1e-12,
    )  # fmt: skip
    picture(stage, models, closed_form)


def picture(stage: Stage, models: dict[str, tg.models.LinearRegression], closed_form: float) -> None:
    """The loss of all five points in each epoch, and the fitted line."""
    figure = Figure(figsize=(10.5, 3.8), layout="constrained")
    curves, line = figure.subplots(1, 2)
    smallest = mean_loss(closed_form)
    for name, model in models.items():
        excess = np.array([mean_loss(theta) - smallest for theta in model.history_.weights[1:, 0]])
        curves.semilogy(
            range(1, EPOCHS + 1),
            excess.reshape(EPOCHS, -1).mean(axis=1),
            ".-",
            color=BATCHES[name][1],
            label=stage.label(name, NAMES[name]),
        )
    curves.set(
        title=stage.label("loss of all five points, averaged over each epoch", "五个点的损失，每个 epoch 内的平均"),
        xlabel="epoch",
        ylabel=stage.label("mean loss − its minimum", "平均损失 − 最小值"),
    )
    curves.legend()
    line.plot(X, T, "o", color=BLUE, markersize=8, label=stage.label("the five points", "五个点"), zorder=3)
    reach = np.array([0.0, 1.75])
    line.plot(reach, closed_form * reach, color=GREEN, label=f"y = {closed_form:.4f}·x", linewidth=2)
    for x, t in zip(X, T, strict=True):
        line.plot([x, x], [t, closed_form * x], color=ORANGE, linewidth=2.5, zorder=1)
    line.set(
        title=stage.label("the fitted line, and what it misses", "拟合的直线与误差"),
        xlabel="x",
        ylabel="t",
        xlim=(0, 1.75),
        ylim=(0, 1.4),
    )
    line.legend(loc="upper left")
    stage.save(figure, "linear_regression")


def mean_loss(theta: float) -> float:
    """The mean of ½(t − θx)² over the five points."""
    return float(tg.nn.half_squared_error(theta * X, T))
