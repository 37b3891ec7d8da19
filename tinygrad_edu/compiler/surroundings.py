"""What a function uses without getting it as an argument: what it closes over, global names, and what it finds on `self`.

A program does what the function did in one run, so it is right for as long as these things are what they were. They are found by
reading the function's code, and that of the functions and methods it names; libraries are taken to stay as they are, but not what
is kept in their objects. Nothing of the user's is called. This module knows functions, and nothing of how they are recorded.
"""

from __future__ import annotations

import enum
import functools
import re
import sys
from array import array as packed_array
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from operator import is_
from os import sep
from types import CodeType, FunctionType, MemberDescriptorType, MethodType, ModuleType
from typing import Any

import numpy as np

from tinygrad_edu.compiler.keeping import is_filled
from tinygrad_edu.engine.messages import GENERATED, NUMPY, PACKAGE, STANDARD
from tinygrad_edu.engine.value import Value
from tinygrad_edu.graph.reaching import reached
from tinygrad_edu.primitives.primitive import Primitive

LOOKED_AT = 1024
"""How many numbers of an array, and how many parts of a list or dict, are looked at. Of an array these are evenly spaced."""

_INSTALLED = re.compile(r".*[/\\](site|dist)-packages[/\\]\w+")
_PLAIN = (bool, int, float, complex, str, bytes)
_CONTAINERS = (tuple, list, dict, set, frozenset, deque)


class Surroundings:
    """The things that functions use, as they are now.

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

    def __init__(self, f: Any, *others: Any) -> None:
        self._looks: list[tuple[Callable[[], Any], Any]] = []  # what finds a thing, and the thing that was found
        self._names: set[str] = set()
        self._home = _home_of(f)
        known = None
        while self._names != known:  # a method found on an object may use further names
            known = set(self._names)
            self._look_around([f, *others])

    def __bool__(self) -> bool:
        return bool(self._looks)

    def are_unchanged(self) -> bool:
        """Whether the same things are in the same places. Numbers and text may be others that are equal."""
        try:
            for look, seen in self._looks:
                found = look()
                if found is not seen and not _are_equal(found, seen):
                    return False
        except ValueError:  # a variable has been deleted
            return False
        return True

    def without_what_changed(self) -> Surroundings:
        """Those that are still as they were: what a function changes in each run, a count of its calls, say, tells nothing."""
        self._looks = [(look, seen) for look, seen in self._looks if _finds(look, seen)]
        return self

    # --- looking around ------------------------------------------------------------------------------------------------------

    def _look_around(self, roots: Sequence[Any]) -> None:
        self._looks.clear()
        things, seen = list(roots), set(map(id, roots))
        for thing in things:  # which grows while it is walked
            for further in self._around(thing):
                if id(further) not in seen and not _is_a(further, *_PLAIN, np.generic, Value, type(None)):
                    seen.add(id(further))
                    things.append(further)

    def _around(self, thing: Any) -> Iterator[Any]:
        """What a thing leads to; where it might lead to something else one day is noted."""
        if _is_a(thing, FunctionType):
            yield from self._around_function(thing)
        elif _is_a(thing, MethodType):
            yield from (thing.__func__, thing.__self__)
        elif _is_a(thing, partial):
            yield from (thing.func, thing.args, thing.keywords)
        elif _is_a(thing, staticmethod, classmethod):
            yield thing.__func__
        elif _is_a(thing, property):
            yield thing.fget
        elif _is_a(thing, Primitive):
            yield from (thing.forward, thing.vjps)
        elif _is_a(thing, ModuleType):
            if not self._is_of_library(thing.__name__, thing):
                yield from self._noted(vars(thing), self._names & vars(thing).keys())
        elif _is_a(thing, type):
            yield from self._on_classes(thing)
        else:
            yield from self._around_object(thing)

    def _around_object(self, thing: Any) -> Iterator[Any]:
        """What an object consists of, and what is found on it by name."""
        if _is_a(thing, np.ndarray, packed_array, bytearray):
            self._looks.append((partial(_looks_like, thing, _look_of(thing)), True))
            if _is_a(thing, np.ndarray) and thing.dtype == object:
                yield from thing.flat
        elif _is_a(thing, *_CONTAINERS):
            parts = _parts_of(thing)
            if type(thing) in (list, dict) and not parts:  # as the keywords of a `partial` are, at each call
                self._looks.append((thing.__len__, 0))
            elif not _is_a(thing, tuple, frozenset):
                self._looks.append((partial(_has_parts, thing, parts), True))
            yield from parts
        kind = type(thing)
        if kind in _CONTAINERS or kind.__module__.startswith("numpy"):
            return
        own = _attributes(thing)
        if own is not None:
            self._looks.append((own.__len__, len(own)))  # there may be an attribute one day that was not there
            is_librarys = self._is_of_library(kind.__module__, kind) or issubclass(kind, enum.Enum)
            yield from self._noted(own, own.keys() if is_librarys else self._names & own.keys())
        yield kind
        for each in kind.__mro__:
            slots = {} if self._is_of_library(each.__module__, each) else vars(each)
            for name in sorted(self._names & slots.keys()):
                if isinstance(slots[name], MemberDescriptorType):
                    self._looks.append((partial(_in_slot, slots[name], thing), _in_slot(slots[name], thing)))
                    yield self._looks[-1][1]

    def _around_function(self, function: FunctionType) -> Iterator[Any]:
        yield getattr(function, "__wrapped__", None)
        if function.__code__.co_filename.startswith(GENERATED):  # it was compiled, and does what is behind it, whatever it records
            return
        yield from (function.__defaults__, function.__kwdefaults__)
        is_own = function.__code__.co_filename.startswith(PACKAGE)  # a transform, say, around a function of the user's
        for cell in filter(is_filled, function.__closure__ or ()):
            if not is_own:
                self._looks.append((partial(getattr, cell, "cell_contents"), cell.cell_contents))
            yield cell.cell_contents
        if not self._is_in_library(function.__code__.co_filename):
            names = set(_names_in(function.__code__))
            self._names |= names
            yield from self._noted(function.__globals__, names & function.__globals__.keys())
            yield from self._noted(vars(function), self._names & vars(function).keys())
            yield from (sys.modules[name] for name in sorted(names & sys.modules.keys()))  # which it imports itself

    def _on_classes(self, owner: type) -> Iterator[Any]:
        """The attributes of a class and of those that it inherits from. Methods that Python calls by itself are among them.

        Each is noted on all of these classes: one day it may be found on an earlier one.
        """
        classes = [each for each in owner.__mro__ if not self._is_of_library(each.__module__, each)]
        special = {name for each in classes for name, x in vars(each).items() if name.startswith("__") and _is_a(x, FunctionType)}
        self._names.update(name for each in classes for name in vars(each).get("__match_args__", ()))
        names = (self._names | special).intersection(name for each in classes for name in vars(each))
        for each in classes:
            yield from self._noted(vars(each), names)

    def _noted(self, namespace: Mapping[str, Any], names: Iterable[str]) -> Iterator[Any]:
        for name in sorted(names):
            thing: Any = namespace.get(name)
            if _is_a(thing, functools.cached_property):
                yield thing.func
            if not _is_a(thing, ModuleType):
                self._looks.append((partial(namespace.get, name), thing))
            yield thing

    def _is_of_library(self, name: str, thing: Any) -> bool:
        """Whether a module of this name, or what was defined in it, is no code of the user's."""
        if name.partition(".")[0] in sys.stdlib_module_names and name != "__main__":
            return True
        module = thing if isinstance(thing, ModuleType) else sys.modules.get(name)
        file = getattr(module, "__file__", None)
        return file is not None and self._is_in_library(file)

    def _is_in_library(self, file: str) -> bool:
        is_librarys = file.startswith((PACKAGE, NUMPY, STANDARD)) or bool(_INSTALLED.match(file))
        return is_librarys and not (self._home and file.startswith(self._home))


