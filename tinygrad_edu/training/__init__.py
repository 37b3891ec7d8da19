"""Training: `fit` runs epochs, keeps their history, goes on after it was killed, and says what is wrong when it is.

`history` is what happened, `checkpoints` what is on the disk, `steps` one step, eager or compiled. `fitting` is the loop over all,
`callbacks` what may be done after an epoch, `progress` a bar. `diagnosis` measures what makes training fail: curvature, gradients,
dead units.
"""

from tinygrad_edu.training.callbacks import EarlyStopping
from tinygrad_edu.training.checkpoints import load_state, save_state
from tinygrad_edu.training.diagnosis import Diagnosis, diagnose, sharpness
from tinygrad_edu.training.fitting import Run, accuracy, fit
from tinygrad_edu.training.history import History

__all__ = [
    "Diagnosis",
    "EarlyStopping",
    "History",
    "Run",
    "accuracy",
    "diagnose",
    "fit",
    "load_state",
    "save_state",
    "sharpness",
]
