"""Networks that a user fits: any module of `tg.nn` with scikit-learn's contract.

A module states what is computed, a loss what is wanted, an optimizer how the parameters move. The step that is trained with is
compiled: output, gradient and update in one program.
"""

from __future__ import annotations

import copy
import inspect
import math
import warnings
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import KW_ONLY, dataclass, replace
from typing import Any, Self

import numpy as np

from tinygrad_edu.compiler import compile
from tinygrad_edu.engine.arguments import number, whole_number
from tinygrad_edu.engine.messages import name_of, shortened
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import ConvergenceWarning, DataError, DivergenceError, ShapeError
from tinygrad_edu.models.classifier import SoftmaxClassifier
from tinygrad_edu.models.estimator import EpochCallback, Estimator, Form, check_epochs, not_fitted
from tinygrad_edu.models.inputs import Array, Samples
from tinygrad_edu.models.regressor import Regressor
from tinygrad_edu.models.shared_errors import shared
from tinygrad_edu.nn import Module, half_squared_error
from tinygrad_edu.optim import Adam, Optimizer
from tinygrad_edu.transforms.gradients import value_and_grad
from tinygrad_edu.transforms.trees import rebuilt, tree_leaves, tree_map

Step = Callable[[dict[str, Any], Any, Array, Array, Array | None], tuple[dict[str, Any], Any, Any]]
"""Parameters by name, what the optimizer remembers, samples, targets and weights: the new parameters and memory, and the loss."""


@dataclass(frozen=True, eq=False)
class TrainedNet:
    """Where training has come to.

    module: with arrays for parameters.
    state: what the optimizer remembers.
    rng: what orders the samples.
    losses: of each epoch.
    """

    module: Any
    state: Any
    rng: np.random.Generator
    losses: list[float]
    converged: bool
    form: Form


