"""The page about gradient descent, and the lecture's pages as the demo leaves them, opened in a browser."""

import json
import os
import re
from html import escape
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.browser import in_a_browser, opened
from tests.profile import sampled

# --- descent --------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def diverging_history():
    model = tg.models.LinearRegression(learning_rate=1.0, fit_intercept=False, init=(3.0, 0.0), max_epochs=4)
    with pytest.raises(tg.errors.DivergenceError) as caught:
        model.fit([[2.0]], [8.0])
    return caught.value.history


@pytest.fixture(scope="module")
def diverging(diverging_history):
    return tg.explain_descent(diverging_history)


FIVE, FIVE_TARGETS = [[1.0], [0.38], [1.2], [1.6], [0.8]], [0.73, 0.22, 0.83, 1.28, 0.69]
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
    assert elements.texts["sentence"] == "η=0: nothing moves."
    assert elements.texts["state"].startswith("132−43" + "232−43")


@in_a_browser
def test_the_perceptrons_fourth_step_is_shown_with_the_right_numbers(line, tmp_path):
    elements = opened(line.to_html(), tmp_path, "lang=en&step=4")
    assert elements.texts["formulas"] == "dL/dw=(1, −1),dL/db=−1\nw:(0, 0.5)→(−0.25, 0.75)\nb:−0.5→−0.25"


@in_a_browser
def test_the_perceptron_ends_with_every_sample_right(line, tmp_path):
    elements = opened(line.to_html(), tmp_path, "lang=en&step=6")
    assert "Every sample of this step is right" in elements.texts["sentence"]
    assert elements.texts["formulas"].endswith("w:(−0.5, 0.5)→(−0.5, 0.5)\nb:−0.5→−0.5")


RINGS = """const inside = (x, y) => {
  const shade = plot.querySelector(".side"), at = plot.createSVGPoint();
  [at.x, at.y] = [x, y];
  return Boolean(shade) && shade.isPointInFill(at);
};
document.title = JSON.stringify([...plot.querySelectorAll(".one, .zero")].map((point) => {
  const [x, y] = [point.cx.baseVal.value, point.cy.baseVal.value], answer = inside(x, y);
  const isRinged = [...plot.querySelectorAll(".wrong")].some((ring) => ring.cx.baseVal.value === x && ring.cy.baseVal.value === y);
  return [answer !== point.matches(".one"), isRinged];
}));"""


@in_a_browser
@pytest.mark.parametrize("step", range(7))
def test_a_sample_is_in_a_circle_just_where_the_shading_says_that_it_is_wrong(line, tmp_path, step):
    shown = json.loads(opened(line.to_html(), tmp_path, f"lang=en&step={step}", RINGS).title)
    on_the_line = {0: {1}, 1: {1}, 4: {0, 1}}.get(step, set())  # where a pixel would decide
    assert [pair for number, pair in enumerate(shown) if pair[0] != pair[1] and number not in on_the_line] == []
    assert sum(ringed for _, ringed in shown) == [2, 2, 1, 1, 1, 1, 0][step]


@in_a_browser
def test_the_line_after_the_step_is_dashed_and_is_the_next_steps_line(line, tmp_path):
    read = """document.title = JSON.stringify([".path", ".bound"].map(
        (kind) => plot.querySelector(kind)?.getAttribute("points") ?? ""));"""
    shown = [json.loads(opened(line.to_html(), tmp_path, f"lang=en&step={step}", read).title) for step in range(1, 7)]
    assert [dashed for _, dashed in shown[:-1]] == [solid for solid, _ in shown[1:]]
    assert shown[-1][1] == ""


TEXTS = """document.title = JSON.stringify([...plot.querySelectorAll("text")].map((text) => {
  const { x, y, width, height } = text.getBBox();
  return [text.textContent, x, y, x + width, y + height];
}));"""


def overlapping(boxes):
    return [
        (a, b)
        for i, (a, *first) in enumerate(boxes)
        for b, *second in boxes[:i]
        if first[0] < second[2] and second[0] < first[2] and first[1] < second[3] and second[1] < first[3]
    ]


