"""What is found in a module, and what it is called: as one gets there, in a state, in a source.

It knows what a parameter is, and nothing of modules.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import dropwhile, takewhile
from typing import Any, NamedTuple

from tinygrad_edu.engine.value import Value


class Part(NamedTuple):
    """Something that is found in a module: a module, a parameter or a setting.

    path: how one gets there: "[0].weight".
    thing: what is found.
    parameter: the number of a parameter, which is that of the Value that it is or stands for; None of all else.
    """

    path: str
    thing: Any
    parameter: int | None = None

    @property
    def name(self) -> str:
        """The path as PyTorch writes it: "0.weight"."""
        return self.path.replace("[", ".").replace("]", "").replace("'", "").removeprefix(".")

    @property
    def is_kept(self) -> bool:
        """Whether it belongs to the state: a parameter, or what stands for one, or a Value that is frozen."""
        return self.parameter is not None or (isinstance(self.thing, Value) and self.thing.primitive is None)


def is_parameter(x: Any) -> bool:
    """Whether it can be trained: a Value that requires a gradient and was not computed."""
    return isinstance(x, Value) and x.requires_grad and x.primitive is None


@lru_cache(maxsize=1024)
def step_to(name: str) -> str:
    """How one gets to an attribute: a module in a row has a number for a name."""
    return f"[{name}]" if name.isdecimal() else f".{name}"


def identifier(steps: Sequence[str]) -> str:
    """What a parameter is called in sources and explanations: `hidden.weight` is hidden_weight, `0.weight` is weight_0."""
    numbers = takewhile(str.isdecimal, steps)
    return "_".join([*dropwhile(str.isdecimal, steps), *numbers])
