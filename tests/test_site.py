"""The site and the pages of single lessons: what can be told without building all of it."""

import importlib
import inspect
import re
import runpy
import sys
from pathlib import Path

import pytest

import tinygrad_edu as tg
from tinygrad_edu.course import texts
from tinygrad_edu.course.building import build_lesson
from tinygrad_edu.errors import DataError, MissingExtraError, TinygradError

ROOT = Path(__file__).parents[1]
REFERENCE = sorted((ROOT / "docs" / "api").glob("*.md"))
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
    """A course of one lesson, which can be written anew; in a folder whose modules are none of its business."""
    folder = tmp_path / "course"
    folder.mkdir()
    (folder / "cmd.py").write_text("a module of the user's", "utf-8")
    monkeypatch.chdir(folder)
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
    assert "the next one</a>" not in text
    assert (page.parent / "_static" / "tex-svg-full.js").is_file()
    loaded = re.findall(r'<(?:script|link|img|iframe|source)\b[^>]*?\b(?:src|href)="([^"]*)"', text)
    assert len(loaded) > 5
    assert [address for address in loaded if "//" in address] == []
    styles = "".join(path.read_text("utf-8") for path in page.parent.rglob("*.css"))
    assert [
        address for address in re.findall(r"(?:url\(|@import)\s*[\"']?([^\"')]*)", styles) if re.match(r"\w*:?//", address)
    ] == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["course", "pages"]


def test_lines_of_chinese_become_one_and_a_sign_stays_with_its_formula(lesson, tmp_path):
    pytest.importorskip("myst_nb")
    chinese = lesson.with_name("03_gradient.zh-CN.md")
    lines = "\n先算损失，\n再算梯度\n的 NumPy\n程序：\nNumPy\n（$x$，\n$y$）。\n\n    一\n    二\n"
    chinese.write_text(chinese.read_text("utf-8") + lines, "utf-8")
    text = build_lesson(3, "zh", tmp_path / "pages").read_text("utf-8")
    assert "先算损失，再算梯度的 NumPy\n程序：NumPy（" in text
    x, y = (rf'<span class="whole"><span class="math notranslate nohighlight">\({name}\)</span>' for name in "xy")
    assert f"（{x}，</span>{y}）。</span>" in text
    assert "一\n二" in text


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
    with pytest.raises(MissingExtraError, match=r"myst_nb.*extra \"course\".*pip install \"tinygrad_edu\[course\]\"") as told:
        build_lesson(3, "en", tmp_path / "pages")
    assert f"text files, in {lesson.parent}, and" in str(told.value)


def test_a_lesson_that_is_not_there_is_an_error_that_says_which_are(lesson, tmp_path):
    with pytest.raises(DataError, match="numbered 3 to 3, but number is 4"):
        build_lesson(4, "en", tmp_path)
    with pytest.raises(DataError, match="lang must be 'en' or 'zh', but is 'de'"):
        build_lesson(3, "de", tmp_path)


@pytest.fixture
def reference(monkeypatch):
    pytest.importorskip("sphinx")
    monkeypatch.syspath_prepend(ROOT / "docs")
    return importlib.import_module("reference")


@pytest.mark.parametrize("ending", [".md", ".zh-CN.md"])
def test_every_public_module_has_a_page_of_the_reference_in_both_languages(reference, ending):
    pages = [page.read_text("utf-8") for page in REFERENCE if page.name.partition(".")[2] == ending[1:]]
    shown = [room for page in pages for room in re.findall(r"^```\{room\} (.*)$", page, re.MULTILINE)]
    assert sorted(shown) == sorted(reference.rooms())


def test_every_public_name_is_described_on_the_page_of_its_module(reference):
    """What a page describes is what `__all__` lists; and this is all of it."""
    assert reference.public_names("tinygrad_edu") == sorted(tg.__all__)
    for room in reference.rooms():
        module = reference.module_of(room)
        for name in reference.public_names(room):
            if not inspect.ismodule(member := getattr(module, name)):
                first = reference.described(name, member)[0]
                assert re.search(rf"\{{py:(class|exception|function)\}} {name}(\(|$)", first), first


def test_a_name_in_backticks_is_one_of_the_package_or_a_warning(reference):
    names = importlib.import_module("names")
    assert all(
        names.exists(name.split(".")) for name in ("grad", "nn.Linear", "nn.Module.parameters", "testing.strategies", "Value.grad")
    )
    assert not any(names.exists(name.split(".")) for name in ("gard", "nn.Linaer", "Value.gradient", "nn.init.magic"))
    assert names.NAME.match("tg.optim.SGD([theta], lr=1.0)")[1] == ".optim.SGD"
    assert not names.NAME.match("import tinygrad_edu as tg")


def test_every_page_has_one_in_the_other_language():
    pages = {page.relative_to(ROOT) for folder in ("docs", "course", "benchmarks") for page in (ROOT / folder).rglob("*.md")}
    pages |= {page.relative_to(ROOT) for page in ROOT.glob("*.md")}
    chinese = {page for page in pages if page.name.endswith(".zh-CN.md")}
    assert len(chinese) > 30
    assert {page.with_name(page.name.replace(".zh-CN", "")) for page in chinese} == pages - chinese


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("SGD优化器 and more", ["SGD", "优", "化", "器", "优化", "化器", "and", "more"]),
        ("梯度", ["梯", "度", "梯度"]),
        ("a_b 损", ["a_b", "损"]),
    ],
)
def test_chinese_is_searched_by_characters_and_pairs_and_other_words_as_a_whole(reference, text, parts):
    languages = importlib.import_module("languages")
    assert list(languages.SearchChinese({}).split(text)) == parts


def test_a_docstring_becomes_lists_code_and_links(reference):
    def scaled(x, *, by=2.0):
        """The array, times a number: a*x, not a_x.

        Parameters
        ----------
        x: an array
            of any shape.
        by, *others: numbers.

        >>> scaled(1.0)
        2.0

        Then `some_words`.
        """

    assert reference.described("scaled", scaled)[0].endswith("{py:function} scaled(x, *, by=2.0)")
    assert reference.markdown(scaled) == [
        "The array, times a number: a\\*x, not a\\_x.",
        "",
        "**Parameters**",
        "",
        "- `x`: an array of any shape.",
        "- `by`, `*others`: numbers.",
        "",
        "```pycon",
        ">>> scaled(1.0)",
        "2.0",
        "```",
        "",
        "Then `some_words`.",
        "",
    ]


@pytest.mark.parametrize(
    "asks",
    [
        '<img alt="" src="https://example.com/x.png">',
        "<script async src='//example.com/x.js'></script>",
        '<link rel="stylesheet" href="http://example.com/x.css">',
        '<p style="background: url(https://example.com/x.png)">',
    ],
)
def test_a_page_that_would_load_something_from_another_address_is_found(asks, tmp_path):
    asked_elsewhere = runpy.run_path(str(ROOT / "docs" / "build.py"))["asked_elsewhere"]
    page = tmp_path / "docs" / "page.html"
    page.parent.mkdir()
    page.write_text('<a href="https://example.com">a link</a> <img src="x.png"> <aside>https://example.com</aside>', "utf-8")
    assert list(asked_elsewhere(tmp_path)) == []
    page.write_text(f"<p>words</p>{asks}", "utf-8")
    (found,) = asked_elsewhere(tmp_path)
    assert found.startswith("docs/page.html: ")
    assert "example.com" in found
