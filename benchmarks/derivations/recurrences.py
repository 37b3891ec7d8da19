"""The classics with a recurrence: what a network carries along a sequence, a step of integration, an estimate of a state.

By hand their gradients are loops, too: the states that the way back needs are kept, and walked through from the last one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.derivations.classic import Classic
from tinygrad_edu import sigmoid

_rng = np.random.default_rng(1)


def recurrent(W: Any, U: Any, b: Any, X: Any, target: Any) -> Any:
    h = np.zeros(len(b))
    for i in range(len(X)):
        h = np.tanh(W @ h + U @ X[i] + b)
    residual = h - target
    return np.sum(residual**2)


def recurrent_by_hand(W: Any, U: Any, b: Any, X: Any, target: Any) -> Any:
    h = [np.zeros(len(b))]
    for i in range(len(X)):
        h.append(np.tanh(W @ h[i] + U @ X[i] + b))
    residual = h[-1] - target
    loss = np.sum(residual**2)
    d_W = np.zeros_like(W)
    d_U = np.zeros_like(U)
    d_b = np.zeros_like(b)
    d_h = 2 * residual
    for i in reversed(range(len(X))):
        d_a = d_h * (1 - h[i + 1] ** 2)
        d_W += np.outer(d_a, h[i])
        d_U += np.outer(d_a, X[i])
        d_b += d_a
        d_h = W.T @ d_a
    return loss, (d_W, d_U, d_b)


def lstm(W: Any, U: Any, b: Any, X: Any, target: Any) -> Any:
    h = c = np.zeros(len(target))
    for x in X:
        i, f, o, g = np.split(W @ h + U @ x + b, 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
    return np.sum((h - target) ** 2)


def lstm_by_hand(W: Any, U: Any, b: Any, X: Any, target: Any) -> Any:
    h = np.zeros(len(target))
    c = np.zeros(len(target))
    steps = []
    for x in X:
        before = h, c
        i, f, o, g = np.split(W @ h + U @ x + b, 4)
        i, f, o, g = sigmoid(i), sigmoid(f), sigmoid(o), np.tanh(g)
        c = f * c + i * g
        tanh = np.tanh(c)
        h = o * tanh
        steps.append((x, *before, i, f, o, g, tanh))
    residual = h - target
    loss = np.sum(residual**2)
    d_W = np.zeros_like(W)
    d_U = np.zeros_like(U)
    d_b = np.zeros_like(b)
    d_h = 2 * residual
    d_c = np.zeros(len(target))
    for x, h, c, i, f, o, g, tanh in reversed(steps):
        d_c = d_c + d_h * o * (1 - tanh**2)
        d_i = d_c * g * i * (1 - i)
        d_f = d_c * c * f * (1 - f)
        d_o = d_h * tanh * o * (1 - o)
        d_g = d_c * i * (1 - g**2)
        d_z = np.concatenate([d_i, d_f, d_o, d_g])
        d_W += np.outer(d_z, h)
        d_U += np.outer(d_z, x)
        d_b += d_z
        d_h = W.T @ d_z
        d_c = d_c * f
    return loss, (d_W, d_U, d_b)


def rk4_fit(A: Any, y: Any, observed: Any, dt: Any) -> Any:
    loss = 0.0
    for target in observed:
        k1 = A @ np.tanh(y)
        k2 = A @ np.tanh(y + dt / 2 * k1)
        k3 = A @ np.tanh(y + dt / 2 * k2)
        k4 = A @ np.tanh(y + dt * k3)
        y = y + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        loss = loss + np.sum((y - target) ** 2)
    return loss


def rk4_fit_by_hand(A: Any, y: Any, observed: Any, dt: Any) -> Any:
    loss = 0.0
    steps = []
    for target in observed:
        t1 = np.tanh(y)
        k1 = A @ t1
        t2 = np.tanh(y + dt / 2 * k1)
        k2 = A @ t2
        t3 = np.tanh(y + dt / 2 * k2)
        k3 = A @ t3
        t4 = np.tanh(y + dt * k3)
        k4 = A @ t4
        y = y + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        residual = y - target
        loss += np.sum(residual**2)
        steps.append((t1, t2, t3, t4, residual))
    d_A = np.zeros_like(A)
    d_y = np.zeros_like(y)
    for t1, t2, t3, t4, residual in reversed(steps):
        d_y = d_y + 2 * residual
        d_k4 = dt / 6 * d_y
        d_4 = A.T @ d_k4 * (1 - t4**2)
        d_k3 = dt / 3 * d_y + dt * d_4
        d_3 = A.T @ d_k3 * (1 - t3**2)
        d_k2 = dt / 3 * d_y + dt / 2 * d_3
        d_2 = A.T @ d_k2 * (1 - t2**2)
        d_k1 = dt / 6 * d_y + dt / 2 * d_2
        d_1 = A.T @ d_k1 * (1 - t1**2)
        d_A += np.outer(d_k1, t1) + np.outer(d_k2, t2) + np.outer(d_k3, t3) + np.outer(d_k4, t4)
        d_y = d_y + d_1 + d_2 + d_3 + d_4
    return loss, (d_A,)


def kalman_filter(F: Any, q: Any, r: Any, H: Any, observed: Any) -> Any:
    m = np.zeros(len(H))
    P = np.eye(len(H))
    loss = 0.0
    for y in observed:
        m = F @ m
        P = F @ P @ F.T + q * np.eye(len(H))
        S = H @ P @ H + r
        e = y - H @ m
        K = P @ H / S
        m = m + K * e
        P = P - np.outer(K, H @ P)
        loss = loss + 0.5 * (np.log(S) + e**2 / S)
    return loss


def kalman_filter_by_hand(F: Any, q: Any, r: Any, H: Any, observed: Any) -> Any:
    m = np.zeros(len(H))
    P = np.eye(len(H))
    loss = 0.0
    steps = []
    for y in observed:
        before = m, P
        m = F @ m
        P = F @ P @ F.T + q * np.eye(len(H))
        PH = P @ H
        S = H @ PH + r
        e = y - H @ m
        K = PH / S
        m = m + K * e
        P = P - np.outer(K, PH)
        loss += 0.5 * (np.log(S) + e**2 / S)
        steps.append((*before, PH, S, e, K))
    d_F = np.zeros_like(F)
    d_q = 0.0
    d_r = 0.0
    d_m = np.zeros_like(m)
    d_P = np.zeros_like(P)
    for m, P, PH, S, e, K in reversed(steps):
        d_K = e * d_m - d_P @ PH
        d_e = K @ d_m + e / S
        d_PH = d_K / S - d_P.T @ K
        d_S = (0.5 - K @ d_K - 0.5 * e**2 / S) / S
        d_r += d_S
        d_PH += d_S * H
        d_P = d_P + np.outer(d_PH, H)
        d_m = d_m - d_e * H
        d_q += np.trace(d_P)
        d_F += np.outer(d_m, m) + (d_P + d_P.T) @ F @ P
        d_m = F.T @ d_m
        d_P = F.T @ d_P @ F
    return loss, (d_F, d_q, d_r)


def _normal(*shape: int) -> Any:
    return _rng.normal(size=shape)


_turning = np.array([[0.95, 0.3], [-0.3, 0.95]])

RECURRENCES = [
    Classic(
        "A recurrent network", recurrent, recurrent_by_hand, 3,
        (0.5 * _normal(8, 8), _normal(8, 4), _normal(8), _normal(50, 4), _normal(8)),
    ),
    Classic(
        "An LSTM", lstm, lstm_by_hand, 3,
        (0.5 * _normal(24, 6), _normal(24, 3), _normal(24), _normal(50, 3), _normal(6)),
        "By hand a tuple holds all that the way back needs of a step. The derived source keeps a list of each thing, which takes\n"
        "two lines, and puts the gradient for `np.split` together part by part.",
    ),
    Classic(
        "A fit of a differential equation, by Runge and Kutta", rk4_fit, rk4_fit_by_hand, 1,
        (_normal(3, 3), _normal(3), _normal(50, 3), 0.1),
        "By hand a tuple holds the four stages of a step; the derived source keeps a list of each.",
    ),
    Classic(
        "The likelihood of a Kalman filter", kalman_filter, kalman_filter_by_hand, 3,
        (_turning, 0.1, 0.5, np.array([1.0, 0.0]), _normal(50)),
        "By hand a tuple holds all that the way back needs of a step; the derived source keeps a list of each thing. It also\n"
        "takes the last step out of the loop on the way back, since no gradient comes to its estimate from a later one.",
    ),
]  # fmt: skip
