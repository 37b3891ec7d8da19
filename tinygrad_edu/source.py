"""How an operation is written in Python: the printed form that its entry states, with its operands filled in.

Expressions are Python's own syntax trees, so that `ast.unparse` sets the brackets.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from tinygrad_edu.primitive import Primitive


def expression(primitive: Primitive, operands: Sequence[ast.expr], params: Mapping[str, Any] | None = None) -> ast.expr:
    """A call of an operation as a syntax tree.

    >>> from tinygrad_edu.primitives.arithmetic import add, multiply
    >>> total = expression(add, [ast.Name("a"), ast.Name("b")])
    >>> ast.unparse(expression(multiply, [total, ast.Constant(2.0)]))
    '(a + b) * 2.0'
    """
    defaults = {p.name: p.default for p in _parameters(primitive) if p.default is not p.empty}
    params = defaults | dict(params or {})
    template = primitive.code or _call_form(primitive, len(operands), defaults, params)
    template = template.replace("{inputs}", ", ".join(f"{{{position}}}" for position in range(len(operands))))
    fillings: dict[str, ast.expr] = {f"_{position}": operand for position, operand in enumerate(operands)}
    fillings |= {f"_{name}": literal(value) for name, value in params.items()}
    tree = ast.parse(re.sub(r"\{(\w+)\}", r"_\1", template), mode="eval").body
    filled: ast.expr = _Filling(fillings).visit(tree)
    return filled


def _call_form(primitive: Primitive, inputs: int, defaults: Mapping[str, Any], params: Mapping[str, Any]) -> str:
    """`np.sum({0}, axis={axis})`: parameters that have their default value are left out."""
    is_numpy = (getattr(primitive.forward, "__module__", None) or "").startswith("numpy")
    function = primitive.numpy[0] if primitive.numpy else primitive.forward if is_numpy else None
    module = (getattr(function, "__module__", None) or "numpy").replace("numpy", "np", 1)
    name = function.__name__ if function is not None else primitive.name
    prefix = f"{module}." if function is not None else ""
    shown = [key for key, value in params.items() if key not in defaults or not _equal(defaults[key], value)]
    arguments = [f"{{{position}}}" for position in range(inputs)] + [f"{key}={{{key}}}" for key in shown]
    return f"{prefix}{name}({', '.join(arguments)})"


@lru_cache(maxsize=1024)
def _parameters(primitive: Primitive) -> list[inspect.Parameter]:
    try:
        return list(inspect.signature(primitive.forward).parameters.values())
    except (TypeError, ValueError):  # NumPy's ufuncs have no signature
        return []


def _equal(a: Any, b: Any) -> bool:
    return type(a) is type(b) and not isinstance(a, np.ndarray | ast.expr) and bool(a == b)


def literal(value: Any) -> ast.expr:
    """A parameter or constant as it would be typed. What is an expression already stays."""
    if isinstance(value, ast.expr):
        return value
    if isinstance(value, slice):
        return ast.Slice(*(None if part is None else literal(part) for part in (value.start, value.stop, value.step)))
    if value is ...:
        return ast.Constant(...)
    if isinstance(value, tuple):
        return ast.Tuple([literal(part) for part in value])
    if isinstance(value, list):
        return ast.List([literal(part) for part in value])
    if isinstance(value, np.ndarray):
        return _array_literal(value)
    if isinstance(value, np.generic):
        return literal(value.item())
    if isinstance(value, np.dtype):
        return ast.Attribute(ast.Name("np"), value.name)
    if isinstance(value, type) and issubclass(value, np.generic):
        return ast.Attribute(ast.Name("np"), value.__name__)
    if isinstance(value, float) and not np.isfinite(value):
        return ast.parse({"inf": "np.inf", "-inf": "-np.inf"}.get(str(value), "np.nan"), mode="eval").body
    if isinstance(value, float | int) and not isinstance(value, bool) and value < 0:
        return ast.UnaryOp(ast.USub(), ast.Constant(-value))
    return ast.Constant(value)


def _array_literal(array: np.ndarray[Any, np.dtype[Any]]) -> ast.expr:
    """`np.array([...])`, with the dtype where the numbers do not say it; shorter for whole numbers in a row and for np.eye."""
    if not array.size:
        return _made("empty", [array.shape], array.dtype, float)
    if array.ndim == 1 and array.dtype.kind == "i" and array.size > 2 and np.array_equal(array, np.arange(array[0], array[-1] + 1)):
        first, end = int(array[0]), int(array[-1]) + 1
        return _made("arange", [first, end] if first else [end], array.dtype, int)
    if array.ndim == 2 and array.size > 1 and np.array_equal(array, np.eye(len(array))):
        return _made("eye", [len(array)], array.dtype, float)
    numbers = array.tolist()
    return _made("array", [numbers], array.dtype, np.array(numbers).dtype)


def is_written_briefly(array: Any) -> bool:
    """Whether an array can be written down without all of its numbers.

    >>> is_written_briefly(np.arange(1000)), is_written_briefly(np.linspace(0.0, 1.0))
    (True, False)
    """
    form = literal(np.asarray(array))
    return isinstance(form, ast.Call) and isinstance(form.func, ast.Attribute) and form.func.attr != "array"


def _made(function: str, arguments: Sequence[Any], dtype: Any, usual: Any) -> ast.expr:
    keywords = [] if dtype == usual else [ast.keyword("dtype", literal(dtype))]
    return ast.Call(ast.Attribute(ast.Name("np"), function), [literal(x) for x in arguments], keywords)


class _Filling(ast.NodeTransformer):
    """Puts operands in the place of the names that stand for them."""

    def __init__(self, fillings: Mapping[str, ast.expr]) -> None:
        self._fillings = fillings

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self._fillings.get(node.id, node)

    def visit_keyword(self, node: ast.keyword) -> ast.AST | None:
        self.generic_visit(node)
        is_said_in_vain = node.arg == "keepdims" and isinstance(node.value, ast.Constant) and node.value.value is False
        return None if is_said_in_vain else node


def function_source(function: Callable[..., Any], name: str) -> dict[str, str] | None:
    """The source of a function and of those that it calls, by name, without types; None if it cannot be had."""
    if not isinstance(function, FunctionType):
        return None
    if function.__module__ == "scipy.special":
        its_name = function.__name__
        return {name: f"from scipy.special import {its_name}" + (f" as {name}" if name != its_name else "")}
    if function.__closure__ or function.__name__ == "<lambda>":
        return None
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    except (OSError, TypeError, SyntaxError):
        return None
    assert isinstance(tree, ast.FunctionDef)
    found: dict[str, str] = {}
    for used in {part.id for part in ast.walk(tree) if isinstance(part, ast.Name)} - {*function.__code__.co_varnames}:
        thing = function.__globals__.get(used)
        if isinstance(thing, FunctionType):
            inner = function_source(thing, used)
            if inner is None:
                return None
            found |= inner
        elif isinstance(thing, float | int):
            found[used] = f"{used} = {thing!r}"
        elif isinstance(thing, ModuleType) and thing.__name__ == used:
            found[used] = f"import {used}"
        elif thing is not None and thing is not np and thing is not Any:
            return None
    tree.name, tree.returns, tree.decorator_list = name, None, []
    for argument in [*tree.args.args, *tree.args.kwonlyargs, *tree.args.posonlyargs]:
        argument.annotation = None
    if ast.get_docstring(tree):
        tree.body = tree.body[1:]
    return found | {name: ast.unparse(tree)}
