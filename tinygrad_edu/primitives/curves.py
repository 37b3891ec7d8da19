"""Curves that are given by numbers: polynomials by coefficients, polygons by points, piecewise functions by their pieces."""

import operator
from collections.abc import Iterator, Sequence
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from tinygrad_edu.errors import TracingError, UnsupportedError
from tinygrad_edu.primitives.broadcasting import cast
from tinygrad_edu.primitives.elementwise import stop_gradient
from tinygrad_edu.primitives.indexing import scatter, take
from tinygrad_edu.primitives.primitive import Primitive, case
from tinygrad_edu.primitives.shaping import as_operand
from tinygrad_edu.primitives.table import TABLE, composition, operation

# Whole periods are added, which are the same all around a point.
unwrap = operation(
    lambda p, discont=None, axis=-1, period=2 * np.pi: np.unwrap(p, discont, axis, period=period),
    lambda g, out, p, discont=None, axis=-1, period=2 * np.pi: g,
    name="unwrap", numpy=[np.unwrap], cases=[case((5,)), case((4, 3), axis=0, period=1.5), case((5,), discont=4.0)],
)  # fmt: skip


@composition(np.polyval)
def _polyval(p: Any, x: Any) -> Any:
    x = as_operand(x)
    y = np.zeros_like(x)
    for coefficient in as_operand(p):  # Horner's scheme
        y = y * x + coefficient
    return y


def _of_one_length(*polynomials: Any) -> Iterator[Any]:
    polynomials = tuple(np.atleast_1d(p) for p in polynomials)
    longest = max(map(len, polynomials))
    return (np.pad(p, (longest - len(p), 0)) for p in polynomials)  # the highest power comes first


@composition(np.polyadd)
def _polyadd(a1: Any, a2: Any) -> Any:
    return operator.add(*_of_one_length(a1, a2))


@composition(np.polysub)
def _polysub(a1: Any, a2: Any) -> Any:
    return operator.sub(*_of_one_length(a1, a2))


@composition(np.polymul)
def _polymul(a1: Any, a2: Any) -> Any:
    return np.convolve(*(_without_leading_zeros(np.atleast_1d(a)) for a in (a1, a2)))


def _without_leading_zeros(p: Any) -> Any:
    """Coefficients from the first one that is not zero. In a program for all numbers they stay as many as they are."""
    if hasattr(p == 0, "__record_primitive__"):
        return p
    nonzero = np.flatnonzero(p)
    return p[int(nonzero[0]) if nonzero.size else -1 :]


@composition(np.polyder)
def _polyder(p: Any, m: int = 1) -> Any:
    for _ in range(m):
        p = p[:-1] * np.arange(len(p) - 1, 0, -1)
    return p


@composition(np.polyint)
def _polyint(p: Any, m: int = 1, k: Any = None) -> Any:
    constants = np.broadcast_to(0.0 if k is None else k, (m,))
    for constant in constants:
        p = np.append(p / np.arange(len(p), 0, -1), constant)
    return p


TABLE.instead[np.polydiv] = "How many coefficients the rest has depends on the numbers. Divide outside, and pass on what it gives."


@composition(np.polydiv)
def _polydiv(u: Any, v: Any) -> tuple[Any, Any]:
    u, v = np.atleast_1d(u) + 0.0, np.atleast_1d(v) + 0.0
    quotient = []
    rest = u
    for k in range(len(u) - len(v) + 1):  # long division, with the highest power first
        quotient.append(1.0 / v[0] * rest[k])
        rest = np.concatenate([rest[:k], rest[k : k + len(v)] - quotient[-1] * v, rest[k + len(v) :]])
    while len(rest) > 1 and np.allclose(rest[0], 0, rtol=1e-14):
        rest = rest[1:]
    return np.stack(quotient) if quotient else np.zeros(1), rest


