"""The derivatives of the operations that a function is made of: their numbers, and their formulas in the function's arguments.

It knows nothing of gradients that somebody derived.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tinygrad_edu.engine.backpropagation import ancestors
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import TinygradError
from tinygrad_edu.graph.notation import PRODUCT
from tinygrad_edu.graph.reading import ARRIVING, RuleReader, RuleReading, formula
from tinygrad_edu.graph.terms import Applied, Literal, Product, Term, evaluated, product, substituted
from tinygrad_edu.graph.text_notation import text
from tinygrad_edu.primitives.arithmetic import negative
from tinygrad_edu.testing.answers import Array

_LONGEST = 40  # signs; a longer formula is harder to read than the operation's name


@dataclass(frozen=True, eq=False)
class Slope:
    """The derivative of an operation by its only input besides plain numbers.

    numbers: what it is here.
    of, by: the operation's result and that input.
    """

    numbers: Array
    of: Value
    by: Value
    reading: RuleReading

    @property
    def operation(self) -> str:
        """The operation's formula; its name, if that is too long."""
        assert self.of.primitive is not None
        return _written(formula(self.of, {})) or self.of.primitive.name

    def missing(self, number: float) -> tuple[str, str] | None:
        """What is said where a number times the derivative is missing; None, if the formulas are too long."""
        rule = self.reading.term
        slope = _written(rule and substituted(rule, {ARRIVING: Literal(1.0)}, evaluated), number)
        of, by = _written(formula(self.of, {}), abs(number)), _written(formula(self.by, {}))
        if not (slope and of and by):
            return None
        turned, turned_zh = ("", "") if number > 0 else ("−1 times ", "的 −1 倍")
        return (
            f"The factor {slope} is missing: it is {turned}the derivative of {of} by {by}.",
            f"缺少因子 {slope}：它是 {of} 对 {by} 的导数{turned_zh}。",
        )


def _written(term: Term | None, number: float = 1.0) -> str:
    """A number times a formula, with sums in brackets; nothing, if that is too long."""
    if term is None:
        return ""
    whole = product(term).times(Product(number))
    size = replace(whole, coefficient=abs(whole.coefficient)).term
    written = text(Applied(negative, (size,)) if whole.coefficient < 0 else size, PRODUCT)
    return written if len(written) <= _LONGEST else ""


def slopes(f: Callable[..., Any], arguments: Mapping[str, Any]) -> dict[str, Slope]:
    """By the names of operations the derivatives of those that `f` is made of and that have one input besides plain numbers.

    Of each name it is the newest.
    """
    try:
        named = [Value(x, name=name) if np.asarray(x).dtype.kind == "f" else x for name, x in arguments.items()]
        nodes = ancestors(f(*named))[0]
    except (TinygradError, AttributeError):  # a function that takes no Values as arguments has nothing to be found
        return {}
    found: dict[str, Slope] = {}
    for node in nodes:
        inputs = [i for i, x in enumerate(node.inputs) if not isinstance(x, int) and type(x) is not float]
        by = node.parents[inputs[0]] if len(inputs) == 1 else None
        if by is None or by.shape != node.shape or node.primitive.name in found:
            continue
        operands = [seen if parent is None else parent for parent, seen in zip(node.parents, node.inputs, strict=True)]
        reading = RuleReader(node.primitive, node, operands, node.params or {}, {}).reading(inputs[0])
        if not reading.error:
            found[node.primitive.name] = Slope(np.asarray(reading.data), node, by, reading)
    return found
