"""The gradient as source, beside the picture: what `compile` would write down, and which line computes what happens in a step.

Nothing is computed again for it: the graph and the rules, as they were read, are put together to a program. Its
simplification may leave no line to a node: then it went into the line of what was computed from it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from operator import attrgetter

import numpy as np

from tinygrad_edu.compiler import ir
from tinygrad_edu.compiler.emitting import Emitter, Source
from tinygrad_edu.compiler.loops import in_order
from tinygrad_edu.compiler.rewriting import simplified
from tinygrad_edu.explainer.derivatives import BackwardPass, Edge, Passing
from tinygrad_edu.explainer.program import can_be_compared, fitted, passed_back, program_node, summed
from tinygrad_edu.graph.graph import Kind, Node
from tinygrad_edu.graph.reaching import reached
from tinygrad_edu.primitives import shaping


def unwritten(backward: BackwardPass) -> str:
    """What no source can be written of: an operation whose rule cannot be read, or goes another way for other numbers, or such a
    function that sees a gradient. Empty if there is none."""
    for edge in backward.edges:
        readable = edge.contribution is None or edge.reading.holds_for_all_numbers
        if not (readable and can_be_compared(edge.result.params)):
            return edge.result.primitive.name
    changes = (sight for sights in backward.sights.values() for sight in sights if sight.changes)
    return next((sight.hook.name for sight in changes if not sight.reading.holds_for_all_numbers), "")


@dataclass(frozen=True)
class Listing:
    """The source of a loss and its gradient.

    lines: the source, line by line. Below, lines are counted from 0.
    head, end: the line that takes what is given, and the one that returns the results.
    of_result: for each result of the graph the line that computes it.
    of_edge: for each edge of the backward pass the line that computes what passes back on it.
    """

    lines: Sequence[str]
    head: int
    end: int
    of_result: Mapping[Node, int]
    of_edge: Mapping[Edge, int]


def listing(backward: BackwardPass) -> Listing | None:
    """The source for the graph of a backward pass; None where something is `unwritten`.

    >>> from tinygrad_edu.engine.value import Value
    >>> from tinygrad_edu.explainer.derivatives import read_backward
    >>> from tinygrad_edu.graph.graph import read_graph
    >>> theta, x, t = (Value(3.0, name=name, requires_grad=name == "theta") for name in ["theta", "x", "t"])
    >>> found = listing(read_backward(read_graph((t - theta * x) ** 2)))
    >>> found.lines[-3:]
    ['    L = difference ** 2', '    d_theta = -2.0 * difference * x', '    return L, d_theta']
    >>> [found.lines[line].strip() for line in found.of_result.values()]
    ['difference = t - theta * x', 'difference = t - theta * x', 'L = difference ** 2']
    >>> {found.lines[line].strip() for line in found.of_edge.values()}
    {'d_theta = -2.0 * difference * x'}
    """
    if unwritten(backward):
        return None
    program = _Program(backward)
    source = program.source
    lines = source.text(program.docstring, ", ".join(source.results)).splitlines()
    body = len(lines) - 1 - len(source.body)
    of_result = {node: body + line for node, line in program.lines_of_results()}
    of_edge = {edge: body + line for edge, line in program.lines_of_edges()}
    return Listing(lines, body - 2, len(lines) - 1, of_result, of_edge)


class _Program:
    """The loss and its gradient as the compiler's graph, simplified and written down.

    values: for each node of the graph that of the program.
    passed: for each edge the node of what it contributes.
    gradients: for each node that of its gradient.
    """

    def __init__(self, backward: BackwardPass) -> None:
        self._backward, self._graph = backward, ir.IRGraph()
        self.values: dict[Node, ir.IRNode] = {}
        self.passed: dict[Edge, ir.IRNode] = {}
        self.gradients: dict[Node, ir.IRNode] = {}
        for node in backward.graph.nodes:
            self.values[node] = self._value(node)
        output = backward.graph.output
        self.gradients[output] = self._graph.constant(np.ones_like(output.data)[()])
        for result, edges in groupby(backward.edges, attrgetter("result")):
            self._let_hooks_see(result)
            for edge in edges:
                if edge.contribution is not None:
                    self._pass(edge)
        for node in backward.graph.parameters:
            self._let_hooks_see(node)
            self.gradients.setdefault(node, self._graph.constant(node.data * 0))
        for node, gradient in self.gradients.items():
            label = self._label(node)
            self.values[node].is_called(label)
            gradient.is_called(ir.Label(f"d_{label.name}", min(label.rank, ir.Rank.COTANGENT), label))

    def _label(self, node: Node) -> ir.Label:
        if node.is_named or node is self._backward.graph.output or node.kind is not Kind.RESULT:
            return ir.Label(node.name, ir.Rank.GIVEN)
        return ir.Label(node.primitive.result or node.primitive.name, ir.Rank.OPERATION)

    def _value(self, node: Node) -> ir.IRNode:
        if node.kind is Kind.CONSTANT:
            return self._graph.constant(node.data)
        if node.kind is not Kind.RESULT:
            return self._graph.input(node.name, node.shape, node.data.dtype)
        operands = [self.values[operand] for operand in node.operands]
        return self._graph.apply(node.primitive, operands, node.params, (node.shape, node.data.dtype))

    def _pass(self, edge: Edge) -> None:
        """One step of the chain rule: what the rule gives is fitted to the operand, and added to what came before."""
        result, operand = edge.result, edge.operand
        before, incoming = self.gradients.get(operand), self.gradients[result]
        self.passed[edge] = passed_back(self._graph, edge.reading, incoming, self.values, result, operand)
        self.gradients[operand] = summed(self._graph, before, self.passed[edge])

    def _let_hooks_see(self, node: Node) -> None:
        """What functions that see the gradient of a node make of it."""
        for sight in self._backward.sights.get(node, ()):
            if sight.changes:
                gradient = program_node(self._graph, sight.reading.gradient, {sight.reading.g: self.gradients[node]})
                self.gradients[node] = fitted(self._graph, gradient, node)

    # --- as source -----------------------------------------------------------------------------------------------------------

    @cached_property
    def _leaves(self) -> list[Node]:
        """What the function takes: first what has a gradient, as an explanation lists it, too."""
        leaves = [node for node in self._backward.graph.nodes if node.kind in (Kind.PARAMETER, Kind.DATA)]
        return sorted(leaves, key=lambda node: node.kind is not Kind.PARAMETER)

    @cached_property
    def _outputs(self) -> list[ir.IRNode]:
        """The loss, as a number, and its gradients."""
        output = self._backward.graph.output
        loss = self.values[output]
        if output.shape:
            loss = self._graph.apply(shaping.reshape, (loss,), {"shape": ()})
        return [loss, *(self.gradients[node] for node in self._backward.graph.parameters)]

    @cached_property
    def _simple(self) -> Mapping[ir.IRNode, ir.IRNode]:
        return simplified([*self._outputs, *(self.values[node] for node in self._leaves)])

    @cached_property
    def source(self) -> Source:
        """The function that computes both."""
        inputs = [self._simple[self.values[node]] for node in self._leaves]
        outputs = [self._simple[node] for node in self._outputs]
        return Emitter("value_and_grad", inputs, outputs).source()

    @property
    def docstring(self) -> str:
        """What the function is."""
        pairs = zip(self.source.parameters, self._leaves, strict=False)
        parameters = [name for name, node in pairs if node.kind is Kind.PARAMETER]
        shown = ", ".join(parameters[:3]) + (f" and {len(parameters) - 3} more" if len(parameters) > 3 else "")
        return f"The loss, and its gradient with respect to {shown}."

    # --- line by line --------------------------------------------------------------------------------------------------------

    @property
    def _loss_line(self) -> int:
        return self.source.lines.get(self._simple[self._outputs[0]], -1)

    def lines_of_results(self) -> Iterator[tuple[Node, int]]:
        """The line of each result; if possible one of those until the loss is known."""
        until_loss = {node: line for node, line in self.source.lines.items() if line <= self._loss_line}
        for result in self._backward.graph.results:
            found = (self._line(self.values[result], lines) for lines in (until_loss, self.source.lines))
            line = next((line for line in found if line is not None), None)
            if line is not None:
                yield result, line

    def lines_of_edges(self) -> Iterator[tuple[Edge, int]]:
        """The line of what is passed back on each edge, the last one first. A zero that is always one is not computed.

        What has no line of its own is part of that of the operand's gradient, or else of what is passed on from there: to this
        operand and not to another one that gets the same. A parameter's gradient without a line is a number that is returned.
        """
        _, *gradients = (self._simple[node] for node in self._outputs)
        after_loss = dict.fromkeys(gradients, len(self.source.body))
        after_loss |= {node: line for node, line in self.source.lines.items() if line > self._loss_line}
        next_line = {node: after_loss[self._simple[self.gradients[node]]] for node in self._backward.graph.parameters}
        for edge in reversed(self.passed):
            if edge.passing is not Passing.ALWAYS_ZERO:
                computed = (node for node in (self.passed[edge], self.gradients[edge.operand]) if node.value is None)
                own = (after_loss.get(self._simple.get(node, node)) for node in computed)
                line = next((line for line in (*own, next_line.get(edge.operand)) if line is not None), None)
                if line is not None:
                    yield edge, line
                    next_line[edge.result] = line

    def _line(self, node: ir.IRNode, lines: Mapping[ir.IRNode, int]) -> int | None:
        """The line of a node, else of the nearest that was computed from it; None for a constant."""
        is_computed = node in self._simple and node.value is None
        later = reached([node] if is_computed else [], lambda node: self._readers.get(node, ()))
        return next((lines[self._simple[node]] for node in later if self._simple[node] in lines), None)

    @cached_property
    def _readers(self) -> Mapping[ir.IRNode, list[ir.IRNode]]:
        readers: dict[ir.IRNode, list[ir.IRNode]] = {}
        for node in in_order(self._outputs):
            for part in node.inputs:
                readers.setdefault(part, []).append(node)
        return readers
