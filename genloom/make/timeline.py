"""Where everything is heard: sentences with their pauses, chapters, and music around them.

What a brief's length leaves over is shared out to pauses and music, within what still sounds
natural. Knows seconds alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from genloom.codec.sound.marks import Mark
from genloom.make.saying import Said

LEAD = 0.6  # seconds by which a chapter begins before its first word
# (shortest, usual, longest) seconds: of music before and behind all, between chapters, between
# lines; and of rests within a line, as factors
WITH_MUSIC = {"intro": (2.0, 4.0, 12.0), "outro": (2.5, 5.0, 15.0), "chapter": (1.2, 2.5, 8.0)}
WITHOUT = {"intro": (0.2, 0.4, 1.0), "outro": (0.3, 0.6, 1.5), "chapter": (0.6, 1.0, 2.0)}
SPOKEN = {"line": (0.25, 0.45, 0.9), "rest": (0.4, 0.8, 1.6)}


@dataclass(frozen=True, kw_only=True)
class Spoken:
    """A piece in its place: chapter by number, seconds as it was made; rest: seconds of silence
    behind it within a line, 0 at a line's end; pause: those that the script asks for there; at:
    seconds at which it begins."""

    said: Said
    chapter: int
    seconds: float = 0.0
    rest: float = 0.0
    pause: float = 0.0
    at: float = 0.0

    @property
    def speaker(self) -> str:
        return self.said.speaker

    @property
    def text(self) -> str:
        return self.said.text

    @property
    def end(self) -> float:
        return self.at + self.seconds


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """sentences in their places; chapters without gaps; seconds of the whole; intro and outro:
    seconds of music alone."""

    sentences: tuple[Spoken, ...]
    chapters: tuple[Mark, ...]
    seconds: float
    intro: float
    outro: float


def laid(
    sentences: Sequence[Spoken],
    titles: Sequence[str],
    seconds: float | None = None,
    music: bool = True,
    pace: float = 1.0,
) -> Timeline:
    """Sentences one after another. seconds: the length that the whole is to have, as far as pauses
    can make it; pace: a factor on pauses while somebody speaks."""
    gaps = _fitted(_gaps(sentences, music, pace), sentences, seconds)
    at, placed = gaps["intro"], []
    for number, one in enumerate(sentences):
        if number:
            at += _gap(gaps, sentences[number - 1], one)
        placed.append(replace(one, at=at))
        at += one.seconds
    whole = at + (sentences[-1].pause if sentences else 0.0) + gaps["outro"]
    marks = _chapters(placed, titles, whole)
    return Timeline(
        sentences=tuple(placed),
        chapters=marks,
        seconds=whole,
        intro=gaps["intro"],
        outro=gaps["outro"],
    )


def usual(sentences: Sequence[Spoken], music: bool, pace: float) -> float:
    """Seconds of everything but speech, where nothing is stretched."""
    gaps = {kind: one[1] for kind, one in _gaps(sentences, music, pace).items()}
    return _silent(gaps, sentences)


def _gaps(
    sentences: Sequence[Spoken], music: bool, pace: float
) -> dict[str, tuple[float, float, float]]:
    spoken = {
        kind: (low, min(usual * pace, high), high) for kind, (low, usual, high) in SPOKEN.items()
    }
    return {**(WITH_MUSIC if music else WITHOUT), **spoken}


def _gap(gaps: Mapping[str, float], before: Spoken, after: Spoken) -> float:
    if before.chapter != after.chapter:
        return gaps["chapter"] + before.pause
    if not before.rest:
        return gaps["line"] + before.pause
    return gaps["rest"] * before.rest


def _silent(gaps: Mapping[str, float], sentences: Sequence[Spoken]) -> float:
    between = sum(_gap(gaps, a, b) for a, b in pairwise(sentences))
    return gaps["intro"] + gaps["outro"] + between + (sentences[-1].pause if sentences else 0.0)


def _fitted(
    gaps: dict[str, tuple[float, float, float]], sentences: Sequence[Spoken], seconds: float | None
) -> dict[str, float]:
    """One share of the way from the usual gaps to the shortest, or to the longest, for all."""
    low, middle, high = ({kind: one[n] for kind, one in gaps.items()} for n in range(3))
    if seconds is None:
        return middle
    wanted = seconds - sum(one.seconds for one in sentences)
    far = low if _silent(middle, sentences) > wanted else high
    room = _silent(far, sentences) - _silent(middle, sentences)
    share = (wanted - _silent(middle, sentences)) / room if room else 0.0
    share = min(max(share, 0.0), 1.0)
    return {kind: middle[kind] + share * (far[kind] - middle[kind]) for kind in gaps}


def _chapters(placed: Sequence[Spoken], titles: Sequence[str], whole: float) -> tuple[Mark, ...]:
    firsts = {one.chapter: one.at for one in reversed(placed)}
    begins = [max(0.0, firsts[n] - LEAD) if n else 0.0 for n in sorted(firsts)]
    ends = [*begins[1:], whole]
    names = [titles[n] for n in sorted(firsts)]
    return tuple(
        Mark(title=title, begin=begin, end=end)
        for title, begin, end in zip(names, begins, ends, strict=True)
    )
