"""Linear and logistic regression: models with a mean loss that gradient descent brings to its minimum.

Beside training, this module knows how large a learning rate the curvature of the loss allows. With that it tells a run that
diverges from one that is merely noisy.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_edu.engine.arguments import number
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import DivergenceError
from tinygrad_edu.models.history import Array, History, Step
from tinygrad_edu.models.inputs import checked_samples
from tinygrad_edu.models.linear_model import LinearClassifier, LinearModel, Trained
from tinygrad_edu.nn import binary_cross_entropy_with_logits, half_squared_error
from tinygrad_edu.optim import SGD
from tinygrad_edu.primitives.elementwise import sigmoid

# A loss that has grown by this much, at a learning rate that allows for growth, will not come back. With small batches it takes
# more to be sure: there a few outliers can lift the loss by a factor of 1e14 before the other samples bring it down again.
_RUNAWAY = 1e6
_NOISY_RUNAWAY = 1e30


@dataclass(kw_only=True, eq=False)
class Regression(LinearModel):
    """A linear model with a mean loss. It is done where the gradient vanishes.

    Parameters
    ----------
    momentum: of the gradient descent (see `optim.SGD`); 0.9, say, shortens the way where the columns of X are correlated.
    tol: training ends when no component of the gradient, averaged over an epoch, is larger than this. The error that then remains
        in the weights is up to tol divided by the smallest eigenvalue of the loss's curvature. 0 uses all epochs.
    """

    learning_rate: float = 0.1
    max_epochs: int = 1000
    momentum: float = 0.0
    tol: float = 1e-6

    def largest_stable_learning_rate(self, X: Any) -> float:
        """Below this learning rate no step can move away from the minimum, on these samples.

        On the whole batch it is 2 / λ (1 + momentum) with λ the largest eigenvalue of the loss's curvature (Polyak, 1964): a step
        multiplies the error along an eigenvector by 1 - ηλ, which shrinks it exactly when 0 < η < 2/λ. For smaller batches it is a
        learning rate that is stable on any batch, 2 / λ (1 - momentum), with λ the largest curvature that a single sample can have.

        >>> LinearRegression(fit_intercept=False).largest_stable_learning_rate([[2.0]])
        0.5
        """
        samples = checked_samples(X)
        return self._stable_below(self._curvature(self._largest_spread(samples)), samples)

    @abstractmethod
    def _curvature(self, spread: float) -> float:
        """The largest curvature of the loss anywhere, given the largest eigenvalue of the mean of x xᵀ."""

    @abstractmethod
    def _distant_curvature(self, spread: float) -> float:
        """The largest curvature that is left far from the minimum."""

    def _largest_spread(self, X: Array) -> float:
        """The largest eigenvalue of the mean of x xᵀ over the batch, or of any batch; the bias counts as a feature that is 1."""
        features = X.astype(np.float64)
        if self.fit_intercept:
            features = np.column_stack([features, np.ones(len(X))])
        with np.errstate(over="ignore"):
            if self._takes_whole_batch(X):
                return float(np.linalg.norm(features, 2) ** 2 / len(X))
            return float(np.max(np.sum(features**2, axis=1)))

    def _stable_below(self, curvature: float, X: Array) -> float:
        allowance = 1 + self.momentum if self._takes_whole_batch(X) else 1 - self.momentum
        return 2 * allowance / curvature if curvature else math.inf

    # --- training ------------------------------------------------------------------------------------------------------------

    def _check_settings(self) -> None:
        super()._check_settings()
        number("momentum", self.momentum, at_least=0, below=1)
        number("tol", self.tol, at_least=0)

    def _optimizer(self, params: list[Value]) -> SGD:
        return SGD(params, lr=self.learning_rate, momentum=self.momentum)

    def _epoch_loss(self, steps: list[Step]) -> float:
        return sum(step.loss * step.samples.size for step in steps) / sum(step.samples.size for step in steps)

    def _is_done(self, steps: list[Step], sample_count: int) -> bool:
        if len(steps) == 1:
            return steps[0].largest_gradient <= self.tol
        weights_gradient = np.mean([step.weights_gradient for step in steps], axis=0)
        bias_gradient = np.mean([step.bias_gradient for step in steps])
        return bool(max(np.abs(weights_gradient).max(), abs(bias_gradient)) <= self.tol)

    def _check_health(self, history: History, X: Array, t: Array) -> None:
        loss = history.epoch_losses[-1]
        if not math.isfinite(loss):
            if self.learning_rate <= self.largest_stable_learning_rate(X):
                super()._check_health(history, X, t)
            raise self._divergence(loss, history, X)
        if len(history.epoch_losses) > 1 and loss <= history.epoch_losses[0]:
            return
        runaway = _RUNAWAY if self._takes_whole_batch(X) else _NOISY_RUNAWAY
        if loss > runaway * self._starting_loss(history, X, t):
            distant = self._distant_curvature(self._largest_spread(X))
            if self.learning_rate > self._stable_below(distant, X):
                raise self._divergence(loss, history, X)

    def _check_outcome(self, trained: Trained, X: Array, t: Array) -> None:
        """If the loss ended above its start at too high a learning rate, the rate is why; with small batches it may be noise."""
        if trained.converged or self.learning_rate <= self.largest_stable_learning_rate(X):
            return
        loss = self._whole_loss(X, t, trained.weights, trained.bias)
        tolerated = 1 if self._takes_whole_batch(X) else _RUNAWAY
        if not loss <= tolerated * self._starting_loss(trained.history, X, t):
            raise self._divergence(loss, trained.history, X)

    def _whole_loss(self, X: Array, t: Array, weights: Array, bias: float) -> float:
        return float(self._loss(X @ weights + bias, t, weights))

    def _starting_loss(self, history: History, X: Array, t: Array) -> float:
        """The loss of all samples at the starting weights, plus a rounding error, so that a perfect start has one, too."""
        start = history.steps[0]
        rounding = np.finfo(X.dtype).eps * self._whole_loss(X, t, np.zeros_like(start.weights), 0.0)
        return float(self._whole_loss(X, t, start.weights, start.bias) + rounding)

    def _divergence(self, loss: float, history: History, X: Array) -> DivergenceError:
        limit = self.largest_stable_learning_rate(X)
        epochs = len(history.epoch_losses)
        where = "On these data gradient descent" if self._takes_whole_batch(X) else "On these data a step on any batch"
        return DivergenceError(
            f"training diverged: the loss went from {history.steps[0].loss:.6g} to {loss:.6g} within {epochs} "
            f"epoch{'s'[: epochs > 1]}, since steps with learning_rate={self.learning_rate:g} overshoot the minimum. {where} "
            f"is stable below {limit:.6g}. Use a smaller learning rate; standardizing the columns of X allows for a larger one.",
            largest_stable_learning_rate=limit,
            history=history,
        )


@dataclass(kw_only=True, eq=False)
class LinearRegression(Regression):
    """y = x·w + b, fitted to targets t by gradient descent on the mean of ½ (t - y)².

    Parameters
    ----------
    learning_rate, max_epochs, batch_size, fit_intercept, shuffle, seed, init: see `LinearModel`.
    momentum: of the gradient descent, as in `optim.SGD`; tol: training ends when no component of the gradient is larger.

    `fit` takes samples of shape (samples, features) and targets of shape (samples,), and says what it raises.

    One weight, no bias, at a learning rate of 1/x², which reaches the minimum t/x in one step:

    >>> model = LinearRegression(learning_rate=0.25, fit_intercept=False, init=(3.0, 0.0)).fit([[2.0]], [8.0])
    >>> model.coef_, model.converged_
    (array([4.]), True)
    >>> [(float(step.weights[0]), step.loss, float(step.weights_gradient[0])) for step in model.history_.steps]
    [(3.0, 2.0, -4.0), (4.0, 0.0, 0.0)]
    """

    def predict(self, X: Any) -> Array:
        """y = x·w + b for each sample, of shape (samples,)."""
        return self._logits(X)

    def score(self, X: Any, t: Any) -> float:
        """The coefficient of determination R² = 1 - Σ(t - y)² / Σ(t - mean t)²; 1 is perfect, 0 is no better than the mean."""
        targets = self._checked_targets(t, checked_samples(X)).astype(np.float64)
        residual, total = np.sum((targets - self.predict(X)) ** 2), np.sum((targets - targets.mean()) ** 2)
        if total == 0:  # constant targets leave nothing to explain
            return float(residual == 0)
        return float(1 - residual / total)

    def _loss(self, logits: Any, t: Any, w: Any) -> Any:
        return half_squared_error(logits, t)

    def _curvature(self, spread: float) -> float:
        return spread

    def _distant_curvature(self, spread: float) -> float:
        return spread  # a parabola has the same curvature everywhere


@dataclass(kw_only=True, eq=False)
class LogisticRegression(Regression, LinearClassifier):
    """P(t = 1) = sigmoid(x·w + b), fitted to labels 0 and 1 by gradient descent on the mean binary cross entropy + ½ l2 ‖w‖².

    Parameters
    ----------
    learning_rate, max_epochs, batch_size, fit_intercept, shuffle, seed, init: see `LinearModel`.
    momentum: of the gradient descent, as in `optim.SGD`; tol: training ends when no component of the gradient is larger.
    l2: the weight of the penalty, which leaves out the bias. scikit-learn's LogisticRegression(C=C) has l2 = 1 / (C · samples).

    `fit` takes samples of shape (samples, features) and labels of shape (samples,), and says what it raises.

    >>> model = LogisticRegression(learning_rate=1.0, l2=0.1).fit([[-2.0], [-1.0], [1.0], [2.0]], [0, 0, 1, 1])
    >>> model.predict([[-3.0], [3.0]])
    array([0, 1])
    >>> model.predict_proba([[0.0]]).round(3)
    array([[0.5, 0.5]])
    """

    l2: float = 0.0

    def predict_proba(self, X: Any) -> Array:
        """The probabilities of the labels 0 and 1 for each sample, of shape (samples, 2)."""
        logits = self._logits(X)
        return np.stack([sigmoid(-logits), sigmoid(logits)], axis=1)

    def _check_settings(self) -> None:
        super()._check_settings()
        number("l2", self.l2, at_least=0)

    def _loss(self, logits: Any, t: Any, w: Any) -> Any:
        loss = binary_cross_entropy_with_logits(logits, t)
        return loss + 0.5 * self.l2 * np.sum(w**2) if self.l2 else loss

    def _curvature(self, spread: float) -> float:
        return spread / 4 + self.l2  # the sigmoid's slope is 1/4 at most

    def _distant_curvature(self, spread: float) -> float:
        return self.l2  # where the sigmoid is flat, the penalty alone is curved
