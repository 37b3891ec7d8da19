"""The descent page: gradient descent on a parabola, or the perceptron's moving line, as it was recorded.

The curvature of the parabola is read off the recorded gradients; what the loss is computed from is not known here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_edu.errors import DataError
from tinygrad_edu.explain.page import page
from tinygrad_edu.messages import shortened

MOST_STEPS = 200
"""Of longer histories the page shows so many steps."""


def explain_descent(trained: Any, X: Any = None, *, learning_rate: float | None = None) -> Descent:
    """Show a run of gradient descent as a page with the steps on the loss, or with the line that moves.

    For one weight without a bias, and a loss that is a parabola: the parabola with the steps on it, and a slider for the learning
    rate that redraws the path at once. Twice the inverse of the curvature λ, the bound of stability, is marked.
    For a perceptron with two features: the samples, and the line between both labels after every step.

    Parameters
    ----------
    trained: a fitted model, or its history (`model.history_`, or `.history` of the error where training diverged).
    X: for a perceptron, the samples that it was fitted to, of shape (samples, 2).
    learning_rate: where the slider begins. By default it is read off the first step.

    Raises
    ------
    DataError: if the history is of something else, or X is missing or does not fit to it.

    >>> import tinygrad_edu as tg
    >>> model = tg.models.LinearRegression(learning_rate=0.25, fit_intercept=False, init=(3.0, 0.0)).fit([[2.0]], [8.0])
    >>> tg.explain_descent(model).facts["curvature"]
    4.0
    """
    steps = list(getattr(getattr(trained, "history_", trained), "steps", ()))[:MOST_STEPS]
    if not steps:
        raise DataError(
            f"a fitted model or its history is needed to show its steps, but got {type(trained).__name__}: {shortened(trained)}."
        )
    if hasattr(steps[0], "logits"):
        return Descent("line", _line(steps, X))
    return Descent("parabola", _parabola(steps, learning_rate))


class Descent:
    """A page about a run of gradient descent.

    facts: what the page shows, made of numbers and lists.
    """

    def __init__(self, kind: str, facts: dict[str, Any]) -> None:
        self.facts = {"kind": kind, **facts}

    def to_html(self) -> str:
        """One file of HTML that needs nothing else."""
        return page("descent", "Gradient descent" if self.facts["kind"] == "parabola" else "The perceptron", self.facts)

    def save(self, path: str | Path) -> Path:
        """Write the page to a file. Returns the path."""
        path = Path(path)
        if path.suffix != ".html":
            raise DataError(f"this page can be saved as .html, but not as {path.suffix or 'a file without suffix'!r}.")
        path.write_text(self.to_html(), "utf-8")
        return path


def _parabola(steps: Sequence[Any], learning_rate: float | None) -> dict[str, Any]:
    if steps[0].weights.size != 1 or any(step.bias_gradient for step in steps):
        raise DataError(
            "the page shows the loss over one weight, but this model has more parameters. Fit one with a single feature and "
            "fit_intercept=False."
        )
    finite = [step for step in steps if math.isfinite(step.loss)]
    thetas = [step.weights.item() for step in finite]
    gradients = [step.weights_gradient.item() for step in finite]
    moved = next((number for number, theta in enumerate(thetas) if theta != thetas[0]), None)
    if moved is None:
        raise DataError("the page needs two steps at different weights, but the first step ended where it began: start elsewhere.")
    curvature = (gradients[moved] - gradients[0]) / (thetas[moved] - thetas[0])
    expected = gradients[0] + curvature * (np.array(thetas) - thetas[0])
    if curvature <= 0 or not np.allclose(gradients, expected, rtol=1e-6, atol=1e-6 * abs(gradients[0])):
        raise DataError(
            "the loss of this history is no parabola over the weight: its gradients do not lie on a line. The page is for linear "
            "regression on all samples at once (batch_size=None)."
        )
    rate = (thetas[0] - steps[0].new_weights.item()) / gradients[0] if learning_rate is None else learning_rate
    return {
        "start": thetas[0],
        "minimum": thetas[0] - gradients[0] / curvature,
        "leastLoss": steps[0].loss - gradients[0] ** 2 / (2 * curvature),
        "curvature": curvature,
        "rate": float(f"{rate:.12g}"),
    }


def _line(steps: Sequence[Any], X: Any) -> dict[str, Any]:
    samples = np.asarray(X, dtype=float) if X is not None else np.empty(0)
    if samples.ndim != 2 or samples.shape[1] != 2 or steps[0].weights.size != 2:
        raise DataError(
            "the page of a perceptron shows samples with two features; pass them as explain_descent(model, X) with X of shape "
            f"(samples, 2). Here X has shape {samples.shape}, and the model {steps[0].weights.size} features."
        )
    targets = np.full(len(samples), np.nan)
    for step in steps:
        if np.max(step.samples) >= len(samples):
            raise DataError(
                f"the history speaks of sample {np.max(step.samples)}, but X has {len(samples)} rows; pass the X of fit."
            )
        targets[step.samples] = step.outputs + step.errors
    return {
        "samples": samples.tolist(),
        "targets": [None if math.isnan(target) else target for target in targets],
        "steps": [
            {
                "rows": step.samples.tolist(),
                "weights": step.weights.tolist(),
                "bias": float(step.bias),
                "logits": step.logits.tolist(),
                "outputs": step.outputs.tolist(),
                "errors": step.errors.tolist(),
                "gradient": [*step.weights_gradient.tolist(), float(step.bias_gradient)],
                "newWeights": step.new_weights.tolist(),
                "newBias": float(step.new_bias),
            }
            for step in steps
        ],
    }
