"""Rebinding data never changes a recorded gradient; changing it in place is an error that says so, never a wrong gradient."""

import tracemalloc

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import GradientError, InPlaceError, ShapeError


def _element(w):
    w.data[0] = 9.0


def _all_elements(w):
    w.data[...] = 9.0


def _augmented(w):
    w.data -= 0.5


def _multiplied(w):
    w.data *= 2.0


def _ufunc_out(w):
    np.add(w.data, 1.0, out=w.data)


def _view(w):
    view = w.data[1:]
    view[0] = 9.0


def _reshaped_view(w):
    w.data.reshape(-1, 1)[0, 0] = 9.0


def _fill(w):
    w.data.fill(9.0)


def _sort(w):
    w.data[::-1].sort()


def _put(w):
    np.put(w.data, [1], 9.0)


def _copyto(w):
    np.copyto(w.data, 9.0)


def _to_nan(w):
    w.data[0] = np.nan


def _flat(w):
    w.data.flat[2] = 9.0


WAYS = [
    _element,
    _all_elements,
    _augmented,
    _multiplied,
    _ufunc_out,
    _view,
    _reshaped_view,
    _fill,
    _sort,
    _put,
    _copyto,
    _to_nan,
    _flat,
]
IN_PLACE = pytest.mark.parametrize("change", WAYS, ids=lambda way: way.__name__.strip("_"))

USES = {
    "w * w": lambda w: w * w,
    "w + 1": lambda w: w + 1.0,
    "1 / w": lambda w: 1.0 / w,
    "np.exp(w)": lambda w: np.exp(w),
    "w @ w": lambda w: w @ w,
    "w[1]": lambda w: w[1],
    "np.stack": lambda w: np.stack([w, w]),
    "w ** 2": lambda w: w**2,
    "w.sum()": lambda w: w.sum(),
}


@IN_PLACE
@pytest.mark.parametrize("use", USES.values(), ids=USES)
@pytest.mark.parametrize("read_before", [False, True], ids=["first read after recording", "read before recording"])
def test_a_change_between_forward_and_backward_is_an_error(change, use, read_before):
    w = Value([1.0, 2.0, 3.0], name="weights")
    if read_before:
        _ = w.data
    loss = use(w).sum()
    change(w)
    with pytest.raises(InPlaceError, match=r"the Value 'weights' of shape \(3,\) was changed in place"):
        loss.backward()
    assert w.grad is None


@IN_PLACE
def test_a_change_through_an_alias_taken_before_recording_is_an_error(change):
    w = Value([1.0, 2.0, 3.0])
    alias = w.data
    loss = (w * w).sum()

    class Alias:
        data = alias

    change(Alias)
    with pytest.raises(InPlaceError):
        loss.backward()


@IN_PLACE
def test_a_change_before_recording_is_seen_by_what_is_recorded_after_it(change):
    w = Value([1.0, 2.0, 3.0])
    change(w)
    (w * w).sum().backward()
    np.testing.assert_array_equal(w.grad, 2 * w.data)


@IN_PLACE
def test_a_change_after_backward_is_fine_and_leaves_the_gradient_as_it_was(change):
    w = Value([1.0, 2.0, 3.0])
    (w * w).sum().backward()
    change(w)
    np.testing.assert_array_equal(w.grad, [2, 4, 6])
    w.grad = None
    (w * w).sum().backward()
    np.testing.assert_array_equal(w.grad, 2 * w.data)


def test_the_older_of_two_losses_is_an_error_and_the_newer_is_not():
    w = Value([1.0, 2.0, 3.0])
    older = (w * w).sum()
    w.data[0] = 5.0
    newer = (w * w).sum()
    with pytest.raises(InPlaceError):
        older.backward()
    newer.backward()
    np.testing.assert_array_equal(w.grad, [10, 4, 6])


def test_each_of_several_losses_knows_whether_it_is_out_of_date():
    w = Value([1.0, 2.0])
    losses = []
    for number in [1.0, 7.0, 1.0]:
        w.data[0] = number
        losses.append((w * w).sum())
    losses[0].backward()  # the numbers are again those it saw
    losses[2].backward()
    np.testing.assert_array_equal(w.grad, [4, 8])
    with pytest.raises(InPlaceError):
        losses[1].backward()


def test_a_change_that_is_taken_back_is_fine():
    w = Value([1.0, 2.0, 3.0])
    loss = (w * w).sum()
    w.data[0] = 5.0
    w.data[0] = 1.0
    loss.backward()
    np.testing.assert_array_equal(w.grad, [2, 4, 6])


