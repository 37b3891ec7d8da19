"""Multi-layer perceptrons: linear layers with a nonlinear function between any two of them (Rumelhart, Hinton & Williams, 1986)."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from tinygrad_edu.engine.arguments import number, whole_number
from tinygrad_edu.engine.messages import shortened
from tinygrad_edu.errors import DataError
from tinygrad_edu.models.inputs import Samples
from tinygrad_edu.models.neural_net import NeuralNet, NeuralNetClassifier, NeuralNetRegressor
from tinygrad_edu.nn import Linear, Module, ReLU, Sequential, Sigmoid, Tanh, init
from tinygrad_edu.optim import Adam, Optimizer

_ACTIVATIONS: dict[str, type[Module]] = {"relu": ReLU, "tanh": Tanh, "logistic": Sigmoid}
"""By scikit-learn's names."""


@dataclass(eq=False, repr=False)
class MLP(NeuralNet):
    """What `MLPClassifier` and `MLPRegressor` share.

    The weights begin with Glorot's numbers (`nn.init.xavier_uniform`), the biases with zeros; both come of the seed.
    """

    module: Any = field(default=None, init=False)
    loss: Any = field(default=None, init=False)
    hidden_layer_sizes: Any = (100,)
    _: KW_ONLY
    activation: str = "relu"
    learning_rate: float = 1e-3

    def _check_settings(self) -> None:
        super()._check_settings()
        number("learning_rate", self.learning_rate, above=0)
        if not isinstance(self.activation, str) or self.activation not in _ACTIVATIONS:
            raise DataError(f"activation must be one of {', '.join(_ACTIVATIONS)}, but is {shortened(self.activation)}.")
        for size in self._sizes():
            whole_number("hidden_layer_sizes", size, at_least=1)

    def _sizes(self) -> list[Any]:
        sizes = self.hidden_layer_sizes
        return [*sizes] if isinstance(sizes, tuple | list | np.ndarray) else [sizes]

    def _new_module(self, samples: Samples, outputs: int) -> Module:
        rng = np.random.default_rng(self.seed)
        layers: list[Module] = []
        sizes = [samples.X.shape[1], *self._sizes(), outputs]
        for inner, outer in pairwise(sizes):
            layer = Linear(inner, outer, rng=rng, dtype=samples.X.dtype)
            layer.load_state_dict({"weight": init.xavier_uniform((outer, inner), rng=rng), "bias": np.zeros(outer)})
            layers += [layer, _ACTIVATIONS[self.activation]()]
        return Sequential(*layers[:-1])

    def _optimizer(self) -> Optimizer:
        return Adam(lr=self.learning_rate) if self.optimizer is None else self.optimizer


@dataclass(eq=False, repr=False)
class MLPClassifier(MLP, NeuralNetClassifier):
    """A multi-layer perceptron for labels: its last layer gives a logit for each class, softmax makes probabilities of them.

    Parameters
    ----------
    hidden_layer_sizes: the widths of the hidden layers, a tuple; one number for a single layer.
    activation: "relu", "tanh" or "logistic", after every layer but the last.
    learning_rate: of Adam; where `optimizer` is given, it has its own.
    optimizer, l2, max_epochs, batch_size, shuffle, seed, tol, patience: see `NeuralNet`.

    `fit` takes samples of shape (samples, features) and labels of shape (samples,), and says what it raises.

    >>> model = MLPClassifier((8,), learning_rate=0.1, tol=0).fit([[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0])
    >>> model.predict([[0, 0], [0, 1], [1, 0], [1, 1]])
    array([0, 1, 1, 0])
    >>> model.module_
    Sequential()  # 42 parameters
      (0) Linear(2, 8)  # weight (8, 2), bias (8,): 24 parameters
      (1) ReLU()
      (2) Linear(8, 2)  # weight (2, 8), bias (2,): 18 parameters
    """


@dataclass(eq=False, repr=False)
class MLPRegressor(MLP, NeuralNetRegressor):
    """A multi-layer perceptron for numbers: its last layer gives one.

    Parameters: as for `MLPClassifier`.

    `fit` takes samples of shape (samples, features) and targets of shape (samples,), and says what it raises.

    >>> X = np.linspace(-1, 1, 20)[:, None]
    >>> model = MLPRegressor((16,), activation="tanh", learning_rate=0.02, max_epochs=1000, tol=0).fit(X, X[:, 0] ** 2)
    >>> model.score(X, X[:, 0] ** 2) > 0.99
    True
    """
