"""What the user called a thing is what the source calls it, and its cotangent is d_ and that."""

import json
import re
import sys
from textwrap import dedent

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.graph.variables import Variables


def statements(compiled):
    """The lines of the function, without the docstring and the return."""
    text = compiled.source
    return dedent(text[text.rindex('"""') + 4 :]).splitlines()[:-1]


def source_of(f, *args):
    compiled = tg.compile(f)
    compiled(*args)
    return statements(compiled)


def test_local_variables_are_what_the_source_calls_them_and_their_cotangents_after_them():
    def loss(W1, b1, W2, X, t):
        z = X @ W1 + b1
        h = np.tanh(z)
        error = h @ W2 - t
        return np.mean(error**2)

    args = np.ones((3, 4)), np.zeros(4), np.ones((4, 2)), np.ones((5, 3)), np.ones((5, 2))
    assert source_of(tg.value_and_grad(loss, argnums=(0, 1, 2)), *args) == [
        "z = X @ W1 + b1  # (5, 4)",
        "h = np.tanh(z)",
        "error = h @ W2 - t  # (5, 2)",
        "loss = np.mean(error ** 2)",
        "d_error = 0.2 * error",
        "d_z = d_error @ W2.T * (1 - h ** 2)",
        "d_W1 = X.T @ d_z",
        "d_b1 = np.sum(d_z, axis=0)",
        "d_W2 = h.T @ d_error",
    ]


def test_a_name_that_is_bound_to_several_things_gets_numbers_and_so_do_their_cotangents():
    def loss(W, h):
        for _ in range(3):
            a = W @ h
            h = np.tanh(a)
        return np.sum(h**2)

    lines = source_of(tg.grad(loss), np.eye(2), np.ones(2))
    assert [line.split(" = ")[0] for line in lines] == ["a", "h_2", "a_2", "h_3", "a_3", "h_4", "d_a_3", "d_a_2", "d_W"]


def test_what_a_method_keeps_on_its_object_is_called_as_there():
    class Model:
        def __init__(self, w):
            self.w = w

        def loss(self, x):
            self.hidden = np.tanh(self.w * x)
            return self.hidden * np.exp(self.hidden)

    def loss(w, x):
        return Model(w).loss(x)

    assert source_of(loss, 1.0, 2.0) == ["hidden = np.tanh(w * x)", "loss = hidden * np.exp(hidden)"]


def test_an_explicit_name_wins_over_a_variable():
    def loss(x):
        y = (x * x).named("square")
        return np.sum(y * np.exp(y))

    assert source_of(loss, np.ones(2))[0] == "square = x ** 2"


def test_the_variable_of_the_caller_wins_over_that_of_the_function_called():
    def layer(x):
        inner = np.tanh(x)
        return inner  # noqa: RET504 (it is the variable that is tested)

    def loss(x):
        hidden = layer(2 * x)
        return np.sum(hidden * hidden)

    assert source_of(loss, np.ones(2)) == ["hidden = np.tanh(2 * x)", "loss = np.sum(hidden ** 2)"]


def test_the_parameter_of_a_function_names_what_has_no_better_name_and_needs_one():
    def squared(logits):
        return logits * np.exp(logits)

    assert source_of(lambda x: squared(np.sin(x)), 1.0) == ["logits = np.sin(x)", "squared = logits * np.exp(logits)"]


def test_a_variable_that_is_called_as_a_cotangent_keeps_its_name():
    def loss(h, w):
        d_h = np.tanh(h * w)
        return d_h**2 * h

    lines = source_of(tg.grad(loss, argnums=(0, 1)), 1.0, 2.0)
    assert lines[0] == "d_h = np.tanh(h * w)"
    assert len({line.split(" = ")[0] for line in lines}) == len(lines)


@pytest.mark.parametrize("name", ["np", "print", "abs", "jax", "ﬁ", "range", "slice", "_tg_choose", "loss"])
def test_a_variable_of_any_name_hides_nothing_that_the_source_needs(name):
    scope = {"numpy": np}
    exec(f"def loss(x):\n    {name} = x * x\n    return numpy.sum(numpy.abs({name} * numpy.exp({name})))", scope)
    x = np.array([0.5, 1.0])
    value, gradient = tg.value_and_grad(scope["loss"])(x)
    step = tg.compile(tg.value_and_grad(scope["loss"]))
    assert step(x)[0] == pytest.approx(value, rel=1e-14)
    pasted: dict = {}
    exec(step.source, pasted)
    np.testing.assert_allclose(pasted["loss"](x)[1], gradient, rtol=1e-14)


def test_an_attention_head_is_written_as_on_the_board():
    def attention(Wq, Wk, Wv, X, T):
        Q, K, V = X @ Wq, X @ Wk, X @ Wv
        A = tg.softmax(Q @ K.T / 2.0, axis=-1)
        error = A @ V - T
        return np.mean(error**2)

    rng = np.random.default_rng(0)
    args = [rng.normal(size=shape) for shape in [(6, 4), (6, 4), (6, 4), (5, 6), (5, 4)]]
    gradient = tg.grad(attention, argnums=(0, 1, 2))
    compiled = tg.compile(gradient)
    for found, expected in zip(compiled(*args), gradient(*args), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)
    assert [line.split("  #")[0] for line in statements(compiled)] == [
        "Q = X @ Wq",
        "K = X @ Wk",
        "A = softmax(Q @ K.T / 2.0)",
        "V = X @ Wv",
        "error = A @ V - T",
        "d_error = 0.1 * error",
        "d_A = d_error @ V.T",
        "d_product = A * (d_A - np.sum(d_A * A, axis=1, keepdims=True)) / 2.0",
        "d_Wq = X.T @ (d_product @ K)",
        "d_Wk = X.T @ (d_product.T @ Q)",
        "d_Wv = X.T @ (A.T @ d_error)",
    ]


