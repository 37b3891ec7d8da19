"""Losses: the lecture's formulas against gradients derived by hand, the others against PyTorch, all of them at the extremes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.errors import DataError, ShapeError
from tinygrad_edu.primitives.primitive import Primitive

DTYPES = st.sampled_from([np.float64, np.float32])


@pytest.fixture(autouse=True, scope="module")
def _losses_may_overflow():
    """A gradient is right also where the loss itself is too large for its dtype."""
    with np.errstate(over="ignore"):
        yield


@st.composite
def numbers(draw, dtype, shape, factors=3):
    """Numbers of all magnitudes of which the dtype can hold the products of so many factors."""
    limit = float(np.finfo(dtype).max) ** (0.9 / factors)
    limit = float(np.dtype(dtype).type(limit))
    width = np.dtype(dtype).itemsize * 8
    return draw(hnp.arrays(dtype, shape, elements=st.floats(-limit, limit, width=width, allow_subnormal=False)))


@st.composite
def lines(draw):
    """θ, x and t of the lecture's model y = θx: single numbers of one dtype and any magnitude."""
    dtype = draw(DTYPES)
    return tuple(draw(numbers(dtype, ()))[()] for _ in range(3))


@st.composite
def planes(draw, labels=None):
    """X, t, w and b of any shapes, of one dtype and any magnitude."""
    dtype = draw(DTYPES)
    samples, features = draw(st.integers(1, 6)), draw(st.integers(1, 5))
    t = draw(hnp.arrays(dtype, samples, elements=st.sampled_from(labels)) if labels else numbers(dtype, samples, 2))
    X, w = draw(numbers(dtype, (samples, features), 2 if labels else 3)), draw(numbers(dtype, features))
    return X, t, w, draw(numbers(dtype, ()))[()]


def assert_agrees(computed, derived, scale, factor=0.0):
    """Equal up to rounding errors of terms as large as `scale`, and up to what underflows and is then multiplied by `factor`."""
    dtype = np.asarray(computed).dtype
    assert dtype == np.asarray(derived).dtype
    eps, tiny = float(np.finfo(dtype).eps), float(np.finfo(dtype).tiny)
    slack = 40 * (eps * np.asarray(scale, np.float64) + tiny * (1 + np.asarray(factor, np.float64)))
    assert (np.abs(np.asarray(computed, np.float64) - np.asarray(derived, np.float64)) <= slack).all(), (computed, derived)


# --- the lecture's gradients -------------------------------------------------------------------------------------------------


@given(lines())
def test_the_gradient_of_half_the_squared_error_is_that_of_the_chain_rule_by_hand(line):
    theta, x, t = line
    gradient = tg.grad(lambda theta: nn.half_squared_error(theta * x, t))(theta)
    assert_agrees(gradient, (t - theta * x) * -x, (abs(t) + abs(theta * x)) * abs(x), abs(x))


@given(lines())
def test_the_gradient_of_half_the_squared_error_is_that_of_the_expanded_parabola(line):
    theta, x, t = line
    gradient = tg.grad(lambda theta: nn.half_squared_error(theta * x, t))(theta)
    expanded = tg.grad(lambda theta: 0.5 * x**2 * theta**2 - t * x * theta + 0.5 * t**2)(theta)
    scale = abs(x) ** 2 * abs(theta) + abs(t * x)
    assert_agrees(gradient, x**2 * theta - t * x, scale, abs(x) + abs(theta))
    assert_agrees(expanded, x**2 * theta - t * x, scale, abs(x) + abs(theta))


@given(planes())
def test_the_gradients_of_the_mean_half_squared_error_are_the_means_of_the_single_ones(plane):
    X, t, w, b = plane
    gradients = tg.grad(lambda w, b: nn.half_squared_error(X @ w + b, t), argnums=(0, 1))(w, b)
    residual = X @ w + b - t
    scale = np.abs(X) @ np.abs(w) + abs(b) + np.abs(t)
    assert_agrees(gradients[0], (residual @ X) / X.dtype.type(len(X)), scale @ np.abs(X), np.abs(X).sum(axis=0))
    assert_agrees(gradients[1], np.mean(residual), np.sum(scale))


