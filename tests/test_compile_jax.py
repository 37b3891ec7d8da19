"""The same programs on JAX: what goes in, what comes out and where it is, and what JAX cannot do."""

import sys
from textwrap import dedent
from typing import NamedTuple

import jax
import numpy as np
import pytest
from jax.sharding import Mesh, NamedSharding, PartitionSpec

import tinygrad_edu as tg
from tinygrad_edu.errors import DataError, MissingExtraError, UnsupportedError

RNG = np.random.default_rng(0)
X, T = RNG.normal(size=(8, 2)), RNG.normal(size=8)


def line_loss(params, X, t):
    return np.mean((X @ params["w"] + params["b"] - t) ** 2)


PARAMS = {"w": np.array([1.0, -1.0]), "b": 0.5}


def test_the_source_is_the_program_of_numpy_for_jax():
    compiled = tg.compile(tg.value_and_grad(lambda theta, x, t: 0.5 * (t - theta * x) ** 2), target="jax")
    compiled(np.float64(3.0), 2.0, 8.0)
    assert compiled.source == compiled.optimized_source
    assert compiled.source == dedent('''\
        import jax
        import jax.numpy as np

        jax.config.update("jax_enable_x64", True)  # NumPy's double precision


        @jax.jit
        def function(theta, x, t):
            """function, recorded for theta float64; x a Python float; t a Python float."""
            difference = t - theta * x
            result = 0.5 * difference ** 2
            d_theta = -difference * x
            return result, d_theta
        ''')


def test_the_source_for_single_precision_asks_for_nothing_and_runs_on_its_own():
    compiled = tg.compile(tg.grad(lambda w, x: np.sum(tg.erf(w * x[np.array([True, False])]))), target="jax")
    inputs = np.float32(0.5), np.array([1.0, 2.0], np.float32)
    expected = compiled(*inputs)
    assert "x64" not in compiled.source
    scope = {}
    exec(compiled.source, scope)
    assert scope["function"](*inputs) == expected


def test_it_takes_arrays_of_numpy_and_of_jax_and_returns_those_of_jax():
    compiled = tg.compile(tg.value_and_grad(line_loss), target="jax")
    eager_loss, eager_gradient = tg.value_and_grad(line_loss)(PARAMS, X, T)
    on_device = jax.device_put((PARAMS, X, T))
    for arguments in [(PARAMS, X, T), on_device]:
        loss, gradient = compiled(*arguments)
        assert isinstance(loss, jax.Array)
        assert isinstance(gradient["w"], jax.Array)
        np.testing.assert_allclose(loss, eager_loss, rtol=1e-14)
        np.testing.assert_allclose(gradient["w"], eager_gradient["w"], rtol=1e-13)
        np.testing.assert_allclose(gradient["b"], eager_gradient["b"], rtol=1e-13)


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (np.arange(3), np.ones(3, np.float32)),
        (np.arange(3, dtype=np.int32), 0.5),
        (np.arange(3, dtype=np.int32), np.float32(0.5)),
        (np.ones(3, np.float32), 2),
        (np.ones(3, np.float32), np.ones(3)),
        (3, np.arange(1, 4)),
        (np.array([True, False, True]), np.ones(3, np.float32)),
    ],
)
@pytest.mark.parametrize("f", [np.multiply, np.divide, np.logaddexp, lambda x, y: np.mean(x) + np.sqrt(np.sum(y))])
def test_dtypes_are_those_of_numpy(f, x, y):
    expected, found = f(x, y), tg.compile(f, target="jax")(x, y)
    assert (found.shape, found.dtype) == (np.shape(expected), np.asarray(expected).dtype)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_double_precision_is_not_rounded_without_a_word():
    with jax.enable_x64(False):
        for arguments in [(1.0, 2.0), (np.ones(2), 2), (np.ones(2, np.float32), np.ones(2))]:
            with pytest.raises(DataError, match=r"double precision.*jax_enable_x64"):
                tg.compile(np.multiply, target="jax")(*arguments)
        single = tg.compile(lambda x, labels, rate: rate * np.sum(x[labels]) / 2, target="jax")
        result = single(np.ones(2, np.float32), np.array([0, 1, 1]), 0.5)
        assert (float(result), result.dtype) == (0.75, np.float32)


