"""`python -m benchmarks`: run the races, print the table, and write the figures to a file if asked to."""

from __future__ import annotations

import argparse
import json
import platform
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks import million
from benchmarks.workload import MODULES, OURS


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command with the given arguments, by default those of the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Race steps of training against other frameworks.")
    parser.add_argument("--rounds", type=int, default=200, help="how often each contender of a step takes its turn (default: 200)")
    parser.add_argument("--million", action="store_true", help="also race a chain of a million operations (takes a minute)")
    parser.add_argument("--million-rounds", type=int, default=3, help="how often that one is raced (default: 3)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to FILE")
    options = parser.parse_args(arguments)

    # First, while this process is small; see there.
    figures = million.figures(options.million_rounds) if options.million else {}

    # Not before: these import NumPy, and preparing a race imports the frameworks.
    from benchmarks import compiled, gradients, jacobians, lending, products, training
    from benchmarks.race import compared, race
    from benchmarks.table import table
    from benchmarks.workloads import ALL

    comparisons = [comparison for workload in ALL for comparison in race(workload, options.rounds)]
    comparisons += gradients.race(options.rounds)
    comparisons += products.race(max(1, options.rounds // 10))
    comparisons += lending.race(max(1, options.rounds // 10))
    comparisons += jacobians.race(max(1, options.rounds // 10))
    comparisons += compiled.races(max(1, options.rounds // 4))
    comparisons += training.races(max(1, options.rounds // 10))
    for measure, measured in figures.items():
        comparisons += compared(million.NAME, measure, measured, million.GOALS[measure])

    environment = _environment()
    print(", ".join(f"{key} {value}" for key, value in environment.items()))
    print(table(comparisons))
    if options.json:
        rows = [asdict(comparison) | {"reached": comparison.reached} for comparison in comparisons]
        report = {"environment": environment, "rounds": options.rounds, "comparisons": rows}
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def _environment() -> dict[str, str]:
    """What the figures depend on: Python, the machine, the versions of the frameworks."""
    versions = {module: version(module) for module in MODULES.values() if module != MODULES[OURS] and find_spec(module)}
    return {"python": platform.python_version(), "machine": platform.platform(), "with": _features(), **versions}


def _features() -> str:
    """The wide instructions that NumPy computes with here, if any: it calls those of AVX2 by one of two names."""
    import numpy as np

    known: Any = np.show_config(mode="dicts")
    found = {name for part in ("baseline", "found") for name in known["SIMD Extensions"].get(part, [])}
    names = {"AVX2": {"AVX2", "X86_V3"}, "AVX-512": {"AVX512F", "X86_V4"}}
    return " and ".join(name for name, told in names.items() if told & found) or "neither AVX2 nor AVX-512"


if __name__ == "__main__":
    main()
