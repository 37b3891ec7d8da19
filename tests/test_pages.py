"""The page that steps through a computation, opened in a browser, and the source beside it."""

import json
import re
import sys
from importlib import resources

import numpy as np
import pytest
from hypothesis import given, settings

import tinygrad_edu as tg
from tests.browser import Elements, in_a_browser, opened, plain
from tests.test_explain import random_losses
from tinygrad_edu.explainer.listing import listing
from tinygrad_edu.explainer.steps import steps
from tinygrad_edu.graph.graph import Kind
from tinygrad_edu.graph.mathml_notation import MATHML
from tinygrad_edu.primitives.table import TABLE
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


def test_a_fault_of_the_compiler_is_not_a_page_without_source(monkeypatch):
    def broken(outputs):
        raise RuntimeError("a fault of the compiler")

    monkeypatch.setattr(sys.modules["tinygrad_edu.explainer.listing"], "simplified", broken)
    with pytest.raises(RuntimeError, match="a fault of the compiler"):
        tg.explain((tg.Value(2.0, name="w") ** 2).named("L")).to_html()


@in_a_browser
def test_the_page_begins_with_what_is_given(explanation, tmp_path):
    elements = opened(explanation.to_html(), tmp_path, "lang=en")
    assert elements.texts["sentence"] == "These numbers are given."
    assert elements.texts["formulas"] == "θ=3\nx=2\nt=8"


@in_a_browser
def test_stepping_changes_which_edge_is_lit(explanation, tmp_path):
    press = """for (let i = 0; i < 9; i++) document.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowRight"}));"""
    before, after = (opened(explanation.to_html(), tmp_path, "lang=en&step=0", script) for script in ("", press))
    assert not any(name.startswith("e") for name in lit(before))
    (edge,) = (name for name in lit(after) if name.startswith("e"))
    assert elements_joined(explanation, edge) == ("y", "theta")
    assert after.texts["formulas"] == "dL/dθ=dL/dy·dy/dθ\n=(−2)·x\n=(−2)·2\n=−4"


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
def test_what_is_lit_is_as_strong_as_its_colour(explanation, tmp_path):
    read = """document.title = JSON.stringify([...document.querySelectorAll(".lit path, .lit polygon:not([fill=none])")].map(
        (drawn) => [getComputedStyle(drawn).strokeOpacity, getComputedStyle(drawn).stroke]));"""
    shown = json.loads(opened(explanation.to_html(), tmp_path, "lang=en&step=8", read).title)
    assert len(shown) >= 4
    assert len({tuple(pair) for pair in shown}) == 1
    assert shown[0][0] == "1"


@in_a_browser
def test_where_nothing_is_computed_no_line_is_lit(perceptron, tmp_path):
    blocked = next(number for number, step in enumerate(steps_of(perceptron)) if step["kind"] == "blocked")
    elements = opened(perceptron.to_html(), tmp_path, f"lang=en&step={blocked}")
    assert "y = np.heaviside(z, 0)" in elements.texts["source"]
    assert not [attributes for _, attributes in elements.tags if "aria-current" in attributes]


def test_the_line_that_is_lit_is_that_of_the_operand_to_which_the_step_goes(perceptron):
    """z passes the same to X @ w and to b: the one becomes d_w, the other d_b."""
    source = listing(perceptron.backward)
    lines = {
        (edge.result.name, edge.operand.name): source.lines[line].split(" = ")[0].strip() for edge, line in source.of_edge.items()
    }
    product = next(node.name for node in perceptron.graph.results if node.primitive.name == "matmul")
    assert lines["z", product] == lines[product, "w"] == "d_w"
    assert lines["z", "b"] == "d_b"


def test_a_number_that_is_passed_on_is_not_taken_for_the_same_number_that_is_returned():
    w, b = tg.Value(2.0, name="w"), tg.Value(1.0, name="b")
    source = listing(tg.explain((w * 3.0) ** 2 + b).backward)
    lines = {edge.operand.name: source.lines[line].strip() for edge, line in source.of_edge.items()}
    assert lines["b"].startswith("return")
    assert lines["w"].startswith("d_w = ")
    assert len({line for name, line in lines.items() if name != "b"}) == 1


