"""The front door: it is short, and its two commands stand there as `.ci/run` looks for them."""

import pytest

from tests.documents import ROOT, named

COMMANDS = [
    'python -m pip install -e ".[demos]" && python -m demos',
    'python -m pip install -e ".[test]" && python -m pytest',
]


@pytest.fixture(params=[ROOT / "README.md", ROOT / "README.zh-CN.md"], ids=named)
def lines(request):
    return request.param.read_text(encoding="utf-8").splitlines()


def test_the_two_commands_stand_there_exactly(lines):
    assert [line.strip() for line in lines if line.strip().startswith("python -m pip install")] == COMMANDS


def test_it_is_read_in_some_minutes(lines):
    assert len(lines) <= 120
