"""Functions of one number, and the choice between two, applied element by element.

Where a derivative does not exist the convention is that of PyTorch and JAX: |x|' = 0 at 0, relu'(0) = 0, tied maxima share equally.

Higher derivatives are of two kinds. A choice (where, relu, maximum, clip) is differentiated as what was chosen, however often; so
relu has the second derivative zero at 0, too. A length (|x|, hypot, a norm, a standard deviation) has a direction. This is taken as
zero where there is none, but it has no derivative there: the second derivative of |x|², written with |x|, is NaN at 0, and not 0.
"""

import math
import operator
from typing import Any

import numpy as np

from tinygrad_edu.primitives.broadcasting import cast, converted
from tinygrad_edu.primitives.primitive import Primitive, case
from tinygrad_edu.primitives.table import TABLE, composition, operation

POSITIVE = ((0.2, 4.0),)
LN2, LN10 = math.log(2), math.log(10)


def _where(condition: Any, a: Any, b: Any) -> Any:
    if type(condition) is np.bool_ and type(b) in (float, type(a)) and type(a) in (np.float64, np.float32):
        return a if condition else type(a)(b)  # np.where takes twenty times as long for single numbers
    return np.where(condition, a, b)


where: Primitive = operation(
    _where,
    None,
    lambda g, out, condition, a, b: where(condition, g, 0.0),
    lambda g, out, condition, a, b: where(condition, 0.0, g),
    name="where", result="chosen", numpy=[np.where], latex=r"\begin{{cases}} {1} & {0} \\ {2} & \text{{else}} \end{{cases}}",
)  # fmt: skip

# The same numbers y, of which it is known that they have no derivative by x where x is zero. A rule puts it around what is a mere
# convention there, so that no finite number comes out when the rule itself is differentiated.
corner: Primitive = operation(
    lambda y, x: y,
    lambda g, out, y, x: g,
    lambda g, out, y, x: g * np.where(x == 0, np.nan, 0.0),
    name="corner", code="{0}", latex="{0}",
    domain=((-2.5, 2.5), (0.2, 4.0)), cases=[case((), ()), case((3,), (3,)), case((2, 3), ())],
)  # fmt: skip


def direction(component: Any, length: Any) -> Any:
    """component / length; and zero where the length is zero, so that there is no direction."""
    return corner(component / where(length == 0, np.inf, length), length)


exp = operation(np.exp, lambda g, out, x: g * out, latex="e^{{{0}}}")
exp2 = operation(np.exp2, lambda g, out, x: g * (out * LN2), latex="2^{{{0}}}")
expm1 = operation(np.expm1, lambda g, out, x: g * (out + 1), latex="e^{{{0}}} - 1")
log = operation(np.log, lambda g, out, x: g / x, latex=r"\ln {0}", domain=POSITIVE)
# Entries of their own, since ln(8) / ln(2) is not exactly 3.
log2 = operation(np.log2, lambda g, out, x: g / (x * LN2), latex=r"\log_2 {0}", domain=POSITIVE)
log10 = operation(np.log10, lambda g, out, x: g / (x * LN10), latex=r"\log_{{10}} {0}", domain=POSITIVE)
log1p = operation(np.log1p, lambda g, out, x: g / (1 + x), latex=r"\ln(1 + {0})", domain=((-0.8, 3.0),))
sqrt = operation(np.sqrt, lambda g, out, x: g * 0.5 / out, latex=r"\sqrt{{{0}}}", domain=POSITIVE)
# The square root of a sum of squares, which is a length: its derivative is taken as zero, and not as infinite, where it is zero.
root = operation(
    lambda x: np.sqrt(x),
    lambda g, out, x: 0.5 * g * direction(1.0, out),
    name="root", code="np.sqrt({0})", latex=r"\sqrt{{{0}}}", domain=POSITIVE,
)  # fmt: skip
reciprocal = operation(np.reciprocal, lambda g, out, x: -g * out**2, latex=r"\frac{{1}}{{{0}}}", domain=POSITIVE)
cbrt = operation(np.cbrt, lambda g, out, x: g / (3 * out**2), latex=r"\sqrt[3]{{{0}}}", domain=POSITIVE)


def _absolute_vjp(g: Any, out: Any, x: Any) -> Any:
    towards = corner(np.sign(x), x)
    return g * (towards if towards.dtype.kind != "c" else np.conjugate(towards))


def _sign_vjp(g: Any, out: Any, x: Any) -> Any:
    """Zero; but a complex x / |x| still turns when x moves across its own direction."""
    if x.dtype.kind != "c":
        return np.zeros_like(x)
    length = np.absolute(x)
    across = g - np.real(g * out) * np.conjugate(out)
    return direction(across, length)


