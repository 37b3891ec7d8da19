"""Layers that look at a signal or a picture through a small window: convolution and pooling.

The windows are strided views; those of one sample, written side by side, are the columns of a matrix, and a convolution is one
matrix product.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike

from tinygrad_edu.engine.arguments import whole_number
from tinygrad_edu.engine.flags import flag
from tinygrad_edu.engine.messages import shortened
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import DataError, ShapeError
from tinygrad_edu.nn.initialisation import Seed, fans, generator, uniform
from tinygrad_edu.nn.module import Module
from tinygrad_edu.primitives.windows import windows

Lengths = int | Sequence[int]
"""One number for all axes of a picture, or one for each."""


class _Windowed(Module):
    """What convolution and pooling have in common: windows over the last axes, `axes` of them."""

    axes: int

    def _set(self, kernel_size: Lengths, stride: Lengths, padding: Lengths, dilation: Lengths) -> None:
        self.kernel_size = self._lengths("kernel_size", kernel_size, 1)
        self.stride = self._lengths("stride", stride, 1)
        self.padding = self._lengths("padding", padding, 0)
        self.dilation = self._lengths("dilation", dilation, 1)

    def _lengths(self, name: str, given: Lengths, at_least: int) -> tuple[int, ...]:
        lengths = tuple(given) if isinstance(given, Sequence) else (given,) * self.axes
        if len(lengths) != self.axes:
            raise DataError(f"{name} is one whole number, or {self.axes} of them, but is {shortened(given)}.")
        return tuple(whole_number(name, length, at_least=at_least) for length in lengths)

    def _padded(self, x: Any, value: float) -> Any:
        """With so many numbers around as `padding` says."""
        if not any(self.padding):
            return x
        x = x if isinstance(x, Value) else np.asarray(x)
        x = x if x.dtype.kind == "f" else x.astype(np.float64)  # whole numbers have no -∞
        widths = [(0, 0)] * (np.ndim(x) - self.axes) + [(width, width) for width in self.padding]
        return np.pad(x, widths, constant_values=value)

    def _windows(self, x: Any) -> Any:
        """Views of shape (..., *outputs, *kernel) into x, of shape (..., *lengths)."""
        first = np.ndim(x) - self.axes
        spans = [(width - 1) * far + 1 for width, far in zip(self.kernel_size, self.dilation, strict=True)]
        if any(length < span for length, span in zip(np.shape(x)[first:], spans, strict=True)):
            raise ShapeError(
                f"{self!r} needs an input of at least {tuple(spans)}, with its padding, but it has {np.shape(x)[first:]}."
            )
        for axis, (width, step, far) in enumerate(zip(self.kernel_size, self.stride, self.dilation, strict=True), first):
            x = windows(x, width=width, axis=axis, step=step, dilation=far)
        return x

    def _kernel_axes(self) -> tuple[int, ...]:
        return tuple(range(-self.axes, 0))


class _Convolution(_Windowed):
    """Convolution over so many axes; see `Conv1d` and `Conv2d`."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Lengths,
        stride: Lengths = 1,
        padding: Lengths | Literal["same"] = 0,
        dilation: Lengths = 1,
        groups: int = 1,
        bias: bool = True,
        *,
        rng: Seed = None,
        dtype: DTypeLike = np.float64,
    ) -> None:
        super().__init__()
        self.in_channels = whole_number("in_channels", in_channels, at_least=1)
        self.out_channels = whole_number("out_channels", out_channels, at_least=1)
        self.groups = whole_number("groups", groups, at_least=1)
        if in_channels % groups or out_channels % groups:
            raise DataError(f"in_channels={in_channels} and out_channels={out_channels} must be multiples of groups={groups}.")
        self._set(kernel_size, stride, 0 if padding == "same" else padding, dilation)
        if padding == "same":
            self.padding = self._same()
        shape = (out_channels, in_channels // groups, *self.kernel_size)
        rng, bound = generator(rng), 1 / math.sqrt(fans(shape)[0])
        self.weight = Value(uniform(shape, bound, rng=rng, dtype=dtype))
        self.bias = Value(uniform((out_channels,), bound, rng=rng, dtype=dtype)) if flag("bias", bias) else None

    def _same(self) -> tuple[int, ...]:
        spans = [(width - 1) * far for width, far in zip(self.kernel_size, self.dilation, strict=True)]
        if any(span % 2 for span in spans) or set(self.stride) != {1}:
            raise DataError('padding="same" needs stride 1 and a kernel of odd width; say by numbers how much to pad.')
        return tuple(span // 2 for span in spans)

    def forward(self, x: Any) -> Any:
        """The sums of the products of the kernel with each window."""
        shape, axes = np.shape(x), self.axes
        if len(shape) not in (axes + 1, axes + 2) or shape[-axes - 1] != self.in_channels:
            around = f"(samples, {self.in_channels}, {'length' if axes == 1 else 'height, width'})"
            raise ShapeError(f"{self!r} takes an input of shape {around}, but got one of shape {shape}.")
        if isinstance(self.weight, Value) and not isinstance(x, Value):
            x = Value(x, requires_grad=False)  # so that the record keeps the columns, and not a copy of them
        samples = x if len(shape) == axes + 2 else x[None]
        views = self._windows(self._padded(samples, 0.0))  # (samples, channels, *outputs, *kernel)
        count, outputs, groups = len(samples), np.shape(views)[2 : 2 + axes], self.groups
        size = self.in_channels // groups * math.prod(self.kernel_size)  # of the part of a window that an output sees
        columns = np.transpose(views, (0, 1, *range(2 + axes, 2 + 2 * axes), *range(2, 2 + axes)))
        if groups == 1:
            columns = np.reshape(columns, (count, size, math.prod(outputs)))
            product = np.reshape(self.weight, (self.out_channels, size)) @ columns
        else:
            columns = np.reshape(columns, (count, groups, size, math.prod(outputs)))
            product = np.reshape(self.weight, (groups, self.out_channels // groups, size)) @ columns
        y = np.reshape(product, (count, self.out_channels, *outputs))
        if self.bias is not None:
            y = y + np.reshape(self.bias, (-1, *[1] * axes))
        return y if len(shape) == axes + 2 else y[0]

    def settings(self) -> str:
        parts = [f"{self.in_channels}, {self.out_channels}, kernel_size={_brief(self.kernel_size)}"]
        usual = {"stride": 1, "padding": 0, "dilation": 1}
        parts += [f"{name}={_brief(lengths)}" for name, x in usual.items() if set(lengths := getattr(self, name)) != {x}]
        return ", ".join(parts if self.groups == 1 else [*parts, f"groups={self.groups}"])


class Conv1d(_Convolution):
    """y[o, l] = bias[o] + Σ weight[o, c, k] · x[c, stride·l + dilation·k], the cross-correlation that is called convolution.

    Parameters, errors and first numbers are those of `Conv2d`, with one axis: weight has the shape (out, in / groups, width).

    Shapes: (samples, in, length), or (in, length), to (samples, out, length of the output).

    >>> layer = Conv1d(1, 1, 2, bias=False).load_state_dict({"weight": [[[1.0, -1.0]]]})
    >>> layer(np.array([[1.0, 4.0, 9.0, 16.0]])).data
    array([[-3., -5., -7.]])
    """

    axes = 1


class Conv2d(_Convolution):
    """y[o, i, j] = bias[o] + Σ weight[o, c, k, l] · x[c, stride·i + dilation·k, stride·j + dilation·l] (LeCun et al., 1989).

    Strictly speaking it is a cross-correlation. Padding is by zeros. An output has ⌊(n + 2·padding - dilation·(width - 1) - 1) /
    stride⌋ + 1 numbers along an axis. It begins, as PyTorch's, with numbers evenly from -1/√fan-in to 1/√fan-in.

    Parameters
    ----------
    in_channels, out_channels: how many channels x and y have.
    kernel_size, stride, padding, dilation: a number for both axes, or a pair. padding="same" pads so that y is as large as x.
    groups: channels in so many groups, each of which sees its own part of the input.
    bias: whether there is one.
    rng: a seed for the first weights, or a generator of NumPy's.
    dtype: that of the parameters: weight, of shape (out, in / groups, height, width), and bias, of shape (out,).

    Shapes: (samples, in, height, width), or (in, height, width), to (samples, out, height, width of the output).

    Raises
    ------
    DataError: if a number is out of range, or the groups do not divide the channels.
    ShapeError: by a call, if the input has another shape, or is smaller than a window.

    >>> layer = Conv2d(1, 1, 2, bias=False).load_state_dict({"weight": [[[[1.0, 0.0], [0.0, 1.0]]]]})
    >>> layer(np.arange(9.0).reshape(1, 3, 3)).data
    array([[[ 4.,  6.],
            [10., 12.]]])
    """

    axes = 2


class MaxPool2d(_Windowed):
    """The largest number of each window. Where several are equal, each has an equal share of the gradient.

    Parameters
    ----------
    kernel_size, stride, padding, dilation: a number for both axes, or a pair; the stride is by default the size of the window.

    Shapes: (..., height, width), to the same with fewer rows and columns.

    >>> MaxPool2d(2)(np.arange(16.0).reshape(1, 4, 4))
    array([[[ 5.,  7.],
            [13., 15.]]])
    """

    axes = 2

    def __init__(self, kernel_size: Lengths, stride: Lengths | None = None, padding: Lengths = 0, dilation: Lengths = 1) -> None:
        super().__init__()
        self._set(kernel_size, kernel_size if stride is None else stride, padding, dilation)
        if any(2 * wide > width for wide, width in zip(self.padding, self.kernel_size, strict=True)):
            raise DataError(f"padding={padding} is more than half of kernel_size={kernel_size}: windows would lie in it alone.")

    def forward(self, x: Any) -> Any:
        """The largest number of each window."""
        return np.max(self._windows(self._padded(x, -np.inf)), axis=self._kernel_axes())

    def settings(self) -> str:
        return f"{_brief(self.kernel_size)}, stride={_brief(self.stride)}"


class AvgPool2d(_Windowed):
    """The mean of each window, in which the zeros of the padding count.

    Parameters
    ----------
    kernel_size, stride, padding: a number for both axes, or a pair; the stride is by default the size of the window.

    Shapes: (..., height, width), to the same with fewer rows and columns.

    >>> AvgPool2d(2)(np.arange(16.0).reshape(1, 4, 4))
    array([[[ 2.5,  4.5],
            [10.5, 12.5]]])
    """

    axes = 2

    def __init__(self, kernel_size: Lengths, stride: Lengths | None = None, padding: Lengths = 0) -> None:
        super().__init__()
        self._set(kernel_size, kernel_size if stride is None else stride, padding, 1)

    def forward(self, x: Any) -> Any:
        """The mean of each window."""
        return np.mean(self._windows(self._padded(x, 0.0)), axis=self._kernel_axes())

    def settings(self) -> str:
        return f"{_brief(self.kernel_size)}, stride={_brief(self.stride)}"


def _brief(lengths: tuple[int, ...]) -> str:
    return str(lengths[0]) if len(set(lengths)) == 1 else str(lengths)
