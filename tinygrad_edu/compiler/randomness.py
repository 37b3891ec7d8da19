"""Whether a function draws from the generators of random numbers that everybody shares: `random`, and the old one of NumPy.

A generator of the function's own is not looked at here; it is noticed by what the function does with it.
"""

from __future__ import annotations

import pickle
import random
import sys
from collections.abc import Callable
from contextlib import nullcontext
from threading import RLock
from typing import Any

import numpy as np


def shared_state() -> Any:
    """Where the generators stand. That of NumPy has no state yet while nobody, or half of somebody, has imported it."""
    of_numpy = getattr(sys.modules.get("numpy.random"), "get_state", None)
    return random.getstate(), of_numpy and pickle.dumps(of_numpy(legacy=False))


def draws(run: Callable[[], Any]) -> bool:
    """Whether a run draws, or seeds, in this thread; the other threads may go on with it.

    NumPy's generator has a lock, which keeps the others out. Python's has none: there the calls of its methods are seen, as by a
    profiler. (Where a profiler is at work already, and with the lock of an older NumPy, which would keep out this thread, too, the
    states have to do.)
    """
    lock = np.random.get_bit_generator().lock  # type: ignore[attr-defined]
    calls: list[Any] = []

    def see(frame: Any, event: str, called: Any) -> None:
        if event == "c_call" and getattr(called, "__self__", None) is random.random.__self__:  # type: ignore[attr-defined]
            calls.append(called)

    is_free = sys.getprofile() is None
    with lock if isinstance(lock, type(RLock())) else nullcontext():
        of_python, of_numpy = shared_state()
        if is_free:
            sys.setprofile(see)
        try:
            run()
        finally:
            if is_free:
                sys.setprofile(None)
        now = shared_state()
    return bool(calls if is_free else now[0] != of_python) or now[1] != of_numpy
