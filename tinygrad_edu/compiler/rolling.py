"""From a traced program to one in which what repeats itself is a loop.

`repetition` finds the rounds; here their nodes become one graph, that of a round, with nodes in place of what is different in each:
what is carried, and the number of the round. This comes before anything is simplified, so that the rest of the work is that of one
round, however many there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any

import numpy as np

from tinygrad_edu.compiler.counting import Number, whole_steps
from tinygrad_edu.compiler.index_numbers import with_inputs
from tinygrad_edu.compiler.ir import IRGraph, IRNode, Label, PythonNumber, Rank, Type, are_mixed
from tinygrad_edu.compiler.labelling import common_label
from tinygrad_edu.compiler.lists import columns, places
from tinygrad_edu.compiler.loops import LISTED, Body, MadeLoop, each, in_order, last, loop
from tinygrad_edu.compiler.repetition import FEWEST_ROUNDS, repetitions
from tinygrad_edu.compiler.rounds import (
    Always,
    Each,
    Of,
    Operand,
    Picked,
    Recorded,
    Rounds,
    Within,
    changes_of,
    given_as,
    kept_for,
)
from tinygrad_edu.compiler.steps import Moves, Steps, steps_of
from tinygrad_edu.primitives import arithmetic, indexing, joining
from tinygrad_edu.primitives.indexing import GIVEN, Run, gather_and_spread
from tinygrad_edu.primitives.primitive import Primitive, case

_serial = count(1)

# The forms of `stack` and `concatenate` for what a loop has computed, which is a list already.
_OF_LISTS = {
    joining.stack: joining.stack.but(
        forward=lambda arrays, axis: np.stack(arrays, axis), vjps=(None,), code="np.stack({0}, axis={axis})",
        form_of=joining.stack, cases=(case((2, 3), axis=0),),
    ),
    joining.concatenate: joining.concatenate.but(
        forward=lambda arrays, axis: np.concatenate(arrays, axis), vjps=(None,), code="np.concatenate({0}, axis={axis})",
        form_of=joining.concatenate, cases=(case((2, 3), axis=0),),
    ),
}  # fmt: skip


def rolled(order: Sequence[IRNode], outputs: Sequence[IRNode], inputs: Sequence[IRNode] = ()) -> list[IRNode]:
    """The outputs of a program as those of one with loops. `order` has its nodes in the order in which they were traced."""
    named = {node.name: node for node in inputs}
    lists = {key: [named[name] for name in names] for key, names in columns(named).items()}
    return _rolled(IRGraph(), order, outputs, are_mixed(order), lists)


Lists = Mapping[tuple[str, str], Sequence[IRNode]]
"""For each list among the arguments, and each part of its elements, the inputs that these are."""


def _rolled(graph: IRGraph, order: Sequence[IRNode], outputs: Sequence[IRNode], is_mixed: bool, lists: Lists) -> list[IRNode]:
    needed = set(in_order(outputs))
    found = repetitions([node for node in order if node.primitive is not None and node in needed])
    return _Roller(graph, found, outputs, is_mixed, lists).rolled()


def _like(node: IRNode) -> Type:
    return node.shape, node.dtype


class _Roller:
    """Makes the nodes of a program anew, with its loops."""

    def __init__(self, graph: IRGraph, found: Recorded, outputs: Sequence[IRNode], is_mixed: bool, lists: Lists) -> None:
        self.graph, self._found, self._outputs, self.is_mixed, self.lists = graph, found, outputs, is_mixed, lists
        self._new: dict[IRNode, IRNode] = {}  # what is outside of loops
        self._loops: dict[Rounds, MadeLoop] = {}
        self._seen: dict[Rounds, dict[int, None]] = {rounds: {} for rounds in found.rounds}  # positions that others look at
        for node in self._all_seen():
            if node in found.owner:
                rounds, position, _ = found.owner[node]
                self._seen[rounds][position] = None

    def _all_seen(self) -> Iterator[IRNode]:
        """What is looked at from outside of the loop that it belongs to."""
        yield from self._outputs
        for node in self._found.order:
            if node not in self._found.owner:
                yield from node.inputs
        for rounds in self._found.rounds:
            yield from self._from_outside(rounds)

    def _from_outside(self, rounds: Rounds) -> Iterator[IRNode]:
        """What the rounds of a loop use that is computed elsewhere."""
        for operand in (operand for operands in rounds.operands for operand in operands):
            match operand:
                case Always(node) | Picked(array=node):
                    yield node
                case Within(before=before):
                    yield from (node for node in before if node is not None)
                case Each(nodes):
                    yield from filter(None, nodes)
                case Of() as of:
                    kept, _ = kept_for(of)
                    yield kept.rounds.model[kept.position]

    def rolled(self) -> list[IRNode]:
        """The outputs of the program with loops."""
        self._make(self._outputs)
        return [self.looked_at(output) for output in self._outputs]

    # --- in order ------------------------------------------------------------------------------------------------------------

    def _make(self, outputs: Iterable[IRNode]) -> None:
        """Make what outputs depend on, each loop as a whole. Nothing recurses."""
        to_visit = [self._item(output) for output in outputs][::-1]
        while to_visit:
            item = to_visit[-1]
            missing = [part for part in self._needs(item) if not self._is_made(part)]
            if missing and not self._is_made(item):
                to_visit.extend(reversed(missing))
                continue
            to_visit.pop()
            if isinstance(item, Rounds):
                self._loops[item] = self._loops.get(item) or self._made_loop(item)
            elif item not in self._new:
                self._new[item] = self._made_outside(item)
                self._new[item].is_called(item.label)
                self._new[item].is_from(item.line)

    def _item(self, node: IRNode) -> IRNode | Rounds:
        """The loop that a node belongs to, else the node."""
        return self._found.owner[node][0] if node in self._found.owner else node

    def _is_made(self, item: IRNode | Rounds) -> bool:
        return item in self._new or item in self._loops

    def _needs(self, item: IRNode | Rounds) -> Iterator[IRNode | Rounds]:
        nodes = self._from_outside(item) if isinstance(item, Rounds) else self._inputs(item)
        return (self._item(node) for node in nodes)

    def _inputs(self, node: IRNode) -> Sequence[IRNode]:
        """What is not in the order, such as what stands for the number of a round, is there already."""
        return node.inputs if node.primitive is not None else ()

    def looked_at(self, node: IRNode) -> IRNode:
        """A node as it is seen from outside of the loop that it belongs to."""
        if node not in self._found.owner:
            return self._new[node]
        rounds, position, number = self._found.owner[node]
        made = self._loops[rounds]
        if number == len(rounds.instances) - 1:
            return last(self.graph, made.whole, made.results[position])
        place = {"index": made.place(position, number)}
        return self.graph.apply(indexing.index, (self.listed(made, position),), place, _like(node))

    def loop_of(self, rounds: Rounds) -> MadeLoop:
        """The loop that has been made of some rounds."""
        return self._loops[rounds]

    def listed(self, made: MadeLoop, position: int) -> IRNode:
        """What a loop has computed at a position, as a list."""
        return each(self.graph, made.whole, made.results[position])

    # --- outside of loops ----------------------------------------------------------------------------------------------------

    def _made_outside(self, node: IRNode) -> IRNode:
        """A node that belongs to no loop, on what its inputs have become."""
        if node.primitive is None:
            return node
        if node.primitive in _OF_LISTS:
            joined = self._joined(node, _OF_LISTS[node.primitive])
            if joined is not None:
                return joined
        inputs = [self.looked_at(part) for part in node.inputs]
        is_same = all(a is b for a, b in zip(inputs, node.inputs, strict=True))
        return node if is_same else self.graph.apply(node.primitive, inputs, node.params, _like(node))

    def _joined(self, node: IRNode, form: Primitive) -> IRNode | None:
        """What a loop computes in rounds that follow each other as one array, the first or the last round at the beginning."""
        place = self._found.owner.get(node.inputs[len(node.inputs) // 2])
        if place is None or len(node.inputs) < FEWEST_ROUNDS:
            return None
        rounds, position, _ = place
        made = self._loops[rounds]
        numbers = [self._number_of(part, rounds, position) for part in node.inputs]
        first, second = numbers[:2]
        if first is None or second is None or second - first not in (1, -1):
            return None
        step = second - first
        if numbers != [first + step * k for k in range(len(numbers))]:
            return None
        start, end = made.place(position, first), made.place(position, first + step * len(numbers))
        part = {"index": slice(start, end if end >= 0 else None, None if step == 1 else step)}
        like = (len(numbers), *rounds.model[position].shape), node.dtype
        piece = self.graph.apply(indexing.index, (self.listed(made, position),), part, like)
        return self.graph.apply(form, (piece,), node.params, _like(node))

    def _number_of(self, node: IRNode, rounds: Rounds, position: int) -> int | None:
        """The round that has computed a node at a position; -1 for what is carried into the first one."""
        place = self._found.owner.get(node)
        if place is not None:
            return place[2] if place[:2] == (rounds, position) else None
        made = self._loops[rounds]
        is_first = made.results[position] < made.carried and rounds.at(position, -1) is node
        return -1 if is_first and _like(node) == _like(rounds.model[position]) else None

    # --- loops ---------------------------------------------------------------------------------------------------------------

    def _made_loop(self, rounds: Rounds) -> MadeLoop:
        round_ = _Round(self, rounds)
        seen = [position for position in self._seen[rounds] if not round_.leaves(position)]
        results = [*round_.following(), *(round_.nodes[position] for position in seen)]
        inner = _rolled(self.graph, round_.order, results, self.is_mixed, {})
        body = Body(round_.number.rounds, round_.number.node, tuple(round_.carried.values()), tuple(inner))
        places = {position: len(round_.carried) + k for k, position in enumerate(seen)}
        for k, (position, lag, _) in enumerate(round_.carried):
            if lag == 1:
                places.setdefault(position, k)
        return MadeLoop(loop(body, round_.initial()), places, len(round_.carried))


class _Round:
    """The graph of one round.

    number: of the round.
    nodes: for each position its node.
    order: all that is computed in the round, in order.
    carried: what stands for what was left by the round before: for a position, the number of rounds since, and what it was before.
    """

    def __init__(self, roller: _Roller, rounds: Rounds) -> None:
        self._roller, self._rounds = roller, rounds
        self.number = Number(roller.graph, rounds, self._moving())
        self.carried: dict[tuple[int, int, tuple[IRNode | None, ...]], IRNode] = {}
        self.nodes: list[IRNode] = []
        self.order: list[IRNode] = []
        for model, operands, numbers in zip(rounds.model, rounds.operands, rounds.numbers, strict=True):
            inputs = [self._operand(operand) for operand in operands]
            self.nodes.append(self._computed(model, inputs, numbers))
        labels: dict[IRNode, list[Label]] = {node: [] for node in self.nodes}
        for nodes in rounds.instances:  # a sum that has only one summand yet is called as that is
            called = dict(zip(reversed(nodes), reversed(self.nodes), strict=True))
            for instance, node in reversed(called.items()):
                if instance is not None:
                    node.is_from(instance.line)
                    labels[node] += [instance.label] if instance.label else []
        for node, its in labels.items():
            node.is_called(common_label(its))

    def _moving(self) -> Iterator[Moves]:
        """All numbers that move, in the form in which they will be written."""
        for operand in (operand for operands in self._rounds.operands for operand in operands):
            match operand:
                case Of() as of:
                    kept, _ = kept_for(of)
                    yield self._place(kept)
                case Picked(numbers=numbers):
                    yield from numbers
                case Each(nodes):
                    known = [node for node in nodes if node is not None]
                    yield from whole_steps(known)
                    yield from (steps for _, steps in self._elements(known, len(nodes)))
        for numbers in self._rounds.numbers:
            yield from numbers

    def _place(self, kept: Of) -> Steps:
        """The place in the list that an earlier loop keeps."""
        return kept.number.plus(self._roller.loop_of(kept.rounds).place(kept.position, 0))

    def leaves(self, position: int) -> bool:
        """Whether what is computed at a position is carried into the next round."""
        return any(key[:2] == (position, 1) for key in self.carried)

    def following(self) -> list[IRNode]:
        """What is carried into the next round."""
        return [
            self.nodes[position] if lag == 1 else self.carried[position, lag - 1, before[1:]]
            for position, lag, before in self.carried
        ]

    def initial(self) -> list[IRNode]:
        """What is carried into the first round."""
        return [self._first(before[0], self.nodes[position]) for position, _, before in self.carried]

    def _first(self, node: IRNode | None, like: IRNode) -> IRNode:
        """What is carried into the first round: a number has the dtype that it gets there, and nothing yet is zero."""
        graph = self._roller.graph
        if node is None:
            return graph.constant(like.dtype.type(0) if like.shape == () else np.zeros(like.shape, like.dtype))
        if node.value is not None and node.dtype != like.dtype:
            return graph.constant(like.dtype.type(node.value) if like.shape == () else np.asarray(node.value, like.dtype))
        return self._roller.looked_at(node)

    def _carried(self, position: int, lag: int, before: tuple[IRNode | None, ...]) -> IRNode:
        """What stands for the result at a position, some rounds ago."""
        if lag > 1:
            self._carried(position, lag - 1, before[1:])
        key = position, lag, before
        if key not in self.carried:
            model = self._rounds.model[position]
            self.carried[key] = self._roller.graph.input(f"carried {next(_serial)}", model.shape, model.dtype)
        return self.carried[key]

    def _operand(self, operand: Operand) -> IRNode:
        match operand:
            case Always(node):
                return self._roller.looked_at(node)
            case Within(position, lag, before):
                return self._carried(position, lag, before) if lag else self.nodes[position]
            case Of() as of:
                return self._computed_earlier(of)
            case Picked(parts, numbers):
                node = self._computed(parts[0], [self._roller.looked_at(operand.array)], numbers)
                node.is_called(_looked_up(common_label([part.label for part in dict.fromkeys(parts) if part.label])))
                node.is_from(parts[0].line)
                return node
            case Each(nodes):
                return self._one_of([node and self._roller.looked_at(node) for node in nodes])

    def _computed_earlier(self, of: Of) -> IRNode:
        """What an earlier loop has computed: an element of the list that it keeps, or a part of one."""
        kept, parts = kept_for(of)
        whole = self._roller.listed(self._roller.loop_of(kept.rounds), kept.position)
        node = self._part(whole, {"index": 0}, [self._place(kept)], _like(kept.rounds.model[kept.position]))
        for part in parts:
            node = self._noted(self._roller.graph.apply(indexing.index, (node,), part.params, _like(part)))
        return node

    def _one_of(self, nodes: Sequence[IRNode | None], is_place: bool = False) -> IRNode:
        """Another constant or input in each round, or another place in an index."""
        known = [node for node in nodes if node is not None]
        graph, like = self._roller.graph, _like(known[0])
        for steps in whole_steps(known):
            return self._noted(self.number.at(steps))
        for whole, steps in self._elements(known, len(nodes)):
            like = _like(whole[0])
            listed = graph.apply(LISTED, whole, {}, ((len(whole), *like[0]), like[1]))
            listed.is_called(known[0].label)
            node = self._part(listed, {"index": 0}, [steps], like)
            for change in changes_of(known[0]):
                assert change.primitive is not None
                node = self._noted(graph.apply(change.primitive, (node,), change.params, _like(change)))
            return node
        ones, steps = known + known[-1:] * (len(nodes) - len(known)), Steps(0, 1)
        if self.number.rounds.step < 0:
            ones, steps = ones[::-1], Steps(len(nodes) - 1, -1)
        again = next((k for k in range(1, len(ones) // 2 + 1) if ones[k:] == ones[:-k]), 0)
        if again:
            ones, steps = ones[:again], steps._replace(around=again)
        values = [node.value for node in ones if node.value is not None]
        stays_a_list = isinstance(like[1], PythonNumber) and not is_place and (self._roller.is_mixed or self._has_numbers_of_python)
        are_long = any(type(value) is int and not -(2**63) <= value < 2**63 for value in values)
        if len(values) == len(ones) and not stays_a_list and not are_long:
            array = graph.constant(np.stack(values))
        else:
            array = graph.apply(LISTED, ones, {}, ((len(ones), *like[0]), like[1]))
        return self._part(array, {"index": 0}, [steps], like)

    @property
    def _has_numbers_of_python(self) -> bool:
        """Whether numbers of Python's are computed, as which a number of NumPy's would not do."""
        return any(isinstance(node.dtype, PythonNumber) for node in self._rounds.model)

    def _elements(self, known: Sequence[IRNode], rounds: int) -> Iterator[tuple[Sequence[IRNode], Steps]]:
        """The list among the arguments that inputs come in, and how their places move."""
        given = [given_as(node) for node in known]
        if len({tuple(map(_like, (node, *changes_of(each)))) for node, each in zip(given, known, strict=True)}) > 1:
            return
        for place in places(given[0].name):
            column = self._roller.lists.get((place.before, place.after), ())
            numbers = {node: number for number, node in enumerate(column)}
            found = [numbers.get(node, -1) for node in given]
            steps = None if -1 in found else steps_of(found)
            if steps and steps.step and 0 <= steps.at(rounds - 1) < len(column):
                yield column, steps
                return

    def _part(self, x: IRNode, params: Mapping[str, Any], numbers: Sequence[Moves], like: Type) -> IRNode:
        """A part of an array or a list, where the numbers of the index move."""
        (gather, _), given = self._moved(params["index"], numbers)
        return self._noted(self._roller.graph.apply(gather, (x, *given), {}, like))

    def _moved(self, index: Any, numbers: Sequence[Moves]) -> tuple[tuple[Primitive, Primitive], list[IRNode]]:
        """The forms of an index and of its opposite in which moving numbers are inputs, and these."""
        parts = with_inputs(index, [moves.moves for moves in numbers])
        inputs = (part for part in parts if part is GIVEN or isinstance(part, Run))
        given: list[IRNode] = []
        for part, moves in zip(inputs, (moves for moves in numbers if moves.moves), strict=True):
            given.append(self._whole_number(moves))
            if isinstance(part, Run):
                given.append(self._end_of(moves, part.length, given[-1]))
        return gather_and_spread(*parts), given

    def _end_of(self, moves: Moves, length: int, start: IRNode) -> IRNode:
        """Where so many elements end that begin at a number which moves."""
        if isinstance(moves, Steps):
            return self._whole_number(moves.plus(length))
        graph = self._roller.graph
        return self._noted(graph.apply(arithmetic.add, (start, graph.constant(length)), {}, _like(start)))

    def _whole_number(self, moves: Moves) -> IRNode:
        """A number in an index."""
        if isinstance(moves, Steps):
            return self._noted(self.number.at(moves))
        return self._one_of([self._roller.graph.constant(number) for number in moves.numbers], is_place=True)

    def _computed(self, model: IRNode, inputs: Sequence[IRNode], numbers: Sequence[Moves]) -> IRNode:
        """The operation of a model on the round's operands, at the round's place if its index moves."""
        assert model.primitive is not None
        primitive, params = model.primitive, model.params
        if any(moves.moves for moves in numbers):
            forms, given = self._moved(params["index"], numbers)
            primitive = forms[model.operation is not indexing.index]
            inputs, params = [*inputs, *given], {key: value for key, value in params.items() if key != "index"}
        return self._noted(self._roller.graph.apply(primitive, inputs, params, _like(model)))

    def _noted(self, node: IRNode) -> IRNode:
        """The node, which comes next in the order of the round."""
        if node.primitive is not None:
            self.order.append(node)
        return node


def _looked_up(label: Label | None) -> Label | None:
    """The name of a part that is looked up where it is needed, and has a line only if that is a long way to say it."""
    return label and Label(label.name, Rank.PLACE if label.rank is Rank.VARIABLE else label.rank, label.of)
