"""NumPy's own functions on Values: NumPy asks its operands, and these answer by the op table.

A function that has an entry is applied by it, one that is written in terms of others by that, and one that looks at nothing but
the numbers (a shape, a comparison) is asked about the numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from tinygrad_edu.engine.conversions import Conversions, numbers_of
from tinygrad_edu.engine.messages import arose_here, listed
from tinygrad_edu.engine.mode import current_mode
from tinygrad_edu.errors import DataError, DetachError, IndexingError, ShapeError, TinygradError, UnsupportedError
from tinygrad_edu.primitives.constants import CONSTANT_FUNCTIONS, DECISIONS, LIKES, question
from tinygrad_edu.primitives.primitive import Primitive
from tinygrad_edu.primitives.special import of_scipy
from tinygrad_edu.primitives.table import TABLE, numpy_name

OPERANDS = (np.ndarray, np.generic, int, float, complex, list, tuple)
"""What can stand beside a Value at an operator."""


def _operator(function: Callable[..., Any]) -> Callable[[Any, Any], Any]:
    return lambda self, other: self._call_numpy(function, (self, other), {})


class NumPyProtocols:
    """The part of a Value that NumPy asks when one of its functions meets a Value."""

    __slots__ = ()

    __record_primitive__: Callable[[Primitive, Sequence[Any], Mapping[str, Any]], Any]

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        function = ufunc if method == "__call__" else getattr(ufunc, method)  # a method of the ufunc, such as np.add.reduce
        mode = current_mode()
        return self._call_numpy(function, mode.see_call(function, inputs, kwargs) if mode.watches else inputs, kwargs)

    def __array_function__(
        self, function: Callable[..., Any], types: Iterable[type], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        mode = current_mode()
        return self._call_numpy(function, mode.see_call(function, args, kwargs) if mode.watches else args, kwargs)

    def _call_numpy(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Answer a call of a NumPy function in which some argument is a Value."""
        implementation = TABLE.functions.get(function)
        is_constant = implementation is None and function in CONSTANT_FUNCTIONS
        if implementation is None and not is_constant and (implementation := of_scipy(function)) is None:
            is_traced = current_mode().records_constants
            unneeded = "give None for each rule" if is_traced else "call it on value.detach().numpy()"
            raise UnsupportedError(
                f"{numpy_name(function)} has no derivative here. Write it in terms of functions that have one, make it an "
                f"operation of your own with tg.primitive(forward, *rules), or, if no gradient is needed, {unneeded}."
            )
        if kwargs and not is_constant and kwargs.pop("out", None) is not None:
            raise UnsupportedError(
                f"{numpy_name(function)} of a Value does not write into an array, which would destroy what was recorded, or lose "
                "the gradient: a result is a new Value. Write array = array + value in place of array += value, and leave out= out."
            )
        try:
            if implementation is None:
                return self._constant_answer(function, args, kwargs)
            if type(implementation) is Primitive:
                return self.__record_primitive__(implementation, *implementation.bind(args, kwargs))
            return implementation(*args, **kwargs)
        except (ValueError, IndexError) as error:  # of its arguments NumPy complains without saying which function it is
            if isinstance(error, TinygradError | np.linalg.LinAlgError):
                raise
            kind = IndexingError if isinstance(error, IndexError) else ShapeError
            raise kind(f"{numpy_name(function)}: {error}") from error
        except (AttributeError, ArithmeticError, RuntimeError) as error:
            if isinstance(error, TinygradError | ZeroDivisionError) or not arose_here(error):
                raise
            kinds = ", ".join([type(x).__name__ for x in args] + [f"{key}={type(x).__name__}" for key, x in kwargs.items()])
            raise DataError(f"{numpy_name(function)} does not take these arguments ({kinds}): {error}") from error
        except TypeError as error:
            if isinstance(error, DetachError | UnsupportedError) or not kwargs:
                raise
            raise UnsupportedError(f"{numpy_name(function)} of a Value does not take all of {listed(kwargs)}: {error}") from error

    def _constant_answer(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What a function without a derivative says of the data. A mode that records constants keeps how it was found."""
        answer = function(*map(_plain, args), **{key: _plain(x) for key, x in kwargs.items()})
        mode = current_mode()
        if not mode.records_constants:
            return answer
        if function in TABLE.instead:
            mode.see_numbers(next((x for x in args if isinstance(x, Conversions)), None), f"{numpy_name(function)}()")
        is_kept = function in DECISIONS or isinstance(answer, np.ndarray | np.generic)
        if not is_kept or (function in LIKES and not mode.records_likes):
            return answer
        named = tuple(key for key, x in kwargs.items() if isinstance(x, Conversions))
        inputs = (*args, *(kwargs.pop(key) for key in named))
        return self.__record_primitive__(question(function, len(args), named), inputs, kwargs)

    # --- operators without a derivative of their own ---------------------------------------------------------------------------

    __hash__ = object.__hash__

    __lt__ = _operator(np.less)
    __le__ = _operator(np.less_equal)
    __gt__ = _operator(np.greater)
    __ge__ = _operator(np.greater_equal)

    def __eq__(self, other: object) -> Any:
        return self._call_numpy(np.equal, (self, other), {}) if self._goes_with(other) else NotImplemented

    def __ne__(self, other: object) -> Any:
        return self._call_numpy(np.not_equal, (self, other), {}) if self._goes_with(other) else NotImplemented

    @staticmethod
    def _goes_with(other: object) -> bool:
        return isinstance(other, (NumPyProtocols, *OPERANDS))

    # For masks: what comparisons give is made of Values, too, where everything is recorded. These commute.
    __and__ = __rand__ = _operator(np.bitwise_and)
    __or__ = __ror__ = _operator(np.bitwise_or)
    __xor__ = __rxor__ = _operator(np.bitwise_xor)

    def __invert__(self) -> Any:
        return self._call_numpy(np.invert, (self,), {})

    __divmod__ = _operator(np.divmod)

    def __rdivmod__(self, other: Any) -> Any:
        return self._call_numpy(np.divmod, (other, self), {})


def _plain(x: Any, levels: int = 64) -> Any:
    """The same, with numbers in place of Values, also in lists and tuples, as deep as NumPy's arrays can be."""
    if type(x) in (list, tuple) and levels:
        return type(x)(_plain(part, levels - 1) for part in x)
    return numbers_of(x)
