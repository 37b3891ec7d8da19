"""`predict`: a saved model tells the target of each row of a table."""

from __future__ import annotations

import csv
import io
import sys
from argparse import Namespace
from typing import Any

import numpy as np

from tinygrad_edu.command_line.report import r_squared
from tinygrad_edu.command_line.tables import Table, nearest, read_table
from tinygrad_edu.command_line.trained import TrainedModel, load_model, model_in
from tinygrad_edu.command_line.words import Words
from tinygrad_edu.errors import DataError
from tinygrad_edu.escaping import one_line
from tinygrad_edu.saving import save


def predict(options: Namespace) -> None:
    """Read a model and a table, and write the table with what the model tells: to a file, or to the standard output."""
    words = Words(options.lang)
    trained = load_model(model_in(options.model))
    table = read_table(options.data, options.delimiter)
    _check_columns(trained, table)
    predictions = _predictions(trained, table)
    text = _as_csv({**table.columns, **predictions})
    for note in _notes(words, trained, table):
        print(note, file=sys.stderr)
    if options.out is None:
        print(text, end="")
    else:
        path = save(options.out, "the predictions", {".csv": lambda: text})
        print(words.say(f"{len(table)} predictions saved: {path}", f"已保存 {len(table)} 个预测：{path}"))


def _check_columns(trained: TrainedModel, table: Table) -> None:
    missing = [column.name for column in trained.columns if column.name not in table.columns]
    if missing:
        names = ", ".join(map(repr, missing))
        raise DataError(
            f"{table.path}: the model needs the column{'s'[: len(missing) > 1]} {names}{nearest(missing[0], [*table.columns])}"
        )


def _predictions(trained: TrainedModel, table: Table) -> dict[str, Any]:
    """The new columns by their names."""
    told, probabilities = trained.told(table), trained.probabilities(table)
    columns = {f"predicted {trained.target.name}": told.tolist()}
    if probabilities is not None:
        columns |= {
            f"probability {label}": [f"{p:.6g}" for p in column]
            for label, column in zip(trained.classes or [], probabilities.T.tolist(), strict=True)
        }
    return columns


def _as_csv(columns: dict[str, Any]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return text.getvalue()


def _notes(words: Words, trained: TrainedModel, table: Table) -> list[str]:
    """What a user may want to know beside the predictions."""
    known = {column.name for column in trained.columns}
    notes = []
    if trained.target.name in table.columns:
        notes.append(_score(words, trained, table))
    extra = [one_line(name) for name in table.columns if name not in known and name != trained.target.name]
    if extra:
        notes.append(words.say(f"columns that the model does not use: {', '.join(extra)}", f"模型没有用到的列：{'、'.join(extra)}"))
    return notes


def _score(words: Words, trained: TrainedModel, table: Table) -> str:
    """How good the predictions are, where the file has the target, too."""
    name = one_line(trained.target.name)
    try:
        t, y = trained.target.values(table), trained.told(table)
    except DataError:
        return words.say(f"the column {name} is not complete, and not compared", f"{name} 列不完整，没有与预测比较")
    if trained.target.is_labels:
        right = int(np.count_nonzero(t == y))
        return words.say(
            f"compared with the column {name}: {right} of {len(t)} predictions are right ({right / len(t):.4g})",
            f"与 {name} 列比较：{len(t)} 个预测中 {right} 个正确（{right / len(t):.4g}）",
        )
    error = float(np.mean(np.abs(t - y)))
    return words.say(
        f"compared with the column {name}: R² {r_squared(t, y):.4g}, mean absolute error {error:.4g}",
        f"与 {name} 列比较：R² {r_squared(t, y):.4g}，平均绝对误差 {error:.4g}",
    )
