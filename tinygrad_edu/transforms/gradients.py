"""Gradients: the derivative of a function that returns a single number."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, Literal, overload

import numpy as np

from tinygrad_edu.engine.flags import flag
from tinygrad_edu.engine.messages import name_of
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import GradientError
from tinygrad_edu.transforms.signatures import Argument, Aux, OfNumbers, OfValue, P, Result
from tinygrad_edu.transforms.tracing import Copies, Trace, checked_argnums, ones, traced


@overload
def value_and_grad(f: OfValue[P]) -> OfNumbers[P, tuple[Any, Any]]: ...
@overload
def value_and_grad(
    f: Callable[Concatenate[Argument, P], Result],
) -> Callable[Concatenate[Argument, P], tuple[Result, Argument]]: ...
@overload
def value_and_grad(
    f: Callable[Concatenate[Argument, P], Result], *, has_aux: Literal[True]
) -> Callable[Concatenate[Argument, P], tuple[Result, Argument]]: ...
@overload
def value_and_grad(
    f: Callable[P, Result], argnums: int | tuple[int, ...], has_aux: bool = False
) -> Callable[P, tuple[Result, Any]]: ...
def value_and_grad(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False) -> Callable[..., Any]:
    """A function that computes `f` and its gradient with respect to some arguments.

    Parameters
    ----------
    f: a function of arrays, or trees of arrays, that returns a single number (and something besides, with `has_aux`).
    argnums: which positional argument to differentiate with respect to; a tuple for several.
    has_aux: whether `f` returns a pair (number, aux), of which only the number is differentiated.

    Returns
    -------
    A function of the same arguments that returns `(value, gradient)`, or `((value, aux), gradient)`. The gradient has the
    structure, shapes and dtypes of the argument (integers count as float64); for a tuple of argnums it is a tuple.
    Values that `f` uses without getting them as arguments count as constants.

    Raises
    ------
    GradientError: if `f` does not return a single number.
    DataError: if a differentiated argument is not made of real numbers.

    >>> def loss(theta, x, t):
    ...     return 0.5 * (t - theta * x) ** 2
    >>> value, gradient = value_and_grad(loss)(3.0, 2.0, 8.0)
    >>> float(value), float(gradient)
    (2.0, -4.0)
    """
    differentiated = _differentiated("tg.value_and_grad", f, argnums, has_aux)

    @wraps(f)
    def value_and_gradient(*args: Any, **kwargs: Any) -> Any:
        trace, gradient = differentiated(args, kwargs)
        value = trace.as_returned(trace.output)
        return (value, trace.as_returned(trace.aux)) if has_aux else value, gradient

    return value_and_gradient


@overload
def grad(f: OfValue[P]) -> OfNumbers[P, Any]: ...
@overload
def grad(f: Callable[Concatenate[Argument, P], Any]) -> Callable[Concatenate[Argument, P], Argument]: ...
@overload
def grad(
    f: Callable[Concatenate[Argument, P], tuple[Any, Aux]], *, has_aux: Literal[True]
) -> Callable[Concatenate[Argument, P], tuple[Argument, Aux]]: ...
@overload
def grad(f: Callable[P, Any], argnums: int | tuple[int, ...], has_aux: bool = False) -> Callable[P, Any]: ...
def grad(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False) -> Callable[..., Any]:
    """A function that computes the gradient of `f`. With `has_aux` it returns `(gradient, aux)`.

    The parameters are those of `value_and_grad`. The gradient has the structure, shapes and dtypes of the argument.

    Raises
    ------
    GradientError: when it is called, if `f` does not return a single number.
    DataError: if `f` is no function, or an argument that is differentiated is not there or not made of real numbers.

    >>> float(grad(lambda x: x**3)(2.0))
    12.0
    >>> float(grad(grad(lambda x: x**3))(2.0))
    12.0
    """
    differentiated = _differentiated("tg.grad", f, argnums, has_aux)

    @wraps(f)
    def gradient_alone(*args: Any, **kwargs: Any) -> Any:
        trace, gradient = differentiated(args, kwargs)
        return (gradient, trace.as_returned(trace.aux)) if has_aux else gradient

    return gradient_alone


@overload
def elementwise_grad(f: OfValue[P]) -> OfNumbers[P, Any]: ...
@overload
def elementwise_grad(f: Callable[Concatenate[Argument, P], Any]) -> Callable[Concatenate[Argument, P], Argument]: ...
@overload
def elementwise_grad(f: Callable[P, Any], argnums: int | tuple[int, ...]) -> Callable[P, Any]: ...
def elementwise_grad(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """The derivative of a function that works element by element: of `np.tanh` at an array, say.

    It is the gradient of the sum of the results, which is the derivative of each if none depends on another's input. So it has the
    shape and dtype of the argument. `argnums` is as for `value_and_grad`.

    Raises
    ------
    DataError: if `f` is no function, or an argument that is differentiated is not there or not made of real numbers.

    >>> elementwise_grad(np.sqrt)(np.array([1.0, 4.0]))
    array([0.5 , 0.25])
    """
    checked_argnums("tg.elementwise_grad", f, argnums)

    @wraps(f)
    def summed(*args: Any, **kwargs: Any) -> Any:
        return np.sum(f(*args, **kwargs))

    return grad(summed, argnums)


def _differentiated(
    taker: str, f: Callable[..., Any], argnums: int | tuple[int, ...], has_aux: bool
) -> Callable[[tuple[Any, ...], dict[str, Any]], tuple[Trace, Any]]:
    """What a call of `f` with such arguments records, and its gradient. A mistake in what is given here is told at once."""
    numbers = checked_argnums(taker, f, argnums)
    flag("has_aux", has_aux)
    copies = Copies()

    def called(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Trace, Any]:
        trace = traced(f, args, kwargs, numbers, has_aux, copies)
        gradients = trace.pull_back((ones(_checked_scalar(trace.output, f)),))
        return trace, gradients if isinstance(argnums, tuple) else gradients[0]

    return called


def _checked_scalar(output: Any, f: Callable[..., Any]) -> Value:
    if not isinstance(output, Value) or output.size != 1:
        what = f"an array of shape {output.shape}" if isinstance(output, Value) else f"a {type(output).__name__}"
        raise GradientError(
            f"a gradient is that of a single number, but {name_of(f)} returned {what}. "
            "Return a scalar (.sum() or .mean()), or use tg.jacobian for all derivatives of all outputs."
        )
    return output
