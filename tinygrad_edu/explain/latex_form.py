"""An explanation as LaTeX."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from tinygrad_edu.explain.chain import Derivation, Link, Spelling
from tinygrad_edu.explain.derivatives import Passing
from tinygrad_edu.explain.notation import PRODUCT, array_text, escaped, latex, name_latex, number_latex
from tinygrad_edu.explain.terms import definition
from tinygrad_edu.explain.text_form import Explained
from tinygrad_edu.graph import Node


def written(explanation: Explained) -> str:
    """All formulas, one a line, aligned at their equals signs."""
    body = " \\\\\n".join(lines(explanation))
    return f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}"


def lines(explanation: Explained) -> Iterator[str]:
    """The formulas one by one, each with a `&` before the sign to align."""
    if explanation.is_between_numbers and not explanation.is_summary:
        yield from _definitions(explanation)
        for found in explanation.derivations:
            yield from _derivation(explanation, found)
    else:
        if not explanation.is_summary:
            yield from _operations(explanation)
        for found in explanation.derivations:
            yield f"{_quotient(explanation.graph.output, found.node, explanation.spelling)} &= {_data(found.gradient)}"
    if not explanation.is_summary:
        yield from _constants(explanation)


def _data(data: object) -> str:
    if np.ndim(data) == 0:  # type: ignore[arg-type]
        return number_latex(0.0 if data is None else data)
    return rf"\mathrm{{{escaped(array_text(data))}}}"


def _definitions(explanation: Explained) -> Iterator[str]:
    spelling = explanation.spelling
    for node in reversed(list(explanation.graph.results)):
        if not spelling.is_written_out(node):
            yield f"{name_latex(node.name)} &= {latex(spelling.definition(node))} = {_data(node.data)}"
    for node in explanation.graph.nodes:
        if not node.operands and not node.is_number:
            yield f"{name_latex(node.name)} &= {_data(node.data)}"


def _quotient(of: Node, wrt: Node, spelling: Spelling, d: str = "d") -> str:
    return rf"\frac{{{d} {_differentiated(of, spelling)}}}{{{d} {_differentiated(wrt, spelling)}}}"


def _differentiated(node: Node, spelling: Spelling) -> str:
    form = latex(spelling.of(node))
    return rf"\left({form}\right)" if spelling.is_written_out(node) else form


def _derivation(explanation: Explained, found: Derivation) -> Iterator[str]:
    head = _quotient(explanation.graph.output, found.node, explanation.spelling)
    if not found.paths or found.node is explanation.graph.output:
        yield f"{head} &= {_data(found.gradient)}"
        return
    d = "d" if len(found.paths) == 1 else r"\partial"
    sums = [" + ".join(forms) for forms in zip(*(_forms(path, explanation.spelling, d) for path in found.paths), strict=True)]
    steps = list(dict.fromkeys([*sums, _data(found.gradient)]))
    yield f"{head} &= {steps[0]}"
    for step in steps[1:]:
        yield f"&= {step}"


def _forms(path: Sequence[Link], spelling: Spelling, d: str) -> tuple[str, str, str]:
    """A product as quotients, as formulas, and in numbers."""
    return (
        r" \cdot ".join(_quotient(link.of, link.wrt, spelling, d) for link in path),
        r" \cdot ".join(_factor(latex(spelling.written(link.term), PRODUCT)) for link in path),
        r" \cdot ".join(_factor(number_latex(link.number)) for link in path),
    )


def _factor(form: str) -> str:
    return rf"\left({form}\right)" if form.startswith("-") else form


def _operations(explanation: Explained) -> Iterator[str]:
    """For arrays: what each result is, and what it passes to each operand."""
    output = name_latex(explanation.graph.output.name)
    for node in explanation.graph.results:
        yield rf"{name_latex(node.name)} &= {latex(definition(node))} \in \mathbb{{R}}^{{{_shape(node)}}}"
    for edge in explanation.backward.edges:
        if edge.contribution is None or edge.passing is Passing.ALWAYS_ZERO:
            continue
        rule = latex(edge.rule) if edge.rule is not None else rf"\mathrm{{{escaped(edge.result.primitive.name)}}}"
        quotient = rf"\frac{{d {output}}}{{d {name_latex(edge.operand.name)}}}"
        sign = "=" if len(explanation.backward.contributions(edge.operand)) == 1 else r"\mathrel{+}="
        yield rf"{quotient} &{sign} {rule}, \quad g = \frac{{d {output}}}{{d {name_latex(edge.result.name)}}}"


def _constants(explanation: Explained) -> Iterator[str]:
    """What counts as a constant, since no gradient ever passes through it."""
    for edge in explanation.backward.blocked:
        if edge.passing is Passing.ALWAYS_ZERO:
            result = latex(explanation.spelling.of(edge.result))
            words = escaped(" counts as a constant: flat wherever it has a derivative")
            yield rf"{_quotient(edge.result, edge.operand, explanation.spelling)} &= 0, \quad {result} \mathrm{{{words}}}"


def _shape(node: Node) -> str:
    return r" \times ".join(map(str, node.shape)) or "1"
