"""Why some gradients are zero, and where a derivative does not exist: what formulas alone do not say, in words.

All of it is read off the rules: from what they did there, and from what they would do beside these numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice

from tinygrad_edu.escaping import one_line
from tinygrad_edu.explainer.derivatives import BackwardPass, Edge, Passing
from tinygrad_edu.explainer.explained import Explained
from tinygrad_edu.explainer.printing import MOST_ROWS, Printer
from tinygrad_edu.graph.graph import Node
from tinygrad_edu.graph.notation import array_text, name_text, number_text
from tinygrad_edu.graph.terms import names


def notes(explanation: Explained, printer: Printer) -> Iterator[str]:
    """One sentence for each place on the paths to the targets where something is to be said; the first ones, if they are many.

    What is so at these numbers only is left out of a summary.
    """
    backward, between, briefly = explanation.backward, explanation.backward.above(explanation.targets), explanation.is_summary
    found = (
        note
        for result, edges in backward.passed_by.items()
        for note in _of_result(result, [edge for edge in edges if edge.operand in between], backward, printer, briefly)
    )
    seen = (note for node in between for note in _sights(node, backward, printer))
    for note in islice(chain(seen, found), MOST_ROWS):
        yield f"Note: {note}"
    cut_off = [f"{name_text(node.name)} = {array_text(node.data)}" for node in backward.graph.nodes if node.is_cut_off]
    if cut_off:
        one = len(cut_off) == 1
        yield (
            f"Note: {_listed(cut_off, 'and')} {'counts as a constant' if one else 'count as constants'}: no gradient passes to "
            f"{'it, nor to what it was' if one else 'them, nor to what they were'} computed from, as after stop_gradient, detach, "
            "or under no_grad."
        )


def _sights(node: Node, backward: BackwardPass, printer: Printer) -> Iterator[str]:
    """What hooks did with the gradient of a node."""
    for sight in backward.sights.get(node, ()):
        gradient = f"{one_line(sight.hook)} sees the gradient {printer.gradient(node)} = {array_text(sight.seen)}"
        yield f"{gradient}, and {array_text(sight.passed)} goes on." if sight.changes else f"{gradient}, which goes on as it is."


def _of_result(result: Node, edges: Sequence[Edge], backward: BackwardPass, printer: Printer, briefly: bool) -> Iterator[str]:
    flat = [edge for edge in edges if edge.passing is Passing.ALWAYS_ZERO]
    if flat:
        yield _flat(flat, backward, printer)
    for edge in edges:
        if edge.failure:
            yield f"the rule of {one_line(result.primitive.name)} has no formula here: given Values, it raised {edge.failure}"
        if edge.passing in _NOTHING_PASSES:
            yield f"{_shown(result, printer)} {_NOTHING_PASSES[edge.passing].format(printer.node(edge.operand))}"
        elif edge not in flat and not briefly and edge.verdict is not Passing.NORMALLY and edge.is_between_real_numbers:
            yield from _at_these_numbers(edge, backward, printer)


_NOTHING_PASSES = {
    Passing.NEVER: "has no derivative with respect to {0}, which counts as a constant here.",
    Passing.NOT_CHOSEN: "does not choose {0} here, so nothing passes to {0} from it.",
}


def _shown(result: Node, printer: Printer) -> str:
    form = printer.definition(result)
    return form if printer.spelling.is_written_out(result) else f"{name_text(result.name)} = {form}"


def _flat(edges: Sequence[Edge], backward: BackwardPass, printer: Printer) -> str:
    result = edges[0].result
    name, shown = printer.node(result), _shown(result, printer)
    operands = _listed([printer.node(node) for node in dict.fromkeys(edge.operand for edge in edges)], "or")
    d = printer.notation.d if len(result.operands) == 1 else printer.notation.partial
    zeros = _listed([f"{printer.quotient(result, edge.operand, d)} = 0" for edge in edges], "and")
    change = f"{shown} is flat wherever it has a derivative: when {operands} changes a little, {name} does not change, so {zeros}."
    if backward.is_flat(result):
        output = name_text(backward.graph.output.name)
        return f"{change} No gradient passes through it, and {name} counts as a constant in the gradient of {output}."
    return f"{change} No gradient passes to {operands} there."


def _at_these_numbers(edge: Edge, backward: BackwardPass, printer: Printer) -> Iterator[str]:
    operand, shown = printer.node(edge.operand), _shown(edge.result, printer)
    place, wrt = f"at {operand} = {array_text(edge.operand.data)}", f"with respect to {operand}"
    incoming = backward.gradient_of[edge.result]
    match edge.verdict:
        case Passing.INFINITELY:
            and_so = ", and 0 · ∞ is nan" if incoming == 0 else ""
            yield f"{place} the derivative of {shown} {wrt} is infinite{and_so}."
        case Passing.AT_A_JUMP | Passing.AT_A_KINK:
            number = number_text(edge.local_derivative)
            yield f"{place} {shown} {_kind(edge)}. It has no derivative {wrt} there, and {number} is what counts by convention."
        case Passing.ZERO_HERE if incoming != 0:
            if edge.local_term is None or edge.operand.name in names(edge.local_term):
                yield f"{place} the derivative of {shown} {wrt} is 0, so nothing passes there."
            else:  # it is zero wherever the operand is
                local = printer.formula(edge.local_term)
                yield f"the derivative of {shown} {wrt} is {'' if local == '0' else f'{local} = '}0, so nothing passes there."


def _kind(edge: Edge) -> str:
    if edge.verdict is Passing.AT_A_JUMP or edge.beside is None:
        return "jumps"
    below, above = (number_text(side.slope) for side in edge.beside)
    return f"has a kink: just below, its slope is {below}, and just above, {above}"


def _listed(parts: Sequence[str], joint: str) -> str:
    """`a, b and c`; of very many only the first."""
    if len(parts) > MOST_ROWS:
        parts = [*parts[:MOST_ROWS], f"{len(parts) - MOST_ROWS:,} more"]
    return f" {joint} ".join(part for part in (", ".join(parts[:-1]), parts[-1]) if part)
