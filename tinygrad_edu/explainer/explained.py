"""All that is to be told of a gradient, in whatever form: read when it is first asked for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from tinygrad_edu.errors import GradientError
from tinygrad_edu.explainer.chain import Derivation, Paths, Spelling
from tinygrad_edu.explainer.derivatives import BackwardPass, read_backward
from tinygrad_edu.explainer.matrices import Matrices
from tinygrad_edu.graph.graph import Graph, Node


class Explained:
    """What is told.

    graph: what the result was computed from.
    targets: the nodes whose gradients are explained.
    is_summary: whether there is too much to show all of it.
    via: the nodes that all paths that are told lead through.
    spelling: which nameless results are written out as formulas.
    """

    def __init__(self, graph: Graph, targets: Sequence[Node], is_summary: bool, via: Sequence[Node] = ()) -> None:
        self.graph, self.targets, self.is_summary, self.via = graph, targets, is_summary, via
        self.spelling = Spelling(graph).numbered() if self.is_between_numbers else Spelling(graph)

    @cached_property
    def all_backward(self) -> BackwardPass:
        """The backward pass, edge by edge, with the gradient of every node."""
        return read_backward(self.graph)

    @cached_property
    def backward(self) -> BackwardPass:
        """That part of it that is told: what comes by way of some nodes, where these are asked for."""
        if not self.via:
            return self.all_backward
        changed = next(filter(self.all_backward.is_changed, self.all_backward.sights), None)
        if changed is not None:
            raise GradientError(f"a hook changes the gradient of {changed.name}, so that it is no sum over ways; leave via= out.")
        edges = self.all_backward.by_way_of(self.via, self.targets)
        reached = {edge.operand for edge in edges}
        for node in self.targets:
            if node not in reached:
                ways = ", ".join(station.name for station in self.via)
                raise GradientError(f"no gradient passes from {self.graph.output.name} to {node.name} by way of {ways}.")
        return self.all_backward.along(edges)

    @cached_property
    def paths(self) -> Paths:
        """The paths that gradients come by."""
        return Paths(self.backward)

    @cached_property
    def derivations(self) -> Sequence[Derivation]:
        """For each target the paths that its gradient comes by, and their factors."""
        return [self.paths.derivation(node) for node in self.targets]

    @cached_property
    def matrices(self) -> Matrices:
        """The gradients as formulas in matrices."""
        return Matrices(self.backward, self.spelling, self.via)

    @property
    def is_between_numbers(self) -> bool:
        """Whether the chain rule is one of single numbers, without arrays."""
        return all(node.shape == () for node in self.graph.nodes)
