"""Models: the lecture's tables step by step, agreement with closed forms and scikit-learn, divergence, and errors that teach."""

import copy
import pickle
import sys

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu.errors import ConvergenceWarning, DataError, DivergenceError, MissingExtraError, NotFittedError, ShapeError
from tinygrad_edu.models import History, LinearRegression, LogisticRegression, Perceptron

POINTS_X = np.array([[1.0], [0.38], [1.2], [1.6], [0.8]])
POINTS_T = np.array([0.73, 0.22, 0.83, 1.28, 0.69])
FOUR_X = np.array([[1, 1], [-1, 1], [-1, -0.5], [-1, 1.5]])
FOUR_T = np.array([0, 1, 0, 1])
XOR_X, XOR_T = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
BLOBS_X = np.random.default_rng(0).normal(size=(60, 3)) @ np.array([[1.0, 0.5, 0.0], [0.0, 1.0, 0.3], [0.0, 0.0, 0.4]])
BLOBS_T = (BLOBS_X @ [1.0, -2.0, 0.5] + np.random.default_rng(1).normal(size=60) > 0.3).astype(int)
ALL = [LinearRegression, LogisticRegression, Perceptron]


def least_squares(X, t):
    return np.linalg.lstsq(np.column_stack([X, np.ones(len(X))]), t, rcond=None)[0]


def standardized(X):
    return (X - X.mean(axis=0)) / X.std(axis=0)


# --- the lecture: one weight ---------------------------------------------------------------------------------------------------


def test_linear_regression_reproduces_the_lectures_diverging_table():
    model = LinearRegression(learning_rate=1.0, fit_intercept=False, init=(3.0, 0.0))
    with pytest.raises(DivergenceError, match=r"stable below 0\.5\.") as caught:
        model.fit([[2.0]], [8.0])
    steps = caught.value.history.steps[:3]
    rows = [(s.weights[0], s.weights[0] * 2, s.loss, s.weights_gradient[0], s.new_weights[0]) for s in steps]
    assert rows == [(3, 6, 2, -4, 7), (7, 14, 18, 12, -5), (-5, -10, 162, -36, 31)]
    assert caught.value.largest_stable_learning_rate == 0.5
    np.testing.assert_array_equal(caught.value.history.weights[:5, 0] - 4, [-1, 3, -9, 27, -81])


@pytest.mark.parametrize("batch_size", [None, 1])
@pytest.mark.parametrize("max_epochs", [1, 2, 3, 100])
def test_divergence_is_noticed_however_early_training_ends(max_epochs, batch_size):
    with pytest.raises(DivergenceError, match=r"stable below 0\.5\."):
        LinearRegression(learning_rate=1.0, fit_intercept=False, init=(3.0, 0.0), max_epochs=max_epochs, batch_size=batch_size).fit(
            [[2.0]], [8.0]
        )


def test_a_learning_rate_of_one_over_x_squared_arrives_in_one_step():
    model = LinearRegression(learning_rate=0.25, fit_intercept=False, init=(3.0, 0.0)).fit([[2.0]], [8.0])
    assert model.coef_ == [4.0]
    assert len(model.history_.steps) == 2  # the second finds that the gradient is zero
    assert model.converged_


@pytest.mark.parametrize(("learning_rate", "settles"), [(0.499, True), (0.501, False)])
def test_one_weight_settles_exactly_below_half(learning_rate, settles):
    model = LinearRegression(learning_rate=learning_rate, fit_intercept=False, init=(3.0, 0.0), max_epochs=20_000)
    if settles:
        np.testing.assert_allclose(model.fit([[2.0]], [8.0]).coef_, [4.0], atol=1e-6)
    else:
        with pytest.raises(DivergenceError):
            model.fit([[2.0]], [8.0])


def test_the_five_points_reach_the_closed_form_and_their_stable_rate_is_the_lectures():
    model = LinearRegression(learning_rate=1.0, fit_intercept=False, tol=1e-12).fit(POINTS_X, POINTS_T)
    np.testing.assert_allclose(model.coef_, [0.7623262568287118], rtol=1e-11)
    assert model.largest_stable_learning_rate(POINTS_X) == pytest.approx(2 / (5.7844 / 5), rel=1e-12)
    with pytest.raises(DivergenceError, match=r"stable below 1\.72879"):
        LinearRegression(learning_rate=1.8, fit_intercept=False).fit(POINTS_X, POINTS_T)


