"""What an operation costs after somebody has read the numbers of its operand, `w.data`, and may write to them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.race import Comparison, compared, times
from benchmarks.workload import OURS

BEFORE = "before w.data"
SIZES = (100, 10_000, 1_000_000)
GOAL = 1.1


def race(rounds: int) -> Iterator[Comparison]:
    """The same product before and after, in turns."""
    import tinygrad_edu as tg

    for size in SIZES:
        w, read = tg.Value(np.ones(size)), tg.Value(np.ones(size))
        read.data.sum()  # in passing
        figures = times({OURS: lambda read=read: read * 2, BEFORE: lambda w=w: w * 2}, rounds)
        yield from compared(f"w * 2 after w.data, {size}", "seconds", figures, {BEFORE: GOAL})
