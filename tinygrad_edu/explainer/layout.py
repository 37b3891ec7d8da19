"""Where the nodes of a picture go. Graphviz decides; this is the only place that knows it is there."""

from __future__ import annotations

import re

from tinygrad_edu.errors import MissingExtraError, UnsupportedError

MOST_PIXELS = 16_000
"""A bitmap is at most so wide and so high. (Graphviz squeezes what it cannot paint, beyond 32767, until it cannot be read.)"""
_POINTS_PER_INCH = 72
_SMALLEST = 0.6  # smaller than this part of its size a picture is not made to fit: it could not be read


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


def png(dot: str) -> bytes:
    """The same as a bitmap: of two pixels per point, or fewer where there would be too many of them; on white ground.

    Raises
    ------
    UnsupportedError: if there would be too many even with one pixel per point.
    """
    width, height = re.findall(r'(?:width|height)="(\d+)pt"', laid_out(dot, "svg").decode())[:2]
    longest = max(int(width), int(height))
    if longest > MOST_PIXELS:
        raise UnsupportedError(
            f"as a bitmap this picture would be {width} by {height} pixels; a .png is made up to {MOST_PIXELS}. Save it as .svg, "
            "which has no such limit, or draw a Value in the middle of the computation."
        )
    resolution = _POINTS_PER_INCH * min(2.0, MOST_PIXELS / longest)
    return laid_out(dot.replace('"transparent"', f'"white", dpi={resolution:g}', 1), "png")


def svg(dot: str, style: str) -> str:
    """The same as an SVG element with a style sheet, without what Graphviz writes around it.

    Where there is too little room for it, it becomes smaller; a frame around it may have to be scrolled all the same.
    """
    picture = laid_out(dot, "svg").decode()
    picture = re.sub(r"<title>.*?</title>\n|<!--.*?-->\n", "", picture[picture.index("<svg") :], flags=re.DOTALL)
    opening, rest = picture.split(">", 1)
    least_width, least_height = (
        f"{_SMALLEST * int(length):.0f}pt" for length in re.findall(r'(?:width|height)="(\d+)pt"', opening)
    )
    size = f"max-width: 100%; min-width: {least_width}; height: auto; min-height: {least_height}"
    return f'{opening} style="{size}">\n<style>{style}</style>{rest}'