@in_a_browser
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("step", [3, 8])
@pytest.mark.parametrize("rate", [1.0, 0.03])
def test_no_text_on_the_parabola_covers_another_one(diverging, tmp_path, width, step, rate):
    boxes = json.loads(opened(diverging.to_html(), tmp_path, f"lang=en&rate={rate}&step={step}", TEXTS, width=width).title)
    assert overlapping(boxes) == []
    assert f"θ{'₀₁₂₃₄₅₆₇₈'[step] if step < 9 else '₁₂'}" in [words for words, *_ in boxes]


@in_a_browser
def test_the_parabola_opens_where_the_lecture_ends_and_its_points_stand_apart(diverging, tmp_path):
    read = """document.title = JSON.stringify([...plot.querySelectorAll(".point")].map((point) => [
        point.cx.baseVal.value, point.cy.baseVal.value, point.r.baseVal.value]));"""
    elements = opened(diverging.to_html(), tmp_path, "lang=en", read)
    assert elements.texts["phase"] == "Step 3 of 12"
    assert elements.texts["formulas"].startswith("θ−η·dL/dθ=−5−1·(−36)\n=31")
    points = json.loads(elements.title)
    assert len(points) == 4
    for i, (x, y, r) in enumerate(points):
        assert all(np.hypot(x - a, y - b) > r + s for a, b, s in points[:i])


# --- stochastic descent -----------------------------------------------------------------------------------------------------------


def stochastic(batch_size=1, **settings):
    return tg.models.LinearRegression(
        learning_rate=0.9, fit_intercept=False, batch_size=batch_size, max_epochs=6, tol=0, init=(0.4, 0.0), **settings
    ).fit(FIVE, FIVE_TARGETS)


@pytest.mark.parametrize("batch_size", [1, 2])
def test_the_parabola_of_all_samples_is_found_from_steps_that_saw_a_few(batch_size):
    model = stochastic(batch_size)
    facts = tg.explain_descent(model, FIVE).facts
    x, t = np.ravel(FIVE), np.array(FIVE_TARGETS)
    minimum = x @ t / (x @ x)
    assert facts["kind"] == "hops"
    assert facts["minimum"] == pytest.approx(minimum)
    assert facts["curvature"] == pytest.approx(np.mean(x**2))
    assert facts["least"] == pytest.approx(np.mean((t - minimum * x) ** 2) / 2)
    for shown, step in zip(facts["steps"], model.history_.steps, strict=True):
        own = x[step.samples], t[step.samples]
        assert shown["minimum"] == pytest.approx(own[0] @ own[1] / (own[0] @ own[0]))
        assert shown["least"] == pytest.approx(np.mean((own[1] - shown["minimum"] * own[0]) ** 2) / 2, abs=1e-9)
        assert (shown["epoch"], shown["samples"]) == (step.epoch, step.samples.tolist())
        assert (shown["before"], shown["after"]) == (step.weights.tolist(), step.new_weights.tolist())


@in_a_browser
def test_a_step_of_stochastic_descent_shows_theta_its_sample_and_its_epoch_and_hops_on_the_parabola(tmp_path):
    model = stochastic()
    read = """const points = [...plot.querySelectorAll(".point")].map((point) => [point.cx.baseVal.value, point.cy.baseVal.value]);
    const curve = plot.querySelector(".curve").getAttribute("points");
    document.title = JSON.stringify([points, curve, plot.querySelectorAll(".own").length]);"""
    elements = opened(tg.explain_descent(model, FIVE).to_html(), tmp_path, "lang=en&step=7", read)
    step = model.history_.steps[6]
    assert elements.texts["phase"] == f"Step 7 of 30, epoch 2, sample {step.samples[0] + 1}"
    assert page_number(step.weights[0]) in elements.texts["formulas"]
    assert f"={page_number(step.new_weights[0])}" in elements.texts["formulas"]
    points, curve, own = json.loads(elements.title)
    assert len(points) == 8
    assert own == 1
    curve = np.array([[float(number) for number in place.split(",")] for place in curve.split()])
    assert np.abs(np.interp([x for x, _ in points], *curve.T) - [y for _, y in points]).max() < 1  # of 440


