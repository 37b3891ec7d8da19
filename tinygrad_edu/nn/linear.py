"""The layer that multiplies by a matrix."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from tinygrad_edu.engine.arguments import whole_number
from tinygrad_edu.engine.flags import flag
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.nn.initialisation import Seed, generator, uniform
from tinygrad_edu.nn.module import Module


class Linear(Module):
    """y = x Wᵀ + b, for each row x of the input.

    It begins, as PyTorch's, with numbers evenly from -1/√in to 1/√in.

    Parameters
    ----------
    in_features, out_features: how many numbers x and y have.
    bias: whether there is a b.
    rng: a seed for the first weights, or a generator of NumPy's.
    dtype: that of the parameters: weight, of shape (out, in), and bias, of shape (out,).

    Shapes: (..., in) to (..., out).

    Raises
    ------
    DataError: if a number of features is not a whole number of at least 1.
    ShapeError: by a call, if the last axis of the input has not `in_features` numbers.

    >>> layer = Linear(2, 1).load_state_dict({"weight": [[3.0, 4.0]], "bias": [0.5]})
    >>> layer(np.array([[1.0, 1.0], [0.0, 2.0]])).data
    array([[7.5],
           [8.5]])
    """

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, *, rng: Seed = None, dtype: DTypeLike = np.float64
    ) -> None:
        super().__init__()
        self.in_features = whole_number("in_features", in_features, at_least=1)
        self.out_features = whole_number("out_features", out_features, at_least=1)
        rng, bound = generator(rng), 1 / math.sqrt(in_features)
        self.weight = Value(uniform((out_features, in_features), bound, rng=rng, dtype=dtype))
        self.bias = Value(uniform((out_features,), bound, rng=rng, dtype=dtype)) if flag("bias", bias) else None

    def forward(self, x: Any) -> Any:
        """x Wᵀ + b."""
        if np.ndim(x) == 0 or np.shape(x)[-1] != self.in_features:
            raise ShapeError(f"{self!r} takes an input of shape (..., {self.in_features}), but got one of shape {np.shape(x)}.")
        y = x @ self.weight.T
        return y if self.bias is None else y + self.bias

    def settings(self) -> str:
        return f"{self.in_features}, {self.out_features}"
