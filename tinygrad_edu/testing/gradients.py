"""Is this gradient right? Reverse mode against differences, to second order.

The check is a projection. For random u and v the numbers <u, J v>, by differences, and <J^T u, v>, by reverse mode, must be equal,
J being the matrix of all partial derivatives. That takes a handful of calls of the function whatever its size.
The gradient is itself a function, so applying the same check to it checks the second derivatives.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_edu.engine.arguments import number, whole_number
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import DataError, GradientCheckError
from tinygrad_edu.testing.differences import Array, Difference, central_difference
from tinygrad_edu.testing.faults import Point, finding
from tinygrad_edu.transforms.products import vjp

_UNSETTLED = 1e-5  # of the derivative; differences that disagree by more could hide an error of 0.1 %
_MOST_ELEMENTS_SEARCHED = 500


def check_grads(f: Callable[..., Any], args: Sequence[Any], order: int = 2, *, tolerance: float = 1e-8, seed: int = 0) -> None:
    """Compare the derivatives of `f` at `args` with differences, and return quietly if they agree.

    Parameters
    ----------
    f: a function of Values that returns one Value, of any shape. It is called many times and must return the same each time.
    args: a tuple of numbers or float64 arrays, one for each argument of `f`: a point at which `f` is smooth.
    order: 1 checks gradients; 2 also differentiates the gradients and checks that; and so on.
    tolerance: the relative error that is allowed, on top of the measured error of the differences and of rounding: results near 1
        are taken to be rounded at about 1e-15, so that derivatives below that cannot be told from zero.
    seed: of the random directions.

    Raises
    ------
    GradientCheckError: (an AssertionError) if they disagree, or `f` is not smooth there; it names the argument and both numbers.
    DataError: if an argument is not made of numbers in double precision.

    >>> check_grads(lambda x, y: np.sin(x) * y, (np.array([1.0, 2.0]), 3.0))
    >>> check_grads(lambda x: x.detach() * x, (3.0,))
    Traceback (most recent call last):
        ...
    tinygrad_edu.errors.GradientCheckError: the derivative of <lambda> with respect to argument 0 ('x') is wrong: ...
    """
    if not isinstance(args, tuple | list):
        raise DataError(f"args must be a tuple with one entry for each argument of f, but is a {type(args).__name__}: write (x,).")
    whole_number("order", order, at_least=1, at_most=10)  # each order doubles the work at least
    number("tolerance", tolerance, at_least=0)
    whole_number("seed", seed, at_least=0)
    primals = [_double(position, x) for position, x in enumerate(args)]
    function = _Function(f, getattr(f, "__name__", repr(f)), _argument_names(f, len(primals)))
    _check(function, primals, order, tolerance, np.random.default_rng(seed))


@dataclass(frozen=True)
class _Function:
    """A function with what to call it and its arguments in messages."""

    call: Callable[..., Any]
    name: str
    arguments: Sequence[str]

    def __call__(self, *primals: Array) -> Array:
        result = self.call(*(Value(x) for x in primals))
        return result.numpy() if isinstance(result, Value) else np.array(result, dtype=np.float64)

    def gradients(self, cotangent: Any, primals: Sequence[Any]) -> tuple[Any, ...]:
        """By reverse mode, one for each argument."""
        gradients: tuple[Any, ...] = vjp(self.call, *primals)[1](cotangent)
        return gradients

    def gradient_function(self, position: int) -> _Function:
        """The gradient for one argument, as a function of the cotangent and of all arguments."""
        return _Function(
            lambda cotangent, *primals: self.gradients(cotangent, primals)[position],
            f"the gradient of {self.name} for {self.arguments[position]}",
            ["its cotangent", *self.arguments],
        )


def _check(f: _Function, primals: Sequence[Array], order: int, tolerance: float, rng: np.random.Generator) -> None:
    result = f(*primals)
    if not np.all(np.isfinite(result)):
        raise GradientCheckError(f"{f.name} is not finite here, so it has no derivative to check: choose args inside its domain.")
    if not np.array_equal(result, f(*primals)):
        raise GradientCheckError(
            f"{f.name} gave two different results for the same arguments, so differences cannot be taken. "
            "If it draws random numbers, give it the same seed in each call."
        )
    u = _direction(rng, result.shape)
    gradients = f.gradients(u, primals)
    for position, gradient in enumerate(gradients):
        v = _direction(rng, primals[position].shape) * np.maximum(np.abs(primals[position]), 1.0)
        difference = _difference(f, primals, position, u, v)
        _compare(f, primals, position, u, v, np.asarray(gradient), difference, tolerance)
    if order > 1:
        for position in range(len(primals)):
            _check(f.gradient_function(position), [u, *primals], order - 1, tolerance, rng)


def _compare(
    f: _Function,
    primals: Sequence[Array],
    position: int,
    u: Array,
    v: Array,
    gradient: Array,
    difference: Difference,
    tolerance: float,
) -> None:
    by_differences = float(np.sum(u * difference.derivative))
    by_reverse_mode = float(np.sum(gradient * v))
    # Sums without signs: what the error is measured against must not be small only because terms cancel.
    size_by_differences = float(np.sum(np.abs(u * difference.derivative)))
    scale = float(np.maximum(size_by_differences, np.sum(np.abs(gradient * v))))  # which, unlike max, keeps a NaN
    name = f"{f.name} with respect to {f.arguments[position]}"
    if not difference.error <= _UNSETTLED * size_by_differences + difference.rounding:
        raise GradientCheckError(
            f"the differences of {name} do not settle as the step shrinks (they still disagree by {difference.error:.1e}): it has "
            "a kink or a jump at this point, or its results are too inexact. Choose args away from it."
        )
    # Reverse mode rounds as well; what should cancel to zero leaves this much.
    negligible = 16 * np.finfo(np.float64).eps * float(np.linalg.norm(u) * np.linalg.norm(v))
    allowed = tolerance * scale + 10 * difference.error + difference.rounding + negligible
    if not abs(by_differences - by_reverse_mode) <= allowed:
        raise GradientCheckError(
            f"the derivative of {name} is wrong: {_diagnosis(by_differences, by_reverse_mode)}\n"
            f"    by differences,   <u, J v>   = {by_differences!r}\n"
            f"    by reverse mode,  <J^T u, v> = {by_reverse_mode!r}\n"
            f"    relative error {np.divide(abs(by_differences - by_reverse_mode), scale):.1e}, allowed {tolerance:.1e}"
            + _worst_element(f, primals, position, u, gradient)
        )


def _diagnosis(right: float, got: float) -> str:
    if np.isnan(got):
        return "it is not a number (NaN)."
    if got == 0:
        return "no gradient arrives. Is something detached, is a rule missing, or is this a kink, such as relu at 0?"
    if np.isclose(got, -right, rtol=1e-6, atol=0):
        return "its sign is turned round."
    if right != 0:
        return f"it is {got / right:.6g} times what it should be. (Differences give another number at a kink.)"
    return "it should be zero."


def _worst_element(f: _Function, primals: Sequence[Array], position: int, u: Array, gradient: Array) -> str:
    """Where in the argument the error is, found one element at a time, and what kind of error it is, if that can be told."""
    x = primals[position]
    if not 1 < x.size <= _MOST_ELEMENTS_SEARCHED:
        return ""
    slopes = np.zeros(x.shape)
    for at in np.ndindex(x.shape):
        unit = np.zeros(x.shape)
        unit[at] = max(abs(float(x[at])), 1.0)
        slopes[at] = float(np.sum(u * _difference(f, primals, position, u, unit).derivative)) / unit[at]
    errors = np.abs(slopes - gradient)
    worst = tuple(int(axis) for axis in np.unravel_index(np.argmax(errors), errors.shape))
    place = f"\n    the largest error is at {list(worst)} of {f.arguments[position]}: {errors[worst]:.3e}"
    found = finding([Point(slopes, gradient, {f.arguments[position]: x}, {}, sorted({*x.shape}))])
    return place if found.kind in ("right", "wrong") else f"{place}\n    {found}"


def _difference(f: _Function, primals: Sequence[Array], position: int, u: Array, v: Array) -> Difference:
    """J v, where v displaces one argument only."""

    def along(t: float) -> Array:
        return f(*primals[:position], primals[position] + t * v, *primals[position + 1 :])

    return central_difference(along, u)


def _direction(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Random signs and sizes; none is near zero, so that no element escapes the check."""
    return np.asarray(rng.uniform(0.5, 1.5, shape) * rng.choice([-1.0, 1.0], shape))


def _double(position: int, x: Any) -> Array:
    plain = x.numpy() if isinstance(x, Value) else np.asarray(x)
    if plain.dtype.kind not in "fiu" or (plain.dtype.kind == "f" and plain.dtype.itemsize < 8):
        raise DataError(
            f"argument {position} has dtype {plain.dtype}; differences need double precision, so give it as numbers or a float64 "
            "array (x.astype(np.float64)). What is not to be differentiated, such as a mask, belongs into f: lambda x: f(x, mask)."
        )
    return np.array(plain, dtype=np.float64)


def _argument_names(f: Callable[..., Any], count: int) -> list[str]:
    try:
        parameters = [p.name for p in inspect.signature(f).parameters.values() if p.kind is not p.VAR_POSITIONAL]
    except (TypeError, ValueError):  # a builtin without a signature
        parameters = []
    return [f"argument {i}" + (f" ({parameters[i]!r})" if i < len(parameters) else "") for i in range(count)]
