"""Factorizations of matrices, and of stacks of matrices: cholesky, eigh, eig, svd, qr; and least squares.

An operation gives one array, so those with several results pack them into one, which the composition of NumPy's name takes apart
again. Written ā for the gradient of a, and F for the matrix of the reciprocal differences of eigenvalues, the formulas are given at
each rule, with adjoints (conjugated transposes), so that they hold for real and for complex matrices.

A factorization is differentiable where it is unique. Eigenvectors and singular vectors are unique up to their sign (a complex one:
up to its phase) where no two values are equal; of the vectors that only complete a basis (full_matrices=True, mode="complete")
no more than the space that they span is unique. A function of them has a meaningful gradient only if it does not depend on that
choice. Where two values are equal (up to rounding), functions of the values that treat them alike still have their gradient, and so
have functions of the vectors of other values. That of a function of their own vectors is NaN: it may exist, as that of
v diag(w) vᴴ, but does not follow from what arrives here.

Of a symmetric (Hermitian) matrix NumPy reads one triangle only, and so do these: all of the gradient goes to that triangle, and the
other one's is zero.
"""

import math
from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from tinygrad_edu.errors import UnsupportedError
from tinygrad_edu.primitives.elementwise import corner
from tinygrad_edu.primitives.inverses import SQUARE, adjoint, half_lower, hermitian, in_adjoints, pinv, solve, well_conditioned
from tinygrad_edu.primitives.primitive import Primitive, case
from tinygrad_edu.primitives.shaping import as_operand
from tinygrad_edu.primitives.table import composition, operation

# NumPy's own result types, which have no public name.
_EighResult: Callable[..., Any] = type(np.linalg.eigh(np.eye(1)))
_EigResult: Callable[..., Any] = type(np.linalg.eig(np.eye(1)))
_SVDResult: Callable[..., Any] = type(np.linalg.svd(np.eye(1)))
_QRResult: Callable[..., Any] = type(np.linalg.qr(np.eye(1)))


def positive_definite(x: Any) -> Any:
    """A symmetric matrix with positive eigenvalues that are far apart."""
    return hermitian(x) + np.diag(2.0 * x.shape[-1] * np.arange(1, x.shape[-1] + 1))


def _diagonal(x: Any) -> Any:
    """Vectors as the diagonals of matrices, or matrices without what is beside their diagonals."""
    return np.eye(x.shape[-1]) * x


def _as_read(x: Any, UPLO: str) -> Any:
    """The gradient for the triangle that was read, of that for the whole matrix: what stands there counts at both places."""
    lower = half_lower(x + adjoint(x))
    return lower if UPLO in "lL" else adjoint(lower)


def _real(x: Any) -> Any:
    """Values that are real, but complex numbers where they were packed with vectors that are not."""
    return np.real(x) if x.dtype.kind == "c" else x


# --- cholesky ----------------------------------------------------------------------------------------------------------------


# Murray, "Differentiation of the Cholesky decomposition" (2016).
@in_adjoints
def _cholesky_vjp(g: Any, out: Any, a: Any) -> Any:
    """ā = l⁻ᴴ Φ(lᴴ l̄) l⁻¹ for the triangle that was read, with Φ the lower triangle and half the diagonal."""
    inner = half_lower(adjoint(out) @ g)
    return _as_read(adjoint(solve(adjoint(out), adjoint(solve(adjoint(out), inner)))), "L")


cholesky: Primitive = operation(
    lambda a: np.linalg.cholesky(a),
    _cholesky_vjp,
    name="cholesky", numpy=[np.linalg.cholesky], jax="np.linalg.cholesky({0}, symmetrize_input=False)",
    latex=r"\operatorname{{chol}} {0}", domain=(positive_definite,), cases=SQUARE,
)  # fmt: skip


@composition(np.linalg.cholesky, calling=cholesky)
def _cholesky(a: Any, /, *, upper: bool = False) -> Any:
    return adjoint(cholesky(adjoint(a))) if upper else cholesky(a)


# --- eigenvalues -------------------------------------------------------------------------------------------------------------


def _pack_eigen(values: Any, vectors: Any) -> Any:
    """The eigenvalues as a row above the eigenvectors, which are columns."""
    return np.concatenate([values[..., None, :], vectors], axis=-2)


def _unpack_eigen(packed: Any) -> tuple[Any, Any]:
    return packed[..., 0, :], packed[..., 1:, :]


def _negligible(values: Any) -> Any:
    """Below this the difference of two values is nothing but rounding, as is a value itself."""
    rounding = 8 * values.shape[-1] * np.finfo(values.dtype).eps
    return rounding * np.max(np.absolute(values), axis=-1, keepdims=True, initial=0.0)


