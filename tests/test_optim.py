"""Optimizers: the formulas of PyTorch, and what they demand of their parameters."""

from copy import deepcopy
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.errors import DataError, GradientError, ShapeError
from tinygrad_edu.transforms.trees import tree_leaves

CONFIGURATIONS = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "weight_decay": 0.3}),
    ("SGD", {"lr": 0.1, "momentum": 0.9}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    ("SGD", {"lr": 0.1, "momentum": 0.5, "nesterov": True, "weight_decay": 0.3}),
    ("SGD", {"lr": 0.0, "momentum": 0.5}),
    ("Adam", {}),
    ("Adam", {"lr": 0.05}),
    ("Adam", {"lr": 0.05, "betas": (0.5, 0.7), "eps": 1e-3}),
    ("Adam", {"lr": 0.05, "betas": (0.0, 0.0), "eps": 1e-3, "weight_decay": 0.2}),
    ("AdamW", {}),
    ("AdamW", {"lr": 0.05, "weight_decay": 0.3, "betas": (0.5, 0.7), "eps": 1e-3}),
    ("RMSprop", {}),
    ("RMSprop", {"lr": 0.05, "alpha": 0.8, "eps": 1e-3, "weight_decay": 0.2}),
    ("RMSprop", {"lr": 0.05, "momentum": 0.9}),
    ("Adagrad", {}),
    ("Adagrad", {"lr": 0.5, "lr_decay": 0.1, "eps": 1e-3, "weight_decay": 0.2}),
]
ALL = [
    lambda params, **settings: tg.optim.SGD(params, **{"lr": 0.1, **settings}),
    lambda params, **settings: tg.optim.Adam(params, **{"lr": 0.1, **settings}),
]
EVERY = [
    tg.optim.SGD(lr=0.1),
    tg.optim.SGD(lr=0.1, momentum=0.9, nesterov=True),
    tg.optim.Adam(lr=0.1, weight_decay=0.1),
    tg.optim.AdamW(lr=0.1),
    tg.optim.RMSprop(lr=0.1, momentum=0.5),
    tg.optim.Adagrad(lr=0.1, lr_decay=0.2),
    tg.optim.SGD(lr=tg.optim.StepDecay(0.1, every=3, factor=0.5), clip_norm=0.5),
    tg.optim.SGD(lr=tg.optim.WarmUp(tg.optim.CosineDecay(0.1, over=6), over=3), clip_value=0.25),
    tg.optim.Adam(lr=tg.optim.OneCycle(0.1, over=10)),
]
every = pytest.mark.parametrize("optimizer", EVERY, ids=repr)


def follow(ours, theirs, our_optimizer, their_optimizer, steps, before_step=lambda: None, after_step=lambda: None):
    """Give both the same random gradients."""
    import torch

    rng = np.random.default_rng(1)
    for step in range(steps):
        our_optimizer.zero_grad()
        their_optimizer.zero_grad()
        for position, (p, q) in enumerate(zip(ours, theirs, strict=True)):
            if step == 5 and position == 1:
                continue  # a parameter without a gradient in this step
            gradient = rng.normal(size=p.shape).astype(p.dtype)
            p.grad, q.grad = gradient, torch.tensor(gradient)
        before_step()
        our_optimizer.step()
        their_optimizer.step()
        after_step()
        for p, q in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(p.data, q.detach().numpy(), **TOLERANCES[p.dtype.name])


TOLERANCES = {"float64": {"rtol": 1e-10, "atol": 1e-12}, "float32": {"rtol": 2e-4, "atol": 1e-5}}
SHAPES = ((3, 2), (4,), ())


def pairs(dtype="float64"):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    starts = [rng.normal(size=shape).astype(dtype) for shape in SHAPES]
    return [tg.Value(start) for start in starts], [torch.tensor(start, requires_grad=True) for start in starts]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("name", "settings"), CONFIGURATIONS)
def test_each_of_a_hundred_steps_ends_where_pytorch_s_ends(name, settings, dtype):
    torch = pytest.importorskip("torch")
    ours, theirs = pairs(dtype)
    follow(ours, theirs, getattr(tg.optim, name)(ours, **settings), getattr(torch.optim, name)(theirs, **settings), 100)
    assert [p.dtype for p in ours] == [dtype] * 3


@pytest.mark.parametrize(("name", "settings"), CONFIGURATIONS)
def test_groups_have_settings_of_their_own_as_in_pytorch(name, settings):
    torch = pytest.importorskip("torch")
    ours, theirs = pairs()

    def grouped(params):
        return [{"params": params[:1], "lr": 0.03, "weight_decay": 0.2}, {"params": params[1:]}]

    optimizer = getattr(tg.optim, name)(grouped(ours), **settings)
    assert [group.lr for group in optimizer.groups] == [0.03, optimizer.lr]
    follow(ours, theirs, optimizer, getattr(torch.optim, name)(grouped(theirs), **settings), 20)


