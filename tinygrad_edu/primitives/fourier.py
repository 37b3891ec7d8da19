"""Discrete Fourier transforms: real in, real out through any complex middle.

A transform multiplies by the matrix exp(-2πi·j·k/n), which is symmetric. So the rule of `fft` is `fft` itself, and that of `ifft`
is `ifft`. Each of the real transforms has its counterpart in `hfft` or `ihfft`. All others are compositions along axes.
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from tinygrad_edu.primitives.indexing import index, scatter
from tinygrad_edu.primitives.primitive import Primitive, case
from tinygrad_edu.primitives.table import composition, operation

Norm = Literal["backward", "ortho", "forward"] | None
Axes = Sequence[int] | None
Function = Callable[..., Any]

CASES = [
    case((4,)), case((5,)), case((2, 3), axis=0), case((2, 4), n=3), case((2, 4), n=2, axis=-1), case((3,), n=6, norm="ortho"),
    case((5, 2), n=4, axis=0, norm="forward"), case((2, 3, 2), axis=1, norm="ortho"), case((2, 1), n=2),
]  # fmt: skip
CASES_OF_LENGTH_ONE = [case((1,)), case((3,), n=1)]


def _fitted(x: Any, length: int, axis: int) -> Any:
    """Cut off or filled up with zeros to that length: what passes back where `n` has filled up or cut off."""
    present = x.shape[axis]
    if present == length:
        return x
    (axis,) = normalize_axis_tuple(axis, x.ndim)
    part = (*(slice(None),) * axis, slice(min(length, present)))
    if present > length:
        return index(x, index=part)
    return scatter(x, index=part, shape=(*x.shape[:axis], length, *x.shape[axis + 1 :]))


def _weights(n: int, inner: float, like: Any, axis: int) -> Any:
    """For each frequency of a real transform: 1 for the first, and for the last if n is even; else `inner`.

    Of n frequencies the real transforms keep about half, since each of the others is the conjugate of one of these; only the first
    and the middle one, which are real, stand for themselves alone.
    """
    weights = np.full(n // 2 + 1, inner, np.finfo(like.dtype).dtype)
    weights[0] = 1
    if n % 2 == 0:
        weights[-1] = 1
    (axis,) = normalize_axis_tuple(axis, like.ndim)
    return weights.reshape(-1, *(1,) * (like.ndim - 1 - axis))


def _fft_vjp(g: Any, out: Any, x: Any, n: int | None = None, axis: int = -1, norm: Norm = None) -> Any:
    return _fitted(np.fft.fft(g, axis=axis, norm=norm), x.shape[axis], axis)


def _ifft_vjp(g: Any, out: Any, x: Any, n: int | None = None, axis: int = -1, norm: Norm = None) -> Any:
    return _fitted(np.fft.ifft(g, axis=axis, norm=norm), x.shape[axis], axis)


def _rfft_vjp(g: Any, out: Any, x: Any, n: int | None = None, axis: int = -1, norm: Norm = None) -> Any:
    n = x.shape[axis] if n is None else n
    # hfft adds to each frequency its conjugate, which g does not contain.
    return _fitted(np.fft.hfft(g * _weights(n, 0.5, g, axis), n, axis, norm), x.shape[axis], axis)


def _irfft_vjp(g: Any, out: Any, x: Any, n: int | None = None, axis: int = -1, norm: Norm = None) -> Any:
    spectrum = np.fft.ihfft(g, axis=axis, norm=norm)
    return _fitted(spectrum * _weights(g.shape[axis], 2.0, spectrum, axis), x.shape[axis], axis)


# Written as lambdas so that the parameter out=, which Values do not take, is none.
fft: Primitive = operation(
    lambda x, n=None, axis=-1, norm=None: np.fft.fft(x, n, axis, norm),
    _fft_vjp,
    name="fft", numpy=[np.fft.fft], latex=r"\mathcal{{F}} {0}", cases=CASES + CASES_OF_LENGTH_ONE,
)  # fmt: skip
ifft: Primitive = operation(
    lambda x, n=None, axis=-1, norm=None: np.fft.ifft(x, n, axis, norm),
    _ifft_vjp,
    name="ifft", numpy=[np.fft.ifft], latex=r"\mathcal{{F}}^{{-1}} {0}", cases=CASES + CASES_OF_LENGTH_ONE,
)  # fmt: skip
# Rules of their own, since compositions of fft and ifft take twice the time and memory.
rfft: Primitive = operation(
    lambda x, n=None, axis=-1, norm=None: np.fft.rfft(x, n, axis, norm),
    _rfft_vjp,
    name="rfft", numpy=[np.fft.rfft], latex=r"\mathcal{{F}} {0}", cases=CASES + CASES_OF_LENGTH_ONE,
)  # fmt: skip
irfft: Primitive = operation(
    lambda x, n=None, axis=-1, norm=None: np.fft.irfft(x, n, axis, norm),
    _irfft_vjp,
    name="irfft", numpy=[np.fft.irfft], latex=r"\mathcal{{F}}^{{-1}} {0}",
    cases=[*CASES[:-1], case((2, 1), n=3), case((2, 1), n=1), case((3,), n=1), case((3,), n=7), case((2,))],
)  # fmt: skip


# --- of spectra that are real ------------------------------------------------------------------------------------------------

# The inverse transform differs from the forward one by a conjugate and by which of the two is divided by n.
_OPPOSITE: dict[Norm, Norm] = {None: "forward", "backward": "forward", "ortho": "ortho", "forward": "backward"}


@composition(np.fft.hfft)
def _hfft(a: Any, n: int | None = None, axis: int = -1, norm: Norm = None) -> Any:
    return irfft(np.conjugate(a), n=n, axis=axis, norm=_OPPOSITE.get(norm, norm))


@composition(np.fft.ihfft)
def _ihfft(a: Any, n: int | None = None, axis: int = -1, norm: Norm = None) -> Any:
    return np.conjugate(rfft(a, n=n, axis=axis, norm=_OPPOSITE.get(norm, norm)))


# --- along several axes ------------------------------------------------------------------------------------------------------


def _lengths(a: Any, s: Sequence[int] | None, axes: Axes) -> list[tuple[int, int]]:
    """For each axis to transform: the axis, and the length to fit it to."""
    if axes is None:
        axes = range(a.ndim) if s is None else range(-len(s), 0)
    if s is None:
        s = [-1] * len(axes)
    if len(s) != len(axes):
        raise ValueError(f"s gives {len(s)} lengths for {len(axes)} axes")
    return [(axis, a.shape[axis] if n == -1 else n) for axis, n in zip(axes, s, strict=True)]


def _along_each(transform: Primitive) -> Function:
    def composed(a: Any, s: Sequence[int] | None = None, axes: Axes = None, norm: Norm = None) -> Any:
        for axis, n in reversed(_lengths(a, s, axes)):
            a = transform(a, n=n, axis=axis, norm=norm)
        return a

    return composed


_fftn = composition(np.fft.fftn)(_along_each(fft))
_ifftn = composition(np.fft.ifftn)(_along_each(ifft))


@composition(np.fft.rfftn)
def _rfftn(a: Any, s: Sequence[int] | None = None, axes: Axes = None, norm: Norm = None) -> Any:
    *others, (last, n) = _lengths(a, s, axes)
    a = rfft(a, n=n, axis=last, norm=norm)
    for axis, n in reversed(others):
        a = fft(a, n=n, axis=axis, norm=norm)
    return a


@composition(np.fft.irfftn)
def _irfftn(a: Any, s: Sequence[int] | None = None, axes: Axes = None, norm: Norm = None) -> Any:
    *others, (last, n) = _lengths(a, s, axes)
    for axis, length in others:
        a = ifft(a, n=length, axis=axis, norm=norm)
    return irfft(a, n=None if s is None else n, axis=last, norm=norm)


def _of_two_axes(function: Function) -> Function:
    def composed(a: Any, s: Sequence[int] | None = None, axes: Axes = (-2, -1), norm: Norm = None) -> Any:
        return function(a, s, axes, norm)

    return composed


for _two, _several in (
    (np.fft.fft2, _fftn),
    (np.fft.ifft2, _ifftn),
    (np.fft.rfft2, _rfftn),
    (np.fft.irfft2, _irfftn),
):
    composition(_two)(_of_two_axes(_several))


# --- the order of frequencies ------------------------------------------------------------------------------------------------


def _shifting(shift: Callable[[int], int]) -> Function:
    def composed(x: Any, axes: int | Sequence[int] | None = None) -> Any:
        shifted = normalize_axis_tuple(range(x.ndim) if axes is None else axes, x.ndim)
        return np.roll(x, [shift(x.shape[axis]) for axis in shifted], shifted)

    return composed


composition(np.fft.fftshift)(_shifting(lambda length: length // 2))
composition(np.fft.ifftshift)(_shifting(lambda length: -(length // 2)))
