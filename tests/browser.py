"""A browser without a window, for the tests of pages.

Where there is no Chromium these tests are left out; with NEED_CHROMIUM=1 in the environment, as in CI, they fail there instead.
"""

import os
import shutil
import subprocess
from html import escape
from html.parser import HTMLParser

import pytest

BROWSER = next(filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome", "chrome"])), None)
IS_NEEDED = os.environ.get("NEED_CHROMIUM") == "1"
in_a_browser = pytest.mark.skipif(BROWSER is None and not IS_NEEDED, reason="there is no Chromium to open the page in")


SIGNS = {"mfrac": "/", "mroot": "√", "msub": "_", "munder": "_", "msup": "^", "mover": "^", "msubsup": "_^", "munderover": "_^"}
"""What is written between the parts of an element of MathML, if it is written as a line of text."""


class Elements(HTMLParser):
    """What a page holds: for each id the classes, and the text inside of it, of formulas without spaces, each on a line."""

    def __init__(self, html):
        super().__init__()
        self.classes, self.texts, self.tags, self._open, self.title = {}, {}, [], [], ""
        self._parents = [["", 0]]
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.append((tag, attrs))
        parent, before = self._parents[-1]
        self._parents[-1][1] += 1
        if before and parent in SIGNS:
            self._say(SIGNS[parent][min(before, len(SIGNS[parent])) - 1])
        if tag == "div" and self._open[-1:] == ["formulas"] and "formulas" in self.texts:
            self._say("\n")
        if "id" in attrs:
            self.classes[attrs["id"]] = (attrs.get("class") or "").split()
        if tag not in ("meta", "link", "input", "br"):
            self._open.append("title element" if tag == "title" else attrs.get("id"))
            self._parents.append([tag, 0])

    def handle_endtag(self, tag):
        if self._open:
            self._open.pop()
            self._parents.pop()

    def handle_data(self, text):
        if self._open and self._open[-1] == "title element":
            self.title += text
        self._say(text)

    def _say(self, text):
        for name in filter(None, self._open):
            self.texts[name] = self.texts.get(name, "") + text


def plain(tree):
    """A tree of MathML as a line of text."""

    def markup(tree):
        inside = (markup(part) if isinstance(part, list) else escape(part) for part in tree[1:] if not isinstance(part, dict))
        return f"<{tree[0]}>{''.join(inside)}</{tree[0]}>"

    return Elements(f'<p id="formula">{markup(tree)}</p>').texts.get("formula", "").replace("\u00a0", " ")


# A window cannot be made as narrow as a telephone, but a frame can. What it holds is copied into the page around it.
FRAME = """<!doctype html><html><head><meta charset="utf-8"></head><body>
<iframe id="frame" width="{width}" height="800" srcdoc="{page}"></iframe><pre id="told"></pre>
<script>
const frame = document.getElementById("frame"), told = document.getElementById("told");
const tell = () => {{ told.textContent = frame.contentDocument.documentElement.outerHTML; }};
addEventListener("load", () => {{
  tell();
  new MutationObserver(tell).observe(frame.contentDocument.querySelector("title"), {{ childList: true }});
}});
</script></body></html>"""


def opened(html, tmp_path, where="", script="", *options, width=None):
    """The page as it stands after the browser has run it, with another script at its end; in a frame of this width, if given."""
    probe = f"""<script>
    const complain = (what) => document.body.append("PAGE ERROR " + what);
    addEventListener("error", (e) => complain(e.message));
    addEventListener("securitypolicyviolation", (e) => complain("asked for " + e.blockedURI));
    console.error = console.warn = complain;
    location.hash = "{where}";
    </script>"""
    assert BROWSER, "NEED_CHROMIUM=1, but there is no Chromium to open the page in"
    page = html.replace("<body>", "<body>" + probe).replace("</body>", f"<script>{script}</script></body>")
    path = tmp_path / "page.html"
    path.write_text(FRAME.format(width=width, page=escape(page)) if width else page, "utf-8")
    command = [BROWSER, "--headless=new", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=1000", "--dump-dom"]
    dom = subprocess.run([*command, *options, path.as_uri()], capture_output=True, text=True, timeout=60, check=True).stdout
    if width:
        dom = Elements(dom).texts["told"]
    assert "PAGE ERROR" not in dom.replace(probe, "")
    return Elements(dom)
