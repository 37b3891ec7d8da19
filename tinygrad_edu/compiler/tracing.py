"""From a function to the graph of what it does: one run of it, with Values in place of its arguments.

Everything is recorded, also what requires no gradient. What would make the program depend on the numbers of this one run (an `if`
on a Value, `float()`, randomness) is refused, with advice. This module knows how a run is recorded and not what becomes of it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from types import CodeType
from typing import Any
from weakref import ref

import numpy as np

from tinygrad_edu.compiler.identities import does_nothing
from tinygrad_edu.compiler.ir import PYTHON, IRGraph, IRNode, Label, PythonNumber, Rank, is_elementwise, result_type
from tinygrad_edu.compiler.keeping import kept as kept_part
from tinygrad_edu.compiler.labelling import label
from tinygrad_edu.compiler.placing import Placing
from tinygrad_edu.compiler.python_numbers import kind, number, plain
from tinygrad_edu.compiler.randomness import draws, shared_state
from tinygrad_edu.engine.conversions import numbers_of, raise_its_reason
from tinygrad_edu.engine.messages import NUMPY, PACKAGE, described, users_line
from tinygrad_edu.engine.mode import InMode, Mode, Watch
from tinygrad_edu.engine.takers import users_call
from tinygrad_edu.engine.value import Value, constant_of, replace_numbers
from tinygrad_edu.errors import TracingError
from tinygrad_edu.graph.graph import parents_of
from tinygrad_edu.graph.reaching import reached
from tinygrad_edu.graph.variables import Users, Variables
from tinygrad_edu.primitives.broadcasting import cast
from tinygrad_edu.primitives.table import TABLE, numpy_name
from tinygrad_edu.transforms.places import keeper
from tinygrad_edu.transforms.tracing import ARGUMENT
from tinygrad_edu.transforms.trees import demand_shallow, tree_leaves, tree_map

DEEPEST = 50
"""How deep arguments and results may be nested. Python itself reads no program with much deeper brackets."""


@dataclass(frozen=True)
class TracedRun:
    """What a run left.

    oldest: the serial number of the first Value of the run.
    inputs: the nodes of the arguments.
    outside: what the function used without getting it as an argument: what gives its present numbers, and its input node.
    kept: what it keeps for its next call: what takes the numbers, and their node.
    output: what the function returned, a tree.
    outputs: for each leaf of it the node, or None for what is neither a number nor an array.
    nodes: for each Value of the run that an output depends on, its node.
    passed: what the chain rule did, in order: a result, one of its operands, and the gradient that was passed back to it.
    """

    oldest: int
    inputs: list[IRNode]
    outside: list[tuple[Callable[[], Any], IRNode]]
    kept: list[tuple[Callable[[Any], None], IRNode]]
    output: Any
    outputs: list[IRNode | None]
    nodes: dict[Value, IRNode]
    passed: list[tuple[Value, Value, Any]]


def traced(
    f: Callable[[Sequence[Any]], Any], names: Sequence[str], numbers: Sequence[Any], own: Collection[CodeType] = ()
) -> TracedRun:
    """Run `f` on Values that stand for numbers and arrays, and give the graph of what it did.

    Its nodes have labels, and lines: of the code `own`, which is that of the user's function and of what is defined within it.

    It is run twice: if the second run is not the same program, it depends on chance or on something that it changes itself.

    Raises
    ------
    TracingError: if the program would depend on the numbers, or on chance.
    """
    graph = IRGraph()
    outside: dict[Value, IRNode] = {}
    before = shared_state()
    with Variables() as variables:
        first = _run(graph, f, names, numbers, outside, Users(variables, own))
    second = _run(graph, f, names, numbers, outside)
    # The generators that have moved may have been moved by another thread.
    is_same = first.outputs == second.outputs and [node for _, node in first.kept] == [node for _, node in second.kept]
    if not is_same or (shared_state() != before and draws(lambda: _run(graph, f, names, numbers, outside))):
        raise TracingError(
            "the function did not do the same when it was called again: it uses random numbers, or something that it changes "
            "itself. A compiled function does the same each time, so draw the random numbers outside and pass them as an argument."
        )
    return first


def _run(
    graph: IRGraph,
    f: Callable[[Sequence[Any]], Any],
    names: Sequence[str],
    numbers: Sequence[Any],
    outside: dict[Value, IRNode],
    users: Users | None = None,
) -> TracedRun:
    arguments = [_argument(name, x) for name, x in zip(names, numbers, strict=True)]
    oldest = arguments[0].serial if arguments else Value(0.0).serial
    tracing, placing = _Tracer(oldest, frozenset(arguments), users), Placing()
    before = keeper.set(placing)
    with InMode(tracing), np.errstate(all="ignore"):
        try:
            output = f(arguments)
        except (ValueError, SystemError) as error:
            raise_its_reason(error)
        finally:
            keeper.reset(before)
    demand_shallow(output, "what the function returned", DEEPEST)
    nodes: dict[Value, IRNode] = {}
    for argument, name in zip(arguments, names, strict=True):
        nodes[argument] = graph.input(name, argument.shape, kind(numbers_of(argument)))
    inputs = [nodes[argument] for argument in arguments]
    leaves = list(tree_leaves(output))
    read: dict[Value, IRNode] = {}
    for value in _in_order([*(leaf for leaf in leaves if isinstance(leaf, Value)), *placing.written.values()], oldest):
        if value in placing.read_at:
            read[value] = nodes[value] = _read(graph, value, [*names, *(node.name for node in (*outside.values(), *read.values()))])
        elif value not in nodes:
            nodes[value] = _outside(graph, value, names, outside) if value.serial < oldest else _node(graph, value, nodes)
    outputs = [_output(graph, nodes, leaf) for leaf in leaves]
    looks: list[tuple[Callable[[], Any], IRNode]] = [(partial(numbers_of, value), node) for value, node in outside.items()]
    looks += [(placing.read_at[value].get, node) for value, node in read.items()]
    kept = [(place.set, nodes[value]) for place, value in placing.written.items() if place.set is not None]
    if users is not None:
        label(nodes, _again(tracing.passed, users.again), users.variables, output)
        for place, value in placing.written.items():
            nodes[value].is_called(Label(f"new_{place.name}", Rank.PLACE))
        for value, node in nodes.items():
            node.is_from(users.lines.get(value.serial))
    return TracedRun(oldest, inputs, looks, kept, output, outputs, nodes, tracing.passed)


def _argument(name: str, x: Any) -> Value:
    """A Value with just these numbers: integers stay integers, and Python's numbers give way to the dtype of arrays."""
    return constant_of(number(x), name)


