"""Einstein sums as the products of matrices that are meant: `np.einsum("ik,ij->kj", G, X)` is `G.T @ X`.

Of three operands or more two at a time are taken together, in the order that NumPy's planner finds for their shapes. This module
knows letters, and how products of matrices are made of nodes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_edu.compiler.identities import Make
from tinygrad_edu.compiler.ir import IRNode
from tinygrad_edu.primitives import einstein, linear_algebra, shaping


def as_products(operands: Sequence[IRNode], subscripts: str, optimize: Any, make: Make) -> IRNode | None:
    """The node that computes a sum by simpler ones; None if NumPy's function says it best.

    >>> from tinygrad_edu.compiler.building import Builder
    >>> from tinygrad_edu.compiler.ir import IRGraph
    >>> graph = IRGraph()
    >>> a, b, c = (graph.input(name, (3, 3), np.dtype(float)) for name in "abc")
    >>> as_products([a, b], "ji,jk->ik", False, Builder([a, b]).make)
    matmul
    >>> as_products([a, b, c], "ij,jk,kl->il", False, Builder([a, b, c]).make).inputs
    (matmul, c)
    """
    inputs, output = subscripts.split("->")
    terms = inputs.split(",")
    lengths = {(letter, n) for term, x in zip(terms, operands, strict=True) for letter, n in zip(term, x.shape, strict=True)}
    is_plain = len(lengths) == len(dict(lengths))  # no axis of length one is repeated
    if not is_plain or any(len(set(term)) < len(term) for term in terms) or not _are_of_one_kind(operands):
        return None
    if len(operands) == 2:
        return _product(operands[0], operands[1], terms[0], terms[1], output, make)
    return _two_at_a_time([*operands], terms, output, optimize, make) if len(operands) > 2 else None


def _are_of_one_kind(operands: Sequence[IRNode]) -> bool:
    """Whether they are arrays of one dtype, in which a sum in another order is the same but for rounding."""
    return len({x.dtype for x in operands}) == 1 and all(x.shape and x.dtype.kind in "fc" for x in operands)


def _product(a: IRNode, b: IRNode, first: str, second: str, output: str, make: Make) -> IRNode | None:
    """The product of two matrices or vectors, with one axis in common that is summed, in the order of the output."""
    shared = set(first) & set(second)
    if len(shared) != 1 or shared & set(output) or max(len(first), len(second)) > 2 or len(output) != len(first) + len(second) - 2:
        return None
    (summed,) = shared
    if output and output[0] in second and len(output) == 2:
        a, b, first, second = b, a, second, first
    left = make(shaping.transpose, [a]) if first[0] == summed and len(first) == 2 else a
    right = make(shaping.transpose, [b]) if second[-1] == summed and len(second) == 2 else b
    return make(linear_algebra.matmul, [left, right])


def _two_at_a_time(operands: list[IRNode], terms: list[str], output: str, optimize: Any, make: Make) -> IRNode | None:
    """The sum of several operands as one of two, and so on; None if they are best taken together."""
    stand_ins = (np.broadcast_to(np.float64(1), x.shape) for x in operands)
    is_path = isinstance(optimize, tuple | list)
    path, _ = np.einsum_path(f"{','.join(terms)}->{output}", *stand_ins, optimize=[*optimize] if is_path else "greedy")
    if any(len(positions) != 2 for positions in path[1:]):
        return None
    for positions in path[1:]:
        pair = [(operands[i], terms[i]) for i in positions]
        for i in sorted(positions, reverse=True):
            del operands[i], terms[i]
        together = "".join(dict.fromkeys("".join(term for _, term in pair)))
        left = "".join(letter for letter in together if letter in output or any(letter in term for term in terms))
        left = left if terms else output
        subscripts = f"{','.join(term for _, term in pair)}->{left}"
        operands.append(make(einstein.einsum, [x for x, _ in pair], {"subscripts": subscripts}))
        terms.append(left)
    return operands[0]
