"""Transforms within transforms: higher derivatives, and no derivative mistaken for another's."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.counting import calls
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import GradientError, ShapeError


def slope_forward(f):
    """The derivative by forward mode."""
    return lambda x: tg.jvp(f, (x,), (1.0,))[1]


def slope_pulled(f):
    """The derivative by a pullback."""
    return lambda x: tg.vjp(f, x)[1](1.0)[0]


def slope_linear(f):
    """The derivative by a linearization."""
    return lambda x: tg.linearize(f, x)[1](1.0)


SLOPES = [tg.grad, slope_forward, slope_pulled, slope_linear, tg.jacobian, tg.elementwise_grad]


def of_every_two(test):
    return pytest.mark.parametrize("outer", SLOPES)(pytest.mark.parametrize("inner", SLOPES)(test))


# --- one variable is not another ---------------------------------------------------------------------------------------------


@of_every_two
def test_an_inner_variable_is_not_mistaken_for_an_outer_one(outer, inner):
    assert outer(lambda x: x * inner(lambda y: x + y)(1.0))(2.0) == 1.0
    assert outer(lambda x: x * inner(lambda y: x * y)(2.0))(1.0) == 2.0
    assert outer(lambda x: inner(lambda y: x * y**2)(3.0))(5.0) == 6.0


@of_every_two
def test_the_outer_variable_may_be_the_point_of_the_inner_derivative(outer, inner):
    assert outer(lambda x: x * inner(lambda y: x * y**2)(x))(3.0) == 6 * 9.0  # d/dx 2x³
    assert outer(lambda x: inner(lambda y: y**3)(x) * x)(2.0) == 9 * 4.0  # d/dx 3x³


@of_every_two
def test_a_derivative_that_does_not_depend_on_its_variable_is_zero_within_another(outer, inner):
    assert outer(lambda x: x + inner(lambda y: x * x)(7.0))(2.0) == 1.0
    assert outer(lambda x: inner(lambda y: 3.0)(x))(2.0) == 0.0


@of_every_two
def test_second_derivatives_agree_however_they_are_computed(outer, inner):
    assert outer(inner(lambda x: x**4))(2.0) == 48.0
    np.testing.assert_allclose(outer(inner(lambda x: np.sin(x) * np.exp(x)))(0.5), 2 * np.cos(0.5) * np.exp(0.5), rtol=1e-14)


@pytest.mark.parametrize("slope", SLOPES)
def test_third_and_fourth_derivatives(slope):
    third = slope(slope(slope(np.sin)))
    np.testing.assert_allclose([third(x) for x in (0.0, 0.3, 2.0)], -np.cos([0.0, 0.3, 2.0]), rtol=1e-14)
    assert slope(slope(slope(slope(lambda x: x**5))))(2.0) == 240.0


def test_three_variables_stay_apart():
    def f(x):
        return tg.grad(lambda y: x * tg.grad(lambda z: x * y**2 * z**3)(y))(x)  # x · d/dy [x·y²·3y²] at y = x: 12 x² · x³

    assert f(2.0) == 12 * 2.0**5
    assert tg.grad(f)(2.0) == 60 * 2.0**4


def test_a_function_that_is_made_within_a_derivative_keeps_its_variable():
    """The example of Manzyuk and others, "Perturbation confusion in forward automatic differentiation"."""

    def shifted(u):
        return lambda f: lambda x: f(x + u)

    moved = tg.jvp(lambda u: shifted(u)(shifted(u)(np.sin))(1.0), 0.0, 1.0)[1]
    np.testing.assert_allclose(moved, 2 * np.cos(1.0), rtol=1e-15)
    within = tg.grad(lambda u: tg.grad(shifted(u)(np.sin))(1.0))(0.0)
    np.testing.assert_allclose(within, -np.sin(1.0), rtol=1e-15)


# --- closures ----------------------------------------------------------------------------------------------------------------


def test_a_value_outside_of_an_inner_function_gets_its_gradient():
    w = Value(3.0)
    total = tg.grad(lambda x: w * x**2)(Value(2.0)) * w  # 2wx·w
    total.backward()
    assert w.grad == 4 * 3.0 * 2.0


def test_a_value_outside_of_the_outermost_function_is_a_constant_and_gets_no_gradient():
    w = Value(3.0)
    assert tg.grad(lambda x: w * x**2)(2.0) == 12.0
    assert w.grad is None


def test_a_step_of_learning_is_differentiated_with_respect_to_its_rate():
    """d/dη L(θ − η·L'(θ)) = −L'(θ − η·L'(θ))·L'(θ)."""

    def loss(theta):
        return 0.5 * (8.0 - 2.0 * theta) ** 2

    after = tg.grad(lambda eta: loss(3.0 - eta * tg.grad(loss)(3.0)))(0.1)
    assert after == pytest.approx(-(2.0 * (2.0 * 3.4 - 8.0)) * -4.0, rel=1e-14)


def test_a_pullback_may_be_differentiated_with_respect_to_its_cotangent():
    _, pullback = tg.vjp(lambda x: x**3, 2.0)
    assert tg.grad(lambda u: pullback(u)[0] ** 2)(5.0) == 2 * 12.0**2 * 5.0
    assert isinstance(pullback(Value(1.0))[0], Value)
    assert type(pullback(Value(1.0, requires_grad=False))[0]) is np.float64
    with tg.no_grad():
        assert type(pullback(Value(1.0))[0]) is np.float64


def test_a_linearization_may_be_differentiated_with_respect_to_its_tangent():
    _, push_forward = tg.linearize(np.sin, np.array([0.0, 1.0]))
    np.testing.assert_allclose(tg.jacobian(push_forward)(np.ones(2)), np.diag(np.cos([0.0, 1.0])), rtol=1e-15)


def test_a_pullback_that_leaves_its_derivative_can_still_be_used():
    kept = []
    tg.grad(lambda x: kept.append(tg.vjp(lambda y: x * y**2, 3.0)[1]) or x**2)(2.0)
    gradient = kept[0](1.0)[0]
    assert isinstance(gradient, Value)
    assert float(gradient) == 12.0


# --- constants and the user's own operations ---------------------------------------------------------------------------------


def test_stop_gradient_makes_a_constant_at_every_order():
    assert tg.grad(lambda x: tg.stop_gradient(x) * x)(3.0) == 3.0
    assert tg.grad(tg.grad(lambda x: tg.stop_gradient(x**2) * x**2))(3.0) == 18.0
    assert tg.jvp(lambda x: tg.stop_gradient(x) * x, 3.0, 2.0) == (9.0, 6.0)
    assert tg.grad(lambda x: x * tg.grad(lambda y: tg.stop_gradient(x) * y**2)(1.0))(3.0) == 6.0


cube = tg.primitive(lambda x: x**3, lambda g, out, x: g * 3 * x**2, name="cube")


@pytest.mark.parametrize("slope", SLOPES)
def test_a_users_operation_is_differentiated_again_through_its_rule(slope):
    assert (slope(cube)(2.0), slope(slope(cube))(2.0), slope(slope(slope(cube)))(2.0)) == (12.0, 12.0, 6.0)


def test_a_rule_may_itself_be_a_derivative():
    fourth = tg.primitive(lambda x: x**4, lambda g, out, x: g * tg.grad(lambda y: y**4)(x), name="fourth")
    assert (tg.grad(fourth)(2.0), tg.grad(tg.grad(fourth))(2.0)) == (32.0, 48.0)


def test_a_users_operation_takes_parameters_and_inputs_without_a_derivative():
    pick = tg.primitive(
        lambda x, mask, scale: np.where(mask, x * scale, 0.0),
        lambda g, out, x, mask, scale: np.where(mask, g * scale, 0.0),
        None,
        name="pick",
    )
    mask = np.array([True, False, True])
    np.testing.assert_array_equal(tg.grad(lambda x: np.sum(pick(x, mask, scale=5.0)))(np.ones(3)), [5.0, 0.0, 5.0])
    np.testing.assert_array_equal(tg.grad(lambda m: np.sum(pick(np.ones(3), m, scale=5.0)))(np.ones(3)), np.zeros(3))
    np.testing.assert_array_equal(pick(np.ones(3), mask, scale=2.0), [2.0, 0.0, 2.0])


def test_the_gradient_of_a_users_operation_is_summed_over_what_broadcasting_repeated():
    plus = tg.primitive(np.add, lambda g, out, a, b: g, lambda g, out, a, b: g, name="plus")
    for_a, for_b = tg.grad(lambda a, b: np.sum(plus(a, b)), (0, 1))(np.ones((2, 1)), np.ones(3))
    np.testing.assert_array_equal(for_a, [[3.0], [3.0]])
    np.testing.assert_array_equal(for_b, [2.0, 2.0, 2.0])


def test_a_rule_that_returns_a_wrong_shape_is_named_at_every_order():
    wrong = tg.primitive(np.sin, lambda g, out, x: np.ones((7, 7)), name="wrong")
    for transform in (tg.grad, tg.hessian):
        with pytest.raises(GradientError, match=r"a rule of 'wrong' returned a gradient of shape \(7, 7\)"):
            transform(lambda x: np.sum(wrong(x)))(np.ones(2))


def test_an_operation_that_fails_is_named():
    join = tg.primitive(lambda a, b: a + b, lambda g, out, a, b: g, lambda g, out, a, b: g, name="join")
    with pytest.raises(ShapeError, match=r"'join' failed on a of shape \(2,\) and b of shape \(3,\)"):
        tg.grad(lambda a, b: np.sum(join(a, b)), (0, 1))(np.ones(2), np.ones(3))


def test_a_user_may_name_an_operation_or_not():
    def halved(x):
        return x / 2

    assert tg.primitive(halved, lambda g, out, x: g / 2).name == "halved"
    assert tg.primitive(halved, lambda g, out, x: g / 2, name="half").name == "half"


@pytest.mark.parametrize(
    "inner",
    [
        lambda f, x: tg.grad(f)(x),
        lambda f, x: tg.value_and_grad(f)(x)[1],
        lambda f, x: tg.jvp(f, x, 1.0)[1],
        lambda f, x: tg.vjp(f, x)[1](1.0)[0],
    ],
    ids=["grad", "value_and_grad", "jvp", "vjp"],
)
@pytest.mark.parametrize("is_chain", [True, False], ids=["one after the other", "side by side"])
def test_many_inner_gradients_cost_no_more_each_than_few(inner, is_chain):
    """The walk back from an inner result stops at what is older than the inner argument."""

    def steps(count):
        def f(x):
            total = x
            for _ in range(count):
                point = total if is_chain else x
                total = total + 0.001 * inner(lambda y, point=point: point * y**2, point)
            return total

        return calls(lambda: tg.grad(f)(0.1))

    few, many = steps(50), steps(400)
    assert many < 8.1 * few


@pytest.mark.parametrize("tree", [list, lambda xs: {f"w{i}": x for i, x in enumerate(xs)}], ids=["list", "dict"])
def test_the_gradient_by_many_parameters_costs_no_more_for_each_than_by_few(tree):
    def work(count):
        parameters = tree([float(i) for i in range(count)])
        gradient = tg.grad(lambda ws: sum(w * w for w in (ws.values() if isinstance(ws, dict) else ws)))
        return calls(lambda: gradient(parameters))

    few, many = work(100), work(1000)
    assert many < 10.1 * few


def test_no_gradient_is_called_after_an_argument_without_a_name_and_no_result_after_a_lambda():
    compiled = tg.compile(lambda x: tg.linearize(lambda z: (z**3, z * z), x)[1](x))
    compiled(2.0)
    assert "d_None" not in compiled.source
    y = tg.Value(2.0)
    assert tg.grad(lambda x: x * y)(tg.Value(3.0)).name == "d_x"
    u = tg.Value(1.0)
    tg.vjp(lambda x: x, tg.Value(2.0))[1](u)
    assert u.name is None
