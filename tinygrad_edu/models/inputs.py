"""Checks of the data that a model is fitted to: samples, targets, labels, weights, starting points.

Each gives clean arrays of its own, or an error that says what to do. They know nothing of models or training.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tinygrad_edu.engine.messages import shortened
from tinygrad_edu.errors import DataConversionWarning, DataError, ShapeError
from tinygrad_edu.models.shared_errors import shared

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, eq=False)
class Samples:
    """What a model is fitted to.

    X: of shape (samples, features).
    t: the targets, of shape (samples,); of labels their numbers among the classes.
    weights: how much each sample counts, of shape (samples,); None where all count alike.
    """

    X: Array
    t: Array
    weights: Array | None

    def __len__(self) -> int:
        return len(self.X)

    def at(self, rows: Array) -> Samples:
        """The samples in the given rows."""
        return Samples(self.X[rows], self.t[rows], None if self.weights is None else self.weights[rows])

    def of_mean_weight_one(self) -> Samples:
        """With weights whose mean is 1, so that the mean of the weighted losses is the weighted mean of the losses."""
        return self if self.weights is None else replace(self, weights=self.weights / self.weights.mean())


def make_samples(X: Array, t: Array, sample_weight: Any) -> Samples:
    """The samples, without those that count nothing."""
    samples = Samples(X, t, checked_weights(sample_weight, X))
    return samples if samples.weights is None else samples.at(np.flatnonzero(samples.weights))


def checked_samples(X: Any) -> Array:
    """The samples as a matrix of floating-point numbers, one sample a row."""
    samples = _finite_numbers("X", X)
    if samples.ndim != 2:
        advice = {
            0: "A single number is X = [[x]].",
            1: "Reshape your data: for one feature use X.reshape(-1, 1), for one sample X.reshape(1, -1).",
        }.get(samples.ndim, "Use X.reshape(len(X), -1) to make each sample one row.")
        raise ShapeError(f"X must be of shape (samples, features), but has shape {samples.shape}. {advice}")
    for count, kind in zip(samples.shape, ("sample", "feature"), strict=True):
        if count == 0:
            raise ShapeError(f"X has 0 {kind}(s) (shape={samples.shape}) while a minimum of 1 is required.")
    return samples


def checked_targets(y: Any, samples: Array) -> Array:
    """The targets as a vector with one number a sample, in the dtype of the samples."""
    return _finite_numbers("y", _one_a_sample(y, samples)).astype(samples.dtype)


def checked_labels(y: Any, samples: Array, classes: Any = None) -> tuple[Array, Array]:
    """The labels as numbers among the classes, in the dtype of the samples, and the classes: all labels there are, sorted.

    Labels 0 and 1 are two classes, even if one of them is all there is.
    """
    labels = _one_a_sample(y, samples)
    _check_label_type(labels)
    found = np.unique(labels)
    if classes is None:
        bits = np.array([0, 1]).astype(found.dtype) if found.dtype.kind in "iufb" else found
        known = bits if np.isin(found, bits).all() else found
    else:
        known = np.unique(np.asarray(classes))
    strangers = found[~np.isin(found, known)]
    if strangers.size:
        raise DataError(
            f"y has the label {shortened(strangers.tolist()[0])}, but the classes are {shortened(known.tolist())}; "
            "name all of them where training begins: partial_fit(X, y, classes=[...])."
        )
    if len(known) < 2:
        raise DataError(f"a classifier needs two classes, but y has one class only: {shortened(known.tolist()[0])}.")
    return np.searchsorted(known, labels).astype(samples.dtype), known


def _check_label_type(labels: Array) -> None:
    if labels.dtype.kind == "f":
        if not np.isfinite(labels).all():
            raise DataError("y has entries that are NaN or infinite (inf); remove or replace them.")
        if (labels != np.floor(labels)).any():
            raise DataError("Unknown label type: y is continuous, but a classifier needs labels; for numbers use a regression.")
    elif labels.dtype.kind not in "iubUS" and not (
        labels.dtype.kind == "O" and (kinds := {*map(type, labels)}) and (kinds == {str} or kinds <= {int, bool})
    ):
        raise DataError(f"Unknown label type: y must be made of whole numbers or of texts, but is {shortened(labels)}.")


def checked_weights(weights: Any, samples: Array) -> Array | None:
    """How much each sample counts, of shape (samples,); None if all count alike."""
    if weights is None:
        return None
    checked = _finite_numbers("sample_weight", weights)
    if checked.shape != samples.shape[:1]:
        raise ShapeError(f"sample_weight must be of shape ({len(samples)},), one weight a sample, but has shape {checked.shape}.")
    if (checked < 0).any():
        raise DataError(f"sample_weight must not be negative, but {checked.min():g} is among them.")
    if not checked.any():
        raise DataError("every sample_weight is zero, so that no sample counts; at least one must be positive.")
    return checked.astype(samples.dtype)


def checked_start(init: Any, samples: Array, outputs: tuple[int, ...], fit_intercept: bool) -> tuple[Array, Array]:
    """The starting weights, of shape (features, *outputs), and bias, of shape `outputs`; zeros if `init` is None."""
    shape = (samples.shape[1], *outputs)
    if init is None:
        return np.zeros(shape, samples.dtype), np.zeros(outputs, samples.dtype)
    if not isinstance(init, tuple | list) or len(init) != 2:
        raise DataError(f"init must be a pair, (weights, bias), but is {shortened(init)}.")
    weights, bias = np.atleast_1d(_finite_numbers("the weights of init", init[0])), _finite_numbers("the bias of init", init[1])
    if weights.shape != shape:
        raise ShapeError(
            f"the weights of init have shape {weights.shape}, but X has {shape[0]} features; give weights of shape {shape}."
        )
    if outputs and not bias.ndim:
        bias = np.full(outputs, bias)
    if bias.shape != outputs:
        expected = f"of shape {outputs}" if outputs else "one number"
        raise ShapeError(f"the bias of init must be {expected}, but has shape {bias.shape}.")
    if bias.any() and not fit_intercept:
        raise DataError(
            f"the bias of init is {shortened(init[1])}, but with fit_intercept=False there is no bias; write init=(weights, 0)."
        )
    return weights.astype(samples.dtype), bias.astype(samples.dtype)


# --- names of columns ----------------------------------------------------------------------------------------------------------


def feature_names(X: Any) -> Array | None:
    """The names of a table's columns, if all of them are texts."""
    columns = getattr(X, "columns", None)
    if columns is None:
        return None
    names = np.empty(len(columns), object)
    names[:] = list(columns)
    return names if all(isinstance(name, str) for name in names) else None


