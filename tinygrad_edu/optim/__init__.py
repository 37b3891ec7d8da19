"""Optimizers: how parameters move, given their gradients.

`optimizer` has what all share, the two forms on objects and on trees; `sgd`, `adam` and `adaptive` state a formula each.
`schedules` are learning rates that change, `clipping` makes gradients smaller. `lbfgs` is SciPy's.
"""

from tinygrad_edu.optim.adam import Adam, AdamW
from tinygrad_edu.optim.adaptive import Adagrad, RMSprop
from tinygrad_edu.optim.clipping import clip_by_norm, clip_by_value
from tinygrad_edu.optim.lbfgs import LBFGS
from tinygrad_edu.optim.optimizer import Optimizer
from tinygrad_edu.optim.schedules import CosineDecay, OneCycle, ReduceOnPlateau, StepDecay, WarmUp
from tinygrad_edu.optim.sgd import SGD

__all__ = [
    "LBFGS",
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "CosineDecay",
    "OneCycle",
    "Optimizer",
    "RMSprop",
    "ReduceOnPlateau",
    "StepDecay",
    "WarmUp",
    "clip_by_norm",
    "clip_by_value",
]
