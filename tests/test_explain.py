"""explain: the chain rule as words and formulas, and its numbers."""

import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu as tg
from tests.counting import calls
from tests.profile import EXHAUSTIVE
from tinygrad_edu.explainer.chain import Paths
from tinygrad_edu.graph.graph import read_graph
from tinygrad_edu.graph.latex_notation import latex
from tinygrad_edu.graph.notation import array_latex, name_latex, name_text, number_latex
from tinygrad_edu.graph.terms import Applied, Literal, Symbol
from tinygrad_edu.graph.text_notation import text
from tinygrad_edu.primitives.table import TABLE
from tinygrad_edu.testing.operations import samples


def constant(number, name):
    return tg.Value(number, name=name, requires_grad=False)


def lecture_loss():
    theta, x, t = tg.Value(3.0, name="theta"), constant(2.0, "x"), constant(8.0, "t")
    y = (theta * x).named("y")
    return 0.5 * (t - y) ** 2, theta, y


# --- the lecture ----------------------------------------------------------------------------------------------------------------


def test_the_lectures_derivation_is_shown_as_on_the_slide():
    L, theta, _ = lecture_loss()
    assert str(tg.explain(L, wrt=theta)) == (
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
    L, _, y = lecture_loss()
    assert "dL/dy = dL/d(t − y) · d(t − y)/dy\n      = (t − y) · (−1)\n      = 2 · (−1)\n      = −2" in str(tg.explain(L, wrt=y))


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
    assert "dL/dx = x + x\n      = 6" in str(tg.explain(x * x))


def test_a_path_of_one_step_does_not_begin_with_what_is_to_be_found():
    a, b = tg.Value(2.0, name="a"), tg.Value(-3.0, name="b")
    explanation = tg.explain((a + a**2) * 1.0 - b, wrt=[a, b])
    assert "dL/db = −1" in str(explanation)
    assert r"\frac{d L}{d b} &= -1" in explanation.to_latex()
    assert r"\frac{d L}{d a} &= 1 + 2 a \\" in explanation.to_latex()


def test_results_with_the_same_formula_go_by_their_names():
    a, b = tg.Value(2.0, name="a"), tg.Value(-3.0, name="b")
    explanation = str(tg.explain(np.exp(b / a) + np.sin(b / a), wrt=a))
    assert "v1 = b/a = −1.5" in explanation
    assert "v2 = b/a = −1.5" in explanation
    assert "∂L/∂(b/a)" not in explanation


@pytest.mark.parametrize(("one", "other"), [("theta", "θ"), ("theta_1", "theta1"), ("w_1", "w1"), ("lam", "lambda")])
def test_names_that_would_be_printed_alike_are_told_apart(one, other):
    nodes = tg.explain(tg.Value(2.0, name=one) * tg.Value(3.0, name=other)).graph.nodes
    assert len({name_text(node.name) for node in nodes}) == len({name_latex(node.name) for node in nodes}) == 3
    picture = tg.draw(tg.Value(2.0, name="theta") * tg.Value(3.0, name="θ")).mermaid
    assert '["θ = 2"]' in picture
    assert '["θ₂ = 3"]' in picture


def test_very_many_paths_become_a_table_of_contributions():
    x = tg.Value(1.5, name="x")
    h = x
    for _ in range(10):
        h = h * x + h
    explanation = tg.explain(h)
    assert explanation.derivations[0].paths is None
    assert "incoming gradient" in str(explanation)
    assert r"v_{9} &= v_{8} \cdot x + v_{8}" in explanation.to_latex()
    assert r"v_{10}" not in explanation.to_latex()
    assert (
        r"\frac{d h}{d \left(x \cdot x\right)} \cdot \frac{\partial \left(x \cdot x\right)}{\partial x}" in explanation.to_latex()
    )
    assert explanation.derivations[0].path_count == Paths(explanation.backward).counts[explanation.graph.node_of[x]]


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
    assert "Note: at z = −1 the derivative of L = relu(z) with respect to z is 0, so nothing passes there." in str(
        tg.explain(tg.relu(z))
    )


def test_a_stopped_gradient_is_said_to_make_a_constant():
    z = tg.Value(2.0, name="z")
    assert "c1 = 4 counts as a constant" in str(tg.explain(z * tg.stop_gradient(z * z)))


def test_a_parameter_that_no_gradient_reaches_has_gradient_zero_and_a_reason():
    z, w = tg.Value(2.0, name="z"), tg.Value(1.0, name="w")
    explanation = str(tg.explain(tg.step(z) + w))
    assert "dL/dz = 0, since no path leads to z on which no derivative is zero" in explanation


def notes_of(L, wrt=None):
    return "\n".join(tg.explain(L, wrt=wrt).notes)


def test_the_branch_that_is_not_chosen_is_said_to_be_just_that():
    a, b = tg.Value(2.0, name="a"), tg.Value(3.0, name="b")
    notes = notes_of(np.where(True, a, b) * 1.0)
    assert notes == "Note: where(True, a, b) does not choose b here, so nothing passes to b from it."


def test_what_is_flat_in_all_its_operands_is_said_to_be_once():
    a, b = tg.Value(2.0, name="a"), tg.Value(3.0, name="b")
    notes = notes_of((a // b).named("q") + a)
    assert notes.count("Note") == 1
    assert "when a or b changes a little, q does not change, so ∂q/∂a = 0 and ∂q/∂b = 0" in notes


def test_what_is_flat_in_one_operand_only_is_no_constant():
    a, b = tg.Value(2.0, name="a"), tg.Value(3.0, name="b")
    notes = notes_of(np.copysign(a, b))
    assert "so ∂L/∂b = 0. No gradient passes to b there." in notes
    assert "counts as" not in notes


@pytest.mark.parametrize(
    ("function", "at", "below", "above", "convention"),
    [
        (np.abs, 0.0, "−1", "1", "0"),
        (tg.relu, 0.0, "0", "1", "0"),
        (lambda w: np.maximum(w, 2.0), 2.0, "0", "1", "0.5"),
        (lambda w: np.minimum(w, 2.0), 2.0, "1", "0", "0.5"),
        (lambda w: np.clip(w, -1.0, 1.0), -1.0, "0", "1", "1"),
        (lambda w: tg.relu(w * 1.0), 0.0, "0", "1", "0"),
    ],
)
def test_at_a_kink_the_explanation_says_that_there_is_no_derivative(function, at, below, above, convention):
    explanation = tg.explain(function(tg.Value(at, name="w")))
    (note,) = explanation.notes
    assert f"has a kink: just below, its slope is {below}, and just above, {above}. It has no derivative with respect to w" in note
    assert note.endswith(f"there, and {convention} is what counts by convention.")
    assert rf"&= {convention}, \quad \mathrm{{by\ convention,\ since\ there\ is\ no\ derivative\ at\ }}" in explanation.to_latex()


@pytest.mark.parametrize("beside", [-1e-9, 1e-9])
def test_beside_a_kink_there_is_none(beside):
    for function in (np.abs, tg.relu, np.sin, np.exp, lambda w: np.maximum(w, 0.0)):
        assert "no derivative" not in notes_of(function(tg.Value(beside, name="w")))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(x=st.floats(-80, 80, width=32))
@settings(max_examples=60, deadline=None)
def test_a_steep_function_has_no_kink(dtype, x):
    for function in (np.exp, np.sin, np.tanh, lambda w: w**3, tg.sigmoid):
        assert "kink" not in notes_of(function(tg.Value(x, name="w", dtype=dtype)))


@given(random_losses())
@settings(max_examples=60, deadline=None)
def test_a_kink_is_found_only_where_an_operation_has_one(drawn):
    smooth = {"tanh", "sin", "negative", "sigmoid", "power", "multiply", "divide", "exp", "add", "subtract"}
    for edge in tg.explain(drawn[0]).backward.edges:
        if edge.result.primitive.name in smooth and edge.is_between_real_numbers and edge.operand.requires_grad:
            assert edge.has_derivative


def test_where_a_function_jumps_the_explanation_says_so():
    assert "at q = 3 L = q % 3 jumps. It has no derivative with respect to q there" in notes_of(tg.Value(3.0, name="q") % 3.0)


def test_an_infinite_derivative_is_said_to_be_infinite():
    w = tg.Value(0.0, name="w")
    assert "at w = 0 the derivative of L = sqrt(w) with respect to w is infinite." in notes_of(np.sqrt(w))
    assert "is infinite, and 0 · ∞ is nan." in notes_of(np.sqrt(w) * w)


def test_a_derivative_that_is_zero_because_of_another_operand_is_said_to_be_that():
    v, w = tg.Value(-1.0, name="v"), tg.Value(0.5, name="w")
    assert "the derivative of L = w·relu(v) with respect to w is relu(v) = 0, so nothing passes there." in notes_of(w * tg.relu(v))


def test_notes_are_about_what_is_asked_for():
    a, b = tg.Value(-2.0, name="a"), tg.Value(3.0, name="b")
    assert notes_of(tg.relu(a) + b, wrt=b) == ""
    assert "relu(a)" in notes_of(tg.relu(a) + b, wrt=a)


def test_an_operation_without_a_rule_is_not_said_to_be_flat():
    f = tg.primitive(lambda x, y: x * y, lambda g, out, x, y: g * y, None, name="f")
    notes = notes_of(f(tg.Value(2.0, name="a"), tg.Value(3.0, name="b")))
    assert notes == "Note: L = f(a, b) has no derivative with respect to b, which counts as a constant here."


def test_what_was_detached_counts_as_a_constant_under_whatever_name():
    z, given = tg.Value(2.0, name="z"), constant(4.0, "given")
    y = (z * 2).detach().named("y")
    stopped = tg.stop_gradient(z * z) * given
    notes = notes_of(y * z * stopped * given)
    assert "y = 4 and c1 = 16 count as constants" in notes
    assert "given" not in notes


def test_what_was_computed_from_a_constant_that_was_cut_off_is_cut_off_too():
    w, given = tg.Value([2.0, 3.0], name="w"), constant(4.0, "given")
    with tg.no_grad():
        scale = np.sum(w * 2.0)
    for computed in (scale, scale * given, np.sqrt(scale), (w.detach() + 1.0)[0], tg.stop_gradient(w)):
        assert "counts as a constant" in notes_of(np.sum(w * computed.named("s")))
    assert notes_of(np.sum(w * (given * 2.0).named("s"))) == ""


def test_what_was_given_as_a_constant_needs_no_note():
    assert notes_of(tg.Value(2.0, name="z") * tg.Value(3.0, requires_grad=False)) == ""


def test_a_checkpoint_is_explained_as_one_operation():
    w = tg.Value(2.0, name="w")
    L = tg.checkpoint(lambda w: np.sum(np.exp(w)))(w)
    assert "dL/dw = exp(w)\n      = 7.38906" in str(tg.explain(L))
    assert "exp(w) = 7.38906" in tg.draw(L).mermaid


# --- rules ----------------------------------------------------------------------------------------------------------------------


def counted_square():
    """An operation whose rule counts how often it was given arrays, and how often Values."""
    counts = {"arrays": 0, "values": 0}

    def rule(g, out, x):
        counts["values" if isinstance(x, tg.Value) else "arrays"] += 1
        return g * 2 * x

    return tg.primitive(lambda x: x * x, rule, name="square"), counts


@pytest.mark.parametrize("numbers", [3.0, [1.0, 2.0]])
def test_for_text_latex_picture_and_page_each_rule_is_read_once_and_the_gradient_computed_once(numbers):
    pytest.importorskip("pygraphviz")
    square, counts = counted_square()
    x = tg.Value(numbers, name="x")
    explanation = tg.explain(np.sum(square(x)))
    assert "2" in str(explanation) + explanation.to_latex() + explanation.to_html()
    # At a single number it is also asked for the slopes just beside it, where it could have a kink.
    assert counts == {"arrays": 1 if x.ndim else 3, "values": 1}


def test_a_picture_with_gradients_runs_the_chain_rule_once_and_reads_each_rule_once():
    square, counts = counted_square()
    loss = np.sum(square(tg.Value([1.0, 2.0], name="x")))
    loss.backward()
    assert counts == {"arrays": 1, "values": 0}
    drawing = tg.draw(loss)
    assert "2·g ⊙ x" in drawing.dot
    assert "2·g ⊙ x" in drawing.mermaid.replace("#8857;", "⊙")
    assert counts == {"arrays": 2, "values": 1}


def test_a_rule_of_the_user_s_that_takes_only_arrays_is_told_with_its_error():
    square = tg.primitive(lambda x: x * x, lambda g, out, x: g * np.ndarray.__mul__(x, 2.0), name="square")
    explanation = tg.explain(np.sum(square(tg.Value([1.0, 2.0], name="x"))))
    assert "dL/dx = [2, 4]" in str(explanation)
    assert re.search(r"square\(x\) .*\(cannot be read\)", str(explanation))
    assert re.search("Note: the rule of square has no formula here: given Values, it raised TypeError: .*ndarray", str(explanation))


def test_a_fault_in_a_rule_of_the_table_is_not_passed_over_in_silence(monkeypatch):
    tanh = TABLE.entries["tanh"]
    monkeypatch.setitem(vars(tanh), "vjps", (lambda g, out, x: g * np.ndarray.__rsub__(out, 1.0),))
    with pytest.raises(TypeError, match="ndarray"):
        str(tg.explain(np.sum(np.tanh(tg.Value([1.0, 2.0], name="x")))))


# --- size -----------------------------------------------------------------------------------------------------------------------


def chain(length):
    x = h = tg.Value(0.5, name="x")
    for _ in range(length // 2):
        h = np.tanh(h) * x
    return h


def explained(loss):
    return str(tg.explain(loss)), str(tg.explain(loss).whole)


def test_explaining_takes_work_in_proportion_to_the_number_of_operations():
    summary, whole = explained(chain(1000))
    assert "1,000 operations" in summary
    assert "v359 = " in whole
    short, long = chain(200), chain(1000)
    assert calls(lambda: explained(long)) < 6 * calls(lambda: explained(short))


def test_a_graph_of_many_thousand_operations_has_a_summary():
    length = 50_000 if EXHAUSTIVE else 10_000
    assert f"{length:,} operations" in str(tg.explain(chain(length)))


def network(samples):
    """A network of single numbers, 2-16-16-1, and its loss on some samples."""
    numbers = np.random.default_rng(0)
    layers = [
        [([tg.Value(w) for w in numbers.uniform(-1, 1, before)], tg.Value(0.0)) for _ in range(after)]
        for before, after in [(2, 16), (16, 16), (16, 1)]
    ]
    loss = 0.0
    for x in numbers.uniform(-1, 1, (samples, 2)):
        for layer in layers:
            x = [tg.relu(sum((w * part for w, part in zip(weights, x, strict=True)), start=bias)) for weights, bias in layer]
        loss = loss + (x[0] - 1.0) ** 2
    return loss


def test_a_network_of_thousands_of_nodes_and_hundreds_of_parameters_has_a_summary():
    explanation = tg.explain(network(samples=12))
    summary, latex_summary = str(explanation), explanation.to_latex()
    assert len(explanation.targets) == 337
    assert "and 325 gradients more" in summary
    assert len(latex_summary.splitlines()) < 20
    assert "325" in latex_summary
    assert r"summary" in latex_summary


def test_the_summary_of_a_network_takes_work_in_proportion_to_its_nodes():
    small, large = network(samples=1), network(samples=5)
    assert calls(lambda: (str(tg.explain(large)), tg.explain(large).to_latex())) < 6 * calls(
        lambda: (str(tg.explain(small)), tg.explain(small).to_latex())
    )


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
    assert tg.explain(loss).to_latex().isascii()
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
    operands = (total,) * (2 if entry.arity is None else entry.arity)
    applied = Applied(entry, operands, dict(entry.cases[0].params) if entry.cases else {})
    compiles(latex(Applied(TABLE.entries["power"], (applied, Literal(2)))))
    assert "a + b" in text(applied)


@pytest.mark.parametrize(
    ("formula", "written"),
    [
        (lambda a, b: a - (-b), r"a - \left(-b\right)"),
        (lambda a, b: -((-b) ** 3), r"-{\left(-b\right)}^{3}"),
        (lambda a, b: np.negative(-b), r"-\left(-b\right)"),
        (lambda a, b: a - (-1.5), r"a - \left(-1.5\right)"),
        (lambda a, b: np.log(a) * b, r"\left(\ln a\right) \cdot b"),
        (lambda a, b: b * np.log(a), r"b \cdot \ln a"),
        (lambda a, b: b * np.log(a) * a, r"\left(b \cdot \ln a\right) \cdot a"),
        (lambda a, b: np.sign(a) * b, r"\left(\operatorname{sign} a\right) \cdot b"),
        (lambda a, b: np.log(a * b), r"\ln \left(a \cdot b\right)"),
        (lambda a, b: np.real(a * b), r"\operatorname{Re} \left(a \cdot b\right)"),
        (lambda a, b: -(a % b), r"-\left(a \bmod b\right)"),
        (lambda a, b: a % b**2, r"a \bmod {b}^{2}"),
        (lambda a, b: a**2 % (a * b), r"{a}^{2} \bmod \left(a \cdot b\right)"),
        (lambda a, b: np.maximum(a, -b), r"\max(a, -b)"),
        (lambda a, b: np.stack([a, b]).named("v_1")[1], r"{\left(v_{1}\right)}_{1}"),
        (lambda a, b: np.where(True, a, b) + 1, r"\begin{cases} a & \mathrm{True} \\ b & \text{else} \end{cases} + 1"),
    ],
)
def test_latex_has_brackets_where_they_are_needed_and_only_there(formula, written):
    a, b = tg.Value(2.0, name="a"), tg.Value(3.0, name="b")
    assert latex(tg.explain(formula(a, b)).spelling.definition(tg.explain(formula(a, b)).graph.output)) == written


@pytest.mark.parametrize(
    ("formula", "written"),
    [
        (lambda a, c: -(a // c), "−(a // c)"),
        (lambda a, c: -(a % c), "−(a % c)"),
        (lambda a, c: -a % c, "(−a) % c"),
        (lambda a, c: (a * c) % c, "(a·c) % c"),
        (lambda a, c: a % c + c, "a % c + c"),
        (lambda a, c: c - a % c, "c − (a % c)"),
    ],
)
def test_remainders_are_written_with_the_brackets_that_they_need(formula, written):
    explanation = tg.explain(formula(tg.Value(2.0, name="a"), tg.Value(3.0, name="c")))
    assert text(explanation.spelling.definition(explanation.graph.output)) == written


def test_numbers_of_all_kinds_are_latex():
    assert number_latex(True) == r"\mathrm{True}"
    assert number_latex(-1e-5) == r"-1 \times 10^{-5}"
    assert number_latex(1e-20 + 2j) == r"\left(1 \times 10^{-20} + 2 \, \mathrm{i}\right)"
    assert array_latex(np.full(9, -1.0)) == r"[-1, -1, \ldots ]\ (9,)"


def test_the_latex_of_arrays_says_over_what_is_summed_and_where_numbers_live():
    X, w, b = constant(np.ones((3, 2)), "X"), tg.Value([1.0, 2.0], name="w"), tg.Value(0.5, name="b")
    z = (X @ w + b).named("z")
    found = tg.explain(np.sum(np.sum(np.einsum("i,j->ij", z, z), axis=0) * z)).to_latex()
    assert r"v_{2} &= \mathrm{einsum}_{\mathrm{i,j \to ij}}(z, z) \in \mathbb{R}^{3 \times 3}" in found
    assert r"v_{3} &= \sum_{\mathrm{axis\ 0}} v_{2} \in \mathbb{R}^{3}" in found
    assert r"\sum v_{4} \in \mathbb{R} \\" in found
    assert r"\frac{d L}{d b} &= \sum_{\mathrm{axis\ 0}} g, \quad g = \frac{d L}{d z}" in found
    assert r"\frac{d L}{d z} &= g \odot v_{3}" in found
    assert found.count(r"&\quad + \mathrm{einsum}") == 2


@pytest.mark.parametrize("entry", [entry for entry in TABLE if entry.is_differentiable], ids=lambda entry: entry.name)
def test_the_latex_of_an_explanation_with_any_operation_compiles_and_is_plain_ascii(entry, compiles):
    sample = next(samples(entry))
    inputs = [
        tg.Value(x, name=f"x{i}") if differentiable else x
        for i, (x, differentiable) in enumerate(zip(sample.inputs, sample.has_rule, strict=True))
    ]
    result = entry(*inputs, **sample.params)
    found = tg.explain(np.sum(np.absolute(result) if result.dtype.kind == "c" else result)).to_latex()
    assert found.isascii()
    for line in found.splitlines()[1:-1]:
        if "cases" not in line and r"\bmod" not in line:  # which matplotlib does not know
            compiles(line.removesuffix(r"\\").replace("&", ""))


def test_a_notebook_gets_latex():
    L, theta, _ = lecture_loss()
    explanation = tg.explain(L, wrt=theta)
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


def test_parts_of_arrays_are_written_as_in_python():
    w = tg.Value(np.ones((2, 3, 4)), name="w")
    L = w[..., 0, :][0, 0]
    assert "L = w[..., 0, :][0, 0]" in tg.draw(L).dot
    assert "[(" not in str(tg.explain(L))


@pytest.mark.parametrize("name", ["svd", "eigh", "qr", "cholesky"])
def test_a_factorization_is_called_by_its_name_and_its_rule_does_not_stretch_the_table(name):
    A = tg.Value([[2.0, 0.5], [0.5, 1.0]], name="A")
    explanation = str(tg.explain(np.sum(TABLE.entries[name](A))))
    assert f"{name}(A)" in explanation
    assert "lambda" not in explanation
    assert f"(long: see {name} in `python -m tinygrad_edu ops`)" in explanation
    assert max(map(len, explanation.splitlines())) < 200


def test_numbers_in_rules_are_short():
    logits = tg.Value([[1.0, 2.0, 3.0]], name="logits")
    explanation = str(tg.explain(tg.nn.softmax_cross_entropy(logits, [0])))
    assert not re.search(r"\d{8}", explanation)
    assert "1/3·g" in str(tg.explain(np.mean(tg.Value([1.0, 2.0, 4.0], name="w"))))


def test_the_rule_of_a_product_with_a_vector_makes_no_axes():
    X, w = constant(np.ones((3, 2)), "X"), tg.Value([1.0, 2.0], name="w")
    assert re.search(r"v1 +X @ w .* g @ X +\(2,\)", str(tg.explain(np.sum(X @ w))))


def test_special_cases_are_shown_only_where_they_are_met():
    a, b = tg.Value(2.0, name="a"), tg.Value(3.0, name="b")
    assert "dL/da = b·a^(b − 1)\n      = 12\n\ndL/db = L·log(a)" in str(tg.explain(a**b))
    assert "dL/da = L·log(2)" in str(tg.explain(2.0**a))
    assert "dL/da = where(a < b, 0, 1)" in str(tg.explain(np.maximum(a, b)))
    assert "where(a = b₂, 0.5, 1)" in str(tg.explain(np.maximum(a, tg.Value(2.0, name="b_2"))))
    zero = tg.Value(0.0, name="zero")
    assert "dL/da = zero·a^(zero − 1)" in str(tg.explain(a**zero))
    nought = tg.Value(0.0, name="nought")
    assert "where(logical_and(nought = 0, zero = 0), 1, zero − 1)" in str(tg.explain(nought**zero))


def test_the_contribution_to_a_real_number_by_way_of_a_complex_one_is_a_real_part():
    a = tg.Value(2.0, name="a")
    z = (a * (1 + 2j)).named("z")
    explanation = str(tg.explain(np.real(z * np.conj(z))))
    assert re.search(r"z = a·\(1\+2j\) +dL/dz = \(4−8j\) +g ↦ real\(g·\(1\+2j\)\) +20", explanation)


# --- errors ---------------------------------------------------------------------------------------------------------------------


def test_only_a_single_number_can_be_explained():
    with pytest.raises(tg.errors.GradientError, match=r"'w' of shape \(2,\) has 2.*Reduce it first"):
        tg.explain(tg.Value([1.0, 2.0], name="w"))


def test_of_a_complex_number_a_real_one_is_to_be_taken():
    with pytest.raises(tg.errors.GradientError, match="explain the real part, the imaginary part or the length") as raised:
        tg.explain(tg.Value(1.0, name="w") * 1j)
    assert ".sum()" not in str(raised.value)


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


def test_a_value_called_g_is_not_mistaken_for_the_gradient_that_arrives():
    g, x = tg.Value(np.ones((3, 2)), name="g"), tg.Value(np.ones(2), name="x")
    explanation = tg.explain(np.sum(np.tanh(g @ x)))
    assert "g₂ @ x" in str(explanation)
    assert "g @ g₂" in str(explanation)
    assert r"\frac{d L}{d x} &= g g_{2}" in explanation.to_latex()
    assert "with g₂ = [[1, 1]" in str(explanation)
    assert "dL/dg = " in str(tg.explain(tg.Value(9.81, name="g") * 2.0))


def test_names_that_begin_like_numpy_s_are_shown_whole():
    np_, x = tg.Value(np.eye(2), name="np"), tg.Value(np.ones(2), name="np.linalg.x")
    shown = str(tg.explain(np.sum(np.linalg.inv(np_) @ np.fft.fft(x).real)))
    for form in ("inv(np)", "fft.fft(np.linalg.x)", "dL/dnp = ", "dL/dnp.linalg.x = "):
        assert form in shown


def test_an_operation_of_the_user_s_that_is_called_equal_is_not_taken_for_an_equation():
    is_large = tg.primitive(lambda x: x > 100.0, None, name="equal")
    square = tg.primitive(lambda x: x * x, lambda g, out, x: np.where(is_large(x), 0.0, g * 2 * x), name="square")
    assert "where(equal(x), 0, 2·g ⊙ x)" in str(tg.explain(np.sum(square(tg.Value([1.0, 2.0], name="x")))))


@pytest.mark.parametrize(
    "index", [([0, 1], [1, 2]), (np.array([0, 1]), None), (np.arange(2), np.array([2, 0])), (0, slice(None), None)], ids=str
)
def test_what_is_indexed_by_arrays_is_explained(index):
    w = tg.Value(np.arange(12.0).reshape(4, 3), name="W")
    explanation = tg.explain(np.sum(w[index] ** 2).named("L"))
    assert "W[" in str(explanation)
    assert "W" in explanation.to_latex()
    assert "value_and_grad" in explanation.to_html()


def test_a_softmax_regression_is_explained():
    w, x, labels = tg.Value(np.ones((4, 3)) / 8, name="W"), np.arange(8.0).reshape(2, 4), np.array([2, 0])
    z = (x @ w).named("z")
    loss = (np.mean(tg.logsumexp(z, axis=1) - z[np.arange(2), labels])).named("L")
    explanation = tg.explain(loss)
    loss.backward()
    probabilities = np.full((2, 3), 1 / 3)
    np.testing.assert_allclose(w.grad, x.T @ (probabilities - np.eye(3)[labels]) / 2)
    assert "dL/dW" in str(explanation)
    assert "<html" in explanation.to_html()


@pytest.mark.parametrize("join", [np.stack, np.hstack, lambda values: tg.array(list(values))], ids=["stack", "hstack", "array"])
def test_explaining_what_joins_twice_as_many_values_is_twice_as_much_work(join):
    def work(count):
        return calls(lambda: str(tg.explain(np.sum(join([tg.Value(float(i), name=f"x{i}") for i in range(count)]) ** 2))))

    work(20)
    assert work(160) < 2.5 * work(80)
