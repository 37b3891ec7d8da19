"""What a function uses without getting it as an argument: what it closes over, global names, and what it finds on `self`.

A program does what the function did in one run, so it is right for as long as these things are what they were. They are found by
reading the function's code, and that of the functions and methods it names; libraries are taken to stay as they are. This module
knows functions, and nothing of how they are recorded.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from tinygrad_edu.primitive import Primitive
from tinygrad_edu.value import Value

LOOKED_AT = 1024
"""How many numbers of an array are looked at. Of a larger one these are evenly spaced."""

_OWN = str(Path(__file__).parents[1])
_NUMPY = str(Path(np.__file__).parent)
_STANDARD = str(Path(functools.__file__).parent)
_INSTALLED = re.compile(r".*[/\\](site|dist)-packages[/\\]\w+")
_PLAIN = (bool, int, float, complex, str, bytes)


class Surroundings:
    """The things that a function uses, as they are now.

    >>> rate = 0.1
    >>> def f(x):
    ...     return rate * x
    >>> surroundings = Surroundings(f)
    >>> surroundings.are_unchanged()
    True
    >>> rate = 0.2
    >>> surroundings.are_unchanged()
    False
    """

    def __init__(self, f: Any) -> None:
        self._of = f
        self._cells: list[tuple[CellType, Any]] = []
        self._named: list[tuple[Mapping[str, Any], str, Any]] = []
        self._slots: list[tuple[Any, str, Any]] = []
        self._parts: list[tuple[Any, Sequence[Any]]] = []
        self._arrays: list[tuple[Any, Any]] = []
        self._names: set[str] = set()
        self._home = _home_of(f)
        known = None
        while self._names != known:  # a method found on an object may use further names
            known = set(self._names)
            self._look_around(f)

    def __bool__(self) -> bool:
        return bool(self._cells or self._named or self._slots or self._parts or self._arrays)

    def are_unchanged(self) -> bool:
        """Whether the same things are in the same places. Numbers and text may be others that are equal."""
        for cell, thing in self._cells:
            if cell.cell_contents is not thing and not _are_equal(cell.cell_contents, thing):
                return False
        for namespace, name, thing in self._named:
            if namespace.get(name) is not thing and not _are_equal(namespace.get(name), thing):
                return False
        for owner, name, thing in self._slots:
            if getattr(owner, name, None) is not thing:
                return False
        for container, parts in self._parts:
            if not _has_parts(container, parts):
                return False
        for array, look in self._arrays:  # noqa: SIM110 (all() costs as much as the look)
            if _look_of(array) != look:
                return False
        return True

    def without_what_changed(self) -> Surroundings:
        """Those that are still as they were: what a function changes in each run, a count of its calls, say, tells nothing."""
        self._cells = [(cell, thing) for cell, thing in self._cells if cell.cell_contents is thing]
        self._named = [each for each in self._named if each[0].get(each[1]) is each[2]]
        self._slots = [each for each in self._slots if getattr(each[0], each[1], None) is each[2]]
        self._parts = [(container, parts) for container, parts in self._parts if _has_parts(container, parts)]
        self._arrays = [(array, look) for array, look in self._arrays if _look_of(array) == look]
        return self

    # --- looking around ------------------------------------------------------------------------------------------------------

    def _look_around(self, f: Any) -> None:
        for noted in (self._cells, self._named, self._slots, self._parts, self._arrays):
            noted.clear()
        things, seen = [f], {id(f)}
        for thing in things:  # which grows while it is walked
            for further in self._around(thing):
                if id(further) not in seen and not isinstance(further, (*_PLAIN, np.generic, Value, type(None))):
                    seen.add(id(further))
                    things.append(further)

    def _around(self, thing: Any) -> Iterator[Any]:
        """What a thing leads to; where it might lead to something else one day is noted."""
        if isinstance(thing, FunctionType):
            yield from self._around_function(thing)
        elif isinstance(thing, MethodType):
            yield from (thing.__func__, thing.__self__)
        elif isinstance(thing, functools.partial):
            yield from (thing.func, thing.args, thing.keywords)
        elif isinstance(thing, staticmethod | classmethod):
            yield thing.__func__
        elif isinstance(thing, property):
            yield thing.fget
        elif isinstance(thing, Primitive):
            yield from (thing.forward, thing.vjps)
        elif isinstance(thing, np.ndarray):
            self._arrays.append((thing, _look_of(thing)))
        elif isinstance(thing, tuple | list | dict | set | frozenset):
            if not isinstance(thing, tuple | frozenset):
                self._parts.append((thing, _parts_of(thing)))
            yield from thing.values() if isinstance(thing, dict) else thing
        elif isinstance(thing, ModuleType):
            if not self._is_of_library(thing):
                yield from self._noted(vars(thing), self._names & vars(thing).keys())
        elif isinstance(thing, type):
            yield from self._on_classes(thing, [])
        else:
            yield from self._on_classes(type(thing), [vars(thing)] if type(thing).__dictoffset__ else [])
            yield from self._in_slots(thing)

    def _around_function(self, function: FunctionType) -> Iterator[Any]:
        yield from (function.__defaults__, function.__kwdefaults__, getattr(function, "__wrapped__", None))
        is_own = function.__code__.co_filename.startswith(_OWN)  # a transform, say, around a function of the user's
        for cell in filter(_has_contents, function.__closure__ or ()):
            if not is_own:
                self._cells.append((cell, cell.cell_contents))
            yield cell.cell_contents
        if not self._is_in_library(function.__code__.co_filename):
            names = set(_names_in(function.__code__))
            self._names |= names
            yield from self._noted(function.__globals__, names & function.__globals__.keys())

    def _on_classes(self, owner: type, first: Sequence[Mapping[str, Any]]) -> Iterator[Any]:
        """The attributes that are looked up `first`, and then on a class and on those that it inherits from.

        Methods that Python calls by itself are among them. An attribute may one day be found earlier than it is now.
        """
        namespaces = [*first, *(vars(each) for each in owner.__mro__ if not self._is_of_library(each))]
        special = {name for each in namespaces for name, x in each.items() if name.startswith("__") and isinstance(x, FunctionType)}
        names = (self._names | special).intersection(name for each in namespaces for name in each)
        for namespace in namespaces:
            yield from self._noted(namespace, names)

    def _noted(self, namespace: Mapping[str, Any], names: Iterable[str]) -> Iterator[Any]:
        for name in sorted(names):
            thing = namespace.get(name)
            if not isinstance(thing, ModuleType):
                self._named.append((namespace, name, thing))
            yield thing

    def _in_slots(self, thing: Any) -> Iterator[Any]:
        for owner in type(thing).__mro__:
            slots = vars(owner).get("__slots__", ())
            for name in sorted(self._names.intersection([slots] if isinstance(slots, str) else slots)):
                self._slots.append((thing, name, getattr(thing, name, None)))
                yield self._slots[-1][2]

    def _is_of_library(self, thing: Any) -> bool:
        """Whether a class or module is no code of the user's."""
        module = inspect.getmodule(thing)
        file = getattr(module, "__file__", None)
        return getattr(module, "__name__", None) != "__main__" if file is None else self._is_in_library(file)

    def _is_in_library(self, file: str) -> bool:
        return file.startswith((_OWN, _NUMPY, _STANDARD)) or (bool(_INSTALLED.match(file)) and not file.startswith(self._home))


