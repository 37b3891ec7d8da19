"""Explanations between arrays: the rules in mathematics, and the derivation in matrices as one chain, by any way."""

import re

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.errors import DataError, GradientError
from tinygrad_edu.graph.latex_notation import latex
from tinygrad_edu.graph.notation import fraction
from tinygrad_edu.graph.terms import Applied, Derivative, Literal, Symbol
from tinygrad_edu.graph.text_notation import text
from tinygrad_edu.primitives.table import TABLE

X, LABELS = np.arange(6.0).reshape(3, 2), np.array([0, 2, 1])


def constant(numbers, name):
    return tg.Value(numbers, name=name, requires_grad=False)


def network():
    """A network with one hidden layer, and its loss."""
    rng = np.random.default_rng(0)
    W1, b1 = tg.Value(rng.normal(size=(2, 4)), name="W1"), tg.Value(rng.normal(size=4), name="b1")
    W2 = tg.Value(rng.normal(size=(4, 1)), name="W2")
    H = np.tanh((constant(X, "X") @ W1 + b1).named("Z")).named("H")
    Y = (H @ W2).named("Y")
    return tg.nn.half_squared_error(Y, constant(np.ones((3, 1)), "t"))


def logits():
    w, b = tg.Value([0.5, -1.0], name="w"), tg.Value(0.25, name="b")
    return (constant(X, "X") @ w + b).named("z")


def chains(explanation):
    """The derivations in matrices, by what they are for."""
    blocks = str(explanation).split("\n\n")
    found = [block.splitlines() for block in blocks if re.match(r"d\S+ = [^\n]*\n +=|d\S+ = [^\n\[]+$", block)]
    return {lines[0].split(" = ")[0]: [line.split("= ", 1)[1] for line in lines] for lines in found}


# --- the chain ------------------------------------------------------------------------------------------------------------------


def test_the_gradients_of_a_network_are_derived_in_matrices():
    assert chains(tg.explain(network())) == {
        "dL/dW₁": [
            "Xᵀ @ dL/dZ",
            "Xᵀ @ (dL/dH ⊙ (1 − H²))",
            "Xᵀ @ ((dL/dY @ W₂ᵀ) ⊙ (1 − H²))",
            "Xᵀ @ ((1/3·(Y − t) @ W₂ᵀ) ⊙ (1 − H²))",
        ],
        "dL/db₁": [
            "Σ[axis 0] dL/dZ",
            "Σ[axis 0] dL/dH ⊙ (1 − H²)",
            "Σ[axis 0] (dL/dY @ W₂ᵀ) ⊙ (1 − H²)",
            "Σ[axis 0] (1/3·(Y − t) @ W₂ᵀ) ⊙ (1 − H²)",
        ],
        "dL/dW₂": ["Hᵀ @ dL/dY", "Hᵀ @ (1/3·(Y − t))"],
    }


def test_the_same_in_latex():
    assert (
        "\\frac{d L}{d W_{1}} &= {X}^T \\frac{d L}{d Z} \\\\\n"
        "&= {X}^T \\left(\\frac{d L}{d H} \\odot \\left(1 - {H}^{2}\\right)\\right) \\\\\n"
        "&= {X}^T \\left(\\frac{d L}{d Y} {W_{2}}^T \\odot \\left(1 - {H}^{2}\\right)\\right) \\\\\n"
    ) in tg.explain(network()).to_latex()


