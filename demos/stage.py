"""What a demo needs to show itself: headings, text in two languages, tables, pictures, and checks against an oracle.

A demo says what it shows; this module knows how that looks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_edu.errors import MissingExtraError
from tinygrad_edu.languages import Text


def missing_extra(error: ImportError) -> MissingExtraError:
    """What to say where a library is not installed that a demo imports."""
    library = (error.name or "a library that is not installed").split(".")[0]
    return MissingExtraError(f'the demos need {library}; install it with: python -m pip install -e ".[demos]"')


try:
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.font_manager import get_font_names
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import Progress
    from rich.rule import Rule
    from rich.table import Table
except ImportError as error:
    raise missing_extra(error) from error

# Colours that colour-blind readers can tell apart (Okabe & Ito, 2008).
BLUE, ORANGE, GREEN, RED, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#8a8a8a"

_CHINESE = [
    "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Source Han Sans CN", "PingFang SC", "Heiti SC", "Hiragino Sans GB",
    "Microsoft YaHei", "SimHei", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "Noto Sans CJK JP",
]  # fmt: skip
CHINESE_FONTS = [name for name in _CHINESE if name in get_font_names()]
"""Those of this machine that have Chinese signs."""

mpl.rcParams.update(
    {
        "font.family": ["DejaVu Sans", *CHINESE_FONTS],
        "figure.dpi": 130,
        "font.size": 10,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "grid.alpha": 0.25,
        "axes.titlesize": 11,
        "legend.frameon": False,
    }
)


@dataclass
class Stage:
    """Where a demo shows itself.

    lang: `"en"` or `"zh"`, the language of the printed text, and of pictures where there is a font for it.
    out: the folder for the pictures.
    failures: what did not agree with its oracle.
    """

    lang: str
    out: Path
    console: Console = field(default_factory=lambda: Console(highlight=False))
    failures: list[str] = field(default_factory=list)

    def text(self, en: str, zh: str) -> str:
        """The text in the stage's language."""
        return Text(en, zh).in_language(self.lang)

    def label(self, en: str, zh: str) -> str:
        """The same for a picture: in English, where no font has Chinese signs."""
        return self.text(en, zh) if CHINESE_FONTS else en

    def title(self, title: Text, place: str) -> None:
        """The beginning of a demo, and which one of them all it is."""
        self.console.print()
        self.console.print(Rule(f"[bold]{escape(title.in_language(self.lang))}[/bold]  [dim]{place}[/dim]", style="blue"))

    def heading(self, en: str, zh: str) -> None:
        """The beginning of a part."""
        self.console.print(f"\n[bold blue]{escape(self.text(en, zh))}[/bold blue]")

    def say(self, en: str, zh: str) -> None:
        """A paragraph."""
        self.console.print(escape(self.text(en, zh)))

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[Any]], note: Text | None = None) -> None:
        """A table; numbers are shown with up to six digits."""
        table = Table(*columns, box=box.SIMPLE_HEAD, caption=note.in_language(self.lang) if note else None, caption_justify="left")
        for column in table.columns:
            column.justify = "right"
        for row in rows:
            table.add_row(*(escape(shown(cell)) for cell in row))
        self.console.print(table)

    def agree(self, what: str, ours: Any, oracle: Any, tolerance: float) -> None:
        """Show whether a result agrees with an independent one, and remember it if it does not.

        They agree if there are numbers to compare, of the same shape, and none differs by more than `tolerance`.
        """
        ours, oracle = np.asarray(ours, dtype=float), np.asarray(oracle, dtype=float)
        if ours.shape != oracle.shape or not ours.size:
            agrees, finding = False, f"shapes {ours.shape}, {oracle.shape}"
        else:
            difference = np.abs(ours - oracle).max()
            agrees = bool(difference <= tolerance)  # not so if the difference is NaN
            finding = f"Δ {difference:.1e} {'≤' if agrees else '≰'} {tolerance:g}"
        mark = "[green]✓[/green]" if agrees else "[bold red]✗[/bold red]"
        self.console.print(f"  {mark} {escape(what)}  [dim]({finding})[/dim]")
        if not agrees:
            self.failures.append(what)

    def reaches(self, what: str, ours: float, least: float) -> None:
        """Show whether a figure is as large as it should be at least, and remember it if it is not."""
        reached = bool(ours >= least)  # not so if it is NaN
        mark = "[green]✓[/green]" if reached else "[bold red]✗[/bold red]"
        self.console.print(f"  {mark} {escape(what)}  [dim]({shown(ours)} {'≥' if reached else '≱'} {shown(least)})[/dim]")
        if not reached:
            self.failures.append(what)

    def save(self, figure: Figure, name: str) -> None:
        """Write a picture as PNG."""
        self.out.mkdir(parents=True, exist_ok=True)
        path = self.out / f"{name}.png"
        figure.savefig(path, bbox_inches="tight")
        self.console.print(f"  [dim]{self.text('picture: ', '图：')}{path}[/dim]")

    @contextmanager
    def progress(self, what: str, total: int) -> Iterator[Callable[[int, float], None]]:
        """A progress bar for a long run, in a terminal only; gives the callback that moves it."""
        with Progress(console=self.console, transient=True, disable=not self.console.is_terminal) as bar:
            task = bar.add_task(what, total=total)
            yield lambda done, loss: bar.update(task, completed=done, description=f"{what}, loss {loss:.6g}")


def shown(cell: Any) -> str:
    """A table's cell as text."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, np.ndarray | list | tuple):
        return "(" + ", ".join(shown(part) for part in cell) + ")"
    return f"{cell + 0.0:.6g}"  # adding zero turns -0 into 0
