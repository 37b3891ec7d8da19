"""NumPy's own numbers beside Python's and among the parameters of operations: each keeps its dtype, eagerly and compiled."""

import numpy as np
import pytest

import tinygrad_edu as tg

scaled = tg.primitive(lambda x, rate: x * rate, lambda g, out, x, rate: g * rate, name="scaled")
scaled_by_first = tg.primitive(lambda x, rates: x * rates[0], lambda g, out, x, rates: g * rates[0], name="scaled_by_first")

SCALARS = [np.float16(0.1), np.float32(0.1), np.float64(0.1), np.int64(3), np.float16(3), 0.1, 3]
SINGLES = [np.float16(0.5), np.float32(0.5), np.float64(0.05)]
ARRAYS = [np.float16([1, np.nan, np.inf]), np.ones(3, np.float32), np.ones((2, 2)), np.ones((), np.float16)]


def assert_same(found, expected):
    assert (type(found), found.dtype) == (type(expected), expected.dtype)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("rate", [*SCALARS, np.int8(3), np.float32(np.nan), np.complex64(1 + 2j), np.bool(True)], ids=repr)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_a_parameter_of_a_users_operation_keeps_its_dtype(rate, dtype):
    x = np.array([0.5, 2.0], dtype)
    for f in (
        lambda x: scaled(x, rate=rate),
        lambda x: scaled_by_first(x, rates=[rate]),
        lambda x: scaled_by_first(x, rates=(rate,)),
    ):
        assert_same(tg.compile(f)(x), x * rate)


def test_a_parameter_of_a_users_operation_is_written_with_its_dtype():
    compiled = tg.compile(lambda x: scaled(x, rate=np.float32(0.1)))
    compiled(np.ones(2))
    assert "scaled(x, rate=np.float32(0.1))" in compiled.source


def test_axes_shapes_and_indices_are_written_plainly():
    one = np.int64(1)
    compiled = tg.compile(lambda x: np.median(np.reshape(x, (one + 1, 3))[:, one:], axis=one, keepdims=np.bool(True)))
    assert_same(compiled(np.arange(6.0)), np.array([[1.5], [4.5]]))
    assert "np.int" not in compiled.source
    assert "np.bool" not in compiled.source


@pytest.mark.parametrize("q", [np.float16(0.25), np.float32(0.25), np.float64(0.25), 0.25, np.int64(1)], ids=repr)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_a_quantile_has_the_dtype_that_numpy_makes_of_q(q, dtype):
    x = np.array([3.0, 1.0, 2.0, 7.0], dtype)
    assert_same(tg.compile(lambda x: np.quantile(x, q))(x), np.quantile(x, q))


@pytest.mark.parametrize("initial", SCALARS, ids=repr)
@pytest.mark.parametrize("x", [*SINGLES, *ARRAYS, np.ones(2, np.int8), 0.5, 3], ids=repr)
def test_initial_numbers_have_the_dtype_of_the_numbers_that_they_come_before(x, initial):
    for function in (np.max, np.min, np.sum, np.prod):
        expected = function(x, initial=initial)
        assert_same(tg.compile(lambda x, f=function: f(x, initial=initial))(x), expected)
        if np.asarray(x).dtype.kind == "f":
            assert_same(function(tg.Value(x), initial=initial).data, expected)


@pytest.mark.parametrize("number", SCALARS, ids=repr)
@pytest.mark.parametrize("x", [*ARRAYS, 3], ids=repr)
def test_what_takes_the_place_of_nan_and_infinities_has_the_dtype_of_the_numbers_around_it(x, number):
    expected = np.nan_to_num(x, nan=number, posinf=number)
    assert_same(np.asarray(tg.compile(lambda x: np.nan_to_num(x, nan=number, posinf=number))(x))[()], expected[()])
    if np.asarray(x).dtype.kind == "f":
        assert_same(np.asarray(np.nan_to_num(tg.Value(x), nan=number, posinf=number).data)[()], expected[()])


def test_the_gradient_passes_to_an_initial_number():
    assert tg.grad(lambda a: np.max(tg.Value(np.ones(2, np.float32)), initial=a))(3.0) == 1.0


@pytest.mark.parametrize("number", [np.float16(0.1), np.float32(0.1), np.float64(0.1)], ids=repr)
@pytest.mark.parametrize("x", [0.5, -0.5, 2, -2])
def test_beside_a_number_of_numpys_a_number_of_pythons_has_its_dtype(x, number):
    for f in (
        lambda x: np.where(x > 0, number, x),
        lambda x: np.where(x > 0, 2 * x, number),
        lambda x: np.select([x > 0], [x], number),
        lambda x: np.maximum(x, number),
        lambda x: np.clip(x, number, number),
        lambda x: np.clip(number, x, 3),
    ):
        assert_same(tg.compile(f)(x), f(x)[()])


@pytest.mark.parametrize("first", [4.0, -1.0])
@pytest.mark.parametrize("f", [lambda x, ones: x**0.5 * ones, lambda x, ones: np.sum(ones * x**0.5)])
def test_the_dtype_of_a_root_does_not_depend_on_the_sign_that_came_first(f, first):
    ones = np.ones(2, np.float32)
    compiled = tg.compile(f)
    with np.errstate(invalid="ignore"):
        compiled(first, ones)
        root, negative = compiled(4.0, ones), compiled(-1.0, ones)
    assert root.dtype == f(4.0, ones).dtype == np.float32
    assert np.array_equal(root, f(4.0, ones))
    assert negative.dtype.kind == "f"
    assert np.all(np.isnan(negative))


@pytest.mark.parametrize("digits", [(), (0,), (2,), (-1,)], ids=str)
@pytest.mark.parametrize("x", [2.5, -3.5, 2.675, 37.0, 37, 1e300, np.float32(2.5), np.float64(2.675)], ids=repr)
def test_round_is_that_of_numpy_as_compile_says(x, digits):
    result, expected = tg.compile(lambda x: round(x, *digits))(x), np.round(x, *digits)
    assert (result, type(result)) == (expected, type(expected))
    assert round(tg.Value(x, dtype=np.result_type(x) if np.result_type(x).kind == "f" else None), *digits).item() == expected
