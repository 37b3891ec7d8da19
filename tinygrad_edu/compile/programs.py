"""What every program is made of: a recorded run in its simplest form, its text, and the tree that it returns."""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from tinygrad_edu.compile.emission import Names, Source, Writer
from tinygrad_edu.compile.nodes import Node, PythonNumber
from tinygrad_edu.compile.recording import Recorded, recorded
from tinygrad_edu.compile.simplification import simplified

_NO_BREAK = "\N{NO-BREAK SPACE}"


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


@dataclass(frozen=True)
class Reading:
    """A recorded run, and the nodes that stand for those of the record.

    name: of the function.
    simple: for each recorded node that counts, a simpler one, or a faster one.
    """

    name: str
    record: Recorded
    simple: Mapping[Node, Node]

    @cached_property
    def inputs(self) -> list[Node]:
        """The arguments, and after them what comes from outside."""
        return [self.simple[node] for node in (*self.record.inputs, *self.record.outside.values())]

    @cached_property
    def outputs(self) -> list[Node]:
        """The results that are numbers and arrays."""
        return [self.simple[node] for node in self.record.outputs if node is not None]

    def renewed(self, new: Mapping[Node, Node]) -> Reading:
        """The same with other nodes in place of these."""
        return replace(self, simple={node: new[simple] for node, simple in self.simple.items() if simple in new})

    def written(self, writer: type[Writer]) -> Source:
        """The program as a writer of this kind writes it."""
        named, hints = (_renamed(names, self.simple) for names in (self.record.named, self.record.hints))
        return writer(self.name, self.inputs, self.outputs, named, hints).source()

    def text(self, source: Source, scope: dict[str, Any]) -> str:
        """The program as a file."""
        return source.text(_docstring(self.name, self.record), self.returned(source.results, scope))

    def returned(self, results: Sequence[str], scope: dict[str, Any]) -> str:
        """The tree that the function returned, as an expression with a result at each leaf."""
        remaining = iter(results)
        leaves = iter([None if node is None else next(remaining) for node in self.record.outputs])
        text = _tree(self.record.output, leaves, scope)
        is_pair = type(self.record.output) is tuple and len(self.record.output) > 1
        return text[1:-1] if is_pair else text

    def leaves(self, source: Source) -> list[str]:
        """The parameters of the program that are numbers and arrays of the arguments."""
        return source.parameters[: len(self.record.inputs)]

    def read_outside(self, source: Source, scope: dict[str, Any]) -> list[str]:
        """Statements that read the present numbers of Values that are no arguments."""
        parameters = source.parameters[len(self.record.inputs) :]
        lines = []
        for parameter, value in zip(parameters, self.record.outside, strict=False):
            scope[f"_value_of_{parameter}"] = value
            lines.append(f"{parameter} = _value_of_{parameter}._data")
        return lines


def read(f: Callable[[Sequence[Any]], Any], name: str, names: Sequence[str], numbers: Sequence[Any]) -> Reading:
    """Record `f` on numbers and arrays of these names, and simplify what it does."""
    record = recorded(f, names, numbers)
    outputs = [node for node in record.outputs if node is not None]
    return Reading(name, record, simplified([*outputs, *record.inputs, *record.outside.values()]))


def runnable(leaves: Sequence[str], statements: Sequence[str], scope: dict[str, Any]) -> Callable[..., Any]:
    """A function of the leaves that runs the statements."""
    exec("\n".join([f"def _run({', '.join(leaves)}):", *indented(statements)]), scope)
    run: Callable[..., Any] = scope.pop("_run")
    return run


def indented(lines: Sequence[str]) -> list[str]:
    """One level further to the right."""
    return [f"    {line}" for line in lines]


def _renamed(names: Mapping[Node, str], simple: Mapping[Node, Node]) -> dict[Node, str]:
    renamed: dict[Node, str] = {}
    for node, name in names.items():
        if node in simple:
            renamed.setdefault(simple[node], name)
    return renamed


def _docstring(name: str, record: Recorded) -> str:
    """Which function it is, and what it was recorded for."""
    inputs = [*record.inputs, *record.outside.values()]
    unbroken = "; ".join(f"{node.name} {_kind(node)}".replace(" ", _NO_BREAK) for node in inputs)
    wrapped = textwrap.wrap(f"{name}, recorded for {unbroken}." if inputs else f"{name}.", 100)
    lines = [line.replace(_NO_BREAK, " ") for line in wrapped]
    return "\n".join(lines) + ("\n" if len(lines) > 1 else "")


def _kind(node: Node) -> str:
    if isinstance(node.dtype, PythonNumber):
        return f"a Python {node.dtype.name}"
    return f"{node.dtype} {node.shape}" if node.shape else str(node.dtype)


# --- what it returns ---------------------------------------------------------------------------------------------------------


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
