"""From the graph to the source of a function: one statement a line, as one would write it by hand.

What is needed once is written where it is needed, as long as the line stays readable; what is needed twice, what has a name in the
user's program, and every result gets a line and a name of its own. How an operation is written is said by its entry in the op table
(see `forms`); what it needs beside these lines stands in its `Scope`.
"""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np

from tinygrad_edu.compiler.accumulation import Accumulation, Part, accumulations, few_at_a_time
from tinygrad_edu.compiler.forms import called, filled, form_of, is_short, is_uniform, sum_of, without_sign
from tinygrad_edu.compiler.ir import IRNode, PythonNumber, Rank, are_mixed, is_elementwise, ufunc_of
from tinygrad_edu.compiler.lists import places, written
from tinygrad_edu.compiler.loops import body_of, everything, in_order, is_loop, seen_through, uses_of, walked_lists
from tinygrad_edu.compiler.probing import may_give_a_view, may_give_an_array
from tinygrad_edu.compiler.scope import Scope, is_of_table, is_written_out
from tinygrad_edu.engine.user_primitive import UserPrimitive
from tinygrad_edu.graph.reaching import reached
from tinygrad_edu.graph.source import docstring, identifier, is_literal, is_written_briefly, literal
from tinygrad_edu.primitives.broadcasting import broadcast_to
from tinygrad_edu.primitives.indexing import index
from tinygrad_edu.primitives.primitive import Primitive

_LONGEST_NESTED = 50
"""How long an expression may be and still be written inside of another one."""
_LARGEST_NESTED = 16
"""How many numbers a constant array may have and still be written where it is needed."""


@dataclass(frozen=True)
class Source:
    """A program as text.

    name: of its function.
    parameters: the function's parameters, in order; the last ones are for constants that are too large to be written out.
    leaves: for each input its parameter, or what it is called where it comes in a list.
    lists: the parameters that are lists, as expressions of the leaves.
    body: the statements, without the return.
    results: the expressions of the results, in order.
    scope: what it needs beside them.
    lines: for each node that is computed the number of the statement that computes it, from 0; first the one that it is about.
    head: the statements that the file begins with, and what stands above the function.
    """

    name: str
    parameters: list[str]
    leaves: list[str]
    lists: dict[str, str]
    body: list[str]
    results: list[str]
    scope: Scope
    lines: dict[IRNode, int]
    head: str = "import numpy as np"
    decorator: str = ""

    def origins(self, text: str) -> list[tuple[int, int]]:
        """For the statements in the text of the function, by the numbers of their lines there, the lines of the user's function
        that they come from, as far as these are known."""
        first = len(text.splitlines()) - sum(statement.count("\n") + 1 for statement in self.body)
        starts = list(accumulate((statement.count("\n") + 1 for statement in self.body), initial=first))
        found: dict[int, int] = {}
        for node, statement in self.lines.items():
            if node.line is not None:
                found.setdefault(starts[statement], node.line)
        return sorted(found.items())

    def text(self, description: str, returned: str, definitions: Iterable[str] = ()) -> str:
        """The source of the whole function, which runs on its own, with the definitions that `returned` needs."""
        lines = [docstring(description), *self.body, f"return {returned}"]
        function = f"{self.decorator}def {self.name}({', '.join(self.parameters)}):\n" + textwrap.indent("\n".join(lines), "    ")
        before = dict.fromkeys([*definitions, *self.scope.helpers.values()])  # each of them once
        imports = [line for line in before if line.startswith(("import ", "from "))]
        others = [line for line in before if line not in imports]
        return "\n\n\n".join(["\n".join([self.head, *imports]), *others, function]) + "\n"


