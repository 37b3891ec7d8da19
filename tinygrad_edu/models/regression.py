"""Regressions: models with a mean loss that gradient descent brings to its minimum; and the linear one.

Beside training, this module knows how large a learning rate the curvature of the loss allows. With that it tells a run that
diverges from one that is merely noisy.
"""

from __future__ import annotations

import math
import warnings
from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_edu.engine.arguments import number
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import ConvergenceWarning, DivergenceError
from tinygrad_edu.models.history import Array, History, Step
from tinygrad_edu.models.inputs import Samples, checked_samples
from tinygrad_edu.models.linear_model import LinearModel, Trained
from tinygrad_edu.models.regressor import Regressor
from tinygrad_edu.models.shared_errors import shared
from tinygrad_edu.nn import half_squared_error
from tinygrad_edu.optim import SGD

# A loss that has grown by this much, at a learning rate that allows for growth, will not come back. With small batches it takes
# more to be sure: there a few outliers can lift the loss by a factor of 1e14 before the other samples bring it down again.
_RUNAWAY = 1e6
_NOISY_RUNAWAY = 1e30


@dataclass(kw_only=True, eq=False, repr=False)
class Regression(LinearModel):
    """A linear model with a mean loss. It is done where the gradient vanishes.

    Parameters
    ----------
    learning_rate: of the gradient descent; None for half of the largest stable one on the samples, see below.
    momentum: of the gradient descent (see `optim.SGD`); 0.9, say, shortens the way where the columns of X are correlated.
    tol: training ends when no component of the gradient, averaged over an epoch, is larger than this. The error that then remains
        in the weights is up to tol divided by the smallest eigenvalue of the loss's curvature. 0 uses all epochs.

    Warns
    -----
    ConvergenceWarning: if the epochs ended before the gradient was that small; `converged_` is False then.
    """

    learning_rate: float | None = None
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
        return self._largest_stable(Samples(samples, samples[:, 0], None))

    @abstractmethod
    def _curvature(self, spread: float) -> float:
        """The largest curvature of the loss anywhere, given the largest eigenvalue of the mean of x xᵀ."""

    @abstractmethod
    def _distant_curvature(self, spread: float) -> float:
        """The largest curvature that is left far from the minimum."""

    def _largest_stable(self, samples: Samples) -> float:
        return self._stable_below(self._curvature(self._largest_spread(samples)), samples)

    def _largest_spread(self, samples: Samples) -> float:
        """The largest eigenvalue of the mean of x xᵀ over the batch, or of any batch; the bias counts as a feature that is 1."""
        features = samples.X.astype(np.float64)
        if self.fit_intercept:
            features = np.column_stack([features, np.ones(len(samples))])
        if samples.weights is not None:
            features = features * np.sqrt(samples.weights)[:, None]
        with np.errstate(over="ignore"):
            if self._takes_whole_batch(samples):
                return float(np.linalg.norm(features, 2) ** 2 / len(samples))
            return float(np.max(np.sum(features**2, axis=1)))

    def _stable_below(self, curvature: float, samples: Samples) -> float:
        allowance = 1 + self.momentum if self._takes_whole_batch(samples) else 1 - self.momentum
        return 2 * allowance / curvature if curvature else math.inf

    # --- training ------------------------------------------------------------------------------------------------------------

    def _prepared(self, samples: Samples) -> Samples:
        return samples.of_mean_weight_one()

    def _check_settings(self) -> None:
        super()._check_settings()
        number("momentum", self.momentum, at_least=0, below=1)
        number("tol", self.tol, at_least=0)

    def _learning_rate(self, samples: Samples) -> float:
        if self.learning_rate is not None:
            return self.learning_rate
        rate = self._largest_stable(samples) / 2
        return rate if 0 < rate < math.inf else 1.0  # where no step goes anywhere, or the numbers are too large

    def _optimizer(self, params: list[Value], learning_rate: float) -> SGD:
        return SGD(params, lr=learning_rate, momentum=self.momentum)

    def _loss(self, losses: Any, w: Any) -> Any:
        return np.mean(losses)

    def _epoch_loss(self, steps: list[Step]) -> float:
        return sum(step.loss * step.samples.size for step in steps) / sum(step.samples.size for step in steps)

    def _is_done(self, steps: list[Step], sample_count: int) -> bool:
        return _gradient_of(steps) <= self.tol

    def _check_health(self, history: History, samples: Samples) -> None:
        loss = history.epoch_losses[-1]
        if not math.isfinite(loss):
            if self._learning_rate(samples) <= self._largest_stable(samples):
                super()._check_health(history, samples)
            raise self._divergence(loss, history, samples)
        if len(history.epoch_losses) > 1 and loss <= history.epoch_losses[0]:
            return
        runaway = _RUNAWAY if self._takes_whole_batch(samples) else _NOISY_RUNAWAY
        if loss > runaway * self._starting_loss(history, samples):
            distant = self._distant_curvature(self._largest_spread(samples))
            if self._learning_rate(samples) > self._stable_below(distant, samples):
                raise self._divergence(loss, history, samples)

    def _check_outcome(self, trained: Trained, samples: Samples) -> None:
        """If the loss ended above its start at too high a learning rate, the rate is why; with small batches it may be noise."""
        if trained.converged:
            return
        if self._learning_rate(samples) > self._largest_stable(samples):
            loss = self._whole_loss(samples, trained.w.numpy(), trained.b.numpy())
            tolerated = 1 if self._takes_whole_batch(samples) else _RUNAWAY
            if not loss <= tolerated * self._starting_loss(trained.history, samples):
                raise self._divergence(loss, trained.history, samples)
        if self.tol:
            warnings.warn(
                shared(
                    ConvergenceWarning,
                    f"{type(self).__name__} has not converged: the last of max_epochs={self.max_epochs} epochs still had a "
                    f"gradient above tol={self.tol:g}. Standardize the columns of X, set momentum=0.9, or allow for more epochs.",
                ),
                stacklevel=4,  # the line that called fit
            )

    def _starting_loss(self, history: History, samples: Samples) -> float:
        """The loss of all samples at the starting weights, plus a rounding error, so that a perfect start has one, too."""
        start = history.steps[0]
        rounding = np.finfo(samples.X.dtype).eps * self._whole_loss(samples, np.zeros_like(start.weights), 0.0)
        return float(self._whole_loss(samples, start.weights, start.bias) + rounding)

    def _divergence(self, loss: float, history: History, samples: Samples) -> DivergenceError:
        limit = self._largest_stable(samples)
        epochs = len(history.epoch_losses)
        where = "On these data gradient descent" if self._takes_whole_batch(samples) else "On these data a step on any batch"
        return DivergenceError(
            f"training diverged: the loss went from {history.steps[0].loss:.6g} to {loss:.6g} within {epochs} "
            f"epoch{'s'[: epochs > 1]}, since steps with learning_rate={self._learning_rate(samples):g} overshoot the minimum. "
            f"{where} is stable below {limit:.6g}. Use a smaller learning rate; standardizing the columns of X allows for a larger "
            "one.",
            largest_stable_learning_rate=limit,
            history=history,
        )


def _gradient_of(steps: list[Step]) -> float:
    """The largest component of the gradient, in absolute value, averaged over an epoch's steps."""
    if len(steps) == 1:
        return steps[0].largest_gradient
    weights_gradient = np.mean([step.weights_gradient for step in steps], axis=0)
    bias_gradient = np.mean([step.bias_gradient for step in steps], axis=0)
    return float(max(np.abs(weights_gradient).max(), np.abs(bias_gradient).max()))


@dataclass(kw_only=True, eq=False, repr=False)
class LinearRegression(Regression, Regressor):
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

    def _losses(self, logits: Any, t: Any) -> Any:
        return half_squared_error(logits, t, reduction="none")

    def _curvature(self, spread: float) -> float:
        return spread

    def _distant_curvature(self, spread: float) -> float:
        return spread  # a parabola has the same curvature everywhere
