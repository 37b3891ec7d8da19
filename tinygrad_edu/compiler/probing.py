"""What is found out about an operation by trying it, on the cases that its entry states for the tests."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from tinygrad_edu.primitives.primitive import Case, Primitive, case


@cache
def may_give_a_view(primitive: Primitive) -> bool:
    """Whether a result may be memory of an input, as a slice is.

    >>> from tinygrad_edu.primitives.shaping import transpose
    >>> from tinygrad_edu.primitives.elementwise import exp
    >>> may_give_a_view(transpose), may_give_a_view(exp)
    (True, False)
    """
    if primitive.cases:
        return any(_gives_a_view(primitive, each, float) for each in primitive.cases)
    elementwise = case(*[(3,)] * (primitive.arity or 1))
    return any(_gives_a_view(primitive, elementwise, dtype) for dtype in (float, complex))


def _gives_a_view(primitive: Primitive, case: Case, dtype: type) -> bool:
    inputs = [_valid_input(primitive, position, shape, dtype) for position, shape in enumerate(case.shapes)]
    try:
        with np.errstate(all="ignore"):
            result = primitive.forward(*inputs, **case.params)
    except (TypeError, ValueError, IndexError):  # it takes no complex numbers, say, or no vectors
        return False
    return any(np.shares_memory(result, x) for x in inputs)


def _valid_input(primitive: Primitive, position: int, shape: tuple[int, ...], dtype: type) -> Any:
    """Some numbers of the domain; a mask where there is no rule."""
    if primitive.rules(position + 1)[position] is None:
        return np.zeros(shape, bool)
    domain = primitive.domain[min(position, len(primitive.domain) - 1)] if primitive.domain else (0.0, 1.0)
    return np.full(shape, np.mean(domain), dtype) if isinstance(domain, tuple) else domain(np.zeros(shape, dtype))
