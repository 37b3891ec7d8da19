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
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial, wraps
from types import FunctionType
from typing import Any

import numpy as np

from tinygrad_edu.engine.arguments import check_function, flag
from tinygrad_edu.engine.backpropagation import ancestors, backpropagate, dependents
from tinygrad_edu.engine.conversions import raise_its_reason
from tinygrad_edu.engine.messages import name_of, shortened
from tinygrad_edu.engine.mode import RECORDING, InMode, current_mode, differentiating, inside_a_transform
from tinygrad_edu.engine.trees import tree_leaves, tree_leaves_like, tree_map, tree_map_named
from tinygrad_edu.engine.value import Value, record
from tinygrad_edu.errors import DataError, GradientError, ShapeError
from tinygrad_edu.primitives.broadcasting import cast
from tinygrad_edu.primitives.primitive import Primitive

# What stands for an argument inside of the function: the same number, but a node of its own to differentiate with respect to.
ARGUMENT = Primitive("argument", lambda x: x, (lambda g, out, x: g,), code="{0}", latex="{0}")


@dataclass(frozen=True)
class Recording:
    """One call of a function, as it was recorded.

    arguments: for each differentiated argument the tree of Values that stood for it.
    output: what the function returned, a tree of Values.
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
        outputs = {leaf for leaf in tree_leaves(self.output) if leaf.requires_grad}
        return dependents(ancestors(outputs, targets)[0], targets)

    def pull_back(self, cotangents: Any, create_graph: bool | None = None) -> tuple[Any, ...]:
        """The chain rule from cotangents, a list with one for each leaf of the output, to the arguments."""
        nested = self.nested if create_graph is None else create_graph
        seeds: dict[Any, Any] = {}
        for node, cotangent in zip(tree_leaves(self.output), cotangents, strict=True):
            if node.requires_grad:
                seeds[node] = seeds[node] + cotangent if node in seeds else cotangent
        with InMode(RECORDING):
            gradients = backpropagate(seeds, *self._path, create_graph=nested)
            return tuple(tree_map(lambda leaf: _result(gradients.get(leaf), leaf, nested), argument) for argument in self.arguments)

    def pull_back_tree(self, cotangents: Any, what: str) -> tuple[Any, ...]:
        """The same from cotangents as the user gives them, who calls them `what`: a tree like the output."""
        given_values = any(isinstance(leaf, Value) and leaf.requires_grad for leaf in tree_leaves(cotangents))
        nested = self.nested or (current_mode().records and given_values)
        pairs = tree_leaves_like(cotangents, self.output, what)
        return self.pull_back([_matching(path, leaf, model, nested) for path, leaf, model in pairs], create_graph=nested)


def _result(gradient: Any, argument: Value, nested: bool) -> Any:
    """A gradient as the transform returns it: a Value in a nested one, else an array of the caller's own."""
    if gradient is None:
        gradient = np.zeros(argument.shape, argument.dtype)
    if nested:
        if not isinstance(gradient, Value):
            return Value(gradient, requires_grad=False, name=f"d_{argument.name}")
        is_nameless = gradient.primitive is not None and not gradient.name  # a leaf is the user's own
        return gradient.named(f"d_{argument.name}") if is_nameless else gradient
    return np.array(gradient) if np.ndim(gradient) else gradient[()]


def _plain(x: Any, nested: bool) -> Any:
    """A recorded output as the transform returns it."""
    return x if nested or not isinstance(x, Value) else x.numpy()[()]


def _matching(path: str, leaf: Any, model: Value, nested: bool) -> Any:
    """A cotangent of the shape and dtype of `model`."""
    if not isinstance(leaf, Value):
        leaf = Value(leaf, requires_grad=False)
    if leaf.shape != model.shape:
        raise ShapeError(f"{path} has shape {leaf.shape} where shape {model.shape} belongs.")
    if leaf.dtype != model.dtype:
        leaf = cast(leaf, dtype=model.dtype)
    return leaf if nested else leaf._recorded_data()