def _outside(graph: IRGraph, value: Value, names: Sequence[str], outside: dict[Value, IRNode]) -> IRNode:
    """The node of a Value that was there before the run."""
    if value not in outside:
        outside[value] = _read(graph, value, [*names, *(node.name for node in outside.values())])
    return outside[value]


def _read(graph: IRGraph, value: Value, taken: Collection[str]) -> IRNode:
    """An input of the program that is no argument, by a name of its own."""
    wanted = value.name or "outside"
    name = next(name for number in count(1) if (name := wanted if number == 1 else f"{wanted}_{number}") not in taken)
    return graph.input(name, value.shape, value.dtype)


def _node(graph: IRGraph, value: Value, nodes: dict[Value, IRNode]) -> IRNode:
    """The node of a Value whose parents have theirs."""
    if value.primitive is None:
        return graph.constant(plain(numbers_of(value)))
    inputs = [
        nodes[parent] if parent is not None else graph.constant(plain(seen))
        for parent, seen in zip(value.parents, value.inputs, strict=True)
    ]
    dtype = kind(numbers_of(value))
    if does_nothing(value.primitive) and inputs[0].dtype == dtype:
        return inputs[0]
    try:
        return graph.apply(value.primitive, _briefly(value, inputs, dtype), value.params, (value.shape, dtype))
    except TypeError as error:  # of a parameter without a hash
        raise TracingError(
            f"{value.primitive.name!r} was given a parameter that cannot be compared by value: {error}. Pass tuples, numbers, text "
            "or functions."
        ) from error


def _briefly(value: Value, inputs: list[IRNode], dtype: Any) -> list[IRNode]:
    """The inputs, with Python's numbers as they are where NumPy's function makes NumPy's of them anyway: np.sqrt(x)."""
    if value.primitive is None or not is_elementwise(value.primitive):
        return inputs
    brief = [
        node.inputs[0] if node.operation is cast and isinstance(node.inputs[0].dtype, PythonNumber) else node for node in inputs
    ]
    return brief if brief != inputs and result_type(value.primitive, brief, value.params or {})[1] == dtype else inputs


