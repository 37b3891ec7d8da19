"""The chain rule: one loop over the recorded graph, newest first.

It works on whatever was recorded and does not know how: a node is any object that says which operation made it from what, in the
words of `state.State`. Values are such nodes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from operator import attrgetter
from typing import Any

import numpy as np

from tinygrad_edu.engine.hooks import passed
from tinygrad_edu.engine.messages import described
from tinygrad_edu.engine.mode import Mode, current_mode
from tinygrad_edu.engine.ownership import is_unshared, own, own_data
from tinygrad_edu.errors import GradientError, InPlaceError, ShapeError
from tinygrad_edu.primitives.broadcasting import cast, sum_to
from tinygrad_edu.primitives.primitive import Jointly, Primitive

_serial = attrgetter("serial")


def starting_cotangent(output: Any, gradient: Any) -> Any:
    """The cotangent of an output that `backward(gradient)` starts from: 1 for a single number, unless another one is given."""
    if output._data.dtype.kind == "c":
        raise GradientError(f"a gradient is that of a real number, but {described(output)} is complex; take its real part or abs.")
    if gradient is None:
        if output._data.size != 1:
            raise GradientError(
                f"backward() starts from a single number, but {described(output)} has {output._data.size}. "
                "Reduce it first (.sum() or .mean()), or pass the gradient to start from: backward(gradient=...)."
            )
        return output._data.dtype.type(1) if output._data.ndim == 0 else np.ones_like(output._data)
    cotangent = own_data(gradient, output._data.dtype)
    if cotangent.shape != output._data.shape:
        raise ShapeError(f"{described(output)} needs a starting gradient of its own shape, but got shape {cotangent.shape}.")
    return cotangent


def ancestors(output: Any) -> tuple[list[Any], set[Any]]:
    """What `output` was computed from, as far as it requires a gradient.

    Returns the computed nodes, newest first, and the set of all nodes, leaves included. The output is among them.
    """
    return _reached([output], {output}, -1)


def between(outputs: Iterable[Any], targets: Set[Any]) -> tuple[list[Any], set[Any]]:
    """The same for what lies between the outputs and `targets`, which count as leaves: only what targets have an influence on."""
    starts = [output for output in outputs if output not in targets]
    # What is older than all targets cannot have come from one.
    computed, _ = _reached(starts, {*starts, *targets}, min(map(_serial, targets), default=0))
    dependent, path = set(targets), []
    for node in reversed(computed):
        if not dependent.isdisjoint(node.parents):
            dependent.add(node)
            path.append(node)
    return path[::-1], dependent


def _reached(starts: Sequence[Any], found: set[Any], oldest: int) -> tuple[list[Any], set[Any]]:
    """The computed nodes that the starts came from, newest first, themselves included; older ones and those found are not visited.

    The last one found is visited first: it was recorded near the one before, and lies near it in memory.
    """
    computed = []
    to_visit = [start for start in starts if start.primitive is not None]
    while to_visit:
        node = to_visit.pop()
        computed.append(node)
        for parent in (node._left, node._right) if node._parents is None else node._parents:
            if parent is not None and parent._requires_grad and parent not in found and parent.serial > oldest:
                found.add(parent)
                if parent.primitive is not None:
                    to_visit.append(parent)
    computed.sort(key=_serial, reverse=True)
    return computed, found


def backpropagate(
    cotangents: dict[Any, Any], computed: Sequence[Any], wanted: Set[Any], create_graph: bool = False
) -> dict[Any, Any]:
    """Apply the chain rule from the outputs, whose cotangents are given, back to the leaves.

    Parameters
    ----------
    cotangents: for each output the derivative of the quantity of interest by it, of its shape and dtype; it is used up.
    computed, wanted: the computed nodes to walk through, newest first, and all nodes whose cotangent is of interest,
        as `ancestors` and `between` list them.
    create_graph: give the rules Values instead of arrays, so that the gradient itself can be differentiated.

    Returns
    -------
    The cotangent of every leaf, or target, that the outputs depend on, of the shape and dtype of its data; and those of outputs
    that no target has an influence on, as they were given. Their hooks have not seen them yet: there may be more to come.
    """
    mode = current_mode()
    mode.see_backward(create_graph)
    watch = mode if mode.watches else None
    for node in computed:
        # Everything computed from this node is newer and has already contributed, so its cotangent is complete.
        g = cotangents.pop(node, None)
        if g is None:  # only inputs without a derivative led here, such as a mask
            continue
        g = passed(node, g, create_graph) if node._hooks else g
        out, rules = node if create_graph else node._data, node.primitive.vjps
        if node._parents is None:  # an operator, spelt out: the loop and unpacking would cost as much as most rules
            x, y = _as_values(node) if create_graph else (node._x, node._y)
            left, right = node._left, node._right
            if left in wanted:
                _contribute(cotangents, watch, node, left, node._x, rules[0](g, out, x, y))
            if right in wanted:
                _contribute(cotangents, watch, node, right, node._y, rules[1](g, out, x, y))
            continue
        inputs, params = _as_values(node) if create_graph else node._inputs, node.params
        if type(rules) is Jointly:  # which would hand all inputs to each of its rules
            rules, inputs, params = rules.given(inputs, params), (), {}
        adds = None if create_graph or watch else node.primitive.adds
        for rule, parent, seen in zip(rules, node._parents, node._inputs):  # noqa: B905 (strict zip is slow)
            if rule is None or parent not in wanted:
                continue
            if adds and type(cotangents.get(parent)) is np.ndarray:
                _check_unchanged(node, parent, seen)
                adds(own(cotangents, parent), g, *inputs, **params)
            else:
                _contribute(cotangents, watch, node, parent, seen, rule(g, out, *inputs, **params))
    return cotangents


def _contribute(cotangents: dict[Any, Any], watch: Mode | None, node: Any, parent: Any, seen: Any, contribution: Any) -> None:
    """Add what a rule of a node returned for an input, which was `seen` as its parent's data, to the parent's cotangent."""
    if parent._loan is not None:
        _check_unchanged(node, parent, seen)
    like, kind = parent._data, type(contribution)
    if kind is not type(like) or (
        kind is np.ndarray and (contribution.shape != like.shape or contribution.dtype is not like.dtype)
    ):
        contribution = _fit(contribution, like, node.primitive)
    if watch is not None:
        watch.see_gradient(node, parent, contribution)
    if parent not in cotangents:
        cotangents[parent] = contribution
    elif kind is np.ndarray and is_unshared(cotangents, parent):
        cotangents[parent] += contribution
    else:
        cotangents[parent] = cotangents[parent] + contribution


def _as_values(node: Any) -> list[Any]:
    """The inputs of a recorded operation as nodes wherever they were nodes."""
    values = []
    for parent, seen in zip(node.parents, node.inputs, strict=True):
        if parent is not None:
            _check_unchanged(node, parent, seen)
            if parent._data is not seen and not (parent._loan and parent._loan.covers(seen)):
                raise GradientError(
                    f"{described(parent)} was given new data after {node.primitive.name!r} had recorded it, so the recorded "
                    "gradient can be computed but not differentiated again. Rebind .data after the higher derivative is taken."
                )
        values.append(seen if parent is None else parent)
    return values


def _fit(contribution: Any, like: Any, primitive: Primitive) -> Any:
    """Give what a rule returned the shape and dtype of its input: broadcast axes are summed, precision is restored."""
    if not hasattr(contribution, "dtype"):
        contribution = like.dtype.type(contribution)
    if contribution.shape != like.shape:
        if not _broadcasts(like.shape, contribution.shape):
            raise GradientError(
                f"a rule of {primitive.name!r} returned a gradient of shape {contribution.shape} for an input of shape "
                f"{like.shape}. A rule must return the shape of its input, or a shape that the input broadcasts to."
            )
        contribution = sum_to(contribution, shape=like.shape)
    if contribution.dtype != like.dtype:
        if contribution.dtype.kind == "c" and like.dtype.kind != "c":
            # A cotangent g stands for the change Re(g·dz); where z is real, only the real part of g counts.
            contribution = contribution.real
        contribution = cast(contribution, dtype=like.dtype)
    # A single number is a NumPy scalar here, never an array without axes: scalars are faster and cannot be changed in place.
    return contribution[()] if type(contribution) is np.ndarray and contribution.ndim == 0 else contribution


def _broadcasts(shape: tuple[int, ...], target: tuple[int, ...]) -> bool:
    """Whether an array of `shape` can be repeated to `target`: from the last axis backwards, lengths are equal or one."""
    if target[len(target) - len(shape) :] == shape:
        return True  # the common case: only axes in front are added, as to a bias
    return len(shape) <= len(target) and all(a == b or a == 1 for a, b in zip(reversed(shape), reversed(target), strict=False))


def _check_unchanged(node: Any, parent: Any, seen: Any) -> None:
    if parent._loan is not None and parent._loan.was_changed_since(seen):
        raise InPlaceError(
            f"{described(parent)} was changed in place after {node.primitive.name!r} had recorded it, so the gradient at the "
            "recorded numbers would not be the gradient at the present ones. Call backward() before you change .data, compute the "
            "loss anew, or assign new data (value.data = ...), which leaves what was recorded as it was."
        )
