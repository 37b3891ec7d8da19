"""A user's program, as a type checker reads it: what must pass, with the types it must have, and mistakes that must be found.

`tests/test_typing.py` has mypy read it and runs its idioms. A mistake is a line with `# type: ignore[code]`: where mypy does not
find it, the comment is unused, which is an error.
"""

from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray

import tinygrad_edu as tg


def idiom_a_first_gradient() -> None:
    x = tg.Value([1.0, 2.0, 3.0])
    y = np.sum(np.exp(-x) * x)
    y.backward()
    assert_type(x.grad, NDArray[Any] | Any)
    assert x.grad.shape == (3,)


def idiom_attributes_of_a_value() -> None:
    w = tg.Value([[1.0, 2.0, 3.0]], name="w")
    assert_type(w.shape, tuple[int, ...])
    assert_type(w.dtype, np.dtype[Any])
    assert_type(w.ndim, int)
    assert_type(w.size, int)
    assert_type(w.T, tg.Value)
    assert_type(w.data, NDArray[Any] | Any)
    assert_type(w.requires_grad, bool)
    assert_type(w.name, str | None)
    assert_type(w.sum().item(), float)
    rows, columns = w.shape
    assert (rows, columns, w.size) == (1, 3, 3)


def idiom_operators_and_methods() -> None:
    w = tg.Value([1.0, 2.0])
    assert_type(w + 1, tg.Value)
    assert_type(2.0 - w, tg.Value)
    assert_type(w**2 / w, tg.Value)
    assert_type(w @ np.ones(2), tg.Value)
    assert_type(-w, tg.Value)
    assert_type(abs(w), tg.Value)
    assert_type(w[0], tg.Value)
    assert_type(list(w), list[tg.Value])
    assert_type(w.reshape(2, 1).mean(axis=0), tg.Value)
    assert_type(w.sigmoid().named("p").detach(), tg.Value)
    assert_type(w.numpy(), np.ndarray[Any, np.dtype[Any]])
    assert_type(float(w.sum()), float)
    first, second = w
    assert max(first, second) is second


def idiom_a_step_by_hand() -> None:
    w = tg.Value([1.0, 2.0])
    X, t = np.ones((3, 2)), np.ones(3)
    loss = ((X @ w - t) ** 2).mean()
    loss.backward()
    w.data -= 0.1 * w.grad
    w.grad = None
    w.data[0] = 0.0
    w.data = [1.0, 2.0]
    with tg.no_grad():
        assert not (w * 2).requires_grad


def idiom_an_optimizer() -> None:
    theta, x, t = tg.Value(3.0, name="theta"), 2.0, 8.0
    optimizer = tg.optim.SGD([theta], lr=1.0)
    optimizer.zero_grad()
    loss = tg.nn.half_squared_error(theta * x, t)
    loss.backward()
    optimizer.step()
    assert f"loss {loss.item():5.0f}   grad {theta.grad:5.0f}   theta {theta.item():5.0f}".endswith("    7")


def mistakes_with_a_value() -> None:
    w = tg.Value([1.0, 2.0], names="w")  # type: ignore[call-arg]
    w = tg.Value([1.0, 2.0], requires_grad="yes")  # type: ignore[arg-type]
    w.shape = (2, 1)  # type: ignore[misc]
    w.shape.sum()  # type: ignore[attr-defined]
    w.item().backward()  # type: ignore[attr-defined]
    w.grad.backward()  # type: ignore[union-attr]
    w.backwards()  # type: ignore[attr-defined]
    w.sum(axes=0).backwards()  # type: ignore[attr-defined]
    w + "1"  # type: ignore[arg-type]
    tg.optim.SGD([w])  # type: ignore[call-arg]
    tg.optim.SGD([1.0], lr=0.1)  # type: ignore[list-item]
