"""Selection: choosing by condition, by position and by order gives NumPy's results for Values, and right gradients."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_edu as tg
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import TinygradError
from tinygrad_edu.testing import check_grads

V, M, C = (4,), (2, 3), (2, 3, 4)  # a vector, a matrix, a cube

# Calls, and the shapes of x, y, z to try them on.
CONDITION = {
    "np.where([[True, False, True]], x, y)": [(M, M), (M, ()), ((), M), ((2, 1), (3,))], "np.where(True, x, 0.0)": [M, ()],
    "np.where(x > 0, x, y)": [(M, (3,))], "np.where(mask, 1.0, x)": [M], "np.select([mask, ~mask], [x, y])": [(M, M), (M, ())],
    "np.select([mask, mask], [x, y], default=-1.0)": [(M, M)], "np.select([x > 1, x > 0], [x**2, 2.0], y)": [(M, M), (M, ())],
    "np.select([mask, ~mask], [[1.0, 2.0, 3.0], x])": [M], "np.compress([True, False, True], x)": [V, M],
    "np.compress([False, True], x, axis=0)": [M], "np.compress([True], x, -1)": [C], "np.compress([False, False], x)": [V],
    "np.extract(mask, x)": [M], "x.compress([0, 1], axis=1)": [M], "np.clip(x, -1, 1)": [M, ()],
    "np.clip(x, y, None)": [(M, (3,))], "np.clip(x, -0.5, y)": [(V, ())], "np.clip(x, min=0)": [M],
}  # fmt: skip
POSITION = {
    "np.bincount([0, 2, 2, 5], x)": [V], "np.bincount([1, 1, 0], weights=x, minlength=5)": [(3,)],
    "np.take(x, [0, 2, 2])": [V, M], "np.take(x, 1)": [V, M], "np.take(x, [[0, 1], [-1, 1]], axis=1)": [C],
    "np.take(x, 1, axis=-1)": [C], "np.take(x, [5, -7], mode='wrap')": [V], "np.take(x, [9, -7, 1], 1, mode='clip')": [M],
    "np.take(x, [])": [V], "x.take([1, 1])": [M], "np.take(x, [], axis=1)": [M], "np.take(x, np.array([1, 0], np.uint8), 0)": [M],
    "np.take(x, 0)": [()], "np.take_along_axis(x, np.array([[0, 2, 1, 1], [-1, 0, 0, 0]]), 1)": [M, (2, 5)],
    "np.take_along_axis(x, np.array([[[1]]]), axis=0)": [C], "np.take_along_axis(x, np.array([3, 3, 0]), None)": [M],
    "np.take_along_axis(x, np.array([2, 0]))": [V], "np.take_along_axis(x, np.argsort(x, 0), 0)": [M, C],
    "np.take_along_axis(x, np.array([[0], [1]]), 1)": [(1, 3)], "np.take_along_axis(x, np.zeros((2, 0), int), 1)": [M, (2, 0)],
    "np.choose([0, 1, 2, 1], [x, y, z])": [(V, V, V), (V, (), (3, 1))], "np.choose([[1], [0]], (x, 5.0))": [(3,)],
    "np.choose([7, -2, 0], [x, y], mode='wrap')": [((3,), (3,))], "np.choose([7, -2, 0], [x, y], mode='clip')": [((3,), (3,))],
    "np.choose(1, x)": [M],
}  # fmt: skip
ORDER = {
    "np.sort(x)": [V, C, (0,), (2, 0)], "np.sort(x, axis=0)": [M], "np.sort(x, None)": [M, ()], "np.sort(x, kind='stable')": [V],
    "np.sort(x, axis=1, stable=True)": [C], "np.partition(x, 2)[2]": [V], "np.partition(x, 1, axis=0)[1]": [(3, 2)],
    "np.partition(x, [0, 4], None)[np.array([0, 4])]": [M], "np.partition(x, -1, axis=-1)[..., -1]": [C],
}  # fmt: skip
INDEXING = {
    "np.trim_zeros(x * [0, 0, 1, 0, 2, 0])": [(6,)], "np.trim_zeros(x * [0, 0, 1, 0, 2, 0], 'F')": [(6,)],
    "np.trim_zeros(x * 0)": [V], "np.trim_zeros(x * [0, 0, 1, 0, 2, 0], trim='b')": [(6,)], "x[1]": [V, C], "x[-1, ..., 0]": [C],
    "x[()]": [(), M], "x[...]": [(), M], "x[None]": [(), V], "x[:, np.newaxis, ::-2]": [M], "x[1:1]": [V], "x[5:]": [V],
    "x[:, -1:0:-1]": [C], "x[np.int64(1)]": [M], "x[np.array(1)]": [M], "x[True]": [(), M], "x[False]": [M], "x[[0, 0, 2]]": [V],
    "x[[[0, 1], [1, 0]]]": [M], "x[[]]": [V, M], "x[np.array([], int)]": [M], "x[[], []]": [M], "x[[0, 1], [2, 0]]": [M],
    "x[((0, 1), (2, 0))]": [M], "x[[0, 0], [2, 2]]": [M], "x[[1], :, [0, 0, 3]]": [C], "x[:, [1, 0], [0, 3]]": [C],
    "x[np.ix_([1, 0, 0], [2, 2])]": [M], "x[np.ix_([True, False], [0, 2], [1])]": [C], "x[np.array([[0], [1]]), [0, 2]]": [M],
    "x[mask]": [M], "x[[True, False]]": [M], "x[:, [True, False, True], 0]": [C], "x[[True, True], [0, 2]]": [M],
    "x[np.zeros((2, 3), bool)]": [M], "x[mask, 1]": [(2, 3, 2)], "x[..., [0, 0], None]": [C],
    "x[slice(None, None, 2), [2, 1]]": [(3, 3)], "x[np.s_[:, 1]]": [M], "x[np.tril_indices(2)]": [M], "x[0][1][2]": [C],
    "x[np.bool_(True), 1]": [M], "x[np.array([1, 0], np.uint8)]": [V],
}  # fmt: skip
# How many are chosen here depends on the numbers, so that no differences can be taken.
VARYING = {"np.extract(x > 0, x)": [M, V], "x[x > 0]": [M, V], "x[np.nonzero(x > 0)]": [M, V], "np.compress(x > 0, x)": [V]}
TABLE = {**CONDITION, **POSITION, **ORDER, **INDEXING}
MASK = np.array([[True, False, True], [False, False, True]])


def calls(table):
    """Every call with each of its shapes; a lone shape is that of x."""
    return [
        pytest.param(call, shapes if shapes and isinstance(shapes[0], tuple) else (shapes,), id=f"{call} {shapes}")
        for call, several in table.items()
        for shapes in several
    ]


def function(call):
    """The call as a function of x, y, z."""
    code = compile(call, call, "eval")
    return lambda *arguments: eval(code, {"np": np, "mask": MASK, **dict(zip("xyz", arguments, strict=False))})


def draw(shapes, dtype=np.float64):
    rng = np.random.default_rng(5)
    return tuple(np.asarray(rng.uniform(-2, 2, shape), dtype) for shape in shapes)


@pytest.mark.parametrize(("call", "shapes"), calls({**TABLE, **VARYING}))
def test_values_get_the_result_that_arrays_get(call, shapes):
    for dtype in (np.float64, np.float32):
        arrays = draw(shapes, dtype)
        expected = np.asarray(function(call)(*arrays))
        result = function(call)(*(Value(x) for x in arrays)).numpy()
        assert (result.shape, result.dtype) == (expected.shape, expected.dtype)
        np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize(("call", "shapes"), calls(TABLE))
def test_gradients_are_right_to_second_order(call, shapes):
    check_grads(lambda *values: function(call)(*values) ** 2, draw(shapes))


@pytest.mark.parametrize(("call", "shapes"), calls(VARYING))
def test_those_that_a_condition_on_themselves_chooses_get_the_gradient(call, shapes):
    (array,) = draw(shapes)
    x = Value(array)
    (function(call)(x) ** 2).sum().backward()
    np.testing.assert_array_equal(x.grad, np.where(array > 0, 2 * array, 0))


PART = st.one_of(
    st.integers(-2, 1),
    st.slices(2),
    st.just(Ellipsis),
    st.none(),
    st.lists(st.integers(-2, 1), max_size=3),
    hnp.arrays(np.intp, hnp.array_shapes(max_dims=2, max_side=3), elements=st.integers(-2, 1)),
    hnp.arrays(bool, 2),
    hnp.arrays(bool, (2, 2)),
    st.booleans(),
)


@given(st.one_of(PART, st.lists(PART, max_size=4).map(tuple)))
def test_every_index_that_numpy_allows_reads_the_same_and_gives_each_element_its_share(index):
    numbers = np.arange(2.0 * 2 * 2).reshape(2, 2, 2)
    x = Value(numbers)
    try:
        expected = numbers[index]
    except IndexError:
        with pytest.raises(IndexError):
            x[index]
        return
    y = x[index]
    np.testing.assert_array_equal(y.numpy(), expected)
    weights = np.arange(1.0, 1 + expected.size).reshape(expected.shape)
    y.backward(weights)
    share = np.bincount(np.ravel(expected).astype(int), np.ravel(weights), numbers.size)
    np.testing.assert_array_equal(x.grad, share.reshape(2, 2, 2))


@given(hnp.arrays(float, hnp.array_shapes(max_dims=3, max_side=4), elements=st.integers(-3, 3)), st.data())
def test_what_is_sorted_passes_the_gradient_on_to_where_it_came_from_also_among_equals(array, data):
    axis = data.draw(st.sampled_from([None, *range(-array.ndim, array.ndim)]))
    x = Value(array)
    y = np.sort(x, axis=axis)
    np.testing.assert_array_equal(y.numpy(), np.sort(array, axis=axis))
    weights = np.arange(1.0, 1 + array.size).reshape(y.shape)
    y.backward(weights)
    assert sorted(x.grad.ravel()) == sorted(weights.ravel())
    lost = np.sum(x.grad * array) - np.sum(weights * y.numpy())
    assert lost == 0


@pytest.mark.parametrize("kth", [0, 2, -1, [1, 4]])
def test_a_partition_has_the_smaller_elements_before_and_the_larger_behind(kth):
    (array,) = draw([(3, 6)])
    y = np.partition(Value(array), kth).numpy()
    np.testing.assert_array_equal(np.sort(y), np.sort(array))
    for k in np.ravel(kth) % 6:
        assert np.all(y[:, :k] <= y[:, [k]])
        assert np.all(y[:, [k]] <= y[:, k:])


def test_a_row_that_was_taken_twice_gets_both_gradients():
    table = Value(np.zeros((5, 2)))
    np.take(table, [3, 1, 3], axis=0).backward(np.array([[1.0, 2], [3, 4], [5, 6]]))
    np.testing.assert_array_equal(table.grad, [[0, 0], [3, 4], [0, 0], [6, 8], [0, 0]])


TORCH = {
    "sort": (lambda x: np.sort(x, 1), lambda t: t.sort(1).values),
    "take_along_axis": (
        lambda x: np.take_along_axis(x, np.array([[[0, 2, 2, 1]]]), 1),
        lambda t: t.take_along_dim(_torch().tensor([[[0, 2, 2, 1]]]), 1),
    ),
    "take": (lambda x: np.take(x, [[5, 5], [0, -1]]), lambda t: t.ravel()[_torch().tensor([[5, 5], [0, -1]])]),
    "where": (lambda x: np.where(x > 0, x * x, 3.0), lambda t: _torch().where(t > 0, t * t, 3.0)),
    "integer arrays with a slice between": (lambda x: x[[0, 1, 0], :, [3, 3, 3]], lambda t: t[[0, 1, 0], :, [3, 3, 3]]),
    "a mask and an integer": (lambda x: x[:, [True, False, True], 2], lambda t: t[:, [True, False, True], 2]),
}


def _torch():
    return pytest.importorskip("torch")


@pytest.mark.parametrize(("ours", "theirs"), TORCH.values(), ids=TORCH)
def test_results_and_gradients_are_those_of_pytorch(ours, theirs):
    (array,) = draw([C])
    x, t = Value(array), _torch().tensor(array, requires_grad=True)
    y, u = ours(x), theirs(t)
    np.testing.assert_array_equal(y.numpy(), u.detach().numpy())
    weights = np.random.default_rng(3).normal(size=y.shape)
    y.backward(weights)
    u.backward(_torch().tensor(weights))
    np.testing.assert_allclose(x.grad, t.grad.numpy(), rtol=1e-14)


PLAIN = [
    "np.where(x > 0)", "np.where(x)", "np.argsort(x)", "np.argpartition(x, 1)", "np.searchsorted(np.sort(x), 0.5)",
    "np.digitize(x, [0.0, 1.0])", "np.nonzero(x)", "np.argwhere(x)", "np.lexsort((x, x))", "np.isin(x, [1.0])",
    "np.may_share_memory(x, x)", "np.result_type(x, np.float32)", "np.iscomplexobj(x)", "np.tril_indices_from(x[None])",
]  # fmt: skip


@pytest.mark.parametrize("call", PLAIN)
def test_questions_about_positions_get_plain_answers(call):
    (array,) = draw([V])
    answer, expected = function(call)(Value(array)), function(call)(array)
    assert type(answer) is type(expected)
    np.testing.assert_equal(answer, expected)


def test_a_list_of_positions_that_is_changed_later_changes_no_gradient():
    x, positions = Value(np.zeros(3)), [0, 2]
    y, z = x[positions], np.take(x, positions)
    positions[0] = 1
    (y.sum() + z.sum()).backward()
    assert x.grad.tolist() == [2, 0, 2]


BAD_ARGUMENTS = {
    "x[7]": "index", "x[0, 0, 0]": "index", "x[1.0]": "index", "x[x]": "cannot be an index", "np.take(x, 9)": "take",
    "np.take(x, [0.5])": "np.take", "np.take(x, 0, mode='around')": "mode must be",
    "np.take_along_axis(x, np.array([0]), 1)": "np.take_along_axis",
    "np.take_along_axis(x, np.array([[3]]), 1)": "np.take_along_axis", "np.where(x > 0, x)": "np.where",
    "np.choose([2], [x, x])": "np.choose", "np.select([x > 0], [x, x])": "np.select", "np.select([[1, 2, 3]], [x])": "np.select",
    "np.compress([[True]], x)": "np.compress",
}  # fmt: skip


@pytest.mark.parametrize(("call", "name"), BAD_ARGUMENTS.items(), ids=BAD_ARGUMENTS)
def test_bad_arguments_get_an_error_that_names_the_function(call, name):
    with pytest.raises((ValueError, IndexError, TypeError), match=name):
        function(call)(Value(np.ones((2, 3))))


@pytest.mark.parametrize("name", ["copyto", "put", "place", "putmask", "put_along_axis", "fill_diagonal"])
def test_functions_that_write_into_an_array_are_refused_with_what_to_write_instead(name):
    arguments = {"copyto": 1, "put_along_axis": 3, "fill_diagonal": 1}.get(name, 2)
    with pytest.raises(tg.errors.UnsupportedError, match=rf"np\.{name} writes into an array.*np\.where") as caught:
        getattr(np, name)(Value(np.zeros((2, 2))), *[np.zeros((2, 2), int)] * arguments)
    assert isinstance(caught.value, TinygradError)
