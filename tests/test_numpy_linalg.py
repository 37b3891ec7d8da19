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
VECTOR, MATRIX = RNG.normal(size=3), RNG.normal(size=(3, 2))


def projectors(vectors):
    """What eigenvectors have in common whatever their sign."""
    return vectors[..., :, None, :] * vectors[..., None, :, :]


CALLS = {
    "inv": (np.linalg.inv, (SQUARE,)),
    "inv, batch": (np.linalg.inv, (BATCH,)),
    "solve, vector": (np.linalg.solve, (SQUARE, VECTOR)),
    "solve, matrix": (np.linalg.solve, (SQUARE, MATRIX)),
    "solve, batch and vector": (np.linalg.solve, (BATCH, VECTOR)),
    "solve, batch and matrix": (np.linalg.solve, (BATCH, MATRIX)),
    "pinv, tall": (np.linalg.pinv, (TALL,)),
    "pinv, wide": (np.linalg.pinv, (WIDE,)),
    "pinv, rtol": (lambda a: np.linalg.pinv(a, rtol=1e-12), (TALL,)),
    "pinv, hermitian": (lambda a: np.linalg.pinv(a + np.swapaxes(a, -1, -2), hermitian=True), (SQUARE,)),
    "lstsq, tall, vector": (lambda a, b: np.linalg.lstsq(a, b)[0], (TALL, RNG.normal(size=4))),
    "lstsq, tall, matrix": (lambda a, b: np.linalg.lstsq(a, b)[0], (TALL, RNG.normal(size=(4, 2)))),
    "lstsq, tall, residuals": (lambda a, b: np.linalg.lstsq(a, b)[1], (TALL, RNG.normal(size=(4, 2)))),
    "lstsq, wide": (lambda a, b: np.linalg.lstsq(a, b)[0], (WIDE, VECTOR)),
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
    "eigh, UPLO": (lambda a: np.linalg.eigh(a, UPLO="U")[0], (POSITIVE,)),
    "svd, values": (lambda a: np.linalg.svd(a, compute_uv=False), (TALL,)),
    "svdvals": (np.linalg.svdvals, (WIDE,)),
    "svd, left vectors": (lambda a: projectors(np.linalg.svd(a, full_matrices=False).U), (TALL,)),
    "svd, right vectors": (lambda a: projectors(np.swapaxes(np.linalg.svd(a, full_matrices=False).Vh, -1, -2)), (WIDE,)),
    "svd, square": (lambda a: projectors(np.linalg.svd(a)[0]), (SQUARE,)),
    "svd, batch": (lambda a: np.linalg.svd(a)[1], (BATCH,)),
    "qr, q": (lambda a: np.linalg.qr(a).Q, (TALL,)),
    "qr, r": (lambda a: np.linalg.qr(a, mode="r"), (TALL,)),
    "qr, wide q": (lambda a: np.linalg.qr(a)[0], (WIDE,)),
    "qr, wide r": (lambda a: np.linalg.qr(a)[1], (WIDE,)),
    "qr, complete": (lambda a: np.linalg.qr(a, mode="complete")[1], (WIDE,)),
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
for _ord in (None, np.inf, -np.inf, 0, 1, -1, 2, -2, 3, 2.5, -1.5):
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


def test_eigenvalues_that_are_equal_do_not_spoil_the_gradient_of_their_sum():
    np.testing.assert_allclose(tg.grad(lambda a: np.sum(np.linalg.eigvalsh(a)))(np.eye(3)), np.eye(3))


def test_results_have_the_names_of_numpys_results():
    a = tg.Value(POSITIVE)
    assert np.linalg.eigh(a)._fields == np.linalg.eigh(POSITIVE)._fields
    assert np.linalg.svd(a)._fields == np.linalg.svd(POSITIVE)._fields
    assert np.linalg.qr(a)._fields == np.linalg.qr(POSITIVE)._fields
    assert np.linalg.slogdet(a)._fields == np.linalg.slogdet(POSITIVE)._fields
    np.testing.assert_array_equal(np.linalg.slogdet(tg.Value(-POSITIVE)).sign.numpy(), -1.0)


@pytest.mark.parametrize(
    ("call", "remedy"),
    [
        (lambda: np.linalg.svd(tg.Value(TALL)), "full_matrices=False"),
        (lambda: np.linalg.qr(tg.Value(TALL), mode="complete"), "reduced"),
        (lambda: np.linalg.lstsq(tg.Value(np.ones((3, 2))), np.ones(3)), "full rank"),
        (lambda: np.linalg.eig(tg.Value(SQUARE)), "np.linalg.eig"),
        (lambda: np.linalg.cholesky(tg.Value(POSITIVE) * 1j), "real"),
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


def test_gradients_agree_with_pytorch():
    torch = pytest.importorskip("torch")
    pairs = {
        "inv": (np.linalg.inv, torch.linalg.inv, BATCH),
        "pinv": (np.linalg.pinv, torch.linalg.pinv, TALL),
        "det": (np.linalg.det, torch.linalg.det, BATCH),
        "slogdet": (lambda a: np.linalg.slogdet(a)[1], lambda a: torch.linalg.slogdet(a)[1], BATCH),
        "cholesky": (np.linalg.cholesky, torch.linalg.cholesky, POSITIVE_BATCH),
        "eigvalsh": (np.linalg.eigvalsh, torch.linalg.eigvalsh, POSITIVE_BATCH),
        "svdvals": (np.linalg.svdvals, torch.linalg.svdvals, TALL),
        "qr": (lambda a: np.linalg.qr(a)[1], lambda a: torch.linalg.qr(a)[1], TALL),
        "nuclear": (lambda a: np.linalg.norm(a, "nuc"), lambda a: torch.linalg.norm(a, "nuc"), TALL),
        "p": (lambda a: np.linalg.norm(a, 2.5, axis=0), lambda a: torch.linalg.norm(a, 2.5, dim=0), TALL),
    }
    for name, (ours, theirs, x) in pairs.items():
        value, tensor = tg.Value(x), torch.tensor(x, requires_grad=True)
        result, expected = ours(value), theirs(tensor)
        cotangent = np.random.default_rng(1).normal(size=result.shape)
        result.backward(cotangent)
        expected.backward(torch.tensor(cotangent))
        np.testing.assert_allclose(value.grad, tensor.grad.numpy(), rtol=1e-10, atol=1e-12, err_msg=name)
