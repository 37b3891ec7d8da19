"""Shaping: NumPy's functions that rearrange, repeat, join and split give NumPy's results for Values, and right gradients."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.engine.value import Value
from tinygrad_edu.primitives.diagonals import fill_diagonal
from tinygrad_edu.testing import check_grads

V, M, C = (4,), (2, 3), (2, 3, 4)  # a vector, a matrix, a cube

# Calls, and the shapes of x, y, z to try them on.
SHAPES = {
    "np.reshape(x, (3, 2))": [M], "np.reshape(x, -1)": [M], "np.reshape(x, (-1, 2), order='F')": [C],
    "np.reshape(x, 6, 'F')": [M], "np.reshape(x, (0, 5))": [(0,)], "np.reshape(x, ())": [(1, 1)], "np.reshape(x, (1, 1))": [()],
    "x.reshape(3, -1)": [M], "np.reshape(x, shape=(3, 2))": [M], "np.reshape(x, (3, 2), copy=True)": [M], "np.ravel(x)": [M],
    "np.ravel(x, 'F')": [C], "np.ravel(x + 0)": [(), (0, 3)], "x.flatten()": [M], "np.squeeze(x)": [(1, 3, 1)],
    "np.squeeze(x, 0)": [(1, 3, 1)], "np.squeeze(x, axis=(0, -1))": [(1, 3, 1)], "np.squeeze(x * 2)": [(1, 1), (0, 1)],
    "x.squeeze()": [(1, 3)], "np.expand_dims(x, 1)": [M], "np.expand_dims(x, (0, -1))": [M, ()], "np.atleast_1d(x)": [(), V, M],
    "np.atleast_2d(x)": [(), V, M], "np.atleast_3d(x)": [(), V, M, C], "np.atleast_2d(x, x * 2, 3.0)": [V],
    "np.broadcast_to(x, (2, 4))": [V], "np.broadcast_to(x, 3)": [(), (1,)], "np.broadcast_to(x, (0, 4))": [V],
}  # fmt: skip
AXES = {
    "np.transpose(x)": [(), V, M, C], "np.transpose(x, (1, -1, 0))": [C], "np.permute_dims(x, axes=[2, 0, 1])": [C], "x.T": [C],
    "x.transpose(2, 0, 1)": [C], "np.moveaxis(x, 0, -1)": [C], "np.moveaxis(x, [0, -1], [1, 0])": [C],
    "np.swapaxes(x, 0, -1)": [C], "x.swapaxes(0, 1)": [C], "np.rollaxis(x, 2)": [C], "np.rollaxis(x, 0, start=3)": [C],
    "np.rollaxis(x, -1, 1)": [C], "np.matrix_transpose(x)": [M, C, (0, 2)], "np.linalg.matrix_transpose(x)": [C], "x.mT": [C],
}  # fmt: skip
ORDER = {
    "np.flip(x)": [(), V, C, (0, 2)], "np.flip(x, 1)": [C], "np.flip(x, axis=(0, -1))": [C], "np.fliplr(x)": [M],
    "np.flipud(x)": [V, M], "np.roll(x, 2)": [V, M], "np.roll(x, -5, axis=1)": [M], "np.roll(x, (1, -2), (0, 1))": [C],
    "np.roll(x, 1, (0, 2))": [C], "np.roll(x, (1, 1), 0)": [C], "np.roll(x, np.array([1, 2]), axis=(-1, 0))": [C],
    "np.rot90(x)": [M], "np.rot90(x, 2)": [M], "np.rot90(x, k=-1, axes=(2, 0))": [C], "np.rot90(x * 1, 4)": [M],
    "np.rot90(x, 7, (1, 2))": [C],
}  # fmt: skip
REPETITION = {
    "np.tile(x, 3)": [(), V, M], "np.tile(x, (2, 1, 3))": [V, M, C], "np.tile(x, [2])": [C], "np.tile(x, 0)": [M],
    "np.tile(x, ())": [M], "np.repeat(x, 3)": [(), V, M], "np.repeat(x, 2, axis=-1)": [C], "np.repeat(x, [2, 0, 1], axis=1)": [C],
    "np.repeat(x, [3], 0)": [V], "np.repeat(x, np.array([1, 2, 0, 3, 1, 1]))": [M], "np.repeat(x, 0, 0)": [M], "x.repeat(2)": [M],
    "np.resize(x, (3, 3))": [V], "np.resize(x, 3)": [M], "np.resize(x, (0,))": [V],
    "np.lib.stride_tricks.sliding_window_view(x, 2)": [V],
    "np.lib.stride_tricks.sliding_window_view(x, (2, 2), axis=(0, 2))": [C],
}  # fmt: skip
PADDING = {
    "np.pad(x, (2, 3), 'median')": [V, M], "np.pad(x, 2, 'median', stat_length=3)": [(7,)], "np.pad(x, 2)": [V, M, (), (0, 2)],
    "np.pad(x, (1, 2))": [M], "np.pad(x, [(0, 1), (2, 0)])": [M], "np.pad(x, [(1,), (2,)])": [M],
    "np.pad(x, 1, constant_values=3.5)": [M], "np.pad(x, 1, constant_values=[(1, 2), (3, 4)])": [M], "np.pad(x, 0)": [M],
    "np.pad(x, [(3, 2), (1, 0)], 'edge')": [M], "np.pad(x, [(3, 2), (7, 1)], 'wrap')": [M], "np.pad(x, 2, 'edge')": [C],
    "np.pad(x, [(3, 2), (7, 1)], 'reflect')": [M, (1, 3)], "np.pad(x, [(3, 2), (7, 1)], mode='symmetric')": [M],
    "np.pad(x, [(1, 0), (2, 2)], 'reflect', reflect_type='odd')": [M],
    "np.pad(x, (7, 12), 'reflect', reflect_type='odd')": [V, (1,)],
    "np.pad(x, [(1, 0), (2, 3)], 'symmetric', reflect_type='odd')": [M],
    "np.pad(x, (9, 14), 'symmetric', reflect_type='odd')": [V], "np.pad(x, [(3, 2), (1, 0)], 'linear_ramp')": [M],
    "np.pad(x, (2, 3), 'linear_ramp', end_values=(5, -4))": [V, M], "np.pad(x, [(2, 1), (1, 2)], 'mean')": [M],
    "np.pad(x, (2, 3), 'mean', stat_length=2)": [V, M], "np.pad(x, (2, 3), 'maximum')": [M],
    "np.pad(x, (2, 3), 'minimum', stat_length=[(1, 2), (2, 3)])": [M],
}  # fmt: skip
JOINING = {
    "np.apply_along_axis(lambda r: r[::-1] * r[0], 1, x)": [C, M],
    "np.apply_along_axis(lambda r, n: np.sum(r) ** n, 0, x, 2)": [V, C],
    "np.apply_along_axis(lambda r, n=1: np.outer(r, r[:n]), -2, x, n=2)": [C], "np.apply_over_axes(np.sum, x, [0, -1])": [C],
    "np.apply_over_axes(lambda a, axis: np.roll(a, 1, axis), x, 1)": [C], "np.concatenate([x, y])": [(M, (1, 3)), ((0, 3), M)],
    "np.concatenate((x, y, x), -1)": [(M, (2, 1))], "np.concatenate([x, y], axis=None)": [(M, V)],
    "np.concat([x, [1.0, 2.0]])": [V], "np.concatenate(x)": [C], "np.concatenate([x, y], dtype=np.float64)": [(V, V)],
    "np.stack([x, y])": [((), ()), (M, M)], "np.stack((x, y, x), axis=-1)": [(M, M)], "np.stack(x, 1)": [C],
    "np.vstack([x, y])": [(V, V), (M, (1, 3)), ((), ())], "np.hstack([x, y])": [(V, (2,)), (M, (2, 1)), ((), ()), (C, C)],
    "np.dstack([x, y])": [((), ()), (V, V), (M, M), (C, (2, 3, 1))],
    "np.column_stack([x, y])": [(V, V), ((3, 2), (3,)), ((), ())], "np.append(x, y)": [(M, V)],
    "np.append(x, y, axis=0)": [(M, (1, 3))], "np.append(x, 2.0)": [V], "np.concatenate([x, 2.0], axis=None)": [V],
    "np.append([1.0, 2.0], x)": [V, ()], "np.block([[x, y], [y, x]])": [(M, M), ((), ())], "np.block([x, 1.0, y])": [(V, ())],
    "np.block(x)": [M], "np.block([[x, np.zeros((2, 1))], [np.ones((1, 4))]])": [M], "np.block([[[x]], [[y]]])": [(V, V)],
    "np.block([x, y])": [(M, (2, 1))], "np.meshgrid(x, y)": [(V, (3,))], "np.meshgrid(x, y, z, indexing='ij')": [(V, (3,), (2,))],
    "np.meshgrid(x, [1, 2])": [V, ()], "np.meshgrid(x, y, z, sparse=True)": [(V, (3,), (2,))], "np.meshgrid(x)": [V],
    "np.meshgrid(x, y, copy=False)": [(M, V)], "np.broadcast_arrays(x, y)": [((3, 1), (2,)), (M, ())],
    "np.broadcast_arrays(x, np.ones((2, 1, 1)), 3.0)": [M], "np.insert(x, 1, 5.0)": [V, M],
    "np.insert(x, [1, 3], y)": [(V, (2,))], "np.insert(x, 2, y)": [(V, (3,))],
    "np.insert(x, 1, y, axis=0)": [(M, (3,)), (M, ()), (M, (2, 3))],
    "np.insert(x, 1, y, axis=1)": [(M, (2,)), (C, (2, 4)), (M, (1,))],
    "np.insert(x, [0, 2], y, axis=1)": [(M, (2, 2)), (M, (2, 1)), (M, ()), (M, (2,))],
    "np.insert(x, [1], y, 1)": [(M, (2, 2)), (M, (2, 1))], "np.insert(x, slice(1, 3), y)": [(V, (2,)), (V, ())],
    "np.insert(x, np.array([True, False, True, False]), y)": [(V, (2,))], "np.insert(x, [3, 0, 0], y)": [(V, (3,))],
    "np.insert(x, -1, y, axis=-1)": [(M, (2,))], "np.insert([1.0, 2.0], 1, x)": [(), V], "np.delete(x, 1)": [V, M],
    "np.delete(x, [0, -1], axis=1)": [C], "np.delete(x, slice(None, None, 2), 0)": [V],
    "np.delete(x, [True, False, True], axis=1)": [M], "np.delete(x, [], 0)": [M],
}  # fmt: skip
SPLITTING = {
    "np.split(x, 2)": [V, M], "np.split(x, [1, 3], axis=-1)": [C], "np.array_split(x, 3)": [V, (2,)],
    "np.split(x, [3, 1, 9])": [V], "np.array_split(x, 3, axis=2)": [C], "np.hsplit(x, 2)": [V, (3, 2)], "np.vsplit(x, [1])": [M],
    "np.dsplit(x, 2)": [C], "np.unstack(x)": [V, M], "np.unstack(x, axis=-1)": [C], "list(x)": [M],
    "[a + b for a, b in x]": [(3, 2)],
}  # fmt: skip
DIAGONALS = {
    "np.tril(x)": [M, C, V], "np.triu(x, 1)": [M, C, V], "np.tril(x, k=-1)": [(3, 3)], "np.triu(x, -2)": [(3, 3)],
    "np.diag(x)": [V, M, (3, 2), (0,)], "np.diag(x, 2)": [V, M], "np.diag(x, k=-1)": [V, M], "np.diag(x, 5)": [M],
    "np.diagonal(x)": [M, C], "np.diagonal(x, 1, 2, 0)": [C], "np.diagonal(x, offset=-1, axis1=1, axis2=2)": [C],
    "np.diagonal(x, -9)": [M], "np.linalg.diagonal(x)": [C], "np.linalg.diagonal(x, offset=-1)": [C], "x.diagonal(1)": [M],
    "np.diagflat(x)": [M, ()], "np.diagflat(x, -1)": [V], "np.trace(x)": [M, C, (0, 0)], "np.trace(x, 1)": [M],
    "np.trace(x, -1, axis1=-1, axis2=0)": [C], "np.trace(x, dtype=np.float64)": [M], "np.linalg.trace(x, offset=1)": [C],
    "x.trace()": [M],
}  # fmt: skip
COPIES = {
    "np.copy(x)": [M, ()], "x.copy()": [M], "np.astype(x, np.float64)": [M], "np.full_like(x, 3.0) * x": [M],
    "np.full_like(x, y)": [(M, ()), (M, (3,))], "np.full_like(x, 2.0, shape=(2,)) * x[:2]": [V],
}  # fmt: skip
TABLE = {**SHAPES, **AXES, **ORDER, **REPETITION, **PADDING, **JOINING, **SPLITTING, **DIAGONALS, **COPIES}


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
    return lambda *arguments: eval(code, {"np": np, **dict(zip("xyz", arguments, strict=False))})


def draw(shapes, dtype=np.float64):
    rng = np.random.default_rng(11)
    return tuple(np.asarray(rng.uniform(-2, 2, shape), dtype) for shape in shapes)


def parts(result):
    return list(result) if isinstance(result, tuple | list) else [result]


def joined(result):
    return np.concatenate([np.ravel(part) for part in parts(result)])


@pytest.mark.parametrize(("call", "shapes"), calls(TABLE))
def test_values_get_the_result_that_arrays_get(call, shapes):
    for dtype in (np.float64, np.float32):
        if dtype == np.float32 and "float64" in call:
            continue
        arrays = draw(shapes, dtype)
        expected = function(call)(*arrays)
        result = function(call)(*(Value(x) for x in arrays))
        assert type(result) is type(expected) or not isinstance(expected, tuple | list)
        assert len(parts(result)) == len(parts(expected))
        for got, want in zip(parts(result), parts(expected), strict=True):
            got = got.numpy() if isinstance(got, Value) else got
            assert (np.shape(got), got.dtype) == (np.shape(want), np.asarray(want).dtype)
            np.testing.assert_allclose(got, want, rtol=4 * np.finfo(dtype).eps, atol=4 * np.finfo(dtype).eps)


@pytest.mark.parametrize(("call", "shapes"), calls(TABLE))
def test_gradients_are_right_to_second_order(call, shapes):
    check_grads(lambda *values: joined(function(call)(*values)) ** 2, draw(shapes))


MOVING = {call: shapes for call, shapes in {**AXES, **ORDER, **REPETITION}.items() if "*" not in call}


@pytest.mark.parametrize(("call", "shapes"), calls(MOVING))
def test_what_only_moves_numbers_counts_each_in_the_gradient_as_often_as_it_occurs(call, shapes):
    size = int(np.prod(shapes[0]))
    x = Value(np.arange(size).reshape(shapes[0]))
    result = function(call)(x)
    result.sum().backward()
    np.testing.assert_array_equal(np.ravel(x.grad), [np.count_nonzero(result.numpy() == n) for n in range(size)])


TORCH = {
    "roll": (lambda x: np.roll(x, (1, -2), (0, 2)), lambda t: t.roll((1, -2), (0, 2))),
    "rot90": (lambda x: np.rot90(x, 3, (1, 2)), lambda t: t.rot90(3, (1, 2))),
    "flip": (lambda x: np.flip(x, (0, 2)), lambda t: t.flip((0, 2))),
    "tile": (lambda x: np.tile(x, (2, 1, 3)), lambda t: t.tile((2, 1, 3))),
    "repeat": (lambda x: np.repeat(x, [2, 0, 1], 1), lambda t: t.repeat_interleave(_torch().tensor([2, 0, 1]), 1)),
    "triu": (lambda x: np.triu(x, 1), lambda t: t.triu(1)),
    "tril": (lambda x: np.tril(x, -1), lambda t: t.tril(-1)),
    "diagonal": (lambda x: np.diagonal(x, 1, 0, 2), lambda t: t.diagonal(1, 0, 2)),
    "diag": (lambda x: np.diag(np.ravel(x), -1), lambda t: t.ravel().diag(-1)),
    "pad with a constant": (
        lambda x: np.pad(x, [(0, 0), (1, 2), (3, 0)], constant_values=2.0),
        lambda t: _torch().nn.functional.pad(t, (3, 0, 1, 2), value=2.0),
    ),
    "pad by reflection": (
        lambda x: np.pad(x, [(0, 0), (1, 2), (3, 0)], "reflect"),
        lambda t: _torch().nn.functional.pad(t, (3, 0, 1, 2), mode="reflect"),
    ),
    "pad with the edge": (
        lambda x: np.pad(x, [(0, 0), (1, 2), (3, 0)], "edge"),
        lambda t: _torch().nn.functional.pad(t, (3, 0, 1, 2), mode="replicate"),
    ),
    "moveaxis": (lambda x: np.moveaxis(x, 0, 2), lambda t: t.moveaxis(0, 2)),
    "stack": (lambda x: np.stack([x, x * 2], -1), lambda t: _torch().stack([t, t * 2], -1)),
    "split": (lambda x: np.array_split(x, 3, 2)[1], lambda t: t.tensor_split(3, 2)[1]),
    "column_stack": (lambda x: np.column_stack([x[0], x[1, :, 0]]), lambda t: _torch().column_stack([t[0], t[1, :, 0]])),
}


def _torch():
    return pytest.importorskip("torch")


@pytest.mark.parametrize(("ours", "theirs"), TORCH.values(), ids=TORCH)
def test_results_and_gradients_are_those_of_pytorch(ours, theirs):
    (array,) = draw([C])
    x, t = Value(array), _torch().tensor(array, requires_grad=True)
    y, u = ours(x), theirs(t)
    np.testing.assert_allclose(y.numpy(), u.detach().numpy(), rtol=1e-15)
    weights = np.random.default_rng(3).normal(size=y.shape)
    y.backward(weights)
    u.backward(_torch().tensor(weights))
    np.testing.assert_allclose(x.grad, t.grad.numpy(), rtol=1e-14)


def test_fill_diagonal_gives_a_new_array_with_what_numpy_would_have_written():
    for shape, value, wrap in [
        ((3, 3), 5.0, False),
        ((2, 3), [1.0, 2.0], False),
        ((7, 3), [4.0, 5.0], True),
        ((2, 2, 2), 3.0, False),
    ]:
        (array,) = draw([shape])
        expected = array.copy()
        np.fill_diagonal(expected, value, wrap)
        np.testing.assert_array_equal(fill_diagonal(Value(array), value, wrap).numpy(), expected)
        check_grads(lambda x, v, wrap=wrap: fill_diagonal(x, v, wrap) ** 2, (array, np.asarray(value)))


def test_half_precision_and_complex_numbers_can_be_reached_and_left_again():
    x = Value([1.0, 2.0])
    np.astype(x, np.float16).sum().backward()
    assert (x.grad.dtype, x.grad.tolist()) == (np.float64, [1.0, 1.0])
    assert np.astype(x, np.complex64).dtype == np.complex64


def test_a_part_of_a_whole_gets_a_gradient_without_the_other_parts():
    x = Value(np.arange(6.0))
    (np.split(x, 3)[1] * [10, 20]).sum().backward()
    assert x.grad.tolist() == [0, 0, 10, 20, 0, 0]


REFUSED = {
    "np.array(x)": "an array already", "np.asarray(x)": "an array already", "np.array([x, x])": "np.stack",
    "np.full(3, x[0])": "Write np.broadcast_to",
    "np.astype(x, int)": "np.astype cannot make int64", "np.reshape(x, 4, order='A')": "order must be 'C' or 'F'",
    "np.ravel(x, order='K')": "order must be 'C' or 'F'", "np.pad(x, 1, 'empty')": "np.pad of a Value takes the modes",
    "np.pad(x, 1, lambda *a: None)": "np.pad of a Value takes the modes",
    "np.fill_diagonal(x, 0)": "np.fill_diagonal writes into", "np.copyto(x, 0)": "np.copyto writes into",
    "np.copyto(np.zeros(4), x)": "np.copyto writes into", "np.concatenate([x, x], out=np.zeros(8))": "leave out= out",
}  # fmt: skip


@pytest.mark.parametrize(("call", "reason"), REFUSED.items(), ids=REFUSED)
def test_what_cannot_be_differentiated_is_refused_with_the_reason(call, reason):
    with pytest.raises((TypeError, ValueError), match=reason.replace("(", r"\(")) as caught:
        function(call)(Value(np.ones(4)))
    assert isinstance(caught.value, tg.errors.TinygradError | ValueError)


BAD_ARGUMENTS = {
    "np.reshape(x, (5, 5))": "reshape", "np.transpose(x, (0, 2))": "transpose", "np.concatenate([x, np.ones(3)])": "concatenate",
    "np.concatenate([x[0, 0], x[0, 0]])": "concatenate", "np.stack([x, np.ones(3)])": "np.stack",
    "np.roll(x, (1, 2), (0, 1, 2))": "roll", "np.broadcast_to(x, (5, 5))": "broadcast_to", "np.block([x, []])": "np.block",
    "np.block([(x, x)])": "np.block", "np.meshgrid(x, indexing='yx')": "np.meshgrid", "np.diag(x[None])": "np.diag",
    "np.expand_dims(x, 7)": "expand_dims", "np.split(x, 0)": "np.split", "np.vsplit(x, False)": "np.split",
    "np.hsplit(x, 0)": "np.split", "np.array_split(x, 0)": "np.array_split",
}  # fmt: skip


@pytest.mark.parametrize(("call", "name"), BAD_ARGUMENTS.items(), ids=BAD_ARGUMENTS)
def test_bad_arguments_get_an_error_that_names_the_function(call, name):
    with pytest.raises((ValueError, IndexError, TypeError), match=name):
        function(call)(Value(np.ones((2, 3))))
