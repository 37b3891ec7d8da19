"""An operation applied to many inputs at once: to a stack of them, an array with one axis more, in front.

Most operations leave such an axis alone once it is known where the others have gone: they broadcast, or count their axes from
some place on. Which ones do is found out by trying, on the cases that an entry states for the tests. Of the others some state
themselves how they treat stacks, and the rest is applied to one input after the other.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from inspect import signature
from typing import Any

import numpy as np

from tinygrad_edu.primitives.primitive import Case, Primitive, case


def applied_to_stacks(primitive: Primitive, inputs: Sequence[Any], are_stacks: Sequence[bool], params: Mapping[str, Any]) -> Any:
    """The stack of what an operation gives for each of the stacked inputs; the other inputs are the same for all.

    NotImplemented if it is not known to do that; there is `one_by_one`.

    >>> from tinygrad_edu.primitives.reductions import sum
    >>> applied_to_stacks(sum, [np.eye(3)], [True], {})
    array([1., 1., 1.])
    """
    if primitive.on_stacks is not None:
        return primitive.on_stacks(are_stacks, *inputs, **params)
    if takes_stacks(primitive, tuple(are_stacks), _options(primitive, params).get("axis") is None):
        return _all_at_once(primitive, inputs, are_stacks, params)
    return NotImplemented


def one_by_one(primitive: Primitive, inputs: Sequence[Any], are_stacks: Sequence[bool], params: Mapping[str, Any]) -> Any:
    """The same, by as many applications as there are inputs in a stack."""
    pairs = list(zip(inputs, are_stacks, strict=True))
    return np.stack(
        [primitive(*(x[i] if is_stack else x for x, is_stack in pairs), **params) for i in range(_count(inputs, are_stacks))]
    )


def aligned(stack: Any, ndim: int) -> Any:
    """A stack of arrays that have at least `ndim` axes: where broadcasting would put new ones, behind the axis of the stack.

    >>> aligned(np.zeros((5, 3)), 2).shape
    (5, 1, 3)
    """
    new = ndim + 1 - stack.ndim
    return stack[(slice(None), *(None,) * new)] if new > 0 else stack


@lru_cache(maxsize=1024)
def takes_stacks(primitive: Primitive, are_stacks: tuple[bool, ...], has_no_axis: bool) -> bool:
    """Whether an operation does to stacks what it does to one input after the other, if its parameters are moved by one axis.

    has_no_axis: whether it is asked for calls in which `axis` is None, or not given. Some operations then treat all axes as one.

    >>> from tinygrad_edu.primitives.shaping import roll, transpose
    >>> takes_stacks(transpose, (True,), True), takes_stacks(roll, (True,), True), takes_stacks(roll, (True,), False)
    (True, False, True)
    """
    tried = list(_tried(primitive, are_stacks, has_no_axis))
    return bool(tried) and all(_is_same(primitive, *each) for each in tried)


def _tried(primitive: Primitive, are_stacks: tuple[bool, ...], has_no_axis: bool) -> Iterator[tuple[Any, ...]]:
    """For each case that is asked for: random inputs or stacks of them, which of them are stacks, and the parameters."""
    rng = np.random.default_rng(0)
    elementwise = [case(*shapes[: len(are_stacks)]) for shapes in ([(2, 3)] * 3, [(3,), (2, 3), ()], [(), (2, 3), (3,)])]
    for each in primitive.cases or elementwise:
        if len(each.shapes) == len(are_stacks) and (_options(primitive, each.params).get("axis") is None) is has_no_axis:
            drawn = [[_drawn(primitive, each, at, rng) for _ in range(5)] for at in range(len(are_stacks))]
            inputs = [np.stack(several) if is_stack else several[0] for several, is_stack in zip(drawn, are_stacks, strict=True)]
            yield inputs, are_stacks, each.params


def _drawn(primitive: Primitive, each: Case, position: int, rng: np.random.Generator) -> Any:
    """A valid input at random; truth values where there is no rule, for a mask."""
    shape = each.shapes[position]
    if primitive.rules(position + 1)[position] is None:
        return rng.uniform(size=shape) < 0.5
    interval, made_valid = primitive.domain_of(position, (0.0, 1.0))
    return made_valid(rng.uniform(*interval, shape))


def _is_same(primitive: Primitive, inputs: Sequence[Any], are_stacks: Sequence[bool], params: Mapping[str, Any]) -> bool:
    try:
        with np.errstate(all="ignore"):
            result = _all_at_once(primitive, inputs, are_stacks, params)
            expected = one_by_one(primitive, inputs, are_stacks, params)
    except (TypeError, ValueError, IndexError):
        return False
    return bool(result.shape == expected.shape and np.allclose(result, expected, rtol=1e-10, atol=1e-12, equal_nan=True))


def _all_at_once(primitive: Primitive, inputs: Sequence[Any], are_stacks: Sequence[bool], params: Mapping[str, Any]) -> Any:
    count = _count(inputs, are_stacks)
    ndims = [np.ndim(x) - is_stack for x, is_stack in zip(inputs, are_stacks, strict=True)]
    arrays = [aligned(x, max(ndims)) if is_stack else x for x, is_stack in zip(inputs, are_stacks, strict=True)]
    if primitive.arity is None:  # it joins its inputs, which do not broadcast
        arrays = [x if is_stack else np.broadcast_to(x, (count, *x.shape)) for x, is_stack in zip(arrays, are_stacks, strict=True)]
    return primitive(*arrays, **_moved(_options(primitive, params), ndims[0], count))


def _count(inputs: Sequence[Any], are_stacks: Sequence[bool]) -> int:
    return next(len(x) for x, is_stack in zip(inputs, are_stacks, strict=True) if is_stack)


def _options(primitive: Primitive, params: Mapping[str, Any]) -> Mapping[str, Any]:
    """The parameters, and `axis` and `axes` also where they are left out."""
    return {**_defaults(primitive), **params}


@lru_cache(maxsize=1024)
def _defaults(primitive: Primitive) -> Mapping[str, Any]:
    parameters = signature(primitive.forward).parameters if primitive.parameters else {}
    return {name: parameters[name].default for name in ("axis", "axes") if name in primitive.parameters}


def _moved(params: Mapping[str, Any], ndim: int, count: int) -> dict[str, Any]:
    """The parameters for stacks of `count` arrays of `ndim` axes: what they say of axes holds for those behind the first."""
    moved = dict(params)
    for name, given in params.items():
        if name == "axis":
            moved[name] = _behind(range(ndim) if given is None else given)
        elif name == "axes":
            moved[name] = (0, *_behind(range(ndim)[::-1] if given is None else given))
        elif name == "shape":
            moved[name] = (count, *np.atleast_1d(given).tolist())
    return moved


def _behind(axis: Any) -> Any:
    """An axis, or several, counted from one axis further in front."""
    if np.ndim(axis):
        return tuple(_behind(each) for each in axis)
    return int(axis) if axis < 0 else int(axis) + 1