@given(planes(labels=[0, 1]))
def test_the_perceptrons_gradients_over_a_batch_are_the_sums_of_those_by_hand(plane):
    X, t, w, b = plane
    gradients = tg.grad(lambda w, b: nn.perceptron_criterion(X @ w + b, t), argnums=(0, 1))(w, b)
    y = (X @ w + b > 0).astype(X.dtype)
    assert_agrees(gradients[0], -(t - y) @ X, np.abs(t - y) @ np.abs(X))
    assert_agrees(gradients[1], -np.sum(t - y), len(t))


@given(planes(labels=[0, 1]))
def test_the_perceptrons_gradients_of_one_sample_are_those_by_hand(plane):
    X, t, w, b = plane
    x = X[0]
    gradients = tg.grad(lambda w, b: nn.perceptron_criterion(x @ w + b, t[0]), argnums=(0, 1))(w, b)
    y = X.dtype.type(x @ w + b > 0)
    assert_agrees(gradients[0], -(t[0] - y) * x, 0 * x)
    assert_agrees(gradients[1], -(t[0] - y), 0)


@given(planes(labels=[-1, 1]))
def test_the_gradient_of_the_hinge_is_minus_t_x_where_the_margin_is_missed(plane):
    X, t, w, b = plane
    gradient = tg.grad(lambda w: nn.hinge(X @ w + b, t, reduction="sum"))(w)
    missed = (1 - t * (X @ w + b) > 0).astype(X.dtype)
    assert_agrees(gradient, -(missed * t) @ X, missed @ np.abs(X))


@given(planes(labels=[0, 1, 0.25]))
def test_the_gradient_of_binary_cross_entropy_is_the_sigmoid_minus_the_target(plane):
    _, t, _, _ = plane
    z = np.linspace(-30, 30, len(t), dtype=t.dtype)
    gradient = tg.grad(lambda z: nn.binary_cross_entropy_with_logits(z, t, reduction="sum"))(z)
    assert_agrees(gradient, tg.sigmoid(z) - t, np.ones_like(z))


@given(st.integers(1, 5), st.integers(1, 4), st.data())
def test_the_gradient_of_softmax_cross_entropy_is_the_softmax_minus_the_one_hot_target(count, samples, data):
    z = data.draw(hnp.arrays(np.float64, (samples, count), elements=st.floats(-1000, 1000)))
    t = data.draw(hnp.arrays(np.int64, samples, elements=st.integers(0, count - 1)))
    gradient = tg.grad(lambda z: nn.softmax_cross_entropy(z, t, reduction="sum"))(z)
    e = np.exp(z - z.max(axis=1, keepdims=True))
    assert_agrees(gradient, e / e.sum(axis=1, keepdims=True) - np.eye(count)[t], np.ones_like(z))


# --- PyTorch -----------------------------------------------------------------------------------------------------------------


def _torch_cases():
    rng = np.random.default_rng(1)
    z, t = rng.normal(size=(4, 3)) * 3, rng.normal(size=(4, 3))
    labels, probabilities = rng.integers(0, 2, size=(4, 3)).astype(float), rng.dirichlet(np.ones(3), size=4)
    return [
        ("mse_loss", nn.mean_squared_error, z, t),
        ("binary_cross_entropy_with_logits", nn.binary_cross_entropy_with_logits, z, labels),
        ("binary_cross_entropy_with_logits", nn.binary_cross_entropy_with_logits, z, probabilities),
        ("cross_entropy", nn.softmax_cross_entropy, z, rng.integers(0, 3, size=4)),
        ("cross_entropy", nn.softmax_cross_entropy, z, probabilities),
        ("cross_entropy", nn.softmax_cross_entropy, z[0], np.int64(2)),
    ]


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize(("name", "loss", "z", "t"), _torch_cases())
def test_losses_and_gradients_are_pytorchs(name, loss, z, t, reduction):
    torch = pytest.importorskip("torch")
    ours, theirs = tg.Value(z), torch.tensor(z, requires_grad=True)
    our_loss = loss(ours, t, reduction=reduction)
    their_loss = getattr(torch.nn.functional, name)(theirs, torch.tensor(t), reduction=reduction)
    np.testing.assert_allclose(our_loss.data, their_loss.detach().numpy(), rtol=1e-12)
    np.testing.assert_allclose(loss(z, t, reduction=reduction), our_loss.data, rtol=1e-15)
    np.sum(our_loss).backward()
    their_loss.sum().backward()
    np.testing.assert_allclose(ours.grad, theirs.grad.numpy(), rtol=1e-12, atol=1e-15)


