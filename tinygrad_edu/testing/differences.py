"""Derivatives by differences: the oracle that knows nothing of rules, graphs or Values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float64]]

_LARGEST_STEP = 0.125
_LEVELS = 24  # down to a step of 1.5e-8
_FEWEST_LEVELS = 4  # so that two estimates that agree by chance do not end the search
_SETTLED = 1e-11
_ROUNDING = 16 * float(np.finfo(np.float64).eps)
_TINY = float(np.finfo(np.float64).tiny)


@dataclass(frozen=True)
class Difference:
    """A derivative by differences.

    derivative: the estimate, of the shape of the function's result.
    error: by how much the last estimates disagreed, added up over the elements.
    rounding: a bound of what the rounding of the function's own results may contribute to that, likewise.
    """

    derivative: Array
    error: float
    rounding: float


def central_difference(f: Callable[[float], Array], weights: Any = 1.0) -> Difference:
    """The derivative of `f` at 0, by central differences extrapolated to a step of zero.

    The step is halved until the estimates settle (Ridders, "Accurate computation of F'(x) and F'(x) F''(x)", 1982).
    Beginning with large steps keeps rounding small; halving finds the step at which no kink, jump or end of the domain
    is within reach. Steps at which `f` is not finite are passed over.

    Parameters
    ----------
    f: a function of one number that returns a float64 array.
    weights: how much the elements count when the errors are added up.

    >>> estimate = central_difference(lambda t: np.exp(2 * np.array([0.0, 1.0]) + t))
    >>> bool(np.allclose(estimate.derivative, [1, np.e**2], rtol=1e-12, atol=0))
    True
    """
    best, disagreement = Difference(np.full_like(f(0.0), np.nan), np.inf, 0.0), np.inf
    previous: list[Array] = []
    for level in range(_LEVELS):
        step = _LARGEST_STEP * 0.5**level
        with np.errstate(all="ignore"):
            ahead, behind = f(step), f(-step)
            row = [(ahead - behind) / (2 * step)]
            rounding = _ROUNDING * _total(weights, np.abs(ahead) + np.abs(behind)) / step
            for order, coarser in enumerate(previous):
                # Halving the step divides the leading error by 4, then by 16, ...: this combination is free of it.
                finer = row[order]
                extrapolated = finer + (finer - coarser) / (4.0 ** (order + 1) - 1)
                row.append(extrapolated)
                error = max(_total(weights, extrapolated - finer), _total(weights, extrapolated - coarser))
                # Relative, since estimates may grow as the step shrinks; but below rounding there is nothing to compare with.
                relative = error / (_total(weights, extrapolated) + rounding + _TINY)
                if relative < disagreement:  # never true of NaN
                    best, disagreement = Difference(extrapolated, error, rounding), relative
        if level + 1 >= _FEWEST_LEVELS and disagreement <= _SETTLED:
            break
        previous = row
    return best


def _total(weights: Any, x: Array) -> float:
    return float(np.sum(np.abs(weights * x)))
