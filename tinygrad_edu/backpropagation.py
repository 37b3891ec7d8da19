"""The chain rule: one loop over the recorded graph, newest first.

It works on whatever was recorded and does not know how: a `Node` is any object that says which operation made it from what.
Values are such nodes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any, Protocol

import numpy as np

from tinygrad_edu.errors import GradientError, InPlaceError
from tinygrad_edu.ownership import Loan
from tinygrad_edu.primitive import Primitive
from tinygrad_edu.primitives.broadcasting import cast, sum_to


class Node(Protocol):
    """What the chain rule needs to know of a recorded result.

    primitive: the operation that made it; None for a leaf, which was given and not computed.
    parents: for each input of the operation the Node that it came from, or None for a plain constant.
    inputs: the arrays and numbers that the operation saw.
    params: the operation's other arguments.
    serial: nodes are numbered in the order of their making, so a parent has a smaller number than its children.
    """

    primitive: Primitive | None
    parents: Sequence[Any]
    inputs: Sequence[Any]
    params: Mapping[str, Any] | None
    serial: int
    requires_grad: bool
    name: str | None
    _data: Any
    _loan: Loan | None


def ancestors(output: Any, stop_at: Collection[Any] = ()) -> list[Any]:
    """Every node that `output` was computed from and that requires a gradient, newest first, `output` itself included.

    What lies behind a node of `stop_at` is left out.
    """
    found = {output}
    to_visit = [output]
    while to_visit:
        node = to_visit.pop()
        if node in stop_at:
            continue
        for parent in node.parents:
            if parent is not None and parent not in found and parent.requires_grad:
                found.add(parent)
                to_visit.append(parent)
    return sorted(found, key=attrgetter("serial"), reverse=True)


def leading_to(targets: Collection[Any], nodes: Iterable[Any]) -> list[Any]:
    """Those of `nodes` (given newest first) that depend on one of `targets`, newest first."""
    dependent = set(targets)
    for node in reversed(list(nodes)):
        if not dependent.isdisjoint(node.parents):
            dependent.add(node)
    return sorted(dependent, key=attrgetter("serial"), reverse=True)


def backpropagate(
    nodes: Sequence[Any], cotangent: Any, *, targets: Collection[Any] = (), create_graph: bool = False
) -> dict[Any, Any]:
    """Apply the chain rule from the first of `nodes`, whose cotangent is given, to the leaves and the `targets` among them.

    Parameters
    ----------
    nodes: the nodes to walk through, newest first, as `ancestors` or `leading_to` list them.
    cotangent: the derivative of the quantity of interest with respect to the first node, of that node's shape and dtype.
    targets: nodes to stop at although they were computed from others.
    create_graph: give the rules Values instead of arrays, so that the gradient itself can be differentiated.

    Returns
    -------
    The cotangent of each leaf and target, of the shape and dtype of its data. What the output does not depend on is missing.
    """
    cotangents = {nodes[0]: cotangent}
    complete: dict[Any, Any] = {}
    wanted = set(nodes)
    for node in nodes:
        # Everything computed from this node is newer and has already contributed, so its cotangent is complete.
        g = cotangents.pop(node, None)
        if g is None:
            continue
        primitive = node.primitive
        if primitive is None or node in targets:
            complete[node] = g
            continue
        out, inputs, params = node._data, node.inputs, node.params
        if create_graph:
            out, inputs = node, _as_values(node)
        for rule, parent, seen in zip(primitive.vjps, node.parents, node.inputs):  # noqa: B905 (rules may be endless)
            if parent not in wanted or rule is None:
                continue
            if parent._loan is not None and parent._loan.was_changed_since(seen):
                raise _changed_in_place(parent, primitive)
            if params:
                contribution = rule(g, out, *inputs, **params)
            elif len(inputs) == 2:  # spelt out because unpacking costs as much as most rules
                contribution = rule(g, out, inputs[0], inputs[1])
            else:
                contribution = rule(g, out, *inputs)
            like = parent._data
            if type(contribution) is np.ndarray or type(contribution) is not type(like):
                contribution = _fit(contribution, like, primitive)
            cotangents[parent] = cotangents[parent] + contribution if parent in cotangents else contribution
    return complete


def _as_values(node: Any) -> list[Any]:
    """The inputs of a recorded operation as nodes wherever they were nodes."""
    values = []
    for parent, seen in zip(node.parents, node.inputs, strict=True):
        if parent is not None and parent._data is not seen and not (parent._loan and parent._loan.covers(seen)):
            raise GradientError(
                f"{_described(parent)} was given new data after {node.primitive.name!r} had recorded it, so the recorded "
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
        contribution = cast(contribution, dtype=like.dtype)
    # A single number is a NumPy scalar here, never an array without axes: scalars are faster and cannot be changed in place.
    return contribution[()] if type(contribution) is np.ndarray and contribution.ndim == 0 else contribution


def _broadcasts(shape: tuple[int, ...], target: tuple[int, ...]) -> bool:
    try:
        return np.broadcast_shapes(shape, target) == target
    except ValueError:
        return False


def _described(node: Any) -> str:
    name = f" {node.name!r}" if node.name else ""
    return f"the Value{name} of shape {node._data.shape}"


def _changed_in_place(parent: Any, primitive: Primitive) -> InPlaceError:
    return InPlaceError(
        f"{_described(parent)} was changed in place after {primitive.name!r} had recorded it, so the gradient at the recorded "
        "numbers would not be the gradient at the present ones. Call backward() before you change .data, compute the loss "
        "anew, or assign new data (value.data = ...), which leaves what was recorded as it was."
    )
