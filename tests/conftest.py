"""Settings for all tests."""

from hypothesis import settings

# A slow machine is no reason to fail: how long an example takes is not what the property tests are about.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
