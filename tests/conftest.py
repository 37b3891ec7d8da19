"""Settings for all tests."""

import os

from hypothesis import settings

# JAX is to compute in double precision, and to make several devices of the processor. It reads this when it is imported.
os.environ |= {"JAX_ENABLE_X64": "True", "JAX_NUM_CPU_DEVICES": "4", "JAX_PLATFORMS": "cpu"}

# A slow machine is no reason to fail: how long an example takes is not what the property tests are about.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
