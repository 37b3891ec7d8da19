"""scikit-learn's contract: its own checks, its tools, labels of any kind, weights of samples, names of columns."""

import pickle
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.errors import (
    ConvergenceWarning,
    DataConversionWarning,
    DataError,
    DivergenceError,
    NotFittedError,
    ShapeError,
    TracingError,
)
from tinygrad_edu.models import (
    LinearRegression,
    LogisticRegression,
    MLPClassifier,
    MLPRegressor,
    NeuralNetClassifier,
    NeuralNetRegressor,
    Perceptron,
    SoftmaxRegression,
)

MODELS = [LinearRegression, LogisticRegression, Perceptron, SoftmaxRegression]
CLASSIFIERS = [LogisticRegression, Perceptron, SoftmaxRegression, MLPClassifier]
RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3))
SIDE = (X[:, 0] > 0.1).astype(int)
THIRDS = np.digitize(X[:, 0] - X[:, 1], [-0.5, 0.5])
ignored = pytest.mark.filterwarnings("ignore::tinygrad_edu.errors.ConvergenceWarning")


def network(features, outputs):
    return tg.nn.Sequential(tg.nn.Linear(features, 16, rng=0), tg.nn.Tanh(), tg.nn.Linear(16, outputs, rng=1))


def targets(model):
    return X @ [1.0, -2.0, 0.5] + 3 if model is LinearRegression else SIDE


# --- its own checks ------------------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "model",
    [*(kind() for kind in [*MODELS, MLPClassifier, MLPRegressor]), NeuralNetClassifier(network), NeuralNetRegressor(network)],
)
def test_a_model_passes_scikit_learns_own_checks(model):
    check_estimator = pytest.importorskip("sklearn.utils.estimator_checks").check_estimator
    checks = check_estimator(model, on_fail=None, on_skip=None)
    assert [check["check_name"] for check in checks if check["status"] in ("failed", "xfail")] == []
    assert sum(check["status"] == "passed" for check in checks) > 50
    skipped = {check["check_name"] for check in checks if check["status"] == "skipped"}
    without_pandas = {"check_sample_weights_pandas_series", f"check_{model._kind}_data_not_an_array"}
    assert skipped <= {"check_array_api_input"} | (set() if find_spec("pandas") else without_pandas)


@pytest.mark.filterwarnings("ignore")
def test_those_checks_catch_a_model_that_forgets_what_a_sample_counts():
    check_estimator = pytest.importorskip("sklearn.utils.estimator_checks").check_estimator

    class Forgetful(LinearRegression):
        def fit(self, X, y, sample_weight=None, *, callback=None):
            return super().fit(X, y, callback=callback)

    checks = check_estimator(Forgetful(), on_fail=None, on_skip=None)
    failed = {check["check_name"] for check in checks if check["status"] == "failed"}
    assert "check_sample_weight_equivalence_on_dense_data" in failed


