"""Gradients in passing: what `on_gradient` and `register_hook` see, and what goes on of it, wherever the chain rule runs."""

import copy
import json
import pickle
import re

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Value
from tinygrad_edu.errors import AnomalyError, DataError, GradientError, TracingError


def clipped(g):
    return np.clip(g, -1, 1)


# --- what a function sees, and what goes on ----------------------------------------------------------------------------------


def test_a_function_sees_the_gradient_that_passes_and_what_it_returns_goes_on():
    seen = []
    x = Value([1.0, 2.0])

    def halve(g):
        seen.append(g)
        return g / 2

    y = tg.on_gradient(x * 3, halve)
    np.testing.assert_array_equal(y.data, [3, 6])
    (y**2).sum().backward()
    np.testing.assert_array_equal(seen, [[6, 12]])
    np.testing.assert_array_equal(x.grad, [9, 18])


def test_a_function_that_returns_nothing_lets_the_gradient_pass():
    seen = []
    x = Value(3.0)
    (tg.on_gradient(x, seen.append) ** 2).backward()
    assert (seen, x.grad) == ([6.0], 6.0)


def test_only_what_comes_by_way_of_the_result_is_seen():
    x = Value(3.0)
    (tg.on_gradient(x, lambda g: 10 * g) * x).backward()
    assert x.grad == 10 * 3 + 3


def test_a_hook_of_an_inner_value_sees_the_sum_of_all_that_comes_to_it():
    seen = []
    x = Value(2.0)
    y = x * x
    loss = y * 3 + y * y  # which were recorded before there was a hook
    y.register_hook(lambda g: seen.append(g) or 10 * g)
    loss.backward()
    assert seen == [3 + 2 * 4]
    assert x.grad == 10 * 11 * 4


def test_a_hook_of_a_leaf_sees_the_gradient_of_each_backward_pass_and_not_their_sum():
    seen = []
    x = Value(2.0)
    x.register_hook(lambda g: seen.append(g) or -g)
    for _ in range(2):
        (x * x + x).backward()
    assert seen == [5, 5]
    assert x.grad == -10


def test_a_hook_of_the_loss_sees_what_backward_starts_from():
    x = Value(2.0)
    loss = x * x
    loss.register_hook(lambda g: 10 * g)
    loss.backward(0.5)
    assert x.grad == 4 * 5
    x.register_hook(lambda g: 3 * g)
    x.grad = None
    x.backward()
    assert x.grad == 3


def test_hooks_are_called_in_order_and_each_sees_what_the_one_before_has_left():
    x = Value(2.0)
    x.register_hook(lambda g: g + 1)
    x.register_hook(lambda g: None)
    x.register_hook(lambda g: g * 10)
    (x * 1).backward()
    assert x.grad == 20


def test_a_hook_that_was_removed_sees_nothing_more():
    x = Value(2.0)
    first, second = x.register_hook(lambda g: g + 1), x.register_hook(lambda g: g * 10)
    first.remove()
    first.remove()
    (x * 1).backward()
    assert x.grad == 10
    second.remove()
    (x * 1).backward()
    assert x.grad == 11


def test_a_hook_may_remove_itself_while_it_is_called():
    x = Value(2.0)
    calls = []

    def once(g):
        calls.append(g)
        handle.remove()
        return 5 * g

    handle = x.register_hook(once)
    for _ in range(2):
        (x * 1).backward()
    assert (calls, x.grad) == ([1], 6)


def test_hooks_do_as_those_of_pytorch():
    torch = pytest.importorskip("torch")
    numbers = [0.5, -1.5, 3.0]

    def run(x, tanh):
        h = tanh(x)
        h.register_hook(lambda g: 2 * g)
        total = (h * h + h).sum()
        h.register_hook(lambda g: g - 1)
        x.register_hook(lambda g: g.clip(-0.5, 0.5))
        total.register_hook(lambda g: 3 * g)
        total.backward()
        return x.grad

    theirs = run(torch.tensor(numbers, dtype=torch.float64, requires_grad=True), torch.tanh)
    np.testing.assert_allclose(run(Value(numbers), np.tanh), theirs.numpy(), rtol=1e-14)


