"""A function that finds other things around it is recorded anew: what it closes over, global names, and what it finds on `self`."""

import dataclasses
import enum
import functools
import itertools
import runpy
import sys
import types
from array import array
from collections import UserDict, deque

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.counting import calls
from tinygrad_edu.compiler.surroundings import LOOKED_AT, Surroundings

RATE = 2.0
TABLE = {"rate": [2.0, np.array([1.0, 1.0])]}


class Settings:
    rate = 2.0


class Model:
    """Finds all it needs on `self`, and what it does in methods of its own."""

    def __init__(self):
        self.rate, self.weights, self.settings = 2.0, np.ones(2), Settings()

    def scaled(self, x):
        return x * self.rate * self.settings.rate

    def __matmul__(self, x):
        return self.weights @ x

    def loss(self, x):
        return (self @ self.scaled(x)) ** 2


def checked(f, changes, x=3.0):
    """`f` compiled, eager and differentiated agree, before and after each change, and again when nothing changes."""
    compiled, gradient = tg.compile(f), tg.compile(tg.grad(lambda x: np.sum(f(x))))
    seen = []
    for change in [lambda: None, *changes]:
        change()
        for _ in range(2):
            np.testing.assert_array_equal(compiled(x), f(x))
            np.testing.assert_allclose(gradient(x), tg.grad(lambda x: np.sum(f(x)))(x), rtol=1e-14)
        seen.append(np.array(compiled(x)).tolist())
    assert all(a != b for a, b in itertools.pairwise(seen)), seen  # each change counts
    return seen


def test_a_number_that_is_closed_over_may_be_another_one():
    rate = 2.0

    def f(x):
        return rate * x**2

    def change(new):
        def to():
            nonlocal rate
            rate = new

        return to

    assert checked(f, map(change, [3.0, np.float32(4.0), 0.0, 5, 2.0])) == [18.0, 27.0, 36.0, 0.0, 45.0, 18.0]


def test_zero_is_not_minus_zero_nor_one_true():
    sign = 0.0

    def f(x):
        return np.copysign(x, sign)

    compiled = tg.compile(f)
    assert compiled(2.0) == 2.0
    sign = -0.0
    assert compiled(2.0) == -2.0
    sign = False
    assert compiled(2.0) == 2.0


def test_a_global_name_may_be_another_number(monkeypatch):
    module = sys.modules[__name__]
    checked(lambda x: RATE * x, [lambda: monkeypatch.setattr(module, "RATE", 5.0)])


def test_a_function_that_is_called_may_be_another_one():
    def inner(x):
        return 2 * x

    def middle(x):
        return inner(x) + 1

    def f(x):
        return middle(x)

    def change():
        nonlocal inner
        inner = np.sin

    checked(f, [change])


def test_what_a_method_finds_on_self_may_change():
    model = Model()

    def change(owner, name, new):
        return lambda: setattr(owner, name, new)

    def in_place():
        model.weights[1] = 7.0

    changes = [
        change(model, "rate", 3.0),
        change(model.settings, "rate", 5.0),
        change(model, "weights", np.array([1.0, 4.0])),
        in_place,
    ]
    checked(lambda x: model.loss(x), changes, np.array([1.0, 2.0]))
    model = Model()
    compiled = tg.compile(model.loss)
    assert compiled(np.ones(2)) == 64.0
    model.rate = 1.0
    assert compiled(np.ones(2)) == 16.0


def test_an_attribute_of_a_class_and_a_method_may_change(monkeypatch):
    model = Model()
    checked(
        lambda x: model.loss(x),
        [
            lambda: monkeypatch.setattr(Settings, "rate", 3.0),
            lambda: monkeypatch.setattr(Model, "scaled", lambda self, x: 10 * x),
        ],
        np.array([1.0, 2.0]),
    )


def test_a_slot_may_change():
    class Slotted:
        __slots__ = ("rate",)

    slotted = Slotted()
    slotted.rate = 2.0
    checked(lambda x: slotted.rate * x, [lambda: setattr(slotted, "rate", 3.0)])


