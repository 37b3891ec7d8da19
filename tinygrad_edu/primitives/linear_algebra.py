"""Products of matrices and vectors."""

import operator
from typing import Any

import numpy as np

from tinygrad_edu.primitive import case, composition, operation


def _transposed(x: Any) -> Any:
    """The matrices of a stack, each transposed."""
    return x.T if x.ndim == 2 else np.transpose(x, (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))


# For matrices the rules are g @ b.T and a.T @ g. A vector is a matrix with one row (on the left) or one column (on the right)
# whose length-one axis NumPy drops; the rules put it back.
def _matmul_vjp_left(g: Any, out: Any, a: Any, b: Any) -> Any:
    if b.ndim == 1:
        return g[..., None] * b if a.ndim > 1 else g * b
    if a.ndim == 1:
        return (b @ g[..., None])[..., 0]
    return g @ _transposed(b)


def _matmul_vjp_right(g: Any, out: Any, a: Any, b: Any) -> Any:
    if a.ndim == 1:
        return a[:, None] * g[..., None, :] if b.ndim > 1 else g * a
    if b.ndim == 1:
        return (g[..., None, :] @ a)[..., 0, :]
    return _transposed(a) @ g


matmul = operation(
    operator.matmul,
    _matmul_vjp_left,
    _matmul_vjp_right,
    name="matmul", numpy=[np.matmul], code="{0} @ {1}", latex=r"{0} {1}",
    cases=[
        case((3,), (3,)), case((2, 3), (3,)), case((3,), (3, 2)), case((2, 3), (3, 4)), case((5, 2, 3), (3,)),
        case((3,), (5, 3, 2)), case((5, 2, 3), (3, 4)), case((5, 1, 2, 3), (6, 3, 4)),
    ],
)  # fmt: skip


@composition(np.dot)
def _dot(a: Any, b: Any) -> Any:
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return a * b
    if np.ndim(b) <= 2:
        return a @ b
    # The last axis of a meets the last but one of b; all other axes of both remain, side by side.
    columns = np.transpose(b, (b.ndim - 2, *range(b.ndim - 2), b.ndim - 1))
    product = a @ np.reshape(columns, (columns.shape[0], -1))
    return np.reshape(product, (*product.shape[:-1], *columns.shape[1:]))