absolute = operation(
    operator.abs,  # see arithmetic
    _absolute_vjp,
    name="absolute", numpy=[np.absolute], code="abs({0})", latex=r"\left|{0}\right|",
)  # fmt: skip
fabs = operation(np.fabs, _absolute_vjp, latex=r"\left|{0}\right|")  # which makes floating-point numbers of whole ones
sign = operation(np.sign, _sign_vjp, latex=r"\operatorname{{sign}} {0}")
copysign = operation(
    np.copysign,
    lambda g, out, a, b: g * corner(np.sign(a), a) * np.copysign(1.0, b),
    lambda g, out, a, b: np.zeros_like(out),
    latex=r"\left|{0}\right| \operatorname{{sign}} {1}",
)


@composition(np.square)
def _square(x: Any) -> Any:
    return x**2 if x.dtype.kind != "b" else cast(x, dtype=np.dtype(np.int8))  # as which NumPy multiplies truth values


def squares(x: Any) -> Any:
    """x², of a complex number the square of its length."""
    return x**2 if x.dtype.kind != "c" else np.real(x) ** 2 + np.imag(x) ** 2


def _step(x: Any) -> Any:
    """1 where x > 0, else 0. Its derivative is zero everywhere, also at the jump, by which nothing can be learned.

    Parameters
    ----------
    x: a Value, an array or a number, of any shape. The result has its shape and, if that is a floating-point one, its dtype.

    Raises
    ------
    TypeError: if `x` is complex or not made of numbers.

    >>> step(np.array([-1.0, 0.0, 2.0]))
    array([0., 0., 1.])
    """
    return np.heaviside(x, 0)


def _relu(x: Any) -> Any:
    """max(x, 0), the rectifier (Nair and Hinton, 2010). Its derivative at zero is taken as zero, as in PyTorch and JAX.

    Parameters
    ----------
    x: a Value, an array or a number, of any shape. The result has its shape and dtype.

    Raises
    ------
    TypeError: if `x` is not made of numbers.

    >>> relu(np.array([-1.0, 0.0, 2.0]))
    array([0., 0., 2.])
    """
    return np.maximum(x, 0)


def _sigmoid(x: Any) -> Any:
    """σ(x) = 1 / (1 + e⁻ˣ), the logistic function, without overflow. Its derivative is σ(x) (1 - σ(x)).

    Parameters
    ----------
    x: a Value, an array or a number, of any shape. The result has its shape and, if that is a floating-point one, its dtype.

    Raises
    ------
    TypeError: if `x` is complex or not made of numbers.

    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0]))
    array([0. , 0.5, 1. ])
    """
    # 1 / (1 + e^-x), or the same as e^x / (1 + e^x): whichever exponential cannot overflow.
    e = np.exp(-np.absolute(np.multiply(1.0, x)))  # bytes have no negative numbers
    return np.where(np.signbit(x), e, 1) / (1 + e)  # a complex x, which has no sign, is refused here


def _softplus(x: Any) -> Any:
    """ln(1 + eˣ), a smooth form of the rectifier (Dugas et al., 2001), without overflow. Its derivative is the sigmoid.

    Parameters
    ----------
    x: a Value, an array or a number, of any shape. The result has its shape and, if that is a floating-point one, its dtype.

    Raises
    ------
    TypeError: if `x` is complex or not made of numbers.

    >>> softplus(np.array([-1000.0, 1000.0]))
    array([   0., 1000.])
    """
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
    name="sigmoid", code="sigmoid({0})", latex=r"\sigma({0})",
)  # fmt: skip
softplus = operation(
    _softplus,
    lambda g, out, x: g * sigmoid(x),
    name="softplus", code="np.logaddexp({0}, 0)", latex=r"\ln(1 + e^{{{0}}})",
)  # fmt: skip


heaviside = operation(
    np.heaviside,
    lambda g, out, x, at_zero: np.zeros_like(out),
    lambda g, out, x, at_zero: where(x == 0, g, 0.0),
    latex=r"\operatorname{{heaviside}}({0}, {1})",
)


def _share(g: Any, loses: Any, ties: Any) -> Any:
    """Nothing where this input loses, half of `g` where both are equal, else all of it."""
    return where(loses, 0.0, where(ties, 0.5 * g, g))


def _loses_to_number(a: Any, b: Any, less: Any) -> Any:
    """fmax and fmin prefer any number to NaN."""
    return less | (np.isnan(a) & ~np.isnan(b))


maximum = operation(
    np.maximum,
    lambda g, out, a, b: _share(g, a < b, a == b),
    lambda g, out, a, b: _share(g, b < a, a == b),
    latex=r"\max({0}, {1})",
)
minimum = operation(
    np.minimum,
    lambda g, out, a, b: _share(g, a > b, a == b),
    lambda g, out, a, b: _share(g, b > a, a == b),
    latex=r"\min({0}, {1})",
)
fmax = operation(
    np.fmax,
    lambda g, out, a, b: _share(g, _loses_to_number(a, b, a < b), a == b),
    lambda g, out, a, b: _share(g, _loses_to_number(b, a, b < a), a == b),
    latex=r"\max({0}, {1})",
)
fmin = operation(
    np.fmin,
    lambda g, out, a, b: _share(g, _loses_to_number(a, b, a > b), a == b),
    lambda g, out, a, b: _share(g, _loses_to_number(b, a, b > a), a == b),
    latex=r"\min({0}, {1})",
)


