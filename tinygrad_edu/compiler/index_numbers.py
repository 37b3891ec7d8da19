"""The whole numbers in an index, which may be others in each round of a loop: the places in `x[0, :]`, and where `x[2:5]` begins.

This module knows indices, and no node.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_edu.compiler.ir import frozen
from tinygrad_edu.primitives.indexing import GIVEN, Run, as_static


def numbers_in(index: Any) -> tuple[int, ...]:
    """The numbers.

    >>> numbers_in((3, slice(0, 2))), numbers_in((slice(None), slice(2, 5)))
    ((3,), (2,))
    """
    return tuple(int(part if _is_place(part) else part.start) for part, is_number in _parts(index) if is_number)


def without_numbers(index: Any) -> Any:
    """What indices have in common that differ in these numbers alone: `x[0, :]` and `x[1, :]`, `x[2:5]` and `x[3:6]`."""
    parts = ((run_of(part) or "number") if is_number else frozen(part) for part, is_number in _parts(index))
    return type(index) is tuple, *parts


def with_numbers(index: Any, numbers: Sequence[int | None]) -> tuple[Any, ...]:
    """The index with other numbers, as a tuple.

    >>> with_numbers(slice(2, 5), [7])
    (slice(7, 10, None),)
    """
    remaining = iter(numbers)
    return tuple(_moved(part, next(remaining)) if is_number else part for part, is_number in _parts(index))


def with_inputs(index: Any, are_inputs: Sequence[bool]) -> tuple[Any, ...]:
    """The parts of the index for `gather_and_spread`, where some of the numbers are inputs."""
    remaining = iter(are_inputs)
    return tuple((run_of(part) or GIVEN) if is_number and next(remaining) else as_static(part) for part, is_number in _parts(index))


def run_of(part: Any) -> Run | None:
    """Elements that follow each other, of which it is known how many they are."""
    if not isinstance(part, slice) or type(part.start) is not int or type(part.stop) is not int or part.step not in (None, 1):
        return None
    return Run(part.stop - part.start) if 0 <= part.start < part.stop else None


def _is_place(part: Any) -> bool:
    return type(part) is int or isinstance(part, np.integer)


def _moved(part: Any, number: Any) -> Any:
    run = run_of(part)
    return slice(number, number + run.length) if run else number


def _parts(index: Any) -> list[tuple[Any, bool]]:
    """The parts of an index, and whether they have such a number: of slices one alone, beside no place."""
    parts = index if type(index) is tuple else (index,)
    are_numbers = list(map(_is_place, parts))
    if not any(are_numbers):
        are_runs = [run_of(part) is not None for part in parts]
        are_numbers = are_runs if sum(are_runs) == 1 else are_numbers
    return list(zip(parts, are_numbers, strict=True))
