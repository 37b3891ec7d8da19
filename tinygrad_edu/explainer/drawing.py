"""draw: the recorded graph as a picture, in the languages that programs for pictures read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_edu.engine.messages import cut, shortened
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import DataError
from tinygrad_edu.escaping import in_dot, in_mermaid
from tinygrad_edu.explainer import layout
from tinygrad_edu.explainer.chain import Spelling
from tinygrad_edu.explainer.derivatives import BackwardPass, Edge, Sight, StepBack, named_graph, read_backward
from tinygrad_edu.explainer.printing import Printer
from tinygrad_edu.explainer.repetition import repetitions
from tinygrad_edu.graph.graph import Graph, Kind, Node
from tinygrad_edu.graph.notation import COMPARISON, PRODUCT, array_text, name_text, number_text
from tinygrad_edu.graph.text_notation import TEXT
from tinygrad_edu.graph.variables import names_around
from tinygrad_edu.saving import save

_LONGEST_RULE = 40
_MOST_NUMBERS = 8  # of a larger array only the shape is shown
_LARGE = 150
_MOST_ARROWS = 3  # a leaf that more operations use is drawn beside each of them: long arrows are hard to follow, and to lay out


def draw(value: Value) -> Drawing:
    """The graph of what a Value was computed from, as a picture.

    What has no name is called as the variable that it is bound to where `draw` is called.
    Each node shows its formula and its numbers, and after `backward()` the gradient of `value` with respect to it. Each arrow on
    which a gradient passes back shows the local derivative: between single numbers the derivative, for arrays the rule that turns
    the gradient `g` of the result into that of the operand. Parameters have round corners, data are ellipses, constants have no
    border, results are boxes, and the last result has a double one. A leaf that many operations use is drawn beside each of them.
    Layers, and the rounds of a loop, are framed and counted.

    Parameters
    ----------
    value: any Value, of any shape. Pictures of some hundreds of nodes take seconds, of thousands minutes.

    Returns
    -------
    A `Drawing`: notebooks show it; `.save("graph.svg")` or `"graph.png"` writes it; `.dot` and `.mermaid` are plain texts.
    Long names and formulas are shortened.

    Raises
    ------
    DataError: if `value` is not a Value.

    >>> theta = Value(3.0, name="theta")
    >>> print(draw((2.0 * theta).named("y")).mermaid)
    flowchart TD
      n0(["θ = 3"])
      n1["2"]:::constant
      n2[["y = 2·θ = 6"]]
      n1 --- n2
      n0 -->|"2"| n2
    """
    if not isinstance(value, Value):
        raise DataError(
            f"only a Value remembers how it was made and can be drawn, but got {type(value).__name__}: {shortened(value)}."
        )
    return Drawing(named_graph(value, name_text, names_around()))


class Drawing:
    """A picture of a graph; with the gradients of a backward pass, if there has been one.

    >>> import tinygrad_edu as tg
    >>> tg.draw((tg.Value(3.0, name="x") * 2.0).named("y"))
    <Drawing of y: 3 nodes>
    """

    def __init__(self, graph: Graph, backward: BackwardPass | None = None) -> None:
        self.graph = graph
        self._printer = Printer(TEXT, graph, Spelling(graph) if backward else Spelling(graph).numbered())
        self._known_backward = backward

    def __repr__(self) -> str:
        return f"<Drawing of {cut(name_text(self.graph.output.name))}: {len(self.graph)} nodes>"

    @cached_property
    def _backward(self) -> BackwardPass | None:
        """The backward pass to show: none before there was one, nor of what is not a single number."""
        if self._known_backward:
            return self._known_backward
        output = self.graph.output
        there_was_one = any(node.value is not None and node.value.grad is not None for node in self.graph.parameters)
        can_be = output.requires_grad and output.operands and np.size(output.data) == 1
        return read_backward(self.graph) if there_was_one and can_be else None

    @property
    def gradient_of(self) -> Mapping[Node, Any]:
        """The gradients to show."""
        return self._backward.gradient_of if self._backward else {}

    def _sights(self, node: Node) -> Sequence[Sight]:
        """What hooks saw of the gradient of a node."""
        return self._backward.sights.get(node, ()) if self._backward else ()

    @cached_property
    def _edges(self) -> Mapping[Node, Sequence[Edge]]:
        """For each result the edges to its operands."""
        passed = {(edge.result, edge.position): edge for edge in (self._backward.edges if self._backward else ())}
        edges: dict[Node, Sequence[Edge]] = {}
        for node in self.graph.results:
            step = StepBack(node)
            edges[node] = [passed.get((node, position)) or Edge(step, position) for position in range(len(node.operands))]
        return edges

    @cached_property
    def dot(self) -> str:
        """The picture in Graphviz's language."""
        # In large graphs Graphviz would spend minutes on beautiful curves.
        haste = ", splines=line, nslimit=0.5, nslimit1=0.5, mclimit=0.1" if len(self.graph) > _LARGE else ""
        lines = [
            "digraph {",
            f'  graph [rankdir=TB, bgcolor="transparent", class="tinygrad", nodesep=0.35, ranksep=0.3{haste}]',
            '  node [fontname="Helvetica,Arial,sans-serif", fontsize=12, shape=box, style=filled, margin="0.16,0.08"]',
            '  edge [fontname="Helvetica,Arial,sans-serif", fontsize=11, color="#6b7280", fontcolor="#4b5563", arrowsize=0.7]',
        ]
        for name, node in self._drawn():
            label = "\\n".join(map(in_dot, self._label(node)))
            lines.append(f'  {name} [id="{name}", label="{label}", {_SHAPES[self._role(node)]}, class="{self._role(node)}"]')
        frame_of: dict[str, int] = {}
        for number, (title, members) in enumerate(self._groups()):
            frame_of |= dict.fromkeys(members, number)
            lines.append(f'  subgraph cluster_{number} {{ graph [label="{title}", {_ROUND}]; {"; ".join(members)} }}')
        for start, end, name, label, passes in self._arrows():
            marks = f'label=" {in_dot(label)} "' if label else 'label=""'
            style = "" if passes else ", style=dashed"
            if frame_of.get(start) != frame_of.get(end) and end in frame_of:
                style += ", minlen=2"  # room for the leaves of a frame, so that frames stand below one another
            lines.append(f'  {start} -> {end} [id="{name}", {marks}, class="{"passes" if passes else "constant"}"{style}]')
        return "\n".join([*lines, "}"])

    @cached_property
    def mermaid(self) -> str:
        """The picture as a Mermaid flow chart, which GitHub and many notebooks show.

        By its own settings Mermaid refuses texts of more than 50,000 characters and charts of more than 500 arrows; who runs it can
        raise `maxTextSize` and `maxEdges`.
        """
        lines = ["flowchart TD"]
        for name, node in self._drawn():
            label = "<br/>".join(map(in_mermaid, self._label(node)))
            opening, closing, style = _BRACKETS[self._role(node)]
            lines.append(f'  {name}{opening}"{label}"{closing}{style}')
        for number, (title, members) in enumerate(self._groups()):
            lines += [f'  subgraph g{number}["{title}"]', *(f"    {name}" for name in members), "  end"]
        for start, end, _, label, passes in self._arrows():
            arrow = f'-->|"{in_mermaid(label)}"|' if label else "-->" if passes else "---"
            lines.append(f"  {start} {arrow} {end}")
        return "\n".join(lines)

    @cached_property
    def svg(self) -> str:
        """The picture as an SVG element, which takes the colour of its words from the page that it stands in. As a file of its own
        it is dark on light or light on dark, as the system is."""
        return layout.svg(self.dot, files(__package__).joinpath("assets", "graph.css").read_text("utf-8"))

    def _repr_svg_(self) -> str:
        return self.svg

    def _repr_html_(self) -> str:
        # As part of the notebook's page, and not as an image, it knows the colours there, and how much room there is.
        return f'<div style="overflow-x: auto">{self.svg}</div>'

    def save(self, path: str | Path) -> Path:
        """Write the picture to a file, as its suffix says: .svg, .png, .dot, or .mmd for Mermaid. It is written whole or not at
        all. Returns the path.

        Raises
        ------
        DataError: if the suffix says something else.
        UnsupportedError: if the picture is too long for a .png.
        MissingExtraError: if pygraphviz, which lays out pictures, is not installed.
        """
        return save(
            path,
            "a picture",
            {
                ".svg": lambda: self.svg,
                ".png": lambda: layout.png(self.dot),
                ".dot": lambda: self.dot,
                ".mmd": lambda: self.mermaid,
            },
        )

    def _role(self, node: Node) -> str:
        return "output" if node is self.graph.output and node.operands else node.kind.value

    def _label(self, node: Node) -> Iterator[str]:
        """The lines in a node."""
        if node.is_number:
            yield name_text(node.name)
            return
        if node.kind is not Kind.RESULT and np.size(node.data) > _MOST_NUMBERS:
            yield cut(name_text(node.name))
            yield brief(node.data)
        else:
            yield from self._formula(node)
        if node in self.gradient_of:
            yield f"gradient {brief(self.gradient_of[node])}"
            yield from (f"{cut(sight.hook.name)}: {brief(sight.seen)} ↦ {brief(sight.passed)}" for sight in self._sights(node))

    def _formula(self, node: Node) -> Iterator[str]:
        form = array_text(node.data)
        if node.kind is Kind.RESULT:
            made = cut(self._printer.definition(node))
            form = f"{made} = {form}" if node.shape == () else made
        elif len(node.shape) == 2:
            form = form.replace("], ", "],\n")  # the rows of a matrix below one another
        whole = form if self._printer.spelling.is_written_out(node) else f"{cut(name_text(node.name))} = {form}"
        yield from whole.split("\n")
        if node.kind is Kind.RESULT and node.shape != ():
            yield brief(node.data)

    @cached_property
    def _numbers(self) -> Mapping[Node, int]:
        return {node: number for number, node in enumerate(self.graph.nodes)}

    def _name(self, node: Node) -> str:
        return f"n{self._numbers[node]}"

    def _edge_name(self, edge: Edge) -> str:
        return f"e{self._numbers[edge.result]}_{edge.position}"

    def _start(self, edge: Edge) -> str:
        """What is drawn where an edge begins."""
        name = self._name(edge.operand)
        return f"{name}_{self._edge_name(edge)}" if _is_copied(edge.operand) else name

    def _drawn(self) -> Iterator[tuple[str, Node]]:
        """Everything that is drawn, with its name."""
        for node in self.graph.nodes:
            yield from ((self._start(edge), edge.operand) for edge in self._edges.get(node, ()) if _is_copied(edge.operand))
            if not _is_copied(node):
                yield self._name(node), node

    def _groups(self) -> Iterator[tuple[str, list[str]]]:
        """The rounds of repeated structure: a title, and the names of what is drawn together, leaves that only it uses included."""
        for rounds in repetitions(list(self.graph.results)):
            for number, part in enumerate(rounds, 1):
                members = dict.fromkeys(map(self._name, part))
                for edge in (edge for node in part for edge in self._edges[node]):
                    leaf = edge.operand
                    if not leaf.operands and (_is_copied(leaf) or set(part).issuperset(leaf.consumers)):
                        members[self._start(edge)] = None
                yield f"{number} / {len(rounds)}", list(members)

    def _arrows(self) -> Iterator[tuple[str, str, str, str, bool]]:
        """From which node to which, its name, its label, and whether a gradient passes back on it."""
        for edge in (edge for edges in self._edges.values() for edge in edges):
            label = self._local(edge) if edge.operand.requires_grad else ""
            passes = bool(label) and not edge.ignores_gradient
            yield self._start(edge), self._name(edge.result), self._edge_name(edge), label, passes

    def _local(self, edge: Edge) -> str:
        """The local derivative."""
        if edge.ignores_gradient:
            return "0"
        if edge.result.shape == edge.operand.shape == () and not np.iscomplexobj(edge.result.data):
            number = number_text(edge.local_derivative)
            form = number if edge.local_term is None else self._printer.formula(edge.local_term)
            return number if form == number or len(form) > _LONGEST_RULE else f"{form} = {number}"
        if edge.rule is None:
            return _unread(edge)
        rule = self._printer.formula(edge.rule, PRODUCT if edge.summed_axes else COMPARISON)
        rule = f"Σ {rule}" if edge.summed_axes else rule
        return rule if len(rule) <= _LONGEST_RULE else _unread(edge)


