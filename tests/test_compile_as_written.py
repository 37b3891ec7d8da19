"""What runs on plain arrays compiles as it is written, or is refused without blame for lines that nobody wrote."""

import random
from collections import OrderedDict
from itertools import combinations, permutations

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.errors import DataError, TracingError, UnsupportedError

X = np.array([1.5, 2.5, 0.5])
MATRIX = np.array([[2.0, 1.0], [0.5, 3.0]])


def marked(w):
    s = np.zeros_like(w)
    s[0] = 1.0
    return s * w**2


def marked_in_part(w):
    s = np.ones_like(w)
    s[1:] = 5.0
    return s * w**2


def filled_up(w):
    s = np.empty_like(w)
    s[:] = 2.0
    return s * w**2


WORK = {
    "zeros": (marked, X),
    "ones": (marked_in_part, X),
    "empty": (filled_up, X),
    "whole numbers": (lambda x: x.astype(int), X),
    "whole numbers of a width": (lambda x: x.astype(np.int8) * 2, X),
    "truth": (lambda x: x.astype(bool), X),
    "positions": (lambda x: x[np.floor(x).astype(int)] ** 2, X),
    "a position": (lambda x: x[np.floor(x[0]).astype(int)] ** 2, X),
    "a table": (lambda x: (x * 10)[np.floor(x).astype(int)] * x, X),
    "a list": (lambda numbers: numbers[0] * numbers[1] ** 2, [1.0, 2.0]),
    "lists in lists": (lambda numbers: np.stack(numbers[0]) * numbers[1][0], [[1.0, 2.0], [3.0]]),
    "slopes of whole numbers": (np.gradient, np.array([1, 4, 9])),
}


@pytest.mark.parametrize("target", ["numpy", "jax"])
@pytest.mark.parametrize(("function", "x"), WORK.values(), ids=WORK)
def test_what_runs_on_arrays_compiles(function, x, target):
    if target == "jax":
        pytest.importorskip("jax")
    compiled, eager = tg.compile(function, target=target)(x), function(x)
    np.testing.assert_allclose(compiled, eager, rtol=1e-12)
    assert np.shape(compiled) == np.shape(eager)
    assert np.asarray(compiled).dtype == np.asarray(eager).dtype


@pytest.mark.parametrize("function", [marked, marked_in_part, filled_up])
def test_the_gradient_of_what_is_marked_by_an_array_of_ones_is_the_eager_one(function):
    gradient = tg.grad(lambda w: np.sum(function(w)))
    np.testing.assert_array_equal(tg.compile(gradient)(X), gradient(X))


def test_a_function_without_a_derivative_is_refused_with_what_works_in_a_compiled_function():
    with pytest.raises(UnsupportedError, match=r"np\.gcd has no derivative here.* give None for each rule"):
        tg.compile(lambda n: np.gcd(n, 4))(6)
    gcd = tg.primitive(np.gcd, None, None)
    assert tg.compile(lambda n: gcd(n, 4))(6) == 2


def test_positions_that_are_computed_let_the_gradient_pass_to_what_they_choose():
    gradient = tg.compile(tg.grad(lambda x: np.sum(x[np.floor(x).astype(int)] ** 2)))
    np.testing.assert_array_equal(gradient(X), [2 * 1.5, 2 * 2.5, 2 * 0.5])


def test_a_traced_number_is_not_written_into_an_array_in_silence():
    def stored(w):
        s = np.zeros_like(w)
        s[0] = w[0]
        return s * w

    with pytest.raises(TracingError):
        tg.compile(stored)(X)


COMPLEX = {
    "eigenvalues": (lambda a: np.linalg.eigvals(a), MATRIX),
    "eigenvectors": (lambda a: np.abs(np.linalg.eig(a)[1]), MATRIX),
    "a turn": (lambda a: np.linalg.eig(a)[0], np.array([[0.0, 1.0], [-1.0, 0.0]])),
    "the gradient of eigenvalues": (tg.grad(lambda a: np.sum(np.abs(np.linalg.eigvals(a)) ** 2)), MATRIX),
    "that of eigenvectors": (tg.grad(lambda a: np.sum(np.abs(np.linalg.eig(a)[1]) ** 4)), MATRIX),
    "their second derivatives": (tg.hessian(lambda a: np.sum(np.abs(np.linalg.eigvals(a)) ** 3)), MATRIX),
    "a characteristic polynomial": (np.poly, np.array([[0.0, 1.0], [-1.0, 0.0]])),
}


