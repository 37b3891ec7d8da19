"""What was recorded, as an ordered list of named nodes: the common ground of everything that reads the record.

A Value only knows its own parents. Here the whole of what led to a Value is laid out in the order in which it was computed, every
node has a name of its own, and constants are nodes, too. This module knows nothing of derivatives, nor who reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from operator import attrgetter
from typing import Any

import numpy as np

from tinygrad_edu.engine.conversions import numbers_of
from tinygrad_edu.engine.state import Note
from tinygrad_edu.engine.value import Value
from tinygrad_edu.escaping import one_line
from tinygrad_edu.graph.reaching import reached
from tinygrad_edu.primitives.primitive import Primitive


class Kind(Enum):
    """What a node is: a leaf with a gradient, a leaf without, a number or array written into the formula, or a computed result."""

    PARAMETER = "parameter"
    DATA = "data"
    CONSTANT = "constant"
    RESULT = "result"


# What nameless nodes are called: the letter, and a number.
LETTERS = {Kind.PARAMETER: "p", Kind.DATA: "c", Kind.CONSTANT: "c", Kind.RESULT: "v"}


@dataclass(eq=False)
class Node:
    """A leaf, a constant, or a result with the operation that it came from. A result of constants with names is one, too.

    name: unlike that of any other node of the graph. A constant number is called what it is.
    is_named: whether the user chose the name.
    data: the numbers as they were when they were recorded.
    operands: what the operation was applied to, in order; empty for a leaf.
    value: the Value that was recorded, or None for a constant.
    consumers: the results that were computed from this one; one that uses it twice is listed twice.
    """

    kind: Kind
    data: Any
    value: Value | None = None
    operands: tuple[Node, ...] = ()
    name: str = ""
    is_named: bool = False
    consumers: list[Node] = field(default_factory=list)

    @property
    def primitive(self) -> Primitive:
        """The operation; only a result has one."""
        assert self.value is not None
        primitive = _made_of(self.value).primitive
        assert primitive is not None
        return primitive

    @property
    def params(self) -> Mapping[str, Any]:
        """The operation's other arguments."""
        return (_made_of(self.value).params if self.value is not None else None) or {}

    @property
    def requires_grad(self) -> bool:
        """Whether a gradient can reach it."""
        return self.value is not None and self.value.requires_grad

    @property
    def shape(self) -> tuple[int, ...]:
        """The lengths of the axes; empty for a single number."""
        return np.shape(self.data)

    @property
    def is_number(self) -> bool:
        """Whether it is a constant that can be written where it is used."""
        return self.kind is Kind.CONSTANT and np.ndim(self.data) == 0

    @property
    def is_real_number(self) -> bool:
        """Whether it is a single number, and none that is complex."""
        return self.shape == () and not np.iscomplexobj(self.data)

    @property
    def is_cut_off(self) -> bool:
        """Whether it counts as a constant although it was computed from something with a gradient."""
        return self.kind is Kind.DATA and self.value is not None and self.value.is_detached

    def __repr__(self) -> str:
        return f"<{self.kind.value} {self.name}>"


@dataclass(frozen=True, eq=False)
class Graph:
    """Everything that a Value was computed from.

    nodes: in the order of computation, so that a node comes after its operands.
    """

    nodes: Sequence[Node]

    @property
    def output(self) -> Node:
        """The last node, which everything else led to."""
        return self.nodes[-1]

    @property
    def results(self) -> Iterator[Node]:
        """The computed nodes, in order."""
        return (node for node in self.nodes if node.kind is Kind.RESULT)

    @property
    def parameters(self) -> Iterator[Node]:
        """The leaves that have a gradient, in the order of their making."""
        return (node for node in self.nodes if node.kind is Kind.PARAMETER)

    @property
    def leaves(self) -> Sequence[Node]:
        """What was given, those with a gradient first; without the numbers that are written where they are used."""
        given = [node for node in self.nodes if not node.operands and not node.is_number]
        return sorted(given, key=lambda node: node.kind is not Kind.PARAMETER)

    def number_first(self, shown: Callable[[Node], bool]) -> None:
        """Let the nameless results that are shown have the first numbers, so that there are no gaps between them."""
        nameless = [node for node in self.results if not node.is_named and node is not self.output]
        names = [node.name for node in nameless]
        for node, name in zip(sorted(nameless, key=lambda node: not shown(node)), names, strict=True):
            node.name = name

    @cached_property
    def node_of(self) -> Mapping[Value, Node]:
        """The node of each recorded Value."""
        return {node.value: node for node in self.nodes if node.value is not None}

    def __len__(self) -> int:
        return len(self.nodes)


