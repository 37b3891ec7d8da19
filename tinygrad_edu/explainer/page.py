"""Pages: one file of HTML with everything in it, that asks nothing of the network.

The looks and the behaviour are in `assets`; here they are put together with the data. Whatever comes from a user goes into the page
as data, never as HTML. What a page is about is not known here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from tinygrad_edu.escaping import in_html, in_script
from tinygrad_edu.languages import Language
from tinygrad_edu.saving import save

_DESCENT = ["descent.html", "stepping.js", "descent.js"]
_PARTS = {
    "contents": ["contents.html", "contents.js"],
    "steps": ["steps.html", "stepping.js", "steps.js"],
    "parabola": [*_DESCENT, "parabola.js"],
    "curve": [*_DESCENT, "curve.js"],
    "hops": [*_DESCENT, "hops.js"],
    "record": [*_DESCENT, "record.js"],
    "line": [*_DESCENT, "line.js"],
}
"""For each kind of page its body, and its scripts, each of which may use what those before it define."""


class Page:
    """A page to look at in a browser, or in a notebook, which shows it in a frame.

    titles: in each language, plain text.
    language: the one that the page begins with. None: that of the browser.

    >>> import tinygrad_edu as tg
    >>> page = tg.explain((tg.Value(3.0, name="x") ** 2).named("L"), lang="zh").page(learning_rate=0.1)
    >>> page
    <Page: L = x²>
    >>> '<html lang="zh">' in page.to_html()
    True
    """

    def __init__(
        self,
        kind: str,
        titles: Mapping[Language, str],
        data: Mapping[str, Any],
        picture: str = "",
        language: Language | None = None,
    ) -> None:
        """data: what the script of that kind of page reads, made of what JSON can say. picture: an SVG element."""
        self.titles, self.language = titles, language
        self._kind, self._facts, self._picture = kind, data, picture

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self._title}>"

    @property
    def _title(self) -> str:
        return self.titles[self.language or "en"]

    def to_html(self) -> str:
        """One file of HTML that needs nothing else."""
        body, *scripts = _PARTS[self._kind]
        parts = {
            "language": self.language or "en",
            "title": in_html(self._title),
            "style": _asset("page.css"),
            "body": _filled(_asset(body), {"picture": self._picture, "controls": _asset("controls.html")}),
            "data": in_script({**self._facts, "titles": self.titles, "language": self.language}),
            "script": "".join(map(_asset, ["language.js", *scripts])),
        }
        return _filled(_asset("page.html"), parts)

    def save(self, path: str | Path) -> Path:
        """Write the page to a file (.html), whole or not at all. Returns the path.

        Raises
        ------
        DataError: if the path is none, or does not end in .html.
        OSError: if the file cannot be written.
        """
        return save(path, "this page", {".html": self.to_html})

    def _repr_html_(self) -> str:
        # In a frame of its own the page's styles and names stay apart from those of the notebook.
        frame = f'title="{in_html(self._title)}" sandbox="allow-scripts" style="width: 100%; height: 640px; border: 0"'
        return f'<iframe {frame} onload="{in_html(_asset("frame.js"))}" srcdoc="{in_html(self.to_html())}"></iframe>'


def linked(html: str, contents: str, before: str = "", after: str = "") -> str:
    """A page that has been made, with ways to the list of all pages, and to the one before it and after it, if there are any.

    contents, before, after: addresses.
    """
    ways = {"allPages": contents, "pageBefore": before, "pageAfter": after}
    links = (f'<a href="{in_html(address)}" data-words="{word}"></a>' for word, address in ways.items() if address)
    return html.replace('<nav id="ways"></nav>', f'<nav id="ways" data-label="ways">{"".join(links)}</nav>', 1)


def _filled(template: str, parts: Mapping[str, str]) -> str:
    """The template with each `{{name}}` replaced, in a single pass: what is filled in is not searched for names again."""
    return re.sub(r"\{\{(\w+)\}\}", lambda place: parts[place[1]], template)


def _asset(name: str) -> str:
    return files(__package__).joinpath("assets", name).read_text("utf-8")
