"""A user's own operation, differentiated by rules that the user states.

What the user states is checked here: the rules when the operation is made, its inputs and its result when it is applied to Values,
and what a rule returns in the backward pass.
"""

import inspect
from collections.abc import Callable
from functools import partial, wraps
from typing import Any

import numpy as np

from tinygrad_edu.engine.messages import name_of, shortened
from tinygrad_edu.engine.ownership import check_gradient
from tinygrad_edu.errors import DataError, GradientError
from tinygrad_edu.primitives.primitive import Primitive, Rule


class UserPrimitive(Primitive):
    """An operation whose author has to be told what is wrong with it."""

    def __call__(self, *inputs: Any, **params: Any) -> Any:
        """Apply it: to arrays it is its forward function, to Values it also records itself."""
        assert self.arity is not None
        if len(inputs) != self.arity:
            raise GradientError(
                f"{self.name!r} has {_rules(self.arity)}, but was called with {len(inputs)} inputs. tg.primitive takes one "
                "rule for each input that is passed by position, or None for one without a derivative."
            )
        for key, given in params.items():
            if hasattr(given, "__record_primitive__"):
                raise GradientError(f"{self.name!r} was given a Value as {key}=, which has no rule: inputs are passed by position.")
        result = super().__call__(*inputs, **params)
        if hasattr(result, "__record_primitive__"):
            self._check_result(result._data)
            if any(isinstance(x, np.ndarray) and np.may_share_memory(x, result._data) for x in inputs):
                result._data = result._data.copy()  # the forward function gave back an array of the user's
        return result

    def _check_result(self, data: Any) -> None:
        is_array = isinstance(data, np.ndarray | np.generic | float | complex) and not isinstance(data, np.ma.MaskedArray)
        if not is_array:
            raise DataError(
                f"the forward function of {self.name!r} returned {shortened(data)}, a {type(data).__name__}. It must return one "
                "array or one floating-point number."
            )
        kind = np.asarray(data).dtype.kind
        if kind not in ("fc" if self.is_differentiable else "fciub"):
            raise DataError(
                f"the forward function of {self.name!r} returned an array of dtype {np.asarray(data).dtype}, which has no "
                "derivative. Let it return floating-point numbers (.astype(float)), or state None for each rule."
            )


def primitive(forward: Callable[..., Any], *vjps: Rule | None, name: str | None = None) -> Primitive:
    """Make an operation of a function of arrays and one derivative rule for each of its inputs.

    Parameters
    ----------
    forward: `forward(*arrays, **params) -> array`. Keyword arguments are parameters, which are not differentiated.
    vjps: for each input, in order, its rule `(g, out, *inputs, **params) -> gradient`: given the gradient `g` of the
        output `out`, the gradient for that input. None means that it has none. Written with NumPy functions and operators, it
        can itself be differentiated.
    name: how it is called in messages and printed forms; by default the name of `forward`.

    Returns
    -------
    A function of Values and arrays alike.

    Raises
    ------
    DataError: if `forward` or a rule is no function, or `name` no text; when it is applied to Values, if `forward` does not return
        one array of floating-point numbers.
    GradientError: if there are more rules than inputs, or a rule does not take `g`, `out` and the inputs; when it is applied, if
        there are more or fewer inputs than rules; in the backward pass, if a rule returns something that is no gradient.

    >>> import numpy as np, tinygrad_edu as tg
    >>> cube = tg.primitive(lambda x: x**3, lambda g, out, x: g * 3 * x**2, name="cube")
    >>> float(tg.grad(cube)(2.0))
    12.0
    """
    if not callable(forward):
        raise DataError(f"tg.primitive takes a function of arrays, but got {shortened(forward)}.")
    if not isinstance(name, str | None):
        raise DataError(f"name must be text, but is {shortened(name)}.")
    called = name or str(name_of(forward.func if isinstance(forward, partial) else forward))
    most = _most_inputs(forward)
    if not vjps or (most is not None and len(vjps) > most):
        inputs = "some inputs" if most is None else f"{most} input{'s' * (most != 1)}"
        raise GradientError(
            f"{called!r} was given {_rules(len(vjps))}, but its function takes {inputs}. State one "
            "rule for each input, or None for one without a derivative."
        )
    for position, rule in enumerate(vjps):
        _check_rule(called, position, rule, len(vjps))
    return UserPrimitive(forward, *(rule and _checked(rule, called) for rule in vjps), name=called)


def _checked(rule: Rule, name: str) -> Rule:
    """The same rule, which complains if it returns something that is no gradient."""

    @wraps(rule)
    def checked(g: Any, out: Any, *inputs: Any, **params: Any) -> Any:
        gradient = rule(g, out, *inputs, **params)
        check_gradient(
            gradient,
            f"a rule of {name!r}",
            "A rule returns an array or a number; for an input without a derivative, state None in place of its rule.",
            may_be_complex=any(map(np.iscomplexobj, (out, *inputs))),
        )
        return gradient

    return checked


def _rules(count: int) -> str:
    return f"{count or 'no'} rule{'s' * (count != 1)}"


def _most_inputs(forward: Callable[..., Any]) -> int | None:
    """How many arrays the function takes at most; None if there is no telling."""
    if isinstance(forward, np.ufunc):
        return forward.nin
    try:
        parameters = inspect.signature(forward).parameters.values()
    except (TypeError, ValueError):  # some built-in functions have no signature
        return None
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return None
    return sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters)


def _check_rule(name: str, position: int, rule: Any, inputs: int) -> None:
    if rule is None:
        return
    if not callable(rule):
        raise DataError(f"rule {position} of {name!r} must be a function (g, out, *inputs) or None, but is {shortened(rule)}.")
    try:
        signature = inspect.signature(rule)
    except (TypeError, ValueError):
        return
    try:
        signature.bind_partial(*range(2 + inputs))
    except TypeError:
        raise GradientError(
            f"rule {position} of {name!r} takes {signature}, but is called with g, out and {inputs} input{'s' * (inputs != 1)}: "
            "the gradient of the output, the output, and what the function was applied to."
        ) from None
