"""From the graph as it was traced to the simplest one that computes the same.

Each node is made anew from its simplified inputs (`building`), and once all are, some are said in a better way. What is then not
needed for an output is gone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from tinygrad_edu.compiler.building import Builder
from tinygrad_edu.compiler.identities import EXPANSIONS, FINISHING
from tinygrad_edu.compiler.ir import IRNode, is_number, is_ordinary
from tinygrad_edu.compiler.loops import rebuilt, uses_of
from tinygrad_edu.primitives import arithmetic, reductions

WORTH_EXPANDING = 2000
"""How many numbers an array must have for a few more, but faster, operations on it to pay."""


def simplified(outputs: Sequence[IRNode]) -> dict[IRNode, IRNode]:
    """For each traced node that outputs depend on the simplest node that computes it.

    >>> import numpy as np
    >>> from tinygrad_edu.compiler.ir import IRGraph
    >>> graph = IRGraph()
    >>> x = graph.input("x", (), np.dtype(float))
    >>> doubled = graph.apply(arithmetic.add, (x, graph.apply(arithmetic.multiply, (x, graph.constant(1.0)))))
    >>> simpler = simplified([doubled])[doubled]
    >>> simpler, simpler.inputs
    (multiply, (2, x))
    """
    builder = Builder(outputs)
    new = rebuilt(outputs, builder.rebuilt)
    finished = _finished(builder, [new[output] for output in outputs])
    return {old: finished.get(node, node) for old, node in new.items()}


def expanded(outputs: Sequence[IRNode]) -> dict[IRNode, IRNode]:
    """For each simplified node the one that is computed fastest."""
    builder = Builder(outputs)

    def expand(node: IRNode, inputs: tuple[IRNode, ...]) -> IRNode:
        new = node if inputs == node.inputs else builder.rebuilt(node, inputs)
        for identity in EXPANSIONS:
            if identity.operation is new.operation and math.prod(node.shape) >= WORTH_EXPANDING:
                return identity.applied(new, builder.make) or new
        return new

    return rebuilt(outputs, expand)


def _finished(builder: Builder, outputs: Sequence[IRNode]) -> dict[IRNode, IRNode]:
    """For each node its final form: means are called means, and signs are turned round where this costs nothing."""
    uses = uses_of(outputs)
    uses.update(outputs)

    def finish(node: IRNode, inputs: tuple[IRNode, ...]) -> IRNode:
        if node.primitive is None:
            return node
        unchanged = all(a is b for a, b in zip(inputs, node.inputs, strict=True))
        new = node if unchanged else builder.made(node.primitive, inputs, node.params, (node.shape, node.dtype))
        for identity in FINISHING:
            if identity.operation is new.operation and is_ordinary(new):
                new = identity.applied(new, builder.make, lambda part: uses[part] == 1) or new
        new = _as_mean(builder, new, uses)
        uses[new] = max(uses[new], uses[node])
        return new

    return rebuilt(outputs, finish)


def _as_mean(builder: Builder, node: IRNode, uses: Mapping[IRNode, int]) -> IRNode:
    """A number times a sum, as a mean where that leaves a rounder number. A sum that is needed elsewhere, too, stays one."""
    if node.operation is arithmetic.divide and is_number(node.inputs[1]):
        total, divisor = node.inputs
        factor = 1 / divisor.value if divisor.value else 0.0
    elif node.operation is arithmetic.multiply and is_number(node.inputs[0]):
        number, total = node.inputs
        factor = number.value
    else:
        return node
    if np.iscomplexobj(factor) or not is_ordinary(node):
        return node
    if total.operation is not reductions.sum or not node.dtype == total.dtype == total.inputs[0].dtype or abs(factor) >= 1:
        return node
    if not math.prod(total.inputs[0].shape) or not math.prod(node.shape):
        return node
    count = math.prod(total.inputs[0].shape) // math.prod(node.shape)
    left = float(f"{factor * count:.12g}")
    if abs(left) != 1 and (uses[total] > 1 or (abs(left) > 1 and not left.is_integer())):
        return node
    gained = len(str(abs(factor))) - len(str(abs(left)))
    if gained < (abs(left) not in (0.5, 1)) or not math.isclose(left / count, factor, rel_tol=1e-15):
        return node
    if abs(left) != 1 and total.params not in ({}, {"axis": 0}):  # over the classes of a sample, say
        return node
    mean = builder.graph.apply(reductions.mean, total.inputs, total.params, (node.shape, node.dtype))
    if abs(left) == 1:
        return mean if left == 1 else builder.make(arithmetic.negative, [mean])
    return builder.make(arithmetic.multiply, [builder.constant(left), mean])
