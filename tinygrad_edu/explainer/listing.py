"""The gradient as source, beside the picture: what `compile` writes down, and which line computes what happens in a step.

The record is replayed for it, operation by operation. Simplification may leave no line to a number of the record: then it went
into the line of what was computed from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_edu.compiler import nodes
from tinygrad_edu.compiler.emission import Source, Writer
from tinygrad_edu.compiler.programs import Reading, read
from tinygrad_edu.compiler.recording import Recorded
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import TracingError
from tinygrad_edu.explainer.derivatives import BackwardPass, Edge, Passing
from tinygrad_edu.graph.graph import Graph, Kind, Node
from tinygrad_edu.transforms.gradients import value_and_grad


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
    """The source for the graph of a backward pass; None if it cannot be compiled, as where a rule asks for numbers.

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
    graph = backward.graph
    replay = _Replay(graph)
    try:
        reading = read(replay, "value_and_grad", [node.name for node in replay.leaves], [node.data for node in replay.leaves])
    except (_NoReplayError, TracingError):  # what goes wrong in the compiler itself is nothing to be silent about
        return None
    source, results = reading.written(Writer), reading.outputs
    lines = source.text(_docstring(replay, source), ", ".join(source.results)).splitlines()
    body = len(lines) - 1 - len(source.body)
    values, trail = replay.values, _Trail(reading)
    loss_line = source.lines.get(results[0], -1)
    until_loss = {node: line for node, line in source.lines.items() if line <= loss_line}
    of_result = {}
    for node in graph.results:
        line = trail.line(values[node], until_loss)
        if line is None:
            line = trail.line(values[node], source.lines)
        if line is not None:
            of_result[node] = body + line
    # A gradient without a line of its own is a number that is returned as it is.
    after_loss = dict.fromkeys(results[1:], len(source.body)) | {
        node: line for node, line in source.lines.items() if line > loss_line
    }
    next_line = {node: after_loss[result] for node, result in zip(graph.parameters, results[1:], strict=True)}
    of_edge = {}
    for edge, gradient in reversed(_contributions(backward, values, reading.record)):
        line = trail.line(gradient, after_loss)
        if line is None:  # it is a constant
            line = next_line.get(edge.operand)
        if line is not None:
            of_edge[edge] = body + line
            next_line[edge.result] = line
    return Listing(lines, body - 2, len(lines) - 1, of_result, of_edge)


class _Replay:
    """The function that does again what was recorded, and differentiates it.

    leaves: what it takes as arguments. values: what came of each node when it was called first.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.leaves = [node for node in graph.nodes if node.kind in (Kind.PARAMETER, Kind.DATA)]
        self.values: dict[Node, Value] = {}

    def __call__(self, arguments: Sequence[Value]) -> Any:
        given = dict(zip(self.leaves, arguments, strict=True))
        parameters = list(self.graph.parameters)

        def loss(stand_ins: Sequence[Value]) -> Any:
            values: dict[Node, Any] = dict(given)
            for node, stand_in in zip(parameters, stand_ins, strict=True):
                values[node] = stand_in.named(node.name)
            for node in self.graph.results:
                operands = [operand.data if operand.kind is Kind.CONSTANT else values[operand] for operand in node.operands]
                values[node] = node.primitive(*operands, **node.params)
                if node.is_named or node is self.graph.output:
                    values[node].named(node.name)
            self.values = self.values or values
            return np.reshape(values[self.graph.output], ())

        try:
            return value_and_grad(loss)([given[node] for node in parameters])
        except Exception as error:  # rules, the user's own included, meet Values here, which may be too much for what takes arrays
            raise _NoReplayError from error


class _NoReplayError(Exception):
    """The record cannot be replayed with Values."""


def _docstring(replay: _Replay, source: Source) -> str:
    parameters = [name for name, node in zip(source.parameters, replay.leaves, strict=False) if node.kind is Kind.PARAMETER]
    shown = ", ".join(parameters[:3]) + (f" and {len(parameters) - 3} more" if len(parameters) > 3 else "")
    return f"The loss, and its gradient with respect to {shown}."


def _contributions(backward: BackwardPass, values: Mapping[Node, Value], record: Recorded) -> list[tuple[Edge, Any]]:
    """What passed back on each edge when the record was replayed; a zero that is always one is not computed."""
    passed: dict[tuple[Value, Value], list[Any]] = {}
    for result, operand, gradient in reversed(record.passed):
        passed.setdefault((result, operand), []).append(gradient)
    found = []
    for edge in backward.edges:
        if edge.contribution is not None:
            gradient = passed[values[edge.result], values[edge.operand]].pop()
            if edge.passing is not Passing.ALWAYS_ZERO:
                found.append((edge, gradient))
    return found


class _Trail:
    """Follows a number of the record to the line that it went into."""

    def __init__(self, reading: Reading) -> None:
        self._nodes, self._simple = reading.record.nodes, reading.simple
        self._readers: dict[nodes.Node, list[nodes.Node]] = {}
        for node in nodes.in_order(node for node in reading.record.outputs if node is not None):
            for part in node.inputs:
                self._readers.setdefault(part, []).append(node)

    def line(self, value: Any, lines: Mapping[nodes.Node, int]) -> int | None:
        """The line of a number, else of the nearest that was computed from it; None for a constant."""
        to_visit = [self._nodes[value]] if isinstance(value, Value) and value in self._nodes else []
        seen = set(to_visit)
        for node in to_visit:  # which grows while it is walked
            if self._simple[node] in lines:
                return lines[self._simple[node]]
            new = [reader for reader in self._readers.get(node, ()) if reader not in seen]
            seen.update(new)
            to_visit.extend(new)
        return None
