"""Every entry of the op table against PyTorch, which knows nothing of our rules."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinygrad_edu.engine.value import Value
from tinygrad_edu.primitives.table import TABLE
from tinygrad_edu.testing import in_real_numbers, samples
from tinygrad_edu.testing.strategies import inputs_of, operations

torch = pytest.importorskip("torch")


def _double(x):
    return torch.as_tensor(np.asarray(x))


def _rearranging(name):
    """What only moves elements is done to the elements' numbers by NumPy itself, which says where each element goes."""
    move = TABLE.entries[name].forward

    def rearranged(x, **params):
        positions = move(np.arange(x.numel()).reshape(x.shape), **params)
        return x.reshape(-1)[torch.as_tensor(np.array(positions))]

    return rearranged


def _transform(name):
    return lambda x, n=None, axis=-1, norm=None: getattr(torch.fft, name)(x, n, axis, norm)


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
    "prod": lambda x, axis=None, keepdims=False: _one_after_the_other(torch.prod, x, axis, keepdims),
    "clip": lambda *xs: torch.clip(*torch.broadcast_tensors(*xs)),
    "floor_divide": lambda a, b: torch.div(a, b, rounding_mode="floor"),
    "heaviside": lambda x, at_zero: torch.where(x == 0, at_zero, (x > 0) + 0.0 * x),
    "einsum": lambda *xs, subscripts, optimize=False: torch.einsum(subscripts, *xs),
    "sum_to": lambda x, shape: x.sum_to_size(shape),
    "fmax": torch.maximum,  # PyTorch's fmax gives the whole gradient of a tie to its first argument
    "fmin": torch.minimum,
    "hypot": lambda a, b: _hypot(a, b),
    "sinc": lambda x: _sinc(x),
    "logsumexp": lambda x, **params: _reduced(torch.logsumexp, x, **params),
    "softmax": lambda x, axis=-1: torch.softmax(x.flatten(), 0).reshape(x.shape) if axis is None else _softmax(x, axis),
    "polygamma": lambda x, order: _polygamma(order, x),
    "digamma": lambda x: torch.digamma(x).detach() + _polygamma(1, x).detach() * (x - x.detach()),
    "cast": lambda x, dtype: x.to(torch.float64),
    "stack": lambda *xs, axis=0: torch.stack(xs, axis),
    "concatenate": lambda *xs, axis=0: torch.cat([x.flatten() for x in xs] if axis is None else xs, dim=axis or 0),
    "scatter": lambda g, index, shape: (
        torch.zeros(int(np.prod(shape)), dtype=g.dtype)
        .index_add(0, _positions(shape, index).reshape(-1), g.reshape(-1))
        .reshape(shape)
    ),
    # Unique but for signs: tests/test_numpy_linalg.py compares what does not depend on them.
    "eigh": None,
    "eig": None,
    "svd": None,
    "qr": None,
    "ldexp": lambda x, e: x * 2.0 ** e.double(),
    "dot": lambda a, b: torch.tensordot(a, b, ([a.ndim - 1], [max(b.ndim - 2, 0)])),
    "vander": lambda x, N, increasing=False: x[:, None] ** torch.as_tensor(np.arange(N)[:: 1 if increasing else -1].copy()),
    "linspace": lambda start, stop, num=50, endpoint=True: (
        start + (stop - start) * torch.as_tensor(np.linspace(0, 1, num, endpoint).reshape(-1, *(1,) * max(start.ndim, stop.ndim)))
    ),
    "lstsq": None,  # which PyTorch differentiates for square matrices only
    # PyTorch gives half of the gradient to the triangle that it does not read.
    "cholesky": lambda a: torch.linalg.cholesky(_mirrored(a)),
    "eigvalsh": lambda a, UPLO="L": torch.linalg.eigvalsh(_mirrored(a) if UPLO == "L" else _mirrored(a.mT)),
    "logabsdet": torch.logdet,
    "take": lambda x, positions: torch.take(x, positions.long()),
    "imag": lambda x: 0.0 * x,  # PyTorch refuses to take it of a real number
    "conjugate": torch.conj,
    **{name: _transform(name) for name in ("fft", "ifft", "rfft", "irfft")},
    **{
        name: _rearranging(name)
        for name in ("index", "reshape", "transpose", "expand_dims", "broadcast_to", "roll", "windows")
        if name in TABLE.entries
    },
}


