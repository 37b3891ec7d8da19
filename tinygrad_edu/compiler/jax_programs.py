"""The same program for JAX, which compiles it for processors, graphics cards, or several devices at once.

JAX's arrays have the names of NumPy's, so the program stays as it is, but for what would change an array in place.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import Any
from weakref import finalize

import numpy as np

from tinygrad_edu.compiler.emitting import Source
from tinygrad_edu.compiler.forms import called
from tinygrad_edu.compiler.ir import PYTHON, IRNode, PythonNumber
from tinygrad_edu.compiler.loop_emitting import LoopEmitter
from tinygrad_edu.compiler.loop_variables import Variable
from tinygrad_edu.compiler.loops import Body, body_of, everything, in_order, is_last
from tinygrad_edu.compiler.names import prefix
from tinygrad_edu.compiler.programs import Program, RewrittenRun, runnable
from tinygrad_edu.engine.messages import shortened
from tinygrad_edu.errors import DataError, MissingExtraError, UnsupportedError
from tinygrad_edu.graph.source import is_literal, literal
from tinygrad_edu.primitives import arithmetic
from tinygrad_edu.primitives.broadcasting import cast
from tinygrad_edu.primitives.indexing import index, scatter
from tinygrad_edu.primitives.primitive import Primitive
from tinygrad_edu.primitives.shaping import WHOLE

_JAXS_ERRORS = (TypeError, ValueError, LookupError, ArithmeticError, AttributeError, NotImplementedError)
"""What JAX raises where `jax.numpy` lacks a function or an option, or a function wants to know numbers."""


def import_jax() -> Any:
    """The package.

    Raises
    ------
    MissingExtraError: if it is not installed.
    """
    try:
        import jax.scipy.special
    except ImportError as error:
        raise MissingExtraError('target="jax" needs JAX: install it with pip install "tinygrad_edu[jax]".') from error
    return jax


def as_numpy(array: Any) -> Any:
    """One of JAX's arrays for a first run. It gets ones where its numbers are not here: inside of a function that JAX itself is
    tracing, which has none, and where other processes hold parts of it."""
    is_here = not isinstance(array, import_jax().core.Tracer) and (array.is_fully_addressable or array.is_fully_replicated)
    return np.asarray(array) if is_here else np.ones(array.shape, array.dtype)


class JaxEmitter(LoopEmitter):
    """Writes for `jax.numpy`, by the name of np."""

    def source(self) -> Source:
        """The whole program, to be compiled by JAX."""
        source = super().source()
        head = ["import jax", "import jax.numpy as np"]
        if any("jax.scipy.special" in line for line in source.body + source.results):
            head.append("import jax.scipy.special")
        if _needs_double([*self._everything, *self._inputs], self._outputs):
            head += ["", 'jax.config.update("jax_enable_x64", True)  # NumPy\'s double precision']
        return replace(source, head="\n".join(head), decorator="@jax.jit\n")

    def _add_in_place(self, order: Sequence[IRNode]) -> None:
        """Nothing: JAX's arrays do not change."""

    def _entry(self, node: IRNode) -> Primitive:
        entry = super()._entry(node)
        return entry.but(code=entry.jax) if entry.jax else entry

    # --- loops ---------------------------------------------------------------------------------------------------------------

    def _listed(self, node: IRNode) -> ast.expr:
        """As one array, of which a round takes a part by a number that JAX does not know beforehand."""
        return called("stack", super()._listed(node))

    def _write_loop(self, whole: IRNode) -> None:
        """A function of what is carried and of the number of the round, for `jax.lax.scan`."""
        body = body_of(whole)
        self._give_lines_outside(whole)
        kept = sorted({node.params["position"] for node in self._looks.get(whole, ()) if self._is_kept(node, body)})
        variables = [
            Variable(self._variable_name(position, body), result, carried)
            for position, (result, carried) in enumerate(zip_longest(body.results, body.carried))
        ]
        names = [variable.name for variable in variables]
        carried, name = _tuple(names[: len(body.carried)]), self._scope.unique("one_round")
        given = self._scope.unique("carried")
        first = [f"def {name}({given}, {self._number_name(len(self._open))}):", f"{carried} = {given}"]
        start = self._lines[whole] = len(self._body)
        self._body += self._round(body, variables, first, [f"return {carried}, {_tuple([names[k] for k in kept])}"])
        pairs = zip(whole.inputs, body.results[: len(body.carried)], strict=False)
        initial = [ast.unparse(self._first(node, result)) for node, result in pairs]
        lists = {position: self._scope.variable(names[position]) for position in kept}
        rounds = ", ".join(map(str, (body.rounds.start, body.rounds.stop, body.rounds.step)))
        left = f"{carried}, {_tuple([*lists.values()])}"
        self._body.append(f"{left} = jax.lax.scan({name}, {_tuple(initial)}, np.arange({rounds}))")
        for position, each in lists.items():
            if position < len(body.carried):
                self._body.append(f"{each} = np.concatenate([np.asarray({initial[position]})[None], {each}])")
        for node in self._looks.get(whole, ()):
            position = node.params["position"]
            is_whole = self._is_kept(node, body)
            form: ast.expr = ast.Name(lists[position] if is_whole else names[position])
            self._forms[node] = ast.Subscript(form, literal(-1)) if is_last(node) and is_whole else form
            self._lines[node] = start

    def _is_kept(self, node: IRNode, body: Body) -> bool:
        """Whether what looks at a loop needs what was computed in all rounds."""
        return not is_last(node) or node.params["position"] >= len(body.carried)

    def _first(self, node: IRNode, result: IRNode) -> ast.expr:
        """What is carried into the first round, in the dtype that a round leaves it in."""
        if isinstance(result.dtype, PythonNumber) or (node.dtype == result.dtype and node.primitive is not None):
            return self._forms[node]
        return ast.Call(called("asarray").func, [self._forms[node], literal(result.dtype)], [])

    def _expression(self, node: IRNode, operands: Sequence[ast.expr]) -> ast.expr:
        form = self._computed(node, operands)
        return form if self._has_its_dtype(node) else ast.Call(ast.Attribute(form, "astype"), [literal(node.dtype)], [])

    def _computed(self, node: IRNode, operands: Sequence[ast.expr]) -> ast.expr:
        added = self._added_in_place(node, operands)
        if added:
            return added
        operands = [self._as_weak(operand, part, node) for operand, part in zip(operands, node.inputs, strict=True)]
        return super()._expression(node, [_promoted(operand, position, node) for position, operand in enumerate(operands)])

    def _as_weak(self, operand: ast.expr, part: IRNode, node: IRNode) -> ast.expr:
        """A whole number of Python's that a loop counts or carries, which for JAX has 64 bits, gives way to those of an array."""
        is_of_loop = part.dtype == PYTHON[int] and part.value is None and part not in self._inputs
        is_whole = not isinstance(node.dtype, PythonNumber) and node.dtype.kind in "iu"
        if not is_of_loop or not is_whole or node.operation in (index, scatter):
            return operand
        return ast.Call(ast.Attribute(called("asarray", operand), "astype"), [literal(node.dtype)], [])

    def _added_in_place(self, node: IRNode, operands: Sequence[ast.expr]) -> ast.expr | None:
        """`x.at[i].add(g)`, for the sum of an array and one that is zero but for a part: of the size of the part alone."""
        parts = [part.operation is scatter and self._uses[part] == 1 and part.dtype == node.dtype for part in node.inputs]
        if node.operation is not arithmetic.add or sum(parts) != 1 or {part.shape for part in node.inputs} != {node.shape}:
            return None
        added, other = operands[parts.index(True)], operands[parts.index(False)]
        match added:
            case ast.Call(ast.Attribute(ast.Subscript(ast.Attribute(_, "at"), places), "add"), summands):
                return ast.Call(ast.Attribute(ast.Subscript(ast.Attribute(other, "at"), places), "add"), summands, [])
        return None

    def _has_its_dtype(self, node: IRNode) -> bool:
        """Whether JAX gives whole numbers and truth values the dtype that they have in NumPy, found out by asking it."""
        if isinstance(node.dtype, PythonNumber) or node.dtype.kind not in "biu":
            return True
        jax = import_jax()
        names = [f"x{position}" for position in range(len(node.inputs))]
        form = self._computed(node, [ast.Name(name) for name in names])
        try:
            known = {"np": jax.numpy, "jax": jax, **self._scope.functions, **self._scope.constants}
            f = eval(f"lambda {', '.join(names)}: {ast.unparse(form)}", known)
            found = jax.eval_shape(f, *map(_like, node.inputs)).dtype
        except _JAXS_ERRORS:  # the whole program will say it
            return True
        return bool(found == jax.dtypes.canonicalize_dtype(node.dtype))

    def _written(self, param: Any, wanted: str) -> Any:
        """What is no index, such as a number of repetitions, JAX has to know before it sees the numbers that are passed."""
        if wanted == "index":
            return super()._written(_without_masks(param), wanted)
        if type(param) is list and is_literal(param):  # which JAX cannot look up
            return tuple(self._written(part, wanted) for part in param)
        return self._scope.given(param, wanted) if isinstance(param, np.ndarray) else super()._written(param, wanted)


