"""A mixture of Gaussians, as in ADBench and GradBench: the log-posterior of its parameters, with a Wishart prior.

A Gaussian is given by its mean and by its inverse covariance TᵀT, where T is triangular: the exponential of the first D numbers of
its row of `factors` is the diagonal, and the others lie below it, column by column. The formula is that of the ADBench paper
(F. Šrajer, Z. Kukelova, A. Fitzgibbon: A benchmark of selected algorithmic differentiation tools, 2018), section 4.1.
"""

import math
from types import ModuleType
from typing import Any

import numpy as np

from benchmarks.workload import BY_HAND, OURS, Gradients, Step, Workload

DIMENSIONS, GAUSSIANS, POINTS = 10, 25, 1000
GAMMA, M = 1.0, 0  # of the Wishart prior

_rng = np.random.default_rng(31337)
ALPHAS = _rng.normal(size=GAUSSIANS)
MEANS = _rng.uniform(size=(GAUSSIANS, DIMENSIONS))
FACTORS = _rng.normal(size=(GAUSSIANS, DIMENSIONS * (DIMENSIONS + 1) // 2))
X = _rng.normal(size=(POINTS, DIMENSIONS))
PARAMETERS = ALPHAS, MEANS, FACTORS

BELOW = np.tri(DIMENSIONS, k=-1, dtype=bool)
PLACES = np.zeros((DIMENSIONS, DIMENSIONS), int)  # for each element below the diagonal its place in a row of factors
PLACES.T[BELOW.T] = np.arange(DIMENSIONS, FACTORS.shape[1])


def constants() -> float:
    """What depends on no parameter."""
    degrees = DIMENSIONS + M + 1
    gammas = sum(math.lgamma((degrees - j) / 2) for j in range(DIMENSIONS)) + DIMENSIONS * (DIMENSIONS - 1) / 4 * math.log(math.pi)
    prior = degrees * DIMENSIONS * math.log(GAMMA / math.sqrt(2)) - gammas
    return -POINTS * DIMENSIONS / 2 * math.log(2 * math.pi) - GAUSSIANS * prior


def log_posterior(xp: ModuleType, nn: ModuleType, alphas: Any, means: Any, factors: Any, x: Any) -> Any:
    """The formula as it is published, for NumPy and those who speak like it; `nn` has a logsumexp."""
    logarithms = factors[:, :DIMENSIONS]
    diagonals, sums = xp.exp(logarithms), xp.sum(logarithms, axis=1)
    below = factors[:, PLACES] * BELOW
    centred = x[:, None, :] - means
    scaled = diagonals * centred + xp.einsum("kij,nkj->nki", below, centred, optimize=True)
    likelihood = xp.sum(nn.logsumexp(alphas + sums - 0.5 * xp.sum(scaled**2, axis=2), axis=1)) - POINTS * nn.logsumexp(alphas)
    prior = 0.5 * GAMMA**2 * (xp.sum(diagonals**2) + xp.sum(factors[:, DIMENSIONS:] ** 2)) - M * xp.sum(sums)
    return likelihood + prior + constants()


def value_and_gradient_by_hand(alphas: Any, means: Any, factors: Any, x: Any) -> tuple[Any, Gradients]:
    logarithms = factors[:, :DIMENSIONS]
    diagonals, sums = np.exp(logarithms), logarithms.sum(axis=1)
    triangles = factors[:, PLACES] * BELOW
    triangles[:, range(DIMENSIONS), range(DIMENSIONS)] = diagonals
    centred = x - means[:, None]  # one Gaussian after another
    scaled = centred @ triangles.transpose(0, 2, 1)
    terms = (alphas + sums)[:, None] - 0.5 * np.einsum("kni,kni->kn", scaled, scaled)
    most = terms.max(axis=0)
    weights = np.exp(terms - most)
    totals = weights.sum(axis=0)
    weights /= totals
    shares = np.exp(alphas - alphas.max())
    likelihood = np.sum(np.log(totals) + most) - POINTS * (np.log(shares.sum()) + alphas.max())
    prior = 0.5 * GAMMA**2 * (np.sum(diagonals**2) + np.sum(factors[:, DIMENSIONS:] ** 2)) - M * sums.sum()

    weight = weights.sum(axis=1)
    scaled *= weights[:, :, None]
    d_triangles = -scaled.transpose(0, 2, 1) @ centred
    d_factors = GAMMA**2 * factors
    d_factors[:, PLACES[BELOW]] += d_triangles[:, BELOW]
    d_diagonals = np.einsum("kii->ki", d_triangles) + GAMMA**2 * diagonals
    d_factors[:, :DIMENSIONS] = weight[:, None] + d_diagonals * diagonals - M
    d_means = (scaled.sum(axis=1)[:, None] @ triangles)[:, 0]
    return likelihood + prior + constants(), [weight - POINTS * shares / shares.sum(), d_means, d_factors]


def by_hand() -> Step:
    def step() -> Gradients:
        return value_and_gradient_by_hand(*PARAMETERS, X)[1]

    return step


def with_tinygrad_edu() -> Step:
    import tinygrad_edu as tg

    parameters = [tg.Value(p) for p in PARAMETERS]

    def step() -> Gradients:
        for p in parameters:
            p.grad = None
        log_posterior(np, tg, *parameters, X).backward()
        return [p.grad for p in parameters]

    return step


def with_pytorch() -> Step:
    import torch

    parameters = [torch.tensor(p, requires_grad=True) for p in PARAMETERS]
    x, places, is_below = torch.tensor(X), torch.tensor(PLACES), torch.tensor(BELOW)

    def posterior(alphas: Any, means: Any, factors: Any) -> Any:
        logarithms = factors[:, :DIMENSIONS]
        diagonals, sums = torch.exp(logarithms), torch.sum(logarithms, 1)
        below = factors[:, places] * is_below
        centred = x[:, None, :] - means
        scaled = diagonals * centred + torch.einsum("kij,nkj->nki", below, centred)
        terms = alphas + sums - 0.5 * torch.sum(scaled**2, 2)
        likelihood = torch.sum(torch.logsumexp(terms, 1)) - POINTS * torch.logsumexp(alphas, 0)
        prior = 0.5 * GAMMA**2 * (torch.sum(diagonals**2) + torch.sum(factors[:, DIMENSIONS:] ** 2)) - M * torch.sum(sums)
        return likelihood + prior + constants()

    def step() -> Gradients:
        for p in parameters:
            p.grad = None
        posterior(*parameters).backward()
        return [p.grad for p in parameters]

    return step


def with_autograd() -> Step:
    import autograd
    import autograd.numpy as anp
    from autograd.scipy import special

    gradient = autograd.grad(lambda parameters: log_posterior(anp, special, *parameters, X))

    def step() -> Gradients:
        return gradient(PARAMETERS)

    return step


WORKLOAD = Workload(
    name="mixture of Gaussians",
    contenders={
        BY_HAND: by_hand,
        OURS: with_tinygrad_edu,
        "PyTorch": with_pytorch,
        "HIPS autograd": with_autograd,
    },
    goals={"PyTorch": 1.0},
)
