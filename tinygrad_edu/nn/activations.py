"""Activations as layers, for `Sequential`. Elsewhere call the functions: tg.relu, np.tanh, tg.sigmoid, tg.gelu, tg.softmax."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np

from tinygrad_edu.engine.arguments import number
from tinygrad_edu.errors import DataError
from tinygrad_edu.nn.module import Module
from tinygrad_edu.primitives import elementwise, special


class ReLU(Module):
    """max(0, x). Its derivative at 0 is 0.

    >>> ReLU()(np.array([-1.0, 2.0]))
    array([0., 2.])
    """

    def forward(self, x: Any) -> Any:
        """max(0, x)."""
        return elementwise.relu(x)


class LeakyReLU(Module):
    """x where it is positive, and slope · x elsewhere (Maas, Hannun & Ng, 2013).

    >>> LeakyReLU(0.1)(np.array([-1.0, 2.0]))
    array([-0.1,  2. ])
    """

    def __init__(self, negative_slope: float = 0.01) -> None:
        super().__init__()
        self.negative_slope = number("negative_slope", negative_slope)

    def forward(self, x: Any) -> Any:
        """x or slope · x."""
        return np.where(x > 0, x, self.negative_slope * x)

    def settings(self) -> str:
        return f"{self.negative_slope}"


class Tanh(Module):
    """The hyperbolic tangent.

    >>> Tanh()(np.array([0.0]))
    array([0.])
    """

    def forward(self, x: Any) -> Any:
        """tanh x."""
        return np.tanh(x)


class Sigmoid(Module):
    """1 / (1 + exp(-x)).

    >>> Sigmoid()(np.array([0.0]))
    array([0.5])
    """

    def forward(self, x: Any) -> Any:
        """1 / (1 + exp(-x))."""
        return elementwise.sigmoid(x)


class Softplus(Module):
    """ln(1 + exp(x)).

    >>> Softplus()(np.array([1000.0]))
    array([1000.])
    """

    def forward(self, x: Any) -> Any:
        """ln(1 + exp(x))."""
        return elementwise.softplus(x)


class GELU(Module):
    """x Φ(x), with the distribution function Φ of the standard normal distribution (Hendrycks & Gimpel, 2016).

    approximate: "none", which needs SciPy, or "tanh" for their approximation.

    >>> GELU("tanh")(np.array([1.0])).round(4)
    array([0.8412])
    """

    def __init__(self, approximate: Literal["none", "tanh"] = "none") -> None:
        super().__init__()
        if approximate not in ("none", "tanh"):
            raise DataError(f"approximate must be 'none' or 'tanh', but is {approximate!r}.")
        self.approximate = approximate

    def forward(self, x: Any) -> Any:
        """x Φ(x)."""
        return special.gelu(x, self.approximate)

    def settings(self) -> str:
        return f"approximate={self.approximate!r}"


class Softmax(Module):
    """exp(x) / Σ exp(x) along an axis. For a loss take `softmax_cross_entropy`, which wants the numbers before it.

    >>> Softmax()(np.array([[0.0, 0.0]]))
    array([[0.5, 0.5]])
    """

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, x: Any) -> Any:
        """exp(x) / Σ exp(x)."""
        return special.softmax(x, axis=self.dim)

    def settings(self) -> str:
        return f"dim={self.dim}"


class LogSoftmax(Module):
    """x - ln Σ exp(x) along an axis.

    >>> LogSoftmax()(np.array([[0.0, 0.0]])).round(4)
    array([[-0.6931, -0.6931]])
    """

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, x: Any) -> Any:
        """x - ln Σ exp(x)."""
        return special.log_softmax(x, axis=self.dim)

    def settings(self) -> str:
        return f"dim={self.dim}"


class Flatten(Module):
    """All axes but the first ones, those of the samples, as one.

    >>> Flatten()(np.ones((5, 3, 4))).shape
    (5, 12)
    """

    def __init__(self, start_dim: int = 1) -> None:
        super().__init__()
        self.start_dim = start_dim

    def forward(self, x: Any) -> Any:
        """x in another shape."""
        shape = np.shape(x)
        return np.reshape(x, (*shape[: self.start_dim], math.prod(shape[self.start_dim :])))
