"""From the graph to the source of a function: one statement a line, as one would write it by hand.

What is needed once is written where it is needed, as long as the line stays readable; what is needed twice, what the user gave
a name, and every result gets a line and a name of its own. How an operation is written is said by its entry in the op table
(see `source`); where an entry has no plain NumPy form, its forward function goes in front of the program.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import keyword
import re
import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import FunctionType
from typing import Any

import numpy as np

from tinygrad_edu.compile.nodes import Node, PythonNumber, in_order
from tinygrad_edu.primitive import TABLE, Primitive
from tinygrad_edu.source import expression, literal

LONGEST_NESTED = 50
"""How long an expression may be and still be written inside of another one."""
_LARGEST_LITERAL = 16
"""How many numbers a constant array may have and still be written out."""

_WHAT_IT_IS = {
    "add": "total", "subtract": "difference", "multiply": "product", "divide": "quotient", "matmul": "product", "sum": "total",
    "where": "chosen", "index": "part", "transpose": "transposed", "negative": "negated", "broadcast_to": "repeated",
    "greater": "mask", "greater_equal": "mask", "less": "mask", "less_equal": "mask", "equal": "mask", "not_equal": "mask",
}  # fmt: skip
_VIEWS = {"reshape", "transpose", "index", "broadcast_to", "cast", "real", "imag"}


@dataclass(frozen=True)
class Source:
    """A program as text.

    name: of its function.
    parameters: the function's parameters, in order.
    body: the statements, without the return.
    results: the expressions of the results, in order.
    helpers: the source of functions that it calls.
    foreign: functions that it calls and that have no source; who runs the program must provide them.
    constants: arrays too large to be written out, by the parameter that they are passed for.
    lines: for each node that is computed the number of the statement that computes it, from 0.
    head: the statements that the file begins with, and what stands above the function.
    """

    name: str
    parameters: list[str]
    body: list[str]
    results: list[str]
    helpers: list[str]
    foreign: dict[str, Callable[..., Any]]
    constants: dict[str, Any]
    lines: dict[Node, int]
    head: str = "import numpy as np"
    decorator: str = ""

    def text(self, docstring: str, returned: str) -> str:
        """The source of the whole function, which runs on its own."""
        lines = [f'"""{docstring}"""', *self.body, f"return {returned}"]
        function = f"{self.decorator}def {self.name}({', '.join(self.parameters)}):\n" + textwrap.indent("\n".join(lines), "    ")
        return "\n\n\n".join([self.head, *self.helpers, function]) + "\n"


def identifier(text: str) -> str:
    """A Python name that resembles a text: `params_w` for `params['w']`.

    >>> identifier("params['w'][0]"), identifier("<lambda>"), identifier("2 x")
    ('params_w_0', 'function', 'x2_x')
    """
    name = re.sub(r"\W+", "_", text).strip("_")
    if not name or name == "lambda" or keyword.iskeyword(name):
        return "function"
    return f"x{name}" if name[0].isdigit() else name


class Names:
    """Gives out names, none of them twice."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = {"np", *dir(builtins), *taken}

    def unique(self, wanted: str) -> str:
        """The wanted name, or one that resembles it."""
        name, number = wanted, 1
        while name in self._taken:
            number += 1
            name = f"{wanted}_{number}"
        self._taken.add(name)
        return name


