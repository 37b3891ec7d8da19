"""What must hold between the transforms for any function: tried on random compositions, and beside PyTorch's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import tinygrad_edu as tg

SIZE = 3
MATRIX = np.random.default_rng(0).normal(size=(SIZE, SIZE))

STEPS = {
    "tanh": np.tanh,
    "sin": np.sin,
    "bounded square": lambda x: x**2 / (1 + x**2),
    "mixing": lambda x: MATRIX @ x,
    "product with the sum": lambda x: x * np.tanh(np.sum(x)),
    "neighbours": lambda x: x * np.roll(x, 1) / 2,
    "softmax": lambda x: np.exp(x - np.logaddexp.reduce(x)),
    "half constant": lambda x: np.where(np.arange(SIZE) > 0, x, 1.0),
    "second derivative within": lambda x: tg.elementwise_grad(lambda y: np.sin(y) * x)(x),
}

vectors = arrays(np.float64, SIZE, elements=st.floats(-2, 2, width=32))
compositions = st.lists(st.sampled_from(sorted(STEPS)), min_size=1, max_size=5)


def composed(steps):
    def f(x):
        for step in steps:
            x = STEPS[step](x)
        return x

    return f


def close(ours, expected, rtol=1e-9):
    expected = np.asarray(expected)
    np.testing.assert_allclose(ours, expected, rtol=rtol, atol=1e-12 * (1 + np.max(np.abs(expected), initial=0.0)))


@given(compositions, vectors, vectors, vectors)
def test_a_pullback_is_the_transpose_of_a_push_forward(steps, x, u, v):
    f = composed(steps)
    value, slope = tg.jvp(f, x, v)
    same, pullback = tg.vjp(f, x)
    np.testing.assert_array_equal(value, same)
    close(np.dot(u, slope), np.dot(pullback(u)[0], v))


@given(compositions, vectors, vectors, vectors)
def test_the_products_are_those_with_the_jacobian(steps, x, u, v):
    f = composed(steps)
    jacobian = tg.jacobian(f)(x)
    close(tg.jvp(f, x, v)[1], jacobian @ v)
    close(tg.vjp(f, x)[1](u)[0], u @ jacobian)


@given(compositions, vectors)
def test_the_jacobian_is_the_same_by_rows_and_by_columns(steps, x):
    f = composed(steps)
    by_rows = tg.jacobian(f)(x)
    by_columns = tg.jacobian(lambda x: np.concatenate([f(x), f(x)]))(x)  # more outputs than inputs
    close(by_columns, np.concatenate([by_rows, by_rows]))


@settings(deadline=None)
@given(compositions, vectors, vectors)
def test_a_hessian_is_symmetric_and_hvp_is_its_product(steps, x, v):
    def f(x):
        return np.sum(composed(steps)(x) ** 2)

    hessian = tg.hessian(f)(x)
    close(hessian, hessian.T)
    close(tg.hvp(f, x, v), hessian @ v)
    close(tg.jvp(tg.grad(f), x, v)[1], hessian @ v)


@given(arrays(np.float64, (2, SIZE), elements=st.integers(-9, 9).map(float)), vectors, vectors)
def test_the_derivative_of_a_linear_map_is_the_map_at_every_point(matrix, x, v):
    np.testing.assert_array_equal(tg.jacobian(lambda x: matrix @ x)(x), matrix)
    np.testing.assert_array_equal(tg.jacobian(lambda y: y @ matrix)(x[:2]), matrix.T)
    np.testing.assert_array_equal(tg.jvp(lambda x: matrix @ x, x, v)[1], matrix @ v)
    np.testing.assert_array_equal(tg.hessian(lambda x: np.sum(matrix @ x))(x), np.zeros((SIZE, SIZE)))


@given(compositions, vectors, vectors, st.floats(-3, 3, width=32))
def test_a_linearization_is_linear(steps, x, v, factor):
    _, push_forward = tg.linearize(composed(steps), x)
    close(push_forward(factor * v + x), factor * push_forward(v) + push_forward(x))


@given(compositions, compositions, vectors, vectors)
def test_the_chain_rule_holds(first, then, x, v):
    f, h = composed(first), composed(then)
    middle, slope = tg.jvp(f, x, v)
    close(tg.jvp(lambda x: h(f(x)), x, v)[1], tg.jvp(h, middle, slope)[1])


# --- PyTorch -----------------------------------------------------------------------------------------------------------------

X, Y = np.array([0.3, -1.2, 2.0]), np.array([[0.5, 1.5, -0.7], [1.1, 0.2, 0.9]])


def of_both(np_or_torch):
    """The same functions in NumPy's and in PyTorch's words."""
    m = np_or_torch
    return {
        "a vector": (lambda x: m.sin(x) * m.exp(x) / (1 + x**2), (X,)),
        "two arguments": (lambda x, y: m.tanh(y @ x) * (x * x).sum(), (X, Y)),
        "a table": (lambda y: m.exp(y)[:, None] * m.cos(y)[None, :], (Y,)),
        "a number of a table": (lambda y: (m.sqrt(y**2 + 1) * y[:, :1]).sum(), (Y,)),
        "a number": (lambda x, y: m.log(1 + (x * y) ** 2).sum(), (X, Y)),
    }


# PyTorch itself calls what it has deprecated when torch.func is first used.
quietly = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")


@pytest.fixture(params=of_both(np))
def beside_torch(request):
    """Our function, PyTorch's, the arguments as arrays and as tensors, and torch.func."""
    torch = pytest.importorskip("torch")
    (ours, primals), (theirs, _) = of_both(np)[request.param], of_both(torch)[request.param]
    return ours, theirs, primals, tuple(torch.tensor(p) for p in primals), torch


