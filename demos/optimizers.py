"""Optimizers: their ways over two valleys, Rosenbrock's and Beale's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import tinygrad_edu as tg
from demos.stage import BLUE, GREEN, ORANGE, RED, Stage, Text

TITLE = Text("Optimizers: ways to the lowest point", "优化器：通往最低点的路")
ORDER = 22

STEPS = 3000


def rosenbrock(p: Any) -> Any:
    """A bent valley, flat along its ground; the lowest point is (1, 1) (Rosenbrock, 1960)."""
    return (1 - p[0]) ** 2 + 100 * (p[1] - p[0] ** 2) ** 2


def beale(p: Any) -> Any:
    """Flat far out and steep in the corners; the lowest point is (3, ½) (Beale, 1958)."""
    x, y = p[0], p[1]
    return (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2


def optimizers(stage: Stage, rate: float) -> dict[str, tuple[tg.optim.Optimizer, str]]:
    """Four of them by name, each with its colour. The plain ones go as fast as the valley lets them."""
    return {
        "SGD": (tg.optim.SGD(lr=rate), RED),
        stage.label("SGD, momentum", "SGD，动量"): (tg.optim.SGD(lr=rate, momentum=0.9), ORANGE),
        "RMSprop": (tg.optim.RMSprop(lr=0.01), GREEN),
        "Adam": (tg.optim.Adam(lr=0.05), BLUE),
    }


def run(stage: Stage) -> None:
    """Show the demo."""
    stage.say(
        "Each optimizer starts at the same point and makes the same number of steps with the exact gradient. What differs is the "
        "direction: the gradient itself; a velocity that remembers earlier gradients; the gradient over its own size.",
        "每个优化器从同一点出发，用精确的梯度走同样多步。不同的是方向：梯度本身；记住以往梯度的速度；除以自身大小的梯度。",
    )
    figure = Figure(figsize=(12, 4.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    valley(stage, left, "Rosenbrock", rosenbrock, start=[-1.2, 1.0], lowest=[1.0, 1.0], rate=5e-4, reach=((-1.8, 1.8), (-0.6, 2.2)))
    valley(stage, right, "Beale", beale, start=[1.0, 1.4], lowest=[3.0, 0.5], rate=2e-3, reach=((0.2, 3.6), (-0.6, 1.7)))
    left.legend(loc="lower left", fontsize=8, frameon=True)
    stage.save(figure, "optimizers")


def valley(
    stage: Stage,
    axes: Axes,
    name: str,
    f: Callable[[Any], Any],
    *,
    start: list[float],
    lowest: list[float],
    rate: float,
    reach: tuple[tuple[float, float], tuple[float, float]],
) -> None:
    """All ways over one function, as a table and as a picture."""
    stage.heading(name, name)
    gradient = tg.compile(tg.grad(f))
    x, y = np.meshgrid(*(np.linspace(*bounds, 200) for bounds in reach))
    heights = f([x, y])
    axes.contour(x, y, np.log10(heights + 1e-3), levels=24, cmap="Greys", linewidths=0.7, alpha=0.8)
    rows = []
    for width, (label, (optimizer, colour)) in zip([4.0, 3.0, 2.2, 1.3], optimizers(stage, rate).items(), strict=True):
        path = way(optimizer, gradient, np.array(start))
        near = np.linalg.norm(path - lowest, axis=1) < 0.05
        rows.append([label, path[-1], float(f(path[-1])), str(int(np.argmax(near))) if near.any() else "–"])
        axes.plot(*path.T, color=colour, linewidth=width, label=label)
        axes.plot(*path[-1], "o", color=colour, markersize=5)
    axes.plot(*lowest, "*", color="black", markersize=13)
    axes.set(title=name, xlim=reach[0], ylim=reach[1])
    axes.grid(visible=False)
    stage.table(
        [
            "",
            stage.text(f"after {STEPS} steps", f"{STEPS} 步之后"),
            "f",
            stage.text("steps to within 0.05", "进入 0.05 以内的步数"),
        ],
        rows,
    )
    stage.agree(stage.text("Adam is at the lowest point", "Adam 到达最低点"), rows[-1][1], lowest, 1e-3)
    stage.agree(stage.text("the gradient there is 0", "那里的梯度为 0"), gradient(np.array(lowest)), [0.0, 0.0], 1e-12)


def way(optimizer: tg.optim.Optimizer, gradient: Callable[[Any], Any], start: np.ndarray) -> np.ndarray:
    """The points of a run, of shape (steps + 1, 2)."""
    point, state = start, optimizer.init(start)
    points = [point]
    for _ in range(STEPS):
        point, state = optimizer.update(point, gradient(point), state)
        points.append(point)
    return np.array(points)
