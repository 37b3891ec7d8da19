"""Gradient descent with a step size of its own for every number, from the squares of its gradients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_edu.engine.arguments import number
from tinygrad_edu.optim.optimizer import Optimizer, zeros
from tinygrad_edu.optim.schedules import Schedule


@dataclass(eq=False)
class RMSprop(Optimizer):
    """The gradient divided by the root of a running mean of its square (Hinton's lectures, 2012), as in PyTorch.

    v ← α v + (1 - α) g², and the direction is g / (√v + eps); with momentum μ it is the velocity b ← μ b + g / (√v + eps).

    Parameters
    ----------
    params, lr, weight_decay, clip_norm, clip_value: see `Optimizer`.
    alpha: α, how much of the running mean is kept at each step; in [0, 1).
    eps: keeps the division finite where all gradients were zero.
    momentum: the share of the velocity that is kept at each step.

    Raises
    ------
    DataError, GradientError: as `Optimizer`.

    >>> import tinygrad_edu as tg
    >>> theta = tg.Value(3.0)
    >>> optimizer = tg.optim.RMSprop([theta], lr=0.5, alpha=0.75)
    >>> (1000.0 * theta).backward()
    >>> optimizer.step()
    >>> round(float(theta), 6)
    2.0
    """

    lr: float | Schedule = 1e-2
    alpha: float = 0.99
    eps: float = 1e-8
    momentum: float = 0.0

    def _check_settings(self) -> None:
        super()._check_settings()
        self.alpha = number("alpha", self.alpha, at_least=0, below=1)
        self.eps = number("eps", self.eps, at_least=0)
        self.momentum = number("momentum", self.momentum, at_least=0)

    def _start(self, parameter: Any) -> dict[str, Any]:
        velocity = {"velocity": zeros(parameter)} if self.momentum else {}
        return {"mean_square": zeros(parameter), **velocity}

    def _direction(self, gradient: Any, memory: Any, steps: Any) -> tuple[Any, dict[str, Any]]:
        mean_square = self.alpha * memory["mean_square"] + (1 - self.alpha) * gradient**2
        scaled = gradient / (np.sqrt(mean_square) + self.eps)
        if not self.momentum:
            return scaled, {"mean_square": mean_square}
        velocity = self.momentum * memory["velocity"] + scaled
        return velocity, {"mean_square": mean_square, "velocity": velocity}


@dataclass(eq=False)
class Adagrad(Optimizer):
    """The gradient divided by the root of the sum of all its squares so far (Duchi et al., 2011), as in PyTorch.

    Parameters
    ----------
    params, lr, weight_decay, clip_norm, clip_value: see `Optimizer`.
    lr_decay: after k steps the learning rate is lr / (1 + k · lr_decay).
    eps: keeps the division finite where all gradients were zero.

    Raises
    ------
    DataError, GradientError: as `Optimizer`.

    >>> import tinygrad_edu as tg
    >>> theta = tg.Value(3.0)
    >>> optimizer = tg.optim.Adagrad([theta], lr=0.5)
    >>> (1000.0 * theta).backward()
    >>> optimizer.step()
    >>> optimizer.step()
    >>> round(float(theta), 6)
    2.146447
    """

    lr: float | Schedule = 1e-2
    lr_decay: float = 0.0
    eps: float = 1e-10

    def _check_settings(self) -> None:
        super()._check_settings()
        self.lr_decay = number("lr_decay", self.lr_decay, at_least=0)
        self.eps = number("eps", self.eps, at_least=0)

    def _start(self, parameter: Any) -> dict[str, Any]:
        return {"squares": zeros(parameter)}

    def _direction(self, gradient: Any, memory: Any, steps: Any) -> tuple[Any, dict[str, Any]]:
        squares = memory["squares"] + gradient**2
        direction = gradient / (np.sqrt(squares) + self.eps)
        if self.lr_decay:
            direction = direction / (1 + (steps - 1) * self.lr_decay)
        return direction, {"squares": squares}