def check_names(given: Array, fitted: Array) -> None:
    """The columns must be those that the model was fitted to, in the same order."""
    if given.tolist() == fitted.tolist():
        return
    unseen, missing = sorted({*given} - {*fitted}), sorted({*fitted} - {*given})
    parts = [
        _listed("Feature names unseen at fit time:", unseen),
        _listed("Feature names seen at fit time, yet now missing:", missing),
    ]
    order = "" if unseen or missing else "Feature names must be in the same order as they were in fit.\n"
    raise DataError("The feature names should match those that were passed during fit.\n" + "".join(parts) + order)


def _listed(title: str, names: list[str]) -> str:
    return (
        "".join(f"{line}\n" for line in [title, *(f"- {name}" for name in names[:5]), *["- …"][: len(names) > 5]]) if names else ""
    )


# --- arrays --------------------------------------------------------------------------------------------------------------------


def _one_a_sample(y: Any, samples: Array) -> Array:
    """An array of the targets, of shape (samples,)."""
    if y is None:
        raise DataError("fit requires y to be passed, but the target y is None.")
    targets = _array("y", y)
    if targets.dtype.kind == "c":
        raise DataError("Complex data not supported: y must be made of real numbers or labels.")
    if targets.ndim == 2 and targets.shape[1] == 1:
        warnings.warn(
            shared(DataConversionWarning, "A column-vector y was passed when a 1d array was expected; it is read as y.ravel()."),
            stacklevel=6,  # the line that called fit
        )
        targets = targets.ravel()
    if targets.ndim != 1:
        raise ShapeError(
            f"y should be a 1d array of shape (samples,), but has shape {targets.shape}. Fit one model for each column."
        )
    if len(targets) != len(samples):
        raise ShapeError(f"X has {len(samples)} samples, but y has {len(targets)} targets; each sample needs one.")
    return targets


def _finite_numbers(name: str, given: Any) -> Array:
    """A copy as an array of floating-point numbers; integers and booleans become float64."""
    array = _array(name, given)
    if array.dtype.kind == "c":
        raise DataError(f"Complex data not supported: {name} must be made of real numbers, but has dtype {array.dtype}.")
    if array.dtype.kind not in "fiubO":
        raise DataError(f"{name} must be made of real numbers, but has dtype {array.dtype}: {shortened(given)}")
    if array.dtype.kind != "f":
        try:
            array = array.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise DataError(f"{name} must be made of real numbers, but holds other things: {error}.") from error
    if not np.isfinite(array).all():
        raise DataError(
            f"{name} has {np.count_nonzero(~np.isfinite(array))} entries that are NaN or infinite (inf); remove or replace them."
        )
    return array


def _array(name: str, given: Any) -> Array:
    if hasattr(given, "toarray"):
        raise DataError(f"{name} is sparse, which is not supported; write {name}.toarray() for a dense one.")
    try:
        return np.array(given)
    except (ValueError, TypeError, RuntimeError, RecursionError) as error:
        raise DataError(f"{name} does not form an array: {error}") from error
