r"""Words from outside, as they can stand in each language: one function for each.

Names, keys, reprs and error texts may hold anything. What comes out of here begins, ends and commands nothing in the language that
it is for, and can be written as UTF-8. Nothing here knows what the words mean.
"""

from __future__ import annotations

import html
import json
import re
from typing import Any


def printable(words: str) -> str:
    r"""For terminals and files of plain text: what is unseen, as a command to the terminal, is replaced. Line breaks stay.

    >>> print(printable("red \x1b[31m, turned \u202e, half \ud800"))
    red �[31m, turned �, half �
    """
    if words.isprintable():
        return words
    return "".join(sign if sign.isprintable() or sign == "\n" else " " if sign.isspace() else "\ufffd" for sign in words)


def one_line(words: str) -> str:
    r"""The same on a single line.

    >>> one_line("a\nb")
    'a b'
    """
    return printable(words.replace("\n", " "))


_LATEX = {
    "\\": r"\backslash ", "{": r"\lbrace ", "}": r"\rbrace ", "_": r"\_", "^": r"\wedge ", "#": r"\#", "$": r"\$", "%": r"\%",
    "&": r"\&", "~": r"\sim ", '"': r"\text{''}", " ": r"\ ", "<": "{<}", ">": "{>}",
}  # fmt: skip
"""Brackets have words, so that those of a formula can be counted; in a notebook `{<}` begins no tag of HTML."""


def in_latex(words: str) -> str:
    r"""For a formula.

    >>> print(in_latex("50% of {x}, \\input"))
    50\%\ of\ \lbrace x\rbrace ,\ \backslash input
    """
    return "".join(_LATEX.get(sign, sign) for sign in one_line(words))


_FROM_LATEX = {escape: sign for sign, escape in _LATEX.items()}
_ESCAPES = re.compile("|".join(map(re.escape, sorted(_FROM_LATEX, key=len, reverse=True))))


def out_of_latex(formula: str) -> str:
    r"""The words that `in_latex` made this of.

    >>> print(out_of_latex(r"50\%\ of\ \lbrace x\rbrace "))
    50% of {x}
    """
    return _ESCAPES.sub(lambda found: _FROM_LATEX[found[0]], formula)


def in_html(words: str) -> str:
    """For the text of HTML and for the values of its attributes, in quotation marks.

    >>> in_html('<b title="x">')
    '&lt;b title=&quot;x&quot;&gt;'
    """
    return html.escape(printable(words))


def in_script(data: Any) -> str:
    r"""Data as JSON in a script element of HTML, which only `</` or `<!--` could end or change.

    >>> print(in_script({"name": "</script>"}))
    {"name": "\u003c/script>"}
    """
    form = json.dumps(data, ensure_ascii=False, allow_nan=False).replace("<", r"\u003c")
    return "".join(sign if sign.isprintable() else json.dumps(sign)[1:-1] for sign in form)


def in_dot(words: str) -> str:
    r"""For a label of Graphviz, in quotation marks. It reads the entities of HTML there, and escapes of its own.

    >>> print(in_dot('"\\N" & <b>'))
    \"\\N\" &amp; &lt;b&gt;
    """
    return html.escape(one_line(words), quote=False).replace("\\", "\\\\").replace('"', '\\"')


_PLAIN_IN_MERMAID = frozenset(" =+−-·/*@.,()[]…^_'")


def in_mermaid(words: str) -> str:
    """For a label of Mermaid, in quotation marks. (It reads directives, `%%{init: …}%%`, in labels, too, and loses a semicolon
    after `style…:`.)

    >>> in_mermaid('y = "θ"')
    'y = #34;θ#34;'
    """
    return "".join(sign if sign.isalnum() or sign in _PLAIN_IN_MERMAID else f"#{ord(sign)};" for sign in one_line(words))