def test_a_contribution_to_a_sum_is_in_the_line_of_the_sum():
    x, w, b = (tg.Value([0.5, 1.0], name=name) for name in "xwb")
    h = np.tanh(w * x).named("h")
    source = listing(tg.explain(np.sum(np.sin(h) * np.exp(h) * b)).backward)
    into_h = [source.lines[line] for edge, line in source.of_edge.items() if edge.operand.name == "h"]
    assert len(into_h) == 2
    assert all("d_h" in line or "d_product" in line for line in into_h), source.lines


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
    scope = {}
    exec("\n".join(source.lines), scope)
    leaves = [node.data for node in explanation.graph.nodes if node.kind in (Kind.PARAMETER, Kind.DATA)]
    _, *found = scope["value_and_grad"](*leaves)
    for node, gradient in zip(explanation.graph.parameters, found, strict=True):
        np.testing.assert_allclose(gradient, explanation.backward.gradient_of.get(node, 0.0), rtol=1e-7, atol=1e-9)


def test_the_source_takes_first_what_the_gradient_is_for():
    def loss(theta, x, t):
        return 0.5 * (t - theta * x) ** 2

    assert "def value_and_grad(theta, x, t):" in listing(tg.explain(loss, 3.0, 2.0, 8.0).backward).lines
    assert "def value_and_grad(x, theta, t):" in listing(tg.explain(loss, 3.0, 2.0, 8.0, wrt="x").backward).lines


@in_a_browser
def test_an_operation_that_cannot_be_compiled_leaves_a_page_without_source(tmp_path):
    pytest.importorskip("pygraphviz")
    square = tg.primitive(lambda x: x * x, lambda g, out, x: g * 2 * float(x), name="square")
    explanation = tg.explain(square(tg.Value(3.0, name="x")))
    assert listing(explanation.backward) is None
    elements = opened(explanation.to_html(), tmp_path, "lang=en&step=999")
    assert "hidden" in {attributes.get("id"): attributes for _, attributes in elements.tags}["source"]
    assert elements.texts["unwritten"].startswith("There is none: what square does depends on the numbers that it is given")
    assert elements.texts["formulas"] == "dL/dx=6"


@in_a_browser
def test_the_page_tells_why_the_rule_of_an_operation_has_no_formula(tmp_path):
    pytest.importorskip("pygraphviz")
    square = tg.primitive(lambda x: x * x, lambda g, out, x: g * {3.0: 6.0}[x], name="square")
    elements = opened(tg.explain(square(tg.Value(3.0, name="x"))).to_html(), tmp_path, "lang=en&step=3")
    assert "dL/dx=1·6" in elements.texts["formulas"]
    assert "(KeyError:\u00a0" in elements.texts["formulas"]


def test_a_derivative_of_complex_numbers_has_a_page():
    pytest.importorskip("pygraphviz")
    z = (tg.Value(2.0, name="a") * (1 + 2j)).named("z")
    assert "g ↦" not in tg.explain(np.real(z * np.conj(z))).to_html()
    kinds = [step["kind"] for step in steps_of(tg.explain(np.real(z * np.conj(z))))]
    assert kinds.count("turns") + kinds.count("adds") == len(kinds) - kinds.count("forward") - 3


def test_a_page_of_a_checkpoint_has_no_source_since_its_rule_uses_more_than_it_is_given():
    w = tg.Value(2.0, name="w")
    assert listing(tg.explain(tg.checkpoint(lambda w: np.sum(np.exp(w)))(w)).backward) is None


def test_an_operation_with_a_parameter_that_cannot_be_compared_has_a_page_without_source():
    class Settings:
        __hash__ = None

    scale = tg.primitive(lambda x, how: 2.0 * x, lambda g, out, x, how: 2.0 * g, name="scale")
    explanation = tg.explain(scale(tg.Value(2.0, name="w"), how=Settings()))
    assert listing(explanation.backward) is None


def test_a_gradient_that_is_the_same_for_all_numbers_has_its_computation_beside_the_page():
    w = tg.Value(np.arange(4.0), name="w")
    lines = listing(tg.explain(np.sum(w[np.array([1, 3])])).backward).lines
    assert [line.strip() for line in lines[-3:]] == ["d_w = np.zeros(4)", "d_w[np.array([1, 3])] = 1.0", "return L, d_w"]


def elements_joined(explanation, edge):
    result, position = map(int, edge[1:].split("_"))
    node = explanation.graph.nodes[result]
    return node.name, node.operands[position].name