def _again(passed: list[tuple[Value, Value, Any]], again: Mapping[Value, Value]) -> list[tuple[Value, Value, Any]]:
    """What the chain rule did, and the same with what was computed again, for many rows of a Jacobian at once."""
    of_values = (each for each in passed if isinstance(each[2], Value))
    return passed + [
        (node, again.get(parent, parent), again[gradient]) for node, parent, gradient in of_values if gradient in again
    ]


def _output(graph: IRGraph, nodes: Mapping[Value, IRNode], leaf: Any) -> IRNode | None:
    if isinstance(leaf, Value):
        return nodes[leaf]
    if isinstance(leaf, np.ndarray | np.generic | float | int) and not isinstance(leaf, bool):
        return graph.constant(leaf)
    return None


def _in_order(outputs: Sequence[Value], oldest: int) -> list[Value]:
    """What outputs were computed from since the run began, and what it began with, older ones first."""
    found = reached(outputs, lambda value: parents_of(value) if value.serial >= oldest else ())
    return sorted(found, key=lambda value: value.serial)


def _plain_data(x: Any) -> Any:
    return plain(numbers_of(x)) if isinstance(x, Value) else x


def _has_numpys(tree: Any) -> bool:
    return any(isinstance(leaf, np.ndarray | np.generic) for leaf in tree_leaves(tree))


# --- watching ----------------------------------------------------------------------------------------------------------------


class _PrintedError(Exception):
    """A hook prints a Value."""


