"""What all that is printed has in common, in whatever notation: nodes, derivatives as quotients, and products of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

from tinygrad_edu.explainer.chain import Derivation, Link, Spelling
from tinygrad_edu.explainer.derivatives import Edge
from tinygrad_edu.graph.collecting import collected
from tinygrad_edu.graph.graph import Graph, Node
from tinygrad_edu.graph.notation import COMPARISON, PRODUCT, SUM, Notation
from tinygrad_edu.graph.terms import Applied, Term
from tinygrad_edu.primitives import arithmetic

MOST_ROWS = 12
"""Of more things than this only the first are shown."""


@dataclass(frozen=True)
class Printer:
    """Prints a graph and what is known of its derivatives in a notation, with some results written out as a spelling says."""

    notation: Notation
    graph: Graph
    spelling: Spelling
    lang: str = "en"
    _printed: dict[Node, str] = field(default_factory=dict)

    def say(self, english: str, chinese: str) -> str:
        """The same words in the language that is asked for."""
        return chinese if self.lang == "zh" else english

    def listed(self, parts: Sequence[str], either: bool = False) -> str:
        """`a, b and c`, or `a, b or c`; of very many only the first."""
        if len(parts) > MOST_ROWS:
            more = len(parts) - MOST_ROWS
            parts = [*parts[:MOST_ROWS], self.say(f"{more:,} more", f"另外 {more:,} 个")]
        joint = self.say(" or " if either else " and ", " 或 " if either else " 和 ")
        return joint.join(part for part in (self.say(", ", "、").join(parts[:-1]), parts[-1]) if part)

    def node(self, node: Node) -> str:
        """A node as it is written where it is used."""
        if node not in self._printed:
            self._printed[node] = self.notation.term(self.spelling.of(node), COMPARISON)
        return self._printed[node]

    def definition(self, node: Node) -> str:
        """What a result is computed by."""
        return self.notation.term(self.spelling.definition(node), COMPARISON)

    def shown(self, node: Node) -> str:
        """A result with its formula: `y = θ·x`, or the formula alone where that is all that is shown of it."""
        form = self.definition(node)
        return form if self.spelling.is_written_out(node) else f"{self.notation.name(node.name)} = {form}"

    def formula(self, term: Term, least: int = COMPARISON) -> str:
        """A formula in the names of nodes."""
        return self.notation.term(self.spelling.written(term), least)

    def quotient(self, of: Node, wrt: Node, d: str = "") -> str:
        """`dL/d(t − y)`."""
        d = d or self.notation.d
        return self.notation.quotient.format(d + self._differentiated(of), d + self._differentiated(wrt))

    def gradient(self, node: Node) -> str:
        """`dL/dx`: what the gradient of the output with respect to a node is called."""
        return self.quotient(self.graph.output, node)

    def _differentiated(self, node: Node) -> str:
        form = self.node(node)
        is_formula = self.spelling.is_written_out(node) or self.notation.partial in form
        return self.notation.brackets.format(form) if is_formula else form

    def number(self, gradient: Any) -> str:
        """A gradient, which is 0 where there is none."""
        return self.notation.array(0.0 if gradient is None else gradient)

    def factors(self, path: Sequence[Link], is_partial: bool) -> tuple[str, str, str]:
        """A product as quotients, as formulas, and in numbers. For one factor alone the quotient would be what is to be found."""
        d = self.notation.partial if is_partial else self.notation.d
        quotients = self.notation.times.join(self.quotient(link.of, link.wrt, d) for link in path)
        if len(path) == 1:
            (link,) = path
            return quotients if is_partial else "", self.formula(link.term, SUM), self.notation.number(link.number)
        terms = [self.formula(link.term, PRODUCT) for link in path]
        return quotients, self.notation.product(terms), self.notation.product([self.notation.number(link.number) for link in path])

    def collected(self, found: Derivation) -> Iterator[str]:
        """The sum over several paths, simpler: with like terms collected, and what they have in common before the brackets."""
        if found.paths is not None and len(found.paths) > 1:
            products = [reduce(_times, (self.spelling.written(link.term) for link in path)) for path in found.paths]
            yield from (self.notation.term(term, COMPARISON) for term in collected(reduce(_plus, products)))

    def local_derivative(self, edge: Edge, least: int = COMPARISON) -> str:
        """The local derivative between real numbers as a formula, or as a number where there is no telling formula."""
        if edge.local_term is None or edge.ignores_gradient:
            return self.notation.number(edge.local_derivative)
        return self.formula(edge.local_term, least)

    def definitions(self) -> Iterator[tuple[str, str, str]]:
        """The results that are not written out, the last one first: what they are called, computed by, and come to."""
        for node in reversed(list(self.graph.results)):
            if not self.spelling.is_written_out(node):
                yield self.notation.name(node.name), self.definition(node), self.notation.array(node.data)

    def given(self) -> Iterator[tuple[str, str]]:
        """The leaves, those with a gradient first, and their numbers."""
        for node in self.graph.leaves:
            yield self.notation.name(node.name), self.notation.array(node.data)


def _times(a: Term, b: Term) -> Term:
    return Applied(arithmetic.multiply, (a, b))


def _plus(a: Term, b: Term) -> Term:
    return Applied(arithmetic.add, (a, b))
