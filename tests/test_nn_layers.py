"""Layers: what can be checked by hand and by differences, what they refuse, and what they keep from call to call."""

import itertools

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.errors import DataError, ShapeError

RNG = np.random.default_rng(0)


def convolved_by_hand(x, weight, bias, stride, padding, dilation):
    """The definition of a convolution, number by number."""
    x = np.pad(x, [(0, 0), (0, 0), (padding, padding), (padding, padding)])
    (samples, _, height, width), (out, channels, rows, columns) = x.shape, weight.shape
    shape = [(n - dilation * (k - 1) - 1) // stride + 1 for n, k in ((height, rows), (width, columns))]
    y = np.zeros((samples, out, *shape))
    for n, o, i, j in itertools.product(*map(range, y.shape)):
        for c, k, m in itertools.product(range(channels), range(rows), range(columns)):
            y[n, o, i, j] += weight[o, c, k, m] * x[n, c, stride * i + dilation * k, stride * j + dilation * m]
    return y + bias[:, None, None]


@pytest.mark.parametrize(("stride", "padding", "dilation"), [(1, 0, 1), (2, 1, 1), (1, 2, 2), (3, 0, 2)])
def test_a_convolution_is_the_sum_that_defines_it(stride, padding, dilation):
    layer = nn.Conv2d(2, 3, (2, 3), stride=stride, padding=padding, dilation=dilation, rng=0)
    x = RNG.normal(size=(2, 2, 6, 7))
    wanted = convolved_by_hand(x, layer.weight.data, layer.bias.data, stride, padding, dilation)
    np.testing.assert_allclose(layer(x).data, wanted, rtol=1e-12, atol=1e-14)


def lstm_by_hand(x, state):
    """The formulas of the docstring, for one layer and one sequence."""
    h, c = np.zeros(4), np.zeros(4)
    for each in x:
        i, f, g, o = np.split(
            state["weight_ih_l0"] @ each + state["bias_ih_l0"] + state["weight_hh_l0"] @ h + state["bias_hh_l0"], 4
        )
        c = c / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
        h = np.tanh(c) / (1 + np.exp(-o))
    return h


def gru_by_hand(x, state):
    h = np.zeros(4)
    for each in x:
        (a, b, c), (d, e, f) = (
            np.split(state[f"weight_{which}_l0"] @ v + state[f"bias_{which}_l0"], 3) for which, v in (("ih", each), ("hh", h))
        )
        z = 1 / (1 + np.exp(-(b + e)))
        h = (1 - z) * np.tanh(c + f / (1 + np.exp(-(a + d)))) + z * h
    return h


def rnn_by_hand(x, state):
    h = np.zeros(4)
    for each in x:
        h = np.tanh(state["weight_ih_l0"] @ each + state["bias_ih_l0"] + state["weight_hh_l0"] @ h + state["bias_hh_l0"])
    return h


@pytest.mark.parametrize(("kind", "by_hand"), [(nn.RNN, rnn_by_hand), (nn.LSTM, lstm_by_hand), (nn.GRU, gru_by_hand)])
def test_a_recurrent_layer_does_what_its_formula_says(kind, by_hand):
    layer, x = kind(3, 4, rng=0), RNG.normal(size=(5, 3))
    outputs, _ = layer(x)
    np.testing.assert_allclose(outputs.data[-1], by_hand(x, layer.state_dict()), rtol=1e-12)


def test_attention_does_what_its_formula_says():
    layer, x = nn.MultiHeadAttention(4, 2, rng=0), RNG.normal(size=(3, 4))
    state = layer.state_dict()
    q, k, v = (x @ part.T for part in np.split(state["in_proj_weight"], 3))
    heads = []
    for columns in (slice(0, 2), slice(2, 4)):
        e = np.exp(q[:, columns] @ k[:, columns].T / np.sqrt(2))
        heads.append(e / e.sum(axis=1, keepdims=True) @ v[:, columns])
    wanted = np.hstack(heads) @ state["out_proj.weight"].T + state["out_proj.bias"]
    np.testing.assert_allclose(layer(x, x, x)[0].data, wanted, rtol=1e-12)


CHECKED = {
    "linear": (nn.Linear(3, 2, rng=0), (4, 3)),
    "conv1d": (nn.Conv1d(2, 4, 3, stride=2, padding=1, groups=2, rng=0), (2, 2, 6)),
    "conv2d": (nn.Conv2d(2, 3, 2, stride=2, padding=1, dilation=2, rng=0), (2, 2, 5, 5)),
    "max pooling": (nn.MaxPool2d(2, stride=1, padding=1), (2, 4, 4)),
    "mean pooling": (nn.AvgPool2d(2, padding=1), (2, 4, 4)),
    "layer norm": (nn.LayerNorm((2, 3)), (4, 2, 3)),
    "rnn": (nn.RNN(3, 2, rng=0), (4, 3)),
    "lstm": (nn.LSTM(3, 2, 2, rng=0), (4, 3)),
    "gru": (nn.GRU(3, 2, rng=0), (4, 3)),
    "attention": (nn.MultiHeadAttention(4, 2, rng=0), (3, 4)),
}


@pytest.mark.parametrize("name", CHECKED)
def test_the_gradients_agree_with_differences(name):
    layer, shape = CHECKED[name]

    def outputs(x, *parameters):
        copy = layer.__tree_with__(parameters)
        found = copy(x, x, x) if isinstance(layer, nn.MultiHeadAttention) else copy(x)
        return found[0] if isinstance(found, tuple) else found

    tg.testing.check_grads(outputs, (RNG.normal(size=shape), *(parameter.numpy() for parameter in layer.parameters())))


def test_the_gradient_of_batch_norm_agrees_with_differences_in_training_and_in_use():
    layer = nn.BatchNorm(2)
    layer(RNG.normal(size=(4, 2)))
    for module in (layer.train(), layer.eval()):
        f = lambda x, w, b, module=module: module.__tree_with__([w, b])(x)  # noqa: E731
        tg.testing.check_grads(f, (RNG.normal(size=(4, 2, 3)), np.ones(2), np.ones(2)))


# --- what is kept from call to call ------------------------------------------------------------------------------------------


def normalised(model, x):
    return np.sum(model(x) ** 3)


def test_running_statistics_are_the_same_eagerly_in_a_transform_and_compiled():
    batches = RNG.normal(size=(3, 4, 2))
    eager, transformed, compiled, closed, nested = (nn.Sequential(nn.BatchNorm(2)) for _ in range(5))
    step = tg.compile(tg.value_and_grad(normalised))
    closure = tg.compile(lambda x: normalised(closed, x))
    twice = tg.compile(tg.grad(lambda x, model: np.sum(tg.grad(normalised)(model, x).parameters()[0])))
    for x in batches:
        value = normalised(eager, x)
        assert tg.value_and_grad(normalised)(transformed, x)[0] == value.item()
        np.testing.assert_allclose(step(compiled, x)[0], value.item(), rtol=1e-12)
        np.testing.assert_allclose(closure(x), value.item(), rtol=1e-12)
        twice(x, nested)
    for name, wanted in eager.state_dict().items():
        for other in (transformed, compiled, closed, nested):
            np.testing.assert_allclose(other.state_dict()[name], wanted, rtol=1e-12, err_msg=name)
    assert eager[0].num_batches_tracked == 3


def test_a_program_keeps_the_statistics_of_the_module_that_it_is_given():
    step = tg.compile(normalised)
    first, second, x = nn.BatchNorm(2), nn.BatchNorm(2), RNG.normal(size=(4, 2))
    step(first, x)
    step(second, x)
    step(second, x)
    assert (first.num_batches_tracked, second.num_batches_tracked) == (1, 2)
    first.load_state_dict(second.state_dict())
    step(first, x)
    assert first.num_batches_tracked == 3
    used = second.eval()
    np.testing.assert_allclose(step(used, x), normalised(used, x).item(), rtol=1e-12)
    assert used.num_batches_tracked == 2
    used.running_mean[:] = 5.0
    np.testing.assert_allclose(step(used, x), normalised(used, x).item(), rtol=1e-12)


def test_the_source_returns_what_is_kept_beside_the_result():
    step = tg.compile(normalised)
    layer, x = nn.BatchNorm(2, affine=False), RNG.normal(size=(4, 2))
    value = step(layer, x)
    namespace = {}
    exec(step.source, namespace)
    found, kept = namespace["normalised"](x, np.zeros(2), np.ones(2), 0)
    np.testing.assert_allclose(found, value, rtol=1e-12)
    assert list(kept) == ["new_running_mean", "new_running_var", "new_num_batches_tracked"]
    np.testing.assert_allclose(kept["new_running_mean"], layer.running_mean, rtol=1e-12)


def test_what_a_module_keeps_is_a_constant_when_it_is_read_again_in_the_same_call_eagerly_and_compiled():
    class Leaky(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = tg.Value([1.0, 2.0])
            self.h = np.zeros(2)

        def forward(self, x):
            for _ in range(3):
                self.h = np.tanh(self.h + self.w * x)
            return np.sum(self.h * self.w)

    x, eager, compiled = np.array([0.5, 0.1]), Leaky(), Leaky()
    gradient = tg.compile(tg.grad(lambda model, x: model(x)))
    for _ in range(2):
        np.testing.assert_allclose(gradient(compiled, x).w, tg.grad(lambda model, x: model(x))(eager, x).w, rtol=1e-12)
        np.testing.assert_allclose(compiled.h, eager.h, rtol=1e-12)


def test_a_buffer_of_another_shape_is_refused_while_compiling():
    class Grows(nn.Module):
        def __init__(self):
            super().__init__()
            self.h = np.zeros(2)

        def forward(self, x):
            self.h = np.concatenate([self.h, x])
            return np.sum(x)

    with pytest.raises(ShapeError, match=r"h has shape \(2,\), but got an array of shape \(5,\)"):
        tg.compile(Grows().forward)(np.ones(3))


def test_a_compiled_dropout_draws_anew_at_each_call_and_as_the_eager_one_does():
    eager, compiled = nn.Dropout(0.5, rng=0), nn.Dropout(0.5, rng=0)
    step = tg.compile(lambda layer, x: layer(x))
    x = np.ones(50)
    drawn = [step(compiled, x) for _ in range(3)]
    for found in drawn:
        np.testing.assert_array_equal(found, eager(x))
    assert not np.array_equal(drawn[0], drawn[1])
    assert set(np.unique(drawn)) == {0.0, 2.0}
    np.testing.assert_array_equal(step(compiled.eval(), x), x)
    np.testing.assert_array_equal(step(compiled.train(), x), eager(x))


def test_the_gradient_of_a_compiled_dropout_belongs_to_what_was_drawn():
    model = nn.Sequential(nn.Dropout(0.5, rng=0), nn.Dropout(0.5, rng=1))
    step = tg.compile(tg.value_and_grad(lambda x: np.sum(model(x))))
    x = np.ones(20)
    for _ in range(3):
        value, gradient = step(x)
        assert value == gradient.sum()
        assert set(gradient) <= {0.0, 4.0}
    assert step.source.splitlines()[3] == "def function(x, mask, mask_2):"


def test_dropout_keeps_the_mean_and_the_dtype():
    x = np.ones(10_000, np.float32)
    y = nn.Dropout(0.2, rng=0)(x)
    assert y.dtype == np.float32
    np.testing.assert_allclose(y.mean(), 1.0, atol=0.02)
    assert nn.Dropout(0.5)(np.ones(3, np.uint8)).dtype == np.float64
    assert np.all(nn.Dropout(1.0)(x) == 0.0)
    assert nn.Dropout(0.0)(x) is x


def test_a_module_that_draws_by_itself_is_told_so_when_it_is_compiled():
    class Noisy(nn.Module):
        def __init__(self):
            super().__init__()
            self.rng = np.random.default_rng(0)

        def forward(self, x):
            return x + self.rng.normal(size=x.shape)

    with pytest.raises(tg.errors.TracingError, match="uses random numbers"):
        tg.compile(lambda model, x: model(x))(Noisy(), np.ones(3))


def test_masks_of_attention_may_be_lists_and_arguments_of_a_program():
    layer, x, mask = nn.MultiHeadAttention(4, 2, rng=0), RNG.normal(size=(3, 2, 4)), np.triu(np.ones((3, 3), bool), 1)
    wanted = layer(x, x, x, attn_mask=mask)[0].data
    np.testing.assert_array_equal(layer(x, x, x, attn_mask=mask.tolist())[0].data, wanted)
    compiled = tg.compile(lambda layer, x, mask: layer(x, x, x, attn_mask=mask)[0])
    np.testing.assert_allclose(compiled(layer, x, mask), wanted, rtol=1e-12)
    changed = x.copy()
    changed[2] += 1.0
    np.testing.assert_allclose(compiled(layer, changed, mask)[:2], wanted[:2], rtol=1e-12)  # nobody looks ahead


def test_a_checkpointed_dropout_is_told_that_it_draws_something_else():
    layer, w = nn.Dropout(0.5, rng=0), tg.Value(np.ones(50))
    loss = np.sum(tg.checkpoint(layer)(w * 2))
    with pytest.raises(tg.errors.GradientError, match="Is it random"):
        loss.backward()


def test_a_programs_places_are_read_and_written_with_jax():
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    model, other = (nn.Sequential(nn.BatchNorm(2), nn.Dropout(0.5, rng=0)) for _ in range(2))
    step = tg.compile(tg.value_and_grad(normalised), target="jax")
    for _ in range(2):
        x = RNG.normal(size=(4, 2))
        value, gradient = step(model, x)
        wanted, ours = tg.value_and_grad(normalised)(other, x)
        np.testing.assert_allclose(value, wanted, rtol=1e-12)
        np.testing.assert_allclose(gradient[0].weight, ours[0].weight, rtol=1e-12)
    np.testing.assert_allclose(model[0].running_var, other[0].running_var, rtol=1e-12)


# --- numbers to begin with ---------------------------------------------------------------------------------------------------

RANDOM = {
    "linear": lambda rng: nn.Linear(3, 2, rng=rng),
    "conv2d": lambda rng: nn.Conv2d(2, 3, 3, rng=rng),
    "embedding": lambda rng: nn.Embedding(4, 3, rng=rng),
    "lstm": lambda rng: nn.LSTM(3, 2, 2, rng=rng),
    "attention": lambda rng: nn.MultiHeadAttention(4, 2, rng=rng),
}


@pytest.mark.parametrize("make", RANDOM.values(), ids=RANDOM)
def test_the_same_seed_gives_the_same_weights_and_no_seed_others(make):
    first, second, generator, other = make(3), make(3), make(np.random.default_rng(3)), make(None)
    for a, b, c, d in zip(*(layer.state_dict().values() for layer in (first, second, generator, other)), strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(a, c)
        assert not np.any(a) or not np.array_equal(a, d)


@pytest.mark.parametrize(
    "layer",
    [
        nn.Linear(3, 2, dtype=np.float32), nn.Conv2d(2, 3, 3, dtype=np.float32), nn.Embedding(4, 3, dtype=np.float32),
        nn.GRU(3, 2, dtype=np.float32), nn.MultiHeadAttention(4, 2, dtype=np.float32), nn.BatchNorm(3, dtype=np.float32),
        nn.LayerNorm(3, dtype=np.float32),
    ],
    ids=lambda layer: type(layer).__name__,
)  # fmt: skip
def test_a_dtype_reaches_all_parameters(layer):
    assert {parameter.dtype for parameter in layer.parameters()} == {np.dtype(np.float32)}


def test_single_precision_stays_so():
    x = RNG.normal(size=(4, 2, 6, 6)).astype(np.float32)
    model = nn.Sequential(
        nn.Conv2d(2, 3, 3, dtype=np.float32), nn.BatchNorm(3, dtype=np.float32), nn.ReLU(), nn.AvgPool2d(2), nn.Dropout(0.5),
        nn.Flatten(), nn.LayerNorm(12, dtype=np.float32), nn.Linear(12, 2, dtype=np.float32),
    )  # fmt: skip
    loss = np.sum(model(x) ** 2)
    assert loss.dtype == np.float32
    loss.backward()
    assert {parameter.grad.dtype for parameter in model.parameters()} == {np.dtype(np.float32)}
    for kind in (nn.RNN, nn.LSTM, nn.GRU):
        assert kind(3, 2, dtype=np.float32)(np.ones((4, 3), np.float32))[0].dtype == np.float32


def test_first_weights_have_the_spread_that_their_source_says():
    shape, (fan_in, fan_out) = (60, 20, 3, 3), (180, 540)
    uniform = {nn.init.xavier_uniform: np.sqrt(6 / (fan_in + fan_out)), nn.init.he_uniform: np.sqrt(6 / fan_in)}
    for make, bound in uniform.items():
        weights = make(shape, rng=0)
        assert 0.99 * bound < abs(weights).max() <= bound
        np.testing.assert_allclose(weights.std(), bound / np.sqrt(3), rtol=0.02)
    normal = {nn.init.xavier_normal: np.sqrt(2 / (fan_in + fan_out)), nn.init.he_normal: np.sqrt(2 / fan_in)}
    for make, std in normal.items():
        np.testing.assert_allclose(make(shape, rng=0).std(), std, rtol=0.02)
        np.testing.assert_allclose(make(shape, 3.0, rng=0), make(shape, rng=0) * 3.0 / (np.sqrt(2) if "he" in make.__name__ else 1))
    for wide in ((4, 2, 3), (6, 4)):
        q = nn.init.orthogonal(wide, 2.0, rng=0).reshape(wide[0], -1)
        product = q @ q.T if q.shape[0] <= q.shape[1] else q.T @ q
        np.testing.assert_allclose(product, 4 * np.eye(min(q.shape)), atol=1e-12)
    assert nn.init.he_normal(shape, rng=0, dtype=np.float32).dtype == np.float32
    with pytest.raises(ShapeError, match="tells no fan-in"):
        nn.init.he_normal((3,))


# --- what is refused ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: nn.Dropout(1.5), DataError, "p is a probability, from 0 to 1, but is 1.5"),
        (lambda: nn.Embedding(3, 2)([0, 3]), DataError, r"Embedding\(3, 2\).* takes numbers from 0 to 2, but got \[0, 3\]"),
        (lambda: nn.Embedding(3, 2)([-1]), DataError, "takes numbers from 0 to 2"),
        (lambda: nn.Embedding(3, 2)([0.5]), DataError, "takes whole numbers, but got float64"),
        (lambda: nn.Conv2d(3, 4, 3, groups=2), DataError, "must be multiples of groups=2"),
        (lambda: nn.Conv2d(3, 4, (3, 3, 3)), DataError, r"kernel_size is one whole number, or 2 of them, but is \(3, 3, 3\)"),
        (lambda: nn.Conv2d(3, 4, 2, padding="same"), DataError, "needs stride 1 and a kernel of odd width"),
        (lambda: nn.Conv2d(3, 4, 3)(np.ones((2, 4, 5, 5))), ShapeError, r"takes an input of shape \(samples, 3, height, width\)"),
        (lambda: nn.Conv2d(3, 4, 3)(np.ones((3, 2, 5))), ShapeError, r"at least \(3, 3\), .* but it has \(2, 5\)"),
        (lambda: nn.MaxPool2d(2, padding=(1, 2)), DataError, r"padding=\(1, 2\) is more than half of kernel_size=2"),
        (lambda: nn.MaxPool2d(0), DataError, "kernel_size must be a whole number of at least 1"),
        (lambda: nn.MaxPool2d(3)(np.ones((2, 2))), ShapeError, r"needs an input of at least \(3, 3\)"),
        (lambda: nn.BatchNorm(3)(np.ones((4, 2))), ShapeError, r"takes an input of shape \(samples, 3, ...\), but got \(4, 2\)"),
        (lambda: nn.BatchNorm(3)(np.ones((1, 3))), DataError, "needs several numbers for each feature"),
        (lambda: nn.LayerNorm(3)(np.ones((4, 2))), ShapeError, r"takes an input whose last axes are \(3,\)"),
        (lambda: nn.RNN(3, 2, nonlinearity="sin"), DataError, "nonlinearity must be 'tanh' or 'relu'"),
        (lambda: nn.RNN(3, 2)(np.ones((4, 2))), ShapeError, r"takes an input of shape \(length, samples, 3\)"),
        (lambda: nn.RNN(3, 2)(np.ones((0, 3))), ShapeError, "a sequence without elements"),
        (lambda: nn.LSTM(3, 2)(np.ones((4, 3)), (np.ones((1, 3)), np.ones((1, 2)))), ShapeError, r"of shape \(1, 2\), \(1, 2\)"),
        (lambda: nn.MultiHeadAttention(5, 2), DataError, "num_heads must divide embed_dim"),
        (lambda: nn.MultiHeadAttention(4, 2)(*[np.ones((3, 5))] * 3), ShapeError, r"takes a query of shape \(length, samples, 4\)"),
        (lambda: nn.GELU("fast"), DataError, "approximate must be 'none' or 'tanh'"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_where_it_enters(call, error, words):
    with pytest.raises(error, match=words):
        call()


# --- no samples, whole numbers -----------------------------------------------------------------------------------------------


def attended(x):
    return nn.MultiHeadAttention(4, 2, rng=0)(x, x, x)[0]


@pytest.mark.parametrize(
    ("layer", "shape", "wanted"),
    [
        (nn.Linear(2, 3), (0, 2), (0, 3)),
        (nn.Conv2d(2, 3, 2), (0, 2, 4, 4), (0, 3, 3, 3)),
        (nn.Conv1d(2, 4, 2, groups=2), (0, 2, 4), (0, 4, 3)),
        (nn.MaxPool2d(2), (0, 1, 4, 4), (0, 1, 2, 2)),
        (nn.Flatten(), (0, 2, 3), (0, 6)),
        (nn.BatchNorm(2).eval(), (0, 2), (0, 2)),
        (nn.LayerNorm(2), (0, 2), (0, 2)),
        (attended, (3, 0, 4), (3, 0, 4)),
        (lambda x: nn.GRU(2, 3)(x)[0], (3, 0, 2), (3, 0, 3)),
    ],
)
def test_a_batch_without_samples_has_no_outputs(layer, shape, wanted):
    assert np.shape(layer(np.zeros(shape))) == wanted


def test_pictures_of_whole_numbers_are_padded_as_others():
    picture = np.arange(16).reshape(1, 4, 4)
    np.testing.assert_array_equal(nn.MaxPool2d(2, padding=1)(picture), nn.MaxPool2d(2, padding=1)(picture.astype(float)))
    np.testing.assert_array_equal(nn.MaxPool2d(2, padding=1)(-1 - picture)[0, 0], [-1.0, -2.0, -4.0])


@pytest.mark.parametrize(
    ("masks", "error", "words"),
    [
        (
            {"key_padding_mask": np.zeros((3, 5), bool)},
            ShapeError,
            r"key_padding_mask must be of shape \(5, 3\), but has shape \(3, 5\)",
        ),
        ({"attn_mask": np.zeros((5, 3, 3), bool)}, ShapeError, r"attn_mask must be of shape \(3, 3\) or \(10, 3, 3\), but has"),
        ({"attn_mask": np.triu(np.ones((3, 3), int), 1)}, DataError, r"attn_mask has dtype int64, .* Write mask.astype\(bool\)"),
    ],
)
def test_a_mask_of_another_shape_or_of_whole_numbers_is_refused(masks, error, words):
    x = RNG.normal(size=(3, 5, 4))
    with pytest.raises(error, match=words):
        nn.MultiHeadAttention(4, 2, rng=0)(x, x, x, **masks)
