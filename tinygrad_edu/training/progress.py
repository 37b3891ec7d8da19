"""A bar that shows how far a training has come: on the standard error, in a terminal, where rich is installed and it takes long."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from time import monotonic

_PATIENCE = 1.0  # seconds without a bar


@contextmanager
def progress(epochs: int, begun: int = 0, quiet: bool = False) -> Iterator[Callable[[int, float], None]]:
    """Gives the function that moves the bar: it takes the number of epochs done, and the loss.

    Parameters
    ----------
    epochs: how many there are to do.
    begun: how many are done already.
    quiet: whether there is no bar, whatever the terminal.

    There is no error: where there can be no bar there is none.

    >>> with progress(2) as moved:
    ...     moved(1, 0.5)
    """
    if quiet or not sys.stderr.isatty() or not find_spec("rich"):
        yield lambda epoch, loss: None
        return
    rich, console = import_module("rich.progress"), import_module("rich.console").Console(stderr=True)
    columns = ("{task.description}", rich.BarColumn(), rich.MofNCompleteColumn(), rich.TimeRemainingColumn())
    bar = rich.Progress(*columns, console=console)
    task = bar.add_task("training", total=epochs, completed=begun)
    begin = monotonic()

    def moved(epoch: int, loss: float) -> None:
        if monotonic() - begin > _PATIENCE:
            bar.start()  # which does nothing the second time
        bar.update(task, completed=epoch, description=f"loss {loss:.4g}")

    try:
        yield moved
    finally:
        bar.stop()
