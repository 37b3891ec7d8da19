"""How one operation is written: as its entry in the op table says, or more briefly; and the brackets and signs around it.

This module knows syntax trees. Which operations get a line of their own is not its business.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from itertools import islice
from typing import Any

from tinygrad_edu.compiler.ir import IRNode, PythonNumber, is_ordinary
from tinygrad_edu.compiler.loops import is_list
from tinygrad_edu.graph.reaching import reached
from tinygrad_edu.graph.source import expression, literal
from tinygrad_edu.primitives import arithmetic, shaping
from tinygrad_edu.primitives.broadcasting import broadcast_to, cast
from tinygrad_edu.primitives.joining import stack
from tinygrad_edu.primitives.linear_algebra import matmul
from tinygrad_edu.primitives.primitive import Primitive


def form_of(node: IRNode, entry: Primitive, operands: Sequence[ast.expr], params: Mapping[str, Any]) -> ast.expr:
    """An operation applied to operands. `entry` and `params` are the node's own, with the printed form that is wanted."""
    special = _SPECIAL.get(node.operation)
    form = special(node, operands) if special else None
    if form is not None:
        return form
    form = expression(entry, operands, params)
    tidy = tidied(form)
    return tidy if tidy is form or is_uniform(node) else form


_ARITHMETIC = {
    arithmetic.multiply, arithmetic.divide, arithmetic.negative, matmul, arithmetic.add, arithmetic.subtract,
}  # fmt: skip
_MOST_FACTORS = 40  # what is longer keeps its brackets rather than be searched for each of its parts


def is_uniform(node: IRNode) -> bool:
    """Whether a product, or a sum of products, is one of numbers of a single precision, whose brackets do not matter.

    0.5 * (mask * x) has the dtype of x, but (0.5 * mask) * x need not, and bytes wrap around.
    """
    if not is_ordinary(node) or node.dtype.kind not in "fc":
        return False
    factors = list(islice(reached([node], _factors), _MOST_FACTORS + 1))
    return len(factors) <= _MOST_FACTORS and all(
        factor.dtype == node.dtype or isinstance(factor.dtype, PythonNumber) or type(factor.value) in (int, float)
        for factor in factors
    )


def _factors(node: IRNode) -> Sequence[IRNode]:
    return node.inputs if node.operation in _ARITHMETIC else ()


def _keeps_all(part: ast.expr) -> bool:
    """Whether a part of an index, `:`, `None` or `...`, leaves no number out."""
    if isinstance(part, ast.Slice):
        return not (part.lower or part.upper or part.step)
    return isinstance(part, ast.Constant) and part.value in (None, ...)


def is_short(form: ast.expr) -> bool:
    """A name, a number, or a name's transpose or other axes, `x[:, None]`: as short as any name for it."""
    if isinstance(form, ast.Attribute):
        return isinstance(form.value, ast.Name)
    if isinstance(form, ast.Subscript) and isinstance(form.slice, ast.Tuple):
        return isinstance(form.value, ast.Name) and all(_keeps_all(part) for part in form.slice.elts)
    return isinstance(form, ast.Name | ast.Constant) or (isinstance(form, ast.UnaryOp) and isinstance(form.operand, ast.Constant))


# --- what is written in a way of its own, if it has the form for it ----------------------------------------------------------


def _scalar_cast(node: IRNode, operands: Sequence[ast.expr]) -> ast.expr | None:
    """`np.float32(x)`"""
    return ast.Call(literal(node.dtype), [*operands], []) if node.shape == () else None


def _reverse(node: IRNode, operands: Sequence[ast.expr]) -> ast.expr | None:
    """`x.T`"""
    return None if node.params else ast.Attribute(operands[0], "T")


def _repeated(node: IRNode, operands: Sequence[ast.expr]) -> ast.expr | None:
    """`np.zeros(3)`, `np.full(3, x)`"""
    (number,) = node.inputs
    return filled(operands[0], number.value, node) if number.shape == () else None


def _reshaped(node: IRNode, operands: Sequence[ast.expr]) -> ast.expr | None:
    """`np.reshape(x, (2, 3))`"""
    return called("reshape", *operands, literal(node.params["shape"])) if node.params.keys() == {"shape"} else None


