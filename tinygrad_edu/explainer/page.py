"""Pages: one file of HTML with everything in it, that asks nothing of the network.

The looks and the behaviour are in `assets`; here they are put together with the data. Whatever comes from a user goes into the page
as data, never as HTML.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from tinygrad_edu.escaping import in_html, in_script

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


def page(kind: str, title: str, data: Mapping[str, Any], picture: str = "") -> str:
    """A page of one kind.

    title: plain text. data: what the script of that kind of page reads, made of what JSON can say. picture: an SVG element.
    """
    body, *scripts = _PARTS[kind]
    parts = {
        "title": in_html(title),
        "style": _asset("page.css"),
        "body": _filled(_asset(body), {"picture": picture, "controls": _asset("controls.html")}),
        "data": in_script(data),
        "script": "".join(map(_asset, ["language.js", *scripts])),
    }
    return _filled(_asset("page.html"), parts)


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
