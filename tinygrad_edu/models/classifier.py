"""What classifiers share: labels of any kind, which they number, and which of them is right."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import numpy as np

from tinygrad_edu.errors import DataError
from tinygrad_edu.models.estimator import Estimator, Form
from tinygrad_edu.models.inputs import Array, Samples, checked_labels, checked_samples, checked_weights, feature_names, make_samples
from tinygrad_edu.nn import softmax_cross_entropy
from tinygrad_edu.primitives.special import softmax


@dataclass(kw_only=True, eq=False, repr=False)
class Classifier(Estimator):
    """A model whose targets are labels: whole numbers, texts or truths. After `fit`, `classes_` has all of them, sorted."""

    _kind: ClassVar[Literal["classifier", "regressor"]] = "classifier"
    _takes_many_classes: ClassVar[bool] = True

    @property
    def classes_(self) -> Array:
        """All labels, sorted, of shape (classes,)."""
        classes = self._fitted_form().classes
        assert classes is not None
        return classes

    @abstractmethod
    def predict(self, X: Any) -> Array:
        """The label of each sample, of shape (samples,)."""

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

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The share of samples whose label is right; 1 is perfect."""
        samples = self._checked_again(X)
        labels, known = checked_labels(y, samples, np.union1d(self.classes_, np.unique(np.asarray(y))))
        right = self.predict(X) == known[labels.astype(np.intp)]
        return float(np.average(right, weights=checked_weights(sample_weight, samples)))

    def _checked_data(self, X: Any, y: Any, sample_weight: Any, classes: Any) -> tuple[Samples, Form]:
        checked = checked_samples(X)
        numbers, known = checked_labels(y, checked, classes)
        if len(known) > 2 and not self._takes_many_classes:
            raise DataError(
                f"Only binary classification is supported. The type of the target is multiclass: y has {len(known)} classes. Use "
                f"SoftmaxRegression, or scikit-learn's OneVsRestClassifier({type(self).__name__}())."
            )
        samples = make_samples(checked, self._targets(numbers, known), sample_weight)
        return self._prepared(samples), Form(checked.shape[1], feature_names(X), known)

    @abstractmethod
    def _logits(self, X: Any) -> Array:
        """What the label of each sample is read off, of shape (samples,) or (samples, classes)."""

    @abstractmethod
    def _targets(self, numbers: Array, classes: Array) -> Array:
        """The targets t of the loss, of labels that are numbered."""

    def _tags(self) -> dict[str, Any]:
        from sklearn.utils import ClassifierTags  # type: ignore[import-untyped,import-not-found,unused-ignore]

        return {"classifier_tags": ClassifierTags(multi_class=self._takes_many_classes)}


@dataclass(kw_only=True, eq=False, repr=False)
class SoftmaxClassifier(Classifier):
    """A logit for each class, of which softmax makes probabilities; the loss is their cross entropy."""

    def decision_function(self, X: Any) -> Array:
        """The logits, of shape (samples, classes); for two classes the difference of theirs, of shape (samples,)."""
        logits = self._logits(X)
        decision: Array = logits[:, 1] - logits[:, 0] if logits.shape[1] == 2 else logits
        return decision

    def predict_proba(self, X: Any) -> Array:
        """The probability of each class for each sample, of shape (samples, classes)."""
        probabilities: Array = softmax(self._logits(X), axis=1)
        return probabilities

    def predict(self, X: Any) -> Array:
        """The most probable class of each sample, of shape (samples,)."""
        labels: Array = self.classes_[np.argmax(self._logits(X), axis=1)]
        return labels

    def _targets(self, numbers: Array, classes: Array) -> Array:
        """For each sample a 1 at its class, and 0 at the others, of shape (samples, classes)."""
        one_hot: Array = (numbers[:, None] == np.arange(len(classes))).astype(numbers.dtype)
        return one_hot

    def _losses(self, logits: Any, t: Any) -> Any:
        return softmax_cross_entropy(logits, t, reduction="none")
