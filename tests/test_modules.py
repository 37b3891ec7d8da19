"""Modules: what they register, save and load, and what they are as trees."""

import copy
import pickle
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.errors import DataError, ShapeError, TracingError
from tinygrad_edu.nn import Linear, Module, Sequential, Tanh

X, T = np.random.default_rng(0).normal(size=(5, 2)), np.ones((5, 1))


def small():
    return Sequential(Linear(2, 3, rng=0), Tanh(), Linear(3, 1, rng=1))


def loss(model, X, t):
    return tg.nn.half_squared_error(model(X), t)


class Affine(Module):
    def __init__(self, w=(1.0, 2.0), b=0.5):
        super().__init__()
        self.w = tg.Value(np.array(w))
        self.b = tg.Value(b)
        self.seen = np.zeros(2)
        self.power = 2

    def forward(self, x):
        return (x @ self.w + self.b) ** self.power


@dataclass
class Pair:
    first: Any
    second: Any


class Tied(Module):
    """An encoder and a decoder with one matrix."""

    def __init__(self):
        super().__init__()
        self.encoder = Linear(2, 3, bias=False, rng=0)
        self.decoder = Linear(2, 3, bias=False, rng=1)
        self.decoder.weight = self.encoder.weight

    def forward(self, x):
        return np.tanh(self.encoder(x)) @ self.decoder.weight


def names(module):
    return [name for name, _ in module.named_parameters()]


# --- what is registered ------------------------------------------------------------------------------------------------------


def test_parameters_are_listed_in_the_order_of_definition_also_those_in_lists_dicts_and_dataclasses():
    class Net(Module):
        def __init__(self):
            super().__init__()
            self.layers = [Linear(2, 3), np.tanh]
            self.scale = tg.Value(1.0)
            self.heads = {"a": Linear(3, 1, bias=False), "b": (tg.Value(2.0), 3.0)}
            self.pair = Pair(tg.Value(1.0), "text")
            self.constant = tg.Value(1.0, requires_grad=False)
            self.computed = self.scale * 2

    net = Net()
    assert names(net) == ["layers.0.weight", "layers.0.bias", "scale", "heads.a.weight", "heads.b.0", "pair.first"]
    net.layers.append(Linear(3, 1))
    assert names(net)[2:4] == ["layers.2.weight", "layers.2.bias"]
    assert [type(module).__name__ for module in net.modules()] == ["Net", "Linear", "Linear", "Linear"]
    assert [name for name, _ in net.named_modules()] == ["", "layers.0", "layers.2", "heads.a"]


def test_a_tied_parameter_is_listed_and_counted_once():
    tied = Tied()
    assert names(tied) == ["encoder.weight"]
    assert repr(tied).splitlines()[0] == "Tied()  # 6 parameters"
    assert list(tied.state_dict()) == ["encoder.weight", "decoder.weight"]


def test_a_module_that_occurs_twice_is_listed_once_and_one_may_know_what_contains_it():
    layer = Linear(2, 2)
    twice = Sequential(layer, layer)
    assert names(twice) == ["0.weight", "0.bias"]
    assert twice.modules() == [twice, layer]
    layer.around = twice
    assert names(twice) == ["0.weight", "0.bias"]
    gradient = tg.grad(lambda model: np.sum(model(X) ** 2))(twice)
    assert gradient[0] is gradient[1]
    np.sum(twice(X) ** 2).backward()
    np.testing.assert_allclose(gradient[0].weight, layer.weight.grad, rtol=1e-12)


