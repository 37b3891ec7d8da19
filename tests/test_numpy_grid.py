"""What NumPy says is what we say, of every dtype: of Values to the last bit, and compiled in value, dtype and shape."""

import re
import zlib
from itertools import product

import numpy as np
import pytest

import tinygrad_edu as tg
from tests import numpy_calls
from tests.profile import sampled
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import TinygradError, TracingError, UnsupportedError
from tinygrad_edu.primitives.constants import CONSTANT_FUNCTIONS
from tinygrad_edu.primitives.table import TABLE, numpy_name
from tinygrad_edu.transforms.trees import tree_leaves

pytestmark = [
    pytest.mark.filterwarnings("ignore::RuntimeWarning"), pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning"),
]  # fmt: skip
FLOATING = ["float64", "float32", "float16", "longdouble", "complex128", "complex64"]
WHOLE = ["bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]
PYTHON = ["float", "int"]
CALLS = numpy_calls.calls()
X = np.array([0.6, 1.9, 1.2, 0.9, 1.5, 1.7])

# Where the last bits differ all the same: what, in which dtypes, by how many units in the last place at most, and why.
INEXACT = {
    ("np.var(", "np.std("): ("float16", 4, "NumPy adds up the mean in half precision here, but not in np.mean"),
    ("np.linalg.trace", "np.trace"): ("float16", 2, "NumPy adds up one after the other here, but not in np.sum"),
    ("np.nanmean(", "np.nanvar(", "np.nanstd("): ("complex64", 4, "NumPy divides by a count in double precision"),
    ("np.corrcoef(", "np.cov("): ("complex", 4, "which way a matrix is multiplied with its own adjoint is for BLAS to choose"),
    ("np.histogram(",): ("float complex", 16, "NumPy subtracts running sums"),
    ("np.subtract.", "np.divide.", "np.floor_divide."): ("float16", 4, "NumPy keeps single precision in between"),
    ("np.multiply(", "np.dot(", "np.inner(", "np.polyval(", "np.tensordot("): (
        "complex", 2, "NumPy's operators of single complex numbers round otherwise than its loops",
    ),
    ("np.power.reduce(", "np.power.accumulate", "np.arctan2.reduce(", "np.arctan2.accumulate"): (
        "float complex", np.inf, "NumPy's own answer is wrong on some processors: np.power.reduce([2.0, 3.0, 2.0]) is 4",
    ),
}  # fmt: skip
# What is refused, though NumPy does it.
REFUSED = {
    "np.interp": "complex",  # whose imaginary part NumPy drops
}
# What cannot be compiled: where zeros are cut off, and whether numbers are real, depends on the numbers.
DECIDING = (
    "np.polydiv",
    "np.roots",
    "np.unique",
    "np.histogram",
    "np.trim_zeros",
    "np.real_if_close",
)


def draw(shape, dtype, rng):
    if dtype in PYTHON:
        return rng.choice([-3, 0, 2, 7]).item() if dtype == "int" else rng.uniform(-2, 2)
    kind = np.dtype(dtype).kind
    if kind == "b":
        x = rng.uniform(size=shape) < 0.6
    elif kind == "u":
        x = rng.choice([0, 1, 2, 3, 5, 200, 250], shape)
    elif kind == "i":
        x = rng.choice([-100, -5, -2, -1, 0, 1, 2, 3, 7, 120], shape)
    else:
        x = rng.uniform(-2, 2, shape) + (1j * rng.uniform(-2, 2, shape) if kind == "c" else 0)
    return np.asarray(x).astype(dtype)[()]


def arguments_of(call, shapes, dtypes):
    rng = np.random.default_rng(zlib.crc32(repr((call, shapes)).encode()))
    return [draw(shape, dtype, rng) for shape, dtype in zip(shapes, dtypes, strict=False)]


def numpys(call, arguments):
    """What NumPy says; None where it raises."""
    return numpys_own(numpy_calls.function(call), *arguments)


def numpys_own(f, *arguments):
    try:
        return f(*arguments)
    except (TypeError, ValueError, IndexError, ArithmeticError, np.linalg.LinAlgError):
        return None


def as_compiled(call, expected, got):
    """What NumPy says in the form that is the same for all numbers."""
    if call.startswith(("np.linalg.eig(", "np.linalg.eigvals(")):  # NumPy's are real where all of them are
        return [x.astype(np.result_type(x, np.complex64)) for x in tree_leaves(expected)]
    if call.startswith("np.polymul("):  # NumPy leaves out first coefficients that are zero
        return np.concatenate([np.zeros(len(got) - len(expected), expected.dtype), expected])
    return expected


def in_phase(call, expected, got):
    """What NumPy says, where eigenvectors and singular vectors are unique up to a factor of absolute value one: times the factors
    that lead to those that were got."""
    if call.startswith("np.linalg.eig("):
        (values, vectors), (_, found) = expected, tree_leaves(got)
        return values, vectors * phases(vectors, found)
    if call.startswith("np.linalg.svd(x + x.T, hermitian=True)"):
        (u, s, vh), (found, _, _) = expected, tree_leaves(got)
        factors = phases(u, found)
        return u * factors, s, vh * np.conj(np.swapaxes(factors, -1, -2))
    return expected


def phases(vectors, found):
    """For each column the factor of absolute value one by which a multiple of it differs, in the dtype of the vectors."""
    products = np.sum(np.conj(vectors) * np.asarray(found), axis=-2, keepdims=True)
    return (products / np.abs(products)).astype(vectors.dtype)


def units_allowed(call, dtypes, table=INEXACT):
    named = [
        units
        for starts, (among, units, _) in table.items()
        for name in among.split()
        if call.startswith(starts) and any(name in dtype for dtype in dtypes)
    ]
    return max(named, default=0)


def assert_same(call, dtypes, got, expected, at_least=0):
    got, expected = list(tree_leaves(got)), list(tree_leaves(expected))
    assert len(got) == len(expected)
    for a, b in zip(got, expected, strict=True):
        a, b = a.numpy() if isinstance(a, Value) else np.asarray(a), np.asarray(b)
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        units = max(at_least, units_allowed(call, [b.dtype.name, *dtypes]))
        if units == np.inf:
            continue
        if units and b.dtype.kind in "fc":
            size = float(np.max(np.abs(b), initial=0.0, where=np.isfinite(b)))
            error = units * float(np.finfo(b.dtype).eps)
            np.testing.assert_allclose(a, b, rtol=error, atol=error * size)
        else:
            np.testing.assert_array_equal(a, b)


def as_value(x):
    return Value(np.real(x)) + 1j * Value(np.imag(x)) if np.iscomplexobj(x) else Value(x)


# --- eager -------------------------------------------------------------------------------------------------------------------

EAGER = [(call, shapes, dtype) for call, shapes in CALLS for dtype in FLOATING]


@pytest.mark.parametrize("part", range(8))
def test_of_values_the_numbers_are_numpys_to_the_last_bit(part):
    for call, shapes, dtype in sampled(EAGER, 6000)[part::8]:
        if any(call.startswith(start) and kind in dtype for start, kind in REFUSED.items()):
            continue
        arguments = arguments_of(call, shapes, [dtype] * len(shapes))
        expected = numpys(call, arguments)
        if expected is None:
            continue
        if call.startswith("np.unique_values"):  # NumPy finds them in no order
            expected = np.sort(expected)
        got = numpy_calls.function(call)(*map(as_value, arguments))
        try:
            assert_same(call, [dtype], got, expected)
        except AssertionError as error:
            raise AssertionError(f"{call} of {dtype}, shapes {shapes}: {error}") from None


# --- compiled ----------------------------------------------------------------------------------------------------------------


def dtypes_for(shapes):
    """All of one dtype, and single numbers of Python's or of another dtype beside arrays."""
    for dtype in FLOATING + WHOLE:
        yield (dtype,) * len(shapes)
    if len(shapes) > 1 and () in shapes:
        for dtype in FLOATING + WHOLE:
            for other in [*PYTHON, "float32", "int8", "uint64"]:
                yield tuple(other if shape == () else dtype for shape in shapes)
    elif () in shapes:
        yield from ((dtype,) * len(shapes) for dtype in PYTHON)


COMPILED = [(call, shapes, dtypes) for call, shapes in CALLS for dtypes in dtypes_for(shapes)]


def compiled_of(call, count, target):
    f = numpy_calls.function(call)
    return tg.compile([None, lambda x: f(x), lambda x, y: f(x, y), lambda x, y, z: f(x, y, z)][count], target)


def assert_compiled_is_numpys(call, shapes, dtypes, target="numpy", at_least=64):
    arguments = arguments_of(call, shapes, dtypes)
    expected = numpys(call, arguments)
    if expected is not None:
        got = compiled_of(call, len(arguments), target)(*arguments)
        expected = as_compiled(call, expected, got)
        assert_same(call, dtypes, got, in_phase(call, expected, got) if target == "jax" else expected, at_least)


def assert_compiled_is_numpys_or_refused(call, shapes, dtypes, target="numpy", at_least=64):
    what = f"{call} of {dtypes}, shapes {shapes}"
    try:
        assert_compiled_is_numpys(call, shapes, dtypes, target, at_least)
    except TracingError:
        assert call.startswith(DECIDING), what
    except UnsupportedError as error:  # whole numbers of others: a gradient would be lost
        if "cannot make" not in str(error):
            raise AssertionError(f"{what}: {error}") from None
    except Exception as error:
        raise AssertionError(f"{what}: {type(error).__name__}: {error}") from None


@pytest.mark.parametrize("part", range(8))
def test_a_compiled_call_has_the_value_the_dtype_and_the_shape_that_numpy_says(part):
    for call, shapes, dtypes in sampled(COMPILED, 2400)[part::8]:
        if not any(call.startswith(start) and "complex" in dtypes[0] for start in REFUSED):
            assert_compiled_is_numpys_or_refused(call, shapes, dtypes)


@pytest.mark.parametrize(
    ("call", "shapes", "dtypes"),
    [
        ("np.square(x)", [()], ["bool"]),
        ("np.power(x, 2)", [(3,)], ["bool"]),
        ("np.power(x, y)", [(3,), ()], ["bool", "int8"]),
        ("np.power(x, x)", [(3,)], ["bool"]),
        ("np.block(x)", [(2, 3)], ["bool"]),
    ],
)
def test_truth_values_are_multiplied_and_put_together_as_by_numpy(call, shapes, dtypes):
    assert_compiled_is_numpys(call, shapes, dtypes)


OF_SINGLE_NUMBERS = [
    (call, numbers, other)
    for call, shapes in CALLS
    if not any(shapes) and not call.startswith(DECIDING)
    for numbers in product((1.25, 2, 0, np.float32(0.5), np.int8(3)), repeat=len(shapes))
    for other in (np.array([1.5, 2.5], np.float32), np.array([3, 4], np.int8), np.array([True, False]))
]


@pytest.mark.parametrize("part", range(4))
def test_what_numpy_makes_of_single_numbers_has_its_dtype_beside_arrays_when_compiled(part):
    for call, numbers, other in sampled(OF_SINGLE_NUMBERS, 800)[part::4]:

        def f(other, numbers, call=call):
            return [result * other for result in tree_leaves(numpy_calls.function(call)(*numbers))]

        expected = numpys_own(f, other, numbers)
        if expected is None:
            continue
        try:
            assert_same(call, (), tg.compile(f)(other, numbers), expected, at_least=64)
        except Exception as error:
            raise AssertionError(f"{call} of {numbers!r}, times {other.dtype}: {type(error).__name__}: {error}") from None


# --- on JAX ------------------------------------------------------------------------------------------------------------------

ON_JAX = ["float64", "float32", "complex128", "complex64", "int64", "int32", "bool"]
# Where JAX gives other numbers: what, in which dtypes, by how many units at most, and why. Dtypes and shapes are the same.
INEXACT_ON_JAX = {
    ("np.floor_divide", "np.divmod(", "np.remainder"): ("int bool", np.inf, "whole numbers that are divided by zero give -1"),
    ("np.reciprocal(",): ("int bool", np.inf, "the reciprocal of the whole number zero is any number"),
    ("np.power.",): ("int bool", np.inf, "NumPy's own answer is wrong: np.power.reduce([2.0, 3.0, 2.0]) is 4"),
    ("np.linalg.lstsq(",): ("bool", np.inf, "of a sum of squares that is zero rounding is left"),
    ("np.geomspace(", "np.logspace(", "np.quantile(", "np.percentile(", "np.nanquantile(", "np.nanpercentile("): (
        "float32 complex64", 2**33, "NumPy rounds to single precision on the way, and JAX at other places",
    ),
}  # fmt: skip
# What JAX cannot do: what, in which dtypes, and why.
REFUSED_BY_JAX = {
    ("np.clip(", "np.median(", "np.nanmedian(", "np.partition("): ("complex", "JAX does not put complex numbers in order"),
    ("np.pad(x, (2, 3), 'median'", "np.pad(x, 2, 'median'"): ("complex", "JAX does not put complex numbers in order"),
    ("np.partition(x, [0, 4]",): ("float int bool", "JAX parts an array at one position"),
    ("np.diag(x)", "np.diag(x, 2)", "np.diag(x, k=-1)", "np.diagflat("): ("bool", "JAX adds no truth values"),
    ("np.around(x, -1)",): ("int", "JAX does not round whole numbers"),
    ("np.quantile(x, 0.4, method='inverted_cdf', weights",): ("float32", "JAX takes weights of the data's precision"),
}  # fmt: skip


def is_refused_by_jax(call, dtype):
    return any(
        call.startswith(starts) and any(name in dtype for name in among.split()) for starts, (among, _) in REFUSED_BY_JAX.items()
    ) or ("reflect_type='odd'" in call and dtype == "bool")  # which JAX cannot subtract


def one_of_each_function():
    """A call of every function, in some dtype; in the exhaustive profile every call in every dtype."""
    points, seen = {}, set()
    for call, shapes in CALLS:
        if call not in seen:
            seen.add(call)
            points.setdefault(call.partition("(")[0], []).extend((call, shapes, dtype) for dtype in ON_JAX)
    return [point for of_one in points.values() for point in sampled(of_one, 1)]


@pytest.mark.parametrize("part", range(8))
def test_on_jax_a_compiled_call_has_the_value_the_dtype_and_the_shape_that_numpy_says(part):
    for call, shapes, dtype in one_of_each_function()[part::8]:
        dtypes = (dtype,) * len(shapes)
        if any(call.startswith(start) and kind in dtype for start, kind in REFUSED.items()):
            continue
        if is_refused_by_jax(call, dtype):
            with pytest.raises(UnsupportedError, match="JAX cannot run"):
                assert_compiled_is_numpys(call, shapes, dtypes, "jax")
        else:
            units = max(4096, units_allowed(call, dtypes, INEXACT_ON_JAX))
            assert_compiled_is_numpys_or_refused(call, shapes, dtypes, "jax", units)


@pytest.mark.parametrize("dtype", ["float32", "complex64"])
@pytest.mark.parametrize("call", [f"np.linalg.eig({numpy_calls._WELL})", "np.linalg.svd(x + x.T, hermitian=True)"])
def test_vectors_are_compared_but_for_their_phase_and_wrong_ones_are_found(call, dtype):
    arguments = arguments_of(call, [(3, 3)], [dtype])
    expected = as_compiled(call, numpys(call, arguments), None)
    at = 1 if call.startswith("np.linalg.eig(") else 0
    phase = np.array([-1, 1, 1j if np.iscomplexobj(expected[at]) else -1]).astype(expected[at].dtype)

    def compare(vectors, others=lambda x: x):
        got = [vectors(x) if position == at else others(x) if x.ndim == 2 else x for position, x in enumerate(expected)]
        assert_same(call, [dtype], got, in_phase(call, expected, got), at_least=64)

    compare(lambda x: x * phase, lambda x: x * np.conj(phase[:, None]))
    for wrong in (lambda x: x[:, ::-1], lambda x: 2 * x, lambda x: x + np.float32(0.01), np.conj if dtype == "complex64" else abs):
        with pytest.raises(AssertionError):
            compare(wrong)
    if at == 0:  # u and vh turn together
        with pytest.raises(AssertionError):
            compare(lambda x: x * phase)


# --- nothing is left out -----------------------------------------------------------------------------------------------------


def test_every_function_that_is_differentiated_is_called():
    called = {name for call, _ in CALLS for name in re.findall(r"np(?:\.\w+)+|x\.\w+", call)}
    missing = {f for f in TABLE.functions if not {numpy_name(f), f"x.{f.__name__}"} & called and not f.__name__.endswith("norm")}
    assert {numpy_name(f) for f in missing} == {f"np.{name}" for name in (*IN_PLACE, *ADVISED)}


IN_PLACE = {"copyto", "putmask", "place", "put", "put_along_axis", "fill_diagonal"}
# These JAX differentiates, or takes at least, and we say what to write instead.
ADVISED = {
    "sort_complex", "union1d", "intersect1d", "setdiff1d", "setxor1d", "histogram2d", "histogramdd", "histogram_bin_edges",
    "unique_all", "unique_counts", "unique_inverse",
}  # fmt: skip
STEPS = {"frexp", "nextafter", "spacing"}  # of the last digit, and of the exponent
# Of whole numbers, shapes, files, or no arrays at all.
WITHOUT_A_DERIVATIVE = {
    "arange", "array", "asarray", "bartlett", "bitwise_count", "bitwise_left_shift", "bitwise_right_shift",
    "blackman", "broadcast_shapes", "diag_indices", "empty", "eye", "fft.fftfreq", "fft.rfftfreq",
    "from_dlpack", "frombuffer", "fromfile", "fromfunction", "fromiter", "frompyfunc", "fromstring",
    "full", "gcd", "get_printoptions", "hamming", "hanning", "identity", "indices",
    "isdtype", "isscalar", "issubdtype", "iterable", "ix_", "kaiser", "lcm",
    "left_shift", "load", "mask_indices", "ones", "packbits", "printoptions", "promote_types",
    "ravel_multi_index", "right_shift", "save", "savez", "set_printoptions", "tri", "tril_indices",
    "triu_indices", "unpackbits", "unravel_index", "zeros",
}  # fmt: skip


def test_what_jax_differentiates_of_numpy_is_differentiated_or_refused_with_advice():
    numpy = pytest.importorskip("jax.numpy")
    rooms = {"": (np, numpy), "linalg.": (np.linalg, numpy.linalg), "fft.": (np.fft, numpy.fft)}
    unknown = {
        prefix + name
        for prefix, (room, theirs) in rooms.items()
        for name in dir(room)
        if not name.startswith("_") and callable(f := getattr(room, name)) and not isinstance(f, type)
        if hasattr(theirs, name) and f not in TABLE.functions and f not in CONSTANT_FUNCTIONS
    }
    assert unknown - WITHOUT_A_DERIVATIVE == STEPS


@pytest.mark.parametrize("name", sorted(ADVISED | STEPS))
def test_what_is_refused_says_what_to_write(name):
    function, value = getattr(np, name), Value(np.ones(3))
    takes_two = name in ("union1d", "intersect1d", "setdiff1d", "setxor1d", "histogram2d", "nextafter")
    with pytest.raises(UnsupportedError, match=r"has no derivative here\. Write"):
        function(value, value) if takes_two else function(value)


def test_a_vectorized_python_function_takes_no_values_that_require_a_gradient():
    with pytest.raises(TinygradError):
        np.vectorize(lambda x: 2 * x)(Value(np.ones(3)))


DERIVATIVES = {
    "reduceat": (lambda x: np.add.reduceat(x, [0, 3, 1, 5]), X),
    "reduceat of rows": (lambda x: np.maximum.reduceat(x.reshape(2, 3), [0, 2], axis=1), X),
    "a quotient": (lambda x, y: np.polydiv(x, y[:3])[0], X, X[::-1]),
    "a rest": (lambda x, y: np.polydiv(x, y[:3])[1], X, X[::-1]),
    "coefficients": (np.poly, X),
    "a fit": (lambda x, y, w: np.polyfit(x, y, 2, w=w), X, np.sin(7 * X), X[::-1]),
    "fits": (lambda x, y: np.polyfit(x, y.reshape(6, 1), 1), X, np.sin(7 * X)),
    "roots": (lambda x: np.real(np.roots(x * [0, 1, -7, 5, 0, 0])), X),
    "a histogram": (lambda w: np.histogram(X, 4, weights=w)[0], X),
    "a density": (lambda w: np.histogram(X, [0.6, 1, 1.5, 2], weights=w, density=True)[0], X),
    "computed exponents": (lambda x: np.ldexp(x, np.arange(6) - 3), X),
}


@pytest.mark.parametrize(("f", "arguments"), [(f, arguments) for f, *arguments in DERIVATIVES.values()], ids=DERIVATIVES)
def test_derivatives_agree_with_differences(f, arguments):
    tg.testing.check_grads(f, arguments, order=2)


def test_of_equal_elements_the_first_one_gets_the_gradient_of_the_unique_value():
    gradient = tg.grad(lambda x: np.sum(np.unique(x) * np.array([1.0, 2.0, 3.0])))(np.array([2.0, 1.0, 2.0, 3.0, 1.0]))
    np.testing.assert_array_equal(gradient, [2.0, 1.0, 0.0, 3.0, 0.0])
    with_nan = np.array([2.0, np.nan, np.nan, 1.0])
    np.testing.assert_array_equal(np.unique(Value(with_nan)).numpy(), np.unique(with_nan))
    np.testing.assert_array_equal(np.unique(Value(with_nan), equal_nan=False).numpy(), [1.0, 2.0, np.nan, np.nan])
    np.testing.assert_array_equal(np.unique_values(Value(with_nan)).numpy(), [1.0, 2.0, np.nan, np.nan])
