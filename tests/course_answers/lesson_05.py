"""Wrong answers to the exercises of lesson 5, each with a part of what is said of it."""

import numpy as np


def epoch_that_returns_at_once(theta, eta, xs, ts):
    for x, t in zip(xs, ts, strict=True):
        return theta - eta * (theta * x - t) * x
    return theta


def epoch_whose_gradients_are_all_at_the_start(theta, eta, xs, ts):
    new = theta
    for x, t in zip(xs, ts, strict=True):
        new = new - eta * (theta * x - t) * x
    return new


def epoch_uphill(theta, eta, xs, ts):
    for x, t in zip(xs, ts, strict=True):
        theta += eta * (theta * x - t) * x
    return theta


def epoch_without_x(theta, eta, xs, ts):
    for x, t in zip(xs, ts, strict=True):
        theta -= eta * (theta * x - t)
    return theta


def epoch_that_returns_nothing(theta, eta, xs, ts):
    theta = theta - eta * np.mean((theta * xs - ts) * xs)


def batch_one_after_the_other(theta, eta, xs, ts, rows):
    for row in rows:
        theta = theta - eta * (theta * xs[row] - ts[row]) * xs[row]
    return theta


WRONG = {
    "5.1": [
        (lambda theta, xs, ts: np.mean((ts - theta * xs) * xs), "sign is turned", "符号"),
        (lambda theta, xs, ts: np.sum((theta * xs - ts) * xs), "mean", "平均"),
        (lambda theta, xs, ts: (theta * xs - ts) * xs / len(xs), "sum over the 5 samples is missing", "缺少对 5 个样本求和"),
        (lambda theta, xs, ts: 2 * np.mean((theta * xs - ts) * xs), "factor", "因子"),
        (lambda theta, xs, ts: 0.5 * np.mean((theta * xs - ts) * xs), "factor", "因子"),
        (lambda theta, xs, ts: np.mean((0.4 * xs - ts) * xs), "at the given point only", "只在给定的点上"),
    ],
    "5.2": [
        (lambda theta, eta, xs, ts: theta - eta * np.mean((theta * xs - ts) * xs), "one step with the full batch", "整个数据集"),
        (epoch_whose_gradients_are_all_at_the_start, "with which the epoch began", "epoch 开始时"),
        (epoch_that_returns_at_once, "Is the return inside the loop", "循环里面"),
        (epoch_uphill, "uphill", "上坡"),
        (epoch_without_x, "lacks the factor x", "缺少因子 x"),
        (epoch_that_returns_nothing, "Not answered yet", "还没有作答"),
        (lambda theta, eta, xs, ts: theta + 1, "but should return", "应为"),
    ],
    "5.3": [
        (280, "last batch of each epoch", "最后一个 batch"),
        (281, "does not reach over the end of an epoch", "不会跨过 epoch"),
        (29, "That is one epoch", "一个 epoch 的步数"),
        (17970, "A step uses 64", "一步要用 64"),
        (17970 / 64, "whole number", "整数"),
        (300, "too large", "太大"),
    ],
    "5.4": [
        (1.7288, "to the other side", "另一边"),
        (0.17288, "not the sum", "不是总和"),
        (0.86, "Almost: write more digits than in 0.86.", "0.86 的位数不够"),
        (1.0084, "square of the mean", "平均值平方"),
        (1.15688, "That is A", "这是 A"),
        (0.5, "too small", "太小"),
    ],
    "5.5": [
        (1.7288, "bound for the full batch", "整个数据集时的界限"),
        (0.390625, "lands exactly on its own", "正好落在"),
        (13.85, "largest of the five bounds", "最大的"),
        (1.25, "x squared", "平方"),
    ],
    "5.6": [
        (
            lambda theta, eta, xs, ts, rows: theta - eta * np.sum((theta * xs[rows] - ts[rows]) * xs[rows]),
            "Take their mean",
            "取平均值",
        ),
        (
            lambda theta, eta, xs, ts, rows: theta - eta * np.sum((theta * xs[rows] - ts[rows]) * xs[rows]) / len(xs),
            "those of the batch",
            "batch 的样本上",
        ),
        (lambda theta, eta, xs, ts, rows: theta - eta * np.mean((theta * xs - ts) * xs), "All samples were used", "用了全部样本"),
        (batch_one_after_the_other, "several steps", "好几步"),
        (lambda theta, eta, xs, ts, rows: theta + eta * np.mean((theta * xs[rows] - ts[rows]) * xs[rows]), "uphill", "上坡"),
        (lambda theta, eta, xs, ts, rows: theta - eta * (theta * xs[rows] - ts[rows]) * xs[rows], "shape", "形状"),
    ],
}


def epoch(theta, eta, xs, ts):
    for i in range(len(xs)):
        y = theta * xs[i]
        theta += eta * (ts[i] - y) * xs[i]
    return theta


def step(theta, eta, xs, ts, rows):
    gradients = [(theta * xs[row] - ts[row]) * xs[row] for row in rows]
    return theta - eta * sum(gradients) / len(rows)


RIGHT = {
    "5.1": lambda theta, xs, ts: (theta * xs @ xs - xs @ ts) / len(xs),
    "5.2": epoch,
    "5.3": 290,
    "5.4": 0.864,
    "5.5": 0.78125,
    "5.6": step,
}
