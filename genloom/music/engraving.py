"""Scores as pictures: MusicXML engraved by Verovio, all systems on one page as SVG.

Verovio comes with the extra `music`. Nothing is fetched: its music font lies in the package. Knows
scores; no file.
"""

from __future__ import annotations

import re
import threading
from functools import cache
from typing import Any

from genloom.errors import DataError, MissingExtra
from genloom.music.musicxml_writing import write_musicxml
from genloom.music.score import Score

WIDE = 2_100  # tenths of a millimetre: a page of A4 across
TALL = 60_000
MOST_DRAWN = 20_000  # notes; one page of more is no picture to look at
# a title, nested in ways that not every renderer places alike; it becomes one plain text
_TITLE = re.compile(
    r'<text font-size="0px">\s*<tspan[^>]*? x="(-?\d+)" y="(-?\d+)" text-anchor="(\w+)">'
    r'(?:(?!</text>).)*?<tspan font-size="(\d+)px">([^<]*)</tspan>(?:(?!</text>).)*</text>',
    re.DOTALL,
)
_ONE = threading.Lock()  # its resources are shared in the process


def engraved(score: Score) -> str:
    """SVG. DataError where there is too much to draw or Verovio cannot."""
    if score.notes > MOST_DRAWN:
        raise DataError(f"a score of {score.notes:,} notes: {MOST_DRAWN:,} at most are drawn")
    text = write_musicxml(score, tempo=False).decode()
    with _ONE:
        toolkit = _toolkit()
        toolkit.resetXmlIdSeed(1)  # the same score is the same picture
        if not toolkit.loadData(text):
            raise DataError("Verovio cannot read this score: write it as .musicxml")
        svg: str = toolkit.renderToSVG(1)
    plain = r'<text x="\1" y="\2" text-anchor="\3" font-size="\4px">\5</text>'
    return _TITLE.sub(plain, svg, count=1)


@cache
def _toolkit() -> Any:
    made = library().toolkit()
    made.setOptions(
        {
            "pageWidth": WIDE,
            "pageHeight": TALL,
            "adjustPageHeight": True,
            "breaks": "auto",
            "footer": "none",
            "header": "auto",
            "scale": 50,
            "svgViewBox": True,
            "svgHtml5": False,
        }
    )
    return made


def library() -> Any:
    """The module verovio, which says nothing on stderr."""
    try:
        import verovio as module
    except ImportError:
        raise MissingExtra("verovio", "music") from None
    module.enableLog(module.LOG_OFF)
    return module