@in_a_browser
@pytest.mark.parametrize("rate", [0.3, 0.95])
def test_a_slider_lets_the_steps_hop_with_another_learning_rate(tmp_path, rate):
    """Each step follows the slope of its own sample, and the bound is that of the steepest."""
    model, x, t = stochastic(), np.ravel(FIVE), np.array(FIVE_TARGETS)
    theta = model.history_.steps[0].weights[0]
    for step in model.history_.steps[:7]:
        (row,) = step.samples
        before, slope = theta, x[row] * (theta * x[row] - t[row])
        theta = before - rate * slope
    elements = opened(tg.explain_descent(model, FIVE).to_html(), tmp_path, f"lang=en&step=7&rate={rate}")
    shown = elements.texts["formulas"]
    formula = f"={page_number(before)}−{page_number(rate)}·{page_number(slope)}"
    assert formula in shown.replace("(", "").replace(")", "")
    assert f"\n={page_number(theta)}\n" in shown
    assert f"1/λ = {1 / max(x**2):.5g}" in elements.texts["scale"]
    assert f"2/λ = {2 / max(x**2):.5g}" in elements.texts["scale"]
    asked = tg.explain_descent(model, FIVE, learning_rate=rate).to_html()
    assert opened(asked, tmp_path, "lang=en&step=7").texts["formulas"] == shown


@in_a_browser
@pytest.mark.parametrize(("lang", "signs"), [("en", ["θ∗:", "2/λ", "λ=2.56"]), ("zh", ["θ∗，", "2/λ", "λ=2.56"])])
def test_a_sign_stays_with_the_formula_that_it_follows(tmp_path, lang, signs):
    read = """const kept = [...document.querySelectorAll("#hint math")].map((formula) => formula.parentElement);
    document.title = JSON.stringify(kept.map((part) => [part.textContent, part.getClientRects().length]));"""
    elements = opened(tg.explain_descent(stochastic(), FIVE).to_html(), tmp_path, f"lang={lang}", read)
    assert json.loads(elements.title) == [[sign, 1] for sign in signs]  # on one line


@in_a_browser
def test_a_step_that_is_too_long_for_its_own_sample_is_said_to_be(tmp_path):
    model, x = stochastic(), np.ravel(FIVE)
    page = tg.explain_descent(model, FIVE).to_html()
    rate = 2.2 / max(x**2)
    for number, step in enumerate(model.history_.steps[:5], start=1):
        sentence = opened(page, tmp_path, f"lang=en&step={number}&rate={rate}").texts["sentence"]
        assert ("higher on it than it began" in sentence) == (rate * x[step.samples[0]] ** 2 > 2)
    assert opened(page, tmp_path, "lang=en&step=3&rate=0").texts["sentence"] == "The learning rate is 0: nothing moves."


@pytest.mark.parametrize(
    ("model", "X"),
    [
        (lambda: stochastic(momentum=0.5), FIVE),
        (lambda: stochastic(), None),
        (lambda: tg.models.LinearRegression(batch_size=1, max_epochs=4, tol=0).fit(FIVE, FIVE_TARGETS), FIVE),
        (
            lambda: tg.models.LogisticRegression(fit_intercept=False, batch_size=1, max_epochs=4, tol=0).fit(FIVE, [1, 0, 1, 1, 0]),
            FIVE,
        ),
        (lambda: stochastic(), [[2 * x[0]] for x in FIVE]),
        (lambda: stochastic(), FIVE[:3]),
    ],
    ids=["momentum", "no samples", "bias", "no parabola", "other samples", "too few samples"],
)
def test_what_does_not_hop_on_a_parabola_is_shown_as_it_was_recorded(model, X):
    assert tg.explain_descent(model(), X).facts["kind"] == "record"


