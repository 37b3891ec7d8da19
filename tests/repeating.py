"""Programs that repeat themselves, whatever goes in, is carried and comes out.

Each takes the number of rounds and its arguments. `CASES` has it under its name, with the arguments; those that depend on the
number of rounds are functions of it.
"""

import numpy as np

import tinygrad_edu as tg

CASES = {}


def rows(count, *shape, seed=0):
    return np.random.default_rng(seed).normal(size=(count, *shape)) / 2


def case(*arguments):
    """Note a program, and its arguments."""

    def noted(function):
        CASES[function.__name__.replace("_", " ")] = (function, arguments)
        return function

    return noted


# --- what is carried ---------------------------------------------------------------------------------------------------------


@case(0.5, 0.25)
def two_numbers_that_change_places(n, a, b):
    for _ in range(n):
        a, b = b, np.sin(a) / 2 + b * 0.3
    return a * b


@case(rows(3), rows(3, seed=1))
def two_arrays_that_change_places(n, a, b):
    for _ in range(n):
        a, b = b, np.sin(a) / 2 + b * 0.3
    return np.sum(a * b)


@case(np.float64(0.5), np.float64(0.25))
def fibonacci(n, a, b):
    for _ in range(n):
        a, b = b, (a + b) / 2
    return a


@case(0.7, 0.2, 0.1)
def three_in_a_ring(n, a, b, c):
    for _ in range(n):
        a, b, c = np.sin(b), np.cos(c) * a, 0.5 * a + b
    return a + b * c


@case(rows(3))
def two_rounds_ago(n, x):
    xs = [x, x / 2]
    for _ in range(n):
        xs.append(np.sin(xs[-1]) / 2 + xs[-2] / 4)
    return np.sum(xs[-1])


@case(rows(3))
def three_rounds_ago(n, x):
    xs = [x, x / 2, x + 1]
    for _ in range(n):
        xs.append(np.sin(xs[-1]) / 2 + xs[-3] / 4)
    return xs[-1]


@case({"W": rows(2, 2), "b": rows(2)})
def a_dict(n, params):
    for _ in range(n):
        params = {key: x - 0.1 * np.sin(x) for key, x in params.items()}
    return params


@case(np.array(0.7))
def an_array_of_one_number(n, w):
    h = np.array(0.0)
    for _ in range(n):
        h = np.tanh(w * h + 0.1)
    return h


@case(np.array(1.0), np.array(0.5))
def a_sum_that_begins_with_an_array_of_one_number(n, total, w):
    for i in range(n):
        total = total + np.sin(w * i)
    return total


@case(rows(3))
def truth_values(n, x):
    mask = x > 0
    for _ in range(n):
        mask = np.logical_xor(mask, x > 0.2)
        x = np.where(mask, x * 0.9, x + 0.1)
    return x


# --- what is different in each round -----------------------------------------------------------------------------------------


@case(rows(3, 3), lambda n: [x * np.ones(3) for x in rows(n)])
def a_list_of_arrays(n, W, xs):
    h = np.zeros(3)
    for x in xs:
        h = np.tanh(W @ h + x)
    return np.sum(h)


@case(0.7, lambda n: [float(x) for x in rows(n)])
def a_list_of_floats_of_pythons(n, w, xs):
    h = 0.0
    for x in xs:
        h = np.tanh(w * h + x)
    return h


@case(0.7, lambda n: {"x": [0.1 * k for k in range(n)], "y": list(rows(n, 2))})
def lists_in_a_dict(n, w, data):
    total = 0.0
    for x, y in zip(data["x"], data["y"], strict=True):
        total = np.tanh(w * total + np.sum(x * y))
    return total


@case(0.7, lambda n: rows(n, 2))
def the_rows_of_an_array(n, w, X):
    h = np.zeros(2)
    for x in X:
        h = np.tanh(w * h + x)
    return np.sum(h)


@case(0.7, lambda n: rows(n, 2).T)
def the_columns_of_an_array(n, w, X):
    h = np.zeros(2)
    for i in range(n):
        h = np.tanh(w * h + X[:, i])
    return np.sum(h)


@case(0.7, lambda n: rows(n, 2))
def rows_from_the_end(n, w, X):
    h = np.zeros(2)
    for i in reversed(range(n)):
        h = np.tanh(w * h + X[i])
    return np.sum(h)


