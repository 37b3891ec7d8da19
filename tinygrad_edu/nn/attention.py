"""The layer that lets the elements of a sequence look at each other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from tinygrad_edu.engine.arguments import whole_number
from tinygrad_edu.engine.flags import flag
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import DataError, ShapeError
from tinygrad_edu.nn.initialisation import Seed, generator, xavier_uniform
from tinygrad_edu.nn.linear import Linear
from tinygrad_edu.nn.module import Module
from tinygrad_edu.primitives.special import softmax


class MultiHeadAttention(Module):
    """softmax(Q Kᵀ / √d) V in several heads, whose results are joined by a Linear layer (Vaswani et al., 2017, section 3.2).

    Q, K and V are query, key and value times the parts of `in_proj_weight`, cut into heads of d = embed_dim / num_heads numbers. It
    is PyTorch's `MultiheadAttention`, with its first numbers.

    Parameters
    ----------
    embed_dim: how many numbers an element has.
    num_heads: how many heads there are; a divisor of `embed_dim`.
    bias: whether there are biases.
    batch_first: whether the samples of a batch are on the first axis, and not the elements.
    rng: a seed for the first weights, or a generator of NumPy's.
    dtype: that of the parameters: in_proj_weight, of shape (3 · embed_dim, embed_dim), in_proj_bias, out_proj.weight and
        out_proj.bias.

    Shapes: query of (L, samples, embed_dim), key and value of (S, samples, embed_dim), to (L, samples, embed_dim), and the weights
    of attention, the mean of those of all heads, of (samples, L, S). Without the axis of samples, if the inputs have none.

    Raises
    ------
    DataError: if a number is out of range, or heads do not divide numbers; by a call, if a mask is made of whole numbers.
    ShapeError: by a call, if an input or a mask has another shape.

    >>> layer = MultiHeadAttention(4, 2, rng=0)
    >>> x = np.ones((3, 1, 4))
    >>> outputs, weights = layer(x, x, x)
    >>> outputs.shape, weights.data.round(3)[0, 0]
    ((3, 1, 4), array([0.333, 0.333, 0.333]))
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        bias: bool = True,
        batch_first: bool = False,
        *,
        rng: Seed = None,
        dtype: DTypeLike = np.float64,
    ) -> None:
        super().__init__()
        self.embed_dim = whole_number("embed_dim", embed_dim, at_least=1)
        self.num_heads = whole_number("num_heads", num_heads, at_least=1)
        if embed_dim % num_heads:
            raise DataError(f"num_heads must divide embed_dim, but {embed_dim} is no multiple of {num_heads}.")
        self.batch_first = flag("batch_first", batch_first)
        rng = generator(rng)
        self.in_proj_weight = Value(xavier_uniform((3 * embed_dim, embed_dim), rng=rng, dtype=dtype))
        self.in_proj_bias = Value(np.zeros(3 * embed_dim, dtype)) if flag("bias", bias) else None
        self.out_proj = Linear(embed_dim, embed_dim, bias, rng=rng, dtype=dtype)
        if self.out_proj.bias is not None:
            self.out_proj.bias.data = np.zeros(embed_dim)

    def forward(self, query: Any, key: Any, value: Any, key_padding_mask: Any = None, attn_mask: Any = None) -> tuple[Any, Any]:
        """The outputs, and the weights of attention.

        key_padding_mask: of shape (samples, S), True for elements that nobody looks at.
        attn_mask: of shape (L, S), or (samples · heads, L, S): True where nobody looks, or numbers to be added before the softmax.
        """
        inputs = [self._samples_first(name, x) for name, x in (("query", query), ("key", key), ("value", value))]
        q, k, v = (self._heads(x, part) for part, x in enumerate(inputs))  # (samples, heads, length, d)
        (samples, heads, length, d), keys = q.shape, k.shape[2]
        scores = q @ np.swapaxes(k, -1, -2) / math.sqrt(d)
        if attn_mask is not None:
            added = _added("attn_mask", attn_mask, [(length, keys), (samples * heads, length, keys)], scores.dtype)
            scores = scores + (added if np.ndim(added) == 2 else np.reshape(added, scores.shape))
        if key_padding_mask is not None:
            shape = (samples, keys) if np.ndim(query) == 3 else (keys,)
            added = _added("key_padding_mask", key_padding_mask, [shape], scores.dtype)
            scores = scores + np.reshape(added, (samples, 1, 1, keys))
        weights = softmax(scores, axis=-1)
        joined = np.reshape(np.swapaxes(weights @ v, 1, 2), (samples, length, self.embed_dim))
        outputs, mean = self.out_proj(joined), np.mean(weights, axis=1)
        if np.ndim(query) == 2:
            return outputs[0], mean[0]
        return outputs if self.batch_first else np.swapaxes(outputs, 0, 1), mean

    def _samples_first(self, name: str, x: Any) -> Any:
        if np.ndim(x) not in (2, 3) or np.shape(x)[-1] != self.embed_dim:
            shape = f"({'samples, length' if self.batch_first else 'length, samples'}, {self.embed_dim})"
            raise ShapeError(f"{self!r} takes a {name} of shape {shape}, but got one of shape {np.shape(x)}.")
        return x[None] if np.ndim(x) == 2 else x if self.batch_first else np.swapaxes(x, 0, 1)

    def _heads(self, x: Any, part: int) -> Any:
        """x times one of the three parts of the weights, cut into heads."""
        rows = slice(part * self.embed_dim, (part + 1) * self.embed_dim)
        y = x @ self.in_proj_weight[rows].T
        y = y if self.in_proj_bias is None else y + self.in_proj_bias[rows]
        return np.swapaxes(np.reshape(y, (*np.shape(y)[:2], self.num_heads, self.embed_dim // self.num_heads)), 1, 2)

    def settings(self) -> str:
        return f"{self.embed_dim}, num_heads={self.num_heads}{', batch_first=True' if self.batch_first else ''}"


def _added(name: str, mask: Any, shapes: Sequence[tuple[int, ...]], dtype: Any) -> Any:
    """What a mask of one of these shapes adds to the scores: -∞ where it is True, and itself where it is made of numbers."""
    mask = mask if isinstance(mask, Value) else np.asarray(mask)
    if mask.shape not in shapes:
        raise ShapeError(f"{name} must be of shape {' or '.join(map(str, shapes))}, but has shape {mask.shape}.")
    if mask.dtype.kind not in "fb":
        raise DataError(
            f"{name} has dtype {mask.dtype}, but is made of truths, True where nobody looks, or of floating-point numbers, which "
            "are added to the scores. Write mask.astype(bool)."
        )
    return np.where(mask, -np.inf, 0.0).astype(dtype) if mask.dtype.kind == "b" else mask
