"""A linear function that was recorded, applied to many arguments at once: to stacks of them.

What it did to one argument, operation by operation, is done again to all of them, side by side. This module knows no derivative,
nor how an operation treats a stack.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_edu.engine.value import Value
from tinygrad_edu.primitives.stacking import applied_to_stacks, one_by_one
from tinygrad_edu.transforms.tracing import Trace


def results_of_stacks(linear: Trace, stacks: Sequence[Any]) -> list[Any] | None:
    """For each output of a linear function the stack of what it gives, for stacks of as many arguments for each input.

    An operation that does not take stacks is applied one by one to what is in them. In a nested transform, whose record becomes a
    program, say, this would be long, and there is no result.
    """
    found: dict[Any, Any] = dict(zip(linear.inputs, stacks, strict=True))
    for node in reversed(linear.between()[0]):
        are_stacks = [parent in found for parent in node.parents]
        inputs = [
            found[parent] if is_stack else seen if parent is None or not linear.nested else parent
            for parent, seen, is_stack in zip(node.parents, node.inputs, are_stacks, strict=True)
        ]
        call = node.primitive, inputs, are_stacks, node.params or {}
        found[node] = applied_to_stacks(*call)
        if found[node] is NotImplemented:
            if linear.nested:
                return None
            found[node] = one_by_one(*call)
    return [_result(found.get(output), output, len(stacks[0]), linear.nested) for output in linear.outputs]


def _result(stack: Any, like: Value, count: int, nested: bool) -> Any:
    """What was found for an output; zeros if nothing was, since no argument influences it. In a nested transform a Value."""
    if stack is None:
        stack = np.zeros((count, *like.shape), like.dtype)
    return Value(stack, requires_grad=False) if nested and not isinstance(stack, Value) else stack
