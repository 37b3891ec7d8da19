"""The benchmarks run with whatever is installed and write what they measured."""

import gc
import json

import numpy as np
import pytest

import tinygrad_edu as tg
from benchmarks import compiled, gradients, jacobians, million, products
from benchmarks.__main__ import main
from benchmarks.race import DisagreementError, check_agreement
from benchmarks.workload import BY_HAND, OURS
from benchmarks.workloads import ALL, network
from tinygrad_edu.transforms.trees import tree_leaves


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """What a run of one round writes."""
    file = tmp_path_factory.mktemp("benchmarks") / "report.json"
    main(["--rounds", "1", "--json", str(file)])
    return json.loads(file.read_text(encoding="utf-8"))


WORKLOADS = pytest.mark.parametrize(
    "workload", [*ALL, *compiled.workloads(), compiled.compiling()], ids=lambda workload: workload.name
)


@WORKLOADS
def test_every_installed_contender_of_a_workload_is_compared_with_ours(report, workload):
    rows = [row for row in report["comparisons"] if row["workload"] == workload.name]
    assert [row["other"] for row in rows] == [name for name in workload.installed() if name != OURS]
    for row in rows:
        assert row["ours"] > 0
        assert row["theirs"] > 0
        assert row["ratio"] == pytest.approx(row["ours"] / row["theirs"])
        assert row["goal"] == workload.goals.get(row["other"])
        assert row["reached"] == (None if row["goal"] is None else row["ratio"] <= row["goal"])


def test_the_report_says_what_the_figures_depend_on(report):
    assert report["rounds"] == 1
    assert report["environment"]["numpy"] == np.__version__
    assert {"python", "machine"} <= report["environment"].keys()


@WORKLOADS
def test_goals_are_set_against_contenders_of_the_workload(workload):
    assert workload.goals.keys() <= workload.contenders.keys()


def test_a_contender_with_a_wrong_gradient_is_not_raced():
    with pytest.raises(DisagreementError, match="tinygrad_edu computes"):
        check_agreement("slope", {BY_HAND: lambda: [2.0], OURS: lambda: [2.1]})


def test_a_contender_that_does_not_clear_its_gradient_is_not_raced():
    total = np.zeros(())

    def accumulating():
        total[()] += 2.0
        return [total.copy()]

    with pytest.raises(DisagreementError):
        check_agreement("slope", {BY_HAND: lambda: [2.0], OURS: accumulating})


def test_products_are_compared_with_the_gradient(report):
    rows = {row["workload"]: row for row in report["comparisons"] if row["other"] == products.GRADIENT}
    assert list(rows) == [f"{product}, {name}" for name in products.FUNCTIONS for product in products.GOALS]
    assert {row["goal"] for row in rows.values()} == set(products.GOALS.values())


@pytest.mark.parametrize(("f", "x"), products.FUNCTIONS.values(), ids=products.FUNCTIONS)
def test_the_products_that_are_timed_are_right(f, x):
    gradient, product = products.steps(f, x)
    direction = np.concatenate([leaf.ravel() for leaf in tree_leaves(gradient())])
    value, slope = product["jvp"]()
    assert value == f(x)
    assert slope == pytest.approx(direction @ direction, rel=1e-12)

    curvature = np.concatenate([leaf.ravel() for leaf in tree_leaves(product["hvp"]())])
    parts = list(tree_leaves(x))
    steps = np.split(1e-6 * direction, np.cumsum([part.size for part in parts])[:-1])

    def moved(sign):
        at = [part + sign * step.reshape(part.shape) for part, step in zip(parts, steps, strict=True)]
        return np.concatenate([leaf.ravel() for leaf in tree_leaves(tg.grad(f)(at if isinstance(x, list) else at[0]))])

    np.testing.assert_allclose(curvature, (moved(1) - moved(-1)) / 2e-6, rtol=1e-6, atol=1e-7)


def test_gradients_of_small_functions_are_right_and_compared(report):
    rows = [row["workload"] for row in report["comparisons"] if row["workload"] in gradients.races()]
    assert rows == list(gradients.races())
    for contenders in gradients.races().values():
        ours, other = (np.ravel(step()) for step in contenders.values())
        np.testing.assert_allclose(ours, other, rtol=1e-12)


def test_without_the_collector_a_step_computes_the_same_and_leaves_it_on():
    assert gc.isenabled()
    usual, undisturbed = (workload.contenders[OURS]() for workload in network.WORKLOADS)
    assert usual() == undisturbed()
    assert gc.isenabled()


def test_the_long_chain_is_measured_in_a_process_of_its_own():
    figures = million.figures(rounds=1, length=20_000)
    assert figures["seconds"][OURS][0] > 0
    assert figures["bytes"][OURS][0] >= 0


def test_the_jacobian_of_a_hand_is_raced(report):
    rows = {(row["workload"], row["other"]): row for row in report["comparisons"] if "Jacobian" in row["workload"]}
    assert {race for race, _ in rows} == set(jacobians.races())
    assert {row["goal"] for (_, other), row in rows.items() if other == jacobians.COLUMN_BY_COLUMN} == {0.5}


def test_all_contenders_for_a_jacobian_compute_it():
    """The residuals are analytic in the parameters, so the part of order h of the residuals at θ + ih is imaginary, and exact."""
    theta, *given = jacobians.data()
    moved = (theta + 1e-100j * column for column in np.eye(len(theta)))
    expected = np.stack([jacobians.residuals(np, each, *given).imag for each in moved], axis=-1) / 1e-100
    for contenders in jacobians.races().values():
        assert {OURS, jacobians.COLUMN_BY_COLUMN} <= set(contenders)  # and whatever is installed
        for compute in contenders.values():
            np.testing.assert_allclose(compute(), expected, rtol=1e-11, atol=1e-12)
