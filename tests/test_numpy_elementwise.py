"""NumPy's elementwise functions on Values: the numbers are NumPy's, the derivatives those of differences, PyTorch and hand.

Every entry of the op table is checked elsewhere, by its own domain. Here is what is composed of entries, and the edges of domains.
"""

import subprocess
import sys

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import DataError, MissingExtraError, UnsupportedError
from tinygrad_edu.primitives import special
from tinygrad_edu.primitives.elementwise import difference
from tinygrad_edu.testing import check_grads

INF, NAN = np.inf, np.nan
POSITIVE = np.random.default_rng(0).uniform(0.3, 2.0, (2, 3))
SIGNED = np.random.default_rng(1).uniform(0.3, 2.0, (2, 3)) * [1, -1, 1]

QUOTIENTS = np.array([[0.6, -1.4, 0.4], [1.5, -0.5, 0.7]])  # away from integers


def gradients(f, *data):
    """Of the sum of f, for each argument."""
    leaves = [Value(x) for x in data]
    result = f(*leaves)
    result.backward(np.ones(result.shape))
    return [leaf.grad for leaf in leaves]


# --- compositions ------------------------------------------------------------------------------------------------------------

COMPOSED = {
    "square": (np.square, SIGNED),
    "reciprocal": (np.reciprocal, SIGNED),
    "fabs": (np.fabs, SIGNED),
    "float_power": (np.float_power, POSITIVE, SIGNED),
    "float_power of a number": (lambda x: np.float_power(2, x), SIGNED),
    "radians": (np.radians, SIGNED),
    "degrees": (np.degrees, SIGNED),
    "nan_to_num": (np.nan_to_num, SIGNED),
    "nan_to_num with arguments": (lambda x: np.nan_to_num(x, nan=1.0, posinf=2.0, neginf=3.0), SIGNED),
    "real_if_close": (np.real_if_close, SIGNED),
    "round": (np.round, SIGNED),
    "round to a digit": (lambda x: np.round(x, 1), SIGNED),
    "around": (np.around, SIGNED),
    "fix": (np.fix, SIGNED),
    "ldexp": (lambda x: np.ldexp(x, [1, -2, 0]), SIGNED),
    "first of divmod": (lambda a, b: np.divmod(a, b)[0], QUOTIENTS * POSITIVE, POSITIVE),
    "second of divmod": (lambda a, b: np.divmod(a, b)[1], QUOTIENTS * POSITIVE, POSITIVE),
    "first of modf": (lambda x: np.modf(x)[0], SIGNED),
    "second of modf": (lambda x: np.modf(x)[1], SIGNED),
    "clip with one bound": (lambda x: np.clip(x, None, 0.5), SIGNED),
    "clip by keywords": (lambda x: np.clip(x, min=-0.5, max=0.5), SIGNED),
    **{name: (getattr(np, name), POSITIVE / 2.5) for name in ("acos", "asin", "atan", "asinh", "atanh")},
    "acosh": (np.acosh, POSITIVE + 1),
    "atan2": (np.atan2, POSITIVE, SIGNED),
    "pow": (np.pow, POSITIVE, SIGNED),
}
PRECISIONS = pytest.mark.parametrize("dtype", [np.float64, np.float32])


