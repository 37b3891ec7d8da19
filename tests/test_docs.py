"""What the documentation points at is there: files, modules, extras. Documents, docstrings and comments are read alike."""

import ast
import importlib
import io
import re
import tokenize
import tomllib

import pytest

import tinygrad_edu as tg
from tests.documents import DOCUMENTS, FOLDERS, ROOT, named

PACKAGE = ROOT / "tinygrad_edu"
PYTHON = sorted(path for folder in FOLDERS for path in folder.rglob("*.py"))
INITS = sorted(path for path in PACKAGE.rglob("__init__.py"))

FILE = re.compile(r"(?<![\w./{}-])((?:[\w-]+/)*[\w.-]+\.(?:py|md))\b(?!:\d)")  # `file.py:12` is what a message looks like
MODULE = re.compile(r"\btinygrad_edu(?:\.\w+)+")
NAME = re.compile(r"`tg((?:\.\w+)+)")
FOLDER = re.compile(r"`((?:[\w-]+/)+)`")


def words(path):
    """The text of a document; of a Python file its docstrings and comments."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        return text
    documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    docstrings = [ast.get_docstring(node) or "" for node in ast.walk(ast.parse(text)) if isinstance(node, documented)]
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return "\n".join([*docstrings, *(token.string for token in tokens if token.type == tokenize.COMMENT)])


def is_there(name, path):
    """Whether a file or folder has this name, seen from the document, from the root, or from somewhere in the package."""
    return any((base / name).exists() for base in (path.parent, ROOT, PACKAGE)) or any(PACKAGE.rglob(name))


def can_be_found(name):
    """Whether a dotted name is that of a module, or of something in one."""
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        room, _, member = name.rpartition(".")
        return room != "" and can_be_found(room) and hasattr(importlib.import_module(room), member)
    return True


@pytest.mark.parametrize("path", DOCUMENTS + PYTHON, ids=named)
def test_a_file_a_folder_or_a_module_that_is_named_exists(path):
    text = words(path)
    assert [name for name in FILE.findall(text) + FOLDER.findall(text) if not is_there(name, path)] == []
    assert [name for name in MODULE.findall(text) if not can_be_found(name)] == []


def is_a_name(path):
    """Whether the package has a member of a member ... of these names, each after a dot."""
    member = tg
    for part in path.split(".")[1:]:
        if not hasattr(member, part):
            return False
        member = getattr(member, part)
    return True


@pytest.mark.parametrize("path", DOCUMENTS + PYTHON, ids=named)
def test_a_name_of_the_package_in_backticks_exists(path):
    assert [name for name in NAME.findall(words(path)) if not is_a_name(name)] == []


def test_a_name_that_does_not_exist_is_found():
    assert NAME.findall("`tg.nn.Linear(2, 3)`, tg.x and `tg.nn.Linar`") == [".nn.Linear", ".nn.Linar"]
    assert is_a_name(".nn.Linear.forward")
    assert not is_a_name(".nn.Linar")


@pytest.mark.parametrize("path", INITS, ids=named)
def test_what_a_room_says_of_its_modules_is_so(path):
    """In the docstring of a package a name in backticks is a module of it, another room, or a public name."""
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    modules = {each.stem for each in path.parent.glob("*.py")} | {each.name for each in PACKAGE.iterdir()}
    public = {*tg.__all__, *dir(importlib.import_module(".".join(path.parent.relative_to(ROOT).parts)))}
    assert [name for name in re.findall(r"`([a-z_]+)`", docstring) if name not in modules | public] == []


PAGES = ["{}.md", "{}.zh-CN.md"]


@pytest.mark.parametrize("page", PAGES)
def test_the_first_minutes_and_the_package_say_how_each_extra_is_installed(page):
    with open(ROOT / "pyproject.toml", "rb") as file:
        extras = tomllib.load(file)["project"]["optional-dependencies"]
    text = words(ROOT / "docs" / page.format("start"))
    assert [name for name in extras if f"\n| `{name}` |" not in text] == []
    assert [name for name in extras if f"tinygrad_edu[{name}]" not in tg.__doc__] == []


@pytest.mark.parametrize("page", PAGES)
def test_the_page_of_all_names_has_every_public_name(page):
    text = words(ROOT / "docs" / "guide" / page.format("names"))
    assert [name for name in tg.__all__ if f"tg.{name}" not in text] == []
