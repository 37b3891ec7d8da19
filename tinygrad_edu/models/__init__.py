"""Models that a user fits: regressions and the perceptron."""

from tinygrad_edu.models.history import History, PerceptronStep, Step
from tinygrad_edu.models.linear_model import LinearModel
from tinygrad_edu.models.logistic import LogisticRegression, SoftmaxRegression
from tinygrad_edu.models.perceptron import Perceptron
from tinygrad_edu.models.regression import LinearRegression

__all__ = [
    "History",
    "LinearModel",
    "LinearRegression",
    "LogisticRegression",
    "Perceptron",
    "PerceptronStep",
    "SoftmaxRegression",
    "Step",
]
