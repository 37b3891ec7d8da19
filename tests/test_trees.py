"""Trees of arrays: transforms take and return dicts, lists, tuples, named tuples and dataclasses."""

import re
from collections import Counter, OrderedDict, defaultdict
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.profile import EXHAUSTIVE
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import DataError
from tinygrad_edu.transforms.trees import tree_leaves, tree_map, tree_map_named


class Affine(NamedTuple):
    w: Any
    b: Any


class Crate:
    """A class of one's own with the methods of a tree."""

    def __init__(self, w, b, label):
        self.w, self.b, self.label = w, b, label

    def __tree_parts__(self):
        return {".w": self.w, "[1]": self.b}

    def __tree_with__(self, parts):
        return Crate(*parts, self.label)

    def __tree_beside__(self):
        return {"label": self.label}


@dataclass(frozen=True)
class Layer:
    w: Any
    b: Any
    sizes: Any = field(init=False, default=(3, 1))


W, B = np.array([1.0, -2.0, 3.0]), 0.5
X = np.array([2.0, 3.0, 5.0])

TREES = {
    "a dict": ({"w": W, "b": B}, lambda p: (p["w"], p["b"])),
    "a dict with a default": (defaultdict(list, w=W, b=B), lambda p: (p["w"], p["b"])),
    "an ordered dict": (OrderedDict(w=W, b=B), lambda p: (p["w"], p["b"])),
    "a list": ([W, B], tuple),
    "a tuple": ((W, B), tuple),
    "a named tuple": (Affine(W, B), lambda p: (p.w, p.b)),
    "a dataclass": (Layer(W, B), lambda p: (p.w, p.b)),
    "a class of one's own": (Crate(W, B, "box"), lambda p: (p.w, p.b)),
    "nested": ({"layers": [Affine(W, None), Layer((), {"b": B})]}, lambda p: (p["layers"][0].w, p["layers"][1].b["b"])),
}


@pytest.fixture(params=TREES.values(), ids=TREES)
def tree_and_parts(request):
    return request.param


def model(p, parts):
    w, b = parts(p)
    return np.sum(w**2 * X) + b**3


def test_the_gradient_has_the_structure_of_the_argument(tree_and_parts):
    tree, parts = tree_and_parts
    value, gradient = tg.value_and_grad(model)(tree, parts)
    assert value == np.sum(W**2 * X) + B**3
    assert type(gradient) is type(tree)
    for_w, for_b = parts(gradient)
    np.testing.assert_array_equal(for_w, 2 * W * X)
    assert for_b == 3 * B**2
    assert [type(leaf) for leaf in tree_leaves(gradient)] == [np.ndarray, np.float64]


def test_products_take_and_give_trees(tree_and_parts):
    tree, parts = tree_and_parts

    def twice(p):
        return tree_map(lambda leaf: leaf**2, p)

    value, pullback = tg.vjp(twice, tree)
    np.testing.assert_array_equal(parts(value)[0], W**2)
    np.testing.assert_array_equal(parts(pullback(tree)[0])[0], 2 * W * W)
    value, slope = tg.jvp(twice, (tree,), (tree,))
    np.testing.assert_array_equal(parts(value)[0], W**2)
    np.testing.assert_array_equal(parts(slope)[0], 2 * W * W)
    assert parts(slope)[1] == 2 * B * B
    assert type(value) is type(slope) is type(pullback(tree)[0]) is type(tree)


def test_second_derivatives_take_and_give_trees(tree_and_parts):
    tree, parts = tree_and_parts
    product = tg.hvp(lambda p: model(p, parts), (tree,), (tree,))[0]
    assert type(product) is type(tree)
    np.testing.assert_array_equal(parts(product)[0], 2 * X * W)
    assert parts(product)[1] == 6 * B * B
    for_w, for_b = parts(tg.hessian(model)(tree, parts))
    np.testing.assert_array_equal(parts(for_w)[0], np.diag(2 * X))
    np.testing.assert_array_equal(parts(for_w)[1], np.zeros(3))
    np.testing.assert_array_equal(parts(for_b)[0], np.zeros(3))
    assert parts(for_b)[1] == 6 * B


def test_a_jacobian_is_the_tree_of_the_output_with_trees_of_the_argument_at_its_leaves():
    jacobian = tg.jacobian(lambda p: {"product": p["w"] * p["b"], "sum": np.sum(p["w"])})({"w": W, "b": B})
    np.testing.assert_array_equal(jacobian["product"]["w"], B * np.eye(3))
    np.testing.assert_array_equal(jacobian["product"]["b"], W)
    np.testing.assert_array_equal(jacobian["sum"]["w"], np.ones(3))
    assert jacobian["sum"]["b"] == 0.0


