"""Formulas as Python, in which operations are called what their entries in the op table say.

Terms become Python's own syntax trees, so that `ast.unparse` sets the brackets; the text with mathematical signs is made from them.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_edu.escaping import one_line
from tinygrad_edu.graph.notation import array_text
from tinygrad_edu.graph.source import expression, literal, numpy_function, stated
from tinygrad_edu.graph.terms import Applied, Literal, Symbol, Term
from tinygrad_edu.primitives.primitive import Primitive
from tinygrad_edu.primitives.shaping import transpose


def code(term: Term) -> str:
    """A term as Python: `g @ W.T`."""
    return one_line(ast.unparse(_Rounding().visit(syntax_tree(term))))


def source_tree(term: Term) -> ast.expr:
    """A term as it would be typed: with whole arrays, and NumPy's functions by their full names."""
    if isinstance(term, Symbol):
        return ast.Name(term.name)
    if isinstance(term, Literal):
        return literal(term.value)
    return expression(term.primitive, [source_tree(operand) for operand in term.operands], term.params)


class _Rounding(ast.NodeTransformer):
    """Writes numbers to six digits."""

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        return ast.Constant(float(f"{node.value:.6g}")) if isinstance(node.value, float) else node


def syntax_tree(term: Term) -> ast.expr:
    """A term as Python's syntax tree; arrays written into it are abbreviated."""
    if isinstance(term, Symbol):
        return ast.Name(term.name)
    if isinstance(term, Literal):
        if term.number is None:
            return ast.Name(array_text(term.value))
        number = np.asarray(term.value).item()
        whole = isinstance(number, float) and number.is_integer() and abs(number) < 1e15
        return _without_np(literal(int(number) if whole else number))
    return operation_tree(term, [syntax_tree(operand) for operand in term.operands])


def operation_tree(term: Applied, operands: list[ast.expr]) -> ast.expr:
    """The operation of a term on these operands."""
    if _goes_by_name(term.primitive, term.params):
        shown = stated(term.primitive, term.params)
        keywords = [ast.keyword(key, _without_np(literal(abbreviated(param)))) for key, param in shown.items()]
        return ast.Call(ast.Name(term.primitive.name), operands, keywords)
    if term.primitive is transpose and term.params.get("axes") is None:
        return ast.Attribute(operands[0], "T")
    places = {f"{{{position}}}": operand for position, operand in enumerate(operands)}
    params = {key: abbreviated(param) for key, param in term.params.items()}
    return _without_np(expression(term.primitive, [ast.Name(place) for place in places], params), places)


def _goes_by_name(primitive: Primitive, params: Mapping[str, Any]) -> bool:
    """Whether an operation is called by its name: as mathematics does, step(x), or since in Python it is no single call: svd(A)."""
    is_name_in_mathematics = not params and rf"\operatorname{{{{{primitive.name}}}}}" in primitive.latex
    takes_several_calls = "lambda" in primitive.code or primitive.code.count("{0}") > 1
    has_only_a_name = not primitive.code and numpy_function(primitive) is None
    return is_name_in_mathematics or takes_several_calls or has_only_a_name


def abbreviated(param: Any) -> Any:
    """A parameter as it is printed: positions in long arrays are abbreviated."""
    if isinstance(param, np.ndarray):
        return ast.Name(array_text(param))
    if isinstance(param, tuple) and any(isinstance(part, np.ndarray) for part in param):
        return ast.Tuple([literal(abbreviated(part)) for part in param])
    return param


class _WithoutNp(ast.NodeTransformer):
    """Writes `sum` for `np.sum`, and then puts the operands in their places: their names are the user's own, and may begin so."""

    def __init__(self, places: Mapping[str, ast.expr]) -> None:
        self._places = places

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self._places.get(node.id, ast.Name(node.id.removeprefix("np.")))

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        match node.value:
            case ast.Name(id="np" | "np.linalg") | ast.Attribute(value=ast.Name(id="np"), attr="linalg"):
                return ast.Name(node.attr)
        return self.generic_visit(node)


def _without_np(tree: ast.expr, places: Mapping[str, ast.expr] | None = None) -> ast.expr:
    bare: ast.expr = _WithoutNp(places or {}).visit(tree)
    return bare
