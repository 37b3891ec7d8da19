"""`descend`: gradient descent on a formula, step by step, and why it converges or not."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu.command_line.explaining import formula_of
from tinygrad_edu.command_line.formulas import quiet, told
from tinygrad_edu.command_line.given import chosen, given_values
from tinygrad_edu.command_line.reasons import reasons
from tinygrad_edu.command_line.stepping import Loss, Moment, descended
from tinygrad_edu.command_line.words import Words, grid
from tinygrad_edu.errors import DataError
from tinygrad_edu.graph.notation import array_text, name_text, number_text
from tinygrad_edu.models.history import History, Step

_MOST_ROWS = 40
_MOST_NUMBERS = 500
"""Of a longer table the middle is left out; more numbers have too many second derivatives."""


def descend(options: Namespace) -> None:
    """Print the steps, and what makes them converge or diverge.

    Raises
    ------
    DataError: if the formula or what is given cannot be used; the message says where, and what to write.
    """
    words, values = Words(options.lang), given_values(options.given)
    formula = formula_of(options.formula, values)
    wrt = chosen(formula.names, options.wrt) or [formula.names[0]]
    loss = Loss(formula, values, wrt)
    _check_size(loss, options)
    with told("the formula"):
        moments = descended(loss, options.lr, options.steps)
        rows, why = _table(loss, moments, words), list(reasons(loss, moments, options.lr, words))
    if options.page is not None:
        with quiet():
            path = tg.explain_descent(_history(moments), learning_rate=options.lr, lang=options.lang).save(options.page)
        why += [words.say(f"page: {path}", f"网页：{path}")]
    print(grid(rows), "", *why, sep="\n")


def _check_size(loss: Loss, options: Namespace) -> None:
    count = loss.start.size
    if count > _MOST_NUMBERS:
        raise DataError(f"descend follows at most {_MOST_NUMBERS} numbers, but {', '.join(loss.wrt)} has {count}.")
    if options.page is not None and count > 1:
        raise DataError(f"--page shows the steps of one number, but {', '.join(loss.wrt)} has {count}.")


def _table(loss: Loss, moments: Sequence[Moment], words: Words) -> list[list[str]]:
    names = [name_text(name) for name in loss.wrt]
    gradients = [words.say("gradient", "梯度")] if len(names) == 1 else [f"dL/d{name}" for name in names]
    new = [words.say(f"new {name}", f"新的 {name}") for name in names]
    rows = [[words.say("step", "步"), *names, words.say("loss", "损失"), *gradients, *new]]
    for number, moment in enumerate(moments, 1):
        if len(moments) > _MOST_ROWS and _MOST_ROWS // 2 < number <= len(moments) - _MOST_ROWS // 2:
            if number == _MOST_ROWS // 2 + 1:
                rows.append(["…"] * len(rows[0]))
            continue
        before, gradient, after = (
            map(array_text, loss.parts(vector).values()) for vector in (moment.theta, moment.gradient, moment.after)
        )
        rows.append([str(number), *before, number_text(moment.loss), *gradient, *after])
    return rows


def _history(moments: Sequence[Moment]) -> History:
    """The steps as a model's training records them, without the one that leads beyond all numbers."""
    steps = [
        Step(
            epoch=number, samples=np.zeros(1, int), weights=moment.theta, bias=0.0, loss=moment.loss,
            weights_gradient=moment.gradient, bias_gradient=0.0, new_weights=moment.after, new_bias=0.0,
        )
        for number, moment in enumerate(moments, 1)
        if moment.is_finite
    ]  # fmt: skip
    if not steps:
        raise DataError("there is no step to show: the first leads to numbers that are infinite or none (NaN).")
    return History(steps, step_count=len(steps))
