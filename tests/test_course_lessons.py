"""The lessons: English and Chinese are one lesson, every exercise has its entry, and every line runs, without a warning."""

import ast
import contextlib
import io
import re
import warnings
from itertools import pairwise

import pytest

pytest.importorskip("jupytext")
pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")
pytest.importorskip("matplotlib")
pytest.importorskip("sklearn")
pytest.importorskip("pygraphviz")

import jupytext
import matplotlib.pyplot as plt
import nbclient

from tinygrad_edu.course.building import environment
from tinygrad_edu.course.exercises import exercises_of, lessons_with_exercises
from tinygrad_edu.course.progress import HOME
from tinygrad_edu.course.texts import lesson_files

FILES = {lang: lesson_files(lang) for lang in ("en", "zh")}
every_lesson = pytest.mark.parametrize("number", sorted(FILES["en"]))
both_languages = pytest.mark.parametrize(("number", "lang"), [(number, lang) for lang in FILES for number in sorted(FILES[lang])])
EXERCISE = {"en": r"Exercise (\d+\.\d+) – (.+)", "zh": r"练习 (\d+\.\d+) – (.+)"}


def lesson(text):
    """A lesson's text as a notebook."""
    return jupytext.reads(text, fmt="md:myst")


def read(number, lang):
    return lesson(FILES[lang][number].read_text("utf-8"))


def code(notebook):
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def headings(notebook):
    """The level and the words of each heading, without marks such as those of code."""
    found, is_code = [], False
    for cell in notebook.cells:
        for line in cell.source.splitlines() if cell.cell_type == "markdown" else ():
            is_code ^= line.startswith("```")
            if (heading := re.match("(#+) (.*)", line)) and not is_code:
                found.append((len(heading[1]), re.sub("[*`$]", "", heading[2])))
    return found


def exercises_in(notebook, lang):
    """The number and the title of each exercise in a text."""
    matches = (re.fullmatch(EXERCISE[lang], words) for _, words in headings(notebook))
    return [match.groups() for match in matches if match]


# --- two languages, one lesson -------------------------------------------------------------------------------------------------


class _WithoutLanguage(ast.NodeTransformer):
    def visit_Call(self, node):
        self.generic_visit(node)
        node.keywords = [each for each in node.keywords if ast.unparse(each) != "lang='zh'"]
        return node


def meaning(source):
    """What a cell does, whatever its comments, its layout and its language."""
    return ast.unparse(_WithoutLanguage().visit(ast.parse(source)))


def differences(en, zh):
    """Where a lesson is not the same in both languages."""
    english, chinese = code(en), code(zh)
    numbers = [[(level, re.findall(r"\d+(?:\.\d+)?", words)[:1]) for level, words in headings(each)] for each in (en, zh)]
    kinds = [[cell.cell_type for cell in each.cells] for each in (en, zh)]
    tags = [[cell.metadata.get("tags", []) for cell in each.cells] for each in (en, zh)]
    return [
        *(["the cells are of other kinds"] if kinds[0] != kinds[1] else []),
        *(["the cells have other tags"] if tags[0] != tags[1] else []),
        *(["the headings have other levels or numbers"] if numbers[0] != numbers[1] else []),
        *(f"other code:\n{a}\n---\n{b}" for a, b in zip(english, chinese, strict=False) if meaning(a) != meaning(b)),
        *([f"there is {keyword} in English" for source in english for keyword in re.findall("lang=.zh.", source)]),
    ]


@every_lesson
def test_both_languages_have_the_same_code_and_the_same_headings(number):
    assert differences(read(number, "en"), read(number, "zh")) == []


HEAD = "---\njupytext:\n  text_representation:\n    extension: .md\n    format_name: myst\n---\n\n"
SMALL = HEAD + "# 1. A\n\n## 1.1 B\n\n```{code-cell} python\nf(x)  # words\n```\n"


@pytest.mark.parametrize(
    ("chinese", "said"),
    [
        (SMALL.replace("words", "字").replace("A", "甲"), None),
        (SMALL.replace("f(x)", 'f(x, lang="zh")'), None),
        (SMALL.replace("f(x)", "f(y)"), "other code"),
        (SMALL.replace("f(x)", 'f(x, lang="en")'), "other code"),
        (SMALL.replace("f(x)", 'f(x, "字")'), "other code"),
        (SMALL.replace("## 1.1", "## 1.2"), "the headings"),
        (SMALL.replace("## 1.1", "### 1.1"), "the headings"),
        (SMALL + "\n```{code-cell} python\n1\n```\n", "of other kinds"),
        (SMALL.replace("f(x)", ":tags: [hide-input]\nf(x)"), "other tags"),
    ],
)
def test_a_difference_between_the_languages_is_found(chinese, said):
    found = differences(lesson(SMALL), lesson(chinese))
    assert (found == []) if said is None else said in found[0]


