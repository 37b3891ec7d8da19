"""Module: a model, or a part of one, that knows its parameters.

What is assigned to an attribute decides what it is: a Value that requires a gradient is a parameter, a module is a part, an array
is a buffer, all else is a setting. A module is also a tree, whose leaves are the parameters. It does not know any layer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from inspect import getattr_static, isroutine, signature
from typing import Any, Self

import numpy as np

from tinygrad_edu.engine.conversions import numbers_of
from tinygrad_edu.engine.flags import flag
from tinygrad_edu.engine.messages import name_of
from tinygrad_edu.engine.mode import current_mode, inside_a_transform
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import DataError, TracingError
from tinygrad_edu.nn.buffers import Buffers
from tinygrad_edu.nn.fitting_states import fitting_arrays
from tinygrad_edu.nn.parts import Part, identifier, is_parameter, step_to
from tinygrad_edu.transforms.tracing import numbers_to_read
from tinygrad_edu.transforms.trees import children_of, is_leaf, rebuilt

_INNER = frozenset({"_buffers", "_origins", "_is_finished", "training"})
"""Attributes that every module has for itself."""


class _Finishing(type):
    """Looks after a module when its constructor has done its work, and those of its subclasses theirs."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        module: Module = super().__call__(*args, **kwargs)
        module._finish()
        return module


