"""Sums of arrays that are zero but for a part of them: made once, after which each part is added in its place.

The gradient for x of what was computed from x[:-1] and x[1:] is such a sum, of one `scatter` for each part. This module knows
nodes, and not how they are written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_edu.compile.nodes import Node


@dataclass(frozen=True)
class Accumulation:
    """A sum that is computed in place.

    whole: its summands that are arrays of its own shape.
    parts: its summands that are scattered into zeros.
    inner: all nodes that are computed on the way, and needed nowhere else.
    """

    whole: Sequence[Node]
    parts: Sequence[Node]
    inner: Collection[Node]


def accumulations(order: Sequence[Node], kept: Collection[Node]) -> dict[Node, Accumulation]:
    """For each sum of a program's nodes, in order, that is better computed in place, what it consists of.

    `kept` are the nodes that must be had by themselves, such as results.
    """
    uses = Counter(part for node in order for part in node.inputs)
    found: dict[Node, Accumulation] = {}
    for node in order:
        if not node.shape or node.operation not in ("scatter", "add"):
            continue
        if node.operation == "scatter":
            found[node] = Accumulation([], [node], [])
            continue
        summed = [part for part in node.inputs if part in found and uses[part] == 1 and part not in kept and _alike(part, node)]
        if not summed or not all(_alike(part, node) for part in node.inputs):
            continue
        within = [found.pop(part) for part in summed]
        found[node] = Accumulation(
            [part for part in node.inputs if part not in summed] + [part for inner in within for part in inner.whole],
            [part for inner in within for part in inner.parts],
            [part for part, inner in zip(summed, within, strict=True) for part in (*inner.inner, part)],
        )
    return found


def _alike(part: Node, node: Node) -> bool:
    return (part.shape, part.dtype) == (node.shape, node.dtype)


def names_an_element_twice(scatter: Node) -> bool:
    """Whether the places that a scatter adds to may name an element more than once, so that it has to add one by one."""
    index = scatter.params.get("index", ())
    static = [part for part in (index if type(index) is tuple else (index,)) if isinstance(part, np.ndarray)]
    positions = [*static, *(part if part.value is None else np.asarray(part.value) for part in scatter.inputs[1:])]
    if all(part.dtype == bool for part in positions) and len(positions) < 2:
        return False
    if any(part.dtype == bool for part in positions):
        return True
    # Positions along several axes go in step: if those along one axis all differ, so do all.
    shape = np.broadcast_shapes(*(part.shape for part in positions))
    return not any(part.shape == shape and _all_differ(part) for part in positions)


def _all_differ(positions: Any) -> bool:
    """Whether that is known, and none is counted from the end."""
    is_known = isinstance(positions, np.ndarray) and positions.size > 0
    return is_known and bool(positions.min() >= 0) and np.unique(positions).size == positions.size
