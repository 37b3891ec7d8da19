"""How much of a large grid the tests try: a sample by default, all of it with EXHAUSTIVE=1 in the environment."""

import os
import random
from collections.abc import Sequence
from typing import TypeVar

EXHAUSTIVE = os.environ.get("EXHAUSTIVE") == "1"
Point = TypeVar("Point")


def sampled(points: Sequence[Point], count: int) -> list[Point]:
    """So many points of a grid, the same ones each time; all of them in the exhaustive profile."""
    return list(points) if EXHAUSTIVE or len(points) <= count else random.Random(0).sample(points, count)