@dataclass(eq=False, repr=False)
class NeuralNet(Estimator):
    """What `NeuralNetClassifier` and `NeuralNetRegressor` share.

    Parameters
    ----------
    module: the network, a `tg.nn.Module`; every fit begins with a copy of it. Or a function of the number of features and the
        number of outputs that makes one.
    loss: a function of outputs and targets, such as those of `tg.nn`; None for that of the kind of model. It gives a loss for each
        sample, or their mean; with weights of samples, the first. It is called with `reduction="none"` if it takes this.
    optimizer: one of `tg.optim` that was made without parameters, `tg.optim.SGD(lr=0.1)`, say; None for Adam.
    l2: the weight of the penalty ½ l2 ‖W‖² on all parameters that are matrices.
    max_epochs: training ends after so many passes over the data at the latest.
    batch_size: samples per step; None for all of them.
    shuffle: whether the samples are put into a new order in every epoch.
    seed: of that order, so that a run can be repeated; None for a different one each time.
    tol, patience: training ends when the loss of an epoch has not fallen below the least one before by more than `tol`, `patience`
        times in a row. tol=0 uses all epochs.

    After `fit`: `module_`, the trained network in evaluation, `losses_` of each epoch, `converged_`.

    Raises
    ------
    DataError: when it is fitted, if a setting is not what it should be.
    NotFittedError: if something is asked for that only `fit` gives.
    """

    module: Any = None
    loss: Any = None
    _: KW_ONLY
    optimizer: Optimizer | None = None
    l2: float = 0.0
    max_epochs: int = 200
    batch_size: int | None = 200
    shuffle: bool = True
    seed: int | None = 0
    tol: float = 1e-4
    patience: int = 10

    def __post_init__(self) -> None:
        self._trained: TrainedNet | None = None

    def fit(self, X: Any, y: Any, sample_weight: Any = None, *, callback: EpochCallback | None = None) -> Self:
        """Train on samples and their targets, from the start.

        Parameters
        ----------
        X: the samples, of shape (samples, features).
        y: the targets, of shape (samples,).
        sample_weight: how much each sample counts, of shape (samples,), none negative.
        callback: called after every epoch with the number of epochs done and the loss of the last one.

        Returns
        -------
        The model itself.

        Raises
        ------
        ShapeError, DataError: if X, y, or a setting is not what it should be.
        DivergenceError: if the loss, or a parameter, is no number any more.

        Warns
        -----
        ConvergenceWarning: if the epochs ended while the loss was still falling.
        """
        self._check_settings()
        samples, form = self._checked_data(X, y, sample_weight, None)
        trained = self._started(samples, form)
        step = compile(self._step(trained.module))
        best, idle = math.inf, 0
        for _epoch in range(self.max_epochs):
            trained = self._one_epoch(trained, samples, step)
            if callback is not None:
                callback(len(trained.losses), trained.losses[-1])
            idle = 0 if trained.losses[-1] < best - self.tol else idle + 1
            best = min(best, trained.losses[-1])
            if self.tol and idle >= self.patience:
                trained = replace(trained, converged=True)
                break
        if self.tol and not trained.converged:
            message = (
                f"{type(self).__name__} has not converged: the loss was still falling in the last of max_epochs={self.max_epochs} "
                "epochs. Allow for more epochs, or for a larger learning rate of the optimizer."
            )
            warnings.warn(shared(ConvergenceWarning, message), stacklevel=2)  # the line that called fit
        self._trained = _finite(trained)
        return self

    @property
    def module_(self) -> Any:
        """The trained network, in evaluation, with arrays for parameters."""
        return self._fitted().module

    @property
    def losses_(self) -> list[float]:
        """For each epoch the mean loss of its samples, each at the moment when its batch was used."""
        return self._fitted().losses

    @property
    def converged_(self) -> bool:
        """Whether the loss had ceased to fall, and training did not just run out of epochs."""
        return self._fitted().converged

    def state_dict(self) -> dict[str, Array]:
        """What was learned, as copies of arrays by their names: those of the network's parameters and buffers."""
        state: dict[str, Array] = self._fitted().module.state_dict()
        return state

    def load_state_dict(self, state: Mapping[str, Any], *, features: int, classes: Any = None) -> Self:
        """Be fitted to what `state_dict` gave, without its history: see `Estimator.load_state_dict`."""
        self._check_settings()
        form = Form(features, None, None if classes is None else np.asarray(classes))
        dtype = np.asarray(next(iter(state.values()), 0.0)).dtype
        trained = self._started(Samples(np.zeros((1, features), dtype), np.zeros(1), None), form)
        module = trained.module.load_state_dict(state).eval()
        self._trained = replace(trained, module=tree_map(np.array, module))
        return self

    # --- what a kind of model states -----------------------------------------------------------------------------------------

    @abstractmethod
    def _losses(self, outputs: Any, t: Any) -> Any:
        """The loss of each sample, of shape (samples,)."""

    @abstractmethod
    def _output_count(self, form: Form) -> int:
        """How many numbers the network gives for a sample."""

    # --- training ------------------------------------------------------------------------------------------------------------

    def _check_settings(self) -> None:
        if not (self.optimizer is None or (isinstance(self.optimizer, Optimizer) and self.optimizer.params is None)):
            raise DataError(
                f"optimizer must be one of tg.optim that was made without parameters, but is {shortened(self.optimizer)}; "
                "write optimizer=tg.optim.SGD(lr=0.1)."
            )
        if self.loss is not None and not callable(self.loss):
            raise DataError(
                f"loss must be a function of outputs and targets, such as tg.nn.mean_squared_error, but is {shortened(self.loss)}."
            )
        number("l2", self.l2, at_least=0)
        number("tol", self.tol, at_least=0)
        whole_number("patience", self.patience, at_least=1)
        check_epochs(self.max_epochs, self.batch_size, self.shuffle, self.seed)

    def _prepared(self, samples: Samples) -> Samples:
        return samples.of_mean_weight_one()

    def _new_module(self, samples: Samples, outputs: int) -> Module:
        if isinstance(self.module, Module):
            return copy.deepcopy(self.module)
        made = self.module(samples.X.shape[1], outputs) if callable(self.module) else self.module
        if not isinstance(made, Module):
            raise DataError(
                f"{type(self).__name__} needs a module of tg.nn, or a function of the number of features and of outputs that makes "
                f"one, but got {shortened(made)}."
            )
        return made

    def _optimizer(self) -> Optimizer:
        return Adam() if self.optimizer is None else self.optimizer

    def _started(self, samples: Samples, form: Form) -> TrainedNet:
        module = self._new_module(samples, self._output_count(form)).eval()  # a look at one sample changes nothing
        shape, wanted = np.shape(module(samples.X[:1])), self._output_count(form)
        if shape not in ([(1, wanted), (1,)] if wanted == 1 else [(1, wanted)]):
            raise ShapeError(
                f"the network must give {wanted} number{'s'[: wanted > 1]} for each sample, so of shape (samples, {wanted}), but "
                f"for one sample it gives an output of shape {shape}."
            )
        return TrainedNet(module, self._optimizer().init(_parameters(module)), np.random.default_rng(self.seed), [], False, form)

    def _step(self, module: Any) -> Step:
        """One step of training as a function, which can be compiled: a dict of arrays is made faster than a module."""
        optimizer, l2, losses = self._optimizer(), self.l2, self._checked_losses

        def loss(params: dict[str, Any], X: Any, t: Any, weights: Any) -> Any:
            net = rebuilt(module, [*params.values()])
            each = losses(net(X), t, weights is not None)
            mean = np.mean(each if weights is None else weights * each)
            return mean + 0.5 * l2 * sum(np.sum(w**2) for w in params.values() if np.ndim(w) > 1) if l2 else mean

        def step(params: Any, state: Any, X: Any, t: Any, weights: Any) -> Any:
            value, gradient = value_and_grad(loss)(params, X, t, weights)
            params, state = optimizer.update(params, gradient, state)
            return params, state, value

        return step

    def _checked_losses(self, outputs: Any, t: Any, are_weighted: bool) -> Any:
        """The loss of each sample, or one for all of them."""
        if self.loss is None:
            return self._losses(outputs, t)
        asked = {"reduction": "none"} if _takes_reduction(self.loss) else {}
        losses = self.loss(self._as_the_loss_gets_them(outputs), t, **asked)
        if np.shape(losses) not in ([t.shape[:1]] if are_weighted else [t.shape[:1], ()]):
            raise ShapeError(
                f"{name_of(self.loss)}(outputs, targets) should give a number for each sample, of shape {t.shape[:1]}"
                f"{', since they have weights' if are_weighted else ', or one for all'}, but gave shape {np.shape(losses)}."
            )
        return losses

    def _as_the_loss_gets_them(self, outputs: Any) -> Any:
        """The outputs as the loss gets them."""
        return outputs

    def _one_epoch(self, trained: TrainedNet, samples: Samples, step: Step) -> TrainedNet:
        module, state, total = trained.module.train(), trained.state, 0.0
        params = _parameters(module)
        for batch in self._batches(samples, trained.rng):
            params, state, loss = step(params, state, batch.X, batch.t, batch.weights)
            total += float(loss) * len(batch)
            if not math.isfinite(total):
                raise _diverged("the loss is no number any more", len(trained.losses) + 1)
        module = rebuilt(module, [*params.values()])
        return replace(trained, module=module.eval(), state=state, losses=[*trained.losses, total / len(samples)])

    def _batches(self, samples: Samples, rng: np.random.Generator) -> Iterator[Samples]:
        count = len(samples)
        size = min(self.batch_size or count, count)
        if size == count:
            yield samples
            return
        order = rng.permutation(count) if self.shuffle else np.arange(count)
        for start in range(0, count, size):
            yield samples.at(order[start : start + size])

    def _train_further(self, samples: Samples, form: Form) -> None:
        trained = self._started(samples, form) if self._trained is None else copy.deepcopy(self._trained)
        self._trained = _finite(self._one_epoch(trained, samples, self._step(trained.module)))

    # --- after training ------------------------------------------------------------------------------------------------------

    def _fitted(self) -> TrainedNet:
        if self._trained is None:
            raise not_fitted(self)
        return self._trained

    @property
    def _form(self) -> Form | None:
        return None if self._trained is None else self._trained.form

    def _outputs(self, X: Any) -> Array:
        """What the network gives for each sample."""
        samples = self._checked_again(X)
        outputs: Array = np.asarray(self._fitted().module(samples))
        return outputs


