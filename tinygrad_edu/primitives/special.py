"""Special functions: NumPy's own, those that models need, and SciPy's.

SciPy is imported when one of its functions is first called, and not before. `scipy.special.erf(value)` is found by name.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any, Literal

import numpy as np

from tinygrad_edu.errors import DataError, MissingExtraError
from tinygrad_edu.primitives.arithmetic import multiply
from tinygrad_edu.primitives.elementwise import POSITIVE, corner, sigmoid, softplus, where
from tinygrad_edu.primitives.primitive import Domain, Primitive, Rule, case
from tinygrad_edu.primitives.reductions import AXES, put_back
from tinygrad_edu.primitives.shaping import as_operand
from tinygrad_edu.primitives.table import TABLE, operation

# --- NumPy's: families that are closed under differentiation -----------------------------------------------------------------


def _sinc_derivative(x: Any, order: int) -> Any:
    """πⁿ Iₙ(πx) with Iₙ(z) = ∫₀¹ tⁿ cos(zt + nπ/2) dt, since sin(z) / z = ∫₀¹ cos(zt) dt.

    Integration by parts gives Iₙ = (sin(z + nπ/2) - n Iₙ₋₁) / z. Near zero that cancels, but the power series does not.
    """
    z = np.pi * np.asarray(x)
    by_series, coefficient = np.zeros_like(z), np.ones_like(z)
    near = np.absolute(z) < order + 1
    small, large = np.where(near, z, 0.0), np.where(near, 1.0, z)
    for k in range(20 + 8 * order):
        by_series = by_series + _cos_quarter(order + k) / (order + k + 1) * coefficient
        coefficient = coefficient * small / (k + 1)
    by_parts = np.sin(large) / large
    for n in range(1, order + 1):
        by_parts = (_sin_shifted(large, n) - n * by_parts) / large
    return np.pi**order * np.where(near, by_series, by_parts)


def _cos_quarter(n: int) -> float:
    """cos(nπ/2), exactly."""
    return (1.0, 0.0, -1.0, 0.0)[n % 4]


def _sin_shifted(z: Any, n: int) -> Any:
    """sin(z + nπ/2), exactly."""
    return (np.sin(z), np.cos(z), -np.sin(z), -np.cos(z))[n % 4]


# A formula such as (cos πx - sinc x) / x would lose all digits near zero, where the sinc function is used most.
sinc_derivative: Primitive = operation(
    _sinc_derivative,
    lambda g, out, x, order: g * sinc_derivative(x, order=order + 1),
    name="sinc_derivative", latex=r"\operatorname{{sinc}}^{{({order})}} {0}",
    cases=[case((), order=1), case((3, 4), order=1), case((4,), order=2)],
)  # fmt: skip
sinc = operation(
    lambda x: np.sinc(x),
    lambda g, out, x: g * sinc_derivative(x, order=1),
    name="sinc", numpy=[np.sinc], latex=r"\operatorname{{sinc}} {0}",
)  # fmt: skip


def _i0_derivative(x: Any, order: int) -> Any:
    """∫₀¹ cosⁿθ eˣᶜᵒˢᶿ over the circle, θ = 2πt, as a mean over evenly spaced angles.

    For a periodic function such a mean converges faster than any power of their number. Opposite angles are put together.
    """
    x = np.asarray(x)
    pair = np.sinh if order % 2 else np.cosh
    quarter = 12 + int(3 * math.sqrt(np.max(np.absolute(x), initial=0.0)))
    total = np.zeros_like(x)
    for cosine in np.cos((np.arange(quarter) + 0.5) * (np.pi / 2 / quarter)).tolist():
        total = total + cosine**order * pair(x * cosine)
    return total / quarter


i0_derivative: Primitive = operation(
    _i0_derivative,
    lambda g, out, x, order: g * i0_derivative(x, order=order + 1),
    name="i0_derivative", latex="I_0^{{({order})}}({0})",
    jax="np.mean((lambda c: c**{order} * np.exp(c * {0}[..., None]))(np.cos((np.arange(192) + 0.5) * (np.pi / 192))), axis=-1)",
    cases=[case((), order=1), case((3, 4), order=1), case((4,), order=2)],
)  # fmt: skip
i0 = operation(
    lambda x: np.i0(x)[()],
    lambda g, out, x: g * i0_derivative(x, order=1),
    name="i0", numpy=[np.i0], latex="I_0({0})",
)  # fmt: skip


# --- what models need --------------------------------------------------------------------------------------------------------


def _floating(x: Any) -> Any:
    x = np.asarray(x)
    return x if x.dtype.kind in "fc" else x.astype(np.float64)


def _logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """ln Σ eˣ, without overflow: the largest number is taken out of the sum first. Its derivative is the softmax.

    Parameters
    ----------
    x: a Value, or an array of any shape. Whole numbers become double precision.
    axis: over which axis, or axes, to sum, by name: `logsumexp(x, axis=0)`; by default over all.
    keepdims: whether these axes stay, with a length of one.

    Raises
    ------
    IndexingError: if `x` is a Value that has no such axis. (For an array it is NumPy's AxisError.)
    DataError: if it is one and there is no parameter of such a name.

    >>> round(float(logsumexp(np.array([1000.0, 1000.0]))) - 1000, 6)
    0.693147
    """
    x = _floating(x)
    largest = np.max(x, axis=axis, keepdims=True, initial=-np.inf)
    shift = np.where(np.isfinite(largest), largest, 0.0)
    with np.errstate(divide="ignore"):  # ln 0 = -inf is right where every element is -inf
        result = np.log(np.sum(np.exp(x - shift), axis=axis, keepdims=True)) + shift
    return result if keepdims else np.squeeze(result, axis)


# The gradient is the softmax. Where the largest are infinite, these share it equally: so it is 1 / n for n times -inf.
def _logsumexp_vjp(g: Any, out: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return put_back(g, x, axis, keepdims) * softmax(x, axis=axis)


logsumexp = operation(
    _logsumexp, _logsumexp_vjp,
    name="logsumexp", code="np.logaddexp.reduce({0}, axis={axis}, keepdims={keepdims})", latex=r"\ln \sum e^{{{0}}}", cases=AXES,
)  # fmt: skip


def _softmax(x: Any, axis: Any = -1) -> Any:
    """eˣ / Σ eˣ along an axis, without overflow: probabilities in proportion to the exponentials (Bridle, 1990).

    Parameters
    ----------
    x: a Value, or an array of any shape, which the result has, too. Whole numbers become double precision.
    axis: along which axis, or axes, the sum is one, by name: `softmax(x, axis=0)`; None for all.

    Raises
    ------
    IndexingError: if `x` is a Value that has no such axis. (For an array it is NumPy's AxisError.)
    DataError: if it is one and there is no parameter of such a name.

    >>> softmax(np.array([0.0, 0.0, 1000.0]))
    array([0., 0., 1.])
    """
    x = _floating(x)
    largest = x.max(axis=axis, keepdims=True, initial=-np.inf)
    with np.errstate(invalid="ignore"):  # equal infinities share equally
        e = np.exp(np.where(x == largest, 0.0, x - largest))
    return e / e.sum(axis=axis, keepdims=True)


def _softmax_vjp(g: Any, out: Any, x: Any, axis: Any = -1) -> Any:
    return out * (g - np.sum(g * out, axis=axis, keepdims=True))


# JAX's own is NaN where the largest are infinite.
_SHARING_SOFTMAX = (
    "jax.nn.softmax((lambda x, largest: np.where(x == largest, 0.0, x - largest))"
    "({0}, np.max({0}, axis={axis}, keepdims=True)), axis={axis})"
)
# An entry, since the composition would keep three arrays for one.
softmax: Primitive = operation(
    _softmax, _softmax_vjp,
    name="softmax", jax=_SHARING_SOFTMAX, latex=r"\operatorname{{softmax}} {0}",
    cases=[case((4,)), case((3, 4), axis=0), case((2, 3, 2), axis=(0, -1)), case((3,), axis=None), case((0, 3))],
)  # fmt: skip


def log_softmax(x: Any, axis: Any = -1) -> Any:
    """ln softmax(x) along the given axes, without the logarithm of a number that was rounded to zero.

    Parameters
    ----------
    x: a Value, or an array of any shape, which the result has, too. Whole numbers become double precision.
    axis: along which axis, or axes, the sum of the exponentials is one; None for all.

    Raises
    ------
    IndexingError: if `x` is a Value that has no such axis. (For an array it is NumPy's AxisError.)

    >>> np.exp(log_softmax(np.array([0.0, 0.0, 1000.0])))
    array([0., 0., 1.])
    """
    return x - logsumexp(x, axis=axis, keepdims=True)


def gelu(x: Any, approximate: Literal["none", "tanh"] = "none") -> Any:
    """x Φ(x), Φ being the normal distribution function (Hendrycks and Gimpel, 2016). The exact form needs SciPy.

    Parameters
    ----------
    x: a Value, an array or a number, of any shape, which the result has, too.
    approximate: "tanh" for ½x (1 + tanh(√(2/π) (x + 0.044715 x³))), which is within 0.0005 of it.

    Raises
    ------
    DataError: if `approximate` is neither "none" nor "tanh".
    MissingExtraError: if it is "none" and SciPy is not installed.

    >>> round(float(gelu(1.0, approximate="tanh")), 6)
    0.841192
    """
    x = as_operand(x)
    if approximate == "none":
        return multiply(x, 0.5) * erfc(-math.sqrt(0.5) * x)
    if approximate == "tanh":
        return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    raise DataError(
        f"approximate must be 'none' or 'tanh', but is {approximate if isinstance(approximate, str) else type(approximate)!r}."
    )


# --- SciPy's -----------------------------------------------------------------------------------------------------------------


def _scipy(name: str, inputs: int, doc: str = "") -> Callable[..., Any]:
    """A function of `scipy.special`, of one or two inputs, that is looked up when it is called."""

    def called(*args: Any) -> Any:
        try:
            special = import_module("scipy.special")
        except ImportError as error:
            raise MissingExtraError(f"{name} is SciPy's: install it with pip install tinygrad_edu[scipy].") from error
        return getattr(special, name)(*args)

    def unary(x: Any) -> Any:
        return called(x)

    def binary(x: Any, y: Any) -> Any:
        return called(x, y)

    forward = unary if inputs == 1 else binary
    forward.__module__, forward.__name__, forward.__qualname__, forward.__doc__ = "scipy.special", name, name, doc
    return forward


_zeta = _scipy("zeta", 2)

SCIPY: dict[str, Callable[..., Any]] = {}
"""What differentiates functions of `scipy.special`, by their names there."""


def scipy_operation(
    function: str, *vjps: Rule, name: str = "", latex: str = "", domain: tuple[Domain, ...] = (), doc: str = ""
) -> Primitive:  # fmt: skip
    """An entry for a function of `scipy.special`, which JAX has by the same name."""
    jax = f"jax.scipy.special.{function}({{inputs}})"
    entry = operation(_scipy(function, len(vjps), doc), *vjps, name=name or function, jax=jax, latex=latex, domain=domain)
    SCIPY[function] = entry
    return entry


def _documented(formula: str, name: str, x: float, result: str) -> str:
    """What `help` says of one of them, whose arguments, errors and precision are all alike."""
    return f"""{formula}

    It is SciPy's function, which has to be installed (pip install tinygrad_edu[scipy]).

    Parameters
    ----------
    x: a Value, an array or a number, of any shape. The result has its shape and, if that is a floating-point one, its dtype.

    Raises
    ------
    MissingExtraError: if SciPy is not installed.
    TypeError: if `x` is not made of numbers.

    >>> import tinygrad_edu as tg
    >>> round(float(tg.{name}({x})), 6)
    {result}
    """


NORMAL = 1 / math.sqrt(2 * math.pi)

erf = scipy_operation(
    "erf",
    lambda g, out, x: g * (2 / math.sqrt(math.pi) * np.exp(-(x**2))),
    doc=_documented("2/√π times the integral of exp(-t²) from 0 to x (Abramowitz and Stegun, 7.1.1).", "erf", 1.0, "0.842701"),
)
erfc = scipy_operation(
    "erfc",
    lambda g, out, x: g * (-2 / math.sqrt(math.pi) * np.exp(-(x**2))),
    doc=_documented("1 - erf(x), exact also where erf(x) is nearly 1 (Abramowitz and Stegun, 7.1.2).", "erfc", 1.0, "0.157299"),
)
erfinv = scipy_operation("erfinv", lambda g, out, x: g * (math.sqrt(math.pi) / 2 * np.exp(out**2)), domain=((-0.9, 0.9),))
ndtr = scipy_operation("ndtr", lambda g, out, x: g * (NORMAL * np.exp(-(x**2) / 2)), latex=r"\Phi({0})")
log_ndtr = scipy_operation("log_ndtr", lambda g, out, x: g * (NORMAL * np.exp(-(x**2) / 2 - out)), latex=r"\ln \Phi({0})")


def _polygamma(x: Any, order: int) -> Any:
    return (-1) ** (order + 1) * math.factorial(order) * _zeta(order + 1.0, x)


# ψ⁽ⁿ⁾, the derivative of order n + 1 of ln Γ. SciPy's function of this name gives double precision only.
polygamma: Primitive = operation(
    _polygamma,
    lambda g, out, x, order: g * polygamma(x, order=order + 1),
    name="polygamma", jax="jax.scipy.special.polygamma({order}, {0})", latex=r"\psi^{{({order})}}({0})", domain=POSITIVE,
    cases=[case((), order=1), case((3, 4), order=1), case((4,), order=2)],
)  # fmt: skip
digamma = scipy_operation(
    "digamma",
    lambda g, out, x: g * polygamma(x, order=1),
    latex=r"\psi({0})",
    domain=POSITIVE,
    doc=_documented("ψ(x) = Γ'(x) / Γ(x), the derivative of lgamma (Abramowitz and Stegun, 6.3.1).", "digamma", 1.0, "-0.577216"),
)
lgamma = scipy_operation(
    "gammaln",
    lambda g, out, x: g * digamma(x),
    name="lgamma",
    latex=r"\ln \Gamma({0})",
    domain=POSITIVE,
    doc=_documented("ln |Γ(x)|: of whole numbers, ln (x - 1)! (Abramowitz and Stegun, 6.1.1).", "lgamma", 5.0, "3.178054"),
)
gamma = scipy_operation("gamma", lambda g, out, x: g * (out * digamma(x)), latex=r"\Gamma({0})", domain=POSITIVE)
logit = scipy_operation(
    "logit", lambda g, out, x: g / (x * (1 - x)), latex=r"\ln \frac{{{0}}}{{1 - {0}}}", domain=((0.1, 0.9),)
)  # fmt: skip


def _or_zero(x: Any, y: Any) -> Any:
    """y, and one where x is zero: 0 · ln 0 is taken as 0, and its derivatives as those of 0 · ln 1; there are no second ones."""
    return corner(where((x == 0) & (y == 0), 1.0, y), where(x == 0, y, 1.0))


xlogy = scipy_operation(
    "xlogy",
    lambda g, out, x, y: g * np.log(_or_zero(x, y)),
    lambda g, out, x, y: g * (x / _or_zero(x, y)),
    latex=r"{0} \ln {1}", domain=((-3, 3), (0.2, 4.0)),
)  # fmt: skip


def _xlog1py(x: Any, y: Any) -> Any:
    """x ln(1 + y), accurate for small y."""
    return x * np.log1p(y)


SCIPY |= {
    "expit": sigmoid, "log_expit": lambda x: -softplus(-x), "loggamma": lgamma, "psi": digamma, "xlog1py": _xlog1py,
}  # fmt: skip


def of_scipy(function: Callable[..., Any]) -> Callable[..., Any] | None:
    """What differentiates a function of `scipy.special`, some of which NumPy has, too; None for any other function."""
    name = getattr(function, "__name__", "")
    if function is not getattr(sys.modules.get("scipy.special"), name, None):
        return None
    return SCIPY.get(name) or TABLE.functions.get(getattr(np, name, function))
