"""What somebody hands in to be checked: functions run on copies, and what goes wrong is told with the line of their own code.

What would be right is not known here.
"""

from __future__ import annotations

import copy
import inspect
import linecache
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_edu.engine.messages import GENERATED, NUMPY, PACKAGE, STANDARD, cut, name_of, shortened
from tinygrad_edu.engine.value import Value
from tinygrad_edu.escaping import one_line
from tinygrad_edu.transforms.tracing import parameter_names

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Finding:
    """What is wrong with an answer, in a word and as a sentence in two languages.

    kind: "right" where nothing is wrong. Of a gradient else "sign", "factor", "mean", "transposed", "sum over the batch",
        "missing factor", "needless factor", "missing term", "only here", "the function", "shape", "zero", "not a number", or
        "wrong" where no more can be said. Of what cannot be compared "not answered", "no function", "parameters", "no numbers" or
        "an error".
    lang: the language in which it prints.
    """

    kind: str
    en: str
    zh: str
    lang: str = "en"

    @property
    def is_right(self) -> bool:
        """Whether the answer is right wherever it was tried."""
        return self.kind == "right"

    def in_language(self, lang: str) -> str:
        """The sentence, in English or, for "zh", in Chinese."""
        return self.zh if lang == "zh" else self.en

    def __str__(self) -> str:
        return self.in_language(self.lang)


class RefusedError(Exception):
    """An answer cannot be compared.

    finding: why.
    """

    def __init__(self, kind: str, en: str, zh: str) -> None:
        super().__init__(en)
        self.finding = Finding(kind, en, zh)


def is_missing(answer: Any, depth: int = 3) -> bool:
    """Whether nothing was written yet: None, `...`, or a list or a tuple, of so many dimensions, that holds one of them."""
    if isinstance(answer, list | tuple) and depth > 0:
        return any(is_missing(each, depth - 1) for each in answer)
    return answer is None or answer is ...


def words_of(error: BaseException) -> str:
    """What an error says, on one line; nothing where it cannot say it."""
    try:
        return cut(one_line(str(error)), 300)
    except Exception:
        return ""


def check_callable(answer: Any, names: Sequence[str]) -> None:
    """Refuse what is no function of so many arguments.

    Raises
    ------
    RefusedError: it says what is there and what is expected.
    """
    expected = ", ".join(names)
    if not callable(answer):
        raise RefusedError(
            "no function",
            f"A function of ({expected}) is expected, but this is {spelled(answer)}. "
            "Hand over the function itself: its name, without parentheses.",
            f"应交一个以 ({expected}) 为参数的函数，却得到 {spelled(answer)}。请交函数本身：只写函数名，不加括号。",
        )
    try:
        inspect.signature(answer).bind(*names)
    except TypeError:
        own = f"{name_of(answer)}{inspect.signature(answer)}"
        raise RefusedError(
            "parameters",
            f"The function is called with {len(names)} argument{'s' if len(names) != 1 else ''}, ({expected}), but is {own}.",
            f"这个函数应有 {len(names)} 个参数 ({expected})，而它的定义是 {own}。",
        ) from None
    except ValueError:  # a function without a signature, as some of NumPy's
        return


def called(answer: Callable[..., Any], arguments: Sequence[Any]) -> Any:
    """What a function returns on copies of the arguments.

    Raises
    ------
    RefusedError: if it returns nothing yet, or raises an error, which is told with the line of its code.
    """
    try:
        result = answer(*copy.deepcopy([*arguments]))
    except (Exception, SystemExit) as error:  # whatever a learner's function raises is told, not passed on
        raise refused(error, _shapes(answer, arguments) if isinstance(error, ValueError) else "") from None
    if is_missing(result):
        raise RefusedError(
            "not answered",
            f"Not answered yet: the function returns {_missing(result)}. "
            "Replace `...` by what is asked for, and write `return` before the result.",
            f"还没有作答：函数返回 {_missing(result)}。请把 `...` 换成答案，并在结果前写上 `return`。",
        )
    return result


def called_everywhere(answer: Callable[..., Any], names: Sequence[str], places: Sequence[Sequence[Any]]) -> list[Any]:
    """What a function returns at each of several places: see `called`.

    Raises
    ------
    RefusedError: as there; and if it returns something at some places only, as where a branch lacks its `return`.
    """
    results: list[Any] = []
    refusals: list[tuple[Sequence[Any], RefusedError]] = []
    for at in places:
        try:
            results.append(called(answer, at))
        except RefusedError as refusal:
            if refusal.finding.kind != "not answered":
                raise
            refusals.append((at, refusal))
    if refusals and results:
        where = ", ".join(f"{name} = {shown(x)}" for name, x in zip(names, refusals[0][0], strict=False))
        raise RefusedError(
            "no numbers",
            f"It returns nothing for {where}, but something elsewhere: there is a way through the function without `return`.",
            f"当 {where} 时没有返回结果，别处却有：函数里有一条路没有走到 `return`。",
        )
    if refusals:
        raise refusals[0][1]
    return results


def _missing(result: Any) -> str:
    return "..." if result is ... else shown(result)


def names_of(f: Callable[..., Any], count: int) -> list[str]:
    """What the arguments of a function are called."""
    names = parameter_names(f)
    return [names[i] if i < len(names) else f"argument {i}" for i in range(count)]


def _shapes(answer: Callable[..., Any], arguments: Sequence[Any]) -> str:
    """What shapes the arguments have: most of NumPy's errors are about these."""
    names = names_of(answer, len(arguments))
    return ", ".join(f"{name} {getattr(x, 'shape', ())}" for name, x in zip(names, arguments, strict=True))