def _takes_reduction(loss: Any) -> bool:
    try:
        return "reduction" in inspect.signature(loss).parameters
    except ValueError:  # some built-in functions have no signature
        return False


def _parameters(module: Any) -> dict[str, Any]:
    """The numbers of the parameters, by their names."""
    return {name: np.asarray(x.numpy() if isinstance(x, Value) else x) for name, x in module.named_parameters()}


def _finite(trained: TrainedNet) -> TrainedNet:
    """What was trained, unless the last step, after which there was no loss, led to numbers that are none."""
    if all(np.isfinite(leaf).all() for leaf in tree_leaves(trained.module)):
        return trained
    raise _diverged("parameters are NaN or infinite after the last step", len(trained.losses))


def _diverged(what: str, epoch: int) -> DivergenceError:
    return DivergenceError(
        f"{what} in epoch {epoch}: use a smaller learning rate of the optimizer, standardize the columns of X, clip the gradients "
        "(clip_norm=1.0), or give X as float64 if it is float16."
    )


@dataclass(eq=False, repr=False)
class NeuralNetClassifier(SoftmaxClassifier, NeuralNet):
    """A module that gives a logit for each class, fitted to labels by the mean cross entropy of its softmax.

    A `loss` of your own gets the logits, of shape (samples, classes), and the numbers of the classes, of shape (samples,).

    Parameters: see `NeuralNet`. `fit` says what it raises.

    >>> import tinygrad_edu as tg
    >>> X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], ["same", "other", "other", "same"]
    >>> module = tg.nn.Sequential(tg.nn.Linear(2, 8, rng=0), tg.nn.Tanh(), tg.nn.Linear(8, 2, rng=1))
    >>> model = tg.models.NeuralNetClassifier(module, optimizer=tg.optim.Adam(lr=0.1), tol=0).fit(X, y)
    >>> model.predict(X).tolist()
    ['same', 'other', 'other', 'same']
    """

    def _logits(self, X: Any) -> Array:
        return self._outputs(X)

    def _targets(self, numbers: Array, classes: Array) -> Array:
        """For each sample the number of its class, of which the loss makes probabilities."""
        return numbers.astype(np.intp)

    def _output_count(self, form: Form) -> int:
        assert form.classes is not None
        return len(form.classes)


