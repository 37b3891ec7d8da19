"""The pages, opened in a browser without a window.

Where there is no Chromium these tests are left out; with NEED_CHROMIUM=1 in the environment, as in CI, they fail there instead.
"""

import json
import os
import re
import shutil
import subprocess
from html import escape
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

import tinygrad_edu as tg
from tests.test_explain import random_losses
from tinygrad_edu.explain.listing import listing
from tinygrad_edu.explain.steps import steps
from tinygrad_edu.graph import Kind

BROWSER = next(filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome", "chrome"])), None)
IS_NEEDED = os.environ.get("NEED_CHROMIUM") == "1"
in_a_browser = pytest.mark.skipif(BROWSER is None and not IS_NEEDED, reason="there is no Chromium to open the page in")


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


class Elements(HTMLParser):
    """What a page holds: for each id the classes, and the text inside of it."""

    def __init__(self, html):
        super().__init__()
        self.classes, self.texts, self.tags, self._open, self.title = {}, {}, [], [], ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.append((tag, attrs))
        if "id" in attrs:
            self.classes[attrs["id"]] = (attrs.get("class") or "").split()
        if tag not in ("meta", "link", "input", "br"):
            self._open.append("title element" if tag == "title" else attrs.get("id"))

    def handle_endtag(self, tag):
        if self._open:
            self._open.pop()

    def handle_data(self, text):
        if self._open and self._open[-1] == "title element":
            self.title += text
        for name in filter(None, self._open):
            self.texts[name] = self.texts.get(name, "") + text


def opened(html, tmp_path, where="", script="", *options):
    """The page as it stands after the browser has run it, with another script at its end."""
    probe = """<script>
    const complain = (what) => document.body.append("PAGE ERROR " + what);
    addEventListener("error", (e) => complain(e.message));
    addEventListener("securitypolicyviolation", (e) => complain("asked for " + e.blockedURI));
    console.error = console.warn = complain;
    </script>"""
    assert BROWSER, "NEED_CHROMIUM=1, but there is no Chromium to open the page in"
    path = tmp_path / "page.html"
    path.write_text(html.replace("<body>", "<body>" + probe).replace("</body>", f"<script>{script}</script></body>"), "utf-8")
    command = [BROWSER, "--headless=new", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=1000", "--dump-dom"]
    dom = subprocess.run(
        [*command, *options, f"{path.as_uri()}#{where}"], capture_output=True, text=True, timeout=60, check=True
    ).stdout
    assert "PAGE ERROR" not in dom.replace(probe, "")
    return Elements(dom)


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


# --- descent --------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def diverging():
    model = tg.models.LinearRegression(learning_rate=1.0, fit_intercept=False, init=(3.0, 0.0), max_epochs=4)
    with pytest.raises(tg.errors.DivergenceError) as caught:
        model.fit([[2.0]], [8.0])
    return tg.explain_descent(caught.value.history)


FOUR = [[1, 1], [-1, 1], [-1, -0.5], [-1, 1.5]]


@pytest.fixture(scope="module")
def line():
    model = tg.models.Perceptron(learning_rate=0.25, init=([1.0, 1.0], 0.0)).fit(FOUR, [0, 1, 0, 1])
    return tg.explain_descent(model, FOUR)


def test_the_parabola_is_read_off_the_recorded_gradients(diverging):
    assert diverging.facts == {"kind": "parabola", "start": 3.0, "minimum": 4.0, "leastLoss": 0.0, "curvature": 4.0, "rate": 1.0}


@in_a_browser
def test_the_lectures_three_diverging_steps_are_on_the_page(diverging, tmp_path):
    elements = opened(diverging.to_html(), tmp_path, "lang=en&step=3")
    assert elements.texts["state"].startswith("132−47" + "271812−5" + "3−5162−3631")
    assert "It diverges." in elements.texts["sentence"]
    assert "2/λ = 0.5" in elements.texts["scale"]


@in_a_browser
@pytest.mark.parametrize(
    ("rate", "said"), [(0.1, "part of the way"), (0.25, "one step"), (0.4, "oscillating"), (0.5, "neither"), (0.6, "diverges")]
)
def test_the_page_says_what_the_learning_rate_does(diverging, tmp_path, rate, said):
    assert said in opened(diverging.to_html(), tmp_path, f"lang=en&rate={rate}").texts["sentence"]


@in_a_browser
def test_moving_the_learning_rate_redraws_the_path(diverging, tmp_path):
    move = """const r = document.getElementById("rate"); r.value = 0; r.dispatchEvent(new Event("input"));"""
    elements = opened(diverging.to_html(), tmp_path, "lang=en&step=2", move)
    assert elements.texts["sentence"] == "η = 0: nothing moves."
    assert elements.texts["state"].startswith("132−43" + "232−43")


@in_a_browser
def test_the_perceptrons_fourth_step_is_shown_with_the_right_numbers(line, tmp_path):
    elements = opened(line.to_html(), tmp_path, "lang=en&step=4")
    assert elements.texts["formulas"] == "gradients: (1, −1) for w, −1 for b\nafter: w = (−0.25, 0.75), b = −0.25"


@in_a_browser
def test_the_perceptron_ends_with_every_sample_right(line, tmp_path):
    elements = opened(line.to_html(), tmp_path, "lang=en&step=6")
    assert "Every sample of this step is right" in elements.texts["sentence"]
    assert "w = (−0.5, 0.5), b = −0.5" in elements.texts["formulas"]


def test_a_model_with_several_weights_has_no_parabola_to_show():
    model = tg.models.LinearRegression(learning_rate=0.1).fit([[1.0], [2.0]], [1.0, 2.0])
    with pytest.raises(tg.errors.DataError, match="fit_intercept=False"):
        tg.explain_descent(model)


def test_a_loss_that_is_no_parabola_is_refused():
    model = tg.models.LogisticRegression(fit_intercept=False, max_epochs=5, tol=0).fit([[1.0], [-1.0], [0.5]], [1, 0, 0])
    with pytest.raises(tg.errors.DataError, match="no parabola"):
        tg.explain_descent(model)


def test_the_perceptrons_page_asks_for_the_samples():
    model = tg.models.Perceptron().fit(FOUR, [0, 1, 0, 1])
    with pytest.raises(tg.errors.DataError, match="explain_descent\\(model, X\\)"):
        tg.explain_descent(model)


def test_only_a_training_can_be_shown():
    with pytest.raises(tg.errors.DataError, match="a fitted model or its history"):
        tg.explain_descent(3.0)


def test_the_descent_page_is_saved_as_html_only(line, tmp_path):
    assert line.save(tmp_path / "line.html").stat().st_size < 300_000
    with pytest.raises(tg.errors.DataError, match=r"saved as \.html"):
        line.save(tmp_path / "line.png")


# --- the lecture's pages --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The lecture's pages, as the demo leaves them."""
    for extra in ("pygraphviz", "rich", "matplotlib"):
        pytest.importorskip(extra)
    out = tmp_path_factory.mktemp("out")
    import_module("demos.pages").run(import_module("demos.stage").Stage("en", out))
    return out / "pages"


def test_the_demo_leaves_the_lectures_pages_and_a_list_of_them(folder):
    listed = set(re.findall(r'"file": "(\w+\.html)"', (folder / "index.html").read_text("utf-8")))
    assert listed | {"index.html"} == {path.name for path in folder.iterdir()}
    assert all(path.stat().st_size < 300_000 for path in folder.iterdir())


IN_FRAMES = """
const found = {};
const frames = [...document.querySelectorAll("iframe")];
const look = (frame, language) => {
  const page = frame.contentDocument, root = page.documentElement;
  const style = frame.contentWindow.getComputedStyle(page.body);
  const wordless = [...page.querySelectorAll("[data-words], button")].filter((place) => !place.textContent.trim());
  found[`${frame.title} ${language}`] = {
    tooWide: root.scrollWidth > frame.clientWidth, wordless: wordless.length, spoken: root.lang,
    ground: style.backgroundColor, ink: style.color, text: page.body.textContent,
  };
};
addEventListener("load", () => {
  for (const frame of frames) {
    const button = frame.contentDocument.getElementById("language");
    for (const step of [0, 1]) {
      look(frame, frame.contentDocument.documentElement.lang);
      button.click();
    }
  }
  document.getElementById("found").textContent = JSON.stringify(found);
});
"""


@in_a_browser
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_fits_into_the_window_in_both_languages_and_in_light_and_dark(folder, tmp_path, width, scheme):
    pages = {path.name: path.read_text("utf-8") for path in sorted(folder.iterdir())}
    frames = [
        f'<iframe title="{name}" width="{width}" height="800" srcdoc="{escape(html)}"></iframe>' for name, html in pages.items()
    ]
    html = f"<!doctype html><html><body><p id='found'></p>{''.join(frames)}</body></html>"
    elements = opened(html, tmp_path, "", IN_FRAMES, f"--blink-settings=preferredColorScheme={['dark', 'light'].index(scheme)}")
    found = json.loads(elements.texts["found"])
    assert set(found) == {f"{name} {language}" for name in pages for language in ("en", "zh")}
    for page, facts in found.items():
        assert facts["spoken"] == page.split()[1]
        assert not facts["tooWide"], page
        assert not facts["wordless"], page
        assert "undefined" not in facts["text"].partition("use strict")[0], page
        assert (facts["ground"], facts["ink"]) == {
            "light": ("rgb(255, 255, 255)", "rgb(17, 24, 39)"),
            "dark": ("rgb(11, 18, 32)", "rgb(243, 244, 246)"),
        }[scheme], page


AXE = os.environ.get("AXE_CORE")
RUN_AXE = """
(async () => {
  const found = [];
  for (const language of ["first", "second"]) {
    const { violations, passes } = await axe.run();
    found.push({ passes: passes.length, violations: violations.map(({ id, nodes }) => `${id}: ${nodes[0].html}`) });
    document.getElementById("language").click();
  }
  document.title = JSON.stringify(found);
})();
"""


@in_a_browser
@pytest.mark.skipif(not AXE, reason="AXE_CORE does not say where axe.min.js of the npm package axe-core is")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_page_that_anybody_is_kept_from_reading(folder, tmp_path, scheme):
    axe = Path(AXE).read_text("utf-8").replace("</script", "<\\/script")
    option = f"--blink-settings=preferredColorScheme={['dark', 'light'].index(scheme)}"
    for path in sorted(folder.iterdir()):
        title = opened(path.read_text("utf-8"), tmp_path, "step=5", axe + RUN_AXE, option).title
        for found in json.loads(title):
            assert found["passes"] > 10
            assert found["violations"] == [], path.name
