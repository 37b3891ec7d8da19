"""What a learner calls: `check`, `hint` and `solution`. They print, in English or Chinese, and return nothing."""

from __future__ import annotations

from typing import Any

from tinygrad_edu.course.exercises import exercise, exercises_of
from tinygrad_edu.course.progress import Progress, change
from tinygrad_edu.engine.messages import shortened
from tinygrad_edu.errors import DataError
from tinygrad_edu.escaping import printable
from tinygrad_edu.languages import Language, Text, check_language
from tinygrad_edu.testing.answers import Finding

_BRACKETS = Finding(
    "no numbers",
    "These are several answers: put them in brackets, as in (1, 2), to make one of them.",
    "给了几个答案：请加上括号，写成一个答案，例如 (1, 2)。",
)


def check(number: str, answer: Any, *others: Any, lang: Language = "en") -> None:
    """Print whether an answer to an exercise is right, and if not, what is wrong with it.

    Parameters
    ----------
    number: of the exercise: "3.2".
    answer: what the exercise asks for: a number, an array, a function or a class. `...` and functions that return nothing are not
        answered yet. Functions are called on copies; what they raise is told with the line of their code.
    lang: "zh" for Chinese.

    Raises
    ------
    DataError: if there is no such exercise; it lists those of the lesson. Or if `lang` is no such language.

    >>> check("3.2", lambda theta, x, t: (t - theta * x) * x)
    3.2 is not right yet. The sign is turned: it is the gradient times −1.
    A hint: hint("3.2")
    >>> check("3.2", lambda theta, x, t: theta * x - t)
    3.2 is not right yet. The factor x is missing.
    A hint: hint("3.2")
    """
    check_language(lang)
    asked = exercise(number)
    found = _BRACKETS if others else asked.judge(answer)
    if found.is_right:
        now = change(lambda progress: progress.done.add(asked.number))
        _print(_right(asked.number, now), lang)
        for note in now.notes:
            _print(note, lang)
        return
    if found.kind == "not answered":
        _print(Text(f"{asked.number}: {found.en}", f"{asked.number}：{found.zh}"), lang)
    else:
        _print(Text(f"{asked.number} is not right yet. {found.en}", f"{asked.number} 还不对。{found.zh}"), lang)
    _print(Text(f'A hint: hint("{asked.number}")', f'需要提示：hint("{asked.number}", lang="zh")'), lang)


def hint(number: str, which: int | None = None, *, lang: Language = "en") -> None:
    """Print a hint for an exercise: the next one each time, or one by its number.

    Parameters
    ----------
    number: of the exercise: "3.2".
    which: 1 for the first one. By default the next one; after the last one, that one again.
    lang: "zh" for Chinese.

    Raises
    ------
    DataError: if there is no such exercise, or not so many hints, or no such language.

    >>> hint("1.1", 1)
    Hint 1 of 2: First compute what the model says: y = θx.
    """
    check_language(lang)
    asked = exercise(number)
    count, notes = len(asked.hints), []
    if which is None:
        now = change(lambda progress: progress.hints.update({asked.number: min(progress.hints.get(asked.number, 0) + 1, count)}))
        which, notes = now.hints[asked.number], now.notes
    if isinstance(which, bool) or not isinstance(which, int) or not 1 <= which <= count:
        raise DataError(f"exercise {asked.number} has {count} hints, numbered from 1, but which is {shortened(which)}.")
    text = asked.hints[which - 1]
    _print(Text(f"Hint {which} of {count}: {text.en}", f"提示 {which}/{count}：{text.zh}"), lang)
    if which == count:
        last = Text(
            f'That was the last hint. The solution: solution("{asked.number}")',
            f'这是最后一条提示。查看解答：solution("{asked.number}", lang="zh")',
        )
        _print(last, lang)
    for note in notes:
        _print(note, lang)
    if notes and which < count:  # the next call may give the same hint again
        following = f'hint("{asked.number}", {which + 1}'
        _print(Text(f"The next hint: {following})", f'下一条提示：{following}, lang="zh")'), lang)


def solution(number: str, *, lang: Language = "en") -> None:
    """Print the solution of an exercise: its source code, or what it is in words.

    Parameters
    ----------
    number: of the exercise: "3.2".
    lang: "zh" for Chinese.

    Raises
    ------
    DataError: if there is no such exercise, or no such language.

    >>> solution("3.2")
    def loss_gradient(theta, x, t):
        y = theta * x
        return (y - t) * x
    """
    check_language(lang)
    print(exercise(number).solution_text(lang))


def _right(number: str, now: Progress) -> Text:
    lesson = number.partition(".")[0]
    numbers = [each.number for each in exercises_of(int(lesson))]
    done = sum(each in now.done for each in numbers)
    return Text(
        f"{number} is right. Of lesson {lesson}, {done} of {len(numbers)} exercises are done.",
        f"{number} 答对了。第 {lesson} 课已完成 {done}/{len(numbers)} 道练习。",
    )


def _print(text: Text, lang: Language) -> None:
    print(printable(text.in_language(lang)))
