"""Wrong answers to the exercises of lesson 9, each with a part of what is to be said of it."""

import numpy as np

from tinygrad_edu.course.exercises.lesson_09 import my_unbroadcast


def softmax(x):
    return np.exp(x) / np.sum(np.exp(x))


def only_added(g, shape):
    return np.sum(g, axis=tuple(range(g.ndim - len(shape))))


def without_keeping(g, shape):
    g = only_added(g, shape)
    return np.sum(g, axis=tuple(i for i, length in enumerate(shape) if length == 1))


def averaged(g, shape):
    g = np.mean(g, axis=tuple(range(g.ndim - len(shape))))
    return np.mean(g, axis=tuple(i for i, length in enumerate(shape) if length == 1), keepdims=True)


def first_row(g, shape):
    while g.ndim > len(shape):
        g = g[0]
    return g


def from_the_right(g, shape):
    """The added axes taken for the last ones, where that gives the shape asked for."""
    turned = np.sum(g, axis=-1) if g.ndim > len(shape) else g
    return turned if turned.shape == shape else my_unbroadcast(g, shape)


WRONG = {
    "9.1": [
        (lambda g, x: 1 / (2 * np.sqrt(x)), "The factor g is missing.", "缺少因子 g"),
        (lambda g, x: g / np.sqrt(x), "The factor ½ is missing.", "缺少因子 ½"),
        (lambda g, x: -g / (2 * np.sqrt(x)), "The sign is turned", "符号反了"),
    ],
    "9.2": [
        (lambda g, a, b: g * a / b**2, "The sign is turned", "符号反了"),
        (lambda g, a, b: -g / b**2, "The factor a is missing.", "缺少因子 a"),
        (lambda g, a, b: -a / b**2, "The factor g is missing.", "缺少因子 g"),
        (lambda g, a, b: -g * a / b, "There is b as a factor too many.", "多了因子 b"),
    ],
    "9.3": [
        (lambda g, A, v: np.outer(v, g), "transposed", "转置"),
        (lambda g, A, v: -np.outer(g, v), "The sign is turned", "符号反了"),
        (lambda g, A, v: g * v, "It has shape (3,)", "形状是 (3,)"),
        (lambda g, A, v: np.outer(g, A @ v), "It is wrong", "不对"),
    ],
    "9.4": [
        (lambda g, X: g[:, None], "It has shape (3, 1)", "形状是 (3, 1)"),
        (lambda g, X: g, "It has shape (3,)", "形状是 (3,)"),
        (lambda g, X: np.ones((3, 4)), "each row is multiplied with its g", "每一行还要乘以它的 g"),
        (lambda g, X: np.repeat(g, 4).reshape(4, 3).T, "It is wrong", "不对"),
        (lambda g, X: np.repeat(g, 4).reshape(3, 4).T, "It is transposed", "转置"),
        (lambda g, X: np.broadcast_to(g, X.shape), "There is an error", "出错"),
        (lambda g, X: -np.repeat(g[:, None], 4, axis=1), "The sign is turned", "符号反了"),
        (lambda g, X: np.repeat(g[:, None], 4, axis=1) / 4, "the mean of each row", "取平均的规则"),
    ],
    "9.5": [
        (lambda g, x: g * softmax(x) * (1 - softmax(x)), "the path from x_i to out_i alone", "只是从 x_i 到 out_i 的路径"),
        (lambda g, x: g * softmax(x), "the path through the numerator alone", "只是经过分子的路径"),
        (lambda g, x: softmax(x) * (g - np.mean(g * softmax(x))), "not the mean", "不是平均"),
        (lambda g, x: -softmax(x) * (g - np.sum(g * softmax(x))), "The sign is turned", "符号反了"),
        (lambda g, x: softmax(x) * (1 - softmax(x)), "It is wrong: for g = ", "当 g = "),
    ],
    "9.6": [
        (lambda g, shape: g, "still has the shape (4, 3) of g", "形状仍是 g 的 (4, 3)"),
        (only_added, "For g.shape = (4, 3), shape = (4, 1)", "g.shape = (4, 3), shape = (4, 1) 时"),
        (without_keeping, "keepdims=True", "keepdims=True"),
        (averaged, "not averaged", "不是取平均"),
        (first_row, "none of them may be left out", "不能漏掉"),
        (from_the_right, "along the wrong axis", "求和的轴错了"),
        (lambda g, shape: np.zeros(7), "sum over both kinds", "两种轴都要求和"),
        (lambda g, shape: np.full(shape, 1e3), "not the sums of g", "不是 g 的和"),
        (lambda g, shape: None, "Not answered yet", "还没有作答"),
    ],
}


def row_by_row(g, X):
    out = np.empty(X.shape)
    for row, each in enumerate(g):
        out[row] = each
    return out


def by_the_matrix_of_slopes(g, x):
    s = softmax(x)
    return (np.diag(s) - np.outer(s, s)) @ g


def axis_by_axis(g, shape):
    while len(g.shape) > len(shape):
        g = g.sum(axis=0)
    for axis, length in enumerate(shape):
        if g.shape[axis] != length:
            g = g.sum(axis=axis, keepdims=True)
    return g


RIGHT = {
    "9.1": lambda g, x: 0.5 * g * x**-0.5,
    "9.2": lambda g, a, b: g * -(a / b) / b,
    "9.3": lambda g, A, v: g[:, np.newaxis] * v,
    "9.4": row_by_row,
    "9.5": by_the_matrix_of_slopes,
    "9.6": axis_by_axis,
}
