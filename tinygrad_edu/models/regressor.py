"""What models of numbers share: their targets, and how much of them they explain."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import numpy as np

from tinygrad_edu.models.estimator import Estimator, Form
from tinygrad_edu.models.inputs import (
    Array,
    Samples,
    checked_samples,
    checked_targets,
    checked_weights,
    feature_names,
    make_samples,
)


@dataclass(kw_only=True, eq=False, repr=False)
class Regressor(Estimator):
    """A model whose targets are numbers."""

    _kind: ClassVar[Literal["classifier", "regressor"]] = "regressor"

    @abstractmethod
    def predict(self, X: Any) -> Array:
        """The number for each sample, of shape (samples,)."""

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """One more epoch, on these samples, from where training has come to; no goal is looked for.

        Parameters and errors: as for `fit`.
        """
        self._train_on(X, y, sample_weight, None)
        return self

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The coefficient of determination R² = 1 - Σ(t - y)² / Σ(t - mean t)²; 1 is perfect, 0 is no better than the mean."""
        samples = self._checked_again(X)
        targets, weights = checked_targets(y, samples).astype(np.float64), checked_weights(sample_weight, samples)
        residual = np.average((targets - self.predict(X)) ** 2, weights=weights)
        total = np.average((targets - np.average(targets, weights=weights)) ** 2, weights=weights)
        if total == 0:  # constant targets leave nothing to explain
            return float(residual == 0)
        return float(1 - residual / total)

    def _checked_data(self, X: Any, y: Any, sample_weight: Any, classes: Any) -> tuple[Samples, Form]:
        checked = checked_samples(X)
        samples = make_samples(checked, checked_targets(y, checked), sample_weight)
        return self._prepared(samples), Form(checked.shape[1], feature_names(X), None)

    def _tags(self) -> dict[str, Any]:
        from sklearn.utils import RegressorTags  # type: ignore[import-untyped,import-not-found,unused-ignore]

        return {"regressor_tags": RegressorTags()}
