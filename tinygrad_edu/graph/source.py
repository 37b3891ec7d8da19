"""How an operation is written in Python: the printed form that its entry states, with its operands filled in.

Expressions are Python's own syntax trees, so that `ast.unparse` sets the brackets.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import keyword
import re
import sys
import textwrap
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from tinygrad_edu.engine.messages import text_of
from tinygrad_edu.primitives.primitive import Primitive


def expression(primitive: Primitive, operands: Sequence[ast.expr], params: Mapping[str, Any] | None = None) -> ast.expr:
    """A call of an operation as a syntax tree.

    >>> from tinygrad_edu.primitives.arithmetic import add, multiply
    >>> total = expression(add, [ast.Name("a"), ast.Name("b")])
    >>> ast.unparse(expression(multiply, [total, ast.Constant(2.0)]))
    '(a + b) * 2.0'
    """
    params = params or {}
    if not primitive.code:
        return _call(primitive, operands, stated(primitive, params))
    params = {**_defaults(primitive), **params}
    template = primitive.code.replace("{inputs}", ", ".join(f"{{{position}}}" for position in range(len(operands))))
    fillings: dict[str, ast.expr] = {f"_{position}": operand for position, operand in enumerate(operands)}
    fillings |= {f"_{name}": literal(value) for name, value in params.items()}
    filled: ast.expr = _filled(_parsed(template), fillings)
    return filled


@lru_cache(maxsize=1024)
def _parsed(template: str) -> ast.expr:
    """A printed form, with names in place of the operands and parameters."""
    return ast.parse(re.sub(r"\{(\w+)\}", r"_\1", template), mode="eval").body


def _filled(tree: Any, fillings: Mapping[str, ast.expr]) -> Any:
    """A printed form once more, with what the names in it stand for."""
    if isinstance(tree, ast.Name):
        return fillings.get(tree.id, tree)
    if isinstance(tree, list):
        return [part for part in (_filled(part, fillings) for part in tree) if not _is_default(part)]
    if not isinstance(tree, ast.expr | ast.keyword):
        return tree
    return type(tree)(**{name: _filled(getattr(tree, name), fillings) for name in tree._fields if hasattr(tree, name)})


def _is_default(part: Any) -> bool:
    """Whether it is `keepdims=False`, which goes without saying."""
    is_keyword = isinstance(part, ast.keyword) and part.arg == "keepdims"
    return is_keyword and isinstance(part.value, ast.Constant) and part.value.value is False


def _call(primitive: Primitive, operands: Sequence[ast.expr], params: Mapping[str, Any]) -> ast.expr:
    """`np.sum(x, axis=0)`, or by the operation's own name."""
    function = numpy_function(primitive)
    if function is None:
        called: ast.expr = ast.Name(identifier(primitive.name))
    else:
        module = (getattr(function, "__module__", None) or "numpy").replace("numpy", "np", 1)
        called = ast.Attribute(ast.Name(module), function.__name__)
    keywords = [
        ast.keyword(key, given) if key == identifier(key) else ast.keyword(None, ast.Dict([literal(key)], [given]))
        for key, given in ((key, _SlicesCalled().visit(literal(x))) for key, x in params.items())
    ]
    return ast.Call(called, [*operands], [keyword for keyword in keywords if not _is_default(keyword)])


def numpy_function(primitive: Primitive) -> Callable[..., Any] | None:
    """The function that NumPy has by a name of its own for what an operation does; None if it has none."""
    if primitive.numpy:
        return primitive.numpy[0]
    forward = primitive.forward
    name, module = getattr(forward, "__name__", None), sys.modules.get(getattr(forward, "__module__", None) or "numpy")
    is_numpys = module is not None and module.__name__.startswith("numpy") and getattr(module, name or "", None) is forward
    return forward if is_numpys else None


def stated(primitive: Primitive, params: Mapping[str, Any]) -> Mapping[str, Any]:
    """The parameters that do not have their default value."""
    defaults = _defaults(primitive)
    return {key: x for key, x in params.items() if key not in defaults or not _equal(defaults[key], x)}


@lru_cache(maxsize=1024)
def _defaults(primitive: Primitive) -> Mapping[str, Any]:
    try:
        parameters = inspect.signature(primitive.forward).parameters.values()
    except (TypeError, ValueError):  # NumPy's ufuncs have no signature
        return {}
    return {parameter.name: parameter.default for parameter in parameters if parameter.default is not parameter.empty}


