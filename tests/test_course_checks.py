"""What is said of answers to exercises, whatever they are; hints, solutions, and the file that keeps one's progress."""

import datetime
import json
import linecache
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.course import asking, check, hint, solution
from tinygrad_edu.course.exercise import Function, Gradient, Number, Program, written_numbers
from tinygrad_edu.course.progress import HOME, change, home, progress
from tinygrad_edu.languages import Text

ROOT = Path(__file__).parents[1]
TITLE = Text("A title", "标题")
HINTS = (Text("First.", "第一。"), Text("Last.", "最后。"))


def loss(theta, x, t):
    return 0.5 * (t - theta * x) ** 2


def gradient(theta, x, t):
    return (theta * x - t) * x


def updated(w, b, x, t, eta):
    d = t - (x @ w + b)
    return w + eta * d * x, b + eta * d


def forgets_b(w, b, x, t, eta):
    d = t - x @ w
    return w + eta * d * x, b + eta * d


def only_w(w, b, x, t, eta):
    return w + eta * x


def adds_in_place(w, b, x, t, eta):
    d = t - (x @ w + b)
    w += eta * d * x
    return w, b + eta * d


class Pair:
    def __init__(self, data):
        self.data = data

    def __add__(self, other):
        return Pair(self.data + other.data)


class Broken(Pair):
    def __add__(self, other):
        return Pair(self.data + other)


class Unwritten(Pair):
    def __add__(self, other): ...


class Subtracts(Pair):
    def __add__(self, other):
        return Pair(self.data - other.data)


TRIAL = """
def pair_trial(answer):
    total = answer(1.0) + answer(2.0)
    assert total.data == 3.0
    return None if repr(total) else Text("no repr", "没有 repr")
"""


def in_another_file(source, name):
    """A function in a file of its own, as the trials of a lesson are."""
    around = {"Text": Text}
    linecache.cache["trial.py"] = len(source), None, source.splitlines(keepends=True), "trial.py"
    exec(compile(source, "trial.py", "exec"), around)
    return around[name]


def two_numbers(x):
    return x, 2 * x


def stair(x, b):
    return np.where(x + b > 0, x, 0.0)


def stair_gradient(x, b):
    return np.where(x + b > 0, 1.0, 0.0)


def two_positive(answer):
    return None if (written_numbers(answer, np.zeros(2)) > 0).all() else Text("not positive", "不是正数")


def returns_for_positive_ones_only(x):
    if x > 0:
        return x, 2 * x
    return None


def inputs(rng):
    return rng.normal(size=2), rng.normal(), rng.normal(size=2), rng.normal(), 0.1


