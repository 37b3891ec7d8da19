"""A gradient by hand that is wrong in some way is told what is wrong with it, in two languages."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.testing import diagnose_gradient

RNG = np.random.default_rng(0)
X, W, T = RNG.normal(size=(6, 3)), RNG.normal(size=(3, 3)), RNG.normal(size=(6, 3))
WIDE = np.linspace(-1, 1, 15).reshape(3, 5), X, np.eye(6, 5)
x, t, w = RNG.normal(size=6), RNG.normal(size=6), RNG.normal(size=6)


def scalar(theta, x, t):
    return 0.5 * (t - theta * x) ** 2


def curved(theta, x, t):
    return 0.5 * (t - np.tanh(theta * x)) ** 2


def mean_loss(W, X, T):
    return 0.5 * np.mean(np.sum((X @ W - T) ** 2, axis=1))


def batch(theta, x, t):
    return 0.5 * np.mean((theta * x - t) ** 2)


def logistic(v, X, t):
    z = X @ v
    return np.mean(np.logaddexp(0, z) - t * z)


def rectified(w, x, t):
    return np.sum(tg.relu(w * x) * t)


def squared_sine(theta, x, t):
    return (t - np.sin(theta * x)) ** 2


def summed(w, x, t):
    return 0.5 * np.sum((w * x - t) ** 2)


def shared(theta, x, t):
    return np.sum(0.5 * (theta * x - t) ** 2)


def only_below(theta, x, t):
    if theta * x < t:
        return (theta * x - t) * x
    return None


def penalized(w, x, t):
    return 0.5 * np.sum((w * x - t) ** 2) + 0.05 * np.sum(w**2)


POINT = (3.0, 2.0, 8.0)
CASES = [
    (scalar, lambda a, x, t: -(t - a * x) * x, POINT, "right", "This gradient is right.", "对的"),
    (scalar, lambda a, x, t: (t - a * x) * x, POINT, "sign", "The sign is turned", "符号反了"),
    (scalar, lambda a, x, t: -2 * (t - a * x) * x, POINT, "factor", "The factor ½ is missing.", "缺少因子 ½"),
    (scalar, lambda a, x, t: -0.5 * (t - a * x) * x, POINT, "factor", "The factor 2 is missing.", "缺少因子 2"),
    (scalar, lambda a, x, t: 3 * (t - a * x) * x, POINT, "factor", "The factor −1/3 is missing.", "缺少因子 −1/3"),
    (scalar, lambda a, x, t: -(t - a * x), POINT, "missing factor", "The factor x is missing.", "缺少因子 x。"),
    (scalar, lambda a, x, t: t - a * x, POINT, "missing factor", "The factor x is missing, and so is −1.", "符号也反了。"),
    (scalar, lambda a, x, t: -(t - a * x) * x * x, POINT, "needless factor", "There is x as a factor too many.", "多了因子 x。"),
    (scalar, lambda a, x, t: -4.0, POINT, "only here", "right at the given point only", "只在给定的点上正确"),
    (scalar, lambda a, x, t: -4.0, POINT, "only here", "It is wrong: -4 instead of -12.7046 for theta = 2.71404", "应为 -12.7046"),
    (scalar, lambda a, x, t: np.array([(a * x - t) * x]), POINT, "shape", "It has shape (1,), but", "形状是 (1,)"),
    (scalar, scalar, POINT, "the function", "That is the function itself, not its gradient.", "这是函数本身，不是它的梯度。"),
    (scalar, only_below, POINT, "no numbers", "It returns nothing for theta = 4.78273, x = 3.80522", "没有返回结果"),
    (batch, batch, (0.5, x, t), "the function", "That is the function itself", "这是函数本身"),
    (scalar, lambda a, x, t: 0.0, POINT, "zero", "It is zero, but the gradient is not.", "结果为零"),
    (scalar, lambda a, x, t: np.nan, POINT, "not a number", "NaN", "NaN"),
    (scalar, lambda a, x, t: "x", POINT, "no numbers", "It must be a number, but is 'x'.", "应是一个数"),
    (scalar, lambda a, x: 1.0, POINT, "parameters", "called with 3 arguments, (theta, x, t), but is <lambda>(a, x)", "3 个参数"),
    (scalar, lambda a, x, t: a / (x - x), POINT, "an error", "ZeroDivisionError", "出错：ZeroDivisionError"),
    (scalar, lambda a, x, t: ..., POINT, "not answered", "the function returns ...", "还没有作答"),
    (scalar, -4.0, POINT, "no function", "this is -4.0. Hand over the function itself", "不加括号"),
    (scalar, lambda a, x, t: np.sin(a), POINT, "wrong", "It is wrong: 0.14112 instead of -4", "应为"),
    (
        curved,
        lambda a, x, t: -(t - np.tanh(a * x)) * x,
        (0.3, 2.0, 0.9),
        "missing factor",
        "The factor (1 − tanh(θ·x)²) is missing: it is the derivative of tanh(θ·x) by θ·x.",
        "缺少因子 (1 − tanh(θ·x)²)：它是 tanh(θ·x) 对 θ·x 的导数。",
    ),
    (mean_loss, lambda W, X, T: X.T @ (X @ W - T) / 6, (W, X, T), "right", "right", "对的"),
    (
        mean_loss,
        lambda W, X, T: X.T @ (X @ W - T),
        (W, X, T),
        "mean",
        "The mean is missing: divide by the 6 samples.",
        "缺少求平均",
    ),
    (mean_loss, lambda W, X, T: (X @ W - T).T @ X / 6, (W, X, T), "transposed", "It is transposed.", "转置了。"),
    (
        mean_loss,
        lambda W, X, T: (X @ W - T)[:, None, :] * X[:, :, None],
        (W, X, T),
        "mean",
        "The mean over the 6 samples is missing: np.mean(..., axis=0).",
        "缺少对 6 个样本求平均",
    ),
    (mean_loss, lambda W, X, T: X.T @ (X @ W - T) / T.size, WIDE, "factor", "The factor 5 is missing.", "缺少因子 5。"),
    (shared, lambda a, x, t: (a * x - t) * x, (0.5, x, t), "sum over the batch", "The sum over the 6 samples is missing", "求和"),
    (shared, lambda a, x, t: np.mean((a * x - t) * x), (0.5, x, t), "mean", "but the loss is a sum, not a mean", "损失是和"),
    (
        summed,
        lambda w, x, t: np.sum((w * x - t) * x),
        (w, x, t),
        "shape",
        "It has shape (), but the gradient has the shape",
        "形状是",
    ),
    (summed, lambda w, x, t: w * x - t, (w, x, t), "missing factor", "The factor x is missing.", "缺少因子 x"),
    (penalized, lambda w, x, t: (w * x - t) * x, (w, x, t), "missing term", "The term 1/10·w is missing from the sum.", "缺少一项"),
    (batch, lambda a, x, t: np.mean((a * x - t) * x), (0.5, x, t), "right", "right", "对的"),
    (
        batch,
        lambda a, x, t: np.mean(a * x - t),
        (0.5, x, t),
        "missing factor",
        "Seen on a single sample: The factor x is",
        "只看一个样本：缺少因子 x",
    ),
    (
        batch,
        lambda a, x, t: np.sum(t - a * x),
        (0.5, x, t),
        "missing factor",
        "The factor x is missing, and so is −1.",
        "缺少因子 x，符号也反了",
    ),
    (
        batch,
        lambda a, x, t: np.mean(a * x - t) * np.mean(x),
        (0.5, x, t),
        "sum over the batch",
        "right for a single sample",
        "对单个样本是对的",
    ),
    (
        batch,
        lambda a, x, t: a * x - t,
        (0.5, x, t),
        "missing factor",
        "It has shape (6,), but the gradient has the shape",
        "只看一个样本：缺少因子 x",
    ),
    (
        batch,
        lambda a, x, t: np.sum((t - a * x) * x),
        (0.5, x, t),
        "mean",
        "The mean is missing, and so is −1: divide by the 6",
        "缺少求平均，符号也反了",
    ),
    (
        batch,
        lambda a, x, t: np.sum((a * x - t) * x) * 2,
        (0.5, x, t),
        "mean",
        "The mean is missing, and so is ½: divide by",
        "缺少求平均，还缺因子 ½",
    ),
    (
        shared,
        lambda a, x, t: np.mean((t - a * x) * x),
        (0.5, x, t),
        "mean",
        "but the loss is a sum, not a mean; missing is −1.",
        "不是平均，符号也反了",
    ),
    (
        shared,
        lambda a, x, t: (t - a * x) * x,
        (0.5, x, t),
        "sum over the batch",
        "axis=0). And then: The sign is turned",
        "此外：符号反了",
    ),
    (
        batch,
        lambda a, x, t: 2 * (a * x - t) * x,
        (0.5, x, t),
        "mean",
        "axis=0). And then: The factor ½ is missing.",
        "此外：缺少因子 ½",
    ),
    (
        mean_loss,
        lambda W, X, T: (T - X @ W).T @ X / 6,
        (W[:, :2], X, T[:, :2]),
        "transposed",
        "(3, 2). And then: The sign is turned",
        "此外：符号反了",
    ),
    (
        curved,
        lambda a, x, t: np.tanh(a * x) - t,
        (0.3, 2.0, 0.9),
        "missing factor",
        "The factor x and the derivative of tanh(θ·x) are missing.",
        "缺少因子 x 和 tanh(θ·x) 的导数。",
    ),
    (logistic, lambda v, X, t: X.T @ (tg.sigmoid(X @ v) - t) / 6, (x[:3], X, t), "right", "right", "对的"),
    (
        logistic,
        lambda v, X, t: np.mean(X, axis=0) * np.mean(tg.sigmoid(X @ v) - t),
        (x[:3], X, t),
        "sum over the batch",
        "for a single sample, but",
        "对单个样本是对的",
    ),
    (
        rectified,
        lambda w, x, t: x * t,
        (w, x, t),
        "missing factor",
        "The factor where(w ⊙ x > 0, 1, 0) is missing: it is the derivative of relu(w ⊙ x) by (w ⊙ x).",
        "它是 relu(w ⊙ x) 对 (w ⊙ x) 的导数。",
    ),
    (
        squared_sine,
        lambda a, x, t: -np.cos(a * x) * x,
        (0.3, 2.0, 0.9),
        "missing factor",
        "The factor 2(t − sin(θ·x)) is missing: it is the derivative of (t − sin(θ·x))² by (t − sin(θ·x)).",
        "它是 (t − sin(θ·x))² 对 (t − sin(θ·x)) 的导数。",
    ),
    (
        squared_sine,
        lambda a, x, t: -2 * (t - np.sin(a * x)) * x,
        (0.3, 2.0, 0.9),
        "missing factor",
        "The factor cos(θ·x) is missing: it is the derivative of sin(θ·x) by θ·x.",
        "缺少因子 cos(θ·x)：它是 sin(θ·x) 对 θ·x 的导数。",
    ),
    (
        mean_loss,
        lambda W, X, T: X.T @ (X @ W - T) / 6 + np.eye(3) * 1e-3,
        (W, X, T),
        "wrong",
        "3 of 9 numbers differ",
        "9 个数里错了 3 个",
    ),
]


@pytest.mark.parametrize(("f", "mine", "args", "kind", "en", "zh"), CASES)
def test_a_gradient_is_told_what_is_wrong_with_it(f, mine, args, kind, en, zh):
    found = diagnose_gradient(f, mine, args)
    assert found.kind == kind
    assert found.is_right == (kind == "right")
    assert en in str(found) == found.in_language("en")
    assert zh in found.in_language("zh")


def test_a_finding_prints_in_the_language_that_is_asked_for():
    assert str(diagnose_gradient(scalar, lambda a, x, t: (t - a * x) * x, POINT, lang="zh")) == "符号反了：是梯度的 −1 倍。"
    assert str(diagnose_gradient(scalar, 3.0, POINT, lang="zh")).startswith("应交一个以 (theta, x, t) 为参数的函数")
    with pytest.raises(tg.errors.DataError, match="lang must be 'en' or 'zh', but is 'de'"):
        diagnose_gradient(scalar, scalar, POINT, lang="de")


@pytest.mark.parametrize(
    ("f", "mine", "args", "en", "zh"),
    [
        (
            scalar,
            lambda a, x, t: -x,
            POINT,
            "The factor (t − θ·x) is missing: it is the derivative of ½(t − θ·x)² by (t − θ·x).",
            "缺少因子 (t − θ·x)：它是 ½(t − θ·x)² 对 (t − θ·x) 的导数。",
        ),
        (
            scalar,
            lambda a, x, t: x,
            POINT,
            "The factor −(t − θ·x) is missing: it is −1 times the derivative of ½(t − θ·x)² by (t − θ·x).",
            "缺少因子 −(t − θ·x)：它是 ½(t − θ·x)² 对 (t − θ·x) 的导数的 −1 倍。",
        ),
        (
            lambda a, x: np.log(a * x),
            lambda a, x: x,
            (0.3, 2.0),
            "The factor 1/(a·x) is missing: it is the derivative of log(a·x) by a·x.",
            "缺少因子 1/(a·x)：它是 log(a·x) 对 a·x 的导数。",
        ),
        (
            lambda w, x: np.sum(np.tanh(w * x)) / 2,
            lambda w, x: x,
            (w, x),
            "The factor ½(1 − tanh(w ⊙ x)²) is missing: it is the derivative of ½tanh(w ⊙ x) by (w ⊙ x).",
            "缺少因子 ½(1 − tanh(w ⊙ x)²)：它是 ½tanh(w ⊙ x) 对 (w ⊙ x) 的导数。",
        ),
    ],
)
def test_a_derivative_that_is_missing_is_written_in_the_function_s_arguments(f, mine, args, en, zh):
    found = diagnose_gradient(f, mine, args)
    assert (found.en, found.zh) == (en, zh)


def test_a_derivative_whose_formula_is_long_is_called_by_the_operation_s_name():
    def long(theta, first, second, third):
        return np.sin(theta * first + theta * second + theta * third + first * second * third)

    found = diagnose_gradient(long, lambda a, *others: sum(others), (0.1, 0.2, 0.3, 0.4))
    assert (found.en, found.zh) == ("The derivative of sin is missing.", "缺少 sin 的导数。")


def test_a_derivative_too_many_is_called_by_the_formula_that_it_belongs_to():
    found = diagnose_gradient(lambda a, x: np.sin(a * x), lambda a, x: x * np.cos(a * x) ** 2, (0.3, 2.0))
    assert (found.en, found.zh) == ("There is the derivative of sin(a·x) as a factor too many.", "多了 sin(a·x) 的导数。")


def test_a_rectangular_gradient_that_is_transposed_says_its_shape():
    V = RNG.normal(size=(3, 2))
    found = diagnose_gradient(lambda V, X: np.sum(np.tanh(X @ V)), lambda V, X: (1 - np.tanh(X @ V) ** 2).T @ X, (V, X))
    assert str(found) == "It is transposed: (2, 3) instead of (3, 2)."


def test_the_gradient_of_another_argument_is_asked_for_by_its_number():
    assert diagnose_gradient(scalar, lambda a, x, t: t - a * x, POINT, 2).is_right
    found = diagnose_gradient(scalar, lambda a, x, t: a * x - t, POINT, argnum=2)
    assert found.kind == "sign"


def test_labels_and_other_whole_numbers_stay_what_they_are():
    labels = np.array([0, 2, 1])
    logits = RNG.normal(size=(3, 3))

    def loss(z, labels):
        return tg.nn.softmax_cross_entropy(z, labels)

    one_hot = np.eye(3)
    assert diagnose_gradient(loss, lambda z, k: (tg.softmax(z, axis=1) - one_hot[k]) / 3, (logits, labels)).is_right
    assert diagnose_gradient(loss, lambda z, k: tg.softmax(z, axis=1) - one_hot[k], (logits, labels)).kind == "mean"


@pytest.mark.parametrize(
    ("f", "wrong", "args"),
    [
        (scalar, lambda a, x, t: -(t - a * x) * abs(x), POINT),
        (lambda a, x, t: abs(t - a * x), lambda a, x, t: -np.sign(t - a**x) * x, (3.0, 2.0, 0.5)),
        (lambda x: np.sum(np.abs(x)), lambda x: np.ones(2), (np.array([1.0, 2.0]),)),
        (lambda x: x**2, lambda x: 2 * np.sqrt(x) ** 2, (1.0,)),
        (lambda x: x**2, lambda x: 2 * x if x > 0 else np.zeros(2), (1.0,)),
    ],
)
def test_a_gradient_that_is_right_for_numbers_of_these_signs_alone_is_told_so(f, wrong, args):
    found = diagnose_gradient(f, wrong, args)
    assert found.kind == "only here"
    assert "as long as no number changes its sign." in found.en
    assert "正负号不变" in found.zh


@pytest.mark.parametrize(
    ("f", "right", "args"),
    [
        (lambda x: np.log(x), lambda x: 1 / x, (2.0,)),
        (lambda x: np.sum(x * np.log(x)), lambda x: np.log(x) + 1, (np.array([0.2, 0.8]),)),
        (lambda x, y: np.sqrt(x * y), lambda x, y: 0.5 * np.sqrt(y / x), (2.0, 3.0)),
        (lambda x, n: x**n, lambda x, n: n * x ** (n - 1), (2.0, 3.5)),
        (lambda x, b: np.maximum(x + b, 0), lambda x, b: 1.0 * (x + b > 0), (1.0, 1.0)),
        (lambda x, b: np.maximum(x + b, 0), lambda x, b: 1.0 * (x + b >= 0), (1.0, 1.0)),
    ],
)
def test_a_gradient_is_not_asked_for_where_the_function_has_none_or_a_kink(f, right, args):
    assert diagnose_gradient(f, right, args).is_right


def test_a_function_that_refuses_other_signs_is_not_asked_there():
    def root(x):
        if x < 0:
            raise ValueError("no root")
        return np.sqrt(x)

    assert diagnose_gradient(root, lambda x: 0.5 / np.sqrt(x), (2.0,)).is_right


def test_a_gradient_that_is_right_up_to_differences_is_right():
    def by_differences(theta, x, t):
        return (scalar(theta + 1e-5, x, t) - scalar(theta - 1e-5, x, t)) / 2e-5

    assert diagnose_gradient(scalar, by_differences, POINT).is_right


@pytest.mark.parametrize(
    ("args", "argnum", "words"), [(3.0, 0, "args must be a tuple"), (POINT, 3, "from 0 to 2"), (POINT, True, "argnum")]
)
def test_what_cannot_be_compared_is_refused(args, argnum, words):
    with pytest.raises(tg.errors.DataError, match=words):
        diagnose_gradient(scalar, scalar, args, argnum)
