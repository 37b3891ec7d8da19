"""Reading parts of an array, and the opposite: adding parts into an array of zeros."""

from typing import Any

import numpy as np

from tinygrad_edu.primitive import Primitive, case, operation

CASES: list[tuple[tuple[int, ...], Any]] = [
    ((3, 4), 1), ((3, 4), slice(1, None)), ((3, 4), (slice(None), -1)), ((4,), slice(None, None, -2)),
    ((3, 4), (..., None, 2)), ((3, 4), np.array([0, 0, 2])), ((3, 4), (np.array([[0], [2]]), np.array([1, 1]))),
    ((4,), np.array([True, False, True, True])), ((2, 3, 4), (np.array([0, 1, 0]), slice(None), 2)),
]  # fmt: skip


def _index(x: Any, index: Any) -> Any:
    return x[index]


def _is_basic(index: Any) -> bool:
    """Whether an index cannot name an element twice: integers, slices, `...` and None, no arrays."""
    parts = index if type(index) is tuple else (index,)
    return all(part is None or part is ... or isinstance(part, int | np.integer | slice) for part in parts)


def _scatter(g: Any, index: Any, shape: tuple[int, ...]) -> Any:
    out = np.zeros(shape, np.asarray(g).dtype)
    if _is_basic(index):
        out[index] = g
    else:
        np.add.at(out, index, g)  # unlike out[index] += g, this adds twice to an element that is named twice
    return out


index: Primitive = operation(
    _index,
    lambda g, out, x, index: scatter(g, index=index, shape=x.shape),
    name="index", code="{0}[{index}]", latex="{{{0}}}_{{{index}}}",
    cases=[case(shape, index=at) for shape, at in CASES],
)  # fmt: skip

# Zeros of the given shape, to which g is added at the index: what an element passes on that was read several times.
scatter: Primitive = operation(
    _scatter,
    lambda g, out, x, index, shape: g[index],
    name="scatter", latex=r"\operatorname{{scatter}} {0}",
    cases=[case(np.empty(shape)[at].shape, index=at, shape=shape) for shape, at in CASES],
)  # fmt: skip