def _matters(g_vectors: Any) -> Any:
    """Which of the vectors something depends on."""
    return np.any(g_vectors != 0, axis=-2)


def _reciprocal_differences(values: Any, matters: Any) -> Any:
    """F[i, j] = 1 / (w[j] - w[i]), and 0 where i = j. Of two equal values it is NaN, or 0 if the vectors of neither matter.

    Those of a value that is zero always do: what depends on them is usually multiplied with it, so that it cannot be told.
    """
    differences = values[..., None, :] - values[..., :, None]
    are_same, are_equal = np.eye(values.shape[-1], dtype=bool), np.absolute(differences) <= _negligible(values)[..., None]
    matters = matters | (np.absolute(values) <= _negligible(values))
    is_unknown = are_equal & ~are_same & (matters[..., None, :] | matters[..., :, None])
    reciprocals = corner(1 / np.where(are_equal, np.inf, differences), np.where(are_same, 1.0, differences * ~are_equal))
    return np.where(is_unknown, np.nan, reciprocals)


# Giles, section 3.1
@in_adjoints
def _eigh_vjp(g: Any, out: Any, a: Any, UPLO: str = "L") -> Any:
    """ā = v (diag(w̄) + F ∘ vᴴv̄) vᴴ for the triangle that was read"""
    (values, v), (g_values, g_v) = _unpack_eigen(out), _unpack_eigen(g)
    inner = _diagonal(g_values[..., None, :]) + _reciprocal_differences(values, _matters(g_v)) * (adjoint(v) @ g_v)
    return _as_read(v @ hermitian(inner) @ adjoint(v), UPLO)


EIGH_CASES = [case((3, 3)), case((1, 1)), case((2, 3, 3)), case((3, 3), UPLO="U")]

eigh: Primitive = operation(
    lambda a, UPLO="L": _pack_eigen(*np.linalg.eigh(a, UPLO)),
    _eigh_vjp,
    name="eigh", code="(lambda w, v: np.concatenate([w[..., None, :], v], axis=-2))(*np.linalg.eigh({0}, {UPLO}))",
    jax="(lambda w, v: np.concatenate([w[..., None, :], v], axis=-2))(*np.linalg.eigh({0}, {UPLO}, symmetrize_input=False))",
    latex=r"\operatorname{{eigh}} {0}", domain=(positive_definite,), cases=EIGH_CASES,
)  # fmt: skip


@in_adjoints
def _eigenvalues_vjp(g: Any, out: Any, a: Any, packed: Any, UPLO: str = "L") -> Any:
    """ā = v diag(w̄) vᴴ for the triangle that was read"""
    _, v = _unpack_eigen(packed)
    return _as_read(v * g[..., None, :] @ adjoint(v), UPLO)


def _first_row(a: Any, packed: Any, **options: Any) -> Any:
    return packed[..., 0, :]


# The values that `eigh` has found. Unlike its vectors they have a gradient also where some are equal.
_eigenvalues = Primitive("eigenvalues", _first_row, (_eigenvalues_vjp, None), code="{1}[..., 0, :]")


def _eigvalsh_vjp(g: Any, out: Any, a: Any, UPLO: str = "L") -> Any:
    return _eigenvalues_vjp(g, out, a, eigh(a, UPLO=UPLO), UPLO=UPLO)


# NumPy computes values alone in another way, and faster.
eigvalsh: Primitive = operation(
    lambda a, UPLO="L": np.linalg.eigvalsh(a, UPLO),
    _eigvalsh_vjp,
    name="eigvalsh", numpy=[np.linalg.eigvalsh], jax="np.linalg.eigvalsh({0}, {UPLO}, symmetrize_input=False)",
    latex=r"\operatorname{{eigvalsh}} {0}", domain=(positive_definite,), cases=EIGH_CASES,
)  # fmt: skip


@composition(np.linalg.eigh)
def _eigh(a: Any, UPLO: str = "L") -> Any:
    packed = eigh(a, UPLO=UPLO)
    return _EighResult(_real(_eigenvalues(a, packed, UPLO=UPLO)), _unpack_eigen(packed)[1])


# Boeddeker et al., "On the computation of complex-valued gradients with application to statistically optimum beamforming" (2017),
# section 4.6. The second term in the bracket keeps the length of the vectors at one.
@in_adjoints
def _eig_vjp(g: Any, out: Any, a: Any) -> Any:
    """ā = v⁻ᴴ (diag(w̄) + conj(F) ∘ (vᴴv̄ - vᴴv diag(vᴴv̄))) vᴴ"""
    (values, v), (g_values, g_v) = _unpack_eigen(out), _unpack_eigen(g)
    turned = adjoint(v) @ g_v
    across = turned - adjoint(v) @ v @ _diagonal(turned)
    inner = _diagonal(g_values[..., None, :]) + np.conjugate(_reciprocal_differences(values, np.True_)) * across
    return solve(adjoint(v), inner @ adjoint(v))


