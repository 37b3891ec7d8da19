"""The programs of one function, by what they were made for. Of too many the least recently used goes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from tinygrad_edu.compiler.programs import Program
from tinygrad_edu.compiler.surroundings import Surroundings

MOST_SURROUNDINGS = 8
"""How many programs are kept for arguments of one kind, each for what the function found around it when it was recorded."""


class Use:
    """When something was used last: a number that grows from one use to the next."""

    def __init__(self) -> None:
        self.last = -1


@dataclass(eq=False)
class Kept:
    """A program, what was around the function when it was recorded, and when it was used last."""

    program: Program
    surroundings: Surroundings
    use: Use = field(default_factory=Use)


class Store:
    """At most `maxsize` programs."""

    def __init__(self, maxsize: int) -> None:
        self._maxsize, self._uses = maxsize, count()
        self._programs: dict[Any, list[Kept]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._programs.values()))

    def __iter__(self) -> Iterator[Kept]:
        return (kept for programs in self._programs.values() for kept in programs)

    def found(self, key: Any) -> Kept | None:
        """The program for arguments of this kind and for what is around the function now."""
        return next((kept for kept in self._programs.get(key, ()) if kept.surroundings.are_unchanged()), None)

    def note(self, use: Use) -> None:
        """It is the last one."""
        use.last = next(self._uses)

    @property
    def is_full(self) -> bool:
        """Whether one has to go where another is added."""
        return len(self) == self._maxsize

    def add(self, key: Any, kept: Kept) -> None:
        """Keep a program, which is the one used last."""
        self.note(kept.use)
        programs = self._programs.setdefault(key, [])
        programs.insert(0, kept)
        del programs[MOST_SURROUNDINGS:]
        if len(self) > self._maxsize:
            oldest = min(self, key=lambda each: each.use.last)
            self._programs = {
                key: left for key, programs in self._programs.items() if (left := [x for x in programs if x is not oldest])
            }
