"""Compositions for the gradient alone, where NumPy's own function gives the numbers.

A composition that adds up in another order than NumPy does differs from it in the last digit, and what it makes of integers or
of half precision may have another dtype. Where it cannot be written just as NumPy computes, its numbers are left to NumPy.
"""

import inspect
from collections.abc import Callable
from functools import cache, wraps
from itertools import takewhile
from typing import Any

import numpy as np

from tinygrad_edu.primitives.elementwise import stop_gradient
from tinygrad_edu.primitives.primitive import Primitive
from tinygrad_edu.primitives.table import numpy_name

Function = Callable[..., Any]


def with_numbers_of(function: Function, jax: str = "") -> Callable[[Function], Function]:
    """Let a composition with the arguments of `function`, which returns one array, give the numbers that `function` gives.

    `jax` is what the function is called where `np` is `jax.numpy`, if it has another name there.

    >>> mean = with_numbers_of(np.mean)(lambda a, axis=None: np.sum(a, axis) / a.size)
    >>> mean(np.array([1, 2], np.int8))
    np.float64(1.5)
    """

    def decorate(composed: Function) -> Function:
        signature = inspect.signature(composed)

        @wraps(composed)
        def exact(*args: Any, **kwargs: Any) -> Any:
            given = signature.bind(*args, **kwargs).arguments
            given |= given.pop("options", {})
            inputs = {name: x for name, x in given.items() if hasattr(x, "__record_primitive__") or isinstance(x, np.ndarray)}
            params = {name: x for name, x in given.items() if name not in inputs}
            numbers = of_numpy(function, jax, tuple(given), tuple(inputs))(*inputs.values(), **params)
            if not any(getattr(x, "requires_grad", False) for x in inputs.values()):
                return numbers
            return _joined(function)(numbers, composed(*args, **kwargs))

        return exact

    return decorate


@cache
def of_numpy(function: Function, jax: str, given: tuple[str, ...], inputs: tuple[str, ...]) -> Primitive:
    """The function as an operation without a derivative; it is given the arrays that come first by position, all else by name."""
    first = list(takewhile(inputs.__contains__, given)) or given[:1]

    def forward(*arrays: Any, **params: Any) -> Any:
        by_name = params | dict(zip(inputs, arrays, strict=True))
        arguments = [by_name.pop(name) for name in first]
        return function(*arguments, **by_name)

    places = {name: f"{{{inputs.index(name) if name in inputs else name}}}" for name in given}
    written = ", ".join(place if name in first else f"{name}={place}" for name, place in places.items())
    code, on_jax = f"{numpy_name(function)}({written})", f"{jax}({written})" if jax else ""
    return Primitive(forward, *(None for _ in inputs), name=function.__name__, numpy=(function,), code=code, jax=on_jax)


@cache
def _joined(function: Function) -> Primitive:
    """The first of two arrays, with the gradient of the second."""
    return Primitive(
        lambda numbers, composed: numbers,
        None,
        lambda g, out, numbers, composed: g,
        name=function.__name__, code="{0}", form_of=stop_gradient,
    )  # fmt: skip
