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
    head = printer.say("Note: ", "注意：")
    for note in islice(chain(seen, found), MOST_ROWS):
        yield head + note
    cut_off = [f"{name_text(node.name)} = {array_text(node.data)}" for node in backward.graph.nodes if node.is_cut_off]
    if cut_off:
        yield head + _cut_off(cut_off, printer)


def _cut_off(constants: Sequence[str], printer: Printer) -> str:
    """What counts as a constant although it was computed from something with a gradient."""
    one, listed = len(constants) == 1, printer.listed(constants)
    it = "它" if one else "它们"
    return printer.say(
        f"{listed} {'counts as a constant' if one else 'count as constants'}: no gradient passes to "
        f"{'it, nor to what it was' if one else 'them, nor to what they were'} computed from, as after stop_gradient, detach, "
        "or under no_grad.",
        f"{listed} 视为常数：梯度既不传给{it}，也不传给算出{it}的量，就像用了 stop_gradient、detach，或在 no_grad 之下那样。",
    )


def _sights(node: Node, backward: BackwardPass, printer: Printer) -> Iterator[str]:
    """What hooks did with the gradient of a node."""
    for sight in backward.sights.get(node, ()):
        hook, gradient = one_line(sight.hook.name), f"{printer.gradient(node)} = {array_text(sight.seen)}"
        seen, passed = printer.say(f"{hook} sees the gradient {gradient}", f"{hook} 看到梯度 {gradient}"), array_text(sight.passed)
        if sight.changes:
            yield seen + printer.say(f", and {passed} goes on.", f"，继续传下去的是 {passed}。")
        else:
            yield seen + printer.say(", which goes on as it is.", "，原样继续传下去。")


def _of_result(result: Node, edges: Sequence[Edge], backward: BackwardPass, printer: Printer, briefly: bool) -> Iterator[str]:
    flat = [edge for edge in edges if edge.passing is Passing.ALWAYS_ZERO]
    if flat:
        yield _flat(flat, backward, printer)
    for edge in edges:
        if edge.failure:
            name = one_line(result.primitive.name)
            yield printer.say(
                f"the rule of {name} has no formula here: given Values, it raised {edge.failure}",
                f"{name} 的规则在这里没有公式：传入 Value 时它抛出了 {edge.failure}",
            )
        if edge.passing in (Passing.NEVER, Passing.NOT_CHOSEN):
            yield _nothing_passes(edge, printer)
        elif edge not in flat and not briefly and edge.verdict is not Passing.NORMALLY and edge.is_between_real_numbers:
            yield from _at_these_numbers(edge, backward, printer)


def _nothing_passes(edge: Edge, printer: Printer) -> str:
    shown, operand = printer.shown(edge.result), printer.node(edge.operand)
    if edge.passing is Passing.NEVER:
        return printer.say(
            f"{shown} has no derivative with respect to {operand}, which counts as a constant here.",
            f"{shown} 对 {operand} 没有导数，{operand} 在这里视为常数。",
        )
    return printer.say(
        f"{shown} does not choose {operand} here, so nothing passes to {operand} from it.",
        f"{shown} 在这里没有选中 {operand}，所以没有梯度从它传给 {operand}。",
    )


def _flat(edges: Sequence[Edge], backward: BackwardPass, printer: Printer) -> str:
    result = edges[0].result
    name, shown = printer.node(result), printer.shown(result)
    operands = printer.listed([printer.node(node) for node in dict.fromkeys(edge.operand for edge in edges)], either=True)
    d = printer.notation.d if len(result.operands) == 1 else printer.notation.partial
    zeros = printer.listed([f"{printer.quotient(result, edge.operand, d)} = 0" for edge in edges])
    change = printer.say(
        f"{shown} is flat wherever it has a derivative: when {operands} changes a little, {name} does not change, so {zeros}.",
        f"{shown} 在导数存在之处都是平的：{operands} 稍微变动时 {name} 不变，所以 {zeros}。",
    )
    if backward.is_flat(result):
        output = name_text(backward.graph.output.name)
        return change + printer.say(
            f" No gradient passes through it, and {name} counts as a constant in the gradient of {output}.",
            f"没有梯度穿过它，在 {output} 的梯度中 {name} 视为常数。",
        )
    return change + printer.say(f" No gradient passes to {operands} there.", f"那里没有梯度传给 {operands}。")


def _at_these_numbers(edge: Edge, backward: BackwardPass, printer: Printer) -> Iterator[str]:
    operand, shown, say = printer.node(edge.operand), printer.shown(edge.result), printer.say
    number = f"{operand} = {array_text(edge.operand.data)}"
    at, wrt = say(f"at {number}", f"在 {number} 处，"), say(f"with respect to {operand}", f"对 {operand}")
    derivative = say(f"the derivative of {shown} {wrt}", f"{shown} {wrt} 的导数")
    incoming = backward.gradient_of[edge.result]
    match edge.verdict:
        case Passing.INFINITELY:
            and_so = say(", and 0 · ∞ is nan", "，而 0 · ∞ 是 nan") if incoming == 0 else ""
            yield say(f"{at} {derivative} is infinite{and_so}.", f"{at}{derivative}是无穷大{and_so}。")
        case Passing.AT_A_JUMP | Passing.AT_A_KINK:
            convention, kind = number_text(edge.local_derivative), _kind(edge, printer)
            yield say(
                f"{at} {shown} {kind}. It has no derivative {wrt} there, and {convention} is what counts by convention.",
                f"{at}{shown} {kind}。它在那里{wrt} 没有导数，按惯例取 {convention}。",
            )
        case Passing.ZERO_HERE if incoming != 0:
            if edge.local_term is None or edge.operand.name in names(edge.local_term):
                yield say(f"{at} {derivative} is 0, so nothing passes there.", f"{at}{derivative}是 0，所以那里没有梯度传过。")
            else:  # it is zero wherever the operand is
                local = printer.formula(edge.local_term)
                zero = "0" if local == "0" else f"{local} = 0"
                yield say(f"{derivative} is {zero}, so nothing passes there.", f"{derivative}是 {zero}，所以那里没有梯度传过。")


def _kind(edge: Edge, printer: Printer) -> str:
    if edge.verdict is Passing.AT_A_JUMP or edge.beside is None:
        return printer.say("jumps", "跳变")
    below, above = (number_text(side.slope) for side in edge.beside)
    return printer.say(
        f"has a kink: just below, its slope is {below}, and just above, {above}",
        f"有尖角：紧靠左侧的斜率是 {below}，紧靠右侧的斜率是 {above}",
    )
