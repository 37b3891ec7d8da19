"""Arrays and what is known of them, in one file: safetensors, with JSON in its header. Nothing in such a file is ever run.

Models and checkpoints are written so. What the arrays are for is not known here, nor how a file is written (see `saving`).
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_edu.engine.messages import shortened
from tinygrad_edu.errors import DataError, MissingExtraError

Array = np.ndarray[Any, np.dtype[Any]]

SUFFIX = ".safetensors"
_OURS = "tinygrad_edu"


def file_of_arrays(arrays: Mapping[str, Any], facts: Mapping[str, Any]) -> bytes:
    """The content of a file that holds arrays by their names, and facts that are JSON.

    A digest of all that is in it goes along, so that whoever reads it notices a change.

    Raises
    ------
    MissingExtraError: if safetensors is not installed.
    DataError: if an array is not made of numbers or truths, or a fact is not JSON (NaN and infinities are not).

    >>> b'"facts\\\\": {\\\\"epoch\\\\": 3}' in file_of_arrays({"w": np.ones(2)}, {"epoch": 3})
    True
    """
    plain = {name: _plain(name, array) for name, array in arrays.items()}
    try:
        text = _json(facts)
        text.encode()  # half of a sign, as a surrogate is, has no bytes
    except (TypeError, ValueError) as error:
        raise DataError(f"these facts cannot be saved, since they are not JSON: {error}: {shortened(facts)}.") from error
    # One entry, since safetensors writes several in an order that changes from run to run.
    metadata = {_OURS: f'{{"sha256": "{_digest(plain, text)}", "facts": {text}}}'}
    content: bytes = safetensors_library().numpy.save(plain, metadata=metadata)
    return content


def read_arrays(path: str | os.PathLike[str], what: str) -> tuple[dict[str, Array], dict[str, Any]]:
    """The arrays and the facts of a file.

    what: what it should hold, as errors call it: "a model".

    Raises
    ------
    MissingExtraError: if safetensors is not installed.
    DataError: if the file is no such file, was cut off, or was changed since it was written.
    OSError: if it cannot be read, of the kind that says why (FileNotFoundError, IsADirectoryError).
    """
    safetensors = safetensors_library()
    content = Path(path).read_bytes()
    try:
        arrays = safetensors.numpy.load(content)
        metadata = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")]).get("__metadata__", {})
    except (safetensors.SafetensorError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} is not {what}, or is damaged (cut off, perhaps): {error}.") from error
    if _OURS not in metadata:
        raise DataError(f"{path} is a safetensors file, but not {what}: tinygrad_edu did not write it.")
    try:
        entry = json.loads(metadata[_OURS])
        is_whole = entry["sha256"] == _digest(arrays, _json(entry["facts"]))
    except (ValueError, KeyError, TypeError):
        is_whole = False
    if not is_whole:
        raise DataError(f"{path} is damaged: something in it was changed since it was written. Take a copy that is whole.")
    return arrays, entry["facts"]


def _json(facts: Any) -> str:
    return json.dumps(facts, ensure_ascii=False, allow_nan=False)


def _plain(name: str, given: Any) -> Array:
    """An array of numbers or truths, contiguous and in the byte order of the machine."""
    array = np.asarray(given)
    if array.dtype.kind not in "fiub" or array.dtype.itemsize > 8:
        raise DataError(
            f"the array {name!r} cannot be saved: it must be made of numbers of 64 bits at most, but has dtype {array.dtype}."
        )
    return array.astype(array.dtype.newbyteorder("="), order="C")


def _digest(arrays: Mapping[str, Array], facts: str) -> str:
    """A fingerprint of the facts and of the arrays: of their names, types, shapes and numbers."""
    digest = hashlib.sha256(facts.encode())
    for name in sorted(arrays):
        digest.update(repr((name, arrays[name].dtype.str, arrays[name].shape)).encode())
        digest.update(arrays[name].tobytes())
    return digest.hexdigest()


def safetensors_library() -> Any:
    """The library, or the error that says how to install it."""
    try:
        import safetensors.numpy
    except ImportError as error:
        raise MissingExtraError(
            'files of arrays need safetensors, which comes with the extra "safetensors": pip install "tinygrad_edu[safetensors]".'
        ) from error
    return safetensors
