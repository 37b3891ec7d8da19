"""The rooms of the house: imports run downward only, no circle, no import in a function to dodge one, and NumPy is enough."""

import ast
import re
import subprocess
import sys
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = "tinygrad_edu"
ROOT = Path(__file__).parents[1] / PACKAGE

# From the top down. A module belongs to the longest of these names that it begins with, and may import from its own room and
# from those below. Rooms on the same line do not know each other.
ROOMS = [
    ["__main__"],
    ["command_line"],
    ["course"],
    ["__init__"],
    ["testing"],
    ["models"],
    ["training"],
    ["nn", "optim", "data"],
    ["explainer"],
    ["compiler"],
    ["graph"],
    ["transforms"],
    ["languages", "saving", "array_files", "engine"],
    ["engine.value"],
    ["engine.state"],
    ["engine.array_methods", "engine.backpropagation", "engine.numpy_protocols"],
    ["engine.hooks"],
    ["engine.conversions"],
    ["engine.arguments", "engine.flags", "engine.ownership", "engine.takers"],
    ["engine.messages", "engine.mode"],
    ["primitives"],
    ["primitives.table"],
    ["primitives.primitive"],
    ["errors"],
    ["escaping"],
]

# Slots of Value. What the rest of the package may do with them are functions of the engine.
SECRETS = {"_data", "_loan", "_grad", "_requires_grad", "_hooks", "_left", "_right", "_x", "_y", "_parents"}

# What backward() runs through is what these two import, directly or not, without the table of operations.
HEART = ["engine.backpropagation", "engine.value"]
READING = {"inside.md": r"is ([\d,]+) lines of code", "inside.zh-CN.md": r"共 ([\d,]+) 行代码"}


@cache
def modules():
    """Every module's name, without the package's, and its syntax tree."""
    trees = {}
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if len(parts) > 1 and parts[-1] == "__init__" else parts)
        trees[name] = ast.parse(path.read_text(encoding="utf-8"), str(path))
    return trees


