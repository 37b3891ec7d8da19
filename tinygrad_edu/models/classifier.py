"""What classifiers share: labels of any kind, which they number, and one side of a plane for each of two."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import numpy as np

from tinygrad_edu.errors import DataError
from tinygrad_edu.models.history import Array
from tinygrad_edu.models.inputs import Samples, checked_labels, checked_samples, checked_weights, make_samples
from tinygrad_edu.models.linear_model import LinearModel


@dataclass(kw_only=True, eq=False, repr=False)
class Classifier(LinearModel):
    """A model whose targets are labels: whole numbers, texts or truths. After `fit`, `classes_` has all of them, sorted."""

    _kind: ClassVar[Literal["classifier", "regressor"]] = "classifier"

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """One more epoch, on these samples, from where training has come to; no goal is looked for.

        Parameters
        ----------
        X, y, sample_weight: as for `fit`.
        classes: all labels that there are, at the first call; None if those of `y` are all.

        Raises
        ------
        ShapeError, DataError: as `fit`; also if `y` has a label that is not among the classes.
        DivergenceError: if the loss is no number any more.
        """
        self._train_on(X, y, sample_weight, classes)
        return self

    @property
    def classes_(self) -> Array:
        """All labels, sorted, of shape (classes,)."""
        classes = self._fitted().classes
        assert classes is not None
        return classes

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The share of samples whose label is right."""
        samples = self._checked_again(X)
        labels, known = checked_labels(y, samples, np.union1d(self.classes_, np.unique(np.asarray(y))))
        right = self.predict(X) == known[labels.astype(np.intp)]
        return float(np.average(right, weights=checked_weights(sample_weight, samples)))

    def _checked_data(self, X: Any, y: Any, sample_weight: Any, classes: Any) -> tuple[Samples, Array | None]:
        checked = checked_samples(X)
        numbers, known = checked_labels(y, checked, classes)
        if len(known) > 2 and not self._takes_many_classes:
            raise DataError(
                f"Only binary classification is supported. The type of the target is multiclass: y has {len(known)} classes. Use "
                f"SoftmaxRegression, or scikit-learn's OneVsRestClassifier({type(self).__name__}())."
            )
        return make_samples(checked, self._targets(numbers, known), sample_weight), known

    @abstractmethod
    def _targets(self, numbers: Array, classes: Array) -> Array:
        """The targets t of the loss, of labels that are numbered."""


@dataclass(kw_only=True, eq=False, repr=False)
class BinaryClassifier(Classifier):
    """Two classes, told apart by the sign of the logit x·w + b. The second of `classes_` is the t = 1 of the formulas."""

    def decision_function(self, X: Any) -> Array:
        """The logits x·w + b, of shape (samples,): positive on the side of the second class."""
        return self._logits(X)

    def predict(self, X: Any) -> Array:
        """The label of each sample, of shape (samples,): the second class where the logit is positive, else the first."""
        return self.classes_[(self._logits(X) > 0).astype(np.intp)]

    def _targets(self, numbers: Array, classes: Array) -> Array:
        return numbers
