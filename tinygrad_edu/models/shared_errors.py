"""Errors and warnings that scikit-learn has, too, under the same names: its tools look for its own classes.

Where scikit-learn is loaded, what is raised is of both classes; it is not imported here.
"""

from __future__ import annotations

import sys
from typing import Any


def shared(ours: type[Exception], *args: Any) -> Any:
    """An error or a warning of our class, and of scikit-learn's class of the same name, if that is loaded.

    >>> from tinygrad_edu.errors import NotFittedError
    >>> isinstance(shared(NotFittedError, "call fit first"), NotFittedError)
    True
    """
    theirs = getattr(sys.modules.get("sklearn.exceptions"), ours.__name__, None)
    if theirs is None:
        return ours(*args)
    # Pickled, it is made anew in the process that it is sent to.
    remade = {"__reduce__": lambda error: (shared, (ours, *error.args)), "__module__": ours.__module__}
    return type(ours.__name__, (ours, theirs), remade)(*args)
