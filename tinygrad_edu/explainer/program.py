"""A graph of Values, and what rules were read to do, in the form that the compiler works on: its own nodes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any

import numpy as np

from tinygrad_edu.compiler import ir
from tinygrad_edu.compiler.loops import in_order
from tinygrad_edu.compiler.rewriting import simplified
from tinygrad_edu.engine.conversions import numbers_of
from tinygrad_edu.engine.value import Value
from tinygrad_edu.graph.graph import Node
from tinygrad_edu.graph.reading import RuleReading, behind
from tinygrad_edu.graph.terms import Applied, Literal, Symbol, Term, is_number
from tinygrad_edu.primitives import arithmetic, broadcasting, complex_numbers
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
    simple = simplified([node])[node]
    return terms_of([simple])[simple]


def terms_of(outputs: Sequence[ir.IRNode], longest: float = math.inf) -> dict[ir.IRNode, Term]:
    """The nodes that outputs depend on as formulas, without those that would have more operations and operands than `longest`."""
    terms: dict[ir.IRNode, Term] = {}
    for node in in_order(outputs):
        if node.name:
            terms[node] = Symbol(node.name, node.shape)
        elif node.primitive is None:
            terms[node] = Literal(_without_repetition(node.value))
        elif all(part in terms for part in node.inputs):
            term = Applied(node.primitive, tuple(terms[part] for part in node.inputs), node.params, node.shape)
            if term.size <= longest:
                terms[node] = term.operands[0] if term.keeps_numbers and is_number(term.operands[0]) else term
    return terms


def _without_repetition(x: Any) -> Any:
    """One number for an array in which it is repeated."""
    return x.flat[0] if isinstance(x, np.ndarray) and x.size and np.all(x == x.flat[0]) else x


def passed_back(
    graph: ir.IRGraph, reading: RuleReading, incoming: ir.IRNode, values: Mapping[Node, ir.IRNode], result: Node, operand: Node
) -> ir.IRNode:
    """One step of the chain rule: what a rule gives for an operand."""
    known = {reading.g: incoming, reading.out: values[result]}
    known |= {x: values[node] for x, node in zip(reading.inputs, result.operands, strict=True) if isinstance(x, Value)}
    return fitted(graph, program_node(graph, reading.gradient, known), operand)


def fitted(graph: ir.IRGraph, gradient: ir.IRNode, operand: Node) -> ir.IRNode:
    """A gradient in the shape and dtype of the operand that it is one for."""
    shape, dtype = operand.shape, operand.data.dtype
    if isinstance(gradient.dtype, ir.PythonNumber):
        gradient = graph.constant(dtype.type(gradient.value))
    if gradient.shape != shape:
        gradient = applied(graph, broadcasting.sum_to, (gradient,), {"shape": shape}, (shape, gradient.dtype))
    if gradient.dtype.kind == "c" != dtype.kind:
        gradient = applied(graph, complex_numbers.real, (gradient,), {}, (shape, gradient.dtype.type(0).real.dtype))
    if gradient.dtype != dtype:
        gradient = applied(graph, broadcasting.cast, (gradient,), {"dtype": dtype}, (shape, dtype))
    return gradient


def summed(graph: ir.IRGraph, before: ir.IRNode | None, new: ir.IRNode) -> ir.IRNode:
    """A contribution added to what came before."""
    return new if before is None else graph.apply(arithmetic.add, (before, new), {}, (new.shape, new.dtype))


def can_be_compared(params: Mapping[str, Any]) -> bool:
    """Whether the compiler can tell operations with these parameters from others: an object of the user's may have no hash."""
    try:
        hash(ir.frozen(params))
    except TypeError:
        return False
    return True