@PRECISIONS
@pytest.mark.parametrize("name", COMPOSED)
def test_a_composition_gives_what_numpy_gives(name, dtype):
    f, *args = COMPOSED[name]
    args = [x.astype(dtype) for x in args]
    result, expected = f(*map(Value, args)), f(*args)
    assert (result.shape, result.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_allclose(result.numpy(), expected, rtol=4 * np.finfo(dtype).eps)


@pytest.mark.parametrize("name", COMPOSED)
def test_a_composition_is_differentiated_to_second_order(name):
    f, *args = COMPOSED[name]
    check_grads(lambda *xs: f(*xs), args)


@pytest.mark.parametrize("name", COMPOSED)
def test_a_composition_takes_single_numbers_and_arrays_without_elements(name):
    f, *args = COMPOSED[name]
    if name != "ldexp":
        assert f(*(Value(x[0, 0]) for x in args)).shape == ()
        empty = [Value(x[:0]) for x in args]
        f(*empty).sum().backward()
        assert all(x.grad.shape == (0, 3) for x in empty)


def test_options_of_ufuncs_are_refused():
    x, mask = Value(SIGNED), SIGNED > 0
    for call in (lambda: np.exp(x, where=mask), lambda: np.exp(x, dtype=np.float32), lambda: np.hypot(x, 1, dtype=np.float32)):
        with pytest.raises(UnsupportedError, match=r"does not take all of (where|dtype)="):
            call()
    assert np.exp(x, out=None).requires_grad


# --- edges -------------------------------------------------------------------------------------------------------------------

EDGES = {
    "hypot at the origin": (np.hypot, [[0.0], [0.0]], [[0.0], [0.0]]),
    "hypot where squares overflow": (np.hypot, [[3e200], [4e200]], [[0.6], [0.8]]),
    "hypot where squares vanish": (np.hypot, [[3e-200], [4e-200]], [[0.6], [0.8]]),
    "arctan2 at the origin": (np.arctan2, [[0.0], [0.0]], [[0.0], [0.0]]),
    "arctan2 far out": (np.arctan2, [[3e200], [4e200]], [[4e200 / 5e200 / 5e200], [-3e200 / 5e200 / 5e200]]),
    "copysign": (np.copysign, [[0.0, 2.0, -2.0, 2.0], [-1.0, -1.0, -1.0, -0.0]], [[0.0, -1.0, 1.0, -1.0], [0.0] * 4]),
    "heaviside": (np.heaviside, [[-1.0, 0.0, 1.0], [0.5, 0.5, 0.5]], [[0.0, 0.0, 0.0], [0.0, 1.0, 0.0]]),
    "fmax, tie": (np.fmax, [[2.0], [2.0]], [[0.5], [0.5]]),
    "fmax prefers numbers": (np.fmax, [[NAN, 1.0], [1.0, NAN]], [[0.0, 1.0], [1.0, 0.0]]),
    "fmin prefers numbers": (np.fmin, [[NAN, 1.0], [1.0, NAN]], [[0.0, 1.0], [1.0, 0.0]]),
    "maximum hands NaN on": (np.maximum, [[NAN, 1.0], [1.0, NAN]], [[1.0, 1.0], [1.0, 1.0]]),
    "logaddexp of infinities": (
        np.logaddexp, [[-INF, INF, -INF, INF, 1.0], [-INF, INF, 1.0, 1.0, INF]],
        [[0.5, 0.5, 0.0, 1.0, 0.0], [0.5, 0.5, 1.0, 0.0, 1.0]],
    ),
    "logaddexp2 of infinities": (np.logaddexp2, [[-INF, -INF], [-INF, 1.0]], [[0.5, 0.0], [0.5, 1.0]]),
    "nan_to_num": (np.nan_to_num, [[NAN, INF, -INF, 2.0]], [[0.0, 0.0, 0.0, 1.0]]),
    "modf of an infinity": (lambda x: np.modf(x)[0], [[INF, 1.5]], [[0.0, 1.0]]),
    "sinc at 0": (np.sinc, [[0.0]], [[0.0]]),
    "rounding at a half": (np.rint, [[0.5]], [[0.0]]),
    "square root at 0 from inside": (lambda x: np.sqrt(x + 1), [[0.0]], [[0.5]]),
    "a power of a negative base": (lambda x: np.power(x, 3), [[-2.0]], [[12.0]]),
    "mod of a multiple": (np.mod, [[6.0, -3.0], [2.0, 2.0]], [[1.0, 1.0], [-3.0, 2.0]]),
    "fmod of negatives": (np.fmod, [[-3.0], [2.0]], [[1.0], [1.0]]),
    "difference of infinities": (difference, [[INF, 3.0], [INF, 1.0]], [[1.0, 1.0], [-1.0, -1.0]]),
    "arcsin close to 1": (np.arcsin, [[1 - 2**-50]], [[1 / np.sqrt(2.0**-49 - 2.0**-100)]]),
    "arccosh close to 1": (np.arccosh, [[1 + 2**-50]], [[1 / np.sqrt(2.0**-49 + 2.0**-100)]]),
}  # fmt: skip


@pytest.mark.parametrize("name", EDGES)
def test_the_gradient_at_an_edge_is_the_convention(name):
    f, args, expected = EDGES[name]
    for got, wanted in zip(gradients(f, *args), expected, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-15)


def test_where_pytorch_has_a_finite_gradient_at_an_edge_it_is_ours():
    torch = pytest.importorskip("torch")
    finite, special_numbers = [-2.0, -0.0, 0.0, 1.0, 3.0], [-INF, -2.0, 0.0, 1.0, INF]
    functions = [
        (np.maximum, torch.maximum, special_numbers), (np.minimum, torch.minimum, special_numbers),
        (np.arctan2, torch.atan2, finite), (np.hypot, torch.hypot, finite), (np.copysign, torch.copysign, finite),
        (np.logaddexp, torch.logaddexp, special_numbers), (np.logaddexp2, torch.logaddexp2, special_numbers),
    ]  # fmt: skip
    for ours, theirs, numbers in functions:
        pairs = [x.reshape(-1) for x in np.meshgrid(numbers, numbers)]
        tensors = [torch.tensor(x, requires_grad=True) for x in pairs]
        theirs(*tensors).sum().backward()
        for got, tensor in zip(gradients(ours, *pairs), tensors, strict=True):
            finite_there = np.isfinite(tensor.grad.numpy())
            np.testing.assert_allclose(got[finite_there], tensor.grad.numpy()[finite_there], rtol=1e-15)
            assert np.all(np.isfinite(got))


def test_powers_of_zero_agree_with_pytorch():
    torch = pytest.importorskip("torch")
    bases, exponents = np.array([0.0, 0.0, 0.0, 0.0, 2.0]), np.array([0.0, 1.0, 2.0, 0.5, 0.0])
    tensors = [torch.tensor(x, requires_grad=True) for x in (bases, exponents)]
    torch.pow(*tensors).sum().backward()
    with np.errstate(divide="ignore"):  # the slope of the square root at zero
        for got, tensor in zip(gradients(np.power, bases, exponents), tensors, strict=True):
            np.testing.assert_allclose(got, tensor.grad.numpy(), rtol=1e-15)


# --- families that are closed under differentiation --------------------------------------------------------------------------


def nth_derivative(f, n):
    for _ in range(n):
        f = tg.grad(f)
    return f


@pytest.mark.parametrize(("order", "expected"), [(1, 0.0), (2, -(np.pi**2) / 3), (3, 0.0), (4, np.pi**4 / 5)])
def test_every_derivative_of_sinc_is_right_at_zero(order, expected):
    np.testing.assert_allclose(nth_derivative(np.sinc, order)(0.0), expected, rtol=1e-15)


@pytest.mark.parametrize("x", [1e-8, 1e-3, 0.3, 0.6366, 0.6367, 0.9549, 0.955, 1.0, 7.7])
def test_the_derivatives_of_sinc_lose_no_digits_near_zero_or_where_formulas_change(x):
    mpmath = pytest.importorskip("mpmath")
    with mpmath.workdps(40):
        for order in (1, 2, 3):
            moments = mpmath.quad(lambda t: t**order * mpmath.cos(mpmath.pi * (x * t + order / 2)), mpmath.linspace(0, 1, 20))  # noqa: B023
            np.testing.assert_allclose(nth_derivative(np.sinc, order)(x), float(mpmath.pi**order * moments), rtol=1e-13)


@pytest.mark.parametrize("x", [0.0, 1e-8, -0.3, 1.0, -8.0, 8.5, 100.0, 700.0])
def test_the_derivatives_of_i0_are_those_of_the_bessel_function(x):
    scipy_special = pytest.importorskip("scipy.special")
    np.testing.assert_allclose(tg.grad(np.i0)(x), scipy_special.i1(x), rtol=2e-14)
    second = (scipy_special.iv(0, x) + scipy_special.iv(2, x)) / 2
    np.testing.assert_allclose(nth_derivative(np.i0, 2)(x), second, rtol=1e-13)


# --- what models need --------------------------------------------------------------------------------------------------------

LOGITS = np.random.default_rng(2).normal(size=(2, 3, 4))


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_softmax_and_log_softmax_are_those_of_pytorch(axis):
    torch = pytest.importorskip("torch")
    for ours, theirs in ((special.softmax, torch.softmax), (special.log_softmax, torch.log_softmax)):
        x, tensor = Value(LOGITS), torch.tensor(LOGITS, requires_grad=True)
        weights = np.arange(24.0).reshape(2, 3, 4)
        result, expected = ours(x, axis=axis), theirs(tensor, axis)
        np.testing.assert_allclose(result.numpy(), expected.detach().numpy(), rtol=1e-14)
        (result * weights).sum().backward()
        (expected * torch.tensor(weights)).sum().backward()
        np.testing.assert_allclose(x.grad, tensor.grad.numpy(), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "logsumexp"])
