"""Wrong answers to the exercises of lesson 10, each with words of its diagnosis in English and Chinese."""

import numpy as np

from tinygrad_edu.primitives.special import softmax

W = [[1, 1], [1, 1]]


def _hidden(w, v, x, t):
    h = np.tanh(w * x)
    return h, t - v * h


def _no_slope(w, v, x, t):
    _, difference = _hidden(w, v, x, t)
    return -difference * v * x


def _no_input(w, v, x, t):
    h, difference = _hidden(w, v, x, t)
    return -difference * v * (1 - h**2)


def _no_weight(w, v, x, t):
    h, difference = _hidden(w, v, x, t)
    return -difference * (1 - h**2) * x


def _turned(w, v, x, t):
    h, difference = _hidden(w, v, x, t)
    return difference * v * (1 - h**2) * x


def _probabilities(W, X):
    return softmax(X @ W, axis=1)


def _plain_softmax(z):
    with np.errstate(over="ignore", invalid="ignore"):
        return np.exp(z) / np.sum(np.exp(z))


def _half_shifted(z):
    with np.errstate(over="ignore"):
        return np.exp(z - np.max(z)) / np.sum(np.exp(z))


WRONG = {
    "10.1": [
        ((W, [-0.5, -1.5], [1, -1], -0.5), "This is XOR", "这是 XOR"),
        ((W, [-0.5, -1.5], [-1, 1], -0.5), "For x = [0.0, 0.0] it answers 0 instead of 1", "x = [0.0, 0.0] 时回答 0，应为 1"),
        ((W, -0.5, [-1, 1], 0.5), "Of b: It has shape ()", "b：形状是 ()"),
        (W, "four parts", "四部分"),
    ],
    "10.2": [
        (9472, "The biases are missing", "漏了偏置"),
        (8320, "the first layer alone", "只是第一层"),
        (1290, "the last layer alone", "只是最后一层"),
        (9664, "belongs to an output", "属于一层的输出"),
        (138, "the number of neurons", "神经元（也就是偏置）的个数"),
        (10000, "too large", "太大"),
    ],
    "10.3": [
        (_no_slope, "The factor (1 − tanh(w·x)²) is missing", "它是 tanh(w·x) 对 w·x 的导数"),
        (_no_input, "The factor x is missing.", "缺少因子 x"),
        (_no_weight, "The factor v is missing.", "缺少因子 v"),
        (_turned, "The sign is turned", "符号反了"),
    ],
    "10.4": [
        (lambda W, X, T: X.T @ (_probabilities(W, X) - T), "The mean is missing: divide by the 5 samples.", "缺少求平均"),
        (lambda W, X, T: (_probabilities(W, X) - T).T @ X / len(X), "It is transposed", "转置了"),
        (lambda W, X, T: X.T @ (T - _probabilities(W, X)) / len(X), "The sign is turned", "符号反了"),
        (lambda W, X, T: _probabilities(W, X) - T, "It has shape (5, 3)", "形状是 (5, 3)"),
    ],
    "10.5": [
        (_plain_softmax, "∞/∞ is NaN", "∞/∞ 是 NaN"),
        (_half_shifted, "The sum in the denominator", "分母的和"),
        (lambda z: np.exp(z - np.max(z)), "divide by the sum", "还要除以总和"),
        (lambda z: z / np.sum(z), "It is wrong", "不对"),
    ],
}


def by_parts(W, X, T):
    gradient = np.zeros_like(W)
    for x, t in zip(X, T, strict=True):
        e = np.exp(x @ W)
        gradient += np.outer(x, e / e.sum() - t)
    return gradient / len(X)


def by_logarithms(z):
    z = z - z.max()
    return np.exp(z - np.log(np.exp(z).sum()))


RIGHT = {
    "10.1": ([[1, -1], [1, -1]], [-1.5, 0.5], [1, 1], -0.5),
    "10.2": 9610,
    "10.3": lambda w, v, x, t: (v * np.tanh(w * x) - t) * v * x / np.cosh(w * x) ** 2,
    "10.4": by_parts,
    "10.5": by_logarithms,
}
