"""What models of recordings write down, and how far that is from what was said.

Knows engines and texts; no tensor.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from genloom.codec.sound.transcript_item import Transcript
from genloom.engine.engine import Engine
from genloom.errors import UsageError
from genloom.metric.error_rate import character_counts, rate, word_counts
from genloom.metric.interval import Interval
from genloom.model import Model
from genloom.spec import Options, Request


def transcripts(model: Model, sounds: Sequence[Any], beams: int | None = None) -> list[Transcript]:
    """What is heard in each: paths, bytes, recordings or Sounds, of any length."""
    options = Options(beams=beams)
    with Engine(model) as engine:
        asked = [engine.submit(Request(item=sound, options=options)) for sound in sounds]
        made = [one.result()[0] for one in asked]
    strange = next((one for one in made if not isinstance(one, Transcript)), None)
    if strange is not None:
        raise UsageError(
            f"{model.recipe.name} makes {model.codec.media}, not transcripts: give a recogniser"
        )
    return made


def character_errors(
    model: Model, sounds: Sequence[Any], texts: Sequence[str], beams: int | None = None
) -> Interval:
    """The character error rate of what the model hears against what was said, with its 95 %
    interval over the recordings. Case and punctuation do not count."""
    said, heard = _sides(model, sounds, texts, beams)
    return rate(character_counts(said, heard))


def word_errors(
    model: Model, sounds: Sequence[Any], texts: Sequence[str], beams: int | None = None
) -> Interval:
    """The word error rate, likewise."""
    said, heard = _sides(model, sounds, texts, beams)
    return rate(word_counts(said, heard))


def _sides(
    model: Model, sounds: Sequence[Any], texts: Sequence[str], beams: int | None
) -> tuple[list[str], list[str]]:
    if len(sounds) != len(texts) or not len(sounds):
        raise UsageError(f"{len(sounds)} sounds and {len(texts)} texts: give a text to each")
    made = transcripts(model, sounds, beams)
    codec: Any = model.codec  # it says what counts as the same
    return codec.captions(texts), codec.captions(made)
