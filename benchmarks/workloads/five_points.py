"""The lecture's five points at once: the mean of ½(t − θx)², θ = 0.5."""

from benchmarks.workload import BY_HAND, OURS, Gradients, Step, Workload

THETA = 0.5
X = [1.0, 0.38, 1.2, 1.6, 0.8]
T = [0.73, 0.22, 0.83, 1.28, 0.69]


def by_hand() -> Step:
    import numpy as np

    theta, x, t = np.float64(THETA), np.array(X), np.array(T)

    def step() -> Gradients:
        error = t - theta * x
        (0.5 * error**2).mean()
        return [-(error * x).mean()]

    return step


def with_tinygrad_edu() -> Step:
    from tinygrad_edu import Value

    theta, x, t = Value(THETA), Value(X, requires_grad=False), Value(T, requires_grad=False)

    def step() -> Gradients:
        theta.grad = None
        loss = (0.5 * (t - theta * x) ** 2).mean()
        loss.backward()
        return [theta.grad]

    return step


def with_micrograd() -> Step:
    from micrograd.engine import Value

    theta, points = Value(THETA), [(Value(x), Value(t)) for x, t in zip(X, T, strict=True)]

    def step() -> Gradients:
        theta.grad = 0
        for x, t in points:
            x.grad = t.grad = 0
        loss = sum(0.5 * (t - theta * x) ** 2 for x, t in points) / len(points)
        loss.backward()
        return [theta.grad]

    return step


def with_pytorch() -> Step:
    import torch

    theta = torch.tensor(THETA, dtype=torch.float64, requires_grad=True)
    x, t = torch.tensor(X, dtype=torch.float64), torch.tensor(T, dtype=torch.float64)

    def step() -> Gradients:
        theta.grad = None
        loss = (0.5 * (t - theta * x) ** 2).mean()
        loss.backward()
        return [theta.grad]

    return step


def with_mygrad() -> Step:
    import mygrad as mg

    theta, x, t = mg.tensor(THETA), mg.tensor(X, constant=True), mg.tensor(T, constant=True)

    def step() -> Gradients:
        theta.null_grad()
        loss = (0.5 * (t - theta * x) ** 2).mean()
        loss.backward()
        return [theta.grad]

    return step


def with_autograd() -> Step:
    import autograd
    import autograd.numpy as np

    x, t = np.array(X), np.array(T)
    gradient = autograd.grad(lambda theta: np.mean(0.5 * (t - theta * x) ** 2))

    def step() -> Gradients:
        return [gradient(THETA)]

    return step


WORKLOAD = Workload(
    name="five points",
    contenders={
        BY_HAND: by_hand,
        OURS: with_tinygrad_edu,
        "micrograd": with_micrograd,
        "PyTorch": with_pytorch,
        "MyGrad": with_mygrad,
        "HIPS autograd": with_autograd,
    },
    goals={"PyTorch": 0.6, "MyGrad": 0.3, "HIPS autograd": 0.3},
)
