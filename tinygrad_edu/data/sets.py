"""Small sets: those of the lecture on gradient descent and the perceptron, and two that a line cannot separate."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.engine.arguments import number, whole_number

Array = np.ndarray[Any, np.dtype[Any]]


def one_point() -> tuple[Array, Array]:
    """The lecture's first sample, x = 2 and t = 8: X of shape (1, 1), t of shape (1,). The weight of y = θx is best at 4.

    There is no error.

    >>> one_point()
    (array([[2.]]), array([8.]))
    """
    return np.array([[2.0]]), np.array([8.0])


def five_points() -> tuple[Array, Array]:
    """The lecture's five samples of y ≈ θx: X of shape (5, 1), t of shape (5,). The best θ is Σxt / Σx².

    There is no error.

    >>> X, t = five_points()
    >>> float(np.sum(X[:, 0] * t) / np.sum(X**2)).__round__(6)
    0.762326
    """
    return np.array([[1.0], [0.38], [1.2], [1.6], [0.8]]), np.array([0.73, 0.22, 0.83, 1.28, 0.69])


def four_points() -> tuple[Array, Array]:
    """The lecture's four samples for the perceptron: X of shape (4, 2), labels t of shape (4,), 0 or 1.

    There is no error.

    >>> X, t = four_points()
    >>> X.tolist(), t.tolist()
    ([[1.0, 1.0], [-1.0, 1.0], [-1.0, -0.5], [-1.0, 1.5]], [0, 1, 0, 1])
    """
    return np.array([[1.0, 1.0], [-1.0, 1.0], [-1.0, -0.5], [-1.0, 1.5]]), np.array([0, 1, 0, 1])


def xor() -> tuple[Array, Array]:
    """The exclusive or: label 1 where one of two inputs is 1, and not both. No line separates them (Minsky & Papert, 1969).

    There is no error.

    >>> X, t = xor()
    >>> X.tolist(), t.tolist()
    ([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0, 1, 1, 0])
    """
    return np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), np.array([0, 1, 1, 0])


def moons(count: int = 200, *, noise: float = 0.1, seed: int = 0) -> tuple[Array, Array]:
    """Two half-circles that reach into one another, the upper one with label 0 and the lower one with label 1.

    Parameters
    ----------
    count: how many points; of an odd number there is one more on the lower half-circle.
    noise: the standard deviation of what is added to each coordinate.
    seed: of that.

    Returns
    -------
    X of shape (count, 2), and the labels, whole numbers of shape (count,).

    Raises
    ------
    DataError: if `count` is below 2, or the noise negative.

    >>> X, t = moons(3, noise=0.0)
    >>> X.round(3), t
    (array([[1. , 0. ],
           [0. , 0.5],
           [2. , 0.5]]), array([0, 1, 1]))
    """
    upper = whole_number("count", count, at_least=2) // 2
    noise = number("noise", noise, at_least=0)
    rng = np.random.default_rng(whole_number("seed", seed, at_least=0))
    above, below = np.linspace(0, np.pi, upper), np.linspace(0, np.pi, count - upper)
    circles = [np.c_[np.cos(above), np.sin(above)], np.c_[1 - np.cos(below), 0.5 - np.sin(below)]]
    points = np.concatenate(circles)
    return points + noise * rng.normal(size=points.shape), np.repeat([0, 1], [upper, count - upper])
