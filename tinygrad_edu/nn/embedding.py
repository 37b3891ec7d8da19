"""The layer that has a vector for each of some things: words, letters, classes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from tinygrad_edu.engine.arguments import whole_number
from tinygrad_edu.engine.messages import shortened
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import DataError
from tinygrad_edu.nn.initialisation import Seed, normal
from tinygrad_edu.nn.module import Module


class Embedding(Module):
    """The rows of a matrix at given numbers: weight[numbers]. It begins with normal numbers.

    Parameters
    ----------
    num_embeddings, embedding_dim: how many vectors there are, and how many numbers each has: the shape of weight.
    rng: a seed for the first weights, or a generator of NumPy's.
    dtype: that of weight.

    Shapes: whole numbers of shape (...) to (..., embedding_dim).

    Raises
    ------
    DataError: by a call, if the input is not made of whole numbers from 0 to num_embeddings - 1.

    >>> layer = Embedding(3, 2).load_state_dict({"weight": [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]})
    >>> layer([2, 0]).data
    array([[4., 5.],
           [0., 1.]])
    """

    def __init__(self, num_embeddings: int, embedding_dim: int, *, rng: Seed = None, dtype: DTypeLike = np.float64) -> None:
        super().__init__()
        self.num_embeddings = whole_number("num_embeddings", num_embeddings, at_least=1)
        self.embedding_dim = whole_number("embedding_dim", embedding_dim, at_least=1)
        self.weight = Value(normal((num_embeddings, embedding_dim), rng=rng, dtype=dtype))

    def forward(self, numbers: Any) -> Any:
        """The vectors of these numbers."""
        if isinstance(numbers, Value) and numbers.dtype.kind in "iu":  # while it is being compiled, for all numbers
            return self.weight[numbers.astype(np.uint32)]  # -1 would be the last vector; without a sign NumPy refuses it
        positions = np.asarray(numbers)
        if positions.dtype.kind not in "iu":
            raise DataError(f"{self!r} takes whole numbers, but got {positions.dtype}; convert them with .astype(int).")
        if positions.size and not 0 <= positions.min() <= positions.max() < self.num_embeddings:
            raise DataError(f"{self!r} takes numbers from 0 to {self.num_embeddings - 1}, but got {shortened(numbers)}.")
        return self.weight[positions]

    def settings(self) -> str:
        return f"{self.num_embeddings}, {self.embedding_dim}"
