"""Formulas that a user types: what they compute, and that nothing else can be made of them."""

import math
import os
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu.command_line.formulas import Formula, constant, told
from tinygrad_edu.errors import DataError
from tinygrad_edu.primitives.table import TABLE, numpy_name

X = np.array([[1.0, 2.0], [3.0, 5.0]])
GIVEN = {"theta": 3.0, "x": np.array([1.0, -2.0, 4.0]), "X": X, "t": 8.0}


def value(text, **given):
    given = given or GIVEN
    formula = Formula(text, [*given])
    with told("the formula"):
        return formula(*(given[name] for name in formula.names))


def outcome(text):
    """What a formula comes to, or what is said of it."""
    try:
        return value(text)
    except DataError as error:
        return str(error)


def complaint(text, **given):
    with pytest.raises(DataError) as caught:
        value(text, **given)
    return str(caught.value)


# --- what they compute ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("0.5*(t - theta*2)**2", 2.0),
        ("-theta", -3.0),
        ("+theta", 3.0),
        ("t // theta", 2.0),
        ("t % theta", 2.0),
        ("theta*pi + e", 3 * math.pi + math.e),
        ("np.pi", math.pi),
        ("sum(x)", 3.0),
        ("np.sum(x, axis=0)", 3.0),
        ("numpy.exp(theta)", math.exp(3)),
        ("mean(X, axis=1)", [1.5, 4.0]),
        ("X @ [1, 2]", [5.0, 13.0]),
        ("X.T[0]", [1.0, 3.0]),
        ("x[1]", -2.0),
        ("x[-1]", 4.0),
        ("x[1:]", [-2.0, 4.0]),
        ("x[::2]", [1.0, 4.0]),
        ("x[[0, 2]]", [1.0, 4.0]),
        ("X[:, 1]", [2.0, 5.0]),
        ("x[x > 0]", [1.0, 4.0]),
        ("x[..., None]", [[1.0], [-2.0], [4.0]]),
        ("x[argsort(x) + 1 - 1]", [-2.0, 1.0, 4.0]),
        ("where(x > 0, x, 0)", [1.0, 0.0, 4.0]),
        ("where((x > 0) & (x < 2), x, 0)", [1.0, 0.0, 0.0]),
        ("where(~(x > 0), 1, 2)", [2, 1, 2]),
        ("linalg.norm([3, 4])", 5.0),
        ("np.linalg.norm(x, ord=inf)", 4.0),
        ("linalg.slogdet(X)[1]", 0.0),
        ("relu(x)", [1.0, 0.0, 4.0]),
        ("tg.relu(x)", [1.0, 0.0, 4.0]),
        ("sigmoid(0)", 0.5),
        ("softmax([0, 0])", [0.5, 0.5]),
        ("logsumexp([0, 0])", math.log(2)),
        ("maximum(theta, 5)", 5.0),
        ("max(x)", 4.0),
        ("max(X, axis=0)", [3.0, 5.0]),
        ("stack([theta, t])", [3.0, 8.0]),
        ("concatenate([x, [1]])", [1.0, -2.0, 4.0, 1.0]),
        ("array([theta, [1, 2][0]])", [3.0, 1.0]),
        ("abs(x)", [1.0, 2.0, 4.0]),
        ("round(t / theta, 1)", 2.7),
        ("pow(theta, 2)", 9.0),
        ("(1, 2)[0]", 1),
        (" theta\n+ 1\t", 4.0),
    ],
)
def test_a_formula_computes_what_python_and_numpy_would(text, right):
    np.testing.assert_allclose(value(text), right, atol=1e-12)


@pytest.mark.parametrize("name", ["theta", "θ", "w_1", "η", "損失", "sum", "e", "pi", "np", "tg", "exp", "X"])
def test_a_name_that_is_given_wins_over_functions_and_constants(name):
    assert value(f"2 * {name} + 1", **{name: 3.0}) == 7.0


