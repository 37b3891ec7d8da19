"""The site and the pages of single lessons: what can be told without building all of it."""

import sys

import pytest

from tinygrad_edu.course import texts
from tinygrad_edu.course.building import build_lesson
from tinygrad_edu.errors import DataError, MissingExtraError, TinygradError

LESSON = """---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  name: python3
---

# 3. Gradient

A word on [the next one](04_a_step.md), and $\\frac12 x$.

```{code-cell} python
from tinygrad_edu import Value
import os, pathlib
pathlib.Path(os.environ["TINYGRAD_EDU_HOME"]).mkdir()
x = Value(3.0)
(x * x).backward()
print(x.grad)
```
"""


@pytest.fixture
def lesson(tmp_path, monkeypatch):
    """A course of one lesson, which can be written anew."""
    folder = tmp_path / "course"
    folder.mkdir()
    monkeypatch.setattr(texts, "_FOLDERS", (folder,))
    monkeypatch.setenv("TINYGRAD_EDU_HOME", str(tmp_path / "own"))
    english, chinese = folder / "03_gradient.md", folder / "03_gradient.zh-CN.md"
    english.write_text(LESSON, "utf-8")
    chinese.write_text(LESSON.replace("Gradient", "梯度"), "utf-8")
    return english


@pytest.mark.parametrize(("lang", "title", "name"), [("en", "Gradient", "03_gradient"), ("zh", "梯度", "03_gradient.zh-CN")])
def test_a_lesson_becomes_a_page_that_shows_what_its_cells_print(lesson, tmp_path, lang, title, name):
    pytest.importorskip("myst_nb")
    page = build_lesson(3, lang, tmp_path / "pages" / "of mine")
    assert page == tmp_path / "pages" / "of mine" / f"{name}.html"
    text = page.read_text("utf-8")
    assert f"3. {title}" in text
    assert ">6.0\n<" in text
    assert (page.parent / "_static" / "tex-svg-full.js").is_file()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["course", "pages"]


@pytest.mark.parametrize(
    ("cell", "said"),
    [("1 / 0", "ZeroDivisionError"), ("import warnings; warnings.warn('careful')", "stderr was found in the cell outputs")],
)
def test_a_lesson_with_an_exception_or_a_warning_is_no_page(lesson, tmp_path, cell, said):
    pytest.importorskip("myst_nb")
    lesson.write_text(LESSON.replace("print(x.grad)", cell), "utf-8")
    with pytest.raises(TinygradError, match=said):
        build_lesson(3, "en", tmp_path / "pages")
    assert not (tmp_path / "pages").exists()


def test_without_its_packages_a_page_is_an_error_that_names_the_extra(lesson, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "myst_nb", None)
    with pytest.raises(MissingExtraError, match=r"myst_nb.*extra \"course\".*pip install \"tinygrad_edu\[course\]\""):
        build_lesson(3, "en", tmp_path / "pages")


def test_a_lesson_that_is_not_there_is_an_error_that_says_which_are(lesson, tmp_path):
    with pytest.raises(DataError, match="numbered 3 to 3, but number is 4"):
        build_lesson(4, "en", tmp_path)
    with pytest.raises(DataError, match="lang must be 'en' or 'zh', but is 'de'"):
        build_lesson(3, "de", tmp_path)
