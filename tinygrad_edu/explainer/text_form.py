"""An explanation as text for the terminal."""

from __future__ import annotations

import math
import unicodedata
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
from tinygrad_edu.graph.terms import Term, definition
from tinygrad_edu.graph.text_notation import text

_LONGEST_RULE = 80


def written(explanation: Explained, printer: Printer, notes: Iterable[str]) -> str:
    """The whole text."""
    given = printer.say(", ", "，").join(f"{name} = {number}" for name, number in printer.given())
    leaves = [printer.say(f"with {given}", f"其中 {given}")] if given else []
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
        blocks = ["\n".join([*results, *leaves]), _operations(explanation, printer), *chains, gradients]
    blocks += ["\n".join(_in_all(explanation, printer)), "\n".join(notes)]
    return "\n\n".join(filter(None, blocks))


def _in_all(explanation: Explained, printer: Printer) -> Iterator[str]:
    """Where only some ways are told: which they are, and what comes by all of them."""
    for node in explanation.targets if explanation.via else ():
        ways = printer.listed([printer.node(station) for station in explanation.via])
        total = f"{printer.gradient(node)} = {printer.number(explanation.all_backward.gradient_of[node])}"
        yield printer.say(
            f"This is what comes by way of {ways}. By all ways it is {total}.",
            f"以上只是经由 {ways} 传来的部分。经由所有路径，{total}。",
        )


def _rule(edge: Edge, rule: Term | None, printer: Printer) -> str:
    """What an operation does with the gradient `g`."""
    if rule is None:
        return printer.say("(cannot be read)", "（无法读出）")
    form = text(rule)
    form = f"real({form})" if edge.keeps_real_part else form
    name = one_line(edge.result.primitive.name)
    long = printer.say(
        f"(long: see {name} in `python -m tinygrad_edu ops`)", f"（较长：见 `python -m tinygrad_edu ops` 中的 {name}）"
    )
    return form if len(form) <= _LONGEST_RULE else long


# --- numbers -----------------------------------------------------------------------------------------------------------------


def _derivation(found: Derivation, explanation: Explained, printer: Printer) -> str:
    head, total = printer.gradient(found.node), printer.number(found.gradient)
    if found.node is explanation.graph.output:
        return f"{head} = 1"
    if not found.path_count:
        name = name_text(found.node.name)
        return printer.say(
            f"{head} = {total}, since no path leads to {name} on which no derivative is zero",
            f"{head} = {total}，因为通往 {name} 的每条路径上都有一个导数为零",
        )
    if found.paths is None:
        arrivals = _arrivals(found, explanation.backward, printer)
        paths = _count(found.path_count, "path", printer)
        end = ("its end", "它的末端") if found.path_count == 1 else ("their ends", "它们的末端")
        said = printer.say(f", {paths}; what arrives at {end[0]}:", f"，共 {paths}；在{end[1]}传来的是：")
        return f"{head} = {total}{said}\n{arrivals}"
    products = []
    for path in found.paths:
        forms = [*printer.factors(path, len(found.paths) > 1), number_text(math.prod(link.number for link in path))]
        products.append(dict.fromkeys(filter(None, forms)))
    if len(products) == 1:
        return f"{head} = " + f"\n{' ' * len(head)} = ".join(products[0])
    lines = [" = ".join(forms) for forms in products]
    said = printer.say(f"{head} is a sum over {len(lines)} paths:", f"{head} 等于 {len(lines)} 条路径的贡献之和：")
    result = " = ".join(dict.fromkeys([*printer.collected(found), total]))
    return f"{said}\n    " + "\n  + ".join(lines) + f"\n  = {result}"


_CHINESE = {"path": "条路径", "operation": "个运算", "parameter": "个参数", "constant": "个常数"}


def _count(number: int, noun: str, printer: Printer) -> str:
    """`1 path`, `3 paths`."""
    chinese, plural = _CHINESE[noun], f"{noun}s"
    if number >= MOST_COUNTED:
        return printer.say(f"more than 10^1000 {plural}", f"超过 10^1000 {chinese}")
    if number >= 10**9:
        power = number.bit_length() * 301 // 1000
        return printer.say(f"about 10^{power} {plural}", f"约 10^{power} {chinese}")
    return printer.say(f"{number:,} {noun if number == 1 else plural}", f"{number:,} {chinese}")


def _arrivals(found: Derivation, backward: BackwardPass, printer: Printer) -> str:
    """The table of contributions."""
    english = ["by way of", "incoming gradient", "× local derivative", "= contribution"]
    rows = [list(map(printer.say, english, ["经由", "传入的梯度", "× 局部导数", "= 贡献"]))]
    rows += (
        [
            printer.shown(edge.result),
            f"{printer.gradient(edge.result)} = {array_text(backward.gradient_of[edge.result])}",
            _local(edge, printer),
            array_text(edge.contribution),
        ]
        for edge in found.contributions[:MOST_ROWS]
    )
    rest = found.contributions[MOST_ROWS:]
    if rest:
        more = printer.say(f"{len(rest):,} more", f"另外 {len(rest):,} 条")
        rows.append([more, "", "", array_text(sum(edge.contribution for edge in rest))])
    return _table(rows)