ASKED = {
    each.number: each
    for each in (
        Gradient("1.1", TITLE, f=loss, arguments=(3.0, 2.0, 8.0), hints=HINTS, solution=gradient),
        Number(
            "1.2",
            TITLE,
            right=lambda: 0.25,
            hints=HINTS,
            solution=Text("1/x² = 0.25", "1/x² = 0.25"),
            mistakes=((lambda: 0.5, Text("That is the bound.", "这是上界。")),),
        ),
        Number("1.3", TITLE, right=lambda: np.array([1.3, 0.4]), hints=HINTS, solution=Text("(1.3, 0.4)", "(1.3, 0.4)")),
        Number("1.4", TITLE, right=lambda: True, hints=HINTS, solution=Text("yes", "是")),
        Function(
            "1.5",
            TITLE,
            solution=updated,
            arguments=inputs,
            hints=HINTS,
            mistakes=((forgets_b, Text("The bias is missing.", "缺少偏置。")),),
        ),
        Program("1.6", TITLE, trial=in_another_file(TRIAL, "pair_trial"), solution=(Pair, gradient), hints=HINTS),
        Function("1.7", TITLE, solution=lambda X: X @ X.T @ X, arguments=lambda rng: (rng.normal(size=(2, 2)),), hints=HINTS),
        Number("1.8", TITLE, right=lambda: 3, hints=HINTS, solution=Text("3", "3")),
        Number("1.9", TITLE, right=lambda: np.array([True, False]), hints=HINTS, solution=Text("yes, no", "是，否")),
        Function("1.10", TITLE, solution=two_numbers, arguments=lambda rng: (rng.normal(),), hints=HINTS),
        Gradient(
            "1.11",
            TITLE,
            f=stair,
            arguments=(2.0, 1.0),
            others=((2.0, -3.0),),
            hints=HINTS,
            solution=stair_gradient,
            mistakes=((lambda x, b: np.where(x > 0, 1.0, 0.0), Text("The bias is missing.", "缺少偏置。")),),
        ),
        Program("1.13", TITLE, trial=lambda answer: None, hints=HINTS, solution=two_numbers),
        Program("1.12", TITLE, trial=two_positive, hints=HINTS, solution=Text("(1, 2)", "(1, 2)")),
        Number("1.14", TITLE, right=lambda: np.array([4000, 2]), hints=HINTS, solution=Text("4000, 2", "4000, 2")),
    )
}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(HOME, str(tmp_path / "home"))
    looked_up_in = asking.exercise.__globals__  # pytest may have imported a second copy of the module, for its doctests
    monkeypatch.setitem(looked_up_in, "lessons_with_exercises", lambda: [1])
    monkeypatch.setitem(looked_up_in, "import_module", lambda name: type("Lesson", (), {"EXERCISES": tuple(ASKED.values())}))
    return tmp_path


def stub(theta, x, t): ...


def half_written(theta, x, t):
    y = ...
    return (y - t) * x


def divides(theta, x, t):
    nothing = x - x
    return 1.0 / int(nothing)


def leaves(theta, x, t):
    sys.exit()


def deep(theta, x, t):
    return deep(theta, x, t)


