"""A gradient that somebody derived, compared with that of autodiff: at several points, so that what is found holds everywhere and
not by chance; for one sample of several; and where numbers have other signs.

What may be wrong with it is known to `faults`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tinygrad_edu.engine.messages import shortened
from tinygrad_edu.errors import DataError
from tinygrad_edu.languages import Language, check_language
from tinygrad_edu.testing.answers import Array, Finding, RefusedError, called_everywhere, check_callable, names_of, numbers
from tinygrad_edu.testing.faults import Point, about_error, finding, same
from tinygrad_edu.testing.slopes import slopes
from tinygrad_edu.transforms.gradients import grad, value_and_grad

_POINTS = 4


def diagnose_gradient(
    f: Callable[..., Any],
    my_gradient: Callable[..., Any],
    args: Sequence[Any],
    argnum: int = 0,
    *,
    seed: int = 0,
    lang: Language = "en",
) -> Finding:
    """Compare a gradient that was derived by hand with that of autodiff, and say what is wrong with it.

    Parameters
    ----------
    f: a function of NumPy's functions and operators that returns one number.
    my_gradient: the gradient for one argument as a function of the same arguments; it returns an array of that argument's shape.
        It gets copies, and whatever it raises is told with the line of its code.
    args: a tuple of numbers and arrays, one for each argument. Other points are made of these at random: each number of double
        precision is multiplied by something between ½ and 2, and whole numbers stay. A gradient that is right there is tried with
        other signs, too, one argument at a time, where `f` has a gradient.
    argnum: the argument that the gradient is for.
    seed: of the points.
    lang: "zh" for Chinese.

    Returns
    -------
    A `Finding`, which prints as a sentence.

    Raises
    ------
    DataError: if `args` is no tuple, or `argnum` is not the place of one of them, or `lang` is no such language.

    >>> def loss(theta, x, t):
    ...     return 0.5 * (t - theta * x) ** 2
    >>> print(diagnose_gradient(loss, lambda theta, x, t: -(t - theta * x) * x, (3.0, 2.0, 8.0)))
    This gradient is right.
    >>> print(diagnose_gradient(loss, lambda theta, x, t: (t - theta * x) * x, (3.0, 2.0, 8.0)))
    The sign is turned: it is the gradient times −1.
    >>> print(diagnose_gradient(loss, lambda theta, x, t: -(t - theta * x), (3.0, 2.0, 8.0)))
    The factor x is missing.
    >>> print(diagnose_gradient(loss, lambda theta, x, t: -x, (3.0, 2.0, 8.0)))
    The factor (t − θ·x) is missing: it is the derivative of ½(t − θ·x)² by (t − θ·x).
    """
    if not isinstance(args, tuple | list):
        raise DataError(f"args must be a tuple with one entry for each argument of f, but is {shortened(args)}: write (x,).")
    if isinstance(argnum, bool) or not isinstance(argnum, int) or not 0 <= argnum < len(args):
        raise DataError(f"argnum must be a whole number from 0 to {len(args) - 1}, but is {shortened(argnum)}.")
    check_language(lang)
    return replace(_diagnosis(f, my_gradient, args, argnum, np.random.default_rng(seed)), lang=lang)


def _diagnosis(
    f: Callable[..., Any], my_gradient: Callable[..., Any], args: Sequence[Any], argnum: int, rng: np.random.Generator
) -> Finding:
    names = names_of(f, len(args))
    places = [[*args], *([_near(x, rng) for x in args] for _ in range(1, _POINTS))]
    try:
        check_callable(my_gradient, names)
        points = _points(f, my_gradient, names, places, argnum)
    except RefusedError as refused:
        return refused.finding
    found = finding(points)
    if found.kind in ("wrong", "shape") and all(
        same(each.got, np.asarray(f(*at))) for each, at in zip(points, places, strict=True)
    ):
        return Finding("the function", "That is the function itself, not its gradient.", "这是函数本身，不是它的梯度。")
    if found.kind in ("wrong", "shape"):
        return _seen_on_single_samples(f, my_gradient, names, places, argnum, found)
    return _seen_with_other_signs(f, my_gradient, names, places, argnum, rng) if found.is_right else found


def _points(
    f: Callable[..., Any], my_gradient: Callable[..., Any], names: Sequence[str], places: Sequence[Sequence[Any]], argnum: int
) -> list[Point]:
    """Both gradients at several places."""
    points: list[Point] = []
    for at, answer in zip(places, called_everywhere(my_gradient, names, places), strict=True):
        right = np.asarray(grad(f, argnum)(*at))
        got = numbers(answer, right)
        lengths = _numbers_of_samples(at, argnum)
        named = dict(zip(names, at, strict=True))
        arguments = {name: np.asarray(x) for name, x in named.items() if np.asarray(x).dtype.kind == "f"}
        points.append(Point(right, got, arguments, slopes(f, named), lengths))
    return points


def _numbers_of_samples(at: Sequence[Any], argnum: int) -> list[int]:
    """Over how many a mean may be taken: samples are rows of the arguments that are given, or numbers of the only argument."""
    rows = {np.shape(x)[0] for i, x in enumerate(at) if i != argnum and np.ndim(x)} or {*np.shape(at[argnum])}
    return sorted(length for length in rows if length > 1)


def _near(x: Any, rng: np.random.Generator) -> Any:
    """An argument somewhere else: numbers keep their signs, and zeros become small numbers."""
    numbers = np.asarray(x)
    if numbers.dtype.kind != "f":
        return x
    moved = np.where(numbers == 0, rng.uniform(-0.3, 0.3, numbers.shape), numbers * rng.uniform(0.5, 2.0, numbers.shape))
    return moved[()].astype(numbers.dtype)


def _seen_on_single_samples(
    f: Callable[..., Any],
    my_gradient: Callable[..., Any],
    names: Sequence[str],
    places: Sequence[Sequence[Any]],
    argnum: int,
    found: Finding,
) -> Finding:
    """What is wrong with the gradient for one sample alone, where arguments hold several: a sum hides it."""
    counts = {np.shape(x)[0] for i, x in enumerate(places[0]) if i != argnum and np.ndim(x)}
    if len(counts) != 1 or counts == {1} or np.shape(places[0][argnum])[:1] == (*counts,):
        return found
    (count,) = counts
    samples = [
        [x[k % count : k % count + 1] if i != argnum and np.ndim(x) else x for i, x in enumerate(at)] for k, at in enumerate(places)
    ]
    try:
        single = finding([_of_one_sample(point) for point in _points(f, my_gradient, names, samples, argnum)])
    except Exception:  # functions that ask for several samples
        return found
    if single.is_right and found.kind == "wrong":
        return Finding(
            "sum over the batch",
            "It is right for a single sample, but not for several: compute the gradient of each sample, then their sum or mean.",
            "对单个样本是对的，对多个样本不对：应先算出每个样本的梯度，再求和或求平均。",
        )
    if single.kind not in ("sign", "factor", "missing factor", "needless factor", "missing term"):
        return found
    before_en, before_zh = (f"{found.en} ", found.zh) if found.kind == "shape" else ("", "")
    return Finding(single.kind, f"{before_en}Seen on a single sample: {single.en}", f"{before_zh}只看一个样本：{single.zh}")


def _seen_with_other_signs(
    f: Callable[..., Any],
    my_gradient: Callable[..., Any],
    names: Sequence[str],
    places: Sequence[Sequence[Any]],
    argnum: int,
    rng: np.random.Generator,
) -> Finding:
    """Whether a gradient is right, too, where one of the arguments has other signs, if the function has a gradient there."""
    random = places[1:]  # the numbers of the first are round, so that some may meet where a choice changes
    turned = [[_turned(x, rng) if i == which else x for i, x in enumerate(at)] for at in random for which in range(len(at))]
    try:
        with np.errstate(all="ignore"):
            points = _points(f, my_gradient, names, [at for at in turned if _is_smooth(f, at, argnum)], argnum)
    except RefusedError as refused:
        return refused.finding
    wrong = [point for point in points if finding([point]).kind != "right"]
    if not wrong:
        return finding(points)
    error = finding(wrong[:1]) if wrong[0].got.shape != wrong[0].right.shape else about_error(wrong)
    return Finding(
        "only here",
        f"It is right as long as no number changes its sign. {error.en}",
        f"只有当各数的正负号不变时才对。{error.zh}",
    )


def _turned(x: Any, rng: np.random.Generator) -> Any:
    """An argument with other signs: a single number has the other one, the numbers of an array have some at random."""
    numbers = np.asarray(x)
    if numbers.dtype.kind != "f":
        return x
    return -x if not numbers.ndim else np.asarray(numbers * rng.choice([-1, 1], numbers.shape), numbers.dtype)


def _is_smooth(f: Callable[..., Any], at: Sequence[Any], argnum: int) -> bool:
    """Whether the function has a gradient there: log has none where numbers are negative, and a choice may refuse them."""
    try:
        with np.errstate(all="ignore"):
            value, gradient = value_and_grad(f, argnum)(*at)
        return bool(np.isfinite(value) and np.all(np.isfinite(gradient)))
    except Exception:  # whatever a function raises that is asked for what it is not made for
        return False


def _of_one_sample(point: Point) -> Point:
    """The same, where factors have no axis of samples any more."""
    got = point.got[0] if point.got.shape == (1, *point.right.shape) else point.got
    arguments = {name: _without_samples(x) for name, x in point.arguments.items()}
    of_one = {name: replace(slope, numbers=_without_samples(slope.numbers)) for name, slope in point.slopes.items()}
    return replace(point, got=got, arguments=arguments, slopes=of_one)


def _without_samples(x: Array) -> Array:
    return x[0] if x.shape[:1] == (1,) else x
