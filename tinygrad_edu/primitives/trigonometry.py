"""Angles: trigonometric and hyperbolic functions, their inverses, and the polar form of a pair of numbers.

The rules of the inverse functions multiply (1 - x)(1 + x) where 1 - x² would round away what matters near x = ±1.
"""

from typing import Any

import numpy as np

from tinygrad_edu.primitives.elementwise import direction
from tinygrad_edu.primitives.table import composition, operation

INSIDE = ((-0.9, 0.9),)

sin = operation(np.sin, lambda g, out, x: g * np.cos(x), latex=r"\sin {0}")
cos = operation(np.cos, lambda g, out, x: -g * np.sin(x), latex=r"\cos {0}")
tan = operation(np.tan, lambda g, out, x: g * (1 + out**2), latex=r"\tan {0}", domain=((-1.3, 1.3),))
arcsin = operation(np.arcsin, lambda g, out, x: g / np.sqrt((1 - x) * (1 + x)), latex=r"\arcsin {0}", domain=INSIDE)
arccos = operation(np.arccos, lambda g, out, x: -g / np.sqrt((1 - x) * (1 + x)), latex=r"\arccos {0}", domain=INSIDE)
arctan = operation(np.arctan, lambda g, out, x: g / (1 + x**2), latex=r"\arctan {0}")

sinh = operation(np.sinh, lambda g, out, x: g * np.cosh(x), latex=r"\sinh {0}")
cosh = operation(np.cosh, lambda g, out, x: g * np.sinh(x), latex=r"\cosh {0}")
tanh = operation(np.tanh, lambda g, out, x: g * (1 - out**2), latex=r"\tanh {0}")
arcsinh = operation(np.arcsinh, lambda g, out, x: g / np.sqrt(1 + x**2), latex=r"\operatorname{{arsinh}} {0}")
arccosh = operation(
    np.arccosh,
    lambda g, out, x: g / np.sqrt((x - 1) * (x + 1)),
    latex=r"\operatorname{{arcosh}} {0}", domain=((1.2, 4.0),),
)  # fmt: skip
arctanh = operation(np.arctanh, lambda g, out, x: g / ((1 - x) * (1 + x)), latex=r"\operatorname{{artanh}} {0}", domain=INSIDE)

# The derivative of a linear function is that function.
deg2rad = operation(np.deg2rad, lambda g, out, x: np.deg2rad(g), latex=r"\frac{{\pi}}{{180}} {0}")
rad2deg = operation(np.rad2deg, lambda g, out, x: np.rad2deg(g), latex=r"\frac{{180}}{{\pi}} {0}")
composition(np.radians)(deg2rad)
composition(np.degrees)(rad2deg)

# Not √(a² + b²) and its rules, whose squares overflow at 1e155 and vanish at 1e-162.
hypot = operation(
    np.hypot,
    lambda g, out, a, b: g * direction(a, out),
    lambda g, out, a, b: g * direction(b, out),
    latex=r"\sqrt{{{0}^2 + {1}^2}}",
)


def _over_square(component: Any, a: Any, b: Any) -> Any:
    """component / (a² + b²)."""
    length = np.hypot(a, b)
    return direction(direction(component, length), length)


arctan2 = operation(
    np.arctan2,
    lambda g, out, y, x: g * _over_square(x, x, y),
    lambda g, out, y, x: -g * _over_square(y, x, y),
    latex=r"\operatorname{{atan2}}({0}, {1})", domain=((0.3, 3.0), (-3.0, 3.0)),
)  # fmt: skip