@dataclass(eq=False, repr=False)
class NeuralNetRegressor(NeuralNet, Regressor):
    """A module that gives one number for each sample, fitted to targets t by the mean of ½ (t - y)².

    A `loss` of your own gets the outputs y and the targets t, both of shape (samples,).

    Parameters: see `NeuralNet`. `fit` says what it raises.

    >>> import tinygrad_edu as tg
    >>> X = np.linspace(-1, 1, 20)[:, None]
    >>> module = tg.nn.Sequential(tg.nn.Linear(1, 16, rng=0), tg.nn.Tanh(), tg.nn.Linear(16, 1, rng=1))
    >>> model = tg.models.NeuralNetRegressor(module, optimizer=tg.optim.Adam(lr=0.02), max_epochs=1000, tol=0).fit(X, X[:, 0] ** 2)
    >>> model.score(X, X[:, 0] ** 2) > 0.99
    True
    """

    def predict(self, X: Any) -> Array:
        """The number for each sample, of shape (samples,)."""
        return self._outputs(X).reshape(-1)

    def _losses(self, outputs: Any, t: Any) -> Any:
        return half_squared_error(self._as_the_loss_gets_them(outputs), t, reduction="none")

    def _as_the_loss_gets_them(self, outputs: Any) -> Any:
        return outputs.reshape(-1)

    def _output_count(self, form: Form) -> int:
        return 1
