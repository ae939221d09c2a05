"""Subtitles: who says what from when to when, as SubRip (SRT) and WebVTT.

Knows times and texts. A cue is a sentence; long ones are broken into two rows.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

ROW = 42  # characters of a row, as broadcasters have it


@dataclass(frozen=True, kw_only=True)
class Cue:
    """begin, end: seconds."""

    begin: float
    end: float
    text: str
    speaker: str = ""


def srt(cues: Sequence[Cue]) -> str:
    blocks = [
        f"{number}\n{_time(cue.begin, ',')} --> {_time(cue.end, ',')}\n{_rows(_named(cue))}\n"
        for number, cue in enumerate(cues, 1)
    ]
    return "\n".join(blocks)


def vtt(cues: Sequence[Cue]) -> str:
    blocks = ["WEBVTT\n"]
    for cue in cues:
        text = html.escape(cue.text, quote=False)
        voice = f"<v {html.escape(cue.speaker, quote=False)}>" if cue.speaker else ""
        blocks.append(f"{_time(cue.begin, '.')} --> {_time(cue.end, '.')}\n{voice}{_rows(text)}\n")
    return "\n".join(blocks)


def _named(cue: Cue) -> str:
    return f"{cue.speaker}: {cue.text}" if cue.speaker else cue.text


def _time(seconds: float, sign: str) -> str:
    thousandths = round(1000 * max(seconds, 0.0))
    minutes, rest = divmod(thousandths, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02}{sign}{rest % 1000:03}"


def _rows(text: str) -> str:
    """In two rows at the space nearest to the middle, where one would be too long."""
    spaces = [n for n, letter in enumerate(text) if letter == " "]
    if len(text) <= ROW or not spaces:
        return text
    middle = min(spaces, key=lambda n: abs(n - len(text) / 2))
    return f"{text[:middle]}\n{text[middle + 1 :]}"
