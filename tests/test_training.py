"""Training: what fit does, eager and compiled; checkpoints that survive any end; and what is said when it goes wrong."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.profile import EXHAUSTIVE
from tinygrad_edu import saving
from tinygrad_edu.array_files import file_of_arrays
from tinygrad_edu.errors import DataError, DivergenceError, GradientError, ShapeError
from tinygrad_edu.training import EarlyStopping, accuracy, diagnose, fit, load_state, save_state, sharpness

X, T = tg.data.moons(50, seed=1)
both = pytest.mark.parametrize("compile", [False, True], ids=["eager", "compiled"])


class Scaled(tg.nn.Module):
    """Has a buffer, which it moves in training, and a random generator."""

    def __init__(self):
        super().__init__()
        self.scale = tg.Value(np.ones(8))
        self.mean = np.zeros(8)
        self.rng = np.random.default_rng(3)

    def forward(self, x):
        if self.training:
            self.mean = 0.9 * self.mean + 0.1 * np.mean(x, axis=0)
        return (x - self.mean) * self.scale


def network(middle=np.tanh):
    return tg.nn.Sequential(tg.nn.Linear(2, 8, rng=0), middle, tg.nn.Linear(8, 2, rng=1))


def trained(module=None, optimizer=None, data=None, epochs=3, loss=tg.nn.softmax_cross_entropy, **settings):
    module = network() if module is None else module
    history = fit(
        module,
        loss,
        tg.optim.Adam(lr=0.05) if optimizer is None else optimizer,
        tg.data.batches(X, T, batch_size=8) if data is None else data,
        epochs=epochs,
        **settings,
    )
    return module, history


def same(a, b):
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


# --- fit -----------------------------------------------------------------------------------------------------------------------


def test_it_does_what_one_would_write_by_hand():
    module, history = trained()
    by_hand, losses = network(), []
    optimizer = tg.optim.Adam(by_hand.parameters(), lr=0.05)
    data = tg.data.batches(X, T, batch_size=8)
    for _ in range(3):
        total = 0.0
        for x, t in data:
            optimizer.zero_grad()
            loss = tg.nn.softmax_cross_entropy(by_hand(x), t)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(t)
        losses.append(total / len(X))
    assert same(module.state_dict(), by_hand.state_dict())
    assert history["loss"] == losses


@pytest.mark.parametrize("middle", [np.tanh, tg.nn.ReLU(), Scaled()], ids=["tanh", "ReLU", "with a buffer"])
def test_compiled_it_goes_the_same_way(middle):
    state = middle.state_dict() if isinstance(middle, tg.nn.Module) else None
    results = []
    for compile in (False, True):
        if state is not None:
            middle.load_state_dict(state)
        results.append(trained(network(middle), compile=compile))
        results[-1] = {**results[-1][0].state_dict()}, results[-1][1]
    (eager, eager_history), (compiled, compiled_history) = results
    for name in eager:
        np.testing.assert_allclose(compiled[name], eager[name], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(compiled_history["loss"], eager_history["loss"], rtol=1e-10)


def test_compiled_parameters_have_their_groups_and_their_order():
    results = []
    for compile in (False, True):
        module = network()
        first, second = module.parameters()[:2], module.parameters()[2:]
        optimizer = tg.optim.SGD([{"params": second, "lr": 0.5}, {"params": first}], lr=0.1, momentum=0.9, clip_norm=0.5)
        results.append(trained(module, optimizer, compile=compile)[0].state_dict())
    for name in results[0]:
        np.testing.assert_allclose(results[1][name], results[0][name], rtol=1e-9)


@both
def test_weight_decay_moves_also_a_parameter_that_the_loss_does_not_depend_on(compile):
    module = network()
    module.unused = tg.Value(np.ones(2))
    trained(module, tg.optim.AdamW(lr=0.1, weight_decay=0.5), data=tg.data.batches(X, T, batch_size=None), compile=compile)
    np.testing.assert_allclose(module.unused.data, 0.95**3, rtol=1e-12)


class Alike(tg.nn.Module):
    """Has a parameter a_weight beside a.weight."""

    def __init__(self):
        super().__init__()
        self.a = tg.nn.Linear(2, 2, rng=0)
        self.a_weight = tg.Value(np.eye(2))

    def forward(self, x):
        return self.a(x) @ self.a_weight


def test_names_of_parameters_may_be_alike():
    eager, compiled = trained(Alike())[0], trained(Alike(), compile=True)[0]
    for ours, theirs in zip(eager.parameters(), compiled.parameters(), strict=True):
        np.testing.assert_allclose(ours.data, theirs.data, rtol=1e-9)


@both
def test_an_optimizer_with_parameters_trains_these_and_goes_on_where_it_was(compile):
    whole, _ = trained(epochs=4, compile=compile)
    module = network()
    optimizer = tg.optim.Adam(module.parameters(), lr=0.05)
    data = tg.data.batches(X, T, batch_size=8)
    trained(module, optimizer, data, epochs=2, compile=compile)
    trained(module, optimizer, data, epochs=4, compile=compile)
    assert same(whole.state_dict(), module.state_dict())
    one = network()
    before = one.state_dict()
    trained(one, tg.optim.SGD(one.parameters()[:1], lr=0.1), compile=compile)
    changed = [name for name, x in one.state_dict().items() if not np.array_equal(x, before[name])]
    assert changed == ["0.weight"]


def test_an_epoch_without_its_last_batch_has_the_mean_loss_of_the_others():
    _, history = trained(data=tg.data.batches(X, T, batch_size=30, drop_last=True), optimizer=tg.optim.SGD(lr=0.0), epochs=1)
    x, t = next(iter(tg.data.batches(X, T, batch_size=30)))
    assert history["loss"] == [pytest.approx(tg.nn.softmax_cross_entropy(network()(x), t).item(), rel=1e-12)]


def test_a_pair_of_arrays_is_taken_in_batches_of_32():
    module, _ = trained(data=(X, T))
    assert same(module.state_dict(), trained(data=tg.data.batches(X, T))[0].state_dict())


def test_several_inputs_go_to_the_module():
    class Sum(tg.nn.Module):
        def __init__(self):
            super().__init__()
            self.w = tg.Value([1.0, 1.0])

        def forward(self, a, b):
            return self.w[0] * a + self.w[1] * b

    a, b = np.random.default_rng(0).normal(size=(2, 40))
    module, _ = trained(Sum(), tg.optim.SGD(lr=0.5), (a, b, 2 * a - 3 * b), 60, tg.nn.half_squared_error)
    np.testing.assert_allclose(module.w.data, [2, -3], rtol=1e-3)


@both
def test_held_out_samples_are_measured_after_each_epoch_in_evaluation_mode(compile):
    modes = []

    class Watched(tg.nn.Module):
        def forward(self, x):
            modes.append(self.training)
            return x

    held_out = tg.data.moons(20, seed=2)
    module = tg.nn.Sequential(Watched(), *network())
    module, history = trained(module, held_out=held_out, metrics={"accuracy": accuracy}, compile=compile)
    assert list(history.columns) == ["loss", "held-out loss", "accuracy"]
    assert history["accuracy"][-1] == accuracy(module(held_out[0]), held_out[1])
    assert history["held-out loss"][-1] == tg.nn.softmax_cross_entropy(module(held_out[0]), held_out[1]).item()
    assert modes.count(False) == 3
    assert module.training


def test_a_module_in_evaluation_mode_is_so_again_afterwards():
    assert trained(network().eval())[0].training is False


def test_a_part_in_evaluation_mode_is_so_again_afterwards_and_the_others_are_as_they_were():
    module = tg.nn.Sequential(*network())
    module[0].eval()
    modes = [part.training for part in module.modules()]
    trained(module)
    assert sorted(set(modes)) == [False, True]
    assert [part.training for part in module.modules()] == modes


def test_a_loss_below_zero_may_rise_above_it():
    losses = iter([-0.5, -0.5, 3.0])

    def loss(prediction, target):
        return tg.nn.mean_squared_error(prediction, target) * 0.0 + next(losses)

    history = fit(tg.nn.Linear(1, 1), loss, tg.optim.SGD(lr=0.1), ([[1.0]], [[2.0]]), epochs=2, quiet=True)
    assert history["loss"] == [-0.5, 3.0]


def test_early_stopping_ends_it_and_gives_back_the_best():
    numbers = iter([3.0, 2.0, 2.5, 2.4, 2.3, 9.0])
    states = []

    def metric(prediction, target):
        return next(numbers)

    def noted(run):
        run.history["held-out loss"][-1] = run.history["metric"][-1]
        states.append(run.module.state_dict())

    for compile in (False, True):
        numbers, states = iter([3.0, 2.0, 2.5, 2.4, 2.3, 9.0]), []
        module, history = trained(
            epochs=50, held_out=(X, T), metrics={"metric": metric}, callbacks=[noted, EarlyStopping(2)], compile=compile
        )
        assert history["metric"] == [3.0, 2.0, 2.5, 2.4, 2.3]
        assert same(module.state_dict(), states[1])
    numbers, states = iter([3.0, 2.0, 1.95, 1.94, 1.93, 1.92]), []
    module, history = trained(
        epochs=50, held_out=(X, T), metrics={"metric": metric}, callbacks=[noted, EarlyStopping(2, least=0.1, restore=False)]
    )
    assert len(history) == 5
    assert same(module.state_dict(), states[-1])


@both
def test_on_a_plateau_the_learning_rate_falls_in_the_program_too(compile):
    module = network()
    optimizer = tg.optim.SGD(module.parameters(), lr=1e-3)
    plateau = tg.optim.ReduceOnPlateau(optimizer, factor=0.5, patience=0, threshold=0.5)
    moved = []

    def noted(run):
        moved.append(run.module.state_dict()["2.bias"])

    trained(module, optimizer, tg.data.batches(X, T, batch_size=None), 4, callbacks=[noted, plateau], compile=compile)
    assert optimizer.lr == 1e-3 / 8
    steps = np.abs(np.diff(moved, axis=0))[:, 0]
    np.testing.assert_allclose(steps / steps[0], [1, 0.5, 0.25], rtol=0.05)


@both
def test_a_callback_may_change_the_module(compile):
    def zero(run):
        for parameter in run.module.parameters():
            parameter.data = np.zeros(parameter.shape)

    module, history = trained(epochs=2, callbacks=[zero], compile=compile)
    assert all(not x.any() for x in module.state_dict().values())
    data = tg.data.batches(X, T, batch_size=None)
    _, history = trained(data=data, epochs=2, callbacks=[zero], compile=compile)
    assert history["loss"][1] == pytest.approx(np.log(2))


def test_ctrl_c_leaves_the_module_as_after_its_last_step():
    calls = []

    def interrupted(prediction, target):
        calls.append(target)
        if len(calls) == 2 + 7 + 5:  # it is asked for all targets first
            raise KeyboardInterrupt
        return tg.nn.softmax_cross_entropy(prediction, target)

    module = network()
    with pytest.raises(KeyboardInterrupt):
        trained(module, loss=interrupted)
    assert not same(module.state_dict(), network().state_dict())


def test_a_history_is_a_table_and_a_picture():
    _, history = trained(held_out=(X, T))
    table = history.to_table()
    assert list(table) == ["epoch", "loss", "held-out loss"]
    assert table["epoch"].tolist() == [1, 2, 3]
    pytest.importorskip("matplotlib").use("Agg")
    axes = history.plot()
    assert [line.get_label() for line in axes.lines] == ["loss", "held-out loss"]
    assert axes.lines[0].get_ydata().tolist() == history["loss"]
    assert repr(tg.training.History()) == "<History of 0 epochs>"


def test_accuracy_is_the_share_of_right_labels():
    assert accuracy(np.array([[1, 2], [4, 3], [0, 1]]), [1, 0, 0]) == pytest.approx(2 / 3)
    assert accuracy(tg.Value([0.0, 1.0, -1.0]), [0, 1, 1]) == pytest.approx(2 / 3)
    with pytest.raises(DataError, match=r"shape \(2,\) and labels of shape \(3,\)"):
        accuracy([1.0, 2.0], [1, 2, 3])


@pytest.mark.parametrize(
    ("prediction", "labels", "words"),
    [
        ([[2.0], [3.0], [-1.0]], [1, 1, 0], r"shape \(3, 1\) and labels of shape \(3,\)"),
        ([[2.0, 1.0]], [0, 1, 1], r"shape \(1, 2\) and labels of shape \(3,\)"),
        ([2.0, -1.0], [1, -1], "are 0 or 1, but are"),
    ],
)
def test_predictions_and_labels_that_do_not_go_together_have_no_accuracy(prediction, labels, words):
    with pytest.raises(DataError, match=words):
        accuracy(prediction, labels)


LINE = tg.nn.Linear(2, 2)


@both
@pytest.mark.parametrize(
    ("fails", "error", "words"),
    [
        (lambda **s: trained(data=(X, T + 1), **s), DataError, "classes are counted from 0 to 1, but 2 is among them"),
        (lambda **s: trained(data=(X, np.where(np.arange(50) == 49, 7, T)), **s), DataError, "but 7 is among them"),
        (lambda **s: trained(data=(X, T + 0.5), **s), DataError, "classes must be whole numbers"),
        (lambda **s: trained(data=(X, T[:-1]), **s), ShapeError, "50 and 49 rows"),
        (lambda **s: trained(data=(X[:0], T[:0]), **s), ShapeError, "at least one"),
        (lambda **s: trained(data=(X,), **s), DataError, "no target"),
        (lambda **s: trained(data=X, **s), DataError, "data are tg.data.batches"),
        (lambda **s: trained(data=(X[:, :1], T), **s), ShapeError, "takes an input of shape"),
        (lambda **s: trained(epochs=-1, **s), DataError, "epochs must be"),
        (lambda **s: trained(every=0, **s), DataError, "every must be"),
        (lambda **s: trained(quiet="no", **s), DataError, "quiet must be True or False"),
        (lambda **s: trained(np.tanh, **s), DataError, "fit takes a tg.nn.Module"),
        (lambda **s: trained(optimizer=0.1, **s), DataError, "fit takes an optimizer"),
        (lambda **s: trained(tg.nn.ReLU(), **s), DataError, "ReLU has no parameter to train"),
        (lambda **s: trained(optimizer=tg.optim.SGD(LINE.parameters()), **s), DataError, "no parameters of this module"),
        (lambda **s: trained(loss=lambda y, t: y, **s), GradientError, "single number"),
        (lambda **s: trained(metrics={"accuracy": accuracy}, **s), DataError, r"give some, held_out=\(X, t\)"),
        (lambda **s: trained(held_out=(X, T[:-1]), **s), ShapeError, "50 and 49 rows"),
    ],
)
def test_what_cannot_be_trained_is_refused_before_it_begins(fails, error, words, compile):
    with pytest.raises(error, match=words):
        fails(compile=compile)


def test_compile_is_a_flag():
    with pytest.raises(DataError, match="compile must be True or False"):
        trained(compile="yes")


def test_looking_at_the_targets_changes_nothing():
    middle = Scaled()
    module, _ = trained(network(middle), epochs=0)
    assert not middle.mean.any()
    assert same(module[0].state_dict(), network()[0].state_dict())


# --- when it goes wrong --------------------------------------------------------------------------------------------------------


def line(weight=3.0):
    return tg.nn.Linear(1, 1, bias=False).load_state_dict({"weight": [[weight]]})


def test_sharpness_is_the_largest_eigenvalue_of_the_hessian():
    rng = np.random.default_rng(0)
    A = rng.normal(size=(6, 6))
    A = A @ A.T
    assert sharpness(lambda w: 0.5 * w @ A @ w, np.ones(6), iterations=300) == pytest.approx(np.linalg.eigvalsh(A)[-1], rel=1e-6)
    tree = {"a": np.ones(2), "b": 1.0}
    assert sharpness(lambda p, k: k * (np.sum(p["a"] ** 2) + 5 * p["b"] ** 2), tree, 3.0) == pytest.approx(30)
    assert sharpness(lambda w: -4 * np.sum(w**2), np.ones(3)) == pytest.approx(-8)
    assert sharpness(lambda w: np.sum(w), np.ones(3)) == 0
    with pytest.raises(DataError, match="iterations must be"):
        sharpness(lambda w: np.sum(w), np.ones(3), iterations=0)


@both
@pytest.mark.parametrize("lr", [0.51, 1.0])
def test_a_rate_above_two_over_lambda_diverges_and_the_error_says_the_bound(lr, compile):
    data = tg.data.batches([[2.0]], [[8.0]])
    with pytest.raises(DivergenceError, match=r"curvature of λ = 4, .* below 2/λ = 0\.5") as caught:
        trained(line(), tg.optim.SGD(lr=lr), data, 20_000, tg.nn.half_squared_error, compile=compile)
    assert caught.value.largest_stable_learning_rate == 0.5
    assert caught.value.history["loss"][0] == 2.0
    assert len(caught.value.history) > 3
    assert "training diverged in epoch" in str(caught.value)


def test_a_rate_below_the_bound_converges():
    module, _ = trained(line(), tg.optim.SGD(lr=0.49), tg.data.batches([[2.0]], [[8.0]]), 2000, tg.nn.half_squared_error)
    assert module.weight.item() == pytest.approx(4)


@both
def test_a_nan_is_told_with_the_operation_that_made_it(compile):
    def loss(prediction, target):
        return np.mean(np.log(prediction) - target)

    module = line(-1.0)
    with pytest.raises(DivergenceError, match=r"the loss is nan.*\n- .*'log' gave nan") as caught:
        trained(module, tg.optim.SGD(lr=0.1), ([[1.0]], [[1.0]]), loss=loss, compile=compile)
    assert module.weight.item() == -1.0
    assert "log(prediction)" in str(caught.value)


@both
def test_numbers_that_are_not_finite_in_the_data_are_told(compile):
    x = X.copy()
    x[3, 1], x[4, 0] = np.nan, np.inf
    with pytest.raises(DivergenceError, match="X has 2 numbers that are NaN or infinite"):
        trained(data=tg.data.batches(x, T, batch_size=None), compile=compile)


def test_a_diagnosis_of_a_healthy_module_finds_nothing_and_changes_nothing():
    middle = Scaled()
    module = network(middle)
    before = module.state_dict()
    found = diagnose(module, tg.nn.softmax_cross_entropy, X, T, lr=0.1)
    assert str(found) == repr(found) == "- Nothing conspicuous was found."
    assert same(module.state_dict(), before)
    assert all(parameter.grad is None for parameter in module.parameters())
    assert list(found.gradient_norms) == [name for name, _ in module.named_parameters()]
    tg.nn.softmax_cross_entropy(module.eval()(X), T).backward()


def test_gradient_norms_are_root_mean_squares():
    module = network()
    found = diagnose(module, tg.nn.softmax_cross_entropy, X, T)
    tg.nn.softmax_cross_entropy(module(X), T).backward()
    for name, parameter in module.named_parameters():
        assert found.gradient_norms[name] == pytest.approx(np.sqrt(np.mean(parameter.grad**2)), rel=1e-12)


def deep(factor):
    layers = [tg.nn.Linear(4, 4, rng=seed) for seed in range(10)]
    for layer in layers:
        layer.weight.data = factor * layer.weight.data
    return tg.nn.Sequential(*layers)


def test_gradients_that_vanish_or_are_large_are_told_with_figures():
    x, t = np.ones((5, 4)), np.zeros((5, 4))
    small, large = (diagnose(deep(factor), tg.nn.half_squared_error, x, t) for factor in (0.1, 20.0))
    norms = {name: norm for name, norm in large.gradient_norms.items() if name.endswith("weight")}
    largest = max(norms, key=lambda name: norms[name])
    assert f"The gradient of {largest} is large, {norms[largest]:.3g} (root mean square)" in str(large)
    small = str(small)
    assert "Gradients vanish on the way back: that of 9.weight is" in small
    assert "that of 0.weight" in small
    assert "explode" not in small


def test_gradients_that_grow_from_layer_to_layer_are_told():
    first, last = tg.nn.Linear(3, 3, rng=0), tg.nn.Linear(3, 3, rng=1)
    module = tg.nn.Sequential(first, lambda h: tg.on_gradient(h, lambda g: 1e6 * g), last)
    found = str(diagnose(module, tg.nn.half_squared_error, np.ones((4, 3)), np.zeros((4, 3))))
    assert "Gradients explode on the way back: that of 2.weight is" in found


def test_dead_units_are_counted():
    module = network(tg.nn.ReLU())
    module[0].bias.data = np.array([-99.0] * 5 + [0.0] * 3)
    assert "Of ReLU number 1, 5 of 8 units are dead" in str(diagnose(module, tg.nn.softmax_cross_entropy, X, T))
    module[0].bias.data = np.array([-99.0] * 8)
    found = str(diagnose(module, tg.nn.softmax_cross_entropy, X, T))
    assert "8 of 8 units are dead" in found
    assert "The gradient of 0.weight is 0" in found


def test_labels_out_of_range_are_told():
    found = diagnose(network(), tg.nn.softmax_cross_entropy, X, T + 1)
    assert "The loss cannot be computed: classes are counted from 0 to 1, but 2 is among them" in str(found)


# --- states on the disk --------------------------------------------------------------------------------------------------------

STATE = {
    "a": {"w": np.arange(6.0).reshape(2, 3).T, "n": np.array(3), "f": np.float32(0.1), "e": np.zeros((0, 2))},
    "list": [1, 0.1, "text", None, True, {"x": np.array([True, False])}],
    "inf": float("inf"),
    "big": 2**127 + 1,
    "nothing": {},
}


def test_a_state_comes_back_as_it_was(tmp_path):
    again = load_state(save_state(tmp_path / "s.safetensors", STATE))
    assert again["list"][:5] == STATE["list"][:5]
    assert (again["inf"], again["big"], again["nothing"]) == (STATE["inf"], STATE["big"], {})
    for name, x in STATE["a"].items():
        np.testing.assert_array_equal(again["a"][name], x)
        assert again["a"][name].dtype == x.dtype
    assert again["list"][5]["x"].tolist() == [True, False]


@pytest.mark.parametrize("state", [{"array": np.ones(3)}, {"array": "array", "b": {"array": np.ones(2)}}, {"a": {"array": 1.5}}])
def test_a_state_may_have_any_names(state, tmp_path):
    assert repr(load_state(save_state(tmp_path / "s.safetensors", state))) == repr(state)


def test_the_mark_of_an_array_is_no_name(tmp_path):
    with pytest.raises(DataError, match="'__array__' is no key for a state"):
        save_state(tmp_path / "s.safetensors", {"a": {"__array__": "b"}})


def test_other_programs_read_the_arrays_by_their_names(tmp_path):
    path = save_state(tmp_path / "s.safetensors", network().state_dict())
    arrays = pytest.importorskip("safetensors.numpy").load_file(path)
    assert same(arrays, network().state_dict())


@pytest.mark.parametrize("tree", [
    {"array": np.array([1.0, 2.0])}, {"array": "x"}, {"a": {"b": np.array([1.0])}, "a.b": np.array([2.0])}, {"a": [np.ones(1)],
    "a[0]": np.ones(2)}, np.array([3.0]), {"": np.array([1.0])}, {"it's": {'"': np.array([1.0])}},
])  # fmt: skip
def test_the_keys_of_a_state_may_be_any_text(tree, tmp_path):
    assert repr(load_state(save_state(tmp_path / "s.safetensors", tree))) == repr(tree)


def test_a_module_whose_parameter_is_called_array_goes_on_from_its_checkpoint(tmp_path):
    class Scale(tg.nn.Module):
        def __init__(self):
            super().__init__()
            self.array = tg.Value(1.0)

        def forward(self, x):
            return self.array * x

    for epochs in (1, 2):
        scale = Scale()
        fit(scale, tg.nn.half_squared_error, tg.optim.SGD(lr=0.125), ([2.0], [8.0]), epochs, checkpoint=tmp_path / "s.safetensors")
    assert scale.array.item() == 3.25  # 1, then 2.5: half of the way to 4 with each step


@pytest.mark.parametrize("bad", [
    {"f": print}, [object()], {"z": np.array(1j)}, {3, 4}, {"a": np.longdouble(1)}, {"a": "\ud800"}, tg.nn.Linear(1, 1),
    {0: 1.0}, {"a": {(1, 2): 1.0}},
])  # fmt: skip
def test_a_state_of_other_things_is_refused_and_nothing_is_written(bad, tmp_path):
    with pytest.raises(
        DataError, match=r"a state holds arrays, numbers, text|must be made of numbers|not JSON|keys of a state are text"
    ):
        save_state(tmp_path / "s.safetensors", bad)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_cut_off_or_was_changed_anywhere_is_refused_by_name(tmp_path):
    path = save_state(tmp_path / "run.safetensors", STATE)
    whole = path.read_bytes()
    rng = random.Random(0)
    places = range(len(whole)) if EXHAUSTIVE else [0, 8, len(whole) - 1, *rng.sample(range(len(whole)), 60)]
    for place in places:
        path.write_bytes(whole[:place])
        with pytest.raises(DataError, match=r"run\.safetensors is "):
            load_state(path)
        changed = bytearray(whole)
        changed[place] ^= 1 << rng.randrange(8)
        path.write_bytes(changed)
        with pytest.raises(DataError, match=r"run\.safetensors is "):
            load_state(path)


def test_a_file_of_something_else_is_no_state(tmp_path):
    path = tmp_path / "x.safetensors"
    path.write_bytes(file_of_arrays({}, {"epoch": 3}))
    with pytest.raises(DataError, match="something else than a state"):
        load_state(path)


# --- checkpoints ---------------------------------------------------------------------------------------------------------------

RUN = """
import sys, json
import numpy as np
import tinygrad_edu as tg
from tests.test_training import Scaled, network, X, T