# --- the lecture: the perceptron -----------------------------------------------------------------------------------------------


def test_the_perceptron_reproduces_the_lectures_passes_over_one_sample():
    model = Perceptron(learning_rate=0.1, init=([1, 1], 0)).fit([[1.5, -3]], [1])
    rows = [(*s.logits, *s.outputs, *s.errors, *s.new_weights, s.new_bias) for s in model.history_.steps]
    table = [(-1.5, 0, 1, 1.15, 0.7, 0.1), (-0.275, 0, 1, 1.3, 0.4, 0.2), (0.95, 1, 0, 1.3, 0.4, 0.2)]
    np.testing.assert_allclose(rows, table, rtol=1e-14)
    assert model.converged_


def test_the_perceptron_reproduces_the_lectures_steps_over_four_samples():
    model = Perceptron(learning_rate=0.25, init=([1, 1], 0)).fit(FOUR_X, FOUR_T)
    rows = [[*s.logits, *s.outputs, *s.weights_gradient, s.bias_gradient, *s.new_weights, s.new_bias] for s in model.history_.steps]
    table = [
        [2, 0, -1.5, 0.5, 1, 0, 0, 1, 2, 0, 0, 0.5, 1, 0],
        [1.5, 0.5, -1, 1, 1, 1, 0, 1, 1, 1, 1, 0.25, 0.75, -0.25],
        [0.75, 0.25, -0.875, 0.625, 1, 1, 0, 1, 1, 1, 1, 0, 0.5, -0.5],
        [0, 0, -0.75, 0.25, 0, 0, 0, 1, 1, -1, -1, -0.25, 0.75, -0.25],
        [0.25, 0.75, -0.375, 1.125, 1, 1, 0, 1, 1, 1, 1, -0.5, 0.5, -0.5],
        [-0.5, 0.5, -0.25, 0.75, 0, 1, 0, 1, 0, 0, 0, -0.5, 0.5, -0.5],
    ]
    np.testing.assert_array_equal(rows, table)
    assert [step.mistakes for step in model.history_.steps] == [2, 1, 1, 1, 1, 0]
    assert model.converged_
    assert model.score(FOUR_X, FOUR_T) == 1.0


@pytest.mark.parametrize("batch_size", [None, 1, 7])
def test_the_perceptron_separates_what_can_be_separated(batch_size):
    t = (BLOBS_X @ [1.0, -2.0, 0.5] > 0.3).astype(int)
    model = Perceptron(batch_size=batch_size, max_epochs=20_000).fit(BLOBS_X, t)
    assert model.converged_
    assert model.score(BLOBS_X, t) == 1.0
    assert sum(step.mistakes for step in model.history_.steps if step.epoch == model.history_.steps[-1].epoch) == 0


def test_on_data_that_cannot_be_separated_the_perceptron_says_that_it_has_not_converged():
    model = Perceptron(max_epochs=50)
    with pytest.warns(ConvergenceWarning, match="still had mistakes") as caught:
        model.fit(XOR_X, XOR_T)
    assert caught[0].filename == __file__
    assert not model.converged_
    assert len(model.history_.epoch_losses) == 50


def test_the_perceptron_can_be_content_with_some_mistakes():
    model = Perceptron(tol=0.25, batch_size=1, max_epochs=500).fit(BLOBS_X, BLOBS_T)
    assert model.converged_


# --- oracles -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_linear_regression_agrees_with_the_closed_form_to_1e_6_on_the_diabetes_data(momentum):
    X, t = pytest.importorskip("sklearn.datasets").load_diabetes(return_X_y=True)
    X = standardized(X)
    model = LinearRegression(learning_rate=0.45, momentum=momentum, max_epochs=20_000, tol=1e-9).fit(X, t)
    assert model.converged_
    np.testing.assert_allclose([*model.coef_, model.intercept_], least_squares(X, t), atol=1e-6)
    oracle = pytest.importorskip("sklearn.linear_model").LinearRegression().fit(X, t)
    assert model.score(X, t) == pytest.approx(oracle.score(X, t), abs=1e-12)


