"""The op table as a page: every operation, its formula, and the derivative for each input.

The derivatives are not written down here. They are read off the rules: a rule is called with Values that are named after its
parameters, and the formula that this leads to is printed.
"""

from __future__ import annotations

import ast
import inspect
from operator import attrgetter
from typing import Any

import numpy as np

from tinygrad_edu.engine.value import constant_of
from tinygrad_edu.graph.python_notation import source_tree
from tinygrad_edu.graph.reading import ARRIVING, RuleReader
from tinygrad_edu.graph.source import expression
from tinygrad_edu.graph.terms import Symbol, substituted
from tinygrad_edu.languages import Language
from tinygrad_edu.primitives.primitive import Case, Primitive
from tinygrad_edu.primitives.table import TABLE

_INTRODUCTION = {
    "en": """\
# The op table

[中文版](operations.zh-CN.md)

Every operation states its derivative once. Below, `g` is the gradient of the operation's result `out`, and each line after the
first gives the gradient of one input. Shapes and parameters are those of an example; a result that broadcasting has enlarged is
summed back to the shape of the input.
""",
    "zh": """\
# 运算表

[English](operations.md)

每个运算只把自己的导数写一次。下面的 `g` 是运算结果 `out` 的梯度；每一项的第一行是运算本身，其余各行给出各个输入的梯度。
形状和参数取自一个例子；输入经过广播的，梯度再求和，回到输入的形状。
""",
}
_NONE = {"en": "`{name}` has none", "zh": "`{name}` 没有导数"}


def op_table(lang: Language = "en") -> str:
    """The whole table, in Markdown."""
    return "\n".join(
        [_INTRODUCTION[lang], *(_entry(primitive, _NONE[lang]) for primitive in sorted(TABLE, key=attrgetter("name")))]
    )


def _entry(primitive: Primitive, none: str) -> str:
    inputs = _example(primitive)
    names = _input_names(primitive, len(inputs))
    params = dict(primitive.cases[0].params) if primitive.cases else {}
    formula = ast.unparse(expression(primitive, [ast.Name(name) for name in names], params))
    derivatives = _derivatives(primitive, inputs, names, params)
    lines = [f"`d_{name}` = `{derivative}`" if derivative else none.format(name=name) for name, derivative in derivatives.items()]
    return "- " + "  \n  ".join([f"`{primitive.name}` = `{formula}`", *lines])


def _example(primitive: Primitive) -> list[Any]:
    """Inputs of the shapes of the first case; those that have no derivative are masks."""
    rng = np.random.default_rng(0)
    case = primitive.cases[0] if primitive.cases else Case(((2,),) * (primitive.arity or 1), {})
    inputs = []
    for position, (shape, rule) in enumerate(zip(case.shapes, primitive.rules(len(case.shapes)), strict=True)):
        interval, made_valid = primitive.domain_of(position, (-2.0, 2.0))
        x = made_valid(rng.uniform(*interval, shape))
        inputs.append(x > 0 if rule is None else x)
    return inputs


def _input_names(primitive: Primitive, count: int) -> list[str]:
    """What the rules call their inputs."""
    if primitive.arity is None:
        return [f"x{position}" for position in range(count)]
    rule = next((rule for rule in primitive.rules(count) if rule is not None), None)
    parameters = list(inspect.signature(rule or primitive.forward).parameters)
    return parameters[2 : 2 + count] if rule else parameters[:count]


def _derivatives(primitive: Primitive, inputs: list[Any], names: list[str], params: dict[str, Any]) -> dict[str, str]:
    """For each input what its rule computes, or an empty text where it has none."""
    out = constant_of(np.asarray(primitive.forward(*inputs, **params))[()], "out")
    values = [constant_of(x, name) for name, x in zip(names, inputs, strict=True)]
    shapes = {name: np.shape(x) for name, x in zip(names, inputs, strict=True)}
    written = dict.fromkeys(names, "")
    reader = RuleReader(primitive, out, values, params, shapes)
    for position, rule in enumerate(primitive.rules(len(inputs))):
        if rule is not None:
            term = reader.reading(position).as_computed
            written[names[position]] = ast.unparse(source_tree(substituted(term, {ARRIVING: Symbol("g")})))
    return written
