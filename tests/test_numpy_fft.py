"""`np.fft`: Values get the transforms that arrays get, and right gradients through the complex numbers in between."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import DataError, GradientError, IndexingError, ShapeError, UnsupportedError
from tinygrad_edu.testing import check_grads, in_real_numbers

ONE, EVEN, ODD, MATRIX, CUBE, NO_ROWS = (1,), (4,), (5,), (3, 4), (2, 3, 5), (0, 4)

# For each kind of function: what it is called with besides the array, and the shapes of the array to try that on.
ONE_AXIS = {
    "": [EVEN, ODD, MATRIX, NO_ROWS], "n=1": [ONE, ODD], "2": [ONE, MATRIX], "n=3": [EVEN], "n=8": [ODD, MATRIX],
    "7": [EVEN, NO_ROWS], "axis=0": [MATRIX], "5, -2": [CUBE], "axis=1, norm='ortho'": [CUBE], "6, 1, 'forward'": [CUBE],
    "norm='backward'": [ODD], "n=9, norm='forward'": [ODD], "n=3, axis=0, norm='ortho'": [MATRIX],
}  # fmt: skip
TWO_AXES = {
    "": [MATRIX, CUBE], "(2, 6)": [CUBE], "axes=(0, 1)": [CUBE], "s=(5, 3), axes=(-1, 0), norm='ortho'": [CUBE],
    "norm='forward'": [MATRIX],
}  # fmt: skip
ALL_AXES = {
    "": [EVEN, MATRIX, CUBE], "axes=(1,)": [CUBE], "axes=(2, 0), norm='forward'": [CUBE], "norm='ortho'": [MATRIX],
    "(4, 2, 6), (0, 1, 2)": [CUBE], "s=[3, -1], axes=[1, 2]": [CUBE], "s=(2,), axes=(-1,)": [NO_ROWS], "axes=(0, 0)": [MATRIX],
}  # fmt: skip
SHIFTS = {"": [EVEN, ODD, CUBE, NO_ROWS], "1": [CUBE], "axes=(0, -1)": [CUBE], "axes=[2]": [CUBE]}
OF_COMPLEX = {
    "fft": ONE_AXIS, "ifft": ONE_AXIS, "irfft": ONE_AXIS, "hfft": ONE_AXIS, "fft2": TWO_AXES, "ifft2": TWO_AXES,
    "irfft2": TWO_AXES, "fftn": ALL_AXES, "ifftn": ALL_AXES, "irfftn": ALL_AXES, "fftshift": SHIFTS, "ifftshift": SHIFTS,
}  # fmt: skip
OF_REAL = {"rfft": ONE_AXIS, "ihfft": ONE_AXIS, "rfft2": TWO_AXES, "rfftn": ALL_AXES, **OF_COMPLEX}


def calls(functions, array):
    """Every function with each of its arguments and shapes; x is real and z is complex."""
    return [
        pytest.param(
            f"np.fft.{name}({', '.join(filter(None, [array, arguments]))})", shape, id=f"{name}({array}, {arguments}) {shape}"
        )
        for name, table in functions.items()
        for arguments, shapes in table.items()
        for shape in shapes
    ]


ALL_CALLS = calls(OF_REAL, "x") + calls(OF_COMPLEX, "z")
CALLS = pytest.mark.parametrize(("call", "shape"), ALL_CALLS)


def function(call):
    """The call as a function of two real arrays: x, and y with which it makes z."""
    code = compile(call, call, "eval")
    return lambda x, y: eval(code, {"np": np, "x": x, "z": x + 1j * y})


def draw(shape, dtype=np.float64):
    rng = np.random.default_rng(5)
    return [np.asarray(rng.uniform(-2, 2, shape), dtype) for _ in range(2)]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@CALLS
def test_values_get_the_result_that_arrays_get_to_the_last_bit(call, shape, dtype):
    arrays = draw(shape, dtype)
    expected = function(call)(*arrays)
    result = function(call)(*map(Value, arrays))
    assert (result.shape, result.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_array_equal(result.numpy(), expected)


@CALLS
def test_gradients_are_right_to_second_order(call, shape):
    transform = function(call)
    check_grads(lambda x, y: in_real_numbers(transform(x, y)) ** 2, draw(shape))


@CALLS
def test_single_precision_stays_single_backward(call, shape):
    x, y = map(Value, draw(shape, np.float32))
    np.sum(np.absolute(function(call)(x, y))).backward()
    used = [x, y] if "z" in call else [x]
    assert [leaf.grad.dtype for leaf in used] == [np.float32] * len(used)


def _is_the_same_in_pytorch(call, shape):
    """PyTorch transforms neither an array without rows nor an axis twice, and takes -1 for another length."""
    return "shift" in call or not (0 in shape or "axes=(0, 0)" in call or "s=[3, -1]" in call)


@pytest.mark.parametrize(("call", "shape"), [p for p in ALL_CALLS if _is_the_same_in_pytorch(*p.values)])
def test_values_and_gradients_agree_with_pytorch(call, shape):
    torch = pytest.importorskip("torch")
    name, arguments = call.removeprefix("np.fft.").removesuffix(")").split("(", 1)
    weights = np.random.default_rng(6).normal(size=function(call)(*draw(shape)).shape)
    ours = [Value(x) for x in draw(shape)]
    loss = np.sum(np.absolute(function(call)(*ours)) ** 2 * weights)
    loss.backward()
    theirs = [torch.tensor(x, requires_grad=True) for x in draw(shape)]
    named = arguments.replace("axes=", "dim=").replace("axis=", "dim=")
    scope = {"fft": torch.fft, "x": theirs[0], "z": torch.complex(*theirs)}
    expected = torch.sum(eval(f"fft.{name}({named})", scope).abs() ** 2 * torch.tensor(weights))
    expected.backward()
    np.testing.assert_allclose(loss.item(), expected.item(), rtol=1e-13)
    for leaf, oracle in zip(ours, theirs, strict=True):
        if oracle.grad is not None:
            np.testing.assert_allclose(leaf.grad, oracle.grad.resolve_neg().numpy(), rtol=1e-12, atol=1e-12)


# --- laws of the transform, which have gradients known by hand ---------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 5, 8])
def test_the_energy_of_a_spectrum_is_that_of_the_signal_so_its_gradient_is_twice_the_signal(n):
    (x, _) = draw((n,))
    gradient = tg.grad(lambda x: np.sum(np.absolute(np.fft.fft(x, norm="ortho")) ** 2))(x)
    np.testing.assert_allclose(gradient, 2 * x, rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize(
    ("there", "back"), [("fft", "ifft"), ("rfft", "irfft"), ("ihfft", "hfft"), ("fftn", "ifftn"), ("rfft2", "irfft2")]
)
@pytest.mark.parametrize("norm", [None, "backward", "ortho", "forward"])
def test_there_and_back_every_gradient_passes_unchanged(there, back, norm):
    x, weights = draw((2, 4))
    there, back = getattr(np.fft, there), getattr(np.fft, back)
    gradient = tg.grad(lambda x: np.sum(np.real(back(there(x, norm=norm), norm=norm)) * weights))(x)
    np.testing.assert_allclose(gradient, weights, rtol=1e-14, atol=1e-14)


def test_a_convolution_by_spectra_has_the_gradients_of_the_direct_one():
    (x, _), (kernel, _) = draw((6,)), draw((3,))

    def by_spectra(x, kernel):
        return np.sum(np.fft.irfft(np.fft.rfft(x, 8) * np.fft.rfft(kernel, 8), 8) ** 3)

    def directly(x, kernel):
        return np.sum(np.convolve(x, kernel) ** 3)

    for one, other in zip(tg.grad(by_spectra, (0, 1))(x, kernel), tg.grad(directly, (0, 1))(x, kernel), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)
    np.testing.assert_allclose(tg.hessian(by_spectra)(x, kernel), tg.hessian(directly)(x, kernel), rtol=1e-12, atol=1e-12)


def test_imaginary_parts_that_a_real_transform_ignores_get_no_gradient():
    x, y = map(Value, draw((3,)))
    np.sum(np.fft.irfft(x + 1j * y, 4) ** 2).backward()
    assert y.grad[0] == y.grad[2] == 0 != y.grad[1]


def test_what_is_cut_off_gets_no_gradient():
    x = Value(np.arange(1.0, 6.0))
    np.sum(np.absolute(np.fft.fft(x, 3)) ** 2).backward()
    np.testing.assert_allclose(x.grad, [6, 12, 18, 0, 0], rtol=1e-14)


@pytest.mark.parametrize("name", ["fft", "rfft", "irfft"])
def test_the_compiled_gradient_of_a_spectrum_is_the_eager_one(name):
    def loss(x):
        return np.sum(np.absolute(getattr(np.fft, name)(x)) ** 3)

    (x, _) = draw((6,))
    np.testing.assert_allclose(tg.compile(tg.grad(loss))(x), tg.grad(loss)(x), rtol=1e-12, atol=1e-12)


def test_the_frequencies_are_plain_arrays_that_can_weight_a_spectrum():
    def roughness(x):
        return np.sum(np.absolute(np.fft.rfft(x) * np.fft.rfftfreq(x.size)) ** 2)

    def smooth_roughness(x):
        spectrum = np.fft.rfft(x) * np.fft.rfftfreq(x.size)
        return np.sum(spectrum.real**2 + spectrum.imag**2)

    (x, _) = draw((6,))
    check_grads(roughness, (x,), order=1)  # at frequency 0 the absolute value has a corner, and the square of it a NaN of order two
    check_grads(smooth_roughness, (x,))
    np.testing.assert_allclose(tg.grad(roughness)(x), tg.grad(smooth_roughness)(x), rtol=1e-12)
    assert type(np.fft.fftfreq(Value(x).size)) is np.ndarray


# --- refusals ----------------------------------------------------------------------------------------------------------------

X = Value([1.0, 2.0, 3.0], name="x")
REFUSED = {
    "complex data for a real transform": (lambda: np.fft.rfft(X * 1j), DataError, "'rfft' failed"),
    "no frequencies": (lambda: np.fft.fft(X, 0), ShapeError, "'fft' failed on x"),
    "an unknown norm": (lambda: np.fft.fft(X, norm="orto"), ShapeError, "norm"),
    "an unknown norm of hfft": (lambda: np.fft.hfft(X, norm="orto"), ShapeError, "norm"),
    "an axis that is not there": (lambda: np.fft.fft(X, axis=1), IndexingError, "'fft' failed"),
    "lengths and axes that do not match": (lambda: np.fft.fftn(X, (3, 3), (0,)), ShapeError, "fftn: .* 2 lengths for 1 axes"),
    "an array to write into": (lambda: np.fft.fft(X, out=np.zeros(3, complex)), UnsupportedError, r"np\.fft\.fft .*out="),
    "a complex loss": (lambda: np.sum(np.fft.fft(X)).backward(), GradientError, "real part or abs"),
    "a gradient of complex results": (lambda: tg.grad(np.fft.fft)(np.ones(1)), GradientError, r"np\.real, np\.imag or abs"),
    "a jacobian of complex results": (lambda: tg.jacobian(np.fft.fft)(np.ones(3)), GradientError, r"np\.real, np\.imag or abs"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_makes_no_sense_is_refused_with_the_reason(what):
    call, kind, reason = REFUSED[what]
    with pytest.raises(kind, match=reason):
        call()
