"""The op table: every entry by name, how one is added, and what each of NumPy's functions is differentiated by."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, ParamSpec

import numpy as np

from tinygrad_edu.errors import DataError
from tinygrad_edu.primitives.primitive import Primitive

P = ParamSpec("P")


@dataclass(frozen=True)
class Table:
    """The op table: every entry by name, and what each of NumPy's functions is differentiated by.

    `functions` also holds the compositions: NumPy functions that are differentiated because they are written
    in terms of entries, and need no rule of their own. `instead` says what to do in a function to be compiled instead of calling
    one whose result has a shape or a dtype that depends on the numbers.
    """

    entries: dict[str, Primitive] = field(default_factory=dict)
    functions: dict[Callable[..., Any], Callable[..., Any]] = field(default_factory=dict)
    instead: dict[Callable[..., Any], str] = field(default_factory=dict)

    def add(self, entry: Primitive) -> Primitive:
        """Add an entry; a second one of the same name is a mistake."""
        if not entry.name.isidentifier():  # that of a lambda, say
            raise DataError(f'an operation needs a name of its own, but this one is called {entry.name!r}. Write name="cube", say.')
        if entry.name in self.entries:
            raise DataError(f"the op table already has an entry named {entry.name!r}. Give the new one another name=.")
        self.differentiate(entry.numpy, entry)
        self.entries[entry.name] = entry
        return entry

    def differentiate(self, functions: Sequence[Callable[..., Any]], by: Callable[..., Any], calling: Any = None) -> None:
        """State what differentiates functions of NumPy's; a mistake for one that something else than `calling` differentiates."""
        for function in functions:
            if self.functions.get(function, calling) is not calling:
                raise DataError(
                    f"{numpy_name(function)} is differentiated already, by {self.functions[function]!r}. Change that one instead, "
                    "or, if it is an entry whose arguments the new function puts in order, write composition(..., calling=entry)."
                )
        self.functions.update(dict.fromkeys(functions, by))

    def __iter__(self) -> Iterator[Primitive]:
        return iter(self.entries.values())


TABLE = Table()


def _added(make: Callable[P, Primitive]) -> Callable[P, Primitive]:
    @wraps(make, assigned=())
    def operation(*args: P.args, **kwargs: P.kwargs) -> Primitive:
        """Add an operation to the table: the forward function, one rule an input, and the other fields of `Primitive`.

        Raises
        ------
        DataError: if there is an entry of this name or for one of these NumPy functions already, or if the forward function has no
            name that could be the entry's (a lambda, say) and none is given.
        """
        return TABLE.add(make(*args, **kwargs))

    return operation


operation = _added(Primitive)


def composition(
    *functions: Callable[..., Any], calling: Primitive | None = None
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Differentiate NumPy functions by writing them in terms of others: the decorated function takes their arguments.

    Parameters
    ----------
    calling: the entry that these functions are differentiated by so far, if they are: the decorated function comes before it.

    Raises
    ------
    DataError: if one of the functions is differentiated by something else already.
    """

    def register(composed: Callable[..., Any]) -> Callable[..., Any]:
        TABLE.differentiate(functions, composed, calling)
        return composed

    return register


def numpy_name(function: Callable[..., Any]) -> str:
    """A function of NumPy's as it is written in Python.

    >>> numpy_name(np.linalg.inv), numpy_name(np.add), numpy_name(np.add.reduce)
    ('np.linalg.inv', 'np.add', 'np.add.reduce')
    """
    if isinstance(ufunc := getattr(function, "__self__", None), np.ufunc):
        return f"np.{ufunc.__name__}.{function.__name__}"
    return f"{getattr(function, '__module__', None) or 'numpy'}.{function.__name__}".replace("numpy", "np", 1)
