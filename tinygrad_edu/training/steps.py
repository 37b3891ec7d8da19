"""One step of training: forward, gradient, update. Eager or compiled, it does the same to the module and the optimizer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from tinygrad_edu.compiler import Compiled, compile
from tinygrad_edu.engine.messages import name_of, shortened
from tinygrad_edu.errors import DataError, GradientError
from tinygrad_edu.nn import Module
from tinygrad_edu.optim import Optimizer
from tinygrad_edu.transforms.gradients import value_and_grad
from tinygrad_edu.transforms.trees import rebuilt

Loss = Callable[[Any, Any], Any]
"""Of the prediction and the target."""


def loss_of(module: Module, loss: Loss, batch: tuple[Any, ...]) -> Any:
    """The loss of a batch, whose last array is the target and all others the inputs."""
    *inputs, target = batch
    return loss(module(*inputs), target)


def check_module(taker: str, module: Any) -> None:
    """What is trained is a module."""
    if not isinstance(module, Module):
        raise DataError(f"{taker} takes a tg.nn.Module, but got {shortened(module)}.")


class Step(Protocol):
    """What makes a step, and what it has been working on.

    before: the numbers of the optimizer's parameters before the last step.
    """

    @property
    def before(self) -> list[Any]: ...

    def __call__(self, batch: tuple[Any, ...]) -> float:
        """Make a step. Returns the loss of the batch before it; where this is no finite number, nothing is moved."""

    def put_back(self) -> None:
        """Let the module and the optimizer have the numbers after the last step."""

    def take(self) -> None:
        """Go on from the numbers that the module and the optimizer have, and with its settings."""


@dataclass
class EagerStep:
    """Forward, backward, step, as one would write it."""

    module: Module
    loss: Loss
    optimizer: Optimizer
    before: list[Any] = field(default_factory=list)

    def __call__(self, batch: tuple[Any, ...]) -> float:
        parameters = self.optimizer.parameters
        self.before = [parameter.numpy() for parameter in parameters]
        self.optimizer.zero_grad()
        value = _checked(loss_of(self.module, self.loss, batch), self.loss)
        number = float(value.item())
        if number - number == 0:  # it is finite
            value.backward()
            for parameter in parameters:
                if parameter.grad is None:  # the loss does not depend on it, so that its gradient is 0, as in a compiled step
                    parameter.grad = np.zeros(parameter.shape, parameter.dtype)
            self.optimizer.step()
        return number

    def put_back(self) -> None:
        """They have them."""

    take = put_back


class CompiledStep:
    """The same as one program: parameters and the optimizer's state are its arguments, and what it returns."""

    def __init__(self, module: Module, loss: Loss, optimizer: Optimizer) -> None:
        self._module, self._loss, self._optimizer = module, loss, optimizer
        self._names = {parameter: name for name, parameter in module.named_parameters()}
        self._written_for = ""
        self.programs: dict[int, Compiled[..., Any]] = {}  # by the length of a batch: a function goes straight to one program only
        self.take()

    def take(self) -> None:
        parts = [{self._names[value]: value.numpy() for value in group.parameters} for group in self._optimizer.groups]
        self._params: Any = parts if len(parts) > 1 else parts[0]
        self._state = self._optimizer.state_for(self._params)
        settings = repr([self._optimizer, *self._optimizer.groups])
        if settings != self._written_for:
            self._written_for, self.programs = settings, {}
            self._step = _step(self._module, self._loss, self._optimizer)

    def __call__(self, batch: tuple[Any, ...]) -> float:
        length = len(batch[-1])
        if length not in self.programs:
            self.programs[length] = compile(self._step)
        self._before = self._params
        params, state, number = self.programs[length](self._params, self._state, batch)
        number = float(number)
        if number - number == 0:
            self._params, self._state = params, state
        return number

    @property
    def before(self) -> list[Any]:
        """The numbers of the parameters before the last step."""
        return [array for part in _groups(self._before) for array in part.values()]

    def put_back(self) -> None:
        parts = _groups(self._params)
        for group, part in zip(self._optimizer.groups, parts, strict=True):
            for value, array in zip(group.parameters, part.values(), strict=True):
                value.data = array
        self._optimizer.take_state(self._state)


def _step(module: Module, loss: Loss, optimizer: Optimizer) -> Callable[..., Any]:
    """The step as a function of the parameters by their names, the state and a batch."""
    values = module.parameters()
    places = {value: position for position, value in enumerate(values)}
    order = [places[value] for value in optimizer.parameters]
    optimizer = optimizer.without_params()

    def of_params(params: Any, batch: tuple[Any, ...]) -> Any:
        leaves: list[Any] = list(values)
        for position, array in zip(order, (array for part in _groups(params) for array in part.values()), strict=True):
            leaves[position] = array
        return _checked(loss_of(rebuilt(module, leaves), loss, batch), loss)

    def step(params: Any, state: Any, batch: tuple[Any, ...]) -> tuple[Any, Any, Any]:
        loss, grads = value_and_grad(of_params)(params, batch)
        params, state = optimizer.update(params, grads, state)
        return params, state, loss

    return step


def _groups(params: Any) -> list[dict[str, Any]]:
    """The parameters of each of the optimizer's groups."""
    return params if isinstance(params, list) else [params]


def _checked(value: Any, loss: Loss) -> Any:
    """A loss, which is one number that has a gradient."""
    if getattr(value, "shape", None) != () or not getattr(value, "requires_grad", False):
        raise GradientError(
            f"{name_of(loss)}(prediction, target) should return the loss, a Value of a single number that depends on the "
            f"parameters, but returned {shortened(value)}."
        )
    return value