def test_an_array_is_a_buffer_and_a_setting_is_neither():
    affine = Affine()
    assert names(affine) == ["w", "b"]
    assert [name for name, _ in affine.named_buffers()] == ["seen"]
    assert [name for name, _ in Sequential(affine).named_buffers()] == ["0.seen"]
    affine.seen = np.array([1, 2])
    assert affine.seen.tolist() == [1.0, 2.0]
    assert affine.seen.dtype == np.float64
    affine.seen[0] = 5.0
    assert affine.state_dict()["seen"].tolist() == [5.0, 2.0]
    with pytest.raises(ShapeError, match=r"buffer seen has shape \(2,\), but got an array of shape \(3,\)"):
        affine.seen = np.zeros(3)
    affine.seen = None
    assert affine.named_buffers() == []


def test_a_value_takes_the_place_of_a_buffer_in_the_constructor_and_gives_it_numbers_later():
    class Net(Module):
        def __init__(self):
            super().__init__()
            self.w = np.zeros(2)
            self.w = tg.Value([1.0, 2.0])
            self.last = np.zeros(2)

        def forward(self, x):
            self.last = self.w
            return x @ self.w

    net = Net()
    net(X)
    assert (names(net), [name for name, _ in net.named_buffers()], net.last.tolist()) == (["w"], ["last"], [1.0, 2.0])


def test_a_list_that_grows_in_forward_grows_also_within_a_transform():
    class Notes(Affine):
        def __init__(self):
            super().__init__()
            self.notes = []

        def forward(self, x):
            self.notes.append(x.shape)
            return super().forward(x)

    model = Notes()
    model(X)
    tg.grad(loss)(model, X, np.ones(5))
    assert model.notes == [(5, 2), (5, 2)]


def test_a_buffer_of_whole_numbers_stays_one():
    module = Module()
    module.count = np.array(0)
    module.count += 1
    assert module.count == 1
    assert module.count.dtype.kind == "i"
    with pytest.raises(DataError, match="would be rounded"):
        module.count = np.array(1.5)
    with pytest.raises(DataError, match="keeps arrays of numbers"):
        module.words = np.array(["a"])


def test_parameters_are_called_as_they_are_found_unless_the_user_has_named_them():
    class Net(Module):
        def __init__(self):
            super().__init__()
            self.hidden = Linear(2, 3)
            self.output = Sequential(Linear(3, 1, bias=False), Sequential(Linear(1, 1)))
            self.output[1][0].bias.name = "beta"

    assert [value.name for value in Net().parameters()] == [
        "hidden_weight",
        "hidden_bias",
        "output_0_weight",
        "output_1_0_weight",
        "beta",
    ]
    assert [value.name for value in Sequential(Linear(1, 1), Sequential(Linear(1, 1))).parameters()] == [
        "weight_0", "bias_0", "weight_1_0", "bias_1_0",
    ]  # fmt: skip


def test_the_repr_shows_shapes_and_counts():
    assert repr(small()) == (
        "Sequential()  # 13 parameters\n"
        "  (0) Linear(2, 3)  # weight (3, 2), bias (3,): 9 parameters\n"
        "  (1) Tanh()\n"
        "  (2) Linear(3, 1)  # weight (1, 3), bias (1,): 4 parameters"
    )
    assert repr(Affine()) == "Affine()  # w (2,), b (): 3 parameters"


def test_train_and_eval_reach_all_modules():
    model = Sequential(small(), Tanh())
    assert model.eval() is model
    assert not any(module.training for module in model.modules())
    model.train()
    assert all(module.training for module in model.modules())
    with pytest.raises(DataError, match="mode must be True or False"):
        model.train("no")


# --- mistakes ----------------------------------------------------------------------------------------------------------------


def test_a_forgotten_super_init_is_an_error_that_says_so():
    class Assigns(Module):
        def __init__(self):
            self.w = tg.Value(1.0)

    class AssignsNothing(Module):
        def __init__(self):
            pass

    with pytest.raises(
        DataError, match=r"Assigns\.w is assigned too early\. Let Assigns\.__init__ begin with super\(\)\.__init__\(\)"
    ):
        Assigns()
    with pytest.raises(DataError, match=r"AssignsNothing is not ready\. Let AssignsNothing\.__init__ begin with super"):
        AssignsNothing()


