"""Functions of functions: from f to its gradient, its Jacobian, its second derivatives.

Each transform calls the function on Values, reads the record that this leaves, and applies the chain rule to it. None of them
knows a derivative. Forward mode needs no rules of its own either: the pullback u ↦ Jᵀu is linear in u, so *its* pullback is
v ↦ (Jᵀ)ᵀv = Jv.

At the outermost level transforms take and give plain arrays and numbers. Inside a function that is itself being differentiated,
or when given a Value that requires a gradient, they give Values, so that they nest. Arguments and results may be trees (nested
dicts, lists, tuples, dataclasses) of arrays.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cached_property, wraps
from typing import Any

import numpy as np

from tinygrad_edu.backpropagation import ancestors, backpropagate, dependents
from tinygrad_edu.errors import DataError, GradientError, ShapeError
from tinygrad_edu.mode import everything_is_recorded, recording, recording_mode
from tinygrad_edu.primitive import Primitive
from tinygrad_edu.primitives.broadcasting import cast
from tinygrad_edu.trees import tree_leaves, tree_map, tree_map_named
from tinygrad_edu.value import Value, record

_depth: ContextVar[int] = ContextVar("depth", default=0)

# What stands for an argument inside of the function: the same number, but a node of its own to differentiate with respect to.
_argument = Primitive("argument", lambda x: x, (lambda g, out, x: g,), code="{0}", latex="{0}")


@dataclass(frozen=True)
class Recording:
    """One call of a function, as it was recorded.

    arguments: for each differentiated argument the tree of Values that stood for it.
    output: what the function returned, a tree of Values and plain arrays.
    aux: what it returned besides, when asked for.
    nested: whether results are to be Values, since they will be differentiated in turn.
    """

    arguments: tuple[Any, ...]
    output: Any
    aux: Any
    nested: bool

    @cached_property
    def _path(self) -> tuple[list[Any], set[Any]]:
        """The nodes between the arguments and the output."""
        targets = set(tree_leaves(self.arguments))
        outputs = {leaf for leaf in tree_leaves(self.output) if isinstance(leaf, Value) and leaf.requires_grad}
        return dependents(ancestors(outputs, targets)[0], targets)

    def pull_back(self, cotangents: Any, create_graph: bool | None = None) -> tuple[Any, ...]:
        """The chain rule from cotangents, a list with one for each leaf of the output, to the arguments."""
        nested = self.nested if create_graph is None else create_graph
        seeds: dict[Any, Any] = {}
        for node, cotangent in zip(tree_leaves(self.output), cotangents, strict=True):
            if isinstance(node, Value) and node.requires_grad:
                seeds[node] = seeds[node] + cotangent if node in seeds else cotangent
        with recording_mode(True):
            gradients = backpropagate(seeds, *self._path, create_graph=nested)
            return tuple(tree_map(lambda leaf: _result(gradients.get(leaf), leaf, nested), argument) for argument in self.arguments)


def _result(gradient: Any, argument: Value, nested: bool) -> Any:
    """A gradient as the transform returns it: a Value in a nested one, else an array of the caller's own."""
    if gradient is None:
        gradient = np.zeros(argument.shape, argument.dtype)
    if nested:
        gradient = gradient if isinstance(gradient, Value) else Value(gradient, requires_grad=False)
        return gradient if gradient.name else gradient.named(f"d_{argument.name}")
    return np.array(gradient) if np.ndim(gradient) else gradient[()]


def _plain(x: Any, nested: bool) -> Any:
    """A recorded output as the transform returns it."""
    return x if nested or not isinstance(x, Value) else x.numpy()[()]


