"""Products with the Jacobian: the pullback (reverse mode), the linear approximation (forward mode), the Hessian's product.

Forward mode needs no rules of its own: the pullback u ↦ Jᵀu is linear in u, so *its* pullback is v ↦ (Jᵀ)ᵀv = Jv.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, overload

from tinygrad_edu.engine.arguments import check_function
from tinygrad_edu.engine.flags import flag
from tinygrad_edu.engine.messages import described, shortened
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import GradientError, ShapeError
from tinygrad_edu.transforms.gradients import grad
from tinygrad_edu.transforms.signatures import Aux, Primals, Result
from tinygrad_edu.transforms.tracing import Trace, ones, traced
from tinygrad_edu.transforms.trees import tree_leaves, tree_map


@overload
def vjp(f: Callable[..., Value], *primals: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]: ...
@overload
def vjp(
    f: Callable[[*Primals], Result], *primals: *Primals, has_aux: Literal[False] = False
) -> tuple[Result, Callable[[Any], tuple[Any, ...]]]: ...
@overload
def vjp(
    f: Callable[[*Primals], tuple[Result, Aux]], *primals: *Primals, has_aux: Literal[True]
) -> tuple[Result, Callable[[Any], tuple[Any, ...]], Aux]: ...
def vjp(f: Callable[..., Any], *primals: *Primals, has_aux: bool = False) -> Any:
    """The value of `f` at the primals and its pullback, the vector-Jacobian product: cotangent ↦ Jᵀ · cotangent.

    Returns
    -------
    `(value, pullback)`, or `(value, pullback, aux)`. The pullback takes a cotangent of the structure and shapes of the value
    and returns a tuple with one gradient for each primal, like it. It may be called any number of times.

    Raises
    ------
    DataError: if `f` is no function, or a primal is not made of real numbers.
    ShapeError: by the pullback, if the cotangent has not the structure and shapes of the value.

    >>> value, pullback = vjp(lambda x, y: x * y, 3.0, 4.0)
    >>> float(value), [float(g) for g in pullback(1.0)]
    (12.0, [4.0, 3.0])
    """
    check_function("tg.vjp", f)
    trace = traced(f, primals, {}, tuple(range(len(primals))), flag("has_aux", has_aux))

    def pullback(cotangent: Any) -> tuple[Any, ...]:
        return trace.pull_back_tree(cotangent, "the cotangent")

    value = trace.as_returned(trace.output)
    if has_aux:
        return value, pullback, trace.as_returned(trace.aux)
    return value, pullback


@overload
def linearize(f: Callable[..., Value], *primals: Any) -> tuple[Any, Callable[..., Any]]: ...
@overload
def linearize(f: Callable[[*Primals], Result], *primals: *Primals) -> tuple[Result, Callable[..., Result]]: ...
def linearize(f: Callable[..., Any], *primals: *Primals) -> tuple[Any, Callable[..., Any]]:
    """The value of `f` at the primals and its linear approximation there, the Jacobian-vector product: tangents ↦ J · tangents.

    The function is recorded once; each further tangent costs one more pass over the record. Tangents have the structure and shapes
    of the primals, the product has those of the value, and its dtypes.

    Raises
    ------
    DataError: if `f` is no function, or a primal is not made of real numbers.
    ShapeError: by the linear approximation, if the tangents have not the structure and shapes of the primals.

    >>> value, push_forward = linearize(lambda x: x**3, 2.0)
    >>> float(value), float(push_forward(1.0)), float(push_forward(0.5))
    (8.0, 12.0, 6.0)
    """
    check_function("tg.linearize", f)
    trace = traced(f, primals, {}, tuple(range(len(primals))))
    transposed = linearized(trace)

    def push_forward(*tangents: Any) -> Any:
        return transposed.pull_back_tree(tangents, "the tangents")[0]

    return trace.as_returned(trace.output), push_forward


def linearized(trace: Trace) -> Trace:
    """The pullback u ↦ Jᵀu, itself recorded as a function of u. Pulling back through it is the multiplication with J.

    Raises
    ------
    GradientError: if a hook wants to see a gradient on the way: it may do with it what is not linear in u.
    """
    hooked = trace.hooked()
    if hooked is not None:
        raise GradientError(
            f"tg.jvp and tg.linearize go forward, so that no gradient passes {described(hooked)}, which a function was to see "
            "(tg.on_gradient or register_hook). Use tg.vjp, tg.grad or tg.jacobian, which go backward."
        )
    cotangents = [Value(ones(output), name=output.name) for output in trace.outputs]
    in_order = iter(cotangents)
    u = tree_map(lambda _: next(in_order), trace.output)
    product = trace.pull_back(cotangents, create_graph=True)
    return Trace((u,), cotangents, product, list(tree_leaves(product)), None, trace.nested)


@overload
def jvp(f: Callable[..., Value], primals: Any, tangents: Any) -> tuple[Any, Any]: ...
@overload
def jvp(f: Callable[..., Result], primals: Any, tangents: Any) -> tuple[Result, Result]: ...
def jvp(f: Callable[..., Any], primals: Any, tangents: Any) -> tuple[Any, Any]:
    """The value of `f` at the primals, and its derivative in the direction of the tangents: J · tangents.

    `primals` and `tangents` are tuples with one entry for each argument of `f`, or single arrays (or other trees) for a function
    of one argument. The derivative has the structure, shapes and dtypes of the value.

    Raises
    ------
    DataError: if `f` is no function, or a primal is not made of real numbers.
    ShapeError: if the tangents have not the structure and shapes of the primals.

    >>> value, slope = jvp(lambda x, y: x * y, (3.0, 4.0), (1.0, 0.5))
    >>> float(value), float(slope)
    (12.0, 5.5)
    """
    check_function("tg.jvp", f)
    value, push_forward = linearize(f, *_one_or_several(primals, primals))
    return value, push_forward(*_one_or_several(primals, tangents))


def hvp(f: Callable[..., Any], primals: Any, tangents: Any) -> Any:
    """The product of the Hessian of `f` at the primals with the tangents, without computing the Hessian.

    `primals` and `tangents` are tuples or single as for `jvp`; so is the result, in the shapes and dtypes of the primals. The
    Hessian is symmetric, so the product is a pullback of the gradient.

    Raises
    ------
    GradientError: if `f` does not return a single number.
    DataError: if `f` is no function, or a primal is not made of real numbers.
    ShapeError: if the tangents have not the structure and shapes of the primals.

    >>> import numpy as np
    >>> hvp(lambda x: x[0] ** 2 * x[1], np.array([1.0, 2.0]), np.array([1.0, 0.0]))
    array([4., 2.])
    """
    check_function("tg.hvp", f)
    arguments = _one_or_several(primals, primals)
    argnums = tuple(range(len(arguments)))
    trace = traced(grad(f, argnums), arguments, {}, argnums)
    product = trace.pull_back_tree(_one_or_several(primals, tangents), "the tangents")
    return product if type(primals) is tuple else product[0]


def _one_or_several(primals: Any, given: Any) -> Any:
    """What was given for the primals as a tuple with one entry for each argument. (A named tuple is a tree, one argument.)"""
    if type(primals) is not tuple:
        return (given,)
    if not isinstance(given, tuple | list):
        raise ShapeError(f"the tangents should be a tuple with one entry for each primal, but are {shortened(given)}.")
    return given
