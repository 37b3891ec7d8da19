"""Whether operations are recorded, as a mode of the thread, and whether a function is being differentiated in it.

The mode belongs to the present thread or async task, and ends with the `with` block that set it, also after an error.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any


class Watch:
    """Somebody who looks at everything that is recorded and at every gradient; see `anomaly` and `compile`."""

    records_constants = False
    """Whether results that require no gradient are recorded, too: comparisons, zeros, and what is computed from constants."""
    records_likes = True
    """Whether with them `np.zeros_like` and its kind are, which look at nothing but a shape. Else they are arrays to write to."""

    def see_result(self, node: Any) -> None:
        """Called with each recorded result."""

    def see_backward(self, create_graph: bool) -> None:
        """Called when a backward pass begins."""

    def see_gradient(self, node: Any, parent: Any, gradient: Any) -> None:
        """Called with what a rule of `node` returned for its input `parent`."""

    def see_numbers(self, value: Any, taken: str, advice: str = "") -> None:
        """Called when the numbers of a Value are about to leave it for plain Python or NumPy, by `taken`; what to write instead."""

    def within(self, mode: bool | Watch) -> bool | Watch:
        """The mode of a block that asks for `mode` while this watch is on. Whoever watches goes on where it asks for recording."""
        return self if mode is True else mode


_mode: ContextVar[bool | Watch] = ContextVar("mode", default=True)
# The mode: False where nothing is recorded, else True or whoever watches.
recording = _mode.get

depth: ContextVar[int] = ContextVar("depth", default=0)
"""How many functions are being differentiated right now, one within another."""


def inside_a_transform() -> bool:
    """Whether a function is being differentiated right now."""
    return depth.get() > 0


def is_watched() -> bool:
    """Whether somebody watches what is computed."""
    return not isinstance(_mode.get(), bool)


def everything_is_recorded() -> bool:
    """Whether also results that require no gradient are recorded."""
    mode = _mode.get()
    return not isinstance(mode, bool) and mode.records_constants


def see_numbers(value: Any, taken: str, advice: str = "") -> None:
    """Tell whoever watches that the numbers of a Value are about to leave it."""
    mode = _mode.get()
    if mode is not True and mode is not False:
        mode.see_numbers(value, taken, advice)


@contextmanager
def recording_mode(mode: bool | Watch) -> Iterator[None]:
    """Record or do not, within the block. Whoever watches already is asked."""
    present = _mode.get()
    token = _mode.set(mode if isinstance(present, bool) else present.within(mode))
    try:
        yield
    finally:
        _mode.reset(token)


@contextmanager
def no_grad() -> Iterator[None]:
    """Compute without recording: within the block (or the decorated function) results require no gradient.

    >>> import tinygrad_edu as tg
    >>> w = tg.Value(2.0)
    >>> with tg.no_grad():
    ...     (w * w).requires_grad
    False
    """
    with recording_mode(False):
        yield
