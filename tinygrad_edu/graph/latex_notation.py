"""Formulas as LaTeX, in which operations are written by the templates that their entries in the op table state."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from tinygrad_edu.escaping import in_latex
from tinygrad_edu.graph.notation import (
    ATOM,
    COMPARISON,
    FRACTIONS,
    OPEN,
    POWER,
    PRODUCT,
    SUM,
    Notation,
    array_latex,
    fraction,
    name_latex,
    number_latex,
)
from tinygrad_edu.graph.python_notation import abbreviated
from tinygrad_edu.graph.source import literal, stated
from tinygrad_edu.graph.terms import Derivative, Literal, Symbol, Term, is_number
from tinygrad_edu.primitives.primitive import Primitive

_ALWAYS = ATOM + 1
"""So tightly binds nothing: what has to, is in brackets."""


def latex(term: Term, least: int = COMPARISON) -> str:
    """A term as LaTeX; in brackets, if it binds less tightly than `least`.

    >>> from tinygrad_edu.graph.terms import Applied
    >>> from tinygrad_edu.primitives.arithmetic import divide
    >>> latex(Applied(divide, (Symbol("theta"), Symbol("x"))))
    '\\\\frac{\\\\theta}{x}'
    """
    return _bracketed(_latex(term), least)


def _bracketed(form: tuple[str, int], least: int) -> str:
    return form[0] if form[1] >= least else rf"\left({form[0]}\right)"


def _latex(term: Term) -> tuple[str, int]:
    """A term as LaTeX, and how tightly it binds."""
    if isinstance(term, Derivative):
        return rf"\frac{{d {_differentiated(term.of)}}}{{d {_differentiated(term.wrt)}}}", POWER
    if isinstance(term, Symbol):
        return name_latex(term.name), ATOM
    if isinstance(term, Literal):
        return _number(term)
    template = _template(term.primitive, term.params, len(term.operands))
    if template == r"{0} \cdot {1}" and term.is_of_arrays:
        template = r"{0} \odot {1}"
    operands = [_latex(operand) for operand in term.operands]
    if template == "{0}":  # a cast, say
        return operands[0]
    layout = _layout(template)
    filled = [_bracketed(form, layout.least(position, form[0])) for position, form in enumerate(operands)]
    binding = layout.binding
    if operands and layout.ends_in(len(operands) - 1) and operands[-1][1] == OPEN and filled[-1] == operands[-1][0]:
        binding = min(binding, OPEN)
    if template == r"{0} \cdot {1}" and is_number(term.operands[0]):
        return _coefficient(term.operands[0], filled[0]) + (r" \cdot " if filled[1][0].isdigit() else " ") + filled[1], binding
    params = {key: _param_latex(value if isinstance(value, tuple) else [value]) for key, value in term.params.items()}
    count = str(term.count) if term.operands and term.operands[0].shape else "n"
    return template.format(*filled, **params, count=count), binding


def _differentiated(term: Term) -> str:
    return latex(term) if isinstance(term, Symbol) else rf"\left({latex(term)}\right)"


def _number(literal: Literal) -> tuple[str, int]:
    """A number or array in a formula, and how tightly it binds."""
    number = literal.number
    found = None if number is None or number in FRACTIONS else fraction(number)
    if found is None:
        return array_latex(literal.value), PRODUCT if number is not None and number < 0 else ATOM
    return rf"\frac{{{found.numerator}}}{{{found.denominator}}}", POWER


def _coefficient(term: Term, form: str) -> str:
    """A number before a product, halves and quarters as fractions."""
    found = fraction(term.number) if isinstance(term, Literal) else None
    return rf"\frac{{{found.numerator}}}{{{found.denominator}}}" if found else form


# --- brackets ----------------------------------------------------------------------------------------------------------------

_SIGNS = {
    "<": COMPARISON, "=": COMPARISON, ">": COMPARISON, r"\leq": COMPARISON, r"\geq": COMPARISON, r"\neq": COMPARISON,
    r"\land": COMPARISON, r"\lor": COMPARISON, "+": SUM, "-": SUM, r"\bmod": SUM, r"\cdot": PRODUCT, r"\odot": SUM,
    "*": PRODUCT,
}  # fmt: skip
"""The signs between operands, and how tightly they bind them together."""


@dataclass(frozen=True)
class _Layout:
    """A template as far as brackets are concerned.

    template: of which this is the layout.
    parts: what is outside of braces and brackets of all kinds, in order: a sign, a function, an operand, or something closed.
    """

    template: str
    parts: tuple[str, ...]

    @cached_property
    def binding(self) -> int:
        """How tightly a form of this template binds."""
        loosest = min((_SIGNS.get(part, ATOM) for part in self.parts), default=ATOM)
        if loosest <= SUM:
            return loosest
        if any(map(_is_function, self.parts[:-1])):
            return OPEN
        if loosest == PRODUCT or len(self.parts) > 1 or self.parts[0].startswith("-"):
            return PRODUCT
        return POWER if "^" in self.parts[0] or self.parts[0].startswith(r"\frac") else ATOM

    def ends_in(self, position: int) -> bool:
        """Whether an operand stands at the end, with nothing around it."""
        return self.parts[-1].endswith(f"{{{position}}}")

    def least(self, position: int, form: str) -> int:
        """How tightly an operand has to bind to stand without brackets."""
        place = f"{{{position}}}"
        following = {self.template.partition(base)[2][:1] for base in (place, place + "}}")}
        if "_" in following and "_" in form:
            return _ALWAYS  # an index below another one would seem to be part of it
        if following & {"_", "^"}:
            return ATOM
        at = next((at for at, part in enumerate(self.parts) if place in part), None)
        if at is None:
            return COMPARISON  # there are brackets around it
        if form.startswith("-") and not self.parts[0].startswith(place):
            return ATOM  # two signs do not follow each other
        return self._least_beside(self.parts[at - 1] if at else "", is_last=self.ends_in(position))

    def _least_beside(self, before: str, is_last: bool) -> int:
        if before.startswith(r"\sum"):
            return OPEN  # a product within a sum
        if _is_function(before):
            return ATOM  # where a function begins and ends is seen
        if r"\bmod" in self.parts:
            return POWER
        if r"\odot" in self.parts:
            return PRODUCT  # so that it is not taken for a part of a product of matrices
        if self.binding == SUM:
            return OPEN if before == "-" else SUM
        if self.binding == PRODUCT:
            return OPEN if is_last else PRODUCT
        return ATOM


def _is_function(part: str) -> bool:
    return part.startswith("\\") and not part.startswith(r"\frac") and part not in _SIGNS


@lru_cache(maxsize=1024)
def _layout(template: str) -> _Layout:
    """The template without what stands in brackets of any kind; `{0}` stays."""
    kept, depth = [], 0
    for part in re.findall(r"\{\{|\}\}|\\left.|\\right.|\\begin\{\{cases\}\}|\\end\{\{cases\}\}|\{\w+\}|.", template):
        opens = part in ("{{", "(") or part.startswith((r"\left", r"\begin"))
        closes = part in ("}}", ")") or part.startswith((r"\right", r"\end"))
        depth -= closes
        if depth == 0:
            kept.append("()" if closes else "" if opens else part)
        depth += opens
    return _Layout(template, tuple("".join(kept).split()))


# --- templates ---------------------------------------------------------------------------------------------------------------

_OPERATORS = {
    "{0} == {1}": "{0} = {1}", "{0} != {1}": r"{0} \neq {1}", "{0} < {1}": "{0} < {1}", "{0} <= {1}": r"{0} \leq {1}",
    "{0} > {1}": "{0} > {1}", "{0} >= {1}": r"{0} \geq {1}", "{0} & {1}": r"{0} \land {1}", "{0} | {1}": r"{0} \lor {1}",
}  # fmt: skip


def _template(primitive: Primitive, params: Mapping[str, Any], operands: int) -> str:
    """How an operation is written: as its entry says, with what the entry does not mention below its sign."""
    inputs = ", ".join(f"{{{position}}}" for position in range(operands))
    template = (primitive.latex or _OPERATORS.get(primitive.code, "")).replace("{inputs}", inputs)
    unsaid = [_named_param(key, value) for key, value in stated(primitive, params).items() if f"{{{key}}}" not in template]
    if template == "{0}" or (template and not unsaid):  # a cast, or a new axis, changes no number
        return template
    below = _in_template(f"_{{{', '.join(unsaid)}}}") if unsaid else ""
    if _SIGN.search(template):
        return _SIGN.sub(lambda sign: sign[0] + below, template, count=1)
    name = _in_template(rf"\mathrm{{{in_latex(primitive.name)}}}")
    return f"{name}{below}({inputs})"


_SIGN = re.compile(r"\\(sum|prod|max|min)\b|^\\operatorname\{\{\w+\}\}|^\\mathcal\{\{\w+\}\}(\^\{\{-1\}\})?")
"""The sign of an operation, which its parameters are written below."""


def _in_template(form: str) -> str:
    return form.replace("{", "{{").replace("}", "}}")


def _named_param(key: str, value: Any) -> str:
    """`axis 0`, `keepdims`, and of einsum's subscripts only what they are."""
    if isinstance(value, str) and key == "subscripts":
        subscripts = r" \to ".join(map(in_latex, value.split("->")))
        return rf"\mathrm{{{subscripts}}}"
    return rf"\mathrm{{{in_latex(key)}}}" if value is True else rf"\mathrm{{{in_latex(key)}\ {_param_latex([value])}}}"


def _param_latex(parts: Iterable[Any]) -> str:
    written = ", ".join(ast.unparse(ast.fix_missing_locations(literal(abbreviated(part)))) for part in parts)
    return in_latex(written).replace("−", "-").replace("…", r"\ldots ")


LATEX = Notation(
    name_latex, number_latex, array_latex, latex, r"\left({}\right)", r"\frac{{{}}}{{{}}}", "-", r" \cdot ", "d ", r"\partial "
)