@case(0.7, lambda n: rows(n, 2))
def rows_counted_from_the_end(n, w, X):
    h = np.zeros(2)
    for i in range(n):
        h = np.tanh(w * h + X[-1 - i])
    return np.sum(h)


@case(0.7, lambda n: rows(2 * n, 2))
def two_rows_at_a_time(n, w, X):
    h = np.zeros(2)
    for i in range(n):
        h = np.tanh(w * h + X[2 * i + 1] * X[2 * i])
    return np.sum(h)


@case(0.7, lambda n: rows(n + 2, 2))
def a_row_and_those_before_it(n, w, X):
    total = 0.0
    for i in range(2, n + 2):
        total = total + np.sum((X[i] - w * X[i - 1] - w**2 * X[i - 2]) ** 2)
    return total


@case(lambda n: rows(n, n))
def the_diagonal_of_a_matrix(n, A):
    total = 0.0
    for i in range(n):
        total = total + A[i, i] * A[i, 0]
    return total


@case(lambda n: rows(n, 3, 3), rows(3))
def a_matrix_for_each_layer(n, W, x):
    for i in range(n):
        x = np.tanh(W[i] @ x)
    return np.sum(x**2)


@case(0.7)
def the_number_of_the_round(n, w):
    h = 0.0
    for i in range(n):
        h = np.tanh(w * h + i)
    return h


@case(0.7)
def a_divisor_that_is_counted(n, w):
    h = 0.0
    for i in range(n):
        h = np.tanh(w * h) + w / (i + 1)
    return h


@case(0.7)
def an_exponent_that_is_counted(n, w):
    total = 0.0
    for i in range(n):
        total = total + np.sin(w) ** i
    return total


@case(0.7)
def numbers_that_grow(n, w):
    h = 0.0
    for i in range(n):
        h = np.tanh(w * h + 0.1 * i)
    return h


@case(0.7)
def a_table_of_numbers(n, w):
    table = [k**1.5 for k in range(n)]
    h = 0.0
    for i in range(n):
        h = np.tanh(w * h + table[i])
    return h


@case(0.7)
def a_table_of_rows(n, w):
    table = rows(n, 2)
    h = np.zeros(2)
    for i in range(n):
        h = np.tanh(w * h + table[i])
    return np.sum(h)


