"""Models that a user fits: regressions and the perceptron."""
