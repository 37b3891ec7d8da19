"""An explanation as text for the terminal."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import numpy as np

from tinygrad_edu.escaping import one_line
from tinygrad_edu.explainer.chain import MOST_COUNTED, Derivation, Link, Paths, Spelling
from tinygrad_edu.explainer.derivatives import BackwardPass, Edge, Passing
from tinygrad_edu.graph.graph import Graph, Kind, Node
from tinygrad_edu.graph.notation import COMPARISON, PRODUCT, SUM, array_text, code, name_text, number_text, text
from tinygrad_edu.graph.terms import definition

MOST_ROWS = 12
_LONGEST_RULE = 80


class Explained(Protocol):
    """What an explanation has to offer."""

    graph: Graph
    targets: Sequence[Node]

    @property
    def backward(self) -> BackwardPass: ...
    @property
    def spelling(self) -> Spelling: ...
    @property
    def paths(self) -> Paths: ...
    @property
    def derivations(self) -> Sequence[Derivation]: ...
    @property
    def notes(self) -> Iterable[str]: ...
    @property
    def is_summary(self) -> bool: ...
    @property
    def is_between_numbers(self) -> bool: ...


def written(explanation: Explained) -> str:
    """The whole text."""
    if explanation.is_summary:
        blocks = [_summary(explanation)]
    elif explanation.is_between_numbers:
        blocks = [_definitions(explanation)] + [_derivation(explanation, found) for found in explanation.derivations]
    else:
        blocks = [_results(explanation), _operations(explanation), _gradients(explanation)]
    return "\n\n".join(block for block in [*blocks, "\n".join(explanation.notes)] if block)


def quotient(of: Node, wrt: Node, spelling: Spelling, d: str = "d") -> str:
    """`dL/d(t − y)`."""
    return f"{d}{_differentiated(of, spelling)}/{d}{_differentiated(wrt, spelling)}"


def rule_text(edge: Edge, spelling: Spelling | None = None) -> str:
    """What an operation does with the gradient `g`, in Python; results are written out where a spelling says so."""
    if edge.rule is None:
        return "(cannot be read)"
    rule = code(edge.rule if spelling is None else spelling.written(edge.rule))
    rule = f"real({rule})" if edge.keeps_real_part else rule
    return (
        rule
        if len(rule) <= _LONGEST_RULE
        else f"(long: see {one_line(edge.result.primitive.name)} in `python -m tinygrad_edu ops`)"
    )


def _differentiated(node: Node, spelling: Spelling) -> str:
    form = text(spelling.of(node))
    return f"({form})" if spelling.is_written_out(node) else form


# --- numbers -----------------------------------------------------------------------------------------------------------------


def _definitions(explanation: Explained) -> str:
    spelling = explanation.spelling
    lines = [
        f"{name_text(node.name)} = {text(spelling.definition(node))} = {array_text(node.data)}"
        for node in reversed(list(explanation.graph.results))
        if not spelling.is_written_out(node)
    ]
    return "\n".join([*lines, _given(explanation)])


def _given(explanation: Explained) -> str:
    leaves = [node for node in explanation.graph.nodes if not node.operands and not node.is_number]
    return "with " + ", ".join(f"{name_text(node.name)} = {array_text(node.data)}" for node in leaves) if leaves else ""


def _derivation(explanation: Explained, found: Derivation) -> str:
    head = quotient(explanation.graph.output, found.node, explanation.spelling)
    gradient = array_text(0.0 if found.gradient is None else found.gradient)
    if found.node is explanation.graph.output:
        return f"{head} = 1"
    if not found.path_count:
        return f"{head} = {gradient}, since no path leads to {name_text(found.node.name)} on which no derivative is zero"
    if found.paths is None:
        return f"{head} = {gradient}, {_count(found.path_count, 'path')}; what arrives at the end of them:\n" + _arrivals(
            explanation, found
        )
    if len(found.paths) == 1:
        forms = _forms(found.paths[0], explanation.spelling, "d")
        return f"\n{' ' * len(head)} = ".join([f"{head} = {forms[0]}", *forms[1:]])
    lines = [" = ".join(_forms(path, explanation.spelling, "∂")) for path in found.paths]
    return "\n".join(
        [f"{head} is a sum over {len(lines)} paths:", f"    {lines[0]}", *(f"  + {line}" for line in lines[1:]), f"  = {gradient}"]
    )


def _forms(path: Sequence[Link], spelling: Spelling, d: str) -> list[str]:
    """A product as quotients, as formulas, in numbers, and what it comes to; without repetitions."""
    if len(path) == 1:
        (link,) = path
        forms = [text(spelling.written(link.term), SUM), number_text(link.number)]
        return list(dict.fromkeys(forms if d == "d" else [quotient(link.of, link.wrt, spelling, d), *forms]))
    forms = [
        " · ".join(quotient(link.of, link.wrt, spelling, d) for link in path),
        " · ".join(factor_text(text(spelling.written(link.term), PRODUCT)) for link in path),
        " · ".join(factor_text(number_text(link.number)) for link in path),
        number_text(math.prod(link.number for link in path)),
    ]
    return list(dict.fromkeys(forms))


def factor_text(form: str) -> str:
    """A factor, in brackets if it begins with a sign."""
    return f"({form})" if form.startswith("−") else form


def _count(number: int, noun: str) -> str:
    if number >= MOST_COUNTED:
        return f"more than 10^1000 {noun}s"
    if number >= 10**9:
        return f"about 10^{number.bit_length() * 301 // 1000} {noun}s"
    return f"{number:,} {noun}{'s' if number != 1 else ''}"


def _arrivals(explanation: Explained, found: Derivation) -> str:
    """The table of contributions."""
    spelling, gradients = explanation.spelling, explanation.backward.gradient_of
    output = explanation.graph.output
    rows = [["by way of", "incoming gradient", "× local derivative", "= contribution"]]
    rows += (
        [
            f"{name_text(edge.result.name)} = {text(spelling.definition(edge.result))}",
            f"{quotient(output, edge.result, spelling)} = {array_text(gradients[edge.result])}",
            _local(edge, spelling),
            array_text(edge.contribution),
        ]
        for edge in found.contributions[:MOST_ROWS]
    )
    rest = found.contributions[MOST_ROWS:]
    if rest:
        rows.append([f"{len(rest):,} more", "", "", array_text(sum(edge.contribution for edge in rest))])
    return table(rows)


def _local(edge: Edge, spelling: Spelling) -> str:
    """The local derivative; where numbers are complex, what becomes of the incoming gradient g."""
    if not edge.is_between_real_numbers:
        return f"g ↦ {rule_text(edge, spelling)}"
    number, form = number_text(edge.local_derivative), local_text(edge, spelling)
    return number if form == number else f"{form} = {number}"


def local_text(edge: Edge, spelling: Spelling, least: int = COMPARISON) -> str:
    """The local derivative between real numbers as a formula, or as a number where there is no telling formula."""
    if edge.local_term is None or edge.ignores_gradient:
        return number_text(edge.local_derivative)
    return text(spelling.written(edge.local_term), least)


def table(rows: Sequence[Sequence[str]], indent: str = "  ") -> str:
    """Columns under their headings."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join((indent + "  ".join(map(str.ljust, row, widths))).rstrip() for row in rows)


