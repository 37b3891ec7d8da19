"""How operands and failures are described to the user.

A message names the operation, the operands (by name where they have one), their shapes, and what to do.
"""

from __future__ import annotations

import linecache
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_edu.errors import DataError, IndexingError, ShapeError, TinygradError
from tinygrad_edu.escaping import in_html, one_line, printable
from tinygrad_edu.primitives.primitive import Primitive

GENERATED = "<tinygrad_edu"
"""How the file names of generated code begin."""
PACKAGE = str(Path(__file__).parents[1]) + os.sep
NUMPY = str(Path(np.__file__).parent) + os.sep
STANDARD = str(Path(os.__file__).parent) + os.sep
"""And those of this package, of NumPy and of Python's standard library."""
_OWN_CODE = (PACKAGE, NUMPY, GENERATED)


def users_line() -> str:
    """Where in the user's code we are: `at file.py:12: y = theta * x`."""
    frame = sys._getframe()
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_OWN_CODE):
        frame = frame.f_back
    file, line = frame.f_code.co_filename, frame.f_lineno
    return f"at {file}:{line}: {linecache.getline(file, line).strip()}".rstrip(": ")


def arose_here(error: BaseException) -> bool:
    """Whether an error comes from this package or NumPy, and not from a function of the user's that these called."""
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    return traceback is not None and traceback.tb_frame.f_code.co_filename.startswith(_OWN_CODE)


def described(value: Any) -> str:
    """`the Value 'w' of shape (3,)`."""
    name = f" {cut(value.name)!r}" if value.name else ""
    return f"the Value{name} of shape {value.shape}"


def name_of(f: Any) -> str:
    """What a user's function is called; a partial function, a model or another callable object may have no name."""
    return text_of(f, "__name__", type(f).__name__)


def text_of(thing: Any, attribute: str, otherwise: str) -> str:
    """An attribute that is text. That of an object of the user's may be anything."""
    found = getattr(thing, attribute, None)
    return found if isinstance(found, str) else otherwise


def _operand(x: Any) -> str:
    if hasattr(x, "__record_primitive__"):
        return f"{one_line(cut(x.name or 'a Value'))} of shape {x.shape}"
    return f"an array of shape {np.shape(x)}" if np.ndim(x) else f"the number {shortened(x)}"


def notebook_table(value: Any) -> str:
    """What a notebook shows of a Value: a row of its name, numbers, shape, dtype, gradient, and operation."""
    facts = {
        "name": value.name and cut(value.name),
        "numbers": _abbreviated(value._data),
        "shape": value.shape,
        "dtype": value.dtype if value.dtype != np.float64 else None,
        "gradient": None if value._grad is None else _abbreviated(value._grad),
        "made by": None if value.primitive is None else value.primitive.name,
    }
    shown = {heading: in_html(str(fact)) for heading, fact in facts.items() if fact is not None}
    headings = "".join(f"<th>{heading}</th>" for heading in shown)
    # Without this the rows of a matrix would run into one another.
    cells = "".join(f'<td style="white-space: pre; text-align: left">{fact}</td>' for fact in shown.values())
    return f"<table><tr>{headings}</tr><tr>{cells}</tr></table>"


def _abbreviated(array: Any) -> str:
    return np.array2string(array, separator=", ", threshold=20, edgeitems=2)


def listed(keywords: Iterable[str]) -> str:
    """`out=, where=`."""
    return ", ".join(f"{key}=" for key in keywords)


def shortened(x: Any) -> str:
    """The `repr`, cut off where it would drown the message."""
    try:
        return cut(repr(x), 60, "...")
    except RecursionError:
        return f"a {type(x).__name__} that is nested too deep to be shown"
    except Exception:  # an integer of thousands of digits, or an object that fails itself
        return f"of type {type(x).__name__}, which cannot be shown"


def cut(words: str, most: int = 40, end: str = "…") -> str:
    """The words, or the beginning of many.

    >>> cut("a name that goes on and on", 10)
    'a name th…'
    """
    return words if len(words) <= most else words[: most - len(end)] + end


_BROADCASTING = "shapes broadcast if, from the last axis backwards, lengths are equal or one is 1"


def failure(primitive: Primitive, inputs: Sequence[Any], error: Exception) -> Exception:
    """NumPy's complaint about an operation, told in terms of the operation and its operands."""
    if isinstance(error, TinygradError):
        return error
    operands = " and ".join(_operand(x) for x in inputs)
    own_name = text_of(primitive.forward, "__qualname__", "forward")  # by which Python calls it: <lambda>, say
    complaint = f"{primitive.name!r} failed on {operands}: {str(error).replace(f'{own_name}()', f'{primitive.name}()')}"
    advice = primitive.shapes or ("" if primitive.cases else _BROADCASTING)
    if isinstance(error, np.linalg.LinAlgError):  # a singular matrix, say, whatever its shape
        return np.linalg.LinAlgError(printable(complaint))
    if isinstance(error, IndexError):
        return IndexingError(complaint)
    if isinstance(error, ValueError):
        return ShapeError(f"{complaint}. Note that {advice}." if advice else complaint)
    return DataError(complaint)
