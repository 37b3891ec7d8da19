"""What is found out about an operation by trying it, on the cases that its entry states for the tests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np

from tinygrad_edu.primitives.primitive import Primitive, case


@lru_cache(maxsize=1024)  # a function may make its operation anew each time it is called
def may_give_a_view(primitive: Primitive) -> bool:
    """Whether a result may be memory of an input, as a slice is. Of an operation that fails on all of its cases nobody knows.

    >>> from tinygrad_edu.primitives.shaping import transpose
    >>> from tinygrad_edu.primitives.elementwise import exp
    >>> may_give_a_view(transpose), may_give_a_view(exp)
    (True, False)
    """
    tried = list(_tried(primitive))
    return not tried or any(np.shares_memory(result, x) for inputs, result in tried for x in inputs)


@lru_cache(maxsize=1024)
def may_give_an_array(primitive: Primitive) -> bool:
    """Whether a result without axes may be an array all the same, and no number.

    >>> from tinygrad_edu.primitives.elementwise import exp, where
    >>> may_give_an_array(where), may_give_an_array(exp)
    (True, False)
    """
    are_arrays = [isinstance(result, np.ndarray) for _, result in _tried(primitive) if np.shape(result) == ()]
    return any(are_arrays) or not are_arrays


@lru_cache(maxsize=1024)
def commutes(primitive: Primitive) -> bool:
    """Whether the two inputs of an elementwise operation may change places, for all kinds of numbers.

    >>> from tinygrad_edu.primitives.arithmetic import multiply, subtract
    >>> commutes(multiply), commutes(subtract)
    (True, False)
    """
    numbers = np.array([0.0, -0.0, 1.5, -2.0, 1 / 3, 7.0, 1e-30, 1e30, np.inf, -np.inf, np.nan])
    a, b = np.repeat(numbers, len(numbers)), np.tile(numbers, len(numbers))
    if primitive.arity != 2 or primitive.cases:
        return False
    result, exchanged = (_result(primitive, inputs, {}) for inputs in ((a, b), (b, a)))
    return result is not None and repr(result.tolist()) == repr(exchanged.tolist())


@lru_cache(maxsize=1024)
def raises_on_python_numbers(primitive: Primitive) -> bool:
    """Whether Python's own numbers can make an operator raise an error, where NumPy's give an infinity or NaN.

    >>> from tinygrad_edu.primitives.arithmetic import divide, multiply
    >>> raises_on_python_numbers(divide), raises_on_python_numbers(multiply)
    (True, False)
    """
    for inputs in product([0.0, -1.0, 1e300], repeat=primitive.arity or 1):
        try:
            primitive.forward(*inputs)
        except ArithmeticError:
            return True
        except TypeError:  # @ is none for numbers
            return False
    return False


def _tried(primitive: Primitive) -> Iterator[tuple[Sequence[Any], Any]]:
    """Inputs and the result of them, for each case. What works element by element is also tried on complex numbers and masks."""
    shapes = (case(*[shape] * (primitive.arity or 1)) for shape in [(3,), ()])
    for each in primitive.cases or shapes:
        for dtype in (float,) if primitive.cases else (float, complex, bool):
            inputs = [_valid_input(primitive, position, shape, dtype) for position, shape in enumerate(each.shapes)]
            result = _result(primitive, inputs, each.params)
            if result is not None:
                yield inputs, result


def _result(primitive: Primitive, inputs: Sequence[Any], params: Any) -> Any:
    """What an operation gives, or None if it takes no complex numbers, say, or no vectors."""
    try:
        with np.errstate(all="ignore"):
            return primitive.forward(*inputs, **params)
    except (TypeError, ValueError, IndexError):
        return None


def _valid_input(primitive: Primitive, position: int, shape: tuple[int, ...], dtype: type) -> Any:
    """Some numbers of the domain; a mask where there is no rule."""
    if primitive.rules(position + 1)[position] is None:
        return np.zeros(shape, bool)
    interval, made_valid = primitive.domain_of(position, (0.0, 1.0))
    return made_valid(np.full(shape, np.mean(interval), dtype))
