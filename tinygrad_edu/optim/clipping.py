"""Clipping: gradients that are too large are made smaller.

They are trees of arrays, or of Values where the clipping itself is recorded. What they are gradients of is not known here.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.engine.arguments import number
from tinygrad_edu.transforms.trees import tree_leaves, tree_map


def clip_by_norm(grads: Any, most: float) -> Any:
    """The gradients, all of them shortened by one factor if their norm is larger than `most`; so they keep their direction.

    The norm is that of all numbers in the tree (Pascanu et al., 2013). The factor is min(1, most / (norm + 1e-6)), as in PyTorch.

    Parameters
    ----------
    grads: a tree of arrays. Of Values trained by an optimizer the gradients are clipped by its setting `clip_norm`.
    most: above 0.

    Returns
    -------
    A tree of the same structure, shapes and dtypes.

    Raises
    ------
    DataError: if `most` is no number above 0.

    >>> clip_by_norm({"w": np.array([3.0, 4.0])}, 1.0)["w"].round(3)
    array([0.6, 0.8])
    """
    most = number("most", most, above=0)
    norm = sum(np.sum(gradient**2) for gradient in tree_leaves(grads)) ** 0.5
    factor = np.minimum(1.0, most / (norm + 1e-6))
    return tree_map(lambda gradient: _like(gradient, factor * gradient), grads)


def clip_by_value(grads: Any, most: float) -> Any:
    """The gradients, each number brought into [-most, most].

    Parameters
    ----------
    grads: a tree of arrays. Of Values trained by an optimizer the gradients are clipped by its setting `clip_value`.
    most: above 0.

    Returns
    -------
    A tree of the same structure, shapes and dtypes.

    Raises
    ------
    DataError: if `most` is no number above 0.

    >>> clip_by_value([np.array([3.0, -0.5])], 1.0)
    [array([ 1. , -0.5])]
    """
    most = number("most", most, above=0)
    return tree_map(lambda gradient: np.clip(gradient, -most, most), grads)


def _like(gradient: Any, clipped: Any) -> Any:
    """In the dtype of the gradient: the norm of several may be more precise than one of them."""
    dtype = getattr(gradient, "dtype", clipped.dtype)
    return clipped if clipped.dtype == dtype else clipped.astype(dtype)
