"""From a function to one that looks its arguments up, and goes straight to the program that was generated for them.

The arguments are trees: numbers and arrays are inputs of the program, all else is static. For the newest programs the look-up is
generated, too: guards in front of the statements of the last one, and of calls of the others. Other programs are found by a key.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, count
from typing import Any
from weakref import finalize, ref

import numpy as np

from tinygrad_edu.compiler.guards import Guards, NoGuardError
from tinygrad_edu.compiler.jax_programs import as_numpy, import_jax, jax_program
from tinygrad_edu.compiler.names import NEEDED, prefix
from tinygrad_edu.compiler.numpy_programs import numpy_program
from tinygrad_edu.compiler.programs import Program, defined, indented, rewritten
from tinygrad_edu.compiler.statics import as_number, what_it_is
from tinygrad_edu.compiler.store import Kept, Store
from tinygrad_edu.compiler.surroundings import Surroundings
from tinygrad_edu.compiler.tracing import DEEPEST
from tinygrad_edu.engine.messages import shortened, text_of
from tinygrad_edu.engine.mode import current_mode, inside_a_transform
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import DataError
from tinygrad_edu.graph.lines import codes_of
from tinygrad_edu.graph.source import identifier
from tinygrad_edu.transforms.tracing import numbers_to_read
from tinygrad_edu.transforms.trees import (
    beside,
    children_of,
    demand_shallow,
    is_leaf,
    tree_leaves,
    tree_leaves_named,
    tree_map_named,
)

TARGETS = {"numpy": numpy_program, "jax": jax_program}

MOST_WAYS = 4
"""How many programs the generated function goes straight to."""


class _Names:
    """Names in the scope of an entry. They are there for as long as some code that needs them keeps this object.

    Another thread may still be running code when other code has taken its place.
    """

    def __init__(self, scope: dict[str, Any], compilation: Compilation) -> None:
        self._names, self._compilation = list(scope), ref(compilation)
        compilation.scope |= scope

    def __del__(self) -> None:
        compilation = self._compilation()
        if compilation is not None:
            for name in self._names:
                del compilation.scope[name]


def _left(names: Sequence[_Names]) -> None:
    """No code is left that needs these names."""


@dataclass(eq=False)
class _Way:
    """A way straight to a program: the conditions under which it is taken, and the names that it needs, which have a prefix."""

    kept: Kept
    conditions: Sequence[str]
    prefix: str
    names: _Names


class _Written:
    """Something whose `repr` is the given text, for the printed form of a signature."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


