"""Finding out where a program repeats itself: a loop of Python's that was unrolled because it was recorded.

A recorded program is a list of operations. It repeats itself where each operation is the one some steps earlier, with operands of
the same kind, and where from round to round each operand is the same one, or one of this round or the round before, or moves on in
step: the next row of an array, the next state that an earlier loop has left. This module finds such rounds; `rolling` makes loops
of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinygrad_edu.compiler.ir import IRNode, frozen
from tinygrad_edu.primitives import arithmetic, broadcasting, indexing

FEWEST_SAVED = 20
"""How many operations a loop must save to be worth reading."""
FEWEST_ROUNDS = 4
"""How many rounds a loop must have."""
_MOST_PERIODS = 24  # how many distances to the same operation are tried
_LONGEST_LAG = 3  # rounds
_MOST_CARRIED = 4  # for each round
_MOST_CUTS = 8  # places to begin a round that are tried
_ROUNDS_TO_TRY = 6

Place = tuple["Rounds", int, int]
"""One operation of a loop in one round: the loop, the position in the round, and the number of the round from 0."""


@dataclass(frozen=True)
class Always:
    """An operand that is the same in all rounds."""

    node: IRNode


@dataclass(frozen=True)
class Within:
    """An operand that is computed in the same round, or `lag` rounds before. In the first rounds it comes from `before`."""

    position: int
    lag: int
    before: tuple[IRNode | None, ...] = ()
    """The operand in the first `lag` rounds; None for zero, where there is nothing to be added to yet."""


@dataclass(frozen=True)
class Of:
    """An operand that an earlier loop has computed, in a round whose number is `first + step * r` in round r of this one."""

    rounds: Rounds
    position: int
    first: int
    step: int


@dataclass(frozen=True)
class Picked:
    """An operand that is a part of an array. The numbers of its index are those of round 0 and how much each grows in a round."""

    array: IRNode
    params: Mapping[str, Any]
    numbers: tuple[tuple[int, int], ...]
    like: tuple[tuple[int, ...], Any]
    """The shape and dtype of the part."""


@dataclass(frozen=True)
class Each:
    """An operand that is another constant, or another input of the program, in each round. Where nobody needs what is computed of
    it, in last rounds, it is None."""

    nodes: tuple[IRNode | None, ...]


Operand = Always | Within | Of | Picked | Each


@dataclass(eq=False)
class Rounds:
    """Rounds that are alike.

    instances: for each round its nodes, in order; None for what it leaves out because nobody needs it.
    operands: for each position the operands.
    numbers: for each position what becomes of the whole numbers in an index, as for `Picked`.
    """

    instances: list[list[IRNode | None]]
    operands: list[list[Operand]]
    numbers: list[tuple[tuple[int, int], ...]]

    @property
    def model(self) -> list[IRNode]:
        """The nodes of a round that leaves nothing out."""
        return next(whole for nodes in self.instances[1:] if len(whole := [node for node in nodes if node]) == len(nodes))

    def at(self, position: int, number: int) -> IRNode | None:
        """What was computed in a round. Before the first one it is what is carried into it."""
        if 0 <= number < len(self.instances):
            return self.instances[number][position]
        carried = [each.before[0] for each in self.within if each.position == position and each.lag == 1]
        return carried[0] if number == -1 and carried else None

    @property
    def carries_much(self) -> bool:
        """Whether more is carried than one would like to read: a loop in each round may be better, such as that of a layer."""
        return len({each.position for each in self.within if each.lag}) > _MOST_CARRIED * len(self.instances)

    @property
    def outside(self) -> Iterator[IRNode]:
        """What the rounds use that is computed elsewhere, but for what is carried into the first one."""
        for operand in (operand for operands in self.operands for operand in operands):
            match operand:
                case Always(node) | Picked(node):
                    yield node
                case Of(rounds, position):
                    yield rounds.model[position]

    @property
    def within(self) -> Iterator[Within]:
        """The operands that are computed in the rounds."""
        return (each for operands in self.operands for each in operands if isinstance(each, Within))


@dataclass
class Found:
    """The operations of a program, in the order in which they were recorded, and the loops among them.

    order: the operations.
    rounds: the loops, in order.
    owner: for each operation of a loop its place.
    """

    order: Sequence[IRNode]
    rounds: list[Rounds] = field(default_factory=list)
    owner: dict[IRNode, Place] = field(default_factory=dict)


def repetitions(order: Sequence[IRNode]) -> Found:
    """The loops among the operations of a program, which come in the order in which they were recorded."""
    return _Finder(order).found()


class _Finder:
    def __init__(self, order: Sequence[IRNode]) -> None:
        self._order = order
        self.position = {node: position for position, node in enumerate(order)}
        kinds: dict[Any, int] = {}
        self._kind = [kinds.setdefault(_kind(node), len(kinds)) for node in order]
        self._next = self._next_of_a_kind()
        self._users: dict[IRNode, list[IRNode]] = {}
        for node in order:
            for part in dict.fromkeys(node.inputs):
                self._users.setdefault(part, []).append(node)
        self._found = Found(order)
        self.owner = self._found.owner

    def found(self) -> Found:
        start = 0
        failed: dict[int, int] = {}  # until where a period is known to lead to nothing
        spare: Rounds | None = None  # of which each round may hold a better loop
        until = 0
        while start < len(self._order):
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
        return self._found

    def _next_of_a_kind(self) -> list[int]:
        following = [len(self._order)] * len(self._order)
        newest: dict[int, int] = {}
        for position in reversed(range(len(self._order))):
            following[position] = newest.get(self._kind[position], len(self._order))
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
        self._extend_to_end(rounds)
        count = len(rounds.instances)
        is_worth_it = count >= FEWEST_ROUNDS and (count - 1) * period >= FEWEST_SAVED
        return rounds if is_worth_it and not _only_looks(rounds) else None

    def _cut(self, start: int, period: int, length: int) -> Rounds | None:
        """The rounds, the first of which begins at `start`, and others before it that differ a little."""
        count = length // period
        for first, last in ((0, count), (1, count), (0, count - 1), (1, count - 1)):
            if last - first >= 2:
                begin = start + first * period
                order = self._order[begin : start + last * period]
                rounds = self._alike([list(order[at : at + period]) for at in range(0, len(order), period)], begin)
                if rounds:
                    self._extend_to_beginning(rounds)
                    return rounds
        return None

    def _best_cuts(self, start: int, period: int, length: int) -> list[int]:
        """Where to cut: what crosses the cut is carried from round to round, the fewer and the simpler the better."""
        middle = start + (length // period // 2) * period
        crossing: list[tuple[int, int]] = [(0, 0)] * period
        for position in range(middle, middle + period):
            users = (self.position[user] for user in self._users.get(self._order[position], ()))
            farthest = max((user for user in users if user < position + _LONGEST_LAG * period), default=position)
            node = self._order[position]
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
            moving = _moving([_numbers(node) for node in column if node])
            if moving is None:
                return None
            numbers.append(moving)
            its: list[Operand] = []
            for which in range(len(column[0].inputs) if column[0] else 0):
                operand = self._operand([node.inputs[which] for node in column if node], start, period)
                if operand is None:
                    return None
                its.append(operand)
            operands.append(its)
        return Rounds(instances, operands, numbers)

    def _operand(self, column: Sequence[IRNode], start: int, period: int) -> Operand | None:
        """What an operand is, given what it is in each round."""
        first, last, count = column[0], column[-1], len(column)
        if all(node is first for node in column):
            return Always(first) if self.position.get(first, -1) < start else None
        if self.position.get(last, -1) >= start:
            number, position = divmod(self.position[last] - start, period)
            lag = count - 1 - number
            if not 0 <= lag <= min(_LONGEST_LAG, count - 2):
                return None
            moves = all(self.position.get(column[r], -1) == start + (r - lag) * period + position for r in range(lag, count))
            comes_from_before = all(self.position.get(node, -1) < start for node in column[:lag])
            return Within(position, lag, tuple(column[:lag])) if moves and comes_from_before else None
        if all(node.operation is indexing.index and node.inputs == first.inputs for node in column):
            moving = _moving([_numbers(node) for node in column])
            is_outside = self.position.get(first.inputs[0], -1) < start
            if moving and _kind(first) == _kind(last) and is_outside:
                return Picked(first.inputs[0], first.params, moving, (first.shape, first.dtype))
        places = [self.owner.get(node) for node in column]
        if all(places):
            of = {(place[0], place[1]) for place in places if place}
            moving = _moving([(place[2],) for place in places if place])
            if len(of) == 1 and moving:
                return Of(*of.pop(), *moving[0])
        if all(map(_is_given, column)):
            return Each(tuple(column))
        return None

    # --- more rounds ---------------------------------------------------------------------------------------------------------

    def _extend_to_beginning(self, rounds: Rounds) -> None:
        """Take in rounds before the first one."""
        taken = {node for nodes in rounds.instances for node in nodes}
        while self._extend_backward(rounds, taken):
            pass

    def _extend_to_end(self, rounds: Rounds) -> None:
        """Take in rounds after the last one."""
        taken = {node for nodes in rounds.instances for node in nodes}
        while self._extend_forward(rounds, taken):
            pass

    def lookup(
        self, model: IRNode, numbers: Any, known: Sequence[IRNode | None], operands: Sequence[Operand], taken: set[IRNode | None]
    ) -> IRNode | None:
        """The only free operation like the model with these operands, as far as they are known."""
        fewest = min((self._users.get(part, []) for part in known if part), key=len, default=[])
        found = [
            node
            for node in fewest
            if node not in taken
            and node not in self.owner
            and _kind(node)[:-1] == _kind(model)[:-1]
            and _numbers(node) == numbers
            and all(map(_may_be, known, node.inputs, model.inputs, operands))
        ]
        return found[0] if len(found) == 1 else None

    def known(self, operand: Operand, number: int, new: Sequence[IRNode | None], rounds: Rounds) -> IRNode | None:
        """An operand in a further round, of which the first nodes have been found."""
        match operand:
            case Always(node):
                return node
            case Within(position, 0):
                return new[position]
            case Within(position, lag) if number >= 0:
                return rounds.at(position, number - lag)
            case Of(earlier, position, first, step):
                return earlier.at(position, first + step * number)
            case Picked(array, params, moving):
                numbers = tuple(first + step * number for first, step in moving)
                kind = _without_numbers(params["index"])
                parts = (user for user in self._users.get(array, ()) if user.operation is indexing.index)
                alike = (part for part in parts if _numbers(part) == numbers)
                return next((part for part in alike if _without_numbers(part.params.get("index")) == kind), None)
        return None

    def _extend_backward(self, rounds: Rounds, taken: set[IRNode | None]) -> bool:
        """A round before the first. It has computed what is carried into the first, so it is found from its end."""
        if any(each.lag > 1 or (each.lag and each.before[0] is None) for each in rounds.within):
            return False
        for leaves_out in (False, True):
            further = _Further(self, rounds, taken, leaves_out)
            if further.is_found() and not self._depend_on(further.outside, set(further.nodes)):
                break
        else:
            return False
        for position, operands in enumerate(rounds.operands):
            rounds.operands[position] = [
                _earlier(operand, further.learned.get((position, which))) for which, operand in enumerate(operands)
            ]
        rounds.numbers = [tuple((first - step, step) for first, step in moving) for moving in rounds.numbers]
        rounds.instances.insert(0, [*further.nodes])
        taken |= set(further.nodes)
        return True

    def _extend_forward(self, rounds: Rounds, taken: set[IRNode | None]) -> bool:
        """A round after the last one, which may leave out what nobody needs any more."""
        number, model = len(rounds.instances), rounds.model
        newest = max(self.position[node] for node in rounds.instances[-1] if node)
        new: list[IRNode | None] = []
        last: list[Sequence[IRNode | None]] = [[None] * len(operands) for operands in rounds.operands]
        for position, operands in enumerate(rounds.operands):
            known = [self.known(operand, number, new, rounds) for operand in operands]
            unknown = [operand for part, operand in zip(known, operands, strict=True) if not part]
            if any(isinstance(operand, Of | Picked) for operand in unknown):
                return False
            is_left_out = any(not isinstance(operand, Each) for operand in unknown)
            numbers = tuple(first + step * number for first, step in rounds.numbers[position])
            node = None if is_left_out else self.lookup(model[position], numbers, known, operands, taken)
            if node is not None and self.position[node] < newest:
                return False
            if node is None and not _has_place(model[position], numbers):
                return False
            new.append(node)
            if node is not None:
                last[position] = list(node.inputs)
        is_left = {each.position for each in rounds.within if each.lag}
        before = rounds.instances[-1]
        goes_on = any(
            node is not None and (position in is_left or self._is_seen(before[position], taken))
            for position, node in enumerate(new)
        )
        if sum(node is not None for node in new) * 2 < len(new) or not goes_on:
            return False
        for position, operands in enumerate(rounds.operands):
            rounds.operands[position] = [
                Each((*operand.nodes, part)) if isinstance(operand, Each) else operand
                for operand, part in zip(operands, last[position], strict=True)
            ]
        rounds.instances.append(new)
        taken |= set(new)
        return True

    def _is_seen(self, node: IRNode | None, taken: set[IRNode | None]) -> bool:
        """Whether what was computed in a round is looked at from outside of the loop."""
        users = self._users.get(node, []) if node else []
        return not users or any(user not in taken for user in users)

    def _depend_on(self, nodes: Sequence[IRNode], others: set[IRNode]) -> bool:
        """Whether some nodes are computed from others. What a loop computes is computed from all that the loop needs."""
        oldest = min(self.position[node] for node in others)
        waiting, seen = list(nodes), {*nodes}
        walked: set[Rounds] = set()
        for node in waiting:  # which grows while it is walked
            if node in others:
                return True
            parts: Iterable[IRNode] = node.inputs if self.position.get(node, -1) >= oldest else ()
            if node in self.owner and self.owner[node][0] not in walked:
                walked.add(rounds := self.owner[node][0])
                parts = (part for computed in rounds.instances for each in computed if each for part in each.inputs)
            new = [part for part in dict.fromkeys(parts) if part not in seen]
            seen.update(new)
            waiting += new
        return False

    def _add(self, rounds: Rounds) -> int:
        """Note a loop, and where the search goes on."""
        self._found.rounds.append(rounds)
        end = 0
        for number, nodes in enumerate(rounds.instances):
            for position, node in enumerate(nodes):
                if node is not None:
                    self.owner[node] = (rounds, position, number)
                    end = max(end, self.position[node] + 1)
        return end


class _Further:
    """A round before the first one, if there is one. In it there may be nothing yet to which something is added.

    nodes: what it computes.
    learned: what operands are in it that were not known; None for the zero that something is added to.
    outside: what it uses that is computed elsewhere.
    """

    def __init__(self, finder: _Finder, rounds: Rounds, taken: set[IRNode | None], leaves_out: bool) -> None:
        self._finder, self._rounds, self._taken, self._leaves_out = finder, rounds, taken, leaves_out
        self._model = rounds.model
        self._oldest = min(finder.position[node] for node in rounds.instances[0] if node)
        self._nodes: list[IRNode | None] = [None] * len(self._model)
        self.learned: dict[tuple[int, int], IRNode | None] = {}
        self.outside = list(rounds.outside)

    @property
    def nodes(self) -> list[IRNode]:
        return [node for node in self._nodes if node is not None]

    def is_found(self) -> bool:
        """Whether there is such a round: from what it has left back to what it began with, and then what else is found."""
        waiting = [(each.position, each.before[0]) for each in self._rounds.within if each.lag]
        while waiting:
            position, node = waiting.pop()
            if node is None or self._nodes[position] is node:
                continue
            further = self._matched(position, node) if self._nodes[position] is None else None
            if further is None:
                return False
            waiting += further
        return all(self._nodes[position] or self._looked_up(position) for position in range(len(self._model)))

    def _matched(self, position: int, node: IRNode) -> list[tuple[int, IRNode]] | None:
        """Take a node for what was computed at a position, and give what this says of other positions; None if it cannot be."""
        operands, model = self._rounds.operands[position], self._model[position]
        is_earlier = self._finder.position.get(node, self._oldest) < self._oldest
        if not is_earlier or node in self._taken or node in self._finder.owner:
            return None
        self._nodes[position] = node
        carried = [isinstance(operand, Within) and operand.lag == 1 for operand in operands]
        is_like = _kind(node)[:-1] == _kind(model)[:-1] and _numbers(node) == self._numbers(position)
        if model.operation is arithmetic.add and sum(carried) == 1 and (self._leaves_out or not is_like):
            rest = operands[carried.index(False)]
            self.learned[position, carried.index(True)] = None
            if (node.shape, node.dtype) != (model.shape, model.dtype):
                return None
            if isinstance(rest, Within):
                return [(rest.position, node)]
            return [] if self._fits(position, carried.index(False), rest, node) else None
        if not is_like:
            return None
        further = []
        for which, (operand, part) in enumerate(zip(operands, node.inputs, strict=True)):
            if isinstance(operand, Within) and operand.lag == 0:
                further.append((operand.position, part))
            elif not self._fits(position, which, operand, part):
                return None
        return further

    def _fits(self, position: int, which: int, operand: Operand, part: IRNode) -> bool:
        """Whether an operand that comes from elsewhere may be this one."""
        known = self._finder.known(operand, -1, self._nodes, self._rounds)
        if not _may_be(known, part, self._model[position].inputs[which], operand):
            return False
        self.learned[position, which] = part
        self.outside.append(operand.array if isinstance(operand, Picked) else part)
        return known is not None or isinstance(operand, Each | Within)

    def _looked_up(self, position: int) -> IRNode | None:
        """What nobody in the round needs."""
        operands = self._rounds.operands[position]
        known = [self._finder.known(operand, -1, self._nodes, self._rounds) for operand in operands]
        node = self._finder.lookup(self._model[position], self._numbers(position), known, operands, self._taken)
        if node is None or self._matched(position, node) is None:
            return None
        return node

    def _numbers(self, position: int) -> tuple[int, ...]:
        return tuple(first - step for first, step in self._rounds.numbers[position])


def _may_be(known: IRNode | None, found: IRNode, model: IRNode, operand: Operand) -> bool:
    """Whether an operand that is found is the known one, or where none is known may be: a number to begin with has any dtype."""
    if known is not None:
        return found is known
    if found.shape != model.shape or (isinstance(operand, Each) and not _is_given(found)):
        return False
    if isinstance(operand, Within) and operand.lag and found.value is not None:
        return True
    return bool(found.dtype == model.dtype) and (found.value is None) == (model.value is None)


def _is_given(node: IRNode) -> bool:
    """Whether it is a constant or an input, perhaps by another name."""
    while is_renamed(node):
        (node,) = node.inputs
    return node.primitive is None


def is_renamed(node: IRNode) -> bool:
    """Whether it is its input by another name, or in another precision, such as a number of Python's as one of NumPy's."""
    if node.primitive is None or len(node.inputs) != 1:
        return False
    return node.primitive.code == "{0}" or node.operation is broadcasting.cast


def _earlier(operand: Operand, learned: IRNode | None) -> Operand:
    """The operand where there is one round more in front."""
    match operand:
        case Within(position, lag) if lag:
            return Within(position, lag, (learned,))
        case Of(rounds, position, first, step):
            return Of(rounds, position, first - step, step)
        case Picked(array, params, moving, like):
            return Picked(array, params, tuple((first - step, step) for first, step in moving), like)
        case Each(nodes):
            assert learned is not None
            return Each((learned, *nodes))
    return operand


def _only_looks(rounds: Rounds) -> bool:
    """Whether nothing is computed in the rounds."""
    return all(node.operation is indexing.index or is_renamed(node) for node in rounds.model)


# --- what nodes have in common -----------------------------------------------------------------------------------------------


def _kind(node: IRNode) -> Any:
    """Equal for operations that only differ in which operands they have, and in the numbers of an index."""
    operands = tuple((part.shape, part.dtype, part.value is None) for part in node.inputs)
    return node.primitive, _kind_of_params(node), node.shape, node.dtype, operands


def _kind_of_params(node: IRNode) -> Any:
    if not node.params:
        return ()
    is_at = _is_at_a_place(node)
    return tuple((key, _without_numbers(x) if is_at and key == "index" else frozen(x)) for key, x in node.params.items())


def _is_at_a_place(node: IRNode) -> bool:
    """Whether an operation reads, or fills, a part of an array that an index tells."""
    return node.operation in (indexing.index, indexing.scatter) and "index" in node.params


def _without_numbers(index: Any) -> Any:
    parts = index if type(index) is tuple else (index,)
    return type(index), *("number" if type(part) is int else frozen(part) for part in parts)


def _numbers(node: IRNode) -> tuple[int, ...]:
    """The whole numbers in an index."""
    if not _is_at_a_place(node):
        return ()
    index = node.params["index"]
    return tuple(part for part in (index if type(index) is tuple else (index,)) if type(part) is int)


def _has_place(node: IRNode, numbers: Sequence[int]) -> bool:
    """Whether an index may have these numbers in place of its own: the array does not end before."""
    if not _is_at_a_place(node):
        return True
    index, remaining = node.params["index"], iter(numbers)
    parts = [next(remaining) if type(part) is int else part for part in (index if type(index) is tuple else (index,))]
    shape = node.inputs[0].shape if node.operation is indexing.index else node.params["shape"]
    try:
        np.broadcast_to(0, shape)[tuple(parts)]
    except IndexError:
        return False
    return True


def _moving(rows: Sequence[tuple[int, ...]]) -> tuple[tuple[int, int], ...] | None:
    """For each column the first number and the step, if all grow evenly."""
    if not any(rows):
        return ()
    firsts, steps = rows[0], tuple(b - a for a, b in zip(rows[0], rows[1], strict=True)) if len(rows) > 1 else ()
    for r, row in enumerate(rows):
        if any(number != first + step * r for number, first, step in zip(row, firsts, steps, strict=True)):
            return None
    return tuple(zip(firsts, steps, strict=True))
