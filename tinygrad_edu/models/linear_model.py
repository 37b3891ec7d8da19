"""The common part of the linear models: x·w + b, trained by gradient descent.

A model states its loss; the gradient comes from autodiff (`loss.backward()`) and the step from `optim.SGD`. There is no formula
of a gradient here.
"""

from __future__ import annotations

import copy
import math
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from tinygrad_edu.engine.arguments import number
from tinygrad_edu.engine.flags import flag
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import DivergenceError
from tinygrad_edu.models.classifier import Classifier
from tinygrad_edu.models.estimator import EpochCallback, Estimator, Form, check_epochs, not_fitted
from tinygrad_edu.models.history import Array, History, Step
from tinygrad_edu.models.inputs import Samples, checked_start
from tinygrad_edu.nn.fitting_states import fitting_arrays
from tinygrad_edu.optim import SGD


@dataclass(frozen=True, eq=False)
class Trained:
    """Where training has come to: what was learned, how, and from samples of which form."""

    w: Value
    b: Value
    optimizer: SGD
    rng: np.random.Generator
    history: History
    converged: bool
    form: Form

    def to_go_on(self) -> Trained:
        """The same, to be trained further; this one stays as it is."""
        w, b, optimizer, rng = copy.deepcopy((self.w, self.b, self.optimizer, self.rng))
        return replace(self, w=w, b=b, optimizer=optimizer, rng=rng, history=self.history.copy())


@dataclass(frozen=True, eq=False)
class Batch:
    """Samples that make one step: which rows they are, and their data as constants, ready to be computed with."""

    rows: Array
    X: Value
    t: Value
    weights: Array | None


def make_batch(samples: Samples, rows: Array) -> Batch:
    """The given rows as a batch."""
    chosen = samples.at(rows)
    X, t = Value(chosen.X, requires_grad=False, name="X"), Value(chosen.t, requires_grad=False, name="t")
    return Batch(rows, X, t, chosen.weights)


