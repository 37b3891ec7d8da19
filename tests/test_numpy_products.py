"""Products of vectors, matrices and stacks of them, Einstein sums, convolutions, and curves through given points."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinygrad_edu.engine.value import Value
from tinygrad_edu.primitives.einstein import einsum
from tinygrad_edu.testing import check_grads

V, M, C = (3,), (2, 3), (4, 2, 3)  # a vector, a matrix, a cube

# Calls, and the shapes of x, y, z to try them on.
DOT = {
    "np.dot(x, y)": [(V, V), (M, V), (M, (3, 4)), (C, V), (C, (3, 2)), (V, (4, 3, 2)), (C, (5, 3, 2)), ((), M), (M, ()), ((), ())],
    "x.dot(y)": [(M, V)], "np.dot(x, [1.0, 2.0, 3.0])": [V, M], "np.dot(2.0, x)": [M], "np.dot([[1.0, 2.0]], x)": [M],
    "np.vdot(x, y)": [(V, V), (M, (3, 2))], "np.inner(x, y)": [(V, V), (M, V), (M, M), (C, M), (M, C), (C, C), ((), M), ((), ())],
    "np.inner(x, [1, 2, 3])": [M], "np.outer(x, y)": [(V, (4,)), (M, V), ((), V)], "np.outer([1, 2], x)": [V],
    "np.linalg.outer(x, y)": [(V, (4,))], "np.matmul(x, y)": [(M, V), (C, (3, 2)), ((4, 1, 2, 3), (5, 3, 1))],
    "x @ y": [(V, V), ((2, 0), (0, 3)), ((0, 2), (2, 3)), ((0,), (0,))], "[[1.0, 2.0]] @ x": [M],
    "np.linalg.matmul(x, y)": [(C, (4, 3, 1))], "np.tensordot(x, y)": [(C, (2, 3, 5)), (M, M)],
    "np.tensordot(x, y, 0)": [(M, V), ((), V)], "np.tensordot(x, y, axes=1)": [(C, (3, 2))],
    "np.tensordot(x, y, (-1, 0))": [(C, (3, 2))], "np.tensordot(x, y, ([0, 2], [1, 0]))": [(C, (3, 4))],
    "np.tensordot(x, y, axes=([1, 0], [0, -1]))": [(M, (3, 5, 2))], "np.tensordot(x, np.ones((3, 2)), 1)": [M],
    "np.tensordot(x, y, ([], []))": [(V, V)], "np.tensordot(x, y, 1)": [((2, 0), (0, 3))],
    "np.linalg.tensordot(x, y, axes=1)": [(M, V)], "np.vecdot(x, y)": [(M, V), (C, M)], "np.vecdot(x, y, axis=0)": [(M, M)],
    "np.linalg.vecdot(x, y, axis=-2)": [(C, M)], "np.vecdot(x, [1.0, 2.0, 3.0])": [M], "np.matvec(x, y)": [(C, V), (M, (5, 3))],
    "np.vecmat(x, y)": [((2,), C), ((5, 2), M)], "np.matvec(x, [1.0, 2.0, 3.0])": [M], "np.vecmat([1.0, 2.0], x)": [M],
    "np.kron(x, y)": [(V, (2,)), (M, (2, 2)), (M, V), (V, M), ((), M), (C, M)], "np.kron([1.0, -1.0], x)": [M],
    "np.cross(x, y)": [(V, V), (M, V), (C, M)], "np.cross(x, y, axis=0)": [((3, 4), (3, 4))], "np.cross(x, [1.0, 2.0, 3.0])": [M],
    "np.cross(x, y, 0, 1, 0)": [((3, 2), (2, 3))], "np.cross(x, y, axisa=1, axisb=0, axisc=-2)": [((2, 3), (3, 2))],
    "np.linalg.cross(x, y)": [(M, V)], "np.linalg.cross(x, y, axis=0)": [((3, 2), (3, 2))],
}  # fmt: skip
SEVERAL = {
    "np.linalg.multi_dot([x, y])": [(M, (3, 4)), (V, V)],
    "np.linalg.multi_dot([x, y, z])": [(M, (3, 4), (4,)), (V, (3, 4), (4, 2))],
    "np.linalg.multi_dot((x, y, x, y, z))": [((2, 5), (5, 2), (2,))], "np.linalg.multi_dot([np.ones((1, 2)), x])": [M],
    "np.linalg.matrix_power(x, 1)": [(2, 2)], "np.linalg.matrix_power(x, 2)": [(2, 2)],
    "np.linalg.matrix_power(x, 7)": [(2, 2), (4, 2, 2)], "np.linalg.matrix_power(x, 0)": [(2, 2), (4, 2, 2)],
    "np.linalg.matrix_power(x, 12)": [(2, 2)],
}  # fmt: skip
INVERSE = {"np.linalg.matrix_power(x, -1)": [(2, 2)], "np.linalg.matrix_power(x, -3)": [(2, 2), (4, 2, 2)]}
SLIDING = {
    f"np.{function}(x, y{mode})": [((n,), (m,)) for n, m in [(5, 3), (3, 5), (4, 2), (2, 4), (4, 4), (1, 3), (6, 3), (3, 6)]]
    for function in ("convolve", "correlate")
    for mode in ("", ", 'full'", ", 'same'", ", mode='valid'")
} | {"np.convolve(x, [1, 2])": [V, ()], "np.convolve([1.0, 2.0], x)": [V], "np.correlate([1.0, 2.0], x, 'full')": [V]}  # fmt: skip
EINSUM = {
    "np.einsum('ij,jk->ik', x, y)": [(M, (3, 4))], "np.einsum('ij,jk', x, y)": [(M, (3, 4))], "np.einsum('ba', x)": [M],
    "np.einsum('ii', x)": [(3, 3)], "np.einsum('ii->i', x)": [(3, 3)], "np.einsum('iji->j', x)": [(2, 3, 2)],
    "np.einsum('iii->', x)": [(2, 2, 2)], "np.einsum('ij->', x)": [M], "np.einsum('ij->j', x)": [M],
    "np.einsum('i,j->', x, y)": [(V, (2,))], "np.einsum('i,i', x, y)": [(V, V)],
    "np.einsum('i,j,k->kji', x, y, z)": [(V, (2,), (4,))], "np.einsum(' i j , j -> i ', x, y)": [(M, V)],
    "np.einsum(',', x, y)": [((), ())], "np.einsum('...i,...i->...', x, y)": [(C, C), (C, V), (M, C), (V, V)],
    "np.einsum('...ij,...jk', x, y)": [(C, (3, 2)), (M, (4, 3, 2))], "np.einsum('i...->...', x)": [C, V],
    "np.einsum('...->...', x)": [C, ()], "np.einsum('...', x)": [C], "np.einsum('ii...->i...', x)": [(2, 2, 3)],
    "np.einsum('...a,...b->b...a', x, y)": [((4, 1, 3), (2, 5))], "np.einsum('i...j->j...', x)": [C],
    "np.einsum('...,...', x, y)": [(C, M), ((), V)], "np.einsum(x, [0, 1], y, [1, 2], [0, 2])": [(M, (3, 4))],
    "np.einsum(x, [0, 1], y, [1, 2])": [(M, (3, 4))], "np.einsum(x, [5, 2])": [M],
    "np.einsum(x, [..., 0], y, [..., 0], [...])": [(C, M)], "np.einsum(x, [0, 0])": [(3, 3)],
    "np.einsum(x, [30, 2], [2, 30])": [M], "np.einsum('ij,jk,kl->il', x, y, z, optimize=True)": [(M, (3, 4), (4, 2))],
    "np.einsum('ij,ij->i', x, x)": [M], "np.einsum('ij,jk,kl->il', x, y, z, optimize='optimal')": [(M, (3, 4), (4, 2))],
    "np.einsum('ij,jk->ik', x, [[1.0], [2.0], [3.0]])": [M],
    "np.einsum('ij,jk,kl', x, y, z, optimize=['einsum_path', (0, 1), (0, 1)])": [(M, (3, 4), (4, 2))],
    "np.einsum('ij,ij->ij', x, y)": [((1, 3), (2, 1)), (M, (2, 1))],
    "np.einsum('ij,ij->', x, y)": [((1, 3), (2, 1)), (M, (1, 1))], "np.einsum('ij,j->i', x, y)": [((2, 0), (0,)), ((0, 3), (3,))],
    "np.einsum('i,->i', x, 2.0)": [V], "np.einsum('ij,ik->jk', x, x)": [M],
}  # fmt: skip
CURVES = {
    "np.polyval(x, y)": [(V, M), (V, ()), ((1,), V)], "np.polyval([1.0, -2.0, 3.0], x)": [M], "np.polyval(x, 2.0)": [V],
    "np.polyval(x, [1.0, 2.0])": [V], "np.vander(x)": [V], "np.vander(x, 5, increasing=True)": [V], "np.vander(x, 0)": [V],
    "np.polyadd(x, y)": [(V, (2,)), ((2,), V), ((), V)], "np.polysub(x, y)": [(V, (2,))], "np.polysub([1.0, 2.0], x)": [V],
    "np.polymul(x, y)": [(V, (2,))], "np.polymul([0.0, 1.0, 2.0], x)": [V], "np.polyder(x)": [V], "np.polyder(x, 2)": [(4,)],
    "np.polyint(x)": [V], "np.polyint(x, 2, [1.0, 2.0])": [V], "np.polyint(x, m=3)": [V], "np.logspace(x, y, 4)": [(V, V)],
    "np.logspace(x, 2.0, 3, endpoint=False, base=2.5)": [()], "np.logspace(x, y, 4, base=[2.0, 3.0, 4.0], axis=1)": [(V, V)],
    "np.geomspace(x**2 + 1, y**2 + 1, 4)": [(V, V)], "np.geomspace(-1 - x**2, -3.0, 4, axis=-1)": [V],
    "np.linspace(x, y, 5)": [((), ()), (V, V), (M, V)], "np.linspace(x, 1.0, 4, endpoint=False)": [V],
    "np.linspace(0, x, 3, axis=-1)": [V], "np.linspace(x, y, 1)": [((), ())], "np.linspace(x, y, 0)": [(V, V)],
    "np.linspace(x, y, 3, retstep=True)[1]": [(V, V)], "np.interp(x, points, y)": [(M, (4,)), ((), (4,))],
    "np.interp([-3.0, -0.9, 0.4, 3.0], x + points, y)": [((), (4,))],
    "np.interp(x, points, [1.0, 5.0, 2.0, 0.0], left=7.0, right=-7.0)": [(40,)],
    "np.interp(x, points, y, period=3.0)": [((40,), (4,))], "np.interp(x, [0.5], y)": [(M, (1,))],
    "np.piecewise(x, [mask, ~mask], [lambda t: t**2, lambda t, *more: 3 * t])": [M],
    "np.piecewise(x, mask[0], [2.0, np.sin])": [V], "np.piecewise(x, [True], [np.sin])": [()],
    "np.piecewise(x, [mask], [lambda t, a, b=0: a * t + b], 2.0, b=1.0)": [M],
    "np.piecewise(x, [mask, mask], [np.cos, np.sin])": [M],
}  # fmt: skip
TABLE = {**DOT, **SEVERAL, **SLIDING, **EINSUM, **CURVES}
GIVEN = {"np": np, "mask": np.array([[True, False, True], [False, False, True]]), "points": np.array([-1.0, -0.5, 0.7, 1.5])}


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
    return lambda *arguments: eval(code, {**GIVEN, **dict(zip("xyz", arguments, strict=False))})


def draw(shapes, dtype=np.float64):
    rng = np.random.default_rng(5)
    return tuple(np.asarray(rng.uniform(-2, 2, shape), dtype) for shape in shapes)


@pytest.mark.parametrize(("call", "shapes"), calls(TABLE))
def test_values_get_the_result_that_arrays_get(call, shapes):
    for dtype in (np.float64, np.float32):
        if dtype == np.float32 and ("interp" in call or "space" in call or "polyint" in call):
            continue  # of these NumPy gives double precision always
        arrays = draw(shapes, dtype)
        expected = np.asarray(function(call)(*arrays))
        result = function(call)(*(Value(x) for x in arrays))
        result = result.numpy() if isinstance(result, Value) else result  # the zeroth power of a matrix is a constant
        assert (result.shape, result.dtype) == (expected.shape, expected.dtype)
        largest = np.max(np.abs(expected), initial=1)
        np.testing.assert_allclose(result, expected, rtol=0, atol=16 * np.finfo(dtype).eps * largest)


@pytest.mark.parametrize(("call", "shapes"), calls(TABLE))
def test_gradients_are_right_to_second_order(call, shapes):
    check_grads(lambda *values: function(call)(*values) ** 2, draw(shapes))


@pytest.mark.parametrize(("call", "shapes"), calls(INVERSE))
def test_negative_powers_of_matrices_are_those_of_the_inverse(call, shapes):
    (array,) = draw(shapes)
    np.testing.assert_allclose(function(call)(Value(array)).numpy(), function(call)(array), rtol=1e-12)
    check_grads(function(call), (array,), tolerance=1e-7)


def test_vectors_of_two_components_have_a_cross_product_along_the_third_axis():
    x, y, z = draw([(4, 2), (2,), (4, 3)])
    np.testing.assert_array_equal(np.cross(Value(x), y).numpy(), x[:, 0] * y[1] - x[:, 1] * y[0])
    in_space = np.pad(x, [(0, 0), (0, 1)])
    np.testing.assert_array_equal(np.cross(Value(x), Value(z)).numpy(), np.cross(in_space, z))
    check_grads(lambda x, y, z: np.cross(np.cross(x, y)[:, None] * x, z) ** 2, (x, y, z))


def test_the_order_in_which_matrices_are_multiplied_is_the_cheapest():
    arrays = draw([(2, 50), (50, 3), (3, 40), (40, 1)])
    result = np.linalg.multi_dot([Value(x) for x in arrays])
    np.testing.assert_allclose(result.numpy(), np.linalg.multi_dot(arrays), rtol=1e-13)
    products, pending = [], [result]
    while pending:
        node = pending.pop()
        if node.primitive is not None:
            pending += [parent for parent in node.parents if parent is not None]
            if node.primitive.name == "matmul":
                products.append((node.inputs[0].shape[0], *node.inputs[1].shape))
    assert sum(rows * inner * columns for rows, inner, columns in products) == 3 * 40 * 1 + 50 * 3 * 1 + 2 * 50 * 1


# --- Einstein sums -----------------------------------------------------------------------------------------------------------

LENGTHS = {"i": 2, "j": 3, "k": 2, "l": 1}


@st.composite
def einstein_sums(draw):
    """Subscripts of any form, and shapes of operands that may go with them."""
    terms, shapes = [], []
    for _ in range(draw(st.integers(1, 3))):
        labels = draw(st.text("ijkl", max_size=3))
        place = draw(st.none() | st.integers(0, len(labels)))
        shape = [1 if draw(st.integers(0, 5)) == 0 and labels.count(label) == 1 else LENGTHS[label] for label in labels]
        if place is not None:
            shape[place:place] = draw(st.lists(st.sampled_from([1, 2]), max_size=2))
            labels = f"{labels[:place]}...{labels[place:]}"
        terms.append(labels)
        shapes.append(tuple(shape))
    subscripts = ",".join(terms)
    if draw(st.booleans()):
        occurring = sorted(set(subscripts) & set("ijkl"))
        output = draw(st.permutations(occurring).flatmap(lambda p: st.integers(0, len(p)).map(lambda n: p[:n])))
        output.insert(draw(st.integers(0, len(output))), "..." if "." in subscripts else "")
        subscripts += "->" + "".join(output)
    return subscripts, shapes


@given(einstein_sums(), st.booleans())
@settings(max_examples=300)
def test_every_einstein_sum_is_numpys_and_its_gradients_are_its_adjoints(drawn, optimize):
    subscripts, shapes = drawn
    rng = np.random.default_rng(len(subscripts))
    arrays = [rng.integers(-3, 4, shape).astype(float) for shape in shapes]
    values = [Value(x) for x in arrays]
    try:
        expected = np.einsum(subscripts, *arrays, optimize=optimize)
    except ValueError:
        with pytest.raises(ValueError, match="einsum"):
            np.einsum(subscripts, *values, optimize=optimize)
        return
    result = np.einsum(subscripts, *values, optimize=optimize)
    np.testing.assert_array_equal(result.numpy(), expected)
    cotangent = rng.integers(-3, 4, result.shape).astype(float)
    result.backward(cotangent)
    # The sum is linear in each operand: moving one operand moves it by exactly what the gradient says.
    for position, value in enumerate(values):
        moved = [rng.integers(-3, 4, x.shape).astype(float) if at == position else x for at, x in enumerate(arrays)]
        assert np.sum(value.grad * moved[position]) == np.sum(cotangent * np.einsum(subscripts, *moved))


@pytest.mark.parametrize(
    ("length", "asked", "planned"),
    [(3, False, False), (40, False, True), (3, True, True), (3, "optimal", "optimal"), (40, ["einsum_path", (0, 1), (0, 1)], True)],
)
def test_a_gradient_of_an_einstein_sum_is_planned_where_it_pays_and_the_sum_as_the_user_says(monkeypatch, length, asked, planned):
    asked_for = []

    def noted(*operands, subscripts, optimize):
        asked_for.append(optimize)
        return np.einsum(subscripts, *operands, optimize=optimize)

    monkeypatch.setattr(einsum, "forward", noted)
    values = [Value(np.ones((length, length))) for _ in range(3)]
    np.einsum("ij,jk,kl->il", *values, optimize=asked).sum().backward()
    assert asked_for == [asked] + 3 * [planned]


@given(einstein_sums())
@settings(max_examples=40)
def test_every_einstein_sum_has_right_second_derivatives(drawn):
    subscripts, shapes = drawn
    arrays = draw(shapes)
    try:
        np.einsum(subscripts, *arrays)
    except ValueError:
        return
    check_grads(lambda *values: np.einsum(subscripts, *values), arrays)


TORCH = {
    "einsum": (
        lambda x: np.einsum("bij,bkj,i->bk", x, x, x[0, :, 0]),
        lambda t: _torch().einsum("bij,bkj,i->bk", t, t, t[0, :, 0]),
    ),
    "einsum of a diagonal": (
        lambda x: np.einsum("...ii->...i", x[:, :, :2]),
        lambda t: _torch().einsum("...ii->...i", t[:, :, :2]),
    ),
    "tensordot": (lambda x: np.tensordot(x, x, ([0, 2], [0, 2])), lambda t: _torch().tensordot(t, t, ([0, 2], [0, 2]))),
    "kron": (lambda x: np.kron(x, x[0]), lambda t: _torch().kron(t, t[0])),
    "cross": (lambda x: np.cross(x, x[::-1] ** 2), lambda t: _torch().linalg.cross(t, t.flip(0) ** 2)),
    "vecdot": (lambda x: np.vecdot(x, x[0]), lambda t: _torch().linalg.vecdot(t, t[0])),
    "matrix_power": (lambda x: np.linalg.matrix_power(x[:, :, :2], 5), lambda t: _torch().linalg.matrix_power(t[:, :, :2], 5)),
    "multi_dot": (lambda x: np.linalg.multi_dot([x[0], x[1].T, x[2]]), lambda t: _torch().linalg.multi_dot([t[0], t[1].T, t[2]])),
}


def _torch():
    return pytest.importorskip("torch")


@pytest.mark.parametrize(("ours", "theirs"), TORCH.values(), ids=TORCH)
def test_results_and_gradients_are_those_of_pytorch(ours, theirs):
    (array,) = draw([C])
    x, t = Value(array), _torch().tensor(array, requires_grad=True)
    y, u = ours(x), theirs(t)
    np.testing.assert_allclose(y.numpy(), u.detach().numpy(), rtol=1e-13, atol=1e-14)
    weights = np.random.default_rng(3).normal(size=y.shape)
    y.backward(weights)
    u.backward(_torch().tensor(weights))
    np.testing.assert_allclose(x.grad, t.grad.numpy(), rtol=1e-12, atol=1e-13)


BAD_ARGUMENTS = {
    "x @ x": "matmul", "np.tensordot(x, x, 1)": "np.tensordot", "np.einsum('ij,jk', x)": "np.einsum",
    "np.einsum('ij->ijk', x)": "einsum", "np.einsum('...j->j', x)": "np.einsum", "np.einsum('ijk', x)": "einsum",
    "np.cross(x[:, :1], x)": "np.cross", "np.linalg.cross(x[:, :2], x)": "np.linalg.cross",
    "np.linalg.outer(x, x)": "np.linalg.outer", "np.linalg.multi_dot([x])": "multi_dot",
    "np.linalg.multi_dot([x, x[None], x])": "multi_dot", "np.linalg.matrix_power(x, 2)": "matrix_power",
    "np.convolve(x, x)": "convolve", "np.convolve(x[0], x[0], 'some')": "np.convolve", "np.interp(x, x, x)": "np.interp",
    "np.piecewise(x, [x > 0], [])": "np.piecewise",
}  # fmt: skip


@pytest.mark.parametrize(("call", "name"), BAD_ARGUMENTS.items(), ids=BAD_ARGUMENTS)
def test_bad_arguments_get_an_error_that_names_the_function(call, name):
    with pytest.raises((ValueError, IndexError, TypeError), match=name):
        function(call)(Value(np.ones((2, 3))))


@pytest.mark.parametrize("shapes", [((2,), (3,)), ((3,), (2,)), ((1, 2), (1, 2)), ((0,), (0,))])
def test_interpolation_is_between_as_many_places_as_heights(shapes):
    points, heights = (np.arange(float(np.prod(shape))).reshape(shape) for shape in shapes)
    for values in ((Value([0.5]), points, heights), ([0.5], Value(points), heights), ([0.5], points, Value(heights))):
        with pytest.raises(ValueError, match=r"np\.interp takes the points as two vectors of equal length, not as"):
            np.interp(*values)


@pytest.mark.parametrize("axes", [([0], [0], [1]), ([0],), ([0, 1], [0])])
def test_axes_that_do_not_pair_up_are_refused_by_tensordot(axes):
    x = np.ones((2, 3))
    for a in (x, Value(x)):
        with pytest.raises(ValueError):  # noqa: PT011  NumPy says what it likes
            np.tensordot(a, x, axes)
