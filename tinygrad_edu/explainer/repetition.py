"""Repeated structure in a graph: layers, and the rounds of a loop, found by the operations that recur in the same order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from tinygrad_edu.graph.graph import Node

LONGEST_ROUND = 60
"""Rounds of more operations than this are not looked for."""
FEWEST_OPERATIONS = 6
"""Fewer operations than this, all rounds together, are no structure: `a * b + c * d` is none."""

Round = Sequence[Node]


def repetitions(results: Sequence[Node]) -> Iterator[Sequence[Round]]:
    """The stretches of a graph in which the same operations recur, each as its rounds; every round uses what the last one made.

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
    lengths = range(2, min(LONGEST_ROUND, len(names) // 2) + 1)
    matching = {length: _matching(names, length) for length in lengths}
    runs = _matching(names, 1)
    start = 0
    while start < len(names):
        recurring = [length for length in lengths if matching[length][start] >= length]
        covered = {length: (matching[length][start] // length + 1) * length for length in recurring}
        length = max(recurring, key=lambda length: (covered[length], -length), default=1)
        end = start + covered.get(length, 0)
        is_varied = start + runs[start] + 1 < end  # one operation again and again, as in a long sum, is no structure
        rounds = list(_following(results, range(start, end, length), length)) if is_varied else []
        if len(rounds) > 1 and len(rounds) * length >= FEWEST_OPERATIONS:
            yield rounds
            start += len(rounds) * length
        else:
            start += 1


def _following(results: Sequence[Node], starts: Iterable[int], length: int) -> Iterator[Round]:
    """The rounds that begin at these places, as long as each uses what the last one made."""
    made: set[Node] = set()
    for start in starts:
        part = results[start : start + length]
        if made and made.isdisjoint(operand for node in part for operand in node.operands):
            return
        yield part
        made = set(part)


def _matching(names: Sequence[str], length: int) -> Sequence[int]:
    """For each place how many names from there on are the same so far behind."""
    counts = [0] * (len(names) + 1)
    for place in range(len(names) - length - 1, -1, -1):
        counts[place] = counts[place + 1] + 1 if names[place] == names[place + length] else 0
    return counts