def test_an_array_that_is_closed_over_may_be_another_one_or_changed_in_place():
    weights = np.array([1.0, 2.0])

    def f(x):
        return np.sum(weights * x)

    def rebind():
        nonlocal weights
        weights = np.array([5.0, 2.0])

    def in_place():
        weights[0] = 7.0

    checked(f, [rebind, in_place], np.array([1.0, 2.0]))


def test_a_large_array_may_be_changed_in_place_as_a_whole():
    weights = np.ones(50_000)

    def in_place():
        weights.__imul__(2.0)

    checked(lambda x: np.sum(weights * x), [in_place])
    assert weights.size > LOOKED_AT


def test_parts_of_lists_and_dicts_may_change():
    table = {"rate": [2.0, np.array([1.0, 1.0])], "unused": None}

    def replace_number():
        table["rate"][0] = 3.0

    def change_array():
        table["rate"][1][0] = 4.0

    def replace_list():
        table["rate"] = [1.0, np.array([1.0, 1.0])]

    checked(lambda x: table["rate"][0] * table["rate"][1] * x, [replace_number, change_array, replace_list])
    names = ["a"]
    checked(lambda x: x * len(names), [lambda: names.append("b")])
    chosen = {1}
    checked(lambda x: x * sum(chosen), [lambda: chosen.add(2)])


def test_what_a_partial_function_or_a_default_holds_may_change():
    weights, default = np.ones(2), np.ones(2)

    def inner(weights, x, default=default):
        return np.sum(weights * x * default)

    def change_weights():
        weights[0] = 3.0

    def change_default():
        default[0] = 5.0

    f = functools.partial(inner, weights)
    checked(lambda x: f(x), [change_weights, change_default], np.array([1.0, 2.0]))


def test_a_module_of_the_users_own_may_change(tmp_path, monkeypatch):
    (tmp_path / "settings_of_a_user.py").write_text("rate = 2.0\n")
    monkeypatch.syspath_prepend(tmp_path)
    import settings_of_a_user

    checked(lambda x: x * settings_of_a_user.rate, [lambda: setattr(settings_of_a_user, "rate", 3.0)])


def test_what_an_operation_of_the_users_own_uses_may_change():
    rate = np.array([2.0])
    scaled = tg.primitive(lambda x: x * rate[0], lambda g, out, x: g * rate[0])

    def change():
        rate[0] = 3.0

    checked(lambda x: scaled(x) ** 2, [change])


def test_a_compiled_function_within_a_compiled_function_notices_too():
    rate = 2.0
    inner = tg.compile(lambda x: rate * x)
    outer = tg.compile(lambda x: inner(x) + 1)
    assert outer(1.0) == 3.0
    rate = 3.0
    assert outer(1.0) == 4.0


def test_a_compiled_function_that_is_called_what_an_attribute_in_it_is_called_records_once():
    scope = {"tg": tg, "np": np}
    exec("def f(x):\n    return np.sum(x**3)\nhvp = tg.compile(lambda x, v: tg.hvp(f, x, v))\n", scope)
    x, v = np.array([1.0, 2.0]), np.array([1.0, -1.0])
    choose = scope["hvp"].__globals__["_tg_choose"].__self__
    for _ in range(3):
        assert scope["hvp"](x, v).tolist() == [6.0, -12.0]
        assert len(choose._programs) == 1
    exec("def f(x):\n    return np.sum(x**4)\n", scope)
    assert scope["hvp"](x, v).tolist() == [12.0, -48.0]


def test_the_jax_program_notices_too():
    rate, weights = 2.0, np.ones(2)
    compiled = tg.compile(tg.grad(lambda x: np.sum(rate * weights * x)), target="jax")
    assert compiled(np.ones(2)).tolist() == [2.0, 2.0]
    rate = 3.0
    assert compiled(np.ones(2)).tolist() == [3.0, 3.0]
    weights[1] = 2.0
    assert compiled(np.ones(2)).tolist() == [3.0, 6.0]


