"""Trading time for memory: recompute instead of store."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import copy_context
from functools import wraps
from typing import Any

import numpy as np

from tinygrad_edu.engine.arguments import check_function
from tinygrad_edu.engine.backpropagation import backpropagate, between
from tinygrad_edu.engine.conversions import numbers_of
from tinygrad_edu.engine.hooks import called_again
from tinygrad_edu.engine.messages import name_of
from tinygrad_edu.engine.mode import RECORDING, InMode, current_mode, differentiating
from tinygrad_edu.engine.value import Value, record, snapshot_of
from tinygrad_edu.errors import GradientError
from tinygrad_edu.primitives.broadcasting import cast
from tinygrad_edu.primitives.joining import concatenate
from tinygrad_edu.primitives.primitive import Jointly, Primitive
from tinygrad_edu.transforms.signatures import P, Result
from tinygrad_edu.transforms.tracing import itself
from tinygrad_edu.transforms.trees import tree_leaves, tree_map


def checkpoint(f: Callable[P, Result]) -> Callable[P, Result]:
    """The same function, whose intermediate results are not kept for the backward pass but computed again in it.

    A chain of n such functions keeps n results instead of all that happened inside of them, and costs one more forward pass.
    `f` may also use Values that it does not get as arguments; they get their gradients too.

    Parameters
    ----------
    f: a function that returns a Value, or a tree of Values. It must return the same when it is called again.

    Raises
    ------
    GradientError: in the backward pass, if calling `f` again gave other numbers (because of randomness in it, say), or if
        a Value that it uses was given new data in between.

    >>> import tinygrad_edu as tg
    >>> float(tg.grad(checkpoint(lambda x: np.exp(np.sin(x))))(0.0))
    1.0
    """

    check_function("tg.checkpoint", f)

    @wraps(f)
    def recomputed(*args: P.args, **kwargs: P.kwargs) -> Any:
        if current_mode().records_constants:
            return f(*args, **kwargs)
        oldest = Value(0.0).serial
        kept = _with_values(args, kwargs)  # f may put other leaves into its own trees, and the caller into these
        circumstances = copy_context()  # whether we are within a transform, say: the second call must do as the first one did
        output = f(*args, **kwargs)
        parts = _differentiable(output)
        if not parts or not current_mode().records:
            return output
        sources = _older_than(oldest, parts)

        def gradients(g: Any, out: Any, *inputs: Any) -> list[Any]:
            if any(snapshot_of(source) is not _recorded(seen) for source, seen in zip(sources, inputs, strict=True)):
                raise GradientError(
                    f"a Value that {name_of(f)} uses, a checkpointed function, was given new data before the backward pass."
                )
            again, named = tree_map(itself, kept)
            with called_again(sources):
                parts = _differentiable(circumstances.copy().run(f, *again, **named))
            packed = _packed(parts)
            used = _older_than(oldest, parts)  # in the order of the sources; a leaf that f makes itself is made once more
            are_same = [new is old or old.serial >= oldest for new, old in zip(used, sources, strict=False)]
            if (
                not all(are_same)
                or len(used) != len(sources)
                or not np.array_equal(numbers_of(packed), numbers_of(out), equal_nan=True)
            ):
                raise GradientError(
                    f"{name_of(f)}, a checkpointed function, gave another result when it was called again. Is it random, or was an "
                    "array that it uses changed?"
                )
            found = backpropagate({packed: g}, *between([packed], set(used)), isinstance(out, Value))
            return [found.get(source, np.zeros(source.shape, source.dtype)) for source in used]

        data = numbers_of(_packed(parts))
        stored = record(Primitive(lambda *_: data, Jointly(gradients), name=f"checkpoint of {name_of(f)}"), sources, {})
        unpacked = iter(_unpacked(stored, parts))
        return tree_map(lambda leaf: next(unpacked) if isinstance(leaf, Value) and leaf.requires_grad else leaf, output)

    return recomputed


def _with_values(args: Any, kwargs: Any) -> Any:
    """Copies of the arguments, in which the parameters of a module are its Values, as they are within a transform."""
    within = copy_context()
    within.run(differentiating.set, True)
    return within.run(tree_map, itself, (args, kwargs))


def _differentiable(output: Any) -> list[Value]:
    """The parts of a function's result that have a gradient."""
    return [leaf for leaf in tree_leaves(output) if isinstance(leaf, Value) and leaf.requires_grad]


def _recorded(seen: Any) -> Any:
    """What a rule was given, as the array that was recorded."""
    return snapshot_of(seen) if isinstance(seen, Value) else seen


def _older_than(serial: int, outputs: list[Value]) -> list[Value]:
    """What was there before, and the outputs were computed from."""
    sources: dict[Value, None] = {}
    seen = set(outputs)
    to_visit = list(outputs)
    for node in to_visit:  # which grows while it is walked
        for parent in [node] if node.serial < serial else node.parents:
            if parent is None or not parent.requires_grad:
                continue
            if parent.serial < serial or parent.primitive is None:
                sources[parent] = None
            elif parent not in seen:
                seen.add(parent)
                to_visit.append(parent)
    return list(sources)


def _packed(parts: list[Value]) -> Any:
    """Several Values as one: an operation has one result."""
    with InMode(RECORDING):
        return parts[0] if len(parts) == 1 else concatenate(*(part.reshape(-1) for part in parts))


def _unpacked(packed: Value, like: list[Value]) -> list[Value]:
    if len(like) == 1:
        return [packed]
    ends = np.cumsum([part.size for part in like])
    flat = [packed[end - part.size : end] for end, part in zip(ends, like, strict=True)]
    return [cast(x, dtype=part.dtype).reshape(part.shape) for x, part in zip(flat, like, strict=True)]
