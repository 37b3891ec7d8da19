"""What a classic is: a function, its gradient by hand, and numbers to try both with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import tinygrad_edu as tg


@dataclass(frozen=True)
class Classic:
    """A function and its derivation.

    title: what it is called.
    function: takes parameters and data, and returns a number.
    by_hand: takes the same and returns the number and the gradients for the parameters, as an expert would program it in NumPy.
    parameters: how many of the arguments, from the first, are differentiated.
    arguments: numbers to try them with.
    remark: why the derived source is longer, or what is to be seen in it; Markdown.
    """

    title: str
    function: Callable[..., Any]
    by_hand: Callable[..., Any]
    parameters: int
    arguments: tuple[Any, ...]
    remark: str = ""

    @cached_property
    def derived(self) -> Any:
        """The function and its gradients as a compiled program."""
        return tg.compile(self.eager)

    @property
    def eager(self) -> Callable[..., Any]:
        """The same, not compiled."""
        return tg.value_and_grad(self.function, tuple(range(self.parameters)))
