"""What a program knows by name: its parameters and variables, the functions that it calls, and constants.

Functions that have a source of their own, and constants that are not large, go in front of the program; all else it is given by
who runs it. This module knows operations and names, and no node.
"""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from tinygrad_edu.compiler.ir import frozen
from tinygrad_edu.compiler.names import NEEDED, Names
from tinygrad_edu.graph.reaching import reached
from tinygrad_edu.graph.source import function_source, identifier, is_written_briefly
from tinygrad_edu.primitives.primitive import Primitive
from tinygrad_edu.primitives.table import TABLE

_LARGEST_LITERAL = 64
"""How many numbers an array may have and still be written out. Who runs the program passes a larger one."""


class Scope:
    """The names of a program, and what they stand for.

    name, parameters: those of its function.
    constants: arrays too large to be written out, by the parameters that they are passed for, which come last.
    helpers: statements that go in front of the program, by the name that each defines.
    functions: the functions that it calls, and other things that cannot be written down.
    foreign: the names of those that have no source; who runs the program must provide them.
    """

    def __init__(
        self, name: str, inputs: Sequence[str], operations: Iterable[tuple[Primitive, Primitive]], reserved: Sequence[str]
    ) -> None:
        """`operations` come with the printed form that is wanted; `reserved` are names that only the inputs of these names get."""
        self._called = _called_by_name(operations, reserved)
        called = {entry.name for entry in self._called.values()}
        self._names = Names({*called, *reserved})
        self._reserved = {*reserved}
        free = self._reserved - NEEDED - called
        self._inputs = [each if each in free else self._names.unique(identifier(each)) for each in inputs]
        self.name = Names(called).unique(name)
        self.constants: dict[str, Any] = {}
        self.helpers: dict[str, str] = {}
        self.functions: dict[str, Any] = {}
        self.foreign: set[str] = set()
        self._passed: dict[Any, ast.Name] = {}

    @property
    def parameters(self) -> list[str]:
        """Those for the inputs, and after them those for constants."""
        return [*self._inputs, *self.constants]

    def unique(self, wanted: str) -> str:
        """The wanted name, or one that resembles it, for something new."""
        return self._names.unique(wanted)

    def variable(self, *wanted: str) -> str:
        """The first of some names that is nobody's, for a variable, which does not hide a built-in function, either."""
        return self._names.local(map(identifier, wanted))

    def free(self, wanted: Iterable[str]) -> str:
        """The first of some names that is nobody's."""
        return self._names.free(wanted)

    def entry(self, primitive: Primitive, entry: Primitive) -> Primitive:
        """An operation's entry with the name that it has in this program."""
        return self._called.get(primitive, entry)

    # --- constants -----------------------------------------------------------------------------------------------------------

    def passed(self, array: Any) -> ast.Name:
        """The name of an array that who runs the program passes."""
        key = frozen(np.asarray(array))
        if key not in self._passed:
            self._passed[key] = ast.Name(self._constant_name())
            self.constants[self._passed[key].id] = array
        return self._passed[key]

    def in_front(self, constant: ast.expr) -> ast.Name:
        """The name of a constant that is made before the function."""
        name = self._constant_name()
        self.helpers[name] = "\n    ".join(textwrap.wrap(f"{name} = {ast.unparse(constant)}", 110))
        return ast.Name(name)

    def _constant_name(self) -> str:
        return self._names.unique("constant" if self.name != "constant" else "given")

    def given(self, thing: Any, wanted: str) -> ast.Name:
        """The name of something that cannot be written down: who runs the program must provide it."""
        name = next((name for name, known in self.functions.items() if known is thing), None)
        if name is None:
            name = self._names.unique(identifier(wanted))
            self.functions[name] = thing
            self.foreign.add(name)
        return ast.Name(name)

    # --- functions -----------------------------------------------------------------------------------------------------------

    def provide_for(self, form: ast.expr, operands: Sequence[ast.expr]) -> None:
        """The functions that an expression calls by name; those of its operands are provided already."""
        provided: set[ast.AST] = {*operands}
        whole: list[ast.AST] = [form]
        for part in reached(whole, lambda part: () if part in provided else ast.iter_child_nodes(part)):
            if isinstance(part, ast.Call) and isinstance(part.func, ast.Name) and part.func.id not in self.helpers:
                self._provide(part.func.id)

    def _provide(self, name: str) -> None:
        """The function that printed forms call by this name: its source, if it has one that runs on its own."""
        entry = TABLE.entries.get(name) or next((entry for entry in self._called.values() if entry.name == name), None)
        if entry is None:
            return
        self.functions[name] = entry.forward
        source = function_source(entry.forward, name)
        if source is not None and all(self._is_free_for(helper, text, name) for helper, text in source.items()):
            self.helpers |= source
            self._names.take(source)
        elif name in TABLE.entries:
            self.helpers[name] = f"from {TABLE.__module__} import TABLE\n\n{name} = TABLE.entries[{name!r}].forward"
        else:
            self.foreign.add(name)

    def _is_free_for(self, helper: str, text: str, function: str) -> bool:
        """Whether a function may have a helper of this name: it is its own, or nobody else means something else by it."""
        if helper == function:
            return True
        hidden = {*self._inputs}  # which hide it only in the program
        others = {self.name, *NEEDED, *self.constants, *self._reserved} - hidden
        if function not in TABLE.entries:
            others |= self.functions.keys() | {entry.name for entry in (*TABLE, *self._called.values()) if _is_called(entry)}
        return helper not in others and self.helpers.get(helper, text) == text


def _called_by_name(operations: Iterable[tuple[Primitive, Primitive]], reserved: Sequence[str]) -> dict[Primitive, Primitive]:
    """The operations that are written as a call by name, with a name that is theirs alone. Those of the table have one."""
    entries: dict[Primitive, Primitive] = {}
    names = Names({*TABLE.entries, *reserved})
    for primitive, entry in operations:
        if primitive not in entries and _is_called(entry):
            entries[primitive] = entry if is_of_table(primitive) else entry.but(name=names.unique(identifier(entry.name)))
    return entries


def _is_called(primitive: Primitive) -> bool:
    """Whether the printed form calls a function of the operation's name, which is then no name for a result."""
    return primitive.code.startswith(f"{primitive.name}(") or not (primitive.code or primitive.numpy)


def is_of_table(primitive: Primitive) -> bool:
    """Whether an operation is, or is a form of, an entry of the table."""
    return TABLE.entries.get(primitive.name) is (primitive.form_of or primitive)


def is_written_out(array: Any) -> bool:
    """Whether an array is small enough to be written down, or has a brief form."""
    return np.size(array) <= _LARGEST_LITERAL or is_written_briefly(array)
