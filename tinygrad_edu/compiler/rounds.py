"""Rounds: operations of a program that are alike, and how from each round to the next their operands stay or move on in step.

What is known of a program while loops are looked for stands in `Recorded`. This module knows nodes, and not how rounds are found
(`repetition`), nor what becomes of them (`rolling`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_edu.compiler.index_numbers import numbers_in, with_numbers, without_numbers
from tinygrad_edu.compiler.ir import IRNode, frozen
from tinygrad_edu.compiler.steps import Moves, Steps, Table, steps_of, table_of
from tinygrad_edu.primitives import broadcasting, indexing

_MOST_CARRIED = 4  # for each round
_FEWEST_LOOKS = 4  # at parts of an array that are all alike
_FEWEST_WAYS = 2  # to spread something, which are all alike

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
    """An operand that an earlier loop has computed, in a round whose number moves in step with this one's."""

    rounds: Rounds
    position: int
    number: Steps


@dataclass(frozen=True)
class Picked:
    """An operand that is another part of an array in each round, or an array that has a part in another place. `parts` are those
    of some rounds, `numbers` how those in their index move."""

    parts: tuple[IRNode, ...]
    numbers: tuple[Moves, ...]

    @property
    def array(self) -> IRNode:
        """What is looked at, or spread."""
        return self.parts[0].inputs[0]

    @property
    def is_looked_up(self) -> bool:
        """Whether a table says which part it is, so that it may be any in a further round."""
        return any(isinstance(moves, Table) for moves in self.numbers)


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
    numbers: list[tuple[Moves, ...]]

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
                case Always(node) | Picked(array=node):
                    yield node
                case Of(rounds, position):
                    yield rounds.model[position]

    @property
    def within(self) -> Iterator[Within]:
        """The operands that are computed in the rounds."""
        return (each for operands in self.operands for each in operands if isinstance(each, Within))

    @property
    def initial(self) -> Iterator[IRNode]:
        """What is carried into the first rounds."""
        return (node for each in self.within for node in each.before if node is not None)


class Recorded:
    """The operations of a program, in the order in which they were recorded, and the loops among them.

    Who looks at a part of an array again finds the one that is there, so that where it was looked at first would be another round
    than the later ones. So those that look at one of several parts, or spread one thing in several ways, come right after it, and
    where it is given, those that look at it are left out.

    order: the operations.
    position: for each its place in the order.
    users: for each node the operations that it is an operand of.
    rounds: the loops that have been found, in order.
    owner: for each operation of a loop its place.
    """

    def __init__(self, order: Sequence[IRNode]) -> None:
        self._kinds: dict[Any, int] = {}
        self._kind: dict[IRNode, int] = {}
        self._parts: dict[Any, dict[tuple[int | None, ...], IRNode]] = {}
        for node in order:
            if numbers := index_numbers(node):
                self._parts.setdefault((node.inputs, self.kind(node)), {})[numbers] = node
        self.order = self._in_order(order)
        self.position = {node: position for position, node in enumerate(self.order)}
        self.users: dict[IRNode, list[IRNode]] = {}
        for node in self.order:
            for part in dict.fromkeys(node.inputs):
                self.users.setdefault(part, []).append(node)
        self.rounds: list[Rounds] = []
        self.owner: dict[IRNode, Place] = {}

    def kind(self, node: IRNode) -> int:
        """Equal for operations that only differ in which operands they have, and in the numbers of an index."""
        kind = self._kind.get(node)
        if kind is None:
            kind = self._kind[node] = self._kinds.setdefault((form(node), _kinds_of_operands(node)), len(self._kinds))
        return kind

    def part(self, like: IRNode, numbers: Sequence[int | None]) -> IRNode | None:
        """The operation that looks at, or spreads, the same as another one with these numbers in its index."""
        return self._parts.get((like.inputs, self.kind(like)), {}).get(tuple(numbers))

    def _in_order(self, order: Sequence[IRNode]) -> list[IRNode]:
        moved: set[IRNode] = set()
        looks: set[IRNode] = set()
        for (inputs, _), parts in self._parts.items():
            is_look = next(iter(parts.values())).operation is indexing.index
            if len(parts) >= (_FEWEST_LOOKS if is_look else _FEWEST_WAYS):
                (looks if is_look and is_given(inputs[0]) else moved).update(parts.values())
        places: dict[IRNode, tuple[int, ...]] = {}
        for position, node in enumerate(order):
            places[node] = (*places[node.inputs[0]], position) if node in moved and node.inputs[0] in places else (position,)
        return sorted((node for node in order if node not in looks), key=places.__getitem__)