@in_a_browser
def test_the_last_step_shows_the_final_gradients(perceptron, tmp_path):
    elements = opened(perceptron.to_html(), tmp_path, "lang=en&step=999")
    assert elements.texts["formulas"] == "dL/dw=[2,0]\ndL/db=0"
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
def test_shapes_need_no_language(tmp_path):
    pytest.importorskip("pygraphviz")
    rng = np.random.default_rng(0)
    X, W = constant(rng.normal(size=(4, 6)), "X"), tg.Value(rng.normal(size=(6, 5)), name="W")
    explanation = tg.explain(np.sum(np.tanh(X @ W)))
    for step, gradient in [(0, ""), (999, "梯度 […] (6, 5)")]:
        elements = opened(explanation.to_html(), tmp_path, f"lang=zh&step={step}")
        shown = "".join(elements.texts[name] for name in ["title", "formulas", "state", *elements.texts] if name != "data")
        assert "shape (" not in shown.partition("use strict")[0]
        assert "[…] (6, 5)" in elements.texts["n1"]
        assert gradient in elements.texts["n1"]


@in_a_browser
def test_formulas_and_names_are_not_set_in_chinese_type(explanation, tmp_path):
    read = """const places = document.querySelectorAll(".picture svg, math, #state, .gradient");
    document.title = JSON.stringify([...places].map((place) => place.closest("[lang]").getAttribute("lang")).sort());"""
    languages = json.loads(opened(explanation.to_html(), tmp_path, "lang=zh&step=9", read).title)
    assert languages == ["en"] * 16 + ["zh"] * 5  # with the word for gradient in five nodes


@in_a_browser
def test_a_nodes_number_appears_when_it_has_been_computed(explanation, tmp_path):
    labels = {}
    for step in range(5):
        elements = opened(explanation.to_html(), tmp_path, f"lang=en&step={step}")
        labels[step] = {
            name: " ".join(elements.texts[name].replace("gradient", "").split()) for name in ["n0", "n3", "n4", "n6", "n8"]
        }
    known = {"n0": "θ = 3", "n3": "y = θ·x = 6", "n4": "t − y = 2", "n6": "(t − y)² = 4", "n8": "L = ½(t − y)² = 2"}
    for step, computed in enumerate([1, 2, 3, 4, 5]):
        expected = [whole if place < computed else whole.rpartition(" = ")[0] for place, whole in enumerate(known.values())]
        assert list(labels[step].values()) == expected


@in_a_browser
def test_local_derivatives_do_not_tell_a_number_before_it_has_been_computed(explanation, tmp_path):
    read = """const shown = [...document.querySelectorAll(".edge text:not(.silent)")];
    document.title = JSON.stringify(shown.map((text) => text.textContent.trim()));"""
    shown = [json.loads(opened(explanation.to_html(), tmp_path, f"lang=en&step={step}", read).title) for step in (0, 1, 3)]
    assert shown == [[], ["x = 2"], ["x = 2", "−1", "2(t − y) = 4"]]


@in_a_browser
@pytest.mark.parametrize("step", [0, 999])
def test_on_a_narrow_screen_the_first_of_what_a_step_is_about_is_in_the_frame(perceptron, tmp_path, step):
    read = """const [inner, outer] = ["#n0", ".picture"].map((place) => document.querySelector(place).getBoundingClientRect());
    const sideways = [inner.left - outer.left, outer.right - inner.right];
    document.title = JSON.stringify([...sideways, inner.top - outer.top, outer.bottom - inner.bottom]);"""
    elements = opened(perceptron.to_html(), tmp_path, f"lang=en&step={step}", read, width=390)
    assert elements.texts["n0"].split()[0] == "w"
    assert min(json.loads(elements.title)) >= 0


@in_a_browser
@pytest.mark.parametrize(("frame", "width", "moves"), [(".picture", 390, False), (".picture", 1280, True), ("#source", 390, False)])
def test_the_arrows_scroll_a_frame_that_has_the_focus_and_step_everywhere_else(perceptron, tmp_path, frame, width, moves):
    press = f"""const event = new KeyboardEvent("keydown", {{ key: "ArrowRight", bubbles: true, cancelable: true }});
    document.querySelector("{frame}").dispatchEvent(event);
    document.title = JSON.stringify([event.defaultPrevented, slider.valueAsNumber]);"""
    assert json.loads(opened(perceptron.to_html(), tmp_path, "lang=en&step=3", press, width=width).title) == [moves, 3 + moves]


