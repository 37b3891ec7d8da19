"""L-BFGS, which is SciPy's: for small models and whole batches, where a few long steps do more than many short ones.

SciPy is imported when it is first used, and not before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from typing import Any

import numpy as np

from tinygrad_edu.engine.arguments import number, whole_number
from tinygrad_edu.engine.messages import name_of, shortened
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import DataError, MissingExtraError
from tinygrad_edu.optim.optimizer import checked_parameters
from tinygrad_edu.transforms.gradients import value_and_grad
from tinygrad_edu.transforms.trees import tree_leaves, tree_map

Array = np.ndarray[Any, np.dtype[Any]]
_ValueAndGradient = Callable[[Sequence[Array]], tuple[float, list[Array]]]


class LBFGS:
    """The method of Broyden, Fletcher, Goldfarb and Shanno with limited memory (Liu & Nocedal, 1989): SciPy's `L-BFGS-B`.

    It estimates the curvature from the last gradients, and looks for a good length of each step by asking for the loss again. So
    the loss has to be the same function each time: take the whole data, or at least one batch for a whole `step`.

    Parameters
    ----------
    params: the leaf Values to train, in any iterable; without them there is `minimize`, for trees of arrays.
    max_iter: how many steps of the method one `step` takes at most.
    history_size: how many gradients it remembers.
    tolerance: it ends where no component of the gradient is larger.

    Raises
    ------
    MissingExtraError: when it is first used, if SciPy is not installed.
    DataError: if `params` is empty, holds anything but Values or one of them twice, or if a number is out of range.
    GradientError: if a parameter was computed, or requires no gradient.

    >>> import numpy as np, tinygrad_edu as tg
    >>> def rosenbrock(x):
    ...     return 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2
    >>> x = tg.Value([-1.2, 1.0])
    >>> optimizer = tg.optim.LBFGS([x], max_iter=100)
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = rosenbrock(x)
    ...     loss.backward()
    ...     return loss
    >>> float(optimizer.step(closure)).__round__(3), x.data.round(4)
    (24.2, array([1., 1.]))
    >>> tg.optim.LBFGS(max_iter=100).minimize(rosenbrock, np.array([-1.2, 1.0])).round(4)
    array([1., 1.])
    """

    def __init__(
        self, params: Iterable[Value] | None = None, *, max_iter: int = 20, history_size: int = 10, tolerance: float = 1e-7
    ) -> None:
        self.params = None if params is None else checked_parameters(params)
        self.max_iter = whole_number("max_iter", max_iter, at_least=1)
        self.history_size = whole_number("history_size", history_size, at_least=1)
        self.tolerance = number("tolerance", tolerance, at_least=0)

    def step(self, closure: Callable[[], Any]) -> float:
        """Move the parameters.

        Parameters
        ----------
        closure: clears the gradients, computes the loss, calls its `backward()`, and returns it, as for PyTorch's LBFGS. It is
            called several times.

        Returns
        -------
        The loss before the step.

        Raises
        ------
        DataError: if there are no parameters, or `closure` is no function or returns no number.
        """
        parameters = self._bound()
        if not callable(closure):
            raise DataError(f"step takes a function that computes the loss and goes backward, but got {shortened(closure)}.")
        losses: list[float] = []

        def value_and_gradient(data: Sequence[Array]) -> tuple[float, list[Array]]:
            _rebind(parameters, data)
            losses.append(_one_number(closure(), closure))
            return losses[-1], [np.zeros(p.shape) if p.grad is None else p.grad for p in parameters]

        _rebind(parameters, self._solved(value_and_gradient, [parameter.numpy() for parameter in parameters]))
        return losses[0]

    def zero_grad(self) -> None:
        """Forget the gradients, since `backward` adds to what is there."""
        for parameter in self._bound():
            parameter.grad = None

    def minimize(self, loss: Callable[..., Any], params: Any, *args: Any) -> Any:
        """The parameters, a tree of arrays, at which `loss(params, *args)` is least, as far as `max_iter` steps lead there."""
        with_gradient = value_and_grad(loss)

        def value_and_gradient(data: Sequence[Array]) -> tuple[float, list[Array]]:
            value, gradients = with_gradient(_tree(params, data), *args)
            return _one_number(value, loss), list(tree_leaves(gradients))

        return _tree(params, self._solved(value_and_gradient, list(tree_leaves(params))))

    def _bound(self) -> list[Value]:
        if self.params is None:
            raise DataError("this LBFGS was made without parameters: use its minimize. For Values write LBFGS(params).")
        return self.params

    def _solved(self, value_and_gradient: _ValueAndGradient, start: list[Array]) -> list[Array]:
        """The arrays where the value is least, from those to start at."""
        options = {"maxiter": self.max_iter, "maxcor": self.history_size, "gtol": self.tolerance, "ftol": 0.0}

        def flat_value_and_gradient(flat: Array) -> tuple[float, Array]:
            value, gradients = value_and_gradient(_parts(flat, start))
            return value, _flat(gradients)

        found = _minimize()(flat_value_and_gradient, _flat(start), jac=True, method="L-BFGS-B", options=options)
        return _parts(found.x, start)


def _minimize() -> Any:
    try:
        return import_module("scipy.optimize").minimize
    except ImportError as error:
        raise MissingExtraError(
            'LBFGS needs SciPy, which comes with the extra "scipy": pip install "tinygrad_edu[scipy]".'
        ) from error


def _one_number(loss: Any, of: Any) -> float:
    if np.size(loss) != 1 or not isinstance(loss, Value | np.ndarray | np.generic | float | int):
        raise DataError(f"{name_of(of)} should return the loss, a single number, but returned {shortened(loss)}.")
    return float(loss.item()) if hasattr(loss, "item") else float(loss)


def _rebind(parameters: Sequence[Value], data: Sequence[Array]) -> None:
    for parameter, array in zip(parameters, data, strict=True):
        parameter.data = array


def _flat(arrays: Sequence[Any]) -> Array:
    return np.concatenate([np.ravel(array) for array in arrays]).astype(np.float64)


def _parts(flat: Array, like: Sequence[Any]) -> list[Any]:
    """The numbers of a long vector in the shapes and dtypes of some arrays; where these are whole numbers, in float64."""
    ends = np.cumsum([np.size(array) for array in like])
    parts = [flat[end - np.size(array) : end].reshape(np.shape(array)) for end, array in zip(ends, like, strict=True)]
    dtypes = [getattr(array, "dtype", np.dtype(np.float64)) for array in like]
    return [part.astype(dtype if dtype.kind == "f" else np.float64)[()] for part, dtype in zip(parts, dtypes, strict=True)]


def _tree(like: Any, leaves: Sequence[Any]) -> Any:
    in_order = iter(leaves)
    return tree_map(lambda _: next(in_order), like)
