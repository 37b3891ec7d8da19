"""Regressions that give probabilities: of two classes by the logistic function, of many by softmax."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from tinygrad_edu.engine.arguments import number
from tinygrad_edu.models.classifier import SoftmaxClassifier
from tinygrad_edu.models.estimator import Form
from tinygrad_edu.models.history import Array
from tinygrad_edu.models.linear_model import BinaryClassifier, LinearClassifier
from tinygrad_edu.models.regression import Regression
from tinygrad_edu.nn import binary_cross_entropy_with_logits
from tinygrad_edu.primitives.elementwise import sigmoid


@dataclass(kw_only=True, eq=False, repr=False)
class ProbabilityModel(Regression, LinearClassifier):
    """A linear model of probabilities: the mean cross entropy of its labels, with a penalty on large weights.

    l2: the weight of the penalty ½ l2 ‖w‖², which leaves out the bias.
    """

    l2: float = 0.0
    _steepest: ClassVar[float]  # the largest eigenvalue that the derivative of the probabilities by the logits can have

    def _check_settings(self) -> None:
        super()._check_settings()
        number("l2", self.l2, at_least=0)

    def _loss(self, losses: Any, w: Any) -> Any:
        loss = np.mean(losses)
        return loss + 0.5 * self.l2 * np.sum(w**2) if self.l2 else loss

    def _curvature(self, spread: float) -> float:
        return spread * self._steepest + self.l2

    def _distant_curvature(self, spread: float) -> float:
        return self.l2  # where the probabilities are flat, the penalty alone is curved


@dataclass(kw_only=True, eq=False, repr=False)
class LogisticRegression(ProbabilityModel, BinaryClassifier):
    """P(t = 1) = sigmoid(x·w + b), fitted to two labels by gradient descent on the mean binary cross entropy + ½ l2 ‖w‖².

    Parameters
    ----------
    learning_rate, max_epochs, batch_size, fit_intercept, shuffle, seed, init: see `LinearModel`.
    momentum: of the gradient descent, as in `optim.SGD`; tol: training ends when no component of the gradient is larger.
    l2: the weight of the penalty, which leaves out the bias. scikit-learn's LogisticRegression(C=C) has l2 = 1 / (C · samples).

    `fit` takes samples of shape (samples, features) and labels of shape (samples,), and says what it raises.

    >>> model = LogisticRegression(learning_rate=1.0, l2=0.1).fit([[-2.0], [-1.0], [1.0], [2.0]], ["no", "no", "yes", "yes"])
    >>> model.predict([[-3.0], [3.0]]).tolist()
    ['no', 'yes']
    >>> model.predict_proba([[0.0]]).round(3)
    array([[0.5, 0.5]])
    """

    _steepest: ClassVar[float] = 1 / 4

    def predict_proba(self, X: Any) -> Array:
        """The probabilities of the two classes for each sample, of shape (samples, 2)."""
        logits = self._logits(X)
        return np.stack([sigmoid(-logits), sigmoid(logits)], axis=1)

    def _losses(self, logits: Any, t: Any) -> Any:
        return binary_cross_entropy_with_logits(logits, t, reduction="none")


@dataclass(kw_only=True, eq=False, repr=False)
class SoftmaxRegression(SoftmaxClassifier, ProbabilityModel):
    """P(class k) = softmax(x·W + b)ₖ, fitted to two or more labels by gradient descent on the mean cross entropy + ½ l2 ‖W‖².

    The target t of a sample has a 1 at its class and 0 at the others, and the gradient is Xᵀ(p - t) / samples + l2 W.

    Parameters
    ----------
    learning_rate, max_epochs, batch_size, fit_intercept, shuffle, seed: see `LinearModel`.
    init: the starting weights, of shape (features, classes), and bias, of shape (classes,) or one number; None for zeros.
    momentum: of the gradient descent, as in `optim.SGD`; tol: training ends when no component of the gradient is larger.
    l2: the weight of the penalty, which leaves out the bias. scikit-learn's LogisticRegression(C=C) has l2 = 1 / (C · samples).

    `fit` takes samples of shape (samples, features) and labels of shape (samples,), and says what it raises. `coef_` is of shape
    (features, classes), one column a class, and `intercept_` of shape (classes,).

    >>> X, y = [[-2.0], [-1.9], [0.0], [0.1], [2.0], [2.1]], ["low", "low", "mid", "mid", "up", "up"]
    >>> model = SoftmaxRegression(l2=0.01).fit(X, y)
    >>> model.predict([[-3.0], [0.0], [3.0]]).tolist()
    ['low', 'mid', 'up']
    """

    _steepest: ClassVar[float] = 1 / 2  # Böhning (1992): of diag(p) - p pᵀ

    def _outputs(self, form: Form) -> tuple[int, ...]:
        assert form.classes is not None
        return (len(form.classes),)
