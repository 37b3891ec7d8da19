"""Numbers never leave a Value unasked where a gradient would be lost, and the error says what to write instead."""

import array
import cmath
import copy
import math
import operator
import pickle
import statistics

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.errors import DataError, DetachError, TinygradError, TracingError, UnsupportedError

generator = np.random.default_rng(0)
A = np.zeros(3)


def assigned(target, index, value):
    target[index] = value


def assigned_flat(target, value):
    target.flat = value


def added(target, value):
    target += value


# What takes the number v or the vector w, what the message calls it, and what the message says to write instead.
ANYWHERE = {
    "a[0] = v": (lambda v, w: assigned(A, 0, v), r"an assignment into an array", r"np\.stack\(\[a, b\]\) or tg\.array"),
    "integers[0] = v": (lambda v, w: assigned(np.zeros(3, int), 0, v), r"an assignment into", r"np\.where\(mask"),
    "complex[0] = v": (lambda v, w: assigned(np.zeros(3, complex), 0, v), r"an assignment into", r"np\.where\(mask"),
    "a[0] = w[:1]": (lambda v, w: assigned(A, 0, w[:1]), r"an assignment into an array", r"tg\.array"),
    "a[:] = w": (lambda v, w: assigned(A, slice(None), w), r"an assignment into an array", r"tg\.array"),
    "a[:] = [v, v, v]": (lambda v, w: assigned(A, slice(None), [v, v, v]), r"an assignment into an array", r"tg\.array"),
    "a[[0, 1]] = v": (lambda v, w: assigned(A, [0, 1], v), r"an assignment into an array", r"tg\.array"),
    "record[0] = (v,)": (lambda v, w: assigned(np.zeros(2, [("x", float)]), 0, (v,)), r"an assignment into an array", r"tg\.array"),
    "a.flat = w": (lambda v, w: assigned_flat(A, w), r"an assignment into an array", r"tg\.array"),
    "a.fill(v)": (lambda v, w: A.fill(v), r"A\.fill\(\)", r"np\.broadcast_to\(value, shape\), or value \* np\.ones\(shape\)"),
    "np.zeros(3).fill(v)": (lambda v, w: np.zeros(3).fill(v), r"fill\(\)", r"np\.broadcast_to\(value, shape\)"),
    "np.full(3, v)": (lambda v, w: np.full(3, v), r"np\.full\(\)", r"np\.broadcast_to\(value, shape\), or value \* np\.ones"),
    "a.put(0, v)": (lambda v, w: A.put(0, v), r"A\.put\(\)", r"np\.where\(mask, value, array\)"),
    "np.fill_diagonal(a, v)": (lambda v, w: np.fill_diagonal(np.eye(3), v), r"np\.fill_d", r"tg\.fill_diagonal\(array, value\)"),
    "np.fromiter(w)": (lambda v, w: np.fromiter(w, float), r"np\.fromiter\(\)", r"np\.stack\(list\(values\)\) or tg\.array"),
    "np.fromiter(generator)": (lambda v, w: np.fromiter((x * x for x in w), float), r"np\.fromiter\(\)", r"np\.stack\(list"),
    "np.float64(v)": (lambda v, w: np.float64(v), r"np\.float64\(\)", r"leave the conversion out"),
    "np.float32(v)": (lambda v, w: np.float32(v), r"np\.float32\(\)", r"leave the conversion out"),
    "np.int64(v)": (lambda v, w: np.int64(v), r"np\.int64\(\)", r"leave the conversion out"),
    "np.array(v)": (lambda v, w: np.array(v), r"np\.array\(\)", r"A Value is an array already"),
    "np.array([v, v])": (lambda v, w: np.array([v, v]), r"np\.array\(\)", r"tg\.array\(\[\.\.\.\]\) or np\.stack"),
    "np.array([w, w])": (lambda v, w: np.array([[w], [w]]), r"np\.array\(\)", r"tg\.array\(\[\.\.\.\]\) or np\.stack"),
    "np.asarray(w)": (lambda v, w: np.asarray(w), r"np\.asarray\(\)", r"A Value is an array already"),
    "np.sum([v, v])": (lambda v, w: np.sum([v, v]), r"np\.sum\(\)", r"tg\.array\(\[\.\.\.\]\) or np\.stack"),
    "tg.Value([v, v])": (lambda v, w: tg.Value([v, v]), r"tg\.Value\(\)", r"tg\.array\(\[\.\.\.\]\) or np\.stack"),
    "np.arange(v)": (lambda v, w: np.arange(v), r"np\.arange\(\)", r"start \+ step \* np\.arange\(count\)"),
    "np.piecewise": (lambda v, w: np.piecewise(A, [A == A], [lambda z: z * v]), r"np\.piecewise\(\)", r"np\.where\("),
    "np.take": (lambda v, w: np.take(A, w), r"np\.take\(\)", r"Write tg\.Value\(array, requires_grad=False\)\[value\]"),
    "a.dot(w)": (lambda v, w: A.dot(w), r"A\.dot\(\)", r"Write np\.dot\(array, value\)"),
    "a.searchsorted(v)": (lambda v, w: A.searchsorted(v), r"A\.searchsorted\(\)", r"Write np\.searchsorted\(array, value\)"),
    "a[v]": (lambda v, w: A[v], r"an index, array\[value\]", r"(int\(value\.item\(\)\)|tg\.Value\(array, .*\)\[value\])"),
    "generator.normal(v)": (lambda v, w: generator.normal(v), r"generator\.normal\(\)", r"Draw the random numbers first"),
    "np.ma.array(w)": (lambda v, w: np.ma.array(w), r"np\.ma\.array\(\)", r"Fill the masked array first"),
}  # fmt: skip
INSIDE = {
    "float(v)": (lambda v, w: float(v), r"float\(\)", r"leave the conversion out"),
    "int(v)": (lambda v, w: int(v), r"int\(\)", r"leave the conversion out"),
    "complex(v)": (lambda v, w: complex(v), r"complex\(\)", r"leave the conversion out"),
    "math.exp(v)": (lambda v, w: math.exp(v), r"math\.exp\(\)", r"Write np\.exp\(value\)"),
    "math.sqrt(v)": (lambda v, w: math.sqrt(v), r"math\.sqrt\(\)", r"Write np\.sqrt\(value\)"),
    "math.floor(v)": (lambda v, w: math.floor(v), r"math\.floor\(\)", r"Write np\.floor\(value\)"),
    "math.trunc(v)": (lambda v, w: math.trunc(v), r"math\.trunc\(\)", r"Write np\.trunc\(value\)"),
    "math.erf(v)": (lambda v, w: math.erf(v), r"math\.erf\(\)", r"Write tg\.erf\(value\)"),
    "math.gamma(v)": (lambda v, w: math.gamma(v), r"math\.gamma\(\)", r"Write scipy\.special\.gamma\(value\)"),
    "math.fsum(w)": (lambda v, w: math.fsum(w), r"math\.fsum\(\)", r"Write np\.sum\(values\)"),
    "cmath.exp(v)": (lambda v, w: cmath.exp(v), r"cmath\.exp\(\)", r"Write np\.exp\(value\)"),
    "map(float, w)": (lambda v, w: list(map(float, w)), r"a conversion such as float\(\)", r"leave the conversion out"),
    "array.array": (lambda v, w: array.array("d", w), r"array\.array\(\)", r"computes with plain numbers"),
    "statistics.fmean(w)": (lambda v, w: statistics.fmean(w), r"statistics\.fmean\(\)", r"computes with plain numbers"),
}  # fmt: skip
TRANSFORMS = {
    "grad": lambda f, x: tg.grad(f)(x),
    "value_and_grad": lambda f, x: tg.value_and_grad(f)(x),
    "vjp": tg.vjp,
    "jvp": lambda f, x: tg.jvp(f, x, np.ones(3)),
    "jacobian": lambda f, x: tg.jacobian(f)(x),
    "hessian": lambda f, x: tg.hessian(f)(x),
    "linearize": tg.linearize,
    "hvp": lambda f, x: tg.hvp(f, x, np.ones(3)),
    "elementwise_grad": lambda f, x: tg.elementwise_grad(f)(x),
    "grad of checkpoint": lambda f, x: tg.grad(tg.checkpoint(f))(x),
}
X = np.array([1.0, 2.0, 3.0])


