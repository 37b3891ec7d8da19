"""Wrong answers to the exercises of lesson 6, each with a part of what is said of it."""

import numpy as np


def output(z):
    return 1.0 if z > 0 else 0.0


def update_the_wrong_way(w, b, x, t, eta):
    y = output(x @ w + b)
    return w - eta * (t - y) * x, b - eta * (t - y)


def update_of_w_alone(w, b, x, t, eta):
    y = output(x @ w + b)
    return w + eta * (t - y) * x, b


def update_without_x(w, b, x, t, eta):
    y = output(x @ w + b)
    return w + eta * (t - y), b + eta * (t - y)


def update_without_eta(w, b, x, t, eta):
    y = output(x @ w + b)
    return w + (t - y) * x, b + (t - y)


def update_with_the_logit(w, b, x, t, eta):
    z = x @ w + b
    return w + eta * (t - z) * x, b + eta * (t - z)


def update_that_says_yes_at_zero(w, b, x, t, eta):
    y = 1.0 if x @ w + b >= 0 else 0.0
    return w + eta * (t - y) * x, b + eta * (t - y)


def update_that_returns_w_alone(w, b, x, t, eta):
    return w + eta * (t - output(x @ w + b)) * x


WRONG = {
    "6.1": [
        ([2.0, 0.5, 0.5], "wrong way", "方向反了"),
        ([0.0, 1.5, 0.0], "b has to be updated", "b 也要更新"),
        ([-1, 2, -1], "learning rate is missing", "学习率"),
        ([0.5, 0.5, -0.5], "its own input", "自己的输入"),
        ([1, 1, 0], "Nothing has changed", "什么也没有变"),
        ([0.0, 1.5, ...], "Not answered yet", "还没有作答"),
        ([0.0, 1.5], "shape", "形状"),
        ([0.0, 1.25, -0.5], "1 of 3", "3 个数里错了 1 个"),
    ],
    "6.2": [
        (update_the_wrong_way, "wrong way", "方向反了"),
        (update_of_w_alone, "b has stayed", "b 没有更新"),
        (update_without_x, "lacks the factor x", "缺少因子 x"),
        (update_without_eta, "eta is missing", "漏了学习率"),
        (update_with_the_logit, "not with the logit", "不是 logit"),
        (update_that_says_yes_at_zero, "exactly 0", "恰好为 0"),
        (update_that_returns_w_alone, "must return 2 results", "应返回 2 个结果"),
    ],
    "6.3": [
        (lambda w, b, x, t: (t - output(x @ w + b)) * x, "sign is turned", "符号反了"),
        (lambda w, b, x, t: -(t - output(x @ w + b)), "shape", "形状"),
        (lambda w, b, x, t: -(t - output(x @ w + b)) * np.ones(2), "factor x is missing", "缺少因子 x"),
        (lambda w, b, x, t: -(t - (x @ w + b)) * x, "not with the logit z", "不是 logit z"),
        (lambda w, b, x, t: -(t - output(x @ w)) * x, "The bias b is missing", "漏了偏置 b"),
        (lambda w, b, x, t: -(t - (x @ w + b >= 0)) * x, "where z is exactly 0", "z 恰好为 0 时"),
        (lambda w, b, x, t: -t * x, "The output y is missing", "漏了输出 y"),
    ],
    "6.4": [
        (1.5 / 11.25, "bias is updated, too", "偏置也会更新"),
        (12.25 / 1.5, "Upside down", "颠倒"),
        (2 / 12.25, "bound of a parabola", "抛物线的界限"),
        (1.5, "So far is it to go", "需要走的距离"),
        (0.1, "too small", "太小"),
    ],
    "6.5": [
        ([1, 1], "takes 2 updates, not five", "需要 2 次更新"),
        ([3, 1], "takes 0 updates", "需要 0 次更新"),
        ([0, 2.2], "takes 6 updates", "需要 6 次更新"),
        ([0, 1, 2], "should have shape (2,), 2 numbers", "应为 (2,)，即 2 个数"),
        ([0, 200], "none of them beyond 100", "都不超过 100"),
    ],
}


def update(w, b, x, t, eta):
    answer = 1 if sum(w * x) + b > 0 else 0
    if answer < t:
        return w + eta * x, b + eta
    if answer > t:
        return w - eta * x, b - eta
    return w, b


RIGHT = {
    "6.1": [0, 1.5, -0.5],
    "6.2": update,
    "6.3": lambda w, b, x, t: (np.heaviside(w @ x + b, 0) - t) * x,
    "6.4": 1.5 / 12.25,
    "6.5": [0, 1.8],
}
