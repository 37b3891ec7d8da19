"""The program that NumPy runs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np

from tinygrad_edu.compiler.fast_emitting import FastEmitter, is_worth_writing
from tinygrad_edu.compiler.ir import PYTHON, IRGraph, IRNode, PythonNumber, is_number, is_operator, result_type
from tinygrad_edu.compiler.loop_emitting import LoopEmitter
from tinygrad_edu.compiler.loops import body_of, everything, is_loop, rebuilt
from tinygrad_edu.compiler.probing import raises_on_python_numbers
from tinygrad_edu.compiler.programs import Program, RewrittenRun, indented, runnable
from tinygrad_edu.compiler.rewriting import expanded
from tinygrad_edu.compiler.scope import is_of_table
from tinygrad_edu.engine.user_primitive import UserPrimitive
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.primitives import arithmetic
from tinygrad_edu.primitives.broadcasting import cast
from tinygrad_edu.primitives.primitive import Primitive


def numpy_program(run: RewrittenRun) -> Program:
    """A program that NumPy runs, as fast as it can be."""
    fast = run.renewed(expanded([*run.outputs, *run.inputs]))
    given = zip(fast.inputs, run.trace.inputs, strict=False)  # Values from outside come last
    python_numbers = {node for node, traced in given if isinstance(traced.dtype, PythonNumber)}
    careful, may_raise = _with_numpys_where_pythons_differ(fast, python_numbers)
    fast = fast.renewed(careful)
    readable = run.emitted(LoopEmitter)
    is_fast = fast.outputs == run.outputs and fast.inputs == run.inputs and not is_worth_writing(fast.outputs)
    source = readable if is_fast else fast.emitted(FastEmitter)
    scope: dict[str, Any] = {"np": np}
    exec("\n".join(source.scope.helpers.values()), scope)
    its = source.scope
    scope |= {**its.functions, **_of_users(its.functions, fast.outputs), **its.constants, **run.outline.scope}
    leaves = run.leaves(source)
    lists = [f"{name} = {made}" for name, made in source.lists.items()]
    outside = run.read_outside(source, scope)
    returning = run.returning(source.results, [*source.parameters, *source.leaves, *source.body], scope)
    statements = [*outside, *lists, *source.body, *returning]
    pairs = list(zip(leaves, fast.inputs, strict=False))
    if may_raise:
        # Not the whole numbers: Python's have any number of digits, and what raises an error with them does so eagerly, too.
        converted = [f"{leaf} = np.float64({leaf})" for leaf, node in pairs if node in python_numbers and node.dtype.kind == "f"]
        statements = ["try:", *indented(statements), "except ArithmeticError:", *indented([*converted, *statements])]
    # An array without axes becomes a number, which nobody can change afterwards.
    numbers = [f"{leaf} = {leaf}[()]" for leaf, node in pairs if node.shape == () and node not in python_numbers]
    statements = [*numbers, *statements]
    text, fast_text = run.text(readable), run.text(source)
    run_it = runnable(leaves, statements, scope)
    reads_outside = bool(run.trace.outside or run.trace.kept)
    return Program(text, fast_text, readable.origins(text), leaves, statements, scope, run_it, reads_outside)


def _of_users(functions: Mapping[str, Callable[..., Any]], outputs: Sequence[IRNode]) -> dict[str, Callable[..., Any]]:
    """The functions of users' own operations, by name, each of which demands the shapes that were traced."""
    shapes: dict[int, tuple[str, set[tuple[int, ...]]]] = {}
    for node in everything(outputs):
        if isinstance(node.primitive, UserPrimitive):
            shapes.setdefault(id(node.primitive.forward), (node.primitive.name, set()))[1].add(node.shape)
    return {name: _of_shapes(f, *shapes[id(f)]) for name, f in functions.items() if id(f) in shapes}


def _of_shapes(forward: Callable[..., Any], name: str, shapes: Collection[tuple[int, ...]]) -> Callable[..., Any]:
    def checked(*inputs: Any, **params: Any) -> Any:
        result = forward(*inputs, **params)
        if getattr(result, "shape", ()) not in shapes:
            expected = " or ".join(map(str, sorted(shapes)))
            raise ShapeError(
                f"{name!r} returned an array of shape {np.shape(result)}, but of shape {expected} when the program was recorded. "
                "In a compiled function the shape of a result may depend on the shapes of the inputs, and not on their numbers: "
                "write np.where(mask, x, 0.0) in place of x[mask], or leave this part out of what is compiled."
            )
        return result

    return checked