def test_two_ways_to_write_a_letter_are_one_name():
    assert Formula("ϑ**2", ["θ"]).names == ("θ",)


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("9**9**9**9", math.inf),
        ("2**10", 1024),
        ("10**30", 1e30),
        ("prod([10**10, 10**10])", 1e20),
        ("power(10, 30)", 1e30),
        ("1/3", 1 / 3),
        ("7 // 2", 3),
        ("sum([9, 9])**99", 18.0**99),
        ("square(10**10)", 1e20),
        ("size(x)**40 - 3**40", 0.0),
        ("argsort(x)**70 + 2", [3, 2, 2.0**70]),
        ("multiply(10**10, 10**10)", 1e20),
        ("1/0", math.inf),
        ("-1//0", -math.inf),
    ],
)
def test_whole_numbers_neither_overflow_in_silence_nor_grow_without_end(text, right):
    np.testing.assert_allclose(value(text), right)


@pytest.mark.parametrize("text", ["0/0", "log(-1)", "(-8)**(1/3)", "inf - inf", "sqrt(-theta)"])
def test_what_is_no_number_is_nan_without_a_warning(text):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert math.isnan(value(text))


def test_a_formula_can_be_differentiated_explained_and_compiled():
    loss = Formula("0.5*(t - theta*x)**2", ["theta", "x", "t"])
    assert tg.grad(loss)(3.0, 2.0, 8.0) == -4.0
    assert str(tg.explain(loss, 3.0, 2.0, 8.0)).endswith("= −4")
    compiled = tg.compile(tg.value_and_grad(loss))
    assert compiled(3.0, 2.0, 8.0) == (2.0, -4.0)
    assert "def loss(theta, x, t):" in compiled.source


def test_every_function_of_numpys_with_a_derivative_is_found_by_its_name():
    def is_callable(name):
        with pytest.raises(DataError) as caught:
            Formula(name, [])  # its name alone
        return "this is a function" in str(caught.value)

    names = {
        numpy_name(function) for function in TABLE.functions if getattr(np, getattr(function, "__name__", ""), None) is function
    }
    assert len(names) > 200
    assert [name for name in sorted(names) if not is_callable(name)] == []


