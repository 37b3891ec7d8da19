"""What all optimizers share: one step for each parameter, in two forms.

As an object an optimizer reads `.grad` and rebinds `.data` of the Values that it was given. As a function, `init` and `update`, it
takes trees of arrays, such as `tg.grad` gives. Both come down to `_step_of_one`. It does not know how the gradients came about.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import KW_ONLY, dataclass, field, fields, replace
from typing import Any, Self, TypeAlias

import numpy as np

from tinygrad_edu.engine.arguments import number
from tinygrad_edu.engine.messages import described, shortened
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import DataError, GradientError, ShapeError
from tinygrad_edu.optim.clipping import clip_by_norm, clip_by_value
from tinygrad_edu.optim.schedules import Schedule, rate_at
from tinygrad_edu.transforms.trees import tree_leaves_like, tree_leaves_named, tree_map

State: TypeAlias = dict[str, Any]
"""steps: how many there were; memory: what the formula remembers of them, of a tree by the name of each parameter. A tree."""
Group: TypeAlias = Mapping[str, Any]
"""params: some Values; beside them settings of their own, under the names that the optimizer has for them."""


@dataclass(eq=False)
class Optimizer(ABC):
    """Moves parameters against their gradients. A subclass says along which direction, in `_direction`.

    Parameters
    ----------
    params: the leaf Values to train, in any iterable; or groups of them, dicts with "params" and settings of their own. Without
        parameters there are `init` and `update`, for trees of arrays.
    lr: the learning rate: how far to go along the direction. It may be changed between steps. A function of the number of steps
        taken before is a schedule (see `CosineDecay`).
    weight_decay: adds `weight_decay * parameter` to each gradient, which pulls the parameters towards zero.
    clip_norm, clip_value: gradients are clipped, before all else: see `clip_by_norm`, over all parameters, and `clip_by_value`.

    Raises
    ------
    DataError: if `params` is empty, holds anything but Values or one of them twice, or if a number is out of range.
    GradientError: if a parameter was computed, or requires no gradient.

    One of your own is a direction for one parameter, of the gradient's shape and dtype, and what it remembers of the step, arrays
    by their names; `steps` counts from 1.

    >>> import numpy as np, tinygrad_edu as tg
    >>> class SignDescent(tg.optim.Optimizer):
    ...     def _direction(self, gradient, memory, steps):
    ...         return np.sign(gradient), {}
    >>> theta = tg.Value([3.0, -2.0])
    >>> (theta**2).sum().backward()
    >>> SignDescent([theta], lr=0.5).step()
    >>> theta.data
    array([ 2.5, -1.5])

    The same as a function, which a compiled training step may contain:

    >>> optimizer = SignDescent(lr=0.5)
    >>> params = {"theta": np.array([3.0, -2.0])}
    >>> state = optimizer.init(params)
    >>> params, state = optimizer.update(params, tg.grad(lambda p: np.sum(p["theta"] ** 2))(params), state)
    >>> params["theta"], state["steps"]
    (array([ 2.5, -1.5]), 1)
    """

    params: Iterable[Value] | Iterable[Group] | None = field(default=None, repr=False)
    lr: float | Schedule = 1e-3
    _: KW_ONLY
    weight_decay: float = 0.0
    clip_norm: float | None = None
    clip_value: float | None = None

    def __post_init__(self) -> None:
        self._check_settings()
        self._groups: list[Self] = []
        self._parameters: list[Value] = []
        self._states: list[State] = []
        self._steps = 0
        if self.params is None:
            return
        given: list[Any] = listed(self.params)
        if any(isinstance(group, Mapping) for group in given):
            self._groups += [self._group(position, group) for position, group in enumerate(given)]
            given = [parameter for group in self._groups for parameter in group._parameters]
        self.params = self._parameters = checked_parameters(given)
        if not self._groups:
            self._states = [{"steps": 0, "memory": self._start(parameter.numpy())} for parameter in self._parameters]

    def _check_settings(self) -> None:
        if not callable(self.lr):
            self.lr = number("lr", self.lr, at_least=0)
        self.weight_decay = number("weight_decay", self.weight_decay, at_least=0)
        for name in ("clip_norm", "clip_value"):
            if getattr(self, name) is not None:
                setattr(self, name, number(name, getattr(self, name), above=0))

    def _group(self, position: int, group: Any) -> Any:
        if not isinstance(group, Mapping) or "params" not in group:
            raise DataError(f'params[{position}] must be a group, {{"params": [...], "lr": 0.1}}, but is {shortened(group)}.')
        known = [each.name for each in fields(self) if each.init and not each.name.startswith("clip_")]
        for name in group:
            if name not in known:
                raise DataError(f"params[{position}] has {name!r}; the settings of a group are {', '.join(known[1:])}.")
        return replace(self, **{"clip_norm": None, "clip_value": None, **group})  # gradients of all groups are clipped together

    # --- on objects ----------------------------------------------------------------------------------------------------------

    @property
    def groups(self) -> list[Self]:
        """For each group of parameters an optimizer with its settings: `optimizer.groups[0].lr = 0.01`. Itself, if there is one."""
        return self._groups or [self]

    @property
    def parameters(self) -> list[Value]:
        """The Values that it trains, those of all groups in a row; none, if it was made without."""
        return list(self._parameters)

    def without_params(self) -> Self:
        """A copy with the present settings, and groups, for `update` alone: it has no parameters and remembers nothing."""
        new = copy(self)
        new.params, new._parameters, new._states = None, [], []
        new._groups = [group.without_params() for group in self._groups]
        return new

    def step(self) -> None:
        """Move every parameter once: data ← data - lr · direction. A parameter without a gradient stays where it is.

        The data are rebound, so what was recorded before keeps the numbers it saw.

        Raises
        ------
        DataError: if the optimizer was made without parameters.
        """
        moving = [parameter for parameter in self._bound() if parameter.grad is not None]
        gradients = dict(zip(moving, self._clipped([parameter.grad for parameter in moving]), strict=True))
        for group in self.groups:
            lr = rate_at(group.lr, self._steps)
            for position, parameter in enumerate(group._parameters):
                if parameter in gradients:
                    steps, memory = group._states[position]["steps"] + 1, group._states[position]["memory"]
                    parameter.data, memory = group._step_of_one(parameter.numpy(), gradients[parameter], memory, steps, lr)
                    group._states[position] = {"steps": steps, "memory": memory}
        self._steps += 1

    def zero_grad(self) -> None:
        """Forget the gradients, since `backward` adds to what is there."""
        for parameter in self._bound():
            parameter.grad = None

    def _bound(self) -> list[Value]:
        if not self._parameters:
            raise DataError(
                f"this {type(self).__name__} was made without parameters, for trees of arrays: use its init and update. "
                f"For Values write {type(self).__name__}(params, lr={self.lr!r})."
            )
        return self._parameters

    # --- on trees ------------------------------------------------------------------------------------------------------------

    def init(self, params: Any) -> Any:
        """What there is to remember before the first step, for a tree of parameters: a tree, too, of zeros.

        An optimizer with groups takes a list here, as in `update`, with a tree for each of them, and gives one.
        """
        if self._groups:
            return [group.init(part) for group, part in zip(self._groups, params, strict=True)]
        return {"steps": 0, "memory": {name: self._start(parameter) for name, parameter in _named(params)}}

    def update(self, params: Any, grads: Any, state: Any) -> tuple[Any, Any]:
        """One step.

        Parameters
        ----------
        params: a tree of arrays.
        grads: the gradients, a tree of the same structure, as from `tg.grad`.
        state: of the step before, or from `init`.

        Returns
        -------
        The new parameters and the new state. Nothing is changed in place.

        Raises
        ------
        ShapeError: if the structures or shapes differ.
        """
        grads = self._clipped(grads)
        if self._groups:
            moved = [group.update(*part) for group, *part in zip(self._groups, params, grads, state, strict=True)]
            return [part for part, _ in moved], [kept for _, kept in moved]
        return self._moved(params, grads, state, rate_at(self.lr, state["steps"]))

    def state_for(self, params: Any) -> Any:
        """The state that `update` takes, of what `step` remembers: to go on with a tree of the Values' numbers, in their order.

        Raises
        ------
        DataError: if the parameters have taken different numbers of steps, since some had no gradient; or if there are none.
        """
        if self._groups:
            return [group._state_for(part, self._steps) for group, part in zip(self._groups, params, strict=True)]
        self._bound()
        return self._state_for(params, self._steps)

    def take_state(self, state: Any) -> None:
        """The way back: let `step` go on from a state of `update`, made by `state_for`."""
        for group, part in zip(self.groups, state if self._groups else [state], strict=True):
            group._states = [{"steps": part["steps"], "memory": memory} for memory in part["memory"].values()]
            self._steps = part["steps"]

    def _state_for(self, params: Any, steps: int) -> State:
        if any(state["steps"] != steps for state in self._states):
            raise DataError(
                "the parameters have taken different numbers of steps, since some had no gradient at times. A compiled step moves "
                "all of them: leave out those that the loss does not depend on."
            )
        memories = (state["memory"] for state in self._states)
        return {"steps": steps, "memory": {name: memory for (name, _), memory in zip(_named(params), memories, strict=True)}}

    # --- what both are made of -----------------------------------------------------------------------------------------------

    def _moved(self, params: Any, grads: Any, state: State, lr: Any) -> tuple[Any, State]:
        """A tree of parameters after one step, and what to remember of it."""
        steps = state["steps"] + 1
        moved, memory = [], {}
        pairs = zip(_named(params), tree_leaves_like(grads, params, "grads"), strict=True)
        for (name, parameter), (path, gradient, _) in pairs:
            if np.shape(gradient) != np.shape(parameter):
                raise ShapeError(f"{path} has shape {np.shape(gradient)}, but the parameter has shape {np.shape(parameter)}.")
            new, memory[name] = self._step_of_one(parameter, gradient, state["memory"][name], steps, lr)
            moved.append(_of_dtype(new, parameter))
        in_order = iter(moved)
        return tree_map(lambda _: next(in_order), params), {"steps": steps, "memory": memory}

    def _step_of_one(self, parameter: Any, gradient: Any, memory: Any, steps: Any, lr: Any) -> tuple[Any, Any]:
        if self.weight_decay:
            gradient = gradient + self.weight_decay * parameter
        direction, memory = self._direction(gradient, memory, steps)
        return parameter - lr * direction, memory

    def _start(self, parameter: Any) -> dict[str, Any]:
        """What there is to remember of one parameter before its first step."""
        return {}

    @abstractmethod
    def _direction(self, gradient: Any, memory: Any, steps: Any) -> tuple[Any, dict[str, Any]]:
        """The direction for one parameter, of the gradient's shape and dtype, and what to remember for its next step."""

    def _clipped(self, grads: Any) -> Any:
        if self.clip_value is not None:
            grads = clip_by_value(grads, self.clip_value)
        return grads if self.clip_norm is None else clip_by_norm(grads, self.clip_norm)

    # --- to go on later ------------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """All that a later run needs to go on as if there had been no end: a tree of arrays, numbers, text and None.

        Of a schedule it holds none of its numbers: the optimizer that loads it has been made with the same one.

        >>> import tinygrad_edu as tg
        >>> theta = tg.Value(3.0)
        >>> optimizer = tg.optim.SGD([theta], lr=0.1, momentum=0.9)
        >>> (theta**2).backward()
        >>> optimizer.step()
        >>> again = tg.optim.SGD([theta], lr=1.0)
        >>> again.load_state_dict(optimizer.state_dict())
        >>> again
        SGD(lr=0.1, weight_decay=0.0, clip_norm=None, clip_value=None, momentum=0.9, nesterov=False)
        """
        self._bound()
        groups = [{"settings": group._settings(), "states": list(group._states)} for group in self.groups]
        return {"optimizer": type(self).__name__, "steps": self._steps, "groups": groups}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there. Nothing is changed if it does not fit.

        Raises
        ------
        DataError: if it is none of this kind of optimizer.
        ShapeError: if it is one for other parameters: another number of them, or other shapes.
        """
        self._bound()
        try:
            kind, steps = state["optimizer"], state["steps"]
            saved = [(group["settings"], group["states"]) for group in state["groups"]]
        except (TypeError, KeyError):
            raise DataError(f"a state_dict of an optimizer was expected, but got {shortened(state)}.") from None
        if kind != type(self).__name__:
            raise DataError(f"the state_dict is that of {kind}, but this is {type(self).__name__}.")
        counts = [len(states) for _, states in saved]
        if counts != [len(group._parameters) for group in self.groups]:
            here = [len(group._parameters) for group in self.groups]
            raise ShapeError(f"the state_dict is for {counts} parameters in its groups, but this optimizer has {here}.")
        loaded = [group._loaded(*part) for group, part in zip(self.groups, saved, strict=True)]
        for group, new in zip(self.groups, loaded, strict=True):
            vars(group).update(vars(new))
        self._steps = steps

    def _loaded(self, settings: Mapping[str, Any], states: list[State]) -> Self:
        """A copy with these settings, which goes on from these states of its parameters."""
        self._check_states(states)
        if other := settings.keys() ^ self._settings().keys():
            raise DataError(
                f"{', '.join(sorted(other))} follows a schedule in the state_dict and not in this one, or the other "
                "way round. Make this one as that was made."
            )
        new = copy(self)
        for name, setting in settings.items():
            setattr(new, name, setting)
        new._check_settings()
        new._states = [{**each, "memory": dict(each["memory"])} for each in states]
        return new

    def _settings(self) -> dict[str, Any]:
        settings = {each.name: getattr(self, each.name) for each in fields(self) if each.init and each.name != "params"}
        return {name: setting for name, setting in settings.items() if not callable(setting)}

    def _check_states(self, states: list[Any]) -> None:
        for position, (state, parameter) in enumerate(zip(states, self._parameters, strict=True)):
            for path, kept in tree_leaves_named(state["memory"], f"the memory of params[{position}]"):
                if np.shape(kept) not in ((), parameter.shape):
                    raise ShapeError(f"{path} has shape {np.shape(kept)}, but {described(parameter)} is to be trained.")


