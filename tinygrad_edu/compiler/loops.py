"""Loops in the graph of a program, and how a graph with loops is walked.

A loop is one node. What it does in a round is a graph of its own, in which nodes stand for the number of the round and for what
the round before has left. Whatever else that graph uses is outside of the loop, the same in all rounds, and an input of the
loop's node. What a loop computes is looked at through further nodes: `last`, after the last round, and `each`, in all rounds, as a
list.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from tinygrad_edu.compiler.ir import IRGraph, IRNode
from tinygrad_edu.compiler.lists import columns
from tinygrad_edu.primitives.indexing import index
from tinygrad_edu.primitives.primitive import Primitive


@dataclass(frozen=True, eq=False)
class Body:
    """What a loop does.

    rounds: the numbers of the rounds, in order.
    number: the node that stands for the number of the round.
    carried: the nodes that stand for what the round before has left.
    results: what a round computes: for each of `carried` what it leaves to the next round, and then what else is looked at later.
    """

    rounds: range
    number: IRNode
    carried: tuple[IRNode, ...]
    results: tuple[IRNode, ...]

    @cached_property
    def own(self) -> dict[IRNode, None]:
        """The nodes that are not the same in all rounds, in order."""
        changing = dict.fromkeys((self.number, *self.carried))
        for node in in_order(self.results):
            if any(part in changing for part in node.inputs):
                changing[node] = None
        return changing

    def rebuilt(self, new: Mapping[IRNode, IRNode]) -> Body:
        """The same of other nodes."""
        carried, results = (tuple(new[node] for node in nodes) for nodes in (self.carried, self.results))
        return replace(self, number=new[self.number], carried=carried, results=results)


def _cannot_be_called(*inputs: Any, **params: Any) -> Any:
    raise TypeError("a loop is written down, never run node by node")


LOOP = Primitive(_cannot_be_called, None, name="loop", code="loop")
_LAST = Primitive(_cannot_be_called, None, name="last", code="last")
_EACH = Primitive(_cannot_be_called, None, name="each", code="each")
LISTED = Primitive(_cannot_be_called, None, name="listed", code="listed")
"""Several nodes of one shape as a list, of which each round takes one."""


def loop(body: Body, initial: Sequence[IRNode]) -> IRNode:
    """The node of a loop. `initial` is what is carried into the first round."""
    own = body.own
    used = [part for node in own for part in node.inputs if part not in own]
    free = dict.fromkeys([*used, *(node for node in body.results if node not in own)])
    return IRNode((), np.dtype(object), LOOP, (*initial, *free), {"body": body})


def last(graph: IRGraph, whole: IRNode, position: int) -> IRNode:
    """What a loop computes in its last round."""
    result = body_of(whole).results[position]
    return graph.apply(_LAST, (whole,), {"position": position}, (result.shape, result.dtype))


def each(graph: IRGraph, whole: IRNode, position: int) -> IRNode:
    """What a loop computes in all rounds, as a list. Of what is carried it begins with what is carried into the first round."""
    body = body_of(whole)
    result, length = body.results[position], len(body.rounds) + (position < len(body.carried))
    return graph.apply(_EACH, (whole,), {"position": position}, ((length, *result.shape), result.dtype))


def body_of(node: IRNode) -> Body:
    """What a loop does."""
    body: Body = node.params["body"]
    return body


def is_loop(node: IRNode) -> bool:
    """Whether a node is a whole loop."""
    return node.primitive is LOOP


def is_last(node: IRNode) -> bool:
    """Whether a node is what a loop computes in its last round."""
    return node.primitive is _LAST


def is_list(node: IRNode) -> bool:
    """Whether a node is no array, but a list, or some of one."""
    is_part = node.operation is index and isinstance(node.params.get("index"), slice)
    return is_list(node.inputs[0]) if is_part else node.primitive is _EACH or node.primitive is LISTED


def is_element(node: IRNode) -> bool:
    """Whether it is what a loop has computed in a round that is known."""
    return node.operation is index and is_list(node.inputs[0]) and type(node.params.get("index")) is int


def seen_through(node: IRNode) -> IRNode:
    """What computes a node: of what a loop computes in a round that is known the node of the round."""
    while is_last(node) or (is_element(node) and node.inputs[0].primitive is _EACH):
        looks = node if is_last(node) else node.inputs[0]
        whole, position = looks.inputs[0], looks.params["position"]
        is_first = is_element(node) and node.params["index"] == 0 and position < len(body_of(whole).carried)
        node = whole.inputs[position] if is_first else body_of(whole).results[position]
    return node


def walked_lists(inputs: Iterable[IRNode], outputs: Sequence[IRNode]) -> dict[tuple[str, ...], tuple[str, str]]:
    """The lists among the arguments that loops go through: for the names of the inputs in one, or of those that are the same part
    of each of its elements, the list and the part."""
    known = {tuple(names): key for key, names in columns(node.name for node in inputs).items()}
    walked = (tuple(part.name for part in node.inputs) for node in everything(outputs) if node.primitive is LISTED)
    return {names: known[names] for names in walked if names in known}


@dataclass(frozen=True)
class MadeLoop:
    """A loop that was made.

    whole: its node.
    results: for each position that is looked at which of the loop's results it is.
    carried: how many of the results are carried.
    """

    whole: IRNode
    results: Mapping[int, int]
    carried: int

    def place(self, position: int, number: int) -> int:
        """Where in the list of what was computed at a position that of a round is."""
        return number + (self.results[position] < self.carried)


# --- walking -----------------------------------------------------------------------------------------------------------------


def in_order(outputs: Iterable[IRNode], known: Collection[IRNode] = ()) -> list[IRNode]:
    """The nodes that outputs depend on, the outputs included, each after its inputs. `known` ones are left out, and those behind
    them; what is inside of a loop, too."""
    done: dict[IRNode, None] = {}
    to_visit = list(outputs)[::-1]
    while to_visit:
        node = to_visit[-1]
        if node in done or node in known:
            to_visit.pop()
            continue
        missing = [part for part in node.inputs if part not in done and part not in known]
        if missing:
            to_visit.extend(reversed(missing))
        else:
            done[to_visit.pop()] = None
    return list(done)


def everything(outputs: Iterable[IRNode]) -> Iterator[IRNode]:
    """The same with what is inside of loops, after the node of the loop."""
    known: set[IRNode] = set()
    waiting = [list(outputs)]
    for some in waiting:  # which grows while it is walked
        for node in in_order(some, known):
            known.add(node)
            yield node
            if is_loop(node):
                waiting.append(list(body_of(node).results))


def uses_of(outputs: Sequence[IRNode]) -> Counter[IRNode]:
    """How often each node is an operand, or what a round of a loop leaves. What goes into a loop is used in it once more."""
    uses: Counter[IRNode] = Counter()
    for node in everything(outputs):
        uses.update(node.inputs)
        uses.update(body_of(node).results if is_loop(node) else ())
    return uses


Rebuild = Callable[[IRNode, tuple[IRNode, ...]], IRNode]
"""`rebuild(node, inputs as rebuilt)`: what becomes of a node, and is called as it is."""


def rebuilt(outputs: Iterable[IRNode], rebuild: Rebuild) -> dict[IRNode, IRNode]:
    """For each node that outputs depend on what `rebuild` makes of it. Of a loop what is inside is rebuilt."""
    new: dict[IRNode, IRNode] = {}
    _rebuild(outputs, rebuild, new)
    return new


def _rebuild(outputs: Iterable[IRNode], rebuild: Rebuild, new: dict[IRNode, IRNode]) -> None:
    """It recurses as deep as loops lie in loops."""
    for node in in_order(outputs, new):
        inputs = tuple(new[part] for part in node.inputs)
        if is_loop(node):
            body = body_of(node)
            _rebuild([body.number, *body.carried, *body.results], rebuild, new)
            new[node] = loop(body.rebuilt(new), inputs[: len(body.carried)])
        else:
            new[node] = rebuild(node, inputs)
            new[node].is_called(node.label)
            new[node].is_from(node.line)
