"""checkpoint: the same function, computed again in the backward pass instead of kept."""

import functools
import gc
import tracemalloc
import weakref

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import GradientError

X = np.array([0.5, -1.0, 2.0])


def block(x):
    return np.tanh(x) * np.exp(-(x**2)) + x


def two(x, y):
    return {"product": np.sin(x) * y, "sum": np.sum(x + y)}


@pytest.mark.parametrize(
    "transform", [tg.jacobian, lambda f: tg.hessian(lambda x: np.sum(f(x))), lambda f: lambda x: tg.jvp(f, x, x)]
)
def test_all_derivatives_are_those_of_the_function(transform):
    for ours, expected in zip(np.atleast_1d(transform(tg.checkpoint(block))(X)), np.atleast_1d(transform(block)(X)), strict=True):
        np.testing.assert_array_equal(ours, expected)


def test_second_derivatives_within_a_chain_are_those_of_the_chain():
    def chain(f):
        return lambda x: np.sum(f(2 * f(f(x))) ** 2)

    checked = chain(tg.checkpoint(block))
    np.testing.assert_array_equal(tg.grad(checked)(X), tg.grad(chain(block))(X))
    np.testing.assert_allclose(tg.hessian(checked)(X), tg.hessian(chain(block))(X), rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(tg.hvp(checked, X, X), tg.hvp(chain(block), X, X), rtol=1e-13, atol=1e-13)


def test_outputs_may_be_trees_of_any_dtypes():
    def mixed(x):
        return {"high": (x * 2, None), "low": [np.sum(x).astype(np.float32), 7]}

    result = tg.checkpoint(mixed)(Value(X))
    assert (result["high"][0].dtype, result["low"][0].dtype, result["low"][1]) == (np.float64, np.float32, 7)
    assert result["low"][0].shape == ()
    np.testing.assert_array_equal(tg.jacobian(tg.checkpoint(mixed))(X)["high"][0], 2 * np.eye(3))
    for_x, for_y = tg.grad(lambda x, y: (lambda r: np.sum(r["product"]) * r["sum"])(tg.checkpoint(two)(x, y)), (0, 1))(X, 2 * X)
    same_x, same_y = tg.grad(lambda x, y: (lambda r: np.sum(r["product"]) * r["sum"])(two(x, y)), (0, 1))(X, 2 * X)
    np.testing.assert_allclose(for_x, same_x, rtol=1e-14)
    np.testing.assert_allclose(for_y, same_y, rtol=1e-14)


def test_an_output_that_is_not_used_has_a_zero_cotangent():
    np.testing.assert_array_equal(tg.grad(lambda x: tg.checkpoint(two)(x, 3.0)["sum"])(X), np.ones(3))


def test_values_from_outside_get_their_gradients():
    w, b = Value(3.0, name="w"), Value(np.ones(3), name="b")
    doubled = 2 * w
    f = tg.checkpoint(lambda x: np.sum(x * doubled * w + b))
    x = Value(X)
    f(x).backward()
    assert w.grad == pytest.approx(4 * 3.0 * np.sum(X), rel=1e-15)
    np.testing.assert_array_equal(b.grad, np.ones(3))
    np.testing.assert_array_equal(x.grad, np.full(3, 18.0))


def test_values_that_the_function_makes_itself_get_their_gradients():
    made = []

    @tg.checkpoint
    def f(x):
        made.extend([Value(3.0), Value(5.0)])
        return made[-2] * x + made[-1] * x**2

    x = Value(2.0)
    f(x).backward()
    assert [x.grad, made[0].grad, made[1].grad] == [3.0 + 2 * 5.0 * 2.0, 2.0, 4.0]
    assert tg.hvp(f, 2.0, 1.0) == 2 * 5.0


def test_a_parameter_that_is_made_in_the_first_call_gets_its_gradient():
    parameters = {}

    @tg.checkpoint
    def f(x):
        if "w" not in parameters:
            parameters["w"] = Value(3.0)
        return x * parameters["w"]

    f(Value(2.0)).backward()
    assert parameters["w"].grad == 2.0


def test_arguments_may_be_given_by_keyword_and_be_constants():
    f = tg.checkpoint(lambda x, *, scale: np.sum(x**2) * scale)
    np.testing.assert_array_equal(tg.grad(f)(X, scale=5.0), 10 * X)
    scale = Value(2.0)
    f(X, scale=scale).backward()
    assert scale.grad == np.sum(X**2)


def test_checkpoints_nest():
    inner = tg.checkpoint(block)
    outer = tg.checkpoint(lambda x: inner(inner(x)) * x)
    np.testing.assert_allclose(tg.jacobian(outer)(X), tg.jacobian(lambda x: block(block(x)) * x)(X), rtol=1e-14, atol=1e-15)
    hessian = tg.hessian(lambda x: np.sum(block(block(x)) * x))(X)
    np.testing.assert_allclose(tg.hessian(lambda x: np.sum(outer(x)))(X), hessian, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("transform", [tg.grad, tg.jacobian, lambda f: lambda x: tg.jvp(f, x, 1.0)[1]])
def test_a_derivative_within_a_checkpoint_is_differentiated(transform):
    f = tg.checkpoint(lambda x: x * tg.grad(lambda y: x * y**2)(3.0))  # 6x²
    assert transform(f)(2.0) == 24.0
    assert tg.grad(transform(f))(2.0) == 12.0


def test_the_function_is_called_once_more_in_each_backward_pass_and_not_before():
    calls = []

    @tg.checkpoint
    def f(x):
        calls.append(1)
        return x**2

    y = f(Value(3.0))
    assert len(calls) == 1
    y.backward()
    assert len(calls) == 2
    y.backward()
    assert len(calls) == 3


def test_where_nothing_is_recorded_nothing_is_wrapped():
    f = tg.checkpoint(block)
    with tg.no_grad():
        assert not f(Value(X)).requires_grad
    np.testing.assert_array_equal(f(X), block(X))
    assert type(f(X)) is np.ndarray


def test_an_output_without_a_gradient_is_given_as_it_is():
    marks = tg.checkpoint(lambda x: (x > 0, x * 2))(Value(X))
    np.testing.assert_array_equal(marks[0], X > 0)


def test_an_output_may_be_the_argument_itself():
    x = Value(2.0)
    tg.checkpoint(lambda x: x)(x).backward()
    assert x.grad == 1.0


def test_no_grad_around_the_backward_pass_does_not_matter():
    x = Value(3.0)
    y = tg.checkpoint(lambda x: x**2)(x)
    with tg.no_grad():
        y.backward()
    assert x.grad == 6.0


# --- what it is for ----------------------------------------------------------------------------------------------------------


def peak_of_chain(f, blocks=8, size=20_000):
    """Bytes at the peak of a gradient through a chain, beyond what was there before."""
    x = np.linspace(-1, 1, size)

    def chain(x):
        for _ in range(blocks):
            x = f(x)
        return np.sum(x)

    gc.collect()
    tracemalloc.start()
    try:
        gradient = tg.grad(chain)(x)
        return tracemalloc.get_traced_memory()[1], gradient
    finally:
        tracemalloc.stop()


def test_a_long_chain_takes_a_fraction_of_the_memory():
    def long_block(x):
        for _ in range(10):
            x = np.sin(x) * 1.01
        return x

    kept, expected = peak_of_chain(long_block)
    recomputed, gradient = peak_of_chain(tg.checkpoint(long_block))
    np.testing.assert_array_equal(gradient, expected)
    assert recomputed < kept / 3  # 8 results and one block of 20, in place of 160


def test_the_graph_goes_with_the_result_without_the_garbage_collector():
    x = Value(X)
    y = tg.checkpoint(lambda x: (block(x), x * 2))(x)[0]
    gone = weakref.ref(y.parents[0])
    gc.collect()
    gc.disable()
    try:
        np.sum(y).backward()
        del y
        assert gone() is None
    finally:
        gc.enable()


# --- mistakes ----------------------------------------------------------------------------------------------------------------


def test_randomness_is_noticed():
    rng = np.random.default_rng(0)

    @tg.checkpoint
    def dropped(x):
        return x * (rng.random(3) < 0.5)

    y = np.sum(dropped(Value(X)))
    with pytest.raises(GradientError, match=r"dropped, a checkpointed function, gave another result .* Is it random"):
        y.backward()


def test_new_data_for_a_value_is_noticed():
    w = Value(3.0)

    @tg.checkpoint
    def scaled(x):
        return x * w

    y = scaled(Value(2.0))
    w.data = 4.0
    with pytest.raises(GradientError, match=r"a Value that scaled uses, a checkpointed function, was given new data"):
        y.backward()


def test_a_change_in_place_is_noticed():
    w = Value(np.ones(3))
    y = np.sum(tg.checkpoint(lambda x: x * w)(Value(X)))
    w.data[0] = 2.0
    with pytest.raises(GradientError):
        y.backward()


def test_looking_at_the_data_in_between_is_no_change():
    w = Value(np.ones(3))
    y = np.sum(tg.checkpoint(lambda x: x * w)(Value(X)))
    assert w.data.tolist() == [1.0, 1.0, 1.0]
    y.backward()
    np.testing.assert_array_equal(w.grad, X)


def test_a_change_of_the_users_own_array_is_noticed():
    scale = np.ones(3)
    y = np.sum(tg.checkpoint(lambda x: x * scale)(Value(X)))
    scale[0] = 2.0
    with pytest.raises(GradientError, match="was an array that it uses changed"):
        y.backward()


def test_any_callable_can_be_checkpointed():
    f = tg.checkpoint(functools.partial(lambda k, x: k * x**2, 3.0))
    assert tg.grad(f)(2.0) == 12.0
    assert tg.checkpoint(block).__name__ == "block"


def test_a_second_call_on_other_values_of_the_same_numbers_is_an_error_and_no_gradient_of_zero():
    x = tg.Value(1.0)
    holder = Holder(x)
    loss = tg.checkpoint(lambda: np.sin(holder.x))()
    holder.x = tg.Value(1.0)
    with pytest.raises(GradientError, match="gave another result when it was called again"):
        loss.backward()
    assert x.grad is None


class Holder:
    def __init__(self, x):
        self.x = x


def test_a_tree_that_the_caller_or_the_function_changes_afterwards_is_the_one_that_was_given():
    x = tg.Value(1.0)
    given = {"x": x}
    loss = tg.checkpoint(lambda p: np.sin(p["x"]))(given)
    given["x"] = tg.Value(1.0)
    loss.backward()
    assert x.grad == np.cos(1.0)
    assert tg.grad(tg.checkpoint(lambda p: p.pop("w") ** 2))({"w": 3.0}) == {"w": 6.0}


def test_a_value_whose_data_were_read_is_no_obstacle_to_a_second_derivative():
    w = tg.Value(np.array([1.0, 2.0]))
    assert w.data.shape == (2,)
    _, slope = tg.jvp(tg.checkpoint(lambda x: np.sum(x**3 * w)), 2.0, 1.0)
    assert slope == 36.0
