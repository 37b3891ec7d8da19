"""Einstein's sum convention: any product of arrays, summed along any axes.

The gradient of such a sum is one again: the cotangent takes the place of the operand in question, and its axes are asked for.
"""

import math
from collections.abc import Sequence
from string import ascii_lowercase, ascii_uppercase
from typing import Any

import numpy as np

from tinygrad_edu.primitives.primitive import EachInput, Primitive, case
from tinygrad_edu.primitives.table import composition, operation

_LABELS = ascii_uppercase + ascii_lowercase  # in the order in which an implicit output has them
_WORTH_A_PLAN = 30_000  # so many products take as long as the search for a plan


def _einsum(*operands: Any, subscripts: str, optimize: Any = False) -> Any:
    return np.einsum(subscripts, *operands, optimize=optimize)


def _einsum_vjp(g: Any, out: Any, *operands: Any, subscripts: str, optimize: Any = False, position: int) -> Any:
    inputs, output = subscripts.split("->")
    terms = inputs.split(",")
    term, shape = terms[position], np.shape(operands[position])
    factors = [g, *operands[:position], *operands[position + 1 :]]
    labels = [output, *terms[:position], *terms[position + 1 :]]
    lengths = {(label, n) for names, x in zip(labels, factors, strict=True) for label, n in zip(names, np.shape(x), strict=True)}
    unused = (label for label in _LABELS if label not in subscripts)
    wanted = ""
    for label, n in zip(term, shape, strict=True):
        if label in wanted:  # a diagonal was read: only there is the gradient not zero
            wanted += next(unused)
            factors.append(np.eye(n, dtype=g.dtype))
            labels.append(label + wanted[-1])
            continue
        wanted += label
        if (label, n) not in lengths:  # an axis that only this operand has was summed: the gradient is the same all along it
            factors.append(np.ones(n, dtype=g.dtype))
            labels.append(label)
    return einsum(*factors, subscripts=f"{','.join(labels)}->{wanted}", optimize=_plan(optimize, labels, factors))


def _plan(optimize: Any, labels: Sequence[str], factors: Sequence[Any]) -> Any:
    """How NumPy is to find an order of products, and matrices among them, for a gradient: as the user said, or where it pays.

    A sum that the user asks for is computed as the user asks for it, to the last bit; its gradient was left to us. A path of the
    user's is for other operands.
    """
    lengths: dict[str, int] = {}
    for names, x in zip(labels, factors, strict=True):
        for label, n in zip(names, np.shape(x), strict=True):
            lengths[label] = max(n, lengths.get(label, 1))
    is_said = isinstance(optimize, str) or optimize is True
    return optimize if is_said else len(factors) > 1 and math.prod(lengths.values()) > _WORTH_A_PLAN


def _einsum_stacks(are_stacks: Sequence[bool], *operands: Any, subscripts: str, optimize: Any = False) -> Any:
    inputs, output = subscripts.split("->")
    stack = next(label for label in _LABELS if label not in subscripts)
    terms = [stack * is_stack + term for term, is_stack in zip(inputs.split(","), are_stacks, strict=True)]
    return einsum(*operands, subscripts=f"{','.join(terms)}->{stack}{output}", optimize=optimize)


einsum: Primitive = operation(
    _einsum, EachInput(_einsum_vjp),
    on_stacks=_einsum_stacks,
    name="einsum", code="np.einsum({subscripts}, {inputs}, optimize={optimize})", jax="np.einsum({subscripts}, {inputs})",
    cases=[
        case((2, 3), (3, 4), subscripts="ij,jk->ik"), case((2, 3), subscripts="ij->ji"), case((2, 3), subscripts="ij->"),
        case((3, 3), subscripts="ii->i"), case((3, 3), subscripts="ii->"), case((2, 2, 2), subscripts="iii->i"),
        case((2, 3), (3, 4), subscripts="ij,kl->il"), case((5, 2, 3), (5, 3), subscripts="bij,bj->bi"),
        case((2, 3), (3, 4), (4, 2), subscripts="ij,jk,ki->", optimize=True), case((1, 3), (2, 1), subscripts="ij,ij->j"),
        case((), (2,), subscripts=",i->i"), case((0, 3), (3,), subscripts="ij,j->i"),
    ],
)  # fmt: skip


@composition(np.einsum)
def _einsum_any_form(*operands: Any, optimize: Any = False) -> Any:
    subscripts, arrays = _as_text(operands)
    return einsum(*arrays, subscripts=_explicit(subscripts, [np.ndim(x) for x in arrays]), optimize=optimize)


def _as_text(operands: Sequence[Any]) -> tuple[str, Sequence[Any]]:
    """The form `einsum(a, [0, 1], b, [1, 2], [0, 2])` rewritten as `einsum("AB,BC->AC", a, b)`."""
    if isinstance(operands[0], str):
        return operands[0], operands[1:]

    def text(sublist: Sequence[Any]) -> str:
        return "".join("..." if label is ... else _LABELS[label] for label in sublist)

    pairs = len(operands) // 2
    arrow = f"->{text(operands[-1])}" if len(operands) % 2 else ""
    return ",".join(text(operands[2 * i + 1]) for i in range(pairs)) + arrow, operands[: 2 * pairs : 2]


def _explicit(subscripts: str, ndims: Sequence[int]) -> str:
    """The same with a letter for each axis that `...` stands for, and with the output written out."""
    inputs, arrow, output = subscripts.replace(" ", "").partition("->")
    terms = inputs.split(",")
    if len(terms) != len(ndims):
        raise ValueError(f"np.einsum got {len(ndims)} operands for the {len(terms)} terms of {subscripts!r}")
    hidden = [ndim - len(term) + 3 if "..." in term else 0 for term, ndim in zip(terms, ndims, strict=True)]
    most = max(hidden)
    broadcast = "".join(label for label in _LABELS if label not in subscripts)[:most]
    if len(broadcast) < most:
        raise ValueError(f"np.einsum has letters for {len(_LABELS)} axes only, and {subscripts!r} needs more")
    if arrow and most and "..." not in output:
        raise ValueError(f"np.einsum needs '...' in the output of {subscripts!r}, because the inputs have axes there")
    if not arrow:
        output = "..." + "".join(label for label in _LABELS if inputs.count(label) == 1)
    # Broadcasting aligns axes at the end.
    terms = [term.replace("...", broadcast[most - n :] if n else "") for term, n in zip(terms, hidden, strict=True)]
    return f"{','.join(terms)}->{output.replace('...', broadcast)}"
