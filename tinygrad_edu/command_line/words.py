"""How the command speaks: in English or Chinese, with tables that stand straight in a terminal, and a bar where it takes long.

What is said is not known here.
"""

from __future__ import annotations

import sys
import time
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tinygrad_edu.engine.messages import cut
from tinygrad_edu.escaping import one_line

_PATIENCE = 1.0  # seconds without a bar


@dataclass(frozen=True)
class Words:
    """Text in one of two languages."""

    lang: str

    def say(self, en: str, zh: str) -> str:
        """The same in the language that is asked for."""
        return zh if self.lang == "zh" else en


def shown(x: Any) -> str:
    """A cell of a table: numbers with four digits, words on one line and not too long."""
    return f"{x + 0.0:.4g}" if isinstance(x, float) else cut(one_line(str(x)), 24)


def grid(rows: Sequence[Sequence[Any]]) -> str:
    """Rows of cells as text, in columns that end at the same place. A Chinese sign is as wide as two others.

    >>> print(grid([["", "yes", "no"], ["是", 12, 0.5]]))
          yes   no
      是   12  0.5
    """
    cells = [[shown(cell) for cell in row] for row in rows]
    widths = [max(map(_width, column)) for column in zip(*cells, strict=True)]
    padded = ([" " * (width - _width(cell)) + cell for cell, width in zip(row, widths, strict=True)] for row in cells)
    return "\n".join(f"  {'  '.join(row)}" for row in padded)


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


@contextmanager
def progress(what: str, epochs: int) -> Iterator[Callable[[int, float], None] | None]:
    """A bar on the standard error, in a terminal and for longer runs only; gives the callback that moves it.

    It is rich's; without rich there is none.
    """
    try:
        from rich.console import Console
        from rich.progress import Progress
    except ImportError:
        yield None
        return
    console = Console(stderr=True)
    bar = Progress(console=console, transient=True, disable=not sys.stderr.isatty())
    task = bar.add_task(what, total=epochs)
    begin = time.monotonic()

    def moved(epoch: int, loss: float) -> None:
        if time.monotonic() - begin > _PATIENCE:
            bar.start()  # which does nothing the second time
            bar.update(task, completed=epoch, description=f"{what}, loss {loss:.4g}")

    try:
        yield moved
    finally:
        bar.stop()
