"""Benchmarks: eager steps of tinygrad_edu raced against other frameworks. Run as `python -m benchmarks`.

All contenders get one thread. The libraries under NumPy and PyTorch read that once, when they are loaded, so it is set here, before
any module of this package can import them.
"""

import os

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_variable] = "1"
