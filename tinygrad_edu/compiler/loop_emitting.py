"""How a loop is written: `for i in range(100):`, with a variable for what one round leaves to the next, and a list of what is kept.

What is carried is `h = np.tanh(W @ h)`, or, where later all its states are asked for, `h.append(np.tanh(W @ h[i]))`, a list that
begins with what is carried into the first round. Sums are added to in place. This module knows how things are written.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import Any

from tinygrad_edu.compiler.emitting import Emitter
from tinygrad_edu.compiler.forms import is_short, is_uniform, without_sign
from tinygrad_edu.compiler.ir import IRNode, Rank, is_elementwise
from tinygrad_edu.compiler.loop_variables import Open, Variable, is_surely_a_number, mentions
from tinygrad_edu.compiler.loops import LISTED, Body, body_of, is_element, is_last, is_list, is_loop
from tinygrad_edu.compiler.probing import may_give_an_array
from tinygrad_edu.graph.reaching import reached
from tinygrad_edu.primitives import arithmetic
from tinygrad_edu.primitives.broadcasting import broadcast_to
from tinygrad_edu.primitives.indexing import index

_NUMBERS = "ijklmnrst"
"""What the number of a round may be called."""


class LoopEmitter(Emitter):
    """Writes programs with loops.

    looks_up: whether the newest state is looked up in the list of all states, if there is one, or has a variable of its own.
    takes_arguments: whether the variable of an argument that nobody needs afterwards may hold what a loop makes of it.
    """

    looks_up = True
    takes_arguments = True

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._looks: dict[IRNode, list[IRNode]] = {}  # for each loop the nodes that look at what it computes
        for node in self._everything:
            if node.inputs and is_loop(node.inputs[0]) and (is_last(node) or is_list(node)):
                self._looks.setdefault(node.inputs[0], []).append(node)
        for node in self._looks:  # an array of one number is made anew for each loop that begins with it
            for initial in node.inputs[: len(body_of(node).carried)]:
                is_repeated = initial.operation is broadcast_to and initial.inputs[0].value is not None
                self._uses[initial] -= is_repeated
        self._open: list[Open] = []
        self._number_names: list[str] = []

    def _write_one(self, node: IRNode) -> None:
        if is_loop(node):
            self._write_loop(node)
        elif self._is_place(node) or (node.operation is index and is_list(node.inputs[0])):
            self._forms[node] = self._form(node)
        elif node.primitive is LISTED:
            self._forms[node] = self._listed(node)
        elif self._open and any(variable.result is node for variable in self._open[-1].variables):
            self._write_result(node)
        else:
            super()._write_one(node)

    def _listed(self, node: IRNode) -> ast.expr:
        """A list: one that is a parameter, that of a part of each of its elements, or one that is written out."""
        base, part = self._column(node)
        if not base:
            return ast.List([self._forms[part] for part in node.inputs])
        name, number = self._parameters[base], self._number_name(len(self._open))
        form = f"[{name}[{number}]{part} for {number} in range({len(node.inputs)})]" if part else name
        return ast.parse(form, mode="eval").body

    def _column(self, node: IRNode) -> tuple[str, str]:
        """The list among the arguments that is meant, and the part of its elements."""
        return self._columns.get(tuple(part.name for part in node.inputs), ("", "")) if node.primitive is LISTED else ("", "")

    def _is_place(self, node: IRNode) -> bool:
        """Whether it follows from the number of a round alone, as one a little before or after it does."""
        numbers = [open_.body.number for open_ in self._open]
        while node not in numbers:
            parts = [part for part in node.inputs if part.value is None]
            is_number = node.shape == () and node.primitive is not None and is_elementwise(node.primitive)
            if not is_number or len(parts) != 1 or (node.dtype.kind != "i" and parts[0] not in numbers):
                return False
            (node,) = parts
        return True

    # --- the loop ------------------------------------------------------------------------------------------------------------

    def _write_loop(self, whole: IRNode) -> None:
        body = body_of(whole)
        self._give_lines_outside(whole)
        self._add_in_place(list(body.own))
        variables = self._variables(whole, body)
        for variable, initial in zip_longest(variables, whole.inputs[: len(body.carried)]):
            self._begin(variable, initial)
        start = self._lines[whole] = len(self._body)
        self._body += self._round(body, variables, [self._header(body, variables)])
        for node in self._looks.get(whole, ()):
            variable = variables[node.params["position"]]
            name = ast.Name(variable.name if is_last(node) else variable.states)
            if is_last(node) and variable.is_list:
                place = ast.Constant(len(body.rounds) - (not variable.carried)) if self._is_one_of(node) else _minus_one()
                self._forms[node] = ast.Subscript(name, place)
            else:
                self._forms[node] = name
            self._lines[node] = start

    def _is_one_of(self, node: IRNode) -> bool:
        """Whether other states of what a loop computes are returned, too, and are counted."""
        positions = [output.inputs[0] for output in self._outputs if is_element(output)]
        return any(each.inputs[0] is node.inputs[0] and each.params["position"] == node.params["position"] for each in positions)

    def _round(self, body: Body, variables: list[Variable], first: Sequence[str], last: Sequence[str] = ()) -> list[str]:
        """What is done in a round, between its first lines and the last ones. Only the very first is not indented."""
        order = [node for node in body.own if node.primitive is not None]
        users: dict[IRNode, list[IRNode]] = {}
        for node in order:
            for part in node.inputs:
                users.setdefault(part, []).append(node)
        self._open.append(Open(variables, self._number_name(len(self._open)), body, users))
        start = len(self._body)
        self._body += first
        self._forms[body.number] = ast.Name(self._open[-1].number)
        for variable in variables:
            if variable.carried:
                self._forms[variable.carried] = self._state(variable, 0)
        self._write(order, body.results)
        self._write_rest(variables)
        self._open.pop()
        lines = [*self._body[start:], *last]
        del self._body[start:]
        return [lines[0], *(f"    {line}" for line in lines[1:] or ["pass"])]

    def _give_lines_outside(self, whole: IRNode) -> None:
        """What is the same in all rounds is computed once."""
        for part in whole.inputs[len(body_of(whole).carried) :]:
            if is_short(self._forms[part]):
                continue
            base, after = self._column(part)
            self._give_line(part, self._scope.variable(base + after) if after else "")

    def _number_name(self, depth: int) -> str:
        while len(self._number_names) <= depth:
            self._number_names.append(self._scope.free(_NUMBERS))
        return self._number_names[depth]

    def _header(self, body: Body, variables: Sequence[Variable]) -> str:
        rounds, count = body.rounds, len(body.rounds)
        is_place = any(variable.is_list and variable.is_counted for variable in variables)
        is_used = is_place or any(body.number in node.inputs for node in body.own)
        name = self._number_name(len(self._open)) if is_used else "_"
        if rounds == range(count)[::-1]:
            return f"for {name} in reversed(range({count})):"
        start = f"{rounds.start}, " if rounds.start or rounds.step != 1 else ""
        step = f", {rounds.step}" if rounds.step != 1 else ""
        return f"for {name} in range({start}{rounds.stop}{step}):"

    # --- variables -----------------------------------------------------------------------------------------------------------

    def _variables(self, whole: IRNode, body: Body) -> list[Variable]:
        listed = {node.params["position"] for node in self._looks.get(whole, ()) if is_list(node)}
        is_counted = body.rounds == range(len(body.rounds))
        variables = []
        for position, result in enumerate(body.results):
            carried = body.carried[position] if position < len(body.carried) else None
            is_added_to = carried is not None and position not in listed and self._is_added_to(carried, result)
            name = self._variable_name(position, body, position in listed)
            states = name if position in listed else ""
            if states and not self.looks_up:
                name = self._scope.variable(f"new_{name}")
            variables.append(Variable(name, result, carried, states, is_counted, is_added_to))
        return variables

    def _variable_name(self, position: int, body: Body, is_list: bool = False) -> str:
        """What holds a result. A list that cannot have its name is called as several of them."""
        result = body.results[position]
        if result in body.carried:
            return self._scope.variable("previous")
        adds_to = self._adds_to(position, body)
        if not is_list and adds_to is not None:
            return self._name_for(adds_to)
        name = self._name_for(result)
        if result in body.results[:position]:
            return self._scope.variable(name)
        label = result.label
        is_taken = label is not None and name == f"{label.name}_2"
        return self._scope.variable(f"{label.name}s") if is_list and is_taken and label else name

    def _adds_to(self, position: int, body: Body) -> IRNode | None:
        """What begins with what is carried and has a better name: the cotangent to which the round before contributes."""
        carried, label = (*body.carried, *body.results)[position], body.results[position].label
        users = [node for node in body.own if carried in node.inputs]
        is_nameless = label is None or label.rank is Rank.OPERATION
        if position >= len(body.carried) or not is_nameless or len(users) != 1 or users[0] in body.results:
            return None
        if sum(part in body.carried for part in users[0].inputs) > 1:  # which cannot all have the name
            return None
        if users[0] in self._accumulations and carried not in self._accumulations[users[0]].whole:
            return None  # which is put in its place after the array has been made
        is_cotangent = users[0].label is not None and users[0].label.of is not None and users[0].shape == carried.shape
        return users[0] if is_cotangent else None

    def _is_added_to(self, carried: IRNode, result: IRNode) -> bool:
        """Whether an array is carried that nobody looks at but who adds to it."""
        if not result.shape or self._uses[carried] != 1 or self._uses[result] != 1:
            return False
        if result in self._accumulations:
            return carried in self._accumulations[result].whole
        is_sum = result.operation is arithmetic.add and carried in result.inputs
        return is_sum and all((part.shape, part.dtype) == (result.shape, result.dtype) for part in result.inputs)

    def _begin(self, variable: Variable, initial: IRNode | None) -> None:
        """The statement in front of the loop."""
        if initial is None:
            if variable.states:
                self._body.append(f"{variable.states} = []")
            return
        variable.is_number = is_surely_a_number(initial)
        form = self._forms[initial]
        label = variable.result.label
        is_argument = (
            self.takes_arguments
            and initial in self._inputs
            and isinstance(form, ast.Name)
            and not variable.states
            and not variable.is_added_to
        )
        if is_argument and self._uses[initial] == 1 and label is not None and label.name == ast.unparse(form):
            variable.name = label.name  # nobody needs what it was
            return
        if variable.is_added_to and isinstance(form, ast.Name) and self._is_for_one_use(initial):
            variable.name = form.id  # it is there already
            return
        text = ast.unparse(self._copied(initial) if variable.is_added_to else form)
        self._note_line(initial)
        if not variable.is_list:
            self._body.append(f"{variable.name} = {text}")
        if variable.states:
            self._body.append(f"{variable.states} = [{text if variable.is_list else variable.name}]")

    def _state(self, variable: Variable, later: int) -> ast.expr:
        """How the state is written that a variable had when the round began, or has later."""
        name = ast.Name(variable.name)
        if not variable.is_list:
            return name
        if not variable.is_counted:
            return ast.Subscript(name, _minus_one())
        number = ast.Name(self._open[-1].number)
        is_next = later and variable.carried
        return ast.Subscript(name, ast.BinOp(number, ast.Add(), ast.Constant(1)) if is_next else number)

    # --- results -------------------------------------------------------------------------------------------------------------

    def _write_result(self, node: IRNode) -> None:
        """A result of the round goes into its variable at once, if nobody will look at the old state again."""
        variables = [variable for variable in self._open[-1].variables if variable.result is node]
        if any(variable.is_added_to for variable in variables):
            self._add_to(node, variables[0])
            return
        if node in self._inner or node in self._accumulations:
            super()._write_one(node)
        else:
            self._forms[node] = self._form(node)
        for variable in variables:
            if not variable.is_written and self._may_change(variable, node):
                self._leave(variable)
                self._forms[node] = self._state(variable, 1)
        is_looked_at = self._uses[node] > len(variables) or node in self._named
        if not all(variable.is_written for variable in variables) and is_looked_at and not is_short(self._forms[node]):
            self._give_line(node, self._new_name_for(node))

    def _new_name_for(self, node: IRNode) -> str:
        """The name of what a node is until it is left in the variable of a loop, if it is for one."""
        variables = (variable for variable in (self._open[-1].variables if self._open else []) if variable.result is node)
        variable = next(variables, None)
        return self._scope.variable(f"new_{variable.name}") if variable else self._name_for(node)

    def _add_to(self, node: IRNode, variable: Variable) -> None:
        """`d_W += np.outer(d_a, h[i])`, in the array's own memory."""
        if node in self._accumulations:
            self._write_accumulation(node, self._accumulations[node])
        else:
            form = self._forms[next(part for part in node.inputs if part is not variable.carried)]
            positive = without_sign(form) if is_uniform(node) else None
            self._note_line(node)
            sign, form = ("+", form) if positive is None else ("-", positive)
            self._body.append(f"{variable.name} {sign}= {ast.unparse(form)}")
        self._forms[node] = ast.Name(variable.name)
        variable.is_written = True

    def _array_to_add_to(self, node: IRNode, summands: Sequence[IRNode]) -> str:
        variables = self._open[-1].variables if self._open else []
        variable = next((each for each in variables if each.result is node), None)
        if variable is not None and not variable.is_added_to:
            is_free = self._may_be_built_in(variable)
            self._names[node] = variable.name if is_free else self._scope.variable(f"new_{variable.name}")
        if variable is None or not variable.is_added_to:
            return super()._array_to_add_to(node, summands)
        others = [part for part in summands if part is not variable.carried]
        if others:
            self._body.append(f"{variable.name} += {ast.unparse(self._added_up(others))}")
        return variable.name

    def _may_be_built_in(self, variable: Variable) -> bool:
        """Whether a sum may be built up in its variable: nobody looks at the old state then, nor do the parts to be added."""
        parts = (part for scatter in self._accumulations[variable.result].scatters for part in scatter.inputs)
        looks_back = any(mentions(self._forms[part], variable) for part in parts)
        return not variable.is_list and not looks_back and self._may_change(variable, variable.result)

    def _may_change(self, variable: Variable, written: IRNode | None = None) -> bool:
        """Whether nobody looks at the old state any more, once `written` has been."""
        if variable.is_safe:
            return True
        open_ = self._open[-1]
        done = set(reached([written], self._unwritten)) if written else set()
        formed = (node for node in open_.body.own if node in self._forms and node is not written)
        states = [node for node in formed if mentions(self._forms[node], variable)]
        waiting = {each.result for each in open_.variables if each is not variable and not each.is_written}
        users = (user for node in states for user in open_.users.get(node, ()))
        return waiting.isdisjoint(states) and all(user in self._lines or user in done for user in users)

    def _unwritten(self, node: IRNode) -> Iterable[IRNode]:
        """What is written inside of a node's expression."""
        return () if node.primitive is None or node in self._lines else node.inputs

    def _leave(self, variable: Variable) -> None:
        """The statement that leaves the result of the round in its variable."""
        node, name = variable.result, variable.name
        form = self._forms[node]
        if not isinstance(form, ast.Name) or form.id != name:
            comment = self._comment(node, self._note_line(node))
            text = ast.unparse(form)
            added = self._added_to_number(form, variable)
            if variable.is_list:
                self._body.append(f"{name}.append({text}){comment}")
            elif added is not None:
                self._body.append(f"{name} += {ast.unparse(added)}{comment}")
            else:
                self._body.append(f"{name} = {text}{comment}")
        self._keep(variable)
        variable.is_written = True

    def _keep(self, variable: Variable) -> None:
        """The statement that adds the new state to those of the rounds before, if it is not in their list already."""
        if variable.states and not variable.is_list:
            self._body.append(f"{variable.states}.append({variable.name})")

    def _added_to_number(self, form: ast.expr, variable: Variable) -> ast.expr | None:
        """The x of `name + x`, if both are single numbers, and no arrays without axes."""
        operation = variable.result.operation
        if not variable.is_number or operation is None or may_give_an_array(operation):
            return None
        match form:
            case ast.BinOp(ast.Name(variable.name), ast.Add(), added):
                return added
        return None

    def _write_rest(self, variables: Sequence[Variable]) -> None:
        """What could not be left at once: in an order in which nobody misses an old state, else all at the same time."""
        rest = [variable for variable in variables if not variable.is_written]
        while rest:
            free = next((variable for variable in rest if self._may_change(variable, variable.result)), None)
            if free is None:
                break
            self._leave(free)
            rest.remove(free)
        plain = [variable for variable in rest if not variable.is_list]
        for variable in rest:
            if variable.is_list:
                self._give_line(variable.result, self._new_name_for(variable.result))
            self._note_line(variable.result)
        if plain:
            forms = ", ".join(ast.unparse(self._forms[variable.result]) for variable in plain)
            self._body.append(f"{', '.join(variable.name for variable in plain)} = {forms}")
        for variable in rest:
            if variable.is_list:
                self._body.append(f"{variable.name}.append({ast.unparse(self._forms[variable.result])})")
            self._keep(variable)


def _minus_one() -> ast.expr:
    return ast.UnaryOp(ast.USub(), ast.Constant(1))
