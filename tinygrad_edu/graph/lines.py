"""What belongs to a user's function: its code, and what is defined within it; and its source.

This module knows functions, and not what they compute.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import CodeType, FunctionType, MethodType
from typing import Any

from tinygrad_edu.engine.value import Value


def users_function(f: Callable[..., Any]) -> FunctionType | None:
    """The function in which the code of `f` is written: behind transforms and decorators, a partial function, a method, or an
    object that can be called. None if it is not written in Python.

    >>> import numpy as np, tinygrad_edu as tg
    >>> def loss(theta):
    ...     return theta**2
    >>> users_function(tg.grad(partial(loss))) is loss, users_function(np.tanh)
    (True, None)
    """
    found: Any = f
    for _ in range(100):  # some objects answer any question with themselves
        if isinstance(found, MethodType | partial):
            found = found.__func__ if isinstance(found, MethodType) else found.func
        elif hasattr(found, "__wrapped__"):
            found = found.__wrapped__
        elif isinstance(found, FunctionType):
            return found
        else:
            found = inspect.getattr_static(type(found), "__call__", None)
    return None


def codes_of(f: Callable[..., Any]) -> frozenset[CodeType]:
    """The code of a function, and of all that is defined within it."""
    function = users_function(f)
    return frozenset(_within(function.__code__)) if function else frozenset()


def _within(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _within(constant)


@dataclass(frozen=True)
class Origin:
    """The source of a user's function, and what was computed in which line of it.

    lines, first: the lines, and the number that the first one has in its file.
    numbers: for Values, by their serial numbers, that of their line in the file.
    """

    lines: Sequence[str]
    first: int
    numbers: Mapping[int, int | None]

    @property
    def shown(self) -> list[str]:
        """The lines, as they would be at the left margin."""
        return textwrap.dedent("".join(self.lines)).splitlines()

    def line_of(self, value: Value) -> int | None:
        """The line of a Value, counted from 0."""
        number = self.numbers.get(value.serial)
        return None if number is None or not self.lines else number - self.first


def source_of(f: Callable[..., Any]) -> tuple[list[str], int]:
    """The lines of a function, and the number that the first of them has in its file; no lines where it has none."""
    function = users_function(f)
    try:
        return inspect.getsourcelines(function) if function else ([], 0)
    except (OSError, TypeError):
        return [], 0
