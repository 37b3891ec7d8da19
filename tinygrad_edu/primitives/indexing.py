"""Reading parts of an array, and the opposite: adding parts into an array of zeros."""

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from itertools import count, pairwise
from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu.errors import UnsupportedError
from tinygrad_edu.primitives.primitive import Primitive, case
from tinygrad_edu.primitives.table import operation

CASES: list[tuple[tuple[int, ...], Any]] = [
    ((3,), 1), ((3, 4), 1), ((3, 4), slice(1, None)), ((3, 4), (slice(None), -1)), ((4,), slice(None, None, -2)),
    ((3, 4), (..., None, 2)), ((3, 4), np.array([0, 0, 2])), ((3, 4), (np.array([[0], [2]]), np.array([1, 1]))),
    ((4,), np.array([True, False, True, True])), ((2, 3, 4), (np.array([0, 1, 0]), slice(None), 2)),
    ((4,), np.array([[3, 0], [-1, 3]])), ((2, 3), np.array([[True, False, True], [False] * 3])),
    ((2, 3, 4), (slice(None), np.array([True, False, True]), np.array([0, 0]))), ((0, 3), slice(None)), ((3,), np.array([], int)),
]  # fmt: skip

ZEROS = "np.zeros({shape}, np.asarray({0}).dtype)"


def _index(x: Any, index: Any) -> Any:
    return x[index]


def _names_no_element_twice(index: Any) -> bool:
    """Whether that is plain to see: integers, slices, `...` and None, or one mask, but no arrays of positions."""
    if type(index) is np.ndarray:
        return bool(index.dtype.kind == "b")
    parts = index if type(index) is tuple else (index,)
    return all(part is None or part is ... or isinstance(part, int | np.integer | slice) for part in parts)


def _scatter(g: Any, index: Any, shape: tuple[int, ...]) -> Any:
    out = np.zeros(shape, np.asarray(g).dtype)
    if _names_no_element_twice(index):
        out[index] = g
    else:
        _add_in_place(out, g, None, index)
    return out


def _in_front(index: Any) -> Any:
    """The index of a stack that takes the same part of each array in it, or None if NumPy would move the axis of the stack."""
    parts = index if type(index) is tuple else (index,)
    # Where slices stand between positions, NumPy puts the axes of the positions first.
    are_slices = [True, *(part is None or part is ... or isinstance(part, slice | _Slice) for part in parts)]
    blocks = sum(before and not after for before, after in pairwise(are_slices))
    return (slice(None), *parts) if blocks < 2 or _names_no_element_twice(index) else None


def _index_stack(_: Any, x: Any, index: Any) -> Any:
    in_front = _in_front(index)
    return NotImplemented if in_front is None else x[in_front]


def _scatter_stack(_: Any, g: Any, index: Any, shape: tuple[int, ...]) -> Any:
    in_front = _in_front(index)
    return NotImplemented if in_front is None else scatter(g, index=in_front, shape=(len(g), *shape))


def _add_in_place(total: Any, g: Any, x: Any, index: Any) -> None:
    if _names_no_element_twice(index):
        total[index] += g
    elif type(index) is np.ndarray and total.ndim == 1:
        np.add.at(total, index.ravel(), np.ravel(g))  # NumPy is twenty times as fast where all three have one axis
    else:
        np.add.at(total, index, g)  # unlike total[index] += g, this adds twice to an element that is named twice


index: Primitive = operation(
    _index,
    lambda g, out, x, index: scatter(g, index=index, shape=x.shape),
    name="index", result="part", code="{0}[{index}]", latex="{{{0}}}_{{{index}}}",
    on_stacks=_index_stack, adds=_add_in_place, cases=[case(shape, index=at) for shape, at in CASES],
)  # fmt: skip

# Zeros of the given shape, to which g is added at the index: what an element passes on that was read several times.
scatter: Primitive = operation(
    _scatter,
    lambda g, out, x, index, shape: g[index],
    name="scatter", result="spread", code="scatter({0}, np.s_[{index}], {shape})", jax=f"{ZEROS}.at[{{index}}].add({{0}})",
    latex=r"\operatorname{{scatter}} {0}",
    on_stacks=_scatter_stack, cases=[case(np.empty(shape)[at].shape, index=at, shape=shape) for shape, at in CASES],
)  # fmt: skip


def _in_each(positions: Any, count: int, size: int) -> Any:
    """Positions in an array of so many elements as positions in a stack of such arrays: the same in each of them."""
    starts = size * np.arange(count).reshape(count, *(1,) * np.ndim(positions))
    return starts + positions % max(size, 1)


def _take_stack(are_stacks: Sequence[bool], x: Any, positions: Any) -> Any:
    return NotImplemented if are_stacks[1] else take(x, _in_each(positions, len(x), x[0].size))


def _add_at_stack(are_stacks: Sequence[bool], g: Any, positions: Any, shape: tuple[int, ...]) -> Any:
    if are_stacks[1]:
        return NotImplemented
    return add_at(g, _in_each(positions, len(g), math.prod(shape)), shape=(len(g), *shape))


# The elements at positions in the flattened array. Unlike those of an index, the positions are an input, because they may follow
# from data: where a sorted element came from, between which two points a number lies.
take: Primitive = operation(
    lambda x, positions: np.take(x, positions),
    lambda g, out, x, positions: add_at(g, positions, shape=x.shape),
    None,
    name="take", result="part", code="np.take({0}, {1})", latex="{{{0}}}_{{{1}}}",
    on_stacks=_take_stack, cases=[case((2, 3), (4,)), case((3,), (2, 0)), case((2,), ())],
)  # fmt: skip


