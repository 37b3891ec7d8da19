"""Handwritten digits: a multi-layer perceptron, and a network that looks through small windows (1989)."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import tinygrad_edu as tg
from demos.stage import Stage, Text

TITLE = Text("Handwritten digits: two networks", "手写数字：两个网络")
ORDER = 21

LEFT, RIGHT, UP, DOWN = (0, -1), (0, 1), (-1, 0), (1, 0)


class Windows(tg.nn.Module):
    """Two layers of convolution, which look at 3 × 3 points at a time, everywhere with the same weights (LeCun et al., 1989)."""

    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__()
        self.first = tg.nn.Conv2d(1, 16, 3, padding=1, rng=rng)
        self.second = tg.nn.Conv2d(16, 32, 3, padding=1, rng=rng)
        self.pool = tg.nn.MaxPool2d(2)
        self.dropout = tg.nn.Dropout(0.5, rng=rng)
        self.last = tg.nn.Linear(32 * 4 * 4, 10, rng=rng)

    def forward(self, x: Any) -> Any:
        """From pictures as rows of 64 numbers to a logit for each digit."""
        x = tg.relu(self.first(x.reshape(-1, 1, 8, 8)))
        x = self.pool(tg.relu(self.second(x)))
        return self.last(self.dropout(x.reshape(len(x), -1)))


def run(stage: Stage) -> None:
    """Show the demo."""
    (X, t), (X_held_out, t_held_out) = tg.data.split(*tg.data.digits(), held_out=1 / 3)
    sides = [moved(X, way) for way in (LEFT, RIGHT, UP, DOWN)]
    X, t = np.concatenate([X, *sides, *((X + side) / 2 for side in sides)]), np.tile(t, 9)
    stage.say(
        f"1797 pictures of 8 × 8 points, of which a third, {len(t_held_out)}, is held out. Each of the others is learned from nine "
        f"times: as it is, and moved by half a point and by a point to each side; these are {len(t)} samples.",
        f"1797 张 8 × 8 的图片，其中三分之一（{len(t_held_out)} 张）留作检验。其余每张学九次："
        f"原样一次，再向四个方向各平移半个像素和一个像素，共 {len(t)} 个样本。",
    )
    perceptron = tg.models.MLPClassifier((128,), optimizer=slowing_down(20, t), batch_size=64, max_epochs=20, tol=0)
    windows = tg.models.NeuralNetClassifier(
        Windows(np.random.default_rng(1)), optimizer=slowing_down(5, t), batch_size=64, max_epochs=5, tol=0
    )
    rows = []
    for name, model in [
        (stage.text("multi-layer perceptron", "多层感知机"), perceptron),
        (stage.text("convolution", "卷积网络"), windows),
    ]:
        with stage.console.status(name):
            model.fit(X, t)
        count = sum(parameter.size for parameter in model.module_.parameters())
        rows.append([name, str(count), str(model.max_epochs), model.losses_[-1], f"{model.score(X_held_out, t_held_out):.2%}"])
    stage.table(
        [
            stage.text("network", "网络"),
            stage.text("parameters", "参数"),
            stage.text("epochs", "轮数"),
            stage.text("loss", "损失"),
            stage.text("right, of those held out", "检验集上正确"),
        ],
        rows,
    )
    for (name, *_), model, least in zip(rows, (perceptron, windows), (0.975, 0.985), strict=True):
        stage.reaches(f"{name}: {least:.1%}", model.score(X_held_out, t_held_out), least)
    picture(stage, windows, X_held_out, t_held_out)


def moved(X: np.ndarray, way: tuple[int, int]) -> np.ndarray:
    """The pictures moved by one point; what comes in from the side is white."""
    down, right = way
    framed = np.pad(X.reshape(-1, 8, 8), ((0, 0), (1, 1), (1, 1)))
    return framed[:, 1 - down : 9 - down, 1 - right : 9 - right].reshape(len(X), 64)


def slowing_down(epochs: int, t: np.ndarray) -> tg.optim.Optimizer:
    """Adam, whose steps become shorter up to the end of so many epochs."""
    steps = epochs * -(-len(t) // 64)
    return tg.optim.Adam(lr=tg.optim.CosineDecay(3e-3, over=steps))


def picture(stage: Stage, model: tg.models.NeuralNetClassifier, X: np.ndarray, t: np.ndarray) -> None:
    """What was taken for what, and the pictures that were hardest."""
    figure = Figure(figsize=(11, 4.6), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=[1, 1.25])
    probabilities = model.predict_proba(X)
    confusion(stage, left.subplots(), t, probabilities.argmax(axis=1))
    right.suptitle(stage.label("the hardest: what it is → what was said", "最难的：实际 → 网络的回答"), fontsize=11)
    hardest = np.argsort(probabilities[np.arange(len(t)), t])[:15]
    for axes, sample in zip(right.subplots(3, 5).flat, hardest, strict=True):
        axes.imshow(X[sample].reshape(8, 8), cmap="Greys")
        answer = probabilities[sample].argmax()
        axes.set_title(f"{t[sample]} → {answer}  ({probabilities[sample, answer]:.0%})", fontsize=9)
        axes.set_axis_off()
    stage.save(figure, "digits")


def confusion(stage: Stage, axes: Axes, t: np.ndarray, answers: np.ndarray) -> None:
    """How often each digit was taken for each."""
    counts = np.zeros((10, 10), int)
    np.add.at(counts, (t, answers), 1)
    axes.imshow(np.sqrt(counts), cmap="Blues")
    for row, column in zip(*np.nonzero(counts), strict=True):
        axes.text(column, row, str(counts[row, column]), ha="center", va="center", color="white" if row == column else "black")
    axes.set(
        xticks=range(10),
        yticks=range(10),
        xlabel=stage.label("what was said", "网络的回答"),
        ylabel=stage.label("what it is", "实际的数字"),
        title=stage.label(f"{np.sum(t != answers)} of {len(t)} wrong", f"{len(t)} 个中错 {np.sum(t != answers)} 个"),
    )
    axes.grid(visible=False)
