"""Whatever is passed to a public function, the answer is a result, or an error that is meant for the user.

These are the errors of `tinygrad_edu.errors`, and NumPy's own. A sample of all calls is made; with EXHAUSTIVE=1 all of them.
"""

import datetime
import decimal
import fractions
import inspect
import itertools
import signal
import warnings
from functools import partial

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.profile import sampled
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import DataError, TinygradError
from tinygrad_edu.primitives.table import TABLE, numpy_name


class Hostile:
    """An object that fails at whatever it is asked."""

    def __array__(self, dtype=None, copy=None):
        raise ValueError("no array")

    def __len__(self):
        raise TypeError("no length")


class Odd(float):
    pass


def nested(depth):
    made = 1.0
    for _ in range(depth):
        made = [made]
    return made


def within_itself():
    made = [1.0]
    made.append(made)
    return made


# Made anew for each call, since some can be used up or changed.
STRANGE = {
    "None": lambda: None,
    "True": lambda: True,
    "False": lambda: False,
    "Ellipsis": lambda: ...,
    "NotImplemented": lambda: NotImplemented,
    "0": lambda: 0,
    "-1": lambda: -1,
    "3": lambda: 3,
    "2**63": lambda: 2**63,
    "2**64": lambda: 2**64,
    "-2**70": lambda: -(2**70),
    "10**400": lambda: 10**400,
    "-10**400": lambda: -(10**400),
    "[10**400]": lambda: [10**400],
    "0.5": lambda: 0.5,
    "-0.0": lambda: -0.0,
    "1e308": lambda: 1e308,
    "inf": lambda: np.inf,
    "-inf": lambda: -np.inf,
    "nan": lambda: np.nan,
    "1j": lambda: 1j,
    "complex array": lambda: np.ones(2) * 1j,
    "text": lambda: "abc",
    "empty text": lambda: "",
    "number as text": lambda: "1.5",
    "bytes": lambda: b"abc",
    "False as text": lambda: "False",
    "[]": list,
    "()": lambda: (),
    "{}": dict,
    "set()": lambda: set(),
    "{1, 2}": lambda: {1, 2},
    "[1, 2]": lambda: [1, 2],
    "(1.0,)": lambda: (1.0,),
    "[[1, 2], [3]]": lambda: [[1, 2], [3]],
    "[None]": lambda: [None],
    "['a']": lambda: ["a"],
    "[1, 'a']": lambda: [1, "a"],
    "{'a': 1.0}": lambda: {"a": 1.0},
    "{1: None}": lambda: {1: None},
    "nested 40": lambda: nested(40),
    "nested 400": lambda: nested(400),
    "nested 5000": lambda: nested(5000),
    "within itself": within_itself,
    "generator": lambda: (x for x in (1.0, 2.0)),
    "iterator": lambda: iter([1, 2]),
    "range": lambda: range(3),
    "slice": lambda: slice(1, None),
    "function": lambda: lambda *a, **k: None,
    "function with a result": lambda: lambda *a, **k: 1.0,
    "type": lambda: int,
    "float type": lambda: np.float64,
    "dtype": lambda: np.dtype("f4"),
    "module": lambda: itertools,
    "object": object,
    "class": lambda: Hostile,
    "hostile": Hostile,
    "odd float": lambda: Odd(1.5),
    "Decimal": lambda: decimal.Decimal("1.5"),
    "Fraction": lambda: fractions.Fraction(1, 3),
    "date": lambda: datetime.date(2024, 1, 1),
    "zeros(0)": lambda: np.zeros(0),
    "zeros (0, 3)": lambda: np.zeros((0, 3)),
    "int array": lambda: np.arange(3),
    "bool array": lambda: np.array([True, False]),
    "uint8": lambda: np.uint8(200),
    "int64": lambda: np.int64(2),
    "bool_": lambda: np.bool_(True),
    "float16": lambda: np.ones(2, np.float16),
    "longdouble": lambda: np.longdouble(1.5),
    "text array": lambda: np.array(["a", "b"]),
    "object array": lambda: np.array([None, 1.0], dtype=object),
    "array of Values": lambda: [Value(1.0), Value(2.0)],
    "datetime64": lambda: np.array(["2024-01-01"], "M8[D]"),
    "structured": lambda: np.zeros(2, [("a", float)]),
    "masked": lambda: np.ma.array([1.0, 2.0], mask=[0, 1]),
    "matrix 2x2": lambda: np.eye(2),
    "3 axes": lambda: np.ones((2, 2, 2)),
    "zero axes": lambda: np.array(1.5),
    "Value": lambda: Value([1.0, 2.0]),
    "single Value": lambda: Value(2.0),
    "constant Value": lambda: Value([1.0], requires_grad=False),
    "empty Value": lambda: Value(np.zeros(0)),
    "computed Value": lambda: Value(2.0) * 3,
    "exception": lambda: ValueError("x"),
}