def taking(take):
    """A function that takes numbers on its way: those of a number `v` and a vector `w` that depend on its argument."""

    def f(x):
        take(x[1] ** 2, x * x)
        return np.sum(x)

    return f


@pytest.mark.parametrize(("take", "words", "advice"), (ANYWHERE | INSIDE).values(), ids=ANYWHERE | INSIDE)
def test_what_takes_numbers_in_a_differentiated_function_is_named_with_what_to_write_instead(take, words, advice):
    with pytest.raises(DetachError, match=rf"^{words}.* would take the plain numbers .* lose its gradient\. .*{advice}"):
        tg.grad(taking(take))(X)


@pytest.mark.parametrize(("take", "words", "advice"), (ANYWHERE | INSIDE).values(), ids=ANYWHERE | INSIDE)
def test_what_takes_numbers_in_a_compiled_function_is_named_with_what_to_write_instead(take, words, advice):
    with pytest.raises(TracingError, match=rf"but {words}.* would make it depend on the numbers .*{advice}"):
        tg.compile(taking(take))(X)


@pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=TRANSFORMS)
@pytest.mark.parametrize("take", [lambda v, w: math.exp(v), lambda v, w: assigned(A, 0, v)], ids=["math.exp", "a[0] = v"])
def test_every_transform_refuses(transform, take):
    with pytest.raises(DetachError):
        transform(taking(take), X)


