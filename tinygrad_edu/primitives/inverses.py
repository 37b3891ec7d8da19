"""Inverses and determinants of matrices, and of stacks of matrices, and the equations that they solve.

The formulas are those collected by Giles, "An extended collection of matrix derivative results" (2008). Written ā for the gradient
of a, they are given at each rule.

Most functions of a complex matrix have a complex derivative, so that their rules, with plain transposes, hold as they are. Where
a formula has adjoints (conjugated transposes), as that of the pseudoinverse, its rule is marked `in_adjoints`.
"""

import math
from functools import wraps
from typing import Any

import numpy as np

from tinygrad_edu.primitives.indexing import scatter
from tinygrad_edu.primitives.linear_algebra import transposed
from tinygrad_edu.primitives.primitive import Primitive, Rule, case
from tinygrad_edu.primitives.shaping import as_operand
from tinygrad_edu.primitives.table import composition, operation

SQUARE = [case((3, 3)), case((1, 1)), case((2, 3, 3)), case((0, 2, 2))]


def well_conditioned(x: Any) -> Any:
    """A matrix far from singular, of any matrix with elements in (-1, 1)."""
    rows, columns = x.shape[-2:]
    return x + (1 + np.maximum(rows, columns)) * np.eye(rows, columns) * np.arange(1, columns + 1)


def conjugate(x: Any) -> Any:
    return np.conjugate(x) if x.dtype.kind == "c" else x


def adjoint(x: Any) -> Any:
    """The transposed matrices of a stack, conjugated if they are complex."""
    return conjugate(transposed(x))


def hermitian(x: Any) -> Any:
    """The symmetric part of a matrix, or the Hermitian part of a complex one."""
    return 0.5 * (x + adjoint(x))


def half_lower(x: Any) -> Any:
    """The lower triangle with half the diagonal: with its own adjoint it makes a Hermitian matrix."""
    return np.tril(x) - 0.5 * np.eye(x.shape[-1], dtype=x.dtype) * x


def in_adjoints(rule: Rule) -> Rule:
    """A rule as the literature states it for complex matrices: the loss changes by Re Σ conj(ā)·da. Here ā means Re Σ ā·da."""

    @wraps(rule)
    def conjugated(g: Any, out: Any, *inputs: Any, **params: Any) -> Any:
        return conjugate(rule(conjugate(g), out, *inputs, **params))

    return conjugated


# --- inverses ----------------------------------------------------------------------------------------------------------------

# d(a⁻¹) = -a⁻¹ da a⁻¹
inv: Primitive = operation(
    np.linalg.inv,
    lambda g, out, a: -transposed(out) @ g @ transposed(out),
    name="inv", result="inverse", numpy=[np.linalg.inv], latex="{{{0}}}^{{-1}}", domain=(well_conditioned,), cases=SQUARE,
)  # fmt: skip

# A rule of its own, since np.linalg.inv(a) @ b is slower and less exact. x = a⁻¹b: b̄ = a⁻ᵀ x̄ and ā = -b̄ xᵀ.
solve: Primitive = operation(
    np.linalg.solve,
    lambda g, out, a, b: -solve(transposed(a), g) @ transposed(out),
    lambda g, out, a, b: solve(transposed(a), g),
    name="solve", result="solution", latex="{{{0}}}^{{-1}} {1}", domain=(well_conditioned, (-2, 2)),
    cases=[case((3, 3), (3, 2)), case((2, 3, 3), (3, 2)), case((3, 3), (2, 3, 1)), case((2, 1, 3, 3), (4, 3, 2))],
)  # fmt: skip


@composition(np.linalg.solve)
def _solve(a: Any, b: Any) -> Any:
    b = as_operand(b)
    return solve(a, b[:, None])[..., 0] if b.ndim == 1 else solve(a, b)


# For matrices whose rank does not change nearby (Golub & Pereyra, 1973).
@in_adjoints
def _pinv_vjp(g: Any, out: Any, a: Any, rcond: Any = None, hermitian: bool = False) -> Any:
    p, ph, gh = out, adjoint(out), adjoint(g)
    outside_rows, outside_columns = np.eye(a.shape[-2]) - a @ p, np.eye(a.shape[-1]) - p @ a
    return -ph @ g @ ph + outside_rows @ gh @ p @ ph + ph @ p @ gh @ outside_columns


pinv: Primitive = operation(
    lambda a, rcond=None, hermitian=False: np.linalg.pinv(a, rcond, hermitian),
    _pinv_vjp,
    name="pinv", code="np.linalg.pinv({0}, {rcond}, {hermitian})", latex="{{{0}}}^+",
    domain=(well_conditioned,), cases=[case((3, 2)), case((2, 3)), case((2, 3, 3))],
)  # fmt: skip


