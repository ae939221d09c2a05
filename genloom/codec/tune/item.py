"""A tune as an item: it reads as ABC, and keeps the words that it is learnt in.

Knows how variations of a tune are told: its header in another order, another key, a gap that is
filled last. Knows no file.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Self

from genloom.codec.tune.chords import chorded, plan_of
from genloom.codec.tune.events import events, shifted
from genloom.codec.tune.words import (
    AFTER,
    BAR,
    BARS_AT,
    BEFORE,
    DOUBLE,
    FIELDS,
    MOST_GAP,
    REPEAT,
    TYPES_AT,
)
from genloom.errors import DataError
from genloom.music.abc_reading import read_abc
from genloom.music.abc_writing import write_abc
from genloom.music.score import Score

HEADER = len(FIELDS)
LEAST_BARS = 4  # of a tune in which a gap is made
UNTOLD = 0.1  # of variations: their type is not told
UP = range(-5, 7)  # semitones of variations
PLANNED = (2, 4, 8)  # bars whose chords are told ahead
CLOSING = (BAR, REPEAT, DOUBLE)


class Tune(str):
    """ids: its words, neither bos nor eos; varied: these are not the usual ones."""

    ids: tuple[int, ...]
    name: str
    varied: bool

    def __new__(
        cls, text: str, ids: Sequence[int], name: str = "", *, varied: bool = False
    ) -> Self:
        made = super().__new__(cls, text)
        made.ids, made.name, made.varied = tuple(ids), name, varied
        return made

    @classmethod
    def of(cls, score: Score) -> Self:
        """DataError where it has no words."""
        return cls(write_abc(score), events(score), score.title)


def tune(item: object) -> Tune:
    """A tune from a tune or from the text of one. DataError says what is wrong with it."""
    if isinstance(item, Tune):
        return item
    if not isinstance(item, str):
        raise DataError(f"a tune is given as ABC text, not as {type(item).__name__}")
    scores = read_abc(item)
    if len(scores) != 1:
        raise DataError(f"a text of {len(scores)} tunes: give one at a time")
    return Tune(item, events(scores[0]), scores[0].title)


def varied(
    item: Tune, draw: random.Random, *, moves: bool, gap: bool, chords: bool = False, most: int = 0
) -> Tune:
    """The tune told otherwise: fields in any order; in another key; with a gap of whole bars, what
    stands behind it first; with chords, some told ahead. most: ids of one, 0 any number."""
    ids = list(item.ids)
    if moves:
        ids = shifted(ids, draw.choice(UP)) or ids
    plan: list[int] = []
    if chords:
        with_chords = chorded(ids)
        plan = plan_of(with_chords, draw.choice(PLANNED))
        if most and len(with_chords) + len(plan) > most:
            plan, with_chords = [], ids
        ids = with_chords
    head, body = ids[:HEADER], ids[HEADER:]
    if draw.random() < UNTOLD:
        head[0] = TYPES_AT
    draw.shuffle(head)
    if gap:
        body = gapped(body, draw)
    return Tune(item, [*plan, *head, *body], item.name, varied=True)


def gapped(body: list[int], draw: random.Random) -> list[int]:
    """A gap of some bars, up to half of them, wherever it is."""
    count = sum(one in CLOSING for one in body)
    if count < LEAST_BARS:
        return body
    size = draw.randint(1, min(MOST_GAP, count // 2))
    return around(body, draw.randint(0, count - size), size, told=True)


def around(body: list[int], first: int, size: int, *, told: bool) -> list[int]:
    """AFTER, what stands behind a gap of `size` bars from the first-th on, BEFORE, what stands
    before it and how many bars are to come; then, where told, the gap. The line that closes its
    last bar counts to what stands behind."""
    lines = [n + 1 for n, one in enumerate(body) if one in CLOSING]
    start, stop = [0, *lines][first], lines[first + size - 1] - 1
    known = [AFTER, *body[stop:], BEFORE, *body[:start], BARS_AT + size - 1]
    return [*known, *body[start:stop]] if told else known