@pytest.mark.parametrize(("take", "words", "advice"), ANYWHERE.values(), ids=ANYWHERE)
def test_a_plain_array_takes_no_number_that_requires_a_gradient_anywhere(take, words, advice):
    v, w = tg.Value(4.0), tg.Value(X)
    with pytest.raises((DetachError, ValueError)) as caught:
        take(v, w)
    error = caught.value if isinstance(caught.value, DetachError) else caught.value.__cause__  # NumPy puts words of its own on top
    assert isinstance(error, DetachError)
    assert words.replace("\\", "") in str(error)


def test_python_takes_the_number_of_a_loss_elsewhere():
    loss = tg.Value(4.0) * 1.0
    assert (float(loss), int(loss), math.sqrt(loss), math.floor(loss), math.trunc(loss)) == (4.0, 4, 2.0, 4, 4)
    assert complex(loss) == 4 + 0j
    assert list(map(float, [loss])) == [4.0]
    with tg.no_grad():
        assert np.float64(tg.Value(4.0) * 1.0) == 4.0


def test_what_the_gradient_was_lost_by_is_an_error():
    def f(x):
        a = np.zeros(3)
        a[0] = x[0] ** 2
        return np.sum(a * x)

    with pytest.raises(DetachError):
        tg.grad(f)(np.ones(3))

    def g(x):
        return np.sum(np.stack([x[0] ** 2, 0.0, 0.0]) * x)

    assert tg.grad(g)(np.ones(3)).tolist() == [3, 0, 0]


ALLOWED = {
    ".item()": lambda v, w: v.item(),
    ".numpy()": lambda v, w: w.numpy(),
    ".tolist()": lambda v, w: w.tolist(),
    ".detach()": lambda v, w: float(v.detach()),
    "tg.stop_gradient": lambda v, w: math.exp(tg.stop_gradient(v)),
    "a format": lambda v, w: f"{v:.3f} {w}",
    "percent": lambda v, w: "%.3f %d %s" % (v, v, w),  # noqa: UP031
    "str and repr": lambda v, w: str(v) + repr(w),
    "if": lambda v, w: 1 if v > 0 else 2,
    "bool": lambda v, w: bool(v),
    "a constant": lambda v, w: assigned(A, 0, tg.Value(2.0, requires_grad=False)),
}


@pytest.mark.parametrize("take", ALLOWED.values(), ids=ALLOWED)
def test_whoever_asks_by_name_or_decides_or_prints_gets_the_numbers(take):
    assert tg.grad(taking(take))(X).tolist() == [1, 1, 1]


def test_round_has_a_derivative_which_is_zero():
    assert tg.grad(lambda x: round(x) * x)(2.6) == 3.0


@pytest.mark.parametrize("convert", [range, [0, 1].__getitem__, math.factorial], ids=["range", "list", "math.factorial"])
def test_a_value_is_no_whole_number(convert):
    with pytest.raises(DataError, match=r"write int\(value\.item\(\)\)"):
        convert(tg.Value(1.0))


def test_a_value_has_no_buffer():
    with pytest.raises(TypeError):
        memoryview(tg.Value([1.0, 2.0]))


def test_a_complex_number_is_taken_as_it_is():
    z = tg.Value([3.0, 4.0]) * 1j
    assert complex(z[1]) == 4j


# --- copies ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda x: copy.deepcopy({"x": x})["x"]])
def test_a_gradient_passes_through_a_copy_of_an_argument(copied):
    assert tg.grad(lambda x: copied(x) ** 2)(3.0) == 6.0
    assert tg.grad(tg.grad(lambda x: copied(x) ** 3))(3.0) == 18.0


def test_an_argument_is_not_pickled():
    with pytest.raises(DetachError, match=r"pickle\.dumps\(\) would take"):
        tg.grad(lambda x: pickle.loads(pickle.dumps(x)) ** 2)(3.0)


# --- masked arrays -----------------------------------------------------------------------------------------------------------