def test_models_do_not_import_scikit_learn():
    code = (
        "import sys, tinygrad_edu as tg\n"
        "model = tg.models.SoftmaxRegression(max_epochs=2, tol=0).fit([[1.0], [2.0], [3.0]], ['a', 'b', 'c'])\n"
        "repr(model), model._repr_html_(), model.predict([[1.0]]), model.score([[1.0]], ['a'])\n"
        "assert not any(name.startswith('sklearn') for name in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# --- its tools -----------------------------------------------------------------------------------------------------------------


@ignored
def test_models_work_in_pipelines_searches_and_cross_validation():
    pytest.importorskip("sklearn")
    from sklearn.base import clone, is_classifier, is_regressor
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.datasets import load_breast_cancer, load_iris
    from sklearn.model_selection import GridSearchCV, cross_val_score
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    cancer, iris = load_breast_cancer(return_X_y=True), load_iris(return_X_y=True)
    pipeline = make_pipeline(StandardScaler(), LogisticRegression(momentum=0.9, l2=0.01))
    assert cross_val_score(pipeline, *cancer, cv=3).mean() > 0.96
    softmax = make_pipeline(StandardScaler(), SoftmaxRegression(momentum=0.9, l2=0.01))
    assert cross_val_score(softmax, *iris, cv=3).mean() > 0.93
    search = GridSearchCV(softmax, {"softmaxregression__l2": [0.001, 1.0]}, cv=3).fit(*iris)
    assert search.best_params_ == {"softmaxregression__l2": 0.001}
    calibrated = CalibratedClassifierCV(LogisticRegression(), cv=3).fit(X, SIDE)
    assert calibrated.predict_proba(X).shape == (40, 2)
    many = OneVsRestClassifier(LogisticRegression(l2=0.01)).fit(*iris)
    assert many.score(*iris) > 0.9
    assert is_classifier(SoftmaxRegression())
    assert is_regressor(LinearRegression())
    twin = clone(LinearRegression(learning_rate=0.3, init=([1.0], 2.0)))
    assert twin.get_params() == LinearRegression(learning_rate=0.3, init=([1.0], 2.0)).get_params()


def test_softmax_regression_agrees_with_scikit_learns():
    oracle = pytest.importorskip("sklearn.linear_model").LogisticRegression(C=0.5, tol=1e-10, max_iter=10_000).fit(X, THIRDS)
    model = SoftmaxRegression(momentum=0.9, l2=1 / (0.5 * len(X)), tol=1e-9, max_epochs=20_000).fit(X, THIRDS)
    np.testing.assert_allclose(model.coef_.T, oracle.coef_, atol=1e-6)
    np.testing.assert_allclose(model.predict_proba(X), oracle.predict_proba(X), atol=1e-6)
    np.testing.assert_array_equal(model.predict(X), oracle.predict(X))


def test_a_step_of_softmax_regression_is_that_of_the_gradient_by_hand():
    model = SoftmaxRegression(learning_rate=0.1, l2=0.3, max_epochs=3, tol=0).fit(X, THIRDS)
    one_hot = np.eye(3)[THIRDS]
    for step in model.history_.steps:
        z = X @ step.weights + step.bias
        p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
        np.testing.assert_allclose(step.weights_gradient, X.T @ (p - one_hot) / 40 + 0.3 * step.weights, rtol=1e-10)
        np.testing.assert_allclose(step.bias_gradient, np.mean(p - one_hot, axis=0), rtol=1e-10, atol=1e-16)
    assert [*model.history_.to_table()] == ["step", "epoch", "loss", "gradient", *(f"w{n}" for n in range(1, 10)), "b1", "b2", "b3"]
    page = tg.explain_descent(model, X)
    assert page.facts["why"] == "shape"
    assert page.facts["steps"][1]["before"] == [*model.history_.steps[1].weights.ravel(), *model.history_.steps[1].bias]


def test_the_stable_learning_rate_of_softmax_regression_is_stable_and_close():
    samples = np.array([[10.0], [-10.0]])  # of two classes whose probabilities begin at ½ each, where the loss is curved the most
    model = SoftmaxRegression(fit_intercept=False, l2=0.0)
    limit = model.largest_stable_learning_rate(samples)
    assert limit == pytest.approx(2 / (100 * 0.5))
    hessian = tg.hessian(lambda W: tg.nn.softmax_cross_entropy(samples @ W, np.array([1, 0])))(np.zeros((1, 2)))
    assert np.linalg.eigvalsh(hessian.reshape(2, 2)).max() == pytest.approx(2 / limit)


# --- labels --------------------------------------------------------------------------------------------------------------------


@ignored
@pytest.mark.parametrize("model", CLASSIFIERS)
@pytest.mark.parametrize("labels", [["no", "yes"], [-1, 1], [7, 3], [False, True], [0.0, 1.0], np.array(["b", "a"], object)])
def test_labels_may_be_of_any_kind(model, labels):
    named = np.asarray(labels)[SIDE]
    fitted = model(max_epochs=300).fit(X, named)
    np.testing.assert_array_equal(fitted.classes_, np.unique(named))
    predicted = fitted.predict(X)
    assert set(predicted) <= set(named)
    assert predicted.dtype == fitted.classes_.dtype
    assert np.mean(predicted == named) == fitted.score(X, named) > 0.85


@ignored
@pytest.mark.parametrize("model", CLASSIFIERS)
def test_zeros_and_ones_are_two_classes_even_where_only_one_of_them_occurs(model):
    fitted = model(max_epochs=10).fit([[1.0], [2.0]], [1, 1])
    np.testing.assert_array_equal(fitted.classes_, [0, 1])
    np.testing.assert_array_equal(fitted.predict([[1.0]]), [1])


@pytest.mark.parametrize("model", CLASSIFIERS)
@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (["a"] * 3, "needs two classes, but y has one class only: 'a'"),
        ([2, 2, 2], "one class only: 2"),
        ([0.5, 1.0, 2.0], "y is continuous.*use a regression"),
        ([0.0, np.nan, 1.0], "y has entries that are NaN"),
        ([None, "a", "b"], "whole numbers or of texts"),
        (np.array([1, "a", 2], object), "whole numbers or of texts"),
    ],
)
def test_labels_that_are_none_are_refused(model, labels, words):
    with pytest.raises(DataError, match=words):
        model().fit([[1.0], [2.0], [3.0]], labels)


