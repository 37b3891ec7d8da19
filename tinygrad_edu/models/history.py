"""What happened during training, step by step: the raw material of tables, curves and pictures.

A plain record. It knows neither the model that it tells of nor who will read it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

_NUMBERS_PER_STEP = 60  # what the objects of one step weigh, apart from their arrays


@dataclass(frozen=True, kw_only=True, eq=False)
class Step:
    """One step of gradient descent: where the model was, what it saw, and where it went.

    epoch: in which epoch, counted from 0.
    samples: which rows of the data made up the batch, whole numbers of shape (batch,).
    weights, bias: before the step, of shape (features,), in the dtype of the samples, and a float.
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
    bias: float
    loss: float
    weights_gradient: Array
    bias_gradient: float
    new_weights: Array
    new_bias: float

    @property
    def largest_gradient(self) -> float:
        """The largest component of the gradient, in absolute value."""
        return max(float(np.abs(self.weights_gradient).max()), abs(self.bias_gradient))

    def _size(self) -> int:
        return _NUMBERS_PER_STEP + 3 * self.weights.size


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


@dataclass(eq=False)
class History:
    """All steps of a run, in order, and the loss of each epoch.

    steps: the steps; of a very long run only as many as there is room for, from the first one on.
    epoch_losses: for each epoch the loss of its samples, each at the moment when its batch was used.
    step_count: how many steps were taken, recorded or not.
    room: how many more numbers will be recorded (at first about 100 MB of them), so that a long run cannot fill the memory.

    A fitted model has one. There is no error.

    >>> from tinygrad_edu.models import LinearRegression
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
        """The path of the weights, of shape (steps + 1, features): before each step, and after the last."""
        return np.stack([step.weights for step in self.steps] + [step.new_weights for step in self.steps[-1:]])

    @property
    def biases(self) -> Array:
        """The path of the bias, of shape (steps + 1,)."""
        return np.array([step.bias for step in self.steps] + [step.new_bias for step in self.steps[-1:]])

    @property
    def losses(self) -> Array:
        """The loss at each step, of shape (steps,)."""
        return np.array([step.loss for step in self.steps])
