"""Every entry of the op table, checked by what the entry says about itself. Nothing here lists the operations."""

import ast
from functools import partial

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import DataError, GradientCheckError
from tinygrad_edu.graph.source import expression
from tinygrad_edu.primitives.primitive import Jointly, Primitive, case
from tinygrad_edu.primitives.table import TABLE, composition, operation
from tinygrad_edu.testing import check_grads, check_operation, in_real_numbers, samples

ENTRIES = pytest.mark.parametrize("entry", list(TABLE), ids=lambda entry: entry.name)
DIFFERENTIABLE = pytest.mark.parametrize("entry", [e for e in TABLE if e.is_differentiable], ids=lambda entry: entry.name)


@ENTRIES
def test_every_operation_gives_what_numpy_gives_and_has_right_rules_to_second_order(entry):
    check_operation(entry, order=2)


# An ellipsis says that the printed form leaves something out; and scatter, which NumPy has no function for, has none.
PRINTED = [e for e in TABLE if "..." not in e.code and (e.code or e.numpy)]


@pytest.mark.parametrize("entry", PRINTED, ids=lambda entry: entry.name)
def test_the_printed_numpy_code_of_an_operation_computes_it(entry):
    for sample in samples(entry):
        names = [f"x{i}" for i in range(len(sample.inputs))]
        params = {key: ast.Name(key) for key in sample.params}
        source = ast.unparse(expression(entry, [ast.Name(name) for name in names], params))
        scope = {"np": np, entry.name: entry.forward, **dict(zip(names, sample.inputs, strict=True)), **sample.params}
        np.testing.assert_allclose(eval(source, scope), entry.forward(*sample.inputs, **sample.params), rtol=1e-14, atol=1e-300)


@DIFFERENTIABLE
def test_float32_stays_float32_forward_and_backward_where_it_does_in_numpy(entry):
    for sample in samples(entry):
        if "dtype" in sample.params:
            continue  # an operation that is there to change the dtype
        inputs = [Value(x, dtype=np.float32) if rule else x for x, rule in zip(sample.inputs, sample.has_rule, strict=True)]
        result = in_real_numbers(entry(*inputs, **sample.params))
        arrays = [x.numpy() if isinstance(x, Value) else x for x in inputs]
        numpys = [in_real_numbers(function(*arrays, **sample.params)).dtype for function in entry.numpy]  # float_power's is float64
        assert result.dtype == (numpys[0] if numpys else np.float32)
        result.backward(np.ones(result.shape))
        for x in inputs:
            if isinstance(x, Value):
                assert (x.grad.dtype, x.grad.shape) == (np.float32, x.shape)


@DIFFERENTIABLE
def test_each_gradient_has_the_shape_and_dtype_of_its_own_value_when_dtypes_are_mixed(entry):
    for sample in samples(entry):
        dtypes = [np.float64, np.float32] * len(sample.inputs)
        inputs = [
            Value(x, dtype=dtype) if rule else x for x, rule, dtype in zip(sample.inputs, sample.has_rule, dtypes, strict=False)
        ]
        in_real_numbers(entry(*inputs, **sample.params)).sum().backward()
        for x in inputs:
            if isinstance(x, Value):
                assert (x.grad.dtype, x.grad.shape) == (x.dtype, x.shape)


@ENTRIES
@pytest.mark.parametrize("layout", ["Fortran order", "reversed", "every second element", "read-only", "repeated without copying"])
def test_the_layout_of_an_array_in_memory_makes_no_difference(entry, layout):
    for sample in samples(entry):
        laid_out = [_laid_out(x, layout, _is_made_valid(entry, i)) for i, x in enumerate(sample.inputs)]
        for constant in range(-1, len(laid_out)):
            expected, gradients = _result_and_gradients(entry, [x.copy() for x in laid_out], sample, constant)
            result, same_gradients = _result_and_gradients(entry, laid_out, sample, constant)
            np.testing.assert_allclose(result, expected, rtol=1e-14)
            for gradient, same in zip(gradients, same_gradients, strict=True):
                np.testing.assert_allclose(same, gradient, rtol=1e-14)


def _is_made_valid(entry, position):
    return callable((*entry.domain, None)[min(position, len(entry.domain) - 1)])


