"""Numbers to begin with: arrays of random weights. `tg.nn.init`.

Weights have the shape (outputs, inputs, *kernel), as in PyTorch: fan-in is inputs · kernel, fan-out outputs · kernel. `rng` is a
generator of NumPy's, or a seed for one; the same seed gives the same numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

from tinygrad_edu.engine.messages import shortened
from tinygrad_edu.errors import DataError, ShapeError

Seed: TypeAlias = int | np.random.Generator | None


def generator(rng: Seed) -> np.random.Generator:
    """A generator itself, or a new one from a seed; None is a seed that nobody knows.

    >>> int(generator(0).integers(100))
    85
    """
    try:
        return np.random.default_rng(rng)
    except (TypeError, ValueError) as error:
        raise DataError(f"rng is a seed, a whole number, or np.random.default_rng(seed), but is {shortened(rng)}.") from error


def uniform(shape: Sequence[int], bound: float, *, rng: Seed = None, dtype: DTypeLike = np.float64) -> NDArray[Any]:
    """Numbers evenly from -bound to bound.

    >>> bool(np.all(abs(uniform((3, 4), 0.5, rng=0)) <= 0.5))
    True
    """
    return generator(rng).uniform(-bound, bound, shape).astype(dtype)


def normal(shape: Sequence[int], std: float = 1.0, *, rng: Seed = None, dtype: DTypeLike = np.float64) -> NDArray[Any]:
    """Numbers from the normal distribution of mean 0 and standard deviation `std`.

    >>> normal((2, 3), rng=0).shape
    (2, 3)
    """
    return (generator(rng).normal(size=shape) * std).astype(dtype)


def xavier_uniform(shape: Sequence[int], gain: float = 1.0, *, rng: Seed = None, dtype: DTypeLike = np.float64) -> NDArray[Any]:
    """Evenly from -b to b with b = gain·√(6 / (fan-in + fan-out)) (Glorot & Bengio, 2010, equation 16). It suits tanh.

    Raises
    ------
    ShapeError: if the shape has fewer than two axes.

    >>> bool(abs(xavier_uniform((2, 4), rng=0)).max() <= 1.0)
    True
    """
    fan_in, fan_out = fans(shape)
    return uniform(shape, gain * math.sqrt(6 / (fan_in + fan_out)), rng=rng, dtype=dtype)


def xavier_normal(shape: Sequence[int], gain: float = 1.0, *, rng: Seed = None, dtype: DTypeLike = np.float64) -> NDArray[Any]:
    """Of standard deviation gain·√(2 / (fan-in + fan-out)) (Glorot & Bengio, 2010, equation 12). Errors: as `xavier_uniform`.

    >>> round(float(xavier_normal((300, 500), rng=0).std()), 3)
    0.05
    """
    fan_in, fan_out = fans(shape)
    return normal(shape, gain * math.sqrt(2 / (fan_in + fan_out)), rng=rng, dtype=dtype)


def he_uniform(
    shape: Sequence[int], gain: float = math.sqrt(2), *, rng: Seed = None, dtype: DTypeLike = np.float64
) -> NDArray[Any]:
    """Evenly from -b to b with b = gain·√(3 / fan-in): the variance of `he_normal`. Errors: as `xavier_uniform`.

    >>> round(float(he_uniform((300, 200), rng=0).std()), 2)
    0.1
    """
    return uniform(shape, gain * math.sqrt(3 / fans(shape)[0]), rng=rng, dtype=dtype)


def he_normal(shape: Sequence[int], gain: float = math.sqrt(2), *, rng: Seed = None, dtype: DTypeLike = np.float64) -> NDArray[Any]:
    """Of standard deviation gain/√fan-in, with gain √2 for relu (He et al., 2015, equation 10). Errors: as `xavier_uniform`.

    >>> round(float(he_normal((300, 200), rng=0).std()), 2)
    0.1
    """
    return normal(shape, gain / math.sqrt(fans(shape)[0]), rng=rng, dtype=dtype)


def orthogonal(shape: Sequence[int], gain: float = 1.0, *, rng: Seed = None, dtype: DTypeLike = np.float64) -> NDArray[Any]:
    """Rows (of a tall matrix: columns) that are orthogonal and of length `gain` (Saxe, McClelland & Ganguli, 2014).

    It is the Q of the QR decomposition of normal numbers, with the signs that make all such matrices equally likely (Mezzadri,
    2007). Of more than two axes the last ones count as one. Errors: as `xavier_uniform`.

    >>> Q = orthogonal((2, 3), rng=0)
    >>> (Q @ Q.T).round(12) + 0.0
    array([[1., 0.],
           [0., 1.]])
    """
    fans(shape)
    rows, columns = shape[0], math.prod(shape[1:])
    q, r = np.linalg.qr(generator(rng).normal(size=(max(rows, columns), min(rows, columns))))
    q = q * np.sign(np.diag(r))
    return (gain * (q if rows >= columns else q.T)).reshape(shape).astype(dtype)


def fans(shape: Sequence[int]) -> tuple[int, int]:
    """From how many inputs an output comes, and to how many outputs an input goes.

    >>> fans((32, 16, 3, 3))
    (144, 288)
    """
    if len(shape) < 2:
        raise ShapeError(f"weights have the shape (outputs, inputs, ...), but this is {tuple(shape)}, which tells no fan-in.")
    kernel = math.prod(shape[2:])
    return shape[1] * kernel, shape[0] * kernel
