"""Every exercise of the course: its solution is right, what is missing is said to be, and wrong answers are told what is wrong.

The wrong answers are in `tests/course_answers/`, a file for each lesson: WRONG has for each exercise answers with a part of what
is said of them in English and in Chinese; RIGHT has a right answer to each, written by somebody who did not look at the solution.
"""

import inspect
import math
import re
import runpy
from dataclasses import replace
from functools import partial, reduce
from itertools import count, cycle, product
from pathlib import Path

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.course import check, hint, solution
from tinygrad_edu.course.exercise import Function, Number, Program
from tinygrad_edu.course.exercises import exercises_of, lessons_with_exercises
from tinygrad_edu.course.exercises.built_value import Value
from tinygrad_edu.course.progress import HOME
from tinygrad_edu.languages import Text

FOLDER = Path(__file__).parent / "course_answers"
LANGUAGES = ["en", "zh"]


def answers(lesson):
    """The names in a lesson's file of answers; none where there is no file, which a test finds."""
    file = FOLDER / f"lesson_{lesson:02}.py"
    return {"WRONG": {}, "RIGHT": {}, **(runpy.run_path(str(file)) if file.exists() else {})}


LESSONS = {lesson: answers(lesson) for lesson in lessons_with_exercises()}
EXERCISES = {each.number: each for lesson in LESSONS for each in exercises_of(lesson)}
WRONG = [
    pytest.param(number, *wrong, id=f"{number}-{place}")
    for module in LESSONS.values()
    for number, wrongs in module["WRONG"].items()
    for place, wrong in enumerate(wrongs)
]
MISTAKES = [
    pytest.param(number, place, id=f"{number}-{place}")
    for number, each in EXERCISES.items()
    for place in range(len(getattr(each, "mistakes", ())))
]
every_exercise = pytest.mark.parametrize("number", EXERCISES)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv(HOME, str(tmp_path / "home"))
    return tmp_path / "home"


def solution_of(number):
    """The solution as an answer, where it is one and not only words."""
    asked = EXERCISES[number]
    if isinstance(asked, Number):
        return asked.right()
    return asked.solution[0] if isinstance(asked.solution, tuple) else asked.solution


@every_exercise
def test_the_solution_is_right_and_so_is_another_answer_which_was_found_independently(number, home, capsys):
    answers = [solution_of(number), LESSONS[int(number.partition(".")[0])]["RIGHT"][number]]
    for answer, lang in product(answers, LANGUAGES):
        if not isinstance(answer, Text):
            check(number, answer, lang=lang)
            said = {"en": f"{number} is right.", "zh": f"{number} 答对了。"}[lang]
            assert capsys.readouterr().out.startswith(said)
    assert f'"{number}"' in (home / "progress.json").read_text("utf-8")


@pytest.mark.parametrize("number", [number for number, asked in EXERCISES.items() if isinstance(asked, Number | Function)])
def test_a_wrong_solution_would_be_found(number):
    """The answer that was found independently is none to the same exercise with a wrong solution."""
    asked, lesson = EXERCISES[number], LESSONS[int(number.partition(".")[0])]
    wrong = next(answer for answer, *_ in lesson["WRONG"][number] if asked.judge(answer).kind != "not answered")
    changed = replace(asked, right=lambda: wrong) if isinstance(asked, Number) else replace(asked, solution=wrong)
    assert not changed.judge(lesson["RIGHT"][number]).is_right


@every_exercise
def test_what_is_not_written_yet_is_not_answered(number):
    asked = EXERCISES[number]
    for answer in (None, ..., (..., ...)):
        assert asked.judge(answer).kind == "not answered"
    if not isinstance(asked, Number | Program):
        assert asked.judge(lambda *arguments: None).kind == "not answered"
        assert asked.judge(lambda *arguments: ...).kind == "not answered"


@every_exercise
def test_hints_lead_step_by_step_in_both_languages(number, capsys):
    asked = EXERCISES[number]
    assert len(asked.hints) >= 2
    assert len({text.en for text in asked.hints}) == len({text.zh for text in asked.hints}) == len(asked.hints)
    for lang in LANGUAGES:
        for which, text in enumerate(asked.hints, 1):
            hint(number, which, lang=lang)
            out = capsys.readouterr().out
            assert text.in_language(lang) in out
            assert (f"Hint {which} of {len(asked.hints)}: " if lang == "en" else f"提示 {which}/{len(asked.hints)}：") in out


@every_exercise
def test_a_title_is_in_both_languages(number):
    title = EXERCISES[number].title
    assert not re.search("[一-鿿]", title.en)
    assert re.search("[一-鿿]", title.zh) or title.zh == title.en  # a function's name


@every_exercise
def test_a_solution_that_is_pasted_into_the_lesson_is_right(number):
    """With NumPy, the library and lesson 8's class at hand, as there, and nothing else."""
    asked, around = EXERCISES[number], {"np": np, "tg": tg, "math": math, "count": count}
    if number.startswith("8.") and number != "8.6":
        around["Value"] = Value
    if callable(solution_of(number)):
        exec(compile(asked.solution_text("en"), "pasted", "exec"), around)
        assert asked.judge(around[solution_of(number).__name__]).is_right


