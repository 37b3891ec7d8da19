"""A state as one file: the arrays in a tree, and all else in it as JSON. What is in a state is not known here."""

from __future__ import annotations

import math
import os
import re
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_edu.array_files import SUFFIX, file_of_arrays, read_arrays
from tinygrad_edu.engine.messages import shortened
from tinygrad_edu.errors import DataError
from tinygrad_edu.saving import save
from tinygrad_edu.transforms.trees import tree_map_named

_ARRAY = "__array__"
"""The key of what stands for an array in the JSON. No other dict may have it."""


def save_state(path: str | os.PathLike[str], state: Any) -> Path:
    """Write a state to a file, whole or not at all. Returns the path.

    Parameters
    ----------
    path: it ends in .safetensors.
    state: a tree of dicts with text as keys, and lists, of arrays, numbers, text, booleans and None: `model.state_dict()`, say.

    Raises
    ------
    DataError: if the state holds anything else, or the path ends otherwise.
    MissingExtraError: if safetensors is not installed.
    OSError: if it cannot be written; a file that was there is as it was.

    >>> import tempfile, tinygrad_edu as tg
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = save_state(f"{folder}/line.safetensors", {"weight": np.array([1.0, 2.0]), "steps": 3})
    ...     load_state(path)
    {'weight': array([1., 2.]), 'steps': 3}
    """
    return save(path, "the state", {SUFFIX: lambda: _packed(state)})


def load_state(path: str | os.PathLike[str]) -> Any:
    """Read a state that `save_state` wrote.

    Raises
    ------
    DataError: if the file is cut off, was changed, or is none of these. It names the file.
    MissingExtraError: if safetensors is not installed.
    FileNotFoundError: if there is no such file.

    >>> load_state("nowhere.safetensors")
    Traceback (most recent call last):
        ...
    FileNotFoundError: [Errno 2] No such file or directory: 'nowhere.safetensors'
    """
    arrays, facts = read_arrays(path, "a state")
    if facts.keys() != {"state"}:
        raise DataError(f"{path} holds something else than a state.")
    return _unpacked(facts["state"], arrays)


def _packed(state: Any) -> bytes:
    arrays: dict[str, Any] = {}

    def noted(path: str, leaf: Any) -> Any:
        if f"['{_ARRAY}']" in path:
            raise DataError(f"{_ARRAY!r} is no key for a state, since it marks the arrays in the file; choose another one.")
        if isinstance(leaf, np.ndarray | np.generic) or (isinstance(leaf, float) and not math.isfinite(leaf)):
            name = re.sub(r"[\[\]']+", ".", path).strip(".") or "array"
            name = path if name in arrays else name  # a.b is called as ["a"]["b"] is
            arrays[name] = leaf
            return {_ARRAY: name}
        if leaf is None or isinstance(leaf, bool | int | float | str):
            return leaf
        raise DataError(f"a state holds arrays, numbers, text, booleans and None, but state{path} is {shortened(leaf)}.")

    _demand_keys_of_text(state)
    return file_of_arrays(arrays, {"state": tree_map_named(noted, state)})


def _demand_keys_of_text(state: Any) -> None:
    if isinstance(state, dict):
        for key in state:
            if not isinstance(key, str):
                raise DataError(f"the keys of a state are text, but one is {shortened(key)}: it would come back as text.")
    for part in state.values() if isinstance(state, dict) else state if isinstance(state, list | tuple) else ():
        _demand_keys_of_text(part)


def _unpacked(tree: Any, arrays: dict[str, Any]) -> Any:
    if isinstance(tree, dict):
        if tree.keys() == {_ARRAY}:
            return arrays[tree[_ARRAY]][()]
        return {name: _unpacked(part, arrays) for name, part in tree.items()}
    return [_unpacked(part, arrays) for part in tree] if isinstance(tree, list) else tree