@in_a_browser
def test_a_recorded_step_says_what_it_saw_and_where_it_went(tmp_path):
    model = tg.models.LinearRegression(batch_size=2, max_epochs=20, tol=0).fit(FIVE, FIVE_TARGETS)
    elements = opened(tg.explain_descent(model, FIVE).to_html(), tmp_path, "lang=en&step=4")
    step = model.history_.steps[4]
    assert elements.texts["phase"] == f"Step 5 of 60, epoch 2, samples {', '.join(str(row + 1) for row in step.samples)}"
    before, after = (
        ", ".join(page_number(x) for x in (w[0], b)).replace("-", "−")
        for w, b in [(step.weights, step.bias), (step.new_weights, step.new_bias)]
    )
    assert elements.texts["formulas"].endswith(f"w:({before})→({after})")


SHOWN_SAMPLES = """document.title = JSON.stringify({
  points: [...plot.querySelectorAll(".one, .zero")].map((point) => [point.cx.baseVal.value, point.cy.baseVal.value]),
  words: [...plot.querySelectorAll("text")].map((text) => text.textContent),
  lines: [...plot.querySelectorAll(".path")].map((line) => line.getAttribute("points")),
});"""


@in_a_browser
def test_samples_far_from_the_origin_stand_apart(tmp_path):
    X = [[1000.0, 1], [1001, 2], [1002, 1.5], [1001, 0.5]]
    model = tg.models.Perceptron(init=([1.0, -500.0], 0.0), learning_rate=100.0, max_epochs=5, tol=0.9).fit(X, [0, 1, 1, 0])
    html = tg.explain_descent(model, X).to_html()
    shown = json.loads(opened(html, tmp_path, "lang=en&step=0", SHOWN_SAMPLES).title)
    distances = [np.hypot(*np.subtract(a, b)) for i, a in enumerate(shown["points"]) for b in shown["points"][:i]]
    assert min(distances) > 80
    assert all(0 < x < 640 and 0 < y < 440 for x, y in shown["points"])
    # The line x₂ = x₁ / 500 rises from 1.999 to 2.005 within the picture, close below the uppermost sample.
    ends = [[float(number) for number in end.split(",")] for end in shown["lines"][0].split()]
    assert sorted(round(x) for x, _ in ends) == [52, 588]
    assert all(abs(y - shown["points"][1][1]) < 2 for _, y in ends)


@in_a_browser
def test_the_coordinates_of_many_samples_do_not_cover_the_picture(tmp_path):
    X = np.random.default_rng(0).normal(size=(200, 2))
    page = tg.explain_descent(tg.models.Perceptron().fit(X, X[:, 0] + X[:, 1] > 0), X)
    shown = json.loads(opened(page.to_html(), tmp_path, "lang=en", SHOWN_SAMPLES).title)
    assert len(shown["points"]) == 200
    assert len(shown["words"]) == 4  # those of the axes


@in_a_browser
def test_where_the_line_is_not_in_the_picture_the_page_says_what_the_perceptron_answers(tmp_path):
    page = tg.explain_descent(tg.models.Perceptron(max_epochs=50).fit([[1000.0, 1], [1001, 2]], [1, 1]), [[1000.0, 1], [1001, 2]])
    for step, answer in [(0, 0), (1, 0), (2, 1)]:
        hint = opened(page.to_html(), tmp_path, f"lang=en&step={step}").texts["hint"]
        assert hint == f"In this picture the perceptron answers {answer} everywhere: the line is not in it."


# --- the loss over the steps ----------------------------------------------------------------------------------------------------


