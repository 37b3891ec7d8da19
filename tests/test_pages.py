"""The page that steps through a computation, opened in a browser, and the source beside it."""

import re

import numpy as np
import pytest
from hypothesis import given, settings

import tinygrad_edu as tg
from tests.browser import Elements, in_a_browser, opened
from tests.test_explain import random_losses
from tinygrad_edu.explain.listing import listing
from tinygrad_edu.explain.steps import steps
from tinygrad_edu.graph import Kind
from tinygrad_edu.primitive import TABLE
from tinygrad_edu.testing.operations import samples


def constant(number, name):
    return tg.Value(number, name=name, requires_grad=False)


@pytest.fixture(scope="module")
def explanation():
    pytest.importorskip("pygraphviz")
    theta, x, t = tg.Value(3.0, name="theta"), constant(2.0, "x"), constant(8.0, "t")
    y = (theta * x).named("y")
    return tg.explain(0.5 * (t - y) ** 2)


@pytest.fixture(scope="module")
def perceptron():
    pytest.importorskip("pygraphviz")
    w, b, t = tg.Value([1.0, 1.0], name="w"), tg.Value(0.0, name="b"), constant([0.0, 1, 0, 1], "t")
    z = (constant([[1, 1], [-1, 1], [-1, -0.5], [-1, 1.5]], "X") @ w + b).named("z")
    return tg.explain(np.sum(-(t - tg.step(z).named("y")) * z))


def lit(elements):
    return {name for name, classes in elements.classes.items() if "lit" in classes}


@in_a_browser
def test_the_page_begins_with_what_is_given(explanation, tmp_path):
    elements = opened(explanation.to_html(), tmp_path, "lang=en")
    assert elements.texts["sentence"] == "These numbers are given."
    assert elements.texts["formulas"] == "θ = 3\nx = 2\nt = 8"


@in_a_browser
def test_stepping_changes_which_edge_is_lit(explanation, tmp_path):
    press = """for (let i = 0; i < 9; i++) document.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowRight"}));"""
    before, after = (opened(explanation.to_html(), tmp_path, "lang=en&step=0", script) for script in ("", press))
    assert not any(name.startswith("e") for name in lit(before))
    (edge,) = (name for name in lit(after) if name.startswith("e"))
    assert elements_joined(explanation, edge) == ("y", "theta")
    assert after.texts["formulas"] == "dL/dθ = dL/dy · dy/dθ\n= (−2) · x\n= (−2) · 2\n= −4"


@in_a_browser
@pytest.mark.parametrize(
    ("step", "line"),
    [
        (0, "def value_and_grad(theta, x, t):"),
        (1, "y = theta * x"),
        (2, "difference = t - y"),
        (3, "L = 0.5 * difference ** 2"),
        (9, "d_theta = -difference * x"),
        (10, "return L, d_theta"),
    ],
)
def test_the_line_of_the_source_that_does_the_step_is_lit(explanation, tmp_path, step, line):
    read = 'document.title = [...document.querySelectorAll("#source [aria-current]")].map((lit) => lit.textContent.trim()).join();'
    assert opened(explanation.to_html(), tmp_path, f"lang=en&step={step}", read).title == line


@in_a_browser
def test_where_nothing_is_computed_no_line_is_lit(perceptron, tmp_path):
    blocked = next(number for number, step in enumerate(steps_of(perceptron)) if step["kind"] == "blocked")
    elements = opened(perceptron.to_html(), tmp_path, f"lang=en&step={blocked}")
    assert "y = np.heaviside(z, 0)" in elements.texts["source"]
    assert not [attributes for _, attributes in elements.tags if "aria-current" in attributes]


def test_the_source_beside_the_page_computes_the_gradient(perceptron):
    source = listing(perceptron.backward)
    scope = {}
    exec("\n".join(source.lines), scope)
    leaves = [node.data for node in perceptron.graph.nodes if not node.operands and not node.is_number]
    loss, d_w, d_b = scope["value_and_grad"](*leaves)
    assert (loss, d_w.tolist(), d_b) == (2.0, [2.0, 0.0], 0.0)


