"""The descent page: the steps of gradient descent on the loss, or the perceptron's moving line, as they were recorded.

How the loss is curved is read off the recorded gradients, or, for several weights, computed from the samples and then compared with
every recorded gradient. Where they disagree, the page shows what was recorded and no more.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import numpy as np

from tinygrad_edu.engine.arguments import number
from tinygrad_edu.engine.messages import shortened
from tinygrad_edu.engine.ownership import own_data
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import DataError
from tinygrad_edu.explainer.page import Page
from tinygrad_edu.explainer.regimes import RANGES, SENTENCES
from tinygrad_edu.graph.mathml_notation import mathml
from tinygrad_edu.languages import Language, check_language

Array = np.ndarray[Any, np.dtype[Any]]

MOST_STEPS = 200
"""Of longer histories the page shows so many steps."""
FEWEST_STEPS = 24
"""A curve that is redrawn for another learning rate has at least so many steps, however few were taken."""


def explain_descent(trained: Any, X: Any = None, *, learning_rate: float | None = None, lang: Language | None = None) -> Descent:
    """Show a run of gradient descent as a page with the steps on the loss, or with the line that moves.

    - One weight without a bias, and a loss that is a parabola over it: the parabola with the steps on it.
    - The same of single samples, or a few at a time, and X given: how the steps hop on the parabola of the mean loss.
    - Linear regression on all samples at once, with any number of weights, and X given: the loss over the steps.
    - A perceptron with two features: the samples, and the line between both labels after every step.
    - Any other training: the loss over the steps as it was recorded.

    The first three have a slider for the learning rate η that redraws the path at once, with the bound of stability 2/λ marked;
    where a step sees a few samples, λ is the largest of their curvatures. The mean of ½ (t - x·w)² over n samples has the
    Hessian XᵀX / n, with a column of ones for the bias. Along its eigenvector number i, with eigenvalue λᵢ, gradient descent
    that begins cᵢ away from the minimum is cᵢ (1 - ηλᵢ)ᵏ away after k steps, so that the loss is L* + ½ Σ λᵢ cᵢ² (1 - ηλᵢ)²ᵏ
    (Goh, "Why Momentum Really Works", Distill, 2017). It tends to its minimum L* exactly if 0 < η < 2/λ, with the largest
    eigenvalue λ.

    Parameters
    ----------
    trained: a fitted model, or its history (`model.history_`, or `.history` of the error where training diverged).
    X: the samples that it was fitted to, of shape (samples, features). A perceptron's page needs them.
    learning_rate: where the slider begins. By default it is read off the first step.
    lang: "zh" for a page that begins in Chinese, "en" for one in English. None: in the language of the browser.

    Raises
    ------
    DataError: if there is no history, X is missing or does not fit to it, or nothing ever moved, or `lang` is no such language.

    >>> import tinygrad_edu as tg
    >>> model = tg.models.LinearRegression(learning_rate=0.25, fit_intercept=False, init=(3.0, 0.0)).fit([[2.0]], [8.0])
    >>> explain_descent(model).facts["curvature"]
    4.0
    """
    if lang is not None:
        check_language(lang)
    history = getattr(trained, "history_", trained)
    steps = list(takewhile(_is_finite, getattr(history, "steps", ())))
    if not steps:
        raise DataError(
            f"a fitted model or its history is needed to show its steps, but got {type(trained).__name__}: {shortened(trained)}."
        )
    shown = steps[:MOST_STEPS]
    if hasattr(steps[0], "logits"):
        return Descent("line", _line(shown, X), lang)
    return Descent(*_loss(shown, history.step_count, X, learning_rate), lang)


def _is_finite(step: Any) -> bool:
    return math.isfinite(step.loss) and math.isfinite(step.largest_gradient)


_TITLES: dict[str, dict[Language, str]] = {
    "parabola": {"en": "Gradient descent on a parabola", "zh": "抛物线上的梯度下降"},
    "curve": {"en": "The loss over the steps", "zh": "损失随步数的变化"},
    "hops": {"en": "Stochastic gradient descent on a parabola", "zh": "抛物线上的随机梯度下降"},
    "record": {"en": "The loss over the steps, as recorded", "zh": "记录下来的损失随步数的变化"},
    "line": {"en": "The perceptron's moving line", "zh": "感知机：移动的直线"},
}


_REGIMES = {name: [text.replace("η", r"\eta ").replace("λ", r"\lambda"), r"\lambda"] for name, text in RANGES.items()}
_FORMULAS = {
    "parabola": _REGIMES
    | {
        "begin": [r"\theta = #0", r"\theta^* = #1", r"\lambda = #2"],
        "step": [
            r"\theta - \eta \cdot \frac{d L}{d \theta} = #0 - #1 \cdot #2",
            "= #3",
            r"1 - \eta \lambda = #4",
            r"\theta - \theta^* = #5",
        ],
        "curvature": [r"\lambda = #0", r"\theta - \theta^*", r"1 - \eta \lambda"],
        "columns": [r"\theta"],
    },
    "curve": _REGIMES
    | {
        "step": [
            r"k = #0",
            r"L = L^* + \frac{1}{2} \sum_i \lambda_i c_i^2 {(1 - \eta \lambda_i)}^{2 k}",
            r"= #1 + #2",
            r"= #3",
        ],
        "curvature": [r"\lambda_i", r"c_i", r"1 - \eta \lambda_i", r"\lambda = #0", r"2 / \lambda", r"\lambda"],
        "columns": [r"\lambda_i", r"1 - \eta \lambda_i", r"c_i {(1 - \eta \lambda_i)}^k"],
    },
    "hops": {
        "begin": [r"\theta_0 = #0", r"\theta^* = #1"],
        "step": [r"\theta - \eta \cdot \frac{d L}{d \theta} = #0 - #1 \cdot #2", "= #3", r"L(#3) = #4"],
        "hint": [r"\theta^*", r"2 / \lambda", r"\lambda = #0"],
        "columns": [r"\theta"],
    },
    "record": {"step": [r"L = #0", r"\left\|\frac{d L}{d w}\right\| = #1", r"w: \ #2 \to #3"]},
    "line": {
        "begin": [r"w = #0", r"b = #1"],
        "step": [r"\frac{d L}{d w} = #0, \quad \frac{d L}{d b} = #1", r"w: \ #2 \to #3", r"b: \ #4 \to #5"],
        "columns": ["y", "t", "t - y"],
    },
}
"""For each kind of page its formulas, by where they stand; the page fills in the numbers."""


class Descent(Page):
    """A page about a run of gradient descent.

    facts: what the page shows, made of numbers and lists; its `kind` is `parabola`, `hops`, `curve`, `record` or `line`.

    >>> import tinygrad_edu as tg
    >>> model = tg.models.LinearRegression(learning_rate=0.25, fit_intercept=False, init=(3.0, 0.0)).fit([[2.0]], [8.0])
    >>> tg.explain_descent(model).facts["kind"]
    'parabola'
    """

    def __init__(self, kind: str, facts: dict[str, Any], lang: Language | None = None) -> None:
        self.facts = {"kind": kind, **facts}
        formulas = {place: list(map(mathml, forms)) for place, forms in _FORMULAS[kind].items()}
        data = {**self.facts, "formulas": formulas, "regimes": SENTENCES.get(kind, {})}
        super().__init__(kind, _TITLES[kind], data, language=lang)


# --- the loss ----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Course:
    """The course of a training, as it was recorded: at every step all weights, with the bias as the last of them if there is one.

    rate: the learning rate, read off the first step. precision: that of the numbers.
    """

    thetas: Array
    gradients: Array
    losses: Array
    rate: float
    precision: float

    def is_plain(self) -> bool:
        """Whether each step is the learning rate times the gradient, as it is not with momentum."""
        return self._agree(self.thetas[1:], (self.thetas - self.rate * self.gradients)[:-1])

    def slope(self) -> Array | None:
        """The curvature over one weight, of shape (1, 1): how much the gradient has changed where the weight has."""
        moved = np.flatnonzero(self.thetas[:, 0] != self.thetas[0, 0])[:1]
        if self.thetas.shape[1] > 1 or not moved.size:
            return None
        slope: Array = (self.gradients[moved] - self.gradients[0]) / (self.thetas[moved] - self.thetas[0])
        return slope

    def is_on_quadratic(self, hessian: Array) -> bool:
        """Whether the losses and gradients are those of a quadratic function that has a minimum."""
        moved, first = self.thetas - self.thetas[0], self.gradients[0]
        losses = self.losses[0] + moved @ first + np.sum(moved @ hessian * moved, axis=1) / 2
        has_minimum = np.linalg.eigvalsh(hessian)[-1] > 0
        return bool(has_minimum) and self._agree(self.gradients, first + moved @ hessian) and self.agrees(losses)

    def agrees(self, losses: Array) -> bool:
        """Whether these are the losses that were recorded."""
        return self._agree(self.losses[:, None], losses[:, None])

    def _agree(self, found: Array, expected: Array) -> bool:
        """Whether rows are the same but for rounding, which goes with the largest number in a row, and of the first row."""
        size = np.abs(expected).max(axis=1, keepdims=True, initial=0) + np.abs(expected[:1]).max(initial=0)
        return bool(np.all(np.abs(found - expected) <= 10 * math.sqrt(self.precision) * size))


def _course(steps: Sequence[Any], has_bias: bool) -> _Course:
    def joined(weights: Array, bias: Any) -> Array:
        return np.append(weights, bias) if has_bias else weights.ravel()

    thetas = np.array([joined(step.weights, step.bias) for step in steps])
    gradients = np.array([joined(step.weights_gradient, step.bias_gradient) for step in steps])
    first = gradients[0]
    if not first.any():
        raise DataError("there is nothing to show: the training began where the gradient is 0, and stayed there. Start elsewhere.")
    rate = float((thetas[0] - joined(steps[0].new_weights, steps[0].new_bias)) @ first / (first @ first))
    return _Course(thetas, gradients, np.array([step.loss for step in steps]), rate, float(np.finfo(steps[0].weights.dtype).eps))


def _loss(steps: Sequence[Any], taken: int, X: Any, learning_rate: float | None) -> tuple[str, dict[str, Any]]:
    """The kind of the page, and what it shows."""
    has_bias = any(np.any(step.bias_gradient) for step in steps)
    course, why, hessian = _course(steps, has_bias), "", None
    if not all(np.array_equal(step.samples, steps[0].samples) for step in steps):
        why = "batches"
    elif not course.is_plain():
        why = "momentum"
    elif steps[0].weights.ndim > 1:
        why = "shape"
    else:
        hessian = course.slope() if X is None or course.thetas.shape[1] == 1 else _hessian(steps, X, has_bias)
        why = "samples" if hessian is None else "" if course.is_on_quadratic(hessian) else "shape"
    hops = _hops(steps, course, X) if why == "batches" and X is not None else None
    if hops:
        return "hops", {**hops, "rate": _asked(learning_rate, course), "total": taken}
    if why or hessian is None:
        sizes = np.linalg.norm(course.gradients, axis=1)
        seen = [_seen(step, has_bias) for step in steps]
        facts = {"why": why, "losses": course.losses.tolist(), "gradients": sizes.tolist(), "total": taken, "steps": seen}
        return "record", facts
    return _curve(course, hessian, learning_rate)


def _curve(course: _Course, hessian: Array, learning_rate: float | None) -> tuple[str, dict[str, Any]]:
    """The path along each eigenvector of the Hessian, largest curvature first."""
    start, first_loss, precision = course.thetas[0], course.losses[0], course.precision
    curvatures, directions = (part[..., ::-1] for part in np.linalg.eigh(hessian))
    curved = curvatures > curvatures[0] * len(start) * precision  # in the other directions the loss is flat
    curvatures, directions = curvatures[curved], directions[:, curved]
    distances = course.gradients[0] @ directions / curvatures
    least = first_loss - np.sum(curvatures * distances**2) / 2
    facts = {
        "curvature": float(curvatures[0]),
        "leastLoss": float(least) if abs(least) > precision * first_loss else 0.0,
        "rate": _asked(learning_rate, course),
    }
    if len(start) == 1:
        return "parabola", {"start": float(start[0]), "minimum": float(start[0] - (directions @ distances)[0]), **facts}
    count = min(max(len(course.losses), FEWEST_STEPS), MOST_STEPS)
    return "curve", {"curvatures": curvatures.tolist(), "distances": distances.tolist(), "count": count, **facts}


def _asked(rate: float | None, course: _Course) -> float:
    """The learning rate that is asked for, or that of the course, without what rounding added to it."""
    return float(f"{course.rate:.12g}") if rate is None else number("learning_rate", rate, at_least=0)


def _seen(step: Any, has_bias: bool) -> dict[str, Any]:
    """What a step saw, and where it went."""
    before, after = np.append(step.weights, step.bias), np.append(step.new_weights, step.new_bias)
    end = None if has_bias else step.weights.size
    return {"epoch": step.epoch, "samples": step.samples.tolist(), "before": before[:end].tolist(), "after": after[:end].tolist()}


def _hops(steps: Sequence[Any], course: _Course, X: Any) -> dict[str, Any] | None:
    """The parabola over one weight of all samples' mean loss, and that of each step's samples; None if the losses are no such ones.

    The targets are found from the gradients, mean(x²)θ − mean(xt) of the samples of each step, and compared with the losses.
    """
    x: Any = _samples(X)
    if course.thetas.shape[1] != 1 or x.ndim != 2 or x.shape[1] != 1 or not course.is_plain():
        return None
    x, theta = x[:, 0], course.thetas[:, 0]
    if max(int(np.max(step.samples)) for step in steps) >= len(x):
        return None
    shares = np.zeros((len(steps), len(x)))
    for row, step in zip(shares, steps, strict=True):
        np.add.at(row, step.samples, 1 / len(step.samples))
    curvatures = shares @ x**2
    t, _, rank, _ = np.linalg.lstsq(shares * x, curvatures * theta - course.gradients[:, 0])
    losses = np.sum(shares * (t - np.outer(theta, x)) ** 2, axis=1) / 2
    if rank < len(x) or not course.agrees(losses):
        return None
    minima = shares @ (x * t) / curvatures
    leasts = shares @ t**2 / 2 - curvatures * minima**2 / 2
    minimum = float(x @ t / (x @ x))
    own = [
        {"curvature": float(curvature), "minimum": float(lowest), "least": float(least), **_seen(step, has_bias=False)}
        for step, curvature, lowest, least in zip(steps, curvatures, minima, leasts, strict=True)
    ]
    mean = {"curvature": float(np.mean(x**2)), "minimum": minimum, "least": float(np.mean((t - minimum * x) ** 2) / 2)}
    return {**mean, "start": float(theta[0]), "steps": own}


def _hessian(steps: Sequence[Any], X: Any, has_bias: bool) -> Array:
    samples = _samples(X)
    expected = (len(steps[0].samples), steps[0].weights.size)
    if samples.shape != expected:
        raise DataError(
            f"X must be what the model was fitted to, of shape (samples, features) = {expected}, but it has shape {samples.shape}."
        )
    features = np.column_stack([samples, np.ones(len(samples))]) if has_bias else samples
    hessian: Array = features.T @ features / len(features)
    return hessian


def _samples(X: Any) -> Any:
    return own_data(X.numpy() if isinstance(X, Value) else X, np.float64)


# --- the line ----------------------------------------------------------------------------------------------------------------


def _line(steps: Sequence[Any], X: Any) -> dict[str, Any]:
    samples: Any = _samples(X) if X is not None else np.empty(0)
    if samples.ndim != 2 or samples.shape[1] != 2 or steps[0].weights.size != 2:
        raise DataError(
            "the page of a perceptron shows samples with two features; pass them as explain_descent(model, X) with X of shape "
            f"(samples, 2). Here {f'X has shape {samples.shape}' if X is not None else 'no X is given'}, and the model has "
            f"{steps[0].weights.size} features."
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
