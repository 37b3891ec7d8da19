"""Whatever things are called, a generated program is made of names that were checked and literals that were escaped."""

import ast
import dataclasses
import datetime
import enum
import sys
from collections import namedtuple

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.graph.source import docstring, identifier, literal

RUN = "__import__('tests_ran').append('ran')"

HOSTILE = [
    "__import__('os').system('echo ran') or np.sin",
    f'"""; {RUN}; """',
    f"''' + {RUN} + '''",
    f"x); {RUN}; (",
    f"x\n{RUN}",
    f"x\\\n{RUN}",
    f"x\r{RUN}",
    f"x\x0c{RUN}",
    f"x\x00{RUN}",
    f"{{{RUN}}}",
    "{0}",
    "{inputs}",
    "\\",
    "\\N{BELL}",
    '"',
    "'",
    '"""',
    "#",
    "&amp;",
    "return",
    "None",
    "lambda: 0",
    "np",
    "float",
    "print",
    "_tg_choose",
    "𝐱",
    "ⅸ",
    "ﬁ",
    "𝐧𝐩",
    "ʰ",
    "·",
    "٣",
    "x·y",
    "\u202ex",
    "\ud800",
    "",
    " ",
    "θ₁",
    "a" * 500,
]

every_hostile_text = pytest.mark.parametrize("text", HOSTILE, ids=ascii)


def runs(source, *args):
    """What the source gives when it is pasted elsewhere, and whether nothing but it ran."""
    scope: dict = {}
    exec(source.encode("utf-8", "replace").decode(), scope)  # a lone surrogate cannot be saved
    function = next(x for x in reversed(scope.values()) if callable(x) and getattr(x, "__module__", "") != "numpy")
    return function(*args)


@pytest.fixture(autouse=True)
def nothing_runs(monkeypatch):
    """A module that notes that a text was run."""
    ran: list[str] = []
    monkeypatch.setitem(sys.modules, "tests_ran", ran)
    yield
    assert ran == []


@every_hostile_text
def test_a_text_becomes_an_identifier(text):
    name = identifier(text)
    assert name.isidentifier()
    scope: dict = {}
    exec(f"{name} = 1", scope)
    assert scope[name] == 1  # and not under another name, as 𝐱 would be


@every_hostile_text
def test_a_text_between_triple_quotes_is_that_text(text):
    read = ast.literal_eval(docstring(text).encode("utf-8", "backslashreplace").decode())
    assert read == text or ascii(text) != repr(text)  # what cannot be printed is shown by its number
    assert isinstance(read, str)


@every_hostile_text
def test_the_name_of_a_value_is_a_name_in_the_source(text):
    outside = tg.Value(2.0, name=text)
    step = tg.compile(tg.value_and_grad(lambda x: np.sum((x * outside).named(text) ** 2)))
    value, gradient = step(np.array([1.0, 2.0]))
    assert (value, gradient.tolist()) == (20.0, [8.0, 16.0])
    value, gradient = runs(step.source, np.array([1.0, 2.0]), 2.0)
    assert (value, gradient.tolist()) == (20.0, [8.0, 16.0])


@every_hostile_text
@pytest.mark.parametrize("target", ["numpy", "jax"])
def test_a_key_is_text_in_the_source(text, target):
    step = tg.compile(tg.grad(lambda params: np.sum(params[text] ** 2)), target=target)
    for _ in range(2):
        gradient = step({text: np.array([1.0, 2.0])})
        assert list(gradient) == [text]
        assert gradient[text].tolist() == [2.0, 4.0]
    pasted = runs(step.source, np.array([1.0, 2.0]))
    assert [np.asarray(x).tolist() for x in pasted.values()] == [[2.0, 4.0]]


@every_hostile_text
def test_the_name_of_a_function_is_a_name_in_the_source(text):
    def f(x):
        return x * x

    f.__name__ = f.__qualname__ = text
    step = tg.compile(tg.grad(f))
    assert step(3.0) == 6.0
    assert runs(step.source, 3.0) == 6.0


@every_hostile_text
def test_the_name_of_an_operation_is_a_name_in_the_source(text):
    square = tg.primitive(lambda x: x * x, lambda g, out, x: 2 * g * x, name=text or "square")
    step = tg.compile(tg.grad(lambda x: np.sum(square(square(x)))))
    assert step(np.array([1.0, 2.0])).tolist() == [4.0, 32.0]
    ast.parse(step.source.encode("utf-8", "replace").decode())


class Setting:
    """Not to be written down."""

    def __init__(self, text):
        self.text = text

    def __repr__(self):
        return self.text

    __call__ = None


class Loud(str):
    def __repr__(self):
        return str(self)


class Color(enum.IntEnum):
    RED = 2