@pytest.mark.parametrize("most", [0.1, 1.0, 100.0])
def test_gradients_are_clipped_as_pytorch_clips_them(most):
    torch = pytest.importorskip("torch")
    for settings, clip in (
        ({"clip_norm": most}, torch.nn.utils.clip_grad_norm_),
        ({"clip_value": most}, torch.nn.utils.clip_grad_value_),
    ):
        ours, theirs = pairs()
        optimizers = tg.optim.Adam(ours, lr=0.1, **settings), torch.optim.Adam(theirs, lr=0.1)
        follow(ours, theirs, *optimizers, 20, before_step=partial(clip, theirs, most))


def test_the_norm_is_that_of_the_gradients_of_all_groups():
    v, w = tg.Value(1.0), tg.Value(2.0)
    optimizer = tg.optim.SGD([{"params": [v]}, {"params": [w], "lr": 0.5}], lr=1.0, clip_norm=1.0)
    v.grad, w.grad = 3.0, 4.0
    optimizer.step()
    np.testing.assert_allclose([float(v), float(w)], [1 - 0.6, 2 - 0.5 * 0.8], rtol=1e-6)


LR = 0.2
SCHEDULES = {
    "StepLR": (tg.optim.StepDecay(LR, every=7, factor=0.5), {"step_size": 7, "gamma": 0.5}),
    "CosineAnnealingLR": (tg.optim.CosineDecay(LR, over=100, least=0.01), {"T_max": 100, "eta_min": 0.01}),
    "LinearLR": (tg.optim.WarmUp(LR, over=9, start=0.25), {"total_iters": 9, "start_factor": 0.25}),
    "OneCycleLR": (
        tg.optim.OneCycle(LR, over=100, rising=0.4, start=20.0, end=50.0),
        {"max_lr": LR, "total_steps": 100, "pct_start": 0.4, "div_factor": 20.0, "final_div_factor": 50.0, "cycle_momentum": False},
    ),
    "defaults of StepLR": (tg.optim.StepDecay(LR, every=7), {"step_size": 7}),
    "defaults of CosineAnnealingLR": (tg.optim.CosineDecay(LR, over=100), {"T_max": 100}),
    "defaults of LinearLR": (tg.optim.WarmUp(LR, over=5), {}),
    "defaults of OneCycleLR": (
        tg.optim.OneCycle(LR, over=100), {"max_lr": LR, "total_steps": 100, "cycle_momentum": False},
    ),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:.*lr_scheduler.step:UserWarning")
@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_gives_the_learning_rates_that_pytorch_s_gives(name):
    torch = pytest.importorskip("torch")
    schedule, settings = SCHEDULES[name]
    optimizer = torch.optim.SGD([torch.tensor(1.0, requires_grad=True)], lr=LR)
    theirs = getattr(torch.optim.lr_scheduler, name.split()[-1])(optimizer, **settings)
    for steps in range(100):
        assert float(schedule(steps)) == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-10, abs=1e-15), steps
        if steps < 99:
            theirs.step()


def test_after_its_steps_a_schedule_stays():
    for schedule in (schedule for name, (schedule, _) in SCHEDULES.items() if "StepLR" not in name):
        assert float(schedule(250)) == pytest.approx(float(schedule(100)), rel=1e-12)


def test_what_follows_a_warm_up_begins_when_it_ends():
    schedule = tg.optim.WarmUp(tg.optim.StepDecay(1.0, every=2, factor=0.5), over=4, start=0.5)
    assert [float(schedule(steps)) for steps in range(9)] == [0.5, 0.625, 0.75, 0.875, 1.0, 1.0, 0.5, 0.5, 0.25]


def test_the_schedules_by_hand():
    cosine = tg.optim.CosineDecay(3.0, over=4, least=1.0)
    np.testing.assert_allclose([float(cosine(k)) for k in range(5)], [3, 2 + 0.5**0.5, 2, 2 - 0.5**0.5, 1], rtol=1e-15)
    cycle = tg.optim.OneCycle(4.0, over=9, rising=1 / 3, start=2.0, end=4.0)  # up within 2 steps, down within 6
    np.testing.assert_allclose([float(cycle(k)) for k in (0, 1, 2, 5, 8)], [2, 3, 4, 2.25, 0.5], rtol=1e-15)
    assert float(tg.optim.OneCycle(4.0, over=3, rising=1 / 3)(0)) == 4.0  # there is no way up