def test_an_error_leaves_every_gradient_as_it_was():
    leaves = [Value([1.0, 2.0]), Value([3.0, 4.0]), Value([5.0, 6.0])]
    for order in [(0, 1, 2), (2, 1, 0), (1, 0, 2)]:
        a, b, c = (leaves[i] for i in order)
        for leaf in leaves:
            leaf.grad = np.array([7.0, 7.0])
        loss = (a * b * c + a).sum()
        b.data[0] += 1.0
        with pytest.raises(InPlaceError):
            loss.backward()
        for leaf in leaves:
            np.testing.assert_array_equal(leaf.grad, [7, 7])


def test_the_error_says_which_operation_and_what_to_do():
    w = Value([1.0], name="w")
    loss = np.tanh(w).sum()
    w.data[0] = 2.0
    with pytest.raises(InPlaceError, match=r"after 'tanh' had recorded it.*Call backward\(\) before you change \.data"):
        loss.backward()


def test_a_changed_leaf_that_the_loss_does_not_depend_on_is_no_error():
    w, other = Value([1.0]), Value([1.0])
    loss = (w * w).sum()
    _ = other * other
    other.data[0] = 5.0
    loss.backward()
    assert w.grad == [2.0]


# --- rebinding ---------------------------------------------------------------------------------------------------------------

REBIND_STEPS = {
    "rebind": lambda w: setattr(w, "data", np.array([10.0, 20.0])),
    "read": lambda w: w.data,
    "rebind and change the new array": lambda w: (setattr(w, "data", np.array([10.0, 20.0])), w.data.fill(5.0)),
    "rebind twice": lambda w: (setattr(w, "data", [10.0, 20.0]), setattr(w, "data", [30.0, 40.0])),
    "rebind to a sum": lambda w: setattr(w, "data", w.data + 1.0),
}


@pytest.mark.parametrize("before", [None, *REBIND_STEPS])
@pytest.mark.parametrize("after", REBIND_STEPS)
@pytest.mark.parametrize("then", [None, *REBIND_STEPS])
def test_rebinding_never_changes_a_recorded_gradient_in_any_order(before, after, then):
    w = Value([1.0, 2.0])
    if before:
        REBIND_STEPS[before](w)
    seen = w.numpy()
    loss = (w * w).sum()
    REBIND_STEPS[after](w)
    if then:
        REBIND_STEPS[then](w)
    loss.backward()
    np.testing.assert_array_equal(w.grad, 2 * seen)


def test_rebinding_a_scalar_never_changes_a_recorded_gradient():
    w = Value(3.0)
    loss = w * w
    w.data = 10.0
    loss.backward()
    assert w.grad == 6.0
    w.data -= 1.0
    assert w.item() == 9.0


def test_an_alias_of_rebound_data_no_longer_belongs_to_the_value():
    w = Value([1.0, 2.0])
    alias = w.data
    w.data = np.array([3.0, 4.0])
    loss = (w * w).sum()
    alias[0] = 100.0
    loss.backward()
    np.testing.assert_array_equal(w.grad, [6, 8])
    np.testing.assert_array_equal(w.data, [3, 4])


def test_an_alias_changed_after_rebinding_still_counts_for_what_was_recorded_before():
    w = Value([1.0, 2.0])
    alias = w.data
    loss = (w * w).sum()
    w.data = np.array([3.0, 4.0])
    alias[0] = 100.0
    loss.backward()  # the record keeps the numbers it saw
    np.testing.assert_array_equal(w.grad, [2, 4])


def test_rebinding_copies_keeps_the_dtype_and_refuses_another_shape():
    w = Value([1.0, 2.0], dtype=np.float32, name="w")
    new = np.array([3.0, 4.0])
    w.data = new
    new[0] = 100.0
    np.testing.assert_array_equal(w.data, [3, 4])
    assert w.dtype == np.float32
    with pytest.raises(ShapeError, match=r"the Value 'w' of shape \(2,\) cannot be given data of shape \(3,\)"):
        w.data = np.zeros(3)


def test_the_data_of_a_computed_value_can_be_read_but_not_changed():
    y = Value([1.0, 2.0]) * 2
    with pytest.raises(ValueError, match="read-only"):
        y.data[0] = 5.0
    with pytest.raises(GradientError, match="was computed by 'multiply'; only a leaf can be given new data"):
        y.data = np.zeros(2)


# --- what belongs to whom ----------------------------------------------------------------------------------------------------


def test_the_array_given_to_a_value_is_copied():
    array = np.array([1.0, 2.0])
    w = Value(array)
    loss = (w * w).sum()
    array[0] = 100.0
    loss.backward()
    np.testing.assert_array_equal(w.data, [1, 2])
    np.testing.assert_array_equal(w.grad, [2, 4])