@every_hostile_text
def test_a_static_thing_is_itself_whatever_its_repr_says(text):
    def forward(x, how, loud, color):
        assert isinstance(how, Setting)
        assert type(loud) is Loud
        assert color is Color.RED
        return x * color

    double = tg.primitive(forward, lambda g, out, x, how, loud, color: g * color)
    setting = Setting(text)
    step = tg.compile(tg.grad(lambda x: np.sum(double(x, how=setting, loud=Loud(text), color=Color.RED) ** 2)))
    assert step(np.array([1.0])).tolist() == [8.0]
    ast.parse(step.source.encode("utf-8", "replace").decode())
    returned = tg.compile(lambda x: {"x": 2 * x, "how": setting, "loud": Loud(text)})(1.0)
    assert returned["how"] is setting
    assert type(returned["loud"]) is Loud


@every_hostile_text
def test_a_type_of_any_name_is_returned(text):
    if "\x00" not in text:
        pair = type(namedtuple("Pair", "first second")(1, 2))
        try:
            pair.__name__ = text
        except UnicodeEncodeError:  # Python itself refuses a lone surrogate
            return
        step = tg.compile(lambda x: pair(x, 2 * x))
        assert step(3.0) == (3.0, 6.0)
        assert tuple(runs(step.source, 3.0)) == (3.0, 6.0)


@pytest.mark.parametrize("field", ["𝐱", "ﬁ", "np", "print"])
def test_a_field_of_any_name_is_returned(field):
    if identifier(field) == field:  # Python's dataclasses have no others
        record = dataclasses.make_dataclass("Record", [field])
        step = tg.compile(tg.grad(lambda r: getattr(r, field) ** 2))
        assert getattr(step(record(3.0)), field) == 6.0
    tuple_type = namedtuple("Record", [field])
    assert tuple(tg.compile(lambda x: tuple_type(2 * x))(3.0)) == (6.0,)


def test_a_parameter_is_read_as_python_reads_it():
    scope = {"np": np}
    exec("def f(𝐱, ﬁ): return 𝐱 * ﬁ", scope)
    assert tg.compile(tg.grad(scope["f"], argnums=(0, 1)))(2.0, 3.0) == (3.0, 2.0)


def test_a_date_is_returned_as_it_is():
    day = datetime.datetime(2024, 2, 29)
    step = tg.compile(lambda x: (2 * x, day, {"day": day}))
    for _ in range(2):
        assert step(1.0) == (2.0, day, {"day": day})


@every_hostile_text
def test_a_keyword_of_an_operation_is_itself(text):
    double = tg.primitive(lambda x, **how: x * how[text], lambda g, out, x, **how: g * how[text], name="scaled")
    assert tg.compile(tg.grad(lambda x: np.sum(double(x, **{text: 2.0}))))(np.ones(2)).tolist() == [2.0, 2.0]


def test_what_cannot_be_typed_is_called_by_its_type():
    assert ast.unparse(literal(Setting("x + y"))) == "Setting"
    assert ast.unparse(literal(Loud("x"))) == "'x'"
    assert ast.unparse(literal(Color.RED)) == "2"


class Alike:
    """A key that is written as all of its kind are."""

    def __init__(self, number):
        self.number = number

    def __repr__(self):
        return "Alike"


@pytest.mark.parametrize("target", ["numpy", "jax"])
def test_keys_that_are_written_alike_stay_two(target):
    first, second = Alike(1), Alike(2)
    params = {first: np.array([1.0, 2.0]), second: np.array([5.0])}

    def loss(params):
        return np.sum(params[first] ** 2) + 3.0 * np.sum(params[second])

    step = tg.compile(tg.value_and_grad(loss), target=target)
    for _ in range(2):
        value, gradient = step(params)
        assert value == 20.0
        assert list(gradient) == [first, second]
        assert gradient[first].tolist() == [2.0, 4.0]
        assert gradient[second].tolist() == [3.0]
    assert tg.jvp(loss, (params,), ({first: np.array([0.0, 1.0]), second: np.array([1.0])},))[1] == 7.0


class Evasive:
    """It has every attribute that it is asked for."""

    def __getattr__(self, name):
        return 42

    def __call__(self, x):
        return 3.0 * x


class Nameless:
    name = __name__ = None

    def __call__(self, x):
        return 3.0 * x


@pytest.mark.parametrize("f", [Evasive(), Nameless()])
def test_what_has_no_text_for_a_name_is_called_by_its_type(f):
    compiled = tg.compile(f)
    assert (compiled(2.0), compiled(2.0)) == (6.0, 6.0)
    assert f"def {type(f).__name__}(" in compiled.source
    assert tg.primitive(f, lambda g, out, x: 3.0 * g).name == type(f).__name__


