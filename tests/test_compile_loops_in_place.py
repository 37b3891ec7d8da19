"""What a loop adds to in place is its own: nobody else looks at it, neither the rest of the round nor the caller."""

import numpy as np
import pytest

import tinygrad_edu as tg

ROUNDS = 12
X = np.random.default_rng(0).normal(size=(ROUNDS, 3)) / 2
roughness = tg.grad(lambda x: 0.1 * np.sum((x[1:] - x[:-1]) ** 2))


def turned(x, X):
    for row in X:
        x = x + row[::-1] * x[[1, 0, 2]]
    return np.sum(x**2)


def parts_of_each_other(x, X):
    for row in X:
        x = np.stack([x[1] * row[0], np.sin(x[0]), x[2] * x[1]]) + x / 2
    return np.sum(x**2)


def kept_states(x, X):
    states = []
    for row in X:
        x = np.sin(roughness(x * row))
        states.append(x)
    return np.sum(np.stack(states) ** 2)


def kept_gradients(x, X):
    states = []
    for row in X:
        x = roughness(x + row)
        states.append(np.sin(x))
    return np.sum(np.stack(states) ** 2)


def old_and_new_together(x, X):
    total = 0.0
    for row in X:
        old, x = x, roughness(x + row)
        total = total + np.sum(old * x)
    return total


def heat(u, X):
    for row in X:
        u = np.concatenate([u[:1], u[1:-1] + row[0] * (u[2:] - 2 * u[1:-1] + u[:-2]), u[-1:]])
    return np.sum(u**2)


def heat_padded(u, X):
    for row in X:
        u = u + np.pad(row[0] * (u[2:] - 2 * u[1:-1] + u[:-2]), 1)
    return np.sum(u**2)


def hessian(x, X):
    def last(x):
        for row in X:
            x = np.sin(x) + row * x[::-1]
        return np.sum(x)

    return np.sum(tg.hessian(last)(x) ** 2)


@pytest.mark.parametrize(
    "function",
    [turned, parts_of_each_other, kept_states, kept_gradients, old_and_new_together, heat, heat_padded, hessian],
)
def test_a_sum_is_not_built_up_where_the_old_state_is_still_looked_at(function):
    x = np.array([0.3, 0.5, 0.2])
    step = tg.value_and_grad(function, argnums=(0, 1))
    value, gradients = tg.compile(step)(x, X)
    expected, expected_gradients = step(x, X)
    np.testing.assert_allclose(value, expected, rtol=1e-12)
    for gradient, wanted in zip(gradients, expected_gradients, strict=True):
        np.testing.assert_allclose(gradient, wanted, rtol=1e-11, atol=1e-13 * np.max(np.abs(wanted)))


def moved(place, v, X):
    for row in X:
        v = v + row
        place = place + v
    return place, v, v, (place, X[0])


def numbers(s, w):
    total = s
    for i in range(30):
        total = total + w * i
    return total, s, total


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (moved, (np.ones(3), np.zeros(3), X)),
        (tg.grad(lambda *arguments: np.sum(moved(*arguments)[0] ** 2), argnums=(0, 1, 2)), (np.ones(3), np.zeros(3), X)),
        (numbers, (np.array(1.0), np.array(0.5))),
        (lambda rows: [row * np.sin(row) + np.cos(row) for row in rows], (list(X),)),
        (lambda rows: [rows[0], *(row * np.sin(row) + np.cos(row) for row in rows), *rows], (list(X),)),
    ],
    ids=["states", "gradients", "numbers", "new ones of a list", "a list and new ones"],
)
def test_arguments_stay_as_they_are_and_results_share_no_memory(function, arguments):
    def arrays(tree):
        return [array for part in tree for array in arrays(part)] if isinstance(tree, tuple | list) else [tree]

    def copies(tree):
        return [np.array(array) for array in arrays(tree)]

    compiled = tg.compile(function)
    given = copies(arguments)
    first = compiled(*arguments)
    kept = copies(first)
    for actual, wanted in zip(arrays(first), arrays(function(*arguments)), strict=True):
        np.testing.assert_allclose(actual, wanted, rtol=1e-12)
    memories = [*arrays(first), *arrays(compiled(*arguments)), *arrays(arguments)]
    for number, array in enumerate(memories):
        assert not any(np.shares_memory(array, other) for other in memories[number + 1 :] if isinstance(other, np.ndarray))
    for before, after in ((given, arrays(arguments)), (kept, arrays(first)), (kept, arrays(compiled(*arguments)))):
        for a, b in zip(before, after, strict=True):
            np.testing.assert_array_equal(a, b)