@pytest.mark.parametrize("settings", [
    {}, {"factor": 0.5, "patience": 0, "least": 1e-4},
    {"factor": 0.5, "patience": 2, "cooldown": 3, "threshold": 0.01, "least": 0.05},
])  # fmt: skip
def test_on_a_plateau_the_learning_rate_falls_as_in_pytorch(settings):
    torch = pytest.importorskip("torch")
    ours = tg.optim.SGD([{"params": [tg.Value(1.0)], "lr": 0.3}, {"params": [tg.Value(1.0)]}], lr=LR)
    theirs = torch.optim.SGD([{"params": [torch.ones(1)], "lr": 0.3}, {"params": [torch.ones(1)]}], lr=LR)
    plateau = tg.optim.ReduceOnPlateau(ours, **settings)
    theirs_plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(
        theirs, **{{"least": "min_lr"}.get(name, name): x for name, x in settings.items()}
    )
    rng = np.random.default_rng(0)
    for step in range(100):
        if step == 50:  # another one goes on
            plateau, before = tg.optim.ReduceOnPlateau(ours, **settings), plateau
            plateau.load_state_dict(before.state_dict())
        loss = 1 / (1 + min(step, 30)) + 0.003 * rng.normal()
        plateau.step(loss)
        theirs_plateau.step(loss)
        assert [group.lr for group in ours.groups] == pytest.approx([group["lr"] for group in theirs.param_groups], rel=1e-12)


def test_a_loss_that_is_better_or_a_rest_after_a_reduction_begins_the_count_anew():
    optimizer = tg.optim.SGD([tg.Value(1.0)], lr=1.0)
    plateau = tg.optim.ReduceOnPlateau(optimizer, factor=0.5, patience=1, cooldown=2, threshold=0.1, least=0.2)
    rates = []
    for loss in (10, 9, 8, 7.5, 7.3, 7.3, 7.3, 7.3, 7.3, 1, 1, 1, 1, 1, 1, 1):
        plateau.step(loss)
        rates.append(optimizer.lr)
    assert rates == [1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25, 0.2, 0.2, 0.2, 0.2]


# --- the two forms -------------------------------------------------------------------------------------------------------------

X, T = np.random.default_rng(2).normal(size=(8, 3)), np.random.default_rng(3).normal(size=8)


def mean_loss(params, X, T):
    return tg.nn.half_squared_error(X @ params["w"] + params["b"], T)


def starting_params(dtype):
    return {"w": np.array([1.0, -2.0, 0.5], dtype), "b": np.dtype(dtype).type(0.25)}


def training_step(optimizer):
    def step(params, state, X, T):
        loss, grads = tg.value_and_grad(mean_loss)(params, X, T)
        params, state = optimizer.update(params, grads, state)
        return params, state, loss

    return step


def trained(step, optimizer, dtype):
    params, losses = starting_params(dtype), []
    state = optimizer.init(params)
    for _ in range(12):
        params, state, loss = step(params, state, X.astype(dtype), T.astype(dtype))
        losses.append(float(loss))
    return params, state, losses


@every
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_objects_trees_and_a_compiled_step_go_the_same_way_to_the_last_bit(optimizer, dtype):
    params, state, losses = trained(training_step(optimizer), optimizer, dtype)
    compiled, compiled_state, compiled_losses = trained(tg.compile(training_step(optimizer)), optimizer, dtype)
    values = {name: tg.Value(x) for name, x in starting_params(dtype).items()}
    on_objects = replace(optimizer, params=list(values.values()))
    for loss_on_trees in losses:
        on_objects.zero_grad()
        loss = mean_loss(values, X.astype(dtype), T.astype(dtype))
        assert float(loss) == loss_on_trees
        loss.backward()
        on_objects.step()
    for name, value in values.items():
        assert params[name].dtype == compiled[name].dtype == value.dtype == dtype
        np.testing.assert_array_equal(params[name], value.data)
        np.testing.assert_allclose(compiled[name], params[name], rtol=1e-12 if dtype == "float64" else 1e-4)
    np.testing.assert_allclose(compiled_losses, losses, rtol=1e-12 if dtype == "float64" else 1e-4)
    assert state["steps"] == compiled_state["steps"] == 12
    assert losses[-1] < losses[0]


def test_a_compiled_step_of_gradient_descent_reads_as_one_would_write_it():
    step = tg.compile(training_step(tg.optim.SGD(lr=0.1, momentum=0.9)))
    trained(step, tg.optim.SGD(lr=0.1, momentum=0.9), "float64")
    assert (
        step.source[step.source.rindex('"""') + 4 :]
        == """\
    difference = T - (X @ params_w + params_b)  # (8,)
    d_total = -0.125 * difference
    velocity = 0.9 * state_memory_w_velocity + d_total @ X  # (3,)
    w = params_w - 0.1 * velocity
    velocity_2 = 0.9 * state_memory_b_velocity + np.sum(d_total)
    b = params_b - 0.1 * velocity_2
    steps = state_steps + 1
    loss = 0.5 * np.mean(difference ** 2)
    return {'w': w, 'b': b}, {'steps': steps, 'memory': {'w': {'velocity': velocity}, 'b': {'velocity': velocity_2}}}, loss
"""
    )