class Compilation:
    """The programs of one function, and the function that chooses among them."""

    def __init__(self, f: Callable[..., Any], target: str, static: tuple[str, ...], maxsize: int) -> None:
        self._f = f
        self._program = TARGETS[target]
        self._arrays: tuple[type[Any], ...] = (np.ndarray,) if target == "numpy" else (np.ndarray, import_jax().Array)
        self._name = identifier(text_of(f, "__name__", text_of(f, "name", type(f).__name__)))
        self._parameters = _parameters(f)
        names = [parameter.name for parameter in self._parameters]
        for name in static:
            if name not in names:
                raise DataError(f"static names {name!r}, but the parameters of {self._name} are {', '.join(names)}")
        self._static = static
        self._defaults = {parameter.name: parameter.default for parameter in self._parameters}
        self._programs = Store(maxsize)
        self._ways: list[_Way] = []
        self._numbers = count()
        self._prefix = prefix(names)
        self.scope: dict[str, Any] = {
            "np": np,
            f"{self._prefix}choose": self._choose,
            f"{self._prefix}is_free": _is_free,
            f"{self._prefix}numbers_to_read": numbers_to_read,
            **{f"{self._prefix}{each.__name__}": each for each in (type, len, tuple)},  # a parameter may be called `type`
        }
        self.entry: Any = self._entry([])
        self.entry.__doc__ = f.__doc__
        self.entry.source = self.entry.optimized_source = f"# {self._name}: its first call records the program.\n"
        self.entry.lines = []

    # --- the generated function ----------------------------------------------------------------------------------------------

    def _entry(self, first: list[str]) -> Any:
        """A function with the parameters of `f`. The statements `first` may return; else the program is looked up."""
        header = inspect.Signature([self._plain(parameter) for parameter in self._parameters])
        arguments = "".join(f"{parameter.name}, " for parameter in self._parameters)
        lines = [f"def entry{header}:", *first, f"    return {self._prefix}choose(({arguments}))"]
        entry: Any = defined("entry", "\n".join(lines), self.scope)
        entry.__name__ = self._name
        # Pickle finds a function by these, and does not take `loss` for what was compiled from it, unless it goes by that name.
        entry.__module__, entry.__qualname__ = (text_of(self._f, key, self._name) for key in ("__module__", "__qualname__"))
        entry.__wrapped__ = self._f
        return entry

    def _plain(self, parameter: inspect.Parameter) -> inspect.Parameter:
        """Without types, and with the default value by name."""
        if parameter.default is parameter.empty:
            return parameter.replace(annotation=parameter.empty)
        name = f"{self._prefix}default_{parameter.name}"
        self.scope[name] = parameter.default
        return parameter.replace(annotation=parameter.empty, default=_Written(name))

    def _new_ways(self, kept: Kept, arguments: tuple[Any, ...]) -> list[_Way]:
        """The way straight to a program where the arguments are like these, and all else is as it is now, if there can be one."""
        program, its_prefix = kept.program, f"{self._prefix}{next(self._numbers)}_"
        its = {f"{its_prefix}run": program.run, f"{its_prefix}is_used": partial(self._programs.note, kept.use)}
        guards = Guards(program.leaves, its, its_prefix, self._prefix, self._arrays, self._is_static)
        try:
            of_each: list[list[str]] = [
                list(guards.of(parameter.name, parameter.name, argument))
                for parameter, argument in zip(self._parameters, arguments, strict=True)
            ]
        except NoGuardError:
            return []
        conditions = [f"{self._prefix}is_free()"] if program.reads_outside else []
        of_each.sort(key=len)
        conditions += chain.from_iterable(of_each)  # arrays before modules: soon it goes on to the next way
        if kept.surroundings:
            its[f"{its_prefix}are_unchanged"] = kept.surroundings.are_unchanged
            conditions.append(f"{its_prefix}are_unchanged()")
        return [_Way(kept, conditions, its_prefix, _Names(its, self))]

    def _go_straight(self, ways: Sequence[_Way]) -> None:
        """Let the entry try these ways, in order, before it looks the program up. The first one needs no call, and nobody is told
        of its use as long as no program has to go.
        """
        self._ways = [way for way in ways if way.kept in self._programs][:MOST_WAYS]
        lines: list[str] = []
        for way in self._ways:
            is_first = way is self._ways[0]
            lines.append(f"    if {' and '.join(way.conditions) or 'True'}:")
            lines += [] if is_first and not self._programs.is_full else [f"        {way.prefix}is_used()"]
            lines += indented(indented(self._statements(way, is_first)))
        self.entry.__code__ = code = self._entry(lines).__code__
        finalize(code, _left, [way.names for way in self._ways]).atexit = False

    def _statements(self, way: _Way, is_first: bool) -> Sequence[str]:
        """The program's own statements, if they need NumPy alone. What else a program needs it has in a scope of its own."""
        program, names = way.kept.program, {parameter.name for parameter in self._parameters}
        if is_first and program.scope.keys() <= {"np", "__builtins__"} and not names & NEEDED:
            return program.statements
        return [f"return {way.prefix}run({', '.join(program.leaves)})"]

    # --- the slow way --------------------------------------------------------------------------------------------------------

    def _choose(self, arguments: tuple[Any, ...]) -> Any:
        """Run the program for the arguments, recording it if they are the first of their kind."""
        for parameter, argument in zip(self._parameters, arguments, strict=True):
            demand_shallow(argument, parameter.name, DEEPEST)
        leaves: list[Any] = []
        key = tuple(
            self._key(parameter.name, argument, leaves)
            for parameter, argument in zip(self._parameters, arguments, strict=True)
        )  # fmt: skip
        if not _is_free() or any(isinstance(leaf, Value) for leaf in leaves):
            return self._called(arguments)
        try:
            kept = self._programs.found(key)
        except TypeError as error:
            raise DataError(
                f"what is static must be comparable by value: {error}. Pass tuples, numbers, text or functions."
            ) from error
        if kept is None:
            kept = Kept(*self._traced(arguments))
            if self._ways and not self._programs.is_full:
                self._programs.note(self._ways[0].kept.use)  # of which nobody tells
            self._programs.add(key, kept)
            self._go_straight([*self._new_ways(kept, arguments), *self._ways])
            program = kept.program
            self.entry.source, self.entry.optimized_source = program.source, program.optimized_source
            self.entry.lines = program.lines
        elif len(self._ways) < MOST_WAYS:
            self._go_straight([*self._ways, *self._new_ways(kept, arguments)])
        self._programs.note(kept.use)
        return kept.program.run(*leaves)

    def _key(self, path: str, x: Any, leaves: list[Any]) -> Any:
        """What decides which program an argument needs; the numbers and arrays in it are appended to `leaves`."""
        kind = type(x)
        if self._is_static(path, x):
            return what_it_is(x)
        if isinstance(x, self._arrays):
            leaves.append(x)
            return x.shape, x.dtype
        children = children_of(x)
        if children is None:
            leaves.append(as_number(x))
            return type(leaves[-1])
        keys = what_it_is(tuple(x)) if isinstance(x, dict) else ()
        state = tuple((name, what_it_is(part)) for name, part in beside(x).items())
        return kind, keys, state, *[self._key(path + step, part, leaves) for step, part in children]

    def _is_static(self, path: str, x: Any) -> bool:
        """Whether an argument, or a part of one, belongs to the program and is no input of it.

        Raises
        ------
        DataError: if it can be neither.
        """
        is_part = callable(x) and not isinstance(x, Value) and is_leaf(x)
        if path in self._static or x is None or isinstance(x, bool | str) or is_part:
            return True
        if isinstance(x, np.ma.MaskedArray):
            raise DataError(
                f"{path} is a masked array, whose mask a program would ignore. Pass its data and its mask as two arrays."
            )
        if isinstance(x, np.matrix):
            raise DataError(f"{path} is an np.matrix, which multiplies in a way of its own. Pass np.asarray({path}).")
        is_array = isinstance(x, self._arrays) and x.dtype.kind in "fiubc"
        if x is self._defaults.get(path, inspect.Parameter.empty) and not self._has_arrays(x):  # it was not passed
            return True
        if is_array or isinstance(x, Value | float | int | np.number | np.bool_) or not is_leaf(x):
            return False
        what = f"{type(x).__name__}: {shortened(x)}"
        if isinstance(x, complex):
            raise DataError(f"{path} is a complex number of Python's: pass one of NumPy's, np.complex128({x}).")
        if type(x).__module__.startswith("jax"):
            raise DataError(f"{path} is one of JAX's arrays ({what}); these are for tg.compile(f, target='jax').")
        if type(x).__module__ == "random" or type(x).__module__.startswith("numpy.random"):
            raise DataError(
                f"{path} draws random numbers ({what}), but a program does the same each time. Draw the numbers outside and pass "
                "them: f(x, generator.normal(size=x.shape))."
            )
        is_whole = any(path == parameter.name for parameter in self._parameters)
        raise DataError(
            f"{path} is neither a number or an array of numbers (an input of the program) nor text, True, False, None or a "
            f"function (part of the program), but {what}. If it stays the same, "
            + (f"mark it static: tg.compile(f, static=({path!r},))." if is_whole else "make it an argument of its own, and static.")
        )

    def _has_arrays(self, tree: Any) -> bool:
        return any(isinstance(leaf, (Value, *self._arrays)) for leaf in tree_leaves(tree))

    def _traced(self, arguments: tuple[Any, ...]) -> tuple[Program, Surroundings]:
        """The program of one call: its numbers and arrays, by their paths, are replaced by Values."""
        numbers: dict[str, Any] = {}
        others: list[Any] = []
        surroundings: list[Surroundings] = []
        for parameter, argument in zip(self._parameters, arguments, strict=True):
            if self._is_static(parameter.name, argument):
                others.append(argument)
            else:
                others.append(type(argument))
                for path, leaf in tree_leaves_named(argument, parameter.name):
                    if self._is_static(path, leaf):
                        others.append(leaf)
                    else:
                        numbers[path] = as_number(leaf)

        def call(values: Sequence[Any]) -> Any:
            surroundings.append(Surroundings(self._f, *others))  # what the first run makes is there in the second
            stand_ins = dict(zip(numbers, values, strict=True))
            return self._called(self._mapped(lambda path, leaf: stand_ins.get(path, leaf), arguments))

        seen = [x if isinstance(x, float | int | np.generic | np.ndarray) else as_numpy(x) for x in numbers.values()]
        names = [parameter.name for parameter in self._parameters]
        program = self._program(rewritten(call, self._name, list(numbers), seen, names, codes_of(self._f)))
        return program, surroundings[-1].without_what_changed()

    def _mapped(self, f: Callable[[str, Any], Any], arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(
            argument if self._is_static(parameter.name, argument) else tree_map_named(f, argument, parameter.name)
            for parameter, argument in zip(self._parameters, arguments, strict=True)
        )

    def _called(self, arguments: tuple[Any, ...]) -> Any:
        """What the function itself returns. Options that were not given are not passed: NumPy's functions would take them amiss."""
        positional: list[Any] = []
        keywords: dict[str, Any] = {}
        given = 0
        for parameter, argument in zip(self._parameters, arguments, strict=True):
            if parameter.kind is parameter.VAR_POSITIONAL:
                positional.extend(argument)
                given = len(positional)
            elif parameter.kind is parameter.VAR_KEYWORD:
                keywords |= argument
            elif parameter.kind is parameter.KEYWORD_ONLY:
                keywords |= {} if argument is parameter.default else {parameter.name: argument}
            else:
                positional.append(argument)
                given = given if argument is parameter.default else len(positional)
        return self._f(*positional[:given], **keywords)


def _parameters(f: Callable[..., Any]) -> list[inspect.Parameter]:
    try:
        return list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):  # some built-in functions have no signature
        return [inspect.Parameter("args", inspect.Parameter.VAR_POSITIONAL)]


def _is_free() -> bool:
    """Whether nobody differentiates or watches what is computed. Else the function itself has to be called."""
    return not inside_a_transform() and not current_mode().watches
