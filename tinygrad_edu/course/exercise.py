"""The kinds of exercises, and what each says of an answer.

Which exercises there are is not known here, nor who answers them.
"""

from __future__ import annotations

import inspect
import linecache
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinygrad_edu.engine.messages import name_of, shortened
from tinygrad_edu.errors import TinygradError
from tinygrad_edu.languages import Text
from tinygrad_edu.testing.answers import (
    Array,
    Finding,
    RefusedError,
    called,
    called_everywhere,
    check_callable,
    in_words,
    is_missing,
    numbers,
    refused,
    shown,
    words_of,
)
from tinygrad_edu.testing.diagnosis import diagnose_gradient

_RIGHT = Finding("right", "This is right.", "答对了。")
_INPUTS = 20
_LITTLE_SAID = ("wrong", "only here", "sum over the batch")  # of a gradient: a known mistake tells more
_ROUNDING = 1e-6  # relative to the largest number, for functions
_DIGITS = 5e-4  # for numbers, which may be written with three digits


@dataclass(frozen=True, kw_only=True)
class Exercise(ABC):
    """One exercise of a lesson. Its text stands in the lesson.

    number: of the lesson and of the exercise in it: "3.2".
    title: as in the lesson's heading.
    hints: at least two, step by step; the last one nearly gives the answer away.
    solution: a function, a class, a tuple of an answer and what it needs, or a `Text`.
    """

    number: str = field(kw_only=False)
    title: Text = field(kw_only=False)
    hints: Sequence[Text]
    solution: Any

    def judge(self, answer: Any) -> Finding:
        """What is to be said of an answer, whatever it is."""
        if is_missing(answer):
            return Finding(
                "not answered", "Not answered yet: replace `...` by your answer.", "还没有作答：请把 `...` 换成你的答案。"
            )
        try:
            return self._compared(answer)
        except RefusedError as not_comparable:
            return not_comparable.finding

    @abstractmethod
    def _compared(self, answer: Any) -> Finding:
        """What is to be said of an answer that is there. May raise `RefusedError`."""

    def solution_text(self, lang: str) -> str:
        """The solution: source code, or words."""
        parts = self.solution if isinstance(self.solution, tuple) else (self.solution,)
        return "\n\n".join(part.in_language(lang) if isinstance(part, Text) else inspect.getsource(part).strip() for part in parts)


Mistakes = Sequence[tuple[Callable[..., Any], Text]]


@dataclass(frozen=True, kw_only=True)
class Gradient(Exercise):
    """A gradient that is derived by hand: compared with that of autodiff.

    f: the function that is differentiated, of NumPy's functions and operators.
    arguments: where to begin; other points are made of these at random. Floats move, whole numbers stay.
    argnum: the argument that the gradient is for.
    others: more arguments to begin with, where those near the first ones do not tell all.
    mistakes: wrong gradients that are likely, each with what to say of it where the comparison finds no words.
    """

    f: Callable[..., Any]
    arguments: Sequence[Any]
    argnum: int = 0
    others: Sequence[Sequence[Any]] = ()
    mistakes: Mistakes = ()

    def _compared(self, answer: Any) -> Finding:
        for arguments in (self.arguments, *self.others):
            found = diagnose_gradient(self.f, answer, arguments, self.argnum)
            if found.kind in _LITTLE_SAID:
                return self._known(answer) or found
            if not found.is_right:
                break
        return found

    def _known(self, answer: Any) -> Finding | None:
        """What is to be said if it is a mistake that is known."""
        places = [self.arguments, *self.others]
        for mistake, text in self.mistakes:
            if all(_is_same(called(answer, at), called(mistake, at)) for at in places):
                return Finding("mistake", text.en, text.zh)
        return None


@dataclass(frozen=True, kw_only=True)
class Number(Exercise):
    """A number, an array of numbers, or True or False. Three digits are enough.

    right: computes it.
    mistakes: functions that compute wrong answers that are likely, each with what to say of it.
    """

    right: Callable[[], Any]
    mistakes: Mistakes = ()

    def _compared(self, answer: Any) -> Finding:
        right = np.asarray(self.right())
        if callable(answer):
            own = name_of(answer)
            raise RefusedError(
                "no numbers",
                f"A number is expected, but this is the function {own}: call it, {own}(...).",
                f"应是数，却是函数 {own}：请调用它，写 {own}(...)。",
            )
        got = written_numbers(answer, right)
        if _agree(got, right, _DIGITS):
            return _RIGHT
        for mistake, text in self.mistakes:
            if _agree(got, np.asarray(mistake()), _DIGITS):
                return Finding("mistake", text.en, text.zh)
        for found in _about_pairs([(got, right)], _DIGITS):
            return found
        return _about_numbers(got, right)