ANSWERS = [
    ("1.1", gradient, "right", "right", "对的"),
    ("1.1", lambda theta, x, t: -gradient(theta, x, t), "sign", "The sign is turned", "符号反了"),
    ("1.1", None, "not answered", "replace `...`", "请把 `...` 换成"),
    ("1.1", ..., "not answered", "replace `...`", "请把 `...` 换成"),
    ("1.1", stub, "not answered", "the function returns None", "函数返回 None"),
    ("1.1", half_written, "not answered", "replace `...`", "请替换 `...`"),
    ("1.1", gradient(3.0, 2.0, 8.0), "no function", "its name, without parentheses", "不加括号"),
    ("1.1", lambda theta: theta, "parameters", "with 3 arguments, (theta, x, t), but is <lambda>(theta)", "应有 3 个参数"),
    ("1.1", divides, "an error", "ZeroDivisionError: ", "出错：ZeroDivisionError"),
    ("1.1", divides, "an error", "return 1.0 / int(nothing)", "return 1.0 / int(nothing)"),
    ("1.1", datetime.date, "an error", "There is an error: TypeError: ", "运行时出错：TypeError"),
    ("1.1", leaves, "an error", "SystemExit", "sys.exit()"),
    ("1.1", deep, "an error", "RecursionError", "return deep(theta, x, t)"),
    ("1.1", lambda theta, x, t: "x", "no numbers", "It must be a number, but is 'x'.", "应是一个数，却是 'x'。"),
    ("1.1", lambda theta, x, t: [theta], "no numbers", "It must be a number, but is [3.0].", "应是一个数"),
    ("1.1", lambda theta, x, t: tg.Value(theta), "no numbers", "Write .item() after the Value.", ".item()"),
    ("1.1", lambda theta, x, t: np.nan, "not a number", "NaN", "NaN"),
    ("1.1", lambda theta, x, t: theta > x, "no numbers", "Write 1.0 * (...)", "要变成数"),
    ("1.2", 0.25, "right", "right", "答对了"),
    ("1.2", 0.2501, "right", "right", "答对了"),
    ("1.2", np.float32(0.25), "right", "right", "答对了"),
    ("1.2", 0.26, "wrong", "0.26 is too large", "0.26 太大"),
    ("1.2", 0.1, "wrong", "0.1 is too small", "0.1 太小"),
    ("1.2", 0.5, "mistake", "That is the bound.", "这是上界。"),
    ("1.2", -0.25, "sign", "The sign is turned.", "符号反了。"),
    ("1.2", 0.125, "factor", "The factor 2 is missing.", "缺少因子 2。"),
    ("1.2", "0.25", "no numbers", "without quotation marks", "请去掉引号"),
    ("1.2", np.nan, "not a number", "NaN", "NaN"),
    ("1.2", np.inf, "wrong", "inf is too large", "inf 太大"),
    ("1.2", gradient, "no numbers", "this is the function gradient: call it, gradient(...)", "请调用它"),
    ("1.2", [0.25], "no numbers", "It must be a number, but is [0.25].", "应是一个数"),
    ("1.2", np.array([0.25]), "shape", "It has shape (1,), but should have shape (), a single number.", "应为 ()，即单独一个数"),
    ("1.2", tg.Value(0.25), "no numbers", "Write .item()", ".item()"),
    ("1.2", True, "no numbers", "It must be a number, but is True", "应是一个数"),
    ("1.2", 0.25j, "no numbers", "It must be a number", "应是一个数"),
    ("1.2", {1: 2}, "no numbers", "It must be a number", "应是一个数"),
    ("1.2", int, "no numbers", "this is the function int", "int"),
    ("1.3", (1.3, 0.4), "right", "right", "答对了"),
    ("1.3", [1.3, 0.4], "right", "right", "答对了"),
    ("1.3", (1.3, ...), "not answered", "replace `...`", "请把 `...`"),
    ("1.3", (1.3, 0.5), "wrong", "1 of 2 numbers differ, counted from 0 at [1].", "2 个数里错了 1 个"),
    ("1.3", (1.3, "b"), "no numbers", "an array of shape (2,)", "形状为 (2,) 的数组"),
    ("1.3", (1.3, [1, 2]), "no numbers", "an array of shape (2,)", "形状为 (2,) 的数组"),
    ("1.3", np.array([[1.3], [0.4]]), "shape", "(2, 1)", "(2, 1)"),
    ("1.3", (-1.3, -0.4), "sign", "The sign is turned.", "符号反了。"),
    ("1.4", True, "right", "right", "答对了"),
    ("1.4", np.bool_(True), "right", "right", "答对了"),
    ("1.4", False, "wrong", "It is not False.", "不是 False。"),
    ("1.4", 1, "no numbers", "It must be True or False, but is 1.", "True 或 False"),
    ("1.5", updated, "right", "right", "答对了"),
    ("1.5", adds_in_place, "right", "right", "答对了"),
    ("1.5", forgets_b, "mistake", "The bias is missing.", "缺少偏置。"),
    ("1.5", only_w, "no numbers", "2 results, separated by commas", "2 个结果"),
    ("1.5", lambda w, b, x, t, eta: (w, b), "wrong", "It is wrong: for w = [", "当 w = ["),
    ("1.5", lambda w, b, x, t, eta: ([*w], b), "no numbers", "Write np.array(...).", "请写 np.array(...)。"),
    (
        "1.5",
        lambda w, b, x, t, eta: (w[:1], b),
        "shape",
        "Result 1 of 2: It has shape (1,), but should have shape (2,), 2 numbers.",
        "第 1 个结果",
    ),
    ("1.5", lambda w, b, x, t, eta: None, "not answered", "returns None", "还没有作答"),
    ("1.5", lambda w, b, x, t, eta: (w, ...), "not answered", "returns", "还没有作答"),
    ("1.6", Pair, "right", "right", "答对了"),
    ("1.6", Broken, "an error", "(tried: total = answer(1.0) + answer(2.0))", "尝试的是：total"),
    ("1.6", Broken, "an error", "return Pair(self.data + other)", "return Pair(self.data + other)"),
    ("1.6", Unwritten, "not answered", "`return` is missing", "缺少 `return`"),
    ("1.6", Subtracts, "wrong", "This does not hold: assert total.data == 3.0", "以下不成立"),
    ("1.6", 3.0, "an error", "'float' object is not callable", "float"),
    ("1.7", lambda X: (X @ X.T @ X).T, "transposed", "It is transposed.", "转置了。"),
    ("1.7", lambda X: 2 * X @ X.T @ X, "factor", "The factor ½ is missing.", "缺少因子 ½。"),
    ("1.7", np.linalg.det, "shape", "It has shape (), but should have shape (2, 2).", "(2, 2)"),
    ("1.8", 3, "right", "right", "答对了"),
    ("1.8", 3.001, "wrong", "3.001 is too large", "3.001 太大"),
    ("1.2", 0.3, "wrong", "0.3 is too large", "0.3 太大"),
    ("1.2", (0.25,), "no numbers", "A single number has no brackets and no comma.", "不要加括号和逗号"),
    ("1.3", (1.3, 0.4, 1.0), "shape", "It has shape (3,), but should have shape (2,), 2 numbers.", "应为 (2,)，即 2 个数"),
    ("1.3", (1.0, 0.5), "wrong", "2 of 2 numbers differ, counted from 0 at [0, 1].", "位置（从 0 数起）：[0, 1]"),
    ("1.3", ([1.3], 0.4), "no numbers", "one after the other, without brackets in between", "中间不要加括号"),
    ("1.9", [True, False], "right", "right", "答对了"),
    (
        "1.9",
        [1, 0],
        "no numbers",
        "an array of True and False of shape (2,), but is array([1, 0]). Write True",
        "请把数换成 True 或 False",
    ),
    ("1.10", lambda x: np.array([x, 2 * x]), "right", "right", "答对了"),
    ("1.10", lambda x: [x, 2 * x], "right", "right", "答对了"),
    ("1.10", lambda x: np.array([x, 2 * x, x]), "no numbers", "It must return 2 results", "应返回 2 个结果"),
    ("1.10", lambda x: np.array(x), "no numbers", "It must return 2 results", "应返回 2 个结果"),
    ("1.10", lambda x: (x, "b"), "no numbers", "Result 2 of 2: It must be a number", "第 2 个结果（共 2 个）：应是一个数"),
    ("1.10", lambda x: (x, np.mean), "no numbers", "but is the function mean. Call it.", "却是函数 mean。请调用它。"),
    (
        "1.10",
        lambda x: (x, 1.0),
        "wrong",
        "for x = 0.12573 result 2 of 2 is 1, but should be 0.25146.",
        "第 2 个结果（共 2 个）是 1",
    ),
    ("1.10", returns_for_positive_ones_only, "no numbers", "It returns nothing for x = -0.132105, but something", "没有返回结果"),
    ("1.11", stair_gradient, "right", "right", "对的"),
    ("1.11", lambda x, b: np.where(x > 0, 1.0, 0.0), "mistake", "The bias is missing.", "缺少偏置。"),
    ("1.11", lambda x, b: 1.0, "mistake", "The bias is missing.", "缺少偏置。"),
    ("1.12", (1, 2), "right", "right", "答对了"),
    ("1.12", np.array([1.0, 2.0]), "right", "right", "答对了"),
    ("1.12", ("1", "2"), "no numbers", "It must be an array of shape (2,), 2 numbers", "形状为 (2,) 的数组，即 2 个数"),
    ("1.12", (tg.Value(1.0), tg.Value(2.0)), "no numbers", "It must be an array of shape (2,), 2 numbers", "形状为 (2,) 的数组"),
    ("1.12", ((1, 2), 3), "no numbers", "without brackets in between", "中间不要加括号"),
    ("1.12", stub, "no numbers", "but is the function stub. Call it.", "请调用它"),
    ("1.13", two_numbers, "right", "right", "答对了"),
    ("1.13", 3.0, "no function", "its name, without parentheses", "不加括号"),
    ("1.13", lambda x, y: x, "parameters", "with 1 argument, (x), but is <lambda>(x, y)", "应有 1 个参数 (x)"),
    ("1.14", (4000.0, 2), "right", "right", "答对了"),
    ("1.14", (4000, 3), "wrong", "1 of 2 numbers differ, counted from 0 at [1].", "2 个数里错了 1 个"),
    (
        "1.14",
        (tg.Value(4000.0), tg.Value(2.0)),
        "no numbers",
        "Write .item() after each Value.",
        "请在每个 Value 后面写上 .item()。",
    ),
]


