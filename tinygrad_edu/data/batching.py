"""The samples of an epoch in batches, each epoch in an order of its own.

The order follows from the seed and the number of the epoch alone. So a place in it is two numbers, and a run that was cut off goes
on from there as if nothing had been.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from tinygrad_edu.data.arrays import checked_arrays
from tinygrad_edu.engine.arguments import whole_number
from tinygrad_edu.engine.flags import flag
from tinygrad_edu.engine.messages import shortened
from tinygrad_edu.errors import DataError

Array = np.ndarray[Any, np.dtype[Any]]
Batch = tuple[Array, ...]


def batches(
    *arrays: Any, batch_size: int | None = 32, shuffle: bool = True, seed: int | None = 0, drop_last: bool = False
) -> Batches:
    """The samples in batches: `for X_batch, t_batch in batches(X, t, batch_size=32): ...` is one epoch.

    Parameters
    ----------
    arrays: the samples and their targets, one row a sample: `batches(X, t)`. They are not copied.
    batch_size: how many samples a batch has; None for all of them.
    shuffle: whether each epoch has an order of its own.
    seed: of the orders; None for another one each time.
    drop_last: whether a last batch that is smaller than the others is left out.

    Raises
    ------
    DataError, ShapeError: if the arrays are not made of numbers, are empty or of different lengths, or if no batch would be left.

    >>> data = batches([1.0, 2.0, 3.0], [10, 20, 30], batch_size=2, shuffle=False)
    >>> [(x.tolist(), t.tolist()) for x, t in data]
    [([1.0, 2.0], [10, 20]), ([3.0], [30])]
    >>> len(data), data.epoch
    (2, 1)
    """
    samples = checked_arrays(arrays)
    size = len(samples[0]) if batch_size is None else whole_number("batch_size", batch_size, at_least=1)
    seed = int(np.random.default_rng().integers(2**53)) if seed is None else whole_number("seed", seed, at_least=0)
    if flag("drop_last", drop_last) and size > len(samples[0]):
        raise DataError(f"with drop_last=True no batch of {size} is left of {len(samples[0])} samples; take a smaller batch_size.")
    return Batches(samples, size, flag("shuffle", shuffle), seed, drop_last)


class Batches:
    """What `batches` makes. Each loop over it is the next epoch; one that was broken off begins anew in the next loop.

    epoch: how many epochs have come to their end.

    After `load_state_dict` the next loop goes on in the middle of an epoch, with the batches that had not been given:

    >>> data = batches([1, 2, 3, 4, 5, 6], batch_size=2)
    >>> first = next(iter(data))
    >>> again = batches([1, 2, 3, 4, 5, 6], batch_size=2)
    >>> again.load_state_dict(data.state_dict())
    >>> [np.array_equal(x, y) for (x,), (y,) in zip(again, list(data)[1:], strict=True)]
    [True, True]
    """

    def __init__(self, arrays: list[Array], batch_size: int, shuffle: bool, seed: int, drop_last: bool) -> None:
        self.arrays = arrays
        self.batch_size = batch_size
        self.epoch = 0
        self._shuffle, self._seed, self._drop_last = shuffle, seed, drop_last
        self._given = 0  # batches of the present epoch
        self._skipped = 0  # those of the next loop that were given before it

    def __repr__(self) -> str:
        return f"<{len(self)} batches of {self.batch_size}, of {self.samples} samples, in epoch {self.epoch + 1}>"

    @property
    def samples(self) -> int:
        """How many samples there are."""
        return len(self.arrays[0])

    def __len__(self) -> int:
        """How many batches an epoch has."""
        whole, rest = divmod(self.samples, self.batch_size)
        return whole + (rest > 0 and not self._drop_last)

    def __iter__(self) -> Iterator[Batch]:
        self._given, self._skipped = self._skipped, 0
        return self._rest()

    def _rest(self) -> Iterator[Batch]:
        """The batches of the epoch that have not been given."""
        order = np.random.default_rng([self._seed, self.epoch]).permutation(self.samples) if self._shuffle else None
        while self._given < len(self):
            start = self._given * self.batch_size
            rows = slice(start, start + self.batch_size)
            self._given += 1
            yield tuple(array[rows if order is None else order[rows]] for array in self.arrays)
        self.epoch, self._given = self.epoch + 1, 0

    def state_dict(self) -> dict[str, Any]:
        """The place in the epoch, after the batch that was given last, and what decides on the order. All are plain numbers."""
        return {"epoch": self.epoch, "batch": self._given, **self._order()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there, with the same samples.

        Raises
        ------
        DataError: if it is no such state, or one of batches of other samples, of another size, or in another order.
        """
        try:
            epoch, batch = state["epoch"], state["batch"]
            differing = [name for name, x in self._order().items() if state[name] != x]
        except (TypeError, KeyError):
            raise DataError(f"a state_dict of batches was expected, but got {shortened(state)}.") from None
        if differing:
            name = differing[0]
            raise DataError(
                f"the state_dict is one of batches with {name} = {state[name]}, but these have {name} = {self._order()[name]}: the "
                "same place would be another one. Make them with the same data and settings."
            )
        self.epoch = whole_number("epoch", epoch, at_least=0)
        self._given = self._skipped = whole_number("batch", batch, at_least=0, at_most=len(self))

    def _order(self) -> dict[str, Any]:
        return {
            "samples": self.samples,
            "batch_size": self.batch_size,
            "shuffle": self._shuffle,
            "seed": self._seed,
            "drop_last": self._drop_last,
        }
