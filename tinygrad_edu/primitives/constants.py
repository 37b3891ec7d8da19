"""NumPy functions that answer a question about an array: what they return has no gradient, by its nature.

They look at the data of a Value and give plain arrays, booleans or shapes.
"""

import operator
from collections.abc import Callable, Sequence
from functools import cache, wraps
from typing import Any

import numpy as np

from tinygrad_edu.primitives.primitive import Primitive
from tinygrad_edu.primitives.table import TABLE, numpy_name

CONSTANT_FUNCTIONS = frozenset({
    np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal,
    np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.invert,
    np.logical_and, np.logical_or, np.logical_xor, np.logical_not,
    np.isnan, np.isinf, np.isposinf, np.isneginf, np.isfinite, np.isreal, np.iscomplex, np.signbit,
    np.shape, np.ndim, np.size, np.zeros_like, np.ones_like, np.empty_like,
    np.argmax, np.argmin, np.nanargmax, np.nanargmin, np.argsort, np.nonzero, np.count_nonzero, np.flatnonzero, np.any, np.all,
    np.argpartition, np.argwhere, np.searchsorted, np.digitize, np.lexsort, np.isin,
    np.may_share_memory, np.shares_memory, np.result_type, np.can_cast, np.min_scalar_type, np.common_type,
    np.iscomplexobj, np.isrealobj, np.array_equiv, np.einsum_path, np.linalg.matrix_rank,
    np.diag_indices_from, np.tril_indices_from, np.triu_indices_from,
    np.allclose, np.isclose, np.array_equal, np.array2string, np.array_repr, np.array_str,
})  # fmt: skip

# Those of them whose answer has a shape that depends on the numbers.
_FOUND = "How many are found depends on the numbers. Choose with np.where(mask, x, 0.0), which keeps the shape."
for _function in (np.nonzero, np.flatnonzero, np.argwhere):
    TABLE.instead[_function] = _FOUND
TABLE.instead[np.min_scalar_type] = "Write value.dtype."

# Those of them whose answer is a number of Python's, and depends on the numbers.
DECISIONS = frozenset({np.count_nonzero, np.allclose, np.array_equal, np.array_equiv})

# Those of them that look at the shape alone.
LIKES = frozenset({np.zeros_like, np.ones_like, np.empty_like})

# Those of them that Python has operators for, and how these are written.
OPERATORS: dict[Callable[..., Any], tuple[Callable[..., Any], str]] = {
    np.equal: (operator.eq, "{0} == {1}"), np.not_equal: (operator.ne, "{0} != {1}"),
    np.less: (operator.lt, "{0} < {1}"), np.less_equal: (operator.le, "{0} <= {1}"),
    np.greater: (operator.gt, "{0} > {1}"), np.greater_equal: (operator.ge, "{0} >= {1}"),
    np.bitwise_and: (operator.and_, "{0} & {1}"), np.bitwise_or: (operator.or_, "{0} | {1}"),
    np.bitwise_xor: (operator.xor, "{0} ^ {1}"), np.invert: (operator.invert, "~{0}"),
}  # fmt: skip


@cache
def question(function: Callable[..., Any], count: int, named: tuple[str, ...] = ()) -> Primitive:
    """One of these functions as an operation, for a record that keeps how constants were found.

    Its inputs are so many arguments by position, and those that are named.
    """
    forward, code = OPERATORS.get(function, (function, ""))
    forward = _as_numpys(function) if function in DECISIONS else forward
    if named:
        written = [f"{{{position}}}" for position in range(count)]
        written += [f"{name}={{{position}}}" for position, name in enumerate(named, count)]
        forward, code = _by_name(forward, count, named), f"{numpy_name(function)}({', '.join(written)})"
    return Primitive(forward, *[None] * (count + len(named)), name=function.__name__, numpy=(function,), code=code)


def _by_name(function: Callable[..., Any], count: int, names: Sequence[str]) -> Callable[..., Any]:
    """With the inputs after the first `count` by these names."""
    return lambda *inputs, **params: function(*inputs[:count], **dict(zip(names, inputs[count:], strict=True)), **params)


def _as_numpys(function: Callable[..., Any]) -> Callable[..., Any]:
    """With a number of NumPy's for one of Python's."""

    @wraps(function)
    def answer(*args: Any, **kwargs: Any) -> Any:
        return np.asarray(function(*args, **kwargs))[()]

    return answer
