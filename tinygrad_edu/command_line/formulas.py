"""A formula that a user typed, as a function of what it names: read once, never run as Python.

Python's parser makes a tree of it. What has no reading here is refused with its column, so that nothing is left but arithmetic, the
functions that have derivatives or answer a question about numbers, and the names that were given.
"""

from __future__ import annotations

import ast
import operator
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from inspect import Parameter, Signature
from types import ModuleType
from typing import Any

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu.command_line import arithmetic
from tinygrad_edu.command_line.tables import nearest
from tinygrad_edu.engine.messages import cut
from tinygrad_edu.errors import DataError, DetachError
from tinygrad_edu.primitives.constants import CONSTANT_FUNCTIONS
from tinygrad_edu.primitives.primitive import Primitive
from tinygrad_edu.primitives.table import TABLE

Reading = Callable[[Mapping[str, Any]], Any]
"""What a part of a formula comes to, once the names have values."""

MOST_SIGNS = 10_000
"""A longer formula is a mistake."""

_NOTHING = object()

_OPERATIONS: dict[type, Callable[..., Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod, ast.Pow: operator.pow, ast.MatMult: operator.matmul,
    ast.UAdd: operator.pos, ast.USub: operator.neg,
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge,
    ast.Eq: operator.eq, ast.NotEq: operator.ne,
    ast.BitAnd: operator.and_, ast.BitOr: operator.or_, ast.Invert: operator.invert,
}  # fmt: skip
_INSTEAD = {
    ast.BitXor: "^ is no power here: write x ** 2.",
    ast.BoolOp: "write (a) & (b), or (a) | (b), for conditions.",
    ast.Not: "write ~(a) for the opposite of a condition.",
    ast.IfExp: "write where(condition, a, b).",
    ast.Attribute: "of what a value has there is its transpose alone, X.T; a function stands before it: sum(x), not x.sum().",
}
"""What to write in place of what is no part of a formula."""
_NO_NUMBER = "this is no number. A value is a number, a list as in [1, 2], or a file that ends in .npy or .csv."
_INSTEAD_OF: dict[type, str] = {
    RecursionError: "it is nested too deep.",
    DetachError: "this takes plain numbers, to which no derivative passes: write stop_gradient(...) around constants.",
}
"""What to say in place of what an error says to those who write Python."""
_SIGNS = {
    "−": "-", "–": "-", "×": "*", "·": "*", "⋅": "*", "÷": "/", "²": "**2", "³": "**3", "½": "0.5", "√": "sqrt", "π": "pi",
    "，": ",", "（": "(", "）": ")", "【": "[", "】": "]", "＊": "*",
}  # fmt: skip
"""The same for signs of mathematics that Python's parser does not know."""


class Formula:
    """A formula as a function: called with a value for each of its names.

    names: of what was given, those that it uses, in the order in which they were given.

    >>> f = Formula("0.5*(t - theta*x)**2", ["theta", "x", "t"])
    >>> f(3.0, 2.0, 8.0), float(tg.grad(f)(3.0, 2.0, 8.0))
    (2.0, -4.0)
    >>> Formula("__import__('os')", [])
    Traceback (most recent call last):
        ...
    tinygrad_edu.errors.DataError: the formula, column 1, __import__('os'): there is no function __import__ to compute with.
    """

    def __init__(self, text: str, given: Sequence[str], name: str = "loss") -> None:
        """given: the names that it may use. name: its own, if it is not given; else another one.

        Raises
        ------
        DataError: if it is no formula; the message says where, and what to write.
        """
        reader = _Reader(text, given)
        with told("the formula"):
            self._reading = reader.reading()
        self.names = tuple(one for one in given if one in reader.used)
        self.__name__ = next(own for own in (name, "loss", "f", "formula", "result", "_") if own not in given)

    @property
    def __signature__(self) -> Signature:
        return Signature([Parameter(name, Parameter.POSITIONAL_OR_KEYWORD) for name in self.names])

    def __call__(self, *values: Any) -> Any:
        result = self._reading(dict(zip(self.names, values, strict=True)))
        return result.named(self.__name__) if isinstance(result, tg.Value) and result.primitive is not None else result


def constant(text: str, what: str) -> Any:
    """What a formula without names comes to, as a number or an array: `-2`, `1e-3`, `1/3`, `[1, 2]`.

    what: as an error calls it.

    Raises
    ------
    DataError: if it is none.
    """
    with told(what):
        found = _Reader(text, []).reading()({})
        if found is None:
            raise DataError(_NO_NUMBER)
        if isinstance(found, list):
            raise DataError("the lists in it are not equally long.")
        return np.asarray(found, dtype=np.float64)


@contextmanager
def told(what: str) -> Iterator[None]:
    """Whatever goes wrong in a formula becomes an error of the user's, with its place. what: as it calls the formula.

    Raises
    ------
    DataError: if something goes wrong.
    """
    try:
        with quiet():
            yield
    except Exception as error:
        words = _INSTEAD_OF.get(type(error)) or str(error) or "there is not enough memory."
        raise DataError(f"{', '.join([what, *getattr(error, '__notes__', [])])}: {words}") from error


@contextmanager
def quiet() -> Iterator[None]:
    """No warnings: not of Python's parser about 1if, and not of NumPy about numbers that overflow, which are shown as they are."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


class _Reader:
    """Reads the tree of a formula.

    used: the given names that occur in it.
    """

    def __init__(self, text: str, given: Sequence[str]) -> None:
        self._text, self._given = " ".join(text.splitlines()).lstrip(), given
        self._begin = len(text) - len(text.lstrip())
        self.used: set[str] = set()

    def reading(self) -> Reading:
        """What the whole formula comes to."""
        return self._read(self._tree())

    # --- the tree ---

    def _tree(self) -> ast.expr:
        if not self._text:
            raise DataError("there is nothing.")
        if len(self._text) > MOST_SIGNS:
            raise DataError(f"it has {len(self._text)} signs, and no more than {MOST_SIGNS} are read. Long lists come from files.")
        if "#" in self._text:
            raise _at(f"column {self._begin + self._text.index('#') + 1}", "# begins a remark, which no formula has.")
        try:
            return ast.parse(self._text, mode="eval").body
        except UnicodeEncodeError as error:
            raise _at(f"column {self._begin + error.start + 1}", "this is no text.") from None
        except SyntaxError as error:
            column = min(error.offset or 1, len(self._text))
            sign = self._text[column - 1]
            words = f"for {sign} write {_SIGNS[sign]}." if sign in _SIGNS else f"this is no formula: {error.msg}."
            raise _at(f"column {self._begin + column}", words) from None
        except (RecursionError, MemoryError):
            raise DataError("it is nested too deep.") from None
        except ValueError as error:  # a sign with the number 0
            raise DataError(f"this is no formula: {error}.") from None

    def _place(self, node: ast.expr) -> str:
        """Where a part of the formula is, and what stands there. The parser counts in bytes."""
        bytes_of_line = self._text.encode()
        column = len(bytes_of_line[: node.col_offset].decode()) + self._begin + 1
        return f"column {column}, {cut(bytes_of_line[node.col_offset : node.end_col_offset].decode())}"

    def _refused(self, node: ast.expr, words: str = "") -> DataError:
        kinds = (type(node), type(getattr(node, "op", None)))
        instead = next((_INSTEAD[kind] for kind in kinds if kind in _INSTEAD), "this is Python, but no arithmetic.")
        return _at(self._place(node), words or instead)

    # --- what it comes to ---

    def _read(self, node: ast.expr) -> Reading:
        match node:
            case ast.Constant(value=value):
                return self._same(self._literal(node, value))
            case ast.Name(id=name):
                return self._named(node, name)
            case ast.List(elts=parts):
                return self._computed(node, arithmetic.listed, *parts)
            case ast.Tuple(elts=parts):
                return self._computed(node, lambda *items: items, *parts)
            case ast.Subscript(value=value, slice=index):
                return self._computed(node, lambda x, at: arithmetic.operand(x)[arithmetic.index(at)], value, index)
            case ast.Slice(lower=lower, upper=upper, step=step):
                return self._computed(node, slice, *(part or ast.Constant(None) for part in (lower, upper, step)))
            case ast.Call(func=function, args=arguments, keywords=keywords):
                return self._called(node, function, arguments, keywords)
            case ast.Attribute():
                return self._attribute(node)
            case _:
                return self._operation(node)

    def _operation(self, node: ast.expr) -> Reading:
        match node:
            case ast.UnaryOp(op=op, operand=operand):
                parts = [operand]
            case ast.BinOp(left=left, op=op, right=right):
                parts = [left, right]
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                parts = [left, right]
            case ast.Compare():
                raise self._refused(node, "two numbers are compared at a time: write (0 < x) & (x < 1).")
            case _:
                raise self._refused(node)
        if type(op) not in _OPERATIONS:
            raise self._refused(node)
        return self._computed(node, arithmetic.of_numbers(_OPERATIONS[type(op)]), *parts)

    def _attribute(self, node: ast.Attribute) -> Reading:
        path = _path(node)
        if path and path.split(".")[0] not in self._given and (found := _found(path)) is not _NOTHING:
            return self._constant(node, path, found)
        if node.attr == "T":
            return self._computed(node, np.transpose, node.value)
        raise self._refused(node, "" if self._given else _NO_NUMBER)

    def _same(self, value: Any) -> Reading:
        return lambda given: value

    def _computed(self, node: ast.expr, compute: Callable[..., Any], *parts: ast.expr, **named: ast.expr) -> Reading:
        """What is computed from parts. An error is given the place of the innermost part that it comes from."""
        readings = [self._read(part) for part in parts]
        named_readings = {name: self._read(part) for name, part in named.items()}

        def result(given: Mapping[str, Any]) -> Any:
            items = [reading(given) for reading in readings]
            named_items = {name: reading(given) for name, reading in named_readings.items()}
            try:
                return compute(*items, **named_items)
            except Exception as error:
                error.add_note(self._place(node))
                raise

        return result

    def _literal(self, node: ast.expr, value: Any) -> Any:
        if isinstance(value, complex | str | bytes):
            raise self._refused(node, "a formula has real numbers, and no text.")
        if type(value) in (int, float) and abs(value) > sys.float_info.max:
            raise self._refused(node, "this is too large for a number of 64 bits.")
        return float(value) if type(value) is int and abs(value) > arithmetic.EXACT else value

    def _named(self, node: ast.expr, name: str) -> Reading:
        if name in self._given:
            self.used.add(name)
            return lambda given: given[name]
        if (found := _found(name)) is not _NOTHING:
            return self._constant(node, name, found)
        if not self._given:
            raise self._refused(node, _NO_NUMBER)
        raise self._refused(node, f"there is no such name{nearest(name, self._given)}")

    def _constant(self, node: ast.expr, path: str, found: Any) -> Reading:
        if callable(found):
            raise self._refused(node, f"this is a function: write {path}(...).")
        return self._same(found)

    def _called(self, node: ast.expr, function: ast.expr, arguments: list[ast.expr], keywords: list[ast.keyword]) -> Reading:
        path = _path(function)
        if isinstance(function, ast.Attribute) and (not path or path.split(".")[0] in self._given):
            raise self._refused(function)
        if not path:
            raise self._refused(node, "this is no function. A product is written with a sign: 2 * (x).")
        if path in self._given:
            raise self._refused(node, f"{path} is a number here, and no function: write {path} * (...), or np.{path}(...).")
        if not callable(found := _found(path)):
            known = [name for name in [*dir(np), *tg.__all__] if callable(_found(name))]
            near = [f"linalg.{path}"] if callable(_found(f"linalg.{path}")) else get_close_matches(path, known, n=1, cutoff=0.75)
            raise self._refused(node, f"there is no function {path} to compute with{f'; do you mean {near[0]}?' if near else '.'}")
        if path in ("max", "min") and len(arguments) > 1:  # in Python the larger of two, in NumPy that along an axis
            raise self._refused(node, f"write {path}imum(a, b) for two numbers, and {path}(x, axis=0) for those of an array.")
        unpacked = [keyword.value for keyword in keywords if keyword.arg is None]
        if unpacked:
            raise self._refused(unpacked[0])
        return self._computed(
            node, arithmetic.limited(found), *arguments, **{str(keyword.arg): keyword.value for keyword in keywords}
        )


def _at(place: str, words: str) -> DataError:
    error = DataError(words)
    error.add_note(place)
    return error


# --- names ---------------------------------------------------------------------------------------------------------------------


def _path(node: ast.expr) -> str:
    """What a function is called, with the modules before it: `np.linalg.norm`. Empty if this is no such name."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=name):
            return f"{before}.{name}" if (before := _path(value)) else ""
    return ""


def _found(path: str) -> Any:
    """The constant or the function that a name means, of NumPy or of this package.

    Of functions there are those alone that compute with numbers: the table of operations has them, or they answer a question.
    """
    first, *names = path.split(".")
    roots = {"np": [np], "numpy": [np], "tg": [tg]}.get(first) if names else None
    for place in roots or [np, tg]:
        found: Any = place
        for name in names if roots else path.split("."):
            is_open = isinstance(found, ModuleType) and (found is tg or found.__name__.startswith("numpy"))
            found = getattr(found, name, _NOTHING) if is_open and not name.startswith("_") else _NOTHING
        if found is None or isinstance(found, float) or _computes(found):
            return found
    return _NOTHING


def _computes(found: Any) -> bool:
    is_ours = isinstance(found, Primitive) or str(getattr(found, "__module__", "")).startswith("tinygrad_edu.primitives")
    return callable(found) and (is_ours or found in TABLE.functions or found in CONSTANT_FUNCTIONS)