@every_exercise
def test_the_solution_is_shown_as_a_learner_would_write_it(number, capsys):
    for lang in LANGUAGES:
        solution(number, lang=lang)
        shown = capsys.readouterr().out
        assert shown.strip()
        assert not re.search(r"\) -> |: Any\b", shown), "solutions are shown without types"


@pytest.mark.parametrize(("number", "place"), MISTAKES)
def test_a_known_mistake_gets_its_own_words(number, place):
    """And not those of another mistake, nor of a right answer."""
    asked = EXERCISES[number]
    mistake, text = asked.mistakes[place]
    found = asked.judge(mistake() if isinstance(asked, Number) else mistake)
    assert (found.kind, found.en, found.zh) == ("mistake", text.en, text.zh)


@pytest.mark.parametrize(("number", "answer", "en", "zh"), WRONG)
def test_a_wrong_answer_is_told_what_is_wrong_with_it(number, answer, en, zh, home, capsys):
    for lang, words in (("en", en), ("zh", zh)):
        check(number, answer, lang=lang)
        assert words in without_its_code(capsys.readouterr().out, answer)
    assert not home.exists()


def without_its_code(said, answer):
    """What is said of an answer, without lines of its code: the words that are looked for may stand there."""
    lines = inspect.getsource(answer).splitlines() if inspect.isfunction(answer) else ()
    for line in filter(None, map(str.strip, lines)):
        said = said.replace(f"`{line}`", "")
    return said


def test_every_kind_of_fault_in_a_gradient_is_found_in_some_answer():
    found = [EXERCISES[number].judge(answer) for number, answer, *_ in (each.values for each in WRONG)]
    kinds = {"sign", "factor", "missing factor", "mean", "sum over the batch", "transposed", "only here", "shape", "not answered"}
    assert kinds <= {each.kind for each in found}
    sentences = {each.en for each in found}
    assert {"The factor 2 is missing.", "The factor ½ is missing.", "The factor x is missing."} <= sentences
    assert "The factor (1 − tanh(w·x)²) is missing: it is the derivative of tanh(w·x) by w·x." in sentences


@pytest.mark.parametrize("lesson", LESSONS)
def test_every_exercise_has_wrong_answers_and_every_wrong_answer_an_exercise(lesson):
    wrong = LESSONS[lesson]["WRONG"]
    assert [*wrong] == [each.number for each in exercises_of(lesson)]
    assert all(len(wrongs) >= 2 for wrongs in wrong.values())


@pytest.mark.parametrize("lesson", LESSONS)
def test_exercises_are_numbered_from_one_and_there_are_three_to_six(lesson):
    numbers = [each.number for each in exercises_of(lesson)]
    assert numbers == [f"{lesson}.{place}" for place in range(1, len(numbers) + 1)]
    assert 3 <= len(numbers) <= 6


# --- strange answers -----------------------------------------------------------------------------------------------------------


class Unshowable:
    def __repr__(self):
        raise RuntimeError("no words")


class Callable:
    def __call__(self, *arguments):
        return arguments[0]


def prints_and_changes(*arguments):
    for x in arguments:
        if isinstance(x, np.ndarray) and x.flags.writeable:
            x[...] = 0
    return arguments[0]


def raises_without_words(*arguments):
    raise ValueError


def raises_what_cannot_be_said(*arguments):
    class WordlessError(Exception):
        def __str__(self):
            raise RuntimeError("no words")

    raise WordlessError


STRANGE = {
    "number": 1e400, "huge": 10**5000, "text": "x", "bytes": b"x", "dict": {"a": 1}, "set": {1}, "class": type, "object": object(),
    "unshowable": Unshowable(), "callable": Callable(), "partial": partial(pow, 2), "ufunc": np.add, "ragged": [[1], [1, 2]],
    "objects": np.array([object(), None]), "complex": np.array([1j]), "empty": np.array([]), "list of text": ["a", "b"],
    "deep": reduce(lambda x, _: [x], range(500), 1), "generator": (i for i in range(3)), "value": tg.Value([1.0, 2.0]),
    "identity": lambda *arguments: arguments, "first": prints_and_changes, "wordless": raises_without_words,
    "what cannot be said": raises_what_cannot_be_said, "keywords": lambda *, a: a, "text function": lambda *arguments: "x",
    "unshowable result": lambda *arguments: Unshowable(), "recursive": lambda *arguments: STRANGE["recursive"](*arguments),
    "dates": np.array(["2026-01-01"], dtype="datetime64[D]"), "masked": np.ma.array([1.0, 2.0], mask=[True, False]),
    "not answered inside": lambda *arguments: (..., None), "strings": np.array(["a"]), "matrix": np.eye(50), "nan": np.nan,
}  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@every_exercise
def test_a_strange_answer_is_answered_in_words(number, home, capsys):
    for answer, lang in zip(STRANGE.values(), cycle(LANGUAGES), strict=False):
        check(number, answer, lang=lang)
        said = capsys.readouterr().out
        assert said.startswith(number)
        assert 20 < len(said) < 1500
        assert len(said.splitlines()) == 2
        assert bool(re.search("[一-鿿]", said)) == (lang == "zh")