@pytest.mark.parametrize(
    ("loss", "target", "derived"),
    [
        (tg.nn.half_squared_error, [0.0, 1, 1], ["dL/dz @ X", "1/3·(z − t) @ X"]),
        (tg.nn.mean_squared_error, [0.0, 1, 1], ["dL/dz @ X", "2/3·(z − t) @ X"]),
        (tg.nn.binary_cross_entropy_with_logits, [0.0, 1, 1], ["dL/dz @ X", "1/3·(σ(z) − t) @ X"]),
        (tg.nn.perceptron_criterion, [0.0, 1, 1], ["dL/dz @ X", "(step(z) − t) @ X"]),
        (tg.nn.hinge, [-1.0, 1, 1], ["dL/dz @ X", "(where(1 − t ⊙ z > 0, −1/3, 0) ⊙ t) @ X"]),
    ],
    ids=lambda x: getattr(x, "__name__", None),
)
def test_losses_are_explained_as_in_a_textbook(loss, target, derived):
    explanation = tg.explain(loss(logits(), constant(target, "t")))
    assert chains(explanation)["dL/dw"] == derived
    assert "clip" not in str(explanation) + explanation.to_latex()
    assert "broadcast" not in str(explanation) + explanation.to_latex()


@pytest.mark.parametrize(
    "target", [LABELS, constant(np.eye(3)[LABELS], "t"), np.eye(3)[LABELS]], ids=["classes", "named", "one-hot"]
)
def test_the_gradient_of_softmax_cross_entropy_is_the_softmax_less_the_target(target):
    W = tg.Value(np.ones((2, 3)) / 4, name="W")
    explanation = tg.explain(tg.nn.softmax_cross_entropy((constant(X, "X") @ W).named("z"), target))
    t = "t" if isinstance(target, tg.Value) else "c1"
    assert chains(explanation)["dL/dW"] == ["Xᵀ @ dL/dz", f"Xᵀ @ (1/3·(softmax(z) − {t}))"]
    assert f"softmax_cross_entropy(z, {t})" in str(explanation)
    assert r"-\sum " + {"t": "t", "c1": "c_{1}"}[t] + r" \cdot \ln \operatorname{softmax} z" in explanation.to_latex()


def test_losses_of_one_number_are_explained_as_in_a_textbook():
    z, t = tg.Value(2.0, name="z"), constant(1.0, "t")
    assert "dL/dz = σ(z) − t\n      = −0.119203" in str(tg.explain(tg.nn.binary_cross_entropy_with_logits(z, t)))
    assert "L = relu(1 − t·z) = 0" in str(tg.explain(tg.nn.hinge(z, t)))


def evaluated(term, explanation):
    """A formula in numbers, with the gradients of the backward pass where quotients stand."""
    nodes = {node.name: node for node in explanation.graph.nodes}
    if isinstance(term, Derivative):
        return explanation.backward.gradient_of[nodes[term.name.removeprefix("\0")]]
    if isinstance(term, Symbol):
        return nodes[term.name].data
    if isinstance(term, Literal):
        return term.value
    return term.primitive.forward(*(evaluated(operand, explanation) for operand in term.operands), **term.params)


def convolved():
    w, x = tg.Value([0.5, -1.0, 2.0], name="w"), constant(np.arange(6.0), "x")
    return np.sum(np.convolve(x, w).named("y") ** 2)


def normalized():
    x = tg.Value([[1.0, 2.0, 4.0], [0.5, 0.0, 3.0]], name="x")
    centred = (x - np.mean(x, axis=1, keepdims=True)).named("c")
    return np.sum(centred / np.sqrt(np.mean(centred**2, axis=1, keepdims=True) + 0.1) * constant(X.T, "k"))


def attended():
    rng = np.random.default_rng(1)
    Q, K, V = (tg.Value(rng.normal(size=(3, 4)), name=name) for name in "QKV")
    A = tg.softmax((Q @ K.T / 2.0).named("S")).named("A")
    return np.sum((A @ V).named("O") ** 2)


@pytest.mark.parametrize("loss", [network, convolved, normalized, attended, lambda: np.mean(np.exp(logits()))])
def test_every_line_of_a_derivation_comes_to_the_gradient(loss):
    explanation = tg.explain(loss())
    for node in explanation.targets:
        lines = list(explanation.matrices.lines(node))
        assert lines
        for line in lines:
            found = np.broadcast_to(evaluated(line, explanation), node.shape)
            np.testing.assert_allclose(found, explanation.backward.gradient_of[node], rtol=1e-9, atol=1e-12)


