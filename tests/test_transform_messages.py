"""What transforms say when they are used wrongly, and when they say it."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import DataError, GradientError, ShapeError, TinygradError


def model(x, y=2.0):
    return x * y


def returns_nothing(x):
    x**2


def returns_text(x):
    return {"loss": x, "note": "fine"}


def returns_complex(x):
    return x * 1j


V = np.ones(3)
EVERY = [tg.grad, tg.value_and_grad, tg.jacobian, tg.hessian, tg.elementwise_grad]

WRONG = {
    "an array to differentiate": (
        lambda: tg.grad(model)(V),
        GradientError,
        r"single number, but model returned an array of shape \(3,\)",
    ),
    "what to do instead": (lambda: tg.grad(model)(V), GradientError, r"\.sum\(\) or \.mean\(\)\), or use tg\.jacobian"),
    "a tree to differentiate": (lambda: tg.grad(lambda x: {"a": x})(1.0), GradientError, r"<lambda> returned a dict"),
    "text as argument": (lambda: tg.grad(model)("three"), DataError, r"x cannot be differentiated: .*'three'"),
    "text in a tree": (lambda: tg.grad(model)({"w": [1.0, "a"]}), DataError, r"x\['w'\]\[1\] cannot be differentiated: "),
    "complex argument": (lambda: tg.grad(model)(1 + 2j), DataError, r"x cannot be differentiated: .*complex128"),
    "an object as argument": (lambda: tg.jacobian(model)(object()), DataError, r"x cannot be differentiated: .*dtype object"),
    "second argument": (lambda: tg.grad(model, 1)(1.0, "b"), DataError, r"y cannot be differentiated"),
    "last argument": (lambda: tg.grad(lambda x, y, z=0.0: x, -1)(1.0, "b"), DataError, r"y cannot be differentiated"),
    "too large argnums": (lambda: tg.grad(model, 2)(1.0, 2.0), DataError, r"positional argument 2, but model was called with 2"),
    "too small argnums": (lambda: tg.jacobian(model, -3)(1.0, 2.0), DataError, r"positional argument -3, but model was"),
    "by keyword": (lambda: tg.grad(model, 1)(1.0, y=2.0), DataError, r"called with 1 of them\. .* passed by position"),
    "the same twice": (lambda: tg.grad(model, (0, -2))(1.0, 2.0), DataError, r"argnums=\(0, -2\) names an argument of model twice"),
    "text returned": (
        lambda: tg.jacobian(returns_text)(1.0),
        GradientError,
        r"returns_text returned, at result\['note'\], .*'fine'",
    ),
    "complex returned": (lambda: tg.jacobian(returns_complex)(1.0), GradientError, r"returns_complex returned complex.*np\.real"),
    "complex loss": (lambda: tg.grad(returns_complex)(1.0), GradientError, r"returns_complex returned complex"),
    "tangent missing": (
        lambda: tg.jvp(model, (1.0, 2.0), (1.0,)),
        ShapeError,
        r"the tangents should be .* \[0\], \[1\], but is .* \[0\]:",
    ),
    "tangent of wrong shape": (
        lambda: tg.jvp(model, (V,), (np.ones(2),)),
        ShapeError,
        r"tangents\[0\] has shape \(2,\) where shape \(3,\)",
    ),
    "tangent to broadcast": (
        lambda: tg.jvp(model, V, 1.0),
        ShapeError,
        r"the tangents\[0\] has shape \(\) where shape \(3,\) belongs",
    ),
    "list for an array": (lambda: tg.jvp(model, V, [1.0, 1.0, 1.0]), ShapeError, r"\[0\] should be an array, but is a tree with"),
    "array for a tree": (lambda: tg.hvp(lambda p: p["w"] ** 2, {"w": 1.0}, 1.0), ShapeError, r"parts \['w'\], but is an array"),
    "hvp's tangents": (lambda: tg.hvp(np.sum, V, np.ones(2)), ShapeError, r"the tangents\[0\] has shape \(2,\) where shape \(3,\)"),
    "other keys": (
        lambda: tg.vjp(lambda x: {"a": x}, 1.0)[1]({"b": 1.0}),
        ShapeError,
        r"the cotangent should .* \['a'\], but .* \['b'\]",
    ),
    "no cotangent": (lambda: tg.vjp(model, 1.0)[1](None), ShapeError, r"the cotangent should be an array, but is None or empty"),
    "cotangent of wrong shape": (
        lambda: tg.vjp(model, V)[1](1.0),
        ShapeError,
        r"the cotangent has shape \(\) where shape \(3,\) belongs",
    ),
    "cotangent of text": (lambda: tg.vjp(model, 1.0)[1]("one"), DataError, r"'one'"),
    "cotangent Value of wrong shape": (lambda: tg.vjp(model, V)[1](Value(1.0)), ShapeError, r"the cotangent has shape \(\) where"),
}


@pytest.mark.parametrize(("fails", "error", "message"), WRONG.values(), ids=WRONG)
def test_a_mistake_is_told_with_its_place(fails, error, message):
    with pytest.raises(error, match=message) as caught:
        fails()
    assert isinstance(caught.value, TinygradError)


@pytest.mark.parametrize("transform", EVERY)
def test_a_mistake_in_what_to_differentiate_is_told_when_the_transform_is_made(transform):
    with pytest.raises(DataError, match=rf"tg\.{transform.__name__} takes a function, but got Value\(4\..* f and not f\(x\)"):
        transform(model(Value(2.0)))
    with pytest.raises(DataError, match=r"argnums is the position of an argument or a tuple of positions, but got 'x'"):
        transform(model, "x")
    with pytest.raises(DataError, match=r"argnums is .*, but got \[0, 1\]"):
        transform(model, [0, 1])


@pytest.mark.parametrize("transform", [tg.grad, tg.value_and_grad, tg.jacobian, tg.hessian])
def test_a_forgotten_return_is_told(transform):
    with pytest.raises(GradientError, match=r"returns_nothing returned nothing; is a return missing\?"):
        transform(returns_nothing)(2.0)


@pytest.mark.parametrize("transform", [tg.vjp, tg.linearize, lambda f, x: tg.jvp(f, x, x), lambda f, x: tg.hvp(f, x, x)])
def test_a_forgotten_return_is_told_by_products_too(transform):
    with pytest.raises(GradientError, match=r"returns_nothing returned nothing; is a return missing\?"):
        transform(returns_nothing, 2.0)


@pytest.mark.parametrize("transform", [tg.vjp, tg.linearize, tg.jvp, tg.hvp, tg.checkpoint, tg.compile])
def test_what_is_no_function_is_told_by_the_transform_that_was_given_it(transform):
    arguments = {tg.vjp: (1.0,), tg.linearize: (1.0,), tg.jvp: (1.0, 1.0), tg.hvp: (1.0, 1.0)}.get(transform, ())
    with pytest.raises(DataError, match=rf"^tg\.{transform.__name__} takes a function, but got 3\."):
        transform(3, *arguments)


def test_an_error_of_the_users_own_comes_through_as_it_is():
    with pytest.raises(ZeroDivisionError):
        tg.grad(lambda x: 1 / 0)(1.0)
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        tg.grad(lambda x, y: x)(1.0)


def test_a_complex_value_is_no_argument_to_differentiate_by():
    with pytest.raises(DataError, match="z is complex"):
        tg.grad(lambda z: np.abs(z))(tg.Value(1.0) * 1j)


def test_tangents_beside_a_tuple_of_primals_are_a_tuple():
    for transform in (tg.jvp, tg.hvp):
        with pytest.raises(ShapeError, match=r"a tuple with one entry for each primal, but are 1\.0"):
            transform(lambda x: x**2, (3.0,), 1.0)


def test_an_error_of_the_users_argument_is_not_told_as_one_of_shapes():
    with pytest.raises(DataError, match="no index or count") as raised:
        tg.Value(np.arange(6.0)).reshape(tg.Value(2.0), 3)
    assert "Note that" not in str(raised.value)
