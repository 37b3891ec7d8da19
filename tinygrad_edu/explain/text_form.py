"""An explanation as text for the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np

from tinygrad_edu.explain.chain import Derivation, Link, Spelling
from tinygrad_edu.explain.derivatives import BackwardPass, Edge, Passing
from tinygrad_edu.explain.notation import PRODUCT, SUM, array_text, code, name_text, number_text, text
from tinygrad_edu.explain.terms import definition
from tinygrad_edu.graph import Graph, Kind, Node

_MOST_ROWS = 12


class Explained(Protocol):
    """What an explanation has to offer."""

    graph: Graph
    targets: Sequence[Node]

    @property
    def backward(self) -> BackwardPass: ...
    @property
    def spelling(self) -> Spelling: ...
    @property
    def derivations(self) -> Sequence[Derivation]: ...
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
    return "\n\n".join(block for block in [*blocks, "\n".join(notes(explanation))] if block)


def quotient(of: Node, wrt: Node, spelling: Spelling, d: str = "d") -> str:
    """`dL/d(t − y)`."""
    return f"{d}{_differentiated(of, spelling)}/{d}{_differentiated(wrt, spelling)}"


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
    product = float(np.prod([link.number for link in path]))
    forms = [
        " · ".join(quotient(link.of, link.wrt, spelling, d) for link in path),
        " · ".join(factor_text(text(spelling.written(link.term), PRODUCT if len(path) > 1 else SUM)) for link in path),
        " · ".join(factor_text(number_text(link.number)) for link in path),
        number_text(product),
    ]
    return list(dict.fromkeys(forms))


def factor_text(form: str) -> str:
    """A factor, in brackets if it begins with a sign."""
    return f"({form})" if form.startswith("−") else form


def _count(number: int, noun: str) -> str:
    if number >= 10**9:
        return f"about 10^{number.bit_length() * 301 // 1000} {noun}s"
    return f"{number:,} {noun}{'s' if number != 1 else ''}"


def _arrivals(explanation: Explained, found: Derivation) -> str:
    """The table of contributions."""
    spelling, gradients = explanation.spelling, explanation.backward.gradient_of
    output = explanation.graph.output
    rows = [["by way of", "incoming gradient", "× local derivative", "= contribution"]]
    for edge in found.contributions[:_MOST_ROWS]:
        local = text(spelling.written(edge.local_term)) if edge.local_term is not None else ""
        local_number = number_text(edge.local_derivative)
        rows.append(
            [
                f"{name_text(edge.result.name)} = {text(spelling.definition(edge.result))}",
                f"{quotient(output, edge.result, spelling)} = {array_text(gradients[edge.result])}",
                local_number if local in ("", local_number) else f"{local} = {local_number}",
                array_text(edge.contribution),
            ]
        )
    rest = found.contributions[_MOST_ROWS:]
    if rest:
        rows.append([f"{len(rest):,} more", "", "", array_text(sum(edge.contribution for edge in rest))])
    return table(rows)


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
    by_result: dict[Node, list[Edge]] = {}
    for edge in backward.edges:
        if edge.operand.requires_grad:
            by_result.setdefault(edge.result, []).append(edge)
    rows = [["result", "operation", "shape", "gradient g", "passes to", "rule", "shape", "summed over"]]
    for result, edges in by_result.items():
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
    rule = "(cannot be read)" if edge.rule is None else code(edge.rule)
    return rule, str(edge.operand.shape), f"axis {axes}" if len(edge.summed_axes) == 1 else f"axes {axes}" if axes else ""


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
    counts = Counter(node.primitive.name for node in graph.results)
    kinds = Counter(node.kind for node in graph.nodes)
    most = ", ".join(f"{name} {number:,}" for name, number in counts.most_common(8))
    lines = [
        f"{name_text(graph.output.name)} = {array_text(graph.output.data)}, the result of {_count(counts.total(), 'operation')} "
        f"on {_count(kinds[Kind.PARAMETER], 'parameter')} and {_count(kinds[Kind.DATA], 'constant')}",
        f"operations: {most}{', …' if len(counts) > 8 else ''}",
        f"longest path: {_count(_depth(graph), 'operation')}",
    ]
    shown = explanation.derivations[:_MOST_ROWS]
    for found in shown:
        head = quotient(graph.output, found.node, explanation.spelling)
        gradient = array_text(0.0 if found.gradient is None else found.gradient)
        lines.append(f"{head} = {gradient}, by {_count(found.path_count, 'path')}")
    if len(explanation.targets) > len(shown):
        lines.append(f"and {len(explanation.targets) - len(shown):,} gradients more")
    return "\n".join([*lines, "This is a summary; explain(...).whole shows every operation."])


def _depth(graph: Graph) -> int:
    depths: dict[Node, int] = {}
    for node in graph.results:
        depths[node] = 1 + max((depths.get(operand, 0) for operand in node.operands), default=0)
    return depths[graph.output]


# --- where nothing passes ----------------------------------------------------------------------------------------------------


def notes(explanation: Explained) -> Iterator[str]:
    """Why some things count as constants."""
    spelling = explanation.spelling
    blocked = explanation.backward.blocked
    for edge in blocked[:_MOST_ROWS]:
        result, operand = name_text(edge.result.name), text(spelling.of(edge.operand))
        form = text(spelling.definition(edge.result))
        shown = form if spelling.is_written_out(edge.result) else f"{result} = {form}"
        if edge.passing is Passing.ALWAYS_ZERO:
            constant = form if spelling.is_written_out(edge.result) else result
            yield (
                f"Note: {shown} is flat wherever it has a derivative: when {operand} changes a little, {constant} does not change, "
                f"so {quotient(edge.result, edge.operand, spelling)} = 0. No gradient passes through it, and {constant} counts as "
                f"a constant in the gradient of {name_text(explanation.graph.output.name)}."
            )
        elif edge.passing is Passing.NEVER:
            yield f"Note: {shown} has no derivative with respect to {operand}, which counts as a constant here."
        elif _is_flat_here(edge, explanation.backward):
            yield f"Note: at {operand} = {array_text(edge.operand.data)} the derivative of {shown} is 0, so nothing passes there."
    unknown = next((node for node in explanation.graph.nodes if node.kind is Kind.DATA and not node.is_named), None)
    if unknown is not None:
        yield (
            f"Note: {name_text(unknown.name)} = {array_text(unknown.data)} counts as a constant: no gradient passes to it, nor to "
            "what it may have been computed from, as after stop_gradient, detach, or under no_grad."
        )


def _is_flat_here(edge: Edge, backward: BackwardPass) -> bool:
    between_numbers = edge.result.shape == edge.operand.shape == ()
    return between_numbers and edge.local_derivative == 0 and bool(np.any(backward.gradient_of[edge.result]))
