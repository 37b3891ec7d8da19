"""A trace: one call of a function, with Values in place of its arguments, and the chain rule back through what they recorded.

Every transform calls the function here, reads the trace, and knows no derivative.

At the outermost level transforms take and give plain arrays and numbers. Inside a function that is itself being differentiated,
or when given a Value that requires a gradient, they give Values, so that they nest: the trace is `nested`. Arguments and results
may be trees (nested dicts, lists, tuples, dataclasses) of arrays.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from types import FunctionType
from typing import Any

import numpy as np

from tinygrad_edu.engine.arguments import check_function
from tinygrad_edu.engine.backpropagation import backpropagate, between
from tinygrad_edu.engine.conversions import numbers_of, raise_its_reason
from tinygrad_edu.engine.hooks import has_hooks, passed
from tinygrad_edu.engine.messages import name_of, shortened
from tinygrad_edu.engine.mode import RECORDING, InMode, current_mode, differentiating, inside_a_transform
from tinygrad_edu.engine.ownership import is_unshared, own
from tinygrad_edu.engine.value import Value, record, replace_numbers, snapshot_of
from tinygrad_edu.errors import DataError, GradientError, ShapeError
from tinygrad_edu.primitives.broadcasting import cast
from tinygrad_edu.primitives.primitive import Primitive
from tinygrad_edu.transforms.trees import has_leaf, tree_leaves_like, tree_map, tree_map_named

# What stands for an argument inside of the function: the same number, but a node of its own to differentiate with respect to.
ARGUMENT = Primitive(lambda x: x, lambda g, out, x: g, name="argument", code="{0}", latex="{0}")


@dataclass(slots=True)
class Trace:
    """One call of a function, as it was recorded.

    arguments: for each differentiated argument the tree of Values that stood for it; `inputs` are their leaves in a row.
    output: what the function returned, a tree of Values; `outputs` are its leaves in a row.
    aux: what it returned besides, when asked for.
    nested: whether results are to be Values, since they will be differentiated in turn.
    """

    arguments: tuple[Any, ...]
    inputs: list[Value]
    output: Any
    outputs: list[Value]
    aux: Any
    nested: bool
    _path: tuple[list[Any], set[Any]] | None = None

    def pull_back(self, cotangents: Iterable[Any], create_graph: bool | None = None) -> tuple[Any, ...]:
        """The chain rule from cotangents, one for each of `outputs`, to the arguments: for each a tree like it."""
        nested = self.nested if create_graph is None else create_graph
        seeds: dict[Any, Any] = {}
        for node, cotangent in zip(self.outputs, cotangents, strict=True):
            if node.requires_grad:
                seeds[node] = seeds[node] + cotangent if node in seeds else cotangent
        with InMode(RECORDING):
            gradients = backpropagate(seeds, *self.between(), create_graph=nested)
            return tuple(tree_map(lambda leaf: _result(gradients, leaf, nested), argument) for argument in self.arguments)

    def between(self) -> tuple[list[Any], set[Any]]:
        """What lies between the arguments and the outputs, as the chain rule wants it."""
        if self._path is None:
            self._path = between({output: None for output in self.outputs if output.requires_grad}, set(self.inputs))
        return self._path

    def hooked(self) -> Value | None:
        """A Value on the way whose gradient somebody wants to see, if there is one."""
        return next((value for value in self.between()[1] if has_hooks(value)), None)

    def pull_back_tree(self, cotangents: Any, what: str) -> tuple[Any, ...]:
        """The same from cotangents as the user gives them, who calls them `what`: a tree like the output."""
        nested = self.nested or (current_mode().records and _requires_grad(cotangents))
        pairs = tree_leaves_like(cotangents, self.output, what)
        return self.pull_back([_matching(path, leaf, model, nested) for path, leaf, model in pairs], create_graph=nested)

    def as_returned(self, output: Any) -> Any:
        """The output, or aux, as the transform returns it: plain arrays and numbers, unless this trace is nested."""
        return output if self.nested else tree_map(_plain, output)


_layout = attrgetter("shape", "strides", "dtype")


class Copies:
    """What the large arrays among the arguments of a function are copied to: what one call leaves, the next one uses again.

    Memory that the system has to give anew takes several times as long as the copy itself. What somebody still has, say in
    a record, is not used again; so two threads have different arrays, too.
    """

    __slots__ = ("_used_before",)  # no attributes, at which a compiled function would look to see whether they have changed
    _LARGE = 2**17  # bytes, from which on the system is asked

    def __init__(self) -> None:
        self._used_before: dict[str, Any] = {}

    def of(self, path: str, array: Any) -> Any:
        """A copy of an array, the argument that is called `path`."""
        if array.nbytes < self._LARGE:
            return array.copy(order="K")
        copy = {path: self._used_before.pop(path, None)}
        if not is_unshared(copy, path) or _layout(copy[path]) != _layout(array):
            copy[path] = np.empty_like(array)
        np.copyto(copy[path], array)
        self._used_before[path] = copy[path]
        return copy[path]


def traced(
    f: Callable[..., Any],
    args: Sequence[Any],
    kwargs: dict[str, Any],
    argnums: tuple[int, ...],
    has_aux: bool = False,
    copies: Copies | None = None,
) -> Trace:
    """Call `f` with Values in place of the arguments `argnums`, recording what it does with them; `copies` of an earlier call."""
    mode = current_mode()
    nested = inside_a_transform() or mode.records_constants
    nested = nested or (mode.records and any(map(_requires_grad, (*args, *kwargs.values()))))
    called_with, arguments, inputs = list(args), [], []
    copies = copies or Copies()

    def stand_in(path: str, leaf: Any) -> Value:
        inputs.append(_stand_in(path, leaf, copies))
        return inputs[-1]

    with InMode(RECORDING):
        for position, name in _named_positions(argnums, f, len(args)).items():
            arguments.append(tree_map_named(stand_in, args[position], name))
            called_with[position] = tree_map(itself, arguments[-1])  # f may put other leaves into its own tree
        before = differentiating.set(True)
        try:
            output = f(*called_with, **kwargs)
        except (ValueError, SystemError) as error:
            raise_its_reason(error)
        finally:
            differentiating.reset(before)
    output, aux = _with_aux(output, f) if has_aux else (output, None)
    if output is None:
        raise GradientError(f"{name_of(f)} returned nothing; is a return missing?")
    outputs: list[Value] = []

    def as_output(path: str, leaf: Any) -> Value:
        outputs.append(_as_value(f, path, leaf))
        return outputs[-1]

    return Trace(tuple(arguments), inputs, tree_map_named(as_output, output), outputs, aux, nested)


def itself(leaf: Any) -> Any:
    """For copies of a tree with the same leaves."""
    return leaf


def _requires_grad(tree: Any) -> bool:
    """Whether a tree has Values in it that require a gradient."""
    return has_leaf(lambda leaf: isinstance(leaf, Value) and leaf.requires_grad, tree)


def _with_aux(output: Any, f: Callable[..., Any]) -> tuple[Any, Any]:
    if isinstance(output, tuple) and len(output) == 2:
        return output
    raise DataError(f"with has_aux=True {name_of(f)} must return a pair (result, aux), but returned {type(output).__name__}.")


def _result(gradients: dict[Any, Any], argument: Value, nested: bool) -> Any:
    """The gradient of an argument as the transform returns it: a Value in a nested one, else an array of the caller's own."""
    if argument not in gradients:
        gradients[argument] = np.zeros(argument.shape, argument.dtype)
    elif has_hooks(argument):
        gradients[argument] = passed(argument, gradients[argument], nested)
    if nested:
        gradient = gradients[argument]
        name = f"d_{argument.name}" if argument.name else None
        if not isinstance(gradient, Value):
            return Value(gradient, requires_grad=False, name=name)
        is_nameless = gradient.primitive is not None and not gradient.name  # a leaf is the user's own
        return gradient.named(name) if is_nameless and name else gradient
    return own(gradients, argument) if argument.ndim else gradients[argument][()]