@pytest.mark.parametrize("model", [LogisticRegression, Perceptron])
def test_a_model_of_two_classes_says_what_takes_more(model):
    with pytest.raises(DataError, match=r"y has 3 classes\. Use SoftmaxRegression, or .*OneVsRestClassifier\("):
        model().fit(X, THIRDS)


# --- weights of samples --------------------------------------------------------------------------------------------------------


@ignored
@pytest.mark.parametrize("model", MODELS)
def test_a_weight_of_two_counts_as_two_samples_and_one_of_zero_as_none(model):
    counts = np.arange(40) % 3
    weighted = model(max_epochs=50).fit(X, targets(model), counts)
    repeated = model(max_epochs=50).fit(np.repeat(X, counts, axis=0), np.repeat(targets(model), counts))
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, rtol=1e-10)
    np.testing.assert_allclose(weighted.intercept_, repeated.intercept_, rtol=1e-10)
    assert weighted.score(X, targets(model), counts) == pytest.approx(
        repeated.score(np.repeat(X, counts, axis=0), np.repeat(targets(model), counts))
    )


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    ("weights", "error", "words"),
    [
        (np.ones(39), ShapeError, r"sample_weight must be of shape \(40,\), one weight a sample, but has shape \(39,\)"),
        (np.ones((40, 1)), ShapeError, r"but has shape \(40, 1\)"),
        (-np.ones(40), DataError, "must not be negative, but -1"),
        (np.zeros(40), DataError, "every sample_weight is zero"),
        (np.full(40, np.nan), DataError, "sample_weight has 40 entries that are NaN"),
        (["much"] * 40, DataError, "sample_weight must be made of real numbers"),
    ],
)
def test_weights_that_are_none_are_refused(model, weights, error, words):
    with pytest.raises(error, match=words):
        model().fit(X, targets(model), weights)


# --- training in parts ---------------------------------------------------------------------------------------------------------


@ignored
@pytest.mark.parametrize("model", MODELS)
def test_training_in_parts_is_training_epoch_by_epoch(model):
    settings = {"learning_rate": 0.01, "batch_size": 7, "tol": 0.0, "seed": 3} | ({} if model is Perceptron else {"momentum": 0.5})
    t = targets(model) if model is not Perceptron else RNG.integers(0, 2, 40)  # which never ends early
    parts = model(**settings)
    for _ in range(4):
        assert parts.partial_fit(X, t) is parts
    whole = model(max_epochs=4, **settings).fit(X, t)
    np.testing.assert_array_equal(parts.coef_, whole.coef_)
    np.testing.assert_array_equal(parts.intercept_, whole.intercept_)
    assert parts.history_.epoch_losses == whole.history_.epoch_losses
    assert [step.epoch for step in parts.history_.steps] == [step.epoch for step in whole.history_.steps]


