"""Pages made of lessons, by Sphinx and MyST-NB: one lesson into a folder of the user's, and the looks that it shares with the site.

A page asks nothing of any network: its style, its scripts and its mathematics lie beside it. This module knows no lesson's content.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from gettext import NullTranslations
from importlib.util import find_spec
from pathlib import Path
from shutil import copy, copytree, ignore_patterns
from tempfile import TemporaryDirectory
from typing import Any

from tinygrad_edu.course.texts import lesson_file, lessons_folder
from tinygrad_edu.errors import MissingExtraError, TinygradError

_ASSETS = Path(__file__).parent / "assets"
_PACKAGE = Path(__file__).parents[1]
_CHINESE, _PUNCTUATION = "[\u3000-\u9fff\uff00-\uffef]", "[\u3000-\u303f\uff01-\uff0f\uff1a-\uff1f“”]"
_NO_SPACE = re.compile(f"{_CHINESE}{_CHINESE}|{_PUNCTUATION}.|.{_PUNCTUATION}")
"""The signs before and after a line break where a page shows no space."""
_ENDING = re.compile("[，。：；？！、）》”]+")
_PACKAGES = ("sphinx", "myst_nb", "furo", "sphinx-mathjax-offline")
_WORDS = {
    "Back to top": "回到顶部",
    "Home": "首页",
    "Light, dark, or as the system": "浅色、深色或跟随系统",
    "Next": "下一页",
    "On this page": "本页内容",
    "Pages": "页面",
    "Previous": "上一页",
    "Show the list of pages": "显示页面列表",
    "Show what is on this page": "显示本页内容",
    "Skip to content": "跳到正文",
    "View this page": "查看源文件",
}
"""What the theme and our template say and Sphinx has no Chinese for."""
_CONF = """
from tinygrad_edu.course.building import leave_words, settings
globals().update(settings({lang!r}))
setup = lambda app: app.connect("doctree-read", leave_words)
root_doc = {name!r}
html_sidebars = {{"**": []}}
html_use_index = False
"""


def build_lesson(number: int, lang: str, folder: str | os.PathLike[str]) -> Path:
    """Run a lesson and write it down as a page, with all that the page needs beside it.

    Parameters
    ----------
    number: which lesson, from 1.
    lang: "en" or "zh".
    folder: where to; it is made if it is not there.

    Returns
    -------
    The page.

    Raises
    ------
    MissingExtraError: if Sphinx, MyST-NB, the theme furo or MathJax is not installed.
    TinygradError: if the lesson does not run to its end.
    OSError: if the folder cannot be written.

    The exercises keep their progress in a folder that is gone afterwards: nothing of the user's changes.
    """
    lesson = lesson_file(number, lang)
    _check_packages()
    with TemporaryDirectory() as directory:
        source, built = Path(directory, "source"), Path(directory, "built")
        source.mkdir()
        copy(lesson, source)
        (source / "conf.py").write_text(_CONF.format(lang=lang, name=lesson.stem), encoding="utf-8")
        command = [sys.executable, "-P", "-m", "sphinx", "-q", "-W", str(source), str(built)]
        told = subprocess.run(
            command, env=environment(directory), capture_output=True, text=True, encoding="utf-8", errors="replace", check=False
        )
        if told.returncode:
            raise TinygradError(f"the page of lesson {number} could not be made:\n{told.stderr.strip()}")
        copytree(built, folder, dirs_exist_ok=True, ignore=ignore_patterns(".*", "_sources", "objects.inv", "search*"))
    return Path(folder, f"{lesson.stem}.html").absolute()


def environment(folder: str | os.PathLike[str]) -> dict[str, str]:
    """The environment in which lessons run: nothing in it depends on the user's settings, or changes the user's progress.

    The package that they import is this one.

    folder: an empty one. Progress is kept in it, and IPython's settings: what a library in C writes to the terminal belongs there,
        and not among the results of a cell.
    """
    profile = Path(folder, "ipython", "profile_default")
    profile.mkdir(parents=True)
    (profile / "ipython_kernel_config.py").write_text("c.IPKernelApp.capture_fd_output = False\n", encoding="utf-8")
    return {
        **os.environ,
        "IPYTHONDIR": str(profile.parent),
        "PYTHONPATH": os.pathsep.join([str(_PACKAGE.parent), *filter(None, [os.environ.get("PYTHONPATH")])]),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "TINYGRAD_EDU_HOME": str(Path(folder, "home")),
    }


def settings(lang: str) -> dict[str, Any]:
    """What Sphinx is told for every page, `"en"` or `"zh"`: the names in its file of settings."""
    _check_packages()
    mathjax = Path(next(iter(find_spec("sphinx-mathjax-offline").submodule_search_locations)))  # type: ignore[union-attr,arg-type]
    show, hide = {"en": ("Show the code", "Hide the code"), "zh": ("显示代码", "隐藏代码")}[lang]
    return {
        "project": "tinygrad_edu",
        "language": {"en": "en", "zh": "zh_CN"}[lang],
        "extensions": ["myst_nb", "tinygrad_edu.course.building"],
        "myst_enable_extensions": ["amsmath", "dollarmath"],
        "myst_heading_anchors": 4,
        "nb_execution_mode": "force",
        "nb_execution_show_tb": True,
        "nb_execution_timeout": 120,
        "nb_merge_streams": True,  # what is printed in one go and what came a moment later is one output
        "nb_output_stderr": "warn",
        "nb_code_prompt_show": show,
        "nb_code_prompt_hide": hide,
        "mathjax_path": "tex-svg-full.js",  # one file: it draws, so it needs no fonts
        "mathjax3_config": {"options": {"enableMenu": False}},  # or else one has to step with Tab through all formulas
        "pygments_dark_style": "github-dark",
        "html_theme": "furo",
        "html_title": "tinygrad_edu",
        "templates_path": [str(_ASSETS / "templates")],
        "html_static_path": [str(_ASSETS / "static"), str(mathjax / "static/mathjax/tex-svg-full.js")],
        "html_css_files": ["site.css"],
        "html_js_files": ["site.js"],
        "html_copy_source": False,
        "html_show_copyright": False,
    }


def setup(app: Any) -> dict[str, Any]:
    """What Sphinx calls, since the settings name this module as an extension: Chinese for what the theme says."""
    from sphinx.locale import translators

    if app.config.language == "zh_CN":
        translators["general", "sphinx"].add_fallback(_Chinese())
        app.connect("doctree-read", _join_lines)
        app.connect("doctree-read", _keep_signs)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def leave_words(_: Any, page: Any) -> None:
    """Make plain words of links to other documents, such as other lessons: a page that stands alone has none beside it."""
    from sphinx.addnodes import pending_xref

    for link in [*page.findall(pending_xref)]:
        if ".md" in link["reftarget"]:
            link.replace_self(link.children)


def _join_lines(_: Any, page: Any) -> None:
    """Take the line breaks out that lie within Chinese or beside its punctuation: a browser would show spaces there."""
    for element in page.findall(lambda node: "\n" in node.children):
        texts = ["", *(child.astext() for child in element), ""]
        around = zip(texts, element.children, texts[2:], strict=False)
        element.children = [
            child for before, child, after in around if not (child == "\n" and _NO_SPACE.fullmatch(before[-1:] + after[:1]))
        ]


def _keep_signs(_: Any, page: Any) -> None:
    """Keep a sign in the line of the formula that it follows: a browser would begin the next line with it."""
    from docutils.nodes import Text, inline, math  # type: ignore[import-untyped]

    for formula in [*page.findall(math)]:
        around, place = formula.parent, formula.parent.index(formula)
        following = around[place + 1 : place + 2]
        signs = _ENDING.match(following[0]) if following and isinstance(following[0], Text) else None
        if signs:
            rest = Text(following[0][signs.end() :])
            around[place : place + 2] = [inline("", "", formula, Text(signs[0]), classes=["whole"]), rest]


class _Chinese(NullTranslations):
    def gettext(self, message: str) -> str:
        return _WORDS.get(message.strip(), message)


def _check_packages() -> None:
    missing = [package for package in _PACKAGES if find_spec(package) is None]
    if missing:
        raise MissingExtraError(
            f'a lesson becomes a page with the help of {", ".join(missing)}, which the extra "course" brings: '
            'pip install "tinygrad_edu[course]". Without it python -m tinygrad_edu learn lists the lessons; '
            f"they are text files, in {lessons_folder()}, and can be read as they are."
        )
