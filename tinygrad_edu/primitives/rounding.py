"""Rounding, and splitting numbers into a whole and a fractional part.

A rounded number does not move as x moves, but for the jumps: its derivative is zero, also at them.
"""

from typing import Any

import numpy as np

from tinygrad_edu.primitives.arithmetic import NONZERO
from tinygrad_edu.primitives.broadcasting import cast
from tinygrad_edu.primitives.primitive import case
from tinygrad_edu.primitives.table import composition, operation

floor = operation(np.floor, lambda g, out, x: np.zeros_like(x), latex=r"\left\lfloor {0} \right\rfloor")
ceil = operation(np.ceil, lambda g, out, x: np.zeros_like(x), latex=r"\left\lceil {0} \right\rceil")
trunc = operation(np.trunc, lambda g, out, x: np.zeros_like(x), latex=r"\operatorname{{trunc}} {0}")
composition(np.fix)(trunc)
rint = operation(np.rint, lambda g, out, x: np.zeros_like(x), latex=r"\operatorname{{round}} {0}")
round = operation(
    lambda a, decimals=0: np.round(a, decimals),
    lambda g, out, a, decimals=0: np.zeros_like(a),
    name="round", numpy=[np.round, np.around], latex=r"\operatorname{{round}} {0}",
    cases=[case(()), case((2, 3), decimals=1), case((4,), decimals=-1)],
)  # fmt: skip

# Between its jumps fmod(a, b) is a − b·trunc(a/b) with trunc(a/b) constant.
fmod = operation(
    np.fmod,
    lambda g, out, a, b: g,
    lambda g, out, a, b: -g * np.trunc(a / b),
    latex=r"{0} \operatorname{{fmod}} {1}", domain=((-3, 3), NONZERO),
)  # fmt: skip
# x · 2ᵉ with a whole number e, which may be computed.
ldexp = operation(np.ldexp, lambda g, out, x, e: np.ldexp(g, e), None, latex=r"{0} \cdot 2^{{{1}}}")


@composition(np.divmod)
def _divmod(a: Any, b: Any) -> tuple[Any, Any]:
    return a // b, a % b


@composition(np.modf)
def _modf(x: Any) -> tuple[Any, Any]:
    if x.dtype.kind != "f":  # NumPy says in which precision whole numbers are split
        x = cast(x, dtype=np.modf(np.ones(1, x.dtype))[0].dtype)
    finite = np.where(np.isinf(x), 0.0, x)  # the fractional part of an infinity is zero
    return finite - np.trunc(finite), np.trunc(x)
