"""Which calls of a compiled function go straight to a program, without looking it up, and which must not."""

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.nn import Linear, Module, ReLU, Sequential

X, T = np.random.default_rng(0).normal(size=(6, 2)), np.array([0, 1, 2, 0, 1, 2])


def counting(compiled):
    """The arguments of the calls that look the program up from now on."""
    scope, seen = compiled.__globals__, []
    choose = scope["_tg_choose"]

    def counted(arguments):
        seen.append(arguments)
        return choose(arguments)

    scope["_tg_choose"] = counted
    return seen


def loss(model, X, t):
    return tg.nn.softmax_cross_entropy(model(X), t)


def network():
    return Sequential(Linear(2, 4, rng=0), ReLU(), Linear(4, 3, rng=1))


def training_step(optimizer):
    def step(model, state, X, t):
        value, gradient = tg.value_and_grad(loss)(model, X, t)
        model, state = optimizer.update(model, gradient, state)
        return model, state, value

    return step


def test_an_epoch_with_a_smaller_last_batch_goes_straight_to_its_programs():
    optimizer = tg.optim.Adam(lr=0.1)
    step = training_step(optimizer)
    compiled = tg.compile(step)
    model = plain = network()
    state = plain_state = optimizer.init(model)
    looked_up = counting(compiled)
    for epoch in range(4):
        if epoch == 2:
            looked_up.clear()
        for batch in (slice(0, 4), slice(4, 6)):
            model, state, value = compiled(model, state, X[batch], T[batch])
            plain, plain_state, expected = step(plain, plain_state, X[batch], T[batch])
            np.testing.assert_allclose(value, expected, rtol=1e-12)
    assert looked_up == []
    for found, wanted in zip(model.parameters(), plain.parameters(), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-10)


def test_a_module_of_values_is_known_again_and_its_numbers_are_read_at_each_call():
    model = network()
    compiled = tg.compile(lambda model, X: model(X))
    compiled(model, X)
    looked_up = counting(compiled)
    for scale in (1.0, 2.0):
        model[0].weight.data = scale * np.ones((4, 2))
        np.testing.assert_allclose(compiled(model, X), model(X).numpy(), rtol=1e-12)
    assert looked_up == []


@dataclass
class Line:
    slope: Any
    offset: Any


def test_a_dataclass_of_numbers_is_known_again():
    compiled = tg.compile(lambda line, x: line.slope * x + line.offset)
    compiled(Line(2.0, 1.0), 3.0)
    looked_up = counting(compiled)
    assert (compiled(Line(4.0, 2.0), 3.0), looked_up) == (14.0, [])
    assert compiled(Line(np.array([1.0, 2.0]), 2.0), 3.0).tolist() == [5.0, 8.0]


class Varied(Module):
    """A module with everything in it that decides what it computes."""

    def __init__(self):
        super().__init__()
        self.scale, self.zero, self.shift = 2.0, 0.0, None
        self.weights = [tg.Value(np.array([1.0, 2.0])), tg.Value(3.0)]
        self.parts = {"first": Linear(2, 2, rng=0)}
        self.frozen = tg.Value(4.0, requires_grad=False)
        self.seen = np.ones(2)

    def forward(self, x):
        total = self.scale * sum(w * x for w in self.weights) + self.frozen + self.seen + 1 / np.float64(self.zero or 1.0)
        total = total + sum(part(x) for part in self.parts.values())
        return total if self.shift is None or not self.training else total + self.shift


def test_nothing_has_changed_so_nothing_is_looked_up():
    model = Varied()
    compiled = tg.compile(lambda model, x: model(x))
    compiled(model, np.ones(2))
    looked_up = counting(compiled)
    np.testing.assert_allclose(compiled(model, np.ones(2)), model(np.ones(2)).numpy())
    assert looked_up == []


