"""Wrong answers to the exercises of lesson 2, each with a part of what is to be said of it."""

import numpy as np

WRONG = {
    "2.1": [
        (lambda theta, x, t: (t - theta * x) ** 2, "half of it is asked for", "还要取一半"),
        (lambda theta, x, t: 0.5 * (t - theta * x), "That is half of the error.", "这是误差的一半"),
        (lambda theta, x, t: ((t - theta * x) / 2) ** 2, "The ½ has been squared, too", "½ 也被平方了"),
        (lambda theta, x, t: 0.5 * np.abs(t - theta * x), "is not its square", "误差的大小不是误差的平方"),
        (lambda theta, x, t: t**2 / 2 - (theta * x) ** 2 / 2, "not the difference of the squares", "不等于平方的差"),
        (lambda theta, x, t: (t - theta) ** 2 / 2, "θ is not the output", "θ 不是输出"),
        (lambda theta, x, t: -0.5 * (t - theta * x) ** 2, "The sign is turned.", "符号反了。"),
    ],
    "2.2": [
        ((9, -36, 36), "That is (t − y)².", "这是 (t − y)²。"),
        ((4.5, 18, 18), "The middle term has a minus", "中间一项是负的"),
        ((4.5, -9, 18), "Half of it is −ty", "取一半是 −ty"),
        ((4.5, -36, 18), "has not been halved", "没有取一半"),
        ((18, -18, 4.5), "The order is turned round", "顺序反了"),
        ((4.5, -18, 36), "1 of 3 numbers differ", "3 个数里错了 1 个"),
        ((4.5, -18), "It has shape (2,)", "形状是 (2,)"),
    ],
    "2.3": [
        (2.5, "The sign is turned.", "符号反了。"),
        (-0.4, "That is x / t.", "这是 x / t。"),
        (0, "0 is the smallest loss.", "0 是最小的损失。"),
        (-10, "That is tx.", "这是 tx。"),
    ],
    "2.4": [
        (3, "three times as large, but the loss squares it", "误差是三倍，但损失要平方"),
        (-3, "−3 times as large, but", "误差是 −3 倍"),
        (-9, "A square is not negative.", "平方不会是负数。"),
        (6, "3 is to be squared, not doubled.", "3 要平方，不是乘 2。"),
        (4.5, "The ½ stands in both losses", "两个损失里都有 ½"),
    ],
    "2.5": [
        (lambda theta, xs, ts: np.sum((ts - theta * xs) ** 2) / 2, "That is the sum of the losses.", "这是损失之和"),
        (lambda theta, xs, ts: np.mean((ts - theta * xs) ** 2), "half of it is asked for", "还要取一半"),
        (lambda theta, xs, ts: np.mean(ts - theta * xs) ** 2 / 2, "First the mean, then the square", "先平均再平方"),
        (lambda theta, xs, ts: 0.5 * (ts - theta * xs) ** 2, "It has shape (4,)", "形状是 (4,)"),
    ],
    "2.6": [
        (lambda x, t, q: (x**2 / 2, -t * x, t**2 / 2), "q is missing", "漏了 q"),
        (lambda x, t, q: (x**2 / 2, -(t + q) * x, (t + q) ** 2 / 2), "The sign of q", "q 的符号"),
        (lambda x, t, q: (x**2 / 2, (t - q) * x, (t - q) ** 2 / 2), "The middle term has a minus", "中间一项是负的"),
        (lambda x, t, q: (x**2 / 2, -t * x, t**2 / 2 + q), "the output is", "加 q 的是输出"),
        (lambda x, t, q: (x**2 / 2, -(t - q) * x, t**2 / 2), "a and b are right", "a 和 b 对了"),
        (lambda x, t, q: x**2 / 2, "It must return 3 results", "应返回 3 个结果"),
    ],
}

RIGHT = {
    "2.1": lambda theta, x, t: (t**2 - 2 * t * theta * x + theta**2 * x**2) / 2,
    "2.2": (4.5, -18, 18),
    "2.3": -2.5,
    "2.4": 9,
    "2.5": lambda theta, xs, ts: sum((t - theta * x) ** 2 for x, t in zip(xs, ts, strict=True)) / (2 * len(xs)),
    "2.6": lambda x, t, q: (x * x / 2, x * q - x * t, (t - q) * (t - q) / 2),
}
