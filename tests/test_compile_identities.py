"""Every identity of the simplifier on its own: both sides give the same numbers, and it is found where it applies."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.profile import EXHAUSTIVE
from tinygrad_edu.compiler import building, rewriting
from tinygrad_edu.compiler.building import Builder
from tinygrad_edu.compiler.identities import EXPANSIONS, FINISHING, IDENTITIES, LETTERS, NUMBERS, Identity
from tinygrad_edu.compiler.ir import IRGraph, is_ordinary
from tinygrad_edu.compiler.loops import in_order
from tinygrad_edu.compiler.rewriting import expanded, simplified
from tinygrad_edu.graph.terms import Literal, Symbol
from tinygrad_edu.primitives import arithmetic
from tinygrad_edu.primitives.table import TABLE

ALL = IDENTITIES + FINISHING + EXPANSIONS


def each_of(identities):
    return pytest.mark.parametrize(
        "identity", [pytest.param(identity, id=f"{identity.before} is {identity.after}") for identity in identities]
    )


def has_matrices(identity):
    return "@" in identity.before or "solve" in identity.before


EACH = each_of(ALL)
TRIED = {
    "c": [-0.75, 2.0, 3.0],
    "d": [0.5, -4.0, 1.5],
    "k": [-0.75, 2.0, 3.0],
    "n": [-0.75, -2.0, -3.0],
    "p": [-0.75, 2.0, 3.0],
}
SPECIAL = np.array([0.0, -0.0, 1.5, -2.0, np.inf, -np.inf, np.nan, 1e-300, 1e150])


def evaluated(text, letters):
    scope = {
        "np": np,
        "relu": tg.relu,
        "sigmoid": tg.sigmoid,
        "softplus": tg.softplus,
        "difference": TABLE.entries["difference"].forward,
        "on_gradient": TABLE.entries["on_gradient"].forward,
        **letters,
    }
    with np.errstate(all="ignore"):
        return np.asarray(eval(text, scope))


def arrays(identity, draw):
    shapes = identity.shapes or {}
    ndim_two = ".T" in identity.before
    letters = {}
    for letter in identity.letters:
        shape = shapes.get(letter, (3, 4) if ndim_two else (5,))
        letters[letter] = draw(shape) > 0 if letter == "m" else draw(shape)
    return letters


def choices(identity):
    """Numbers for the letters that stand for such."""
    for position in range(3):
        yield {letter: TRIED[letter][position] for letter in identity.letters if letter in NUMBERS}


def test_the_numbers_that_are_tried_are_those_that_a_letter_may_stand_for():
    assert TRIED.keys() == set(NUMBERS)
    assert all(LETTERS[letter](IRGraph().constant(number)) for letter, numbers in TRIED.items() for number in numbers)


@pytest.mark.parametrize(
    ("letter", "not_meant"),
    [("k", 1e13), ("k", -1e-13), ("k", 0.0), ("n", 2.0), ("n", 0.0), ("p", 1.0), ("c", np.inf), ("d", np.nan)],
)
def test_a_letter_does_not_stand_for_other_numbers(letter, not_meant):
    assert not LETTERS[letter](IRGraph().constant(not_meant))


@pytest.mark.parametrize("letter", NUMBERS)
def test_a_number_is_none_that_is_passed_to_the_program(letter):
    assert not LETTERS[letter](IRGraph().input("x", (), np.dtype(float)))


@pytest.mark.parametrize(("letter", "most"), [("A", 2), ("B", 2)])
def test_matrices_and_vectors_have_no_more_axes(letter, most):
    assert [LETTERS[letter](IRGraph().input("x", (3,) * ndim, np.dtype(float))) for ndim in range(1, 5)] == [
        ndim <= most for ndim in range(1, 5)
    ]


@EACH
@pytest.mark.parametrize("seed", range(5))
def test_both_sides_are_equal_up_to_rounding(identity, seed):
    rng = np.random.default_rng(seed)
    for numbers in choices(identity):
        letters = arrays(identity, lambda shape: rng.normal(size=shape)) | numbers
        before, after = evaluated(identity.before, letters), evaluated(identity.after, letters)
        assert (before.shape, before.dtype) == (after.shape, after.dtype)
        np.testing.assert_allclose(after, before, rtol=1e-13, atol=1e-15)


@each_of([identity for identity in ALL if not has_matrices(identity)])
def test_a_nan_or_an_infinity_stays_and_none_is_made(identity):
    rng = np.random.default_rng(0)
    for _ in range(200):
        for numbers in choices(identity):
            letters = arrays(identity, lambda shape: rng.choice(SPECIAL, size=shape)) | numbers
            before, after = evaluated(identity.before, letters), evaluated(identity.after, letters)
            np.testing.assert_array_equal(np.isfinite(after), np.isfinite(before), err_msg=str(letters))


@each_of(list(filter(has_matrices, ALL)))
def test_products_of_matrices_keep_their_nans_and_infinities(identity):
    rng = np.random.default_rng(0)
    for _ in range(200):
        for numbers in choices(identity):
            letters = arrays(identity, lambda shape: rng.choice([0.0, 1.0, -2.0, np.inf, np.nan], size=shape)) | numbers
            if "solve" in identity.before:
                letters["a"] = np.eye(3) + 0.1 * rng.normal(size=(3, 3))
            before, after = evaluated(identity.before, letters), evaluated(identity.after, letters)
            np.testing.assert_array_equal(np.isfinite(after), np.isfinite(before), err_msg=str(letters))


def built(term, graph, leaves):
    """A side of an identity as nodes, without any simplification."""
    if isinstance(term, Symbol):
        return leaves[term.name]
    if isinstance(term, Literal):
        return graph.constant(term.value)
    parts = [built(part, graph, leaves) for part in term.operands]
    if term.primitive is arithmetic.negative and parts[0].value is not None:  # the number -c
        return graph.constant(-parts[0].value)
    return graph.apply(term.primitive, parts, term.params)


@EACH
def test_the_simplifier_brings_what_it_may_rewrite_into_no_more_operations_than_the_simpler_side_has(identity):
    for numbers in choices(identity):
        graph = IRGraph()
        letters = arrays(identity, lambda shape: np.ones(shape))
        leaves = {
            letter: graph.constant(numbers[letter]) if letter in numbers else graph.input(letter, np.shape(x), np.asarray(x).dtype)
            for letter, x in letters.items()
        }
        before, after = (built(side, graph, leaves) for side in identity.sides)
        assert operations(simplified([before])[before]) <= operations(simplified([after])[after])


def operations(node):
    return sum(part.primitive is not None for part in in_order([node]))


# --- where an identity is applied, its two sides agree -------------------------------------------------------------------------

# For anything, and for what products of matrices may be made of.
ANY_SHAPES = [(), (1,), (3,), (2, 3), (1, 3), (2, 1), (3, 3), (2, 3, 3), (1, 1, 3), (2, 2, 3, 3), (2, 1, 1, 3), (0,), (0, 3)]
MATRIX_SHAPES = [(3,), (3, 3), (2, 3, 3), (2, 2, 3, 3), (1, 3), (3, 1), (1, 3, 3), (1, 1), (1,), (4, 3), (3, 4), (2, 3, 4)]
DTYPES = [
    bool,
    np.uint8,
    np.int8,
    np.int32,
    np.int64,
    np.uint64,
    np.float16,
    np.float32,
    float,
    np.longdouble,
    complex,
    np.complex64,
]
FACTORS = [0, 1, -1, 2, -3, 7, 0.0, -0.0, 0.5, -0.25, 3.0, 1e-200, 1e200, 1e-30, np.inf, np.nan]
FACTORS += [np.float32(0.1), np.int8(100), np.uint8(200)]
EXTREMES = [0.0, -0.0, 1.0, -2.0, 0.3, 1e4, np.inf, -np.inf, np.nan]


def drawn(rng, letter, shape, dtype, extreme):
    """An array, or a number for the letters that stand for one."""
    if letter in NUMBERS:
        return FACTORS[rng.integers(len(FACTORS))]
    if letter == "m":
        return np.asarray(rng.random(shape) < 0.5)
    if np.dtype(dtype).kind in "iub":
        return np.asarray(rng.integers(0, 2 if dtype is bool else 120, shape)).astype(dtype)
    numbers = rng.choice(EXTREMES, size=shape) if extreme else rng.normal(size=shape)
    if np.dtype(dtype).kind == "c" and not extreme:
        numbers = numbers + 1j * rng.normal(size=shape)
    return np.asarray(numbers).astype(dtype)


def letters_of(identity, count):
    """What the letters may stand for: arrays of any shapes and dtypes, Python's numbers, zeros, infinities, NaN."""
    rng = np.random.default_rng(0)
    shapes = MATRIX_SHAPES if has_matrices(identity) else ANY_SHAPES
    for number in range(count):
        shared, letters = DTYPES[rng.integers(len(DTYPES))], {}
        for letter in identity.letters:
            dtype = DTYPES[rng.integers(len(DTYPES))] if number % 5 == 0 else float if number % 3 == 0 else shared
            stated = (identity.shapes or {}).get(letter, (3,))
            shape = stated if number % 4 == 0 else shapes[rng.integers(len(shapes))]
            letters[letter] = drawn(rng, letter, shape, dtype, extreme=number % 2)
        yield letters


