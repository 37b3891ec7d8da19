"""What the columns of a table mean to a model: which are numbers, which are text, what is missing, and what is to be told.

All of it is found out when a model is trained, and is saved with it for the tables to which it is applied later. The models are not
known here.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np

from tinygrad_edu.command_line.tables import Table
from tinygrad_edu.engine.messages import cut, shortened
from tinygrad_edu.errors import DataError

Array = np.ndarray[Any, np.dtype[Any]]

MISSING = {"", "?", "na", "n/a", "#n/a", "nan", "null", "none"}
"""What is written where there is no value, in small letters."""

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
FEW = 10
"""So many different values may be kinds, of however few samples."""
_MOST = 1000


def is_missing(cell: str) -> bool:
    """Whether a cell has no value."""
    return cell.lower() in MISSING


def is_number(cell: str) -> bool:
    """Whether a cell holds a number, as it is written in Python and in most tables: 3, -0.5, 1e-3."""
    return _NUMBER.fullmatch(cell) is not None


def holds_numbers(table: Table, name: str) -> bool:
    """Whether a column is one of numbers: most of its values are, and then all must be.

    Raises
    ------
    DataError: if only most of them are; it names the first that is none. Also if all values are missing.
    """
    found = [(row, is_number(cell)) for row, cell in enumerate(table.cells(name)) if not is_missing(cell)]
    if not found:
        raise DataError(f"{table.path}, column {name}: every value is missing. Leave the column out: --without {quoted(name)}.")
    numbers = sum(is_one for _, is_one in found)
    if numbers < len(found) / 2 or numbers == 0:
        return False
    for row, is_one in found:
        if not is_one:
            cell = table.cells(name)[row]
            comma = " Decimals are written with a point: 1.5." if is_number(cell.replace(",", ".", 1)) else ""
            raise table.complaint(
                row,
                name,
                f"{shortened(cell)} is not a number, but {numbers} of {len(found)} in this column are.{comma} Correct it, or read "
                f"the column as text (--text {quoted(name)}), or leave it out (--without {quoted(name)}).",
            )
    return True


def check_few(table: Table, name: str, texts: Sequence[str], advice: str) -> None:
    """Raise if a column has so many different texts that they name the samples."""
    if len(texts) > min(max(FEW, len(table) // 2), _MOST) or len(texts) == len(table) > 2:
        raise DataError(
            f"{table.path}, column {name}: {len(texts)} different values in {len(table)} rows, such as {shortened(texts[0])}, name "
            f"the samples rather than kinds of them.{advice}"
        )


def quoted(name: str) -> str:
    """A name as it is typed in a shell."""
    return name if re.fullmatch(r"[\w.-]+", name) else "'" + name.replace("'", "'\\''") + "'"


def _numbers(table: Table, name: str, missing: float | None) -> Array:
    """The column as numbers, of shape (samples,)."""
    found = []
    for row, cell in enumerate(table.cells(name)):
        if is_missing(cell):
            if missing is None:
                raise _is_missing_here(table, row, name)
            found.append(missing)
        elif not is_number(cell):
            raise table.complaint(row, name, f"{shortened(cell)} is not a number, but the model was trained with numbers there.")
        elif math.isinf(float(cell)):
            raise table.complaint(row, name, f"{cell} is too large for a number of 64 bits.")
        else:
            found.append(float(cell))
    return np.array(found)


def _is_missing_here(table: Table, row: int, name: str) -> DataError:
    cell = table.cells(name)[row]
    written = f"{cell!r} stands for no value" if cell else "the value is missing"
    return table.complaint(
        row,
        name,
        f"{written}. Write one, or train with --missing fill (the column's mean goes there, or the most frequent text), with "
        f"--missing skip (such lines are left out), or with --without {quoted(name)}.",
    )


# --- features ------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class NumberColumn:
    """A column of numbers x, of which a model gets (x - mean) / deviation; `missing` stands for a value that is missing."""

    name: str
    mean: float
    deviation: float
    missing: float | None

    @classmethod
    def learned(cls, table: Table, name: str, training: Sequence[int], standardize: bool, fill: bool) -> Self:
        """From a table, of which some rows are trained with."""
        part = table.rows(training)
        known = part.rows([row for row, cell in enumerate(part.cells(name)) if not is_missing(cell)]) if fill else part
        numbers = _numbers(known, name, None)
        mean, deviation = moments(numbers, f"{table.path}, column {name}")
        missing = mean if fill else None
        return cls(name, mean, deviation, missing) if standardize else cls(name, 0.0, 1.0, missing)

    @property
    def features(self) -> list[str]:
        """What the model gets, by names."""
        return [self.name]

    def matrix(self, table: Table) -> Array:
        """What the model gets, of shape (samples, 1)."""
        return ((_numbers(table, self.name, self.missing) - self.mean) / self.deviation)[:, None]


@dataclass(frozen=True)
class TextColumn:
    """A column of text, of which a model gets for each text that occurs a 1 where it stands, else 0 (one-hot)."""

    name: str
    texts: list[str]
    missing: str | None

    @classmethod
    def learned(cls, table: Table, name: str, fill: bool) -> Self:
        """From a table."""
        counts = Counter(cell for cell in table.cells(name) if not is_missing(cell))
        check_few(table, name, [*counts], f" Leave the column out: --without {quoted(name)}.")
        return cls(name, sorted(counts), counts.most_common(1)[0][0] if fill else None)

    @property
    def features(self) -> list[str]:
        """What the model gets, by names."""
        return [f"{self.name}={text}" for text in self.texts]

    def matrix(self, table: Table) -> Array:
        """What the model gets, of shape (samples, texts)."""
        places = {text: place for place, text in enumerate(self.texts)}
        matrix = np.zeros((len(table), len(places)))
        for row, cell in enumerate(table.cells(self.name)):
            text = self.missing if is_missing(cell) else cell
            if text is None:
                raise _is_missing_here(table, row, self.name)
            if text not in places:
                known = cut(", ".join(self.texts), 200)
                raise table.complaint(row, self.name, f"the model has never seen {shortened(text)} there; it knows {known}.")
            matrix[row, places[text]] = 1
        return matrix


Column = NumberColumn | TextColumn
_COLUMNS: dict[str, Callable[..., Column]] = {"numbers": NumberColumn, "text": TextColumn}


def matrix_of(columns: Sequence[Column], table: Table) -> Array:
    """What a model gets of a table, of shape (samples, features)."""
    return np.concatenate([column.matrix(table) for column in columns], axis=1)


def to_json(column: Column) -> dict[str, Any]:
    """A column as JSON."""
    return {"kind": next(kind for kind, made in _COLUMNS.items() if made is type(column)), **asdict(column)}


def from_json(facts: dict[str, Any]) -> Column:
    """A column from JSON."""
    return _COLUMNS[facts["kind"]](**{name: fact for name, fact in facts.items() if name != "kind"})


# --- targets -------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Target:
    """The column that is to be told: labels, which are texts or whole numbers, or numbers t, of which a model gets
    (t - mean) / deviation."""

    name: str
    is_labels: bool
    is_text: bool = False
    mean: float = 0.0
    deviation: float = 1.0

    def values(self, table: Table) -> Array:
        """The labels or the numbers themselves, of shape (samples,)."""
        for row, cell in enumerate(table.cells(self.name)):
            if is_missing(cell):
                raise table.complaint(row, self.name, "the target is missing. Write it, or --missing skip to leave such lines out.")
        if self.is_text:
            return np.array(table.cells(self.name))
        numbers = _numbers(table, self.name, None)
        return self._whole(numbers, table) if self.is_labels else numbers

    def _whole(self, numbers: Array, table: Table) -> Array:
        """Labels that are numbers: 1 and 1.0 are the same one."""
        fractions = np.flatnonzero(numbers % 1)
        if fractions.size:
            words = f"{table.cells(self.name)[fractions[0]]} is a quantity and no label. For quantities use --model linear, or mlp."
            raise table.complaint(int(fractions[0]), self.name, words)
        large = np.flatnonzero(np.abs(numbers) >= 2**53)  # from there on several whole numbers are one number of 64 bits
        if large.size:
            words = (
                f"{table.cells(self.name)[large[0]]} is too large for a whole number: read it as text, --text {quoted(self.name)}."
            )
            raise table.complaint(int(large[0]), self.name, words)
        return numbers.astype(np.int64)

    def scaled(self, values: Array) -> Array:
        """What a model gets of the values."""
        return values if self.is_labels else (values - self.mean) / self.deviation

    def unscaled(self, told: Array) -> Array:
        """What a model tells, as it is in a table."""
        return told if self.is_labels else told * self.deviation + self.mean


def moments(numbers: Array, where: str) -> tuple[float, float]:
    """The mean and the standard deviation; 1 for that of numbers that are all alike, which itself is a rounding error."""
    if not numbers.size:
        raise DataError(f"{where}: every value is missing in the rows that are trained with. Leave the column out: --without.")
    if np.all(numbers == numbers[0]):
        return float(numbers[0]), 1.0
    with np.errstate(over="ignore", invalid="ignore"):
        mean, deviation = float(np.mean(numbers)), float(np.std(numbers))
    if not math.isfinite(deviation):
        raise DataError(f"{where}: its numbers are too large to compute with; give them in another unit.")
    return mean, deviation or 1.0
