"""Checks of what is said with a word: True or False, a name.

They know neither Values nor what the argument is for, only its name.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.engine.messages import shortened
from tinygrad_edu.errors import DataError


def flag(name: str, given: Any) -> bool:
    """`given` as a Python bool, if it is True or False. Text such as "no" would count as true.

    >>> flag("requires_grad", True)
    True
    """
    if isinstance(given, bool | np.bool_):
        return bool(given)
    raise DataError(f"{name} must be True or False, but is {shortened(given)}.")


def text(name: str, given: Any) -> str:
    """`given`, if it is text.

    >>> text("name", "theta")
    'theta'
    """
    if isinstance(given, str):
        return given
    raise DataError(f"{name} must be text, but is {shortened(given)}.")
