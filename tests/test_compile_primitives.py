"""A user's own operations in compiled functions: each is itself, whatever it is called, and whatever others are called."""

import copy
import functools
from copy import deepcopy

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.errors import ShapeError, TracingError
from tinygrad_edu.primitives.table import TABLE


def times(number, name):
    """An operation x ↦ number · x."""
    return tg.primitive(lambda x: number * x, lambda g, out, x: number * g, name=name)


@pytest.mark.parametrize("name", [*TABLE.entries, "argument", "np", "x", "range", "float", "three_x"])
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


MODULE = """
import enum
import math
import copy

import numpy as np
import numpy as xp
import numpy.linalg as la
from numpy import exp, tanh as squashed

ran = []

class Hostile(float):
    def __repr__(self):
        return "ran.append('ran') or 7.0"

class Size(enum.IntEnum):
    THREE = 3

HOSTILE, BIG, NOT, SIZE, SINGLE, constant, NOTHING = Hostile(2.0), math.inf, math.nan, Size.THREE, np.float32(0.1), 5.0, None
sum = 4.0

def of_hostile(x): return HOSTILE * x
def of_infinity(x): return np.minimum(x, BIG)
def of_nan(x): return np.fmax(x, NOT)
def of_enumeration(x): return SIZE * x
def of_single(x): return SINGLE * x
def of_constant(x): return constant * x
def of_nothing(x): return x if NOTHING is None else -x
def of_numpy(x): return xp.exp(x) * la.norm(xp.ones(4))
def of_functions(x): return exp(x) + squashed(x)
def of_sum(x): return sum * x
def powers(x, n=3): return x if n == 0 else x * powers(x, n - 1)
def even(x, n=3): return x if n == 0 else 2 * odd(x, n - 1)
def odd(x, n=3): return x if n == 0 else 3 * even(x, n - 1)
def function(x): return 9.0 * x
def of_function(x): return function(x)
def typed(*x: Hostile, **options: Hostile) -> Hostile: return 2.0 * x[0]
"""
WITH_A_SOURCE = ["of_infinity", "of_nan", "of_constant", "of_nothing", "of_numpy", "of_functions", "powers", "even", "odd", "typed"]
WITHOUT = ["of_hostile", "of_enumeration", "of_single", "of_sum", "of_function"]


