"""`python -m benchmarks.derivations` prints the page of derivations; with `--measure` it measures the times on it anew."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

from benchmarks.derivations.classic import Classic
from benchmarks.derivations.page import ALL, page
from benchmarks.race import TURN_SECONDS
from tinygrad_edu.languages import LANGUAGES

TIMES = Path(__file__).with_name("times.json")


def measured(classic: Classic, rounds: int) -> dict[str, float]:
    """Seconds of the processor that a call takes, by hand and derived: they take turns, and turns at beginning a round."""
    repeats = max(1, int(TURN_SECONDS / _seconds(classic.by_hand, classic.arguments, 1)))
    turns: list[tuple[str, Callable[..., Any]]] = [("by_hand", classic.by_hand), ("derived", classic.derived)]
    found: dict[str, list[float]] = {name: [] for name, _ in turns}
    for _ in range(rounds):
        for name, function in turns:
            found[name].append(_seconds(function, classic.arguments, repeats))
        turns.reverse()
    ratio = median(derived / by_hand for derived, by_hand in zip(found["derived"], found["by_hand"], strict=True))
    return {name: median(times) for name, times in found.items()} | {"ratio": ratio}


def _seconds(function: Callable[..., Any], arguments: tuple[Any, ...], repeats: int) -> float:
    function(*arguments)  # which may be recorded now, and warms what is measured
    start = process_time()
    for _ in range(repeats):
        function(*arguments)
    return (process_time() - start) / repeats


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.derivations", description="Derivations by hand and derived ones.")
    parser.add_argument("--measure", action="store_true", help=f"measure the times, and keep them in {TIMES.name}")
    parser.add_argument("--rounds", type=int, default=200, help="how often both take turns (default: 200)")
    parser.add_argument("--lang", choices=LANGUAGES, default="en", help="the language of the page")
    options = parser.parse_args()
    if options.measure:
        times = {classic.title: measured(classic, options.rounds) for classic in ALL}
        TIMES.write_text(json.dumps({"rounds": options.rounds, "times": times}, indent=2) + "\n", encoding="utf-8")
    else:
        print("\n".join(page(json.loads(TIMES.read_text(encoding="utf-8")), options.lang)))


if __name__ == "__main__":
    main()