class Writer:
    """Writes the source of a function of `inputs` that returns `outputs`.

    named: the nodes that the user gave a name to; each gets a line of its own.
    hints: what to call other nodes, should they need a name.
    """

    def __init__(
        self, name: str, inputs: Sequence[Node], outputs: Sequence[Node], named: Mapping[Node, str], hints: Mapping[Node, str]
    ) -> None:
        self._name, self._inputs, self._outputs, self._named, self._hints = name, inputs, outputs, named, hints
        self._order = in_order(outputs)
        self._uses = Counter(part for node in self._order for part in node.inputs)
        self._is_mixed = any(isinstance(node.dtype, PythonNumber) for node in self._order)
        self._results = frozenset(outputs)
        self._forms: dict[Node, ast.expr] = {}
        self._foreign: dict[str, Callable[..., Any]] = {}
        self._helpers: dict[str, str] = {}
        self._constants: dict[str, Any] = {}
        self._body: list[str] = []
        self._lines: dict[Node, int] = {}
        self._names = Names(node.operation for node in self._order if node.primitive and _is_called(self._entry(node)))
        self._parameters = [self._names.unique(identifier(node.name)) for node in inputs]

    def source(self) -> Source:
        """The whole program."""
        for node, parameter in zip(self._inputs, self._parameters, strict=True):
            self._forms[node] = ast.Name(parameter)
        self._write(self._order)
        returned = self._returned()
        return Source(
            self._name,
            [*self._parameters, *self._constants],
            self._body,
            returned,
            [*self._helpers.values()],
            self._foreign,
            self._constants,
            self._lines,
        )

    def _write(self, order: Sequence[Node]) -> None:
        """Write the nodes, each after its inputs."""
        for node in order:
            if node not in self._forms:
                self._write_one(node)

    def _write_one(self, node: Node) -> None:
        form = self._form(node)
        self._forms[node] = form
        is_result = node in self._results and node.primitive is not None
        if node in self._named or is_result or (self._uses[node] > 1 and not is_short(form)):
            self._give_line(node)

    def _name_for(self, node: Node) -> str:
        wanted = self._named.get(node) or self._hints.get(node) or _WHAT_IT_IS.get(node.operation, node.operation)
        return self._names.unique(identifier(wanted))

    def _give_line(self, node: Node) -> None:
        name = self._name_for(node)
        self._note_line(node)
        self._body.append(f"{name} = {ast.unparse(self._forms[node])}")
        self._forms[node] = ast.Name(name)

    def _note_line(self, node: Node) -> None:
        """The next statement computes the node, and what is written inside of its expression."""
        inside = [node]
        for part in inside:  # which grows while it is walked
            if part.primitive is not None and part not in self._lines:
                self._lines[part] = len(self._body)
                inside.extend(part.inputs)

    def _form(self, node: Node) -> ast.expr:
        if node.primitive is None:
            return self._constant(node)
        for part in node.inputs:
            if not isinstance(self._forms[part], ast.Name) and len(ast.unparse(self._forms[part])) > LONGEST_NESTED:
                self._give_line(part)
        operands = [self._forms[part] for part in node.inputs]
        if node.operation == "cast" and node.shape == ():
            return ast.Call(literal(node.dtype), operands, [])
        if node.operation == "transpose" and not node.params:
            return ast.Attribute(operands[0], "T")
        if node.operation == "broadcast_to" and node in self._outputs and node.inputs[0].shape == ():
            return ast.parse(f"np.full({node.shape}, {ast.unparse(operands[0])})", mode="eval").body
        if node.operation == "reshape" and node.params.keys() == {"shape"}:
            return ast.parse(f"np.reshape({ast.unparse(operands[0])}, {node.params['shape']})", mode="eval").body
        form = self._expression(node, operands)
        if all(getattr(part.dtype, "kind", "f") in "fc" for inner in node.inputs for part in (inner, *inner.inputs)):
            form = _tidied(form)  # not beside a mask: 0.5 * (mask * x) has the dtype of x, but (0.5 * mask) * x need not
        self._provide_helpers(node, form)
        return form

    def _entry(self, node: Node) -> Primitive:
        """The operation's entry with the printed form that is wanted."""
        assert node.primitive is not None
        return node.primitive

    def _expression(self, node: Node, operands: Sequence[ast.expr]) -> ast.expr:
        """The operation applied to operands."""
        return expression(self._entry(node), operands, node.params)

    def _constant(self, node: Node) -> ast.expr:
        if np.size(node.value) > _LARGEST_LITERAL:
            name = self._names.unique("constant")
            self._constants[name] = node.value
            return ast.Name(name)
        is_plain = isinstance(node.dtype, PythonNumber) or (node.dtype in (bool, int, float) and not self._is_mixed)
        if node.shape == () and not is_plain:
            return ast.Call(literal(node.dtype), [literal(node.value)], [])
        return literal(node.value)

    def _provide_helpers(self, node: Node, form: ast.expr) -> None:
        """The functions that a printed form calls by name."""
        for part in ast.walk(form):
            if isinstance(part, ast.Call) and isinstance(part.func, ast.Name) and part.func.id not in self._helpers:
                name = part.func.id
                entry = TABLE.entries.get(name)
                forward = entry.forward if entry else node.primitive.forward if node.primitive and node.operation == name else None
                if forward is None:
                    continue
                source = _function_source(forward, name)
                if source is not None:
                    self._helpers |= source
                elif entry is not None:
                    self._helpers[name] = f"from tinygrad_edu.primitive import TABLE\n\n{name} = TABLE.entries[{name!r}].forward"
                else:
                    self._foreign[name] = forward

    def _returned(self) -> list[str]:
        """The results. None shares memory with an argument, a constant or another result."""
        returned: list[str] = []
        seen: set[Node] = set()
        for node in self._outputs:
            form = self._forms[node]
            if node.shape != () and (node in seen or _may_share(node)):
                form = ast.Call(ast.Attribute(ast.Name("np"), "array"), [form], [])
            seen.add(node)
            returned.append(ast.unparse(form))
        return returned