def test_results_do_not_change_with_the_arguments():
    x = np.ones(100_000)
    same, twice = tg.compile(lambda x: (x, 2 * x), target="jax")(x)
    x[...] = 5.0
    assert (same[0], twice[0]) == (1.0, 2.0)


def test_a_batch_that_is_spread_over_devices_gives_the_gradient_of_one():
    assert len(jax.devices()) == 4
    mesh = Mesh(np.array(jax.devices()), ("batch",))
    spread = [jax.device_put(x, NamedSharding(mesh, PartitionSpec("batch"))) for x in (X, T)]
    compiled = tg.compile(tg.value_and_grad(line_loss), target="jax")
    loss, gradient = compiled(PARAMS, *spread)
    assert len(gradient["w"].sharding.device_set) == 4
    eager_loss, eager_gradient = tg.value_and_grad(line_loss)(PARAMS, X, T)
    np.testing.assert_allclose(loss, eager_loss, rtol=1e-12)
    np.testing.assert_allclose(gradient["w"], eager_gradient["w"], rtol=1e-12)


def test_jax_can_transform_what_was_compiled():
    compiled = tg.compile(lambda x: np.sum(np.sin(x) ** 2), target="jax")
    x = np.array([0.5, 1.0, 2.0], np.float32)
    np.testing.assert_allclose(jax.jit(compiled)(x), np.sum(np.sin(x) ** 2), rtol=1e-6)
    np.testing.assert_allclose(jax.grad(compiled)(x), np.sin(2 * x), rtol=1e-5)
    np.testing.assert_allclose(jax.vmap(compiled)(np.stack([x, 2 * x])), [compiled(x), compiled(2 * x)], rtol=1e-6)


def test_values_from_outside_are_read_anew():
    w = tg.Value([1.0, 2.0], name="w")
    compiled = tg.compile(lambda x: np.sum(w * x), target="jax")
    assert compiled(np.ones(2)) == 3.0
    w.data = np.array([10.0, 20.0])
    assert compiled(np.ones(2)) == 30.0


def test_given_values_it_is_the_function_itself():
    w = tg.Value([1.0, 2.0])
    compiled = tg.compile(lambda x: np.sum(x * x), target="jax")
    compiled(w).backward()
    assert w.grad.tolist() == [2.0, 4.0]


class State(NamedTuple):
    w: object
    steps: object
    label: str


def test_trees_go_in_and_come_out_with_their_static_parts():
    def step(state, rate):
        return State(state.w - rate * state.w, state.steps + 1, state.label), None, {"sum": np.sum(state.w)}

    compiled = tg.compile(step, target="jax")
    for rate in (0.5, 0.25):
        state, nothing, sums = compiled(State(np.ones(2), 3, "weights"), rate)
        assert (state.w.tolist(), int(state.steps), state.label, nothing) == ([1 - rate] * 2, 4, "weights", None)
        assert float(sums["sum"]) == 2.0


def test_large_constants_are_passed_along():
    table = np.linspace(0.0, 1.0, 1000)
    compiled = tg.compile(lambda x: np.sum(x * table), target="jax")
    np.testing.assert_allclose(compiled(np.ones(1000)), 500.0, rtol=1e-14)


def test_a_static_argument_and_a_mask_among_the_arguments():
    compiled = tg.compile(lambda x, mask, n: np.sum(np.where(mask, x, 0.0) ** n), target="jax", static=("n",))
    x, mask = np.array([1.0, 2.0, 3.0]), np.array([True, False, True])
    assert (float(compiled(x, mask, 2)), float(compiled(x, mask, 3))) == (10.0, 28.0)


def test_an_operation_of_ones_own_works_where_its_function_does():
    cube = tg.primitive(lambda x: x**3, lambda g, out, x: g * 3 * x**2, name="cube")
    assert tg.compile(tg.grad(cube), target="jax")(2.0) == 12.0
    table = tg.primitive(lambda x: np.interp(x, [0.0, 1.0], [0.0, 2.0]).astype(float), lambda g, out, x: g * 2.0, name="table")
    with pytest.raises(UnsupportedError, match=r"JAX cannot run table: .*tg\.primitive"):
        tg.compile(table, target="jax")(np.array([0.5, 0.25]))


def test_what_is_no_array_is_refused_by_name():
    with pytest.raises(DataError, match="x is neither"):
        tg.compile(lambda x: x, target="jax")(object())
    with pytest.raises(DataError, match=r"target must be one of 'numpy', 'jax', not 'torch'"):
        tg.compile(lambda x: x, target="torch")