def written_numbers(answer: Any, right: Array) -> Array:
    """Numbers as one writes them by hand, in an array or in brackets, with the shape of a right answer.

    Raises
    ------
    RefusedError: if they are no numbers, or have another shape.
    """
    if right.ndim and isinstance(answer, list | tuple):
        with suppress(ValueError, TinygradError):  # rows of different lengths, Values
            answer = np.array(answer)
    got = numbers(answer, right)
    _check_shape(got, right)
    return got


@dataclass(frozen=True, kw_only=True)
class Function(Exercise):
    """A function: compared with the solution on random inputs. It may return a tuple or a dict of numbers and arrays.

    solution: the right function. Its parameters are those of the answer.
    arguments: makes the arguments at random, given a generator of NumPy's.
    mistakes: wrong functions that are likely, each with what to say of it.
    """

    solution: Callable[..., Any]
    arguments: Callable[[np.random.Generator], tuple[Any, ...]]
    mistakes: Mistakes = ()

    def _compared(self, answer: Any) -> Finding:
        names = [*inspect.signature(self.solution).parameters]
        check_callable(answer, names)
        rng = np.random.default_rng(0)
        inputs = [self.arguments(rng) for _ in range(_INPUTS)]
        rights = [called(self.solution, at) for at in inputs]
        gots = called_everywhere(answer, names, inputs)
        pairs = [[*_pairs(got, right)] for got, right in zip(gots, rights, strict=True)]
        wrong = [i for i, each in enumerate(pairs) if not all(_agree(got, right) for got, right in each)]
        if not wrong:
            return _RIGHT
        for mistake, text in self.mistakes:
            if all(_is_same(got, called(mistake, at)) for got, at in zip(gots, inputs, strict=True)):
                return Finding("mistake", text.en, text.zh)
        for found in _about_pairs([pair for each in pairs for pair in each]):
            return found
        first = wrong[0]
        at = ", ".join(f"{name} = {shown(x)}" for name, x in zip(names, inputs[first], strict=False))
        got, right = gots[first], rights[first]
        if isinstance(right, tuple):
            return _about_results(at, got, right)
        got, right = shown(got), shown(right)
        return Finding(
            "wrong",
            f"It is wrong: for {at} it returns {got}, but should return {right}.",
            f"当 {at} 时返回 {got}，应为 {right}。",
        )


@dataclass(frozen=True, kw_only=True)
class Program(Exercise):
    """A class, a function or whatever else is to be written, and is tried out.

    trial: takes the answer. It returns None where all is well, else a `Text` that says the first thing that is wrong. An error,
        too, is told, with the line of the answer that raised it or, of an assertion, with the line of the trial.
    """

    trial: Callable[[Any], Text | None]

    def _compared(self, answer: Any) -> Finding:
        expected = self.solution[0] if isinstance(self.solution, tuple) else self.solution
        if inspect.isfunction(expected):
            check_callable(answer, [*inspect.signature(expected).parameters])
        try:
            text = self.trial(answer)
        except RefusedError:
            raise
        except (Exception, SystemExit) as error:
            raise self._failed(error) from None
        return _RIGHT if text is None else Finding("wrong", text.en, text.zh)

    def _failed(self, error: BaseException) -> RefusedError:
        words = words_of(error)
        if "NoneType" in words:
            return RefusedError(
                "not answered",
                f"Not answered yet, or `return` is missing: {words}.",
                f"还没有作答，或者缺少 `return`：{words}。",
            )
        line = self._line(error)
        if isinstance(error, AssertionError) and line:
            return RefusedError("wrong", f"This does not hold: {line}", f"以下不成立：{line}")
        told = refused(error).finding
        return RefusedError(told.kind, f"{told.en} (tried: {line})", f"{told.zh}（尝试的是：{line}）") if line else refused(error)

    def _line(self, error: BaseException) -> str:
        """The line of the trial where an error came about."""
        file, line = self.trial.__code__.co_filename, ""
        for frame, number in traceback.walk_tb(error.__traceback__):
            if frame.f_code.co_filename == file:
                line = linecache.getline(file, number).strip()
            elif line:
                break
        return line


def _about_results(at: str, got: Sequence[Any], right: Sequence[Any]) -> Finding:
    """Which of several results is wrong."""
    place = next(i for i, (one, other) in enumerate(zip(got, right, strict=True)) if not _is_same(one, other))
    is_it, should_be, count = shown(got[place]), shown(right[place]), len(right)
    return Finding(
        "wrong",
        f"It is wrong: for {at} result {place + 1} of {count} is {is_it}, but should be {should_be}.",
        f"当 {at} 时，第 {place + 1} 个结果（共 {count} 个）是 {is_it}，应为 {should_be}。",
    )


# --- numbers that are compared -------------------------------------------------------------------------------------------------


