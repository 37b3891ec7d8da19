"""What a formula's names are given as: `theta=3`, `x=[1, 2]`, `X=table.csv`, `w=array.npy`.

Values are numbers and arrays of 64 bits. What is computed with them is not known here.
"""

from __future__ import annotations

import keyword
import unicodedata
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_edu.command_line.columns import is_number
from tinygrad_edu.command_line.formulas import constant, quiet
from tinygrad_edu.command_line.tables import nearest, read_records
from tinygrad_edu.engine.messages import cut, shortened
from tinygrad_edu.errors import DataError

Array = np.ndarray[Any, np.dtype[Any]]


def given_values(typed: Sequence[str]) -> dict[str, float | Array]:
    """The names that were given, each with its number or its array of float64.

    Raises
    ------
    DataError: if something there is no name with a value, a name comes twice, or a value is not made of finite real numbers.

    >>> given_values(["theta=3", "x=[1, 1/2]"])
    {'theta': 3.0, 'x': array([1. , 0.5])}
    """
    values: dict[str, float | Array] = {}
    for pair in typed:
        name, sign, text = (part.strip() for part in pair.partition("="))
        if not sign:
            raise DataError(f"{shortened(pair)}: a name is given with its value, as in theta=3.")
        name = as_written(name)
        if name in values:
            raise DataError(f"{name} is given twice.")
        if not text:
            raise DataError(f"{name}= has no value. Write {name}=3, {name}=[1, 2], or {name}=data.npy.")
        values[name] = _value(name, text)
    return values


def as_written(name: str) -> str:
    """The name as Python's parser reads it in a formula, where ϑ is θ."""
    if not name.isidentifier():
        raise DataError(f"{shortened(name)} is no name: a name has letters, digits and _, and no digit first.")
    if keyword.iskeyword(name):
        raise DataError(f"{name} is a word of Python's, and no name in a formula. Take another, such as {name}_ or {name[:3]}.")
    return unicodedata.normalize("NFKC", name)


def chosen(names: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """Those of the names that are wanted, as --wrt says.

    Raises
    ------
    DataError: if one is not among them.
    """
    written = [as_written(name) for name in wanted]
    for name in written:
        if name not in names:
            raise DataError(f"--wrt {name}: there is no such name{nearest(name, names)}")
    return list(dict.fromkeys(written))


def _value(name: str, text: str) -> float | Array:
    suffix = Path(text).suffix.lower()
    values = _from_csv(text) if suffix == ".csv" else _from_npy(text) if suffix == ".npy" else constant(text, f"{name}={cut(text)}")
    if not values.size:
        raise DataError(f"{name}: there are no numbers in it.")
    if not np.all(np.isfinite(values)):
        place = np.argwhere(~np.isfinite(values))[0].tolist()
        raise DataError(f"{name}{place or ''} is {values[tuple(place)]}; give finite numbers.")
    return values if values.ndim else float(values)


def _from_npy(path: str) -> Array:
    try:
        with Path(path).open("rb") as file:
            values = np.lib.format.read_array(file, allow_pickle=False)
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file.") from None
    except OSError:
        raise
    except Exception as error:  # a header that is damaged raises what its parser raises
        raise DataError(f"{path} is no array that np.save wrote, or is damaged: {error}") from None
    if values.dtype.kind not in "fiu":
        raise DataError(f"{path}: an array of real numbers is needed, but its dtype is {values.dtype}.")
    with quiet():
        return np.asarray(values, dtype=np.float64)


def _from_csv(path: str) -> Array:
    """The numbers of a table, of shape (rows, columns), or of its one column, of shape (rows,)."""
    records = list(read_records(path))
    if records and not any(map(_is_like_a_number, records[0][1])):
        del records[0]  # a line of names
    for line, cells in records:
        if len(cells) != len(records[0][1]):
            raise DataError(f"{path}, line {line}: it has {len(cells)} cells, but line {records[0][0]} has {len(records[0][1])}.")
        for column, cell in enumerate(cells, 1):
            if not is_number(cell):
                raise DataError(f"{path}, line {line}, column {column}: {shortened(cell)} is not a number.")
    values = np.array([cells for _, cells in records], dtype=np.float64)
    return values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values


def _is_like_a_number(cell: str) -> bool:
    """Whether it may be meant for a number, and so is no name of a column: 3, 1_000, −5, $5, 50%, nan."""
    before_letters = takewhile(lambda sign: not sign.isalpha() and sign != "_", cell)
    return any(map(str.isnumeric, before_letters)) or cell.lower().lstrip("+-") in ("nan", "inf", "infinity")
