"""An epoch of the handwritten digits, 64-64-10, rectified, softmax cross entropy, batches of 32, Adam: eager beside PyTorch with
its DataLoader, and as one compiled program beside NumPy by hand.

Every epoch begins with the same weights and goes through the same batches, so that all contenders end with the same weights.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.race import Comparison, race
from benchmarks.workload import BY_HAND, OURS, Gradients, Step, Workload

SIZE = 32
LR = 1e-3


def data() -> tuple[Any, Any]:
    from sklearn.datasets import load_digits

    X, t = load_digits(return_X_y=True)
    return X / 16, t


def start() -> list[Any]:
    """W1, b1, W2, b2, each matrix of shape (out, in)."""
    rng = np.random.default_rng(0)
    shapes = ((64, 64), (64,), (10, 64), (10,))
    return [rng.uniform(-1 / 8, 1 / 8, shape) for shape in shapes]


def by_hand() -> Step:
    X, t = data()

    def step() -> Gradients:
        parameters = start()
        means, squares = [np.zeros_like(p) for p in parameters], [np.zeros_like(p) for p in parameters]
        for number, first in enumerate(range(0, len(X), SIZE), 1):
            x, classes = X[first : first + SIZE], t[first : first + SIZE]
            rows = np.arange(len(x))
            W1, b1, W2, b2 = parameters
            h = np.maximum(x @ W1.T + b1, 0)
            z = h @ W2.T + b2
            e = np.exp(z - z.max(axis=1, keepdims=True))
            p = e / e.sum(axis=1, keepdims=True)
            -np.log(p[rows, classes]).mean()
            p[rows, classes] -= 1
            p /= len(x)
            d_h = (p @ W2) * (h > 0)
            gradients = [d_h.T @ x, d_h.sum(axis=0), p.T @ h, p.sum(axis=0)]
            for place, gradient in enumerate(gradients):
                means[place] = 0.9 * means[place] + 0.1 * gradient
                squares[place] = 0.999 * squares[place] + 0.001 * gradient**2
                scale = np.sqrt(squares[place] / (1 - 0.999**number)) + 1e-8
                parameters[place] = parameters[place] - LR * (means[place] / (1 - 0.9**number)) / scale
        return parameters

    return step


def _module() -> Any:
    import tinygrad_edu as tg

    return tg.nn.Sequential(tg.nn.Linear(64, 64), tg.nn.ReLU(), tg.nn.Linear(64, 10))


def _begin(module: Any) -> None:
    for parameter, array in zip(module.parameters(), start(), strict=True):
        parameter.data = array


def eager() -> Step:
    import tinygrad_edu as tg

    module, (X, t) = _module(), data()

    def step() -> Gradients:
        _begin(module)
        optimizer = tg.optim.Adam(module.parameters(), lr=LR)
        for x, classes in tg.data.batches(X, t, batch_size=SIZE, shuffle=False):
            optimizer.zero_grad()
            loss = tg.nn.softmax_cross_entropy(module(x), classes)
            loss.backward()
            optimizer.step()
        return [parameter.numpy() for parameter in module.parameters()]

    return step


def compiled() -> Step:
    import tinygrad_edu as tg
    from tinygrad_edu.training.steps import CompiledStep

    module, (X, t) = _module(), data()
    optimizer = tg.optim.Adam(module.parameters(), lr=LR)
    fresh = optimizer.state_dict()
    batch_step = CompiledStep(module, tg.nn.softmax_cross_entropy, optimizer)

    def step() -> Gradients:
        _begin(module)
        optimizer.load_state_dict(fresh)
        batch_step.take()
        for batch in tg.data.batches(X, t, batch_size=SIZE, shuffle=False):
            batch_step(batch)
        batch_step.put_back()
        return [parameter.numpy() for parameter in module.parameters()]

    return step


def with_pytorch() -> Step:
    import torch

    X, t = data()
    module = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10)).double()
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.tensor(X), torch.tensor(t)), batch_size=SIZE)

    def step() -> Gradients:
        with torch.no_grad():
            for parameter, array in zip(module.parameters(), start(), strict=True):
                parameter.copy_(torch.tensor(array))
        optimizer = torch.optim.Adam(module.parameters(), lr=LR)
        for x, classes in loader:
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(module(x), classes)
            loss.backward()
            optimizer.step()
        return [parameter.detach().numpy() for parameter in module.parameters()]

    return step


def races(rounds: int) -> Iterator[Comparison]:
    """Both comparisons."""
    name = "an epoch of the digits MLP"
    yield from race(Workload(name, {BY_HAND: by_hand, OURS: eager, "PyTorch": with_pytorch}, {"PyTorch": 0.7}), rounds)
    yield from race(Workload(f"compiled: {name}", {BY_HAND: by_hand, OURS: compiled}, {BY_HAND: 1.1}), rounds)
