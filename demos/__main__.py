"""`python -m demos` runs all demos, `python -m demos NAME ...` some; see `--help`."""

from __future__ import annotations

import argparse
import importlib
import io
import pkgutil
import sys
from pathlib import Path
from types import ModuleType

import demos
from demos.stage import Stage, missing_extra
from tinygrad_edu.languages import LANGUAGES


def all_demos() -> dict[str, ModuleType]:
    """The demos by name, in their order."""
    modules = []
    for found in pkgutil.iter_modules(demos.__path__):
        try:
            modules.append(importlib.import_module(f"demos.{found.name}"))
        except ModuleNotFoundError as error:
            raise missing_extra(error) from error
    runnable = [module for module in modules if hasattr(module, "run")]
    return {module.__name__.split(".")[-1]: module for module in sorted(runnable, key=lambda module: module.ORDER)}


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code, 1 if a number did not agree with its oracle."""
    parser = argparse.ArgumentParser(prog="python -m demos", description="Demonstrations of tinygrad_edu.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="which demos to run; by default all")
    parser.add_argument("--list", action="store_true", help="list the demos")
    parser.add_argument("--lang", choices=LANGUAGES, default="en", help="the language of the text")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "out", help="the folder for the pictures")
    options = parser.parse_args(arguments)

    found = all_demos()
    if options.list:
        for name, module in found.items():
            print(f"{name:20} {module.TITLE.in_language(options.lang)}")
        return 0
    if unknown := [name for name in options.names if name not in found]:
        parser.error(f"there is no demo named {', '.join(unknown)}; there are: {', '.join(found)}")

    stage = Stage(options.lang, options.out)
    names = options.names or list(found)
    for number, name in enumerate(names, start=1):
        stage.title(found[name].TITLE, f"{number}/{len(names)}")
        found[name].run(stage)
    stage.console.print()
    if stage.failures:
        failed = "; ".join(stage.failures)
        stage.console.print(stage.text(f"[bold red]These do not agree: {failed}[/]", f"[bold red]这些数不一致：{failed}[/]"))
        return 1
    stage.console.print(stage.text("[green]Every number agrees with its oracle.[/]", "[green]所有的数都与对照一致。[/]"))
    return 0


if __name__ == "__main__":
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # an output that has no θ shows a question mark for it
    sys.exit(main())
