"""Gradient descent, with momentum if wanted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tinygrad_edu.engine.arguments import flag, number
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import DataError
from tinygrad_edu.optim.optimizer import Optimizer


class SGD(Optimizer):
    """Stochastic gradient descent: parameter ← parameter - lr · gradient. It is called so also where the batch is everything.

    With momentum μ the direction is a velocity that remembers earlier gradients g, v ← μ v + g (Polyak, 1964),
    and with Nesterov's look-ahead g + μ v (Sutskever et al., 2013). Both as in PyTorch.

    Parameters
    ----------
    params: the leaf Values to train, in any iterable.
    lr: the learning rate.
    momentum: the share of the velocity that is kept at each step; 0 is plain gradient descent.
    nesterov: whether to look ahead; it needs a momentum.
    weight_decay: adds `weight_decay * parameter` to each gradient.

    Raises
    ------
    DataError: if `params` is empty, holds anything but Values or one of them twice, or if a number is out of range; also for
        `nesterov` without momentum.
    GradientError: if a parameter was computed, or requires no gradient.

    The lecture's step: θ = 3, x = 2, t = 8, learning rate 1.

    >>> import tinygrad_edu as tg
    >>> theta = tg.Value(3.0)
    >>> optimizer = tg.optim.SGD([theta], lr=1.0)
    >>> tg.nn.half_squared_error(theta * 2.0, 8.0).backward()
    >>> optimizer.step()
    >>> float(theta)
    7.0
    """

    def __init__(
        self, params: Iterable[Value], lr: float, momentum: float = 0.0, nesterov: bool = False, weight_decay: float = 0.0
    ) -> None:
        super().__init__(params, lr, weight_decay)
        self.momentum = number("momentum", momentum, at_least=0)
        self.nesterov = flag("nesterov", nesterov)
        if self.nesterov and not self.momentum:
            raise DataError("nesterov=True looks ahead along the momentum, but momentum is 0; pass momentum=0.9, say.")

    def _direction(self, gradient: Any, velocity: Any) -> tuple[Any, Any]:
        if not self.momentum:
            return gradient, None
        # `+ 0` because the velocity must not be the array of the gradient, which belongs to the user.
        velocity = gradient + (0 if velocity is None else self.momentum * velocity)
        return (gradient + self.momentum * velocity if self.nesterov else velocity), velocity