def test_logistic_regression_agrees_with_scikit_learn_to_1e_4_on_the_breast_cancer_data():
    X, t = pytest.importorskip("sklearn.datasets").load_breast_cancer(return_X_y=True)
    X = standardized(X)
    oracle = pytest.importorskip("sklearn.linear_model").LogisticRegression(C=2.0, tol=1e-10, max_iter=10_000).fit(X, t)
    model = LogisticRegression(learning_rate=1.0, momentum=0.9, l2=1 / (2 * len(X)), max_epochs=5_000, tol=1e-8).fit(X, t)
    assert model.converged_
    np.testing.assert_allclose(model.coef_, oracle.coef_[0], atol=1e-4)
    np.testing.assert_allclose(model.intercept_, oracle.intercept_[0], atol=1e-4)
    np.testing.assert_allclose(model.predict_proba(X), oracle.predict_proba(X), atol=1e-5)
    np.testing.assert_array_equal(model.predict(X), oracle.predict(X))
    assert model.score(X, t) == oracle.score(X, t)


def test_stochastic_gradient_descent_reaches_the_same_line_where_there_is_no_noise():
    t = BLOBS_X @ [1.0, -2.0, 0.5] + 3.0
    for batch_size in (1, 7):
        model = LinearRegression(learning_rate=0.1, batch_size=batch_size, max_epochs=5000, tol=1e-10).fit(BLOBS_X, t)
        assert model.converged_
        np.testing.assert_allclose([*model.coef_, model.intercept_], [1.0, -2.0, 0.5, 3.0], atol=1e-6)


SETTINGS = {"learning_rate": 0.1, "max_epochs": 3, "tol": 0}


@pytest.mark.parametrize("model", [LinearRegression(**SETTINGS), LogisticRegression(l2=0.1, **SETTINGS)])
def test_a_step_is_the_step_of_the_gradient_by_hand(model):
    history = model.fit(BLOBS_X, BLOBS_T).history_
    for step in history.steps:
        y = BLOBS_X @ step.weights + step.bias
        if isinstance(model, LogisticRegression):
            y = tg.sigmoid(y)
        penalty = getattr(model, "l2", 0.0) * step.weights
        np.testing.assert_allclose(step.weights_gradient, (y - BLOBS_T) @ BLOBS_X / 60 + penalty, rtol=1e-12)
        np.testing.assert_allclose(step.bias_gradient, np.mean(y - BLOBS_T), rtol=1e-12)
        np.testing.assert_allclose(step.new_weights, step.weights - 0.1 * step.weights_gradient, rtol=1e-15)
        np.testing.assert_allclose(step.new_bias, step.bias - 0.1 * step.bias_gradient, rtol=1e-15)


# --- divergence ----------------------------------------------------------------------------------------------------------------


