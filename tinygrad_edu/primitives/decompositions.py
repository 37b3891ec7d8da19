"""Factorizations of matrices, and of stacks of matrices: cholesky, svd, qr; and least squares. For eigh and eig see `eigenvalues`.

Results are packed, and formulas written, as there. A factorization is differentiable where it is unique. Singular vectors are as
unique as eigenvectors; of the vectors that only complete a basis (full_matrices=True, mode="complete") no more than the space that
they span is unique. A function of them has a meaningful gradient only if it does not depend on that choice.
"""

import math
from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from tinygrad_edu.errors import UnsupportedError
from tinygrad_edu.primitives.eigenvalues import (
    as_read,
    diagonal_matrix,
    negligible,
    positive_definite,
    real_values,
    reciprocal_differences,
    which_matter,
)
from tinygrad_edu.primitives.inverses import SQUARE, adjoint, half_lower, in_adjoints, pinv, solve, well_conditioned
from tinygrad_edu.primitives.primitive import Primitive, case
from tinygrad_edu.primitives.shaping import as_operand
from tinygrad_edu.primitives.table import composition, operation

# NumPy's own result types, which have no public name.
_SVDResult: Callable[..., Any] = type(np.linalg.svd(np.eye(1)))
_QRResult: Callable[..., Any] = type(np.linalg.qr(np.eye(1)))


# --- cholesky ----------------------------------------------------------------------------------------------------------------


# Murray, "Differentiation of the Cholesky decomposition" (2016).
@in_adjoints
def _cholesky_vjp(g: Any, out: Any, a: Any) -> Any:
    """ā = l⁻ᴴ Φ(lᴴ l̄) l⁻¹ for the triangle that was read, with Φ the lower triangle and half the diagonal."""
    inner = half_lower(adjoint(out) @ g)
    return as_read(adjoint(solve(adjoint(out), adjoint(solve(adjoint(out), inner)))), "L")


cholesky: Primitive = operation(
    lambda a: np.linalg.cholesky(a),
    _cholesky_vjp,
    name="cholesky", numpy=[np.linalg.cholesky], jax="np.linalg.cholesky({0}, symmetrize_input=False)",
    latex=r"\operatorname{{chol}} {0}", domain=(positive_definite,), cases=SQUARE,
)  # fmt: skip


@composition(np.linalg.cholesky, calling=cholesky)
def _cholesky(a: Any, /, *, upper: bool = False) -> Any:
    return adjoint(cholesky(adjoint(a))) if upper else cholesky(a)


# --- singular values ---------------------------------------------------------------------------------------------------------


def _pack(*parts: Any, batch: int) -> Any:
    """The results for each matrix of a stack, side by side in one vector; the stack has `batch` axes."""
    return np.concatenate([part.reshape(*part.shape[:batch], math.prod(part.shape[batch:])) for part in parts], axis=-1)


def _unpack(packed: Any, *shapes: tuple[int, ...]) -> list[Any]:
    parts, start = [], 0
    for shape in shapes:
        end = start + math.prod(shape)
        parts.append(packed[..., start:end].reshape(*packed.shape[:-1], *shape))
        start = end
    return parts


def _svd_shapes(a: Any, full_matrices: bool) -> tuple[tuple[int, ...], ...]:
    m, n = a.shape[-2:]
    k = min(m, n)
    return ((m, m), (k,), (n, n)) if full_matrices else ((m, k), (k,), (k, n))


def _pack_svd(a: Any, full_matrices: bool = False) -> Any:
    return _pack(*np.linalg.svd(a, full_matrices), batch=a.ndim - 2)


def _shared(basis: Any, g: Any, k: int) -> tuple[Any, Any]:
    """The first k vectors of a basis and their gradient, including what passes back from the other vectors.

    As those stay perpendicular to the first when these turn, d(u₂) = -u₁ d(u₁)ᴴ u₂.
    """
    if basis.shape[-1] == k:
        return basis, g
    first, others = basis[..., :k], basis[..., k:]
    return first, g[..., :k] - others @ (adjoint(g[..., k:]) @ first)