def test_in_a_second_derivative_a_function_sees_every_gradient_that_passes_as_in_pytorch():
    torch = pytest.importorskip("torch")
    x = torch.tensor(1.5, dtype=torch.float64, requires_grad=True)
    y = x * 1
    y.register_hook(lambda g: 2 * g)
    (slope,) = torch.autograd.grad(y**3, x, create_graph=True)
    (theirs,) = torch.autograd.grad(slope, x)

    def cube(x):
        return tg.on_gradient(x, lambda g: 2 * g) ** 3

    for ours in (tg.grad(tg.grad(cube))(1.5), tg.hvp(cube, 1.5, 1.0), tg.hessian(cube)(1.5)):
        assert ours == theirs.item() == 36


def test_a_value_without_a_gradient_has_none_to_be_seen():
    x = Value(2.0, name="x", requires_grad=False)
    with pytest.raises(GradientError, match=r"'x' of shape \(\) requires no gradient, so there is none that a hook could see"):
        x.register_hook(print)
    array = np.ones(3)
    assert tg.on_gradient(array, print) is array
    assert tg.on_gradient(2.0, print) == 2.0
    assert tg.on_gradient(x, print) is x
    with tg.no_grad():
        assert not tg.on_gradient(Value(2.0), print).requires_grad


def test_what_sees_a_gradient_is_a_function():
    x = Value(2.0)
    with pytest.raises(DataError, match=r"a function of it, but got 0\.5\. Write value\.register_hook\(lambda g: \.\.\.\)"):
        x.register_hook(0.5)
    with pytest.raises(DataError, match=r"Write tg\.on_gradient\(x, lambda g: \.\.\.\)"):
        tg.on_gradient(x, None)


def test_a_copy_of_a_leaf_has_no_hooks():
    x = Value(2.0)
    x.register_hook(lambda g: 10 * g)
    for other in (copy.copy(x), copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        (other * 1).backward()
        assert other.grad == 1


# --- what may go on ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (1.0, r"returned a gradient of shape \(\)\. What goes on has the shape of the Value: write np\.full_like\(g, number\)"),
        (np.ones(4), r"returned a gradient of shape \(4,\)"),
        (np.ones((1, 3)), r"returned a gradient of shape \(1, 3\)"),
        ([1.0, 2.0, 3.0], r"returned \[1\.0, 2\.0, 3\.0\], a list, which is no gradient\. It returns what goes on"),
        ("text", "returned 'text', a str, which is no gradient"),
        (np.array(["a", "b", "c"]), r"returned array\(\['a', 'b', 'c'\], dtype='<U1'\), a ndarray, which is no gradient"),
        (np.array([1j, 0, 0]), r"returned a complex gradient, although what it belongs to is real"),
        (np.ma.masked_less(np.ones(3), 0), "returned a masked array, whose mask would be lost"),
        (np.array([True, False, True]), r"returned truth values\. Write np\.where\(mask, g, 0\.0\)"),
    ],
)
def test_what_is_no_gradient_is_refused_and_no_grad_is_touched(answer, complaint):
    first, w = Value(np.ones(3)), Value(np.ones(3), name="w")

    def wrong(g):
        return answer

    w.register_hook(wrong)
    with pytest.raises(GradientError, match=r"wrong, which sees the gradient of the Value 'w' of shape \(3,\), " + complaint):
        (first * w).sum().backward()
    assert first.grad is None
    assert w.grad is None


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_goes_on_has_the_dtype_of_the_value(dtype):
    w = Value(np.ones(3, dtype))
    w.register_hook(lambda g: np.arange(3))
    x = Value(np.ones((), dtype))
    x.register_hook(lambda g: 2)
    ((w * w).sum() * x).backward()
    assert w.grad.dtype == x.grad.dtype == dtype
    np.testing.assert_array_equal(w.grad, [0, 1, 2])
    assert (x.grad, type(x.grad)) == (2, dtype)


