"""A Value as a thing of Python: made, printed, indexed, iterated over, converted, copied, used as a key."""

import copy
import pickle

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import DataError, DetachError, GradientError, IndexingError, ShapeError, UnsupportedError
from tinygrad_edu.testing import check_grads

A = np.arange(24.0).reshape(2, 3, 4)

# --- making ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "dtype"),
    [
        (3, np.float64), (3.0, np.float64), (True, np.float64), ([1, 2], np.float64), ([[1.5], [2]], np.float64),
        (np.int8(3), np.float64), (np.arange(3), np.float64), (np.array([True, False]), np.float64),
        (np.float32(1.5), np.float32), (np.ones(2, np.float32), np.float32), (np.float16(1.5), np.float16), ((1, 2), np.float64),
        (np.zeros((0, 3)), np.float64), (range(3), np.float64),
    ],
    ids=repr,
)  # fmt: skip
def test_integers_and_booleans_become_float64_and_floating_point_numbers_stay(data, dtype):
    value = Value(data)
    assert value.dtype == dtype
    assert value.shape == np.shape(data)
    np.testing.assert_array_equal(value.numpy(), np.asarray(data))


def test_the_dtype_can_be_chosen():
    assert Value([1, 2], dtype=np.float32).dtype == np.float32
    assert Value(1, dtype="float32").dtype == np.float32


@pytest.mark.parametrize(
    "data",
    ["text", None, object(), [[1, 2], [3]], ["a"], {"a": 1}, np.array(["2020"], "datetime64[Y]")],
    ids=lambda data: type(data).__name__,
)
def test_data_that_are_no_numbers_are_refused(data):
    with pytest.raises(DataError):
        Value(data)


def test_a_dtype_that_cannot_be_differentiated_is_refused():
    with pytest.raises(DataError, match=r"only floating-point numbers can be differentiated, but dtype=int32"):
        Value(1.0, dtype=np.int32)


@pytest.mark.parametrize("name", [3, b"w", ["w"], 2.5, True], ids=repr)
def test_a_name_is_text(name):
    with pytest.raises(DataError, match=r"name must be text, but is"):
        Value(1.0, name=name)
    with pytest.raises(DataError, match=r"name must be text, but is"):
        Value(1.0).named(name)
    with pytest.raises(DataError, match=r"name must be text, but is None"):
        Value(1.0).named(None)


@pytest.mark.parametrize("flag", ["yes", "no", "", 1, 0, None, [True], np.ones(2)], ids=repr)
def test_whether_a_gradient_is_required_is_true_or_false(flag):
    with pytest.raises(DataError, match=r"requires_grad must be True or False, but is"):
        Value(1.0, requires_grad=flag)


@pytest.mark.parametrize("flag", [np.True_, np.False_])
def test_numpys_booleans_are_flags(flag):
    assert Value(1.0, requires_grad=flag).requires_grad is bool(flag)


def test_a_value_is_not_made_of_a_value():
    with pytest.raises(DataError, match=r"a Value already; use \.detach\(\)"):
        Value(Value(1.0))


def test_no_attribute_can_be_misspelt():
    with pytest.raises(AttributeError):
        Value(1.0).gard = 0.0
    with pytest.raises(AttributeError):
        Value(1.0).gard  # noqa: B018


def test_the_shape_attributes_are_those_of_the_array():
    value = Value(A)
    assert (value.shape, value.ndim, value.size, value.dtype, len(value)) == (A.shape, 3, 24, A.dtype, 2)
    assert value.T.shape == (4, 3, 2)


# --- indexing ----------------------------------------------------------------------------------------------------------------

