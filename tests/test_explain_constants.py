"""Constants with names keep them in explanations and pictures, and what is computed from them is shown as their formula."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu.engine.value import Note
from tinygrad_edu.explainer.listing import listing
from tinygrad_edu.graph.collecting import collected
from tinygrad_edu.graph.graph import read_graph
from tinygrad_edu.graph.notation import name_latex, name_text
from tinygrad_edu.graph.terms import Applied, Literal, Symbol
from tinygrad_edu.graph.text_notation import text
from tinygrad_edu.primitives import arithmetic


def constant(number, name="x"):
    return tg.Value(number, name=name, requires_grad=False)


def parabola(theta, x, t):
    return 0.5 * x**2 * theta**2 - t * x * theta + 0.5 * t**2


def lectures_parabola():
    return parabola(tg.Value(3.0, name="theta"), constant(2.0), constant(8.0, "t"))


SECOND_DERIVATION = """\
{0} = v1 − t·x·θ + ½t² = 2
v1 = ½x²·θ² = 18
with θ = 3, x = 2, t = 8

d{0}/dθ is a sum over 2 paths:
    ∂{0}/∂(θ²) · ∂(θ²)/∂θ = ½x² · 2·θ = 2 · 6 = 12
  + ∂{0}/∂θ = −t·x = −16
  = x²·θ − t·x = x·(θ·x − t) = −4"""


def test_the_lectures_second_derivation_keeps_its_constants():
    assert str(tg.explain(lectures_parabola())) == SECOND_DERIVATION.format("L")
    assert str(tg.explain(parabola, 3.0, 2.0, 8.0)) == SECOND_DERIVATION.format("parabola")


def test_in_latex_it_ends_as_on_the_slide():
    lines = tg.explain(lectures_parabola()).to_latex().splitlines()
    assert lines[-4:-1] == [r"&= {x}^{2} \cdot \theta - t \cdot x \\", r"&= x \cdot \left(\theta \cdot x - t\right) \\", "&= -4"]


def test_pictures_and_sources_have_the_constants_too():
    loss = lectures_parabola()
    assert '["½x² = 2"]' in tg.draw(loss).mermaid
    assert "    d_theta = power * theta - product" in listing(tg.explain(loss).backward).lines


def test_what_is_computed_from_named_constants_is_no_less_a_constant():
    y = constant(2.0) * 3.0 + np.exp(constant(0.0, "z"))
    assert type(y.parents) is Note
    assert (y.requires_grad, y.primitive, tuple(y.parents), y.inputs) == (False, None, (), ())
    assert copy.deepcopy(y).item() == pickle.loads(pickle.dumps(y)).item() == y.item() == 7.0
    y.data = 5.0
    assert [node.name for node in read_graph(tg.Value(1.0, name="w") * y).nodes] == ["c1", "w", "L"]


def test_new_numbers_of_a_computed_constant_are_not_said_to_be_those_of_its_formula():
    w = tg.Value(1.0, name="w")
    scalar, array = constant(2.0) * 3.0, constant([2.0, 1.0]) * 3.0
    scalar.data = 5.0
    assert "with w = 1, scalar = 5" in str(tg.explain(w * scalar))
    array.data[0] = 5.0
    assert "array = [5, 3]" in str(tg.explain(np.sum(w * array)))


def test_a_constant_with_new_numbers_is_shown_with_those_that_were_used():
    w, x = tg.Value(1.0, name="w"), constant(2.0)
    L = w * (x * 3.0)
    x.data = 100.0
    assert "L = w·x·3 = 6\nwith w = 1, x = 2" in str(tg.explain(L))


def test_constants_without_a_name_and_those_under_no_grad_leave_no_notes():
    assert (tg.Value(2.0, requires_grad=False) * 3.0).parents == ()
    with tg.no_grad():
        assert type((constant(2.0) * 3.0).parents) is not Note
    assert type(np.sqrt(constant(np.ones(2000)) * 2.0).parents) is not Note


def test_a_long_row_of_operations_on_constants_takes_no_more_memory_than_its_end():
    x = constant(2.0)
    for _ in range(1000):
        x = x * 0.5 + 1.0
    assert type(x.parents) is not Note
    assert len(read_graph(tg.Value(1.0) * x)) == 3


def test_what_is_cut_off_stays_cut_off_beside_a_named_constant():
    w = tg.Value(2.0, name="w")
    assert "c1 = 8 counts as a constant" in "\n".join(tg.explain(w * (w.detach() * constant(4.0))).notes)


# --- collecting -----------------------------------------------------------------------------------------------------------------

NAMES = ("a", "b", "c")
BINARY = st.sampled_from([arithmetic.add, arithmetic.subtract, arithmetic.multiply, arithmetic.divide])
TERMS = st.recursive(
    st.sampled_from(NAMES).map(Symbol) | st.integers(-3, 3).map(lambda n: Literal(float(n))),
    lambda parts: (
        st.builds(lambda op, a, b: Applied(op, (a, b)), BINARY, parts, parts)
        | parts.map(lambda a: Applied(arithmetic.negative, (a,)))
        | st.builds(lambda a, n: Applied(arithmetic.power, (a, Literal(n))), parts, st.integers(-3, 3))
    ),
    max_leaves=8,
)


def numbers_of(term, data):
    if isinstance(term, Symbol):
        return data[term.name]
    if isinstance(term, Literal):
        return np.float64(term.value)
    return term.primitive.forward(*(numbers_of(operand, data) for operand in term.operands))


@given(TERMS)
@settings(max_examples=300, deadline=None)
def test_what_is_collected_is_the_same_number(term):
    data = {"a": np.float64(1.7), "b": np.float64(-0.6), "c": np.float64(2.3)}
    with np.errstate(all="ignore"):
        expected = numbers_of(term, data)
        for found in collected(term):
            if np.isfinite(expected):
                assert numbers_of(found, data) == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_a_sum_of_which_nothing_can_be_collected_is_left_as_it_is():
    assert list(collected(Applied(arithmetic.add, (Symbol("a"), Symbol("b"))))) == []
    assert [text(term) for term in collected(Applied(arithmetic.add, (Symbol("a"), Symbol("a"))))] == ["2·a"]


def test_what_is_left_in_the_brackets_is_collected_too():
    a, b = tg.Value(2.0, name="a"), tg.Value(3.0, name="b")
    assert str(tg.explain((a + b) * a * b, wrt=a)).endswith("  = b·a + b·(a + b) = b·(2·a + b) = 21")


# --- numbers of nodes -----------------------------------------------------------------------------------------------------------


def test_only_what_is_shown_has_a_number():
    w, h, x = tg.Value(0.5, name="w"), tg.Value(0.1, name="h"), constant(2.0)
    for _ in range(3):
        h = np.tanh(w * h + x)
    assert str(tg.explain(h)).startswith(
        "h₂ = tanh(v2) = 0.986429\nv2 = w·tanh(v1 + x) + x = 2.49309\nv1 = w·tanh(w·h + x) = 0.483698\nwith w = 0.5, h = 0.1, "
    )
    assert "v3" not in tg.explain(h).to_latex() + tg.draw(h).mermaid


# --- names ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "in_text", "in_latex"),
    [
        ("theta", "θ", r"\theta"),
        ("W1", "W₁", "W_{1}"),
        ("theta12", "θ₁₂", r"\theta_{12}"),
        ("logits2", "logits₂", r"\mathrm{logits}_{2}"),
        ("h_2", "h₂", "h_{2}"),
        ("h_12", "h₁₂", "h_{12}"),
        ("theta_2", "θ₂", r"\theta_{2}"),
        ("x_new_2", "x_new₂", r"\mathrm{x\_new}_{2}"),
        ("W1_2", "W1₂", r"\mathrm{W1}_{2}"),
        ("v_1", "v₁", "v_{1}"),
        ("x_new", "x_new", r"\mathrm{x\_new}"),
        ("v1", "v1", "v_{1}"),
        ("d_theta", "∂L/∂θ", r"\frac{\partial L}{\partial \theta}"),
        ("d_W1", "∂L/∂W₁", r"\frac{\partial L}{\partial W_{1}}"),
        ("d_2", "d₂", "d_{2}"),
    ],
)
def test_names_are_written_as_in_mathematics(name, in_text, in_latex):
    assert name_text(name) == in_text
    assert name_latex(name) == in_latex


def test_a_gradient_is_explained_in_its_own_name():
    explanation = tg.explain(lambda x: tg.grad(lambda x: x**3)(x), 2.0)
    assert str(explanation).startswith("∂L/∂x = 3·x₂² = 12\n")
    assert "d(∂L/∂x)/dx = " in str(explanation)
