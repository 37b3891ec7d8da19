"""Gradients of functions that read an array: a row at a time, one element of it, all of it at once.

What a framework copies, and how often it makes an array of the full size, decides here, and so does what the allocator makes of it:
each contender has a process of its own.
"""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from benchmarks.workload import BY_HAND, OURS, Gradients, Step, Workload

_rng = np.random.default_rng(0)


def rows(xp: ModuleType, a: Any) -> Any:
    """The sum of all squares, a row at a time."""
    total = 0.0
    for i in range(len(a)):
        total = total + xp.sum(a[i] ** 2)
    return total


def rows_by_hand(a: Any) -> Any:
    d_a = np.empty_like(a)
    for i in range(len(a)):
        np.sum(a[i] ** 2)
        np.multiply(a[i], 2, out=d_a[i])
    return d_a


def element(xp: ModuleType, a: Any) -> Any:
    """One element of many."""
    return a[0]


def element_by_hand(a: Any) -> Any:
    d_a = np.zeros_like(a)
    d_a[0] = 1
    return d_a


def sum_of_logarithms(xp: ModuleType, a: Any) -> Any:
    return xp.sum(xp.log(a))


def sum_of_logarithms_by_hand(a: Any) -> Any:
    np.sum(np.log(a))
    return 1 / a


def workload(name: str, f: Callable[..., Any], by_hand: Callable[[Any], Any], a: Any, goal: float) -> Workload:
    """The gradient of a function of one array."""

    def repeated(gradient: Callable[[Any], Any]) -> Step:
        def step() -> Gradients:
            return [gradient(a)]

        return step

    def with_tinygrad_edu() -> Step:
        import tinygrad_edu as tg

        return repeated(tg.grad(lambda a: f(np, a)))

    def with_autograd() -> Step:
        import autograd
        import autograd.numpy as anp

        return repeated(autograd.grad(lambda a: f(anp, a)))

    contenders = {BY_HAND: lambda: repeated(by_hand), OURS: with_tinygrad_edu, "HIPS autograd": with_autograd}
    return Workload(name, contenders, {"HIPS autograd": goal}, is_fresh=True)


WORKLOADS = (
    workload("1000 rows of 1000", rows, rows_by_hand, _rng.normal(size=(1000, 1000)), 1.0),
    workload("one of 400000", element, element_by_hand, _rng.normal(size=400_000), 1.2),
    workload("Σ log, 40000", sum_of_logarithms, sum_of_logarithms_by_hand, _rng.uniform(0.5, 2.0, 40_000), 1.2),
)
