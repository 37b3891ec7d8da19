"""Calls of every NumPy function that is differentiated, with shapes to try them on: what the tests that walk over a grid share."""

import numpy as np

from tests import test_numpy_fft as fft
from tests import test_numpy_products as products
from tests import test_numpy_selection as selection
from tests import test_numpy_shaping as shaping
from tinygrad_edu.primitives.table import TABLE

SHAPES = [(), (3,), (2, 3), (2, 1, 3), (1, 2, 1, 3)]
V, M, C, S = (3,), (2, 3), (4, 2, 3), (3, 3)  # a vector, a matrix, a cube, a square matrix

UFUNCS = [f for f in TABLE.functions if isinstance(f, np.ufunc) and f.signature is None]
ELEMENTWISE = {
    **{f"np.{f.__name__}(x)": SHAPES for f in UFUNCS if f.nin == 1},
    **{
        f"np.{f.__name__}(x, y)": [(a, b) for a in SHAPES[:4] for b in (SHAPES if a == () else [*SHAPES[:2], a])]
        for f in UFUNCS
        if f.nin == 2 and f is not np.ldexp
    },
    **{f"np.{name}(x)": SHAPES for name in ("real", "imag", "angle", "sinc", "i0", "nan_to_num", "real_if_close", "fix", "round")},
    "np.angle(x, deg=True)": [V], "np.nan_to_num(x, nan=1, posinf=2)": [V], "np.round(x, 1)": [V, ()], "np.around(x, -1)": [V, ()],
    "np.ldexp(x, [1, -2, 0])": [V, ()], "np.ldexp(x, 3)": [M, ()], "np.clip(x, 0, 1)": [V, ()], "np.clip(x, -1, None)": [V],
    "np.clip(x, y, z)": [(V, (), ()), ((), M, V)], "np.unwrap(x)": [V, C], "np.unwrap(x, axis=0, period=3)": [M],
}  # fmt: skip
_REDUCED = [
    "", ", axis=0", ", axis=-1, keepdims=True", ", axis=(0, 2)", ", axis=None, keepdims=True",
]  # fmt: skip
_SELECTED = [", where=x > 0", ", axis=0, where=x != 1"]
_SPREAD = [", axis=0, ddof=1", ", correction=1", ", mean=np.mean(x)"]
_OPTIONS = {
    ("sum", "prod", "nansum", "nanprod"): [*_SELECTED, ", initial=2", ", dtype=np.float64", ", dtype=np.float32"],
    ("mean", "nanmean"): [*_SELECTED, ", dtype=np.float64"],
    ("max", "min", "amax", "amin", "nanmax", "nanmin"): [", initial=1", ", axis=1, initial=1, where=x > 0"],
    ("var", "std", "nanvar", "nanstd"): [*_SELECTED, *_SPREAD],
    ("ptp", "median", "nanmedian", "average"): [],
}  # fmt: skip
REDUCTIONS = {
    f"np.{name}(x{options})": [C] if "2" in options or "where" in options else [C, V, M]
    for names, more in _OPTIONS.items()
    for name in names
    for options in _REDUCED + more
}
STATISTICS = {
    **{f"np.{name}(x, {q}, axis={axis})": [C] for name, q in [("quantile", 0.3), ("quantile", [0.25, 1]), ("percentile", 40),
       ("nanquantile", 0.5), ("nanpercentile", [10, 90])] for axis in (None, 0, (0, 1))},
    "np.quantile(x, 0.3, method='midpoint')": [V, M], "np.quantile(x, [0.2, 0.9], axis=0, method='nearest')": [M],
    "np.quantile(x, 0.4, method='inverted_cdf', weights=[1, 2, 1])": [V],
    "np.average(x, weights=y)": [(V, V), (M, M)], "np.average(x, axis=0, weights=y)": [(M, (2,)), (C, (4,))],
    "np.average(x, axis=1, weights=[1, 3], returned=True)": [C], "np.average(x, axis=0, returned=True)": [M],
    "np.cov(x)": [V, M], "np.cov(x, y)": [(V, V)], "np.cov(x, rowvar=False, bias=True)": [M], "np.corrcoef(x)": [M, V],
    "np.cov(x, fweights=[1, 2, 1])": [M], "np.cov(x, aweights=[1.0, 2.0, 0.5])": [M], "np.corrcoef(x, y)": [(M, M)],
    "np.ediff1d(x)": [V, M], "np.ediff1d(x, to_end=[1], to_begin=0)": [V], "np.diff(x)": [V, M], "np.diff(x, 2, axis=0)": [C],
    "np.diff(x, prepend=0, append=x)": [V], "np.trapezoid(x)": [V, M], "np.trapezoid(x, dx=2, axis=0)": [M],
    "np.trapezoid(x, y)": [(V, V), (M, V)], "np.gradient(x)": [V, M], "np.gradient(x, 2, axis=1)": [C],
    "np.gradient(x, [0, 1, 4])": [V], "np.gradient(x, y, axis=0, edge_order=2)": [((4,), (4,)), ((4, 2), ())],
    "np.gradient(x, 0.5, 2)": [(3, 4)],
}  # fmt: skip
POLYNOMIALS = {
    "np.polydiv(x, y)[0]": [((4,), (2,))], "np.polydiv(x, y)[1]": [((4,), (2,)), ((2,), V)], "np.poly(x)": [V],
    "np.polyfit(x, y, 1)": [(V, V), ((4,), (4, 2))], "np.polyfit(x, y, 2, w=z)": [((5,), (5,), (5,))], "np.roots(x)": [(2,), (4,)],
    "np.unique(x)": [V, M, ()], "np.unique(x, True, True, True)": [M], "np.unique_values(x)": [V],
    "np.histogram([0.5, 1.5, 2.5, 3.0], [0, 1, 2, 3], weights=x)[0]": [(4,)], "np.histogram([1, 1, 2], 4, weights=x)[1]": [V],
}  # fmt: skip
_SCANNED = ["", ", axis=0", ", axis=-1"]
SCANS = {
    **{f"np.{name}(x{axis})": [V, M, C] for name in ("cumsum", "cumprod", "nancumsum", "nancumprod") for axis in _SCANNED},
    **{
        f"np.cumulative_{name}(x, axis=0{more})": [V, M]
        for name in ("sum", "prod")
        for more in ("", ", include_initial=True")
    },
}  # fmt: skip
METHODS = {
    **{
        f"np.{f.__name__}.{method}(x)": [V, M]
        for f in UFUNCS
        if f.reduce in TABLE.functions
        for method in ("reduce", "accumulate")
    },
    **{f"np.{f.__name__}.reduceat(x, [0, 2, 1])": [V, (4, 2)] for f in UFUNCS if f.reduceat in TABLE.functions},
    **{f"np.{f.__name__}.reduce(x, axis=1, keepdims=True)": [M] for f in (np.add, np.multiply, np.maximum, np.hypot)},
    **{f"np.{f.__name__}.outer(x, y)": [(V, M), ((), V)] for f in UFUNCS if f.outer in TABLE.functions},
}  # fmt: skip
_WELL = "(x + 9 * np.eye(3, dtype=x.dtype))"
_NORMS = ["", "ord=1", "ord=-1", "ord=2", "ord=np.inf", "ord=-np.inf"]
LINEAR_ALGEBRA = {
    **{
        f"np.linalg.{name}({_WELL})": [S, (2, 3, 3)]
        for name in (
            "inv", "det", "slogdet", "eigvalsh", "eigh", "eig", "eigvals", "svd", "svdvals", "qr", "pinv", "cholesky", "cond",
        )
    },
    **{f"np.linalg.{name}(x)": [S, (2, 3, 3)] for name in ("det", "eigvalsh", "eigh", "svdvals", "qr", "pinv")},
    "np.linalg.eigh(x, 'U')": [S], "np.linalg.eigvalsh(x, UPLO='U')": [S], f"np.linalg.cholesky({_WELL}, upper=True)": [S],
    f"np.linalg.solve({_WELL}, y)": [(S, V), (S, (3, 2)), ((2, 3, 3), V)], "np.linalg.svd(x, full_matrices=False)": [M, (3, 2)],
    "np.linalg.svd(x)": [M, (3, 2)], "np.linalg.svd(x, compute_uv=False)": [M], "np.linalg.svd(x + x.T, hermitian=True)": [S],
    "np.linalg.svd(x, True, False, True)": [S],
    "np.linalg.qr(x, mode='complete')": [M, (3, 2)], "np.linalg.qr(x, 'r')": [M, (3, 2)],
    "np.linalg.qr(x)": [M, (3, 2)], "np.linalg.pinv(x)": [M, (3, 2)], "np.linalg.pinv(x + x.T, hermitian=True)": [S],
    "np.linalg.lstsq(x, y)": [((3, 2), V), ((3, 2), S), (M, (2,)), (S, V)], f"np.linalg.tensorinv({_WELL}.reshape(3, 1, 3))": [S],
    f"np.linalg.tensorsolve({_WELL}.reshape(3, 1, 3), y)": [(S, (3, 1))], f"np.linalg.matrix_power({_WELL}, -3)": [S],
    "np.linalg.matrix_power(x, 3)": [S], "np.linalg.matrix_power(x, 5)": [S], "np.linalg.matrix_power(x, 0)": [S],
    **{f"np.linalg.norm(x, {option})": [V, M, S] for option in [*_NORMS, "None"]},
    **{f"np.linalg.norm(x, {option})": [M] for option in ("'fro'", "'nuc'")},
    **{f"np.linalg.norm(x, {ord}, axis={axis})": [C] for ord in (None, 1, 2, np.inf, 3, 0, -2, 0.5) if ord != np.inf
       for axis in (0, -1)},
    **{f"np.linalg.norm(x, {ord}, axis=(0, 2), keepdims=True)": [C] for ord in (None, 1, 2, "'fro'", "'nuc'", -2)},
    "np.linalg.norm(x)": [(), V, M, C], "np.linalg.norm(x, 0)": [V], "np.linalg.norm(x, 3)": [V],
    **{f"np.linalg.vector_norm(x, axis=(0, 2), ord={ord})": [C] for ord in (1, 2, 3, 0, "np.inf", 0.5)},
    "np.linalg.vector_norm(x)": [V, C], "np.linalg.vector_norm(x, keepdims=True, ord=1)": [M], "np.linalg.matrix_norm(x)": [M, C],
    "np.linalg.matrix_norm(x, ord='nuc', keepdims=True)": [C], "np.linalg.matrix_norm(x, ord=1)": [M],
    **{f"np.linalg.cond({_WELL}, {p})": [S] for p in (1, 2, -2, "'fro'", "np.inf")},
}  # fmt: skip
FOURIER = {
    f"np.fft.{name}({', '.join(filter(None, ['x', arguments]))})": shapes
    for name, table in fft.OF_REAL.items()
    for arguments, shapes in table.items()
}
FAMILIES = [
    POLYNOMIALS,
    products.TABLE, selection.TABLE, shaping.TABLE, ELEMENTWISE, REDUCTIONS, STATISTICS, SCANS, METHODS, LINEAR_ALGEBRA, FOURIER,
]  # fmt: skip
GIVEN = {"np": np, "mask": products.GIVEN["mask"], "points": products.GIVEN["points"]}


def calls():
    """Every call with the shapes of its arguments."""
    return [
        (call, shapes if shapes and isinstance(shapes[0], tuple) else (shapes,))
        for family in FAMILIES
        for call, several in family.items()
        for shapes in several
    ]


def function(call):
    """The call as a function of x, y, z."""
    code = compile(call, call, "eval")
    return lambda *arguments: eval(code, {**GIVEN, **dict(zip("xyz", arguments, strict=False))})