def _pairs(got: Any, right: Any) -> Iterator[tuple[Array, Array]]:
    """The numbers of an answer, each with those that should be there."""
    if isinstance(right, dict):
        if not isinstance(got, dict) or got.keys() != right.keys():
            raise RefusedError(
                "no numbers",
                f"It must return a dict with the keys {[*right]}, but returns {shown(got)}.",
                f"应返回键为 {[*right]} 的 dict，却返回 {shown(got)}。",
            )
        for key in right:
            yield from _pairs(got[key], right[key])
    elif isinstance(right, tuple | list):
        if isinstance(got, np.ndarray) and not any(map(np.ndim, right)):  # numbers may be told in an array
            got = [*got] if got.ndim else got
        if not isinstance(got, tuple | list) or len(got) != len(right):
            raise RefusedError(
                "no numbers",
                f"It must return {len(right)} results, separated by commas, but returns {shown(got)}.",
                f"应返回 {len(right)} 个结果，用逗号隔开，却返回 {shown(got)}。",
            )
        for place, (one, other) in enumerate(zip(got, right, strict=True), start=1):
            try:
                yield from _pairs(one, other)
            except RefusedError as refusal:
                said, count = refusal.finding, len(right)
                en, zh = f"Result {place} of {count}: {said.en}", f"第 {place} 个结果（共 {count} 个）：{said.zh}"
                raise RefusedError(said.kind, en, zh) from None
    else:
        expected = np.asarray(right)
        array = numbers(got, expected)
        _check_shape(array, expected)
        yield array, expected


def _check_shape(got: Array, right: Array) -> None:
    if got.shape == right.shape:
        return
    if got.T.shape == right.shape and _agree(got.T, right):
        raise RefusedError(
            "transposed",
            f"It is transposed: {got.shape} instead of {right.shape}.",
            f"转置了：形状是 {got.shape}，应为 {right.shape}。",
        )
    which_en, which_zh = in_words(right.shape)
    raise RefusedError(
        "shape",
        f"It has shape {got.shape}, but should have shape {right.shape}{which_en}.",
        f"形状是 {got.shape}，应为 {right.shape}{which_zh}。",
    )


def _agree(got: Array, right: Array, tolerance: float = _ROUNDING) -> bool:
    """Whether they are the same up to rounding, which goes with the largest number; whole numbers and truths exactly."""
    return got.shape == right.shape and bool(np.all(_agreeing(got, right, tolerance)))


def _agreeing(got: Array, right: Array, tolerance: float) -> Array:
    """Where they agree."""
    if right.dtype.kind in "biu":
        return np.equal(got, right)
    largest = np.max(np.abs(right), initial=0, where=np.isfinite(right))
    return np.isclose(got, right, rtol=tolerance, atol=tolerance * largest, equal_nan=True)


def _is_same(got: Any, mistake: Any) -> bool:
    """Whether an answer is what a known mistake would give."""
    try:
        return all(_agree(one, other) for one, other in _pairs(got, mistake))
    except RefusedError:
        return False


def _about_pairs(pairs: Sequence[tuple[Array, Array]], tolerance: float = _ROUNDING) -> Iterator[Finding]:
    """All numbers are the right ones times the same simple number, or transposed."""
    if any(np.isnan(got).any() for got, right in pairs if not np.isnan(right).any()):
        yield Finding("not a number", "It is not a number (NaN).", "结果不是数（NaN）。")
    if all(right.dtype.kind == "b" for _, right in pairs):
        return
    for kind, times, en, zh in (
        ("sign", -1.0, "The sign is turned.", "符号反了。"),
        ("factor", 2.0, "The factor 2 is missing.", "缺少因子 2。"),
        ("factor", 0.5, "The factor ½ is missing.", "缺少因子 ½。"),
        ("factor", -2.0, "The sign is turned, and the factor 2 is missing.", "符号反了，还缺少因子 2。"),
        ("factor", -0.5, "The sign is turned, and the factor ½ is missing.", "符号反了，还缺少因子 ½。"),
    ):
        if all(_agree(times * got, right, tolerance) for got, right in pairs):
            yield Finding(kind, en, zh)
    if all(got.ndim == 2 and _agree(got.T, right, tolerance) for got, right in pairs):
        yield Finding("transposed", "It is transposed.", "转置了。")


def _about_numbers(got: Array, right: Array) -> Finding:
    """Which numbers are wrong, without the right ones."""
    if got.ndim == 0:
        if right.dtype.kind == "b":
            return Finding("wrong", f"It is not {got}.", f"不是 {got}。")
        if right.dtype.kind == "f" and got == float(f"{right:.2g}"):
            return Finding("wrong", f"Almost: write more digits than in {got:g}.", f"差一点：{got:g} 的位数不够，请多写几位。")
        en, zh = ("large", "大") if got > right else ("small", "小")
        return Finding("wrong", f"It is wrong: {got:.6g} is too {en}.", f"{got:.6g} 太{zh}了。")
    places = np.argwhere(~_agreeing(got, right, _DIGITS))
    at = shortened((places.ravel() if got.ndim == 1 else places).tolist())
    return Finding(
        "wrong",
        f"It is wrong: {len(places)} of {got.size} numbers differ, counted from 0 at {at}.",
        f"{got.size} 个数里错了 {len(places)} 个，位置（从 0 数起）：{at}。",
    )