def _stacked(node: IRNode, operands: Sequence[ast.expr]) -> ast.expr | None:
    """`np.stack([x, y])`"""
    if is_list(node.inputs[0]):
        return called("stack", *operands) if node.params == {"axis": 0} else None
    return called("stack", ast.List([*operands])) if node.params == {"axis": 0} else None


_SPECIAL: dict[Primitive | None, Callable[[IRNode, Sequence[ast.expr]], ast.expr | None]] = {
    cast: _scalar_cast, broadcast_to: _repeated, shaping.transpose: _reverse, shaping.reshape: _reshaped, stack: _stacked,
}  # fmt: skip


def filled(form: ast.expr, number: Any, like: IRNode) -> ast.expr:
    """`np.zeros(3)`, an array of a node's shape and dtype that repeats one number, which is None where it is not known."""
    shape = literal(like.shape[0] if len(like.shape) == 1 else like.shape)
    dtype = [] if like.dtype == float else [literal(like.dtype)]
    if str(number) in ("0", "0.0"):  # and not -0.0
        return called("zeros", shape, *dtype)
    if str(number) in ("1", "1.0"):
        return called("ones", shape, *dtype)
    return called("full", shape, form, *dtype)


def called(function: str, *arguments: ast.expr) -> ast.Call:
    """A call of a NumPy function."""
    return ast.Call(ast.Attribute(ast.Name("np"), function), [*arguments], [])


def sum_of(forms: Sequence[ast.expr], nodes: Sequence[IRNode]) -> ast.expr:
    """The sum of the forms of some nodes."""
    are_uniform = all(map(is_uniform, nodes))

    def added(a: ast.expr, b: ast.expr) -> ast.expr:
        return tidied(ast.BinOp(a, ast.Add(), b)) if are_uniform else ast.BinOp(a, ast.Add(), b)

    return reduce(added, forms)


# --- brackets and signs ------------------------------------------------------------------------------------------------------


def tidied(tree: ast.expr) -> ast.expr:
    """Brackets that only say the order of factors, and signs, as one would write them.

    >>> ast.unparse(tidied(ast.parse("2 * (a * b)", mode="eval").body))
    '2 * a * b'
    >>> ast.unparse(tidied(ast.parse("x + -2 * y", mode="eval").body))
    'x - 2 * y'
    """
    if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub) and isinstance(tree.operand, ast.BinOp):
        inner = tree.operand
        if isinstance(inner.op, ast.Mult | ast.Div) and not isinstance(inner.left, ast.UnaryOp):  # -(a * b) is -a * b
            return ast.BinOp(tidied(ast.UnaryOp(ast.USub(), inner.left)), inner.op, inner.right)
    if not isinstance(tree, ast.BinOp):
        return tree
    right = tree.right
    is_scaled = isinstance(tree.op, ast.Mult) and _is_number(tree.left) and not _begins_with_number(right)
    if is_scaled and isinstance(right, ast.BinOp) and isinstance(right.op, ast.Mult | ast.Div):
        return ast.BinOp(tidied(ast.BinOp(tree.left, ast.Mult(), right.left)), right.op, right.right)  # c * (a * b) is c * a * b
    if isinstance(tree.op, ast.Add | ast.Sub):
        positive = without_sign(right)
        if positive is not None:  # x + -c * y is x - c * y
            return ast.BinOp(tree.left, ast.Sub() if isinstance(tree.op, ast.Add) else ast.Add(), positive)
    return tree


def without_sign(tree: ast.expr) -> ast.expr | None:
    """What a negative product is the negative of; None if no sign is to be seen."""
    if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub):
        return tree.operand
    if isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Mult | ast.Div | ast.MatMult):
        left = without_sign(tree.left)
        return left and ast.BinOp(left, tree.op, tree.right)
    return None


def _begins_with_number(tree: ast.expr) -> bool:
    """Whether the first factor is a number. Two that were kept apart may be too large to meet."""
    while isinstance(tree, ast.BinOp):
        tree = tree.left
    return _is_number(tree)


def _is_number(tree: ast.expr) -> bool:
    return isinstance(tree.operand if isinstance(tree, ast.UnaryOp) else tree, ast.Constant)