@composition(np.poly)
def _poly(seq_of_zeros: Any) -> Any:
    """Real coefficients where zeros that are not real come in pairs, as those of a real matrix always do."""
    is_matrix = seq_of_zeros.ndim == 2
    zeros = np.linalg.eigvals(seq_of_zeros) if is_matrix else seq_of_zeros
    if zeros.dtype != np.mintypecode(zeros.dtype.char):  # of half precision, or whole
        zeros = cast(zeros, dtype=np.dtype(np.mintypecode(zeros.dtype.char)))
    coefficients = np.ones(1, zeros.dtype)
    for zero in zeros:
        coefficients = np.convolve(coefficients, np.stack([np.ones_like(zero), -zero]))
    if zeros.dtype.kind != "c":
        return coefficients
    come_in_pairs = np.array_equal(np.sort(zeros), np.sort(np.conjugate(zeros)))
    is_real = come_in_pairs is True or (is_matrix and seq_of_zeros.dtype.kind != "c")
    return np.real(coefficients) if is_real else coefficients


TABLE.instead[np.roots] = (
    "How many roots there are depends on the numbers: a leading zero is one fewer. Where p[0] is not zero, write "
    "np.linalg.eigvals(np.concatenate([(-p[1:] / p[0])[None], np.eye(len(p) - 2, len(p) - 1)]))."
)


@composition(np.roots)
def _roots(p: Any) -> Any:
    """The eigenvalues of a matrix that has this characteristic polynomial."""
    nonzero = np.flatnonzero(p)
    at_zero = len(p) - 1 - int(nonzero[-1]) if nonzero.size else 0  # as many roots are zero
    p = p[int(nonzero[0]) : len(p) - at_zero] if nonzero.size else p[:0]
    if len(p) < 2:
        return np.zeros(at_zero, p.dtype)
    rows = [(-p[1:] / p[0])[None], np.eye(len(p) - 2, len(p) - 1, dtype=p.dtype)]
    found = np.linalg.eigvals(np.concatenate(rows))
    return np.concatenate([found, np.zeros(at_zero, found.dtype)])


@composition(np.polyfit)
def _polyfit(x: Any, y: Any, deg: int, rcond: float | None = None, full: bool = False, w: Any = None, cov: Any = False) -> Any:
    """By least squares, with columns of length one."""
    if full or cov is not False:
        raise UnsupportedError("np.polyfit of Values gives the coefficients only: leave out full= and cov=.")
    x, y = as_operand(x) + 0.0, as_operand(y) + 0.0
    columns, values = np.vander(x, deg + 1), y
    if w is not None:
        w = as_operand(w) + 0.0
        columns, values = columns * w[:, None], values * (w[:, None] if y.ndim == 2 else w)
    lengths = np.sqrt(np.sum(columns * columns, axis=0))
    rcond = len(x) * float(np.finfo(x.dtype).eps) if rcond is None else rcond
    solution = np.linalg.lstsq(columns / lengths, values, rcond)[0]
    return (solution.T / lengths).T


def _vander_vjp(g: Any, out: Any, x: Any, N: int, increasing: bool = False) -> Any:
    powers = np.arange(N) if increasing else np.arange(N)[::-1]
    return np.sum(g * (powers * x[:, None] ** np.maximum(powers - 1, 0)), axis=-1)


vander: Primitive = operation(
    lambda x, N, increasing=False: np.vander(x, N, increasing),
    _vander_vjp,
    name="vander", numpy=[np.vander], latex=r"\operatorname{{vander}} {0}",
    cases=[case((3,), N=4), case((3,), N=2, increasing=True), case((2,), N=0)],
)  # fmt: skip


@composition(np.vander, calling=vander)
def _vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    return vander(x, N=len(x) if N is None else N, increasing=increasing)


# --- from one number to another ----------------------------------------------------------------------------------------------
# Entries of their own, since NumPy takes care to end where it is told to.


