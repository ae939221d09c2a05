"""SVG that stands alone: a white page with its title told to screen readers, and words on it.

Knows no plot.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

INK = "#222222"


def page(title: str, width: int, height: int, parts: Iterable[str]) -> str:
    """A whole file, its colours in itself."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" aria-label="{escape(title, quote=True)}">'
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>{"".join(parts)}</svg>\n'
    )


def words(x: float, y: float, text: str, anchor: str, size: int = 11, colour: str = INK) -> str:
    at = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{colour}"'
    return f'<text {at} font-family="sans-serif">{escape(text)}</text>'
