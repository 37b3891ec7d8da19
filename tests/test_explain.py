"""explain: the chain rule as words and formulas, and its numbers."""

import math
import re
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu.explain.chain import derive
from tinygrad_edu.explain.notation import latex, name_latex, text
from tinygrad_edu.explain.terms import Applied, Literal, Symbol
from tinygrad_edu.graph import read_graph
from tinygrad_edu.primitive import TABLE
from tinygrad_edu.testing.operations import samples


def constant(number, name):
    return tg.Value(number, name=name, requires_grad=False)


def lecture_loss():
    theta, x, t = tg.Value(3.0, name="theta"), constant(2.0, "x"), constant(8.0, "t")
    y = (theta * x).named("y")
    return 0.5 * (t - y) ** 2, theta, y


# --- the lecture ----------------------------------------------------------------------------------------------------------------


def test_the_lectures_derivation_is_shown_as_on_the_slide():
    loss, theta, _ = lecture_loss()
    assert str(tg.explain(loss, wrt=theta)) == (
        "L = ½(t − y)² = 2\n"
        "y = θ·x = 6\n"
        "with θ = 3, x = 2, t = 8\n"
        "\n"
        "dL/dθ = dL/d(t − y) · d(t − y)/dy · dy/dθ\n"
        "      = (t − y) · (−1) · x\n"
        "      = 2 · (−1) · 2\n"
        "      = −4"
    )


def test_a_gradient_can_be_explained_for_an_intermediate_result():
    loss, _, y = lecture_loss()
    assert "dL/dy = dL/d(t − y) · d(t − y)/dy\n      = (t − y) · (−1)\n      = 2 · (−1)\n      = −2" in str(tg.explain(loss, wrt=y))


def test_the_step_of_the_perceptron_is_said_to_let_no_gradient_through():
    w, b = tg.Value(1.0, name="w"), tg.Value(0.0, name="b")
    x, t = constant(-1.5, "x"), constant(1.0, "t")
    z = (x * w + b).named("z")
    y = tg.step(z).named("y")
    explanation = str(tg.explain(-(t - y) * z))
    assert "y = step(z) is flat wherever it has a derivative" in explanation
    assert "y counts as a constant" in explanation
    assert "dL/dw = dL/dz · dz/dw\n      = (−(t − y)) · x\n      = (−1) · (−1.5)\n      = 1.5" in explanation


def test_the_four_samples_of_the_perceptron_are_a_table_with_shapes_and_rules():
    w, b = tg.Value([1.0, 1.0], name="w"), tg.Value(0.0, name="b")
    X = constant([[1, 1], [-1, 1], [-1, -0.5], [-1, 1.5]], "X")
    explanation = str(tg.explain(tg.nn.perceptron_criterion((X @ w + b).named("z"), [0, 1, 0, 1])))
    assert "dL/dw = [2, 0]" in explanation
    assert "dL/db = 0" in explanation
    assert re.search(r"v1 \+ b +\(4,\)", explanation)
    assert re.search(r" b +g +\(\) +axis 0", explanation)
    assert re.search(r"step\(z\) .* zeros_like\(z\)", explanation)


# --- numbers --------------------------------------------------------------------------------------------------------------------

UNARY = [np.tanh, np.sin, np.negative, tg.sigmoid, tg.relu, tg.step, lambda a: a**2, lambda a: 3.0 * a, lambda a: a / 2.0]
UNARY.append(lambda a: np.exp(np.tanh(a)))  # an exponential of an exponential would overflow
BINARY = [np.add, np.subtract, np.multiply, np.maximum, lambda a, b: a / (2.0 + b * b)]


