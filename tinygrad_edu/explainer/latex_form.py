"""An explanation as LaTeX: formulas one by one, each with a `&` before the sign at which they are aligned."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tinygrad_edu.escaping import in_latex
from tinygrad_edu.explainer.chain import Derivation
from tinygrad_edu.explainer.derivatives import Edge, Passing
from tinygrad_edu.explainer.explained import Explained
from tinygrad_edu.explainer.printing import MOST_ROWS, Printer
from tinygrad_edu.graph.graph import Node
from tinygrad_edu.graph.latex_notation import LATEX, latex
from tinygrad_edu.graph.notation import ATOM, SUM, array_latex, name_latex, number_latex
from tinygrad_edu.graph.python_notation import code
from tinygrad_edu.graph.terms import definition

_LONGEST_RULE = 160


def written(explanation: Explained, printer: Printer) -> str:
    """All formulas, one a line."""
    body = " \\\\\n".join(_lines(explanation, printer))
    return f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}"


def _lines(explanation: Explained, printer: Printer) -> Iterator[str]:
    if explanation.is_summary:
        yield from _summary(explanation, printer)
        return
    if explanation.is_between_numbers:
        yield from (f"{name} &= {formula} = {number}" for name, formula, number in printer.definitions())
        yield from (f"{name} &= {number}" for name, number in printer.given())
        for found in explanation.derivations:
            yield from _derivation(found, explanation, printer)
    else:
        yield from _operations(explanation)
        for node in explanation.targets[:MOST_ROWS]:
            forms = map(printer.formula, explanation.matrices.lines(node))
            yield from (f"{'' if number else printer.gradient(node) + ' '}&= {form}" for number, form in enumerate(forms))
        yield from (f"{printer.gradient(found.node)} &= {printer.number(found.gradient)}" for found in explanation.derivations)
    yield from _constants(explanation, printer)


def _summary(explanation: Explained, printer: Printer) -> Iterator[str]:
    output, targets = explanation.graph.output, explanation.targets
    yield f"{name_latex(output.name)} &= {array_latex(output.data)}"
    for node in targets[:MOST_ROWS]:
        yield f"{printer.gradient(node)} &= {printer.number(explanation.backward.gradient_of.get(node))}"
    more = len(targets) - MOST_ROWS
    english = (f"and {more:,} gradients more; " if more > 0 else "") + "this is a summary, explain(...).whole shows every operation"
    chinese = (f"另有 {more:,} 个梯度；" if more > 0 else "") + "这是摘要，explain(...).whole 显示每一个运算"
    yield rf"&\ {_upright(printer.say(english, chinese))}"


def _upright(words: str) -> str:
    return rf"\mathrm{{{in_latex(words)}}}"


def _sum(parts: list[str]) -> str:
    return " + ".join([*parts[:1], *map(LATEX.factor, parts[1:])])


# --- numbers -----------------------------------------------------------------------------------------------------------------


def _derivation(found: Derivation, explanation: Explained, printer: Printer) -> Iterator[str]:
    head, total = printer.gradient(found.node), printer.number(found.gradient)
    if found.node is explanation.graph.output or not found.path_count:
        yield f"{head} &= {total}"
    elif found.paths is None:
        for edge in found.contributions:
            yield _arrival(edge, explanation, printer)
        parts = [array_latex(edge.contribution) for edge in found.contributions[:MOST_ROWS]]
        more = [r"\ldots"] if len(found.contributions) > MOST_ROWS else []
        yield f"{head} &= {_sum([*parts, *more])}" + (f" = {total}" if len(parts) > 1 else "")
    else:
        forms = zip(*(printer.factors(path, len(found.paths) > 1) for path in found.paths), strict=True)
        sums = [_sum([*parts]) for parts in forms if parts[0]]
        sums += printer.collected(found)
        yield f"{head} " + " \\\\\n".join(f"&= {form}" for form in dict.fromkeys([*sums, total]))


def _arrival(edge: Edge, explanation: Explained, printer: Printer) -> str:
    """What one operation passes to an operand that many paths lead to."""
    incoming = printer.gradient(edge.result)
    if edge.is_between_real_numbers:
        numbers = [array_latex(explanation.backward.gradient_of[edge.result]), number_latex(edge.local_derivative)]
        passed = rf"{incoming} \cdot {printer.quotient(edge.result, edge.operand, LATEX.partial)} = {LATEX.product(numbers)}"
    else:
        passed = rf"\left. {rule_latex(edge, printer)} \right|_{{g = {incoming}}}"
    places = rf"{printer.node(edge.result)} \to {printer.node(edge.operand)}"
    return rf"{places}: \quad & {passed} = {array_latex(edge.contribution)}"


# --- arrays ------------------------------------------------------------------------------------------------------------------


def _operations(explanation: Explained) -> Iterator[str]:
    """For arrays: what each result is, and what comes to each operand."""
    graph, output = explanation.graph, name_latex(explanation.graph.output.name)
    for node in graph.results:
        yield rf"{name_latex(node.name)} &= {latex(definition(node))} \in {_space(node)}"
    for node in reversed(graph.nodes):
        edges = [edge for edge in explanation.backward.contributions(node) if edge.passing is not Passing.ALWAYS_ZERO]
        for position, edge in enumerate(edges):
            begin = r"&\quad + " if position else rf"\frac{{d {output}}}{{d {name_latex(node.name)}}} &= "
            rule = LATEX.factor(rule_latex(edge)) if position else rule_latex(edge)
            incoming = "1" if edge.result is graph.output else rf"\frac{{d {output}}}{{d {name_latex(edge.result.name)}}}"
            yield rf"{begin}{rule}, \quad g = {incoming}"


def rule_latex(edge: Edge, printer: Printer | None = None) -> str:
    """What an operation passes to an operand, given the gradient `g` of its result; what broadcasting repeated is summed."""
    if edge.rule is None or len(code(edge.rule)) > _LONGEST_RULE:
        return _upright(f"(what {edge.result.primitive.name} makes of g)")
    rule = edge.rule if printer is None else printer.spelling.written(edge.rule)
    rule_form = latex(rule, ATOM if edge.summed_axes else SUM)
    if edge.keeps_real_part:
        rule_form = rf"\operatorname{{Re}} \left({latex(rule)}\right)"
    if not edge.summed_axes:
        return rule_form
    axes = f"{'axis' if len(edge.summed_axes) == 1 else 'axes'} {', '.join(map(str, edge.summed_axes))}"
    return rf"\sum_{{{_upright(axes)}}} {rule_form}"


def _space(node: Node) -> str:
    numbers = r"\mathbb{C}" if np.iscomplexobj(node.data) else r"\mathbb{R}"
    lengths = r" \times ".join(map(str, node.shape))
    return f"{numbers}^{{{lengths}}}" if lengths else numbers


# --- what formulas do not say ----------------------------------------------------------------------------------------------------


def _constants(explanation: Explained, printer: Printer) -> Iterator[str]:
    """What counts as a constant, since no gradient passes through it, and derivatives that are there by convention only."""
    backward, between = explanation.backward, explanation.backward.above(explanation.targets)

    def say(english: str, chinese: str) -> str:
        return _upright(printer.say(english, chinese))

    for edge in (edge for edges in backward.passed_by.values() for edge in edges if edge.operand in between):
        result, operand = printer.node(edge.result), printer.node(edge.operand)
        match edge.verdict:
            case Passing.NOT_CHOSEN:
                value, why = "0", operand + say(" is not chosen here", " 在这里没有被选中")
            case Passing.ALWAYS_ZERO if backward.is_flat(edge.result):
                value = "0"
                why = result + say(" counts as a constant, flat wherever it has a derivative", " 视为常数，在导数存在之处都是平的")
            case Passing.ALWAYS_ZERO:
                value, why = (
                    "0",
                    result + say(" is flat, wherever it has a derivative, in ", " 在导数存在之处都是平的，对于 ") + operand,
                )
            case Passing.AT_A_KINK | Passing.AT_A_JUMP:
                words = say("by convention, since there is no derivative at ", "按惯例，因为导数不存在：")
                value, why = number_latex(edge.local_derivative), f"{words} {operand} = {array_latex(edge.operand.data)}"
            case _:
                continue
        yield rf"{printer.quotient(edge.result, edge.operand, LATEX.partial)} &= {value}, \quad {why}"
