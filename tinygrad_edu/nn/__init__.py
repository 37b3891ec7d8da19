"""Building blocks of networks: losses."""

from tinygrad_edu.nn.losses import (
    binary_cross_entropy_with_logits,
    half_squared_error,
    hinge,
    mean_squared_error,
    perceptron_criterion,
    softmax_cross_entropy,
)

__all__ = [
    "binary_cross_entropy_with_logits",
    "half_squared_error",
    "hinge",
    "mean_squared_error",
    "perceptron_criterion",
    "softmax_cross_entropy",
]