def value_of(node, leaves):
    """What a node computes, operation by operation."""
    values = {}
    for part in in_order([node]):
        if part.primitive is None:
            values[part] = leaves.get(part, part.value)
        else:
            values[part] = part.primitive.forward(*(values[each] for each in part.inputs), **part.params)
    return np.asarray(values[node])


def as_it_stands(identity, letters):
    """The first side of an identity as a node that nobody has simplified, what its leaves are, and what it computes."""
    graph, nodes = IRGraph(), {}
    for letter, x in letters.items():
        nodes[letter] = graph.constant(x) if letter in NUMBERS else graph.input(letter, np.shape(x), np.asarray(x).dtype)
    before = built(identity.sides[0], graph, nodes)
    leaves = {nodes[letter]: x for letter, x in letters.items()}
    return before, leaves, value_of(before, leaves)


@EACH
def test_where_it_is_applied_nothing_changes_but_rounding(identity):
    applied = 0
    with np.errstate(all="ignore"):
        for letters in letters_of(identity, 4000 if EXHAUSTIVE else 400):
            try:
                before, leaves, expected = as_it_stands(identity, letters)
            except (ValueError, TypeError, IndexError, ArithmeticError):
                continue  # NumPy does not compute this at all
            after = identity.applied(before, Builder([before]).make) if is_ordinary(before) else None
            if after is not None:
                applied += 1
                agree(value_of(after, leaves), expected, str(letters))
    assert applied >= 10