def test_a_new_learning_rate_is_a_new_program_and_a_schedule_is_one():
    optimizer = tg.optim.SGD(lr=1.0)
    step = tg.compile(lambda params, grads, state: optimizer.update(params, grads, state))
    params, state = step(np.ones(2), np.ones(2), optimizer.init(np.ones(2)))
    optimizer.lr = 0.25
    params, state = step(params, np.ones(2), state)
    np.testing.assert_array_equal(params, [-0.25, -0.25])
    optimizer.lr = tg.optim.StepDecay(1.0, every=3, factor=0.5)
    for _ in range(3):
        params, state = step(params, np.ones(2), state)
    assert "0.5 ** (state_steps // 3)" in step.source
    np.testing.assert_array_equal(params, [-0.25 - 1 - 0.5 - 0.5] * 2)


def test_update_changes_nothing_in_place():
    optimizer = tg.optim.Adam(lr=0.1)
    params, grads = {"w": np.ones(3)}, {"w": np.ones(3)}
    state = optimizer.init(params)
    before = deepcopy((params, grads, state))
    optimizer.update(params, grads, state)
    for old, new in zip(tree_leaves(before), tree_leaves((params, grads, state)), strict=True):
        np.testing.assert_array_equal(old, new)


def test_the_memory_is_called_as_the_parameters_are():
    names = tg.optim.Adam().init({"layers": [{"w": 1.0}, {"w": 2.0}], "b": (3.0,)})["memory"]
    assert list(names) == ["layers.0.w", "layers.1.w", "b.0"]
    alike = tg.optim.Adam().init({"a.b": 1.0, "a": {"b": 2.0}})["memory"]
    assert list(alike) == ["['a.b']", "['a']['b']"]


def test_gradients_of_another_structure_or_shape_are_refused():
    optimizer = tg.optim.SGD(lr=0.1)
    params = {"w": np.ones(3)}
    with pytest.raises(ShapeError, match=r"grads should be a tree with the parts \['w'\]"):
        optimizer.update(params, {"v": np.ones(3)}, optimizer.init(params))
    with pytest.raises(ShapeError, match=r"grads\['w'\] has shape \(2,\), but the parameter has shape \(3,\)"):
        optimizer.update(params, {"w": np.ones(2)}, optimizer.init(params))


@every
@pytest.mark.parametrize("stop", [0, 5])
def test_a_run_that_goes_on_from_a_state_ends_where_one_without_an_end_does(optimizer, stop):
    def run(interrupted):
        rng = np.random.default_rng(0)
        v, w = tg.Value(np.ones(3)), tg.Value(2.0)
        ours = replace(optimizer, params=[{"params": [v]}, {"params": [w], "weight_decay": 0.5}])
        for step in range(10):
            if step == stop and interrupted:
                state = deepcopy(ours.state_dict())
                ours = replace(optimizer, params=[{"params": [v]}, {"params": [w]}])
                ours.load_state_dict(state)
            v.grad, w.grad = rng.normal(size=3), rng.normal() if step % 3 else None
            ours.step()
        return v.data, w.data, ours.state_dict()

    ours, others = run(interrupted=False), run(interrupted=True)
    np.testing.assert_array_equal(ours[0], others[0])
    assert float(ours[1]) == float(others[1])
    assert repr(ours[2]) == repr(others[2])


def changed(state, **settings):
    (group,) = state["groups"]
    return {**state, "groups": [{**group, "settings": {**group["settings"], **settings}}]}


def test_a_state_that_does_not_fit_is_refused_and_nothing_is_changed():
    w = tg.Value(np.ones(3))
    optimizer = tg.optim.SGD([w], lr=0.1, momentum=0.5)
    w.grad = np.ones(3)
    optimizer.step()
    before = repr(optimizer.state_dict())
    for state, error, words in [
        (tg.optim.Adam([w]).state_dict(), DataError, "is that of Adam, but this is SGD"),
        (tg.optim.SGD([w, tg.Value(1.0)], momentum=0.5).state_dict(), ShapeError, r"for \[2\] parameters .* has \[1\]"),
        (tg.optim.SGD([tg.Value(np.ones(2))], momentum=0.5).state_dict(), ShapeError, r"velocity'\] has shape \(2,\)"),
        ({"steps": 3}, DataError, "a state_dict of an optimizer was expected"),
        ({"optimizer": "SGD", "steps": 3, "groups": [{}]}, DataError, "a state_dict of an optimizer was expected"),
        (changed(optimizer.state_dict(), lr=0.7, momentum=-1), DataError, "momentum must be a finite number at least 0"),
        (None, DataError, "a state_dict of an optimizer was expected"),
    ]:
        with pytest.raises(error, match=words):
            optimizer.load_state_dict(state)
        assert repr(optimizer.state_dict()) == before


# --- L-BFGS --------------------------------------------------------------------------------------------------------------------


def rosenbrock(x):
    return 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2