INDICES = [
    0, -1, np.int64(1), slice(None), slice(None, None, -1), slice(1, None), (0, 1), (0, 1, 2), (..., 0), (0, ...), ..., None,
    (None, 0), (slice(None), None, 1), (0, slice(1, 3), slice(None, None, 2)), [0, 0, 1], [[0, 1], [1, 1]], np.array([1, 0, 1, 1]),
    ([0, 1, 1], [2, 2, 2]), (slice(None), [0, 0]), (0, [1, 1, 1], slice(2)), ([0, 0], slice(None), [1, 1]), A > 7, A[..., 0] > 7,
    (A > 7).any(axis=(1, 2)), (slice(None), np.array([True, False, True])), np.zeros((0,), int), slice(0, 0), np.array(1), (),
    (np.array([[0], [1]]), np.array([0, 2])),
]  # fmt: skip


@pytest.mark.parametrize("index", INDICES, ids=lambda index: repr(index)[:50])
def test_an_index_reads_what_numpy_reads_and_passes_the_gradient_back(index):
    value = Value(A)
    part = value[index]
    np.testing.assert_array_equal(part.numpy(), A[index])
    assert part.shape == A[index].shape
    part.sum().backward()
    counts = np.zeros(A.shape)
    np.add.at(counts, index, 1.0)  # an element that was read twice gets the gradient twice
    np.testing.assert_array_equal(value.grad, counts)
    check_grads(lambda x: x[index] ** 2, (A / 10,))


def test_an_index_out_of_bounds_is_an_index_error_that_names_the_value():
    with pytest.raises(IndexingError, match=r"'index' failed on w of shape \(2, 3, 4\): .*out of bounds"):
        Value(A, name="w")[5]
    with pytest.raises(IndexError):
        Value(A)[0, 0, 0, 0]


def test_a_value_cannot_be_an_index():
    with pytest.raises(DataError, match="cannot be an index"):
        Value(A)[Value(1.0)]


def test_an_element_cannot_be_assigned():
    value = Value([1.0, 2.0])
    with pytest.raises(UnsupportedError, match=r"np\.where.*value\.data\[index\]"):
        value[0] = 3.0


# --- iteration ---------------------------------------------------------------------------------------------------------------


def test_iteration_gives_differentiable_parts_along_the_first_axis():
    value = Value([1.0, 2.0, 3.0])
    first, second, third = value
    (first * second + third).backward()
    np.testing.assert_array_equal(value.grad, [2, 1, 1])
    assert [row.shape for row in Value(A)] == [(3, 4), (3, 4)]
    assert list(Value(np.zeros((0, 2)))) == []


def test_a_single_number_has_no_length_and_cannot_be_iterated_over():
    with pytest.raises(ShapeError, match=r"single number and has no len\(\)"):
        len(Value(1.0))
    with pytest.raises(ShapeError):
        list(Value(1.0))


# --- conversion --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [2.5, [2.5], [[2.5]]], ids=repr)
def test_a_value_of_one_number_becomes_a_python_number_when_asked(data):
    value = Value(data)
    assert type(float(value)) is type(value.item()) is float
    assert float(value) == value.item() == 2.5
    assert int(value) == 2
    assert bool(value) is True
    assert f"{value:.2f}" == "2.50"


def test_a_value_of_several_numbers_does_not_become_one():
    value = Value([1.0, 2.0], name="w")
    for convert in (float, int, Value.item, "{:.2f}".format):
        with pytest.raises(ShapeError, match=r"only a single number .* the Value 'w' of shape \(2,\) has 2"):
            convert(value)
    with pytest.raises(ValueError, match="ambiguous"):
        bool(value)


def test_a_value_is_true_unless_it_is_zero():
    assert Value(0.5)
    assert not Value(0.0)


def test_item_of_a_single_precision_number_is_a_python_float():
    assert type(Value(1.5, dtype=np.float32).item()) is float


# --- printing ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Value(2.0), "Value(2.)"),
        (Value([1.0, 2.0], name="w"), "Value([1., 2.], name='w')"),
        (Value(2.0, dtype=np.float32), "Value(2., dtype=float32)"),
        (Value(2.0, requires_grad=False), "Value(2., requires_grad=False)"),
        (Value(2.0) * 3, "Value(6., made by multiply)"),
        ((Value([1.0]) + 1).named("y"), "Value([2.], name='y', made by add)"),
    ],
    ids=str,
)
def test_a_value_prints_its_numbers_and_what_is_particular_about_it(value, text):
    assert repr(value) == str(value) == f"{value}" == text


