"""Derivations by hand and derived ones: they agree, the page shows them as they are, and the derived ones are as short and fast."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.derivations.__main__ import TIMES
from benchmarks.derivations.page import ALL, Entry, Source, entries, page
from tinygrad_edu.testing import check_grads

DOCS = Path(__file__).parents[1] / "docs"
EACH = pytest.mark.parametrize("classic", ALL, ids=lambda classic: classic.title)


@pytest.fixture(scope="module")
def times():
    return json.loads(TIMES.read_text(encoding="utf-8"))


@EACH
def test_the_derivation_by_hand_the_chain_rule_and_the_program_agree(classic):
    by_hand = classic.by_hand(*classic.arguments)
    for value, gradients in (classic.eager(*classic.arguments), classic.derived(*classic.arguments)):
        np.testing.assert_allclose(value, by_hand[0], rtol=1e-10)
        for gradient, right in zip(gradients, by_hand[1], strict=True):
            np.testing.assert_allclose(gradient, right, rtol=1e-10, atol=1e-10 * np.max(np.abs(right)))


@EACH
def test_the_gradient_of_a_classic_is_that_of_differences(classic):
    parameters, data = classic.arguments[: classic.parameters], classic.arguments[classic.parameters :]
    check_grads(lambda *parameters: classic.function(*parameters, *data), parameters, order=1)


@pytest.mark.parametrize(("name", "lang"), [("derivations.md", "en"), ("derivations.zh-CN.md", "zh")])
def test_the_committed_page_is_what_the_command_prints(name, lang, times):
    assert (DOCS / name).read_text(encoding="utf-8") == "\n".join(page(times, lang)) + "\n"


def test_at_least_thirteen_derived_sources_have_no_more_lines_than_the_derivation_by_hand():
    assert sum(entry.is_no_longer for entry in entries()) >= 13


def test_what_is_longer_than_by_hand_says_why():
    for entry in entries():
        assert entry.is_no_longer or entry.classic.remark, entry.classic.title


def test_no_derived_program_was_slower_than_by_hand_when_it_was_measured(times):
    assert times["times"].keys() == {classic.title for classic in ALL}
    slow = {title: time["ratio"] for title, time in times["times"].items() if time["ratio"] > 1.1}
    assert not slow


def test_lines_and_operations_are_counted_as_they_are_written():
    text = Source("def f(x):\n    y = -x + np.sin(x)\n    y *= 2\n    return y[0] < 3")
    assert (text.lines, text.operations) == (3, 5)


def test_functions_above_a_program_and_its_docstring_are_left_out():
    softmax = next(classic for classic in ALL if classic.title == "Softmax regression")
    entry = Entry.of(softmax)
    assert entry.derived.code.startswith("def softmax_regression(W, b, X, classes):\n    logits = ")
    assert "def softmax(" in softmax.derived.source
    assert '"""' not in entry.derived.code
