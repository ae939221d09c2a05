"""A tune as an item: it reads as ABC, and keeps the words that it is learnt in.

Knows how variations of a tune are told: its header in another order, another key, a gap that is
filled last. Knows no file.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Self

from genloom.codec.tune_events import events, shifted
from genloom.codec.tune_words import AFTER, BAR, BEFORE, DOUBLE, FIELDS, REPEAT, TYPES_AT
from genloom.errors import DataError
from genloom.music.abc_reading import read_abc
from genloom.music.abc_writing import write_abc
from genloom.music.score import Score

HEADER = len(FIELDS)
LEAST_BARS = 4  # of a tune in which a gap is made
UNTOLD = 0.1  # of variations: their type is not told
UP = range(-5, 7)  # semitones of variations


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


def varied(item: Tune, draw: random.Random, *, moves: bool, gap: bool) -> Tune:
    """The tune told otherwise: fields in any order; in another key; with a gap of whole bars, what
    stands behind it first."""
    ids = list(item.ids)
    if moves:
        ids = shifted(ids, draw.choice(UP)) or ids
    head, body = ids[:HEADER], ids[HEADER:]
    if draw.random() < UNTOLD:
        head[0] = TYPES_AT
    draw.shuffle(head)
    if gap:
        body = gapped(body, draw)
    return Tune(item, [*head, *body], item.name, varied=True)


def gapped(body: list[int], draw: random.Random) -> list[int]:
    """AFTER, what stands behind a gap, BEFORE, what stands before it, and the gap itself."""
    lines = [n + 1 for n, one in enumerate(body) if one in (BAR, REPEAT, DOUBLE)]
    if len(lines) < LEAST_BARS:
        return body
    size = draw.randint(1, max(1, len(lines) // 2))
    first = draw.randint(0, len(lines) - size - 1)
    start, stop = ([0, *lines][first], [0, *lines][first + size])
    return [AFTER, *body[stop:], BEFORE, *body[:start], *body[start:stop]]