class _Tracer(Watch):
    """The mode in which everything is recorded, and nothing leaves the record."""

    records_constants = True
    records_likes = False
    keeps_python_numbers = True

    def __init__(self, oldest: int, arguments: frozenset[Value], users: Users | None) -> None:
        self.oldest, self.arguments, self.gradients, self._users = oldest, arguments, True, users
        self.passed: list[tuple[Value, Value, Any]] = []
        self.tried: list[ref[Value]] | None = None  # what a hook records that is being tried

    def within(self, asked: Mode) -> Mode:
        if asked.watches:
            raise TracingError(
                f"what watches a computation, such as detect_anomaly, cannot do so while it is compiled ({users_line()}). "
                "Use it on the function itself."
            )
        inner = copy(self)  # what it notes goes to the same places
        inner.gradients = asked.records
        return inner

    def see_call(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        """Of nothing but Python's numbers a NumPy function makes NumPy's. Beside an array they take its dtype."""
        plain_args, plain_kwargs = tree_map(_plain_data, (args, kwargs))
        is_beside_a_list = isinstance(function, np.ufunc) and any(isinstance(x, list | tuple) for x in args)  # an array, to a ufunc
        if is_beside_a_list or _has_numpys((plain_args, plain_kwargs)):
            return args
        try:
            answer = function(*plain_args, **plain_kwargs)
        except (
            ArithmeticError,
            AttributeError,
            LookupError,
            TypeError,
            ValueError,
        ):  # which comes once more where the call is traced
            answer = np.float64("nan")
        is_numpys = _has_numpys(answer)  # np.real hands Python's numbers through
        return tuple(cast(x, dtype=x.dtype) if isinstance(x, Value) else x for x in args) if is_numpys else args

    def see_result(self, node: Any) -> None:
        if type(data := numbers_of(node)) in (*PYTHON, complex):
            replace_numbers(node, number(data))
        if self.tried is not None:
            self.tried.append(ref(node))
        primitive = node.primitive
        if TABLE.entries.get(primitive.name) is not primitive:
            node.primitive, node.params = kept_part(primitive), {key: kept_part(x) for key, x in (node.params or {}).items()}
        node.requires_grad = (
            self.gradients
            and primitive.is_differentiable
            and any(parent is not None and parent.requires_grad for parent in node.parents)
        )
        if self._users:
            self._users.see(node)

    def see_backward(self, create_graph: bool) -> None:
        if not create_graph:
            raise TracingError(
                f"backward() adds into .grad, which a compiled function cannot do ({users_line()}). "
                "Write tg.value_and_grad(loss)(parameters), which returns the gradient."
            )
        if self._users:
            self._users.variables.pause()

    def call_hook(self, hook: Any, value: Any, gradient: Any) -> Any:
        gradient = gradient if isinstance(gradient, Value) else constant_of(gradient, "")
        self._demand_that_it_only_computes(hook, value, gradient)
        return super().call_hook(hook, value, gradient)

    def _demand_that_it_only_computes(self, hook: Any, value: Value, gradient: Value) -> None:
        """Raise if a hook does what the program would not do, since it runs without the hook."""
        before, self.tried = len(self.passed), []
        try:
            answer = hook.answer(cast(gradient, dtype=gradient.dtype))
        except _PrintedError:
            does = "prints"
        else:
            does = "returns nothing" if answer is None else ""
            del answer, self.passed[before:]
        finally:
            tried, self.tried = self.tried, None
        if not does and any(made() is not None for made in tried):  # what it computed is still there
            does = "stores what it computes"
        if does:
            raise TracingError(
                "a compiled function is recorded once and then runs without its hooks, so all that a hook can do is to compute "
                f"what goes on; but {hook.name}, which sees the gradient of {described(value)}, {does}. Watch the gradient with "
                "the function itself, without tg.compile, or let the hook do nothing but return what goes on."
            )

    def see_printed(self, value: Any) -> None:
        if self.tried is not None:
            raise _PrintedError

    def see_gradient(self, node: Any, parent: Any, gradient: Any) -> None:
        self.passed.append((node, parent, gradient))
        if self._users and parent.primitive is ARGUMENT:  # with the last of these a transform is done
            self._users.variables.resume()

    def see_numbers(self, value: Any, taken: str, advice: str = "") -> None:
        if isinstance(value, Value) and value.primitive is None and value.serial >= self.oldest and value not in self.arguments:
            return  # made in the function, of numbers that are the same each time
        called = _called(advice)
        words, instead = called or (taken, _instead(taken) or advice)
        static = self._static(value)
        if not instead and not (called and static):
            instead = "Compute with the Value itself, with operators and NumPy functions."
        raise TracingError(
            f"a compiled function is recorded once and does the same for all numbers, but {words} would make it depend on the "
            f"numbers of {described(value) if isinstance(value, Value) else 'a Value'} ({users_line()}). "
            + (f"{instead} Or let {static}" if instead and static else instead or f"Let {static}")
        )

    def _static(self, value: Any) -> str:
        """Which arguments a Value was computed from, as advice to let them belong to the program. What a transform within the
        program differentiates by is a Value there in any case, and no advice would help."""
        behind = list(reached([value] if isinstance(value, Value) else [], parents_of))
        if any(each.primitive is ARGUMENT for each in behind):
            return ""
        roots = dict.fromkeys(re.split(r"\W", each.name)[0] for each in behind if each in self.arguments and each.name)
        if not roots:
            return ""
        names = ", ".join(map(repr, roots)) + ("," if len(roots) == 1 else "")
        return f"{' and '.join(roots)} be static: tg.compile(f, static=({names})). Each value has a program of its own then."


def _called(advice: str) -> tuple[str, str] | None:
    """The call in the user's line that asks for numbers, and what to write instead; None if the line asks for them itself.

    The advice that is given is about what takes the numbers. That is of use where it is not one of our own functions.
    """
    frame, functions = sys._getframe(1), []
    asks = None
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_LIBRARIES):
        if asks is None and not frame.f_code.co_filename.startswith(_ASKED):
            asks = frame
        if frame.f_code in _ANSWERING:
            functions.append(frame.f_locals[_ANSWERING[frame.f_code]])
        frame = frame.f_back
    instead = [TABLE.instead[function] for function in functions if function in TABLE.instead]
    if asks is None and not instead:
        return None
    words = users_call(sys._getframe(1)) or (f"{numpy_name(functions[-1])}()" if functions else "")
    return (words, instead[-1] if instead else "" if functions else advice) if words else None


_ASKED = (str(Path(PACKAGE) / "engine"), __file__)
_LIBRARIES = (PACKAGE, NUMPY)
_ANSWERING = {Value.__array_function__.__code__: "function", Value.__array_ufunc__.__code__: "ufunc"}


def _instead(taken: str) -> str:
    return "Write tg.Value(array, requires_grad=False)[value]." if "array[value]" in taken else ""