@case(rows(3), 0.8)
def three_functions_in_turn(n, x, w):
    for i in range(n // 3 * 3):
        x = (np.sin, np.cos, np.tanh)[i % 3](x) * w
    return np.sum(x)


# --- sums --------------------------------------------------------------------------------------------------------------------


@case(0.7, lambda n: rows(n, 3))
def a_sum_of_numbers(n, w, X):
    return sum(np.sum(np.sin(w * x)) for x in X)


@case(0.7, lambda n: rows(n, 3))
def a_sum_of_arrays(n, w, X):
    total = np.zeros(3)
    for x in X:
        total = total + np.sin(w * x)
    return np.sum(total**2)


@case(rows(3), 0.7, lambda n: rows(n, 3))
def a_sum_that_begins_with_an_argument(n, total, w, X):
    for x in X:
        total = total + np.sin(w * x)
    return total


@case(0.7, lambda n: rows(n, 2))
def a_mean_of_losses(n, w, X):
    h, losses = np.zeros(2), []
    for x in X:
        h = np.tanh(w * h + x)
        losses.append(np.sum((h - x) ** 2))
    return sum(losses) / len(losses)


@case(0.4, 0.2, 0.3, lambda n: rows(n))
def the_likelihood_of_a_garch_process(n, w, a, b, ys):
    v, loss = w / (1 - a - b), 0.0
    for y in ys:
        loss = loss + np.log(v) + y**2 / v
        v = w + a * y**2 + b * v
    return loss


# --- first and last rounds, and several loops --------------------------------------------------------------------------------


@case(0.7, lambda n: rows(n, 3))
def a_first_round_that_differs(n, w, X):
    h = w * X[0]
    for x in X[1:]:
        h = np.tanh(w * h + x)
    return np.sum(h)


@case(0.7, lambda n: rows(n, 3))
def first_and_last_rounds_that_differ(n, w, X):
    h = X[0]
    for i in range(1, n):
        h = np.tanh(w * h + X[i])
        if i == n - 1:
            h = h * 3
    return np.sum(h)


@case(rows(3), 0.8)
def a_round_in_the_middle_that_differs(n, x, w):
    for i in range(n):
        x = np.sin(x) * w + 0.1
        if i == n // 2:
            x = x * np.exp(w)
    return np.sum(x)


@case(0.7, 0.3, lambda n: rows(n, 2))
def two_loops_in_a_row(n, w, v, X):
    h = np.zeros(2)
    for x in X:
        h = np.tanh(w * h + x)
    y = h * 2
    for x in X:
        y = np.sin(v * y * x)
    return np.sum(y)


@case(0.7, 0.3, lambda n: rows(n, 2))
def a_loop_through_what_one_has_left(n, w, v, X):
    h, y, states = np.zeros(2), np.zeros(2), []
    for x in X:
        h = np.tanh(w * h + x)
        states.append(h)
    for h in states:
        y = np.tanh(v * y + h)
    return np.sum(y)


@case(0.7, 0.3, lambda n: rows(n, 2))
def a_loop_back_through_what_one_has_left(n, w, v, X):
    h, y, states = np.zeros(2), np.zeros(2), []
    for x in X:
        h = np.tanh(w * h + x)
        states.append(h)
    for h in reversed(states):
        y = np.tanh(v * y + h)
    return np.sum(y)


def layers_in_each_step(n, Ws, U, X):
    states = [np.zeros(2) for _ in Ws]
    for x in X:
        x = U @ x
        for k, W in enumerate(Ws):
            states[k] = x = np.tanh(W @ states[k] + x)
    return np.sum(states[-1])


def steps_in_each_layer(n, Ws, U, X):
    sequence = [U @ x for x in X]
    for W in Ws:
        h, states = np.zeros(2), []
        for x in sequence:
            h = np.tanh(W @ h + x)
            states.append(h)
        sequence = states
    return np.sum(sequence[-1])


for depth in (2, 3, 5):
    matrices = [rows(2, 2, seed=k) for k in range(depth)]
    for of_layers in (layers_in_each_step, steps_in_each_layer):
        CASES[f"{depth} {of_layers.__name__.replace('_', ' ')}"] = of_layers, (matrices, rows(2, 3), lambda n: rows(n, 3))


@case(rows(3), 0.2)
def a_loop_in_a_loop(n, x, eta):
    for _ in range(n):
        y = x
        for _ in range(10):
            y = y - eta * np.sin(y) / 2
        x = x + 0.1 * np.cos(y)
    return np.sum(x)


@case(lambda n: rows(n, 10), 0.3)
def the_entries_of_a_matrix(n, A, x):
    for i in range(n):
        for j in range(10):
            x = x + np.sin(A[i, j] * x)
    return x


# --- slices ------------------------------------------------------------------------------------------------------------------


@case(rows(3), lambda n: rows(n + 2))
def three_numbers_at_each_place(n, w, x):
    total = 0.0
    for i in range(n):
        total = total + np.tanh(np.sum(w * x[i : i + 3]))
    return total


@case(rows(3), lambda n: rows(3 * n))
def three_numbers_and_the_next_three(n, w, x):
    h = w
    for i in range(n):
        h = np.tanh(h * w + x[3 * i : 3 * i + 3])
    return np.sum(h)


@case(rows(2, 2), lambda n: rows(3, n + 2), rows(3))
def columns_from_the_end(n, W, X, h):
    for i in reversed(range(n)):
        h = np.tanh(h + np.sum(X[:, i + 1 : i + 3] @ W, axis=1) * X[:, i])
    return np.sum(h)


@case(rows(2), rows(8, 2), rows(8), 0.1)
def epochs_in_batches(n, w, X, T, rate):
    for _ in range(n):
        for k in range(0, 8, 2):
            error = X[k : k + 2] @ w - T[k : k + 2]
            w = w - rate * error @ X[k : k + 2]
    return np.sum(w)


@case(rows(3, 3), rows(3))
def states_one_after_the_other(n, W, h):
    states = []
    for _ in range(n):
        h = np.tanh(W @ h)
        states.append(h)
    return np.concatenate(states), np.concatenate(states[::-1])


# --- places that follow no rule ----------------------------------------------------------------------------------------------


def tokens(n):
    return np.random.default_rng(1).integers(0, 3, 200)[:n].tolist()


@case(rows(3, 3), rows(3, 3), rows(3))
def the_likelihood_of_a_hidden_markov_model(n, A, B, p):
    A, B, a, loss = np.exp(A), np.exp(B), np.exp(p), 0.0
    for seen in tokens(n):
        a = (a @ A) * B[:, seen]
        total = np.sum(a)
        loss = loss + np.log(total)
        a = a / total
    return loss


@case(rows(3, 4), rows(4, 4), rows(3, 4), rows(4))
def a_language_model(n, E, W, V, h):
    loss, text = 0.0, np.array(tokens(n + 1))
    for t in range(n):
        h = np.tanh(E[text[t]] + W @ h)
        z = V @ h
        loss = loss + np.log(np.sum(np.exp(z))) - z[text[t + 1]]
    return loss


@case(rows(9), rows(2))
def pieces_without_order(n, A, x):
    for k in tokens(n):
        x = np.tanh(A[k + 1 : k + 3] * x + A[4 - k])
    return np.sum(x)


# --- several times through the same -----------------------------------------------------------------------------------------


def descended(n, theta, samples, rate):
    """Stochastic gradient descent: `n` times through the samples."""
    for _ in range(n):
        for x, t in samples:
            theta = theta - rate * (np.sum(theta * x) - t) * x
    return theta


@case(rows(3), rows(5, 3), rows(5), 0.1)
def epochs_through_the_rows_of_an_array(n, w, X, T, rate):
    return np.sum(descended(n, w, list(zip(X, T, strict=True)), rate) ** 2)


@case(rows(3), 0.1)
def epochs_through_a_table(n, w, rate):
    return np.sum(descended(n, w, list(zip(rows(5, 3), rows(5), strict=True)), rate) ** 2)


@case(rows(3), rows(5, 3), 0.1)
def epochs_backward_and_from_the_second_row(n, w, X, rate):
    for _ in range(n):
        for i in range(4, 0, -1):
            w = np.tanh(w - rate * X[i] * np.sum(X[i - 1] * w))
    return np.sum(w)


@case(0.7, lambda n: rows(n, 2))
def the_next_row_of_a_ring(n, w, X):
    total = 0.0
    for i in range(n):
        total = total + np.sum((X[(i + 1) % n] - w * X[i]) ** 2)
    return total


# --- short rounds and dtypes -------------------------------------------------------------------------------------------------


@case(0.7)
def one_operation(n, x):
    for _ in range(n):
        x = np.sin(x)
    return x


@case(rows(2), rows(2, seed=1))
def one_sum(n, x, y):
    for _ in range(n):
        x = x + y
    return x


@case(rows(3, 3))
def one_product(n, A):
    M = np.eye(3)
    for _ in range(n):
        M = M @ A
    return np.trace(M)


@case(rows(3, 4))
def kept_axes(n, x):
    for _ in range(n):
        x = np.tanh(x - np.mean(x, axis=1, keepdims=True) / 2)
    return x


@case(0.5)
def a_float_of_pythons(n, x):
    for _ in range(n):
        x = x * 0.5 + 1
    return x


@case(np.float32(0.7), lambda n: rows(n, 2).astype(np.float32))
def single_precision(n, w, X):
    h = np.zeros(2, np.float32)
    for x in X:
        h = np.tanh(w * h + x)
    return h


@case(np.float32(0.7))
def single_precision_and_numbers_of_pythons(n, w):
    h = 0
    for _ in range(n):
        h = np.tanh(w * h + 0.1)
    return h


@case(np.float32(0.7), lambda n: rows(n, 2))
def single_precision_that_becomes_double(n, w, X):
    h = np.zeros(2, np.float32)
    for x in X:
        h = np.tanh(w * h + x)
    return h


@case(0.7)
def a_whole_number_that_becomes_a_float(n, w):
    h = 1
    for _ in range(n):
        h = h * w + 1
    return h


@case(np.arange(3), 0.9)
def whole_numbers_that_become_floats(n, x, w):
    for _ in range(n):
        x = x * w
    return x


@case(rows(3))
def complex_numbers(n, w):
    h = np.zeros(3) + 1j
    for i in range(n):
        h = np.exp(1j * w) * h + i
    return np.sum(np.abs(h))


# --- results -----------------------------------------------------------------------------------------------------------------


def states(n, w, X):
    h, found = np.zeros(2), []
    for x in X:
        h = np.tanh(w * h + x)
        found.append(h)
    return found


OF_STATES = {
    "all stacked": np.stack,
    "stacked along the second axis": lambda states: np.stack(states, axis=1),
    "stacked from the end": lambda states: np.stack(states[::-1]),
    "all but the ends stacked": lambda states: np.stack(states[1:-1]),
    "the last one and others": lambda states: (states[-1] + 2 * states[3], states[2], states[0]),
    "a list": lambda states: states,
    "a list from the end": lambda states: states[::-1],
    "a list of sums": lambda states: [np.sum(h) for h in states],
    "the mean of the losses": lambda states: np.mean(np.stack([np.sum(h**2) for h in states])),
}
for result, of_states in OF_STATES.items():
    CASES[f"the states: {result}"] = (lambda n, w, X, f=of_states: f(states(n, w, X))), (0.7, lambda n: rows(n, 2))


@case(rows(2), 0.7, lambda n: rows(n, 2))
def the_states_with_the_first_one(n, h, w, X):
    found = [h]
    for x in X:
        h = np.tanh(w * h + x)
        found.append(h)
    return np.stack(found)


@case(0.7, lambda n: rows(n, 2))
def the_states_from_the_end_to_the_first_one(n, w, X):
    h = np.zeros(2)
    found = [h]
    for x in X:
        h = np.tanh(w * h + x)
        found.append(h)
    return np.stack(found[::-1])


# --- other parts of this package ---------------------------------------------------------------------------------------------

step_again = tg.checkpoint(lambda w, h, x: np.tanh(w * h + x))
twice_sine = tg.primitive(lambda x: np.sin(x) * 2, lambda g, out, x: g * 2 * np.cos(x))


@case(0.7, lambda n: rows(n, 2))
def checkpoints(n, w, X):
    h = np.zeros(2)
    for x in X:
        h = step_again(w, h, x)
    return np.sum(h)


@case(0.7, lambda n: rows(n, 2))
def an_operation_of_the_users(n, w, X):
    h = np.zeros(2)
    for x in X:
        h = twice_sine(w * h + x)
    return np.sum(h)


def clipped(gradient):
    return np.clip(gradient, -0.1, 0.1)


@case(0.7, lambda n: rows(n, 2))
def a_gradient_that_is_clipped_on_its_way(n, w, X):
    h = np.zeros(2)
    for x in X:
        h = tg.on_gradient(np.tanh(w * h + x), clipped)
    return np.sum(h)


def distance(params, X):
    return np.mean((X @ params["w"] + params["b"]) ** 2)


@case({"w": rows(2), "b": 0.3}, 0.1, rows(5, 2))
def descent_with_momentum(n, params, eta, X):
    speed = {key: 0 * x for key, x in params.items()}
    for _ in range(n):
        slope = tg.grad(distance)(params, X)
        speed = {key: 0.9 * speed[key] + slope[key] for key in params}
        params = {key: params[key] - eta * speed[key] for key in params}
    return distance(params, X)


@case(np.float64(2.1))
def the_method_of_newton(n, x):
    def cubic(x):
        return x**3 - 2 * x - 5

    for _ in range(n):
        x = x - cubic(x) / tg.grad(cubic)(x)
    return x


@case({"W": rows(2, 2)}, lambda n: rows(n, 2))
def a_step_of_descent(n, params, X):
    def loss(params):
        h = np.zeros(2)
        for x in X:
            h = np.tanh(params["W"] @ h + x)
        return np.sum(h**2)

    return {key: params[key] - 0.1 * slope for key, slope in tg.grad(loss)(params).items()}


@case(lambda n: rows(n))
def a_hessian(n, x):
    _, pullback = tg.vjp(tg.grad(lambda x: np.sum(x**3) + np.sum(np.outer(x, x) ** 2)), x)
    return np.stack([pullback(row)[0] for row in np.eye(len(x))])


@case(lambda n: rows(n))
def a_jacobian(n, x):
    _, pullback = tg.vjp(lambda x: np.tanh(x**2) * np.sum(x), x)
    return np.stack([pullback(row)[0] for row in np.eye(len(x))])
