"""What can go wrong, by name.

Every message says which operation or argument is meant, what was got, what was expected, and what to do.
Each class is also the built-in error that a NumPy user would catch (`ShapeError` is a `ValueError`, and so on).
"""

import math
from typing import Any

from tinygrad_edu.escaping import printable


class TinygradError(Exception):
    """The common ancestor: `except TinygradError` catches whatever this package raises on purpose."""

    def __str__(self) -> str:
        return printable(super().__str__())  # it speaks of names and lines of the user's, and is shown in a terminal


class ShapeError(TinygradError, ValueError):
    """Arrays whose shapes do not go together."""


class IndexingError(TinygradError, IndexError):
    """An index or an axis that the array does not have."""


class DataError(TinygradError, TypeError, ValueError):
    """Data that cannot be differentiated or is not what an argument asks for: text, objects, a wrong dtype."""


class GradientError(TinygradError, RuntimeError):
    """A gradient was asked for where there is none, or a rule returned something that is none."""


class InPlaceError(GradientError):
    """A recorded array was changed between the forward and the backward pass."""


class DetachError(TinygradError, TypeError):
    """A Value would have turned into a plain array and silently lost its gradient."""


class UnsupportedError(TinygradError, TypeError):
    """A NumPy function, or one of its arguments, that has no derivative here."""


class TracingError(TinygradError, RuntimeError):
    """A function cannot be compiled, because what it does depends on more than the shapes of its arguments."""


class AnomalyError(TinygradError, FloatingPointError):
    """A NaN or an infinity arose where `detect_anomaly` was on."""


class DivergenceError(TinygradError, ArithmeticError):
    """Training ran away instead of settling.

    largest_stable_learning_rate: below it, gradient descent is stable on the data.
    history: the steps that were taken (a `tinygrad_edu.models.History`).
    """

    def __init__(self, message: str, largest_stable_learning_rate: float = math.nan, history: Any = None) -> None:
        super().__init__(message, largest_stable_learning_rate, history)  # all of them, so that the error can be pickled
        self.largest_stable_learning_rate = largest_stable_learning_rate
        self.history = history

    def __str__(self) -> str:
        return printable(str(self.args[0]))


class ConvergenceWarning(UserWarning):
    """Training ended before it was finished."""


class DataConversionWarning(UserWarning):
    """Data were read in another form than they were given in."""


class NotFittedError(TinygradError, AttributeError):
    """A model was asked for a prediction before it was fitted."""


class MissingExtraError(TinygradError, ImportError):
    """An optional dependency is not installed; the message names the extra that brings it."""


class GradientCheckError(TinygradError, AssertionError):
    """`check_grads` found a derivative that disagrees with differences."""
