"""What a Hessian-vector product and a Jacobian-vector product cost, counted in gradients of the same function."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from benchmarks.race import Comparison, compared, times
from benchmarks.workload import OURS, Step
from benchmarks.workloads import mlp

GRADIENT = "its gradient"
GOALS = {"hvp": 5.0, "jvp": 4.0}

Function = Callable[[Any], Any]


def perceptron(parameters: Any) -> Any:
    """The perceptron of the race, with a loss that has a curvature: 2-16-16-1, tanh, mean squared error."""
    w1, w2, w3, b1, b2, b3 = parameters
    h1 = np.tanh(mlp.X @ w1 + b1)
    h2 = np.tanh(h1 @ w2 + b2)
    return np.mean((h2 @ w3 + b3 - mlp.T) ** 2)


def elementwise(x: Any) -> Any:
    """A large array, where only NumPy's own work counts."""
    return np.sum(np.exp(-(x**2)) * np.sin(x) + np.tanh(x) * x)


FUNCTIONS: dict[str, tuple[Function, Any]] = {
    "MLP on 100 points": (perceptron, mlp.PARAMETERS),
    "a million elements": (elementwise, np.random.default_rng(0).normal(size=1_000_000)),
}


def race(rounds: int) -> Iterator[Comparison]:
    """Each product beside the gradient, in turns."""
    for name, (f, x) in FUNCTIONS.items():
        gradient, products = steps(f, x)
        for product, step in products.items():
            figures = times({OURS: step, GRADIENT: gradient}, rounds)
            yield from compared(f"{product}, {name}", "seconds", figures, {GRADIENT: GOALS[product]})


def steps(f: Function, x: Any) -> tuple[Step, dict[str, Step]]:
    """The gradient, and the products in its direction."""
    import tinygrad_edu as tg

    gradient = tg.grad(f)
    direction = gradient(x)
    products = {"hvp": lambda: tg.hvp(f, x, direction), "jvp": lambda: tg.jvp(f, x, direction)}
    return lambda: gradient(x), products
