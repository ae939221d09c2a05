"""/v1/audio/*: speech from a model that makes audio, transcriptions from one that hears it.

Which model can is asked of the model; where none can, the answer says so. Knows shapes and formats.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncGenerator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import Field
from starlette.responses import StreamingResponse

from genloom.server.access import Who
from genloom.server.call import Call
from genloom.server.failure import Failure
from genloom.server.forms import described, form_of, read_form
from genloom.server.leaving import while_there
from genloom.server.making import Made, ended, item_of, keep, make, steps
from genloom.server.routes.images_schema import seed_of
from genloom.server.routes.sampling import LARGEST_SEED, seed_header
from genloom.server.schema import Asked, refused
from genloom.server.service import Here, Service
from genloom.server.sniffing import sniffed
from genloom.server.sse import EventStream, event
from genloom.server.suited import fits, suited, unsuited
from genloom.sound.wav_head import wav_head

router = APIRouter(prefix="/v1/audio", tags=["audio"])
SOUND, RECORDED = ("audio/*",), ("audio/*", "video/*")
HEARD = "audio"  # the name of a file that a model hears
MOST, PIECE = 25 << 20, 32 << 10  # bytes of a recording; of one piece of speech
# response_format -> (suffix of the file that is made, its media type)
FORMATS = {
    "mp3": (".mp3", "audio/mpeg"),
    "opus": (".opus", "audio/ogg"),
    "aac": (".aac", "audio/aac"),
    "flac": (".flac", "audio/flac"),
    "wav": (".wav", "audio/wav"),
    "pcm": (".pcm", "audio/pcm"),
}
STREAMED = ("wav", "pcm")  # go out piece by piece, while the rest of a long text is made
LONGEST = 200_000  # characters with their marks; how many are said at once the model decides
Sent = Literal["sse", "audio"]  # how speech goes out
IN_EVENTS: Sent = "sse"


class VoiceName(Asked):
    id: str


class Speech(Asked):
    model: str
    input: Annotated[str, Field(min_length=1, max_length=LONGEST)]
    voice: str | VoiceName | None = None
    instructions: Annotated[str, Field(max_length=4096)] | None = None
    response_format: Literal["mp3", "opus", "aac", "flac", "wav", "pcm"] = "mp3"
    speed: Annotated[float, Field(ge=0.25, le=4)] = 1.0
    stream_format: Sent = "audio"
    seed: Annotated[int, Field(ge=0, le=LARGEST_SEED)] | None = None


class Transcription(Asked):
    model: str
    language: str | None = None
    languages: list[str] | None = None
    prompt: str | None = None
    response_format: Literal["json", "text", "srt", "verbose_json", "vtt", "diarized_json"] = "json"
    temperature: Annotated[float, Field(ge=0, le=1)] | None = None
    timestamp_granularities: list[Literal["word", "segment"]] | None = None
    include: list[str] | None = None
    chunking_strategy: Any = None
    known_speaker_names: list[str] | None = None
    known_speaker_references: list[str] | None = None
    keywords: list[str] | None = None
    stream: bool = False


# --- speech ---------------------------------------------------------------------------------------


@router.post("/speech", response_model=None)
async def speak(
    request: Request,
    body: Speech,
    caller: Who,
    service: Here,
) -> Response:
    about = await suited(service, body.model, SOUND, "a model of speech")
    suffix, media = FORMATS[body.response_format]
    seed = seed_of(body.seed)
    streamed = body.response_format in STREAMED
    given = {"prompt": body.input, "seed": seed, "suffix": suffix, "pieces": streamed}
    given |= _manner(body, about)
    call = Call(model=body.model, task="generate", given=given, owner=caller.owner)
    headers = seed_header(seed)
    if body.stream_format == IN_EVENTS:
        return EventStream(_spoken_events(service, call, suffix), headers=headers)
    pieces = _spoken(service, call, suffix, Made())
    first = await while_there(request, _first(pieces))  # what fails before it is no 200
    return StreamingResponse(_whole(first, pieces), media_type=media, headers=headers)


async def _first(pieces: AsyncGenerator[bytes]) -> bytes:
    return await anext(pieces, b"")


async def _whole(first: bytes, rest: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    try:
        yield first
        async for piece in rest:
            yield piece
    finally:
        await rest.aclose()


def _manner(body: Speech, about: Any) -> dict[str, Any]:
    """The voice as a condition, speed and instructions as options, where the model has them."""
    takes, voices = about.get("takes", ()), about.get("voices") or ()
    where: dict[str, Any] = {}
    options: dict[str, Any] = {}
    voice = body.voice.id if isinstance(body.voice, VoiceName) else body.voice
    if voice is not None:
        if voice not in voices:
            known = ", ".join(voices) or "none: leave it out"
            raise refused("voice", f"voices of this model are {known}")
        where["voice"] = voice
    for field, usual in (("speed", 1.0), ("instructions", None)):
        value = getattr(body, field)
        if value != usual and field not in takes:
            raise refused(field, "this model does not act on it: leave it out")
        if value != usual:
            options[field] = value
    return {**({"where": where} if where else {}), **({"options": options} if options else {})}


async def _spoken(service: Service, call: Call, suffix: str, made: Made) -> AsyncGenerator[bytes]:
    """A text of several pieces piece by piece, where its format can; else the finished file, which
    has its record inside. The file is kept in any case."""
    begun = False
    async for one in steps(service, call, made):
        if one.kind == "piece" and one.values["of"] > 1:
            if not begun and suffix == FORMATS["wav"][0]:
                yield wav_head(one.values["rate"])
            begun = True
            yield one.blob or b""
        elif one.kind == "asset":
            item = item_of(one)
            await keep(service, call.owner, item)
            for at in range(0, 0 if begun else len(item.data), PIECE):
                yield item.data[at : at + PIECE]


async def _spoken_events(service: Service, call: Call, suffix: str) -> AsyncGenerator[bytes]:
    made = Made()
    async for piece in _spoken(service, call, suffix, made):
        data = base64.b64encode(piece).decode()
        yield event({"type": "speech.audio.delta", "audio": data}, "speech.audio.delta")
    done = {"type": "speech.audio.done", "usage": ended(made.usage)}
    yield event(done, "speech.audio.done")


# --- transcriptions -------------------------------------------------------------------------------


@router.post("/transcriptions", response_model=None, openapi_extra=described(Transcription, "file"))
async def transcribe(
    request: Request,
    caller: Who,
    service: Here,
) -> Response:
    form = await form_of(request, {"file": 1}, MOST)
    sent, body = form.file("file"), read_form(Transcription, form)
    if not fits(sniffed(sent.data) or "", RECORDED):
        raise Failure(
            415,
            "file is no recording in a known format: wav, mp3, flac, ogg, mp4 and webm are",
            code="unsupported_media_type",
            param="file",
        )
    about = await service.engines.about(body.model)
    if not about.get("texts") or HEARD not in about.get("accepts", ()):
        raise unsuited(about, "a model that hears recordings")
    for field in UNHEARD:
        if getattr(body, field) is not None:
            raise refused(field, "models here write down what they hear, and nothing besides")
    way = WRITTEN.get(body.response_format)
    if way is None or body.stream:
        raise refused("response_format", "json and text are told by this model, as a whole")
    given = {"prompt": body.prompt, "seed": 0, "options": {"temperature": body.temperature or 0.0}}
    blobs = {HEARD: sent.data}
    call = Call(model=body.model, task="generate", given=given, blobs=blobs, owner=caller.owner)
    made = await make(service, call)
    return way(made)


def _in_json(made: Made) -> Response:
    usage = {"type": "tokens", **ended(made.usage)}
    return JSONResponse({"text": made.texts.get(0, ""), "usage": usage})


def _bare(made: Made) -> Response:
    return PlainTextResponse(made.texts.get(0, ""))


UNHEARD = (
    *("language", "languages", "timestamp_granularities", "include", "chunking_strategy"),
    *("known_speaker_names", "known_speaker_references", "keywords"),
)
WRITTEN = {"json": _in_json, "text": _bare}  # response_format -> the answer


@router.get("/voices")
async def voices(
    model: str,
    service: Here,
) -> dict[str, Any]:
    """The voices that a model of speech has."""
    about = await suited(service, model, SOUND, "a model of speech")
    data = [
        {"id": name, "object": "audio.voice", "name": name, "type": "audio_sample", "created_at": 0}
        for name in about.get("voices") or ()
    ]
    return {"object": "list", "data": data, "has_more": False}
