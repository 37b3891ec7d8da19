"""Gradient descent, with momentum if wanted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tinygrad_edu.engine.arguments import number
from tinygrad_edu.engine.flags import flag
from tinygrad_edu.errors import DataError
from tinygrad_edu.optim.optimizer import Optimizer, zeros


@dataclass(eq=False)
class SGD(Optimizer):
    """Stochastic gradient descent: parameter ← parameter - lr · gradient. It is called so also where the batch is everything.

    With momentum μ the direction is a velocity that remembers earlier gradients g, v ← μ v + g (Polyak, 1964),
    and with Nesterov's look-ahead g + μ v (Sutskever et al., 2013). Both as in PyTorch.

    Parameters
    ----------
    params, lr, weight_decay, clip_norm, clip_value: see `Optimizer`.
    momentum: the share of the velocity that is kept at each step; 0 is plain gradient descent.
    nesterov: whether to look ahead; it needs a momentum.

    Raises
    ------
    DataError, GradientError: as `Optimizer`; also for `nesterov` without momentum.

    The lecture's step: θ = 3, x = 2, t = 8, learning rate 1.

    >>> import tinygrad_edu as tg
    >>> theta = tg.Value(3.0)
    >>> optimizer = tg.optim.SGD([theta], lr=1.0)
    >>> tg.nn.half_squared_error(theta * 2.0, 8.0).backward()
    >>> optimizer.step()
    >>> float(theta)
    7.0
    """

    momentum: float = 0.0
    nesterov: bool = False

    def _check_settings(self) -> None:
        super()._check_settings()
        self.momentum = number("momentum", self.momentum, at_least=0)
        self.nesterov = flag("nesterov", self.nesterov)
        if self.nesterov and not self.momentum:
            raise DataError("nesterov=True looks ahead along the momentum, but momentum is 0; pass momentum=0.9, say.")

    def _start(self, parameter: Any) -> dict[str, Any]:
        return {"velocity": zeros(parameter)} if self.momentum else {}

    def _direction(self, gradient: Any, memory: Any, steps: Any) -> tuple[Any, dict[str, Any]]:
        if not self.momentum:
            return gradient, {}
        velocity = self.momentum * memory["velocity"] + gradient
        return (gradient + self.momentum * velocity if self.nesterov else velocity), {"velocity": velocity}
