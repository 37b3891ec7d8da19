"""Many numbers to one: along given axes, or all of them."""

from typing import Any

import numpy as np

from tinygrad_edu.primitive import case, operation
from tinygrad_edu.primitives.broadcasting import broadcast_to

AXES = [
    case((3, 4)), case((3, 4), axis=0), case((3, 4), axis=-1, keepdims=True),
    case((2, 3, 4), axis=(0, 2)), case(()), case((3,), axis=()),
]  # fmt: skip


def _put_back(reduced: Any, axis: Any, keepdims: Any) -> Any:
    """Give a reduction's result length-one axes where it removed axes, so that it broadcasts against the input."""
    return reduced if axis is None or keepdims else np.expand_dims(reduced, axis)


def _sum(x: Any, axis: Any = None, keepdims: Any = False) -> Any:
    return np.add.reduce(x, axis=axis, keepdims=keepdims)


def _sum_vjp(g: Any, out: Any, x: Any, axis: Any = None, keepdims: Any = False) -> Any:
    return broadcast_to(_put_back(g, axis, keepdims), shape=x.shape)


def _mean(x: Any, axis: Any = None, keepdims: Any = False) -> Any:
    if x.dtype.itemsize < 4:
        return np.mean(x, axis=axis, keepdims=keepdims)  # adds half-precision numbers in single precision
    total = np.add.reduce(x, axis=axis, keepdims=keepdims)
    return total / (x.size / (total.size or 1))


def _mean_vjp(g: Any, out: Any, x: Any, axis: Any = None, keepdims: Any = False) -> Any:
    return _sum_vjp(g * (out.size / (x.size or 1)), out, x, axis, keepdims)


def _max(x: Any, axis: Any = None, keepdims: Any = False) -> Any:
    return np.maximum.reduce(x, axis=axis, keepdims=keepdims)


def _min(x: Any, axis: Any = None, keepdims: Any = False) -> Any:
    return np.minimum.reduce(x, axis=axis, keepdims=keepdims)


def _extremum_vjp(g: Any, out: Any, x: Any, axis: Any = None, keepdims: Any = False) -> Any:
    """The gradient goes to the largest (smallest) element; where several are equal they share it equally."""
    winners = x == _put_back(out, axis, keepdims)
    return winners * _put_back(g, axis, keepdims) / np.sum(winners, axis=axis, keepdims=True)


sum = operation(_sum, _sum_vjp, name="sum", numpy=[np.sum], latex=r"\sum {0}", cases=AXES)
mean = operation(_mean, _mean_vjp, name="mean", numpy=[np.mean], latex=r"\operatorname{{mean}} {0}", cases=AXES)
max = operation(_max, _extremum_vjp, name="max", numpy=[np.max], latex=r"\max {0}", cases=AXES)
min = operation(_min, _extremum_vjp, name="min", numpy=[np.min], latex=r"\min {0}", cases=AXES)