def _tuple(names: Sequence[str]) -> str:
    return f"({', '.join(names)}{',' if len(names) == 1 else ''})"


def _needs_double(order: Iterable[IRNode], outputs: Sequence[IRNode]) -> bool:
    """Whether it is double precision that is computed in. Python's numbers are so only where they are results."""
    widths = {"f": 8, "c": 16}
    return any(isinstance(node.dtype, np.dtype) and node.dtype.itemsize == widths.get(node.dtype.kind) for node in order) or any(
        node.dtype == PYTHON[float] for node in outputs
    )


def _promoted(operand: ast.expr, position: int, node: IRNode) -> ast.expr:
    """An operand in the precision of the result where JAX would compute with less: for it int64 and float32 give float32,
    a mask has a mean in float32, and bytes have running sums in bytes.

    Positions, which have no derivative rule, stay integers, as does all but the first operand where there are no rules at all;
    and a mask stays one where it meets numbers of the result's dtype.
    """
    assert node.primitive is not None
    part, rules = node.inputs[position], node.primitive.vjps
    if node.operation in (cast, WHOLE) and part.dtype.kind == "c" and node.dtype.kind in "fiu":  # NumPy drops the imaginary part
        return called("real", operand)
    has_rules = not isinstance(rules, tuple) or any(rules)
    is_position = isinstance(rules, tuple) and rules[position] is None if has_rules else position > 0
    is_literal = part.value is not None and not isinstance(operand, ast.Call)
    if is_position or is_literal or node.operation is cast or PythonNumber in (type(part.dtype), type(node.dtype)):
        return operand
    wanted = _as_precise(part.dtype, node.dtype)
    is_met = has_rules and any(each.dtype == node.dtype for each in node.inputs)
    if part.dtype == wanted or (is_met and not (part.dtype.kind in "iu" and node.dtype.kind in "fc")):
        return operand
    return ast.Call(ast.Attribute(operand, "astype"), [literal(wanted)], [])


