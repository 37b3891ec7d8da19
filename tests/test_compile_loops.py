"""Recurrences of textbooks are compiled to loops, forward and backward, and their gradients are those derived by hand."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.counting import calls
from tinygrad_edu.compiler import programs, rewriting

DT = 0.01


def drawn(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape) / 2


@dataclass(eq=False)
class Example:
    """A program that repeats itself.

    make: for a number of rounds the function and its arguments.
    by_hand: for a number of rounds a function of the same arguments that returns the value and the gradients, derived by hand.
    wrt: which arguments it is differentiated by.
    lines: how many lines the source may have below its docstring.
    """

    make: Callable[[int], tuple[Callable[..., Any], tuple[Any, ...]]]
    by_hand: Callable[[int], Callable[..., Any]]
    wrt: tuple[int, ...]
    lines: int

    def compiled_anew(self, rounds):
        """The compiled value and gradient, which have run once, and what they have returned."""
        function, arguments = self.make(rounds)
        step = tg.compile(tg.value_and_grad(function, argnums=self.wrt))
        return step, step(*arguments)


# --- a recurrent network -----------------------------------------------------------------------------------------------------


def recurrent(W, U, xs):
    h = np.zeros(3)
    for x in xs:
        h = np.tanh(W @ h + U @ x)
    return np.sum(h**2)


def recurrent_by_hand(W, U, xs):
    """Back-propagation through time: δ_t = (∂L/∂h_t)·(1 − h_t²), ∂L/∂h_{t−1} = Wᵀδ_t, ∂L/∂W = Σ δ_t h_{t−1}ᵀ."""
    hs = [np.zeros(3)]
    for x in xs:
        hs.append(np.tanh(W @ hs[-1] + U @ x))
    d_W, d_U, d_xs, d_h = np.zeros_like(W), np.zeros_like(U), np.zeros_like(xs), 2 * hs[-1]
    for t in reversed(range(len(xs))):
        delta = d_h * (1 - hs[t + 1] ** 2)
        d_W += np.outer(delta, hs[t])
        d_U += np.outer(delta, xs[t])
        d_xs[t] = U.T @ delta
        d_h = W.T @ delta
    return np.sum(hs[-1] ** 2), (d_W, d_U, d_xs)


def lstm(W, U, b, xs):
    h, c = np.zeros(3), np.zeros(3)
    for x in xs:
        z = W @ h + U @ x + b
        i, f, o, g = tg.sigmoid(z[:3]), tg.sigmoid(z[3:6]), tg.sigmoid(z[6:9]), np.tanh(z[9:])
        c = f * c + i * g
        h = o * np.tanh(c)
    return np.sum(h**2)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def lstm_by_hand(W, U, b, xs):
    """The cell's cotangent goes through f, that of the output through the four gates and W."""
    h, c, kept = np.zeros(3), np.zeros(3), []
    for x in xs:
        z = W @ h + U @ x + b
        i, f, o, g = sigmoid(z[:3]), sigmoid(z[3:6]), sigmoid(z[6:9]), np.tanh(z[9:])
        kept.append((x, h, c, i, f, o, g))
        c = f * c + i * g
        h = o * np.tanh(c)
    value = np.sum(h**2)
    d_W, d_U, d_b, d_h, d_c = np.zeros_like(W), np.zeros_like(U), np.zeros_like(b), 2 * h, np.zeros(3)
    for x, h, c, i, f, o, g in reversed(kept):
        new = np.tanh(f * c + i * g)
        d_c = d_c + d_h * o * (1 - new**2)
        gates = d_c * g * i * (1 - i), d_c * c * f * (1 - f), d_h * new * o * (1 - o), d_c * i * (1 - g**2)
        d_z = np.concatenate(gates)
        d_W, d_U, d_b = d_W + np.outer(d_z, h), d_U + np.outer(d_z, x), d_b + d_z
        d_h, d_c = W.T @ d_z, d_c * f
    return value, (d_W, d_U, d_b)


# --- differential equations --------------------------------------------------------------------------------------------------


def pendulum(rounds):
    """Its angle after some steps of Runge and Kutta's method: y₀' = y₁, y₁' = −k·sin(y₀)."""

    def f(k, y):
        return np.stack([y[1], -k * np.sin(y[0])])

    def angle(k, y):
        for _ in range(rounds):
            k1 = f(k, y)
            k2 = f(k, y + DT / 2 * k1)
            k3 = f(k, y + DT / 2 * k2)
            k4 = f(k, y + DT * k3)
            y = y + DT / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        return y[0]

    return angle


