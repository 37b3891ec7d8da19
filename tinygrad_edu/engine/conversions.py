"""How the numbers of a Value leave it for plain Python and NumPy.

Whoever asks by name (`.item()`, `.numpy()`, `.tolist()`, printing, formatting) gets them. Python and NumPy also ask unasked:
`math.exp(v)` and `array[0] = v` call `__float__`, and `np.asarray(v)` calls `__array__`. What they compute carries no gradient, so
they get the numbers only where none can be lost. A comparison or an `if` decides, and a decision has no gradient.
"""

from __future__ import annotations

import sys
from typing import Any, NoReturn

import numpy as np

from tinygrad_edu.engine.messages import described, notebook_table
from tinygrad_edu.engine.mode import current_mode, inside_a_transform
from tinygrad_edu.engine.takers import decider, taker
from tinygrad_edu.errors import DataError, DetachError, ShapeError, TracingError
from tinygrad_edu.escaping import one_line
from tinygrad_edu.primitives.primitive import Primitive


class Conversions:
    """The part of a Value that hands out its numbers."""

    __slots__ = ()

    _data: Any
    _name: str | None
    _requires_grad: bool
    primitive: Primitive | None

    def numpy(self) -> np.ndarray[Any, np.dtype[Any]]:
        """The numbers as a plain array of the caller's own."""
        current_mode().see_numbers(self, ".numpy()")
        return np.array(self._data)

    def tolist(self) -> Any:
        """The numbers as nested lists of Python floats."""
        current_mode().see_numbers(self, ".tolist()")
        return self._data.tolist()

    def item(self) -> float:
        """The one number of a Value of size 1, as a Python float."""
        current_mode().see_numbers(self, "float() or .item()")
        if self._data.size != 1:
            raise ShapeError(f"only a single number can become a Python number, but {described(self)} has {self._data.size}.")
        return float(self._data.item())

    def __repr__(self) -> str:
        current_mode().see_printed(self)
        facts = [np.array2string(np.asarray(self._data), separator=", ", threshold=20, prefix="Value(")]
        if self._name:
            facts.append(f"name={self._name!r}")
        if self._data.dtype != np.float64:
            facts.append(f"dtype={self._data.dtype}")
        if self.primitive is not None:
            facts.append(f"made by {one_line(self.primitive.name)}")
        elif not self._requires_grad:
            facts.append("requires_grad=False")
        return f"Value({', '.join(facts)})"

    def _repr_html_(self) -> str:
        return notebook_table(self)

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec else str(self)

    def __bool__(self) -> bool:
        mode = current_mode()
        if mode.records_constants:
            who = decider(sys._getframe(1))
            mode.see_numbers(self, who.words, who.advice)
        return bool(self._data)

    # --- unasked -------------------------------------------------------------------------------------------------------------

    def __float__(self) -> float:
        check_taking(self)
        return self.item()

    def __int__(self) -> int:
        check_taking(self)
        return int(self.item())

    __trunc__ = __int__

    def __complex__(self) -> complex:
        check_taking(self)
        return complex(self._data.item())

    def __index__(self) -> NoReturn:
        current_mode().see_numbers(self, "range() or an index")
        raise DataError("a Value is made of floating-point numbers and no index or count; write int(value.item()) where it is one.")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, np.dtype[Any]]:
        check_taking(self, as_array=True)
        return np.array(self._data, dtype=dtype)

    @property
    def _mask(self) -> NoReturn:
        """What NumPy's masked arrays ask an operand for after they took its `_data`."""
        raise DataError(
            f"a masked array, or a function of np.ma, would compute with plain numbers of {described(self)}, without a gradient. "
            "Fill the masked array first, data.filled(0.0), and choose with np.where(mask, value, array)."
        )


def numbers_of(x: Any) -> Any:
    """What a Value holds, itself: to be read, not to be written to. Anything else is given back."""
    return x._data if isinstance(x, Conversions) else x


def check_taking(value: Any, as_array: bool = False) -> None:
    """Raise if a gradient would be lost by what takes the numbers of a Value unasked.

    It is lost inside of a function that is being differentiated. Elsewhere `float(loss)` may be wanted for a report, but an array
    that a number was stored in goes on to be computed with. A parameter that the function did not get as an argument counts as a
    constant there, but it is taken for what it is elsewhere: a Value that requires a gradient.

    Raises
    ------
    DetachError: which says who takes them, and what to write instead.
    TracingError: from a function that is being compiled, also for numbers that require no gradient.
    """
    mode = current_mode()
    if not (mode.records_constants or value._requires_grad):
        return
    who = taker(sys._getframe(2))  # it asks the method of the Value that asks here
    if mode.records_constants:
        mode.see_numbers(value, who.words, who.advice)
    if value._requires_grad and not who.is_formatting and (as_array or who.is_numpy or inside_a_transform()):
        raise DetachError(
            f"{who.words} would take the plain numbers of {described(value)}, which would lose its gradient. {who.advice} "
            "Where plain numbers are meant, ask for them by name: .item() or .numpy(), or tg.stop_gradient(value) for a constant."
        )


def raise_its_reason(error: ValueError | SystemError) -> NoReturn:
    """Raise what was raised above, of which NumPy only says "setting an array element with a sequence", and SciPy other things."""
    if type(error) in (ValueError, SystemError) and isinstance(error.__cause__, DetachError | TracingError):
        raise error.__cause__.with_traceback(error.__traceback__) from None
    raise error
