"""An explanation as text for the terminal."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from tinygrad_edu.escaping import one_line
from tinygrad_edu.explainer.chain import MOST_COUNTED, Derivation
from tinygrad_edu.explainer.derivatives import BackwardPass, Edge, Passing
from tinygrad_edu.explainer.explained import Explained
from tinygrad_edu.explainer.printing import MOST_ROWS, Printer
from tinygrad_edu.graph.graph import Graph, Kind, Node
from tinygrad_edu.graph.notation import array_text, name_text, number_text
from tinygrad_edu.graph.terms import definition
from tinygrad_edu.graph.text_notation import text

_LONGEST_RULE = 80


def written(explanation: Explained, printer: Printer, notes: Iterable[str]) -> str:
    """The whole text."""
    given = ", ".join(f"{name} = {number}" for name, number in printer.given())
    leaves = [f"with {given}"] if given else []
    if explanation.is_summary:
        blocks = [_summary(explanation, printer)]
    elif explanation.is_between_numbers:
        results = [" = ".join(definition) for definition in printer.definitions()]
        blocks = ["\n".join([*results, *leaves]), *(_derivation(found, explanation, printer) for found in explanation.derivations)]
    else:
        named = [node for node in explanation.graph.results if node.is_named or node is explanation.graph.output]
        results = [f"{name_text(node.name)} = {array_text(node.data)}" for node in reversed(named)]
        gradients = "\n".join(_gradient(found, printer) for found in explanation.derivations)
        chains = [_chain(node, explanation, printer) for node in explanation.targets[:MOST_ROWS]]
        blocks = ["\n".join([*results, *leaves]), _operations(explanation), *chains, gradients]
    blocks += ["\n".join(_in_all(explanation, printer)), "\n".join(notes)]
    return "\n\n".join(filter(None, blocks))


def _in_all(explanation: Explained, printer: Printer) -> Iterator[str]:
    """Where only some ways are told: which they are, and what comes by all of them."""
    for node in explanation.targets if explanation.via else ():
        ways = " and ".join(printer.node(station) for station in explanation.via)
        total = printer.number(explanation.all_backward.gradient_of[node])
        yield f"This is what comes by way of {ways}. By all ways it is {printer.gradient(node)} = {total}."


def _rule(edge: Edge, printer: Printer | None = None) -> str:
    """What an operation does with the gradient `g`; a printer writes results out."""
    if edge.rule is None:
        return "(cannot be read)"
    rule = text(edge.rule if printer is None else printer.spelling.written(edge.rule))
    rule = f"real({rule})" if edge.keeps_real_part else rule
    long = f"(long: see {one_line(edge.result.primitive.name)} in `python -m tinygrad_edu ops`)"
    return rule if len(rule) <= _LONGEST_RULE else long


# --- numbers -----------------------------------------------------------------------------------------------------------------


def _derivation(found: Derivation, explanation: Explained, printer: Printer) -> str:
    head, total = printer.gradient(found.node), printer.number(found.gradient)
    if found.node is explanation.graph.output:
        return f"{head} = 1"
    if not found.path_count:
        return f"{head} = {total}, since no path leads to {name_text(found.node.name)} on which no derivative is zero"
    if found.paths is None:
        arrivals = _arrivals(found, explanation.backward, printer)
        return f"{head} = {total}, {_count(found.path_count, 'path')}; what arrives at the end of them:\n{arrivals}"
    products = []
    for path in found.paths:
        forms = [*printer.factors(path, len(found.paths) > 1), number_text(math.prod(link.number for link in path))]
        products.append(dict.fromkeys(filter(None, forms)))
    if len(products) == 1:
        return f"{head} = " + f"\n{' ' * len(head)} = ".join(products[0])
    lines = [" = ".join(forms) for forms in products]
    return (
        f"{head} is a sum over {len(lines)} paths:\n    "
        + "\n  + ".join(lines)
        + f"\n  = {' = '.join(dict.fromkeys([*printer.collected(found), total]))}"
    )


def _count(number: int, noun: str) -> str:
    if number >= MOST_COUNTED:
        return f"more than 10^1000 {noun}s"
    if number >= 10**9:
        return f"about 10^{number.bit_length() * 301 // 1000} {noun}s"
    return f"{number:,} {noun}{'s' if number != 1 else ''}"


def _arrivals(found: Derivation, backward: BackwardPass, printer: Printer) -> str:
    """The table of contributions."""
    rows = [["by way of", "incoming gradient", "× local derivative", "= contribution"]]
    rows += (
        [
            f"{name_text(edge.result.name)} = {printer.definition(edge.result)}",
            f"{printer.gradient(edge.result)} = {array_text(backward.gradient_of[edge.result])}",
            _local(edge, printer),
            array_text(edge.contribution),
        ]
        for edge in found.contributions[:MOST_ROWS]
    )
    rest = found.contributions[MOST_ROWS:]
    if rest:
        rows.append([f"{len(rest):,} more", "", "", array_text(sum(edge.contribution for edge in rest))])
    return _table(rows)


def _local(edge: Edge, printer: Printer) -> str:
    """The local derivative; where numbers are complex, what becomes of the incoming gradient g."""
    if not edge.is_between_real_numbers:
        return f"g ↦ {_rule(edge, printer)}"
    return " = ".join(dict.fromkeys([printer.local_derivative(edge), number_text(edge.local_derivative)]))


def _table(rows: Sequence[Sequence[str]]) -> str:
    """Columns under their headings."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(("  " + "  ".join(map(str.ljust, row, widths))).rstrip() for row in rows)


