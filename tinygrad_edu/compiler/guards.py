"""Guards: the conditions in front of a generated program under which the arguments of a call are like those it was recorded for."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Generator, Iterator, Sequence
from itertools import count
from typing import Any

import numpy as np

from tinygrad_edu.compiler.statics import is_always_like_itself
from tinygrad_edu.engine.value import Value
from tinygrad_edu.transforms.tracing import numbers_to_read
from tinygrad_edu.transforms.trees import field_names


class NoGuardError(Exception):
    """There is no guard for arguments like these; they are looked up by a key."""


class Guards:
    """Writes the conditions under which an argument is like a given one, and gives its numbers and arrays their names.

    leaves: these names, in order. scope: where the generated function finds things by name; what guards need is added to it, by
    names with the prefix. built_in: the prefix with which it finds type, len, tuple, and what they need for Values. arrays: the
    types of arrays. is_static: whether a part of an argument, given its path, belongs to the program.
    """

    def __init__(
        self,
        leaves: Sequence[str],
        scope: dict[str, Any],
        prefix: str,
        built_in: str,
        arrays: tuple[type[Any], ...],
        is_static: Callable[[str, Any], bool],
    ) -> None:
        self._leaves, self._scope, self._prefix, self._built_in = iter(leaves), scope, prefix, built_in
        self._arrays, self._is_static, self._objects = arrays, is_static, count()

    def of(self, path: str, place: str, x: Any) -> Iterator[str]:
        """Conditions on what is found at `place`, an expression. The path is that of `children_of`."""
        if self._is_static(path, x):
            yield from self._same(place, x)
        elif type(x) in (float, int) or isinstance(x, (np.generic, *self._arrays)):
            yield from self._like_leaf(place, x)
        elif hasattr(type(x), "__tree_state__"):
            yield f"{self._built_in}is_free()"  # else Values in it are inputs themselves, through which gradients pass
            yield from self._like_object(place, x, set())
        else:
            for step, part in (yield from self._opened(place, x)):
                yield from self.of(path + step, place + step, part)

    def _opened(self, place: str, x: Any) -> Generator[str, None, list[tuple[str, Any]]]:
        """Conditions on how many parts it has and what these are called; returns the parts, with the steps that lead to them."""
        yield self._is_a(place, x)
        if type(x) in (list, tuple):
            yield f"{self._built_in}len({place}) == {len(x)}"
            return [(f"[{position}]", part) for position, part in enumerate(x)]
        if type(x) is dict and all(type(key) is str for key in x):
            yield f"{self._built_in}tuple({place}) == {tuple(x)}"
            return [(f"[{key!r}]", part) for key, part in x.items()]
        if dataclasses.is_dataclass(x) and list(getattr(x, "__dict__", ())) == field_names(x):
            yield f"{self._built_in}tuple({place}.__dict__) == {tuple(field_names(x))}"
            return [(f".{name}", getattr(x, name)) for name in field_names(x)]
        raise NoGuardError

    def _like_object(self, place: str, x: Any, met: set[int]) -> Iterator[str]:
        """It is of that kind, and so is all that is found in it. A leaf that was met before, by its number, is no further one."""
        own = f"{self._prefix}own_{next(self._objects)}"
        yield self._is_a(place, x)
        yield f"{self._built_in}tuple({own} := {place}.__dict__) == {tuple(vars(x))}"
        for name, step, part in x.__tree_state__():
            yield from self._like_attribute(f"{own}[{name!r}]", step, part, x, met)

    def _like_attribute(self, place: str, path: str, x: Any, owner: Any, met: set[int]) -> Iterator[str]:
        number = owner.__tree_leaf__(path, x)
        if isinstance(x, Value):
            yield from (self._is_a(place, x), f"{place}.serial == {x.serial}", f"{place}.requires_grad is {x.requires_grad}")
        if number is not None:
            if number not in met:
                met.add(number)
                yield from self._like_leaf(place, x)
        elif hasattr(type(x), "__tree_state__"):
            yield from self._like_object(place, x, met)
        elif type(x) in (list, tuple, dict):
            for step, part in (yield from self._opened(place, x)):
                yield from self._like_attribute(place + step, path + step, part, owner, met)
        elif not isinstance(x, Value):
            yield from self._same(place, x)

    def _same(self, place: str, x: Any) -> Iterator[str]:
        """It is that very thing, or equal to it."""
        if type(x) in (str, int, float):
            yield self._is_a(place, x)
            is_told = type(x) is not float or (x == x and x != 0)  # 0.0 equals -0.0, and NaN nothing
            yield f"{place} == {self._named(x)}" if is_told else f"{place}.hex() == {x.hex()!r}"
        elif type(x) is tuple:
            for step, part in (yield from self._opened(place, x)):
                yield from self._same(place + step, part)
        elif x is None or isinstance(x, bool) or is_always_like_itself(x):
            yield f"{place} is {self._named(x)}"
        else:
            raise NoGuardError

    def _like_leaf(self, place: str, x: Any) -> Iterator[str]:
        name = next(self._leaves)
        if isinstance(x, Value):
            place, x = f"{self._built_in}numbers_to_read({place})", numbers_to_read(x)
        yield self._is_a(name if name == place else f"{name} := {place}", x)
        if isinstance(x, self._arrays):
            yield f"{name}.shape == {x.shape}"
            yield f"{name}.dtype is {self._named(x.dtype)}"

    def _is_a(self, place: str, x: Any) -> str:
        return f"{self._built_in}type({place}) is {self._named(type(x))}"

    def _named(self, thing: Any) -> str:
        """A name under which the generated function finds an object."""
        if thing is None or isinstance(thing, bool):
            return repr(thing)
        name = f"{self._prefix}like_{len(self._scope)}"
        self._scope[name] = thing
        return name
