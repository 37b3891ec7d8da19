"""The backward pass, read: what every operation passed back to each of its operands, and by which formula.

The numbers come from the chain rule itself, which is watched while it runs. The formulas come from the same rules, called once more
with named Values instead of arrays: the graph of what they return is the formula. No derivative is written down here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from itertools import pairwise
from operator import attrgetter
from typing import Any

import numpy as np

from tinygrad_edu.engine.backpropagation import ancestors, backpropagate
from tinygrad_edu.engine.hooks import Hook, passed
from tinygrad_edu.engine.mode import InMode, Mode, Watch
from tinygrad_edu.engine.value import Value, constant_of
from tinygrad_edu.escaping import one_line
from tinygrad_edu.explainer.program import compiled_term
from tinygrad_edu.graph.graph import Graph, Node, read_graph
from tinygrad_edu.graph.python_notation import code
from tinygrad_edu.graph.reading import ARRIVING, RuleReader, RuleReading, attempted, read_hook
from tinygrad_edu.graph.terms import Literal, Symbol, Term, evaluated, names, number_first, operations, substituted
from tinygrad_edu.primitives import broadcasting, indexing
from tinygrad_edu.primitives.broadcasting import repeated_axes

GRADIENT = "g"
"""What the gradient that arrives at a result is called in the formula of a rule, as in the op table."""


def named_graph(output: Value, printed: Callable[[str], str], variables: Mapping[int, str], output_name: str = "L") -> Graph:
    """What a Value was computed from. Where formulas speak of the gradient `g`, between arrays, nothing else is called that."""
    graph = read_graph(output, output_name, printed, variables=variables)
    speaks_of_it = not all(node.is_real_number for node in graph.nodes)
    if speaks_of_it and any(node.name == GRADIENT for node in graph.nodes):
        return read_graph(output, output_name, printed, reserved=[GRADIENT], variables=variables)
    return graph


class Passing(Enum):
    """How a gradient passes an operation."""

    NORMALLY = "normally"
    ZERO_HERE = "zero here"
    """The derivative happens to be zero at these numbers, as that of relu is at a negative one."""
    INFINITELY = "infinitely"
    """The derivative is infinite at these numbers, as that of sqrt is at 0."""
    AT_A_KINK = "at a kink"
    AT_A_JUMP = "at a jump"
    """There is no derivative at these numbers, and one counts by convention."""
    ALWAYS_ZERO = "always zero"
    """The rule ignores the gradient it is given: the operation is flat, or only jumps."""
    NOT_CHOSEN = "not chosen"
    """The operation chooses between its operands, and here it is another one that it takes."""
    NEVER = "never"
    """The operation states no derivative for this operand, or the operand requires no gradient."""


@dataclass(eq=False)
class StepBack:
    """The way from a result back to its operands."""

    result: Node

    @cached_property
    def reader(self) -> RuleReader:
        """Reads the rules, which are called with named Values in place of the arrays."""
        nodes = dict.fromkeys((self.result, *self.result.operands))
        given = {node: node.data if node.is_number else constant_of(node.data, node.name) for node in nodes}
        inputs = [given[operand] for operand in self.result.operands]
        shapes = {operand.name: operand.shape for operand in self.result.operands if operand.is_named}
        return RuleReader(self.result.primitive, given[self.result], inputs, self.result.params, shapes)


@dataclass(eq=False)
class Edge:
    """What a result passes back to one of its operands.

    step, position: the way back from the result, and which of its operands is meant.
    contribution: the gradient of the output by way of this edge, of the operand's shape; None where nothing is passed.
    """

    step: StepBack
    position: int
    contribution: Any = None

    @property
    def result(self) -> Node:
        """The result that passes it."""
        return self.step.result

    @property
    def operand(self) -> Node:
        """The operand that the gradient is passed to."""
        return self.result.operands[self.position]

    @property
    def is_between_real_numbers(self) -> bool:
        """Whether there is a local derivative, which the gradient that arrives is multiplied by."""
        return self.result.is_real_number and self.operand.is_real_number

    @cached_property
    def reading(self) -> RuleReading:
        """What the rule does. This is the only time that it is read."""
        return self.step.reader.reading(self.position)

    @cached_property
    def local_derivative(self) -> Any:
        """Between real numbers: the derivative of the result with respect to this operand, as a number."""
        if self.reading.error:
            return self._derivative(self.result.data, [operand.data for operand in self.result.operands])
        return self._fitted(self.reading.data)

    def _derivative(self, out: Any, inputs: Sequence[Any]) -> Any:
        rule = self.result.primitive.rules(len(inputs))[self.position]
        with np.errstate(all="ignore"):
            return self._fitted(
                0.0 if rule is None else rule(np.ones_like(self.result.data)[()], out, *inputs, **self.result.params)
            )

    def _fitted(self, derivative: Any) -> Any:
        return np.asarray(derivative)[()] if np.iscomplexobj(self.operand.data) else np.real(derivative)[()]

    def passed_back(self, gradient: Any) -> Any:
        """What the rule makes of a gradient of the result, fitted to the operand."""
        inputs = [operand.data for operand in self.result.operands]
        rule = self.result.primitive.rules(len(inputs))[self.position]
        assert rule is not None
        with np.errstate(all="ignore"):
            passed = np.asarray(rule(gradient, self.result.data, *inputs, **self.result.params))
            return self._fitted(broadcasting.sum_to(passed, shape=self.operand.shape)).astype(self.operand.data.dtype)

    @cached_property
    def beside(self) -> tuple[Side, Side] | None:
        """Between real numbers: the result and its derivative just below the operand's number and just above it.

        None, if the operation cannot be computed there.
        """
        x = self.operand.data
        nothing = np.finfo(x.dtype).tiny
        neighbours = np.minimum(np.nextafter(x, -np.inf), x - nothing), np.maximum(np.nextafter(x, np.inf), x + nothing)
        below, above = (attempted(self.result.primitive, self._side, neighbour) for neighbour in neighbours)
        return (below, above) if isinstance(below, Side) and isinstance(above, Side) else None

    def _side(self, x: Any) -> Side:
        inputs = [operand.data for operand in self.result.operands]
        inputs[self.position] = x
        with np.errstate(all="ignore"):
            out = np.asarray(self.result.primitive.forward(*inputs, **self.result.params))[()]
        return Side(float(out), float(self._derivative(out, inputs)))

    @property
    def jumps(self) -> bool:
        """Between real numbers: whether the operation jumps at the operand's number."""
        return self.beside is not None and self._differ(*(side.value for side in self.beside))

    @property
    def has_derivative(self) -> bool:
        """Between real numbers: whether the operation neither jumps nor has a kink at the operand's number."""
        return self.beside is None or not (self.jumps or self._differ(*(side.slope for side in self.beside)))

    def _differ(self, below: float, above: float) -> bool:
        """Whether two numbers that belong to neighbouring operands differ by more than those of a smooth function do."""
        x = self.operand.data
        rounding = 1000 * np.finfo(x.dtype).eps * (1 + abs(x))
        return bool(np.isfinite([below, above]).all() and abs(above - below) > max(1e-6, rounding) * (1 + abs(below) + abs(above)))

    @cached_property
    def local_term(self) -> Term | None:
        """Between real numbers: that derivative as a formula, or None where the rule cannot be read."""
        term = self.reading.term
        return term and substituted(term, {ARRIVING: Literal(1.0)}, evaluated)

    @cached_property
    def rule(self) -> Term | None:
        """The formula for the contribution, given the gradient `g` of the result, or None where the rule cannot be read.

        Where a rule makes axes only to take them away again, it is `g @ X` as compiled source would say it: `(g[..., None, :] @
        X)[..., 0, :]` is right for matrices and for stacks of them; that X is one matrix, the compiler knows.
        """
        term = self.reading.term
        if term is None:
            return None
        if indexing.index in operations(term) and self.reading.holds_for_all_numbers:
            term = min(term, compiled_term(self.reading), key=lambda term: len(code(term)))
        return substituted(term, {ARRIVING: Symbol(GRADIENT, self.result.shape)}, number_first)

    @property
    def failure(self) -> str:
        """Why the rule has no formula: what it raised when it was given Values."""
        error = self.reading.error
        return f"{type(error).__name__}: {one_line(str(error))}" if error else ""

    @property
    def summed_axes(self) -> tuple[int, ...]:
        """The axes of what the rule gives that are summed, since broadcasting had repeated the operand along them."""
        return () if self.reading.error else repeated_axes(np.shape(self.reading.data), self.operand.shape)

    @property
    def keeps_real_part(self) -> bool:
        """Whether of what the rule gives only the real part counts, since the operand is real."""
        return not self.reading.error and np.iscomplexobj(self.reading.data) and not np.iscomplexobj(self.operand.data)

    @cached_property
    def passing(self) -> Passing:
        """Whether, and how, a gradient passes."""
        if self.contribution is None:
            return Passing.NEVER
        if np.any(self.contribution):
            return Passing.NORMALLY
        if self.ignores_gradient:
            return Passing.NOT_CHOSEN if self.reading.looks_at_gradient else Passing.ALWAYS_ZERO
        return Passing.ZERO_HERE

    @cached_property
    def verdict(self) -> Passing:
        """The same, and between real numbers also whether there is a derivative at these very numbers."""
        if self.passing not in (Passing.NORMALLY, Passing.ZERO_HERE) or not self.is_between_real_numbers:
            return self.passing
        if np.isinf(self.local_derivative):
            return Passing.INFINITELY
        if self.has_derivative:
            return self.passing
        return Passing.AT_A_JUMP if self.jumps else Passing.AT_A_KINK

    @cached_property
    def ignores_gradient(self) -> bool:
        """Whether the rule pays no heed to the gradient that it is given, so that nothing can pass."""
        return self.reading.term is not None and ARRIVING not in names(self.reading.term)


