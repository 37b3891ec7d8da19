"""What belongs to a site in two languages: a way from every page to the same one in the other language, and search in Chinese.

A Chinese page stands beside the English one, with a mark before its ending. Each language is a build of its own, `en` and `zh`.
"""

import re
from itertools import pairwise
from pathlib import Path

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.search.en import SearchEnglish
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.osutil import relative_uri

MARK = ".zh-CN"
MADE_BY_SPHINX = {"genindex", "py-modindex", "search"}
CHINESE = "\u3400-\u9fff"


class SearchChinese(SearchEnglish):
    """Chinese text has no spaces: what is indexed, and looked for, are its characters and their neighbouring pairs.

    So a word of two characters or more is found wherever it stands, without a dictionary that would have to know it. Words of other
    languages are treated as in English.
    """

    lang = "zh"
    js_splitter_code = (
        "var splitQuery = (query) => (query.match(/[%s]+|(?:(?![%s])[\\p{Letter}\\p{Number}_])+/gu) || []).flatMap((word) =>\n"
        "  /^[%s]{2}/u.test(word) ? [...word].slice(1).map((next, i) => word[i] + next) : [word]);"
    ).replace("%s", r"\u3400-\u9fff")

    def split(self, text):
        for word in re.findall(f"[{CHINESE}]+|[^\\W{CHINESE}]+", text):
            yield from [*word, *map("".join, pairwise(word))] if is_chinese(word) else [word]

    def word_filter(self, word):
        return is_chinese(word) or super().word_filter(word)


def is_chinese(word):
    return re.match(f"[{CHINESE}]", word) is not None


class OtherLanguage(SphinxPostTransform):
    """Links to pages of the other language. A line that is such a link, and nothing else, is not needed: there is the switch.

    In the place of the README, to which documents link, the site has its own first page.
    """

    default_priority = 5  # before MyST looks for the pages

    def run(self, **_):
        for link in list(self.document.findall(lambda node: isinstance(node, pending_xref) and node.get("refdomain") == "doc")):
            target = link["reftarget"]
            if target.removesuffix(MARK) == "README":
                target = f"docs/index{target.removeprefix('README')}"
                link["reftarget"], link["reftargetid"] = target, None
            if target in self.env.found_docs or not Path(self.env.srcdir, f"{target}.md").is_file():
                continue
            if len(link.parent) == 1 and target == in_other_language(self.env.docname):
                link.parent.parent.remove(link.parent)
            else:
                uri = relative_uri(f"here/{self.env.docname}.html", f"{'zh' if target.endswith(MARK) else 'en'}/{target}.html")
                link.replace_self(nodes.reference("", "", *link.children, refuri=uri, internal=True))


def in_other_language(page):
    """What the same page is called there."""
    if page in MADE_BY_SPHINX:
        return page
    return page.removesuffix(MARK) if page.endswith(MARK) else page + MARK


def add_switch(app, page, template, context, doctree):
    """The link at the top of a page that leads to the same page in the other language."""
    of_chinese, of_english = ("en", "en", "English", "语言"), ("zh", "zh-CN", "中文", "Language")
    other, tag, name, label = of_chinese if app.config.language == "zh_CN" else of_english
    uri = relative_uri(f"here/{page}.html", f"{other}/{in_other_language(page)}.html")
    link = f'<a href="{uri}" lang="{tag}" hreflang="{tag}">{name}</a>'
    context["language_switch"] = f'<nav class="language" aria-label="{label}">{link}</nav>'


def setup(app):
    app.add_search_language(SearchChinese)
    app.add_post_transform(OtherLanguage)
    app.connect("html-page-context", add_switch)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
