r"""Formulas as MathML, for pages: what browsers set as mathematics by themselves, without a library or a font from elsewhere.

Operations need no third template: this reads the LaTeX that `latex_notation` prints, which is all the LaTeX that it knows. What
comes out is a tree of plain lists, `["mfrac", a, b]`, from which a page makes elements, so that no name of a user's can become
HTML. It knows no operation.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from typing import Any

import numpy as np

from tinygrad_edu.escaping import out_of_latex
from tinygrad_edu.graph.latex_notation import LATEX
from tinygrad_edu.graph.notation import array_latex, number_latex

Tree = list[Any]
"""An element of MathML: its name, a dict with its attributes if it has any, then what it holds: elements, or one text."""


def mathml(latex: str) -> Tree:
    r"""A formula in LaTeX as a row of MathML.

    >>> mathml(r"\frac{d L}{d \theta} = -x_1")[1:]
    [['mfrac', ['mrow', ['mi', 'd'], ['mi', 'L']], ['mrow', ['mi', 'd'], ['mi', 'θ']]], ['mo', '='], ['mo', {'form': 'prefix'}, '−'], ['msub', ['mi', 'x'], ['mn', '1']]]

    A parameter of LaTeX's, `#0`, is a place for a number that is not known yet, `{0}`.
    """  # noqa: E501 (a row is a row)
    return ["mrow", *_Reader(latex).row()]


def matrix_latex(data: Any) -> str:
    r"""A number or an array in LaTeX; a small matrix with its rows below one another.

    >>> matrix_latex(np.eye(2))
    '\\begin{bmatrix}1 & 0 \\\\ 0 & 1\\end{bmatrix}'
    """
    if np.ndim(data) != 2 or not 0 < np.size(data) <= _MOST_IN_MATRIX:
        return array_latex(data)
    rows = r" \\ ".join(" & ".join(map(number_latex, row)) for row in np.asarray(data))
    return rf"\begin{{bmatrix}}{rows}\end{{bmatrix}}"


_MOST_IN_MATRIX = 16

MATHML = replace(LATEX, array=matrix_latex)
"""The notation of pages: what it prints, `mathml` reads."""


# --- signs -------------------------------------------------------------------------------------------------------------------

_OPERATORS = {
    "odot": "⊙", "cdot": "·", "times": "×", "leq": "≤", "geq": "≥", "neq": "≠", "land": "∧", "lor": "∨", "wedge": "∧", "in": "∈",
    "to": "→", "sim": "∼", "bmod": "mod", "partial": "∂", "sum": "∑", "prod": "∏", "ldots": "…", "backslash": "\\", "lbrace": "{",
    "rbrace": "}", "lfloor": "⌊", "rfloor": "⌋", "lceil": "⌈", "rceil": "⌉", "|": "‖",
}  # fmt: skip
_SIGNS = {"-": "−", "'": "′", "*": "∗"}
_LETTERS = {"infty": "∞", "lambda": "λ", "R": "ℝ", "C": "ℂ", "F": "ℱ"}
_SPACES = {"quad": "1em", " ": ".25em", ",": ".17em"}
_ENVIRONMENTS = {"cases": ("{", ""), "bmatrix": ("[", "]"), "pmatrix": ("(", ")")}
_WORDS = {"mathrm", "operatorname", "text"}
_WITH_LIMITS = {"∑", "∏", "max", "min"}
_BRACKETS, _CLOSING = "()[]|", ")]|}…"
_FLAT = {"stretchy": "false"}
_THIN: Tree = ["mspace", {"width": ".17em"}]


def _greek(name: str) -> str:
    """The letter that a command stands for: `Phi`; none, if it stands for none."""
    size = "CAPITAL" if name[0].isupper() else "SMALL"
    try:
        return unicodedata.lookup(f"GREEK {size} LETTER {name}")
    except KeyError:
        return ""


# --- reading -----------------------------------------------------------------------------------------------------------------


class _Reader:
    """Reads LaTeX from left to right."""

    def __init__(self, latex: str) -> None:
        self._tokens = re.findall(r"\\[a-zA-Z]+|\\.|#\d|\d+(?:\.\d+)?|.", latex, re.DOTALL)
        self._at = 0

    def _next(self) -> str:
        token = self._peek()
        self._at += 1
        return token

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _skip_spaces(self) -> None:
        while self._peek() == " ":
            self._at += 1

    def row(self, *ends: str) -> list[Tree]:
        """What stands until one of these tokens, or until the end; the token is left. Functions stand apart from letters."""
        parts: list[Tree] = []
        self._skip_spaces()
        while self._peek() and self._peek() not in ends:
            part = self._scripted()
            if part == ["mo", "−"] and (not parts or (parts[-1][0] == "mo" and parts[-1][-1] not in _CLOSING)):
                part.insert(1, {"form": "prefix"})  # a sign, not a difference
            if parts and _stand_apart(parts[-1], part):
                parts.append(_THIN)
            parts.append(part)
            self._skip_spaces()
        return parts

    def _scripted(self) -> Tree:
        """An atom, with what is written below and above it."""
        base, scripts = self._atom(), {}
        while self._peek() in ("_", "^"):
            place = self._next()
            scripts[place] = self._argument()
        if not scripts:
            return base
        below, above = ("munder", "mover") if _text(base) in _WITH_LIMITS else ("msub", "msup")
        if len(scripts) == 1:
            return [below if "_" in scripts else above, base, *scripts.values()]
        return [f"{below}{above[1:]}", base, scripts["_"], scripts["^"]]

    def _argument(self) -> Tree:
        self._skip_spaces()
        return self._atom()

    def _atom(self) -> Tree:
        token = self._next()
        if token == "{":
            return self._group("}")
        if token.startswith("\\"):
            return self._command(token[1:])
        if token[0] == "#":
            return ["mn", f"{{{token[1:]}}}"]
        if token[0].isdigit():
            return ["mn", token]
        if token in _BRACKETS:
            return ["mo", _FLAT, token]
        return ["mi", token] if token.isalpha() else ["mo", _SIGNS.get(token, token)]

    def _group(self, end: str) -> Tree:
        parts = self.row(end)
        self._next()
        return parts[0] if len(parts) == 1 else ["mrow", *parts]

    def _command(self, name: str) -> Tree:
        match name:
            case "frac":
                return ["mfrac", self._argument(), self._argument()]
            case "sqrt" if self._peek() == "[":
                self._next()
                index = self._group("]")
                return ["mroot", self._argument(), index]
            case "sqrt":
                return ["msqrt", self._argument()]
            case "overline":
                return ["mover", self._argument(), ["mo", "¯"]]
            case "left":
                return self._fenced()
            case "begin":
                return self._environment(self._words())
            case "mathbb" | "mathcal":
                letter = self._words()
                return ["mi", _LETTERS.get(letter, letter)]
        if name in _SPACES:
            return ["mspace", {"width": _SPACES[name]}]
        if name in _WORDS:
            return _word(self._words())
        if name in _OPERATORS:
            return ["mo", _OPERATORS[name]]
        return ["mi", _LETTERS.get(name) or _greek(name) or name] if name.isalpha() else ["mo", name]

    def _fenced(self) -> Tree:
        opening = self._fence()
        inside = self.row(r"\right")
        self._next()
        fences = [*opening, *self._fence()]
        if not _is_tall(inside):  # or else some fonts stretch them all the same
            fences = [["mo", _FLAT, sign] for _, sign in fences]
        return ["mrow", *fences[: len(opening)], *inside, *fences[len(opening) :]]

    def _fence(self) -> list[Tree]:
        self._skip_spaces()
        token = self._next()
        sign = _OPERATORS[token[1:]] if token.startswith("\\") else token
        return [] if sign == "." else [["mo", sign]]

    def _environment(self, name: str) -> Tree:
        """Cells between `&`, rows between a double backslash."""
        rows: list[Tree] = [["mtr"]]
        while True:
            rows[-1].append(["mtd", *self.row("&", r"\\", r"\end")])
            match self._next():
                case r"\\":
                    rows.append(["mtr"])
                case r"\end" | "":
                    self._words()
                    opening, closing = ([["mo", sign]] if sign else [] for sign in _ENVIRONMENTS.get(name, ("", "")))
                    return ["mrow", *opening, ["mtable", *rows], *closing]

    def _words(self) -> str:
        """The plain words between braces."""
        start, depth = self._at + 1, 0
        while token := self._next():
            depth += (token == "{") - (token == "}")
            if depth == 0:
                break
        words = out_of_latex("".join(self._tokens[start : self._at - 1]))
        words = re.sub(r"\\(\w+) ?", lambda command: _OPERATORS.get(command[1], command[0]), words)
        return words.replace(" ", "\u00a0")  # a browser takes spaces away at both ends


def _word(words: str) -> Tree:
    """What is written upright: a name, if it looks like one. A letter alone would be slanted."""
    return ["mi", words] if words.isidentifier() and len(words) > 1 else ["mtext", words]


def _is_tall(trees: Tree) -> bool:
    """Whether something stands above something else in them."""
    return any(tree[0] in ("mfrac", "mtable", "munder", "msqrt", "mroot") or _is_tall(_parts(tree)) for tree in trees)


def _parts(tree: Tree) -> list[Tree]:
    return [part for part in tree[1:] if isinstance(part, list)]


def _text(tree: Tree) -> str:
    return tree[-1] if isinstance(tree[-1], str) else ""


def _is_function(tree: Tree) -> bool:
    """Whether it is a function's name, with or without something above and below."""
    base = tree[1] if tree[0].startswith(("msu", "mund", "mov")) else tree
    return base[0] == "mi" and len(_text(base)) > 1


def _stand_apart(before: Tree, after: Tree) -> bool:
    """Whether there is a small space between two parts: where one is a word, the other no sign, and nothing opens."""
    if not (_is_function(before) or _is_function(after)) or "mo" in (before[0], after[0]):
        return False
    return not (after[0] == "mrow" and after[1][-1] == "(")
