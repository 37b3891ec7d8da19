"""Pages: one file of HTML with everything in it, that asks nothing of the network.

The looks and the behaviour are in `assets`; here they are put together with the data. Whatever comes from a user goes into the page
as data, never as HTML.
"""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any


def page(kind: str, title: str, data: Mapping[str, Any], picture: str = "") -> str:
    """A page of one kind: `steps`, `descent`, or `contents`.

    title: plain text. data: what the script of that kind of page reads, made of what JSON can say. picture: an SVG element.
    """
    parts = {
        "title": html.escape(title),
        "style": _asset("page.css"),
        "body": _asset(f"{kind}.html").replace("{{picture}}", picture),
        # In a script element nothing but `</` and `<!--` could end it or change its meaning.
        "data": json.dumps(data, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c"),
        "script": _asset("language.js") + _asset(f"{kind}.js"),
    }
    filled = _asset("page.html")
    for name, part in parts.items():
        filled = filled.replace(f"{{{{{name}}}}}", part, 1)
    return filled


def _asset(name: str) -> str:
    return files(__package__).joinpath("assets", name).read_text("utf-8")
