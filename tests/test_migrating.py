"""The pages for those who come from another library: the program before and the one after print the same."""

import contextlib
import io

import pytest

from tests.documents import ROOT, python_blocks

LIBRARIES = {"from_micrograd.md": "micrograd", "from_autograd.md": "autograd", "from_pytorch.md": "torch"}


def text_of(page):
    return (ROOT / "docs" / "how-to" / page).read_text(encoding="utf-8")


def programs(page):
    before, after = (block for block in python_blocks(text_of(page)) if ">>>" not in block)
    return before, after


def printed(program):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(program, {"__name__": "program"})
    return out.getvalue()


@pytest.mark.parametrize("page", LIBRARIES)
def test_the_program_after_prints_what_the_page_says(page):
    assert f"Both print `{printed(programs(page)[1]).strip()}`" in text_of(page)


@pytest.mark.parametrize(("page", "library"), LIBRARIES.items())
def test_the_program_before_prints_the_same(page, library):
    pytest.importorskip(library)
    before, after = programs(page)
    assert printed(before) == printed(after)