# Townsend, "Differentiating the singular value decomposition" (2016), formula (8); for complex matrices Wan & Zhang, "Automatic
# differentiation for complex valued SVD" (2019).
@in_adjoints
def _svd_vjp(g: Any, out: Any, a: Any, full_matrices: bool = False) -> Any:
    """The part of ā within the spaces of the singular vectors, and what sticks out of them. F has the differences of squares.

    What sticks out, and the phase of complex vectors, is NaN where a singular value is zero.
    """
    shapes = _svd_shapes(a, full_matrices)
    (all_u, s, all_vh), (g_all_u, g_s, g_all_vh) = _unpack(out, *shapes), _unpack(g, *shapes)
    s, k = real_values(s), s.shape[-1]
    u, g_u = _shared(all_u, g_all_u, k)
    v, g_v = _shared(adjoint(all_vh), adjoint(g_all_vh), k)
    row, column = s[..., None, :], s[..., :, None]
    f = reciprocal_differences(s, which_matter(g_u) | which_matter(g_v)) / (row + column + np.eye(k))
    reciprocal = 1 / np.where(row <= negligible(s)[..., None], np.nan, row)
    turned_u, turned_v = adjoint(u) @ g_u, adjoint(v) @ g_v
    twist_u, twist_v = turned_u - adjoint(turned_u), turned_v - adjoint(turned_v)
    inner = diagonal_matrix(g_s[..., None, :]) + f * twist_u * row + column * f * twist_v
    if a.dtype.kind == "c":  # u carries the common phase of u and v
        inner = inner + 0.5 * diagonal_matrix(twist_u) * reciprocal
    within = u @ inner @ adjoint(v)
    if a.shape[-2] > k:
        return within + (g_u - u @ turned_u) * reciprocal @ adjoint(v)
    if a.shape[-1] > k:
        return within + u @ adjoint((g_v - v @ turned_v) * reciprocal)
    return within


svd: Primitive = operation(
    _pack_svd,
    _svd_vjp,
    name="svd",
    code="(lambda u, s, vh: np.concatenate([u.reshape(*s.shape[:-1], -1), s, vh.reshape(*s.shape[:-1], -1)], axis=-1))"
    "(*np.linalg.svd({0}, full_matrices={full_matrices}))",
    latex=r"\operatorname{{svd}} {0}", domain=(well_conditioned,),
    cases=[
        case((3, 3)), case((3, 2)), case((2, 3)), case((2, 3, 2)), case((1, 1)),
        case((3, 2), full_matrices=True), case((2, 3), full_matrices=True), case((2, 1, 2), full_matrices=True),
    ],
)  # fmt: skip


@in_adjoints
def _singular_values_vjp(g: Any, out: Any, a: Any, packed: Any, full_matrices: bool = False, **position: int) -> Any:
    """ā = u diag(s̄) vᴴ"""
    k = min(a.shape[-2:])
    u, _, vh = _unpack(packed, *_svd_shapes(a, full_matrices))
    return u[..., :k] * g[..., None, :] @ vh[..., :k, :]


# The values that `svd` has found; as for `_eigenvalues`.
_singular_values = Primitive(
    lambda a, packed, full_matrices, start, end: packed[..., start:end],
    _singular_values_vjp,
    None,
    name="singular_values", code="{1}[..., {start}:{end}]",
)  # fmt: skip


def _svdvals_vjp(g: Any, out: Any, a: Any) -> Any:
    return _singular_values_vjp(g, out, a, svd(a))


# NumPy computes values alone in another way, and faster.
svdvals: Primitive = operation(
    lambda a: np.linalg.svd(a, compute_uv=False),
    _svdvals_vjp,
    name="svdvals", code="np.linalg.svd({0}, compute_uv=False)", latex=r"\operatorname{{svdvals}} {0}",
    domain=(well_conditioned,), cases=[case((3, 3)), case((3, 2)), case((2, 3)), case((2, 3, 2)), case((1, 1))],
)  # fmt: skip


