"""What the user's own functions call the Values that they compute with: the local variables that these are bound to.

A trace function looks at the variables of each function that runs, whenever a line of it has run. It is on for the length of a
block, in this thread, and calls the one that was there before it, such as a debugger's. It knows Values by their numbers and keeps
none.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Collection, Mapping
from types import CodeType, FrameType, GetSetDescriptorType
from typing import Any

from tinygrad_edu.engine.backpropagation import backpropagate
from tinygrad_edu.engine.messages import GENERATED, NUMPY, PACKAGE, STANDARD
from tinygrad_edu.engine.value import Value, record
from tinygrad_edu.transforms.stacks import results_of_stacks

_LIBRARIES = (PACKAGE, NUMPY)
_OTHERS = (*_LIBRARIES, STANDARD, GENERATED, "<frozen ")
_RECORDING = {f.__code__ for f in (record, Value.__add__, Value.__getitem__, Value.__array_ufunc__, Value.__array_function__)}
"""What operations begin with, or end in. The code of all operators is the same."""
_ORDERED = {f.__code__ for f in (backpropagate, results_of_stacks)}
"""What computes something for one recorded result after another, each of which is called `node` there."""
_MANY = 200
"""The variables of a function with more of them are looked at only when it returns."""


class Variables:
    """The block in which variables are looked at.

    Python is slow under a trace function. So it is off while an operation is recorded, and whoever watches the recording calls
    `resume` when this is done; and `pause`, where what follows is no computation of the user's.

    passed: the parameter for which a Value, known by its serial number, was passed.
    returned: the function that returned it.

    >>> def loss(theta, x):
    ...     y = theta * x
    ...     variables.resume()
    ...     return y
    >>> with Variables() as variables:
    ...     serial = loss(Value(3.0), 2.0).serial
    >>> variables.bound[serial], variables.returned[serial], variables.passed[serial - 1]
    ('y', 'loss', 'theta')
    """

    def __init__(self) -> None:
        self.passed: dict[int, str] = {}
        self.returned: dict[int, str] = {}
        self.is_on = False
        self._bound: dict[int, tuple[int, str]] = {}

    @property
    def bound(self) -> dict[int, str]:
        """The variable that a Value was bound to: the first one, in the outermost function that has one for it."""
        return {serial: name for serial, (_, name) in self._bound.items()}

    def __enter__(self) -> Variables:
        self._before, self.is_on = sys.gettrace(), True
        sys.settrace(self._called)
        return self

    def __exit__(self, *_: object) -> None:
        self.is_on = False  # a generator of the user's may outlive the block
        if sys.gettrace() in (self._called, None):  # or else somebody has called a debugger
            sys.settrace(self._before)

    def pause(self) -> None:
        """Look at nothing for now, unless there is somebody else who does."""
        if self._before is None and sys.gettrace() == self._called:
            sys.settrace(None)

    def resume(self) -> None:
        """Go on."""
        if self.is_on and sys.gettrace() is None:
            sys.settrace(self._called)

    def _called(self, frame: FrameType, event: Any, arg: Any) -> Any:
        """A function is called."""
        if frame.f_code in _RECORDING:
            self.pause()
        before = None
        if self._before is not None:
            before = self._before(frame, event, arg)
            if self.is_on and sys.gettrace() == self._before:  # that of `coverage` comes to the front when it is called
                sys.settrace(self._called)
        return _Running(self, frame, before) if self.is_on and _is_users(frame) else before

    def note(self, serial: int, name: str, depth: int) -> None:
        """A Value is bound to a variable."""
        known = self._bound.get(serial)
        if name.isidentifier() and (known is None or known[0] > depth):  # some tools have variables of their own: @py_assert1
            self._bound[serial] = depth, name


class _Running:
    """The trace function of a function of the user's."""

    __slots__ = ("_before", "_depth", "_seen", "_variables")

    def __init__(self, variables: Variables, frame: FrameType, before: Any) -> None:
        self._variables, self._before, self._depth = variables, before, _depth(frame)
        self._seen: set[int] = set()
        for name, x in frame.f_locals.items():
            if type(x) is Value:
                self._seen.add(x.serial)
                variables.passed.setdefault(x.serial, name)
        if before is None and frame.f_code.co_nlocals > _MANY:
            frame.f_trace_lines = False

    def __call__(self, frame: FrameType, event: str, arg: Any) -> _Running:
        if self._before is not None:
            self._before = self._before(frame, event, arg)
        if self._variables.is_on and event != "exception":
            self._look(frame.f_locals)
            if event == "return" and "self" in frame.f_locals:
                self._look(_attributes(frame.f_locals["self"]))
            if event == "return" and type(arg) is Value and not frame.f_code.co_name.startswith("__"):
                name = frame.f_code.co_name
                self._variables.returned.setdefault(arg.serial, "result" if name == "<lambda>" else name)
        return self

    def _look(self, names: Mapping[str, Any]) -> None:
        for name, x in names.items():
            if type(x) is Value and x.serial not in self._seen:
                self._seen.add(x.serial)
                self._variables.note(x.serial, name, self._depth)


