"""tinygrad_edu: automatic differentiation that shows its work."""

from tinygrad_edu import errors, models, nn, optim, testing
from tinygrad_edu.anomaly import detect_anomaly
from tinygrad_edu.checkpointing import checkpoint
from tinygrad_edu.mode import no_grad
from tinygrad_edu.primitives.elementwise import relu, sigmoid, softplus, step, stop_gradient
from tinygrad_edu.transforms import (
    elementwise_grad,
    grad,
    hessian,
    hvp,
    jacobian,
    jvp,
    linearize,
    value_and_grad,
    vjp,
)
from tinygrad_edu.user_primitive import primitive
from tinygrad_edu.value import Value

__all__ = [
    "Value",
    "checkpoint",
    "detect_anomaly",
    "elementwise_grad",
    "errors",
    "grad",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "linearize",
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
    "vjp",
]
