"""np.linalg: values are NumPy's own, gradients agree with differences to second order and with PyTorch."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.errors import TinygradError, UnsupportedError
from tinygrad_edu.testing import check_grads

RNG = np.random.default_rng(0)
SQUARE = RNG.normal(size=(3, 3)) + 3 * np.diag([1.0, 2.0, 3.0])
BATCH = RNG.normal(size=(2, 3, 3)) + 3 * np.diag([1.0, 2.0, 3.0])
TALL, WIDE = RNG.normal(size=(4, 3)), RNG.normal(size=(3, 4))
POSITIVE = SQUARE @ SQUARE.T + np.eye(3)
POSITIVE_BATCH = BATCH @ np.swapaxes(BATCH, -1, -2) + np.eye(3)
ROTATION = SQUARE + 9 * np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])  # with two complex eigenvalues
MIXED = RNG.normal(size=(3, 3))
VECTOR, MATRIX = RNG.normal(size=3), RNG.normal(size=(3, 2))


def adjoint(x):
    return np.conjugate(np.swapaxes(x, -1, -2))


def projectors(vectors):
    """What each of the eigenvectors spans: the same whatever its sign, or its phase."""
    return vectors[..., :, None, :] * np.conjugate(vectors[..., None, :, :])


def completion(vectors):
    """What the last columns of a basis span together."""
    return vectors[..., 2:] @ adjoint(vectors[..., 2:])


CALLS = {
    "inv": (np.linalg.inv, (SQUARE,)),
    "inv, batch": (np.linalg.inv, (BATCH,)),
    "solve, vector": (np.linalg.solve, (SQUARE, VECTOR)),
    "solve, matrix": (np.linalg.solve, (SQUARE, MATRIX)),
    "solve, batch and vector": (np.linalg.solve, (BATCH, VECTOR)),
    "solve, batch and matrix": (np.linalg.solve, (BATCH, MATRIX)),
    "solve, stacks that broadcast": (np.linalg.solve, (BATCH[:, None], RNG.normal(size=(4, 3, 1)))),
    "pinv, tall": (np.linalg.pinv, (TALL,)),
    "pinv, wide": (np.linalg.pinv, (WIDE,)),
    "pinv, rtol": (lambda a: np.linalg.pinv(a, rtol=1e-12), (TALL,)),
    "pinv, hermitian": (lambda a: np.linalg.pinv(a + np.swapaxes(a, -1, -2), hermitian=True), (SQUARE,)),
    "lstsq, tall, vector": (lambda a, b: np.linalg.lstsq(a, b)[0], (TALL, RNG.normal(size=4))),
    "lstsq, tall, matrix": (lambda a, b: np.linalg.lstsq(a, b)[0], (TALL, RNG.normal(size=(4, 2)))),
    "lstsq, tall, residuals": (lambda a, b: np.linalg.lstsq(a, b)[1], (TALL, RNG.normal(size=(4, 2)))),
    "lstsq, wide": (lambda a, b: np.linalg.lstsq(a, b)[0], (WIDE, VECTOR)),
    "lstsq, rcond": (lambda a, b: np.linalg.lstsq(a, b, rcond=-1)[0], (TALL, RNG.normal(size=4))),
    "lstsq, singular values": (lambda a: np.linalg.lstsq(a, a[:, 0])[3], (TALL,)),
    "lstsq, square": (lambda a, b: np.linalg.lstsq(a, b)[0], (SQUARE, VECTOR)),
    "det": (np.linalg.det, (SQUARE,)),
    "det, batch": (np.linalg.det, (BATCH,)),
    "slogdet": (lambda a: np.linalg.slogdet(a).logabsdet, (SQUARE,)),
    "slogdet, batch": (lambda a: np.linalg.slogdet(a)[1], (BATCH,)),
    "cholesky": (np.linalg.cholesky, (POSITIVE,)),
    "cholesky, upper": (lambda a: np.linalg.cholesky(a, upper=True), (POSITIVE,)),
    "cholesky, batch": (np.linalg.cholesky, (POSITIVE_BATCH,)),
    "eigvalsh": (np.linalg.eigvalsh, (POSITIVE,)),
    "eigvalsh, batch": (np.linalg.eigvalsh, (POSITIVE_BATCH,)),
    "eigh, values": (lambda a: np.linalg.eigh(a).eigenvalues, (POSITIVE,)),
    "eigh, vectors": (lambda a: projectors(np.linalg.eigh(a)[1]), (POSITIVE,)),
    "eigvals": (np.linalg.eigvals, (SQUARE,)),
    "eigvals, batch": (np.linalg.eigvals, (BATCH,)),
    "eig, values": (lambda a: np.linalg.eig(a).eigenvalues, (SQUARE,)),
    "eig, vectors": (lambda a: projectors(np.linalg.eig(a).eigenvectors), (BATCH,)),
    "eig, complex values": (lambda a: np.abs(np.linalg.eigvals(a) - 1.0), (ROTATION,)),
    "eig, complex vectors": (lambda a: np.imag(projectors(np.linalg.eig(a)[1])), (ROTATION,)),
    "eig, taken together again": (
        lambda a: np.real((lambda w, v: v * np.exp(w) @ np.linalg.inv(v))(*np.linalg.eig(a))),
        (ROTATION,),
    ),
    "eigh, UPLO": (lambda a: np.linalg.eigh(a, UPLO="U")[0], (POSITIVE,)),
    "svd, values": (lambda a: np.linalg.svd(a, compute_uv=False), (TALL,)),
    "svdvals": (np.linalg.svdvals, (WIDE,)),
    "svd, left vectors": (lambda a: projectors(np.linalg.svd(a, full_matrices=False).U), (TALL,)),
    "svd, right vectors": (lambda a: projectors(np.swapaxes(np.linalg.svd(a, full_matrices=False).Vh, -1, -2)), (WIDE,)),
    "svd, square": (lambda a: projectors(np.linalg.svd(a)[0]), (SQUARE,)),
    "svd, hermitian": (lambda a: np.linalg.svd(a + a.T, hermitian=True)[1], (SQUARE,)),
    "svd, further left vectors": (lambda a: completion(np.linalg.svd(a)[0]), (TALL[:, :2],)),
    "svd, further right vectors": (lambda a: completion(np.swapaxes(np.linalg.svd(a)[2], -1, -2)), (WIDE[:2],)),
    "svd, all of a stack": (
        lambda a: (lambda u, s, vh: u[..., :2] * s[..., None, :] ** 2 @ vh)(*np.linalg.svd(a)),
        (BATCH[..., :2],),
    ),
    "svd, batch": (lambda a: np.linalg.svd(a)[1], (BATCH,)),
    "qr, q": (lambda a: np.linalg.qr(a).Q, (TALL,)),
    "qr, r": (lambda a: np.linalg.qr(a, mode="r"), (TALL,)),
    "qr, wide q": (lambda a: np.linalg.qr(a)[0], (WIDE,)),
    "qr, wide r": (lambda a: np.linalg.qr(a)[1], (WIDE,)),
    "qr, complete q": (lambda a: completion(np.linalg.qr(a, mode="complete")[0]), (TALL[:, :2],)),
    "qr, complete r": (lambda a: np.linalg.qr(a, mode="complete")[1], (TALL,)),
    "qr, complete, batch": (lambda a: completion(np.linalg.qr(a, mode="complete")[0]), (BATCH[..., :2],)),
    "qr, complete of a wide matrix": (lambda a: np.linalg.qr(a, mode="complete")[1], (WIDE,)),
    "qr, batch": (lambda a: np.linalg.qr(a)[1], (BATCH,)),
    "tensorinv": (lambda a: np.linalg.tensorinv(a.reshape(3, 1, 3), ind=2), (SQUARE,)),
    "tensorsolve": (lambda a, b: np.linalg.tensorsolve(a.reshape(3, 3, 1), b), (SQUARE, VECTOR)),
    "tensorsolve, axes": (lambda a, b: np.linalg.tensorsolve(a.reshape(1, 3, 3), b, axes=(0,)), (SQUARE, VECTOR)),
    "matrix_power, negative": (lambda a: np.linalg.matrix_power(a, -3), (SQUARE,)),
    "cond": (np.linalg.cond, (SQUARE,)),
    "cond, -2": (lambda a: np.linalg.cond(a, -2), (TALL,)),
    "cond, 1": (lambda a: np.linalg.cond(a, 1), (SQUARE,)),
    "cond, fro, batch": (lambda a: np.linalg.cond(a, "fro"), (BATCH,)),
}
for _ord in (None, "fro", "nuc", np.inf, -np.inf, 1, -1, 2, -2):
    CALLS[f"norm of a matrix, {_ord}"] = (lambda a, _ord=_ord: np.linalg.norm(a, _ord), (TALL,))
    if _ord is not None:
        CALLS[f"matrix_norm, {_ord}"] = (lambda a, _ord=_ord: np.linalg.matrix_norm(a, ord=_ord, keepdims=True), (BATCH,))
    for _axis in ((0, 1), (2, 0), (-1, -2)):
        CALLS[f"norm, {_ord}, axis {_axis}"] = (lambda a, o=_ord, x=_axis: np.linalg.norm(a, o, axis=x), (BATCH,))
        CALLS[f"norm, {_ord}, axis {_axis}, keepdims"] = (lambda a, o=_ord, x=_axis: np.linalg.norm(a, o, x, True), (BATCH,))
for _ord in (None, np.inf, -np.inf, 0, 1, -1, 2, -2, 3, 2.5, 1.5, 0.5, -1.5):
    CALLS[f"norm of a vector, {_ord}"] = (lambda a, _ord=_ord: np.linalg.norm(a, _ord), (VECTOR,))
    CALLS[f"norm, {_ord}, axis 0"] = (lambda a, _ord=_ord: np.linalg.norm(a, _ord, axis=0), (TALL,))
    CALLS[f"norm, {_ord}, axis -1, keepdims"] = (lambda a, _ord=_ord: np.linalg.norm(a, _ord, -1, keepdims=True), (BATCH,))
    if _ord is not None:
        CALLS[f"vector_norm, {_ord}"] = (lambda a, _ord=_ord: np.linalg.vector_norm(a, ord=_ord, keepdims=True), (TALL,))
        CALLS[f"vector_norm, {_ord}, axes"] = (lambda a, _ord=_ord: np.linalg.vector_norm(a, axis=(0, 2), ord=_ord), (BATCH,))
CALLS["norm of everything"] = (np.linalg.norm, (BATCH,))


@pytest.mark.parametrize(("call", "args"), CALLS.values(), ids=CALLS)
def test_values_are_numpys_and_gradients_agree_with_differences(call, args):
    expected = call(*args)
    result = call(*(tg.Value(x) for x in args))
    assert result.shape == np.shape(expected)
    np.testing.assert_allclose(result.numpy(), expected, rtol=1e-12, atol=1e-12)
    check_grads(call, args, order=2)


# --- complex matrices between real arguments and real results ----------------------------------------------------------------


def squares(x):
    """Of real and imaginary parts, in another proportion than in the absolute value."""
    return np.real(x) ** 2 + 2 * np.imag(x) ** 2


def definite(a):
    return a @ adjoint(a)


COMPLEX = {
    "inv": (np.linalg.inv, (SQUARE, MIXED)),
    "solve": (lambda z: np.linalg.solve(z, MATRIX), (BATCH, MIXED)),
    "pinv": (np.linalg.pinv, (TALL, RNG.normal(size=(4, 3)))),
    "pinv, hermitian": (lambda z: np.linalg.pinv(z + adjoint(z), hermitian=True), (SQUARE, MIXED)),
    "lstsq, tall": (lambda z: np.linalg.lstsq(z, np.arange(4) + 1j)[0], (TALL, RNG.normal(size=(4, 3)))),
    "lstsq, residuals": (lambda z: np.linalg.lstsq(z, np.arange(4) + 1j)[1], (TALL, RNG.normal(size=(4, 3)))),
    "lstsq, wide": (lambda z: np.linalg.lstsq(z, VECTOR)[0], (WIDE, RNG.normal(size=(3, 4)))),
    "det": (np.linalg.det, (BATCH, MIXED)),
    "det, singular": (lambda z: np.linalg.det(z * [1, 1, 0]), (SQUARE, MIXED)),
    "slogdet, sign": (lambda z: np.linalg.slogdet(z)[0], (BATCH, MIXED)),
    "slogdet, logarithm": (lambda z: np.linalg.slogdet(z)[1], (BATCH, MIXED)),
    "cholesky": (lambda z: np.linalg.cholesky(definite(z)), (BATCH, MIXED)),
    "cholesky, upper": (lambda z: np.linalg.cholesky(definite(z), upper=True), (SQUARE, MIXED)),
    "eigh, values": (lambda z: np.linalg.eigh(z + adjoint(z))[0], (BATCH, MIXED)),
    "eigh, vectors": (lambda z: projectors(np.linalg.eigh(z + adjoint(z))[1]), (BATCH, MIXED)),
    "eig, values": (np.linalg.eigvals, (BATCH, MIXED)),
    "eig, vectors": (lambda z: projectors(np.linalg.eig(z)[1]), (BATCH, MIXED)),
    "svd, values": (np.linalg.svdvals, (TALL, RNG.normal(size=(4, 3)))),
    "svd, left vectors": (lambda z: projectors(np.linalg.svd(z)[0][..., :2]), (BATCH, MIXED)),
    "svd, right vectors": (lambda z: projectors(adjoint(np.linalg.svd(z, False)[2])), (TALL, RNG.normal(size=(4, 3)))),
    "svd, both": (lambda z: (lambda u, s, vh: u * s[..., None, :] ** 2 @ vh)(*np.linalg.svd(z)), (BATCH, MIXED)),
    "svd, further vectors": (lambda z: completion(np.linalg.svd(z)[0]), (TALL[:, :2], RNG.normal(size=(4, 2)))),
    "qr, q": (lambda z: np.linalg.qr(z)[0], (TALL, RNG.normal(size=(4, 3)))),
    "qr, r": (lambda z: np.linalg.qr(z)[1], (WIDE, RNG.normal(size=(3, 4)))),
    "qr, batch": (lambda z: np.linalg.qr(z)[0], (BATCH, MIXED)),
    "qr, further vectors": (lambda z: completion(np.linalg.qr(z, "complete")[0]), (TALL[:, :2], RNG.normal(size=(4, 2)))),
    "matrix_power": (lambda z: np.linalg.matrix_power(z, -2), (SQUARE, MIXED)),
    "cond": (np.linalg.cond, (BATCH, MIXED)),
    **{f"norm, {ord}": (lambda z, o=ord: np.linalg.norm(z, o), (SQUARE, MIXED)) for ord in (None, "fro", "nuc", np.inf, -1, 2, -2)},
    **{
        f"norm of vectors, {ord}": (lambda z, o=ord: np.linalg.norm(z, o, -1), (SQUARE, MIXED)) for ord in (None, 1, -np.inf, 3, -1)
    },
}


@pytest.mark.parametrize(("call", "parts"), COMPLEX.values(), ids=COMPLEX)
def test_gradients_pass_right_through_complex_matrices(call, parts):
    def real_to_real(a, b):
        return squares(call(a + 1j * b))

    np.testing.assert_allclose(real_to_real(*map(tg.Value, parts)).numpy(), real_to_real(*parts), rtol=1e-11, atol=1e-12)
    check_grads(real_to_real, parts, order=2)


@pytest.mark.parametrize("name", ["inv", "pinv", "det", "cholesky", "eigvals", "svdvals"])
def test_complex_numbers_keep_their_precision(name):
    a = tg.Value(POSITIVE, dtype=np.float32)
    result = getattr(np.linalg, name)(a + 0j)
    assert result.dtype == getattr(np.linalg, name)(a.numpy() + 0j).dtype
    np.sum(squares(result)).backward()
    assert a.grad.dtype == np.float32


# --- what is small, empty or singular ----------------------------------------------------------------------------------------

EMPTY = {
    "no matrices": np.zeros((0, 3, 3)),
    "matrices without elements": np.zeros((2, 0, 0)),
    "no rows": np.zeros((0, 3)),
    "no columns": np.zeros((3, 0)),
}
SOLUTIONS = {
    **{f.__name__: f for f in (np.linalg.inv, np.linalg.det, np.linalg.cholesky, np.linalg.eigvalsh, np.linalg.eigvals)},
    **{f.__name__: f for f in (np.linalg.pinv, np.linalg.svdvals, np.linalg.norm)},
    "slogdet": lambda a: np.linalg.slogdet(a)[1],
    "solve": lambda a: np.linalg.solve(a, np.ones((*a.shape[:-1], 2))),
    "eigh": lambda a: np.linalg.eigh(a)[1],
    "eig": lambda a: np.linalg.eig(a)[1],
    "svd": lambda a: np.linalg.svd(a)[0],
    "svd, reduced": lambda a: np.linalg.svd(a, full_matrices=False)[2],
    "qr": lambda a: np.linalg.qr(a)[1],
    "qr, complete": lambda a: np.linalg.qr(a, mode="complete")[0],
}


@pytest.mark.parametrize("function", SOLUTIONS.values(), ids=SOLUTIONS)
@pytest.mark.parametrize("matrix", EMPTY.values(), ids=EMPTY)
def test_of_empty_arrays_results_are_numpys_and_gradients_are_empty(function, matrix):
    value = tg.Value(matrix)
    try:
        expected = function(matrix)
    except np.linalg.LinAlgError:  # not square
        with pytest.raises((TinygradError, np.linalg.LinAlgError)):
            function(value)
        return
    result = function(value)
    np.testing.assert_array_equal(result.numpy(), expected)
    assert result.dtype == expected.dtype
    (np.real(result) if np.iscomplexobj(expected) else result).backward(np.ones(result.shape))
    assert value.grad.shape == matrix.shape


@pytest.mark.parametrize("function", SOLUTIONS.values(), ids=SOLUTIONS)
def test_of_matrices_with_one_element_gradients_agree_with_differences(function):
    check_grads(function, (np.array([[2.0]]),))


@pytest.mark.parametrize(("call", "args"), CALLS.values(), ids=CALLS)
def test_single_precision_stays_single(call, args):
    values = [tg.Value(x, dtype=np.float32) for x in args]
    result = call(*values)
    assert result.dtype == np.float32
    np.sum(result * result).backward()
    assert all(value.grad.dtype == np.float32 and value.grad.shape == value.shape for value in values)


@pytest.mark.parametrize(
    "matrix",
    [[[1.0, 2.0], [2.0, 4.0]], [[0.0, 0.0], [0.0, 0.0]], [[0.0]], np.diag([0.0, 2.0, 3.0]), np.zeros((3, 3))],
    ids=["rank 1 of 2", "zero", "one by one", "rank 2 of 3", "rank 0 of 3"],
)
def test_the_gradient_of_a_vanishing_determinant_is_the_matrix_of_cofactors(matrix):
    check_grads(np.linalg.det, (np.array(matrix),), order=2)


@pytest.mark.parametrize("ord", [None, 2, 3, 1])
def test_the_gradient_of_a_norm_at_zero_is_zero(ord):
    x = tg.Value(np.zeros(3))
    np.linalg.norm(x, ord).backward()
    np.testing.assert_array_equal(x.grad, np.zeros(3))


@pytest.mark.parametrize("ord", [3, 2, 1.5, 1, 0.5, -0.5, -1, -2])
def test_the_gradient_of_a_norm_is_zero_for_an_element_that_is_zero(ord):
    x = np.array([0.0, 3.0, -4.0])
    value = tg.Value(x)
    result = np.linalg.norm(value, ord)
    result.backward()
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(result.numpy(), np.linalg.norm(x, ord), rtol=1e-15)
    others = tg.grad(lambda x: np.linalg.norm(x, ord))(x[1:]) if ord > 0 else np.zeros(2)
    np.testing.assert_allclose(value.grad, [0.0, *others], rtol=1e-15)


def test_the_gradient_of_a_determinant_is_exact_where_the_matrix_is_nearly_singular():
    matrix = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0 + 1e-13]])
    cofactors = np.cross(np.roll(matrix, -1, 0), np.roll(matrix, -2, 0))
    np.testing.assert_allclose(tg.grad(np.linalg.det)(matrix), cofactors, rtol=1e-12)


def test_eigenvalues_of_a_real_matrix_are_real_or_complex_as_numpys_are():
    for matrix in (SQUARE, ROTATION):
        for ours, expected in zip(np.linalg.eig(tg.Value(matrix)), np.linalg.eig(matrix), strict=True):
            assert ours.dtype == expected.dtype
            np.testing.assert_allclose(ours.numpy(), expected, rtol=1e-14)


def test_vectors_that_only_complete_a_basis_are_numpys():
    for ours, expected in zip(np.linalg.svd(tg.Value(TALL[:, :2])), np.linalg.svd(TALL[:, :2]), strict=True):
        np.testing.assert_array_equal(ours.numpy(), expected)
    for ours, expected in zip(np.linalg.qr(tg.Value(TALL), "complete"), np.linalg.qr(TALL, "complete"), strict=True):
        np.testing.assert_array_equal(ours.numpy(), expected)


TRIANGLES = {
    "eigvalsh": (np.linalg.eigvalsh, "lower"),
    "eigvalsh, U": (lambda a: np.linalg.eigvalsh(a, UPLO="U"), "upper"),
    "eigh, values": (lambda a: np.linalg.eigh(a)[0], "lower"),
    "eigh, vectors": (lambda a: projectors(np.linalg.eigh(a)[1]), "lower"),
    "eigh, U": (lambda a: projectors(np.linalg.eigh(a, "U")[1]), "upper"),
    "cholesky": (np.linalg.cholesky, "lower"),
    "cholesky, upper": (lambda a: np.linalg.cholesky(a, upper=True), "upper"),
    "svd, hermitian": (lambda a: projectors(adjoint(np.linalg.svd(a, hermitian=True)[2])), "lower"),
    "svd, hermitian, values": (lambda a: np.linalg.svd(a, compute_uv=False, hermitian=True), "lower"),
    "pinv, hermitian": (lambda a: np.linalg.pinv(a, hermitian=True), "lower"),
}


@pytest.mark.parametrize(("function", "triangle"), TRIANGLES.values(), ids=TRIANGLES)
@pytest.mark.parametrize("matrix", [SQUARE, BATCH], ids=["matrix", "stack"])
def test_of_a_symmetric_matrix_one_triangle_is_read_and_gets_all_of_the_gradient(function, triangle, matrix):
    np.testing.assert_array_equal(function(tg.Value(matrix)).numpy(), function(matrix))
    weights = RNG.normal(size=np.shape(function(matrix)))
    gradient = tg.grad(lambda a: np.sum(weights * function(a)))(matrix)
    # Differences of NumPy's own function.
    expected = np.zeros_like(matrix)
    for at in np.ndindex(matrix.shape):
        step = np.zeros_like(matrix)
        step[at] = 1e-6
        expected[at] = np.sum(weights * (function(matrix + step) - function(matrix - step))) / 2e-6
    np.testing.assert_allclose(gradient, expected, rtol=1e-5, atol=1e-6)
    other = np.triu(gradient, 1) if triangle == "lower" else np.tril(gradient, -1)
    np.testing.assert_array_equal(other, np.zeros_like(matrix))
    check_grads(function, (matrix,), order=2)


@pytest.mark.parametrize(("function", "triangle"), TRIANGLES.values(), ids=TRIANGLES)
def test_of_a_hermitian_matrix_one_triangle_is_read(function, triangle):
    z = SQUARE + 1j * MIXED
    np.testing.assert_array_equal(function(tg.Value(SQUARE) + 1j * tg.Value(MIXED)).numpy(), function(z))
    check_grads(lambda a, b: squares(function(a + 1j * b)), (SQUARE, MIXED), order=2)


@pytest.mark.parametrize("target", ["numpy", "jax"])
@pytest.mark.parametrize(("function", "triangle"), TRIANGLES.values(), ids=TRIANGLES)
def test_one_triangle_is_read_by_what_was_compiled(function, triangle, target):
    gradient = tg.value_and_grad(lambda a: np.sum(np.sin(function(a))))
    for found, expected in zip(tg.compile(gradient, target)(SQUARE), gradient(SQUARE), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-11)


def test_the_triangle_that_is_read_is_to_be_seen_in_what_is_printed():
    assert "np.linalg.eigvalsh(x, UPLO='U')" in _source(lambda x: np.linalg.eigvalsh(x, "U"))
    assert "np.linalg.cholesky(x)" in _source(np.linalg.cholesky)


def _source(f):
    compiled = tg.compile(lambda x: f(x))
    compiled(POSITIVE)
    return compiled.source


def test_eigenvalues_that_are_equal_do_not_spoil_the_gradient_of_their_sum():
    np.testing.assert_allclose(tg.grad(lambda a: np.sum(np.linalg.eigvalsh(a)))(np.eye(3)), np.eye(3))


def test_results_have_the_names_of_numpys_results():
    a = tg.Value(POSITIVE)
    assert np.linalg.eigh(a)._fields == np.linalg.eigh(POSITIVE)._fields
    assert np.linalg.eig(a)._fields == np.linalg.eig(POSITIVE)._fields
    assert np.linalg.svd(a)._fields == np.linalg.svd(POSITIVE)._fields
    assert np.linalg.qr(a)._fields == np.linalg.qr(POSITIVE)._fields
    assert np.linalg.slogdet(a)._fields == np.linalg.slogdet(POSITIVE)._fields
    np.testing.assert_array_equal(np.linalg.slogdet(tg.Value(-POSITIVE)).sign.numpy(), -1.0)


@pytest.mark.parametrize(
    ("call", "remedy"),
    [
        (lambda: np.linalg.qr(tg.Value(TALL), mode="raw"), "reduced"),
        (lambda: np.linalg.lstsq(tg.Value(np.ones((3, 2))), np.ones(3)), "full rank"),
    ],
)
def test_what_has_no_derivative_is_refused_with_the_reason(call, remedy):
    with pytest.raises(UnsupportedError, match=remedy):
        call()


def test_a_singular_matrix_and_a_wrong_shape_are_errors_as_in_numpy():
    with pytest.raises(np.linalg.LinAlgError):
        np.linalg.inv(tg.Value(np.zeros((2, 2))))
    with pytest.raises(np.linalg.LinAlgError):
        np.linalg.cholesky(tg.Value(-np.eye(2)))
    with pytest.raises((TinygradError, np.linalg.LinAlgError)):
        np.linalg.inv(tg.Value(np.zeros((2, 3))))


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (lambda a: np.linalg.solve(a, [1.0, 2.0, 3.0]), SQUARE),
        (lambda b: np.linalg.solve(SQUARE.tolist(), b), MATRIX),
        (lambda b: np.linalg.lstsq(TALL.tolist(), b)[0], np.arange(4.0)),
        (lambda a: np.linalg.tensorsolve(a, [1.0, 2.0, 3.0]), SQUARE),
    ],
)
def test_the_other_operand_may_be_a_list(call, argument):
    np.testing.assert_allclose(call(tg.Value(argument)).numpy(), call(argument), rtol=1e-12)
    check_grads(call, (argument,))


def test_the_rank_of_a_matrix_is_a_plain_number():
    rank = np.linalg.matrix_rank(tg.Value(TALL))
    assert rank == 3
    assert not isinstance(rank, tg.Value)


def test_gradients_agree_with_pytorch():
    torch = pytest.importorskip("torch")

    def mirrored(a):
        return torch.tril(a) + torch.tril(a, -1).mT

    pairs = {
        "inv": (np.linalg.inv, torch.linalg.inv, BATCH),
        "pinv": (np.linalg.pinv, torch.linalg.pinv, TALL),
        "det": (np.linalg.det, torch.linalg.det, BATCH),
        "slogdet": (lambda a: np.linalg.slogdet(a)[1], lambda a: torch.linalg.slogdet(a)[1], BATCH),
        "cholesky": (np.linalg.cholesky, lambda a: torch.linalg.cholesky(mirrored(a)), POSITIVE_BATCH),
        "eigvalsh": (np.linalg.eigvalsh, lambda a: torch.linalg.eigvalsh(mirrored(a)), POSITIVE_BATCH),
        "svdvals": (np.linalg.svdvals, torch.linalg.svdvals, TALL),
        "qr": (lambda a: np.linalg.qr(a)[1], lambda a: torch.linalg.qr(a)[1], TALL),
        "nuclear": (lambda a: np.linalg.norm(a, "nuc"), lambda a: torch.linalg.norm(a, "nuc"), TALL),
        "eigvals": (lambda a: np.abs(np.linalg.eigvals(a)), lambda a: torch.linalg.eigvals(a).abs(), ROTATION),
        "lstsq": (
            lambda a: np.linalg.lstsq(a, VECTOR)[0],
            lambda a: torch.linalg.lstsq(a, torch.tensor(VECTOR)[:, None])[0][:, 0],
            SQUARE,
        ),
        "p": (lambda a: np.linalg.norm(a, 2.5, axis=0), lambda a: torch.linalg.norm(a, 2.5, dim=0), TALL),
    }
    for name, (ours, theirs, x) in pairs.items():
        value, tensor = tg.Value(x), torch.tensor(x, requires_grad=True)
        result, expected = ours(value), theirs(tensor)
        cotangent = np.random.default_rng(1).normal(size=result.shape)
        result.backward(cotangent)
        expected.backward(torch.tensor(cotangent))
        np.testing.assert_allclose(value.grad, tensor.grad.numpy(), rtol=1e-10, atol=1e-12, err_msg=name)


def test_gradients_through_complex_matrices_agree_with_pytorch():
    torch = pytest.importorskip("torch")
    pairs = {
        "inv": (np.linalg.inv, torch.linalg.inv),
        "pinv": (np.linalg.pinv, torch.linalg.pinv),
        "det": (np.linalg.det, torch.linalg.det),
        "sign": (lambda z: np.linalg.slogdet(z)[0], lambda z: torch.linalg.slogdet(z)[0]),
        "logarithm": (lambda z: np.linalg.slogdet(z)[1], lambda z: torch.linalg.slogdet(z)[1]),
        "cholesky": (lambda z: np.linalg.cholesky(z @ adjoint(z)), lambda z: torch.linalg.cholesky(z @ z.mH)),
        "eigvalsh": (lambda z: np.linalg.eigvalsh(z + adjoint(z)), lambda z: torch.linalg.eigvalsh(z + z.mH)),
        "eigvals": (lambda z: np.prod(np.linalg.eigvals(z) + 1j, -1), lambda z: torch.prod(torch.linalg.eigvals(z) + 1j, -1)),
        "svdvals": (np.linalg.svdvals, torch.linalg.svdvals),
        "qr": (lambda z: np.linalg.qr(z)[1], lambda z: torch.linalg.qr(z)[1]),
        "nuclear": (lambda z: np.linalg.norm(z, "nuc", (1, 2)), lambda z: torch.linalg.norm(z, "nuc", (1, 2))),
    }
    for name, (ours, theirs) in pairs.items():
        a, b = tg.Value(BATCH), tg.Value(MIXED)
        np.sum(squares(ours(a + 1j * b))).backward()
        tensors = [torch.tensor(x, requires_grad=True) for x in (BATCH, MIXED)]
        result = theirs(tensors[0] + 1j * tensors[1])
        (result.real**2 + (2 * result.imag**2 if result.is_complex() else 0)).sum().backward()
        for value, tensor in zip((a, b), tensors, strict=True):
            np.testing.assert_allclose(value.grad, tensor.grad.numpy(), rtol=1e-9, atol=1e-11, err_msg=name)


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_the_rank_of_a_matrix_is_the_same_in_any_unit(scale):
    b = np.arange(4.0)
    found = np.linalg.lstsq(tg.Value(scale * TALL), b)
    expected = np.linalg.lstsq(scale * TALL, b)
    np.testing.assert_allclose(found[0].numpy(), expected[0], rtol=1e-12)
    assert found[2] == expected[2] == 3
    dependent = TALL.copy()
    dependent[:, 2] = dependent[:, 0] / 3 + dependent[:, 1] / 7
    with pytest.raises(UnsupportedError, match="has rank 2"):
        np.linalg.lstsq(tg.Value(scale * dependent), b)
