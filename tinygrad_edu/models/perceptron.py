"""Rosenblatt's perceptron: the first artificial neuron that learned."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_edu.engine.arguments import number
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import ConvergenceWarning
from tinygrad_edu.models.history import PerceptronStep, Step
from tinygrad_edu.models.inputs import Samples
from tinygrad_edu.models.linear_model import BinaryClassifier, Trained
from tinygrad_edu.models.shared_errors import shared
from tinygrad_edu.nn import perceptron_criterion
from tinygrad_edu.primitives.elementwise import step


@dataclass(kw_only=True, eq=False, repr=False)
class Perceptron(BinaryClassifier):
    """y = 1 where x·w + b > 0, else 0, fitted to two labels, t = 0 and t = 1, by gradient descent on the perceptron criterion.

    The gradients of a batch are summed. Training ends with the first epoch without a mistake, and such an epoch comes if the labels
    can be separated by a plane (Novikoff, 1962). `history_.steps` are `PerceptronStep`s.

    Parameters
    ----------
    learning_rate, max_epochs, batch_size, fit_intercept, shuffle, seed, init: see `LinearModel`.
    tol: the share of mistakes in an epoch with which training is content; 0 is none at all.

    `fit` takes samples of shape (samples, features) and labels of shape (samples,), and says what it raises.

    Warns
    -----
    ConvergenceWarning: if the last epoch still had more mistakes; `converged_` is False then.

    >>> model = Perceptron(learning_rate=0.1, init=((1.0, 1.0), 0.0)).fit([[1.5, -3.0]], [1])
    >>> model.coef_.round(6), round(model.intercept_, 6)
    (array([1.3, 0.4]), 0.2)
    >>> [step.mistakes for step in model.history_.steps]
    [1, 1, 0]
    """

    learning_rate: float | None = 1.0
    max_epochs: int = 1000
    tol: float = 0.0

    def _check_settings(self) -> None:
        super()._check_settings()
        number("tol", self.tol, at_least=0, below=1)

    def _losses(self, logits: Any, t: Any) -> Any:
        return perceptron_criterion(logits, t, reduction="none")

    def _loss(self, losses: Any, w: Any) -> Any:
        return np.sum(losses)

    def _learning_rate(self, samples: Samples) -> float:
        return 1.0 if self.learning_rate is None else self.learning_rate  # from zero, any rate makes the same mistakes

    def _epoch_loss(self, steps: list[Step]) -> float:
        return sum(step.loss for step in steps)

    def _is_done(self, steps: list[Step], sample_count: int) -> bool:
        return _mistakes(steps) <= self.tol * sample_count

    def _make_step(self, logits: Value, t: Value, **facts: Any) -> Step:
        outputs = step(logits.numpy())
        return PerceptronStep(**facts, logits=logits.numpy(), outputs=outputs, errors=t.numpy() - outputs)

    def _check_outcome(self, trained: Trained, samples: Samples) -> None:
        if not trained.converged:
            warnings.warn(
                shared(
                    ConvergenceWarning,
                    f"the perceptron has not converged: the last of {self.max_epochs} epochs still had mistakes. If a plane "
                    "separates the labels, more epochs will find it; if none does, no number of epochs will: be content with some "
                    "mistakes (tol=0.1, say), or use LogisticRegression.",
                ),
                stacklevel=4,  # the line that called fit
            )


def _mistakes(steps: list[Step]) -> int:
    return sum(step.mistakes for step in steps if isinstance(step, PerceptronStep))