def _difference(a: Any, b: Any) -> Any:
    with np.errstate(invalid="ignore"):
        return _where(a == b, 0.0, a - b)


# a - b, and zero rather than NaN for two equal infinities.
difference = operation(
    _difference,
    lambda g, out, a, b: g,
    lambda g, out, a, b: -g,
    name="difference", code="np.where({0} == {1}, 0.0, {0} - {1})", latex="{0} - {1}",
)  # fmt: skip
# The slope is eᵃ / (eᵃ + eᵇ). Two equal infinities share equally, as all equal numbers do.
logaddexp = operation(
    np.logaddexp,
    lambda g, out, a, b: g * sigmoid(difference(a, b)),
    lambda g, out, a, b: g * sigmoid(difference(b, a)),
    latex=r"\ln(e^{{{0}}} + e^{{{1}}})",
)
logaddexp2 = operation(
    np.logaddexp2,
    lambda g, out, a, b: g * sigmoid(difference(a, b) * LN2),
    lambda g, out, a, b: g * sigmoid(difference(b, a) * LN2),
    latex=r"\log_2(2^{{{0}}} + 2^{{{1}}})",
)


@composition(np.nan_to_num)
def _nan_to_num(x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    if x.dtype.kind not in "fc":
        return cast(x, dtype=x.dtype)  # NumPy's number, also of one of Python's
    if x.dtype.kind == "c":
        return _nan_to_num(np.real(x), copy, nan, posinf, neginf) + 1j * _nan_to_num(np.imag(x), copy, nan, posinf, neginf)
    largest = np.finfo(x.dtype).max
    posinf, neginf = largest if posinf is None else posinf, -largest if neginf is None else neginf
    nan, posinf, neginf = (converted(each, x.dtype) for each in (nan, posinf, neginf))
    finite = np.where(np.isposinf(x), posinf, np.where(np.isnan(x), nan, x))
    return np.where(np.isneginf(x), neginf, finite)


TABLE.instead[np.real_if_close] = "Write np.real(a)."


@composition(np.real_if_close)
def _real_if_close(a: Any, tol: float = 100) -> Any:
    if a.dtype.kind != "c":
        return a
    if tol > 1:  # a multiple of the rounding error
        tol = tol * np.finfo(a.dtype).eps
    return np.real(a) if np.all(np.absolute(np.imag(a)) < tol) else a


def _clip(x: Any, low: Any, high: Any) -> Any:
    return np.clip(x, low, high)


# As in PyTorch, a number that lies exactly on a bound still passes its gradient on.
clip = operation(
    _clip,
    lambda g, out, x, low, high: where((low <= x) & (x <= high), g, 0.0),
    lambda g, out, x, low, high: where((x < low) & (low < high), g, 0.0),
    lambda g, out, x, low, high: where((high < x) | (high <= low), g, 0.0),
    name="clip", result="clipped", code="np.clip({0}, {1}, {2})", latex=r"\min(\max({0}, {1}), {2})",
    domain=((-3, 3), (-2, -1), (1, 2)),
)  # fmt: skip


@composition(np.clip)
def _numpy_clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    """A bound may be missing, and may be given by either of two names."""
    a = a if hasattr(a, "dtype") else np.asarray(a)[()]
    low, high = a_min if min is None else min, a_max if max is None else max
    if a.dtype.kind == "b" and (low is None or high is None):
        return a if low is high else np.minimum(a, high) if low is None else np.maximum(a, low)
    lowest, highest = (-np.inf, np.inf) if a.dtype.kind in "fcb" else (int(np.iinfo(a.dtype).min), int(np.iinfo(a.dtype).max))
    return clip(a, lowest if low is None else low, highest if high is None else high)


def _stop_gradient(x: Any) -> Any:
    """The same numbers, from which no gradient passes back: they count as a constant.

    Parameters
    ----------
    x: a Value, of any shape and dtype, which the result has, too; anything else is returned as it is. There is no error.

    >>> import tinygrad_edu as tg
    >>> float(tg.grad(lambda x: tg.stop_gradient(x) * x)(3.0))
    3.0
    """
    return x


stop_gradient = operation(
    _stop_gradient,
    None,
    name="stop_gradient", code="{0}", latex="{0}",
)  # fmt: skip

# The same numbers in a Value of its own, whose hook sees the gradient.
on_gradient = operation(
    lambda x: x,
    lambda g, out, x: g,
    name="on_gradient", latex=r"\operatorname{{on\_gradient}}({0})",
)  # fmt: skip
