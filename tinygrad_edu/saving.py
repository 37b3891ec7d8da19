"""Files are written whole or not at all: the one place that writes them.

It knows what suffixes and paths are, and nothing of what is in a file.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from tinygrad_edu.engine.messages import shortened
from tinygrad_edu.errors import DataError


def save(path: str | os.PathLike[str], what: str, forms: Mapping[str, Callable[[], str | bytes]]) -> Path:
    """Write the form that the suffix of the path asks for. Returns the path.

    A file that was there is replaced in one step, once the new one is on the disk: whatever goes wrong before leaves it as it was.
    It keeps its owner and its permissions, and a link to it stays a link.

    Parameters
    ----------
    what: what is saved, as errors call it.
    forms: for each suffix the function that makes the content.

    Raises
    ------
    DataError: if there is no form for the suffix, or no file can have such a name.
    OSError: if it cannot be written, of the kind that says why (PermissionError, IsADirectoryError).
    """
    try:
        path = Path(path)
    except TypeError:
        raise DataError(f"a path is text or a pathlib.Path, but got {type(path).__name__}: {shortened(path)}.") from None
    if path.suffix not in forms:
        *others, last = forms
        known = " or ".join([", ".join(others), last] if others else [last])
        raise DataError(f"{what} can be saved as {known}, but not as {path.suffix or 'a file without suffix'!r}.")
    try:
        before = _found(path)
        content = forms[path.suffix]()  # Graphviz writes temporary files of its own
        _write(path, before, content if isinstance(content, bytes) else content.encode())
    except OSError as error:
        why = error.strerror or error
        raise OSError(error.errno, f"{what} was not saved, and a file that was there is as it was: {why}", str(path)) from error
    return path


def _found(path: Path) -> os.stat_result | None:
    """What is there already: its kind, its owner and its permissions."""
    try:
        return path.stat()
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise DataError(f"no file can be called {shortened(str(path))}: {error}.") from None


def _write(path: Path, before: os.stat_result | None, data: bytes) -> None:
    if before is not None and not stat.S_ISREG(before.st_mode):
        path.write_bytes(data)  # a pipe or a device takes what it gets; a directory refuses
        return
    if before is not None and not os.access(path, os.W_OK):  # who may write in a folder may replace even what is read-only
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    target = Path(os.path.realpath(path))
    beside = target.with_name(f".{os.urandom(8).hex()}.tmp")  # its length does not depend on that of the name
    try:
        with beside.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if before is not None:
            with suppress(PermissionError, AttributeError):  # only root may give files away, and Windows knows no owners
                os.chown(beside, before.st_uid, before.st_gid)
            beside.chmod(stat.S_IMODE(before.st_mode))
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
