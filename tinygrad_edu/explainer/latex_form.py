"""An explanation as LaTeX."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from tinygrad_edu.escaping import in_latex
from tinygrad_edu.explainer.chain import Derivation, Link, Spelling
from tinygrad_edu.explainer.derivatives import Edge, Passing
from tinygrad_edu.explainer.text_form import MOST_ROWS, Explained
from tinygrad_edu.graph.graph import Node
from tinygrad_edu.graph.notation import ATOM, OPEN, PRODUCT, SUM, array_latex, code, latex, name_latex, number_latex
from tinygrad_edu.graph.terms import definition

_LONGEST_RULE = 160
_PARTIAL = r"\partial"


def written(explanation: Explained) -> str:
    """All formulas, one a line, aligned at their equals signs."""
    body = " \\\\\n".join(lines(explanation))
    return f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}"


def lines(explanation: Explained) -> Iterator[str]:
    """The formulas one by one, each with a `&` before the sign to align."""
    if explanation.is_summary:
        yield from _summary(explanation)
    elif explanation.is_between_numbers:
        yield from _definitions(explanation)
        for found in explanation.derivations:
            yield from _derivation(explanation, found)
        yield from _constants(explanation)
    else:
        yield from _operations(explanation)
        for found in explanation.derivations:
            yield f"{_head(explanation, found.node)} &= {_gradient(found.gradient)}"
        yield from _constants(explanation)


def _summary(explanation: Explained) -> Iterator[str]:
    output, targets = explanation.graph.output, explanation.targets
    yield f"{name_latex(output.name)} &= {array_latex(output.data)}"
    for node in targets[:MOST_ROWS]:
        yield f"{_head(explanation, node)} &= {_gradient(explanation.backward.gradient_of.get(node))}"
    more = f"and {len(targets) - MOST_ROWS:,} gradients more; " if len(targets) > MOST_ROWS else ""
    yield rf"&\ \mathrm{{{in_latex(more + 'this is a summary, explain(...).whole shows every operation')}}}"


def _head(explanation: Explained, node: Node) -> str:
    return _quotient(explanation.graph.output, node, explanation.spelling)


def _gradient(gradient: object) -> str:
    return array_latex(0.0 if gradient is None else gradient)


def _definitions(explanation: Explained) -> Iterator[str]:
    spelling = explanation.spelling
    for node in reversed(list(explanation.graph.results)):
        if not spelling.is_written_out(node):
            yield f"{name_latex(node.name)} &= {latex(spelling.definition(node))} = {array_latex(node.data)}"
    for node in explanation.graph.nodes:
        if not node.operands and not node.is_number:
            yield f"{name_latex(node.name)} &= {array_latex(node.data)}"


def _quotient(of: Node, wrt: Node, spelling: Spelling, d: str = "d") -> str:
    return rf"\frac{{{d} {_differentiated(of, spelling)}}}{{{d} {_differentiated(wrt, spelling)}}}"


def _differentiated(node: Node, spelling: Spelling) -> str:
    form = latex(spelling.of(node))
    return rf"\left({form}\right)" if spelling.is_written_out(node) else form


# --- numbers -----------------------------------------------------------------------------------------------------------------


def _derivation(explanation: Explained, found: Derivation) -> Iterator[str]:
    head, total = _head(explanation, found.node), _gradient(found.gradient)
    if found.node is explanation.graph.output or not found.path_count:
        yield f"{head} &= {total}"
    elif found.paths is None:
        for edge in found.contributions:
            yield from _arrival(explanation, edge)
        parts = [_factor(array_latex(edge.contribution), position) for position, edge in enumerate(found.contributions[:MOST_ROWS])]
        more = [r"\ldots"] if len(found.contributions) > MOST_ROWS else []
        yield f"{head} &= {' + '.join([*parts, *more])}" + (f" = {total}" if len(parts) > 1 else "")
    else:
        several = len(found.paths) > 1
        forms = [_forms(path, explanation.spelling, several, position) for position, path in enumerate(found.paths)]
        sums = [" + ".join(parts) for parts in zip(*forms, strict=True) if parts[0]]
        first, *others = dict.fromkeys([*sums, total])
        yield f"{head} &= {first}"
        yield from (f"&= {form}" for form in others)


def _forms(path: Sequence[Link], spelling: Spelling, several: bool, position: int) -> tuple[str, str, str]:
    """A product as quotients, as formulas, and in numbers. For one factor alone the quotient would be what is to be found."""
    d = _PARTIAL if several else "d"
    quotients = r" \cdot ".join(_quotient(link.of, link.wrt, spelling, d) for link in path)
    if len(path) == 1:
        (link,) = path
        terms, numbers = latex(spelling.written(link.term), SUM), number_latex(link.number)
        return quotients if several else "", _factor(terms, position), _factor(numbers, position)
    return (
        quotients,
        r" \cdot ".join(_factor(latex(spelling.written(link.term), PRODUCT)) for link in path),
        r" \cdot ".join(_factor(number_latex(link.number)) for link in path),
    )


def _factor(form: str, position: int = 1) -> str:
    """What stands in a product or a sum, in brackets if it begins with a sign and is not the first."""
    return rf"\left({form}\right)" if form.startswith("-") and position else form


def _arrival(explanation: Explained, edge: Edge) -> Iterator[str]:
    """What one operation passes to an operand that many paths lead to."""
    output, spelling = explanation.graph.output, explanation.spelling
    result, operand = (latex(spelling.of(node)) for node in (edge.result, edge.operand))
    incoming = _quotient(output, edge.result, spelling)
    if edge.is_between_real_numbers:
        passed = rf"{incoming} \cdot {_quotient(edge.result, edge.operand, spelling, _PARTIAL)}"
        number = _factor(number_latex(edge.local_derivative))
        passed += rf" = {_factor(array_latex(explanation.backward.gradient_of[edge.result]))} \cdot {number}"
    else:
        passed = rf"\left. {_rule(edge, spelling)} \right|_{{g = {incoming}}}"
    yield rf"{result} \to {operand}: \quad & {passed} = {array_latex(edge.contribution)}"


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
            rule = _factor(_rule(edge), position)
            incoming = "1" if edge.result is graph.output else rf"\frac{{d {output}}}{{d {name_latex(edge.result.name)}}}"
            yield rf"{begin}{rule}, \quad g = {incoming}"


def _rule(edge: Edge, spelling: Spelling | None = None) -> str:
    """What an operation passes to an operand, given the gradient `g` of its result; what broadcasting repeated is summed."""
    if edge.rule is None or len(code(edge.rule)) > _LONGEST_RULE:
        return rf"\mathrm{{{in_latex(f'(what {edge.result.primitive.name} makes of g)')}}}"
    rule = edge.rule if spelling is None else spelling.written(edge.rule)
    rule_form = latex(rule, ATOM if edge.summed_axes else OPEN)
    if edge.keeps_real_part:
        rule_form = rf"\operatorname{{Re}} \left({latex(rule)}\right)"
    if not edge.summed_axes:
        return rule_form
    axes = f"{'axis' if len(edge.summed_axes) == 1 else 'axes'} {', '.join(map(str, edge.summed_axes))}"
    return rf"\sum_{{\mathrm{{{in_latex(axes)}}}}} {rule_form}"


def _space(node: Node) -> str:
    numbers = r"\mathbb{C}" if np.iscomplexobj(node.data) else r"\mathbb{R}"
    lengths = r" \times ".join(map(str, node.shape))
    return f"{numbers}^{{{lengths}}}" if lengths else numbers


# --- what formulas do not say ----------------------------------------------------------------------------------------------------


def _constants(explanation: Explained) -> Iterator[str]:
    """What counts as a constant, since no gradient passes through it, and derivatives that are there by convention only."""
    backward, between = explanation.backward, explanation.backward.above(explanation.targets)
    for edge in (edge for edges in backward.passed_by.values() for edge in edges if edge.operand in between):
        result, operand = (latex(explanation.spelling.of(node)) for node in (edge.result, edge.operand))
        partial = _quotient(edge.result, edge.operand, explanation.spelling, _PARTIAL)
        if edge.passing is Passing.NOT_CHOSEN:
            yield rf"{partial} &= 0, \quad {operand} \mathrm{{{in_latex(' is not chosen here')}}}"
        elif edge.passing is Passing.ALWAYS_ZERO and backward.is_flat(edge.result):
            words = in_latex(" counts as a constant, flat wherever it has a derivative")
            yield rf"{partial} &= 0, \quad {result} \mathrm{{{words}}}"
        elif edge.passing is Passing.ALWAYS_ZERO:
            yield rf"{partial} &= 0, \quad {result} \mathrm{{{in_latex(' is flat, wherever it has a derivative, in ')}}} {operand}"
        elif edge.passing is not Passing.NEVER and edge.is_between_real_numbers and not edge.has_derivative:
            words = in_latex("by convention, since there is no derivative at ")
            number = number_latex(edge.local_derivative)
            yield rf"{partial} &= {number}, \quad \mathrm{{{words}}} {operand} = {array_latex(edge.operand.data)}"
