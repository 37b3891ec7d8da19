"""The tree that a function returned, written as an expression with a gap for each number or array."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from typing import Any

from tinygrad_edu.compiler.names import Names
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import DataError
from tinygrad_edu.graph.source import identifier
from tinygrad_edu.transforms.trees import beside, children_of, field_names, rebuilt, tree_leaves


@dataclass(frozen=True)
class Outline:
    """A tree without its numbers.

    pieces: of the expression; None stands for the next number or array, and a number for a list of as many.
    scope: what the expression refers to, by name: what makes trees of the user's own types, and static parts.
    definitions: statements that define the types for somebody who has not got them.
    """

    pieces: Sequence[str | int | None]
    scope: dict[str, Any]
    definitions: Sequence[str]

    def expression(self, results: Sequence[str]) -> str:
        """The expression with the results in the gaps."""
        remaining = iter(results)
        pieces = (
            next(remaining) if piece is None else piece if isinstance(piece, str) else _listed(list(islice(remaining, piece)))
            for piece in self.pieces
        )
        return "".join(pieces)


def _listed(results: Sequence[str]) -> str:
    """A list of results. `[h[1], h[2], h[3]]` is `h[1:4]`, and in the opposite direction `h[3:0:-1]`."""
    places = [result.removesuffix("]").rpartition("[") for result in results]
    name = places[0][0]
    if len(places) > 1 and places[0][2] == "-1" and places[1][2].isdecimal():  # the last one
        places[0] = (name, "[", str(int(places[1][2]) + 1))
    if len(results) > 2 and name.isidentifier() and all(place.isdecimal() for _, _, place in places):
        first, step = int(places[0][2]), int(places[1][2]) - int(places[0][2])
        if step in (1, -1) and places == [(name, "[", str(first + step * k)) for k in range(len(places))]:
            end = first + step * len(places)
            return f"{name}[{first}:{end}]" if step == 1 else f"{name}[{first}:{end if end >= 0 else ''}:-1]"
    return f"[{', '.join(results)}]"


def outline(tree: Any, is_number: Iterator[bool], taken: Iterable[str]) -> Outline:
    """The outline of a tree; `is_number` says of each leaf whether it is a number or array, `taken` are names in use.

    >>> found = outline({"w": 1.0, "how": "fast"}, iter([True, False]), ())
    >>> found.expression(["v"])
    "{'w': v, 'how': 'fast'}"
    """
    outliner = _Outliner(is_number, taken)
    pieces = list(outliner.pieces(tree))
    if type(tree) is tuple and len(tree) > 1:  # return a, b
        pieces = pieces[1:-1]
    return Outline(pieces, outliner.scope, outliner.definitions)


class _Outliner:
    """Walks through a tree and notes what its expression needs."""

    def __init__(self, is_number: Iterator[bool], taken: Iterable[str]) -> None:
        self._is_number, self._names = is_number, Names(taken)
        self.scope: dict[str, Any] = {}
        self.definitions: list[str] = []

    def pieces(self, tree: Any) -> Iterator[str | int | None]:
        children = children_of(tree)
        if children is None:
            if next(self._is_number):
                yield None
            else:
                yield repr(tree) if type(tree) in (str, bool) else self._named(tree, "static")
            return
        parts = [child for _, child in children]
        if tree is None:
            yield "None"
        elif type(tree) in (dict, list, tuple):
            yield from self._plain(tree, parts)
        else:
            yield from self._typed(tree, parts)

    def _plain(self, tree: Any, parts: Sequence[Any]) -> Iterator[str | int | None]:
        """A dict, list or tuple."""
        if isinstance(tree, dict):
            yield from self._between("{", [f"{self._key(key)}: " for key in tree], parts, "}")
        else:
            if type(tree) is list and len(parts) > 2 and all(children_of(part) is None for part in parts):
                are_numbers = [next(self._is_number) for _ in parts]
                if all(are_numbers):
                    yield len(parts)
                    return
                self._is_number = chain(are_numbers, self._is_number)
            opening, closing = ("[", "]") if isinstance(tree, list) else ("(", ",)" if len(tree) == 1 else ")")
            yield from self._between(opening, [""] * len(parts), parts, closing)

    def _typed(self, tree: Any, parts: Sequence[Any]) -> Iterator[str | int | None]:
        """`Pair(first=a, second=b)`, `OrderedDict({'w': a})`"""
        name = self._type_name(tree)
        if _is_plain(tree):
            yield f"{name}("
            yield from self._plain(tree, parts)
            yield ")"
        else:
            fields = field_names(tree)
            if all(field == identifier(field) for field in fields):
                yield from self._between(f"{name}(", [f"{field}=" for field in fields], parts, ")")
            else:  # a name that Python would read as another one
                yield from self._between(f"{name}(**{{", [f"{field!r}: " for field in fields], parts, "})")

    def _between(self, opening: str, labels: Sequence[str], parts: Sequence[Any], closing: str) -> Iterator[str | int | None]:
        yield opening
        for position, (label, part) in enumerate(zip(labels, parts, strict=True)):
            yield f"{', ' if position else ''}{label}"
            yield from self.pieces(part)
        yield closing

    def _key(self, key: Any) -> str:
        return repr(key) if type(key) in (str, int, bool) or key is None else self._named(key, "key")

    def _type_name(self, tree: Any) -> str:
        """The name of what makes trees like this one, which keep what their type knows besides their parts."""
        empty = rebuilt(tree, [None] * len(children_of(tree) or ()))
        kept = [name for name, x in beside(tree).items() if any(isinstance(leaf, Value) for leaf in tree_leaves(x))]
        if kept:
            raise DataError(
                f"{type(tree).__name__} was returned with numbers in {', '.join(kept)}, which is no field of its constructor. "
                "A compiled function returns what is in fields, dicts, lists and tuples."
            )
        name = self._named(partial(_made_like, empty), identifier(type(tree).__name__))
        fields = field_names(tree)
        if hasattr(tree, "_fields"):
            self.definitions += ["from collections import namedtuple", f"{name} = namedtuple({name!r}, {fields})"]
        elif _is_plain(tree):
            base = next(base for base in (dict, list, tuple) if isinstance(tree, base)).__name__
            self.definitions.append(f"class {name}({base}):\n    pass")
        else:
            self.definitions += ["from dataclasses import make_dataclass", f"{name} = make_dataclass({name!r}, {fields})"]
        return name

    def _named(self, thing: Any, wanted: str) -> str:
        name = self._names.unique(wanted)
        self.scope[name] = thing
        return name


def _made_like(empty: Any, parts: Any = (), /, **fields: Any) -> Any:
    """A tree like an empty one. The parts come as a dict, list or tuple, or as fields by their names. No constructor is run."""
    children = fields or parts
    return rebuilt(empty, list(children.values() if isinstance(children, dict) else children))


def _is_plain(tree: Any) -> bool:
    """Whether it is made of a dict, list or tuple."""
    return isinstance(tree, dict | list | tuple) and not hasattr(tree, "_fields")
