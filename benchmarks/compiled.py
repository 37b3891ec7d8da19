"""What a compiled step costs, beside the derivation by hand and the same function compiled by JAX.

Every loss is written once, for NumPy and tinygrad_edu as `xp` and `nn`, or for those of JAX; the gradient by hand is as an expert
would program it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np

from benchmarks.race import Comparison, race
from benchmarks.workload import BY_HAND, JAX, OURS, Gradients, Step, Workload
from benchmarks.workloads import five_points, mixture, mlp

Loss = Callable[..., Any]
CALLS = 100
"""So often is the scalar step called in a row, since one of its calls is about as short as a turn around the loop."""


def scalar(xp: ModuleType, nn: ModuleType, theta: Any, x: Any, t: Any) -> Any:
    """The lecture's loss."""
    return 0.5 * (t - theta * x) ** 2


def scalar_by_hand(theta: float, x: float, t: float) -> tuple[float, Gradients]:
    residual = t - theta * x
    return 0.5 * residual**2, (-residual * x,)


def mean(xp: ModuleType, nn: ModuleType, theta: Any, x: Any, t: Any) -> Any:
    """The same over a dataset."""
    return xp.mean(0.5 * (t - theta * x) ** 2)


def perceptron(xp: ModuleType, nn: ModuleType, w1: Any, w2: Any, w3: Any, b1: Any, b2: Any, b3: Any, x: Any, t: Any) -> Any:
    """2-16-16-1, rectified, mean hinge loss."""
    h1 = nn.relu(x @ w1 + b1)
    h2 = nn.relu(h1 @ w2 + b2)
    return xp.mean(nn.relu(1.0 - t * (h2 @ w3 + b3)))


def digits(xp: ModuleType, nn: ModuleType, w1: Any, b1: Any, w2: Any, b2: Any, x: Any, one_hot: Any) -> Any:
    """784-128-10, rectified, softmax cross entropy."""
    return -xp.mean(xp.sum(one_hot * nn.log_softmax(nn.relu(x @ w1 + b1) @ w2 + b2), axis=1))


def digits_by_hand(w1: Any, b1: Any, w2: Any, b2: Any, x: Any, one_hot: Any) -> tuple[Any, Gradients]:
    h = np.maximum(x @ w1 + b1, 0)
    z = h @ w2 + b2
    z -= z.max(axis=1, keepdims=True)
    e = np.exp(z)
    total = e.sum(axis=1, keepdims=True)
    loss = -np.mean(np.sum(one_hot * (z - np.log(total)), axis=1))
    d_z = (e / total - one_hot) / np.float32(len(x))
    d_h = d_z @ w2.T * (h > 0)
    return loss, (x.T @ d_h, d_h.sum(axis=0), h.T @ d_z, d_z.sum(axis=0))


def logistic(xp: ModuleType, nn: ModuleType, w: Any, b: Any, x: Any, t: Any) -> Any:
    """The mean cross entropy for labels 0 and 1."""
    z = x @ w + b
    return xp.mean(nn.softplus(z) - t * z)


def logistic_by_hand(w: Any, b: Any, x: Any, t: Any) -> tuple[Any, Gradients]:
    z = x @ w + b
    d_z = (1 / (1 + np.exp(-z)) - t) / len(t)
    return np.mean(np.logaddexp(z, 0.0) - t * z), (x.T @ d_z, d_z.sum())


def elementwise(xp: ModuleType, nn: ModuleType, z: Any) -> Any:
    """Σ tanh(z / (1 + e⁻ᶻ)): nothing but NumPy's own work on long arrays."""
    return xp.sum(xp.tanh(z / (1 + xp.exp(-z))))


def elementwise_by_hand(z: Any) -> tuple[Any, Gradients]:
    e = np.exp(-z)
    q = z / (1 + e)
    out = np.tanh(q)
    d_q = (1 - out**2) / (1 + e)
    return out.sum(), (d_q + d_q * q * e,)


def recurrence(xp: ModuleType, nn: ModuleType, w: Any, x: Any) -> Any:
    """A hundred steps h ← tanh(w h + x), of which compiling has to make a loop."""
    h = x
    for _ in range(100):
        h = xp.tanh(w @ h + x)
    return xp.sum(h)


def recurrence_by_hand(w: Any, x: Any) -> tuple[Any, Gradients]:
    h = [x]
    for _ in range(100):
        h.append(np.tanh(w @ h[-1] + x))
    d_w, d_h, d_x = np.zeros_like(w), np.ones_like(x), np.zeros_like(x)
    for before, after in zip(h[-2::-1], h[:0:-1], strict=True):
        d_a = d_h * (1 - after**2)
        d_w += np.outer(d_a, before)
        d_x += d_a
        d_h = d_a @ w
    return h[-1].sum(), (d_w, d_x + d_h)


