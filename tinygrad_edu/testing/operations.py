"""Checking an entry of the op table by what the entry itself says: its domain, its cases, and the NumPy functions it stands for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_edu.engine.arguments import whole_number
from tinygrad_edu.engine.messages import shortened
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import DataError, GradientCheckError
from tinygrad_edu.primitives.primitive import Primitive
from tinygrad_edu.testing.gradients import check_grads

DEFAULT_INTERVAL = (-2.5, 2.5)

# Shapes for operations that work element by element: for n inputs, the first n of each row.
_BROADCASTING = [
    ((), (), ()),
    ((3,), (3,), (3,)),
    ((2, 3), (3,), ()),
    ((), (2, 3), (3,)),
    ((2, 1), (1, 3), (4, 1, 1)),
    ((3,), (2, 1), (2, 3)),
    ((0, 3), (1, 3), (3,)),
    ((1,), (4,), (1,)),
]


@dataclass(frozen=True)
class Sample:
    """One call of an operation: input arrays and parameters. `samples` makes them.

    inputs: arrays of the shapes that the operation takes, in double precision. Those that have no derivative are masks.
    params: what the operation takes besides, by name.
    has_rule: for each input whether it has a derivative. There is no error.

    >>> import tinygrad_edu as tg
    >>> sample = next(samples(tg.primitive(np.negative, lambda g, out, x: -g)))
    >>> sample.inputs[0].shape, sample.params, sample.has_rule
    ((), {}, (True,))
    """

    inputs: tuple[Any, ...]
    params: Mapping[str, Any]
    has_rule: tuple[bool, ...]


def samples(entry: Primitive, seed: int = 0) -> Iterator[Sample]:
    """Inputs to try an operation on: its cases, or else shapes that broadcast, filled with random numbers from its domain.

    Raises
    ------
    DataError: if `entry` is no operation, or `seed` no whole number from zero on.
    GradientCheckError: if the operation takes any number of inputs and states no cases.

    >>> import tinygrad_edu as tg
    >>> [tuple(x.shape for x in sample.inputs) for sample in samples(tg.primitive(np.negative, lambda g, out, x: -g))][:4]
    [((),), ((3,),), ((2, 3),), ((2, 1),)]
    """
    if not isinstance(entry, Primitive):
        raise DataError(f"an operation is what tg.primitive makes, or an entry of the op table, but got {shortened(entry)}.")
    rng = np.random.default_rng(whole_number("seed", seed, at_least=0))
    for shapes, params in _calls(entry):
        has_rule = tuple(rule is not None for rule in entry.rules(len(shapes)))
        inputs = tuple(
            _draw(rng, shape, entry, position) if has_rule[position] else rng.uniform(size=shape) < 0.5
            for position, shape in enumerate(shapes)
        )
        yield Sample(inputs, params, has_rule)


def check_operation(entry: Primitive, order: int = 2) -> None:
    """Check one entry of the op table: it gives what NumPy gives, and its rules are right to the given order.

    Parameters
    ----------
    entry: an operation, of the table or made by `tg.primitive`. It is tried on its `samples`, in double precision.
    order: 1 for first derivatives, 2 for second ones, too; see `check_grads`.

    Raises
    ------
    GradientCheckError: (an AssertionError) that names the operation, the shapes and what disagrees.

    >>> import tinygrad_edu as tg
    >>> check_operation(tg.primitive(lambda x: x**3, lambda g, out, x: g * 3 * x**2, name="cube"))
    """
    for sample in samples(entry):
        try:
            _check_forward(entry, sample)
            _check_rules(entry, sample, order)
        except GradientCheckError as error:
            call = ", ".join(str(np.shape(x)) for x in sample.inputs) + "".join(f", {k}={v!r}" for k, v in sample.params.items())
            raise GradientCheckError(f"{entry.name!r} on inputs of shape {call}: {error}") from error


def _calls(entry: Primitive) -> Iterator[tuple[tuple[tuple[int, ...], ...], Mapping[str, Any]]]:
    if entry.cases:
        yield from ((case.shapes, case.params) for case in entry.cases)
    elif entry.arity is None:
        raise GradientCheckError(f"{entry.name!r} takes any number of inputs, so its entry must state cases to test it on.")
    else:
        for shapes in dict.fromkeys(row[: entry.arity] for row in _BROADCASTING):
            yield shapes, {}


def in_real_numbers(result: Any) -> Any:
    """A complex result, of which there is no gradient, as its real and its imaginary parts along a first axis; a real one as it is.

    result: a Value, array or number, of any shape. There is no error.

    >>> in_real_numbers(np.array([1.0 + 2.0j, 3.0]))
    array([[1., 3.],
           [2., 0.]])
    """
    return np.stack([np.real(result), np.imag(result)]) if np.iscomplexobj(result) else result


def _draw(rng: np.random.Generator, shape: tuple[int, ...], entry: Primitive, position: int) -> Any:
    interval, made_valid = entry.domain_of(position, DEFAULT_INTERVAL)
    return made_valid(np.asarray(rng.uniform(*interval, size=shape)))


def _check_forward(entry: Primitive, sample: Sample) -> None:
    result = np.asarray(entry.forward(*sample.inputs, **sample.params))
    values = [Value(x) if differentiable else x for x, differentiable in zip(sample.inputs, sample.has_rule, strict=True)]
    recorded = entry(*values, **sample.params)
    if isinstance(recorded, Value) and not _same(recorded.numpy(), result):
        raise GradientCheckError("it gives other numbers for Values than for arrays.")
    for function in entry.numpy:
        if not _same(np.asarray(function(*sample.inputs, **sample.params)), result):
            raise GradientCheckError(f"it gives other numbers than np.{function.__name__}, which it stands for.")
        if any(sample.has_rule) and not _same(function(*values, **sample.params).numpy(), result):
            raise GradientCheckError(f"np.{function.__name__} of Values gives other numbers than of arrays.")


def _check_rules(entry: Primitive, sample: Sample, order: int) -> None:
    if not entry.is_differentiable:
        if entry(*(Value(x) for x in sample.inputs), **sample.params).requires_grad:
            raise GradientCheckError("it has no rule, yet its result requires a gradient.")
        return
    differentiated = [x for x, has_rule in zip(sample.inputs, sample.has_rule, strict=True) if has_rule]

    def call(*values: Any) -> Any:
        remaining = iter(values)
        inputs = [next(remaining) if has_rule else x for x, has_rule in zip(sample.inputs, sample.has_rule, strict=True)]
        return in_real_numbers(entry(*inputs, **sample.params))

    call.__name__ = entry.name
    check_grads(call, differentiated, order)


def _same(a: Any, b: Any) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype and bool(np.array_equal(a, b, equal_nan=True))