def test_numpy_takes_no_arrays_of_jax():
    with pytest.raises(DataError, match="target='jax'"):
        tg.compile(lambda x: 2 * x)(jax.numpy.ones(3))


def test_without_jax_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "jax", None)
    monkeypatch.setitem(sys.modules, "jax.scipy.special", None)
    with pytest.raises(MissingExtraError, match=r"tinygrad_edu\[jax\]"):
        tg.compile(lambda x: x, target="jax")


WHOLE_NUMBERS = {
    "running sums": (np.cumsum, np.array([3, -4, 2**31 - 1], np.int32)),
    "running sums of bytes": (np.cumsum, np.array([100, 100, 3], np.int8)),
    "running products of bytes": (np.cumprod, np.array([100, 100, 3], np.int8)),
    "a sum of bytes": (np.sum, np.array([100, 100, 3], np.int8)),
    "running sums of a mask": (lambda x: np.cumsum(x > 1), np.array([0.5, 1.5, 2.5])),
    "the mean of a mask": (lambda x: np.mean(x > 1), np.array([0.5, 1.5, 2.5])),
    "the variance of a mask": (lambda x: np.var(x > 1), np.array([0.5, 1.5, 2.5])),
    "sinc of a mask": (lambda x: np.sinc(x > 1), np.array([0.5, 1.5, 2.5])),
    "the square of a mask": (lambda x: np.square(x > 1), np.array([0.5, 1.5, 2.5])),
    "a mask times numbers": (lambda x: (x > 1) * x, np.array([0.5, 1.5, 2.5])),
    "reciprocals": (np.reciprocal, np.array([1, -1, 3], np.int32)),
    "sliding products": (lambda x: np.convolve(x, [1, 2]), np.array([1, 2, 3], np.int32)),
    "sliding products of a mask": (lambda x: np.correlate(x, x), np.array([True, False, True])),
    "the nearest element": (lambda x: np.quantile(x, 0.4, method="nearest"), np.array([3, 1, 2])),
    "a transform of whole numbers": (np.fft.rfft, np.array([3, 1, 2], np.int32)),
    "the length of whole numbers": (np.hypot.reduce, np.array([3, 1, 7], np.int32)),
    "a selected mean of whole numbers": (lambda x: np.mean(x, where=x > 1), np.array([3, 1, 2], np.int32)),
    "sums of stretches": (lambda x: np.add.reduceat(x, [0, 2, 1]), np.array([3, 1, 2], np.int32)),
    "a stable sort": (lambda x: np.sort(x, kind="stable"), np.array([3, 1, 2])),
    "truth values in part": (lambda x: np.partition(x, 1)[1], np.array([True, False, True])),
    "an edge of zeros": (lambda x: np.pad(x, [(1,)]), np.array([3, 1, 2])),
    "elements at positions": (lambda x: x[[0, 2]] + np.take(x, [1, 2]), np.array([0.5, 1.5, 2.5])),
}


@pytest.mark.parametrize(("f", "x"), WHOLE_NUMBERS.values(), ids=WHOLE_NUMBERS)
def test_whole_numbers_and_masks_become_the_dtypes_of_numpy(f, x):
    result, expected = tg.compile(f, target="jax")(x), f(x)
    assert result.dtype == expected.dtype
    np.testing.assert_allclose(result, expected, rtol=1e-15, atol=1e-18)


def test_sliding_products_of_whole_numbers_are_exact():
    x = np.array([2**53 + 1, 2**60 + 3, -7])
    np.testing.assert_array_equal(tg.compile(np.convolve, target="jax")(x, x[:2]), np.convolve(x, x[:2]))


@pytest.mark.parametrize("f", [
    lambda x: np.float_power(x, 1.5), lambda x: np.vander(x, 3), lambda x: np.float_power.reduce(x),
    lambda x: np.nanmax(x) + np.float_power(x, x),
])  # fmt: skip
def test_what_numpy_computes_with_more_precision_than_the_argument_has_jax_does_too(f):
    x = np.array([0.1, 1.3, 0.7], np.float32)
    result, expected = tg.compile(f, target="jax")(x), f(x)
    assert result.dtype == expected.dtype == np.float64
    np.testing.assert_allclose(result, expected, rtol=1e-14)


# --- Python's whole numbers --------------------------------------------------------------------------------------------------