def _mirrored(a):
    """The symmetric matrix of which the lower triangle is read."""
    return torch.tril(a) + torch.tril(a, -1).mT


def _hypot(a, b):
    """PyTorch's own is NaN in the gradient at the origin."""
    at_origin = (a == 0) & (b == 0)
    return torch.where(at_origin, 0 * (a + b), torch.hypot(torch.where(at_origin, 1.0, a), b))


def _softmax(x, axis):
    e = torch.exp(x)
    return e / torch.sum(e, axis, keepdim=True)


def _polygamma(order, x):
    """By the zeta function: PyTorch's own polygamma of order 1 is right to nine digits only."""
    return (-1) ** (order + 1) * math.factorial(order) * torch.special.zeta(torch.tensor(order + 1.0, dtype=x.dtype), x)


def _positions(shape, index):
    """The index as numbers of elements, so that NumPy itself says which elements are meant."""
    return torch.as_tensor(np.arange(np.prod(shape)).reshape(shape)[index].copy())


def _one_after_the_other(function, x, axis, keepdims):
    """A reduction that PyTorch has for one axis only."""
    axes = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    for one in sorted((one % x.ndim for one in axes), reverse=True):
        x = function(x, one, keepdims)
    return +x


def _reduced(function, x, axis=None, keepdims=False):
    """In PyTorch an empty tuple of axes stands for all axes, in NumPy for none."""
    if axis == ():
        return +x
    return function(x, tuple(range(x.ndim)) if axis is None else axis, keepdims)


def _sinc(x):
    """Near 0 by its series: there PyTorch's gradient is the difference of two large numbers, of which no digit is left."""
    square = (np.pi * x) ** 2
    series = 1 - square / 6 * (1 - square / 20 * (1 - square / 42 * (1 - square / 72)))
    is_near = x.abs() < 0.01
    return torch.where(is_near, series, torch.sinc(torch.where(is_near, 1.0, x)))


def counterpart(entry):
    """PyTorch's function of the same name as the entry or as the NumPy function that it stands for, or None."""
    names = [entry.name, *(function.__name__ for function in entry.numpy)]
    found = (getattr(room, name, None) for room in (torch.linalg, torch, torch.special) for name in names)
    return COUNTERPARTS[entry.name] if entry.name in COUNTERPARTS else next((function for function in found if function), None)


COMPARED = [entry for entry in TABLE if entry.is_differentiable and counterpart(entry)]


def test_nearly_every_operation_has_a_counterpart():
    differentiable = [entry for entry in TABLE if entry.is_differentiable]
    assert len(COMPARED) > 0.8 * len(differentiable), {entry.name for entry in differentiable} - {entry.name for entry in COMPARED}


@pytest.mark.parametrize("entry", COMPARED, ids=lambda entry: entry.name)
def test_values_and_gradients_agree_with_pytorch(entry):
    for seed in range(3):
        for sample in samples(entry, seed):
            compare(entry, sample)


@settings(max_examples=500, deadline=None)
@given(st.data())
def test_values_and_gradients_agree_with_pytorch_on_round_numbers_ties_and_any_shapes(data):
    entry = data.draw(operations().filter(counterpart))
    compare(entry, data.draw(inputs_of(entry)))


def compare(entry, sample):
    rules = sample.has_rule
    ours = [Value(x) if rule else x for x, rule in zip(sample.inputs, rules, strict=True)]
    theirs = [_double(x).requires_grad_(rule) for x, rule in zip(sample.inputs, rules, strict=True)]
    result = in_real_numbers(entry(*ours, **sample.params))
    expected = counterpart(entry)(*theirs, **sample.params)
    if expected.is_complex():
        expected = torch.stack([expected.real, expected.imag])
    np.testing.assert_allclose(result.numpy(), expected.detach().numpy(), rtol=1e-13, atol=1e-15)
    cotangent = np.random.default_rng(0).normal(size=result.shape)
    result.backward(cotangent)
    expected.backward(_double(cotangent))
    for x, oracle in zip(ours, theirs, strict=True):
        if oracle.requires_grad:
            # PyTorch's gradient is None where it knows that it vanishes.
            wanted = np.zeros(x.shape) if oracle.grad is None else oracle.grad.numpy()
            np.testing.assert_allclose(x.grad, wanted, rtol=1e-12, atol=1e-14)