def trained(X, t, learning_rate, **settings):
    """A model's history, converging or not."""
    try:
        return tg.models.LinearRegression(learning_rate=learning_rate, **{"max_epochs": 30, "tol": 0} | settings).fit(X, t).history_
    except tg.errors.DivergenceError as error:
        return error.history


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_curve_knows_the_curvatures_and_the_least_loss(dtype):
    X = np.asarray(FIVE, dtype)
    facts = tg.explain_descent(trained(X, np.asarray(FIVE_TARGETS, dtype), 0.5), X).facts
    A = np.column_stack([FIVE, np.ones(5)])
    residual = A @ np.linalg.lstsq(A, FIVE_TARGETS)[0] - FIVE_TARGETS
    assert facts["kind"] == "curve"
    assert facts["curvatures"] == pytest.approx(np.linalg.eigvalsh(A.T @ A / 5)[::-1])
    assert facts["leastLoss"] == pytest.approx(np.mean(residual**2) / 2, rel=1e-4 if dtype is np.float32 else 1e-9)
    bound = tg.models.LinearRegression().largest_stable_learning_rate(FIVE)
    assert 2 / facts["curvature"] == pytest.approx(bound)
    assert facts["rate"] == pytest.approx(0.5)


@in_a_browser
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 1.0, 1.2])
@pytest.mark.parametrize("features", [1, 2])
def test_the_redrawn_curve_is_that_of_a_model_fitted_with_this_learning_rate(tmp_path, share, features):
    rng = np.random.default_rng(features)
    X, t = (FIVE, FIVE_TARGETS) if features == 1 else (rng.normal(size=(20, 2)) + 0.5, rng.normal(size=20))
    bound = tg.models.LinearRegression().largest_stable_learning_rate(X)
    page = tg.explain_descent(trained(X, t, bound / 3), X)
    losses = trained(X, t, share * bound).losses[:24]
    read = f"document.title = JSON.stringify(Array.from({{ length: {len(losses)} }}, (_, step) => loss(step)));"
    redrawn = json.loads(opened(page.to_html(), tmp_path, f"lang=en&rate={share * bound!r}", read).title)
    assert redrawn == pytest.approx(losses.tolist(), rel=1e-8)


@in_a_browser
@pytest.mark.parametrize(
    ("rate", "said"),
    [
        (0.2, "part of the way"),
        (1 / 3, "one step"),
        (0.5, "goes beyond"),
        (2 / 3, "stays"),
        (0.8, "diverges"),
        (0, "nothing moves"),
    ],
)
def test_the_page_of_the_curve_says_what_the_learning_rate_does(tmp_path, rate, said):
    X = [[3.0, 0], [0, 1], [0, 1]]  # whose curvatures are 3 and 2/3
    page = tg.explain_descent(trained(X, [1.0, 1, 1], 0.1, fit_intercept=False), X)
    elements = opened(page.to_html(), tmp_path, f"lang=en&rate={rate}&step=2")
    assert said in elements.texts["sentence"]
    assert "2/λ = 0.66667" in elements.texts["scale"]
    assert f"k=2\nL=L^∗+1/2∑_iλ_ic_i^2(1−ηλ_i)^2k\n=0+{page_number(loss_after_two(rate))}" in elements.texts["formulas"]


def loss_after_two(rate):
    """Of that example: with t = (1, 1, 1) the weights are (1/3, 1) away from the minimum."""
    return 3 / 2 * (1 / 3) ** 2 * (1 - 3 * rate) ** 4 + 1 / 3 * (1 - rate * 2 / 3) ** 4


def page_number(x):
    return f"{x:.6g}"


@in_a_browser
def test_moving_the_learning_rate_redraws_the_curve(tmp_path):
    page = tg.explain_descent(trained(FIVE, FIVE_TARGETS, 0.5), FIVE).to_html()
    read = 'const path = () => plot.querySelector(".curve").getAttribute("points"), before = path();'
    move = 'rateSlider.value = 240; rateSlider.dispatchEvent(new Event("input")); document.title = String(path() !== before);'
    elements = opened(page, tmp_path, "lang=en", read + move)
    assert elements.title == "true"
    assert "It diverges" in elements.texts["sentence"]


