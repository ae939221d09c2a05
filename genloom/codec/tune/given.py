"""A melody that is given: what a tune goes on from, or what bars of it are filled in anew.

Knows how a melody arrives (a path, bytes, the text of ABC) and the numbers of bars as people count
them; makes the ids that come first. Knows no net.
"""

from __future__ import annotations

import re
from typing import Any

from genloom.codec.music.scores import scores_in
from genloom.codec.tune.asked import Asked, asked, split_where
from genloom.codec.tune.events import events
from genloom.codec.tune.item import HEADER, Tune, around
from genloom.codec.tune.words import BAR, DOUBLE, FIELDS, MOST_GAP
from genloom.errors import DataError, RequestError
from genloom.music.bars import barred
from genloom.music.score import Score

BARS = "bars"
_RANGE = re.compile(r"(\d{1,5})(?:\s*-\s*(\d{1,5}))?$")


def begun(item: Any, prompt: str | None, where: Any) -> list[int]:
    """The ids that come first. where: bars=5-8 are made anew; without, the tune goes on behind its
    last bar. Other fields take the place of its own, its melody moving along with the key."""
    fields, bars = split_where(where, BARS)
    wanted = asked(prompt, fields)
    if wanted.motif:
        raise RequestError("a melody is given and begun in the prompt: say one", param="prompt")
    score = given_score(item)
    try:
        ids = list(item.ids) if isinstance(item, Tune) else events(score)
    except DataError as error:
        raise RequestError(f"the given melody cannot be told ({error})", param="item") from None
    head, body = _headed(ids[:HEADER], wanted), ids[HEADER:]
    if bars is None:
        if body[-1] == DOUBLE and not (score.bars and score.bars[-1].double):
            body[-1] = BAR
        return [*wanted.plan, *head, *body]
    first, size = _span(bars, barred(score))
    return [*wanted.plan, *head, *around(body, first, size, told=False)]


def given_score(item: Any) -> Score:
    """RequestError where it is no melody, or several."""
    try:
        found = scores_in(item)
    except DataError as error:
        raise RequestError(f"the given melody cannot be read ({error})", param="item") from None
    if len(found) != 1:
        raise RequestError(f"the given file holds {len(found)} tunes: give one", param="item")
    return found[0]


def _headed(head: list[int], wanted: Asked) -> list[int]:
    own = dict(zip(FIELDS, head, strict=True))
    return list({**own, **wanted.fields}.values())


def _span(text: str, score: Score) -> tuple[int, int]:
    """(place of the first bar, how many) of "5-8", the first full bar being 1, an upbeat 0."""
    found = _RANGE.match(text.strip())
    low, high = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
    numbers = bar_numbers(score)
    places = [place for place, one in enumerate(numbers) if low <= one <= high]
    if not places or high > numbers[-1] or len(places) > MOST_GAP:
        raise RequestError(
            f"where: no bars {text.strip()[:40]!r} in a melody of {numbers[-1]} bars: give numbers "
            f"such as 5-8, {MOST_GAP} at most",
            param="where",
        )
    return places[0], len(places)


def bar_numbers(score: Score) -> list[int]:
    """As people count: the upbeat of the tune is 0, those of later sections go with the bar that
    they lead to."""
    out, count = [], 0
    for place, bar in enumerate(score.bars):
        short = score.metre is not None and bar.length <= score.metre.bar / 2
        if not short:
            count += 1
        out.append(count + (short and place > 0))
    return out