# --- arrays ------------------------------------------------------------------------------------------------------------------


def _results(explanation: Explained) -> str:
    output = explanation.graph.output
    named = [node for node in explanation.graph.results if node.is_named or node is output]
    return "\n".join([*(f"{name_text(node.name)} = {array_text(node.data)}" for node in reversed(named)), _given(explanation)])


def _operations(explanation: Explained) -> str:
    """Every operation, in the order of the backward pass."""
    backward, output = explanation.backward, name_text(explanation.graph.output.name)
    rows = [["result", "operation", "shape", "gradient g", "passes to", "rule", "shape", "summed over"]]
    for result, edges in backward.passed_by.items():
        cells = [name_text(result.name), code(definition(result)), str(result.shape), _short(backward.gradient_of.get(result))]
        for edge in edges:
            rows.append([*cells, name_text(edge.operand.name), *_passed(edge)])
            cells = ["", "", "", ""]
    return f"From {output} back to the leaves; g is the gradient of {output} with respect to the result:\n" + table(rows)


def _short(gradient: Any) -> str:
    if gradient is None:
        return "none"
    return array_text(gradient) if np.size(gradient) <= 4 else f"of shape {np.shape(gradient)}"


def _passed(edge: Edge) -> tuple[str, str, str]:
    if edge.passing is Passing.NEVER:
        return "none", "", ""
    axes = ", ".join(map(str, edge.summed_axes))
    return (
        rule_text(edge),
        str(edge.operand.shape),
        f"axis {axes}" if len(edge.summed_axes) == 1 else f"axes {axes}" if axes else "",
    )


def _gradients(explanation: Explained) -> str:
    lines = []
    for found in explanation.derivations:
        head = quotient(explanation.graph.output, found.node, explanation.spelling)
        gradient = array_text(0.0 if found.gradient is None else found.gradient)
        parts = len(found.contributions)
        lines.append(f"{head} = {gradient}" + (f", the sum of {parts} contributions" if parts > 1 else ""))
    return "\n".join(lines)


# --- many --------------------------------------------------------------------------------------------------------------------


def _summary(explanation: Explained) -> str:
    graph = explanation.graph
    counts = Counter(one_line(node.primitive.name) for node in graph.results)
    kinds = Counter(node.kind for node in graph.nodes)
    most = ", ".join(f"{name} {number:,}" for name, number in counts.most_common(8))
    lines = [
        f"{name_text(graph.output.name)} = {array_text(graph.output.data)}, the result of {_count(counts.total(), 'operation')} "
        f"on {_count(kinds[Kind.PARAMETER], 'parameter')} and {_count(kinds[Kind.DATA], 'constant')}",
        f"operations: {most}{', …' if len(counts) > 8 else ''}",
        f"longest path: {_count(_depth(graph), 'operation')}",
    ]
    for node in explanation.targets[:MOST_ROWS]:
        head = quotient(graph.output, node, explanation.spelling)
        gradient = array_text(explanation.backward.gradient_of.get(node, 0.0))
        lines.append(f"{head} = {gradient}, by {_count(explanation.paths.counts.get(node, 0), 'path')}")
    if len(explanation.targets) > MOST_ROWS:
        lines.append(f"and {len(explanation.targets) - MOST_ROWS:,} gradients more")
    return "\n".join([*lines, "This is a summary; explain(...).whole shows every operation."])


def _depth(graph: Graph) -> int:
    depths: dict[Node, int] = {}
    for node in graph.results:
        depths[node] = 1 + max((depths.get(operand, 0) for operand in node.operands), default=0)
    return depths[graph.output]