def _laid_out(x, layout, is_made_valid):
    x = np.asarray(x)
    if layout == "Fortran order":
        return np.asfortranarray(x) if x.ndim else x
    if layout == "reversed":
        return np.flip(np.flip(x).copy())
    if layout == "every second element":
        wide = np.repeat(x, 2, axis=-1) if x.ndim else x
        return wide[..., ::2] if x.ndim else wide
    if layout == "read-only":
        x = x.copy()
        x.flags.writeable = False
        return x
    if is_made_valid and x.ndim < 3:  # a matrix with equal rows would be singular; only stacks of matrices can repeat
        return x
    return np.broadcast_to(x[:1], x.shape) if x.ndim and len(x) else x


def _result_and_gradients(entry, arrays, sample, constant):
    """With the input at position `constant` given as a plain array."""
    inputs = [
        Value(x) if rule and position != constant else x
        for position, (x, rule) in enumerate(zip(arrays, sample.has_rule, strict=True))
    ]
    result = in_real_numbers(entry(*inputs, **sample.params))
    if not isinstance(result, Value):
        return result, []
    if result.requires_grad:
        result.backward(np.linspace(1, 2, result.size).reshape(result.shape))
    return result.numpy(), [x.grad for x in inputs if isinstance(x, Value) and result.requires_grad]


@DIFFERENTIABLE
def test_an_operation_changes_neither_its_inputs_nor_the_cotangent(entry):
    for sample in samples(entry):
        before = [np.copy(x) for x in sample.inputs]
        inputs = [Value(x) if rule else x for x, rule in zip(sample.inputs, sample.has_rule, strict=True)]
        result = in_real_numbers(entry(*inputs, **sample.params))
        cotangent = np.ones(result.shape)
        result.backward(cotangent)
        for x, old, own in zip(inputs, before, sample.inputs, strict=True):
            np.testing.assert_array_equal(own, old)
            np.testing.assert_array_equal(x.numpy() if isinstance(x, Value) else x, old)
        np.testing.assert_array_equal(cotangent, np.ones(result.shape))


@ENTRIES
def test_every_operation_has_something_to_be_tested_on(entry):
    assert list(samples(entry))
    assert any(np.size(x) > 1 for sample in samples(entry) for x in sample.inputs)


# --- one entry is all that an operation needs --------------------------------------------------------------------------------


@pytest.fixture
def table():
    """The op table, which is put back afterwards as it was; here without the operations that the tests add themselves."""
    saved = dict(TABLE.entries), dict(TABLE.functions)
    for function in (np.arctan, np.trace):
        TABLE.entries.pop(function.__name__, None)
        TABLE.functions.pop(function, None)
    yield TABLE
    for present, before in zip((TABLE.entries, TABLE.functions), saved, strict=True):
        present.clear()
        present.update(before)


@pytest.fixture
def arctan(table):
    return operation(np.arctan, lambda g, out, x: g / (1 + x**2), latex=r"\arctan {0}")


@pytest.fixture
def trace(table):
    return operation(
        lambda x, offset=0: np.trace(x, offset),
        lambda g, out, x, offset=0: g * np.eye(*x.shape, k=offset),
        name="trace", numpy=[np.trace], latex=r"\operatorname{{tr}} {0}", cases=[case((3, 3)), case((2, 3), offset=1)],
    )  # fmt: skip


def test_before_its_entry_is_there_an_operation_is_refused_by_name(table):
    with pytest.raises(tg.errors.UnsupportedError, match=r"np\.arctan has no derivative"):
        np.arctan(Value(1.0))


def test_one_entry_gives_numpy_dispatch_gradient_second_derivative_and_the_systematic_tests(arctan):
    x = Value([0.5, -2.0])
    y = np.arctan(x)
    np.testing.assert_array_equal(y.numpy(), np.arctan([0.5, -2.0]))
    y.sum().backward()
    np.testing.assert_allclose(x.grad, [1 / 1.25, 1 / 5], rtol=1e-15)
    second = tg.grad(tg.grad(lambda x: np.arctan(x)))(0.5)
    np.testing.assert_allclose(second, -2 * 0.5 / 1.25**2, rtol=1e-14)
    _all_systematic_tests(arctan)


