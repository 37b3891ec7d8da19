"""Readers for people: what was recorded, as words, mathematics, pictures and pages."""

from tinygrad_edu.explainer.descent import Descent, explain_descent
from tinygrad_edu.explainer.drawing import Drawing, draw
from tinygrad_edu.explainer.explanation import Explanation, explain
from tinygrad_edu.explainer.page import Page

__all__ = ["Descent", "Drawing", "Explanation", "Page", "draw", "explain", "explain_descent"]
