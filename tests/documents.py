"""The documents: which there are, and the parts of one that tests look at."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDERS = [ROOT / name for name in ("course", "docs", "benchmarks", "demos", "tests", "tinygrad_edu")]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(path for folder in FOLDERS for path in folder.rglob("*.md"))])

CHINESE = ".zh-CN.md"


def named(path):
    return str(path.relative_to(ROOT))


def is_chinese(path):
    return path.name.endswith(CHINESE)


def translation(path):
    """The same page in the other language."""
    return path.with_name(path.name.removesuffix(CHINESE) + ".md" if is_chinese(path) else path.stem + CHINESE)


def python_blocks(text):
    return re.findall(r"^```python\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)


def prose(text):
    """A document without its blocks of code."""
    return re.sub(r"^ *```.*?^ *```$|^ {4}[^\n]*$", "", text, flags=re.DOTALL | re.MULTILINE)


def links(text):
    """Where the document's links lead, as they are written, but for those to the web."""
    return [link for link in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", prose(text))) if "://" not in link]


def anchors(text):
    """What each heading is called in a link."""
    headings = re.findall(r"^#+ (.*)$", prose(text), re.MULTILINE)
    return [re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings]
