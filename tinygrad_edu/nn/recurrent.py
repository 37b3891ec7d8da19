"""Layers that read a sequence step by step and keep a state: RNN, LSTM, GRU."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike

from tinygrad_edu.engine.arguments import whole_number
from tinygrad_edu.engine.flags import flag
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import DataError, ShapeError
from tinygrad_edu.nn.initialisation import Seed, generator, uniform
from tinygrad_edu.nn.module import Module
from tinygrad_edu.primitives.elementwise import relu, sigmoid

State = tuple[Any, ...]
"""What a layer keeps from step to step: (h,), or (h, c)."""


class _Recurrent(Module):
    """Layers of cells, one upon the other. A subclass says what a step is.

    gates: how many times `hidden_size` rows the weights have. states: how many arrays the state has.
    """

    gates: int
    states = 1

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        *,
        rng: Seed = None,
        dtype: DTypeLike = np.float64,
    ) -> None:
        super().__init__()
        self.input_size = whole_number("input_size", input_size, at_least=1)
        self.hidden_size = whole_number("hidden_size", hidden_size, at_least=1)
        self.num_layers = whole_number("num_layers", num_layers, at_least=1)
        self.bias, self.batch_first = flag("bias", bias), flag("batch_first", batch_first)
        rng, bound, rows = generator(rng), 1 / math.sqrt(hidden_size), self.gates * hidden_size
        for layer in range(num_layers):
            shapes: dict[str, tuple[int, ...]] = {
                "weight_ih": (rows, hidden_size if layer else input_size),
                "weight_hh": (rows, hidden_size),
            }
            shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)} if bias else {}
            for name, shape in shapes.items():
                setattr(self, f"{name}_l{layer}", Value(uniform(shape, bound, rng=rng, dtype=dtype)))

    def step(self, x: Any, state: State, layer: int) -> State:
        """The state of a layer after one more element."""
        raise NotImplementedError

    def forward(self, x: Any, state: Any = None) -> Any:
        """The outputs of the last layer for all elements, and the last state of all layers."""
        if np.ndim(x) not in (2, 3) or np.shape(x)[-1] != self.input_size:
            shape = f"({'samples, length' if self.batch_first else 'length, samples'}, {self.input_size})"
            raise ShapeError(f"{self!r} takes an input of shape {shape}, but got one of shape {np.shape(x)}.")
        is_batch_first = self.batch_first and np.ndim(x) == 3
        steps = np.moveaxis(x, 1, 0) if is_batch_first else x
        if not len(steps):
            raise ShapeError(f"{self!r} was given a sequence without elements, of shape {np.shape(x)}.")
        sequence: Sequence[Any] = [steps[t] for t in range(len(steps))]
        last: list[State] = []
        for layer, first in enumerate(self._first(state, np.shape(sequence[0])[:-1])):
            outputs, present = [], first
            for each in sequence:
                present = self.step(each, present, layer)
                outputs.append(present[0])
            sequence = outputs
            last.append(present)
        states = tuple(np.stack(parts) for parts in zip(*last, strict=True))
        return np.stack(sequence, axis=1 if is_batch_first else 0), states if self.states > 1 else states[0]

    def _first(self, state: Any, samples: tuple[int, ...]) -> list[State]:
        """The state of each layer before the first element; zeros where none is given."""
        shape = (self.num_layers, *samples, self.hidden_size)
        parts = (
            (np.zeros(shape, self.weight_hh_l0.dtype),) * self.states if state is None else state if self.states > 1 else (state,)
        )
        if len(parts) != self.states or any(np.shape(part) != shape for part in parts):
            found = ", ".join(str(np.shape(part)) for part in parts)
            raise ShapeError(f"{self!r} has a state of shape {', '.join([str(shape)] * self.states)}, but got {found}.")
        return [tuple(part[layer] for part in parts) for layer in range(self.num_layers)]

    def _by(self, which: str, x: Any, layer: int) -> Any:
        """x Wᵀ + b, with the weights for the input ("ih") or for the state ("hh")."""
        y = x @ getattr(self, f"weight_{which}_l{layer}").T
        return y + getattr(self, f"bias_{which}_l{layer}") if self.bias else y

    def _gates(self, *rows: Any) -> Any:
        """The parts of rows, one for each gate."""
        size = self.hidden_size
        return [[row[..., k * size : (k + 1) * size] for k in range(self.gates)] for row in rows]

    def settings(self) -> str:
        layers = "" if self.num_layers == 1 else f", num_layers={self.num_layers}"
        return f"{self.input_size}, {self.hidden_size}{layers}{', batch_first=True' if self.batch_first else ''}"


class RNN(_Recurrent):
    """h ← tanh(W_ih x + b_ih + W_hh h + b_hh) for each element x of a sequence (Elman, 1990).

    It begins, as PyTorch's, with numbers evenly from -1/√hidden_size to 1/√hidden_size.

    Parameters
    ----------
    input_size, hidden_size: how many numbers an element x and the state h have.
    num_layers: how many layers there are; each but the first reads the states of the one before.
    bias: whether there are b_ih and b_hh.
    batch_first: whether the samples of a batch are on the first axis, and not the elements.
    nonlinearity: "tanh" or "relu".
    rng: a seed for the first weights, or a generator of NumPy's.
    dtype: that of the parameters. For each layer k: weight_ih_lk of shape (hidden_size, input_size), weight_hh_lk of shape
        (hidden_size, hidden_size), bias_ih_lk and bias_hh_lk of shape (hidden_size,).

    Shapes: x of (length, samples, input_size), or (length, input_size), and a first state of (num_layers, samples, hidden_size), by
    default zeros. It returns the states of the last layer, (length, samples, hidden_size), and the last state, shaped as the first.

    Raises
    ------
    DataError: if a number is out of range.
    ShapeError: by a call, if x or the state has another shape, or the sequence has no element.

    >>> outputs, last = RNN(3, 4, rng=0)(np.ones((5, 2, 3)))
    >>> outputs.shape, last.shape
    ((5, 2, 4), (1, 2, 4))
    """

    gates = 1

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        nonlinearity: Literal["tanh", "relu"] = "tanh",
        *,
        rng: Seed = None,
        dtype: DTypeLike = np.float64,
    ) -> None:
        super().__init__(input_size, hidden_size, num_layers, bias, batch_first, rng=rng, dtype=dtype)
        if nonlinearity not in ("tanh", "relu"):
            raise DataError(f"nonlinearity must be 'tanh' or 'relu', but is {nonlinearity!r}.")
        self.nonlinearity: Callable[[Any], Any] = np.tanh if nonlinearity == "tanh" else relu

    def step(self, x: Any, state: State, layer: int) -> State:
        return (self.nonlinearity(self._by("ih", x, layer) + self._by("hh", state[0], layer)),)


class LSTM(_Recurrent):
    """c ← f ⊙ c + i ⊙ g and h ← o ⊙ tanh(c) for each element x of a sequence (Hochreiter & Schmidhuber, 1997; Gers et al., 2000).

    The gates i, f, g, o are the parts of W_ih x + b_ih + W_hh h + b_hh: i, f and o by the sigmoid, g by tanh.

    Parameters, first numbers and errors are those of `RNN`. The weights have 4 · hidden_size rows, for i, f, g and o in this order.

    Shapes: as `RNN`, but the state is a pair (h, c).

    >>> outputs, (h, c) = LSTM(3, 4, rng=0)(np.ones((5, 2, 3)))
    >>> outputs.shape, h.shape, c.shape
    ((5, 2, 4), (1, 2, 4), (1, 2, 4))
    """

    gates, states = 4, 2

    def step(self, x: Any, state: State, layer: int) -> State:
        h, c = state
        ((i, f, g, o),) = self._gates(self._by("ih", x, layer) + self._by("hh", h, layer))
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        return sigmoid(o) * np.tanh(c), c


class GRU(_Recurrent):
    """h ← (1 - z) ⊙ n + z ⊙ h with n = tanh(W_in x + b_in + r ⊙ (W_hn h + b_hn)) (Cho et al., 2014).

    The gates r and z are sigmoids of such sums without a gate. As in PyTorch, r multiplies the product with h, and not h.

    Parameters, first numbers and errors are those of `RNN`. The weights have 3 · hidden_size rows, for r, z and n in this order.

    Shapes: as `RNN`.

    >>> outputs, last = GRU(3, 4, rng=0)(np.ones((5, 2, 3)))
    >>> outputs.shape, last.shape
    ((5, 2, 4), (1, 2, 4))
    """

    gates = 3

    def step(self, x: Any, state: State, layer: int) -> State:
        (h,) = state
        (r_x, z_x, n_x), (r_h, z_h, n_h) = self._gates(self._by("ih", x, layer), self._by("hh", h, layer))
        z = sigmoid(z_x + z_h)
        n = np.tanh(n_x + sigmoid(r_x + r_h) * n_h)
        return ((1 - z) * n + z * h,)
