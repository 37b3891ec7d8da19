"""Every entry of the op table against PyTorch, which knows nothing of our rules."""

import numpy as np
import pytest

from tinygrad_edu.primitive import TABLE
from tinygrad_edu.testing import samples
from tinygrad_edu.value import Value

torch = pytest.importorskip("torch")


def _double(x):
    return torch.as_tensor(np.asarray(x))


# A function of PyTorch is found by the entry's name. Here is what PyTorch calls by another name, or calls in another way.
COUNTERPARTS = {
    "power": torch.pow,
    "mod": torch.remainder,
    "step": lambda x: (x > 0) + 0.0 * x,
    "softplus": torch.nn.functional.softplus,
    "sum": lambda x, **params: _reduced(torch.sum, x, **params),
    "mean": lambda x, **params: _reduced(torch.mean, x, **params),
    "max": lambda x, **params: _reduced(torch.amax, x, **params),
    "min": lambda x, **params: _reduced(torch.amin, x, **params),
    "clip": lambda *xs: torch.clip(*torch.broadcast_tensors(*xs)),
    "floor_divide": lambda a, b: torch.div(a, b, rounding_mode="floor"),
    "broadcast_to": lambda x, shape: torch.broadcast_to(x, shape),
    "sum_to": lambda x, shape: x.sum_to_size(shape),
    "cast": lambda x, dtype: x.to(torch.float64),
    "transpose": lambda x, axes=None: x.permute(axes or tuple(reversed(range(x.ndim)))),
    "expand_dims": lambda x, axis: x.reshape(np.expand_dims(np.empty(x.shape), axis).shape),
    "concatenate": lambda *xs, axis=0: torch.cat([x.flatten() for x in xs] if axis is None else xs, dim=axis or 0),
    "index": lambda x, index: x.reshape(-1)[_positions(x.shape, index)],
    "scatter": lambda g, index, shape: (
        torch.zeros(int(np.prod(shape)), dtype=g.dtype)
        .index_add(0, _positions(shape, index).reshape(-1), g.reshape(-1))
        .reshape(shape)
    ),
}


def _positions(shape, index):
    """The index as numbers of elements, so that NumPy itself says which elements are meant."""
    return torch.as_tensor(np.arange(np.prod(shape)).reshape(shape)[index].copy())


def _reduced(function, x, axis=None, keepdims=False):
    """In PyTorch an empty tuple of axes stands for all axes, in NumPy for none."""
    if axis == ():
        return +x
    return function(x, tuple(range(x.ndim)) if axis is None else axis, keepdims)


def counterpart(entry):
    return COUNTERPARTS.get(entry.name) or getattr(torch, entry.name)


@pytest.mark.parametrize("entry", [entry for entry in TABLE if entry.is_differentiable], ids=lambda entry: entry.name)
def test_values_and_gradients_agree_with_pytorch(entry):
    for seed in range(3):
        for sample in samples(entry, seed):
            rules = sample.has_rule
            ours = [Value(x) if rule else x for x, rule in zip(sample.inputs, rules, strict=True)]
            theirs = [_double(x).requires_grad_(rule) for x, rule in zip(sample.inputs, rules, strict=True)]
            result = entry(*ours, **sample.params)
            expected = counterpart(entry)(*theirs, **sample.params)
            np.testing.assert_allclose(result.numpy(), expected.detach().numpy(), rtol=1e-13, atol=1e-15)
            cotangent = np.random.default_rng(seed).normal(size=result.shape)
            result.backward(cotangent)
            expected.backward(_double(cotangent))
            for x, oracle in zip(ours, theirs, strict=True):
                if oracle.requires_grad:
                    zero = np.zeros(x.shape)  # PyTorch's gradient is None where it knows that it vanishes
                    wanted = zero if oracle.grad is None else oracle.grad.numpy()
                    np.testing.assert_allclose(x.grad, wanted, rtol=1e-12, atol=1e-14)
