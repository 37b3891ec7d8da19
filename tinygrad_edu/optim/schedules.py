"""Schedules: learning rates that depend on how many steps there were.

A schedule is a function from that number to the learning rate, and goes where a learning rate does: `Adam(params, lr=schedule)`.
Nothing has to be called after a step, and nothing to be saved. Only `ReduceOnPlateau`, which looks at losses, is an object beside
the optimizer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np

from tinygrad_edu.engine.arguments import number, whole_number
from tinygrad_edu.engine.messages import shortened
from tinygrad_edu.errors import DataError

Schedule: TypeAlias = Callable[[Any], Any]
"""From the number of steps taken before to the learning rate."""


def rate_at(lr: float | Schedule, steps: Any) -> Any:
    """The learning rate after so many steps. It is a number of Python's, which does not make float32 float64."""
    rate = lr(steps) if callable(lr) else lr
    return rate.item() if isinstance(rate, np.generic | np.ndarray) else rate


@dataclass(frozen=True)
class StepDecay:
    """After every so many steps the learning rate is multiplied by a factor; PyTorch's StepLR.

    Parameters
    ----------
    lr: the learning rate at first, above 0.
    every: after how many steps, at least 1.
    factor: above 0.

    Raises
    ------
    DataError: if a number is out of range.

    >>> schedule = StepDecay(1.0, every=10, factor=0.5)
    >>> [schedule(steps) for steps in (0, 9, 10, 25)]
    [1.0, 1.0, 0.5, 0.25]
    """

    lr: float
    every: int
    factor: float = 0.1

    def __post_init__(self) -> None:
        number("lr", self.lr, above=0)
        whole_number("every", self.every, at_least=1)
        number("factor", self.factor, above=0)

    def __call__(self, steps: Any) -> Any:
        return self.lr * self.factor ** (steps // self.every)


@dataclass(frozen=True)
class CosineDecay:
    """Half a wave of the cosine, from the learning rate down to the least one, where it stays; PyTorch's CosineAnnealingLR.

    Parameters
    ----------
    lr: the learning rate at first, above 0.
    over: within how many steps, at least 1.
    least: the learning rate at the end.

    Raises
    ------
    DataError: if a number is out of range.

    >>> schedule = CosineDecay(1.0, over=100)
    >>> [round(float(schedule(steps)), 3) for steps in (0, 50, 100, 200)]
    [1.0, 0.5, 0.0, 0.0]
    """

    lr: float
    over: int
    least: float = 0.0

    def __post_init__(self) -> None:
        number("lr", self.lr, above=0)
        whole_number("over", self.over, at_least=1)
        number("least", self.least, at_least=0)

    def __call__(self, steps: Any) -> Any:
        return _eased(self.lr, self.least, np.minimum(steps / self.over, 1.0))


@dataclass(frozen=True)
class WarmUp:
    """In the first steps the learning rate grows evenly from a fraction of what follows; PyTorch's LinearLR.

    Parameters
    ----------
    then: the learning rate afterwards, or a schedule, whose steps begin when these end.
    over: within how many steps, at least 1.
    start: the fraction at the first step, in (0, 1].

    Raises
    ------
    DataError: if a number is out of range.

    >>> schedule = WarmUp(1.0, over=4, start=0.2)
    >>> [round(float(schedule(steps)), 3) for steps in (0, 1, 4, 5)]
    [0.2, 0.4, 1.0, 1.0]
    """

    then: float | Schedule
    over: int
    start: float = 1 / 3

    def __post_init__(self) -> None:
        if not callable(self.then):
            number("then", self.then, above=0)
        whole_number("over", self.over, at_least=1)
        number("start", self.start, above=0)
        if self.start > 1:
            raise DataError(f"start is a fraction of the learning rate, at most 1, but is {shortened(self.start)}.")

    def __call__(self, steps: Any) -> Any:
        factor = self.start + (1 - self.start) * np.minimum(steps / self.over, 1.0)
        return factor * rate_at(self.then, np.maximum(steps - self.over, 0))


@dataclass(frozen=True)
class OneCycle:
    """Up to the largest learning rate and down to almost none, each along half a wave of the cosine (Smith & Topin, 2018);
    PyTorch's OneCycleLR.

    Parameters
    ----------
    most: the largest learning rate, above 0.
    over: how many steps the cycle takes, at least 2. Afterwards the learning rate stays.
    rising: which share of them goes up, in (0, 1).
    start, end: the learning rate at the first step is `most / start`, and at the last one `most / start / end`.

    Raises
    ------
    DataError: if a number is out of range.

    >>> schedule = OneCycle(1.0, over=12, rising=0.5)
    >>> [round(float(schedule(steps)), 3) for steps in (0, 5, 8, 11)]
    [0.04, 1.0, 0.5, 0.0]
    """

    most: float
    over: int
    rising: float = 0.3
    start: float = 25.0
    end: float = 1e4

    def __post_init__(self) -> None:
        number("most", self.most, above=0)
        whole_number("over", self.over, at_least=2)
        number("rising", self.rising, above=0, below=1)
        number("start", self.start, above=0)
        number("end", self.end, above=0)

    def __call__(self, steps: Any) -> Any:
        first, top, last = self.most / self.start, self.rising * self.over - 1, self.over - 1
        up = _eased(first, self.most, steps / top) if top > 0 else self.most
        down = _eased(self.most, first / self.end, np.minimum((steps - top) / (last - top), 1.0))
        return np.where(steps <= top, up, down)


def _eased(first: float, last: float, share: Any) -> Any:
    """From the first number to the last one along half a wave of the cosine."""
    return last + (first - last) * 0.5 * (1 + np.cos(np.pi * share))


class HasGroups(Protocol):
    """What a plateau asks of an optimizer."""

    @property
    def groups(self) -> list[Any]: ...


class ReduceOnPlateau:
    """Multiplies the learning rates of an optimizer by a factor when a loss has not become better for a while; as in PyTorch.

    Parameters
    ----------
    optimizer: whose learning rates are numbers.
    factor: in (0, 1).
    patience: how many losses in a row may be no better.
    threshold: better is a loss below (1 - threshold) times the best one.
    cooldown: for how many losses it waits after a reduction.
    least: the learning rate is never made smaller than this.

    Raises
    ------
    DataError: if a number is out of range, or a learning rate is a schedule.

    >>> import tinygrad_edu as tg
    >>> optimizer = tg.optim.SGD([tg.Value(1.0)], lr=1.0)
    >>> plateau = tg.optim.ReduceOnPlateau(optimizer, factor=0.5, patience=1)
    >>> for loss in (3.0, 2.0, 2.0, 2.0):
    ...     plateau.step(loss)
    >>> optimizer.lr
    0.5
    """

    def __init__(
        self,
        optimizer: HasGroups,
        *,
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        cooldown: int = 0,
        least: float = 0.0,
    ) -> None:
        if not hasattr(optimizer, "groups"):
            raise DataError(f"ReduceOnPlateau takes an optimizer, but got {shortened(optimizer)}.")
        self._groups = optimizer.groups
        if any(callable(group.lr) for group in self._groups):
            raise DataError("the learning rate of this optimizer follows a schedule already; give it a number: lr=0.1.")
        self.factor = number("factor", factor, above=0, below=1)
        self.patience = whole_number("patience", patience, at_least=0)
        self.threshold = number("threshold", threshold, at_least=0, below=1)
        self.cooldown = whole_number("cooldown", cooldown, at_least=0)
        self.least = number("least", least, at_least=0)
        self._best, self._bad, self._cooling = float("inf"), 0, 0

    def step(self, loss: float) -> None:
        """Take notice of a loss: that of an epoch, say."""
        loss = float(loss)
        is_better = loss < self._best * (1 - self.threshold)
        self._best = loss if is_better else self._best
        self._bad = 0 if is_better or self._cooling else self._bad + 1
        self._cooling = max(self._cooling - 1, 0)
        if self._bad > self.patience:
            for group in self._groups:
                group.lr = max(group.lr * self.factor, self.least)
            self._bad, self._cooling = 0, self.cooldown

    def __call__(self, run: Any) -> None:
        """As a callback of `training.fit`: take notice of the loss of the epoch, on the held-out samples if there are any."""
        self.step(run.monitored)

    def state_dict(self) -> dict[str, Any]:
        """What it remembers. The learning rates are the optimizer's, and in its own `state_dict`."""
        return {"best": self._best, "bad": self._bad, "cooling": self._cooling}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there.

        Raises
        ------
        DataError: if it is none of a plateau.
        """
        try:
            self._best, self._bad, self._cooling = state["best"], state["bad"], state["cooling"]
        except (TypeError, KeyError):
            raise DataError(f"a state_dict of ReduceOnPlateau was expected, but got {shortened(state)}.") from None
