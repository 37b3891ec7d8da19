"""What a loop leaves stays as it was left: nobody adds to a state that a list keeps, and a program may start again."""

import numpy as np
import pytest

import tinygrad_edu as tg

RNG = np.random.default_rng(3)
X, W, H = RNG.normal(size=(12, 3)), 0.5 * RNG.normal(size=(3, 3)), RNG.normal(size=3)


def states(h):
    hs = []
    for i in range(12):
        h = np.tanh(W @ h + X[i])
        hs.append(h)
    return hs


def steps_between(a):
    return tg.grad(lambda a: np.sum(a[1:] * a[:-1]))(a)


def summed_onto_the_last(h):
    hs = states(h)
    s = hs[-1]
    for i in range(12):
        s = s + np.tanh(X[i] * hs[i])
    return s, np.stack(hs)


def summed_onto_one(h):
    hs = states(h)
    s = hs[3]
    for i in range(12):
        s = s + np.tanh(X[i] * hs[i])
    return s, np.stack(hs)


def added_in_place(h):
    hs = states(h)
    return hs[5] + steps_between(h), np.stack(hs)


def gradient_in_place(h):
    hs = states(h)
    return tg.grad(lambda a: np.sum(a[1:] * a[:-1]) + np.sum(a * hs[5]))(h), np.stack(hs)


def some_in_a_list(h):
    hs = states(h)
    return [hs[-1], hs[3], hs[2]]


def alone(compiled, *args):
    """What the source gives that is to be read."""
    scope = {}
    exec(compiled.source, scope)
    return scope[compiled.__name__](*args)


def leaves(tree):
    return list(tree) if isinstance(tree, list | tuple) else [tree]


@pytest.mark.parametrize("f", [summed_onto_the_last, summed_onto_one, added_in_place, gradient_in_place, some_in_a_list])
def test_a_state_in_a_list_is_not_added_to(f):
    compiled = tg.compile(f)
    expected = f(H)
    for got in (compiled(H), compiled(H), alone(compiled, H)):
        for ours, theirs in zip(leaves(got), leaves(expected), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_an_array_without_axes_is_not_added_to():
    def f(x, a, b):
        h = np.where(a > 0, a, b)
        s = h
        for i in range(25):
            s = s + np.tanh(x[i])
        return s, h * 2, h

    x = RNG.normal(size=25)
    compiled = tg.compile(f)
    expected = f(x, 1.5, 2.5)
    for got in (compiled(x, 1.5, 2.5), alone(compiled, x, 1.5, 2.5)):
        np.testing.assert_allclose(got, expected, rtol=1e-13)
    start = np.array(2.0)
    summed = tg.compile(lambda x, s: sum((np.tanh(x[i]) for i in range(25)), start=s))
    summed(x, 2.0)
    scope = {}
    exec(summed.source, scope)
    scope["function"](x, start)
    assert start == 2.0


def test_a_program_that_starts_again_after_a_division_by_zero_has_its_arguments():
    def f(x, y, h):
        for _ in range(30):
            h = np.sin(h) * 0.9 + 0.3
            x = x - 1.0
            y = 1 / (y * y / x + 1)
        return h * y

    with np.errstate(divide="ignore"):
        expected = f(np.float64(4.0), np.float64(1.0), H)
        np.testing.assert_allclose(tg.compile(f)(4.0, 1.0, H), expected, rtol=1e-13)


def test_a_parameter_of_an_operation_of_ones_own_may_be_called_index():
    def scaled_vjp(g, out, x, index):
        return g * index * (1 - np.tanh(x) ** 2)

    scaled = tg.primitive(lambda x, index: np.tanh(x) * index, scaled_vjp, name="scaled")

    def f(h):
        for i in range(12):
            h = np.sin(scaled(h, index=i + 1)) + X[i]
        return np.sum(h)

    np.testing.assert_allclose(tg.compile(tg.grad(f))(H), tg.grad(f)(H), rtol=1e-10)


def test_whole_numbers_of_any_length_are_gone_through():
    def f(r):
        for c in (10**30, 3, 10**25, 7, 2**63, 5, 10**20, 11, 2**70, 13):
            r = np.tanh(r) * c
            r = np.log(r * r + 1)
        return r

    assert tg.compile(f)(0.5) == pytest.approx(f(0.5), rel=1e-12)


def test_names_that_a_program_for_jax_needs_may_be_parameters():
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)

    def f(carried, one_round, h):
        for i in range(12):
            h = np.sin(np.tanh(carried @ h + one_round[i]))
        return h

    np.testing.assert_allclose(tg.compile(f, target="jax")(W, X, H), f(W, X, H), rtol=1e-12)


def test_on_jax_the_number_of_a_round_gives_way_to_small_whole_numbers():
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    small = RNG.integers(0, 250, size=(12, 3)).astype(np.uint8)

    def f(x, h):
        for i in range(12):
            h = np.tanh(h + (x[i] * (i + 3)) * 0.01)
            h = np.sin(h)
        return h

    np.testing.assert_allclose(tg.compile(f, target="jax")(small, H), f(small, H), rtol=1e-12)


@pytest.mark.parametrize("keys", [range(12), ["my b"] * 12])
def test_the_source_takes_the_arguments_that_the_function_takes(keys):
    def f(layers, h):
        for key in sorted(layers):
            h = np.tanh(layers[key]["W"] @ h + layers[key]["my b"])
        return h

    layers = {number: {"W": RNG.normal(size=(3, 3)), "my b": RNG.normal(size=3)} for number in range(12)}
    compiled = tg.compile(f)
    np.testing.assert_allclose(compiled(layers, H), f(layers, H), rtol=1e-12)
    plain = {number: {"W": layer["W"], "b": layer["my b"]} for number, layer in layers.items()}

    def g(layers, h):
        for key in range(12):
            h = np.tanh(layers[key]["W"] @ h + layers[key]["b"])
        return h

    compiled = tg.compile(g)
    np.testing.assert_allclose(compiled(plain, H), g(plain, H), rtol=1e-12)
    np.testing.assert_allclose(alone(compiled, plain, H), g(plain, H), rtol=1e-12)