# --- arrays ------------------------------------------------------------------------------------------------------------------


def _operations(explanation: Explained) -> str:
    """Every operation, in the order of the backward pass."""
    backward, output = explanation.backward, name_text(explanation.graph.output.name)
    rows = [["result", "operation", "shape", "gradient g", "passes to", "rule", "shape", "summed over"]]
    for result, edges in backward.passed_by.items():
        cells = [name_text(result.name), text(definition(result)), str(result.shape), _short(backward.gradient_of.get(result))]
        for edge in edges:
            rows.append([*cells, name_text(edge.operand.name), *_passed(edge)])
            cells = ["", "", "", ""]
    return f"From {output} back to the leaves; g is the gradient of {output} with respect to the result:\n" + _table(rows)


def _short(gradient: Any) -> str:
    if gradient is None:
        return "none"
    return array_text(gradient) if np.size(gradient) <= 4 else f"of shape {np.shape(gradient)}"


def _passed(edge: Edge) -> tuple[str, str, str]:
    if edge.passing is Passing.NEVER:
        return "none", "", ""
    axes = ", ".join(map(str, edge.summed_axes))
    summed = f"axis {axes}" if len(edge.summed_axes) == 1 else f"axes {axes}" if axes else ""
    return _rule(edge), str(edge.operand.shape), summed


def _chain(node: Node, explanation: Explained, printer: Printer) -> str:
    """The derivation in matrices."""
    head = printer.gradient(node)
    return "\n".join(
        f"{' ' * len(head) if number else head} = {printer.formula(term)}"
        for number, term in enumerate(explanation.matrices.lines(node))
    )


def _gradient(found: Derivation, printer: Printer) -> str:
    parts = len(found.contributions)
    more = f", the sum of {parts} contributions" if parts > 1 else ""
    return f"{printer.gradient(found.node)} = {printer.number(found.gradient)}{more}"


# --- many --------------------------------------------------------------------------------------------------------------------


def _summary(explanation: Explained, printer: Printer) -> str:
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
        gradient = printer.number(explanation.backward.gradient_of.get(node))
        paths = _count(explanation.paths.counts.get(node, 0), "path")
        lines.append(f"{printer.gradient(node)} = {gradient}, by {paths}")
    if len(explanation.targets) > MOST_ROWS:
        lines.append(f"and {len(explanation.targets) - MOST_ROWS:,} gradients more")
    return "\n".join([*lines, "This is a summary; explain(...).whole shows every operation."])


def _depth(graph: Graph) -> int:
    depths: dict[Node, int] = {}
    for node in graph.results:
        depths[node] = 1 + max((depths.get(operand, 0) for operand in node.operands), default=0)
    return depths[graph.output]
