"""The recipe in CONTRIBUTING.md for adding an operation, followed to the letter in a copy of the package."""

import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
RECIPE = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("## To add an operation")[2].partition("\n## ")[0]
BLOCKS = [textwrap.dedent(block) for block in re.findall(r"\n\n((?:       .*\n|\n(?=       ))+)", RECIPE)]
ENTRIES = "\n".join(block for block in BLOCKS if "operation(" in block)
NAMES = re.findall(r"^(\w+) = \w*operation\(", ENTRIES, re.MULTILINE)

# What each entry computes on some numbers of its domain, its derivative there, and how it is written in text, LaTeX and pictures.
CHECKS = """
import warnings
import numpy as np, jax, scipy.special
import tinygrad_edu as tg
from tinygrad_edu.primitives.table import TABLE
from tinygrad_edu.testing import check_operation

warnings.simplefilter("error")
jax.config.update("jax_enable_x64", True)
x = np.array([0.3, 0.5, 1.5])
KNOWN = {
    "gaussian": ({}, np.exp(-(x**2)), -2 * x * np.exp(-(x**2))),
    "leaky_relu": ({"slope": 0.1}, x, np.ones(3)),
    "mirror": ({}, x[::-1], np.ones(3)),
    "entr": ({}, scipy.special.entr(x), -np.log(x) - 1),
}
WRITTEN = {
    "gaussian": ("exp(−x²)", "y &= e^{-x^2}", "(−2·g ⊙ x) ⊙ y"),
    "leaky_relu": ("leaky_relu(x, slope=0.1)", "_relu", "where(x &gt; 0, g, 0.1·g)"),
    "mirror": ("mirror(x)", "mirror} x", "g[::-1]"),
    "entr": ("entr(x)", "y &= -x ", "−g ⊙ (log(x) + 1)"),
}
assert sorted(KNOWN) == sorted(NAMES), NAMES
for name in NAMES:
    entry, (params, value, derivative) = TABLE.entries[name], KNOWN[name]
    f = lambda x: entry(x, **params)
    loss = lambda x: np.sum(f(x))
    np.testing.assert_array_equal(f(x), value)
    np.testing.assert_allclose(tg.grad(loss)(x), derivative, rtol=1e-14)
    check_operation(entry, order=2)
    second = tg.hessian(lambda x: np.sum(f(x) ** 2))
    for target in ("numpy", "jax"):
        np.testing.assert_allclose(tg.compile(f, target=target)(x), value, rtol=1e-14)
        compiled = tg.compile(tg.value_and_grad(lambda x: np.sum(f(x) ** 2)), target=target)
        np.testing.assert_allclose(compiled(x)[1], 2 * tg.vjp(f, x)[1](f(x))[0], rtol=1e-13)
        np.testing.assert_allclose(tg.compile(second, target=target)(x), second(x), rtol=1e-12, atol=1e-14)
    argument = x.copy()
    result = tg.compile(f)(argument)
    result[:] = -1.0
    np.testing.assert_array_equal(argument, x)
    value = f(tg.Value(x, name="x")).named("y")
    explanation, picture = tg.explain(np.sum(value)), tg.draw(value)
    in_text, in_mathematics, rule = WRITTEN[name]
    assert in_text in str(explanation), str(explanation)
    assert in_mathematics in explanation.to_latex(), explanation.to_latex()
    assert rule in picture.dot, picture.dot
np.testing.assert_array_equal(scipy.special.entr(tg.Value(x)).numpy(), scipy.special.entr(x))
"""


@pytest.fixture(scope="module")
def copy_with_entries(tmp_path_factory):
    """A copy of the package, to one module of which the recipe's entries are added."""
    pytest.importorskip("scipy")
    pytest.importorskip("jax")
    root = tmp_path_factory.mktemp("copy")
    shutil.copytree(REPOSITORY / "tinygrad_edu", root / "tinygrad_edu", ignore=shutil.ignore_patterns("__pycache__"))
    with (root / "tinygrad_edu" / "primitives" / "special.py").open("a", encoding="utf-8") as family:
        family.write("\n\n" + ENTRIES)
    return root


def run(root, *arguments):
    done = subprocess.run([sys.executable, *arguments], cwd=root, capture_output=True, text=True, timeout=300, encoding="utf-8")
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_the_recipe_has_an_entry_of_each_kind():
    assert NAMES == ["gaussian", "leaky_relu", "mirror", "entr"]


def test_what_the_recipe_adds_is_differentiated_compiled_explained_and_drawn(copy_with_entries):
    run(copy_with_entries, "-c", f"NAMES = {NAMES}\n{CHECKS}")


def test_what_the_recipe_adds_is_in_the_generated_list_of_operations(copy_with_entries):
    page = run(copy_with_entries, "-X", "utf8", "-m", "tinygrad_edu", "ops")
    for line in [
        "- `gaussian` = ",
        "`d_x` = `-2 * g * x * out`",
        "- `leaky_relu` = `np.where(x > 0, x, 0.1 * x)`",
        "- `mirror` = `x[..., ::-1]`",
        "`d_x` = `g[..., ::-1]`",
        "- `entr` = ",
        "`d_x` = `-g * (np.log(x) + 1)`",
    ]:
        assert line in page, line