@pytest.mark.parametrize("size", [1, 4])
def test_a_jacobian_of_trees_is_the_same_by_rows_and_by_columns(size):
    outputs = {"a": lambda x, y: x * y, "b": lambda x, y: np.sum(x) * np.ones((size, 2)) * y}
    jacobian = tg.jacobian(lambda x, y: {key: f(x, y) for key, f in outputs.items()}, (0, 1))(W, B)
    np.testing.assert_array_equal(jacobian["a"][0], B * np.eye(3))
    np.testing.assert_array_equal(jacobian["a"][1], W)
    np.testing.assert_array_equal(jacobian["b"][0], np.full((size, 2, 3), B))
    np.testing.assert_array_equal(jacobian["b"][1], np.full((size, 2), np.sum(W)))


def test_dicts_are_matched_by_their_keys_and_not_by_their_order():
    _, pullback = tg.vjp(lambda x: {"a": x, "b": 2 * x}, 1.0)
    assert pullback({"b": 1.0, "a": 0.0}) == pullback({"a": 0.0, "b": 1.0}) == (2.0,)
    slopes = tg.jvp(lambda p: p["a"] * 10 + p["b"], {"a": 1.0, "b": 1.0}, {"b": 1.0, "a": 0.0})[1]
    assert slopes == 1.0


def test_a_named_tuple_is_one_argument_and_not_several():
    assert tg.hvp(lambda p: p.w * p.b**2, Affine(1.0, 2.0), Affine(0.0, 1.0)) == Affine(4.0, 2.0)
    assert tg.jvp(lambda p: p.w * p.b, Affine(3.0, 2.0), Affine(1.0, 1.0)) == (6.0, 5.0)


def test_none_and_empty_trees_stay_as_they_are():
    gradient = tg.grad(lambda p: p["w"] ** 2)({"w": 3.0, "bias": None, "more": [], "names": {}})
    assert gradient == {"w": 6.0, "bias": None, "more": [], "names": {}}
    assert tg.grad(lambda p, x: x**2)(None, 1.0) is None


def test_what_a_dataclass_computes_for_itself_is_left_to_it():
    gradient = tg.grad(lambda p: np.sum(p.w))(Layer(W, B))
    assert gradient.sizes == (3, 1)
    assert gradient.b == 0.0


@dataclass
class Squared:
    """One whose constructor computes a number that the gradient would have to know of."""

    a: Any

    def __post_init__(self):
        self.square = self.a**2


class Halved(Layer):
    def __init__(self, w):
        super().__init__(w, B)
        object.__setattr__(self, "half", [np.asarray(w) / 2])


@dataclass
class ByHand:
    """Its constructor is written by hand, which `@dataclass` keeps."""

    w: Any

    def __init__(self, w):
        self.w, self.twice = w, 2 * w


class Box:
    def __init__(self, content):
        self.content = content


def holding(w, computed):
    """A dataclass that has something beside its field which knows the field."""

    @dataclass
    class Holding:
        w: Any

        def __post_init__(self):
            self.kept = computed(self)

    return Holding(w)


@dataclass
class Settings:
    w: Any
    eps: float = field(default=1e-8, init=False)

    def __post_init__(self):
        self.name, self.activation, self.others, self.size, self.missing = "net", np.tanh, [tg.relu], 3, None


@pytest.mark.parametrize(
    ("tree", "name"),
    [
        (Squared(3.0), "square"),
        (Squared(W), "square"),
        (Halved(W), "half"),
        (ByHand(3.0), "twice"),
        (ByHand(3), "twice"),
        (holding(3.0, lambda self: Box(self.w)), "kept"),
        (holding(3.0, lambda self: lambda x: x * self.w), "kept"),
        (holding(3, lambda self: 2 * self.w), "kept"),
    ],
)
def test_numbers_that_a_constructor_computed_beside_its_fields_are_refused(tree, name):
    with pytest.raises(DataError, match=rf"has {name} beside its fields.*@property, def {name}\(self\)"):
        tg.grad(lambda tree: np.sum(getattr(tree, name)))(tree)
    with pytest.raises(DataError, match=f"has {name} beside its fields"):
        tg.compile(lambda tree: np.sum(getattr(tree, name)))(tree)


def test_what_cannot_have_been_computed_from_the_fields_is_kept():
    gradient = tg.grad(lambda s: s.activation(s.w) + s.eps * s.size)(Settings(0.0))
    assert (gradient.w, gradient.eps, gradient.size, gradient.name) == (1.0, 1e-8, 3, "net")


