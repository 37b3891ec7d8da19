"""Finding out where a program repeats itself: a loop of Python's that was unrolled because it was recorded.

A recorded program is a list of operations. It repeats itself where each operation is the one some steps earlier, with operands of
the same kind, and where from round to round each operand is the same one, or one of this round or the round before, or moves on in
step: the next row of an array, after the last one the first again, or the next state that an earlier loop has left. Several times
through the same samples are one loop, which counts `i % 5`; places that follow no rule are looked up in a table. This module finds
such rounds; `rolling` makes loops of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tinygrad_edu.compiler.further_rounds import FurtherRounds
from tinygrad_edu.compiler.ir import IRNode
from tinygrad_edu.compiler.rounds import (
    Always,
    Each,
    Of,
    Operand,
    Picked,
    Recorded,
    Rounds,
    Within,
    index_numbers,
    is_given,
    is_renamed,
    is_repeated,
    moving,
)
from tinygrad_edu.compiler.steps import steps_of
from tinygrad_edu.primitives import indexing

FEWEST_SAVED = 20
"""How many operations a loop must save to be worth reading."""
FEWEST_ROUNDS = 4
"""How many rounds a loop must have."""
_MOST_PERIODS = 24  # how many distances to the same operation are tried
_LONGEST_LAG = 3  # rounds
_MOST_CUTS = 8  # places to begin a round that are tried
_ROUNDS_TO_TRY = 6


def repetitions(order: Sequence[IRNode]) -> Recorded:
    """The loops among the operations of a program, which come in the order in which they were recorded."""
    return _Finder(Recorded(order)).found()


class _Finder:
    """Looks for stretches of operations that repeat themselves, from the first operation on."""

    def __init__(self, recorded: Recorded) -> None:
        self._recorded = recorded
        self._kind = [recorded.kind(node) for node in recorded.order]
        self._next = self._next_of_a_kind()

    def found(self) -> Recorded:
        """The operations with their loops. Of rounds that carry much, a loop within each is taken, if there is one."""
        start = 0
        failed: dict[int, int] = {}  # until where a period is known to lead to nothing
        spare: Rounds | None = None  # of which each round may hold a better loop
        until = 0
        while start < len(self._recorded.order):
            rounds = None
            for period, length in self._candidates(start, failed):
                rounds = self._rounds(start, period, length)
                if rounds and (spare or not rounds.carries_much):
                    break
                failed[period] = start + length
                if rounds:
                    spare, until, rounds = rounds, start + period, None
            if rounds is None and spare and start >= until:
                rounds = spare
            if rounds:
                spare = None
            start = self._add(rounds) if rounds else start + 1
        return self._recorded

    def _next_of_a_kind(self) -> list[int]:
        """For each operation where the next one of its kind is; behind the end, if there is none."""
        following = [len(self._recorded.order)] * len(self._recorded.order)
        newest: dict[int, int] = {}
        for position in reversed(range(len(self._recorded.order))):
            following[position] = newest.get(self._kind[position], len(self._recorded.order))
            newest[self._kind[position]] = position
        return following

    def _candidates(self, start: int, failed: Mapping[int, int]) -> list[tuple[int, int]]:
        """Periods with which the operations from `start` on repeat themselves, and how many do; the longest stretch first."""
        found: list[tuple[int, int]] = []
        kind, at = self._kind, self._next[start]
        for _ in range(_MOST_PERIODS):
            period = at - start
            if start + (FEWEST_ROUNDS - 2) * period >= len(kind) or at >= len(kind):
                break
            is_multiple = any(period % shorter == 0 for shorter, _ in found)
            length = 0 if is_multiple or failed.get(period, -1) > start else self._stretch(start, period)
            if length >= (FEWEST_ROUNDS - 1) * period and length - period >= FEWEST_SAVED:
                found.append((period, length))
            at = self._next[at]
        return sorted(found, key=lambda each: (-each[1], each[0]))

    def _stretch(self, start: int, period: int) -> int:
        """How many operations from `start` on are as those one period before, with the first period."""
        end = start + period
        while end < len(self._kind) and self._kind[end] == self._kind[end - period]:
            end += 1
        return end - start

    # --- the rounds ----------------------------------------------------------------------------------------------------------

    def _rounds(self, start: int, period: int, length: int) -> Rounds | None:
        """The rounds of a stretch of operations that repeats itself, from where the least is carried from one to the next."""
        cuts = self._best_cuts(start, period, length)
        if len(cuts) > 1:  # that with which the first rounds take in what comes before them
            ways = [(self._cut(start + cut, period, min(length - cut, _ROUNDS_TO_TRY * period)), cut) for cut in cuts]
            cuts = [max(ways, key=lambda way: len(way[0].instances) if way[0] else 0)[1]]
        rounds = self._cut(start + cuts[0], period, length - cuts[0])
        if rounds is None:
            return None
        FurtherRounds(self._recorded, rounds).take_in_after()
        count = len(rounds.instances)
        is_worth_it = count >= FEWEST_ROUNDS and (count - 1) * period >= FEWEST_SAVED
        return rounds if is_worth_it and not _only_looks(rounds) else None

    def _cut(self, start: int, period: int, length: int) -> Rounds | None:
        """The rounds, the first of which begins at `start`, and others before it that differ a little."""
        count = length // period
        for first, last in ((0, count), (1, count), (0, count - 1), (1, count - 1)):
            if last - first >= 2:
                begin = start + first * period
                order = self._recorded.order[begin : start + last * period]
                rounds = self._alike([list(order[at : at + period]) for at in range(0, len(order), period)], begin)
                if rounds:
                    FurtherRounds(self._recorded, rounds).take_in_before()
                    return rounds
        return None

    def _best_cuts(self, start: int, period: int, length: int) -> list[int]:
        """Where to cut: what crosses the cut is carried from round to round, the fewer and the simpler the better."""
        middle = start + (length // period // 2) * period
        crossing: list[tuple[int, int]] = [(0, 0)] * period
        for position in range(middle, middle + period):
            users = (self._recorded.position[user] for user in self._recorded.users.get(self._recorded.order[position], ()))
            farthest = max((user for user in users if user < position + _LONGEST_LAG * period), default=position)
            node = self._recorded.order[position]
            for cut in range(position + 1, min(farthest, position + period) + 1):
                count, ndim = crossing[(cut - middle) % period]
                crossing[(cut - middle) % period] = (count + 1, ndim + len(node.shape))
        best = [offset for offset in range(period) if crossing[offset] == min(crossing)]
        return best[:: len(best) // _MOST_CUTS + 1]

    def _alike(self, instances: list[list[IRNode | None]], start: int) -> Rounds | None:
        """The rounds, if from each to the next the operands stay or move on in step."""
        period = len(instances[0])
        operands, numbers = [], []
        for position in range(period):
            column = [nodes[position] for nodes in instances]
            present = [node for node in column if node]
            comes_again = is_repeated(present)
            moves = moving(present, comes_again)
            if moves is None:
                return None
            numbers.append(moves)
            its: list[Operand] = []
            for which in range(len(column[0].inputs) if column[0] else 0):
                operand = self._operand([node.inputs[which] for node in present], start, period, comes_again)
                if operand is None:
                    return None
                its.append(operand)
            operands.append(its)
        return Rounds(instances, operands, numbers)

    def _operand(self, column: Sequence[IRNode], start: int, period: int, comes_again: bool) -> Operand | None:
        """What an operand is, given what it is in each round, and whether it is that of a line that comes again and again."""
        first, last, count = column[0], column[-1], len(column)
        if all(node is first for node in column):
            return Always(first) if self._recorded.position.get(first, -1) < start else None
        if self._recorded.position.get(last, -1) >= start:
            number, position = divmod(self._recorded.position[last] - start, period)
            lag = count - 1 - number
            if not 0 <= lag <= min(_LONGEST_LAG, count - 2):
                return None
            moves = all(
                self._recorded.position.get(column[r], -1) == start + (r - lag) * period + position for r in range(lag, count)
            )
            comes_from_before = all(self._recorded.position.get(node, -1) < start for node in column[:lag])
            return Within(position, lag, tuple(column[:lag])) if moves and comes_from_before else None
        if index_numbers(first) and all(node.inputs == first.inputs for node in column):
            is_outside = self._recorded.position.get(first.inputs[0], -1) < start
            if is_outside and len(set(map(self._recorded.kind, column))) == 1:
                numbers = moving(column, comes_again)
                return Picked(tuple(column), numbers) if numbers else None
        places = [place for node in column if (place := self._recorded.owner.get(node))]
        if len(places) == len(column) and len({place[:2] for place in places}) == 1:
            steps = steps_of([number for _, _, number in places])
            if steps is not None:
                return Of(*places[0][:2], steps)
        if all(map(is_given, column)):
            return Each(tuple(column))
        return None

    def _add(self, rounds: Rounds) -> int:
        """Note a loop, and where the search goes on."""
        self._recorded.rounds.append(rounds)
        end = 0
        for number, nodes in enumerate(rounds.instances):
            for position, node in enumerate(nodes):
                if node is not None:
                    self._recorded.owner[node] = (rounds, position, number)
                    end = max(end, self._recorded.position[node] + 1)
        return end


def _only_looks(rounds: Rounds) -> bool:
    """Whether nothing is computed in the rounds."""
    return all(node.operation is indexing.index or is_renamed(node) for node in rounds.model)
