"""Checking derivatives: `check_grads` for a function, `check_operation` for an entry of the op table.

Both need NumPy alone. The strategies for property tests are in `tinygrad_edu.testing.strategies`, which needs hypothesis.
"""

from tinygrad_edu.testing.gradients import check_grads
from tinygrad_edu.testing.operations import Sample, check_operation, in_real_numbers, samples

__all__ = ["Sample", "check_grads", "check_operation", "in_real_numbers", "samples"]
