"""The course of a computation in steps: forward through the values, then backward along one edge after the other.

The steps hold formulas and names in MathML, which are the same in every language; the sentences around them are the page's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tinygrad_edu.escaping import in_latex
from tinygrad_edu.explainer.derivatives import BackwardPass, Edge, Passing
from tinygrad_edu.explainer.drawing import brief
from tinygrad_edu.explainer.latex_form import rule_latex
from tinygrad_edu.explainer.listing import Listing
from tinygrad_edu.explainer.printing import Printer
from tinygrad_edu.graph.graph import Node
from tinygrad_edu.graph.lines import Origin
from tinygrad_edu.graph.mathml_notation import mathml
from tinygrad_edu.graph.notation import COMPARISON, PRODUCT, array_text
from tinygrad_edu.graph.terms import Applied, Literal

Step = dict[str, Any]
"""kind: what happens. lit: the ids of the nodes and edges in the picture that it is about. formulas: lines to show.
values, gradients: what is known from this step on, by the id of the node; inPicture: the same gradients, short enough for the
picture. names: what the sentence speaks of.
line, writtenLine: the number of the line of the source that does it, if there is one, and of the user's function."""


def steps(
    backward: BackwardPass,
    printer: Printer,
    source: Listing | None = None,
    origin: Origin | None = None,
    learning_rate: float | None = None,
) -> Iterator[Step]:
    """All steps, in order; with a step of gradient descent, if there is a learning rate. The printer writes LaTeX."""
    made = _Steps(backward, printer, source, origin)
    yield from made.all()
    if learning_rate is not None:
        yield made.update(learning_rate)


