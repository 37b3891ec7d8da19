"""Cross entropies of logits: how far probabilities are from what they should be. Each is one operation, since its derivative is
shorter than that of its parts: what the model says, less what is true.

An infinite logit counts as the largest number there is, for ∞ - ∞ and 0·∞ are not numbers; a quarter of the range leaves room for
differences.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.primitives.elementwise import sigmoid
from tinygrad_edu.primitives.primitive import case
from tinygrad_edu.primitives.special import softmax
from tinygrad_edu.primitives.table import operation


def _binary_cross_entropy(z: Any, t: Any) -> Any:
    """-t ln p - (1 - t) ln(1 - p) with p = σ(z), element by element: t·ln(1 + e⁻ᶻ) + (1 - t)·ln(1 + eᶻ), which forms no p.

    z: logits. t: probabilities, of shapes that broadcast.
    """
    limit = np.finfo(np.asarray(z).dtype).max / 4
    z = np.clip(z, -limit, limit)
    return t * np.logaddexp(-z, 0) + (1 - t) * np.logaddexp(z, 0)


def _softmax_cross_entropy(z: Any, t: Any) -> Any:
    """ln Σ eᶻ - Σ t z over the last axis, the largest logit taken out of the sum first: -Σ t ln softmax(z), where Σ t = 1.

    z: logits, of shape (..., classes). t: weights of the same shape. The result has shape (...).
    """
    limit = np.finfo(z.dtype).max / 4
    z = np.clip(z, -limit, limit)
    largest = z.max(axis=-1, keepdims=True)
    return largest[..., 0] - (t * z).sum(axis=-1) + np.log(np.exp(z - largest).sum(axis=-1))


def finite(z: Any) -> Any:
    """Logits with huge ones in the place of infinite ones."""
    limit = np.finfo(z.dtype).max / 4
    return np.clip(z, -limit, limit)


_FINITE = "(lambda z: np.clip(z, -np.finfo(z.dtype).max / 4, np.finfo(z.dtype).max / 4))(np.asarray({0}))"

binary_cross_entropy = operation(
    _binary_cross_entropy,
    lambda g, out, z, t: g * (sigmoid(z) - t),
    lambda g, out, z, t: -g * finite(z),
    name="binary_cross_entropy",
    jax="(lambda z, t: t * np.logaddexp(-z, 0) + (1 - t) * np.logaddexp(z, 0))(" + _FINITE + ", {1})",
    latex=r"-{1} \cdot \ln \sigma({0}) - (1 - {1}) \cdot \ln(1 - \sigma({0}))",
)
softmax_cross_entropy = operation(
    _softmax_cross_entropy,
    lambda g, out, z, t: np.expand_dims(g, -1) * (softmax(z) - t),
    lambda g, out, z, t: -np.expand_dims(g, -1) * finite(z),
    name="softmax_cross_entropy",
    jax="(lambda z, t: jax.nn.logsumexp(z, axis=-1) - np.sum(t * z, axis=-1))(" + _FINITE + ", {1})",
    latex=r"-\sum {1} \cdot \ln \operatorname{{softmax}} {0}",
    cases=[case((4,), (4,)), case((3, 4), (3, 4)), case((2, 3, 2), (2, 3, 2))],
)
