"""Functions of functions: from f to its gradient.

Each transform calls the function on Values, reads the record that this leaves, and applies the chain rule to it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def value_and_grad(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    raise NotImplementedError


def grad(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    raise NotImplementedError