def executed(tree):
    """The nodes of a syntax tree without what only type checkers read."""
    for node in ast.iter_child_nodes(tree):
        if not (isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")):
            yield node
            yield from executed(node)


def imported_modules(tree):
    """The package's own modules that a syntax tree imports."""
    for node in executed(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name[len(PACKAGE) + 1 :] or "__init__" for alias in node.names if alias.name.split(".")[0] == PACKAGE)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{ast.unparse(node)}: imports are absolute, so that one sees where they go"
            assert node.names[0].name != "*", f"{ast.unparse(node)}: no star imports"
            if node.module.split(".")[0] == PACKAGE:
                room = node.module[len(PACKAGE) + 1 :]
                for alias in node.names:
                    member = f"{room}.{alias.name}".lstrip(".")
                    yield member if member in modules() else room or "__init__"


def room_of(module):
    places = [
        (len(room), floor, room)
        for floor, rooms in enumerate(ROOMS)
        for room in rooms
        if module == room or module.startswith(room + ".")
    ]
    assert places, f"{module} has no place in ROOMS: decide which modules may import it and which not"
    return max(places)[1:]


@pytest.mark.parametrize("module", modules())
def test_a_module_imports_only_from_its_own_room_and_from_those_below(module):
    floor, room = room_of(module)
    for imported in imported_modules(modules()[module]):
        other_floor, other_room = room_of(imported)
        assert room == other_room or floor < other_floor, f"{module} imports {imported}, which is not below it"


def test_no_modules_import_each_other_in_a_circle():
    graph = {module: set(imported_modules(tree)) - {module} for module, tree in modules().items()}
    list(TopologicalSorter(graph).static_order())  # raises CycleError, which lists the circle


@pytest.mark.parametrize("module", modules())
def test_no_function_imports_a_module_of_the_package(module):
    for node in ast.walk(modules()[module]):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert not list(imported_modules(node)), f"{module}.{node.name} imports {list(imported_modules(node))}"


@pytest.mark.parametrize("module", modules())
def test_every_module_says_what_it_is_for(module):
    assert ast.get_docstring(modules()[module])


def test_the_primitives_know_nothing_of_values():
    for module, tree in modules().items():
        if module.startswith("primitives"):
            names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
            assert "Value" not in names, module


@pytest.mark.parametrize("module", modules())
def test_only_the_engine_touches_what_a_value_keeps_to_itself(module):
    if not module.startswith("engine"):
        private = {node.attr for node in ast.walk(modules()[module]) if isinstance(node, ast.Attribute)} & SECRETS
        assert not private, f"{module} reads or writes {private} of a Value; see the functions at the end of engine/value.py"


def engine():
    """The names of the modules that `backward()` runs through."""
    found = set(HEART)
    to_visit = list(HEART)
    for module in to_visit:  # which grows while it is walked
        for imported in imported_modules(modules()[module]):
            if imported not in found and room_of(imported)[1] != "primitives":
                found.add(imported)
                to_visit.append(imported)
    return found


@pytest.mark.parametrize("page", READING)
def test_how_it_works_inside_names_every_file_of_the_engine_and_says_how_long_they_are(page):
    """The number is rounded up: it may be too large by a hundred, and too small by nothing."""
    text = (ROOT.parent / "docs" / page).read_text(encoding="utf-8")
    reading = text[text.index("\n1. `primitives/primitive.py`") : text.index("`primitives/arithmetic.py`")]
    assert sorted(re.findall(r"`([\w/]+\.py)`", reading)) == sorted(f"{name.replace('.', '/')}.py" for name in engine())
    lines = {name: len(code_lines(ROOT / f"{name.replace('.', '/')}.py")) for name in engine()}
    print(lines, "together", sum(lines.values()))
    said = int(re.search(READING[page], text)[1].replace(",", ""))
    assert said - 100 <= sum(lines.values()) <= said, lines


def code_lines(path):
    """The numbers of the lines that hold code: no comments, no docstrings, nothing empty."""
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    docstrings = {
        line
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for line in range(node.lineno, node.end_lineno + 1)
    }
    return [
        number
        for number, line in enumerate(text.splitlines(), 1)
        if line.strip() and not line.strip().startswith("#") and number not in docstrings
    ]


WITH_NUMPY_ALONE = """
import sys
sys.path.insert(0, {root!r})

class OnlyNumPy:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top not in sys.stdlib_module_names and top not in ("numpy", "tinygrad_edu"):
            raise ModuleNotFoundError(f"No module named {{name!r}} (only NumPy is allowed here)", name=name)

sys.meta_path.insert(0, OnlyNumPy())
for name in ("hypothesis", "torch", "matplotlib"):
    try:
        __import__(name)
    except ModuleNotFoundError:
        continue
    sys.exit(f"{{name}} could be imported: this test tests nothing")

import tinygrad_edu as tg
w = tg.Value([1.0, 2.0])
(w * w).sum().backward()
tg.testing.check_grads(lambda x: x ** 2, (3.0,))
print(w.grad.tolist(), sorted({{name.partition(".")[0] for name in sys.modules}} - sys.stdlib_module_names - {{"__main__"}}))
"""


def test_the_package_is_imported_and_differentiates_with_numpy_alone():
    code = WITH_NUMPY_ALONE.format(root=str(ROOT.parent))
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().startswith("[2.0, 4.0]")
    loaded = ast.literal_eval(done.stdout.strip().partition("] ")[2])
    assert {"numpy", PACKAGE} <= set(loaded)


def test_importing_the_package_changes_no_setting_of_numpy():
    code = (
        "import numpy as np; before = np.geterr(), np.get_printoptions(); import tinygrad_edu; "
        "assert before == (np.geterr(), np.get_printoptions())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=ROOT.parent)
    assert done.returncode == 0, done.stderr
