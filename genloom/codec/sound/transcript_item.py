"""A transcript as an item: it reads as its text and keeps when each word is heard and how surely.

Knows letters and times; no sound, no tensor.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from genloom.speech.subtitles import Word

APOSTROPHES = dict.fromkeys(map(ord, "\u2018\u2019\u02bc\u00b4`"), "'")


@dataclass(frozen=True, kw_only=True)
class HeardWord(Word):
    """confidence: from 0 to 1, the geometric mean of the chances of its letters."""

    confidence: float


class Transcript(str):
    """words: with their times in seconds and how sure each is; seconds: of the whole sound."""

    words: tuple[HeardWord, ...]
    seconds: float

    def __new__(cls, words: Sequence[HeardWord], seconds: float) -> Self:
        made = super().__new__(cls, " ".join(word.text for word in words))
        made.words, made.seconds = tuple(words), seconds
        return made

    @property
    def confidence(self) -> float:
        """Of the whole: the mean of its words', 0 where nothing is heard."""
        return sum(word.confidence for word in self.words) / max(1, len(self.words))

    def told(self) -> dict[str, Any]:
        """JSON values of all that is known."""
        words = [
            {
                "word": word.text,
                "start": round(word.begin, 3),
                "end": round(word.end, 3),
                "confidence": round(word.confidence, 4),
            }
            for word in self.words
        ]
        whole = {"seconds": round(self.seconds, 3), "confidence": round(self.confidence, 4)}
        return {"text": str(self), **whole, "words": words}


def letters(text: str) -> str:
    """What of a text is heard: small letters, digits and apostrophes, one space between words."""
    small = unicodedata.normalize("NFKC", text).casefold().translate(APOSTROPHES)
    kept = "".join(c if _sounds(c) else " " for c in small)
    return " ".join(word.strip("'") for word in kept.split() if word.strip("'"))


def _sounds(character: str) -> bool:
    return character == "'" or unicodedata.category(character)[0] in "LMN"
