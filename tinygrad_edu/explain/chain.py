"""The chain rule between single numbers, as one derives it by hand: a sum over paths of a product of factors.

A path leads from station to station. A station is what a reader wants to see: what has a name, what is used more than once, and
what enters its consumer in any way but by a constant factor. So ½(t − y)² is one step away from t − y, not three.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import Any

import numpy as np

from tinygrad_edu.explain.derivatives import BackwardPass, Edge, Passing
from tinygrad_edu.explain.terms import Applied, Literal, Product, Symbol, Term, definition, product, term_of
from tinygrad_edu.graph import Graph, Kind, Node
from tinygrad_edu.primitives import arithmetic

MOST_PATHS = 6
"""More paths than this are not written out: a table of contributions says as much."""
MOST_LINKS = 12
"""A path with more factors than this is not read by anybody."""
_MOST_DETOURS = 64  # more ways than this, even between the same stations, are not searched through
_LONGEST_FORMULA = 7


class Spelling:
    """Which results are written as a formula where they are used, and which by their name.

    A nameless result that is used once is written out, as long as the formula stays short.
    """

    def __init__(self, graph: Graph) -> None:
        self._formulas: dict[str, Term] = {}
        sizes: dict[Node, int] = {}
        for node in graph.results:
            size = 1 + sum(sizes.get(operand, 1) for operand in node.operands)
            if not node.is_named and len(node.consumers) == 1 and size <= _LONGEST_FORMULA:
                self._formulas[node.name] = self.written(definition(node))
                sizes[node] = size

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
        if isinstance(term, Symbol):
            return self._formulas.get(term.name, term)
        if isinstance(term, Applied):
            return Applied(term.primitive, tuple(map(self.written, term.operands)), term.params)
        return term


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
        return float(sum(np.prod([edge.local_derivative for edge in strand]) for strand in self.strands))

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


def derive(backward: BackwardPass, node: Node) -> Derivation:
    """Find the paths from the output to a node, and their factors."""
    behind = _nodes_above(backward, node)
    counts = {node: 1}
    lengths = {node: 0}
    for edge in reversed(backward.edges):  # from the leaves upward
        if edge.operand in counts and _passes(edge):
            counts[edge.result] = counts.get(edge.result, 0) + counts[edge.operand]
            lengths[edge.result] = max(lengths.get(edge.result, 0), lengths[edge.operand] + 1)
    count = counts.get(backward.graph.output, 0)
    between_numbers = all(above.shape == () and not np.iscomplexobj(above.data) for above in behind)
    paths = None
    if between_numbers and count <= _MOST_DETOURS and lengths.get(backward.graph.output, 0) <= 4 * MOST_LINKS:
        found = _by_station(map(_stretches, _edge_paths(backward, node, counts)))
        if len(found) <= MOST_PATHS and all(len(path) <= MOST_LINKS for path in found):
            paths = found
    return Derivation(node, backward.gradient_of.get(node), count, paths, backward.contributions(node))


def _passes(edge: Edge) -> bool:
    return edge.contribution is not None and edge.passing is not Passing.ALWAYS_ZERO


def _nodes_above(backward: BackwardPass, node: Node) -> set[Node]:
    """The nodes on all paths from the output to the given one, including both."""
    found = {node}
    to_visit = [node]
    for visited in to_visit:  # which grows while it is walked
        for edge in backward.contributions(visited):
            if edge.result not in found:
                found.add(edge.result)
                to_visit.append(edge.result)
    return found


def _edge_paths(backward: BackwardPass, node: Node, counts: Mapping[Node, int]) -> Iterator[list[Edge]]:
    """Every path as its edges, output first."""
    edges_from: dict[Node, list[Edge]] = {}
    for edge in backward.edges:
        if edge.operand in counts and _passes(edge):
            edges_from.setdefault(edge.result, []).append(edge)
    unfinished: list[list[Edge]] = [[edge] for edge in reversed(edges_from.get(backward.graph.output, []))]
    while unfinished:
        path = unfinished.pop()
        if path[-1].operand is node:
            yield path
        else:
            unfinished.extend([*path, edge] for edge in reversed(edges_from[path[-1].operand]))


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
