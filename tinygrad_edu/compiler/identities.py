"""The table of algebraic identities, each two lines of NumPy, and what it means that a node has the form of one.

What a letter may stand for is said by `LETTERS`. An identity is never applied where it would change the shape or dtype of a result.
This module knows syntax and nodes, and nothing of when identities are used.

None of them changes a result beyond rounding (the sign of a zero counts as rounding), and none removes a NaN or an infinity:
0 * x is not 0 here, x - x is not 0, x / x is not 1. Only where numbers come within a known factor of the largest or the smallest
one there is can a product overflow or vanish in one order of its factors and not in another. (Infinite complex numbers are left out
of this: 2 * x has a NaN that x + x has not.)
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from typing import Any

import numpy as np

from tinygrad_edu.compiler.ir import IRNode, PythonNumber, frozen, is_number
from tinygrad_edu.compiler.probing import commutes
from tinygrad_edu.graph.terms import Applied, Literal, Symbol, Term, names
from tinygrad_edu.primitives import arithmetic, indexing, linear_algebra, reductions, shaping
from tinygrad_edu.primitives.constants import question
from tinygrad_edu.primitives.primitive import Primitive
from tinygrad_edu.primitives.table import TABLE

Make = Callable[..., IRNode]
"""`make(primitive, inputs, params)`: the simplest node that computes this."""

_OPERATORS = {
    ast.Add: arithmetic.add, ast.Sub: arithmetic.subtract, ast.Mult: arithmetic.multiply, ast.Div: arithmetic.divide,
    ast.Pow: arithmetic.power, ast.MatMult: linear_algebra.matmul, ast.USub: arithmetic.negative, ast.UAdd: arithmetic.positive,
}  # fmt: skip
_ARITHMETIC = {*_OPERATORS.values(), reductions.sum}
_ANY_PARAMS = {reductions.sum, reductions.mean}  # these may be over any axes; both sides of an identity mean the same ones


def _is_moderate(node: IRNode) -> bool:
    """Whether a number may leave its product without bringing what is left near the largest or smallest number there is."""
    return is_number(node) and bool(1e-12 <= abs(node.value) <= 1e12)


def _is_unknown(node: IRNode) -> bool:
    return node.value is None


LETTERS: Mapping[str, Callable[[IRNode], bool]] = {
    "c": is_number,
    "d": is_number,
    "k": _is_moderate,
    "n": lambda node: is_number(node) and np.isrealobj(node.value) and bool(node.value < 0),
    "p": lambda node: is_number(node) and node.value != 1,
    "u": _is_unknown,
    "v": _is_unknown,
    "g": lambda node: len(node.shape) == 1,
    "h": lambda node: len(node.shape) == 1,
    "A": lambda node: len(node.shape) < 3,
    "B": lambda node: len(node.shape) < 3,
    "M": lambda node: len(node.shape) == 2,
    "N": lambda node: len(node.shape) == 2,
}
"""What a letter may stand for: c and d for numbers that are known, k for one of moderate size, n for one below 0, p for one other
than 1; u and v for what is not known; g and h for vectors; M and N for matrices; A and B for matrices and vectors. All others stand
for anything."""
NUMBERS = "cdknp"


def _parsed(tree: ast.expr) -> Term:
    match tree:
        case ast.Name(letter):
            return Symbol(letter)
        case ast.Constant(float() | int() as number):
            return Literal(number)
        case ast.UnaryOp(operator, operand):
            return Applied(_OPERATORS[type(operator)], (_parsed(operand),))
        case ast.BinOp(left, operator, right):
            return Applied(_OPERATORS[type(operator)], (_parsed(left), _parsed(right)))
        case ast.Compare(left, [ast.Lt()], [right]):
            return Applied(question(np.less, 2), (_parsed(left), _parsed(right)))
        case ast.Attribute(operand, "T"):
            return Applied(shaping.transpose, (_parsed(operand),))
        case ast.Subscript(operand, index):
            return Applied(indexing.index, (_parsed(operand),), {"index": _index(index)})
        case ast.Call(ast.Name(name) | ast.Attribute(_, name), operands):
            return Applied(TABLE.entries[name], tuple(map(_parsed, operands)))
    raise AssertionError(ast.unparse(tree))


def _index(tree: ast.expr) -> Any:
    match tree:
        case ast.Tuple(parts):
            return tuple(map(_index, parts))
        case ast.Slice():
            return slice(None)
    return ast.literal_eval(tree)


@dataclass(frozen=True)
class Identity:
    """`before` may be written as `after`.

    shapes: of the letters, for tests; where nothing is said, all have one shape.
    smaller, larger: a letter that has to stand for fewer numbers, or for more, than there are in the result.
    """

    before: str
    after: str
    shapes: Mapping[str, tuple[int, ...]] | None = None
    smaller: str = ""
    larger: str = ""

    @cached_property
    def sides(self) -> tuple[Term, Term]:
        """Both, taken apart."""
        before, after = (_parsed(ast.parse(side, mode="eval").body) for side in (self.before, self.after))
        return before, after

    @cached_property
    def operation(self) -> Primitive | None:
        """The outermost operation of `before`."""
        before, _ = self.sides
        return before.primitive if isinstance(before, Applied) else None

    @cached_property
    def operands(self) -> frozenset[Primitive | None]:
        """The operations that have to be among its operands; None for a number, which needs none."""
        before, _ = self.sides
        parts = before.operands if isinstance(before, Applied) else ()
        operations = {part.primitive for part in parts if isinstance(part, Applied) and not _is_number(part)}
        return frozenset(operations | {None for part in parts if _is_number(part)})

    @cached_property
    def letters(self) -> list[str]:
        """The letters that occur in it."""
        return sorted(names(self.sides[0]))

    def applied(self, node: IRNode, make: Make, may_match: Callable[[IRNode], bool] = lambda node: True) -> IRNode | None:
        """The node as `after`, if it has the form of `before` with inner operations that `may_match`, else None.

        The result has the node's shape and dtype, and so has its dtype each operation within: with whole numbers that wrap around,
        or with masks, whose sum is no sum of numbers, an identity does not hold.
        """
        if not self.operands.issubset([part.primitive for part in node.inputs]):  # most nodes are done with here
            return None
        before, after = self.sides
        for found in _matches(before, node, {}, may_match, node.dtype, outermost=True):
            if not self._pays(found, node):
                continue
            new = _built(after, found, make, node.dtype)
            if new is not None and (new.shape, new.dtype) == (node.shape, node.dtype):
                return new
        return None

    def _pays(self, found: Found, node: IRNode) -> bool:
        """Whether what has to be smaller than the result is, and what has to be larger."""
        size = math.prod(node.shape)
        is_smaller = not self.smaller or math.prod(found[self.smaller].shape) < size
        return is_smaller and (not self.larger or math.prod(found[self.larger].shape) > size)


Found = dict[str, Any]


def _matches(
    term: Term, node: IRNode, found: Found, may_match: Callable[[IRNode], bool], dtype: Any, outermost: bool = False
) -> Iterator[Found]:
    """What the letters stand for, in each way in which the node has the form of the term."""
    if isinstance(term, Symbol):
        if found.get(term.name, node) is node and LETTERS.get(term.name, _is_anything)(node):
            yield {**found, term.name: node}
    elif isinstance(term, Literal) or _is_number(term):
        if is_number(node) and node.value == _number(term, found):
            yield found
    elif node.primitive is term.primitive and (outermost or (may_match(node) and _computes_in(dtype, node))):
        if term.primitive in _ANY_PARAMS:
            found = {**found, "params": node.params}
        elif (term.params or node.params) and frozen(term.params) != frozen(node.params):
            return
        orders = [node.inputs, node.inputs[::-1]] if commutes(term.primitive) else [node.inputs]
        for inputs in orders:
            ways: list[Found] = [found]
            for part, operand in zip(term.operands, inputs, strict=True):
                ways = [more for way in ways for more in _matches(part, operand, way, may_match, dtype)]
            yield from ways


@cache
def _is_number(term: Term) -> bool:
    """Whether a term is a number once its letters are known."""
    return names(term) <= set(NUMBERS)


def _is_anything(node: IRNode) -> bool:
    return True


def _number(term: Term, found: Found) -> Any:
    """What a term comes to whose letters are numbers."""
    if isinstance(term, Symbol):
        return _exact(found[term.name].value)
    return term.value if isinstance(term, Literal) else term.primitive.forward(*(_number(part, found) for part in term.operands))


def _built(term: Term, found: Found, make: Make, dtype: Any) -> IRNode | None:
    """The term with nodes for its letters; None if it would not compute in numbers of this dtype, or not in its range."""
    if isinstance(term, Symbol):
        node: IRNode = found[term.name]
        return node
    if isinstance(term, Literal):
        return make(None, (), {"value": term.value})
    parts = [_built(part, found, make, dtype) for part in term.operands]
    operands = [part for part in parts if part is not None]
    if len(operands) < len(parts):
        return None
    if all(part.value is not None and part.shape == () for part in operands):
        try:
            with np.errstate(all="ignore"):
                value = term.primitive.forward(*(_exact(part.value) for part in operands))
        except ArithmeticError:  # Python's division by zero
            return None
        number = _in_range(value, operands, dtype)
        return None if number is None else make(None, (), {"value": number})
    if term.primitive in _ARITHMETIC and not any(_computes_in(dtype, part) for part in operands if part.value is None):
        return None
    return make(term.primitive, operands, found["params"] if term.primitive in _ANY_PARAMS else term.params)


def _exact(number: Any) -> Any:
    """A number as one of Python's, which does not wrap around, and has the precision of any array that it may meet."""
    return number.item() if isinstance(number, np.generic) else number


