"""Wrong answers to the exercises of lesson 12, each with words of its diagnosis in English and Chinese."""

import numpy as np

from tinygrad_edu.primitives.elementwise import sigmoid


def _one_step(X, t, w):
    return X.T @ (X @ w - t) / len(t)


def _uphill(X, t, w, eta, steps):
    for _ in range(steps):
        w = w + eta * _one_step(X, t, w)
    return w


def _summed(X, t, w, eta, steps):
    for _ in range(steps):
        w = w - eta * len(t) * _one_step(X, t, w)
    return w


def _returns_in_the_loop(X, t, w, eta, steps):
    return w - eta * _one_step(X, t, w)


def _stays(X, t, w, eta, steps):
    return w


def _layers(W, b, v, c, X, t):
    H = np.tanh(X @ W + b)
    return H, sigmoid(H @ v + c) - t


def _no_slope(W, b, v, c, X, t):
    _, d = _layers(W, b, v, c, X, t)
    return X.T @ (d[:, None] * v) / len(t)


def _no_mean(W, b, v, c, X, t):
    H, d = _layers(W, b, v, c, X, t)
    return X.T @ (d[:, None] * v * (1 - H**2))


def _no_weights(W, b, v, c, X, t):
    H, d = _layers(W, b, v, c, X, t)
    return X.T @ (d[:, None] * (1 - H**2)) / len(t)


def _transposed(W, b, v, c, X, t):
    H, d = _layers(W, b, v, c, X, t)
    return (d[:, None] * v * (1 - H**2)).T @ X / len(t)


def _means(g, m, s):
    return 0.9 * m + 0.1 * g, 0.999 * s + 0.001 * g**2


def _uncorrected(theta, g, m, s, k, eta):
    m, s = _means(g, m, s)
    return theta - eta * m / (np.sqrt(s) + 1e-8), m, s


def _without_root(theta, g, m, s, k, eta):
    m, s = _means(g, m, s)
    return theta - eta * (m / (1 - 0.9**k)) / (s / (1 - 0.999**k) + 1e-8), m, s


def _overwrites(theta, g, m, s, k, eta):
    m, s = _means(g, m, s)
    m, s = m / (1 - 0.9**k), s / (1 - 0.999**k)
    return theta - eta * m / (np.sqrt(s) + 1e-8), m, s


def _theta_alone(theta, g, m, s, k, eta):
    return _uncorrected(theta, g, m, s, k, eta)[0]


def _always_zero(X, t):
    return lambda X: np.zeros(len(X), int)


def _by_heart(X, t):
    known = {tuple(x): label for x, label in zip(X.round(6).tolist(), t.tolist(), strict=True)}

    def predict(points):
        lucky = np.random.default_rng(0).random(len(points)) < 0.5
        guesses = np.where(lucky, _nearest(X, t, points), 0)
        return np.array([known.get(tuple(x), guess) for x, guess in zip(points.round(6).tolist(), guesses.tolist(), strict=True)])

    return predict


def _nearest(X, t, points):
    return t[np.argmin(np.sum((points[:, None] - X) ** 2, axis=2), axis=1)]


def _lines(X, t):
    weights = np.linalg.lstsq(np.c_[X, np.ones(len(X))], np.eye(3)[t], rcond=None)[0]
    return lambda points: np.argmax(np.c_[points, np.ones(len(points))] @ weights, axis=1)


def _probabilities(X, t):
    return lambda points: np.full((len(points), 3), 1 / 3)


def _often_right(X, t):
    def predict(points):
        wrong = np.random.default_rng(0).random(len(points)) < 0.12
        return (_nearest(X, t, points) + wrong) % 3

    return predict


def _without_epsilon(theta, g, m, s, k, eta):
    m, s = 0.9 * m + 0.1 * g, 0.999 * s + 0.001 * g**2
    return theta - eta * m / (1 - 0.9**k) / np.sqrt(s / (1 - 0.999**k)), m, s


def _old_means(theta, g, m, s, k, eta):
    return adam(theta, g, m, s, k, eta)[0], m, s


WRONG = {
    "12.1": [
        (_uphill, "It goes uphill", "方向反了"),
        (_summed, "The mean is missing", "缺少求平均"),
        (_returns_in_the_loop, "inside of the loop", "写进了循环里"),
        (_stays, "It is wrong", "不对"),
    ],
    "12.2": [
        (_no_slope, "The derivative of tanh is missing", "缺少 tanh 的导数"),
        (_no_mean, "The mean is missing: divide by the 6 samples", "缺少求平均"),
        (_no_weights, "The factor v is missing", "缺少因子 v"),
        (_transposed, "It is transposed", "转置了"),
    ],
    "12.3": [
        (16777217, "right in double precision", "双精度下是这样"),
        (0, "too small", "太小"),
    ],
    "12.4": [
        (_uncorrected, "The correction is missing", "缺少修正"),
        (_without_root, "The root of ŝ is missing", "缺少对 ŝ 开方"),
        (_overwrites, "Return m and s themselves", "应返回 m 和 s 本身"),
        (_theta_alone, "3 results", "3 个结果"),
        (_without_epsilon, "10⁻⁸ is missing", "缺少 10⁻⁸"),
        (_old_means, "result 2 of 3 is", "第 2 个结果（共 3 个）"),
    ],
    "12.5": [
        (_always_zero, "guessing gives 33%", "乱猜也有 33%"),
        (_by_heart, "it learns them by heart", "死记硬背"),
        (_lines, "about what straight lines can do", "与几条直线的水平差不多"),
        (_often_right, "You are nearly there", "快了"),
        (_probabilities, "a label for each row", "为每一行返回一个标签"),
        (lambda X, t: 0.97, "must return a function", "应返回一个函数"),
    ],
}


def train_by_loops(X, t, w, eta, steps):
    w = [*w]
    for _ in range(steps):
        errors = [sum(a * b for a, b in zip(x, w, strict=True)) - truth for x, truth in zip(X, t, strict=True)]
        slopes = [sum(error * x[j] for error, x in zip(errors, X, strict=True)) / len(t) for j in range(len(w))]
        w = [weight - eta * slope for weight, slope in zip(w, slopes, strict=True)]
    return np.array(w)


def through_the_layer(W, b, v, c, X, t):
    gradient = np.zeros(W.shape)
    for x, truth in zip(X, t, strict=True):
        h = np.tanh(x @ W + b)
        y = 1 / (1 + np.exp(-(h @ v + c)))
        gradient += np.outer(x, (y - truth) * v * (1 - h * h)) / len(t)
    return gradient


def adam(theta, g, m, s, k, eta):
    m, s = m + 0.1 * (g - m), s + 0.001 * (g**2 - s)
    return theta - eta * (m / (1 - 0.9**k)) / (1e-8 + np.sqrt(s / (1 - 0.999**k))), m, s


def by_neighbours(X, t):
    def predict(asked):
        distances = ((asked[:, None, :] - X[None, :, :]) ** 2).sum(axis=2)
        return t[distances.argmin(axis=1)]

    return predict


RIGHT = {
    "12.1": train_by_loops,
    "12.2": through_the_layer,
    "12.3": 16777216,
    "12.4": adam,
    "12.5": by_neighbours,
}
