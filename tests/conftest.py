"""Settings for all tests."""

import os
from collections import Counter

from hypothesis import settings

# JAX is to compute in double precision, and to make several devices of the processor. It reads this when it is imported.
os.environ |= {"JAX_ENABLE_X64": "True", "JAX_NUM_CPU_DEVICES": "4", "JAX_PLATFORMS": "cpu"}

# A slow machine is no reason to fail: how long an example takes is not what the property tests are about.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


def pytest_terminal_summary(terminalreporter):
    """What was left out, and what has to be there for it."""
    skipped = terminalreporter.stats.get("skipped", [])
    if skipped:
        missing = Counter(report.longrepr[2].removeprefix("Skipped: ") for report in skipped)
        listed = "; ".join(f"{count} as {reason}" for reason, count in missing.most_common())
        terminalreporter.write_line(
            f"{len(skipped)} tests or files of tests were left out: {listed}. "
            'python -m pip install -e ".[test,oracle]" brings what Python packages they need.'
        )