@both_languages
def test_headings_step_down_one_level_at_a_time_from_a_single_first_one(number, lang):
    levels = [level for level, _ in headings(read(number, lang))]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert re.match(rf"{number}\. ", headings(read(number, lang))[0][1])


@both_languages
def test_no_cell_holds_a_result(number, lang):
    assert not any(cell.get("outputs") for cell in read(number, lang).cells)


# --- exercises -----------------------------------------------------------------------------------------------------------------


@both_languages
def test_every_exercise_of_the_text_has_its_entry_with_the_same_title_and_the_other_way_round(number, lang):
    found = exercises_in(read(number, lang), lang)
    assert found == [(each.number, each.title.in_language(lang)) for each in exercises_of(number)]
    assert found


@both_languages
def test_every_exercise_is_checked_in_its_lesson(number, lang):
    asked = re.findall(r'^ *check\("(\d+\.\d+)"', "\n".join(code(read(number, lang))), re.MULTILINE)
    assert sorted({*asked}) == [each.number for each in exercises_of(number)]


def test_all_twelve_lessons_are_there_in_both_languages_with_exercises():
    assert sorted(FILES["en"]) == sorted(FILES["zh"]) == lessons_with_exercises() == [*range(1, 13)]


@both_languages
def test_the_index_calls_each_lesson_by_its_heading(number, lang):
    file = FILES[lang][number]
    index = file.with_name({"en": "index.md", "zh": "index.zh-CN.md"}[lang]).read_text("utf-8")
    assert f"[{headings(read(number, lang))[0][1]}]({file.name})" in index


# --- every line runs -----------------------------------------------------------------------------------------------------------


def troubles(notebook):
    """What cells that were run have written to the standard error, and errors that no tag announces."""
    return [
        output.get("text") or "\n".join(output.traceback)
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if output.get("name") == "stderr"
        or (output.output_type == "error" and "raises-exception" not in cell.metadata.get("tags", []))
    ]


def printed(notebook):
    return "".join(output.text for cell in notebook.cells for output in cell.get("outputs", ()) if output.get("name") == "stdout")


def run_in_a_kernel(notebook, folder):
    client = nbclient.NotebookClient(
        notebook, timeout=120, kernel_name="python3", allow_errors=True, resources={"metadata": {"path": str(folder)}}
    )
    client.execute(env=environment(folder))
    return notebook


def run_here(notebook):
    """Run the cells in this process, where starting takes no time. Returns what is printed. Pictures are not drawn."""
    around, out = {"__name__": "__main__", "display": lambda *shown: None}, io.StringIO()
    with contextlib.redirect_stdout(out):
        for cell in notebook.cells:
            if cell.cell_type == "code":
                expected = Exception if "raises-exception" in cell.metadata.get("tags", []) else ()
                with contextlib.suppress(expected):
                    run_cell(cell.source, around)
    return out.getvalue()


def run_cell(source, around):
    *others, last = ast.parse(source).body or [ast.Pass()]
    if not isinstance(last, ast.Expr):
        others.append(last)
    exec(compile(ast.Module(others, []), "<cell>", "exec"), around)
    if isinstance(last, ast.Expr):
        shown = eval(compile(ast.Expression(last.value), "<cell>", "eval"), around)
        getattr(shown, "_repr_html_", lambda: repr(shown))()


@every_lesson
def test_a_lesson_runs_as_a_notebook_and_its_exercises_are_not_answered_yet(number, tmp_path):
    notebook = run_in_a_kernel(read(number, "en"), tmp_path)
    assert troubles(notebook) == []
    out = printed(notebook)
    assert [each.number for each in exercises_of(number) if f"{each.number}: Not answered yet" not in out] == []


@pytest.mark.parametrize("number", sorted(FILES["zh"]))
def test_a_chinese_lesson_runs_and_answers_in_chinese(number, tmp_path, monkeypatch):
    monkeypatch.setenv(HOME, str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(plt, "show", lambda: None)
    try:
        out = run_here(read(number, "zh"))
    finally:
        plt.close("all")
    assert [each.number for each in exercises_of(number) if f"{each.number}：还没有作答" not in out] == []


WARNS = 'import warnings\nwarnings.warn("too old", DeprecationWarning)'


@pytest.mark.parametrize("source", [WARNS, "1 / 0", 'import sys\nprint("oh", file=sys.stderr)'])
def test_a_cell_that_fails_or_warns_is_found(source, tmp_path):
    notebook = lesson(f"{HEAD}```{{code-cell}} python\n{source}\n```\n\n```{{code-cell}} python\nprint(3)\n```\n")
    run_in_a_kernel(notebook, tmp_path)
    assert len(troubles(notebook)) == 1
    assert printed(notebook) == "3\n"
    if "stderr" not in source:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with pytest.raises((ZeroDivisionError, DeprecationWarning)):
                run_here(notebook)
