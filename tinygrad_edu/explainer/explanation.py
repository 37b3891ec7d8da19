"""explain: how a gradient came about.

This module puts the reading together; what it looks like is up to its neighbours.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tinygrad_edu.engine.messages import described, shortened
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import DataError, GradientError, UnsupportedError
from tinygrad_edu.escaping import one_line
from tinygrad_edu.explainer import latex_form, text_form
from tinygrad_edu.explainer.chain import Explained
from tinygrad_edu.explainer.derivatives import named_graph
from tinygrad_edu.explainer.drawing import Drawing
from tinygrad_edu.explainer.listing import listing
from tinygrad_edu.explainer.notes import notes
from tinygrad_edu.explainer.page import page
from tinygrad_edu.explainer.printing import Printer
from tinygrad_edu.explainer.steps import steps
from tinygrad_edu.graph.graph import Graph, Node
from tinygrad_edu.graph.latex_notation import LATEX
from tinygrad_edu.graph.notation import Notation, name_latex, name_text
from tinygrad_edu.graph.text_notation import TEXT
from tinygrad_edu.saving import save

MOST_RESULTS = 60
"""Explanations of more operations than this are summaries, unless the whole is asked for."""
MOST_STEPS = 120
"""Pages of more operations than this are not made."""


def explain(loss: Value, wrt: Value | Iterable[Value] | None = None) -> Explanation:
    """Show how the gradient of a loss comes about: the chain rule, symbolic first and then in numbers.

    Parameters
    ----------
    loss: a single number that was computed from Values. It is not changed; no `.grad` is, either.
    wrt: the Value to differentiate with respect to, or several; a leaf, or an intermediate result. None: every parameter.

    Returns
    -------
    An `Explanation`: print it, or let a notebook show it as mathematics. Between single numbers it is the sum over all paths of the
    product of the derivatives along the path; for arrays a table with the rule of every operation; for very many operations a
    summary, with `.whole` for all of them.

    Raises
    ------
    GradientError: if `loss` is not a single real number, requires no gradient, or does not depend on `wrt`.
    DataError: if something is not a Value.
    InPlaceError: if a leaf was changed in place since it was recorded.

    >>> theta = Value(3.0, name="theta")
    >>> x, t = (Value(number, name=name, requires_grad=False) for number, name in [(2.0, "x"), (8.0, "t")])
    >>> y = (theta * x).named("y")
    >>> print(explain(0.5 * (t - y) ** 2))
    L = ½(t − y)² = 2
    y = θ·x = 6
    with θ = 3, x = 2, t = 8
    <BLANKLINE>
    dL/dθ = dL/d(t − y) · d(t − y)/dy · dy/dθ
          = (t − y) · (−1) · x
          = 2 · (−1) · 2
          = −4
    """
    _demand_value(loss, "the loss")
    if loss.size != 1 or loss.dtype.kind == "c":
        to_do = [] if loss.size == 1 else ["Reduce it first (.sum() or .mean()), or explain one element: explain(value[0])."]
        if loss.dtype.kind == "c":
            to_do.append("Of complex numbers explain the real part, the imaginary part or the length: np.real, np.imag, np.abs.")
        raise GradientError(
            f"explain tells the gradient of a single real number, but {described(loss)} has {loss.size} of dtype {loss.dtype}. "
            + " ".join(to_do)
        )
    if loss.primitive is None or not loss.requires_grad:
        why = "was given, not computed" if loss.primitive is None else "was computed from constants only"
        raise GradientError(
            f"there is no gradient to explain: {described(loss)} {why}. Compute it from parameters, "
            "Value(..., requires_grad=True), and outside of no_grad()."
        )
    graph = named_graph(loss, printed=name_latex)
    return Explanation(graph, _targets(graph, wrt))


def _demand_value(x: Any, what: str) -> None:
    if not isinstance(x, Value):
        raise DataError(
            f"{what} must be a Value, which remembers how it was made, but is {type(x).__name__}: {shortened(x)}. "
            "Compute it from Value(...) with the gradient in mind."
        )


def _targets(graph: Graph, wrt: Value | Iterable[Value] | None) -> list[Node]:
    if wrt is None:
        return list(graph.parameters)
    nodes = []
    for value in [wrt] if isinstance(wrt, Value) else wrt:
        _demand_value(value, "wrt")
        node = graph.node_of.get(value)
        if node is None:
            known = ", ".join(parameter.name for parameter in graph.parameters)
            raise GradientError(f"{graph.output.name} does not depend on {described(value)}. Its parameters are: {known}.")
        if not node.requires_grad:
            raise GradientError(f"{described(value)} is a constant here: make it with requires_grad=True to see its gradient.")
        nodes.append(node)
    return nodes


class Explanation(Explained):
    """How a gradient came about, to be read in a terminal, a notebook, a paper or a browser.

    >>> import tinygrad_edu as tg
    >>> explanation = tg.explain(tg.Value(3.0, name="x") ** 2)
    >>> str(explanation).splitlines()[0]
    'L = x² = 9'
    """

    def __init__(self, graph: Graph, targets: Sequence[Node], most_results: float = MOST_RESULTS) -> None:
        super().__init__(graph, targets, len(list(graph.results)) > most_results)

    @property
    def whole(self) -> Explanation:
        """The same with every operation, however many there are."""
        return Explanation(self.graph, self.targets, float("inf"))

    @property
    def notes(self) -> Iterator[str]:
        """Why some gradients are zero, and where derivatives do not exist."""
        return notes(self, self.printer(TEXT))

    def printer(self, notation: Notation) -> Printer:
        """What prints its parts in a notation."""
        return Printer(notation, self.graph, self.spelling)

    def __str__(self) -> str:
        return text_form.written(self, self.printer(TEXT), self.notes)

    def __repr__(self) -> str:
        return str(self)

    def to_latex(self) -> str:
        """The explanation as LaTeX, without the dollar signs around it: an `aligned` environment, or an `array` for arrays."""
        return latex_form.written(self, self.printer(LATEX))

    def _repr_latex_(self) -> str:
        return f"$$\n{self.to_latex()}\n$$"

    def to_html(self) -> str:
        """A page to step through: forward through the values, then backward along one edge after the other, beside the NumPy
        source of the gradient with the present line lit. One file of HTML that needs nothing else. (A graph that cannot be
        compiled, as where a rule asks for numbers, has a page without source.)

        Raises
        ------
        UnsupportedError: if there are more operations than anybody would step through.
        MissingExtraError: if pygraphviz, which lays out the picture, is not installed.
        """
        count = sum(1 for _ in self.graph.results)
        if count > MOST_STEPS:
            raise UnsupportedError(
                f"a page to step through shows at most {MOST_STEPS} operations, but {self.graph.output.name} took {count}. "
                "Print the explanation for a summary, or explain a smaller example of the same computation."
            )
        drawing, printer = Drawing(self.graph, self.backward), self.printer(TEXT)
        nodes = [
            {
                "id": f"n{number}",
                "name": "" if node.is_number else printer.node(node),
                "hasGradient": node in drawing.gradient_of,
            }
            for number, node in enumerate(self.graph.nodes)
        ]
        title = f"{name_text(self.graph.output.name)} = {printer.definition(self.graph.output)}"
        source = listing(self.backward)
        facts = {
            "title": title,
            "nodes": nodes,
            "steps": list(steps(self.backward, printer, source)),
            "source": list(map(one_line, source.lines)) if source else [],
        }
        return page("steps", title, facts, drawing.svg)

    def save(self, path: str | Path) -> Path:
        """Write the page of `to_html` to a file (.html), or the formulas (.tex), or the text (.txt), whole or not at all.
        Returns the path."""
        return save(path, "an explanation", {".html": self.to_html, ".tex": self.to_latex, ".txt": self.__str__})
