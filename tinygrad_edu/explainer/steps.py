"""The course of a computation in steps: forward through the values, then backward along one edge after the other.

The steps hold formulas and names, which are the same in every language; the sentences around them are the page's.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tinygrad_edu.explainer.chain import Spelling
from tinygrad_edu.explainer.derivatives import BackwardPass, Edge, Passing
from tinygrad_edu.explainer.drawing import brief
from tinygrad_edu.explainer.listing import Listing
from tinygrad_edu.explainer.text_form import factor_text, local_text, quotient, rule_text
from tinygrad_edu.graph.graph import Node
from tinygrad_edu.graph.notation import PRODUCT, array_text, name_text, number_text, text
from tinygrad_edu.graph.terms import Applied, Literal

Step = dict[str, Any]
"""kind: what happens. lit: the ids of the nodes and edges in the picture that it is about. formulas: lines to show.
values, gradients: what is known from this step on, by the id of the node; inPicture: the same gradients, short enough for the
picture. names: what the sentence speaks of.
line: the number of the line of the source that does it, if there is one."""


def steps(backward: BackwardPass, spelling: Spelling, source: Listing | None = None) -> Iterator[Step]:
    """All steps, in order."""
    graph = backward.graph
    ids = {node: f"n{number}" for number, node in enumerate(graph.nodes)}
    output = graph.output

    def shown(node: Node) -> str:
        return text(spelling.of(node))

    leaves = [node for node in graph.nodes if not node.operands]
    given = [f"{name_text(node.name)} = {array_text(node.data)}" for node in leaves if not node.is_number]
    yield _step(
        "given",
        lit=[ids[leaf] for leaf in leaves],
        formulas=given,
        values={ids[leaf]: array_text(leaf.data) for leaf in leaves},
        line=source.head if source else None,
    )
    for node in graph.results:
        value = array_text(node.data)
        yield _step(
            "forward",
            lit=[ids[node]],
            formulas=_computation(node, spelling),
            values={ids[node]: value},
            names=[shown(node)],
            line=source.of_result.get(node) if source else None,
        )

    start = array_text(backward.gradient_of[output])
    first = f"{quotient(output, output, spelling)} = {start}"
    yield _step(
        "start",
        lit=[ids[output]],
        formulas=[first],
        gradients={ids[output]: start},
        inPicture={ids[output]: start},
        names=[name_text(output.name)],
    )
    arrived: dict[Node, Any] = {}
    for edge in (edge for edges in backward.passed_by.values() for edge in edges):
        operand, result = edge.operand, edge.result
        step = _step(
            "passes" if edge.is_between_real_numbers else "turns",
            lit=[ids[result], f"e{ids[result][1:]}_{edge.position}", ids[operand]],
            formulas=_contribution(edge, backward, spelling),
            names=[shown(result), shown(operand)],
            line=source.of_edge.get(edge) if source else None,
        )
        if edge.contribution is not None:
            before = arrived.get(operand)
            total = edge.contribution if before is None else before + edge.contribution
            arrived[operand] = total
            step["gradients"] = {ids[operand]: array_text(total)}
            step["inPicture"] = {ids[operand]: brief(total)}
            if before is not None:
                step["kind"] = "adds"
                is_last = edge is backward.contributions(operand)[-1]
                sum_text = f"{array_text(before)} + {factor_text(array_text(edge.contribution))} = {array_text(total)}"
                step["formulas"].append(f"{quotient(output, operand, spelling) if is_last else 'Σ'} = {sum_text}")
        if edge.passing is Passing.ALWAYS_ZERO:
            step["kind"] = "blocked" if backward.is_flat(result) else "flat"
        elif edge.passing in _NOTHING_PASSES:
            step["kind"] = _NOTHING_PASSES[edge.passing]
        elif edge.is_between_real_numbers and not edge.has_derivative:
            step["kind"] = "kink"
            step["names"].append(number_text(edge.local_derivative))
        yield step
    found = [f"{quotient(output, node, spelling)} = {array_text(backward.gradient_of.get(node, 0.0))}" for node in graph.parameters]
    lit = [ids[node] for node in graph.parameters]
    yield _step("end", lit=lit, formulas=found, line=source.end if source else None)


_NOTHING_PASSES = {Passing.NEVER: "underivable", Passing.NOT_CHOSEN: "unchosen"}


def _step(kind: str, lit: list[str], formulas: list[str], **known: Any) -> Step:
    return {
        "kind": kind,
        "lit": lit,
        "formulas": formulas,
        "values": {},
        "gradients": {},
        "inPicture": {},
        "names": [],
        "line": None,
        **known,
    }


def _computation(node: Node, spelling: Spelling) -> list[str]:
    """`y = θ·x`, `= 3·2`, `= 6`."""
    formula = text(spelling.definition(node))
    forms = [formula if spelling.is_written_out(node) else f"{name_text(node.name)} = {formula}"]
    if all(part.shape == () for part in (node, *node.operands)):
        forms.append(f"= {text(Applied(node.primitive, tuple(Literal(operand.data) for operand in node.operands), node.params))}")
    return [*forms, f"= {array_text(node.data)}"]


def _contribution(edge: Edge, backward: BackwardPass, spelling: Spelling) -> list[str]:
    """The incoming gradient times the local derivative, or for arrays the rule.

    One contribution of several is not the derivative: it is called by the way that it takes, `y → x:`.
    """
    if edge.contribution is None:
        return []
    output, result, operand = backward.graph.output, edge.result, edge.operand
    several = len(backward.contributions(operand)) > 1
    head = f"{text(spelling.of(result))} → {text(spelling.of(operand))}:" if several else f"{quotient(output, operand, spelling)} ="
    incoming = quotient(output, result, spelling)
    gradient = array_text(backward.gradient_of[result])
    if not edge.is_between_real_numbers:
        axes = f"  (Σ axis {', '.join(map(str, edge.summed_axes))})" if edge.summed_axes else ""
        return [f"g = {incoming} = {gradient}", f"{head} {rule_text(edge, spelling)}{axes}", f"= {array_text(edge.contribution)}"]
    local_forms = local_text(edge, spelling, PRODUCT), number_text(edge.local_derivative)
    factors = [f"{factor_text(gradient)} · {factor_text(local)}" for local in local_forms]
    if result is not output:  # or else it would be dL/dL times what is to be found
        factors.insert(0, f"{incoming} · {quotient(result, operand, spelling, '∂' if several else 'd')}")
    first, *rest = dict.fromkeys([*factors, array_text(edge.contribution)])
    without_formula = [f"({edge.failure})"] if edge.failure else []
    return [f"{head} {first}", *(f"= {form}" for form in rest), *without_formula]
