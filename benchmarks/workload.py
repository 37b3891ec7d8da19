"""What is raced: a workload with one contender a framework, and the goals. Knows no framework and no clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

OURS = "tinygrad_edu"
BY_HAND = "NumPy by hand"
JAX = "jax.jit"

MODULES = {
    OURS: "tinygrad_edu",
    BY_HAND: "numpy",
    "micrograd": "micrograd",
    "PyTorch": "torch",
    "MyGrad": "mygrad",
    "HIPS autograd": "autograd",
    JAX: "jax",
}
"""What a contender is called in the tables, and the module that it needs."""

Gradients = Sequence[Any]
"""One for each parameter, in whatever form the framework gives them."""

Step = Callable[[], Gradients]
"""One training step without the update: clears the gradients, computes the loss, goes backward, returns the gradients."""


@dataclass(frozen=True)
class Workload:
    """The same step, written for each framework as its users would.

    contenders: for each framework a function that makes parameters and data, which persist, and returns the step.
    goals: the largest ratio (time of tinygrad_edu / time of the other) that counts as reached.
    is_fresh: whether each contender is timed in processes of its own.
    """

    name: str
    contenders: Mapping[str, Callable[..., Step]]
    goals: Mapping[str, float]
    is_fresh: bool = False

    def installed(self) -> dict[str, Callable[..., Step]]:
        """The contenders that can start here."""
        return {name: prepare for name, prepare in self.contenders.items() if find_spec(MODULES[name])}
