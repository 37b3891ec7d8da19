"""All derivatives of a function at once: the Jacobian, row by row or column by column, and the Hessian."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from itertools import pairwise
from typing import Any, overload

import numpy as np

from tinygrad_edu.engine.arguments import check_function
from tinygrad_edu.engine.mode import current_mode
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import GradientError
from tinygrad_edu.primitives.primitive import Primitive
from tinygrad_edu.primitives.table import TABLE
from tinygrad_edu.transforms.gradients import grad
from tinygrad_edu.transforms.products import linearized
from tinygrad_edu.transforms.signatures import OfNumbers, OfValue, P
from tinygrad_edu.transforms.stacks import results_of_stacks
from tinygrad_edu.transforms.tracing import ARGUMENT, Trace, checked_argnums, traced
from tinygrad_edu.transforms.trees import tree_leaves, tree_map


@overload
def jacobian(f: OfValue[P]) -> OfNumbers[P, Any]: ...
@overload
def jacobian(f: Callable[P, Any], argnums: int | tuple[int, ...] = 0) -> Callable[P, Any]: ...
def jacobian(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """A function that computes all derivatives of all outputs of `f`.

    For an output of shape `s` and an argument of shape `a` the Jacobian has shape `s + a`; for trees it is the tree of the
    output with, at each leaf, the tree of the argument. It is computed row by row (reverse mode), in the dtype of the argument; or,
    where `f` has more outputs than inputs, column by column (forward mode), in the dtype of the output. All rows, or columns, are
    computed at once, as long as they fit into some 128 MB; where an operation of the user's own takes part (`primitive`), one by
    one. A hook sees the gradients of every row (`on_gradient`), so that there are always rows with one. `argnums` is as for
    `value_and_grad`.

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
            blocks = _rows(trace)
        else:  # the columns are the rows of the transposed matrix, with which the pullback multiplies
            columns = _rows(linearized(trace))
            blocks = [[np.moveaxis(block, 0, -1) for block in of_output] for of_output in zip(*columns, strict=True)]
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


_FEW = 3
"""So few rows take no longer one by one than all at once."""
_MOST = 2**24
"""So many numbers may be computed at once: 128 MB."""


def _rows(trace: Trace) -> list[list[Any]]:
    """What is pulled back from all vectors of a basis: for each output its rows of the Jacobian, for each input in one array."""
    count = sum(output.size for output in trace.outputs)
    wholes = _all_at_once(trace, count) if count > _FEW else None
    if wholes is not None:
        return [[whole[own] for whole in wholes] for own in _ranges(trace.outputs)]
    rows = [list(tree_leaves(trace.pull_back(x[0] for x in _basis(trace.outputs, at, at + 1)))) for at in range(count)]
    return [_stacked(rows[own], trace.inputs) for own in _ranges(trace.outputs)]


def _all_at_once(trace: Trace, count: int) -> list[Any] | None:
    """For each input its part of all rows, if they can be computed at once; of too many, so many at once as can be."""
    linear = _pullback(trace)
    most = 0 if linear is None else _MOST // (1 + sum(node.size for node in linear.between()[0]))
    if linear is None or most <= 1:
        return None
    pieces = []
    for start in range(0, count, most):
        piece = results_of_stacks(linear, _basis(trace.outputs, start, min(start + most, count)))
        if piece is None:
            return None
        pieces.append(piece)
    return pieces[0] if len(pieces) == 1 else [np.concatenate(parts) for parts in zip(*pieces, strict=True)]


def _pullback(trace: Trace) -> Trace | None:
    """The pullback, recorded, if it can be: not where a function sees each gradient, nor where nobody knows what a rule does."""
    if current_mode().watches and not current_mode().records_constants:
        return None
    if not all(_is_of_the_table(node.primitive) for node in trace.between()[0]):
        return None
    try:
        return linearized(trace)
    except GradientError:
        return None


def _is_of_the_table(primitive: Primitive) -> bool:
    """Whether its rules are made for Values, too, and linear to the letter: no `if`, no mask, that asks for the gradient."""
    return primitive is ARGUMENT or TABLE.entries.get((primitive.form_of or primitive).name) is (primitive.form_of or primitive)


def _basis(arrays: list[Value], start: int, stop: int) -> list[Any]:
    """The vectors from `start` to `stop` of the standard basis, cut into pieces that have the shapes of the arrays."""
    count = sum(array.size for array in arrays)
    vectors = np.eye(stop - start, count, start)
    return [vectors[:, own].reshape(stop - start, *x.shape).astype(x.dtype) for x, own in zip(arrays, _ranges(arrays), strict=True)]


def _ranges(arrays: list[Value]) -> list[slice]:
    """Where the numbers of each array stand, if all stand in a row."""
    ends = np.cumsum([0, *(array.size for array in arrays)]).tolist()
    return [slice(*between) for between in pairwise(ends)]


def _stacked(rows: list[list[Any]], inputs: list[Value]) -> list[Any]:
    """For each input its part of all rows in one array."""
    return [np.stack(parts) for parts in zip(*rows, strict=True)] or [np.zeros((0, *x.shape), x.dtype) for x in inputs]


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