def test_lbfgs_finds_the_minimum_on_objects_and_on_trees_alike():
    pytest.importorskip("scipy")
    a, b = tg.Value(-1.2), tg.Value([1.0])
    optimizer = tg.optim.LBFGS([a, b], max_iter=7)

    def closure():
        optimizer.zero_grad()
        loss = rosenbrock([a, b[0]])
        loss.backward()
        return loss

    assert optimizer.step(closure) == pytest.approx(24.2)
    found = tg.optim.LBFGS(max_iter=7).minimize(lambda p: rosenbrock([p["a"], p["b"][0]]), {"a": -1.2, "b": np.array([1.0])})
    assert float(found["a"]) == float(a)
    np.testing.assert_array_equal(found["b"], b.data)
    assert optimizer.step(closure) < 24.2
    for _ in range(30):
        optimizer.step(closure)
    np.testing.assert_allclose([float(a), float(b.item())], [1, 1], atol=1e-6)


@pytest.mark.parametrize(
    ("fails", "words"),
    [
        (lambda: tg.optim.LBFGS([W]).step(3.0), "takes a function"),
        (lambda: tg.optim.LBFGS([W]).step(lambda: None), "should return the loss, a single number, but returned None"),
        (lambda: tg.optim.LBFGS([W]).step(lambda: [1.0, 2.0]), "should return the loss"),
        (lambda: tg.optim.LBFGS().step(lambda: 1.0), r"made without parameters: use its minimize"),
        (lambda: tg.optim.LBFGS([W], max_iter=0), "max_iter must be"),
        (lambda: tg.optim.LBFGS([W], history_size=0), "history_size must be"),
        (lambda: tg.optim.LBFGS([W], tolerance=-1), "tolerance must be"),
        (lambda: tg.optim.LBFGS([]), "params is empty"),
        (lambda: tg.optim.LBFGS(W), r"write \[value\]"),
    ],
)
def test_what_lbfgs_cannot_do_with_is_refused(fails, words):
    pytest.importorskip("scipy")
    with pytest.raises(DataError, match=words):
        fails()


# --- one step, and what is demanded --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", ALL)
def test_a_parameter_without_a_gradient_stays_where_it_is(make):
    moved, still = tg.Value([1.0, 2.0]), tg.Value([3.0])
    optimizer = make([moved, still], weight_decay=0.5)
    moved.grad = np.ones(2)
    optimizer.step()
    assert (moved.data != [1.0, 2.0]).all()
    assert still.data == [3.0]


@pytest.mark.parametrize("make", ALL)
def test_zero_grad_forgets_the_gradients(make):
    w = tg.Value([1.0, 2.0])
    (w * w).sum().backward()
    make([w]).zero_grad()
    assert w.grad is None


@pytest.mark.parametrize("make", ALL)
def test_a_step_does_not_change_a_gradient_that_was_recorded_before_it(make):
    w, v = tg.Value([2.0, 3.0]), tg.Value([5.0, 7.0])
    held = w.data
    loss = (w * v).sum()
    w.grad = np.ones(2)
    make([w]).step()
    w.grad = None
    loss.backward()
    np.testing.assert_array_equal(v.grad, [2.0, 3.0])
    np.testing.assert_array_equal(held, [2.0, 3.0])


def test_the_velocity_is_not_the_array_of_the_gradient():
    w = tg.Value([0.0])
    optimizer = tg.optim.SGD([w], lr=1.0, momentum=0.5)
    w.grad = np.ones(1)
    optimizer.step()
    w.grad[...] = 0.0
    optimizer.step()
    np.testing.assert_allclose(w.data, [-1.5])


def test_the_learning_rate_may_be_changed_between_steps():
    w = tg.Value(0.0)
    optimizer = tg.optim.SGD([w], lr=1.0)
    w.grad = 1.0
    optimizer.step()
    optimizer.lr = 0.25
    optimizer.step()
    assert float(w) == -1.25


def test_float32_stays_float32_under_a_double_precision_learning_rate():
    w = tg.Value(np.ones(3, np.float32))
    optimizer = tg.optim.Adam([w], lr=np.float64(0.1))
    for _ in range(3):
        (w * w).sum().backward()
        optimizer.step()
    assert w.dtype == np.float32


@pytest.mark.parametrize("make", ALL)
def test_a_generator_of_parameters_is_fine(make):
    assert len(make(tg.Value(float(i)) for i in range(3)).params) == 3


def test_sgd_follows_the_lecture_as_it_diverges():
    theta = tg.Value(3.0)
    optimizer = tg.optim.SGD([theta], lr=1.0)
    seen = []
    for _ in range(3):
        optimizer.zero_grad()
        loss = 0.5 * (8.0 - theta * 2.0) ** 2
        loss.backward()
        seen.append((float(theta), float(loss), float(theta.grad)))
        optimizer.step()
    assert seen == [(3, 2, -4), (7, 18, 12), (-5, 162, -36)]
    assert float(theta) == 31


W = tg.Value(1.0, name="w")