# --- extremes ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
def test_binary_cross_entropy_is_exact_at_logits_of_a_thousand(dtype):
    z = tg.Value(np.array([1000, 1000, -1000, -1000], dtype))
    loss = nn.binary_cross_entropy_with_logits(z, [1, 0, 1, 0], reduction="none")
    np.testing.assert_array_equal(loss.data, [0, 1000, 1000, 0])
    loss.sum().backward()
    np.testing.assert_array_equal(z.grad, [0, 1, -1, 0])
    assert z.grad.dtype == loss.dtype == dtype


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
def test_softmax_cross_entropy_is_exact_at_logits_of_a_thousand(dtype):
    z = tg.Value(np.array([[1000, -1000, 0], [1000, -1000, 0], [-1000, -1000, -1000]], dtype))
    loss = nn.softmax_cross_entropy(z, [0, 1, 2], reduction="none")
    np.testing.assert_allclose(loss.data, [0, 2000, np.log(3)], rtol=1e-3)
    loss.sum().backward()
    np.testing.assert_allclose(z.grad, [[0, 0, 0], [1, -1, 0], [1 / 3, 1 / 3, -2 / 3]], rtol=1e-3)
    assert z.grad.dtype == loss.dtype == dtype


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_infinite_confidence_gives_no_nan(dtype):
    z = tg.Value(np.array([np.inf, -np.inf, np.inf, -np.inf], dtype))
    loss = nn.binary_cross_entropy_with_logits(z, [1, 0, 0, 1], reduction="none")
    np.testing.assert_array_equal(loss.data[:2], 0)
    assert (loss.data[2:] > 1e37).all()
    loss.sum().backward()
    assert np.isfinite(z.grad).all()

    z = tg.Value(np.array([[np.inf, 0.0, -np.inf], [0.0, 0.0, -np.inf], [-np.inf, 0.0, 0.0]], dtype))
    for target in ([0, 1, 0], np.eye(3)[[0, 1, 0]]):
        z.grad = None
        loss = nn.softmax_cross_entropy(z, target, reduction="none")
        np.testing.assert_allclose(loss.data[:2], [0, np.log(2)], rtol=1e-6)
        assert loss.data[2] > 1e37
        loss[:2].sum().backward()
        np.testing.assert_allclose(z.grad, [[0, 0, 0], [0.5, -0.5, 0], [0, 0, 0]], atol=1e-7)


def test_a_confident_right_answer_keeps_its_digits():
    np.testing.assert_allclose(
        nn.binary_cross_entropy_with_logits([40.0, -40.0], [1, 0], reduction="none"), np.exp(-40), rtol=1e-12
    )


@pytest.mark.parametrize("total", [1.0, 0.995, 1.005])
def test_the_gradient_of_softmax_cross_entropy_is_exact_also_for_probabilities_that_hardly_add_up(total):
    z, t = np.array([[0.3, -1.2, 2.0], [1000.0, 999.0, 0.0]]), np.array([[0.2, 0.3, 0.5], [0.25, 0.5, 0.25]]) * total
    p = tg.softmax(z)
    for transformed in (lambda f: f, tg.compile):
        gradient = transformed(tg.grad(lambda z, t: nn.softmax_cross_entropy(z, t, reduction="sum")))(z, t)
        np.testing.assert_allclose(gradient, total * p - t, atol=1e-15)
    np.testing.assert_allclose(nn.softmax_cross_entropy(z, t, reduction="none"), -np.sum(t * tg.log_softmax(z), axis=1), rtol=1e-12)