@dataclass(frozen=True)
class Side:
    """An operation beside the numbers of the graph: its result there, and its derivative."""

    value: float
    slope: float


@dataclass(frozen=True, eq=False)
class Sight:
    """A hook of a Value saw a gradient: the hook, the gradient, and what went on."""

    hook: Hook
    seen: Any
    passed: Any

    @cached_property
    def reading(self) -> RuleReading:
        """What the hook makes of a gradient; it is called once more for it."""
        return read_hook(self.hook, self.seen)

    @property
    def changes(self) -> bool:
        """Whether something else went on."""
        return self.passed is not self.seen


@dataclass(frozen=True, eq=False)
class BackwardPass:
    """The chain rule from the output of a graph to everything in it.

    edges: in the order in which the chain rule went along them, output first.
    gradient_of: the gradient of the output with respect to each node that it reached, inner ones included.
    sights: for each node with hooks what they saw of its gradient, in order, and what went on.
    """

    graph: Graph
    edges: Sequence[Edge]
    gradient_of: Mapping[Node, Any]
    sights: Mapping[Node, Sequence[Sight]]

    @cached_property
    def _into(self) -> Mapping[Node, Sequence[Edge]]:
        return _grouped((edge for edge in self.edges if edge.contribution is not None), attrgetter("operand"))

    def contributions(self, node: Node) -> Sequence[Edge]:
        """The edges along which gradients came to this node; their sum is its gradient."""
        return self._into.get(node, ())

    @cached_property
    def passed_by(self) -> Mapping[Node, Sequence[Edge]]:
        """For each result the edges to those of its operands that depend on a parameter."""
        return _grouped((edge for edge in self.edges if edge.operand.requires_grad), attrgetter("result"))

    def above(self, targets: Iterable[Node]) -> set[Node]:
        """The nodes by way of which the output was computed from `targets`, and these."""
        found = set(targets)
        for edge in reversed(self.edges):
            if edge.operand in found:
                found.add(edge.result)
        return found

    def is_changed(self, node: Node) -> bool:
        """Whether a hook sent something else on than the gradient of a node, so that no product of derivatives leads there."""
        return any(sight.changes for sight in self.sights.get(node, ()))

    def by_way_of(self, stations: Iterable[Node], targets: Iterable[Node]) -> Sequence[Edge]:
        """The edges of all paths from the output to the targets that lead through all of these stations; none, if there is none."""
        places = {node: place for place, node in enumerate(self.graph.nodes)}
        stops = [{self.graph.output}, *({node} for node in sorted(stations, key=places.__getitem__, reverse=True)), set(targets)]
        on_a_path: set[Edge] = set()
        for first, last in pairwise(stops):
            below, above = set(first), self.above(last)
            for edge in self.edges:
                if edge.contribution is not None and edge.result in below and edge.result in above and edge.operand in above:
                    below.add(edge.operand)
                    on_a_path.add(edge)
            if below.isdisjoint(last):
                return []
        return [edge for edge in self.edges if edge in on_a_path]

    def along(self, edges: Iterable[Edge]) -> BackwardPass:
        """The part of the backward pass along some edges alone."""
        gradients = {self.graph.output: self.gradient_of[self.graph.output]}
        passed = []
        for edge in edges:
            if edge.result in gradients:
                part = Edge(edge.step, edge.position, edge.passed_back(gradients[edge.result]))
                passed.append(part)
                before = gradients.get(edge.operand)
                gradients[edge.operand] = part.contribution if before is None else before + part.contribution
        return BackwardPass(self.graph, passed, gradients, self.sights)

    def is_flat(self, result: Node) -> bool:
        """Whether no gradient can ever pass through a result, which therefore counts as a constant."""
        return all(edge.passing is Passing.ALWAYS_ZERO for edge in self.passed_by[result])