def workload(
    name: str,
    loss: Loss,
    by_hand: Callable[[], Step],
    of: int,
    inputs: tuple[Any, ...],
    goals: Mapping[str, float],
    calls: int = 1,
    target: str = "numpy",
) -> Workload:
    """The gradient of a loss for the first of its inputs, `of` so many."""
    argnums = tuple(range(of))

    def with_tinygrad_edu() -> Step:
        import tinygrad_edu as tg

        compiled = tg.compile(tg.value_and_grad(partial(loss, np, tg), argnums), target)
        if target == "numpy":
            return repeated(compiled, inputs, calls)
        jax = jax_in_double_precision()
        return repeated(lambda *inputs: jax.block_until_ready(compiled(*inputs)), jax.device_put(inputs))

    def with_jax() -> Step:
        jax = jax_in_double_precision()
        compiled = jax.jit(jax.value_and_grad(partial(loss, jax.numpy, jax.nn), argnums))
        on_device = jax.device_put(inputs) if calls == 1 else inputs  # numbers are passed as they are
        return repeated(lambda *inputs: jax.block_until_ready(compiled(*inputs)), on_device, calls)

    kind = "compiled" if target == "numpy" else f"target={target!r}"
    return Workload(f"{kind}: {name}", {BY_HAND: by_hand, OURS: with_tinygrad_edu, JAX: with_jax}, goals)


def jax_in_double_precision() -> Any:
    """The package, set to compute as NumPy does."""
    import jax

    jax.config.update("jax_enable_x64", True)
    return jax


def repeated(step: Callable[..., tuple[Any, Gradients]], inputs: tuple[Any, ...], calls: int = 1) -> Step:
    """The step called in a row."""

    def several() -> Gradients:
        for _ in range(calls):
            _, gradients = step(*inputs)
        return gradients

    return several


def workloads() -> Iterator[Workload]:
    """All of them, with their data."""
    rng = np.random.default_rng(0)

    sample = 3.0, 2.0, 8.0
    by_hand = partial(repeated, scalar_by_hand, sample, CALLS)
    yield workload(f"scalar step, {CALLS} times", scalar, by_hand, 1, sample, {BY_HAND: 2.5, JAX: 0.15}, CALLS)

    five = five_points.THETA, np.array(five_points.X), np.array(five_points.T)
    yield workload("five points", mean, five_points.by_hand, 1, five, {BY_HAND: 1.3, JAX: 0.8})

    moons = (*mlp.PARAMETERS, mlp.X, mlp.T)
    yield workload("MLP on 100 points", perceptron, mlp.by_hand, 6, moons, {BY_HAND: 1.0, JAX: 1.0})

    layers = [0.05 * rng.normal(size=size) for size in ((784, 128), (128,), (128, 10), (10,))]
    batch = rng.normal(size=(128, 784)), np.eye(10)[rng.integers(0, 10, 128)]
    single = tuple(array.astype(np.float32) for array in (*layers, *batch))
    yield workload("MLP 784-128-10, float32", digits, partial(repeated, digits_by_hand, single), 4, single, {BY_HAND: 1.05})

    features = rng.normal(size=(20_000, 50))
    samples = 0.1 * rng.normal(size=50), 0.1, features, (features[:, 0] > 0).astype(float)
    by_hand = partial(repeated, logistic_by_hand, samples)
    yield workload("logistic, 20000 × 50", logistic, by_hand, 2, samples, {BY_HAND: 0.8, JAX: 0.9})

    long = (rng.normal(size=1_000_000),)
    by_hand = partial(repeated, elementwise_by_hand, long)
    yield workload("a million doubles", elementwise, by_hand, 1, long, {BY_HAND: 0.7})
    yield workload("a million doubles", elementwise, by_hand, 1, long, {JAX: 1.05}, target="jax")

    yield mixture_of_gaussians()


def mixture_of_gaussians() -> Workload:
    """The mixture, compiled, beside PyTorch."""

    def with_tinygrad_edu() -> Step:
        import tinygrad_edu as tg

        compiled = tg.compile(tg.value_and_grad(partial(mixture.log_posterior, np, tg), (0, 1, 2)))
        return repeated(compiled, (*mixture.PARAMETERS, mixture.X))

    contenders = {BY_HAND: mixture.by_hand, OURS: with_tinygrad_edu, "PyTorch": mixture.with_pytorch}
    return Workload("compiled: mixture of Gaussians", contenders, {"PyTorch": 1.0})


def compiling() -> Workload:
    """The recurrence, compiled by JAX anew in each step: as the program that we write, and as it stands."""
    inputs = np.full((5, 5), 0.1), np.linspace(-1, 1, 5)

    def with_tinygrad_edu() -> Step:
        import tinygrad_edu as tg

        jax = jax_in_double_precision()
        gradient = tg.value_and_grad(partial(recurrence, np, tg), (0, 1))
        return lambda: jax.block_until_ready(tg.compile(gradient, target="jax")(*inputs))[1]

    def with_jax() -> Step:
        jax = jax_in_double_precision()

        def step() -> Gradients:
            gradient = jax.value_and_grad(partial(recurrence, jax.numpy, jax.nn), (0, 1))
            return jax.block_until_ready(jax.jit(gradient)(*inputs))[1]

        return step

    by_hand = partial(repeated, recurrence_by_hand, inputs)
    return Workload("target='jax': compiling 100 steps", {BY_HAND: by_hand, OURS: with_tinygrad_edu, JAX: with_jax}, {JAX: 1.5})


def races(rounds: int) -> Iterator[Comparison]:
    """Each of them, raced."""
    for each in workloads():
        yield from race(each, rounds)
    yield from race(compiling(), max(1, rounds // 20))
