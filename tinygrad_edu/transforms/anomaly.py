"""Finding where the first NaN or infinity came from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from tinygrad_edu.engine.conversions import numbers_of
from tinygrad_edu.engine.messages import described, users_line
from tinygrad_edu.engine.mode import InMode, Watch
from tinygrad_edu.errors import AnomalyError


@contextmanager
def detect_anomaly() -> Iterator[None]:
    """Within the block, raise an error where a NaN or an infinity first arises, in a forward or a backward pass.

    It names the operation and the line of the user's code that called it. Every recorded number is looked at, which takes
    time: this is for finding a fault, not for training. The backward pass must lie within the block, too.

    Raises
    ------
    AnomalyError: at the first result or gradient that is not finite.

    >>> from tinygrad_edu import Value
    >>> with detect_anomaly():
    ...     Value(-1.0, name="variance") ** 0.5
    Traceback (most recent call last):
        ...
    tinygrad_edu.errors.AnomalyError: 'power' gave nan ...
    """
    with np.errstate(all="ignore"), InMode(_Anomalies()):  # the error says more than NumPy's warning
        yield


class _Anomalies(Watch):
    """The watch: remembers which line recorded what, and stops at the first number that is not finite."""

    def __init__(self) -> None:
        self._lines: dict[int, str] = {}

    def see_result(self, node: Any) -> None:
        self._lines[node.serial] = users_line()
        if (odd := _not_finite(numbers_of(node))) is not None:
            raise AnomalyError(f"{node.primitive.name!r} gave {odd} {self._lines[node.serial]}. {_inputs(node)}")

    def call_hook(self, hook: Any, value: Any, gradient: Any) -> Any:
        passed = super().call_hook(hook, value, gradient)
        if (odd := _not_finite(numbers_of(passed))) is not None:
            raise AnomalyError(f"in the backward pass {hook.name}, which saw the gradient of {described(value)}, made {odd} of it.")
        return passed

    def see_gradient(self, node: Any, parent: Any, gradient: Any) -> None:
        if (odd := _not_finite(numbers_of(gradient))) is not None:
            where = self._lines.get(node.serial, "outside of this block")
            raise AnomalyError(
                f"in the backward pass the gradient of {node.primitive.name!r} with respect to {described(parent)} became {odd}. "
                f"The operation was recorded {where}. {_inputs(node)}"
            )


def _not_finite(x: Any) -> Any:
    """The first number that is not finite, or None."""
    odd = np.asarray(x)[~np.isfinite(x)]
    return odd[0] if odd.size else None


def _inputs(node: Any) -> str:
    facts = []
    for position, (parent, seen) in enumerate(zip(node.parents, node.inputs, strict=True)):
        what = "a constant" if parent is None else described(parent)
        odd = _not_finite(seen)
        state = f"between {np.min(seen):.3g} and {np.max(seen):.3g}" if odd is None and np.size(seen) else f"containing {odd}"
        facts.append(f"input {position} is {what}, {state}")
    return f"There {'; '.join(facts)}."
