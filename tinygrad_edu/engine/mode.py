"""The mode: what is recorded of a computation, who watches it, and whether a function is being differentiated.

The mode belongs to the present thread or async task, and ends with the `with` block that set it, also after an error.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar, Token
from functools import wraps
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
Result = TypeVar("Result")


class Mode:
    """What is recorded, and what happens when something is recorded. As it is here: the usual mode, in which nobody watches."""

    records = True
    """Whether a result that requires a gradient is recorded."""
    records_constants = False
    """Whether results that require no gradient are recorded, too: comparisons, zeros, and what is computed from constants."""
    records_likes = True
    """Whether `np.zeros_like` and its kind, which look at nothing but a shape, count among these. Else they give plain arrays."""
    watches = False
    """Whether `see_call`, `see_result` and `see_gradient` want to be called, which costs time at every operation."""
    keeps_python_numbers = False
    """Whether a number of Python's that an operation gives stays one. Else it becomes NumPy's, with a shape and a dtype."""

    def see_call(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        """Called when a NumPy function, and not an operator, is called with Values; returns what to give it in place of `args`."""
        return args

    def see_result(self, node: Any) -> None:
        """Called with each recorded result."""

    def see_backward(self, create_graph: bool) -> None:
        """Called when a backward pass begins."""

    def see_gradient(self, node: Any, parent: Any, gradient: Any) -> None:
        """Called with what a rule of `node` returned for its input `parent`."""

    def call_hook(self, hook: Any, value: Any, gradient: Any) -> Any:
        """Called when a hook of a Value is to see its gradient; returns what goes on."""
        return hook.passed(value, gradient)

    def see_printed(self, value: Any) -> None:
        """Called when a Value is about to be printed."""

    def see_numbers(self, value: Any, taken: str, advice: str = "") -> None:
        """Called when the numbers of a Value are about to leave it for plain Python or NumPy, by `taken`; what to write instead."""

    def within(self, asked: Mode) -> Mode:
        """The mode of a block that asks for `asked` while this mode is on."""
        return asked


class Watch(Mode):
    """Somebody who looks at everything that is recorded and at every gradient, such as `anomaly` and the compiler."""

    watches = True

    def within(self, asked: Mode) -> Mode:
        """Whoever watches goes on where a block asks for recording, also within one that asked for silence."""
        if asked is SILENCE:
            return _Pause(self)
        return self if asked is RECORDING else asked


class _Silence(Mode):
    records = False


class _Pause(_Silence):
    """Silence in the presence of a watch."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def within(self, asked: Mode) -> Mode:
        return self._watch.within(asked)


RECORDING = Mode()
SILENCE = _Silence()
_mode: ContextVar[Mode] = ContextVar("mode", default=RECORDING)
current_mode = _mode.get


class InMode:
    """The block in which a mode holds: `with InMode(RECORDING): ...`. The mode that is on decides what becomes of the wish.

    It may be used again, and it decorates functions, in which it holds then.
    """

    __slots__ = ("_asked", "_before")

    def __init__(self, asked: Mode) -> None:
        self._asked = asked

    def __enter__(self) -> None:
        self._before: Token[Mode] = _mode.set(current_mode().within(self._asked))

    def __exit__(self, *_: object) -> None:
        _mode.reset(self._before)

    def __call__(self, f: Callable[P, Result]) -> Callable[P, Result]:
        @wraps(f)
        def within(*args: P.args, **kwargs: P.kwargs) -> Result:
            with InMode(self._asked):
                return f(*args, **kwargs)

        return within


def no_grad() -> InMode:
    """Compute without recording: within the block (or the decorated function) results require no gradient. There is no error.

    >>> import tinygrad_edu as tg
    >>> w = tg.Value(2.0)
    >>> with tg.no_grad():
    ...     (w * w).requires_grad
    False
    """
    return InMode(SILENCE)


differentiating: ContextVar[bool] = ContextVar("differentiating", default=False)
"""Whether a function is being differentiated right now; asked by `inside_a_transform()`."""
inside_a_transform = differentiating.get
