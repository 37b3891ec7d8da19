"""Value: an array that remembers how it was made.

Operators, methods, NumPy's ufuncs and NumPy's functions all end in `record`: it runs an operation on the arrays and notes which
operation it was, and on what. This module knows no derivative and no formula; those are in the op table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import count
from typing import Any, NoReturn, TypeAlias, cast

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from tinygrad_edu.engine.array_methods import ArrayMethods
from tinygrad_edu.engine.conversions import Conversions, check_taking
from tinygrad_edu.engine.flags import flag, text
from tinygrad_edu.engine.messages import described, failure
from tinygrad_edu.engine.mode import current_mode, inside_a_transform
from tinygrad_edu.engine.numpy_protocols import OPERANDS, NumPyProtocols
from tinygrad_edu.engine.ownership import constant_operand, own_data, own_index, own_integer
from tinygrad_edu.engine.state import Note, State
from tinygrad_edu.errors import DataError, GradientError, UnsupportedError
from tinygrad_edu.primitives import arithmetic, elementwise, indexing, linear_algebra
from tinygrad_edu.primitives.primitive import Primitive

_next_serial = count().__next__
_NUMBERS = frozenset({float, int, bool, np.float64, np.float32})
Operand: TypeAlias = "Value | NDArray[Any] | np.generic | complex | list[Any] | tuple[Any, ...]"
"""OPERANDS for type checkers: what can stand beside a Value at an operator."""
_new = object.__new__


class _Unrecorded(tuple[()]):
    """The parents of a constant that was computed from something with a gradient, under `no_grad` say: none, as they tell."""


_UNRECORDED = _Unrecorded()
_MOST_NOTED, _LARGEST_NOTED = 50, 1000


def _binary_operator(primitive: Primitive, reflected: bool = False) -> Callable[[Value, Operand], Value]:
    """An operator between two operands: what `record` does, spelt out without its loop, since most operations are of this kind."""
    forward = primitive.forward

    def operator(self: Value, other: Any) -> Value:
        x = self._data if self._loan is None else self._loan.snapshot()
        kind = type(other)
        left, right = self, other
        if kind is Value:
            y = other._data if other._loan is None else other._loan.snapshot()
        elif kind in _NUMBERS:
            y, right = other, None
        elif kind is np.ndarray:
            y, right = constant_operand(other, primitive, kept=current_mode().records), None
        elif isinstance(other, OPERANDS):
            return record(primitive, (other, self) if reflected else (self, other), {})
        else:
            return NotImplemented  # type: ignore[no-any-return]
        if reflected:
            x, y = y, x
            left, right = right, left
        try:
            data = forward(x, y)
        except (ValueError, TypeError, OverflowError) as error:
            raise failure(primitive, (self, other), error) from error
        requires_grad = self._requires_grad or (kind is Value and other._requires_grad)
        mode = current_mode()
        if (requires_grad and mode.records) or mode.records_constants:
            result = _new(Value)
            result._data = data
            result._grad = result._loan = result._name = result._hooks = result.params = None
            result._requires_grad = requires_grad
            result.primitive = primitive
            result._parents = None
            result._left, result._right = left, right
            result._x, result._y = x, y
            result.serial = _next_serial()
            if mode.watches:
                mode.see_result(result)
            return result
        return _constant(data, (left, right), (primitive, (x, y), None) if mode.records else None)

    return operator


def _unary_operator(primitive: Primitive) -> Callable[[Value], Value]:
    return lambda self: record(primitive, (self,), {})


class Value(State, ArrayMethods, NumPyProtocols, Conversions):
    """A number or an array of numbers that remembers how it was made, so that it can be differentiated.

    Parameters
    ----------
    data: a number, an array, or a nested list of numbers; it is copied. Integers and booleans become float64.
        A number of Python's becomes one of NumPy's, of float64, which does not give way to float32 as Python's own does.
    requires_grad: whether `backward` computes a gradient for it. False makes a constant, such as the data of a model.
    name: what it is called in messages, source code, explanations and pictures.
    dtype: a floating-point dtype; by default that of `data`.

    Raises
    ------
    DataError: if `data` is not made of real numbers, `name` is no text, or `requires_grad` is neither True nor False.

    >>> theta, x, t = Value(3.0, name="theta"), 2.0, 8.0
    >>> loss = 0.5 * (t - theta * x) ** 2
    >>> loss.backward()
    >>> float(loss), float(theta.grad)
    (2.0, -4.0)
    """

    __slots__ = ()

    def __init_subclass__(cls) -> None:
        raise UnsupportedError(
            f"a Value has no subclasses: let {cls.__name__} be a class of its own that keeps one, as an attribute."
        )

    def __init__(
        self, data: ArrayLike, *, requires_grad: bool = True, name: str | None = None, dtype: DTypeLike | None = None
    ) -> None:
        if type(data) is float and dtype is None:
            self._data = np.float64(data)
        elif type(data) is int and dtype is None:
            self._data = own_integer(data)
        else:
            self._data = own_data(data, dtype)
        self._grad = self._loan = self._hooks = None
        self._requires_grad = requires_grad if type(requires_grad) is bool else flag("requires_grad", requires_grad)
        self._name = name if name is None else text("name", name)
        self.primitive = self.params = None
        self._parents = self._inputs = ()
        self.serial = _next_serial()

    def detach(self) -> Value:
        """A constant Value with the same numbers, cut off from how they were made."""
        return elementwise.stop_gradient(self) if current_mode().records_constants else _constant(snapshot_of(self), (self,))

    @property
    def is_detached(self) -> bool:
        """Whether it is a constant that was computed, unrecorded, from something that requires a gradient."""
        return self._parents is _UNRECORDED

    # --- parts and copies ----------------------------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[Value]:
        return (self[position] for position in range(len(self)))

    def __getitem__(self, index: Any) -> Value:
        try:
            return record(indexing.index, (self,), {"index": own_index(index)})
        except DataError:
            if current_mode().records_constants:  # then there are Values of integers
                return cast(Value, indexing.computed_index(self, index))
            raise

    def __setitem__(self, index: Any, new: Any) -> NoReturn:
        raise UnsupportedError(
            "an element of a Value cannot be assigned, since that would rewrite what was recorded. Choose between old and new "
            "with np.where(mask, new, value), or change the data of a leaf before it is used: value.data[index] = ..."
        )

    def __copy__(self) -> Value:
        """A leaf is copied to another one; of what is being differentiated the gradient passes through the copy."""
        if self.primitive is not None or inside_a_transform() or current_mode().records_constants:
            return self.copy()
        return Value(self._data, requires_grad=self.requires_grad, name=self.name)

    def __deepcopy__(self, memo: Any) -> Value:
        return self.__copy__()

    def __reduce__(self) -> Any:
        if self.primitive is not None:
            raise GradientError(f"{described(self)} was computed; only a leaf can be pickled. Use .detach() first.")
        check_taking(self)
        return partial(Value, requires_grad=self.requires_grad, name=self.name), (self._data,)

    # --- operators -----------------------------------------------------------------------------------------------------------

    __add__ = _binary_operator(arithmetic.add)
    __radd__ = _binary_operator(arithmetic.add, reflected=True)
    __sub__ = _binary_operator(arithmetic.subtract)
    __rsub__ = _binary_operator(arithmetic.subtract, reflected=True)
    __mul__ = _binary_operator(arithmetic.multiply)
    __rmul__ = _binary_operator(arithmetic.multiply, reflected=True)
    __truediv__ = _binary_operator(arithmetic.divide)
    __rtruediv__ = _binary_operator(arithmetic.divide, reflected=True)
    __floordiv__ = _binary_operator(arithmetic.floor_divide)
    __rfloordiv__ = _binary_operator(arithmetic.floor_divide, reflected=True)
    __mod__ = _binary_operator(arithmetic.mod)
    __rmod__ = _binary_operator(arithmetic.mod, reflected=True)
    __pow__ = _binary_operator(arithmetic.power)
    __rpow__ = _binary_operator(arithmetic.power, reflected=True)
    __matmul__ = _binary_operator(linear_algebra.matmul)
    __rmatmul__ = _binary_operator(linear_algebra.matmul, reflected=True)
    __neg__ = _unary_operator(arithmetic.negative)
    __pos__ = _unary_operator(arithmetic.positive)
    __abs__ = _unary_operator(elementwise.absolute)

    @staticmethod
    def __record_primitive__(primitive: Primitive, inputs: Sequence[Any], params: Mapping[str, Any]) -> Value:
        return record(primitive, inputs, params)


# --- recording ---------------------------------------------------------------------------------------------------------------


def record(primitive: Primitive, inputs: Sequence[Any], params: Mapping[str, Any]) -> Value:
    """Apply an operation to Values and constants, and note in the result how it was made.

    Nothing is noted where no input requires a gradient, or under `no_grad`: such a result is a constant.
    """
    parents: list[Value | None] = []
    arrays: list[Any] = []
    requires_grad, mode = False, current_mode()
    for operand in inputs:
        if type(operand) is Value:
            parents.append(operand)
            arrays.append(operand._data if operand._loan is None else operand._loan.snapshot())
            requires_grad = requires_grad or operand._requires_grad
        else:
            parents.append(None)
            is_number = type(operand) in _NUMBERS or type(operand) is complex
            arrays.append(operand if is_number else constant_operand(operand, primitive, kept=mode.records))
    try:
        data = primitive.forward(*arrays, **params)
    except (ValueError, TypeError, IndexError, OverflowError) as error:
        raise failure(primitive, inputs, error) from error
    is_pythons = type(data) in (float, complex) and not mode.keeps_python_numbers
    if is_pythons or (type(data) is np.ndarray and data.ndim == 0):
        data = np.asarray(data)[()]
    requires_grad = requires_grad and primitive.is_differentiable and mode.records
    if not (requires_grad or mode.records_constants):
        return _constant(data, parents, (primitive, arrays, params) if mode.records else None)
    result = _new(Value)
    result._data = data
    result._grad = result._loan = result._name = result._hooks = None
    result._requires_grad = requires_grad
    result.primitive = primitive
    result._parents = parents
    result._inputs = arrays
    result.params = params
    result.serial = _next_serial()
    if mode.watches:
        mode.see_result(result)
    return result


def _constant(data: Any, sources: Sequence[Value | None], made: tuple[Any, Any, Any] | None = None) -> Value:
    """A Value that requires no gradient, of data that is known to be in order and not shared with the user.

    made: the operation, its inputs and parameters, to be noted if the sources are constants with names.
    """
    result = _new(Value)
    result._data = data
    result._grad = result._loan = result._name = result._hooks = result.primitive = result.params = None
    result._requires_grad = False
    result._parents = result._inputs = ()
    is_named = False
    for source in sources:
        if source is not None:
            if source._requires_grad or source._parents is _UNRECORDED:
                result._parents = _UNRECORDED
            elif source._name is not None or source._parents.__class__ is Note:
                is_named = True
    if is_named and made and result._parents is not _UNRECORDED:
        result._parents = _note(data, sources, *made)
    result.serial = _next_serial()
    return result


def _note(data: Any, parents: Sequence[Value | None], primitive: Primitive, inputs: Any, params: Any) -> Note | tuple[()]:
    """How a constant was made, unless that has become long or large."""
    note = Note()
    note.length = 1 + sum(parent.parents.length for parent in parents if parent is not None and isinstance(parent.parents, Note))
    if note.length > _MOST_NOTED or max(getattr(x, "size", 1) for x in (data, *inputs)) > _LARGEST_NOTED:
        return ()
    note.primitive, note.parents, note.inputs, note.params = primitive, parents, inputs, params
    return note


# --- for the rest of the package ---------------------------------------------------------------------------------------------


def snapshot_of(value: Value) -> Any:
    """The numbers in a form that nobody will write to."""
    return value._data if value._loan is None else value._loan.snapshot()


def replace_numbers(value: Value, data: Any) -> None:
    """Give a Value that was just made other data: what stands for its numbers in a trace."""
    value._data = data


def constant_of(data: Any, name: str) -> Value:
    """A constant of data as they are: not checked, not copied, of any dtype."""
    value = _constant(data, ())
    value._name = name
    return value
