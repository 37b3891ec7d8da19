"""The chain rule between arrays, written out: the gradient of each thing as a formula in those of the things computed from it.

What the rules do is put together from one thing that has a name to the next, and simplified as the compiler does it. So from Y to
the mean of ½(t − Y)² there is one step, `1/n (Y − t)`, and not four. No derivative is written down here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property

from tinygrad_edu.compiler import ir
from tinygrad_edu.compiler.rewriting import simplified
from tinygrad_edu.explainer.chain import Spelling
from tinygrad_edu.explainer.derivatives import BackwardPass, Passing
from tinygrad_edu.explainer.program import can_be_compared, passed_back, summed, terms_of
from tinygrad_edu.graph.graph import Node
from tinygrad_edu.graph.terms import Derivative, Term, names, substituted, term_of
from tinygrad_edu.graph.terms import simplified as simplified_term

LONGEST_FORMULA = 30
"""Formulas of more operations and operands than this are not written out any further."""
MOST_LINES = 8


class Matrices:
    """The gradients of a backward pass as formulas in matrices. They halt at what is not written out, and at `via`."""

    def __init__(self, backward: BackwardPass, spelling: Spelling, via: Collection[Node] = ()) -> None:
        self._backward, self._spelling, self._output, self._via = backward, spelling, backward.graph.output, via
        self._edges = [edge for edge in backward.edges if edge.contribution is not None and edge.passing is not Passing.ALWAYS_ZERO]

    def lines(self, node: Node) -> Iterator[Term]:
        """The gradient of a node: first in the gradients of what was computed from it, then with these written out, one by one."""
        term = self._formulas.get(node)
        for _ in range(MOST_LINES):
            if term is None or term.size > LONGEST_FORMULA:
                return
            yield self._as_quotients(term)
            occurring = names(term)
            last = next((station for station in self._stations if _key(station) in occurring), None)
            formula = self._formulas.get(last) if last else None
            if last is None or formula is None:
                return
            term = substituted(term, {_key(last): formula}, simplified_term)

    @cached_property
    def _stations(self) -> Sequence[Node]:
        """Where a formula halts, the output excepted. The ones that were computed first come first."""
        return [node for node in self._backward.graph.results if node is not self._output and self._is_shown(node)]

    def _is_shown(self, node: Node) -> bool:
        is_halt = node in self._via or self._backward.is_changed(node)
        return is_halt or not self._spelling.is_written_out(node)

    @cached_property
    def _formulas(self) -> Mapping[Node, Term]:
        """For each station and each leaf the formula of its gradient; none, where a rule cannot be read or a hook changes it."""
        graph = ir.IRGraph()
        values = self._values(graph)
        stations, unreadable = set(self._stations), set[Node]()
        gradients = {self._output: graph.constant(self._backward.gradient_of[self._output])}
        arriving = dict(gradients)
        for edge in self._edges:
            result, operand = edge.result, edge.operand
            if not edge.reading.holds_for_all_numbers or result not in values or result in unreadable:
                unreadable.add(operand)
            if operand in unreadable or result not in gradients:
                continue
            if result in stations and result not in arriving:
                arriving[result] = graph.input(_key(result), result.shape, result.data.dtype)
            incoming = arriving.get(result, gradients[result])
            passed = passed_back(graph, edge.reading, incoming, values, result, operand)
            gradients[operand] = summed(graph, gradients.get(operand), passed)
        shown = {
            node: gradient
            for node, gradient in gradients.items()
            if node not in unreadable and node is not self._output and self._is_shown(node) and not self._backward.is_changed(node)
        }
        simple = simplified(list(shown.values()))
        terms = terms_of([simple[gradient] for gradient in shown.values()], LONGEST_FORMULA)
        return {node: term for node, gradient in shown.items() if (term := terms.get(simple[gradient])) is not None}

    def _values(self, graph: ir.IRGraph) -> Mapping[Node, ir.IRNode]:
        """What stands for each node in the formulas: where it is written out what it was computed by, or else its name."""
        values: dict[Node, ir.IRNode] = {}
        for node in self._backward.graph.nodes:
            if node.is_number:
                values[node] = graph.constant(node.data)
            elif not self._spelling.is_written_out(node):
                values[node] = graph.input(node.name, node.shape, node.data.dtype)
            elif can_be_compared(node.params) and all(operand in values for operand in node.operands):
                operands = [values[operand] for operand in node.operands]
                values[node] = graph.apply(node.primitive, operands, node.params, (node.shape, node.data.dtype))
        return values

    def _as_quotients(self, term: Term) -> Term:
        """The formula with `dL/dY` where the gradient of Y stands."""
        output = term_of(self._output)
        quotients: dict[str, Term] = {
            _key(node): Derivative(_key(node), node.shape, of=output, wrt=self._spelling.of(node)) for node in self._stations
        }
        return self._spelling.written(substituted(term, quotients))


def _key(node: Node) -> str:
    """What the gradient of a node is called in formulas: a name that no node can have."""
    return f"\0{node.name}"