@st.composite
def random_losses(draw, most_operations=8):
    """A number computed from three parameters by random operations, some of the results named."""
    values = [tg.Value(draw(st.floats(-2, 2)), name=name) for name in "abc"]
    parameters = list(values)
    values.append(constant(draw(st.floats(-2, 2)), "k"))
    pick = st.integers(0, 10**6)
    for number in range(draw(st.integers(1, most_operations))):
        one, other = values[-1 - draw(pick) % min(4, len(values))], values[draw(pick) % len(values)]
        new = draw(st.sampled_from(UNARY))(one) if draw(st.booleans()) else draw(st.sampled_from(BINARY))(one, other)
        values.append(new.named(f"n{number}") if draw(st.booleans()) else new)
    loss = values[-1]
    return (loss if loss.requires_grad else loss + parameters[0]), parameters


@given(random_losses())
@settings(max_examples=150, deadline=None)
def test_the_sum_over_paths_of_the_products_of_their_factors_is_the_gradient(drawn):
    loss, parameters = drawn
    loss.backward()
    derivations = {found.node.value: found for found in tg.explain(loss).derivations}
    for parameter in parameters:
        if parameter.grad is None:
            assert parameter not in derivations
            continue
        found = derivations[parameter]
        assert found.gradient == pytest.approx(parameter.grad, rel=1e-12, abs=1e-300)
        if found.paths is not None:
            total = sum(math.prod(link.number for link in path) for path in found.paths)
            assert total == pytest.approx(parameter.grad, rel=1e-9, abs=1e-12)
        assert sum(edge.contribution for edge in found.contributions) == pytest.approx(parameter.grad, rel=1e-9, abs=1e-12)


def evaluated(term, data):
    """A formula in numbers."""
    if isinstance(term, Symbol):
        return data[term.name]
    if isinstance(term, Literal):
        return term.value
    return term.primitive.forward(*(evaluated(operand, data) for operand in term.operands), **term.params)


@given(random_losses())
@settings(max_examples=100, deadline=None)
def test_every_symbolic_factor_evaluates_to_the_number_beside_it(drawn):
    loss, _ = drawn
    explanation = tg.explain(loss)
    data = {node.name: node.data for node in explanation.graph.nodes}
    for found in explanation.derivations:
        for link in (link for path in found.paths or () for link in path):
            written = explanation.spelling.written(link.term)
            assert evaluated(link.term, data) == pytest.approx(link.number, rel=1e-9, abs=1e-12)
            assert evaluated(written, data) == pytest.approx(link.number, rel=1e-9, abs=1e-12)


@given(random_losses())
@settings(max_examples=50, deadline=None)
def test_explaining_changes_neither_the_gradients_nor_the_values(drawn):
    loss, parameters = drawn
    before = [float(parameter) for parameter in parameters]
    str(tg.explain(loss)), tg.explain(loss).to_latex(), str(tg.explain(loss).whole)
    assert [float(parameter) for parameter in parameters] == before
    assert all(parameter.grad is None for parameter in parameters)


def test_several_paths_are_a_sum_of_products():
    a, b = tg.Value(2.0, name="a"), tg.Value(-3.0, name="b")
    explanation = str(tg.explain(((a * b).named("c") * (a + b).named("d")).named("loss"), wrt=a))
    assert "dloss/da is a sum over 2 paths:" in explanation
    assert "∂loss/∂c · ∂c/∂a = d · b = (−1) · (−3) = 3" in explanation
    assert "+ ∂loss/∂d · ∂d/∂a = c · 1 = (−6) · 1 = −6" in explanation
    assert explanation.endswith("  = −3\n") or "\n  = −3" in explanation


def test_a_value_that_is_used_twice_by_one_operation_counts_twice():
    x = tg.Value(3.0, name="x")
    assert "dL/dx = dL/dx\n      = x + x\n      = 6" in str(tg.explain(x * x))


def test_very_many_paths_become_a_table_of_contributions():
    x = tg.Value(1.5, name="x")
    h = x
    for _ in range(10):
        h = h * x + h
    explanation = tg.explain(h)
    assert explanation.derivations[0].paths is None
    assert "incoming gradient" in str(explanation)
    assert explanation.derivations[0].path_count == derive(explanation.backward, explanation.graph.node_of[x]).path_count


