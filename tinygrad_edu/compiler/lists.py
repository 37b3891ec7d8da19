"""Inputs that come in a list: `layers[3]['W']` is the W of the fourth layer.

A loop goes through such a list, which is then one parameter of the program, however long it is. This module knows names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

_KEY = r"\[(?:\d+|'\w*')\]"
_PATH = re.compile(rf"(\w+)((?:{_KEY})*)")


class Place(NamedTuple):
    """An element of a list, or a part of one.

    before: the list.
    number: the place in it.
    after: which part of the element it is; empty for the whole.

    >>> [*places("layers[3]['W']")], [*places("x")]
    ([Place(before='layers', number=3, after="['W']")], [])
    """

    before: str
    number: int
    after: str


def places(name: str) -> Iterator[Place]:
    """The ways to see an input as an element of a list, or a part of one."""
    found = _PATH.fullmatch(name)
    if found is None:
        return
    base, keys = found[1], re.findall(_KEY, found[2])
    for at, key in enumerate(keys):
        if key[1:-1].isdecimal():
            yield Place(base + "".join(keys[:at]), int(key[1:-1]), "".join(keys[at + 1 :]))


def columns(names: Iterable[str]) -> dict[tuple[str, str], list[str]]:
    """For each list, and each part of its elements, the inputs that this part is in all of them, if there are at least two.

    >>> columns(["layers[0]['W']", "layers[0]['b']", "layers[1]['W']", "layers[1]['b']", "x"])[("layers", "['b']")]
    ["layers[0]['b']", "layers[1]['b']"]
    """
    names = list(names)
    found: dict[tuple[str, str], dict[int, str]] = {}
    for name in names:
        for place in places(name):
            found.setdefault((place.before, place.after), {})[place.number] = name
    strange = [name for name in names if not _PATH.fullmatch(name)]  # with keys that cannot be written down
    plain = {key: its for key, its in found.items() if not any(name.startswith(f"{key[0]}[") for name in strange)}
    whole = {key: its for key, its in plain.items() if len(its) > 1 and [*its] == [*range(len(its))]}
    return {key: [*its.values()] for key, its in whole.items()}


def written(base: str, leaves: Mapping[str, str]) -> str:
    """The expression of a list, given for each input in it the variable that holds it.

    >>> written("layers", {"layers[0]['W']": "a", "layers[0]['b']": "b", "layers[1]['W']": "c", "layers[1]['b']": "d"})
    "[{'W': a, 'b': b}, {'W': c, 'b': d}]"
    """
    tree: dict[str, Any] = {}
    for name, leaf in leaves.items():
        *inner, last = re.findall(_KEY, name[len(base) :])
        part = tree
        for key in inner:
            part = part.setdefault(key[1:-1], {})
        part[last[1:-1]] = leaf
    return _expression(tree)


def _expression(tree: Any) -> str:
    if isinstance(tree, str):
        return tree
    parts = {key: _expression(part) for key, part in tree.items()}
    if all(key.isdecimal() for key in parts):
        return f"[{', '.join(parts.values())}]"
    return f"{{{', '.join(f'{key}: {part}' for key, part in parts.items())}}}"
