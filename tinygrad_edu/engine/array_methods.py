"""The methods that NumPy's arrays have, for Values.

Each is the NumPy function of the same name, which finds its derivative in the op table; those that a training step calls most go to
their entry directly. What an array does in place (sort, fill, put) is missing on purpose.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.engine.mode import current_mode
from tinygrad_edu.primitives import elementwise, reductions, shaping, trigonometry

if TYPE_CHECKING:
    from tinygrad_edu.engine.value import Value

Axis = int | Sequence[int] | None


class ArrayMethods:
    """`x.method(...)` for `np.method(x, ...)`. Shapes, dtypes and errors are those of the NumPy function."""

    __slots__ = ()

    _data: NDArray[Any]

    # --- attributes ----------------------------------------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        """The lengths of the axes."""
        return self._data.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the numbers."""
        return self._data.dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self._data.ndim

    @property
    def size(self) -> int:
        """The number of numbers."""
        return self._data.size

    @property
    def itemsize(self) -> int:
        """How many bytes a number takes."""
        return self._data.itemsize

    @property
    def nbytes(self) -> int:
        """How many bytes all of the numbers take."""
        return self._data.nbytes

    @property
    def device(self) -> str:
        """Where the numbers are."""
        return "cpu"

    # --- reductions ----------------------------------------------------------------------------------------------------------

    def sum(self, axis: Axis = None, keepdims: bool = False, **options: Any) -> Value:
        """`np.sum`: the sum over the given axes, or over all."""
        if options:
            return _of(np.sum, self, axis=axis, keepdims=keepdims, **options)
        return _of(reductions.sum, self, axis=axis, keepdims=keepdims)

    def mean(self, axis: Axis = None, keepdims: bool = False, **options: Any) -> Value:
        """`np.mean`: the mean over the given axes, or over all."""
        if options:
            return _of(np.mean, self, axis=axis, keepdims=keepdims, **options)
        return _of(reductions.mean, self, axis=axis, keepdims=keepdims)

    def max(self, axis: Axis = None, keepdims: bool = False, **options: Any) -> Value:
        """`np.max`: the largest element; where several are equal they share the gradient equally."""
        return _of(np.max, self, axis=axis, keepdims=keepdims, **options)

    def min(self, axis: Axis = None, keepdims: bool = False, **options: Any) -> Value:
        """`np.min`: the smallest element; where several are equal they share the gradient equally."""
        return _of(np.min, self, axis=axis, keepdims=keepdims, **options)

    def prod(self, axis: Axis = None, keepdims: bool = False, **options: Any) -> Value:
        """`np.prod`: the product over the given axes, or over all."""
        return _of(np.prod, self, axis=axis, keepdims=keepdims, **options)

    def var(self, axis: Axis = None, ddof: float = 0, keepdims: bool = False, **options: Any) -> Value:
        """`np.var`: the variance over the given axes, or over all."""
        return _of(np.var, self, axis=axis, ddof=ddof, keepdims=keepdims, **options)

    def std(self, axis: Axis = None, ddof: float = 0, keepdims: bool = False, **options: Any) -> Value:
        """`np.std`: the standard deviation over the given axes, or over all."""
        return _of(np.std, self, axis=axis, ddof=ddof, keepdims=keepdims, **options)

    def cumsum(self, axis: int | None = None) -> Value:
        """`np.cumsum`: the sums of the first one, two, three, ... elements."""
        return _of(np.cumsum, self, axis=axis)

    def cumprod(self, axis: int | None = None) -> Value:
        """`np.cumprod`: the products of the first one, two, three, ... elements."""
        return _of(np.cumprod, self, axis=axis)

    def argmax(self, axis: int | None = None, keepdims: bool = False) -> Any:
        """`np.argmax`: plain integers, without a gradient."""
        return np.argmax(_any(self), axis=axis, keepdims=keepdims)

    def argmin(self, axis: int | None = None, keepdims: bool = False) -> Any:
        """`np.argmin`: plain integers, without a gradient."""
        return np.argmin(_any(self), axis=axis, keepdims=keepdims)

    def argsort(self, axis: int | None = -1) -> Any:
        """`np.argsort`: plain integers, without a gradient."""
        return np.argsort(_any(self), axis=axis)

    def argpartition(self, kth: Any, axis: int | None = -1) -> Any:
        """`np.argpartition`: plain integers, without a gradient."""
        return np.argpartition(_any(self), kth, axis=axis)

    def nonzero(self) -> Any:
        """`np.nonzero`: for each axis plain integers, without a gradient."""
        return np.nonzero(_any(self))

    def searchsorted(self, v: Any, side: str = "left", sorter: Any = None) -> Any:
        """`np.searchsorted`: plain integers, without a gradient."""
        return np.searchsorted(_any(self), v, side=_any(side), sorter=sorter)

    def any(self, axis: Axis = None, keepdims: bool = False) -> Any:
        """`np.any`: plain booleans, without a gradient."""
        return np.any(_any(self), axis=_any(axis), keepdims=keepdims)

    def all(self, axis: Axis = None, keepdims: bool = False) -> Any:
        """`np.all`: plain booleans, without a gradient."""
        return np.all(_any(self), axis=_any(axis), keepdims=keepdims)

    # --- shape and selection -------------------------------------------------------------------------------------------------

    def reshape(self, *shape: Any, **options: Any) -> Value:
        """`np.reshape`; the shape is given as one tuple or as several integers."""
        target = shape[0] if len(shape) == 1 else shape
        if options:
            return _of(np.reshape, self, target, **options)
        return _of(shaping.reshape, self, shape=target)

    def transpose(self, *axes: Any) -> Value:
        """`np.transpose`; the axes are given as one tuple, as several integers, or not at all (reverse order)."""
        return _of(shaping.transpose, self, axes=axes[0] if len(axes) == 1 else axes or None)

    @property
    def T(self) -> Value:  # noqa: N802 (NumPy's name)
        """The transpose: axes in reverse order."""
        return _of(shaping.transpose, self)

    @property
    def mT(self) -> Value:  # noqa: N802 (NumPy's name)
        """The matrices of a stack, each transposed."""
        return _of(np.matrix_transpose, self)

    def ravel(self, order: str = "C") -> Value:
        """`np.ravel`: all elements along one axis; order="F" for the first index to change fastest."""
        return _of(np.ravel, self, order)

    def flatten(self, order: str = "C") -> Value:
        """The same."""
        return _of(np.ravel, self, order)

    @property
    def flat(self) -> Value:
        """All elements along one axis, to go through or to take by their numbers."""
        return _of(np.ravel, self)

    def squeeze(self, axis: Axis = None) -> Value:
        """`np.squeeze`: without axes of length one."""
        return _of(np.squeeze, self, axis=axis)

    def swapaxes(self, axis1: int, axis2: int) -> Value:
        """`np.swapaxes`."""
        return _of(np.swapaxes, self, axis1, axis2)

    def repeat(self, repeats: Any, axis: int | None = None) -> Value:
        """`np.repeat`: each element several times."""
        return _of(np.repeat, self, repeats, axis=axis)

    def take(self, indices: Any, axis: int | None = None, mode: str = "raise") -> Value:
        """`np.take`: the elements at the given positions."""
        return _of(np.take, self, indices, axis=axis, mode=mode)

    def choose(self, choices: Sequence[Any], mode: str = "raise") -> Value:
        """`np.choose`: of several arrays the elements that these whole numbers say."""
        return _of(np.choose, self, choices, mode=mode)

    def compress(self, condition: Any, axis: int | None = None) -> Value:
        """`np.compress`: the elements where a condition holds."""
        return _of(np.compress, condition, self, axis=axis)

    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Value:
        """`np.diagonal`."""
        return _of(np.diagonal, self, offset=offset, axis1=axis1, axis2=axis2)

    def trace(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Value:
        """`np.trace`: the sum of the diagonal."""
        return _of(np.trace, self, offset=offset, axis1=axis1, axis2=axis2)

    # --- element by element --------------------------------------------------------------------------------------------------

    def dot(self, other: Any) -> Value:
        """`np.dot`: the product of matrices and vectors."""
        return _of(np.dot, self, other)

    def clip(self, min: Any = None, max: Any = None) -> Value:
        """`np.clip`: the nearest number in [min, max]."""
        return _of(np.clip, self, min, max)

    def round(self, decimals: int = 0) -> Value:
        """`np.round`, with derivative zero."""
        return _of(np.round, self, decimals)

    def astype(self, dtype: Any) -> Value:
        """The same numbers in another floating-point precision."""
        if current_mode().records_constants and np.dtype(dtype).kind in "iub":  # positions, say, in a function that is compiled
            return _of(shaping.WHOLE, self, dtype=np.dtype(dtype))
        return _of(np.astype, self, dtype)

    def conj(self) -> Value:
        """`np.conjugate`."""
        return _of(np.conjugate, self)

    conjugate = conj

    @property
    def real(self) -> Value:
        """`np.real`: the real part."""
        return _of(np.real, self)

    @property
    def imag(self) -> Value:
        """`np.imag`: the imaginary part."""
        return _of(np.imag, self)

    def copy(self) -> Value:
        """The same numbers as a result of its own, through which the gradient passes."""
        return _of(np.copy, self)

    def relu(self) -> Value:
        """max(x, 0), with derivative 0 at 0."""
        return _of(elementwise.relu, self)

    def sigmoid(self) -> Value:
        """1 / (1 + e^-x)."""
        return _of(elementwise.sigmoid, self)

    def exp(self) -> Value:
        """`np.exp`."""
        return _of(elementwise.exp, self)

    def log(self) -> Value:
        """`np.log`, the natural logarithm."""
        return _of(elementwise.log, self)

    def tanh(self) -> Value:
        """`np.tanh`."""
        return _of(trigonometry.tanh, self)


def _of(function: Any, *args: Any, **kwargs: Any) -> Value:
    result: Value = function(*args, **kwargs)
    return result


def _any(x: Any) -> Any:
    """For calls that NumPy's type stubs would not allow."""
    return x