def test_a_typo_is_told_and_a_new_attribute_is_not_taken_for_one():
    model = Affine()
    with pytest.raises(DataError, match=r"Affine has no attribute 'trainin'; did you mean 'training'\?"):
        model.trainin = False
    with pytest.raises(DataError, match=r"did you mean 'power'\?"):
        model.powr = 3
    model.w2 = tg.Value(1.0)
    model.note = "a note"
    model.power = 3
    assert names(model) == ["w", "b", "w2"]
    with pytest.raises(AttributeError, match="'Affine' object has no attribute 'weight'"):
        print(model.weight)


def test_the_name_of_a_method_cannot_be_given_to_an_attribute():
    with pytest.raises(DataError, match=r"Affine\.train is a method"):
        Affine().train = True
    with pytest.raises(DataError, match=r"Affine\.forward is a method"):
        Affine().forward = np.tanh


def test_an_array_does_not_take_the_place_of_a_parameter():
    model = Affine()
    with pytest.raises(DataError, match=r"w is a parameter of Affine: give it other numbers by \.w\.data = array"):
        model.w = np.zeros(2)
    model.w = tg.Value(np.zeros(2))
    model.b = None
    assert names(model) == ["w"]


def test_a_module_without_forward_says_so():
    with pytest.raises(DataError, match="Module has no forward: write"):
        Module()(1.0)


def test_what_is_no_layer_is_refused_and_a_class_is_told_to_be_one():
    with pytest.raises(DataError, match="layer 1 is 3"):
        Sequential(Tanh(), 3)
    with pytest.raises(DataError, match="It is a class: write it with brackets"):
        Sequential(Tanh)


def test_linear_says_which_shape_it_takes():
    with pytest.raises(ShapeError, match=r"takes an input of shape \(\.\.\., 2\), but got one of shape \(5, 3\)"):
        Linear(2, 3)(np.ones((5, 3)))
    with pytest.raises(DataError, match="in_features must be a whole number of at least 1"):
        Linear(0, 3)
    with pytest.raises(DataError, match="rng is a seed"):
        Linear(2, 3, rng="dice")


# --- state -------------------------------------------------------------------------------------------------------------------


def test_a_state_goes_from_one_module_to_another():
    model, other = Sequential(small(), Affine([1.0], 2.0)), Sequential(small(), Affine([0.0], 0.0))
    model[1].seen = np.array([3.0, 4.0])
    state = model.state_dict()
    assert list(state) == ["0.0.weight", "0.0.bias", "0.2.weight", "0.2.bias", "1.w", "1.b", "1.seen"]
    assert other.load_state_dict(state) is other
    np.testing.assert_array_equal(other(X).data, model(X).data)
    assert other[1].seen.tolist() == [3.0, 4.0]
    state["0.0.weight"][:] = 0.0
    assert np.all(model[0][0].weight.data != 0.0)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (
            lambda state: state.pop("0.bias"),
            DataError,
            "this state does not fit Sequential: 0.bias is missing. Nothing was loaded.",
        ),
        (lambda state: state.update(extra=1.0), DataError, "extra is not expected"),
        (lambda state: state.update({"2.bias": np.zeros(7)}), ShapeError, "2.bias has shape (7,), but should have (1,)"),
        (lambda state: state.update({"2.bias": np.array(["a"])}), DataError, "2.bias is made of <U1, not of numbers"),
        (lambda state: state.update({"3.count": 1.5}), DataError, "3.count is made of float64, which would be rounded to int64"),
        (lambda state: state.update({"4.bias": np.ones(3)}), DataError, "0.bias and 4.bias are the same here, but differ there"),
    ],
)
def test_a_state_that_does_not_fit_is_named_and_nothing_is_loaded(change, error, words):
    layers = small()
    model = Sequential(*layers, Module(), layers[0])
    model[3].count = np.array(3)
    before = model.state_dict()
    state = {name: np.zeros_like(x) for name, x in before.items()}
    change(state)
    with pytest.raises(error, match=re.escape(words)):
        model.load_state_dict(state)
    for name, x in model.state_dict().items():
        np.testing.assert_array_equal(x, before[name])


