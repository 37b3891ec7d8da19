"""How gradient descent goes on a loss that is a parabola, or a sum of some: ηλ decides, the learning rate times the curvature.

A step multiplies the distance from the minimum by 1 - ηλ. What is known of the loss and of the steps is not known here.
"""

from __future__ import annotations

from collections.abc import Mapping

from tinygrad_edu.languages import Language

RANGES = {
    "none": "η = 0", "direct": "0 < ηλ < 1", "once": "ηλ = 1", "swing": "1 < ηλ < 2", "forever": "ηλ = 2", "away": "ηλ > 2",
}  # fmt: skip
"""For each regime what ηλ is then, with the largest curvature λ."""

SENTENCES: Mapping[str, Mapping[str, Mapping[Language, str]]] = {
    "parabola": {
        "direct": {
            "en": "{0}: every step goes part of the way to the minimum. It converges.",
            "zh": "{0}：每一步都向最小值走一段，收敛。",
        },
        "once": {
            "en": "{0}: one step leads to the minimum.",
            "zh": "{0}：一步到达最小值。",
        },
        "swing": {
            "en": "{0}: every step goes beyond the minimum, but less and less. It converges, oscillating.",
            "zh": "{0}：每一步都越过最小值，但越来越近，振荡着收敛。",
        },
        "forever": {
            "en": "{0}: every step ends as far from the minimum as it began. It neither converges nor diverges.",
            "zh": "{0}：每一步之后离最小值与之前一样远，既不收敛也不发散。",
        },
        "away": {
            "en": "{0}: every step ends further from the minimum than it began. It diverges.",
            "zh": "{0}：每一步之后离最小值更远，发散。",
        },
        "none": {
            "en": "{0}: nothing moves.",
            "zh": "{0}：不动。",
        },
    },
    "curve": {
        "direct": {
            "en": "{0}: along every direction each step goes part of the way to the minimum. It converges; along directions of "
            "small {1} slowly.",
            "zh": "{0}：沿每个方向，每一步都向最小值走一段，收敛；沿 {1} 小的方向收敛得慢。",
        },
        "once": {
            "en": "{0}: along the direction of {1} one step leads to the minimum; where λ is smaller it takes more.",
            "zh": "{0}：沿 {1} 的方向一步到达最小值；λ 更小的方向需要更多步。",
        },
        "swing": {
            "en": "{0}: along the direction of {1} every step goes beyond the minimum, but less and less. It converges.",
            "zh": "{0}：沿 {1} 的方向，每一步都越过最小值，但越来越近，收敛。",
        },
        "forever": {
            "en": "{0}: along the direction of {1} every step ends as far from the minimum as it began. That part of the loss "
            "stays.",
            "zh": "{0}：沿 {1} 的方向，每一步之后离最小值与之前一样远，这部分损失不会减小。",
        },
        "away": {
            "en": "{0}: along the direction of {1} every step ends further from the minimum than it began. It diverges, even if "
            "the loss falls at first.",
            "zh": "{0}：沿 {1} 的方向，每一步之后离最小值更远。即使损失起初下降，最终也会发散。",
        },
        "none": {
            "en": "{0}: nothing moves.",
            "zh": "{0}：不动。",
        },
    },
}
"""On a parabola over one weight, and on the curve of a loss over several: what each step does. {0} is the range, {1} is λ."""


def regime(rate: float, curvature: float) -> str:
    """Which of the regimes it is, for a curvature that is positive.

    >>> regime(1.0, 4.0), regime(0.25, 4.0), RANGES[regime(0.1, 3.0)]
    ('away', 'once', '0 < ηλ < 1')
    """
    product = float(f"{rate * curvature:.9g}")
    if product in (0, 1, 2):
        return {0: "none", 1: "once", 2: "forever"}[int(product)]
    return "direct" if product < 1 else "swing" if product < 2 else "away"
