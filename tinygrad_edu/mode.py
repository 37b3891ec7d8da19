"""Whether operations are recorded, as a mode of the thread.

The mode belongs to the present thread or async task, and ends with the `with` block that set it, also after an error.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol


class Watch(Protocol):
    """Somebody who looks at everything that is recorded and at every gradient; see `anomaly`."""

    records_constants: bool
    """Whether results that require no gradient are recorded, too: comparisons, zeros, and what is computed from constants."""

    def see_result(self, node: Any) -> None:
        """Called with each recorded result."""

    def see_gradient(self, node: Any, parent: Any, gradient: Any) -> None:
        """Called with what a rule of `node` returned for its input `parent`."""


_mode: ContextVar[bool | Watch] = ContextVar("mode", default=True)
# The mode: False where nothing is recorded, else True or whoever watches.
recording = _mode.get


@contextmanager
def recording_mode(mode: bool | Watch) -> Iterator[None]:
    """Record or do not, within the block. Whoever watches already goes on watching."""
    present = _mode.get()
    token = _mode.set(present if mode is True and present else mode)
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