def _in_range(value: Any, operands: Sequence[IRNode], dtype: Any) -> Any:
    """What came of known numbers, or None if it cannot stand for the operation in numbers of the dtype, in which not all exist."""
    dtype = np.dtype(dtype.type) if isinstance(dtype, PythonNumber) else dtype
    if not all(_exists_in(dtype, number) for number in (value, *(_exact(part.value) for part in operands))):
        return None
    if value == 0:  # it has vanished, or takes along what else is known of the size of the numbers
        return None
    is_nearly_whole = dtype.kind in "f" and 0 < abs(value - round(value)) <= np.spacing(abs(value))
    return float(round(value)) if is_nearly_whole else value  # 49 * (1 / 49) is one, but for rounding


def _exists_in(dtype: Any, number: Any) -> bool:
    """Whether a number is neither too large nor too small for a dtype."""
    if dtype.kind in "iu":
        return isinstance(number, int) and np.iinfo(dtype).min <= number <= np.iinfo(dtype).max
    if dtype.kind not in "fc":
        return False
    limits = np.finfo(dtype)
    return number == 0 or bool(float(limits.tiny) <= abs(number) <= float(limits.max))


def _computes_in(dtype: Any, node: IRNode) -> bool:
    """Whether a node's numbers are of a dtype, or Python's, which give way to any."""
    return node.dtype == dtype or isinstance(node.dtype, PythonNumber)


