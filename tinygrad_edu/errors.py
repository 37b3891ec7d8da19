"""What can go wrong, by name.

Every message says which operation or argument is meant, what was got, what was expected, and what to do.
Each class is also the built-in error that a NumPy user would catch (`ShapeError` is a `ValueError`, and so on).
"""


class TinygradError(Exception):
    """The common ancestor: `except TinygradError` catches whatever this package raises on purpose."""


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


class AnomalyError(TinygradError, FloatingPointError):
    """A NaN or an infinity arose where `detect_anomaly` was on."""


class DivergenceError(TinygradError, ArithmeticError):
    """Training ran away instead of settling."""


class NotFittedError(TinygradError, AttributeError):
    """A model was asked for a prediction before it was fitted."""


class MissingExtraError(TinygradError, ImportError):
    """An optional dependency is not installed; the message names the extra that brings it."""


class GradientCheckError(TinygradError, AssertionError):
    """`check_grads` found a derivative that disagrees with differences."""
