"""Wrong answers to the exercises of lesson 7, each with a part of what is said of them."""

import numpy as np


def output(z):
    return np.where(z > 0, 1.0, 0.0)


def train_and_count_each_look(w, b, X, t, eta):
    looks = 0
    while True:
        looks += 1
        error = output(X @ w + b) - t
        if not error.any():
            return w, b, looks
        w, b = w - eta * error @ X, b - eta * error.sum()


def train_with_means(w, b, X, t, eta):
    updates = 0
    while (error := output(X @ w + b) - t).any():
        w, b = w - eta * error @ X / len(X), b - eta * error.mean()
        updates += 1
    return w, b, updates


def train_once(w, b, X, t, eta):
    error = output(X @ w + b) - t
    return w - eta * error @ X, b - eta * error.sum(), 1


def train_without_bias(w, b, X, t, eta):
    updates = 0
    while (error := output(X @ w + b) - t).any() and updates < 100:
        w = w - eta * error @ X
        updates += 1
    return w, b, updates


def train_without_counting(w, b, X, t, eta):
    return train_and_count_each_look(w, b, X, t, eta)[:2]


WRONG = {
    "7.1": [
        ([-0.5, 1.5, 0.75, 1.75], "bias b = 0.25 is missing", "漏了偏置"),
        ([0, 1, 1, 1], "These are the outputs", "这些是输出"),
        ([-0.25, 1.75, 1, 1.75], "misprint", "印错"),
        ([0.25, -1.75, -1, -2], "sign is turned", "符号反了"),
        ([-0.25, 1.75, 1], "shape", "形状"),
    ],
    "7.2": [
        (lambda w, b, X, t: X.T @ (t - output(X @ w + b)), "sign is turned", "符号反了"),
        (lambda w, b, X, t: (output(X @ w + b) - t)[:, None] * X, "sum over the 4 samples is missing", "缺少对 4 个样本求和"),
        (lambda w, b, X, t: X.T @ (output(X @ w + b) - t) / len(X), "mean", "平均"),
        (lambda w, b, X, t: X @ (output(X @ w + b) - t), "The shapes are: w (2,), b (), X (4, 2), t (4,).", "形状：w (2,)"),
        (lambda w, b, X, t: np.sum(output(X @ w + b) - t), "shape", "形状"),
        (lambda w, b, X, t: X.T @ (output(X @ w) - t), "The bias b is missing", "漏了偏置 b"),
        (lambda w, b, X, t: X.T @ ((X @ w + b >= 0) - t), "where z is exactly 0", "z 恰好为 0 时"),
        (lambda w, b, X, t: X.T @ (X @ w + b - t), "not with the logits z", "不是 logit z"),
    ],
    "7.3": [
        (lambda W, b, X, T: (output(X @ W + b) - T).T @ X, "transposed", "转置"),
        (lambda W, b, X, T: X.T @ (T - output(X @ W + b)), "sign is turned", "符号反了"),
        (lambda W, b, X, T: X.T @ (output(X @ W + b) - T) / 4, "mean", "平均"),
        (lambda W, b, X, T: X.T @ ((X @ W + b >= 0) - T), "exactly 0", "恰好为 0 时"),
        (lambda W, b, X, T: X.T @ (output(X @ W) - T), "The biases b are missing", "漏了偏置 b"),
        (lambda W, b, X, T: X @ (output(X @ W + b) - T), "The shapes are: W (2, 3), b (3,), X (4, 2), T (4, 3).", "形状：W (2, 3)"),
    ],
    "7.4": [
        (train_and_count_each_look, "One too many", "多数了一次"),
        (train_with_means, "averaged", "取了平均"),
        (train_once, "single update", "只更新了一次"),
        (train_without_bias, "result 1 of 3 is", "应为"),
        (train_without_counting, "must return 3 results", "应返回 3 个结果"),
    ],
    "7.5": [
        ([1, 1, 0], "it takes 5 updates", "需要 5 次更新"),
        ([-0.5, 0.5, -0.5], "it takes 0 updates", "需要 0 次更新"),
        ([100, 0, 0], "none of them beyond 10", "都不超过 10"),
        ([5, 5], "should have shape (3,), 3 numbers", "应为 (3,)，即 3 个数"),
    ],
    "7.6": [
        ([True, True, True, True], "One of the four cannot", "有一组不能分开"),
        ([True, True, False, False], "Look at 4 again", "再看看 4"),
        ([False, False, True, False], "Turned round", "反了"),
        ([True, False, False, True], "1 of 4", "4 个数里错了 1 个"),
        ([1, 1, 0, 1], "an array of True and False of shape (4,)", "由 True 和 False 组成、形状为 (4,) 的数组"),
        ([1, 1, 0, 1], "Write True or False in place of the numbers", "请把数换成 True 或 False"),
    ],
}


def gradient_by_loops(w, b, X, t):
    total = np.zeros(len(w))
    for x, truth in zip(X, t, strict=True):
        total -= (truth - (1 if x @ w + b > 0 else 0)) * x
    return total


def train_by_loops(w, b, X, t, eta):
    updates = 0
    while True:
        errors = [truth - (1 if x @ w + b > 0 else 0) for x, truth in zip(X, t, strict=True)]
        if not any(errors):
            return w, b, updates
        for error, x in zip(errors, X, strict=True):
            w, b = w + eta * error * x, b + eta * error
        updates += 1


RIGHT = {
    "7.1": [-0.25, 1.75, 1, 2],
    "7.2": gradient_by_loops,
    "7.3": lambda W, b, X, T: np.einsum("ni,nj->ij", X, (X @ W + b > 0) - T),
    "7.4": train_by_loops,
    "7.5": [10, 0, 0],
    "7.6": [True, True, False, True],
}
