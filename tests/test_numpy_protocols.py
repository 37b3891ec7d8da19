"""NumPy's own functions and operators on Values."""

import inspect

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import DataError, DetachError, TinygradError, UnsupportedError
from tinygrad_edu.primitives.constants import CONSTANT_FUNCTIONS
from tinygrad_edu.primitives.table import TABLE

A = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


CALLS = {
    "np.sum(x, 0)": lambda x: np.sum(x, 0),
    "np.sum(x, axis=0)": lambda x: np.sum(x, axis=0),
    "np.sum(a=x, axis=1)": lambda x: np.sum(a=x, axis=1),
    "np.sum(x, axis=(0, 1))": lambda x: np.sum(x, axis=(0, 1)),
    "np.sum(x, axis=1, keepdims=True)": lambda x: np.sum(x, axis=1, keepdims=True),
    "np.mean(x, 1)": lambda x: np.mean(x, 1),
    "np.max(x, axis=-1)": lambda x: np.max(x, axis=-1),
    "np.min(x, 0)": lambda x: np.min(x, 0),
    "np.reshape(x, (3, 2))": lambda x: np.reshape(x, (3, 2)),
    "np.reshape(x, -1)": lambda x: np.reshape(x, -1),
    "np.transpose(x)": lambda x: np.transpose(x),
    "np.transpose(x, (1, 0))": lambda x: np.transpose(x, (1, 0)),
    "np.broadcast_to(x, (4, 2, 3))": lambda x: np.broadcast_to(x, (4, 2, 3)),
    "np.concatenate([x, x])": lambda x: np.concatenate([x, x]),
    "np.concatenate((x, x), 1)": lambda x: np.concatenate((x, x), 1),
    "np.concatenate with a constant": lambda x: np.concatenate([x, A], axis=1),
    "np.concatenate([x, x], axis=None)": lambda x: np.concatenate([x, x], axis=None),
    "np.stack([x, x])": lambda x: np.stack([x, x]),
    "np.stack([x, x], axis=-1)": lambda x: np.stack([x, x], axis=-1),
    "np.stack of a list of constants and Values": lambda x: np.stack([A, x, A]),
    "np.where(mask, x, 0)": lambda x: np.where(A > 2, x, 0),
    "np.where(mask, 1, x)": lambda x: np.where(A > 2, 1, x),
    "np.clip(x, 2, 4)": lambda x: np.clip(x, 2, 4),
    "np.clip(x, 2, None)": lambda x: np.clip(x, 2, None),
    "np.clip(x, a_min=2, a_max=4)": lambda x: np.clip(x, a_min=2, a_max=4),
    "np.dot(x, x.T)": lambda x: np.dot(x, x.T),
    "np.dot(2, x)": lambda x: np.dot(2, x),
    "np.dot of more axes": lambda x: np.dot(np.ones((4, 2)), np.stack([x, x, x], axis=0)),
    "np.matmul(x, x.T)": lambda x: np.matmul(x, x.T),
    "x.dot(x.T)": lambda x: x.dot(x.T),
    "np.power(x, 2)": lambda x: np.power(x, 2),
    "np.abs(x)": lambda x: np.abs(x),
    "np.negative(x)": lambda x: np.negative(x),
    "np.true_divide(1, x)": lambda x: np.true_divide(1, x),
    "np.logaddexp(x, 0)": lambda x: np.logaddexp(x, 0),
    "np.float64(2) * x": lambda x: np.float64(2) * x,
    "np.float32(2) - x": lambda x: np.float32(2) - x,
    "np.int64(2) / x": lambda x: np.int64(2) / x,
    "array + x": lambda x: A + x,
    "array - x": lambda x: A - x,
    "array * x": lambda x: A * x,
    "array / x": lambda x: A / x,
    "array ** x": lambda x: A**x,
    "array % x": lambda x: A % x,
    "array // x": lambda x: A // x,
    "array @ x.T": lambda x: A @ x.T,
    "x @ array.T": lambda x: x @ A.T,
    "array of integers * x": lambda x: np.arange(3) * x,
    "list - x": lambda x: [1.0, 2.0, 3.0] - x,
    "x * list": lambda x: x * [1.0, 2.0, 3.0],
    "float ** x": lambda x: 2.0**x,
    "True + x": lambda x: True + x,
    "x.T": lambda x: x.T,
    "x.sum(0)": lambda x: x.sum(0),
    "x.mean()": lambda x: x.mean(),
    "x.max(axis=0)": lambda x: x.max(axis=0),
    "x.reshape(3, 2)": lambda x: x.reshape(3, 2),
    "x.reshape((3, 2))": lambda x: x.reshape((3, 2)),
    "x.transpose(1, 0)": lambda x: x.transpose(1, 0),
    "x.clip(2, 4)": lambda x: x.clip(2, 4),
    "x.clip(max=4)": lambda x: x.clip(max=4),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_call_gives_what_numpy_gives_for_the_array_and_is_differentiated(call):
    value = call(Value(A))
    assert isinstance(value, Value)
    expected = call(A)
    np.testing.assert_allclose(value.numpy(), expected, rtol=1e-15)
    assert (value.shape, value.dtype) == (np.shape(expected), np.asarray(expected).dtype)
    assert value.requires_grad
    tg.testing.check_grads(lambda x: call(x), (A + 0.1,), order=2)


X = np.array([0.0, 2.0, -1.0])


def _arguments(function):
    """What the function can be called with: one array, two, or a matrix; None if it wants something else, such as a mask."""
    for arguments in ((X,), (X, X), (A,)):
        try:
            function(*arguments)
        except (TypeError, ValueError):
            continue
        return arguments
    return None


# Two Values share no memory, and an array with arbitrary content is equal to no other.
PLAIN = {
    function: _arguments(function)
    for function in sorted(CONSTANT_FUNCTIONS, key=lambda f: f.__name__)
    if _arguments(function) and function not in (np.shares_memory, np.may_share_memory, np.empty_like)
}


@pytest.mark.parametrize(("function", "arguments"), PLAIN.items(), ids=lambda x: getattr(x, "__name__", ""))
def test_a_function_that_has_no_gradient_by_its_nature_gives_plain_numbers(function, arguments):
    result, expected = function(*(Value(x) for x in arguments)), function(*arguments)
    assert type(result) is type(expected)
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("operator", ["__lt__", "__le__", "__gt__", "__ge__", "__eq__", "__ne__"])
def test_a_comparison_gives_plain_booleans(operator):
    x, y = np.array([1.0, 2.0, 3.0]), np.array([3.0, 2.0, 1.0])
    expected = getattr(x, operator)(y)
    for result in (getattr(Value(x), operator)(Value(y)), getattr(Value(x), operator)(y)):
        assert type(result) is np.ndarray
        np.testing.assert_array_equal(result, expected)
    assert getattr(Value(1.0), operator)(2.0) == getattr(1.0, operator)(2.0)


def test_an_array_on_the_left_of_a_comparison_gives_plain_booleans():
    result = np.array([1.0, 2.0]) < Value([2.0, 2.0])
    assert type(result) is np.ndarray
    np.testing.assert_array_equal(result, [True, False])


def test_a_value_is_not_equal_to_what_is_no_number():
    assert (Value(1.0) == "text") is False
    assert (Value(1.0) != None) is True  # noqa: E711


UNSUPPORTED = {
    "np.bincount": lambda x: np.bincount(x),
    "np.nextafter": lambda x: np.nextafter(x, 1.0),
    "np.spacing": lambda x: np.spacing(x),
    "np.add.at": lambda x: np.add.at(x, 0, 1.0),
}


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_a_function_without_a_derivative_is_refused_by_name_with_the_ways_out(name):
    with pytest.raises(UnsupportedError) as caught:
        UNSUPPORTED[name](Value(A))
    message = str(caught.value)
    assert message.startswith(name + " has no derivative here")
    assert "tg.primitive(" in message
    assert ".detach().numpy()" in message
    assert isinstance(caught.value, TypeError)


@pytest.mark.parametrize(
    "function", [f for f in TABLE.functions if inspect.isroutine(f) or isinstance(f, np.ufunc)], ids=lambda f: f.__qualname__
)
def test_a_misspelt_argument_of_a_numpy_function_is_never_swallowed(function):
    with pytest.raises(TypeError):
        function(Value(A), misspelt=1)


def test_writing_the_result_into_an_array_is_refused():
    out = np.zeros_like(A)
    for call in (lambda x: np.add(x, 1.0, out=out), lambda x: np.exp(x, out=out), lambda x: np.sum(x, axis=0, out=out[0])):
        with pytest.raises(UnsupportedError, match=r"does not write into an array.* leave out= out"):
            call(Value(A))
    np.testing.assert_array_equal(out, 0)


def test_adding_a_value_to_an_array_in_place_is_refused():
    array = np.zeros(3)
    with pytest.raises(UnsupportedError, match=r"Write array = array \+ value in place of array \+= value"):
        array += Value([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(array, 0)


@pytest.mark.parametrize(
    "turn",
    [
        lambda v: np.asarray(v), lambda v: np.array(v), lambda v: np.array([v, v]), lambda v: np.asarray([v, v], dtype=float),
        lambda v: np.asanyarray(v), lambda v: np.zeros(2).__setitem__(slice(None), v), lambda v: np.array([[v], [v]]),
    ],
)  # fmt: skip
def test_a_value_never_turns_into_a_plain_array_unasked(turn):
    with pytest.raises(DetachError, match=r"would lose its gradient.*np\.(stack|where).*\.item\(\) or \.numpy\(\)"):
        turn(Value([1.0, 2.0], name="w"))
    with pytest.raises(DetachError, match="'w'"):
        np.asarray(Value(1.0, name="w"))


def test_a_list_of_single_values_never_turns_into_a_plain_array_unasked():
    with pytest.raises(DetachError):
        np.array([Value(1.0), Value(2.0)])
    with pytest.raises(DetachError):
        np.zeros(2)[:] = [Value(1.0), Value(2.0)]


def test_a_constant_value_may_become_a_plain_array():
    constant = Value([1.0, 2.0], requires_grad=False)
    array = np.asarray(constant)
    array[0] = 100.0
    np.testing.assert_array_equal(constant.data, [1, 2])
    np.testing.assert_array_equal(np.asarray((Value([1.0, 2.0]) * 2).detach()), [2, 4])


@pytest.mark.parametrize(
    "bad", ["text", None, object(), np.array(["a"]), {}], ids=["str", "None", "object", "array of str", "dict"]
)
def test_an_operand_that_is_no_number_is_an_error(bad):
    for operate in (lambda v: v + bad, lambda v: bad * v, lambda v: np.maximum(v, bad)):
        with pytest.raises(TypeError):
            operate(Value([1.0]))


def test_a_masked_array_as_an_operand_is_refused_since_its_mask_would_be_lost():
    masked = np.ma.masked_array([1.0, 2.0], mask=[True, False])
    with pytest.raises(DataError, match="masked array"):
        Value([1.0, 2.0]) * masked
    with pytest.raises(DataError, match="masked array"):
        Value(masked)


def test_every_error_of_the_package_can_be_caught_as_one():
    for fails in (
        lambda: np.spacing(Value(A)),
        lambda: Value(A) + np.ones(7),
        lambda: Value("text"),
        lambda: np.asarray(Value(1.0)),
    ):
        with pytest.raises(TinygradError):
            fails()


# --- methods -----------------------------------------------------------------------------------------------------------------

METHODS = {
    "flat": lambda x: x.flat[2] * x.flat[-1],
    "ravel": lambda x: x.ravel("F") * np.arange(6),
    "flatten": lambda x: x.flatten(order="F") * np.arange(6),
    "positions of what is not zero": lambda x: x[(x * [0, 1, 0]).nonzero()],
    "positions in order": lambda x: x[0].searchsorted([0.5, 2.5], side="right") + x[0, :2],
    "positions by parts": lambda x: x[0][x[0].argpartition(1)[:1]],
    "sum": lambda x: x.sum(1, keepdims=True) * x.sum(axis=0, initial=2.0),
    "mean": lambda x: x.mean(1, keepdims=True) * x.mean(axis=0),
    "max": lambda x: x.max(1, keepdims=True) * x.max(axis=0),
    "min": lambda x: x.min(1, keepdims=True) * x.min(axis=0),
    "prod": lambda x: x.prod(1, keepdims=True) * x.prod(axis=0, initial=2.0),
    "var": lambda x: x.var(1, ddof=1, keepdims=True) * x.var(axis=0),
    "std": lambda x: x.std(1, ddof=1, keepdims=True) * x.std(axis=0),
    "cumsum": lambda x: x.cumsum(1) * x.cumsum()[-1],
    "cumprod": lambda x: x.cumprod(1) * x.cumprod()[-1],
    "positions of extremes": lambda x: x * x.argmax(1, keepdims=True) + x.argmin(0) + x.argsort(0) + x[0].argmax(),
    "truths": lambda x: x * (x > 2.5).any(1, keepdims=True) + (x > 2.5).all(0),
    "reshape": lambda x: x.reshape(3, 2) * x.reshape((3, 2), order="F"),
    "transpose": lambda x: x.reshape(1, 2, 3).transpose(2, 0, 1)[:, 0] * x.transpose() * x.T * x.mT,
    "squeeze": lambda x: x.reshape(1, 2, 1, 3).squeeze(axis=2)[0] * x.reshape(1, 2, 1, 3).squeeze(),
    "swapaxes": lambda x: x.swapaxes(0, 1) * [1, 2],
    "repeat": lambda x: x.repeat(2, axis=1)[:, :3] * x.repeat([1, 2, 1, 2, 0, 0])[1:4],
    "take": lambda x: x.take([0, 2], axis=1) * x.take([7, 8], mode="wrap"),
    "compress": lambda x: x.compress([True, False, True], axis=1) * x.compress([True, False, True])[0],
    "diagonal": lambda x: x.reshape(1, 2, 3).diagonal(1, 2, 1)[0] * x.reshape(1, 2, 3).diagonal(axis1=1, axis2=2)[0, 1],
    "trace": lambda x: x.reshape(1, 2, 3).trace(1, 1, 2) * x.reshape(1, 2, 3).trace(axis1=1, axis2=2),
    "dot": lambda x: x.dot(x.T),
    "clip": lambda x: x.clip(max=2.1) * x.clip(1.1),
    "round": lambda x: x + x.round() + x.round(1),
    "astype": lambda x: x.astype(np.float64) * 2,
    "conjugates and parts": lambda x: x.conj() * x.real + x.imag,
    "copy": lambda x: x.copy() * x,
}


@pytest.mark.parametrize("call", METHODS.values(), ids=METHODS)
def test_a_method_gives_what_that_of_the_array_gives(call):
    np.testing.assert_array_equal(call(Value(A)).numpy(), call(A))
    tg.testing.check_grads(lambda x: call(x), (A,))


def test_a_value_becomes_one_of_another_dtype_as_an_array_does():
    single = Value(A).astype(np.float32)
    assert (type(single), single.dtype) == (Value, np.float32)


def test_what_changes_an_array_in_place_or_shows_its_memory_is_all_that_is_missing():
    in_place = {"fill", "partition", "put", "resize", "setfield", "setflags", "sort", "byteswap"}
    of_memory = {"base", "ctypes", "dump", "dumps", "flags", "getfield", "strides", "to_device", "tobytes", "tofile", "view"}
    missing = {name for name in dir(np.ndarray) if not name.startswith("_") and not hasattr(Value, name)}
    assert missing == in_place | of_memory
    value = Value(A, dtype=np.float32)
    assert (value.itemsize, value.nbytes, value.device) == (4, 24, "cpu")
