"""The layer that drops some numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.engine.arguments import number
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import DataError
from tinygrad_edu.nn.initialisation import Seed, generator
from tinygrad_edu.nn.module import Module
from tinygrad_edu.transforms.places import Place, read


class Dropout(Module):
    """In training each number becomes 0 with probability p, and is divided by 1 - p else (Srivastava et al., 2014).

    So the mean stays what it is. After `eval()` it hands through what it is given. A compiled function draws anew at each call.

    Parameters
    ----------
    p: the probability.
    rng: a seed for what is drawn, or a generator of NumPy's.

    Shapes: any, to the same.

    Raises
    ------
    DataError: if p is no number from 0 to 1.

    >>> layer = Dropout(0.5, rng=0)
    >>> layer(np.ones(6))
    array([2., 0., 0., 0., 2., 2.])
    >>> layer.eval()(np.ones(3))
    array([1., 1., 1.])
    """

    def __init__(self, p: float = 0.5, *, rng: Seed = None) -> None:
        super().__init__()
        self.p = number("p", p, at_least=0)
        if self.p > 1:
            raise DataError(f"p is a probability, from 0 to 1, but is {self.p}.")
        self.rng = generator(rng)

    def forward(self, x: Any) -> Any:
        """x, or x with some numbers dropped."""
        if not self.training or self.p == 0:
            return x
        x = x if isinstance(x, Value) else np.asarray(x)
        shape, dtype, rng, p = x.shape, x.dtype if x.dtype.kind == "f" else np.dtype(float), self.rng, self.p
        scale = 1 / (1 - p) if p < 1 else 0.0

        def drawn() -> Any:
            return np.where(rng.random(shape) >= p, scale, 0.0).astype(dtype)

        return x * read(Place(object(), "mask", drawn, None, np.ones(shape, dtype)))

    def settings(self) -> str:
        return f"{self.p}"