def test_a_complex_gradient_stays_complex_and_may_become_a_real_one():
    def length(x, f):
        return np.absolute(tg.on_gradient(x * (1 + 1j), f) ** 2)

    plain = tg.grad(lambda x: np.absolute((x * (1 + 1j)) ** 2))(1.5)
    assert tg.grad(lambda x: length(x, lambda g: 2 * g))(1.5) == pytest.approx(2 * plain)
    gradients = []
    tg.grad(lambda x: length(x, gradients.append))(1.5)
    assert gradients[0].dtype.kind == "c"
    assert tg.grad(lambda x: length(x, np.real))(1.5) == pytest.approx(gradients[0].real)


def test_a_gradient_can_only_be_read():
    w = Value(np.ones(3))

    def in_place(g):
        g *= 2

    w.register_hook(in_place)
    with pytest.raises(ValueError, match="read-only"):
        (w * 2).sum().backward()


def test_an_array_that_a_function_goes_on_to_write_to_changes_no_gradient():
    a, b, room = Value(np.ones(2)), Value(np.ones(2)), np.zeros(2)
    for value in (a, b):
        value.register_hook(lambda g: np.multiply(g, 10, out=room))
    (a * 1 + b * 2).sum().backward()
    room[:] = 0
    np.testing.assert_array_equal([a.grad, b.grad], [[10, 10], [20, 20]])


def test_a_value_that_is_returned_counts_as_its_numbers_in_a_backward_pass():
    factor, x = Value(3.0), Value(2.0)
    x.register_hook(lambda g: g * factor)
    (x * x).backward()
    assert (x.grad, type(x.grad)) == (12, np.float64)


# --- transforms --------------------------------------------------------------------------------------------------------------


def test_every_transform_that_goes_backward_shows_the_gradient():
    def f(x):
        y = np.tanh(x)
        x.register_hook(lambda g: 10 * g)
        y.register_hook(clipped)
        return y**2 * 7

    x = np.array([0.5, -1.0])
    y = np.tanh(x)
    slope = 10 * np.clip(14 * y, -1, 1) * (1 - y**2)
    np.testing.assert_allclose(tg.grad(lambda x: f(x).sum())(x), slope)
    np.testing.assert_allclose(tg.value_and_grad(lambda x: f(x).sum())(x)[1], slope)
    np.testing.assert_allclose(tg.elementwise_grad(f)(x), slope)
    np.testing.assert_allclose(tg.vjp(f, x)[1](np.ones(2))[0], slope)
    np.testing.assert_allclose(tg.jacobian(f)(x), np.diag(slope))
    np.testing.assert_allclose(tg.grad(tg.checkpoint(lambda x: np.sum(f(x))))(x), slope)


def test_the_jacobian_of_more_outputs_than_inputs_is_computed_by_rows_where_a_function_sees_them():
    def f(x):
        return np.stack([x, tg.on_gradient(x, clipped) * 5, x**2])

    np.testing.assert_array_equal(tg.jacobian(f)(3.0), [1, 1, 6])


def test_derivatives_are_taken_of_what_a_function_computes():
    def f(x):
        return tg.on_gradient(x, lambda g: g * x) * 2  # the slope is 2x, that of which is 2, and its gradient passes x once

    for grad in (tg.grad, lambda f: tg.compile(tg.grad(f))):
        assert grad(f)(3.0) == 6
        assert grad(tg.grad(f))(3.0) == 2


def test_a_function_within_a_checkpoint_sees_the_gradient_once():
    seen = []
    w = Value(np.ones(2))
    part = tg.checkpoint(lambda w: tg.on_gradient(w * 3, seen.append) ** 2)
    w.register_hook(lambda g: 10 * g)
    part(w).sum().backward()
    np.testing.assert_array_equal(seen, [[6, 6]])
    np.testing.assert_array_equal(w.grad, [180, 180])