def _home_of(f: Any) -> str:
    """The folder of the package that a function belongs to, if it has been installed among libraries."""
    while _is_a(f, partial):
        f = f.func
    while _is_a(f, FunctionType) and hasattr(f, "__wrapped__"):
        f = f.__wrapped__
    code = getattr(f.__func__ if _is_a(f, MethodType) else f, "__code__", None) if _is_a(f, FunctionType, MethodType) else None
    installed = _INSTALLED.match(code.co_filename) if code else None
    return installed[0] + sep if installed and not installed[0].startswith(NUMPY[:-1]) else ""


def _names_in(code: CodeType) -> Iterator[str]:
    """The global names and attributes that some code uses, and the functions that are defined in it."""
    for each in reached([code], lambda each: (part for part in each.co_consts if isinstance(part, CodeType))):
        yield from each.co_names
        for constant in each.co_consts:
            if isinstance(constant, tuple):  # the attributes in a pattern of `match`
                yield from (name for name in constant if isinstance(name, str))


def _is_a(thing: Any, *types: type) -> bool:
    """Whether a thing is of a type. Unlike isinstance() it asks nothing of the thing itself."""
    return issubclass(type(thing), types)


def _attributes(thing: Any) -> Mapping[str, Any] | None:
    """The attributes of an object's own, if it can have any."""
    return object.__getattribute__(thing, "__dict__") if type(thing).__dictoffset__ else None


def _in_slot(slot: Any, owner: Any) -> Any:
    try:
        return slot.__get__(owner, type(owner))
    except AttributeError:  # it is empty
        return None


def _finds(look: Callable[[], Any], seen: Any) -> bool:
    try:
        return look() is seen
    except ValueError:  # a variable has been deleted
        return False


def _parts_of(container: Any) -> list[Any]:
    """The parts of a list or dict, or the first of many. A subclass may have ways of its own, which are not asked."""
    if _is_a(container, dict):
        return [*islice(dict.keys(container), LOOKED_AT), *islice(dict.values(container), LOOKED_AT)]
    kind = next(kind for kind in _CONTAINERS if _is_a(container, kind))
    return list(islice(kind.__iter__(container), LOOKED_AT))


def _has_parts(container: Any, parts: Sequence[Any]) -> bool:
    present = _parts_of(container)
    if len(present) != len(parts):
        return False
    return all(map(is_, present, parts)) or all(a is b or _are_equal(a, b) for a, b in zip(present, parts, strict=True))


def _are_equal(a: Any, b: Any) -> bool:
    """Whether two things are the same number or text; 1 is not 1.0, nor 0.0 what -0.0 is."""
    return type(a) is type(b) and type(a) in _PLAIN and a == b and repr(a) == repr(b)


def _looks_like(array: Any, look: Any) -> bool:
    return bool(_look_of(array) == look)


def _look_of(array: Any) -> Any:
    """What is cheap to see of an array: all of a small one, and of a large one some of its numbers."""
    if type(array) is not np.ndarray:  # a matrix, say, whose rows are matrices
        array = array.view(np.ndarray) if _is_a(array, np.ndarray) else np.frombuffer(array, np.uint8).copy()
    if array.size > LOOKED_AT:
        in_a_row = array.reshape(-1) if array.flags.c_contiguous else array.flat
        step = array.size // LOOKED_AT | 1  # odd, so that it does not meet the same column of each row
        return array.shape, array.dtype, in_a_row[::step].tobytes()
    return array.shape, array.dtype, array.tobytes()
