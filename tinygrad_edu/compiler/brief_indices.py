"""An index, said as briefly as one would by hand."""

from __future__ import annotations

from typing import Any


def brief(index: Any, shape: tuple[int, ...]) -> Any:
    """An index of an array without `...`, the ends of slices that go from end to end, and a tuple around a single part."""
    parts = list(index) if type(index) is tuple else [index]
    if not all(part is None or part is ... or type(part) in (int, slice) for part in parts):
        return index
    missing = len(shape) - sum(part is not None and part is not ... for part in parts)
    if ... in parts and (len(shape) <= 2 or missing == 0):
        position = parts.index(...)
        parts[position : position + 1] = [slice(None)] * missing
    if ... not in parts:
        lengths = iter(shape)
        parts = [part if part is None else _whole(part, next(lengths)) for part in parts]
        while len(parts) > 1 and parts[-1] == slice(None):
            parts.pop()
    return parts[0] if len(parts) == 1 else tuple(parts)


def _whole(part: Any, length: int) -> Any:
    """A slice without the ends that it would have anyway."""
    if type(part) is not slice or part.step not in (None, 1):
        return part
    start = None if part.start in (None, 0) else part.start
    return slice(start, None if part.stop is None or part.stop >= length else part.stop)


def goes_forward(part: Any) -> bool:
    """Whether it is a slice that takes elements in their order."""
    return isinstance(part, slice) and (part.step is None or part.step > 0)