def _is_copied(node: Node) -> bool:
    """Whether a leaf is drawn beside each operation that uses it."""
    return not node.operands and len(node.consumers) > _MOST_ARROWS


def _unread(edge: Edge) -> str:
    return cut(f"d_{edge.result.primitive.name}")


def brief(data: Any) -> str:
    """What fits into a node: a few numbers, or the shape of many, in no language: the picture is on pages in several."""
    return array_text(data) if np.size(data) <= 4 else f"[…] {np.shape(data)}"


_SHAPES = {
    "parameter": 'style="filled,rounded", penwidth=2, color="#1d4ed8", fillcolor="#dbeafe", fontcolor="#0b1b45"',
    "data": 'shape=ellipse, color="#15803d", fillcolor="#dcfce7", fontcolor="#052e16"',
    "constant": 'penwidth=0, fillcolor="#e5e7eb", fontcolor="#1f2937"',
    "result": 'color="#6b7280", fillcolor="#ffffff", fontcolor="#111827"',
    "output": 'peripheries=2, color="#b45309", fillcolor="#fef3c7", fontcolor="#451a03"',
}
_ROUND = (
    'labeljust=l, class="round", style="rounded,dashed", color="#9ca3af", fontcolor="#4b5563", fontsize=11, '
    'fontname="Helvetica,Arial,sans-serif"'
)
_BRACKETS = {
    "parameter": ("([", "])", ""),
    "data": ("((", "))", ""),
    "constant": ("[", "]", ":::constant"),
    "result": ("[", "]", ""),
    "output": ("[[", "]]", ""),
}