def _attributes(thing: Any) -> Mapping[str, Any]:
    """What an object has noted on itself: `self.h = np.tanh(a)`. None of its own code runs for it."""
    its = inspect.getattr_static(thing, "__dict__", None)
    return its.__get__(thing) if type(its) is GetSetDescriptorType else {}


class Users:
    """What is noted of the user's own functions in a run: their variables, and for each Value, by its serial number, the line of
    the code `own` that it comes from. What a rule computes comes from the line of the operation whose derivative it is. `again`
    has for a Value what was computed like it, for many rows of a Jacobian at once."""

    def __init__(self, variables: Variables, own: Collection[CodeType]) -> None:
        self.variables, self._own = variables, own
        self.lines: dict[int, int | None] = {}
        self.again: dict[Value, Value] = {}

    def see(self, value: Value) -> None:
        """A Value has been recorded."""
        frame: FrameType | None = sys._getframe(2)
        is_in_rule = True
        while frame is not None:
            if frame.f_code in _ORDERED:
                node = frame.f_locals["node"]
                self.lines[value.serial] = self.lines.get(node.serial)
                if frame.f_code is results_of_stacks.__code__:
                    self.again[node] = value
                break
            is_in_rule = is_in_rule and frame.f_code.co_filename.startswith(_LIBRARIES)
            if frame.f_code in self._own:
                self.lines[value.serial] = frame.f_lineno
                break
            frame = frame.f_back
        if frame is None or frame.f_code not in _ORDERED or not is_in_rule:
            self.variables.resume()


def names_around() -> dict[int, str]:
    """What Values, known by their serial numbers, are called in the function of the user's that has called the package, or else by
    its global variables."""
    frame = sys._getframe()
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_LIBRARIES):
        frame = frame.f_back
    names: dict[int, str] = {}
    for name, x in (*frame.f_locals.items(), *frame.f_globals.items()):
        if type(x) is Value and name.isidentifier() and not name.startswith("_"):  # as a notebook's _1
            names.setdefault(x.serial, name)
    return names


def _is_users(frame: FrameType) -> bool:
    """Whether it is a function, and one that the user wrote. What Python makes for a dataclass or named tuple is nobody's."""
    code = frame.f_code
    of_named_tuple = str(frame.f_globals.get("__name__")).startswith("namedtuple_")
    is_made = code.co_filename == "<string>" and (code.co_name.startswith("__") or of_named_tuple)
    return bool(code.co_flags & inspect.CO_NEWLOCALS) and not (is_made or code.co_filename.startswith(_OTHERS))


def _depth(frame: FrameType | None) -> int:
    depth = 0
    while frame is not None:
        frame, depth = frame.f_back, depth + 1
    return depth
