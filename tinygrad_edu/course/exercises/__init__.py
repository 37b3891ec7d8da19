"""The exercises: of each lesson a module `lesson_NN` with its `EXERCISES`. A new one is found by its name.

What an answer is worth is not known here.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from tinygrad_edu.course.exercise import Exercise
from tinygrad_edu.engine.messages import shortened
from tinygrad_edu.errors import DataError

_PREFIX = "lesson_"


def lessons_with_exercises() -> list[int]:
    """The numbers of the lessons that have any."""
    return sorted(int(found.name.removeprefix(_PREFIX)) for found in iter_modules(__path__) if found.name.startswith(_PREFIX))


def exercises_of(lesson: int) -> Sequence[Exercise]:
    """The exercises of a lesson, in order."""
    if lesson not in lessons_with_exercises():
        return ()
    found: Sequence[Exercise] = import_module(f"{__name__}.{_PREFIX}{lesson:02}").EXERCISES
    return found


def exercise(number: Any) -> Exercise:
    """The exercise with this number.

    Raises
    ------
    DataError: if there is none. It lists those of the lesson.
    """
    if not isinstance(number, str):
        raise DataError(f'the number of an exercise is text, such as "3.2", but is {shortened(number)}.')
    lesson = number.strip().partition(".")[0]
    found = {each.number: each for each in exercises_of(int(lesson))} if lesson.isdecimal() else {}
    if number.strip() in found:
        return found[number.strip()]
    if found:
        raise DataError(f"lesson {lesson} has no exercise {shortened(number)}; it has {', '.join(found)}.")
    numbers = ", ".join(map(str, lessons_with_exercises()))
    raise DataError(f'there is no exercise {shortened(number)}: write "3.2" for the second one of lesson 3. Lessons are {numbers}.')
