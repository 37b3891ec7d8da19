"""Tables of text in files: CSV with a header line, read as it is meant, or refused with the line and the column.

What a column means is not known here; its cells are texts.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from tinygrad_edu.engine.messages import cut, shortened
from tinygrad_edu.errors import DataError

DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|", "space": " "}
"""Names for what is hard to type in a shell."""
_SNIFFED = ",;\t|"
_LONGEST_HEADER = 100_000  # of which the delimiter is sought


@dataclass(frozen=True, eq=False)
class Table:
    """The columns of a file.

    path: of the file.
    columns: for each name the cells, texts without spaces around them.
    lines: for each row the number of its line in the file, counted from 1.
    nameless: how many columns have no name in the header, and were left out.
    """

    path: str
    columns: Mapping[str, Sequence[str]]
    lines: Sequence[int]
    nameless: int = 0

    def __len__(self) -> int:
        return len(self.lines)

    def rows(self, chosen: Sequence[int]) -> Table:
        """The table of some of its rows."""
        columns = {name: [cells[row] for row in chosen] for name, cells in self.columns.items()}
        return Table(self.path, columns, [self.lines[row] for row in chosen], self.nameless)

    def with_columns(self, names: Sequence[str]) -> Table:
        """The table of some of its columns."""
        return Table(self.path, {name: self.columns[name] for name in names}, self.lines, self.nameless)

    def cells(self, name: str) -> Sequence[str]:
        """The cells of a column.

        Raises
        ------
        DataError: if there is none of that name; it names those that there are, and the nearest.
        """
        if name not in self.columns:
            raise DataError(f"{self.path}: there is no column {name!r}{nearest(name, [*self.columns])}")
        return self.columns[name]

    def complaint(self, row: int, name: str, words: str) -> DataError:
        """What is wrong with a cell."""
        return DataError(f"{self.path}, line {self.lines[row]}, column {name}: {words}")


def nearest(name: str, known: Sequence[str]) -> str:
    """The end of a message about a name that is not known: which there are, and which may be meant."""
    lower = {other.lower(): other for other in known}
    close = [lower[match] for match in get_close_matches(name.lower(), [*lower], n=1)]
    guess = f"; do you mean {close[0]!r}?" if close else "."
    return f"{guess} There are: {cut(', '.join(known), 400)}"


def read_table(path: str, delimiter: str | None = None) -> Table:
    """Read a CSV file.

    delimiter: what stands between the cells; None to find out from the header line.

    Raises
    ------
    DataError: if the file is not such a table.
    """
    records = read_records(path, delimiter)
    line, names = next(records, (0, []))
    if not names:
        raise DataError(f"{path}: the file is empty. A table begins with a line of the columns' names.")
    _check_names(path, line, names)
    rows = [*records]
    for line, cells in rows:
        if len(cells) != len(names):
            raise DataError(f"{path}, line {line}{_uneven(names, cells)}")
    if not rows:
        raise DataError(f"{path}: there are names of columns, but no rows below them.")
    by_column = zip(names, zip(*(cells for _, cells in rows), strict=True), strict=True)
    return Table(path, {name: cells for name, cells in by_column if name}, [line for line, _ in rows], names.count(""))


def read_records(path: str, delimiter: str | None = None) -> Iterator[tuple[int, list[str]]]:
    """The records of a CSV file that are not empty: of each its cells, and the number of the line in which it begins.

    delimiter: as for `read_table`.

    Raises
    ------
    DataError: if the file is not such a table.
    """
    text = _text(path)
    return _records(path, text, DELIMITERS.get(delimiter, delimiter) if delimiter else _sniffed(text))


def _text(path: str) -> str:
    try:
        content = Path(path).read_bytes()
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file.") from None
    except IsADirectoryError:
        raise DataError(f"{path}: this is a folder; name the file in it.") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: it cannot be read: {getattr(error, 'strerror', None) or error}.") from None
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError(f"{path}: the text is UTF-16; save it as UTF-8 (in Excel: “CSV UTF-8”).")
    if b"\0" in content or content.startswith((b"PK\3\4", b"%PDF", b"\x1f\x8b")):
        raise DataError(f"{path}: this is not text. If it is a spreadsheet or packed, save it as CSV first.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - content.rfind(b"\n", 0, error.start)
        raise DataError(
            f"{path}, line {line}, byte {column}: {content[error.start]:#04x} is not UTF-8. Save the file as UTF-8 (in Excel: "
            "“CSV UTF-8”), or convert it: iconv -f latin1 -t utf-8."
        ) from None


def _sniffed(text: str) -> str:
    """The sign that separates most names in the header."""
    header = next((line for line in io.StringIO(text, newline=None) if line.strip()), "")[:_LONGEST_HEADER]
    return max(_SNIFFED, key=lambda sign: len(next(csv.reader([header], delimiter=sign, skipinitialspace=True))))


def _records(path: str, text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    try:
        reader = csv.reader(
            io.StringIO(text, newline=None), delimiter=delimiter, skipinitialspace=not delimiter.isspace(), strict=True
        )
    except (TypeError, ValueError):
        known = ", ".join(DELIMITERS)
        raise DataError(f"a delimiter is a single sign, or one of {known}, but not {shortened(delimiter)}.") from None
    line = 1
    while True:
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            advice = ' A cell that holds a quotation mark is written in quotation marks, with "" for each.' if '"' in text else ""
            raise DataError(f"{path}, line {line}: the cells cannot be told apart: {error}.{advice}") from None
        cells = [cell.strip() for cell in record]
        if any(cells):
            yield line, cells
        line = reader.line_num + 1


def _check_names(path: str, line: int, names: list[str]) -> None:
    if all(_is_a_number(name) for name in names if name):
        raise DataError(
            f"{path}, line {line}: there are numbers where the names of the columns should be. Write a line of names above them."
        )
    for position, name in enumerate(names):
        if name and name in names[:position]:
            raise DataError(
                f"{path}, line {line}, column {name}: columns {names.index(name) + 1} and {position + 1} have the same name; "
                "give one of them another."
            )


def _is_a_number(name: str) -> bool:
    try:
        float(name)
    except ValueError:
        return False
    return True


def _uneven(names: list[str], cells: list[str]) -> str:
    """What to say of a line with more or fewer cells than the header has names."""
    counts = f"{len(cells)} cells, but the header has {len(names)}"
    if len(cells) < len(names):
        return f", column {names[len(cells)]}: the line ends before this column: it has {counts}."
    return f", after column {names[-1]}: the line goes on with {shortened(cells[len(names)])}: it has {counts}."
