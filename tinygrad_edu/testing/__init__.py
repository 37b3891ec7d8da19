"""Checking derivatives: `check_grads` for a function, `check_operation` for an entry of the op table; and `diagnose_gradient`, to
say what is wrong with one that was derived by hand.

All need NumPy alone. The strategies for property tests are in `tinygrad_edu.testing.strategies`, which needs hypothesis.
"""

from tinygrad_edu.testing.answers import Finding
from tinygrad_edu.testing.diagnosis import diagnose_gradient
from tinygrad_edu.testing.gradients import check_grads
from tinygrad_edu.testing.operations import Sample, check_operation, in_real_numbers, samples

__all__ = ["Finding", "Sample", "check_grads", "check_operation", "diagnose_gradient", "in_real_numbers", "samples"]