def read_backward(graph: Graph) -> BackwardPass:
    """Run the chain rule over a graph whose output is a single number, and note all that it does.

    Raises
    ------
    InPlaceError: if a leaf was changed in place since it was recorded.
    """
    output = graph.output.value
    assert output is not None
    seen = _Contributions()
    start = np.ones(output.shape, output.dtype)[()]
    with InMode(seen), np.errstate(all="ignore"):  # where a derivative is infinite, the explanation says so
        for leaf, gradient in backpropagate({output: start}, *ancestors(output)).items():
            passed(leaf, gradient)
    sights = {node: seen.sights[value] for value, node in graph.node_of.items() if value in seen.sights}
    gradients: dict[Node, Any] = {graph.output: start}
    edges = []
    for node in reversed(list(graph.results)):
        if node not in gradients:
            continue
        passed_on = iter(seen.of.get(node.value, ()))
        rules, step = node.primitive.rules(len(node.operands)), StepBack(node)
        for position, operand in enumerate(node.operands):
            edge = Edge(step, position)
            edges.append(edge)
            if operand.requires_grad and rules[position] is not None:
                edge.contribution = next(passed_on)
                before = gradients.get(operand)
                gradients[operand] = edge.contribution if before is None else before + edge.contribution
    gradients |= {node: each[-1].passed for node, each in sights.items()}
    return BackwardPass(graph, edges, gradients, sights)


def _grouped(edges: Iterable[Edge], node_of: Callable[[Edge], Node]) -> dict[Node, list[Edge]]:
    groups: dict[Node, list[Edge]] = {}
    for edge in edges:
        groups.setdefault(node_of(edge), []).append(edge)
    return groups


class _Contributions(Watch):
    """The watch: keeps what each recorded result passed on, in the order of its operands, and what hooks saw.

    Where a rule computes something again and differentiates that, as a checkpoint does, it sees results that are in no graph.
    """

    def __init__(self) -> None:
        self.of: dict[Any, list[Any]] = {}
        self.sights: dict[Any, list[Sight]] = {}

    def call_hook(self, hook: Any, value: Any, gradient: Any) -> Any:
        passed = super().call_hook(hook, value, gradient)
        self.sights.setdefault(value, []).append(Sight(hook, gradient, passed))
        return passed

    def see_gradient(self, node: Any, parent: Any, gradient: Any) -> None:
        self.of.setdefault(node, []).append(gradient)

    def within(self, asked: Mode) -> Mode:
        """A rule that runs a backward pass of its own is not watched in it."""
        return asked
