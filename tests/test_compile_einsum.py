"""Einstein sums in compiled functions: the products of matrices that were meant, and of many operands two at a time."""

import numpy as np
import pytest

import tinygrad_edu as tg

LENGTHS = {"i": 2, "j": 3, "k": 4, "l": 5, "b": 6}
FORMS = {
    "ij,jk->ik": "a @ b",
    "ij,jk->ki": "b.T @ a.T",
    "ji,jk->ik": "a.T @ b",
    "ij,kj->ik": "a @ b.T",
    "ji,kj->ki": "b @ a",
    "ij,j->i": "a @ b",
    "ji,j->i": "a.T @ b",
    "j,ij->i": "a @ b.T",
    "j,ji->i": "a @ b",
    "j,j->": "a @ b",
    "ij,jk,kl->il": "a @ (b @ c)",
    "i,ij,j->": "a @ (b @ c)",
    "ij,jk,ki->": "np.einsum('ij,ji->', a, b @ c",
    # What is no product of two matrices stays.
    "ij,ij->": "np.einsum('ij,ij->', a, b",
    "ij,ij->ij": "np.einsum('ij,ij->ij', a, b",
    "i,j->ij": "np.einsum('i,j->ij', a, b",
    "ij,jk->i": "np.einsum('ij,jk->i', a, b",
    "bij,bjk->bik": "np.einsum('bij,bjk->bik', a, b",
    "ij->ji": "np.einsum('ij->ji', a",
}


def function(subscripts):
    return lambda a, b=None, c=None: np.einsum(subscripts, *(x for x in (a, b, c) if x is not None))


def drawn(subscripts, dtype=float, lengths=LENGTHS):
    rng = np.random.default_rng(0)
    shapes = ([lengths[letter] for letter in term] for term in subscripts.split("->")[0].split(","))
    return [rng.normal(size=shape).astype(dtype) for shape in shapes]


@pytest.mark.parametrize(("subscripts", "form"), FORMS.items(), ids=FORMS)
@pytest.mark.parametrize("dtype", [float, np.float32, complex, np.longdouble, np.float16, np.int8])
def test_an_einstein_sum_is_written_as_the_products_that_it_means(subscripts, form, dtype):
    arrays, f = drawn(subscripts, dtype), function(subscripts)
    compiled = tg.compile(f)
    found, expected = compiled(*arrays), f(*arrays)
    assert found.dtype == expected.dtype
    tolerance = 20 * np.finfo(dtype).eps if np.dtype(dtype).kind in "fc" else 0
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)
    if dtype is float:
        assert f" = {form}" in compiled.source


@pytest.mark.parametrize("subscripts", FORMS)
def test_its_gradient_is_the_one_that_is_computed_eagerly(subscripts):
    arrays = drawn(subscripts)
    gradient = tg.grad(lambda *arrays: np.sum(np.sin(np.einsum(subscripts, *arrays))), tuple(range(len(arrays))))
    for found, expected in zip(tg.compile(gradient)(*arrays), gradient(*arrays), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)


def test_the_gradient_of_a_product_of_matrices_is_two_of_them():
    compiled = tg.compile(tg.grad(lambda a, b: np.sum(np.einsum("ij,jk->ik", a, b) ** 2), (0, 1)))
    compiled(*drawn("ij,jk->ik"))
    assert "einsum(" not in compiled.source
    assert "@ b.T" in compiled.source
    assert "a.T @ " in compiled.source


@pytest.mark.parametrize(
    ("subscripts", "shapes"),
    [("ij,jk->ik", ((2, 1), (3, 4))), ("ij,jk,kl->il", ((2, 3), (1, 4), (4, 2))), ("ii,ij->j", ((3, 3), (3, 2)))],
)
def test_a_repeated_axis_and_a_diagonal_are_left_to_numpy(subscripts, shapes):
    arrays = [np.random.default_rng(0).normal(size=shape) for shape in shapes]
    compiled = tg.compile(lambda *arrays: np.einsum(subscripts, *arrays))
    np.testing.assert_allclose(compiled(*arrays), np.einsum(subscripts, *arrays), rtol=1e-14)
    assert subscripts in compiled.source


def test_numbers_of_two_precisions_are_left_to_numpy():
    a, b = np.ones((2, 3), np.float32), np.ones((3, 4))
    compiled = tg.compile(lambda a, b: np.einsum("ij,jk->ik", a, b))
    assert compiled(a, b).dtype == float
    assert "np.einsum(" in compiled.source


@pytest.mark.parametrize(
    ("optimize", "form"),
    [
        (False, "a @ (b @ c)"),
        (True, "a @ (b @ c)"),
        ("greedy", "a @ (b @ c)"),
        (["einsum_path", (0, 1), (0, 1)], "a @ b @ c"),
        (["einsum_path", (0, 1, 2)], "np.einsum('ij,jk,kl->il', a, b, c"),
    ],
)
def test_a_path_of_the_users_is_followed(optimize, form):
    arrays = drawn("ij,jk,kl->il")
    compiled = tg.compile(lambda a, b, c: np.einsum("ij,jk,kl->il", a, b, c, optimize=optimize))
    np.testing.assert_allclose(compiled(*arrays), np.einsum("ij,jk,kl->il", *arrays), rtol=1e-14)
    assert f" = {form}" in compiled.source
