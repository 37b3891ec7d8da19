"""Arguments that belong to the program: what makes them equal to others, for which there is the same program."""

from __future__ import annotations

import dataclasses
import sys
from typing import Any

import numpy as np

from tinygrad_edu.compiler.ir import frozen
from tinygrad_edu.engine.value import Value


class _Same:
    """Equal to itself alone, and to another of the same thing."""

    def __init__(self, thing: Any) -> None:
        self._thing = thing

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other._thing is self._thing

    def __hash__(self) -> int:
        return id(self._thing)


def what_it_is(x: Any) -> Any:
    """What is static in a form that can be looked up: numbers, text and what is made of them by value, a user's objects as such."""
    if isinstance(x, frozenset):
        return frozenset, frozenset(map(what_it_is, x))
    if isinstance(x, tuple | list):
        return type(x), *map(what_it_is, x)
    if dataclasses.is_dataclass(x) and not isinstance(x, type) and x.__hash__ is not None:
        return type(x), *(what_it_is(getattr(x, field.name)) for field in dataclasses.fields(x))
    is_known = type(x).__module__.partition(".")[0] in (*sys.stdlib_module_names, "numpy") and type(x).__module__ != "__main__"
    return (type(x), frozen(x)) if is_known and not callable(x) else _Same(x)


def is_always_like_itself(x: Any) -> bool:
    """Whether the same object is the same static thing at any time: it counts as such, or cannot be changed."""
    form = what_it_is(x)
    if isinstance(form, _Same):
        return True
    kept = form[1] if len(form) == 2 else None
    return isinstance(kept, tuple) and len(kept) == 2 and kept[1] is x and type(x).__hash__ is not None


def as_number(x: Any) -> Any:
    """A number as one of Python's or NumPy's, if it is of a type of the user's own; all else as it is."""
    if isinstance(x, np.generic | Value) or not isinstance(x, float | int) or type(x) in (float, int):
        return x
    return float(x) if isinstance(x, float) else int(x)
