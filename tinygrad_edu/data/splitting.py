"""Samples to learn from, and samples that are held out to see whether it was learning or remembering."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.data.arrays import checked_arrays
from tinygrad_edu.engine.arguments import number, whole_number
from tinygrad_edu.errors import DataError, ShapeError

Array = np.ndarray[Any, np.dtype[Any]]
Part = tuple[Array, ...]


def split(*arrays: Any, held_out: float = 0.25, seed: int = 0) -> tuple[Part, Part]:
    """The samples in two parts, chosen at random: to train with, and held out.

    Parameters
    ----------
    arrays: the samples and their targets, one row a sample: `split(X, t)` or `split(*tg.data.digits())`.
    held_out: the share that is held out, in (0, 1), rounded to whole samples.
    seed: of the choice. The same seed chooses the same samples.

    Returns
    -------
    `(X, t), (X_held_out, t_held_out)`, copies.

    Raises
    ------
    DataError, ShapeError: if the arrays are not made of numbers, are empty or of different lengths, or a part would be empty.

    >>> (X, t), (X_held_out, t_held_out) = split([[0.0], [1.0], [2.0]], [0, 1, 2], held_out=1 / 3)
    >>> sorted([*t.tolist(), *t_held_out.tolist()]), t_held_out.shape, bool((X[:, 0] == t).all())
    ([0, 1, 2], (1,), True)
    """
    samples = checked_arrays(arrays)
    count = len(samples[0])
    last = round(count * number("held_out", held_out, above=0, below=1))
    if not 0 < last < count:
        raise DataError(f"of {count} samples a share of {held_out:g} leaves a part without any; take more, or another share.")
    order = np.random.default_rng(whole_number("seed", seed, at_least=0)).permutation(count)
    return tuple(x[order[last:]] for x in samples), tuple(x[order[:last]] for x in samples)


def standardized(X: Any, *others: Any) -> Any:
    """Samples with columns of mean 0 and standard deviation 1, which gradient descent finds easier. A constant column becomes 0.

    Parameters
    ----------
    X: the samples, of shape (samples, features).
    others: more of them, held out say. They are brought to the same scale: that of X.

    Returns
    -------
    One array for `standardized(X)`, a tuple of arrays for several; float32 stays float32, whole numbers become float64.

    Raises
    ------
    DataError, ShapeError: if they are no such arrays.

    >>> standardized([[1.0, 5.0], [3.0, 5.0]], [[2.0, 6.0]])
    (array([[-1.,  0.],
           [ 1.,  0.]]), array([[0., 1.]]))
    """
    samples = [checked_arrays((x,))[0] for x in (X, *others)]
    samples = [x if x.dtype.kind == "f" else x.astype(np.float64) for x in samples]
    for x in samples:
        if x.ndim != 2 or x.shape[1] != samples[0].shape[-1]:
            raise ShapeError(f"X and the others must be of shape (samples, features), with equal features, but one is {x.shape}.")
    mean, deviation = samples[0].mean(axis=0), samples[0].std(axis=0)
    is_constant = np.all(samples[0] == samples[0][0], axis=0)  # the deviation itself is not 0 then, but a rounding error
    mean = np.where(is_constant, samples[0][0], mean)
    moved = [(x - mean) / np.where(is_constant | (deviation == 0), 1, deviation) for x in samples]
    return tuple(moved) if others else moved[0]
