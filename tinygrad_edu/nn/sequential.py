"""Layers one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, overload

from tinygrad_edu.engine.messages import shortened
from tinygrad_edu.errors import DataError
from tinygrad_edu.nn.module import Module


class Sequential(Module):
    """Layers that are applied one after the other: modules, or functions such as `np.tanh`.

    `model[0]` is the first of them, and `model[1:]` a Sequential of the others, which shares their parameters.

    Raises
    ------
    DataError: if a layer is neither.

    >>> import numpy as np, tinygrad_edu as tg
    >>> model = Sequential(tg.nn.Linear(2, 3, rng=0), np.tanh, tg.nn.Linear(3, 1, rng=1))
    >>> model(np.ones((5, 2))).shape
    (5, 1)
    >>> model
    Sequential()  # 13 parameters
      (0) Linear(2, 3)  # weight (3, 2), bias (3,): 9 parameters
      (1) tanh
      (2) Linear(3, 1)  # weight (1, 3), bias (1,): 4 parameters
    """

    def __init__(self, *layers: Callable[..., Any]) -> None:
        super().__init__()
        for position, layer in enumerate(layers):
            if not callable(layer) or isinstance(layer, type):
                advice = " It is a class: write it with brackets." if isinstance(layer, type) else ""
                raise DataError(
                    f"a layer of Sequential is a module or a function, but layer {position} is {shortened(layer)}.{advice}"
                )
            setattr(self, str(position), layer)
        self.count = len(layers)

    def forward(self, x: Any) -> Any:
        """The last layer of ... of the first layer of x."""
        for layer in self:
            x = layer(x)
        return x

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Callable[..., Any]]:
        return (getattr(self, str(position)) for position in range(self.count))

    @overload
    def __getitem__(self, position: slice) -> Sequential: ...
    @overload
    def __getitem__(self, position: int) -> Callable[..., Any]: ...
    def __getitem__(self, position: int | slice) -> Any:
        layers = list(self)[position]
        return Sequential(*layers) if isinstance(layers, list) else layers
