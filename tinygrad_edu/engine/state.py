"""What a Value holds, and what of it a user reads and sets: its numbers, its gradient, its name.

How a Value comes about is not known here, only whether it was computed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinygrad_edu.engine.backpropagation import ancestors, backpropagate, starting_cotangent
from tinygrad_edu.engine.flags import flag, text
from tinygrad_edu.engine.hooks import Hook, check_hook, passed
from tinygrad_edu.engine.messages import described
from tinygrad_edu.engine.mode import current_mode
from tinygrad_edu.engine.ownership import Loan, own, own_data
from tinygrad_edu.errors import GradientError, ShapeError
from tinygrad_edu.primitives.primitive import Primitive

_ONE = np.float64(1.0)


class Note(tuple[()]):
    """The parents of a constant that was computed from constants with names: none, as they tell, for no gradient will pass.

    Who shows a computation in these names reads here how the constant was made. So that this takes no memory to speak of, only
    a few operations in a row are noted, on arrays that are not large.
    """

    primitive: Primitive
    parents: Sequence[Any]
    inputs: Sequence[Any]
    params: Mapping[str, Any] | None
    length: int


class State:
    """The part of a Value that holds what it is, and how it was made: what the chain rule needs to know of a recorded result.

    primitive: the operation that made it; None for a leaf, which was given and not computed.
    params: the operation's other arguments.
    serial: Values are numbered in the order of their making, so a parent has a smaller number than its children.

    An operator between two operands keeps the parents and inputs of both in slots: `_left` and `_right`, `_x` and `_y`. Python's
    collector walks through a growing record again and again, and so meets one object an operation and not three. Any other
    operation keeps sequences of them, `_parents` and `_inputs`; after an operator `_parents` is None.
    """

    __slots__ = (
        "__weakref__", "_data", "_grad", "_hooks", "_inputs", "_left", "_loan", "_name", "_parents", "_requires_grad", "_right",
        "_x", "_y", "params", "primitive", "serial",
    )  # fmt: skip

    _data: Any
    _grad: Any
    _loan: Loan | None
    _hooks: dict[Hook, None] | None
    _requires_grad: bool
    _name: str | None
    _left: Self | None
    _right: Self | None
    _x: Any
    _y: Any
    _parents: Sequence[Self | None] | None
    _inputs: Sequence[Any]
    primitive: Primitive | None
    params: Mapping[str, Any] | None
    serial: int

    @property
    def parents(self) -> Sequence[Self | None]:
        """For each input of the operation the Value that it came from, or None for a plain constant."""
        return (self._left, self._right) if self._parents is None else self._parents

    @property
    def inputs(self) -> Sequence[Any]:
        """The arrays and numbers that the operation saw."""
        return (self._x, self._y) if self._parents is None else self._inputs

    # --- numbers, gradient, name ---------------------------------------------------------------------------------------------

    @property
    def data(self) -> NDArray[Any] | Any:
        """The numbers: a NumPy array, or a NumPy scalar for a single number.

        A leaf's data may be written to, and rebound (`w.data = ...`, of the same shape; it is copied and keeps the dtype of `w`).
        What was recorded before keeps the numbers it saw; after a change in place its backward pass raises `InPlaceError`.
        The data of a computed Value can only be read.
        """
        current_mode().see_numbers(self, ".data")
        if type(self._data) is not np.ndarray:
            return self._data
        if self.primitive is not None:
            view = self._data.view()
            view.flags.writeable = False
            return view
        if self._loan is None:
            self._loan = Loan(self._data)
            self._data = self._loan.lend()
            self._forget_note()  # its numbers may be changed now
        return self._loan.lend()

    @data.setter
    def data(self, data: ArrayLike) -> None:
        if self.primitive is not None:
            raise GradientError(
                f"{described(self)} was computed by {self.primitive.name!r}; only a leaf can be given new data. "
                "Change the leaves and compute it anew."
            )
        if self._loan is not None and data is self._data:
            return  # w.data -= step: Python has already changed the array in place and now assigns it to itself
        checked = own_data(data, self._data.dtype)
        if checked.shape != self._data.shape:
            raise ShapeError(f"{described(self)} cannot be given data of shape {checked.shape}; make a new Value instead.")
        self._data, self._loan = checked, None
        self._forget_note()

    def _forget_note(self) -> None:
        if type(self._parents) is Note:
            self._parents = ()

    @property
    def grad(self) -> NDArray[Any] | Any:
        """The sum of the gradients of all backward passes since it was last cleared, or None. Like `data` in shape and dtype."""
        return self._grad

    @grad.setter
    def grad(self, grad: ArrayLike | None) -> None:
        if grad is None:
            self._grad = None
            return
        checked = own_data(grad, self._data.dtype)
        if checked.shape != self._data.shape:
            if checked.ndim:
                raise ShapeError(f"{described(self)} cannot have a gradient of shape {checked.shape}; the shapes must be equal.")
            checked = np.full(self._data.shape, checked)
        self._grad = checked

    @property
    def requires_grad(self) -> bool:
        """Whether `backward` computes a gradient for it, or passes one through it."""
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, requires_grad: bool) -> None:
        self._requires_grad = flag("requires_grad", requires_grad)

    @property
    def name(self) -> str | None:
        """What it is called in messages, source code, explanations and pictures."""
        return self._name

    @name.setter
    def name(self, name: str | None) -> None:
        self._name = name if name is None else text("name", name)

    def backward(self, gradient: ArrayLike | None = None) -> None:
        """Compute the gradient of this Value with respect to every leaf it was computed from, and add it to the leaf's `.grad`.

        Parameters
        ----------
        gradient: the cotangent to start from, of this Value's shape. It may be left out for a single number, where it is 1.

        Raises
        ------
        GradientError: if nothing it was computed from requires a gradient, or `gradient` is missing or has another shape.
        InPlaceError: if a leaf was changed in place since it was recorded. No `.grad` has been touched then.

        >>> import tinygrad_edu as tg
        >>> w = tg.Value([1.0, 2.0])
        >>> (w * w).sum().backward()
        >>> w.grad
        array([2., 4.])
        """
        if not self._requires_grad:
            raise GradientError(
                f"{described(self)} requires no gradient: it was computed from constants only, or under no_grad(). "
                "Make the parameters with Value(..., requires_grad=True) and compute it outside of no_grad()."
            )
        usual = gradient is None and type(self._data) is np.float64
        start = _ONE if usual else starting_cotangent(self, gradient)
        gradients = backpropagate({self: start}, *ancestors(self))
        for leaf in gradients:
            if leaf._hooks:
                gradients[leaf] = passed(leaf, gradients[leaf])
        for leaf in gradients:
            if leaf._grad is not None:
                leaf._grad = leaf._grad + gradients[leaf]
            else:  # two leaves may have been handed the same array; each gets its own
                leaf._grad = own(gradients, leaf) if type(leaf._data) is np.ndarray else gradients[leaf]

    def register_hook(self, hook: Callable[[Any], Any]) -> Hook:
        """Let a function see the gradient of this Value in every backward pass, before it goes on: to print, clip or scale it.

        Parameters
        ----------
        hook: as `f` of `on_gradient`. What it returns goes on in place of the gradient: to what this Value was computed from, or,
            of a leaf, to `.grad`. If it returns nothing, the gradient goes on as it is. Several hooks are called in order.

        Returns
        -------
        A handle, whose `.remove()` takes the hook away.

        Raises
        ------
        DataError: if `hook` is no function.
        GradientError: if this Value requires no gradient; in the backward pass, if the hook returns what is no gradient of this
            Value. No `.grad` has been touched then.

        >>> import tinygrad_edu as tg
        >>> w = tg.Value([1.0, 2.0])
        >>> handle = w.register_hook(lambda g: 10 * g)
        >>> (w * w).sum().backward()
        >>> w.grad
        array([20., 40.])
        """
        check_hook(hook, "value.register_hook(lambda g: ...)")
        if not self._requires_grad:
            raise GradientError(f"{described(self)} requires no gradient, so there is none that a hook could see.")
        if self._hooks is None:
            self._hooks = {}
        return Hook(hook, self._hooks)

    def named(self, name: str) -> Self:
        """Give this Value a name, and return it: `y = (theta * x).named("y")`."""
        self._name = text("name", name)
        return self
