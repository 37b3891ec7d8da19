"""Compiled programs and the limits of numbers: small and large factors, masks, whole numbers that wrap around, mixed precisions."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.compiler.probing import may_give_a_view
from tinygrad_edu.primitives.primitive import case
from tinygrad_edu.primitives.table import TABLE, operation
from tinygrad_edu.testing.operations import samples
from tinygrad_edu.transforms.trees import tree_leaves

THREE = np.array([1.0, 2.0, 3.0])
SIGNS = np.array([-1.0, 0.0, 1.0])
BYTES = np.array([200, 3], np.uint8)
SINGLE = THREE.astype(np.float32)
HALF = np.full(1000, 100, np.float16)


def repeated(f, x, times):
    for _ in range(times):
        x = f(x)
    return x


PROGRAMS = {
    "a tiny factor of a sum": (lambda x: 1e-14 * np.sum(x), THREE),
    "a tiny factor that no mean makes rounder": (lambda x: 1.23456789e-9 * np.sum(x), THREE),
    "a product of small factors": (lambda v: 0.5 * 1.67e-27 * np.sum(v**2), THREE),
    "a sum divided by a huge number, in single precision": (lambda x: np.sum(x / 1e30), SINGLE),
    "the sum of masks": (lambda x: 0.5 * (x > 0) + 0.5 * (x >= 0), SIGNS),
    "the difference of masks": (lambda x: 1.0 * (x > 0) - 1.0 * (x < 0), SIGNS),
    "minus a mask": (lambda x: -1.0 * (x > 0), SIGNS),
    "a mask times minus one": (lambda x: (x > 0) * -1, SIGNS),
    "zero minus a mask": (lambda x: 0 - (x > 0), SIGNS),
    "a mask divided by minus one": (lambda x: (x > 0) / -1, SIGNS),
    "the sum of a negated mask": (lambda x: np.sum(-1 * (x > 0)), SIGNS),
    "bytes divided by their negatives": (lambda x: x / -x, BYTES),
    "negated bytes, halved": (lambda x: -x / 2, BYTES),
    "doubled bytes, divided": (lambda x: 2 * x / 255, BYTES),
    "the sum of negated bytes": (lambda x: np.sum(-x), BYTES),
    "the sum of multiples of bytes": (lambda x: np.sum(100 * x), np.array([100, 3], np.int8)),
    "multiples of 32-bit integers, divided": (lambda x: 3 * x / 7, np.array([2**30, 3], np.int32)),
    "bytes and a wide number": (lambda x: x + np.int64(500), np.array([1, 2], np.int8)),
    "bytes and a wide small number": (lambda x: x + np.int64(5), np.array([1, 2], np.int8)),
    "bytes and a number of Python's": (lambda x, n: x + 2 * n, np.array([1, 2], np.int8), 3),
    "the product of factors that singles cannot hold": (lambda x: 1e20 * (1e20 * x), np.array([0, 1e-10], np.float32)),
    "a factor and a divisor that singles cannot hold": (lambda x: x * 1e25 / 1e-20, np.array([0, 1e-10], np.float32)),
    "small factors that vanish in singles": (lambda x: 1e-25 * np.sum(1e-25 * x), np.array([1e30, 1e30], np.float32)),
    "a sum of singles times a double": (lambda x: np.sum(x) * np.float64(0.25), SINGLE / np.float32(7)),
    "unsigned numbers, negated and doubled": (lambda x: 2 * -x, np.arange(3, dtype=np.uint8)),
    "unsigned numbers, doubled and negated": (lambda x: -(2 * x), np.arange(3, dtype=np.uint8)),
    "factors whose product does not fit": (lambda x: 100 * (100 * x), np.ones(1, np.int8)),
    "factors whose product does not fit in 64 bits": (lambda x: 2**40 * (2**40 * x), np.array([100])),
    "whole factors of doubles": (lambda x: 10**10 * (10**10 * x), THREE),
    "a whole factor beyond 64 bits": (lambda x: x * 2**64, THREE),
    "a number times a number divided": (lambda x: 2 * (3 / x), 2.0),
    "zero times zero divided": (lambda x: 0 * (0 / x), THREE),
    "huge numbers, divided": (lambda x: 1e200 * (1e200 / x), np.array([1e200])),
    "small numbers times small numbers": (lambda x: 1e-200 * (x / 1e200), np.array([1e250])),
    "complex numbers in a row": (lambda x: 1j * (2j * x), np.array([1 + 1j])),
    "a quotient of bytes, negated": (lambda u, w, x: -(u / w * x), np.array([1, 2, 3], np.uint8), THREE, THREE),
    "a quotient of bytes, doubled": (lambda a, b, y: 2 * (a / b * y), np.array([100, 90, 80], np.int8), THREE, THREE),
    "less a product that begins with bytes": (lambda x, a, b: x + -a * b * b, THREE, np.array([1, 2, 3], np.uint8), THREE),
    "half of a masked product": (lambda m, y, z: 0.5 * (m * y * z), SIGNS > 0, SINGLE, SINGLE),
    "a huge multiple of a quotient of two precisions": (lambda h, w: 1e300 * (h / w), np.float32(0.7), THREE),
    "a mask divided by a negative number": (lambda w, z: -((w / -2) / z), SIGNS > 0, 2.0),
    "a byte times a negative": (lambda x: np.uint8(3) * -x, THREE),
    "the negative of a byte's multiple": (lambda x: -(np.uint8(3) * x), 1.7),
    "two bytes that look like opposites": (lambda x: np.uint8(3) * x + np.uint8(253) * (x + 1), THREE),
    "a repeated number of Python's": (lambda a, x: np.broadcast_to(a, (3,)) * x, 0.1, SINGLE),
    "a reshaped number of Python's": (lambda a, x: np.reshape(a, (1,)) * x, 0.1, SINGLE),
    "a truth of Python's": (lambda x, y: (True + x) * y, 1.3, SINGLE),
    "an imaginary number of Python's": (lambda x: 1j * x, SINGLE),
    "halves that divide": (lambda x: np.float16(300) * (np.float16(300) / x), 1.7),
    "zero times what overflows": (lambda x: 0 * (1e300 * x), 1e10 * THREE),
    "a hundredth of a sum of halves": (lambda x: np.sum(x) / 100, np.full(100, 1000, np.float16)),
    "a complex multiple of a sum": (lambda z: np.complex128(0.25j) * np.sum(z), np.array([1j, 2.0, 3, 4])),
    "complex singles in a row": (lambda x: np.complex64(1 + 2j) * (np.complex64(1 + 2j) * x), THREE),
    "a fixed point": (lambda x: repeated(lambda x: 1.5 * x * x, x, 11), np.array([2 / 3])),
    "a long chain of squares": (lambda x: repeated(lambda x: 1.5 * x * x, x, 20), THREE * 0.1),
    "a single among doubles": (lambda x: np.float32(0.1) * x, THREE),
    "a single compared with doubles": (lambda x: np.float32(0.1) < x, np.array([0.1, np.float32(0.1)])),
    "a half among doubles": (lambda x: np.float16(0.1) * x, THREE),
    "a half among singles": (lambda x: np.float16(0.1) * x, SINGLE),
    "a double among singles": (lambda x: np.float64(0.1) * x, SINGLE),
    "singles and powers of Python's numbers": (lambda k, rate, m: m - rate * m / (1 - 0.9**k), 2.0, 0.1, SINGLE),
    "singles and a root of Python's": (lambda x, rate: x * rate**0.5, SINGLE, 0.1),
    "singles and a root of an integer of Python's": (lambda x, n: x * n**0.5, SINGLE, 2),
    "singles and NumPy's root of a number of Python's": (lambda x, rate: x * rate / np.sqrt(rate), SINGLE, 0.1),
    "a number of Python's less one of NumPy's": (lambda x, b: x + (b - np.mean(b)), SINGLE, 0.5),
    "the mean of halves": (np.mean, HALF),
    "the mean of halves over an axis": (lambda x: np.mean(x, axis=0), HALF),
    "the sum of halves, each divided": (lambda x: np.sum(x / 1000), HALF),
    "zero times huge numbers": (lambda x: 0 * x + 0 * x, np.array([1e308])),
    "division by a number whose inverse is infinite": (lambda x, y: x * (y / 1e-310), np.array([1e-310]), np.ones(1)),
    "division by the zeros of both signs": (lambda x: x / np.array([0.0, -0.0]), np.ones(2)),
    "division by zero": (lambda x: 0.5 * (np.sum(x) / 0.0), THREE),
    "the variance of one sample": (lambda x: 0.5 * np.var(x, ddof=1), np.ones(1)),
    "the mean of nothing": (np.mean, np.ones(0)),
    "means over an axis of length zero": (lambda x: np.mean(x, axis=1), np.ones((3, 0))),
    "no means at all": (lambda x: np.mean(x, axis=0), np.ones((3, 0))),
    "relu of many whole numbers": (lambda x: 2 * tg.relu(x), np.arange(40000) - 5),
    "the variance of whole numbers": (np.var, np.arange(4)),
    "elements at computed places": (np.take, np.arange(4.0), np.array([1, 2])),
    "one mask or the other": (lambda a, b: (a > 0) ^ (b > 0), SIGNS, np.ones(3)),
}


@pytest.mark.parametrize("case", PROGRAMS.values(), ids=PROGRAMS)
@pytest.mark.filterwarnings(
    "ignore:Mean of empty slice", "ignore:Degrees of freedom", "ignore:invalid value", "ignore:divide by zero"
)
def test_compiled_and_eager_numbers_are_the_same_in_value_and_dtype(case):
    f, *arguments = case
    with np.errstate(all="ignore"):
        expected, compiled = f(*arguments), tg.compile(f)
        result = compiled(*arguments)
        scope = {}
        exec(compiled.source, scope)
        alone = scope[next(name for name in compiled.source.split("def ")[-1].split("("))](*arguments)
    for found in (result, alone):
        assert (np.shape(found), np.asarray(found).dtype) == (np.shape(expected), np.asarray(expected).dtype)
        np.testing.assert_allclose(found, expected, rtol=1e-12 if np.asarray(expected).dtype.itemsize == 8 else 2e-7, atol=0)


# What Python and NumPy make of a single number: x of Python's, s an array or another number.
OF_PYTHONS = {
    "a sum": lambda x, s: (x + 0.1) * s,
    "NumPy's sum": lambda x, s: np.add(x, 0.1) * s,
    "NumPy's product": lambda x, s: np.multiply(2, x) * s,
    "NumPy's quotient": lambda x, s: np.divide(x, 3) * s,
    "a power": lambda x, s: abs(x) ** 0.5 * s,
    "NumPy's power": lambda x, s: np.power(x, 2) * s,
    "NumPy's square": lambda x, s: np.square(x) * s,
    "an absolute value": lambda x, s: abs(x) * s,
    "NumPy's absolute value": lambda x, s: np.abs(x) * s,
    "a negative": lambda x, s: -x * s,
    "NumPy's negative": lambda x, s: np.negative(x) * s,
    "a real part": lambda x, s: np.real(x) * s,
    "an imaginary part": lambda x, s: np.imag(x) * s,
    "a copy": lambda x, s: np.copy(x) * s,
    "a quotient and a rest": lambda x, s: divmod(x, 3)[0] * s + divmod(x, 3)[1] * s,
    "NumPy's quotient and rest": lambda x, s: np.divmod(x, 3)[0] * s + np.divmod(x, 3)[1] * s,
    "a comparison, halved": lambda x, s: (x > 0) * 0.5 * s,
    "a comparison, doubled": lambda x, s: (x <= 0) * 2 * s,
    "NumPy's comparison": lambda x, s: np.less(x, 9) * 2 * s,
    "a comparison with one of NumPy's": lambda x, s: (x < np.float64(3)) * 2 * s + (np.float32(3) < x) * 2 * s,
    "equality with an array": lambda x, s: (x == s) * 2 * s,
    "the sum of comparisons": lambda x, s: ((x > 0) + (x > 1)) * s,
    "a negated comparison": lambda x, s: -(x > 0) * s,
    "both comparisons": lambda x, s: ((x > 0) & (x < 9)) * 2 * s,
    "one comparison or the other": lambda x, s: ((x > 0) ^ (x < 9)) * 2 * s + ((x > 0) | (x > 1)) * 2 * s,
    "what is NumPy's beside what is not": lambda x, s: np.add(x, 1) * s + (x + 1) * s,
    "one of NumPy's among the operands": lambda x, s: (x + np.float32(1)) * s,
    "a choice": lambda x, s: np.where(x > 0, x, 2 * x) * s,
    "a choice between a number and an array": lambda x, s: np.where(x > 0, x, s) * s,
    "what NumPy is given beside an array": lambda x, s: np.add(np.multiply(x, s), x),
    "a user's own operation": lambda x, s: thrice(x) * s,
}
thrice = tg.primitive(lambda x: 3.0 * x, lambda g, out, x: 3.0 * g, name="thrice")


@pytest.mark.parametrize("f", OF_PYTHONS.values(), ids=OF_PYTHONS)
@pytest.mark.parametrize("x", [1.5, 2, -3.25, 0])
def test_a_number_of_pythons_gives_way_to_an_array_and_one_that_numpy_made_of_it_does_not(f, x):
    for s in (SINGLE, SIGNS.astype(np.int8), SIGNS > 0, 1.5, 2, np.linspace(0, 1, 40000, dtype=np.float32)):
        with np.errstate(all="ignore"):
            expected, compiled = f(x, s), tg.compile(f)
            result = compiled(x, s)
        assert np.asarray(result).dtype == np.asarray(expected).dtype
        np.testing.assert_allclose(result, expected, rtol=2e-7 if np.asarray(s).dtype == np.float32 else 1e-12)


TRUTHS = {
    "NumPy's sum": (lambda x: np.add(np.greater(x, 1), np.greater(x, 0)), np.True_),
    "NumPy's sum of one twice": (lambda x: np.add(np.greater(x, 1), np.greater(x, 1)), np.True_),
    "NumPy's sum of Python's": (lambda x: np.add(x > 1, x > 0), np.True_),
    "NumPy's sum with a known one": (lambda x: np.add(x > 1, True), np.True_),
    "the sum of NumPy's": (lambda x: np.greater(x, 1) + True, np.True_),
    "NumPy's product": (lambda x: np.multiply(x > 1, x > 0), np.True_),
    "NumPy's power": (lambda x: np.power(x > 1, x > 0), np.int8(1)),
    "NumPy's quotient": (lambda x: np.floor_divide(x > 1, x > 0), np.int8(1)),
    "NumPy's absolute value": (lambda x: np.absolute(x > 1), np.True_),
    "the absolute value of NumPy's": (lambda x: abs(np.greater(x, 1)), np.True_),
    "a sum": (lambda x: (x > 1) + (x > 0), 2),
    "a product": (lambda x: (x > 1) * (x > 0), 1),
    "a power": (lambda x: (x > 1) ** (x > 0), 1),
    "an absolute value": (lambda x: abs(x > 1), 1),
    "twice NumPy's sum and one more": (lambda x: np.add(x > 1, x > 1) * 2 + (x > 1), np.int64(3)),
}


@pytest.mark.parametrize(("f", "expected"), TRUTHS.values(), ids=TRUTHS)
def test_the_sum_of_two_truths_is_a_truth_for_numpy_and_two_for_python(f, expected):
    found = tg.compile(f)(1.5)
    assert found == f(1.5) == expected
    assert np.asarray(found).dtype == np.asarray(f(1.5)).dtype == np.asarray(expected).dtype


@pytest.mark.parametrize(("f", "expected"), TRUTHS.values(), ids=TRUTHS)
def test_the_source_that_is_shown_adds_truths_as_the_function_does(f, expected):
    compiled = tg.compile(f)
    found = compiled(1.5)
    scope = {}
    exec(compiled.source, scope)
    shown = scope["function"](1.5)
    assert shown == found == expected
    assert np.asarray(shown).dtype == np.asarray(expected).dtype


def test_the_source_of_a_derivative_adds_truths_as_numpy_does():
    compiled = tg.compile(tg.value_and_grad(lambda x: x**2 * ((x > 1) + (x > 2))))
    scope = {}
    assert compiled(3.0) == (9.0, 6.0)
    exec(compiled.source, scope)
    assert scope["function"](3.0) == scope["function"](np.float64(3.0)) == (9.0, 6.0)


def test_the_source_says_a_number_is_numpys_only_where_it_makes_a_difference():
    for f, s, dtype, written in (
        (lambda x, s: np.add(x, 0.1) * s, THREE, np.float64, "= (x + 0.1) * s"),
        (lambda x, s: np.add(x, 0.1) * s, SINGLE, np.float64, "= (np.float64(x) + 0.1) * s"),
        (lambda x, s: (x + 0.1) * s, SINGLE, np.float32, "= (x + 0.1) * s"),
        (lambda x, s: np.sqrt(x) * s, SINGLE, np.float64, "= np.sqrt(x) * s"),
        (lambda x, s: np.abs(x) * s, SINGLE, np.float64, "= abs(np.float64(x)) * s"),
        (lambda x, s: abs(x) * s, SINGLE, np.float32, "= abs(x) * s"),
    ):
        compiled = tg.compile(f)
        assert compiled(1.5, s).dtype == dtype
        assert written in compiled.source


OF_MASKS = {
    "a power": lambda m, s: np.power(m, 2) * s,
    "a cube": lambda m, s: np.power(m, 3) * s,
    "a root": lambda m, s: np.power(m, 0.5) * s,
    "a power of each": lambda m, s: np.power(m, [2, 1]) * s,
    "a power of a byte": lambda m, s: np.power(m, np.int8(2)) * s,
    "the operator": lambda m, s: m**2 * s,
    "a square": lambda m, s: np.square(m) * s,
    "a Kronecker product": lambda m, s: np.kron(m, m),
    "a Kronecker product with an array": lambda m, s: np.kron(m, s),
    "a Kronecker product with a number": lambda m, s: np.kron(m, 2) * 1.0,
    "a product": lambda m, s: np.multiply(m, m) * s,
    "a sum": lambda m, s: np.add(m, m) * s,
}


@pytest.mark.parametrize("f", OF_MASKS.values(), ids=OF_MASKS)
@pytest.mark.parametrize("mask", [SIGNS[1:] > 0, np.True_, (SIGNS[1:] > 0)[:, None]], ids=["vector", "number", "column"])
def test_of_masks_numpys_functions_make_compiled_what_they_make_of_them_eagerly(f, mask):
    for s in (SINGLE[:2], BYTES, SIGNS[1:] > 0, 1.5, 2):
        result, expected = tg.compile(f)(mask, s), f(mask, s)
        assert np.asarray(result).dtype == np.asarray(expected).dtype
        np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("divide", [np.divide, np.remainder, np.floor_divide, np.true_divide, np.fmod], ids=lambda f: f.__name__)
def test_whole_numbers_are_divided_by_zero_as_numpy_does_it(divide):
    compiled = tg.compile(lambda x, y: divide(x, y))
    assert compiled(7, 2) == divide(7, 2)
    with np.errstate(all="ignore"):
        np.testing.assert_equal([compiled(1, 0), compiled(-1, 0), compiled(0, 0)], [divide(1, 0), divide(-1, 0), divide(0, 0)])
        with pytest.warns(RuntimeWarning), np.errstate(all="warn"):
            assert compiled(1, 0) == divide(1, 0)


def test_whole_numbers_that_numpy_computes_with_have_64_bits():
    with np.errstate(all="ignore"):
        for f in (lambda k: np.multiply(k, k), lambda k: np.power(k, 5), lambda k: np.square(k) + 1, lambda k: np.add(k, 1) * k):
            compiled = tg.compile(f)
            assert [compiled(3), compiled(2**40)] == [f(3), f(2**40)]
    with pytest.raises(ValueError, match="negative integer power"):
        tg.compile(lambda k: np.power(k, -1))(2)


def test_a_power_with_a_known_base_has_a_compiled_gradient():
    for f in (lambda x: 2.0**x, lambda x: np.power(1.5, x), lambda x: 0.9**x):
        assert tg.compile(tg.grad(f))(3.0) == pytest.approx(float(tg.grad(f)(3.0)), rel=1e-15)


@pytest.mark.parametrize("entry", [pytest.param(entry, id=entry.name) for entry in TABLE])
def test_what_may_be_memory_of_an_operand_is_known(entry):
    for sample in samples(entry):
        inputs = [np.asarray(x) for x in sample.inputs]
        shares = any(np.shares_memory(entry.forward(*inputs, **sample.params), x) for x in inputs)
        assert may_give_a_view(entry) or not shares


def test_an_entry_that_gives_a_view_is_found_out():
    mirror = operation(lambda x: x[..., ::-1], lambda g, out, x: g[..., ::-1], name="mirror", cases=[case((3,)), case((2, 3))])
    try:
        x = np.array([1.0, 2.0, 3.0])
        compiled = tg.compile(lambda x: mirror(x))
        compiled(x)[0] = 100.0
        assert x.tolist() == [1.0, 2.0, 3.0]
        assert tg.compile(tg.grad(lambda x: mirror(x)[0] ** 2))(x).tolist() == [0.0, 0.0, 6.0]
    finally:
        del TABLE.entries["mirror"]


def test_an_entry_that_fails_on_its_cases_may_give_a_view_for_all_that_is_known():
    def forward(x):
        if x.shape != (3,):
            raise ValueError("three numbers, please")
        return x[::-1]

    reversal = operation(forward, lambda g, out, x: g[::-1], name="reversal", cases=[case((2,)), case((2, 3))])
    try:
        assert may_give_a_view(reversal)
        x = np.array([1.0, 2.0, 3.0])
        tg.compile(lambda x: reversal(x))(x)[0] = 100.0
        assert x.tolist() == [1.0, 2.0, 3.0]
    finally:
        del TABLE.entries["reversal"]


RETURNED = {
    "itself": lambda x: x,
    "transposed": lambda x: x.T,
    "reshaped": lambda x: np.reshape(x, ()),
    "real part": np.real,
    "with an ellipsis": lambda x: x[...],
}


@pytest.mark.parametrize("f", RETURNED.values(), ids=RETURNED)
def test_an_array_without_axes_is_not_handed_through(f):
    x = np.array(1.0)
    result = tg.compile(f)(x)
    x[()] = 5.0
    assert result == 1.0


def test_an_element_and_a_diagonal_are_not_the_arguments_memory():
    x = np.arange(4.0).reshape(2, 2)
    results = [
        tg.compile(f)(x) for f in (lambda x: x[..., 1, 1], lambda x: np.einsum("ii->i", x), lambda x: np.einsum("ij->ji", x))
    ]
    kept = [np.array(result) for result in results]
    x[:] = 7.0
    for result, old in zip(results, kept, strict=True):
        np.testing.assert_array_equal(result, old)
    assert type(results[0]) is np.float64


def test_parts_of_complex_numbers_outlast_the_block_that_they_were_computed_in():
    z = np.random.default_rng(0).normal(size=40000) * (1 + 1j)
    x = np.linspace(0.0, 1.0, 40000)
    programs = {
        "of complex numbers": (lambda z: np.sum(np.real(z * z) * np.imag(np.exp(z)) ** 2), z),
        "of real numbers": (lambda x: np.sum(np.real(np.exp(1j * x) * x) * np.imag(np.exp(2j * x))), x),
    }
    for f, argument in programs.values():
        np.testing.assert_allclose(tg.compile(f)(argument), f(argument), rtol=1e-12)
    gradient = tg.grad(programs["of real numbers"][0])
    np.testing.assert_allclose(tg.compile(gradient)(x), gradient(x), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("f", [np.linalg.norm, np.std, np.median, lambda x: np.quantile(x, 0.3), np.nanmax, np.max, np.linalg.det])
def test_a_single_number_comes_back_as_a_number(f):
    x = np.array([[1.0, 2.0], [3.0, 5.0]])
    assert type(tg.compile(f)(x)) is type(f(x)) is np.float64


# --- Python's integers, which have no largest one ----------------------------------------------------------------------------

POWERS = {
    "10**k": (lambda w, k: w * 10**k, 1.5, 20),
    "an array by 10**k": (lambda w, k: w * 10**k, np.ones(2), 20),
    "3**k": (lambda k: 3**k, 50),
    "k**k": (lambda k: k**k, 30),
    "k**3": (lambda k: k**3, 10**9),
    "by 2**k": (lambda w, k: w / 2**k, 1.5, 70),
    "an array by 2**k": (lambda w, k: w / 2**k, np.ones(2, np.float32), 70),
    "2**-k": (lambda w, k: w * 2**-k, 1.5, 3),
    "an array by 2**-k": (lambda w, k: w * 2**-k, np.ones(2), 7),
    "a gradient": (tg.grad(lambda w, k: w * 10**k), 1.5, 20),
    "value and gradient": (tg.value_and_grad(lambda w, k: np.sum(w**2 / 2**k)), np.ones(2), 70),
    "products": (lambda k: k * k * k - k // 7 + k % 5, 10**30),
}


@pytest.mark.parametrize(("f", "arguments"), [(f, arguments) for f, *arguments in POWERS.values()], ids=POWERS)
def test_integers_of_pythons_are_as_large_as_they_have_to_be(f, arguments):
    for found, expected in zip(tree_leaves(tg.compile(f)(*arguments)), tree_leaves(f(*arguments)), strict=True):
        assert (np.shape(found), np.result_type(found)) == (np.shape(expected), np.result_type(expected))
        np.testing.assert_array_equal(found, expected)


def test_a_power_of_integers_is_what_python_says_for_every_exponent():
    compiled = tg.compile(lambda w, k: w * 10**k)
    assert [compiled(1.5, k) for k in (3, 20, 0, -2)] == [1500.0, 1.5e20, 1.5, 1.5 * 10**-2]
    quotient = tg.compile(lambda w, k: w / 2**k)
    assert quotient(1.5, 1) == 0.75
    with pytest.raises(OverflowError):
        quotient(1.5, 2000)


@pytest.mark.parametrize("number", [1.5, np.float64(1.5), np.array(1.5), np.float32(1.5)], ids=repr)
@pytest.mark.parametrize(
    "options", [{"axis": 0}, {"axis": -1}, {"axis": 0, "keepdims": True}, {"axis": -1, "keepdims": True}], ids=str
)
@pytest.mark.parametrize("reduce", [*(entry.numpy[0] for entry in TABLE if entry.reduces), np.nansum], ids=lambda f: f.__name__)
def test_a_single_number_has_an_axis(reduce, options, number):
    compiled = tg.compile(lambda x: reduce(x, **options))
    expected = reduce(number, **options)
    for _ in range(2):
        result = compiled(number)
        assert (result, np.shape(result), np.result_type(result)) == (1.5, (), expected.dtype)
    square = lambda x: reduce(x, **options) * x  # noqa: E731
    for _ in range(2):
        gradient = tg.compile(tg.grad(square))(number)
        assert (gradient, np.result_type(gradient)) == (3.0, expected.dtype)
    assert tg.compile(lambda x: tg.hvp(square, x, np.ones_like(number)))(number) == 2.0


@pytest.mark.parametrize("scan", [np.cumsum, np.cumprod], ids=lambda f: f.__name__)
def test_running_sums_and_products_of_a_single_number(scan):
    for axis in (None, 0, -1):
        gradient = tg.grad(lambda x, axis=axis: np.sum(scan(x, axis=axis) ** 2))
        assert gradient(1.5) == tg.compile(gradient)(1.5) == 3.0
    with pytest.raises(tg.errors.IndexingError):
        scan(tg.Value(1.5), axis=1)


DIVIDED_BY_ZERO = {
    "a quotient": (lambda x: np.divide(x, x), 0.0, np.nan),
    "a remainder": (lambda x: np.remainder(x, x), 0.0, np.nan),
    "a rounded quotient": (lambda x: np.floor_divide(1.0, x), 0.0, np.inf),
    "a power": (lambda x: np.power(x, -1.0), 0.0, np.inf),
    "a negative quotient": (lambda x: np.true_divide(-1.0, x), 0.0, -np.inf),
    "a huge power": (lambda x: np.power(x, 400.0), 10.0, np.inf),
}


@pytest.mark.parametrize(("f", "x", "expected"), DIVIDED_BY_ZERO.values(), ids=DIVIDED_BY_ZERO)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_what_numpy_divides_by_zero_is_what_it_gives_from_the_first_call_on(f, x, expected):
    compiled = tg.compile(f)
    np.testing.assert_equal([compiled(x), compiled(x), f(x)], [expected] * 3)


@pytest.mark.parametrize("target", ["numpy", "jax"])
@pytest.mark.parametrize("flag", [True, False, np.True_])
def test_a_flag_may_stand_before_a_mask(flag, target):
    for f in (lambda x: flag & (x > 0), lambda x: flag | (x > 0), lambda x: flag ^ (x > 0), lambda x: 5 & (x > 0).astype(int)):
        np.testing.assert_array_equal(tg.compile(f, target=target)(SIGNS), f(SIGNS))


@pytest.mark.parametrize("number", [True, 1, 3.5, [1, 2], np.True_], ids=repr)
def test_what_is_clipped_may_be_a_number_of_pythons(number):
    for bound in (2.0, np.float64(-0.5)):
        f = lambda x, y: np.clip(x, 0, y)  # noqa: E731
        expected = f(number, bound)
        np.testing.assert_array_equal(f(number, tg.Value(bound)).data, expected)
        if type(number) is not list:
            np.testing.assert_array_equal(tg.compile(f)(number, bound), expected)
        np.testing.assert_array_equal(tg.compile(lambda y, f=f: f(number, y))(bound), expected)
    assert tg.grad(lambda y: np.clip(1, 0, y))(0.5) == tg.compile(tg.grad(lambda y: np.clip(1, 0, y)))(0.5) == 1.0


def test_first_axes_of_length_one_are_left_off_what_fills_an_array():
    for x, fill in ((1.0, np.array([2.0])), (np.zeros(2), np.ones((1, 1, 2))), (np.zeros(2), 3.0)):
        f = lambda x, fill: np.full_like(x, fill) * x  # noqa: E731
        np.testing.assert_array_equal(tg.compile(f)(x, fill), f(x, fill))
        filled = np.full_like(tg.Value(x), tg.Value(fill))
        assert filled.shape == np.shape(x)
        np.testing.assert_array_equal(filled.data, np.full_like(x, fill, float))


@pytest.mark.parametrize("target", ["numpy", "jax"])
@pytest.mark.parametrize("x", [SIGNS > 0, BYTES, THREE.astype(np.int8), 2], ids=repr)
def test_the_log_sum_exp_of_masks_and_whole_numbers_is_a_double(x, target):
    result, expected = tg.compile(tg.logsumexp, target=target)(x), tg.logsumexp(x)
    assert result.dtype == expected.dtype == np.float64
    np.testing.assert_allclose(result, expected, rtol=1e-14)


@pytest.mark.parametrize(
    ("f", "arguments"),
    [
        (lambda w, k: w * 10**k, (1.0, 20)),
        (lambda w, k: w * 3**k, (1.0, 50)),
        (lambda w, k: w / 2**k, (1.0, 70)),
        (lambda w, k: w / 2**k, (1.0, 5)),
        (lambda k: 2**-k, (3,)),
        (lambda k: 2**-k, (-3,)),
        (lambda k: k**20, (10,)),
        (lambda x, y: x**y, (10, 30)),
        (lambda x, y: x**y, (2, -1)),
        (lambda k: k * k * k * k, (10**6,)),
        (lambda k: k + k, (2**62,)),
        (lambda k: k % 7, (10**25,)),
        (lambda k: k // 7, (10**25,)),
        (lambda k: 1.0 * k, (10**25,)),
        (lambda k: np.ones(2) * k, (10**25,)),
        (lambda k: np.sum(np.ones(3) * 2**k), (70,)),
    ],
)
def test_whole_numbers_of_pythons_have_any_number_of_digits(f, arguments):
    compiled = tg.compile(f)
    compiled(*(1.0 if isinstance(x, float) else 2 for x in arguments))  # it is recorded with other numbers
    found, expected = compiled(*arguments), f(*arguments)
    np.testing.assert_array_equal(found, expected)
    if not isinstance(expected, np.ndarray):
        assert float(found) == float(expected)
    if isinstance(expected, int):
        assert type(found) is int


def test_whole_numbers_stay_whole_where_another_number_has_to_become_numpys():
    compiled = tg.compile(lambda n, y: (n * n * n, 1 / y))
    compiled(2, 1.0)
    with np.errstate(divide="ignore"):
        assert compiled(2**40, 0.0) == (2**120, np.inf)


def test_what_is_an_error_with_whole_numbers_of_pythons_is_one():
    compiled = tg.compile(lambda w, k: w / 2**k)
    compiled(1.0, 5)
    with pytest.raises(OverflowError):
        compiled(1.0, 5000)
    for f in (lambda x, y: x // y, lambda x, y: x % y, lambda x, y: x / y):
        compiled = tg.compile(f)
        with pytest.raises(ZeroDivisionError):
            compiled(3, 0)
        compiled(3, 2)
        with pytest.raises(ZeroDivisionError):
            compiled(3, 0)


@pytest.mark.parametrize("third", [np.longdouble(1) / 3, np.longdouble(1) / 3 + 1j / np.longdouble(3)])
def test_numbers_of_more_than_double_precision_keep_their_digits(third):
    x = np.array([1.1, 0.7], np.longdouble)
    for f in (lambda x: third * x, lambda x: x - third * x**2, lambda x: x + np.array([third, 1])):
        compiled = tg.compile(f)
        np.testing.assert_array_equal(compiled(x), f(x))
        scope = {}
        exec(compiled.source, scope)
        np.testing.assert_array_equal(scope["function"](x), f(x))


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x * np.argmax(a=x),
        lambda x: x * np.isclose(x, b=x),
        lambda x: x * np.any(x, where=x > 1.0),
        lambda x: x * np.isin(x, test_elements=x),
        lambda x: x * np.searchsorted(np.array([0.0, 1.5]), v=x),
    ],
)
def test_arrays_may_be_given_by_name_to_functions_without_a_derivative(f):
    x = np.array([1.0, 2.0])
    assert tg.compile(f)(x).tolist() == f(x).tolist()


@pytest.mark.parametrize("x", [1.25, 3, True])
@pytest.mark.parametrize("position", [0, -1, np.int64(0)])
def test_a_single_number_has_a_first_element(x, position):
    for f in (lambda x: np.take(x, position), lambda x: np.take(x, position) * np.float32([2.0])):
        found, expected = tg.compile(f)(x), f(x)
        assert np.asarray(found).dtype == np.asarray(expected).dtype
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("dtype", [np.complex128, np.complex64])
@pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning")
@pytest.mark.filterwarnings("error:Casting from complex to real:DeprecationWarning")
def test_jax_drops_the_imaginary_part_where_numpy_does(dtype):
    pytest.importorskip("jax")
    z = np.array([1.5 + 2j, -0.5 + 1j], dtype)
    for f in (
        lambda z: np.astype(z, np.float64),
        lambda z: np.prod(z, dtype=np.float64),
        lambda z: z.astype(np.int64),
        lambda z: z.astype(np.int8),
        lambda z: (1j * z).astype(np.bool_),
    ):
        found = np.asarray(tg.compile(f, target="jax")(z))
        assert found.dtype == f(z).dtype
        np.testing.assert_array_equal(found, f(z))


@pytest.mark.parametrize("x", [3, 3.5, True])
def test_beside_a_list_a_number_of_pythons_is_what_it_is_beside_an_array(x):
    for f in (lambda x: np.ldexp(x, [1, -2, 0]), lambda x: np.add(x, [1, 2]), lambda x: np.multiply([0.5, 2.0], x)):
        found, expected = tg.compile(f)(x), f(x)  # np.ldexp makes numbers of half precision of 3
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)
