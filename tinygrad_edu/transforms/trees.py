"""Trees: arrays in nested dicts, lists, tuples, named tuples and dataclasses, as parameters of a model usually come.

Anything else is a leaf; None is a tree without leaves. A class of another kind is a tree, too, if it has the methods of `Tree`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from functools import cached_property, lru_cache
from inspect import getattr_static
from types import BuiltinFunctionType, FunctionType
from typing import Any, Protocol, Self

import numpy as np

from tinygrad_edu.errors import DataError, ShapeError
from tinygrad_edu.primitives.primitive import Primitive

Children = list[tuple[str, Any]]
"""Subtrees with their labels."""
_SEQUENCES = (list, tuple)


class Tree(Protocol):
    """What makes a class of one's own a tree. It need not inherit from here: the methods are looked for on the class.

    >>> class Box:
    ...     def __init__(self, content, label):
    ...         self.content, self.label = content, label
    ...     def __tree_parts__(self):
    ...         return {".content": self.content}
    ...     def __tree_with__(self, parts):
    ...         return Box(*parts, self.label)
    ...     def __tree_beside__(self):
    ...         return {"label": self.label}
    >>> tree_map(lambda x: 10 * x, Box(4, "four")).content
    40
    """

    def __tree_parts__(self) -> dict[str, Any]:
        """The subtrees and leaves, each with the step that leads to it: ".content", "[0]"."""

    def __tree_with__(self, parts: Sequence[Any]) -> Self:
        """One like it with other parts, in the same order."""

    def __tree_beside__(self) -> dict[str, Any]:
        """What it has beside its parts and every copy of it has, too."""


class StatefulTree(Tree, Protocol):
    """A tree of which attributes alone decide what its parts are, and what it has beside them: those in its `__dict__`.

    So a compiled function finds out what it was given without asking for its parts.
    """

    def __tree_state__(self) -> Iterator[tuple[str, str, Any]]:
        """These attributes: the name, the step that leads there, and what is there. Lists, tuples and dicts are looked into."""

    def __tree_leaf__(self, path: str, x: Any) -> int | None:
        """Whether what is found there is a leaf: its number then, under which it is the same leaf in other places."""


def _is_tree_class(kind: Any) -> bool:
    return hasattr(kind, "__tree_parts__")


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
    if _is_tree_class(type(tree)):
        return list(tree.__tree_parts__().items())
    return [(f".{name}", getattr(tree, name)) for name in field_names(tree)]


def field_names(tree: Any) -> list[str]:
    """The parameters of the constructor of a dataclass or named tuple; none of a dict, list or tuple."""
    if dataclasses.is_dataclass(tree):
        return [field.name for field in dataclasses.fields(tree) if field.init]
    return list(getattr(tree, "_fields", ()))


def is_leaf(tree: Any) -> bool:
    """Whether it is a leaf, which its type decides."""
    try:
        return _known_leaf_type(type(tree))
    except TypeError:  # a class whose own class has no hash
        return _is_leaf_type(type(tree))


def _is_leaf_type(kind: Any) -> bool:
    return not (
        issubclass(kind, (dict, *_SEQUENCES)) or dataclasses.is_dataclass(kind) or _is_tree_class(kind) or kind is type(None)
    )


_known_leaf_type: Callable[[Any], bool] = lru_cache(maxsize=1024)(_is_leaf_type)  # most arguments are leaves, and of few types


def rebuilt(tree: Any, children: Sequence[Any]) -> Any:
    """A tree of the same kind with other subtrees."""
    if tree is None:
        return None
    if type(tree) is dict:
        return dict(zip(tree, children, strict=True))
    if isinstance(tree, dict):
        changed = copy(tree)  # which keeps what a subclass knows besides, such as the default of a defaultdict
        for key, child in zip(tree, children, strict=True):  # a Counter's update would count
            changed[key] = child
        return changed
    if hasattr(tree, "_fields"):  # a named tuple takes its parts one by one
        return type(tree)(*children)
    if isinstance(tree, _SEQUENCES):
        return type(tree)(children)
    if _is_tree_class(type(tree)):
        return tree.__tree_with__(children)
    return _dataclass(tree, dict(zip(field_names(tree), children, strict=True)))


def _dataclass(tree: Any, fields: dict[str, Any]) -> Any:
    """A copy of a dataclass with other fields. No constructor is run; what it has beside its fields is kept.

    Raises
    ------
    DataError: if its constructor may have computed that from the fields, of which some are others now.
    """
    new = copy(tree)
    has_changed = any(x is not getattr(tree, name) for name, x in fields.items())
    has_integers = any(type(leaf) is int for leaf in tree_leaves([getattr(tree, name) for name in fields]))
    for name, x in beside(tree).items():
        if has_changed and _computes(type(tree)) and any(_may_follow(leaf, has_integers) for leaf in tree_leaves(x)):
            raise DataError(
                f"{type(tree).__name__} has {name} beside its fields. Transforms put other numbers into the fields and run no "
                f"constructor, so that {name} would not follow. Write a property in its place (@property, def {name}(self)), or "
                "make it a field that the constructor is given."
            )
        if type(x) in (list, dict, set):  # which copies must not share
            object.__setattr__(new, name, copy(x))
    for name in [name for name in getattr(new, "__dict__", ()) if _is_cached(type(tree), name)]:
        del new.__dict__[name]
    for name, x in fields.items():
        object.__setattr__(new, name, x)  # it may be frozen
    return new


def beside(tree: Any) -> dict[str, Any]:
    """What a tree has beside its parts: attributes that are no fields of a constructor. A cached property is found anew."""
    if _is_tree_class(type(tree)):
        return dict(tree.__tree_beside__())
    fields = dataclasses.fields(tree) if dataclasses.is_dataclass(tree) else ()
    parts = {field.name for field in fields if field.init}
    names = dict.fromkeys([*(field.name for field in fields), *getattr(tree, "__dict__", ())])
    kept = (name for name in names if name not in parts and hasattr(tree, name) and not _is_cached(type(tree), name))
    defaults = {field.name: field.default for field in fields}
    return {name: x for name in kept if (x := getattr(tree, name)) is not defaults.get(name, dataclasses.MISSING)}


def _is_cached(kind: type, name: str) -> bool:
    return isinstance(getattr_static(kind, name, None), cached_property)


def _computes(kind: type) -> bool:
    """Whether the constructor of a dataclass does more than to take its fields. (What dataclasses write has no file.)"""
    code = getattr(getattr_static(kind, "__init__"), "__code__", None)
    return hasattr(kind, "__post_init__") or (code is not None and code.co_filename != "<string>")


def _may_follow(x: Any, has_integers: bool) -> bool:
    """Whether something may have been computed from fields: text, a type, or a function that closes over nothing was not."""
    if isinstance(x, bool | str | bytes | type | np.ufunc | BuiltinFunctionType | Primitive):
        return False
    if isinstance(x, int):
        return has_integers
    return not (isinstance(x, FunctionType) and x.__closure__ is None)


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


def has_leaf(is_wanted: Callable[[Any], bool], tree: Any) -> bool:
    """Whether a tree has such a leaf. Each part is looked at once, so that one that contains itself has an end, too.

    >>> has_leaf(callable, {"w": [1, print]})
    True
    """
    if is_leaf(tree):
        return is_wanted(tree)
    to_visit, seen = [tree], set()
    while to_visit:
        children = children_of(part := to_visit.pop())
        if children is None and is_wanted(part):
            return True
        if children and id(part) not in seen:
            seen.add(id(part))
            to_visit.extend(child for _, child in children)
    return False


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
