"""Every document runs, leads somewhere, and says the same in both languages."""

import doctest
import re
from itertools import pairwise

import pytest

from tests.documents import DOCUMENTS, ROOT, anchors, is_chinese, links, named, prose, python_blocks, translation

EACH = pytest.mark.parametrize("path", DOCUMENTS, ids=named)
EACH_PAIR = pytest.mark.parametrize("path", [path for path in DOCUMENTS if not is_chinese(path)], ids=named)
EXAMPLES = {path: [block for block in python_blocks(path.read_text(encoding="utf-8")) if ">>>" in block] for path in DOCUMENTS}


# --- examples ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [path for path, blocks in EXAMPLES.items() if blocks], ids=named)
def test_every_example_runs_and_shows_what_it_says(path):
    """The examples of a document run in order, in one namespace, as a reader would type them."""
    examples = doctest.DocTestParser().get_doctest("\n".join(EXAMPLES[path]), {}, path.name, str(path), 0)
    report = []
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(examples, out=report.append)
    assert not report, "".join(report)


@EACH
def test_a_page_shows_a_line_of_an_example_whole(path):
    typed = [line for block in EXAMPLES[path] for line in block.splitlines() if line.startswith((">>>", "..."))]
    assert [line for line in typed if len(line) > 82] == []


@EACH_PAIR
def test_a_program_that_is_no_example_is_run_by_a_test_that_names_its_document(path):
    if len(EXAMPLES[path]) < len(python_blocks(path.read_text(encoding="utf-8"))):
        assert any(path.name in test.read_text(encoding="utf-8") for test in ROOT.glob("tests/test_*.py"))


# --- links ---------------------------------------------------------------------------------------------------------------------


@EACH
def test_every_link_leads_to_a_document_or_a_picture_and_to_a_heading_in_it(path):
    for link in links(path.read_text(encoding="utf-8")):
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        assert target.suffix in {".md", ".png", ".svg"}, link
        assert target.stat().st_size, link
        assert not anchor or anchor in anchors(target.read_text(encoding="utf-8")), link


@EACH
def test_a_document_leads_to_documents_of_its_own_language_and_at_most_to_its_translation(path):
    targets = [path.parent / link.partition("#")[0] for link in links(path.read_text(encoding="utf-8"))]
    foreign = [target.resolve() for target in targets if target.suffix == ".md" and is_chinese(target) != is_chinese(path)]
    assert foreign in ([], [translation(path)])


# --- both languages ------------------------------------------------------------------------------------------------------------


def code(text):
    """The lines of code, without comments, without what they print, and without the choice of a language.

    What is in braces behind the backticks (as `{toctree}`) is no code, and `text` is what a program prints.
    """
    parser = doctest.DocTestParser()
    fenced = re.findall(r"^ *```(\S*).*?\n(.*?)^ *```$", text, flags=re.DOTALL | re.MULTILINE)
    blocks = [block for language, block in fenced if not language.startswith(("{", "text"))]
    typed = ["".join(example.source for example in parser.get_examples(block)) if ">>>" in block else block for block in blocks]
    indented = re.findall(r"^ {4}.*$", re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE), re.MULTILINE)
    lines = [line for block in [*typed, *indented] for line in block.splitlines()]
    bare = [re.sub(r'\s*#.*|, lang="\w+"| --lang zh', "", line) for line in lines]
    return [line for line in bare if line.strip()]


@EACH_PAIR
def test_both_languages_have_the_same_code(path):
    english, chinese = (page.read_text(encoding="utf-8") for page in (path, translation(path)))
    assert code(english) == code(chinese)


@EACH_PAIR
def test_both_languages_have_the_same_headings_tables_lists_pictures_and_links(path):
    english, chinese = (page.read_text(encoding="utf-8") for page in (path, translation(path)))
    for start in (r"#+ ", r"\|", r" *- ", r"\d+\. ", r"!\["):
        both = [[found.strip() for found in re.findall(f"^{start}", prose(text), re.MULTILINE)] for text in (english, chinese)]
        assert both[0] == both[1], start
    places = [sorted(link.partition("#")[0].replace(".zh-CN", "") for link in links(text)) for text in (english, chinese)]
    assert places[0] == places[1]


@EACH
def test_a_document_has_one_title_and_its_headings_go_down_step_by_step(path):
    levels = [len(marks) for marks in re.findall(r"^(#+) ", prose(path.read_text(encoding="utf-8")), re.MULTILINE)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(following <= level + 1 for level, following in pairwise(levels))


@pytest.mark.parametrize("path", [path for path in DOCUMENTS if is_chinese(path)], ids=named)
def test_chinese_is_set_apart_from_letters_and_not_within_and_has_its_own_punctuation(path):
    text = re.sub(r"`[^`]*`", "`code`", re.sub(r"\]\([^)]*\)", "]", prose(path.read_text(encoding="utf-8"))))
    han = r"[\u4e00-\u9fff]"
    assert re.findall(rf".?{han}[A-Za-z0-9`].{{,8}}|.{{,8}}[A-Za-z0-9`]{han}.?", text) == []
    assert re.findall(rf".{{,8}}{han}[,;:!?(]|[)]{han}.{{,8}}", text) == []
    assert re.findall(rf".{{,8}}{han}\n *{han}.{{,8}}", text) == [], "a page shows a space where a line is broken"
    italics = re.findall(r"(?<!\*)\*(?!\s)([^*]+)\*(?!\*)", re.sub(r"\$+[^$]*\$+", "", text))
    assert [words for words in italics if re.search(han, words)] == [], "Chinese is stressed by weight: it has no italics"