def test_a_long_function_of_many_variables_is_recorded_in_proportion_to_its_length(monkeypatch):
    lines = [f"    v{i + 1} = v{i} * 1.001 + np.sin(v{max(0, i - 1)})" for i in range(600)]
    scope = {"np": np}
    exec("\n".join(["def f(v0):", *lines, "    return v600"]), scope)
    looked = []

    class Counted(Variables):
        def note(self, serial, name, depth):
            looked.append(name)
            super().note(serial, name, depth)

    monkeypatch.setattr("tinygrad_edu.compiler.tracing.Variables", Counted)
    tg.compile(scope["f"])(0.5)
    assert sorted(looked) == sorted(f"v{i}" for i in range(1, 601))


# --- the trace function -----------------------------------------------------------------------------------------------------------


def test_the_trace_function_that_was_there_goes_on_and_is_there_afterwards():
    seen = []

    def tracer(frame, event, arg):
        if frame.f_code is loss.__code__:
            seen.append(event)
        return tracer

    def loss(x):
        y = x * x
        return y  # noqa: RET504 (it is the variable that is tested)

    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        lines = source_of(loss, 2.0)
        after = sys.gettrace()
    finally:
        sys.settrace(before)
    assert after is tracer
    assert lines == ["y = x ** 2"]
    assert seen[:4] == ["call", "line", "line", "return"]


def test_there_is_no_trace_function_afterwards_also_after_an_error():
    def broken(x):
        y = x * x
        raise KeyError(y.shape)

    before = sys.gettrace()
    with pytest.raises(KeyError):
        tg.compile(broken)(2.0)
    assert sys.gettrace() is before


def test_variables_of_the_package_and_of_numpy_are_not_looked_at():
    with Variables() as variables:
        tg.nn.mean_squared_error(tg.Value([1.0, 2.0]), np.ones(2))
        np.cov(np.ones((2, 3)))
    assert variables.bound == variables.passed == variables.returned == {}


# --- in explanations and pictures -------------------------------------------------------------------------------------------------


def test_an_explanation_and_a_picture_call_things_as_the_variables_of_the_caller():
    theta, x = tg.Value(3.0), tg.Value(2.0, requires_grad=False)
    y = theta * x
    z = (y + 1.0).named("u")
    loss = z**2
    assert str(tg.explain(loss)).splitlines() == [
        "loss = u² = 49", "u = y + 1 = 7", "y = θ·x = 6", "with θ = 3, x = 2", "",
        "dloss/dθ = dloss/du · du/dy · dy/dθ", "         = 2·u · 1 · x", "         = 14 · 1 · 2", "         = 28",
    ]  # fmt: skip
    assert '[["loss = ' in tg.draw(loss).mermaid
    assert "y = θ·x = 6" in tg.draw(loss).mermaid
    assert y.name is theta.name is None


weight = tg.Value(3.0)


def test_a_global_variable_has_its_name_too_and_a_local_one_comes_first():
    local = weight
    assert str(tg.explain(weight**2)).startswith("L = local² = 9")
    del local
    assert str(tg.explain(weight**2)).startswith("L = weight² = 9")


def test_a_function_explained_at_a_point_has_its_variables():
    def loss(theta, x, t):
        y = theta * x
        residual = t - y
        return 0.5 * residual**2

    assert str(tg.explain(loss, 3.0, 2.0, 8.0)).splitlines()[:3] == [
        "loss = ½residual² = 2", "residual = t − y = 2", "y = θ·x = 6",
    ]  # fmt: skip


def test_a_page_lights_the_line_of_the_users_function_beside_that_of_the_gradient():
    def loss(theta, x, t):
        y = theta * x
        residual = t - y
        return 0.5 * residual**2

    facts = page_data(tg.explain(loss, 3.0, 2.0, 8.0).to_html())
    assert facts["written"][0] == "def loss(theta, x, t):"

    def lit(kinds):
        steps = [step for step in facts["steps"] if step["kind"] in kinds]
        return [(facts["written"][step["writtenLine"]].strip(), facts["source"][step["line"]].strip()) for step in steps]

    forward = lit({"forward"})
    assert forward[:2] == [("y = theta * x", "y = theta * x"), ("residual = t - y", "residual = t - y")]
    assert set(forward[2:]) == {("return 0.5 * residual**2", "loss = 0.5 * residual ** 2")}
    backward = [users for users, _ in lit({"passes"})]
    assert list(dict.fromkeys(backward)) == ["return 0.5 * residual**2", "residual = t - y", "y = theta * x"]
    assert page_data(tg.explain(tg.Value(2.0) ** 2).to_html())["written"] == []


def page_data(html):
    """What the script of a page reads."""
    return json.loads(re.search(r'<script[^>]*type="application/json"[^>]*>(.*?)</script>', html, re.DOTALL)[1])