# --- Python's numbers --------------------------------------------------------------------------------------------------------

_AS_PYTHON = {kind: Primitive(kind.type, None, name=kind.name, code=f"{kind.name}({{0}})") for kind in PYTHON.values()}


def _with_numpys_where_pythons_differ(run: RewrittenRun, given: set[IRNode]) -> tuple[dict[IRNode, IRNode], bool]:
    """The nodes of a program, and whether they may raise an error of Python's. `given` are the inputs that are Python's numbers.

    What loops carry may be one of Python's if what they begin with may be, or what a round leaves.
    """
    bodies = [(body_of(node), node.inputs) for node in everything(run.outputs) if is_loop(node)]
    known = {*given}
    while True:
        new, python_numbers, may_raise = _careful(run, known)
        carried = {
            carried
            for body, inputs in bodies
            for carried, first, result in zip(body.carried, inputs, body.results, strict=False)
            if carried.shape == () and (first.value is not None or not python_numbers.isdisjoint((new[first], new[result])))
        }
        if carried <= known:
            return new, may_raise
        known |= carried


def _careful(run: RewrittenRun, given: set[IRNode]) -> tuple[dict[IRNode, IRNode], set[IRNode], bool]:
    """The nodes of a program, which of them may be Python's numbers, and whether they may raise an error of Python's.

    Python's own arithmetic is several times faster for single numbers, and nearly always goes on as NumPy does. Where it would not
    (a root of a negative number becomes complex, and a function may do what it likes), NumPy's numbers take the place of Python's.
    """
    graph, python_numbers, may_raise = IRGraph(), set(given), False

    def rebuild(node: IRNode, inputs: tuple[IRNode, ...]) -> IRNode:
        nonlocal may_raise
        if node.primitive is None:
            return node
        new = node if inputs == node.inputs else graph.apply(node.primitive, inputs, node.params, (node.shape, node.dtype))
        pythons = [part for part in inputs if part in python_numbers]
        if node.shape or not pythons or not all(part in pythons or part.value is not None for part in inputs):
            return new
        if is_operator(node.primitive) and _goes_on_as_numpys(node.primitive, inputs):
            may_raise = may_raise or raises_on_python_numbers(node.primitive)
            python_numbers.add(new)
            return new
        if isinstance(node.primitive.forward, np.ufunc) or node.operation is cast:  # which returns one of NumPy's numbers
            return new
        numpys = [_numpys(graph, part) if part in pythons else part for part in inputs]
        if len(pythons) < len(inputs) and is_of_table(node.primitive) and not isinstance(node.dtype, PythonNumber):
            # Beside one of NumPy's numbers a number of Python's may have to stay one: np.where(x > 0, np.float32(0.1), x).
            numpys = numpys if result_type(node.primitive, numpys, node.params)[1] == node.dtype else list(inputs)
        new = graph.apply(node.primitive, numpys, node.params, (node.shape, node.dtype))
        if isinstance(node.dtype, PythonNumber):
            new = graph.apply(_AS_PYTHON[node.dtype], (new,), {}, ((), node.dtype))
            python_numbers.add(new)
        return new

    return rebuilt([*run.outputs, *run.inputs], rebuild), python_numbers, may_raise


def _goes_on_as_numpys(primitive: Primitive, inputs: Sequence[IRNode]) -> bool:
    """Whether Python makes of its numbers what NumPy makes of them.

    Of a power it does so if it is one of whole numbers, or has an exponent that is known to be whole.
    """
    if (primitive.form_of or primitive) is not arithmetic.power or all(part.dtype.kind in "bi" for part in inputs):
        return True
    return is_number(inputs[1]) and float(inputs[1].value).is_integer()


def _numpys(graph: IRGraph, node: IRNode) -> IRNode:
    """A number of Python's as one of NumPy's."""
    dtype = np.dtype(node.dtype.type) if isinstance(node.dtype, PythonNumber) else node.dtype
    return graph.apply(cast, (node,), {"dtype": dtype}, ((), dtype))
