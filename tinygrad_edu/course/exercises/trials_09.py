"""What is tried with the program of lesson 9, and what is said of the first thing that goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu.course.exercises.built_engine import sum_back
from tinygrad_edu.languages import Text
from tinygrad_edu.testing.answers import called

_SHAPES: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...] = (
    ((4, 3), (4, 3)),
    ((4, 3), (3,)),
    ((4, 3), (4, 1)),
    ((4, 3), (1, 3)),
    ((4, 3), ()),
    ((3, 3), (3,)),
    ((3, 3), (3, 1)),
    ((2, 4, 3), (4, 1)),
    ((2, 4, 3), (3,)),
    ((2, 4, 3), (2, 1, 1)),
)
"""What g has, and what the input had before it was broadcast to that."""


def try_unbroadcast(answer: Callable[..., Any]) -> Text | None:
    for before, shape in _SHAPES:
        g = np.arange(1.0, 1.0 + np.prod(before)).reshape(before)
        wrong = _wrong_result(called(answer, (g, shape)), sum_back(g, shape), g, f"g.shape = {before}, shape = {shape}")
        if wrong is not None:
            return wrong
    return None


def _wrong_result(result: Any, right: Any, g: Any, at: str) -> Text | None:
    got = np.asarray(result)
    if got.shape == right.shape and np.allclose(got, right):
        return None
    if got.shape == right.shape:
        kept = "g" if np.allclose(np.sum(got), np.sum(g)) else ""
        return Text(
            f"For {at} the shape is right, and the numbers are not. "
            + ("The sum of all numbers is: they were added along the wrong axis." if kept else _not_a_sum(got, right).en),
            f"{at} 时形状对了，数不对。" + ("总和是对的：求和的轴错了。" if kept else _not_a_sum(got, right).zh),
        )
    if got.shape == g.shape:
        return Text(
            f"For {at} the result still has the shape {got.shape} of g. What was used in several places gets the sum of what comes "
            "from these places.",
            f"{at} 时结果的形状仍是 g 的 {got.shape}。在几个地方用过的数，要把这几个地方来的梯度加起来。",
        )
    if got.size == right.size:
        return Text(
            f"For {at} the result has shape {got.shape} instead of {right.shape}. The numbers are as many: an axis of length 1 "
            "stays (keepdims=True), and an axis that was added goes.",
            f"{at} 时结果的形状是 {got.shape}，应该是 {right.shape}。数的个数是对的：长度为 1 的轴要保留（keepdims=True），"
            "添上的轴要去掉。",
        )
    return Text(
        f"For {at} the result has shape {got.shape}, and it should have shape {right.shape}. Axes are added on the left, and "
        "an axis "
        "of length 1 is stretched: sum over both kinds.",
        f"{at} 时结果的形状是 {got.shape}，应该是 {right.shape}。广播会在左边添轴，也会拉伸长度为 1 的轴：两种轴都要求和。",
    )


def _not_a_sum(got: Any, right: Any) -> Text:
    if np.all(got < right):
        return Text(
            "They are too small: the contributions must be added, not averaged, and none of them may be left out.",
            "数偏小：贡献要相加，不是取平均，也不能漏掉。",
        )
    return Text("They are not the sums of g.", "它们不是 g 的和。")