def _plain(x: Any) -> Any:
    return x.numpy()[()] if isinstance(x, Value) else x


def numbers_to_read(value: Value) -> Any:
    """The numbers of a Value, to be read and not to be written to."""
    numbers = numbers_of(value)
    if not isinstance(numbers, np.ndarray):
        return numbers
    view = numbers.view()
    view.flags.writeable = False
    return view


def ones(output: Value) -> Any:
    """The cotangent of an output that is what we want to know the derivative of."""
    return np.ones(output.shape, output.dtype) if output.ndim else output.dtype.type(1)


def _matching(path: str, leaf: Any, model: Value, nested: bool) -> Any:
    """A cotangent of the shape and dtype of `model`."""
    if not isinstance(leaf, Value):
        leaf = Value(leaf, requires_grad=False)
    if leaf.shape != model.shape:
        raise ShapeError(f"{path} has shape {leaf.shape} where shape {model.shape} belongs.")
    if leaf.dtype != model.dtype:
        leaf = cast(leaf, dtype=model.dtype)
    return leaf if nested else snapshot_of(leaf)


def _named_positions(argnums: tuple[int, ...], f: Callable[..., Any], count: int) -> dict[int, str]:
    """`argnums` counted from the front, each of them once, and what `f` calls these arguments."""
    names = parameter_names(f)
    named: dict[int, str] = {}
    for number in argnums:
        if not -count <= number < count:
            raise DataError(
                f"argnums names the positional argument {number}, but {name_of(f)} was called with {count} of them. "
                "Arguments to differentiate are passed by position."
            )
        position = number % count
        named[position] = names[position] if position < len(names) else f"argument {position}"
    if len(named) < len(argnums):
        raise DataError(f"argnums={argnums} names an argument of {name_of(f)} twice.")
    return named


