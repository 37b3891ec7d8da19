"""When a program is recorded anew, what it may not depend on, and what it does with Values."""

import copy
import cProfile
import dataclasses
import enum
import functools
import gc
import linecache
import random
import sys
import threading
import traceback
import types
from collections import OrderedDict, defaultdict, deque
from typing import NamedTuple

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.errors import DataError, TracingError, UnsupportedError


class Counted:
    """A function that counts how often it is run."""

    def __init__(self, f):
        self.f, self.runs = f, 0
        self.__name__ = "counted"
        self.__wrapped__ = f

    def __call__(self, *args, **kwargs):
        self.runs += 1
        return self.f(*args, **kwargs)


def recordings(calls, f, **options):
    """How often the function is recorded in the course of calls."""
    counted = Counted(f)
    compiled = tg.compile(counted, **options)
    found = []
    for args in calls:
        compiled(*args)
        found.append(counted.runs // 2)  # each recording runs it twice
    return found


# --- what is recorded anew ---------------------------------------------------------------------------------------------------


def test_other_numbers_of_the_same_kind_record_nothing_anew():
    def step(w, x, learning_rate):
        return w - learning_rate * tg.grad(lambda w: np.sum((w * x) ** 2))(w)

    x = np.ones(3)
    assert recordings([(x, x, 0.1), (2 * x, x, 0.2), (x, 3 * x, 1e-3)], step) == [1, 1, 1]


def test_another_shape_dtype_or_structure_is_recorded_anew_and_then_known():
    x = np.ones(3)
    calls = [(x,), (np.ones(4),), (np.ones(3, np.float32),), ([x],), ({"x": x},), (1.0,), (1,), (np.float64(1.0),)]
    assert recordings(calls + calls, lambda x: x) == [1, 2, 3, 4, 5, 6, 7, 8] + [8] * 8


def test_text_booleans_none_and_functions_are_part_of_the_program():
    def f(x, kind, flag, g):
        return g(x) * (2 if flag else 3) + (0 if kind == "plain" else 1)

    calls = [
        (1.0, "plain", True, np.sin),
        (1.0, "other", True, np.sin),
        (1.0, "other", False, np.sin),
        (1.0, "other", False, np.cos),
    ]
    assert recordings(calls + calls, f) == [1, 2, 3, 4, 4, 4, 4, 4]
    compiled = tg.compile(f)
    for args in calls + calls[::-1]:
        assert compiled(*args) == pytest.approx(f(*args), rel=1e-15)


def test_a_static_argument_is_part_of_the_program_by_value():
    def power(x, n):
        result = 1.0
        for _ in range(n):
            result = result * x
        return result

    assert recordings([(2.0, 3), (3.0, 3), (2.0, 4), (2.0, 3)], power, static=("n",)) == [1, 1, 2, 2]
    compiled = tg.compile(power, static=("n",))
    assert (compiled(2.0, 3), compiled(2.0, 4), compiled(3.0, 3), compiled(3.0, n=2)) == (8.0, 16.0, 27.0, 9.0)


def test_static_must_name_a_parameter():
    with pytest.raises(DataError, match="'m', but the parameters of f are x, n"):
        tg.compile(lambda_named_f, static=("m",))


def lambda_named_f(x, n):
    return x * n


lambda_named_f.__name__ = "f"


# --- arguments and results ---------------------------------------------------------------------------------------------------


class Pair(NamedTuple):
    first: object
    second: object


@dataclasses.dataclass
class Parameters:
    w: object
    b: object


def test_trees_of_every_kind_come_in_and_go_out():
    def f(pair, parameters, rest):
        return (
            Pair(pair.second, pair.first * 2),
            Parameters(parameters.b, [parameters.w, None]),
            {"rest": (rest[0] + 1,), "text": "t"},
        )

    x = np.arange(3.0)
    args = Pair(x, 2.0), Parameters(x + 1, 3.0), [x]
    compiled = tg.compile(f)
    for _ in range(2):
        pair, parameters, rest = compiled(*args)
        assert type(pair) is Pair
        assert pair.first == 2.0
        np.testing.assert_array_equal(pair.second, 2 * x)
        assert type(parameters) is Parameters
        assert parameters.b[1] is None
        np.testing.assert_array_equal(parameters.b[0], x + 1)
        assert rest["text"] == "t"
        np.testing.assert_array_equal(rest["rest"][0], x + 1)


def test_defaults_keywords_and_any_number_of_arguments_work_as_in_the_function_itself():
    def f(x, y=2.0, *rest, scale=3.0, **more):
        return x + y * scale + sum(rest) + sum(more.values())

    compiled = tg.compile(f)
    assert compiled(1.0) == 7.0
    assert compiled(1.0, 1.0, 5.0, 6.0, scale=2.0, z=10.0) == 24.0
    assert compiled(y=4.0, x=1.0) == 13.0
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        compiled()


def test_python_numbers_give_python_numbers_and_division_by_zero_is_that_of_numpy():
    compiled = tg.compile(lambda x, y: x / y)
    assert type(compiled(1.0, 2.0)) is float
    with np.errstate(divide="ignore"):
        assert compiled(1.0, 0.0) == np.inf
    squared = tg.compile(lambda x: x**2)
    assert squared(3.0) == 9.0
    with np.errstate(over="ignore"):
        assert squared(1e300) == np.inf
    with np.errstate(invalid="ignore"):
        assert np.isnan(tg.compile(lambda x: x**0.5)(-1.0))


def test_integers_choose_elements_and_booleans_mask():
    def loss(logits, labels, mask):
        picked = logits[np.arange(3), labels]
        return np.sum(np.where(mask, picked, 0.0))

    logits, labels = np.arange(12.0).reshape(3, 4), np.array([1, 0, 3])
    compiled = tg.compile(tg.value_and_grad(loss))
    for labels in (np.array([1, 0, 3]), np.array([2, 2, 2])):
        value, gradient = compiled(logits, labels, np.array([True, False, True]))
        assert value == logits[0, labels[0]] + logits[2, labels[2]]
        expected = np.zeros((3, 4))
        expected[[0, 2], labels[[0, 2]]] = 1
        np.testing.assert_array_equal(gradient, expected)


def test_a_single_precision_program_stays_in_single_precision():
    def step(w, x, learning_rate):
        return w - learning_rate * tg.grad(lambda w: np.mean((w * x) ** 2))(w)

    single = np.ones(3, np.float32)
    assert tg.compile(step)(single, single, 0.1).dtype == np.float32


def test_what_is_no_number_no_array_and_not_static_is_refused_by_its_path():
    with pytest.raises(DataError, match=r"x\['when'\] is neither .* but object"):
        tg.compile(lambda x: x)({"when": object()})


@pytest.mark.parametrize("loss", [tg.nn.losses.hinge, tg.nn.losses.perceptron_criterion, tg.nn.losses.half_squared_error])
def test_the_losses_of_the_package_can_be_compiled(loss):
    gradient = tg.value_and_grad(lambda logits, target: loss(logits, target, reduction="sum"))
    compiled = tg.compile(gradient)
    for logits in (np.array([0.5, -2.0, 3.0]), np.array([-0.5, 2.0, 1.0])):
        value, slope = compiled(logits, np.ones(3))
        expected, expected_slope = gradient(logits, np.ones(3))
        np.testing.assert_allclose(value, expected, rtol=1e-14)
        np.testing.assert_allclose(slope, expected_slope, rtol=1e-14)


# --- Values ------------------------------------------------------------------------------------------------------------------


def test_a_value_from_outside_is_read_anew_at_each_call():
    w, data = tg.Value([1.0, 2.0], name="w"), tg.Value([1.0, 1.0], requires_grad=False)
    compiled = tg.compile(lambda x: np.sum(w * x) + np.sum(data * 2.0))
    assert compiled(np.ones(2)) == 7.0
    w.data = [3.0, 4.0]
    data.data[0] = 5.0
    assert compiled(np.ones(2)) == 7.0 + 12.0
    assert "def function(x, w, outside):" in compiled.source


def test_given_values_the_function_itself_is_called_so_that_the_gradient_passes():
    compiled = tg.compile(lambda x: np.sin(x) * 2)
    x = tg.Value(0.5)
    compiled(x).backward()
    np.testing.assert_allclose(x.grad, 2 * np.cos(0.5), rtol=1e-15)
    np.testing.assert_allclose(tg.grad(compiled)(0.5), 2 * np.cos(0.5), rtol=1e-15)


def test_a_compiled_function_may_be_used_in_another():
    inner = tg.compile(lambda x: x**2)
    outer = tg.compile(tg.grad(lambda x: inner(x) * 3))
    assert outer(2.0) == 12.0
    assert outer(3.0) == 18.0


def test_what_is_computed_without_gradients_has_none():
    def f(x):
        with tg.no_grad():
            y = x * x
        return x * y

    compiled = tg.compile(tg.value_and_grad(f))
    assert compiled(3.0) == tg.value_and_grad(f)(3.0) == (27.0, 9.0)
    assert compiled(2.0) == (8.0, 4.0)


def test_detach_gives_a_constant_of_the_gradient_and_not_of_the_program():
    compiled = tg.compile(tg.value_and_grad(lambda x: x * x.detach()))
    assert compiled(3.0) == (9.0, 3.0)
    assert compiled(2.0) == (4.0, 2.0)


def test_a_checkpointed_function_is_recorded_like_any_other():
    compiled = tg.compile(tg.value_and_grad(tg.checkpoint(lambda x: np.sin(x) * x)))
    assert compiled(1.0) == pytest.approx(tg.value_and_grad(lambda x: np.sin(x) * x)(1.0), rel=1e-15)
    assert compiled(2.0) == pytest.approx(tg.value_and_grad(lambda x: np.sin(x) * x)(2.0), rel=1e-15)


# --- what is refused ---------------------------------------------------------------------------------------------------------


def branching(x):
    return x if x > 0 else -x


def looping(n):
    return sum(float(k) for k in range(n))


REFUSED = [
    (branching, (1.0,), r"np\.where\(condition, a, b\).*", "return x if x > 0 else -x"),
    (looping, (3,), r"static=\('n',\)", "for k in range(n)"),
    (lambda x: x * float(x), (1.0,), "float", "x * float(x)"),
    (lambda x: x.item() * 2, (np.float64(1.0),), "item", "x.item() * 2"),
    (lambda x: x + x.data, (np.ones(2),), r"\.data", "x + x.data"),
    (lambda x: x + x.numpy(), (np.ones(2),), r"\.numpy", "x + x.numpy()"),
    (lambda x: x + x.tolist()[0], (np.ones(2),), r"\.tolist", "x.tolist()[0]"),
    (lambda x: x + np.asarray(x), (np.ones(2),), r"np\.asarray", "np.asarray(x)"),
    (lambda x: x if np.allclose(x, 1.0) else 2 * x, (np.ones(2),), r"np\.allclose", "np.allclose(x, 1.0)"),
]


@pytest.mark.parametrize(("f", "args", "message", "line"), REFUSED, ids=[line for *_, line in REFUSED])
def test_what_would_depend_on_the_numbers_is_refused_by_name_and_line(f, args, message, line):
    with pytest.raises(TracingError, match=message) as refused:
        tg.compile(f)(*args)
    assert line in str(refused.value)
    assert "test_compile_calls.py" in str(refused.value)


def test_backward_in_a_compiled_function_is_refused_with_the_transform_to_use():
    w = tg.Value(2.0)

    def step(x):
        (w * x).backward()
        return w.grad

    with pytest.raises(TracingError, match=r"tg\.value_and_grad"):
        tg.compile(step)(3.0)
    assert w.grad is None


def test_randomness_is_refused_with_advice():
    rng = np.random.default_rng()
    for noise in (np.random.normal, rng.normal, lambda size: np.random.default_rng().normal(size=size)):
        with pytest.raises(TracingError, match="draw the random numbers outside"):
            tg.compile(lambda x, noise=noise: x + noise(size=2), static=("noise",))(np.ones(2))


def test_a_mask_as_an_index_is_refused_since_it_would_decide_on_the_shape():
    with pytest.raises(UnsupportedError, match=r"np\.where\(mask, x, 0\.0\)"):
        tg.compile(lambda x: np.sum(x[x > 0]))(np.ones(2))


def test_an_unknown_target_is_refused():
    with pytest.raises(DataError, match="target must be one of 'numpy'"):
        tg.compile(np.sin, target="fortran")


# --- arguments that resemble one another -------------------------------------------------------------------------------------


def test_the_order_and_the_names_of_a_dict_are_part_of_its_structure():
    in_order = tg.compile(lambda p: sum((i + 1) * v for i, v in enumerate(p.values())))
    assert in_order({"a": 1.0, "b": 2.0}) == 5.0
    assert in_order({"b": 2.0, "a": 1.0}) == 4.0
    by_name = tg.compile(lambda p: p["x"] if "a" in p else -p["x"])
    assert by_name({"a": None, "x": 1.0}) == 1.0
    assert by_name({"b": None, "x": 1.0}) == -1.0
    assert by_name({"a": None, "x": 2.0}) == 2.0
    of_a_subclass = tg.compile(lambda p: p["a"] if "a" in p else -p["b"])
    assert of_a_subclass(OrderedDict(a=1.0)) == 1.0
    assert of_a_subclass(OrderedDict(b=1.0)) == -1.0


def test_parts_of_an_argument_do_not_take_the_name_of_another_argument():
    compiled = tg.compile(lambda params, params_w: params["w"] * 10 + params_w)
    assert [compiled({"w": 1.0}, 2.0) for _ in range(3)] == [12.0] * 3
    compiled = tg.compile(lambda x, x_0: x[0] * 10 + x_0)
    assert [compiled([1.0], 2.0) for _ in range(3)] == [12.0] * 3


def test_parameters_keep_their_names_whatever_they_are():
    def f(sum, input, type, len, lambda_):
        return sum * input - type * len + lambda_

    compiled = tg.compile(f)
    assert [compiled(1.0, 2.0, 3.0, 4.0, 5.0) for _ in range(2)] == [-5.0] * 2
    assert "def f(sum, input, type, len, lambda_):" in compiled.source


def test_parameters_may_be_called_like_what_a_program_needs():
    def blocks(slice, x):
        return np.sum(np.exp(x) * slice)

    x = np.linspace(0.0, 1.0, 40000)
    compiled = tg.compile(blocks)
    for _ in range(2):
        np.testing.assert_allclose(compiled(2.0, x), blocks(2.0, x))

    def helper(sigmoid, range, type, _choose):
        return tg.sigmoid(sigmoid) + range * type - _choose

    compiled = tg.compile(helper)
    assert [compiled(0.0, 2.0, 3.0, 4.0) for _ in range(2)] == [2.5] * 2
    named = tg.compile(lambda x: (2 * x).named("_tg_type") * (x + 1).named("_tg_like_11"))
    assert [named(1.0), named(2.0)] == [4.0, 12.0]


def test_a_function_called_constant_has_a_source_that_runs_alone():
    def constant(x):
        return np.sum(x * np.linspace(0.0, 1.0, 21))

    compiled = tg.compile(constant)
    scope = {}
    assert compiled(2.0) == pytest.approx(21.0)
    exec(compiled.source, scope)
    assert scope["constant"](2.0) == pytest.approx(21.0)


def test_a_function_may_be_called_like_what_it_calls():
    def sigmoid(x):
        return tg.sigmoid(x)

    compiled = tg.compile(sigmoid)
    assert [compiled(0.0) for _ in range(3)] == [0.5] * 3
    assert compiled.__name__ == "sigmoid"
    scope = {}
    exec(compiled.source, scope)
    assert scope["sigmoid_2"](0.0) == 0.5


def test_static_arguments_are_told_apart_by_type_and_sign():
    compiled = tg.compile(lambda x, s: x * s[0], static=("s",))
    results = [compiled(1, (s,)) for s in (2, 2.0, True, 2)]
    assert results == [2, 2.0, 1, 2]
    assert [type(result) for result in results] == [int, float, int, int]
    sign = tg.compile(lambda x, s: x * np.copysign(1.0, s), static=("s",))
    assert [sign(1.0, s) for s in (0.0, -0.0, 0.0)] == [1.0, -1.0, 1.0]


def test_a_static_list_dict_or_array_is_compared_by_what_it_holds():
    compiled = tg.compile(lambda x, s: x * s[0], static=("s",))
    compiled_to_sum = tg.compile(lambda x, s: x * sum(s), static=("s",))
    weights = [2]
    assert compiled(1.0, weights) == 2.0
    weights[0] = 3
    assert compiled(1.0, weights) == 3.0
    assert compiled(1.0, np.array([4.0])) == 4.0
    assert tg.compile(lambda x, s: x * s["a"], static=("s",))(1.0, {"a": 2, 1: 3}) == 2.0
    with pytest.raises(DataError, match="must be comparable by value: unhashable"):
        tg.compile(lambda x, s: x, static=("s",))(1.0, deque([1, 2]))
    for changing in ({2}, bytearray([2])):
        assert compiled_to_sum(1.0, changing) == 2.0
        changing.clear()
        assert compiled_to_sum(1.0, changing) == 0.0


def test_what_is_not_passed_is_part_of_the_program():
    def power(x, n=3):
        for _ in range(n - 1):
            x = x * x
        return x

    assert tg.compile(power)(2.0) == 16.0
    matrix = np.array([[3.0, 1.0], [2.0, 5.0]])
    for f in (np.sort, np.diagonal, np.tril, np.rot90, np.var):
        np.testing.assert_allclose(tg.compile(f)(matrix), f(matrix))
    scaled = tg.compile(lambda x, rate=0.5: rate * x)
    assert (scaled(2.0), scaled(2.0, 0.25), scaled(2.0, 0.5), scaled(2.0)) == (1.0, 0.5, 1.0, 1.0)


# --- trees of the user's own types -------------------------------------------------------------------------------------------


@dataclasses.dataclass
class Doubled:
    """One whose constructor computes."""

    w: object

    def __post_init__(self):
        self.w = 2 * self.w


@dataclasses.dataclass
class WithCache:
    w: object
    cache: object = dataclasses.field(init=False, default=None)


def test_the_constructor_of_a_dataclass_is_not_run_once_more():
    assert tg.compile(lambda x: Doubled(x))(1.0).w == 2.0
    assert tg.compile(lambda doubled: doubled.w)(Doubled(1.0)) == 2.0
    assert tg.grad(lambda doubled: doubled.w**2)(Doubled(1.0)).w == 4.0


@dataclasses.dataclass
class Squared:
    """One that computes something else from its field, when it is asked for."""

    a: object

    @property
    def square(self):
        return self.a**2

    @functools.cached_property
    def double(self):
        return 2 * self.a


def test_what_properties_of_a_dataclass_compute_from_its_fields_is_computed_from_the_arguments():
    compiled = tg.compile(lambda s: s.square + s.double)
    assert (compiled(Squared(3.0)), compiled(Squared(4.0))) == (15.0, 24.0)
    seen = Squared(3.0)
    assert seen.double == 6.0
    gradient = tg.grad(lambda s: s.square * s.double)
    assert gradient(seen).a == tg.compile(gradient)(seen).a == 6 * 9.0
    assert tg.compile(lambda x: Squared(x))(3.0).double == 6.0


@dataclasses.dataclass
class Rounds:
    w: object
    n: int = dataclasses.field(init=False, default=2)


@dataclasses.dataclass
class Scaled:
    w: object
    by: dataclasses.InitVar[float]

    def __post_init__(self, by):
        self.w = by * np.asarray(self.w, float)


@dataclasses.dataclass
class Checked:
    w: object

    def __post_init__(self):
        if np.any(np.isnan(self.w)):
            raise ValueError("nan")


def test_dataclasses_with_constructors_of_any_kind_come_in():
    rounds = Rounds(np.ones(2))
    compiled = tg.compile(lambda r: sum(np.sum(r.w) for _ in range(r.n)))
    assert compiled(rounds) == 4.0
    rounds.n = 5
    assert compiled(rounds) == 10.0
    for tree in (Scaled(np.ones(2), 3.0), Checked(3 * np.ones(2))):
        assert tg.compile(lambda tree: np.sum(tree.w))(tree) == 6.0
        assert tg.grad(lambda tree: np.sum(tree.w**2))(tree).w.tolist() == [6.0, 6.0]


@dataclasses.dataclass
class Locked:
    w: object
    lock: object = dataclasses.field(init=False, default_factory=threading.Lock)


def test_what_cannot_be_copied_stays_what_it_is_in_results():
    assert tg.compile(lambda x: Locked(2 * x))(1.0).w == 2.0


RUNS = []


@dataclasses.dataclass
class Noted:
    w: object

    def __post_init__(self):
        RUNS.append(type(self))


@dataclasses.dataclass(frozen=True, slots=True)
class NotedInSlots:
    w: object

    def __post_init__(self):
        RUNS.append(type(self))


@pytest.mark.parametrize("kind", [Noted, NotedInSlots])
@pytest.mark.parametrize("target", ["none", "numpy", "jax"])
def test_the_users_constructor_runs_as_often_as_the_users_function_calls_it(kind, target):
    if target == "jax":
        pytest.importorskip("jax").config.update("jax_enable_x64", True)
    calls = []

    def loss(tree):
        calls.append(1)
        return np.sum(kind(tree.w * 2).w)

    gradient = tg.value_and_grad(loss)
    function = gradient if target == "none" else tg.compile(gradient, target=target)
    tree = kind(np.ones(2))
    RUNS.clear()
    for _ in range(3):
        value, gradient = function(tree)
        assert (float(value), type(gradient), gradient.w.tolist()) == (4.0, kind, [2.0, 2.0])
    assert len(RUNS) == len(calls)


def test_the_statements_of_a_program_that_needs_numpy_alone_stand_in_the_function_itself():
    compiled = tg.compile(tg.value_and_grad(lambda theta, x, t: 0.5 * (t - theta * x) ** 2))
    compiled(3.0, 2.0, 8.0)
    assert not any(name.endswith("_run") for name in compiled.__code__.co_names)


@dataclasses.dataclass
class Logged:
    w: object
    log: list = dataclasses.field(default_factory=list, init=False)


@dataclasses.dataclass
class Nothing:
    pass


@dataclasses.dataclass
class Odd:
    parts: object
    empty: object


def test_results_share_nothing_and_their_fields_may_have_any_name():
    compiled = tg.compile(lambda x: (Logged(x), Odd(x, 2 * x), {"none": Nothing()}))
    first, odd, rest = compiled(1.0)
    first.log.append("seen")
    second, _, _ = compiled(2.0)
    assert (second.log, odd.parts, odd.empty, type(rest["none"])) == ([], 1.0, 2.0, Nothing)


def test_a_result_beside_the_fields_of_a_constructor_is_refused():
    def f(x):
        result = WithCache(x)
        result.cache = 2 * x
        return result

    with pytest.raises(DataError, match="numbers in cache, which is no field of its constructor"):
        tg.compile(f)(1.0)


def test_dicts_and_lists_of_the_users_own_types_come_back_as_such():
    class Stack(list):
        pass

    def f(x):
        counts = defaultdict(int, a=x)
        return OrderedDict(b=2 * x, a=x), counts, Stack([x + 1])

    compiled = tg.compile(f)
    for number in (1.0, 2.0):
        ordered, counts, stack = compiled(number)
        assert (type(ordered), list(ordered.items())) == (OrderedDict, [("b", 2 * number), ("a", number)])
        assert (counts["a"], counts["none"]) == (number, 0)
        assert (type(stack), stack[0]) == (Stack, number + 1)


def test_a_source_defines_the_types_that_it_returns():
    compiled = tg.compile(lambda x: {"pair": Pair(x, Parameters(x + 1, OrderedDict(c=x)))})
    compiled(1.0)
    scope = {}
    exec(compiled.source, scope)
    result = scope["function"](2.0)["pair"]
    assert (result.first, result.second.w, result.second.b["c"]) == (2.0, 3.0, 2.0)


class Color(enum.Enum):
    RED = 1


def test_keys_may_be_anything():
    result = tg.compile(lambda x: {Color.RED: x, float("inf"): 2 * x, (1, "a"): 3 * x})(1.0)
    assert result == {Color.RED: 1.0, float("inf"): 2.0, (1, "a"): 3.0}


# --- nothing is frozen -------------------------------------------------------------------------------------------------------


def test_a_value_from_outside_is_read_anew_in_a_program_within_a_program():
    w = tg.Value(3.0, name="w")
    inner = tg.compile(lambda x: w * x)
    inner(2.0)
    outer = tg.compile(lambda y: inner(2.0) * y)
    assert outer(1.0) == 6.0
    w.data = 5.0
    assert outer(1.0) == 10.0


def test_a_value_from_outside_gets_its_gradient_from_a_transform_around_the_program():
    assert tg.grad(lambda w: tg.compile(lambda x: w * x)(2.0))(3.0) == 2.0


def test_a_function_that_was_not_compiled_yet_may_be_used_in_another():
    inner = tg.compile(lambda x: x**2)
    assert tg.compile(lambda y: inner(2.0) * y)(3.0) == 12.0


def test_a_program_that_is_recorded_while_another_runs_does_not_disturb_it():
    table = {3: np.linspace(0.0, 1.0, 100), 70: np.linspace(5.0, 6.0, 100)}
    record_now = [False]

    def forward(x):
        if record_now.pop() if record_now else False:
            compiled(np.ones(70))
        return 2 * x

    doubled = tg.primitive(forward, lambda g, out, x: 2 * g, name="doubled")
    compiled = tg.compile(lambda x: doubled(x)[0] * table[x.shape[0]])
    first = compiled(np.ones(3))
    record_now.append(True)
    np.testing.assert_array_equal(compiled(np.ones(3)), first)


def test_numbers_of_types_derived_from_pythons_count_as_pythons():
    class Length(float):
        pass

    compiled = tg.compile(lambda x: x * x)
    assert [compiled(Length(3)), compiled(Length(4)), compiled(enum.IntEnum("Side", {"LEFT": 5}).LEFT)] == [9.0, 16.0, 25]


def test_a_default_may_hold_arrays():
    def scaled(x, by=Pair(np.ones(2), 2.0)):  # noqa: B008
        return x * by.first * by.second

    assert tg.compile(scaled)(3.0).tolist() == [6.0, 6.0]


def test_a_copy_of_an_argument_is_the_argument():
    copied = tg.compile(tg.grad(lambda params, x: copy.deepcopy(params)["w"] ** 2 * x))
    assert copied({"w": 3.0}, 1.0) == {"w": 6.0}
    assert copied({"w": 5.0}, 2.0) == {"w": 20.0}


def test_shared_randomness_is_noticed_each_time():
    programs = [lambda v: v if random.random() < 0.9 else -v, lambda v: v * np.random.randint(0, 2)]  # noqa: NPY002
    for f in programs * 10:
        with pytest.raises(TracingError, match="draw the random numbers outside"):
            tg.compile(f)(1.0)


@pytest.mark.parametrize("draw", [random.random, lambda: np.random.rand()], ids=["random", "numpy"])  # noqa: NPY002
def test_what_another_thread_draws_is_not_the_functions(draw):
    is_done = threading.Event()

    def draw_without_end():
        while not is_done.is_set():
            draw()

    def f(v):
        for _ in range(100):
            v = np.tanh(v) + 1.0
        return v

    other = threading.Thread(target=draw_without_end)
    other.start()
    try:
        for _ in range(3):
            assert tg.compile(f)(1.0) == f(1.0)
        for drawing in (lambda v: f(v) * (random.random() < 2), lambda v: (np.random.rand(), f(v))[1]):  # noqa: NPY002
            with pytest.raises(TracingError, match="draw the random numbers outside"):
                tg.compile(drawing)(1.0)
    finally:
        is_done.set()
        other.join()


def test_randomness_is_noticed_where_a_profiler_is_at_work():
    profiler = cProfile.Profile()
    profiler.enable()
    try:
        with pytest.raises(TracingError, match="draw the random numbers outside"):
            tg.compile(lambda v: v if random.random() < 2 else -v)(1.0)
        assert tg.compile(lambda v: v * 2)(1.0) == 2.0
    finally:
        profiler.disable()
    assert len(profiler.getstats()) > 10


def test_a_generator_that_is_half_imported_is_no_generator(monkeypatch):
    monkeypatch.setitem(sys.modules, "numpy.random", types.ModuleType("numpy.random"))
    assert tg.compile(lambda v: v * 2)(1.0) == 2.0


def test_what_is_computed_may_be_printed(capsys):
    tg.compile(lambda v, w: (print(v, w), v * np.sum(w))[1])(1.0, np.ones(2))
    assert "Value(1., name='v'" in capsys.readouterr().out


def test_masked_arrays_and_complex_numbers_of_pythons_are_refused_with_advice():
    with pytest.raises(DataError, match="x is a masked array"):
        tg.compile(lambda x: x)(np.ma.array([1.0, 2.0], mask=[0, 1]))
    with pytest.raises(DataError, match=r"Pass np\.asarray\(x\)"):
        tg.compile(lambda x: x)(np.ones((1, 2)).view(np.matrix))
    with pytest.raises(DataError, match=r"np\.complex128\(1j\)"):
        tg.compile(lambda x: x)(1j)


def test_an_error_in_a_program_shows_the_line_of_the_program():
    compiled = tg.compile(lambda a: np.linalg.inv(a))
    compiled(np.eye(2))
    with pytest.raises(np.linalg.LinAlgError) as failed:
        compiled(np.zeros((2, 2)))
    assert any("np.linalg.inv(a)" in (entry.line or "") for entry in traceback.extract_tb(failed.value.__traceback__))


# --- how much is kept --------------------------------------------------------------------------------------------------------


def programs_with_lines():
    """The generated programs of which tracebacks find the lines."""
    gc.collect()
    return {file for file in linecache.cache if file.startswith("<tinygrad_edu program")}


def test_of_more_programs_than_are_kept_the_one_goes_that_has_not_been_used_for_longest():
    shapes = [1, 2, 1, 1, 3, 1, 2, 3, 1]  # with room for two the third one takes the place of the second
    arguments = [(np.ones(n),) for n in shapes]
    assert recordings(arguments, np.sum, maxsize=2) == [1, 2, 2, 2, 3, 3, 4, 5, 6]
    assert recordings(arguments, np.sum, maxsize=3) == [1, 2, 2, 2, 3, 3, 3, 3, 3]
    assert recordings(arguments, np.sum, maxsize=1) == [1, 2, 3, 3, 4, 5, 6, 7, 8]


def test_a_program_that_the_function_goes_straight_to_has_been_used():
    counted = Counted(np.sum)
    compiled = tg.compile(counted, maxsize=2)
    for n in (1, 2, 1, 2, 2, 2, 3, 2):
        compiled(np.ones(n))
    assert counted.runs // 2 == 3


@pytest.mark.parametrize(("options", "most"), [({"maxsize": 4}, 4), ({}, 256)])
def test_the_programs_of_a_function_and_their_names_and_lines_are_bounded_and_go_with_it(options, most):
    before = programs_with_lines()
    compiled = tg.compile(tg.grad(lambda x: np.sum(x**2)), **options)
    sizes = []
    for n in range(1, most + 20):
        assert compiled(np.ones(n)).tolist() == [2.0] * n
        sizes.append(len(compiled.__globals__))
    assert len(programs_with_lines() - before) == most + 1
    assert len(set(sizes[3:])) == 1  # it goes straight to four programs
    del compiled
    assert programs_with_lines() <= before


def test_on_jax_they_are_bounded_too():
    pytest.importorskip("jax")
    before = programs_with_lines()
    compiled = tg.compile(np.sum, target="jax", maxsize=2)
    counts = []
    for n in range(1, 16):
        assert compiled(np.ones(n)) == n
        counts.append(len(programs_with_lines() - before))
    assert counts[-1] <= counts[7] <= 12


def test_what_is_refused_keeps_nothing():
    compiled = tg.compile(lambda x: 1.0 if np.sum(x) else 2.0)
    for n in range(1, 5):
        with pytest.raises(TracingError):
            compiled(np.ones(n))
    assert len(compiled.__globals__["_tg_choose"].__self__._programs._programs) == 0


@pytest.mark.parametrize("wrong", [0, -1, 2.0, True, None, "many"])
def test_how_many_are_kept_is_a_whole_number_from_one_on(wrong):
    with pytest.raises(DataError, match="maxsize must be a whole number from 1 on"):
        tg.compile(np.sum, maxsize=wrong)


@pytest.mark.parametrize("name", ["roots", "unique", "trim_zeros"])
def test_a_function_whose_result_has_a_length_that_depends_on_the_numbers_is_refused_by_its_own_name(name):
    with pytest.raises(TracingError, match=rf"^a compiled function is recorded once .* but np\.{name}\(\) would"):
        tg.compile(getattr(np, name))(np.array([1.0, 2.0, 3.0]))