class Noise(tg.nn.Module):
    def __init__(self):
        super().__init__()
        self.rng = np.random.default_rng(5)
    def forward(self, x):
        return x + 0.01 * self.rng.normal(size=x.shape) if self.training else x

COMPILE = sys.argv[2] == "compiled"
module = network(Scaled()) if COMPILE else tg.nn.Sequential(*network(Scaled()), Noise())
optimizer = tg.optim.Adam(module.parameters(), lr=tg.optim.CosineDecay(0.05, over=80) if COMPILE else 0.05)
plateau = [] if COMPILE else [tg.optim.ReduceOnPlateau(optimizer, factor=0.5, patience=0, threshold=0.1)]
data = tg.data.batches(X, T, batch_size=8, seed=4)
print("ready", flush=True)
history = tg.training.fit(
    module, tg.nn.softmax_cross_entropy, optimizer, data, epochs=12, held_out=(X, T), metrics={"accuracy": tg.training.accuracy},
    callbacks=[*plateau, tg.training.EarlyStopping(50)], compile=COMPILE, checkpoint=sys.argv[1] or None, every=3,
)
found = {name: x.tolist() for name, x in module.state_dict().items()}
print(json.dumps([found, history.columns, repr(optimizer.state_dict()), data.state_dict()]))
"""


def started(path, kind):
    return subprocess.Popen(
        [sys.executable, "-c", RUN, str(path), kind],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[1],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def ended(path, kind):
    """What a run prints that is left alone."""
    with started(path, kind) as run:
        out = run.communicate()[0]
    assert run.returncode == 0
    return json.loads(out.splitlines()[-1])


@pytest.mark.parametrize("kind", ["eager", "compiled"])
def test_a_run_that_is_killed_at_any_moment_ends_as_one_that_is_not(kind, tmp_path):
    with started("", kind) as run:
        run.stdout.readline()
        begin = time.monotonic()
        expected = json.loads(run.stdout.readline())
        lasts = time.monotonic() - begin
    rng, path, kills = random.Random(0), tmp_path / "run.safetensors", 0
    while kills < (100 if EXHAUSTIVE else 3):
        with started(path, kind) as run:
            run.stdout.readline()
            time.sleep(rng.random() * lasts)
            run.send_signal(signal.SIGKILL)
        kills += run.returncode == -signal.SIGKILL
        if path.exists():
            load_state(path)  # it is whole
        if run.returncode == 0 or rng.random() < 0.2:
            assert ended(path, kind) == expected
            path.unlink()
    assert ended(path, kind) == expected


@both
@pytest.mark.parametrize("stop", [0, 1, 6, 7, 8, 20])
def test_a_run_that_ends_after_any_checkpoint_goes_on_from_it(stop, compile, tmp_path, monkeypatch):
    def run(path):
        module = network(Scaled())
        return trained(module, epochs=4, checkpoint=path, every=1, compile=compile)

    expected, expected_history = run(None)
    written = []

    def failing(path, before, data, real=saving._write):
        if len(written) == stop:
            raise OSError(28, "No space left on device")
        written.append(data)
        real(path, before, data)

    path = tmp_path / "run.safetensors"
    monkeypatch.setattr(saving, "_write", failing)
    with pytest.raises(OSError, match="was not saved, and a file that was there is as it was: No space left"):
        run(path)
    assert [file.name for file in tmp_path.iterdir()] == (["run.safetensors"] if stop else [])
    monkeypatch.undo()
    module, history = run(path)
    assert same(module.state_dict(), expected.state_dict())
    assert history.columns == expected_history.columns


def test_a_run_that_has_ended_gives_its_result_again(tmp_path):
    path = tmp_path / "run.safetensors"
    first, history = trained(checkpoint=path)
    second, again = trained(checkpoint=path)
    assert same(first.state_dict(), second.state_dict())
    assert again.columns == history.columns
    longer, more = trained(checkpoint=path, epochs=5)
    assert more.columns == trained(epochs=5)[1].columns
    assert same(longer.state_dict(), trained(epochs=5)[0].state_dict())


def test_a_checkpoint_of_another_training_is_refused_by_name(tmp_path):
    path = tmp_path / "run.safetensors"
    trained(checkpoint=path)
    for other, words in [
        ({"module": tg.nn.Linear(2, 2)}, "this state does not fit Linear"),
        ({"optimizer": tg.optim.SGD(lr=0.1)}, "is that of Adam, but this is SGD"),
        ({"data": tg.data.batches(X, T, batch_size=9)}, "batch_size = 8, but these have batch_size = 9"),
        ({"callbacks": [EarlyStopping()]}, "its callbacks are [], but here they are ['EarlyStopping']"),
        ({"data": tg.data.batches(2 * X, T, batch_size=8)}, "its samples are "),
        ({"held_out": (X, T)}, "its columns of the history are ['loss'], but here they are ['loss', 'held-out loss']"),
        ({"optimizer": tg.optim.Adam(lr=lambda steps: 0.01)}, "lr follows a schedule in the state_dict and not"),
    ]:
        with pytest.raises(DataError, match=r"run\.safetensors is the checkpoint of another training") as caught:
            trained(checkpoint=path, **other)
        assert words in str(caught.value)
    save_state(path, {"weight": np.ones(3)})
    with pytest.raises(DataError, match="is the checkpoint of another training"):
        trained(checkpoint=path)


def test_generators_in_a_list_go_on_from_a_checkpoint_too(tmp_path):
    class Noisy(tg.nn.Module):
        def __init__(self):
            super().__init__()
            self.theta, self.rngs = tg.Value(1.0), [np.random.default_rng(0), np.random.default_rng(1)]

        def forward(self, x):
            return self.theta * (x + self.rngs[1].normal())

    def ended(epochs, path):
        module = Noisy()
        fit(module, tg.nn.mean_squared_error, tg.optim.SGD(lr=0.01), ([1.0], [2.0]), epochs, checkpoint=tmp_path / path)
        return module.theta.item()

    ended(2, "cut.safetensors")
    assert ended(4, "cut.safetensors") == ended(4, "whole.safetensors")


def test_a_checkpoint_that_does_not_fit_changes_nothing(tmp_path):
    path, stop = tmp_path / "run.safetensors", EarlyStopping()
    trained(checkpoint=path)
    for other in (
        {"data": tg.data.batches(X, T, batch_size=9)},
        {"data": tg.data.batches(2 * X, T, batch_size=8)},
        {"callbacks": [stop]},
    ):
        module = tg.nn.Sequential(*network())
        optimizer = tg.optim.Adam(module.parameters(), lr=0.5)
        before, settings = module.state_dict(), optimizer.state_dict()["groups"][0]["settings"]
        with pytest.raises(DataError, match="another training"):
            trained(module, checkpoint=path, optimizer=optimizer, **other)
        assert same(module.state_dict(), before)
        assert optimizer.state_dict()["groups"][0]["settings"] == settings
        assert optimizer.state_dict()["steps"] == 0


@pytest.mark.parametrize("path", ["x.npz", "nowhere/x.safetensors", "."])
def test_what_cannot_be_written_fails_before_anything_is_trained(path, tmp_path):
    module = tg.nn.Sequential(*network())
    before = module.state_dict()
    with pytest.raises((DataError, OSError)):
        trained(module, checkpoint=tmp_path / path)
    assert same(module.state_dict(), before)


class Distance(tg.nn.Module):
    """The root of a square, which has no derivative at 0."""

    def __init__(self):
        super().__init__()
        self.theta, self.unused = tg.Value(1.0), tg.Value(2.0)

    def forward(self, x):
        return np.sqrt((x * self.theta - x) ** 2)


@pytest.mark.parametrize("compile", [False, True])
def test_a_gradient_that_is_no_number_is_found_where_it_arose_and_its_step_is_taken_back(compile):
    module = Distance()
    with np.errstate(all="ignore"), pytest.raises(DivergenceError) as caught:
        fit(module, tg.nn.mean_squared_error, tg.optim.SGD(lr=0.1), ([1.0], [1.0]), epochs=1, compile=compile)
    assert "in epoch 1: a step, which was taken back, led to parameters that are NaN or infinite" in str(caught.value)
    assert "in the backward pass the gradient of 'sqrt'" in str(caught.value)
    assert module.theta.item() == 1.0


def test_a_parameter_that_the_loss_does_not_depend_on_decays_eagerly_and_compiled_alike():
    for compile in (False, True):
        module, optimizer = Distance(), tg.optim.SGD(lr=0.25, weight_decay=1.0)
        module.theta.data = 2.0
        fit(module, tg.nn.mean_squared_error, optimizer, ([2.0], [8.0]), epochs=1, compile=compile)
        assert module.unused.item() == 2.0 - 0.25 * 2.0


@pytest.mark.parametrize("compile", [False, True])
def test_a_loss_that_does_not_depend_on_the_parameters_is_refused(compile):
    module = tg.nn.Linear(1, 1)
    with pytest.raises(GradientError, match="that depends on the parameters"):
        fit(module, lambda y, t: np.sum(t), tg.optim.SGD(lr=0.1), ([[1.0]], [[2.0]]), epochs=1, compile=compile)


def test_a_learning_rate_of_a_schedule_is_compared_with_the_curvature_too():
    line = tg.nn.Linear(1, 1, bias=False, rng=0)
    schedule = tg.optim.StepDecay(100.0, every=1000)
    with pytest.raises(DivergenceError, match="The learning rate 100 is too large"):
        fit(line, tg.nn.half_squared_error, tg.optim.SGD(lr=schedule), ([[2.0]], [[8.0]]), epochs=50)


def test_early_stopping_goes_on_counting_after_an_end(tmp_path):
    stop = EarlyStopping(3)
    stop._best, stop._bad = 0.5, 2
    stop._module = network().state_dict()
    again = EarlyStopping(3)
    again.load_state_dict(load_state(save_state(tmp_path / "s.safetensors", stop.state_dict())))
    assert (again._best, again._bad) == (0.5, 2)
    assert same(again._module, stop._module)
