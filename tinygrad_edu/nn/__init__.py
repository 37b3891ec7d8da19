"""Building blocks of networks: modules, which know their parameters; layers; activations; losses; numbers to begin with (`init`).

Read first `module`, then `linear` and `sequential`. Names, shapes and layouts are those of PyTorch.
"""

from tinygrad_edu.nn import initialisation as init
from tinygrad_edu.nn.activations import GELU, Flatten, LeakyReLU, LogSoftmax, ReLU, Sigmoid, Softmax, Softplus, Tanh
from tinygrad_edu.nn.attention import MultiHeadAttention
from tinygrad_edu.nn.convolution import AvgPool2d, Conv1d, Conv2d, MaxPool2d
from tinygrad_edu.nn.dropout import Dropout
from tinygrad_edu.nn.embedding import Embedding
from tinygrad_edu.nn.linear import Linear
from tinygrad_edu.nn.losses import (
    binary_cross_entropy_with_logits,
    half_squared_error,
    hinge,
    mean_squared_error,
    perceptron_criterion,
    softmax_cross_entropy,
)
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.normalisation import BatchNorm, LayerNorm
from tinygrad_edu.nn.recurrent import GRU, LSTM, RNN
from tinygrad_edu.nn.sequential import Sequential

__all__ = [
    "GELU",
    "GRU",
    "LSTM",
    "RNN",
    "AvgPool2d",
    "BatchNorm",
    "Conv1d",
    "Conv2d",
    "Dropout",
    "Embedding",
    "Flatten",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "LogSoftmax",
    "MaxPool2d",
    "Module",
    "MultiHeadAttention",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Tanh",
    "binary_cross_entropy_with_logits",
    "half_squared_error",
    "hinge",
    "init",
    "mean_squared_error",
    "perceptron_criterion",
    "softmax_cross_entropy",
]
