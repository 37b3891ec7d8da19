"""The backward pass, read: what every operation passed back to each of its operands, and by which formula.

The numbers come from the chain rule itself, which is watched while it runs. The formulas come from the same rules, called once more
with named Values instead of arrays: what that records is the formula. No derivative is written down here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Any

import numpy as np

from tinygrad_edu.backpropagation import ancestors, backpropagate
from tinygrad_edu.explain.terms import Literal, Symbol, Term, recorded_term
from tinygrad_edu.graph import Graph, Node
from tinygrad_edu.mode import Watch, recording_mode
from tinygrad_edu.primitive import Jointly
from tinygrad_edu.value import Value

GRADIENT = "g"
"""What the gradient that arrives at a result is called in the formula of a rule, as in the op table."""


class Passing(Enum):
    """How a gradient passes an operation."""

    NORMALLY = "normally"
    ZERO_HERE = "zero here"
    """The derivative happens to be zero at these numbers, as that of relu is at a negative one."""
    ALWAYS_ZERO = "always zero"
    """The rule ignores the gradient it is given: the operation is flat, or only jumps."""
    NEVER = "never"
    """The operation states no derivative for this operand, or the operand requires no gradient."""


@dataclass(eq=False)
class Edge:
    """What a result passes back to one of its operands.

    result, position: the result, and which of its operands is meant.
    contribution: the gradient of the output by way of this edge, of the operand's shape; None where nothing is passed.
    """

    result: Node
    position: int
    contribution: Any = None

    @property
    def operand(self) -> Node:
        """The operand that the gradient is passed to."""
        return self.result.operands[self.position]

    @cached_property
    def local_derivative(self) -> Any:
        """For single numbers: the derivative of the result with respect to this operand, as a number."""
        g = np.ones((), np.result_type(self.result.data))[()]
        inputs = [operand.data for operand in self.result.operands]
        with np.errstate(all="ignore"):
            local = _apply_rule(self.result, self.position, g, self.result.data, inputs)
        if local is None:
            return np.float64(0.0)
        # As in the chain rule itself: where the operand is real, only the real part counts.
        return np.asarray(local)[()] if np.iscomplexobj(self.operand.data) else np.real(local)[()]

    @cached_property
    def local_term(self) -> Term | None:
        """For single numbers: that derivative as a formula, or None where the rule cannot be read."""
        return _read(self, 1.0)[0]

    @cached_property
    def rule(self) -> Term | None:
        """The formula for the contribution, given the gradient `g` of the result, or None where the rule cannot be read."""
        return self._rule_and_shape[0]

    @property
    def summed_axes(self) -> tuple[int, ...]:
        """The axes of what the rule gives that are summed, since broadcasting had repeated the operand along them."""
        shape, target = self._rule_and_shape[1], self.operand.shape
        extra = len(shape) - len(target)
        return tuple(axis for axis in range(len(shape)) if axis < extra or shape[axis] != target[axis - extra])

    @cached_property
    def _rule_and_shape(self) -> tuple[Term | None, tuple[int, ...]]:
        assert self.result.value is not None
        return _read(self, self.result.value.detach().named(GRADIENT))

    @property
    def passing(self) -> Passing:
        """Whether, and how, a gradient passes."""
        if self.contribution is None:
            return Passing.NEVER
        if np.any(self.contribution):
            return Passing.NORMALLY
        if self.ignores_gradient:
            return Passing.ALWAYS_ZERO
        return Passing.ZERO_HERE

    @cached_property
    def ignores_gradient(self) -> bool:
        """Whether the rule pays no heed to the gradient that it is given, so that nothing can ever pass."""
        assert self.result.value is not None
        unmistakable = "\0"  # a node of the user's may be called g
        rule, _ = _read(self, self.result.value.detach().named(unmistakable))
        return rule is not None and unmistakable not in _names(rule)


@dataclass(frozen=True, eq=False)
class BackwardPass:
    """The chain rule from the output of a graph to everything in it.

    edges: in the order in which the chain rule went along them, output first.
    gradient_of: the gradient of the output with respect to each node that it reached, inner ones included.
    """

    graph: Graph
    edges: Sequence[Edge]
    gradient_of: Mapping[Node, Any]
    into: Mapping[Node, Sequence[Edge]] = field(default_factory=dict)

    def contributions(self, node: Node) -> Sequence[Edge]:
        """The edges along which gradients came to this node; their sum is its gradient."""
        return self.into.get(node, ())

    @cached_property
    def blocked(self) -> list[Edge]:
        """The edges at which the gradient ends although a parameter, or something computed from one, lies behind."""
        return [edge for edge in self.edges if edge.operand.requires_grad and edge.passing is not Passing.NORMALLY]


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
    with recording_mode(seen):
        backpropagate({output: start}, *ancestors((output,)))
    gradients: dict[Node, Any] = {graph.output: start}
    edges: list[Edge] = []
    into: dict[Node, list[Edge]] = {}
    for value in seen.order:
        node = graph.node_of[value]
        passed_on = iter(seen.of[value])
        has_rule = _has_rule(node)
        for position, operand in enumerate(node.operands):
            edge = Edge(node, position)
            edges.append(edge)
            if not (operand.requires_grad and has_rule(position)):
                continue
            edge.contribution = next(passed_on)
            into.setdefault(operand, []).append(edge)
            before = gradients.get(operand)
            gradients[operand] = edge.contribution if before is None else before + edge.contribution
    return BackwardPass(graph, edges, gradients, into)


class _Contributions(Watch):
    """The watch: keeps what each recorded result passed on, in the order of its operands."""

    def __init__(self) -> None:
        self.of: dict[Any, list[Any]] = {}

    @property
    def order(self) -> list[Any]:
        return list(self.of)

    def see_gradient(self, node: Any, parent: Any, gradient: Any) -> None:
        self.of.setdefault(node, []).append(gradient)

    def within(self, mode: bool | Watch) -> bool | Watch:
        """A rule that runs a backward pass of its own is not watched in it."""
        return mode


class _Everything(Watch):
    """Records also what requires no gradient, such as the comparison in the rule of a maximum."""

    records_constants = True


# --- rules -------------------------------------------------------------------------------------------------------------------


def _has_rule(node: Node) -> Any:
    rules = node.primitive.vjps
    return (lambda position: rules[position] is not None) if isinstance(rules, tuple) else (lambda position: True)


def _apply_rule(result: Node, position: int, g: Any, out: Any, inputs: Sequence[Any]) -> Any:
    rules = result.primitive.vjps
    if type(rules) is Jointly:
        return list(rules.rule(g, out, *inputs, **result.params))[position]
    for at, rule in enumerate(rules):  # type: ignore[arg-type]  # some joint rules give one rule for each input
        if at == position:
            return None if rule is None else rule(g, out, *inputs, **result.params)
    return None


def _read(edge: Edge, g: Any) -> tuple[Term | None, tuple[int, ...]]:
    """What the rule of an edge does with `g`, as a formula in the names of the nodes, and the shape of what it gives."""
    nodes = (edge.result, *edge.result.operands)
    out, *inputs = (node.data if node.value is None else node.value.detach().named(node.name) for node in nodes)
    inputs = [_named_constant(node) if node.value is None else x for node, x in zip(nodes[1:], inputs, strict=True)]
    shapes = {node.name: node.shape for node in nodes[1:] if node.is_named}
    try:
        with recording_mode(_Everything()), np.errstate(all="ignore"):
            read = _apply_rule(edge.result, edge.position, g, out, inputs)
    except Exception:  # a rule of the user's own may do what only plain arrays can do
        return None, edge.operand.shape
    if isinstance(read, Value) and read.primitive is None and not read.name:
        return Literal(read.data), read.shape
    return recorded_term(read, shapes), np.shape(read)


def _named_constant(node: Node) -> Any:
    """A constant as it goes into a rule: numbers stay numbers, arrays go by their name."""
    if node.is_number:
        return node.data
    named = Value(0.0, requires_grad=False, name=node.name)
    named._data = node.data  # as it is: positions stay integers
    return named


def _names(term: Term) -> set[str]:
    if isinstance(term, Symbol):
        return {term.name}
    return set().union(*map(_names, getattr(term, "operands", ())))