@pytest.mark.parametrize("target", ["numpy", "jax"])
@pytest.mark.parametrize(("function", "a"), COMPLEX.values(), ids=COMPLEX)
def test_eigenvalues_compile_and_are_complex_whether_or_not_they_are_real(function, a, target):
    compiled = tg.compile(function, target)
    np.testing.assert_allclose(compiled(a), function(a), rtol=1e-12, atol=1e-14)
    turned = np.array([[1.0, 2.0], [-3.0, 1.0]])  # whose eigenvalues are not real
    np.testing.assert_allclose(compiled(turned), function(turned), rtol=1e-12, atol=1e-14)


def pieces(x):
    return np.piecewise(x, [x < 0, x > 1], [lambda z: z**2, np.log, 3.0])


PIECES = {
    "values": pieces,
    "gradient": tg.grad(lambda x: np.sum(pieces(x) ** 2)),
    "second derivative": tg.hessian(lambda x: np.sum(pieces(x) ** 2)),
    "a piece where it has no slope": tg.grad(lambda x: np.sum(np.piecewise(x, [x > 0], [np.sqrt]))),
    "rows": lambda x: np.piecewise(x.reshape(2, 2), [x[:2] > 0.2], [lambda z: z**2, lambda z: -z]),
    "options": lambda x: np.piecewise(x.reshape(2, 2), [x.reshape(2, 2) > 0.5], [lambda z, k: k * z, 7.0], 3.0),
}


@pytest.mark.parametrize("target", ["numpy", "jax"])
@pytest.mark.parametrize("function", PIECES.values(), ids=PIECES)
def test_pieces_compile_and_each_function_gets_only_what_its_condition_allows(function, target):
    x = np.array([-2.0, 0.0, 0.5, 4.0])
    compiled = tg.compile(function, target)
    np.testing.assert_allclose(compiled(x), function(x), rtol=1e-12)
    np.testing.assert_allclose(compiled(-x), function(-x), rtol=1e-12)


@pytest.mark.parametrize("function", [lambda z: z - np.mean(z), np.cumsum, lambda z: z[::-1]], ids=["mean", "running", "reversed"])
def test_a_piece_that_looks_at_other_elements_is_refused(function):
    with pytest.raises(TracingError, match=r"np\.piecewise .* make of each what it makes of it alone"):
        tg.compile(lambda x: np.piecewise(x, [x > 0], [function]))(X)


WORKS = {
    "a product of polynomials": (np.polymul, (X, MATRIX[0])),
    "a median without NaN": (tg.grad(lambda x: np.nanmedian(x) ** 2), (np.array([3.0, np.nan, 1.0, 2.0]),)),
    "quantiles without NaN": (lambda x: np.nanquantile(x, [0.2, 0.7]), (np.array([3.0, np.nan, 1.0, 2.0]),)),
    "a weighted quantile": (tg.grad(lambda x: np.quantile(x, 0.4, weights=[1, 2, 1], method="inverted_cdf")), (X,)),
    "a count": (lambda x: np.count_nonzero(x > 1) * x, (X,)),
    "whether all are close": (lambda x: np.where(np.allclose(x, X), x, -x), (X,)),
    "whether arrays are equivalent": (lambda x: np.where(np.array_equiv(x, X), x, -x), (X,)),
    "an axis for a number": (tg.grad(lambda x: np.sum(x[None] ** 3)), (1.5,)),
    "least squares": (
        tg.hessian(lambda a: np.sum(np.linalg.lstsq(a[:, :2], a[:, 2])[0] ** 2)),
        (np.eye(3) + 0.1 * np.arange(9).reshape(3, 3),),
    ),
}


@pytest.mark.parametrize(("function", "arguments"), WORKS.values(), ids=WORKS)
def test_what_once_asked_for_numbers_compiles(function, arguments):
    compiled = tg.compile(function)
    np.testing.assert_allclose(compiled(*arguments), function(*arguments), rtol=1e-12)
    others = tuple(x[::-1] * 1.5 if np.ndim(x) else -x for x in arguments)
    np.testing.assert_allclose(compiled(*others), function(*others), rtol=1e-12)