# --- what they refuse ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2 * thata", "column 5, thata: there is no such name; do you mean 'theta'? There are: theta, x, X, t"),
        ("θ*2 + foo", "column 1, θ: there is no such name"),
        ("sin", "column 1, sin: this is a function: write sin(...)"),
        ("1 + sinn(x)", "column 5, sinn(x): there is no function sinn to compute with; do you mean sin?"),
        ("slogdet(X)", "do you mean linalg.slogdet?"),
        ("x(2)", "column 1, x(2): x is a number here, and no function"),
        ("2(theta)", "A product is written with a sign"),
        ("2theta", "column 1: this is no formula: invalid decimal literal"),
        ("(theta", "column 1: this is no formula: '(' was never closed"),
        ("theta)", "column 6: this is no formula: unmatched ')'"),
        ("theta +", "this is no formula: invalid syntax"),
        ("theta = 3", "column 7: this is no formula"),
        ("", "there is nothing"),
        ("  ", "there is nothing"),
        ("theta # 2", "column 7: # begins a remark"),
        ("theta²", "column 6: for ² write **2."),
        ("3 × theta", "column 3: for × write *."),
        ("theta − 1", "column 7: for − write -."),
        ("sum（x）", "column 4: for （ write (."),
        ("theta^2", "column 1, theta^2: ^ is no power here: write x ** 2."),
        ("0 < theta < 1", "write (0 < x) & (x < 1)"),
        ("x and t", "write (a) & (b)"),
        ("not x", "write ~(a)"),
        ("1 if t else 2", "write where(condition, a, b)"),
        ("2 & 1", "&, | and ~ are for conditions"),
        ("~2", "&, | and ~ are for conditions"),
        ("x.sum()", "column 1, x.sum: of what a value has there is its transpose alone, X.T; a function stands before it"),
        ("(x + 1).sum()", "a function stands before it: sum(x), not x.sum()"),
        ("x.__class__", "its transpose alone"),
        ("x.shape", "its transpose alone"),
        ("max(theta, 0)", "write maximum(a, b) for two numbers"),
        ("'a'", "no text"),
        ("b'a'", "no text"),
        ("1j", "real numbers"),
        ("1e999", "too large for a number of 64 bits"),
        ("1" * 400, "too large for a number of 64 bits"),
        ("1" * 5000, "Exceeds the limit"),
        ("theta is t", "this is Python, but no arithmetic"),
        ("x in x", "no arithmetic"),
        ("theta << 2", "no arithmetic"),
        ("sum(x, axis=3)", "column 1, sum(x, axis=3): 'sum' failed on a Value of shape (3,): axis 3 is out of bounds"),
        ("sum(x, axes=0)", "column 1, sum(x, axes=0): "),
        ("exp()", "column 1, exp(): "),
        ("X @ x", "column 1, X @ x: "),
        ("1 + (X + x)", "column 6, X + x: "),
        ("θ + foo", "column 1, θ"),
        ("x[7]", "column 1, x[7]: "),
        ("x[0.5]", "column 1, x[0.5]: "),
        ("theta[0]", "column 1, theta[0]: "),
        ("[[1, 2], [3]] * 2", "column 1, [[1, 2], [3]]"),
        ("exp(x, out=x)", "column 1, exp(x, out=x)"),
        ("ones((10**6, 10**6))", "there is no function ones"),
        ("tile(x, 10**15)", "column 1, tile(x, 10**15): "),
        ("broadcast_to(theta, (10**12,))", "this makes 1000000000000 numbers"),
        ("repeat(x, 10**15)", "column 1, repeat(x, 10**15): "),
        ("theta" + " + theta" * 2000, "it has 16005 signs, and no more than 10000 are read"),
    ],
)
def test_what_is_no_formula_is_refused_with_its_place(text, said):
    found = complaint(text, **{name: tg.Value(given) for name, given in GIVEN.items()})
    assert said in found


DANGEROUS = [
    "__import__('os').system('x')",
    "open('x', 'w')",
    "exec('1')",
    "eval('1')",
    "(lambda: 1)()",
    "[y for y in x]",
    "{y: 1 for y in x}",
    "(y := 3)",
    "f'{theta}'",
    "*x",
    "[*x]",
    "sum(*x)",
    "sum(**x)",
    "{1: 2}",
    "{1, 2}",
    "print(1)",
    "input()",
    "globals()",
    "len(x)",
    "np.load('x')",
    "np.load(1)",
    "load(1)",
    "np.save('x', x)",
    "np.savez(1, x)",
    "np.fromfile('x')",
    "np.memmap(1)",
    "np.loadtxt(1)",
    "np.genfromtxt(1)",
    "np.savetxt(1, x)",
    "np.random.rand(3)",
    "random.rand(3)",
    "np.array([x])",
    "np.lib.format.read_array(1)",
    "np.os.system(1)",
    "np.sys.exit()",
    "np.ctypeslib.load_library(1)",
    "np.testing.run_tests()",
    "np.f2py.compile(1)",
    "np.__builtins__",
    "np.__loader__",
    "np.vectorize(1)",
    "np.frompyfunc(1)",
    "np.fromfunction(1)",
    "np.test()",
    "np.seterr(1)",
    "np.add.reduce(x)",
    "np.exp.__class__",
    "tg.os",
    "tg.data.load_iris()",
    "tg.nn.np.load(1)",
    "tg.grad(1)",
    "tg.Value(1)",
    "tg.errors.DataError(1)",
    "tg.models.estimator.Path(1)",
    "tg.__loader__",
    "x.__reduce__()",
    "x.tofile(1)",
    "x.dump(1)",
    "X.T.tofile(1)",
    "(1).__class__",
    "np.core",
    "np.show_config()",
    "np.info(1)",
    "np.apply_along_axis(exit, 0, x)",
    "await x",
    "yield",
    "theta if 1 else exit()",
]


