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

from tinygrad_edu.compile.nodes import Node, frozen
from tinygrad_edu.primitives.arithmetic import add
from tinygrad_edu.primitives.indexing import scatter


@dataclass(frozen=True)
class Part:
    """What is added in one place.

    scatters: the summands that are zero elsewhere.
    is_first: whether it is known that nothing but zeros has been there.
    """

    scatters: Sequence[Node]
    is_first: bool

    @property
    def may_repeat(self) -> bool:
        """Whether the place may name an element more than once, so that numbers have to be added one by one."""
        index = self.scatters[0].params.get("index", ())
        static = [part for part in (index if type(index) is tuple else (index,)) if isinstance(part, np.ndarray)]
        positions = [*static, *(part if part.value is None else np.asarray(part.value) for part in self.scatters[0].inputs[1:])]
        masks = sum(part.dtype == bool for part in positions)
        if masks:
            return len(positions) > 1
        # Positions along several axes go in step: if those along one axis all differ, so do all.
        shape = np.broadcast_shapes(*(part.shape for part in positions))
        return bool(positions) and not any(part.shape == shape and _all_differ(part) for part in positions)


def _all_differ(positions: Any) -> bool:
    """Whether that is known, and none is counted from the end."""
    is_known = isinstance(positions, np.ndarray) and positions.size > 0
    return is_known and bool(positions.min() >= 0) and np.unique(positions).size == positions.size


@dataclass(frozen=True)
class Accumulation:
    """A sum that is computed in place.

    whole: its summands that are arrays of its own shape.
    scatters: its summands that are zero but for a part.
    inner: all nodes that are computed on the way, and needed nowhere else.
    """

    whole: Sequence[Node]
    scatters: Sequence[Node]
    inner: Collection[Node]

    @property
    def parts(self) -> list[Part]:
        """The scatters, those to the same place together."""
        at: dict[Any, list[Node]] = {}
        for node in self.scatters:
            assert node.primitive is not None  # whose printed form says how positions that were computed are combined
            at.setdefault((node.primitive.code, frozen(node.params), node.inputs[1:]), []).append(node)
        parts: list[Part] = []
        for scatters in at.values():
            earlier = [_element(part.scatters[0]) for part in parts]
            element = _element(scatters[0])
            is_apart = element is not None and all(
                other is not None and len(other) == len(element) and other != element for other in earlier
            )
            parts.append(Part(scatters, not self.whole and (not earlier or is_apart)))
        return parts


def _element(node: Node) -> tuple[int, ...] | None:
    """The position that a scatter adds to, if it is a known one: along every axis, or along the first."""
    index = node.params.get("index")
    index = index if type(index) is tuple else (index,)
    if not all(type(part) is int for part in index) or len(index) not in (1, len(node.shape)):
        return None
    return tuple(part % length for part, length in zip(index, node.shape, strict=False))


def accumulations(order: Sequence[Node], kept: Collection[Node]) -> dict[Node, Accumulation]:
    """For each sum of a program's nodes, in order, that is better computed in place, what it consists of.

    `kept` are the nodes that must be had by themselves, such as results.
    """
    uses = Counter(part for node in order for part in node.inputs)
    found: dict[Node, Accumulation] = {}
    for node in order:
        if not node.shape or node.operation not in (scatter, add):
            continue
        if node.operation is scatter:
            found[node] = Accumulation([], [node], [])
            continue
        summed = [part for part in node.inputs if part in found and uses[part] == 1 and part not in kept]
        if not summed or not all((part.shape, part.dtype) == (node.shape, node.dtype) for part in node.inputs):
            continue
        within = [found.pop(part) for part in summed]
        found[node] = Accumulation(
            [part for part in node.inputs if part not in summed] + [part for inner in within for part in inner.whole],
            [part for inner in within for part in inner.scatters],
            [part for part, inner in zip(summed, within, strict=True) for part in (*inner.inner, part)],
        )
    return found
