"""How a mouth stands while something is said: opening and width by the time, from words with times.

Each letter (or sound) has a shape, as animators draw them (Parent 2012, Computer Animation, chapter
on facial animation); within a word the letters share its time, vowels twice as long as consonants;
between two shapes the mouth goes evenly. Knows words and seconds, no sound and no picture.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from genloom.speech.subtitles import Word

# letters -> (open 0..1, wide 0..1); sounds of the International Phonetic Alphabet among them
SHAPES: dict[str, tuple[float, float]] = {
    **dict.fromkeys("a\u0251\u00e6\u028c\u0252", (1.0, 0.6)),
    **dict.fromkeys("e\u025b\u0259\u025c\u025a", (0.65, 0.7)),
    **dict.fromkeys("iy\u026a", (0.4, 0.9)),
    **dict.fromkeys("o\u0254", (0.75, 0.25)),
    **dict.fromkeys("u\u028aw", (0.45, 0.1)),
    **dict.fromkeys("mbp", (0.0, 0.5)),
    **dict.fromkeys("fv", (0.12, 0.55)),
    **dict.fromkeys("l\u03b8\u00f0", (0.4, 0.55)),
    **dict.fromkeys("sz\u0283\u0292cj", (0.2, 0.6)),
    **dict.fromkeys("tdnr\u0279", (0.3, 0.55)),
    **dict.fromkeys("kgxqh\u014b\u0261", (0.35, 0.5)),
}
VOWELS = frozenset("aeiouy\u0251\u00e6\u028c\u0252\u025b\u0259\u025c\u025a\u026a\u0254\u028a")
REST = (0.0, 0.5)
LEAD = 0.05  # seconds by which lips are there before they are heard, as in natural speech
CLOSING = 0.08  # seconds in which a mouth closes behind a word that a pause follows, and opens


@dataclass(frozen=True, kw_only=True)
class Mouth:
    """open: 0 closed, 1 as far as it goes; wide: 0 rounded, 1 spread."""

    open: float
    wide: float


def stands(words: Iterable[Word], seconds: float, rate: float) -> list[Mouth]:
    """The mouth at the middle of each of so many frames a second, LEAD before what it says."""
    keys = _keys(list(words))
    times = [key[0] for key in keys]
    made = []
    for n in range(round(seconds * rate)):
        wide, opened = _between(keys, times, (n + 0.5) / rate + LEAD)
        made.append(Mouth(open=opened, wide=wide))
    return made


def _keys(words: Sequence[Word]) -> list[tuple[float, float, float]]:
    """(second, wide, open): the middles of letters, and rests around words that pauses part."""
    keys: list[tuple[float, float, float]] = []
    for number, word in enumerate(words):
        letters = [one for one in _plain(word.text) if one in SHAPES]
        if not letters or word.end <= word.begin:
            continue
        before = words[number - 1].end if number else -1.0
        after = words[number + 1].begin if number + 1 < len(words) else word.end + 1.0
        if word.begin - before > 2 * CLOSING:
            keys.append((word.begin - CLOSING / 2, REST[1], REST[0]))
        shares = [2.0 if one in VOWELS else 1.0 for one in letters]
        step, at = (word.end - word.begin) / sum(shares), word.begin
        for one, share in zip(letters, shares, strict=True):
            opened, wide = SHAPES[one]
            keys.append((at + share * step / 2, wide, opened))
            at += share * step
        if after - word.end > 2 * CLOSING:
            keys.append((word.end + CLOSING / 2, REST[1], REST[0]))
    return keys


def _plain(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", text.lower()) if c.isalpha())


def _between(
    keys: Sequence[tuple[float, float, float]], times: Sequence[float], at: float
) -> tuple[float, float]:
    place = bisect_right(times, at)
    if not keys or place == 0 or place == len(keys):
        return REST[1], REST[0]
    (t0, w0, o0), (t1, w1, o1) = keys[place - 1], keys[place]
    part = (at - t0) / (t1 - t0) if t1 > t0 else 1.0
    return w0 + part * (w1 - w0), o0 + part * (o1 - o0)
