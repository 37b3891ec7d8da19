"""A user's own operations in compiled functions: each is itself, whatever it is called, and whatever others are called."""

import numpy as np
import pytest

import tinygrad_edu as tg


def times(number, name):
    """An operation x ↦ number · x."""
    return tg.primitive(lambda x: number * x, lambda g, out, x: number * g, name=name)


NAMES_OF_THE_TABLE = [
    "relu",
    "add",
    "broadcast_to",
    "sum",
    "index",
    "scatter",
    "stop_gradient",
    "argument",
    "cast",
    "sigmoid",
    "where",
]


@pytest.mark.parametrize("name", [*NAMES_OF_THE_TABLE, "np", "x", "range", "float", "three_x"])
def test_an_operation_that_is_called_like_another_thing_is_itself(name):
    triple = times(3.0, name)
    step = tg.compile(tg.value_and_grad(lambda x: np.sum(triple(x) * triple(x))))
    x = np.array([1.0, -2.0])
    value, gradient = step(x)
    assert value == 45.0
    np.testing.assert_array_equal(gradient, 18 * x)


def test_it_stands_beside_the_packages_operation_of_the_same_name():
    ours, mine = tg.relu, times(3.0, "relu")
    compiled = tg.compile(lambda x: ours(x) + mine(x))
    np.testing.assert_array_equal(compiled(np.array([2.0, -2.0])), [8.0, -6.0])
    mine = times(5.0, "sigmoid")
    compiled = tg.compile(lambda x: tg.sigmoid(x) + mine(x))
    np.testing.assert_allclose(compiled(np.array([0.0, 2.0])), [0.5, 10 + 1 / (1 + np.exp(-2))])


def test_two_operations_of_one_name_stay_two():
    double, triple = times(2.0, "times"), times(3.0, "times")
    compiled = tg.compile(lambda x: double(x) * double(x) + triple(x) * triple(x) - double(x) * triple(x))
    assert compiled(np.array([2.0])).tolist() == [4 * 4 + 6 * 6 - 4 * 6]
    assert tg.compile(lambda x: double(x) + triple(x))(np.array([8.0])).tolist() == [40.0]


def test_two_operations_may_have_helpers_of_one_name(tmp_path, monkeypatch):
    """Each module has a function `scaled` of its own, and a number `FACTOR`."""
    for module, factor in (("one", 2.0), ("two", 3.0)):
        lines = [
            f"FACTOR = {factor}",
            "def scaled(x):",
            "    return FACTOR * x",
            f"def forward_{module}(x):",
            "    return scaled(x)",
        ]
        (tmp_path / f"{module}_of_the_modules.py").write_text("\n".join(lines))
    monkeypatch.syspath_prepend(tmp_path)
    import one_of_the_modules
    import two_of_the_modules

    double = tg.primitive(one_of_the_modules.forward_one, lambda g, out, x: 2.0 * g)
    triple = tg.primitive(two_of_the_modules.forward_two, lambda g, out, x: 3.0 * g)
    for target in ("numpy", "jax"):
        compiled = tg.compile(lambda x: double(x) + triple(x), target=target)
        np.testing.assert_array_equal(compiled(np.array([1.0, 2.0])), [5.0, 10.0])


def test_an_operation_may_be_made_anew_in_each_call():
    def f(x, factor):
        scaled = tg.primitive(np.negative, lambda g, out, x: -g, name="turned")
        other = tg.primitive(lambda x: 2.0 * x, lambda g, out, x: 2.0 * g)
        return np.sum(scaled(x) * other(x) * factor)

    assert tg.compile(tg.grad(f))(np.array([1.0, 3.0]), 0.5).tolist() == [-2.0, -6.0]


def test_a_single_number_of_an_operations_own_is_a_number():
    for give in (lambda x: np.asarray(2.0 * x), lambda x: float(2.0 * x)):
        own = tg.primitive(give, lambda g, out, x: 2.0 * g, name="own")
        result = tg.compile(lambda x, own=own: own(x))(np.float64(1.5))
        assert type(result) is np.float64
        assert result == 3.0
