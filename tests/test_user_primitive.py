"""tg.primitive: what is wrong with a user's own operation is told where it is made or first used."""

import functools
import math

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import DataError, GradientError


def doubled(g, out, x):
    return 2 * g


NOT_MADE = {
    "no function": (lambda: tg.primitive(3, doubled), DataError, "takes a function of arrays, but got 3"),
    "no function, but None": (lambda: tg.primitive(None, doubled), DataError, "takes a function of arrays, but got None"),
    "a rule that is a number": (lambda: tg.primitive(np.sin, 2.0), DataError, r"rule 0 of 'sin' must be a function .* but is 2\.0"),
    "no rules": (lambda: tg.primitive(np.sin), GradientError, "'sin' was given no rules, but its function takes 1 input"),
    "too many rules": (lambda: tg.primitive(np.sin, doubled, doubled), GradientError, "given 2 rules, but its function takes 1"),
    "too many rules for a lambda": (lambda: tg.primitive(lambda x: x, doubled, None), GradientError, "given 2 rules, .* takes 1"),
    "a rule without out": (lambda: tg.primitive(np.sin, lambda g, x: g), GradientError, r"rule 0 of 'sin' takes \(g, x\), but"),
    "a rule without an input": (lambda: tg.primitive(np.add, doubled, doubled), GradientError, "called with g, out and 2 inputs"),
    "a name that is no text": (lambda: tg.primitive(np.sin, doubled, name=3), DataError, "name must be text, but is 3"),
}  # fmt: skip


@pytest.mark.parametrize(("make", "error", "message"), NOT_MADE.values(), ids=NOT_MADE)
def test_a_mistake_in_the_statement_of_an_operation_is_told_when_it_is_made(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_a_rule_that_is_missing_is_told_when_the_operation_is_used():
    product = tg.primitive(lambda x, y: x * y, lambda g, out, x, y=1.0: g * y, name="product")
    for call in (lambda: product(Value(2.0), Value(3.0)), lambda: tg.grad(lambda x: product(x, x))(2.0), lambda: product(2.0, 3.0)):
        with pytest.raises(GradientError, match="'product' has 1 rule, but was called with 2 inputs"):
            call()
    with pytest.raises(GradientError, match="'product' was given a Value as y="):
        product(Value(2.0), y=Value(3.0))
    plus = tg.primitive(lambda x, y=0.0: x + y, lambda g, out, x, y: g, lambda g, out, x, y: g, name="plus")
    with pytest.raises(GradientError, match="'plus' has 2 rules, but was called with 1 inputs"):
        plus(Value(2.0))


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        ((1.0, 2.0), "a tuple"), ([1.0, 2.0], "a list"), (3, "3, a"), (None, "a NoneType"), (True, "a bool"), ("1", "a str"),
        ({"a": 1.0}, "a dict"), (np.array([1, 2]), "dtype int64"), (np.int32(1), "dtype int32"), (np.array([None]), "dtype object"),
        (np.array(["a"]), "dtype <U1"), (np.ma.array([1.0, 2.0], mask=[0, 1]), "a MaskedArray"),
    ],
)  # fmt: skip
def test_a_forward_function_that_returns_no_array_is_told_when_it_is_used(returned, message):
    wrong = tg.primitive(lambda x: returned, doubled, name="wrong")
    for use in (wrong, tg.grad(lambda x: np.sum(wrong(x))), tg.compile(tg.grad(lambda x: np.sum(wrong(x))))):
        with pytest.raises(DataError, match=f"(?s)the forward function of 'wrong' returned .*{message}"):
            use(Value([1.0, 2.0]) if use is wrong else np.ones(2))


def test_a_mask_may_come_out_of_an_operation_without_a_derivative():
    positive = tg.primitive(lambda x: x > 0, None, name="positive")
    assert tg.grad(lambda x: np.sum(np.where(positive(x), x**2, 0.0)))(3.0) == 6.0