class _Steps:
    def __init__(self, backward: BackwardPass, printer: Printer, source: Listing | None, origin: Origin | None) -> None:
        self._backward, self._printer, self._source, self._origin = backward, printer, source, origin
        self._notation = printer.notation
        self._graph = backward.graph
        self._ids = {node: f"n{number}" for number, node in enumerate(self._graph.nodes)}
        self._arrived: dict[Node, Any] = {}

    def all(self) -> Iterator[Step]:
        """What is given, every result, where the chain rule begins, every edge, and what has been found."""
        yield self._given()
        yield from map(self._forward, self._graph.results)
        yield self._start()
        yield from (self._edge(edge) for edges in self._backward.passed_by.values() for edge in edges)
        yield self._end()

    def _given(self) -> Step:
        leaves = [node for node in self._graph.nodes if not node.operands]
        return _step(
            "given",
            lit=[self._ids[leaf] for leaf in leaves],
            formulas=[f"{name} = {number}" for name, number in self._printer.given()],
            values={self._ids[leaf]: array_text(leaf.data) for leaf in leaves},
            line=self._source.head if self._source else None,
        )

    def _forward(self, node: Node) -> Step:
        return _step(
            "forward",
            lit=[self._ids[node]],
            formulas=self._computation(node),
            values={self._ids[node]: array_text(node.data)},
            names=[self._printer.node(node)],
            line=self._source.of_result.get(node) if self._source else None,
            writtenLine=self._written_line(node),
        )

    def _written_line(self, node: Node) -> int | None:
        """Where it is computed in the user's function."""
        return self._origin.line_of(node.value) if self._origin and node.value is not None else None

    def _computation(self, node: Node) -> list[str]:
        """`y = θ·x`, `= 3·2`, `= 6`."""
        forms = [self._printer.shown(node)]
        if all(part.shape == () for part in (node, *node.operands)):
            numbers = tuple(Literal(operand.data) for operand in node.operands)
            forms.append(f"= {self._notation.term(Applied(node.primitive, numbers, node.params), COMPARISON)}")
        return [*forms, f"= {self._notation.array(node.data)}"]

    def _start(self) -> Step:
        output = self._graph.output
        start, place = array_text(self._backward.gradient_of[output]), self._ids[output]
        return _step(
            "start",
            lit=[place],
            formulas=[f"{self._printer.gradient(output)} = {start}"],
            gradients={place: start},
            inPicture={place: start},
            names=[self._notation.name(output.name)],
        )

    def _edge(self, edge: Edge) -> Step:
        """What passes back on an edge, and what has come to its operand so far."""
        result, operand = self._ids[edge.result], self._ids[edge.operand]
        step = _step(
            self._kind(edge),
            lit=[result, f"e{result[1:]}_{edge.position}", operand],
            formulas=self._contribution(edge),
            names=[self._printer.node(edge.result), self._printer.node(edge.operand)],
            line=self._source.of_edge.get(edge) if self._source else None,
            writtenLine=self._written_line(edge.result),
        )
        if step["kind"] == "kink":
            step["names"].append(mathml(self._notation.number(edge.local_derivative)))
        if edge.contribution is not None:
            before = self._arrived.get(edge.operand)
            total = edge.contribution if before is None else before + edge.contribution
            if before is not None:
                step["formulas"] += map(mathml, self._sum(edge, before, total))
            self._arrived[edge.operand] = total
            step["gradients"] = {operand: array_text(total)}
            step["inPicture"] = {operand: brief(total)}
        return step

    def _kind(self, edge: Edge) -> str:
        if edge.passing is Passing.ALWAYS_ZERO:
            return "blocked" if self._backward.is_flat(edge.result) else "flat"
        if edge.verdict in _KINDS:
            return _KINDS[edge.verdict]
        if edge.operand in self._arrived:
            return "adds"
        return "passes" if edge.is_between_real_numbers else "turns"

    def _sum(self, edge: Edge, before: Any, total: Any) -> list[str]:
        is_last = edge is self._backward.contributions(edge.operand)[-1]
        head = self._printer.gradient(edge.operand) if is_last else r"\sum"
        first, second, both = map(self._notation.array, (before, edge.contribution, total))
        return [f"{head} = {first} + {self._notation.factor(second)}", f"= {both}"]

    def _contribution(self, edge: Edge) -> list[str]:
        """The incoming gradient times the local derivative, or for arrays the rule.

        One contribution of several is not the derivative: it is called by the way that it takes, `y → x:`.
        """
        if edge.contribution is None:
            return []
        printer, notation, result, operand = self._printer, self._notation, edge.result, edge.operand
        several = len(self._backward.contributions(operand)) > 1
        head = rf"{printer.node(result)} \to {printer.node(operand)}:" if several else f"{printer.gradient(operand)} ="
        incoming, gradient, found = printer.gradient(result), self._backward.gradient_of[result], notation.array(edge.contribution)
        why = [rf"\mathrm{{({in_latex(edge.failure)})}}"] if edge.failure else []
        if not edge.is_between_real_numbers:
            rule = notation.number(0) if edge.ignores_gradient else rule_latex(edge, printer)
            return [f"g = {incoming} = {notation.array(gradient)}", f"{head} {rule}", *why, f"= {found}"]
        local_forms = printer.local_derivative(edge, PRODUCT), notation.number(edge.local_derivative)
        forms = [notation.product([notation.number(gradient), local]) for local in local_forms]
        if result is not self._graph.output:  # or else it would be dL/dL times what is to be found
            quotient = printer.quotient(result, operand, notation.partial if several else notation.d)
            forms.insert(0, notation.times.join([incoming, quotient]))
        first, *rest = dict.fromkeys([*forms, found])
        return [f"{head} {first}", *(f"= {form}" for form in rest), *why]

    def _end(self) -> Step:
        parameters = list(self._graph.parameters)
        gradients = self._backward.gradient_of
        return _step(
            "end",
            lit=[self._ids[node] for node in parameters],
            formulas=[f"{self._printer.gradient(node)} = {self._printer.number(gradients.get(node))}" for node in parameters],
            line=self._source.end if self._source else None,
        )

    def update(self, rate: float) -> Step:
        """A step against the gradient."""
        parameters = list(self._graph.parameters)
        return _step(
            "update",
            lit=[self._ids[node] for node in parameters],
            formulas=[form for node in parameters for form in self._moved(node, rate)],
            names=[rf"\eta = {self._notation.number(rate)}"],
        )

    def _moved(self, node: Node, rate: float) -> list[str]:
        notation, name = self._notation, self._printer.node(node)
        gradient = np.asarray(self._backward.gradient_of.get(node, np.zeros_like(node.data)))
        step = notation.product([notation.number(rate), notation.array(gradient)])
        return [
            rf"{name} - \eta \cdot {self._printer.gradient(node)} = {notation.array(node.data)} - {step}",
            f"= {notation.array(node.data - rate * gradient)}",
        ]


_KINDS = {
    Passing.NEVER: "underivable", Passing.NOT_CHOSEN: "unchosen", Passing.AT_A_KINK: "kink", Passing.AT_A_JUMP: "kink",
}  # fmt: skip


def _step(kind: str, lit: list[str], formulas: list[str], names: Sequence[str] = (), **known: Any) -> Step:
    empty: Step = {"values": {}, "gradients": {}, "inPicture": {}, "line": None, "writtenLine": None}
    told = {"formulas": list(map(mathml, formulas)), "names": list(map(mathml, names))}
    return {"kind": kind, "lit": lit, **told, **empty, **known}
