"""The intermediate representation: the graph that a program is compiled from. What its nodes compute never changes, and no two are
equal.

A node is an input of the program, a constant, or an operation on other nodes. Making a node that is there already gives the one
that is there, so common subexpressions are shared from the start and equal programs are the same nodes. This module knows
operations only as entries of the op table; it knows neither Values nor how a node is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import partial
from types import FunctionType
from typing import Any

import numpy as np

from tinygrad_edu.compiler.keeping import is_filled
from tinygrad_edu.compiler.probing import commutes
from tinygrad_edu.primitives.broadcasting import cast
from tinygrad_edu.primitives.primitive import Primitive
from tinygrad_edu.primitives.table import TABLE


@dataclass(frozen=True)
class PythonNumber:
    """The dtype of Python's own numbers, which give way to the dtype of the arrays that they meet."""

    type: type
    kind: str

    @property
    def name(self) -> str:
        """`float`, `int` or `bool`."""
        return self.type.__name__


PYTHON = {float: PythonNumber(float, "f"), int: PythonNumber(int, "i"), bool: PythonNumber(bool, "b")}


Type = tuple[tuple[int, ...], Any]
"""A shape and a dtype."""


class Rank(IntEnum):
    """Who says what something is called. Of two names the one of the higher rank counts."""

    OPERATION = 0
    FUNCTION = 1
    PLACE = 2
    COTANGENT = 3
    VARIABLE = 4
    GIVEN = 5


@dataclass(eq=False, slots=True)
class Label:
    """What something is called in the user's program.

    name: as it is there; others may have the same one, as in each round of a loop.
    rank: whether the user gave the name with `named` (GIVEN), or it is that of a local variable, of a parameter or a place in what
        was returned (PLACE), of the function that returned it, or of its operation. The first two want a line of their own.
    of: for the cotangent of something the label of that; its name is d_ and the other's.
    """

    name: str
    rank: Rank
    of: Label | None = None


class IRNode:
    """One number or array of the program.

    primitive: the operation that computes it; None for an input or a constant.
    inputs, params: what the operation is applied to.
    shape, dtype: of the result. The dtype of a Python number is a `PythonNumber`.
    value: the number or array of a constant; None for all others.
    name: what an input is called; empty for all others.
    label: what it is called in the user's program, if that is known.
    line: the number of the line of the user's function that it comes from, or whose derivative it belongs to, if that is known.
    """

    __slots__ = ("dtype", "inputs", "label", "line", "name", "params", "primitive", "shape", "value")

    def __init__(
        self,
        shape: tuple[int, ...],
        dtype: Any,
        primitive: Primitive | None = None,
        inputs: tuple[IRNode, ...] = (),
        params: Mapping[str, Any] | None = None,
        value: Any = None,
        name: str = "",
    ) -> None:
        self.shape, self.dtype, self.primitive, self.inputs = shape, dtype, primitive, inputs
        self.params, self.value, self.name = params or {}, value, name
        self.label: Label | None = None
        self.line: int | None = None

    @property
    def operation(self) -> Primitive | None:
        """The operation, by which it is told from others; a form of one counts as that one."""
        return self.primitive and (self.primitive.form_of or self.primitive)

    def is_called(self, label: Label | None) -> None:
        """It has this name, too; that of the higher rank stays, and of two the first."""
        if label is not None and (self.label is None or label.rank > self.label.rank):
            self.label = label

    def is_from(self, line: int | None) -> None:
        """It comes from a line, and so do those of its inputs of which no line is known; a line that is known stays."""
        to_visit = [self] if line is not None else []
        while to_visit:
            node = to_visit.pop()
            if node.line is None and node.primitive is not None:
                node.line = line
                to_visit.extend(node.inputs)

    def __repr__(self) -> str:
        return self.name or (self.primitive.name if self.primitive else repr(self.value))