def test_softmax_and_its_kin_do_not_overflow_and_their_derivatives_are_right_to_second_order(name):
    f = getattr(special, name)
    check_grads(lambda x: f(x, axis=(0, 2)), (LOGITS,))
    check_grads(lambda x: f(x, axis=None), (LOGITS,))
    assert np.all(np.isfinite(f(1e300 * LOGITS, axis=-1)))
    assert f(Value(LOGITS, dtype=np.float32), axis=0).dtype == np.float32


def test_logsumexp_of_infinities():
    for data, expected, slope in [
        ([-INF, -INF], -INF, [0.5, 0.5]),
        ([INF, 1.0, INF], INF, [0.5, 0.0, 0.5]),
        ([-INF, 0.0], 0.0, [0.0, 1.0]),
    ]:
        x = Value(data)
        total = special.logsumexp(x)
        total.backward()
        assert total.item() == expected
        np.testing.assert_array_equal(x.grad, slope)
    assert special.logsumexp(np.zeros((0,))) == -INF


def test_softmax_gives_no_weight_to_minus_infinity():
    x = Value([0.0, -INF, 0.0])
    weights = special.softmax(x)
    (weights * [1.0, 2.0, 3.0]).sum().backward()
    np.testing.assert_array_equal(weights.numpy(), [0.5, 0.0, 0.5])
    np.testing.assert_array_equal(x.grad, [-0.5, 0.0, 0.5])