def test_the_gradients_for_targets_are_minus_the_logits_and_minus_the_logarithms_of_the_probabilities():
    z, t = np.array([0.3, -1.2, 2.0]), np.array([0.2, 0.3, 0.5])
    np.testing.assert_allclose(tg.grad(lambda t: nn.binary_cross_entropy_with_logits(z, t, reduction="sum"))(t), -z)
    np.testing.assert_allclose(tg.grad(lambda t: nn.softmax_cross_entropy(z, t))(t), -tg.log_softmax(z), rtol=1e-14)


@pytest.mark.parametrize("stranger", [-1, 3])
def test_a_label_that_is_no_class_is_refused_by_a_program_too(stranger):
    def loss(logits, labels):
        return nn.softmax_cross_entropy(logits, labels)

    gradient = tg.compile(tg.grad(loss))
    logits, labels = np.zeros((4, 3)), np.array([0, 2, 1, 1])
    np.testing.assert_allclose(gradient(logits, labels), tg.grad(loss)(logits, labels))
    with pytest.raises(IndexError, match="out of bounds for axis 0 with size 3"):
        gradient(logits, np.array([0, 2, stranger, 1]))


def test_a_million_classes_need_no_table_of_a_million_times_a_million_numbers():
    logits, labels = np.zeros((2, 10**6)), np.array([0, 7])
    for gradient in (tg.grad(nn.softmax_cross_entropy), tg.compile(tg.grad(nn.softmax_cross_entropy))):
        slopes = gradient(logits, labels)
        assert slopes[[0, 1], labels] == pytest.approx([1e-6 / 2 - 0.5] * 2)
        assert slopes.sum(axis=1) == pytest.approx([0, 0])


@pytest.mark.parametrize(("dtype", "count"), [("float16", 5000), ("float32", 5000), ("float64", 5000)])
def test_labels_are_told_apart_by_a_program_in_any_precision(dtype, count):
    logits, labels = np.zeros((2, count), dtype), np.array([4098, 4099])
    slopes = tg.compile(tg.grad(nn.softmax_cross_entropy))(logits, labels)
    assert slopes.dtype == dtype
    assert np.argwhere(slopes < 0).tolist() == [[0, 4098], [1, 4099]]


def test_a_program_for_jax_in_single_precision_takes_labels():
    pytest.importorskip("jax")
    logits, labels = np.zeros((2, 3), np.float32), np.array([2, 0], np.int32)
    slopes = tg.compile(tg.grad(nn.softmax_cross_entropy), target="jax")(logits, labels)
    np.testing.assert_allclose(slopes, tg.grad(nn.softmax_cross_entropy)(logits, labels), rtol=1e-6)


@pytest.mark.parametrize("stranger", [-1, 3])
def test_a_number_that_has_no_vector_is_refused_by_a_program_too(stranger):
    vectors = nn.Embedding(3, 2, rng=0)
    gradient = tg.compile(tg.grad(lambda vectors, numbers: np.sum(vectors(numbers) ** 2)))
    numbers = np.array([0, 2, 2])
    np.testing.assert_allclose(gradient(vectors, numbers).weight, 2 * vectors.weight.data * np.array([[1], [0], [2]]))
    with pytest.raises(IndexError, match="out of bounds for axis 0 with size 3"):
        gradient(vectors, np.array([0, stranger, 2]))


def test_compiled_gradients_of_cross_entropies_are_what_one_derives_by_hand():
    w, X = np.ones((2, 3)), np.arange(6.0).reshape(3, 2)
    binary = tg.compile(tg.grad(lambda w, X, t: nn.binary_cross_entropy_with_logits(X @ w, t, reduction="sum")))
    softmax = tg.compile(tg.grad(lambda w, X, t: nn.softmax_cross_entropy(X @ w, t, reduction="sum")))
    binary(w, X, np.eye(3)), softmax(w, X, np.array([0, 2, 1]))
    assert "    d_w = X.T @ (sigmoid(X @ w) - t)\n    return d_w\n" in binary.source
    assert "part = np.array([0.0, 1.0, 2.0])[t.astype(np.uint32)][:, None]" in softmax.source
    assert "softmax(X @ w) - (part == np.arange(3)).astype(np.float64)" in softmax.source


# --- conventions -------------------------------------------------------------------------------------------------------------