def _as_value(f: Callable[..., Any], path: str, leaf: Any) -> Value:
    """A leaf of what a function returned as a Value."""
    try:
        value: Value = leaf if isinstance(leaf, Value) else Value(leaf, requires_grad=False)
    except DataError as error:
        raise GradientError(
            f"{name_of(f)} returned, at result{path}, something that is no array of real numbers: {error}"
        ) from error
    if value.dtype.kind == "c":
        raise GradientError(
            f"a derivative is that of real numbers, but {name_of(f)} returned complex ones; use np.real, np.imag or abs."
        )
    return value


def _stand_in(path: str, leaf: Any, copies: Copies) -> Value:
    if isinstance(leaf, Value):
        return _stand_in_of_value(path, leaf)
    if type(leaf) is np.ndarray and leaf.ndim and leaf.dtype.kind == "f":
        stand_in = Value(0.0, name=path)
        replace_numbers(stand_in, copies.of(path, leaf))
        return stand_in
    try:
        return Value(leaf, name=path)
    except DataError as error:
        raise DataError(f"{path} cannot be differentiated: {error}") from error


def _stand_in_of_value(path: str, value: Value) -> Value:
    if value.dtype.kind == "c":
        raise DataError(f"{path} is complex, but a derivative is that of real numbers: give its real and imaginary part.")
    if not (value.requires_grad or current_mode().records_constants):
        return Value(value.numpy(), name=path)
    if value.dtype.kind != "f" or not isinstance(numbers_of(value), np.ndarray | np.generic):
        value = cast(value, dtype=np.dtype(np.float64))
    stand_in = record(ARGUMENT, (value,), {}).named(value.name or path)
    stand_in.requires_grad = True
    return stand_in


def parameter_names(f: Callable[..., Any]) -> Sequence[str]:
    while hasattr(f, "__wrapped__") and not hasattr(f, "__signature__"):
        f = f.__wrapped__
    if type(f) is FunctionType:  # what inspect.signature would say, in a hundredth of the time
        return f.__code__.co_varnames[: f.__code__.co_argcount]
    try:
        return list(inspect.signature(f).parameters)
    except (TypeError, ValueError):  # some built-in functions have no signature
        return []


def checked_argnums(taker: str, f: Callable[..., Any], argnums: int | tuple[int, ...]) -> tuple[int, ...]:
    """`argnums` as a tuple; a mistake in what a transform was given is told at once, and not when the function is called."""
    check_function(taker, f)
    numbers = argnums if isinstance(argnums, tuple) else (argnums,)
    if not all(isinstance(number, int | np.integer) for number in numbers):
        raise DataError(f"argnums is the position of an argument or a tuple of positions, but got {shortened(argnums)}.")
    return numbers