@pytest.mark.parametrize(("number", "answer", "kind", "en", "zh"), ANSWERS)
def test_an_answer_is_told_what_is_wrong_with_it(number, answer, kind, en, zh):
    found = ASKED[number].judge(answer)
    assert (found.kind, found.is_right) == (kind, kind == "right"), found
    assert en in found.in_language("en")
    assert zh in found.in_language("zh")


def test_check_prints_and_returns_nothing(capsys):
    assert check("1.1", gradient) is None
    assert capsys.readouterr().out == f"1.1 is right. Of lesson 1, 1 of {len(ASKED)} exercises are done.\n"
    assert check("1.1", lambda theta, x, t: -gradient(theta, x, t), lang="zh") is None
    assert capsys.readouterr().out == ('1.1 还不对。符号反了：是梯度的 −1 倍。\n需要提示：hint("1.1", lang="zh")\n')
    check("1.2", ...)
    assert capsys.readouterr().out.startswith("1.2: Not answered yet: replace `...`")


@pytest.mark.parametrize("asks", [lambda number: check(number, 1), hint, solution])
def test_an_unknown_number_is_an_error_that_lists_those_of_the_lesson(asks):
    with pytest.raises(tg.errors.DataError, match=r"lesson 1 has no exercise '1.20'; it has 1.1, 1.2, 1.3, 1.4"):
        asks("1.20")
    for number in ("2.1", "x", "", "1"):
        with pytest.raises(tg.errors.DataError, match="exercise"):
            asks(number)
    with pytest.raises(tg.errors.DataError, match=r'is text, such as "3.2", but is 1.2'):
        asks(1.2)


