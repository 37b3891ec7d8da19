"""What `tg.grad` costs beside `backward()` of the same, and beside HIPS autograd: small functions, where only the way counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np

from benchmarks.race import Comparison, compared, times
from benchmarks.workload import MODULES, OURS, Step
from benchmarks.workloads import five_points, scalar_step

AUTOGRAD = "HIPS autograd"
BACKWARD = "backward()"
GOALS = {BACKWARD: 2.5, AUTOGRAD: 0.4}


def race(rounds: int) -> Iterator[Comparison]:
    """Each gradient beside the others of the same function, in turns."""
    for name, steps in races().items():
        yield from compared(name, "seconds", times(steps, rounds), GOALS)


def races() -> dict[str, dict[str, Step]]:
    """The contenders of each race."""
    import tinygrad_edu as tg

    x = tg.Value(2.0)

    def backward() -> Any:
        x.grad = None
        (x * 3.0).backward()
        return x.grad

    gradient = tg.grad(lambda x: x * 3.0)
    contenders: dict[str, dict[str, Step]] = {"grad of a product": {OURS: lambda: gradient(2.0), BACKWARD: backward}}
    if find_spec(MODULES[AUTOGRAD]):
        import autograd
        import autograd.numpy

        for name, function in {"scalar step": of_a_number, "five points": of_five_points}.items():
            for transform in ("grad", "value_and_grad"):
                ours, theirs = getattr(tg, transform)(function(np)), getattr(autograd, transform)(function(autograd.numpy))
                contenders[f"{transform}, {name}"] = {
                    OURS: lambda f=ours: f(scalar_step.THETA),
                    AUTOGRAD: lambda f=theirs: f(scalar_step.THETA),
                }
    return contenders


def of_a_number(xp: Any) -> Callable[[Any], Any]:
    return lambda theta: 0.5 * (scalar_step.T - theta * scalar_step.X) ** 2


def of_five_points(xp: Any) -> Callable[[Any], Any]:
    x, t = np.array(five_points.X), np.array(five_points.T)
    return lambda theta: xp.mean(0.5 * (t - theta * x) ** 2)