PAIRED = [nn.half_squared_error, nn.mean_squared_error, nn.perceptron_criterion, nn.hinge, nn.binary_cross_entropy_with_logits]


@pytest.mark.parametrize("loss", PAIRED)
def test_the_mean_is_the_default_except_for_the_perceptron(loss):
    z, t = np.array([0.5, -2.0, 0.25]), np.array([1.0, 1.0, 1.0])
    each = loss(z, t, reduction="none")
    assert each.shape == (3,)
    assert loss(z, t) == (np.sum(each) if loss is nn.perceptron_criterion else np.mean(each))
    assert loss(tg.Value(z), t).item() == loss(z, t)


@pytest.mark.parametrize("loss", [*PAIRED, lambda z, t: nn.softmax_cross_entropy(z, [0, 1, 0])])
def test_integer_targets_leave_float32_predictions_float32(loss):
    z = tg.Value(np.array([[0.5, -2.0, 0.25]] * 3, np.float32))
    result = loss(z, np.ones((3, 3), int))
    result.backward()
    assert result.dtype == z.grad.dtype == np.float32


@pytest.mark.parametrize("loss", PAIRED)
def test_a_column_against_a_row_is_refused_instead_of_broadcast(loss):
    with pytest.raises(ShapeError, match=r"shape \(3, 1\), but the target has shape \(3,\)"):
        loss(tg.Value(np.ones((3, 1))), np.ones(3))


@pytest.mark.parametrize("loss", [*PAIRED, nn.softmax_cross_entropy])
def test_an_unknown_reduction_is_refused(loss):
    with pytest.raises(DataError, match="'mean', 'sum' or 'none', but is 'max'"):
        loss(np.ones(2), np.array([1.0, 0.0]) if loss is nn.softmax_cross_entropy else np.ones(2), reduction="max")


@pytest.mark.parametrize("loss", [*PAIRED, nn.softmax_cross_entropy])
def test_text_is_refused(loss):
    with pytest.raises(DataError, match="real numbers"):
        loss(np.ones(2), ["a", "b"])


@pytest.mark.parametrize(
    ("loss", "z", "t", "error", "words"),
    [
        (nn.perceptron_criterion, [1.0, 1.0], [-1, 1], DataError, "must be 0 or 1; .* but -1.0 is among them"),
        (nn.hinge, [1.0, 1.0], [0, 1], DataError, "must be -1 or 1; .* but 0.0 is among them"),
        (nn.binary_cross_entropy_with_logits, [1.0, 1.0], [-1, 1], DataError, r"lie in \[0, 1\]; .* but -1.0"),
        (nn.softmax_cross_entropy, [[1.0, 1.0]], [2], DataError, "counted from 0 to 1, but 2"),
        (nn.softmax_cross_entropy, [[1.0, 1.0]], [-1], DataError, "counted from 0 to 1, but -1"),
        (nn.softmax_cross_entropy, [[1.0, 1.0]], [1.0], DataError, "whole numbers"),
        (nn.softmax_cross_entropy, [[1.0, 1.0]], [1, 0], ShapeError, r"need classes of shape \(1,\), but got \(2,\)"),
        (nn.softmax_cross_entropy, [[1.0, 1.0]], [[0.5, 0.6]], DataError, "add up to 1"),
        (nn.softmax_cross_entropy, [[1.0, 1.0]], [[1.5, -0.5]], DataError, "negative, but -0.5"),
        (nn.softmax_cross_entropy, [[1.0, 1.0]], [[1.0, 0.0, 0.0]], ShapeError, "a target for each"),
        (nn.softmax_cross_entropy, 1.0, 0, ShapeError, "need an axis of classes"),
    ],
)
def test_targets_that_the_loss_is_not_made_for_are_refused(loss, z, t, error, words):
    for logits in (np.array(z), tg.Value(z)):
        with pytest.raises(error, match=words):
            loss(logits, t)


def test_a_target_may_be_a_value_and_receives_its_gradient():
    prediction, target = tg.Value([1.0, 2.0]), tg.Value([3.0, 5.0])
    nn.half_squared_error(prediction, target, reduction="sum").backward()
    np.testing.assert_array_equal(target.grad, -prediction.grad)


