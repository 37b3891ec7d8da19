"""Where the nodes of a picture go. Graphviz decides; this is the only place that knows it is there."""

from __future__ import annotations

import re

from tinygrad_edu.errors import MissingExtraError


def laid_out(dot: str, form: str) -> bytes:
    """A graph in Graphviz's language as a picture: `"svg"` or `"png"`.

    Raises
    ------
    MissingExtraError: if pygraphviz, which brings Graphviz along, is not installed.
    """
    try:
        from pygraphviz import AGraph  # type: ignore[import-untyped,import-not-found,unused-ignore]
    except ImportError as error:
        raise MissingExtraError(
            'pictures are laid out by Graphviz, which comes with the extra "draw": pip install "tinygrad_edu[draw]". '
            "Without it there are .dot and .mermaid, texts that other programs (GitHub, for one) turn into pictures."
        ) from error
    picture: bytes = AGraph(string=dot).draw(format=form, prog="dot")
    return picture


def svg(dot: str, style: str) -> str:
    """The same as an SVG element with a style sheet, without what Graphviz writes around it."""
    picture = laid_out(dot, "svg").decode()
    picture = re.sub(r"<title>.*?</title>\n|<!--.*?-->\n", "", picture[picture.index("<svg") :], flags=re.DOTALL)
    opening, rest = picture.split(">", 1)
    return f"{opening}>\n<style>{style}</style>{rest}"