CHANGES = {
    "a setting": lambda model: setattr(model, "scale", 5.0),
    "a setting of another type": lambda model: setattr(model, "scale", 2),
    "the sign of a zero": lambda model: setattr(model, "zero", -0.0),
    "a setting that was None": lambda model: setattr(model, "shift", 1.0),
    "the training flag": lambda model: (setattr(model, "shift", 1.0), model.eval()),
    "the training flag of a part": lambda model: model.parts["first"].eval(),
    "a parameter more": lambda model: model.weights.append(tg.Value(7.0)),
    "a parameter less": lambda model: model.weights.pop(),
    "a parameter in the place of another": lambda model: model.weights.__setitem__(1, tg.Value(8.0)),
    "a parameter that is frozen": lambda model: setattr(model.weights[1], "requires_grad", False),
    "a constant that is none any more": lambda model: setattr(model.frozen, "requires_grad", True),
    "another constant": lambda model: setattr(model, "frozen", tg.Value(6.0, requires_grad=False)),
    "a part more": lambda model: model.parts.update(second=Linear(2, 2, rng=1)),
    "another part": lambda model: model.parts.update(first=Linear(2, 2, rng=2)),
    "a part of another kind": lambda model: model.parts.update(first=ReLU()),
    "a new attribute": lambda model: setattr(model, "further", tg.Value(1.0)),
    "an attribute that is gone": lambda model: delattr(model, "shift") or setattr(type(model), "shift", None),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_changes_in_a_module_is_noticed(what):
    class Own(Varied):  # of whose attributes one may go
        pass

    model = Own()
    gradient = tg.compile(tg.value_and_grad(lambda model, x: np.sum(model(x) ** 2)))
    gradient(model, np.ones(2))
    looked_up = counting(gradient)
    CHANGES[what](model)
    value, found = gradient(model, np.ones(2))
    expected, wanted = tg.value_and_grad(lambda model, x: np.sum(model(x) ** 2))(model, np.ones(2))
    assert len(looked_up) == 1
    np.testing.assert_allclose(value, expected, rtol=1e-12)
    assert [name for name, _ in found.named_parameters()] == [name for name, _ in wanted.named_parameters()]
    for one, other in zip(found.parameters(), wanted.parameters(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


def test_a_copy_of_a_module_has_buffers_of_its_own_which_its_program_reads():
    model = Varied()
    compiled = tg.compile(lambda model, x: model(x))
    compiled(model, np.ones(2))
    other = copy.deepcopy(model)
    other.seen = np.array([10.0, 20.0])
    np.testing.assert_allclose(compiled(other, np.ones(2)), other(np.ones(2)).numpy())
    np.testing.assert_allclose(compiled(model, np.ones(2)), model(np.ones(2)).numpy())


def test_a_tied_parameter_is_one_input_also_in_the_module_that_comes_back():
    model = Sequential(Linear(2, 2, bias=False, rng=0), Linear(2, 2, bias=False, rng=1))
    model[1].weight = model[0].weight
    compiled = tg.compile(tg.grad(lambda model, X: np.sum(model(X) ** 2)))
    first = compiled(model, X)
    expected = tg.grad(lambda model, X: np.sum(model(X) ** 2))
    compiled(first, X)
    looked_up = counting(compiled)
    second = compiled(first, X)
    assert (looked_up, second[0].weight is second[1].weight) == ([], True)
    np.testing.assert_allclose(second[0].weight, expected(first, X)[0].weight, rtol=1e-12)


def test_a_gradient_passes_through_the_values_of_a_module_that_a_program_knows():
    model = network()
    compiled = tg.compile(lambda model, X: model(X))
    compiled(model, X)
    gradient = tg.grad(lambda model: np.sum(compiled(model, X)))(model)
    expected = tg.grad(lambda model: np.sum(model(X)))(model)
    np.testing.assert_allclose(gradient[0].weight, expected[0].weight, rtol=1e-12)
    outside = tg.grad(lambda x: np.sum(compiled(model, x)))(X)
    np.testing.assert_allclose(outside, tg.grad(lambda x: np.sum(model(x)))(X), rtol=1e-12)


def test_of_many_kinds_of_arguments_the_newest_ones_are_found_without_looking_up():
    compiled = tg.compile(lambda x: np.sum(x**2))
    for n in range(1, 7):
        assert compiled(np.ones(n)) == n
    looked_up = counting(compiled)
    for n in (6, 3, 4, 5, 6, 3):
        assert compiled(2 * np.ones(n)) == 4 * n
    assert looked_up == []
    assert compiled(2 * np.ones(1)) == 4
    assert len(looked_up) == 1
