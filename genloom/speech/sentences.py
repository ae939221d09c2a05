"""Where a sentence ends: by the mark behind a word, by whether that is an abbreviation, and by how
the next word begins. Knows two words at a time.
"""

from __future__ import annotations

import re

CLOSING = "\"'\u201d\u2019)]\u00bb"
OPENING = "\"'\u201c\u2018([\u00ab"
ABBREVIATED = re.compile(
    r"(?:Mr|Mrs|Ms|Dr|Prof|St|Gen|Col|Capt|Lt|Sgt|Rev|Gov|Sen|Rep|Pres|Hon|Messrs|Mt|Ft|No|vs|cf|"
    r"e\.g|i\.e|approx|Fig|Vol|ca|al|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec|[A-HJ-Z]|"
    r"(?:[A-Za-z]\.)+[A-Za-z])\."
)


def ends(word: str, following: str) -> bool:
    """Whether a sentence ends between these two."""
    bare, begins = word.rstrip(CLOSING), following.lstrip(OPENING)[:1]
    if not bare.endswith((".", "?", "!", "\u2026")):
        return False
    if bare.endswith(".") and ABBREVIATED.fullmatch(bare.lstrip(OPENING)):
        return bare.lstrip(OPENING) == "No." and not begins.isdigit()
    return not begins.islower()
