"""A convolution 3×3 from 16 to 32 channels over 32 pictures of 28×28, padded, with bias; the sum of the squares of its outputs.

The gradient is wanted for the pictures, too, as in the middle of a network.
"""

import numpy as np

from benchmarks.workload import BY_HAND, OURS, Gradients, Step, Workload

_random = np.random.default_rng(0)
X = _random.normal(size=(32, 16, 28, 28))
WEIGHT = _random.normal(size=(32, 16, 3, 3)) / 12
BIAS = 0.1 * _random.normal(size=32)


def by_hand() -> Step:
    """With the windows of each picture side by side in a matrix."""
    matrix = WEIGHT.reshape(32, 144)

    def step() -> Gradients:
        padded = np.pad(X, [(0, 0), (0, 0), (1, 1), (1, 1)])
        windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
        columns = windows.transpose(0, 1, 4, 5, 2, 3).reshape(32, 144, 784)
        y = matrix @ columns + BIAS[:, None]
        np.sum(y * y)
        d_y = 2 * y
        d_windows = (matrix.T @ d_y).reshape(32, 16, 3, 3, 28, 28)
        d_padded = np.zeros_like(padded)
        for i in range(3):
            for j in range(3):
                d_padded[:, :, i : i + 28, j : j + 28] += d_windows[:, :, i, j]
        d_matrix = (d_y @ columns.transpose(0, 2, 1)).sum(axis=0)
        return [d_padded[:, :, 1:-1, 1:-1], d_matrix.reshape(WEIGHT.shape), d_y.sum(axis=(0, 2))]

    return step


def with_tinygrad_edu() -> Step:
    import tinygrad_edu as tg

    x = tg.Value(X)
    layer = tg.nn.Conv2d(16, 32, 3, padding=1).load_state_dict({"weight": WEIGHT, "bias": BIAS})

    def step() -> Gradients:
        layer.zero_grad()
        x.grad = None
        y = layer(x)
        (y * y).sum().backward()
        return [x.grad, layer.weight.grad, layer.bias.grad]

    return step


def with_pytorch() -> Step:
    import torch

    x = torch.tensor(X, requires_grad=True)
    layer = torch.nn.Conv2d(16, 32, 3, padding=1).double()
    layer.load_state_dict({"weight": torch.tensor(WEIGHT), "bias": torch.tensor(BIAS)})

    def step() -> Gradients:
        layer.zero_grad()
        x.grad = None
        y = layer(x)
        (y * y).sum().backward()
        return [x.grad, layer.weight.grad, layer.bias.grad]

    return step


def with_mygrad() -> Step:
    import mygrad as mg
    from mygrad.nnet.layers import conv_nd

    x, weight, bias = mg.tensor(X), mg.tensor(WEIGHT), mg.tensor(BIAS)

    def step() -> Gradients:
        for p in (x, weight, bias):
            p.null_grad()
        y = conv_nd(x, weight, stride=1, padding=1) + bias.reshape(-1, 1, 1)
        (y * y).sum().backward()
        return [x.grad, weight.grad, bias.grad]

    return step


WORKLOAD = Workload(
    name="Conv2d 16→32, 28×28",
    contenders={BY_HAND: by_hand, OURS: with_tinygrad_edu, "PyTorch": with_pytorch, "MyGrad": with_mygrad},
    goals={"PyTorch": 3.0, "MyGrad": 0.5},
)
