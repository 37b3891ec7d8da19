"""Explanations in Chinese: the same formulas, and other words."""

import re

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.browser import in_a_browser, opened
from tinygrad_edu.errors import DataError


def constant(numbers, name):
    return tg.Value(numbers, name=name, requires_grad=False)


def parabola(theta, x, t):
    return 0.5 * x**2 * theta**2 - t * x * theta + 0.5 * t**2


def perceptron():
    w, b = tg.Value([1.0, 1.0], name="w"), tg.Value(0.0, name="b")
    X = constant([[1, 1], [-1, 1], [-1, -0.5], [-1, 1.5]], "X")
    return tg.nn.perceptron_criterion((X @ w + b).named("z"), constant([0.0, 1, 0, 1], "t"))


def many_paths(rounds, function=lambda h: h):
    x = h = tg.Value(1.5, name="x")
    for _ in range(rounds):
        h = function(h) * x + h
    return h


def notes():
    """Losses about which something is to be said."""
    a, b = tg.Value(2.0, name="a"), tg.Value(3.0, name="b")
    yield np.maximum(a, 2.0)
    yield tg.relu(-a)
    yield np.sqrt(a - 2.0) * a
    yield (a - 2.0) * np.sqrt(a - 2.0)
    yield np.where(True, a, b) * 1.0
    yield (a // b).named("q") + a
    yield np.copysign(a, b)
    yield a * tg.stop_gradient(a * a)
    yield a * a.detach() * tg.stop_gradient(b)
    yield a % 2.0
    yield a * tg.relu(b - 4.0)
    yield tg.step(a) + b
    yield tg.on_gradient(a * b, lambda g: 2.0 * g) + a
    yield tg.on_gradient(a * b, lambda g: None) + a
    yield tg.primitive(lambda x, y: x * y, lambda g, out, x, y: g * y, None, name="f")(a, b)
    yield tg.primitive(lambda x: x * x, lambda g, out, x: g * {2.0: 4.0}[x], name="f")(a)
    yield np.real((a * (1 + 2j)) * np.conj(a * (1 + 2j)))


LOSSES = {
    "perceptron": perceptron,
    "svd": lambda: np.sum(np.linalg.svd(tg.Value([[2.0, 1.0], [0.5, 1.0]], name="B"))[0]),
    "few paths": lambda: many_paths(3),
    "many paths": lambda: many_paths(10),
    "summary": lambda: many_paths(40, np.tanh),
    "more paths than are counted": lambda: many_paths(3500, np.tanh),
    "many parameters": lambda: sum(tg.Value(1.0) * tg.Value(2.0) for _ in range(40)),
} | {f"note {number}": lambda number=number: list(notes())[number] for number in range(17)}


def test_the_lectures_derivation_in_chinese():
    assert str(tg.explain(parabola, 3.0, 2.0, 8.0, lang="zh")) == (
        "parabola = v1 − t·x·θ + ½t² = 2\n"
        "v1 = ½x²·θ² = 18\n"
        "其中 θ = 3，x = 2，t = 8\n"
        "\n"
        "dparabola/dθ 等于 2 条路径的贡献之和：\n"
        "    ∂parabola/∂(θ²) · ∂(θ²)/∂θ = ½x² · 2·θ = 2 · 6 = 12\n"
        "  + ∂parabola/∂θ = −t·x = −16\n"
        "  = x²·θ − t·x = x·(θ·x − t) = −4"
    )


def test_the_table_of_arrays_in_chinese_stands_in_columns():
    assert str(tg.explain(perceptron(), lang="zh")) == (
        "L = 2\n"
        "z = [2, 0, −1.5, 0.5]\n"
        "其中 w = [1, 1]，b = 0，X = [[1, 1], [−1, 1], [−1, −0.5], [−1, 1.5]]，t = [0, 1, 0, 1]\n"
        "\n"
        "从 L 反向走到叶子；g 是 L 对该结果的梯度：\n"
        "  结果  运算     形状  梯度 g              传给  规则           形状  求和的轴\n"
        "  L     Σ v5     ()    1                   v5    g              (4,)\n"
        "  v5    v4 ⊙ z   (4,)  [1, 1, 1, 1]        v4    g ⊙ z          (4,)\n"
        "                                           z     g ⊙ v4         (4,)\n"
        "  v4    −v3      (4,)  [2, 0, −1.5, 0.5]   v3    −g             (4,)\n"
        "  v3    t − v2   (4,)  [−2, 0, 1.5, −0.5]  v2    −g             (4,)\n"
        "  v2    step(z)  (4,)  [2, 0, −1.5, 0.5]   z     zeros_like(z)  (4,)\n"
        "  z     v1 + b   (4,)  [1, −1, 0, 0]       v1    g              (4,)\n"
        "                                           b     g              ()    轴 0\n"
        "  v1    X @ w    (4,)  [1, −1, 0, 0]       w     g @ X          (2,)\n"
        "\n"
        "dL/dw = dL/dz @ X\n"
        "      = (step(z) − t) @ X\n"
        "\n"
        "dL/db = Σ dL/dz\n"
        "      = Σ (step(z) − t)\n"
        "\n"
        "dL/dw = [2, 0]\n"
        "dL/db = 0\n"
        "\n"
        "注意：step(z) 在导数存在之处都是平的：z 稍微变动时 step(z) 不变，所以 d(step(z))/dz = 0。"
        "没有梯度穿过它，在 L 的梯度中 step(z) 视为常数。"
    )


ENGLISH = re.compile(
    r"\b(with|the|is|and|of|at|to|in|by|no|not|for|from|which|since|path|paths|operations?|constants?|parameters?|gradients?|"
    r"contributions?|result|rule|shape(?!=)|none|more|summary|derivative|Note|axis(?!=))\b"
)


@pytest.mark.parametrize("made", LOSSES.values(), ids=LOSSES)
def test_nothing_stays_english_and_all_formulas_stay_what_they_are(made):
    loss = made()
    english, chinese = (tg.explain(loss, lang=lang) for lang in ("en", "zh"))
    assert str(english) == str(tg.explain(loss))
    assert len(str(english).splitlines()) == len(str(chinese).splitlines())
    words = re.sub(r"抛出了 .*", "", str(chinese))  # what a user's rule raised is told as it was
    assert not ENGLISH.search(words), ENGLISH.search(words)
    for one, other in zip(str(english).splitlines(), str(chinese).splitlines(), strict=True):
        if not re.search(r"[\u4e00-\u9fff]", other):
            assert [*one.split()] == [*other.split()]
    assert chinese.to_latex().count("&=") == english.to_latex().count("&=")
    assert english.to_latex().isascii()


def test_notes_are_whole_chinese_sentences():
    for loss in notes():
        english, chinese = (list(tg.explain(loss, lang=lang).notes) for lang in ("en", "zh"))
        assert len(english) == len(chinese)
        assert all(note.startswith("注意：") for note in chinese)


def test_one_way_is_told_in_chinese():
    x = tg.Value(2.0, name="x")
    a = (x * x).named("a")
    assert str(tg.explain(a * np.sin(x), via=a, lang="zh")).endswith("以上只是经由 a 传来的部分。经由所有路径，dL/dx = 1.9726。")


def test_the_whole_of_a_summary_is_in_the_same_language():
    explanation = tg.explain(many_paths(40, np.tanh), lang="zh")
    assert "这是摘要；explain(...).whole 显示每一个运算。" in str(explanation)
    assert "其中 x = 1.5" in str(explanation.whole)


@in_a_browser
@pytest.mark.parametrize(("lang", "sentence"), [("zh", "这些数是已知的。"), ("en", "These numbers are given.")])
def test_a_page_begins_in_the_language_that_was_asked_for(lang, sentence, tmp_path):
    pytest.importorskip("pygraphviz")
    page = tg.explain(parabola, 3.0, 2.0, 8.0, lang=lang).to_html()
    assert opened(page, tmp_path, "step=0").texts["sentence"] == sentence
    assert opened(page, tmp_path, "step=0&lang=en").texts["sentence"] == "These numbers are given."


@pytest.mark.parametrize("lang", ["fr", "ZH", 1, True])
def test_another_language_is_refused(lang):
    with pytest.raises(DataError, match="lang must be 'en' or 'zh', but is"):
        tg.explain(parabola, 3.0, 2.0, 8.0, lang=lang)
