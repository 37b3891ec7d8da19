"""The program that NumPy runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from tinygrad_edu.compile.emission import Writer
from tinygrad_edu.compile.fast_emission import FastWriter
from tinygrad_edu.compile.nodes import Node, PythonNumber, in_order, is_number
from tinygrad_edu.compile.programs import Program, Reading, indented, runnable
from tinygrad_edu.compile.simplification import expanded


def numpy_program(reading: Reading) -> Program:
    """A program that NumPy runs, as fast as it can be."""
    fast = reading.renewed(expanded([*reading.outputs, *reading.inputs]))
    source = fast.written(FastWriter)
    scope: dict[str, Any] = {"np": np, **source.foreign, **source.constants}
    exec("\n".join(source.helpers), scope)
    returned = reading.returned(source.results, scope)
    leaves = reading.leaves(source)
    statements = [*reading.read_outside(source, scope), *source.body, f"return {returned}"]
    given = zip(leaves, reading.inputs, reading.record.inputs, strict=False)  # Values from outside come last
    weak = {leaf: node for leaf, node, recorded in given if isinstance(recorded.dtype, PythonNumber)}
    converted = [f"{leaf} = np.asarray({leaf})[()]" for leaf in weak]
    danger = _danger(weak.values(), reading.outputs)
    if danger == "other numbers":
        statements = [*converted, *statements]
    elif danger == "errors":
        statements = ["try:", *indented(statements), "except ArithmeticError:", *indented([*converted, *statements])]
    texts = reading.text(reading.written(Writer), scope), reading.text(source, scope)
    return Program(*texts, leaves, statements, scope, runnable(leaves, statements, scope))


# --- Python's numbers --------------------------------------------------------------------------------------------------------

_SAFE = {"add", "subtract", "multiply", "negative"}
_RAISING = {"divide", "mod", "floor_divide"}


def _danger(weak: Iterable[Node], outputs: Sequence[Node]) -> str:
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