def test_all_classes_are_named_where_training_in_parts_begins():
    model = SoftmaxRegression().partial_fit(X[:10], ["a", "b"] * 5, classes=["c", "b", "a"])
    model.partial_fit(X[:10], ["c"] * 10)
    assert model.classes_.tolist() == ["a", "b", "c"]
    before = model.coef_
    with pytest.raises(DataError, match=r"y has the label .*'d'.*but the classes are \['a', 'b', 'c'\].*classes=\[\.\.\.\]"):
        model.partial_fit(X[:10], ["d"] * 10)
    with pytest.raises(ShapeError, match="expecting 3 features"):
        model.partial_fit(X[:10, :2], ["a"] * 10)
    np.testing.assert_array_equal(model.coef_, before)


def test_a_part_that_diverges_leaves_the_model_as_it_was():
    model = LinearRegression(learning_rate=0.1).partial_fit(X, targets(LinearRegression))
    before, losses = model.coef_, model.history_.epoch_losses.copy()
    with pytest.raises(DivergenceError, match=r"went from .* to inf within 2 epochs"):
        model.partial_fit(X * 1e200, targets(LinearRegression))
    np.testing.assert_array_equal(model.coef_, before)
    assert model.history_.epoch_losses == losses


# --- networks ------------------------------------------------------------------------------------------------------------------


def test_a_network_reads_digits():
    from_bundle = pytest.importorskip("sklearn.datasets").load_digits(return_X_y=True)
    digits, labels = from_bundle[0] / 16, from_bundle[1]
    model = MLPClassifier((64,), learning_rate=3e-3, batch_size=32, max_epochs=60, tol=0).fit(digits[::3], labels[::3])
    assert model.score(digits[1::3], labels[1::3]) > 0.95
    np.testing.assert_allclose(model.predict_proba(digits[:20]).sum(axis=1), 1)
    assert len(model.losses_) == 60
    assert model.losses_[-1] < 0.05 < model.losses_[0]


