"""Factorizations of matrices with eigenvalues or singular values that are equal: the gradient is right, or NaN."""

import numpy as np
import pytest

import tinygrad_edu as tg

TURN = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
EQUAL = {
    "identity": np.eye(2),
    "twice the identity": 2 * np.eye(3),
    "nothing": np.zeros((2, 2)),
    "two of three": np.diag([5.0, 1.0, 1.0]),
    "rank one": np.diag([5.0, 0.0, 0.0]),
    "all ones": np.ones((3, 3)),
    "two of three, turned": TURN @ np.diag([2.0, 2.0, 5.0]) @ TURN.T,  # equal up to rounding
}
matrices = pytest.mark.parametrize("a", EQUAL.values(), ids=EQUAL)


def lower(gradient):
    """The gradient for the triangle that is read, of that for a matrix whose triangles both count."""
    return np.tril(gradient) + np.tril(gradient.T, -1)


def of_eigh(a):
    values, v = np.linalg.eigh(a)
    return (v * values) @ v.T


def of_eig(a):
    values, v = np.linalg.eig(a)
    return np.real((v * values) @ np.linalg.inv(v))


def of_svd(a):
    u, s, vh = np.linalg.svd(a, full_matrices=False)
    return (u * s) @ vh


def is_right_or_nan(got, right):
    return np.all(np.isnan(got) | np.isclose(got, right, rtol=1e-9, atol=1e-9))


@matrices
@pytest.mark.parametrize(("put_together", "right"), [(of_eigh, lower), (of_eig, np.asarray), (of_svd, np.asarray)])
def test_what_is_put_together_again_has_no_wrong_gradient(put_together, right, a):
    weights = np.arange(1.0, 1 + a.size).reshape(a.shape)
    gradient = tg.grad(lambda a: np.sum(put_together(a) * weights))
    compiled = gradient if put_together is of_eig else tg.compile(gradient)  # whether eig gives real numbers depends on them
    with np.errstate(all="ignore"):
        assert is_right_or_nan(gradient(a), right(weights))
        assert is_right_or_nan(compiled(a), right(weights))
        slope = tg.jvp(lambda a: np.sum(put_together(a) * weights), a, np.eye(len(a)))[1]
    assert is_right_or_nan(slope, np.trace(weights))


@pytest.mark.parametrize("a", [np.diag([1.0, 2.0, 3.0]), np.diag([1.0, 2.0, 0.0]), TURN @ np.diag([1.0, 2.0, 5.0]) @ TURN.T])
@pytest.mark.parametrize(("put_together", "right"), [(of_eigh, lower), (of_eig, np.asarray), (of_svd, np.asarray)])
def test_where_no_two_values_are_equal_what_is_put_together_again_has_its_gradient(put_together, right, a):
    np.testing.assert_allclose(tg.grad(lambda a: np.sum(put_together(a)))(a), right(np.ones((3, 3))), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("a", [np.zeros((3, 2)), np.eye(3, 2), np.ones((3, 2)), np.zeros((2, 3)), np.ones((2, 3)), TURN[:2]])
def test_what_is_put_together_again_of_a_matrix_that_is_not_square_has_no_wrong_gradient(a):
    with np.errstate(all="ignore"):
        assert is_right_or_nan(tg.grad(lambda a: np.sum(of_svd(a)))(a), np.ones(a.shape))
        assert is_right_or_nan(tg.grad(lambda a: np.sum(of_svd(a + 0j).real))(a), np.ones(a.shape))


@matrices
@pytest.mark.parametrize(
    ("values", "both"),
    [
        (np.linalg.eigvalsh, False),
        (lambda a: np.linalg.eigh(a)[0], False),
        (lambda a: np.linalg.eigh(a, "U")[0].T, None),
        (lambda a: np.real(np.linalg.eigvals(a)), True),
        (lambda a: np.real(np.linalg.eig(a)[0]), True),
        (np.linalg.svdvals, True),
        (lambda a: np.linalg.svd(a)[1], True),
        (lambda a: np.linalg.svd(a, full_matrices=False)[1], True),
    ],
)
def test_functions_of_the_values_that_treat_them_alike_have_their_gradient(values, both, a):
    """The sum of their squares is tr(a²)."""
    gradient = tg.grad(lambda a: np.sum(values(a) ** 2))(a)
    expected = 2 * a if both else lower(2 * a) if both is False else lower(2 * a).T
    np.testing.assert_allclose(gradient, expected, rtol=1e-9, atol=1e-9)


def test_the_vector_of_a_value_that_no_other_equals_has_its_gradient():
    """The first-order change of v₀v₀ᵀ is Σ v₀ᵀ da vᵢ / (w₀ - wᵢ) (v₀vᵢᵀ + vᵢv₀ᵀ)."""
    weights = np.arange(9.0).reshape(3, 3)
    expected = np.zeros((3, 3))
    expected[0, 1:] = expected[1:, 0] = (weights + weights.T)[0, 1:] / 4 / 2
    a = np.diag([5.0, 1.0, 1.0])
    by_eigh = tg.grad(lambda a: np.sum(weights * np.outer(np.linalg.eigh(a)[1][:, 2], np.linalg.eigh(a)[1][:, 2])))(a)
    np.testing.assert_allclose(by_eigh, lower(expected), rtol=1e-12)

    def by_svd(a):
        u = np.linalg.svd(a)[0][:, 0]
        return np.sum(weights * np.outer(u, u))

    difference = [(by_svd(a + 1e-6 * e) - by_svd(a - 1e-6 * e)) / 2e-6 for e in np.eye(9).reshape(9, 3, 3)]
    np.testing.assert_allclose(tg.grad(by_svd)(a), np.reshape(difference, (3, 3)), atol=1e-8)


def test_the_second_derivative_of_functions_of_equal_values_is_nan():
    """Away from the identity, that of tr(a²) is 2: the rule would need the differences of equal values."""
    with np.errstate(all="ignore"):
        hessian = tg.hessian(lambda a: np.sum(np.linalg.eigvalsh(a) ** 2))(np.eye(2))
        assert np.isnan(hessian[1, 0, 1, 0])
        assert np.isnan(tg.hessian(lambda a: np.sum(np.linalg.svdvals(a) ** 2))(np.eye(2)))[1, 0, 1, 0]
    hessian = tg.hessian(lambda a: np.sum(np.linalg.eigvalsh(a) ** 2))(np.diag([1.0, 2.0]))
    np.testing.assert_allclose([hessian[0, 0, 0, 0], hessian[1, 0, 1, 0]], [2, 4], rtol=1e-12)


def test_a_matrix_without_a_basis_of_eigenvectors_has_no_wrong_gradient():
    a = np.array([[1.0, 1.0], [0.0, 1.0]])
    with np.errstate(all="ignore"):
        assert np.all(np.isnan(tg.grad(lambda a: np.sum(of_eig(a)))(a)))
    np.testing.assert_allclose(tg.grad(lambda a: np.sum(np.real(np.linalg.eigvals(a))))(a), np.eye(2), atol=1e-12)


def test_least_squares_with_equal_singular_values_has_its_second_derivative():
    hessian = tg.hessian(lambda a: np.sum(np.linalg.lstsq(a, np.array([1.0, 2.0, 3.0]))[0]))

    def normal_equations(a):
        return np.sum(np.linalg.solve(a.T @ a, a.T @ np.array([1.0, 2.0, 3.0])))

    np.testing.assert_allclose(hessian(np.eye(3, 2)), tg.hessian(normal_equations)(np.eye(3, 2)), atol=1e-12)
