"""The programs of one function, by what they were made for. Of too many the least recently used goes."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from tinygrad_edu.compiler.programs import Program
from tinygrad_edu.compiler.surroundings import Surroundings

MOST_SURROUNDINGS = 8
"""How many programs are kept for arguments of one kind, each for what the function found around it when it was recorded."""


class Store:
    """At most `maxsize` programs."""

    def __init__(self, maxsize: int) -> None:
        self._maxsize = maxsize
        self._programs: OrderedDict[Any, list[tuple[Program, Surroundings]]] = OrderedDict()  # what was used last comes last

    def __len__(self) -> int:
        return sum(map(len, self._programs.values()))

    def found(self, key: Any) -> Program | None:
        """The program for arguments of this kind and for what is around the function now."""
        for program, surroundings in self._programs.get(key, ()):
            if surroundings.are_unchanged():
                self._programs.move_to_end(key)
                return program
        return None

    def used(self, key: Any) -> None:
        """Programs for this kind of arguments have been used just now."""
        if key in self._programs:
            self._programs.move_to_end(key)

    def add(self, key: Any, program: Program, surroundings: Surroundings) -> None:
        """Keep a program, which is the one used last."""
        programs = self._programs.setdefault(key, [])
        programs.insert(0, (program, surroundings))
        del programs[MOST_SURROUNDINGS:]
        self._programs.move_to_end(key)
        while len(self) > self._maxsize:
            oldest = next(iter(self._programs))
            self._programs[oldest].pop()
            if not self._programs[oldest]:
                del self._programs[oldest]