def test_where_no_field_changes_nothing_is_refused():
    told = Squared(3.0)
    gradient, aux = tg.grad(lambda x: (x * x, told), has_aux=True)(2.0)
    assert (gradient, aux.a, aux.square) == (4.0, 3.0, 9.0)


@dataclass
class Described:
    w: Any
    seen: list = field(default_factory=list, init=False)

    def __post_init__(self):
        self.count = len(self.w)
        self.text = f"{self.count} numbers"


def test_what_a_constructor_notes_beside_numbers_is_kept_in_copies_which_share_no_list():
    tree = Described(W)

    def f(tree):
        tree.seen.append("here")
        return np.sum(tree.w) * tree.count

    gradient = tg.grad(f)(tree)
    assert (gradient.count, gradient.text, gradient.w.tolist(), tree.seen) == (3, "3 numbers", [3.0, 3.0, 3.0], [])


def test_the_default_of_a_dict_is_kept():
    gradient = tg.grad(lambda p: p["w"] ** 2)(defaultdict(list, w=3.0))
    assert gradient == {"w": 6.0}
    assert gradient["missing"] == []


def test_the_users_tree_is_not_changed():
    tree = {"w": W.copy(), "rest": [B]}
    before = tree["w"]
    tg.grad(lambda p: np.sum(p["w"]) * p["rest"][0])(tree)
    assert tree["w"] is before
    assert type(tree["rest"][0]) is float


def test_a_function_may_change_the_tree_that_it_gets():
    def changing(p):
        p["w"] = p["w"] ** 2
        return p["w"] + p["rest"].pop()

    tree = {"w": 3.0, "rest": [1.0]}
    assert tg.grad(changing)(tree) == {"w": 6.0, "rest": [1.0]}
    assert tg.hvp(changing, tree, tree) == {"w": 6.0, "rest": [0.0]}
    assert tree == {"w": 3.0, "rest": [1.0]}


def test_values_in_trees_are_named_after_their_places():
    names = []
    tg.grad(lambda p: names.extend(leaf.name for leaf in tree_leaves(p)) or p["w"][1])({"w": [1.0, 2.0], "l": Layer(1.0, 2.0)})
    assert names == ["p['w'][0]", "p['w'][1]", "p['l'].w", "p['l'].b"]


def test_a_value_is_a_leaf():
    value = Value(W)
    assert [leaf is value for leaf in tree_leaves({"a": [value, None]})] == [True]
    assert tree_map_named(lambda path, leaf: (path, leaf is value), {"a": (value,)}, "p") == {"a": (("p['a'][0]", True),)}


def nested(leaf, depth):
    """A leaf in a list in a list, and so on."""
    tree = leaf
    for _ in range(depth):
        tree = [tree]
    return tree


def innermost(tree):
    while isinstance(tree, list):
        (tree,) = tree
    return tree


@pytest.mark.parametrize("depth", [1_000, 100_000 if EXHAUSTIVE else 10_000])
def test_trees_may_be_as_deep_as_they_like(depth):
    def square(tree):
        return innermost(tree) ** 2

    tree = nested(3.0, depth)
    assert innermost(tg.grad(square)(tree)) == 6.0
    assert innermost(tg.hvp(square, tree, nested(0.5, depth))) == 1.0
    value, pullback = tg.vjp(lambda x: nested(x**2, depth), 3.0)
    assert innermost(value) == 9.0
    assert pullback(nested(1.0, depth)) == (6.0,)
    assert innermost(tg.checkpoint(lambda x: nested(x**2, depth))(Value(3.0))).item() == 9.0
    assert list(tree_leaves(tree)) == [3.0]


def test_second_derivatives_of_deep_trees_are_deep_trees():
    hessian = tg.hessian(lambda tree: innermost(tree) ** 2)(nested(3.0, 1_000))
    assert innermost(hessian) == 2.0


def test_the_path_to_a_leaf_deep_in_a_tree_is_told_whole():
    with pytest.raises(DataError, match=re.escape("tree" + 40 * "[0]" + " cannot be differentiated")):
        tg.grad(innermost)(nested("text", 40))


def test_a_tree_that_contains_itself_is_an_error_that_says_so():
    tree = {"w": [1.0]}
    tree["w"].append(tree)
    for call in (
        lambda: tg.grad(lambda p: p["w"][0] ** 2)(tree),
        lambda: tg.vjp(lambda x: tree, 2.0),
        lambda: tg.checkpoint(lambda x: [x, tree])(Value(2.0)),
        lambda: tree_map(lambda leaf: leaf, tree),
    ):
        with pytest.raises(DataError, match=r"\['w'\]\[1\] is what contains it: a tree that contains itself has no end"):
            call()