def pendulum_by_hand(rounds):
    """The four slopes backward, each through f: for y it is (−k·cos(y₀)·d₁, d₀), for k it is −sin(y₀)·d₁."""

    def slopes(k, y):
        points, found = [], []
        for factor in (0.0, DT / 2, DT / 2, DT):
            points.append(y + factor * found[-1] if found else y)
            found.append(np.array([points[-1][1], -k * np.sin(points[-1][0])]))
        return points, found

    def gradient(k, y):
        states = [y]
        for _ in range(rounds):
            _, (k1, k2, k3, k4) = slopes(k, states[-1])
            states.append(states[-1] + DT / 6 * (k1 + 2 * k2 + 2 * k3 + k4))
        d_k, d_y = 0.0, np.array([1.0, 0.0])
        for state in reversed(states[:-1]):
            points, _ = slopes(k, state)
            d_state, d_point = d_y, np.zeros(2)
            for point, weight, factor in zip(points[::-1], (1, 2, 2, 1), (0.0, DT, DT / 2, DT / 2), strict=True):
                d_slope = DT / 6 * weight * d_y + factor * d_point
                d_point = np.array([-k * np.cos(point[0]) * d_slope[1], d_slope[0]])
                d_k -= np.sin(point[0]) * d_slope[1]
                d_state = d_state + d_point
            d_y = d_state
        return states[-1][0], (d_k, d_y)

    return gradient


def attraction(x, m):
    """The acceleration of bodies at x with masses m: Σⱼ mⱼ(xⱼ − xᵢ)/(|xⱼ − xᵢ|² + 0.1)^1.5."""
    d = x[None] - x[:, None]
    r2 = np.sum(d**2, axis=-1) + 0.1
    return np.sum(m[None, :, None] * d / r2[..., None] ** 1.5, axis=1)


def bodies(rounds):
    """Leapfrog: half a step of the velocity, one of the place, half a step of the velocity."""

    def energy(x, v, m):
        a = attraction(x, m)
        for _ in range(rounds):
            v = v + DT / 2 * a
            x = x + DT * v
            a = attraction(x, m)
            v = v + DT / 2 * a
        return np.sum(x**2) + np.sum(v**2)

    return energy


def bodies_by_hand(rounds):
    """Backward through the same half steps; of the attraction each pair gives ± the same to its two bodies."""

    def back(x, m, d_a):
        d = x[None] - x[:, None]
        r2 = np.sum(d**2, axis=-1)[..., None] + 0.1
        along = np.sum(d_a[:, None] * d, axis=-1, keepdims=True)
        d_d = m[None, :, None] * (d_a[:, None] * r2**-1.5 - 3 * along * d * r2**-2.5)
        return np.sum(d_d, axis=0) - np.sum(d_d, axis=1), np.sum((along * r2**-1.5)[..., 0], axis=0)

    def gradient(x, v, m):
        xs, a = [x], attraction(x, m)
        for _ in range(rounds):
            v = v + DT / 2 * a
            xs.append(xs[-1] + DT * v)
            a = attraction(xs[-1], m)
            v = v + DT / 2 * a
        value = np.sum(xs[-1] ** 2) + np.sum(v**2)
        d_x, d_v, d_a, d_m = 2 * xs[-1], 2 * v, np.zeros_like(x), np.zeros_like(m)
        for x in reversed(xs[1:]):
            more_x, more_m = back(x, m, d_a + DT / 2 * d_v)
            d_x, d_m = d_x + more_x, d_m + more_m
            d_v = d_v + DT * d_x
            d_a = DT / 2 * d_v
        more_x, more_m = back(xs[0], m, d_a)
        return value, (d_x + more_x, d_v, d_m + more_m)

    return gradient


# --- a filter ----------------------------------------------------------------------------------------------------------------


def kalman(A, Q, H, R, ys):
    m, P, loss = np.zeros(2), np.eye(2), 0.0
    for y in ys:
        m, P = A @ m, A @ P @ A.T + Q
        S, e = H @ P @ H.T + R, y - H @ m
        K = P @ H.T @ np.linalg.inv(S)
        loss = loss + 0.5 * (np.log(np.linalg.det(S)) + e @ np.linalg.solve(S, e))
        m, P = m + K @ e, P - K @ H @ P
    return loss