def _equal(a: Any, b: Any) -> bool:
    return type(a) is type(b) and not isinstance(a, np.ndarray | ast.expr) and bool(a == b)


def identifier(text: str) -> str:
    """A Python name that resembles a text: `params_w` for `params['w']`. By no other way does a text become a name in a program.

    >>> identifier("params['w'][0]"), identifier("<lambda>"), identifier("2 x"), identifier("x; import os")
    ('params_w_0', 'function', 'x2_x', 'x_import_os')
    """
    plain = unicodedata.normalize("NFKC", text)  # as Python reads names: 𝐱 is x
    name = re.sub(r"\W+", "_", plain.replace("<lambda>", "function").rstrip("]'\"")).lstrip("_")
    name = name if name.isidentifier() else f"x{name}"
    name = name if name.isidentifier() else re.sub(r"\W+", "_", name, flags=re.ASCII)
    return f"{name}_" if keyword.iskeyword(name) else name


def docstring(text: str) -> str:
    """A text between triple quotes, with nothing in it that would end it or do anything."""
    plain = text.replace("\\", "\\\\").replace('"', '\\"')
    shown = (char if char.isprintable() or char == "\n" else char.encode("unicode_escape").decode() for char in plain)
    return f'"""{"".join(shown)}"""'


_PLAIN = (bool, int, float, complex, str, bytes, type(None), type(...))


def is_literal(value: Any) -> bool:
    """Whether `literal` writes just this value, and nothing that only resembles it."""
    if type(value) in (tuple, list):
        return all(map(is_literal, value))
    if type(value) is slice:
        return all(map(is_literal, (value.start, value.stop, value.step)))
    if isinstance(value, np.ndarray | np.generic):
        return value.dtype.kind in "biufc"
    if isinstance(value, np.dtype):
        return value.kind in "biufc" and value.isnative
    return (
        type(value) in _PLAIN
        or isinstance(value, ast.expr)
        or (isinstance(value, type) and issubclass(value, np.number | np.bool_))
    )


def literal(value: Any) -> ast.expr:
    """A parameter or constant as it would be typed. An expression stays; what cannot be typed is called by its type."""
    if isinstance(value, ast.expr):
        return value
    if isinstance(value, slice):
        return ast.Slice(*(None if part is None else literal(part) for part in (value.start, value.stop, value.step)))
    if isinstance(value, tuple | list):
        return (ast.Tuple if isinstance(value, tuple) else ast.List)([literal(part) for part in value])
    if isinstance(value, np.ndarray):
        return _array_literal(value)
    if isinstance(value, np.dtype):
        return ast.Attribute(ast.Name("np"), value.name)
    if isinstance(value, type) and issubclass(value, np.generic):
        return ast.Attribute(ast.Name("np"), value.__name__)
    if isinstance(value, np.generic | float | int) and not isinstance(value, bool):
        return _number_literal(value)
    if isinstance(value, str):
        return ast.Constant(str.__str__(value))
    return ast.Constant(value) if type(value) in _PLAIN else ast.Name(identifier(type(value).__name__))


def _number_literal(value: Any) -> ast.expr:
    if isinstance(value, np.longdouble | np.clongdouble):  # of which Python has none of its own
        parts = f"{value.real!r} + 1j * {value.imag!r}" if isinstance(value, np.clongdouble) else repr(value)
        return ast.parse(parts, mode="eval").body
    if isinstance(value, np.generic):
        return literal(value.item())
    if isinstance(value, float) and not np.isfinite(value):
        return ast.parse({"inf": "np.inf", "-inf": "-np.inf"}.get(str(value), "np.nan"), mode="eval").body
    number = float(value) if isinstance(value, float) else int(value)
    return ast.UnaryOp(ast.USub(), ast.Constant(-number)) if number < 0 else ast.Constant(number)


def _array_literal(array: np.ndarray[Any, np.dtype[Any]]) -> ast.expr:
    """`np.array([...])`, with the dtype where the numbers do not say it; or more briefly."""
    brief = _brief_literal(array)
    if brief is not None:
        return brief
    numbers = array.tolist()
    return _made("array", [numbers], array.dtype, np.array(numbers).dtype)


