"""A model with all that it needs to be applied to a table: which columns it is told of, and what it tells. It is one file.

How it is trained is not known here, nor how what it tells is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_edu.array_files import SUFFIX, file_of_arrays, read_arrays
from tinygrad_edu.command_line.columns import Array, Column, Target, from_json, matrix_of, to_json
from tinygrad_edu.command_line.tables import Table
from tinygrad_edu.errors import DataError
from tinygrad_edu.models import LinearRegression, LogisticRegression, MLPClassifier, MLPRegressor, Perceptron, SoftmaxRegression
from tinygrad_edu.models.linear_model import LinearModel
from tinygrad_edu.saving import save

_FORMAT = 1


@dataclass(frozen=True)
class Kind:
    """What `--model` can name.

    of_labels, of_numbers: the models for targets that are labels and for those that are numbers; None if there is none.
    most_classes: how many labels it can tell apart, if that is limited.
    settings: those that suit tables better than the models' own.
    """

    of_labels: Any = None
    of_numbers: Any = None
    most_classes: int | None = None
    settings: tuple[tuple[str, Any], ...] = ()


_NETWORK = (("hidden_layer_sizes", (32,)), ("learning_rate", 3e-3), ("batch_size", 32), ("max_epochs", 300), ("l2", 0.01))
_DESCENT = (("momentum", 0.9), ("tol", 1e-4))
KINDS = {
    "linear": Kind(of_numbers=LinearRegression, settings=_DESCENT),
    "logistic": Kind(of_labels=LogisticRegression, most_classes=2, settings=(*_DESCENT, ("l2", 1e-3))),
    "softmax": Kind(of_labels=SoftmaxRegression, settings=(*_DESCENT, ("l2", 1e-3))),
    "perceptron": Kind(of_labels=Perceptron, most_classes=2, settings=(("batch_size", 1), ("max_epochs", 100))),
    "mlp": Kind(of_labels=MLPClassifier, of_numbers=MLPRegressor, settings=_NETWORK),
}


def new_model(kind: str, is_of_labels: bool, settings: dict[str, Any]) -> Any:
    """A model that is not fitted yet."""
    model = KINDS[kind].of_labels if is_of_labels else KINDS[kind].of_numbers
    return model(**{**dict(KINDS[kind].settings), **settings})


def losses_of(model: Any) -> list[float]:
    """The loss of each epoch."""
    losses: list[float] = model.history_.epoch_losses if isinstance(model, LinearModel) else model.losses_
    return losses


@dataclass(frozen=True)
class TrainedModel:
    """A model, the columns that it is told of, and its target."""

    kind: str
    model: Any
    columns: Sequence[Column]
    target: Target

    @property
    def features(self) -> list[str]:
        """What the model gets of a row, by names."""
        return [feature for column in self.columns for feature in column.features]

    @property
    def classes(self) -> list[Any] | None:
        """The labels that it knows; None if it tells numbers."""
        return self.model.classes_.tolist() if self.target.is_labels else None

    def told(self, table: Table) -> Array:
        """The label or the number that it tells of each row."""
        return self.target.unscaled(self.model.predict(matrix_of(self.columns, table)))

    def probabilities(self, table: Table) -> Array | None:
        """The probability of each class for each row, of shape (samples, classes), of models that have them."""
        if not hasattr(self.model, "predict_proba"):
            return None
        probabilities: Array = self.model.predict_proba(matrix_of(self.columns, table))
        return probabilities

    def save(self, path: str) -> Path:
        """Write the model to a file, whole or not at all."""
        facts = {
            "format": _FORMAT,
            "model": self.kind,
            "settings": self.model.get_params(),
            "features": len(self.features),
            "classes": self.classes,
            "columns": [to_json(column) for column in self.columns],
            "target": asdict(self.target),
        }
        content = file_of_arrays(self.model.state_dict(), facts)
        return save(path, "the model", {SUFFIX: lambda: content})


def load_model(path: str) -> TrainedModel:
    """The model in a file.

    Raises
    ------
    DataError: if there is none, or it is damaged. The message names the file.
    """
    try:
        arrays, facts = read_arrays(path, "a model of python -m tinygrad_edu train")
    except (OSError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path}: the model cannot be read: {getattr(error, 'strerror', None) or error}.") from None
    if not {"format", "model", "columns", "target"} <= facts.keys():
        raise DataError(f"{path} is not a model of python -m tinygrad_edu train, but another file of tinygrad_edu.")
    if facts["format"] != _FORMAT:
        raise DataError(f"{path} was written by a later version of tinygrad_edu, which is needed to read it.")
    target = Target(**facts["target"])
    model = new_model(facts["model"], target.is_labels, facts["settings"])
    classes = None if facts["classes"] is None else np.array(facts["classes"])
    model.load_state_dict(arrays, features=facts["features"], classes=classes)
    return TrainedModel(facts["model"], model, [from_json(column) for column in facts["columns"]], target)


def model_in(place: str) -> str:
    """The path of a model: itself, or the only one in a folder.

    Raises
    ------
    DataError: if a folder holds none, or several.
    """
    if not Path(place).is_dir():
        return place
    found = sorted(str(path) for path in Path(place).glob(f"*{SUFFIX}"))
    if len(found) != 1:
        which = f"several: {', '.join(found)}. Name one of them" if found else f"no model, which would end with {SUFFIX}"
        raise DataError(f"{place}: this folder holds {which}.")
    return found[0]