def kalman_by_hand(A, Q, H, R, ys):
    """With V = S⁻¹: the loss gives ½(V − V e eᵀ V) to S and V e to e; V = S⁻¹ gives −Vᵀ(·)Vᵀ to S; the rest are products."""
    m, P, value, kept = np.zeros(2), np.eye(2), 0.0, []
    for y in ys:
        prior_m, prior_P = A @ m, A @ P @ A.T + Q
        S, e = H @ prior_P @ H.T + R, y - H @ prior_m
        V = np.linalg.inv(S)
        K = prior_P @ H.T @ V
        kept.append((m, P, prior_m, prior_P, V, e, K))
        value += 0.5 * (np.log(np.linalg.det(S)) + e @ V @ e)
        m, P = prior_m + K @ e, prior_P - K @ H @ prior_P
    d_A, d_Q, d_H, d_R, d_m, d_P = (np.zeros_like(x) for x in (A, Q, H, R, m, P))
    for m, P, prior_m, prior_P, V, e, K in reversed(kept):
        d_K = np.outer(d_m, e) - d_P @ (H @ prior_P).T
        d_e = K.T @ d_m + V @ e
        d_V = (prior_P @ H.T).T @ d_K
        d_S = 0.5 * (V - np.outer(V @ e, V @ e)) - V.T @ d_V @ V.T
        d_H += d_S @ (prior_P @ H.T).T + (d_S.T @ H @ prior_P) - np.outer(d_e, prior_m)
        d_H += V @ d_K.T @ prior_P - K.T @ d_P @ prior_P.T
        d_prior_m = d_m - H.T @ d_e
        d_prior_P = d_P - (K @ H).T @ d_P + d_K @ V.T @ H + H.T @ d_S @ H
        d_A += np.outer(d_prior_m, m) + d_prior_P @ A @ P.T + d_prior_P.T @ A @ P
        d_Q, d_R = d_Q + d_prior_P, d_R + d_S
        d_m, d_P = A.T @ d_prior_m, A.T @ d_prior_P @ A
    return value, (d_A, d_Q, d_H, d_R)


# --- iterations --------------------------------------------------------------------------------------------------------------


def descent(rounds):
    """The loss ½xᵀAx − bᵀx after some steps x ← x − η(Ax − b)."""

    def loss(eta, A, b):
        x = np.zeros(3)
        for _ in range(rounds):
            x = x - eta * (A @ x - b)
        return 0.5 * x @ A @ x - b @ x

    return loss


def descent_by_hand(rounds):
    """∂L/∂η = −Σ (∂L/∂x_{t+1})·(Ax_t − b), ∂L/∂x_t = (I − ηA)·∂L/∂x_{t+1}, for a symmetric A."""

    def gradient(eta, A, b):
        xs = [np.zeros(3)]
        for _ in range(rounds):
            xs.append(xs[-1] - eta * (A @ xs[-1] - b))
        value, d_x, d_eta = 0.5 * xs[-1] @ A @ xs[-1] - b @ xs[-1], A @ xs[-1] - b, 0.0
        for x in reversed(xs[:-1]):
            d_eta -= d_x @ (A @ x - b)
            d_x = d_x - eta * A @ d_x
        return value, (d_eta,)

    return gradient


def epochs(rounds):
    """Stochastic descent on ½(θx − t)², some times through all samples, and the square of where it ends."""

    def end(theta, eta, samples):
        for _ in range(rounds):
            for x, t in samples:
                theta = theta - eta * (theta * x - t) * x
        return theta * theta

    return end


def epochs_by_hand(rounds):
    """∂L/∂θ goes back through θ ← θ − η(θx − t)x as a factor 1 − ηx²; to η each step gives −(θx − t)x of it."""

    def gradient(theta, eta, samples):
        thetas = [theta]
        for _ in range(rounds):
            for x, t in samples:
                thetas.append(thetas[-1] - eta * (thetas[-1] * x - t) * x)
        value, d_theta, d_eta = thetas[-1] ** 2, 2 * thetas.pop(), 0.0
        for _ in range(rounds):
            for x, t in reversed(samples):
                d_eta -= d_theta * (thetas.pop() * x - t) * x
                d_theta *= 1 - eta * x**2
        return value, (d_theta, d_eta)

    return gradient


def horner(coefficients, x):
    y = 0.0
    for c in coefficients:
        y = y * x + c
    return y


