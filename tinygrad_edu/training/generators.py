"""What a module changes when it is called: its buffers, and the random generators that it draws from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from tinygrad_edu.nn import Module


def generators_of(module: Module) -> dict[str, Any]:
    """The states of the random generators that the modules in it have, such as that of `Dropout`."""
    return {name: generator.bit_generator.state for name, generator in _generators(module)}


def set_generators(module: Module, states: Mapping[str, Any]) -> None:
    """The way back."""
    for name, generator in _generators(module):
        generator.bit_generator.state = states[name]


@contextmanager
def unchanged(module: Module) -> Iterator[None]:
    """After the block the module is as it was."""
    state, generators = module.state_dict(), generators_of(module)
    try:
        yield
    finally:
        module.load_state_dict(state)
        set_generators(module, generators)


def _generators(module: Module) -> Iterator[tuple[str, np.random.Generator]]:
    """Those that are attributes of the modules in it, also in lists and dicts."""
    return ((part.name, part.thing) for part in module._parts() if isinstance(part.thing, np.random.Generator))
