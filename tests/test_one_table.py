"""One table, no second list: what is to be known of an operation is said by its entry, or found out by trying it."""

import ast
import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import tinygrad_edu
import tinygrad_edu as tg
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.primitives import elementwise
from tinygrad_edu.primitives.primitive import Primitive, case
from tinygrad_edu.primitives.table import TABLE, operation


@pytest.fixture
def added():
    """Adds operations to the table, which is put back afterwards as it was."""
    saved = dict(TABLE.entries), dict(TABLE.functions)
    yield operation
    for present, before in zip((TABLE.entries, TABLE.functions), saved, strict=True):
        present.clear()
        present.update(before)


@pytest.fixture
def mirror(added):
    return added(
        lambda x: x[..., ::-1],
        lambda g, out, x: mirror_of(g),
        name="mirror", result="mirrored", shapes="there is an axis to turn round", cases=[case((3,)), case((2, 3))],
    )  # fmt: skip


def mirror_of(g):
    return TABLE.entries["mirror"](g)


def test_writing_into_the_compiled_result_of_an_operation_that_gives_a_view_leaves_the_argument_alone(mirror):
    x = np.arange(3.0)
    for compiled in (tg.compile(lambda x: mirror(x)), tg.compile(lambda x: mirror(mirror(x)))):
        result = compiled(x)
        result[:] = -1.0
        np.testing.assert_array_equal(x, [0, 1, 2])
        assert list(compiled(x)) in ([2, 1, 0], [0, 1, 2])


def test_a_line_of_a_program_is_called_what_the_entry_calls_its_result(mirror):
    source = tg.compile(lambda x: mirror(x) * mirror(x) + np.exp(mirror(x)))
    source(np.arange(3.0))
    assert "mirrored = mirror(x)" in source.source


def test_where_shapes_do_not_fit_the_message_says_what_the_entry_demands(added):
    def halves(x):
        if x.shape[-1] % 2:
            raise ValueError("odd")
        return x[..., ::2] + x[..., 1::2]

    entry = added(halves, None, name="halves", shapes="the last axis has an even length", cases=[case((4,))])
    with pytest.raises(
        ShapeError, match=r"'halves' failed on a Value of shape \(3,\): odd\. Note that the last axis has an even length\."
    ):
        entry(tg.Value([1.0, 2.0, 3.0]))


def test_that_shapes_broadcast_is_said_of_operations_that_work_element_by_element_and_of_no_others():
    with pytest.raises(ShapeError, match="shapes broadcast if"):
        tg.Value([1.0, 2.0]) + np.ones(3)
    with pytest.raises(ShapeError, match="'solve' failed") as error:
        np.linalg.solve(tg.Value(np.eye(2)), np.ones((3, 2)))
    assert "broadcast" not in str(error.value)


@pytest.mark.parametrize("f", [np.logaddexp, np.hypot, np.add, np.multiply])
def test_what_commutes_is_computed_once_in_either_order(f):
    compiled = tg.compile(lambda x, y: f(x, y) - f(y, x) + np.exp(f(x, y)))
    a, b = np.array([1.0, 2.0]), np.array([0.5, 3.0])
    np.testing.assert_allclose(compiled(a, b), np.exp(f(a, b)), rtol=1e-14)
    body = compiled.source.partition('"""')[2]
    assert body.count("x, y") + body.count("y, x") + body.count("x + y") + body.count("y + x") + body.count("x * y") <= 2, body


@pytest.mark.parametrize("f", [np.arctan2, np.maximum, np.copysign, np.subtract])
def test_what_does_not_commute_for_all_numbers_keeps_its_order(f):
    x, y = np.array([0.0, -0.0, 2.0]), np.array([-0.0, 0.0, 3.0])
    there, back = tg.compile(lambda x, y: (f(x, y), f(y, x)))(x, y)
    for got, expected in ((there, f(x, y)), (back, f(y, x))):
        np.testing.assert_array_equal(got, expected)
        np.testing.assert_array_equal(np.signbit(got), np.signbit(expected))


def test_a_single_number_comes_out_of_a_compiled_operation_as_a_number_whatever_numpy_makes_of_it(added):
    entry = added(lambda x: np.asarray(x), lambda g, out, x: g, name="wrapped", numpy=[])
    compiled = tg.compile(lambda x: entry(x))
    assert type(compiled(np.float64(2.0))) is np.float64


# --- nobody else knows an operation by its name ------------------------------------------------------------------------------

ROOT = Path(tinygrad_edu.__file__).parent

# The one place where operations are told apart by what they are: the identities between them.
IDENTITIES = "compiler.identities"