def horner_by_hand(coefficients, x):
    """∂y/∂c_k = x^(n−k), ∂y/∂x = Σ y_k·x^(n−k−1)."""
    ys = [0.0]
    for c in coefficients:
        ys.append(ys[-1] * x + c)
    d_c, d_x, d_y = np.zeros(len(coefficients)), 0.0, 1.0
    for k in reversed(range(len(coefficients))):
        d_c[k] = d_y
        d_x += d_y * ys[k]
        d_y = d_y * x
    return ys[-1], (d_c, d_x)


def power_iteration(rounds):
    """The Rayleigh quotient of what is left after some products with A."""

    def eigenvalue(A, v):
        for _ in range(rounds):
            v = A @ v
            v = v / np.linalg.norm(v)
        return v @ A @ v

    return eigenvalue


def power_iteration_by_hand(rounds):
    """Through v/|v| goes what is orthogonal to v: (d − (d·u)u)/|v| with u = v/|v|."""

    def gradient(A, v):
        units, norms = [v], []
        for _ in range(rounds):
            norms.append(np.linalg.norm(A @ units[-1]))
            units.append(A @ units[-1] / norms[-1])
        u = units[-1]
        d_A, d_u = np.outer(u, u), A @ u + A.T @ u
        for t in reversed(range(rounds)):
            d_v = (d_u - (d_u @ units[t + 1]) * units[t + 1]) / norms[t]
            d_A = d_A + np.outer(d_v, units[t])
            d_u = A.T @ d_v
        return u @ A @ u, (d_A, d_u)

    return gradient


SYMMETRIC = np.diag([3.0, 2.0, 1.0]) + 0.1

EXAMPLES = {
    "recurrent network": Example(
        lambda n: (recurrent, (drawn(3, 3), drawn(3, 2), drawn(n, 2))), lambda n: recurrent_by_hand, (0, 1, 2), 19
    ),
    "LSTM": Example(lambda n: (lstm, (drawn(12, 3), drawn(12, 2), drawn(12), drawn(n, 2))), lambda n: lstm_by_hand, (0, 1, 2), 37),
    "Runge and Kutta": Example(lambda n: (pendulum(n), (np.float64(2.0), drawn(2))), pendulum_by_hand, (0, 1), 73),
    "leapfrog": Example(
        lambda n: (bodies(n), (drawn(3, 2), drawn(3, 2, seed=1), drawn(3) ** 2 + 1)), bodies_by_hand, (0, 1, 2), 49
    ),
    "Kalman filter": Example(
        lambda n: (kalman, (drawn(2, 2), 0.3 * np.eye(2), drawn(1, 2, seed=1), np.array([[0.5]]), drawn(n, 1))),
        lambda n: kalman_by_hand, (0, 1, 2, 3), 72,
    ),
    "unrolled descent": Example(lambda n: (descent(n), (np.float64(0.1), SYMMETRIC, drawn(3))), descent_by_hand, (0,), 14),
    "epochs": Example(lambda n: (epochs(n), (0.3, 0.1, [(0.2 * k, 0.5 + 0.1 * k) for k in range(5)])), epochs_by_hand, (0, 1), 16),
    "Horner": Example(lambda n: (horner, (drawn(n), np.float64(0.9))), lambda n: horner_by_hand, (0, 1), 12),
    "power iteration": Example(lambda n: (power_iteration(n), (SYMMETRIC, drawn(3))), power_iteration_by_hand, (0, 1), 18),
}  # fmt: skip

every_example = pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES)


def flat(tree):
    """All numbers of a result, in order."""
    return np.concatenate([flat(part) for part in tree]) if isinstance(tree, tuple | list) else np.ravel(tree)


def body(source):
    """What stands below the docstring, where each number is the same."""
    return re.sub(r"\d+", "0", source.split('"""')[2]).strip().splitlines()


@cache
def compiled(example, rounds):
    """The same, made once."""
    return example.compiled_anew(rounds)


def agree(actual, expected):
    actual, expected = flat(actual), flat(expected)
    np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-12 * np.max(np.abs(expected)))


@every_example
def test_the_gradient_of_the_example_is_the_one_derived_by_hand(example):
    _, arguments = example.make(200)
    step, result = compiled(example, 200)
    agree(result, example.by_hand(200)(*arguments))
    agree(step(*arguments), result)  # what it has computed before is of no consequence


@every_example
def test_the_source_of_the_example_is_a_loop_forward_and_one_backward_and_short(example):
    step, _ = compiled(example, 200)
    for source in (step.source, step.optimized_source):
        loops = [line for line in body(source) if line.lstrip().startswith("for ")]
        assert len(loops) == 2
    assert len(body(step.source)) <= example.lines


