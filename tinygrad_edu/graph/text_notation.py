"""Formulas as text with mathematical signs, made from their form in Python, so that operations need no template for it."""

from __future__ import annotations

import ast
from collections.abc import Callable

from tinygrad_edu.escaping import one_line
from tinygrad_edu.graph.notation import (
    ATOM,
    COMPARISON,
    FRACTIONS,
    POWER,
    PRODUCT,
    SUM,
    Notation,
    array_text,
    name_text,
    number_text,
)
from tinygrad_edu.graph.python_notation import syntax_tree
from tinygrad_edu.graph.terms import Term

_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def text(term: Term, least: int = COMPARISON) -> str:
    """A term as text; in brackets, if it binds less tightly than `least`.

    >>> from tinygrad_edu.graph.terms import Applied, Literal, Symbol
    >>> from tinygrad_edu.primitives.arithmetic import multiply, power, subtract
    >>> difference = Applied(subtract, (Symbol("t"), Symbol("y")))
    >>> text(Applied(multiply, (Literal(0.5), Applied(power, (difference, Literal(2))))))
    '½(t − y)²'
    """
    return one_line(_bracketed(_text(syntax_tree(term)), least))


def _after_sign(form: tuple[str, int], least: int) -> str:
    """An operand after a sign such as +: another sign does not follow it directly."""
    return f"({form[0]})" if form[0].startswith("−") else _bracketed(form, least)


def _bracketed(form: tuple[str, int], least: int) -> str:
    return form[0] if form[1] >= least else f"({form[0]})"


def _text(tree: ast.expr) -> tuple[str, int]:
    """A syntax tree as text, and how tightly it binds."""
    match tree:
        case ast.Name(id=name):
            return name_text(name), ATOM
        case ast.Constant(value=bool() | int() | float() as value):
            return number_text(value), ATOM
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return "−" + _bracketed(_text(operand), PRODUCT), PRODUCT
        case ast.BinOp(op=op) if type(op) in _OPERATORS:
            return _OPERATORS[type(op)](tree)
        case ast.Call(func=function, args=args, keywords=keywords):
            parts = [_text(arg)[0] for arg in args] + [f"{k.arg}={_text(k.value)[0]}" for k in keywords]
            return f"{ast.unparse(function)}({', '.join(parts)})", ATOM
        case ast.Attribute(value=owner, attr=attribute):
            return f"{_bracketed(_text(owner), ATOM)}.{attribute}", ATOM
        case ast.Subscript(value=owner, slice=index):
            inside = index.elts if isinstance(index, ast.Tuple) and index.elts else [index]
            return f"{_bracketed(_text(owner), ATOM)}[{', '.join(map(ast.unparse, inside))}]", ATOM
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            sign = _COMPARISONS.get(type(op), "?")
            return f"{_bracketed(_text(left), SUM)} {sign} {_bracketed(_text(right), SUM)}", COMPARISON
        case ast.List(elts=parts):
            return f"[{', '.join(_text(part)[0] for part in parts)}]", ATOM
    return ast.unparse(tree), ATOM if isinstance(tree, ast.Tuple | ast.Constant) else COMPARISON


_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Eq: "=", ast.NotEq: "≠", ast.Lt: "<", ast.LtE: "≤", ast.Gt: ">", ast.GtE: "≥",
}  # fmt: skip


def _power(tree: ast.BinOp) -> tuple[str, int]:
    shown = _bracketed(_text(tree.left), ATOM)
    match tree.right:
        case ast.Constant(value=int() as value):
            return shown + str(value).translate(_SUPERSCRIPTS), POWER
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() as value)):
            return f"{shown}⁻{str(value).translate(_SUPERSCRIPTS)}", POWER
    return f"{shown}^{_bracketed(_text(tree.right), ATOM)}", POWER


def _product(tree: ast.BinOp) -> tuple[str, int]:
    right = _after_sign(_text(tree.right), PRODUCT)
    match tree.left:
        case ast.Constant(value=float() | int() as value):
            if value in FRACTIONS:
                return FRACTIONS[value][0] + right, PRODUCT
            return number_text(value) + ("" if right.startswith("(") else "·") + right, PRODUCT
    return f"{_bracketed(_text(tree.left), PRODUCT)}·{right}", PRODUCT


def _binary(sign: str, own: int, least_left: int, least_right: int) -> Callable[[ast.BinOp], tuple[str, int]]:
    """Operands with a sign between them; how tightly the form binds, and how tightly they must."""

    def written(tree: ast.BinOp) -> tuple[str, int]:
        return _bracketed(_text(tree.left), least_left) + sign + _after_sign(_text(tree.right), least_right), own

    return written


_OPERATORS: dict[type[ast.operator], Callable[[ast.BinOp], tuple[str, int]]] = {
    ast.Pow: _power,
    ast.Mult: _product,
    ast.Add: _binary(" + ", SUM, SUM, SUM),
    ast.Sub: _binary(" − ", SUM, SUM, PRODUCT),
    ast.Div: _binary("/", PRODUCT, PRODUCT, POWER),
    ast.MatMult: _binary(" @ ", PRODUCT, PRODUCT, POWER),
    ast.Mod: _binary(" % ", SUM, POWER, POWER),  # (−a) // c is not −(a // c), so these bind loosely
    ast.FloorDiv: _binary(" // ", SUM, POWER, POWER),
}


TEXT = Notation(name_text, number_text, array_text, text, "({})", "{}/{}", "−", " · ", "d", "∂")