def test_a_rule_that_cannot_be_read_has_no_formula_but_its_gradient_is_told():
    square = tg.primitive(lambda x: x * x, lambda g, out, x: g * np.ndarray.__mul__(x, 2.0), name="square")
    x = tg.Value([1.0, 2.0], name="x")
    explanation = tg.explain(np.sum(square((2.0 * x).named("y"))))
    assert chains(explanation) == {}
    assert "dL/dx = [8, 16]" in str(explanation)


def test_a_derivation_of_a_long_formula_is_cut_off_where_nobody_would_read_on():
    h = tg.Value(np.ones(2) / 2, name="w")
    for _ in range(12):
        h = np.tanh(h * 2.0).named("h")
    lines = chains(tg.explain(np.sum(h)).whole)["dL/dw"]
    assert lines[:2] == ["2(dL/dh ⊙ (1 − h²))", "2(2(dL/dh₂ ⊙ (1 − h₂²)) ⊙ (1 − h²))"]
    assert len(lines) == 3
    assert max(map(len, lines)) < 120


# --- by way of ------------------------------------------------------------------------------------------------------------------


def two_ways():
    x = tg.Value(2.0, name="x")
    a, b = (x * x).named("a"), np.sin(x).named("b")
    return a * b, a, b


def test_one_way_alone_can_be_asked_for():
    L, a, _ = two_ways()
    for way in (a, "a", [a]):
        assert str(tg.explain(L, via=way)).endswith(
            "dL/dx = dL/da · da/dx\n      = b · (x + x)\n      = 0.909297 · 4\n      = 3.63719\n\n"
            "This is what comes by way of a. By all ways it is dL/dx = 1.9726."
        )


def test_what_comes_by_each_way_adds_up_to_the_gradient():
    loss, a, b = two_ways()
    parts = [tg.explain(loss, via=way).derivations[0].gradient for way in (a, b)]
    assert sum(parts) == pytest.approx(tg.explain(loss).derivations[0].gradient)


def test_between_arrays_one_way_has_its_own_table_and_formula():
    w = tg.Value([1.0, -2.0], name="w")
    u = (w * w).named("u")
    explanation = tg.explain(np.sum(u) + np.sum(np.exp(w)), via=u)
    assert chains(explanation) == {"dL/dw": ["2(dL/du ⊙ w)", "2·w"]}
    assert "exp" not in str(explanation)
    assert "dL/dw = [2, −4]" in str(explanation)


def test_a_nameless_result_is_a_way_too_and_formulas_halt_there():
    w = tg.Value([1.0, -2.0], name="w")
    nameless = [w * 3.0]
    assert chains(tg.explain(np.sum(np.exp(nameless[0])), via=nameless))["dL/dw"] == ["3·dL/d(w·3)", "3·exp(3·w)"]


@pytest.mark.parametrize(
    ("way", "error", "words"),
    [
        (["a", "b"], GradientError, "no gradient passes from L to x by way of a, b"),
        ("q", GradientError, "L does not depend on 'q'"),
        (3.0, DataError, "via must be a Value"),
    ],
)
def test_a_way_that_does_not_exist_is_refused(way, error, words):
    with pytest.raises(error, match=words):
        str(tg.explain(two_ways()[0], via=way))


def test_a_gradient_that_a_hook_changes_has_no_formula_and_is_no_sum_over_ways():
    w = tg.Value([1.0, -2.0], name="w")
    y = tg.on_gradient((w * w).named("y"), lambda g: 2.0 * g)
    explanation = tg.explain(np.sum(np.exp(y).named("e")))
    np.testing.assert_allclose(explanation.derivations[0].gradient, 4 * w.data * np.exp(w.data**2))
    for node in explanation.targets:
        for line in explanation.matrices.lines(node):
            np.testing.assert_allclose(evaluated(line, explanation), explanation.backward.gradient_of[node], rtol=1e-12)
    with pytest.raises(GradientError, match="a hook changes the gradient of"):
        str(tg.explain(np.sum(np.exp(y).named("e")), via="e"))