class IRGraph:
    """All nodes that were made.

    >>> from tinygrad_edu.primitives.arithmetic import multiply
    >>> graph = IRGraph()
    >>> x, two = graph.input("x", (3,), np.dtype(float)), graph.constant(2)
    >>> graph.apply(multiply, (x, two)) is graph.apply(multiply, (two, x))
    True
    """

    def __init__(self) -> None:
        self._nodes: dict[Any, IRNode] = {}

    def input(self, name: str, shape: tuple[int, ...], dtype: Any) -> IRNode:
        """An input of the program."""
        return self._nodes.setdefault(("input", name), IRNode(shape, dtype, name=name))

    def constant(self, value: Any) -> IRNode:
        """A number or array that is part of the program."""
        array = np.asarray(value)
        key = ("constant", array.shape, type(value), array.dtype, _bits(array))
        return self._nodes.setdefault(key, IRNode(array.shape, kind_of(value), value=value))

    def apply(
        self,
        primitive: Primitive,
        inputs: Sequence[IRNode],
        params: Mapping[str, Any] | None = None,
        like: Type | None = None,
    ) -> IRNode:
        """An operation on nodes. `like` is the shape and dtype of its result, where they are known."""
        params = dict(sorted((params or {}).items()))
        in_order = tuple(sorted(map(id, inputs))) if is_elementwise(primitive) and commutes(primitive) else tuple(map(id, inputs))
        key = (_what_it_computes(primitive), in_order, frozen(params))
        node = self._nodes.get(key)
        if node is None:
            shape, dtype = like or result_type(primitive, inputs, params)
            node = self._nodes[key] = IRNode(shape, dtype, primitive, tuple(inputs), params)
        return node


def _what_it_computes(primitive: Primitive) -> Any:
    """Equal for operations that do the same, by whatever name: a function may make its operation anew each time it is called."""
    return primitive.code, _what_it_does(primitive.forward, ())


def _what_it_does(x: Any, within: tuple[Any, ...]) -> Any:
    """Of a function its code and what it closes over; of numbers, text and arrays what they are; of all else which thing it is."""
    if id(x) in within:  # a function that calls itself
        return within.index(id(x))
    within = (*within, id(x))
    if isinstance(x, FunctionType):
        held = [cell.cell_contents for cell in x.__closure__ or () if is_filled(cell)]
        beside = (x.__defaults__, x.__kwdefaults__, *held)
        return (x.__code__, id(x.__globals__), *(_what_it_does(each, within) for each in beside))
    if type(x) is partial:
        return (partial, *(_what_it_does(each, within) for each in (x.func, x.args, x.keywords)))
    if type(x) in (tuple, list):
        return (type(x), *(_what_it_does(each, within) for each in x))
    if type(x) is dict:
        return (dict, tuple(x), *(_what_it_does(each, within) for each in x.values()))
    is_told = type(x) in (bool, int, float, complex, str, bytes, type(None)) or isinstance(x, np.generic)
    return frozen(x) if is_told or (type(x) is np.ndarray and x.dtype != object) else (type(x), id(x))


def _bits(array: Any) -> Any:
    """What tells the numbers of one array from those of another. The bytes of a longdouble have gaps, with anything in them, and
    those of a whole number of more than 64 bits say where it is."""
    return repr(array.tolist()) if array.dtype.char in "gGO" else array.tobytes()


def frozen(x: Any) -> Any:
    """Parameters in a form that can be compared and looked up, in which 1 is not 1.0, nor 0.0 what -0.0 is."""
    if type(x) in (int, str, bool, type(None)):  # most of them
        return (type(x), x)
    if isinstance(x, float):
        return (type(x), x.hex())
    if isinstance(x, complex):
        return (type(x), x.real.hex(), x.imag.hex())
    if isinstance(x, np.ndarray | np.generic):
        return (type(x), x.shape, x.dtype, _bits(x))
    if isinstance(x, bytearray):
        return (type(x), bytes(x))
    if isinstance(x, set | frozenset):
        return (type(x), frozenset(map(frozen, x)))
    if isinstance(x, slice):
        return (slice, *map(frozen, (x.start, x.stop, x.step)))
    if isinstance(x, tuple | list):
        return (type(x), *map(frozen, x))
    if isinstance(x, Mapping):
        return tuple((key, frozen(part)) for key, part in x.items())
    return (type(x), x)