def good():
    return Value([[1.0, 2.0], [3.0, 5.0]], name="x")


def public_functions():
    """By name. Classes of results and of errors are left out."""
    found = {}
    for space in (tg, tg.nn, tg.optim, tg.data, tg.training, tg.models, tg.testing):
        for name in space.__all__:
            thing = getattr(space, name)
            is_result = isinstance(thing, type) and space is tg and thing is not Value
            if callable(thing) and not inspect.isabstract(thing) and not is_result:
                found[f"{space.__name__}.{name}".replace("tinygrad_edu", "tg")] = thing
    for name in ("LinearRegression", "LogisticRegression", "Perceptron"):
        found[f"{name}.fit"] = partial(lambda model, *a, **k: model(max_epochs=3).fit(*a, **k), getattr(tg.models, name))
    operators = [
        "add",
        "sub",
        "mul",
        "truediv",
        "floordiv",
        "mod",
        "pow",
        "matmul",
        "getitem",
        "lt",
        "eq",
        "and",
        "rpow",
        "rmatmul",
    ]
    for name in [*(f"__{name}__" for name in operators), *(name for name in dir(Value) if not name.startswith("_"))]:
        if callable(getattr(Value, name)):
            found[f"Value.{name}"] = partial(lambda method, *a, **k: getattr(good(), method)(*a, **k), name)
    return found | {numpy_name(function): function for function in TABLE.functions}


FUNCTIONS = public_functions()
NUMPY = {numpy_name(function) for function in TABLE.functions}

FINE = (TinygradError, ValueError, TypeError, np.linalg.LinAlgError, IndexError, MemoryError)


def calls_of(name):
    """The ways in which a strange argument is passed: alone, before and after a good one, and by name."""
    if name not in NUMPY:
        yield "alone", lambda f, s: f(s)
    yield "after", lambda f, s: f(good(), s)
    if name in NUMPY:
        if isinstance(FUNCTIONS[name], np.ufunc):  # otherwise NumPy itself is asked, which looks for Values in the first place only
            yield "before", lambda f, s: f(s, good())
        yield "third", lambda f, s: f(good(), good(), s)
    try:
        parameters = list(inspect.signature(FUNCTIONS[name]).parameters.values())
    except (TypeError, ValueError):
        return
    for p in parameters:
        if p.kind is p.KEYWORD_ONLY or (p.kind is p.POSITIONAL_OR_KEYWORD and p.default is not p.empty):
            yield f"{p.name}=", lambda f, s, key=p.name: f(good(), **{key: s})
            if name in NUMPY or name.startswith("tg."):
                yield f"2, {p.name}=", lambda f, s, key=p.name: f(good(), good(), **{key: s})


def outcome(name, call, strange):
    def too_long(*_):
        raise KeyboardInterrupt("it never ends")

    before = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(20)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            result = call(FUNCTIONS[name], STRANGE[strange]())
            assert not isinstance(result, Value) or repr(result)
            return "result"
    except FINE:
        return "error"
    except BaseException as error:
        return f"{type(error).__name__}: {str(error)[:110]}"
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


GRID = [(name, way, strange) for name in FUNCTIONS for way, _ in calls_of(name) for strange in STRANGE]
PARTS = 8


@pytest.mark.parametrize("part", range(PARTS))
def test_whatever_is_passed_to_a_public_function_the_answer_is_a_result_or_a_clear_error(part):
    answers = {}
    for name, way, strange in sampled(GRID, 12_000)[part::PARTS]:
        answer = outcome(name, dict(calls_of(name))[way], strange)
        if answer not in ("result", "error"):
            answers[f"{name}, {strange} {way}"] = answer
    assert not answers


class Series:
    """Like that of pandas: a vector whose elements are found by labels of its own."""

    shape, ndim, size, dtype = (3,), 1, 3, np.dtype(float)

    def __array__(self, dtype=None, copy=None):
        return np.array([1.0, 2.0, 4.0])

    def __len__(self):
        return 3

    def __getitem__(self, label):
        raise KeyError(label)


def test_points_may_have_an_index_of_their_own():
    assert tg.grad(lambda x: np.interp(x, Series(), Series()))(1.5) == 1.0
    np.testing.assert_array_equal(np.interp(Series(), Value([1.0, 2.0, 4.0]), Series()).numpy(), [1, 2, 4])


HUGE = 10**400


def fitted(model):
    return model.fit([[1.0]], [1])


