"""Parts of complex numbers. Leaves and losses are real; what lies between them may be complex.

The gradient g of a complex number z says that the loss changes by Re(g·dz). Where f has a complex derivative, its rule is therefore
the same as in real numbers, g·f'(z). The functions of this module have none, and their rules follow from what dz does to each part.
"""

from typing import Any

import numpy as np

from tinygrad_edu.primitives.table import composition, operation

real = operation(
    lambda z: np.real(z),
    lambda g, out, z: g,
    name="real", numpy=[np.real], latex=r"\operatorname{{Re}} {0}",
)  # fmt: skip
# Im(dz) = Re(-i·dz)
imag = operation(
    lambda z: np.imag(z),
    lambda g, out, z: g * -1j,
    name="imag", numpy=[np.imag], latex=r"\operatorname{{Im}} {0}",
)  # fmt: skip
# Re(g·conj(dz)) = Re(conj(g)·dz)
conjugate = operation(np.conjugate, lambda g, out, z: np.conjugate(g), latex=r"\overline{{{0}}}")


@composition(np.angle)
def _angle(z: Any, deg: bool = False) -> Any:
    radians = np.arctan2(np.imag(z), np.real(z)) if z.dtype.kind == "c" else np.arctan2(0, z)
    return radians * (180 / np.pi) if deg else radians
