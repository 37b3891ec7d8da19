"""Wrong answers to the exercises of lesson 1, each with a part of what is to be said of it."""

import numpy as np


def one_where_yes(x, w, b):
    if w @ x + b > 0:
        return 1
    return None


WRONG = {
    "1.1": [
        (0.8, "That is the output y.", "这是输出 y。"),
        (-0.48, "The sign is turned.", "符号反了。"),
        (-0.32, "That is t − x.", "这是 t − x。"),
        (0.64, "That is θt.", "这是 θt。"),
        (0.5, "0.5 is too large.", "0.5 太大了。"),
    ],
    "1.2": [
        (lambda theta, xs, ts: theta * xs - ts, "That is y − t.", "这是 y − t。"),
        (lambda theta, xs, ts: abs(ts - theta * xs), "no absolute value here", "不取绝对值"),
        (lambda theta, xs, ts: theta * xs, "These are the outputs.", "这些是输出。"),
        (lambda theta, xs, ts: sum(ts - theta * xs), "It has shape ()", "形状是 ()"),
        (lambda theta, xs, ts: ts - 0.5 * xs, "It is wrong: for theta = ", "当 theta = "),
    ],
    "1.3": [
        (1.25, "That is x / t", "这是 x / t"),
        (5.0, "That is x · t.", "这是 x · t。"),
        (-0.5, "That is t − x.", "这是 t − x。"),
        (0.4, "The factor 2 is missing.", "缺少因子 2。"),
    ],
    "1.4": [
        (lambda x, w, b: 1 if w @ x + b >= 0 else 0, "where z is exactly 0", "z 恰好为 0 时"),
        (lambda x, w, b: 1 if w @ x > 0 else 0, "The bias b is missing", "漏了偏置 b"),
        (lambda x, w, b: w @ x + b, "That is z.", "这是 z"),
        (lambda x, w, b: 0 if w @ x + b >= 0 else 1, "Turned round", "反了"),
        (lambda x, w, b: np.where(w * x + b > 0, 1, 0), "It has shape (2,)", "形状是 (2,)"),
        (one_where_yes, "a way through the function without `return`", "没有走到 `return`"),
    ],
    "1.5": [
        ((1, 1, 0), "For the inputs (0, 1) the sum is z = 1", "输入为 (0, 1) 时，z = 1"),
        ((1, 1, 0.5), "For the inputs (0, 0) the sum is z = 0.5", "输入为 (0, 0) 时，z = 0.5"),
        ((1, 1, -2), "For the inputs (1, 1) the sum is z = 0", "输入为 (1, 1) 时，z = 0"),
        ((1, 1), "should have shape (3,), 3 numbers", "应为 (3,)，即 3 个数"),
        (("1", "1", "-1.5"), "It must be an array of shape (3,), 3 numbers", "形状为 (3,) 的数组，即 3 个数"),
        (((1, 1), -1.5), "without brackets in between", "中间不要加括号"),
    ],
}


def step_neuron(x, w, b):
    total = b
    for one, weight in zip(x, w, strict=True):
        total += one * weight
    if total > 0:
        return 1
    return 0


RIGHT = {
    "1.1": 0.48,
    "1.2": lambda theta, xs, ts: np.array([t - theta * x for x, t in zip(xs, ts, strict=True)]),
    "1.3": 0.8,
    "1.4": step_neuron,
    "1.5": (1, 1, -1.5),
}
