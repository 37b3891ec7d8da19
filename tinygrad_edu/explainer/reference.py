"""The op table as a page: every operation, its formula, and the derivative for each input.

The derivatives are not written down here. They are read off the rules: a rule is called with Values that are named after its
parameters, and what that records is printed.
"""

from __future__ import annotations

import ast
import inspect
from typing import Any

import numpy as np

from tinygrad_edu.engine.mode import InMode, Watch
from tinygrad_edu.engine.value import Value
from tinygrad_edu.graph.source import expression, literal
from tinygrad_edu.primitives.primitive import Case, Primitive
from tinygrad_edu.primitives.table import TABLE

_INTRODUCTION = """\
# The op table

Every operation states its derivative once. Below, `g` is the gradient of the operation's result `out`, and each line after the
first gives the gradient of one input. Shapes and parameters are those of an example; a result that broadcasting has enlarged is
summed back to the shape of the input.
"""


class _Everything(Watch):
    """A mode in which also what requires no gradient is recorded, such as a comparison."""

    records_constants = True


def op_table() -> str:
    """The whole table, in Markdown."""
    return "\n".join([_INTRODUCTION, *(_entry(primitive) for primitive in sorted(TABLE, key=lambda entry: entry.name))])


def _entry(primitive: Primitive) -> str:
    inputs = _example(primitive)
    names = _input_names(primitive, len(inputs))
    params = dict(primitive.cases[0].params) if primitive.cases else {}
    formula = ast.unparse(expression(primitive, [ast.Name(name) for name in names], params))
    derivatives = _derivatives(primitive, inputs, names, params)
    lines = [f"`d_{name}` = `{derivative}`" if derivative else f"`{name}` has none" for name, derivative in derivatives.items()]
    return "- " + "  \n  ".join([f"`{primitive.name}` = `{formula}`", *lines])


def _example(primitive: Primitive) -> list[Any]:
    """Inputs of the shapes of the first case; those that have no derivative are masks."""
    rng = np.random.default_rng(0)
    case = primitive.cases[0] if primitive.cases else Case(((2,),) * (primitive.arity or 1), {})
    domains = list(primitive.domain or ((-2.0, 2.0),))
    domains += domains[-1:] * len(case.shapes)
    inputs = [
        rng.uniform(*domain, shape) if isinstance(domain, tuple) else domain(rng.uniform(-1, 1, shape))
        for domain, shape in zip(domains, case.shapes, strict=False)
    ]
    return [x > 0 if rule is None else x for x, rule in zip(inputs, primitive.rules(len(inputs)), strict=True)]


def _input_names(primitive: Primitive, count: int) -> list[str]:
    """What the rules call their inputs."""
    if primitive.arity is None:
        return [f"x{position}" for position in range(count)]
    rule = next((rule for rule in primitive.rules(count) if rule is not None), None)
    parameters = list(inspect.signature(rule or primitive.forward).parameters)
    return parameters[2 : 2 + count] if rule else parameters[:count]


def _derivatives(primitive: Primitive, inputs: list[Any], names: list[str], params: dict[str, Any]) -> dict[str, str]:
    """For each input what its rule computes, or an empty text where it has none."""
    result = primitive.forward(*inputs, **params)
    with InMode(_Everything()), np.errstate(all="ignore"):
        g, out = _as_value(np.ones_like(result)).named("g"), _as_value(result).named("out")
        values = [(Value(x) != 0 if x.dtype == bool else Value(x)).named(name) for name, x in zip(names, inputs, strict=True)]
        gradients = [rule and rule(g, out, *values, **params) for rule in primitive.rules(len(values))]
    shapes = {value.name: value.shape for value in values}
    written = ["" if gradient is None else ast.unparse(_written(gradient, shapes)) for gradient in gradients]
    return dict(zip(names, written, strict=True))


def _as_value(x: Any) -> Value:
    """A Value of these numbers. One of complex numbers cannot be given and has to be computed."""
    return Value(np.real(x)) + 1j * np.imag(x) if np.iscomplexobj(x) else Value(x)


def _written(x: Any, shapes: dict[str | None, tuple[int, ...]]) -> ast.expr:
    """A recorded result as an expression in the named Values that it came from."""
    if not isinstance(x, Value):
        return literal(x)
    if x.name:
        return ast.Name(x.name)
    if x.primitive is None:
        return literal(x.data)
    operands = [_written(seen if parent is None else parent, shapes) for parent, seen in zip(x.parents, x.inputs, strict=True)]
    params = {key: _shape_of_input(value, shapes) for key, value in (x.params or {}).items()}
    return expression(x.primitive, operands, params)


def _shape_of_input(value: Any, shapes: dict[str | None, tuple[int, ...]]) -> Any:
    """`x.shape` where a parameter is just that."""
    for name, shape in shapes.items():
        if type(value) is tuple and value and value == shape:
            return ast.Attribute(ast.Name(str(name)), "shape")
    return value
