"""explain of a function at a point: arguments are called what the parameters are called."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.errors import DataError, GradientError


def loss(theta, x, t):
    return 0.5 * (t - theta * x) ** 2


def model_loss(params, X, t):
    return np.mean((X @ params["w"] + params["b"] - t) ** 2)


PARAMS = {"w": np.array([1.0, -1.0]), "b": 0.5}


def targets_of(explanation):
    return [node.name for node in explanation.targets]


def test_a_function_is_explained_at_a_point_in_the_names_of_its_parameters():
    assert str(tg.explain(loss, 3.0, 2.0, 8.0)) == (
        "loss = ½(t − θ·x)² = 2\n"
        "with θ = 3, x = 2, t = 8\n"
        "\n"
        "dloss/dθ = dloss/d(t − θ·x) · d(t − θ·x)/dθ\n"
        "         = (t − θ·x) · (−x)\n"
        "         = 2 · (−2)\n"
        "         = −4"
    )


def test_a_function_is_differentiated_with_respect_to_the_arguments_that_are_named():
    explanation = tg.explain(loss, 3.0, 2.0, 8.0, wrt=["x", "theta"])
    assert targets_of(explanation) == ["x", "theta"]
    assert "dloss/dx = dloss/d(t − θ·x) · d(t − θ·x)/dx\n         = (t − θ·x) · (−θ)\n" in str(explanation)
    assert "with x = 2, θ = 3, t = 8" in str(tg.explain(loss, 3.0, 2.0, 8.0, wrt="x"))


@pytest.mark.parametrize("kind", [int, np.int64, np.int8])
def test_whole_numbers_keep_their_names_as_other_constants_do(kind):
    def expanded(theta, x, t):
        return 0.5 * x**2 * theta**2 - t * x * theta + 0.5 * t**2

    assert str(tg.explain(expanded, kind(3), kind(2), kind(8))) == str(tg.explain(expanded, 3.0, 2.0, 8.0))
    assert "  = x²·θ − t·x = x·(θ·x − t) = −4" in str(tg.explain(expanded, 3, 2, 8))
    told = str(tg.explain(lambda x, n: x**n, -2.0, kind(3)))
    assert told.startswith("f = x^n = −8\nwith x = −2, n = 3")
    assert told.endswith("df/dx = n·x^(n − 1)\n      = 12")


@pytest.mark.parametrize(
    ("f", "n", "told"),
    [
        (lambda x, n: sum(x * x for _ in range(n)) * x, 2, "24"),
        (lambda x, n: (x * np.ones((n, 2))).sum() ** 2, 3, "144"),
        (lambda x, n: x * {2: 5.0}[n], 2, "5"),
        (lambda x, n: np.sum(x * np.ones((2, 3)), axis=n)[0] ** 2, 1, "36"),
        (lambda x, n: np.array([1.0, 7.0])[n] * x, 1, "7"),
        (lambda x, n: x**3 if n is True else x, True, "12"),
    ],
    ids=["a count", "a shape", "a key", "an axis", "a position", "a truth"],
)
def test_where_a_whole_number_is_no_operand_it_is_what_it_is(f, n, told):
    assert str(tg.explain(f, 2.0, n)).endswith(f" = {told}")


def test_an_error_of_the_function_is_told_as_it_is():
    def f(x, n):
        raise ValueError(f"n is {n}")

    with pytest.raises(ValueError, match="n is 3"):
        tg.explain(f, 2.0, 3)


def test_a_tree_of_arguments_is_called_by_its_parts():
    explanation = tg.explain(model_loss, PARAMS, np.eye(2), np.ones(2))
    assert targets_of(explanation) == ["params['w']", "params['b']"]
    assert "X @ params['w']" in str(explanation)
    assert str(explanation).endswith("params['w'] = [0.5, −1.5]\ndmodel_loss/dparams['b'] = −1")


@pytest.mark.parametrize(("wrt", "found"), [("params", ["params['w']", "params['b']"]), ("params['b']", ["params['b']"])])
def test_a_tree_or_one_part_of_it_is_asked_for_by_name(wrt, found):
    assert targets_of(tg.explain(model_loss, PARAMS, np.eye(2), np.ones(2), wrt=wrt)) == found


def test_a_value_that_a_function_closes_over_can_be_asked_for():
    w = tg.Value(2.0, name="w")
    assert targets_of(tg.explain(lambda x: w * x, 3.0)) == ["x"]
    assert targets_of(tg.explain(lambda x: w * x, 3.0, wrt=w)) == ["w"]


def test_what_is_computed_already_can_be_asked_for_by_name():
    theta = tg.Value(3.0, name="theta")
    y = (theta * 2.0).named("y")
    assert targets_of(tg.explain((8.0 - y) ** 2, wrt=["y", "theta"])) == ["y", "theta"]


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ((loss,), DataError, r"loss is a function, and no Value.*explain\(loss, theta, x, t\)"),
        ((lambda: 1.0,), DataError, r"f is a function.*what it returns: explain\(f\(\)\)"),
        ((3.0,), DataError, "the loss must be a Value.* but is float: 3.0"),
        (("loss", 3.0), DataError, "the loss must be a Value.* but is str"),
        ((tg.Value(2.0, name="y"), 3.0), DataError, r"'y' of shape \(\) has been computed already.*explain\(loss, wrt=theta\)"),
        ((lambda x: (x, x), 1.0), GradientError, "a single number, but f returned a tuple"),
        ((lambda x: 2.0, 1.0), GradientError, "no gradient to explain"),
        ((lambda x: x * 2.0, np.ones(3)), GradientError, "has 3 of dtype float64. Reduce it first"),
    ],
)
def test_what_cannot_be_explained_is_told_with_what_to_write(arguments, error, words):
    with pytest.raises(error, match=words):
        tg.explain(*arguments)


@pytest.mark.parametrize(
    ("wrt", "error", "words"),
    [
        ("q", GradientError, "loss does not depend on 'q'. Its parameters are: theta."),
        (3, DataError, "wrt must be a Value"),
        ([3.0], DataError, "wrt must be a Value"),
    ],
)
def test_what_nothing_depends_on_is_refused_and_the_parameters_are_named(wrt, error, words):
    with pytest.raises(error, match=words):
        tg.explain(loss, 3.0, 2.0, 8.0, wrt=wrt)


@pytest.mark.parametrize(
    ("via", "words"),
    [
        (
            "x",
            "'x' is a constant here, which no gradient passes. via= takes an intermediate result, a Value or its name: y, error.",
        ),
        ("q", "loss does not depend on 'q'. via= takes an intermediate result, a Value or its name: y, error."),
    ],
)
def test_where_no_path_leads_through_the_names_of_intermediate_results_are_offered(via, words):
    def loss(theta, x, t):
        y = theta * x
        error = t - y
        return 0.5 * error**2

    with pytest.raises(GradientError) as caught:
        tg.explain(loss, 3.0, 2.0, 8.0, via=via)
    assert str(caught.value) == words
    assert "by way of y" in str(tg.explain(loss, 3.0, 2.0, 8.0, via="y"))
    with pytest.raises(GradientError, match="but none has a name here: bind it to a variable"):
        tg.explain(lambda theta, x: np.exp(theta) * x, 3.0, 2.0, via="x")