IDENTITIES = (
    # Nothing is done.
    Identity("+x", "x"),
    Identity("on_gradient(x)", "x"),
    Identity("x + 0", "x"),
    Identity("x - 0", "x"),
    Identity("0 - x", "-x"),
    Identity("x * 1", "x"),
    Identity("x / 1", "x"),
    Identity("x ** 1", "x"),
    Identity("difference(x, 0)", "x"),
    Identity("difference(0, x)", "-x"),
    Identity("x * -1", "-x"),
    Identity("x / -1", "-x"),
    Identity("-(-x)", "x"),
    Identity("x.T.T", "x"),
    Identity("np.where(m, x, x)", "x"),
    # The same, said shorter.
    Identity("x * x", "x ** 2"),
    Identity("x + x", "2 * x"),
    Identity("(-x) ** 2", "x ** 2"),
    Identity("np.logaddexp(x, 0)", "softplus(x)"),
    # Signs move outward, and into sums.
    Identity("-x * y", "-(x * y)"),
    Identity("-x / y", "-(x / y)"),
    Identity("x / -y", "-(x / y)"),
    Identity("x + -y", "x - y"),
    Identity("x - -y", "x + y"),
    # So do numbers, which meet there and become one.
    Identity("c * (d * x)", "(c * d) * x"),
    Identity("(k * x) * u", "k * (x * u)"),
    Identity("-a @ b", "-(a @ b)", shapes={"a": (2, 3), "b": (3, 4)}),
    Identity("a @ -b", "-(a @ b)", shapes={"a": (2, 3), "b": (3, 4)}),
    Identity("-(c * x)", "-c * x"),
    Identity("c * x / d", "(c / d) * x"),
    Identity("c * (x / d)", "(c / d) * x"),
    Identity("k * x / u", "k * (x / u)"),
    Identity("d * (c / y)", "(d * c) / y"),
    Identity("u * (k / y)", "k * (u / y)"),
    Identity("p / u / v", "p * (1 / u / v)"),
    Identity("u * (y / k)", "(1 / k) * (u * y)"),
    Identity("k * x + k * y", "k * (x + y)"),
    Identity("k * x - k * y", "k * (x - y)"),
    Identity("k * x + -k * y", "k * (x - y)"),
    # Or they meet those that are chosen from.
    Identity("-np.where(m, c, 0)", "np.where(m, -c, 0.0)"),
    Identity("-np.where(m, 0, c)", "np.where(m, 0.0, -c)"),
    Identity("k * np.where(m, c, 0)", "np.where(m, k * c, 0.0)"),
    Identity("k * np.where(m, 0, c)", "np.where(m, 0.0, k * c)"),
    # Transposes move inward.
    Identity("(-x).T", "-x.T"),
    Identity("(c * x).T", "c * x.T"),
    # A vector is a matrix with one row or one column, and the product knows it.
    Identity("(g[None] @ a)[0]", "g @ a", shapes={"g": (3,), "a": (3, 4)}),
    Identity("(g[None] @ a)[..., 0, :]", "g @ a", shapes={"g": (3,), "a": (2, 3, 4)}),
    Identity("M @ (g[:, None] * h)", "(M @ g)[:, None] * h", shapes={"M": (2, 3), "g": (3,), "h": (4,)}),
    Identity("(g[:, None] * h) @ M", "g[:, None] * (h @ M)", shapes={"M": (4, 3), "g": (3,), "h": (4,)}),
    Identity("M @ (k * (g[:, None] * h))", "k * ((M @ g)[:, None] * h)", shapes={"M": (5, 3), "g": (3,), "h": (4,)}),
    Identity("k * (g[:, None] * h) @ M", "k * (g[:, None] * (h @ M))", shapes={"M": (4, 6), "g": (3,), "h": (4,)}),
    Identity("(M[:, None] @ N)[:, 0]", "M @ N", shapes={"M": (2, 3), "N": (3, 4)}),
    Identity("(a @ g[:, None])[:, 0]", "a @ g", shapes={"a": (3, 4), "g": (4,)}),
    Identity("(a @ g[:, None])[..., 0]", "a @ g", shapes={"a": (2, 3, 4), "g": (4,)}),
)