def agree(ours, theirs):
    if isinstance(ours, tuple):
        assert len(ours) == len(theirs)
        for our, their in zip(ours, theirs, strict=True):
            agree(our, their)
    else:
        np.testing.assert_allclose(ours, theirs.detach().numpy(), rtol=1e-12, atol=1e-14)
        assert ours.shape == tuple(theirs.shape)


@quietly
def test_jacobians_agree_with_pytorch(beside_torch):
    ours, theirs, primals, tensors, torch = beside_torch
    argnums = tuple(range(len(primals)))
    agree(tg.jacobian(ours, argnums)(*primals), torch.func.jacrev(theirs, argnums)(*tensors))
    agree(tg.jacobian(ours, argnums)(*primals), torch.func.jacfwd(theirs, argnums)(*tensors))


@quietly
def test_products_agree_with_pytorch(beside_torch):
    ours, theirs, primals, tensors, torch = beside_torch
    tangents = tuple(np.cos(3 * p + 1) for p in primals)
    agree(tg.jvp(ours, primals, tangents), torch.func.jvp(theirs, tensors, tuple(torch.tensor(t) for t in tangents)))
    value, pullback = tg.vjp(ours, *primals)
    same, their_pullback = torch.func.vjp(theirs, *tensors)
    agree(value, same)
    agree(pullback(np.sin(value)), their_pullback(torch.tensor(np.sin(value))))


@quietly
def test_second_derivatives_agree_with_pytorch(beside_torch):
    ours, theirs, primals, tensors, torch = beside_torch
    argnums = tuple(range(len(primals)))
    agree(
        tg.hessian(lambda *p: np.sum(ours(*p)), argnums)(*primals),
        torch.func.hessian(lambda *p: theirs(*p).sum(), argnums)(*tensors),
    )
    tangents = tuple(np.cos(3 * p + 1) for p in primals)
    _, expected = torch.autograd.functional.hvp(lambda *p: theirs(*p).sum(), tensors, tuple(torch.tensor(t) for t in tangents))
    agree(tg.hvp(lambda *p: np.sum(ours(*p)), primals, tangents), expected)


@quietly
def test_third_derivatives_agree_with_pytorch(beside_torch):
    ours, theirs, primals, tensors, torch = beside_torch
    func = torch.func
    agree(
        tg.jacobian(tg.hessian(lambda *p: np.sum(ours(*p))))(*primals),
        func.jacrev(func.hessian(lambda *p: theirs(*p).sum()))(*tensors),
    )
