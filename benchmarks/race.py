"""The race: every contender's gradient is checked, then all are timed in turns, round after round.

On a busy machine a round is slow or fast for everybody. So contenders are compared within a round, and the median of these ratios
over all rounds is what counts.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from time import perf_counter

import numpy as np

from benchmarks import fresh
from benchmarks.workload import BY_HAND, OURS, Step, Workload

TURN_SECONDS = 0.004  # short, so that all contenders of a round see the same machine


class DisagreementError(Exception):
    """A contender computes another gradient than NumPy by hand."""


@dataclass(frozen=True)
class Comparison:
    """One row of the table: what tinygrad_edu took, what the other took, their ratio, and how large it should be at most."""

    workload: str
    measure: str
    other: str
    ours: float
    theirs: float
    ratio: float
    goal: float | None

    @property
    def reached(self) -> bool | None:
        return None if self.goal is None else self.ratio <= self.goal


def race(workload: Workload, rounds: int) -> list[Comparison]:
    """Time the installed contenders of a workload and compare ours with each of the others."""
    steps = {name: prepare() for name, prepare in workload.installed().items()}
    limit_threads()
    check_agreement(workload.name, steps)
    measured = fresh.times(workload, rounds) if workload.is_fresh else times(steps, rounds)
    return compared(workload.name, "seconds", measured, workload.goals)


def limit_threads() -> None:
    """One thread for PyTorch, too, if a contender has loaded it: it may count threads by itself."""
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)


def check_agreement(workload: str, steps: Mapping[str, Step]) -> None:
    """Two steps of each contender, since the second one shows whether the gradients were cleared."""
    expected = steps[BY_HAND]()
    for name, step in steps.items():
        for gradients in (step(), step()):
            for gradient, right in zip(gradients, expected, strict=True):
                rtol, atol = (1e-4, 1e-7) if np.asarray(right).dtype == np.float32 else (1e-9, 1e-12)
                if not np.allclose(np.asarray(gradient), right, rtol=rtol, atol=atol):
                    raise DisagreementError(f"{workload}: {name} computes {gradient}, NumPy by hand computes {right}")


def times(steps: Mapping[str, Step], rounds: int) -> dict[str, list[float]]:
    """Seconds that one step of each contender takes, in every round."""
    repeats = {name: max(1, int(TURN_SECONDS / seconds_of(step, 1))) for name, step in steps.items()}
    figures: dict[str, list[float]] = {name: [] for name in steps}
    gc.collect()
    gc.freeze()  # what the imports left behind need not be searched before every turn
    try:
        for _ in range(rounds):
            for name, step in steps.items():
                gc.collect()  # or a framework that leaves cycles behind would have them cleared away in the next one's turn
                figures[name].append(seconds_of(step, repeats[name]))
    finally:
        gc.unfreeze()
    return figures


def seconds_of(step: Step, repeats: int) -> float:
    """Seconds a step, with the garbage collector on, as it is when a user trains."""
    start = perf_counter()
    for _ in range(repeats):
        step()
    return (perf_counter() - start) / repeats


def compared(workload: str, measure: str, figures: Mapping[str, list[float]], goals: Mapping[str, float]) -> list[Comparison]:
    """Our figures, one a round, beside those of each of the others."""
    ours = figures[OURS]
    return [
        Comparison(
            workload=workload,
            measure=measure,
            other=name,
            ours=median(ours),
            theirs=median(theirs),
            ratio=median(our / their for our, their in zip(ours, theirs, strict=True)),
            goal=goals.get(name),
        )
        for name, theirs in figures.items()
        if name != OURS
    ]
