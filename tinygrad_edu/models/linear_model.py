"""The common part of the models: one linear function x·w + b of the features, trained by gradient descent.

A model states its loss; the gradient comes from autodiff (`loss.backward()`) and the step from `optim.SGD`. There is no formula
of a gradient here.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from tinygrad_edu.engine.arguments import flag, number, whole_number
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import DivergenceError, NotFittedError, ShapeError
from tinygrad_edu.models.history import Array, History, Step
from tinygrad_edu.models.inputs import checked_labels, checked_samples, checked_start, checked_targets
from tinygrad_edu.optim import SGD

EpochCallback = Callable[[int, float], object]
"""Called after every epoch with the number of epochs done and the loss of the last one: to show progress, say."""


@dataclass(frozen=True, eq=False)
class Trained:
    """The outcome of a run of training."""

    weights: Array
    bias: float
    history: History
    converged: bool


@dataclass(frozen=True, eq=False)
class Batch:
    """Samples that make one step: which rows they are, and their data as constants, ready to be computed with."""

    rows: Array
    X: Value
    t: Value


def make_batch(X: Array, t: Array, rows: Array) -> Batch:
    """The given rows as a batch."""
    return Batch(rows, Value(X[rows], requires_grad=False, name="X"), Value(t[rows], requires_grad=False, name="t"))


@dataclass(kw_only=True, eq=False)
class LinearModel(ABC):
    """A linear function of the features, fitted by gradient descent. The subclasses say what it is fitted for.

    Parameters
    ----------
    learning_rate: how far a step goes against the gradient.
    max_epochs: training ends after so many passes over the data at the latest.
    batch_size: samples per step. None: all of them, plain gradient descent; 1: stochastic gradient descent.
    fit_intercept: whether there is a bias b.
    shuffle: whether the samples are put into a new order in every epoch. (Where the batch is everything, nothing is shuffled.)
    seed: of the random order, so that a run can be repeated; None for a different order each time.
    init: the starting weights, of shape (features,), and bias; None for zeros.

    After `fit`: `coef_` of shape (features,), `intercept_`, `history_` and `converged_`. A fit that fails leaves them as they were.

    Raises
    ------
    DataError: if a setting is not what it should be.
    NotFittedError: if something is asked for that only `fit` gives.

    >>> from tinygrad_edu.models import LinearRegression
    >>> isinstance(LinearRegression(), LinearModel)
    True
    """

    learning_rate: float
    max_epochs: int
    batch_size: int | None = None
    fit_intercept: bool = True
    shuffle: bool = True
    seed: int | None = 0
    init: tuple[Any, Any] | None = None

    def __post_init__(self) -> None:
        self._trained: Trained | None = None
        self._check_settings()

    def fit(self, X: Any, t: Any, *, callback: EpochCallback | None = None) -> Self:
        """Train on samples and their targets, from the start.

        Parameters
        ----------
        X: the samples, of shape (samples, features); float32 stays float32, integers become float64.
        t: the targets, of shape (samples,).
        callback: called after every epoch with the number of epochs done and the loss of the last one.

        Returns
        -------
        The model itself.

        Raises
        ------
        ShapeError, DataError: if X, t, or a setting is not what it should be.
        DivergenceError: if training runs away; `error.history` tells how.
        """
        self._check_settings()
        samples = checked_samples(X)
        targets = self._checked_targets(t, samples)
        weights, bias = checked_start(self.init, samples, self.fit_intercept)
        # Overflow is how divergence ends; it is reported as such, not as a warning about some multiplication.
        with np.errstate(over="ignore", invalid="ignore"):
            self._trained = self._train(samples, targets, weights, bias, callback)
        return self

    @property
    def coef_(self) -> Array:
        """The weights, of shape (features,)."""
        return self._fitted().weights

    @property
    def intercept_(self) -> float:
        """The bias; 0 where there is none."""
        return self._fitted().bias

    @property
    def history_(self) -> History:
        """Every step of the training."""
        return self._fitted().history

    @property
    def converged_(self) -> bool:
        """Whether training reached its goal, and did not just run out of epochs."""
        return self._fitted().converged

    @abstractmethod
    def predict(self, X: Any) -> Array:
        """The model's answer for each sample, of shape (samples,)."""

    @abstractmethod
    def score(self, X: Any, t: Any) -> float:
        """How good the answers are; 1 is perfect."""

    # --- what a model states -------------------------------------------------------------------------------------------------

    @abstractmethod
    def _loss(self, logits: Any, t: Any, w: Any) -> Any:
        """The loss of a batch, a single number, of Values or arrays; `w` for losses with a penalty."""

    @abstractmethod
    def _epoch_loss(self, steps: list[Step]) -> float:
        """The losses of an epoch's batches put together."""

    @abstractmethod
    def _is_done(self, steps: list[Step], sample_count: int) -> bool:
        """Whether the goal is reached, seen from the last epoch's steps."""

    def _checked_targets(self, t: Any, samples: Array) -> Array:
        return checked_targets(t, samples)

    def _make_step(self, logits: Value, t: Value, **facts: Any) -> Step:
        return Step(**facts)

    def _optimizer(self, params: list[Value]) -> SGD:
        return SGD(params, lr=self.learning_rate)

    def _check_settings(self) -> None:
        number("learning_rate", self.learning_rate, above=0)
        whole_number("max_epochs", self.max_epochs, at_least=1, at_most=10**9)  # more would never end
        flag("fit_intercept", self.fit_intercept)
        flag("shuffle", self.shuffle)
        if self.batch_size is not None:
            whole_number("batch_size", self.batch_size, at_least=1)
        if self.seed is not None:
            whole_number("seed", self.seed, at_least=0)

    # --- training ------------------------------------------------------------------------------------------------------------

    def _train(self, X: Array, t: Array, weights: Array, bias: float, callback: EpochCallback | None) -> Trained:
        w = Value(weights, name="w")
        b = Value(bias, name="b", dtype=weights.dtype, requires_grad=self.fit_intercept)
        optimizer = self._optimizer([parameter for parameter in (w, b) if parameter.requires_grad])
        history = History()
        converged = False
        batches = self._batches(X, t)
        for epoch in range(1, self.max_epochs + 1):
            steps = self._run_epoch(epoch, next(batches), w, b, optimizer)
            history.add_epoch(steps, self._epoch_loss(steps))
            if callback is not None:
                callback(epoch, history.epoch_losses[-1])
            self._check_health(history, X, t)
            converged = self._is_done(steps, len(X))
            if converged:
                break
        trained = Trained(w.numpy(), b.item(), history, converged)
        self._check_outcome(trained, X, t)
        return trained

    def _check_health(self, history: History, X: Array, t: Array) -> None:
        """Raise if training has gone wrong in the epoch just ended."""
        if not math.isfinite(history.epoch_losses[-1]):
            raise DivergenceError(
                f"the loss overflowed in epoch {len(history.epoch_losses)}: the numbers are too large for {X.dtype}. "
                "Standardize the columns of X, and t if it is large, too.",
                history=history,
            )

    @abstractmethod
    def _check_outcome(self, trained: Trained, X: Array, t: Array) -> None:
        """Raise or warn if training as a whole has gone wrong."""

    def _batches(self, X: Array, t: Array) -> Iterator[list[Batch]]:
        """For each epoch its batches, without end."""
        if self._takes_whole_batch(X):
            whole = [make_batch(X, t, np.arange(len(X)))]
            while True:
                yield whole
        rng = np.random.default_rng(self.seed)
        size = self.batch_size or len(X)
        while True:
            order = rng.permutation(len(X)) if self.shuffle else np.arange(len(X))
            yield [make_batch(X, t, order[start : start + size]) for start in range(0, len(X), size)]

    def _run_epoch(self, epoch: int, batches: list[Batch], w: Value, b: Value, optimizer: SGD) -> list[Step]:
        """One step for each batch; it ends early where the loss is no number any more."""
        steps: list[Step] = []
        for batch in batches:
            steps.append(self._run_step(epoch, batch, w, b, optimizer))
            if not math.isfinite(steps[-1].loss):
                break
        return steps

    def _run_step(self, epoch: int, batch: Batch, w: Value, b: Value, optimizer: SGD) -> Step:
        """Compute the loss, compute its gradient, update the weights."""
        weights, bias = w.numpy(), b.item()
        logits = batch.X @ w + b
        loss = self._loss(logits, batch.t, w)
        loss.backward()
        gradients = w.grad, 0.0 if b.grad is None else float(b.grad)
        optimizer.step()
        optimizer.zero_grad()
        return self._make_step(
            logits,
            batch.t,
            epoch=epoch,
            samples=batch.rows,
            weights=weights,
            bias=bias,
            loss=loss.item(),
            weights_gradient=gradients[0],
            bias_gradient=gradients[1],
            new_weights=w.numpy(),
            new_bias=b.item(),
        )

    def _takes_whole_batch(self, X: Array) -> bool:
        return self.batch_size is None or self.batch_size >= len(X)

    # --- after training ------------------------------------------------------------------------------------------------------

    def _fitted(self) -> Trained:
        if self._trained is None:
            raise NotFittedError(f"this {type(self).__name__} has not been fitted yet; call fit(X, t) first.")
        return self._trained

    def _logits(self, X: Any) -> Array:
        """x·w + b for each sample."""
        fitted = self._fitted()
        samples = checked_samples(X)
        if samples.shape[1] != fitted.weights.size:
            raise ShapeError(
                f"X has {samples.shape[1]} features, but the model was fitted to {fitted.weights.size}; "
                "pass the same columns as to fit."
            )
        logits: Array = samples @ fitted.weights + fitted.bias
        return logits


@dataclass(kw_only=True, eq=False)
class LinearClassifier(LinearModel):
    """What classifiers share: labels 0 and 1, told apart by the sign of the logit x·w + b."""

    def decision_function(self, X: Any) -> Array:
        """The logits x·w + b, of shape (samples,): positive on the side of the label 1."""
        return self._logits(X)

    def predict(self, X: Any) -> Array:
        """The label of each sample: 1 where the logit is positive, else 0, as integers of shape (samples,)."""
        return (self._logits(X) > 0).astype(np.int64)

    def score(self, X: Any, t: Any) -> float:
        """The share of samples whose label is right."""
        return float(np.mean(self.predict(X) == self._checked_targets(t, checked_samples(X))))

    def _checked_targets(self, t: Any, samples: Array) -> Array:
        return checked_labels(t, samples)
