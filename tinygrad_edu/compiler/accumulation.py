"""Sums of arrays that are zero but for a part of them: made once, after which each part is added in its place.

The gradient for x of what was computed from x[:-1] and x[1:] is such a sum, of one `scatter` for each part. This module knows
nodes, and not how they are written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_edu.compiler.ir import IRNode, frozen
from tinygrad_edu.primitives.arithmetic import add
from tinygrad_edu.primitives.indexing import scatter

_MOST_SUMMANDS = 20


@dataclass(frozen=True)
class Part:
    """What is added in one place.

    scatters: the summands that are zero elsewhere.
    is_first: whether it is known that nothing but zeros has been there.
    """

    scatters: Sequence[IRNode]
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
        # Positions along several axes go in step: if those along one axis all differ, so do all. One alone is there once.
        shape = np.broadcast_shapes(*(part.shape for part in positions))
        if shape == ():
            return False
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

    whole: Sequence[IRNode]
    scatters: Sequence[IRNode]
    inner: Collection[IRNode]

    @property
    def parts(self) -> list[Part]:
        """The scatters, those to the same place together, but not too many of them."""
        at: dict[Any, list[IRNode]] = {}
        for node in self.scatters:
            assert node.primitive is not None  # whose printed form says how positions that were computed are combined
            at.setdefault((node.primitive.code, frozen(node.params), node.inputs[1:]), []).append(node)
        parts: list[Part] = []
        elements: set[tuple[int, ...] | None] = set()
        lengths: set[int] = set()
        for scatters in at.values():
            element = _element(scatters[0])
            is_known = element is not None and lengths <= {len(element)}
            is_apart = not elements or (is_known and element not in elements and None not in elements)
            elements.add(element)
            lengths.add(len(element or ()))
            for number, some in enumerate(few_at_a_time(scatters)):
                parts.append(Part(some, not number and not self.whole and is_apart))
        return parts


def few_at_a_time(summands: Sequence[IRNode]) -> Iterator[Sequence[IRNode]]:
    """As many summands as a line may add up. Longer ones nobody reads, and Python does not, either: it recurses over them."""
    return (summands[start : start + _MOST_SUMMANDS] for start in range(0, len(summands), _MOST_SUMMANDS))


def _element(node: IRNode) -> tuple[int, ...] | None:
    """The position that a scatter adds to, if it is a known one: along every axis, or along the first."""
    index = node.params.get("index")
    index = index if type(index) is tuple else (index,)
    if not all(type(part) is int for part in index) or len(index) not in (1, len(node.shape)):
        return None
    return tuple(part % length for part, length in zip(index, node.shape, strict=False))


def accumulations(order: Sequence[IRNode], kept: Collection[IRNode]) -> dict[IRNode, Accumulation]:
    """For each sum of a program's nodes, in order, that is better computed in place, what it consists of.

    `kept` are the nodes that must be had by themselves, such as results.
    """
    uses = Counter(part for node in order for part in node.inputs)
    summed: dict[IRNode, list[IRNode]] = {}  # for each scatter, and each sum of such, the parts of it that are needed nowhere else
    for node in order:
        if node.shape and node.operation is scatter:
            summed[node] = []
        elif node.shape and node.operation is add and all(_is_like(part, node) for part in node.inputs):
            parts = [part for part in node.inputs if part in summed and uses[part] == 1 and part not in kept]
            if parts:
                summed[node] = parts
    inner = {part for parts in summed.values() for part in parts}
    return {node: _gathered(node, summed) for node in summed if node not in inner}


def _is_like(part: IRNode, node: IRNode) -> bool:
    return part.shape == node.shape and bool(part.dtype == node.dtype)


def _gathered(node: IRNode, summed: Mapping[IRNode, Sequence[IRNode]]) -> Accumulation:
    """What a sum consists of."""
    whole: list[IRNode] = []
    scatters: list[IRNode] = []
    visited: list[IRNode] = []
    to_visit = [node]
    while to_visit:
        part = to_visit.pop()
        visited.append(part)
        if part.operation is scatter:
            scatters.append(part)
        else:
            whole += [other for other in part.inputs if other not in summed[part]]
            to_visit += reversed(summed[part])
    return Accumulation(whole, scatters, visited[1:])
