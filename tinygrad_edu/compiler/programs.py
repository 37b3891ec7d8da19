"""What every program is made of: a traced run in its simplest form, its text, and the tree that it returns."""

from __future__ import annotations

import linecache
import textwrap
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from types import CodeType, FunctionType
from typing import Any
from weakref import finalize

from tinygrad_edu.compiler.emitting import Emitter, Source
from tinygrad_edu.compiler.ir import IRNode, PythonNumber
from tinygrad_edu.compiler.lists import places
from tinygrad_edu.compiler.loops import walked_lists
from tinygrad_edu.compiler.names import prefix
from tinygrad_edu.compiler.returning import Outline, outline
from tinygrad_edu.compiler.rewriting import simplified
from tinygrad_edu.compiler.rolling import rolled
from tinygrad_edu.compiler.tracing import TracedRun, traced
from tinygrad_edu.engine.messages import GENERATED

_NO_BREAK = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True)
class Program:
    """A function for arguments of given shapes and dtypes.

    source, optimized_source: as text; the second is the one that runs.
    lines: for lines of the source those of the user's function that they come from.
    leaves: the names of its inputs, one for each number or array in the arguments.
    statements: what it does with them, the return included.
    scope: what else the statements refer to, by name.
    run: `run(*leaves)`.
    reads_outside: whether it reads what is no argument.
    """

    source: str
    optimized_source: str
    lines: list[tuple[int, int]]
    leaves: list[str]
    statements: list[str]
    scope: dict[str, Any]
    run: Callable[..., Any]
    reads_outside: bool


@dataclass(frozen=True)
class RewrittenRun:
    """A traced run, and a simpler graph, or a faster one, that does the same.

    name: of the function.
    inputs: the arguments, and after them what comes from outside.
    outputs: the results that are numbers and arrays, and after them what is kept for the next call.
    outline: the tree that the function returned.
    reserved: the names of the function's parameters, which parts of them may not take.
    """

    name: str
    trace: TracedRun
    inputs: Sequence[IRNode]
    outputs: Sequence[IRNode]
    outline: Outline
    reserved: Sequence[str] = ()

    def renewed(self, new: Mapping[IRNode, IRNode]) -> RewrittenRun:
        """The same with other nodes in place of these."""
        inputs, outputs = ([new[node] for node in nodes] for nodes in (self.inputs, self.outputs))
        return replace(self, inputs=inputs, outputs=outputs)

    def emitted(self, emitter: type[Emitter]) -> Source:
        """The program as an emitter of this kind writes it."""
        return emitter(self.name, self.inputs, self.outputs, [*self.reserved, *self.outline.scope]).source()

    def text(self, source: Source) -> str:
        """The program as a file. What the function keeps for its next call is returned, too, by its name."""
        returned, kept = self.outline.expression(source.results), source.results[len(source.results) - len(self.trace.kept) :]
        if kept:
            names = [node.label.name if node.label else "kept" for _, node in self.trace.kept]
            named = ", ".join(f"{name!r}: {result}" for name, result in zip(names, kept, strict=True))
            returned = f"{f'({returned})' if type(self.trace.output) is tuple else returned}, {{{named}}}"
        return source.text(_docstring(self, source), returned, self.outline.definitions)

    def leaves(self, source: Source) -> list[str]:
        """The parameters of the program that are numbers and arrays of the arguments."""
        return source.leaves[: len(self.trace.inputs)]

    def read_outside(self, source: Source, scope: dict[str, Any]) -> list[str]:
        """Statements that read the present numbers of what is no argument."""
        parameters = source.leaves[len(self.trace.inputs) :]
        lines, own = [], prefix([*source.parameters, *source.leaves, *scope])
        for parameter, (look, _) in zip(parameters, self.trace.outside, strict=False):
            scope[f"{own}present_{parameter}"] = look
            lines.append(f"{parameter} = {own}present_{parameter}()")
        return lines

    def returning(self, results: Sequence[str], names: Iterable[str], scope: dict[str, Any]) -> list[str]:
        """Statements that return the results, and keep before that what is kept. `names` are those that are taken."""
        kept = results[len(results) - len(self.trace.kept) :]
        if not kept:
            return [f"return {self.outline.expression(results)}"]
        own = prefix([*names, *scope])
        scope |= {f"{own}keep_{position}": take for position, (take, _) in enumerate(self.trace.kept)}
        keeping = [f"{own}keep_{position}({result})" for position, result in enumerate(kept)]
        return [f"{own}returned = {self.outline.expression(results)}", *keeping, f"return {own}returned"]


