"""How far one is in the course: a file in the user's own folder. A course without such a file goes on all the same.

Which exercises there are is not known here.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

from tinygrad_edu.errors import DataError
from tinygrad_edu.languages import Text
from tinygrad_edu.saving import save

HOME = "TINYGRAD_EDU_HOME"
"""The environment variable that names another folder than ~/.tinygrad_edu."""


_TROUBLE = (OSError, ValueError)  # a ValueError from a folder that none can have


@dataclass
class Progress:
    """What was done.

    done: the numbers of the exercises that were answered right.
    hints: how many hints were asked for, by the exercise's number.
    notes: what the user should know of the file.
    can_be_kept: whether the file could be read, so that nothing in it is lost where it is written.
    """

    done: set[str] = field(default_factory=set)
    hints: dict[str, int] = field(default_factory=dict)
    notes: list[Text] = field(default_factory=list)
    can_be_kept: bool = True


def home() -> Path:
    """The user's own folder for the course. It need not be there.

    Raises
    ------
    DataError: if the user has none.
    """
    try:
        named = os.environ.get(HOME)
        return Path(named).expanduser() if named else Path.home() / ".tinygrad_edu"
    except RuntimeError:
        raise DataError(f"you have no home folder: name a folder in the environment variable {HOME}.") from None


def progress() -> Progress:
    """What the file says; nothing where there is none. A file that is damaged is set aside."""
    try:
        path = home() / "progress.json"
        content = path.read_bytes()
        try:
            found = json.loads(content)
            return Progress(
                {*map(str, found["done"])}, {str(number): max(0, int(count)) for number, count in found["hints"].items()}
            )
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
            aside = path.with_suffix(".damaged.json")
            path.replace(aside)
            return Progress(
                notes=[Text(f"(Your progress was damaged; that file is now {aside}.)", f"（进度文件已损坏，现改名为 {aside}。）")]
            )
    except FileNotFoundError:
        return Progress()
    except _TROUBLE as error:
        return Progress(notes=[_not_kept(error)], can_be_kept=False)


def change(changed: Callable[[Progress], None]) -> Progress:
    """Change what was done, and keep it. Returns how it is now, also where it cannot be kept.

    The file is read anew each time and replaced whole, and programs that run side by side wait for each other.
    """
    with _alone():
        now = progress()
        changed(now)
        if now.can_be_kept:
            try:
                home().mkdir(parents=True, exist_ok=True)
                content = json.dumps({"done": sorted(now.done), "hints": now.hints}, indent=1) + "\n"
                save(home() / "progress.json", "progress", {".json": lambda: content})
            except _TROUBLE as error:
                now.notes.append(_not_kept(error))
    return now


@contextmanager
def _alone() -> Iterator[None]:
    """Wait until no other program changes the file, where the system can tell: on Windows, and where nothing can be written, it
    can not."""
    with ExitStack() as stack:
        with suppress(*_TROUBLE, ImportError):
            home().mkdir(parents=True, exist_ok=True)
            lock = stack.enter_context((home() / "progress.lock").open("a"))
            fcntl = import_module("fcntl")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _not_kept(error: Exception) -> Text:
    why = getattr(error, "__cause__", None) or error
    words = getattr(why, "strerror", None) or str(why)
    return Text(f"(Your progress could not be kept: {words}.)", f"（进度没能保存：{words}。）")
