"""What made tunes are like: whether they read, add up, are in their key, and are nobody's.

Each share is over all that were made; what cannot be read counts as a failure of everything. Knows
scores and words of bars; no model and no file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass

from genloom.errors import DataError
from genloom.music.abc_reading import read_abc
from genloom.music.bars import faults
from genloom.music.key_finder import found_key
from genloom.music.keys import Key
from genloom.music.score import Score

Runs = Set[tuple[tuple[int, ...], ...]]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Of one tune. key: as written is as asked; found: a key finder finds the asked one; tonic,
    signature: it finds at least these."""

    parses: bool = False
    adds_up: bool = False
    closed: bool = False
    found: bool = False
    tonic: bool = False
    signature: bool = False


def verdict(text: str, asked: Key) -> Verdict:
    """Of a tune in ABC."""
    try:
        (score,) = read_abc(text)
    except (DataError, ValueError):
        return Verdict()
    found = found_key(score)
    return Verdict(
        parses=True,
        adds_up=not faults(score),
        closed=bool(score.bars and (score.bars[-1].ends or score.bars[-1].double)),
        found=(found.pitch_class, found.mode) == (asked.pitch_class, asked.mode),
        tonic=found.pitch_class == asked.pitch_class,
        signature=(found.fifths - asked.fifths) % 12 == 0,
    )


def share(verdicts: Sequence[Verdict], name: str) -> float:
    """Of tunes of which this is so."""
    return sum(getattr(one, name) for one in verdicts) / max(len(verdicts), 1)


def copied(
    tunes: Sequence[Sequence[int]],
    known: Sequence[Sequence[int]],
    runs: Callable[[Sequence[int], int], Runs],
    bars: int,
) -> float:
    """The share of tunes (ids) with so many bars in a row that stand in a known one, in any key."""
    learnt: set[tuple[tuple[int, ...], ...]] = set()
    for one in known:
        learnt |= runs(one, bars)
    return sum(bool(runs(one, bars) & learnt) for one in tunes) / max(len(tunes), 1)


def scored(text: str) -> Score | None:
    """None where it cannot be read."""
    try:
        return read_abc(text)[0]
    except (DataError, ValueError):
        return None
