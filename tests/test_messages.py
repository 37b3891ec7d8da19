"""An error is a lesson: it names the operation, the operands by name, their shapes, and what to do."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import DataError, GradientError, ShapeError

X, W = Value(np.zeros((5, 3)), name="x"), Value(np.zeros((4, 2)), name="w")

MISMATCHES = {
    "x + w": (lambda: X + W, "'add' failed on x of shape (5, 3) and w of shape (4, 2)"),
    "x - array": (lambda: X - np.zeros(4), "'subtract' failed on x of shape (5, 3) and an array of shape (4,)"),
    "array * x": (lambda: np.zeros(4) * X, "'multiply' failed on an array of shape (4,) and x of shape (5, 3)"),
    "x / list": (lambda: X / [1.0, 2.0], "'divide' failed on x of shape (5, 3) and an array of shape (2,)"),
    "nameless": (lambda: Value([1.0, 2.0]) + Value([1.0, 2.0, 3.0]), "a Value of shape (2,) and a Value of shape (3,)"),
    "np.maximum": (lambda: np.maximum(X, W), "'maximum' failed on x of shape (5, 3) and w of shape (4, 2)"),
    "np.where": (lambda: np.where(np.zeros(7) > 0, X, 0.0), "'where' failed on an array of shape (7,) and x of shape (5, 3)"),
}


@pytest.mark.parametrize(("fails", "message"), MISMATCHES.values(), ids=MISMATCHES)
def test_shapes_that_do_not_broadcast_are_told_with_the_rule_of_broadcasting(fails, message):
    with pytest.raises(ShapeError) as caught:
        fails()
    assert message in str(caught.value)
    assert "shapes broadcast if, from the last axis backwards, lengths are equal or one is 1" in str(caught.value)


def test_matrices_that_do_not_fit_are_told_which_axes_must_agree():
    with pytest.raises(ShapeError, match=r"'matmul' failed on x of shape \(5, 3\) and w of shape \(4, 2\).*last axis of the left"):
        X @ W


def test_a_reshape_that_does_not_fit_is_told_that_the_count_must_agree():
    with pytest.raises(ShapeError, match=r"'reshape' failed on x of shape \(5, 3\).*must hold as many numbers"):
        X.reshape(4, 4)


def test_a_reflected_operator_names_the_operands_in_the_order_in_which_they_are_written():
    with pytest.raises(ShapeError, match=r"an array of shape \(4,\) and x of shape \(5, 3\)"):
        [1.0, 2.0, 3.0, 4.0] - X


def test_a_wrong_axis_is_an_error_that_names_the_operation():
    for fails in (lambda: np.sum(X, axis=2), lambda: X.mean(axis=5), lambda: np.max(X, axis=-3)):
        with pytest.raises((ShapeError, IndexError), match=r"'(sum|mean|max)' failed on x of shape \(5, 3\): axis"):
            fails()


def test_a_rule_that_returns_another_shape_is_named():
    wrong = tg.primitive(np.sin, lambda g, out, x: np.ones((7, 7)), name="wrong")
    with pytest.raises(
        GradientError, match=r"a rule of 'wrong' returned a gradient of shape \(7, 7\) for an input of shape \(2,\)"
    ):
        wrong(Value([1.0, 2.0])).sum().backward()


def test_text_as_an_operand_is_told_apart():
    with pytest.raises(DataError, match=r"'maximum' takes Values, arrays and numbers, but got str: 'two'"):
        np.maximum(X, "two")


def test_a_loss_of_constants_only_says_that_nothing_requires_a_gradient():
    loss = (Value(2.0, requires_grad=False) * 3).named("loss")
    with pytest.raises(GradientError, match=r"'loss' .*requires no gradient: .*Value\(\.\.\., requires_grad=True\)"):
        loss.backward()


def test_an_error_is_also_the_one_that_a_user_of_numpy_would_catch():
    for fails, builtin in [
        (lambda: X + W, ValueError),
        (lambda: X[9], IndexError),
        (lambda: np.asarray(X), TypeError),
        (lambda: Value("text"), TypeError),
        (lambda: Value("text"), ValueError),
        (lambda: np.spacing(X), TypeError),
        (lambda: X.detach().sum().backward(), RuntimeError),
    ]:
        with pytest.raises(builtin):
            fails()


def test_the_cause_of_an_error_is_kept():
    with pytest.raises(ShapeError) as caught:
        X + W
    assert isinstance(caught.value.__cause__, ValueError)
    assert not isinstance(caught.value.__cause__, ShapeError)


@pytest.mark.parametrize(
    "call", [lambda x: tg.relu(x, axis=0), lambda x: tg.stop_gradient(x, axis=0), lambda x: tg.sigmoid(x, axis=0)]
)
def test_a_complaint_about_arguments_speaks_of_the_operation_and_not_of_the_function_behind_it(call):
    with pytest.raises(DataError, match=r"'(\w+)' failed on x of shape \(2,\): \1\(\) got an unexpected keyword argument 'axis'$"):
        call(Value([1.0, 2.0], name="x"))