@in_a_browser
@pytest.mark.parametrize("settings", [{}, {"fit_intercept": False}], ids=["curve", "parabola"])
def test_however_far_a_path_runs_away_it_can_be_drawn(tmp_path, settings):
    page = tg.explain_descent(trained(FIVE, FIVE_TARGETS, 0.5, **settings), FIVE, learning_rate=1e60).to_html()
    read = 'document.title = [...plot.querySelectorAll("polyline")].map((line) => line.getAttribute("points")).join();'
    points = opened(page, tmp_path, "lang=en&step=999", read).title
    assert "NaN" not in points
    assert "Infinity" not in points


RECORDED = {
    "batches": lambda: (tg.models.LinearRegression(batch_size=2, max_epochs=20, tol=0).fit(FIVE, FIVE_TARGETS), FIVE),
    "momentum": lambda: (tg.models.LinearRegression(momentum=0.5, max_epochs=20, tol=0).fit(FIVE, FIVE_TARGETS), FIVE),
    "samples": lambda: (tg.models.LinearRegression(max_epochs=20, tol=0).fit(FIVE, FIVE_TARGETS), None),
    "shape": lambda: (tg.models.LogisticRegression(max_epochs=20, tol=0).fit(FIVE, [1, 0, 1, 1, 0]), FIVE),
}


@in_a_browser
@pytest.mark.parametrize(
    ("why", "said"),
    [
        ("batches", "different samples"),
        ("momentum", "do not go against the gradient alone"),
        ("samples", "pass the samples, explain_descent(model, X)"),
        ("shape", "do not grow in proportion"),
    ],
)
def test_of_other_trainings_the_recorded_loss_is_shown_and_why_there_is_no_learning_rate_to_move(tmp_path, why, said):
    model, X = RECORDED[why]()
    page = tg.explain_descent(model, X)
    assert page.facts["losses"] == model.history_.losses[:200].tolist()
    elements = opened(page.to_html(), tmp_path, "lang=en&step=6")
    assert said in elements.texts["hint"]
    assert "hidden" in next(attributes for _, attributes in elements.tags if attributes.get("id") == "rates")
    step = model.history_.steps[6]
    size = np.hypot(np.linalg.norm(step.weights_gradient), step.bias_gradient)
    assert elements.texts["formulas"].startswith(f"L={page_number(step.loss)}\n‖dL/dw‖={page_number(size)}\nw:")


def test_one_weight_with_momentum_or_a_loss_that_is_no_parabola_is_shown_as_it_was_recorded():
    logistic = tg.models.LogisticRegression(fit_intercept=False, max_epochs=50, tol=0).fit([[1.0], [-1.0], [0.5]], [1, 0, 0])
    assert tg.explain_descent(logistic).facts["why"] == "shape"
    saturated = tg.models.LogisticRegression(fit_intercept=False, max_epochs=3, tol=0, init=([-800.0], 0.0)).fit([[1.0]], [1])
    assert tg.explain_descent(saturated).facts["why"] == "shape"
    heavy = tg.models.LinearRegression(fit_intercept=False, momentum=0.9).fit(FIVE, FIVE_TARGETS)
    assert tg.explain_descent(heavy).facts["why"] == "momentum"


@in_a_browser
def test_of_a_long_training_the_first_steps_are_shown_and_the_page_says_so(tmp_path):
    model = tg.models.LinearRegression(batch_size=1, max_epochs=50, tol=0).fit(FIVE, FIVE_TARGETS)
    assert "These are the first 200 of 250 steps." in opened(tg.explain_descent(model).to_html(), tmp_path, "lang=en").texts["hint"]


def test_the_curve_asks_for_the_samples_of_the_training():
    with pytest.raises(tg.errors.DataError, match=r"of shape \(samples, features\) = \(5, 1\), but it has shape \(3, 1\)"):
        tg.explain_descent(trained(FIVE, FIVE_TARGETS, 0.5), FIVE[:3])


def test_a_training_that_began_at_the_minimum_has_nothing_to_show():
    with pytest.raises(tg.errors.DataError, match="Start elsewhere"):
        tg.explain_descent(tg.models.LinearRegression().fit([[1.0]], [0.0]))