@dataclass(kw_only=True, eq=False, repr=False)
class LinearModel(Estimator):
    """A linear function of the features, fitted by gradient descent. The subclasses say what it is fitted for.

    Parameters
    ----------
    learning_rate: how far a step goes against the gradient; None for one that suits the samples, where the model knows one.
    max_epochs: training ends after so many passes over the data at the latest.
    batch_size: samples per step. None: all of them, plain gradient descent; 1: stochastic gradient descent.
    fit_intercept: whether there is a bias b.
    shuffle: whether the samples are put into a new order in every epoch. (Where the batch is everything, nothing is shuffled.)
    seed: of the random order, so that a run can be repeated; None for a different order each time.
    init: the starting weights, of shape (features,), and bias; None for zeros.

    After `fit`: `coef_` of shape (features,), `intercept_`, `history_` and `converged_`; as in scikit-learn also `n_features_in_`,
    and `feature_names_in_` where the columns have names. A fit that fails leaves them as they were.

    Raises
    ------
    DataError: when it is fitted, if a setting is not what it should be.
    NotFittedError: if something is asked for that only `fit` gives.

    >>> from tinygrad_edu.models import LinearRegression
    >>> isinstance(LinearRegression(), LinearModel)
    True
    """

    learning_rate: float | None
    max_epochs: int
    batch_size: int | None = None
    fit_intercept: bool = True
    shuffle: bool = True
    seed: int | None = 0
    init: tuple[Any, Any] | None = None

    def __post_init__(self) -> None:
        self._trained: Trained | None = None

    def fit(self, X: Any, y: Any, sample_weight: Any = None, *, callback: EpochCallback | None = None) -> Self:
        """Train on samples and their targets, from the start.

        Parameters
        ----------
        X: the samples, of shape (samples, features); float32 stays float32, integers become float64.
        y: the targets t, of shape (samples,).
        sample_weight: how much each sample counts, of shape (samples,), none negative; 2 counts as if it were there twice.
        callback: called after every epoch with the number of epochs done and the loss of the last one.

        Returns
        -------
        The model itself.

        Raises
        ------
        ShapeError, DataError: if X, y, or a setting is not what it should be.
        DivergenceError: if training runs away; `error.history` tells how.
        """
        self._check_settings()
        samples, form = self._checked_data(X, y, sample_weight, None)
        trained = self._started(samples, form)
        # Overflow is how divergence ends; it is reported as such, not as a warning about some multiplication.
        with np.errstate(over="ignore", invalid="ignore"):
            self._trained = self._train(trained, samples, callback)
        return self

    @property
    def coef_(self) -> Array:
        """The weights, of shape (features,)."""
        return self._fitted().w.numpy()

    @property
    def intercept_(self) -> Any:
        """The bias; 0 where there is none."""
        return _plain(self._fitted().b)

    @property
    def history_(self) -> History:
        """Every step of the training."""
        return self._fitted().history

    @property
    def converged_(self) -> bool:
        """Whether training reached its goal, and did not just run out of epochs."""
        return self._fitted().converged

    def state_dict(self) -> dict[str, Array]:
        """What was learned, as copies of arrays by their names: what `load_state_dict` takes."""
        return {"weights": self.coef_, "bias": np.array(self.intercept_)}

    def load_state_dict(self, state: Mapping[str, Any], *, features: int, classes: Any = None) -> Self:
        """Be fitted to what `state_dict` gave, without its history: see `Estimator.load_state_dict`."""
        form = Form(features, None, None if classes is None else np.asarray(classes))
        outputs = self._outputs(form)
        arrays = fitting_arrays(type(self).__name__, {"weights": np.zeros((features, *outputs)), "bias": np.zeros(outputs)}, state)
        samples = np.zeros((1, features), arrays["weights"].dtype)
        start = checked_start((arrays["weights"], arrays["bias"]), samples, outputs, self.fit_intercept)
        self._trained = self._begun(start, 1.0, form)
        return self

    # --- what a model states -------------------------------------------------------------------------------------------------

    @abstractmethod
    def _losses(self, logits: Any, t: Any) -> Any:
        """The loss of each sample, of Values or arrays, of shape (samples,)."""

    @abstractmethod
    def _loss(self, losses: Any, w: Any) -> Any:
        """The loss of a batch, a single number, of the losses of its samples; `w` for a penalty."""

    @abstractmethod
    def _epoch_loss(self, steps: list[Step]) -> float:
        """The losses of an epoch's batches put together."""

    @abstractmethod
    def _is_done(self, steps: list[Step], sample_count: int) -> bool:
        """Whether the goal is reached, seen from the last epoch's steps."""

    def _outputs(self, form: Form) -> tuple[int, ...]:
        """The shape of the model's answer to one sample, before it becomes a label."""
        return ()

    def _make_step(self, logits: Value, t: Value, **facts: Any) -> Step:
        return Step(**facts)

    @abstractmethod
    def _learning_rate(self, samples: Samples) -> float:
        """How far a step goes, on these samples."""

    def _optimizer(self, params: list[Value], learning_rate: float) -> SGD:
        return SGD(params, lr=learning_rate)

    def _check_settings(self) -> None:
        if self.learning_rate is not None:
            number("learning_rate", self.learning_rate, above=0)
        flag("fit_intercept", self.fit_intercept)
        check_epochs(self.max_epochs, self.batch_size, self.shuffle, self.seed)

    # --- training ------------------------------------------------------------------------------------------------------------

    def _started(self, samples: Samples, form: Form) -> Trained:
        """A model that has seen the form of the samples, and made no step yet."""
        start = checked_start(self.init, samples.X, self._outputs(form), self.fit_intercept)
        return self._begun(start, self._learning_rate(samples), form)

    def _begun(self, start: tuple[Array, Array], learning_rate: float, form: Form) -> Trained:
        """A model with these weights and this bias."""
        w, b = Value(start[0], name="w"), Value(start[1], name="b", requires_grad=self.fit_intercept)
        optimizer = self._optimizer([parameter for parameter in (w, b) if parameter.requires_grad], learning_rate)
        return Trained(w, b, optimizer, np.random.default_rng(self.seed), History(), False, form)

    def _train(self, trained: Trained, samples: Samples, callback: EpochCallback | None) -> Trained:
        """The model when its goal is reached, or the epochs are over."""
        history = trained.history
        for number_of_epochs, batches in enumerate(self._epochs(samples, trained.rng), start=1):
            steps = self._run_epoch(trained, batches, samples)
            if callback is not None:
                callback(number_of_epochs, history.epoch_losses[-1])
            self._check_health(history, samples)
            trained = replace(trained, converged=self._is_done(steps, len(samples)))
            if trained.converged or number_of_epochs == self.max_epochs:
                break
        self._check_outcome(trained, samples)
        return trained

    def _train_further(self, samples: Samples, form: Form) -> None:
        if self._trained is None:
            trained = self._started(samples, form)
        else:
            trained = self._trained.to_go_on()
            trained.optimizer.lr = self._learning_rate(samples)
        with np.errstate(over="ignore", invalid="ignore"):
            self._run_epoch(trained, next(self._epochs(samples, trained.rng)), samples)
            self._check_health(trained.history, samples)
        self._trained = trained

    def _check_health(self, history: History, samples: Samples) -> None:
        """Raise if training has gone wrong in the epoch just ended."""
        if not math.isfinite(history.epoch_losses[-1]):
            raise DivergenceError(
                f"the loss overflowed in epoch {len(history.epoch_losses)}: the numbers are too large for {samples.X.dtype}. "
                "Standardize the columns of X, and y if it is large, too.",
                history=history,
            )

    @abstractmethod
    def _check_outcome(self, trained: Trained, samples: Samples) -> None:
        """Raise or warn if training as a whole has gone wrong."""

    def _epochs(self, samples: Samples, rng: np.random.Generator) -> Iterator[list[Batch]]:
        """For each epoch its batches, without end."""
        count = len(samples)
        if self._takes_whole_batch(samples):
            whole = [make_batch(samples, np.arange(count))]
            while True:
                yield whole
        size = self.batch_size or count
        while True:
            order = rng.permutation(count) if self.shuffle else np.arange(count)
            yield [make_batch(samples, order[start : start + size]) for start in range(0, count, size)]

    def _run_epoch(self, trained: Trained, batches: list[Batch], samples: Samples) -> list[Step]:
        """One step for each batch, noted in the history; it ends early where the loss is no number any more."""
        steps: list[Step] = []
        for batch in batches:
            steps.append(self._run_step(trained, batch))
            if not math.isfinite(steps[-1].loss):
                break
        trained.history.add_epoch(steps, self._epoch_loss(steps))
        return steps

    def _run_step(self, trained: Trained, batch: Batch) -> Step:
        """Compute the loss, compute its gradient, update the weights."""
        w, b, optimizer = trained.w, trained.b, trained.optimizer
        weights, bias = w.numpy(), _plain(b)
        logits = batch.X @ w + b
        loss = self._loss(_weighted(self._losses(logits, batch.t), batch.weights), w)
        loss.backward()
        gradients = w.grad, 0.0 * bias if b.grad is None else b.grad
        optimizer.step()
        optimizer.zero_grad()
        return self._make_step(
            logits,
            batch.t,
            epoch=len(trained.history.epoch_losses) + 1,
            samples=batch.rows,
            weights=weights,
            bias=bias,
            loss=loss.item(),
            weights_gradient=gradients[0],
            bias_gradient=gradients[1] if np.ndim(gradients[1]) else float(gradients[1]),
            new_weights=w.numpy(),
            new_bias=_plain(b),
        )

    def _whole_loss(self, samples: Samples, weights: Array, bias: Any) -> float:
        """The loss of all samples."""
        losses = self._losses(samples.X @ weights + bias, samples.t)
        return float(self._loss(_weighted(losses, samples.weights), weights))

    def _takes_whole_batch(self, samples: Samples) -> bool:
        return self.batch_size is None or self.batch_size >= len(samples)

    # --- after training ------------------------------------------------------------------------------------------------------

    def _fitted(self) -> Trained:
        if self._trained is None:
            raise not_fitted(self)
        return self._trained

    @property
    def _form(self) -> Form | None:
        return None if self._trained is None else self._trained.form

    def _logits(self, X: Any) -> Array:
        """x·w + b for each sample."""
        fitted = self._fitted()
        logits: Array = self._checked_again(X) @ fitted.w.numpy() + fitted.b.numpy()
        return logits


@dataclass(kw_only=True, eq=False, repr=False)
class LinearClassifier(LinearModel, Classifier):
    """A linear model of labels."""


@dataclass(kw_only=True, eq=False, repr=False)
class BinaryClassifier(LinearClassifier):
    """Two classes, told apart by the sign of the logit x·w + b. The second of `classes_` is the t = 1 of the formulas."""

    _takes_many_classes: ClassVar[bool] = False

    def decision_function(self, X: Any) -> Array:
        """The logits x·w + b, of shape (samples,): positive on the side of the second class."""
        return self._logits(X)

    def predict(self, X: Any) -> Array:
        """The label of each sample, of shape (samples,): the second class where the logit is positive, else the first."""
        labels: Array = self.classes_[(self._logits(X) > 0).astype(np.intp)]
        return labels

    def _targets(self, numbers: Array, classes: Array) -> Array:
        return numbers


def _weighted(losses: Any, weights: Array | None) -> Any:
    return losses if weights is None else weights * losses


def _plain(b: Value) -> Any:
    """The bias as a float, or of several outputs as an array."""
    return b.numpy() if b.ndim else b.item()