@pytest.mark.parametrize("asks", [lambda lang: check("1.2", 1, lang=lang), lambda lang: hint("1.2", lang=lang)])
def test_an_unknown_language_is_refused(asks):
    with pytest.raises(tg.errors.DataError, match="lang must be 'en' or 'zh', but is 'fr'"):
        asks("fr")


# --- hints and solutions -------------------------------------------------------------------------------------------------------


def test_several_numbers_without_brackets_are_no_answer_and_it_says_what_to_write(capsys):
    check("1.1", 4.5, -18, 18)
    assert "put them in brackets, as in (1, 2)" in capsys.readouterr().out
    check("1.1", 4.5, -18, 18, lang="zh")
    assert "请加上括号，写成一个答案" in capsys.readouterr().out


def test_each_call_gives_one_hint_more_and_the_last_one_stays(capsys):
    for _ in range(3):
        hint("1.1")
    hint("1.2", lang="zh")
    assert capsys.readouterr().out.splitlines() == [
        "Hint 1 of 2: First.",
        "Hint 2 of 2: Last.",
        'That was the last hint. The solution: solution("1.1")',
        "Hint 2 of 2: Last.",
        'That was the last hint. The solution: solution("1.1")',
        "提示 1/2：第一。",
    ]


def test_a_count_of_hints_that_makes_no_sense_gives_a_hint(folder, capsys):
    (folder / "home").mkdir()
    for count, which in ((-7, 1), (99, 2)):
        (folder / "home" / "progress.json").write_text(json.dumps({"done": [], "hints": {"1.1": count}}))
        hint("1.1")
        assert f"Hint {which} of 2" in capsys.readouterr().out


