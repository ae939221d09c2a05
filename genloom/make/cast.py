"""Who speaks: the models and voices behind the names of a script.

Each model is loaded once, whatever it says. Knows models by what they offer: voices, and the
options that they act on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genloom import api, saying
from genloom.codec.sound.recordings import Recording
from genloom.errors import UsageError
from genloom.make.brief import Voice
from genloom.sound.wave import Sound
from genloom.spec import Request


@dataclass(frozen=True, kw_only=True)
class Speaker:
    """model; voice: one of the model's, None where it has none; recording and consent: of a voice
    of one's own."""

    model: api.Model
    voice: str | None = None
    recording: Recording | None = None
    consent: str = ""

    def request(self, text: str, seed: int, speed: float) -> Request:
        """What is asked of the model for a text within which its voice is told."""
        fields: dict[str, Any] = {}
        if self.recording is not None:
            fields = {"item": self.recording, "consent": self.consent}
        if speed != 1.0 and "speed" in self.model.family.takes:
            fields["speed"] = speed
        return api.request_of(text, 1, seed, None, 0, None, fields)


def cast(voices: Mapping[str, Voice], device: str = "auto") -> dict[str, Speaker]:
    """Speakers by name. UsageError for a model that says nothing, and a voice that it has not."""
    if not voices:
        raise UsageError("nobody speaks: give voices, such as  --voice anna=MODEL:VOICE")
    models = {name: api.load(name, device) for name in {one.model for one in voices.values()}}
    taken = {(one.model, one.voice) for one in voices.values()}
    found: dict[str, Speaker] = {}
    for name, one in voices.items():
        voice = one.voice or _free(one.model, models[one.model], taken)
        found[name] = _speaker(name, one, models[one.model], voice)
    return found


def _free(name: str, model: api.Model, taken: set[tuple[str, str]]) -> str:
    """The first of its voices that nobody has yet, the first where all are taken."""
    known = _voices(model)
    voice = next((one for one in known if (name, one) not in taken), known[0] if known else "")
    taken.add((name, voice))
    return voice


def _voices(model: api.Model) -> tuple[str, ...]:
    return tuple(getattr(model.codec, "voices", ()))


def _speaker(name: str, asked: Voice, model: api.Model, voice: str) -> Speaker:
    if not saying.says(model):
        raise UsageError(
            f"{asked.model}, which is to be {name}, does not speak: train one with "
            "genloom train speech"
        )
    known = _voices(model)
    if voice and voice not in known:
        told = ", ".join(known) or "none: leave it out"
        raise UsageError(f"{asked.model} has no voice {voice!r} for {name}; it has {told}")
    recording = None
    if asked.recording:
        if not asked.consent.strip():
            raise UsageError(
                f"the voice {name} is of a recording: say in `consent` that whoever speaks there "
                "agrees"
            )
        path = Path(asked.recording).expanduser()
        recording = Recording(path, name=str(path))
    return Speaker(model=model, voice=voice or None, recording=recording, consent=asked.consent)


def rate_of(cast_: Mapping[str, Speaker], bed: Sound | None) -> int:
    """Samples a second of the whole: the highest that a part has."""
    codecs: list[Any] = [speaker.model.codec for speaker in cast_.values()]
    rates = [codec.cut.rate for codec in codecs]
    return max(rates + ([] if bed is None else [bed.rate]))