@every_example
def test_the_source_of_the_example_does_not_depend_on_the_number_of_rounds(example):
    few, many = (compiled(example, rounds)[0] for rounds in (70, 200))
    assert body(few.source) == body(many.source)
    assert body(few.optimized_source) == body(many.optimized_source)


@every_example
def test_the_loop_computes_what_the_unrolled_program_computes(example, monkeypatch):
    _, rolled = compiled(example, 70)
    monkeypatch.setattr(programs, "rolled", lambda order, outputs, *_: list(outputs))
    step, unrolled = example.compiled_anew(70)
    assert not any(line.lstrip().startswith("for ") for line in body(step.source))
    agree(rolled, unrolled)


@every_example
def test_what_is_simplified_is_one_round_however_many_there_are(example, monkeypatch):
    seen = []

    def counted(outputs):
        new = rewriting.simplified(outputs)
        seen.append(len(new))
        return new

    monkeypatch.setattr(programs, "simplified", counted)
    for rounds in (40, 100):
        example.compiled_anew(rounds)
    assert seen[0] == seen[1]
    assert seen[0] < 600


def test_epochs_through_samples_are_one_loop_however_many_samples_there_are():
    sources = []
    for samples in (6, 50):
        step = tg.compile(tg.value_and_grad(epochs(20), argnums=(0, 1)))
        rows = list(zip(drawn(samples), drawn(samples, seed=1), strict=True))
        agree(step(0.3, 0.1, rows), epochs_by_hand(20)(0.3, 0.1, rows))
        sources.append(body(step.source))
    assert sources[0] == sources[1]
    assert "    for i in range(0):" in sources[0]
    assert any("samples_0[i % 0]" in line for line in sources[0])


def test_states_are_looked_at_again_and_again():
    def f(W, X):
        h, states = np.zeros(3), []
        for x in X:
            h = np.tanh(W @ h + x)
            states.append(h)
        for i in range(30):
            h = np.sin(h * states[i % 12] + states[(i + 5) % 12])
        return h

    compiled = tg.compile(f)
    agree(compiled(drawn(3, 3), drawn(12, 3)), f(drawn(3, 3), drawn(12, 3)))
    assert "    for i in range(30):" in compiled.source


def test_a_slice_that_moves_and_a_list_of_all_states_are_written_as_such():
    def f(w, x):
        states = [np.tanh(np.sin(w * x[i : i + 3])) for i in range(20)]
        return np.sum(np.concatenate(states) ** 2)

    step = tg.compile(tg.value_and_grad(f, argnums=(0, 1)))
    agree(step(drawn(3), drawn(22)), tg.value_and_grad(f, argnums=(0, 1))(drawn(3), drawn(22)))
    assert "w * x[i:i + 3]" in step.source
    assert "d_x[i:i + 3] +=" in step.source
    assert "d_joined[3 * i:3 * i + 3]" in step.source
    assert "np.concatenate(tanh, axis=0)" in step.source


def test_places_that_follow_no_rule_are_looked_up_in_a_table():
    seen = [2, 0, 1, 1, 0, 2, 2, 1, 0, 0, 1, 2, 0, 2, 1, 1]

    def likelihood(A, B, p):
        total = 0.0
        for k in seen:
            p = (p @ A) * B[:, k]
            total = total + np.log(np.sum(p))
        return total

    A, B, p = np.exp(drawn(3, 3)), np.exp(drawn(3, 3, seed=1)), np.exp(drawn(3))
    gradient = tg.value_and_grad(likelihood, argnums=(0, 1, 2))
    step = tg.compile(gradient)
    agree(step(A, B, p), gradient(A, B, p))
    assert f"constant = np.array({seen})" in step.source
    assert "B[:, constant[i]]" in step.source
    assert "part = constant[i]" in step.source
    assert "d_B[:, part] +=" in step.source


def test_places_on_lines_that_are_not_repeated_are_no_table():
    def f(x):
        y = x[3] * x[0] + x[1]
        y = y * x[2] + x[5]
        y = y * x[0] + x[4]
        y = y * x[5] + x[3]
        y = y * x[1] + x[2]
        y = y * x[4] + x[0]
        y = y * x[0] + x[2]
        y = y * x[3] + x[5]
        y = y * x[2] + x[1]
        y = y * x[5] + x[0]
        y = y * x[0] + x[3]
        return y * x[4] + x[1]

    step = tg.compile(tg.value_and_grad(f))
    agree(step(drawn(6)), tg.value_and_grad(f)(drawn(6)))
    assert "for " not in step.source.split('"""')[2]


