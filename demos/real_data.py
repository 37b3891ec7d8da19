"""Real data: diabetes, breast cancer and iris, against the closed form and against scikit-learn."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.linear_model import LogisticRegression as ScikitLogisticRegression

import tinygrad_edu as tg
from demos.stage import BLUE, GREEN, GREY, RED, Stage, Text

TITLE = Text("Real data, against independent solutions", "真实数据，与独立解对照")
ORDER = 4


def run(stage: Stage) -> None:
    """Show the demo."""
    figure = Figure(figsize=(13.5, 4.0), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    diabetes(stage, left)
    breast_cancer(stage, middle)
    iris(stage, right)
    stage.save(figure, "real_data")


def standardized(X: np.ndarray) -> np.ndarray:
    """Each column with mean 0 and standard deviation 1, which allows for a larger learning rate."""
    return (X - X.mean(axis=0)) / X.std(axis=0)


def diabetes(stage: Stage, axes: Axes) -> None:
    """Linear regression on 442 patients with 10 features."""
    stage.heading("Linear regression: diabetes, 442 patients, 10 features", "线性回归：糖尿病数据，442 人，10 个特征")
    data = load_diabetes()
    X, t = standardized(data.data), data.target
    model = tg.models.LinearRegression(learning_rate=0.4, momentum=0.9, max_epochs=5000, tol=1e-9)
    with stage.progress(stage.text("fitting", "训练"), model.max_epochs) as moved:
        model.fit(X, t, callback=moved)
    features = np.column_stack([X, np.ones(len(X))])
    closed_form = np.linalg.lstsq(features, t)[0]
    stage.table(
        [stage.text("feature", "特征"), stage.text("gradient descent", "梯度下降"), stage.text("closed form", "解析解")],
        list(zip([*data.feature_names, "1"], [*model.coef_, model.intercept_], closed_form, strict=True)),
    )
    steps, r2 = model.history_.step_count, model.score(X, t)
    stage.say(f"{steps} steps; R² = {r2:.4f}.", f"共 {steps} 步；R² = {r2:.4f}。")
    stage.agree(stage.text("coefficients = closed form", "系数 = 解析解"), [*model.coef_, model.intercept_], closed_form, 1e-6)
    predicted = model.predict(X)
    axes.plot(t, predicted, ".", color=BLUE, alpha=0.5)
    reach = [t.min(), t.max()]
    axes.plot(reach, reach, color=GREY, linewidth=1.2, linestyle="--", label=stage.label("perfect", "完全准确"))
    axes.set(
        title=stage.label(f"diabetes: R² = {r2:.2f}", f"糖尿病：R² = {r2:.2f}"),
        xlabel=stage.label("progression measured", "实测的病情进展"),
        ylabel=stage.label("progression predicted", "预测的病情进展"),
    )
    axes.legend()


def breast_cancer(stage: Stage, axes: Axes) -> None:
    """Logistic regression on 569 tumours with 30 features."""
    stage.heading("Logistic regression: breast cancer, 569 tumours, 30 features", "逻辑回归：乳腺癌数据，569 例，30 个特征")
    data = load_breast_cancer()
    X, t = standardized(data.data), data.target
    scikit = ScikitLogisticRegression(C=1.0, tol=1e-10, max_iter=10_000).fit(X, t)
    # scikit-learn minimizes C·Σ loss + ½‖w‖²; divided by C·n this is the mean loss + ½ l2 ‖w‖² with l2 = 1 / (C·n).
    model = tg.models.LogisticRegression(learning_rate=1.0, momentum=0.9, max_epochs=20_000, tol=1e-8, l2=1 / len(X))
    with stage.progress(stage.text("fitting", "训练"), model.max_epochs) as moved:
        model.fit(X, t, callback=moved)
    steps, right = model.history_.step_count, model.score(X, t)
    stage.say(
        f"{steps} steps; {right:.2%} of the labels are right. scikit-learn minimizes the same loss with L-BFGS and a gradient "
        "written by hand.",
        f"共 {steps} 步；{right:.2%} 的标签正确。scikit-learn 用 L-BFGS 与手写的梯度最小化同一个损失。",
    )
    theirs = [*scikit.coef_[0], scikit.intercept_[0]]
    what = stage.text("coefficients = scikit-learn's", "系数 = scikit-learn 的系数")
    stage.agree(what, [*model.coef_, model.intercept_], theirs, 1e-4)
    logits = model.decision_function(X)
    bins = np.linspace(logits.min(), logits.max(), 40)
    for label, name, colour in ((0, stage.label("malignant", "恶性"), RED), (1, stage.label("benign", "良性"), GREEN)):
        axes.hist(logits[t == label], bins, color=colour, alpha=0.6, label=name)
    axes.axvline(0, color=GREY, linewidth=1.2, linestyle="--")
    axes.set(
        title=stage.label(f"breast cancer: {right:.1%} right", f"乳腺癌：{right:.1%} 正确"),
        xlabel="logit x·w + b",
        ylabel=stage.label("tumours", "肿瘤数"),
    )
    axes.legend()


def iris(stage: Stage, axes: Axes) -> None:
    """The perceptron on two kinds of iris that a line separates."""
    stage.heading("Perceptron: two kinds of iris", "感知机：两种鸢尾花")
    data = load_iris()
    two = data.target < 2
    X, t = data.data[two][:, [0, 1]], data.target[two]
    model = tg.models.Perceptron(learning_rate=1.0, batch_size=1, max_epochs=2000).fit(X, t)
    mistakes = [0] * model.history_.steps[-1].epoch
    for step in model.history_.steps:
        mistakes[step.epoch - 1] += step.mistakes
    stage.say(
        f"Setosa and versicolor by the length and width of the sepal: no mistake in epoch {len(mistakes)}, after {sum(mistakes)} "
        "corrections. The perceptron stops at the first line that separates the two, however close it passes.",
        f"用花萼的长和宽区分 setosa 与 versicolor：第 {len(mistakes)} 个 epoch 没有错误，共修正 {sum(mistakes)} 次。"
        "感知机停在第一条能分开两类的直线上，不管它离样本有多近。",
    )
    stage.agree(stage.text("every label is right", "所有标签都正确"), model.predict(X), t, 0.0)
    w, b = model.coef_, model.intercept_
    for label, marker, colour in ((0, "o", GREEN), (1, "^", BLUE)):
        axes.plot(*X[t == label].T, marker, color=colour, alpha=0.7, label=data.target_names[label])
    reach = np.array([X[:, 0].min() - 0.2, X[:, 0].max() + 0.2])
    axes.plot(reach, -(w[0] * reach + b) / w[1], color=GREY, linewidth=1.5)
    axes.set(
        title=stage.label("iris: separated", "鸢尾花：已分开"),
        xlabel=stage.label("sepal length (cm)", "花萼长度 (cm)"),
        ylabel=stage.label("sepal width (cm)", "花萼宽度 (cm)"),
        ylim=(1.8, 4.8),
    )
    axes.legend()