def _home_of(f: Any) -> str:
    """The folder of the package that a function belongs to, if it has been installed among libraries."""
    while isinstance(f, functools.partial):
        f = f.func
    f = inspect.unwrap(f)
    code = getattr(getattr(f, "__func__", f), "__code__", None)
    installed = _INSTALLED.match(code.co_filename) if code else None
    return installed[0] if installed else _OWN


def _names_in(code: CodeType) -> Iterator[str]:
    """The global names and attributes that some code uses, and the functions that are defined in it."""
    inner = [code]
    for each in inner:  # which grows while it is walked
        yield from each.co_names
        inner += [constant for constant in each.co_consts if isinstance(constant, CodeType)]


def _has_contents(cell: CellType) -> bool:
    try:
        return cell.cell_contents is not cell
    except ValueError:  # a variable that has no value yet
        return False


def _parts_of(container: Any) -> list[Any]:
    return [*container, *container.values()] if isinstance(container, dict) else [*container]


def _has_parts(container: Any, parts: Sequence[Any]) -> bool:
    present = _parts_of(container)
    return len(present) == len(parts) and all(a is b or _are_equal(a, b) for a, b in zip(present, parts, strict=True))


def _are_equal(a: Any, b: Any) -> bool:
    """Whether two things are the same number or text; 1 is not 1.0, nor 0.0 what -0.0 is."""
    return type(a) is type(b) and type(a) in _PLAIN and a == b and repr(a) == repr(b)


def _look_of(array: np.ndarray[Any, Any]) -> Any:
    """What is cheap to see of an array: all of a small one, and of a large one some of its numbers."""
    if type(array) is not np.ndarray:  # a matrix, say, whose rows are matrices
        array = array.view(np.ndarray)
    if array.size > LOOKED_AT:
        in_a_row = array.reshape(-1) if array.flags.c_contiguous else array.flat
        return array.shape, array.dtype, in_a_row[:: array.size // LOOKED_AT].tobytes()
    return array.shape, array.dtype, array.tobytes()
