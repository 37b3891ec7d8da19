"""The comparisons as a table in Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.race import Comparison

HEADER = ("work", "against", "ours", "theirs", "ours / theirs", "goal", "reached")


def table(comparisons: Sequence[Comparison]) -> str:
    """One row a comparison, columns aligned."""
    rows = [HEADER, *(_row(comparison) for comparison in comparisons)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows]
    return "\n".join([lines[0], "| " + " | ".join("-" * width for width in widths) + " |", *lines[1:]])


def _row(comparison: Comparison) -> tuple[str, ...]:
    show = duration if comparison.measure == "seconds" else _megabytes
    goal = "" if comparison.goal is None else f"≤ {comparison.goal}"
    reached = {None: "", True: "yes", False: "no"}[comparison.reached]
    ours, theirs, ratio = show(comparison.ours), show(comparison.theirs), f"{comparison.ratio:.2f}"
    return (comparison.workload, comparison.other, ours, theirs, ratio, goal, reached)


def duration(seconds: float) -> str:
    """`4.2 µs`."""
    return f"{seconds * 1e6:.1f} µs" if seconds < 0.1 else f"{seconds:.2f} s"


def _megabytes(size: float) -> str:
    return f"{size / 2**20:.0f} MB"
