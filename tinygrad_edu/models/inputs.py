"""Checks of the data that a model is fitted to: samples, targets, labels, starting weights.

Each gives clean arrays of its own, or an error that says what to do. They know nothing of models or training.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.engine.messages import shortened
from tinygrad_edu.errors import DataError, ShapeError

Array = np.ndarray[Any, np.dtype[Any]]


def checked_samples(X: Any) -> Array:
    """The samples as a matrix of floating-point numbers, one sample a row."""
    samples = _finite_numbers("X", X)
    if samples.ndim != 2:
        advice = {
            0: "A single number is X = [[x]].",
            1: "For one feature use X.reshape(-1, 1), for one sample X.reshape(1, -1).",
        }.get(samples.ndim, "Use X.reshape(len(X), -1) to make each sample one row.")
        raise ShapeError(f"X must be of shape (samples, features), but has shape {samples.shape}. {advice}")
    if not samples.size:
        raise ShapeError(f"X has shape {samples.shape}; at least one sample and one feature are needed.")
    return samples


def checked_targets(t: Any, samples: Array) -> Array:
    """The targets as a vector with one number a sample, in the dtype of the samples."""
    targets = _finite_numbers("t", t)
    if targets.ndim != 1:
        advice = "Use t.ravel()." if targets.size == len(samples) else "Fit one model for each column."
        raise ShapeError(f"t must be of shape (samples,), but has shape {targets.shape}. {advice}")
    if len(targets) != len(samples):
        raise ShapeError(f"X has {len(samples)} samples, but t has {len(targets)} targets; each sample needs one.")
    return targets.astype(samples.dtype)


def checked_labels(t: Any, samples: Array) -> Array:
    """The targets, of which each must be 0 or 1."""
    labels = checked_targets(t, samples)
    found = np.unique(labels)
    if not np.isin(found, (0, 1)).all():
        listed = ", ".join(f"{label:g}" for label in found[:5]) + (", …" if len(found) > 5 else "")
        raise DataError(f"labels must be 0 and 1, but are {listed}; write t == label for the label that shall count as 1.")
    return labels


def checked_start(init: Any, samples: Array, fit_intercept: bool) -> tuple[Array, float]:
    """The starting weights and bias; zeros if `init` is None."""
    features = samples.shape[1]
    if init is None:
        return np.zeros(features, samples.dtype), 0.0
    if not isinstance(init, tuple | list) or len(init) != 2:
        raise DataError(f"init must be a pair, (weights, bias), but is {shortened(init)}.")
    weights, bias = np.atleast_1d(_finite_numbers("the weights of init", init[0])), _finite_numbers("the bias of init", init[1])
    if weights.shape != (features,):
        raise ShapeError(
            f"the weights of init have shape {weights.shape}, but X has {features} features; give one weight for each."
        )
    if bias.ndim:
        raise ShapeError(f"the bias of init must be one number, but has shape {bias.shape}.")
    if bias and not fit_intercept:
        raise DataError(f"the bias of init is {bias:g}, but with fit_intercept=False there is no bias; write init=(weights, 0).")
    return weights.astype(samples.dtype), float(bias)


def _finite_numbers(name: str, given: Any) -> Array:
    """A copy as an array of floating-point numbers; integers and booleans become float64."""
    try:
        array = np.array(given)
    except (ValueError, TypeError, RuntimeError, RecursionError) as error:
        raise DataError(f"{name} does not form an array: {error}") from error
    if array.dtype.kind not in "fiub":
        raise DataError(f"{name} must be made of real numbers, but has dtype {array.dtype}: {shortened(given)}")
    if array.dtype.kind != "f":
        array = array.astype(np.float64)
    if not np.isfinite(array).all():
        raise DataError(
            f"{name} has {np.count_nonzero(~np.isfinite(array))} entries that are NaN or infinite; remove or replace them."
        )
    return array
