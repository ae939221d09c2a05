"""Lines become sounds: cut into pieces that a model says at a time, several at once on one engine,
each kept as soon as it is there, with the times of its words.

Knows speakers and kept parts; not where in the whole a piece is heard. How a text is cut and a
piece is said is the business of genloom.saying.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from genloom import api
from genloom.engine.engine import Engine
from genloom.make.cast import Speaker
from genloom.make.kept import Kept, Part
from genloom.saying import Saying, foretold
from genloom.spec import Request
from genloom.speech.pieces import Piece
from genloom.speech.subtitles import Word

TOGETHER = 8  # pieces of one voice that are made at once
WORDS = "words"  # of a part's record: [text, begin, end] each, in seconds of the part


@dataclass(frozen=True, kw_only=True)
class Said:
    """What one of the cast says at a time: prompt: as the model is told; text: as it was written;
    rate: of its pace; pause: seconds of silence behind it."""

    speaker: str
    prompt: str
    text: str
    rate: float = 1.0
    pause: float = 0.0


Heard = Callable[[Said, Part], None]


def pieces(name: str, speaker: Speaker, text: str) -> list[Said]:
    """A line as its speaker can say it. RequestError where nothing of it can be said."""
    codec: Any = speaker.model.codec
    prompts: Any = speaker.model.prompts
    where = None if speaker.voice is None else {"voice": speaker.voice}
    cut: list[Piece] = prompts.pieces(codec.worded(text, where))
    return [
        Said(speaker=name, prompt=one.prompt, text=one.text, rate=one.rate, pause=one.pause)
        for one in cut
    ]


def said(
    wanted: Sequence[Said],
    cast: Mapping[str, Speaker],
    kept: Kept,
    seed: int,
    speed: float,
    heard: Heard = lambda one, part: None,
) -> list[Part]:
    """A part for each piece, in order. heard: told of each as soon as it is there."""
    parts: dict[Said, Part] = {}
    for name, speaker in cast.items():
        missing: list[tuple[Said, Request]] = []
        for one in dict.fromkeys(piece for piece in wanted if piece.speaker == name):
            request = speaker.request(one.prompt, seed, speed * one.rate)
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
    return [parts[one] for one in wanted]


def _made(
    speaker: Speaker, missing: Sequence[tuple[Said, Request]], kept: Kept
) -> list[tuple[Said, Part]]:
    """On one engine: a piece is the same whatever is made beside it."""
    model, made = speaker.model, []
    with Engine(model) as engine:
        asked = [(one, request, Saying(model, request)) for one, request in missing]
        begun = [engine.submit(saying.next()) for _, _, saying in asked]
        for (one, request, saying), generation in zip(asked, begun, strict=True):
            generation.result()
            told = saying.take(generation)
            while not saying.done:  # of what was cut once more
                generation = engine.submit(saying.next())
                generation.result()
                told += saying.take(generation)
            words = [[w.text, round(w.begin, 3), round(w.end, 3)] for t in told for w in t.words]
            record = {**api.record(model, request), WORDS: words}
            made.append((one, kept.keep(model.codec, saying.items()[0], record)))
    return made


def lasting(wanted: Sequence[Said], cast: Mapping[str, Speaker]) -> dict[Said, float]:
    """Seconds that each piece will last at the voice's own pace, with the silence around it; pieces
    of models that foretell nothing are left out."""
    found: dict[Said, float] = {}
    for name, speaker in cast.items():
        with Engine(speaker.model) as engine:
            for one in dict.fromkeys(piece for piece in wanted if piece.speaker == name):
                seconds = foretold(engine, speaker.request(one.prompt, 0, one.rate))
                if seconds is None:
                    break
                found[one] = seconds
    return found


def words_of(part: Part, at: float) -> list[Word]:
    """The words of a part that is heard at this second of the whole."""
    told = part.record.get(WORDS) or ()
    return [Word(text=text, begin=at + begin, end=at + end) for text, begin, end in told]