@pytest.mark.parametrize("make", ALL)
@pytest.mark.parametrize(
    ("params", "error", "words"),
    [
        ([], DataError, "params is empty"),
        (W, DataError, r"write \[value\]"),
        (3.0, DataError, "must be a list of Values"),
        ([W, 2.0], DataError, r"params\[1\] must be a Value, but is 2.0"),
        ({"w": W}, DataError, r"params\[0\] must be a Value, but is 'w'"),
        ([W, tg.Value(2.0), W], DataError, "'w' of shape .* twice"),
        ([W * 2], GradientError, "computed by 'multiply'"),
        ([tg.Value(1.0, requires_grad=False)], GradientError, "requires no gradient"),
    ],
)
def test_what_cannot_be_trained_is_refused(make, params, error, words):
    with pytest.raises(error, match=words):
        make(params)


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("SGD", {"lr": -0.1}, "lr must be a finite number at least 0, but is -0.1"),
        ("SGD", {"lr": float("nan")}, "lr must be a finite number"),
        ("SGD", {"lr": "0.1"}, "lr must be a finite number"),
        ("SGD", {"lr": True}, "lr must be a finite number"),
        ("SGD", {"lr": 0.1, "momentum": -1}, "momentum must be"),
        ("SGD", {"lr": 0.1, "weight_decay": -1}, "weight_decay must be"),
        ("SGD", {"lr": 0.1, "nesterov": True}, "momentum is 0"),
        ("Adam", {"lr": -0.1}, "lr must be"),
        ("Adam", {"betas": (1.0, 0.9)}, r"betas\[0\] must be a finite number at least 0 and below 1, but is 1.0"),
        ("Adam", {"betas": (0.9, -0.1)}, r"betas\[1\] must be"),
        ("Adam", {"betas": 0.9}, "betas must be two numbers"),
        ("Adam", {"eps": -1e-8}, "eps must be"),
        ("AdamW", {"weight_decay": -1}, "weight_decay must be"),
        ("RMSprop", {"alpha": 1.0}, "alpha must be"),
        ("RMSprop", {"alpha": -0.1}, "alpha must be"),
        ("RMSprop", {"eps": -1.0}, "eps must be"),
        ("RMSprop", {"momentum": -1.0}, "momentum must be"),
        ("Adagrad", {"lr_decay": -1.0}, "lr_decay must be"),
        ("Adagrad", {"eps": -1.0}, "eps must be"),
        ("SGD", {"clip_norm": 0}, "clip_norm must be a finite number above 0, but is 0"),
        ("SGD", {"clip_value": -1.0}, "clip_value must be"),
    ],
)
def test_settings_out_of_range_are_refused_with_the_range(name, settings, words):
    with pytest.raises(DataError, match=words):
        getattr(tg.optim, name)([W], **settings)


# --- the formulas, by hand -----------------------------------------------------------------------------------------------------

START = np.array([1.0, -2.0, 0.5])
GRADIENTS = np.array([[0.5, -1.0, 2.0], [0.25, 3.0, -1.0], [-4.0, 0.0, 0.125]])


def after_three_steps(make, **settings):
    w = tg.Value(START)
    optimizer = make([w], **settings)
    for gradient in GRADIENTS:
        w.grad = gradient.copy()
        optimizer.step()
    return w.data


@pytest.mark.parametrize("weight_decay", [0.0, 0.25])
@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("momentum", [0.5, 1.0])
def test_sgd_with_momentum_moves_along_what_is_left_of_the_velocity(momentum, nesterov, weight_decay):
    w, velocity = START, 0
    for gradient in GRADIENTS:
        g = gradient + weight_decay * w
        velocity = momentum * velocity + g
        w = w - 0.1 * (g + momentum * velocity if nesterov else velocity)
    moved = after_three_steps(tg.optim.SGD, lr=0.1, momentum=momentum, nesterov=nesterov, weight_decay=weight_decay)
    np.testing.assert_allclose(moved, w, rtol=1e-14)


@pytest.mark.parametrize(("beta1", "beta2", "eps"), [(0.9, 0.999, 1e-8), (0.5, 0.75, 0.25), (0.0, 0.0, 1e-3)])
@pytest.mark.parametrize("weight_decay", [0.0, 0.25])
def test_adam_divides_the_mean_of_the_gradients_by_the_root_of_the_mean_of_their_squares(beta1, beta2, eps, weight_decay):
    w, m, v = START, 0, 0
    for k, gradient in enumerate(GRADIENTS, start=1):
        g = gradient + weight_decay * w
        m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g * g
        w = w - 0.1 * (m / (1 - beta1**k)) / (np.sqrt(v / (1 - beta2**k)) + eps)
    moved = after_three_steps(tg.optim.Adam, lr=0.1, betas=(beta1, beta2), eps=eps, weight_decay=weight_decay)
    np.testing.assert_allclose(moved, w, rtol=1e-13)


def test_adam_without_settings_is_that_of_the_paper():
    paper = {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.0}
    np.testing.assert_array_equal(after_three_steps(tg.optim.Adam), after_three_steps(tg.optim.Adam, **paper))


