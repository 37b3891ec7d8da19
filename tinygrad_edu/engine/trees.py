"""Trees: arrays in nested dicts, lists, tuples, named tuples and dataclasses, as parameters of a model usually come.

Anything else is a leaf; None is a tree without leaves.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from functools import lru_cache
from typing import Any

import numpy as np

from tinygrad_edu.errors import DataError, ShapeError

Children = list[tuple[str, Any]]
"""Subtrees with their labels."""
_SEQUENCES = (list, tuple)


def children_of(tree: Any) -> Children | None:
    """The subtrees with their labels, or None for a leaf."""
    if is_leaf(tree):
        return None
    if tree is None:
        return []
    if isinstance(tree, dict):
        labelled = {f"[{key!r}]": child for key, child in tree.items()}
        if len(labelled) < len(tree):  # some keys are written alike
            labelled = {f"[{key!r} #{position}]": child for position, (key, child) in enumerate(tree.items(), 1)}
        return list(labelled.items())
    if isinstance(tree, _SEQUENCES):
        return [(f"[{position}]", child) for position, child in enumerate(tree)]
    return [(f".{field.name}", getattr(tree, field.name)) for field in dataclasses.fields(tree) if field.init]


def is_leaf(tree: Any) -> bool:
    """Whether there are no trees in it, which its type decides."""
    return _is_leaf_type(type(tree))  # type: ignore[arg-type]


@lru_cache(maxsize=1024)  # most arguments are leaves, and of few types
def _is_leaf_type(kind: Any) -> bool:
    return not (issubclass(kind, (dict, *_SEQUENCES)) or dataclasses.is_dataclass(kind) or kind is type(None))


def rebuilt(tree: Any, children: Sequence[Any]) -> Any:
    """A tree of the same kind with other subtrees."""
    if tree is None:
        return None
    if type(tree) is dict:
        return dict(zip(tree, children, strict=True))
    if isinstance(tree, dict):
        changed = copy(tree)  # which keeps what a subclass knows besides, such as the default of a defaultdict
        changed.update(zip(tree, children, strict=True))
        return changed
    if hasattr(tree, "_fields"):  # a named tuple takes its parts one by one
        return type(tree)(*children)
    if isinstance(tree, _SEQUENCES):
        return type(tree)(children)
    return _dataclass(tree, dict(zip((field.name for field in dataclasses.fields(tree) if field.init), children, strict=True)))


def _dataclass(tree: Any, fields: dict[str, Any]) -> Any:
    """A dataclass with other fields: made anew, so that what it computes from them is computed again.

    Where its constructor cannot do this (it changes its fields, asks for their numbers, or is given more than fields), the fields
    are replaced in a copy, and all else stays.
    """
    try:
        if is_as_constructed(tree):
            new = dataclasses.replace(tree, **fields)
            if all(getattr(new, name) is child for name, child in fields.items()):
                return new
    except Exception:  # a constructor may do anything
        pass
    return with_attributes(tree, fields)


def with_attributes(tree: Any, attributes: Mapping[str, Any]) -> Any:
    """A copy of an object with other attributes; no constructor is run."""
    new = copy(tree)
    for name, x in attributes.items():
        object.__setattr__(new, name, x)  # it may be frozen
    return new


def is_as_constructed(tree: Any) -> bool:
    """Whether the constructor makes the same of the same fields."""
    again = dataclasses.replace(tree)
    return all(_are_alike(x, getattr(again, name, None)) for name, x in getattr(tree, "__dict__", {}).items())


def _are_alike(a: Any, b: Any) -> bool:
    """Whether numbers are equal, and other things of the same type."""
    are_numbers = isinstance(a, np.ndarray | np.generic | float | int) and b is not None
    return bool(np.array_equal(a, b)) if are_numbers else type(a) is type(b)


def tree_map(f: Callable[[Any], Any], tree: Any) -> Any:
    """The same tree with `f(leaf)` for every leaf, which are called from left to right.

    >>> tree_map(lambda x: 10 * x, {"w": [1, 2], "b": None})
    {'w': [10, 20], 'b': None}
    """
    return f(tree) if is_leaf(tree) else tree_map_named(lambda _, leaf: f(leaf), tree)


def tree_map_named(f: Callable[[str, Any], Any], tree: Any, label: str = "") -> Any:
    """`tree_map` with the path of the leaf as first argument.

    >>> tree_map_named(lambda path, leaf: path, {"w": [1, 2]}, "params")
    {'w': ["params['w'][0]", "params['w'][1]"]}
    """
    if is_leaf(tree):
        return f(label, tree)
    path: list[str] = [label]
    parts = [
        (part, len(children)) if children is not None else (f("".join(path), part), None) for part, children in walked(tree, path)
    ]
    finished: list[Any] = []
    for part, count in reversed(parts):  # what is in a tree comes before it
        finished.append(part if count is None else rebuilt(part, [finished.pop() for _ in range(count)]))
    return finished.pop()


def tree_leaves_named(tree: Any, label: str = "") -> Iterator[tuple[str, Any]]:
    """The leaves with their paths, from left to right.

    >>> list(tree_leaves_named({"w": [1, 2]}, "params"))
    [("params['w'][0]", 1), ("params['w'][1]", 2)]
    """
    path = [label]
    return (("".join(path), part) for part, children in walked(tree, path) if children is None)


def tree_leaves(tree: Any) -> Iterator[Any]:
    """The leaves, from left to right.

    >>> list(tree_leaves({"w": [1, 2], "b": (3,)}))
    [1, 2, 3]
    """
    if is_leaf(tree):
        return iter((tree,))
    return (part for part, children in walked(tree, []) if children is None)


def walked(tree: Any, path: list[str]) -> Iterator[tuple[Any, Children | None]]:
    """Every part of a tree, each before what is in it and from left to right, and its children.

    The path, which begins with what the tree is called, is lengthened by the steps that lead to the part.
    However deep the tree is, nothing recurses.

    Raises
    ------
    DataError: if the tree contains itself.
    """
    children = children_of(tree)
    yield tree, children
    open_trees = {id(tree): iter(children)} if children else {}  # from the outermost one to the one that the walk is in
    while open_trees:
        inside, rest = open_trees.popitem()
        for step, part in rest:
            children = children_of(part)
            path.append(step)
            yield part, children
            if children:
                open_trees[inside] = rest
                if id(part) in open_trees:
                    raise DataError(f"{''.join(path)} is what contains it: a tree that contains itself has no end.")
                open_trees[id(part)] = iter(children)
                break
            path.pop()
        else:
            if open_trees:
                path.pop()


def demand_shallow(tree: Any, label: str, most: int) -> None:
    """Raise a DataError for a tree of more levels than these, or one that contains itself."""
    path = [label]
    if any(len(path) - 1 > most for _ in walked(tree, path)):
        raise DataError(f"{label} is nested more than {most} deep. Put its parts side by side, in one list or dict.")


def tree_leaves_like(tree: Any, model: Any, label: str) -> Iterator[tuple[str, Any, Any]]:
    """For each leaf of `model` its path, the leaf of `tree` in the same place, and itself. Dicts are matched by their keys.

    Raises
    ------
    ShapeError: if the structures differ.

    >>> [leaf for _, leaf, _ in tree_leaves_like({"b": 1, "a": 2}, {"a": 0, "b": 0}, "the tangents")]
    [2, 1]
    """
    counterparts, path = [tree], [label]
    for part, expected in walked(model, path):
        counterpart = counterparts.pop()
        found = children_of(counterpart)
        if expected is None and found is None:
            yield "".join(path), counterpart, part
            continue
        parts = dict(found or [])
        if found is None or expected is None or parts.keys() != dict(expected).keys():
            raise ShapeError(
                f"{''.join(path)} should be {_outline(expected)}, but is {_outline(found)}: the structures must match."
            )
        counterparts += [parts[step] for step, _ in reversed(expected)]


def _outline(children: Children | None) -> str:
    if children is None:
        return "an array"
    return f"a tree with the parts {', '.join(step for step, _ in children)}" if children else "None or empty"
