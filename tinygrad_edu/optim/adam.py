"""Gradient descent with a step size of its own for every number, from means of its gradients and of their squares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_edu.engine.arguments import number
from tinygrad_edu.engine.messages import shortened
from tinygrad_edu.errors import DataError
from tinygrad_edu.optim.optimizer import Optimizer, zeros


@dataclass(eq=False)
class Adam(Optimizer):
    """Adam (Kingma & Ba, 2015, algorithm 1), as in PyTorch.

    Running means of the gradient, m ← β₁ m + (1 - β₁) g, and of its square, v ← β₂ v + (1 - β₂) g², both starting from zero
    and after k steps divided by 1 - βᵏ to make up for that. The direction is m / (√v + eps).

    Parameters
    ----------
    params, lr, weight_decay, clip_norm, clip_value: see `Optimizer`; lr is about how far each number moves in a step.
    betas: (β₁, β₂), how much of the running means is kept at each step; both in [0, 1).
    eps: keeps the division finite where all gradients were zero.

    Raises
    ------
    DataError, GradientError: as `Optimizer`.

    The first step is as long as the learning rate, however large the gradient.

    >>> import tinygrad_edu as tg
    >>> theta = tg.Value(3.0)
    >>> optimizer = tg.optim.Adam([theta], lr=0.5)
    >>> (1000.0 * theta).backward()
    >>> optimizer.step()
    >>> round(float(theta), 6)
    2.5
    """

    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8

    def _check_settings(self) -> None:
        super()._check_settings()
        if not isinstance(self.betas, tuple | list) or len(self.betas) != 2:
            raise DataError(f"betas must be two numbers, (β₁, β₂), but is {shortened(self.betas)}.")
        beta1, beta2 = self.betas
        self.betas = number("betas[0]", beta1, at_least=0, below=1), number("betas[1]", beta2, at_least=0, below=1)
        self.eps = number("eps", self.eps, at_least=0)

    def _start(self, parameter: Any) -> dict[str, Any]:
        return {"mean": zeros(parameter), "mean_square": zeros(parameter)}

    def _direction(self, gradient: Any, memory: Any, steps: Any) -> tuple[Any, dict[str, Any]]:
        beta1, beta2 = self.betas
        mean = beta1 * memory["mean"] + (1 - beta1) * gradient
        mean_square = beta2 * memory["mean_square"] + (1 - beta2) * gradient**2
        scale = np.sqrt(mean_square) / (1 - beta2**steps) ** 0.5 + self.eps
        return mean / (1 - beta1**steps) / scale, {"mean": mean, "mean_square": mean_square}


@dataclass(eq=False)
class AdamW(Adam):
    """Adam, with a weight decay that is apart from the gradient and its means (Loshchilov & Hutter, 2019), as in PyTorch.

    The direction is that of Adam, plus `weight_decay * parameter`.

    Parameters
    ----------
    params, lr, betas, eps, clip_norm, clip_value: see `Adam`.
    weight_decay: which share of a parameter goes in each step, times the learning rate.

    Raises
    ------
    DataError, GradientError: as `Optimizer`.

    >>> import tinygrad_edu as tg
    >>> theta = tg.Value(3.0)
    >>> optimizer = tg.optim.AdamW([theta], lr=0.5, weight_decay=0.1)
    >>> (1000.0 * theta).backward()
    >>> optimizer.step()
    >>> round(float(theta), 6)
    2.35
    """

    weight_decay: float = 1e-2

    def _step_of_one(self, parameter: Any, gradient: Any, memory: Any, steps: Any, lr: Any) -> tuple[Any, Any]:
        direction, memory = self._direction(gradient, memory, steps)
        return parameter - lr * (direction + self.weight_decay * parameter), memory