@pytest.mark.parametrize("model", [MLPClassifier, MLPRegressor])
def test_training_a_network_in_parts_is_training_it_epoch_by_epoch(model):
    t = THIRDS if model is MLPClassifier else targets(LinearRegression)
    settings = {"batch_size": 7, "learning_rate": 0.01, "tol": 0, "seed": 3, "l2": 0.1}
    whole, parts = model((5,), max_epochs=4, **settings).fit(X, t), model((5,), **settings)
    for _ in range(4):
        parts.partial_fit(X, t)
    np.testing.assert_allclose(parts.losses_, whole.losses_, rtol=1e-12)
    for one, other in zip(parts.module_.parameters(), whole.module_.parameters(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10)


def test_a_step_of_a_network_is_that_of_the_gradient_by_hand():
    t, weights = RNG.normal(size=40), RNG.uniform(size=40)
    module = network(3, 1)
    model = NeuralNetRegressor(module, optimizer=tg.optim.SGD(lr=0.1), l2=0.2, max_epochs=1, batch_size=None, tol=0)
    first, last = model.fit(X, t, weights).module_[0], model.module_[2]
    W, b, V, c = (parameter.numpy() for parameter in module.parameters())
    h = np.tanh(X @ W.T + b)
    d_y = ((h @ V.T + c)[:, 0] - t) * weights / weights.sum()
    d_a = d_y[:, None] * V * (1 - h**2)
    np.testing.assert_allclose(last.weight, V - 0.1 * (d_y @ h + 0.2 * V), rtol=1e-12)
    np.testing.assert_allclose(last.bias, c - 0.1 * d_y.sum(), rtol=1e-12)
    np.testing.assert_allclose(first.weight, W - 0.1 * (d_a.T @ X + 0.2 * W), rtol=1e-12)
    np.testing.assert_allclose(first.bias, b - 0.1 * d_a.sum(axis=0), rtol=1e-12)


@pytest.mark.parametrize("weights", [None, RNG.uniform(size=40)])
def test_a_network_is_fitted_by_the_loss_that_it_is_given(weights):
    t, counts = X[:, 0] ** 2, np.ones(40) if weights is None else weights
    module = tg.nn.Linear(3, 1, rng=0)
    model = NeuralNetRegressor(
        module, tg.nn.mean_squared_error, optimizer=tg.optim.SGD(lr=0.1), max_epochs=1, batch_size=None, tol=0
    )
    W, b = module.weight.numpy(), module.bias.numpy()
    error = (X @ W[0] + b[0] - t) * counts / counts.sum()
    trained = model.fit(X, t, weights).module_
    np.testing.assert_allclose(trained.weight[0], W[0] - 0.1 * 2 * error @ X, rtol=1e-12)
    np.testing.assert_allclose(trained.bias, b - 0.1 * 2 * error.sum(), rtol=1e-12)


def test_a_loss_of_ones_own_gets_the_logits_and_the_numbers_of_the_classes():
    def margin(logits, classes):
        right = logits[np.arange(len(classes)), classes]
        return np.mean(np.maximum(0.0, 1 + logits.sum(axis=1) - 2 * right))

    labels = np.array(["left", "right"])[SIDE]
    module = tg.nn.Linear(3, 2, rng=0)
    model = NeuralNetClassifier(module, loss=margin, optimizer=tg.optim.Adam(lr=0.05), tol=0)
    assert model.fit(X, labels).score(X, labels) > 0.95
    with pytest.raises(
        ShapeError, match=r"margin\(outputs, targets\) should .* of shape \(40,\), since they have weights, but gave shape \(\)"
    ):
        model.fit(X, labels, np.ones(40))


def test_a_loss_that_has_no_signature_is_called_too():
    with pytest.raises(TracingError, match="would make it depend on the numbers"):  # Python's own, which compares
        NeuralNetRegressor(tg.nn.Linear(3, 1), loss=max).fit(X, targets(LinearRegression))


def test_every_fit_begins_with_the_network_as_it_was_given():
    module = network(3, 1)
    before = module.state_dict()
    model = NeuralNetRegressor(module, max_epochs=2, tol=0)
    one = model.fit(X, targets(LinearRegression)).predict(X)
    np.testing.assert_array_equal(model.fit(X, targets(LinearRegression)).predict(X), one)
    for name, numbers in module.state_dict().items():
        np.testing.assert_array_equal(numbers, before[name])


def test_training_ends_where_the_loss_has_ceased_to_fall_and_else_says_so():
    model = MLPRegressor((4,), learning_rate=0.01, max_epochs=5000, tol=1e-3, patience=3).fit(X, np.zeros(40))
    assert model.converged_
    best = np.minimum.accumulate(model.losses_)
    assert all(loss >= least - 1e-3 for loss, least in zip(model.losses_[-3:], best[-4:-1], strict=True))
    with pytest.warns(ConvergenceWarning, match="MLPRegressor has not converged: the loss was still falling"):
        assert not MLPRegressor(max_epochs=3).fit(X, targets(LinearRegression)).converged_


@pytest.mark.parametrize(
    ("model", "error", "words"),
    [
        (NeuralNetClassifier(), DataError, "needs a module of tg.nn, or a function of the number of features and of outputs"),
        (NeuralNetClassifier(lambda features, outputs: None), DataError, "but got None"),
        (NeuralNetClassifier(network(3, 5)), ShapeError, r"must give 2 numbers .* an output of shape \(1, 5\)"),
        (NeuralNetClassifier(network, optimizer="adam"), DataError, r"write optimizer=tg.optim.SGD\(lr=0.1\)"),
        (NeuralNetClassifier(network, "mean"), DataError, "loss must be a function of outputs and targets"),
        (NeuralNetClassifier(network, batch_size=0), DataError, "batch_size must be a whole number"),
        (NeuralNetClassifier(network, patience=0), DataError, "patience must be"),
        (NeuralNetClassifier(network, l2=-1), DataError, "l2 must be"),
        (MLPClassifier((5, 0)), DataError, "hidden_layer_sizes must be a whole number of at least 1, but is 0"),
        (MLPClassifier(activation="sine"), DataError, "activation must be one of relu, tanh, logistic, but is 'sine'"),
        (MLPClassifier(learning_rate=0), DataError, "learning_rate must be"),
    ],
)
def test_a_network_that_cannot_be_trained_is_refused(model, error, words):
    with pytest.raises(error, match=words):
        model.fit(X, SIDE)


def test_a_network_that_diverges_says_what_to_do_and_keeps_what_it_was():
    model = MLPRegressor((4,), optimizer=tg.optim.SGD(lr=0.01), max_epochs=3, tol=0).fit(X, targets(LinearRegression))
    before = model.predict(X)
    model.set_params(optimizer=tg.optim.SGD(lr=1e30), max_epochs=50)
    with pytest.raises(DivergenceError, match="smaller learning rate of the optimizer"), np.errstate(all="ignore"):
        model.fit(X, targets(LinearRegression))
    np.testing.assert_array_equal(model.predict(X), before)


@ignored
def test_a_network_with_batch_normalisation_is_trained_as_without_a_look_at_a_single_sample():
    module = tg.nn.Sequential(tg.nn.Linear(3, 4, rng=0), tg.nn.BatchNorm(4), tg.nn.Linear(4, 2, rng=1))
    model = NeuralNetClassifier(module, batch_size=20, max_epochs=3, tol=0).fit(X, SIDE)
    assert model.module_[1].num_batches_tracked == 6
    assert model.predict(X[:1]) in model.classes_
    again = NeuralNetClassifier(module).load_state_dict(model.state_dict(), features=3, classes=model.classes_)
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))


