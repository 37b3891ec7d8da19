"""Beyond one device: the same programs, compiled by JAX, with the batch spread over four devices."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from rich.syntax import Syntax

import tinygrad_edu as tg
from demos.stage import BLUE, GREEN, ORANGE, RED, Stage, Text, missing_extra

try:
    import jax
    from jax.sharding import Mesh, NamedSharding, PartitionSpec
except ImportError as error:
    raise missing_extra(error) from error

TITLE = Text("Four devices, one gradient", "四个设备，同一个梯度")
ORDER = 7

DEVICES = 4
# The lecture's five points. Each device gets two places; those that are left over count nothing.
X = np.array([1.0, 0.38, 1.2, 1.6, 0.8, 0.0, 0.0, 0.0])
T = np.array([0.73, 0.22, 0.83, 1.28, 0.69, 0.0, 0.0, 0.0])
COUNTS = np.array([1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0])


def regression(theta: Any, x: Any, t: Any, counts: Any) -> Any:
    """The mean of ½(t − θx)² over the samples that count."""
    return np.sum(counts * 0.5 * (t - theta * x) ** 2) / np.sum(counts)


def network(params: Any, points: Any, labels: Any) -> Any:
    """The mean cross entropy of a network with two hidden layers, for labels 0 and 1."""
    z = logits(params, points)
    return np.mean(np.logaddexp(0.0, z) - labels * z)


def logits(params: Any, points: Any) -> Any:
    """What the network says of each point; positive is label 1."""
    hidden = points
    for weights, bias in params[:-1]:
        hidden = np.tanh(hidden @ weights + bias)
    weights, bias = params[-1]
    return (hidden @ weights + bias)[:, 0]


def descend(params: Any, points: Any, labels: Any, learning_rate: float) -> Any:
    """One step of gradient descent: the loss before it, and the new parameters."""
    loss, gradient = tg.value_and_grad(network)(params, points, labels)
    moved = [
        (weights - learning_rate * d_weights, bias - learning_rate * d_bias)
        for (weights, bias), (d_weights, d_bias) in zip(params, gradient, strict=True)
    ]
    return loss, moved


def run(stage: Stage) -> None:
    """Show the demo."""
    spread = devices(stage)
    lecture(stage, spread)
    points, labels, params = rings()
    gradients_agree(stage, spread, params, points, labels)
    losses, trained = train(stage, spread, params, points, labels)
    picture(stage, points, labels, losses, trained)


def devices(stage: Stage) -> NamedSharding:
    """How an array is spread over the devices: along its first axis."""
    jax.config.update("jax_enable_x64", True)
    if jax.config.jax_num_cpu_devices != DEVICES:
        jax.config.update("jax_num_cpu_devices", DEVICES)
    mesh = Mesh(np.array(jax.devices("cpu")[:DEVICES]), ("batch",))
    stage.say(
        f"JAX is told to act as if this machine were {mesh.size} devices. They share its cores, so nothing gets faster here; on "
        "graphics cards the same lines would.",
        f"让 JAX 把这台机器当作 {mesh.size} 个设备。它们共用同样的核心，所以这里不会更快；在多块显卡上，同样的代码会更快。",
    )
    return NamedSharding(mesh, PartitionSpec("batch"))


def lecture(stage: Stage, spread: NamedSharding) -> None:
    """The lecture's five points, two to a device."""
    stage.heading("The lecture's regression", "课上的回归")
    step = tg.compile(tg.value_and_grad(regression), target="jax")
    loss, slope = step(0.5, *(jax.device_put(data, spread) for data in (X, T, COUNTS)))
    stage.console.print(Syntax(step.source.strip(), "python", theme="ansi_light", background_color="default", word_wrap=True))
    real = COUNTS == 1
    x, t = X[real], T[real]
    stage.agree(stage.text("loss at θ = 0.5 = by hand", "θ = 0.5 时的损失 = 手算"), loss, np.mean(0.5 * (t - 0.5 * x) ** 2), 1e-12)
    stage.agree(stage.text("gradient = −mean((t − θx)·x)", "梯度 = −mean((t − θx)·x)"), slope, -np.mean((t - 0.5 * x) * x), 1e-12)
    theta = 0.5
    for _ in range(60):
        theta -= 0.9 * float(step(theta, *(jax.device_put(data, spread) for data in (X, T, COUNTS)))[1])
    stage.agree(stage.text("θ after 60 steps = Σxt / Σx²", "60 步之后的 θ = Σxt / Σx²"), theta, (x @ t) / (x @ x), 1e-12)