def ufunc_of(primitive: Primitive) -> np.ufunc | None:
    """The ufunc that an operation is, also where Python's operator stands for it."""
    function = primitive.numpy[0] if primitive.numpy else primitive.forward
    return function if isinstance(function, np.ufunc) else None


def is_elementwise(primitive: Primitive) -> bool:
    """Whether an operation works element by element; entries of the table that do not state their cases."""
    ufunc = ufunc_of(primitive)
    if ufunc is not None:
        return ufunc.signature is None
    return TABLE.entries.get(primitive.name) is primitive and not primitive.cases


def is_number(node: IRNode) -> bool:
    """Whether a node is a constant that is a single finite number."""
    return node.value is not None and node.shape == () and (type(node.value) is int or bool(np.isfinite(node.value)))


def is_ordinary(node: IRNode) -> bool:
    """Whether numbers of the dtype may meet in another order, and those that are known become one, in Python's double precision.

    Those of half precision come to the end of their range, which is 65504; long ones would lose their precision.
    """
    if isinstance(node.dtype, PythonNumber) or node.dtype.kind not in "fc":
        return True
    return 4 <= np.finfo(node.dtype).dtype.itemsize <= 8


def are_mixed(nodes: Iterable[IRNode]) -> bool:
    """Whether numbers of several precisions occur, so that it matters whether a number is Python's or NumPy's."""
    nodes = list(nodes)
    names = {dtype.name for dtype in {node.dtype for node in nodes} if dtype.kind in "fciu"}
    only_double = names <= {"float", "int", "float64", "int64", "complex128"}
    return not only_double or any(map(_makes_numpys_whole, nodes)) or any(map(_computes_with_truths, nodes))


def _makes_numpys_whole(node: IRNode) -> bool:
    """Whether of a whole number of Python's, which may have any number of digits, one of NumPy's is made, which has 64 bits."""
    return node.operation is cast and node.dtype.kind == "i" and node.inputs[0].dtype == PYTHON[int]


def _computes_with_truths(node: IRNode) -> bool:
    """Whether Python would make another number of truths of NumPy's: their sum is a truth, where Python's is 2."""
    if node.primitive is None or not is_operator(node.primitive) or isinstance(node.dtype, PythonNumber):
        return False
    are_truths = all(part.dtype.kind == "b" and part.shape == () for part in node.inputs)
    return are_truths and np.dtype(type(node.primitive.forward(*[True] * len(node.inputs)))) != node.dtype


def is_operator(primitive: Primitive) -> bool:
    """Whether an operation is one of Python's operators."""
    return getattr(primitive.forward, "__module__", "") == "_operator"


def result_type(primitive: Primitive, inputs: Sequence[IRNode], params: Mapping[str, Any]) -> tuple[tuple[int, ...], Any]:
    """The shape and dtype of a result: the operation is applied to stand-ins that take no memory."""
    with np.errstate(all="ignore"):
        if is_elementwise(primitive):
            shape = np.broadcast_shapes(*(node.shape for node in inputs))
            return shape, kind_of(primitive.forward(*(node.dtype.type(1) for node in inputs), **params))
        stand_in = _invertible_stand_in if getattr(primitive.forward, "__module__", "") == "numpy.linalg" else _stand_in
        result = primitive.forward(*map(stand_in, inputs), **params)
    return np.shape(result), kind_of(result)


def kind_of(x: Any) -> Any:
    """The dtype of a number or array; for a Python number a `PythonNumber`."""
    return PYTHON.get(type(x)) or np.asarray(x).dtype


def _stand_in(node: IRNode) -> Any:
    """Ones; whole numbers, which may be positions, are zeros: an axis of length one has no other position."""
    number = node.dtype.type(0 if node.dtype.kind in "iu" else 1)
    return number if isinstance(node.dtype, PythonNumber) else np.broadcast_to(number, node.shape)


def _invertible_stand_in(node: IRNode) -> Any:
    """Identity matrices in place of square ones, which can be solved for and factorized."""
    is_square = len(node.shape) > 1 and node.shape[-1] == node.shape[-2]
    return np.broadcast_to(np.eye(node.shape[-1], dtype=node.dtype), node.shape) if is_square else _stand_in(node)