# Strings that are some entry's name and mean something else, by the folder or module in which they stand.
OTHER_MEANINGS = {
    "command_line": {
        "softmax",
        "step",
        "maximum",
        "minimum",
    },  # a model that --model names, one of descent, where a parabola has it
    "command_line.formulas": {"max", "min", "sqrt"},  # Python's own two, and what is written for √
    "compiler": {"reshape", "stack", "add", "mod", "real"},  # functions of NumPy's, as they are written, and __add__ and __mod__
    "explainer": {"minimum", "dot", "step"},  # where a parabola has it, a program of Graphviz's, and one of gradient descent
    # what is wrong with an answer; a stage of a network; answers to the question which operation made a NaN
    "course": {"log", "power", "relu", "sign", "sqrt", "subtract", "sum"},
    "graph": {"gamma"},  # a Greek letter
    "graph.mathml_notation": {"gamma", "max", "min", "mod", "prod", "sqrt", "sum"},  # words of LaTeX's
    "models": {"log", "step", "relu", "tanh"},  # a scale of an axis, a step of gradient descent, and what activation= may be
    "nn": {"mean", "sum", "tanh", "relu"},  # what reduction=, nonlinearity= and approximate= may be
    "optim": {"mean"},  # what Adam remembers
    "testing": {"mean", "sign", "sum"},  # what is wrong with a gradient
    "training": {"log"},  # a scale of an axis
}

# By what it is an operation is told from others here: the compiler lays out arrays (it repeats, reshapes, cuts, converts, adds in
# place) and collects factors and terms, and so do formulas; a diagnosis of dead ReLUs looks for ReLUs. What is not of that kind has
# to be said by the entry.
TOLD_APART = {
    "compiler": {
        "add", "broadcast_to", "cast", "concatenate", "divide", "index", "logsumexp", "matmul", "mean", "mod", "multiply",
        "negative", "power", "reshape", "scatter", "stack", "subtract", "sum", "transpose",
    },
    "explainer": {"index"},
    "graph": {"add", "divide", "multiply", "negative", "power", "subtract", "transpose", "where"},
    "training": {"relu"},
}  # fmt: skip


def modules():
    for path in sorted(ROOT.rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        if not name.startswith("primitives."):
            yield name, ast.parse(path.read_text(encoding="utf-8"))


def named_in(tree):
    """The strings of a module that are the names of entries; parameters are named, too, and some like an entry."""
    names = TABLE.entries.keys() - {parameter for entry in TABLE for parameter in entry.parameters}
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and node.value in names}


def told_apart_in(tree, around):
    """The entries that a module compares something with, or looks up by."""
    asked = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            asked += [node.left, *node.comparators]
        elif isinstance(node, ast.Set):
            asked += node.elts
        elif isinstance(node, ast.Dict):
            asked += node.keys
        elif isinstance(node, ast.MatchValue):
            asked.append(node.value)
    parts = [part for each in asked if each is not None for part in (each.elts if isinstance(each, ast.Tuple) else [each])]
    found = {referred(part, around) for part in parts}
    return {entry.name for entry in found if isinstance(entry, Primitive) and TABLE.entries.get(entry.name) is entry}


def referred(node, around):
    """What a name, or an attribute of a module, stands for."""
    if isinstance(node, ast.Name):
        thing = around.get(node.id)
    elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and isinstance(around.get(node.value.id), ModuleType):
        thing = getattr(around[node.value.id], node.attr, None)
    else:
        return None
    return thing if isinstance(thing, Primitive) else None


MODULES = dict(modules())


def folder(name):
    return name.partition(".")[0]


def around(name):
    return vars(importlib.import_module(f"tinygrad_edu.{name}".removesuffix(".__init__")))


@pytest.mark.parametrize("name", MODULES)
def test_no_module_but_the_table_names_an_operation(name):
    public = set(around(name).get("__all__", ()))
    assert named_in(MODULES[name]) - public <= OTHER_MEANINGS.get(name, OTHER_MEANINGS.get(folder(name), set()))


@pytest.mark.parametrize("name", [name for name in MODULES if name not in (IDENTITIES, "__main__")])
def test_operations_are_told_apart_by_what_they_are_only_where_arrays_are_laid_out_and_terms_collected(name):
    assert told_apart_in(MODULES[name], around(name)) <= TOLD_APART.get(folder(name), set())


@pytest.mark.parametrize("room", TOLD_APART)
def test_the_list_of_those_that_are_told_apart_has_none_for_which_nobody_asks(room):
    asked = (told_apart_in(MODULES[name], around(name)) for name in MODULES if folder(name) == room and name != IDENTITIES)
    assert set().union(*asked) == TOLD_APART[room]


@pytest.mark.parametrize(
    "planted",
    [
        'is_sum = node.primitive.name == "sum"',
        'ADVICE = {"matmul": "the last axis"}',
        'f = TABLE.entries["tanh"]',
        'if name in ("relu", "softplus"): pass',
    ],
)
def test_a_name_that_is_planted_is_found(planted):
    assert named_in(ast.parse(planted))


@pytest.mark.parametrize(
    "planted",
    [
        "node.primitive is exp",
        "node.primitive not in (elementwise.exp, elementwise.log)",
        "KINDS = {exp, elementwise.log}",
        "WRITTEN = {elementwise.exp: 'e'}",
        "match node.primitive:\n    case elementwise.exp: pass",
    ],
)
def test_a_question_whether_it_is_this_operation_that_is_planted_is_found(planted):
    assert "exp" in told_apart_in(ast.parse(planted), {"exp": elementwise.exp, "elementwise": elementwise})


def test_to_apply_an_operation_is_not_to_tell_it_apart():
    applied = "result = exp(x) if exp(x) > 0 else record(elementwise.exp, (x,), {'kind': elementwise.exp})"
    assert told_apart_in(ast.parse(applied), {"exp": elementwise.exp, "elementwise": elementwise}) == set()
