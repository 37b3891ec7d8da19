"""Layers agree with PyTorch's in outputs and gradients, to 1e-10, with the same weights."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn

torch = pytest.importorskip("torch")
RNG = np.random.default_rng(0)


def array(*shape):
    return RNG.normal(size=shape)


CAUSAL = np.triu(np.ones((4, 4), bool), 1)
PADDING = np.array([[False, False, False, True], [False] * 4])
ATTENTION = {"q": array(4, 2, 6), "k": array(4, 2, 6), "v": array(4, 2, 6)}

# ours, PyTorch's, and the inputs
LAYERS = {
    "linear": (lambda: nn.Linear(3, 2), lambda: torch.nn.Linear(3, 2), [array(5, 3)]),
    "linear without bias on more axes": (
        lambda: nn.Linear(3, 2, bias=False), lambda: torch.nn.Linear(3, 2, bias=False), [array(4, 5, 3)],
    ),
    "conv1d": (lambda: nn.Conv1d(2, 4, 3), lambda: torch.nn.Conv1d(2, 4, 3), [array(3, 2, 9)]),
    "conv1d with everything": (
        lambda: nn.Conv1d(4, 6, 3, stride=2, padding=2, dilation=2, groups=2, bias=False),
        lambda: torch.nn.Conv1d(4, 6, 3, stride=2, padding=2, dilation=2, groups=2, bias=False),
        [array(3, 4, 11)],
    ),
    "conv2d": (lambda: nn.Conv2d(2, 3, 3), lambda: torch.nn.Conv2d(2, 3, 3), [array(2, 2, 6, 7)]),
    "conv2d of one sample": (lambda: nn.Conv2d(2, 3, 3), lambda: torch.nn.Conv2d(2, 3, 3), [array(2, 6, 7)]),
    "conv2d with stride": (
        lambda: nn.Conv2d(2, 3, (3, 2), stride=(2, 3), padding=(1, 2)),
        lambda: torch.nn.Conv2d(2, 3, (3, 2), stride=(2, 3), padding=(1, 2)),
        [array(2, 2, 8, 7)],
    ),
    "conv2d with everything": (
        lambda: nn.Conv2d(4, 6, (2, 3), stride=(1, 2), padding=(2, 1), dilation=(3, 2), groups=2, bias=False),
        lambda: torch.nn.Conv2d(4, 6, (2, 3), stride=(1, 2), padding=(2, 1), dilation=(3, 2), groups=2, bias=False),
        [array(2, 4, 8, 9)],
    ),
    "conv2d for each channel": (
        lambda: nn.Conv2d(3, 6, 3, groups=3, padding="same"),
        lambda: torch.nn.Conv2d(3, 6, 3, groups=3, padding="same"),
        [array(2, 3, 5, 6)],
    ),
    "max pooling": (lambda: nn.MaxPool2d(2), lambda: torch.nn.MaxPool2d(2), [array(2, 3, 5, 6)]),
    "max pooling with everything": (
        lambda: nn.MaxPool2d((3, 2), stride=(1, 2), padding=(1, 0), dilation=(1, 2)),
        lambda: torch.nn.MaxPool2d((3, 2), stride=(1, 2), padding=(1, 0), dilation=(1, 2)),
        [array(2, 3, 7, 8)],
    ),
    "mean pooling": (lambda: nn.AvgPool2d(3, 2, padding=1), lambda: torch.nn.AvgPool2d(3, 2, padding=1), [array(2, 3, 7, 8)]),
    "batch norm": (lambda: nn.BatchNorm(3), lambda: torch.nn.BatchNorm1d(3), [array(5, 3)]),
    "batch norm along a sequence": (lambda: nn.BatchNorm(3), lambda: torch.nn.BatchNorm1d(3), [array(5, 3, 4)]),
    "batch norm of pictures": (
        lambda: nn.BatchNorm(3, momentum=0.3), lambda: torch.nn.BatchNorm2d(3, momentum=0.3), [array(2, 3, 4, 5)],
    ),
    "batch norm without parameters": (
        lambda: nn.BatchNorm(3, affine=False), lambda: torch.nn.BatchNorm1d(3, affine=False), [array(5, 3)],
    ),
    "layer norm": (lambda: nn.LayerNorm(4), lambda: torch.nn.LayerNorm(4), [array(3, 5, 4)]),
    "layer norm over two axes": (
        lambda: nn.LayerNorm((5, 4), bias=False), lambda: torch.nn.LayerNorm((5, 4), bias=False), [array(3, 5, 4)],
    ),
    "layer norm without parameters": (
        lambda: nn.LayerNorm(4, elementwise_affine=False), lambda: torch.nn.LayerNorm(4, elementwise_affine=False), [array(3, 4)],
    ),
    "rnn": (lambda: nn.RNN(3, 4), lambda: torch.nn.RNN(3, 4), [array(5, 2, 3)]),
    "rnn with relu and a first state": (
        lambda: nn.RNN(3, 4, 2, nonlinearity="relu", batch_first=True),
        lambda: torch.nn.RNN(3, 4, 2, nonlinearity="relu", batch_first=True),
        [array(2, 5, 3), array(2, 2, 4)],
    ),
    "lstm": (lambda: nn.LSTM(3, 4), lambda: torch.nn.LSTM(3, 4), [array(5, 2, 3)]),
    "lstm of layers without bias": (
        lambda: nn.LSTM(3, 4, num_layers=3, bias=False, batch_first=True),
        lambda: torch.nn.LSTM(3, 4, num_layers=3, bias=False, batch_first=True),
        [array(2, 5, 3), (array(3, 2, 4), array(3, 2, 4))],
    ),
    "lstm of one sequence": (lambda: nn.LSTM(3, 4, batch_first=True), lambda: torch.nn.LSTM(3, 4, batch_first=True), [array(5, 3)]),
    "gru": (lambda: nn.GRU(3, 4), lambda: torch.nn.GRU(3, 4), [array(5, 2, 3)]),
    "gru of layers": (
        lambda: nn.GRU(3, 4, 2, batch_first=True),
        lambda: torch.nn.GRU(3, 4, 2, batch_first=True),
        [array(2, 5, 3), array(2, 2, 4)],
    ),
    "attention": (lambda: nn.MultiHeadAttention(6, 2), lambda: torch.nn.MultiheadAttention(6, 2), [*ATTENTION.values()]),
    "attention, samples first, without bias": (
        lambda: nn.MultiHeadAttention(6, 3, bias=False, batch_first=True),
        lambda: torch.nn.MultiheadAttention(6, 3, bias=False, batch_first=True),
        [array(2, 4, 6), array(2, 5, 6), array(2, 5, 6)],
    ),
    "attention of one sequence": (
        lambda: nn.MultiHeadAttention(6, 2), lambda: torch.nn.MultiheadAttention(6, 2), [array(4, 6), array(5, 6), array(5, 6)],
    ),
    "attention with masks": (
        lambda: Masked(nn.MultiHeadAttention(6, 2), CAUSAL, PADDING),
        lambda: TorchMasked(torch.nn.MultiheadAttention(6, 2), CAUSAL, PADDING),
        [*ATTENTION.values()],
    ),
    "attention with a mask of numbers for each head": (
        lambda: Masked(nn.MultiHeadAttention(6, 2), np.repeat(np.where(CAUSAL, -1.5, 0.5)[None], 4, 0), None),
        lambda: TorchMasked(torch.nn.MultiheadAttention(6, 2), np.repeat(np.where(CAUSAL, -1.5, 0.5)[None], 4, 0), None),
        [*ATTENTION.values()],
    ),
    "relu": (nn.ReLU, torch.nn.ReLU, [array(3, 4)]),
    "leaky relu": (lambda: nn.LeakyReLU(0.2), lambda: torch.nn.LeakyReLU(0.2), [array(3, 4)]),
    "tanh": (nn.Tanh, torch.nn.Tanh, [array(3, 4)]),
    "sigmoid": (nn.Sigmoid, torch.nn.Sigmoid, [array(3, 4)]),
    "softplus": (nn.Softplus, torch.nn.Softplus, [array(3, 4)]),
    "gelu": (nn.GELU, torch.nn.GELU, [array(3, 4)]),
    "gelu, approximately": (lambda: nn.GELU("tanh"), lambda: torch.nn.GELU("tanh"), [array(3, 4)]),
    "softmax": (lambda: nn.Softmax(0), lambda: torch.nn.Softmax(0), [array(3, 4)]),
    "log softmax": (lambda: nn.LogSoftmax(1), lambda: torch.nn.LogSoftmax(1), [array(3, 4)]),
    "flatten": (nn.Flatten, torch.nn.Flatten, [array(3, 4, 2)]),
    "several layers": (
        lambda: nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm(2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 3)),
        lambda: torch.nn.Sequential(
            torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2), torch.nn.ReLU(), torch.nn.MaxPool2d(2), torch.nn.Flatten(),
            torch.nn.Linear(8, 3),
        ),
        [array(3, 1, 6, 6)],
    ),
}  # fmt: skip


class Masked(nn.Module):
    def __init__(self, layer, mask, padding):
        super().__init__()
        self.layer, self.masks = layer, {"attn_mask": mask, "key_padding_mask": padding}

    def forward(self, q, k, v):
        return self.layer(q, k, v, **self.masks)


class TorchMasked(torch.nn.Module):
    def __init__(self, layer, mask, padding):
        super().__init__()
        self.layer, self.masks = layer, {"attn_mask": mask, "key_padding_mask": padding}

    def forward(self, q, k, v):
        return self.layer(q, k, v, **{name: mask if mask is None else torch.as_tensor(mask) for name, mask in self.masks.items()})


def flat(tree):
    return [leaf for part in tree for leaf in flat(part)] if isinstance(tree, tuple | list) else [tree]


def mapped(f, tree):
    return type(tree)(mapped(f, part) for part in tree) if isinstance(tree, tuple | list) else f(tree)


def weighed(outputs):
    """One number of all outputs, in which each of their numbers has another weight."""
    rng = np.random.default_rng(1)
    return sum((output * as_kind(rng.normal(size=tuple(output.shape)), output)).sum() for output in flat([outputs]))


def as_kind(x, like):
    return torch.as_tensor(x) if isinstance(like, torch.Tensor) else x


@pytest.fixture(params=LAYERS)
def both(request):
    ours, theirs, inputs = LAYERS[request.param]
    theirs = theirs().double()
    torch.manual_seed(0)
    for parameter in theirs.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return ours().load_state_dict(theirs.state_dict()), theirs, inputs


def close(a, b):
    np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10)


def test_outputs_gradients_and_states_agree_in_training_and_in_use(both):
    ours, theirs, inputs = both
    for train in (True, True, False):
        ours.train(train)
        theirs.train(train)
        ours.zero_grad()
        theirs.zero_grad()
        our_inputs = mapped(tg.Value, inputs)
        their_inputs = mapped(lambda x: torch.as_tensor(x).requires_grad_(), inputs)
        found, wanted = ours(*our_inputs), theirs(*their_inputs)
        for a, b in zip(flat([found]), flat([wanted]), strict=True):
            assert a.shape == tuple(b.shape)
            close(a.data, b.detach().numpy())
        weighed(found).backward()
        weighed(wanted).backward()
        gradients = dict(theirs.named_parameters())
        assert [name for name, _ in ours.named_parameters()] == list(gradients)
        for name, value in ours.named_parameters():
            close(value.grad, gradients[name].grad.numpy())
        for a, b in zip(flat(our_inputs), flat(their_inputs), strict=True):
            close(a.grad, b.grad.numpy())
        state = theirs.state_dict()
        assert list(ours.state_dict()) == list(state) or set(ours.state_dict()) == set(state)
        for name, x in ours.state_dict().items():
            close(x, state[name].numpy())


def test_the_compiled_gradient_agrees(both):
    ours, theirs, inputs = both
    gradient = tg.compile(tg.value_and_grad(lambda module, inputs: weighed(module(*inputs))))
    loss, found = gradient(ours, inputs)
    their_loss = weighed(theirs(*mapped(torch.as_tensor, inputs)))
    close(loss, their_loss.item())
    if found.parameters():
        their_loss.backward()
    for a, b in zip(found.parameters(), theirs.parameters(), strict=True):
        close(a, b.grad.numpy())
    for name, x in ours.state_dict().items():
        close(x, theirs.state_dict()[name].numpy())


def test_an_embedding_agrees_eagerly_and_compiled():
    theirs = torch.nn.Embedding(5, 3).double()
    ours = nn.Embedding(5, 3).load_state_dict(theirs.state_dict())
    numbers = np.array([[0, 3, 3], [4, 1, 0]])

    def loss(layer, numbers):
        return weighed(layer(numbers))

    weighed(theirs(torch.as_tensor(numbers))).backward()
    loss(ours, numbers).backward()
    close(ours.weight.grad, theirs.weight.grad.numpy())
    close(tg.compile(tg.grad(loss))(ours, numbers).weight, theirs.weight.grad.numpy())