# --- mathematics ----------------------------------------------------------------------------------------------------------------


def test_edges_of_pictures_are_in_mathematics():
    z, t = logits(), constant([0.0, 1, 1], "t")
    loss = np.mean(-(t - tg.step(z).named("y")) * z)
    loss.backward()
    assert '|"g ⊙ (−(t − y))"|' in tg.draw(loss).mermaid.replace("#8857;", "⊙")
    assert '|"1/3·g"|' in tg.draw(loss).mermaid


@pytest.mark.parametrize(
    ("formula", "written", "in_latex"),
    [
        (lambda A, B: np.mean(A), "1/6 Σ A", r"\frac{1}{6} \sum A"),
        (lambda A, B: np.mean(A * B), "1/6 Σ A ⊙ B", r"\frac{1}{6} \sum \left(A \odot B\right)"),
        (lambda A, B: np.mean(A, axis=0), "1/2 Σ[axis 0] A", r"\frac{1}{2} \sum_{\mathrm{axis\ 0}} A"),
        (lambda A, B: np.sum(A + B), "Σ (A + B)", r"\sum \left(A + B\right)"),
        (lambda A, B: np.sum(2.0 * A) * 3.0, "(Σ 2·A)·3", r"\left(\sum 2 A\right) \cdot 3"),
        (lambda A, B: A @ B.T, "A @ Bᵀ", r"A {B}^T"),
        (lambda A, B: A * (B @ B.T @ A), "A ⊙ ((B @ Bᵀ) @ A)", r"A \odot B {B}^T A"),
        (lambda A, B: B - A * B, "B − A ⊙ B", r"B - \left(A \odot B\right)"),
        (lambda A, B: tg.sigmoid(A), "σ(A)", r"\sigma(A)"),
        (lambda A, B: np.broadcast_to(A, (4, 2, 3)), "A", "A"),
        (lambda A, B: A / 3.0 + (1 / 3) * B, "A/3 + 1/3·B", r"\frac{A}{3} + \frac{1}{3} B"),
        (lambda A, B: 0.1 * A + 0.25 * B, "0.1·A + ¼B", r"0.1 A + \frac{1}{4} B"),
    ],
)
def test_formulas_of_arrays_are_written_as_on_a_board(formula, written, in_latex):
    A, B = tg.Value(X.reshape(2, 3), name="A"), tg.Value(X.reshape(2, 3) + 1.0, name="B")
    explanation = tg.explain(np.sum(formula(A, B).named("C")))
    node = next(node for node in explanation.graph.nodes if node.name == "C")
    found = explanation.spelling.definition(node)
    spelled = Applied(found.primitive, tuple(map(whole, node.operands)), found.params, found.shape)
    assert text(spelled) == written
    assert latex(spelled) == in_latex


def whole(node):
    """A node with all of its formula."""
    if not node.operands:
        return Literal(node.data) if node.is_number else Symbol(node.name, node.shape)
    return Applied(node.primitive, tuple(map(whole, node.operands)), node.params, node.shape)


@pytest.mark.parametrize("n", [3, 6, 7, 8, 9, 16, 60, 99, 640])
def test_the_share_of_one_in_many_is_a_fraction(n):
    assert (fraction(1 / n).numerator, fraction(1 / n).denominator) == (1, n)


@pytest.mark.parametrize("number", [0.1, 0.05, 0.01, 1e-3, 0.3, 0.123456, 1.5, 0.0, -0.5, np.pi / 4, np.nan])
def test_other_numbers_are_none(number):
    assert fraction(number) is None


def test_a_mean_of_unknown_size_is_one_nth():
    assert text(Applied(TABLE.entries["mean"], (Symbol("x"),))) == "1/n Σ x"
    assert latex(Applied(TABLE.entries["mean"], (Symbol("x"),))) == r"\frac{1}{n} \sum x"