def agree(found, expected, context):
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype), context
    if expected.dtype.kind in "iub":
        np.testing.assert_array_equal(found, expected, err_msg=context)
    else:
        finite = np.isfinite(expected)
        np.testing.assert_array_equal(np.isfinite(found), finite, err_msg=context)
        scale = np.max(np.abs(expected[finite]), initial=1)
        error = np.max(np.abs(found[finite] - expected[finite]), initial=0)
        assert error <= 200 * np.finfo(expected.dtype).eps * scale, context


# --- a softplus ------------------------------------------------------------------------------------------------------------------

WRONG = Identity("softplus(x)", "np.maximum(x, 0.0) + np.log(1.0 + np.exp(-np.absolute(x)))")


@pytest.mark.parametrize("dtype", [np.float32, float])
@pytest.mark.parametrize(("identity", "is_exact"), [(EXPANSIONS[-1], True), (WRONG, False)])
def test_a_large_softplus_is_as_exact_as_numpys_where_next_to_nothing_is_left_of_it(identity, is_exact, dtype):
    x = np.concatenate([np.linspace(-87, 87, 2001), np.geomspace(1e-30, 1, 1000), -np.geomspace(1e-30, 1, 1000)]).astype(dtype)
    exact = np.logaddexp(x.astype(np.longdouble), 0)
    error = np.abs(evaluated(identity.after, {"x": x}) - exact) / exact
    assert (error.max() <= 4 * np.finfo(dtype).eps) == is_exact


