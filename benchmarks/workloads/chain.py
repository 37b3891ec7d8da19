"""A long chain of operations on single numbers, y ← y·w + b again and again: what an operation costs, not what it computes.

Both w and b are parameters, so no framework is spared an operand or has to wrap a constant.
"""

from typing import Any

from benchmarks.workload import BY_HAND, OURS, Gradients, Step, Workload

LENGTH = 600  # operations: half of them products, half of them sums
W, B = 0.99, 0.01


def by_hand(length: int = LENGTH) -> Step:
    import numpy as np

    w, b = np.float64(W), np.float64(B)

    def step() -> Gradients:
        inputs = []
        y = b
        for _ in range(length // 2):
            inputs.append(y)
            y = y * w + b
        g, dw, db = 1.0, 0.0, 0.0
        for y in reversed(inputs):
            db += g
            dw += g * y
            g *= w
        return [dw, db + g]

    return step


def with_tinygrad_edu(length: int = LENGTH) -> Step:
    from tinygrad_edu import Value

    w, b = Value(W), Value(B)

    def step() -> Gradients:
        w.grad = b.grad = None
        y = b
        for _ in range(length // 2):
            y = y * w + b
        y.backward()
        return [w.grad, b.grad]

    return step


def with_micrograd(length: int = LENGTH) -> Step:
    from micrograd.engine import Value

    w, b = Value(W), Value(B)

    def step() -> Gradients:
        w.grad = b.grad = 0
        y = b
        for _ in range(length // 2):
            y = y * w + b
        y.backward()
        return [w.grad, b.grad]

    return step


def with_pytorch(length: int = LENGTH) -> Step:
    import torch

    w = torch.tensor(W, dtype=torch.float64, requires_grad=True)
    b = torch.tensor(B, dtype=torch.float64, requires_grad=True)

    def step() -> Gradients:
        w.grad = b.grad = None
        y = b
        for _ in range(length // 2):
            y = y * w + b
        y.backward()
        return [w.grad, b.grad]

    return step


def with_mygrad(length: int = LENGTH) -> Step:
    import mygrad as mg

    w, b = mg.tensor(W), mg.tensor(B)

    def step() -> Gradients:
        w.null_grad()
        b.null_grad()
        y = b
        for _ in range(length // 2):
            y = y * w + b
        y.backward()
        return [w.grad, b.grad]

    return step


def with_autograd(length: int = LENGTH) -> Step:
    import autograd

    def repeated(w: Any, b: Any) -> Any:
        y = b
        for _ in range(length // 2):
            y = y * w + b
        return y

    gradient = autograd.grad(repeated, argnum=(0, 1))

    def step() -> Gradients:
        return gradient(W, B)

    return step


WORKLOAD = Workload(
    name=f"chain of {LENGTH}",
    contenders={
        BY_HAND: by_hand,
        OURS: with_tinygrad_edu,
        "micrograd": with_micrograd,
        "PyTorch": with_pytorch,
        "MyGrad": with_mygrad,
        "HIPS autograd": with_autograd,
    },
    goals={"micrograd": 0.6, "PyTorch": 0.4, "MyGrad": 0.3, "HIPS autograd": 0.3},
)
