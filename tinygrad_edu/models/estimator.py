"""scikit-learn's contract: what its tools ask of a model before they clone, search, pipe and validate it.

scikit-learn itself is never imported here, except where it calls and so is there already. What a model learns and how is not known.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal, Self

from tinygrad_edu.engine.arguments import whole_number
from tinygrad_edu.engine.flags import flag
from tinygrad_edu.engine.messages import shortened
from tinygrad_edu.errors import DataError, NotFittedError, ShapeError
from tinygrad_edu.escaping import in_html
from tinygrad_edu.models.inputs import Array, Samples, check_names, checked_samples, feature_names
from tinygrad_edu.models.shared_errors import shared

EpochCallback = Callable[[int, float], object]
"""Called after every epoch with the number of epochs done and the loss of the last one: to show progress, say."""


@dataclass(frozen=True, eq=False)
class Form:
    """What a model knows of the samples that it was fitted to.

    features: how many there are.
    names: those of the columns, of shape (features,); None if they had none.
    classes: all labels, sorted, of shape (classes,); None if the targets are numbers.
    """

    features: int
    names: Array | None
    classes: Array | None


@dataclass(kw_only=True, eq=False, repr=False)
class Estimator(ABC):
    """A model whose settings are the fields of a dataclass, as scikit-learn's tools expect it.

    Settings are taken as they are; `fit` checks them. What `fit` learns is asked for by names that end with an underscore.

    >>> from tinygrad_edu.models import LinearRegression
    >>> model = LinearRegression(learning_rate=0.5)
    >>> model.get_params()["learning_rate"], model.set_params(learning_rate=0.25)
    (0.5, LinearRegression(learning_rate=0.25))
    """

    _kind: ClassVar[Literal["classifier", "regressor"]]

    # --- settings ------------------------------------------------------------------------------------------------------------

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The settings by their names. `deep` changes nothing, as no setting has settings of its own."""
        return {field.name: getattr(self, field.name) for field in fields(self) if field.init}

    def set_params(self, **params: Any) -> Self:
        """Change settings by their names; the next `fit` checks and uses them. Returns the model itself.

        Raises
        ------
        DataError: if there is no setting of that name; nothing is changed then.
        """
        for name in params.keys() - self.get_params().keys():
            raise DataError(f"{type(self).__name__} has no setting {name!r}; it has {', '.join(self.get_params())}.")
        for name, value in params.items():
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={shortened(value)}' for name, value in self._changed().items())})"

    def _repr_html_(self) -> str:
        """For a notebook: every setting, those in bold that are not the default, and whether the model is fitted."""
        changed = self._changed()
        cells = [(f"<b>{name}</b>" if name in changed else name, shortened(value)) for name, value in self.get_params().items()]
        rows = "".join(f"<tr><td>{name}</td><td><code>{in_html(value)}</code></td></tr>" for name, value in cells)
        state = "fitted" if self.__sklearn_is_fitted__() else "not fitted yet"
        return f"<table><caption>{type(self).__name__}, {state}</caption>{rows}</table>"

    def _changed(self) -> dict[str, Any]:
        """The settings that are not the default ones."""
        defaults = {field.name: field.default for field in fields(self)}
        return {name: value for name, value in self.get_params().items() if shortened(value) != shortened(defaults[name])}

    # --- what the model was fitted to ----------------------------------------------------------------------------------------

    @property
    @abstractmethod
    def _form(self) -> Form | None:
        """Of which form the samples were that the model was fitted to; None before."""

    def _fitted_form(self) -> Form:
        if self._form is None:
            raise not_fitted(self)
        return self._form

    def __sklearn_is_fitted__(self) -> bool:
        """Whether `fit` has come to its end."""
        return self._form is not None

    @property
    def n_features_in_(self) -> int:
        """How many features the model was fitted to."""
        return self._fitted_form().features

    @property
    def feature_names_in_(self) -> Array:
        """The names of the columns that the model was fitted to, if they had names: texts of shape (features,)."""
        names = self._fitted_form().names
        if names is None:
            raise AttributeError(f"this {type(self).__name__} was fitted to samples whose columns have no names.")
        return names

    @abstractmethod
    def state_dict(self) -> dict[str, Array]:
        """What was learned, as copies of arrays by their names, to be saved: what `load_state_dict` takes."""

    @abstractmethod
    def load_state_dict(self, state: Mapping[str, Any], *, features: int, classes: Any = None) -> Self:
        """Be fitted as the model was that gave this state, without its history.

        Parameters
        ----------
        state: what `state_dict` gave, of a model with the same settings.
        features: how many there are, `n_features_in_`.
        classes: those of a classifier, `classes_`.

        Raises
        ------
        ShapeError, DataError: if the state does not fit the settings, the features or the classes; the model is as it was then.

        >>> from tinygrad_edu.models import LinearRegression
        >>> state = LinearRegression(fit_intercept=False).fit([[2.0]], [8.0]).state_dict()
        >>> float(LinearRegression(fit_intercept=False).load_state_dict(state, features=1).predict([[3.0]])[0])
        12.0
        """

    def _checked_again(self, X: Any) -> Array:
        """Samples, of which the model must know the features."""
        count, names = self.n_features_in_, self._fitted_form().names
        given = feature_names(X)
        if given is not None and names is not None:
            check_names(given, names)
        samples = checked_samples(X)
        if samples.shape[1] != count:
            raise ShapeError(
                f"X has {samples.shape[1]} features, but {type(self).__name__} is expecting {count} features as input; "
                "pass the same columns as to fit."
            )
        return samples

    # --- training in parts ---------------------------------------------------------------------------------------------------

    def _train_on(self, X: Any, y: Any, sample_weight: Any, classes: Any) -> None:
        """One more epoch on these samples, from where training has come to."""
        self._check_settings()
        if self._form is not None:
            self._checked_again(X)
            classes = self._form.classes
        self._train_further(*self._checked_data(X, y, sample_weight, classes))

    @abstractmethod
    def _check_settings(self) -> None:
        """Raise if a setting is not what it should be."""

    @abstractmethod
    def _checked_data(self, X: Any, y: Any, sample_weight: Any, classes: Any) -> tuple[Samples, Form]:
        """The samples and their form. `classes` are all labels that there are; None for those that occur."""

    def _prepared(self, samples: Samples) -> Samples:
        """The samples as the loss takes them."""
        return samples

    @abstractmethod
    def _train_further(self, samples: Samples, form: Form) -> None:
        """One more epoch; if it fails, the model stays as it is."""

    # --- what scikit-learn calls ---------------------------------------------------------------------------------------------

    def __sklearn_tags__(self) -> Any:
        """What kind of model this is, in scikit-learn's own words. It alone asks."""
        from sklearn.utils import InputTags, Tags, TargetTags  # type: ignore[import-untyped,import-not-found,unused-ignore]

        return Tags(self._kind, target_tags=TargetTags(required=True), input_tags=InputTags(), **self._tags())

    @abstractmethod
    def _tags(self) -> dict[str, Any]:
        """What scikit-learn wants to know of this kind."""


def check_epochs(max_epochs: Any, batch_size: Any, shuffle: Any, seed: Any) -> None:
    """Raise if a setting of the epochs is not what it should be; those that may be None are left alone then."""
    whole_number("max_epochs", max_epochs, at_least=1, at_most=10**9)  # more would never end
    flag("shuffle", shuffle)
    if batch_size is not None:
        whole_number("batch_size", batch_size, at_least=1)
    if seed is not None:
        whole_number("seed", seed, at_least=0)


def not_fitted(model: Any) -> Exception:
    """The error of a model that is asked too early."""
    error: Exception = shared(NotFittedError, f"this {type(model).__name__} has not been fitted yet; call fit(X, y) first.")
    return error