@pytest.mark.parametrize("forward", [tg.jvp, lambda f, x, t: tg.linearize(f, x)], ids=["jvp", "linearize"])
def test_forward_mode_has_no_gradient_to_show_and_says_so(forward):
    def f(x):
        h = (x * 2).named("h")
        h.register_hook(clipped)
        return h**2

    with pytest.raises(GradientError, match=r"no gradient passes the Value 'h' of shape \(\), .* Use tg\.vjp, tg\.grad or"):
        forward(f, 3.0, 1.0)
    assert tg.jvp(lambda x: x + tg.stop_gradient(f(x)), 3.0, 1.0)[1] == 1  # where none would pass, none is missed


def test_an_anomaly_that_a_function_makes_is_put_down_to_it():
    def broken(g):
        return g * np.nan

    with tg.detect_anomaly():
        x = Value(2.0, name="x")
        x.register_hook(broken)
        with pytest.raises(AnomalyError, match=r"broken, which saw the gradient of the Value 'x' of shape \(\), made nan of it"):
            (x * x).backward()


def test_a_graph_with_hooks_goes_with_its_loss():
    import gc
    import weakref

    gc.collect()
    gc.disable()
    try:
        w = Value(np.ones(3))
        handle = w.register_hook(lambda g: 2 * g)
        loss = tg.on_gradient(w * 2, clipped).sum()
        loss.backward()
        witnesses = [weakref.ref(w), weakref.ref(loss)]
        del w, loss
        assert [witness() for witness in witnesses] == [None, None]
        handle.remove()
    finally:
        gc.enable()


# --- compiled ----------------------------------------------------------------------------------------------------------------

TARGETS = ["numpy", "jax"]


@pytest.fixture(params=TARGETS)
def target(request):
    if request.param == "jax":
        pytest.importorskip("jax").config.update("jax_enable_x64", True)
    return request.param


def shrunk(g):
    return g * np.minimum(1.0, 0.5 / np.linalg.norm(g))


@pytest.mark.parametrize("function", [clipped, shrunk, lambda g: 0.5 * g, np.sign])
def test_what_a_function_computes_is_in_the_program(target, function):
    def loss(w):
        h = tg.on_gradient(np.tanh(w), function)
        h.register_hook(lambda g: 3 * g)
        w.register_hook(function)
        return np.sum(h**2 * 10)

    w = np.array([0.1, 0.2, -3.0])
    gradient = tg.compile(tg.grad(loss), target=target)
    np.testing.assert_allclose(gradient(w), tg.grad(loss)(w), rtol=1e-9)
    np.testing.assert_allclose(gradient(2 * w), tg.grad(loss)(2 * w), rtol=1e-9)


def test_the_source_of_a_clipped_gradient_is_what_one_would_write():
    gradient = tg.compile(tg.grad(lambda w, x: np.sum(tg.on_gradient(np.tanh(w * x), clipped) * x)))
    gradient(np.ones(3), np.ones(3))
    assert "on_gradient" not in gradient.source
    assert "d_w = np.clip(x, -1, 1) * (1 - np.tanh(w * x) ** 2) * x" in gradient.source


def test_second_derivatives_of_what_a_function_computes_are_compiled(target):
    def f(x):
        return tg.on_gradient(x, lambda g: g**2) ** 3

    second = tg.compile(tg.grad(tg.grad(f)), target=target)
    assert second(1.5) == pytest.approx(tg.grad(tg.grad(f))(1.5))


def test_single_numbers_of_python_go_by_a_function_in_a_program(target):
    slope = tg.compile(tg.grad(lambda x: tg.on_gradient(x, clipped) ** 2), target=target)
    assert [slope(x) for x in (3.0, 0.25, -3)] == [1, 0.5, -1]


