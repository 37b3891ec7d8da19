"""The tree that a function returned, written as an expression with a gap for each number or array."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

from tinygrad_edu.compiler.names import Names
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import DataError
from tinygrad_edu.graph.source import identifier
from tinygrad_edu.transforms.trees import beside, children_of, field_names, rebuilt, tree_leaves


@dataclass(frozen=True)
class Outline:
    """A tree without its numbers.

    pieces: of the expression; None stands for the next number or array, and `Rows` for a list.
    scope: what the expression refers to, by name: what makes trees of the user's own types, and static parts.
    definitions: statements that define the types for somebody who has not got them.
    """

    pieces: Sequence[str | Rows | None]
    scope: dict[str, Any]
    definitions: Sequence[str]

    def expression(self, results: Sequence[str]) -> str:
        """The expression with the results in the gaps."""
        remaining = iter(results)
        pieces = (
            piece.expression([*islice(remaining, piece.count * piece.pieces.count(None))]) if isinstance(piece, Rows) else piece
            for piece in self.pieces
        )
        return "".join(next(remaining) if piece is None else piece for piece in pieces)


@dataclass(frozen=True)
class Rows:
    """A list of several trees that are alike.

    count: how many they are.
    pieces: of the expression of each.
    """

    count: int
    pieces: Sequence[str | None]

    def expression(self, results: Sequence[str]) -> str:
        """The list. Where loops have left what is in it, it is made of the lists of these."""
        gaps = self.pieces.count(None)
        lists = [_as_list(results[gap::gaps]) for gap in range(gaps)]
        names = [f"each_{gap}" for gap in range(gaps)] if gaps > 1 else ["each"]
        if not gaps or not all(lists):
            rows = (_filled(self.pieces, iter(results[row * gaps : (row + 1) * gaps])) for row in range(self.count))
            return f"[{', '.join(rows)}]"
        if self.pieces == [None]:
            return lists[0]
        source = lists[0] if gaps == 1 else f"zip({', '.join(lists)})"
        return f"[{_filled(self.pieces, iter(names))} for {', '.join(names)} in {source}]"


def _filled(pieces: Sequence[str | None], results: Iterator[str]) -> str:
    return "".join(next(results) if piece is None else piece for piece in pieces)


def _as_list(results: Sequence[str]) -> str:
    """`h[1:4]` for `h[1]`, `h[2]`, `h[3]`, and in the opposite direction `h[3:0:-1]`; empty if they are no part of a list."""
    places = [result.removesuffix("]").rpartition("[") for result in results]
    name = places[0][0]
    if not name.isidentifier() or not all(place.isdecimal() for _, _, place in places):
        return ""
    first, step = int(places[0][2]), int(places[1][2]) - int(places[0][2])
    if step not in (1, -1) or places != [(name, "[", str(first + step * k)) for k in range(len(places))]:
        return ""
    end = first + step * len(places)
    return f"{name}[{first}:{end}]" if step == 1 else f"{name}[{first}:{end if end >= 0 else ''}:-1]"


def outline(tree: Any, is_number: Iterator[bool], taken: Iterable[str], oldest: int = 0) -> Outline:
    """The outline of a tree; `is_number` says of each leaf whether it is a number or array, `taken` are names in use.

    oldest: the serial number of the first Value of the run, which are other ones in each call.

    >>> found = outline({"w": 1.0, "how": "fast"}, iter([True, False]), ())
    >>> found.expression(["v"])
    "{'w': v, 'how': 'fast'}"
    """
    outliner = _Outliner(is_number, taken, oldest)
    pieces = list(outliner.pieces(tree))
    if type(tree) is tuple and len(tree) > 1:  # return a, b
        pieces = pieces[1:-1]
    return Outline(pieces, outliner.scope, outliner.definitions)


class _Outliner:
    """Walks through a tree and notes what its expression needs."""

    def __init__(self, is_number: Iterator[bool], taken: Iterable[str], oldest: int) -> None:
        self._is_number, self._names, self._oldest = is_number, Names(taken), oldest
        self.scope: dict[str, Any] = {}
        self.definitions: list[str] = []

    def pieces(self, tree: Any) -> Iterator[str | Rows | None]:
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

    def _plain(self, tree: Any, parts: Sequence[Any]) -> Iterator[str | Rows | None]:
        """A dict, list or tuple."""
        if isinstance(tree, dict):
            yield from self._between("{", [f"{self._key(key)}: " for key in tree], parts, "}")
        else:
            if type(tree) is list and len(parts) > 2:
                rows = [list(self.pieces(part)) for part in parts]
                if all(row == rows[0] for row in rows) and not any(isinstance(piece, Rows) for piece in rows[0]):
                    yield Rows(len(rows), [piece for piece in rows[0] if not isinstance(piece, Rows)])
                else:
                    yield "["
                    for position, row in enumerate(rows):
                        yield from [", "] * bool(position) + row
                    yield "]"
                return
            opening, closing = ("[", "]") if isinstance(tree, list) else ("(", ",)" if len(tree) == 1 else ")")
            yield from self._between(opening, [""] * len(parts), parts, closing)

    def _typed(self, tree: Any, parts: Sequence[Any]) -> Iterator[str | Rows | None]:
        """`Pair(first=a, second=b)`, `OrderedDict({'w': a})`"""
        name = self._type_name(tree)
        if _is_plain(tree):
            yield f"{name}("
            yield from self._plain(tree, parts)
            yield ")"
        else:
            fields = field_names(tree) or [step.removeprefix(".") for step, _ in children_of(tree) or ()]
            if all(field == identifier(field) for field in fields):
                yield from self._between(f"{name}(", [f"{field}=" for field in fields], parts, ")")
            else:  # a name that Python would read as another one
                yield from self._between(f"{name}(**{{", [f"{field!r}: " for field in fields], parts, "})")

    def _between(self, opening: str, labels: Sequence[str], parts: Sequence[Any], closing: str) -> Iterator[str | Rows | None]:
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
        kept = [name for name, x in beside(tree).items() if any(map(self._is_of_run, tree_leaves(x)))]
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
        elif not dataclasses.is_dataclass(tree):  # a class of another kind: somebody who has not got it gets its parts
            self.definitions.append(f"{name} = dict")
        else:
            self.definitions += ["from dataclasses import make_dataclass", f"{name} = make_dataclass({name!r}, {fields})"]
        return name

    def _is_of_run(self, x: Any) -> bool:
        return isinstance(x, Value) and x.serial >= self._oldest

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
