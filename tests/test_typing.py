"""What a type checker tells a user: the public names have types, exact enough to pass what runs and to find what does not."""

import importlib.util
import inspect
import os
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

from tests import typed_program

ROOT = Path(__file__).parents[1]
IDIOMS = {name: f for name, f in inspect.getmembers(typed_program, inspect.isfunction) if name.startswith("idiom_")}


@pytest.mark.skipif(importlib.util.find_spec("mypy") is None, reason='mypy is missing: pip install "tinygrad_edu[test]"')
def test_mypy_passes_what_runs_and_finds_each_mistake(tmp_path):
    command = [sys.executable, "-m", "mypy", "--strict", "--warn-unused-ignores", "--config-file", os.devnull]
    done = subprocess.run(
        [*command, "--cache-dir", str(tmp_path), str(ROOT / "tests" / "typed_program.py")],
        env={**os.environ, "MYPYPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("idiom", IDIOMS.values(), ids=IDIOMS)
def test_what_mypy_passes_runs(idiom):
    idiom()


def test_the_package_says_that_it_is_typed():
    assert files("tinygrad_edu").joinpath("py.typed").is_file()
