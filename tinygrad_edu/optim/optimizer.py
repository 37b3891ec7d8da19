"""What all optimizers share: the parameters, one step for each of them, and forgetting the gradients.

An optimizer reads `.grad` and rebinds `.data`. It does not know how the gradients came about.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any

from tinygrad_edu.engine.arguments import number
from tinygrad_edu.engine.messages import described, shortened
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import DataError, GradientError


class Optimizer(ABC):
    """Moves parameters against their gradients. A subclass says along which direction, in `_direction`.

    Parameters
    ----------
    params: the leaf Values to train, in any iterable.
    lr: the learning rate: how far to go along the direction. It may be changed between steps.
    weight_decay: adds `weight_decay * parameter` to each gradient, which pulls the parameters towards zero.

    Raises
    ------
    DataError: if `params` is empty, holds anything but Values or one of them twice, or if a number is out of range.
    GradientError: if a parameter was computed, or requires no gradient.

    One of your own is a direction for one parameter, of the gradient's shape and dtype, and what it remembers of the step:

    >>> import numpy as np, tinygrad_edu as tg
    >>> class SignDescent(tg.optim.Optimizer):
    ...     def _direction(self, gradient, memory):
    ...         return np.sign(gradient), None
    >>> theta = tg.Value([3.0, -2.0])
    >>> (theta**2).sum().backward()
    >>> SignDescent([theta], lr=0.5).step()
    >>> theta.data
    array([ 2.5, -1.5])
    """

    def __init__(self, params: Iterable[Value], lr: float, weight_decay: float = 0.0) -> None:
        self.params = _checked_parameters(params)
        self.lr = number("lr", lr, at_least=0)
        self.weight_decay = number("weight_decay", weight_decay, at_least=0)
        # What a subclass remembers of the steps so far, for each parameter; None before its first step.
        self._memories: list[Any] = [None] * len(self.params)

    def step(self) -> None:
        """Move every parameter once: data ← data - lr · direction. A parameter without a gradient stays where it is.

        The data are rebound, so what was recorded before keeps the numbers it saw.
        """
        for position, parameter in enumerate(self.params):
            if parameter.grad is None:
                continue
            data, gradient = parameter.numpy(), parameter.grad
            if self.weight_decay:
                gradient = gradient + self.weight_decay * data
            direction, self._memories[position] = self._direction(gradient, self._memories[position])
            parameter.data = data - self.lr * direction

    def zero_grad(self) -> None:
        """Forget the gradients, since `backward` adds to what is there."""
        for parameter in self.params:
            parameter.grad = None

    @abstractmethod
    def _direction(self, gradient: Any, memory: Any) -> tuple[Any, Any]:
        """The direction for one parameter, of the gradient's shape and dtype, and what to remember for its next step."""


def _checked_parameters(params: Iterable[Value]) -> list[Value]:
    if isinstance(params, Value):
        raise DataError(f"params must be a list of Values, but is {described(params)} itself; write [value].")
    if not isinstance(params, Iterable):
        raise DataError(f"params must be a list of Values, but is {shortened(params)}.")
    parameters = list(params)
    if not parameters:
        raise DataError("params is empty, so there is nothing to train. A generator that was used up before is empty, too.")
    for position, parameter in enumerate(parameters):
        if not isinstance(parameter, Value):
            raise DataError(f"params[{position}] must be a Value, but is {shortened(parameter)}; make it one: Value(...).")
        if parameter.primitive is not None:
            raise GradientError(
                f"params[{position}], {described(parameter)}, was computed by {parameter.primitive.name!r}. "
                "Only a leaf can be trained: pass the Values that it was computed from."
            )
        if not parameter.requires_grad:
            raise GradientError(
                f"params[{position}], {described(parameter)}, requires no gradient, so it would never move. "
                "Make it with Value(..., requires_grad=True), or leave it out."
            )
    if len(set(parameters)) < len(parameters):
        twice = next(p for position, p in enumerate(parameters) if any(p is other for other in parameters[:position]))
        raise DataError(f"{described(twice)} is in params twice and would move twice as far; pass it once.")
    return parameters
