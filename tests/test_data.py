"""Data: the numbers of the sets, batches in an order that can be repeated and gone on with, and what is refused."""

import builtins
import json

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.errors import DataError, MissingExtraError, ShapeError

N = 23
X, T = np.arange(2.0 * N).reshape(N, 2), np.arange(N)


def given(data):
    """The targets of one epoch, batch by batch."""
    return [t.tolist() for _, t in data]


# --- sets ----------------------------------------------------------------------------------------------------------------------


def test_the_lecture_s_sets_have_its_numbers():
    (x, t), (five, five_t), (four, four_t) = tg.data.one_point(), tg.data.five_points(), tg.data.four_points()
    assert (x.tolist(), t.tolist()) == ([[2.0]], [8.0])
    assert five[:, 0].tolist() == [1.0, 0.38, 1.2, 1.6, 0.8]
    assert five_t.tolist() == [0.73, 0.22, 0.83, 1.28, 0.69]
    assert float(np.sum(five**2)) == pytest.approx(5.7844)
    assert float(np.sum(five[:, 0] * five_t) / np.sum(five**2)) == pytest.approx(0.7623262568287118)
    assert four.tolist() == [[1.0, 1.0], [-1.0, 1.0], [-1.0, -0.5], [-1.0, 1.5]]
    assert four_t.tolist() == [0, 1, 0, 1]


def test_the_exclusive_or_is_one_where_the_inputs_differ():
    x, t = tg.data.xor()
    assert t.tolist() == [int(a != b) for a, b in x.tolist()]
    assert len({*map(tuple, x.tolist())}) == 4


def test_moons_lie_on_two_half_circles():
    x, t = tg.data.moons(101, noise=0.0)
    assert np.bincount(t).tolist() == [50, 51]
    np.testing.assert_allclose(np.hypot(*x[t == 0].T), 1)
    np.testing.assert_allclose(np.hypot(*(x[t == 1] - [1, 0.5]).T), 1)
    assert (x[t == 0][:, 1] >= 0).all()
    assert (x[t == 1][:, 1] <= 0.5).all()


def test_moons_are_noisy_as_asked_and_the_same_for_the_same_seed():
    noisy = tg.data.moons(4000, noise=0.3, seed=1)[0] - tg.data.moons(4000, noise=0.0)[0]
    assert noisy.std() == pytest.approx(0.3, rel=0.05)
    assert abs(noisy.mean()) < 0.02
    np.testing.assert_array_equal(tg.data.moons(seed=3)[0], tg.data.moons(seed=3)[0])
    assert not np.array_equal(tg.data.moons(seed=3)[0], tg.data.moons(seed=4)[0])
    assert tg.data.moons()[0].shape == (200, 2)
    assert (tg.data.moons()[0] - tg.data.moons(noise=0.0)[0]).std() == pytest.approx(0.1, rel=0.2)


@pytest.mark.parametrize("name", ["digits", "iris", "diabetes", "breast_cancer"])
def test_real_data_are_those_of_scikit_learn(name):
    datasets = pytest.importorskip("sklearn.datasets")
    x, t = getattr(tg.data, name)()
    theirs = getattr(datasets, f"load_{name}")()
    np.testing.assert_array_equal(x * 16 if name == "digits" else x, theirs.data)
    np.testing.assert_array_equal(t, theirs.target)


@pytest.mark.parametrize("name", ["digits", "iris", "diabetes", "breast_cancer"])
def test_without_scikit_learn_the_extra_is_named(name, monkeypatch):
    def refused(module, *args, **kwargs):
        raise ModuleNotFoundError(f"No module named {module!r}")

    monkeypatch.setattr("tinygrad_edu.data.bundled.import_module", refused)
    with pytest.raises(MissingExtraError, match=rf'tg.data.{name}\(\) .*pip install "tinygrad_edu\[data\]"'):
        getattr(tg.data, name)()


def test_nothing_is_imported_before_it_is_asked_for(monkeypatch):
    real = builtins.__import__

    def watched(name, *args, **kwargs):
        assert not name.startswith("sklearn")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", watched)
    tg.data.xor()


# --- splitting -----------------------------------------------------------------------------------------------------------------


def test_each_sample_is_in_one_part_with_its_target():
    (x, t), (held_x, held_t) = tg.data.split(X, T, held_out=0.3, seed=5)
    assert (len(t), len(held_t)) == (16, 7)
    assert sorted([*t, *held_t]) == T.tolist()
    np.testing.assert_array_equal(x, X[t])
    np.testing.assert_array_equal(held_x, X[held_t])
    assert sorted(held_t) != held_t.tolist()


