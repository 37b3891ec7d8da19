"""All derivatives of a function at once: the Jacobian, row by row or column by column, and the Hessian."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any, overload

import numpy as np

from tinygrad_edu.engine.arguments import check_function
from tinygrad_edu.engine.value import Value
from tinygrad_edu.transforms.gradients import grad
from tinygrad_edu.transforms.products import linearized
from tinygrad_edu.transforms.signatures import OfNumbers, OfValue, P
from tinygrad_edu.transforms.tracing import checked_argnums, traced
from tinygrad_edu.transforms.trees import tree_leaves, tree_map


@overload
def jacobian(f: OfValue[P]) -> OfNumbers[P, Any]: ...
@overload
def jacobian(f: Callable[P, Any], argnums: int | tuple[int, ...] = 0) -> Callable[P, Any]: ...
def jacobian(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """A function that computes all derivatives of all outputs of `f`.

    For an output of shape `s` and an argument of shape `a` the Jacobian has shape `s + a`; for trees it is the tree of the
    output with, at each leaf, the tree of the argument. It is computed row by row (reverse mode), in the dtype of the argument; or,
    where `f` has more outputs than inputs, column by column (forward mode), in the dtype of the output. A hook sees the gradients
    of every row (`on_gradient`), so that there are always rows with one. `argnums` is as for `value_and_grad`.

    Raises
    ------
    GradientError: when it is called, if `f` returns something that is not made of real numbers.
    DataError: if `f` is no function, or an argument that is differentiated is not there or not made of real numbers.

    >>> jacobian(lambda x: np.stack([x[0] * x[1], x[0] + x[1]]))(np.array([2.0, 3.0]))
    array([[3., 2.],
           [1., 1.]])
    """
    numbers = checked_argnums("tg.jacobian", f, argnums)

    @wraps(f)
    def all_derivatives(*args: Any, **kwargs: Any) -> Any:
        trace = traced(f, args, kwargs, numbers)
        outputs, arguments = trace.outputs, trace.inputs
        is_tall = sum(output.size for output in outputs) > sum(argument.size for argument in arguments)
        if not is_tall or trace.hooked():
            rows = [list(tree_leaves(trace.pull_back(unit))) for unit in _basis(outputs)]
            blocks = _stacked(rows, outputs, arguments, axis=0)
        else:
            linear = linearized(trace)
            columns = [list(tree_leaves(linear.pull_back(unit)[0])) for unit in _basis(arguments)]
            blocks = [list(block) for block in zip(*_stacked(columns, arguments, outputs, axis=-1), strict=True)]
        in_order = (
            _reshaped(block, output.shape + argument.shape)
            for output, of_output in zip(outputs, blocks, strict=True)
            for argument, block in zip(arguments, of_output, strict=True)
        )
        wanted = trace.arguments if isinstance(argnums, tuple) else trace.arguments[0]
        return tree_map(lambda _: tree_map(lambda _: next(in_order), wanted), trace.output)

    return all_derivatives


def _reshaped(x: Any, shape: tuple[int, ...]) -> Any:
    return x.reshape(shape) if isinstance(x, Value) else np.reshape(x, shape)[()]


def _basis(arrays: list[Value]) -> Iterator[list[Any]]:
    """For each number in the arrays: arrays of the same shapes, one where that number is and zero elsewhere."""
    for position, array in enumerate(arrays):
        for element in np.ndindex(array.shape):
            unit = [np.zeros(a.shape, a.dtype) for a in arrays]
            unit[position][element] = 1
            yield [a[()] for a in unit]


def _stacked(products: list[list[Any]], basis: list[Value], results: list[Value], axis: int) -> list[list[Any]]:
    """Products with the vectors of a basis, put together: for each array of the basis and each result one array."""
    blocks = []
    for array in basis:
        own, products = products[: array.size], products[array.size :]
        empty = [np.zeros((*result.shape, 0), result.dtype) for result in results]
        blocks.append([np.stack(parts, axis=axis) for parts in zip(*own, strict=True)] if own else empty)
    return blocks


@overload
def hessian(f: OfValue[P]) -> OfNumbers[P, Any]: ...
@overload
def hessian(f: Callable[P, Any], argnums: int | tuple[int, ...] = 0) -> Callable[P, Any]: ...
def hessian(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """A function that computes all second derivatives of `f`, which returns a single number: the Jacobian of the gradient.

    For an argument of shape `a` it has shape `a + a`, in the dtype of the argument. `argnums` is as for `value_and_grad`.

    Raises
    ------
    GradientError: when it is called, if `f` does not return a single number.
    DataError: if `f` is no function, or an argument that is differentiated is not there or not made of real numbers.

    >>> hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 2.0]))
    array([[4., 2.],
           [2., 0.]])
    """
    check_function("tg.hessian", f)
    return jacobian(grad(f, argnums), argnums)
