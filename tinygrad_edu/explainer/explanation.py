"""explain: how a gradient came about.

This module puts the reading together; what it looks like is up to its neighbours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from tinygrad_edu.engine.arguments import number
from tinygrad_edu.engine.messages import described, name_of, shortened
from tinygrad_edu.engine.mode import InMode, Watch
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import DataError, GradientError, UnsupportedError
from tinygrad_edu.escaping import one_line
from tinygrad_edu.explainer import latex_form, text_form
from tinygrad_edu.explainer.derivatives import named_graph
from tinygrad_edu.explainer.drawing import Drawing
from tinygrad_edu.explainer.explained import Explained
from tinygrad_edu.explainer.listing import listing, unwritten
from tinygrad_edu.explainer.notes import notes
from tinygrad_edu.explainer.page import Page
from tinygrad_edu.explainer.printing import Printer
from tinygrad_edu.explainer.steps import steps
from tinygrad_edu.graph.graph import Graph, Node
from tinygrad_edu.graph.latex_notation import LATEX
from tinygrad_edu.graph.lines import Origin, codes_of, source_of
from tinygrad_edu.graph.mathml_notation import MATHML, mathml
from tinygrad_edu.graph.notation import Notation, name_latex, name_text
from tinygrad_edu.graph.text_notation import TEXT
from tinygrad_edu.graph.variables import Users, Variables, names_around
from tinygrad_edu.languages import Language, check_language
from tinygrad_edu.saving import save
from tinygrad_edu.transforms.tracing import Trace, parameter_names, traced
from tinygrad_edu.transforms.trees import tree_map_named

Wanted = Value | str
"""What to differentiate with respect to: a Value, or what it is called."""

MOST_RESULTS = 60
"""Explanations of more operations than this are summaries, unless the whole is asked for."""
MOST_STEPS = 120
"""Pages of more operations than this are not made."""


def explain(
    loss: Value | Callable[..., Any],
    *args: Any,
    wrt: Wanted | Iterable[Wanted] | None = None,
    via: Wanted | Iterable[Wanted] = (),
    lang: Language | None = None,
) -> Explanation:
    """Show how the gradient of a loss comes about: the chain rule, symbolic first and then in numbers.

    Parameters
    ----------
    loss: a single number that was computed from Values. It is not changed; no `.grad` is, either. What has no name is called as the
        variable that it is bound to, where `explain` is called. Or a function that computes one: it is explained at `args`.
    args: what the function is called with: numbers, arrays, or trees of them. They are called what its parameters are called.
        As for `tg.grad`, what it is differentiated with respect to is the first one; other numbers are constants. (Where the
        function needs a whole number as it is, for a count or an axis, it is called once more, with whole numbers as they are.)
    wrt: the Value to differentiate with respect to, or its name, or several; a leaf, or an intermediate result. Of a function, a
        parameter's name means all of an argument. None: every parameter; of a function, the first argument.
    via: an intermediate result, or its name, or several: only the paths that lead through all of them are told, and what comes by
        them. Formulas in matrices halt there.
    lang: "zh" for an explanation in Chinese, "en" for one in English. None: English, and on a page the language of the browser.

    Returns
    -------
    An `Explanation`: print it, or let a notebook show it as mathematics. Between single numbers it is the sum over all paths of the
    product of the derivatives along the path; for arrays a table with the rule of every operation, and the derivation in matrices;
    for very many operations a summary, with `.whole` for all of them.

    Raises
    ------
    GradientError: if `loss` is not a single real number, requires no gradient, does not depend on `wrt`, or not by way of `via`.
    DataError: if `loss` is no Value, and no function with its arguments; if `wrt` or `via` is neither a Value nor a name, or
        `lang` no such language.
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

    Of a function, at a point:

    >>> def f(x, a):
    ...     return np.exp(a * x)
    >>> print(explain(f, 0.0, 2.0))
    f = exp(a·x) = 1
    with x = 0, a = 2
    <BLANKLINE>
    df/dx = df/d(a·x) · d(a·x)/dx
          = f · a
          = 1 · 2
          = 2

    Between arrays, by way of one of them:

    >>> W, X = Value([[1.0], [2.0]], name="W"), Value([[1.0, 0.0], [3.0, 1.0]], name="X", requires_grad=False)
    >>> H = np.tanh(X @ W).named("H")
    >>> print(str(explain(np.mean(H**2), via=H, lang="zh")).split("\\n\\n")[2])
    dL/dW = Xᵀ @ (dL/dH ⊙ (1 − H²))
          = Xᵀ @ (H ⊙ (1 − H²))
    """
    if lang is not None:
        check_language(lang)
    wanted = None if wrt is None else _listed(wrt)
    name, inputs, variables, origin = "L", frozenset[Value](), names_around(), None
    if not isinstance(loss, Value):
        source = source_of(loss)
        loss, name, inputs, users = _called(loss, args, wanted)
        variables, origin = users.variables.bound, Origin(*source, users.lines)
    elif args:
        raise DataError(
            f"{described(loss)} has been computed already and takes no arguments. What to differentiate with respect to is said "
            "by wrt=: explain(loss, wrt=theta)."
        )
    graph = named_graph(_explicable(loss), name_latex, variables, name)
    parameters = [node for node in graph.parameters if not inputs or node.value in inputs]
    targets = parameters if wanted is None else _nodes(graph, wanted, "wrt")
    return Explanation(graph, targets, via=_nodes(graph, _listed(via), "via"), origin=origin, lang=lang)


def _listed(wanted: Any) -> list[Any]:
    is_one = isinstance(wanted, Value | str) or not isinstance(wanted, Iterable)
    return [wanted] if is_one else list(wanted)


def _called(f: Any, args: tuple[Any, ...], wanted: Sequence[Wanted] | None) -> tuple[Value, str, frozenset[Value], Users]:
    """A function's result at a point, what it is called, the Values that stood for what to differentiate with respect to, and what
    is known of its variables and lines."""
    if not callable(f) or not args:
        _refuse(f)
    names = parameter_names(f)[: len(args)]
    asked = [name for name in names if any(isinstance(one, str) and _is_part(one, name) for one in wanted or ())]
    argnums = tuple(names.index(name) for name in asked) or (0,)

    def ran(is_constant: Callable[[Any], bool]) -> tuple[Trace, Users]:
        def named(path: str, x: Any) -> Any:
            return Value(x, name=path, requires_grad=False) if is_constant(x) else x

        pairs = enumerate(zip_longest(names, args, fillvalue="argument"))
        called_with = [x if position in argnums else tree_map_named(named, x, name) for position, (name, x) in pairs]
        users = Users(Variables(), codes_of(f))
        with users.variables, InMode(_Noting(users)):
            return traced(f, called_with, {}, argnums), users

    try:
        trace, users = ran(_is_number)
    except (TypeError, ValueError, LookupError):  # a whole number may be a count, an axis or a label
        trace, users = ran(_is_floating)
    if not isinstance(trace.output, Value):
        raise GradientError(
            f"explain tells the gradient of a single number, but {_called_by(f)} returned a {type(trace.output).__name__}. Explain "
            f"one part of it: explain(lambda *args: {_called_by(f)}(*args)[0], ...)."
        )
    return trace.output, _called_by(f), frozenset(trace.inputs), users


class _Noting(Watch):
    """The watch that notes which variables Values are bound to, and which lines they come from."""

    def __init__(self, users: Users) -> None:
        self._users = users

    def see_result(self, node: Any) -> None:
        self._users.see(node)


def _is_floating(x: Any) -> bool:
    return isinstance(x, float) or (isinstance(x, np.ndarray | np.floating) and x.dtype.kind == "f")


def _is_number(x: Any) -> bool:
    """Numbers of floating point, and single whole ones. An array of whole numbers is one of labels or positions."""
    return _is_floating(x) or (isinstance(x, int | np.integer) and not isinstance(x, bool))


def _is_part(path: str, tree: str) -> bool:
    """Whether this is what the tree is called, or a part of it."""
    return path.startswith(tree) and path[len(tree) :][:1] in ("", "[", ".")


def _called_by(f: Any) -> str:
    return name_of(f) if name_of(f).isidentifier() else "f"


def _refuse(f: Any) -> NoReturn:
    if not callable(f):
        _demand_value(f, "the loss")
    parameters = ", ".join([_called_by(f), *parameter_names(f)])
    how = f"at a point: explain({parameters})" if parameter_names(f) else f"by what it returns: explain({_called_by(f)}())"
    raise DataError(f"{_called_by(f)} is a function, and no Value, which remembers how it was made. Explain it {how}.")


def _explicable(loss: Value) -> Value:
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
    return loss


def _demand_value(x: Any, what: str) -> None:
    if not isinstance(x, Value):
        raise DataError(
            f"{what} must be a Value, which remembers how it was made, but is {type(x).__name__}: {shortened(x)}. "
            "Compute it from Value(...) with the gradient in mind."
        )


def _nodes(graph: Graph, wanted: Iterable[Wanted], role: str) -> list[Node]:
    """The nodes that are meant by Values or by names."""
    nodes: dict[Node, None] = {}
    for one in wanted:
        if not isinstance(one, str):
            _demand_value(one, role)
            found = [graph.node_of[one]] if one in graph.node_of else []
        else:
            found = [node for node in graph.nodes if one in (node.name, _given_name(node))]
            found = found or [node for node in graph.parameters if _is_part(_given_name(node), one)]
        what = shortened(one) if isinstance(one, str) else described(one)
        if not found:
            raise GradientError(f"{graph.output.name} does not depend on {what}. {_offered(graph, role)}")
        if not all(node.requires_grad for node in found):
            advice = _offered(graph, role) if role == "via" else "Make it with requires_grad=True to see its gradient."
            raise GradientError(f"{what} is a constant here, which no gradient passes. {advice}")
        nodes |= dict.fromkeys(found)
    return list(nodes)


def _offered(graph: Graph, role: str) -> str:
    """What can be asked for."""
    if role == "wrt":
        return f"Its parameters are: {', '.join(node.name for node in graph.parameters)}."
    named = [node.name for node in graph.results if node.is_named and node.requires_grad and node is not graph.output]
    takes = "via= takes an intermediate result, a Value or its name"
    return f"{takes}: {', '.join(named)}." if named else f"{takes}, but none has a name here: bind it to a variable of its own."


def _given_name(node: Node) -> str:
    return (node.value.name if node.value is not None else None) or ""


class Explanation(Explained):
    """How a gradient came about, to be read in a terminal, a notebook, a paper or a browser.

    >>> import tinygrad_edu as tg
    >>> explanation = tg.explain(tg.Value(3.0, name="x") ** 2)
    >>> str(explanation).splitlines()[0]
    'L = x² = 9'
    """

    def __init__(
        self,
        graph: Graph,
        targets: Sequence[Node],
        most_results: float = MOST_RESULTS,
        via: Sequence[Node] = (),
        origin: Origin | None = None,
        lang: Language | None = None,
    ) -> None:
        super().__init__(graph, targets, len(list(graph.results)) > most_results, via)
        self._origin, self.lang = origin, lang

    @property
    def whole(self) -> Explanation:
        """The same with every operation, however many there are."""
        return Explanation(self.graph, self.targets, float("inf"), self.via, self._origin, self.lang)

    @property
    def notes(self) -> Iterator[str]:
        """Why some gradients are zero, and where derivatives do not exist."""
        return notes(self, self.printer(TEXT))

    def printer(self, notation: Notation) -> Printer:
        """What prints its parts in a notation."""
        return Printer(notation, self.graph, self.spelling, self.lang or "en")

    def __str__(self) -> str:
        return text_form.written(self, self.printer(TEXT), self.notes)

    def __repr__(self) -> str:
        return str(self)

    def to_latex(self) -> str:
        """The explanation as LaTeX, without the dollar signs around it: an `aligned` environment, or an `array` for arrays."""
        return latex_form.written(self, self.printer(LATEX))

    def _repr_latex_(self) -> str:
        return f"$$\n{self.to_latex()}\n$$"

    def to_html(self, *, learning_rate: float | None = None) -> str:
        """The `page` as HTML."""
        return self.page(learning_rate=learning_rate).to_html()

    def page(self, *, learning_rate: float | None = None) -> Page:
        """A page to step through: forward through the values, then backward along one edge after the other, beside the NumPy
        source of the gradient with the present line lit; of a function that was explained at a point, its own source, too. One file
        of HTML that needs nothing else; a notebook shows it in a frame. (Where no source can be written, as where a rule asks for
        numbers, it says so.) Given a learning rate, the page ends with a step of gradient descent.

        Raises
        ------
        DataError: if the learning rate is no positive number.
        UnsupportedError: if there are more operations than anybody would step through.
        MissingExtraError: if pygraphviz, which lays out the picture, is not installed.
        """
        rate = None if learning_rate is None else number("learning_rate", learning_rate, above=0)
        count = sum(1 for _ in self.graph.results)
        if count > MOST_STEPS:
            raise UnsupportedError(
                f"a page to step through shows at most {MOST_STEPS} operations, but {self.graph.output.name} took {count}. "
                "Print the explanation for a summary, or explain a smaller example of the same computation."
            )
        drawing, printer = Drawing(self.graph, self.all_backward), self.printer(MATHML)
        nodes = [
            {
                "id": f"n{number}",
                "name": None if node.is_number else mathml(printer.node(node)),
                "hasGradient": node in drawing.gradient_of,
            }
            for number, node in enumerate(self.graph.nodes)
        ]
        output = self.graph.output
        title = f"{name_text(output.name)} = {self.printer(TEXT).definition(output)}"
        source, missing, origin = listing(self.all_backward), unwritten(self.all_backward), self._origin
        facts = {
            "title": mathml(f"{name_latex(output.name)} = {printer.definition(output)}"),
            "nodes": nodes,
            "steps": list(steps(self.all_backward, printer, source, origin, rate)),
            "source": list(map(one_line, source.lines)) if source else [],
            "unwritten": one_line(missing),
            "written": list(map(one_line, origin.shown)) if origin else [],
        }
        return Page("steps", {"en": title, "zh": title}, facts, drawing.svg, self.lang)

    def save(self, path: str | Path, *, learning_rate: float | None = None) -> Path:
        """Write the page of `to_html` to a file (.html), or the formulas (.tex), or the text (.txt), whole or not at all.
        Returns the path."""

        def html() -> str:
            return self.to_html(learning_rate=learning_rate)

        return save(path, "an explanation", {".html": html, ".tex": self.to_latex, ".txt": self.__str__})