@in_a_browser
@pytest.mark.parametrize("step", ["abc", "-1", "", "1e9", "NaN"])
def test_a_step_that_does_not_exist_is_not_shown(explanation, tmp_path, step):
    elements = opened(explanation.to_html(), tmp_path, f"lang=en&step={step}")
    assert elements.texts["phase"] == ("Step 11 of 11: backward" if step == "1e9" else "Step 1 of 11: forward")


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
    assert elements.texts["formulas"] == f"{name}=3"
    assert elements.title == f"L = {name}·2"
    assert elements.texts["title"] == f"L={name}·2"


@in_a_browser
def test_where_contributions_are_added_the_page_says_so(tmp_path):
    pytest.importorskip("pygraphviz")
    x = tg.Value(3.0, name="x")
    explanation = tg.explain(x * x)
    adds = next(number for number, step in enumerate(steps_of(explanation)) if step["kind"] == "adds")
    elements = opened(explanation.to_html(), tmp_path, f"lang=en&step={adds}")
    assert "contributions are added" in elements.texts["sentence"]
    assert "dL/dx=3+3\n=6" in elements.texts["formulas"]


def formulas_of(explanation, kind=None):
    return ["\n".join(map(plain, step["formulas"])) for step in steps_of(explanation) if kind is None or step["kind"] == kind]


def test_only_the_sum_of_several_contributions_is_called_the_derivative():
    x, y = tg.Value(3.0, name="x"), tg.Value(2.0, name="y")
    first, second = formulas_of(tg.explain((x * x).named("loss")))[3:5]
    assert first == "loss→x:1·x\n=1·3\n=3"
    assert second == "loss→x:1·x\n=1·3\n=3\ndloss/dx=3+3\n=6"
    steps = formulas_of(tg.explain(np.exp((x * y).named("p")) + np.sin((x / y).named("q")) + x, wrt=x))
    assert "p→x:dL/dp·∂p/∂x\n=403.429·y\n=403.429·2\n=806.858\ndL/dx=" in "\n".join(steps)
    assert "∑=1+0.0353686\n=1.03537" in "\n".join(steps)
    assert len([step for step in steps if "dL/dx=" in step]) == 2  # the sum, and at the end the result


def test_a_contribution_that_is_zero_is_not_called_the_derivative(perceptron):
    found = [line for formula in formulas_of(perceptron) for line in formula.splitlines() if line.startswith("dL/dz=")]
    assert found == ["dL/dz=[1,−1,0,0]+[0,0,0,0]"]


def test_a_page_speaks_only_of_results_that_it_shows():
    w = tg.Value([1.0, 2.0], name="w")
    formulas = formulas_of(tg.explain(np.sum((w - 3.0) * tg.relu(w))))
    assert not any(re.search(r"\bv\d", formula) for formula in formulas), formulas


def test_why_nothing_passes_or_only_by_convention_is_told_in_the_words_that_fit():
    a, b = tg.Value(2.0, name="a"), tg.Value(3.0, name="b")
    no_rule = tg.primitive(lambda x, y: x * y, lambda g, out, x, y: g * y, None, name="f")
    for loss, kind in [
        (tg.step(a) + b, "blocked"),
        (np.copysign(a, b) * 1.0, "flat"),
        (np.where(True, a, b) * 1.0, "unchosen"),
        (no_rule(a, b), "underivable"),
        (np.maximum(a, 2.0) * b, "kink"),
    ]:
        kinds = [step["kind"] for step in steps_of(tg.explain(loss))]
        assert set(kinds) & {"blocked", "flat", "unchosen", "underivable", "kink"} == {kind}
        assert page_words().count(f"    {kind}: ") == 2  # in either language


def page_words():
    return resources.files("tinygrad_edu.explainer").joinpath("assets", "steps.js").read_text("utf-8")