def rewritten(
    f: Callable[[Sequence[Any]], Any],
    name: str,
    names: Sequence[str],
    numbers: Sequence[Any],
    reserved: Sequence[str] = (),
    own: Collection[CodeType] = (),
) -> RewrittenRun:
    """Record `f` on numbers and arrays of these names, and simplify what it does. `own` is the code of the user's function."""
    trace = traced(f, names, numbers, own)
    inputs = [*trace.inputs, *(node for _, node in trace.outside)]
    traced_outputs = [*(node for node in trace.outputs if node is not None), *(node for _, node in trace.kept)]
    outputs = rolled(list(dict.fromkeys(trace.nodes.values())), traced_outputs, inputs)
    simple = simplified([*outputs, *inputs])
    inputs, outputs = ([simple[node] for node in nodes] for nodes in (inputs, outputs))
    are_numbers = (node is not None for node in trace.outputs)
    return RewrittenRun(
        name, trace, inputs, outputs, outline(trace.output, are_numbers, {*reserved, *names}, trace.oldest), reserved
    )


_numbers = count()


def defined(name: str, source: str, scope: dict[str, Any]) -> FunctionType:
    """The function that some source defines under a name. Tracebacks find its lines, for as long as there is its code."""
    file = f"{GENERATED} program {next(_numbers)}>"
    definitions: dict[str, FunctionType] = {}
    exec(compile(source, file, "exec"), scope, definitions)
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    finalize(definitions[name].__code__, linecache.cache.pop, file, None).atexit = False
    return definitions[name]


def runnable(leaves: Sequence[str], statements: Sequence[str], scope: dict[str, Any]) -> Callable[..., Any]:
    """A function of the leaves that runs the statements."""
    return defined("run", "\n".join([f"def run({', '.join(leaves)}):", *indented(statements)]), scope)


def indented(lines: Sequence[str]) -> list[str]:
    """One level further to the right."""
    return [f"    {line}" for line in lines]


def _docstring(run: RewrittenRun, source: Source) -> str:
    """Which function it is, what it was recorded for, and which parameters are constants that are too large to be written out."""
    described = [f"{name} {kind}" for name, kind in _inputs(run)]
    described += [f"{name} {array.dtype} {array.shape} (of the function's own)" for name, array in source.scope.constants.items()]
    described += [f"{name} (of the function's own)" for name in sorted(source.scope.foreign)]
    unbroken = "; ".join(described).replace(" ", _NO_BREAK).replace(f";{_NO_BREAK}", "; ")
    wrapped = textwrap.wrap(f"{run.name}, recorded for {unbroken}." if described else f"{run.name}.", 100)
    lines = [line.replace(_NO_BREAK, " ") for line in wrapped]
    return "\n".join(lines) + ("\n" if len(lines) > 1 else "")


def _inputs(run: RewrittenRun) -> Iterator[tuple[str, str]]:
    """What each input is called, and what it is; of a list that a loop goes through what is in it."""
    walked = {base for base, _ in walked_lists(run.inputs, run.outputs).values()}
    lists: dict[str, list[IRNode]] = {}
    for node in (*run.trace.inputs, *(node for _, node in run.trace.outside)):
        base = next((place.before for place in places(node.name) if place.before in walked), node.name)
        lists.setdefault(base, []).append(node)
    for name, nodes in lists.items():
        kinds = dict.fromkeys(map(_kind, nodes))
        count = f"a list of {len({place.number for node in nodes for place in places(node.name) if place.before == name})} × "
        yield name, (count if name in walked else "") + " and ".join(kinds)


def _kind(node: IRNode) -> str:
    if isinstance(node.dtype, PythonNumber):
        return f"a Python {node.dtype.name}"
    return f"{node.dtype} {node.shape}" if node.shape else str(node.dtype)
