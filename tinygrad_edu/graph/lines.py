"""What belongs to a user's function: its code, and what is defined within it; and its source.

This module knows functions, and not what they compute.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from functools import partial
from types import CodeType, FunctionType, MethodType
from typing import Any


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


def source_of(f: Callable[..., Any]) -> tuple[list[str], int]:
    """The lines of a function, and the number that the first of them has in its file; no lines where it has none."""
    function = users_function(f)
    try:
        return inspect.getsourcelines(function) if function else ([], 0)
    except (OSError, TypeError):
        return [], 0
