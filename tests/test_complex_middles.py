"""Real leaves, real losses, and complex numbers in between: every family of functions passes gradients through them."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import DataError, GradientError
from tinygrad_edu.primitives.table import TABLE, numpy_name
from tinygrad_edu.testing import check_grads, in_real_numbers

# Expressions of two real vectors x and y, of z = x + iy and w = y - 2ix, of a constant matrix M, and of the complex matrix A.
PARTS = [
    "np.real(z)", "np.imag(z)", "z.real", "z.imag", "z.conj()", "np.conjugate(z)", "np.conj(z) * w", "abs(z)", "np.absolute(z)",
    "np.angle(z)", "np.angle(z, deg=True)", "np.angle(w) * x", "np.sign(z)", "np.real(x) * y", "np.imag(x) + y", "np.angle(x) + y",
    "np.conj(x) * y", "np.real_if_close(z * z.conj())", "np.real_if_close(z)", "np.nan_to_num(z)", "abs(z) ** 2", "abs(z * w) * z",
]  # fmt: skip
OPERATORS = [
    "z + w", "z - w", "1j - z", "-z", "+z", "z * w", "x * w", "(2 + 1j) * x", "z / w", "x / w", "1j / z", "z ** w", "z ** 2",
    "z ** 3", "z ** -1.5", "z ** x", "x ** z", "(1 + 2j) ** z", "z ** (1 - 2j)", "x ** 2j", "z ** 0", "np.square(z)",
    "np.reciprocal(z)", "np.float_power(z, 2)",
]  # fmt: skip
OF_ONE_ARRAY = [entry for entry in TABLE if entry.arity == 1 and entry.numpy and not entry.cases]


def _takes_complex_numbers(function):
    try:
        return np.shape(function(np.array([0.5 + 0.3j]))) == (1,)
    except TypeError:
        return False


FUNCTIONS = [f"{numpy_name(entry.numpy[0])}(z)" for entry in OF_ONE_ARRAY if _takes_complex_numbers(entry.numpy[0])]
OF_REAL_NUMBERS = [entry.numpy[0] for entry in OF_ONE_ARRAY if not _takes_complex_numbers(entry.numpy[0])]
REDUCTIONS = [
    "np.sum(z)", "np.sum(A, axis=0)", "np.sum(A, axis=1, keepdims=True)", "np.sum(z, where=mask)", "np.mean(z)", "np.prod(z)",
    "np.var(z)", "np.std(z)", "np.cumsum(z)", "np.cumprod(z)", "np.nansum(z)", "np.average(z, weights=x)",
    "np.average(x, weights=z)", "np.add.reduce(z)", "np.multiply.outer(z, x)", "np.diff(z)", "np.gradient(z)", "np.trapezoid(z, y)",
    "np.cov(A)",
]  # fmt: skip
PRODUCTS = [
    "M @ z", "A @ w", "A @ A", "A @ x", "np.dot(z, w)", "np.vdot(z, w)", "np.inner(z, w)", "np.outer(z, w)", "np.kron(z, x)",
    "np.tensordot(A, w, 1)", "np.cross(z, w)", "np.convolve(z, w)", "np.correlate(z, w)", "np.linalg.vecdot(z, w)",
    "np.einsum('i,j->ij', z, w)", "np.einsum('i,ij,j->', z, M, w)", "np.einsum('ii->i', A)", "np.einsum('ij,i', A, x)",
]  # fmt: skip
ARRANGEMENTS = [
    "z.reshape(3, 1)", "z[1:]", "z[[0, 0, 2]]", "z[mask]", "A[1, ::-1]", "A.T", "np.transpose(A)", "np.concatenate([x, z])",
    "np.stack([z, y])", "np.block([x, z])", "np.where(mask, x, z)", "np.select([mask], [z], y)", "np.pad(z, 1)",
    "np.pad(z, 2, mode='reflect')", "np.roll(z, 1)", "np.flip(z)", "np.broadcast_to(z, (2, 3))", "np.tile(z, 2)", "np.repeat(z, 2)",
    "np.diag(z)", "np.triu(A)", "np.trace(A)", "np.take(z, [2, 0])", "np.insert(z, 1, x[0])", "np.split(z, 3)[1]",
    "x.astype(complex) * z", "z.astype(np.complex128)", "np.expand_dims(z, 0)", "np.squeeze(A[:1])",
]  # fmt: skip
LINEAR_ALGEBRA = [
    "np.linalg.inv(A)", "np.linalg.solve(A, w)", "np.linalg.solve(M, z)", "np.linalg.solve(A, x)", "np.linalg.det(A)",
    "np.linalg.matrix_power(A, 3)", "np.linalg.norm(z)", "np.linalg.norm(z, 3)", "np.linalg.norm(z, np.inf)", "np.linalg.norm(A)",
    "np.linalg.norm(A, 1)", "np.linalg.multi_dot([A, M, A])", "np.linalg.trace(A)",
]  # fmt: skip
EXPRESSIONS = PARTS + OPERATORS + FUNCTIONS + REDUCTIONS + PRODUCTS + ARRANGEMENTS + LINEAR_ALGEBRA

RNG = np.random.default_rng(3)
X, Y = RNG.uniform(0.4, 1.6, (2, 3))
M = RNG.normal(size=(3, 3)) + 2 * np.eye(3)
EACH = pytest.mark.parametrize("expression", EXPRESSIONS)


def function(expression):
    """The expression as a function of x and y, which may be arrays or Values."""
    code = compile(expression, expression, "eval")

    def evaluated(x, y):
        z = x + 1j * y
        scope = {
            "np": np,
            "x": x,
            "y": y,
            "z": z,
            "w": y - 2j * x,
            "M": M,
            "A": z[:, None] * M,
            "mask": np.array([True, False, True]),
        }
        return eval(code, scope)

    return evaluated


@EACH
def test_values_get_the_numbers_that_arrays_get(expression):
    expected = function(expression)(X, Y)
    result = function(expression)(Value(X), Value(Y))
    assert (result.shape, result.dtype) == (np.shape(expected), expected.dtype)
    np.testing.assert_allclose(result.numpy(), expected, rtol=1e-14, atol=1e-15)


@EACH
def test_gradients_are_right_to_second_order(expression):
    check_grads(lambda x, y: in_real_numbers(function(expression)(x, y)), (X, Y))


@EACH
def test_gradients_of_single_precision_are_real_and_single(expression):
    def loss(x, y):
        return np.sum(np.absolute(function(expression)(x, y)))

    for gradient in tg.grad(loss, (0, 1))(np.float32(X), np.float32(Y)):
        assert (gradient.shape, gradient.dtype) == ((3,), np.float32)


# --- against other sources ---------------------------------------------------------------------------------------------------

TORCH = {
    "z.conj() * w": "z.conj() * w", "abs(z) ** 3": "z.abs() ** 3", "np.angle(z)": "z.angle()", "np.sign(z)": "torch.sgn(z)",
    "z / w": "z / w", "z ** w": "z ** w", "z ** 2.5": "z ** 2.5", "x ** z": "x ** z", "np.prod(z)": "torch.prod(z)",
    "A @ w": "A @ w", "np.linalg.solve(A, w)": "torch.linalg.solve(A, w)", "np.linalg.det(A)": "torch.linalg.det(A)",
    "np.linalg.norm(A)": "torch.linalg.norm(A)", "np.einsum('i,ij,j->', z, M, w)": "torch.einsum('i,ij,j->', z, M + 0j, w)",
    "np.var(z)": "torch.var(z, correction=0)", "np.cumprod(z)": "torch.cumprod(z, 0)",
} | {
    f"np.{name}(z)": f"torch.{name}(z)"
    for name in ("exp", "log", "log2", "log1p", "sqrt", "sin", "tan", "tanh", "arcsin", "arccos", "arctan", "arccosh", "arctanh")
}  # fmt: skip


@pytest.mark.parametrize("expression", TORCH)
def test_values_and_gradients_agree_with_pytorch(expression):
    torch = pytest.importorskip("torch")
    ours = [Value(X), Value(Y)]
    result = in_real_numbers(function(expression)(*ours))
    u = np.random.default_rng(4).normal(size=result.shape)
    result.backward(u)
    x, y = theirs = [torch.tensor(array, requires_grad=True) for array in (X, Y)]
    z = torch.complex(x, y)
    matrix = torch.tensor(M)
    scope = {"torch": torch, "x": x, "y": y, "z": z, "w": y - 2j * x, "M": matrix, "A": z[:, None] * matrix}
    expected = eval(TORCH[expression], scope)
    if expected.is_complex():
        expected = torch.stack([expected.real, expected.imag])
    expected.backward(torch.tensor(u))
    np.testing.assert_allclose(result.numpy(), expected.detach().numpy(), rtol=1e-12, atol=1e-13)
    for leaf, oracle in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(leaf.grad, oracle.grad.resolve_neg().numpy(), rtol=1e-11, atol=1e-12)


def _has_complex_derivative(expression):
    """Whether the differences of a function, one step along the real axis and one along the imaginary axis, have one slope."""
    scope = {"np": np, "z": X + 1j * Y}
    along = [(eval(expression, {**scope, "z": scope["z"] + h}) - eval(expression, scope)) / h for h in (1e-7, 1e-7j)]
    return np.allclose(*along, rtol=1e-5)


@pytest.mark.parametrize(
    "expression",
    [*filter(_has_complex_derivative, FUNCTIONS), "z ** 3", "1 / z", "z ** (1 - 2j)", "np.prod(z)", "np.linalg.inv(A)"],
)
def test_functions_with_a_complex_derivative_obey_the_equations_of_cauchy_and_riemann(expression):
    def parts(x, y):
        return in_real_numbers(function(expression)(x, y))

    (real_by_x, imag_by_x), (real_by_y, imag_by_y) = tg.jacobian(parts, (0, 1))(X, Y)
    np.testing.assert_allclose(real_by_x, imag_by_y, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(real_by_y, -imag_by_x, rtol=1e-12, atol=1e-13)


def test_the_lengths_of_complex_numbers_have_their_directions_as_gradient():
    x, y = Value([3.0, 0.0, -2.0]), Value([4.0, 5.0, 0.0])
    np.sum(np.absolute(x + 1j * y)).backward()
    np.testing.assert_allclose(x.grad, [0.6, 0.0, -1.0], rtol=1e-15)
    np.testing.assert_allclose(y.grad, [0.8, 1.0, 0.0], rtol=1e-15)


@pytest.mark.parametrize("part", [np.absolute, np.angle, lambda z: np.real(np.sign(z)), lambda z: np.imag(np.sign(z))])
def test_at_the_origin_length_direction_and_angle_have_a_gradient_of_zero(part):
    gradient = tg.grad(lambda x: part(x[0] + 1j * x[1]))(np.zeros(2))
    np.testing.assert_array_equal(gradient, np.zeros(2))


@pytest.mark.parametrize("part", [np.absolute, np.angle, lambda z: np.real(np.sign(z)), lambda z: np.imag(np.sign(z))])
def test_at_the_origin_length_direction_and_angle_have_no_second_derivative(part):
    hessian = tg.hessian(lambda x: part(x[0] + 1j * x[1]))(np.zeros(2))
    assert np.all(np.isnan(hessian))


def test_the_absolute_value_of_complex_numbers_is_right_to_third_order():
    check_grads(lambda x, y: np.absolute(x + 1j * y), (X, Y), order=3)


def test_not_a_number_and_infinities_are_replaced_in_each_part_of_a_complex_number():
    z = np.array([complex(np.nan, 2.0), complex(1.0, -np.inf), complex(np.inf, np.nan)])
    for options in ({}, {"nan": 7.0}, {"posinf": 1.0, "neginf": 2.0}):
        result = np.nan_to_num(z + Value(np.zeros(3)), **options)
        np.testing.assert_array_equal(result.numpy(), np.nan_to_num(z, **options))


# --- where complex numbers end -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("question", [np.iscomplexobj, np.isrealobj, np.iscomplex, np.isreal])
def test_questions_about_the_kind_of_numbers_are_answered_by_plain_booleans(question):
    for x in (X, X + 1j * Y, X + 1j * np.array([0.0, 1.0, 0.0])):
        answer = question(Value(x.real) + 1j * Value(x.imag) if np.iscomplexobj(x) else Value(x))
        np.testing.assert_array_equal(answer, question(x))
        assert not isinstance(answer, Value)


@pytest.mark.parametrize("data", [1j, [1.0, 2j], X + 1j * Y, np.complex64(2)])
def test_a_leaf_is_made_of_real_numbers(data):
    with pytest.raises(DataError, match="a Value is made of real numbers"):
        Value(data)


@pytest.mark.parametrize("transform", [tg.grad, tg.value_and_grad, tg.jacobian, tg.hessian])
def test_a_complex_result_of_a_transformed_function_is_refused_with_the_way_out(transform):
    def wave(x):
        return np.exp(1j * x)

    with pytest.raises(GradientError, match=r"wave returned complex ones; use np\.real, np\.imag or abs"):
        transform(wave)(1.0)


def test_backward_from_a_complex_number_is_refused_with_the_way_out():
    with pytest.raises(GradientError, match="is complex; take its real part or abs"):
        np.exp(1j * Value(1.0)).backward()


@pytest.mark.parametrize("function", [*OF_REAL_NUMBERS, tg.sigmoid, tg.softplus, np.hypot.reduce])
def test_functions_of_real_numbers_alone_are_refused_for_complex_ones(function):
    with pytest.raises(DataError, match="failed on"):
        function(Value(X) + 1j * Y)


def test_the_compiled_gradient_through_complex_numbers_is_the_eager_one():
    gradient = tg.grad(lambda x, y: np.sum(np.absolute(np.exp(1j * x) + y * (x - 2j)) ** 3), (0, 1))
    for compiled, eager in zip(tg.compile(gradient)(X, Y), gradient(X, Y), strict=True):
        np.testing.assert_allclose(compiled, eager, rtol=1e-12)


def test_a_gradient_of_higher_precision_stays_complex_where_the_middle_is():
    narrow, wide = np.array([1 + 2j, 3 - 1j], np.complex64), np.array([2 - 1j, 1 + 1j], np.complex128)
    gradient = tg.grad(lambda x: np.sum(np.imag(x * narrow * wide)))(np.array([1.0, 2.0], np.float32))
    assert gradient.dtype == np.float32
    np.testing.assert_allclose(gradient, np.imag(narrow * wide), rtol=1e-6)
