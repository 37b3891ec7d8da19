"""The search for faults that no test finds: it finds one, and says so of those that are found."""

from pathlib import Path

import pytest

from tests import mutation


def package(root, source, test):
    """A package with one module and one file of tests."""
    files = {
        "tinygrad_edu/__init__.py": "",
        "tinygrad_edu/optim/__init__.py": "",
        "tinygrad_edu/optim/toy.py": source,
        "tests/test_optim.py": "from tinygrad_edu.optim.toy import f\n\n\n" + test,
        "pyproject.toml": "[tool.pytest.ini_options]\naddopts = '--doctest-modules --import-mode=importlib'\npythonpath = '.'\n",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return source


def test_a_fault_that_a_test_finds_is_killed_and_one_that_none_finds_is_printed_with_its_line(tmp_path, capsys):
    source = package(tmp_path, "def f(x):\n    return x < 0\n", "def test_f():\n    assert f(-5) is True and f(5) is False\n")
    counts = mutation.main(["--sample", "10", "--only", "tinygrad_edu/optim"], root=tmp_path)
    printed = capsys.readouterr().out
    assert counts == {("tinygrad_edu/optim/", "killed"): 1, ("tinygrad_edu/optim/", "survived"): 3}
    assert "killed    tinygrad_edu/optim/toy.py:2\n" in printed
    for other in ("(x <= 0)", "x < (1)", "x < (-1)"):
        assert f"survived  tinygrad_edu/optim/toy.py:2\n-    return x < 0\n+    return {other}\n" in printed
    assert "tinygrad_edu/optim/                     1        3         0" in printed
    assert (tmp_path / "tinygrad_edu/optim/toy.py").read_text(encoding="utf-8") == source


def test_tests_that_fail_without_a_fault_find_none(tmp_path):
    package(tmp_path, "def f(x):\n    return x < 0\n", "def test_f():\n    assert f(0)\n")
    with pytest.raises(SystemExit, match=r"The tests of tinygrad_edu/optim/ fail without any fault"):
        mutation.main(["--sample", "1"], root=tmp_path)


def test_a_fault_that_hangs_is_found_by_the_limit_of_time(tmp_path):
    package(tmp_path, "import time\n\n\ndef f(x):\n    time.sleep(10_000 if x == 2 else 0)\n", "def test_f():\n    f(1)\n")
    (mutant,) = (each for each in mutation.mutants(tmp_path, "tinygrad_edu/optim/toy.py") if "x == (1)" in each.text)
    assert mutation.tried(tmp_path, mutant, ["tests/test_optim.py"], seconds=5) == "timed out"


def test_every_room_that_is_searched_is_there_with_its_tests():
    for room, tests in mutation.ROOMS.items():
        assert (mutation.ROOT / room).exists(), room
        for test in tests.split():
            assert Path(mutation.ROOT / f"tests/test_{test}.py").exists(), test


def test_what_stands_in_the_place_of_an_expression_is_another_one(tmp_path):
    package(tmp_path, "def f(x, y):\n    return 2 * x**y if x and not y else g(x, k=-1)\n", "")
    file = "tinygrad_edu/optim/toy.py"
    found = {mutant.text.split("\n")[1].strip() for mutant in mutation.mutants(tmp_path, file)}
    assert {
        "return None",
        "return (g(x, k=-1) if x and (not y) else 2 * x ** y)",
        "return (2 / x ** y) if x and not y else g(x, k=-1)",
        "return (x ** y) if x and not y else g(x, k=-1)",
        "return 2 * (x * y) if x and not y else g(x, k=-1)",
        "return (3) * x**y if x and not y else g(x, k=-1)",
        "return 2 * x**y if (x or not y) else g(x, k=-1)",
        "return 2 * x**y if (x) else g(x, k=-1)",
        "return 2 * x**y if x and (y) else g(x, k=-1)",
        "return 2 * x**y if x and not y else (g(x))",
        "return 2 * x**y if x and not y else g(x, k=(1))",
    } <= found