def call_recorded(
    f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], argnums: tuple[int, ...], has_aux: bool = False
) -> Recording:
    """Call `f` with Values in place of the arguments `argnums`, recording what it does with them."""
    given_values = any(isinstance(leaf, Value) and leaf.requires_grad for leaf in tree_leaves(args))
    nested = _depth.get() > 0 or everything_is_recorded() or (bool(recording()) and given_values)
    names = _parameter_names(f)
    arguments = []
    with recording_mode(True):
        for number in argnums:
            if not -len(args) <= number < len(args):
                raise DataError(
                    f"argnums names the positional argument {number}, but {_name(f)} was called with {len(args)} of them. "
                    "Arguments to differentiate are passed by position."
                )
            name = names[number] if number < len(names) else f"argument {number}"
            arguments.append(tree_map_named(_stand_in, args[number], name))
        called_with = list(args)
        for number, argument in zip(argnums, arguments, strict=True):
            called_with[number] = argument
        depth = _depth.set(_depth.get() + 1)
        try:
            output = f(*called_with, **kwargs)
        finally:
            _depth.reset(depth)
    aux = None
    if has_aux:
        if not (isinstance(output, tuple) and len(output) == 2):
            raise DataError(f"with has_aux=True {_name(f)} must return a pair (result, aux), but returned {type(output).__name__}.")
        output, aux = output
    if nested and isinstance(output, Value) and not output.name:
        output.name = _name(f)
    return Recording(tuple(arguments), output, aux, nested)


def _stand_in(path: str, leaf: Any) -> Value:
    if isinstance(leaf, Value) and (leaf.requires_grad or everything_is_recorded()):
        if leaf.dtype.kind != "f" or not isinstance(leaf._data, np.ndarray | np.generic):
            leaf = cast(leaf, dtype=np.dtype(np.float64))
        stand_in = record(_argument, (leaf,), {}).named(leaf.name or path)
        stand_in.requires_grad = True
        return stand_in
    try:
        return Value(leaf.numpy() if isinstance(leaf, Value) else leaf, name=path)
    except DataError as error:
        raise DataError(f"{path} cannot be differentiated: {error}") from error


def _parameter_names(f: Callable[..., Any]) -> list[str]:
    try:
        return list(inspect.signature(f).parameters)
    except (TypeError, ValueError):  # some built-in functions have no signature
        return []


def _name(f: Callable[..., Any]) -> str:
    return getattr(f, "__name__", type(f).__name__)


def _checked_scalar(output: Any, f: Callable[..., Any]) -> Any:
    data = output._data if isinstance(output, Value) else output
    if not isinstance(data, np.ndarray | np.generic | float | int) or np.size(data) != 1:
        what = "nothing (is a return missing?)" if data is None else f"{type(data).__name__} of shape {np.shape(data)}"
        raise GradientError(
            f"a gradient is that of a single number, but {_name(f)} returned {what}. "
            "Return a scalar (.sum() or .mean()), or use tg.jacobian for all derivatives of all outputs."
        )
    return output


def _ones(output: Any) -> Any:
    return np.ones(output.shape, output.dtype)[()] if isinstance(output, Value) else 1.0


# --- reverse mode ------------------------------------------------------------------------------------------------------------


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
    numbers = argnums if isinstance(argnums, tuple) else (argnums,)

    @wraps(f)
    def value_and_gradient(*args: Any, **kwargs: Any) -> Any:
        recording = call_recorded(f, args, kwargs, numbers, has_aux)
        output = _checked_scalar(recording.output, f)
        gradients = recording.pull_back([_ones(output)])
        value = _plain(output, recording.nested)
        if has_aux:
            value = value, tree_map(lambda leaf: _plain(leaf, recording.nested), recording.aux)
        return value, gradients if isinstance(argnums, tuple) else gradients[0]

    return value_and_gradient


def grad(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False) -> Callable[..., Any]:
    """A function that computes the gradient of `f`; see `value_and_grad`. With `has_aux` it returns `(gradient, aux)`.

    >>> float(grad(lambda x: x**3)(2.0))
    12.0
    >>> float(grad(grad(lambda x: x**3))(2.0))
    12.0
    """
    computed_together = value_and_grad(f, argnums, has_aux)

    @wraps(f)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        value, gradients = computed_together(*args, **kwargs)
        return (gradients, value[1]) if has_aux else gradients

    return gradient