@pytest.mark.parametrize("rate", [-1.0, float("nan"), float("inf"), "fast"])
def test_the_slider_begins_at_a_number_that_is_a_learning_rate(diverging_history, rate):
    with pytest.raises(tg.errors.DataError, match="learning_rate must be a finite number at least 0"):
        tg.explain_descent(diverging_history, learning_rate=rate)


# --- what all of them share -----------------------------------------------------------------------------------------------------


@in_a_browser
@pytest.mark.parametrize("wanted", ["rate=abc", "rate=", "rate=0.6abc", "step=abc", "step=-3", "step=1e9", "lang=fr", "lang="])
def test_an_address_that_asks_for_nonsense_gets_a_page_without_any(diverging, tmp_path, wanted):
    elements = opened(diverging.to_html(), tmp_path, wanted, "", "--lang=fr")
    assert elements.texts["sentence"]
    assert elements.texts["language"] == "中文"
    assert "NaN" not in elements.texts["plot"] + elements.texts["state"] + elements.texts["formulas"]


@in_a_browser
def test_a_negative_learning_rate_in_the_address_counts_as_none(diverging, tmp_path):
    elements = opened(diverging.to_html(), tmp_path, "lang=en&rate=-1&step=3")
    assert elements.texts["sentence"] == "η=0: nothing moves."
    assert elements.texts["state"].startswith("132−43" + "232−43")


@in_a_browser
def test_every_press_of_an_arrow_moves_the_learning_rate_and_both_marks_are_met(diverging, tmp_path):
    press = """{ const seen = [];
    for (let i = 0; i < 3; i++) { rateSlider.stepDown(); rateSlider.dispatchEvent(new Event("input")); seen.push(rate); }
    rateSlider.value = 200; rateSlider.dispatchEvent(new Event("input")); seen.push(rate, regime());
    rateSlider.value = 100; rateSlider.dispatchEvent(new Event("input")); seen.push(rate, regime());
    document.title = JSON.stringify(seen); }"""
    seen = json.loads(opened(diverging.to_html(), tmp_path, "lang=en", press).title)
    assert seen == pytest.approx([0.9975, 0.995, 0.9925, 0.5, "forever", 0.25, "once"])


@in_a_browser
@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_pages_title_and_its_keys_are_told_in_its_language(diverging, line, tmp_path, language):
    for page, title in [
        (diverging, {"en": "Gradient descent on a parabola", "zh": "抛物线上的梯度下降"}),
        (line, {"en": "The perceptron's moving line", "zh": "感知机：移动的直线"}),
    ]:
        elements = opened(page.to_html(), tmp_path, f"lang={language}")
        assert elements.title == title[language]
        assert {"en": "Keys: ← and →", "zh": "按键：← →"}[language] in elements.texts["keys"]


def test_a_descent_says_what_it_shows(diverging, line):
    assert repr(diverging) == "<Descent: Gradient descent on a parabola>"
    assert repr(line) == "<Descent: The perceptron's moving line>"


@in_a_browser
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_descent_begins_in_the_language_that_was_asked_for(diverging_history, tmp_path, lang):
    descent = tg.explain_descent(diverging_history, lang=lang)
    title = {"en": "Gradient descent on a parabola", "zh": "抛物线上的梯度下降"}[lang]
    assert repr(descent) == f"<Descent: {title}>"
    elements = opened(descent.to_html(), tmp_path, "", "", f"--lang={'zh' if lang == 'en' else 'en'}")
    assert (elements.title, dict(elements.tags)["html"]["lang"]) == (title, lang)


def test_a_descent_speaks_no_other_language(diverging_history):
    with pytest.raises(tg.errors.DataError, match="lang must be 'en' or 'zh', but is 'fr'"):
        tg.explain_descent(diverging_history, lang="fr")


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


