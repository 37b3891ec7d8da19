"""Rounds before the first one and after the last one that differ a little: taken in, they need no lines of their own.

Before the first round there may be nothing yet to which something is added; after the last one, what nobody needs is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

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
    form,
    has_place,
    index_numbers,
    is_given,
    may_be_at,
)
from tinygrad_edu.compiler.steps import Moves, Table
from tinygrad_edu.primitives import arithmetic


class FurtherRounds:
    """Rounds before the first one and after the last one of some, which differ a little and can be taken in.

    recorded: the program. rounds: those that have been found.
    """

    def __init__(self, recorded: Recorded, rounds: Rounds) -> None:
        self.recorded, self.rounds = recorded, rounds
        self.taken = {node for nodes in self.rounds.instances for node in nodes}

    def take_in_before(self) -> None:
        """Take in rounds before the first one."""
        while self._extend_backward():
            pass

    def take_in_after(self) -> None:
        """Take in rounds after the last one."""
        while self._extend_forward():
            pass

    def lookup(self, position: int, number: int, known: Sequence[IRNode | None]) -> IRNode | None:
        """The only free operation at a position of a further round with these operands, as far as they are known."""
        model, operands = self.rounds.model[position], self.rounds.operands[position]
        fewest = min((self.recorded.users.get(part, []) for part in known if part), key=len, default=[])
        found = [
            node
            for node in fewest
            if node not in self.taken
            and node not in self.recorded.owner
            and form(node) == form(model)
            and may_be_at(node, self.rounds.numbers[position], number)
            and all(self.may_be(number, *each) for each in zip(known, node.inputs, model.inputs, operands, strict=True))
        ]
        return found[0] if len(found) == 1 else None

    def known(self, operand: Operand, number: int, new: Sequence[IRNode | None]) -> IRNode | None:
        """An operand in a further round, of which the first nodes have been found."""
        match operand:
            case Always(node):
                return node
            case Within(position, 0):
                return new[position]
            case Within(position, lag) if number >= 0:
                return self.rounds.at(position, number - lag)
            case Of(earlier, position, steps):
                return earlier.at(position, steps.at(number))
            case Picked(parts, moving):
                return self.recorded.part(parts[0], [moves.at(number) for moves in moving])
        return None

    def may_be(self, number: int, known: IRNode | None, found: IRNode, model: IRNode, operand: Operand) -> bool:
        """Whether an operand that is found is the known one, or may be where none is: a number to begin with has any dtype."""
        if known is not None:
            return found is known
        if isinstance(operand, Picked):
            is_part = self.recorded.part(operand.parts[0], index_numbers(found)) is found
            return operand.is_looked_up and is_part and may_be_at(found, operand.numbers, number)
        if found.shape != model.shape or (isinstance(operand, Each) and not is_given(found)):
            return False
        if isinstance(operand, Within) and operand.lag and found.value is not None:
            return True
        return bool(found.dtype == model.dtype) and (found.value is None) == (model.value is None)

    def _extend_backward(self) -> bool:
        """A round before the first. It has computed what is carried into the first, so it is found from its end."""
        if any(each.lag > 1 or (each.lag and each.before[0] is None) for each in self.rounds.within):
            return False
        for leaves_out in (False, True):
            further = _Before(self, leaves_out)
            if further.is_found() and not self._depend_on(further.outside, set(further.nodes)):
                break
        else:
            return False
        for position, operands in enumerate(self.rounds.operands):
            self.rounds.operands[position] = [
                _earlier(operand, further.learned.get((position, which))) for which, operand in enumerate(operands)
            ]
        self.rounds.numbers = [
            tuple(moves.with_first(number) for moves, number in zip(moving, index_numbers(node), strict=False))
            for moving, node in zip(self.rounds.numbers, further.nodes, strict=True)
        ]
        self.rounds.instances.insert(0, [*further.nodes])
        self.taken |= set(further.nodes)
        return True

    def _extend_forward(self) -> bool:
        """A round after the last one, which may leave out what nobody needs any more."""
        new = self._nodes_after()
        if new is None or sum(node is not None for node in new) * 2 < len(new) or not self._goes_on(new):
            return False
        for position, (operands, node) in enumerate(zip(self.rounds.operands, new, strict=True)):
            inputs = node.inputs if node else [None] * len(operands)
            self.rounds.operands[position] = list(map(_later, operands, inputs))
            self.rounds.numbers[position] = _with_last(self.rounds.numbers[position], node)
        self.rounds.instances.append(new)
        self.taken |= set(new)
        return True

    def _nodes_after(self) -> list[IRNode | None] | None:
        """The nodes of a round after the last one, with None for what is left out; None if it would look where nothing is."""
        number, model = len(self.rounds.instances), self.rounds.model
        newest = max(self.recorded.position[node] for node in self.rounds.instances[-1] if node)
        new: list[IRNode | None] = []
        for position, operands in enumerate(self.rounds.operands):
            known = [self.known(operand, number, new) for operand in operands]
            unknown = [operand for part, operand in zip(known, operands, strict=True) if not part]
            unknown = [operand for operand in unknown if not (isinstance(operand, Picked) and operand.is_looked_up)]
            if any(isinstance(operand, Of | Picked) for operand in unknown):
                return None
            is_left_out = any(not isinstance(operand, Each) for operand in unknown)
            numbers = tuple(moves.at(number) for moves in self.rounds.numbers[position])
            node = None if is_left_out else self.lookup(position, number, known)
            is_before = node is not None and self.recorded.position[node] < newest
            if is_before or (node is None and not has_place(model[position], numbers)):
                return None
            new.append(node)
        return new

    def _goes_on(self, new: Sequence[IRNode | None]) -> bool:
        """Whether a round leaves something, as those before it did: to the next one, or to who looks at it from outside."""
        is_left = {each.position for each in self.rounds.within if each.lag}
        before = self.rounds.instances[-1]
        return any(
            node is not None and (position in is_left or self._is_seen(before[position])) for position, node in enumerate(new)
        )

    def _is_seen(self, node: IRNode | None) -> bool:
        """Whether what was computed in a round is looked at from outside of the loop."""
        users = self.recorded.users.get(node, []) if node else []
        return not users or any(user not in self.taken for user in users)

    def _depend_on(self, nodes: Sequence[IRNode], others: set[IRNode]) -> bool:
        """Whether some nodes are computed from others. What a loop computes is computed from all that the loop needs."""
        oldest = min(self.recorded.position[node] for node in others)
        waiting, seen = list(nodes), {*nodes}
        walked: set[Rounds] = set()
        for node in waiting:  # which grows while it is walked
            if node in others:
                return True
            parts: Iterable[IRNode] = node.inputs if self.recorded.position.get(node, -1) >= oldest else ()
            if node in self.recorded.owner and self.recorded.owner[node][0] not in walked:
                walked.add(rounds := self.recorded.owner[node][0])
                parts = (*rounds.outside, *rounds.initial)
            new = [part for part in dict.fromkeys(parts) if part not in seen]
            seen.update(new)
            waiting += new
        return False


class _Before:
    """A round before the first one, if there is one. In it there may be nothing yet to which something is added.

    learned: what operands are in it that were not known; None for the zero that something is added to.
    outside: what it uses that is computed elsewhere.
    """

    def __init__(self, further: FurtherRounds, leaves_out: bool) -> None:
        self._further, self._leaves_out = further, leaves_out
        self._recorded, self._rounds, self._taken = further.recorded, further.rounds, further.taken
        self._model = self._rounds.model
        self._oldest = min(self._recorded.position[node] for node in self._rounds.instances[0] if node)
        self._nodes: list[IRNode | None] = [None] * len(self._model)
        self.learned: dict[tuple[int, int], IRNode | None] = {}
        self.outside = list(self._rounds.outside)

    @property
    def nodes(self) -> list[IRNode]:
        """What it computes, as far as it has been found."""
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
        is_earlier = self._recorded.position.get(node, self._oldest) < self._oldest
        if not is_earlier or node in self._taken or node in self._recorded.owner:
            return None
        self._nodes[position] = node
        carried = [isinstance(operand, Within) and operand.lag == 1 for operand in operands]
        is_like = form(node) == form(model) and may_be_at(node, self._rounds.numbers[position], -1)
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
        known = self._further.known(operand, -1, self._nodes)
        if not self._further.may_be(-1, known, part, self._model[position].inputs[which], operand):
            return False
        self.learned[position, which] = part
        self.outside.append(operand.array if isinstance(operand, Picked) else part)
        return known is not None or isinstance(operand, Each | Within) or (isinstance(operand, Picked) and operand.is_looked_up)

    def _looked_up(self, position: int) -> IRNode | None:
        """What nobody in the round needs."""
        operands = self._rounds.operands[position]
        known = [self._further.known(operand, -1, self._nodes) for operand in operands]
        node = self._further.lookup(position, -1, known)
        if node is None or self._matched(position, node) is None:
            return None
        return node


def _earlier(operand: Operand, learned: IRNode | None) -> Operand:
    """The operand where there is one round more in front."""
    match operand:
        case Within(position, lag) if lag:
            return Within(position, lag, (learned,))
        case Of(rounds, position, steps):
            return Of(rounds, position, steps.with_first(steps.at(-1)))
        case Picked(parts, moving):
            assert learned is not None
            numbers = zip(moving, index_numbers(learned), strict=True)
            return Picked(parts, tuple(moves.with_first(number) for moves, number in numbers))
        case Each(nodes):
            assert learned is not None
            return Each((learned, *nodes))
    return operand


def _later(operand: Operand, part: IRNode | None) -> Operand:
    """The operand where there is one round more at the end."""
    match operand:
        case Each(nodes):
            return Each((*nodes, part))
        case Picked(parts, moving):
            return Picked(parts, _with_last(moving, part))
    return operand


def _with_last(moving: tuple[Moves, ...], node: IRNode | None) -> tuple[Moves, ...]:
    """How the numbers in an index move where there is one round more at the end. Where nobody needs it any place will do."""
    if node is None:
        return tuple(moves.with_last(moves.numbers[-1]) if isinstance(moves, Table) else moves for moves in moving)
    return tuple(moves.with_last(number) for moves, number in zip(moving, index_numbers(node), strict=True))