@pytest.mark.parametrize("approximate", ["none", "tanh"])
def test_gelu_is_that_of_pytorch(approximate):
    torch = pytest.importorskip("torch")
    x, tensor = Value(5 * LOGITS), torch.tensor(5 * LOGITS, requires_grad=True)
    result, expected = special.gelu(x, approximate=approximate), torch.nn.functional.gelu(tensor, approximate=approximate)
    np.testing.assert_allclose(result.numpy(), expected.detach().numpy(), rtol=1e-12, atol=1e-15)
    result.sum().backward()
    expected.sum().backward()
    np.testing.assert_allclose(x.grad, tensor.grad.numpy(), rtol=1e-12, atol=1e-14)
    check_grads(lambda x: special.gelu(x, approximate=approximate), (LOGITS,))


def test_gelu_knows_two_forms():
    with pytest.raises(DataError, match="'none' or 'tanh'"):
        special.gelu(1.0, approximate="fast")


# --- SciPy -------------------------------------------------------------------------------------------------------------------

SCIPY_ARGUMENTS = {
    "erfinv": (POSITIVE / 2.5,),
    "logit": (POSITIVE / 2.5,),
    "xlogy": (SIGNED, POSITIVE),
    "xlog1py": (SIGNED, POSITIVE),
}


@pytest.mark.parametrize("name", special.SCIPY)
def test_a_function_of_scipy_takes_values_and_is_differentiated_to_second_order(name):
    function = getattr(pytest.importorskip("scipy.special"), name)
    args = SCIPY_ARGUMENTS.get(name, (POSITIVE,))
    result = function(*map(Value, args))
    np.testing.assert_allclose(result.numpy(), function(*args), rtol=1e-15)
    check_grads(lambda *xs: function(*xs), args)


def test_a_function_of_scipy_without_a_rule_is_refused():
    scipy_special = pytest.importorskip("scipy.special")
    with pytest.raises(UnsupportedError, match="j0 has no derivative here"):
        scipy_special.j0(Value(1.0))


@pytest.mark.parametrize("name", ["cbrt", "exp2", "expm1", "log1p"])
def test_a_function_of_scipy_that_numpy_has_too_is_differentiated_as_numpys(name):
    function = getattr(pytest.importorskip("scipy.special"), name)
    check_grads(function, (POSITIVE,))
    program = tg.compile(function)
    np.testing.assert_allclose(program(POSITIVE), function(POSITIVE), rtol=1e-15)
    assert f"np.{name}(x)" in program.source


def test_another_function_of_the_same_name_is_not_taken_for_that_of_scipy():
    with pytest.raises(UnsupportedError, match=r"erf \(vectorized\) has no derivative here"):
        np.frompyfunc(erf, 1, 1)(Value(1.0))


def erf(x):
    return x


def test_xlogy_takes_zero_times_the_logarithm_of_zero_as_zero():
    scipy_special = pytest.importorskip("scipy.special")
    np.testing.assert_array_equal(gradients(scipy_special.xlogy, [0.0, 0.0], [0.0, 2.0]), [[0.0, np.log(2)], [0.0, 0.0]])


def test_scipy_is_not_imported_before_it_is_needed():
    code = (
        "import sys, tinygrad_edu, numpy as np; from tinygrad_edu.primitives import special;"
        "special.softmax(tinygrad_edu.Value([1.0, 2.0])); assert 'scipy' not in sys.modules;"
        "special.erf(1.0); assert 'scipy' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_scipy_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.special", None)
    with pytest.raises(MissingExtraError, match=r"erf is SciPy's.*tinygrad_edu\[scipy\]"):
        special.erf(Value(1.0))
    with pytest.raises(UnsupportedError):
        np.spacing(Value(1.0))