@in_a_browser
@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_page_has_a_way_back_to_the_list_and_on_to_the_next_page(folder, tmp_path, language):
    order = re.findall(r'"file": "(\w+\.html)"', (folder / "index.html").read_text("utf-8"))
    words = {"en": ["All pages", "← Previous", "Next →"], "zh": ["全部网页", "← 上一页", "下一页 →"]}[language]
    read = """document.title = JSON.stringify([...document.querySelectorAll("#ways a")].map(
        (way) => [way.getAttribute("href"), way.textContent]));"""
    for before, file, after in zip(["", *order], order, [*order[1:], ""], strict=False):
        ways = json.loads(opened((folder / file).read_text("utf-8"), tmp_path, f"lang={language}", read).title)
        addresses = ["index.html", before, after]
        assert ways == [[f"{to}#lang={language}", word] for to, word in zip(addresses, words, strict=True) if to]


def test_a_page_of_its_own_has_no_ways(diverging):
    assert '<nav id="ways"></nav>' in diverging.to_html()
    assert "<a " not in diverging.to_html().partition("<script")[0]


@in_a_browser
def test_the_list_says_as_many_steps_as_the_line_takes(folder, line, tmp_path):
    about = opened((folder / "index.html").read_text("utf-8"), tmp_path, "lang=en").texts["contents"]
    moves = [step for step in line.facts["steps"] if any(step["errors"])]
    assert (len(moves), len(line.facts["steps"])) == (5, 6)
    assert "Five steps until all four samples are right; the sixth finds nothing to change." in about


@pytest.fixture(scope="module")
def pages(folder):
    """Those, and a page of each kind that is not among them."""
    sgd = tg.models.LinearRegression(batch_size=2, max_epochs=20, tol=0).fit(FIVE, FIVE_TARGETS)
    lecture = {path.name: path.read_text("utf-8") for path in sorted(folder.iterdir())}
    return lecture | {"record.html": tg.explain_descent(sgd).to_html()}


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
def test_every_page_fits_into_the_window_in_both_languages_and_in_light_and_dark(pages, tmp_path, width, scheme):
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
  const found = [], slider = document.getElementById("slider");
  for (const language of ["first", "second"]) {
    for (const step of slider ? [0, 5, slider.max] : [0]) {
      if (slider) {
        slider.value = step;
        slider.dispatchEvent(new Event("input"));
      }
      const { violations, passes } = await axe.run();
      found.push({ passes: passes.length, violations: violations.map(({ id, nodes }) => `${id}: ${nodes[0].html}`) });
    }
    document.getElementById("language").click();
  }
  document.title = JSON.stringify(found);
})();
"""


@in_a_browser
@pytest.mark.skipif(not AXE, reason="AXE_CORE does not say where axe.min.js of the npm package axe-core is")
@pytest.mark.parametrize(("scheme", "width"), sampled([("dark", 390), ("light", 1280), ("dark", 1280), ("light", 390)], 2))
def test_axe_finds_no_page_that_anybody_is_kept_from_reading(pages, tmp_path, scheme, width):
    axe = Path(AXE).read_text("utf-8").replace("</script", "<\\/script")
    option = f"--blink-settings=preferredColorScheme={['dark', 'light'].index(scheme)}"
    for name, html in pages.items():
        states = json.loads(opened(html, tmp_path, "", axe + RUN_AXE, option, width=width).title)
        assert len(states) == (2 if name == "index.html" else 6)
        for found in states:
            assert found["passes"] > 10
            assert found["violations"] == [], name


def test_samples_that_are_no_array_of_numbers_are_refused_with_a_reason():
    model = tg.models.LinearRegression(learning_rate=0.1, tol=0).fit([[1.0, 2.0], [2.0, 1.0], [0.0, 1.0]], [1.0, 2.0, 3.0])
    for wrong, reason in [("abc", "made of real numbers"), ([[1.0, 2.0], [3.0]], "do not form an array")]:
        with pytest.raises(tg.errors.DataError, match=reason):
            tg.explain_descent(model, wrong)
    assert tg.explain_descent(model, tg.Value([[1.0, 2.0], [2.0, 1.0], [0.0, 1.0]])).facts["kind"] == "curve"
