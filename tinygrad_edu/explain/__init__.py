"""Readers for people: what was recorded, as words, mathematics, pictures and pages."""

from tinygrad_edu.explain.descent import Descent, explain_descent
from tinygrad_edu.explain.drawing import Drawing, draw
from tinygrad_edu.explain.explanation import Explanation, explain

__all__ = ["Descent", "Drawing", "Explanation", "draw", "explain", "explain_descent"]