def test_one_entry_with_parameters_and_cases_needs_nothing_else_either(trace):
    x = Value(np.arange(6.0).reshape(2, 3))
    np.trace(x, 1).backward()
    np.testing.assert_array_equal(x.grad, [[0, 1, 0], [0, 0, 1]])
    assert np.trace(x, offset=1).item() == 6.0
    check_grads(lambda x: np.trace(x) ** 2, (np.ones((3, 3)),))
    _all_systematic_tests(trace)


def test_a_wrong_rule_in_an_entry_fails_the_systematic_tests():
    wrong = Primitive(np.arctan, lambda g, out, x: g / (1.001 + x**2), name="wrong")
    with pytest.raises(GradientCheckError, match="'wrong'"):
        test_every_operation_gives_what_numpy_gives_and_has_right_rules_to_second_order(wrong)


def test_a_forward_function_that_is_not_that_of_numpy_fails_the_systematic_tests():
    wrong = Primitive(lambda x: np.arctan(x) * 1.0000001, lambda g, out, x: g / (1 + x**2), name="wrong", numpy=[np.arctan])
    with pytest.raises(GradientCheckError, match=r"other numbers than np\.arctan"):
        test_every_operation_gives_what_numpy_gives_and_has_right_rules_to_second_order(wrong)


def test_two_entries_cannot_have_the_same_name():
    with pytest.raises(DataError, match="already has an entry named 'exp'"):
        operation(np.exp, lambda g, out, x: g * out)


@pytest.mark.parametrize(
    ("forward", "name"),
    [(lambda x: x, ""), (partial(np.clip, 0), ""), (np.cos, "my cosine")],
    ids=["lambda", "partial", "two words"],
)
def test_an_entry_has_a_name_that_can_stand_in_a_program(table, forward, name):
    before = dict(table.entries)
    with pytest.raises(DataError, match=r"needs a name of its own.*name="):
        operation(forward, lambda g, out, x: g, name=name)
    assert table.entries == before


def test_an_entry_takes_no_function_of_numpy_from_another(table):
    before = dict(table.entries), dict(table.functions)
    with pytest.raises(DataError, match=r"np\.exp is differentiated already, by <primitive exp>"):
        operation(lambda x: x, lambda g, out, x: g, name="mine", numpy=[np.arctan, np.exp])
    assert (table.entries, table.functions) == before


def test_a_composition_takes_no_function_of_numpy_from_an_entry_or_another_composition(table):
    before = dict(table.functions)
    for taken in (np.exp, np.stack):
        with pytest.raises(DataError, match=rf"np\.{taken.__name__} is differentiated already, by "):
            composition(np.arctan, taken)(lambda x: x)
    assert table.functions == before


def test_a_composition_that_calls_an_entry_comes_before_it(table):
    composed = composition(np.exp, calling=table.entries["exp"])(lambda x: 2 * x)
    assert table.functions[np.exp] is composed
    with pytest.raises(DataError, match=r"np\.exp is differentiated already, by "):
        composition(np.exp, calling=table.entries["exp"])(lambda x: 3 * x)


def test_rules_that_are_stated_together_are_computed_once_a_step():
    calls = []

    def both(g, out, *inputs, **params):
        calls.append(params)
        return [g, 2 * g]

    joint = Primitive(lambda *x, rule, position: x[0] + 2 * x[1], Jointly(both), name="joint")
    x, y = Value(1.0), Value(1.0)
    for times in (1, 2):
        joint(x, y, rule="of the user's", position=1).backward()
        assert (x.grad, y.grad, len(calls)) == (times, 2 * times, times)
    joint(1.0, y, rule="of the user's", position=1).backward()
    assert (x.grad, y.grad, calls) == (2, 6, [{"rule": "of the user's", "position": 1}] * 3)


def _all_systematic_tests(entry):
    test_every_operation_gives_what_numpy_gives_and_has_right_rules_to_second_order(entry)
    test_the_printed_numpy_code_of_an_operation_computes_it(entry)
    test_float32_stays_float32_forward_and_backward_where_it_does_in_numpy(entry)
    test_each_gradient_has_the_shape_and_dtype_of_its_own_value_when_dtypes_are_mixed(entry)
    test_an_operation_changes_neither_its_inputs_nor_the_cotangent(entry)
    for layout in ["Fortran order", "reversed", "every second element", "read-only", "repeated without copying"]:
        test_the_layout_of_an_array_in_memory_makes_no_difference(entry, layout)