def test_shared_subexpressions_are_written_once():
    x = tg.Value(0.5, name="x")
    shared = np.exp(np.sin(x))
    assert str(tg.explain(shared * shared + shared)).count("sin(x)") <= 4


def test_a_loss_that_is_recorded_without_a_name_or_with_one_reads_alike():
    loss, theta, _ = lecture_loss()
    assert str(tg.explain(loss.named("J"), wrt=theta)).startswith("J = ½(t − y)² = 2")


# --- where nothing passes -------------------------------------------------------------------------------------------------------


def test_a_derivative_that_is_zero_at_this_place_is_said_to_be():
    z = tg.Value(-1.0, name="z")
    assert "Note: at z = −1 the derivative of L = relu(z) is 0, so nothing passes there." in str(tg.explain(tg.relu(z)))


def test_a_stopped_gradient_is_said_to_make_a_constant():
    z = tg.Value(2.0, name="z")
    assert "c1 = 4 counts as a constant" in str(tg.explain(z * tg.stop_gradient(z * z)))


def test_a_parameter_that_no_gradient_reaches_has_gradient_zero_and_a_reason():
    z, w = tg.Value(2.0, name="z"), tg.Value(1.0, name="w")
    explanation = str(tg.explain(tg.step(z) + w))
    assert "dL/dz = 0, since no path leads to z on which no derivative is zero" in explanation


# --- size -----------------------------------------------------------------------------------------------------------------------


