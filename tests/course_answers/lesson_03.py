"""Wrong answers to the exercises of lesson 3, each with a part of what is to be said of it."""

import numpy as np


def grows_only(theta, x, t):
    if theta * x > t:
        return x
    return None


WRONG = {
    "3.1": [
        (4, "That is the derivative at 5", "这是 5 处的导数"),
        (8, "That is L(6).", "这是 L(6)。"),
        (10, "The losses are subtracted", "两个损失要相减"),
        (-6, "The sign is turned.", "符号反了。"),
        (12, "The factor ½ is missing.", "缺少因子 ½。"),
    ],
    "3.2": [
        (lambda theta, x, t: (t - theta * x) * x, "The sign is turned", "符号反了"),
        (lambda theta, x, t: 2 * (theta * x - t) * x, "The factor ½ is missing.", "缺少因子 ½"),
        (lambda theta, x, t: 0.5 * (theta * x - t) * x, "The factor 2 is missing.", "缺少因子 2"),
        (lambda theta, x, t: theta * x - t, "The factor x is missing.", "缺少因子 x"),
        (lambda theta, x, t: t - theta * x, "The factor x is missing, and so is −1.", "缺少因子 x，符号也反了"),
        (lambda theta, x, t: (theta * x - t) * x**2, "There is x as a factor too many.", "多了因子 x"),
        (lambda theta, x, t: (theta * 2.0 - 8.0) * 2.0, "right at the given point only", "只在给定的点上正确"),
        (lambda theta, x, t: x**2 * theta, "It is wrong", "不对"),
        (lambda theta, x, t: 0.5 * (t - theta * x) ** 2, "That is the function itself", "这是函数本身"),
    ],
    "3.3": [
        (lambda theta, x, t: np.sign(t - theta * x) * x, "The sign is turned", "符号反了"),
        (lambda theta, x, t: -np.sign(t - theta * x), "The factor x is missing.", "缺少因子 x"),
        (lambda theta, x, t: -np.abs(t - theta * x) * x, "It is wrong", "不对"),
        (lambda theta, x, t: x, "It is right at the given point only", "只在给定的点上正确"),
        (grows_only, "a way through the function without `return`", "没有走到 `return`"),
    ],
    "3.4": [
        (lambda theta, b, x, t: t - theta * x - b, "The sign is turned", "符号反了"),
        (lambda theta, b, x, t: (theta * x + b - t) * x, "There is x as a factor too many.", "多了因子 x"),
        (lambda theta, b, x, t: 2 * (theta * x + b - t), "The factor ½ is missing.", "缺少因子 ½"),
        (lambda theta, b, x, t: theta * x - t, "The term 1·b is missing", "缺少一项 1·b"),
    ],
    "3.5": [
        (lambda theta, x, t: (theta**2 * x - t) * x, "The factor theta is missing, and so is 2.", "缺少因子 theta，还缺因子 2"),
        (lambda theta, x, t: (theta**2 * x - t) * theta * x, "The factor 2 is missing.", "缺少因子 2"),
        (lambda theta, x, t: (theta**2 * x - t) * 2 * theta, "The factor x is missing.", "缺少因子 x"),
        (lambda theta, x, t: (t - theta**2 * x) * 2 * theta * x, "The sign is turned", "符号反了"),
    ],
    "3.6": [
        (-0.1198, "That is the true change.", "这是真正的变化。"),
        (12, "That is the gradient.", "这是梯度。"),
        (0.12, "the loss falls when θ becomes smaller", "θ 减小时损失也减小"),
        (-0.01, "It is wrong: -0.01 is too large.", "-0.01 太大了。"),
    ],
}

RIGHT = {
    "3.1": 6,
    "3.2": lambda theta, x, t: theta * x**2 - t * x,
    "3.3": lambda theta, x, t: x if theta * x > t else -x,
    "3.4": lambda theta, b, x, t: theta * x + b - t,
    "3.5": lambda theta, x, t: 2 * x**2 * theta**3 - 2 * t * x * theta,
    "3.6": -0.12,
}