@pytest.mark.parametrize("state", [None, 3, [np.zeros(3)]])
def test_what_is_no_state_is_refused(state):
    with pytest.raises(DataError, match="load_state_dict takes what state_dict gave, arrays by their names, but got"):
        small().load_state_dict(state)


def test_a_parameter_that_is_frozen_belongs_to_the_state():
    model, other = small(), small()
    model[0].weight.requires_grad = other[0].weight.requires_grad = False
    model[0].weight.data = np.full((3, 2), 7.0)
    assert names(model) == ["0.bias", "2.weight", "2.bias"]
    assert list(model.state_dict()) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    other.load_state_dict(model.state_dict())
    np.testing.assert_array_equal(other[0].weight.data, np.full((3, 2), 7.0))
    np.testing.assert_array_equal(small().load_state_dict(model.state_dict())[0].weight.data, np.full((3, 2), 7.0))


def test_the_buffers_of_a_module_that_occurs_twice_have_both_names():
    layer = tg.nn.BatchNorm(2)
    twice = Sequential(layer, np.tanh, layer)
    layer(X)
    state = twice.state_dict()
    assert {"0.running_mean", "2.running_mean"} <= state.keys()
    again = tg.nn.BatchNorm(2)
    Sequential(again, np.tanh, again).load_state_dict(state)
    np.testing.assert_array_equal(again.running_mean, layer.running_mean)


def test_a_copy_with_other_parameters_does_not_load():
    gradient = tg.grad(loss)(small(), X, T)
    with pytest.raises(DataError, match="is a copy with other parameters"):
        gradient.load_state_dict(gradient.state_dict())


def test_two_things_of_one_name_are_told():
    module = Module()
    module.heads = {1: tg.Value(1.0), "1": tg.Value(2.0)}
    with pytest.raises(DataError, match=r"two things in Module are called heads\.1"):
        module.state_dict()


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_a_copy_has_parameters_and_buffers_of_its_own_and_keeps_what_is_tied(copied):
    model = Sequential(small(), Tied())
    model.seen = np.zeros(1)
    twin = copied(model)
    assert names(twin) == names(model)
    assert twin[1].decoder.weight is twin[1].encoder.weight
    twin[0][0].weight.data[:] = 0.0
    twin.seen[:] = 7.0
    assert np.all(model[0][0].weight.data != 0.0)
    assert model.seen.tolist() == [0.0]


# --- the tree ----------------------------------------------------------------------------------------------------------------


def expected(model):
    model.zero_grad()
    loss(model, X, T).backward()
    return [value.grad for value in model.parameters()]


def test_the_gradient_is_a_module_with_arrays_in_place_of_parameters():
    model = small()
    value, gradient = tg.value_and_grad(loss)(model, X, T)
    assert type(value) is np.float64
    assert type(gradient) is Sequential
    assert type(gradient[0]) is Linear
    assert names(gradient) == names(model)
    for found, wanted in zip(gradient.parameters(), expected(model), strict=True):
        assert type(found) is np.ndarray
        np.testing.assert_array_equal(found, wanted)


def test_no_constructor_is_run_for_a_gradient_and_the_module_stays_as_it_was():
    class Fussy(Affine):
        def __init__(self, must):
            super().__init__()

    model = Fussy("be given")
    before = dict(vars(model))
    gradient = tg.grad(loss)(model, X, np.ones(5))
    assert type(gradient) is Fussy
    assert gradient.power == 2
    assert vars(model) == before
    assert model.w.grad is None


