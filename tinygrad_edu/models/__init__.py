"""Models that a user fits: regressions, the perceptron, and networks."""

from tinygrad_edu.models.history import History, PerceptronStep, Step
from tinygrad_edu.models.linear_model import LinearModel
from tinygrad_edu.models.logistic import LogisticRegression, SoftmaxRegression
from tinygrad_edu.models.mlp import MLPClassifier, MLPRegressor
from tinygrad_edu.models.neural_net import NeuralNet, NeuralNetClassifier, NeuralNetRegressor
from tinygrad_edu.models.perceptron import Perceptron
from tinygrad_edu.models.regression import LinearRegression

__all__ = [
    "History",
    "LinearModel",
    "LinearRegression",
    "LogisticRegression",
    "MLPClassifier",
    "MLPRegressor",
    "NeuralNet",
    "NeuralNetClassifier",
    "NeuralNetRegressor",
    "Perceptron",
    "PerceptronStep",
    "SoftmaxRegression",
    "Step",
]
