"""From a recorded run to a program: the graph is simplified, written, and made a function."""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_edu.compile.emission import Names, Source, Writer
from tinygrad_edu.compile.fast_emission import FastWriter
from tinygrad_edu.compile.nodes import Node, PythonNumber, in_order, is_number
from tinygrad_edu.compile.recording import Recorded, recorded
from tinygrad_edu.compile.simplification import expanded, simplified


@dataclass(frozen=True)
class Program:
    """A function for arguments of given shapes and dtypes.

    source, optimized_source: as text; the second is the one that runs.
    leaves: the names of its inputs, one for each number or array in the arguments.
    statements: what it does with them, the return included.
    scope: what else the statements refer to, by name.
    run: `run(*leaves)`.
    """

    source: str
    optimized_source: str
    leaves: list[str]
    statements: list[str]
    scope: dict[str, Any]
    run: Callable[..., Any]


def build(f: Callable[[Sequence[Any]], Any], name: str, names: Sequence[str], numbers: Sequence[Any]) -> Program:
    """Record `f` on numbers and arrays of these names, and make what it does a program."""
    record = recorded(f, names, numbers)
    outputs = [node for node in record.outputs if node is not None]
    inputs = [*record.inputs, *record.outside.values()]
    simple = simplified([*outputs, *inputs])
    named, hints = _renamed(record.named, simple), _renamed(record.hints, simple)
    ends = [simple[node] for node in inputs], [simple[node] for node in outputs]
    readable = Writer(name, *ends, named, hints).source()
    fast = expanded([*ends[1], *ends[0]])
    fast_ends = [fast[node] for node in ends[0]], [fast[node] for node in ends[1]]
    source = FastWriter(name, *fast_ends, _renamed(named, fast), _renamed(hints, fast)).source()
    scope: dict[str, Any] = {"np": np, **source.foreign, **source.constants}
    exec("\n".join(source.helpers), scope)
    returned = _returned(record, source.results, scope)
    text, fast_text = (s.text(_docstring(name, record), _returned(record, s.results, scope)) for s in (readable, source))
    leaves = source.parameters[: len(record.inputs)]
    statements = [*_read_outside(record, source, scope), *source.body, f"return {returned}"]
    weak = [leaf for leaf, node in zip(leaves, record.inputs, strict=True) if isinstance(node.dtype, PythonNumber)]
    converted = [f"{leaf} = np.asarray({leaf})[()]" for leaf in weak]
    danger = _danger(
        [simple[node] for node in record.inputs if isinstance(node.dtype, PythonNumber)], [simple[node] for node in outputs]
    )
    if danger == "other numbers":
        statements = [*converted, *statements]
    elif danger == "errors":
        statements = ["try:", *_indented(statements), "except ArithmeticError:", *_indented([*converted, *statements])]
    exec("\n".join([f"def _run({', '.join(leaves)}):", *_indented(statements)]), scope)
    return Program(text, fast_text, leaves, statements, scope, scope.pop("_run"))


def _indented(lines: list[str]) -> list[str]:
    return [f"    {line}" for line in lines]


def _renamed(names: Mapping[Node, str], simple: Mapping[Node, Node]) -> dict[Node, str]:
    renamed: dict[Node, str] = {}
    for node, name in names.items():
        if node in simple:
            renamed.setdefault(simple[node], name)
    return renamed


def _read_outside(record: Recorded, source: Source, scope: dict[str, Any]) -> list[str]:
    """Statements that read the present numbers of Values that are no arguments."""
    parameters = source.parameters[len(record.inputs) :]
    lines = []
    for parameter, value in zip(parameters, record.outside, strict=False):
        scope[f"_value_of_{parameter}"] = value
        lines.append(f"{parameter} = _value_of_{parameter}._data")
    return lines


def _docstring(name: str, record: Recorded) -> str:
    """Which function it is, and what it was recorded for."""
    inputs = [*record.inputs, *record.outside.values()]
    described = "; ".join(f"{node.name} {_kind(node)}" for node in inputs)
    lines = textwrap.wrap(f"{name}, recorded for {described}." if inputs else f"{name}.", 100)
    return "\n".join(lines) + ("\n" if len(lines) > 1 else "")


def _kind(node: Node) -> str:
    if isinstance(node.dtype, PythonNumber):
        return f"a Python {node.dtype.name}"
    return f"{node.dtype} {node.shape}" if node.shape else str(node.dtype)


# --- what it returns ---------------------------------------------------------------------------------------------------------


def _returned(record: Recorded, results: list[str], scope: dict[str, Any]) -> str:
    """The tree that the function returned, as an expression with a result at each leaf."""
    remaining = iter(results)
    leaves = iter([None if node is None else next(remaining) for node in record.outputs])
    text = _tree(record.output, leaves, scope)
    is_pair = type(record.output) is tuple and len(record.output) > 1
    return text[1:-1] if is_pair else text


def _tree(tree: Any, leaves: Iterator[str | None], scope: dict[str, Any]) -> str:
    if tree is None:
        return "None"
    if type(tree) is dict:
        return "{" + ", ".join(f"{key!r}: {_tree(part, leaves, scope)}" for key, part in tree.items()) + "}"
    if type(tree) is list:
        return "[" + ", ".join(_tree(part, leaves, scope) for part in tree) + "]"
    if type(tree) is tuple:
        return "(" + ", ".join(_tree(part, leaves, scope) for part in tree) + (",)" if len(tree) == 1 else ")")
    names = getattr(tree, "_fields", None) or [field.name for field in _fields(tree)]
    if names:
        parts = [f"{name}={_tree(getattr(tree, name), leaves, scope)}" for name in names]
        return f"{_provided(type(tree), type(tree).__name__, scope)}({', '.join(parts)})"
    result = next(leaves)
    if result is not None:
        return result
    return repr(tree) if isinstance(tree, str | bool) else _provided(tree, "static", scope)


def _fields(tree: Any) -> list[dataclasses.Field[Any]]:
    is_instance = dataclasses.is_dataclass(tree) and not isinstance(tree, type)
    return [field for field in dataclasses.fields(tree) if field.init] if is_instance else []


def _provided(thing: Any, wanted: str, scope: dict[str, Any]) -> str:
    """The name under which a program finds an object."""
    for name, other in scope.items():
        if other is thing:
            return name
    name = Names(scope).unique(wanted)
    scope[name] = thing
    return name


# --- Python's numbers --------------------------------------------------------------------------------------------------------

_SAFE = {"add", "subtract", "multiply", "negative"}
_RAISING = {"divide", "mod", "floor_divide"}


def _danger(weak: Sequence[Node], outputs: Sequence[Node]) -> str:
    """Whether Python's own arithmetic, which is several times faster for single numbers, can stand for that of NumPy.

    It is in danger of "errors" where NumPy gives an infinity or NaN, of "other numbers" where it would go on differently
    (a root of a negative number becomes complex), or of nothing.
    """
    python_numbers = set(weak)
    danger = ""
    for node in in_order(outputs):
        if node.shape or node.primitive is None or not any(part in python_numbers for part in node.inputs):
            continue
        if not all(part in python_numbers or part.value is not None for part in node.inputs):
            continue
        if node.operation in _SAFE:
            python_numbers.add(node)
        elif node.operation in _RAISING or (node.operation == "power" and _is_integer(node.inputs[1])):
            python_numbers.add(node)
            danger = danger or "errors"
        elif node.operation == "power" or not isinstance(node.primitive.forward, np.ufunc):
            danger = "other numbers"
    return danger


def _is_integer(node: Node) -> bool:
    return is_number(node) and float(node.value).is_integer()
