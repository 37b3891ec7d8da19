"""The pages, opened in a browser without a window. These tests are left out where there is no Chromium."""

import re
import shutil
import subprocess
from html.parser import HTMLParser

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.explain.steps import steps

BROWSER = next(filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome", "chrome"])), None)
in_a_browser = pytest.mark.skipif(BROWSER is None, reason="there is no Chromium to open the page in")


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
        self.classes, self.texts, self.tags, self._open = {}, {}, [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.append((tag, attrs))
        if "id" in attrs:
            self.classes[attrs["id"]] = (attrs.get("class") or "").split()
        if tag not in ("meta", "link", "input", "br"):
            self._open.append(attrs.get("id"))

    def handle_endtag(self, tag):
        if self._open:
            self._open.pop()

    def handle_data(self, text):
        for name in filter(None, self._open):
            self.texts[name] = self.texts.get(name, "") + text


def opened(html, tmp_path, where="", script=""):
    """The page as it stands after the browser has run it, with another script at its end."""
    probe = """<script>addEventListener("error", (e) => document.body.append("PAGE ERROR " + e.message));</script>"""
    path = tmp_path / "page.html"
    path.write_text(html.replace("<body>", "<body>" + probe).replace("</body>", f"<script>{script}</script></body>"), "utf-8")
    command = [BROWSER, "--headless=new", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=1000", "--dump-dom"]
    dom = subprocess.run([*command, f"{path.as_uri()}#{where}"], capture_output=True, text=True, timeout=60, check=True).stdout
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