def _shares(num: int, endpoint: bool, ndim: int) -> Any:
    """How far each point has come, from 0 to 1."""
    return np.linspace(0.0, 1.0, num, endpoint).reshape(-1, *(1,) * ndim)


linspace: Primitive = operation(
    lambda start, stop, num=50, endpoint=True: np.linspace(start, stop, num, endpoint),
    lambda g, out, start, stop, num=50, endpoint=True: np.sum(g * (1 - _shares(num, endpoint, g.ndim - 1)), axis=0),
    lambda g, out, start, stop, num=50, endpoint=True: np.sum(g * _shares(num, endpoint, g.ndim - 1), axis=0),
    name="linspace", numpy=[np.linspace], latex=r"\operatorname{{linspace}} ({0}, {1})",
    cases=[case((), (), num=4), case((2,), (3, 1), num=3, endpoint=False), case((2,), (), num=1), case((2,), (2,), num=0)],
)  # fmt: skip
geomspace: Primitive = operation(
    lambda start, stop, num=50, endpoint=True: np.geomspace(start, stop, num, endpoint),
    lambda g, out, start, stop, num=50, endpoint=True: np.sum(g * out * (1 - _shares(num, endpoint, g.ndim - 1)), axis=0) / start,
    lambda g, out, start, stop, num=50, endpoint=True: np.sum(g * out * _shares(num, endpoint, g.ndim - 1), axis=0) / stop,
    name="geomspace", numpy=[np.geomspace], latex=r"\operatorname{{geomspace}} ({0}, {1})", domain=((0.3, 4.0),),
    cases=[case((), (), num=4), case((2,), (3, 1), num=3, endpoint=False), case((2,), (), num=1), case((2,), (2,), num=0)],
)  # fmt: skip


@composition(np.linspace, calling=linspace)
def _linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: DTypeLike | None = None,
    axis: int = 0,
) -> Any:
    points = linspace(start, stop, num=num, endpoint=endpoint)
    points = np.moveaxis(points if dtype is None else np.astype(points, dtype), 0, axis)
    gaps = num - 1 if endpoint else num
    return (points, (1.0 * as_operand(stop) - 1.0 * as_operand(start)) / gaps if gaps > 0 else np.nan) if retstep else points


@composition(np.logspace)
def _logspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    base: Any = 10.0,
    dtype: DTypeLike | None = None,
    axis: int = 0,
) -> Any:
    if np.ndim(base):
        start, stop, base = np.broadcast_arrays(start, stop, base)
        base = np.expand_dims(base, axis)
    powers = np.power(base, np.linspace(start, stop, num, endpoint, axis=axis))
    return powers if dtype is None else np.astype(powers, dtype)


@composition(np.geomspace, calling=geomspace)
def _geomspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: DTypeLike | None = None, axis: int = 0) -> Any:
    points = np.moveaxis(geomspace(start, stop, num=num, endpoint=endpoint), 0, axis)
    return points if dtype is None else np.astype(points, dtype)


# --- through given points ----------------------------------------------------------------------------------------------------


def _in_double(x: Any) -> Any:
    """What NumPy interpolates, whatever it is given."""
    x = as_operand(x)
    return cast(x, dtype=np.dtype(complex if x.dtype.kind == "c" else float))


@composition(np.interp)
def _interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: float | None = None) -> Any:
    x, xp, fp = _in_double(x), _in_double(xp), _in_double(fp)
    if xp.ndim != 1 or xp.shape != fp.shape or not xp.size:
        raise ValueError(f"np.interp takes the points as two vectors of equal length, not as {xp.shape} and {fp.shape}")
    if period is not None:
        x, xp = x % abs(period), xp % abs(period)
        order = np.argsort(xp)
        xp, fp = take(xp, order), take(fp, order)
        xp, fp = np.concatenate([xp[-1:] - abs(period), xp, xp[:1] + abs(period)]), np.concatenate([fp[-1:], fp, fp[:1]])
        left = right = None
    below = fp[0] if left is None else left
    above = fp[-1] if right is None else right
    if len(xp) == 1:
        inside = fp[0]
    else:
        start = np.clip(np.searchsorted(xp, x, side="right") - 1, 0, len(xp) - 2)
        x0, y0 = take(xp, start), take(fp, start)
        inside = (take(fp, start + 1) - y0) / (take(xp, start + 1) - x0) * (x - x0) + y0
        inside = np.where(x == xp[-1], fp[-1], inside)
    return np.where(x < xp[0], below, np.where(x > xp[-1], above, inside))