REFUSED = {
    "Value": (lambda: Value(HUGE), "the number 1000.* is too large"),
    "Value, too long to be shown": (lambda: Value(10**5000), "too large for a floating-point number"),
    "sum": (lambda: Value(1.0) + HUGE, "'add' failed on .*too large"),
    "difference": (lambda: HUGE - Value(1.0), "'subtract' failed on .*too large"),
    "product, too long to be shown": (lambda: Value([1.0]) * 10**5000, "'multiply' failed on .*too large"),
    "comparison": (lambda: Value(1.0) < HUGE, r"np\.less does not take these arguments \(Value, int\): .*too large"),
    "axis": (lambda: np.sum(Value([1.0]), axis=HUGE), "'sum' failed on .*too large"),
    "relu": (lambda: tg.relu(HUGE), "'relu' failed: .*too large"),
    "learning rate": (lambda: tg.optim.SGD([Value(1.0)], lr=HUGE), r"lr must be a finite number at least 0, but is 1000"),
    "betas": (lambda: tg.optim.Adam([Value(1.0)], betas=(HUGE, 0.9)), r"betas\[0\] must be a finite number"),
    "epochs": (lambda: fitted(tg.models.Perceptron(max_epochs=2**70)), "max_epochs must be a whole number .* at most 1000000000"),
    "order": (lambda: tg.testing.check_grads(np.sin, (1.0,), order=np.inf), "order must be a whole number .* at most 10"),
    "order 1.5": (lambda: tg.testing.check_grads(np.sin, (1.0,), order=1.5), r"order must be a whole number .* but is 1\.5"),
    "fit_intercept": (lambda: fitted(tg.models.LinearRegression(fit_intercept="no")), "fit_intercept must be True or False"),
    "shuffle": (lambda: fitted(tg.models.Perceptron(shuffle="no")), "shuffle must be True or False, but is 'no'"),
    "nesterov": (lambda: tg.optim.SGD([Value(1.0)], 0.1, momentum=0.9, nesterov="no"), "nesterov must be True or False"),
    "has_aux of vjp": (lambda: tg.vjp(np.sin, 1.0, has_aux="no"), "has_aux must be True or False, but is 'no'"),
    "has_aux of grad": (lambda: tg.grad(np.sin, has_aux=1), "has_aux must be True or False, but is 1"),
    "compile of a number": (lambda: tg.compile(3), "takes a function, but got 3"),
    "vjp of None": (lambda: tg.vjp(None, 1.0), "takes a function, but got None"),
    "jvp of None": (lambda: tg.jvp(None, 1.0, 1.0), "takes a function, but got None"),
    "linearize of None": (lambda: tg.linearize(None, 1.0), "takes a function, but got None"),
    "hvp of None": (lambda: tg.hvp(None, 1.0, 1.0), "takes a function, but got None"),
    "checkpoint of None": (lambda: tg.checkpoint(None), "takes a function, but got None"),
    "split": (lambda: np.split(Value([1.0, 2.0]), Value(1.0)), "no index or count"),
    "split at several": (lambda: np.split(Value([1.0, 2.0]), [Value(1.0)]), "no index or count"),
    "insert": (lambda: np.insert(Value([1.0, 2.0]), Value(1.0), 0.0), "no index or count"),
    "delete": (lambda: np.delete(Value([1.0, 2.0]), Value(1.0)), "no index or count"),
    "delete from an array": (lambda: np.delete(np.ones(2), Value(1.0)), "no index or count"),
}  # fmt: skip


@pytest.mark.parametrize(("call", "message"), REFUSED.values(), ids=REFUSED)
def test_bad_input_is_refused_where_it_enters(call, message):
    with pytest.raises(DataError, match=message):
        call()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # PyTorch's tensors do not know all that NumPy asks
def test_a_tensor_of_pytorch_with_a_gradient_is_told_to_be_detached():
    torch = pytest.importorskip("torch")
    tensor = torch.ones(2, requires_grad=True)
    for call in (
        lambda: Value(tensor),
        lambda: np.add(Value([1.0, 2.0]), tensor),
        lambda: np.stack([Value([1.0, 2.0]), tensor]),
        lambda: tg.grad(np.sum)(tensor),
        lambda: tg.nn.half_squared_error(Value([1.0, 2.0]), tensor),
        lambda: tg.models.LinearRegression().fit(tensor.reshape(2, 1), tensor),
    ):
        with pytest.raises(DataError, match=r"tensor\.detach\(\)"):
            call()


def test_an_error_in_a_function_of_the_users_stays_what_it_is():
    def wrong(row):
        return row.nothing

    with pytest.raises(AttributeError, match="nothing") as caught:
        np.apply_along_axis(wrong, 0, Value([1.0, 2.0]))
    assert type(caught.value) is AttributeError


def test_flags_may_be_those_of_numpy():
    assert tg.models.LinearRegression(fit_intercept=np.False_).fit([[1.0], [2.0]], [2.0, 4.0]).intercept_ == 0


def test_softmax_and_logsumexp_take_integers():
    np.testing.assert_allclose(tg.softmax([0, 0]), [0.5, 0.5])
    assert tg.logsumexp(np.array([3], np.uint8)) == 3.0
