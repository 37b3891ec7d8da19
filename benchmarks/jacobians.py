"""What a Jacobian costs, all columns at once, beside one column after the other, and beside other frameworks: a hand is fitted.

A hand of 22 bones is posed by 26 parameters: three angles and three coordinates of the wrist, and four angles for each finger. Each
point of its skin follows the bones, some more than others. The residuals are how far the points are from where they were measured
(Taylor et al., 2014); their Jacobian is what the method of Gauss and Newton needs. The bones are made up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from types import SimpleNamespace
from typing import Any
from warnings import catch_warnings, simplefilter

import numpy as np

from benchmarks.race import Comparison, compared, limit_threads, times
from benchmarks.workload import JAX, MODULES, OURS, Step

POINTS = 500
WRIST, FINGERS, BONES = 6, 5, 22
PARENTS = [-1, 0] + [0 if joint == 0 else 1 + 4 * finger + joint for finger in range(FINGERS) for joint in range(4)]
COLUMN_BY_COLUMN = "column by column"


def data() -> tuple[np.ndarray, ...]:
    """The parameters; for each bone where it is in its parent, and the skin as it sees it, times how much this follows it; and
    where the points of the skin were measured."""
    rng = np.random.default_rng(0)
    places = np.tile(np.eye(4), (BONES, 1, 1))
    places[:, :3, 3] = rng.normal(size=(BONES, 3))
    skin = np.concatenate([rng.normal(size=(BONES, 3, POINTS)), np.ones((BONES, 1, POINTS))], axis=1)
    weights = rng.dirichlet(np.ones(BONES), POINTS).T
    return 0.3 * rng.normal(size=WRIST + 4 * FINGERS), places, weights[:, None] * skin, rng.normal(size=(3, POINTS))


def residuals(xp: Any, theta: Any, places: Any, skin: Any, measured: Any) -> Any:
    """How far the points of the posed hand are from the measured ones."""
    poses: list[Any] = []
    for bone, parent in enumerate(PARENTS):
        pose = places[bone] if parent < 0 else poses[parent] @ places[bone]
        finger, joint = divmod(bone - 2, 4)
        if finger >= 0 and joint > 0:
            pose = pose @ bent(xp, theta[WRIST + 4 * finger + joint])
        if finger >= 0 and joint == 1:
            pose = pose @ spread(xp, theta[WRIST + 4 * finger])
        poses.append(pose)
    moved = xp.einsum("bij,bjn->in", xp.stack(poses)[:, :3], skin)
    return measured - (turned(xp, theta[:3]) @ moved + theta[3:6][:, None])


def bent(xp: Any, angle: Any) -> Any:
    """A turn about the first axis."""
    sin, cos = xp.sin(angle), xp.cos(angle)
    return xp.array([[1.0, 0.0, 0.0, 0.0], [0.0, cos, -sin, 0.0], [0.0, sin, cos, 0.0], [0.0, 0.0, 0.0, 1.0]])


def spread(xp: Any, angle: Any) -> Any:
    """A turn about the third axis."""
    sin, cos = xp.sin(angle), xp.cos(angle)
    return xp.array([[cos, -sin, 0.0, 0.0], [sin, cos, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]])


def turned(xp: Any, angles: Any) -> Any:
    """Turns about all three axes."""
    (sx, sy, sz), (cx, cy, cz) = xp.sin(angles), xp.cos(angles)
    return xp.array(
        [
            [cy * cz, sx * sy * cz - cx * sz, cx * sy * cz + sx * sz],
            [cy * sz, sx * sy * sz + cx * cz, cx * sy * sz - sx * cz],
            [-sy, sx * cy, cx * cy],
        ]
    )


# --- the contenders ----------------------------------------------------------------------------------------------------------


def race(rounds: int) -> Iterator[Comparison]:
    """The Jacobian, and the compiled one, beside the others, in turns."""
    for name, steps in races().items():
        limit_threads()
        yield from compared(name, "seconds", times(steps, rounds), {COLUMN_BY_COLUMN: 0.5})


def races() -> dict[str, dict[str, Step]]:
    """For each race the contenders that are installed."""
    import tinygrad_edu as tg

    theta, *given = data()
    f = partial(residuals, SimpleNamespace(**vars(np) | {"array": tg.array}))
    jacobian = tg.jacobian(f)

    def column_by_column(theta: Any, *given: Any) -> Any:
        _, push_forward = tg.linearize(lambda theta: f(theta, *given), theta)
        return np.stack([push_forward(column) for column in np.eye(len(theta))], axis=-1)

    eager = {OURS: jacobian, COLUMN_BY_COLUMN: column_by_column}
    compiled = {name: tg.compile(each) for name, each in eager.items()}
    if find_spec(MODULES["PyTorch"]):
        eager["PyTorch"] = with_pytorch()
    if find_spec(MODULES[JAX]):
        compiled[JAX] = with_jax()
    races = {"Jacobian of a hand": eager, "compiled: Jacobian of a hand": compiled}
    return {race: {name: partial(each, theta, *given) for name, each in contenders.items()} for race, contenders in races.items()}


def with_pytorch() -> Callable[..., Any]:
    """Forward mode over all columns."""
    import torch

    def array(rows: list[list[Any]]) -> Any:
        return torch.stack([torch.stack([torch.as_tensor(x, dtype=torch.float64) for x in row]) for row in rows])

    xp = SimpleNamespace(sin=torch.sin, cos=torch.cos, einsum=torch.einsum, stack=torch.stack, array=array)
    jacobian = torch.func.jacfwd(partial(residuals, xp))
    with catch_warnings():
        simplefilter("ignore", DeprecationWarning)  # PyTorch's, of what it uses itself when it begins
        jacobian(*map(torch.as_tensor, data()))
    return lambda *inputs: jacobian(*map(torch.as_tensor, inputs)).numpy()


def with_jax() -> Callable[..., Any]:
    """The same, compiled."""
    import jax

    jax.config.update("jax_enable_x64", True)
    jacobian = jax.jit(jax.jacfwd(partial(residuals, jax.numpy)))
    return lambda *inputs: np.asarray(jacobian(*inputs))
