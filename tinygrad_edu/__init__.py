"""tinygrad_edu: automatic differentiation that shows its work.

A Value is a number or an array that remembers how it was made; the chain rule runs back over that record:

>>> import tinygrad_edu as tg
>>> theta = tg.Value(3.0, name="theta")
>>> loss = 0.5 * (8.0 - theta * 2.0) ** 2
>>> loss.backward()
>>> float(theta.grad)
-4.0

It needs NumPy alone. What needs more comes with an extra:

    pip install "tinygrad_edu[scipy]"     special functions: erf, erfc, lgamma, digamma
    pip install "tinygrad_edu[draw]"      pictures of the graph, from draw(value) and in pages
    pip install "tinygrad_edu[plot]"      curves of a training, from model.history_.plot()
    pip install "tinygrad_edu[jax]"       compile(f, target="jax")
    pip install "tinygrad_edu[data]"      real data, from scikit-learn: data.digits()
    pip install "tinygrad_edu[safetensors]"  files of arrays: checkpoints, models
    pip install "tinygrad_edu[progress]"  a progress bar: training.fit
    pip install "tinygrad_edu[demos]"     all of these, and what the demos show their results with
    pip install "tinygrad_edu[course]"    the course in the browser and as notebooks: python -m tinygrad_edu learn
    pip install "tinygrad_edu[test]"      the tests, which compare with PyTorch where there is "tinygrad_edu[oracle]", too
    pip install "tinygrad_edu[dev]"       what one needs to work on it
"""

from tinygrad_edu import data, errors, models, nn, optim, testing, training
from tinygrad_edu.compiler import compile
from tinygrad_edu.engine.hooks import on_gradient
from tinygrad_edu.engine.mode import no_grad
from tinygrad_edu.engine.user_primitive import primitive
from tinygrad_edu.engine.value import Value
from tinygrad_edu.explainer import Descent, Drawing, Explanation, Page, draw, explain, explain_descent
from tinygrad_edu.primitives.diagonals import fill_diagonal
from tinygrad_edu.primitives.elementwise import relu, sigmoid, softplus, step, stop_gradient
from tinygrad_edu.primitives.joining import array
from tinygrad_edu.primitives.special import digamma, erf, erfc, gelu, lgamma, log_softmax, logsumexp, softmax
from tinygrad_edu.transforms.anomaly import detect_anomaly
from tinygrad_edu.transforms.checkpointing import checkpoint
from tinygrad_edu.transforms.gradients import elementwise_grad, grad, value_and_grad
from tinygrad_edu.transforms.matrices import hessian, jacobian
from tinygrad_edu.transforms.products import hvp, jvp, linearize, vjp

__all__ = [
    "Descent",
    "Drawing",
    "Explanation",
    "Page",
    "Value",
    "array",
    "checkpoint",
    "compile",
    "data",
    "detect_anomaly",
    "digamma",
    "draw",
    "elementwise_grad",
    "erf",
    "erfc",
    "errors",
    "explain",
    "explain_descent",
    "fill_diagonal",
    "gelu",
    "grad",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "lgamma",
    "linearize",
    "log_softmax",
    "logsumexp",
    "models",
    "nn",
    "no_grad",
    "on_gradient",
    "optim",
    "primitive",
    "relu",
    "sigmoid",
    "softmax",
    "softplus",
    "step",
    "stop_gradient",
    "testing",
    "training",
    "value_and_grad",
    "vjp",
]