COUNT, MASK = np.array([2, 0, 1]), X > 1
BY_NUMBERS = {
    "unique": (lambda x: np.unique(x), (X,), r"np\.unique\(\) .* Write np\.sort\(x\)"),
    "trim_zeros": (lambda x: np.trim_zeros(x), (X,), r"np\.trim_zeros\(\) .* Leave them in"),
    "roots": (lambda x: np.roots(x), (X,), r"np\.roots\(\) .* np\.linalg\.eigvals"),
    "polydiv": (lambda x: np.polydiv(x, x[1:]), (X,), r"np\.polydiv\(\) .* Divide outside"),
    "extract": (lambda x: np.extract(x > 1, x), (X,), r"np\.extract\(\) .* np\.where\(condition, x, 0\.0\)"),
    "nonzero": (lambda x: x.nonzero(), (X,), r"x\.nonzero\(\)|np\.nonzero\(\) .* np\.where\(mask, x, 0\.0\)"),
    "where": (lambda x: np.where(x > 1), (X,), r"np\.where\(\) .* np\.where\(mask, x, 0\.0\)"),
    "argwhere": (lambda x: np.argwhere(x > 1).shape[0] * x, (X,), r"np\.argwhere\(\) .* np\.where\(mask, x, 0\.0\)"),
    "bincount": (lambda x, n: np.bincount(n, x), (X, COUNT), r"np\.bincount\(\) .* Or let n be static"),
    "repeat": (lambda x, n: np.repeat(x, n), (X, COUNT), r"np\.repeat\(\) .* Let n be static: tg\.compile\(f, static=\('n',\)\)"),
    "a method": (lambda x, n: x.repeat(n), (X, COUNT), r"x\.repeat\(\) .* Let n be static"),
    "roll": (lambda x, n: np.roll(x, n), (X, 1), r"np\.roll\(\) .* Let n be static"),
    "delete": (lambda x, n: np.delete(x, n), (X, 1), r"np\.delete\(\) .* Let n be static"),
    "split": (lambda x, n: np.split(x, [n]), (X, 1), r"np\.split\(\) .* Let n be static"),
    "matrix_power": (lambda x, n: np.linalg.matrix_power(x, n), (MATRIX, 2), r"np\.linalg\.matrix_power\(\) .* Let n be static"),
    "computed": (lambda x, n: np.roll(x, 2 * n + 1), (X, 1), r"np\.roll\(\) .* Let n be static"),
    "of NumPy's own": (lambda x, n: x[:2] @ np.eye(2, k=n), (X, 1), r"np\.eye\(\) .* Or let n be static"),
    "max": (lambda x: max(x[0], 0.0) * x, (X,), r"max\(\) .* Write np\.maximum\(a, b\), or np\.max\(array\)\. Or let x be static"),
    "min": (lambda x: min(x), (X,), r"min\(\) .* Write np\.minimum\(a, b\), or np\.min\(array\)"),
    "sorted": (lambda x: sorted(x), (X,), r"sorted\(\) .* Write np\.sort\(array\)"),
    "any": (lambda x: any(x > 1) * x, (X,), r"any\(\) .* Write np\.any\(array\)"),
    "all": (lambda x: all(x > 1) * x, (X,), r"all\(\) .* Write np\.all\(array\)"),
    "take": (lambda n: np.take(X, n), (1,), r"np\.take\(\) .* Write tg\.Value\(array, requires_grad=False\)\[value\]"),
}


@pytest.mark.parametrize(("function", "arguments", "words"), BY_NUMBERS.values(), ids=BY_NUMBERS)
def test_what_goes_by_the_numbers_is_refused_in_the_words_of_the_users_line(function, arguments, words):
    function(*arguments)
    with pytest.raises(TracingError, match=f"but {words}") as caught:
        tg.compile(function)(*arguments)
    assert "if, while" not in str(caught.value)


def test_a_function_of_the_users_that_is_called_max_is_not_mistaken_for_pythons():
    def max(a, b):
        return a if a > b else b

    with pytest.raises(TracingError, match=r"but if, while, .* Write np\.where") as caught:
        tg.compile(lambda x: max(x, 0.0))(1.0)
    assert "maximum" not in str(caught.value)


def test_what_is_differentiated_is_not_advised_to_be_static_and_the_advice_gives_the_derivative():
    def halved(x):
        while x > 1:
            x = x / 2
        return x**2

    def as_advised(x):
        for _ in range(10):
            x = np.where(x > 1, x / 2, x)
        return x**2

    for static in ((), ("x",)):
        with pytest.raises(TracingError, match=r"for a while a fixed number of x = np\.where\(condition, new, x\)\.$"):
            tg.compile(tg.grad(halved), static=static)(3.0)
    assert tg.compile(tg.grad(as_advised))(3.0) == tg.grad(halved)(3.0) == 2 * 0.75 / 4
    with pytest.raises(TracingError, match="Or let x be static"):
        tg.compile(halved)(3.0)
    assert tg.compile(halved, static=("x",))(3.0) == halved(3.0)


def test_a_built_in_function_is_told_what_python_calls_its_arguments():
    with pytest.raises(TracingError, match=r"Or let args be static: tg\.compile\(f, static=\('args',\)\)"):
        tg.compile(max)(1.0, 2.0)
    assert tg.compile(max, static=("args",))(1.0, 2.0) == 2.0


