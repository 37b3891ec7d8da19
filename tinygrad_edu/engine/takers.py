"""Who takes the numbers of a Value without asking for them by name, and what to write instead.

Python, NumPy and SciPy ask an object for its number (`__float__`) or its array (`__array__`) and do not say what they want it for.
The frames of the running functions tell: what runs in the nearest one is an assignment to an element, or a call of something that
was found by a name. This module knows frames, and other packages by their names, and nothing of Values.
"""

from __future__ import annotations

import builtins
import dis
import os
from functools import lru_cache
from inspect import getattr_static
from pathlib import Path
from types import CodeType, FrameType, ModuleType
from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu.engine.messages import GENERATED, PACKAGE, STANDARD
from tinygrad_edu.primitives.constants import CONSTANT_FUNCTIONS
from tinygrad_edu.primitives.table import TABLE

_OWN = (PACKAGE, GENERATED)
_LIBRARIES = (str(Path(np.__file__).parents[1]) + os.sep, STANDARD)
_OTHERS = _OWN + _LIBRARIES


class Taker(NamedTuple):
    """What takes the numbers.

    words: as the user wrote it: `math.exp()`.
    name: what it is called where it is defined: `exp`.
    module: where that is: `math`, or `scipy.optimize._zeros_py`; empty where it is not known.
    is_numpy: whether the numbers go to NumPy, into an array or number of its own.
    is_formatting: whether they are only printed: `"%f" % value`.
    """

    words: str
    name: str = ""
    module: str = ""
    is_numpy: bool = False
    is_formatting: bool = False

    @property
    def advice(self) -> str:
        """What to write instead."""
        return _instead_of(self.name, self.module)


_CONVERSIONS = {(name,): Taker(f"{name}()", name, "builtins") for name in ("float", "int", "complex")}


def taker(frame: FrameType) -> Taker:
    """What is taking the numbers, given the frame that asks for them."""
    nearest = _outside(frame, _OWN)
    users = _outside(nearest, _OTHERS)
    asked = _asked(nearest)
    if users is nearest or users.f_code.co_filename.startswith(_LIBRARIES):  # a library that uses another: there is no user
        return asked
    called = frame = nearest
    while frame is not users and frame.f_back is not None:
        called = called if frame.f_code.co_filename.startswith(_OWN) else frame
        frame = frame.f_back
    module, name = called.f_globals.get("__name__", ""), called.f_code.co_qualname.partition(".")[0]
    is_numpy = module.startswith("numpy")
    words = _words(users) or (f"np.{name}()" if is_numpy else module.partition(".")[0])
    return Taker(words, name, module, asked.is_numpy or is_numpy)


def decider(frame: FrameType) -> Taker:
    """What decides by a Value, given the frame that asks for its truth: a function of Python's that compares, or else an if."""
    users = _outside(frame, _OTHERS)
    called = ".".join(_running(users.f_code, users.f_lasti)[1])
    if f"builtins.{called}" in _ADVICE and _home(_found(users, (called,))) == "builtins":
        return Taker(f"{called}()", called, "builtins")
    return Taker("if, while, and, or, not, assert", "if", "builtins")


def users_call(frame: FrameType) -> str:
    """The call in the user's line within which a frame runs, as it is written there: `np.unique()`. Empty if it has no name."""
    return _words(_outside(frame, _OTHERS))


def _words(frame: FrameType) -> str:
    names = _running(frame.f_code, frame.f_lasti)[1]
    return f"{'.'.join(names)}()" if names else ""


def _outside(frame: FrameType, folders: tuple[str, ...]) -> FrameType:
    """The nearest caller whose code does not lie in the folders, or else the last one."""
    while frame.f_code.co_filename.startswith(folders) and frame.f_back is not None:
        frame = frame.f_back
    return frame


def _asked(frame: FrameType) -> Taker:
    """What the instruction asks for the numbers that runs in a frame."""
    instruction, names = _running(frame.f_code, frame.f_lasti)
    if instruction.opname in ("STORE_SUBSCR", "STORE_ATTR"):  # array.flat = value is the latter
        return Taker("an assignment into an array, array[...] = value,", "__setitem__", "numpy", is_numpy=True)
    if instruction.opname == "BINARY_SUBSCR" or instruction.argrepr == "[]":
        return Taker("an index, array[value],", "__getitem__", "numpy", is_numpy=True)
    if instruction.argrepr in ("%", "%="):  # between two numbers it would be an operation of the Value
        return Taker('"%f" % value', is_formatting=True)
    if names in _CONVERSIONS:
        return _CONVERSIONS[names]
    found = _found(frame, names)
    module, name = _home(found), getattr(found, "__name__", names[-1] if names else "")
    if not names or module == "builtins":  # list(map(float, values))
        return Taker("a conversion such as float()", "float", "builtins")
    return Taker(_words(frame), name, module, module.startswith("numpy"))


