"""Benchmarks: steps of tinygrad_edu, eager and compiled, raced against other frameworks. Run as `python -m benchmarks`.

All contenders get one thread. The libraries under NumPy, PyTorch and JAX read that once, when they are loaded, so it is set here,
before any module of this package can import them.
"""

import os

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NPROC"):  # the last one is JAX's
    os.environ[_variable] = "1"
os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + " --xla_cpu_multi_thread_eigen=false"
