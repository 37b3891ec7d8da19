"""The perceptron: one sample, then four, every pass by the numbers."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

import tinygrad_edu as tg
from demos.stage import BLUE, GREEN, GREY, RED, Stage, Text, shown

TITLE = Text("The perceptron", "感知机")
ORDER = 3

ONE_X, ONE_T = np.array([[1.5, -3.0]]), [1]
X, T = tg.data.four_points()


def run(stage: Stage) -> None:
    """Show the demo."""
    stage.say(
        "y = f(x·w + b) with f(z) = 1 where z > 0, else 0. The loss is −(t − y)(x·w + b), in which y counts as a constant, for the "
        "step's derivative is zero. So the gradients are −(t − y)x and −(t − y).",
        "y = f(x·w + b)，z > 0 时 f(z) = 1，否则为 0。损失是 −(t − y)(x·w + b)，其中 y 视为常数，因为阶跃函数的导数为零。"
        "所以梯度是 −(t − y)x 和 −(t − y)。",
    )
    one_sample(stage)
    four_samples(stage)


def one_sample(stage: Stage) -> None:
    """x = (1.5, −3), t = 1, η = 0.1."""
    stage.heading("One sample: x = (1.5, −3), t = 1, η = 0.1", "一个样本：x = (1.5, −3)，t = 1，η = 0.1")
    model = tg.models.Perceptron(learning_rate=0.1, init=([1.0, 1.0], 0.0)).fit(ONE_X, ONE_T)
    steps = model.history_.steps
    stage.table(
        [stage.text("pass", "次"), "logit", "y", "t − y", stage.text("w after", "更新后 w"), stage.text("b after", "更新后 b")],
        [
            [str(number), step.logits[0], step.outputs[0], step.errors[0], step.new_weights, step.new_bias]
            for number, step in enumerate(steps, 1)
        ],
        Text(
            "Pass 2: the slide prints the logit −0.274; it is 1.15·1.5 + 0.7·(−3) + 0.1 = −0.275.",
            "第 2 次：课件上 logit 印作 −0.274，应为 1.15·1.5 + 0.7·(−3) + 0.1 = −0.275。",
        ),
    )
    stage.agree("logits", [step.logits[0] for step in steps], [-1.5, -0.275, 0.95], 1e-12)
    stage.agree("w", [step.new_weights for step in steps], [[1.15, 0.7], [1.3, 0.4], [1.3, 0.4]], 1e-12)
    stage.agree("b", [step.new_bias for step in steps], [0.1, 0.2, 0.2], 1e-12)


def four_samples(stage: Stage) -> None:
    """All four at once, gradients summed, η = 0.25."""
    stage.heading("Four samples at once: gradients summed, η = 0.25", "四个样本一起：梯度求和，η = 0.25")
    model = tg.models.Perceptron(learning_rate=0.25, init=([1.0, 1.0], 0.0)).fit(X, T)
    steps = model.history_.steps
    step_name = stage.text("step", "步")
    stage.table(
        [step_name, "logits", "y", "t − y"],
        [[str(number), step.logits, step.outputs, step.errors] for number, step in enumerate(steps, 1)],
        Text(
            "The data: the fourth sample is (−1, 1.5), but (−1, 1) in the slide's formulas; only 1.5 gives the printed logit 0.5 "
            "and all later steps.\n"
            "Step 1: the first logit is 1·1 + 1·1 + 0 = 2; the slide prints 1.\n"
            "Steps 5 and 6: left blank on the slides.",
            "数据：第四个样本是 (−1, 1.5)，课件其后的公式里却是 (−1, 1)；只有 1.5 能得到印出的 logit 0.5 以及后面各步。\n"
            "第 1 步：第一个 logit 是 1·1 + 1·1 + 0 = 2，课件印作 1。\n"
            "第 5、6 步：课件留空。",
        ),
    )
    stage.table(
        [step_name, "grad_w", "grad_b", stage.text("w after", "更新后 w"), stage.text("b after", "更新后 b")],
        [
            [str(number), step.weights_gradient, step.bias_gradient, step.new_weights, step.new_bias]
            for number, step in enumerate(steps, 1)
        ],
        Text(
            "Step 4: the slide prints w after as (0.25, 0.75); it is (0, 0.5) − 0.25·(1, −1) = (−0.25, 0.75).",
            "第 4 步：课件上更新后的 w 印作 (0.25, 0.75)，应为 (0, 0.5) − 0.25·(1, −1) = (−0.25, 0.75)。",
        ),
    )
    stage.say(
        "A sample that lies on the line has the logit 0, so its output is 0: the second one at the start, the first two after "
        "step 3.",
        "恰好落在直线上的样本 logit 为 0，所以输出是 0：开始时的第二个样本，第 3 步之后的前两个样本。",
    )
    stage.agree(
        "logits",
        [step.logits for step in steps],
        [[2, 0, -1.5, 0.5], [1.5, 0.5, -1, 1], [0.75, 0.25, -0.875, 0.625], [0, 0, -0.75, 0.25], [0.25, 0.75, -0.375, 1.125],
         [-0.5, 0.5, -0.25, 0.75]],
        1e-12,
    )  # fmt: skip
    stage.agree("grad_w", [step.weights_gradient for step in steps], [[2, 0], [1, 1], [1, 1], [1, -1], [1, 1], [0, 0]], 1e-12)
    stage.agree("grad_b", [step.bias_gradient for step in steps], [0, 1, 1, -1, 1, 0], 1e-12)
    weights_after = [[0.5, 1], [0.25, 0.75], [0, 0.5], [-0.25, 0.75], [-0.5, 0.5], [-0.5, 0.5]]
    stage.agree("w", [step.new_weights for step in steps], weights_after, 1e-12)
    stage.agree("b", [step.new_bias for step in steps], [0, -0.25, -0.5, -0.25, -0.5, -0.5], 1e-12)
    picture(stage, model)


def picture(stage: Stage, model: tg.models.Perceptron) -> None:
    """The decision line at the start and after each step, in a row."""
    steps = model.history_.steps  # each knows the line before it; the last one, without mistakes, leaves it where it is
    figure = Figure(figsize=(13.5, 3.4), layout="constrained")
    for number, (axes, step) in enumerate(zip(figure.subplots(1, len(steps), sharey=True), steps, strict=True)):
        wrong = step.errors != 0
        decision_line(axes, step.weights, step.bias)
        for label, marker, colour in ((1, "^", BLUE), (0, "o", GREEN)):
            axes.plot(*X[label == T].T, marker, color=colour, markersize=8, label=f"t = {label}", zorder=3)
        axes.plot(
            *X[wrong].T,
            "o",
            markersize=16,
            fillstyle="none",
            color=RED,
            markeredgewidth=1.8,
            label=stage.label("wrong", "错误"),
            zorder=2,
        )
        when = stage.label(f"after step {number}", f"第 {number} 步之后") if number else stage.label("start", "开始")
        verdict = (
            stage.label(f"{step.mistakes} wrong", f"{step.mistakes} 个错误")
            if step.mistakes
            else stage.label("all right", "全部正确")
        )
        line = f"w = {shown(step.weights)}, b = {shown(step.bias)}".replace("-", "−")
        axes.set_title(f"{when}: {verdict}\n{line}", fontsize=9)
        axes.set(xlim=(-2, 2), ylim=(-1.6, 2.4), xlabel="$x_1$", aspect="equal")
    figure.axes[0].set_ylabel("$x_2$")
    handles, labels = figure.axes[0].get_legend_handles_labels()
    output = stage.label("output y = 1", "输出 y = 1")
    figure.legend([*handles, Patch(color=BLUE, alpha=0.12)], [*labels, output], loc="outside lower center", ncols=4)
    stage.save(figure, "perceptron")


def decision_line(axes: Axes, w: np.ndarray, b: float) -> None:
    """The side where the output is 1, shaded, up to the line x·w + b = 0."""
    x1, x2 = np.meshgrid(np.linspace(-2, 2, 200), np.linspace(-1.6, 2.4, 200))
    logits = w[0] * x1 + w[1] * x2 + b
    axes.contourf(x1, x2, logits, levels=[0, np.inf], colors=[BLUE], alpha=0.12)
    axes.contour(x1, x2, logits, levels=[0], colors=[GREY], linewidths=1.5)
