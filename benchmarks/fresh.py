"""Contenders timed in processes of their own, in turns: where it matters what the allocator has kept of what ran before.

`python -m benchmarks.fresh WORKLOAD CONTENDER ROUNDS` is such a process; it prints the median of its seconds.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from statistics import median

from benchmarks.workload import Workload

ROOT = Path(__file__).parents[1]
PROCESSES = 5
MOST_SECONDS = 1.0  # about so long a process times its contender


def times(workload: Workload, rounds: int) -> dict[str, list[float]]:
    """Seconds that one step of each installed contender takes, in each of its processes."""
    processes = min(PROCESSES, rounds)
    figures: dict[str, list[float]] = {name: [] for name in workload.installed()}
    for _ in range(processes):
        for name, measured in figures.items():
            command = [sys.executable, "-m", "benchmarks.fresh", workload.name, name, str(rounds // processes)]
            measured.append(float(subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout))
    return figures


def _run(workload: str, name: str, rounds: int) -> float:
    from benchmarks import race
    from benchmarks.workloads import ALL

    step = next(each for each in ALL if each.name == workload).contenders[name]()
    race.limit_threads()
    rounds = max(1, min(rounds, int(MOST_SECONDS / race.seconds_of(step, 1))))
    return median(race.times({name: step}, rounds)[name])


if __name__ == "__main__":
    print(_run(sys.argv[1], sys.argv[2], int(sys.argv[3])))
