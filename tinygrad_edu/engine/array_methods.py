"""The methods that NumPy's arrays have, for Values.

Each (but `relu` and `sigmoid`) is the NumPy function of the same name, which finds its derivative in the op table; those that a
training step calls most go to their entry directly. What an array does in place (sort, fill, put) is missing on purpose.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.engine.messages import described
from tinygrad_edu.engine.mode import current_mode
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.primitives import elementwise, reductions, shaping, trigonometry

Axis = int | Sequence[int] | None
# An array of them, or (which type checkers take for Any) a single one.
Integers = NDArray[np.intp] | Any
Booleans = NDArray[np.bool] | Any


class ArrayMethods:
    """`x.method(...)` for `np.method(x, ...)`. Shapes, dtypes and errors are those of the NumPy function."""

    __slots__ = ()

    _data: NDArray[Any]

    def _by(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Self:
        result: Self = function(self, *args, **kwargs)
        return result

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

    def __len__(self) -> int:
        if self._data.ndim == 0:
            raise ShapeError(f"{described(self)} is a single number and has no len().")
        return int(self._data.shape[0])

    # --- reductions ----------------------------------------------------------------------------------------------------------

    def sum(self, axis: Axis = None, keepdims: bool = False, **options: Any) -> Self:
        """`np.sum`: the sum over the given axes, or over all."""
        return self._by(np.sum if options else reductions.sum, axis=axis, keepdims=keepdims, **options)

    def mean(self, axis: Axis = None, keepdims: bool = False, **options: Any) -> Self:
        """`np.mean`: the mean over the given axes, or over all."""
        return self._by(np.mean if options else reductions.mean, axis=axis, keepdims=keepdims, **options)

    def max(self, axis: Axis = None, keepdims: bool = False, **options: Any) -> Self:
        """`np.max`: the largest element; where several are equal they share the gradient equally."""
        return self._by(np.max, axis=axis, keepdims=keepdims, **options)

    def min(self, axis: Axis = None, keepdims: bool = False, **options: Any) -> Self:
        """`np.min`: the smallest element; where several are equal they share the gradient equally."""
        return self._by(np.min, axis=axis, keepdims=keepdims, **options)

    def prod(self, axis: Axis = None, keepdims: bool = False, **options: Any) -> Self:
        """`np.prod`: the product over the given axes, or over all."""
        return self._by(np.prod, axis=axis, keepdims=keepdims, **options)

    def var(self, axis: Axis = None, ddof: float = 0, keepdims: bool = False, **options: Any) -> Self:
        """`np.var`: the variance over the given axes, or over all."""
        return self._by(np.var, axis=axis, ddof=ddof, keepdims=keepdims, **options)

    def std(self, axis: Axis = None, ddof: float = 0, keepdims: bool = False, **options: Any) -> Self:
        """`np.std`: the standard deviation over the given axes, or over all."""
        return self._by(np.std, axis=axis, ddof=ddof, keepdims=keepdims, **options)

    def cumsum(self, axis: int | None = None) -> Self:
        """`np.cumsum`: the sums of the first one, two, three, ... elements."""
        return self._by(np.cumsum, axis=axis)

    def cumprod(self, axis: int | None = None) -> Self:
        """`np.cumprod`: the products of the first one, two, three, ... elements."""
        return self._by(np.cumprod, axis=axis)

    def argmax(self, axis: int | None = None, keepdims: bool = False) -> Integers:
        """`np.argmax`: plain integers, without a gradient."""
        return self._by(np.argmax, axis=axis, keepdims=keepdims)

    def argmin(self, axis: int | None = None, keepdims: bool = False) -> Integers:
        """`np.argmin`: plain integers, without a gradient."""
        return self._by(np.argmin, axis=axis, keepdims=keepdims)

    def argsort(self, axis: int | None = -1) -> Integers:
        """`np.argsort`: plain integers, without a gradient."""
        return self._by(np.argsort, axis=axis)

    def argpartition(self, kth: Any, axis: int | None = -1) -> Integers:
        """`np.argpartition`: plain integers, without a gradient."""
        return self._by(np.argpartition, kth, axis=axis)

    def nonzero(self) -> tuple[NDArray[np.intp], ...]:
        """`np.nonzero`: for each axis plain integers, without a gradient."""
        return np.nonzero(self)  # type: ignore[arg-type]

    def searchsorted(self, v: Any, side: str = "left", sorter: Any = None) -> Integers:
        """`np.searchsorted`: plain integers, without a gradient."""
        return self._by(np.searchsorted, v, side=side, sorter=sorter)

    def any(self, axis: Axis = None, keepdims: bool = False) -> Booleans:
        """`np.any`: plain booleans, without a gradient."""
        return self._by(np.any, axis=axis, keepdims=keepdims)

    def all(self, axis: Axis = None, keepdims: bool = False) -> Booleans:
        """`np.all`: plain booleans, without a gradient."""
        return self._by(np.all, axis=axis, keepdims=keepdims)

    # --- shape and selection -------------------------------------------------------------------------------------------------

    def reshape(self, *shape: Any, **options: Any) -> Self:
        """`np.reshape`; the shape is given as one tuple or as several integers."""
        target = shape[0] if len(shape) == 1 else shape
        if options:
            return self._by(np.reshape, target, **options)
        return self._by(shaping.reshape, shape=target)

    def transpose(self, *axes: Any) -> Self:
        """`np.transpose`; the axes are given as one tuple, as several integers, or not at all (reverse order)."""
        return self._by(shaping.transpose, axes=axes[0] if len(axes) == 1 else axes or None)

    @property
    def T(self) -> Self:  # noqa: N802 (NumPy's name)
        """The transpose: axes in reverse order."""
        return self._by(shaping.transpose)

    @property
    def mT(self) -> Self:  # noqa: N802 (NumPy's name)
        """The matrices of a stack, each transposed."""
        return self._by(np.matrix_transpose)

    def ravel(self, order: str = "C") -> Self:
        """`np.ravel`: all elements along one axis; order="F" for the first index to change fastest."""
        return self._by(np.ravel, order)

    def flatten(self, order: str = "C") -> Self:
        """`np.ravel` under another name: all elements along one axis."""
        return self._by(np.ravel, order)

    @property
    def flat(self) -> Self:
        """All elements along one axis, to go through or to take by their numbers."""
        return self._by(np.ravel)

    def squeeze(self, axis: Axis = None) -> Self:
        """`np.squeeze`: without axes of length one."""
        return self._by(np.squeeze, axis=axis)

    def swapaxes(self, axis1: int, axis2: int) -> Self:
        """`np.swapaxes`."""
        return self._by(np.swapaxes, axis1, axis2)

    def repeat(self, repeats: Any, axis: int | None = None) -> Self:
        """`np.repeat`: each element several times."""
        return self._by(np.repeat, repeats, axis=axis)

    def take(self, indices: Any, axis: int | None = None, mode: str = "raise") -> Self:
        """`np.take`: the elements at the given positions."""
        return self._by(np.take, indices, axis=axis, mode=mode)

    def choose(self, choices: Sequence[Any], mode: str = "raise") -> Self:
        """`np.choose`: of several arrays the elements that these whole numbers say."""
        return self._by(np.choose, choices, mode=mode)

    def compress(self, condition: Any, axis: int | None = None) -> Self:
        """`np.compress`: the elements where a condition holds."""
        return self._by(lambda x: np.compress(condition, x, axis=axis))

    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Self:
        """`np.diagonal`."""
        return self._by(np.diagonal, offset=offset, axis1=axis1, axis2=axis2)

    def trace(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Self:
        """`np.trace`: the sum of the diagonal."""
        return self._by(np.trace, offset=offset, axis1=axis1, axis2=axis2)

    # --- element by element --------------------------------------------------------------------------------------------------

    def dot(self, other: Any) -> Self:
        """`np.dot`: the product of matrices and vectors."""
        return self._by(np.dot, other)

    def clip(self, min: Any = None, max: Any = None) -> Self:
        """`np.clip`: the nearest number in [min, max]."""
        return self._by(np.clip, min, max)

    def round(self, decimals: int = 0) -> Self:
        """`np.round`, with derivative zero."""
        return self._by(np.round, decimals)

    __round__ = round

    def astype(self, dtype: Any) -> Self:
        """The same numbers in another floating-point precision."""
        if current_mode().records_constants and np.dtype(dtype).kind in "iub":  # positions, say, in a function that is compiled
            return self._by(shaping.WHOLE, dtype=np.dtype(dtype))
        return self._by(np.astype, dtype)

    def conj(self) -> Self:
        """`np.conjugate`."""
        return self._by(np.conjugate)

    conjugate = conj

    @property
    def real(self) -> Self:
        """`np.real`: the real part."""
        return self._by(np.real)

    @property
    def imag(self) -> Self:
        """`np.imag`: the imaginary part."""
        return self._by(np.imag)

    def copy(self) -> Self:
        """The same numbers as a result of its own, through which the gradient passes."""
        return self._by(np.copy)

    def relu(self) -> Self:
        """max(x, 0), with derivative 0 at 0."""
        return self._by(elementwise.relu)

    def sigmoid(self) -> Self:
        """1 / (1 + e^-x)."""
        return self._by(elementwise.sigmoid)

    def exp(self) -> Self:
        """`np.exp`."""
        return self._by(elementwise.exp)

    def log(self) -> Self:
        """`np.log`, the natural logarithm."""
        return self._by(elementwise.log)

    def tanh(self) -> Self:
        """`np.tanh`."""
        return self._by(trigonometry.tanh)
