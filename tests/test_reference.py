"""The op table as a page: complete, readable as Python, and the same as the committed copy."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("scipy")  # the page calls every operation on an example

from tinygrad_edu.explainer.reference import op_table
from tinygrad_edu.primitives import special
from tinygrad_edu.primitives.primitive import Primitive
from tinygrad_edu.primitives.table import TABLE
from tinygrad_edu.testing.operations import samples

ROOT = Path(__file__).parents[1]
ENTRY = re.compile(r"^- `(?P<name>\w+)` = `(?P<formula>.+)`  $", re.MULTILINE)
DERIVATIVE = re.compile(r"^  `d_(?P<input>\w+)` = `(?P<formula>.+?)`(?:  )?$", re.MULTILINE)
NONE = re.compile(r"^  `(?P<input>\w+)` has none(?:  )?$", re.MULTILINE)


def page_by_entry():
    """For each name its formula, and the formulas of its derivatives, as the page has them."""
    page = op_table()
    parts = re.split(r"^(?=- )", page, flags=re.MULTILINE)[1:]
    assert len(parts) == len(ENTRY.findall(page))
    return {
        ENTRY.search(part)["name"]: (ENTRY.search(part)["formula"], dict(DERIVATIVE.findall(part)), NONE.findall(part))
        for part in parts
    }


PAGE = page_by_entry()


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_command_prints_the_page(lang):
    run = [sys.executable, "-m", "tinygrad_edu", "ops", "--lang", lang]
    finished = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=False)
    assert (finished.returncode, finished.stderr) == (0, "")
    assert finished.stdout == op_table(lang) + "\n"


def test_the_command_refuses_what_it_does_not_know():
    finished = subprocess.run([sys.executable, "-m", "tinygrad_edu", "op"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert finished.returncode == 2
    assert "invalid choice: 'op'" in finished.stderr


@pytest.mark.parametrize(("name", "lang"), [("operations.md", "en"), ("operations.zh-CN.md", "zh")])
def test_the_committed_copy_is_the_page(name, lang):
    committed = (ROOT / "docs" / name).read_text(encoding="utf-8")
    assert committed == op_table(lang) + "\n", f"run: python -m tinygrad_edu ops --lang {lang} > docs/{name}"


def test_every_entry_is_listed_once_and_in_order():
    names = ENTRY.findall(op_table())
    assert [name for name, _ in names] == sorted(TABLE.entries)


@pytest.mark.parametrize("entry", list(TABLE), ids=lambda entry: entry.name)
def test_every_input_has_a_line(entry):
    _, derivatives, without = PAGE[entry.name]
    count = len(entry.cases[0].shapes) if entry.arity is None else entry.arity
    assert len(derivatives) + len(without) == count
    assert len(without) == entry.rules(count).count(None)


def test_the_formulas_are_those_that_one_would_write():
    assert PAGE["tanh"] == ("np.tanh(x)", {"x": "g * (1 - out ** 2)"}, [])
    assert PAGE["multiply"] == ("a * b", {"a": "g * b", "b": "g * a"}, [])
    assert PAGE["matmul"] == ("a @ b", {"a": "g @ np.transpose(b)", "b": "np.transpose(a) @ g"}, [])
    assert PAGE["where"][2] == ["condition"]


# What formulas may call besides NumPy's functions: entries that NumPy has no name for.
NAMES = {"np": np} | {name: entry for name, entry in TABLE.entries.items() if not entry.numpy} | vars(special)

ELEMENTWISE = [entry for entry in TABLE if not entry.cases]


@pytest.mark.parametrize("entry", ELEMENTWISE, ids=lambda entry: entry.name)
def test_a_printed_derivative_computes_what_the_rule_does(entry: Primitive):
    formula, derivatives, without = PAGE[entry.name]
    rng = np.random.default_rng(1)
    for sample in samples(entry):
        out = entry.forward(*sample.inputs, **sample.params)
        g = rng.normal(size=np.shape(out))
        names = [name for name in re.findall(r"[a-z_]\w*", formula) if name in derivatives or name in without]
        inputs = dict(zip(dict.fromkeys(names), sample.inputs, strict=True))
        known = {**NAMES, "g": g, "out": out, **inputs}
        np.testing.assert_allclose(eval(formula, known), out, rtol=1e-12)
        rules = dict(zip(inputs, entry.vjps, strict=True))
        for name, derivative in derivatives.items():
            expected = rules[name](g, out, *sample.inputs, **sample.params)
            np.testing.assert_allclose(eval(derivative, known), expected, rtol=1e-12, atol=1e-300)