@pytest.fixture
def module(tmp_path, monkeypatch):
    (tmp_path / "module_of_forwards.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    import module_of_forwards

    yield module_of_forwards
    assert module_of_forwards.ran == []


@pytest.mark.parametrize("target", ["numpy", "jax"])
@pytest.mark.parametrize("name", WITH_A_SOURCE + WITHOUT)
@pytest.mark.parametrize("called", [None, "other"])
def test_what_an_operation_finds_by_global_names_is_itself_in_the_source(module, name, called, target):
    forward = getattr(module, name)
    own = tg.primitive(forward, lambda g, out, x: g, name=called)
    x = np.array([0.5, 2.0])
    large = np.linspace(0.1, 1.0, 20)[:, None]  # written in front of the program, as a constant
    compiled = tg.compile(lambda x: own(x) * large, target=target)
    np.testing.assert_allclose(compiled(x), forward(x) * large, rtol=1e-12)
    scope = {} if name in WITH_A_SOURCE else {called or name: forward}
    if target == "numpy" or name in WITH_A_SOURCE:
        exec(compiled.source, scope)
        np.testing.assert_allclose(scope["function"](x), forward(x) * large, rtol=1e-12)


def test_a_constant_of_the_program_is_not_that_of_an_operation(module):
    own = tg.primitive(module.of_constant, lambda g, out, x: 5.0 * g)
    large = [np.linspace(0.1, 1.0, n) for n in (20, 100)]
    for target in ("numpy", "jax"):
        compiled = tg.compile(lambda x: np.sum(own(x) * large[0]) + np.sum(own(x + 1.0) * large[1]), target=target)
        np.testing.assert_allclose(compiled(2.0), 10.0 * large[0].sum() + 15.0 * large[1].sum(), rtol=1e-12)


PARAMETERS = [
    {2, 3},
    frozenset({2.0, 3.0}),
    {"some": {2, 3}, "others": [{2, 3}]},
    bytearray(b"ab"),
    slice(np.array([1, 2]), None),
    -0.0,
]


@pytest.mark.parametrize("param", PARAMETERS, ids=repr)
def test_parameters_without_a_hash_are_compared_by_value(param):
    def forward(x, how):
        assert repr(how) == repr(param)
        return 2.0 * x

    own = tg.primitive(forward, lambda g, out, x, how: 2.0 * g)
    compiled = tg.compile(tg.value_and_grad(lambda x: np.sum(own(x, how=param) * own(x, how=copy.deepcopy(param)))))
    for _ in range(2):
        value, gradient = compiled(np.array([1.0, 3.0]))
        assert (value, gradient.tolist()) == (40.0, [8.0, 24.0])
    assert compiled.source.count("forward(") == 1


@pytest.mark.parametrize("pair", [(0.0, -0.0), (1, True), ({1}, {1.0}), ({1}, {2})])
def test_parameters_that_differ_stay_two(pair):
    own = tg.primitive(lambda x, how: x if repr(how) == repr(pair[0]) else 10.0 * x, lambda g, out, x, how: g)
    assert tg.compile(lambda x: own(x, how=pair[0]) + own(x, how=pair[1]))(1.0) == 11.0


def test_a_parameter_that_cannot_be_compared_is_refused():
    class Options:
        __hash__ = None

    own, options = tg.primitive(lambda x, how: x, lambda g, out, x, how: g, name="own"), Options()
    with pytest.raises(TracingError, match=r"'own' was given a parameter that cannot be compared by value: .* Pass tuples"):
        tg.compile(lambda x: own(x, how=options))(1.0)


def test_a_result_of_another_shape_than_was_recorded_is_an_error():
    positive = tg.primitive(lambda x: x[x > 0], lambda g, out, x: g, name="positive")
    compiled = tg.compile(lambda x: np.mean(positive(x)))
    assert compiled(np.array([1.0, -1.0])) == compiled(np.array([-2.0, 1.0])) == 1.0
    with pytest.raises(ShapeError, match=r"'positive' returned an array of shape \(2,\), but of shape \(1,\) when .* np.where"):
        compiled(np.array([1.0, 3.0]))
    assert compiled(np.array([1.0, 3.0, -1.0])) == 2.0  # recorded anew


def test_an_operation_may_give_several_shapes():
    first = tg.primitive(lambda x, n: x[:n], lambda g, out, x, n: np.pad(g, (0, len(x) - n)), name="first")
    compiled = tg.compile(tg.grad(lambda x: np.sum(first(x, n=1)) + np.sum(first(x, n=2))))
    for _ in range(2):
        assert compiled(np.array([1.0, 3.0, 5.0])).tolist() == [2.0, 1.0, 0.0]


def test_an_operation_that_is_made_in_a_loop_keeps_the_loops_number():
    def f(x):
        total = 0.0
        for k in range(3):
            times = tg.primitive(lambda a: k * a, lambda g, out, a: k * g)  # noqa: B023 (that k changes is the point)
            total = total + times(x)
        return total

    assert tg.compile(f)(3.0) == f(tg.Value(3.0)).item() == 9.0


def test_a_parameter_counts_as_it_was_when_the_operation_was_applied():
    picked = tg.primitive(lambda x, at: x * sum(at), lambda g, out, x, at: g * sum(at))

    def f(x):
        at = [1]
        once = picked(x, at=at)
        at.append(1)
        return once + 10 * picked(x, at=at)

    assert tg.compile(f)(1.0) == 21.0


@pytest.mark.parametrize("held", [0.5, np.array([0.5]), "text", (1, [2.0])])
def test_an_operation_may_be_made_anew_over_things_that_are_made_anew(held):
    def f(x):
        mine = deepcopy(held)
        by_closure = tg.primitive(lambda a: a if mine is None else 2 * a, lambda g, out, a: 2 * g)
        by_default = tg.primitive(lambda a, *, k=mine: 3 * a, lambda g, out, a, *, k=mine: 3 * g)
        by_partial = tg.primitive(functools.partial(lambda k, a: 5 * a, mine), lambda g, out, a: 5 * g)
        return by_closure(x) + by_default(x) + by_partial(x)

    assert tg.compile(f)(1.0) == 10.0


def test_a_forward_may_call_itself():
    def forward(x, depth=3):
        return x if depth == 0 else 2 * forward(x, depth - 1)

    eightfold = tg.primitive(lambda x: forward(x), lambda g, out, x: 8 * g)
    assert tg.compile(tg.grad(lambda x: eightfold(x)))(1.0) == 8.0
