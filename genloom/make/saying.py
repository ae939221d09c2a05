"""Sentences become sounds: several at once on one engine, each kept as soon as it is there.

Knows speakers and kept parts; not where in the whole a sentence is heard.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from genloom import api
from genloom.engine.engine import Engine
from genloom.engine.requests import Encoder
from genloom.errors import RequestError
from genloom.make.cast import Speaker
from genloom.make.kept import Kept, Part
from genloom.spec import Request

TOGETHER = 8  # sentences of one voice that are made at once


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """speaker: a name of the cast."""

    speaker: str
    text: str


BREAK = re.compile(r"(?<=[,;:\u2014])\s+")  # better places to breathe
SPACE = re.compile(r"\s+")


def pieces(speaker: Speaker, text: str) -> list[str]:
    """A sentence as a model can say it: whole, or cut where one breathes, else between words.
    RequestError where not even a word can be said."""
    try:
        Encoder(speaker.model)(speaker.request(text, 0, 1.0))
        return [text]
    except RequestError:
        found = [*BREAK.finditer(text)] or [*SPACE.finditer(text.strip())]
        if not found:
            raise
    cut = min(found, key=lambda one: abs(one.start() - len(text) / 2))
    before, behind = text[: cut.start()], text[cut.end() :]
    return pieces(speaker, before) + pieces(speaker, behind)


Heard = Callable[[Sentence, Part], None]


def said(
    sentences: Sequence[Sentence],
    cast: Mapping[str, Speaker],
    kept: Kept,
    seed: int,
    speed: float,
    heard: Heard = lambda sentence, part: None,
) -> list[Part]:
    """A part for each sentence, in order. heard: told of each as soon as it is there."""
    parts: dict[Sentence, Part] = {}
    for name, speaker in cast.items():
        wanted = [one for one in dict.fromkeys(sentences) if one.speaker == name]
        missing: list[tuple[Sentence, Request]] = []
        for one in wanted:
            request = speaker.request(one.text, seed, speed)
            found = kept.find(api.record(speaker.model, request))
            if found is None:
                missing.append((one, request))
            else:
                parts[one] = found
                heard(one, found)
        for start in range(0, len(missing), TOGETHER):
            for one, part in _made(speaker, missing[start : start + TOGETHER], kept):
                parts[one] = part
                heard(one, part)
    return [parts[one] for one in sentences]


def _made(
    speaker: Speaker, missing: Sequence[tuple[Sentence, Request]], kept: Kept
) -> list[tuple[Sentence, Part]]:
    """On one engine: a sentence is the same whatever is made beside it."""
    model = speaker.model
    with Engine(model) as engine:
        asked = [(one, request, engine.submit(request)) for one, request in missing]
        return [
            (one, kept.keep(model.codec, generation.result()[0], api.record(model, request)))
            for one, request, generation in asked
        ]
