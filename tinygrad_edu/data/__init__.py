"""Data: sets to learn from, and their samples in batches.

`sets` are those of the lecture, and two small classics, made of NumPy alone; `bundled` are real ones, which come with scikit-learn.
`splitting` sets samples apart to test with, and `batching` gives the samples of an epoch in small parts. They know no model.
"""

from tinygrad_edu.data.batching import Batches, batches
from tinygrad_edu.data.bundled import breast_cancer, diabetes, digits, iris
from tinygrad_edu.data.sets import five_points, four_points, moons, one_point, xor
from tinygrad_edu.data.splitting import split, standardized

__all__ = [
    "Batches",
    "batches",
    "breast_cancer",
    "diabetes",
    "digits",
    "five_points",
    "four_points",
    "iris",
    "moons",
    "one_point",
    "split",
    "standardized",
    "xor",
]
