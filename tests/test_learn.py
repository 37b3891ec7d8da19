"""`python -m tinygrad_edu learn`: the lessons are listed with what was done of them, and opened as pages and as notebooks."""

import json
import re
import sys
from pathlib import Path

import pytest

from tinygrad_edu.command_line import learning, main
from tinygrad_edu.course import check
from tinygrad_edu.course.exercises import exercises_of
from tinygrad_edu.course.progress import HOME, change
from tinygrad_edu.course.texts import lesson_file, lesson_files, lesson_title

LANGUAGES = ["en", "zh"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv(HOME, str(tmp_path / "home"))
    return tmp_path


def ran(capsys, *arguments):
    """The status, the output and the errors of the command."""
    try:
        status = main(["learn", *arguments])
    except SystemExit as left:
        status = left.code
    captured = capsys.readouterr()
    return status, captured.out, captured.err


@pytest.mark.parametrize("lang", LANGUAGES)
def test_all_lessons_are_listed_with_the_exercises_that_are_done(lang, capsys, folder):
    status, out, err = ran(capsys, "--lang", lang)
    assert (status, err) == (0, "")
    lines = out.splitlines()[1 : 1 + len(lesson_files(lang))]
    assert lines == [f"  0/{len(exercises_of(number))}  {number:>2}. {lesson_title(number, lang)}" for number in lesson_files(lang)]
    assert not any("#" in line for line in lines)
    check("1.1", 0.48)
    check("1.3", 7.0)
    capsys.readouterr()
    assert ran(capsys, "--lang", lang)[1].splitlines()[1].startswith(f"  1/{len(exercises_of(1))}   1. ")
    assert [path.name for path in folder.iterdir()] == ["here", "home"]


def test_it_is_said_where_to_go_on(capsys):
    assert "python -m tinygrad_edu learn 1\n" in ran(capsys)[1]
    assert "All exercises are done." not in ran(capsys)[1]
    change(lambda now: now.done.update(each.number for each in exercises_of(1)))
    assert "python -m tinygrad_edu learn 2\n" in ran(capsys)[1]
    assert "python -m tinygrad_edu learn --notebook 2 --lang zh\n" in ran(capsys, "--lang", "zh")[1]
    change(lambda now: now.done.update(each.number for number in lesson_files("en") for each in exercises_of(number)))
    assert "\nAll exercises are done.\n" in ran(capsys)[1]
    assert "\n全部练习都已完成。\n" in ran(capsys, "--lang", "zh")[1]
    assert "python -m tinygrad_edu learn 1\n" in ran(capsys)[1]


def test_the_lessons_are_listed_also_where_the_progress_is_damaged_or_there_is_no_home(capsys, folder, monkeypatch):
    (folder / "home").mkdir()
    (folder / "home" / "progress.json").write_text("{")
    status, out, _ = ran(capsys)
    assert status == 0
    assert "progress was damaged" in out.splitlines()[-1]
    monkeypatch.delenv(HOME)
    monkeypatch.setattr(Path, "home", lambda: (_ for _ in ()).throw(RuntimeError("none")))
    status, out, _ = ran(capsys)
    assert status == 0
    assert "you have no home folder" in out.splitlines()[-1]
    status, out, err = ran(capsys, "1", "--no-open")
    assert (status, out) == (2, "")
    assert err.startswith("python -m tinygrad_edu learn: you have no home folder: name a folder in")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["99"], "the lessons are numbered 1 to "),
        (["--notebook", "99"], "the lessons are numbered 1 to "),
        (["x"], "argument LESSON: it must be a whole number of at least 1, but is 'x'"),
        (["0"], "argument LESSON: it must be a whole number of at least 1, but is '0'"),
        (["1", "2"], "unrecognized arguments: 2"),
        (["--notebook"], "which lesson? Write python -m tinygrad_edu learn --notebook 1."),
        (["--lang", "fr"], "argument --lang: invalid choice: 'fr'"),
    ],
)
def test_what_is_no_lesson_is_told_in_one_line(arguments, said, capsys):
    status, out, err = ran(capsys, *arguments)
    assert (status, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1
    assert [*Path().iterdir()] == []


# --- pages ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_lesson_becomes_a_page_in_the_users_own_folder(lang, capsys, folder, monkeypatch):
    pytest.importorskip("myst_nb")
    pytest.importorskip("furo")
    monkeypatch.setattr(learning.webbrowser, "open", lambda address: pytest.fail("it was opened"))
    assert "](03_gradient" in lesson_file(4, lang).read_text("utf-8")
    status, out, err = ran(capsys, "4", "--no-open", "--lang", lang)
    assert (status, err) == (0, "")
    page = Path(out.strip())
    assert page.is_relative_to(folder / "home")
    text = page.read_text("utf-8")
    assert lesson_title(4, lang) in text
    assert not re.search(r'href="[^"]*(03_gradient|\.md)', text), "it links to a lesson that is not there"
    assert [*Path().iterdir()] == []
    assert not (folder / "home" / "progress.json").exists()


def test_a_page_is_opened_in_the_browser_and_where_there_is_none_it_is_said(capsys, monkeypatch):
    opened = []
    monkeypatch.setattr(learning, "build_lesson", lambda number, lang, into: Path(into, f"{number}-{lang}.html").absolute())
    monkeypatch.setattr(learning.webbrowser, "open", lambda address: opened.append(address) or True)
    status, out, _ = ran(capsys, "1", "--lang", "zh")
    assert status == 0
    assert opened == [Path(out.strip()).as_uri()]
    monkeypatch.setattr(learning.webbrowser, "open", lambda address: False)
    assert "There is no browser" in ran(capsys, "1")[1]


# --- notebooks -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_notebook_is_written_into_the_current_folder_and_never_written_again(lang, capsys):
    jupytext = pytest.importorskip("jupytext")
    status, out, err = ran(capsys, "--notebook", "2", "--no-open", "--lang", lang)
    name = f"{lesson_file(2, lang).stem}.ipynb"
    assert (status, err) == (0, "")
    assert out.splitlines()[0] == name
    assert f"python -m jupyterlab {name}" in out
    notebook = json.loads(Path(name).read_text("utf-8"))
    cells = jupytext.reads(lesson_file(2, lang).read_text("utf-8"), fmt="md:myst").cells
    assert ["".join(cell["source"]) for cell in notebook["cells"]] == [cell.source for cell in cells]
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    Path(name).write_text("my answers")
    status, out, _ = ran(capsys, "2", "--notebook", "--no-open", "--lang", lang)
    assert status == 0
    assert ("is there already, and stays as it is" in out) == (lang == "en")
    assert Path(name).read_text() == "my answers"
    assert [path.name for path in Path().iterdir()] == [name]


class Jupyter:
    """A program that runs until it was interrupted twice."""

    def __init__(self, command):
        self.command, self.waited = command, 0

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return False

    def poll(self):
        return 0 if self.waited == 2 else None

    def wait(self):
        self.waited += 1
        raise KeyboardInterrupt


def test_a_notebook_is_opened_in_jupyter_which_decides_when_it_ends(capsys, monkeypatch):
    pytest.importorskip("jupytext")
    pytest.importorskip("jupyterlab")
    started = []
    monkeypatch.setattr(learning.subprocess, "Popen", lambda command: started.append(Jupyter(command)) or started[-1])
    status, _, err = ran(capsys, "--notebook", "1")
    assert (status, err) == (0, "")
    (jupyter,) = started
    assert jupyter.command == [sys.executable, "-m", "jupyterlab", f"{lesson_file(1, 'en').stem}.ipynb"]
    assert jupyter.waited == 2


@pytest.mark.parametrize(
    ("library", "arguments"),
    [("jupytext", ["--notebook", "1", "--no-open"]), ("jupyterlab", ["--notebook", "1"]), ("furo", ["1"])],
)
def test_without_the_extra_it_is_said_what_to_install(library, arguments, capsys, monkeypatch):
    if library == "jupyterlab":
        pytest.importorskip("jupytext")
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.setattr(learning.subprocess, "Popen", lambda command: pytest.fail("it was started"))
    status, _, err = ran(capsys, *arguments)
    assert status == 2
    assert library in err
    assert 'pip install "tinygrad_edu[course]"' in err
    assert err.count("\n") == 1
