"""Where things are heard: nothing overlaps, and lengths are met within what is natural."""

from __future__ import annotations

import pytest

from genloom.make.saying import Said
from genloom.make.timeline import WITH_MUSIC, Spoken, laid, usual


def some(count: int = 6) -> list[Spoken]:
    return [
        Spoken(
            said=Said(speaker="ab"[n // 2 % 2], prompt="x", text="x"),
            chapter=n // 3,
            seconds=1.0 + n / 10,
            rest=0.4 if n % 2 == 0 else 0.0,
            pause=2.0 if n == 3 else 0.0,
        )
        for n in range(count)
    ]


def test_pieces_follow_each_other_with_their_pauses() -> None:
    line = laid(some(), ("One", "Two"))
    gaps = [b.at - a.end for a, b in zip(line.sentences, line.sentences[1:], strict=False)]
    chapter = WITH_MUSIC["chapter"][1]
    assert gaps == pytest.approx([0.32, 0.45, chapter, 2.45, 0.32])
    assert line.seconds == pytest.approx(sum(x.seconds for x in some()) + usual(some(), True, 1.0))
    assert [(m.title, m.begin) for m in line.chapters] == [
        ("One", 0.0),
        ("Two", pytest.approx(line.sentences[3].at - 0.6)),
    ]
    assert line.chapters[-1].end == line.seconds


@pytest.mark.parametrize("share", [0.9, 1.0, 1.4])
def test_the_length_that_is_asked_for(share: float) -> None:
    natural = laid(some(), ("One", "Two")).seconds
    assert laid(some(), ("One", "Two"), share * natural).seconds == pytest.approx(share * natural)


def test_no_pause_leaves_what_is_natural() -> None:
    short, long = (laid(some(), ("One", "Two"), seconds) for seconds in (1.0, 1000.0))
    assert short.intro == WITH_MUSIC["intro"][0] and long.intro == WITH_MUSIC["intro"][2]
    assert short.seconds > 1 and long.seconds < 60