# --- what nodes have in common -----------------------------------------------------------------------------------------------


def is_renamed(node: IRNode) -> bool:
    """Whether it is its input by another name, or in another precision, such as a number of Python's as one of NumPy's."""
    if node.primitive is None or len(node.inputs) != 1:
        return False
    return node.primitive.code == "{0}" or node.operation is broadcasting.cast


def is_given(node: IRNode) -> bool:
    """Whether it is a constant or an input, perhaps by another name."""
    return given_as(node).primitive is None


def form(node: IRNode) -> Any:
    """Equal for operations that are alike in all but their operands, and the numbers of an index."""
    return node.primitive, _form_of_params(node) if node.params else (), node.shape, node.dtype


def _form_of_params(node: IRNode) -> Any:
    is_at = _is_at_a_place(node)
    return tuple((key, without_numbers(x) if is_at and key == "index" else frozen(x)) for key, x in node.params.items())


def _kinds_of_operands(node: IRNode) -> Any:
    return tuple((part.shape, part.dtype, part.value is None) for part in node.inputs)


def _is_at_a_place(node: IRNode) -> bool:
    """Whether an operation reads, or fills, a part of an array that an index tells."""
    return node.operation in (indexing.index, indexing.scatter) and "index" in node.params


def index_numbers(node: IRNode) -> tuple[int, ...]:
    """The whole numbers in the index of an operation, if it has one."""
    return numbers_in(node.params["index"]) if node.params and _is_at_a_place(node) else ()


def has_place(node: IRNode, numbers: Sequence[int | None]) -> bool:
    """Whether an index may have these numbers in place of its own: the array does not end before."""
    if not _is_at_a_place(node) or None in numbers:
        return True
    array = np.broadcast_to(0, node.inputs[0].shape if node.operation is indexing.index else node.params["shape"])
    try:
        return bool(array[with_numbers(node.params["index"], numbers)].shape == array[node.params["index"]].shape)
    except IndexError:
        return False


def is_repeated(nodes: Sequence[IRNode]) -> bool:
    """Whether operations all come from one line of the user's."""
    return nodes[0].line is not None and len({node.line for node in nodes}) == 1


def moving(nodes: Sequence[IRNode], is_repeated: bool) -> tuple[Moves, ...] | None:
    """How the numbers in the indices of operations move. Without a rule they do where a line is repeated."""
    if not index_numbers(nodes[0]):
        return ()
    columns = list(zip(*map(index_numbers, nodes), strict=True))
    found = (steps_of(column) or (table_of(column) if is_repeated else None) for column in columns)
    known = [moves for moves in found if moves]
    return tuple(known) if len(known) == len(columns) else None


def may_be_at(node: IRNode, numbers: Sequence[Moves], number: int) -> bool:
    """Whether the numbers in an index are those of a round, as far as they are known."""
    expected = (moves.at(number) for moves in numbers)
    return all(known in (None, found) for known, found in zip(expected, index_numbers(node), strict=True))


def kept_for(of: Of) -> tuple[Of, list[IRNode]]:
    """What an earlier loop has to keep, and which parts of it are meant: of an array, not each of its parts."""
    parts: list[IRNode] = []
    while True:
        rounds, position = of.rounds, of.position
        model, whole = rounds.model[position], rounds.operands[position][0] if rounds.operands[position] else None
        stays = not any(moves.moves for moves in rounds.numbers[position])
        is_index = model.operation is indexing.index and "index" in model.params and stays
        is_part = is_index and math.prod(model.shape) < math.prod(model.inputs[0].shape)
        if not is_part or not isinstance(whole, Within) or whole.lag > 1:
            return of, parts[::-1]
        parts.append(model)
        of = Of(rounds, whole.position, of.number.plus(-whole.lag))


def given_as(node: IRNode) -> IRNode:
    """The input that a node is, perhaps by another name."""
    while is_renamed(node):
        (node,) = node.inputs
    return node


def changes_of(node: IRNode) -> list[IRNode]:
    """What makes a node of the input that it is, the first first."""
    changes: list[IRNode] = []
    while is_renamed(node):
        if (node.shape, node.dtype) != (node.inputs[0].shape, node.inputs[0].dtype):
            changes.insert(0, node)
        (node,) = node.inputs
    return changes