def test_sgd_without_settings_is_plain_gradient_descent():
    np.testing.assert_allclose(after_three_steps(tg.optim.SGD, lr=0.1), START - 0.1 * GRADIENTS.sum(0), rtol=1e-14)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("SGD", {"lr": 0}), ("SGD", {"lr": 1, "momentum": 2}), ("SGD", {"lr": 1, "weight_decay": 2}),
        ("Adam", {"betas": [0, 0]}), ("Adam", {"eps": 0}), ("Adam", {"lr": 0, "weight_decay": 0}),
    ],
)  # fmt: skip
def test_settings_at_the_ends_of_their_ranges_are_taken(name, settings):
    getattr(tg.optim, name)([W], **settings)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"betas": (0.9, 1.0)}, r"betas\[1\] must be a finite number at least 0 and below 1, but is 1.0"),
        ({"betas": (-0.1, 0.9)}, r"betas\[0\] must be"),
        ({"betas": (0.9, 0.9, 0.9)}, "betas must be two numbers"),
        ({"betas": {0.9, 0.99}}, "betas must be two numbers"),
        ({"weight_decay": -0.5}, "weight_decay must be a finite number at least 0, but is -0.5"),
    ],
)
def test_each_setting_of_adam_has_its_own_message(settings, words):
    with pytest.raises(DataError, match=words):
        tg.optim.Adam([W], **settings)


def by_hand(direction, decay=0.25):
    """Three steps; `direction` gets the gradient with the decay, the number of the step, and a dict to remember things in."""
    w, memory = START, {}
    for k, gradient in enumerate(GRADIENTS, start=1):
        w = w - 0.1 * direction(gradient + decay * w, k, memory)
    return w


def test_adamw_leaves_the_decay_out_of_the_means():
    w, m, v = START, 0, 0
    for k, g in enumerate(GRADIENTS, start=1):
        m, v = 0.5 * m + 0.5 * g, 0.75 * v + 0.25 * g * g
        w = w * (1 - 0.1 * 0.25) - 0.1 * (m / (1 - 0.5**k)) / (np.sqrt(v / (1 - 0.75**k)) + 0.125)
    moved = after_three_steps(tg.optim.AdamW, lr=0.1, betas=(0.5, 0.75), eps=0.125, weight_decay=0.25)
    np.testing.assert_allclose(moved, w, rtol=1e-13)


@pytest.mark.parametrize("momentum", [0.0, 0.5, 1.0])
def test_rmsprop_divides_by_the_root_of_the_mean_square(momentum):
    def direction(g, k, memory):
        memory["v"] = 0.75 * memory.get("v", 0) + 0.25 * g * g
        memory["b"] = momentum * memory.get("b", 0) + g / (np.sqrt(memory["v"]) + 0.125)
        return memory["b"]

    moved = after_three_steps(tg.optim.RMSprop, lr=0.1, alpha=0.75, eps=0.125, momentum=momentum, weight_decay=0.25)
    np.testing.assert_allclose(moved, by_hand(direction), rtol=1e-13)


@pytest.mark.parametrize("lr_decay", [0.0, 0.5])
def test_adagrad_divides_by_the_root_of_the_sum_of_squares(lr_decay):
    def direction(g, k, memory):
        memory["s"] = memory.get("s", 0) + g * g
        return g / (np.sqrt(memory["s"]) + 0.125) / (1 + (k - 1) * lr_decay)

    moved = after_three_steps(tg.optim.Adagrad, lr=0.1, lr_decay=lr_decay, eps=0.125, weight_decay=0.25)
    np.testing.assert_allclose(moved, by_hand(direction), rtol=1e-13)


@pytest.mark.parametrize(
    ("make", "settings"),
    [
        (tg.optim.AdamW, {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.01}),
        (tg.optim.RMSprop, {"lr": 0.01, "alpha": 0.99, "eps": 1e-8, "momentum": 0.0, "weight_decay": 0.0}),
        (tg.optim.Adagrad, {"lr": 0.01, "lr_decay": 0.0, "eps": 1e-10, "weight_decay": 0.0}),
        (tg.optim.SGD, {"lr": 1e-3, "momentum": 0.0, "weight_decay": 0.0}),
    ],
)
def test_without_settings_they_are_those_of_pytorch(make, settings):
    np.testing.assert_array_equal(after_three_steps(make), after_three_steps(make, **settings))


@pytest.mark.parametrize("optimizer", EVERY)
def test_parameters_that_are_whole_numbers_move_as_those_of_floating_point_do(optimizer):
    def after(params):
        state = optimizer.init(params)
        for _ in range(3):
            params, state = optimizer.update(params, {"w": np.array([0.5, 1.0])}, state)
        return params["w"]

    np.testing.assert_array_equal(after({"w": np.array([3, -2])}), after({"w": np.array([3.0, -2.0])}))