def test_a_hint_can_be_asked_for_by_its_number(capsys):
    hint("1.1", 2)
    hint("1.1", 1)
    assert [line[:11] for line in capsys.readouterr().out.splitlines()] == ["Hint 2 of 2", "That was th", "Hint 1 of 2"]
    for which in (0, 3, True, "1"):
        with pytest.raises(tg.errors.DataError, match="has 2 hints, numbered from 1"):
            hint("1.1", which)


def test_a_solution_is_its_source_or_words(capsys):
    solution("1.1")
    assert capsys.readouterr().out == "def gradient(theta, x, t):\n    return (theta * x - t) * x\n"
    solution("1.2", lang="zh")
    assert capsys.readouterr().out == "1/x² = 0.25\n"
    solution("1.6")
    assert capsys.readouterr().out.startswith("class Pair:\n")


# --- progress ------------------------------------------------------------------------------------------------------------------


def test_what_was_done_is_kept_in_the_folder_that_the_environment_names(folder):
    check("1.2", 0.25)
    check("1.2", 7.0)
    check("1.3", 7.0)
    hint("1.1")
    assert json.loads((folder / "home" / "progress.json").read_text("utf-8")) == {"done": ["1.2"], "hints": {"1.1": 1}}
    assert progress().done == {"1.2"}


DAMAGED = [
    b"",
    b"{",
    b"[]",
    b"3",
    b'{"done": 3, "hints": {}}',
    b'{"done": []}',
    b"\xff\xfe",
    b"[" * 100_000,
    b'{"done": [], "hints": {"1": "x"}}',
    b'{"done": [], "hints": {"1": Infinity}}',
]


@pytest.mark.parametrize("content", DAMAGED, ids=range(len(DAMAGED)))
def test_a_damaged_file_is_set_aside_and_the_answer_is_given(content, folder, capsys):
    (folder / "home").mkdir()
    (folder / "home" / "progress.json").write_bytes(content)
    check("1.2", 0.25)
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("1.2 is right.")
    assert "progress was damaged; that file is now" in second
    assert progress().done == {"1.2"}
    assert (folder / "home" / "progress.damaged.json").read_bytes() == content


def test_a_folder_that_begins_with_the_sign_of_the_users_own_is_in_it(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv(HOME, "~/course")
    assert home() == tmp_path / "course"


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_where_progress_cannot_be_kept_the_answer_is_given_all_the_same(lang, folder, capsys, monkeypatch):
    (folder / "home").write_text("a file where the folder should be")
    check("1.2", 0.25, lang=lang)
    first, *others = capsys.readouterr().out.splitlines()
    assert first.startswith("1.2 ")
    assert len(others) == 1
    assert ("could not be kept" in others[0]) == (lang == "en")
    hint("1.1", lang=lang)
    out = capsys.readouterr().out
    assert ("Hint 1 of 2" if lang == "en" else "提示 1/2") in out
    assert out.splitlines()[-1] == ('The next hint: hint("1.1", 2)' if lang == "en" else '下一条提示：hint("1.1", 2, lang="zh")')
    monkeypatch.delenv(HOME)
    monkeypatch.setattr(Path, "home", lambda: (_ for _ in ()).throw(RuntimeError("no home")))
    check("1.2", 0.25)
    assert "1.2 is right." in capsys.readouterr().out


def test_two_programs_at_once_lose_nothing(folder):
    pytest.importorskip("fcntl")
    code = (
        "import sys; from tinygrad_edu.course.progress import change, progress\n"
        "for i in range(60): assert not change(lambda now: now.done.add(f'{sys.argv[1]}.{i}')).notes"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT), HOME: str(folder / "home")}
    change(lambda now: now.done.add("9.9"))
    runs = [subprocess.Popen([sys.executable, "-c", code, name], env=environment) for name in "12"]
    assert [run.wait(60) for run in runs] == [0, 0]
    assert progress().done == {"9.9"} | {f"{name}.{i}" for name in "12" for i in range(60)}
    assert {path.name for path in (folder / "home").iterdir()} == {"progress.json", "progress.lock"}
