"""Gradient descent on a formula: what descends as one vector, and its steps.

What is said of them is not known here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu.command_line.formulas import Formula

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Loss:
    """The formula as a function of one vector: the numbers of all that descends, one after the other.

    wrt: what descends, by names.
    """

    formula: Formula
    values: Mapping[str, Any]
    wrt: Sequence[str]

    @property
    def start(self) -> Array:
        """The vector to begin with."""
        return np.concatenate([np.ravel(self.values[name]) for name in self.wrt])

    def parts(self, vector: Any) -> dict[str, Any]:
        """What the vector holds, by names."""
        parts, begin = {}, 0
        for name in self.wrt:
            shape = np.shape(self.values[name])
            size = int(np.prod(shape))
            parts[name] = vector[begin : begin + size].reshape(shape) if shape else vector[begin]
            begin += size
        return parts

    def __call__(self, vector: Any) -> Any:
        return self.formula(*{**self.values, **self.parts(vector)}.values())


@dataclass(frozen=True)
class Moment:
    """A step: where it began, with the loss and its gradient there, and where it ended."""

    theta: Array
    loss: float
    gradient: Array
    after: Array

    @property
    def is_finite(self) -> bool:
        """Whether all of it are numbers, and no NaN or infinity among them."""
        return bool(np.isfinite(self.loss) and np.all(np.isfinite(self.gradient)) and np.all(np.isfinite(self.after)))


def descended(loss: Loss, rate: float, steps: int) -> list[Moment]:
    """The steps, up to the first that leads beyond all numbers."""
    moments: list[Moment] = []
    theta, slope = loss.start, tg.value_and_grad(loss)
    while len(moments) < steps and (not moments or moments[-1].is_finite):
        value, gradient = slope(theta)
        moments.append(Moment(theta, float(value), gradient, theta - rate * gradient))
        theta = moments[-1].after
    return moments
