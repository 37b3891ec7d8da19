"""What makes a training fail, measured: curvature, gradients layer by layer, units that never answer, where a NaN came from.

Each finding is a sentence with a figure and what to do. Nothing is changed by looking.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_edu.engine.arguments import number, whole_number
from tinygrad_edu.engine.mode import InMode, Watch
from tinygrad_edu.errors import AnomalyError, TinygradError
from tinygrad_edu.nn import Module
from tinygrad_edu.primitives.elementwise import relu
from tinygrad_edu.training.generators import unchanged
from tinygrad_edu.training.steps import Loss, check_module, loss_of
from tinygrad_edu.transforms.anomaly import detect_anomaly
from tinygrad_edu.transforms.gradients import value_and_grad
from tinygrad_edu.transforms.products import hvp
from tinygrad_edu.transforms.trees import rebuilt, tree_leaves, tree_map

_MUCH = 1e4
"""By how much the gradients of two layers may differ, and how large one may be where the data are of size 1."""


def sharpness(f: Callable[..., Any], params: Any, *args: Any, iterations: int = 30, seed: int = 0) -> float:
    """λ, the largest curvature of `f(params, *args)` in any direction: the eigenvalue of its Hessian with the largest modulus.

    Power iteration: a random direction is multiplied by the Hessian and scaled to length 1, again and again; the Hessian itself is
    never formed. Gradient descent is stable for learning rates below 2/λ, where λ is positive.

    Parameters
    ----------
    f: a function of a tree of arrays, and other arguments, that returns one number.
    params: where: a tree of arrays, or a module.
    iterations: how many products, at least 1. The estimate comes from below, or is negative.
    seed: of the first direction.

    Raises
    ------
    GradientError: if `f` does not return a single number.
    DataError: if `params` is not made of real numbers, or `iterations` is no whole number of at least 1.

    >>> sharpness(lambda w: 3 * w[0] ** 2 + w[1] ** 2, np.array([1.0, 1.0])).__round__(6)
    6.0
    """
    rng, curvature = np.random.default_rng(whole_number("seed", seed, at_least=0)), 0.0
    direction = _scaled(tree_map(lambda leaf: rng.normal(size=np.shape(leaf)), params), 1.0)
    for _ in range(whole_number("iterations", iterations, at_least=1)):
        product = hvp(lambda p: f(p, *args), params, direction)
        curvature = float(sum(np.sum(a * b) for a, b in zip(tree_leaves(product), tree_leaves(direction), strict=True)))
        length = math.sqrt(sum(float(np.sum(np.square(leaf, dtype=np.float64))) for leaf in tree_leaves(product)))
        if not math.isfinite(length) or length == 0:
            return length
        direction = _scaled(product, 1 / length)
    return curvature


def _scaled(tree: Any, factor: float) -> Any:
    return tree_map(lambda leaf: factor * leaf, tree)


@dataclass(frozen=True)
class Diagnosis:
    """What was found, one sentence each; printed, it is a list of them.

    findings: what is wrong, or may become so.
    sharpness: λ, the largest curvature of the loss.
    gradient_norms: by the name of each parameter the root of the mean square of its gradient.

    `diagnose` makes one. There is no error.

    >>> Diagnosis((), 8.0, {"weight": 0.5}).largest_stable_learning_rate
    0.25
    """

    findings: tuple[str, ...]
    sharpness: float
    gradient_norms: dict[str, float]

    @property
    def largest_stable_learning_rate(self) -> float:
        """2/λ, below which gradient descent is stable near here; infinite where nothing is curved upward."""
        return 2 / self.sharpness if self.sharpness > 0 else math.inf

    def __str__(self) -> str:
        return "\n".join(f"- {finding}" for finding in self.findings) or "- Nothing conspicuous was found."

    __repr__ = __str__


def diagnose(module: Module, loss: Loss, *batch: Any, lr: float | None = None, start: Any = None) -> Diagnosis:
    """Look for what makes training fail, on a batch of samples.

    Parameters
    ----------
    module: what is trained.
    loss: a function of prediction and target.
    batch: the samples and their targets, `X, t`; with more arrays, the last one is the target.
    lr: the learning rate, to be compared with the bound of gradient descent, 2/λ.
    start: `(parameters, arrays)`: where training began, if the curvature is to be measured there.

    Raises
    ------
    DataError: if `module` is none, or `lr` is negative.

    >>> import tinygrad_edu as tg
    >>> line = tg.nn.Linear(1, 1, bias=False).load_state_dict({"weight": [[3.0]]})
    >>> print(diagnose(line, tg.nn.half_squared_error, np.array([[2.0]]), np.array([[8.0]]), lr=1.0))
    - The learning rate 1 is too large for gradient descent: the loss has a curvature of λ = 4, so that it is stable below...
    """
    check_module("diagnose", module)
    if lr is not None:
        number("lr", lr, at_least=0)
    with unchanged(module), np.errstate(all="ignore"):
        findings = [*_about_numbers(module, batch)]
        watch = _Rectifiers()
        try:
            with InMode(watch):
                loss_of(module, loss, batch)
        except TinygradError as error:
            return Diagnosis((f"The loss cannot be computed: {error}",), math.nan, {})
        gradient = value_and_grad(loss_of)(module, loss, batch)[1]
        norms = {name: _norm(leaf) for (name, _), leaf in zip(module.named_parameters(), tree_leaves(gradient), strict=True)}
        findings += [*watch.findings(), *_about_anomalies(module, loss, batch), *_about_gradients(module, norms)]
        curvature = sharpness(loss_of, _moved(module, start), loss, batch)
    return Diagnosis((*_about_rate(curvature, lr, start is not None), *findings), curvature, norms)


def _moved(module: Module, start: Any) -> Module:
    """The module as it was at the start, a tree of arrays."""
    if start is None:
        return module
    before = dict(zip(*start, strict=True))
    moved: Module = rebuilt(module, [before.get(parameter, parameter.numpy()) for parameter in module.parameters()])
    return moved


def _about_rate(curvature: float, lr: float | None, at_start: bool) -> Iterator[str]:
    if lr is not None and curvature > 0 and lr * curvature > 2:
        where = ", where training began," if at_start else ""
        yield (
            f"The learning rate {lr:g} is too large for gradient descent: the loss has{where} a curvature of λ = {curvature:.4g}, "
            f"so that it is stable below 2/λ = {2 / curvature:.4g}. Take a smaller one, or standardize the columns of X."
        )


def _about_numbers(module: Module, batch: tuple[Any, ...]) -> Iterator[str]:
    names = [f"array {position} of the batch" for position in range(len(batch) - 1)] if len(batch) > 2 else ["X"]
    for name, array in zip([*names, "the target"], batch, strict=True):
        if (count := np.count_nonzero(~np.isfinite(np.asarray(array)))) > 0:
            yield f"{name[0].upper()}{name[1:]} has {count} numbers that are NaN or infinite: leave these samples out."
    for name, parameter in module.named_parameters():
        if (count := np.count_nonzero(~np.isfinite(parameter.numpy()))) > 0:
            yield (
                f"The parameter {name} has {count} numbers that are NaN or infinite: an earlier step was too long, or its "
                "gradient was no number. Begin anew with a smaller learning rate, or with clip_norm=1.0."
            )


def _about_anomalies(module: Module, loss: Loss, batch: tuple[Any, ...]) -> Iterator[str]:
    try:
        with detect_anomaly():
            loss_of(module, loss, batch).backward()
    except AnomalyError as error:
        yield f"A number that is not finite arose: {error}"
    finally:
        module.zero_grad()


def _about_gradients(module: Module, norms: dict[str, float]) -> Iterator[str]:
    """Of the matrices of weights, from the layer that is first to the last one."""
    weights = {name: norms[name] for name, parameter in module.named_parameters() if parameter.ndim > 1}
    for name in [name for name, norm in weights.items() if norm == 0]:
        yield f"The gradient of {name} is 0: the loss does not depend on it here, since units are dead or it is not used."
    passed = {name: norm for name, norm in weights.items() if 0 < norm < math.inf}
    if not passed:
        return
    (first, at_first), (last, at_last) = next(iter(passed.items())), next(reversed(passed.items()))
    compared = f"that of {last} is {at_last:.3g}, that of {first}, to which it comes last, {at_first:.3g} (root mean squares)"
    if at_last > _MUCH * at_first:
        yield (
            f"Gradients vanish on the way back: {compared}. Take He's or Xavier's first weights, ReLU in place of sigmoid or tanh, "
            "or a normalisation between the layers."
        )
    if at_first > _MUCH * at_last:
        yield (
            f"Gradients explode on the way back: {compared}. Take smaller first weights, such as He's or Xavier's, a normalisation "
            "between the layers, or clip_norm=1.0."
        )
    largest = max(passed, key=lambda name: passed[name])
    if passed[largest] > _MUCH:
        yield (
            f"The gradient of {largest} is large, {passed[largest]:.3g} (root mean square). Standardize the data, take smaller "
            "first weights, or clip it: clip_norm=1.0."
        )


def _norm(gradient: Any) -> float:
    return float(np.sqrt(np.mean(np.square(gradient, dtype=np.float64))))


class _Rectifiers(Watch):
    """Notes which units of each ReLU answer at all."""

    def __init__(self) -> None:
        self._answers: list[Any] = []

    def see_result(self, node: Any) -> None:
        if node.primitive is relu:
            self._answers.append(node.numpy())

    def findings(self) -> Iterator[str]:
        for position, answer in enumerate(self._answers, 1):
            dead = ~np.any(np.reshape(answer, (len(answer), -1)) > 0, axis=0) if np.ndim(answer) else np.array([answer <= 0])
            if np.mean(dead) >= 0.5:
                yield (
                    f"Of ReLU number {position}, {np.count_nonzero(dead)} of {dead.size} units are dead: they answer 0 to every "
                    "sample, so that no gradient passes. Take a smaller learning rate, He's first weights, or LeakyReLU."
                )
