"""Names for what a generated program computes."""

from __future__ import annotations

import builtins
from collections import Counter
from collections.abc import Iterable

NEEDED = frozenset({"np", "abs", "bool", "float", "int", "range", "reversed", "slice", "zip", "jax"})
"""What programs need by these names."""
_BUILT_IN = frozenset(dir(builtins))


def prefix(taken: Iterable[str]) -> str:
    """What none of these names begins with: generated code calls by it what it needs for itself."""
    found = "_tg_"
    while any(name.startswith(found) for name in taken):
        found = f"_{found}"
    return found


class Names:
    """Gives out names, none of them twice, and none that generated code needs for something else."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = {*NEEDED, *taken}
        self._numbers: Counter[str] = Counter()

    def unique(self, wanted: str) -> str:
        """The wanted name, or one that resembles it."""
        name = wanted
        while name in self._taken:
            self._numbers[wanted] += 1
            name = f"{wanted}_{self._numbers[wanted] + 1}"
        self._taken.add(name)
        return name

    def free(self, wanted: Iterable[str]) -> str:
        """The first of some names that has not been given out, or one that resembles it."""
        wanted = list(wanted)
        return self.unique(next((name for name in wanted if name not in self._taken), wanted[0]))

    def take(self, names: Iterable[str]) -> None:
        """These are something else's from now on."""
        self._taken.update(names)

    def local(self, wanted: Iterable[str]) -> str:
        """The same for a local variable, which does not hide a built-in function, either."""
        return self.free(name if name not in _BUILT_IN else f"{name}_" for name in wanted)