def elementwise_grad(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """The derivative of a function that works element by element: of `np.tanh` at an array, say.

    It is the gradient of the sum of the results, which is the derivative of each if none depends on another's input.

    >>> elementwise_grad(np.sqrt)(np.array([1.0, 4.0]))
    array([0.5 , 0.25])
    """

    @wraps(f)
    def summed(*args: Any, **kwargs: Any) -> Any:
        return np.sum(f(*args, **kwargs))

    return grad(summed, argnums)


def vjp(f: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """The value of `f` at the primals and its pullback, the vector-Jacobian product: cotangent ↦ Jᵀ · cotangent.

    Returns
    -------
    `(value, pullback)`, or `(value, pullback, aux)`. The pullback takes a cotangent of the structure and shapes of the value
    and returns a tuple with one gradient for each primal. It may be called any number of times.

    >>> value, pullback = vjp(lambda x, y: x * y, 3.0, 4.0)
    >>> float(value), [float(g) for g in pullback(1.0)]
    (12.0, [4.0, 3.0])
    """
    recording = call_recorded(f, primals, {}, tuple(range(len(primals))), has_aux)

    def pullback(cotangent: Any) -> tuple[Any, ...]:
        cotangents = _matching(recording.output, cotangent, "a cotangent")
        needs_graph = any(isinstance(leaf, Value) and leaf.requires_grad for leaf in cotangents)
        return recording.pull_back(cotangents, create_graph=recording.nested or needs_graph)

    value = tree_map(lambda leaf: _plain(leaf, recording.nested), recording.output)
    if has_aux:
        return value, pullback, tree_map(lambda leaf: _plain(leaf, recording.nested), recording.aux)
    return value, pullback


def _matching(like: Any, tree: Any, what: str) -> list[Any]:
    """The leaves of `tree`, which must have the structure of `like`, as arrays of the shapes and dtypes of the leaves of `like`."""
    leaves, models = list(tree_leaves(tree)), list(tree_leaves(like))
    if len(leaves) != len(models):
        raise ShapeError(f"{what} has {len(leaves)} arrays where {len(models)} belong; the structures must match.")
    matched = []
    for leaf, model in zip(leaves, models, strict=True):
        if not isinstance(leaf, Value):
            leaf = Value(leaf, dtype=model.dtype if isinstance(model, Value) else None, requires_grad=False)._data
        if np.shape(leaf) != np.shape(model):
            raise ShapeError(f"{what} of shape {np.shape(leaf)} does not fit an array of shape {np.shape(model)}.")
        matched.append(leaf)
    return matched


def jacobian(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """A function that computes all derivatives of all outputs of `f`.

    For an output of shape `s` and an argument of shape `a` the Jacobian has shape `s + a`; for trees it is the tree of the
    output with, at each leaf, the tree of the argument. It is computed row by row (reverse mode) where `f` has fewer outputs
    than inputs, else column by column (forward mode).

    >>> jacobian(lambda x: np.stack([x[0] * x[1], x[0] + x[1]]))(np.array([2.0, 3.0]))
    array([[3., 2.],
           [1., 1.]])
    """
    numbers = argnums if isinstance(argnums, tuple) else (argnums,)

    @wraps(f)
    def all_derivatives(*args: Any, **kwargs: Any) -> Any:
        recording = call_recorded(f, args, kwargs, numbers)
        outputs, arguments = list(tree_leaves(recording.output)), list(tree_leaves(recording.arguments))
        if sum(np.size(output) for output in outputs) <= sum(argument.size for argument in arguments):
            rows = [list(tree_leaves(recording.pull_back(unit))) for unit in _basis(outputs)]
            blocks = _stacked(rows, outputs, arguments, axis=0)
        else:
            linear = _linearized(recording)
            columns = [list(tree_leaves(linear.pull_back(unit)[0])) for unit in _basis(arguments)]
            blocks = [list(block) for block in zip(*_stacked(columns, arguments, outputs, axis=-1), strict=True)]
        in_order = (
            _reshaped(block, np.shape(output) + argument.shape)
            for output, of_output in zip(outputs, blocks, strict=True)
            for argument, block in zip(arguments, of_output, strict=True)
        )
        wanted = recording.arguments if isinstance(argnums, tuple) else recording.arguments[0]
        return tree_map(lambda _: tree_map(lambda _: next(in_order), wanted), recording.output)

    return all_derivatives


def _reshaped(x: Any, shape: tuple[int, ...]) -> Any:
    return x.reshape(shape) if isinstance(x, Value) else np.reshape(x, shape)[()]


def _basis(arrays: list[Any]) -> Iterator[list[Any]]:
    """For each number in the arrays: arrays of the same shapes, one where that number is and zero elsewhere."""
    for position, array in enumerate(arrays):
        for element in np.ndindex(np.shape(array)):
            unit = [np.zeros(np.shape(a), a.dtype if isinstance(a, Value) else float) for a in arrays]
            unit[position][element] = 1
            yield [a[()] for a in unit]


def _stacked(products: list[list[Any]], basis: list[Any], results: list[Any], axis: int) -> list[list[Any]]:
    """Products with the vectors of a basis, put together: for each array of the basis and each result one array."""
    blocks = []
    for array in basis:
        own, products = products[: np.size(array)], products[np.size(array) :]
        empty = [np.zeros((*np.shape(result), 0)) for result in results]
        blocks.append([np.stack(parts, axis=axis) for parts in zip(*own, strict=True)] if own else empty)
    return blocks


def hessian(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """A function that computes all second derivatives of `f`, which returns a single number: the Jacobian of the gradient.

    >>> hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 2.0]))
    array([[4., 2.],
           [2., 0.]])
    """
    return jacobian(grad(f, argnums), argnums)


# --- forward mode ------------------------------------------------------------------------------------------------------------


def linearize(f: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """The value of `f` at the primals and its linear approximation there, the Jacobian-vector product: tangents ↦ J · tangents.

    The function is recorded once; each further tangent costs one more pass over the record.

    >>> value, push_forward = linearize(lambda x: x**3, 2.0)
    >>> float(value), float(push_forward(1.0)), float(push_forward(0.5))
    (8.0, 12.0, 6.0)
    """
    recording = call_recorded(f, primals, {}, tuple(range(len(primals))))
    transposed = _linearized(recording)

    def push_forward(*tangents: Any) -> Any:
        matched = _matching(recording.arguments, tangents, "a tangent")
        needs_graph = any(isinstance(leaf, Value) and leaf.requires_grad for leaf in matched)
        return transposed.pull_back(matched, create_graph=recording.nested or needs_graph)[0]

    return tree_map(lambda leaf: _plain(leaf, recording.nested), recording.output), push_forward


def _linearized(recording: Recording) -> Recording:
    """The pullback u ↦ Jᵀu, itself recorded as a function of u. Pulling back through it is the multiplication with J."""
    u = tree_map(lambda leaf: Value(_ones(leaf)), recording.output)
    return Recording((u,), recording.pull_back(list(tree_leaves(u)), create_graph=True), None, recording.nested)


def jvp(f: Callable[..., Any], primals: Any, tangents: Any) -> tuple[Any, Any]:
    """The value of `f` at the primals, and its derivative in the direction of the tangents: J · tangents.

    `primals` and `tangents` are tuples with one entry for each argument of `f`.

    >>> value, slope = jvp(lambda x, y: x * y, (3.0, 4.0), (1.0, 0.5))
    >>> float(value), float(slope)
    (12.0, 5.5)
    """
    value, push_forward = linearize(f, *primals)
    return value, push_forward(*tangents)


def hvp(f: Callable[..., Any], primals: Any, tangents: Any) -> Any:
    """The product of the Hessian of `f` at the primals with the tangents, without computing the Hessian.

    `primals` and `tangents` are tuples with one entry for each argument of `f`, or single arrays (or other trees) for a function
    of one argument; so is the result. The Hessian is symmetric, so the product is a pullback of the gradient.

    >>> hvp(lambda x: x[0] ** 2 * x[1], np.array([1.0, 2.0]), np.array([1.0, 0.0]))
    array([4., 2.])
    """
    several = isinstance(primals, tuple)
    arguments = primals if several else (primals,)
    _, pullback = vjp(grad(f, tuple(range(len(arguments)))), *arguments)
    product = pullback(tangents if several else (tangents,))
    return product if several else product[0]
