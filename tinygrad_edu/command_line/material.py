"""From a table to what is trained with: which columns and rows, what is to be told, and which samples are held out.

How a model is trained is not known here.
"""

from __future__ import annotations

from argparse import Namespace
from dataclasses import dataclass, replace

import numpy as np

from tinygrad_edu.command_line.columns import (
    FEW,
    Column,
    NumberColumn,
    Target,
    TextColumn,
    check_few,
    holds_numbers,
    is_missing,
    moments,
)
from tinygrad_edu.command_line.tables import Table, read_table
from tinygrad_edu.command_line.trained import KINDS
from tinygrad_edu.data import split
from tinygrad_edu.errors import DataError


@dataclass(frozen=True, eq=False)
class Material:
    """What is made of a file for training.

    columns, target: what they mean, as far as the rows to train with say.
    training, held_out: the rows.
    skipped: how many rows were left out, since something is missing in them.
    """

    columns: list[Column]
    target: Target
    training: Table
    held_out: Table
    skipped: int


def material(options: Namespace) -> Material:
    """Read the file and find out what is meant.

    Raises
    ------
    DataError: if something in it cannot be used as it is; the message says where, and what to do.
    """
    table, skipped = _used(read_table(options.data, options.delimiter), options)
    target = _target(table, options)
    values = target.values(table)
    training, held_out = _parts(len(table), options)
    if target.is_labels and (lost := {*values.tolist()} - {*values[training].tolist()}):
        raise DataError(
            f"{options.data}, column {target.name}: all rows with {min(lost)!r} were held out, so that the label cannot be "
            "learned. Give more such rows, or another --seed, or --test-share 0."
        )
    if not target.is_labels and options.standardize:
        mean, deviation = moments(values[training], f"{options.data}, column {target.name}")
        target = replace(target, mean=mean, deviation=deviation)
    return Material(_columns(table, training, options), target, table.rows(training), table.rows(held_out), skipped)


def _used(table: Table, options: Namespace) -> tuple[Table, int]:
    """The columns and rows that are trained with, and how many rows are not."""
    for name in [options.target, *options.without, *options.text]:
        table.cells(name)  # which says what there is, if there is none
    if options.target in options.without:
        raise DataError(f"--without {options.target}: the target is what the model learns to tell.")
    used = table.with_columns([name for name in table.columns if name not in options.without])
    if len(used.columns) < 2:
        raise DataError(f"{table.path}: beside the target {options.target} there is no column to tell it from.")
    if options.missing != "skip":
        return used, 0
    whole = [row for row in range(len(used)) if not any(is_missing(cells[row]) for cells in used.columns.values())]
    if not whole:
        raise DataError(f"{table.path}: with --missing skip no row is left, since each has a value that is missing.")
    return used.rows(whole), len(used) - len(whole)


def _target(table: Table, options: Namespace) -> Target:
    """What is to be told, and whether it is a label or a number."""
    kind, name = KINDS[options.model], options.target
    is_text = name in options.text or not holds_numbers(table, name)
    if is_text and not kind.of_labels:
        cell = str(Target(name, is_labels=True, is_text=True).values(table)[0])
        raise table.complaint(
            0, name, f"--model {options.model} tells numbers, but {cell!r} is text. For labels use --model softmax, or mlp."
        )
    if kind.of_labels and (is_text or not kind.of_numbers or _are_few_whole_numbers(table, name)):
        labels = Target(name, is_labels=True, is_text=is_text)
        _check_labels(table, labels, options)
        return labels
    return Target(name, is_labels=False)


def _check_labels(table: Table, target: Target, options: Namespace) -> None:
    classes = [str(label) for label in np.unique(target.values(table))]
    check_few(table, target.name, classes, " For quantities use --model linear, or mlp.")
    if len(classes) < 2:
        raise DataError(f"{table.path}, column {target.name}: it holds nothing but {classes[0]!r}, so there is nothing to learn.")
    most = KINDS[options.model].most_classes
    if most is not None and len(classes) > most:
        raise DataError(
            f"{table.path}, column {target.name}: --model {options.model} tells {most} labels apart, but there are {len(classes)}: "
            f"{', '.join(classes[:5])}{', …'[: 3 * (len(classes) > 5)]}. Use --model softmax, or mlp."
        )


def _are_few_whole_numbers(table: Table, name: str) -> bool:
    """Whether the numbers of a column look like labels."""
    numbers = {float(cell) for cell in table.cells(name) if not is_missing(cell)}
    return len(numbers) <= min(FEW, len(table) // 2) and all(number % 1 == 0 for number in numbers)


def _parts(count: int, options: Namespace) -> tuple[list[int], list[int]]:
    """Which rows are trained with, and which are held out."""
    if not options.test_share:
        return [*range(count)], []
    try:
        (training,), (held_out,) = split(np.arange(count), held_out=options.test_share, seed=options.seed)
    except DataError:
        raise DataError(
            f"{options.data}: of {count} row{'s'[: count > 1]} --test-share {options.test_share:g} leaves none to train with, or "
            "holds none out. Give more rows, or --test-share 0 to train with all."
        ) from None
    return sorted(training.tolist()), sorted(held_out.tolist())


def _columns(table: Table, training: list[int], options: Namespace) -> list[Column]:
    """What is made of the columns other than the target."""
    fill = options.missing == "fill"
    return [
        NumberColumn.learned(table, name, training, options.standardize, fill)
        if name not in options.text and holds_numbers(table, name)
        else TextColumn.learned(table, name, fill)
        for name in table.columns
        if name != options.target
    ]
