"""Whether the tests can fail: small faults are put into the package, one at a time, and the tests have to find each of them.

    python -m tests.mutation --sample 20 --seed 0 --only tinygrad_edu/optim

A fault that no test finds is printed as a difference. It is either one that changes nothing, or a test is missing. All of it
happens in a copy of the package and its tests, in a directory of its own that is removed afterwards.
"""

import argparse
import ast
import difflib
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]

# Which tests are about what, those that fail soonest first. A file belongs to the longest name that it begins with. Its own
# doctests come before all of them.
COMPILER = "compile_sources compile_identities compile_calls compile_numpy compile_numbers compile_operations compile_programs "
ROOMS = {
    "tinygrad_edu/optim/": "optim",
    "tinygrad_edu/models/": "models",
    "tinygrad_edu/data/": "data",
    "tinygrad_edu/training/": "training",
    "tinygrad_edu/nn/": "losses",
    "tinygrad_edu/transforms/": "transforms trees nesting checkpointing anomaly transform_laws transform_messages complex_middles "
    "no_grad",
    "tinygrad_edu/transforms/matrices.py": "stacks transforms trees transform_laws",
    "tinygrad_edu/transforms/stacks.py": "stacks transforms",
    "tinygrad_edu/engine/": "value messages array numpy_protocols user_primitive hooks detaching transforms strange_inputs "
    "compile_calls",
    "tinygrad_edu/engine/backpropagation.py": "value transforms size memory anomaly in_place nesting random_graphs",
    "tinygrad_edu/engine/value.py": "value in_place no_grad detaching numpy_protocols memory messages compile_numbers",
    "tinygrad_edu/engine/ownership.py": "value in_place detaching saving",
    "tinygrad_edu/primitives/stacking.py": "stacks",
    "tinygrad_edu/primitives/primitive.py": "value transforms kinks messages operations",
    "tinygrad_edu/primitives/": "numpy_elementwise numpy_linalg numpy_products numpy_reductions numpy_selection numpy_shaping "
    "numpy_fft equal_values kinks operations",
    "tinygrad_edu/testing/": "diagnose_gradient course_checks check_grads course_answers",
    "tinygrad_edu/course/": "course_checks course_answers learn",
    "tinygrad_edu/compiler/": COMPILER + "compile_names compile_surroundings compile_primitives compile_large compile_jax",
}

OTHERS = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult, ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr, ast.And: ast.Or, ast.Or: ast.And,
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
UNTOUCHED = {"annotation", "returns", "type_comment"}  # fields that only a type checker reads
FOR_TESTS = {"domain", "cases"}  # and parts of an entry that only the tests read


@dataclass(frozen=True)
class Mutant:
    """A file, the line where it differs, and its whole text."""

    file: str
    line: int
    text: str

    @property
    def room(self) -> str:
        return max((room for room in ROOMS if self.file.startswith(room)), key=len, default="")

    def difference(self, original: str) -> str:
        """The lines that differ, as they were and as they are."""
        lines = difflib.unified_diff(original.splitlines(), self.text.splitlines(), lineterm="", n=0)
        return "\n".join(line for line in lines if line[:3] not in ("---", "+++") and line[:2] != "@@")


def replacements(node: ast.AST) -> Iterator[str]:
    """What could stand in the place of an expression, by mistake."""
    match node:
        case ast.BinOp(left, op, right):
            if type(op) in OTHERS:
                yield ast.unparse(ast.BinOp(left, OTHERS[type(op)](), right))
            yield ast.unparse(left)
            yield ast.unparse(right)
        case ast.BoolOp(op, values):
            yield ast.unparse(ast.BoolOp(OTHERS[type(op)](), values))
            yield from (ast.unparse(ast.BoolOp(op, values[:at] + values[at + 1 :])) for at in range(len(values)))
        case ast.Compare(left, [op], right):
            yield ast.unparse(ast.Compare(left, [OTHERS[type(op)]()], right))
        case ast.UnaryOp(ast.Not() | ast.USub(), operand):
            yield ast.unparse(operand)
        case ast.IfExp(test, body, orelse):
            yield ast.unparse(ast.IfExp(test, orelse, body))
        case ast.Constant(bool() as value):
            yield repr(not value)
        case ast.Constant(int() | float() as value):
            yield from (repr(value + 1), repr(value - 1))
        case ast.Call(function, arguments, keywords):
            for at, keyword in enumerate(keywords):
                if keyword.arg not in FOR_TESTS:
                    yield ast.unparse(ast.Call(function, arguments, keywords[:at] + keywords[at + 1 :]))


