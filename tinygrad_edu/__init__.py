"""tinygrad_edu: automatic differentiation that shows its work."""

from tinygrad_edu import errors, models, nn, optim, testing
from tinygrad_edu.primitives.elementwise import relu, sigmoid, softplus, step, stop_gradient
from tinygrad_edu.transforms import grad, value_and_grad
from tinygrad_edu.user_primitive import primitive
from tinygrad_edu.value import Value, no_grad

__all__ = [
    "Value",
    "errors",
    "grad",
    "models",
    "nn",
    "no_grad",
    "optim",
    "primitive",
    "relu",
    "sigmoid",
    "softplus",
    "step",
    "stop_gradient",
    "testing",
    "value_and_grad",
]