@given(random_losses())
@settings(max_examples=60, deadline=None)
def test_the_source_of_random_graphs_computes_their_gradients_and_every_line_is_one_of_them(drawn):
    loss, _ = drawn
    explanation = tg.explain(loss)
    source = listing(explanation.backward)
    scope = {}
    exec("\n".join(source.lines), scope)
    leaves = [node for node in explanation.graph.nodes if node.kind in (Kind.PARAMETER, Kind.DATA)]
    with np.errstate(all="ignore"):
        value, *found = scope["value_and_grad"](*(node.data for node in leaves))
    gradients = [explanation.backward.gradient_of.get(node, 0.0) for node in explanation.graph.parameters]
    assert value == pytest.approx(float(loss), rel=1e-9, abs=1e-12)
    assert found == pytest.approx(gradients, rel=1e-9, abs=1e-12)
    assert {source.head, source.end, *source.of_result.values(), *source.of_edge.values()} <= set(range(len(source.lines)))


@pytest.mark.parametrize("entry", [entry for entry in TABLE if entry.is_differentiable], ids=lambda entry: entry.name)
def test_the_source_of_every_operation_computes_its_gradient(entry):
    sample = next(samples(entry))
    inputs = [
        tg.Value(x, name=f"x{i}") if differentiable else x
        for i, (x, differentiable) in enumerate(zip(sample.inputs, sample.has_rule, strict=True))
    ]
    result = entry(*inputs, **sample.params)
    explanation = tg.explain(np.sum(np.absolute(result) if result.dtype.kind == "c" else result))
    source = listing(explanation.backward)
    if entry.name == "cofactors":  # its rule asks whether the matrix is singular
        assert source is None
        return
    scope = {}
    exec("\n".join(source.lines), scope)
    leaves = [node.data for node in explanation.graph.nodes if node.kind in (Kind.PARAMETER, Kind.DATA)]
    _, *found = scope["value_and_grad"](*leaves)
    for node, gradient in zip(explanation.graph.parameters, found, strict=True):
        np.testing.assert_allclose(gradient, explanation.backward.gradient_of.get(node, 0.0), rtol=1e-7, atol=1e-9)


@in_a_browser
def test_an_operation_that_cannot_be_compiled_leaves_a_page_without_source(tmp_path):
    pytest.importorskip("pygraphviz")
    square = tg.primitive(lambda x: x * x, lambda g, out, x: g * 2 * float(x), name="square")
    explanation = tg.explain(square(tg.Value(3.0, name="x")))
    assert listing(explanation.backward) is None
    elements = opened(explanation.to_html(), tmp_path, "lang=en&step=999")
    assert "hidden" in {attributes.get("id"): attributes for _, attributes in elements.tags}["listing"]
    assert elements.texts["formulas"] == "dL/dx = 6"


def elements_joined(explanation, edge):
    result, position = map(int, edge[1:].split("_"))
    node = explanation.graph.nodes[result]
    return node.name, node.operands[position].name


@in_a_browser
def test_the_last_step_shows_the_final_gradients(perceptron, tmp_path):
    elements = opened(perceptron.to_html(), tmp_path, "lang=en&step=999")
    assert elements.texts["formulas"] == "dL/dw = [2, 0]\ndL/db = 0"
    assert re.search(r"w\[1, 1\]\[2, 0\]", elements.texts["state"])


@in_a_browser
def test_a_parameter_that_every_round_of_a_loop_uses_shows_its_gradient_wherever_it_is_drawn(tmp_path):
    pytest.importorskip("pygraphviz")
    w = h = tg.Value(0.5, name="w")
    for _ in range(5):
        h = np.tanh(h * w)
    elements = opened(tg.explain(h).to_html(), tmp_path, "lang=en&step=999")
    shown = [text for name, text in elements.texts.items() if name.startswith("n0_")]
    assert len(shown) == 6
    assert all(text.split() == ["w", "=", "0.5", "gradient", "0.178725"] for text in shown), shown


