"""Functions of one number, and the choice between two, applied element by element.

Where a derivative does not exist the convention is that of PyTorch and JAX: |x|' = 0 at 0, relu'(0) = 0, tied maxima share equally.
"""

from typing import Any

import numpy as np

from tinygrad_edu.primitive import Primitive, composition, operation

POSITIVE = ((0.2, 4.0),)


def _where(condition: Any, a: Any, b: Any) -> Any:
    if type(condition) is np.bool_ and type(b) in (float, type(a)) and type(a) in (np.float64, np.float32):
        return a if condition else type(a)(b)  # np.where takes twenty times as long for single numbers
    return np.where(condition, a, b)


where: Primitive = operation(
    _where,
    None,
    lambda g, out, condition, a, b: where(condition, g, 0.0),
    lambda g, out, condition, a, b: where(condition, 0.0, g),
    name="where", numpy=[np.where], latex=r"\begin{{cases}} {1} & {0} \\ {2} & \text{{else}} \end{{cases}}",
)  # fmt: skip

exp = operation(np.exp, lambda g, out, x: g * out, latex="e^{{{0}}}")
expm1 = operation(np.expm1, lambda g, out, x: g * (out + 1), latex="e^{{{0}}} - 1")
log = operation(np.log, lambda g, out, x: g / x, latex=r"\ln {0}", domain=POSITIVE)
log1p = operation(np.log1p, lambda g, out, x: g / (1 + x), latex=r"\ln(1 + {0})", domain=((-0.8, 3.0),))
sqrt = operation(np.sqrt, lambda g, out, x: g * 0.5 / out, latex=r"\sqrt{{{0}}}", domain=POSITIVE)
sin = operation(np.sin, lambda g, out, x: g * np.cos(x), latex=r"\sin {0}")
cos = operation(np.cos, lambda g, out, x: -g * np.sin(x), latex=r"\cos {0}")
tanh = operation(np.tanh, lambda g, out, x: g * (1 - out**2), latex=r"\tanh {0}")
absolute = operation(np.absolute, lambda g, out, x: g * np.sign(x), latex=r"\left|{0}\right|")
sign = operation(np.sign, lambda g, out, x: np.zeros_like(x), latex=r"\operatorname{{sign}} {0}")

floor = operation(np.floor, lambda g, out, x: np.zeros_like(x), latex=r"\left\lfloor {0} \right\rfloor")
ceil = operation(np.ceil, lambda g, out, x: np.zeros_like(x), latex=r"\left\lceil {0} \right\rceil")


def _step(x: Any) -> Any:
    return np.heaviside(x, 0)


def _relu(x: Any) -> Any:
    return np.maximum(x, 0)


def _sigmoid(x: Any) -> Any:
    # 1 / (1 + e^-x), or the same as e^x / (1 + e^x): whichever exponential cannot overflow.
    e = np.exp(-np.absolute(x))
    return np.where(x >= 0, 1, e) / (1 + e)


def _softplus(x: Any) -> Any:
    return np.logaddexp(x, 0)


step = operation(
    _step,
    lambda g, out, x: np.zeros_like(x),
    name="step", code="np.heaviside({0}, 0)", latex=r"\operatorname{{step}}({0})",
)  # fmt: skip
relu = operation(
    _relu,
    lambda g, out, x: where(x > 0, g, 0.0),
    name="relu", code="np.maximum({0}, 0)", latex=r"\operatorname{{relu}}({0})",
)  # fmt: skip
sigmoid = operation(
    _sigmoid,
    lambda g, out, x: g * out * (1 - out),
    name="sigmoid", code="1 / (1 + np.exp(-{0}))", latex=r"\sigma({0})",
)  # fmt: skip
softplus = operation(
    _softplus,
    lambda g, out, x: g * sigmoid(x),
    name="softplus", code="np.logaddexp({0}, 0)", latex=r"\ln(1 + e^{{{0}}})",
)  # fmt: skip


def _share(g: Any, wins: Any, ties: Any) -> Any:
    """All of `g` where this input wins, half of it where both are equal."""
    return where(wins, g, where(ties, 0.5 * g, 0.0))


maximum = operation(
    np.maximum,
    lambda g, out, a, b: _share(g, a > b, a == b),
    lambda g, out, a, b: _share(g, b > a, a == b),
    latex=r"\max({0}, {1})",
)
minimum = operation(
    np.minimum,
    lambda g, out, a, b: _share(g, a < b, a == b),
    lambda g, out, a, b: _share(g, b < a, a == b),
    latex=r"\min({0}, {1})",
)
logaddexp = operation(
    np.logaddexp,
    lambda g, out, a, b: g * np.exp(a - out),
    lambda g, out, a, b: g * np.exp(b - out),
    latex=r"\ln(e^{{{0}}} + e^{{{1}}})",
)


def _clip(x: Any, low: Any, high: Any) -> Any:
    return np.minimum(np.maximum(x, low), high)


# As in PyTorch, a number that lies exactly on a bound still passes its gradient on.
clip = operation(
    _clip,
    lambda g, out, x, low, high: where((low <= x) & (x <= high), g, 0.0),
    lambda g, out, x, low, high: where((x < low) & (low < high), g, 0.0),
    lambda g, out, x, low, high: where((high < x) | (high <= low), g, 0.0),
    name="clip", code="np.clip({0}, {1}, {2})", latex=r"\min(\max({0}, {1}), {2})",
    domain=((-3, 3), (-2, -1), (1, 2)),
)  # fmt: skip

@composition(np.clip)
def _numpy_clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    """A bound may be missing, and may be given by either of two names."""
    low, high = a_min if min is None else min, a_max if max is None else max
    return clip(a, -np.inf if low is None else low, np.inf if high is None else high)


# The same numbers, from which no gradient passes back: they count as constants.
stop_gradient = operation(
    lambda x: x,
    None,
    name="stop_gradient", code="{0}", latex="{0}",
)  # fmt: skip