def test_losses_can_be_differentiated_twice():
    z = np.array([0.3, -1.2])
    second = tg.hessian(lambda z: nn.binary_cross_entropy_with_logits(z, [1, 0], reduction="sum"))(z)
    p = tg.sigmoid(z)
    np.testing.assert_allclose(second, np.diag(p * (1 - p)), atol=1e-15)
    second = tg.hessian(lambda z: nn.softmax_cross_entropy(z, 1))(z)
    p = np.exp(z) / np.exp(z).sum()
    np.testing.assert_allclose(second, np.diag(p) - np.outer(p, p), atol=1e-15)


MASKED = np.ma.masked_array([[0.25, 0.75]], mask=[[True, False]])


@pytest.mark.parametrize(
    ("loss", "plain"),
    [
        (nn.half_squared_error, [[0.5, 0.5]]),
        (nn.mean_squared_error, [[0.5, 0.5]]),
        (nn.perceptron_criterion, [[1, 0]]),
        (nn.hinge, [[1, -1]]),
        (nn.binary_cross_entropy_with_logits, [[1, 0]]),
        (nn.softmax_cross_entropy, [1]),
    ],
)
def test_a_mask_is_never_ignored(loss, plain):
    with pytest.raises(DataError, match=r"the (prediction|logits) is a masked array.*leave the masked samples out"):
        loss(MASKED, plain)
    for prediction in (np.array([[0.25, 0.75]]), tg.Value([[0.25, 0.75]])):
        with pytest.raises(DataError, match=r"the target is a masked array, .*target\[~mask\]"):
            loss(prediction, np.ma.masked_array(plain, mask=False))


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int8, np.int32, np.int64, np.float16, np.float32])
@pytest.mark.parametrize(
    "loss", [tg.nn.half_squared_error, tg.nn.mean_squared_error, tg.nn.perceptron_criterion, tg.nn.hinge,
             tg.nn.binary_cross_entropy_with_logits], ids=lambda f: f.__name__
)  # fmt: skip
def test_a_compiled_loss_of_whole_numbers_is_that_of_floats(loss, dtype):
    prediction, target = np.array([100, 10, 0]).astype(dtype), np.array([loss is tg.nn.hinge, 1, 1]).astype(dtype)
    found, expected = tg.compile(loss)(prediction, target), loss(prediction, target)
    assert (np.asarray(found).dtype, found.shape) == (expected.dtype, expected.shape)
    np.testing.assert_allclose(found, expected, rtol=2e-3 if dtype is np.float16 else 1e-6)


def test_squared_errors_of_bytes_do_not_wrap_around():
    prediction, target = np.array([200, 10], np.uint8), np.zeros(2, np.uint8)
    assert tg.compile(tg.nn.mean_squared_error)(prediction, target) == tg.nn.mean_squared_error(prediction, target) == 20050.0


@pytest.mark.parametrize("numbers", [[0.5, 2.0], [1, 2], 0.5, 2, np.float32(0.5)], ids=repr)
@pytest.mark.parametrize("function", [f for f in vars(tg).values() if isinstance(f, Primitive)] + [tg.gelu, tg.log_softmax])
def test_functions_of_models_take_lists_and_numbers_as_numpys_do(function, numbers):
    found, expected = function(numbers), function(np.array(numbers))
    np.testing.assert_array_equal(found, expected)
    if function is not tg.stop_gradient:  # which returns what it is given
        assert (np.shape(found), found.dtype) == (np.shape(expected), expected.dtype)


@pytest.mark.parametrize(
    "function",
    [tg.softmax, tg.log_softmax, tg.logsumexp, tg.sigmoid, tg.softplus, tg.gelu],
    ids=lambda f: getattr(f, "name", "") or f.__name__,
)
@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int32, np.int64])
def test_functions_of_models_take_whole_numbers(function, dtype):
    x = np.array([100, 3, 0 if dtype is np.uint8 else -128]).astype(dtype)
    for found in (function(x), tg.compile(function)(x)):
        np.testing.assert_allclose(found, function(x.astype(float)), rtol=2e-2 if found.dtype.itemsize < 4 else 1e-6, atol=1e-6)
