"""Python's own numbers as the data of Values: they have a shape and a dtype, and compute as Python does.

Elsewhere a Value has NumPy's numbers. A compiled function computes with those of Python's that it is given, so its trace must, too.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np

from tinygrad_edu.compiler.ir import PYTHON


class _PythonNumber:
    """What a Python number needs to be the data of a Value. To NumPy it shows itself as the plain number."""

    shape: tuple[int, ...] = ()
    ndim, size = 0, 1

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return getattr(ufunc, method)(*map(plain, inputs), **kwargs)

    def __array_function__(self, function: Callable[..., Any], types: Any, args: Any, kwargs: Any) -> Any:
        return function(*map(plain, args), **kwargs)

    def astype(self, dtype: Any) -> Any:
        return np.dtype(dtype).type(plain(self))

    def __getitem__(self, index: Any) -> Any:
        return np.asarray(plain(self))[index]

    def __neg__(self) -> Any:
        return number(-plain(self))

    def __pos__(self) -> Any:
        return number(+plain(self))

    def __abs__(self) -> Any:
        return number(abs(plain(self)))


def _of_plain(operation: Callable[[Any, Any], Any], reflected: bool) -> Callable[[Any, Any], Any]:
    """An operator between the plain numbers. That of `float` would make Python's of a number of NumPy's on the right."""

    def method(a: Any, b: Any) -> Any:
        left, right = (plain(b), plain(a)) if reflected else (plain(a), plain(b))
        with suppress(ArithmeticError):
            result = operation(left, right)
            if not np.iscomplexobj(result) or np.iscomplexobj(left) or np.iscomplexobj(right):
                return result
        # Where Python raises an error, or has a complex root of a negative number, the program has NumPy's infinity or NaN.
        return operation(np.asarray(left)[()], right).item()

    return method


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and", "or", "xor"):
    _operation = getattr(operator, f"__{_name}__")
    setattr(_PythonNumber, f"__{_name}__", _of_plain(_operation, reflected=False))
    setattr(_PythonNumber, f"__r{_name}__", _of_plain(_operation, reflected=True))
for _name in ("eq", "ne", "lt", "le", "gt", "ge"):  # each is the reflection of another one
    setattr(_PythonNumber, f"__{_name}__", _of_plain(getattr(operator, _name), reflected=False))


class _Float(_PythonNumber, float):
    dtype = np.dtype(float)


class _Int(_PythonNumber, int):
    dtype = np.dtype(int)


class _Bool(_PythonNumber, int):
    dtype = np.dtype(bool)


_STAND_INS: dict[type, Any] = {float: _Float, int: _Int, bool: _Bool}
for _python, _stand_in in _STAND_INS.items():
    _stand_in.__name__ = _python.__name__  # what messages call it
_STOOD_FOR = {stand_in: python for python, stand_in in _STAND_INS.items()}


def number(x: Any) -> Any:
    """The data of a Value for a number or an array."""
    return _STAND_INS[type(x)](x) if type(x) in _STAND_INS else np.asarray(x)[()]


def plain(x: Any) -> Any:
    """The number that one stands for; all else as it is."""
    return _STOOD_FOR[type(x)](x) if type(x) in _STOOD_FOR else x


def kind(data: Any) -> Any:
    """The dtype of data, for a number of Python's a `PythonNumber`."""
    return PYTHON[_STOOD_FOR[type(data)]] if type(data) in _STOOD_FOR else data.dtype
