"""Markdown as a text to learn from: as it is, without the front matter that stands before it.

Knows the two marks between which front matter stands; nothing of what Markdown means.
"""

from __future__ import annotations

import re

SUFFIXES = (".md", ".markdown", ".mdx", ".qmd", ".rmd")
_FRONT = re.compile(
    r"\A\s*(---|\+\+\+)[ \t]*\r?\n(.*?\r?\n)?(\1|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL
)
_KEY = re.compile(r"^[ \t]*(['\"]?[\w.-]+['\"]?[ \t]*[:=]|#|[-\[{}\]])", re.MULTILINE)


def without_front_matter(text: str) -> str:
    """The text after its front matter. Two rules with prose between them are none."""
    found = _FRONT.match(text)
    if found is None or (found[2] and not _KEY.match(found[2].lstrip())):
        return text
    return text[found.end() :].lstrip("\r\n")