class Emitter:
    """Writes the source of a function of `inputs` that returns `outputs`.

    least: the rank from which on a label is worth a line.
    reserved: names that only the inputs of these names get.
    """

    least = Rank.VARIABLE

    def __init__(self, name: str, inputs: Sequence[IRNode], outputs: Sequence[IRNode], reserved: Sequence[str] = ()) -> None:
        self._inputs, self._outputs = inputs, outputs
        self._order, self._everything = in_order(outputs), list(everything(outputs))
        self._named = {node for node in self._everything if node.primitive and node.label and node.label.rank >= self.least}
        self._uses = uses_of(outputs)
        self._is_mixed = are_mixed(self._everything)
        bodies = [body_of(node) for node in self._everything if is_loop(node)]
        self._results = frozenset([*outputs, *(result for body in bodies for result in body.results)])
        self._accumulations: dict[IRNode, Accumulation] = {}
        self._inner: set[IRNode] = set()
        self._add_in_place(self._order)
        self._forms: dict[IRNode, ast.expr] = {}
        self._body: list[str] = []
        self._lines: dict[IRNode, int] = {}
        operations = ((node.primitive, self._entry(node)) for node in self._everything if node.primitive)
        self._columns = walked_lists(inputs, outputs)
        self._lists = {base for base, _ in self._columns.values()}
        self._given = {node: self._list_of(node) or node.name for node in inputs}
        given = list(dict.fromkeys(self._given.values()))
        self._scope = Scope(name, given, operations, reserved)
        self._parameters = dict(zip(given, self._scope.parameters, strict=True))
        self._names = {node: self._parameters[node.name] for node in inputs if not self._list_of(node)}
        named = [node for node in self._everything if node in self._named]
        self._names |= {node: self._scope.variable(node.label.name) for node in named if node.label}
        self._called = {node.label: name for node, name in reversed(self._names.items()) if node.label}

    def source(self) -> Source:
        """The whole program."""
        leaves: list[str] = []
        lists: dict[str, dict[str, str]] = {}
        for node in self._inputs:
            base = self._list_of(node)
            if base:
                leaves.append(self._scope.unique(identifier(node.name)))
                lists.setdefault(base, {})[node.name] = leaves[-1]
                self._forms[node] = ast.parse(self._parameters[base] + node.name[len(base) :], mode="eval").body
            else:
                leaves.append(self._names[node])
                self._forms[node] = ast.Name(leaves[-1])
        self._write(self._order, self._outputs)
        returned = self._returned()
        leaves += self._scope.constants
        made = {self._parameters[base]: written(base, its) for base, its in lists.items()}
        return Source(self._scope.name, self._scope.parameters, leaves, made, self._body, returned, self._scope, self._lines)

    def _list_of(self, node: IRNode) -> str:
        """The list among the arguments that an input comes in, if loops go through it."""
        return next((place.before for place in places(node.name) if place.before in self._lists), "")

    # --- lines ---------------------------------------------------------------------------------------------------------------

    def _write(self, order: Sequence[IRNode], outputs: Sequence[IRNode]) -> None:
        """Write the nodes, each after its inputs. `outputs` are those of them that are needed afterwards."""
        for node in order:
            if node not in self._forms:
                self._write_one(node)

    def _write_one(self, node: IRNode) -> None:
        if node in self._inner:
            return
        if node in self._accumulations:
            self._write_accumulation(node, self._accumulations[node])
            return
        form = self._forms[node] = self._form(node)
        is_result = node in self._results and node.primitive is not None
        if node in self._named or is_result or (self._uses[node] > 1 and not is_short(form)):
            self._give_line(node)

    def _give_line(self, node: IRNode, name: str = "") -> None:
        name = name or self._name_for(node)
        comment = self._comment(node, self._note_line(node))
        self._body.append(f"{name} = {ast.unparse(self._forms[node])}{comment}")
        self._forms[node] = ast.Name(name)

    def _give_line_if_long(self, node: IRNode) -> None:
        """What would make the expression that it is part of unreadable gets a line before it."""
        if not isinstance(self._forms[node], ast.Name) and len(ast.unparse(self._forms[node])) > _LONGEST_NESTED:
            self._give_line(node)

    def _name_for(self, node: IRNode) -> str:
        if node not in self._names:
            self._names[node] = self._scope.variable(*self._wanted(node))
            if node.label:
                self._called.setdefault(node.label, self._names[node])
        return self._names[node]

    def _wanted(self, node: IRNode) -> list[str]:
        """What it is called, and what else if others are: what is done to one thing alone is called after that, too, `tanh_g`."""
        label = node.label
        if label is not None and label.of:
            return [f"d_{self._called.get(label.of, label.of.name)}"]
        if label is not None and label.rank is not Rank.OPERATION:
            return [label.name]
        what = self._what_it_is(node)
        of = node.inputs[0] if len(node.inputs) == 1 else node
        is_named = of is not node and of.label is not None and of.label.rank is not Rank.OPERATION and not of.label.of
        return [what, f"{what}_{self._names.get(of, of.label.name)}"] if is_named and of.label else [what]

    def _what_it_is(self, node: IRNode) -> str:
        if node.primitive is None:
            return "constant"
        position = node.params.get("index") if node.operation is index else None
        if isinstance(position, int) and isinstance(self._forms.get(node.inputs[0]), ast.Name):
            return f"{ast.unparse(self._forms[node.inputs[0]])}_{position}"
        return node.primitive.result or ("mask" if node.dtype == bool else node.primitive.name)

    def _comment(self, node: IRNode, written: Sequence[IRNode]) -> str:
        """The shape, where it is not that of the arrays which are named in the line."""
        if not node.shape or (node.label and node.label.of):  # the gradient for x has the shape of x
            return ""
        is_plain = all(part.primitive is None or is_elementwise(part.primitive) for part in written)
        return "" if is_plain else f"  # {node.shape}"

    def _note_line(self, node: IRNode) -> list[IRNode]:
        """The next statement computes the node, and what is written inside of its expression. All of these are returned."""

        def inside(part: IRNode) -> Sequence[IRNode]:
            if part.primitive is None or part in self._lines:
                return ()
            self._lines[part] = len(self._body)
            return part.inputs

        return list(reached([node], inside))

    # --- expressions ---------------------------------------------------------------------------------------------------------

    def _form(self, node: IRNode) -> ast.expr:
        if node.primitive is None:
            return self._constant(node)
        for part in node.inputs:
            self._give_line_if_long(part)
        operands = [self._forms[part] for part in node.inputs]
        form = self._expression(node, operands)
        self._scope.provide_for(form, operands)
        return form

    def _entry(self, node: IRNode) -> Primitive:
        """The operation's entry with the printed form that is wanted."""
        assert node.primitive is not None
        return node.primitive

    def _expression(self, node: IRNode, operands: Sequence[ast.expr]) -> ast.expr:
        """The operation applied to operands."""
        assert node.primitive is not None
        entry = self._scope.entry(node.primitive, self._entry(node))
        params = node.params
        if not isinstance(node.primitive, UserPrimitive):
            params = {key: _with_plain_counts(x) for key, x in params.items()}
        return form_of(node, entry, operands, {key: self._written(x, key) for key, x in params.items()})

    def _written(self, param: Any, wanted: str) -> Any:
        """A parameter; large arrays in it, and what cannot be written down, are passed on as what they are, by a name."""
        if type(param) is tuple or (type(param) is list and is_literal(param)):
            return type(param)(self._written(part, wanted) for part in param)
        if isinstance(param, np.number | np.bool):
            return _of_its_dtype(param)
        if isinstance(param, np.ndarray) and not is_written_out(param):
            return self._scope.passed(param)
        return param if is_literal(param) else self._scope.given(param, wanted)

    def _constant(self, node: IRNode) -> ast.expr:
        if not is_written_out(node.value):
            return self._scope.passed(node.value)
        is_plain = (
            isinstance(node.dtype, PythonNumber)
            or type(node.value) in (bool, complex)
            or (node.dtype in (bool, int, float) and not self._is_mixed)
        )
        if node.shape == () and not is_plain:
            return _of_its_dtype(node.dtype.type(node.value))
        form = literal(node.value)
        is_small = np.size(node.value) <= _LARGEST_NESTED or is_written_briefly(node.value)
        return form if is_small else self._scope.in_front(form)

    def _returned(self) -> list[str]:
        """The results. None shares memory with an argument, a constant or another result, and single numbers are no arrays."""
        returned: list[str] = []
        seen: set[IRNode] = set()
        for node in self._outputs:
            form = self._forms[node]
            computed = seen_through(node)
            if node.shape == () and node.primitive is not None and not is_known(computed):
                form = ast.Subscript(called("asarray", form), ast.Tuple([]))
            elif node.shape == () and computed.operation and may_give_an_array(computed.operation) and not _is_converted(form):
                form = ast.Subscript(form, ast.Tuple([]))
            elif node.shape != () and (node in seen or (may_share(computed) and computed not in self._accumulations)):
                form = called("array", form)
            seen.add(node)
            returned.append(ast.unparse(form))
        return returned

    # --- sums in place -------------------------------------------------------------------------------------------------------

    def _add_in_place(self, order: Sequence[IRNode]) -> None:
        """Find the sums among some nodes into which parts are added in place."""
        found = accumulations(order, self._results | self._named)
        self._accumulations |= found
        self._inner |= {part for accumulation in found.values() for part in accumulation.inner}

    def _write_accumulation(self, node: IRNode, accumulation: Accumulation) -> None:
        """An array, and each part added in its place."""
        name = self._array_to_add_to(node, accumulation.whole)
        for part in accumulation.parts:
            for scatter in part.scatters:
                self._note_line(scatter)
            self._body.append(self._part_added(name, part))
        self._lines |= dict.fromkeys((node, *accumulation.inner), len(self._body) - 1)
        self._forms[node] = ast.Name(name)

    def _array_to_add_to(self, node: IRNode, summands: Sequence[IRNode]) -> str:
        """The name of an array of its own memory with the sum of the summands, for which it writes a line if it needs one."""
        only = summands[0] if len(summands) == 1 else None
        if only and self._is_for_one_use(only) and isinstance(form := self._forms[only], ast.Name):
            return form.id
        name = self._name_for(node)
        if not summands:
            self._body.append(f"{name} = {ast.unparse(filled(ast.Constant(0), 0, node))}")
        for number, some in enumerate(few_at_a_time(summands)):
            added_up = self._copied(only) if only else self._added_up(some)
            self._body.append(f"{name} {'+=' if number else '='} {ast.unparse(added_up)}")
        return name

    def _is_for_one_use(self, node: IRNode) -> bool:
        """Whether its memory is nobody else's, and nobody but the one who uses it next will look at it again."""
        return self._uses[node] == 1 and node not in self._results and node not in self._named and not may_share(node)

    def _copied(self, node: IRNode) -> ast.expr:
        """What a node is written as, with a copy of memory that may be somebody else's."""
        form = self._added_up([node])
        is_others = isinstance(form, ast.Name) or (node.primitive is not None and may_share(node))
        return called("array", form) if is_others else form

    def _added_up(self, summands: Sequence[IRNode]) -> ast.expr:
        """The sum that the next line computes."""
        for part in summands:
            self._note_line(part)
        return sum_of([self._forms[part] for part in summands], summands)

    def _part_added(self, name: str, part: Part) -> str:
        """`d_x[:-1] += part`, the statement that adds a part, or puts it where nothing but zeros has been."""
        forms = [self._scatter_form(scatter) for scatter in part.scatters]
        nodes = [scatter.inputs[0] for scatter in part.scatters]
        added_up, places = sum_of([form.args[0] for form in forms], nodes), forms[0].args[1]
        assert isinstance(places, ast.Subscript)  # np.s_[...]
        if part.may_repeat:
            has_slices = any(isinstance(each, ast.Slice) for each in ast.walk(places))
            return f"np.add.at({name}, {ast.unparse(places if has_slices else places.slice)}, {ast.unparse(added_up)})"
        place = ast.unparse(ast.Subscript(ast.Name(name), places.slice))
        positive = without_sign(added_up) if all(map(is_uniform, nodes)) else None
        if part.is_first:
            return f"{place} = {ast.unparse(added_up)}"
        return f"{place} += {ast.unparse(added_up)}" if positive is None else f"{place} -= {ast.unparse(positive)}"

    def _scatter_form(self, scatter: IRNode) -> ast.Call:
        g, *positions = scatter.inputs
        g = g.inputs[0] if g.operation is broadcast_to else g  # what is added is repeated anyway
        form = self._expression(scatter, [self._forms[part] for part in (g, *positions)])
        assert isinstance(form, ast.Call)
        return form