def _local(edge: Edge, printer: Printer) -> str:
    """The local derivative; where numbers are complex, what becomes of the incoming gradient g."""
    if not edge.is_between_real_numbers:
        rule = edge.rule and printer.spelling.written(edge.rule)
        return f"g ↦ {_rule(edge, rule, printer)}"
    return " = ".join(dict.fromkeys([printer.local_derivative(edge), number_text(edge.local_derivative)]))


def _table(rows: Sequence[Sequence[str]]) -> str:
    """Columns under their headings."""
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    padded = ([cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)] for row in rows)
    return "\n".join(("  " + "  ".join(row)).rstrip() for row in padded)


def _width(words: str) -> int:
    """How many columns of a terminal words take: a Chinese sign takes two."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in words)


# --- arrays ------------------------------------------------------------------------------------------------------------------


def _operations(explanation: Explained, printer: Printer) -> str:
    """Every operation, in the order of the backward pass."""
    backward, output = explanation.backward, name_text(explanation.graph.output.name)
    english = ["result", "operation", "shape", "gradient g", "passes to", "rule", "shape", "summed over"]
    rows = [list(map(printer.say, english, ["结果", "运算", "形状", "梯度 g", "传给", "规则", "形状", "求和的轴"]))]
    for result, edges in backward.passed_by.items():
        gradient = _short(backward.gradient_of.get(result), printer)
        cells = [name_text(result.name), text(definition(result)), str(result.shape), gradient]
        for edge in edges:
            rows.append([*cells, name_text(edge.operand.name), *_passed(edge, printer)])
            cells = ["", "", "", ""]
    head = printer.say(
        f"From {output} back to the leaves; g is the gradient of {output} with respect to the result:",
        f"从 {output} 反向走到叶子；g 是 {output} 对该结果的梯度：",
    )
    return f"{head}\n{_table(rows)}"


def _short(gradient: Any, printer: Printer) -> str:
    if gradient is None:
        return printer.say("none", "无")
    shape = np.shape(gradient)
    return array_text(gradient) if np.size(gradient) <= 4 else printer.say(f"of shape {shape}", f"形状 {shape}")


def _passed(edge: Edge, printer: Printer) -> tuple[str, str, str]:
    if edge.passing is Passing.NEVER:
        return printer.say("none", "无"), "", ""
    axes = ", ".join(map(str, edge.summed_axes))
    summed = printer.say(f"axis {axes}" if len(edge.summed_axes) == 1 else f"axes {axes}", f"轴 {axes}") if axes else ""
    return _rule(edge, edge.rule, printer), str(edge.operand.shape), summed


def _chain(node: Node, explanation: Explained, printer: Printer) -> str:
    """The derivation in matrices."""
    head = printer.gradient(node)
    return "\n".join(
        f"{' ' * len(head) if number else head} = {printer.formula(term)}"
        for number, term in enumerate(explanation.matrices.lines(node))
    )


def _gradient(found: Derivation, printer: Printer) -> str:
    parts = len(found.contributions)
    more = printer.say(f", the sum of {parts} contributions", f"，是 {parts} 份贡献之和") if parts > 1 else ""
    return f"{printer.gradient(found.node)} = {printer.number(found.gradient)}{more}"


# --- many --------------------------------------------------------------------------------------------------------------------


def _summary(explanation: Explained, printer: Printer) -> str:
    graph = explanation.graph
    counts = Counter(one_line(node.primitive.name) for node in graph.results)
    kinds = Counter(node.kind for node in graph.nodes)
    most = printer.say(", ", "、").join(f"{name} {number:,}" for name, number in counts.most_common(8))
    most += printer.say(", …", "等") if len(counts) > 8 else ""
    operations, longest = (_count(number, "operation", printer) for number in (counts.total(), _depth(graph)))
    parameters, constants = _count(kinds[Kind.PARAMETER], "parameter", printer), _count(kinds[Kind.DATA], "constant", printer)
    result = f"{name_text(graph.output.name)} = {array_text(graph.output.data)}"
    lines = [
        printer.say(
            f"{result}, the result of {operations} on {parameters} and {constants}",
            f"{result}，由 {parameters}和 {constants}经过 {operations}得到",
        ),
        printer.say(f"operations: {most}", f"运算：{most}"),
        printer.say(f"longest path: {longest}", f"最长的路径：{longest}"),
    ]
    for node in explanation.targets[:MOST_ROWS]:
        gradient = f"{printer.gradient(node)} = {printer.number(explanation.backward.gradient_of.get(node))}"
        paths = _count(explanation.paths.counts.get(node, 0), "path", printer)
        lines.append(printer.say(f"{gradient}, by {paths}", f"{gradient}，经由 {paths}"))
    more = len(explanation.targets) - MOST_ROWS
    if more > 0:
        lines.append(printer.say(f"and {more:,} gradients more", f"另有 {more:,} 个梯度"))
    last = "This is a summary; explain(...).whole shows every operation."
    return "\n".join([*lines, printer.say(last, "这是摘要；explain(...).whole 显示每一个运算。")])


def _depth(graph: Graph) -> int:
    depths: dict[Node, int] = {}
    for node in graph.results:
        depths[node] = 1 + max((depths.get(operand, 0) for operand in node.operands), default=0)
    return depths[graph.output]
