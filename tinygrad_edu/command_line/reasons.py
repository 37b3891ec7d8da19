"""Why gradient descent on a formula converges or diverges: how the loss is curved, and what that makes of a step.

Each reason is a sentence with its figures, in one of two languages.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu.command_line.stepping import Loss, Moment
from tinygrad_edu.command_line.words import Words
from tinygrad_edu.explainer.regimes import RANGES, SENTENCES, regime
from tinygrad_edu.graph.notation import name_text
from tinygrad_edu.graph.notation import number_text as n

Array = np.ndarray[Any, np.dtype[Any]]

_ROUNDING = 1e-7
"""What differs by no more, compared with what it was computed from, is the same."""


def reasons(loss: Loss, moments: Sequence[Moment], rate: float, words: Words) -> Iterator[str]:
    """Sentences about how the loss is curved, and what that makes of the steps."""
    first, last = moments[0], moments[-1]
    if not last.is_finite:
        yield words.say(
            f"Step {len(moments)} leads to numbers that are infinite or none (NaN): the descent ends there.",
            f"第 {len(moments)} 步得到无穷大或不是数（NaN）的结果，下降到此为止。",
        )
    if not first.is_finite:
        return
    if not first.gradient.any():
        yield words.say("The gradient is 0 at the start: nothing moves.", "起点处梯度为 0：不动。")
        return
    hessian, gradient = tg.hessian(loss)(loss.start), first.gradient
    if not np.all(np.isfinite(hessian)):
        yield words.say(
            "At the start there is no second derivative, so that nothing is known of a bound for η.",
            "起点处没有二阶导数，因此无法知道 η 的界限。",
        )
    elif not _is_quadratic(loss, hessian, moments):
        yield from _about_start(loss, float(np.linalg.eigvalsh(hessian)[-1]), moments, rate, words)
    elif len(gradient) == 1:
        yield from _about_parabola(loss, float(hessian[0, 0]), moments, rate, words)
    else:
        yield from _about_parabolas(hessian, gradient, rate, words)


def _is_quadratic(loss: Loss, hessian: Array, moments: Sequence[Moment]) -> bool:
    """Whether the gradient grows in proportion to the way from the start, and the loss with its square.

    Looked at is where the steps went, and in directions at random.
    """
    start, slope, first = loss.start, tg.value_and_grad(loss), moments[0].gradient
    size, rng = 1 + float(np.linalg.norm(start)), np.random.default_rng(0)
    ways = [moment.theta - start for moment in moments[1:4] if moment.is_finite]
    for scale in (0.1, 1, 10, 100, 1000):
        way = np.asarray(scale * size * rng.normal(size=start.shape))
        ways += [way, -way]  # on both sides, so that a kink is met
    for way in ways:
        value, gradient = slope(start + way)
        grown, expected = gradient - first, hessian @ way
        height = moments[0].loss + (first + expected / 2) @ way
        measure = abs(moments[0].loss) + (np.abs(first) + np.abs(expected)) @ np.abs(way)
        if not np.all(np.abs(grown - expected) <= _ROUNDING * (np.abs(first).max() + np.abs(expected).max())):
            return False
        if not abs(value - height) <= _ROUNDING * measure:  # beyond a jump the slope may be the same
            return False
    return True


def _about_parabola(loss: Loss, curvature: float, moments: Sequence[Moment], rate: float, words: Words) -> Iterator[str]:
    name, slope = name_text(loss.wrt[0]), float(moments[0].gradient[0])
    curvature = _rounded(curvature, abs(slope))
    if curvature == 0:
        yield words.say(
            f"The loss is a straight line over {name}, of slope {n(slope)}: it has no minimum; all steps are equally long.",
            f"损失关于 {name} 是一条直线，斜率为 {n(slope)}：它没有最小值，每一步都走同样的长度。",
        )
        return
    start = float(moments[0].theta[0])
    turn, factor = start - slope / curvature, _rounded(1 - rate * curvature, 1)
    places = [float(moment.theta[0]) for moment in moments] + [float(moments[-1].after[0])]
    ways = words.say(", ", "、").join(n(_rounded(place - turn, abs(start) + abs(turn))) for place in places[:4])
    turning, point = ("minimum", "最小值") if curvature > 0 else ("maximum", "最大值")
    product = f"{n(rate)}·{n(curvature) if curvature > 0 else f'({n(curvature)})'}"
    yield words.say(
        f"The loss is a parabola over {name}, of curvature λ = {n(curvature)}, with its {turning} at {name}* = {n(turn)}.",
        f"损失关于 {name} 是一条抛物线，曲率 λ = {n(curvature)}，{point}在 {name}* = {n(turn)}。",
    )
    yield words.say(
        f"Every step multiplies the distance {name} − {name}* by 1 − ηλ = 1 − {product} = {n(factor)}: {ways}.",
        f"每一步都把距离 {name} − {name}* 乘以 1 − ηλ = 1 − {product} = {n(factor)}：{ways}。",
    )
    if curvature < 0:
        yield words.say("It has no minimum: the steps diverge for every η.", "它没有最小值：无论 η 取多少都发散。")
        return
    yield _regime("parabola", rate, curvature, words)
    yield words.say(
        f"It converges for 0 < η < 2/λ = {n(2 / curvature)}, and in a single step for η = 1/λ = {n(1 / curvature)}.",
        f"当 0 < η < 2/λ = {n(2 / curvature)} 时收敛；当 η = 1/λ = {n(1 / curvature)} 时一步到达最小值。",
    )


def _about_parabolas(hessian: Array, gradient: Array, rate: float, words: Words) -> Iterator[str]:
    curvatures, directions = np.linalg.eigh(hessian)
    least, most = float(curvatures[0]), float(curvatures[-1])
    is_flat = np.abs(curvatures) <= _ROUNDING * np.abs(curvatures).max()
    if least < 0 and not is_flat[0]:
        yield words.say(
            f"The loss is a sum of parabolas, and one opens downward (λ = {n(least)}): it has no minimum, and the steps "
            "diverge, unless they begin exactly at its top.",
            f"损失是若干抛物线之和，其中有开口向下的（λ = {n(least)}）：它没有最小值；除非起点恰好在那条抛物线的顶点，否则发散。",
        )
        return
    slopes = np.abs(directions.T @ gradient)
    if np.any(slopes[is_flat] > _ROUNDING * slopes.max()):
        yield words.say(
            "Along one direction the loss is a straight line: it has no minimum, and the steps do not come to an end.",
            "沿某个方向损失是直线：它没有最小值，下降不会停下。",
        )
        return
    smallest = float(curvatures[~is_flat][0])
    slowest, fastest = (n(_rounded(1 - rate * curvature, 1)) for curvature in (smallest, most))
    yield words.say(
        f"The loss is a sum of {len(curvatures)} parabolas, one along each eigenvector of its Hessian, of curvatures from "
        f"λ = {n(smallest)} to λ = {n(most)}.",
        f"损失是 {len(curvatures)} 条抛物线之和，每条对应海森矩阵的一个特征向量，曲率从 λ = {n(smallest)} 到 λ = {n(most)}。",
    )
    if is_flat.any():
        count = int(np.count_nonzero(is_flat))
        yield words.say(
            f"Along {count} of them it is flat (λ = 0): there nothing moves.",
            f"其中 {count} 个方向是平的（λ = 0）：沿这些方向不动。",
        )
    yield words.say(
        f"Every step multiplies the distance from the minimum along them by 1 − ηλ: from {slowest} to {fastest}.",
        f"沿每个方向，每一步都把到最小值的距离乘以 1 − ηλ：从 {slowest} 到 {fastest}。",
    )
    yield _regime("curve", rate, most, words)
    yield words.say(
        f"The largest λ sets the bound: it converges for 0 < η < 2/λ = {n(2 / most)}.",
        f"最大的 λ 决定界限：当 0 < η < 2/λ = {n(2 / most)} 时收敛。",
    )


def _about_start(loss: Loss, curvature: float, moments: Sequence[Moment], rate: float, words: Words) -> Iterator[str]:
    names = words.say(", ", "、").join(map(name_text, loss.wrt))
    yield words.say(
        f"The loss is no parabola over {names}: its curvature changes from place to place, and so does the bound for η.",
        f"损失关于 {names} 不是抛物线：各处的曲率不同，η 的界限也随之改变。",
    )
    if curvature > 0:
        is_small = rate * curvature < 2
        yield words.say(
            f"At the start it is λ = {n(curvature)}: near there steps are stable for η < 2/λ = {n(2 / curvature)}, "
            f"and η = {n(rate)} is {'' if is_small else 'not '}below it.",
            f"起点处 λ = {n(curvature)}：在那附近 η < 2/λ = {n(2 / curvature)} 时稳定，"
            f"而 η = {n(rate)} {'小于' if is_small else '不小于'}这个界限。",
        )
    else:
        yield words.say(
            f"At the start it is λ = {n(curvature)}: the loss is not curved upward there, so that no bound follows from it.",
            f"起点处 λ = {n(curvature)}：损失在那里不是向上弯的，得不出界限。",
        )
    seen = [moment.loss for moment in moments if np.isfinite(moment.loss)]
    if len(seen) > 1:
        yield words.say(
            f"In these steps the loss went from {n(seen[0])} to {n(seen[-1])}.",
            f"在这些步中，损失从 {n(seen[0])} 变为 {n(seen[-1])}。",
        )


def _rounded(x: float, size: float) -> float:
    """The number; 0 where it is nothing but what rounding left of numbers of this size."""
    return 0.0 if abs(x) <= _ROUNDING**2 * size else x


def _regime(kind: str, rate: float, curvature: float, words: Words) -> str:
    found = regime(rate, curvature)
    sentence = SENTENCES[kind][found]
    return words.say(sentence["en"], sentence["zh"]).format(RANGES[found], "λ" if found == "direct" else f"λ = {n(curvature)}")
