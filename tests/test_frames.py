"""Pages in the frames of a notebook or a web page: as high as they are, as light or dark as what is around, and with a title."""

import json
import os
from html import escape
from pathlib import Path

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.browser import Elements, in_a_browser, opened

AXE = os.environ.get("AXE_CORE")


def loss(theta, x, t):
    return 0.5 * (t - theta * x) ** 2


def one_weight(lang=None):
    pytest.importorskip("pygraphviz")
    return tg.explain(loss, 3.0, 2.0, 8.0, lang=lang).page(learning_rate=1.0)


def parabola(lang=None):
    model = tg.models.LinearRegression(learning_rate=0.4, fit_intercept=False, init=(3.0, 0.0)).fit([[2.0]], [8.0])
    return tg.explain_descent(model, learning_rate=1.0, lang=lang)


PAGES = [one_weight, parabola]

# What a page tells of itself.
REPORT = """const report = () => parent.postMessage({
    height: document.documentElement.offsetHeight, needed: document.documentElement.scrollHeight, title: document.title,
    ground: getComputedStyle(document.body).backgroundColor, said: document.getElementById("sentence").textContent,
    spoken: document.documentElement.lang,
}, "*");
"""
REPORTS = 'addEventListener("message", report);'


def framed(page, around="", inside=REPORTS, style="color: rgb(20, 20, 20)"):
    """A web page around the frame of a page, which leaves in its title what the page told last."""
    frame = page._repr_html_().replace("&lt;/body&gt;", f"&lt;script&gt;{escape(REPORT + inside)}&lt;/script&gt;&lt;/body&gt;")
    # in the same process, whose clock the browser waits for
    frame = frame.replace('"allow-scripts"', '"allow-scripts allow-same-origin"')
    listen = """addEventListener("message", ({ data }) => setTimeout(() => {
        const frame = document.querySelector("iframe");
        if (data.said) document.title = JSON.stringify({ ...data, shown: frame.clientHeight, named: frame.title });
    }, 100));"""
    css = "body { color: rgb(20, 20, 20) } body[data-theme=dark], html[data-theme=dark] body { color: rgb(240, 240, 240) }"
    return (
        f"<!doctype html><html><head><style>{css}</style></head><body><script>{listen}</script>"
        f"<div style='{style}'>{frame}</div><script>{around}</script></body></html>"
    )


def told(*args, **kwargs):
    return json.loads(opened(*args, **kwargs).title)


@pytest.mark.parametrize("make", PAGES)
def test_a_notebook_shows_a_page_in_a_frame(make):
    page = make()
    (tag, attributes), *others = Elements(page._repr_html_()).tags
    assert (tag, others) == ("iframe", [])
    assert attributes["srcdoc"] == page.to_html()
    assert attributes["sandbox"] == "allow-scripts"


@pytest.mark.parametrize(("lang", "title"), [("en", "Gradient descent on a parabola"), ("zh", "抛物线上的梯度下降")])
def test_a_frame_has_the_title_of_its_page_in_its_language(lang, title):
    assert dict(Elements(parabola(lang)._repr_html_()).tags)["iframe"]["title"] == title
    assert dict(Elements(one_weight(lang)._repr_html_()).tags)["iframe"]["title"] == "loss = ½(t − θ·x)²"


@in_a_browser
@pytest.mark.parametrize("make", PAGES)
@pytest.mark.parametrize(("ink", "ground"), [("rgb(240, 240, 240)", "rgb(11, 18, 32)"), ("rgb(20, 20, 20)", "rgb(255, 255, 255)")])
@pytest.mark.parametrize("scheme", [0, 1])
def test_a_frame_is_as_high_as_its_page_and_has_the_colours_of_what_is_around(make, tmp_path, ink, ground, scheme):
    html = framed(make("en"), style=f"color: {ink}")
    found = told(html, tmp_path, "", "", f"--blink-settings=preferredColorScheme={scheme}")
    assert found["shown"] == found["height"] > 640
    assert found["ground"] == ground


@in_a_browser
@pytest.mark.parametrize("place", ["body", "documentElement"])
def test_a_frame_goes_along_when_the_reader_of_a_web_page_asks_for_the_dark(tmp_path, place):
    switch = f'setTimeout(() => {{ document.{place}.dataset.theme = "dark"; }}, 300);'
    found = told(framed(parabola(), switch, style=""), tmp_path, "", "", "--blink-settings=preferredColorScheme=1")
    assert found["ground"] == "rgb(11, 18, 32)"


@in_a_browser
@pytest.mark.parametrize("make", PAGES)
def test_a_tall_picture_does_not_make_its_frame_grow_without_end(make, tmp_path):
    found = told(framed(make(), inside="setInterval(report, 100);", style="width: 700px"), tmp_path)
    assert 640 < found["shown"] == found["height"] < 2000


@in_a_browser
@pytest.mark.parametrize(("lang", "spoken", "other"), [("en", "en", "zh"), ("zh", "zh", "en"), (None, "en", "zh")])
def test_a_framed_page_begins_in_its_language_and_the_frames_title_goes_along_with_the_switch(tmp_path, lang, spoken, other):
    titles = {"en": "Gradient descent on a parabola", "zh": "抛物线上的梯度下降"}
    found = told(framed(parabola(lang)), tmp_path, "", "", "--lang=en")
    assert (found["spoken"], found["named"]) == (spoken, titles[spoken])
    switch = 'addEventListener("message", () => { byId("language").click(); report(); });'
    found = told(framed(parabola(lang), inside=switch), tmp_path, "", "", "--lang=en")
    assert (found["spoken"], found["named"]) == (other, titles[other])


@in_a_browser
def test_the_page_of_an_explanation_begins_in_its_language(tmp_path):
    elements = opened(one_weight("zh").to_html(), tmp_path, "step=0", "", "--lang=en")
    assert elements.texts["sentence"] == "这些数是已知的。"
    assert elements.texts["language"] == "English"


def test_a_page_is_saved_and_is_what_the_explanation_saves(tmp_path):
    explanation = tg.explain(np.sum(tg.Value([3.0, 4.0], name="w") ** 2))
    page = explanation.page(learning_rate=0.1)
    assert isinstance(page, tg.Page)
    saved = page.save(tmp_path / "page.html").read_text("utf-8")
    assert (
        saved == explanation.to_html(learning_rate=0.1) == explanation.save(tmp_path / "other.html", learning_rate=0.1).read_text()
    )
    with pytest.raises(tg.errors.DataError, match=r"saved as \.html"):
        page.save(tmp_path / "page.png")


@in_a_browser
@pytest.mark.skipif(not AXE, reason="AXE_CORE does not say where axe.min.js of the npm package axe-core is")
def test_axe_finds_a_web_page_with_frames_in_both_languages_without_fault(tmp_path):
    frames = "".join(f'<div lang="{lang}">{make(lang)._repr_html_()}</div>' for make, lang in zip(PAGES, ["en", "zh"], strict=True))
    html = f"<!doctype html><html lang='en'><head><title>x</title></head><body><main><h1>x</h1>{frames}</main></body></html>"
    run = """axe.run(document, { iframes: false }).then(({ violations, passes }) => { document.title = JSON.stringify(
        [passes.map(({ id }) => id), violations.map(({ id, nodes }) => `${id}: ${nodes[0].html.slice(0, 300)}`)]); });"""
    passes, violations = told(html, tmp_path, "", Path(AXE).read_text("utf-8").replace("</script", "<\\/script") + run)
    assert "frame-title" in passes
    assert violations == []
