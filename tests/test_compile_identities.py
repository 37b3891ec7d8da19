"""Every identity of the simplifier on its own: both sides give the same numbers, and it is found where it applies."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.compile.identities import EXPANSIONS, FINISHING, IDENTITIES
from tinygrad_edu.compile.nodes import Graph, in_order
from tinygrad_edu.compile.simplification import simplified
from tinygrad_edu.primitive import TABLE

ALL = IDENTITIES + FINISHING + EXPANSIONS


def each_of(identities):
    return pytest.mark.parametrize(
        "identity", [pytest.param(identity, id=f"{identity.before} is {identity.after}") for identity in identities]
    )


def has_matrices(identity):
    return "@" in identity.before or "solve" in identity.before


EACH = each_of(ALL)
NUMBERS = {"c": [-0.75, 2.0, 3.0], "d": [0.5, -4.0, 1.5]}
SPECIAL = np.array([0.0, -0.0, 1.5, -2.0, np.inf, -np.inf, np.nan, 1e-300, 1e150])


def evaluated(text, letters):
    scope = {
        "np": np,
        "relu": tg.relu,
        "sigmoid": tg.sigmoid,
        "softplus": tg.softplus,
        "difference": TABLE.entries["difference"].forward,
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
    """Numbers for c and d that satisfy the identity's condition."""
    for c, d in zip(NUMBERS["c"], NUMBERS["d"], strict=True):
        numbers = {"c": c, "d": d}
        arrays = {letter: np.empty((identity.shapes or {}).get(letter, (5,))) for letter in identity.letters}
        if not identity.when or eval(
            identity.when, arrays | numbers | {"is_known": lambda letter: False, "is_moderate": lambda number: True}
        ):
            yield {letter: number for letter, number in numbers.items() if letter in identity.letters}


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
    if term.letter:
        node = leaves[term.letter]
        return graph.apply(TABLE.entries["negative"], (node,)) if term.is_negated else node
    if term.primitive is None:
        return graph.constant(float(term.number))
    return graph.apply(term.primitive, [built(part, graph, leaves) for part in term.parts], term.params)


@EACH
def test_the_simplifier_brings_what_it_may_rewrite_into_no_more_operations_than_the_simpler_side_has(identity):
    for numbers in choices(identity):
        graph = Graph()
        letters = arrays(identity, lambda shape: np.ones(shape))
        leaves = {
            letter: graph.constant(numbers[letter]) if letter in numbers else graph.input(letter, np.shape(x), np.asarray(x).dtype)
            for letter, x in letters.items()
        }
        before, after = (built(side, graph, leaves) for side in identity._sides)
        assert operations(simplified([before])[before]) <= operations(simplified([after])[after])


def operations(node):
    return sum(part.primitive is not None for part in in_order([node]))
