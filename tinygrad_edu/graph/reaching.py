"""What is reached from some things, step by step: the one walk over graphs that needs no order of its own."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import TypeVar

Thing = TypeVar("Thing", bound=Hashable)


def reached(start: Iterable[Thing], further: Callable[[Thing], Iterable[Thing]]) -> Iterator[Thing]:
    """The things, what each leads `further` to, and so on: each once, the nearest first. Nothing recurses.

    >>> list(reached([10], lambda n: [n // 2, n // 3] if n else []))
    [10, 5, 3, 2, 1, 0]
    """
    found = dict.fromkeys(start)
    waiting = list(found)
    for thing in waiting:  # which grows while it is walked
        yield thing
        for other in further(thing):
            if other not in found:
                found[other] = None
                waiting.append(other)