GENERATOR, OBJECT = np.random.default_rng(0), object()
NO_INPUT = {
    "a generator": (lambda x, rng: x, (1.0, GENERATOR), r"rng draws random numbers \(Generator.* Draw .* outside and pass them"),
    "an old one": (lambda x, rng: x, (1.0, np.random.RandomState(0)), r"rng draws random numbers \(RandomState"),
    "one of Python's": (lambda x, rng: x, (1.0, random.Random(0)), r"rng draws random numbers \(Random"),
    "one in a dict": (lambda x, d: x, (1.0, {"rng": GENERATOR}), r"d\['rng'\] draws random numbers"),
    "an object": (lambda x, thing: x, (1.0, OBJECT), r"mark it static: tg\.compile\(f, static=\('thing',\)\)\."),
    "an object in a dict": (lambda x, d: x, (1.0, {"a": OBJECT}), r"d\['a'\] is neither .* an argument of its own, and static"),
    "an object among others": (lambda *xs: xs[0], (1.0, OBJECT), r"xs\[1\] is neither .* an argument of its own, and static"),
}


@pytest.mark.parametrize(("function", "arguments", "words"), NO_INPUT.values(), ids=NO_INPUT)
def test_what_is_no_input_is_told_what_works(function, arguments, words):
    with pytest.raises(DataError, match=words) as caught:
        tg.compile(function)(*arguments)
    assert ("static" in str(caught.value)) is ("random" not in str(caught.value))


@pytest.mark.parametrize("index", [np.array([0, 2]), 1])
def test_an_array_with_a_position_that_is_an_argument_is_refused_with_what_works(index):
    table = np.array([10.0, 20.0, 30.0])
    with pytest.raises(TracingError, match=r"Write tg\.Value\(array, requires_grad=False\)\[value\]"):
        tg.compile(lambda i: table[i])(index)
    np.testing.assert_array_equal(tg.compile(lambda i: tg.Value(table, requires_grad=False)[i])(index), table[index])


def nested(leaf, depth):
    tree = leaf
    for _ in range(depth):
        tree = [tree]
    return tree


@pytest.mark.parametrize("depth", [300, 1_000, 100_000])
def test_trees_that_are_too_deep_for_a_program_are_refused_where_they_enter_or_leave(depth):
    with pytest.raises(DataError, match="x is nested more than 50 deep"):
        tg.compile(lambda x: x)(nested(1.0, depth))
    with pytest.raises(DataError, match="shape is nested more than 50 deep"):
        tg.compile(lambda x, shape: x, static=("shape",))(1.0, nested(1, depth))
    with pytest.raises(DataError, match="what the function returned is nested more than 50 deep"):
        tg.compile(lambda x: nested(x, depth))(1.0)


@pytest.mark.parametrize("target", ["numpy", "jax"])
def test_trees_may_be_fifty_deep(target):
    if target == "jax":
        pytest.importorskip("jax")
    compiled = tg.compile(lambda x: [nested(x[0] * 2, 49), {"w": nested(OrderedDict(v=x[1]), 47)}], target=target)
    assert compiled([1.0, 3.0]) == [nested(2.0, 49), {"w": nested(OrderedDict(v=3.0), 47)}]
    assert tg.compile(lambda x: x, target=target)(nested(1.0, 50)) == nested(1.0, 50)


def test_a_list_that_contains_itself_is_refused_where_it_enters_or_leaves():
    cycle = [1.0]
    cycle.append(cycle)
    with pytest.raises(DataError, match=r"x\[1\] is what contains it"):
        tg.compile(lambda x: x[0])(cycle)
    with pytest.raises(DataError, match=r"what the function returned\[1\] is what contains it"):
        tg.compile(lambda x: cycle)(1.0)


def leibniz(a):
    """The determinant as a sum over permutations, a polynomial that is differentiated term by term."""
    n = a.shape[-1]
    signs = {p: (-1) ** sum(x > y for x, y in combinations(p, 2)) for p in permutations(range(n))}
    return sum(sign * np.prod(np.stack([a[i, p[i]] for i in range(n)])) for p, sign in signs.items())


@pytest.mark.parametrize("rank", range(4))
@pytest.mark.parametrize("transform", [tg.grad, tg.hessian, lambda f: tg.jacobian(tg.hessian(f))], ids=["first", "second", "third"])
def test_every_derivative_of_a_determinant_is_right_for_singular_matrices_too_and_compiles(transform, rank):
    rng = np.random.default_rng(rank)
    a = rng.normal(size=(3, rank)) @ rng.normal(size=(rank, 3))
    expected = transform(leibniz)(a)
    np.testing.assert_allclose(transform(np.linalg.det)(a), expected, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(tg.compile(transform(np.linalg.det))(a), expected, rtol=1e-12, atol=1e-13)