def test_a_tied_parameter_has_one_gradient():
    tied = Tied()

    def reconstruction(model, X):
        return np.mean((model(X) - X) ** 2)

    gradient = tg.grad(reconstruction)(tied, X)
    assert gradient.encoder.weight is gradient.decoder.weight
    reconstruction(tied, X).backward()
    np.testing.assert_allclose(gradient.encoder.weight, tied.encoder.weight.grad, rtol=1e-14)
    compiled = tg.compile(tg.grad(reconstruction))(tied, X)
    assert names(compiled) == ["encoder.weight"]
    np.testing.assert_allclose(compiled.decoder.weight, tied.encoder.weight.grad, rtol=1e-12)


def test_jvp_hvp_and_nested_transforms_take_a_module():
    model = small()
    gradient = tg.grad(loss)(model, X, T)
    total = sum(np.sum(g**2) for g in gradient.parameters())
    value, slope = tg.jvp(lambda model: loss(model, X, T), model, gradient)
    assert value == loss(model, X, T).item()
    np.testing.assert_allclose(slope, total, rtol=1e-12)

    def square(model):
        return 0.5 * sum(np.sum(g**2) for g in tg.grad(loss)(model, X, T).parameters())

    product, nested = tg.hvp(lambda model: loss(model, X, T), model, gradient), tg.grad(square)(model)  # both are H·g
    for a, b in zip(product.parameters(), nested.parameters(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-15)


def test_a_module_may_be_a_part_of_another_tree_and_stand_beside_a_value():
    model, scale = small(), tg.Value(2.0)

    def scaled(tree, X):
        return tree["scale"] * loss(tree["net"], X, T)

    gradient = tg.grad(scaled)({"net": model, "scale": 2.0}, X)
    for found, wanted in zip(gradient["net"].parameters(), expected(model), strict=True):
        np.testing.assert_allclose(found, 2 * wanted, rtol=1e-14)
    scaled({"net": model, "scale": scale}, X).backward()
    np.testing.assert_allclose(scale.grad, gradient["scale"], rtol=1e-14)


def test_a_frozen_parameter_is_no_leaf_and_has_no_gradient():
    model = small()
    model[0].weight.requires_grad = False
    gradient = tg.grad(loss)(model, X, T)
    assert names(gradient) == names(model) == ["0.bias", "2.weight", "2.bias"]
    assert gradient[0].weight is model[0].weight
    compiled = tg.compile(tg.grad(loss))
    compiled(model, X, T)
    model[0].weight.data = np.zeros((3, 2))
    for found, wanted in zip(compiled(model, X, T).parameters(), expected(model), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-15)


def test_a_checkpointed_module_keeps_its_gradients():
    model = small()
    wanted = expected(model)
    model.zero_grad()
    tg.nn.half_squared_error(tg.checkpoint(model)(X), T).backward()
    for value, gradient in zip(model.parameters(), wanted, strict=True):
        np.testing.assert_allclose(value.grad, gradient, rtol=1e-14)
    model.zero_grad()
    tg.nn.half_squared_error(tg.checkpoint(lambda model, X: model(X))(model, X), T).backward()
    for value, gradient in zip(model.parameters(), wanted, strict=True):
        np.testing.assert_allclose(value.grad, gradient, rtol=1e-14)


def test_what_is_assigned_to_a_copy_within_a_transform_is_an_error_and_not_lost():
    class Remembers(Affine):
        def forward(self, x):
            self.last = super().forward(x)
            return self.last

    model = Remembers()
    model(X)
    assert model.last.shape == (5,)
    with pytest.raises(DataError, match=r"Remembers\.last is assigned in a function that is being transformed"):
        tg.grad(loss)(model, X, np.ones(5))
    with pytest.raises(TracingError, match=r"Remembers\.last is assigned in a function that is being compiled"):
        tg.compile(lambda X: model(X))(X)


# --- compiled ----------------------------------------------------------------------------------------------------------------


def test_a_compiled_step_takes_a_module_and_returns_one():
    model = small()
    gradient = tg.compile(tg.grad(loss))

    def step(model, X, t):
        gradient = tg.grad(loss)(model, X, t)
        return type(model).__tree_with__(
            model, [w - 0.1 * d for w, d in zip(model.parameters(), gradient.parameters(), strict=True)]
        )

    compiled = tg.compile(step)
    by_hand = [w.numpy() - 0.1 * d for w, d in zip(model.parameters(), expected(model), strict=True)]
    moved = compiled(model, X, T)
    for found, wanted in zip(moved.parameters(), by_hand, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-12)
    again = gradient(moved, X, T)  # a module of arrays goes in, too
    model.load_state_dict(moved.state_dict())
    for found, wanted in zip(again.parameters(), expected(model), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-12)


def test_a_compiled_function_sees_new_numbers_other_settings_and_other_modules():
    model = Affine()
    compiled = tg.compile(lambda model, x: model(x))
    x = np.array([1.0, 1.0])
    assert compiled(model, x) == 3.5**2
    model.b.data = 1.5
    assert compiled(model, x) == 4.5**2
    model.power = 3
    assert compiled(model, x) == 4.5**3
    assert compiled(Affine([0.0, 0.0], 2.0), x) == 2.0**2

    class Other(Affine):
        def forward(self, x):
            return self.b

    assert compiled(Other(), x) == 0.5
    assert compiled(Sequential(Affine()), x) == 3.5**2
    assert compiled(Sequential(Other()), x) == 0.5


def test_a_function_compiled_around_a_module_reads_its_parameters_at_each_call():
    model = small()
    compiled = tg.compile(lambda X: model(X))
    np.testing.assert_allclose(compiled(X), model(X).data, rtol=1e-14)
    model[0].weight.data = np.zeros((3, 2))
    np.testing.assert_allclose(compiled(X), model(X).data, rtol=1e-14)
    whole = tg.compile(model)
    np.testing.assert_allclose(whole(x=X), model(X).data, rtol=1e-14)
    assert "def Sequential(x, weight_0, bias_0, weight_2, bias_2):" in whole.source


def test_the_source_of_a_gradient_reads_like_a_textbook():
    gradient = tg.compile(tg.value_and_grad(loss))
    gradient(small(), X, T)
    assert gradient.source[gradient.source.rindex('"""') + 4 : gradient.source.rindex("    return")] == (
        "    tanh = np.tanh(X @ model_0_weight.T + model_0_bias)  # (5, 3)\n"
        "    difference = t - (tanh @ model_2_weight.T + model_2_bias)  # (5, 1)\n"
        "    loss = 0.5 * np.mean(difference ** 2)\n"
        "    d_total = -0.2 * difference\n"
        "    d_total_2 = d_total @ model_2_weight * (1 - tanh ** 2)\n"
        "    d_model_0_weight = d_total_2.T @ X\n"
        "    d_model_0_bias = np.sum(d_total_2, axis=0)\n"
        "    d_model_2_weight = -0.2 * difference.T @ tanh\n"
        "    d_model_2_bias = np.sum(d_total, axis=0)\n"
    )
    namespace: dict[str, Any] = {}
    exec(gradient.source, namespace)
    numbers = [value.numpy() for value in small().parameters()]
    value, parts = namespace["loss"](*numbers, X, T)
    assert value == loss(small(), X, T).item()
    assert list(parts) == ["[0].weight", "[0].bias", "[2].weight", "[2].bias"]


def test_modules_that_say_they_are_equal_are_two_all_the_same():
    class Equal(tg.nn.Module):
        def __init__(self, inner=None):
            super().__init__()
            self.w, self.inner = tg.Value(1.0), inner

        def __eq__(self, other):
            return isinstance(other, Equal)

        __hash__ = object.__hash__

    assert [name for name, _ in Equal(Equal()).named_parameters()] == ["w", "inner.w"]
