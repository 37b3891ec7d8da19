"""`tg.array`: an array of nested lists of numbers, arrays and Values."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.errors import DataError, ShapeError

A, B, C = 2.0, 3.0, 5.0
ROW = np.array([7.0, 8.0])

NESTED = {
    "a list": lambda a, b, c: [a, b, c],
    "one": lambda a, b, c: [a],
    "a matrix": lambda a, b, c: [[a, 0.0], [b, c]],
    "tuples": lambda a, b, c: ((a, 0), (b, c)),
    "rows of numbers": lambda a, b, c: [[a, b], [1, 2], [3.5, True]],
    "an array as a row": lambda a, b, c: [[a, b], ROW],
    "three deep": lambda a, b, c: [[[a, b], [c, 1.0]], [[0.0, a], [b, c]]],
    "columns": lambda a, b, c: [[a], [b], [c]],
    "the same one twice": lambda a, b, c: [a, a * b, a],
}


@pytest.mark.parametrize("nested", NESTED.values(), ids=NESTED)
def test_nested_lists_of_values_become_the_array_that_numpy_makes_of_numbers(nested):
    built, expected = tg.array(nested(tg.Value(A), tg.Value(B), tg.Value(C))), np.array(nested(A, B, C))
    np.testing.assert_array_equal(built.numpy(), expected, strict=True)
    np.testing.assert_array_equal(tg.array(nested(A, B, C)), expected, strict=True)
    np.testing.assert_array_equal(tg.array(nested(np.float32(A), np.float32(B), np.float32(C))).shape, expected.shape)


@pytest.mark.parametrize("nested", NESTED.values(), ids=NESTED)
def test_the_gradient_goes_to_every_part(nested):
    tg.testing.check_grads(lambda a, b, c: tg.array(nested(a, b, c)) ** 2, (A, B, C))


@pytest.mark.parametrize("nested", NESTED.values(), ids=NESTED)
@pytest.mark.parametrize("target", ["numpy", "jax"])
def test_it_is_compiled(nested, target):
    if target == "jax":
        pytest.importorskip("jax")

    def loss(a, b, c):
        return np.sum(tg.array(nested(a, b, c)) ** 3)

    compiled = tg.compile(tg.value_and_grad(loss, argnums=(0, 1, 2)), target=target)
    value, gradient = compiled(A, B, C)
    expected, expected_gradient = tg.value_and_grad(loss, argnums=(0, 1, 2))(A, B, C)
    tolerance = 1e-6 if target == "jax" else 1e-15
    np.testing.assert_allclose(value, expected, rtol=tolerance)
    np.testing.assert_allclose(gradient, expected_gradient, rtol=tolerance)


def test_its_program_is_as_one_would_write_it():
    compiled = tg.compile(lambda a, b, c: tg.array([[a, 0.0], [b, c]]) * 2.0)
    assert compiled(A, B, C).tolist() == [[4, 0], [6, 10]]
    assert "np.stack([np.stack([a, 0.0]), np.stack([b, c])])" in compiled.source


def test_the_lost_gradient_is_found_this_way():
    def f(x):
        return np.sum(tg.array([x[0] ** 2, 0.0, 0.0]) * x)

    assert tg.grad(f)(np.ones(3)).tolist() == [3, 0, 0]


def test_it_takes_and_keeps_dtypes():
    assert tg.array([tg.Value(1.0, dtype=np.float32), np.float32(2)]).dtype == np.float32
    assert tg.array([tg.Value(1.0), 2.0], dtype=np.float32).dtype == np.float32
    assert tg.array([1, 2]).dtype == np.array([1, 2]).dtype
    assert tg.array([1, 2], dtype=float).dtype == np.float64
    assert tg.array([]).shape == (0,)


def test_one_value_is_copied():
    x = tg.Value([1.0, 2.0])
    built = tg.array(x)
    assert built is not x
    built.sum().backward()
    assert x.grad.tolist() == [1, 1]


def test_it_is_explained_and_drawn():
    a, b = tg.Value(A, name="a"), tg.Value(B, name="b")
    loss = np.sum(tg.array([a, b, 1.0]) ** 2).named("L")
    assert "stack" in str(tg.explain(loss))
    assert "stack" in tg.draw(loss).dot


@pytest.mark.parametrize(
    ("nested", "message"),
    [
        ([[A, B], [C]], r"lists\[1\] has shape \(1,\) and lists\[0\] has shape \(2,\)"),
        ([[A, B], [C, ROW]], r"lists\[1\]\[1\] has shape \(2,\) and lists\[1\]\[0\] has shape \(\)"),
        ([[[A], [B, C]]], r"lists\[0\]\[1\] has shape \(2,\) and lists\[0\]\[0\] has shape \(1,\)"),
        ([A, [B]], r"lists\[1\] has shape \(1,\) and lists\[0\] has shape \(\)"),
    ],
)
def test_parts_of_different_shapes_are_told_by_their_places(nested, message):
    def valued(part):
        return [valued(inner) for inner in part] if isinstance(part, list) else tg.Value(part)

    for lists in (nested, valued(nested)):
        with pytest.raises(ShapeError, match=message):
            tg.array(lists)


def test_lists_may_not_be_deeper_than_an_array():
    itself = []
    itself.append(itself)
    deep = tg.Value(1.0)
    for _ in range(1000):
        deep = [deep]
    for lists in (itself, deep):
        with pytest.raises(ShapeError, match="nested more than 64 deep, or a list that contains itself"):
            tg.array(lists)


@pytest.mark.parametrize(
    "bad", ["text", None, object(), {"a": 1}, np.ma.masked_array([1.0], [True])], ids=lambda x: type(x).__name__
)
def test_what_is_no_number_is_refused(bad):
    for lists in ([bad], [[bad], [bad]], [tg.Value([1.0]), bad]):
        with pytest.raises((DataError, ShapeError)):
            tg.array(lists)