def test_a_large_value_prints_in_short():
    assert len(repr(Value(np.zeros(10_000)))) < 200


@pytest.mark.parametrize(("data", "shape"), [(2.0, "()"), ([1.0, 2.0], "(2,)"), (np.zeros((30, 40)), "(30, 40)")])
def test_a_notebook_shows_the_shape_of_every_value(data, shape):
    assert f">{shape}</td>" in Value(data)._repr_html_()


def test_a_notebook_keeps_the_rows_of_a_matrix_apart():
    assert '<td style="white-space: pre; text-align: left">[[1., 2.],\n [3., 4.]]</td>' in Value([[1.0, 2], [3, 4]])._repr_html_()


def test_a_notebook_shows_the_beginning_of_a_long_name():
    assert f">{'n' * 39}…</td>" in Value(1.0, name="n" * 300)._repr_html_()


# --- copies and keys ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "copied", [lambda v: pickle.loads(pickle.dumps(v)), copy.deepcopy, copy.copy], ids=["pickle", "deepcopy", "copy"]
)
def test_a_leaf_is_copied_with_its_numbers_name_and_flag(copied):
    leaf = Value([1.0, 2.0], name="w", dtype=np.float32, requires_grad=False)
    other = copied(leaf)
    assert (other.name, other.dtype, other.requires_grad) == ("w", np.float32, False)
    other.data[0] = 100.0
    np.testing.assert_array_equal(leaf.data, [1, 2])


def test_what_was_computed_is_not_pickled():
    with pytest.raises(GradientError, match=r"was computed; only a leaf can be pickled"):
        pickle.dumps(Value(1.0) * 2)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_a_gradient_passes_through_a_copy_of_what_was_computed(copied):
    w = Value([1.0, 2.0])
    (copied(w * w) * 3.0).sum().backward()
    np.testing.assert_array_equal(w.grad, [6, 12])


def test_values_are_keys_by_identity():
    a, b = Value([1.0, 2.0]), Value([1.0, 2.0])
    table = {a: "a", b: "b"}
    assert (table[a], table[b], len({a, b, a})) == ("a", "b", 2)
    a.data[0] = 5.0
    assert table[a] == "a"


def test_named_gives_the_value_its_name_and_returns_it():
    value = Value(1.0) * 2
    assert value.named("y") is value
    assert value.name == "y"


def test_detach_gives_a_constant_with_the_same_numbers():
    w = Value([1.0, 2.0])
    constant = (w * 2).detach()
    assert not constant.requires_grad
    (constant * w).sum().backward()
    np.testing.assert_array_equal(w.grad, [2, 4])


# --- the starting gradient ---------------------------------------------------------------------------------------------------


def test_backward_from_several_numbers_asks_for_a_gradient_to_start_from():
    with pytest.raises(
        GradientError, match=r"the Value 'y' of shape \(2,\) has 2.*\.sum\(\) or \.mean\(\).*backward\(gradient=\.\.\.\)"
    ):
        (Value([1.0, 2.0]) * 2).named("y").backward()


def test_backward_refuses_a_starting_gradient_of_another_shape():
    with pytest.raises(ShapeError, match=r"starting gradient of its own shape, but got shape \(3,\)"):
        (Value([1.0, 2.0]) * 2).backward(np.ones(3))


def test_backward_from_an_array_of_one_number_starts_from_one():
    w = Value([[3.0]])
    (w * w).backward()
    np.testing.assert_array_equal(w.grad, [[6.0]])


