"""One table, no second list: what is to be known of an operation is said by its entry, or found out by trying it."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.primitives.primitive import case
from tinygrad_edu.primitives.table import TABLE, operation


@pytest.fixture
def added():
    """Adds operations to the table, which is put back afterwards as it was."""
    saved = dict(TABLE.entries), dict(TABLE.functions)
    yield operation
    for present, before in zip((TABLE.entries, TABLE.functions), saved, strict=True):
        present.clear()
        present.update(before)


@pytest.fixture
def mirror(added):
    return added(
        lambda x: x[..., ::-1],
        lambda g, out, x: mirror_of(g),
        name="mirror", result="mirrored", shapes="there is an axis to turn round", cases=[case((3,)), case((2, 3))],
    )  # fmt: skip


def mirror_of(g):
    return TABLE.entries["mirror"](g)


def test_writing_into_the_compiled_result_of_an_operation_that_gives_a_view_leaves_the_argument_alone(mirror):
    x = np.arange(3.0)
    for compiled in (tg.compile(lambda x: mirror(x)), tg.compile(lambda x: mirror(mirror(x)))):
        result = compiled(x)
        result[:] = -1.0
        np.testing.assert_array_equal(x, [0, 1, 2])
        assert list(compiled(x)) in ([2, 1, 0], [0, 1, 2])


def test_a_line_of_a_program_is_called_what_the_entry_calls_its_result(mirror):
    source = tg.compile(lambda x: mirror(x) * mirror(x) + np.exp(mirror(x)))
    source(np.arange(3.0))
    assert "mirrored = mirror(x)" in source.source


def test_where_shapes_do_not_fit_the_message_says_what_the_entry_demands(added):
    def halves(x):
        if x.shape[-1] % 2:
            raise ValueError("odd")
        return x[..., ::2] + x[..., 1::2]

    entry = added(halves, None, name="halves", shapes="the last axis has an even length", cases=[case((4,))])
    with pytest.raises(
        ShapeError, match=r"'halves' failed on a Value of shape \(3,\): odd\. Note that the last axis has an even length\."
    ):
        entry(tg.Value([1.0, 2.0, 3.0]))


def test_that_shapes_broadcast_is_said_of_operations_that_work_element_by_element_and_of_no_others():
    with pytest.raises(ShapeError, match="shapes broadcast if"):
        tg.Value([1.0, 2.0]) + np.ones(3)
    with pytest.raises(ShapeError, match="'solve' failed") as error:
        np.linalg.solve(tg.Value(np.eye(2)), np.ones((3, 2)))
    assert "broadcast" not in str(error.value)


@pytest.mark.parametrize("f", [np.logaddexp, np.hypot, np.add, np.multiply])
def test_what_commutes_is_computed_once_in_either_order(f):
    compiled = tg.compile(lambda x, y: f(x, y) - f(y, x) + np.exp(f(x, y)))
    a, b = np.array([1.0, 2.0]), np.array([0.5, 3.0])
    np.testing.assert_allclose(compiled(a, b), np.exp(f(a, b)), rtol=1e-14)
    body = compiled.source.partition('"""')[2]
    assert body.count("x, y") + body.count("y, x") + body.count("x + y") + body.count("y + x") + body.count("x * y") <= 2, body


@pytest.mark.parametrize("f", [np.arctan2, np.maximum, np.copysign, np.subtract])
def test_what_does_not_commute_for_all_numbers_keeps_its_order(f):
    x, y = np.array([0.0, -0.0, 2.0]), np.array([-0.0, 0.0, 3.0])
    there, back = tg.compile(lambda x, y: (f(x, y), f(y, x)))(x, y)
    for got, expected in ((there, f(x, y)), (back, f(y, x))):
        np.testing.assert_array_equal(got, expected)
        np.testing.assert_array_equal(np.signbit(got), np.signbit(expected))


def test_a_single_number_comes_out_of_a_compiled_operation_as_a_number_whatever_numpy_makes_of_it(added):
    entry = added(lambda x: np.asarray(x), lambda g, out, x: g, name="wrapped", numpy=[])
    compiled = tg.compile(lambda x: entry(x))
    assert type(compiled(np.float64(2.0))) is np.float64
