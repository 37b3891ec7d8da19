"""Inverses and determinants of matrices, and of stacks of matrices, and the equations that they solve.

The formulas are those collected by Giles, "An extended collection of matrix derivative results" (2008). Written ā for the gradient
of a, they are given at each rule.

Most functions of a complex matrix have a complex derivative, so that their rules, with plain transposes, hold as they are. Where
a formula has adjoints (conjugated transposes), as that of the pseudoinverse, its rule is marked `in_adjoints`.
"""

import itertools
import math
from collections.abc import Sequence
from functools import wraps
from typing import Any

import numpy as np

from tinygrad_edu.primitives.linear_algebra import conjugate, transposed
from tinygrad_edu.primitives.primitive import EachInput, Primitive, Rule, case
from tinygrad_edu.primitives.shaping import as_operand
from tinygrad_edu.primitives.stacking import aligned
from tinygrad_edu.primitives.table import composition, operation

SQUARE = [case((3, 3)), case((1, 1)), case((2, 3, 3)), case((0, 2, 2))]


def well_conditioned(x: Any) -> Any:
    """A matrix far from singular, of any matrix with elements in (-1, 1)."""
    rows, columns = x.shape[-2:]
    return x + (1 + np.maximum(rows, columns)) * np.eye(rows, columns) * np.arange(1, columns + 1)


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


def _solve_vjp(g: Any, out: Any, a: Any, b: Any) -> Any:
    to_b = solve(transposed(a), g)
    return -np.outer(to_b, out) if b.ndim == 1 else -to_b @ transposed(out)


def _solve_stacks(are_stacks: Sequence[bool], a: Any, b: Any) -> Any:
    """Systems are solved side by side; a stack of vectors for one matrix is the rows of a matrix, transposed its columns."""
    ndims = [x.ndim - is_stack for x, is_stack in zip((a, b), are_stacks, strict=True)]
    if ndims[1] == 1:
        return NotImplemented if are_stacks[0] else transposed(solve(a, transposed(b)))
    return solve(*(aligned(x, max(ndims)) if is_stack else x for x, is_stack in zip((a, b), are_stacks, strict=True)))


# A rule of its own, since np.linalg.inv(a) @ b is slower and less exact. x = a⁻¹b: b̄ = a⁻ᵀ x̄ and ā = -b̄ xᵀ.
solve: Primitive = operation(
    np.linalg.solve,
    _solve_vjp,
    lambda g, out, a, b: solve(transposed(a), g),
    on_stacks=_solve_stacks, name="solve", result="solution", latex="{{{0}}}^{{-1}} {1}", domain=(well_conditioned, (-2, 2)),
    cases=[
        case((3, 3), (3, 2)), case((2, 3, 3), (3, 2)), case((3, 3), (2, 3, 1)), case((2, 1, 3, 3), (4, 3, 2)), case((3, 3), (3,)),
    ],
)  # fmt: skip


@composition(np.linalg.solve)
def _solve(a: Any, b: Any) -> Any:
    b = as_operand(b)
    return solve(a, b[:, None])[..., 0] if b.ndim == 1 and a.ndim > 2 else solve(a, b)


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
    """det(a) a⁻ᵀ, the determinants of the minors with their signs. A singular matrix has them, too, but no inverse."""
    determinant = np.linalg.det(a)
    if np.all(determinant != 0):
        return determinant[..., None, None] * transposed(np.linalg.inv(a))
    return cofactors_along(a)


def cofactors_along(a: Any, *directions: Any) -> Any:
    """The derivative of the cofactors of a along directions, from a = u diag(s) vᴴ: of a diagonal matrix one can write it down.

    With k directions h it is the derivative of det by a at (i, j) and along them, a sum over all permutations π of k + 1 places:
    Σ sign(π) Π[s without those at the places i] h₁[i₁, π(i₁)] ⋯ hₖ[iₖ, π(iₖ)], which is at i₀ and π(i₀).
    """
    u, s, vh = np.linalg.svd(a)
    turned = [adjoint(u) @ h @ adjoint(vh) for h in directions]
    places, rest = "abcdefghij"[: len(directions) + 1], _products_without(s, len(directions) + 1)
    inner = np.zeros_like(a)
    for order in itertools.permutations(places):
        parity = (-1) ** sum(left > right for left, right in itertools.combinations(order, 2))
        factors = [f"...{places}", *(f"...{row}{column}" for row, column in zip(places[1:], order[1:], strict=True))]
        result = "a" if order[0] == "a" else f"a{order[0]}"
        part = parity * np.einsum(f"{','.join(factors)}->...{result}", rest, *turned)
        inner = inner + (np.eye(s.shape[-1], dtype=s.dtype) * part[..., None, :] if order[0] == "a" else part)
    determinants = (np.linalg.det(u) * np.linalg.det(vh))[..., None, None]
    return determinants * conjugate(u) @ inner @ conjugate(vh)


def _products_without(s: Any, count: int) -> Any:
    """For so many different places in the last axis the product of what is at all others; 0 where the places are not different."""
    n = s.shape[-1]
    for _ in range(count - 1):
        s = np.where(np.eye(n, dtype=bool), np.ones((), s.dtype), s[..., None, :])
    first = np.ones_like(s[..., :1])
    before = np.cumprod(np.concatenate([first, s[..., :-1]], axis=-1), axis=-1)
    after = np.cumprod(np.concatenate([first, s[..., :0:-1]], axis=-1), axis=-1)[..., ::-1]
    products = before * after
    for left, right in itertools.combinations(np.ogrid[(slice(n),) * count], 2):
        products = products * (left != right)
    return products


# The derivatives of a determinant. Entries, so that only their functions, and not the record, depend on whether it vanishes.
cofactors: Primitive = operation(
    _cofactors, lambda g, out, a: derived_cofactors(a, g),
    name="cofactors", jax="jax.grad(lambda a: np.sum(np.linalg.det(a)))({0})", latex=r"\operatorname{{cof}} {0}",
    domain=(well_conditioned,), cases=SQUARE,
)  # fmt: skip


def _derived_cofactors_vjp(g: Any, out: Any, a: Any, *directions: Any, position: int) -> Any:
    """One direction more for a; for a direction the same with g in its place, since it does not matter which is which."""
    return derived_cofactors(a, *directions[: max(position - 1, 0)], *directions[position:], g)


derived_cofactors: Primitive = operation(
    cofactors_along, EachInput(_derived_cofactors_vjp),
    latex=r"\operatorname{{cof}}' ({inputs})", domain=(well_conditioned, (-2, 2)),
    cases=[case((3, 3), (3, 3)), case((1, 1), (1, 1)), case((2, 2, 2), (2, 2, 2)), case((3, 3), (3, 3), (3, 3))],
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