def _add_at(g: Any, positions: Any, shape: tuple[int, ...]) -> Any:
    flat = np.zeros(np.prod(shape, dtype=int), np.asarray(g).dtype)
    np.add.at(flat, np.ravel(positions).astype(np.intp, copy=False), np.ravel(g))
    return flat.reshape(shape)


# The opposite: zeros of the given shape, with g added at the positions.
add_at: Primitive = operation(
    _add_at,
    lambda g, out, x, positions, shape: take(g, positions),
    None,
    name="add_at", result="spread", jax=f"{ZEROS}.ravel().at[np.asarray({{1}}, int)].add({{0}}).reshape({{shape}})",
    latex=r"\operatorname{{scatter}} {0}",
    on_stacks=_add_at_stack, cases=[case((4,), (4,), shape=(2, 3)), case((2, 0), (2, 0), shape=(3,)), case((), (), shape=(2,))],
)  # fmt: skip


def along(x: Any, axis: int, part: Any) -> Any:
    """What `x[part]` is for the first axis, along any."""
    return x[(slice(None),) * (axis % x.ndim) + (part,)]


def computed_index(x: Any, index: Any) -> Any:
    """`x[index]` where parts of the index have been recorded themselves: each array of positions becomes an input."""
    parts = index if type(index) is tuple else (index,)
    given = [part for part in parts if not _names_no_element_twice(part)]
    if any(part.dtype.kind == "b" for part in given if hasattr(part, "dtype")):
        raise UnsupportedError(
            "a mask that is computed as an index would make the shape of the result depend on the numbers. "
            "Write np.where(mask, x, 0.0) in place of x[mask], or, in a function to be compiled, let the mask be static: "
            "tg.compile(f, static=('mask',))."
        )
    return gather_and_spread(*(as_static(part) if _names_no_element_twice(part) else GIVEN for part in parts))[0](x, *given)


GIVEN = "given"
"""The place of a position that is an input."""


class Run(NamedTuple):
    """The place of a slice of so many elements whose ends are inputs."""

    length: int


class _Slice(NamedTuple):
    """A slice that can be looked up."""

    start: int | None
    stop: int | None
    step: int | None


def as_static(part: Any) -> Any:
    """A part of an index that can be looked up."""
    return _Slice(part.start, part.stop, part.step) if isinstance(part, slice) else part


@lru_cache(maxsize=None, typed=True)
def gather_and_spread(*parts: Any) -> tuple[Primitive, Primitive]:
    """The form of `index` in which some parts of the index are inputs, too; and its opposite, the same form of `scatter`."""
    written, for_jax = (_all_written(parts, run) for run in ("{start}:{stop}", "{start} + np.arange({length})"))

    def filled(given: tuple[Any, ...]) -> Any:
        remaining = iter(given)
        return tuple(_filled(part, remaining) for part in parts)

    def form_on_stacks(form: int, are_stacks: Any, x: Any, *given: Any, **shape: Any) -> Any:
        in_front = _in_front(parts)
        if in_front is None or any(are_stacks[1:]):
            return NotImplemented
        moved = {key: (len(x), *lengths) for key, lengths in shape.items()}
        return gather_and_spread(*map(as_static, in_front))[form](x, *given, **moved)

    no_rules = (None,) * (parts.count(GIVEN) + 2 * sum(isinstance(part, Run) for part in parts))
    gather = index.but(
        forward=lambda x, *given: x[filled(given)], form_of=index, on_stacks=partial(form_on_stacks, 0),
        adds=lambda total, g, x, *given: _add_in_place(total, g, x, filled(given)),
        code=f"{{0}}[{written}]", jax=f"{{0}}[{for_jax}]",
        vjps=(lambda g, out, x, *given: spread(g, *given, shape=x.shape), *no_rules),
    )  # fmt: skip
    spread: Primitive = scatter.but(
        forward=lambda g, *given, shape: _scatter(g, filled(given), shape), form_of=scatter, on_stacks=partial(form_on_stacks, 1),
        code=f"scatter({{0}}, np.s_[{written}], {{shape}})", jax=f"{ZEROS}.at[{for_jax}].add({{0}})",
        vjps=(lambda g, out, _, *given, shape: gather(g, *given), *no_rules),
    )  # fmt: skip
    return gather, spread


def _filled(part: Any, remaining: Iterator[Any]) -> Any:
    """A part of an index, with what is given for it."""
    if isinstance(part, Run):
        return slice(next(remaining), next(remaining))
    return next(remaining) if part is GIVEN else slice(*part) if isinstance(part, _Slice) else part


def _all_written(parts: tuple[Any, ...], run: str) -> str:
    """An index as it is written, in which `run` is the form of a slice whose ends are given."""
    names = (f"{{{number}}}" for number in count(1))

    def written(part: Any) -> str:
        if isinstance(part, Run):
            return run.format(start=next(names), stop=next(names), length=part.length)
        return next(names) if part is GIVEN else _written(part)

    return ", ".join(map(written, parts))


def _written(part: Any) -> str:
    if isinstance(part, _Slice):
        return ":".join("" if end is None else str(int(end)) for end in (part if part.step is not None else part[:2]))
    return "None" if part is None else "..." if part is ... else str(int(part))