@lru_cache(maxsize=4096)
def _running(code: CodeType, at: int) -> tuple[dis.Instruction, tuple[str, ...]]:
    """The instruction at a place of the code and, if it is a call, the names by which it found what it calls: `("math", "exp")`.

    They are loaded by the instructions whose source begins where the source of the call does. In `np.zeros(3).fill(v)` and
    `arrays[0].fill(v)` only the last name is one.
    """
    *before, running = [instruction for instruction in dis.get_instructions(code) if instruction.offset <= at]
    names: list[str] = []
    for instruction in reversed(before if running.opname.startswith("CALL") else ()):
        if _start(instruction) != _start(running) or not instruction.opname.startswith(("LOAD", "CALL", "BINARY")):
            continue
        if not isinstance(instruction.argval, str):
            break
        names.insert(0, instruction.argval)
        if instruction.opname not in ("LOAD_ATTR", "LOAD_METHOD"):
            break
    return running, tuple(names)


def _start(instruction: dis.Instruction) -> Any:
    positions = instruction.positions
    return positions and (positions.lineno, positions.col_offset)


def _found(frame: FrameType, names: tuple[str, ...]) -> Any:
    """What a function finds by the names, or None. Nothing is run for it."""
    if not names:
        return None
    scopes = (frame.f_locals, frame.f_globals, vars(builtins), vars(np.ndarray))  # the last for a method of what was computed
    found = next((scope[names[0]] for scope in scopes if names[0] in scope), None)
    for name in names[1:]:
        found = getattr_static(found, name, None)
    return found


def _home(thing: Any) -> str:
    """The module in which a function or class is defined, and for a method its class besides: `numpy.ndarray`."""
    bound_to = getattr(thing, "__self__", None)
    is_method = bound_to is not None and not isinstance(bound_to, ModuleType)
    owner = type(bound_to) if is_method else getattr(thing, "__objclass__", None)
    module = getattr(owner or thing, "__module__", None)
    if not isinstance(module, str):
        return ""
    return f"{module}.{owner.__name__}" if owner else module


# --- advice ------------------------------------------------------------------------------------------------------------------

_COMPUTES = "It computes with plain numbers, without a gradient."
_ARRAY = "A Value is an array already, and a list of Values becomes one with tg.array([...]) or np.stack([...])."
_REPEATED = "Write np.broadcast_to(value, shape), or value * np.ones(shape)."

# By package and name, by module, and by package.
_ADVICE = {
    "builtins.all": "Write np.all(array).",
    "builtins.any": "Write np.any(array).",
    "builtins.if": "Write np.where(condition, a, b) for an if, and for a while a fixed number of x = np.where(condition, new, x).",
    "builtins.max": "Write np.maximum(a, b), or np.max(array).",
    "builtins.min": "Write np.minimum(a, b), or np.min(array).",
    "builtins.sorted": "Write np.sort(array).",
    "math.erf": "Write tg.erf(value).",
    "math.erfc": "Write tg.erfc(value).",
    "math.fsum": "Write np.sum(values).",
    "math.gamma": "Write scipy.special.gamma(value).",
    "math.lgamma": "Write tg.lgamma(value).",
    "math.remainder": "Write value - y * np.round(value / y).",
    "numpy.__getitem__": "An index is a whole number: write int(value.item()).",
    "numpy.__setitem__": (
        "Build the array of its parts, np.stack([a, b]) or tg.array([[a, 0.0], [b, c]]); or choose, np.where(mask, value, array)."
    ),
    "numpy.arange": "Write start + step * np.arange(count).",
    "numpy.fill": _REPEATED,
    "numpy.fill_diagonal": "Write tg.fill_diagonal(array, value).",
    "numpy.fromiter": "Write np.stack(list(values)) or tg.array(list(values)).",
    "numpy.full": _REPEATED,
    "numpy.piecewise": "Write np.where(condition, a, b), or np.select(conditions, choices).",
    "numpy.put": "Write np.where(mask, value, array), with mask[indices] = True.",
    "numpy.take": "Write tg.Value(array, requires_grad=False)[value].",
    "numpy.vectorize": "Write the function with np.where and NumPy's functions, which take whole arrays.",
    "numpy.ma": "Fill the masked array first, data.filled(0.0), and choose with np.where(mask, value, array).",
    "numpy.random": "Draw the random numbers first and compute with them: mean + deviation * generator.normal().",
    "builtins": "A Value computes as a number does; leave the conversion out.",
    "math": "Write it with NumPy's functions.",
    "matplotlib": "A picture needs no gradient.",
    "numpy": _ARRAY,
    "pandas": "Compute with table.to_numpy() in place of the table.",
    "scipy": _COMPUTES + " Write it with NumPy's functions, or give {name} a rule of its own: tg.primitive(forward, rule).",
    "tinygrad_edu": _ARRAY,
}


def _instead_of(name: str, module: str) -> str:
    """What to write instead of a function, given as a `Taker` has it."""
    package = "math" if module == "cmath" else module.partition(".")[0]
    if f"{package}.{name}" in _ADVICE:
        return _ADVICE[f"{package}.{name}"]
    of_numpy = getattr(np, name, None)
    if isinstance(of_numpy, type) and issubclass(of_numpy, np.generic):
        return _ADVICE["builtins"]
    if callable(of_numpy) and (of_numpy in TABLE.functions or of_numpy in CONSTANT_FUNCTIONS):
        if package == "math":
            return f"Write np.{name}(value)."
        if module == "numpy.ndarray":  # a method of arrays
            return f"Write np.{name}(array, value)."
    room = ".".join(module.split(".")[:2])
    return _ADVICE.get(room, _ADVICE.get(package, _COMPUTES)).format(name=name)
