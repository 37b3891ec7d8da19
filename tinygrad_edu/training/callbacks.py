"""What may be done after an epoch. A callback is a function of the `Run`; one that remembers things has `state_dict`, too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tinygrad_edu.engine.arguments import number, whole_number
from tinygrad_edu.engine.flags import flag


class EarlyStopping:
    """Ends a training when its loss, that of the held-out samples if there are any, has not become better for a while.

    Parameters
    ----------
    patience: how many epochs in a row may be no better.
    least: better is a loss that is smaller by more than this.
    restore: whether the module gets back the numbers that it had after its best epoch, when this ends the training.

    Raises
    ------
    DataError: if a number is out of range.

    >>> import tinygrad_edu as tg
    >>> model = tg.nn.Linear(1, 1, rng=0)
    >>> stop = tg.training.EarlyStopping(patience=2, least=1e-9)
    >>> X, t = [[1.0], [2.0]], [[2.0], [4.0]]
    >>> history = tg.training.fit(model, tg.nn.mean_squared_error, tg.optim.SGD(lr=0.1), (X, t), epochs=5000, callbacks=[stop])
    >>> len(history) < 1000, model.weight.data.round(2)
    (True, array([[2.]]))
    """

    def __init__(self, patience: int = 10, *, least: float = 0.0, restore: bool = True) -> None:
        self.patience = whole_number("patience", patience, at_least=0)
        self.least = number("least", least, at_least=0)
        self.restore = flag("restore", restore)
        self._best, self._bad, self._module = float("inf"), 0, None

    def __call__(self, run: Any) -> None:
        """Look at the epoch that has ended."""
        if run.monitored < self._best - self.least:
            self._best, self._bad = run.monitored, 0
            self._module = run.module.state_dict() if self.restore else None
            return
        self._bad += 1
        if self._bad > self.patience:
            run.stop()
            if self._module is not None:
                run.module.load_state_dict(self._module)

    def state_dict(self) -> dict[str, Any]:
        """What it remembers."""
        return {"best": self._best, "bad": self._bad, "module": self._module}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        self._best, self._bad, self._module = state["best"], state["bad"], state["module"]
