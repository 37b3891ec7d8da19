"""The chain rule between single numbers, as one derives it by hand: a sum over paths of a product of factors.

A path leads from station to station. A station is what a reader wants to see: what has a name, what is used more than once, and
what enters its consumer in any way but by a constant factor. So ½(t − y)² is one step away from t − y, not three.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import Any

from tinygrad_edu.explainer.derivatives import BackwardPass, Edge, Passing
from tinygrad_edu.graph.graph import Graph, Kind, Node
from tinygrad_edu.graph.reaching import reached
from tinygrad_edu.graph.terms import Applied, Literal, Product, Term, definition, product, substituted, term_of
from tinygrad_edu.primitives import arithmetic

MOST_PATHS = 6
"""More paths than this are not written out: a table of contributions says as much."""
MOST_LINKS = 12
"""A path with more factors than this is not read by anybody."""
MOST_COUNTED = 10**1000
"""More paths than this are not counted: the numbers themselves would take more memory than the graph."""
_MOST_DETOURS = 64  # more ways than this, even between the same stations, are not searched through
_LONGEST_FORMULA = 7


class Spelling:
    """Which results are written as a formula where they are used, and which by their name.

    A nameless result that is used once is written out, as long as the formula stays short and is that of no other one.
    """

    def __init__(self, graph: Graph) -> None:
        by_name: set[Node] = set()
        self._formulas: dict[str, Term] = {}
        while alike := self._write_out(graph, by_name):
            by_name |= alike
        self._graph, self._by_name = graph, by_name

    def numbered(self) -> Spelling:
        """The same, after those that are not written out have been numbered first: for whoever shows no others by name."""
        self._graph.number_first(lambda node: not self.is_written_out(node))
        self._write_out(self._graph, self._by_name)
        return self

    def _write_out(self, graph: Graph, by_name: set[Node]) -> set[Node]:
        """Write out what may be, but for the given nodes. Returns the nodes that cannot be told apart by their formulas."""
        self._formulas.clear()
        sizes: dict[Node, int] = {}
        forms: dict[Node, Any] = {}
        with_form: dict[Any, list[Node]] = {}
        for node in graph.results:
            size = 1 + sum(sizes.get(operand, 1) for operand in node.operands)
            if node.is_named or node in by_name or len(node.consumers) != 1 or size > _LONGEST_FORMULA:
                continue
            self._formulas[node.name] = self.written(definition(node))
            sizes[node] = size
            forms[node] = (node.primitive, repr(node.params), *(forms.get(operand, operand.name) for operand in node.operands))
            with_form.setdefault(forms[node], []).append(node)
        return {node for alike in with_form.values() if len(alike) > 1 for node in alike}

    def is_written_out(self, node: Node) -> bool:
        """Whether the node stands as a formula in other formulas, and needs no line of its own."""
        return node.name in self._formulas

    def of(self, node: Node) -> Term:
        """A node as it is written where it is used."""
        return self.written(term_of(node))

    def definition(self, node: Node) -> Term:
        """What a result is computed by."""
        return self.written(definition(node))

    def written(self, term: Term) -> Term:
        """The term with formulas in the place of those names that are written out."""
        return substituted(term, self._formulas)


@dataclass(frozen=True, eq=False)
class Link:
    """One factor of a path: the derivative of one station with respect to the next.

    strands: the ways from one to the other, each with its edges from the output downward. Usually there is one; the derivative is
        the sum over all of them.
    """

    strands: Sequence[Sequence[Edge]]

    @property
    def of(self) -> Node:
        """The station nearer to the output, which is differentiated."""
        return self.strands[0][0].result

    @property
    def wrt(self) -> Node:
        """The station that it is differentiated with respect to."""
        return self.strands[0][-1].operand

    @cached_property
    def number(self) -> float:
        """The factor as a number."""
        return float(sum(math.prod(edge.local_derivative for edge in strand) for strand in self.strands))

    @cached_property
    def term(self) -> Term:
        """The factor as a formula; a number, where a rule cannot be read."""
        terms = [_strand_term(strand) for strand in self.strands]
        readable = [term for term in terms if term is not None]
        if len(readable) < len(terms):
            return Literal(self.number)
        return reduce(lambda a, b: Applied(arithmetic.add, (a, b)), readable)


def _strand_term(strand: Sequence[Edge]) -> Term | None:
    terms = [edge.local_term for edge in strand]
    readable = [term for term in terms if term is not None]
    return reduce(Product.times, map(product, readable)).term if len(readable) == len(terms) else None


@dataclass(frozen=True, eq=False)
class Derivation:
    """How the derivative of the output with respect to one node comes about.

    node, gradient: with respect to what, and what it is.
    path_count: how many paths lead from the output to the node, apart from those that end where a derivative is zero everywhere.
    paths: these paths, each a sequence of links, if they are few and short and go from number to number; else None. Paths that
        halt at the same stations count as one here.
    contributions: the last edges of all paths; the sum of what they contribute is the gradient.
    """

    node: Node
    gradient: Any
    path_count: int
    paths: Sequence[Sequence[Link]] | None
    contributions: Sequence[Edge]


class Paths:
    """The paths from the output of a graph to its nodes. They are counted once, for all of them.

    counts: for each node how many paths lead to it, apart from those that end where a derivative is zero everywhere.
    """

    def __init__(self, backward: BackwardPass) -> None:
        self._backward = backward
        self.counts = {backward.graph.output: 1}
        self._lengths = {backward.graph.output: 0}
        self._are_of_numbers = {backward.graph.output: self._is_real_number(backward.graph.output)}
        for edge in backward.edges:  # from the output downward
            if _passes(edge) and edge.result in self.counts:
                operand, result = edge.operand, edge.result
                self.counts[operand] = min(self.counts.get(operand, 0) + self.counts[result], MOST_COUNTED)
                self._lengths[operand] = max(self._lengths.get(operand, 0), self._lengths[result] + 1)
                before = self._are_of_numbers.get(operand, self._is_real_number(operand))
                self._are_of_numbers[operand] = before and self._are_of_numbers[result]

    def _is_real_number(self, node: Node) -> bool:
        """Whether derivatives can be multiplied at a node: it is a real number, and no hook changed its gradient."""
        return node.is_real_number and not self._backward.is_changed(node)

    def derivation(self, node: Node) -> Derivation:
        """The paths to a node, and their factors."""
        backward, count = self._backward, self.counts.get(node, 0)
        paths = None
        if count <= _MOST_DETOURS and self._lengths.get(node, 0) <= 4 * MOST_LINKS and self._are_of_numbers.get(node, True):
            found = _by_station(map(_stretches, self._edge_paths(node)))
            if len(found) <= MOST_PATHS and all(len(path) <= MOST_LINKS for path in found):
                paths = found
        return Derivation(node, backward.gradient_of.get(node), count, paths, backward.contributions(node))

    def _edge_paths(self, node: Node) -> Iterator[list[Edge]]:
        """Every path as its edges, output first."""
        edges_from: dict[Node, list[Edge]] = {}
        for later in reached([node], lambda node: (edge.result for edge in self._arriving(node))):
            for edge in self._arriving(later):
                edges_from.setdefault(edge.result, []).append(edge)
        first = _last_position_first(edges_from.get(self._backward.graph.output, []))
        unfinished = [[edge] for edge in first]
        while unfinished:
            path = unfinished.pop()
            if path[-1].operand is node:
                yield path
            else:
                unfinished.extend([*path, edge] for edge in _last_position_first(edges_from[path[-1].operand]))

    def _arriving(self, node: Node) -> list[Edge]:
        """The edges by which paths come to a node."""
        return [edge for edge in self._backward.contributions(node) if _passes(edge) and edge.result in self.counts]


def _last_position_first(edges: Iterable[Edge]) -> list[Edge]:
    return sorted(edges, key=lambda edge: -edge.position)


def _passes(edge: Edge) -> bool:
    return edge.contribution is not None and edge.passing not in (Passing.ALWAYS_ZERO, Passing.NOT_CHOSEN)


def _stretches(path: Sequence[Edge]) -> list[list[Edge]]:
    """The edges of a path, from station to station."""
    stretches: list[list[Edge]] = [[]]
    for edge in path:
        stretches[-1].append(edge)
        if _is_station(edge):
            stretches.append([])
    return stretches[:-1] if not stretches[-1] else stretches


def _by_station(paths: Iterable[list[list[Edge]]]) -> list[list[Link]]:
    """Paths that halt at the same stations become one, with several strands wherever they go different ways in between."""
    strands: dict[tuple[Node, ...], list[dict[tuple[Edge, ...], None]]] = {}
    for path in paths:
        stations = tuple(stretch[-1].operand for stretch in path)
        for stretch, known in zip(path, strands.setdefault(stations, [{} for _ in path]), strict=True):
            known[tuple(stretch)] = None
    return [[Link(list(known)) for known in links] for links in strands.values()]


def _is_station(edge: Edge) -> bool:
    """Whether a path halts at the operand of this edge."""
    operand = edge.operand
    if operand.kind is not Kind.RESULT or operand.is_named or len(operand.consumers) != 1:
        return True
    return not isinstance(edge.local_term, Literal)