def _as_precise(dtype: np.dtype[Any], result: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype in which an operand has the precision of the result. Real numbers stay real, and numbers keep what they have."""
    if dtype.kind not in "biufc" or result.kind not in "iufc" or (dtype.kind in "fc" and result.kind in "iu"):
        return dtype
    if result.kind == "c" and dtype.kind != "c":
        result = np.finfo(result).dtype
    elif result.kind == "f" and dtype.kind == "c":
        result = np.result_type(result, np.complex64)
    return result if dtype.kind not in "fc" else np.result_type(dtype, result)


def _like(node: IRNode) -> Any:
    """What stands for a number or an array where JAX looks at shapes and dtypes alone."""
    if isinstance(node.dtype, PythonNumber):
        return node.dtype.type(1)
    return import_jax().ShapeDtypeStruct(node.shape, import_jax().dtypes.canonicalize_dtype(node.dtype))


def _without_masks(index: Any) -> Any:
    """An index with positions in place of masks: JAX has to know how many elements there are before it sees the numbers."""
    parts = index if type(index) is tuple else (index,)
    if not any(_is_mask(part) for part in parts):
        return index
    return tuple(position for part in parts for position in (_positions(part) if _is_mask(part) else (part,)))


def _is_mask(part: Any) -> bool:
    return isinstance(part, np.ndarray) and part.dtype == bool


def _positions(mask: Any) -> tuple[Any, ...]:
    return np.nonzero(mask) if mask.ndim else (bool(mask),)


def jax_program(run: RewrittenRun) -> Program:
    """A program that JAX compiles for the devices on which it finds the arguments. It returns JAX's arrays."""
    jax = import_jax()
    demand_whole_numbers = _whole_numbers_demanded(run)
    source = run.emitted(JaxEmitter)
    scope: dict[str, Any] = {"np": jax.numpy, "jax": jax, **{name: source.scope.functions[name] for name in source.scope.foreign}}
    exec("\n".join(source.scope.helpers.values()), scope)
    scope |= run.outline.scope
    results = [_typed(*each) for each in zip(source.results, run.outputs, strict=True)]
    function = runnable(source.parameters, [*source.body, f"return [{', '.join(results)}]"], scope)
    scope |= {name: jax.numpy.asarray(constant) for name, constant in source.scope.constants.items()}
    outside = run.read_outside(source, scope)
    own = prefix([*source.parameters, *source.leaves, *scope])
    jitted = jax.jit(_explained(function, run.name))
    its = {
        "compiled": jitted,
        "config": jax.config,
        "refuse_to_round": _refuse_to_round,
        "demand_whole_numbers": demand_whole_numbers,
    }
    scope |= {f"{own}{name}": thing for name, thing in its.items()}
    is_double = _needs_double([*everything(run.outputs), *run.inputs], run.outputs)
    leaves = run.leaves(source)
    passed = [source.lists.get(name, name) for name in source.parameters]
    statements = [
        *([f"{own}demand_whole_numbers({', '.join(leaves)})"] if demand_whole_numbers else []),
        *([f"if not {own}config.jax_enable_x64:", f"    {own}refuse_to_round({run.name!r})"] if is_double else []),
        *outside,
        f"{own}results = {own}compiled({', '.join(passed)})",
        *run.returning([_taken(f"{own}results[{i}]", node) for i, node in enumerate(run.outputs)], source.leaves, scope),
    ]
    text = run.text(source)
    lines = source.origins(text)
    program = Program(
        text, text, lines, leaves, statements, scope, runnable(leaves, statements, scope), bool(run.trace.outside or run.trace.kept)
    )
    finalize(program, jitted.clear_cache).atexit = False  # JAX would keep what it has compiled, and every line that led to it
    return program


def _whole_numbers_demanded(run: RewrittenRun) -> Callable[..., None] | None:
    """A check of Python's whole numbers among the arguments, and of what the program computes of them; None where there are none.

    Python's have any number of digits, but JAX's have 64 bits, and go on without a word where these do not do. All that whole
    numbers of Python's are computed of is known before JAX is called, so Python computes them, too, to see whether they fit.
    """
    inputs = run.trace.inputs
    order = in_order([*inputs, *(output for output in run.trace.outputs if output is not None)])
    whole = [node for node in order if node.value is None and (node.dtype == PYTHON[int] or _may_be_whole(node))]
    steps = in_order(whole)
    names = " and ".join(node.name for node in inputs if node in steps)
    config = import_jax().config

    def demand(*arguments: Any) -> None:
        bits = 64 if config.jax_enable_x64 else 32
        known = dict(zip(inputs, arguments, strict=True))
        for node in steps:
            if node not in known:
                operands = [known[part] for part in node.inputs]
                known[node] = node.primitive.forward(*operands, **node.params) if node.primitive else node.value
        for node in whole:
            if not (type(known[node]) is int and -(2 ** (bits - 1)) <= known[node] < 2 ** (bits - 1)):
                raise UnsupportedError(
                    f"{run.name} has the number {shortened(known[node])}, which comes of {names} by Python's whole numbers. These "
                    f"may be of any size and have powers that are fractions, but JAX's stay whole and have {bits} bits. Compute "
                    "with floats: pass 3.0 in place of 3, and write 10.0**k in place of 10**k."
                )

    return demand if whole else None


def _may_be_whole(node: IRNode) -> bool:
    """Whether it is a power of whole numbers of Python's, which is whole for some exponents, and not for negative ones."""
    are_whole = all(part.dtype == PYTHON[int] for part in node.inputs)
    return node.operation is arithmetic.power and are_whole and node.inputs[1].value is None


def _explained(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """The same function, whose errors say what they are about. They come while JAX compiles it, and not later."""

    def traced(*inputs: Any) -> Any:
        try:
            return function(*inputs)
        except _JAXS_ERRORS as error:
            raise UnsupportedError(
                f"JAX cannot run {name}: {str(error).splitlines()[0]} The program uses an option of NumPy that jax.numpy lacks, "
                "or a function of your own (tg.primitive) that calls NumPy: compute it with operators, or with target='numpy'."
            ) from error

    return traced


def _typed(result: str, node: IRNode) -> str:
    """A result, given its dtype where JAX would choose another one; integers are as wide as JAX is set to make them."""
    return result if node.dtype.kind not in "fc" else f"np.asarray({result}, {ast.unparse(literal(np.dtype(node.dtype.type)))})"


def _taken(result: str, node: IRNode) -> str:
    """A result out of the list. An argument that is handed through is copied: its memory may be that of an array of NumPy."""
    return f"np.array({result})" if node.primitive is None else result


def _refuse_to_round(name: str) -> None:
    raise DataError(
        f"{name} computes in double precision, as NumPy does unless told otherwise, but JAX is set to round to single precision. "
        'Say jax.config.update("jax_enable_x64", True) at the start of the program, or pass arrays of float32.'
    )
