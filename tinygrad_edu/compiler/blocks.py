"""Which parts of a program are worth running in blocks: large elementwise computations, whose temporaries then stay in the cache.

Nodes are dealt into stages. In each stage first everything else is computed, whole, and then what can run in blocks: elementwise
operations on large arrays of one length, and sums of their results. This module knows nodes, and not how they are written.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from tinygrad_edu.compiler.ir import IRNode, is_elementwise
from tinygrad_edu.compiler.probing import may_give_a_view
from tinygrad_edu.primitives import reductions
from tinygrad_edu.primitives.broadcasting import cast

BLOCK = 32768
"""How many numbers a block has: a few arrays of so many fit into a core's own cache. Only what is larger is worth it."""


@dataclass(frozen=True)
class Region:
    """Nodes that are computed together, block by block along their first axis.

    nodes: in order; sums of some of them are among them.
    length, ndim: of the first axis, and the number of axes.
    rows: how many steps along the first axis make a block.
    stored: the nodes that are needed outside of the region, whole.
    """

    nodes: list[IRNode]
    length: int
    ndim: int
    rows: int
    stored: set[IRNode]

    @property
    def outside(self) -> list[IRNode]:
        """What is needed that is computed elsewhere."""
        used = dict.fromkeys(part for node in self.nodes for part in node.inputs)
        return [part for part in used if part not in self.nodes]

    def is_sliced(self, node: IRNode) -> bool:
        """Whether a block needs only a part of an array that is computed elsewhere."""
        return len(node.shape) == self.ndim and node.shape[0] == self.length


def arranged(order: Sequence[IRNode], outputs: Sequence[IRNode], whole: Collection[IRNode] = ()) -> list[IRNode | Region]:
    """The nodes of a program, given each after its inputs, with regions in place of those that run in blocks.

    `whole` are nodes that are computed as whole arrays in any case.
    """
    stages: dict[IRNode, int] = {}
    kinds: dict[IRNode, tuple[int, int] | None] = {}
    for node in order:
        kinds[node] = None if node in whole else _kind(node, kinds)
        stages[node] = max((_after(part, node, kinds, stages) for part in node.inputs if part in stages), default=0)
    users: dict[IRNode, list[IRNode]] = {node: [] for node in order}
    for node in order:
        for part in node.inputs:
            users.setdefault(part, []).append(node)
    arrangement: list[IRNode | Region] = []
    for stage in sorted(set(stages.values())):
        together: dict[tuple[int, int], list[IRNode]] = {}
        for node in order:
            kind = kinds[node]
            if stages[node] == stage and kind is None:
                arrangement.append(node)
            elif stages[node] == stage and kind is not None:
                together.setdefault(kind, []).append(node)
        for nodes in together.values():
            region = _region(nodes, users, set(outputs))
            arrangement += [region] if len(nodes) > 1 else nodes
    return arrangement


def _kind(node: IRNode, kinds: dict[IRNode, tuple[int, int] | None]) -> tuple[int, int] | None:
    """The number of axes and the length of the first one for what can run in blocks, else None."""
    if node.primitive is None or node.dtype == np.float16:  # which np.mean adds up with more precision
        return None
    if is_sum(node):
        return kinds.get(node.inputs[0])
    makes_anew = node.operation is cast or (is_elementwise(node.primitive) and not may_give_a_view(node.primitive))
    if math.prod(node.shape) <= BLOCK or not makes_anew:  # a view of a buffer would change with it
        return None
    return len(node.shape), node.shape[0]


def is_sum(node: IRNode) -> bool:
    """Whether it is the sum, or mean, over all axes or the first one: a sum of those of the blocks."""
    return node.operation in (reductions.sum, reductions.mean) and node.params in ({}, {"axis": 0})


def _after(part: IRNode, node: IRNode, kinds: dict[IRNode, tuple[int, int] | None], stages: dict[IRNode, int]) -> int:
    """The first stage in which `node` can use `part`."""
    in_same_region = kinds[part] is not None and kinds[part] == kinds[node] and not is_sum(part)
    return stages[part] + (kinds[part] is not None and not in_same_region)


def _region(nodes: list[IRNode], users: dict[IRNode, list[IRNode]], outputs: set[IRNode]) -> Region:
    inside = set(nodes)
    stored = {node for node in nodes if node in outputs or is_sum(node) or not inside.issuperset(users[node])}
    first = next((node for node in nodes if not is_sum(node)), nodes[0].inputs[0])
    rows = max(1, BLOCK // math.prod(first.shape[1:]))
    return Region(nodes, first.shape[0], len(first.shape), rows, stored)
