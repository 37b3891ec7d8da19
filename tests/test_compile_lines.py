"""Each line of a source tells from which line of the user's function it came, and a derivative from which operation."""

import inspect
from functools import partial

import numpy as np
import pytest

import tinygrad_edu as tg


def activated(a):
    return np.tanh(a)


def network(W1, W2, X, t):
    h = activated(X @ W1)
    y = h @ W2
    error = y - t
    return np.mean(
        error**2
        + 0.1 * error,
    )  # fmt: skip


ARGS = np.ones((3, 4)), np.ones((4, 2)), np.ones((5, 3)), np.ones((5, 2))


def origins(compiled, f):
    """For each line of the source the line of the function that it came from."""
    lines, first = inspect.getsourcelines(f)
    source = compiled.source.splitlines()
    return {source[line - 1].strip().split("  #")[0]: lines[users - first].strip() for line, users in compiled.lines}


@pytest.mark.parametrize("target", ["numpy", "jax"])
def test_each_line_comes_from_one_of_the_function_and_a_derivative_from_that_of_its_operation(target):
    compiled = tg.compile(tg.value_and_grad(network, argnums=(0, 1)), target=target)
    assert compiled.lines == []
    compiled(*ARGS)
    found = origins(compiled, network)
    assert list(found.values()) == [
        "h = activated(X @ W1)", "y = h @ W2", "error = y - t", "return np.mean(",
        "error**2", "h = activated(X @ W1)", "y = h @ W2",
    ]  # fmt: skip
    assert [form.split(" = ")[0] for form in found] == ["h", "y", "error", "network", "d_error", "d_W1", "d_W2"]
    assert [line for line, _ in compiled.lines] == sorted({line for line, _ in compiled.lines})


def test_the_numbers_are_those_of_the_file():
    compiled = tg.compile(network)
    compiled(*ARGS)
    first = network.__code__.co_firstlineno
    assert [users - first for _, users in compiled.lines] == [1, 2, 3, 4]


def test_the_function_behind_a_partial_one_a_method_or_an_object_is_the_users():
    class Model:
        def loss(self, w):
            z = np.exp(w)
            return z * np.sin(z)

        def __call__(self, w):
            z = np.cos(w)
            return z * np.sin(z)

    for f, written in [
        (partial(network, X=ARGS[2], t=ARGS[3]), network),
        (Model().loss, Model.loss),
        (Model(), Model.__call__),
        (tg.hessian(tg.grad(Model().loss)), Model.loss),
    ]:
        compiled = tg.compile(f)
        compiled(*(ARGS[:2] if written is network else (0.5,)))
        lines, _ = inspect.getsourcelines(written)
        assert set(origins(compiled, written).values()) <= {line.strip() for line in lines[1:]}
        assert compiled.lines


def test_what_is_defined_within_the_function_is_a_part_of_it():
    def step(w, x):
        def loss(w):
            return (w * x - 1.0) ** 2

        return w - 0.1 * tg.grad(loss)(w)

    compiled = tg.compile(step)
    compiled(1.0, 2.0)
    assert "return w - 0.1 * tg.grad(loss)(w)" in origins(compiled, step).values()


def test_a_function_that_is_not_written_in_python_has_no_lines():
    compiled = tg.compile(np.tanh)
    compiled(0.5)
    assert compiled.lines == []


def test_the_lines_of_a_rule_of_the_users_are_those_of_the_operation():
    cube = tg.primitive(lambda x: x**3, lambda g, out, x: g * 3 * x**2, name="cube")

    def loss(x):
        y = np.sin(x)
        z = cube(y)
        return np.exp(z)

    compiled = tg.compile(tg.grad(loss))
    compiled(0.5)
    assert origins(compiled, loss).popitem()[1] in ("z = cube(y)", "y = np.sin(x)")
    assert {"z = cube(y)", "y = np.sin(x)"} <= set(origins(compiled, loss).values())


def test_the_lines_of_a_loop_come_from_the_lines_of_its_rounds():
    def loss(W, xs):
        h = np.zeros(3)
        total = 0.0
        for x in xs:
            a = W @ h + x
            h = np.tanh(a)
            total = total + np.sum(h**2)
        return total

    compiled = tg.compile(tg.value_and_grad(loss))
    compiled(np.eye(3), np.ones((12, 3)))
    source, ours = compiled.source.splitlines(), loss.__code__.co_firstlineno
    come_from = {source[line - 1].strip().partition("  #")[0]: from_line - ours for line, from_line in compiled.lines}
    assert come_from["a = W @ h[i] + xs[i]" if "a = W @ h[i] + xs[i]" in come_from else "a = W @ h[i] + x"] == 4
    assert come_from["h.append(np.tanh(a))"] == 5
    assert come_from["total += np.sum(power[i])"] == 6
    assert next(at for line, at in come_from.items() if line.startswith("d_a = ")) == 5
    assert next(at for line, at in come_from.items() if line.startswith("d_W += ")) == 4
