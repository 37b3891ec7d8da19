"""A graph of Values, and what rules were read to do, in the form that the compiler works on: its own nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any

import numpy as np

from tinygrad_edu.compiler import ir
from tinygrad_edu.compiler.rewriting import simplified
from tinygrad_edu.engine.conversions import numbers_of
from tinygrad_edu.engine.value import Value
from tinygrad_edu.graph.reading import RuleReading, behind
from tinygrad_edu.graph.terms import Applied, Literal, Symbol, Term
from tinygrad_edu.primitives.constants import LIKES
from tinygrad_edu.primitives.primitive import Primitive


def program_node(graph: ir.IRGraph, x: Any, known: dict[Value, ir.IRNode]) -> ir.IRNode:
    """The node of what was computed from Values whose nodes are known. What it finds on the way is known from then on."""
    if not isinstance(x, Value):
        return graph.constant(x)
    new = [value for value in behind(x, known) if value not in known]
    for value in sorted(new, key=attrgetter("serial")):
        known[value] = _node(graph, value, known)
    return known[x]


def _node(graph: ir.IRGraph, value: Value, known: dict[Value, ir.IRNode]) -> ir.IRNode:
    primitive = value.primitive
    if primitive is None or not LIKES.isdisjoint(primitive.numpy):
        return graph.constant(numbers_of(value))
    pairs = zip(value.parents, value.inputs, strict=True)
    inputs = [graph.constant(seen) if parent is None else known[parent] for parent, seen in pairs]
    return applied(graph, primitive, inputs, value.params or {}, (value.shape, ir.kind_of(numbers_of(value))))


def applied(
    graph: ir.IRGraph, primitive: Primitive, inputs: Sequence[ir.IRNode], params: Mapping[str, Any], like: tuple[Any, Any]
) -> ir.IRNode:
    """The node of an operation. What repeats a single number, and depends on nothing, is a constant."""
    if all(node.value is not None for node in inputs):
        with np.errstate(all="ignore"):
            result = np.asarray(primitive.forward(*(node.value for node in inputs), **params), like[1])
        if result.size and np.all(result == result.flat[0]):
            return graph.constant(result[()])
    return graph.apply(primitive, inputs, params, like)


def compiled_term(reading: RuleReading) -> Term:
    """What a rule does, as the compiler simplifies it."""
    graph = ir.IRGraph()
    used = behind(reading.gradient, reading.given) if isinstance(reading.gradient, Value) else ()
    known = {x: graph.input(x.name or "", x.shape, x.dtype) for x in used if x in reading.given}
    node = program_node(graph, reading.gradient, known)
    return _term(simplified([node])[node])


def _term(node: ir.IRNode) -> Term:
    if node.name:
        return Symbol(node.name)
    if node.primitive is None:
        return Literal(node.value)
    return Applied(node.primitive, tuple(map(_term, node.inputs)), node.params)
