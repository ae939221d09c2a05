"""What is said when: words with their times, and subtitles of them (SubRip, WebVTT).

A subtitle has two lines of 42 characters and seven seconds at most, as broadcasters have them, and
none reaches over a pause. Knows words and times, no sound.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape

from genloom.errors import UsageError
from genloom.speech.sentences import ends

LINE, LINES, LONGEST = 42, 2, 7.0  # characters, lines, seconds
PAUSE = 0.6  # seconds between words, over which no subtitle reaches
HOLD = 0.3  # seconds that a subtitle stays, where nothing follows


@dataclass(frozen=True, kw_only=True)
class Word:
    """text: as it was written; begin, end: seconds of the whole sound."""

    text: str
    begin: float
    end: float


@dataclass(frozen=True, kw_only=True)
class Cue:
    """One subtitle: its lines, and the seconds within which it is shown."""

    text: str
    begin: float
    end: float


def cues(words: Iterable[Sequence[Word]]) -> list[Cue]:
    """words: of one piece after the other; a subtitle ends where a piece does, if a pause follows
    or the next word would not fit."""
    flat = [word for some in words for word in some]
    groups: list[list[Word]] = []
    for word in flat:
        if groups and _together([*groups[-1], word]):
            groups[-1].append(word)
        else:
            groups.append([word])
    made: list[Cue] = []
    for number, group in enumerate(groups):
        following = groups[number + 1][0].begin if number + 1 < len(groups) else float("inf")
        end = min(following, group[-1].end + HOLD)
        text = "\n".join(_lines(group))
        made.append(Cue(text=text, begin=group[0].begin, end=max(end, group[0].begin + 0.001)))
    return made


def _lines(words: Sequence[Word]) -> list[str]:
    return textwrap.wrap(" ".join(word.text for word in words), LINE)


def _together(words: Sequence[Word]) -> bool:
    last, word = words[-2:]
    short = len(_lines(words)) <= LINES and word.end - words[0].begin <= LONGEST
    return short and word.begin - last.end < PAUSE and not ends(last.text, word.text)


# --- files ----------------------------------------------------------------------------------------


def srt(some: Sequence[Cue]) -> str:
    """SubRip."""
    blocks = [
        f"{number}\n{_time(cue.begin, ',')} --> {_time(cue.end, ',')}\n{_safe(cue.text)}\n"
        for number, cue in enumerate(some, 1)
    ]
    return "\n".join(blocks)


def vtt(some: Sequence[Cue]) -> str:
    """WebVTT."""
    blocks = []
    for cue in some:
        text = escape(_safe(cue.text), quote=False)
        blocks.append(f"{_time(cue.begin, '.')} --> {_time(cue.end, '.')}\n{text}\n")
    return "\n".join(["WEBVTT\n", *blocks])


def _safe(text: str) -> str:
    """Without what would end a cue."""
    return text.replace("-->", "\u2192")


def _time(seconds: float, point: str) -> str:
    whole = max(0, round(seconds * 1000))
    minutes, rest = divmod(whole, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}{point}{rest % 1000:03}"


WRITTEN: dict[str, Callable[[Sequence[Cue]], str]] = {".srt": srt, ".vtt": vtt}


def subtitles(words: Iterable[Sequence[Word]], suffix: str) -> str:
    """What a file of this suffix holds. UsageError for another than .srt and .vtt."""
    form = WRITTEN.get(suffix.lower())
    if form is None:
        told = suffix or "a file without a suffix"
        raise UsageError(f"subtitles as {told}: give a file that ends in {' or '.join(WRITTEN)}")
    return form(cues(words))
