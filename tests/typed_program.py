"""A user's program, as a type checker reads it: what must pass, with the types it must have, and mistakes that must be found.

`tests/test_typing.py` has mypy read it and runs its idioms. A mistake is a line with `# type: ignore[code]`: where mypy does not
find it, the comment is unused, which is an error.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, assert_type

import numpy as np
from numpy.typing import ArrayLike, NDArray

import tinygrad_edu as tg

Array = NDArray[np.float64]


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
    assert_type(w.argmax(), NDArray[np.intp] | Any)
    assert_type(w.nonzero(), tuple[NDArray[np.intp], ...])
    assert_type((w.clip(0.0, 1.5) - 1.0).all(), NDArray[np.bool] | Any)
    assert [w.tolist()[i] for i in range(w.argmax())] == [1.0]
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
    w.argsort().backward()  # type: ignore[union-attr]
    w.sum(axes=0).backwards()  # type: ignore[attr-defined]
    w + "1"  # type: ignore[arg-type]
    tg.optim.SGD([1.0], lr=0.1)  # type: ignore[arg-type]


# --- functions to differentiate, annotated in several ways -------------------------------------------------------------------


def loss(theta: float, x: float, t: float) -> float:
    return 0.5 * (t - theta * x) ** 2


def loss_of_a_value(theta: tg.Value, x: float, t: float = 8.0) -> tg.Value:
    return 0.5 * (t - theta * x) ** 2


def loss_of_an_array(w: Array, X: Array) -> np.floating[Any]:
    return np.mean((X @ w) ** 2)


def loss_of_a_dict(params: dict[str, Any], X: Any) -> Any:
    return np.mean((X @ params["w"] + params["b"]) ** 2)


def loss_of_anything(w: Any, X: Any) -> Any:
    return np.mean((X @ w) ** 2)


def sum_of(w: ArrayLike) -> Any:
    return np.sum(w)


@dataclass
class Params:
    w: Array
    b: float


def loss_of_a_dataclass(params: Params, X: Array) -> np.floating[Any]:
    return np.mean((X @ params.w + params.b) ** 2)


def loss_and_more(w: float, x: float) -> tuple[float, dict[str, float]]:
    return w * x, {"x": x}


def idiom_a_gradient_has_the_parameters_of_its_function_and_the_type_of_its_argument() -> None:
    w, X = np.ones(3), np.ones((4, 3))
    assert_type(tg.grad(loss)(3.0, 2.0, t=8.0), float)
    assert_type(tg.grad(loss_of_an_array)(w, X), Array)
    assert_type(tg.grad(loss_of_a_dict)({"w": w, "b": 1.0}, X), dict[str, Any])
    assert_type(tg.grad(loss_of_a_dataclass)(Params(w, 1.0), X), Params)
    assert_type(tg.value_and_grad(loss)(3.0, 2.0, 8.0), tuple[float, float])
    assert_type(tg.value_and_grad(loss_of_an_array)(w, X), tuple[np.floating[Any], Array])
    assert_type(tg.grad(loss, argnums=1)(3.0, 2.0, 8.0), Any)
    assert_type(tg.grad(loss, (0, 1))(3.0, 2.0, 8.0), Any)
    assert_type(tg.grad(loss_and_more, has_aux=True)(3.0, 2.0), tuple[float, dict[str, float]])
    assert_type(tg.elementwise_grad(loss)(3.0, 2.0, 8.0), float)


def idiom_where_a_value_flows_inside_numbers_may_be_passed() -> None:
    assert_type(tg.grad(loss_of_a_value)(3.0, 2.0, t=8.0), Any)
    tg.grad(loss_of_a_value)(np.float64(3.0), 2.0)
    tg.grad(loss_of_a_value)(tg.Value(3.0), 2.0)
    tg.value_and_grad(loss_of_a_value)(3.0, 2.0)
    tg.hessian(loss_of_a_value)(3.0, 2.0)
    tg.jvp(loss_of_a_value, (3.0, 2.0), (1.0, 0.0))
    tg.grad(loss_of_anything)(np.ones(3), np.ones((4, 3)))
    tg.grad(sum_of)(np.ones(3))
    tg.grad(np.sum)(np.ones(3))


def idiom_functions_without_types() -> None:
    slope = tg.grad(lambda x: x**3)
    assert float(slope(2.0)) == 12.0
    assert float(tg.grad(slope)(2.0)) == 12.0
    tg.grad(tg.grad(lambda x: x**3))(2.0)
    tg.grad(lambda x, y: x * y)(2.0, 3.0)
    tg.grad(lambda x, y: x * y, argnums=(0, 1))(2.0, 3.0)
    tg.grad(lambda params, X: np.mean(X @ params["w"]))({"w": np.ones(2)}, np.eye(2))
    tg.hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 2.0]))
    tg.elementwise_grad(np.sqrt)(np.array([1.0, 4.0]))
    tg.grad(tg.checkpoint(lambda x: np.exp(np.sin(x))))(0.0)
    assert float(tg.grad(lambda x: x * tg.grad(lambda y: x + y)(1.0))(2.0)) == 1.0
    unknown: Callable[..., Any] = loss
    tg.grad(unknown)(3.0, 2.0, t=8.0)


def idiom_transforms_of_transforms() -> None:
    w, X = np.ones(3), np.ones((4, 3))
    tg.grad(tg.grad(loss))(3.0, 2.0, 8.0)
    tg.jacobian(tg.grad(loss_of_a_dataclass))(Params(w, 1.0), X)
    tg.hessian(loss_of_a_dict)({"w": w, "b": 1.0}, X)
    assert_type(tg.grad(tg.checkpoint(loss))(3.0, 2.0, 8.0), float)
    tg.grad(tg.grad(loss_of_a_value))(3.0, 2.0)


def idiom_products_with_the_jacobian() -> None:
    w, X = np.ones(3), np.ones((4, 3))
    value, pullback = tg.vjp(loss_of_an_array, w, X)
    assert_type(value, np.floating[Any])
    assert_type(pullback(1.0), tuple[Any, ...])
    value, push_forward = tg.linearize(loss_of_an_array, w, X)
    assert_type(push_forward(w, X), np.floating[Any])
    assert_type(tg.jvp(loss, (3.0, 2.0, 8.0), (1.0, 0.0, 0.0)), tuple[float, float])
    assert_type(tg.vjp(loss_and_more, 3.0, 2.0, has_aux=True)[2], dict[str, float])
    tg.vjp(lambda x, y: x * y, 3.0, 4.0)
    tg.linearize(lambda x: x**3, 2.0)
    tg.jvp(lambda x, y: x * y, (3.0, 4.0), (1.0, 0.5))
    tg.hvp(lambda x: x[0] ** 2 * x[1], np.array([1.0, 2.0]), np.array([1.0, 0.0]))


def idiom_compiled() -> None:
    step = tg.compile(tg.value_and_grad(loss))
    assert_type(step(3.0, 2.0, t=8.0), tuple[float, float])
    assert_type(step.source, str)
    assert_type(tg.compile(loss)(3.0, 2.0, 8.0), float)
    tg.compile(tg.grad(loss_of_a_value))(3.0, 2.0, 8.0)
    tg.compile(tg.grad(loss_of_anything))(np.ones(3), np.ones((4, 3)))
    tg.compile(lambda x, y: x * y)(2.0, 3.0)


def idiom_decorators() -> None:
    @tg.grad
    def slope(x: float, k: int = 3) -> float:
        return x**k

    @tg.compile
    def product(x: float, k: float = 3.0) -> float:
        return x * k

    @tg.checkpoint
    def square(x: float) -> float:
        return x * x

    assert_type(slope(2.0, k=2), float)
    assert_type(product(2.0, k=2.0), float)
    assert_type(square(2.0), float)
    tg.primitive(lambda x: x**3, lambda g, out, x: g * 3 * x**2, name="cube")(2.0)


def mistakes_with_transforms() -> None:
    tg.grad(loss)("oops", 2.0, 8.0)  # type: ignore[arg-type]
    tg.grad(loss)(3.0, 2.0, 8.0, nonsense=3)  # type: ignore[call-arg]
    tg.grad(loss)(3.0)  # type: ignore[call-arg]
    tg.grad(loss, argnums=1)(3.0, 2.0)  # type: ignore[call-arg]
    tg.grad(loss, "theta")(3.0, 2.0, 8.0)  # type: ignore[call-overload]
    tg.grad(loss_of_a_value)(3.0, 2.0, nonsense=3)  # type: ignore[call-arg]
    tg.grad(loss_of_a_dict)(3.0, np.ones((4, 3)))  # type: ignore[arg-type]
    print(tg.grad(loss_of_a_dataclass)(Params(np.ones(3), 1.0), np.ones((4, 3))).weights)  # type: ignore[attr-defined]
    tg.grad(3)  # type: ignore[call-overload]
    tg.grad(loss, has_aux=True)  # type: ignore[call-overload]
    tg.value_and_grad(loss)(3.0, 2.0)  # type: ignore[call-arg]
    tg.hessian(loss)("oops", 2.0, 8.0)  # type: ignore[arg-type]
    tg.vjp(loss, 3.0, 2.0)  # type: ignore[arg-type, call-arg]
    tg.checkpoint(loss)("oops", 2.0, 8.0)  # type: ignore[arg-type]
    tg.compile(loss)(3.0, 2.0)  # type: ignore[call-arg]
    tg.compile(tg.grad(loss))(3.0, 2.0, "oops")  # type: ignore[arg-type]
    print(tg.compile(loss).sorce)  # type: ignore[attr-defined]
    with tg.no_grad:  # type: ignore[attr-defined]
        pass
