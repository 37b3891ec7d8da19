"""Wrong answers to the exercises of lesson 11, each with words of its diagnosis in English and Chinese."""

import numpy as np


def _naive(z, t):
    with np.errstate(all="ignore"):
        p = 1 / (1 + np.exp(-z))
        return -np.mean(t * np.log(p) + (1 - t) * np.log(1 - p))


def _clipped(z, t):
    with np.errstate(over="ignore"):
        p = np.clip(1 / (1 + np.exp(-z)), 1e-12, 1 - 1e-12)
    return -np.mean(t * np.log(p) + (1 - t) * np.log(1 - p))


def _rounds(u, w, x1, x2, t):
    h1 = np.tanh(u * x1)
    h2 = np.tanh(w * h1 + u * x2)
    return h1, h2, -(t - h2)


def _last_round_only(u, w, x1, x2, t):
    _, h2, d = _rounds(u, w, x1, x2, t)
    return d * (1 - h2**2) * x2


def _no_slope(u, w, x1, x2, t):
    h1, _, d = _rounds(u, w, x1, x2, t)
    return d * (x2 + w * (1 - h1**2) * x1)


def _turned(u, w, x1, x2, t):
    h1, h2, d = _rounds(u, w, x1, x2, t)
    return -d * (1 - h2**2) * (x2 + w * (1 - h1**2) * x1)


WRONG = {
    "11.1": [
        ("log", "The logarithm is fine", "对数没有问题"),
        ("sum", "It gets NaN from the operation behind it", "从后面的运算传来"),
        ("tanh", "It is another one", "不是它"),
    ],
    "11.2": [
        (_naive, "the logarithm of 0 is −∞", "0 的对数是 −∞"),
        (_clipped, "Clipping p hides the NaN", "截断 p 只是掩盖了 NaN"),
        (lambda z, t: np.sum(np.logaddexp(0, z) - t * z), "This is the sum", "这是和"),
        (lambda z, t: np.mean(np.logaddexp(0, -z) + t * z), "t and 1 − t are exchanged", "弄反了"),
        (lambda z, t: np.logaddexp(0, z) - t * z, "It has shape (5,)", "形状是 (5,)"),
    ],
    "11.3": [
        (lambda x: x * np.log(x), "the values are [", "函数值是"),
        (lambda x: np.where(x > 0, x * np.log(x), 0.0), "the slope at 0 is nan", "0 处的斜率是 nan"),
        (lambda x: np.log(np.where(x > 0, x, 1.0)), "instead of", "应为"),
    ],
    "11.4": [
        (0.2, "2/10 looks along the axis of w₂ only", "只看了 w₂ 轴方向"),
        (0.0989, "the bound is twice as large", "界限是它的两倍"),
        (10.11, "This is λ itself", "这是 λ 本身"),
        (2.2461, "over the smallest curvature", "除以最小的曲率"),
    ],
    "11.5": [
        (0.0625, "√(1/n) is for tanh", "适用于 tanh"),
        (0.0078125, "This is the variance", "这是方差"),
        (0.1768, "for 64 inputs", "64 个输入"),
    ],
    "11.6": [
        (_last_round_only, "The path through h₁ is missing", "缺少经过 h₁ 的那条路径"),
        (_no_slope, "it is the derivative of tanh(w·tanh(u·x₁) + u·x₂)", "它是 tanh(w·tanh(u·x₁) + u·x₂) 对"),
        (_turned, "The sign is turned", "符号反了"),
    ],
}


def cross_entropy_by_signs(z, t):
    wrong_way = np.where(t == 1, -z, z)
    return np.mean(np.logaddexp(0, wrong_way))


def x_log_x(x):
    is_positive = x > 0
    return np.where(is_positive, x * np.log(np.where(is_positive, x, 1.0)), 0.0)


def two_rounds(u, w, x1, x2, t):
    a, a_du = np.tanh(u * x1), x1 / np.cosh(u * x1) ** 2
    b = np.tanh(w * a + u * x2)
    b_du = (w * a_du + x2) / np.cosh(w * a + u * x2) ** 2
    return (b - t) * b_du


RIGHT = {
    "11.1": "np.sqrt",
    "11.2": cross_entropy_by_signs,
    "11.3": x_log_x,
    "11.4": 2 / np.linalg.eigvalsh([[1, 1], [1, 10]])[-1],
    "11.5": 0.0884,
    "11.6": two_rounds,
}
