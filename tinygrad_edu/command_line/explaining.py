"""`explain`: the chain rule behind a formula, as text, LaTeX, source or a page."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu.command_line.formulas import Formula, quiet, told
from tinygrad_edu.command_line.given import chosen, given_values
from tinygrad_edu.command_line.words import Words
from tinygrad_edu.engine.messages import cut, shortened
from tinygrad_edu.errors import DataError


def explain(options: Namespace) -> None:
    """Print the explanation, and save its page, if that is asked for.

    Raises
    ------
    DataError: if the formula or what is given cannot be used; the message says where, and what to write.
    """
    if options.lr is not None and options.page is None:
        raise DataError("--lr shows a step on the page, so that it needs --page; descend prints steps.")
    values = given_values(options.given)
    formula = formula_of(options.formula, values, "L")
    wrt = chosen(formula.names, options.wrt)
    with told("the formula"):
        loss = formula(*(tg.Value(value, name=name, requires_grad=not wrt or name in wrt) for name, value in values.items()))
        if not loss.requires_grad:
            raise DataError(
                f"no derivative passes to {', '.join(wrt)}: the formula has it for a shape, a choice or a comparison alone."
            )
        explanation = tg.explain(loss, wrt=wrt or None, lang=options.lang)
        parts = [_source(options.formula, values, wrt or formula.names)] if options.source else []
        parts += [explanation.to_latex()] if options.latex else []
        parts = parts or [str(explanation)]
    if options.page is not None:
        with quiet():
            path = explanation.page(learning_rate=options.lr).save(options.page)
        parts += [Words(options.lang).say(f"page: {path}", f"网页：{path}")]
    print(*parts, sep="\n\n")


def formula_of(text: str, values: Mapping[str, Any], name: str = "loss") -> Formula:
    """The formula, if it uses all that is given, and comes to a single real number there.

    name: what it is called.

    Raises
    ------
    DataError: if not; the message says where, and what to write.
    """
    if not values:
        raise DataError("no name is given, so that there is nothing to differentiate. Give one with its value: theta=3.")
    formula = Formula(text, [*values], name)
    unused = [one for one in values if one not in formula.names]
    if unused:
        raise DataError(f"{unused[0]} is given, but the formula does not use it. Leave {unused[0]}= out.")
    with told("the formula"):
        result = formula(*(tg.Value(value, name=one) for one, value in values.items()))
        if isinstance(result, list | tuple):
            raise DataError(f"it comes to {len(result)} results, but a gradient is that of a single number.")
        array = np.asarray(result.numpy() if isinstance(result, tg.Value) else result)
        if array.dtype.kind == "c":
            raise DataError("it comes to complex numbers, but a gradient is that of a real one: write real(...) or abs(...).")
        if array.dtype.kind not in "fiu":
            raise DataError(f"it comes to {shortened(result)}, which is no real number, so that it has no gradient.")
        if array.shape:
            raise DataError(
                f"it comes to an array of shape {array.shape}, but a gradient is that of a single number: write "
                f"sum({cut(text.strip())}), or mean({cut(text.strip())})."
            )
        if not isinstance(result, tg.Value) or result.primitive is None:
            raise DataError("nothing is computed in it of what is given, so that there is no gradient.")
    return formula


def _source(text: str, values: Mapping[str, Any], wrt: Sequence[str]) -> str:
    """The compiled gradient, as it was recorded at these values."""
    formula = Formula(text, [*values])
    positions = tuple(map(formula.names.index, wrt))
    compiled = tg.compile(tg.value_and_grad(formula, positions if len(positions) > 1 else positions[0]))
    compiled(*values.values())
    return compiled.source.rstrip()
