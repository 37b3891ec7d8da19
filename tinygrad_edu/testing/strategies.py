"""Strategies for property tests with hypothesis: operations, their inputs, shapes that broadcast.

This module needs hypothesis (`pip install "tinygrad_edu[test]"`); nothing else in the package imports it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tinygrad_edu.primitives.primitive import Primitive
from tinygrad_edu.primitives.table import TABLE
from tinygrad_edu.testing.operations import DEFAULT_INTERVAL, Sample


def operations() -> st.SearchStrategy[Primitive]:
    """Entries of the op table through which a gradient can pass."""
    return st.sampled_from([entry for entry in TABLE if entry.is_differentiable])


def broadcastable_shapes(count: int, max_dims: int = 3, max_side: int = 3) -> st.SearchStrategy[tuple[tuple[int, ...], ...]]:
    """So many shapes that broadcast against each other; axes may be missing, and lengths may be one or zero."""
    shapes = hnp.mutually_broadcastable_shapes(num_shapes=count, max_dims=max_dims, min_side=0, max_side=max_side)
    return shapes.map(lambda drawn: drawn.input_shapes)


def arrays(
    shape: tuple[int, ...] | st.SearchStrategy[tuple[int, ...]] = (), interval: tuple[float, float] = DEFAULT_INTERVAL
) -> st.SearchStrategy[Any]:
    """float64 arrays with elements strictly inside an interval, among them round numbers and ties."""
    low, high = interval
    elements: st.SearchStrategy[float] = st.floats(low, high, exclude_min=True, exclude_max=True, allow_subnormal=False)
    if round_numbers := [float(number) for number in range(int(np.floor(low)) + 1, int(np.ceil(high)))]:
        elements |= st.sampled_from(round_numbers)
    return hnp.arrays(np.float64, shape, elements=elements)


def _valid_inputs(shape: tuple[int, ...], entry: Primitive, position: int) -> st.SearchStrategy[Any]:
    interval, made_valid = entry.domain_of(position, DEFAULT_INTERVAL)
    return arrays(shape, interval).map(made_valid)


@st.composite
def inputs_of(draw: st.DrawFn, entry: Primitive) -> Sample:
    """Inputs and parameters for an operation: from its cases and its domain, or of any shapes that broadcast if it has no cases."""
    if entry.cases:
        case = draw(st.sampled_from(entry.cases))
        shapes, params = case.shapes, case.params
    else:
        assert entry.arity is not None
        shapes, params = draw(broadcastable_shapes(entry.arity)), {}
    has_rule = tuple(rule is not None for rule in entry.rules(len(shapes)))
    inputs = tuple(
        draw(_valid_inputs(shape, entry, position) if has_rule[position] else hnp.arrays(bool, shape))
        for position, shape in enumerate(shapes)
    )
    return Sample(inputs, params, has_rule)
