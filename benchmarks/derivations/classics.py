"""The classics without a recurrence: regressions, networks of few layers, what normalizes and attends, a Gaussian process."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.derivations.classic import Classic
from tinygrad_edu import logsumexp, sigmoid, softmax, softplus, step

_rng = np.random.default_rng(0)


def least_squares(w: Any, b: Any, X: Any, t: Any) -> Any:
    residual = X @ w + b - t
    return np.mean(residual**2)


def least_squares_by_hand(w: Any, b: Any, X: Any, t: Any) -> Any:
    residual = X @ w + b - t
    loss = np.mean(residual**2)
    d_residual = 2 / len(t) * residual
    d_w = X.T @ d_residual
    d_b = np.sum(d_residual)
    return loss, (d_w, d_b)


def ridge(w: Any, X: Any, t: Any, penalty: Any) -> Any:
    residual = X @ w - t
    return np.sum(residual**2) + penalty * np.sum(w**2)


def ridge_by_hand(w: Any, X: Any, t: Any, penalty: Any) -> Any:
    residual = X @ w - t
    loss = np.sum(residual**2) + penalty * np.sum(w**2)
    d_w = 2 * X.T @ residual + 2 * penalty * w
    return loss, (d_w,)


def logistic(w: Any, b: Any, X: Any, t: Any) -> Any:
    z = X @ w + b
    return np.mean(softplus(z) - t * z)


def logistic_by_hand(w: Any, b: Any, X: Any, t: Any) -> Any:
    z = X @ w + b
    loss = np.mean(softplus(z) - t * z)
    d_z = (sigmoid(z) - t) / len(t)
    d_w = X.T @ d_z
    d_b = np.sum(d_z)
    return loss, (d_w, d_b)


def softmax_regression(W: Any, b: Any, X: Any, classes: Any) -> Any:
    logits = X @ W + b
    losses = logsumexp(logits, axis=1) - logits[np.arange(len(classes)), classes]
    return np.mean(losses)


def softmax_regression_by_hand(W: Any, b: Any, X: Any, classes: Any) -> Any:
    logits = X @ W + b
    rows = np.arange(len(classes))
    losses = logsumexp(logits, axis=1) - logits[rows, classes]
    loss = np.mean(losses)
    d_logits = softmax(logits, axis=1) / len(classes)
    d_logits[rows, classes] -= 1 / len(classes)
    d_W = X.T @ d_logits
    d_b = np.sum(d_logits, axis=0)
    return loss, (d_W, d_b)


def perceptron(w: Any, b: Any, X: Any, t: Any) -> Any:
    z = X @ w + b
    return np.sum((step(z) - t) * z)


def perceptron_by_hand(w: Any, b: Any, X: Any, t: Any) -> Any:
    z = X @ w + b
    d_z = step(z) - t
    loss = np.sum(d_z * z)
    d_w = X.T @ d_z
    d_b = np.sum(d_z)
    return loss, (d_w, d_b)


def two_layers(W1: Any, b1: Any, W2: Any, b2: Any, X: Any, T: Any) -> Any:
    h = np.tanh(X @ W1 + b1)
    residual = h @ W2 + b2 - T
    return np.mean(residual**2)


def two_layers_by_hand(W1: Any, b1: Any, W2: Any, b2: Any, X: Any, T: Any) -> Any:
    h = np.tanh(X @ W1 + b1)
    residual = h @ W2 + b2 - T
    loss = np.mean(residual**2)
    d_residual = 2 / residual.size * residual
    d_a = d_residual @ W2.T * (1 - h**2)
    d_W1 = X.T @ d_a
    d_b1 = np.sum(d_a, axis=0)
    d_W2 = h.T @ d_residual
    d_b2 = np.sum(d_residual, axis=0)
    return loss, (d_W1, d_b1, d_W2, d_b2)


def batch_norm(X: Any, gamma: Any, beta: Any, T: Any) -> Any:
    centred = X - np.mean(X, axis=0)
    spread = np.sqrt(np.mean(centred**2, axis=0) + 1e-5)
    normal = centred / spread
    residual = gamma * normal + beta - T
    return np.mean(residual**2)


def batch_norm_by_hand(X: Any, gamma: Any, beta: Any, T: Any) -> Any:
    centred = X - np.mean(X, axis=0)
    spread = np.sqrt(np.mean(centred**2, axis=0) + 1e-5)
    normal = centred / spread
    residual = gamma * normal + beta - T
    loss = np.mean(residual**2)
    d_residual = 2 / residual.size * residual
    d_gamma = np.sum(d_residual * normal, axis=0)
    d_beta = np.sum(d_residual, axis=0)
    d_normal = d_residual * gamma
    shift = np.mean(d_normal, axis=0)
    stretch = np.mean(d_normal * normal, axis=0)
    d_X = (d_normal - shift - normal * stretch) / spread
    return loss, (d_X, d_gamma, d_beta)


def attention(Wq: Any, Wk: Any, Wv: Any, X: Any, T: Any) -> Any:
    Q, K, V = X @ Wq, X @ Wk, X @ Wv
    A = softmax(Q @ K.T / np.sqrt(Q.shape[1]), axis=1)
    residual = A @ V - T
    return np.mean(residual**2)


def attention_by_hand(Wq: Any, Wk: Any, Wv: Any, X: Any, T: Any) -> Any:
    Q = X @ Wq
    K = X @ Wk
    V = X @ Wv
    scale = 1 / np.sqrt(Q.shape[1])
    A = softmax(scale * (Q @ K.T), axis=1)
    residual = A @ V - T
    loss = np.mean(residual**2)
    d_residual = 2 / residual.size * residual
    d_A = d_residual @ V.T
    d_S = scale * A * (d_A - np.sum(d_A * A, axis=1, keepdims=True))
    d_Wq = X.T @ (d_S @ K)
    d_Wk = X.T @ (d_S.T @ Q)
    d_Wv = X.T @ (A.T @ d_residual)
    return loss, (d_Wq, d_Wk, d_Wv)


def convolution(kernel: Any, b: Any, x: Any, t: Any) -> Any:
    residual = np.convolve(x, kernel, "valid") + b - t
    return np.mean(residual**2)


def convolution_by_hand(kernel: Any, b: Any, x: Any, t: Any) -> Any:
    residual = np.convolve(x, kernel, "valid") + b - t
    loss = np.mean(residual**2)
    d_residual = 2 / len(t) * residual
    d_kernel = np.correlate(x, d_residual, "valid")[::-1]
    d_b = np.sum(d_residual)
    return loss, (d_kernel, d_b)


def gaussian_process(height: Any, narrowness: Any, noise: Any, squared_distances: Any, y: Any) -> Any:
    S = np.exp(-narrowness * squared_distances)
    K = height * S + noise * np.eye(len(y))
    inverse = np.linalg.inv(K)
    return 0.5 * (y @ inverse @ y + np.linalg.slogdet(K)[1])


def gaussian_process_by_hand(height: Any, narrowness: Any, noise: Any, squared_distances: Any, y: Any) -> Any:
    S = np.exp(-narrowness * squared_distances)
    K = height * S + noise * np.eye(len(y))
    inverse = np.linalg.inv(K)
    alpha = inverse @ y
    loss = 0.5 * (y @ alpha + np.linalg.slogdet(K)[1])
    d_K = 0.5 * (inverse - np.outer(alpha, alpha))
    d_S = d_K * S
    d_height = np.sum(d_S)
    d_narrowness = -height * np.sum(d_S * squared_distances)
    d_noise = np.trace(d_K)
    return loss, (d_height, d_narrowness, d_noise)


def k_means(centres: Any, X: Any) -> Any:
    nearest = np.argmin(np.sum((X[:, None] - centres) ** 2, axis=2), axis=1)
    difference = X - centres[nearest]
    return np.sum(difference**2)


def k_means_by_hand(centres: Any, X: Any) -> Any:
    nearest = np.argmin(np.sum((X[:, None] - centres) ** 2, axis=2), axis=1)
    difference = X - centres[nearest]
    loss = np.sum(difference**2)
    d_centres = np.zeros_like(centres)
    np.add.at(d_centres, nearest, -2 * difference)
    return loss, (d_centres,)


def matrix_factorization(U: Any, V: Any, ratings: Any, known: Any, penalty: Any) -> Any:
    error = known * (U @ V.T - ratings)
    return np.sum(error**2) + penalty * (np.sum(U**2) + np.sum(V**2))


def matrix_factorization_by_hand(U: Any, V: Any, ratings: Any, known: Any, penalty: Any) -> Any:
    error = known * (U @ V.T - ratings)
    loss = np.sum(error**2) + penalty * (np.sum(U**2) + np.sum(V**2))
    d_R = 2 * known * error
    d_U = d_R @ V + 2 * penalty * U
    d_V = d_R.T @ U + 2 * penalty * V
    return loss, (d_U, d_V)


def _normal(*shape: int) -> Any:
    return _rng.normal(size=shape)


_X = _normal(1000, 20)
_points = np.sort(_rng.uniform(0, 10, 80))

CLASSICS = [
    Classic("Least squares", least_squares, least_squares_by_hand, 2, (_normal(20), 0.5, _X, _normal(1000))),
    Classic("Ridge regression", ridge, ridge_by_hand, 1, (_normal(20), _X, _normal(1000), 0.1)),
    Classic("Logistic regression", logistic, logistic_by_hand, 2, (_normal(20), 0.5, _X, np.sign(_normal(1000)) / 2 + 0.5)),
    Classic(
        "Softmax regression", softmax_regression, softmax_regression_by_hand, 2,
        (_normal(20, 3), _normal(3), _X, _rng.integers(3, size=1000)),
    ),
    Classic("The perceptron", perceptron, perceptron_by_hand, 2, (_normal(20), 0.5, _X, step(_normal(1000)))),
    Classic(
        "A network of two layers", two_layers, two_layers_by_hand, 4,
        (_normal(20, 16), _normal(16), _normal(16, 2), _normal(2), _X, _normal(1000, 2)),
    ),
    Classic("Batch normalization", batch_norm, batch_norm_by_hand, 3, (_X, _normal(20), _normal(20), _normal(1000, 20))),
    Classic(
        "An attention head", attention, attention_by_hand, 3,
        (_normal(16, 8), _normal(16, 8), _normal(16, 8), _normal(100, 16), _normal(100, 8)),
    ),
    Classic("A convolution", convolution, convolution_by_hand, 2, (_normal(7), 0.5, _normal(1000), _normal(994))),
    Classic(
        "The likelihood of a Gaussian process", gaussian_process, gaussian_process_by_hand, 3,
        (0.8, 0.5, 0.1, (_points[:, None] - _points) ** 2, np.sin(_points)),
    ),
    Classic("k-means", k_means, k_means_by_hand, 1, (_normal(4, 2), _normal(1000, 2))),
    Classic(
        "Matrix factorization", matrix_factorization, matrix_factorization_by_hand, 2,
        (_normal(100, 4), _normal(50, 4), _normal(100, 50), _rng.uniform(size=(100, 50)) < 0.5, 0.1),
    ),
]  # fmt: skip
