"""Formulas as MathML: whatever LaTeX is printed for an operation, a name or a number can be read again."""

import re

import numpy as np
import pytest

from tests.browser import plain
from tinygrad_edu.escaping import in_latex, out_of_latex
from tinygrad_edu.graph.latex_notation import latex
from tinygrad_edu.graph.mathml_notation import MATHML, mathml, matrix_latex
from tinygrad_edu.graph.notation import name_latex
from tinygrad_edu.graph.terms import Applied, Symbol
from tinygrad_edu.primitives.table import TABLE
from tinygrad_edu.testing.operations import samples

CHILDREN = {"mfrac": 2, "mroot": 2, "msub": 2, "msup": 2, "munder": 2, "mover": 2, "msubsup": 3, "munderover": 3}


def elements(tree):
    """The tree and all elements in it."""
    yield tree
    for part in tree[1:]:
        if isinstance(part, list):
            yield from elements(part)


@pytest.mark.parametrize(
    ("formula", "line"),
    [
        (r"\frac{d L}{d \theta} = -x_1", "dL/dθ=−x_1"),
        (r"\frac{1}{2} \left(t - y\right)^2", "1/2(t−y)^2"),
        (r"\ln \left|\det X\right|", "ln|detX|"),
        (r"\left\|x\right\|", "‖x‖"),
        (r"\left. g \right|_{g = 3}", "g|_g=3"),
        (r"\sqrt[3]{x} + \sqrt{y}", "x√3+y"),
        (r"\begin{cases} a & b \geq 0 \\ c & \text{else} \end{cases}", "{ab≥0celse"),
        (r"3 \times 10^{-5}", "3×10^−5"),
        (r"X \in \mathbb{R}^{4 \times 2}", "X∈ℝ^4×2"),
        (r"\sum_{\mathrm{axis\ 0}} g", "∑_axis 0g"),
        (r"\operatorname{sinc}^{(2)} x", "sinc^(2)x"),
        (r"\Gamma \Phi \lambda \pi", "ΓΦλπ"),
        (r"w: \ #0 \to #1", "w:{0}→{1}"),
        (r"\theta^* - x * y", "θ^∗−x∗y"),
        (r"\unknown x", "unknownx"),
    ],
)
def test_a_formula_in_latex_is_the_same_in_mathml(formula, line):
    assert plain(mathml(formula)) == line


@pytest.mark.parametrize("entry", [*TABLE], ids=lambda entry: entry.name)
def test_every_operation_can_be_written_in_mathml(entry):
    sample = next(samples(entry))
    term = Applied(entry, tuple(Symbol(f"x{number}") for number in range(len(sample.inputs))), sample.params)
    tree = mathml(latex(term))
    for name, *inside in elements(tree):
        parts = [part for part in inside if not isinstance(part, dict)]
        assert name not in CHILDREN or len(parts) == CHILDREN[name], latex(term)
        assert name in {"mi", "mn", "mo", "mtext"} or not any(isinstance(part, str) for part in parts), latex(term)
    words = plain(tree)
    assert not set("\\{}") & set(words.replace("{x", "", 1) if r"\begin{cases}" in latex(term) else words), words
    used = set(re.findall(r"x_\{(\d+)\}", latex(term)))
    assert set(re.findall(r"x_(\d)", words)) == used


@pytest.mark.parametrize(
    "name", ["theta", "w1", "a b", "50%", "{x}", "\\input", "a_b", "x^2", "~", '"', "<b>", "&amp;", "#0", "名字"]
)
def test_a_name_is_written_as_it_is(name):
    shown = plain(mathml(name_latex(name)))
    assert shown == {"theta": "θ", "w1": "w_1"}.get(name, name)


@pytest.mark.parametrize("words", ['half "x"', "a{b}c", "\\", "^~", "100% & more", "<i>"])
def test_words_come_out_of_latex_as_they_went_in(words):
    assert out_of_latex(in_latex(words)) == words


def test_a_small_matrix_has_rows_and_a_large_array_its_shape():
    assert plain(mathml(matrix_latex(np.array([[1.0, -2.0], [0.5, 3.0]])))) == "[1−20.53]"
    assert [tree[0] for tree in elements(mathml(matrix_latex(np.eye(2))))].count("mtr") == 2
    assert plain(mathml(MATHML.array(np.zeros((200, 3))))) == "[[0,0,…],[0,0,…],…](200,3)"


def test_a_sign_before_a_number_is_no_difference():
    signs = [tree for tree in elements(mathml("a - b = -c (-d)")) if tree[-1] == "−"]
    assert [len(sign) == 3 and sign[1] == {"form": "prefix"} for sign in signs] == [False, True, True]


def test_brackets_are_as_high_as_what_is_in_them():
    def stretched(formula):
        return ["stretchy" not in str(tree) for tree in elements(mathml(formula)) if tree[-1] == "("]

    assert stretched(r"\left(t - y\right)^2") == [False]
    assert stretched(r"\left(\frac{a}{b}\right)^2") == [True]
    assert stretched(r"f(x) = \frac{a}{b}") == [False]