@pytest.mark.parametrize("step", [lambda h: tg.on_gradient(h, clipped), lambda h: +h], ids=["on_gradient", "plus"])
def test_a_recurrence_keeps_each_state_once_where_an_operation_only_hands_it_on(step, target):
    def loss(W, X):
        h = np.zeros(3)
        for x in X:
            h = step(np.tanh(W @ h + x))
        return np.sum(h**2)

    rng = np.random.default_rng(0)
    W, X = rng.normal(size=(3, 3)), rng.normal(size=(20, 3))
    gradient = tg.compile(tg.grad(loss), target=target)
    np.testing.assert_allclose(gradient(W, X), tg.grad(loss)(W, X), rtol=1e-9, atol=1e-12)
    if target == "numpy":
        assert gradient.source.count("append") == 1


def test_a_program_follows_a_number_that_a_function_uses():
    limits = {"most": 1.0}
    gradient = tg.compile(tg.grad(lambda x: tg.on_gradient(x, lambda g: np.clip(g, -limits["most"], limits["most"])) ** 2))
    assert gradient(3.0) == 1
    limits["most"] = 2.0
    assert gradient(3.0) == 2


seen = []


def stores_the_gradient(g):
    seen.append(g)
    return clipped(g)


def stores_its_norm(g):
    seen.append(np.linalg.norm(g))
    return clipped(g)


def prints_the_gradient(g):
    print(g)
    return clipped(g)


def prints_its_norm(g):
    print(f"norm {np.linalg.norm(g)}")
    return clipped(g)


@pytest.mark.parametrize(
    ("function", "does"),
    [
        (print, "prints"),
        (seen.append, "returns nothing"),
        (stores_the_gradient, "stores what it computes"),
        (stores_its_norm, "stores what it computes"),
        (prints_the_gradient, "prints"),
        (prints_its_norm, "prints"),
    ],
)
def test_a_function_that_does_more_than_compute_is_refused_by_a_compiled_function(function, does, capsys):
    def loss(w):
        return np.sum(tg.on_gradient(w, function) ** 2)

    message = rf"but {function.__name__}, which sees the gradient of the Value of shape \(3,\), {does}\. .* without tg\.compile"
    with pytest.raises(TracingError, match=message):
        tg.compile(tg.grad(loss))(np.ones(3))
    assert capsys.readouterr().out == ""
    seen.clear()
    np.testing.assert_array_equal(tg.grad(loss)(np.ones(3)), [1, 1, 1] if function not in (print, seen.append) else [2, 2, 2])


def test_a_function_that_looks_at_numbers_is_refused_by_a_compiled_function_as_any_other():
    def loss(w):
        return np.sum(tg.on_gradient(w, lambda g: g if np.linalg.norm(g) < 1 else g / np.linalg.norm(g)) ** 2)

    with pytest.raises(TracingError, match=r"Write np\.where\(condition, a, b\)"):
        tg.compile(tg.grad(loss))(np.ones(3))


def test_what_a_compiled_function_prints_of_its_own_is_printed_as_before(capsys):
    def loss(w):
        print("loss")
        return np.sum(tg.on_gradient(w, clipped) ** 2) + 0 * len(str(w))

    np.testing.assert_array_equal(tg.compile(tg.grad(loss))(np.ones(3)), [1, 1, 1])
    assert "loss" in capsys.readouterr().out


# --- explained and drawn -----------------------------------------------------------------------------------------------------


def squared_error(function):
    theta = Value(3.0, name="theta")
    y = tg.on_gradient(theta * 2.0, function).named("y")
    return theta, (0.5 * (8.0 - y) ** 2).named("L")


def test_an_explanation_says_what_a_function_made_of_a_gradient():
    theta, loss = squared_error(clipped)
    loss.backward()
    assert theta.grad == -2
    told = str(tg.explain(loss))
    assert "y = on_gradient(θ·2) = 6" in told
    assert "dL/dθ = −2, 1 path" in told
    assert "Note: clipped sees the gradient dL/dy = −2, and −1 goes on." in told
    assert "=" not in told[told.index("Note: ") :].replace("dL/dy = −2", "")


def test_a_chain_of_factors_stays_one_where_a_function_only_watches():
    seen = []

    def watch(g):
        seen.append(g)

    _, loss = squared_error(watch)
    told = str(tg.explain(loss))
    assert "      = 2 · (−1) · 2\n      = −4" in told
    assert "Note: watch sees the gradient dL/dy = −2, which goes on as it is." in told
    assert seen == [-2]


