"""The whole package is imported before pytest imports its modules one by one for their doctests.

Otherwise the modules `explain` and `compile` would take the places of the functions that have the same names.
"""

import tinygrad_edu  # noqa: F401