def test_a_record_that_cannot_be_compiled_has_a_page_all_the_same():
    pytest.importorskip("pygraphviz")
    a = tg.Value(2.0, name="a")
    refuses = tg.primitive(lambda x: x * x, lambda g, out, x: {np.float64: g * 2}[type(x)] * x, name="refuses")
    explanation = tg.explain(refuses(a) + tg.checkpoint(np.exp)(a))
    assert listing(explanation.backward) is None
    assert "dL/da=" in "\n".join(formulas_of(explanation))
    assert "<svg" in explanation.to_html()


@in_a_browser
@pytest.mark.parametrize("name", ["</script><script>document.title='pwned'</script>", "<img src=x onerror=alert(1)>", '"&', "<!--"])
def test_a_name_cannot_break_into_the_page(name, tmp_path):
    pytest.importorskip("pygraphviz")
    elements = opened(tg.explain((tg.Value(3.0, name=name) * 2.0).named(name)).to_html(), tmp_path, "lang=en&step=1")
    assert not [tag for tag, _ in elements.tags if tag == "img"]
    assert sum(tag == "script" for tag, _ in elements.tags) == 4  # data, page, and two of this test's
    assert name in elements.texts["formulas"].replace("\u00a0", " ")


def steps_of(explanation):
    return list(steps(explanation.backward, explanation.printer(MATHML)))


@in_a_browser
def test_with_a_learning_rate_the_page_ends_with_the_step(tmp_path):
    pytest.importorskip("pygraphviz")
    w, b = tg.Value([1.0, 1.0], name="w"), tg.Value(0.0, name="b")
    z = (constant([1.5, -3.0], "x") @ w + b).named("z")
    explanation = tg.explain(-(constant(1.0, "t") - tg.step(z).named("y")) * z)
    elements = opened(explanation.to_html(learning_rate=0.1), tmp_path, "lang=en&step=999")
    assert elements.texts["phase"].endswith("the step")
    assert elements.texts["sentence"].startswith("A step of gradient descent with η=0.1:")
    moved = "w−η·dL/dw=[1,1]−0.1·[−1.5,3]\n=[1.15,0.7]\nb−η·dL/db=0−0.1·(−1)\n=0.1"
    assert elements.texts["formulas"] == moved
    page = explanation.save(tmp_path / "saved.html", learning_rate=0.1).read_text("utf-8")
    assert page == explanation.to_html(learning_rate=0.1)
    assert (w.data.tolist(), b.item()) == ([1.0, 1.0], 0.0)


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan"), "fast"])
def test_a_step_needs_a_learning_rate_above_zero(explanation, rate):
    with pytest.raises(tg.errors.DataError, match="learning_rate must be a finite number above 0"):
        explanation.to_html(learning_rate=rate)


def test_a_page_asks_nothing_of_the_network(explanation):
    html = explanation.to_html()
    assert "default-src 'none'" in html
    for tag, attributes in Elements(html).tags:
        assert not {"src", "srcset"} & set(attributes), tag
        assert attributes.get("href", "data:").startswith("data:")


def test_a_page_is_small(explanation, perceptron):
    for page in (explanation.to_html(), perceptron.to_html()):
        assert len(page.encode()) < 300_000


def test_a_page_says_in_both_languages_what_it_needs_where_scripts_are_off(explanation, perceptron):
    for page in (explanation.to_html(), perceptron.to_html()):
        (words,) = re.findall("<noscript>(.*?)</noscript>", page)
        assert "switched off" in words
        assert '<span lang="zh-CN">' in words


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
    with pytest.raises(tg.errors.UnsupportedError, match="shows at most 120 operations, but h took 1000"):
        tg.explain(h).to_html()


@in_a_browser
def test_what_a_function_has_seen_of_a_gradient_is_shown_with_the_gradient_and_not_before(tmp_path):
    def clipped(g):
        return np.clip(g, -1, 1)

    w = tg.Value(3.0, name="w")
    loss = (tg.on_gradient(w**2, clipped).named("h") * 5).named("L")
    read = """document.title = JSON.stringify([...document.querySelectorAll("svg .node text")]
        .filter((line) => !line.classList.contains("silent")).map((line) => line.textContent));"""
    html = tg.explain(loss).to_html()
    first, end = (json.loads(opened(html, tmp_path, f"lang=en&step={step}", read).title) for step in (0, 99))
    assert not [line for line in first if line.startswith("gradient") or "↦" in line]
    assert "gradient 1" in end
    assert [line for line in end if line.startswith("clipped: 5 ↦ 1")]