def call_recorded(
    f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], argnums: tuple[int, ...], has_aux: bool = False
) -> Recording:
    """Call `f` with Values in place of the arguments `argnums`, recording what it does with them."""
    given_values = any(isinstance(leaf, Value) and leaf.requires_grad for leaf in tree_leaves((args, kwargs)))
    nested = inside_a_transform() or current_mode().records_constants or (current_mode().records and given_values)
    names = _parameter_names(f)
    called_with = list(args)
    arguments = []
    with InMode(RECORDING):
        for position in _positions(argnums, f, len(args)):
            name = names[position] if position < len(names) else f"argument {position}"
            arguments.append(tree_map_named(_stand_in, args[position], name))
            called_with[position] = tree_map(lambda leaf: leaf, arguments[-1])  # f may put other leaves into its own tree
        token = differentiating.set(True)
        try:
            output = f(*called_with, **kwargs)
        except (ValueError, SystemError) as error:
            raise_its_reason(error)
        finally:
            differentiating.reset(token)
    aux = None
    if has_aux:
        if not (isinstance(output, tuple) and len(output) == 2):
            raise DataError(
                f"with has_aux=True {name_of(f)} must return a pair (result, aux), but returned {type(output).__name__}."
            )
        output, aux = output
    if output is None:
        raise GradientError(f"{name_of(f)} returned nothing; is a return missing?")
    is_nameless = nested and isinstance(output, Value) and not output.name
    if is_nameless and output.serial > min((leaf.serial for leaf in tree_leaves(arguments)), default=0):
        output.name = name_of(f)
    return Recording(tuple(arguments), tree_map_named(partial(_as_value, name_of(f)), output), aux, nested)


def _positions(argnums: tuple[int, ...], f: Callable[..., Any], count: int) -> list[int]:
    """`argnums` counted from the front, each of them once."""
    for number in argnums:
        if not -count <= number < count:
            raise DataError(
                f"argnums names the positional argument {number}, but {name_of(f)} was called with {count} of them. "
                "Arguments to differentiate are passed by position."
            )
    positions = [number % count for number in argnums]
    if len(set(positions)) < len(positions):
        raise DataError(f"argnums={argnums} names an argument of {name_of(f)} twice.")
    return positions


def _as_value(function: str, path: str, leaf: Any) -> Value:
    """A leaf of what a function returned as a Value."""
    try:
        value: Value = leaf if isinstance(leaf, Value) else Value(leaf, requires_grad=False)
    except DataError as error:
        raise GradientError(f"{function} returned, at result{path}, something that is no array of real numbers: {error}") from error
    if value.dtype.kind == "c":
        raise GradientError(
            f"a derivative is that of real numbers, but {function} returned complex ones; use np.real, np.imag or abs."
        )
    return value


def _stand_in(path: str, leaf: Any) -> Value:
    if isinstance(leaf, Value) and (leaf.requires_grad or current_mode().records_constants):
        if leaf.dtype.kind != "f" or not isinstance(leaf._data, np.ndarray | np.generic):
            leaf = cast(leaf, dtype=np.dtype(np.float64))
        stand_in = record(ARGUMENT, (leaf,), {}).named(leaf.name or path)
        stand_in.requires_grad = True
        return stand_in
    try:
        return Value(leaf.numpy() if isinstance(leaf, Value) else leaf, name=path)
    except DataError as error:
        raise DataError(f"{path} cannot be differentiated: {error}") from error


def _parameter_names(f: Callable[..., Any]) -> Sequence[str]:
    if type(f) is FunctionType and not hasattr(f, "__wrapped__"):  # what inspect.signature would say, in a hundredth of the time
        return f.__code__.co_varnames[: f.__code__.co_argcount]
    try:
        return list(inspect.signature(f).parameters)
    except (TypeError, ValueError):  # some built-in functions have no signature
        return []


def _checked_argnums(f: Callable[..., Any], argnums: int | tuple[int, ...]) -> tuple[int, ...]:
    """`argnums` as a tuple; a mistake in what a transform was given is told at once, and not when the function is called."""
    check_function(f)
    numbers = argnums if isinstance(argnums, tuple) else (argnums,)
    if not all(isinstance(number, int | np.integer) for number in numbers):
        raise DataError(f"argnums is the position of an argument or a tuple of positions, but got {shortened(argnums)}.")
    return numbers


def _checked_scalar(output: Any, f: Callable[..., Any]) -> Value:
    if not isinstance(output, Value) or output.size != 1:
        what = f"an array of shape {output.shape}" if isinstance(output, Value) else f"a {type(output).__name__}"
        raise GradientError(
            f"a gradient is that of a single number, but {name_of(f)} returned {what}. "
            "Return a scalar (.sum() or .mean()), or use tg.jacobian for all derivatives of all outputs."
        )
    return output