@pytest.mark.parametrize("text", DANGEROUS)
def test_nothing_but_arithmetic_is_ever_called(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert complaint(text).startswith("the formula")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "text",
    [
        "-" * 9000 + "1",
        "(" * 4000 + "1" + ")" * 4000,
        "1" + "+1" * 4900,
        "x" + "[0]" * 3000,
        "[" * 3000 + "]" * 3000,
        "~" * 9999,
        "exp(" * 150 + "1" + ")" * 150 + "+1" * 3000,
        "1" + "**1" * 3000,
        "x" + ".T" * 4000,
        "1<" * 4000 + "1",
        "a\0b",
        "\ud800",
        "\ufeff1",
        "x\u2028+ 1",
        "\x1b[31m",
        "1_" * 4000,
        "0x" + "f" * 9000,
        "not " * 2000 + "1",
        "1if 1else 2",
        "lambda " * 100,
    ],
)
def test_a_formula_that_is_made_to_break_the_parser_is_an_error_or_a_number(text):
    found = outcome(text)
    assert found.startswith("the formula") if isinstance(found, str) else np.asarray(found).dtype.kind in "fiu"


PIECES = (
    "theta x X t 0 1 2.5 1e-3 10**6 + - * / // % ** @ ( ) [ ] , : < > == & | ~ . .T np. exp sum( mean( where( axis= None True "
    "'a' lambda __import__ __class__ f'{x}' := if else for in not and is # \\ é ² θ relu( linalg. load( ..."
)


@given(st.lists(st.sampled_from(PIECES.split()), max_size=12))
@settings(max_examples=400, deadline=None)
def test_whatever_is_typed_comes_to_something_or_is_told(pieces):
    for joined in ("", " "):
        found = outcome(joined.join(pieces))
        assert not isinstance(found, str) or found.startswith("the formula")


@given(st.text(max_size=30))
@settings(max_examples=200, deadline=None)
def test_any_text_comes_to_something_or_is_told(text):
    found = outcome(text)
    assert not isinstance(found, str) or found.startswith("the formula")


def numbers():
    leaves = st.one_of(st.integers(-9, 9).map(str), st.floats(-9, 9).map(lambda x: f"{x:.3f}"), st.just("theta"))

    def larger(inner):
        pair = st.tuples(inner, st.sampled_from(["+", "-", "*", "/"]), inner).map(lambda parts: f"({' '.join(parts)})")
        return pair | inner.map(lambda one: f"-({one})") | inner.map(lambda one: f"sin({one})")

    return st.recursive(leaves, larger, max_leaves=10)


@given(numbers())
@settings(max_examples=200, deadline=None)
def test_arithmetic_is_that_of_python(text):
    try:
        right = eval(text, {"theta": 3.0, "sin": math.sin})
    except (ZeroDivisionError, OverflowError, ValueError):
        return
    np.testing.assert_allclose(value(text), right, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("text", "right"), [("-2", -2.0), ("1e-3", 1e-3), ("1/3", 1 / 3), ("[[1, 2], [3, 4]]", [[1, 2], [3, 4]]), ("2*pi", 2 * math.pi)]
)
def test_a_value_is_a_formula_without_names(text, right):
    found = constant(text, f"x={text}")
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, right)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "foo",
            "x=foo, column 1, foo: this is no number. A value is a number, a list as in [1, 2], or a file that",
        ),
        ("[1, [2, 3]]", "x=[1, [2, 3]]"),
        ("'a'", "no text"),
        ("3 4", "this is no formula"),
    ],
)
def test_a_value_that_is_no_number_is_told(text, said):
    with pytest.raises(DataError) as caught:
        constant(text, f"x={text}")
    assert said in str(caught.value)