def test_a_gradient_of_another_shape_cannot_be_assigned_but_one_number_stands_for_all():
    w = Value([1.0, 2.0], name="w")
    with pytest.raises(ShapeError, match="'w'"):
        w.grad = np.ones(3)
    w.grad = 0
    np.testing.assert_array_equal(w.grad, [0, 0])
    assert w.grad.dtype == w.dtype


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (2, 0, 4)], ids=str)
def test_arrays_without_elements_are_computed_with_and_differentiated(shape):
    w = Value(np.zeros(shape))
    loss = (np.exp(w) * w + 1.0).sum()
    loss.backward()
    assert loss.item() == 0.0
    assert w.grad.shape == shape
    assert np.concatenate([w, w]).reshape(-1).shape == (0,)


def test_a_product_over_an_axis_without_elements_has_zero_gradient():
    a, b = Value(np.zeros((2, 0))), Value(np.zeros((0, 3)))
    (a @ b).sum().backward()
    assert (a.grad.shape, b.grad.shape) == ((2, 0), (0, 3))


def test_the_maximum_of_nothing_is_an_error_that_names_the_operation():
    with pytest.raises(ShapeError, match=r"'max' failed on w of shape \(0,\)"):
        np.max(Value(np.zeros(0), name="w"))


@pytest.mark.parametrize("number", [3, 3.0, np.float64(3), np.array(3.0), np.array(3), True])
def test_a_single_number_is_kept_as_a_scalar_of_numpys_which_nobody_can_change(number):
    assert type(Value(number).data) is np.float64
    assert type(Value(number, dtype=np.float32).data) is np.float32


@pytest.mark.parametrize("given", [float, np.asarray, np.float64], ids=["a float", "an array without axes", "a NumPy scalar"])
def test_a_single_number_that_was_computed_is_a_scalar_of_numpys_whatever_the_operation_gave(given):
    twice = tg.primitive(lambda x: given(2.0 * x), lambda g, out, x: 2.0 * g, name="twice")
    for x in (Value(3.0), Value(3.0, requires_grad=False)):
        result = twice(x)
        assert type(result._data) is np.float64
        assert result == 6.0


def test_every_property_of_a_value_says_what_it_is():
    properties = [name for name in dir(Value) if isinstance(getattr(Value, name), property)]
    assert "size" in properties
    assert [name for name in properties if not getattr(Value, name).__doc__] == []


def test_attributes_are_checked_as_in_the_constructor():
    w = tg.Value(2.0, name="w")
    with pytest.raises(DataError, match="requires_grad must be True or False, but is 'no'"):
        w.requires_grad = "no"
    with pytest.raises(DataError, match="name must be text, but is 3"):
        w.name = 3
    assert w.requires_grad is True
    assert w.name == "w"
    w.requires_grad, w.name = False, None
    assert w.requires_grad is False
    assert w.name is None


def test_a_subclass_is_refused_where_it_is_written():
    with pytest.raises(UnsupportedError, match="no subclasses: let Length be a class of its own that keeps one"):

        class Length(Value):
            pass


def test_a_constant_that_forms_no_array_is_named_with_its_operation():
    for add in (np.add, lambda x, y: x + y):
        with pytest.raises(DataError, match=r"'add' was given a list that forms no array"):
            add(Value(1.0), [[1.0], [1.0, 2.0]])
        with pytest.raises(DetachError, match=r"tg\.array\(\[\.\.\.\]\)|leave the conversion out"):
            add(Value(1.0), [Value(1.0), Value([1.0, 2.0])])


def test_a_value_of_a_number_of_pythons_meets_single_precision_as_numpys_float64_does():
    single, mask = np.float32(0.1), np.array([True, False])
    for f in (
        lambda x: single * x,
        lambda x: np.where(mask, single, x),
        lambda x: np.stack([single, x]),
        lambda x: np.maximum(single, x),
    ):
        result, expected = f(Value(0.5)), f(np.float64(0.5))
        assert result.dtype == expected.dtype == np.float64
        np.testing.assert_array_equal(result.numpy(), expected)
    assert (np.float32(0.1) * Value(0.5, dtype=np.float32)).dtype == np.float32
