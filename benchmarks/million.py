"""The chain at a million operations, forward and backward once: seconds, and the memory that the graph takes at its peak.

Each contender runs in a process of its own, since a process's peak never falls again. `python -m benchmarks.million NAME` is such a
process; it prints its figures as JSON.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from benchmarks.workload import MODULES, OURS

LENGTH = 1_000_000
CONTENDERS = (OURS, "PyTorch")  # the others recurse, or take memory without end
GOALS = {"seconds": {"PyTorch": 0.35}, "bytes": {"PyTorch": 0.5}}
NAME = "chain of a million"
ROOT = Path(__file__).parents[1]


def figures(rounds: int, length: int = LENGTH) -> dict[str, dict[str, list[float]]]:
    """For seconds and for bytes: the figures of each installed contender, one a round.

    On Linux a process's peak begins with that of the process that started it, so call this while that one is still small:
    before any framework is imported.
    """
    measured: dict[str, dict[str, list[float]]] = {measure: {} for measure in GOALS}
    for _ in range(rounds):
        for name in CONTENDERS:
            if find_spec(MODULES[name]):
                command = [sys.executable, "-m", "benchmarks.million", name, str(length)]
                answer = json.loads(subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout)
                for measure, figure in answer.items():
                    measured[measure].setdefault(name, []).append(figure)
    return measured


def _run(name: str, length: int) -> dict[str, float]:
    from benchmarks.race import limit_threads, seconds_of
    from benchmarks.workloads import chain

    contender = chain.WORKLOAD.contenders[name]
    contender(2)()  # what a framework loads when it is first used is no part of the graph
    limit_threads()
    step = contender(length)
    before = _peak_bytes()
    return {"seconds": seconds_of(step, 1), "bytes": _peak_bytes() - before}


def _peak_bytes() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


if __name__ == "__main__":
    print(json.dumps(_run(sys.argv[1], int(sys.argv[2]))))