def test_lbfgs_takes_whole_numbers_to_start_at():
    pytest.importorskip("scipy")
    found = tg.optim.LBFGS(max_iter=100).minimize(rosenbrock, np.array([-1, 2]))
    np.testing.assert_allclose(found, [1, 1], atol=1e-4)


def test_clipping_by_hand():
    grads = {"w": np.array([3.0, 0.0]), "b": np.array(-4.0)}
    clipped = tg.optim.clip_by_norm(grads, 2.5)
    np.testing.assert_allclose([*clipped["w"], clipped["b"]], np.array([3, 0, -4]) * 2.5 / (5 + 1e-6), rtol=1e-15)
    unclipped = tg.optim.clip_by_norm(grads, 5.5)
    np.testing.assert_array_equal([*unclipped["w"], unclipped["b"]], [3, 0, -4])
    by_value = tg.optim.clip_by_value(grads, 3.5)
    np.testing.assert_array_equal([*by_value["w"], by_value["b"]], [3, 0, -3.5])
    mixed = tg.optim.clip_by_norm([np.ones(2, np.float32), np.ones(2)], 0.5)
    assert [x.dtype for x in mixed] == [np.float32, np.float64]


@pytest.mark.parametrize(
    ("fails", "words"),
    [
        (lambda: tg.optim.SGD(lr=0.1).step(), r"made without parameters.*use its init and update.*SGD\(params, lr=0.1\)"),
        (lambda: tg.optim.SGD(lr=0.1).zero_grad(), "made without parameters"),
        (lambda: tg.optim.SGD(lr=0.1).state_dict(), "made without parameters"),
        (lambda: tg.optim.SGD([{"params": [W]}, W], lr=0.1), r"params\[1\] must be a group"),
        (lambda: tg.optim.SGD([{"lr": 0.1}], lr=0.1), r"params\[0\] must be a group"),
        (
            lambda: tg.optim.SGD([{"params": [W], "beta": 1}], lr=0.1),
            r"has 'beta'; the settings .* lr, weight_decay, mom",
        ),
        (lambda: tg.optim.SGD([{"params": [W], "clip_norm": 1}], lr=0.1), "has 'clip_norm'"),
        (lambda: tg.optim.SGD([{"params": [W], "lr": -1}], lr=0.1), "lr must be"),
        (lambda: tg.optim.SGD([{"params": [W]}, {"params": [W]}], lr=0.1), "twice"),
        (lambda: tg.optim.SGD([{"params": []}], lr=0.1), "params is empty"),
        (lambda: tg.optim.StepDecay(0.0, every=1), "lr must be"),
        (lambda: tg.optim.StepDecay(1.0, every=0), "every must be"),
        (lambda: tg.optim.StepDecay(1.0, every=1, factor=0.0), "factor must be"),
        (lambda: tg.optim.CosineDecay(0.0, over=1), "lr must be"),
        (lambda: tg.optim.CosineDecay(1.0, over=0), "over must be"),
        (lambda: tg.optim.CosineDecay(1.0, over=1, least=-1.0), "least must be"),
        (lambda: tg.optim.WarmUp(0.0, over=1), "then must be"),
        (lambda: tg.optim.WarmUp(1.0, over=0), "over must be"),
        (lambda: tg.optim.WarmUp(1.0, over=1, start=0.0), "start must be"),
        (lambda: tg.optim.WarmUp(1.0, over=1, start=1.5), "start is a fraction"),
        (lambda: tg.optim.OneCycle(0.0, over=2), "most must be"),
        (lambda: tg.optim.OneCycle(1.0, over=1), "over must be"),
        (lambda: tg.optim.OneCycle(1.0, over=2, rising=1.0), "rising must be"),
        (lambda: tg.optim.OneCycle(1.0, over=2, start=0.0), "start must be"),
        (lambda: tg.optim.OneCycle(1.0, over=2, end=0.0), "end must be"),
        (lambda: tg.optim.ReduceOnPlateau(W), "takes an optimizer"),
        (lambda: tg.optim.ReduceOnPlateau(tg.optim.SGD(lr=tg.optim.StepDecay(1.0, every=1))), "follows a schedule already"),
        (lambda: plateau(factor=1.0), "factor must be"),
        (lambda: plateau(patience=-1), "patience must be"),
        (lambda: plateau(threshold=1.0), "threshold must be"),
        (lambda: plateau(cooldown=-1), "cooldown must be"),
        (lambda: plateau(least=-1.0), "least must be"),
        (lambda: plateau().load_state_dict({}), "a state_dict of ReduceOnPlateau was expected"),
        (lambda: tg.optim.clip_by_norm([np.ones(2)], 0.0), "most must be"),
        (lambda: tg.optim.clip_by_value([np.ones(2)], 0.0), "most must be"),
    ],
)
def test_what_cannot_be_is_refused_where_it_enters(fails, words):
    with pytest.raises(DataError, match=words):
        fails()


def plateau(**settings):
    return tg.optim.ReduceOnPlateau(tg.optim.SGD(lr=0.1), **settings)
