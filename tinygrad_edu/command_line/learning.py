"""`learn`: lists the lessons of the course and how far one is, and opens one in the browser or as a notebook."""

from __future__ import annotations

import subprocess
import sys
import webbrowser
from argparse import Namespace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from tinygrad_edu.command_line.words import Words
from tinygrad_edu.course.building import build_lesson
from tinygrad_edu.course.exercises import exercises_of
from tinygrad_edu.course.progress import home, progress
from tinygrad_edu.course.texts import lesson_file, lesson_files, lesson_title
from tinygrad_edu.errors import DataError, MissingExtraError
from tinygrad_edu.saving import save


def learn(options: Namespace) -> None:
    """List the lessons, or open one."""
    words = Words(options.lang)
    if options.lesson is None:
        if options.notebook:
            raise DataError("which lesson? Write python -m tinygrad_edu learn --notebook 1.")
        print(_list(words))
    elif options.notebook:
        _open_notebook(options.lesson, words, options.open)
    else:
        _open_page(options.lesson, words, options.open)


def _list(words: Words) -> str:
    """The lessons, each with the exercises that are done, and where to go on."""
    now = progress()
    lines, unfinished = [words.say("Exercises done:", "已完成的练习：")], []
    for number in lesson_files(words.lang):
        numbers = [each.number for each in exercises_of(number)]
        done = sum(each in now.done for each in numbers)
        lines.append(f"  {done}/{len(numbers)}  {number:>2}. {lesson_title(number, words.lang)}")
        unfinished += [number] if done < len(numbers) else []
    where = f"{next(iter(unfinished), 1)}{words.say('', ' --lang zh')}"
    lines += [
        "",
        *([] if unfinished else [words.say("All exercises are done.", "全部练习都已完成。")]),
        words.say("In the browser:  ", "在浏览器中打开：    ") + f"python -m tinygrad_edu learn {where}",
        words.say("As a notebook:   ", "作为 notebook 打开：") + f"python -m tinygrad_edu learn --notebook {where}",
        *(note.in_language(words.lang) for note in now.notes),
    ]
    return "\n".join(lines)


def _open_page(number: int, words: Words, is_to_open: bool) -> None:
    if sys.stderr.isatty():
        print(words.say("The lesson runs; it takes some seconds …", "正在运行这一课，需要几秒钟……"), file=sys.stderr)
    page = build_lesson(number, words.lang, home() / "pages")
    print(page)
    if is_to_open and not webbrowser.open(page.as_uri()):
        print(words.say("There is no browser to open it with: open this file.", "没有可用的浏览器：请自行打开这个文件。"))


def _open_notebook(number: int, words: Words, is_to_open: bool) -> None:
    """A notebook in the current folder. One that is there already is not written again: it may hold answers."""
    lesson = lesson_file(number, words.lang)
    path = Path(f"{lesson.stem}.ipynb")
    if path.exists():
        print(words.say(f"{path} is there already, and stays as it is.", f"{path} 已经存在，保持不变。"))
    else:
        print(save(path, "the notebook", {".ipynb": lambda: _as_notebook(lesson)}))
    command = [sys.executable, "-m", "jupyterlab", str(path)]
    if not is_to_open:
        print(words.say("To open it: ", "打开它：") + " ".join(["python", *command[1:]]))
        return
    _check_package("jupyterlab")
    with subprocess.Popen(command) as jupyter:
        while jupyter.poll() is None:
            try:
                jupyter.wait()
            except KeyboardInterrupt:  # which Jupyter gets, too: it asks whether to stop
                continue


def _as_notebook(lesson: Path) -> str:
    _check_package("jupytext")
    jupytext = import_module("jupytext")
    text: str = jupytext.writes(jupytext.reads(lesson.read_text(encoding="utf-8"), fmt="md:myst"), fmt="ipynb")
    return text


def _check_package(name: str) -> None:
    if find_spec(name) is None:
        raise MissingExtraError(
            f'a notebook needs {name}, which the extra "course" brings: pip install "tinygrad_edu[course]". '
            "Without it learn lists the lessons."
        )