@in_a_browser
def test_the_page_speaks_chinese_on_request(perceptron, tmp_path):
    click = 'document.getElementById("language").click();'
    elements = opened(perceptron.to_html(), tmp_path, "lang=en&step=0", click)
    assert elements.texts["sentence"] == "这些数是已知的。"
    assert dict(elements.tags)["html"]["lang"] == "zh"


@in_a_browser
def test_the_step_is_said_to_let_no_gradient_through(perceptron, tmp_path):
    blocked = next(number for number, step in enumerate(steps_of(perceptron)) if step["kind"] == "blocked")
    elements = opened(perceptron.to_html(), tmp_path, f"lang=en&step={blocked}")
    assert "So y counts as a constant." in elements.texts["sentence"]


@in_a_browser
@pytest.mark.parametrize("name", ["{{data}}", "{{style}}", "{{script}}", "{{body}}", "{{picture}}", "{{title}}", "{{x}}"])
def test_a_name_that_looks_like_a_place_of_the_template_is_shown_as_it_is(tmp_path, name):
    pytest.importorskip("pygraphviz")
    page = tg.explain(tg.Value(3.0, name=name) * 2.0).to_html()
    elements = opened(page, tmp_path, "lang=en")
    assert elements.texts["formulas"] == f"{name} = 3"
    assert elements.title == elements.texts["title"] == f"L = {name}·2"


@in_a_browser
def test_where_contributions_are_added_the_page_says_so(tmp_path):
    pytest.importorskip("pygraphviz")
    x = tg.Value(3.0, name="x")
    explanation = tg.explain(x * x)
    adds = next(number for number, step in enumerate(steps_of(explanation)) if step["kind"] == "adds")
    elements = opened(explanation.to_html(), tmp_path, f"lang=en&step={adds}")
    assert "contributions are added" in elements.texts["sentence"]
    assert "dL/dx = 3 + 3 = 6" in elements.texts["formulas"]


@in_a_browser
@pytest.mark.parametrize("name", ["</script><script>document.title='pwned'</script>", "<img src=x onerror=alert(1)>", '"&', "<!--"])
def test_a_name_cannot_break_into_the_page(name, tmp_path):
    pytest.importorskip("pygraphviz")
    elements = opened(tg.explain((tg.Value(3.0, name=name) * 2.0).named(name)).to_html(), tmp_path, "lang=en&step=1")
    assert not [tag for tag, _ in elements.tags if tag == "img"]
    assert sum(tag == "script" for tag, _ in elements.tags) == 4  # data, page, and two of this test's
    assert name in elements.texts["formulas"]


def steps_of(explanation):
    return list(steps(explanation.backward, explanation.spelling))


def test_a_page_asks_nothing_of_the_network(explanation):
    html = explanation.to_html()
    assert "default-src 'none'" in html
    for tag, attributes in Elements(html).tags:
        assert not {"src", "srcset"} & set(attributes), tag
        assert attributes.get("href", "data:").startswith("data:")


def test_a_page_is_small(explanation, perceptron):
    for page in (explanation.to_html(), perceptron.to_html()):
        assert len(page.encode()) < 300_000


def test_an_explanation_is_saved_by_its_suffix(explanation, tmp_path):
    assert explanation.save(tmp_path / "page.html").read_text("utf-8").startswith("<!doctype html>")
    assert explanation.save(tmp_path / "formulas.tex").read_text("utf-8") == explanation.to_latex()
    assert explanation.save(str(tmp_path / "text.txt")).read_text("utf-8") == str(explanation)
    with pytest.raises(tg.errors.DataError, match=r"\.html, \.tex or \.txt"):
        explanation.save(tmp_path / "page.pdf")


def test_nobody_is_given_a_page_of_a_thousand_operations():
    x = h = tg.Value(0.5, name="x")
    for _ in range(500):
        h = np.tanh(h) * x
    with pytest.raises(tg.errors.UnsupportedError, match="shows at most 120 operations, but L took 1000"):
        tg.explain(h).to_html()
