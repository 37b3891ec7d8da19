"""Eigenvalues and eigenvectors of matrices, and of stacks of matrices: eigh and eig; and what all factorizations share.

An operation gives one array, so those with several results pack them into one, which the composition of NumPy's name takes apart
again. Written ā for the gradient of a, and F for the matrix of the reciprocal differences of eigenvalues, the formulas are given at
each rule, with adjoints (conjugated transposes), so that they hold for real and for complex matrices.

Eigenvectors are unique up to their sign (a complex one: up to its phase) where no two values are equal. Where two values are equal
(up to rounding), functions of the values that treat them alike still have their gradient, and so have functions of the vectors of
other values. That of a function of their own vectors is NaN: it may exist, as that of v diag(w) vᴴ, but does not follow from what
arrives here.

Of a symmetric (Hermitian) matrix NumPy reads one triangle only, and so do these: all of the gradient goes to that triangle, and the
other one's is zero.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu.primitives.elementwise import corner
from tinygrad_edu.primitives.inverses import adjoint, half_lower, hermitian, in_adjoints, solve, well_conditioned
from tinygrad_edu.primitives.primitive import Primitive, case
from tinygrad_edu.primitives.table import composition, operation

# NumPy's own result types, which have no public name.
_EighResult: Callable[..., Any] = type(np.linalg.eigh(np.eye(1)))
_EigResult: Callable[..., Any] = type(np.linalg.eig(np.eye(1)))


def positive_definite(x: Any) -> Any:
    """A symmetric matrix with positive eigenvalues that are far apart."""
    return hermitian(x) + np.diag(2.0 * x.shape[-1] * np.arange(1, x.shape[-1] + 1))


def diagonal_matrix(x: Any) -> Any:
    """Vectors as the diagonals of matrices, or matrices without what is beside their diagonals."""
    return np.eye(x.shape[-1]) * x


def as_read(x: Any, UPLO: str) -> Any:
    """The gradient for the triangle that was read, of that for the whole matrix: what stands there counts at both places."""
    lower = half_lower(x + adjoint(x))
    return lower if UPLO in "lL" else adjoint(lower)


def real_values(x: Any) -> Any:
    """Values that are real, but complex numbers where they were packed with vectors that are not."""
    return np.real(x) if x.dtype.kind == "c" else x


def _pack_eigen(values: Any, vectors: Any) -> Any:
    """The eigenvalues as a row above the eigenvectors, which are columns."""
    return np.concatenate([values[..., None, :], vectors], axis=-2)


def _unpack_eigen(packed: Any) -> tuple[Any, Any]:
    return packed[..., 0, :], packed[..., 1:, :]


def negligible(values: Any) -> Any:
    """Below this the difference of two values is nothing but rounding, as is a value itself."""
    rounding = 8 * values.shape[-1] * np.finfo(values.dtype).eps
    return rounding * np.max(np.absolute(values), axis=-1, keepdims=True, initial=0.0)


def which_matter(g_vectors: Any) -> Any:
    """Which of the vectors something depends on."""
    return np.any(g_vectors != 0, axis=-2)


def reciprocal_differences(values: Any, matters: Any) -> Any:
    """F[i, j] = 1 / (w[j] - w[i]), and 0 where i = j. Of two equal values it is NaN, or 0 if the vectors of neither matter.

    Those of a value that is zero always do: what depends on them is usually multiplied with it, so that it cannot be told.
    """
    differences = values[..., None, :] - values[..., :, None]
    are_same, are_equal = np.eye(values.shape[-1], dtype=bool), np.absolute(differences) <= negligible(values)[..., None]
    matters = matters | (np.absolute(values) <= negligible(values))
    is_unknown = are_equal & ~are_same & (matters[..., None, :] | matters[..., :, None])
    reciprocals = corner(1 / np.where(are_equal, np.inf, differences), np.where(are_same, 1.0, differences * ~are_equal))
    return np.where(is_unknown, np.nan, reciprocals)


# Giles, section 3.1
@in_adjoints
def _eigh_vjp(g: Any, out: Any, a: Any, UPLO: str = "L") -> Any:
    """ā = v (diag(w̄) + F ∘ vᴴv̄) vᴴ for the triangle that was read"""
    (values, v), (g_values, g_v) = _unpack_eigen(out), _unpack_eigen(g)
    inner = diagonal_matrix(g_values[..., None, :]) + reciprocal_differences(values, which_matter(g_v)) * (adjoint(v) @ g_v)
    return as_read(v @ hermitian(inner) @ adjoint(v), UPLO)


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
    return as_read(v * g[..., None, :] @ adjoint(v), UPLO)


def _first_row(a: Any, packed: Any, **options: Any) -> Any:
    return packed[..., 0, :]


# The values that `eigh` has found. Unlike its vectors they have a gradient also where some are equal.
_eigenvalues = Primitive(_first_row, _eigenvalues_vjp, None, name="eigenvalues", code="{1}[..., 0, :]")


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
    return _EighResult(real_values(_eigenvalues(a, packed, UPLO=UPLO)), _unpack_eigen(packed)[1])


# Boeddeker et al., "On the computation of complex-valued gradients with application to statistically optimum beamforming" (2017),
# section 4.6. The second term in the bracket keeps the length of the vectors at one.
@in_adjoints
def _eig_vjp(g: Any, out: Any, a: Any) -> Any:
    """ā = v⁻ᴴ (diag(w̄) + conj(F) ∘ (vᴴv̄ - vᴴv diag(vᴴv̄))) vᴴ"""
    (values, v), (g_values, g_v) = _unpack_eigen(out), _unpack_eigen(g)
    turned = adjoint(v) @ g_v
    across = turned - adjoint(v) @ v @ diagonal_matrix(turned)
    inner = diagonal_matrix(g_values[..., None, :]) + np.conjugate(reciprocal_differences(values, np.True_)) * across
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


_eig_values = Primitive(_first_row, _eig_values_vjp, None, name="eigenvalues", code="{1}[..., 0, :]")


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