@pytest.mark.parametrize(
    "softplus",
    [tg.softplus, lambda z: np.logaddexp(z, 0), lambda z: np.logaddexp(0.0, z), lambda z: np.logaddexp(np.zeros(5000), z)],
)
def test_a_large_softplus_and_the_sigmoid_of_its_gradient_share_an_exponential(softplus):
    z = np.linspace(-30, 30, 5000)
    compiled = tg.compile(tg.value_and_grad(lambda z: np.sum(softplus(z))))
    total, d_z = compiled(z)
    np.testing.assert_allclose(total, np.sum(np.logaddexp(0, z)), rtol=1e-14)
    np.testing.assert_allclose(d_z, 1 / (1 + np.exp(-z)), rtol=1e-14)
    assert compiled.optimized_source.count("np.exp(") == 1
    assert compiled.source.count("np.logaddexp(z, 0)") == 1


# --- a number and a product of matrices ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "shapes", "form"),
    [
        (lambda a, b: (0.5 * a) @ b, ((9, 3), (3, 2)), "0.5 * (a @ b)"),
        (lambda a, b: a @ (b * 0.25), ((2, 9), (9, 5)), "0.25 * (a @ b)"),
        (lambda a, b: (0.5 * a).T @ b, ((9, 3), (9,)), "0.5 * (a.T @ b)"),
        (lambda a, b: 0.5 * (a @ b), ((9, 1), (1, 9)), "0.5 * a @ b"),
        (lambda a, b: 0.5 * (a @ b), ((9, 3), (3, 2)), "a @ (0.5 * b)"),
        (lambda a, b: a @ (0.5 * b), ((9, 9), (9, 1)), "a @ (0.5 * b)"),  # no smaller before than after
        (lambda a, b: 0.5 * (a @ b), ((9, 9), (9, 2)), "0.5 * (a @ b)"),
        (lambda a, b: -0.5 * (a @ b), ((9, 9), (9, 99)), "-0.5 * a @ b"),
    ],
)
def test_a_number_meets_the_smaller_array_before_or_after_a_product_of_matrices(f, shapes, form):
    a, b = map(np.ones, shapes)
    compiled = tg.compile(f)
    np.testing.assert_allclose(compiled(a, b), f(a, b), rtol=1e-15)
    assert f" = {form}  # " in compiled.source


def test_a_product_with_a_number_that_is_needed_elsewhere_stays_one():
    def f(a, b):
        half = 0.5 * a
        return half @ b, half

    compiled = tg.compile(f)
    compiled(np.ones((9, 3)), np.ones(3))
    assert "half = 0.5 * a\n" in compiled.source
    assert "half @ b" in compiled.source


def test_signs_and_numbers_meet_those_that_are_chosen_from():
    def hinge(w, x, t):
        return np.mean(tg.relu(1.0 - t * (x @ w)))

    compiled = tg.compile(tg.grad(hinge))
    w, x, t = np.array([0.3, -0.2]), np.arange(20.0).reshape(10, 2) / 20, np.where(np.arange(10) % 3, 1.0, -1.0)
    np.testing.assert_allclose(compiled(w, x, t), tg.grad(hinge)(w, x, t), rtol=1e-14)
    assert "np.where(1.0 - t * (x @ w) > 0, -0.1, 0.0) * t" in compiled.source


