"""What may be wrong with a gradient: the sign, a factor, a sum that is missing, a factor of the chain.

It is told from both gradients at several points. Where these come from is not known here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import combinations, product
from typing import Any

import numpy as np

from tinygrad_edu.testing.answers import Array, Finding
from tinygrad_edu.testing.slopes import Slope

_CLOSE = 1e-6  # relative; a gradient by hand may be by differences
_NUMBERS = [number * sign for number in (1.0, 2.0, 0.5) for sign in (1.0, -1.0)]


@dataclass(frozen=True, eq=False)
class Point:
    """A place where a gradient was asked for.

    right: the gradient there.
    got: what is to be compared with it.
    arguments: by name what the gradient may be multiplied with: the arguments.
    slopes: by the names of operations the derivatives of those on the way, which a derivation may have left out.
    lengths: how many samples there may be, by which a mean would divide.
    """

    right: Array
    got: Array
    arguments: dict[str, Array]
    slopes: dict[str, Slope]
    lengths: list[int]


def finding(points: Sequence[Point]) -> Finding:
    """What is wrong with a gradient, seen from all points."""
    if any(point.got.shape != point.right.shape for point in points):
        return _about_shape(points)
    if all(same(point.got, point.right) for point in points):
        return Finding("right", "This gradient is right.", "这个梯度是对的。")
    if any(np.isnan(point.got).any() for point in points):
        return Finding("not a number", "It is not a number (NaN).", "结果不是数（NaN）。")
    if len(points) > 1 and same(points[0].got, points[0].right):
        elsewhere = about_error([point for point in points if not same(point.got, point.right)])
        return Finding(
            "only here",
            f"It is right at the given point only, as if numbers of that point stood where the arguments belong. {elsewhere.en}",
            f"只在给定的点上正确，好像把那一点的数写进了公式，而那里应是参数。{elsewhere.zh}",
        )
    if all(not point.got.any() for point in points):
        return Finding("zero", "It is zero, but the gradient is not.", "结果为零，但梯度不为零。")
    for about in (_about_number, _about_transposition, _about_factor, _about_term):
        for found in about(points):
            return found
    return about_error(points)


def same(one: Array, other: Array) -> bool:
    """Whether they are the same up to rounding, which goes with the largest number."""
    if one.shape != other.shape or not np.all(np.isfinite(one)) or not np.all(np.isfinite(other)):
        return False
    return bool(np.all(np.abs(one - other) <= _CLOSE * max(float(np.max(np.abs(other), initial=0)), 1e-300)))


def _all_same(points: Sequence[Point], changed: Iterable[Any]) -> bool:
    """Whether these, which were made of what came out at each point, are the gradients."""
    with np.errstate(all="ignore"):
        return all(same(np.asarray(each), point.right) for each, point in zip(changed, points, strict=True))


def _about_shape(points: Sequence[Point]) -> Finding:
    shape, expected = points[0].got.shape, points[0].right.shape
    changes = [*_changes_of_shape(points)]
    for found, changed in changes:
        if all(same(point.got, point.right) for point in changed):
            return found
    for found, changed in changes:
        for more in _about_number(changed):
            if more.kind != "mean":  # of which a sum is a multiple
                return Finding(found.kind, f"{found.en} And then: {more.en}", f"{found.zh}此外：{more.zh}")
    return Finding(
        "shape",
        f"It has shape {shape}, but the gradient has the shape of its argument, {expected}.",
        f"形状是 {shape}，但梯度的形状与参数相同，应为 {expected}。",
    )


def _changes_of_shape(points: Sequence[Point]) -> Iterator[tuple[Finding, list[Point]]]:
    """What may bring about the shape of the argument: what is said of it, and how the points look then."""
    shape, expected = points[0].got.shape, points[0].right.shape
    if shape[::-1] == expected:
        said = f"It is transposed: {shape} instead of {expected}.", f"转置了：形状是 {shape}，应为 {expected}。"
        yield Finding("transposed", *said), [replace(point, got=point.got.T) for point in points]
    for axis, length in enumerate(shape):
        if length > 1 and shape[:axis] + shape[axis + 1 :] == expected:
            for kind, en, zh, reduce in (("sum over the batch", "sum", "求和", np.sum), ("mean", "mean", "求平均", np.mean)):
                code = f"np.{reduce.__name__}(..., axis={axis})"
                said = f"The {en} over the {length} samples is missing: {code}.", f"缺少对 {length} 个样本{zh}：{code}。"
                yield Finding(kind, *said), [replace(point, got=reduce(point.got, axis=axis)) for point in points]


def _about_number(points: Sequence[Point]) -> Iterator[Finding]:
    """It is the gradient times a number."""
    point = points[-1]
    if not point.right.any():
        return
    at = np.unravel_index(np.argmax(np.abs(point.right)), point.right.shape)
    times = float(point.got[at] / point.right[at])
    if not times or not _all_same(points, (point.got / times for point in points)):
        return
    if np.isclose(times, -1, rtol=_CLOSE):
        yield Finding("sign", "The sign is turned: it is the gradient times −1.", "符号反了：是梯度的 −1 倍。")
        return
    is_simple = any(np.isclose(times, number, rtol=_CLOSE) for number in _NUMBERS)
    for number, length in () if is_simple else product(_NUMBERS, points[0].lengths):
        if np.isclose(number * times, length, rtol=_CLOSE):
            also, also_zh = _and_so_is(number)
            en, zh = f"The mean is missing{also}: divide by the {length} samples.", f"缺少求平均{also_zh}：应除以样本数 {length}。"
            yield Finding("mean", en, zh)
            return
        if np.isclose(number * times * length, 1, rtol=_CLOSE):
            also, also_zh = _missing_is(number)
            en, zh = f"the loss is a sum, not a mean{also}.", f"损失是和，不是平均{also_zh}。"
            yield Finding("mean", f"It is divided by the {length} samples, but {en}", f"除以了样本数 {length}，但{zh}")
            return
    missing = _as_text(1 / times)
    yield Finding("factor", f"The factor {missing} is missing.", f"缺少因子 {missing}。")


def _missing_is(number: float) -> tuple[str, str]:
    """What is said of a number that is missing besides what is too much."""
    return ("", "") if number == 1 else (f"; missing is {_as_text(number)}", _missing_in_chinese(number))


def _and_so_is(number: float) -> tuple[str, str]:
    """What is said where a number is missing, too."""
    return ("", "") if number == 1 else (f", and so is {_as_text(number)}", _missing_in_chinese(number))


def _missing_in_chinese(number: float) -> str:
    return "，符号也反了" if number == -1 else f"，还缺因子 {_as_text(number)}"


def _as_text(number: float) -> str:
    """A number as a learner writes it: ½, −2, 1/3."""
    fraction = Fraction(number).limit_denominator(100)
    if not np.isclose(float(fraction), number, rtol=_CLOSE):
        return f"{number:.6g}".replace("-", "−")
    return {"1/2": "½", "-1/2": "−½"}.get(str(fraction), str(fraction).replace("-", "−"))


def _about_transposition(points: Sequence[Point]) -> Iterator[Finding]:
    if points[0].right.ndim == 2 and _all_same(points, (point.got.T for point in points)):
        yield Finding("transposed", "It is transposed.", "转置了。")


@dataclass(frozen=True, eq=False)
class _Factor:
    """What a gradient may be multiplied with.

    name: what it is called; en, zh: the same in a sentence of each language.
    numbers: what it is at each point.
    slope: of an operation.
    """

    name: str
    en: str
    zh: str
    numbers: list[Array]
    slope: Slope | None = None


def _about_factor(points: Sequence[Point]) -> Iterator[Finding]:
    """A factor is missing, or there is one too many, or two are missing; with it perhaps a sign, 2 or ½."""
    named = [*_factors(points)]
    for factor in named:
        for number in _NUMBERS:
            if _all_same(points, (number * point.got * x for point, x in zip(points, factor.numbers, strict=True))):
                also, also_zh = _and_so_is(number)
                said = f"The {factor.en} is missing{also}.", f"缺少{factor.zh}{also_zh}。"
                in_full = factor.slope.missing(number) if factor.slope else None
                yield Finding("missing factor", *(in_full or said))
            if _all_same(points, (number * point.got / x for point, x in zip(points, factor.numbers, strict=True))):
                also, also_zh = _missing_is(number)
                said = f"There is {factor.name} as a factor too many{also}.", f"多了{factor.zh}{also_zh}。"
                yield Finding("needless factor", *said)
    for factor, other in combinations(named, 2):
        for number in _NUMBERS:
            both = zip(points, factor.numbers, other.numbers, strict=True)
            if _all_same(points, (number * point.got * x * y for point, x, y in both)):
                also, also_zh = _and_so_is(number)
                zh = f"缺少{factor.zh}{' ' if factor.zh[-1].isascii() else ''}和{other.zh}{also_zh}。"
                yield Finding("missing factor", f"The {factor.en} and the {other.en} are missing{also}.", zh)


def _factors(points: Sequence[Point]) -> Iterator[_Factor]:
    """What a gradient may be multiplied with: the arguments, and the derivatives of the operations on the way."""
    for name in points[0].arguments:
        factors = [point.arguments[name] for point in points]
        if all(_fits(factor, point.right) for factor, point in zip(factors, points, strict=True)):
            yield _Factor(name, f"factor {name}", f"因子 {name}", factors)
    for name, slope in points[0].slopes.items():
        numbers = [point.slopes[name].numbers for point in points if name in point.slopes]
        if len(numbers) < len(points) or all(np.all(each == numbers[0].flat[0]) for each in numbers):
            continue  # what is the same everywhere is a number
        if all(_fits(each, point.right) for each, point in zip(numbers, points, strict=True)):
            of = slope.operation
            yield _Factor(f"the derivative of {of}", f"derivative of {of}", f" {of} 的导数", numbers, slope)


def _fits(factor: Array, right: Array) -> bool:
    try:
        return bool(np.broadcast_shapes(factor.shape, right.shape) == right.shape)
    except ValueError:
        return False


def _about_term(points: Sequence[Point]) -> Iterator[Finding]:
    """A multiple of an argument is missing, as of a penalty."""
    for name, argument in points[0].arguments.items():
        if argument.shape != points[0].right.shape or not argument.any():
            continue
        at = np.unravel_index(np.argmax(np.abs(argument)), argument.shape)
        times = float((points[0].right[at] - points[0].got[at]) / argument[at])
        if times and _all_same(points, (point.got + times * point.arguments[name] for point in points)):
            text = _as_text(times)
            yield Finding("missing term", f"The term {text}·{name} is missing from the sum.", f"和式中缺少一项 {text}·{name}。")


def about_error(points: Sequence[Point]) -> Finding:
    """What can be said where no fault is recognized: a number that is wrong, and how many are."""
    point = points[0]
    errors = np.abs(point.got - point.right)
    at = tuple(int(axis) for axis in np.unravel_index(np.argmax(errors), errors.shape))
    got, right = f"{point.got[at]:.6g}", f"{point.right[at]:.6g}"
    if not at:
        where = ", ".join(f"{name} = {x:.6g}" for name, x in point.arguments.items() if x.ndim == 0)
        where_en, where_zh = (f" for {where}", f"当 {where} 时") if where else ("", "")
        return Finding("wrong", f"It is wrong: {got} instead of {right}{where_en}.", f"{where_zh}得 {got}，应为 {right}。")
    wrong = np.count_nonzero(errors > _CLOSE * np.max(np.abs(point.right)))
    return Finding(
        "wrong",
        f"It is wrong: {got} instead of {right} at {[*at]}; {wrong} of {errors.size} numbers differ.",
        f"{[*at]} 处得 {got}，应为 {right}；{errors.size} 个数里错了 {wrong} 个。",
    )
