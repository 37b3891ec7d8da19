"""The loop over epochs and batches, and what belongs to it: held-out samples, history, callbacks, checkpoints, failures."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_edu.data import Batches, batches
from tinygrad_edu.engine.arguments import whole_number
from tinygrad_edu.engine.flags import flag
from tinygrad_edu.engine.messages import shortened
from tinygrad_edu.engine.mode import no_grad
from tinygrad_edu.errors import DataError, DivergenceError, TinygradError
from tinygrad_edu.nn import Module
from tinygrad_edu.optim import Optimizer
from tinygrad_edu.optim.schedules import rate_at
from tinygrad_edu.training.checkpoints import load_state, save_state
from tinygrad_edu.training.diagnosis import diagnose
from tinygrad_edu.training.generators import generators_of, set_generators, unchanged
from tinygrad_edu.training.history import History
from tinygrad_edu.training.progress import progress
from tinygrad_edu.training.steps import CompiledStep, EagerStep, Loss, Step, check_module

_RUNAWAY = 1e6  # a loss that has grown by this much will not come back
_PERFECT = 1e-6  # and one below this has room to grow
Made = tuple[tuple[Any, ...], list[Any]]
"""The last step that was made: its batch, and the parameters before it."""


class Run:
    """A training, as callbacks see it.

    module, optimizer, data, history: what is trained, by what, on what, and what there was so far.
    monitored: the loss of the last epoch; that of the held-out samples, if there are any.

    `fit` makes one. There is no error.

    >>> import tinygrad_edu as tg
    >>> def report(run):
    ...     print(f"epoch {len(run.history)}: {run.monitored:.2f}")
    >>> line = tg.nn.Linear(1, 1, bias=False).load_state_dict({"weight": [[3.0]]})
    >>> data = tg.data.batches([[2.0]], [[8.0]])
    >>> history = tg.training.fit(line, tg.nn.half_squared_error, tg.optim.SGD(lr=0.375), data, epochs=2, callbacks=[report])
    epoch 1: 2.00
    epoch 2: 0.50
    """

    def __init__(self, module: Module, optimizer: Optimizer, data: Batches) -> None:
        self.module, self.optimizer, self.data = module, optimizer, data
        self.history = History()
        self.is_stopped = False
        self.loss_so_far = 0.0  # of the epoch that is under way: the sum over its samples

    @property
    def monitored(self) -> float:
        return self.history.columns.get("held-out loss", self.history["loss"])[-1]

    def stop(self) -> None:
        """Let training end with this epoch."""
        self.is_stopped = True


def fit(
    module: Module,
    loss: Loss,
    optimizer: Optimizer,
    data: Batches | Sequence[Any],
    epochs: int,
    *,
    held_out: Sequence[Any] | None = None,
    metrics: Mapping[str, Callable[[Any, Any], Any]] | None = None,
    callbacks: Sequence[Callable[[Run], Any]] = (),
    compile: bool = False,
    checkpoint: str | os.PathLike[str] | None = None,
    every: int | None = None,
    quiet: bool = False,
) -> History:
    """Train a module: in each epoch, for each batch, compute the loss and its gradient and let the optimizer make a step.

    Parameters
    ----------
    module: it computes predictions, `module(X)`. It is in training mode meanwhile, and as it was afterwards.
    loss: a function of prediction and target that gives one number, such as `tg.nn.softmax_cross_entropy`.
    optimizer: one made without parameters, `tg.optim.Adam(lr=1e-3)`, trains those of the module. Made with some of them, it trains
        these, and goes on where it was.
    data: `tg.data.batches(X, t, ...)`, or `(X, t)` for batches of 32. Of more than two arrays the last one is the target, and the
        others go to the module.
    epochs: up to which epoch of the data training goes.
    held_out: samples and targets that are not trained on, `(X, t)`. After each epoch their loss goes into the history.
    metrics: other functions of prediction and target of theirs to be noted, by their names: `{"accuracy": tg.training.accuracy}`.
    callbacks: called with the `Run` after each epoch, in turn: functions, `EarlyStopping`, `tg.optim.ReduceOnPlateau`.
    compile: whether forward, gradient and update are one compiled program, which does the same faster, up to rounding.
    checkpoint: a file, ending in .safetensors, that is written at the beginning and after each epoch. If it is there already,
        training goes on from it, with the optimizer's settings in it: a run that was killed ends as if it had not been, to the last
        bit. One with other samples or callbacks is refused. Remove the file to begin anew.
    every: after how many steps it is written, too.
    quiet: whether there is no progress bar. There is one in a terminal where rich is installed.

    Returns
    -------
    The history. An interrupted training, by Ctrl-C say, leaves the module as it was after its last step.

    Raises
    ------
    DataError, ShapeError: before anything is trained, if data, targets, settings or the checkpoint are not what they should be.
    DivergenceError: if the loss becomes infinite, NaN, or a million times what it was. It says what is wrong, and its `history`
        tells how it went.
    MissingExtraError: for `checkpoint` without safetensors.

    >>> import tinygrad_edu as tg
    >>> train, held_out = tg.data.split(*tg.data.iris(), held_out=0.3)
    >>> model = tg.nn.Sequential(tg.nn.Linear(4, 8, rng=0), np.tanh, tg.nn.Linear(8, 3, rng=1))
    >>> history = tg.training.fit(model, tg.nn.softmax_cross_entropy, tg.optim.Adam(lr=0.01), train, epochs=40)
    >>> tg.training.accuracy(model(held_out[0]), held_out[1]) > 0.9
    True
    """
    check_module("fit", module)
    data = _checked_data(data)
    epochs = whole_number("epochs", epochs, at_least=0)
    if every is not None:
        whole_number("every", every, at_least=1)
    if metrics and held_out is None:
        raise DataError("metrics are those of samples that are not trained on: give some, held_out=(X, t).")
    held_out = None if held_out is None else _checked_data(held_out).arrays
    optimizer = _bound(optimizer, module)
    run = Run(module, optimizer, data)
    modes = [(part, part.training) for part in module.modules()]
    module.train()
    try:
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # the loss will tell
            _check_targets(module, loss, data)
            measured = () if held_out is None else ("held-out loss", *(metrics or {}))
            saved = Saved(run, callbacks, ["loss", *measured], checkpoint)
            saved.begin()
            step: Step = CompiledStep(module, loss, optimizer) if flag("compile", compile) else EagerStep(module, loss, optimizer)
            start = [parameter.numpy() for parameter in optimizer.parameters]
            with progress(epochs, data.epoch, flag("quiet", quiet)) as show:
                while data.epoch < epochs and not run.is_stopped:
                    _run_epoch(run, step, loss, start, saved, every)
                    run.history.add({"loss": run.loss_so_far / _samples(data), **_measured(module, loss, held_out, metrics or {})})
                    run.loss_so_far = 0.0
                    for callback in callbacks:
                        callback(run)
                    step.take()
                    saved.save()
                    show(data.epoch, run.monitored)
    finally:
        for part, mode in modes:
            part.training = mode
    return run.history


def accuracy(prediction: Any, target: Any) -> float:
    """The share of samples whose label is right.

    Parameters
    ----------
    prediction: logits or probabilities, of shape (samples, classes), of which the largest one decides; or the logits of two
        classes, of the shape of the target, where a positive one means 1.
    target: labels, whole numbers of shape (samples,); for two classes of any shape.

    Raises
    ------
    DataError: if the shapes do not go together, or the labels of two classes are not 0 and 1.

    >>> accuracy([[2.0, 1.0], [0.0, 3.0]], [0, 0]), accuracy([-1.0, 2.0], [0, 1])
    (0.5, 1.0)
    """
    logits = prediction.numpy() if hasattr(prediction, "numpy") else np.asarray(prediction)
    labels = np.asarray(target)
    if logits.shape == labels.shape:
        if not np.isin(labels, (0, 1)).all():
            raise DataError(f"labels of the shape of the prediction are 0 or 1, but are {shortened(labels)}.")
        chosen = logits > 0
    elif logits.shape[:-1] == labels.shape and logits.shape[-1] > 1:
        chosen = logits.argmax(axis=-1)
    else:
        raise DataError(
            f"predictions of shape {logits.shape} and labels of shape {labels.shape} do not go together: they are of shape "
            "(samples, classes) and (samples,), or, with one logit for two classes, of one and the same shape."
        )
    return float(np.mean(chosen == labels))


# --- one epoch ---------------------------------------------------------------------------------------------------------------


def _run_epoch(run: Run, step: Step, loss: Loss, start: list[Any], saved: Saved, every: int | None) -> None:
    """The steps of an epoch that are left."""
    batch: tuple[Any, ...] = ()
    last: Made = ((), [])
    try:
        for batch in run.data:
            number = step(batch)
            if not np.isfinite(number):
                step.put_back()
                raise _failure(run, loss, batch, number, start, last)
            last = batch, step.before
            run.loss_so_far += number * len(batch[-1])
            saved.steps += 1
            if every is not None and saved.steps % every == 0:
                step.put_back()
                if _is_finite(run):
                    saved.save()
    finally:
        step.put_back()
    mean = run.loss_so_far / _samples(run.data)
    is_runaway = len(run.history) and mean > _RUNAWAY * max(abs(run.history["loss"][0]), _PERFECT)
    if batch and (is_runaway or not _is_finite(run)):
        raise _failure(run, loss, batch, mean, start, last)


def _is_finite(run: Run) -> bool:
    return all(np.isfinite(parameter.numpy()).all() for parameter in run.optimizer.parameters)


def _measured(module: Module, loss: Loss, held_out: Any, metrics: Mapping[str, Callable[[Any, Any], Any]]) -> dict[str, float]:
    """What the history notes of the held-out samples."""
    if held_out is None:
        return {}
    *inputs, target = held_out
    module.eval()
    with no_grad():
        prediction = module(*inputs)
        measured = {
            "held-out loss": loss(prediction, target),
            **{name: metric(prediction, target) for name, metric in metrics.items()},
        }
    module.train()
    return {name: float(x.item() if hasattr(x, "item") else x) for name, x in measured.items()}


def _failure(run: Run, loss: Loss, batch: tuple[Any, ...], number: float, start: list[Any], last: Made) -> DivergenceError:
    """What has gone wrong, measured at the batch where it was seen; the curvature where training began.

    Where parameters are no longer finite, the step that made them so is taken back, and what is measured is the batch that it saw.
    """
    seen = f"the loss is {number:.6g}"
    if not _is_finite(run) and last[1]:
        batch = last[0]
        for parameter, array in zip(run.optimizer.parameters, last[1], strict=True):
            parameter.data = array
        seen = "a step, which was taken back, led to parameters that are NaN or infinite"
    steps = run.optimizer.state_dict()["steps"]
    lr = float(rate_at(run.optimizer.groups[0].lr, steps))
    found = diagnose(run.module, loss, *batch, lr=lr, start=(run.optimizer.parameters, start))
    began = f" (it began at {run.history['loss'][0]:.6g})" if len(run.history) else ""
    text = f"training diverged in epoch {len(run.history) + 1}: {seen}{began}.\n{found}"
    return DivergenceError(text, found.largest_stable_learning_rate, run.history)


# --- what is given -----------------------------------------------------------------------------------------------------------


def _checked_data(data: Any) -> Batches:
    if isinstance(data, Batches):
        checked = data
    elif isinstance(data, tuple | list):
        checked = batches(*data)
    else:
        raise DataError(f"data are tg.data.batches(X, t) or (X, t), but got {shortened(data)}.")
    if len(checked.arrays) < 2:
        raise DataError("the data have no target: give samples and targets, as in batches(X, t); to learn X itself, batches(X, X).")
    return checked


def _bound(optimizer: Any, module: Any) -> Optimizer:
    if not isinstance(optimizer, Optimizer):
        raise DataError(f"fit takes an optimizer such as tg.optim.Adam(lr=1e-3), but got {shortened(optimizer)}.")
    own = module.parameters()
    if not own:
        raise DataError(f"{type(module).__name__} has no parameter to train: those whose requires_grad is False are frozen.")
    if not optimizer.parameters:
        return replace(optimizer, params=own)
    if not {*own}.issuperset(optimizer.parameters):
        raise DataError("the optimizer trains Values that are no parameters of this module. Make it with module.parameters().")
    return optimizer


def _check_targets(module: Module, loss: Loss, data: Batches) -> None:
    """Let the loss itself look at all targets, beside a prediction for the first samples: a program will not look at them."""
    *inputs, targets = data.arrays
    size = min(data.batch_size, data.samples)
    with unchanged(module), no_grad():
        prediction = module(*(array[:size] for array in inputs))
        if np.ndim(prediction) and np.shape(prediction)[0] == size:
            for first in range(0, data.samples, size):
                target = targets[first : first + size]
                loss(prediction[: len(target)], target)


def _samples(data: Batches) -> int:
    """How many samples an epoch uses."""
    return min(data.samples, len(data) * data.batch_size)


# --- checkpoints -------------------------------------------------------------------------------------------------------------


class Saved:
    """The checkpoint of a run: all that it needs to go on."""

    def __init__(self, run: Run, callbacks: Sequence[Any], columns: list[str], path: str | os.PathLike[str] | None) -> None:
        self._run, self._path = run, path
        self._callbacks = [callback for callback in callbacks if hasattr(callback, "state_dict")]
        self.steps = 0
        self._facts = {
            "columns of the history": columns,
            "callbacks": [type(callback).__name__ for callback in self._callbacks],
            "random generators": [*generators_of(run.module)],
            "samples": None if path is None else _digest(run.data),
        }
        """What must be as it was when the checkpoint was written."""

    def save(self) -> None:
        if self._path is not None:
            save_state(self._path, self._state())

    def begin(self) -> None:
        """Go on from the file; or write it for the first time, so that what cannot be written fails before anything is trained."""
        if self._path is None:
            return
        if not Path(self._path).exists():
            self.save()
            return
        state, before = load_state(self._path), self._state()
        try:
            self._take(state)
        except (TinygradError, KeyError, TypeError, ValueError) as error:
            self._take(before)
            raise DataError(
                f"{self._path} is the checkpoint of another training: {error} Remove it to begin anew, or name another file."
            ) from error

    def _state(self) -> dict[str, Any]:
        run = self._run
        return {
            "module": run.module.state_dict(),
            "generators": generators_of(run.module),
            "optimizer": run.optimizer.state_dict(),
            "data": run.data.state_dict(),
            "facts": self._facts,
            "history": {name: [*column] for name, column in run.history.columns.items()},
            "loss_so_far": run.loss_so_far,
            "steps": self.steps,
            "is_stopped": run.is_stopped,
            "callbacks": [callback.state_dict() for callback in self._callbacks],
        }

    def _take(self, state: Mapping[str, Any]) -> None:
        run = self._run
        run.module.load_state_dict(state["module"])
        run.optimizer.load_state_dict(state["optimizer"])
        run.data.load_state_dict(state["data"])
        for name, fact in self._facts.items():
            if state["facts"][name] != fact:
                raise DataError(f"its {name} are {shortened(state['facts'][name])}, but here they are {shortened(fact)}.")
        set_generators(run.module, state["generators"])
        run.history.columns = dict(state["history"])
        run.loss_so_far, self.steps, run.is_stopped = state["loss_so_far"], state["steps"], state["is_stopped"]
        for callback, part in zip(self._callbacks, state["callbacks"], strict=True):
            callback.load_state_dict(part)


def _digest(data: Batches) -> str:
    """A fingerprint of the samples."""
    digest = hashlib.sha256()
    for array in data.arrays:
        digest.update(repr((array.dtype.str, array.shape)).encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()[:16]
