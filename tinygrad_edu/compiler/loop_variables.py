"""The variables of a loop that is being written."""

from __future__ import annotations

import ast
from dataclasses import dataclass

import numpy as np

from tinygrad_edu.compiler.ir import IRNode, PythonNumber
from tinygrad_edu.compiler.loops import Body, seen_through
from tinygrad_edu.compiler.probing import may_give_an_array


@dataclass(eq=False)
class Variable:
    """What holds a result of the rounds.

    name: what holds the newest state.
    states: the list of all states, if these are looked at later. It may be where the newest one is found, too.
    result: the node that a round leaves in it.
    carried: what stands for what the round before has left in it, if that is looked at.
    is_counted: whether the numbers of the rounds are the places in the list.
    is_added_to: whether it is an array of its own memory that is added to in place.
    is_written: whether the round has left its result.
    is_number: whether what it begins with is surely a single number, and no array without axes.
    """

    name: str
    result: IRNode
    carried: IRNode | None
    states: str = ""
    is_counted: bool = False
    is_added_to: bool = False
    is_written: bool = False
    is_number: bool = False

    @property
    def is_list(self) -> bool:
        """Whether the newest state is found in the list of all."""
        return self.states == self.name

    @property
    def is_safe(self) -> bool:
        """Whether its new state leaves the old one as it is."""
        return self.carried is None or (self.is_list and self.is_counted)


@dataclass
class Open:
    """A loop that is being written: its variables, the name of the round's number, and what uses each of its nodes."""

    variables: list[Variable]
    number: str
    body: Body
    users: dict[IRNode, list[IRNode]]


def is_surely_a_number(node: IRNode) -> bool:
    """Whether it is no array without axes, which += would change for all who look at it."""
    computed = seen_through(node)
    if computed.operation is not None:
        return node.shape == () and not may_give_an_array(computed.operation)
    return isinstance(node.dtype, PythonNumber) or (node.value is not None and not isinstance(node.value, np.ndarray))


def mentions(form: ast.expr, variable: Variable) -> bool:
    """Whether an expression looks at a variable."""
    return any(isinstance(part, ast.Name) and part.id == variable.name for part in ast.walk(form))
