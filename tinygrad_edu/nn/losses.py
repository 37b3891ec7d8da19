"""Losses: how far a model's outputs are from the ground truth, as one number.

Every loss is a formula of NumPy functions: given arrays it gives numbers, given Values it gives a Value to call `backward` on.
Losses know nothing of models, nor of how their gradients are computed.

The conventions are PyTorch's: the prediction comes first and the target second, and `reduction` says what becomes of the losses
of the single samples: `"mean"`, `"sum"`, or `"none"` to keep them. The mean is the default, except for the perceptron criterion,
whose gradients the lecture sums. Prediction and target must have the same shape, since broadcasting (n,) against (n, 1)
to (n, n) is hardly ever meant. Targets may be plain numbers, lists or integers; the loss has the dtype of the prediction, unless
the target is of a higher precision.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from tinygrad_edu.engine.messages import shortened
from tinygrad_edu.engine.mode import current_mode
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import DataError, ShapeError
from tinygrad_edu.primitives import cross_entropies
from tinygrad_edu.primitives.broadcasting import cast
from tinygrad_edu.primitives.elementwise import relu, step
from tinygrad_edu.primitives.special import logsumexp

Reduction = Literal["mean", "sum", "none"]

_REDUCTIONS: dict[str, Callable[[Any], Any]] = {"mean": np.mean, "sum": np.sum, "none": lambda losses: losses}


def half_squared_error(prediction: Any, target: Any, *, reduction: Reduction = "mean") -> Any:
    """½ (t - y)², the lecture's loss for regression: its gradient is y - t, without a factor of two.

    Parameters
    ----------
    prediction, target: y and t, of any shape, but the same one.
    reduction: what becomes of the losses of the single samples: "mean", "sum", or "none" to keep them.

    Returns
    -------
    One number, or with reduction="none" an array; a Value where an argument is one. It has the dtype of the prediction, or that of
    the target if this is more precise.

    Raises
    ------
    ShapeError: if the shapes differ.
    DataError: if the target is not made of numbers, or `reduction` is none of the three.

    >>> half_squared_error(6.0, 8.0)
    np.float64(2.0)
    >>> prediction = Value([6.0, 14.0])
    >>> half_squared_error(prediction, [8, 8], reduction="sum").backward()
    >>> prediction.grad
    array([-2.,  6.])
    """
    prediction, target = _paired(prediction, target)
    return _reduced(0.5 * (target - prediction) ** 2, reduction)


def mean_squared_error(prediction: Any, target: Any, *, reduction: Reduction = "mean") -> Any:
    """(y - t)², the mean of which is PyTorch's `mse_loss`; twice the `half_squared_error`.

    Parameters: as for `half_squared_error`.

    Raises
    ------
    ShapeError: if prediction and target differ in shape.
    DataError: if `reduction` is none of "mean", "sum" and "none".

    >>> mean_squared_error([6.0, 14.0], [8.0, 8.0])
    np.float64(20.0)
    """
    prediction, target = _paired(prediction, target)
    return _reduced((prediction - target) ** 2, reduction)


def perceptron_criterion(logits: Any, target: Any, *, reduction: Reduction = "sum") -> Any:
    """-(t - y)(x·w + b) with y = step(x·w + b): zero for a sample that is right, |logit| for a mistake (Rosenblatt, 1958).

    The output y is a constant to the gradient, as the step's derivative is zero; so the gradients are -(t - y)x for the weights
    and -(t - y) for the bias. A logit of exactly 0 gives the output 0: with target 1 this is a mistake, of loss 0.

    Parameters
    ----------
    logits: x·w + b, of any shape.
    target: t, of the same shape, 0 or 1.
    reduction: the sum by default, as in the lecture; this, and what is returned: as for `half_squared_error`.

    Raises
    ------
    ShapeError: if the shapes differ.
    DataError: if a target is neither 0 nor 1, or `reduction` is none of the three.

    >>> logits = Value([2.0, 0.0, -1.5, 0.5])
    >>> loss = perceptron_criterion(logits, [0, 1, 0, 1])
    >>> loss.backward()
    >>> float(loss), logits.grad
    (2.0, array([ 1., -1.,  0.,  0.]))
    """
    logits, target = _paired(logits, target)
    _demand(
        (target == 0) | (target == 1), "the targets of the perceptron criterion must be 0 or 1; -1/1 become (t + 1) / 2", target
    )
    return _reduced(-(target - step(logits)) * logits, reduction)


def hinge(logits: Any, target: Any, *, reduction: Reduction = "mean") -> Any:
    """max(0, 1 - t z), zero for a logit z that is on the right side by a margin of at least one (Cortes & Vapnik, 1995).

    At the kink, t z = 1, the derivative is that of PyTorch's `relu`, zero.

    Parameters
    ----------
    logits: z, of any shape.
    target: t, of the same shape, -1 or 1.
    reduction: and what is returned: as for `half_squared_error`.

    Raises
    ------
    ShapeError: if the shapes differ.
    DataError: if a target is neither -1 nor 1, or `reduction` is none of the three.

    >>> hinge([0.5, 3.0, -1.0], [1, 1, 1], reduction="none")
    array([0.5, 0. , 2. ])
    """
    logits, target = _paired(logits, target)
    _demand((target == -1) | (target == 1), "the targets of the hinge loss must be -1 or 1; 0/1 become 2 * t - 1", target)
    return _reduced(relu(1 - target * logits), reduction)


def binary_cross_entropy_with_logits(logits: Any, target: Any, *, reduction: Reduction = "mean") -> Any:
    """-t ln p - (1 - t) ln(1 - p) with p = sigmoid(z), computed from the logit z without ever forming p.

    With -ln sigmoid(z) = softplus(-z) it is t·softplus(-z) + (1 - t)·softplus(z), which neither overflows nor loses digits.
    The gradient is sigmoid(z) - t. An infinite logit counts as the largest number there is.

    Parameters
    ----------
    logits: z, of any shape.
    target: t, of the same shape: 0 or 1, or a probability in between.
    reduction: and what is returned: as for `half_squared_error`.

    Raises
    ------
    ShapeError: if the shapes differ.
    DataError: if a target is outside of [0, 1], or `reduction` is none of the three.

    >>> binary_cross_entropy_with_logits([1000.0, -1000.0], [1, 1], reduction="none")
    array([   0., 1000.])
    """
    logits, target = _paired(logits, target)
    _demand(
        (target >= 0) & (target <= 1), "the targets of binary cross entropy must lie in [0, 1]; -1/1 become (t + 1) / 2", target
    )
    return _reduced(cross_entropies.binary_cross_entropy(logits, target), reduction)


def softmax_cross_entropy(logits: Any, target: Any, *, reduction: Reduction = "mean") -> Any:
    """-Σ_k t_k ln p_k with p = softmax(z) over the last axis: PyTorch's `cross_entropy`, with the classes on the last axis.

    With Σ t = 1 it is ln Σ exp(z) - Σ t z, computed so that no exponential overflows. The gradient is softmax(z) - t.
    An infinite logit counts as the largest number there is; -inf rules a class out.

    Parameters
    ----------
    logits: z, of shape (..., classes).
    target: whole numbers of shape (...), each the right class, counted from 0; or probabilities of shape (..., classes).
    reduction: and what is returned: as for `half_squared_error`.

    Raises
    ------
    ShapeError: if the shapes do not go together, or the logits have no axis.
    DataError: if a class is not a whole number below the number of classes, if probabilities are negative or do not add up to 1,
        or if `reduction` is none of the three.

    >>> logits = Value([[1000.0, 0.0, -1000.0], [0.0, 0.0, 0.0]])
    >>> loss = softmax_cross_entropy(logits, [0, 2], reduction="none")
    >>> loss.data.round(4)
    array([0.    , 1.0986])
    >>> loss.sum().backward()
    >>> logits.grad.round(4)
    array([[ 0.    ,  0.    ,  0.    ],
           [ 0.3333,  0.3333, -0.6667]])
    """
    logits = _operand("logits", logits)
    if np.ndim(logits) == 0:
        raise ShapeError(
            "the logits of softmax cross entropy need an axis of classes, of shape (..., classes), but are one number."
        )
    probabilities = _class_probabilities(target, logits)
    losses = cross_entropies.softmax_cross_entropy(logits, probabilities)
    if np.ndim(target) == np.ndim(logits) and not _add_up_to_one(probabilities):
        losses = losses + (np.sum(probabilities, axis=-1) - 1) * logsumexp(cross_entropies.finite(logits), axis=-1)
    return _reduced(losses, reduction)


def _add_up_to_one(probabilities: Any) -> bool:
    """Whether they do, up to rounding, for each sample; not if they may be others in another run."""
    known = _numbers(probabilities)
    if known is None:
        return False
    rounding = known.shape[-1] * np.finfo(known.dtype).eps
    return bool(np.all(abs(np.sum(known, axis=-1) - 1) <= rounding))


def _numbers(x: Any) -> Any:
    """The numbers of an array or of a constant; None of what is being differentiated or compiled."""
    if not isinstance(x, Value):
        return x
    return None if x.requires_grad or current_mode().records_constants else x.numpy()


def _class_probabilities(target: Any, logits: Any) -> Any:
    """The target as one probability for each class."""
    if np.ndim(target) == np.ndim(logits) - 1:
        return _one_hot(target if isinstance(target, Value) else np.asarray(_unmasked("target", target)), logits)
    _, probabilities = _paired(logits, target)
    _demand(probabilities >= 0, "target probabilities cannot be negative", probabilities)
    total = np.sum(probabilities, axis=-1)
    _demand(abs(total - 1) < 0.01, "the target probabilities of each sample must add up to 1; their sums", total)
    return probabilities


def _one_hot(classes: Any, logits: Any) -> Any:
    """One probability for each class, all of it on the right one."""
    count = logits.shape[-1]
    if classes.shape != logits.shape[:-1]:
        raise ShapeError(f"logits of shape {logits.shape} need classes of shape {logits.shape[:-1]}, but got {classes.shape}.")
    if classes.dtype.kind not in "iu":
        raise DataError(f"classes must be whole numbers, but have dtype {classes.dtype}; convert them with .astype(int).")
    _demand((classes >= 0) & (classes < count), f"classes are counted from 0 to {count - 1}", classes)
    numbers = np.arange(count)
    if isinstance(classes, Value):  # while it is being compiled: the program will not look, so NumPy has to refuse what is no class
        # A list of all classes is indexed, in which -1 would be the last one; without a sign it is none. It holds floats, as Values
        # do, of single precision where that is what JAX computes in; half precision does not tell them apart.
        every = Value(numbers, requires_grad=False, dtype=np.result_type(logits.dtype, np.float32))
        classes = every[classes.astype(np.uint32)]
    return (classes[..., None] == numbers).astype(logits.dtype)


def _paired(prediction: Any, target: Any) -> tuple[Any, Any]:
    """Both operands as Values or floating-point arrays, of one shape."""
    prediction = _operand("prediction", prediction)
    target = _operand("target", target, prediction.dtype)
    if prediction.shape != target.shape:
        raise ShapeError(
            f"the prediction has shape {prediction.shape}, but the target has shape {target.shape}; a loss needs a target for each "
            "number of the prediction. Reshape one of them, e.g. prediction[:, 0] or target[:, None]."
        )
    return prediction, target


def _operand(role: str, x: Any, dtype: Any = np.float64) -> Any:
    """A Value as it is, an array of floating-point numbers as it is, and other numbers as an array of the given dtype."""
    if isinstance(_unmasked(role, x), Value):  # of whole numbers only while it is being compiled
        return x if x.dtype.kind not in "iub" else cast(x, dtype=np.dtype(dtype))
    if isinstance(x, np.ndarray | np.generic) and x.dtype.kind == "f":
        return x
    try:
        array = np.asarray(x)
    except (ValueError, RuntimeError) as error:  # RuntimeError: a PyTorch tensor with a gradient
        raise DataError(f"the {role} does not form an array: {error}") from error
    if array.dtype.kind not in "fiub":
        raise DataError(f"the {role} must be made of real numbers, but has dtype {array.dtype}: {shortened(x)}")
    return array.astype(dtype)[()]


def _unmasked(role: str, x: Any) -> Any:
    if isinstance(x, np.ma.MaskedArray):
        raise DataError(
            f"the {role} is a masked array, whose mask a loss would ignore; leave the masked samples out: {role}[~mask]."
        )
    return x


def _demand(holds: Any, rule: str, target: Any) -> None:
    if isinstance(holds, Value):
        return  # it is being compiled, for all targets: the program itself does not look at its numbers
    if not np.all(holds):
        offender = np.asarray(getattr(target, "data", target))[~np.asarray(holds)].flat[0]
        raise DataError(f"{rule}, but {offender} is among them.")


def _reduced(losses: Any, reduction: str) -> Any:
    if reduction not in _REDUCTIONS:
        raise DataError(f"reduction must be 'mean', 'sum' or 'none', but is {shortened(reduction)}.")
    # The loss of a single sample is left alone, so that what is recorded for it is its formula and nothing else.
    return losses if np.ndim(losses) == 0 else _REDUCTIONS[reduction](losses)
