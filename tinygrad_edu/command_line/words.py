"""How the command speaks: in English or Chinese, and with tables that stand straight in a terminal.

What is said is not known here.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tinygrad_edu.engine.messages import cut
from tinygrad_edu.escaping import one_line


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
