"""Sums, products, quotients and powers.

The forward functions are Python's operators: on arrays they are NumPy's ufuncs, on single numbers they are several times faster.
Inputs of different shapes broadcast; whoever calls a rule sums its result back to the input's shape.
"""

import operator
from typing import Any

import numpy as np

from tinygrad_edu.primitives.broadcasting import cast
from tinygrad_edu.primitives.elementwise import corner
from tinygrad_edu.primitives.table import composition, operation

NONZERO = (0.3, 3.0)

add = operation(
    operator.add,
    lambda g, out, a, b: g,
    lambda g, out, a, b: g,
    result="total", numpy=[np.add], code="{0} + {1}", latex="{0} + {1}",
)  # fmt: skip
subtract = operation(
    operator.sub,
    lambda g, out, a, b: g,
    lambda g, out, a, b: -g,
    name="subtract", result="difference", numpy=[np.subtract], code="{0} - {1}", latex="{0} - {1}",
)  # fmt: skip
multiply = operation(
    operator.mul,
    lambda g, out, a, b: g * b,
    lambda g, out, a, b: g * a,
    name="multiply", result="product", numpy=[np.multiply], code="{0} * {1}", latex=r"{0} \cdot {1}",
)  # fmt: skip
divide = operation(
    operator.truediv,
    lambda g, out, a, b: g / b,
    lambda g, out, a, b: -(g / b) * out,
    name="divide", result="quotient", numpy=[np.divide], code="{0} / {1}", latex=r"\frac{{{0}}}{{{1}}}", domain=((-3, 3), NONZERO),
)  # fmt: skip
negative = operation(
    operator.neg,
    lambda g, out, a: -g,
    name="negative", result="negated", numpy=[np.negative], code="-{0}", latex="-{0}",
)  # fmt: skip
positive = operation(
    operator.pos,
    lambda g, out, a: g,
    name="positive", numpy=[np.positive], code="+{0}", latex="{0}",
)  # fmt: skip


def _power_vjp_base(g: Any, out: Any, a: Any, b: Any) -> Any:
    if type(b) is int and b == 2:
        return g * 2 * a  # a ** 1 would take longer than the rest of the rule
    if type(b) in (int, float) and b != 0:
        return g * b * a ** (b - 1)
    # 0 ** 0 has the slope zero, although 0 ** -1 is infinite. As a function of b the slope at a = 0 has no derivative at 0 and 1.
    slope = b * a ** np.where(np.logical_and(a == 0, b == 0), 1.0, b - 1)
    return g * corner(slope, np.where(a == 0, b * (b - 1), 1.0))


def _power_vjp_exponent(g: Any, out: Any, a: Any, b: Any) -> Any:
    # 0 ** b stays 0 as b moves (b > 0), although log 0 is infinite.
    logarithm = np.log(np.where(np.logical_and(a == 0, b >= 0), 1.0, a))
    # But that is no smooth function of a, unless b > 1, and none of b at 0 ** 0.
    return g * out * corner(corner(logarithm, np.where(b > 1, 1.0, a)), np.where(a == 0, b, 1.0))


power = operation(
    operator.pow,
    _power_vjp_base,
    _power_vjp_exponent,
    name="power", code="{0} ** {1}", latex="{{{0}}}^{{{1}}}", domain=(NONZERO, (-2, 3)),
)  # fmt: skip


@composition(np.power)
def _power(a: Any, b: Any) -> Any:
    """NumPy's operator squares truth values in eight bits, its function as it takes any other power."""
    types = [np.asarray(x).dtype if isinstance(x, list) else getattr(x, "dtype", x) for x in (a, b)]
    if types[0] == np.dtype(bool) != types[1]:
        a = cast(a, dtype=np.result_type(*types))
    return power(a, b)


float_power = operation(  # in double precision at least
    np.float_power, _power_vjp_base, _power_vjp_exponent, latex="{{{0}}}^{{{1}}}", domain=(NONZERO, (-2, 3)),
)  # fmt: skip

# Between its jumps a % b is a − b·⌊a/b⌋ with ⌊a/b⌋ constant.
mod = operation(
    operator.mod,
    lambda g, out, a, b: g,
    lambda g, out, a, b: -g * (a // b),
    name="mod", numpy=[np.mod], code="{0} % {1}", latex=r"{0} \bmod {1}", domain=((-3, 3), NONZERO),
)  # fmt: skip
floor_divide = operation(
    operator.floordiv,
    lambda g, out, a, b: np.zeros_like(out),
    lambda g, out, a, b: np.zeros_like(out),
    name="floor_divide", numpy=[np.floor_divide], code="{0} // {1}",
    latex=r"\left\lfloor \frac{{{0}}}{{{1}}} \right\rfloor", domain=((-3, 3), NONZERO),
)  # fmt: skip