def zeros(parameter: Any) -> Any:
    """Zeros of a parameter's shape and dtype."""
    return np.zeros_like(parameter) if np.ndim(parameter) else 0 * parameter


def _named(params: Any) -> Iterable[tuple[str, Any]]:
    """The leaves of a tree by short names: w, or layers.0.weight; by their paths where these would not be different ones."""
    leaves = dict(tree_leaves_named(params))
    names = {re.sub(r"[\[\]'\"]+", ".", path).strip(".").replace("..", "."): leaf for path, leaf in leaves.items()}
    return (names if len(names) == len(leaves) else leaves).items()


def _of_dtype(new: Any, old: Any) -> Any:
    """Numbers in the dtype of the old ones. Python's own have none, and whole numbers become float64, as their gradients are."""
    dtype = getattr(old, "dtype", None)
    return new if dtype is None or dtype.kind in "iub" or new.dtype == dtype else new.astype(dtype)


def listed(params: Any) -> list[Any]:
    """What is in there, which must be something."""
    if isinstance(params, Value):
        raise DataError(f"params must be a list of Values, but is {described(params)} itself; write [value].")
    if not isinstance(params, Iterable):
        raise DataError(f"params must be a list of Values, but is {shortened(params)}.")
    given = list(params)
    if not given:
        raise DataError("params is empty, so there is nothing to train. A generator that was used up before is empty, too.")
    return given


def checked_parameters(params: Any) -> list[Value]:
    """Leaf Values that can be trained, each once."""
    parameters = listed(params)
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