@ignored
def test_a_part_on_which_a_network_diverges_leaves_it_in_evaluation_with_its_running_statistics():
    layers = tg.nn.Linear(3, 4, rng=0), tg.nn.BatchNorm(4), tg.nn.Dropout(0.5, rng=0), tg.nn.Linear(4, 1, rng=1)
    model = NeuralNetRegressor(tg.nn.Sequential(*layers), max_epochs=2, tol=0).fit(X, X[:, 0])
    before = model.predict(X), model.state_dict()
    with pytest.raises(DivergenceError), np.errstate(all="ignore"):
        model.partial_fit(X, 1e300 * X[:, 0])
    np.testing.assert_array_equal(model.predict(X), before[0])
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[1][name])


# --- names of columns, settings, errors that both know -------------------------------------------------------------------------


class Frame:
    """As a table of pandas: columns with names."""

    def __init__(self, data, columns):
        self.data, self.columns = np.asarray(data), list(columns)

    def __array__(self, dtype=None, copy=None):
        return np.array(self.data, dtype)


def test_columns_with_names_are_remembered_and_compared():
    model = LinearRegression().fit(Frame(X, "abc"), targets(LinearRegression))
    assert model.feature_names_in_.tolist() == ["a", "b", "c"]
    assert model.n_features_in_ == 3
    np.testing.assert_array_equal(model.predict(Frame(X, "abc")), model.predict(X))
    for columns, words in [
        ("acb", "same order"),
        ("abx", r"unseen at fit time:\n- x\n.*missing:\n- c\n"),
        ("ab", r"missing:\n- c\n"),
    ]:
        with pytest.raises(DataError, match=f"(?s){words}"):
            model.predict(Frame(X[:, : len(columns)], columns))
    unnamed = LinearRegression().fit(Frame(X, [0, 1, 2]), targets(LinearRegression))
    assert not hasattr(unnamed, "feature_names_in_")


def test_settings_are_read_and_changed_by_name_and_an_unknown_one_is_refused():
    model = LogisticRegression(l2=0.5)
    assert model.get_params()["l2"] == 0.5
    assert model.set_params(l2=0.1, momentum=0.9) is model
    assert repr(model) == "LogisticRegression(momentum=0.9, l2=0.1)"
    with pytest.raises(DataError, match="LogisticRegression has no setting 'l1'; it has learning_rate, max_epochs"):
        model.set_params(l1=1.0, l2=7.0)
    assert model.l2 == 0.1


def test_a_notebook_shows_every_setting():
    page = LinearRegression(learning_rate=0.5, init=("<b>", 0))._repr_html_()
    assert "LinearRegression, not fitted yet" in page
    assert "<b>learning_rate</b>" in page
    assert "&lt;b&gt;" in page
    assert "<td>momentum</td>" in page
    assert "LinearRegression, fitted" in LinearRegression(max_epochs=1, tol=0).fit([[1.0]], [1.0])._repr_html_()


