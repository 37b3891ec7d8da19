"""What happened during training, step by step: the raw material of tables, curves and pictures.

A plain record, as a summary, a table and a curve. It knows neither the model that it tells of nor who will read it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinygrad_edu.graph.notation import number_text
from tinygrad_edu.training.history import Table, plotted

Array = np.ndarray[Any, np.dtype[Any]]

_NUMBERS_PER_STEP = 60  # what the objects of one step weigh, apart from their arrays


@dataclass(frozen=True, kw_only=True, eq=False)
class Step:
    """One step of gradient descent: where the model was, what it saw, and where it went.

    epoch: in which epoch, counted from 1, as the lecture and `to_table` count.
    samples: which rows of the data made up the batch, whole numbers of shape (batch,).
    weights, bias: before the step, of shape (features,), in the dtype of the samples, and a float; of a model with several outputs
        of shape (features, outputs) and (outputs,).
    loss: of the batch, at these weights.
    weights_gradient, bias_gradient: of that loss; the bias gradient is 0 where there is no intercept.
    new_weights, new_bias: after the step.

    A model makes them; see `History`. There is no error.

    >>> from tinygrad_edu.models import LinearRegression
    >>> step = LinearRegression(learning_rate=0.25, fit_intercept=False, init=(3.0, 0.0)).fit([[2.0]], [8.0]).history_.steps[0]
    >>> step.weights, step.loss, step.weights_gradient, step.new_weights
    (array([3.]), 2.0, array([-4.]), array([4.]))
    """

    epoch: int
    samples: Array
    weights: Array
    bias: Any
    loss: float
    weights_gradient: Array
    bias_gradient: Any
    new_weights: Array
    new_bias: Any

    @property
    def largest_gradient(self) -> float:
        """The largest component of the gradient, in absolute value."""
        return float(max(np.abs(self.weights_gradient).max(), np.abs(self.bias_gradient).max()))

    def _size(self) -> int:
        return _NUMBERS_PER_STEP + 3 * (self.weights.size + np.size(self.bias))


@dataclass(frozen=True, kw_only=True, eq=False)
class PerceptronStep(Step):
    """A step of the perceptron, with what it answered before the step. All are of shape (batch,), in the dtype of the samples.

    logits: x·w + b for each sample of the batch.
    outputs: 1 where the logit is positive, else 0.
    errors: t - y for each sample, 0 where the output is right.

    A model makes them, with what every `Step` has, too. There is no error.

    >>> from tinygrad_edu.models import Perceptron
    >>> step = Perceptron(learning_rate=0.1, init=((1.0, 1.0), 0.0)).fit([[1.5, -3.0]], [1]).history_.steps[0]
    >>> step.logits, step.outputs, step.errors, step.mistakes
    (array([-1.5]), array([0.]), array([1.]), 1)
    """

    logits: Array
    outputs: Array
    errors: Array

    @property
    def mistakes(self) -> int:
        """How many samples of the batch were wrong."""
        return int(np.count_nonzero(self.errors))

    def _size(self) -> int:
        return super()._size() + 3 * self.logits.size


def _columns(name: str, path: Array) -> dict[str, Array]:
    """A column for each number of a path of arrays, numbered if they are several: w, or w1, w2 and so on."""
    columns = path.reshape(len(path), -1).T if path.ndim > 1 else [path]
    names = [name] if len(columns) == 1 else [f"{name}{number}" for number in range(1, len(columns) + 1)]
    return dict(zip(names, columns, strict=True))


@dataclass(eq=False, repr=False)
class History:
    """All steps of a run, in order, and the loss of each epoch.

    steps: the steps; of a very long run only as many as there is room for, from the first one on.
    epoch_losses: for each epoch the loss of its samples, each at the moment when its batch was used.
    step_count: how many steps were taken, recorded or not.
    room: how many more numbers will be recorded (at first about 100 MB of them), so that a long run cannot fill the memory.

    A fitted model has one. There is no error.

    >>> from tinygrad_edu.models import LinearRegression
    >>> LinearRegression(learning_rate=0.25, fit_intercept=False, init=(3.0, 0.0)).fit([[2.0]], [8.0]).history_
    <History of 2 steps in 2 epochs: the loss goes from 2 to 0; .to_table() and .plot() show all of them>
    >>> history = LinearRegression(learning_rate=0.25, fit_intercept=False, init=(3.0, 0.0)).fit([[2.0]], [8.0]).history_
    >>> history.weights, history.losses, history.step_count
    (array([[3.],
           [4.],
           [4.]]), array([2., 0.]), 2)
    """

    steps: list[Step] = field(default_factory=list)
    epoch_losses: list[float] = field(default_factory=list)
    step_count: int = 0
    room: int = 12_000_000

    def __repr__(self) -> str:
        if not self.steps:
            return f"<History of {self.step_count} steps, of which none is recorded>"
        first, last = (number_text(step.loss) for step in (self.steps[0], self.steps[-1]))
        count, epochs = self.step_count, len(self.epoch_losses)
        recorded = "" if len(self.steps) == count else f", of which the first {len(self.steps)} are recorded"
        return (
            f"<History of {count} step{'s' * (count != 1)} in {epochs} epoch{'s' * (epochs != 1)}{recorded}: the loss goes from "
            f"{first} to {last}; .to_table() and .plot() show all of them>"
        )

    def copy(self) -> History:
        """The same steps, to which others can be added."""
        return History([*self.steps], [*self.epoch_losses], self.step_count, self.room)

    def add_epoch(self, steps: list[Step], loss: float) -> None:
        """Note the steps of an epoch, and its loss."""
        self.epoch_losses.append(loss)
        for step in steps:
            self.step_count += 1
            self.room -= step._size()
            if self.room >= 0:
                self.steps.append(step)

    @property
    def weights(self) -> Array:
        """The path of the weights, of shape (steps + 1, features), and with several outputs (steps + 1, features, outputs): before
        each step, and after the last."""
        return np.stack([step.weights for step in self.steps] + [step.new_weights for step in self.steps[-1:]])

    @property
    def biases(self) -> Array:
        """The path of the bias, of shape (steps + 1,), and with several outputs (steps + 1, outputs)."""
        return np.array([step.bias for step in self.steps] + [step.new_bias for step in self.steps[-1:]])

    @property
    def losses(self) -> Array:
        """The loss at each step, of shape (steps,)."""
        return np.array([step.loss for step in self.steps])

    def to_table(self) -> Table:
        """Every recorded step as a row: its number and its epoch, both counted from 1, its loss, the largest component of its
        gradient, and the weights and the bias before it; of a perceptron also how many samples were wrong.

        Returns
        -------
        A dict of columns by their names, each of shape (steps,), that is printed as a table.

        >>> from tinygrad_edu.models import LinearRegression
        >>> LinearRegression(learning_rate=0.25, fit_intercept=False, init=(3.0, 0.0)).fit([[2.0]], [8.0]).history_.to_table()
        step  epoch  loss  gradient  w  b
           1      1     2         4  3  0
           2      2     0         0  4  0
        """
        columns = {
            "step": np.arange(1, len(self.steps) + 1),
            "epoch": np.array([step.epoch for step in self.steps]),
            "loss": self.losses,
            "gradient": np.array([step.largest_gradient for step in self.steps]),
        }
        if self.steps and isinstance(self.steps[0], PerceptronStep):
            columns["mistakes"] = np.array([step.mistakes for step in self.steps if isinstance(step, PerceptronStep)])
        weights = _columns("w", self.weights[:-1]) if self.steps else {}
        return Table({**columns, **weights, **_columns("b", self.biases[:-1])})

    def plot(self, axes: Any = None) -> Any:
        """Draw the loss over the steps, and where a step saw a part of the samples only, that of each epoch.

        axes: Matplotlib's, to draw on; by default a new figure's, which a notebook shows. Returns the axes.

        Raises
        ------
        MissingExtraError: if Matplotlib is not installed.
        """
        losses, epochs = self.losses, np.array([step.epoch for step in self.steps])
        steps = np.arange(1, len(losses) + 1)
        curves = {"of the step's samples": (steps, losses)}
        ends = np.flatnonzero(np.diff(epochs, append=-1))
        if len(ends) < len(steps):
            curves["of the epoch"] = steps[ends], np.array(self.epoch_losses)[epochs[ends] - 1]
        return plotted(curves, "step", axes)
