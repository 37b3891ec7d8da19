"""What happened in a training: columns of numbers, as a table and as curves.

It knows neither the model that it tells of nor who will read it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_edu.errors import MissingExtraError
from tinygrad_edu.graph.notation import number_text

Array = np.ndarray[Any, np.dtype[Any]]


class Table(dict[str, Array]):
    """Columns of equal length by their names, printed as a table; of a long or wide one the beginning and the end.

    What takes a dict of columns takes it: `pandas.DataFrame(table)`.

    There is no error.

    >>> Table(step=np.array([1, 2]), loss=np.array([2.0, 0.25]))
    step  loss
       1     2
       2  0.25
    """

    def __repr__(self) -> str:
        columns = [[name, *_ends([*map(number_text, column)])] for name, column in self.items()]
        widths = [max(map(len, column)) for column in columns]
        rows = (map(str.rjust, row, widths) for row in zip(*columns, strict=True))
        return "\n".join("  ".join(_ends([*row])) for row in rows)


_MOST_SHOWN = 12


def _ends(cells: list[str]) -> list[str]:
    """Cells, of which the middle ones are left out if they are many."""
    half = _MOST_SHOWN // 2
    return cells if len(cells) <= _MOST_SHOWN else [*cells[:half], "…", *cells[-half:]]


class History:
    """The epochs of a training, one row each: the mean loss of its batches, as each was used, and what was measured besides.

    columns: lists of numbers, by their names: "loss", and with held-out samples "held-out loss" and the names of the metrics.

    `fit` makes one. There is no error.

    >>> history = History()
    >>> history.add({"loss": 2.0})
    >>> history.add({"loss": 0.5})
    >>> history
    <History of 2 epochs: the loss goes from 2 to 0.5; .to_table() and .plot() show all of them>
    >>> history.to_table()
    epoch  loss
        1     2
        2   0.5
    """

    def __init__(self) -> None:
        self.columns: dict[str, list[float]] = {}

    def __len__(self) -> int:
        """How many epochs there were."""
        return len(next(iter(self.columns.values()), []))

    def __getitem__(self, name: str) -> list[float]:
        """A column: `history["loss"]`."""
        return self.columns[name]

    def __repr__(self) -> str:
        count = len(self)
        if not count:
            return "<History of 0 epochs>"
        first, last = (number_text(self["loss"][place]) for place in (0, -1))
        return (
            f"<History of {count} epoch{'s' * (count != 1)}: the loss goes from {first} to {last}; .to_table() and .plot() "
            "show all of them>"
        )

    def add(self, row: Mapping[str, float]) -> None:
        """Note an epoch, with the same columns as those before."""
        for name, x in row.items():
            self.columns.setdefault(name, []).append(x)

    def to_table(self) -> Table:
        """Every epoch as a row, with its number, counted from 1: a dict of columns, each of shape (epochs,), printed as a table."""
        return Table(epoch=np.arange(1, len(self) + 1), **{name: np.array(column) for name, column in self.columns.items()})

    def plot(self, axes: Any = None) -> Any:
        """Draw the losses over the epochs.

        axes: Matplotlib's, to draw on; by default a new figure's, which a notebook shows. Returns the axes.

        Raises
        ------
        MissingExtraError: if Matplotlib is not installed.
        """
        epochs = np.arange(1, len(self) + 1)
        return plotted({name: (epochs, np.array(x)) for name, x in self.columns.items() if name.endswith("loss")}, "epoch", axes)


def plotted(curves: Mapping[str, tuple[Array, Array]], over: str, axes: Any = None) -> Any:
    """Losses as curves with their names, of numbers across and up; with a scale of powers of ten where they need one.

    Raises
    ------
    MissingExtraError: if Matplotlib is not installed.
    """
    if axes is None:
        try:
            import matplotlib.pyplot as plt
        except ImportError as error:
            raise MissingExtraError(
                'plots need Matplotlib, which comes with the extra "plot": pip install "tinygrad_edu[plot]".'
            ) from error
        axes = plt.subplots(layout="constrained")[1]
    for (name, (across, up)), style in zip(curves.items(), (".-", "o-", *["-"] * len(curves)), strict=False):
        axes.plot(across, up, style, label=name)
    if len(curves) > 1:
        axes.legend()
    losses = next(iter(curves.values()), ((), np.zeros(0)))[1]
    if len(losses) and np.min(losses) > 0 and np.max(losses) > 100 * np.min(losses):
        axes.set_yscale("log")
    axes.set(xlabel=over, ylabel="loss")
    return axes
