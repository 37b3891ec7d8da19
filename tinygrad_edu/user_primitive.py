"""A user's own operation, differentiated by rules that the user states."""

from collections.abc import Callable
from typing import Any

from tinygrad_edu.primitive import Primitive, Rule


def primitive(forward: Callable[..., Any], *vjps: Rule | None, name: str | None = None) -> Primitive:
    """Make an operation of a function of arrays and one derivative rule for each of its inputs.

    Parameters
    ----------
    forward: `forward(*arrays, **params) -> array`. Keyword arguments are parameters, which are not differentiated.
    vjps: for each input, in order, its rule `(g, out, *inputs, **params) -> gradient`: given the gradient `g` of the
        output `out`, the gradient for that input. None means that it has none. Written with NumPy functions and operators, it
        can itself be differentiated.
    name: how it is called in messages and printed forms; by default the name of `forward`.

    Returns
    -------
    A function of Values and arrays alike.

    >>> import numpy as np, tinygrad_edu as tg
    >>> cube = tg.primitive(lambda x: x**3, lambda g, out, x: g * 3 * x**2, name="cube")
    >>> float(tg.grad(cube)(2.0))
    12.0
    """
    return Primitive(name or forward.__name__, forward, vjps)