# Complex also where NumPy's result is real.
eig: Primitive = operation(
    lambda a: _pack_eigen(*np.linalg.eig(a)) + 0j,
    _eig_vjp,
    name="eig", code="(lambda w, v: np.concatenate([w[..., None, :], v], axis=-2))(*np.linalg.eig({0})) + 0j",
    latex=r"\operatorname{{eig}} {0}", domain=(well_conditioned,), cases=[case((3, 3)), case((1, 1)), case((2, 3, 3))],
)  # fmt: skip


@in_adjoints
def _eig_values_vjp(g: Any, out: Any, a: Any, packed: Any) -> Any:
    """ā = v⁻ᴴ diag(w̄) vᴴ"""
    _, v = _unpack_eigen(packed)
    return solve(adjoint(v), g[..., :, None] * adjoint(v))


_eig_values = Primitive("eigenvalues", _first_row, (_eig_values_vjp, None), code="{1}[..., 0, :]")


@composition(np.linalg.eig)
def _eig(a: Any) -> Any:
    packed = eig(a)
    values, vectors = _eig_values(a, packed), _unpack_eigen(packed)[1]
    if _are_real(a, values):
        values, vectors = np.real(values), np.real(vectors)
    return _EigResult(values, vectors)


def _are_real(a: Any, values: Any) -> bool:
    """Whether the eigenvalues of a real matrix are real, so that NumPy gives real numbers. For all numbers nobody can say."""
    are_real = np.all(np.imag(values) == 0)
    return a.dtype.kind != "c" and not hasattr(are_real, "__record_primitive__") and bool(are_real)


def _eigvals_vjp(g: Any, out: Any, a: Any) -> Any:
    return _eig_values_vjp(g, out, a, eig(a))


eigvals: Primitive = operation(
    lambda a: np.linalg.eigvals(a) + 0j,
    _eigvals_vjp,
    name="eigvals", code="np.linalg.eigvals({0}) + 0j", latex=r"\operatorname{{eigvals}} {0}",
    domain=(well_conditioned,), cases=[case((3, 3)), case((1, 1)), case((2, 3, 3))],
)  # fmt: skip


@composition(np.linalg.eigvals)
def _eigvals(a: Any) -> Any:
    values = eigvals(a)
    return np.real(values) if _are_real(a, values) else values


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
    s, k = _real(s), s.shape[-1]
    u, g_u = _shared(all_u, g_all_u, k)
    v, g_v = _shared(adjoint(all_vh), adjoint(g_all_vh), k)
    row, column = s[..., None, :], s[..., :, None]
    f = _reciprocal_differences(s, _matters(g_u) | _matters(g_v)) / (row + column + np.eye(k))
    reciprocal = 1 / np.where(row <= _negligible(s)[..., None], np.nan, row)
    turned_u, turned_v = adjoint(u) @ g_u, adjoint(v) @ g_v
    twist_u, twist_v = turned_u - adjoint(turned_u), turned_v - adjoint(turned_v)
    inner = _diagonal(g_s[..., None, :]) + f * twist_u * row + column * f * twist_v
    if a.dtype.kind == "c":  # u carries the common phase of u and v
        inner = inner + 0.5 * _diagonal(twist_u) * reciprocal
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
    "singular_values",
    lambda a, packed, full_matrices, start, end: packed[..., start:end],
    (_singular_values_vjp, None),
    code="{1}[..., {start}:{end}]",
)


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
    return _SVDResult(u, _real(s), vh)


def _hermitian_svd(a: Any, compute_uv: bool) -> Any:
    """Singular values are not negative: a Hermitian matrix has its eigenvalues without their signs, which its vectors take over."""
    if not compute_uv:
        return np.sort(np.absolute(eigvalsh(a)))[..., ::-1]
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
    rank = np.sum(_real(s) > negligible * _real(s)[:1], dtype=np.int32)
    if not hasattr(rank, "__record_primitive__") and rank < min(a.shape):
        raise UnsupportedError(
            f"np.linalg.lstsq has no derivative where the matrix is not of full rank; this one, of shape {a.shape}, has rank "
            f"{rank}. Leave out the columns that depend on others, or add a small multiple of the identity."
        )
    return (x[:, 0] if b.ndim == 1 else x), _real(sums), rank, _real(s)
