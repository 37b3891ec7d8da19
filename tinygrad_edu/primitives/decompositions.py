"""Inverses, determinants and factorizations of matrices, and of stacks of matrices, in real numbers.

An operation gives one array, so those with several results (eigh, svd, qr) pack them into one, which the composition of NumPy's
name takes apart again. The formulas are those collected by Giles, "An extended collection of matrix derivative results" (2008),
and by Townsend, "Differentiating the singular value decomposition" (2016). Written a ↦ ā for the gradient of a, and
with F for the differences in a denominator, they are given at each rule.

A factorization is differentiable where it is unique. Eigenvectors and singular vectors are unique up to their sign where no two
values are equal; a function of them has a meaningful gradient only if it does not depend on that choice.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu.errors import UnsupportedError
from tinygrad_edu.primitive import Primitive, case, composition, operation
from tinygrad_edu.primitives.linear_algebra import transposed

SQUARE = [case((3, 3)), case((1, 1)), case((2, 3, 3)), case((0, 2, 2))]


def well_conditioned(x: Any) -> Any:
    """A matrix far from singular, of any matrix with elements in (-1, 1)."""
    rows, columns = x.shape[-2:]
    return x + (1 + np.maximum(rows, columns)) * np.eye(rows, columns) * np.arange(1, columns + 1)


def positive_definite(x: Any) -> Any:
    """A symmetric matrix with positive eigenvalues that are far apart."""
    symmetric = 0.5 * (x + np.swapaxes(x, -1, -2))
    return symmetric + np.diag(2.0 * x.shape[-1] * np.arange(1, x.shape[-1] + 1))


def _symmetric(x: Any) -> Any:
    return 0.5 * (x + transposed(x))


def _inverse_or_zero(x: Any) -> Any:
    """1 / x, and 0 where x is 0."""
    return np.where(x == 0, 0.0, 1 / np.where(x == 0, 1.0, x))


def _real_only(name: str, a: Any) -> None:
    if a.dtype.kind == "c":
        raise UnsupportedError(f"np.linalg.{name} is differentiated for real matrices only, but got dtype {a.dtype}.")


# --- inverses ----------------------------------------------------------------------------------------------------------------

# d(a⁻¹) = -a⁻¹ da a⁻¹
inv: Primitive = operation(
    np.linalg.inv,
    lambda g, out, a: -transposed(out) @ g @ transposed(out),
    name="inv", numpy=[np.linalg.inv], latex="{{{0}}}^{{-1}}", domain=(well_conditioned,), cases=SQUARE,
)  # fmt: skip

# A rule of its own, since np.linalg.inv(a) @ b is slower and less exact. x = a⁻¹b: b̄ = a⁻ᵀ x̄ and ā = -b̄ xᵀ.
solve: Primitive = operation(
    np.linalg.solve,
    lambda g, out, a, b: -solve(transposed(a), g) @ transposed(out),
    lambda g, out, a, b: solve(transposed(a), g),
    name="solve", latex="{{{0}}}^{{-1}} {1}", domain=(well_conditioned, (-2, 2)),
    cases=[case((3, 3), (3, 2)), case((2, 3, 3), (3, 2)), case((3, 3), (2, 3, 1)), case((2, 1, 3, 3), (4, 3, 2))],
)  # fmt: skip


@composition(np.linalg.solve)
def _solve(a: Any, b: Any) -> Any:
    return solve(a, b[:, None])[..., 0] if np.ndim(b) == 1 else solve(a, b)


# For matrices whose rank does not change nearby (Golub & Pereyra, 1973).
def _pinv_vjp(g: Any, out: Any, a: Any, rcond: Any = None) -> Any:
    p, pt, gt = out, transposed(out), transposed(g)
    outside_rows, outside_columns = np.eye(a.shape[-2]) - a @ p, np.eye(a.shape[-1]) - p @ a
    return -pt @ g @ pt + outside_rows @ gt @ p @ pt + pt @ p @ gt @ outside_columns


pinv: Primitive = operation(
    lambda a, rcond=None: np.linalg.pinv(a, rcond),
    _pinv_vjp,
    name="pinv", latex="{{{0}}}^+", domain=(well_conditioned,), cases=[case((3, 2)), case((2, 3)), case((2, 3, 3))],
)  # fmt: skip


@composition(np.linalg.pinv)
def _pinv(a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Any:
    _real_only("pinv", a)
    return pinv(_symmetric(a) if hermitian else a, rcond=rcond if rtol is None else rtol)


@composition(np.linalg.lstsq)
def _lstsq(a: Any, b: Any, rcond: float | None = None) -> Any:
    """By QR, which is as well conditioned as the problem: a = qr gives x = r⁻¹qᵀb, and aᵀ = qr gives x = q r⁻ᵀb."""
    plain = getattr(a, "_data", a)
    rows, columns = plain.shape
    *_, rank, singular_values = np.linalg.lstsq(plain, np.zeros(rows), rcond)
    if rank < min(rows, columns):
        raise UnsupportedError(
            f"np.linalg.lstsq has no derivative where the matrix is not of full rank; this one, of shape {plain.shape}, has rank "
            f"{rank}. Leave out the columns that depend on others, or add a small multiple of the identity."
        )
    matrix = b[:, None] if b.ndim == 1 else b
    if rows >= columns:
        q, r = np.linalg.qr(a)
        x = solve(r, transposed(q) @ matrix)
    else:
        q, r = np.linalg.qr(transposed(a))
        x = q @ solve(transposed(r), matrix)
    residuals = np.sum((matrix - a @ x) ** 2, axis=0) if rows > columns else np.zeros(0)
    return (x[:, 0] if b.ndim == 1 else x), residuals, rank, singular_values


@composition(np.linalg.tensorinv)
def _tensorinv(a: Any, ind: int = 2) -> Any:
    rows = int(np.prod(a.shape[:ind]))
    return inv(a.reshape(rows, -1)).reshape(*a.shape[ind:], *a.shape[:ind])


@composition(np.linalg.tensorsolve)
def _tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    if axes is not None:
        a = np.moveaxis(a, tuple(axes), tuple(range(a.ndim - len(axes), a.ndim)))
    return solve(a.reshape(b.size, -1), b.reshape(-1, 1)).reshape(a.shape[b.ndim :])


# --- determinants ------------------------------------------------------------------------------------------------------------


def _cofactors(a: Any, determinant: Any) -> Any:
    """The derivatives of the determinant: det(a) a⁻ᵀ, or for a singular matrix the determinants of the minors, with their signs."""
    if np.all(determinant != 0):
        return determinant[..., None, None] * transposed(inv(a))
    n = a.shape[-1]
    others = np.array([[k for k in range(n) if k != left_out] for left_out in range(n)], dtype=int).reshape(n, n - 1)
    minors = a[..., others[:, None, :, None], others[None, :, None, :]]
    return det(minors) * (-1.0) ** np.add.outer(np.arange(n), np.arange(n))


det: Primitive = operation(
    np.linalg.det,
    lambda g, out, a: g[..., None, None] * _cofactors(a, out),
    name="det", numpy=[np.linalg.det], latex=r"\det {0}", domain=(well_conditioned,), cases=SQUARE,
)  # fmt: skip

logabsdet: Primitive = operation(
    lambda a: np.linalg.slogdet(a)[1],
    lambda g, out, a: g[..., None, None] * transposed(inv(a)),
    name="logabsdet", code="np.linalg.slogdet({0})[1]", latex=r"\ln \left|\det {0}\right|",
    domain=(well_conditioned,), cases=SQUARE,
)  # fmt: skip
signdet: Primitive = operation(
    lambda a: np.linalg.slogdet(a)[0],
    None,
    name="signdet", code="np.linalg.slogdet({0})[0]", latex=r"\operatorname{{sign}} \det {0}", cases=SQUARE,
)  # fmt: skip


@composition(np.linalg.slogdet)
def _slogdet(a: Any) -> Any:
    _real_only("slogdet", a)
    return _SlogdetResult(signdet(a), logabsdet(a))


# --- factorizations ----------------------------------------------------------------------------------------------------------

# NumPy's own result types, which have no public name.
_EighResult: Callable[..., Any] = type(np.linalg.eigh(np.eye(1)))
_SVDResult: Callable[..., Any] = type(np.linalg.svd(np.eye(1)))
_QRResult: Callable[..., Any] = type(np.linalg.qr(np.eye(1)))
_SlogdetResult: Callable[..., Any] = type(np.linalg.slogdet(np.eye(1)))


def _half_lower(x: Any) -> Any:
    """The lower triangle with half the diagonal: with its own transpose it makes a symmetric matrix."""
    return np.tril(x) - 0.5 * x * np.eye(x.shape[-1])


def _between_inverses(lower: Any, x: Any) -> Any:
    """l⁻ᵀ x l⁻¹"""
    left = solve(transposed(lower), x)
    return transposed(solve(transposed(lower), transposed(left)))


# Murray, "Differentiation of the Cholesky decomposition" (2016): ā = l⁻ᵀ Φ(lᵀ l̄) l⁻¹, made symmetric.
cholesky: Primitive = operation(
    lambda a: np.linalg.cholesky(0.5 * (a + np.swapaxes(a, -1, -2))),
    lambda g, out, a: _symmetric(_between_inverses(out, _half_lower(transposed(out) @ g))),
    name="cholesky", code="np.linalg.cholesky(0.5 * ({0} + np.swapaxes({0}, -1, -2)))", latex=r"\operatorname{{chol}} {0}",
    domain=(positive_definite,), cases=SQUARE,
)  # fmt: skip


@composition(np.linalg.cholesky)
def _cholesky(a: Any, /, *, upper: bool = False) -> Any:
    _real_only("cholesky", a)
    return transposed(cholesky(a)) if upper else cholesky(a)


def _pack_eigh(a: Any) -> Any:
    values, vectors = np.linalg.eigh(0.5 * (a + np.swapaxes(a, -1, -2)))
    return np.concatenate([values[..., None, :], vectors], axis=-2)


def _eigh_vjp(g: Any, out: Any, a: Any) -> Any:
    """ā = v (diag(w̄) + F ∘ vᵀv̄) vᵀ with F[i, j] = 1 / (w[j] - w[i])."""
    values, vectors, g_values, g_vectors = out[..., 0, :], out[..., 1:, :], g[..., 0, :], g[..., 1:, :]
    f = _inverse_or_zero(values[..., None, :] - values[..., :, None])
    inner = np.eye(a.shape[-1]) * g_values[..., None, :] + f * (transposed(vectors) @ g_vectors)
    return _symmetric(vectors @ inner @ transposed(vectors))


_EIGH_CODE = "(lambda w, v: np.concatenate([w[..., None, :], v], axis=-2))(*np.linalg.eigh(0.5 * ({0} + np.swapaxes({0}, -1, -2))))"

# The first row of the result holds the eigenvalues, the others the eigenvectors, in columns.
eigh: Primitive = operation(
    _pack_eigh, _eigh_vjp,
    name="eigh", code=_EIGH_CODE, latex=r"\operatorname{{eigh}} {0}", domain=(positive_definite,),
    cases=[case((3, 3)), case((1, 1)), case((2, 3, 3))],
)  # fmt: skip


@composition(np.linalg.eigh)
def _eigh(a: Any, UPLO: str = "L") -> Any:
    _real_only("eigh", a)
    packed = eigh(a)
    return _EighResult(packed[..., 0, :], packed[..., 1:, :])


@composition(np.linalg.eigvalsh)
def _eigvalsh(a: Any, UPLO: str = "L") -> Any:
    return _eigh(a, UPLO)[0]


def _packed(batch: tuple[int, ...], *parts: Any) -> Any:
    """The results for each matrix of a stack, side by side in one vector."""
    return np.concatenate([part.reshape(*batch, int(np.prod(part.shape[len(batch) :]))) for part in parts], axis=-1)


def _unpack_svd(packed: Any, m: int, n: int) -> tuple[Any, Any, Any]:
    k, batch = min(m, n), packed.shape[:-1]
    u, s, vh = packed[..., : m * k], packed[..., m * k : m * k + k], packed[..., m * k + k :]
    return u.reshape(*batch, m, k), s, vh.reshape(*batch, k, n)


def _pack_svd(a: Any) -> Any:
    u, s, vh = np.linalg.svd(a, full_matrices=False)
    return _packed(a.shape[:-2], u, s, vh)


def _svd_vjp(g: Any, out: Any, a: Any) -> Any:
    """Townsend, formula (8): the part within the spaces of the singular vectors, and what sticks out of them."""
    u, s, vh = _unpack_svd(out, *a.shape[-2:])
    g_u, g_s, g_vh = _unpack_svd(g, *a.shape[-2:])
    ut, v, g_v = transposed(u), transposed(vh), transposed(g_vh)
    row, column = s[..., None, :], s[..., :, None]
    f = _inverse_or_zero(row**2 - column**2)
    turned_u, turned_v = ut @ g_u, vh @ g_v
    inner = f * (turned_u - transposed(turned_u)) * row + column * f * (turned_v - transposed(turned_v))
    inner = inner + np.eye(s.shape[-1]) * g_s[..., None, :]
    beside_u = (g_u - u @ turned_u) * _inverse_or_zero(row)
    beside_v = (g_v - v @ turned_v) * _inverse_or_zero(row)
    return (u @ inner + beside_u) @ vh + u @ transposed(beside_v)


_SVD_CODE = (
    "(lambda u, s, vh: np.concatenate([u.reshape(*s.shape[:-1], -1), s, vh.reshape(*s.shape[:-1], -1)], axis=-1))"
    "(*np.linalg.svd({0}, full_matrices=False))"
)

svd: Primitive = operation(
    _pack_svd, _svd_vjp,
    name="svd", code=_SVD_CODE, latex=r"\operatorname{{svd}} {0}", domain=(well_conditioned,),
    cases=[case((3, 3)), case((3, 2)), case((2, 3)), case((2, 3, 2)), case((1, 1))],
)  # fmt: skip


@composition(np.linalg.svd)
def _svd(a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Any:
    _real_only("svd", a)
    m, n = a.shape[-2:]
    parts = _unpack_svd(svd(_symmetric(a) if hermitian else a), m, n)
    if not compute_uv:
        return parts[1]
    if full_matrices and m != n:
        raise UnsupportedError(
            f"np.linalg.svd of matrices of shape {(m, n)} adds singular vectors that are not unique, and so have no derivative; "
            "call it with full_matrices=False."
        )
    return _SVDResult(*parts)


@composition(np.linalg.svdvals)
def _svdvals(x: Any, /) -> Any:
    return np.linalg.svd(x, compute_uv=False)


def _pack_qr(a: Any) -> Any:
    q, r = np.linalg.qr(a)
    return _packed(a.shape[:-2], q, r)


def _unpack_qr(packed: Any, m: int, n: int) -> tuple[Any, Any]:
    batch = packed.shape[:-1]
    return packed[..., : m * n].reshape(*batch, m, n), packed[..., m * n :].reshape(*batch, n, n)


def _qr_vjp(g: Any, out: Any, a: Any) -> Any:
    """ā = (q̄ + q S) r⁻ᵀ, S the symmetric matrix with the lower triangle of r r̄ᵀ - q̄ᵀq (Walter & Lehmann, 2010)."""
    q, r = _unpack_qr(out, *a.shape[-2:])
    g_q, g_r = _unpack_qr(g, *a.shape[-2:])
    half = _half_lower(r @ transposed(g_r) - transposed(g_q) @ q)
    return transposed(solve(r, transposed(g_q + q @ (half + transposed(half)))))


_QR_CODE = (
    "(lambda q, r: np.concatenate([q.reshape(*q.shape[:-2], -1), r.reshape(*r.shape[:-2], -1)], axis=-1))(*np.linalg.qr({0}))"
)

# For matrices with at least as many rows as columns.
qr: Primitive = operation(
    _pack_qr, _qr_vjp,
    name="qr", code=_QR_CODE, latex=r"\operatorname{{qr}} {0}", domain=(well_conditioned,),
    cases=[case((3, 3)), case((3, 2)), case((2, 3, 2)), case((1, 1))],
)  # fmt: skip


@composition(np.linalg.qr)
def _qr(a: Any, mode: str = "reduced") -> Any:
    _real_only("qr", a)
    m, n = a.shape[-2:]
    if mode not in ("reduced", "r") and not (mode == "complete" and m <= n):
        raise UnsupportedError(
            f"np.linalg.qr(..., mode={mode!r}) of matrices of shape {(m, n)} has no derivative here: columns that are not unique, "
            "or NumPy's internal form. Use mode='reduced'."
        )
    k = min(m, n)
    q, r = _unpack_qr(qr(a[..., :, :k]), m, k)
    if n > k:  # the further columns are only turned
        r = np.concatenate([r, transposed(q) @ a[..., :, k:]], axis=-1)
    return r if mode == "r" else _QRResult(q, r)