def test_a_part_that_occurs_twice_in_a_tree_does_not_contain_itself():
    part = [1.0, 2.0]
    assert tg.grad(lambda p: p["a"][0] * p["b"][1])({"a": part, "b": part}) == {"a": [2.0, 0.0], "b": [0.0, 1.0]}


def test_the_functions_see_the_leaves_from_left_to_right():
    seen = []
    tree_map(seen.append, {"a": [1, (2, {"b": 3}), None, []], "c": 4})
    assert seen == [1, 2, 3, 4]


CYCLE = [1.0]
CYCLE.append(CYCLE)


@pytest.mark.parametrize("bad", [nested(1.0, 1_000), CYCLE], ids=["deep", "cyclic"])
def test_lists_without_end_are_no_numbers_and_no_options(bad):
    v, w = Value(2.0), Value(np.ones(3))
    for call in (
        lambda: Value(bad),
        lambda: (v * v).backward(bad),
        lambda: v + bad,
        lambda: w[bad],
        lambda: np.where(True, v, bad),
        lambda: v == bad,
        lambda: tg.primitive(lambda x, y: x, lambda g, out, x, y: g, None)(v, bad),
        lambda: tg.grad(lambda x: x, argnums=bad),
        lambda: tg.explain(bad),
        lambda: tg.draw(bad),
        lambda: tg.optim.SGD([v], lr=bad),
        lambda: tg.models.LinearRegression().fit([[1.0]], bad),
    ):
        with pytest.raises((DataError, ValueError), match=r"dimension|shape|contains itself|nested too deep|\[\.\.\.\]"):
            call()


def test_a_counter_keeps_its_gradients_by_key():
    assert tg.grad(lambda c: c["a"] * c["b"])(Counter(a=3, b=2)) == {"a": 2.0, "b": 3.0}


def circle():
    tree = [1.0]
    tree.append({"itself": tree})
    return tree


@pytest.mark.parametrize("transform", [tg.grad, tg.value_and_grad, tg.jacobian, tg.hessian, tg.elementwise_grad])
def test_an_argument_that_is_not_differentiated_may_contain_itself_outermost_and_nested(transform):
    def cube(x, tree):
        return x**3 * tree[0]

    outermost = transform(cube)(2.0, circle())
    np.testing.assert_array_equal(outermost, transform(lambda x: x**3)(2.0))
    nested = tg.jacobian(lambda x: transform(cube)(x, circle()))(2.0)
    np.testing.assert_array_equal(nested, tg.jacobian(transform(lambda x: x**3))(2.0))


def test_a_value_behind_a_circle_is_found_and_its_gradient_is_not_lost():
    w, tree = tg.Value(3.0), circle()
    tree.append((w,))
    slope = tg.grad(lambda x, tree: x**2 * tree[2][0])(2.0, tree)
    slope.backward()
    assert (slope.item(), float(w.grad)) == (12.0, 4.0)


def test_an_object_whose_class_has_no_hash_is_a_leaf():
    class Meta(type):
        def __eq__(cls, other):
            return cls is other

    class Option(metaclass=Meta):
        rate = 3.0

    option = Option()
    assert list(tree_leaves({"a": [option]})) == [option]
    assert tg.grad(lambda x, option: x * option.rate)(2.0, option) == 3.0
    assert tg.grad(lambda x, kind: x * kind.rate)(2.0, Option) == 3.0
    compiled = tg.compile(lambda x, option: x * option.rate, static=("option",))
    assert compiled(2.0, option) == compiled(2.0, option) == 6.0
    assert tg.compile(lambda x, kind: x * kind.rate)(2.0, Option) == 6.0


def test_a_tree_of_a_class_of_ones_own_goes_through_a_program_and_its_settings_belong_to_it():
    double = tg.compile(lambda box: tree_map(lambda x: x * (2 if box.label == "twice" else 3), box))
    found = double(Crate(W, B, "twice"))
    assert type(found) is Crate
    assert (found.w.tolist(), found.b, found.label) == ((2 * W).tolist(), 2 * B, "twice")
    assert double(Crate(W, B, "thrice")).w.tolist() == (3 * W).tolist()
    namespace: dict[str, Any] = {}
    exec(double.source, namespace)
    assert {step: np.sum(x) for step, x in namespace["function"](W, B).items()} == {"w": 3 * np.sum(W), "[1]": 3 * B}
