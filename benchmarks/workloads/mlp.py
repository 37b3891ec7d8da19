"""A perceptron with two hidden layers, 2-16-16-1, rectified; mean hinge loss on 100 points of two interleaved half-circles.

micrograd is left out: its network is one of single numbers, which `network` compares.
"""

from itertools import pairwise
from typing import Any

import numpy as np

from benchmarks.workload import BY_HAND, OURS, Gradients, Step, Workload

SIZES = (2, 16, 16, 1)

_random = np.random.default_rng(0)
_angle = np.linspace(0, np.pi, 50)
_moons = [np.c_[np.cos(_angle), np.sin(_angle)], np.c_[1 - np.cos(_angle), 0.5 - np.sin(_angle)]]
X = np.concatenate(_moons) + 0.1 * _random.normal(size=(100, 2))
T = np.repeat([[1.0], [-1.0]], 50, axis=0)
WEIGHTS = [_random.normal(size=(rows, columns)) / np.sqrt(rows) for rows, columns in pairwise(SIZES)]
BIASES = [0.1 * _random.normal(size=columns) for columns in SIZES[1:]]
PARAMETERS = [*WEIGHTS, *BIASES]


def by_hand() -> Step:
    def step() -> Gradients:
        w1, w2, w3, b1, b2, b3 = PARAMETERS
        h1 = np.maximum(X @ w1 + b1, 0)
        h2 = np.maximum(h1 @ w2 + b2, 0)
        margins = 1 - T * (h2 @ w3 + b3)
        np.maximum(margins, 0).mean()
        d3 = np.where(margins > 0, -T / len(T), 0)
        d2 = np.where(h2 > 0, d3 @ w3.T, 0)
        d1 = np.where(h1 > 0, d2 @ w2.T, 0)
        return [X.T @ d1, h1.T @ d2, h2.T @ d3, d1.sum(axis=0), d2.sum(axis=0), d3.sum(axis=0)]

    return step


def with_tinygrad_edu() -> Step:
    from tinygrad_edu import Value

    x, t = Value(X, requires_grad=False), Value(T, requires_grad=False)
    parameters = [Value(p) for p in PARAMETERS]

    def step() -> Gradients:
        for p in parameters:
            p.grad = None
        w1, w2, w3, b1, b2, b3 = parameters
        h1 = (x @ w1 + b1).relu()
        h2 = (h1 @ w2 + b2).relu()
        loss = (1 - t * (h2 @ w3 + b3)).relu().mean()
        loss.backward()
        return [p.grad for p in parameters]

    return step


def with_pytorch() -> Step:
    import torch

    x, t = torch.tensor(X), torch.tensor(T)
    parameters = [torch.tensor(p, requires_grad=True) for p in PARAMETERS]

    def step() -> Gradients:
        for p in parameters:
            p.grad = None
        w1, w2, w3, b1, b2, b3 = parameters
        h1 = (x @ w1 + b1).relu()
        h2 = (h1 @ w2 + b2).relu()
        loss = (1 - t * (h2 @ w3 + b3)).relu().mean()
        loss.backward()
        return [p.grad for p in parameters]

    return step


def with_mygrad() -> Step:
    import mygrad as mg
    from mygrad.nnet import relu

    x, t = mg.tensor(X, constant=True), mg.tensor(T, constant=True)
    parameters = [mg.tensor(p) for p in PARAMETERS]

    def step() -> Gradients:
        for p in parameters:
            p.null_grad()
        w1, w2, w3, b1, b2, b3 = parameters
        h1 = relu(x @ w1 + b1)
        h2 = relu(h1 @ w2 + b2)
        loss = relu(1 - t * (h2 @ w3 + b3)).mean()
        loss.backward()
        return [p.grad for p in parameters]

    return step


def with_autograd() -> Step:
    import autograd
    import autograd.numpy as anp

    def hinge_loss(parameters: list[Any]) -> Any:
        w1, w2, w3, b1, b2, b3 = parameters
        h1 = anp.maximum(X @ w1 + b1, 0)
        h2 = anp.maximum(h1 @ w2 + b2, 0)
        return anp.mean(anp.maximum(1 - T * (h2 @ w3 + b3), 0))

    gradient = autograd.grad(hinge_loss)

    def step() -> Gradients:
        return gradient(PARAMETERS)

    return step


WORKLOAD = Workload(
    name="MLP on 100 points",
    contenders={
        BY_HAND: by_hand,
        OURS: with_tinygrad_edu,
        "PyTorch": with_pytorch,
        "MyGrad": with_mygrad,
        "HIPS autograd": with_autograd,
    },
    goals={BY_HAND: 2.0, "PyTorch": 0.8, "MyGrad": 0.3, "HIPS autograd": 0.3},
)