# What is better said in another way once all else is done, and where nothing inside of `before` is needed elsewhere: it would
# be computed twice.
FINISHING = (
    Identity("(A @ B).T", "B.T @ A.T", shapes={"A": (2, 3), "B": (3, 4)}),
    Identity("np.sum(-x)", "-np.sum(x)"),
    Identity("np.sum(k * x)", "k * np.sum(x)"),
    Identity("np.sum(x / k)", "(1 / k) * np.sum(x)"),
    Identity("-(x - y)", "y - x"),
    Identity("-((x - y) * z)", "(y - x) * z"),
    Identity("-((x - y) / z)", "(y - x) / z"),
    Identity("-((x - y) @ b)", "(y - x) @ b", shapes={"x": (2, 3), "y": (2, 3), "b": (3, 4)}),
    Identity("-(b @ (x - y))", "b @ (y - x)", shapes={"x": (2, 3), "y": (2, 3), "b": (4, 2)}),
    Identity("n * (x - y)", "-n * (y - x)"),
    # Before a product of matrices or after it a number meets fewer numbers.
    Identity("(k * A) @ B", "k * (A @ B)", shapes={"A": (4, 3), "B": (3, 2)}, larger="A"),
    Identity("A @ (k * B)", "k * (A @ B)", shapes={"A": (2, 3), "B": (3, 4)}, larger="B"),
    Identity("k * (A @ B)", "(k * A) @ B", shapes={"A": (4, 2), "B": (2, 5)}, smaller="A"),
    Identity("k * (A @ B)", "A @ (k * B)", shapes={"A": (5, 4), "B": (4, 4)}, smaller="B"),
)

# Faster for large arrays: a ufunc can write into a given array, NumPy's logaddexp goes through numbers one by one, and the last
# two share e = exp(-|x|) and 1 + e. (What rounding took from 1 + e is put back: most machines have a fast log, few a fast log1p.)
EXPANSIONS = (
    Identity("relu(x)", "np.maximum(x, 0.0)"),
    Identity("sigmoid(x)", "np.where(x < 0.0, np.exp(-np.absolute(x)), 1.0) / (1.0 + np.exp(-np.absolute(x)))"),
    Identity(
        "softplus(x)",
        "np.maximum(x, 0.0) + (np.log(1.0 + np.exp(-np.absolute(x)))"
        " + (np.exp(-np.absolute(x)) - ((1.0 + np.exp(-np.absolute(x))) - 1.0)) / (1.0 + np.exp(-np.absolute(x))))",
    ),
)


@lru_cache(maxsize=1024)
def does_nothing(primitive: Primitive) -> bool:
    """Whether an identity says that an operation gives just what it is given, `+x` for x.

    >>> does_nothing(arithmetic.positive), does_nothing(arithmetic.negative)
    (True, False)
    """
    sides = (identity.sides for identity in IDENTITIES if identity.operation is primitive)
    return any(isinstance(before, Applied) and before.operands == (after,) for before, after in sides)
