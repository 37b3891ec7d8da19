"""Gradient descent with a step size of its own for every number."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from tinygrad_edu.engine.arguments import number
from tinygrad_edu.engine.messages import shortened
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import DataError
from tinygrad_edu.optim.optimizer import Optimizer


class Adam(Optimizer):
    """Adam (Kingma & Ba, 2015, algorithm 1), as in PyTorch.

    Running means of the gradient, m ← β₁ m + (1 - β₁) g, and of its square, v ← β₂ v + (1 - β₂) g², both starting from zero
    and after k steps divided by 1 - βᵏ to make up for that. The direction is m / (√v + eps).

    Parameters
    ----------
    params: the leaf Values to train, in any iterable.
    lr: the learning rate: about how far each number moves in a step.
    betas: (β₁, β₂), how much of the running means is kept at each step; both in [0, 1).
    eps: keeps the division finite where all gradients were zero.
    weight_decay: adds `weight_decay * parameter` to each gradient.

    Raises
    ------
    DataError: if `params` is empty, holds anything but Values or one of them twice, or if a number is out of range.
    GradientError: if a parameter was computed, or requires no gradient.

    The first step is as long as the learning rate, however large the gradient.

    >>> import tinygrad_edu as tg
    >>> theta = tg.Value(3.0)
    >>> optimizer = tg.optim.Adam([theta], lr=0.5)
    >>> (1000.0 * theta).backward()
    >>> optimizer.step()
    >>> round(float(theta), 6)
    2.5
    """

    def __init__(
        self,
        params: Iterable[Value],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, lr, weight_decay)
        if not isinstance(betas, tuple | list) or len(betas) != 2:
            raise DataError(f"betas must be two numbers, (β₁, β₂), but is {shortened(betas)}.")
        self.betas = number("betas[0]", betas[0], at_least=0, below=1), number("betas[1]", betas[1], at_least=0, below=1)
        self.eps = number("eps", eps, at_least=0)

    def _direction(self, gradient: Any, memory: Any) -> tuple[Any, Any]:
        beta1, beta2 = self.betas
        mean, mean_square, steps = memory or (0, 0, 0)
        steps += 1
        mean = beta1 * mean + (1 - beta1) * gradient
        mean_square = beta2 * mean_square + (1 - beta2) * gradient**2
        scale = np.sqrt(mean_square) / (1 - beta2**steps) ** 0.5 + self.eps
        return mean / (1 - beta1**steps) / scale, (mean, mean_square, steps)