def test_a_seed_decides_which_samples_are_held_out():
    def held(**settings):
        return tg.data.split(X, T, **settings)[1][1].tolist()

    assert held(seed=1) == held(seed=1)
    assert held(seed=1) != held(seed=2)
    assert held() == held(seed=0, held_out=0.25)


def test_columns_are_brought_to_mean_zero_and_deviation_one_of_the_first_samples():
    samples = np.array([[1, 5, 2], [3, 5, 4], [5, 5, 9]])
    ours, others = tg.data.standardized(samples, [[3.0, 7.0, 5.0]])
    np.testing.assert_allclose(ours.mean(axis=0), 0, atol=1e-15)
    np.testing.assert_allclose(ours.std(axis=0), [1, 0, 1])
    np.testing.assert_allclose(others, [[0, 2, 0]])
    assert tg.data.standardized(samples.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize("number", [0.1, 1e9 + 0.1, np.float32(0.1)])
def test_a_constant_column_becomes_zero_also_where_its_mean_is_rounded(number):
    samples = np.stack([np.full(10, number), np.arange(10).astype(np.asarray(number).dtype)], axis=1)
    np.testing.assert_array_equal(tg.data.standardized(samples)[:, 0], 0)


# --- batches -------------------------------------------------------------------------------------------------------------------


def test_an_epoch_has_every_sample_once_with_its_target():
    for settings in ({}, {"batch_size": 5}, {"batch_size": 5, "shuffle": False}, {"batch_size": None}, {"batch_size": 100}):
        data = tg.data.batches(X, T, **settings)
        epoch = list(data)
        assert len(epoch) == len(data)
        assert sorted(np.concatenate([t for _, t in epoch])) == T.tolist()
        for x, t in epoch:
            np.testing.assert_array_equal(x, X[t])


def test_the_last_batch_is_smaller_or_left_out():
    assert [len(t) for t in given(tg.data.batches(X, T, batch_size=5))] == [5, 5, 5, 5, 3]
    dropped = tg.data.batches(X, T, batch_size=5, drop_last=True)
    assert [len(t) for t in given(dropped)] == [5, 5, 5, 5]
    assert len(dropped) == 4
    assert len(tg.data.batches(X[:20], batch_size=5)) == len(tg.data.batches(X[:20], batch_size=5, drop_last=True)) == 4
    assert len(tg.data.batches(X, T)) == 1
    assert len(tg.data.batches(np.zeros(33))) == 2


def test_without_shuffling_the_samples_come_as_they_are():
    assert given(tg.data.batches(X, T, batch_size=10, shuffle=False)) == [[*range(10)], [*range(10, 20)], [20, 21, 22]]


def test_each_epoch_has_an_order_of_its_own_which_the_seed_decides():
    data, same, other = (tg.data.batches(X, T, seed=seed) for seed in (1, 1, 2))
    first, second = given(data), given(data)
    assert first != second
    assert [first, second] == [given(same), given(same)]
    assert given(other) != first
    assert given(tg.data.batches(X, T)) == given(tg.data.batches(X, T, seed=0))
    assert given(tg.data.batches(X, T, seed=None)) != given(tg.data.batches(X, T, seed=None))


def test_an_epoch_that_was_broken_off_begins_anew():
    data = tg.data.batches(X, T, batch_size=5)
    first = next(iter(data))[1].tolist()
    assert data.epoch == 0
    assert given(data)[0] == first
    assert data.epoch == 1


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("stop", range(11))
def test_from_a_state_it_goes_on_with_the_very_next_batch(stop, shuffle):
    def made(seed):
        return tg.data.batches(X, T, batch_size=5, seed=seed, shuffle=shuffle)

    data, all_of_them = made(7), made(7)
    expected = [t for _ in range(3) for t in given(all_of_them)]
    seen = []
    state = data.state_dict()
    for _ in range(3):
        for _, t in data:
            if len(seen) == stop:
                break
            seen.append(t.tolist())
            state = json.loads(json.dumps(data.state_dict()))
        if len(seen) == stop:
            break
    again = made(7)
    again.load_state_dict(state)
    assert again.state_dict() == state
    while again.epoch < 3:
        seen += given(again)
    assert seen == expected


def test_batches_without_a_seed_can_be_gone_on_with_by_those_with_theirs():
    data = tg.data.batches(X, T, seed=None)
    again = tg.data.batches(X, T, seed=data.state_dict()["seed"])
    assert given(data) == given(again)


def test_batches_keep_dtypes_and_give_as_many_arrays_as_they_got():
    data = tg.data.batches(X.astype(np.float32), T, T.astype(complex), [[True]] * N, batch_size=4)
    for batch in data:
        assert [x.dtype.name for x in batch] == ["float32", "int64", "complex128", "bool"]


def test_batches_say_what_they_are():
    data = tg.data.batches(X, T, batch_size=5)
    assert repr(data) == "<5 batches of 5, of 23 samples, in epoch 1>"
    list(data)
    assert repr(data) == "<5 batches of 5, of 23 samples, in epoch 2>"


def test_a_state_of_other_batches_is_refused():
    data = tg.data.batches(X, T, batch_size=5)
    for other, words in [
        (tg.data.batches(X[:20], T[:20], batch_size=5), "samples = 20, but these have samples = 23"),
        (tg.data.batches(X, T, batch_size=6), "batch_size = 6"),
        (tg.data.batches(X, T, batch_size=5, seed=1), "seed = 1"),
        (tg.data.batches(X, T, batch_size=5, shuffle=False), "shuffle = False"),
        (tg.data.batches(X, T, batch_size=5, drop_last=True), "drop_last = True"),
    ]:
        with pytest.raises(DataError, match=words):
            data.load_state_dict(other.state_dict())
    state = data.state_dict()
    for bad in ({**state, "batch": 6}, {**state, "batch": -1}, {**state, "epoch": -1}, {**state, "epoch": 0.5}, {"epoch": 0}, None):
        with pytest.raises(DataError):
            data.load_state_dict(bad)
    assert data.state_dict() == state
    data.load_state_dict({**state, "batch": 5})
    assert given(data) == []


@pytest.mark.parametrize(
    ("fails", "error", "words"),
    [
        (lambda: tg.data.batches(), DataError, r"there are no data: .* batches\(X, t\)"),
        (lambda: tg.data.batches(X, T[:-1]), ShapeError, "the arrays have 23 and 22 rows"),
        (lambda: tg.data.batches([]), ShapeError, r"array 0 of the data has shape \(0,\)"),
        (lambda: tg.data.batches(X, 3.0), ShapeError, r"array 1 of the data has shape \(\)"),
        (lambda: tg.data.batches(X, ["a"] * N), DataError, "must be made of numbers, but has dtype <U1"),
        (lambda: tg.data.batches(X, [None] * N), DataError, "but has dtype object"),
        (lambda: tg.data.batches([[1.0], [1.0, 2.0]]), DataError, "does not form an array"),
        (lambda: tg.data.batches(tg.Value(X)), DataError, r"array 0 is the Value .*; write value.numpy\(\)"),
        (lambda: tg.data.batches(np.ma.masked_array(X)), DataError, "masked"),
        (lambda: tg.data.batches(X, batch_size=0), DataError, "batch_size must be a whole number of at least 1"),
        (lambda: tg.data.batches(X, batch_size=2.5), DataError, "batch_size must be"),
        (lambda: tg.data.batches(X, shuffle="no"), DataError, "shuffle must be True or False"),
        (lambda: tg.data.batches(X, drop_last="no"), DataError, "drop_last must be True or False"),
        (lambda: tg.data.batches(X, seed=-1), DataError, "seed must be"),
        (lambda: tg.data.batches(X, batch_size=24, drop_last=True), DataError, "no batch of 24 is left of 23 samples"),
        (lambda: tg.data.split(X, T[:-1]), ShapeError, "23 and 22 rows"),
        (lambda: tg.data.split(X, T, held_out=0), DataError, "held_out must be"),
        (lambda: tg.data.split(X, T, held_out=1), DataError, "held_out must be"),
        (lambda: tg.data.split(X, T, held_out=0.01), DataError, "of 23 samples a share of 0.01 leaves a part without any"),
        (lambda: tg.data.split(X, T, held_out=0.99), DataError, "leaves a part without any"),
        (lambda: tg.data.split(X, T, seed=-1), DataError, "seed must be"),
        (lambda: tg.data.standardized(T), ShapeError, r"must be of shape \(samples, features\)"),
        (lambda: tg.data.standardized(X, X[:, :1]), ShapeError, "with equal features"),
        (lambda: tg.data.moons(1), DataError, "count must be"),
        (lambda: tg.data.moons(noise=-1), DataError, "noise must be"),
        (lambda: tg.data.moons(seed=-1), DataError, "seed must be"),
    ],
)
def test_what_are_no_data_is_refused_where_it_enters(fails, error, words):
    with pytest.raises(error, match=words):
        fails()


def test_a_batch_may_be_as_large_as_the_data_and_two_points_make_moons():
    assert given(tg.data.batches(X, T, batch_size=N, drop_last=True, shuffle=False)) == [T.tolist()]
    np.testing.assert_allclose(tg.data.moons(2, noise=0)[0], [[1, 0], [0, 0.5]])
