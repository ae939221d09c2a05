"""/v1/audio/transcriptions: what is said in a recording, from a model that writes down recordings.

Which model does is asked of its form. What cannot be honoured is refused by name. Knows shapes of
answers; decodes no sound.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import Field

from genloom.server.access import Who
from genloom.server.call import Call
from genloom.server.failure import Failure
from genloom.server.forms import described, form_of, read_form
from genloom.server.making import make
from genloom.server.schema import Asked, refused
from genloom.server.service import Here
from genloom.server.sniffing import sniffed
from genloom.server.suited import fits, named, suited, unsuited
from genloom.speech.subtitles import Word, cues, srt, vtt

router = APIRouter(prefix="/v1/audio", tags=["audio"])
TEXT, RECORDED = ("text/plain",), ("audio/*",)
MOST = 25 << 20  # bytes of a recording
FILE = "file"  # what the client calls the recording
GIVEN = ("control", "item")  # what the engine calls it
WORDS, SEGMENTS = "word", "segment"
Grain = Literal["word", "segment"]
LEAST = 1e-9  # confidence of which a logarithm is told
Values = Mapping[str, Any]


class Transcription(Asked):
    model: str
    language: str | None = None
    languages: list[str] | None = None
    prompt: str | None = None
    response_format: Literal["json", "text", "srt", "verbose_json", "vtt", "diarized_json"] = "json"
    temperature: Annotated[float, Field(ge=0, le=1)] | None = None
    timestamp_granularities: list[Grain] | None = None
    include: list[str] | None = None
    chunking_strategy: Any = None
    known_speaker_names: list[str] | None = None
    known_speaker_references: list[str] | None = None
    keywords: list[str] | None = None
    stream: bool = False


@router.post("/transcriptions", response_model=None, openapi_extra=described(Transcription, FILE))
async def transcribe(
    request: Request,
    caller: Who,
    service: Here,
) -> Response:
    form = await form_of(request, {FILE: 1}, MOST)
    sent, body = form.file(FILE), read_form(Transcription, form)
    if not fits(sniffed(sent.data) or "", RECORDED):
        raise Failure(
            415,
            "file is no recording in a known format: wav, mp3, flac and ogg are",
            code="unsupported_media_type",
            param=FILE,
        )
    about = await suited(service, body.model, TEXT, WANTED)
    name = _taken(about)
    _refuse(body)
    given = {"seed": 0, "suffix": ".json"}
    blobs = {name: sent.data}
    call = Call(model=body.model, task="generate", given=given, blobs=blobs, owner=caller.owner)
    with named(FILE, *GIVEN):
        made = await make(service, call)
    return WRITTEN[body.response_format](json.loads(made.items[0].data), body)


WANTED = "a model that writes down recordings"


def _taken(about: Values) -> str:
    """As what the model takes a recording. Failure where it takes none."""
    takes = about["form"]["takes"]
    for name in GIVEN:
        if any(fits(media, RECORDED) for media in takes.get(name, ())):
            return name
    raise unsuited(about, WANTED)


def _refuse(body: Transcription) -> None:
    """Failure 400 that names what cannot be honoured."""
    for field in UNHEARD:
        if getattr(body, field) is not None:
            raise refused(field, "models here write down what they hear, and nothing besides")
    if body.temperature:
        raise refused("temperature", "what is heard is not drawn: 0 is expected")
    if body.stream:
        raise refused("stream", "a recording is written down as a whole: leave it out")
    if body.response_format not in WRITTEN:
        raise refused("response_format", f"{', '.join(WRITTEN)} are known: no speakers are told")
    if body.timestamp_granularities and body.response_format != VERBOSE:
        raise refused("timestamp_granularities", f"told in response_format {VERBOSE} only")


# --- answers --------------------------------------------------------------------------------------


def _in_json(told: Values, body: Transcription) -> Response:
    return JSONResponse({"text": told["text"], "usage": _usage(told)})


def _bare(told: Values, body: Transcription) -> Response:
    return PlainTextResponse(told["text"] + "\n")


def _verbose(told: Values, body: Transcription) -> Response:
    grains = body.timestamp_granularities or [SEGMENTS]
    answer: dict[str, Any] = {
        "task": "transcribe",
        "language": "unknown",
        "duration": told["seconds"],
        "text": told["text"],
        "usage": _usage(told),
    }
    if SEGMENTS in grains:
        answer["segments"] = _segments(told)
    if WORDS in grains:
        answer["words"] = told["words"]
    return JSONResponse(answer)


def _segments(told: Values) -> list[dict[str, Any]]:
    """The subtitles, each with the mean logarithm of its words' confidence."""
    out = []
    for number, cue in enumerate(cues((_words(told),))):
        inside = [w for w in told["words"] if cue.begin <= w["start"] < cue.end]
        sure = [math.log(max(w["confidence"], LEAST)) for w in inside]
        text = cue.text.replace("\n", " ")
        times = {"start": round(cue.begin, 3), "end": round(cue.end, 3)}
        out.append(
            {"id": number, **times, "text": text, "avg_logprob": sum(sure) / max(1, len(sure))}
        )
    return out


def _srt(told: Values, body: Transcription) -> Response:
    return PlainTextResponse(srt(cues((_words(told),))))


def _vtt(told: Values, body: Transcription) -> Response:
    return PlainTextResponse(vtt(cues((_words(told),))), media_type="text/vtt")


def _words(told: Values) -> list[Word]:
    return [Word(text=w["word"], begin=w["start"], end=w["end"]) for w in told["words"]]


def _usage(told: Values) -> dict[str, Any]:
    return {"type": "duration", "seconds": math.ceil(told["seconds"])}


VERBOSE = "verbose_json"
UNHEARD = (
    *("language", "languages", "prompt", "include", "chunking_strategy", "known_speaker_names"),
    *("known_speaker_references", "keywords"),
)
WRITTEN: dict[str, Callable[[Values, Transcription], Response]] = {
    "json": _in_json,
    "text": _bare,
    VERBOSE: _verbose,
    "srt": _srt,
    "vtt": _vtt,
}  # response_format -> the answer
