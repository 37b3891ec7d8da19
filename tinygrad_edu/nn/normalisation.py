"""Layers that bring numbers to mean 0 and variance 1, and then to a mean and variance that are learned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from tinygrad_edu.engine.arguments import number, whole_number
from tinygrad_edu.engine.flags import flag
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import DataError, ShapeError
from tinygrad_edu.nn.module import Module
from tinygrad_edu.primitives.elementwise import stop_gradient


class BatchNorm(Module):
    """(x - mean) / √(variance + eps) · weight + bias for each feature, by the statistics of the batch (Ioffe & Szegedy, 2015).

    It is PyTorch's `BatchNorm1d` or `BatchNorm2d`, by the shape of what it is given. In training the running statistics move
    by `momentum` towards those of the batch, in which the variance is divided by n - 1; after `eval()` they are used. A compiled
    function reads and writes them at each call.

    Parameters
    ----------
    num_features: how many features there are, on axis 1.
    eps: added to the variance.
    momentum: the share of the new statistics in the running ones.
    affine: whether there are weight and bias, of shape (num_features,), which begin with 1 and 0.
    dtype: that of parameters and statistics.

    Buffers: running_mean and running_var, of shape (num_features,), and num_batches_tracked.
    Shapes: (samples, features), (samples, features, length) or (samples, features, height, width), to the same.

    Raises
    ------
    ShapeError: by a call, if axis 1 has not `num_features`.
    DataError: by a call in training, if there is but one number for each feature.

    >>> layer = BatchNorm(2)
    >>> layer(np.array([[1.0, 0.0], [3.0, 8.0]])).data.round(3)
    array([[-1., -1.],
           [ 1.,  1.]])
    >>> layer.running_mean, layer.running_var
    (array([0.2, 0.4]), array([1.1, 4.1]))
    """

    def __init__(
        self, num_features: int, eps: float = 1e-5, momentum: float = 0.1, affine: bool = True, *, dtype: DTypeLike = np.float64
    ) -> None:
        super().__init__()
        self.num_features = whole_number("num_features", num_features, at_least=1)
        self.eps = number("eps", eps, at_least=0)
        self.momentum = number("momentum", momentum, at_least=0)
        self.weight = Value(np.ones(num_features, dtype)) if flag("affine", affine) else None
        self.bias = Value(np.zeros(num_features, dtype)) if affine else None
        self.running_mean = np.zeros(num_features, dtype)
        self.running_var = np.ones(num_features, dtype)
        self.num_batches_tracked = np.array(0)

    def forward(self, x: Any) -> Any:
        """(x - mean) / √(variance + eps) · weight + bias."""
        if np.ndim(x) < 2 or np.shape(x)[1] != self.num_features:
            raise ShapeError(f"{self!r} takes an input of shape (samples, {self.num_features}, ...), but got {np.shape(x)}.")
        normalised = self._by_batch(x) if self.training else self._normalised(x - _across(self.running_mean, x), self.running_var)
        if self.weight is None or self.bias is None:
            return normalised
        return normalised * _across(self.weight, x) + _across(self.bias, x)

    def _by_batch(self, x: Any) -> Any:
        axes = (0, *range(2, np.ndim(x)))
        count = np.size(x) // self.num_features
        if count < 2:
            raise DataError(
                f"{self!r} in training needs several numbers for each feature, but the input has shape {np.shape(x)}. Where the "
                "last batch is of one sample, leave it out, drop_last=True, or take another batch_size."
            )
        mean = np.mean(x, axis=axes)
        centred = x - _across(mean, x)
        variance = np.mean(centred**2, axis=axes)
        unbiased = stop_gradient(variance) * (count / (count - 1))
        self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * stop_gradient(mean)
        self.running_var = (1 - self.momentum) * self.running_var + self.momentum * unbiased
        self.num_batches_tracked = self.num_batches_tracked + 1
        return self._normalised(centred, variance)

    def _normalised(self, centred: Any, variance: Any) -> Any:
        return centred / np.sqrt(_across(variance, centred) + self.eps)

    def settings(self) -> str:
        return f"{self.num_features}"


def _across(statistic: Any, x: Any) -> Any:
    """One number for each feature, so shaped that it goes with x, which has the features on axis 1."""
    return statistic if np.ndim(x) == 2 else np.reshape(statistic, (-1, *[1] * (np.ndim(x) - 2)))


class LayerNorm(Module):
    """(x - mean) / √(variance + eps) · weight + bias over the last axes of each sample (Ba, Kiros & Hinton, 2016).

    Parameters
    ----------
    normalized_shape: the lengths of the last axes, or the length of the last one.
    eps: added to the variance.
    elementwise_affine: whether there is a weight, which begins with 1; `bias`: whether there is a bias, too, which begins with 0.
    dtype: that of the parameters, of shape `normalized_shape`.

    Shapes: (..., *normalized_shape), to the same.

    Raises
    ------
    ShapeError: by a call, if the last axes have other lengths.

    >>> LayerNorm(2)(np.array([[1.0, 3.0], [0.0, 8.0]])).data.round(3)
    array([[-1.,  1.],
           [-1.,  1.]])
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        *,
        dtype: DTypeLike = np.float64,
    ) -> None:
        super().__init__()
        lengths = normalized_shape if isinstance(normalized_shape, Sequence) else (normalized_shape,)
        self.normalized_shape = tuple(whole_number("normalized_shape", length, at_least=1) for length in lengths)
        self.eps = number("eps", eps, at_least=0)
        self.weight = Value(np.ones(self.normalized_shape, dtype)) if flag("elementwise_affine", elementwise_affine) else None
        self.bias = Value(np.zeros(self.normalized_shape, dtype)) if flag("bias", bias) and elementwise_affine else None

    def forward(self, x: Any) -> Any:
        """(x - mean) / √(variance + eps) · weight + bias."""
        shape = self.normalized_shape
        if np.shape(x)[-len(shape) :] != shape:
            raise ShapeError(f"{self!r} takes an input whose last axes are {shape}, but got one of shape {np.shape(x)}.")
        axes = tuple(range(-len(shape), 0))
        centred = x - np.mean(x, axis=axes, keepdims=True)
        y = centred / np.sqrt(np.mean(centred**2, axis=axes, keepdims=True) + self.eps)
        y = y if self.weight is None else y * self.weight
        return y if self.bias is None else y + self.bias

    def settings(self) -> str:
        return ", ".join(map(str, self.normalized_shape))