@composition(np.piecewise)
def _piecewise(x: Any, condlist: Any, funclist: Sequence[Any], *args: Any, **kw: Any) -> Any:
    conditions = _conditions(condlist, x)
    if len(funclist) == len(conditions) + 1:  # the last function is for what no condition holds for
        conditions.append(~reduce(np.logical_or, conditions))
    if len(funclist) != len(conditions):
        raise ValueError(f"np.piecewise takes a function for each of the {len(conditions)} conditions, but got {len(funclist)}")
    y = np.zeros_like(x)  # whose dtype the pieces get
    for condition, function in zip(conditions, funclist, strict=True):  # where two conditions hold, the later one counts
        is_unknown = hasattr(condition, "__record_primitive__")
        if is_unknown or np.any(condition):
            found = _piece_for_all_numbers if is_unknown else _piece
            piece = found(function, x, condition, args, kw) if callable(function) else function
            y = np.where(condition, piece if x.dtype.kind in "fc" else cast(as_operand(piece), dtype=x.dtype), y)
    return y


def _piece(function: Any, x: Any, condition: Any, args: Any, kw: Any) -> Any:
    """What the function makes of the elements for which the condition holds, at their places."""
    if x.ndim == 0:
        return np.reshape(function(np.reshape(x, (1,)), *args, **kw), ())
    return scatter(function(x[condition], *args, **kw), index=condition, shape=x.shape)


def _piece_for_all_numbers(function: Any, x: Any, condition: Any, args: Any, kw: Any) -> Any:
    """The same where a program for all numbers is recorded: the function gets all elements, and in place of those for which the
    condition does not hold the first one for which it does.
    """
    flat, holds = np.ravel(x), np.ravel(condition)
    chosen = np.where(holds, flat, stop_gradient(take(flat, np.argmax(holds)))) if x.size else flat
    piece = np.broadcast_to(function(chosen, *args, **kw), chosen.shape)
    for end in (slice(1), slice(-1, None)):
        _of_itself(piece[end], function(chosen[end], *args, **kw))
    return np.reshape(piece, x.shape)


def _demand_the_same(among_all: Any, alone: Any) -> Any:
    if not np.allclose(among_all, alone, equal_nan=True):
        raise TracingError(
            "a compiled function gives a function of np.piecewise all elements at once, so that it has to make of each what it "
            "makes of it alone. This one does not. Compute what it needs of other elements outside of np.piecewise."
        )
    return alone


# Nothing is computed from its result, so that it is part of no program, and runs only where one is recorded.
_of_itself = Primitive(_demand_the_same, None, None, name="piecewise")


def _conditions(condlist: Any, x: Any) -> list[Any]:
    """One condition may be given without a list. One with fewer axes than x has its first ones, as a mask has."""
    is_number = not isinstance(condlist, list | tuple) and np.ndim(condlist) == 0
    alone = is_number or (x.ndim > 0 and np.ndim(condlist[0]) == 0)
    conditions = [as_operand(condition) for condition in ([condlist] if alone else condlist)]
    conditions = [condition if condition.dtype == bool else condition != 0 for condition in conditions]
    return [np.broadcast_to(np.reshape(c, c.shape + (1,) * (x.ndim - c.ndim)), x.shape) for c in conditions]
