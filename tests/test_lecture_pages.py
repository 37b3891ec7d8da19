"""The page about gradient descent, and the lecture's pages as the demo leaves them, opened in a browser."""

import json
import os
import re
from html import escape
from importlib import import_module
from pathlib import Path

import pytest

import tinygrad_edu as tg
from tests.browser import in_a_browser, opened

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
