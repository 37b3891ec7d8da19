"""Whole numbers that move from round to round of a loop: in step, as 3 4 5 6 or 0 1 2 0 1 2 do, or as a table says.

This module knows no node.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

_FEW = 6  # numbers, of which more may be even by chance


class Steps(NamedTuple):
    """A whole number in each round.

    first, step: what it is in round 0, and how much it grows in a round.
    low, around: if `around` is not 0, it goes round: it is one of so many numbers from `low` on.

    >>> [Steps(1, 2).at(r) for r in range(5)], [Steps(2, 1, 1, 3).at(r) for r in range(5)]
    ([1, 3, 5, 7, 9], [2, 3, 1, 2, 3])
    """

    first: int
    step: int
    low: int = 0
    around: int = 0

    def at(self, number: int) -> int:
        """What it is in a round."""
        value = self.first + self.step * number
        return self.low + (value - self.low) % self.around if self.around else value

    @property
    def moves(self) -> bool:
        """Whether it is not the same in all rounds."""
        return self.step != 0

    def with_first(self, number: int) -> Steps:
        """The same with one round more in front."""
        return self._replace(first=number)

    def with_last(self, number: int) -> Steps:
        """The same with one round more at the end."""
        return self

    def plus(self, number: int) -> Steps:
        """Numbers that are larger by so much."""
        return self._replace(first=self.first + number, low=self.low + number if self.around else 0)


class Table(NamedTuple):
    """A whole number in each round, as a table has it: there is no other rule."""

    numbers: tuple[int, ...]

    @property
    def moves(self) -> bool:
        """It is not the same in all rounds."""
        return True

    def at(self, number: int) -> int | None:
        """What it is in a round, if that is known."""
        return self.numbers[number] if 0 <= number < len(self.numbers) else None

    def with_first(self, number: int) -> Table:
        """The same with one round more in front."""
        return Table((number, *self.numbers))

    def with_last(self, number: int) -> Table:
        """The same with one round more at the end."""
        return Table((*self.numbers, number))


Moves = Steps | Table


def steps_of(numbers: Sequence[int]) -> Steps | None:
    """How numbers move from round to round, if they grow evenly, or do so until they start again.

    >>> steps_of([0, 1, 2, 3]), steps_of([2, 1, 0, 2, 1, 0]), steps_of([2, 4, 8])
    (Steps(first=0, step=1, low=0, around=0), Steps(first=2, step=-1, low=0, around=3), None)
    """
    differences = dict.fromkeys(b - a for a, b in pairwise(numbers))
    step, *others = sorted(differences, key=abs) or [0]
    if not others:
        return Steps(numbers[0], step)
    steps = Steps(numbers[0], step, min(numbers), abs(step - others[0]))
    is_plain = len(others) == 1 and (abs(step) == 1 or steps.around > 2 * abs(step))  # and no to and fro
    return steps if is_plain and all(steps.at(r) == number for r, number in enumerate(numbers)) else None


def table_of(numbers: Sequence[int]) -> Table | None:
    """A table of the numbers, if there is no rule even but for the first or the last of many."""
    is_even_but_for_one = len(numbers) > _FEW and (steps_of(numbers[1:]) or steps_of(numbers[:-1]))
    return None if is_even_but_for_one else Table(tuple(numbers))