def chain(length):
    x = h = tg.Value(0.5, name="x")
    for _ in range(length // 2):
        h = np.tanh(h) * x
    return h


def test_a_thousand_operations_are_explained_within_a_second():
    loss = chain(1000)
    start = time.perf_counter()
    summary, whole = str(tg.explain(loss)), str(tg.explain(loss).whole)
    assert time.perf_counter() - start < 2  # twice the work
    assert "1,000 operations" in summary
    assert "v990" in whole


def test_a_graph_of_fifty_thousand_operations_has_a_summary():
    assert "50,000 operations" in str(tg.explain(chain(50_000)))


# --- names ----------------------------------------------------------------------------------------------------------------------


def test_every_node_of_a_graph_has_a_name_of_its_own():
    w = [tg.Value(float(number), name="w") for number in range(3)]
    taken = tg.Value(1.0, name="v1")
    names = [node.name for node in read_graph((w[0] * w[1] + w[2]).named("w") * taken).nodes]
    assert len(set(names)) == len(names)
    assert {"w", "w_2", "w_3", "w_4"} <= set(names)


def test_a_graph_reads_the_numbers_that_were_recorded_even_if_a_leaf_has_new_ones():
    theta = tg.Value(3.0, name="theta")
    loss = theta * 2.0
    theta.data = 100.0
    assert "θ = 3" in str(tg.explain(loss))


@pytest.mark.parametrize(
    "name", ["<script>", '"quoted', "W[0]", "params['w'][0]", "100%", "a b", "x_new", "a\\b", "{", "_", "t~y", "$", "#1"]
)
def test_any_name_makes_latex_that_compiles(name, compiles):
    loss = tg.Value(3.0, name=name) ** 2
    for line in tg.explain(loss).to_latex().splitlines()[1:-1]:
        compiles(line.removesuffix(r"\\").replace("&", ""))
    assert name_latex(name)


# --- LaTeX ----------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def compiles():
    """A function that fails on formulas that matplotlib cannot typeset."""
    mathtext = pytest.importorskip("matplotlib.mathtext")
    parser = mathtext.MathTextParser("agg")
    return lambda formula: parser.parse(f"${formula}$")


@given(drawn=random_losses())
@settings(max_examples=30, deadline=None)
def test_the_latex_of_an_explanation_compiles(compiles, drawn):
    for line in tg.explain(drawn[0]).to_latex().splitlines()[1:-1]:
        if "cases" not in line:  # matplotlib knows no environments
            compiles(line.removesuffix(r"\\").replace("&", ""))


UNKNOWN_TO_MATPLOTLIB = {"mod", "where"}


@pytest.mark.parametrize(
    "entry", [entry for entry in TABLE if entry.name not in UNKNOWN_TO_MATPLOTLIB], ids=lambda entry: entry.name
)
def test_every_operation_can_be_written(entry, compiles):
    total = Applied(TABLE.entries["add"], (Symbol("a"), Symbol("b")))
    operands = (total,) * (len(entry.vjps) if isinstance(entry.vjps, tuple) else 2)
    applied = Applied(entry, operands, dict(entry.cases[0].params) if entry.cases else {})
    compiles(latex(Applied(TABLE.entries["power"], (applied, Literal(2)))))
    assert "a + b" in text(applied)


def test_a_notebook_gets_latex():
    loss, theta, _ = lecture_loss()
    explanation = tg.explain(loss, wrt=theta)
    assert explanation._repr_latex_() == f"$$\n{explanation.to_latex()}\n$$"
    assert (
        r"\frac{d L}{d \left(t - y\right)} \cdot \frac{d \left(t - y\right)}{d y} \cdot \frac{d y}{d \theta}"
        in explanation.to_latex()
    )


def test_a_notebook_shows_a_values_number_shape_name_and_gradient():
    w = tg.Value(np.arange(100.0), name="<b>w")
    (w * w).sum().backward()
    shown = w._repr_html_()
    assert "&lt;b&gt;w" in shown
    assert "(100,)" in shown
    assert "<th>gradient</th>" in shown
    assert "198." in shown
    assert len(shown) < 600


# --- every operation ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("entry", [entry for entry in TABLE if entry.is_differentiable], ids=lambda entry: entry.name)
def test_the_rule_of_every_operation_can_be_read(entry):
    sample = next(samples(entry))
    inputs = [
        tg.Value(x, name=f"x{i}") if differentiable else x
        for i, (x, differentiable) in enumerate(zip(sample.inputs, sample.has_rule, strict=True))
    ]
    result = entry(*inputs, **sample.params)
    explanation = tg.explain(np.sum(np.absolute(result) if result.dtype.kind == "c" else result))
    assert "cannot be read" not in str(explanation)
    assert explanation.to_latex()


# --- errors ---------------------------------------------------------------------------------------------------------------------


def test_only_a_single_number_can_be_explained():
    with pytest.raises(tg.errors.GradientError, match=r"'w' of shape \(2,\) has 2.*Reduce it first"):
        tg.explain(tg.Value([1.0, 2.0], name="w"))


def test_what_was_computed_from_constants_has_no_gradient_to_explain():
    with pytest.raises(tg.errors.GradientError, match="no gradient to explain"):
        tg.explain(constant(1.0, "x") * 2)


def test_a_given_number_has_no_gradient_to_explain():
    with pytest.raises(tg.errors.GradientError, match="was given, not computed"):
        tg.explain(tg.Value(1.0, name="x"))


def test_a_plain_number_is_refused_with_advice():
    with pytest.raises(tg.errors.DataError, match="the loss must be a Value"):
        tg.explain(3.0)


def test_a_stranger_is_refused_and_the_parameters_are_named():
    loss, _, _ = lecture_loss()
    with pytest.raises(tg.errors.GradientError, match=r"does not depend on the Value 'stranger'.*theta"):
        tg.explain(loss, wrt=tg.Value(1.0, name="stranger"))


def test_an_in_place_change_is_noticed():
    w = tg.Value([1.0, 2.0], name="w")
    data = w.data
    loss = (w * w).sum()
    data[0] = 5.0
    with pytest.raises(tg.errors.InPlaceError):
        str(tg.explain(loss))


def test_a_rule_that_cannot_be_read_still_gives_its_number():
    square = tg.primitive(lambda x: x * x, lambda g, out, x: g * 2 * math.fabs(float(np.asarray(x).item())), name="square")
    x = tg.Value(3.0, name="x")
    assert "= 6" in str(tg.explain(square(x)))