@pytest.mark.parametrize(
    ("gradient", "message"),
    [
        (None, "None, a NoneType, which is no gradient"), ((1.0,), "a tuple"), ([1.0, 2.0], "a list"), ("1", "a str"),
        (np.array(["a", "b"]), "which is no gradient"), (np.array([None, 1.0]), "which is no gradient"), (10**400, "no gradient"),
        (np.array([1j, 2.0]), "complex gradient, although what it belongs to is real"),
        (np.ma.array([1.0, 2.0], mask=[0, 1]), "a masked array"),
    ],
)  # fmt: skip
def test_a_rule_that_returns_no_gradient_is_told_in_the_backward_pass(gradient, message):
    wrong = tg.primitive(np.sin, lambda g, out, x: gradient, name="wrong")
    x = Value([1.0, 2.0])
    with pytest.raises(GradientError, match=f"a rule of 'wrong' returned .*{message}"):
        wrong(x).sum().backward()
    assert x.grad is None
    for transform in (tg.grad, tg.hessian):
        with pytest.raises(GradientError, match=f"a rule of 'wrong' returned .*{message}"):
            transform(lambda x: np.sum(wrong(x)))(np.ones(2))


def test_a_rule_may_return_a_plain_number_and_of_a_complex_middle_only_the_real_part_counts():
    assert tg.grad(tg.primitive(lambda x: 3 * x, lambda g, out, x: 3, name="thrice"))(2.0) == 3.0
    turned = tg.primitive(lambda z: 1j * z, lambda g, out, z: 1j * g, name="turned")
    assert tg.grad(lambda x: np.imag(turned(x)))(2.0) == 1.0


class Cube:
    def __call__(self, x):
        return x**3


NAMELESS = {
    "lambda": tg.primitive(lambda x: x**3, lambda g, out, x: g * 3 * x**2),
    "partial": tg.primitive(functools.partial(lambda p, x: x**p, 3), lambda g, out, x: g * 3 * x**2),
    "callable object": tg.primitive(Cube(), lambda g, out, x: g * 3 * x**2),
    "two words": tg.primitive(lambda x: x**3, lambda g, out, x: g * 3 * x**2, name="my op"),
    "a keyword": tg.primitive(lambda x: x**3, lambda g, out, x: g * 3 * x**2, name="return"),
    "markup": tg.primitive(lambda x: x**3, lambda g, out, x: g * 3 * x**2, name="<b>&amp;{x}$\\frac"),
    "the name of another": tg.primitive(lambda x: x**3, lambda g, out, x: g * 3 * x**2, name="exp"),
    "the name of NumPy": tg.primitive(lambda x: x**3, lambda g, out, x: g * 3 * x**2, name="np"),
}  # fmt: skip


@pytest.mark.parametrize("cube", NAMELESS.values(), ids=NAMELESS)
def test_an_operation_works_everywhere_whatever_its_name(cube, tmp_path):
    x = Value(2.0, name="x")
    loss = cube(x) + 1.0
    loss.backward()
    assert x.grad == 12.0
    assert tg.grad(cube)(2.0) == 12.0
    assert tg.compile(tg.grad(lambda x: cube(x) * cube(x)))(2.0) == 192.0
    assert tg.compile(lambda x: cube(x))(2.0) == 8.0
    assert tg.compile(tg.grad(lambda x: cube(x)))(2.0) == 12.0
    assert tg.hessian(lambda x: cube(x))(2.0) == 12.0
    explanation = tg.explain(loss)
    assert "dloss/dx" in str(explanation)
    explanation.save(tmp_path / "page.html")
    explanation.save(tmp_path / "page.tex")
    assert (tmp_path / "page.html").stat().st_size > 100
    drawing = tg.draw(loss)
    drawing.save(tmp_path / "picture.dot")
    assert repr(cube).startswith("<primitive ")
    assert math.isclose(cube(2.0), 8.0)


def test_a_forward_function_that_gives_back_an_array_of_the_users_does_not_share_it():
    given = np.array([1.0, 2.0])
    second = tg.primitive(lambda x, y: y, None, lambda g, out, x, y: g, name="second")
    result = second(tg.Value([0.0, 0.0]), given)
    given[0] = 9.0
    assert result.numpy().tolist() == [1.0, 2.0]