def test_what_stays_as_it_is_records_nothing_anew_and_a_state_that_comes_back_is_known():
    runs, rate = [], 2.0

    def f(x):
        runs.append(x)  # changed by the function itself, in each run
        return rate * x

    compiled = tg.compile(f)
    counts = []
    for rate in (2.0, 2.0, 3.0, 2.0, 1.0 + 1.0, 3.0):  # noqa: B007
        compiled(1.0)
        counts.append(len(runs) // 2)
    assert counts == [1, 1, 2, 2, 2, 2]


def test_programs_for_earlier_surroundings_are_not_kept_for_ever():
    rate = 0.0
    compiled = tg.compile(lambda x: rate * x)
    for step in range(50):
        rate = float(step)
        assert compiled(2.0) == 2.0 * step
    choose = compiled.__globals__["_tg_choose"].__self__
    assert len(choose._programs) == 8


def test_libraries_are_not_looked_into_and_nothing_is_called():
    class Dangerous:
        @property
        def rate(self):
            raise AssertionError("a property was called")

        def __getattr__(self, name):
            raise AssertionError(f"{name} was asked for")

    dangerous = Dangerous()

    def f(x):
        return np.linalg.norm(x) if dangerous is not None else dangerous.rate

    surroundings = Surroundings(f)
    assert surroundings.are_unchanged()
    assert {look.args[0] for look, _ in surroundings._looks if isinstance(look, functools.partial) and len(look.args) == 1} == {
        "rate",
        "__getattr__",
    }  # as they stand in the class


def test_a_function_that_uses_nothing_has_nothing_to_be_looked_at():
    assert not Surroundings(tg.value_and_grad(lambda theta, x: np.sum(theta * x)))
    assert not Surroundings(np.sin)


def test_a_variable_without_a_value_is_left_alone():
    def f(x):
        return x if x is not None else later

    assert Surroundings(f).are_unchanged()
    if f is None:
        later = 1.0


@pytest.mark.parametrize("kind", [types.SimpleNamespace, dict])
def test_namespaces_are_looked_into(kind):
    settings = kind(rate=2.0)
    if kind is dict:
        checked(lambda x: settings["rate"] * x, [lambda: settings.update(rate=3.0)])
    else:
        checked(lambda x: settings.rate * x, [lambda: setattr(settings, "rate", 3.0)])


class Layer:
    def __init__(self, k):
        self.k = k

    def __call__(self, x):
        return self.k * x


@dataclasses.dataclass(eq=False)
class Linear:
    w: object

    def __call__(self, x):
        return self.w * x


class Equal(Layer):
    def __eq__(self, other):
        return True

    def __hash__(self):
        return 0


def test_an_object_that_is_an_argument_may_change():
    compiled = tg.compile(lambda layer, x: layer(x))
    layer = Layer(2.0)
    for layer.k in (2.0, 5.0, 2.0):
        assert compiled(layer, 3.0) == 3.0 * layer.k
        assert compiled(layer.__call__, 3.0) == 3.0 * layer.k
    assert compiled(Equal(2.0), 3.0) == 6.0
    assert compiled(Equal(5.0), 3.0) == 15.0


def test_a_dataclass_that_can_be_called_is_a_tree():
    gradient = tg.compile(tg.grad(lambda layer, x: np.sum(layer(x) ** 2)))
    layer, x = Linear(np.ones(2)), np.array([1.0, 2.0])
    np.testing.assert_array_equal(gradient(layer, x).w, 2 * x**2)
    layer.w = np.full(2, 4.0)
    np.testing.assert_array_equal(gradient(layer, x).w, 8 * x**2)


def test_a_static_object_may_change_in_place():
    compiled, settings = tg.compile(lambda x, settings: settings.k * x, static=("settings",)), Layer(2.0)
    for settings.k in (2.0, 5.0):
        assert compiled(3.0, settings) == 3.0 * settings.k


def test_a_compiled_method_notices_its_object():
    class Compiled:
        k = 2.0

        @functools.partial(tg.compile, static=("self",))
        def loss(self, x):
            return self.k * x

    model = Compiled()
    for model.k in (2.0, 5.0):
        assert model.loss(3.0) == 3.0 * model.k


def test_what_is_made_in_the_first_run_is_watched():
    class Lazy:
        w = None

        @functools.cached_property
        def area(self):
            return 2.0 * self.w

        def loss(self, x):
            if self.w is None:
                self.w = 2.0
            return self.w * x * self.area

    model = Lazy()
    compiled = tg.compile(model.loss)
    assert compiled(3.0) == 24.0
    model.w = 5.0
    assert compiled(3.0) == model.loss(3.0) == 60.0
    del model.area
    assert compiled(3.0) == model.loss(3.0) == 150.0
    cache = {}

    def f(x, n):
        if n not in cache:
            cache[n] = 6.0
        return cache[n] * x

    compiled = tg.compile(f, static=("n",))
    assert compiled(3.0, 3) == 18.0
    cache[3] = 100.0
    assert compiled(3.0, 3) == 300.0


def test_code_that_is_in_no_file_or_beside_the_package_is_the_users(tmp_path, monkeypatch):
    (tmp_path / "configs_of_a_user").mkdir()  # a folder without __init__.py
    (tmp_path / "configs_of_a_user" / "base.py").write_text("rate = 2.0\n")
    (tmp_path / "script.py").write_text("class Model:\n    k = 2.0\n    def loss(self, x):\n        return self.k * x\n")
    monkeypatch.syspath_prepend(tmp_path)
    import configs_of_a_user.base

    checked(lambda x: configs_of_a_user.base.rate * x, [lambda: setattr(configs_of_a_user.base, "rate", 5.0)])

    def imports(x):
        from configs_of_a_user.base import rate

        return rate * x

    checked(imports, [lambda: setattr(configs_of_a_user.base, "rate", 7.0)])
    model = runpy.run_path(str(tmp_path / "script.py"))["Model"]()
    checked(
        lambda x: model.loss(x), [lambda: setattr(model, "k", 5.0), lambda: setattr(type(model), "k", 1.0) or delattr(model, "k")]
    )
    module = types.ModuleType("made_by_hand")
    module.rate = 2.0
    checked(lambda x: module.rate * x, [lambda: setattr(module, "rate", 5.0)])


class Point:
    __match_args__ = ("height",)

    def __init__(self, height, width):
        self.height, self.width = height, width


class Hidden:
    __slots__ = ("__k",)

    def __init__(self, k):
        self.__k = k

    def loss(self, x):
        return self.__k * x


def test_names_of_every_kind_are_looked_up():
    def scaled(x):
        return scaled.factor * x

    scaled.factor = 2.0
    checked(lambda x: scaled(x), [lambda: setattr(scaled, "factor", 3.0)])
    point = Point(2.0, 3.0)

    def area(x):
        match point:
            case Point(height, width=width):
                return height * width * x

    checked(area, [lambda: setattr(point, "height", 5.0), lambda: setattr(point, "width", 7.0)])
    hidden = Hidden(2.0)
    checked(lambda x: hidden.loss(x), [lambda: hidden.__init__(5.0)])

    def biased(x):
        try:
            return x + point.bias
        except AttributeError:
            return x

    checked(biased, [lambda: setattr(point, "bias", 5.0)])


class Numbers(list):
    k = 2.0


class Kind(enum.Enum):
    A = [2.0]  # noqa: RUF012 (that it can be changed is the point)


def test_containers_of_every_kind_are_entered():
    numbers, waiting, mapping = Numbers([1.0]), deque([2.0]), UserDict(k=2.0)
    packed, objects = array("d", [2.0]), np.array([[2.0], None], dtype=object)

    def change(container, key, new):
        return lambda: container.__setitem__(key, new)

    checked(lambda x: numbers.k * numbers[0] * x, [lambda: setattr(numbers, "k", 3.0), change(numbers, 0, 5.0)])
    checked(lambda x: waiting[0] * x, [change(waiting, 0, 3.0)])
    checked(lambda x: mapping["k"] * x, [change(mapping, "k", 3.0)])
    checked(lambda x: packed[0] * x, [change(packed, 0, 3.0)])
    checked(lambda x: objects[0][0] * x, [lambda: objects[0].__setitem__(0, 3.0)])
    checked(lambda x: Kind.A.value[0] * x, [lambda: Kind.A.value.__setitem__(0, 3.0)])


@dataclasses.dataclass
class Scaled:
    w: object
    k: float = dataclasses.field(init=False, default=2.0)


class Options(dict):
    k = 2.0


def test_what_an_argument_has_beside_its_parts_counts():
    compiled = tg.compile(lambda scaled: scaled.w * scaled.k)
    scaled = Scaled(3.0)
    for scaled.k in (2.0, 5.0):
        assert compiled(scaled) == 3.0 * scaled.k
    compiled = tg.compile(lambda options: options["w"] * options.k)
    options = Options(w=3.0)
    for options.k in (2.0, 5.0):
        assert compiled(options) == 3.0 * options.k


def test_equal_is_not_the_same():
    kinds = tg.compile(lambda table, x: x * (2.0 if type(next(iter(table))) is bool else 3.0))
    assert (kinds({1: 0.0}, 1.0), kinds({True: 0.0}, 1.0)) == (3.0, 2.0)
    kinds = tg.compile(lambda chosen, x: x * (2.0 if type(next(iter(chosen))) is int else 3.0), static=("chosen",))
    assert (kinds(frozenset({1}), 1.0), kinds(frozenset({1.0}), 1.0)) == (2.0, 3.0)


def test_a_column_of_a_large_array_is_seen():
    table = np.ones((1024, 64))

    def change():
        table[:, 1:] += 1.0

    checked(lambda x: np.sum(table * x), [change])


def test_nothing_of_the_users_is_called_by_looking():
    class Loud(dict):
        def values(self):
            raise AssertionError("values() was called")

        def __iter__(self):
            raise AssertionError("it was iterated over")

        __len__ = __iter__

    class Guarded:
        __slots__ = ("k",)

        def __getattribute__(self, name):
            if name != "k":
                raise AssertionError(f"{name} was asked for")
            return object.__getattribute__(self, name)

    loud, guarded = Loud(k=2.0), Guarded()
    guarded.k = 2.0
    checked(lambda x: dict.__getitem__(loud, "k") * guarded.k * x, [lambda: setattr(guarded, "k", 3.0), lambda: loud.update(k=5.0)])


def test_a_variable_that_is_deleted_is_an_error_of_pythons():
    lines = ["def outer():", "  rate = 2.0", "  def f(x): return rate * x", "  def forget():", "    nonlocal rate", "    del rate"]
    scope = {}
    exec("\n".join([*lines, "  return f, forget"]), scope)
    f, forget = scope["outer"]()
    compiled = tg.compile(f)
    assert compiled(1.0) == 2.0
    forget()
    with pytest.raises(NameError):
        compiled(1.0)


def test_large_containers_are_looked_at_in_part():
    table = dict.fromkeys(range(10_000), 1.0)
    checked(lambda x: table[5] * x, [lambda: table.update({5: 2.0})])
    looked_at = [argument for look, _ in Surroundings(lambda x: table[5] * x)._looks for argument in getattr(look, "args", ())]
    assert max(len(parts) for parts in looked_at if isinstance(parts, list)) == 2 * LOOKED_AT


def test_the_keywords_of_a_partial_are_looked_at_and_cost_next_to_nothing_where_there_are_none():
    def scaled(x, factor=1.0):
        return x * factor

    f = functools.partial(scaled)
    surroundings = Surroundings(f)
    assert calls(surroundings.are_unchanged) <= 4
    compiled = tg.compile(f)
    assert compiled(3.0) == 3.0
    f.keywords["factor"] = 2.0
    assert not surroundings.are_unchanged()
    assert compiled(3.0) == 6.0
