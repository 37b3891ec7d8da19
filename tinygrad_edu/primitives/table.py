"""The op table: every entry by name, how one is added, and what each of NumPy's functions is differentiated by."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinygrad_edu.primitives.primitive import Case, Domain, EachInput, Jointly, Primitive, Rule


@dataclass(frozen=True)
class Table:
    """The op table: every entry by name, and what each of NumPy's functions is differentiated by.

    `functions` also holds the compositions: NumPy functions that are differentiated because they are written
    in terms of entries, and need no rule of their own.
    """

    entries: dict[str, Primitive] = field(default_factory=dict)
    functions: dict[Callable[..., Any], Callable[..., Any]] = field(default_factory=dict)

    def add(self, entry: Primitive) -> Primitive:
        """Add an entry; a second one of the same name is a mistake."""
        if entry.name in self.entries:
            raise ValueError(f"the op table already has an entry named {entry.name!r}")
        self.entries[entry.name] = entry
        for function in entry.numpy:
            self.functions[function] = entry
        return entry

    def __iter__(self) -> Iterator[Primitive]:
        return iter(self.entries.values())


TABLE = Table()


def operation(
    forward: Callable[..., Any],
    *vjps: Rule | EachInput | Jointly | None,
    name: str = "",
    numpy: Iterable[Callable[..., Any]] = (),
    code: str = "",
    jax: str = "",
    latex: str = "",
    domain: tuple[Domain, ...] = (),
    cases: Iterable[Case] = (),
) -> Primitive:
    """Add an operation to the table: the forward function, one rule an input, and the fields of `Primitive`.

    A NumPy ufunc given as `forward` is also the NumPy function that the entry differentiates.
    """
    rules: Any = vjps[0] if len(vjps) == 1 and isinstance(vjps[0], EachInput | Jointly) else vjps
    is_ufunc = isinstance(forward, np.ufunc)
    return TABLE.add(
        Primitive(
            name=name or forward.__name__,
            forward=forward,
            vjps=rules,
            numpy=(forward,) if is_ufunc else tuple(numpy),
            code=code,
            jax=jax,
            latex=latex,
            domain=domain,
            cases=tuple(cases),
        )
    )


def composition(*functions: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Differentiate NumPy functions by writing them in terms of others: the decorated function takes their arguments."""

    def register(composed: Callable[..., Any]) -> Callable[..., Any]:
        for function in functions:
            TABLE.functions[function] = composed
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