def refused(error: BaseException, shapes: str = "") -> RefusedError:
    """What is said of an error that a learner's code raised."""
    words = words_of(error)
    if "ellipsis" in words:
        return RefusedError("not answered", "Not answered yet: replace `...`.", "还没有作答：请替换 `...`。")
    said = f"{type(error).__name__}: {words}".removesuffix(": ")
    number, line = own_line(error)
    where_en, where_zh = (f" in line {number}", f"第 {number} 行") if number else ("", "运行时")
    code_en, code_zh = (f", `{line}`", f" `{line}` ") if line else ("", "")
    shapes_en, shapes_zh = (f" (The shapes are: {shapes}.)", f"（形状：{shapes}。）") if shapes else ("", "")
    en, zh = f"There is an error{where_en}{code_en}: {said}{shapes_en}", f"{where_zh}{code_zh}出错：{said}{shapes_zh}"
    return RefusedError("an error", en, zh)


def own_line(error: BaseException) -> tuple[int, str]:
    """The line of the user's own code where an error came about: its number and its text; 0 if there is none."""
    if isinstance(error, SyntaxError) and error.lineno:
        return error.lineno, (error.text or "").strip()
    others = (PACKAGE, NUMPY, STANDARD, GENERATED)
    for frame, number in reversed([*traceback.walk_tb(error.__traceback__)]):
        if not frame.f_code.co_filename.startswith(others):
            return number, linecache.getline(frame.f_code.co_filename, number).strip()
    return 0, ""


def numbers(answer: Any, right: Array) -> Array:
    """An answer as an array.

    Parameters
    ----------
    right: a right answer. Where this one holds no numbers it is told what should be there; the numbers are not compared.

    Raises
    ------
    RefusedError: if it is something else than a number or an array: a list, a Value, True where a number is expected.
    """
    shape, is_truth = right.shape, right.dtype.kind == "b"
    if shape:
        of_en, of_zh = (" of True and False", "由 True 和 False 组成、") if is_truth else ("", "")
        words_en, words_zh = ("", "") if is_truth else in_words(shape)
        en, zh = f"an array{of_en} of shape {shape}{words_en}", f"{of_zh}形状为 {shape} 的数组{words_zh}"
    else:
        en, zh = ("True or False", " True 或 False") if is_truth else ("a number", "一个数")
    array = None if isinstance(answer, Value | list | tuple) else np.asarray(answer)
    if array is not None and array.dtype.kind in ("b" if is_truth else "fiu"):
        return array
    advice_en, advice_zh = _advice(answer, array, right)
    got = spelled(answer)
    got_en, got_zh = (f"the function {name_of(answer)}", f"函数 {name_of(answer)}") if callable(answer) else (got, f" {got}")
    raise RefusedError("no numbers", f"It must be {en}, but is {got_en}.{advice_en}", f"应是{zh}，却是{got_zh}。{advice_zh}")


def in_words(shape: tuple[int, ...]) -> tuple[str, str]:
    """What a shape means, for those to whom shapes are new."""
    if not shape:
        return ", a single number", "，即单独一个数"
    return (f", {shape[0]} numbers", f"，即 {shape[0]} 个数") if len(shape) == 1 and shape[0] > 1 else ("", "")


def _advice(answer: Any, array: Array | None, right: Array) -> tuple[str, str]:
    if isinstance(answer, Value):
        own = ".numpy()" if right.shape else ".item()"
        return f" Write {own} after the Value.", f"请在这个 Value 后面写上 {own}。"
    if isinstance(answer, list | tuple):
        if any(isinstance(each, Value) for each in answer):
            return " Write .item() after each Value.", "请在每个 Value 后面写上 .item()。"
        if right.ndim == 1 and any(isinstance(each, list | tuple) for each in answer):
            return " Write its numbers one after the other, without brackets in between.", "请把这些数依次写出，中间不要加括号。"
        single = " A single number has no brackets and no comma.", "单独一个数不要加括号和逗号。"
        return (" Write np.array(...).", "请写 np.array(...)。") if right.shape else single
    if isinstance(answer, str):
        return " Write it without quotation marks.", "请去掉引号。"
    if callable(answer):
        return " Call it.", "请调用它。"
    if array is not None and array.dtype.kind == "b":
        return " Write 1.0 * (...) to make numbers of it.", "要变成数，请写 1.0 * (...)。"
    if array is not None and array.dtype.kind in "fiu":  # where truths are expected
        return " Write True or False in place of the numbers.", "请把数换成 True 或 False。"
    return "", ""


def shown(x: Any, depth: int = 3) -> str:
    """A value in a sentence: numbers with some digits, on one line; lists of so many dimensions, too."""
    if isinstance(x, tuple | list) and depth > 0:
        words = ", ".join(shown(each, depth - 1) for each in x)
        return cut(f"({words})" if isinstance(x, tuple) else f"[{words}]", 200)
    if isinstance(x, dict) and depth > 0:
        return cut(f"{{{', '.join(f'{shown(key, 0)}: {shown(each, depth - 1)}' for key, each in x.items())}}}", 200)
    if isinstance(x, float | np.floating):
        return f"{x:.6g}"
    if isinstance(x, np.ndarray | np.generic) and x.dtype.kind in "biufc":
        x = np.asarray(x)
        return cut(" ".join(np.array2string(x, precision=4, separator=", ", threshold=20).split()), 200)
    return spelled(x)


def spelled(x: Any) -> str:
    """A value as Python writes it, on one line and not too long."""
    return " ".join(one_line(shortened(x)).split())
