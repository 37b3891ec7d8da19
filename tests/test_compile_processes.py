"""Compiled functions in other processes, which get them by name, as pickle does with any function."""

import copy
import multiprocessing
import pickle

import numpy as np
import pytest

import tinygrad_edu as tg


@tg.compile
def squared(x):
    return np.sum(x**2)


def loss(x):
    return np.sum(x**3)


compiled_loss = tg.compile(loss)


def test_a_decorated_function_is_pickled_by_its_name():
    squared(np.ones(2))
    assert pickle.loads(pickle.dumps(squared)) is squared
    assert copy.deepcopy(squared) is squared
    assert copy.deepcopy({"step": compiled_loss})["step"](np.ones(2)) == 2.0


def test_another_process_records_programs_of_its_own():
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.map(squared, [np.ones(2), np.full(3, 2.0)]) == [2.0, 12.0]


@pytest.mark.parametrize("compiled", [compiled_loss, tg.compile(lambda x: x)], ids=["another name", "no name"])
def test_what_no_process_would_find_by_its_name_is_not_pickled(compiled):
    with pytest.raises((pickle.PicklingError, AttributeError), match=r"not the same object as .*loss|lambda"):
        pickle.dumps(compiled)
