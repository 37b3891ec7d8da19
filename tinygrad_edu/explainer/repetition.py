"""Repeated structure in a graph: layers, and the rounds of a loop, found by the operations that recur in the same order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from tinygrad_edu.graph.graph import Node

LONGEST_ROUND = 60
"""Rounds of more operations than this are not looked for."""
FEWEST_OPERATIONS = 6
"""Fewer operations than this, all rounds together, are no structure: `a * b + c * d` is none."""

Round = Sequence[Node]


def repetitions(results: Sequence[Node]) -> Iterator[Sequence[Round]]:
    """The stretches of a graph in which the same operations recur, each as its rounds; every round uses what the last one made,
    and in the same way.

    >>> import numpy as np
    >>> from tinygrad_edu.graph.graph import read_graph
    >>> from tinygrad_edu.engine.value import Value
    >>> h, w, b = Value(1.0, name="h"), Value(2.0, name="w"), Value(0.5, name="b")
    >>> for _ in range(3):
    ...     h = np.tanh(h * w + b)
    >>> [[[node.name for node in part] for part in found] for found in repetitions(list(read_graph(h * h).results))]
    [[['v1', 'v2', 'v3'], ['v4', 'v5', 'v6'], ['v7', 'v8', 'v9']]]
    """
    names = [node.primitive.name for node in results]
    place_of = {node: place for place, node in enumerate(results)}
    lengths = range(2, min(LONGEST_ROUND, len(names) // 2) + 1)
    matching = {length: _matching(names, length) for length in lengths}
    runs = _matching(names, 1)
    start = 0
    while start < len(names):
        ends = {length: start + (matching[length][start] // length + 1) * length for length in lengths}
        # One operation again and again, as in a long sum, is no structure.
        recurring = [length for length in lengths if ends[length] >= start + max(2 * length, FEWEST_OPERATIONS, runs[start] + 2)]
        recurring.sort(key=lambda length: (-ends[length], length))
        for length in recurring:
            rounds = list(_following(results, place_of, range(start, ends[length], length), length))
            if len(rounds) > 1 and len(rounds) * length >= FEWEST_OPERATIONS:
                yield rounds
                start += len(rounds) * length
                break
        else:  # what recurs side by side, as the neurons of a layer do, does not become rounds by beginning in its midst
            start += recurring[0] if recurring else 1


def _following(results: Sequence[Node], place_of: Mapping[Node, int], starts: Iterable[int], length: int) -> Iterator[Round]:
    """The rounds that begin at these places, as long as each uses what the last one made, and in the same way."""
    first: Wiring | None = None
    usual: Wiring | None = None
    for start in starts:
        part = results[start : start + length]
        wiring = [[_origin(operand, place_of, start, length) for operand in node.operands] for node in part]
        if first is None:
            first = wiring
        elif usual is None and _goes_on(first, wiring) and _carries_on(part, wiring):
            usual = wiring
        elif wiring != usual:
            return
        yield part


Wiring = Sequence[Sequence[tuple[object, ...]]]
"""For each operation of a round where its operands come from."""


def _origin(operand: Node, place_of: Mapping[Node, int], start: int, length: int) -> tuple[object, ...]:
    """From a place in this round or in the last one; from a leaf; from a result that this round alone uses; or from another one."""
    place = place_of.get(operand)
    if place is None:
        return ("leaf",)
    if place >= start - length:
        return ("here" if place >= start else "last", (place - start) % length)
    is_own = all(start <= place_of[consumer] < start + length for consumer in operand.consumers)
    return ("own",) if is_own else ("outside", operand)


def _goes_on(first: Wiring, second: Wiring) -> bool:
    """Whether a round repeats the first one, which is given from outside what later ones take from the last."""
    pairs = [pair for rows in zip(first, second, strict=True) for pair in zip(*rows, strict=True)]
    return all(former == later or (later[0] == "last" and former[0] != "here") for former, later in pairs)


def _carries_on(part: Round, wiring: Wiring) -> bool:
    """Whether what is handed from round to round is made of what was handed on, by more than one kind of operation.

    So the rounds of a sum of products are none, nor are neurons side by side that are cut in their midst.
    """
    touched: dict[int, str] = {}
    for place, (node, origins) in enumerate(zip(part, wiring, strict=True)):
        if any(kind == "last" or (kind == "here" and touched.keys() & set(where)) for kind, *where in origins):
            touched[place] = node.primitive.name
    handed_on = {origin[1] for origins in wiring for origin in origins if origin[0] == "last"}
    return handed_on <= touched.keys() and len(set(touched.values())) > 1


def _matching(names: Sequence[str], length: int) -> Sequence[int]:
    """For each place how many names from there on are the same so far behind."""
    counts = [0] * (len(names) + 1)
    for place in range(len(names) - length - 1, -1, -1):
        counts[place] = counts[place + 1] + 1 if names[place] == names[place + length] else 0
    return counts