def _brief_literal(array: np.ndarray[Any, np.dtype[Any]]) -> ast.expr | None:
    """`np.empty`, `np.arange` for whole numbers in a row, `np.eye`: found without making such an array, which might be huge."""
    if not array.size:
        return _made("empty", [array.shape], array.dtype, float)
    if array.ndim == 1 and array.dtype.kind == "i" and array.size > 2:
        first, end = int(array[0]), int(array[-1]) + 1
        if end - first == array.size and np.all(array[1:] - array[:-1] == 1):
            return _made("arange", [first, end] if first else [end], array.dtype, int)
    is_sparse = array.ndim == 2 and array.size > 1 and array.shape[0] == array.shape[1] == np.count_nonzero(array)
    return _made("eye", [len(array)], array.dtype, float) if is_sparse and np.all(array.diagonal() == 1) else None


def is_written_briefly(array: Any) -> bool:
    """Whether an array can be written down without all of its numbers.

    >>> is_written_briefly(np.arange(1000)), is_written_briefly(np.linspace(0.0, 1.0))
    (True, False)
    """
    return _brief_literal(np.asarray(array)) is not None


def _made(function: str, arguments: Sequence[Any], dtype: Any, usual: Any) -> ast.expr:
    keywords = [] if dtype == usual else [ast.keyword("dtype", literal(dtype))]
    return ast.Call(ast.Attribute(ast.Name("np"), function), [literal(x) for x in arguments], keywords)


class _SlicesCalled(ast.NodeTransformer):
    """Writes `slice(1, None)` where brackets do not allow `1:`."""

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        return node

    def visit_Slice(self, node: ast.Slice) -> ast.expr:
        return ast.Call(ast.Name("slice"), [part or ast.Constant(None) for part in (node.lower, node.upper, node.step)], [])


def function_source(function: Callable[..., Any], name: str) -> dict[str, str] | None:
    """The source of a function by this name, and of all that it needs by global names, in the order in which it can run, without
    types. None if it cannot be had, or if two things would have one name.
    """
    things: dict[str, Any] = {name: function}
    texts: dict[str, str] = {}
    waiting = [name]
    for each in waiting:  # which grows while it is walked
        text, needed = _definition(things[each], each)
        if text is None:
            return None
        texts[each] = text
        for used, thing in needed.items():
            if things.setdefault(used, thing) is not thing:
                return None
            if used not in waiting:
                waiting.append(used)
    return dict(reversed(texts.items()))


def _definition(thing: Any, name: str) -> tuple[str | None, Mapping[str, Any]]:
    """The statement that gives a thing this name, or None; and what it needs, by name."""
    if isinstance(thing, FunctionType):
        return _function_definition(thing, name)
    numpys = _name_in_numpy(thing)
    if numpys is not None:
        return f"{name} = {numpys}", {}
    if isinstance(thing, ModuleType):
        return (f"import {name}" if thing.__name__ == name else None), {}
    return (f"{name} = {ast.unparse(literal(thing))}" if type(thing) in _PLAIN else None), {}


def _function_definition(function: FunctionType, name: str) -> tuple[str | None, Mapping[str, Any]]:
    if function.__module__ == "scipy.special":
        its_name = function.__name__
        return f"from scipy.special import {its_name}" + (f" as {name}" if name != its_name else ""), {}
    if function.__closure__ or function.__name__ == "<lambda>":
        return None, {}
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    except (OSError, TypeError, SyntaxError):
        return None, {}
    assert isinstance(tree, ast.FunctionDef)
    tree.name, tree.returns, tree.decorator_list = name, None, []
    for argument in ast.walk(tree.args):
        if isinstance(argument, ast.arg):
            argument.annotation = None
    if ast.get_docstring(tree):
        tree.body = tree.body[1:]
    names = dict.fromkeys(part.id for part in ast.walk(tree) if isinstance(part, ast.Name))
    found = function.__globals__
    needed = {used: found[used] for used in names if used in found and used not in function.__code__.co_varnames}
    needed = {used: thing for used, thing in needed.items() if thing is not np or used != "np"}
    # Another function may mean the built-in one.
    return (None if any(hasattr(builtins, used) for used in needed) else ast.unparse(tree)), needed


def _name_in_numpy(thing: Any) -> str | None:
    """`np.exp`, `np.linalg`, `np`: how a program calls what is NumPy's."""
    own_name = f"{text_of(thing, '__module__', 'numpy')}.{text_of(thing, '__name__', '')}"
    name = thing.__name__ if isinstance(thing, ModuleType) else own_name
    package, *parts = name.split(".")
    found: Any = np
    for part in parts:
        found = getattr(found, part, None)
    return ".".join(["np", *parts]) if package == "numpy" and all(parts) and found is thing else None