def statements(node: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    """A statement and one that does nothing, or the condition of a branch and its contrary."""
    match node:
        case ast.Expr(ast.Call()) | ast.AugAssign() | ast.Raise():
            yield node, "pass"
        case ast.Return(value) if value is not None:
            yield node, "return None"
        case ast.If(test) if ast.unparse(test) != "TYPE_CHECKING":
            yield test, f"not ({ast.unparse(test)})"


def places(node: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    """Every part of a syntax tree that could be mistaken, and how."""
    for field, child in ast.iter_fields(node):
        for part in child if isinstance(child, list) else [child]:
            is_read_by_tests_only = isinstance(part, ast.keyword) and part.arg in FOR_TESTS
            # Where the parts of an f-string stand is not known before Python 3.12.
            if not isinstance(part, ast.AST) or isinstance(part, ast.JoinedStr) or field in UNTOUCHED or is_read_by_tests_only:
                continue
            yield from ((part, text) for text in replacements(part))
            yield from statements(part)
            yield from places(part)


def mutants(root: Path, file: str) -> list[Mutant]:
    """All that one file of the package could be by one mistake."""
    source = (root / file).read_bytes()
    lines = source.splitlines(keepends=True)
    starts = [sum(map(len, lines[:number])) for number in range(len(lines))]
    found = {}
    for node, text in places(ast.parse(source)):
        begin = starts[node.lineno - 1] + node.col_offset
        end = starts[node.end_lineno - 1] + node.end_col_offset
        written = text if isinstance(node, ast.stmt) else f"({text})"
        if text != ast.unparse(node):
            changed = (source[:begin] + written.encode() + source[end:]).decode()
            found[changed] = Mutant(file, node.lineno, changed)
    return list(found.values())


def copied(root: Path, work: Path) -> Path:
    """A copy of the package, its tests and their settings."""
    for name in ("tinygrad_edu", "tests", "benchmarks", "demos", "docs", "course"):
        if (root / name).exists():
            shutil.copytree(root / name, work / name, ignore=shutil.ignore_patterns("__pycache__"))
    for path in [*root.glob("*.toml"), *root.glob("*.py"), *root.glob("*.md")]:
        shutil.copy(path, work)
    return work


def verdict(work: Path, tests: list[str], seconds: float) -> str:
    """What the tests say of the package in a directory: killed, survived or timed out."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-n", "0", "-p", "no:cacheprovider", *tests]
    try:
        done = subprocess.run(command, cwd=work, capture_output=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return "timed out"
    return "killed" if done.returncode else "survived"


def tried(work: Path, mutant: Mutant, tests: list[str], seconds: float) -> str:
    """The same of a mutant, which stands in the copy while the tests run."""
    path = work / mutant.file
    original = path.read_text(encoding="utf-8")
    path.write_text(mutant.text, encoding="utf-8")
    os.utime(path, (0, random.randrange(2**31)))  # a time of its own, or Python would take the bytecode of another mutant
    try:
        return verdict(work, [mutant.file, *tests], seconds)
    finally:
        path.write_text(original, encoding="utf-8")


def main(arguments: list[str] | None = None, root: Path = ROOT) -> Counter[tuple[str, str]]:
    """Try a sample of mutants and print what became of them; how many in each room, and with which verdict."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("--sample", type=int, default=20, help="how many mutants to try")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="how the names of the files begin, tinygrad_edu/optim for instance")
    parser.add_argument("--seconds", type=float, default=600, help="how long the tests may take for one mutant")
    options = parser.parse_args(arguments)
    files = sorted(path.relative_to(root).as_posix() for path in root.glob("tinygrad_edu/**/*.py"))
    every = [mutant for file in files if file.startswith(options.only) for mutant in mutants(root, file) if mutant.room]
    sample = random.Random(options.seed).sample(every, min(options.sample, len(every)))
    counts: Counter[tuple[str, str]] = Counter()
    with tempfile.TemporaryDirectory() as directory:
        work = copied(root, Path(directory))
        for mutant in sorted(sample, key=lambda each: each.room):
            tests = [name for test in ROOMS[mutant.room].split() if (work / (name := f"tests/test_{test}.py")).exists()]
            if mutant.room not in {room for room, _ in counts} and verdict(work, tests, options.seconds) != "survived":
                raise SystemExit(f"The tests of {mutant.room} fail without any fault, or take too long: {' '.join(tests)}")
            found = tried(work, mutant, tests, options.seconds)
            counts[mutant.room, found] += 1
            print(f"{found:9} {mutant.file}:{mutant.line}", flush=True)
            if found != "killed":
                print(mutant.difference((root / mutant.file).read_text(encoding="utf-8")), flush=True)
    print(f"\n{'room':34} killed survived timed out")
    for room in sorted({room for room, _ in counts}):
        print(f"{room:34} {counts[room, 'killed']:6} {counts[room, 'survived']:8} {counts[room, 'timed out']:9}")
    return counts


if __name__ == "__main__":
    main()
