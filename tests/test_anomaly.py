"""detect_anomaly names the operation and the user's line where the first NaN or infinity arose."""

import inspect
import re

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.engine.mode import RECORDING, current_mode
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import AnomalyError, TinygradError


def line_of(text):
    """Where in this file the line is that ends with a comment of this text."""
    lines = inspect.getsource(inspect.getmodule(line_of)).splitlines()
    number = next(n for n, line in enumerate(lines, 1) if line.endswith("# " + text))
    return re.escape(f"test_anomaly.py:{number}: {lines[number - 1].strip()}")


FORWARD = {
    "an operator": (lambda x: x / 0.0, "'divide' gave inf"),
    "a function": (lambda x: np.log(x - 2.0), "'log' gave -inf"),
    "a function of two": (lambda x: np.power(-x, 0.5), "'power' gave nan"),
    "a method": (lambda x: (x * 1e308).sum() * 10, "'multiply' gave inf"),
    "a sum": (lambda x: np.sum(np.stack([x, x]) * 8e307), "'sum' gave inf"),
}


@pytest.mark.parametrize(("f", "message"), FORWARD.values(), ids=FORWARD)
def test_the_operation_is_named(f, message):
    with tg.detect_anomaly(), pytest.raises(AnomalyError, match=re.escape(message)):
        f(Value(2.0))


def test_the_line_and_the_inputs_of_the_operation_are_told():
    with tg.detect_anomaly():
        variance = Value([4.0, -1.0], name="variance")
        doubled = 2 * variance
        with pytest.raises(AnomalyError) as caught:
            np.sqrt(doubled)  # the root
    message = str(caught.value)
    assert re.match(r"'sqrt' gave nan at .*" + line_of("the root") + r"\. There input 0 is ", message)
    assert "the Value of shape (2,), between -2 and 8" in message


def test_constants_that_are_not_finite_are_told_apart_from_values():
    with (
        tg.detect_anomaly(),
        pytest.raises(AnomalyError, match=r"input 0 is the Value 'w' .* between 1 and 1; input 1 is a constant"),
    ):
        Value(1.0, name="w") * np.array([1.0, np.nan])
    with tg.detect_anomaly(), pytest.raises(AnomalyError, match=r"input 1 is a constant, containing nan"):
        Value([1.0, 1.0]) * np.array([1.0, np.nan])


def test_a_gradient_that_is_not_finite_is_traced_to_the_line_of_its_operation():
    with tg.detect_anomaly():
        x = Value([0.0, 4.0], name="x")
        length = np.sum(np.sqrt(x))  # differentiated at zero
        with pytest.raises(AnomalyError) as caught:
            length.backward()
    message = str(caught.value)
    assert message.startswith("in the backward pass the gradient of 'sqrt' with respect to the Value 'x' of shape (2,) became inf")
    assert re.search(r"The operation was recorded at .*" + line_of("differentiated at zero"), message)
    assert "input 0 is the Value 'x' of shape (2,), between 0 and 4" in message


def test_what_was_recorded_before_the_block_is_said_to_be_so():
    loss = np.sqrt(Value(0.0))
    with tg.detect_anomaly(), pytest.raises(AnomalyError, match="The operation was recorded outside of this block"):
        loss.backward()


def test_a_second_derivative_that_is_not_finite_is_found():
    def f(x):
        return np.sum(x**1.5)  # has a slope at zero, but no curvature

    assert tg.grad(f)(np.zeros(2)).tolist() == [0.0, 0.0]
    with tg.detect_anomaly():
        assert tg.grad(f)(np.zeros(2)).tolist() == [0.0, 0.0]
        with pytest.raises(AnomalyError, match=r"'power' with respect to .* became inf"):
            tg.hessian(f)(np.zeros(2))
        with pytest.raises(AnomalyError, match=r"'power' with respect to .* became inf"):
            tg.hvp(f, np.zeros(2), np.ones(2))


@pytest.mark.parametrize("transform", [tg.grad, tg.value_and_grad, tg.jacobian, tg.hessian, tg.elementwise_grad])
def test_it_looks_into_transforms(transform):
    with tg.detect_anomaly(), pytest.raises(AnomalyError, match=r"'log' gave -inf at .*" + line_of("within a transform")):
        transform(lambda x: np.log(x) * x)(0.0)  # within a transform


def test_it_looks_into_checkpointed_functions():
    with tg.detect_anomaly(), pytest.raises(AnomalyError, match=r"'sqrt' with respect to .* became inf"):
        tg.grad(tg.checkpoint(lambda x: np.sqrt(x) + 1.0))(0.0)


def test_finite_computations_are_the_same_as_without_it():
    def f(x):
        return np.sum(np.where(x > 0, np.log(np.where(x > 0, x, 1.0)), 0.0))

    x = np.array([-1.0, 0.5, 2.0])
    with tg.detect_anomaly():
        watched = tg.value_and_grad(f)(x), tg.hessian(f)(x)
    (value, gradient), hessian = watched
    assert value == f(x)
    np.testing.assert_array_equal(gradient, tg.grad(f)(x))
    np.testing.assert_array_equal(hessian, tg.hessian(f)(x))


def test_where_nothing_is_recorded_nothing_is_looked_at():
    with tg.detect_anomaly(), tg.no_grad():
        assert np.isinf((Value(1.0) / np.zeros(1)).numpy())


def test_it_is_off_afterwards_also_after_an_error():
    for _ in range(2):
        with pytest.raises(AnomalyError), tg.detect_anomaly():
            Value(1.0) / 0.0
        assert current_mode() is RECORDING
        with np.errstate(all="ignore"):
            assert (Value(1.0) / 0.0).item() == np.inf
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        Value([1.0]) / np.zeros(1)


def test_empty_arrays_have_no_anomaly():
    with tg.detect_anomaly():
        x = Value(np.zeros((0, 3)))
        np.sum(np.log(x) * 2).backward()
    assert x.grad.shape == (0, 3)


def test_blocks_nest():
    with tg.detect_anomaly():
        with tg.detect_anomaly(), pytest.raises(AnomalyError):
            Value(1.0) / 0.0
        with pytest.raises(AnomalyError):
            Value(1.0) / 0.0


def test_the_error_is_also_the_one_that_a_user_of_numpy_would_catch():
    assert issubclass(AnomalyError, FloatingPointError)
    assert issubclass(AnomalyError, TinygradError)


def test_a_users_file_beside_the_package_is_the_users(tmp_path):
    """Only what lies in the package's own folder is not the user's, whatever another folder's name begins with."""
    code = compile("def f(x):\n    return x / 0.0\n", tg.__path__[0] + "_lessons/one.py", "exec")
    names = {}
    exec(code, names)
    with tg.detect_anomaly(), pytest.raises(AnomalyError, match=r"_lessons.one\.py:2"):
        names["f"](Value(1.0))


def test_a_watch_goes_on_where_a_block_within_silence_asks_for_recording():
    with tg.detect_anomaly(), tg.no_grad(), pytest.raises(AnomalyError):
        tg.grad(np.log)(0.0)