def read_graph(
    output: Value,
    output_name: str = "L",
    printed: Callable[[str], str] = str,
    reserved: Iterable[str] = (),
    variables: Mapping[int, str] | None = None,
) -> Graph:
    """What `output` was computed from, constants included, as a graph.

    variables: for Values, by their serial numbers, the names of the variables that they are bound to, for those without a name.

    No two nodes have the same name, nor names of which `printed`, the way in which a reader prints names, makes the same. None is
    called as one of `reserved`, which the reader needs for something else.
    Work and memory grow linearly with the number of nodes, and nothing recurses, however deep the record is.

    >>> theta, x = Value(3.0, name="theta"), Value(2.0, name="x", requires_grad=False)
    >>> [node.name for node in read_graph((8.0 - theta * x) ** 2).nodes]
    ['theta', 'x', 'v1', '8', 'v2', '2', 'L']
    """
    values = sorted(reached([output], parents_of), key=attrgetter("serial"))
    node_of: dict[Value, Node] = {}
    nodes: list[Node] = []
    for value in values:
        operands = []
        made = _made_of(value)
        for parent, seen in zip(made.parents, made.inputs, strict=True):
            if parent is None:
                nodes.append(Node(Kind.CONSTANT, seen))
                operands.append(nodes[-1])
            else:
                operands.append(node_of[parent])
                if not operands[-1].operands:
                    operands[-1].data = seen  # a leaf may have been given new data since
        kind = Kind.RESULT if made.primitive is not None else Kind.PARAMETER if value.requires_grad else Kind.DATA
        node = Node(kind, numbers_of(value), value, tuple(operands))
        for operand in operands:
            operand.consumers.append(node)
        node_of[value] = node
        nodes.append(node)
    _name(nodes, output_name, variables or {}, _Names(printed, reserved))
    return Graph(nodes)


def parents_of(value: Value) -> Iterator[Value]:
    """The Values that a Value was computed from at once, without constants."""
    return (parent for parent in _made_of(value).parents if parent is not None)


def _made_of(value: Value) -> Value | Note:
    """What says how a Value was made: it says so itself, or a note of its constants does."""
    return value.parents if isinstance(value.parents, Note) else value


def _name(nodes: Sequence[Node], output_name: str, variables: Mapping[int, str], names: _Names) -> None:
    """Give every node a name of its own: the user's where there is one and it is not taken, else that of a variable, else a short
    one."""
    recorded = [(node, node.value) for node in nodes if node.value is not None]
    given = [(node, value.name) for node, value in recorded if value.name]
    bound = [(node, variables.get(value.serial)) for node, value in recorded if not value.name]
    for node, name in (*given, *bound):
        name = one_line(" ".join((name or "").split()))
        if name:
            node.is_named = True
            node.name = names.free(name)
    if not nodes[-1].name:
        nodes[-1].name = names.free(output_name)
    for node in nodes:
        if node.is_number:
            node.name = f"{np.asarray(node.data).item():.6g}"
        elif not node.name:
            node.name = names.free(LETTERS[node.kind], separator="", first=1)


class _Names:
    """Hands out names, each of them once: `h`, `h_2`, `h_3`."""

    def __init__(self, printed: Callable[[str], str], reserved: Iterable[str]) -> None:
        self._printed = printed
        self._taken = set(map(printed, reserved))
        self._last: dict[str, int] = {}

    def free(self, name: str, separator: str = "_", first: int = 2) -> str:
        """The name itself, or with the first number that makes it a new one."""
        found = name
        if first == 1 or self._printed(name) in self._taken:
            number = self._last.get(name + separator, first - 1) + 1
            while self._printed(found := f"{name}{separator}{number}") in self._taken:
                number += 1
            self._last[name + separator] = number
        self._taken.add(self._printed(found))
        return found
