"""Places: what a function keeps from one call to the next, such as a running mean, or draws anew in each, such as a mask.

A function that is called reads and writes them at once. Who records a call in order to repeat it, as the compiler does, is a
`Keeper`: it notes what was read and what was written, so that each later call does so, too.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol

from tinygrad_edu.engine.conversions import numbers_of


@dataclass(frozen=True)
class Place:
    """Where numbers are found at each call, and where some are put. Two are the same if they are by the same name in one owner.

    get: gives an array or number. Its shape and dtype stay the same.
    set: takes one; None where nothing is put.
    like: something of the shape and dtype of what `get` gives, for who wants to know these alone.
    """

    owner: object
    name: str
    get: Callable[[], Any]
    set: Callable[[Any], None] | None
    like: Any

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Place) and self.owner is other.owner and self.name == other.name

    def __hash__(self) -> int:
        return hash((id(self.owner), self.name))


class Keeper(Protocol):
    """Somebody who notes what is read and written."""

    def read(self, place: Place) -> Any:
        """What stands for the numbers of a place."""

    def write(self, place: Place, new: Any) -> None:
        """Something is put there."""


keeper: ContextVar[Keeper | None] = ContextVar("keeper", default=None)


def read(place: Place) -> Any:
    """What is in a place: numbers, or what stands for them while a call is being recorded to be repeated."""
    present = keeper.get()
    return place.get() if present is None else present.read(place)


def write(place: Place, new: Any) -> None:
    """Put numbers, or those of a Value, into a place. No gradient passes through it."""
    present = keeper.get()
    if present is not None:
        present.write(place, new)
    elif place.set is not None:
        place.set(numbers_of(new))