MACHINERY = [
    "_tg_choose",
    "_tg_type",
    "_tg_len",
    "_tg_tuple",
    "_tg_is_free",
    "_tg_are_unchanged",
    "_tg_run_5",
    "_tg_like_5",
    "_tg_default_x",
    "__tg_type",
    "_tg_compiled",
    "_tg_config",
    "_tg_results",
    "_tg_value_of_x",
    "_compiled",
    "_config",
    "_results",
    "jax",
    "entry",
    "run",
    "slice",
]


@pytest.mark.parametrize("target", ["numpy", "jax"])
@pytest.mark.parametrize("name", MACHINERY)
def test_a_parameter_may_be_called_as_the_machinery_is(name, target):
    outside = tg.Value(10.0, name="x")
    scope = {"np": np, "outside": outside, "erf": tg.erf}
    exec(f"def f({name}, pair, way='up'): return erf({name}) + pair[0] * outside * np.float64(1.0)", scope)
    step = tg.compile(tg.grad(scope["f"]), target=target)
    for _ in range(3):
        assert float(step(1.0, (np.float64(2.0), 1.0))) == pytest.approx(2 / np.sqrt(np.pi) / np.e, rel=1e-12)
    step = tg.compile(scope["f"], target=target)
    for number in (10.0, 20.0):
        outside.data = number
        assert float(step(0.0, (np.float64(2.0), 1.0))) == 2 * number


# --- what transforms return ------------------------------------------------------------------------------------------------------


def squared_sine(x):
    return np.sin(x) ** 2


def body_of(f, *arguments):
    compiled = tg.compile(f)
    np.testing.assert_allclose(compiled(*arguments), f(*arguments), rtol=1e-12)
    return compiled.source[compiled.source.rindex('"""') + 4 :].splitlines()


def test_a_gradient_is_called_as_the_variable_that_it_is_bound_to():
    def newton(x):
        slope, curvature = tg.grad(squared_sine)(x), tg.grad(tg.grad(squared_sine))(x)
        return x - slope / curvature + slope

    lines = body_of(newton, 0.3)
    assert {"    slope", "    curvature"} <= {line.split(" = ")[0] for line in lines}
    assert not any("d_x" in line for line in lines)


@pytest.mark.parametrize("rounds", [3, 30])
def test_a_variable_that_takes_the_gradient_of_itself_keeps_its_name(rounds):
    def repeated(x):
        for _ in range(rounds):
            x = tg.grad(squared_sine)(x)
        return x

    lines = body_of(repeated, 0.3)
    if rounds == 3:
        assert [line.split(" = ")[0].strip() for line in lines[:-1]] == ["x_2", "x_3", "x_4"]
    else:
        assert "        x = 2.0 * np.sin(x) * np.cos(x)" in lines


def test_a_gradient_that_no_variable_holds_is_called_after_what_it_is_for():
    assert body_of(lambda w: tg.grad(squared_sine)(w) ** 2 + tg.grad(squared_sine)(w), 0.3)[0].startswith("    d_x = ")


def test_of_operations_of_one_kind_each_is_called_after_what_it_is_done_to():
    def gated(z, c):
        i, f = z[:2], z[2:]
        return np.sum(tg.sigmoid(f) * c + tg.sigmoid(i) * np.tanh(i) + np.tanh(f))

    compiled = tg.compile(tg.grad(gated))
    compiled(np.ones(4), np.ones(2))
    names = {line.split(" = ")[0].strip() for line in compiled.source.splitlines()}
    assert {"sigmoid_i", "sigmoid_f"} <= names
    assert not {"sigmoid_2", "sigmoid_3", "tanh_2"} & names


def test_the_parameters_of_a_module_that_is_returned_are_called_after_their_places():
    model = tg.nn.Sequential(tg.nn.Linear(2, 2, rng=0), np.tanh, tg.nn.Linear(2, 1, bias=False, rng=1))
    optimizer = tg.optim.SGD(lr=0.1)

    @tg.compile
    def step(model, state, X):
        return optimizer.update(model, tg.grad(lambda model: np.sum(model(X)))(model), state)

    step(model, optimizer.init(model), np.ones((3, 2)))
    for name in ("weight_0", "bias_0", "weight_2"):
        assert f"    {name} = model_{name[-1]}_{name[:-2]} - 0.1 * " in step.source
    assert "thing" not in step.source


def test_what_a_named_tuple_is_made_of_is_not_called_after_its_fields():
    Pair = namedtuple("Pair", ["first", "second"])
    compiled = tg.compile(lambda x: (lambda pair: pair[0] ** 3 + np.exp(pair[0]))(Pair(np.tanh(x), 1.0)))
    compiled(np.ones(2))
    assert "    tanh = np.tanh(x)" in compiled.source
