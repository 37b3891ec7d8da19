"""micrograd's own demonstration: the perceptron on 100 points, every number a Value: 64,000 operations a step.

How often Python's garbage collector goes through the growing record decides here, so each contender has processes of its own; and
the same once more without the collector.
"""

import gc
from collections.abc import Callable
from itertools import chain
from typing import Any

import numpy as np

from benchmarks.workload import BY_HAND, OURS, Gradients, Step, Workload
from benchmarks.workloads import mlp

Layer = tuple[list[list[Any]], list[Any]]
"""A row of weights for each input, and the biases."""


def by_hand() -> Step:
    of_arrays = mlp.by_hand()
    return lambda: np.concatenate([np.ravel(gradient) for gradient in of_arrays()])


def with_tinygrad_edu() -> Step:
    from tinygrad_edu import Value

    return _step(Value, lambda x: Value(x, requires_grad=False), None)


def with_micrograd() -> Step:
    from micrograd.engine import Value

    return _step(Value, Value, 0)


def _step(parameter: Callable[[float], Any], constant: Callable[[float], Any], cleared: Any) -> Step:
    """The step, which both write alike. In micrograd everything is a parameter; `cleared` is a gradient that is none."""
    weights = [[[parameter(w) for w in row] for row in matrix.tolist()] for matrix in mlp.WEIGHTS]
    biases = [[parameter(b) for b in vector.tolist()] for vector in mlp.BIASES]
    points = [[constant(x) for x in point] for point in mlp.X.tolist()]
    parameters = [*chain.from_iterable(chain.from_iterable(weights)), *chain.from_iterable(biases)]
    layers = list(zip(weights, biases, strict=True))

    def step() -> Gradients:
        for p in parameters:
            p.grad = cleared
        losses = [(1 - t * _score(point, layers)).relu() for point, t in zip(points, mlp.T[:, 0].tolist(), strict=True)]
        loss = sum(losses) * (1 / len(losses))
        loss.backward()
        return [p.grad for p in parameters]

    return step


def _score(point: list[Any], layers: list[Layer]) -> Any:
    for number, (rows, biases) in enumerate(layers, 1):
        sums = [
            sum((x * w for x, w in zip(point, column, strict=True)), b)
            for column, b in zip(zip(*rows, strict=True), biases, strict=True)
        ]
        point = sums if number == len(layers) else [s.relu() for s in sums]
    return point[0]


def without_collector(prepare: Callable[[], Step]) -> Callable[[], Step]:
    """The same step while the collector is off."""

    def prepared() -> Step:
        step = prepare()

        def undisturbed() -> Gradients:
            gc.disable()
            try:
                return step()
            finally:
                gc.enable()

        return undisturbed

    return prepared


_CONTENDERS = {BY_HAND: by_hand, OURS: with_tinygrad_edu, "micrograd": with_micrograd}
WORKLOADS = (
    Workload("MLP of single numbers", _CONTENDERS, {"micrograd": 0.25}, is_fresh=True),
    Workload(
        "the same without collector",
        {name: without_collector(prepare) for name, prepare in _CONTENDERS.items()},
        {"micrograd": 0.75},
        is_fresh=True,
    ),
)
