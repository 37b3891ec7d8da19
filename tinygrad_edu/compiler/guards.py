"""Guards: the conditions in front of a generated program under which the arguments of a call are like those it was recorded for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np


class NoGuardError(Exception):
    """There is no guard for arguments like these; they are looked up by a key."""


class Guards:
    """Writes the conditions under which an argument is like a given one, and gives its numbers and arrays their names.

    leaves: these names, in order. scope: where the generated function finds things by name; what guards need is added to it, by
    names with the prefix. built_in: the prefix with which it finds type, len and tuple. arrays: the types of arrays. is_static:
    whether a part of an argument, given its path, belongs to the program.
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
        self._arrays, self._is_static = arrays, is_static

    def of(self, path: str, place: str, x: Any) -> Iterator[str]:
        """Conditions on what is found at `place`, an expression. The path is that of `children_of`."""
        if self._is_static(path, x):
            yield from self._same(place, x)
        elif type(x) in (float, int) or isinstance(x, (np.generic, *self._arrays)):
            yield from self._like_leaf(place, x)
        elif type(x) in (list, tuple):
            yield self._is_a(place, x)
            yield f"{self._built_in}len({place}) == {len(x)}"
            for position, part in enumerate(x):
                yield from self.of(f"{path}[{position}]", f"{place}[{position}]", part)
        elif type(x) is dict and all(type(key) is str for key in x):
            yield self._is_a(place, x)
            yield f"{self._built_in}tuple({place}) == {tuple(x)}"
            for key, part in x.items():
                yield from self.of(f"{path}[{key!r}]", f"{place}[{key!r}]", part)
        else:
            raise NoGuardError

    def _same(self, place: str, x: Any) -> Iterator[str]:
        """It is that very thing, or equal to it."""
        if type(x) in (str, int) or (type(x) is float and x != 0):  # 0.0 equals -0.0
            yield self._is_a(place, x)
            yield f"{place} == {self._named(x)}"
        elif type(x) is tuple:
            yield self._is_a(place, x)
            yield f"{self._built_in}len({place}) == {len(x)}"
            for position, part in enumerate(x):
                yield from self._same(f"{place}[{position}]", part)
        elif x is None or isinstance(x, bool) or callable(x):
            yield f"{place} is {self._named(x)}"
        else:
            raise NoGuardError

    def _like_leaf(self, place: str, x: Any) -> Iterator[str]:
        name = next(self._leaves)
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