class Module(metaclass=_Finishing):
    """A model, or a part of one: a function with parameters. Write a class with `__init__` and `forward`, as in PyTorch.

    Attributes are registered as what they are, in the order in which they are assigned, also in lists, tuples, dicts and
    dataclasses: Values that require a gradient as parameters, modules as parts. An attribute that is an array is a buffer: it
    belongs to the state of the module, but has no gradient. `forward` may assign other numbers to it.

    A module is a tree, whose leaves are its parameters. So `tg.grad(loss)(module, X, t)`, `tg.compile`, `tg.jvp` and their kind
    take one as an argument, and a gradient is a module of the same class, with arrays in place of parameters. Within the function
    it is a copy, which shares its buffers with the module itself. A parameter that occurs twice is one leaf, with one gradient.

    >>> import tinygrad_edu as tg
    >>> class Line(tg.nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.theta = tg.Value(3.0)
    ...     def forward(self, x):
    ...         return self.theta * x
    >>> def loss(line, x, t):
    ...     return 0.5 * (t - line(x)) ** 2
    >>> line = Line()
    >>> loss(line, 2.0, 8.0).backward()
    >>> float(line.theta.grad)
    -4.0
    >>> float(tg.grad(loss)(line, 2.0, 8.0).theta)
    -4.0
    """

    training: bool
    _buffers: Buffers
    _origins: dict[str, int] | None
    """In a copy that stands for a module: for each place of a parameter the number of the Value that was there."""

    def __init__(self) -> None:
        vars(self).update(_buffers=Buffers(), _origins=None, _is_finished=False, training=True)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes. `module(x)` calls it."""
        raise DataError(f"{type(self).__name__} has no forward: write `def forward(self, x): ...` in its class.")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.forward(*args, **kwargs)

    # --- what is in it -------------------------------------------------------------------------------------------------------

    def named_parameters(self) -> list[tuple[str, Value]]:
        """The parameters with their names, in the order of definition: "0.weight". One that occurs twice is listed once."""
        return [(part.name, part.thing) for part in self._parameters()]

    def parameters(self) -> list[Value]:
        """The parameters, in the order of definition, each of them once: what an optimizer takes."""
        return [part.thing for part in self._parameters()]

    def named_buffers(self) -> list[tuple[str, Any]]:
        """The buffers with their names: "1.running_mean"."""
        return [
            (f"{path}.{name}".removeprefix("."), array)
            for path, module in self.named_modules()
            for name, array in module._buffers.arrays.items()
        ]

    def named_modules(self) -> list[tuple[str, Module]]:
        """The module itself, by an empty name, and all in it with their names, each of them once."""
        found: dict[int, tuple[str, Module]] = {}
        for part in self._parts():
            if isinstance(part.thing, Module):
                found.setdefault(id(part.thing), (part.name, part.thing))
        return list(found.values())

    def modules(self) -> list[Module]:
        """The module itself, and all in it, each of them once."""
        return [module for _, module in self.named_modules()]

    def zero_grad(self) -> None:
        """Forget the gradients of the parameters, since `backward` adds to what is there."""
        for parameter in self.parameters():
            parameter.grad = None

    # --- training and evaluation ---------------------------------------------------------------------------------------------

    def train(self, mode: bool = True) -> Self:
        """Let it, and all in it, behave as in training: `Dropout` drops, `BatchNorm` takes the statistics of the batch."""
        for module in self.modules():
            vars(module)["training"] = flag("mode", mode)
        return self

    def eval(self) -> Self:
        """Let it, and all in it, behave as in use: `Dropout` does nothing, `BatchNorm` takes what it has seen in training."""
        return self.train(False)

    # --- state ---------------------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Copies of the numbers of all parameters, frozen ones too, and buffers, by their names. What is there twice has both."""
        return {name: np.array(numbers_of(x)) for name, x in self._state().items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> Self:
        """Take over what `state_dict` gave, or PyTorch's did: all of it or, if something does not fit, nothing.

        Raises
        ------
        DataError: if something is missing, was not expected, is not made of numbers, or has two names and differs under them.
        ShapeError: if something has another shape.

        >>> import tinygrad_edu as tg
        >>> layer = tg.nn.Linear(2, 1)
        >>> layer.load_state_dict({"weight": [[3.0, 4.0]], "biases": [0.5]})
        Traceback (most recent call last):
            ...
        tinygrad_edu.errors.DataError: this state does not fit Linear: bias is missing; biases is not expected. Nothing was loaded.
        """
        arrays = fitting_arrays(type(self).__name__, self._state(), state)
        if self._origins is not None:
            raise DataError(f"this {type(self).__name__} is a copy with other parameters: load the state into the module itself.")
        for part in self._parts():
            if part.is_kept:
                part.thing.data = arrays[part.name]
        for path, module in self.named_modules():
            for name in module._buffers.arrays:
                module._buffers.put(name, arrays[f"{path}.{name}".removeprefix(".")])
        return self

    def _state(self) -> dict[str, Any]:
        parts = [*self._parts()]
        pairs = [(part.name, part.thing) for part in parts if part.is_kept]
        pairs += [
            (f"{part.name}.{name}".removeprefix("."), array)
            for part in parts
            if isinstance(part.thing, Module)
            for name, array in part.thing._buffers.arrays.items()
        ]
        names = [name for name, _ in pairs]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise DataError(f"two things in {type(self).__name__} are called {twice}: give the keys of its dicts other names.")
        return dict(pairs)

    # --- as text -------------------------------------------------------------------------------------------------------------

    def settings(self) -> str:
        """What `repr` writes between the brackets after the class; nothing, unless a subclass says what."""
        return ""

    def __repr__(self) -> str:
        lines, first = self._lines()
        count = sum(np.size(numbers_of(parameter)) for parameter in self.parameters())
        return "\n".join([f"{first}  # {_counted(count)}" if lines else first, *lines])

    def _lines(self) -> tuple[list[str], str]:
        """The lines of its parts, and what stands in front of them."""
        lines: list[str] = []
        shapes: list[str] = []
        count = 0
        for part in self._near_parts():
            if isinstance(part.thing, Module):
                inner, first = part.thing._lines()
                lines += [f"  ({part.name}) {first}", *(f"  {line}" for line in inner)]
            elif part.parameter is not None:
                shapes.append(f"{part.name} {np.shape(numbers_of(part.thing))}")
                count += np.size(numbers_of(part.thing))
            elif callable(part.thing) and part.path.startswith("["):  # a function in a row of layers
                lines.append(f"  ({part.name}) {name_of(part.thing)}")
        first = f"{type(self).__name__}({self.settings()})"
        return lines, f"{first}  # {', '.join(shapes)}: {_counted(count)}" if shapes else first

    # --- attributes ----------------------------------------------------------------------------------------------------------

    def __setattr__(self, name: str, x: Any) -> None:
        own = vars(self)
        if "_buffers" not in own:
            raise DataError(f"{type(self).__name__}.{name} is assigned too early. {_init_first(self)}")
        self._demand_right_name(name)
        buffers = self._buffers
        is_replaced = x is None or (is_parameter(x) and not own["_is_finished"])
        if name in buffers.arrays and not is_replaced:
            buffers.write(name, x)
            return
        self._demand_that_it_stays(name)
        if isinstance(x, np.ndarray):
            if is_parameter(own.get(name)):
                raise DataError(f"{name} is a parameter of {type(self).__name__}: give it other numbers by .{name}.data = array.")
            own.pop(name, None)
            buffers.add(name, x)
        else:
            buffers.arrays.pop(name, None)
            own[name] = x

    def __getattr__(self, name: str) -> Any:  # called for what is found nowhere else
        buffers = vars(self).get("_buffers")
        if buffers is not None and name in buffers.arrays:
            return buffers.read(name)
        if name == "__signature__":  # with which parameters it is called, for `inspect.signature(module)`
            return signature(self.forward)
        hint = "" if buffers is not None or name.startswith("__") else f". {_init_first(self)}"
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}{hint}", name=name, obj=self)

    def __delattr__(self, name: str) -> None:
        if self._buffers.arrays.pop(name, None) is None:
            object.__delattr__(self, name)

    def __dir__(self) -> list[str]:
        return [*object.__dir__(self), *self._buffers.arrays]

    def _demand_right_name(self, name: str) -> None:
        """Raise for the name of a method, and, in a finished module, for a new one that is nearly that of an attribute."""
        kind = type(self)
        if isroutine(getattr_static(kind, name, None)) or name in _INNER - {"training"}:
            raise DataError(f"{kind.__name__}.{name} is a method, so it cannot be an attribute, too. Choose another name.")
        known = {*vars(self), *self._buffers.arrays}
        if vars(self)["_is_finished"] and name not in known and not hasattr(kind, name):
            meant = [each for each in get_close_matches(name, known, cutoff=0.8) if _letters(each) != _letters(name)]
            if meant:
                raise DataError(
                    f"{kind.__name__} has no attribute {name!r}; did you mean {meant[0]!r}? (Else assign it in __init__.)"
                )

    def _demand_that_it_stays(self, name: str) -> None:
        """Raise where an assignment would be lost: in a copy that a transform made, or in what a program does not repeat."""
        is_compiled = current_mode().records_constants and vars(self)["_is_finished"]
        if not is_compiled and not (self._origins is not None and _is_traced()):
            return
        what = f"{type(self).__name__}.{name} is assigned in a function that is being"
        instead = (
            "Return what you want to keep. Or, if these are numbers of one shape, make it a buffer, which is kept: let __init__ "
            f"assign self.{name} = np.zeros(shape)."
        )
        if is_compiled:
            raise TracingError(f"{what} compiled, and would not be assigned when the program runs. {instead}")
        raise DataError(f"{what} transformed. There the module is a copy, and what is assigned would be lost. {instead}")

    def _finish(self) -> None:
        """The constructor is done: name the parameters that have no name of the user's."""
        if "_buffers" not in vars(self):
            raise DataError(f"{type(self).__name__} is not ready. {_init_first(self)}")
        for name, parameter in self.named_parameters():
            steps = name.split(".")
            if parameter.name is None or parameter.name in [identifier(steps[k:]) for k in range(1, len(steps))]:
                parameter.name = identifier(steps)
        vars(self)["_is_finished"] = True

    # --- the tree ------------------------------------------------------------------------------------------------------------

    def __tree_parts__(self) -> dict[str, Any]:
        """The parameters. To an outermost transform those of the module itself are their numbers, so that it gives arrays."""
        as_numbers = self._origins is None and not _is_traced()
        return {part.path: numbers_to_read(part.thing) if as_numbers else part.thing for part in self._parameters()}

    def __tree_with__(self, parts: Sequence[Any]) -> Self:
        """A copy with other parameters. No constructor is run; buffers and settings are those of the module."""
        return self._copied(iter(parts), {}, {})

    def __tree_beside__(self) -> dict[str, Any]:
        """The settings, the classes and buffers of the modules, and which parameters are the same."""
        beside: dict[str, Any] = {}
        for part in self._parts():
            if isinstance(part.thing, Module):
                beside[part.path] = type(part.thing)
                beside[f"{part.path}._buffers"] = part.thing._buffers
                beside[f"{part.path}.training"] = part.thing.training
            else:
                beside[part.path] = part.thing if part.parameter is None else part.parameter
        return beside

    def __tree_state__(self) -> Iterator[tuple[str, str, Any]]:
        """What decides all of this: attributes, the steps that lead to them, and what is there."""
        return ((name, step_to(name), x) for name, x in vars(self).items() if name != "_is_finished")

    def __tree_leaf__(self, path: str, x: Any) -> int | None:
        """The number of the parameter that is found there, if it is one."""
        origin = self._origins.get(path) if self._origins is not None else None
        return x.serial if origin is None and is_parameter(x) else origin

    def _parameters(self) -> list[Part]:
        """The parameters, each of them once, where it is found first."""
        found: dict[int, Part] = {}
        for part in self._parts():
            if part.parameter is not None:
                found.setdefault(part.parameter, part)
        return list(found.values())

    def _parts(self, path: str = "", around: tuple[Module, ...] = ()) -> Iterator[Part]:
        """The module and all that is found in it, each before what is in it, and in the order of definition."""
        yield Part(path, self)
        for step, thing, number in self._near_parts():
            if not isinstance(thing, Module):
                yield Part(path + step, thing, number)
            elif not any(thing is each for each in (*around, self)):  # one may know the module that it is a part of
                yield from thing._parts(path + step, (*around, self))

    def _near_parts(self) -> Iterator[Part]:
        """What is found without looking into other modules."""
        for name, x in vars(self).items():
            if name not in _INNER:
                yield from self._parts_at(step_to(name), x)

    def _parts_at(self, path: str, x: Any) -> Iterator[Part]:
        number = self.__tree_leaf__(path, x)
        children = None if number is not None or isinstance(x, Module) else children_of(x)
        if children is None:
            yield Part(path, x, number)
        for step, child in children or ():
            yield from self._parts_at(path + step, child)

    def _copied(self, parts: Iterator[Any], parameters: dict[int, Any], copies: dict[int, Module]) -> Self:
        """A copy with these parts for parameters; those that were met before are in `parameters`, by their numbers, and the copies
        of modules that were met before in `copies`.
        """
        new = object.__new__(type(self))
        copies[id(self)] = new
        origins: dict[str, int] = {}

        def copied(path: str, x: Any) -> Any:
            number = self.__tree_leaf__(path, x)
            if number is not None:
                origins[path] = number
                if number not in parameters:
                    parameters[number] = next(parts)
                return parameters[number]
            if isinstance(x, Module):
                return copies[id(x)] if id(x) in copies else x._copied(parts, parameters, copies)
            if is_leaf(x):
                return x
            children = children_of(x) or []
            copies_of_parts = [copied(path + step, child) for step, child in children]
            is_other = any(part is not child for part, (_, child) in zip(copies_of_parts, children, strict=True))
            return rebuilt(x, copies_of_parts) if is_other else x  # a list without parameters stays the same list, which may grow

        vars(new).update(vars(self), _origins=origins)
        for name, x in vars(self).items():
            if name not in _INNER:
                vars(new)[name] = copied(step_to(name), x)
        return new


def _is_traced() -> bool:
    """Whether a function is being differentiated or compiled, in which modules are copies with Values of the transform."""
    return inside_a_transform() or current_mode().records_constants


def _letters(name: str) -> str:
    return "".join(filter(str.isalpha, name))


def _counted(count: int) -> str:
    return f"{count:,} parameter{'' if count == 1 else 's'}"


def _init_first(module: Module) -> str:
    return f"Let {type(module).__name__}.__init__ begin with super().__init__()."