# --- each identity is needed ---------------------------------------------------------------------------------------------------


@EACH
def test_it_brings_its_first_side_into_the_form_of_the_second_and_without_it_they_stay_apart(identity, monkeypatch):
    def forms():
        """Both sides in their simplest form."""
        numbers = next(choices(identity))
        graph = IRGraph()
        letters = arrays(identity, lambda shape: np.ones(shape))
        leaves = {
            letter: graph.constant(numbers[letter]) if letter in numbers else graph.input(letter, np.shape(x), np.asarray(x).dtype)
            for letter, x in letters.items()
        }
        sides = [built(side, graph, leaves) for side in identity.sides]
        simple = simplified(sides)
        fast = expanded([simple[side] for side in sides])
        return [formula(fast[simple[side]]) for side in sides]

    monkeypatch.setattr(rewriting, "WORTH_EXPANDING", 1)
    with_it = forms()
    assert with_it[0] == with_it[1]
    for table in ("FINISHING", "EXPANSIONS"):
        monkeypatch.setattr(rewriting, table, tuple(each for each in getattr(rewriting, table) if each is not identity))
    remaining = {operation: [each for each in found if each is not identity] for operation, found in building._BY_OPERATION.items()}
    monkeypatch.setattr(building, "_BY_OPERATION", remaining)
    without_it = forms()
    assert without_it[0] != without_it[1]


def formula(node):
    """A node as text, operation by operation."""
    if node.primitive is None:
        return node.name or str(node.value)
    params = "".join(f", {key}={x}" for key, x in node.params.items())
    return f"{node.primitive.name}({', '.join(map(formula, node.inputs))}{params})"


@pytest.mark.parametrize(("c", "d", "meet"), [(7, 4681, True), (2, 2**14, False), (-2, 2**14, True), (-3, 10923, False)])
def test_whole_numbers_become_one_up_to_the_last_that_there_is_in_the_arrays_dtype(c, d, meet):
    graph = IRGraph()
    x = graph.input("x", (3,), np.dtype(np.int16))
    scaled = graph.apply(arithmetic.multiply, [graph.constant(c), graph.apply(arithmetic.multiply, [graph.constant(d), x])])
    outer = simplified([scaled])[scaled]
    assert formula(outer) == (f"multiply({c * d}, x)" if meet else f"multiply({c}, multiply({d}, x))")


@pytest.mark.parametrize(("exponent", "meet"), [(-1022, True), (-1023, False), (1023, True), (1024, False)])
def test_numbers_become_one_between_the_smallest_and_the_largest_that_there_is(exponent, meet):
    graph = IRGraph()
    x = graph.input("x", (3,), np.dtype(float))
    half, rest = (2.0 ** (exponent // 2), 2.0 ** (exponent - exponent // 2))
    scaled = graph.apply(arithmetic.multiply, [graph.constant(half), graph.apply(arithmetic.multiply, [graph.constant(rest), x])])
    outer = simplified([scaled])[scaled]
    assert formula(outer) == (f"multiply({half * rest}, x)" if meet else f"multiply({half}, multiply({rest}, x))")


def test_a_sum_is_a_mean_only_where_the_number_before_it_is_rounder_and_whole_and_nobody_needs_the_sum():
    rows = np.ones((32, 3))

    def source(f):
        compiled = tg.compile(f)
        np.testing.assert_allclose(compiled(rows), f(rows), rtol=1e-14)
        return compiled.source

    assert "np.mean" not in source(lambda x: 0.09999999999999998 * np.sum(x, axis=0))
    assert "2.0 * np.mean(x, axis=0)" in source(lambda x: 0.0625 * np.sum(x, axis=0))
    assert "np.mean" not in source(lambda x: 0.0625 * np.sum(x, axis=0) + np.sum(x, axis=0) ** 2)
