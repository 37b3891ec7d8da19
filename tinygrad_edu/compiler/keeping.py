"""What a user's own operation was given, kept as it was when it was applied, whatever becomes of the variables later.

A function that is made in a loop sees the loop's variable, which has its last value when the program runs.
"""

from __future__ import annotations

from copy import deepcopy
from types import CellType, FunctionType
from typing import Any

import numpy as np

from tinygrad_edu.primitives.primitive import Primitive


def kept(x: Any) -> Any:
    """The same operation, or parameter of one, which no later change of a variable, list or array reaches.

    >>> def outer():
    ...     factor = 2.0
    ...     double = Primitive(lambda x: factor * x, None, name="double")
    ...     kept_double = kept(double)
    ...     factor = 3.0
    ...     return double(1.0), kept_double(1.0)
    >>> outer()
    (3.0, 2.0)
    """
    if isinstance(x, Primitive):
        has_variables = isinstance(x.forward, FunctionType) and x.forward.__closure__
        return x.but(forward=_with_own_cells(x.forward)) if has_variables else x
    return deepcopy(x) if type(x) in (list, dict, set, np.ndarray) else x


def _with_own_cells(forward: Any) -> Any:
    cells = tuple(CellType(cell.cell_contents) if is_filled(cell) else CellType() for cell in forward.__closure__)
    own = FunctionType(forward.__code__, forward.__globals__, forward.__name__, forward.__defaults__, cells)
    own.__kwdefaults__, own.__dict__ = forward.__kwdefaults__, forward.__dict__
    own.__module__, own.__qualname__ = forward.__module__, forward.__qualname__
    return own


def is_filled(cell: CellType) -> bool:
    """Whether a variable that a function closes over has a value."""
    try:
        return cell.cell_contents is not cell
    except ValueError:  # it has none yet, or was deleted
        return False
