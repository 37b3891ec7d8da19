"""Real data, which come with scikit-learn: nothing is fetched from the network.

scikit-learn is imported when a set is first asked for, and not before.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from tinygrad_edu.errors import MissingExtraError

Array = np.ndarray[Any, np.dtype[Any]]


def digits() -> tuple[Array, Array]:
    """Handwritten digits (Alpaydin & Kaynak, 1998): 1797 pictures of 8 by 8 points.

    Returns
    -------
    X of shape (1797, 64), how dark the points are, from 0 to 1, row by row; and t of shape (1797,), the digits, whole numbers.

    Raises
    ------
    MissingExtraError: if scikit-learn is not installed.

    >>> X, t = digits()
    >>> X.shape, float(X.max()), t[:5]
    ((1797, 64), 1.0, array([0, 1, 2, 3, 4]))
    """
    X, t = _loaded("digits")
    return X / 16, t


def iris() -> tuple[Array, Array]:
    """Three kinds of iris (Anderson, 1936; Fisher, 1936), fifty flowers of each.

    Returns
    -------
    X of shape (150, 4), the length and width of sepal and petal in cm; and t of shape (150,), the kinds 0 to 2.

    Raises
    ------
    MissingExtraError: if scikit-learn is not installed.

    >>> X, t = iris()
    >>> X.shape, np.bincount(t)
    ((150, 4), array([50, 50, 50]))
    """
    return _loaded("iris")


def diabetes() -> tuple[Array, Array]:
    """How the diabetes of 442 patients went on within a year (Efron et al., 2004).

    Returns
    -------
    X of shape (442, 10), ten columns of mean 0 and the length 1; and t of shape (442,), a measure from 25 to 346.

    Raises
    ------
    MissingExtraError: if scikit-learn is not installed.

    >>> X, t = diabetes()
    >>> X.shape, float(t.min()), float(t.max())
    ((442, 10), 25.0, 346.0)
    """
    return _loaded("diabetes")


def breast_cancer() -> tuple[Array, Array]:
    """Tumours of the breast, as seen in the microscope (Street et al., 1993).

    Returns
    -------
    X of shape (569, 30), measures of cell nuclei; and t of shape (569,): 0 malignant, 1 benign.

    Raises
    ------
    MissingExtraError: if scikit-learn is not installed.

    >>> X, t = breast_cancer()
    >>> X.shape, np.bincount(t)
    ((569, 30), array([212, 357]))
    """
    return _loaded("breast_cancer")


def _loaded(name: str) -> tuple[Array, Array]:
    try:
        datasets = import_module("sklearn.datasets")
    except ImportError as error:
        raise MissingExtraError(
            f'tg.data.{name}() comes with scikit-learn, which the extra "data" brings: pip install "tinygrad_edu[data]".'
        ) from error
    X, t = getattr(datasets, f"load_{name}")(return_X_y=True)
    return X, t
