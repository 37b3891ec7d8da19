"""A bar in a terminal for runs that take long, and nothing otherwise."""

import itertools
import sys

import pytest

import tinygrad_edu as tg
from tinygrad_edu.training import progress as bar

SECONDS_A_LOOK = {"short": 0.0, "long": 1.5}


@pytest.fixture(params=SECONDS_A_LOOK)
def length(request, monkeypatch):
    """How long a run is, by the clock that the bar looks at."""
    clock = itertools.count(step=SECONDS_A_LOOK[request.param]) if SECONDS_A_LOOK[request.param] else itertools.repeat(0.0)
    monkeypatch.setattr(bar, "monotonic", lambda: next(clock))
    return request.param


@pytest.mark.parametrize("is_terminal", [True, False])
@pytest.mark.parametrize("quiet", [True, False])
def test_a_long_run_shows_a_bar_in_a_terminal(length, is_terminal, quiet, monkeypatch, capsys):
    pytest.importorskip("rich")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: is_terminal)
    with bar.progress(3, quiet=quiet) as moved:
        for epoch in (1, 2, 3):
            moved(epoch, 0.5 / epoch)
    out, err = capsys.readouterr()
    assert out == ""
    assert ("loss 0.1667" in err and "3/3" in err) == (length == "long" and is_terminal and not quiet)
    assert bool(err) == (length == "long" and is_terminal and not quiet)


def test_training_moves_the_bar(monkeypatch, capsys):
    pytest.importorskip("rich")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    clock = itertools.count(step=2.0)
    monkeypatch.setattr(bar, "monotonic", lambda: next(clock))
    module, data = tg.nn.Linear(1, 1, rng=0), ([[1.0], [2.0]], [[1.0], [2.0]])
    tg.training.fit(module, tg.nn.mean_squared_error, tg.optim.SGD(lr=0.01), data, epochs=2)
    assert "2/2" in capsys.readouterr().err


def test_without_rich_there_is_no_bar_and_no_error(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setattr(bar, "find_spec", lambda name: None)
    with bar.progress(3) as moved:
        moved(1, 0.5)
    assert capsys.readouterr().err == ""
