"""Subtitles: lines that fit, times that are right, and files as their readers want them."""

from __future__ import annotations

import itertools
import re

import pytest

from genloom.errors import UsageError
from genloom.speech.subtitles import LINE, LINES, LONGEST, Cue, Word, cues, srt, subtitles, vtt


def spoken(text: str, pace: float = 0.3, gap: float = 0.05) -> list[Word]:
    return [
        Word(text=word, begin=n * (pace + gap), end=n * (pace + gap) + pace)
        for n, word in enumerate(text.split())
    ]


def test_sentences_and_pauses_end_a_subtitle() -> None:
    first = spoken("One two. Three")
    later = [Word(text="four", begin=9.0, end=9.5)]
    made = cues([first, later])
    assert [cue.text for cue in made] == ["One two.", "Three", "four"]
    assert made[0].end == made[1].begin or made[0].end <= made[1].begin
    assert made[1].begin == first[2].begin and made[2].end == pytest.approx(9.8)


def test_lines_and_times_have_limits() -> None:
    made = cues([spoken("somewhat longer words " * 40, pace=0.5)])
    for cue in made:
        lines = cue.text.split("\n")
        assert len(lines) <= LINES and max(map(len, lines)) <= LINE
        assert cue.end - cue.begin <= LONGEST + 0.31
    assert (
        " ".join(cue.text.replace("\n", " ") for cue in made).split()
        == ("somewhat longer words " * 40).split()
    )
    assert all(a.end <= b.begin for a, b in itertools.pairwise(made))


def test_files_are_as_their_readers_want_them() -> None:
    some = [
        Cue(text="a < b", begin=0.0, end=1.2346),
        Cue(text="x --> y", begin=3661.5, end=3662.0),
    ]
    assert srt(some) == (
        "1\n00:00:00,000 --> 00:00:01,235\na < b\n\n2\n01:01:01,500 --> 01:01:02,000\nx \u2192 y\n"
    )
    assert vtt(some) == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:01.235\na &lt; b\n\n"
        "01:01:01.500 --> 01:01:02.000\nx \u2192 y\n"
    )
    assert re.match(r"1\n", subtitles([spoken("one")], ".SRT"))
    with pytest.raises(UsageError, match=r"\.srt or \.vtt"):
        subtitles([], ".ass")


def test_a_dot_of_an_abbreviation_ends_no_subtitle() -> None:
    assert [one.text for one in cues([spoken("Ask Dr. Lee. He knows.")])] == [
        "Ask Dr. Lee.",
        "He knows.",
    ]
