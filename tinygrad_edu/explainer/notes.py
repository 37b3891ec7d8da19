"""Why some gradients are zero, and where a derivative does not exist: what formulas alone do not say, in words.

All of it is read from the record: from what the rules did there, and from what they would do beside the numbers of the record.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np

from tinygrad_edu.escaping import one_line
from tinygrad_edu.explainer.chain import Spelling
from tinygrad_edu.explainer.derivatives import BackwardPass, Edge, Passing
from tinygrad_edu.explainer.text_form import MOST_ROWS, quotient
from tinygrad_edu.graph.graph import Node
from tinygrad_edu.graph.notation import array_text, name_text, number_text, text
from tinygrad_edu.graph.terms import names


def notes(backward: BackwardPass, spelling: Spelling, targets: Sequence[Node], briefly: bool) -> Iterator[str]:
    """One sentence for each place on the paths to `targets` where something is to be said; the first ones, if they are many.

    briefly: leave out what is so at these numbers only.
    """
    graph, between = backward.graph, backward.above(targets)
    found = (
        note
        for result, edges in backward.passed_by.items()
        for note in _of_result(result, [edge for edge in edges if edge.operand in between], backward, spelling, briefly)
    )
    for note in islice(found, MOST_ROWS):
        yield f"Note: {note}"
    cut_off = [f"{name_text(node.name)} = {array_text(node.data)}" for node in graph.nodes if node.is_cut_off]
    if cut_off:
        one = len(cut_off) == 1
        yield (
            f"Note: {_listed(cut_off, 'and')} {'counts as a constant' if one else 'count as constants'}: no gradient passes to "
            f"{'it, nor to what it was' if one else 'them, nor to what they were'} computed from, as after stop_gradient, detach, "
            "or under no_grad."
        )


def _of_result(result: Node, edges: Sequence[Edge], backward: BackwardPass, spelling: Spelling, briefly: bool) -> Iterator[str]:
    flat = [edge for edge in edges if edge.passing is Passing.ALWAYS_ZERO]
    if flat:
        yield _flat(flat, backward, spelling)
    for edge in edges:
        if edge.failure:
            yield f"the rule of {one_line(result.primitive.name)} has no formula here: given Values, it raised {edge.failure}"
        if edge.passing is Passing.NEVER:
            operand = text(spelling.of(edge.operand))
            yield f"{_shown(result, spelling)} has no derivative with respect to {operand}, which counts as a constant here."
        elif edge.passing is Passing.NOT_CHOSEN:
            operand = text(spelling.of(edge.operand))
            yield f"{_shown(result, spelling)} does not choose {operand} here, so nothing passes to {operand} from it."
        elif edge not in flat and edge.is_between_real_numbers and not briefly:
            yield from _at_these_numbers(edge, backward, spelling)


def _shown(result: Node, spelling: Spelling) -> str:
    form = text(spelling.definition(result))
    return form if spelling.is_written_out(result) else f"{name_text(result.name)} = {form}"


def _flat(edges: Sequence[Edge], backward: BackwardPass, spelling: Spelling) -> str:
    result = edges[0].result
    name, shown = text(spelling.of(result)), _shown(result, spelling)
    operands = _listed([text(spelling.of(node)) for node in dict.fromkeys(edge.operand for edge in edges)], "or")
    d = "d" if len(result.operands) == 1 else "∂"
    zeros = _listed([f"{quotient(result, edge.operand, spelling, d)} = 0" for edge in edges], "and")
    change = f"{shown} is flat wherever it has a derivative: when {operands} changes a little, {name} does not change, so {zeros}."
    if backward.is_flat(result):
        output = name_text(backward.graph.output.name)
        return f"{change} No gradient passes through it, and {name} counts as a constant in the gradient of {output}."
    return f"{change} No gradient passes to {operands} there."


def _at_these_numbers(edge: Edge, backward: BackwardPass, spelling: Spelling) -> Iterator[str]:
    slope, incoming = edge.local_derivative, backward.gradient_of[edge.result]
    if slope != 0 and np.isfinite(slope) and edge.has_derivative:
        return
    operand, shown = text(spelling.of(edge.operand)), _shown(edge.result, spelling)
    place, wrt = f"at {operand} = {array_text(edge.operand.data)}", f"with respect to {operand}"
    if np.isinf(slope):
        and_so = ", and 0 · ∞ is nan" if incoming == 0 else ""
        yield f"{place} the derivative of {shown} {wrt} is infinite{and_so}."
    elif edge.beside is not None and not edge.has_derivative:
        below, above = (number_text(side.slope) for side in edge.beside)
        why = "jumps" if edge.jumps else f"has a kink: just below, its slope is {below}, and just above, {above}"
        yield f"{place} {shown} {why}. It has no derivative {wrt} there, and {number_text(slope)} is what counts by convention."
    elif slope == 0 and incoming != 0:
        if edge.local_term is None or edge.operand.name in names(edge.local_term):
            yield f"{place} the derivative of {shown} {wrt} is 0, so nothing passes there."
        else:  # it is zero wherever the operand is
            local = text(spelling.written(edge.local_term))
            yield f"the derivative of {shown} {wrt} is {'' if local == '0' else f'{local} = '}0, so nothing passes there."


def _listed(parts: Sequence[str], joint: str) -> str:
    """`a, b and c`; of very many only the first."""
    if len(parts) > MOST_ROWS:
        parts = [*parts[:MOST_ROWS], f"{len(parts) - MOST_ROWS:,} more"]
    return f" {joint} ".join(part for part in (", ".join(parts[:-1]), parts[-1]) if part)