LARGEST = 2**63 - 1
TOO_LARGE = {
    "a product": (lambda n: n * n, (2**40,)),
    "a product of two": (lambda n, m: n * m, (2**40, 2**40)),
    "a sum": (lambda n: n + n, (2**62,)),
    "a difference": (lambda n: n - (-n), (2**62,)),
    "the negative of the least": (lambda n: -n, (-(2**63),)),
    "the absolute of the least": (lambda n: abs(n), (-(2**63),)),
    "a quotient": (lambda n: n // -1, (-(2**63),)),
    "a power": (lambda w, k: w * 10**k, (1.5, 20)),
    "a square": (lambda n: n**2, (2**32,)),
    "a power of itself": (lambda n: n**n, (30,)),
    "a power that is a fraction": (lambda w, k: w * 10**k, (1.5, -1)),
    "a product in the middle": (lambda n: n * n // n, (2**40,)),
    "a product in a condition": (lambda n, x: np.where(n * n > 0, x, -x), (2**32, np.ones(2))),
    "a product with an array": (lambda n, x: x * (n * n), (2**32, np.ones(2))),
    "a part of a tree": (lambda p: p["n"] * p["m"], ({"n": 2**40, "m": 2**40},)),
    "an argument": (lambda n: n + 0.5, (2**70,)),
    "an argument beside an array": (lambda n, x: n * x, (LARGEST + 1, np.ones(2))),
}


@pytest.mark.parametrize(("f", "arguments"), TOO_LARGE.values(), ids=TOO_LARGE)
def test_whole_numbers_of_pythons_that_do_not_fit_are_never_wrong_in_silence(f, arguments):
    small = [dict.fromkeys(x, 3) if isinstance(x, dict) else 3 if isinstance(x, int) else x for x in arguments]
    compiled = tg.compile(f, target="jax")
    np.testing.assert_allclose(compiled(*small), f(*small), rtol=1e-15)
    with pytest.raises(UnsupportedError, match=r"comes of (n|k|p|n and m|p\['n'\] and p\['m'\]) by .* 64 bits\. .*floats"):
        compiled(*arguments)
    np.testing.assert_allclose(compiled(*small), f(*small), rtol=1e-15)
    with pytest.raises(UnsupportedError, match="64 bits"):
        tg.compile(f, target="jax")(*arguments)


@pytest.mark.parametrize(("f", "numbers"), [
    (lambda n: n * n, (3037000499,)), (lambda n: n + 1, (LARGEST - 1,)), (lambda n: -n, (LARGEST,)), (lambda n: n, (-LARGEST - 1,)),
    (lambda n: abs(n) - n % 7 + n // 7, (-31,)), (lambda n, k: n**k, (3, 39)), (lambda n: n**2, (3037000499,)),
    (lambda n: (n ^ 5) + (n | 8) - (n & 6), (-27,)), (lambda n: n**-2 * 1.0, (3,)), (lambda n: np.real(n) * 2, (2**61,)),
])  # fmt: skip
def test_whole_numbers_of_pythons_that_fit_are_right_to_the_last_bit(f, numbers):
    assert tg.compile(f, target="jax")(*numbers) == f(*numbers)


def test_whole_numbers_have_as_many_bits_as_jax_is_set_to():
    compiled = tg.compile(lambda n: n * n, target="jax")
    with jax.enable_x64(False):
        assert compiled(2**15) == 2**30
        with pytest.raises(UnsupportedError, match=r"has the number 1099511627776, .*32 bits"):
            compiled(2**20)
    assert compiled(2**20) == 2**40


def test_a_division_of_whole_numbers_by_zero_is_pythons_error():
    for f in (lambda n: n // 0, lambda n: n % 0):
        with pytest.raises(ZeroDivisionError):
            tg.compile(f, target="jax")(3)


@pytest.mark.parametrize("dtype", [np.int64, bool, np.float64])
def test_a_parameter_that_is_an_array_is_known_where_jax_is_asked_for_a_dtype(dtype):
    x = np.arange(24).reshape(2, 3, 4).astype(dtype)
    rolled = tg.compile(lambda x: np.roll(x, np.array([1, 2]), axis=(-1, 0)), target="jax")(x)
    np.testing.assert_array_equal(rolled, np.roll(x, np.array([1, 2]), axis=(-1, 0)))
    assert rolled.dtype == dtype