def _may_share(node: Node) -> bool:
    """Whether the result may be memory of something else."""
    if node.primitive is None:
        return True
    if node.operation == "broadcast_to":
        return node.inputs[0].shape != ()  # a repeated number is written np.full
    is_known = TABLE.entries.get(node.operation) is node.primitive or isinstance(node.primitive.forward, np.ufunc)
    return node.operation in _VIEWS or not is_known


def _is_called(primitive: Primitive) -> bool:
    """Whether the printed form calls a function of the operation's name, which is then no name for a result."""
    return primitive.code.startswith(f"{primitive.name}(") or not (primitive.code or primitive.numpy)


def is_short(form: ast.expr) -> bool:
    """A name, a number, or the transpose of a name: as short as any name for it."""
    if isinstance(form, ast.Attribute):
        return isinstance(form.value, ast.Name)
    return isinstance(form, ast.Name | ast.Constant) or (isinstance(form, ast.UnaryOp) and isinstance(form.operand, ast.Constant))


def _tidied(tree: ast.expr) -> ast.expr:
    """Brackets that only say the order of factors, and signs, as one would write them."""
    if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub) and isinstance(tree.operand, ast.BinOp):
        inner = tree.operand
        if isinstance(inner.op, ast.Mult | ast.Div) and not isinstance(inner.left, ast.UnaryOp):  # -(a * b) is -a * b
            return ast.BinOp(_tidied(ast.UnaryOp(ast.USub(), inner.left)), inner.op, inner.right)
    if not isinstance(tree, ast.BinOp) or not isinstance(tree.right, ast.BinOp):
        return tree
    right = tree.right
    if isinstance(tree.op, ast.Mult) and isinstance(right.op, ast.Mult | ast.Div) and _is_number(tree.left):  # c * (a * b)
        return ast.BinOp(_tidied(ast.BinOp(tree.left, ast.Mult(), right.left)), right.op, right.right)
    if isinstance(tree.op, ast.Add | ast.Sub) and isinstance(right.op, ast.Mult | ast.Div) and _is_negative(right.left):
        positive = right.left.operand  # type: ignore[attr-defined]  # x + -c * y is x - c * y
        return ast.BinOp(
            tree.left, ast.Sub() if isinstance(tree.op, ast.Add) else ast.Add(), ast.BinOp(positive, right.op, right.right)
        )
    return tree


def _is_negative(tree: ast.expr) -> bool:
    return isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub)


def _is_number(tree: ast.expr) -> bool:
    return isinstance(tree.operand if isinstance(tree, ast.UnaryOp) else tree, ast.Constant)


def _function_source(function: Callable[..., Any], name: str) -> dict[str, str] | None:
    """The source of a function and of those that it calls, by name, without types; None if it cannot be had."""
    if not isinstance(function, FunctionType) or function.__closure__ or function.__name__ == "<lambda>":
        return None
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    except (OSError, TypeError, SyntaxError):
        return None
    assert isinstance(tree, ast.FunctionDef)
    found: dict[str, str] = {}
    for used in {part.id for part in ast.walk(tree) if isinstance(part, ast.Name)} - {*function.__code__.co_varnames}:
        thing = function.__globals__.get(used)
        if isinstance(thing, FunctionType):
            inner = _function_source(thing, used)
            if inner is None:
                return None
            found |= inner
        elif isinstance(thing, float | int):
            found[used] = f"{used} = {thing!r}"
        elif thing is not None and thing is not np and thing is not Any:
            return None
    tree.name, tree.returns, tree.decorator_list = name, None, []
    for argument in [*tree.args.args, *tree.args.kwonlyargs, *tree.args.posonlyargs]:
        argument.annotation = None
    if ast.get_docstring(tree):
        tree.body = tree.body[1:]
    return found | {name: ast.unparse(tree)}