@st.composite
def problems(draw):
    """Regression problems of many shapes and scales, noisy, started anywhere."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    samples, features = draw(st.integers(1, 12)), draw(st.integers(1, 4))
    scale = 10.0 ** draw(st.integers(-3, 3))
    X = scale * rng.normal(size=(samples, features)) + scale * draw(st.sampled_from([0.0, 5.0]))
    t = rng.normal(size=samples) * 10.0 ** draw(st.integers(-3, 3))
    init = (rng.normal(size=features) * draw(st.sampled_from([0.0, 1.0, 100.0])), 0.0)
    return X, t, {"init": init, "fit_intercept": draw(st.booleans()) and len(t) > 1}


@settings(deadline=None, max_examples=60)
@given(problems(), st.floats(0.01, 0.99), st.sampled_from([0.0, 0.5, 0.9]), st.sampled_from([None, 1, 3]))
def test_below_the_largest_stable_learning_rate_nothing_is_called_divergence(problem, share, momentum, batch_size):
    X, t, kw = problem
    model = LinearRegression(momentum=momentum, batch_size=batch_size, max_epochs=60, tol=0, **kw)
    model.learning_rate = share * model.largest_stable_learning_rate(X)
    model.fit(X, t)
    labels = (t > 0).astype(int)
    model = LogisticRegression(momentum=momentum, batch_size=batch_size, max_epochs=60, tol=0, l2=0.1, **kw)
    model.learning_rate = share * model.largest_stable_learning_rate(X)
    model.fit(X, labels)


@settings(deadline=None, max_examples=60)
@given(problems(), st.floats(1.1, 100.0), st.sampled_from([0.0, 0.5]))
def test_above_it_gradient_descent_on_the_whole_batch_is_always_called_divergence(problem, factor, momentum):
    X, t, kw = problem
    model = LinearRegression(momentum=momentum, max_epochs=2000, **kw)
    limit = model.largest_stable_learning_rate(X)
    model.learning_rate = factor * limit
    gradient = (X @ kw["init"][0] - t) @ X / len(X)
    assume(np.abs(gradient).max() > 1e-6)  # at the minimum there is nothing to diverge from
    with pytest.raises(DivergenceError, match="stable below") as caught:
        model.fit(X, t)
    assert caught.value.largest_stable_learning_rate == pytest.approx(limit)
    assert np.isfinite(caught.value.history.epoch_losses).all()  # noticed before the numbers overflow


@pytest.mark.parametrize("seed", range(5))
def test_noisy_steps_at_a_high_learning_rate_are_not_called_divergence(seed):
    rng = np.random.default_rng(seed)
    X = rng.standard_t(1.5, size=(40, 1))  # with outliers, at which single steps overshoot by far
    model = LinearRegression(batch_size=1, max_epochs=400, fit_intercept=False)
    model.learning_rate = 5 * model.largest_stable_learning_rate(X)
    history = model.fit(X, 2 * X[:, 0]).history_
    assert max(step.loss for step in history.steps) > 2 * history.steps[0].loss
    np.testing.assert_allclose(model.coef_, [2.0], rtol=1e-3)


def test_stochastic_gradient_descent_that_diverges_within_an_epoch_is_noticed():
    X = np.random.default_rng(0).normal(size=(5000, 3)) * 10
    with pytest.raises(DivergenceError, match="a step on any batch is stable below"):
        LinearRegression(learning_rate=1.0, batch_size=1, max_epochs=1).fit(X, X[:, 0])


def test_logistic_regression_on_separable_data_may_take_large_steps():
    X, t = np.array([[1000.0], [2000.0], [1200.0], [1900.0]]), np.array([0, 1, 0, 1])
    LogisticRegression(learning_rate=0.5, max_epochs=5000, tol=1e-3).fit(standardized(X) * 100, t)


def test_logistic_regression_that_the_penalty_drives_away_is_called_divergence():
    with pytest.raises(DivergenceError, match="stable below") as caught:
        LogisticRegression(learning_rate=30.0, l2=0.1, max_epochs=5000).fit(BLOBS_X, BLOBS_T)
    assert len(caught.value.history.epoch_losses) < 200


def test_logistic_regression_that_ends_above_its_start_is_called_divergence():
    with pytest.raises(DivergenceError, match="stable below"):
        LogisticRegression(learning_rate=50.0, max_epochs=20).fit(BLOBS_X * 30, BLOBS_T)


def test_targets_too_large_to_square_are_called_an_overflow_and_not_a_learning_rate():
    with pytest.raises(DivergenceError, match="too large for float64"):
        LinearRegression(learning_rate=0.1).fit([[1.0]], [1e200])


def test_an_error_of_divergence_survives_pickling():
    with pytest.raises(DivergenceError) as caught:
        LinearRegression(learning_rate=1.0).fit([[2.0]], [8.0])
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value)
    assert len(again.history.steps) == len(caught.value.history.steps)


# --- history -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("batch_size", "steps"), [(None, 1), (1, 60), (7, 9), (60, 1), (1000, 1)])
def test_an_epoch_uses_every_sample_once(batch_size, steps):
    history = LinearRegression(batch_size=batch_size, max_epochs=3, tol=0).fit(BLOBS_X, BLOBS_T).history_
    assert len(history.steps) == history.step_count == 3 * steps
    for epoch in (1, 2, 3):
        rows = np.concatenate([step.samples for step in history.steps if step.epoch == epoch])
        np.testing.assert_array_equal(np.sort(rows), np.arange(60))


def test_the_path_leads_from_the_start_to_the_fitted_weights():
    model = LinearRegression(max_epochs=4, tol=0, init=([1, 2, 3], 4)).fit(BLOBS_X, BLOBS_T)
    history = model.history_
    assert history.weights.shape == (5, 3)
    assert history.biases.shape == (5,)
    np.testing.assert_array_equal(history.weights[0], [1, 2, 3])
    np.testing.assert_array_equal(history.weights[-1], model.coef_)
    assert history.biases[0] == 4
    assert history.biases[-1] == model.intercept_
    np.testing.assert_array_equal(history.losses, history.epoch_losses)
    assert (np.diff(history.losses) < 0).all()


def test_the_loss_of_an_epoch_is_the_mean_over_its_samples_also_with_a_smaller_last_batch():
    model = LinearRegression(batch_size=40, shuffle=False, max_epochs=1, tol=0).fit(BLOBS_X, BLOBS_T)
    first, second = model.history_.steps
    assert model.history_.epoch_losses == [pytest.approx((first.loss * 40 + second.loss * 20) / 60)]


def test_a_very_long_run_is_recorded_from_its_start_as_far_as_memory_allows():
    steps = LinearRegression(max_epochs=100, tol=0).fit(BLOBS_X, BLOBS_T).history_.steps
    history = History(room=1000)
    for step in steps:
        history.add_epoch([step], step.loss)
    assert 10 < len(history.steps) < 20
    assert history.steps == steps[: len(history.steps)]
    assert history.step_count == len(history.epoch_losses) == 100


def test_a_seed_makes_a_run_repeatable_and_another_seed_another_run():
    runs = [LinearRegression(batch_size=1, max_epochs=1, tol=0, seed=seed).fit(BLOBS_X, BLOBS_T).coef_ for seed in (1, 1, 2)]
    np.testing.assert_array_equal(runs[0], runs[1])
    assert (runs[0] != runs[2]).any()


def test_without_shuffling_the_samples_come_in_their_order():
    history = LinearRegression(batch_size=25, max_epochs=2, shuffle=False, tol=0).fit(BLOBS_X, BLOBS_T).history_
    np.testing.assert_array_equal(np.concatenate([step.samples for step in history.steps]), [*range(60), *range(60)])


def test_the_callback_hears_of_every_epoch():
    heard = []
    model = LinearRegression(max_epochs=5, tol=0)
    model.fit(BLOBS_X, BLOBS_T, callback=lambda epoch, loss: heard.append((epoch, loss)))
    assert heard == list(zip(range(1, 6), model.history_.epoch_losses, strict=True))


# --- fitting -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ALL)
def test_float32_data_are_fitted_in_float32(model):
    t = (BLOBS_X[:, 0] > 0).astype(int)
    fitted = model(max_epochs=5000, learning_rate=0.1, tol=0).fit(BLOBS_X.astype(np.float32), t)
    assert fitted.coef_.dtype == np.float32
    assert fitted.history_.steps[-1].weights_gradient.dtype == np.float32


@pytest.mark.parametrize("model", ALL)
def test_without_an_intercept_the_bias_stays_zero(model):
    t = (BLOBS_X[:, 0] > 0).astype(int)
    fitted = model(fit_intercept=False, max_epochs=2000, tol=0).fit(BLOBS_X, t)
    assert fitted.intercept_ == 0.0
    assert all(step.bias == step.bias_gradient == 0.0 for step in fitted.history_.steps)


@pytest.mark.parametrize("model", ALL)
def test_fitting_leaves_the_users_arrays_alone_and_does_not_see_later_changes(model):
    X, t, start = BLOBS_X.copy(), (BLOBS_X[:, 0] > 0).astype(float), np.ones(3)
    fitted = model(init=(start, 0.0), max_epochs=2000, tol=0).fit(X, t)
    np.testing.assert_array_equal(X, BLOBS_X)
    np.testing.assert_array_equal(start, 1.0)
    before = fitted.predict(BLOBS_X)
    X[...] = start[...] = 0
    np.testing.assert_array_equal(fitted.predict(BLOBS_X), before)


@pytest.mark.parametrize("model", ALL)
def test_a_fitted_model_can_be_copied_and_pickled(model):
    t = (BLOBS_X[:, 0] > 0).astype(int)
    fitted = model(max_epochs=2000, tol=0).fit(BLOBS_X, t)
    for twin in (copy.deepcopy(fitted), pickle.loads(pickle.dumps(fitted))):
        np.testing.assert_array_equal(twin.predict(BLOBS_X), fitted.predict(BLOBS_X))


@pytest.mark.parametrize("model", ALL)
def test_a_fit_that_raises_leaves_the_earlier_fit_untouched(model):
    t = (BLOBS_X[:, 0] > 0).astype(int)
    fitted = model(max_epochs=2000, tol=0).fit(BLOBS_X, t)
    before, history = fitted.coef_.copy(), fitted.history_

    def interrupt(epoch, loss):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fitted.fit(BLOBS_X * 2, t, callback=interrupt)
    with pytest.raises(ShapeError):
        fitted.fit(BLOBS_X, t[:-1])
    if model is Perceptron:
        with pytest.raises(ConvergenceWarning):  # an error, since the tests turn warnings into errors
            fitted.fit(XOR_X, XOR_T)
    else:
        fitted.learning_rate = 1e4
        with pytest.raises(DivergenceError):
            fitted.fit(BLOBS_X, BLOBS_T)
    np.testing.assert_array_equal(fitted.coef_, before)
    assert fitted.history_ is history


def test_the_score_of_a_linear_regression_for_constant_targets_is_one_or_zero():
    model = LinearRegression(learning_rate=0.5, init=([0.0], 1.0)).fit([[0.0], [0.0]], [1.0, 1.0])
    assert model.score([[0.0], [0.0]], [1.0, 1.0]) == 1.0
    assert model.score([[0.0], [0.0]], [2.0, 2.0]) == 0.0


def test_probabilities_add_up_to_one_and_stay_exact_far_from_the_line():
    model = LogisticRegression(init=([1.0], 0.0), max_epochs=1, tol=0, learning_rate=1e-12).fit([[0.0], [1.0]], [0, 1])
    probabilities = model.predict_proba([[-50.0], [0.0], [50.0]])
    np.testing.assert_allclose(probabilities[:, 1], [np.exp(-50), 0.5, 1.0], rtol=1e-9)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0)


# --- errors --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ALL)
def test_an_unfitted_model_says_that_it_is_not_fitted(model):
    unfitted = model()
    for ask in (
        lambda m: m.predict([[1.0]]),
        lambda m: m.coef_,
        lambda m: m.intercept_,
        lambda m: m.history_,
        lambda m: m.converged_,
    ):
        with pytest.raises(NotFittedError, match=f"this {model.__name__} has not been fitted yet"):
            ask(unfitted)
    assert not hasattr(unfitted, "coef_")


@pytest.mark.parametrize("model", ALL)
@pytest.mark.parametrize(
    ("X", "t", "error", "words"),
    [
        ([1.0, 2.0], [0, 1], ShapeError, r"has shape \(2,\). Reshape your data: for one feature use X.reshape\(-1, 1\)"),
        (1.0, [0], ShapeError, r"X = \[\[x\]\]"),
        (np.ones((2, 2, 2)), [0, 1], ShapeError, r"X.reshape\(len\(X\), -1\)"),
        (np.ones((0, 2)), [], ShapeError, r"X has 0 sample\(s\) \(shape=\(0, 2\)\) while a minimum of 1 is required"),
        (np.ones((2, 0)), [0, 1], ShapeError, r"X has 0 feature\(s\) \(shape=\(2, 0\)\) while"),
        ([[1.0], [np.nan]], [0, 1], DataError, "X has 1 entries that are NaN or infinite"),
        ([[1.0], [2.0]], [0, np.inf], DataError, "y has (1 )?entries that are NaN or infinite"),
        ([["a"], ["b"]], [0, 1], DataError, "X must be made of real numbers"),
        ([[1.0], [2.0]], [{}, 1], DataError, "y must be made of"),
        ([[1.0], [2.0]], None, DataError, "requires y to be passed"),
        ([[1.0 + 1j], [2.0]], [0, 1], DataError, "Complex data not supported: X"),
        ([[1.0], [2.0]], [0, 1j], DataError, "Complex data not supported: y"),
        ([[1.0], [object()]], [0, 1], DataError, "X must be made of real numbers, but holds other things"),
        ([[1.0], [2.0, 3.0]], [0, 1], DataError, "X does not form an array"),
        ([[1.0], [2.0]], [0, 1, 1], ShapeError, "X has 2 samples, but y has 3 targets"),
        ([[1.0], [2.0]], np.ones((2, 2)), ShapeError, "one model for each column"),
    ],
)
def test_data_that_cannot_be_fitted_are_refused(model, X, t, error, words):
    with pytest.raises(error, match=words):
        model().fit(X, t)


@pytest.mark.parametrize("model", ALL)
def test_other_columns_than_those_fitted_are_refused(model):
    fitted = model(max_epochs=2000, tol=0).fit(BLOBS_X, BLOBS_X[:, 0] > 0)
    with pytest.raises(ShapeError, match=r"X has 2 features, but \w+ is expecting 3 features as input"):
        fitted.predict(BLOBS_X[:, :2])
    with pytest.raises(ShapeError, match="X has 60 samples, but y has 59"):
        fitted.score(BLOBS_X, np.ones(59))


@pytest.mark.parametrize("model", ALL)
@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"learning_rate": 0}, "learning_rate must be a finite number above 0, but is 0"),
        ({"learning_rate": np.nan}, "learning_rate must be"),
        ({"max_epochs": 0}, "max_epochs must be a whole number of at least 1 and at most 1000000000, but is 0"),
        ({"max_epochs": 1.5}, "max_epochs must be a whole number"),
        ({"batch_size": 0}, "batch_size must be a whole number of at least 1, but is 0"),
        ({"batch_size": 2.0}, "batch_size must be a whole number"),
        ({"seed": -1}, "seed must be a whole number"),
        ({"tol": -1}, "tol must be a finite number at least 0"),
    ],
)
def test_settings_out_of_range_are_refused_when_the_model_is_fitted(model, settings, words):
    for unfit in (model(**settings), model().set_params(**settings)):
        with pytest.raises(DataError, match=words):
            unfit.fit([[1.0]], [1])
        with pytest.raises(DataError, match=words):
            unfit.partial_fit([[1.0]], [1])


@pytest.mark.parametrize("settings", [{"momentum": 1.0}, {"momentum": -0.1}, {"l2": -1.0}])
def test_momentum_and_penalty_must_be_in_range(settings):
    with pytest.raises(DataError, match="must be a finite number at least 0"):
        LogisticRegression(**settings).fit([[1.0]], [1])


@pytest.mark.parametrize("model", ALL)
@pytest.mark.parametrize(
    ("init", "error", "words"),
    [
        (([1.0, 2.0], 0.0), ShapeError, r"weights of init have shape \(2,\), but X has 3 features"),
        (([1.0, 2.0, 3.0], [0.0, 1.0]), ShapeError, "the bias of init must be one number"),
        (([1.0, 2.0, np.nan], 0.0), DataError, "the weights of init has 1 entries|NaN"),
        ([1.0, 2.0, 3.0], DataError, r"init must be a pair, \(weights, bias\)"),
    ],
)
def test_starting_weights_of_the_wrong_form_are_refused(model, init, error, words):
    with pytest.raises(error, match=words):
        model(init=init).fit(BLOBS_X, BLOBS_T)


def test_a_starting_bias_without_an_intercept_is_refused():
    with pytest.raises(DataError, match="fit_intercept=False there is no bias"):
        LinearRegression(init=([1.0], 2.0), fit_intercept=False).fit([[1.0]], [1.0])


@pytest.mark.parametrize("make", [LinearRegression, LogisticRegression, Perceptron])
def test_two_models_with_the_same_settings_are_two_things(make):
    one, other = make(), make()
    assert one != other
    assert len({one, other, one}) == 2


@pytest.mark.filterwarnings("ignore::tinygrad_edu.errors.ConvergenceWarning")
def test_a_start_that_is_perfect_but_for_rounding_is_not_said_to_diverge_in_a_few_steps():
    X = np.array([[1.0], [3.0], [7.0]])
    t = 1e6 * X[:, 0] + [1e-9, 0, -1e-9]
    settings = {"init": ([1e6], 0.0), "max_epochs": 5, "tol": 0.0, "fit_intercept": False}
    stable = LinearRegression(**settings).largest_stable_learning_rate(X)
    model = LinearRegression(learning_rate=1.5 * stable, **settings).fit(X, t)
    assert 0 < model.history_.epoch_losses[0] < model.history_.epoch_losses[-1] < 1e-12
    np.testing.assert_allclose(model.predict(X), t, rtol=1e-12)


# --- the history as a summary, a table and a curve ------------------------------------------------------------------------------


FIVE_POINTS = [[1.0], [0.38], [1.2], [1.6], [0.8]], [0.73, 0.22, 0.83, 1.28, 0.69]


def five_points(**settings):
    return LinearRegression(learning_rate=0.3, fit_intercept=False, max_epochs=400, tol=0, **settings).fit(*FIVE_POINTS).history_


def test_a_history_is_printed_as_a_summary_however_long_it_is():
    history = five_points(batch_size=1)
    assert len(repr(history)) < 200
    assert repr(history).startswith("<History of 2000 steps in 400 epochs: the loss goes from ")
    assert repr(History()) == "<History of 0 steps, of which none is recorded>"
    short = History(room=300)
    short.add_epoch(history.steps[:5], 1.0)
    assert "5 steps in 1 epoch, of which the first 4 are recorded" in repr(short)


def test_a_historys_table_has_a_row_for_every_step():
    history = five_points(batch_size=2)
    table = history.to_table()
    assert [*table] == ["step", "epoch", "loss", "gradient", "w", "b"]
    assert {column.shape for column in table.values()} == {(1200,)}
    for name, column in table.items():
        step = history.steps[700]
        expected = {"step": 701, "epoch": 234, "loss": step.loss, "gradient": step.largest_gradient, "w": step.weights[0], "b": 0}
        assert column[700] == expected[name]
    assert len(repr(table).splitlines()) == 14
    assert repr(table).splitlines()[7].split() == ["…"] * 6


def test_the_table_of_a_perceptron_counts_mistakes_and_that_of_many_weights_numbers_them():
    X, t = [[1, 1], [-1, 1], [-1, -0.5], [-1, 1.5]], [0, 1, 0, 1]
    table = Perceptron(learning_rate=0.25, init=([1.0, 1.0], 0.0)).fit(X, t).history_.to_table()
    assert [*table] == ["step", "epoch", "loss", "gradient", "mistakes", "w1", "w2", "b"]
    assert table["mistakes"].tolist() == [2, 1, 1, 1, 1, 0]
    assert table["w1"].tolist() == [1, 0.5, 0.25, 0, -0.25, -0.5]
    wide = LinearRegression(max_epochs=3, tol=0).fit(np.eye(40), np.ones(40)).history_.to_table()
    assert len(wide) == 45
    assert all(len(line.split()) == 13 for line in repr(wide).splitlines())


def test_the_table_of_nothing_has_no_rows():
    assert {name: len(column) for name, column in History().to_table().items()} == dict.fromkeys(
        ["step", "epoch", "loss", "gradient", "b"], 0
    )
    assert repr(History().to_table()) == "step  epoch  loss  gradient  b"


def test_a_history_draws_the_loss_of_every_step_and_of_every_epoch():
    Figure = pytest.importorskip("matplotlib.figure").Figure
    history = five_points(batch_size=1)
    steps, epochs = history.plot(Figure().subplots()).get_lines()
    assert steps.get_xdata().tolist() == [*range(1, 2001)]
    assert steps.get_ydata().tolist() == history.losses.tolist()
    assert epochs.get_xdata().tolist() == [*range(5, 2001, 5)]
    assert epochs.get_ydata().tolist() == history.epoch_losses
    axes = five_points().plot(Figure().subplots())
    assert len(axes.get_lines()) == 1
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("step", "loss")


def test_a_history_makes_a_figure_of_its_own_where_it_is_given_none(monkeypatch):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    axes = five_points().plot()
    assert len(axes.get_lines()[0].get_xdata()) == 400
    matplotlib.pyplot.close(axes.figure)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(MissingExtraError, match=r'pip install "tinygrad_edu\[plot\]"'):
        five_points().plot()
