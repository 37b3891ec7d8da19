"""What the READMEs say is so: every Python block runs, in order, and shows what it says it shows."""

import doctest
import re
from pathlib import Path

import pytest

import tinygrad_edu

ROOT = Path(__file__).parents[1]
READMES = ["README.md", "README.zh-CN.md"]
COMMANDS = [
    'python -m pip install -e ".[demos]" && python -m demos',
    'python -m pip install -e ".[test]" && python -m pytest',
]


@pytest.fixture(params=READMES)
def readme(request):
    return ROOT / request.param


def python_blocks(text):
    return re.findall(r"^```python\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)


def test_every_python_block_runs_and_shows_what_it_says(readme):
    blocks = python_blocks(readme.read_text(encoding="utf-8"))
    assert len(blocks) >= 6
    assert all(">>>" in block for block in blocks)
    examples = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, readme.name, str(readme), 0)
    report = []
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(examples, out=report.append)
    assert not report, "".join(report)


def test_both_readmes_have_the_same_examples_and_as_many_headings_table_rows_and_items():
    english, chinese = ((ROOT / name).read_text(encoding="utf-8") for name in READMES)
    assert python_blocks(english) == python_blocks(chinese)
    for start in (r"#+ ", r"\|", r"- ", r"\d+\. ", r"!\["):
        counts = [len(re.findall(f"^{start}", text, re.MULTILINE)) for text in (english, chinese)]
        assert counts[0] == counts[1], start


def test_the_two_commands_stand_there_exactly(readme):
    lines = [line.strip() for line in readme.read_text(encoding="utf-8").splitlines()]
    assert [line for line in lines if line.startswith("python -m pip install")] == COMMANDS


def test_every_link_to_a_file_leads_somewhere(readme):
    links = re.findall(r"\]\(([^)#]+)\)", readme.read_text(encoding="utf-8"))
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
    assert [link for link in links if not (ROOT / link).stat().st_size] == []


def test_every_link_within_the_page_leads_to_a_heading(readme):
    text = readme.read_text(encoding="utf-8")
    headings = [
        re.sub(r"[^\w -]", "", line.strip("# ")).lower().replace(" ", "-") for line in re.findall(r"^#+ .*$", text, re.MULTILINE)
    ]
    links = re.findall(r"\]\(#([^)]+)\)", text)
    assert links
    assert [link for link in links if link not in headings] == []


def test_every_public_name_is_mentioned(readme):
    text = readme.read_text(encoding="utf-8")
    assert [name for name in tinygrad_edu.__all__ if f"tg.{name}" not in text] == []