def rings() -> tuple[np.ndarray, np.ndarray, list[Any]]:
    """A disc inside of a ring, which no line can tell apart, and a network to learn it."""
    rng = np.random.default_rng(0)
    labels = np.repeat([0.0, 1.0], 1000)
    radius, angle = labels * 1.3 + rng.uniform(0, 1, 2000), rng.uniform(0, 2 * np.pi, 2000)
    points = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    order = rng.permutation(2000)
    sizes = [(2, 16), (16, 16), (16, 1)]
    params = [(rng.normal(size=size) / np.sqrt(size[0]), np.zeros(size[1])) for size in sizes]
    return points[order], labels[order], params


def gradients_agree(stage: Stage, spread: NamedSharding, params: Any, points: np.ndarray, labels: np.ndarray) -> None:
    """The gradient by four devices, by one, and without JAX."""
    stage.heading("A network on 2000 points", "一个网络，2000 个点")
    step = tg.compile(tg.value_and_grad(network), target="jax")
    on_four = [jax.device_put(data, spread) for data in (points, labels)]
    pieces = [[str(shard.device), shard.data.shape] for shard in on_four[0].addressable_shards]
    stage.table([stage.text("device", "设备"), stage.text("its part of X", "分到的 X")], pieces)
    by_four, by_one = numbers(step(params, *on_four)), numbers(step(params, points, labels))
    stage.agree(stage.text("loss, gradient: 4 devices = 1 device", "损失、梯度：4 个设备 = 1 个设备"), by_four, by_one, 1e-12)
    eager = numbers(tg.value_and_grad(network)(params, points, labels))
    stage.agree(stage.text("loss, gradient: 4 devices = NumPy", "损失、梯度：4 个设备 = NumPy"), by_four, eager, 1e-12)


def train(stage: Stage, spread: NamedSharding, params: Any, points: np.ndarray, labels: np.ndarray) -> tuple[Any, Any]:
    """The same training on four devices and without JAX; the losses of both, and the trained parameters."""
    contenders = {
        "4 devices": (tg.compile(descend, target="jax"), [jax.device_put(data, spread) for data in (points, labels)]),
        "NumPy": (tg.compile(descend), [points, labels]),
    }
    losses: dict[str, list[float]] = {}
    trained: dict[str, Any] = {}
    for name, (step, data) in contenders.items():
        now, losses[name] = params, []
        for _ in range(300):
            loss, now = step(now, *data, 1.0)
            losses[name].append(float(loss))
        trained[name] = now
    stage.agree(stage.text("300 steps, losses: 4 devices = NumPy", "300 步的损失：4 个设备 = NumPy"), *losses.values(), 1e-9)
    right = np.mean((logits(trained["NumPy"], points) > 0) == labels)
    stage.say(f"{right:.1%} of the points are on the right side.", f"{right:.1%} 的点分对了。")
    return losses, trained["NumPy"]


def numbers(tree: Any) -> np.ndarray:
    """All numbers of a result, one after the other."""
    return np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(tree)])


def picture(stage: Stage, points: np.ndarray, labels: np.ndarray, losses: dict[str, list[float]], params: Any) -> None:
    """Which device has which points, what was learned from all of them, and the losses."""
    figure = Figure(figsize=(9, 3.9), layout="constrained")
    left, right = figure.subplots(1, 2)
    for device, (part, colour) in enumerate(zip(np.split(points, DEVICES), (BLUE, ORANGE, GREEN, RED), strict=True)):
        left.plot(*part.T, ".", color=colour, markersize=2.5, label=stage.label(f"device {device}", f"设备 {device}"))
    grid = np.stack(np.meshgrid(*[np.linspace(-2.4, 2.4, 120)] * 2), axis=-1)
    decision = logits(params, grid.reshape(-1, 2)).reshape(120, 120)
    left.contour(grid[..., 0], grid[..., 1], decision, levels=[0.0], colors="black", linewidths=1.5)
    left.set(title=stage.label("each device has a quarter of the points", "每个设备有四分之一的点"), aspect="equal")
    figure.legend(loc="outside lower left", markerscale=4, ncols=DEVICES, columnspacing=1.2, handletextpad=0.1)
    right.plot(losses["NumPy"], color=BLUE, linewidth=4, alpha=0.35, label="NumPy")
    right.plot(losses["4 devices"], color=RED, linewidth=1.2, label=stage.label("JAX, 4 devices", "JAX，4 个设备"))
    right.set(title=stage.label("loss: the same", "损失：相同"), xlabel=stage.label("step", "步"), yscale="log")
    right.legend()
    stage.save(figure, "scale_out")
