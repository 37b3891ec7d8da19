"""The lecture's examples as pages to step through in a browser."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import tinygrad_edu as tg
from demos.stage import Stage, Text
from tinygrad_edu.explainer.page import Page, linked
from tinygrad_edu.graph.mathml_notation import mathml

TITLE = Text("Pages to step through", "可逐步浏览的网页")
ORDER = 9

X, T = [[1.0, 1.0], [-1.0, 1.0], [-1.0, -0.5], [-1.0, 1.5]], [0.0, 1.0, 0.0, 1.0]
FIVE_X, FIVE_T = [1.0, 0.38, 1.2, 1.6, 0.8], [0.73, 0.22, 0.83, 1.28, 0.69]


def run(stage: Stage) -> None:
    """Write the pages and a list of them."""
    stage.say(
        "Each page is one file that asks nothing of the network: forward through the values, backward along one edge at a time.",
        "每个网页都是一个独立的文件，不访问网络：先前向逐个计算值，再反向逐条边传播梯度。",
    )
    folder = stage.out / "pages"
    folder.mkdir(parents=True, exist_ok=True)
    entries = [
        _one_weight(folder),
        _parabola(folder),
        _five_points(folder),
        _one_at_a_time(folder),
        _two_weights(folder),
        _one_sample(folder),
        _four_samples(folder),
        _line(folder),
    ]
    files = ["", *(str(entry["file"]) for entry in entries), ""]
    for before, file, after in zip(files, files[1:], files[2:], strict=False):
        path = folder / file
        path.write_text(linked(path.read_text("utf-8"), "index.html", before, after), "utf-8")
    Page("contents", {"en": "Gradient descent and the perceptron", "zh": "梯度下降与感知机"}, {"pages": entries}).save(
        folder / "index.html"
    )
    stage.say(f"pages: {folder / 'index.html'}", f"网页：{folder / 'index.html'}")


def _entry(file: str, title: Text, about: Text) -> dict[str, object]:
    return {"file": file, "title": {"en": title.en, "zh": title.zh}, "about": {"en": _told(about.en), "zh": _told(about.zh)}}


def _told(words: str) -> dict[str, object]:
    """A sentence with LaTeX between dollar signs, as a page tells it."""
    parts = words.split("$")
    parts[1::2] = [f"{{{number}}}" for number in range(len(parts) // 2)]
    return {"words": "".join(parts), "formulas": list(map(mathml, words.split("$")[1::2]))}


def _given(data: object, name: str) -> tg.Value:
    return tg.Value(data, name=name, requires_grad=False)  # type: ignore[arg-type]


def _one_weight(folder: Path) -> dict[str, object]:
    theta, x, t = tg.Value(3.0, name="theta"), _given(2.0, "x"), _given(8.0, "t")
    y = (theta * x).named("y")
    tg.explain(0.5 * (t - y) ** 2).save(folder / "one_weight.html", learning_rate=1.0)
    return _entry(
        "one_weight.html",
        Text("One weight: the chain rule", "一个权重：链式法则"),
        Text(
            r"$y = \theta x$, loss $\frac{1}{2} (t - y)^2$: how the gradient $-4$ comes about, and the step to $\theta = 7$.",
            r"$y = \theta x$，损失 $\frac{1}{2} (t - y)^2$：梯度 $-4$ 是怎么来的，以及更新到 $\theta = 7$ 的一步。",
        ),
    )


def _parabola(folder: Path) -> dict[str, object]:
    model = tg.models.LinearRegression(learning_rate=0.4, fit_intercept=False, init=(3.0, 0.0)).fit([[2.0]], [8.0])
    tg.explain_descent(model, learning_rate=1.0).save(folder / "parabola.html")
    return _entry(
        "parabola.html",
        Text("One weight: gradient descent", "一个权重：梯度下降"),
        Text(
            r"With $\eta = 1$ it diverges. Move $\eta$: below $2 / \lambda = 0.5$ it converges.",
            r"$\eta = 1$ 时发散。移动 $\eta$：小于 $2 / \lambda = 0.5$ 时收敛。",
        ),
    )


def _five_points(folder: Path) -> dict[str, object]:
    model = tg.models.LinearRegression(learning_rate=0.3, fit_intercept=False).fit(np.reshape(FIVE_X, (-1, 1)), FIVE_T)
    tg.explain_descent(model).save(folder / "five_points.html")
    return _entry(
        "five_points.html",
        Text("Five points: gradient descent", "五个点：梯度下降"),
        Text(
            r"The mean loss of the dataset; it converges below $\eta = 1.7288$.", r"整个数据集的平均损失；$\eta < 1.7288$ 时收敛。"
        ),
    )


def _one_at_a_time(folder: Path) -> dict[str, object]:
    X = np.reshape(FIVE_X, (-1, 1))
    model = tg.models.LinearRegression(
        learning_rate=0.9, fit_intercept=False, batch_size=1, max_epochs=6, tol=0, init=(0.4, 0.0)
    ).fit(X, FIVE_T)
    tg.explain_descent(model, X).save(folder / "one_at_a_time.html")
    return _entry(
        "one_at_a_time.html",
        Text("Five points, one at a time: stochastic gradient descent", "五个点，每次一个：随机梯度下降"),
        Text(
            r"Each sample pulls $\theta$ to a place of its own, so that it hops about the minimum.",
            r"每个样本都把 $\theta$ 拉向自己的位置，所以 $\theta$ 在最小值附近跳动。",
        ),
    )


def _two_weights(folder: Path) -> dict[str, object]:
    X = np.reshape(FIVE_X, (-1, 1))
    tg.explain_descent(tg.models.LinearRegression(learning_rate=0.5).fit(X, FIVE_T), X).save(folder / "two_weights.html")
    return _entry(
        "two_weights.html",
        Text("Five points, with a bias: the loss over the steps", "五个点，带偏置：损失随步数的变化"),
        Text(
            r"Two weights have two curvatures: the larger one sets the bound $2 / \lambda = 0.9627$, "
            "the smaller one the patience it takes.",
            r"两个权重有两个曲率：大的决定界限 $2 / \lambda = 0.9627$，小的决定需要多少耐心。",
        ),
    )


def _one_sample(folder: Path) -> dict[str, object]:
    w, b = tg.Value([1.0, 1.0], name="w"), tg.Value(0.0, name="b")
    x, t = _given([1.5, -3.0], "x"), _given(1.0, "t")
    z = (x @ w + b).named("z")
    y = tg.step(z).named("y")
    tg.explain(-(t - y) * z).save(folder / "one_sample.html", learning_rate=0.1)
    return _entry(
        "one_sample.html",
        Text("The perceptron, one sample", "感知机，一个样本"),
        Text(
            r"Why $y$ counts as a constant in $-(t - y) (x \cdot w + b)$, and the step to $w = (1.15, 0.7)$.",
            r"在 $-(t - y) (x \cdot w + b)$ 中 $y$ 为什么视为常数，以及更新到 $w = (1.15, 0.7)$ 的一步。",
        ),
    )


def _four_samples(folder: Path) -> dict[str, object]:
    w, b = tg.Value([1.0, 1.0], name="w"), tg.Value(0.0, name="b")
    z = (_given(X, "X") @ w + b).named("z")
    y = tg.step(z).named("y")
    tg.explain(np.sum(-(_given(T, "t") - y) * z)).save(folder / "four_samples.html", learning_rate=0.25)
    return _entry(
        "four_samples.html",
        Text("The perceptron, four samples at once", "感知机，四个样本一起"),
        Text("The same with arrays: shapes, rules, and where axes are summed.", "同样的计算，用数组：形状、法则、沿哪些轴求和。"),
    )


def _line(folder: Path) -> dict[str, object]:
    model = tg.models.Perceptron(learning_rate=0.25, init=([1.0, 1.0], 0.0)).fit(X, T)
    tg.explain_descent(model, X).save(folder / "line.html")
    return _entry(
        "line.html",
        Text("The perceptron's moving line", "感知机：移动的直线"),
        Text(
            "Five steps until all four samples are right; the sixth finds nothing to change.",
            "五步之后四个样本全部正确；第六步无需再改。",
        ),
    )