MASKED = np.ma.masked_array(X, mask=[True, False, False])
WITH_MASKS = {
    "masked * w": lambda w: MASKED * w,
    "w * masked": lambda w: w * MASKED,
    "masked - w": lambda w: MASKED - w,
    "masked @ w": lambda w: MASKED @ w,
    "np.add(masked, w)": lambda w: np.add(MASKED, w),
    "masked < w": lambda w: operator.lt(MASKED, w),
    "masked += w": lambda w: added(MASKED.copy(), w),
    "masked[0] = v": lambda w: assigned(MASKED.copy(), 0, w[0]),
    "np.ma.exp(w)": np.ma.exp,
    "np.ma.where(mask, w, 0)": lambda w: np.ma.where(X > 1, w, 0.0),
    "np.ma.array(w)": np.ma.array,
    "tg.Value(masked)": lambda w: tg.Value(MASKED),
}


@pytest.mark.parametrize("compute", WITH_MASKS.values(), ids=WITH_MASKS)
def test_a_masked_array_and_a_value_never_meet_on_either_side(compute):
    for value in (tg.Value(X), tg.Value(X, requires_grad=False)):
        if compute is np.ma.array and not value.requires_grad:
            continue
        with pytest.raises((DataError, DetachError), match=r"masked array .*(filled\(0\.0\)|loses? its gradient)"):
            compute(value)


# --- in place ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [tg.Value(2.0), tg.Value(X)], ids=["v", "w"])
def test_adding_in_place_is_told_as_what_it_is(value):
    with pytest.raises(UnsupportedError, match=r"Write array = array \+ value in place of array \+= value"):
        added(np.zeros(3), value)


def test_a_full_like_of_a_value_is_told_what_to_write():
    with pytest.raises(UnsupportedError, match=r"np\.broadcast_to\(value, shape\) in place of np\.full\(shape, value\)"):
        np.full_like(A, tg.Value(2.0))


# --- other packages ----------------------------------------------------------------------------------------------------------

OF_SCIPY = {
    "quad": lambda s, v: s.integrate.quad(lambda t: t * v, 0, 1),
    "quad to v": lambda s, v: s.integrate.quad(np.exp, 0, v),
    "brentq": lambda s, v: s.optimize.brentq(lambda t: t - v, -10, 10),
    "odeint": lambda s, v: s.integrate.odeint(lambda y, t: -v * y, 1.0, X),
    "solve_ivp": lambda s, v: s.integrate.solve_ivp(lambda t, y: -v * y, (0, 1), [1.0]),
    "minimize": lambda s, v: s.optimize.minimize(lambda t: (t - v) ** 2, 0.0),
    "interp1d": lambda s, v: s.interpolate.interp1d(X, X * v),
    "expm": lambda s, v: s.linalg.expm(np.eye(2) * v),
}


@pytest.mark.parametrize("name", OF_SCIPY)
def test_scipy_is_named_with_the_ways_to_a_gradient(name):
    scipy = pytest.importorskip("scipy")
    for module in ("integrate", "interpolate", "linalg", "optimize"):
        pytest.importorskip(f"scipy.{module}")
    function = name.split()[0]
    with pytest.raises(
        DetachError, match=rf"{function}\(\) would take.*Write it with NumPy's functions, or give {function} a rule.*tg\.primitive"
    ):
        tg.grad(taking(lambda v, w: OF_SCIPY[name](scipy, v)))(X)


def test_pandas_is_named_with_what_to_write():
    pandas = pytest.importorskip("pandas")
    table, column = pandas.DataFrame(np.eye(3)), pandas.Series(X)
    for compute in (
        lambda w: table @ w,
        lambda w: w @ table,
        lambda w: column * w,
        lambda w: w * column,
        lambda w: pandas.Series(w),
    ):
        with pytest.raises(DetachError, match=r"^(pandas|.*Series\(\)).* would take .*table\.to_numpy\(\)"):
            tg.grad(taking(lambda v, w, compute=compute: compute(w)))(X)


def test_a_plot_is_told_to_ask_by_name():
    pyplot = pytest.importorskip("matplotlib.pyplot")
    for value in (tg.Value(X), tg.Value(X) * 2):
        with pytest.raises(DetachError, match=r"pyplot\.plot\(\) would take .*A picture needs no gradient.*\.numpy\(\)"):
            pyplot.plot(value)


def test_an_error_of_the_users_own_is_not_touched():
    def f(x):
        try:
            raise TinygradError("first")
        except TinygradError as error:
            raise ValueError("second") from error

    with pytest.raises(ValueError, match="second"):
        tg.grad(f)(1.0)
