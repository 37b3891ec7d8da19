"""The number of a round, so chosen that the places of what a round looks at need no arithmetic, or little."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import count, pairwise

from tinygrad_edu.compiler.ir import PYTHON, IRGraph, IRNode
from tinygrad_edu.compiler.rounds import Each, Operand, Rounds
from tinygrad_edu.primitives import arithmetic

_serial = count(1)


class Number:
    """The number of a round.

    rounds: the numbers, so chosen that most of what they are used for needs no arithmetic.
    node: what stands for one of them.
    """

    def __init__(self, graph: IRGraph, rounds: Rounds, moving: Iterable[tuple[int, int]]) -> None:
        self._graph = graph
        used = Counter((first, step) for first, step in moving if step)
        steps = {step for _, step in used} | {1 for operands in rounds.operands if any(map(_is_walked, operands))}
        fits = [pair for pair in used if all(step % pair[1] == 0 for step in steps)]
        self._first, self._step = max(fits, key=lambda pair: used[pair], default=(0, 1))
        self.rounds = range(self._first, self._first + self._step * len(rounds.instances), self._step)
        self.node = graph.input(f"round {next(_serial)}", (), PYTHON[int])

    def at(self, first: int, step: int) -> IRNode:
        """The number that begins with `first` and grows by `step`."""
        times = step // self._step
        beyond = first - times * self._first
        node, like = self.node, ((), PYTHON[int])
        if times == -1 and beyond:
            return self._graph.apply(arithmetic.subtract, (self._graph.constant(beyond), node), {}, like)
        if times != 1:
            node = self._graph.apply(arithmetic.multiply, (self._graph.constant(times), node), {}, like)
        if beyond == 0:
            return node
        operation = arithmetic.add if beyond > 0 else arithmetic.subtract
        return self._graph.apply(operation, (node, self._graph.constant(abs(beyond))), {}, like)


def whole_steps(nodes: Sequence[IRNode]) -> Iterator[tuple[int, int]]:
    """The first and the step of whole numbers that grow evenly; nothing, if that is not what they are."""
    values = [node.value for node in nodes]
    if all(type(value) is int for value in values) and len({b - a for a, b in pairwise(values)}) == 1:
        yield values[0], values[1] - values[0]


def _is_walked(operand: Operand) -> bool:
    """Whether it is written as a list of which each round takes the next."""
    return isinstance(operand, Each) and not any(whole_steps([node for node in operand.nodes if node is not None]))
