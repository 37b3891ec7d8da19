"""Whether operations are recorded, as a mode of the thread.

The mode belongs to the present thread or async task, and ends with the `with` block that set it, also after an error.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_recording: ContextVar[bool] = ContextVar("recording", default=True)
is_recording = _recording.get


@contextmanager
def recording_mode(on: bool) -> Iterator[None]:
    """Record, or do not, within the block."""
    token = _recording.set(on)
    try:
        yield
    finally:
        _recording.reset(token)


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
