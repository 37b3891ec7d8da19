"""What the nodes of a trace are called: as the variables of the user's function; a cotangent after what it is the one of."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tinygrad_edu.compiler.ir import IRNode, Label, Rank
from tinygrad_edu.engine.value import Value
from tinygrad_edu.graph.variables import Variables
from tinygrad_edu.primitives import arithmetic
from tinygrad_edu.transforms.tracing import ARGUMENT
from tinygrad_edu.transforms.trees import children_of


def label(nodes: Mapping[Value, IRNode], passed: Sequence[tuple[Value, Value, Any]], variables: Variables, output: Any) -> None:
    """Let the nodes be called what the Values are called."""
    names = {Rank.VARIABLE: variables.bound, Rank.PLACE: variables.passed, Rank.FUNCTION: variables.returned}
    labels = {value: _label_of(value, names) for value in nodes}
    for value, parent in _receivers(passed, labels).items():
        of = labels[parent]
        nodes[value].is_called(Label(f"d_{of.name}", min(of.rank, Rank.COTANGENT), of))
    for value, label in labels.items():
        nodes[value].is_called(label)
    for name, leaf in _labelled(output):
        if isinstance(leaf, Value):
            nodes[leaf].is_called(Label(name, Rank.PLACE))


def _label_of(value: Value, names: Mapping[Rank, Mapping[int, str]]) -> Label:
    is_derived = (value.name or "").startswith("d_")  # by a transform
    found = [Label(known[value.serial], rank) for rank, known in names.items() if value.serial in known]
    if value.name:
        found.append(Label(value.name, Rank.COTANGENT if is_derived else Rank.GIVEN))
    if found:
        return max(found, key=lambda label: label.rank)
    return Label(value.primitive.result or value.primitive.name if value.primitive else "constant", Rank.OPERATION)


def _receivers(passed: Sequence[tuple[Value, Value, Any]], labels: Mapping[Value, Label]) -> dict[Value, Value]:
    """For each gradient what it is the gradient for: what it, or each of its summands, was passed to. Of several things it is an
    argument, or else the one with the best name, which was computed last."""
    receivers: dict[Value, dict[Value, None]] = {}
    for _, parent, gradient in passed:
        if isinstance(gradient, Value) and gradient.primitive is not None and parent in labels:
            receivers.setdefault(gradient, {})[parent] = None
    for value in labels:
        if value.primitive is arithmetic.add:
            summands = [receivers.get(part, {}) for part in value.parents if part is not None] or [{}]  # zeros are passed as none
            for parent in [parent for parent in summands[0] if all(parent in others for others in summands)]:
                receivers.setdefault(value, {})[parent] = None
                for others in summands:
                    others.pop(parent, None)

    def importance(value: Value) -> tuple[bool, int, int]:
        return value.primitive is ARGUMENT or value.primitive is None, labels[value].rank, value.serial

    return {value: max(parents, key=importance) for value, parents in receivers.items() if value in labels and parents}


def _labelled(tree: Any) -> Iterator[tuple[str, Any]]:
    """The leaves of the dicts and dataclasses in what was returned, with what they are called there."""
    for label, part in children_of(tree) or ():
        if children_of(part) is not None:
            yield from _labelled(part)
        elif label.startswith("['") or "." in label:
            numbers = re.findall(r"^(?:\[\d+\])*", label)[0]  # of a module in a row: [0].weight is weight_0
            yield label.removeprefix(numbers) + numbers, part


def common_label(labels: Sequence[Label]) -> Label | None:
    """The best of the labels of a node in all rounds. Without numbers that are other ones in each: d_xs for d_xs_0 and d_xs_1."""
    if not labels:
        return None
    best = max(label.rank for label in labels)
    labels = [label for label in labels if label.rank is best]
    parts = [re.split(r"(\d+)", label.name) for label in labels]
    if len({label.name for label in labels}) == 1 or len({len(part) for part in parts}) > 1:
        return labels[0]
    same = [column[0] if len({*column}) == 1 else "" for column in zip(*parts, strict=True)]
    name = re.sub(r"\[\]|_$|_(?=_)", "", "".join(same))
    of = labels[0].of
    return Label(name, best, of and Label(name.removeprefix("d_"), of.rank))