@composition(np.linalg.svd)
def _svd(a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Any:
    if hermitian:
        return _hermitian_svd(a, compute_uv)
    if not compute_uv:
        return svdvals(a)
    full = bool(full_matrices and a.shape[-2] != a.shape[-1])
    packed, shapes = svd(a, full_matrices=full), _svd_shapes(a, full)
    u, _, vh = _unpack(packed, *shapes)
    start = math.prod(shapes[0])
    s = _singular_values(a, packed, full_matrices=full, start=start, end=start + shapes[1][0])
    return _SVDResult(u, real_values(s), vh)


def _hermitian_svd(a: Any, compute_uv: bool) -> Any:
    """Singular values are not negative: a Hermitian matrix has its eigenvalues without their signs, which its vectors take over."""
    if not compute_uv:
        return np.sort(np.absolute(np.linalg.eigvalsh(a)))[..., ::-1]
    values, u = np.linalg.eigh(a)
    order = np.argsort(np.absolute(values))[..., ::-1]
    values, u = np.take_along_axis(values, order, -1), np.take_along_axis(u, order[..., None, :], -1)
    return _SVDResult(u, np.absolute(values), adjoint(u * np.sign(values)[..., None, :]))


@composition(np.linalg.svdvals)
def _svdvals(x: Any, /) -> Any:
    return np.linalg.svd(x, compute_uv=False)


# --- qr ----------------------------------------------------------------------------------------------------------------------


def _qr_shapes(a: Any, mode: str) -> tuple[tuple[int, int], tuple[int, int]]:
    m, n = a.shape[-2:]
    k = m if mode == "complete" else min(m, n)
    return (m, k), (k, n)


def _pack_qr(a: Any, mode: Literal["reduced", "complete"] = "reduced") -> Any:
    return _pack(*np.linalg.qr(a, mode), batch=a.ndim - 2)


# Walter & Lehmann, "Algorithmic differentiation of linear algebra functions with application in optimum experimental design"
# (2010), section 3.2.
@in_adjoints
def _qr_vjp(g: Any, out: Any, a: Any, mode: str = "reduced") -> Any:
    """ā = (q̄ + q S) r⁻ᴴ, S the Hermitian matrix with the lower triangle of r r̄ᴴ - q̄ᴴq.

    Of a wide matrix the further columns are only turned: r₂ = qᴴa₂.
    """
    shapes, k = _qr_shapes(a, mode), min(a.shape[-2:])
    (all_q, all_r), (g_all_q, g_all_r) = _unpack(out, *shapes), _unpack(g, *shapes)
    q, g_q = _shared(all_q, g_all_q, k)
    r, g_r, g_further = all_r[..., :k, :k], g_all_r[..., :k, :k], g_all_r[..., :k, k:]
    if a.shape[-1] > k:
        g_q = g_q + a[..., k:] @ adjoint(g_further)
    half = half_lower(r @ adjoint(g_r) - adjoint(g_q) @ q)
    first = adjoint(solve(r, adjoint(g_q + q @ (half + adjoint(half)))))
    return np.concatenate([first, q @ g_further], axis=-1) if a.shape[-1] > k else first


qr: Primitive = operation(
    _pack_qr,
    _qr_vjp,
    name="qr",
    code="(lambda q, r: np.concatenate([q.reshape(*q.shape[:-2], -1), r.reshape(*r.shape[:-2], -1)], axis=-1))"
    "(*np.linalg.qr({0}, mode={mode}))",
    latex=r"\operatorname{{qr}} {0}", domain=(well_conditioned,),
    cases=[
        case((3, 3)), case((3, 2)), case((2, 3, 2)), case((1, 1)), case((3, 2), mode="complete"), case((2, 2, 1), mode="complete"),
        case((2, 3)), case((2, 1, 3)),
    ],
)  # fmt: skip


@composition(np.linalg.qr)
def _qr(a: Any, mode: str = "reduced") -> Any:
    if mode not in ("reduced", "complete", "r"):
        raise UnsupportedError(f"np.linalg.qr(..., mode={mode!r}) is an internal form without a derivative; use mode='reduced'.")
    kind = "complete" if mode == "complete" and a.shape[-2] > a.shape[-1] else "reduced"
    q, r = _unpack(qr(a, mode=kind), *_qr_shapes(a, kind))
    return r if mode == "r" else _QRResult(q, r)


# --- least squares -----------------------------------------------------------------------------------------------------------


def _lstsq_shapes(a: Any, b: Any, residuals: int) -> tuple[tuple[int, ...], ...]:
    return (a.shape[1], b.shape[1]), (residuals,), (min(a.shape),)


def _pack_lstsq(a: Any, b: Any, rcond: float | None = None, residuals: int = 0) -> Any:
    x, sums, _, s = np.linalg.lstsq(a, b, rcond)
    if sums.size < residuals:  # which NumPy leaves out where the matrix is not of full rank
        sums = np.full(residuals, np.nan)
    return _pack(x, sums[:residuals], s, batch=0)


# Golub & Pereyra, "The differentiation of pseudo-inverses and nonlinear least squares problems whose variables separate" (1973).
@in_adjoints
def _lstsq_vjp_matrix(g: Any, out: Any, a: Any, b: Any, rcond: float | None = None, residuals: int = 0) -> Any:
    """ā = r (p pᴴx̄)ᴴ - pᴴx̄ xᴴ + pᴴx ((1 - p a) x̄)ᴴ, p the pseudoinverse and r = b - a x; and what the sums and the values add."""
    shapes = _lstsq_shapes(a, b, residuals)
    (x, _, _), (g_x, g_sums, g_s) = _unpack(out, *shapes), _unpack(g, *shapes)
    p, rest = pinv(a, rcond=rcond), b - a @ x
    turned = adjoint(p) @ g_x
    of_x = rest @ adjoint(p @ turned) - turned @ adjoint(x) + adjoint(p) @ x @ adjoint(g_x - p @ (a @ g_x))
    u, _, vh = _unpack(svd(a), *_svd_shapes(a, False))
    of_values = of_x + u * g_s @ vh
    return of_values - 2 * (rest * g_sums) @ adjoint(x) if residuals else of_values


@in_adjoints
def _lstsq_vjp_right(g: Any, out: Any, a: Any, b: Any, rcond: float | None = None, residuals: int = 0) -> Any:
    """b̄ = pᴴx̄; and what the sums of squares of r = b - a x add."""
    shapes = _lstsq_shapes(a, b, residuals)
    (x, _, _), (g_x, g_sums, _) = _unpack(out, *shapes), _unpack(g, *shapes)
    of_x = adjoint(pinv(a, rcond=rcond)) @ g_x
    return of_x + 2 * (b - a @ x) * g_sums if residuals else of_x


lstsq: Primitive = operation(
    _pack_lstsq,
    _lstsq_vjp_matrix,
    _lstsq_vjp_right,
    name="lstsq",
    code="(lambda x, sums, rank, s: np.concatenate([x.ravel(), sums[:{residuals}], s]))(*np.linalg.lstsq({0}, {1}, {rcond}))",
    latex=r"\operatorname{{lstsq}} ({0}, {1})", domain=(well_conditioned, (-2, 2)),
    cases=[case((3, 2), (3, 2), residuals=2), case((2, 3), (2, 1)), case((2, 2), (2, 2))],
)  # fmt: skip


@composition(np.linalg.lstsq)
def _lstsq(a: Any, b: Any, rcond: float | None = None) -> Any:
    a, b = as_operand(a), as_operand(b)
    matrix = b[:, None] if b.ndim == 1 else b
    residuals = matrix.shape[1] if a.shape[0] > a.shape[1] else 0
    x, sums, s = _unpack(lstsq(a, matrix, rcond=rcond, residuals=residuals), *_lstsq_shapes(a, matrix, residuals))
    precision = np.finfo(s.dtype).eps
    negligible = precision * max(a.shape) if rcond is None else precision if rcond == -1 else rcond
    rank = np.sum(real_values(s) > negligible * real_values(s)[:1], dtype=np.int32)
    if not hasattr(rank, "__record_primitive__") and rank < min(a.shape):
        raise UnsupportedError(
            f"np.linalg.lstsq has no derivative where the matrix is not of full rank; this one, of shape {a.shape}, has rank "
            f"{rank}. Leave out the columns that depend on others, or add a small multiple of the identity."
        )
    return (x[:, 0] if b.ndim == 1 else x), real_values(sums), rank, real_values(s)