def test_the_explanation_of_arrays_has_the_gradients_that_hooks_have_left():
    w = Value(np.ones(3), name="w")
    for hook in (lambda g: g / 2, clipped):
        w.register_hook(hook)
    told = str(tg.explain((w**3).sum()))
    assert "dL/dw = [1, 1, 1]" in told
    assert "Note: <lambda> sees the gradient dL/dw = [3, 3, 3], and [1.5, 1.5, 1.5] goes on." in told
    assert "Note: clipped sees the gradient dL/dw = [1.5, 1.5, 1.5], and [1, 1, 1] goes on." in told


def test_a_formula_begins_with_what_a_function_has_left_of_the_gradient_of_the_result():
    h = Value([0.1, 0.5], name="h")
    loss = np.sum(h**2)
    loss.register_hook(lambda g: 5 * g)
    assert "dL/dh = 10·h\n" in str(tg.explain(loss)).replace("dloss", "dL")
    x = Value(3.0, name="x")
    square = (x**2).named("L")
    square.register_hook(lambda g: 5 * g)
    assert re.search(r"L = x² +dL/dL = 5 +2·x = 6 +30\n", str(tg.explain(square)))


def test_a_picture_shows_what_a_function_made_of_a_gradient():
    _, loss = squared_error(clipped)
    assert "y = on_gradient(θ·2) = 6" in tg.draw(loss).dot
    loss.backward()
    assert "gradient −1\\nclipped: −2 ↦ −1" in tg.draw(loss).dot
    assert "gradient −2" in tg.draw(loss).dot


def test_a_page_about_a_changed_gradient_has_its_numbers():
    pytest.importorskip("pygraphviz")
    _, loss = squared_error(clipped)
    page = tg.explain(loss).to_html()
    assert "clipped: −2 ↦ −1" in page


def source_on_page(loss):
    """The lines of the source that a page shows, and what it says cannot be written."""
    facts = json.loads(re.search(r'id="data">(.*?)</script>', tg.explain(loss).to_html(), re.DOTALL)[1])
    return facts["source"], facts["unwritten"]


def test_the_source_on_a_page_has_what_functions_make_of_gradients():
    pytest.importorskip("pygraphviz")
    w, x = Value([0.1, 0.5], name="w"), Value([1.0, 3.0], name="x", requires_grad=False)
    h = tg.on_gradient(np.tanh(w * x), clipped).named("h")
    w.register_hook(lambda g: 3 * g)
    loss = np.sum(x * h**2)
    loss.register_hook(lambda g: g / 2)
    source, unwritten = source_on_page(loss)
    assert (source[-2].strip(), unwritten) == ("d_w = 3 * np.clip(x * h, -1, 1) * (1 - power) * x", "")
    scope = {}
    exec("\n".join(source), scope)
    loss.backward()
    np.testing.assert_allclose(scope["value_and_grad"](w.data, x.data)[1], w.grad, rtol=1e-14)


def by_the_numbers(g):
    return g if g < 1 else g / 2


def of_plain_numbers(g):
    return np.asarray(g) / 2


@pytest.mark.parametrize("function", [by_the_numbers, of_plain_numbers])
def test_a_page_says_which_function_goes_by_the_numbers_in_place_of_its_source(function):
    pytest.importorskip("pygraphviz")
    x = Value(3.0, name="x")
    assert source_on_page(tg.on_gradient(x, function) ** 2) == ([], function.__name__)


def test_a_function_that_prints_and_changes_nothing_is_not_called_again_for_the_source(capsys):
    pytest.importorskip("pygraphviz")
    seen = []
    x = Value(3.0, name="x")
    x.register_hook(seen.append)
    x.register_hook(lambda g: print("it was", g) or -g)
    source, _ = source_on_page(x**2)
    assert (seen, capsys.readouterr().out, source[-2].strip()) == ([6.0], "it was 6.0\n", "d_x = -2.0 * x")
