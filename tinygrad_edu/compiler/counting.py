"""The number of a round, so chosen that the places of what a round looks at need no arithmetic, or little."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import count

from tinygrad_edu.compiler.ir import PYTHON, IRGraph, IRNode
from tinygrad_edu.compiler.rounds import Each, Operand, Rounds
from tinygrad_edu.compiler.steps import Moves, Steps, Table, steps_of
from tinygrad_edu.primitives import arithmetic
from tinygrad_edu.primitives.primitive import Primitive

_serial = count(1)


class Number:
    """The number of a round.

    rounds: the numbers, so chosen that most of what they are used for needs no arithmetic.
    node: what stands for one of them.
    """

    def __init__(self, graph: IRGraph, rounds: Rounds, used: Iterable[Moves]) -> None:
        self._graph = graph
        used = [*used]
        moving = Counter(steps for steps in used if isinstance(steps, Steps) and steps.step)
        are_walked = any(_is_walked(operand) for operands in rounds.operands for operand in operands)
        growths = {steps.step for steps in moving}
        if are_walked or any(isinstance(table, Table) for table in used):
            growths.add(1)
        length = len(rounds.instances)
        starts = {steps: _start(steps, length) for steps in moving if all(growth % steps.step == 0 for growth in growths)}
        best = max(starts, key=lambda steps: (not steps.around, moving[steps]), default=Steps(0, 1))
        self._first, self._step = starts.get(best, 0), best.step
        self.rounds = range(self._first, self._first + self._step * length, self._step)
        self.node = graph.input(f"round {next(_serial)}", (), PYTHON[int])

    def at(self, steps: Steps) -> IRNode:
        """The number that moves like this."""
        times = steps.step // self._step
        beyond = steps.first - times * self._first
        if not steps.around:
            return self._linear(times, beyond)
        around = (beyond - steps.low) % steps.around
        inner = self._linear(times, min(around, around - steps.around, key=abs))
        return self._plus(self._computed(arithmetic.mod, inner, self._graph.constant(steps.around)), steps.low)

    def _linear(self, times: int, beyond: int) -> IRNode:
        """So many times the number of the round, and so much more."""
        if times == -1 and beyond > 0:
            return self._computed(arithmetic.subtract, self._graph.constant(beyond), self.node)
        node = self.node if times == 1 else self._computed(arithmetic.multiply, self._graph.constant(times), self.node)
        return self._plus(node, beyond)

    def _plus(self, node: IRNode, beyond: int) -> IRNode:
        if beyond == 0:
            return node
        return self._computed(arithmetic.add if beyond > 0 else arithmetic.subtract, node, self._graph.constant(abs(beyond)))

    def _computed(self, operation: Primitive, a: IRNode, b: IRNode) -> IRNode:
        return self._graph.apply(operation, (a, b), {}, ((), PYTHON[int]))


def _start(steps: Steps, rounds: int) -> int:
    """The number of the first round with which numbers that move like this need no arithmetic, or little."""
    if not steps.around:
        return steps.first
    least = max(0, (1 - rounds) * steps.step)  # so that none is below 0
    return least + (steps.first - steps.low - least) % steps.around


def whole_steps(nodes: Sequence[IRNode]) -> Iterator[Steps]:
    """How whole numbers move; nothing, if that is not what they are, or if they stay the same."""
    values = [node.value for node in nodes]
    if all(type(value) is int for value in values):
        steps = steps_of(values)
        if steps:
            yield steps


def _is_walked(operand: Operand) -> bool:
    """Whether it is written as a list of which each round takes the next."""
    return isinstance(operand, Each) and not any(whole_steps([node for node in operand.nodes if node is not None]))