@pytest.mark.parametrize("operate", [lambda w, x: w * x, lambda w, x: x * w, lambda w, x: np.multiply(x, w), lambda w, x: w @ x])
def test_a_plain_array_changed_after_recording_does_not_alter_the_gradient(operate):
    w, x = Value([1.0, 2.0]), np.array([3.0, 4.0])
    loss = operate(w, x).sum()
    x[...] = 100.0
    loss.backward()
    np.testing.assert_array_equal(w.grad, [3, 4])


def test_an_index_array_changed_after_recording_does_not_alter_the_gradient():
    for index in (np.array([0, 0]), [0, 0]):
        w = Value([1.0, 2.0])
        loss = w[index].sum()
        index[0] = 1
        loss.backward()
        np.testing.assert_array_equal(w.grad, [2, 0])


def test_a_mask_changed_after_recording_does_not_alter_the_gradient():
    w, mask = Value([1.0, 2.0]), np.array([True, False])
    loss = np.where(mask, w, 0.0).sum()
    mask[...] = True
    loss.backward()
    np.testing.assert_array_equal(w.grad, [1, 0])


def test_a_starting_gradient_changed_afterwards_does_not_alter_the_gradient():
    w, start = Value([1.0, 2.0]), np.array([1.0, 1.0])
    w.backward(start)
    (w + 0.0).backward(start)
    start[...] = 100.0
    np.testing.assert_array_equal(w.grad, [2, 2])


LINEAR = {
    "sum": lambda a, b: a + b,
    "sum of three": lambda a, b: a + b + a,
    "concatenate": lambda a, b: np.concatenate([a, b]),
    "reshape": lambda a, b: a.reshape(1, 2) + b.reshape(2, 1),
    "transpose": lambda a, b: np.stack([a, b]).T,
    "broadcast": lambda a, b: np.broadcast_to(a, (3, 2)) + b,
    "slices": lambda a, b: a[:1] + b[1:],
    "positive": lambda a, b: +a + (+b),
}


@pytest.mark.parametrize("f", LINEAR.values(), ids=LINEAR)
def test_gradients_share_no_memory_with_each_other_or_with_anything_else(f):
    a, b = Value([1.0, 2.0]), Value([3.0, 4.0])
    result = f(a, b)
    start = np.ones(result.shape)
    result.backward(start)
    arrays = [a.grad, b.grad, a.data, b.data, start, result.data]
    assert not any(np.shares_memory(x, y) for i, x in enumerate(arrays) for y in arrays[:i])
    before = b.grad.copy()
    a.grad[...] = 100.0  # writable, the user's own
    np.testing.assert_array_equal(b.grad, before)


def test_a_gradient_kept_from_one_pass_is_not_changed_by_the_next():
    w = Value([1.0, 2.0])
    loss = (w * w).sum()
    loss.backward()
    kept = w.grad
    loss.backward()
    np.testing.assert_array_equal(kept, [2, 4])
    np.testing.assert_array_equal(w.grad, [4, 8])


def test_an_assigned_gradient_is_copied():
    w, grad = Value([1.0, 2.0]), np.array([1.0, 1.0])
    w.grad = grad
    grad[0] = 100.0
    np.testing.assert_array_equal(w.grad, [1, 1])


def test_numpy_and_detach_give_numbers_that_are_independent_of_the_value():
    w = Value([1.0, 2.0])
    plain, constant = w.numpy(), w.detach()
    w.data[0] = 100.0
    plain[1] = 50.0
    np.testing.assert_array_equal(w.data, [100, 2])
    np.testing.assert_array_equal(constant.data, [1, 2])


def test_a_change_in_place_is_noticed_when_the_gradient_is_to_be_differentiated_again():
    w = tg.Value(np.array([1.0, 2.0]))
    _, pull_back = tg.vjp(lambda z: np.sum(z * z * w), np.ones(2))
    w.data[0] = 100.0
    with pytest.raises(InPlaceError, match="changed in place"):
        pull_back(tg.Value(1.0))


@pytest.mark.parametrize(
    "operate", [lambda w, a: w * a, lambda w, a: a * w, lambda w, a: w + a, lambda w, a: np.where(a > 0, a, w)]
)
@pytest.mark.parametrize("make", [np.array, np.asfortranarray])
def test_what_is_computed_of_a_copied_array_lies_in_memory_as_numpys_result_does(operate, make):
    w, a = Value(3.0), make([[5.0, 6.0], [7.0, 8.0]])
    out, expected = operate(w, a), operate(w.numpy(), a)
    np.testing.assert_array_equal(out.numpy(), expected, strict=True)
    assert out.numpy().strides == expected.strides


def test_what_is_not_recorded_copies_nothing_that_a_value_meets():
    big = np.ones(1_000_000)
    w = Value(np.ones(1))
    for operate in (lambda: w * big, lambda: big * w):
        with tg.no_grad():
            tracemalloc.start()
            result = operate()
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        assert result.shape == big.shape
        assert peak < 1.5 * big.nbytes