@composition(np.linalg.pinv)
def _pinv(a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Any:
    matrix = half_lower(a) + adjoint(half_lower(a)) if hermitian else a  # of which the lower triangle is read
    return pinv(matrix, rcond=rcond if rtol is None else rtol, hermitian=hermitian)


@composition(np.linalg.tensorinv)
def _tensorinv(a: Any, ind: int = 2) -> Any:
    rows = math.prod(a.shape[:ind])
    return inv(a.reshape(rows, -1)).reshape(*a.shape[ind:], *a.shape[:ind])


@composition(np.linalg.tensorsolve)
def _tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    a, b = as_operand(a), as_operand(b)
    if axes is not None:
        a = np.moveaxis(a, tuple(axes), tuple(range(a.ndim - len(axes), a.ndim)))
    return solve(a.reshape(b.size, -1), b.reshape(-1, 1)).reshape(a.shape[b.ndim :])


# --- determinants ------------------------------------------------------------------------------------------------------------


def _cofactors(a: Any) -> Any:
    """det(a) a⁻ᵀ, or for a singular matrix the determinants of the minors, with their signs."""
    determinant = np.linalg.det(a)
    if np.all(determinant != 0):
        return determinant[..., None, None] * transposed(np.linalg.inv(a))
    minors, signs = _minors(a.shape[-1])
    return np.linalg.det(a[minors]) * signs


def _minors(n: int) -> tuple[Any, Any]:
    """The index of all minors, each without a row and a column, and their signs."""
    others = np.array([[k for k in range(n) if k != left_out] for left_out in range(n)], dtype=int).reshape(n, n - 1)
    return (..., others[:, None, :, None], others[None, :, None, :]), (-1.0) ** np.add.outer(np.arange(n), np.arange(n))


def _cofactors_vjp(g: Any, out: Any, a: Any) -> Any:
    """For c = det(a) a⁻ᵀ: ā = Σ(c̄ ∘ a⁻ᵀ) c - a⁻ᵀ c̄ᵀ c. For a singular matrix each minor adds what its determinant passes back."""
    if np.all(np.linalg.det(a) != 0):
        inverse = transposed(inv(a))
        return np.sum(g * inverse, axis=(-2, -1), keepdims=True) * out - inverse @ transposed(g) @ out
    minors, signs = _minors(a.shape[-1])
    return scatter((g * signs)[..., None, None] * cofactors(a[minors]), index=minors, shape=a.shape)


# The derivatives of a determinant. An entry, so that only its function, and not the record, depends on whether it vanishes.
cofactors: Primitive = operation(
    _cofactors, _cofactors_vjp,
    name="cofactors", jax="jax.grad(lambda a: np.sum(np.linalg.det(a)))({0})", latex=r"\operatorname{{cof}} {0}",
    domain=(well_conditioned,), cases=SQUARE,
)  # fmt: skip

det: Primitive = operation(
    np.linalg.det,
    lambda g, out, a: g[..., None, None] * cofactors(a),
    name="det", numpy=[np.linalg.det], latex=r"\det {0}", domain=(well_conditioned,), cases=SQUARE,
)  # fmt: skip

logabsdet: Primitive = operation(
    lambda a: np.linalg.slogdet(a)[1],
    lambda g, out, a: g[..., None, None] * transposed(inv(a)),
    name="logabsdet", code="np.linalg.slogdet({0})[1]", latex=r"\ln \left|\det {0}\right|",
    domain=(well_conditioned,), cases=SQUARE,
)  # fmt: skip


def _signdet_vjp(g: Any, out: Any, a: Any) -> Any:
    """Zero; but that of a complex matrix turns: d(sign) = i · sign · Im tr(a⁻¹da)."""
    return 1j * np.imag(g * out)[..., None, None] * transposed(inv(a)) if a.dtype.kind == "c" else np.zeros_like(a)


signdet: Primitive = operation(
    lambda a: np.linalg.slogdet(a)[0],
    _signdet_vjp,
    name="signdet", code="np.linalg.slogdet({0})[0]", latex=r"\operatorname{{sign}} \det {0}",
    domain=(well_conditioned,), cases=SQUARE,
)  # fmt: skip

_SlogdetResult = type(np.linalg.slogdet(np.eye(1)))  # NumPy's own, which has no public name


@composition(np.linalg.slogdet)
def _slogdet(a: Any) -> Any:
    return _SlogdetResult(signdet(a), logabsdet(a))
