"""Functions that see a gradient in passing: to print it, to watch it, or to clip or scale what goes on.

They belong to a Value. The chain rule shows them the gradient of that Value once it is complete. This module knows no derivative,
nor who walks back over the record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from tinygrad_edu.engine.conversions import Conversions, numbers_of
from tinygrad_edu.engine.messages import described, name_of, shortened
from tinygrad_edu.engine.mode import current_mode
from tinygrad_edu.engine.ownership import check_gradient
from tinygrad_edu.errors import DataError, GradientError
from tinygrad_edu.primitives import elementwise
from tinygrad_edu.primitives.broadcasting import cast


class Hook:
    """What `register_hook` returns: a function that sees the gradients of a Value until it is told to `remove()` itself."""

    __slots__ = ("_beside", "_function")

    def __init__(self, function: Callable[[Any], Any], beside: dict[Hook, None]) -> None:
        self._function, self._beside = function, beside
        beside[self] = None

    @property
    def name(self) -> str:
        """What the function is called."""
        return name_of(self._function)

    def remove(self) -> None:
        """Let the gradients pass unseen from now on. It may be called twice."""
        self._beside.pop(self, None)

    def answer(self, gradient: Any) -> Any:
        """What the function returns for a gradient."""
        if type(gradient) is np.ndarray:
            gradient = gradient.view()
            gradient.flags.writeable = False  # it may be part of other gradients, too
        return self._function(gradient)

    def passed(self, value: Any, gradient: Any) -> Any:
        """What goes on of the gradient of a Value, in its shape and dtype.

        Raises
        ------
        GradientError: if the function returns what is no gradient of this Value.
        """
        answer = self.answer(gradient)
        if answer is None:
            return gradient
        like, who = value._data, f"{self.name}, which sees the gradient of {described(value)},"
        advice = "It returns what goes on, an array or a number, or nothing to let the gradient pass as it is."
        check_gradient(answer, who, advice, may_be_complex=like.dtype.kind == "c")
        if not isinstance(answer, Conversions):
            answer = np.array(answer)  # the function may go on to write into an array of its own
        if np.shape(answer) != like.shape:
            raise GradientError(
                f"{who} returned a gradient of shape {np.shape(answer)}. What goes on has the shape of the Value: write "
                "np.full_like(g, number) for a number everywhere, or g * factor."
            )
        if answer.dtype.kind == "b":
            raise GradientError(f"{who} returned truth values. Write np.where(mask, g, 0.0) for the gradient where a mask is true.")
        answer = answer if answer.dtype == like.dtype else cast(answer, dtype=like.dtype)
        return answer[()] if isinstance(answer, np.ndarray) and answer.ndim == 0 else answer


def on_gradient(x: Any, f: Callable[[Any], Any]) -> Any:
    """The same numbers, whose gradient `f` sees on its way back: to print, clip or scale it, or to watch it.

    Only what is computed from the result sends its gradients by `f`; `Value.register_hook` lets a function see all of them.

    Parameters
    ----------
    x: a Value, of any shape and dtype, which the result has, too. Of anything else, and of a Value that requires no gradient, none
        passes, and it is returned as it is.
    f: a function of the gradient, an array or a number that can only be read; in a transform within a transform, and in a compiled
        function, it is a Value. What it returns goes on in place of the gradient, and has its shape. If it returns nothing, the
        gradient goes on as it is.

    Raises
    ------
    DataError: if `f` is no function.
    GradientError: in the backward pass, if `f` returns what is no gradient of `x`; and by `jvp` and `linearize`, which go forward.
    TracingError: by a compiled function, if `f` returns nothing, prints, or stores something: it is recorded, and not called.

    >>> import tinygrad_edu as tg
    >>> float(tg.grad(lambda x: tg.on_gradient(x, lambda g: np.clip(g, -1, 1)) ** 2)(3.0))
    1.0
    """
    check_hook(f, "tg.on_gradient(x, lambda g: ...)")
    if not getattr(x, "requires_grad", False):
        return x
    result = elementwise.on_gradient(x)
    if result.requires_grad:
        result.register_hook(f)
    return result


def check_hook(f: Any, instead: str) -> None:
    """Raise a DataError if something is no function of the gradient."""
    if not callable(f):
        raise DataError(f"what sees a gradient is a function of it, but got {shortened(f)}. Write {instead}.")


def has_hooks(value: Any) -> bool:
    """Whether a function sees the gradients of a Value."""
    return bool(value._hooks)


def passed(value: Any, gradient: Any, create_graph: bool = False) -> Any:
    """What goes on of the complete gradient of a Value: each of its hooks sees what the one before has left."""
    for hook in tuple(value._hooks or ()):
        gradient = current_mode().call_hook(hook, value, gradient)
    return gradient if create_graph else numbers_of(gradient)


@contextmanager
def called_again(values: Sequence[Any]) -> Iterator[None]:
    """A block in which a function is called once more: the hooks that it gives to these Values it has given to them before."""
    before = [tuple(value._hooks or ()) for value in values]
    yield
    for value, known in zip(values, before, strict=True):
        for hook in set(value._hooks or ()).difference(known):
            hook.remove()