def _with_plain_counts(param: Any) -> Any:
    """A parameter of NumPy's functions, to which whole numbers and truth values are axes, counts and options of any dtype."""
    if type(param) in (tuple, list):
        return type(param)(map(_with_plain_counts, param))
    return param.item() if isinstance(param, np.integer | np.bool) else param


def _of_its_dtype(number: np.number[Any] | np.bool) -> ast.expr:
    """`np.float32(0.1)`, which has a dtype, unlike a number of Python's."""
    brief: Any = float(str(number)) if isinstance(number, np.floating) else number
    return ast.Call(literal(number.dtype), [literal(brief if type(number)(brief) == number else number)], [])


def _is_converted(form: ast.expr) -> bool:
    """Whether a form is `np.float32(x)`, which is a number whatever x is."""
    return isinstance(form, ast.Call) and isinstance(getattr(np, ast.unparse(form.func).removeprefix("np."), None), type)


def may_share(node: IRNode) -> bool:
    """Whether the result may be memory of something else."""
    if node.primitive is None:
        return True
    if node.operation is broadcast_to:
        return node.inputs[0].shape != ()  # a repeated number fills an array of its own
    return may_give_a_view(node.primitive) or not is_known(node)


def is_known(node: IRNode) -> bool:
    """Whether it is known what an operation gives; a user's own may give anything."""
    return node.primitive is not None and (is_of_table(node.primitive) or ufunc_of(node.primitive) is not None)