@pytest.mark.parametrize("model", MODELS)
def test_training_that_ends_for_lack_of_epochs_says_so(model):
    t = targets(model) if model is not Perceptron else RNG.integers(0, 2, 40)
    settings = {} if model is Perceptron else {"learning_rate": 1e-3}
    with pytest.warns(ConvergenceWarning, match="has not converged: the last of"):
        fitted = model(max_epochs=2, **settings).fit(X, t)
    assert not fitted.converged_


@pytest.mark.parametrize(("kind", "make"), [(NotFittedError, lambda: LinearRegression().coef_)])
def test_an_error_that_scikit_learn_has_too_is_of_both_classes(kind, make):
    theirs = pytest.importorskip("sklearn.exceptions")
    with pytest.raises(kind) as caught:
        make()
    assert isinstance(caught.value, getattr(theirs, kind.__name__))
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value)
    assert isinstance(again, kind)


def test_a_column_of_targets_is_read_as_a_vector_with_a_warning():
    with pytest.warns(DataConversionWarning, match=r"y\.ravel\(\)"):
        column = LinearRegression(max_epochs=5, tol=0).fit(X, targets(LinearRegression)[:, None])
    np.testing.assert_array_equal(column.coef_, LinearRegression(max_epochs=5, tol=0).fit(X, targets(LinearRegression)).coef_)


# --- what was learned, saved and taken over ------------------------------------------------------------------------------------


@ignored
@pytest.mark.parametrize("model", [*MODELS, MLPClassifier, MLPRegressor])
def test_a_model_that_takes_over_what_another_learned_tells_the_same_and_trains_on(model):
    t = THIRDS if model is SoftmaxRegression else targets(model) if model is not MLPRegressor else targets(LinearRegression)
    learned = model(max_epochs=5).fit(X, t)
    state, classes = learned.state_dict(), getattr(learned, "classes_", None)
    other = model(max_epochs=5).load_state_dict(state, features=3, classes=classes)
    np.testing.assert_array_equal(other.predict(X), learned.predict(X))
    assert other.n_features_in_ == 3
    for name, array in other.state_dict().items():
        np.testing.assert_array_equal(array, state[name])
    other.partial_fit(X, t)
    np.testing.assert_array_equal(learned.state_dict()[name], array)


@ignored
@pytest.mark.parametrize("model", [*MODELS, MLPClassifier, MLPRegressor])
def test_what_was_learned_from_other_features_is_refused_and_the_model_is_as_it_was(model):
    t = THIRDS if model is SoftmaxRegression else targets(model) if model is not MLPRegressor else targets(LinearRegression)
    learned = model(max_epochs=5).fit(X, t)
    classes = getattr(learned, "classes_", None)
    before = learned.predict(X)
    with pytest.raises((ShapeError, DataError)):
        learned.load_state_dict(learned.state_dict(), features=4, classes=classes)
    np.testing.assert_array_equal(learned.predict(X), before)


@pytest.mark.parametrize("model", [*MODELS, MLPClassifier, MLPRegressor])
def test_a_state_in_which_something_is_missing_is_refused(model):
    with pytest.raises(DataError, match=rf"this state does not fit (Sequential|{model.__name__}): .* is missing"):
        model().load_state_dict(
            {}, features=3, classes=None if issubclass(model, tg.models.LinearRegression | MLPRegressor) else [0, 1]
        )


@ignored
def test_the_callback_of_a_network_gets_every_epoch_and_its_loss():
    seen = []
    model = MLPClassifier(max_epochs=3, tol=0).fit(X, SIDE, callback=lambda epoch, loss: seen.append((epoch, loss)))
    assert seen == [*enumerate(model.losses_, 1)]


@ignored
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("train", ["fit", "partial_fit"])
def test_a_network_whose_last_step_led_to_nan_is_no_trained_one(train):
    """In float16 the eps of Adam is 0, so that a gradient of 0 is divided by 0."""
    model = MLPRegressor(max_epochs=1, seed=0)
    with pytest.raises(DivergenceError, match="parameters are NaN or infinite after the last step in epoch 1"):
        getattr(model, train)(np.ones((2, 1), np.float16), np.zeros(2))
    with pytest.raises(NotFittedError):
        model.predict(np.ones((2, 1)))
