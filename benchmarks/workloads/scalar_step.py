"""The lecture's step on single numbers: loss ½(t − θx)² at θ = 3, x = 2, t = 8."""

from benchmarks.workload import BY_HAND, OURS, Gradients, Step, Workload

THETA, X, T = 3.0, 2.0, 8.0


def by_hand() -> Step:
    import numpy as np

    theta, x, t = np.float64(THETA), np.float64(X), np.float64(T)

    def step() -> Gradients:
        error = t - theta * x
        0.5 * error**2
        return [-error * x]

    return step


def with_tinygrad_edu() -> Step:
    from tinygrad_edu import Value

    theta, x, t = Value(THETA), Value(X, requires_grad=False), Value(T, requires_grad=False)

    def step() -> Gradients:
        theta.grad = None
        loss = 0.5 * (t - theta * x) ** 2
        loss.backward()
        return [theta.grad]

    return step


def with_micrograd() -> Step:
    from micrograd.engine import Value

    theta, x, t = Value(THETA), Value(X), Value(T)

    def step() -> Gradients:
        theta.grad = x.grad = t.grad = 0
        loss = 0.5 * (t - theta * x) ** 2
        loss.backward()
        return [theta.grad]

    return step


def with_pytorch() -> Step:
    import torch

    theta = torch.tensor(THETA, dtype=torch.float64, requires_grad=True)
    x, t = torch.tensor(X, dtype=torch.float64), torch.tensor(T, dtype=torch.float64)

    def step() -> Gradients:
        theta.grad = None
        loss = 0.5 * (t - theta * x) ** 2
        loss.backward()
        return [theta.grad]

    return step


def with_mygrad() -> Step:
    import mygrad as mg

    theta, x, t = mg.tensor(THETA), mg.tensor(X, constant=True), mg.tensor(T, constant=True)

    def step() -> Gradients:
        theta.null_grad()
        loss = 0.5 * (t - theta * x) ** 2
        loss.backward()
        return [theta.grad]

    return step


def with_autograd() -> Step:
    import autograd

    gradient = autograd.grad(lambda theta: 0.5 * (T - theta * X) ** 2)

    def step() -> Gradients:
        return [gradient(THETA)]

    return step


WORKLOAD = Workload(
    name="scalar step",
    contenders={
        BY_HAND: by_hand,
        OURS: with_tinygrad_edu,
        "micrograd": with_micrograd,
        "PyTorch": with_pytorch,
        "MyGrad": with_mygrad,
        "HIPS autograd": with_autograd,
    },
    goals={"micrograd": 0.6, "PyTorch": 0.3, "MyGrad": 0.3, "HIPS autograd": 0.3},
)