def _ones(output: Value) -> Any:
    return np.ones(output.shape, output.dtype)[()]


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
    numbers = _checked_argnums(f, argnums)
    flag("has_aux", has_aux)

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
    _checked_argnums(f, argnums)

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
    check_function(f)
    recording = call_recorded(f, primals, {}, tuple(range(len(primals))), flag("has_aux", has_aux))

    def pullback(cotangent: Any) -> tuple[Any, ...]:
        return recording.pull_back_tree(cotangent, "the cotangent")

    value = tree_map(lambda leaf: _plain(leaf, recording.nested), recording.output)
    if has_aux:
        return value, pullback, tree_map(lambda leaf: _plain(leaf, recording.nested), recording.aux)
    return value, pullback


def jacobian(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """A function that computes all derivatives of all outputs of `f`.

    For an output of shape `s` and an argument of shape `a` the Jacobian has shape `s + a`; for trees it is the tree of the
    output with, at each leaf, the tree of the argument. It is computed row by row (reverse mode) where `f` has fewer outputs
    than inputs, else column by column (forward mode).

    >>> jacobian(lambda x: np.stack([x[0] * x[1], x[0] + x[1]]))(np.array([2.0, 3.0]))
    array([[3., 2.],
           [1., 1.]])
    """
    numbers = _checked_argnums(f, argnums)

    @wraps(f)
    def all_derivatives(*args: Any, **kwargs: Any) -> Any:
        recording = call_recorded(f, args, kwargs, numbers)
        outputs, arguments = list(tree_leaves(recording.output)), list(tree_leaves(recording.arguments))
        if sum(output.size for output in outputs) <= sum(argument.size for argument in arguments):
            rows = [list(tree_leaves(recording.pull_back(unit))) for unit in _basis(outputs)]
            blocks = _stacked(rows, outputs, arguments, axis=0)
        else:
            linear = _linearized(recording)
            columns = [list(tree_leaves(linear.pull_back(unit)[0])) for unit in _basis(arguments)]
            blocks = [list(block) for block in zip(*_stacked(columns, arguments, outputs, axis=-1), strict=True)]
        in_order = (
            _reshaped(block, output.shape + argument.shape)
            for output, of_output in zip(outputs, blocks, strict=True)
            for argument, block in zip(arguments, of_output, strict=True)
        )
        wanted = recording.arguments if isinstance(argnums, tuple) else recording.arguments[0]
        return tree_map(lambda _: tree_map(lambda _: next(in_order), wanted), recording.output)

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
    check_function(f)
    recording = call_recorded(f, primals, {}, tuple(range(len(primals))))
    transposed = _linearized(recording)

    def push_forward(*tangents: Any) -> Any:
        return transposed.pull_back_tree(tangents, "the tangents")[0]

    return tree_map(lambda leaf: _plain(leaf, recording.nested), recording.output), push_forward


def _linearized(recording: Recording) -> Recording:
    """The pullback u ↦ Jᵀu, itself recorded as a function of u. Pulling back through it is the multiplication with J."""
    u = tree_map(lambda leaf: Value(_ones(leaf), name=leaf.name), recording.output)
    return Recording((u,), recording.pull_back(list(tree_leaves(u)), create_graph=True), None, recording.nested)


def jvp(f: Callable[..., Any], primals: Any, tangents: Any) -> tuple[Any, Any]:
    """The value of `f` at the primals, and its derivative in the direction of the tangents: J · tangents.

    `primals` and `tangents` are tuples with one entry for each argument of `f`, or single arrays (or other trees) for a function
    of one argument.

    >>> value, slope = jvp(lambda x, y: x * y, (3.0, 4.0), (1.0, 0.5))
    >>> float(value), float(slope)
    (12.0, 5.5)
    """
    value, push_forward = linearize(f, *_one_or_several(primals, primals))
    return value, push_forward(*_one_or_several(primals, tangents))


def hvp(f: Callable[..., Any], primals: Any, tangents: Any) -> Any:
    """The product of the Hessian of `f` at the primals with the tangents, without computing the Hessian.

    `primals` and `tangents` are tuples or single as for `jvp`; so is the result. The Hessian is symmetric, so the product is a
    pullback of the gradient.

    >>> hvp(lambda x: x[0] ** 2 * x[1], np.array([1.0, 2.0]), np.array([1.0, 0.0]))
    array([4., 2.])
    """
    arguments = _one_or_several(primals, primals)
    argnums = tuple(range(len(arguments)))
    recording = call_recorded(grad(f, argnums), arguments, {}, argnums)
    product = recording.pull_back_tree(_one_or_several(primals, tangents), "the tangents")
    return product if type(primals) is tuple else product[0]


def _one_or_several(primals: Any, given: Any) -> Any:
    """What was given for the primals as a tuple with one entry for each argument. (A named tuple is a tree, one argument.)"""
    return given if type(primals) is tuple else (given,)