def test_the_search_for_rounds_takes_four_times_the_steps_for_four_times_the_rounds(monkeypatch):
    counts = []

    def counted(*arguments):
        found = []
        counts.append(calls(lambda: found.extend(rolled(*arguments))))
        return found

    rolled = programs.rolled
    monkeypatch.setattr(programs, "rolled", counted)
    for rounds in (150, 600):
        EXAMPLES["recurrent network"].compiled_anew(rounds)
    assert counts[1] < 4.4 * counts[0]


def with_a_rate_that_decays(w, X, T, rate):
    for _ in range(8):
        for x, t in zip(X, T, strict=True):
            w = w - rate * (w @ x - t) * x
        rate = rate * 0.9
    return np.sum(w**2)


def with_a_rate_for_each_epoch(w, X, T, rate):
    for epoch in range(8):
        for x, t in zip(X, T, strict=True):
            w = w - rate / (1 + epoch) * (w @ x - t) * x
    return np.sum(w**2)


@pytest.mark.parametrize("descent", [with_a_rate_that_decays, with_a_rate_for_each_epoch])
def test_epochs_that_differ_are_a_loop_in_a_loop(descent):
    arguments = drawn(3), drawn(6, 3), drawn(6), 0.1
    step = tg.compile(descent)
    agree(step(*arguments), descent(*arguments))
    headers = [line for line in step.source.splitlines() if line.lstrip().startswith("for ")]
    assert len(headers) == 2
    assert headers[1] == "        for j in range(6):"
    gradient = tg.grad(descent, argnums=(0, 3))
    agree(tg.compile(gradient)(*arguments), gradient(*arguments))


# --- how it is run -------------------------------------------------------------------------------------------------------------


def through_again(w, xs):
    for _ in range(6):
        for x in xs:
            w = w - 0.1 * (w * x - 1) * x
    return w


def through_backward(w, xs):
    for _ in range(6):
        for x in reversed(xs):
            w = w * x + (w - x) * x
    return w


def through_in_places_apart(w, xs):
    for i in range(33):
        w = w * xs[(i + 2) % 5] + 0.5 * (w - xs[(i + 4) % 5]) * xs[i % 5]
    return w


def through_both_ways(w, xs):
    for i in range(33):
        w = w * xs[(2 * i + 1) % 5] + 0.5 * (w - xs[(3 - i) % 5])
    return w


def through_for_each(w, xs):
    for i in range(12):
        for x in xs * 6:
            w = np.tanh(w * x) + x
        w = np.sin(i * w) / np.cosh(w)
    return w


@pytest.mark.parametrize(
    "function", [through_again, through_backward, through_in_places_apart, through_both_ways, through_for_each]
)
def test_a_list_that_a_loop_goes_through_again_and_again_is_repeated_before_it_runs(function):
    arguments = 0.3, [0.1, 0.2, 0.3, 0.4, 0.5]
    for each in (function, tg.value_and_grad(function, argnums=(0, 1))):
        step = tg.compile(each)
        agree(step(*arguments), each(*arguments))
        assert "% 5" not in step.optimized_source
        assert "repeated_xs = xs * " in step.optimized_source


def test_a_list_that_is_repeated_in_one_loop_is_not_repeated_for_the_next():
    step = tg.compile(tg.grad(through_again))
    step(0.3, [0.1, 0.2, 0.3, 0.4, 0.5])
    assert step.optimized_source.count("xs * 6") == 1


def squares(w, xs, ts):
    loss = 0.0
    for x, t in zip(xs, ts, strict=True):
        loss = loss + (w * x - t) ** 2
    return loss


@pytest.mark.parametrize("number", [float, np.float64, np.float32, np.complex128])
def test_a_single_number_is_squared_in_a_loop_as_a_product_with_itself(number):
    arguments = number(0.3), [number(x) for x in drawn(9)], [number(t) for t in drawn(9, seed=1)]
    step = tg.compile(squares)
    result, expected = step(*arguments), squares(*arguments)
    np.testing.assert_allclose(result, expected, rtol=1e-6 if number is np.float32 else 1e-12)
    assert type(result) is type(expected)
    assert "** 2" in step.source
    assert "**" not in step.optimized_source


def test_the_square_of_a_number_in_a_loop_that_is_too_large_is_infinite():
    arguments = 1e200, [1.0 + i for i in range(12)], [0.0] * 12
    assert tg.compile(squares)(*arguments) == np.inf
