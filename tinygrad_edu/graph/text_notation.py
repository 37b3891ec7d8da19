"""Formulas as text with mathematical signs, made from their form in Python, so that operations need no template for it.

Only where the template for LaTeX is a sum, a Greek letter or nothing but the operand, the text has the same.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tinygrad_edu.escaping import one_line
from tinygrad_edu.graph.notation import (
    ATOM,
    COMPARISON,
    FRACTIONS,
    GREEK,
    OPEN,
    POWER,
    PRODUCT,
    SUM,
    Notation,
    array_text,
    fraction,
    name_text,
    number_text,
)
from tinygrad_edu.graph.python_notation import operation_tree, syntax_tree
from tinygrad_edu.graph.source import stated
from tinygrad_edu.graph.terms import Applied, Derivative, Literal, Symbol, Term
from tinygrad_edu.primitives import arithmetic

_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")

Form = tuple[str, int]
"""A formula as text, and how tightly it binds."""


def text(term: Term, least: int = COMPARISON) -> str:
    """A term as text; in brackets, if it binds less tightly than `least`.

    >>> from tinygrad_edu.primitives.arithmetic import multiply, power, subtract
    >>> difference = Applied(subtract, (Symbol("t"), Symbol("y")))
    >>> text(Applied(multiply, (Literal(0.5), Applied(power, (difference, Literal(2))))))
    '½(t − y)²'
    """
    return one_line(_bracketed(_form(term), least))


def _bracketed(form: Form, least: int) -> str:
    return form[0] if form[1] >= least else f"({form[0]})"


def _after_sign(form: Form, least: int) -> str:
    """An operand after a sign such as +: another sign does not follow it directly."""
    return f"({form[0]})" if form[0].startswith("−") else _bracketed(form, least)


_SUM = re.compile(r"(\\frac\{\{1\}\}\{\{\{count\}\}\} )?(\\sum|\\prod) \{0\}")
_GREEK_FUNCTION = re.compile(r"\\(\w+)\(\{0\}\)")


def _form(term: Term) -> Form:
    """A term as text, and how tightly it binds."""
    if isinstance(term, Derivative):
        return f"d{_differentiated(term.of)}/d{_differentiated(term.wrt)}", POWER
    if isinstance(term, Symbol):
        return name_text(term.name), ATOM
    if isinstance(term, Literal):
        return _Writer({}).form(syntax_tree(term))
    if term.keeps_numbers:
        return _form(term.operands[0])
    latex = term.primitive.latex
    if found := _SUM.fullmatch(latex):
        return _sum(term, "Σ" if found[2] == r"\sum" else "Π", is_mean=bool(found[1]))
    if (found := _GREEK_FUNCTION.fullmatch(latex)) and found[1] in GREEK:
        return f"{GREEK[found[1]]}({_form(term.operands[0])[0]})", ATOM
    if term.primitive is arithmetic.multiply and term.is_of_arrays:
        a, b = map(_form, term.operands)
        return f"{_bracketed(a, PRODUCT)} ⊙ {_after_sign(b, PRODUCT)}", OPEN
    forms: dict[str, Form] = {}
    operands = [syntax_tree(part) if isinstance(part, Literal) else _place(forms, _form(part)) for part in term.operands]
    return _Writer(forms).form(operation_tree(term, operands))


def _differentiated(term: Term) -> str:
    return text(term) if isinstance(term, Symbol) else f"({text(term)})"


def _place(forms: dict[str, Form], form: Form) -> ast.expr:
    """A name that stands for a form in a syntax tree."""
    place = f"{{{len(forms)}}}"
    forms[place] = form
    return ast.Name(place)


def _sum(term: Applied, sign: str, is_mean: bool) -> Form:
    """`Σ x`, `Σ[axis 0] x`, and a mean as `1/n Σ x`."""
    said = stated(term.primitive, term.params)
    axes = f"[axis {said['axis']}]" if said.get("axis") is not None else ""
    operand = term.operands[0]
    share = f"1/{term.count if operand.shape else 'n'} " if is_mean else ""
    return f"{share}{sign}{axes} {_after_sign(_form(operand), OPEN)}", OPEN


@dataclass(frozen=True)
class _Writer:
    """Writes syntax trees in which some names stand for forms that are written already."""

    forms: Mapping[str, Form]

    def form(self, tree: ast.expr) -> Form:
        """A syntax tree as text, and how tightly it binds."""
        match tree:
            case ast.Name(id=name):
                return self.forms.get(name) or (name_text(name), ATOM)
            case ast.Constant(value=bool() | int() | float() as value):
                return _number(value)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return "−" + _bracketed(self.form(operand), PRODUCT), PRODUCT
            case ast.BinOp(op=op) if type(op) in _OPERATORS:
                return _OPERATORS[type(op)](self, tree)
            case ast.Call(func=function, args=args, keywords=keywords):
                parts = [self.form(arg)[0] for arg in args] + [f"{k.arg}={self.form(k.value)[0]}" for k in keywords]
                return f"{ast.unparse(function)}({', '.join(parts)})", ATOM
            case ast.Attribute(value=owner, attr="T" | "mT"):
                return f"{_bracketed(self.form(owner), ATOM)}ᵀ", POWER
            case ast.Attribute(value=owner, attr=attribute):
                return f"{_bracketed(self.form(owner), ATOM)}.{attribute}", ATOM
            case ast.Subscript(value=owner, slice=index):
                inside = index.elts if isinstance(index, ast.Tuple) and index.elts else [index]
                return f"{_bracketed(self.form(owner), ATOM)}[{', '.join(map(ast.unparse, inside))}]", ATOM
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                sign = _COMPARISONS.get(type(op), "?")
                return f"{_bracketed(self.form(left), SUM)} {sign} {_bracketed(self.form(right), SUM)}", COMPARISON
            case ast.List(elts=parts):
                return f"[{', '.join(self.form(part)[0] for part in parts)}]", ATOM
        return ast.unparse(_Filled(self).visit(tree)), ATOM if isinstance(tree, ast.Tuple | ast.Constant) else COMPARISON

    def power(self, tree: ast.BinOp) -> Form:
        """`x²`, `x^n`."""
        shown = _bracketed(self.form(tree.left), ATOM)
        match tree.right:
            case ast.Constant(value=int() as value):
                return shown + str(value).translate(_SUPERSCRIPTS), POWER
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() as value)):
                return f"{shown}⁻{str(value).translate(_SUPERSCRIPTS)}", POWER
        return f"{shown}^{_bracketed(self.form(tree.right), ATOM)}", POWER

    def product(self, tree: ast.BinOp) -> Form:
        """`½x`, `2·x`, `2(x + y)`: with a number in front."""
        other = _after_sign(self.form(tree.right), PRODUCT)
        match tree.left:
            case ast.Constant(value=float() as value) if value in FRACTIONS:
                return FRACTIONS[value] + other, PRODUCT
            case ast.Constant(value=float() | int() as value):
                number = _number(value)[0]
                return f"{number}{'' if other.startswith('(') and '/' not in number else '·'}{other}", PRODUCT
        return f"{_bracketed(self.form(tree.left), PRODUCT)}·{other}", PRODUCT

    def binary(self, tree: ast.BinOp, sign: str, own: int, least_left: int, least_right: int) -> Form:
        """Operands with a sign between them; how tightly the form binds, and how tightly they must."""
        left, right = self.form(tree.left), self.form(tree.right)
        return _bracketed(left, least_left) + sign + _after_sign(right, least_right), own


class _Filled(ast.NodeTransformer):
    """Puts forms in the place of the names that stand for them."""

    def __init__(self, writer: _Writer) -> None:
        self._writer = writer

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(_bracketed(self._writer.form(node), ATOM))


def _number(value: float) -> Form:
    """A number; as a fraction, where its digits do not say it as well: `1/3`."""
    found = None if isinstance(value, bool) or value in FRACTIONS else fraction(value)
    return (f"{found.numerator}/{found.denominator}", PRODUCT) if found else (number_text(value), ATOM)


_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Eq: "=", ast.NotEq: "≠", ast.Lt: "<", ast.LtE: "≤", ast.Gt: ">", ast.GtE: "≥",
}  # fmt: skip
_OPERATORS: dict[type[ast.operator], Callable[[_Writer, ast.BinOp], Form]] = {
    ast.Pow: _Writer.power,
    ast.Mult: _Writer.product,
    ast.Add: lambda writer, tree: writer.binary(tree, " + ", SUM, SUM, SUM),
    ast.Sub: lambda writer, tree: writer.binary(tree, " − ", SUM, SUM, OPEN),
    ast.Div: lambda writer, tree: writer.binary(tree, "/", PRODUCT, PRODUCT, POWER),
    ast.MatMult: lambda writer, tree: writer.binary(tree, " @ ", OPEN, PRODUCT, POWER),
    ast.Mod: lambda writer, tree: writer.binary(
        tree, " % ", SUM, POWER, POWER
    ),  # (−a) // c is not −(a // c), so these bind loosely
    ast.FloorDiv: lambda writer, tree: writer.binary(tree, " // ", SUM, POWER, POWER),
}


TEXT = Notation(name_text, number_text, array_text, text, "({})", "{}/{}", "−", " · ", "d", "∂")
